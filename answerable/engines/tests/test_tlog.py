"""The record's tree against the published vectors, and proofs on every small size."""

import hashlib

import pytest

from answerable.engines import tlog

# The eight leaves and roots of the Certificate Transparency reference tests.
LEAVES = [
    bytes.fromhex(h)
    for h in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference(size):
    assert tlog.root(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_an_empty_tree_is_refused():
    with pytest.raises(ValueError):
        tlog.root([])
    assert not tlog.verify_consistency(0, 5, b"", b"", [])


MANY = [hashlib.sha256(bytes([i])).digest() for i in range(40)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21, 40])
def test_every_inclusion_proof_holds_and_no_other(size):
    root = tlog.root(MANY[:size])
    for i in range(size):
        proof = tlog.inclusion_proof(MANY[:size], i)
        assert tlog.verify_inclusion(MANY[i], i, size, proof, root)
        assert not tlog.verify_inclusion(MANY[i], (i + 1) % size, size, proof, root) or size == 1
        assert not tlog.verify_inclusion(MANY[i] + b"x", i, size, proof, root)
        assert not tlog.verify_inclusion(MANY[i], i, size, [*proof, bytes(32)], root)


@pytest.mark.parametrize("new", [1, 2, 5, 8, 23, 40])
def test_every_consistency_proof_holds_and_a_fork_does_not(new):
    for old in range(1, new + 1):
        proof = tlog.consistency_proof(MANY[:new], old)
        roots = tlog.root(MANY[:old]), tlog.root(MANY[:new])
        assert tlog.verify_consistency(old, new, *roots, proof)
        assert not tlog.verify_consistency(old, new, bytes(32), roots[1], proof)


def test_checkpoints_open_under_their_own_key_only():
    a, b = (tlog.Ed25519Signer("log.example", tlog.Ed25519Signer.new_private()) for _ in range(2))
    text = tlog.sign_checkpoint(a, origin="log.example", size=3, root=tlog.root(MANY[:3]))
    assert tlog.open_checkpoint(text, a.vkey()) == ("log.example", 3, tlog.root(MANY[:3]))
    with pytest.raises(ValueError):
        tlog.open_checkpoint(text, b.vkey())
    with pytest.raises(ValueError):
        tlog.open_checkpoint(text.replace("\n3\n", "\n4\n"), a.vkey())


@pytest.mark.parametrize(("n", "name"), [(0, "000"), (67, "067"), (1234067, "x001/x234/067")])
def test_tiles_are_named_as_c2sp_says(n, name):
    assert tlog.tile_name(n) == name


def test_events_are_written_in_one_way_only():
    assert tlog.canonical({"b": "e\u0301", "a": [1]}) == '{"a":[1],"b":"\u00e9"}'.encode()
    with pytest.raises(ValueError):
        tlog.canonical({"a": 0.5})
