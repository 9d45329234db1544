"""Keeps levels, windows and assessments true when an incident changes, looking only at what the change can touch.

`relevel` is called inside the act that changed something (a grade, a consent, a date, a merge, a status). It compares
each incident with what it added so far, so no caller says what was before. Then, in this order: levels by their own items; V3d of
the actor's incidents within reach of a changed base set (R-VER-2); states of the windows that hold a changed day;
assessments of those windows, restated; what relies on these, marked and told (R-FND-5).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from answerable.authority.acting import reading_as, scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.hooks import question
from answerable.monitoring import lifecycle, queries
from answerable.monitoring import rules as known
from answerable.monitoring.linking import queries as links
from answerable.monitoring.linking import rules as command
from answerable.monitoring.linking.models import Subordination
from answerable.monitoring.models import Incident, Party, PatternAssessment
from answerable.monitoring.patterns import areas, reach, rules
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns.models import (
    FIGURES,
    FLAGS,
    NUMBERS,
    Contribution,
    Indicator,
    PatternState,
    Restatement,
    Retest,
    StateChange,
)
from answerable.record import log as record
from answerable.record.models import Head

STATUS_OF_LEVEL = {"V1": lifecycle.ALLEGED, "V2": lifecycle.CREDIBLE}
# Columns of a contribution that matter to any window.
ADDS = ("party_id", "earliest", "latest", "area1", "area2", "victims", "own", "awaits", "level")


@dataclass
class _Touched:
    """Days of an actor whose windows must be looked at again, and where its base set changed."""

    days: set[date] = field(default_factory=set)  # the last ones they may have been: windows end there
    base: set[rules.Days] = field(default_factory=set)
    because_of: str = ""
    all: bool = False  # every day there is, and every assessment


def relevel(party: Party, touched: Sequence[str] = (), *, why: str = "items", by: Any = None) -> dict[str, str]:
    """Work out again what these incidents of an actor (or all of them, when none is named) change; the levels that did.

    Part of the caller's act and of its one record entry, which carries the returned references and levels. Looks at
    every compartment: what an organisation reported in confidence counts for all, and is shown to none of them here.
    """
    with scope_of(CLOCK):
        if touched:
            _first(touched)
        else:
            _first(list(Incident.objects.naming([party]).values_list("ref", flat=True)), {party.pk})
        named = Incident.objects.filter(ref__in=list(touched)) if touched else Incident.objects.naming([party])
        if touched:
            # What a linked report rests on carries the report it is linked to (R-VER-5).
            named |= Incident.objects.filter(pk__in=links.keepers_of(touched))
        rows = list(named.select_for_update(no_key=True, of=("self",)).select_related("party").order_by("id"))
        return _Change(why, by).run(rows)


class _Change:
    def __init__(self, why: str, by: Any) -> None:
        self.why, self.by = why, by
        self.changed: dict[str, str] = {}
        self.parties: dict[int, _Touched] = {}

    def run(self, rows: list[Incident]) -> dict[str, str]:
        before = _rows_of(r.pk for r in rows)
        now = {r.pk: r for r in rows}
        named = queries.actors_of(rows)
        facts = {f.ref: f for f in queries.incident_facts(rows, named)}
        fresh = _contributions(rows, facts, named, before)
        for key, c in fresh.items():
            self._note(before.get(key), c, now[c.incident_id].ref)
        _write(list(fresh.values()))
        # V3d is decided last, for each actor from its own base set, which no V3d incident is part of.
        near: dict[Key, Contribution] = {}
        for party, touched in self.parties.items():
            near |= {key_of(c): c for c in _awaiting(party, touched.base) if c.incident_id not in now}
        bases = _bases(list(near.values()))
        # Whoever stands, stands; only what is lifted, dropped or still short is read with its items.
        again = set[int]()
        for (incident, party), c in near.items():
            n = rules.support(c.days, bases[party])
            if (n >= rules.V3D_BASE) != (c.level == "V3d") or n < rules.V3D_BASE:
                again.add(incident)
        more = list(Incident.objects.select_for_update(no_key=True).filter(pk__in=again).order_by("id"))
        facts |= {f.ref: f for f in queries.incident_facts(more)}
        # Under the lock of its row, with those of its actors that this act does not touch: what lifts it may be another's.
        waiting = {key: c for key, c in (fresh | _rows_of(again)).items() if c.awaits}
        bases = _bases(list(waiting.values()))
        support: dict[int, dict[Key, int]] = {}
        for key, c in waiting.items():
            support.setdefault(key[0], {})[key] = rules.support(c.days, bases[key[1]])
        lifted: list[Contribution] = []
        for row in [*rows, *more]:
            theirs = support.get(row.pk, {})
            level = _level_now(row, facts[row.ref], max(theirs.values(), default=0))
            for key, n in theirs.items():
                adds, level_here = waiting[key], "V3d" if n >= rules.V3D_BASE else waiting[key].own
                if adds.level != level_here:
                    adds.level = level_here
                    lifted.append(adds)
                    self._day(adds.party_id, adds.days, row.ref)
            self._store(row, level)
        _write(lifted)
        incidents = [r.ref for r in rows]
        self._indicators(incidents)
        self.restate()
        return self.changed

    # --- what one incident adds

    def _note(self, was: Contribution | None, now: Contribution, ref: str) -> None:
        """Compare what an incident added for an actor with what it adds, and remember which of its days to look at."""
        if was is not None and was.awaits and now.awaits:
            now.level = was.level if was.own and now.own else now.level
        if was is not None and all(getattr(was, a) == getattr(now, a) for a in ADDS):
            return
        for c, other in ((was, now), (now, was)):
            if c is None or not c.own:
                continue
            self._day(c.party_id, c.days, ref)
            is_base = c.own in known.BASE_LEVELS
            other_is = other is not None and other.own in known.BASE_LEVELS
            same = other is not None and other.days == c.days
            if is_base and not (other_is and same) and rules.fits(c.days):
                self.parties[c.party_id].base.add(c.days)

    def _day(self, party: int, days: rules.Days, ref: str) -> None:
        if not rules.fits(days):
            return  # in no window for certain, so it changes none
        touched = self.parties.setdefault(party, _Touched())
        touched.days.add(days[0])
        touched.because_of = touched.because_of or ref

    def _store(self, row: Incident, level: known.Level) -> None:
        status = row.status
        if status in lifecycle.COUNTED:
            status = STATUS_OF_LEVEL.get(level.code, lifecycle.VERIFIED)
        elif status not in lifecycle.OPEN:
            return  # merged, referred or withdrawn: what it was is left as it was
        now = (level.code, status, list(level.because), level.held)
        if (row.level, row.status, row.because, row.held_back) != now:
            if row.level != level.code:
                self.changed[row.ref] = level.code
            row.level, row.status, row.because, row.held_back = now
            row.save(update_fields=["level", "status", "because", "held_back"])

    # --- what rests on it

    def _indicators(self, refs: Sequence[str]) -> None:
        """What indicators reach, and when they count, follows their items and incidents, of whichever actor those are."""
        for indicator in reach.indicators_on(refs):
            for days in reassess(indicator):
                self._day(indicator.party_id, days, refs[0])

    def restate(self, chains: Mapping[int, str] | None = None) -> list[str]:
        """Windows of every actor touched, then assessments of those windows and these; references of those that changed.

        `chains` are further assessments by their key, each with what changed beneath it.
        """
        leaning = dict(chains or {})
        for key, touched in sorted(self.parties.items()):
            days = all_days(key) if touched.all else touched.days
            if states := restate_windows(key, days, why=self.why, because_of=touched.because_of):
                StateChange.objects.create(
                    party_id=key, at=clock.now(), reason=self.why, because_of=touched.because_of, **states
                )
            for pattern in _assessments(key, None if touched.all else touched.days):
                leaning.setdefault(pattern.pk, touched.because_of)
        # An assessment of a line of command belongs to several actors: whoever works it out again has it alone, and
        # then reads what the one before them wrote. In one order, whichever actors led here.
        mine = PatternAssessment.objects.select_for_update(no_key=True).filter(pk__in=leaning).order_by("id")
        return [
            p.ref for p in mine if restate_assessment(p, why=self.why, because_of=leaning[p.pk], by=self.by)
        ]  # fmt: skip


def seeing_all() -> AbstractContextManager[None]:
    """Count over every compartment: whose incidents they are stays hidden, their number does not.

    For a page that shows numbers of patterns to whoever may see them; incidents are then fetched within one's own scope.
    """
    return reading_as(CLOCK)


def first(refs: Iterable[str], *, also: Iterable[int] = ()) -> None:
    """Take, before any row is locked, the actors whose windows a change of these incidents can touch.

    One order everywhere, so that nobody waits in a circle: actors, incidents, pairs of reports, the record's head. An act
    that locked its incident first would wait for the actor, while the one who holds the actor waits for that incident, because a
    base set lifts and drops other incidents (R-VER-2). May be called again in the same act; it then finds what it has.
    `also`: actors that an incident is about to count for.
    """
    with scope_of(CLOCK):
        _first(list(refs), set(also))


def _first(refs: Sequence[str], also: Set[int] = frozenset()) -> None:
    held = set[int]()
    # Whose incident it is may have changed while we waited; what is added then is rare, and asked for once more.
    while more := (reach.actors_of(refs) | also) - held:
        hold(more)
        held |= more


def hold(parties: Iterable[int]) -> None:
    """One act at a time works on an actor's windows; others wait until it is through."""
    with connection.cursor() as cursor:
        for key in sorted(parties):
            cursor.execute("SELECT pg_advisory_xact_lock(7302, %s::int)", [key])


