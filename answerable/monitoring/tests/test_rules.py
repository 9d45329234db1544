"""Scenario S1 to the digit, S3's and S4's figures, and each verification rule on its edge."""

from dataclasses import replace
from datetime import date

import pytest

from answerable.monitoring import rules
from answerable.monitoring.rules import IncidentFacts, ItemFacts

BRIGADE = "ACT"


def told(ref, grade, person="", **more):
    return ItemFacts(ref, "testimony", True, testimony=grade, person=person or ref, **more)


def paper(ref, grade, *, primary=False, **more):
    return ItemFacts(ref, "document", primary, reliability=grade[0], credibility=int(grade[1]), **more)


def zandria(**changes):
    rows = {
        "I1": ("2031-01-14", "Z-07", 3, (told("a", "T1"), paper("b", "A2", primary=True))),
        "I2": ("2031-01-29", "Z-07", 2, (told("c", "T2"), told("d", "T1"))),
        "I3": ("2031-02-10", "Z-09", 4, (paper("ngo", "B3"), paper("news", "B3", parents=frozenset({"ngo"})))),
        "I4": ("2031-02-21", "Z-07", 1, (told("e", "T3"),)),
        "I5": ("2031-03-03", "Z-09", 6, (told("f", "T1"), paper("g", "A2"))),
        "I6": ("2031-03-20", "Z-11", 5, (paper("h", "A1", primary=True), paper("i", "B2"))),
        "I7": ("2031-04-11", "Z-09", 2, (told("j", "T1", assessors=2),)),
        "I8": ("2031-05-02", "Z-11", 9, (told("k", "T2"), told("l", "T2"))),
        "I9": ("2031-06-01", "Z-09", 3, (told("m", "T1"), paper("n", "C3"), paper("o", "A2", contrary=True))),
    }
    rows.update(changes)
    return [
        IncidentFacts(ref, date.fromisoformat(on), area, victims, BRIGADE, items, matches_pattern=ref == "I7")
        for ref, (on, area, victims, items) in rows.items()
    ]


def known_by(incidents, day):
    return rules.levels([i for i in incidents if i.on <= day])


def codes(incidents):
    return {i.ref: i.level.code for i in incidents}


def brigade(incidents, day):
    return rules.pattern(
        incidents, actor=BRIGADE, on=day, commonalities=frozenset({"method"}), systematic=frozenset({"SY-6"})
    )


def test_s1_at_the_end_of_april_the_base_is_four_and_i7_waits():
    incidents = known_by(zandria(), date(2031, 4, 30))
    assert codes(incidents) == {"I1": "V3a", "I2": "V3b", "I3": "V2", "I4": "V1", "I5": "V3a", "I6": "V3c", "I7": "V2"}
    assert brigade(incidents, date(2031, 4, 30)).base_set == ("I1", "I2", "I5", "I6")


def test_s1_at_the_end_of_june():
    day = date(2031, 6, 30)
    incidents = known_by(zandria(), day)
    assert codes(incidents)["I7"] == "V3d" and codes(incidents)["I8"] == "V3b" and codes(incidents)["I9"] == "V2"
    found = brigade(incidents, day)
    assert (len(found.base_set), len(found.verified), found.verified_victims, found.reported_victims) == (5, 6, 27, 35)
    assert (len(found.areas), found.prevalence) == (3, "P2")
    assert found.met("PT") and found.met("WS") and found.met("LS") and not found.met("SY")
    assert rules.at_least(found.verified_victims) == 25


def several(*, base_of_a, base_of_b):
    """So many base incidents of A and of B, and one account that matches a pattern and names both."""
    rows = [
        IncidentFacts(f"{actor}{n}", date(2031, 1, 1 + 5 * n), f"Z-{n}", 2, actor, (told(f"{actor}{n}", "T1"), paper(f"{actor}{n}p", "A2")))
        for actor, count in (("A", base_of_a), ("B", base_of_b)) for n in range(count)
    ]  # fmt: skip
    alone = (told("x", "T1", assessors=2),)
    return rules.levels(
        [*rows, IncidentFacts("X", date(2031, 3, 1), "Z-9", 7, "A", alone, matches_pattern=True, also=frozenset({"B"}))]
    )


