"""Keeps levels, windows and assessments true when an incident changes, looking only at what the change can touch.

`relevel` is called inside the act that changed something (a grade, a consent, a date, a merge, a status). It compares
each incident with what it added so far, so no caller says what was before. Then, in this order: levels by their own items; V3d of
the actor's incidents within reach of a changed base set (R-VER-2); states of the windows that hold a changed day;
assessments of those windows, restated; what relies on these, marked and told (R-FND-5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from answerable.authority.acting import reading_as, scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.monitoring import as_facts
from answerable.monitoring import rules as known
from answerable.monitoring.linking import queries as links
from answerable.monitoring.linking import rules as command
from answerable.monitoring.linking.models import Subordination
from answerable.monitoring.models import Incident, Party, PatternAssessment
from answerable.monitoring.patterns import assessments, contributing, reach, rules, windows
from answerable.monitoring.patterns.models import (
    Contribution,
    Indicator,
    StateChange,
)


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
        before = contributing.rows_of(r.pk for r in rows)
        now = {r.pk: r for r in rows}
        named = as_facts.actors_of(rows)
        facts = {f.ref: f for f in as_facts.incident_facts(rows, named)}
        fresh = contributing.of_incidents(rows, facts, named, before)
        for key, c in fresh.items():
            self._note(before.get(key), c, now[c.incident_id].ref)
        contributing.write(list(fresh.values()))
        # V3d is decided last, for each actor from its own base set, which no V3d incident is part of.
        near: dict[contributing.Key, Contribution] = {}
        for party, touched in self.parties.items():
            near |= {
                contributing.key_of(c): c
                for c in contributing.awaiting(party, touched.base)
                if c.incident_id not in now
            }
        bases = contributing.bases(list(near.values()))
        # Whoever stands, stands; only what is lifted, dropped or still short is read with its items.
        again = set[int]()
        for (incident, party), c in near.items():
            n = rules.support(c.days, bases[party])
            if (n >= rules.V3D_BASE) != (c.level == "V3d") or n < rules.V3D_BASE:
                again.add(incident)
        more = list(Incident.objects.select_for_update(no_key=True).filter(pk__in=again).order_by("id"))
        facts |= {f.ref: f for f in as_facts.incident_facts(more)}
        # Under the lock of its row, with those of its actors that this act does not touch: what lifts it may be another's.
        waiting = {key: c for key, c in (fresh | contributing.rows_of(again)).items() if c.awaits}
        bases = contributing.bases(list(waiting.values()))
        support: dict[int, dict[contributing.Key, int]] = {}
        for key, c in waiting.items():
            support.setdefault(key[0], {})[key] = rules.support(c.days, bases[key[1]])
        lifted: list[Contribution] = []
        for row in [*rows, *more]:
            theirs = support.get(row.pk, {})
            level = contributing.level_now(row, facts[row.ref], max(theirs.values(), default=0))
            for key, n in theirs.items():
                adds, level_here = waiting[key], "V3d" if n >= rules.V3D_BASE else waiting[key].own
                if adds.level != level_here:
                    adds.level = level_here
                    lifted.append(adds)
                    self._day(adds.party_id, adds.days, row.ref)
            if contributing.store(row, level):
                self.changed[row.ref] = level.code
        contributing.write(lifted)
        incidents = [r.ref for r in rows]
        self._indicators(incidents)
        self.restate()
        return self.changed

    # --- what one incident adds

    def _note(self, was: Contribution | None, now: Contribution, ref: str) -> None:
        """Compare what an incident added for an actor with what it adds, and remember which of its days to look at."""
        if was is not None and was.awaits and now.awaits:
            now.level = was.level if was.own and now.own else now.level
        if was is not None and all(getattr(was, a) == getattr(now, a) for a in contributing.ADDS):
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

    # --- what rests on it

    def _indicators(self, refs: Sequence[str]) -> None:
        """What indicators reach, and when they count, follows their items and incidents, of whichever actor those are."""
        for indicator in reach.indicators_on(refs):
            for days in assessments.reassess(indicator):
                self._day(indicator.party_id, days, refs[0])

    def restate(self, chains: Mapping[int, str] | None = None) -> list[str]:
        """Windows of every actor touched, then assessments of those windows and these; references of those that changed.

        `chains` are further assessments by their key, each with what changed beneath it.
        """
        leaning = dict(chains or {})
        for key, touched in sorted(self.parties.items()):
            days = windows.all_days(key) if touched.all else touched.days
            if states := windows.restate_windows(key, days, why=self.why, because_of=touched.because_of):
                StateChange.objects.create(
                    party_id=key, at=clock.now(), reason=self.why, because_of=touched.because_of, **states
                )
            for pattern in assessments.touching(key, None if touched.all else touched.days):
                leaning.setdefault(pattern.pk, touched.because_of)
        # An assessment of a line of command belongs to several actors: whoever works it out again has it alone, and
        # then reads what the one before them wrote. In one order, whichever actors led here.
        mine = PatternAssessment.objects.select_for_update(no_key=True).filter(pk__in=leaning).order_by("id")
        return [
            p.ref for p in mine if assessments.restate_assessment(p, why=self.why, because_of=leaning[p.pk], by=self.by)
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
            for days in assessments.reassess(indicator):
                change._day(indicator.party_id, days, unit.ref)
        rows = PatternAssessment.objects.filter(party__in=tops, result__chain=True, on__gte=row.from_on)
        # Base sets are looked at a window further back than the one counted (R-VER-2).
        chains = {
            p.pk: unit.ref for p in rows if until is None or rules.window(rules.window(p.on)[0])[0] <= until
        }  # fmt: skip
        return change.restate(chains)
