"""Misuse of the sealing core (security.md §4.5): whatever is moved, cut or guessed does not open."""

from __future__ import annotations

import pytest

from answerable.vault import primitives, seal, userkeys
from answerable.vault.primitives import Unopenable

KEY = bytes(range(32))
PLACE = ("alliance", "CLM-1", "Claim", "narrative", 1)
CONTEXT = seal.field_context(*PLACE)


@pytest.mark.parametrize("text", ["", "x", "a" * 255, "b" * 256, "x\0\x80\0\0", "سرد" * 9000])
def test_a_sealed_field_opens_in_its_place(text):
    assert seal.open_field(KEY, seal.seal_field(KEY, text.encode(), CONTEXT), CONTEXT).decode() == text


def test_the_context_is_the_one_the_design_names():
    assert seal.field_context("alliance", "CLM-1", "Claim", "narrative", 3) == b"v1|alliance|CLM-1|Claim|narrative|3"


@pytest.mark.parametrize(
    ("shortest", "longest", "padded"),
    [(0, 255, 256), (256, 1023, 1024), (1024, 4095, 4096), (4096, 16383, 16384), (16384, 32767, 32768)],
)
def test_length_tells_only_the_bucket(shortest, longest, padded):
    for length in (shortest, (shortest + longest) // 2, longest):
        assert len(seal.seal_field(KEY, b"x" * length, b"c")) == padded + 1 + 24 + 16


@pytest.mark.parametrize("changed", range(5), ids=["node", "object", "model", "field", "version"])
def test_a_field_moved_anywhere_else_does_not_open(changed):
    other = list(PLACE)
    other[changed] = 2 if changed == 4 else "other"
    with pytest.raises(Unopenable):
        seal.open_field(KEY, seal.seal_field(KEY, b"words", CONTEXT), seal.field_context(*other))


def test_every_flipped_bit_and_every_cut_of_a_field_is_caught():
    blob = seal.seal_field(KEY, b"words", CONTEXT)
    changed = [blob[:i] + bytes([blob[i] ^ 1 << i % 8]) + blob[i + 1 :] for i in range(len(blob))]
    cut = [blob[:i] for i in range(len(blob))] + [blob + b"\0", blob + blob]
    for bad in changed + cut:
        with pytest.raises(Unopenable):
            seal.open_field(KEY, bad, CONTEXT)


@pytest.mark.parametrize("key", [bytes(32), KEY[:-1], KEY + b"\0", b""], ids=["other", "short", "long", "none"])
def test_another_key_opens_no_field(key):
    with pytest.raises(Unopenable):
        seal.open_field(key, seal.seal_field(KEY, b"words", CONTEXT), CONTEXT)


def test_a_field_sealed_without_padding_is_not_ours():
    with pytest.raises(Unopenable):
        seal.open_field(KEY, seal.FIELD + primitives.aead_seal(KEY, b"\0" * 256, CONTEXT), CONTEXT)


def test_the_same_text_never_seals_alike():
    assert len({seal.seal_field(KEY, b"words", CONTEXT) for _ in range(500)}) == 500


@pytest.mark.parametrize("parts", [("a|b", "c", "d", "e"), ("a", "", "d", "e"), ("a", "b", "c|d", "e")])
def test_a_context_that_could_be_read_two_ways_is_refused(parts):
    with pytest.raises(ValueError):
        seal.field_context(*parts, 1)


PUBLIC, PRIVATE = seal.new_key_pair()
WRAP = seal.wrap(PUBLIC, KEY, b"claim 1")


def test_a_wrapped_key_opens_for_its_holder_in_its_context():
    assert seal.unwrap(PRIVATE, WRAP, b"claim 1") == KEY
    assert len(WRAP) == 1 + 1168  # security.md, annex A


def test_a_wrap_moved_to_another_claim_or_holder_does_not_open():
    _, other = seal.new_key_pair()
    for key, context in [(PRIVATE, b"claim 2"), (PRIVATE, b""), (other, b"claim 1"), (PRIVATE[:-1], b"claim 1")]:
        with pytest.raises(Unopenable):
            seal.unwrap(key, WRAP, context)


def test_swapped_wraps_of_two_claims_do_not_open():
    second = seal.wrap(PUBLIC, bytes(32), b"claim 2")
    for blob, context in [(WRAP, b"claim 2"), (second, b"claim 1")]:
        with pytest.raises(Unopenable):
            seal.unwrap(PRIVATE, blob, context)


def test_a_changed_or_cut_wrap_does_not_open():
    for i in range(0, len(WRAP), 13):
        for bad in (WRAP[:i] + bytes([WRAP[i] ^ 1]) + WRAP[i + 1 :], WRAP[:i]):
            with pytest.raises(Unopenable):
                seal.unwrap(PRIVATE, bad, b"claim 1")


def test_parts_of_two_wraps_do_not_make_a_third():
    again = seal.wrap(PUBLIC, KEY, b"claim 1")
    for at in (1 + 1088, 1 + 1120):  # between ML-KEM and X25519, between key and text
        with pytest.raises(Unopenable):
            seal.unwrap(PRIVATE, WRAP[:at] + again[at:], b"claim 1")


@pytest.mark.parametrize(
    "public",
    [bytes(1216), PUBLIC[:1184] + bytes(32), PUBLIC[:1184] + b"\x01" + bytes(31), b"\xff" * 1184 + PUBLIC[1184:],
     PUBLIC[:-1], PUBLIC + b"\0", b""],
    ids=["all zero", "low order 0", "low order 1", "ML-KEM out of range", "short", "long", "none"],
)  # fmt: skip
def test_nothing_is_sealed_to_what_is_not_a_public_key(public):
    with pytest.raises(ValueError, match="not an X-Wing public key"):
        seal.wrap(public, KEY, b"")


@pytest.mark.parametrize("header", [b"", b"\x00", b"\x02", b"\x03", b"\x04", b"\x7f", b"\xff"])
def test_an_unknown_or_other_suite_opens_no_field(header):
    blob = seal.seal_field(KEY, b"words", CONTEXT)
    with pytest.raises(Unopenable):
        seal.open_field(KEY, header + blob[1:], CONTEXT)


@pytest.mark.parametrize("header", [b"", b"\x00", b"\x01", b"\x03", b"\x04", b"\x7f", b"\xff"])
def test_an_unknown_or_other_suite_opens_no_wrap(header):
    with pytest.raises(Unopenable):
        seal.unwrap(PRIVATE, header + WRAP[1:], b"claim 1")


def test_two_recipients_see_the_same_and_each_only_by_their_own_key():
    pairs = [seal.new_key_pair() for _ in range(2)]
    wraps = [seal.wrap(public, KEY, b"c") for public, _ in pairs]
    assert [seal.unwrap(private, w, b"c") for (_, private), w in zip(pairs, wraps, strict=True)] == [KEY, KEY]
    with pytest.raises(Unopenable):
        seal.unwrap(pairs[0][1], wraps[1], b"c")


def test_rotation_keeps_everything_readable_and_shuts_the_old_holder_out():
    new_public, new_private = seal.new_key_pair()
    field = seal.seal_field(KEY, b"words", CONTEXT)
    rewrapped = seal.wrap(new_public, seal.unwrap(PRIVATE, WRAP, b"claim 1"), b"claim 1")
    assert seal.open_field(seal.unwrap(new_private, rewrapped, b"claim 1"), field, CONTEXT) == b"words"
    with pytest.raises(Unopenable):
        seal.unwrap(PRIVATE, rewrapped, b"claim 1")


def chain(fault):
    while fault is not None:
        yield fault
        fault = fault.__cause__ or fault.__context__


HALF_A_CHARACTER = "nobody else may read \ud83d"  # no encoding takes it, and its error would show the passphrase


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: seal.open_field(KEY, seal.FIELD + b"words nobody else may read" * 4, CONTEXT),
        lambda: seal.open_field(KEY[:-1], seal.seal_field(KEY, b"nobody else", CONTEXT), CONTEXT),
        lambda: seal.seal_field(KEY[:-1], b"nobody else", CONTEXT),
        lambda: seal.unwrap(KEY * 3, WRAP, b"nobody else"),
        lambda: seal.unwrap(KEY, WRAP, b"nobody else"),
        lambda: seal.wrap(KEY * 38, b"nobody else", b""),
        lambda: userkeys.open_user_key(userkeys.new_user_key("nobody else may read")[1], HALF_A_CHARACTER),
        lambda: userkeys.open_for_session(KEY, seal.SESSION + b"nobody else" * 9),
        lambda: userkeys.open_for_session(KEY[:-1], b"nobody else"),
    ],
)
def test_faults_carry_no_content(attempt):
    with pytest.raises((Unopenable, ValueError)) as caught:
        attempt()
    for fault in chain(caught.value):
        shown = f"{fault!s} {fault!r} {fault.args!r} {vars(fault)!r} {getattr(fault, 'object', '')!r}"
        assert "nobody else" not in shown
        assert KEY.hex() not in shown and repr(KEY[:-1])[2:-1] not in shown
