"""Which of two reports is the better record, how duplicates are counted, and who stands under whom on a day.

R-VER-5: duplicates are linked, not deleted; their victims are counted once, by the best record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

DECISIONS = ("same", "not_same", "unsure")
# Reasons a person gives; codes, because words about people would have to be sealed.
REASONS: Mapping[str, tuple[str, ...]] = {
    "same": ("same_place_and_day", "same_source", "same_people_told", "same_details"),
    "not_same": ("other_day", "other_place", "other_people", "other_actor", "details_differ"),
    "unsure": ("too_little_known", "needs_the_source", "ask_the_organisation"),
}
ROLES = ("commander", "deputy", "chief_of_staff", "political_head", "other_role")
ORDER = ("V1", "V2", "V3d", "V3c", "V3a", "V3b", "V4")


@dataclass(frozen=True)
class RecordFacts:
    """What makes one report a better record than another."""

    ref: str
    level: str
    items: int
    precision: str
    victims: int
    filed: str


def best_record(first: RecordFacts, second: RecordFacts) -> str:
    """The reference of the better record: higher level, more items, the more exact day, and else the earlier one."""

    def rank(r: RecordFacts) -> tuple[int, int, int, str, str]:
        exact = {"day": 0, "week": 1, "month": 2, "quarter": 3}.get(r.precision, 4)
        return (-ORDER.index(r.level) if r.level in ORDER else 1, -r.items, exact, r.filed, r.ref)

    return min((first, second), key=rank).ref


@dataclass(frozen=True)
class Edge:
    """`unit` stood under `over` from `first` to `last` (None: still)."""

    unit: str
    over: str
    first: date
    last: date | None = None

    def holds(self, on: date) -> bool:
        return self.first <= on and (self.last is None or on <= self.last)


def below(edges: Sequence[Edge], top: str, on: date) -> frozenset[str]:
    """`top` and every unit under it on a day, however deep."""
    found, frontier = {top}, {top}
    while frontier:
        frontier = {e.unit for e in edges if e.over in frontier and e.holds(on)} - found
        found |= frontier
    return frozenset(found)


def ever(edges: Sequence[Edge], start: Sequence[str], *, up: bool) -> frozenset[str]:
    """These and everyone above them, or under them, on whatever days: who could be concerned by a line of command."""
    found, frontier = set(start), set(start)
    while frontier:
        steps = ((e.unit, e.over) if up else (e.over, e.unit) for e in edges)
        frontier = {there for here, there in steps if here in frontier} - found
        found |= frontier
    return frozenset(found)


def stood_under(edges: Sequence[Edge], unit: str, top: str, first: date, last: date) -> bool:
    """Whether a unit stood under another, however deep, on some day from `first` to `last`."""
    days = {first, *(e.first for e in edges if first <= e.first <= last)}
    return any(unit in below(edges, top, day) for day in days)


def above(edges: Sequence[Edge], unit: str, on: date) -> tuple[str, ...]:
    """Those above a unit on a day, nearest first; where two stand above, both, in the order of their names."""
    found: list[str] = []
    frontier = [unit]
    while frontier:
        frontier = sorted({e.over for e in edges if e.unit in frontier and e.holds(on)} - {*found, unit})
        found += frontier
    return tuple(found)


def overlap(a: Edge, b: Edge) -> bool:
    """Whether two edges hold on some day together."""
    return (a.last is None or b.first <= a.last) and (b.last is None or a.first <= b.last)


def makes_circle(edges: Sequence[Edge], new: Edge) -> bool:
    """Whether a new edge would let a unit stand under itself on some day: the days on which any edge begins suffice."""
    during = [e for e in edges if overlap(e, new)]
    moments = {new.first, *(e.first for e in during if e.first >= new.first)}
    return any(new.holds(day) and new.over in below(during, new.unit, day) for day in moments)