def _level_now(row: Incident, facts: known.IncidentFacts, base: int) -> known.Level:
    """The level a report has now. Whether it matches a pattern (V3d) a verifier says, so only while her word stands."""
    matches = facts.matches_pattern and row.status in lifecycle.COUNTED
    return known.verification_level(
        facts.items, base=base if matches else 0, matches_pattern=matches, ceiling=facts.ceiling
    )


# An incident and an actor it names, or named.
Key = tuple[int, int]


def key_of(c: Contribution) -> Key:
    """Which incident adds it, and to whose windows."""
    return c.incident_id, c.party_id


def _rows_of(incidents: Iterable[int]) -> dict[Key, Contribution]:
    """What these incidents add at present, for each actor they count for or once counted for."""
    return {key_of(c): c for c in Contribution.objects.filter(incident__in=list(incidents))}


def _contributions(
    rows: Sequence[Incident], facts: Mapping[str, known.IncidentFacts], named: Mapping[int, Sequence[int]],
    before: Mapping[Key, Contribution],
) -> dict[Key, Contribution]:  # fmt: skip
    """What incidents add by their own items to the windows of each actor they name; nothing for one they named before."""
    once: dict[int, list[int]] = {}
    for incident, party in before:
        once.setdefault(incident, []).append(party)
    found: dict[Key, Contribution] = {}
    for row in rows:
        for party in dict.fromkeys([*named[row.pk], *once.get(row.pk, ())]):
            made = _contribution(row, facts[row.ref], party, named=party in named[row.pk])
            if made.own or (row.pk, party) in before:
                found[row.pk, party] = made
    return found