@pytest.mark.parametrize(
    ("base_of_a", "base_of_b", "whole", "for_a", "for_b"),
    [(5, 4, "V3d", True, False), (4, 5, "V3d", False, True), (5, 5, "V3d", True, True), (4, 4, "V2", False, False)],
)
def test_an_incident_of_two_actors_is_lifted_for_the_one_whose_base_set_bears_it_out(
    base_of_a, base_of_b, whole, for_a, for_b
):
    """Nobody is accused by another's pattern; as a whole the incident stands as high as it stands for any of them."""
    incidents = several(base_of_a=base_of_a, base_of_b=base_of_b)
    assert incidents[-1].level.code == whole
    found = {a: rules.pattern(incidents, actor=a, on=date(2031, 6, 1)) for a in "AB"}
    assert ("X" in found["A"].verified, "X" in found["B"].verified) == (for_a, for_b)
    # It is reported for each of them, wholly.
    assert [found[a].reported_victims for a in "AB"] == [2 * base_of_a + 7, 2 * base_of_b + 7]
    assert "X" not in found["A"].base_set + found["B"].base_set


def test_a_chain_of_command_counts_an_incident_of_two_of_its_units_once():
    incidents = several(base_of_a=5, base_of_b=1)
    chain = rules.pattern(incidents, actor="TOP", on=date(2031, 6, 1), parties=frozenset({"A", "B"}))
    assert chain.verified.count("X") == 1 and chain.verified_victims == 2 * 6 + 7 == chain.reported_victims
    assert chain.tally.reported_incidents == 7 == len(incidents)


def test_s3_without_i7_the_figures_stand_without_i8_they_fall():
    day = date(2031, 9, 2)
    gone = told("j", "T1", assessors=2, live=False)
    found = brigade(known_by(zandria(I7=("2031-04-11", "Z-09", 2, (gone,))), day), day)
    assert (len(found.verified), found.verified_victims, len(found.areas), found.prevalence) == (5, 25, 3, "P2")
    assert found.met("LS")
    half = (told("k", "T2", live=False), told("l", "T2"))
    incidents = known_by(zandria(I8=("2031-05-02", "Z-11", 9, half)), day)
    found = brigade(incidents, day)
    assert codes(incidents)["I7"] == "V2" and codes(incidents)["I8"] == "V2"
    assert (found.base_count, len(found.verified), found.verified_victims, found.prevalence) == (4, 4, 16, "P1")
    assert not found.met("WS") and not found.met("LS")


def test_s4_a_misdated_note_takes_large_scale_away_but_not_the_pattern():
    day = date(2031, 10, 16)
    note = paper("b", "A4", primary=True)
    incidents = known_by(zandria(I1=("2031-01-14", "Z-07", 3, (told("a", "T1"), note))), day)
    found = brigade(incidents, day)
    assert codes(incidents)["I1"] == "V2" and found.base_set == ("I2", "I5", "I6", "I8")
    assert (len(found.verified), found.verified_victims, found.prevalence) == (4, 22, "P1")
    assert found.met("PT") and not found.met("WS") and not found.met("LS")


@pytest.mark.parametrize(
    ("items", "level"),
    [
        ((), "V1"),
        ((paper("a", "D1"),), "V1"),
        ((paper("a", "A4"),), "V1"),
        ((paper("a", "C3"),), "V2"),
        ((told("a", "T2", person="p"), told("b", "T2", person="p")), "V2"),  # the same person twice
        ((told("a", "T1"), paper("b", "A1", parents=frozenset({"a"}))), "V2"),  # the report cites the testimony
        ((paper("a", "A1"), paper("b", "A1")), "V2"),  # neither is primary
        ((paper("a", "A1", primary=True), paper("b", "C3")), "V3c"),
        ((told("a", "T1"), told("b", "T1"), paper("c", "C3")), "V4"),
        ((told("a", "T2"), told("b", "T2"), paper("c", "C3")), "V3b"),  # no strong item, not two T1
        ((told("a", "T1"), told("b", "T2"), paper("c", "B2"), paper("d", "A1", contrary=True)), "V2"),
        ((told("a", "T1"), told("b", "T2"), paper("c", "B2"), paper("d", "A1", contrary=True, weighed=True)), "V4"),
        ((told("a", "T1"), told("b", "T2"), paper("c", "B2"), paper("d", "C1", contrary=True)), "V4"),  # not strong
    ],
)
def test_levels_on_their_edges(items, level):
    assert rules.verification_level(items).code == level


@pytest.mark.parametrize(("base", "matches", "level"), [(4, True, "V2"), (5, True, "V3d"), (9, False, "V2")])
def test_v3d_needs_five_and_a_match(base, matches, level):
    items = (told("a", "T1", assessors=2),)
    assert rules.verification_level(items, base=base, matches_pattern=matches).code == level


def test_v3d_never_counts_towards_its_own_five():
    incidents = [
        IncidentFacts(f"n{i}", date(2031, 1, i + 1), "Z", 1, BRIGADE, (told(f"n{i}", "T1", assessors=2),), True)
        for i in range(9)
    ]
    assert {i.level.code for i in rules.levels(incidents)} == {"V2"}


