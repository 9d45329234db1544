"""The panel: one row for each conflict, actor and year, with what each source reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 4  # SVAC prevalence: 0 none reported, 1 isolated, 2 numerous, 3 massive
SOURCES = ("USSD", "AI", "HRW")
STATE_FORCES = frozenset({"ACT-STF", "ACT-FOR"})


@dataclass(frozen=True, slots=True)
class ActorYear:
    """One actor of one conflict in one year. A source without a report is absent from `reported`, never 0."""

    conflict: str
    actor: str
    actor_type: str
    year: int
    countries: tuple[int, ...]
    reported: Mapping[str, int]
    forms: frozenset[str] = frozenset()
    name: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.conflict, self.actor, self.actor_type

    @property
    def level(self) -> int | None:
        """The highest level any source reports; None when none has a report."""
        return max(self.reported.values(), default=None)


@dataclass(frozen=True, slots=True)
class ConflictYear:
    """A conflict in a year in which it was active, from UCDP/PRIO."""

    conflict: str
    year: int
    intensity: int  # 1: 25-999 battle deaths, 2: 1,000 and more
    cumulative: bool  # 1,000 battle deaths since it began
    kind: int  # 2 interstate, 3 internal, 4 internationalised internal
    over: int  # incompatibility: 1 territory, 2 government, 3 both
    opponents: int
    ended: bool
    began: int


@dataclass(frozen=True)
class Panel:
    """Actor-years without repeats, sorted by actor and year."""

    rows: tuple[ActorYear, ...]
    conflicts: Mapping[tuple[str, int], ConflictYear]

    @property
    def last_year(self) -> int:
        return max(r.year for r in self.rows)


def panel(rows: Iterable[ActorYear], conflicts: Iterable[ConflictYear] = ()) -> Panel:
    """Merge rows that share conflict, actor and year: each source keeps its highest figure. Raises ValueError when empty.

    SVAC's year, conflict and actor are no unique key, so that some pairs of rows speak of the same actor-year.
    """
    merged: dict[tuple[tuple[str, str, str], int], ActorYear] = {}
    for row in rows:
        at = (row.key, row.year)
        if (seen := merged.get(at)) is not None:
            both = {s: max(seen.reported.get(s, -1), row.reported.get(s, -1)) for s in {*seen.reported, *row.reported}}
            row = ActorYear(
                row.conflict, row.actor, row.actor_type, row.year, tuple(sorted({*seen.countries, *row.countries})),
                both, seen.forms | row.forms, row.name,
            )  # fmt: skip
        merged[at] = row
    if not merged:
        raise ValueError("There is no actor-year to forecast from.")
    ordered = tuple(merged[k] for k in sorted(merged))
    return Panel(ordered, {(c.conflict, c.year): c for c in conflicts})


Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