def _contribution(row: Incident, facts: known.IncidentFacts, party: int, *, named: bool = True) -> Contribution:
    """What an incident adds for an actor by its own items. A level of "" says that it is not counted."""
    counted = named and row.status in lifecycle.COUNTED
    own = known.verification_level(facts.items, ceiling=facts.ceiling).code if counted else ""
    lifted = known.verification_level(
        facts.items, base=rules.V3D_BASE, matches_pattern=facts.matches_pattern, ceiling=facts.ceiling
    ).code
    latest, earliest = facts.days
    return Contribution(
        incident_id=row.pk, compartment=row.compartment, party_id=party, earliest=earliest,
        latest=latest, area1=areas.key(row.area1), area2=areas.key(row.area2), victims=row.victims, own=own,
        awaits=counted and own != "V3d" and lifted == "V3d", level=own,
    )  # fmt: skip


COLUMNS = ("incident_id", "compartment", *ADDS)


def _write(rows: Sequence[Contribution]) -> None:
    if not rows:
        return
    values = [[getattr(c, name) for c in rows] for name in COLUMNS]
    types = ("bigint", "text", "bigint", "date", "date", "text", "text", "int", "text", "bool", "text")
    arrays = ", ".join(f"%s::{t}[]" for t in types)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    sets = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in COLUMNS if name not in ("incident_id", "party_id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO monitoring_contribution ({names}) SELECT * FROM unnest({arrays})"
            f" ON CONFLICT (incident_id, party_id) DO UPDATE SET {sets}",
            values,
        )


