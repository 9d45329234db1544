"""Every decision rule on the scenarios' own numbers (S1, S2, S5, S6)."""

import pytest

from answerable.council import rules
from answerable.council.rules import MemberFacts, count_ballots, entitlement

MILLIONS = {
    "AVN": 60, "BLM": 48, "CDY": 36, "DRL": 30, "ESU": 24, "FDM": 20, "GRN": 18, "HLV": 15,
    "ILM": 12, "JRV": 10, "KST": 9, "LUN": 7, "MRV": 5, "NRV": 4, "OST": 2,
}  # fmt: skip


def who(recused=(), arrears=()):
    return entitlement(
        [
            MemberFacts(
                code, m * 10**6, "IN_ARREARS" if code in arrears else "MEMBER", "respondent" if code in recused else ""
            )
            for code, m in MILLIONS.items()
        ]
    )


def ballots(for_="", against="", abstain=""):
    choices = {"for": for_, "against": against, "abstain": abstain}
    return {c: choice for choice, codes in choices.items() for c in codes.split()}


def all_but(codes):
    return " ".join(c for c in MILLIONS if c not in codes.split())


def test_the_fixture_has_300_million_and_the_thresholds_of_the_specification():
    assert who().total_population == 300 * 10**6
    assert rules.quorum_needed("DR-QMV", 15) == 8 and rules.quorum_needed("DR-RQMV", 15) == 10
    assert count_ballots("DR-QMV", ballots(for_=" ".join(list(MILLIONS)[:9])), who()).adopted
    assert not count_ballots("DR-QMV", ballots(for_=" ".join(list(MILLIONS)[:8])), who()).adopted
    assert count_ballots("DR-RQMV", ballots(for_=" ".join(list(MILLIONS)[:11])), who()).adopted
    assert not count_ballots("DR-RQMV", ballots(for_=" ".join(list(MILLIONS)[:10])), who()).adopted


def test_s1_the_request_nine_two_one_is_adopted():
    codes = list(MILLIONS)
    count = count_ballots("DR-SIMPLE", ballots(" ".join(codes[:9]), " ".join(codes[9:11]), codes[11]), who())
    assert (count.present, count.for_, count.against, count.abstain, count.absent) == (12, 9, 2, 1, 3)
    assert count.adopted


def test_s1_the_listing_twelve_members_with_262_million():
    count = count_ballots("DR-QMV", ballots(all_but("ESU JRV NRV")), who())
    assert count.adopted and "262,000,000" in count.arithmetic[2].sum


def test_s2_the_recused_member_leaves_every_denominator():
    cast = ballots("AVN BLM DRL ESU GRN JRV KST LUN", "CDY FDM", "HLV MRV")
    count = count_ballots("DR-QMV", cast, who(recused=["ILM"]))
    assert (count.eligible, count.present, count.adopted) == (14, 12, True)
    assert who(recused=["ILM"]).total_population == 288 * 10**6
    assert rules.quorum_needed("DR-QMV", 14) == 8
    assert not count_ballots("DR-QMV", cast, who()).adopted  # the wrong calculation, with fifteen


def test_a_recused_ballot_is_not_counted_wherever_it_came_from():
    count = count_ballots("DR-SIMPLE", ballots("AVN BLM CDY DRL ESU FDM GRN HLV", "ILM"), who(recused=["ILM"]))
    assert count.against == 0 and count.eligible == 14


def test_s5_seven_present_is_no_quorum_and_r8_has_no_reduced_one():
    seven = ballots(" ".join(list(MILLIONS)[:7]))
    assert count_ballots("DR-QMV", seven, who(), rung=8).outcome == "NO_QUORUM"
    assert count_ballots("DR-QMV", seven, who(), rung=8, reduced_quorum=True).outcome == "NO_QUORUM"
    assert count_ballots("DR-SIMPLE", seven, who(), rung=2, reduced_quorum=True).adopted


def test_s5_without_a_blocking_minority_adopted_with_one_rejected():
    three = count_ballots("DR-QMV", ballots(all_but("AVN BLM OST"), abstain="AVN BLM OST"), who())
    assert three.adopted and not three.arithmetic[2].holds and three.arithmetic[3].holds
    four = count_ballots("DR-QMV", ballots(all_but("AVN BLM OST NRV"), abstain="AVN BLM OST NRV"), who())
    assert four.outcome == "REJECTED" and four.for_ == 11 and not four.arithmetic[3].holds


def test_s6_correspondence_needs_more_than_half_to_reply():
    assert rules.correspondence_valid(8, 15) and not rules.correspondence_valid(7, 15)


@pytest.mark.parametrize(
    ("rule", "f", "a", "adopted"),
    [
        ("DR-SIMPLE", 4, 4, False), ("DR-SIMPLE", 5, 4, True), ("DR-TWOTHIRDS", 6, 3, True),
        ("DR-TWOTHIRDS", 6, 4, False), ("DR-ABS", 7, 1, False), ("DR-ABS", 8, 0, True),
        ("DR-CONS", 9, 0, True), ("DR-CONS", 9, 1, False), ("DR-CCA", 9, 1, False),
    ],
)  # fmt: skip
def test_each_rule_on_its_edge(rule, f, a, adopted):
    codes = list(MILLIONS)
    cast = dict.fromkeys(codes[:f], "for") | dict.fromkeys(codes[f : f + a], "against")
    assert count_ballots(rule, cast, who(), present=frozenset(codes)).adopted is adopted


def test_all_abstaining_adopts_nothing():
    assert not count_ballots("DR-SIMPLE", ballots(abstain=" ".join(MILLIONS)), who()).adopted


def test_qualified_abstainers_block_only_with_a_third_of_both():
    small = frozenset("KST LUN MRV NRV OST".split())
    cast = {c: "abstain" if c in small else "for" for c in MILLIONS}
    assert count_ballots("DR-CCA", cast, who(), qualified_abstainers=small).adopted
    large = frozenset("AVN BLM CDY DRL ESU".split())
    cast = {c: "abstain" if c in large else "for" for c in MILLIONS}
    assert not count_ballots("DR-CCA", cast, who(), qualified_abstainers=large).adopted


def test_a_member_in_arrears_is_left_out_with_its_reason():
    assert who(arrears=["AVN"]).excluded["AVN"].startswith("in arrears")


def test_a_rule_without_ballots_is_not_counted():
    with pytest.raises(ValueError):
        count_ballots("DR-CHAIR", {}, who())


@pytest.mark.parametrize(("rule", "members", "enough"), [("DR-QMV", 100, 55), ("DR-RQMV", 100, 72)])
def test_exactly_the_percentage_is_enough_and_one_less_is_not(rule, members, enough):
    """55 and 72 of a hundred, exactly; population is left to the few who are in favour."""
    codes = [f"M{i:02}" for i in range(members)]
    facts = [MemberFacts(c, 100 if i < enough - 1 else 1) for i, c in enumerate(codes)]
    voters = entitlement(facts)
    assert count_ballots(rule, dict.fromkeys(codes[:enough], "for"), voters, present=frozenset(codes)).adopted
    assert not count_ballots(rule, dict.fromkeys(codes[: enough - 1], "for"), voters, present=frozenset(codes)).adopted
