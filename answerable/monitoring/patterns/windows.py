"""States of an actor's rolling windows, worked out from what incidents add, and what changed in them (domain.md §1.4)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.db import connection

from answerable.common import clock
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns import rules
from answerable.monitoring.patterns.models import FIGURES, FLAGS, NUMBERS, Contribution, PatternState

NOBODY = patterns.Reasoned((), ())  # nothing was reasoned about an actor

NOTHING = rules.Tally()


def figures(t: rules.Tally, last: date, about: patterns.Reasoned) -> tuple[Any, ...]:
    """What is kept of the window that ends on a day, in the order of `FIGURES`."""
    common = systematic = frozenset[str]()
    if about.commonalities or about.supported:
        first = rules.window(last)[0]
        common, systematic = about.common(first, last), about.systematic(first, last)
    met = rules.tests_met(t, commonality=bool(common), systematic=len(systematic))
    return (
        t.reported_incidents, t.reported_victims, t.verified_incidents, t.verified_victims, t.base, t.areas, t.days,
        rules.prevalence(t.verified_victims), met["PT"], met["WS"], met["SY"], met["LS"], ",".join(sorted(common)),
        ",".join(sorted(systematic)),
    )  # fmt: skip


def all_days(party: int) -> set[date]:
    """Every day on which a window of an actor ends: the last one a counted incident may have been."""
    found = Contribution.objects.filter(party=party).exclude(level="").order_by()
    return {days[0] for days in found.values_list("latest", "earliest").distinct() if rules.fits(days)}


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
        now |= {day: figures(t, day, about) for day, t in rules.rolling(rows, ends)}
    empty = figures(NOTHING, date.min, NOBODY)
    stand, stood = dict(now), {day: old for day, old in was.items() if old != empty}
    now |= {day: empty for day, old in was.items() if day not in now and old != empty}
    changed = sorted(day for day, new in now.items() if was.get(day) != new)
    if not changed:
        return None
    write_states(party, {day: now[day] for day in changed}, why, because_of)
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


def write_states(party: int, states: dict[date, tuple[Any, ...]], why: str, because_of: str) -> None:
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
