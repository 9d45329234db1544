"""Any k of n officers bring a private key back; k − 1 learn nothing (security.md §2.2). No framework, no Shamir.

The secret is sealed under a fresh key. For every group of k officers that key is cut into k pieces, all random but
the last, which is the key ⊕ the others; each piece is wrapped to its officer, with secret, group and officer in the
context. 5-of-9 is 630 pieces and under a megabyte; more is refused. Nothing here knows which bodies the officers
belong to: that no body holds k of them is for whoever names them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

from answerable.engines import tlog
from answerable.vault import primitives, seal
from answerable.vault.bundles.reading import BadBundle, Fields, b64
from answerable.vault.primitives import Unopenable

RECORD, PIECE = "answerable-escrow/1", "answerable-escrow-piece/1"
MOST_OFFICERS, MOST_NEEDED = 9, 5
LARGEST = 2 * 1024 * 1024

Group = tuple[str, ...]


@dataclass(frozen=True, repr=False)
class EscrowRecord:
    """A sealed secret and its wrapped pieces, by (group of officers, officer). `secret` names it; holds nothing clear."""

    secret: str
    needed: int
    officers: tuple[str, ...]
    sealed: bytes
    pieces: Mapping[tuple[Group, str], bytes]

    def __repr__(self) -> str:
        return f"<EscrowRecord {self.secret}, {self.needed} of {len(self.officers)}, sealed>"

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        pieces: dict[str, dict[str, str]] = {}
        for (group, officer), piece in self.pieces.items():
            pieces.setdefault("|".join(group), {})[officer] = b64(piece)
        return tlog.canonical(
            {"format": RECORD, "secret": self.secret, "needed": self.needed, "officers": list(self.officers),
             "sealed": b64(self.sealed), "pieces": pieces}
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, raw: bytes) -> EscrowRecord:
        """Raises BadBundle when it is not an escrow record in its one proper spelling."""
        read = Fields.read(raw, RECORD, "escrow record", LARGEST)
        secret, needed = read.text("secret", 80), read.number("needed", MOST_NEEDED)
        officers = read.several("officers", _name, MOST_OFFICERS)
        sealed, entries = read.blob("sealed"), read.entries("pieces")
        read.close()
        pieces = {}
        try:
            _require_shape(secret, officers, needed)
            for joined, group in entries.items():
                for officer, piece in group.items():
                    pieces[tuple(joined.split("|")), officer] = base64.b64decode(piece, validate=True)
        except (ValueError, AttributeError, TypeError):
            raise BadBundle("The escrow record is not in order.") from None
        record = cls(secret, needed, officers, sealed, pieces)
        if set(pieces) != set(_places(officers, needed)) or record.to_bytes() != raw:
            raise BadBundle("The escrow record is not in order: pieces are missing or do not belong there.")
        return record

    @property
    def digest(self) -> str:
        """SHA-256 of the record, hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@dataclass(frozen=True, repr=False)
class Piece:
    """What one officer contributes: their part for each group they are in. Worth nothing below k officers."""

    officer: str
    parts: Mapping[Group, bytes]

    def __repr__(self) -> str:
        return f"<Piece of {self.officer}>"


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _require_shape(secret: str, officers: Sequence[str], needed: int) -> None:
    if not 2 <= needed <= min(MOST_NEEDED, len(officers)) or len(officers) > MOST_OFFICERS:
        raise ValueError("an escrow needs two to five officers, out of nine at most")
    if list(officers) != sorted(set(officers)):
        raise ValueError("an escrow needs different officers")
    for name, longest in ((secret, 80), *((officer, 40) for officer in officers)):
        # Bars and commas join the names in contexts; what is shown on a terminal holds no control characters.
        if not 0 < len(name) <= longest or set("|,") & set(name) or not name.isprintable() or name != name.strip():
            raise ValueError("a name is empty, too long or holds a bar or a comma")


def _places(officers: Iterable[str], needed: int) -> list[tuple[Group, str]]:
    return [(group, officer) for group in combinations(sorted(officers), needed) for officer in group]


def _piece_context(secret: str, needed: int, group: Group, officer: str) -> bytes:
    return f"answerable-escrow-part/1|{secret}|{needed}|{','.join(group)}|{officer}".encode()


