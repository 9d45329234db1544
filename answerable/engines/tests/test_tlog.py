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


# --- notes, cosignatures, requests, policies -----------------------------------------------------------------------

LOG = tlog.Ed25519Signer("log.example", bytes(range(32)))
TEXT = tlog.sign_checkpoint(LOG, origin="log.example", size=3, root=tlog.root(MANY[:3]))
ONE, TWO, THREE, NGO = (
    tlog.Cosigner(name, bytes([n]) * 32) for n, name in enumerate(("one", "two", "three", "ngo"), 1)
)


def test_the_example_of_the_signed_note_specification_holds():
    key = tlog.read_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = tlog.signature_lines(
        "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )[0]
    assert line.hash == key.hash and key.type.check(key.public, line.signature, "This is an example message.\n") == 0


def test_a_cosignature_is_laid_out_as_c2sp_says():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    line = tlog.signature_lines(ONE.cosign(tlog.read_note(TEXT).body, 1679315147))[0]
    assert line.hash == hashlib.sha256(b"one\n\x04" + ONE.key.public).digest()[:4]
    assert len(line.signature) == 72 and int.from_bytes(line.signature[:8], "big") == 1679315147
    body = TEXT.split("\n\n")[0] + "\n"
    message = f"cosignature/v1\ntime 1679315147\n{body}".encode()
    Ed25519PublicKey.from_public_bytes(ONE.key.public).verify(line.signature[8:], message)


def test_lines_of_unknown_keys_and_unknown_types_are_skipped():
    post_quantum = tlog.VerifierKey("one", b"\x06", bytes(1312))
    note = tlog.read_note(tlog.merge_cosignatures(TEXT, [ONE.cosign(tlog.read_note(TEXT).body, 5)]))
    assert tlog.cosignatures(note, [TWO.key, post_quantum]) == {}
    assert post_quantum.type is None and note.signed(post_quantum) is None
    assert tlog.open_checkpoint(tlog.merge_cosignatures(TEXT, [TWO.cosign(note.body, 5)]), LOG.vkey())[1] == 3


def test_a_known_key_whose_signature_fails_makes_the_note_fall():
    wrong = ONE.cosign(tlog.read_note(TEXT).body.replace("\n3\n", "\n4\n"), 5)
    with pytest.raises(ValueError, match="one does not hold"):
        tlog.cosignatures(tlog.read_note(tlog.merge_cosignatures(TEXT, [wrong])), [ONE.key])


def test_one_key_under_two_names_counts_once():
    twin = tlog.Cosigner("twin", bytes([1]) * 32)
    body = tlog.read_note(TEXT).body
    note = tlog.read_note(tlog.merge_cosignatures(TEXT, [ONE.cosign(body, 5), twin.cosign(body, 7)]))
    assert tlog.cosignatures(note, [ONE.key, twin.key]) == {ONE.key.public: 7}


def test_merging_keeps_the_logs_line_first_and_each_line_once():
    lines = [c.cosign(tlog.read_note(TEXT).body, 5) for c in (TWO, ONE)]
    merged = tlog.merge_cosignatures(tlog.merge_cosignatures(TEXT, lines), reversed(lines))
    assert merged.startswith(TEXT) and merged.count("\u2014") == 3
    assert merged == tlog.merge_cosignatures(TEXT, lines[::-1])


@pytest.mark.parametrize(
    "line", ["x", "\u2014 a", "- a AAAAAAA=", "\u2014 a+b AAAAAAA=", "\u2014 a AAAAAAB=", "\u2014 a AAAA"]
)
def test_a_crooked_signature_line_is_refused(line):
    with pytest.raises(ValueError):
        tlog.read_note(TEXT + line + "\n")


def test_private_keys_come_back_and_nothing_else_does():
    text = tlog.private_text("one", bytes([1]) * 32)
    assert tlog.read_private(text).vkey() == ONE.vkey()
    for bad in (ONE.vkey(), text[:-4], text.replace("+one+", "+two+"), "", "PRIVATE+KEY+one+00000000+AAAA"):
        with pytest.raises(ValueError):
            tlog.read_private(bad)


def test_requests_come_back_and_crooked_ones_do_not():
    proof = tlog.consistency_proof(MANY[:7], 3)
    text = tlog.write_request(3, proof, TEXT)
    assert tlog.read_request(text) == (3, proof, TEXT)
    for bad in (TEXT, text.replace("old 3", "old 03"), text.replace("old 3", "old -1"), "old 3\nAAAA\n\n" + TEXT,
                tlog.write_request(3, [bytes(32)] * 64, TEXT)):  # fmt: skip
        with pytest.raises(ValueError):
            tlog.read_request(bad)


def policy(*lines):
    keys = {"LOG": LOG.vkey()} | {c.key.name.upper(): c.vkey() for c in (ONE, TWO, THREE, NGO)}
    return "\n".join(" ".join(keys.get(w, w) for w in line.split(" ")) for line in lines) + "\n"


WITNESSES = (
    "log LOG",
    "witness one ONE",
    "witness two TWO",
    "witness three THREE",
    "witness ngo NGO https://ngo.example",
)


@pytest.mark.parametrize(
    ("who", "met"),
    [("one two ngo", True), ("one two three", False), ("one ngo", False), ("one two three ngo", True), ("", False)],
)
def test_a_quorum_of_nested_groups(who, met):
    read = tlog.read_policy(policy(
        "# states and civil society", *WITNESSES, "", "group\tstates 2 one two three", "  group all-of all states ngo",
        "quorum all-of",
    ))  # fmt: skip
    keys = {c.key.public for c in (ONE, TWO, THREE, NGO) if c.key.name in who.split()}
    assert read.is_met(keys) is met and (read.lacking(keys) == []) is met
    assert [k.name for k in read.logs] == ["log.example"]


def test_what_is_lacking_is_named():
    read = tlog.read_policy(policy(*WITNESSES, "group states 2 one two three", "group b all states ngo", "quorum b"))
    assert [(x.name, x.have, x.needed, x.missing) for x in read.lacking({ONE.key.public})] == [
        ("b", 0, 2, ("states", "ngo")), ("states", 1, 2, ("two", "three")),
    ]  # fmt: skip


def test_a_policy_can_ask_for_one_witness_or_for_nobody():
    assert tlog.read_policy(policy(*WITNESSES, "quorum one")).is_met({ONE.key.public})
    assert not tlog.read_policy(policy(*WITNESSES, "quorum one")).is_met({TWO.key.public})
    assert tlog.read_policy("quorum none\n").is_met(set())


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (("quorum x",), "Line 1: “x” is not defined above"),
        ((), "no quorum line"),
        (("witness one ONE", "witness two ONE", "quorum one"), "Line 2: the key of witness two is the same"),
        (("witness one ONE", "witness one TWO", "quorum one"), "Line 2: the name “one” is already taken"),
        (("witness none ONE", "quorum none"), "already taken"),
        (("witness one LOG", "quorum one"), "a log's key"),
        (("log ONE", "quorum none"), "a witness's key"),
        (("log LOG", "log LOG", "quorum none"), "the same"),
        (("witness one ONE", "group g 2 one", "quorum g"), "Line 2: 2 of 1"),
        (("witness one ONE", "group g 0 one", "quorum g"), "0 of 1"),
        (("witness one ONE", "group g ² one", "quorum g"), "how many"),
        (("witness one ONE", "group g any one", "group h any one", "quorum g"), "already a member"),
        (("witness one ONE", "group g any one one", "quorum g"), "already a member"),
        (("group g any g", "quorum g"), "not defined"),
        (("witness one ONE", "group g any none", "quorum g"), "not defined"),
        (("witness one ONE", "quorum one", "quorum one"), "already a quorum"),
        (("witness one one+00000000+AAAA", "quorum one"), "cannot be used"),
        (("quorum none extra",), "reads: quorum NAME"),
        (("banana",), "Line 1: “banana”"),
        (("quorum none\r",), "control characters"),
    ],
)
def test_a_crooked_policy_is_refused_with_its_line(lines, says):
    with pytest.raises(tlog.PolicyError, match=says):
        tlog.read_policy(policy(*lines))


def test_the_default_policy_asks_for_most_members_and_for_civil_society():
    read = tlog.read_policy(tlog.default_policy(LOG.vkey(), [ONE.key, TWO.key, THREE.key], [NGO.key]))
    keys = {c.key.name: c.key.public for c in (ONE, TWO, THREE, NGO)}
    assert read.is_met({keys["one"], keys["two"], keys["ngo"]})
    assert not read.is_met({keys["one"], keys["two"], keys["three"]})
    assert not read.is_met({keys["one"], keys["ngo"]})
    for members, civil in (([], [NGO.key]), ([ONE.key], [])):
        with pytest.raises(ValueError):
            tlog.default_policy(LOG.vkey(), members, civil)
