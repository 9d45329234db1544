"""The vault's root key and how two keepers bring it back. No framework.

The root key is 32 random bytes that exist only in the memory of an unlocked vault. For each pair of keepers one gets
random bytes r and the other key ⊕ r, each under that keeper's own public key: two persons unlock, one learns nothing.
Compartment keys lie on the disk only under this key, so a vault that starts, starts locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from answerable.vault import primitives, seal
from answerable.vault.primitives import Unopenable

Pieces = dict[str, bytes]


def _context(pair: str, keeper: str) -> bytes:
    return f"answerable-root/1|{pair}|{keeper}".encode()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def split(root: bytes, keepers: Sequence[tuple[str, bytes]]) -> Pieces:
    """Pieces by "pair|keeper" for two of n keepers (reference, public key). Raises ValueError for fewer than two."""
    if len({k for k, _ in keepers}) < 2 or len(keepers) > 7:
        raise ValueError("two to seven different keepers")
    pieces: Pieces = {}
    for (one, one_key), (other, other_key) in combinations(sorted(keepers), 2):
        pair, r = f"{one}+{other}", primitives.random_bytes(32)
        pieces[f"{pair}|{one}"] = seal.wrap(one_key, r, _context(pair, one))
        pieces[f"{pair}|{other}"] = seal.wrap(other_key, _xor(root, r), _context(pair, other))
    return pieces


def halves(pieces: Mapping[str, bytes], keeper: str, private: bytes) -> dict[str, bytes]:
    """This keeper's half for each pair they belong to. Raises Unopenable when they keep none."""
    mine = {}
    for name, blob in pieces.items():
        pair, _, holder = name.partition("|")
        if holder == keeper:
            mine[pair] = seal.unwrap(private, blob, _context(pair, keeper))
    if not mine:
        raise Unopenable
    return mine


def combine(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> bytes:
    """The root key from the halves of two keepers. Raises Unopenable when they share no pair."""
    for pair in one.keys() & other.keys():
        return _xor(one[pair], other[pair])
    raise Unopenable


def check_value(root: bytes) -> bytes:
    """What shows that a root key is the right one, and nothing else about it."""
    return primitives.derive(root, "answerable-root-check/1")


def seal_at_rest(root: bytes, blob: bytes, context: bytes) -> bytes:
    """What lies on the disk: `blob` under the root key, bound to its place."""
    return seal.AT_REST + primitives.aead_seal(primitives.derive(root, "at-rest"), blob, context)


def open_at_rest(root: bytes, blob: bytes, context: bytes) -> bytes:
    """Undo seal_at_rest. Raises Unopenable."""
    return primitives.aead_open(primitives.derive(root, "at-rest"), seal.without_header(seal.AT_REST, blob), context)
