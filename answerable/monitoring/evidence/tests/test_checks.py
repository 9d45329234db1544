"""Proofs of time and web archives, checked without a network: what holds, what does not, and what nobody can say here."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from answerable.monitoring.evidence import archives, checks, opentimestamps, timestamps
from answerable.monitoring.evidence.said import Broken
from answerable.monitoring.evidence.tests import proofs

FILE = b"a photograph, as it came"
DIGESTS = {n: hashlib.new(n, FILE).digest() for n in ("sha1", "sha256", "sha384", "sha512")}


@pytest.fixture(scope="module")
def authority():
    return proofs.Authority()


def outcomes(said):
    return {s.code: s.outcome for s in said}


@pytest.mark.parametrize("bare", [False, True])
def test_a_time_stamp_holds_for_its_file_under_a_trusted_root(authority, bare):
    said = timestamps.check(
        authority.token(FILE, bare=bare), DIGESTS, [proofs.Authority("Other").root_der, authority.root_der]
    )
    assert outcomes(said) == {"tsa.file": "held", "tsa.signed": "held", "tsa.revocation": "not_checkable"}
    assert said[1].figures == {"at": "2026-03-04 05:06:07", "root": "Test Time Root"}


def test_a_time_stamp_of_another_file_is_not_this_files(authority):
    said = outcomes(timestamps.check(authority.token(b"another"), DIGESTS, [authority.root_der]))
    assert said["tsa.file"] == "not_held" and said["tsa.signed"] == "held"


def test_a_time_stamp_is_believed_under_a_root_the_office_entered_and_no_other(authority):
    impostor = proofs.Authority()  # the same name, another key
    said = outcomes(timestamps.check(authority.token(FILE), DIGESTS, [impostor.root_der]))
    assert said == {"tsa.file": "held", "tsa.unsigned": "not_held"}
    assert outcomes(timestamps.check(authority.token(FILE), DIGESTS, [])) == {
        "tsa.file": "held",
        "tsa.noroots": "not_checkable",
    }


def test_a_spoilt_signature_and_a_certificate_for_something_else_do_not_hold(authority):
    assert (
        outcomes(timestamps.check(authority.token(FILE, spoil=True), DIGESTS, [authority.root_der]))["tsa.unsigned"]
        == "not_held"
    )
    server = proofs.Authority(purpose=x509.ExtendedKeyUsageOID.SERVER_AUTH)
    assert outcomes(timestamps.check(server.token(FILE), DIGESTS, [server.root_der]))["tsa.unsigned"] == "not_held"


def test_only_a_certificate_of_an_authority_becomes_a_trusted_root(authority):
    from cryptography.hazmat.primitives import serialization

    assert timestamps.root_from_pem(authority.root_pem) == (authority.root_der, "Test Time Root")
    for text in (authority.leaf.public_bytes(serialization.Encoding.PEM).decode(), "no certificate", ""):
        with pytest.raises(Broken):
            timestamps.root_from_pem(text)


def test_an_opentimestamps_proof_says_what_it_commits_to_and_nothing_is_claimed_of_bitcoin():
    said = opentimestamps.check(proofs.ots(FILE), DIGESTS)
    assert [(s.code, s.outcome) for s in said] == [
        ("ots.file", "held"), ("ots.pending", "not_checkable"), ("ots.bitcoin", "not_checkable")]  # fmt: skip
    root = hashlib.sha256(hashlib.sha256(FILE).digest()).digest()[::-1].hex()
    assert said[1].figures == {"calendar": "calendar.invalid"} and said[2].figures == {"height": 800_000, "root": root}
    assert opentimestamps.check(proofs.ots(b"other"), DIGESTS)[0].outcome == "not_held"


@pytest.mark.parametrize("proof", [
    b"", opentimestamps.MAGIC, proofs.ots(FILE)[:-1], proofs.ots(FILE, tail=b"x"), opentimestamps.MAGIC + b"\x02\x08",
    opentimestamps.MAGIC + b"\x01\x08" + bytes(32) + b"\xff" * 60_000,
    opentimestamps.MAGIC + b"\x01\x08" + bytes(32) + b"\xf3" * 4000,  # doubles itself
    opentimestamps.MAGIC + b"\x01\x08" + bytes(32) + b"\x08" * 60_000,
])  # fmt: skip
def test_a_hostile_opentimestamps_proof_is_refused(proof):
    with pytest.raises(Broken):
        opentimestamps.check(proof, DIGESTS)


def test_an_archive_that_holds_is_said_so_point_by_point(authority):
    key = ec.generate_private_key(ec.SECP384R1())
    said = outcomes(archives.check(proofs.wacz(key=key, authority=authority), [authority.root_der]))
    assert said == {
        "wacz.resources": "held", "wacz.records": "held", "wacz.bare": "not_checkable", "wacz.digest": "held",
        "wacz.signature": "held", "wacz.who": "not_checkable", "tsa.archive": "held", "tsa.signed": "held",
        "tsa.revocation": "not_checkable",
    } or said == {
        "wacz.resources": "held", "wacz.records": "held", "wacz.digest": "held", "wacz.signature": "held",
        "wacz.who": "not_checkable", "tsa.archive": "held", "tsa.signed": "held", "tsa.revocation": "not_checkable",
    }  # fmt: skip


def test_one_changed_member_one_missing_and_one_unlisted_are_told_apart():
    changed = archives.check(proofs.wacz(change={"pages/pages.jsonl": b"[]\n"}, extra={"notes.txt": b"x"}), [])
    assert changed[0].code == "wacz.resources" and changed[0].outcome == "not_held" and changed[0].figures["wrong"] == 1
    assert outcomes(changed)["wacz.unlisted"] == "not_checkable"
    listed = json.dumps({"resources": [{"path": "gone.warc", "hash": "sha256:" + "0" * 64}]}).encode()
    assert archives.check(proofs.wacz(package=listed), [])[0].figures["missing"] == 1


def test_a_record_that_does_not_agree_with_its_own_digest_is_found_though_the_archive_lists_it_so():
    files = {"archive/data.warc": proofs.warc(b"<p>they came at dawn</p>", spoil=True)}
    said = outcomes(archives.check(proofs.wacz(files), []))
    assert said["wacz.resources"] == "held" and said["wacz.records"] == "not_held"


def test_a_signature_that_does_not_hold_and_a_list_changed_after_signing():
    key = ec.generate_private_key(ec.SECP384R1())
    assert outcomes(archives.check(proofs.wacz(key=key, spoil=True), []))["wacz.signature"] == "not_held"
    assert outcomes(archives.check(proofs.wacz(digest=False), []))["wacz.nodigest"] == "not_checkable"
    assert outcomes(archives.check(proofs.wacz(), []))["wacz.unsigned"] == "not_checkable"


def bomb(size: int = 300 << 20) -> bytes:
    return proofs.wacz({"archive/data.warc": b"x"}, extra={"bomb": bytes(size)})


def lying_bomb() -> bytes:
    """A member that says it unpacks to 200 bytes and unpacks to 300 MB."""
    whole = bytearray(proofs.wacz({"archive/data.warc": bytes(300 << 20)}))
    for at, offset in ((whole.find(b"PK\x03\x04"), 22), (whole.find(b"PK\x01\x02"), 24)):
        struct.pack_into("<I", whole, at + offset, 200)
    return bytes(whole)


def many(n: int = archives.MOST_MEMBERS + 1) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as z:
        for i in range(n):
            z.writestr(f"f{i}", b"")
    return target.getvalue()


@pytest.mark.parametrize(("make", "code"), [
    (lambda: b"no archive", "wacz.unreadable"),
    (lambda: proofs.wacz()[:-40], "wacz.unreadable"),
    (lambda: proofs.wacz(extra={"../../etc/cron.d/x": b"x"}), "wacz.paths"),
    (lambda: proofs.wacz(extra={"/etc/passwd": b"x"}), "wacz.paths"),
    (lambda: proofs.wacz(extra={"C:\\x": b"x"}), "wacz.paths"),
    (lambda: proofs.wacz(extra={"a/..\\..\\x": b"x"}), "wacz.paths"),
    (bomb, "wacz.bomb"),
    (many, "wacz.bomb"),
    (lambda: proofs.wacz(package=b"[" * 100_000), "wacz.package"),
    (lambda: proofs.wacz(package=b'{"resources": 7}'), "wacz.package"),
    (lambda: proofs.wacz({"x": b"x"}, package=b""), "wacz.package"),
])  # fmt: skip
@pytest.mark.slow
def test_a_hostile_archive_is_told_and_not_read(make, code):
    with pytest.raises(Broken, match=code):
        archives.check(make(), [])


@pytest.mark.slow
def test_a_member_that_lies_about_its_size_ends_as_a_finding_of_the_closed_room():
    (found,) = checks.run("wacz", lying_bomb(), b"", [])
    assert found["outcome"] == "not_held" and found["code"] in {"wacz.bomb", "wacz.unreadable"}


def test_checked_in_the_closed_room_it_says_the_same(authority):
    key = ec.generate_private_key(ec.SECP384R1())
    inside = checks.run("wacz", proofs.wacz(key=key, authority=authority), b"", [authority.root_der])
    assert {"wacz.resources": "held", "wacz.signature": "held", "tsa.signed": "held"}.items() <= {
        f["code"]: f["outcome"] for f in inside}.items()  # fmt: skip
    stamped = checks.run("rfc3161", authority.token(FILE), FILE, [authority.root_der])
    assert [f["code"] for f in stamped] == ["tsa.file", "tsa.signed", "tsa.revocation"]
    assert "under the trusted root “Test Time Root”" in checks.in_words(stamped[1])
    assert [f["code"] for f in checks.run("ots", proofs.ots(FILE), FILE, [])] == [
        "ots.file",
        "ots.pending",
        "ots.bitcoin",
    ]
    assert [f["code"] for f in checks.run("rfc3161", b"\x30\x80" * 9, FILE, [])] == ["tsa.unreadable"]


def test_every_sentence_takes_the_figures_its_finding_has():
    for code, outcomes_ in checks.WORDS.items():
        for outcome, sentence in outcomes_.items():
            names = dict.fromkeys(("at", "root", "n", "hash", "height", "calendar", "held", "wrong", "missing"), "7")
            said = checks.in_words({"code": code, "outcome": outcome or "not_checkable", "figures": names})
            assert "%(" not in said and (said == sentence % names if "%(" in sentence else True), code


def test_a_checker_that_was_taken_over_can_say_nothing_of_its_own():
    from answerable.vault.uploads.converter import frame

    said = json.dumps(
        {"code": "tsa.signed", "outcome": "held", "figures": {"at": "<script>\x00" * 90, "root": {"a": 1}}}
    )
    output = frame(b"room", b"filter") + frame(b"said", b'{"code": "my words", "outcome": "held", "figures": {}}') + frame(
        b"said", said.encode()) + frame(b"done")  # fmt: skip
    (one,) = checks._believed(output)
    assert len(one["figures"]["at"]) <= 100 and "\x00" not in one["figures"]["at"]
    assert checks._believed(output[:-8])[0]["code"] == "unreadable"
    assert checks._believed(frame(b"done"))[0]["code"] == "room"
