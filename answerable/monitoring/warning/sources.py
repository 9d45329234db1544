"""What the forecast learns from out of the readings imported here."""

from __future__ import annotations

from collections import defaultdict

from answerable.engines.warning import years
from answerable.engines.warning.years import SOURCES, ActorYear
from answerable.monitoring.models import Import, Party, Reading, Situation
from answerable.monitoring.warning.models import ConflictYear

CONFLICTS = "UCDP-CONFLICTS"


def of_readings() -> tuple[list[ActorYear], dict[tuple[str, str, str], str]]:
    """Actor-years of the readings imported, and the reference of the party behind each key. Nothing made up is among them."""
    situations = {s.pk: s for s in Situation.objects.filter(origin__startswith="svac:", fictional=False)}
    parties = {p.pk: p for p in Party.objects.filter(situation__in=situations)}
    refs: dict[tuple[str, str, str], str] = {}
    reported: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    forms: dict[tuple[int, int], set[str]] = defaultdict(set)
    rows = Reading.objects.filter(party__in=parties).values_list("party_id", "year", "source", "value", "forms")
    for party_id, year, source, value, codes in rows.iterator(chunk_size=5000):
        at = (party_id, year)
        there = reported[at]
        if value is not None and source in SOURCES:
            there[source] = max(value, there.get(source, 0))
        forms[at] |= set(codes)
    found = []
    for (party_id, year), by_source in sorted(reported.items()):
        party = parties[party_id]
        situation = situations[party.situation_id]
        actor = party.origin.removeprefix("svac:") or party.name
        row = ActorYear(
            situation.origin.removeprefix("svac:"), actor, party.actor_type, year, tuple(situation.countries), by_source,
            frozenset(forms[party_id, year]), party.name,
        )  # fmt: skip
        refs[row.key] = party.ref
        found.append(row)
    return found, refs


def of_conflict_years() -> tuple[list[years.ConflictYear], str]:
    """Conflict-years of the newest UCDP/PRIO import in force, with its release; none and "" where there is no such import."""
    newest = Import.objects.filter(dataset=CONFLICTS, undone_at=None).order_by("-made_at", "-id").first()
    if newest is None:
        return [], ""
    rows = ConflictYear.objects.filter(imported=newest).order_by("conflict", "year")
    fields = ("conflict", "year", "intensity", "cumulative", "kind", "over", "opponents", "ended", "began")
    return [years.ConflictYear(*row) for row in rows.values_list(*fields)], newest.release
