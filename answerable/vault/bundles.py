"""What travels by hand when an identity is opened: request, share, answer, and a seat's handover. No framework.

    request   the vault → both custodians   who asks for which fields, why and until when; signed with the vault's key
    share     one custodian → the other     one half of the identity key, sealed to the other seat and to this request
    answer    the custodians → one person   only the fields asked, sealed to the key that the request names
    question  the vault → each custodian    whether someone told before: who she is, sealed to the three seats alone
    blocks    the vault → a seat            every identity block, and a value sealed to the seat's present key
    handover  a seat → the vault            every block with that seat's shares sealed to its new key, and what only the
                                            holder of the old key can say about exactly these

Each is canonical JSON: any other spelling of the same content is refused, so that no byte can change unnoticed.
Shares are bound to the whole request by its hash, so that two custodians who were shown different requests under one
number open nothing. Half and half make the whole key: whoever holds a seat and the other's share could read the whole
identity with another program; that is what two seats are trusted with (security.md §2.2).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any, BinaryIO, TypeVar

from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.vault import identity, primitives, seal
from answerable.vault.identity import IdentityBlock
from answerable.vault.primitives import Unopenable

REQUEST, SHARE, ANSWER = "answerable-identity-request/1", "answerable-identity-share/1", "answerable-identity-answer/1"
QUESTION = "answerable-told-before/1"
SEAT_PUBLIC, BLOCKS, HANDOVER = "answerable-seat-public/1", "answerable-seat-blocks/1", "answerable-seat-handover/2"
# Bytes. A bundle is read whole, and an identity is a few kilobytes: more is not one of ours.
LARGEST = 1024 * 1024
BREAK_GLASS = timedelta(hours=72)  # security.md §2.4
# A machine without a network drifts; a clock further behind than this would open what has expired.
DRIFT = timedelta(hours=1)

_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HASH = re.compile(r"[0-9a-f]{64}")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
T = TypeVar("T")


class BadBundle(Refused):
    """A file is not what it should be, or does not open here. The sentence holds nothing of what is sealed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, reason="bundle")


# --- reading strictly ----------------------------------------------------------------------------------------------


class Fields:
    """One JSON object, read field by field; `close` refuses what nobody asked for."""

    def __init__(self, data: object, what: str) -> None:
        if not isinstance(data, dict):
            raise BadBundle(f"The {what} is not one: it has no fields.")
        self._data, self._what, self._seen = data, what, set[str]()

    @classmethod
    def read(cls, raw: bytes, form: str, what: str, limit: int = LARGEST) -> Fields:
        """The object in `raw`. Raises BadBundle unless it is canonical JSON of this format, not larger than `limit`."""
        if len(raw) > limit:
            raise BadBundle(f"The {what} is larger than one can be.")
        try:
            data = json.loads(raw)
            proper = tlog.canonical(data) == raw
        except (ValueError, RecursionError):
            data, proper = None, False
        if not proper or not isinstance(data, dict):
            raise BadBundle(f"The {what} cannot be read: it was damaged or changed on its way, or is another file.")
        fields = cls(data, what)
        if fields._take("format", str) != form:
            raise BadBundle(f"This file is not a {what} that this version knows.")
        return fields

    def _bad(self, name: str) -> BadBundle:
        return BadBundle(f"The {self._what} is not in order: “{name}” is missing or not what it should be.")

    def _take(self, name: str, kind: type[T]) -> T:
        value = self._data.get(name)
        self._seen.add(name)
        if type(value) is not kind:
            raise self._bad(name)
        return value

    def text(self, name: str, limit: int = 200) -> str:
        """A line of plain text. Control and invisible characters are refused: it will be shown on a terminal."""
        value = self._take(name, str)
        if not 0 < len(value) <= limit or not value.isprintable() or value != value.strip():
            raise self._bad(name)
        return value

    def name(self, name: str) -> str:
        """A seat's or an officer's name: a line without a bar, which contexts are joined with."""
        value = self.text(name, 40)
        if "|" in value:
            raise self._bad(name)
        return value

    def matching(self, name: str, form: re.Pattern[str]) -> str:
        value = self._take(name, str)
        if not form.fullmatch(value):
            raise self._bad(name)
        return value

    def ref(self, name: str) -> str:
        return self.matching(name, _REF)

    def hash(self, name: str) -> str:
        return self.matching(name, _HASH)

    def flag(self, name: str) -> bool:
        return self._take(name, bool)

    def number(self, name: str, most: int = 2**53) -> int:
        value = self._take(name, int)
        if not 0 <= value <= most:
            raise self._bad(name)
        return value

    def instant(self, name: str) -> datetime:
        value = self._take(name, str)
        try:
            instant = datetime.strptime(value, _INSTANT).replace(tzinfo=UTC)
        except ValueError:
            raise self._bad(name) from None
        if _at(instant) != value:
            raise self._bad(name)
        return instant

    def blob(self, name: str) -> bytes:
        """Bytes, in the one proper spelling of base64."""
        value = self._take(name, str)
        try:
            raw = base64.b64decode(value, validate=True)
        except ValueError:
            raise self._bad(name) from None
        if b64(raw) != value:
            raise self._bad(name)
        return raw

    def public_key(self, name: str) -> bytes:
        value = self.blob(name)
        if len(value) != primitives.PUBLIC_SIZE:
            raise self._bad(name)
        return value

    def several(self, name: str, check: Callable[[Any], T], most: int) -> tuple[T, ...]:
        """A list of one to `most` entries, each through `check`, which raises ValueError for a bad one."""
        value = self._take(name, list)
        if not 0 < len(value) <= most:
            raise self._bad(name)
        try:
            return tuple(check(item) for item in value)
        except ValueError:
            raise self._bad(name) from None

    def part(self, name: str) -> Fields:
        return Fields(self._take(name, dict), f"{self._what}, part “{name}”,")

    def entries(self, name: str) -> dict[str, Any]:
        """An object whose keys the caller checks."""
        return self._take(name, dict)

    def close(self) -> None:
        if extra := sorted(set(self._data) - self._seen):
            raise BadBundle(f"The {self._what} holds a field that does not belong there: {ascii(extra[0])[:60]}.")


