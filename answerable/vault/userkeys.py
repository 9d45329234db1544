"""A person's key pair, opened by a passphrase or a passkey, or held for a session. No framework.

Blobs that a low-entropy secret opens carry a key commitment, compared in constant time before anything is
decrypted: Poly1305 does not commit to its key, and a partitioning oracle would otherwise test many passphrases at once.
"""

from __future__ import annotations

import struct
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from answerable.vault import primitives, seal
from answerable.vault.primitives import Unopenable

MAGIC = b"AK1"
_HEAD = struct.Struct(">IHB16s32s")
# The same private key under what a passkey's PRF gives: a salt, a commitment, the sealed key.
PASSKEY = b"AP1"
_PASSKEY_HEAD = struct.Struct(">16s32s")
PRF_SIZE = 32


class WrongPassphrase(Unopenable):
    """The passphrase does not open this key, or the key is damaged; which of the two is not said."""


@dataclass(frozen=True)
class KdfParameters:
    """Argon2id cost, stored with each key so that it can be raised later."""

    memory_kib: int
    iterations: int
    lanes: int


PRODUCTION = KdfParameters(memory_kib=256 * 1024, iterations=3, lanes=1)
# For the demonstration and tests, where passphrases are printed on the screen anyway.
LIGHT = KdfParameters(memory_kib=8 * 1024, iterations=1, lanes=1)
_active = PRODUCTION


def active_parameters() -> KdfParameters:
    """The cost that new keys are made with."""
    return _active


def set_parameters(parameters: KdfParameters) -> KdfParameters:
    """Change the cost of new keys; returns what it was."""
    global _active
    before, _active = _active, parameters
    return before


def _stretched(passphrase: str, salt: bytes, p: KdfParameters) -> bytes:
    # surrogatepass: an encoding error would carry the passphrase in the exception.
    secret = normalise(passphrase).encode("utf-8", "surrogatepass")
    return primitives.stretch(secret, salt, memory_kib=p.memory_kib, iterations=p.iterations, lanes=p.lanes)


def _wrap(private: bytes, passphrase: str) -> bytes:
    p, salt = _active, primitives.random_bytes(16)
    key = _stretched(passphrase, salt, p)
    head = MAGIC + _HEAD.pack(p.memory_kib, p.iterations, p.lanes, salt, primitives.derive(key, "commit"))
    return head + primitives.aead_seal(primitives.derive(key, "wrap"), private, head)


def normalise(passphrase: str) -> str:
    """Words typed with other spacing, capitals or composition of accents are the same passphrase."""
    return " ".join(unicodedata.normalize("NFKC", passphrase).lower().split())


def new_user_key(passphrase: str) -> tuple[bytes, bytes]:
    """(public key, private key wrapped under the passphrase)."""
    public, private = primitives.new_key_pair()
    return public, _wrap(private, passphrase)


def wrap_private(private: bytes, passphrase: str) -> bytes:
    """A private key one already holds, wrapped under a passphrase; `open_user_key` opens it."""
    return _wrap(private, passphrase)


def open_user_key(wrapped: bytes, passphrase: str) -> bytes:
    """The private key. Raises WrongPassphrase, and for a damaged blob too."""
    size = len(MAGIC) + _HEAD.size
    if wrapped[: len(MAGIC)] != MAGIC or len(wrapped) < size:
        raise WrongPassphrase
    memory, iterations, lanes, salt, commitment = _HEAD.unpack(wrapped[len(MAGIC) : size])
    if memory > 4 * PRODUCTION.memory_kib or iterations > 16 or not 1 <= lanes <= 8 or memory < 8 * lanes:
        raise WrongPassphrase  # a forged header must not exhaust memory
    try:
        key = _stretched(passphrase, salt, KdfParameters(memory, iterations, lanes))
        if not primitives.same(primitives.derive(key, "commit"), commitment):
            raise WrongPassphrase
        return primitives.aead_open(primitives.derive(key, "wrap"), wrapped[size:], wrapped[:size])
    except (Unopenable, ValueError):
        raise WrongPassphrase from None


def wrap_under_passphrase(private: bytes, passphrase: str) -> bytes:
    """A private key that exists already, under another passphrase and today's cost."""
    return _wrap(private, passphrase)


class WrongPasskey(Unopenable):
    """What the passkey gave does not open this key, or the key is damaged; which of the two is not said."""


def _passkey_key(secret: bytes, salt: bytes) -> bytes:
    if len(secret) != PRF_SIZE:
        raise WrongPasskey
    return primitives.derive(secret, f"answerable-passkey/1|{salt.hex()}")


def wrap_with_prf(private: bytes, secret: bytes, credential_id: bytes) -> bytes:
    """A person's private key under the 32 bytes a passkey's PRF gives, bound to that passkey. Raises WrongPasskey."""
    salt = primitives.random_bytes(16)
    key = _passkey_key(secret, salt)
    head = PASSKEY + _PASSKEY_HEAD.pack(salt, primitives.derive(key, "commit"))
    return head + primitives.aead_seal(primitives.derive(key, "wrap"), private, head + credential_id)


def open_with_prf(wrapped: bytes, secret: bytes, credential_id: bytes) -> bytes:
    """The private key. Raises WrongPasskey for another passkey, another secret or a damaged blob."""
    size = len(PASSKEY) + _PASSKEY_HEAD.size
    if wrapped[: len(PASSKEY)] != PASSKEY or len(wrapped) < size:
        raise WrongPasskey
    salt, commitment = _PASSKEY_HEAD.unpack(wrapped[len(PASSKEY) : size])
    key = _passkey_key(secret, salt)
    if not primitives.same(primitives.derive(key, "commit"), commitment):
        raise WrongPasskey
    try:
        return primitives.aead_open(primitives.derive(key, "wrap"), wrapped[size:], wrapped[:size] + credential_id)
    except Unopenable:
        raise WrongPasskey from None


@cache
def decoy() -> bytes:
    """A wrapped key nobody's passphrase opens, so that an unknown name costs what a known one does."""
    return _wrap(primitives.random_bytes(96), primitives.random_bytes(24).hex())


def lock_for_session(private: bytes) -> tuple[bytes, bytes]:
    """(secret for the cookie, ciphertext for the server). Neither alone is worth anything."""
    secret = primitives.random_bytes(32)
    sealed = primitives.aead_seal(primitives.derive(secret, "session"), private, b"answerable-session/1")
    return secret, seal.SESSION + sealed


def open_for_session(secret: bytes, blob: bytes) -> bytes:
    """The private key of a session. Raises Unopenable."""
    if len(secret) != 32:
        raise Unopenable
    sealed = seal.without_header(seal.SESSION, blob)
    return primitives.aead_open(primitives.derive(secret, "session"), sealed, b"answerable-session/1")


@cache
def words() -> tuple[str, ...]:
    """The list passphrases are drawn from: 1,296 plain words, so that four dice choose one by hand."""
    lines = Path(__file__).with_name("wordlist.txt").read_text().splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def new_passphrase() -> str:
    """Six random words, 62 bits; Argon2id makes each guess cost most of a second and 256 MiB."""
    return " ".join(primitives.choose(words()) for _ in range(6))
