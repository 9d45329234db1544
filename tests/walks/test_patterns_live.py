"""Whatever changes, one incident at a time, the live windows are those that a recomputation of everything gives, byte for byte."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answerable.authority.acting import set_scope
from answerable.authority.principals import CLOCK
from answerable.monitoring.models import Incident, Party, PatternAssessment, SourceItem
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.patterns import live, queries
from answerable.monitoring.patterns.models import FIGURES, Contribution, PatternState, Restatement
from answerable.record import log as record

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
STATUSES = [
    "VERIFIED",
    "VERIFIED",
    "VERIFIED",
    "CREDIBLE",
    "MERGED",
    "IN_VERIFICATION",
    "OUT_OF_SCOPE",
    "CONSENT_WITHDRAWN",
]
ITEMS = [
    (), (("T1", 2),), (("T1", 2),), (("T1", 1), ("A2", 1)), (("T2", 1), ("T1", 1)), (("B3", 1),),
    (("T1", 1), ("T1", 1), ("C3", 1)), (("T1", 1), ("A2", 1), ("-A1", 1)),
]  # fmt: skip


def snapshot() -> bytes:
    """Every level, contribution and window there is; not when and why it last changed."""
    levels = list(Incident.objects.order_by("ref").values_list("ref", "status", "level", "because"))
    adds = list(Contribution.objects.exclude(level="").order_by("incident_id").values_list(
        "incident_id", "compartment", "party_id", "on", "earliest", "latest", "area1", "area2", "victims", "own", "awaits", "level"))  # fmt: skip
    states = list(
        PatternState.objects.filter(reported_incidents__gt=0).order_by("party_id", "ends_on")
        .values_list("party_id", "ends_on", *FIGURES)
    )  # fmt: skip
    return json.dumps([levels, adds, states], default=str).encode()


def forget() -> None:
    """As an alliance that never kept windows; only the owner of the database can."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("DELETE FROM monitoring_patternstate; DELETE FROM monitoring_contribution")
        cursor.execute("SET ROLE answerable_office")


class World:
    def __init__(self, brigade: Party, person) -> None:
        self.parties = [brigade]
        for name in ("First Column", "Second Column"):
            self.parties.append(Party.objects.create(situation=brigade.situation, name=name, actor_type="ACT-STF"))
        self.person, self.n, self.made = person, 0, []

    def incident(
        self, party: int, day: int, area: str, victims: int, status: str, items, matches: bool, precision: str
    ):
        self.n += 1
        made = Incident.objects.create(
            compartment="monitoring", situation=self.parties[0].situation, party=self.parties[party], organisation=self.person.body,
            collected_by=self.person, on=date(2030, 1, 1) + timedelta(days=day), precision=precision, area1="P", area2=area,
            victims_min=victims, victims=victims, victims_max=victims, status=status, matches_pattern=matches,
            submitted_at=timezone.now(), narrative=b"", place=b"", link_reason=b"",
        )  # fmt: skip
        self.items(made, items)
        self.made.append(made)
        return made

    def items(self, incident: Incident, items) -> None:
        for n, (grade, assessors) in enumerate(items):
            told = grade.startswith("T")
            SourceItem.objects.create(
                compartment="monitoring", incident=incident, kind="testimony" if told else "document", primary=told,
                testimony=grade if told else "", reliability="" if told else grade[-2], credibility=0 if told else int(grade[-1]),
                assessors=assessors, person_key=f"{incident.pk}-{n}" if told else "", contrary=grade.startswith("-"),
                captured_on=incident.on, purposes=["CP-MONI"] if told else [], says=b"",
            )  # fmt: skip

    def change(
        self,
        kind: str,
        which: int,
        party: int,
        day: int,
        area: str,
        victims: int,
        status: str,
        items,
        matches,
        precision,
    ) -> None:
        if kind == "new" or not self.made:
            row = self.incident(party, day, area, victims, status, items, matches, precision)
        else:
            row = Incident.objects.get(pk=self.made[which % len(self.made)].pk)
            match kind:
                case "date":
                    row.on, row.precision = date(2030, 1, 1) + timedelta(days=day), precision
                case "victims":
                    row.victims_min = row.victims = row.victims_max = victims
                case "status":
                    row.status = status
                case "party":
                    row.party = self.parties[party]
                case "area":
                    row.area2 = area
                case "matches":
                    row.matches_pattern = matches
                case "items":
                    SourceItem.objects.filter(incident=row).update(purposes=[], withdrawn=["CP-MONI"])
                    self.items(row, items)
            row.save()
        live.relevel(row.party, [row.ref], why=kind)