def b64(raw: bytes) -> str:
    """Base64 as bundles spell it."""
    return base64.b64encode(raw).decode()


def _at(instant: datetime) -> str:
    # Not strftime for the year: it does not pad the years before 1000 everywhere.
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _field_name(value: Any) -> str:
    if not isinstance(value, str) or not _FIELD.fullmatch(value):
        raise ValueError
    return value


# --- the request ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IdentityRequest:
    """An approved request to open an identity, as its signed bundle says it. `digest` is the bundle's SHA-256, hex."""

    node: str
    request: str
    subject: str
    fields: tuple[str, ...]
    purpose: str
    recipient: str
    recipient_name: str
    recipient_key: bytes
    requested_by: str
    approved_by: str
    released_at: datetime
    valid_until: datetime
    break_glass: bool
    block: IdentityBlock
    leaf_index: int
    leaf: str
    signed_by: str
    digest: str

    @property
    def seats(self) -> tuple[str, ...]:
        """The names of the three seats, sorted."""
        return tuple(sorted({seat for _, _, seat in self.block.shares}))

    def require_open(self, at: datetime) -> None:
        """Raises BadBundle unless the request may be answered at this instant."""
        if at > self.valid_until:
            raise BadBundle(
                f"The request was valid until {shown(self.valid_until)} and is not answered any more. "
                "If the identity is still needed, a new request has to be made and approved."
            )
        if at < self.released_at - DRIFT:
            raise BadBundle(
                f"This machine's clock says {shown(at)}, but the request was released at {shown(self.released_at)}. "
                "Set the clock right and try again."
            )


def spelled(fingerprint: str) -> str:
    """A fingerprint, whole, in the groups of eight in which two people read it to each other; the same everywhere."""
    return " ".join(fingerprint[i : i + 8] for i in range(0, len(fingerprint), 8))


def shown(instant: datetime) -> str:
    """An instant as people read it, UTC to the minute."""
    return instant.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC")


def build_request(
    signer: tlog.Signer,
    *,
    node: str,
    request: str,
    subject: str,
    fields: Sequence[str],
    purpose: str,
    recipient: str,
    recipient_name: str,
    recipient_key: bytes,
    requested_by: str,
    approved_by: str,
    released_at: datetime,
    valid_until: datetime,
    break_glass: bool,
    block: IdentityBlock,
    leaf_index: int,
    leaf: bytes,
) -> bytes:
    """The request bundle, the same for both custodians, signed with the vault's key.

    `request`, `subject` (the claim) and `recipient` (the one person who will read the answer) are references;
    `recipient_name` is that person's name, so that a custodian knows whom to ring; their office is the one that asks.
    `requested_by` and `approved_by` name two different offices; `leaf` is the 32-byte leaf of the record entry of the
    release. Raises BadBundle for anything that a custodian's program would refuse.
    """
    body = {
        "format": REQUEST, "node": node, "request": request, "subject": subject, "fields": list(fields),
        "purpose": purpose, "recipient": {"person": recipient, "name": recipient_name, "key": b64(recipient_key)},
        "requested_by_office": requested_by, "approved_by_office": approved_by, "released_at": _at(released_at),
        "valid_until": _at(valid_until), "break_glass": break_glass, "block": b64(block.to_bytes()),
        "record": {"index": leaf_index, "leaf": leaf.hex()},
        "seats": sorted({seat for _, _, seat in block.shares}),
    }  # fmt: skip
    raw = tlog.canonical({**body, "signature": tlog.sign_note(signer, tlog.canonical(body) + b"\n")})
    open_request(raw, signer.vkey())
    return raw