def _awaiting(party: int, base: set[rules.Days]) -> list[Contribution]:
    """Incidents that a changed base set can lift or drop: those in some window with one of its days."""
    if not base:
        return []
    first, last = rules.window(min(base)[0])[0], rules.last_end(max(base)[0])
    near = Contribution.objects.filter(party=party, awaits=True, latest__range=(first, last)).exclude(level="")
    return [c for c in near if any(rules.together(c.days, days) for days in base)]


def _bases(rows: Sequence[Contribution]) -> dict[int, list[rules.Days]]:
    """Base days of these actors, as far as any of these incidents could share a window with one."""
    found = {}
    for key in {c.party_id for c in rows if c.awaits and rules.fits(c.days)}:
        days = [c.latest for c in rows if c.awaits and c.party_id == key and rules.fits(c.days)]
        found[key] = patterns.base_days([key], rules.window(min(days))[0], rules.last_end(max(days)))
    return {c.party_id: found.get(c.party_id, []) for c in rows}


NOT_LOOKED_AT = "Its items would reach {would}; it stays at {stays} until a verifier looks again at what was changed beneath it (SOD-01)."


def reassess(indicator: Indicator) -> set[rules.Days]:
    """Work out an indicator again; the days it counted on and does no more, or counts on and did not."""
    was = set(patterns.days_of(indicator)) if indicator.supported else set()
    found = patterns.standing(indicator)
    before = rules.STANDARDS.index(indicator.reached or "none")
    if rules.STANDARDS.index(found.standard) > before:
        # One who parted two reports, or wrote a consent's end down, raises nothing: only as far as verifiers had looked (0058).
        sure = patterns.standing(indicator, looked_at=True)
        least = max(before, rules.STANDARDS.index(sure.standard))
        if least < rules.STANDARDS.index(found.standard):
            says = NOT_LOOKED_AT.format(would=found.standard, stays=rules.STANDARDS[least])
            found = patterns.Standing(rules.STANDARDS[least], (*found.because, says), found.days)
    now = (found.standard, list(found.because), patterns.written(found.days))
    if (indicator.reached, indicator.because, indicator.days) != now:
        indicator.reached, indicator.because, indicator.days = now
        indicator.save(update_fields=["reached", "because", "days"])
    return was ^ (set(found.days) if indicator.supported else set())


def _assessments(party: int, days: set[date] | None) -> list[PatternAssessment]:
    """Assessments whose window holds one of these days (any window, for None): of the actor, or of a chain it stands in.

    Who stands in a chain is asked of the lines of command as they are today: an assessment's own list is of the day
    it was made.
    """
    if days is not None and not days:
        return []
    rows = PatternAssessment.objects.filter(Q(party=party) | Q(result__chain=True)).order_by("id")
    rows = rows.filter(situation__in=Party.objects.filter(pk=party).values("situation")).select_related("party")
    if days is not None:
        rows = rows.filter(on__range=(min(days), rules.last_end(max(days))))
    found = [p for p in rows.defer("result") if days is None or _holds(rules.window(p.on), days)]
    if all(p.party_id == party for p in found):
        return found
    unit = Party.objects.get(pk=party)
    edges = links.edges_of(unit.situation_id)
    return [
        p for p in found
        if p.party_id == party or command.stood_under(edges, unit.ref, p.party.ref, *rules.window(p.on))
    ]  # fmt: skip


def _holds(window: tuple[date, date], days: Iterable[date]) -> bool:
    return any(window[0] <= day <= window[1] for day in days)


# --- states -----------------------------------------------------------------------------------------------------------


_NOBODY = patterns.Reasoned((), ())  # nothing was reasoned about an actor


def _values(t: rules.Tally, first: date, last: date, about: patterns.Reasoned) -> tuple[Any, ...]:
    common = systematic = frozenset[str]()
    if about.commonalities or about.supported:
        common, systematic = about.common(first, last), about.systematic(first, last)
    met = rules.tests_met(t, commonality=bool(common), systematic=len(systematic))
    return (
        t.reported_incidents, t.reported_victims, t.verified_incidents, t.verified_victims, t.base, t.areas, t.days,
        rules.prevalence(t.verified_victims), met["PT"], met["WS"], met["SY"], met["LS"], ",".join(sorted(common)),
        ",".join(sorted(systematic)),
    )  # fmt: skip


_NOTHING = rules.Tally()


