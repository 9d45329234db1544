"""Any two of three seats open an identity, one alone learns nothing, and only in its own claim."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from answerable.vault import identity, seal
from answerable.vault.primitives import Unopenable

SEATS = {name: seal.new_key_pair() for name in ("custodian", "safeguarding", "advocate")}
PUBLIC = [(name, keys[0]) for name, keys in SEATS.items()]
NOOR = {"name": "Noor", "contact": "by the well, on market days"}
BLOCK = identity.seal_identity(NOOR, PUBLIC, "CLM-1")
PAIRS = list(itertools.combinations(SEATS, 2))


def half(block, seat, with_seat, subject="CLM-1"):
    return identity.open_share(block, subject, seat, with_seat, SEATS[seat][1])


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_any_two_seats_open_an_identity(one, other):
    block = identity.IdentityBlock.from_bytes(BLOCK.to_bytes())
    assert identity.combine(block, "CLM-1", half(block, one, other), half(block, other, one)) == NOOR
    assert identity.combine(block, "CLM-1", half(block, other, one), half(block, one, other)) == NOOR


@pytest.mark.parametrize("seat", SEATS)
def test_one_seat_alone_opens_nothing(seat):
    mine = [half(BLOCK, seat, other) for other in SEATS if other != seat]
    both = bytes(a ^ b for a, b in zip(*mine, strict=True))
    candidates = [*mine, both, bytes(32)]
    for halves in itertools.product(candidates, repeat=2):
        with pytest.raises(Unopenable):
            identity.combine(BLOCK, "CLM-1", *halves)


def test_one_seat_cannot_open_the_share_of_another():
    for seat, with_seat in itertools.permutations(SEATS, 2):
        for other in set(SEATS) - {seat}:
            with pytest.raises(Unopenable):
                identity.open_share(BLOCK, "CLM-1", seat, with_seat, SEATS[other][1])


def test_halves_of_different_pairs_do_not_combine():
    a = half(BLOCK, "custodian", "advocate")
    for wrong in (half(BLOCK, "safeguarding", "advocate"), half(BLOCK, "advocate", "safeguarding"), b"", a[:-1]):
        with pytest.raises(Unopenable):
            identity.combine(BLOCK, "CLM-1", a, wrong)


@pytest.mark.parametrize("seat", [0, 1])
def test_a_single_share_is_uniform_whatever_the_key(seat, monkeypatch):
    # The worst key for a careless split: all zero. Each share alone must still be coin tosses.
    monkeypatch.setattr(seal, "new_data_key", lambda: bytes(32))
    shares = []
    monkeypatch.setattr(seal, "wrap", lambda key, secret, context: shares.append(secret) or b"")
    for _ in range(400):
        identity.seal_identity({}, PUBLIC, "CLM-1")
    alone = shares[seat::2]
    ones = sum(int.from_bytes(share, "big").bit_count() for share in alone)
    tosses = len(alone) * 256
    assert len(set(alone)) == len(alone) == 1200
    assert abs(ones - tosses / 2) < 6 * (tosses / 4) ** 0.5
    for position in range(32):
        assert 215 < len({share[position] for share in alone}) <= 256


def test_a_block_put_into_another_claims_place_does_not_open():
    moved = replace(BLOCK, subject="CLM-2")
    for block in (BLOCK, moved):
        with pytest.raises(Unopenable):
            half(block, "custodian", "advocate", subject="CLM-2")
    halves = half(moved, "custodian", "advocate"), half(moved, "advocate", "custodian")
    with pytest.raises(Unopenable):
        identity.combine(BLOCK, "CLM-2", *halves)
    assert identity.combine(moved, "CLM-1", *halves) == NOOR  # what a block says of itself decides nothing


def test_swapped_shares_do_not_open():
    second = identity.seal_identity({"name": "Else"}, PUBLIC, "CLM-2")
    within = dict(zip(BLOCK.shares, reversed(BLOCK.shares.values()), strict=True))
    for block in (replace(BLOCK, shares=second.shares), replace(BLOCK, shares=within)):
        for seat, with_seat in itertools.permutations(SEATS, 2):
            with pytest.raises(Unopenable):
                half(block, seat, with_seat)


def test_halves_of_one_claim_do_not_open_another():
    second = identity.seal_identity({"name": "Else"}, PUBLIC, "CLM-2")
    with pytest.raises(Unopenable):
        identity.combine(second, "CLM-2", half(BLOCK, "custodian", "advocate"), half(BLOCK, "advocate", "custodian"))


def test_unknown_seats_and_a_seat_with_itself_open_nothing():
    for seat, with_seat in [("custodian", "custodian"), ("custodian", "nobody")]:
        with pytest.raises(Unopenable):
            half(BLOCK, seat, with_seat)


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"null", b"[]", b"\xff\xfe", BLOCK.to_bytes()[:-1], BLOCK.to_bytes().replace(b"identity/1", b"identity/0"),
     BLOCK.to_bytes().replace(b"|", b"/"), b'{"format":"identity/1","subject":"C","sealed":"!","shares":{}}',
     b'{"format":"identity/1","subject":"C","sealed":"","shares":[]}'],
    ids=["nothing", "empty", "null", "list", "no text", "cut", "older format", "keys", "no base64", "shares"],
)  # fmt: skip
def test_what_is_not_a_block_is_refused(raw):
    with pytest.raises(Unopenable):
        identity.IdentityBlock.from_bytes(raw)


def test_nothing_readable_in_the_block_or_its_repr():
    # Words with a space, and the bytes beneath the base 64: its letters spell a short name by chance every so often.
    for shown in (BLOCK.to_bytes().decode(), repr(BLOCK), str(BLOCK)):
        assert "the well" not in shown and "market days" not in shown and '"Noor"' not in shown
    for sealed in (BLOCK.sealed, *BLOCK.shares.values()):
        assert b"Noor" not in sealed and b"market" not in sealed
    assert repr(BLOCK) == "<IdentityBlock CLM-1, sealed>"


def test_the_size_of_a_block_does_not_tell_how_much_was_said():
    short = identity.seal_identity({"name": "N"}, PUBLIC, "CLM-1")
    assert len(short.to_bytes()) == len(BLOCK.to_bytes())


def test_six_shares_two_for_each_pair():
    assert sorted(BLOCK.shares) == sorted((*sorted(p), s) for p in PAIRS for s in p)
    assert len(json.loads(BLOCK.to_bytes())["shares"]) == 6


def test_a_text_that_is_no_identity_leaves_no_trace_in_the_fault():
    key = seal.new_data_key()
    for text in (b"Noor, by the well", b'["Noor, by the well"]'):
        block = replace(BLOCK, sealed=seal.seal_field(key, text, b"answerable-identity/1|CLM-1"))
        with pytest.raises(Unopenable) as caught:
            identity.combine(block, "CLM-1", key, bytes(32))
        assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize(
    "seats",
    [PUBLIC[:2], PUBLIC + [("fourth", seal.new_key_pair()[0])], [PUBLIC[0], PUBLIC[0], PUBLIC[1]],
     [PUBLIC[0], ("x", PUBLIC[0][1]), PUBLIC[1]], [PUBLIC[0], PUBLIC[1], ("a|b", PUBLIC[2][1])],
     [PUBLIC[0], PUBLIC[1], ("", PUBLIC[2][1])]],
    ids=["two", "four", "one seat twice", "one key twice", "a bar", "no name"],
)  # fmt: skip
def test_an_identity_needs_three_different_seats(seats):
    with pytest.raises(ValueError):
        identity.seal_identity({}, seats, "CLM-1")


@pytest.mark.parametrize("subject", ["", "CLM-1|advocate"])
def test_a_reference_that_could_be_read_two_ways_is_refused(subject):
    with pytest.raises(ValueError):
        identity.seal_identity({}, PUBLIC, subject)
