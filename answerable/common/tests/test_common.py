"""Deadlines on the specification's own dates, exact splits, references that catch slips."""

import random as dice
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.common import clock, deadlines, references
from answerable.common.errors import Refused
from answerable.common.lifecycle import move, next_status, open_moves
from answerable.common.money import Money
from answerable.common.ratios import at_least, largest_remainder
from answerable.common.tables import label, measures, obligations, reparation_forms, taxonomy


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("trigger", "days", "ends"),
    [
        ("2031-06-16T10:00", 30, "2031-07-16T23:59:59"),  # S1: request for information
        ("2031-07-07T09:00", 30, "2031-08-06T23:59:59"),  # S1: right of reply
        ("2031-09-01T00:00", 45, "2031-10-16T23:59:59"),  # S4: decision on review
        ("2031-10-20T12:00", 30, "2031-11-19T23:59:59"),  # S4: re-decision
        ("2031-03-06T12:00", 30, "2031-04-07T23:59:59"),  # ends on a Saturday: rolls to Monday
    ],
)
def test_calendar_days_end_when_the_scenarios_say(trigger, days, ends):
    assert deadlines.end_of_calendar_days(at(trigger), days) == at(ends)


def test_an_expiry_does_not_roll_and_a_holiday_does():
    saturday = at("2031-03-08T00:00")
    assert deadlines.end_of_calendar_days(saturday, 7, act=False).date() == date(2031, 3, 15)
    assert deadlines.end_of_calendar_days(saturday, 7).date() == date(2031, 3, 17)
    assert deadlines.end_of_calendar_days(saturday, 7, holidays={date(2031, 3, 17)}).date() == date(2031, 3, 18)


def test_working_days_skip_weekends_and_holidays():
    assert deadlines.working_days_after(at("2031-04-07T12:00"), 3).date() == date(2031, 4, 10)  # S5: second call
    assert deadlines.working_days_after(at("2031-03-10T09:00"), 5).date() == date(2031, 3, 17)  # S6: correspondence
    assert deadlines.working_days_after(at("2031-03-07T09:00"), 1, {date(2031, 3, 10)}).date() == date(2031, 3, 11)


def test_hours_are_exact_and_the_second_at_the_deadline_is_in_time():
    ends = deadlines.hours_after(at("2031-03-04T09:00:00"), 72)  # S6
    assert ends == at("2031-03-07T09:00:00")
    assert deadlines.in_time(at("2031-03-07T09:00:00"), ends)
    assert not deadlines.in_time(at("2031-03-07T09:00:01"), ends)


@pytest.mark.parametrize(
    ("day", "months", "ends"),
    [("2031-01-31", 1, "2031-02-28"), ("2032-01-31", 1, "2032-02-29"), ("2031-08-20", 12, "2032-08-20"),
     ("2031-03-31", -1, "2031-02-28"), ("2031-11-30", 3, "2032-02-29")],
)  # fmt: skip
def test_months_keep_the_day_or_take_the_last(day, months, ends):
    assert deadlines.months_after(date.fromisoformat(day), months).date() == date.fromisoformat(ends)


def test_a_survivors_deadline_is_never_shortened():
    with pytest.raises(ValueError):
        deadlines.extended(at("2031-03-07T00:00"), at("2031-03-06T00:00"), to_survivor=True)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
@pytest.mark.slow
def test_parts_sum_to_the_whole_and_miss_their_share_by_less_than_one(total, weights):
    if not sum(weights):
        return
    parts = largest_remainder(total, weights)
    assert sum(parts) == total
    assert all(abs(p - Fraction(total * w, sum(weights))) < 1 for p, w in zip(parts, weights, strict=True))


def test_ties_go_to_the_earlier():
    assert largest_remainder(1, [1, 1, 1]) == [1, 0, 0]
    with pytest.raises(ValueError):
        largest_remainder(1, [0, 0])


def test_at_least_is_exact():
    assert at_least(11, 20, 55) and not at_least(10, 20, 55) and at_least(0, 0, 55)


@pytest.mark.parametrize(("text", "minor"), [("6300", 630000), ("6,300.00", 630000), ("0.05", 5), ("-1.50", -150)])
def test_money_reads_major_units(text, minor):
    assert Money.parse(text, "USD").minor == minor


@pytest.mark.parametrize("text", ["", "ten", "1.234", "1,2.3.4", "NaN", "1e5"])
def test_money_says_what_it_would_read(text):
    with pytest.raises(Refused):
        Money.parse(text, "USD")


def test_money_keeps_currencies_apart_and_their_digits():
    assert Money.parse("800000", "IQD").format() == "800,000.000" and Money(5, "JPY").format() == "5"
    with pytest.raises(ValueError):
        Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(TypeError):
        Money(1.5, "USD")


def test_references_are_opaque_and_catch_slips():
    ref = references.new_ref("CLM")
    assert references.is_well_formed(ref) and ref != references.new_ref("CLM")
    body = [i for i, c in enumerate(ref) if i > 3 and c != "-"]
    for i in body:
        other = dice.choice([c for c in references.ALPHABET if c != ref[i]])
        assert not references.is_well_formed(ref[:i] + other + ref[i + 1 :])
    for i, j in zip(body, body[1:], strict=False):
        if ref[i] != ref[j] and j != body[-1]:
            swapped = list(ref)
            swapped[i], swapped[j] = swapped[j], swapped[i]
            assert not references.is_well_formed("".join(swapped))


def test_references_are_read_as_people_type_them():
    ref = references.new_ref("SIT")
    assert references.normalise(ref.lower().replace("-", " ")) == ref
    assert references.normalise("hello") == "HELLO"


MOVES = {"admit": move("A", to="B"), "reject": move("A", "B", to="C")}


def test_a_lifecycle_says_what_is_open():
    assert next_status(MOVES, "admit", status="A") == "B" and open_moves(MOVES, "B") == ["reject"]
    with pytest.raises(Refused, match="reject"):
        next_status(MOVES, "admit", status="B")
    with pytest.raises(Refused, match="Nothing more"):
        next_status(MOVES, "admit", status="C")


def test_the_clock_can_be_set_and_goes_back():
    with clock.set_to(at("2031-06-16T10:00")):
        assert clock.today() == date(2031, 6, 16)
    assert clock.now().year != 2031


def test_tables_hold_what_the_specification_counts():
    assert len(taxonomy("violence_form")) == 25 and len(taxonomy("consent_purpose")) == 15
    assert (len(obligations()), len(measures()), len(reparation_forms())) == (83, 43, 57)
    assert label("violence_form", "SV-RAPE", "fr") == "Viol" and label("violence_form", "SV-RAPE") == "Rape"
