"""What an import would bring in, worked out before anything is written: situations, parties, yearly readings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from answerable.monitoring.svac import SvacFile


@dataclass(frozen=True)
class PlannedSituation:
    origin: str
    name: str
    countries: tuple[int, ...]
    first_year: int
    last_year: int


@dataclass(frozen=True)
class PlannedParty:
    situation: str
    name: str
    actor_type: str
    origin: str


@dataclass(frozen=True, slots=True)
class PlannedReading:
    situation: str
    party: PlannedParty
    year: int
    source: str
    kind: str
    value: int | None
    forms: tuple[str, ...]
    form: str
    row: int


@dataclass(frozen=True)
class Plan:
    """Everything one import would create."""

    release: str
    rows: int
    situations: tuple[PlannedSituation, ...]
    parties: tuple[PlannedParty, ...]
    readings: tuple[PlannedReading, ...]
    notes: tuple[str, ...]

    def summary(self) -> list[str]:
        """The dry run, line by line."""
        kinds = Counter(r.kind for r in self.readings)
        values = Counter(r.value for r in self.readings if r.value is not None)
        return [
            f"SVAC {self.release}: {self.rows:,} rows.",
            f"{len(self.situations):,} situations (one for each conflict), {len(self.parties):,} parties.",
            f"{len(self.readings):,} yearly figures, each with its source: "
            f"{kinds['reported']:,} reported, {kinds['no_report']:,} without any report (-99, never zero), "
            f"{kinds['blank']:,} blank.",
            "Reported prevalence: " + ", ".join(f"{v}: {values[v]:,}" for v in range(4)) + ".",
            *(f"Note: {note}" for note in self.notes),
        ]


def plan(file: SvacFile) -> Plan:
    """Group rows by conflict into situations, by actor into parties, and by source into yearly readings."""
    by_conflict: dict[str, list[int]] = {}
    for i, row in enumerate(file.rows):
        by_conflict.setdefault(row.conflict, []).append(i)
    situations: list[PlannedSituation] = []
    parties: dict[tuple[str, str, str, str], PlannedParty] = {}
    readings: list[PlannedReading] = []
    names: Counter[str] = Counter()
    for conflict in sorted(by_conflict, key=int):
        rows = [file.rows[i] for i in by_conflict[conflict]]
        newest = max(rows, key=lambda r: (r.year, r.number))
        name = f"{newest.location} (conflict {conflict})"[:200]
        names[name] += 1
        countries = tuple(sorted({c for r in rows for c in r.countries}))
        origin = f"svac:{conflict}"
        years = [r.year for r in rows]
        situations.append(PlannedSituation(origin, name, countries, min(years), max(years)))
        for row in rows:
            key = (origin, row.actor[:200], row.actor_type, row.actor_id)
            party = parties.setdefault(
                key, PlannedParty(origin, row.actor[:200], row.actor_type, f"svac:{row.actor_id}")
            )
            readings += [
                PlannedReading(origin, party, row.year, source, r.kind, r.value, row.forms, row.form, row.number)
                for source, r in row.readings
            ]
    return Plan(file.release, len(file.rows), tuple(situations), tuple(parties.values()), tuple(readings), file.notes)
