"""What counts for an actor or a chain of command, asked of a small database: days, spans, base sets, and findings tested again."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from answerable.alliance.models import Body, Person
from answerable.authority.acting import set_scope
from answerable.monitoring import as_facts
from answerable.monitoring import queries as reports
from answerable.monitoring.evidence.models import Assessment
from answerable.monitoring.intake import models as intake
from answerable.monitoring.linking import queries as links
from answerable.monitoring.linking.models import Subordination
from answerable.monitoring.models import FurtherActor, Incident, Party, PatternAssessment, Situation, SourceItem
from answerable.monitoring.patterns import live, queries
from answerable.vault.consent.models import Consent

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
ON = date(2025, 12, 31)
BASE, ALONE = ("T1", "A2"), ("T1",)


def at(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


class Small:
    """Two units of one command, a militia beside them, and who reports of them."""

    def __init__(self) -> None:
        set_scope(["*"])
        body = Body.objects.create(name="Who counts", kind=Body.ORGAN)
        self.people = [
            Person.objects.create(handle=h, name=h, body=body) for h in ("counts-tells", "counts-one", "counts-two")
        ]
        self.situation = Situation.objects.create(name="Small Valley", fictional=True)
        self.a, self.b, self.top, self.militia = (
            Party.objects.create(situation=self.situation, name=name, actor_type="ACT-STF")
            for name in ("A", "B", "Top", "Militia")
        )

    def told(
        self, *actors: Party, on: date, graded=BASE, victims: int = 2, matches: bool = False, filed: date | None = None, **more
    ) -> Incident:  # fmt: skip
        """A report that a verifier concluded, with every consent; counted once `count` is called."""
        made = Incident.objects.create(
            compartment="monitoring", situation=self.situation, party=actors[0], organisation=self.people[0].body,
            collected_by=self.people[0], on=on, area1="P", area2="Q", victims_min=victims, victims=victims, victims_max=victims,
            status="VERIFIED", matches_pattern=matches, submitted_at=at(filed or on), narrative=b"", place=b"", link_reason=b"", **more,
        )  # fmt: skip
        for actor in actors[1:]:
            FurtherActor.objects.create(
                incident=made, party=actor, compartment="monitoring", submitted_at=made.submitted_at
            )
        for grade in graded:
            self.item(made, grade)
        return made

    def item(self, incident: Incident, grade: str, *, find: bool = True, **more) -> SourceItem:
        account = grade.startswith("T")
        made = SourceItem.objects.create(
            compartment="monitoring", incident=incident, kind="testimony" if account else "document", primary=account,
            testimony=grade if account else "", reliability="" if account else grade[0], credibility=0 if account else int(grade[1]),
            assessors=2 if account else 0, person_key=f"person {incident.pk}" if account else "", captured_on=incident.on, says=b"",
            purposes=["CP-MONI", "CP-FIND"] if account else [], **more,
        )  # fmt: skip
        for assessor in self.people[1:] if account else ():
            Assessment.objects.create(
                compartment="monitoring", item=made, assessor=assessor, testimony=grade, given_at=at(ON), reasons=b""
            )
        if account and find:
            self.says(made, given=True)
        return made

    def says(self, item: SourceItem, *, given: bool) -> None:
        """Her last word on findings."""
        Consent.objects.create(compartment="monitoring", subject=item.ref, purpose="CP-FIND", given=given, audience=["organ"],
                               given_at=at(ON), withdrawn_at=None if given else at(ON), recorded_by="counts-tells")  # fmt: skip

    def under_top(self, *units: Party, since: date = date(2020, 1, 1), until: date | None = None) -> None:
        for unit in units:
            Subordination.objects.create(
                unit=unit, over=self.top, from_on=since, to_on=until, source="order 1", noted_by=self.people[0]
            )

    def count(self) -> None:
        for party in (self.a, self.b, self.militia):
            live.relevel(party)

    def assessed(self, party: Party, *, on: date = ON, chain: bool = False) -> PatternAssessment:
        self.count()
        result = queries.result(party, on=on, chain=chain, commonalities=["method"])
        return PatternAssessment.objects.create(
            situation=self.situation, party=party, on=on, commonalities=["method"], result=result, made_by=self.people[0],
            made_at=at(on),
        )  # fmt: skip


@pytest.fixture
def small():
    return Small()


def says(found: dict) -> tuple:
    """What an assessment and a finding drafted on it have in common."""
    met = {c: t if isinstance(t, bool) else t["met"] for c, t in found["tests"].items()}
    return (
        found["verified"],
        found["verified_victims"],
        found["reported_victims"],
        found["base_set"],
        found["standard"],
        met,
    )


def counts_as_assessed(made: PatternAssessment) -> list[str]:
    """References of the verified incidents, which are those of the assessment, of what is tested again, and of a finding."""
    for finding in (False, True):
        assert says(reports.retest(made, finding=finding)) == says(made.result), finding
    return made.result["verified"]


# --- a finding counts what its assessment counts ------------------------------------------------------------------------


def test_what_the_units_of_a_chain_did_together_is_no_base_set_of_any_of_them(small):
    """Three base incidents of one and two of another lift no incident to V3d, in an assessment as in the finding drafted on it."""
    small.under_top(small.a, small.b)
    for unit, months in ((small.a, (1, 3, 5)), (small.b, (7, 9))):
        for month in months:
            small.told(unit, on=date(2025, month, 10))
    alone = small.told(small.a, on=date(2025, 6, 1), graded=ALONE, victims=16, matches=True)
    made = small.assessed(small.top, chain=True)
    assert alone.ref not in counts_as_assessed(made) and made.result["verified_victims"] == 10
    assert made.met("PT") and not made.met("WS") and not made.met("LS")
    for month in (2, 4):
        small.told(small.a, on=date(2025, month, 10))
    made = small.assessed(small.top, chain=True)
    assert alone.ref in counts_as_assessed(made) and made.result["verified_victims"] == 30 and made.met("LS")


@pytest.mark.parametrize("month", [(2024, 11), (2026, 3)])
def test_v3d_stands_by_a_base_set_that_lies_partly_before_or_after_the_twelve_months_and_falls_with_it(small, month):
    """Also by what was told later: the level of an incident is as it is known now, and so the assessment counts it."""
    base = [small.told(small.a, on=date(*month, 1 + n)) for n in range(4)]
    near, day = (date(2025, 1, 20), 25) if month[0] == 2024 else (date(2025, 12, 10), 20)
    inside = small.told(small.a, on=near)
    alone = small.told(small.a, on=near.replace(day=day), graded=ALONE, matches=True)
    made = small.assessed(small.a)
    assert counts_as_assessed(made) == [inside.ref, alone.ref]
    # Without her consent to a finding one of the five is no base incident of it; the assessment still counts it.
    small.says(base[0].items.get(kind="testimony"), given=False)
    assert reports.retest(made)["verified"] == [inside.ref, alone.ref]
    assert reports.retest(made, finding=True)["verified"] == [inside.ref]
    small.says(base[0].items.get(kind="testimony"), given=True)
    assert counts_as_assessed(made) == [inside.ref, alone.ref]
    SourceItem.objects.filter(incident=base[0], kind="testimony").update(purposes=[], withdrawn=["CP-MONI", "CP-FIND"])
    small.count()
    for finding in (False, True):
        assert reports.retest(made, finding=finding)["verified"] == [inside.ref]


def test_a_unit_keeps_the_base_set_of_days_on_which_it_stood_under_another(small):
    small.under_top(small.a, since=date(2025, 6, 1))
    for month in (1, 2, 3, 4, 5):
        small.told(small.a, on=date(2025, month, 10))
    alone = small.told(small.a, on=date(2025, 7, 1), graded=ALONE, matches=True)
    assert counts_as_assessed(small.assessed(small.top, chain=True)) == [alone.ref]


def test_a_finding_on_one_of_two_actors_counts_by_that_ones_own_base_set(small):
    for month in (1, 2, 3, 4, 5):
        small.told(small.a, on=date(2025, month, 10))
    alone = small.told(small.militia, small.a, on=date(2025, 7, 1), graded=ALONE, matches=True)
    assert counts_as_assessed(small.assessed(small.militia)) == []
    assert alone.ref in counts_as_assessed(small.assessed(small.a))


def test_what_speaks_against_an_incident_is_weighed_in_a_finding_nobody_asked_its_consent_for(small):
    """Left out like an account that may not carry a finding, it would lift there what the assessment does not count."""
    told = small.told(small.a, on=date(2025, 5, 1))
    small.item(told, "A1", contrary=True)
    SourceItem.objects.filter(incident=told, contrary=True).update(purposes=["CP-MONI"])
    assert counts_as_assessed(small.assessed(small.a)) == []


# --- days ---------------------------------------------------------------------------------------------------------------


def test_nothing_happened_after_it_was_told_and_a_later_version_tells_it_again(small):
    year = {"on": date(2025, 1, 1), "precision": "year"}
    told = small.told(small.a, filed=date(2025, 11, 3), **year)
    assert as_facts.days_known(told) == (date(2025, 11, 3), date(2025, 1, 1))
    assert as_facts.incident_facts([told])[0].days == (date(2025, 11, 3), date(2025, 1, 1))
    for status, made, last in (
        (intake.TAKEN_OVER, date(2025, 11, 20), date(2025, 11, 20)),
        (intake.CORRECTION, date(2025, 12, 20), date(2025, 11, 20)),  # waits: nobody said that it is told so
        (intake.TAKEN_OVER, date(2025, 11, 8), date(2025, 11, 20)),
        (intake.TAKEN_OVER, date(2026, 2, 1), date(2025, 12, 31)),  # and never later than its own date says
    ):
        intake.Draft.objects.create(
            corrects=told.ref, status=status, made_at=at(made), compartment="monitoring", organisation=told.organisation,
            collected_by=told.collected_by, situation=small.situation, identity=f"{made}", content="", when="2025",
            earliest=date(2025, 1, 1), latest=date(2025, 12, 31), precision="year", area1="P", narrative=b"", place=b"",
            link_reason=b"",
        )  # fmt: skip
        assert as_facts.days_known(told) == (last, date(2025, 1, 1))
        assert as_facts.told_by([told]) == {told.pk: max(last, made) if status == intake.TAKEN_OVER else last}


def test_only_what_lies_within_for_certain_counts_in_an_assessment_and_in_a_finding(small):
    """Days that touch the twelve months, at either end, are none of them: for base sets as for what is counted."""
    within = small.told(small.a, on=date(2025, 3, 1))
    small.told(small.a, on=date(2025, 1, 1), earliest=date(2024, 12, 20), latest=date(2025, 1, 20), precision="range")
    small.told(
        small.a,
        on=date(2025, 12, 31),
        earliest=date(2025, 12, 20),
        latest=date(2026, 1, 20),
        precision="range",
        filed=date(2026, 2, 1),
    )
    made = small.assessed(small.a)
    assert counts_as_assessed(made) == [within.ref]
    one = [(within.on, within.on)]
    assert queries.base_days([small.a.pk], date(2025, 1, 1), ON) == one
    assert queries.base_days_within([(small.a, date(2025, 1, 1), ON)]) == one
    assert queries.base_days_within([(small.a, date(2025, 1, 1), ON), (small.b, date(2025, 1, 1), ON)]) == one


def test_a_base_incident_of_two_units_of_a_chain_is_one(small):
    both, one = small.told(small.a, small.b, on=date(2025, 3, 1)), small.told(small.b, on=date(2025, 3, 1))
    small.count()
    spans = [(small.a, date(2025, 1, 1), ON), (small.b, date(2025, 1, 1), ON)]
    assert queries.base_days_within(spans) == [(both.on, both.on), (one.on, one.on)]


def test_a_unit_that_goes_on_standing_under_another_by_a_new_order_stood_there_all_the_time(small):
    """What may be any day of a week on which one order followed the other counts for the chain."""
    small.under_top(small.a, since=date(2025, 1, 1), until=date(2025, 6, 10))
    small.under_top(small.a, since=date(2025, 6, 11), until=date(2025, 9, 30))
    small.under_top(small.a, since=date(2025, 10, 2))
    first, last = date(2025, 1, 1), ON
    assert links.spans_below(small.top, first, last) == [
        (small.top, first, last), (small.a, first, date(2025, 9, 30)), (small.a, date(2025, 10, 2), last),
    ]  # fmt: skip
    days = date(2025, 6, 9), date(2025, 9, 29)
    across, apart = (small.told(small.a, on=day, precision="week", filed=day + timedelta(days=30)) for day in days)
    made = small.assessed(small.top, chain=True)
    assert counts_as_assessed(made) == [across.ref] and apart.ref not in made.result["verified"]