@pytest.mark.parametrize(
    ("victims", "level"), [(0, "P0"), (1, "P1"), (24, "P1"), (25, "P2"), (999, "P2"), (1000, "P3")]
)
def test_prevalence_levels(victims, level):
    assert rules.prevalence(victims) == level


@pytest.mark.parametrize(
    ("two", "third"), [("T1T2", False), ("T2T3", True), ("T1T3", True), ("T3T4", False), ("T2T2", False)]
)
def test_when_a_third_assessor_is_needed(two, third):
    assert rules.testimony_needs_third(two[:2], two[2:]) is third


def test_a_circle_of_citations_ends():
    items = [paper("a", "B2", parents=frozenset({"b"})), paper("b", "B2", parents=frozenset({"a"}))]
    assert rules.verification_level(items).code == "V2"


def test_an_incident_older_than_twelve_months_falls_out():
    found = brigade(rules.levels(zandria()), date(2032, 1, 14))
    assert "I1" not in found.verified and "I2" in found.verified


# --- what was last concluded (decision 0058) --------------------------------------------------------------------------


T1_TWO = told("a", "T1", assessors=2)
ORDER = paper("b", "A1", primary=True)
DENIAL = paper("c", "A2", contrary=True)


def at(items, ceiling, **more):
    return rules.verification_level(items, ceiling=ceiling, **more)


def test_a_level_is_at_most_what_was_concluded_and_says_what_it_would_be():
    held = at([T1_TWO, ORDER], rules.Ceiling("V2", uncapped="V2"))
    assert (held.code, held.held, held.because) == ("V2", "V3a", (rules.HELD_BACK.format(level="V3a", stays="V2"),))
    assert at([T1_TWO, ORDER], rules.Ceiling("V3c")).code == "V3a", "as high as it was concluded"
    assert at([T1_TWO], rules.Ceiling("V4")).code == "V2", "below it, a level falls freely"


def test_a_base_set_lifts_what_a_verifier_said_it_may_and_nothing_else():
    five = {"base": 5, "matches_pattern": True}
    assert at([T1_TWO], rules.Ceiling("V2", lifted=True), **five).code == "V3d"
    assert at([T1_TWO], rules.Ceiling("V2"), **five).code == "V2"
    assert at([T1_TWO], rules.Ceiling("V3a"), **five).code == "V2", "V3d was not concluded, however high it stood"
    assert at([T1_TWO], rules.Ceiling("V2", lifted=True, caps=frozenset({"c"})), **five).code == "V2"
    more = at([T1_TWO, ORDER], rules.Ceiling("V2", lifted=True), **five)
    assert (more.code, more.held) == ("V3d", "V3a")
    assert at([T1_TWO, ORDER, DENIAL], rules.Ceiling("V2", lifted=True), **five).code == "V2"


def test_a_ceiling_rises_once_all_that_capped_it_is_weighed():
    made = rules.concluded([T1_TWO, ORDER, DENIAL, paper("d", "B1", contrary=True)], matches_pattern=False)
    assert made == rules.Ceiling("V2", False, "V3a", frozenset({"c", "d"}))
    one = made.once_weighed("c")
    assert (one.own, one.once_weighed("d").own) == ("V2", "V3a")
    assert made.once_weighed("another") == made
    assert one.once_weighed("d").once_it_stands("d") == rules.Ceiling("V2", False, "V3a", frozenset({"d"}))
    still = rules.Ceiling("V2", False, "V4", frozenset({"c"})).once_it_stands("d")
    assert still == rules.Ceiling("V2", False, "V4", frozenset({"c", "d"})), (
        "what she had before her otherwise stays known"
    )
    assert rules.Ceiling.read(made.kept) == made and rules.Ceiling.read({}) is None


def test_a_verifier_who_says_that_a_level_holds_raises_nothing():
    before = rules.Ceiling("V2", False, "V2", frozenset())
    assert rules.concluded([T1_TWO, ORDER], matches_pattern=True, under=before) == before
    fallen = rules.concluded([T1_TWO], matches_pattern=False, under=rules.Ceiling("V3a", False, "V3a"))
    assert (fallen.own, fallen.uncapped) == ("V2", "V2")
    capped = rules.Ceiling("V2", False, "V3a", frozenset({"gone"}))
    assert rules.concluded([T1_TWO, ORDER], matches_pattern=False, under=capped).caps == {"gone"}, (
        "what capped it goes on"
    )


def test_a_linked_report_gives_no_more_than_was_concluded_of_it():
    own = paper("x", "B2", report="1")
    theirs = [replace(i, waits="2", stood=True, under=rules.Ceiling("V2")) for i in (T1_TWO, ORDER)]
    assert at([own, *theirs], None).code == "V2"
    free = [replace(i, under=rules.Ceiling("V3a")) for i in theirs]
    assert at([own, *free], None).code == "V3a"