def restate_windows(party: int, days: set[date], *, why: str, because_of: str = "") -> dict[str, Any] | None:
    """Work out the states of every window that holds one of these days; what changed, or None when nothing did."""
    if not days:
        return None
    spans: list[list[date]] = []
    for day in sorted(days):
        end = rules.last_end(day)
        if spans and day <= spans[-1][1] + timedelta(days=1):
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([day, end])
    about = patterns.reasoned_about([party])
    was: dict[date, tuple[Any, ...]] = {}
    now: dict[date, tuple[Any, ...]] = {}
    for start, end in spans:
        kept = PatternState.objects.filter(party=party, ends_on__range=(start, end)).values_list("ends_on", *FIGURES)
        was |= {day: tuple(values) for day, *values in kept}
        rows = patterns.unnamed_between(party, rules.window(start)[0], end)
        ends = sorted({r.latest for r in rows if r.latest >= start and rules.fits(r.days)})
        now |= {day: _values(t, *rules.window(day), about) for day, t in rules.rolling(rows, ends)}
    empty = _values(_NOTHING, date.min, date.min, _NOBODY)
    stand, stood = dict(now), {day: old for day, old in was.items() if old != empty}
    now |= {day: empty for day, old in was.items() if day not in now and old != empty}
    changed = sorted(day for day, new in now.items() if was.get(day) != new)
    if not changed:
        return None
    _write_states(party, {day: now[day] for day in changed}, why, because_of)
    last = changed[-1]
    turned = []
    earlier = _stood_before(party, spans[0][0])
    for day in changed:
        if day not in stand:
            continue  # no incident ends it any more; that it is gone turned no test of those that stand
        old = dict(zip(FIGURES, _nearest(stood, day, earlier) or empty, strict=True))
        new = dict(zip(FIGURES, now[day], strict=True))
        turned += [
            {"test": name.upper(), "ends_on": day.isoformat(), "was": old[name], "now": new[name]}
            for name in (*FLAGS, "prevalence") if old[name] != new[name] and (day in stood or new[name] not in (False, "P0"))
        ]  # fmt: skip
    newest = {
        "ends_on": last.isoformat(), "was": dict(zip(FIGURES, _nearest(stood, last, earlier) or empty, strict=True)),
        "now": dict(zip(FIGURES, _nearest(stand, last, earlier) or empty, strict=True)),
    }  # fmt: skip
    return {"windows": len(changed), "newest": newest, "turned": turned[:400]}


def _stood_before(party: int, day: date) -> dict[date, tuple[Any, ...]]:
    """The last window of an actor that ends within the twelve months before a day, which no change from that day on touches."""
    kept = PatternState.objects.filter(
        party=party, ends_on__lt=day, ends_on__gte=rules.window(day)[0], reported_incidents__gt=0
    )
    return {d: tuple(values) for d, *values in kept.order_by("-ends_on").values_list("ends_on", *FIGURES)[:1]}


def _nearest(
    states: dict[date, tuple[Any, ...]], day: date, earlier: dict[date, tuple[Any, ...]]
) -> tuple[Any, ...] | None:
    """The figures of the window that ends on a day or, where no incident ends one there, of the last before it within
    twelve months: what a reader who looked on that day would have been shown.
    """
    if day in states:
        return states[day]
    before = max((d for d in (*states, *earlier) if rules.window(day)[0] <= d < day), default=None)
    return None if before is None else states.get(before, earlier.get(before))


STATE_COLUMNS = ", ".join(
    f"{name} {kind}" for name, kind in zip(
        ("ends_on", *FIGURES), ("date", *(("int",) * len(NUMBERS)), "text", *(("bool",) * len(FLAGS)), "text", "text"),
        strict=True,
    )
)  # fmt: skip


def _write_states(party: int, states: dict[date, tuple[Any, ...]], why: str, because_of: str) -> None:
    """In one statement, and as one value: a driver takes longer over fifteen lists of hundreds of values than the database
    over writing them."""
    names = ", ".join(FIGURES)
    sets = ", ".join(f"{name} = EXCLUDED.{name}" for name in (*FIGURES, "reason", "because_of", "changed_at"))
    given = ", ".join(f"s.{name}" for name in FIGURES)
    rows = [{"ends_on": day.isoformat(), **dict(zip(FIGURES, values, strict=True))} for day, values in states.items()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO monitoring_patternstate (party_id, ends_on, {names}, version, reason, because_of, changed_at)"
            f" SELECT %s, s.ends_on, {given}, 1, %s, %s, %s FROM jsonb_to_recordset(%s::jsonb) AS s ({STATE_COLUMNS})"
            " ON CONFLICT (party_id, ends_on) DO UPDATE SET"
            f" {sets}, version = monitoring_patternstate.version + 1",
            [party, why, because_of, clock.now(), json.dumps(rows)],
        )


