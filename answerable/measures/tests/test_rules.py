from datetime import date

import pytest

from answerable.common.tables import measures
from answerable.measures import rules
from answerable.measures.rules import DossierFacts, FindingFacts, prerequisites

TODAY = date(2031, 9, 10)
PAT, LS = FindingFacts("FND-1", "F-PAT", "SP2"), FindingFacts("FND-2", "F-LS", "SP2")
ARMS = DossierFacts(
    findings=(PAT, LS), papers={"risk_assessment": date(2031, 9, 1)}, expires_on=date(2032, 9, 10),
    exception_text=True, benchmarks=(60, 40), objective=True,
)  # fmt: skip


def without(**changes):
    return DossierFacts(**{**ARMS.__dict__, **changes})


def failing(code, facts):
    return {c.name for c in prerequisites(measures()[code], facts, today=TODAY) if c.status != "MET"}


def test_s1_the_arms_measure_is_met():
    assert failing("ME-7.1", ARMS) == set()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"findings": ()}, "standard of proof"), ({"papers": {}}, "risk assessment recorded"),
        ({"expires_on": None}, "expiry"), ({"expires_on": date(2032, 9, 11)}, "expiry"),
        ({"benchmarks": (60, 30)}, "benchmarks"), ({"exception_text": False}, "exception text"),
        ({"objective": False}, "objective"), ({"consents_complete": False}, "consent"),
    ],
)  # fmt: skip
def test_each_missing_piece_blocks(changes, name):
    assert name in failing("ME-7.1", without(**changes))


def test_s1_suspension_of_an_agreement_is_blocked_and_says_by_what():
    blocked = prerequisites(measures()["ME-10.4"], ARMS, today=TODAY)
    said = {c.name: c.says for c in blocked if c.status != "MET"}
    assert "SP3 is needed" in said["standard of proof"]
    assert "USE or CONDONE" in said["responsibility"]
    assert "consultations" in said and not rules.may_be_adopted(blocked)


def test_every_measure_of_the_table_can_be_checked_and_nothing_passes_on_an_empty_file():
    for code, row in measures().items():
        checks = prerequisites(row, DossierFacts(), today=TODAY)
        if row["min_standard"] != "none" or row["max_months"]:
            assert not rules.may_be_adopted(checks), code


def test_an_impact_assessment_ages():
    facts = without(papers={"impact_assessment": date(2031, 6, 1)})
    assert "age of the impact assessment" in failing("ME-9.1", facts)


def test_reminders_fall_ninety_sixty_and_thirty_days_before():
    assert rules.reminders(date(2032, 9, 10)) == [date(2032, 6, 12), date(2032, 7, 12), date(2032, 8, 11)]
