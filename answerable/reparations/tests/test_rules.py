from datetime import UTC, date, datetime

import pytest

from answerable.common.money import Money
from answerable.reparations import rules
from answerable.reparations.rules import ClaimFacts, PatternWindow


def usd(text):
    return Money.parse(text, "USD")


@pytest.mark.parametrize("demand", sorted(rules.NEVER_REQUIRED))
def test_a_programme_that_demands_what_must_not_be_asked_does_not_validate(demand):
    obstacles = rules.programme_obstacles([demand], basis=[("F-PAT", "SP2")])
    assert len(obstacles) == 1 and "R-ELI-5" in obstacles[0]


def test_a_programme_needs_a_finding_or_recognition():
    assert rules.programme_obstacles([], basis=[("F-LS", "SP2")]) == []
    assert rules.programme_obstacles([], basis=[], recognition="UN listing") == []
    assert rules.programme_obstacles([], basis=[("F-PAT", "SP1")]) and rules.programme_obstacles([], basis=[])


@pytest.mark.parametrize(
    ("flags", "level", "score"),
    [
        (["UF-12", "UF-14", "UF-23", "UF-26"], "U1", 60),  # S9
        ([], "U3", 0), (["UF-01", "UF-02", "UF-03"], "U0", 100), (["UF-24"], "U2", 10),
    ],
)  # fmt: skip
def test_urgency(flags, level, score):
    assert rules.urgency(flags) == rules.Urgency(level, score)


WINDOW = PatternWindow("PAT-1", date(2031, 1, 14), date(2031, 5, 2), frozenset({"Z-07", "Z-09", "Z-11"}), "BRIGADE")


def claim(**changes):
    facts = {"claim_type": "CL-DIR", "situation_designated": True, "first_day": date(2031, 3, 1),
             "last_day": date(2031, 3, 31), "area": "Z-09", "forms": frozenset({"SV-UNSP"}), "coherent": 1}  # fmt: skip
    return ClaimFacts(**{**facts, **changes})


def test_a_coherent_account_inside_a_pattern_is_enough_with_no_complaint_and_no_conviction():
    assert rules.is_eligible(rules.eligibility(claim(), [WINDOW]))


@pytest.mark.parametrize(
    ("changes", "eligible"),
    [
        ({"area": "Z-99"}, False), ({"area": "Z-99", "coherent": 2}, True), ({"area": "Z-99", "supporting_items": 1}, True),
        ({"area": "Z-99", "coherent": 0, "recognised_elsewhere": True}, True), ({"coherent": 0}, False),
        ({"situation_designated": False}, False), ({"forms": frozenset()}, False),
        ({"area": "Z-99", "coherent": 2, "rebutted": True}, False), ({"actor": "OTHER"}, False),
    ],
)  # fmt: skip
def test_the_ways_to_be_eligible(changes, eligible):
    assert rules.is_eligible(rules.eligibility(claim(**changes), [WINDOW])) is eligible


@pytest.mark.parametrize(
    ("day", "covered"),
    [("2030-12-14", False), ("2030-12-15", True), ("2031-06-01", True), ("2031-06-02", False)],  # S4
)
def test_pr2_reaches_thirty_days_either_side(day, covered):
    one = date.fromisoformat(day)
    assert bool(rules.presumed_by_pattern(claim(first_day=one, last_day=one), [WINDOW])) is covered


def test_flat_awards_and_their_cap():
    assert rules.award_units("CL-DIR") == 30 and rules.award_units("CL-HLP") == 10
    assert rules.award_units("CL-DIR", serious_injury=True, children=4) == 45


def test_s9_thirty_units_less_the_interim_in_three_parts():
    gross = usd("210") * rules.award_units("CL-DIR")
    net = rules.net_award(gross, [("alliance_interim", usd("210") * rules.INTERIM_RU)])
    assert (gross, net) == (usd("6300"), usd("5670"))
    assert rules.instalments(net, 3) == [usd("1890")] * 3


def test_s10_only_what_was_received_under_the_same_head_is_set_off():
    received = [
        ("state_lump_sum", usd("2400")), ("international_interim", usd("1000")), ("alliance_interim", usd("630")),
        ("pension", usd("80")), ("symbolic", usd("250")), ("humanitarian_aid", usd("300")),
    ]  # fmt: skip
    assert rules.net_award(usd("6300"), received) == usd("2270")
    assert rules.net_award(usd("100"), received) == usd("0")


def test_claim_clocks():
    due = rules.clocks(datetime(2031, 8, 4, 9, tzinfo=UTC))
    assert due.screening == datetime(2031, 8, 7, 9, tzinfo=UTC)
    assert due.interim.date() == date(2031, 8, 18) and due.eligibility.date() == date(2031, 9, 18)


def test_five_different_hands():
    assert rules.same_hands({"intake": "a", "first assessor": "b", "award": "c"}) == []
    assert "SOD-05" in rules.same_hands({"intake": "a", "first assessor": "a"})[0]


def test_a_correction_is_answered_within_thirty_days_to_the_next_working_day():
    # 31 days of January: thirty days on is Saturday the 31st, so Monday 2 February.
    assert rules.correction_due(datetime(2026, 1, 1, 8, tzinfo=UTC)) == datetime(2026, 2, 2, 23, 59, 59, tzinfo=UTC)
    monday = frozenset({date(2026, 2, 2)})
    assert rules.correction_due(datetime(2026, 1, 1, 8, tzinfo=UTC), monday).date() == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("changed", "assessed", "decided", "found"),
    [
        ({"area1"}, False, False, []), ({"area1"}, True, False, [rules.ASSESS_AGAIN]), ({"account"}, True, False, [rules.ASSESS_AGAIN]),
        ({"events_from"}, True, True, [rules.LOOK_AT_AWARD]), ({"alias", "country", "language"}, True, True, []),
    ],
)  # fmt: skip
def test_what_a_correction_makes_work_anew(changed, assessed, decided, found):
    known = {"assessed": assessed, "decided": decided}
    assert rules.touched(changed, was_child=False, is_child=False, **known) == found
    assert rules.touched(changed, was_child=False, is_child=True, **known) == [*found, rules.NOW_CHILD]
    assert rules.touched(changed, was_child=True, is_child=False, **known) == [*found, rules.NO_CHILD]


@pytest.mark.parametrize(
    ("age", "flags", "found"),
    [("25-34", ["UF-16", "UF-14"], ["UF-16"]), ("under 18", ["UF-16"], []), ("", ["UF-16", "UF-18"], []),
     ("under 18", ["UF-18", "UF-24"], ["UF-18", "UF-24"]), ("70+", ["UF-18"], [])],
)  # fmt: skip
def test_an_age_rules_out_ticks_that_cannot_be_true_beside_it(age, flags, found):
    assert rules.at_odds(age, flags) == found
