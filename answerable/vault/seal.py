"""Sealing fields and wrapping keys: formats, contexts, padding. No framework.

A sealed field is `0x01` (format seal/1), then XChaCha20-Poly1305 of the padded text under the object's data key, with
node, object, model, field and version as associated data: moved anywhere else it does not open.
"""

from __future__ import annotations

from answerable.vault import primitives
from answerable.vault.primitives import Unopenable

FORMAT = b"\x01"
# Text is padded to these sizes, so that length tells little: 256 B, 1 KiB, 4 KiB, 16 KiB, then steps of 16 KiB.
BUCKETS = (256, 1024, 4096, 16384)

new_key_pair = primitives.new_key_pair


def new_data_key() -> bytes:
    """A fresh 32-byte data key."""
    return primitives.random_bytes(32)


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key, hex; what the record shows so that a substituted key is seen."""
    return primitives.sha256(public).hex()


def wrap(public: bytes, secret: bytes, context: bytes) -> bytes:
    """A key wrapped to a public key and bound to `context`."""
    return primitives.hpke_seal(public, secret, context)


def unwrap(private: bytes, blob: bytes, context: bytes) -> bytes:
    """The wrapped key. Raises Unopenable for another key, another context or a changed blob."""
    return primitives.hpke_open(private, blob, context)


def field_context(node: str, subject: str, model: str, field: str, version: int) -> bytes:
    """Associated data that ties a ciphertext to its place. Raises ValueError when a part could be mistaken for two."""
    parts = [node, subject, model, field, str(version)]
    if any("|" in p or not p for p in parts):
        raise ValueError("a part of a field's context is empty or holds a bar")
    return ("v1|" + "|".join(parts)).encode()


def pad(text: bytes) -> bytes:
    """ISO 7816 padding up to the next bucket."""
    need = len(text) + 1
    size = next((b for b in BUCKETS if need <= b), -(-need // 16384) * 16384)
    return text + b"\x80" + b"\x00" * (size - need)


def unpad(padded: bytes) -> bytes:
    """Undo `pad`. Raises Unopenable when the padding is not ours."""
    text = padded.rstrip(b"\x00")
    if not text.endswith(b"\x80"):
        raise Unopenable
    return text[:-1]


def seal_field(key: bytes, text: bytes, context: bytes) -> bytes:
    """One field under a data key, padded and bound to its context."""
    return FORMAT + primitives.aead_seal(key, pad(text), context)


def open_field(key: bytes, blob: bytes, context: bytes) -> bytes:
    """The field's bytes. Raises Unopenable for a wrong key, place, version or any changed bit."""
    if blob[:1] != FORMAT:
        raise Unopenable
    return unpad(primitives.aead_open(key, blob[1:], context))
