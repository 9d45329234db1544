"""Two of three open an identity, one alone learns nothing, and no server can (security.md §2.2).

The identity key is split for each pair of seats: one gets random bytes r, the other key ⊕ r, each under that seat's
own HPKE key, with claim, pair and seat in the context. Six shares, constant time by construction, no Shamir.

Whoever opens names the claim they mean to open; what a block says about itself is never trusted, so that a block put
into another claim's place does not open there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from answerable.vault import primitives, seal
from answerable.vault.primitives import Unopenable


@dataclass(frozen=True, repr=False)
class IdentityBlock:
    """Sealed identity and its six shares, by (pair of seats, seat)."""

    subject: str
    sealed: bytes
    shares: Mapping[tuple[str, str, str], bytes]

    def __repr__(self) -> str:
        return f"<IdentityBlock {self.subject}, sealed>"

    def to_bytes(self) -> bytes:
        """Canonical JSON; no plaintext in it."""
        b64 = base64.b64encode
        shares = {"|".join(k): b64(v).decode() for k, v in self.shares.items()}
        data = {"format": "identity/1", "subject": self.subject, "sealed": b64(self.sealed).decode(), "shares": shares}
        return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> IdentityBlock:
        """Raises Unopenable when it is not an identity block."""
        block = cls._read(raw)
        if block is None:
            raise Unopenable
        return block

    @classmethod
    def _read(cls, raw: bytes) -> IdentityBlock | None:
        """The block, or None: whatever was offered by mistake, a key perhaps, must not travel in a parser's exception."""
        try:
            data = json.loads(raw)
            shares = {}
            for key, value in data["shares"].items():
                one, other, seat = key.split("|")
                shares[one, other, seat] = base64.b64decode(value, validate=True)
            subject, sealed = data["subject"], base64.b64decode(data["sealed"], validate=True)
            return cls(subject, sealed, shares) if data["format"] == "identity/1" and isinstance(subject, str) else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def _share_context(subject: str, one: str, other: str, seat: str) -> bytes:
    return f"answerable-identity-share/1|{subject}|{one}|{other}|{seat}".encode()


def _identity_context(subject: str) -> bytes:
    return f"answerable-identity/1|{subject}".encode()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def seal_identity(fields: Mapping[str, str], seats: Sequence[tuple[str, bytes]], subject: str) -> IdentityBlock:
    """Seal identity fields of `subject` (a claim's reference) for three seats (name, public key).

    Raises ValueError unless there are three different seats with three different keys, or when a name is empty or
    holds a bar.
    """
    if len(seats) != 3 or len({n for n, _ in seats}) != 3 or len({k for _, k in seats}) != 3:
        raise ValueError("an identity is sealed for three different seats")
    if any("|" in name or not name for name in (subject, *(n for n, _ in seats))):
        raise ValueError("a seat's name or a reference is empty or holds a bar")
    key = seal.new_data_key()
    text = json.dumps(dict(fields), ensure_ascii=False, sort_keys=True).encode()
    sealed = seal.seal_field(key, text, _identity_context(subject))
    shares = {}
    for (one, one_key), (other, other_key) in combinations(sorted(seats), 2):
        r = primitives.random_bytes(32)
        shares[one, other, one] = seal.wrap(one_key, r, _share_context(subject, one, other, one))
        shares[one, other, other] = seal.wrap(other_key, _xor(key, r), _share_context(subject, one, other, other))
    return IdentityBlock(subject, sealed, shares)


def open_share(block: IdentityBlock, subject: str, seat: str, with_seat: str, private: bytes) -> bytes:
    """One seat's half (32 bytes) for the pair with another seat. Raises Unopenable, for another claim's block too."""
    one, other = sorted((seat, with_seat))
    blob = block.shares.get((one, other, seat))
    if blob is None:
        raise Unopenable
    return seal.unwrap(private, blob, _share_context(subject, one, other, seat))


def rewrap_shares(block: IdentityBlock, seat: str, private: bytes, new_public: bytes) -> IdentityBlock:
    """The block with this seat's two shares sealed to its new key instead; everything else stays, byte for byte.

    Learns no identity: each share alone is noise. Raises Unopenable when a share is not this seat's or not this
    claim's, ValueError for what is not a public key.
    """
    mine = [place for place in block.shares if place[2] == seat]
    if len(mine) != 2:
        raise Unopenable
    shares = dict(block.shares)
    for one, other, _ in mine:
        context = _share_context(block.subject, one, other, seat)
        shares[one, other, seat] = seal.wrap(
            new_public, seal.unwrap(private, shares[one, other, seat], context), context
        )
    return IdentityBlock(block.subject, block.sealed, shares)


def only_this_seat_changed(before: IdentityBlock, after: IdentityBlock, seat: str) -> bool:
    """Whether `after` differs from `before` in the shares of `seat` alone: what a handover may replace."""

    def rest(block: IdentityBlock) -> dict[tuple[str, str, str], bytes]:
        return {place: b"" if place[2] == seat else share for place, share in block.shares.items()}

    return (before.subject, before.sealed, rest(before)) == (after.subject, after.sealed, rest(after))


def combine(block: IdentityBlock, subject: str, half: bytes, other_half: bytes) -> dict[str, str]:
    """The identity from the two halves of one pair. Raises Unopenable for halves that do not belong together."""
    if len(half) != 32 or len(other_half) != 32:
        raise Unopenable
    fields = _parsed(seal.open_field(_xor(half, other_half), block.sealed, _identity_context(subject)))
    if fields is None:
        raise Unopenable
    return fields


def _parsed(text: bytes) -> dict[str, str] | None:
    """The fields, or None: a parser's exception holds the text it failed on, and must not travel with ours."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
