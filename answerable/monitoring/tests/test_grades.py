"""Which grade each kind of item may have, who confirmed it, and who is a different person: tables of cases, no database."""

from datetime import date

import pytest

from answerable.monitoring import grades
from answerable.monitoring.intake.description import LISTS
from answerable.monitoring.rules import ItemFacts, verification_level


@pytest.mark.parametrize("kind", grades.KINDS)
def test_an_account_has_a_t_grade_and_nothing_else_has(kind):
    account = kind == "testimony"
    assert bool(grades.unfit(kind, testimony="T1")) != account
    assert bool(grades.unfit(kind, reliability="A", credibility=1)) == account
    assert not grades.unfit(kind)
    assert grades.unfit(kind, testimony="T5") and grades.unfit(kind, reliability="Z", credibility=1)
    assert grades.unfit(kind, reliability="A") and grades.unfit(kind, reliability="A", credibility=7)


def test_every_kind_that_forms_know_is_decided_here():
    assert tuple(LISTS["item_kind"]) == grades.KINDS
    assert grades.unfit("rumour")


def test_what_is_a_persons_is_kept_with_her_yes_to_monitoring_alone():
    for kind in ("testimony", "medical"):
        assert grades.unconsented(kind, []) and grades.unconsented(kind, ["CP-FIND"])
        assert not grades.unconsented(kind, ["CP-MONI"])
    assert not grades.unconsented("document", [])


def test_nothing_was_captured_after_today():
    today = date(2031, 5, 1)
    assert grades.too_early(date(2031, 5, 2), today)
    assert not grades.too_early(today, today) and not grades.too_early(None, today)


def test_only_different_assessors_at_the_grade_and_never_the_collector_confirm_it():
    given = [grades.Given("a", "T1"), grades.Given("a", "T1"), grades.Given("b", "T2"), grades.Given("c", "T1")]
    assert grades.confirmed_by("T1", given, collector="x") == 2
    assert grades.confirmed_by("T1", given, collector="c") == 1
    assert grades.confirmed_by("T2", given, collector="x") == 1
    assert grades.confirmed_by("", [grades.Given("a", "")], collector="x") == 0


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("p1", "p2", "V3b"),
        ("p1", "", "V2"),
        ("", "", "V2"),
        ("p1", "p1", "V2"),
        ("P 1", "p  1 ", "V2"),
        (" ", "p1", "V2"),
    ],
)
def test_two_accounts_are_two_persons_only_when_both_pseudonyms_are_known_and_differ(a, b, level):
    told = [ItemFacts(f"t{n}", "testimony", True, testimony="T1", person=p) for n, p in enumerate((a, b))]
    assert verification_level(told).code == level
    three = [*told, ItemFacts("d", "document", True, reliability="A", credibility=1)]
    assert (verification_level(three).code == "V4") == (level == "V3b")


@pytest.mark.parametrize(
    "items",
    [
        # Accounts with a source's grade, and papers with an account's: no level of theirs rests on the wrong scale.
        [ItemFacts(r, "testimony", True, reliability="A", credibility=1, person=r) for r in ("a", "b", "c")],
        [ItemFacts(r, "document", True, testimony="T1", person=r, assessors=2) for r in ("a", "b", "c")],
        [ItemFacts(r, "medical", True, testimony="T1", person=r) for r in ("a", "b")],
    ],
)
def test_a_grade_of_the_wrong_scale_gives_no_level_at_all(items):
    assert verification_level(items, base=9, matches_pattern=True).code == "V1"


def test_an_account_is_no_strong_item_even_where_it_was_graded_as_one():
    told = ItemFacts("a", "testimony", True, testimony="T1", reliability="A", credibility=1, person="p")
    assert not told.strong
    papers = [told, ItemFacts("b", "document", False, reliability="C", credibility=3)]
    assert verification_level(papers).code == "V3a"


@pytest.mark.parametrize(
    ("now", "then", "for_it", "against"),
    [
        ("A1", "B2", "B2", "A1"),
        ("C4", "A2", "C4", "A2"),
        ("A4", "C2", "C4", "A2"),
        ("B2", "-", "-", "B2"),
        ("-", "B2", "-", "B2"),
        ("T1", "T3", "T3", "T1"),
        ("T2", "-", "-", "T2"),
        ("B2", "B2", "B2", "B2"),
    ],
)
def test_of_two_grades_what_a_verifier_has_not_seen_carries_nothing(now, then, for_it, against):
    assert grades.no_more_than(now, then, contrary=False) == for_it
    assert grades.no_more_than(now, then, contrary=True) == against
    assert grades.written(*grades.read(now)) == now
