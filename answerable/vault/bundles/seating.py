"""A seat: its public key, the blocks that its holder takes away, and its handover."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from answerable.engines import tlog
from answerable.vault import primitives, seal
from answerable.vault.bundles import reading
from answerable.vault.bundles.reading import BadBundle, Fields, b64
from answerable.vault.identity import IdentityBlock
from answerable.vault.primitives import Unopenable

SEAT_PUBLIC, BLOCKS, HANDOVER = "answerable-seat-public/1", "answerable-seat-blocks/1", "answerable-seat-handover/2"


def seat_public(name: str, public: bytes) -> bytes:
    """The file by which a seat makes its public key known (`seat.pub`). Raises BadBundle for an improper name."""
    raw = tlog.canonical({"format": SEAT_PUBLIC, "name": name, "key": b64(public)})
    open_seat_public(raw)
    return raw


def open_seat_public(raw: bytes) -> tuple[str, bytes]:
    """(name, public key). Raises BadBundle. The file proves nothing: compare the fingerprint with the seat's holder."""
    read = Fields.read(raw, SEAT_PUBLIC, "seat's public key", 16 * 1024)
    found = read.name("name"), read.public_key("key")
    read.close()
    return found


@dataclass(frozen=True)
class Handover:
    """What the first line of a handover says: whose seat, the old key's fingerprint, the new public key."""

    seat: str
    old_fingerprint: str
    new_public: bytes

    def line(self) -> bytes:
        return tlog.canonical(
            {"format": HANDOVER, "seat": self.seat, "old": self.old_fingerprint, "new": b64(self.new_public)}
        ) + b"\n"  # fmt: skip


def block_line(block: IdentityBlock) -> bytes:
    """One identity block as a line of a handover, and of the file that the vault gives a seat to hand over."""
    return tlog.canonical({"subject": block.subject, "block": b64(block.to_bytes())}) + b"\n"


def read_block_line(line: bytes) -> IdentityBlock:
    """The block of one line. Raises BadBundle."""
    if not line.endswith(b"\n") or len(line) > reading.LARGEST:
        raise BadBundle("The line is cut off or longer than a block can be.")
    try:
        data = json.loads(line)
        proper = tlog.canonical(data) + b"\n" == line
    except (ValueError, RecursionError):
        data, proper = None, False
    if not proper:
        raise BadBundle("The line is not one identity block.")
    read = Fields(data, "line")
    subject, raw = read.ref("subject"), read.blob("block")
    read.close()
    try:
        block = IdentityBlock.from_bytes(raw)
    except Unopenable:
        raise BadBundle("The line holds no identity block.") from None
    reading.check_block(block, raw)
    if block.subject != subject:
        raise BadBundle("The line names another claim than its block.")
    return block


def _challenge_context(seat: str, fingerprint: str) -> bytes:
    return f"answerable-handover-challenge/1|{seat}|{fingerprint}".encode()


def blocks_head(seat: str, public: bytes, challenge: bytes) -> bytes:
    """The first line of the file that the vault gives a seat to hand over: `challenge` (32 bytes) for its key alone."""
    fingerprint = seal.fingerprint(public)
    sealed = seal.wrap(public, challenge, _challenge_context(seat, fingerprint))
    return tlog.canonical({"format": BLOCKS, "seat": seat, "key": fingerprint, "challenge": b64(sealed)}) + b"\n"


def open_challenge(line: bytes, seat: str, private: bytes) -> bytes:
    """What the vault sealed to a seat's present key, opened with it. Raises BadBundle for another seat's or key's file."""
    head = Fields.read(line.removesuffix(b"\n"), BLOCKS, "file of blocks", 16 * 1024)
    named, fingerprint, sealed = head.name("seat"), head.hash("key"), head.blob("challenge")
    head.close()
    try:
        challenge = seal.unwrap(private, sealed, _challenge_context(seat, fingerprint))
    except Unopenable:
        challenge = b""
    if named != seat or fingerprint != seal.fingerprint(primitives.public_key(private)) or len(challenge) != 32:
        raise BadBundle(
            "The vault made this file for another seat, or for another key than this one. Take the blocks again."
        )
    return challenge


def handover_proof(challenge: bytes, handover: Handover, count: int, digest: str) -> str:
    """What whoever holds a seat's old key, and the vault, can say and nobody else: that it hands over to this key, with
    exactly these lines. 64 hex digits.
    """
    said = tlog.canonical({"format": HANDOVER, "seat": handover.seat, "old": handover.old_fingerprint,
                           "new": seal.fingerprint(handover.new_public), "blocks": count, "sha256": digest})  # fmt: skip
    return hmac.new(challenge, b"answerable-handover-proof/1|" + said, hashlib.sha256).hexdigest()


def handover_end(count: int, digest: str, proof: str) -> bytes:
    """The last line: how many blocks, the SHA-256 of their lines, so that a cut file is seen, and the old key's word."""
    return tlog.canonical({"blocks": count, "sha256": digest, "proof": proof}) + b"\n"


def open_handover(source: BinaryIO, challenge: Callable[[Handover], bytes]) -> tuple[Handover, Iterator[IdentityBlock]]:
    """What a handover says, and its blocks one by one. Raises BadBundle, at the end too when the file was cut or the
    seat's old key did not make it: keep nothing of it before the iterator has ended. Compare each block by
    `identity.only_this_seat_changed`. `challenge` gives the value that the vault sealed to the seat's present key.
    """
    head = Fields.read(source.readline(reading.LARGEST).removesuffix(b"\n"), HANDOVER, "handover")
    handover = Handover(head.name("seat"), head.hash("old"), head.public_key("new"))
    head.close()
    key = challenge(handover)

    def blocks() -> Iterator[IdentityBlock]:
        count, seen = 0, hashlib.sha256()
        while line := source.readline(reading.LARGEST):
            if line.startswith(b'{"blocks":'):
                _check_end(line, count, seen.hexdigest(), handover_proof(key, handover, count, seen.hexdigest()))
                if source.read(1):
                    raise BadBundle("The handover goes on after its end.")
                return
            yield read_block_line(line)
            count += 1
            seen.update(line)
        raise BadBundle("The handover was cut off: its last line is missing.")

    return handover, blocks()


def _check_end(line: bytes, count: int, digest: str, proof: str) -> None:
    end = _end(line)
    if end is None or end[:2] != (count, digest):
        raise BadBundle("The handover was cut off: its last line does not fit the lines before it.")
    if not hmac.compare_digest(end[2], proof):
        raise BadBundle(
            "The handover was not made with the key that this seat has now, so nothing is taken in. Only whoever holds "
            "that key hands the seat over; if it is lost, bring it back from escrow first."
        )


def _end(line: bytes) -> tuple[int, str, str] | None:
    try:
        data = json.loads(line)
        proper = tlog.canonical(data) + b"\n" == line
    except (ValueError, RecursionError):
        return None
    if not proper or not isinstance(data, dict):
        return None
    read = Fields(data, "last line of the handover")
    end = read.number("blocks"), read.hash("sha256"), read.hash("proof")
    read.close()
    return end