def open_request(raw: bytes, vkey: str) -> IdentityRequest:
    """The request, after its signature and every field. Raises BadBundle; there is no way to read an unsigned one."""
    read = Fields.read(raw, REQUEST, "request")
    signature = read.text("signature", 400)
    body = {name: value for name, value in json.loads(raw).items() if name != "signature"}
    try:
        signed = tlog.verify_note(tlog.canonical(body) + b"\n", signature, vkey)
        signed_by = tlog.read_vkey(vkey).name
    except ValueError:
        raise BadBundle("The key given is not a verifier key (name+hash+base64).") from None
    if not signed:
        raise BadBundle(
            "The request is not signed with the verifier key that you gave. Do not answer it; tell the other custodian "
            "and the inspectors."
        )
    who, entry = read.part("recipient"), read.part("record")
    try:
        block_bytes = read.blob("block")
        block = IdentityBlock.from_bytes(block_bytes)
    except Unopenable:
        raise BadBundle("The request holds no identity block.") from None
    request = IdentityRequest(
        node=read.text("node", 80), request=read.ref("request"), subject=read.ref("subject"),
        fields=read.several("fields", _field_name, 20), purpose=read.text("purpose"),
        recipient=who.ref("person"), recipient_name=who.text("name", 120), recipient_key=who.public_key("key"),
        requested_by=read.text("requested_by_office"), approved_by=read.text("approved_by_office"),
        released_at=read.instant("released_at"), valid_until=read.instant("valid_until"),
        break_glass=read.flag("break_glass"), block=block, leaf_index=entry.number("index"), leaf=entry.hash("leaf"),
        signed_by=signed_by, digest=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip
    seats = read.several("seats", str, 3)
    for part in (who, entry, read):
        part.close()
    if len(set(request.fields)) != len(request.fields):
        raise BadBundle("The request asks for one field twice.")
    _check_block(block, block_bytes)
    if block.subject != request.subject or seats != request.seats:
        raise BadBundle("The identity block in the request belongs to another claim or to other seats.")
    if request.requested_by == request.approved_by:
        raise BadBundle("The request was approved by the office that made it; another body has to approve it.")
    if request.valid_until <= request.released_at:
        raise BadBundle("The request ends before it begins.")
    if request.break_glass and request.valid_until - request.released_at > BREAK_GLASS:
        raise BadBundle("A request in imminent danger is valid for 72 hours at most; this one is longer.")
    return request


def _check_block(block: IdentityBlock, raw: bytes) -> None:
    """Six shares, two for each pair of three seats, in the one proper spelling."""
    if not isinstance(block.subject, str) or not _REF.fullmatch(block.subject):
        raise BadBundle("The identity block names no claim.")
    seats = sorted({seat for _, _, seat in block.shares})
    places = {(*pair, seat) for pair in combinations(seats, 2) for seat in pair}
    if len(seats) != 3 or set(block.shares) != places or block.to_bytes() != raw:
        raise BadBundle("The identity block is not in order: it is not six shares for three seats.")


# --- the share -----------------------------------------------------------------------------------------------------


def _share_context(request: IdentityRequest, seat: str, to: str) -> bytes:
    # Names and references hold no bar; the digest covers all else that was asked.
    return "|".join((SHARE, request.request, request.subject, request.digest, seat, to)).encode()


def make_share(
    request: IdentityRequest, *, seat: str, private: bytes, with_seat: str, with_public: bytes, at: datetime
) -> bytes:
    """This seat's half for the pair with another seat, sealed to that seat and to this request.

    Raises BadBundle when the request is not open at `at`, a seat is none of the three, or the half does not open.
    """
    request.require_open(at)
    half = _own_half(request, seat, with_seat, private)
    try:
        sealed = seal.wrap(with_public, half, _share_context(request, seat, with_seat))
    except ValueError:
        raise BadBundle("The other seat's public key is not one.") from None
    return tlog.canonical(
        {"format": SHARE, "request": request.request, "subject": request.subject, "digest": request.digest,
         "from": seat, "to": with_seat, "sealed": b64(sealed)}
    )  # fmt: skip


def _own_half(request: IdentityRequest, seat: str, with_seat: str, private: bytes) -> bytes:
    for name in (seat, with_seat):
        if name not in request.seats:
            raise BadBundle(f"“{name}” is none of the three seats of this identity: {', '.join(request.seats)}.")
    if seat == with_seat:
        raise BadBundle("An identity is opened by two different seats, not by one twice.")
    try:
        return identity.open_share(request.block, request.subject, seat, with_seat, private)
    except Unopenable:
        raise BadBundle(
            f"The share of “{seat}” does not open with this key. If the seat was handed over, its holder now has to "
            "do this; otherwise the request was put together from another claim."
        ) from None


def _other_half(raw: bytes, request: IdentityRequest, seat: str, private: bytes) -> tuple[str, bytes]:
    """(the seat it comes from, its half). Raises BadBundle."""
    read = Fields.read(raw, SHARE, "share", 16 * 1024)
    ref, subject, digest = read.ref("request"), read.ref("subject"), read.hash("digest")
    sender, to, sealed = read.name("from"), read.name("to"), read.blob("sealed")
    read.close()
    if (ref, subject, digest) != (request.request, request.subject, request.digest):
        raise BadBundle("The share was made for another request, or for this one with other content.")
    if to != seat:
        raise BadBundle(f"The share was made for “{to}”, not for “{seat}”.")
    try:
        return sender, seal.unwrap(private, sealed, _share_context(request, sender, seat))
    except Unopenable:
        raise BadBundle("The other seat's share does not open with this seat's key.") from None


# --- the answer ----------------------------------------------------------------------------------------------------


def _answer_context(request: str, subject: str, recipient: str) -> bytes:
    return f"{ANSWER}|{request}|{subject}|{recipient}".encode()


def make_answer(request: IdentityRequest, share: bytes, *, seat: str, private: bytes, at: datetime) -> bytes:
    """Open this seat's half, join the other's, and seal the fields asked, and no others, to the one recipient.

    What is opened exists in this process's memory only. Raises BadBundle.
    """
    request.require_open(at)
    sender, other_half = _other_half(share, request, seat, private)
    half = _own_half(request, seat, sender, private)
    try:
        everything = identity.combine(request.block, request.subject, half, other_half)
    except Unopenable:
        raise BadBundle("The two halves do not belong together; the identity does not open with them.") from None
    # Escaped to ASCII, so that no text, however broken, ends up in an encoding error.
    asked = json.dumps({name: str(everything[name]) for name in request.fields if name in everything}).encode()
    context = _answer_context(request.request, request.subject, request.recipient)
    try:
        sealed = seal.wrap(request.recipient_key, seal.pad(asked), context)
    except ValueError:
        raise BadBundle("The key that the answer should be sealed to is not a public key.") from None
    return tlog.canonical(
        {"format": ANSWER, "request": request.request, "subject": request.subject, "recipient": request.recipient,
         "sealed": b64(sealed)}
    )  # fmt: skip


def open_answer(raw: bytes, private: bytes, recipient: str, *, request: str, subject: str) -> dict[str, str]:
    """The fields of an answer, for the person it was sealed to. Fields that the identity does not hold are absent.

    The caller names request and claim from what it has stored, not from the file. Raises BadBundle. An answer is not
    signed by the custodians: what decides is that it arrives by their hands.
    """
    read = Fields.read(raw, ANSWER, "answer")
    said = read.ref("request"), read.ref("subject"), read.ref("recipient")
    sealed = read.blob("sealed")
    read.close()
    if said != (request, subject, recipient):
        raise BadBundle("The answer belongs to another request, another claim or another person.")
    fields = None
    try:
        fields = _answered(seal.unpad(seal.unwrap(private, sealed, _answer_context(request, subject, recipient))))
    except Unopenable:
        pass
    if fields is None:
        raise BadBundle("The answer does not open with your key: it was made for another one, or was changed.")
    return fields


def _answered(text: bytes) -> dict[str, str] | None:
    """The fields, or None: a parser's exception holds the text it failed on, and must not travel with ours."""
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    good = isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values())
    return fields if good else None


