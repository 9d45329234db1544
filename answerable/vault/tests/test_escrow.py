"""Any k of n officers bring a key back; fewer, or parts that do not fit, bring nothing."""

from __future__ import annotations

import itertools
import json
from math import comb

import pytest

from answerable.engines import tlog
from answerable.vault import escrow, primitives, seal
from answerable.vault.bundles.reading import BadBundle
from answerable.vault.primitives import Unopenable

NAMES = ["Ada", "Bem", "Caro", "Dov", "Ela"]
OFFICERS = {name: seal.new_key_pair() for name in NAMES}
PUBLIC = [(name, keys[0]) for name, keys in OFFICERS.items()]
SECRET = primitives.random_bytes(96)
RECORD = escrow.split(SECRET, PUBLIC, 3, "seat: vault custodian")
LEADER_PUBLIC, LEADER = seal.new_key_pair()


def piece(name, record=RECORD):
    return escrow.open_piece(record, name, OFFICERS[name][1])


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_every_group_of_k_recovers_and_every_smaller_one_does_not(k):
    record = escrow.EscrowRecord.from_bytes(escrow.split(SECRET, PUBLIC, k, "s").to_bytes())
    assert len(record.pieces) == comb(5, k) * k
    pieces = {name: piece(name, record) for name in NAMES}
    for group in itertools.combinations(NAMES, k):
        assert escrow.recover(record, [pieces[n] for n in group]) == SECRET
    for group in itertools.combinations(NAMES, k - 1):
        with pytest.raises(Unopenable):
            escrow.recover(record, [pieces[n] for n in group])


def test_two_of_three_hold_no_part_of_any_group_that_is_whole():
    held = {(group, name) for name in NAMES[:2] for group in piece(name).parts}
    assert held and not any({(g, n) for n in g} <= held for g in itertools.combinations(NAMES, 3))


def test_one_officer_given_three_times_is_one():
    with pytest.raises(Unopenable):
        escrow.recover(RECORD, [piece("Ada")] * 3)


def test_parts_of_different_groups_do_not_fit():
    a, b, c = piece("Ada"), piece("Bem"), piece("Caro")
    group = ("Ada", "Bem", "Caro")
    crossed = escrow.Piece("Caro", {group: c.parts["Ada", "Caro", "Dov"]})
    with pytest.raises(Unopenable):
        escrow.recover(RECORD, [a, b, crossed])
    assert escrow.recover(RECORD, [a, b, escrow.Piece("Caro", {group: c.parts[group]})]) == SECRET


def test_one_false_piece_among_four_does_not_stop_the_ceremony_but_among_three_it_does():
    false = escrow.Piece("Dov", {group: primitives.random_bytes(32) for group in piece("Dov").parts})
    assert escrow.recover(RECORD, [false, piece("Ada"), piece("Bem"), piece("Caro")]) == SECRET
    with pytest.raises(Unopenable):
        escrow.recover(RECORD, [false, piece("Ada"), piece("Bem")])


@pytest.mark.parametrize("part", [None, b"", b"short", bytes(33)])
def test_a_piece_that_lacks_a_part_or_holds_a_misshapen_one_brings_nothing(part):
    group = ("Ada", "Bem", "Caro")
    broken = escrow.Piece("Caro", {} if part is None else {group: part})
    with pytest.raises(Unopenable):
        escrow.recover(RECORD, [piece("Ada"), piece("Bem"), broken])
    assert escrow.recover(RECORD, [piece("Ada"), piece("Bem"), broken, piece("Dov")]) == SECRET


def test_pieces_of_two_escrows_of_one_secret_do_not_mix():
    again = escrow.split(SECRET, PUBLIC, 3, "seat: vault custodian")
    with pytest.raises(Unopenable):
        escrow.recover(RECORD, [piece("Ada"), piece("Bem"), piece("Caro", again)])


def test_an_officers_parts_open_with_that_officers_key_alone():
    for officer, key in itertools.permutations(NAMES, 2):
        with pytest.raises(Unopenable):
            escrow.open_piece(RECORD, officer, OFFICERS[key][1])
    with pytest.raises(Unopenable):
        escrow.open_piece(RECORD, "Nobody", OFFICERS["Ada"][1])


def test_a_part_moved_to_another_group_secret_or_officer_does_not_open():
    places = list(RECORD.pieces)
    mine = [p for p in places if p[1] == "Ada"]
    swapped = dict(RECORD.pieces) | {mine[0]: RECORD.pieces[mine[1]]}
    moved = escrow.EscrowRecord(RECORD.secret, 3, RECORD.officers, RECORD.sealed, swapped)
    renamed = escrow.EscrowRecord("seat: advocate", 3, RECORD.officers, RECORD.sealed, RECORD.pieces)
    for record in (moved, renamed):
        with pytest.raises(Unopenable):
            piece("Ada", record)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_each_part_alone_is_coin_tosses_whatever_the_key(position, monkeypatch):
    monkeypatch.setattr(seal, "new_data_key", lambda: bytes(32))
    parts = []
    monkeypatch.setattr(seal, "wrap", lambda key, part, context: parts.append(part) or b"")
    for _ in range(100):
        escrow.split(SECRET, PUBLIC, 3, "s")
    alone = parts[position::3]
    ones, tosses = sum(int.from_bytes(p, "big").bit_count() for p in alone), len(alone) * 256
    assert len(set(alone)) == len(alone) == 1000 and abs(ones - tosses / 2) < 6 * (tosses / 4) ** 0.5


