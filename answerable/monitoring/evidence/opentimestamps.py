"""OpenTimestamps proofs (.ots), as far as they can be read without the Bitcoin network. No framework.

Source: the format of python-opentimestamps (serialize.py, op.py, timestamp.py, notary.py). A proof begins with a hash of
the file and applies operations to it until an attestation: a calendar's promise, or a block whose Merkle root it is.
Whether that block holds the value is for a machine with the block headers to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from answerable.monitoring.evidence.said import HELD, NOT_CHECKABLE, NOT_HELD, Broken, Said

MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
LARGEST = 64 * 1024
LONGEST_MESSAGE = 4096
MOST_STEPS = 2000
_DIGESTS = {0x02: ("sha1", 20), 0x03: ("ripemd160", 20), 0x08: ("sha256", 32), 0x67: ("keccak256", 32)}
_PENDING, _BITCOIN = bytes.fromhex("83dfe30d2ef90c8e"), bytes.fromhex("0588960d73d71901")
_LITECOIN = bytes.fromhex("06869a0d73d71b45")


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        part = self.data[self.at : self.at + n]
        if len(part) != n:
            raise Broken("ots.unreadable")
        self.at += n
        return part

    def number(self) -> int:
        """A LEB128 number of at most five bytes."""
        value = 0
        for place in range(5):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << (7 * place)
            if not byte & 0x80:
                return value
        raise Broken("ots.unreadable")

    def text(self, most: int) -> bytes:
        n = self.number()
        if n > most:
            raise Broken("ots.unreadable")
        return self.take(n)


def _applied(op: int, message: bytes | None, source: _Bytes) -> bytes | None:
    """The message after an operation; None once an operation cannot be worked out here."""
    if op in (0xF0, 0xF1):
        more = source.text(LONGEST_MESSAGE)
        made = None if message is None else message + more if op == 0xF0 else more + message
    elif op in (0x02, 0x08):
        made = None if message is None else hashlib.new(_DIGESTS[op][0], message).digest()
    elif op == 0xF2:
        made = None if message is None else message[::-1]
    elif op == 0xF3:
        made = None if message is None else message.hex().encode()
    elif op in (0x03, 0x67):
        made = None  # RIPEMD-160 and Keccak are not in every library, and no calendar uses them today
    else:
        raise Broken("ots.unreadable")
    if made is not None and len(made) > LONGEST_MESSAGE:
        raise Broken("ots.unreadable")
    return made


def check(proof: bytes, digests: Mapping[str, bytes]) -> list[Said]:
    """What a proof commits to and what attests it. `digests`: of the original, by name. Raises Broken."""
    if len(proof) > LARGEST or not proof.startswith(MAGIC):
        raise Broken("ots.unreadable")
    source = _Bytes(proof)
    source.take(len(MAGIC))
    if source.number() != 1:
        raise Broken("ots.version")
    name, size = _DIGESTS.get(source.take(1)[0], ("", 0))
    if not name:
        raise Broken("ots.unreadable")
    digest = source.take(size)
    if name not in digests:
        first = Said("ots.hash", NOT_CHECKABLE, {"hash": name})
    else:
        first = Said("ots.file", HELD if digests[name] == digest else NOT_HELD, {"hash": name})
    return [first, *_walk(source, digest)]


def _walk(source: _Bytes, digest: bytes) -> list[Said]:
    """Follow every branch, without recursion: a hostile proof may be as deep as it is long."""
    found: list[Said] = []
    waiting: list[bytes | None] = [digest]
    steps = 0
    while waiting:
        message = waiting.pop()
        while True:
            steps += 1
            if steps > MOST_STEPS:
                raise Broken("ots.unreadable")
            tag = source.take(1)[0]
            if tag == 0xFF:  # another branch follows this one, from the same message
                waiting.append(message)
                continue
            if tag == 0x00:
                found.append(_attestation(source, message))
                break
            message = _applied(tag, message, source)
    if source.at != len(source.data):
        raise Broken("ots.unreadable")
    return found


def _attestation(source: _Bytes, message: bytes | None) -> Said:
    kind, payload = source.take(8), _Bytes(source.text(8192))
    named: Mapping[bytes, Callable[[], Said]] = {
        _PENDING: lambda: Said("ots.pending", NOT_CHECKABLE, {"calendar": _host(payload.text(1000))}),
        _BITCOIN: lambda: Said("ots.bitcoin", NOT_CHECKABLE, {"height": payload.number(), "root": _root(message)}),
        _LITECOIN: lambda: Said("ots.litecoin", NOT_CHECKABLE, {"height": payload.number()}),
    }
    return named[kind]() if kind in named else Said("ots.other", NOT_CHECKABLE)


def _host(address: bytes) -> str:
    text = address.decode("ascii", "replace").partition("://")[2].partition("/")[0]
    return "".join(c for c in text if c.isalnum() or c in ".-:")[:80]


def _root(message: bytes | None) -> str:
    # Block explorers and Bitcoin's own tools write a Merkle root backwards.
    return message[::-1].hex() if message is not None and len(message) == 32 else "–"
