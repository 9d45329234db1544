"""Reads shaped for the rules and the pages of early warning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce

from answerable.common.tables import obligations, taxonomy
from answerable.monitoring import lifecycle as incidents
from answerable.monitoring.as_facts import told_by
from answerable.monitoring.models import Incident, Situation
from answerable.monitoring.patterns import rules as patterns
from answerable.monitoring.rules import ItemFacts
from answerable.monitoring.warning import lifecycle, rules
from answerable.monitoring.warning.models import Alert, WarningEntry

# What was filed and not found to be something else; how well each is known its level says.
REPORTED = frozenset(
    {incidents.SUBMITTED, incidents.TRIAGED, incidents.IN_VERIFICATION, incidents.REOPENED, *incidents.COUNTED}
)
# Days beyond the window that a page still shows.
SHOWN_DAYS = 365


def category(indicator: str) -> str:
    """Military, social and humanitarian, political and legal, economic."""
    return taxonomy("early_warning_indicator")[indicator].parent


def qualifies(entry: WarningEntry) -> bool:
    """Whether what it rests on qualifies: its item's grade, or that of the source named without one."""
    if entry.item is not None:
        item = entry.item
        return ItemFacts("", item.kind, item.primary, item.reliability, item.credibility, item.testimony).qualifies
    return ItemFacts("", "", False, entry.reliability, entry.credibility).qualifies


def facts(entries: Iterable[WarningEntry]) -> list[rules.Entry]:
    """Observations as the rules see them. One whose item lost its consent, or was taken back, no longer counts."""
    return [
        rules.Entry(
            ref=e.ref, indicator=e.indicator, category=category(e.indicator), stage=e.stage, on=e.on,
            qualifies=qualifies(e), live=e.taken_back_at is None and (e.item is None or e.item.live),
        )
        for e in entries
    ]  # fmt: skip


def entry_facts(situation: Situation, on: date) -> list[rules.Entry]:
    """Every observation of the window that ends with a day, within the present row scope."""
    first = rules.first_day(on, rules.WINDOW_DAYS)
    rows = WarningEntry.objects.filter(situation=situation, on__range=(first, on)).select_related("item")
    return facts(rows)


def _may_lie_since(first: date) -> Q:
    """Reports some possible day of which may be this one or later: a rough date begins up to a year before its last day."""
    return Q(latest__gte=first) | Q(latest=None, on__gte=first - timedelta(days=LONGEST_PRECISION))


LONGEST_PRECISION = 366


def reported(situation: Situation, on: date) -> list[rules.Reported]:
    """Victims reported at V2 or above that may lie in the thirty days that end with a day, within the present row scope.

    A report whose date is known only roughly counts while any of its possible days lies there. It cannot have been after it was
    told: after it was filed, or a later version of it was taken over.
    """
    first = rules.first_day(on, rules.VICTIMS_WINDOW_DAYS)
    rows = Incident.objects.filter(
        _may_lie_since(first), situation=situation, status__in=REPORTED, level__in=rules.REPORTED_LEVELS
    )
    found = []
    for row in rows:
        earliest, latest = patterns.possible_days(row.on, row.precision, row.earliest, row.latest)
        found.append(rules.Reported(row.ref, earliest, row.victims, latest))
    rough = {r.ref for r in found if r.last > r.on and r.within(first, on)}
    by_ref = {row.ref: row for row in rows if row.ref in rough}
    days = told_by(by_ref.values()) if rough else {}
    told = {ref: days[row.pk] for ref, row in by_ref.items()}
    found = [replace(r, until=max(r.on, min(r.last, told[r.ref]))) if r.ref in told else r for r in found]
    return [r for r in found if r.within(first, on)]


def reading(situation: Situation, on: date) -> rules.Reading:
    """R-EW-1 today, from everything within the present row scope."""
    return rules.reading(entry_facts(situation, on), reported(situation, on), on=on)


def what_would_lower(situation: Situation, on: date) -> rules.Fall:
    """What would make the level of a day fall."""
    return rules.what_would_lower(entry_facts(situation, on), reported(situation, on), on=on)


def figures(found: rules.Reading) -> dict[str, Any]:
    """A reading as it is kept with an alert: exact, without a word of anyone."""
    return {
        "on": found.on.isoformat(), "level": found.level, "score": str(found.score), "by_score": found.by_score,
        "categories": list(found.categories), "victims": found.victims, "confirmed_ongoing": found.confirmed_ongoing,
        "counted": [
            {"indicator": c.indicator, "category": c.category, "stage": c.stage, "confidence": str(c.confidence),
             "entry": c.entry, "on": c.on.isoformat()} for c in found.counted
        ],
        "incidents": list(found.incidents), "perhaps": found.perhaps,
    }  # fmt: skip


