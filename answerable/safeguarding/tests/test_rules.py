"""Whom one may reach, when, and how; what care is in time. To the minute and to the second, with no database."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from answerable.common.lifecycle import statuses
from answerable.safeguarding import lifecycle, rules
from answerable.safeguarding.rules import Plan, Window, may_contact

# Tuesday 5 August 2031, 10 to 12 by the clock in Vienna, which is two hours ahead of UTC in summer.
CLINIC = Plan(ways=frozenset({rules.PHONE}), windows=(Window.read("TUE 10:00-12:00"),), time_zone="Europe/Vienna")
INSIDE = datetime(2031, 8, 5, 8, 30, tzinfo=UTC)
EVERYTHING = Plan(ways=frozenset(rules.WAYS), any_time=True, letter=True)
EVERY_CONTACT = list(itertools.product(rules.WAYS, rules.KINDS))


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2031-08-05T07:59:59Z", False), ("2031-08-05T08:00:00Z", True), ("2031-08-05T09:59:59Z", True),
        ("2031-08-05T10:00:00Z", False), ("2031-08-04T08:30:00Z", False), ("2031-08-06T08:30:00Z", False),
        ("2031-12-02T08:30:00Z", False), ("2031-12-02T09:00:00Z", True),  # winter: one hour ahead of UTC
        ("2031-08-05T10:30:00+02:00", True),
    ],
)  # fmt: skip
def test_a_window_is_hers_to_the_second_by_her_own_clock(at, allowed):
    assert may_contact(CLINIC, rules.PHONE, datetime.fromisoformat(at), rules.CALL).allowed is allowed


@pytest.mark.parametrize(
    ("after", "begins"),
    [
        ("2031-08-05T07:59:59Z", "2031-08-05T08:00:00Z"), ("2031-08-05T08:00:00Z", "2031-08-05T08:00:00Z"),
        ("2031-08-05T10:00:00Z", "2031-08-12T08:00:00Z"), ("2031-10-21T10:00:00Z", "2031-10-28T09:00:00Z"),
    ],
)  # fmt: skip
def test_outside_her_hours_the_next_ones_are_named_across_a_change_of_clocks(after, begins):
    at = datetime.fromisoformat(after)
    assert rules.next_window(CLINIC, at) == datetime.fromisoformat(begins)
    answer = may_contact(CLINIC, rules.PHONE, at, rules.CALL)
    assert answer.allowed or answer.next_at == datetime.fromisoformat(begins)


def test_an_hour_that_does_not_exist_is_not_offered():
    # In Vienna on Sunday 30 March 2031 the clock goes from 02:00 to 03:00.
    night = replace(CLINIC, windows=(Window.read("SUN 02:00-02:30"),))
    assert rules.next_window(night, datetime(2031, 3, 28, tzinfo=UTC)) == datetime(2031, 4, 6, 0, 0, tzinfo=UTC)


def test_the_next_window_is_inside_and_nothing_before_it_is():
    """Every seven minutes of a week in which the clocks change."""
    for offset in range(0, 7 * 24 * 60, 7):
        at = datetime(2031, 3, 27, 12, 0, tzinfo=UTC) + timedelta(minutes=offset)
        begins = rules.next_window(CLINIC, at)
        assert begins is not None and begins >= at and rules.in_window(CLINIC, begins), at
        assert begins == at or not rules.in_window(CLINIC, begins - timedelta(seconds=1)), at


@pytest.mark.parametrize(("via", "kind"), EVERY_CONTACT)
def test_no_plan_is_a_no_for_everything_but_an_answer_at_her_own_door(via, kind):
    assert may_contact(None, via, INSIDE, kind).allowed is ((via, kind) == (rules.DOOR, rules.REPLY))


@pytest.mark.parametrize(("via", "kind"), EVERY_CONTACT)
def test_an_empty_plan_do_not_contact_and_a_stopped_plan_allow_nothing(via, kind):
    assert not may_contact(replace(EVERYTHING, do_not_contact=True), via, INSIDE, kind).allowed
    assert not may_contact(replace(EVERYTHING, safe=False), via, INSIDE, kind).allowed
    assert may_contact(Plan(), via, INSIDE, kind).allowed is ((via, kind) == (rules.DOOR, rules.REPLY))


@pytest.mark.parametrize("kind", rules.KINDS)
def test_the_system_sends_no_sms_and_no_e_mail_whatever_a_plan_says(kind):
    for via in (rules.SMS, rules.EMAIL):
        assert may_contact(EVERYTHING, via, INSIDE, kind).allowed is (kind in {"call", "visit", "message", "reply"})


@pytest.mark.parametrize(("via", "kind"), EVERY_CONTACT)
def test_an_unsafe_household_hears_nothing_about_money(via, kind):
    answer = may_contact(replace(EVERYTHING, unsafe_household=True), via, INSIDE, kind)
    if kind in {"payment notice", "statement"}:
        assert not answer.allowed and answer.because in {"unsafe_household", "never_by_the_system"}


def test_a_letter_only_when_she_expressly_asked_for_letters():
    assert may_contact(EVERYTHING, rules.LETTER, INSIDE).allowed
    assert may_contact(replace(EVERYTHING, letter=False), rules.LETTER, INSIDE).because == "letter"
    assert may_contact(CLINIC, rules.LETTER, INSIDE).because == "way"


@pytest.mark.parametrize("way", sorted(rules.AT_AN_HOUR))
def test_without_hours_and_without_her_word_that_any_hour_is_safe_no_hour_is(way):
    plan = Plan(ways=frozenset({way}))
    assert not may_contact(plan, way, INSIDE, rules.MESSAGE).allowed
    assert may_contact(replace(plan, any_time=True), way, INSIDE, rules.MESSAGE).allowed


@pytest.mark.parametrize(("via", "kind"), [("telegram", "call"), ("phone", "advertisement")])
def test_what_is_no_way_of_reaching_anyone_is_a_mistake_and_not_an_answer(via, kind):
    with pytest.raises(ValueError):
        may_contact(EVERYTHING, via, INSIDE, kind)
    with pytest.raises(ValueError):
        may_contact(EVERYTHING, rules.PHONE, INSIDE.replace(tzinfo=None), rules.CALL)


@pytest.mark.parametrize(
    "text", ["TUE 12:00-10:00", "TUE 10:00-10:00", "TUE", "10:00-12:00", "DAY 10:00-12:00", "TUE 25:00-26:00", ""]
)
def test_hours_that_are_none_are_refused(text):
    with pytest.raises(ValueError):
        Window.read(text)
    assert "window" in rules.plan_problems({"ways": ["phone"], "windows": [text]})


def test_a_plan_survives_being_written_down():
    plan = replace(CLINIC, code_phrase="the library", voicemail=True, unsafe_household=True)
    assert rules.read_plan(plan.to_dict()) == plan
    assert Window.read("tue 10:00–12:00") == Window(1, time(10), time(12))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "nothing"), ({"ways": ["pigeon"], "any_time": True}, "way"), ({"ways": ["phone"]}, "hours"),
        ({"ways": ["letter"]}, "letter"), ({"ways": ["in person"], "any_time": True, "letter": True}, "letter"),
        ({"ways": ["in person"], "any_time": True, "time_zone": "Mars/Base"}, "zone"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plan_is_named(data, problem):
    assert rules.plan_problems(data) == [problem]
    with pytest.raises(ValueError):
        rules.read_plan(data)


@pytest.mark.parametrize("ways", [["phone"], ["letter"], [*rules.WAYS]])
def test_do_not_contact_beside_a_way_is_no_plan_and_in_an_old_one_it_comes_first(ways):
    said = {"ways": ways, "any_time": True, "letter": rules.LETTER in ways, "do_not_contact": True}
    assert rules.plan_problems(said) == ["both"]
    assert rules.plan_problems({**said, "ways": [], "letter": False}) == []
    kept = rules.read_plan(said)
    assert may_contact(kept, ways[0], INSIDE, rules.CALL).because == "do_not_contact"


# --- care in time -------------------------------------------------------------------------------------------------

EVENT = datetime(2031, 3, 29, 22, 15, 30, tzinfo=UTC)  # the night the clocks change, which changes nothing


@pytest.mark.parametrize(("hours", "field"), [(72, "pep_until"), (120, "contraception_until")])
def test_exactly_at_the_hour_is_in_time_and_a_second_later_is_not(hours, field):
    until = getattr(rules.care_clocks(EVENT), field)
    assert until == EVENT + timedelta(hours=hours)
    assert rules.still_in_time(until, EVENT + timedelta(hours=hours))
    assert not rules.still_in_time(until, EVENT + timedelta(hours=hours, seconds=1))


def test_who_does_not_say_when_has_no_clock():
    assert rules.care_clocks(None) == rules.CareClocks() and not rules.still_in_time(None, EVENT)


@pytest.mark.parametrize(
    ("when", "pep", "contraception"),
    [
        ("today", "YES", "YES"), ("yesterday", "YES", "YES"), ("two_days", "YES", "YES"), ("three_to_five", "PERHAPS", "PERHAPS"),
        ("longer", "NO", "NO"), ("not_said", "PERHAPS", "PERHAPS"),
    ],
)  # fmt: skip
def test_what_still_works_by_her_own_words(when, pep, contraception):
    assert rules.still_works(when) == rules.StillWorks(pep, contraception)


@pytest.mark.parametrize(("days", "when"), [(0, "today"), (1, "yesterday"), (2, "two_days"), (3, "three_to_five"), (4, "three_to_five"),
                                            (5, "three_to_five"), (6, "longer"), (30, "longer")])  # fmt: skip
def test_no_answer_says_no_while_an_hour_of_that_day_is_in_time_nor_yes_when_one_is_not(days, when):
    """Walks every quarter of an hour of the day of the event and of the day she asks."""
    works = rules.still_works(when)
    day = datetime(2031, 6, 1, tzinfo=UTC)
    quarter = timedelta(minutes=15)
    elapsed = [
        (day + timedelta(days=days) + b * quarter) - (day + a * quarter)
        for a, b in itertools.product(range(96), range(96))
        if days or b >= a
    ]
    for limit, said in ((72, works.pep), (120, works.contraception)):
        in_time = {e <= timedelta(hours=limit) for e in elapsed}
        if said == "YES":
            assert in_time == {True}
        if said == "NO":
            assert in_time == {False}


def test_every_need_with_a_limit_is_one_of_the_two():
    assert {n["hours"] for n in rules.needs().values() if n["hours"]} == {"72", "120"}


# --- what a provider is told; complaints -------------------------------------------------------------------------


def test_a_provider_is_told_a_designation_and_the_need_and_no_more_without_her_word():
    assert rules.to_provider("REF-1", "SURGERY", consent=True, contact="N., Tuesday") == {
        "designation": "REF-1",
        "need": "SURGERY",
    }
    assert "contact" in rules.to_provider("REF-1", "SURGERY", consent=True, contact="N.", consent_contact=True)
    with pytest.raises(ValueError):
        rules.to_provider("REF-1", "SURGERY", consent=False)


@pytest.mark.parametrize(
    ("about", "expected"),
    [([], "GENERAL"), (["DELAY"], "GENERAL"), (["DELAY", "CONDUCT"], "SENSITIVE"), (["UNHEARD OF"], "SENSITIVE")],
)
def test_one_sensitive_subject_makes_a_complaint_sensitive(about, expected):
    assert rules.grievance_class(about) == expected


def test_a_sensitive_complaint_lies_with_the_ombudsperson_unless_she_allows_more():
    assert rules.grievance_room("GENERAL", safeguarding_may_know=True) == "grievances/general"
    assert rules.grievance_room("SENSITIVE", safeguarding_may_know=False) == "grievances/sensitive"
    assert rules.grievance_room("SENSITIVE", safeguarding_may_know=True) == "grievances/shared"


def test_clocks_of_a_complaint():
    due = rules.grievance_clocks(datetime(2031, 8, 1, 9, 0, tzinfo=UTC))
    assert due.acknowledge == datetime(2031, 8, 4, 9, 0, tzinfo=UTC) and due.risk == datetime(
        2031, 8, 2, 9, 0, tzinfo=UTC
    )
    # 31 August 2031 is a Sunday: an act of ours is due on Monday.
    assert due.answer == datetime(2031, 9, 1, 23, 59, 59, tzinfo=UTC)


def test_a_referral_can_be_taken_back_from_wherever_something_could_still_be_told():
    still = set(lifecycle.REFERRAL_MOVES["revoke_referral"].froms)
    ends = {lifecycle.DECLINED, lifecycle.DONE, lifecycle.NOT_DONE, lifecycle.REVOKED}
    assert still | ends == set(statuses(lifecycle.REFERRAL_MOVES))
