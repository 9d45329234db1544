"""Filters as an address carries them, and which years may be released."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest

from answerable.monitoring.looking import lifecycle, rules
from answerable.monitoring.looking.rules import Filters, read_filters


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"area": "Zandria South", "level": "V4"},
        {"since": "2031-01-01", "until": "2031-02-28", "organisation": "BOD-AAAA"},
        {"actor": "PTY-1", "form": "SV-RAPE", "status": "IN_VERIFICATION"},
        {"area": "Al-Ḥasaka & co = “x”"},
    ],
)
def test_an_address_gives_back_the_filters_it_was_made_of(asked):
    filters = read_filters(asked)
    assert filters.set() == asked
    assert read_filters(dict(parse_qsl(filters.query))) == filters


def test_the_same_filters_have_one_address_whatever_their_order():
    assert read_filters({"level": "V1", "area": "A"}).query == read_filters({"area": "A", "level": "V1"}).query


@pytest.mark.parametrize(
    "asked",
    [{"level": "V9"}, {"since": "2031-02-30"}, {"since": "20310101"}, {"form": "x' or 1=1"}, {"status": "a b"},
     {"until": "never"}, {"unknown": "x"}, {"area": "   "}, {"area": "\x00\x07"}],
)  # fmt: skip
def test_what_cannot_be_a_filter_is_left_out(asked):
    assert not read_filters(asked)


def test_a_period_said_backwards_is_turned_round():
    found = read_filters({"since": "2031-03-01", "until": "2031-01-01"})
    assert (found.since, found.until) == ("2031-01-01", "2031-03-01")


def test_taking_one_off_leaves_the_others():
    assert Filters(area="A", level="V1").without("area") == Filters(level="V1")


@pytest.mark.parametrize(
    "today, year", [(date(2031, 1, 30), 2029), (date(2031, 1, 31), 2030), (date(2031, 12, 31), 2030)]
)
def test_a_year_may_leave_thirty_days_after_its_end(today, year):
    assert rules.releasable(today) == year
    assert rules.may_release(year, today=today, released=[]) == ""
    assert rules.may_release(year + 1, today=today, released=[]) == "too_early"


def test_a_year_leaves_once():
    assert rules.may_release(2029, today=date(2031, 6, 1), released=[2029]) == "released"


def test_what_is_done_is_never_done_again():
    assert all(lifecycle.DONE not in m.froms for m in lifecycle.JOB_MOVES.values())