def _secret_context(secret: str, needed: int, officers: Sequence[str]) -> bytes:
    return f"answerable-escrow-secret/1|{secret}|{needed}|{','.join(officers)}".encode()


def _xor(parts: Iterable[bytes]) -> bytes:
    return reduce(lambda a, b: bytes(x ^ y for x, y in zip(a, b, strict=True)), parts)


def split(secret: bytes, officers: Sequence[tuple[str, bytes]], k: int, context: str) -> EscrowRecord:
    """Put `secret` in escrow with named officers (name, public key), any `k` of whom recover it.

    `context` names the secret ("seat: vault custodian"). Raises ValueError for fewer than two or more than five
    needed, more than nine officers, one officer or one key twice, an empty name or one with a bar or comma.
    """
    keys = dict(officers)
    if len(keys) != len(officers) or len(set(keys.values())) != len(officers):
        raise ValueError("an escrow needs different officers with different keys")
    names = tuple(sorted(keys))
    _require_shape(context, names, k)
    key = seal.new_data_key()
    pieces = {}
    for group in combinations(names, k):
        parts = [primitives.random_bytes(32) for _ in group[1:]]
        parts.append(_xor([key, *parts]))
        for officer, part in zip(group, parts, strict=True):
            pieces[group, officer] = seal.wrap(keys[officer], part, _piece_context(context, k, group, officer))
    sealed = seal.seal_field(key, secret, _secret_context(context, k, names))
    return EscrowRecord(context, k, names, sealed, pieces)


def open_piece(record: EscrowRecord, officer: str, private: bytes) -> Piece:
    """One officer's parts, for every group they are in. Raises Unopenable for anyone else and for a changed record."""
    mine = [group for group, name in record.pieces if name == officer]
    if not mine:
        raise Unopenable
    parts = {
        group: seal.unwrap(
            private, record.pieces[group, officer], _piece_context(record.secret, record.needed, group, officer)
        )
        for group in mine
    }
    return Piece(officer, parts)


def recover(record: EscrowRecord, pieces: Sequence[Piece]) -> bytes:
    """The secret, from the pieces of at least k officers. Raises Unopenable for fewer, and for parts that do not fit.

    With more than k, every group is tried, so that one false piece does not stop the ceremony.
    """
    given = {piece.officer: piece.parts for piece in pieces}
    context = _secret_context(record.secret, record.needed, record.officers)
    for group in combinations(sorted(given), record.needed):
        parts = [given[officer].get(group, b"") for officer in group]
        if any(len(part) != 32 for part in parts):
            continue
        try:
            return seal.open_field(_xor(parts), record.sealed, context)
        except Unopenable:
            continue
    raise Unopenable


def _handed_context(record: EscrowRecord, officer: str) -> bytes:
    return f"{PIECE}|{record.digest}|{officer}".encode()


def seal_piece(record: EscrowRecord, piece: Piece, leader: bytes) -> bytes:
    """The officer's piece on its way to whoever leads the ceremony, sealed to the leader's public key.

    Raises ValueError for what is not a public key.
    """
    parts = b"".join(piece.parts[group] for group in sorted(piece.parts))
    sealed = seal.wrap(leader, parts, _handed_context(record, piece.officer))
    return tlog.canonical({"format": PIECE, "escrow": record.digest, "officer": piece.officer, "sealed": b64(sealed)})


def open_sealed_piece(record: EscrowRecord, raw: bytes, private: bytes) -> Piece:
    """The leader's side of `seal_piece`. Raises BadBundle for another record's piece or one for another leader."""
    read = Fields.read(raw, PIECE, "escrow piece", 16 * 1024)
    digest, officer, sealed = read.hash("escrow"), read.name("officer"), read.blob("sealed")
    read.close()
    if digest != record.digest:
        raise BadBundle(f"The piece of “{officer}” belongs to another escrow record.")
    groups = sorted(group for group, name in record.pieces if name == officer)
    try:
        joined = seal.unwrap(private, sealed, _handed_context(record, officer))
    except Unopenable:
        raise BadBundle(f"The piece of “{officer}” was not sealed to this key, or was changed.") from None
    if not groups or len(joined) != 32 * len(groups):
        raise BadBundle(f"The piece of “{officer}” does not fit the escrow record.")
    return Piece(officer, {group: joined[32 * i : 32 * i + 32] for i, group in enumerate(groups)})