def test_five_of_nine_is_under_a_megabyte_and_more_is_refused():
    nine = [(f"Officer {i}", seal.new_key_pair()[0]) for i in range(9)]
    record = escrow.split(SECRET, nine, 5, "s")
    assert len(record.pieces) == 630 and len(record.to_bytes()) < 1_100_000
    for officers, k in [
        (nine, 6),
        ([*nine, ("Ten", seal.new_key_pair()[0])], 5),
        (nine, 1),
        (nine[:2], 3),
        (nine[:1], 2),
    ]:
        with pytest.raises(ValueError):
            escrow.split(SECRET, officers, k, "s")


@pytest.mark.parametrize(
    ("officers", "name"),
    [([PUBLIC[0], PUBLIC[0]], "s"), ([PUBLIC[0], ("Zed", PUBLIC[0][1])], "s"), ([PUBLIC[0], ("A|b", PUBLIC[1][1])], "s"),
     ([PUBLIC[0], ("A,b", PUBLIC[1][1])], "s"), ([PUBLIC[0], ("", PUBLIC[1][1])], "s"), (PUBLIC[:2], ""), (PUBLIC[:2], "a|b"),
     ([PUBLIC[0], ("Zed", b"no key")], "s")],
    ids=["officer twice", "key twice", "bar", "comma", "no name", "no secret", "secret with bar", "no key"],
)  # fmt: skip
def test_an_escrow_needs_different_officers_with_proper_names(officers, name):
    with pytest.raises(ValueError):
        escrow.split(SECRET, officers, 2, name)


def test_a_record_in_any_other_spelling_or_shape_is_refused():
    raw = RECORD.to_bytes()
    assert escrow.EscrowRecord.from_bytes(raw).to_bytes() == raw
    said = json.loads(raw)
    fewer = dict(list(said["pieces"].items())[1:])
    for changed in ({"needed": 2}, {"needed": 0}, {"officers": said["officers"][::-1]}, {"officers": []}, {"officers": [1]},
                    {"pieces": fewer}, {"pieces": {"a": 1}}, {"pieces": []}, {"secret": ""}, {"sealed": "!"}, {"more": 1}):  # fmt: skip
        with pytest.raises(BadBundle):
            escrow.EscrowRecord.from_bytes(tlog.canonical(said | changed))
    for wrong in (b"", b"{}", raw[:-1], raw + b" ", b" " * (escrow.LARGEST + 1)):
        with pytest.raises(BadBundle):
            escrow.EscrowRecord.from_bytes(wrong)


def test_any_changed_byte_of_a_record_is_seen_when_it_is_read_or_opened():
    raw = RECORD.to_bytes()
    groups = [("Ada", "Bem", "Caro"), ("Caro", "Dov", "Ela"), ("Ada", "Bem", "Dov"), ("Bem", "Dov", "Ela")]
    for i in range(0, len(raw), 997):
        changed = raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :]
        with pytest.raises((BadBundle, Unopenable)):
            record = escrow.EscrowRecord.from_bytes(changed)
            for name in NAMES:
                piece(name, record)
            for group in groups:
                escrow.recover(record, [piece(n, record) for n in group])


def test_a_piece_reaches_the_leader_of_its_own_ceremony_alone():
    raw = escrow.seal_piece(RECORD, piece("Ada"), LEADER_PUBLIC)
    assert escrow.open_sealed_piece(RECORD, raw, LEADER).parts == piece("Ada").parts
    with pytest.raises(BadBundle, match="not sealed to this key"):
        escrow.open_sealed_piece(RECORD, raw, OFFICERS["Bem"][1])
    with pytest.raises(BadBundle, match="another escrow record"):
        escrow.open_sealed_piece(escrow.split(SECRET, PUBLIC, 3, "s"), raw, LEADER)
    with pytest.raises(BadBundle):
        escrow.open_sealed_piece(RECORD, tlog.canonical(json.loads(raw) | {"officer": "Bem"}), LEADER)
    for i in range(0, len(raw), 7):
        with pytest.raises(BadBundle):
            escrow.open_sealed_piece(RECORD, raw[:i] + bytes([raw[i] ^ 1]) + raw[i + 1 :], LEADER)


def test_nothing_readable_in_reprs():
    assert (
        repr(RECORD) == "<EscrowRecord seat: vault custodian, 3 of 5, sealed>"
        and repr(piece("Ada")) == "<Piece of Ada>"
    )
    assert SECRET.hex() not in RECORD.to_bytes().hex()
