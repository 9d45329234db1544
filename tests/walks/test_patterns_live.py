"""Whatever changes, one incident at a time, the live windows are those that a recomputation of everything gives, byte for byte."""

from __future__ import annotations

import json
from copy import copy
from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support import graded_by_two

from answerable.alliance.models import Person
from answerable.authority.acting import set_scope
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring.evidence.models import Assessment
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.linking.models import LinkPair, Subordination
from answerable.monitoring.models import Incident, Party, PatternAssessment, Situation, SourceItem
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.patterns import live, queries, reach, recomputing
from answerable.monitoring.patterns.models import (
    FIGURES,
    Contribution,
    Indicator,
    PatternState,
    Restatement,
    StateChange,
)
from answerable.record import log as record

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
STATUSES = [
    "VERIFIED",
    "VERIFIED",
    "VERIFIED",
    "CREDIBLE",
    "MERGED",
    "IN_VERIFICATION",
    "REOPENED",
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
    adds = list(Contribution.objects.exclude(level="").order_by("incident_id", "party_id").values_list(
        "incident_id", "compartment", "party_id", "earliest", "latest", "area1", "area2", "victims", "own", "awaits", "level"))  # fmt: skip
    states = list(
        PatternState.objects.filter(reported_incidents__gt=0).order_by("party_id", "ends_on")
        .values_list("party_id", "ends_on", *FIGURES)
    )  # fmt: skip
    reasons = list(Indicator.objects.order_by("id").values_list("ref", "reached", "because", "days"))
    return json.dumps([levels, adds, states, reasons], default=str).encode()


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
        elsewhere = Situation.objects.create(name="Over the border", fictional=True)
        self.parties.append(Party.objects.create(situation=elsewhere, name="Border Column", actor_type="ACT-STF"))
        self.analyst = Person.objects.select_related("body__state").get(handle="sami")
        self.person, self.n, self.made = person, 0, []

    def incident(
        self, party: int, day: int, area: str, victims: int, status: str, items, matches: bool, precision: str
    ):
        self.n += 1
        made = Incident.objects.create(
            compartment="monitoring", situation=self.parties[party].situation, party=self.parties[party], organisation=self.person.body,
            collected_by=self.person, on=date(2022, 1, 1) + timedelta(days=day), precision=precision, area1="P", area2=area,
            victims_min=victims, victims=victims, victims_max=victims, status=status, matches_pattern=matches,
            submitted_at=clock.now(), narrative=b"", place=b"", link_reason=b"",
        )  # fmt: skip
        self.items(made, items)
        self.made.append(made)
        return made

    def items(self, incident: Incident, items) -> None:
        for n, (grade, assessors) in enumerate(items):
            told = grade.startswith("T")
            made = SourceItem.objects.create(
                compartment="monitoring", incident=incident, kind="testimony" if told else "document", primary=told,
                testimony=grade if told else "", reliability="" if told else grade[-2], credibility=0 if told else int(grade[-1]),
                assessors=assessors, person_key=f"{incident.pk}-{n}" if told else "", contrary=grade.startswith("-"),
                captured_on=incident.on, purposes=["CP-MONI"] if told else [], says=b"",
            )  # fmt: skip
            if told:
                graded_by_two(made)

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
        record.apart()  # each change is a piece of work of its own
        if kind in REASONED:
            try:
                getattr(self, kind)(which, party, day, items, matches)
            except Refused:
                pass
            set_scope(["*"])
            return
        if kind == "new" or not self.made:
            row = self.incident(party, day, area, victims, status, items, matches, precision)
        else:
            row = Incident.objects.get(pk=self.made[which % len(self.made)].pk)
            match kind:
                case "date":
                    row.on, row.precision = date(2022, 1, 1) + timedelta(days=day), precision
                case "victims":
                    row.victims_min = row.victims = row.victims_max = victims
                case "status":
                    row.status = status
                case "party":
                    if self.parties[party].situation_id != row.situation_id:
                        monitoring.name_further(row, [])
                    row.party, row.situation = self.parties[party], self.parties[party].situation
                    monitoring.name_further(row, [*row.actors, row.party])
                case "actors":
                    # Any of its situation's, by the bits of a number; the first one stays or gives way.
                    here = [p for p in self.parties if p.situation_id == row.situation_id]
                    named = [p for n, p in enumerate(here) if which >> n & 1] or [row.party]
                    if row.party not in named:
                        row.party = named[0]
                        row.save()
                    monitoring.name_further(row, named)
                case "area":
                    row.area2 = area
                case "matches":
                    row.matches_pattern = matches
                case "items":
                    SourceItem.objects.filter(incident=row).update(purposes=[], withdrawn=["CP-MONI"])
                    self.items(row, items)
            row.save()
        live.relevel(row.party, [row.ref], why=kind)

    def indicate(self, which: int, party: int, day: int, items, matches) -> None:
        """An indicator about an actor, by items of up to two reports, of whichever actor: some are refused."""
        if self.made:
            own = [self.made[(which + n) % len(self.made)].pk for n in range(1 + matches)]
            patterns.record_indicator(
                self.parties[party], code=("SY-1", "SY-2", "method", "MOW-01")[day % 4], standard=("SP1", "SP2")[day % 2],
                supporting=list(SourceItem.objects.filter(incident__in=own).order_by("id")), reasons="Told.", by=self.analyst,
            )  # fmt: skip

    def give_up(self, which: int, party: int, day: int, items, matches) -> None:
        if indicator := Indicator.objects.filter(party=self.parties[party], ended_at=None).first():
            patterns.end_indicator(indicator, by=self.analyst)

    def command(self, which: int, party: int, day: int, items, matches) -> None:
        """One unit comes under another for good, or for a time."""
        start, over = date(2022, 1, 1) + timedelta(days=day - 200), self.parties[(party + 1 + which % 2) % 3]
        linking.note_subordination(
            self.parties[party], over, from_on=start, to_on=start + timedelta(days=10 * which) if matches else None,
            source="order", by=self.analyst,
        )  # fmt: skip

    def end_command(self, which: int, party: int, day: int, items, matches) -> None:
        if row := Subordination.objects.filter(unit=self.parties[party]).order_by("id").last():
            linking.end_command(row, to_on=date(2022, 1, 1) + timedelta(days=day - 200), by=self.analyst)

    def assess(self, which: int, party: int, day: int, items, matches) -> None:
        """An assessment on some day, as the action makes it on its own."""
        actor, on, common = self.parties[party], date(2022, 1, 1) + timedelta(days=day), ["method"] if day % 2 else []
        made = PatternAssessment.objects.create(
            situation=actor.situation, party=actor, on=on, commonalities=common, made_by=self.person, made_at=clock.now(),
            result=queries.result(actor, on=on, chain=matches, commonalities=common),
        )  # fmt: skip
        if common:
            live.reasons_changed(actor, why="commonality reasoned", because_of=made.ref, by=CLOCK)


REASONED = {"indicate", "give_up", "command", "end_command", "assess"}

change = st.tuples(
    st.sampled_from(["new", "new", "new", "date", "date", "victims", "status", "party", "area", "matches", "items", "actors", "actors", "actors",
                     "indicate", "indicate", "give_up", "command", "end_command", "assess", "assess"]),
    st.integers(0, 40), st.sampled_from([0, 0, 0, 1, 2, 3]), st.integers(0, 900), st.sampled_from(["A", "B", "C", "D", ""]),
    st.integers(1, 9), st.sampled_from(STATUSES), st.sampled_from(ITEMS), st.booleans(), st.sampled_from(["day", "day", "month"]),
)  # fmt: skip


class _Undo(Exception):
    pass


@pytest.mark.slow
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
            again = recomputing.recompute(from_items=True)
            assert (again.states, again.levels, again.indicators, again.restated) == (0, {}, 0, [])
            forget()
            recomputing.recompute(from_items=True)
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


def test_a_window_that_comes_or_goes_turns_no_test_of_those_that_stand(world):
    for day in (0, 40, 80, 120, 160):
        add(world, day, victims=2)
    kept = PatternState.objects.filter(party=world.parties[1]).latest("ends_on")
    late = add(world, 200, (("C3", 1),), status="CREDIBLE")
    came = StateChange.objects.filter(because_of=late.ref).first()
    assert (
        came.newest["was"]["verified_victims"] == came.newest["now"]["verified_victims"] == kept.verified_victims == 10
    )
    assert came.turned == []
    late.status = "MERGED"
    late.save()
    live.relevel(late.party, [late.ref], why="merged")
    went = StateChange.objects.filter(because_of=late.ref, reason="merged").get()
    assert went.newest["was"]["verified_victims"] == went.newest["now"]["verified_victims"] == 10
    assert went.turned == []


def test_late_verification_restates_an_earlier_assessment_and_keeps_the_first(world, saved):
    june = PatternAssessment.objects.get(pk=saved("$june").pk)
    first = dict(june.result)
    late = Incident.objects.filter(party=june.party, level="V1", status="ALLEGED").first()
    SourceItem.objects.filter(incident=late).update(testimony="T1")
    Assessment.objects.filter(item__incident=late).update(testimony="T1")
    world.items(late, (("A2", 1),))
    Incident.objects.filter(pk=late.pk).update(ceiling={})  # as a verifier who looks again concludes with it
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


def told(incident: Incident) -> list[SourceItem]:
    return list(incident.items.order_by("id"))


def newest(party: Party) -> PatternState:
    return PatternState.objects.filter(party=party, reported_incidents__gt=0).order_by("-ends_on")[0]


def recomputed_says_the_same() -> None:
    kept = snapshot()
    again = recomputing.recompute(from_items=True)
    set_scope(["*"])
    assert (again.states, again.levels, again.indicators, again.restated) == (0, {}, 0, []) and snapshot() == kept


@pytest.fixture
def indicated(world):
    """Three reports make a pattern of the first column, with two indicators and a method by the items of the first."""
    actor = world.parties[1]
    first, *_rest = [add(world, day, area=area, victims=2) for day, area in ((0, "A"), (10, "B"), (20, "C"))]
    for code in ("SY-1", "SY-2", "method"):
        patterns.record_indicator(
            actor, code=code, standard="SP2", supporting=told(first), reasons="Told.", by=world.analyst
        )
        set_scope(["*"])
    assert newest(actor).ls
    return first


@pytest.mark.parametrize("change", ["date", "status", "actor"])
def test_an_indicator_counts_where_its_incident_lies_today(world, indicated, change):
    actor, row = world.parties[1], Incident.objects.get(pk=indicated.pk)
    if change == "date":
        row.on = date(2020, 1, 1)
    elif change == "status":
        row.status = "OUT_OF_SCOPE"
    else:
        row.party = world.parties[2]
    row.save()
    live.relevel(row.party, [row.ref], why="corrected")
    state = newest(actor)
    assert (state.pt, state.sy, state.ls, state.systematic) == (False, False, False, "")
    recomputed_says_the_same()


def test_an_indicator_rests_on_what_its_actor_did_or_a_unit_under_it(world):
    actor, unit = world.parties[1], world.parties[2]
    others = add(world, 5, party=2)

    def record():
        try:
            return patterns.record_indicator(
                actor, code="SY-1", standard="SP2", supporting=told(others), reasons="Told.", by=world.analyst
            )
        finally:
            set_scope(["*"])

    with pytest.raises(Refused, match="incident of this actor, or of a unit that stood under it"), transaction.atomic():
        record()
    assert not Indicator.objects.filter(party=actor).exists()
    for day in (0, 10):
        add(world, day, area=f"A{day}", victims=3)
    line = linking.note_subordination(unit, actor, from_on=date(2021, 1, 1), source="order", by=world.analyst)
    set_scope(["*"])
    record()
    assert newest(actor).systematic == "SY-1"
    # The unit's report is corrected: the actor's windows that held its day are looked at, the unit's alone would not do.
    for on, counts in ((date(2020, 6, 1), ""), (date(2021, 12, 30), "SY-1"), (date(2022, 1, 6), "SY-1")):
        others.on = on
        others.save()
        live.relevel(unit, [others.ref], why="corrected")
        assert newest(actor).systematic == counts
        recomputed_says_the_same()
    # The order turns out to have ended before that day: it was not the actor's unit then.
    linking.end_command(line, to_on=date(2021, 12, 31), by=world.analyst)
    set_scope(["*"])
    assert newest(actor).systematic == ""
    recomputed_says_the_same()


@pytest.mark.slow
def test_an_assessment_of_a_chain_of_command_follows_its_lines(world):
    top, unit = world.parties[1], world.parties[2]
    add(world, 0, area="A", victims=3)
    for day in (10, 20, 30):
        add(world, day, party=2, area=f"A{day}", victims=3)
    world.assess(0, 1, 101, (), True)
    chain = PatternAssessment.objects.get(party=top)

    def says():
        found = queries.current(chain)
        return found["verified_victims"], found["tests"]["PT"]["met"]

    assert says() == (3, False)
    line = linking.note_subordination(unit, top, from_on=date(2021, 1, 1), source="order", by=world.analyst)
    set_scope(["*"])
    assert says() == (12, True)
    recomputed_says_the_same()
    # A unit that was noted later counts from then on like one that was there when the assessment was made.
    moved = Incident.objects.filter(party=unit).order_by("on").first()
    moved.victims = moved.victims_max = 4
    moved.save()
    live.relevel(unit, [moved.ref], why="corrected")
    assert says() == (13, True)
    linking.end_command(line, to_on=date(2021, 1, 2), by=world.analyst)
    set_scope(["*"])
    assert says() == (3, False)
    recomputed_says_the_same()
    assert list(chain.restatements.order_by("version").values_list("reason", flat=True)) == [
        "line of command noted", "corrected", "line of command ended"]  # fmt: skip


@pytest.mark.slow
def test_what_is_reasoned_later_reaches_assessments_of_a_chain_whose_top_did_nothing_itself(world):
    top, unit = world.parties[1], world.parties[2]
    linking.note_subordination(unit, top, from_on=date(2021, 1, 1), source="order", by=world.analyst)
    set_scope(["*"])
    for day in (10, 20, 30):
        add(world, day, party=2, area=f"A{day}", victims=3)
    world.assess(0, 1, 100, (), True)
    early = PatternAssessment.objects.get(party=top)
    assert not queries.current(early)["tests"]["PT"]["met"]
    world.assess(0, 1, 101, (), True)
    assert queries.current(early)["tests"]["PT"]["met"]
    recomputed_says_the_same()


# --- whom a change reaches ---------------------------------------------------------------------------------------------


def link(world, kept, duplicate):
    """As if a person had decided so; what that act does besides is tried elsewhere."""
    first, second = sorted((kept, duplicate), key=lambda i: i.pk)
    LinkPair.objects.create(
        compartment="monitoring", situation=kept.situation, first=first, second=second, bits=9, weights="w", digest="d",
        found_at=clock.now(), decision=LinkPair.SAME, decided_by=world.person, kept=kept, duplicate=duplicate,
    )  # fmt: skip
    duplicate.status = "MERGED"
    duplicate.save()


def test_a_line_of_links_is_followed_up_to_its_end_and_down_to_every_indicator(world):
    home, first, second, _abroad = world.parties
    top, middle, low = add(world, 5, party=0), add(world, 5, party=1), add(world, 5, party=2)
    alone = add(world, 6, party=1)
    patterns.record_indicator(
        second, code="SY-1", standard="SP1", supporting=told(low), reasons="Told.", by=world.analyst
    )
    set_scope(["*"])
    link(world, top, middle)
    link(world, middle, low)
    # Those above, and the ones linked to it: the actor of one further down is reached by what its items bear out.
    assert reach.actors_of([low.ref]) == {home.pk, first.pk, second.pk}
    assert reach.actors_of([top.ref]) == {home.pk, first.pk, second.pk}
    assert reach.actors_of([alone.ref]) == {first.pk}
    assert {i.party_id for i in reach.indicators_on([top.ref])} == {second.pk}
    assert reach.indicators_on([alone.ref]) == []
    # One that is closed carries nothing of those under it (R-VER-4).
    low.status = "CONSENT_WITHDRAWN"
    low.save()
    assert reach.indicators_on([top.ref]) == []
    assert reach.actors_of([top.ref]) == {home.pk, first.pk}
    assert {i.party_id for i in reach.indicators_on([low.ref])} == {second.pk}


def incidents_read_whole(plan: dict) -> int:
    """How often a plan reads every incident from the first to the last."""
    here = plan.get("Relation Name") == "monitoring_incident" and plan["Node Type"] != "Bitmap Heap Scan"
    return (here and not plan.get("Index Cond")) + sum(incidents_read_whole(each) for each in plan.get("Plans", []))


def test_no_question_of_whom_a_change_reaches_reads_every_incident(world):
    report = add(world, 5)
    many = [copy(report) for _n in range(3000)]
    for n, row in enumerate(many):
        row.pk, row.ref = None, f"INC-MANY-{n}"
    Incident.objects.bulk_create(many, batch_size=500)
    asked = []

    def note(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        live.first([report.ref])
    reads = [(sql, params) for sql, params in asked if "monitoring_incident" in sql]
    assert reads
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE; ANALYZE monitoring_incident; SET ROLE answerable_office")
        for sql, params in reads:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            (found,) = cursor.fetchone()
            (plan,) = found if isinstance(found, list) else json.loads(found)
            assert not incidents_read_whole(plan["Plan"]), json.dumps(plan["Plan"], indent=1)[:6000]