def all_days(party: int) -> set[date]:
    """Every day on which a window of an actor ends: the last one a counted incident may have been."""
    found = Contribution.objects.filter(party=party).exclude(level="").order_by()
    return {days[0] for days in found.values_list("latest", "earliest").distinct() if rules.fits(days)}


def reasons_changed(
    party: Party, *, why: str, because_of: str, days: Iterable[rules.Days] | None = None, by: Any
) -> None:
    """A commonality or an indicator was given or ended: the windows it lies in, and their assessments, are looked at again."""
    with scope_of(CLOCK):
        hold([party.pk])
        change = _Change(why, by)
        change.parties[party.pk] = _Touched({d[0] for d in days or ()}, set(), because_of, days is None)
        change.restate()


def hold_command(unit: Party, over: Party) -> None:
    """Take, before any row is locked, every actor whose windows or indicators a line of command between these can touch."""
    with scope_of(CLOCK):
        tops, units = _line(unit, over)
        hold(p.pk for p in tops | units)


def _line(unit: Party, over: Party) -> tuple[QuerySet[Party], QuerySet[Party]]:
    """Who ever stood over `over`, itself among them, and who ever stood under `unit`, itself among them."""
    edges = links.edges_of(unit.situation_id)
    within, above = command.ever(edges, [unit.ref], up=False), command.ever(edges, [over.ref], up=True)
    parties = Party.objects.filter(situation=unit.situation_id)
    return parties.filter(ref__in=above), parties.filter(ref__in=within)


def command_changed(row: Subordination, *, why: str, until: date | None, by: Any) -> list[str]:
    """A line of command was noted or got another last day: what chains of command hold, and what their indicators rest on.

    `until` is the later of the last days it had and has, None for none. Indicators may rest on what a unit did while
    it stood under their actor; assessments of everyone above count it. Part of the caller's act and its entry, which
    carries the returned references of assessments that changed.
    """
    with scope_of(CLOCK):
        unit = row.unit
        hold_command(unit, row.over)
        tops, units = _line(unit, row.over)
        change = _Change(why, by)
        indicators = Indicator.objects.filter(ended_at=None, party__in=tops).select_related("party").order_by("id")
        behind = Incident.objects.naming(list(units))
        leaning = indicators.filter(supporting__incident__in=behind) | indicators.filter(contrary__incident__in=behind)
        for indicator in leaning.distinct():
            for days in reassess(indicator):
                change._day(indicator.party_id, days, unit.ref)
        rows = PatternAssessment.objects.filter(party__in=tops, result__chain=True, on__gte=row.from_on)
        # Base sets are looked at a window further back than the one counted (R-VER-2).
        chains = {
            p.pk: unit.ref for p in rows if until is None or rules.window(rules.window(p.on)[0])[0] <= until
        }  # fmt: skip
        return change.restate(chains)


# --- assessments ------------------------------------------------------------------------------------------------------


def restate_assessment(pattern: PatternAssessment, *, why: str, because_of: str, by: Any) -> Restatement | None:
    """A new version of an assessment when what it says is no longer so; what relies on it is marked and told."""
    before = patterns.current(pattern)
    now = patterns.result(
        pattern.party,
        on=pattern.on,
        chain=bool(pattern.result.get("chain")),
        commonalities=pattern.commonalities,
        filed_by=pattern.made_at,
    )
    if now == before or not _differs(before, now):
        return None
    last = pattern.restatements.first()
    made = Restatement.objects.create(
        pattern=pattern, version=last.version + 1 if last else 2, at=clock.now(), reason=why, because_of=because_of,
        result=now,
    )  # fmt: skip
    # Reached both ways: what was verified since is a basis too. The entry of this act comes after it.
    size = Head.objects.values_list("size", flat=True).first() or 0
    record.rely(pattern.ref, now["verified"], "incident", since=size)
    for ref in record.upward(pattern.ref):
        Retest.objects.get_or_create(
            dependent=ref,
            pattern=pattern,
            answered_at=None,
            defaults={"version": made.version, "asked_at": clock.now()},
        )
    question("basis_changed").ask(pattern.ref, self_or_clock(by))
    return made


