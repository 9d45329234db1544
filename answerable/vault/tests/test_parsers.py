"""Whatever bytes arrive, a parser opens them or says that it cannot: no other fault, no hang (security.md §4.5).

The same properties are tried for longer by the harnesses in `fuzz/`.
"""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from answerable.engines import tlog
from answerable.vault import identity, primitives, seal, userkeys
from answerable.vault.primitives import Unopenable

KEY = bytes(range(32))
PUBLIC, PRIVATE = seal.new_key_pair()
CONTEXT = seal.envelope_context("alliance", "A/claims", "claim", "account")
WORDS = "acorn bridge candle dolphin eleven forest"
SIGNER = tlog.Ed25519Signer("alliance", KEY)
NOTE = tlog.sign_checkpoint(SIGNER, origin="alliance", size=3, root=bytes(32))
TRIES = settings(max_examples=150, deadline=10_000)  # milliseconds for one try: a hang, and no busy machine


def real_file() -> bytes:
    target = io.BytesIO()
    seal.seal_file(KEY, io.BytesIO(b"words" * 100), target, b"c")
    return target.getvalue()


FIELD, ENVELOPE = seal.seal_field(KEY, b"words", b"c"), seal.seal_envelope(PUBLIC, b"words", CONTEXT)
FILE, BLOCK = (
    real_file(),
    identity.seal_identity({"name": "Noor"}, [(n, seal.new_key_pair()[0]) for n in "abc"], "CLM-1").to_bytes(),
)


def costs_nothing(secret: bytes, salt: bytes, **cost: int) -> bytes:
    """Instead of Argon2: forged costs are test_userkeys' concern, and here they would only take the time."""
    return primitives.sha256(secret + salt + repr(sorted(cost.items())).encode())


with pytest.MonkeyPatch.context() as cheap:
    cheap.setattr(primitives, "stretch", costs_nothing)
    USER_KEY = userkeys.new_user_key(WORDS)[1]


@pytest.fixture(autouse=True, scope="module")
def parsing_alone():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(primitives, "stretch", costs_nothing)
        yield


@st.composite
def spoiled(draw, real: bytes):
    """Something real with bytes changed, cut out, repeated or put in; or anything at all, with the right beginning or not."""
    if draw(st.booleans()):
        return draw(st.sampled_from([b"", real[:1], real[:3], real[:25]])) + draw(st.binary(max_size=1500))
    data = bytearray(real)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        data[at:end] = draw(st.binary(max_size=8)) * draw(st.integers(0, 3))
    return bytes(data)


def opened(attempt, *faults):
    """What was opened, or None; any fault but these fails the test."""
    try:
        return attempt()
    except faults:
        return None


@given(spoiled(FIELD))
@example(b"\x01")
@TRIES
def test_a_field_opens_or_is_refused(blob):
    assert opened(lambda: seal.open_field(KEY, blob, b"c"), Unopenable) is None or blob == FIELD


@given(spoiled(ENVELOPE))
@example(b"\x05")
@example(b"\x05" + bytes(1120 + 16))
@TRIES
def test_an_envelope_opens_or_is_refused(blob):
    assert opened(lambda: seal.open_envelope(PRIVATE, blob, CONTEXT), Unopenable) is None or blob == ENVELOPE


@given(
    st.binary(max_size=120) | st.sampled_from([CONTEXT + b"|", CONTEXT[:-1], CONTEXT + b"\xff"]),
    st.binary(max_size=100),
)
@TRIES
def test_any_context_and_any_private_key_are_refused_alike(context, private):
    assert opened(lambda: seal.open_envelope(PRIVATE, ENVELOPE, context), Unopenable) is None
    assert opened(lambda: seal.open_envelope(private, ENVELOPE, CONTEXT), Unopenable) is None


@given(spoiled(FILE))
@example(b"\x03")
@example(b"\x03" + bytes(24))
@TRIES
def test_a_file_opens_or_is_refused_and_leaves_nothing(blob):
    target = io.BytesIO()
    opened(lambda: seal.open_file(KEY, io.BytesIO(blob), target, b"c"), Unopenable)
    assert target.getvalue() == b"" or blob == FILE


@given(spoiled(BLOCK))
@example(b"[" * 100_000)
@example(b'{"shares":' * 100_000)
@example(b"9" * 5000)
@example(b'{"format":"identity/1","subject":[],"sealed":"","shares":{}}')
@example(b'{"format":"identity/1","subject":null,"sealed":"","shares":{"a|b|c":null}}')
@TRIES
def test_an_identity_block_is_read_or_refused_and_what_was_read_can_be_written(raw):
    block = opened(lambda: identity.IdentityBlock.from_bytes(raw), Unopenable)
    if block is not None:
        assert identity.IdentityBlock.from_bytes(block.to_bytes()) == block and isinstance(block.subject, str)
        assert repr(block).endswith(", sealed>")


