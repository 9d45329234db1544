"""Which reports may speak of one incident: ways of standing to each other, weights, blocks, and Splink's own answer."""

from dataclasses import replace
from datetime import date

import pytest

from answerable.engines.linkage import incidents
from answerable.engines.linkage.tests import made

ONE = incidents.Card("INC-A", "S", "P1", 100, 100, "north", "vale", ("SV-RAPE",), 2, 3, 4, (), ("R1", "R2"))


@pytest.mark.parametrize(
    ("change", "comparison", "way"),
    [
        ({}, "when", "same_day"),
        ({"lo": 90, "hi": 120}, "when", "within"),
        ({"lo": 101, "hi": 101}, "when", "next_day"),
        ({"lo": 98, "hi": 99}, "when", "next_day"),
        ({"lo": 102, "hi": 102}, "when", "near3"),
        ({"lo": 103, "hi": 103}, "when", "near3"),
        ({"lo": 104, "hi": 109}, "when", "near10"),
        ({"lo": 111, "hi": 130}, "when", "apart"),
        ({}, "where", "same_area2"),
        ({"area2": ""}, "where", "same_area1"),
        ({"area2": "hill"}, "where", "elsewhere"),
        ({"area1": "south"}, "where", "near_name"),
        ({"area1": ""}, "where", None),
        ({}, "actor", "same_actor"),
        ({"actor": "P2", "line": ("P1",)}, "actor", "same_line"),
        ({"actor": "P2"}, "actor", "other"),
        ({"actor": "P2", "also": ("P3",)}, "actor", "other"),
        ({"actor": "P2", "also": ("P1",)}, "actor", "same_actor"),
        ({"also": ("P2",)}, "actor", "same_actor"),
        ({"actor": "P2", "also": ("P3",), "line": ("P9", "P1")}, "actor", "same_line"),
        ({}, "forms", "same_forms"),
        ({"forms": ("SV-RAPE", "SV-SLAV")}, "forms", "half"),
        ({"forms": ("SV-RAPE", "SV-SLAV", "SV-NUD")}, "forms", "some"),
        ({"forms": ("SV-SLAV",)}, "forms", "none"),
        ({"forms": ()}, "forms", None),
        ({}, "victims", "same_best"),
        ({"low": 4, "best": 5, "high": 6}, "victims", "overlap"),
        ({"low": 5, "best": 6, "high": 7}, "victims", "double"),
        ({"low": 20, "best": 25, "high": 30}, "victims", "far"),
        ({}, "roots", "two_roots"),
        ({"roots": ("R1",)}, "roots", "one_root"),
        ({"roots": ("R9",)}, "roots", "no_root"),
        ({"roots": ()}, "roots", None),
    ],
)
def test_how_two_reports_stand_to_each_other(change, comparison, way):
    other = replace(ONE, ref="INC-B", **change)
    assert incidents.ways(ONE, other).get(comparison) == way == incidents.ways(other, ONE).get(comparison)


def test_reports_that_name_an_actor_besides_are_found_by_it_and_scored_by_any_in_common():
    both = replace(ONE, ref="INC-B", actor="P2", also=("P1",), area1="", area2="", roots=())
    assert {k for k in incidents.blocks(both) if k.startswith("a:P1")} == {
        k for k in incidents.blocks(replace(ONE, area1="", area2="", roots=())) if k.startswith("a:")
    }
    alone = incidents.score(ONE, replace(both, also=()), incidents.assumed())
    assert incidents.score(ONE, both, incidents.assumed()).bits > alone.bits


def test_a_card_of_one_actor_keeps_its_short_name():
    """Decisions made before a card could name several are not asked again."""
    assert incidents.digest_facts(ONE) == "08910de68cc11021050b3b818dec560f"
    assert incidents.digest_facts(replace(ONE, also=("P2",))) != incidents.digest_facts(ONE)


def test_a_night_told_of_under_both_its_dates_is_proposed():
    """Actor, place, forms and number agree, the dates lie a day apart, and each goes back to its own witness."""
    other = replace(ONE, ref="INC-B", lo=101, hi=101, roots=("R9",))
    assert incidents.score(ONE, other, incidents.assumed()).shown
    assert not incidents.score(ONE, replace(other, best=25, low=20, high=30), incidents.assumed()).shown


