"""Misuse of the sealing core (security.md §4.5): whatever is moved, cut or guessed does not open."""

from __future__ import annotations

import itertools

import pytest

from answerable.vault import identity, primitives, seal, userkeys
from answerable.vault.primitives import Unopenable


@pytest.fixture(autouse=True)
def light():
    before = userkeys.set_parameters(userkeys.LIGHT)
    yield
    userkeys.set_parameters(before)


KEY = bytes(range(32))
PLACE = ("alliance", "CLM-1", "Claim", "narrative", 1)


@pytest.mark.parametrize("text", ["", "x", "a" * 255, "b" * 256, "سرد" * 9000])
def test_a_sealed_field_opens_in_its_place(text):
    blob = seal.seal_field(KEY, text.encode(), seal.field_context(*PLACE))
    assert seal.open_field(KEY, blob, seal.field_context(*PLACE)).decode() == text


def test_length_tells_only_the_bucket():
    sizes = {len(seal.seal_field(KEY, b"x" * n, b"c")) for n in range(0, 255, 17)}
    assert len(sizes) == 1


@pytest.mark.parametrize("changed", range(5))
def test_moved_anywhere_else_it_does_not_open(changed):
    blob = seal.seal_field(KEY, b"words", seal.field_context(*PLACE))
    other = list(PLACE)
    other[changed] = 2 if changed == 4 else "other"
    with pytest.raises(Unopenable):
        seal.open_field(KEY, blob, seal.field_context(*other))


def test_every_flipped_bit_is_caught():
    blob = seal.seal_field(KEY, b"words", b"c")
    for i in range(len(blob)):
        with pytest.raises(Unopenable):
            seal.open_field(KEY, blob[:i] + bytes([blob[i] ^ 1]) + blob[i + 1 :], b"c")
    for i in range(0, len(blob), 7):
        with pytest.raises(Unopenable):
            seal.open_field(KEY, blob[:i], b"c")


def test_a_context_part_with_a_bar_is_refused():
    with pytest.raises(ValueError):
        seal.field_context("a|b", "c", "d", "e", 1)


def test_a_wrapped_key_is_bound_to_its_context_and_holder():
    (public, private), (_, other) = seal.new_key_pair(), seal.new_key_pair()
    blob = seal.wrap(public, KEY, b"claim 1")
    assert seal.unwrap(private, blob, b"claim 1") == KEY
    for key, context in [(private, b"claim 2"), (other, b"claim 1"), (b"short", b"claim 1")]:
        with pytest.raises(Unopenable):
            seal.unwrap(key, blob, context)


SEATS = {name: seal.new_key_pair() for name in ("custodian", "safeguarding", "advocate")}
BLOCK = identity.seal_identity({"name": "Noor"}, [(n, k[0]) for n, k in SEATS.items()], "CLM-1")


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(SEATS, 2)))
def test_any_two_seats_open_an_identity(one, other):
    block = identity.IdentityBlock.from_bytes(BLOCK.to_bytes())
    halves = [identity.open_share(block, a, b, SEATS[a][1]) for a, b in ((one, other), (other, one))]
    assert identity.combine(block, *halves) == {"name": "Noor"}


def test_one_seat_alone_opens_nothing():
    a = identity.open_share(BLOCK, "custodian", "advocate", SEATS["custodian"][1])
    b = identity.open_share(BLOCK, "custodian", "safeguarding", SEATS["custodian"][1])
    for halves in [(a, a), (a, b), (a, bytes(32))]:
        with pytest.raises(Unopenable):
            identity.combine(BLOCK, *halves)
    with pytest.raises(Unopenable):
        identity.open_share(BLOCK, "advocate", "custodian", SEATS["custodian"][1])


def test_shares_moved_to_another_claim_do_not_open():
    other = identity.seal_identity({"name": "Else"}, [(n, k[0]) for n, k in SEATS.items()], "CLM-2")
    mixed = identity.IdentityBlock("CLM-2", other.sealed, BLOCK.shares)
    with pytest.raises(Unopenable):
        identity.open_share(mixed, "custodian", "advocate", SEATS["custodian"][1])


def test_nothing_readable_in_the_block_or_its_repr():
    assert b"Noor" not in BLOCK.to_bytes() and "Noor" not in repr(BLOCK)


def test_an_identity_needs_three_different_seats():
    pair = [(n, k[0]) for n, k in SEATS.items()]
    for seats in (pair[:2], [pair[0], pair[0], pair[1]], [pair[0], ("x", pair[0][1]), pair[1]]):
        with pytest.raises(ValueError):
            identity.seal_identity({}, seats, "CLM-1")


def test_a_passphrase_opens_its_key_however_it_is_spaced():
    public, wrapped = userkeys.new_user_key("six words make one good key")
    private = userkeys.open_user_key(wrapped, "  Six words MAKE one good   key ")
    assert seal.unwrap(private, seal.wrap(public, KEY, b""), b"") == KEY


def test_a_wrong_passphrase_or_a_changed_header_opens_nothing():
    _, wrapped = userkeys.new_user_key("six words make one good key")
    with pytest.raises(userkeys.WrongPassphrase):
        userkeys.open_user_key(wrapped, "six words make one good kez")
    for i in range(0, 60, 3):
        with pytest.raises(userkeys.WrongPassphrase):
            userkeys.open_user_key(
                wrapped[:i] + bytes([wrapped[i] ^ 0x80]) + wrapped[i + 1 :], "six words make one good key"
            )


def test_a_session_key_needs_both_halves():
    secret, blob = userkeys.lock_for_session(KEY)
    assert userkeys.open_for_session(secret, blob) == KEY
    for s in (bytes(32), b"", secret[:-1]):
        with pytest.raises(Unopenable):
            userkeys.open_for_session(s, blob)


def test_faults_carry_no_content():
    with pytest.raises(Unopenable) as caught:
        primitives.aead_open(KEY, b"secret words in a short blob that is not ours", b"")
    assert str(caught.value) == "cannot be opened" and caught.value.__cause__ is None


def test_passphrases_are_six_known_words():
    drawn = userkeys.new_passphrase().split()
    assert len(drawn) == 6 and set(drawn) <= set(userkeys.words()) and len(userkeys.words()) == 4096
