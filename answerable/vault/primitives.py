"""The inventory of cryptography. Every primitive the product uses to seal is imported here and nowhere else.

HPKE single-shot with X-Wing (MLKEM768+X25519, HKDF-SHA256, ChaCha20-Poly1305, RFC 9180 with a hybrid KEM),
XChaCha20-Poly1305 for fields, secretstream for files, Argon2id for what a person remembers, HKDF-SHA256 and SHA-256.
Signatures live in engines/tlog.py. A test walks the imports of the whole package and holds this.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.secret import Aead

SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
PRIVATE_SIZE, PUBLIC_SIZE = 64 + 32, 1184 + 32
STREAM_HEADER_SIZE = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
STREAM_CHUNK_OVERHEAD = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_MESSAGE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
_FINAL = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


class Unopenable(Exception):
    """What was asked cannot be opened with what was given. Says nothing more, on purpose."""

    def __init__(self) -> None:
        super().__init__("cannot be opened")


def _private(raw: bytes) -> hpke.MLKEM768X25519PrivateKey:
    if len(raw) != PRIVATE_SIZE:
        raise Unopenable
    return hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(raw[:64]), X25519PrivateKey.from_private_bytes(raw[64:])
    )


def new_key_pair() -> tuple[bytes, bytes]:
    """(public 1,216 bytes, private 96 bytes) of a fresh X-Wing pair."""
    pq, ec = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
    public = pq.public_key().public_bytes_raw() + ec.public_key().public_bytes_raw()
    return public, pq.private_bytes_raw() + ec.private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """The public key that belongs to a private one. Raises Unopenable for what is no private key."""
    pq, ec = MLKEM768PrivateKey.from_seed_bytes, X25519PrivateKey.from_private_bytes
    if len(private) != PRIVATE_SIZE:
        raise Unopenable
    return pq(private[:64]).public_key().public_bytes_raw() + ec(private[64:]).public_key().public_bytes_raw()


def hpke_seal(public: bytes, plaintext: bytes, info: bytes) -> bytes:
    """HPKE to a public key, bound to `info`. Raises ValueError for a key of the wrong size or a low-order point."""
    if len(public) != PUBLIC_SIZE:
        raise ValueError("not an X-Wing public key")
    try:
        key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:1184]), X25519PublicKey.from_public_bytes(public[1184:])
        )
        return SUITE.encrypt(plaintext, key, info)
    except ValueError:
        raise ValueError("not an X-Wing public key") from None


def hpke_open(private: bytes, blob: bytes, info: bytes) -> bytes:
    """Open what hpke_seal made. Raises Unopenable for anything that does not fit."""
    try:
        return SUITE.decrypt(blob, _private(private), info)
    except (InvalidTag, ValueError):
        raise Unopenable from None


def aead_seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """XChaCha20-Poly1305 with a random 24-byte nonce in front."""
    return bytes(Aead(key).encrypt(plaintext, aad))


def aead_open(key: bytes, blob: bytes, aad: bytes) -> bytes:
    """Open what aead_seal made. Raises Unopenable."""
    try:
        return Aead(key).decrypt(blob, aad)
    except (CryptoError, ValueError, TypeError):
        raise Unopenable from None


class SealingStream:
    """secretstream, sealing: `header` goes first, then what `push` returns, the last one with `final`."""

    def __init__(self, key: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        self.header: bytes = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, key)

    def push(self, chunk: bytes, aad: bytes, *, final: bool) -> bytes:
        """One sealed chunk, 17 bytes longer than what went in."""
        tag = _FINAL if final else _MESSAGE
        return bytes(bindings.crypto_secretstream_xchacha20poly1305_push(self._state, chunk, aad, tag))


class OpeningStream:
    """secretstream, opening: chunks open only in the order they were sealed. Raises Unopenable."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        try:
            bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)
        except (CryptoError, ValueError, TypeError):
            raise Unopenable from None

    def pull(self, sealed: bytes, aad: bytes) -> tuple[bytes, bool]:
        """(the chunk, whether it is the final one). Raises Unopenable."""
        try:
            chunk, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, sealed, aad)
        except (CryptoError, ValueError, TypeError):
            raise Unopenable from None
        if tag not in (_MESSAGE, _FINAL):
            raise Unopenable
        return bytes(chunk), tag == _FINAL


def derive(key: bytes, label: str, length: int = 32) -> bytes:
    """HKDF-SHA256 of a key for one named use."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=label.encode()).derive(key)


def stretch(secret: bytes, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytes:
    """Argon2id of something remembered: 32 bytes. Raises ValueError for costs Argon2 does not know."""
    return Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory_kib).derive(secret)


def sha256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def same(a: bytes, b: bytes) -> bool:
    """Constant-time equality."""
    return hmac.compare_digest(a, b)


def random_bytes(n: int) -> bytes:
    """Bytes from the operating system's generator."""
    return os.urandom(n)


def choose(words: Sequence[str]) -> str:
    """One of the words, each equally likely, from the operating system's generator."""
    return secrets.choice(words)