SIMPLE = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.text(max_size=8) | st.just("a|b|a")
JSON = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
BASE64 = st.sampled_from(["", "AAAA", "AA=="])
ALMOST = st.fixed_dictionaries(
    {"format": st.just("identity/1") | JSON, "subject": st.just("CLM-1") | JSON, "sealed": BASE64 | JSON},
    optional={"shares": st.dictionaries(NAMES, BASE64 | JSON, max_size=3) | JSON},
)


@given(ALMOST | JSON)
@TRIES
@pytest.mark.slow
def test_any_json_is_read_or_refused_as_an_identity_block(data):
    block = opened(lambda: identity.IdentityBlock.from_bytes(json.dumps(data).encode()), Unopenable)
    if block is not None:
        for seat in ("a", "b"):
            assert opened(lambda: identity.open_share(block, "CLM-1", seat, "b", PRIVATE), Unopenable) is None  # noqa: B023
        assert opened(lambda: identity.combine(block, "CLM-1", KEY, KEY), Unopenable) is None


@given(JSON | st.just(None))
@TRIES
def test_an_identity_that_holds_anything_else_is_refused(data):
    sealed = seal.seal_field(KEY, json.dumps(data).encode(), b"answerable-identity/1|CLM-1")
    block = identity.IdentityBlock("CLM-1", sealed, {})
    fields = opened(lambda: identity.combine(block, "CLM-1", KEY, bytes(32)), Unopenable)
    assert fields is None or isinstance(data, dict)


def test_an_identity_nested_without_end_is_refused():
    for text in (b"[" * 100_000, b'{"a":' * 100_000):
        block = identity.IdentityBlock("CLM-1", seal.seal_field(KEY, text, b"answerable-identity/1|CLM-1"), {})
        with pytest.raises(Unopenable):
            identity.combine(block, "CLM-1", KEY, bytes(32))


@given(spoiled(USER_KEY))
@example(b"AK1")
@example(b"AK1" + b"\xff" * 55)
@TRIES
def test_a_user_key_opens_or_the_passphrase_is_wrong(blob):
    assert opened(lambda: userkeys.open_user_key(blob, WORDS), userkeys.WrongPassphrase) is None or blob == USER_KEY


@given(st.text(max_size=60))
@TRIES
def test_any_passphrase_is_wrong(typed):
    found = opened(lambda: userkeys.open_user_key(USER_KEY, typed), userkeys.WrongPassphrase)
    assert found is None or userkeys.normalise(typed) == WORDS


@given(spoiled(NOTE.encode()).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
@example("")
@example("\n\n")
@example("\n\n\u2014 alliance ")
@example(NOTE + "\ud800")
@TRIES
def test_a_checkpoint_opens_or_is_refused(text):
    found = opened(lambda: tlog.open_checkpoint(text, SIGNER.vkey()), ValueError)
    assert found in (None, ("alliance", 3, bytes(32)))  # whatever else is said in it, nothing else is signed


@given(st.text(max_size=80) | spoiled(SIGNER.vkey().encode()).map(lambda raw: raw.decode("latin-1")))
@TRIES
def test_a_checkpoint_is_opened_by_a_verifier_key_or_by_nothing(vkey):
    assert opened(lambda: tlog.open_checkpoint(NOTE, vkey), ValueError) in (None, ("alliance", 3, bytes(32)))


@pytest.mark.parametrize("real", ["field", "envelope", "file", "identity", "checkpoint", "user key"])
def test_what_is_spoiled_above_opens_before_it_is_spoiled(real):
    target = io.BytesIO()
    seal.open_file(KEY, io.BytesIO(FILE), target, b"c")
    found = {
        "field": seal.open_field(KEY, FIELD, b"c"),
        "envelope": seal.open_envelope(PRIVATE, ENVELOPE, CONTEXT),
        "file": target.getvalue()[:5],
        "identity": len(identity.IdentityBlock.from_bytes(BLOCK).shares),
        "user key": len(userkeys.open_user_key(USER_KEY, WORDS)),
        "checkpoint": tlog.open_checkpoint(NOTE, SIGNER.vkey())[1],
    }[real]
    assert found in (b"words", 6, 3, 96)