# --- seats and their handover --------------------------------------------------------------------------------------


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
    if not line.endswith(b"\n") or len(line) > LARGEST:
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
    _check_block(block, raw)
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
    head = Fields.read(source.readline(LARGEST).removesuffix(b"\n"), HANDOVER, "handover")
    handover = Handover(head.name("seat"), head.hash("old"), head.public_key("new"))
    head.close()
    key = challenge(handover)

    def blocks() -> Iterator[IdentityBlock]:
        count, seen = 0, hashlib.sha256()
        while line := source.readline(LARGEST):
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


def known_recipients(raw: bytes) -> Mapping[str, str]:
    """Fingerprints of those a seat has answered before, by person. Raises BadBundle for a damaged list."""
    read = Fields.read(raw, "answerable-known-recipients/1", "list of known recipients")
    known = read.entries("people")
    read.close()
    if not all(_REF.fullmatch(k) and isinstance(v, str) and _HASH.fullmatch(v) for k, v in known.items()):
        raise BadBundle("The list of known recipients is damaged.")
    return known


def with_recipient(known: Mapping[str, str], person: str, fingerprint: str) -> bytes:
    """The list with one person's key remembered."""
    return tlog.canonical({"format": "answerable-known-recipients/1", "people": {**known, person: fingerprint}})


