"""The record's tree and its signed statements: RFC 6962 hashing, C2SP tlog-tiles, tlog-checkpoint, signed notes.

A leaf value is 32 bytes: SHA-256("answerable-leaf/1" ‖ salt ‖ canonical event). Nothing about an event can be read
from it, so witnesses may be hostile (security.md §2.7).
"""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from collections.abc import Sequence
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TILE = 256
LEAF_LABEL = b"answerable-leaf/1"
ED25519 = b"\x01"  # signature type of signed notes; ML-DSA-44 gets its own next to it


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {_nfc(k): _nfc(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_nfc(v) for v in value]
    if isinstance(value, float):
        raise ValueError("an event holds no floats")
    return value


def canonical(event: Any) -> bytes:
    """The one way to write an event: sorted keys, no spaces, UTF-8, NFC. Raises ValueError for a float."""
    return json.dumps(_nfc(event), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf_commitment(salt: bytes, event: bytes) -> bytes:
    """The 32-byte leaf value of a canonical event under its 32-byte salt."""
    if len(salt) != 32:
        raise ValueError("a salt is 32 bytes")
    return hashlib.sha256(LEAF_LABEL + salt + event).digest()


def leaf_hash(value: bytes) -> bytes:
    """RFC 6962 leaf hash."""
    return hashlib.sha256(b"\x00" + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 interior hash."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def _fold(hashes: Sequence[bytes]) -> bytes:
    level = list(hashes)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def root(leaves: Sequence[bytes]) -> bytes:
    """Merkle tree root over leaf values. Raises ValueError for an empty tree, which we never sign."""
    if not leaves:
        raise ValueError("an empty record has no root")
    return _fold([leaf_hash(v) for v in leaves])


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of one leaf (RFC 6962 §2.1.1). Raises ValueError when there is no such leaf."""
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    hashes = [leaf_hash(v) for v in leaves]

    def path(lo: int, hi: int, m: int) -> list[bytes]:
        if hi - lo == 1:
            return []
        k = lo + _split(hi - lo)
        if m < k:
            return [*path(lo, k, m), _fold(hashes[k:hi])]
        return [*path(k, hi, m), _fold(hashes[lo:k])]

    return path(0, len(leaves), index)


def verify_inclusion(value: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Whether `proof` shows `value` at `index` of the tree of `size` with root `expected` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, r = index, size - 1, leaf_hash(value)
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == expected


def consistency_proof(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proof that the tree of the first `old` leaves is a prefix of this one. Raises ValueError unless 0 < old ≤ size."""
    if not 0 < old <= len(leaves):
        raise ValueError("the older tree is not empty and not larger")
    hashes = [leaf_hash(v) for v in leaves]

    def sub(m: int, lo: int, hi: int, whole: bool) -> list[bytes]:
        n = hi - lo
        if m == n:
            return [] if whole else [_fold(hashes[lo:hi])]
        k = _split(n)
        if m <= k:
            return [*sub(m, lo, lo + k, whole), _fold(hashes[lo + k : hi])]
        return [*sub(m - k, lo + k, hi, False), _fold(hashes[lo : lo + k])]

    return sub(old, 0, len(leaves), True)


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves extends that of `old` (RFC 9162 §2.1.4.2). Empty trees are refused."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


# --- signed notes and checkpoints (C2SP) ---------------------------------------------------------------------------


def key_hash(name: str, public: bytes) -> bytes:
    """First four bytes of SHA-256(name ‖ newline ‖ type ‖ key), which a signature line starts with."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


class Signer(Protocol):
    """Something that signs notes under a name."""

    name: str

    def sign(self, text: bytes) -> bytes: ...
    def vkey(self) -> str: ...


class Ed25519Signer:
    """Signs notes with an Ed25519 key held in memory."""

    def __init__(self, name: str, private: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def new_private(cls) -> bytes:
        """32 bytes of a fresh private key."""
        return Ed25519PrivateKey.generate().private_bytes_raw()

    def __repr__(self) -> str:
        return f"<signer {self.name}>"

    def sign(self, text: bytes) -> bytes:
        """Key hash and signature, as a note's signature line carries them."""
        return key_hash(self.name, self.public) + self._key.sign(text)

    def vkey(self) -> str:
        """The verifier key: name+hash+base64(type ‖ key)."""
        return (
            f"{self.name}+{key_hash(self.name, self.public).hex()}+{base64.b64encode(ED25519 + self.public).decode()}"
        )


def sign_checkpoint(signer: Signer, *, origin: str, size: int, root: bytes) -> str:
    """A C2SP checkpoint: origin, size, base64 root, blank line, one signature line."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = base64.b64encode(signer.sign(body.encode())).decode()
    return f"{body}\n\u2014 {signer.name} {signature}\n"


def open_checkpoint(text: str, vkey: str) -> tuple[str, int, bytes]:
    """(origin, size, root) of a checkpoint signed by `vkey`. Raises ValueError when it is not."""
    name, _hash, encoded = vkey.split("+", 2)
    public = base64.b64decode(encoded, validate=True)[1:]
    body, _, signatures = text.partition("\n\n")
    body += "\n"
    for line in signatures.splitlines():
        dash, signer, blob = line.split(" ", 2)
        raw = base64.b64decode(blob, validate=True)
        if dash == "\u2014" and signer == name and raw[:4] == key_hash(name, public):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], body.encode())
            except InvalidSignature:
                break
            origin, size, encoded_root = body.splitlines()
            return origin, int(size), base64.b64decode(encoded_root, validate=True)
    raise ValueError("the checkpoint is not signed by this key")


def read_vkey(vkey: str) -> tuple[str, bytes]:
    """(name, Ed25519 public key) of a verifier key. Raises ValueError when it is not one, or its hash is another's."""
    parts = vkey.split("+", 2)
    if len(parts) != 3:
        raise ValueError("not a verifier key")
    raw = base64.b64decode(parts[2], validate=True)
    if len(raw) != 33 or raw[:1] != ED25519 or key_hash(parts[0], raw[1:]).hex() != parts[1]:
        raise ValueError("not a verifier key")
    return parts[0], raw[1:]


def sign_note(signer: Signer, text: bytes) -> str:
    """The signature line of a note: dash, name, base64 of key hash and signature; no line end."""
    return f"\u2014 {signer.name} {base64.b64encode(signer.sign(text)).decode()}"


def verify_note(text: bytes, line: str, vkey: str) -> bool:
    """Whether `line`, in its one proper spelling, is `vkey`'s signature of `text`. Raises ValueError for a bad vkey."""
    name, public = read_vkey(vkey)
    head = f"\u2014 {name} "
    try:
        blob = base64.b64decode(line.removeprefix(head), validate=True)
    except ValueError:
        return False
    if line != head + base64.b64encode(blob).decode() or blob[:4] != key_hash(name, public):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], text)
    except InvalidSignature:
        return False
    return True


# --- tiles (C2SP tlog-tiles) ---------------------------------------------------------------------------------------


def tile_name(n: int) -> str:
    """Tile index in groups of three digits: 1234067 → x001/x234/067."""
    parts = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        parts.insert(0, f"x{n % 1000:03d}")
    return "/".join(parts)


def tiles(leaves: Sequence[bytes]) -> dict[str, bytes]:
    """Every tile file of a tree by its path: hash tiles level by level, and bundles of leaf values."""
    files: dict[str, bytes] = {}
    level, hashes = 0, [leaf_hash(v) for v in leaves]
    while hashes:
        for n in range(0, -(-len(hashes) // TILE)):
            chunk = hashes[n * TILE : (n + 1) * TILE]
            suffix = "" if len(chunk) == TILE else f".p/{len(chunk)}"
            files[f"tile/{level}/{tile_name(n)}{suffix}"] = b"".join(chunk)
        hashes = [_fold(hashes[i : i + TILE]) for i in range(0, len(hashes) - TILE + 1, TILE)]
        level += 1
    for n in range(0, -(-len(leaves) // TILE)):
        chunk = list(leaves[n * TILE : (n + 1) * TILE])
        suffix = "" if len(chunk) == TILE else f".p/{len(chunk)}"
        files[f"tile/entries/{tile_name(n)}{suffix}"] = b"".join(len(v).to_bytes(2, "big") + v for v in chunk)
    return files