def kept(alert: Alert) -> rules.Reading:
    """The reading an alert was proposed on."""
    f = alert.figures
    return rules.Reading(
        on=date.fromisoformat(f["on"]), level=f["level"], score=Fraction(f["score"]), categories=tuple(f["categories"]),
        counted=tuple(
            rules.Counted(c["indicator"], c["category"], c["stage"], Fraction(c["confidence"]), c["entry"],
                          date.fromisoformat(c["on"])) for c in f["counted"]
        ),
        confirmed_ongoing=f["confirmed_ongoing"], victims=f["victims"], incidents=tuple(f["incidents"]),
        by_score=f["by_score"], perhaps=f.get("perhaps", 0),
    )  # fmt: skip


def standing(situation: Situation) -> Alert | None:
    """The confirmed alert of a situation, or None."""
    return Alert.objects.filter(situation=situation, status=lifecycle.CONFIRMED).first()


def waiting(situation: Situation) -> Alert | None:
    """The level that waits for a person, or None."""
    return Alert.objects.filter(situation=situation, status__in=lifecycle.WAITING).first()


def refused(situation: Situation) -> Alert | None:
    """The last level that a person did not confirm, or stepped down from: what it rested on is not proposed again."""
    done = (lifecycle.NOT_CONFIRMED, lifecycle.STEPPED_DOWN)
    return (
        Alert.objects.filter(situation=situation, status__in=done)
        .order_by(Coalesce("ended_at", "decided_at").desc(), "-id")
        .first()
    )


def to_propose(situation: Situation, on: date) -> rules.Reading | None:
    """The level the rules propose anew today, or None when nothing is worth a person's time.

    A level that waits and is carried no more stands in nothing's way: what is still carried is proposed in its place.
    """
    now = reading(situation, on)
    there = standing(situation) if fallen(situation, now) else waiting(situation) or standing(situation)
    last = refused(situation)
    fresh = rules.is_new(
        now, there.level if there else rules.NONE, last.level if last else rules.NONE, last.basis if last else ()
    )
    return now if fresh else None


def fallen(situation: Situation, now: rules.Reading) -> Alert | None:
    """The level that waits for a person while the rules give less now, or None."""
    there = waiting(situation)
    return there if there is not None and rules.rank(now.level) < rules.rank(there.level) else None


def situations_to_weigh(on: date) -> list[Situation]:
    """Situations in which anything happened that the rules look at."""
    seen = WarningEntry.objects.filter(on__gt=on - timedelta(days=rules.WINDOW_DAYS)).values("situation")
    told = Incident.objects.filter(_may_lie_since(rules.first_day(on, rules.VICTIMS_WINDOW_DAYS))).values("situation")
    # A level that waits falls when what carried it is there no more.
    held = Alert.objects.filter(status__in=lifecycle.WAITING).values("situation")
    return list(Situation.objects.filter(pk__in=seen.union(told, held)).order_by("pk"))


def triggered(level: str) -> list[str]:
    """Obligations that a confirmed level triggers (T-RISK)."""
    return rules.triggered(level, obligations().values())


def permits_urgent(situation: Situation) -> Alert | None:
    """The confirmed EMERGENCY that permits the urgent procedure on this situation (R-VOT-8), or None.

    For higher apps: a proposal marked urgent needs this, or three members that ask for it.
    """
    alert = standing(situation)
    return alert if alert is not None and rules.permits_urgent(alert.level) else None


def matrix(entries: Iterable[WarningEntry], on: date) -> list[dict[str, Any]]:
    """The 28 indicators by category, each with the entries of the window at each stage."""
    first = rules.first_day(on, rules.WINDOW_DAYS)
    cells: dict[tuple[str, int], list[WarningEntry]] = {}
    for e in entries:
        if e.taken_back_at is None and first <= e.on <= on:
            cells.setdefault((e.indicator, e.stage), []).append(e)
    counted = {c.indicator: c for c in rules.counted(facts(x for xs in cells.values() for x in xs), on)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for code, row in taxonomy("early_warning_indicator").items():
        groups.setdefault(row.parent, []).append({
            "code": code,
            "stages": [{"stage": s, "entries": cells.get((code, s), [])} for s in rules.STAGES],
            "counted": counted.get(code),
            "weight": rules.written(counted[code].weight) if code in counted else "",
        })  # fmt: skip
    return [{"category": c, "rows": rows} for c, rows in groups.items()]
