"""A signature line holds for one text, one key and one spelling."""

import base64

import pytest

from answerable.engines import tlog

SIGNER = tlog.Ed25519Signer("alliance.example/record", bytes(range(32)))
TEXT = b"what was decided\n"
LINE = tlog.sign_note(SIGNER, TEXT)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def test_a_signature_holds_for_its_text_and_key_alone():
    other = tlog.Ed25519Signer("alliance.example/record", bytes(32))
    renamed = tlog.Ed25519Signer("elsewhere.example/record", bytes(range(32)))
    assert tlog.verify_note(TEXT, LINE, SIGNER.vkey())
    assert not tlog.verify_note(TEXT + b"\n", LINE, SIGNER.vkey())
    assert not tlog.verify_note(TEXT, LINE, other.vkey()) and not tlog.verify_note(TEXT, LINE, renamed.vkey())


def test_any_changed_character_of_the_line_is_refused_and_any_other_spelling_of_it():
    for i in range(len(LINE)):
        assert not tlog.verify_note(TEXT, LINE[:i] + chr(ord(LINE[i]) ^ 1) + LINE[i + 1 :], SIGNER.vkey())
    respelled = LINE[:-2] + ALPHABET[ALPHABET.index(LINE[-2]) ^ 1] + "="
    assert base64.b64decode(respelled.split()[-1]) == base64.b64decode(LINE.split()[-1])
    for line in (respelled, LINE + "\n", LINE[2:], LINE.split()[-1], "", LINE + "=", "\u2014 "):
        assert not tlog.verify_note(TEXT, line, SIGNER.vkey())


def test_a_verifier_key_names_its_own_hash():
    key = tlog.read_vkey(SIGNER.vkey())
    assert (key.name, key.public) == (SIGNER.name, SIGNER.public)
    for wrong in (
        "",
        "a",
        "a+b",
        SIGNER.vkey().replace("alliance", "elsewhere"),
        SIGNER.vkey()[:-4],
        SIGNER.vkey() + "!",
    ):
        with pytest.raises(ValueError):
            tlog.read_vkey(wrong)