def self_or_clock(by: Any) -> Any:
    """Who answers for a change; the clock where nobody is named."""
    return CLOCK if by is None else by


def _differs(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether two results say different things; sentences may be worded anew without a new version."""
    said = ("verified", "base_set", "verified_victims", "reported_victims", "areas", "prevalence", "standard",
            "first_day", "last_day",
            "commonalities", "systematic")  # fmt: skip
    if any(before.get(name) != now[name] for name in said):
        return True
    return {c: t["met"] for c, t in before["tests"].items()} != {c: t["met"] for c, t in now["tests"].items()}


# --- all of it --------------------------------------------------------------------------------------------------------

BATCH = 2000


@dataclass
class Recomputed:
    """What a full recomputation looked at, and how much of it said something else than before."""

    incidents: int = 0
    windows: int = 0
    levels: dict[str, str] = field(default_factory=dict)
    indicators: int = 0
    states: int = 0
    restated: list[str] = field(default_factory=list)


def recompute(*, from_items: bool, why: str = "recomputed", by: Any = None) -> Recomputed:
    """All levels, windows and assessments from nothing but incidents and items, in bounded memory; only what differs is written.

    `from_items=False` takes each incident's level by its own items as it was last worked out, and begins with V3d.
    """
    found = Recomputed()
    with scope_of(CLOCK):
        if from_items:
            _contribute_all(found)
        _lift_all(found)
        for indicator in Indicator.objects.filter(ended_at=None).select_related("party").order_by("id"):
            found.indicators += bool(reassess(indicator))
        _states_all(found, why)
        for pattern in PatternAssessment.objects.select_related("party").order_by("id"):
            if restate_assessment(pattern, why=why, because_of="", by=by):
                found.restated.append(pattern.ref)
    return found


def _contribute_all(found: Recomputed) -> None:
    last = 0
    while rows := list(Incident.objects.filter(pk__gt=last).order_by("id")[:BATCH]):
        last = rows[-1].pk
        had = _rows_of(r.pk for r in rows)
        named = queries.actors_of(rows)
        facts = {f.ref: f for f in queries.incident_facts(rows, named)}
        made = _contributions(rows, facts, named, had)
        for key, c in made.items():
            if (was := had.get(key)) and was.awaits and c.awaits:
                c.level = was.level
        _write([c for key, c in made.items() if key not in had or any(
            getattr(had[key], a) != getattr(c, a) for a in ADDS)])  # fmt: skip
        # Its own items give a report one level, whomever it names.
        by_pk = {c.incident_id: c for c in made.values() if c.own}
        for row in rows:
            if row.status in lifecycle.COUNTED and not by_pk[row.pk].awaits:
                own = known.verification_level(facts[row.ref].items, ceiling=facts[row.ref].ceiling)
                if (row.level, row.held_back) != (own.code, own.held):
                    _store_alone(row, own, found)
            elif row.status in lifecycle.OPEN and row.level != (now := _level_now(row, facts[row.ref], 0)).code:
                _store_alone(row, now, found)


def _store_alone(row: Incident, level: known.Level, found: Recomputed) -> None:
    change = _Change("recomputed", None)
    change._store(row, level)
    found.levels |= change.changed


def _lift_all(found: Recomputed) -> None:
    """V3d of all incidents that wait for a base set, actor by actor. Holds one number for each that waits."""
    waiting = Contribution.objects.filter(awaits=True).exclude(level="").order_by("party_id", "latest", "incident_id")
    days: list[rules.Days] = []
    at = None
    most: dict[int, int] = {}  # the largest base set of any actor it names
    wrong: dict[int, list[Contribution]] = {}
    for c in waiting.iterator(chunk_size=BATCH):
        if c.party_id != at:
            at, days = c.party_id, patterns.base_days([c.party_id], date.min, date.max)
        n = rules.support(c.days, days)
        most[c.incident_id] = max(most.get(c.incident_id, 0), n)
        level = "V3d" if n >= rules.V3D_BASE else c.own
        if level != c.level:
            c.level = level
            wrong.setdefault(c.incident_id, []).append(c)
    keys = sorted(wrong)
    for start in range(0, len(keys), BATCH):
        part = keys[start : start + BATCH]
        _write([c for key in part for c in wrong[key]])
        rows = list(Incident.objects.filter(pk__in=part).order_by("id"))
        facts = {f.ref: f for f in queries.incident_facts(rows)}
        for row in rows:
            of = facts[row.ref]
            reached = known.verification_level(
                of.items, base=most[row.pk], matches_pattern=row.matches_pattern, ceiling=of.ceiling
            )
            row.level, row.because, row.held_back = reached.code, list(reached.because), reached.held
            row.status = STATUS_OF_LEVEL.get(reached.code, lifecycle.VERIFIED)
            found.levels[row.ref] = reached.code
        _write_levels(rows)


def _write_levels(rows: Sequence[Incident]) -> None:
    """Levels of many reports in one statement; bulk_update would build one of a case for each."""
    values: list[list[Any]] = [
        [row.pk for row in rows], [row.level for row in rows], [row.status for row in rows],
        [json.dumps(row.because) for row in rows], [row.held_back for row in rows],
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitoring_incident i SET level = n.level, status = n.status, because = n.because::jsonb, held_back = n.held"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) AS n (id, level, status, because, held)"
            " WHERE i.id = n.id",
            values,
        )


def _states_all(found: Recomputed, why: str) -> None:
    """Every window of every actor, some actors at a time: compared with what is kept, and only what differs written."""
    about_whom = set(Indicator.objects.filter(ended_at=None).values_list("party_id", flat=True)) | set(
        PatternAssessment.objects.exclude(commonalities=[]).values_list("party_id", flat=True)
    )
    now: dict[int, dict[date, tuple[Any, ...]]] = {}
    waiting, seen = 0, set()
    for party, rows in _by_party(found):
        seen.add(party)
        about = patterns.reasoned_about([party]) if party in about_whom else _NOBODY
        ends = sorted({r.latest for r in rows if rules.fits(r.days)})
        now[party] = {day: _values(t, *rules.window(day), about) for day, t in rules.rolling(rows, ends)}
        waiting += len(ends)
        if waiting >= 50_000:
            _put(now, found, why)
            now, waiting = {}, 0
    _put(now, found, why)
    shown = PatternState.objects.filter(reported_incidents__gt=0).order_by()
    _put({key: {} for key in set(shown.values_list("party_id", flat=True).distinct()) - seen}, found, why)


def _put(now: dict[int, dict[date, tuple[Any, ...]]], found: Recomputed, why: str) -> None:
    was: dict[int, dict[date, tuple[Any, ...]]] = {}
    for party, day, *values in PatternState.objects.filter(party__in=list(now)).values_list(
        "party_id", "ends_on", *FIGURES
    ):
        was.setdefault(party, {})[day] = tuple(values)
    empty = _values(_NOTHING, date.min, date.min, _NOBODY)
    names, at = ", ".join(FIGURES), clock.now()
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY monitoring_patternstate (party_id, ends_on, {names}, version, reason, because_of, changed_at) FROM STDIN"
        ) as copy,
    ):
        for party, states in now.items():
            kept = was.get(party, {})
            for day, values in states.items():
                if day not in kept:
                    copy.write_row((party, day, *values, 1, why, "", at))
                    found.states += 1
    for party, states in now.items():
        kept = was.get(party, {})
        changed = {day: values for day, values in states.items() if day in kept and kept[day] != values}
        changed |= {day: empty for day, values in kept.items() if day not in states and values != empty}
        found.windows += len(states)
        found.states += len(changed)
        if changed:
            _write_states(party, changed, why, "")


def _by_party(found: Recomputed) -> Iterable[tuple[int, list[rules.Row]]]:
    """Counted incidents, one actor at a time, in order of days. Read through a cursor of the database's own."""
    assert connection.connection is not None
    with connection.connection.cursor(name="all_contributions") as cursor:
        cursor.execute(
            f"SELECT c.party_id, {patterns.ROW} FROM monitoring_contribution c WHERE c.level <> ''"
            " ORDER BY c.party_id, c.latest"
        )
        batches = iter(lambda: cursor.fetchmany(20_000), [])
        for party, of in groupby((row for batch in batches for row in batch), key=itemgetter(0)):
            rows = patterns.unnamed(row[1:] for row in of)
            found.incidents += len(rows)
            yield party, rows