def test_weights_learned_before_a_way_was_told_apart_are_still_read():
    old = incidents.assumed().as_json()
    del old["ways"]["when"]["next_day"]
    assert incidents.Weights.from_json(old).ways["when"]["next_day"] == tuple(old["ways"]["when"]["near3"])


@pytest.mark.parametrize(
    ("precision", "first", "last"),
    [("day", (2031, 5, 14), (2031, 5, 14)), ("week", (2031, 5, 12), (2031, 5, 18)),
     ("month", (2031, 5, 1), (2031, 5, 31)), ("quarter", (2031, 4, 1), (2031, 6, 30))],
)  # fmt: skip
def test_a_date_stands_for_all_the_days_it_may_be(precision, first, last):
    assert incidents.days(date(2031, 5, 14), precision) == (date(*first).toordinal(), date(*last).toordinal())


def test_the_last_quarter_ends_with_the_year():
    assert incidents.days(date(2031, 12, 2), "quarter")[1] == date(2031, 12, 31).toordinal()


def test_agreement_speaks_for_one_incident_and_each_comparison_says_how_much():
    weights = incidents.assumed()
    same = incidents.score(ONE, replace(ONE, ref="INC-B"), weights)
    far = incidents.score(ONE, replace(ONE, ref="INC-B", lo=200, hi=200, area2="hill", roots=("R9",)), weights)
    assert same.likely and not far.shown
    assert same.bits == pytest.approx(weights.prior_bits + sum(r.bits for r in same.reasons), abs=0.05)
    assert same.reasons[0].comparison == "roots", "the strongest reason comes first"


def test_splink_and_the_filing_time_check_give_one_answer():
    cards, _truth = made.reports(600)
    by_ref = {c.ref: c for c in cards}
    weights = incidents.assumed()
    pairs = list(incidents.candidates(cards, weights, least=-30))
    assert len(pairs) > 100
    assert all(p.score == incidents.score(by_ref[p.first], by_ref[p.second], weights) for p in pairs)
    parts = [list(incidents.candidates(cards, weights, least=-30, part=(n, 3))) for n in (1, 2, 3)]
    assert sum(len(p) for p in parts) == len(pairs) and all(parts)
    assert set().union(*parts) == set(pairs), "the parts of a job together find what one run finds"


def test_days_within_reach_always_share_a_block():
    for start in range(0, 200, 7):
        a = replace(ONE, lo=start, hi=start)
        b = replace(ONE, lo=start + incidents.REACH, hi=start + incidents.REACH, area1="x", area2="y", roots=())
        assert set(incidents.blocks(a)) & set(incidents.blocks(b))


def test_a_block_of_too_many_reports_is_left_out_and_told():
    crowd = [replace(ONE, ref=f"INC-{n}", area1="", area2="", roots=()) for n in range(50)]
    assert incidents.capped(crowd, cap=50)[1].left_out == ()
    kept, blocking = incidents.capped(crowd, cap=49)
    assert not any(kept) and blocking.pairs == 0
    assert blocking.left_out[0][1] == 50
    assert list(incidents.candidates(crowd, incidents.assumed(), cap=49, least=-30)) == []


@pytest.mark.slow
def test_training_learns_from_a_sample_and_finds_what_was_told_twice():
    cards, truth = made.reports(2500)
    learned = incidents.train(cards, version="t1")
    assert learned.trained_on == 2500 and learned.ways != incidents.assumed().ways
    assert incidents.Weights.from_json(learned.as_json()) == learned
    for comparison in ("when", "where", "actor", "forms", "victims", "roots"):
        first = next(c for c in incidents.COMPARISONS if c.name == comparison).ways[0].code
        assert learned.bits(comparison, first) > 1
    precision, recall = made.quality(incidents.candidates(cards, learned), cards, truth)
    assert precision > 0.85 and recall > 0.8


def test_too_few_reports_teach_nothing():
    with pytest.raises(ValueError, match="too few"):
        incidents.train(made.reports(50)[0], version="t1")
