"""The published vectors of HPKE and X-Wing, against the library behind primitives.py (security.md §4.5).

`cryptography` offers HPKE in one shot with a random encapsulation, so a vector's sealing cannot be repeated: what is
checked is *opening*. Its public call takes no associated data, which every published encryption has; the library's own
entry for its vectors, `_decrypt_with_aad`, is used here and nowhere else. It opens the first message of a context
only (sequence 0); the later ones are opened by a second reading of RFC 9180 over hashes, which is thereby shown to be
right and is what the X-Wing secrets are then checked with. X-Wing alone is not offered at all: `primitives.hpke_open`
opens what was sealed by hand under a published shared secret, so its decapsulation must have found that very secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from answerable.vault import primitives
from answerable.vault.primitives import Unopenable

HERE = Path(__file__).parent / "vectors"
HPKE = json.loads((HERE / "hpke-standards.json").read_text())["vectors"]
XWING = json.loads((HERE / "xwing-standards.json").read_text())["vectors"]
XWING_ID = 0x647A
AEADS = {1: (hpke.AEAD.AES_128_GCM, AESGCM, 16), 3: (hpke.AEAD.CHACHA20_POLY1305, ChaCha20Poly1305, 32)}


def raw(v, name):
    return bytes.fromhex(v[name])


def suite_and_key(v):
    """The library's suite and private key for a vector; for ours, exactly those of primitives.py."""
    if v["kem_id"] == XWING_ID:
        return primitives.SUITE, primitives._private(hashlib.shake_256(raw(v, "skRm")).digest(96))
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, AEADS[v["aead_id"]][0])
    return suite, X25519PrivateKey.from_private_bytes(raw(v, "skRm"))


class Book:
    """RFC 9180 §5.1 in base mode with HKDF-SHA256: from a shared secret to key and nonce."""

    def __init__(self, kem_id, aead_id, shared, info):
        self.suite = b"HPKE" + kem_id.to_bytes(2, "big") + b"\x00\x01" + aead_id.to_bytes(2, "big")
        context = b"\x00" + self.extract(b"psk_id_hash", b"") + self.extract(b"info_hash", info)
        self.secret = self.extract(b"secret", b"", salt=shared)
        _, self.aead, size = AEADS[aead_id]
        self.key, self.nonce = self.expand(b"key", context, size), self.expand(b"base_nonce", context, 12)

    def extract(self, label, secret, salt=bytes(32)):
        return hmac.digest(salt, b"HPKE-v1" + self.suite + label + secret, "sha256")

    def expand(self, label, info, length):
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + self.suite + label + info
        return hmac.digest(self.secret, labelled + b"\x01", "sha256")[:length]

    def nonce_of(self, sequence):
        return (int.from_bytes(self.nonce, "big") ^ sequence).to_bytes(12, "big")


def test_our_own_suite_is_among_the_published_ones():
    suites = [(v["kem_id"], v["kdf_id"], v["aead_id"]) for v in HPKE]
    assert suites == [(0x20, 1, 1), (0x20, 1, 3), (XWING_ID, 1, 3)]
    assert [len(v["encryptions"]) for v in HPKE] == [6, 6, 10] and len(XWING) == 3


@pytest.mark.parametrize("v", HPKE, ids=lambda v: v["says"])
def test_the_library_opens_the_first_published_message(v):
    (suite, private), first = suite_and_key(v), v["encryptions"][0]
    blob = raw(v, "enc") + raw(first, "ct")
    assert first["sequence"] == 0
    assert openssl.hpke._decrypt_with_aad(suite, blob, private, raw(v, "info"), raw(first, "aad")) == raw(first, "pt")


@pytest.mark.parametrize("v", HPKE, ids=lambda v: v["says"])
def test_the_library_refuses_a_published_message_with_anything_changed(v):
    (suite, private), first = suite_and_key(v), v["encryptions"][0]
    enc, ct, info, aad = raw(v, "enc"), raw(first, "ct"), raw(v, "info"), raw(first, "aad")
    second = raw(v["encryptions"][1], "ct")
    flipped = bytes([enc[0] ^ 1]) + enc[1:]
    for blob, i, a in [(enc + ct, info + b"x", aad), (enc + ct, info, aad + b"x"), (enc + ct, info, b""), (flipped + ct, info, aad),
                       (enc + ct[:-1], info, aad), (enc + second, info, aad), (enc, info, aad), (b"", info, aad)]:  # fmt: skip
        with pytest.raises(InvalidTag):
            openssl.hpke._decrypt_with_aad(suite, blob, private, i, a)


@pytest.mark.parametrize("v", HPKE, ids=lambda v: v["says"])
def test_a_second_reading_opens_every_published_message(v):
    book = Book(v["kem_id"], v["aead_id"], raw(v, "shared_secret"), raw(v, "info"))
    assert (book.key, book.nonce) == (raw(v, "key"), raw(v, "base_nonce"))
    for e in v["encryptions"]:
        assert book.aead(book.key).decrypt(book.nonce_of(e["sequence"]), raw(e, "ct"), raw(e, "aad")) == raw(e, "pt")


def private_of(v):
    return hashlib.shake_256(raw(v, "seed")).digest(96)


@pytest.mark.parametrize("v", XWING, ids=lambda v: v["seed"][:8])
def test_a_published_xwing_seed_gives_the_published_public_key(v):
    private = private_of(v)
    public = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key().public_bytes_raw()
    public += X25519PrivateKey.from_private_bytes(private[64:]).public_key().public_bytes_raw()
    assert public == raw(v, "pk") and len(public) == primitives.PUBLIC_SIZE and v["sk"] == v["seed"]


@pytest.mark.parametrize("v", XWING, ids=lambda v: v["seed"][:8])
def test_a_published_xwing_ciphertext_decapsulates_to_the_published_secret(v):
    book = Book(XWING_ID, 3, raw(v, "ss"), b"info")
    sealed = book.aead(book.key).encrypt(book.nonce, b"words", b"")
    assert primitives.hpke_open(private_of(v), raw(v, "ct") + sealed, b"info") == b"words"


@pytest.mark.parametrize("v", XWING, ids=lambda v: v["seed"][:8])
def test_another_secret_than_the_published_one_does_not_open(v):
    wrong = bytes([raw(v, "ss")[0] ^ 1]) + raw(v, "ss")[1:]
    book = Book(XWING_ID, 3, wrong, b"info")
    with pytest.raises(Unopenable):
        primitives.hpke_open(
            private_of(v), raw(v, "ct") + book.aead(book.key).encrypt(book.nonce, b"words", b""), b"info"
        )


def test_a_changed_mlkem_ciphertext_gives_another_secret_and_no_complaint_to_learn_from():
    # Implicit rejection (FIPS 203 §6.3): the refusal comes from the tag, as for any other change.
    v = XWING[0]
    book = Book(XWING_ID, 3, raw(v, "ss"), b"info")
    sealed, enc = book.aead(book.key).encrypt(book.nonce, b"words", b""), raw(v, "ct")
    told = set()
    for changed in (bytes([enc[0] ^ 1]) + enc[1:], enc[: 1120 - 1] + bytes([enc[-1] ^ 1]), enc[:1088] + bytes(32)):
        with pytest.raises(Unopenable) as caught:
            primitives.hpke_open(private_of(v), changed + sealed, b"info")
        told.add((str(caught.value), caught.value.__cause__, type(caught.value)))
    assert len(told) == 1