# --- whether she told before --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """An interviewer asks the custodians whether someone told before. Who she is is sealed to each seat, and to nobody else."""

    interview: str
    asked_by: str
    purpose: str
    asked_at: datetime
    sealed: bytes
    keys: Mapping[str, bytes]
    signed_by: str


def _question_context(interview: str, seat: str = "") -> bytes:
    return f"{QUESTION}|{interview}|{seat}".encode()


def seal_question(interview: str, text: str, seats: Sequence[tuple[str, bytes]]) -> tuple[bytes, dict[str, bytes]]:
    """The sealed text, and its key for each seat (name, public key). Any one of them reads it; the server does not.

    Raises ValueError when a name or the reference holds a bar.
    """
    if any("|" in name or not name for name in (interview, *(n for n, _ in seats))):
        raise ValueError("a seat's name or a reference is empty or holds a bar")
    key = seal.new_data_key()
    sealed = seal.seal_field(key, text.encode("utf-8", "surrogatepass"), _question_context(interview))
    return sealed, {name: seal.wrap(public, key, _question_context(interview, name)) for name, public in seats}


def build_question(
    signer: tlog.Signer, *, interview: str, asked_by: str, purpose: str, asked_at: datetime, sealed: bytes, keys: Mapping[str, bytes]
) -> bytes:  # fmt: skip
    """The question as a custodian takes it away, signed with the vault's key."""
    body = {"format": QUESTION, "interview": interview, "asked_by_office": asked_by, "purpose": purpose, "asked_at": _at(asked_at),
            "sealed": b64(sealed), "keys": {name: b64(key) for name, key in keys.items()}}  # fmt: skip
    raw = tlog.canonical({**body, "signature": tlog.sign_note(signer, tlog.canonical(body) + b"\n")})
    open_question(raw, signer.vkey())
    return raw


def open_question(raw: bytes, vkey: str) -> Question:
    """The question, after its signature and every field. Raises BadBundle."""
    read = Fields.read(raw, QUESTION, "question")
    signature = read.text("signature", 400)
    body = {name: value for name, value in json.loads(raw).items() if name != "signature"}
    try:
        signed = tlog.verify_note(tlog.canonical(body) + b"\n", signature, vkey)
        signed_by = tlog.read_vkey(vkey).name
    except ValueError:
        raise BadBundle("The key given is not a verifier key (name+hash+base64).") from None
    if not signed:
        raise BadBundle(
            "The question is not signed with the verifier key that you gave. Do not answer it; tell the inspectors."
        )
    wrapped = read.part("keys")
    names = sorted(read.entries("keys"))
    if not 0 < len(names) <= 3:
        raise BadBundle("The question is sealed to no seat, or to more than three.")
    question = Question(
        interview=read.ref("interview"), asked_by=read.text("asked_by_office"), purpose=read.text("purpose"),
        asked_at=read.instant("asked_at"), sealed=read.blob("sealed"), keys={name: wrapped.blob(name) for name in names},
        signed_by=signed_by,
    )  # fmt: skip
    wrapped.close()
    read.close()
    return question


def read_question(question: Question, seat: str, private: bytes) -> str:
    """Who is meant, for one seat's eyes. Raises BadBundle when it was not sealed to this seat."""
    try:
        key = seal.unwrap(private, question.keys[seat], _question_context(question.interview, seat))
        return seal.open_field(key, question.sealed, _question_context(question.interview)).decode("utf-8", "replace")
    except (KeyError, Unopenable):
        raise BadBundle(f"This question is not sealed to the seat “{seat}” with the key it has now.") from None
