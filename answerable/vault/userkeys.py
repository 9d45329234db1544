"""A person's key pair, opened by a passphrase or held for a session. No framework.

Blobs that a low-entropy secret opens carry a key commitment, compared in constant time before anything is
decrypted: Poly1305 does not commit to its key, and a partitioning oracle would otherwise test many passphrases at once.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from answerable.vault import primitives
from answerable.vault.primitives import Unopenable

MAGIC = b"AK1"
_HEAD = struct.Struct(">IHB16s32s")


class WrongPassphrase(Exception):
    """The passphrase does not open this key."""


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


def _wrap(private: bytes, passphrase: str) -> bytes:
    p, salt = _active, primitives.random_bytes(16)
    key = primitives.stretch(
        normalise(passphrase).encode(), salt, memory_kib=p.memory_kib, iterations=p.iterations, lanes=p.lanes
    )
    head = MAGIC + _HEAD.pack(p.memory_kib, p.iterations, p.lanes, salt, primitives.derive(key, "commit"))
    return head + primitives.aead_seal(primitives.derive(key, "wrap"), private, head)


def normalise(passphrase: str) -> str:
    """Words typed with other spacing or capitals are the same passphrase."""
    return " ".join(passphrase.lower().split())


def new_user_key(passphrase: str) -> tuple[bytes, bytes]:
    """(public key, private key wrapped under the passphrase)."""
    public, private = primitives.new_key_pair()
    return public, _wrap(private, passphrase)


def open_user_key(wrapped: bytes, passphrase: str) -> bytes:
    """The private key. Raises WrongPassphrase, and for a damaged blob too."""
    size = len(MAGIC) + _HEAD.size
    if wrapped[: len(MAGIC)] != MAGIC or len(wrapped) < size:
        raise WrongPassphrase
    memory, iterations, lanes, salt, commitment = _HEAD.unpack(wrapped[len(MAGIC) : size])
    if memory > 4 * PRODUCTION.memory_kib or iterations > 16 or not 1 <= lanes <= 8 or memory < 8 * lanes:
        raise WrongPassphrase  # a forged header must not exhaust memory
    try:
        key = primitives.stretch(
            normalise(passphrase).encode(), salt, memory_kib=memory, iterations=iterations, lanes=lanes
        )
        if not primitives.same(primitives.derive(key, "commit"), commitment):
            raise WrongPassphrase
        return primitives.aead_open(primitives.derive(key, "wrap"), wrapped[size:], wrapped[:size])
    except (Unopenable, ValueError):
        raise WrongPassphrase from None


@cache
def decoy() -> bytes:
    """A wrapped key nobody's passphrase opens, so that an unknown name costs what a known one does."""
    return _wrap(primitives.random_bytes(96), primitives.random_bytes(24).hex())


def lock_for_session(private: bytes) -> tuple[bytes, bytes]:
    """(secret for the cookie, ciphertext for the server). Neither alone is worth anything."""
    secret = primitives.random_bytes(32)
    return secret, primitives.aead_seal(primitives.derive(secret, "session"), private, b"answerable-session/1")


def open_for_session(secret: bytes, blob: bytes) -> bytes:
    """The private key of a session. Raises Unopenable."""
    if len(secret) != 32:
        raise Unopenable
    return primitives.aead_open(primitives.derive(secret, "session"), blob, b"answerable-session/1")


@cache
def words() -> tuple[str, ...]:
    """The list passphrases are drawn from: 4,096 pronounceable made-up words, 12 bits each."""
    return tuple(Path(__file__).with_name("wordlist.txt").read_text().split())


def new_passphrase() -> str:
    """Six random words, 72 bits."""
    choose = words()
    return " ".join(choose[int.from_bytes(primitives.random_bytes(2), "big") % 4096] for _ in range(6))
