"""What each incident adds to the windows of each actor it names: its days, areas, victims and level (R-VER-2).

A row for each incident and actor, kept beside the incident, so that a tally reads no items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from answerable.monitoring import lifecycle
from answerable.monitoring import rules as known
from answerable.monitoring.models import Incident
from answerable.monitoring.patterns import areas, rules
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns.models import Contribution

STATUS_OF_LEVEL = {"V1": lifecycle.ALLEGED, "V2": lifecycle.CREDIBLE}

# Columns of a contribution that matter to any window.
ADDS = ("party_id", "earliest", "latest", "area1", "area2", "victims", "own", "awaits", "level")

# An incident and an actor it names, or named.
Key = tuple[int, int]


def key_of(c: Contribution) -> Key:
    """Which incident adds it, and to whose windows."""
    return c.incident_id, c.party_id


def rows_of(incidents: Iterable[int]) -> dict[Key, Contribution]:
    """What these incidents add at present, for each actor they count for or once counted for."""
    return {key_of(c): c for c in Contribution.objects.filter(incident__in=list(incidents))}


def level_now(row: Incident, facts: known.IncidentFacts, base: int) -> known.Level:
    """The level a report has now. Whether it matches a pattern (V3d) a verifier says, so only while her word stands."""
    matches = facts.matches_pattern and row.status in lifecycle.COUNTED
    return known.verification_level(
        facts.items, base=base if matches else 0, matches_pattern=matches, ceiling=facts.ceiling
    )


def of_incidents(
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


def write(rows: Sequence[Contribution]) -> None:
    """Put down what incidents add, in place of what they added before."""
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


def awaiting(party: int, base: set[rules.Days]) -> list[Contribution]:
    """Incidents that a changed base set can lift or drop: those in some window with one of its days."""
    if not base:
        return []
    first, last = rules.window(min(base)[0])[0], rules.last_end(max(base)[0])
    near = Contribution.objects.filter(party=party, awaits=True, latest__range=(first, last)).exclude(level="")
    return [c for c in near if any(rules.together(c.days, days) for days in base)]


def bases(rows: Sequence[Contribution]) -> dict[int, list[rules.Days]]:
    """Base days of these actors, as far as any of these incidents could share a window with one."""
    found = {}
    for key in {c.party_id for c in rows if c.awaits and rules.fits(c.days)}:
        days = [c.latest for c in rows if c.awaits and c.party_id == key and rules.fits(c.days)]
        found[key] = patterns.base_days([key], rules.window(min(days))[0], rules.last_end(max(days)))
    return {c.party_id: found.get(c.party_id, []) for c in rows}


def store(row: Incident, level: known.Level) -> bool:
    """Keep the level that a report has now, and what it says of it; whether it is another level than before."""
    status = row.status
    if status in lifecycle.COUNTED:
        status = STATUS_OF_LEVEL.get(level.code, lifecycle.VERIFIED)
    elif status not in lifecycle.OPEN:
        return False  # merged, referred or withdrawn: what it was is left as it was
    was, now = row.level, (level.code, status, list(level.because), level.held)
    if (was, row.status, row.because, row.held_back) != now:
        row.level, row.status, row.because, row.held_back = now
        row.save(update_fields=["level", "status", "because", "held_back"])
    return row.level != was