change = st.tuples(
    st.sampled_from(["new", "new", "new", "date", "victims", "status", "party", "area", "matches", "items"]),
    st.integers(0, 40), st.sampled_from([0, 0, 0, 1, 2]), st.integers(0, 900), st.sampled_from(["A", "B", "C", "D", ""]),
    st.integers(1, 9), st.sampled_from(STATUSES), st.sampled_from(ITEMS), st.booleans(), st.sampled_from(["day", "day", "month"]),
)  # fmt: skip


class _Undo(Exception):
    pass


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(change, min_size=8, max_size=30))
def test_one_change_at_a_time_gives_what_recomputing_everything_gives(saved, changes):
    brigade = saved("$brigade")
    person = saved("$I1").collected_by
    try:
        with transaction.atomic():
            set_scope(["*"])
            world = World(brigade, person)
            for each in changes:
                world.change(*each)
            kept = snapshot()
            again = live.recompute(from_items=True)
            assert (again.states, again.levels, again.restated) == (0, {}, [])
            forget()
            live.recompute(from_items=True)
            assert snapshot() == kept
            raise _Undo
    except _Undo:
        pass


@pytest.fixture
def world(saved):
    made = World(saved("$brigade"), saved("$I1").collected_by)
    set_scope(["*"])
    return made


FIVE = (("T1", 1), ("A2", 1))


def add(world, day, items=FIVE, **more):
    given = {"kind": "new", "which": 0, "party": 1, "area": "A", "victims": 1, "status": "VERIFIED", "matches": False,
             "precision": "day", **more}  # fmt: skip
    world.change(given["kind"], given["which"], given["party"], day, given["area"], given["victims"], given["status"], items,
                 given["matches"], given["precision"])  # fmt: skip
    return Incident.objects.get(pk=world.made[-1].pk)


def test_v3d_stands_while_five_lie_in_one_window_with_it_and_never_counts_for_itself(world):
    for day in (0, 60, 120, 180):
        add(world, day)
    alone = add(world, 200, (("T1", 2),), matches=True)
    second = add(world, 201, (("T1", 2),), matches=True)
    assert (alone.level, second.level) == ("V2", "V2")
    add(world, 400)  # the fifth, but not within twelve months of the first
    alone.refresh_from_db()
    assert alone.level == "V2"
    fifth = add(world, 364)
    alone.refresh_from_db()
    assert alone.level == "V3d"
    fifth.status = "MERGED"
    fifth.save()
    changed = live.relevel(fifth.party, [fifth.ref])
    assert set(changed) == {alone.ref, second.ref}


def test_a_change_touches_only_windows_that_hold_its_day(world):
    old, new = add(world, 0), add(world, 800)
    before = dict(PatternState.objects.values_list("pk", "version"))
    old.victims = old.victims_max = 7
    old.save()
    live.relevel(old.party, [old.ref], why="corrected")
    touched = PatternState.objects.exclude(version=1).filter(party=world.parties[1])
    assert (
        [s.ends_on for s in touched] == [old.on]
        and touched[0].reason == "corrected"
        and touched[0].because_of == old.ref
    )
    assert all(s.version == before[s.pk] for s in PatternState.objects.exclude(pk=touched[0].pk))
    assert new.on != old.on


def test_late_verification_restates_an_earlier_assessment_and_keeps_the_first(world, saved):
    june = PatternAssessment.objects.get(pk=saved("$june").pk)
    first = dict(june.result)
    late = Incident.objects.filter(party=june.party, level="V1", status="ALLEGED").first()
    SourceItem.objects.filter(incident=late).update(testimony="T1")
    world.items(late, (("A2", 1),))
    live.relevel(late.party, [late.ref], why="verified")
    june.refresh_from_db()
    now = Restatement.objects.get(pattern=june)
    assert june.result == first and queries.current(june) == now.result and now.version == 2
    assert (
        late.ref in now.result["verified"]
        and now.result["verified_victims"] == first["verified_victims"] + late.victims
    )
    # Reached both ways: from the incident to what rests on it, and from the assessment to the incident.
    assert june.ref in record.upward(late.ref) and late.ref in {e.basis for e in record.bases(june.ref)}
    assert june.retests.filter(answered_at=None).exists()


def test_an_alliance_from_before_windows_gets_them_once_by_the_clock(world):
    kept = snapshot()
    forget()
    patterns.owed()
    set_scope(["*"])
    assert snapshot() == kept
    assert record.history("patterns")[-1].actor == CLOCK.ref
    size = len(record.history("patterns"))
    patterns.owed()
    assert len(record.history("patterns")) == size
