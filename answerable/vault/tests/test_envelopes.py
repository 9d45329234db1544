"""Envelopes: sealed in a browser or here, opened only by their key, in their context (vault/seal.py, format 0x05).

`vectors/envelope-1.json` was sealed once on both sides and is never rewritten; tests/browser/test_sealing.py reads the
same file in Chromium.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from answerable.vault import primitives, seal
from answerable.vault.primitives import Unopenable

VECTORS = json.loads((Path(__file__).parent / "vectors" / "envelope-1.json").read_text())
VENDOR = Path(seal.__file__).parents[1] / "web" / "static" / "web" / "vendor"
PLACE = ("alliance", "A/reports", "report", "account")
CONTEXT = seal.envelope_context(*PLACE)
PUBLIC, PRIVATE = seal.new_key_pair()
BLOB = seal.seal_envelope(PUBLIC, b"words", CONTEXT)


def private(v):
    return bytes.fromhex(VECTORS["keys"][v["key"]]["private"])


@pytest.mark.parametrize("v", VECTORS["opens"], ids=lambda v: f"{v['says']}, {v['sealed_by']}")
def test_frozen_envelopes_open(v):
    context = seal.envelope_context(*v["place"])
    assert context == v["context"].encode()
    text = seal.open_envelope(private(v), bytes.fromhex(v["blob"]), context)
    assert (len(text), hashlib.sha256(text).hexdigest()) == (v["text_size"], v["text_sha256"])


@pytest.mark.parametrize("v", VECTORS["refused"], ids=lambda v: v["says"])
def test_frozen_refusals_are_refused(v):
    with pytest.raises(Unopenable):
        seal.open_envelope(private(v), bytes.fromhex(v["blob"]), v["context"].encode())


def test_both_sides_sealed_the_same_texts_to_the_same_lengths():
    lengths = {}
    for v in VECTORS["opens"]:
        lengths.setdefault(v["says"], {})[v["sealed_by"]] = len(v["blob"])
    both = [found for found in lengths.values() if len(found) == 2]
    assert len(both) == 6 and all(found["browser"] == found["server"] for found in both)


@pytest.mark.parametrize("text", ["", "x", "a" * 255, "b" * 256, "x\0\x80\0\0", "سرد" * 9000])
def test_an_envelope_opens_as_it_was(text):
    assert seal.open_envelope(PRIVATE, seal.seal_envelope(PUBLIC, text.encode(), CONTEXT), CONTEXT).decode() == text


@pytest.mark.parametrize(
    ("longest", "padded"), [(255, 256), (1023, 1024), (4095, 4096), (16383, 16384), (32767, 32768)]
)
def test_the_length_of_an_envelope_tells_only_the_bucket(longest, padded):
    assert len(seal.seal_envelope(PUBLIC, b"x" * longest, CONTEXT)) == 1 + 1120 + padded + 16


def test_the_context_is_the_one_both_sides_write():
    assert CONTEXT == b"answerable-envelope/1|alliance|A/reports|report|account"


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize(
    "value", ["", "a|b", "|", "\ud83d"], ids=["empty", "a bar inside", "a bar", "half a character"]
)
def test_a_context_that_could_be_read_two_ways_is_refused(part, value):
    parts = list(PLACE)
    parts[part] = value
    with pytest.raises(ValueError, match="a part of an envelope's context") as caught:
        seal.envelope_context(*parts)
    assert not isinstance(caught.value, UnicodeError)  # it would carry the text


@pytest.mark.parametrize("changed", range(4), ids=["node", "compartment", "kind", "field"])
def test_an_envelope_moved_anywhere_else_does_not_open(changed):
    parts = list(PLACE)
    parts[changed] = "other"
    with pytest.raises(Unopenable):
        seal.open_envelope(PRIVATE, BLOB, seal.envelope_context(*parts))


@pytest.mark.parametrize(
    "context",
    [b"", b"answerable-envelope/1", b"answerable-envelope/1|a|b|c", b"answerable-envelope/1|a|b|c|d|e",
     b"answerable-envelope/1|a||c|d", b"answerable-envelope/2|a|b|c|d", b"v1|alliance|CLM-1|Claim|account|1"],
)  # fmt: skip
def test_an_envelope_keeps_to_contexts_of_its_own(context):
    with pytest.raises(ValueError, match="not an envelope's context"):
        seal.seal_envelope(PUBLIC, b"words", context)
    with pytest.raises(Unopenable):
        seal.open_envelope(PRIVATE, seal.ENVELOPE + primitives.hpke_seal(PUBLIC, seal.pad(b"words"), context), context)


def test_an_envelope_is_no_wrap_and_a_wrap_no_envelope():
    # One key opens both, so this rests on the contexts, whatever byte is put in front.
    for header in (seal.ENVELOPE, seal.WRAP):
        with pytest.raises(Unopenable):
            seal.unwrap(PRIVATE, header + BLOB[1:], CONTEXT)
        with pytest.raises(Unopenable):
            seal.open_envelope(PRIVATE, header + seal.wrap(PUBLIC, seal.pad(b"words"), b"c")[1:], CONTEXT)
    with pytest.raises(ValueError, match="an envelope's context binds no wrap"):
        seal.wrap(PUBLIC, bytes(32), CONTEXT)


def test_every_changed_byte_and_every_cut_of_an_envelope_is_caught():
    for i in range(len(BLOB)):
        for bad in (BLOB[:i] + bytes([BLOB[i] ^ 1 << i % 8]) + BLOB[i + 1 :], BLOB[:i]):
            with pytest.raises(Unopenable):
                seal.open_envelope(PRIVATE, bad, CONTEXT)


@pytest.mark.parametrize("key", [seal.new_key_pair()[1], PRIVATE[:-1], PRIVATE + b"\0", bytes(96), b"", PUBLIC],
                         ids=["another", "short", "long", "all zero", "none", "the public one"])  # fmt: skip
def test_another_key_opens_no_envelope(key):
    with pytest.raises(Unopenable):
        seal.open_envelope(key, BLOB, CONTEXT)


@pytest.mark.parametrize("public", [bytes(1216), PUBLIC[:1184] + bytes(32), PUBLIC[:1184] + b"\x01" + bytes(31), PUBLIC[:-1], b""],
                         ids=["all zero", "low order 0", "low order 1", "short", "none"])  # fmt: skip
def test_no_envelope_is_sealed_to_what_is_not_a_public_key(public):
    with pytest.raises(ValueError, match="not an X-Wing public key"):
        seal.seal_envelope(public, b"words", CONTEXT)


def test_the_bundle_the_browser_gets_is_the_one_that_was_checked():
    hashes = dict(reversed(line.split("  ")) for line in (VENDOR / "vendor.sha256").read_text().splitlines())
    files = {p.name for p in VENDOR.iterdir()} - {"vendor.sha256", "LICENCES.md"}
    assert files == set(hashes) and "seal.js" in files
    for name, expected in hashes.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == expected, name


def test_the_bundle_needs_nothing_our_policy_refuses():
    source = (VENDOR / "seal.js").read_text()
    for word in (
        "eval(",
        "Function(",
        "WebAssembly",
        "fetch(",
        "XMLHttpRequest",
        "localStorage",
        "http://",
        "https://",
    ):
        assert word not in source, word
    assert len(source) < 90_000 and "LICENCES.md" in source.splitlines()[0]
