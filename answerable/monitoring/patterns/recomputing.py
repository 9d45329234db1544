"""All levels, windows and assessments from nothing but incidents and items, in bounded memory.

Finds what the changes of `live` would have kept true; what it finds otherwise is a fault, or rows that came by another way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.monitoring import as_facts, lifecycle
from answerable.monitoring import rules as known
from answerable.monitoring.models import Incident, PatternAssessment
from answerable.monitoring.patterns import assessments, contributing, rules, windows
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns.models import FIGURES, Contribution, Indicator, PatternState

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
            found.indicators += bool(assessments.reassess(indicator))
        _states_all(found, why)
        for pattern in PatternAssessment.objects.select_related("party").order_by("id"):
            if assessments.restate_assessment(pattern, why=why, because_of="", by=by):
                found.restated.append(pattern.ref)
    return found


def _contribute_all(found: Recomputed) -> None:
    last = 0
    while rows := list(Incident.objects.filter(pk__gt=last).order_by("id")[:BATCH]):
        last = rows[-1].pk
        had = contributing.rows_of(r.pk for r in rows)
        named = as_facts.actors_of(rows)
        facts = {f.ref: f for f in as_facts.incident_facts(rows, named)}
        made = contributing.of_incidents(rows, facts, named, had)
        for key, c in made.items():
            if (was := had.get(key)) and was.awaits and c.awaits:
                c.level = was.level
        contributing.write([c for key, c in made.items() if key not in had or any(
            getattr(had[key], a) != getattr(c, a) for a in contributing.ADDS)])  # fmt: skip
        # Its own items give a report one level, whomever it names.
        by_pk = {c.incident_id: c for c in made.values() if c.own}
        for row in rows:
            if row.status in lifecycle.COUNTED and not by_pk[row.pk].awaits:
                own = known.verification_level(facts[row.ref].items, ceiling=facts[row.ref].ceiling)
                if (row.level, row.held_back) != (own.code, own.held):
                    _store(row, own, found)
            elif (
                row.status in lifecycle.OPEN
                and row.level != (now := contributing.level_now(row, facts[row.ref], 0)).code
            ):
                _store(row, now, found)


def _store(row: Incident, level: known.Level, found: Recomputed) -> None:
    if contributing.store(row, level):
        found.levels[row.ref] = level.code


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
        contributing.write([c for key in part for c in wrong[key]])
        rows = list(Incident.objects.filter(pk__in=part).only(*as_facts.ASKED).order_by("id"))
        facts = {f.ref: f for f in as_facts.incident_facts(rows)}
        for row in rows:
            of = facts[row.ref]
            reached = known.verification_level(
                of.items, base=most[row.pk], matches_pattern=row.matches_pattern, ceiling=of.ceiling
            )
            row.level, row.because, row.held_back = reached.code, list(reached.because), reached.held
            row.status = contributing.STATUS_OF_LEVEL.get(reached.code, lifecycle.VERIFIED)
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
        about = patterns.reasoned_about([party]) if party in about_whom else windows.NOBODY
        ends = sorted({r.latest for r in rows if rules.fits(r.days)})
        now[party] = {day: windows.figures(t, day, about) for day, t in rules.rolling(rows, ends)}
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
    empty = windows.figures(windows.NOTHING, date.min, windows.NOBODY)
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
            windows.write_states(party, changed, why, "")


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
