"""Frozen blobs keep opening, and a second reading of the standards opens ours (security.md §4.5).

`vectors/seal-1.json` was sealed once and is never rewritten: a change that cannot read it loses people's files.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from answerable.vault import identity, primitives, seal, userkeys
from answerable.vault.primitives import Unopenable

VECTORS = json.loads((Path(__file__).parent / "vectors" / "seal-1.json").read_text())


def raw(vector, name):
    return bytes.fromhex(vector[name])


@pytest.mark.parametrize("v", VECTORS["fields"], ids=lambda v: v["says"])
def test_frozen_fields_open(v):
    context = seal.field_context(*v["place"])
    assert context == v["context"].encode()
    assert hashlib.sha256(seal.open_field(raw(v, "key"), raw(v, "blob"), context)).hexdigest() == v["text_sha256"]


@pytest.mark.parametrize("v", VECTORS["wraps"], ids=lambda v: v["says"])
def test_frozen_wraps_open(v):
    assert seal.unwrap(raw(v, "private"), raw(v, "blob"), raw(v, "context")) == raw(v, "secret")


def test_a_frozen_file_opens():
    v, target = VECTORS["file"], io.BytesIO()
    seal.open_file(raw(v, "key"), io.BytesIO(raw(v, "blob")), target, v["context"].encode())
    assert hashlib.sha256(target.getvalue()).hexdigest() == v["text_sha256"]


def test_a_frozen_user_key_opens():
    v = VECTORS["user_key"]
    assert userkeys.open_user_key(raw(v, "wrapped"), v["passphrase"]) == raw(v, "private")
    assert userkeys.open_for_session(raw(v, "session_secret"), raw(v, "session_blob")) == raw(v, "private")


@pytest.mark.parametrize("pair", VECTORS["identity"]["pairs"], ids="+".join)
def test_a_frozen_identity_opens_for_every_pair(pair):
    v, (one, other) = VECTORS["identity"], pair
    block = identity.IdentityBlock.from_bytes(v["block"].encode())
    keys = {seat: bytes.fromhex(key) for seat, key in v["seats"].items()}
    halves = [identity.open_share(block, v["subject"], a, b, keys[a]) for a, b in ((one, other), (other, one))]
    assert identity.combine(block, v["subject"], *halves) == v["fields"]


@pytest.mark.parametrize("v", VECTORS["derivations"], ids=lambda v: v["label"])
def test_frozen_derivations(v):
    assert primitives.derive(raw(v, "key"), v["label"]) == raw(v, "derived")
    assert v["label"] in {"commit", "wrap", "session", "file"}


def test_xwing_keys_are_those_of_the_draft():
    # draft-connolly-cfrg-xwing-kem-10, appendix C, first vector: SHAKE-256 of the seed gives our 96 private bytes.
    seed = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
    private = hashlib.shake_256(seed).digest(96)
    key = primitives._private(private)
    assert key is not None
    public = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key().public_bytes_raw()
    public += X25519PrivateKey.from_private_bytes(private[64:]).public_key().public_bytes_raw()
    assert public[:40].hex() == "e2236b35a8c24b39b10aa1323a96a919a2ced88400633a7b07131713fc14b2b5b19cfc3da5fa1a92"
    assert public[-32:].hex() == "859edb06eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534"
    assert seal.unwrap(private, seal.wrap(public, bytes(32), b"i"), b"i") == bytes(32)


SUITE_ID = b"HPKE" + bytes.fromhex("647a00010003")  # X-Wing, HKDF-SHA256, ChaCha20-Poly1305


def extract(salt, label, secret):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + SUITE_ID + label + secret, "sha256")


def expand(secret, label, info, length):
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE_ID + label + info
    return hmac.digest(secret, labelled + b"\x01", "sha256")[:length]


def open_by_the_book(private, blob, info):
    """RFC 9180 §5.1 and §6.1 in base mode over the X-Wing combiner, from hashes and plain ML-KEM and X25519 only."""
    pq, ec = MLKEM768PrivateKey.from_seed_bytes(private[:64]), X25519PrivateKey.from_private_bytes(private[64:])
    pq_text, ec_text, sealed = blob[:1088], blob[1088:1120], blob[1120:]
    shared = hashlib.sha3_256(
        pq.decapsulate(pq_text)
        + ec.exchange(X25519PublicKey.from_public_bytes(ec_text))
        + ec_text
        + ec.public_key().public_bytes_raw()
        + b"\\.//^\\"
    ).digest()
    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    return ChaCha20Poly1305(key).decrypt(nonce, sealed, b"")


@pytest.mark.parametrize("v", VECTORS["wraps"], ids=lambda v: v["says"])
def test_a_second_reading_of_rfc_9180_opens_frozen_and_fresh_wraps(v):
    private = raw(v, "private")
    assert raw(v, "blob")[:1] == b"\x02"
    assert open_by_the_book(private, raw(v, "blob")[1:], raw(v, "context")) == raw(v, "secret")
    public, fresh = seal.new_key_pair()
    assert open_by_the_book(fresh, seal.wrap(public, raw(v, "secret"), b"fresh")[1:], b"fresh") == raw(v, "secret")


def test_a_frozen_blob_does_not_open_with_another_ones_key():
    v, other = VECTORS["wraps"][0], VECTORS["wraps"][1]
    with pytest.raises(Unopenable):
        seal.unwrap(raw(other, "private"), raw(v, "blob"), raw(v, "context"))
