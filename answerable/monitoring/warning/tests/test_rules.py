"""R-EW-1 to the digit: the window, the weights, the three levels, the clocks, and what would make a level fall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.common.tables import obligations, taxonomy
from answerable.monitoring.warning import rules

TODAY = date(2031, 5, 30)
INDICATORS = {code: row.parent for code, row in taxonomy("early_warning_indicator").items()}
MILITARY, SOCIAL, POLITICAL, ECONOMIC = (
    [c for c, parent in INDICATORS.items() if parent == kind]
    for kind in ("military", "social_humanitarian", "political_legal", "economic")
)


def seen(
    indicator: str, stage: int, *, qualifies: bool = True, ago: int = 0, live: bool = True, ref: str = ""
) -> rules.Entry:
    return rules.Entry(
        ref or f"{indicator}/{stage}/{qualifies}/{ago}", indicator, INDICATORS[indicator], stage, TODAY - timedelta(days=ago),
        qualifies, live,
    )  # fmt: skip


def told(victims: int, ago: int = 0) -> rules.Reported:
    return rules.Reported(f"INC-{victims}-{ago}", TODAY - timedelta(days=ago), victims)


def level(*entries: rules.Entry, reported: tuple[rules.Reported, ...] = ()) -> str:
    return rules.reading(entries, reported, on=TODAY).level


def test_there_are_28_indicators_in_four_categories():
    assert len(INDICATORS) == 28 and len(set(INDICATORS.values())) == 4


@pytest.mark.parametrize(
    ("stage", "qualifies", "weight"),
    [(1, True, Fraction(1)), (2, True, Fraction(2)), (3, True, Fraction(3)),
     (1, False, Fraction(1, 2)), (2, False, Fraction(1)), (3, False, Fraction(3, 2))],
)  # fmt: skip
def test_a_weight_is_the_stage_times_the_confidence_exactly(stage, qualifies, weight):
    assert rules.reading([seen("EW-M1", stage, qualifies=qualifies)], on=TODAY).score == weight


def test_an_indicator_counts_once_at_its_highest_stage():
    found = rules.reading([seen("EW-M1", 1), seen("EW-M1", 3, ago=20), seen("EW-M1", 2, ago=5)], on=TODAY)
    assert found.score == 3 and [(c.stage, c.entry) for c in found.counted] == [(3, "EW-M1/3/True/20")]


def test_word_of_something_worse_never_lowers_an_indicator():
    confirmed, worse = seen("EW-M1", 2), seen("EW-M1", 3, qualifies=False)
    assert rules.reading([confirmed, worse], on=TODAY).score == 2
    assert rules.reading([worse], on=TODAY).score == Fraction(3, 2)


@pytest.mark.parametrize(("ago", "counts"), [(0, True), (59, True), (60, False), (-1, False)])
def test_the_window_is_sixty_days_and_today_is_one_of_them(ago, counts):
    assert (rules.reading([seen("EW-M1", 3, ago=ago)], on=TODAY).score == 3) is counts


def test_an_entry_whose_item_lost_its_consent_does_not_count():
    assert rules.reading([seen("EW-M1", 3, live=False)], on=TODAY).score == 0
    ongoing = [*(seen(c, 3, qualifies=False) for c in [*MILITARY, *SOCIAL, *POLITICAL]), seen("EW-M1", 3, live=False)]
    assert rules.reading(ongoing, on=TODAY).level == rules.ALERT  # 23 x 1½, but nothing ongoing is confirmed


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        # WATCH: 4 and two categories
        ([seen("EW-M1", 2), seen("EW-S1", 2)], rules.WATCH),
        ([seen("EW-M1", 3), seen("EW-S1", 1, qualifies=False)], rules.NONE),  # 3½
        ([seen("EW-M1", 3), seen("EW-M2", 3)], rules.NONE),  # 6 in one category
        # ALERT: 10 and three categories
        ([seen("EW-M1", 3), seen("EW-S1", 3), seen("EW-P1", 3), seen("EW-M2", 1)], rules.ALERT),
        ([seen("EW-M1", 3), seen("EW-S1", 3), seen("EW-P1", 3), seen("EW-M2", 1, qualifies=False)], rules.WATCH),  # 9½
        ([seen(c, 3) for c in [*MILITARY[:2], *SOCIAL[:2]]], rules.WATCH),  # 12 in two categories
        # EMERGENCY by score: 18, three categories, one ongoing confirmed
        ([*(seen(c, 3) for c in [*MILITARY[:2], *SOCIAL[:2], *POLITICAL[:2]])], rules.EMERGENCY),
        ([*(seen(c, 3) for c in [*MILITARY[:2], *SOCIAL[:2], *POLITICAL[:1]]), seen("EW-P2", 2), seen("EW-E1", 1, qualifies=False)],
         rules.ALERT),  # 17½
        ([seen(c, 3) for c in [*MILITARY[:4], *SOCIAL[:4]]], rules.WATCH),  # 24 in two categories
        ([seen(c, 2) for c in [*MILITARY[:4], *SOCIAL[:4], *POLITICAL[:4]]], rules.ALERT),  # 24, nothing ongoing
        ([seen(c, 3, qualifies=False) for c in [*MILITARY, *SOCIAL]] , rules.WATCH),  # 24 in two categories
        ([seen(c, 3, qualifies=False) for c in [*MILITARY, *SOCIAL, *POLITICAL]], rules.ALERT),  # 34½, none confirmed
    ],
)  # fmt: skip
def test_levels_at_their_boundaries(entries, expected):
    assert level(*entries) == expected


@pytest.mark.parametrize(
    ("reported", "expected"),
    [((told(25),), rules.EMERGENCY), ((told(24),), rules.NONE), ((told(12), told(13, 29)), rules.EMERGENCY),
     ((told(12), told(13, 30)), rules.NONE), ((told(25, -1),), rules.NONE)],
)  # fmt: skip
def test_25_reported_victims_in_thirty_days_are_an_emergency_by_themselves(reported, expected):
    assert level(reported=reported) == expected


def test_which_verification_levels_count_as_reported():
    assert "V1" not in rules.REPORTED_LEVELS and {"V2", "V3a", "V3b", "V3c", "V3d", "V4"} == rules.REPORTED_LEVELS


entries = st.lists(
    st.builds(
        seen, st.sampled_from(sorted(INDICATORS)), st.integers(1, 3), qualifies=st.booleans(), ago=st.integers(-2, 65),
        live=st.booleans(),
    ),
    max_size=30,
)  # fmt: skip
reports = st.lists(st.builds(told, st.integers(1, 30), st.integers(-2, 35)), max_size=5)


@given(entries, reports, entries)
def test_one_observation_more_never_lowers_score_or_level(some, reported, more):
    before, after = (rules.reading(e, reported, on=TODAY) for e in (some, [*some, *more]))
    assert after.score >= before.score and rules.rank(after.level) >= rules.rank(before.level)


@given(entries, reports, st.randoms(use_true_random=False))
def test_the_order_of_observations_does_not_matter(some, reported, chance):
    shuffled, told_again = list(some), list(reported)
    chance.shuffle(shuffled)
    chance.shuffle(told_again)
    assert rules.reading(some, reported, on=TODAY) == rules.reading(shuffled, told_again, on=TODAY)


@given(entries, reports)
@pytest.mark.slow
def test_a_level_falls_on_the_day_that_is_said_and_not_before(some, reported):
    fall = rules.what_would_lower(some, reported, on=TODAY)
    now = rules.reading(some, reported, on=TODAY)
    if fall.on is None:
        assert now.level == rules.NONE
        return
    past, known = [e for e in some if e.on <= TODAY], [r for r in reported if r.on <= TODAY]
    eve, day = (rules.reading(past, known, on=d).level for d in (fall.on - timedelta(days=1), fall.on))
    assert day == fall.to and rules.rank(eve) >= rules.rank(now.level) > rules.rank(day)


def test_what_carries_a_level_alone_is_named():
    some = [seen("EW-M1", 3), seen("EW-S1", 3), seen("EW-P1", 3), seen("EW-M2", 1)]
    fall = rules.what_would_lower(some, on=TODAY)
    assert fall.alone == {"EW-M1": "WATCH", "EW-S1": "WATCH", "EW-P1": "WATCH", "EW-M2": "WATCH"}
    assert (fall.on, fall.to) == (TODAY + timedelta(days=60), rules.NONE)
    assert rules.what_would_lower([*some, seen("EW-E1", 3)], on=TODAY).alone == {}


@pytest.mark.parametrize(("name", "hours"), [("WATCH", 72), ("ALERT", 48), ("EMERGENCY", 24)])
def test_a_person_confirms_within_72_48_or_24_hours(name, hours):
    at = datetime(2031, 5, 30, 23, 15, 7, tzinfo=UTC)
    assert rules.confirm_by(name, at) - at == timedelta(hours=hours)


def test_a_rise_never_postpones_a_clock_that_already_runs():
    at = datetime(2031, 5, 30, 12, 0, tzinfo=UTC)
    running = rules.confirm_by("WATCH", at)
    assert rules.confirm_by("ALERT", at + timedelta(hours=60), running) == running
    assert rules.confirm_by("EMERGENCY", at, running) == at + timedelta(hours=24)


def test_what_a_person_did_not_confirm_is_proposed_again_only_on_something_new():
    some = [seen("EW-M1", 3), seen("EW-S1", 3)]
    now = rules.reading(some, on=TODAY)
    assert rules.is_new(now, rules.NONE)
    assert not rules.is_new(now, rules.WATCH)
    assert not rules.is_new(now, rules.NONE, "WATCH", now.basis)
    again = rules.reading([*some, seen("EW-S2", 1)], on=TODAY)
    assert rules.is_new(again, rules.NONE, "WATCH", now.basis)
    higher = rules.reading(some, [told(25)], on=TODAY)
    assert rules.is_new(higher, rules.NONE, "WATCH", higher.basis)


@pytest.mark.parametrize(
    ("score", "text"), [(Fraction(21, 2), "10½"), (Fraction(1, 2), "½"), (Fraction(4), "4"), (Fraction(0), "0")]
)
def test_scores_are_written_as_people_write_them(score, text):
    assert rules.written(score) == text


def test_what_a_confirmed_level_sets_in_motion():
    rows = list(obligations().values())
    assert rules.triggered("NONE", rows) == []
    assert rules.triggered("WATCH", rows) == rules.triggered("EMERGENCY", rows) == ["OB-PRV-09", "OB-PRV-13"]
    assert [rules.opens_dialogue(x) for x in rules.LEVELS] == [False, False, True, True]
    assert [rules.permits_urgent(x) for x in rules.LEVELS] == [False, False, False, True]
