"""When incidents form a pattern, how large it is, and what would make it fall (domain.md §1.4, R-LS-1, R-LS-2, R-VER-2).

A number is read off a `Tally`: what a rolling window of twelve months holds. The live table, an assessment and a full
recomputation all make their tallies and tests here, so they cannot differ.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from itertools import combinations
from math import comb
from typing import NamedTuple, Protocol

from answerable.common.deadlines import months_after
from answerable.monitoring.patterns import areas

# R-VER-2: V3d never counts towards the five that V3d itself needs.
V3D_BASE = 5
PATTERN_INCIDENTS, PATTERN_VICTIMS, PATTERN_DAYS, PATTERN_AREAS = 3, 5, 7, 2
WIDESPREAD_VICTIMS, WIDESPREAD_INCIDENTS, WIDESPREAD_AREAS = 25, 10, 3
SYSTEMATIC_INDICATORS = 2
WINDOW_MONTHS = 12
Area = tuple[str, str]
PREVALENCE = (("P3", 1000), ("P2", 25), ("P1", 1))
STANDARDS = ("none", "SP1", "SP2", "SP3", "SP4", "SP5")
# Reasoned by a person; the software knows none of them by itself.
COMMONALITIES = ("method", "victim_profile", "operational_context", "chain_of_command")
COMMONALITY_WORDS = {"victim_profile": "profile of those harmed"}
# Of these one is needed for a finding of use, or one alone for condoning (§1.6).
CORE = frozenset({"MOW-01", "MOW-02", "MOW-03", "MOW-04", "MOW-05"})
GRAVE = frozenset({"CON-04", "CON-05", "CON-06", "CON-08", "CON-14"})


# --- windows ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def _window(on: date, months: int) -> tuple[date, date]:
    start = months_after(on, -months).date()
    return date.fromordinal(start.toordinal() + 1), on


def window(on: date) -> tuple[date, date]:
    """First and last day of the rolling twelve months that end on `on`."""
    return _window(on, WINDOW_MONTHS)


@lru_cache(maxsize=65536)
def _last_end(day: date, months: int) -> date:
    end = months_after(day, months).date() + timedelta(days=3)
    while _window(end, months)[0] > day:
        end -= timedelta(days=1)
    return end


def last_end(day: date) -> date:
    """The last day on which a window that holds `day` may end."""
    return _last_end(day, WINDOW_MONTHS)


def possible_days(
    on: date, precision: str = "day", earliest: date | None = None, latest: date | None = None
) -> tuple[date, date]:
    """First and last day on which something can have happened: as given, or as a day, week, month, quarter or year gives them.

    A precision that says nothing about the days (a range whose ends are not kept) holds any day there is, so that no
    number of days apart rests on it.
    """
    if earliest is not None and latest is not None:
        return earliest, latest
    if precision == "week":
        first = on - timedelta(days=on.weekday())
        return first, first + timedelta(days=6)
    if precision in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[precision]
        start = (on.month - 1) // months * months + 1
        end = start + months - 1
        return date(on.year, start, 1), date(on.year, end, calendar.monthrange(on.year, end)[1])
    return (on, on) if precision == "day" else (date.min, date.max)


# The last and the first day on which something can have happened, in this order: windows end where the last one lies.
Days = tuple[date, date]


def days_of(on: date, precision: str = "day", earliest: date | None = None, latest: date | None = None) -> Days:
    """The possible days of something as `Days`."""
    first, last = possible_days(on, precision, earliest, latest)
    return last, first


def fits(days: Days) -> bool:
    """Whether any twelve months hold something for certain: not where it may be any day of more, or of no known ones."""
    return window(days[0])[0] <= days[1]


def together(one: Days, other: Days) -> bool:
    """Whether one window of twelve months holds both for certain."""
    return window(max(one[0], other[0]))[0] <= min(one[1], other[1])


def how_many(days: Sequence[Days], first: date, last: date, *, most: int | None = None) -> int:
    """How many of these, in order, lie for certain between two days; counting ends at `most`."""
    n = 0
    for k in range(bisect_left(days, (first,)), bisect_right(days, (last, date.max))):
        n += days[k][1] >= first
        if n == most:
            break
    return n


def support(days: Days, base: Sequence[Days]) -> int:
    """The largest base set of any rolling window that holds these `days`, up to the five V3d needs; `base` in order."""
    if not fits(days):
        return 0
    best = 0
    # Any window holds no more than one that ends on the last of the days, or where a base incident's last day lies later.
    later = base[bisect_right(base, (days[0], date.max)) : bisect_right(base, (last_end(days[1]), date.max))]
    for end in dict.fromkeys((days[0], *(last for last, _first in later))):
        best = max(best, how_many(base, window(end)[0], end, most=V3D_BASE))
        if best >= V3D_BASE:
            return V3D_BASE
    return best


# --- tallies ----------------------------------------------------------------------------------------------------------


class Leveled(Protocol):
    @property
    def verified(self) -> bool: ...
    @property
    def counts_for_base(self) -> bool: ...


class Incident(Protocol):
    """What these rules need of an incident (monitoring.rules.IncidentFacts has it)."""

    @property
    def ref(self) -> str: ...
    @property
    def days(self) -> Days: ...
    @property
    def area(self) -> str: ...
    @property
    def area1(self) -> str: ...
    @property
    def victims(self) -> int: ...
    @property
    def actors(self) -> frozenset[str]: ...
    def as_counted_for(self, actors: Collection[str]) -> Leveled | None: ...


class Row(NamedTuple):
    """One counted incident as a tally sees it: between `earliest` and `latest`, the day on which it is in a window for certain.
    `area` is the first- and the second-level area, "" where not known, by their keys (areas.py); `spelled` as they were written."""

    ref: str
    latest: date
    earliest: date
    area: Area
    victims: int
    verified: bool = False
    base: bool = False
    spelled: tuple[str, str] = ("", "")

    @property
    def days(self) -> Days:
        return self.latest, self.earliest

    def within(self, first: date, last: date) -> bool:
        """Whether it lies for certain between two days."""
        return first <= self.earliest and self.latest <= last

    @property
    def depends(self) -> bool:
        """Whether it is verified only because a base set of others stands (V3d)."""
        return self.verified and not self.base


def row_of(i: Incident, actors: Collection[str] = ()) -> Row:
    """An incident as a tally sees it that counts for these actors; once, however many of them it names."""
    latest, earliest = i.days
    level = i.as_counted_for(actors)
    is_verified = bool(level and level.verified)
    base = bool(level and level.counts_for_base)
    area = (areas.key(i.area1), areas.key(i.area))
    return Row(i.ref, latest, earliest, area, i.victims, is_verified, base, (i.area1, i.area))


@dataclass(frozen=True, slots=True)
class Tally:
    """What one window holds. Reported is V1 and above, verified V3 and above: side by side, never one for the other."""

    reported_incidents: int = 0
    reported_victims: int = 0
    verified_incidents: int = 0
    verified_victims: int = 0
    base: int = 0
    areas: int = 0
    days: int = 0


def _certain(found: Iterable[Area]) -> list[Area]:
    """The fewest second-level areas there can be: one known only by its province may be any of that province's, one known
    only by its own name may be that of a province, and one that is not known may be any."""
    known = set(found)
    whole = {a for a in known if a[0] and a[1]}
    provinces, seconds = {a[0] for a in whole}, {a[1] for a in whole}
    bare = [a for a in known if a[0] and not a[1] and a[0] not in provinces]
    alone = [a for a in known if a[1] and not a[0] and a[1] not in seconds]
    return [*whole, *(bare if len(bare) >= len(alone) else alone)]


def count_areas(found: Iterable[Area]) -> int:
    """How many second-level areas there are for certain."""
    return len(_certain(found))


def area_names(rows: Iterable[Row]) -> tuple[str, ...]:
    """Those areas by name, each as most wrote it."""
    said: dict[Area, Counter[str]] = {}
    for r in rows:
        first, second = r.spelled if any(r.spelled) else r.area
        said.setdefault(r.area, Counter())[second or first] += 1
    return tuple(sorted(min(said[a], key=lambda name: (-said[a][name], name)) for a in _certain(said)))


class _Areas:
    """The same number while incidents come and go."""

    __slots__ = ("_alone", "_bare", "_here", "_provinces", "_seconds", "_whole")

    def __init__(self) -> None:
        self._here: Counter[Area] = Counter()
        self._provinces: Counter[str] = Counter()  # of areas known by both names, and how many such areas they have
        self._seconds: Counter[str] = Counter()
        self._whole = self._bare = self._alone = 0

    def add(self, area: Area) -> None:
        self._here[area] += 1
        if self._here[area] == 1:
            self._turn(area, 1)

    def take(self, area: Area) -> None:
        self._here[area] -= 1
        if not self._here[area]:
            del self._here[area]
            self._turn(area, -1)

    def _turn(self, area: Area, by: int) -> None:
        first, second = area
        if first and second:
            had, held = self._provinces[first], self._seconds[second]
            self._whole += by
            self._provinces[first] += by
            self._seconds[second] += by
            # What is known by half stands for an area of its own only while no whole one may be it.
            if (first, "") in self._here:
                self._bare += (had + by == 0) - (had == 0)
            if ("", second) in self._here:
                self._alone += (held + by == 0) - (held == 0)
        elif first and not self._provinces[first]:
            self._bare += by
        elif second and not self._seconds[second]:
            self._alone += by

    @property
    def count(self) -> int:
        return self._whole + max(self._bare, self._alone)


def tally(rows: Iterable[Row]) -> Tally:
    """Count rows that all lie in one window."""
    rows = list(rows)
    seen = [r for r in rows if r.verified]
    # Days apart for certain: from the last day the first can have happened to the first day the last can have.
    days = (max(r.earliest for r in seen) - min(r.latest for r in seen)).days if seen else 0
    return Tally(
        len(rows), sum(r.victims for r in rows), len(seen), sum(r.victims for r in seen), sum(r.base for r in rows),
        count_areas(r.area for r in seen), max(0, days),
    )  # fmt: skip


def rolling(rows: Sequence[Row], ends: Sequence[date]) -> Iterator[tuple[date, Tally]]:
    """The tally of the window ending on each of `ends`, of what lies in it for certain. Rows in order of their last days, ends
    in theirs; each row comes once and goes once.
    """
    there = _Areas()
    n = victims = seen = seen_victims = base = 0
    inside: list[tuple[date, int]] = []  # by their first days: which goes next
    first_over: list[tuple[date, date]] = []  # of the verified, by their last days
    latest_start = date.min
    last = 0

    for end in ends:
        start = window(end)[0]
        while last < len(rows) and rows[last].latest <= end:
            r = rows[last]
            if r.earliest >= start:
                heappush(inside, (r.earliest, last))
                n, victims = n + 1, victims + r.victims
                if r.verified:
                    seen, seen_victims, base = seen + 1, seen_victims + r.victims, base + r.base
                    there.add(r.area)
                    latest_start = max(latest_start, r.earliest)
                    heappush(first_over, r.days)
            last += 1
        while inside and inside[0][0] < start:
            r = rows[heappop(inside)[1]]
            n, victims = n - 1, victims - r.victims
            if r.verified:
                seen, seen_victims, base = seen - 1, seen_victims - r.victims, base - r.base
                there.take(r.area)
        while first_over and first_over[0][1] < start:
            heappop(first_over)
        days = max(0, (latest_start - first_over[0][0]).days) if first_over else 0
        yield end, Tally(n, victims, seen, seen_victims, base, there.count, days)


# --- tests ------------------------------------------------------------------------------------------------------------


def prevalence(victims: int) -> str:
    """P0 none, P1 1-24, P2 25-999, P3 1,000 and more verified victims."""
    for code, least in PREVALENCE:  # asked once for each window: a generator would take three times as long
        if victims >= least:
            return code
    return "P0"


def at_least(n: int) -> int:
    """Public figures are rounded down to a multiple of five and shown with “at least” (R-FND-6)."""
    return n - n % 5


def higher_prevalence(counted: str, panel: str) -> str:
    """R-LS-2: what a panel set, unless the count is higher by now. Never lower than the count."""
    return max(counted, panel or "P0")


def _enough(t: Tally) -> bool:
    spread = t.areas >= PATTERN_AREAS or t.days > PATTERN_DAYS
    return t.verified_incidents >= PATTERN_INCIDENTS and t.verified_victims >= PATTERN_VICTIMS and spread


def _wide(t: Tally) -> bool:
    many = t.verified_incidents >= WIDESPREAD_INCIDENTS and t.areas >= WIDESPREAD_AREAS
    return t.verified_victims >= WIDESPREAD_VICTIMS or many


def tests_met(t: Tally, *, commonality: bool, systematic: int) -> dict[str, bool]:
    """PT, WS, SY and LS on the counts of a window (§1.4)."""
    pt, ws = _enough(t) and commonality, _wide(t)
    sy = pt and systematic >= SYSTEMATIC_INDICATORS
    return {"PT": pt, "WS": ws, "SY": sy, "LS": pt and (ws or sy)}


@dataclass(frozen=True)
class Fall:
    """The smallest number of incidents without which a test is met no more.

    `size` of `among` (any of them when `any_of`, else these very ones); `exact` when no smaller set does it.
    """

    size: int
    among: tuple[str, ...]
    any_of: bool
    exact: bool
    says: str


@dataclass(frozen=True)
class Test:
    """One named test of §1.4: met or not, in a sentence, carried by these incidents, and what would make it fall."""

    code: str
    met: bool
    says: str
    carried_by: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pattern:
    """What the incidents of an actor, or of a chain of command, amount to in twelve months."""

    actor: str
    window: tuple[date, date]
    base_set: tuple[str, ...]
    verified: tuple[str, ...]
    verified_victims: int
    reported_victims: int
    areas: tuple[str, ...]
    prevalence: str
    tests: Mapping[str, Test] = field(default_factory=dict)
    tally: Tally = Tally()
    parties: tuple[str, ...] = ()

    def met(self, code: str) -> bool:
        """Whether PT, WS, SY or LS is met."""
        return self.tests[code].met

    @property
    def base_count(self) -> int:
        return len(self.base_set)


# --- what would make it fall ------------------------------------------------------------------------------------------

# So many sets of incidents are tried one by one before the answer is worked out by the greatest first.
TRIES = 2000
Holds = Callable[[Sequence[Row]], bool]


class _Window:
    """The verified incidents of a window, and what is left of them when some fall: V3d falls with its base set."""

    def __init__(self, rows: Sequence[Row], base_days: Sequence[Days]) -> None:
        self.rows = [r for r in rows if r.verified]
        self.base = [r for r in self.rows if r.base]
        self.dependent = [r for r in self.rows if r.depends]
        self.days = sorted(base_days)
        # When every base incident that could matter lies in this window, its count alone decides on V3d.
        near = [d for d in self.days if any(together(x.days, d) for x in self.dependent)]
        self.uniform = len(near) <= len(self.base)

    def without(self, gone: frozenset[str] | set[str]) -> list[Row]:
        left = [r for r in self.rows if r.ref not in gone]
        if not self.dependent:
            return left
        if self.uniform:
            stands = sum(r.base for r in left) >= V3D_BASE
            return left if stands else [r for r in left if not r.depends]
        days = Counter(self.days) - Counter(r.days for r in self.base if r.ref in gone)
        base = sorted(days.elements())
        return [r for r in left if not r.depends or support(r.days, base) >= V3D_BASE]

    def fewest(self, holds: Holds, bound: Holds) -> tuple[list[frozenset[str]], bool, bool] | None:
        """(smallest sets, whether these are all, whether no smaller set does it); None when nothing at all would do it.

        Whatever ends `holds` ends `bound` too, and `bound` rests on counts of incidents and victims and on closeness
        alone: taking the greatest first ends it with the fewest there are, so no fewer can end `holds`.
        """
        refs = [r.ref for r in self.rows]
        if holds([]):
            return None
        tried = 0
        for size in range(1, len(refs) + 1):
            tried += comb(len(refs), size)
            if tried > TRIES:
                break
            found = [frozenset(s) for s in combinations(refs, size) if not holds(self.without(set(s)))]
            if found:
                return found, True, True
        best = min(self._greatest_first(holds), key=len)
        least = len(min(self._greatest_first(bound), key=len))
        return [best], False, len(best) == least and (self.uniform or not self.dependent)

    def _greatest_first(self, holds: Holds) -> Iterator[frozenset[str]]:
        """Sets that make it fall: by the greatest first, with and without taking the base set from under V3d; and all
        but what lies close together. With a base set that one window decides, the smallest of these is the smallest."""
        yield self._until(sorted(self.rows, key=_greatest), set(), holds)
        if self.dependent:
            order = sorted(self.base, key=_greatest)
            first = {r.ref for r in order[: max(0, len(order) - V3D_BASE + 1)]}
            yield self._until([*order[len(first) :], *sorted(self.dependent, key=_greatest)], first, holds)
        # Widespread may also end because what is left lies in two areas: those two that hold the most small incidents.
        for pair in combinations(_places(self.rows)[:6], WIDESPREAD_AREAS - 1):
            inside = {r.ref: r for group in pair for r in group}
            outside = {r.ref for r in self.rows if r.ref not in inside}
            if not holds(self.without(outside | set(inside))):
                yield self._until(sorted(inside.values(), key=_greatest), outside, holds)
        for pool in [self.rows, self.base] if self.dependent else [self.rows]:
            for close in _close_together(pool):
                # With the base set gone to four, nothing that depends on it is left to take.
                kept = close[: V3D_BASE - 1] if pool is self.base and self.dependent else close
                stays = {r.ref for r in kept}
                gone = {r.ref for r in pool if r.ref not in stays}
                if not holds(self.without(gone)):
                    yield frozenset(gone)

    def _until(self, order: Sequence[Row], gone: set[str], holds: Holds) -> frozenset[str]:
        gone = set(gone)
        low, high = 0, len(order)
        # Taking more never makes a test met again, so the least number is found by halves.
        while low < high:
            middle = (low + high) // 2
            if holds(self.without(gone | {r.ref for r in order[:middle]})):
                low = middle + 1
            else:
                high = middle
        return frozenset(gone | {r.ref for r in order[:low]})


def _greatest(r: Row) -> tuple[int, str]:
    return (-r.victims, r.ref)


def _places(rows: Sequence[Row]) -> list[list[Row]]:
    """Incidents by area, with those that may have been there; first where most could stay."""
    places: dict[Area, list[Row]] = {}
    for r in rows:
        places.setdefault(r.area, []).append(r)
    spots = {a for a in places if a[0] and a[1]}
    alone = {a[1] for a in places if a[1] and not a[0]}
    spots |= {(first, second) for first in {a[0] for a in places if a[0]} for second in alone}
    # Where only half is known of all there is, a half stands for the place.
    spots |= {a for a in places if not (a[0] and a[1])} - {(s[0], "") for s in spots} - {("", s[1]) for s in spots}
    whole = [
        [r for a in dict.fromkeys((spot, (spot[0], ""), ("", spot[1]), ("", ""))) for r in places.get(a, ())]
        for spot in spots
    ]

    def room(group: list[Row]) -> int:
        total = n = 0
        for victims in sorted(r.victims for r in group):
            total += victims
            n += total < WIDESPREAD_VICTIMS
        return n

    return sorted(whole, key=lambda group: (-room(group), group[0].area))


def _close_together(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """For each area, the most incidents that are not for certain more than seven days apart."""
    for group in _places(rows):
        ends = sorted(r.latest.toordinal() for r in group)
        starts = sorted(r.earliest.toordinal() for r in group)
        anchor = max(
            set(ends),
            key=lambda e: (len(ends) - bisect_left(ends, e)) - (len(starts) - bisect_right(starts, e + PATTERN_DAYS)),
        )
        yield [r for r in group if r.latest.toordinal() >= anchor and r.earliest.toordinal() <= anchor + PATTERN_DAYS]


def _among(refs: Sequence[str]) -> str:
    shown = ", ".join(refs[:12])
    return shown if len(refs) <= 12 else f"{shown} and {len(refs) - 12} more"


def fall(
    rows: Sequence[Row], holds: Holds, base_days: Sequence[Days] | None = None, *, bound: Holds | None = None
) -> Fall | None:
    """The smallest set of incidents whose fall ends what `holds`; None when it does not hold, or no fall would end it.

    `base_days` are the days of all base incidents of the actor; by default those in the window. An incident falls when
    it drops below V3; when the base set then has fewer than five, what is V3d falls with it, and that is reckoned in.
    """
    days = [r.days for r in rows if r.base] if base_days is None else base_days
    here = _Window(rows, days)
    if not holds(here.rows):
        return None
    found = here.fewest(holds, bound or holds)
    if found is None:
        return None
    sets, all_of_them, exact = found
    size = len(sets[0])
    among = tuple(r.ref for r in here.rows if any(r.ref in s for s in sets))
    any_of = all_of_them and len(sets) == comb(len(among), size)
    # Many pairs can do it without any pair doing it; then one of them is named.
    if not any_of:
        among = tuple(r.ref for r in here.rows if r.ref in sets[0])
    dragged = {r.ref for s in sets[:50] for r in here.dependent if r.ref not in s} - {
        r.ref for s in sets[:50] for r in here.without(s)
    }
    drags = [r.ref for r in here.dependent if r.ref in dragged]
    tail = f" {_among(drags)} would then fall with the base set (V3d needs {V3D_BASE})." if drags else ""
    if any_of and size == len(among):
        says = f"Falls if {'this incident falls' if size == 1 else f'these {size} incidents fall'}: {_among(among)}."
    elif any_of:
        says = (
            f"Falls if any {size} of these {len(among)} incidents {'falls' if size == 1 else 'fall'}: {_among(among)}."
        )
    elif exact:
        more = f" ({len(sets)} sets of {size} would do it)" if len(sets) > 1 else ""
        says = f"Falls if {size} incidents fall and with no fewer, for example{more}: {_among(among)}."
    else:
        says = f"Falls if these {size} incidents fall, perhaps with fewer: {_among(among)}."
    return Fall(size, among, any_of, exact, says + tail)


def _is_pattern(left: Sequence[Row]) -> bool:
    return _enough(tally(left))


def _is_widespread(left: Sequence[Row]) -> bool:
    return _wide(tally(left))


def _has_many_victims(left: Sequence[Row]) -> bool:
    return sum(r.victims for r in left) >= WIDESPREAD_VICTIMS


def pattern(
    incidents: Iterable[Incident],
    *,
    actor: str,
    on: date,
    parties: frozenset[str] = frozenset(),
    commonalities: frozenset[str] = frozenset(),
    systematic: frozenset[str] = frozenset(),
) -> Pattern:
    """PT, WS, SY, LS and prevalence at one day, each with the incidents that carry it and what would make it fall.

    Counted for `actor`, or for a chain of command when `parties` names its members: once, where an incident names several of
    these. `commonalities` are the reasoned
    ones; `systematic` the SY-1..SY-6 supported at the standard claimed. Victims of duplicates are counted once because
    merged incidents are not passed in (R-VER-5).
    """
    members = parties | {actor}
    first, last = window(on)
    own = (row_of(i, members) for i in incidents if not members.isdisjoint(i.actors))
    every = sorted(own, key=lambda r: (r.latest, r.ref))
    base_days = sorted(r.days for r in every if r.base)
    rows = [r for r in every if r.within(first, last)]
    return pattern_of_rows(
        rows, actor=actor, on=on, parties=members, base_days=base_days, commonalities=commonalities,
        systematic=systematic,
    )  # fmt: skip


def _some(n: int, thing: str) -> str:
    """A number of things, said as one says it."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def pattern_of_rows(
    rows: Sequence[Row],
    *,
    actor: str,
    on: date,
    parties: frozenset[str] = frozenset(),
    base_days: Sequence[Days] | None = None,
    commonalities: frozenset[str] = frozenset(),
    systematic: frozenset[str] = frozenset(),
) -> Pattern:
    """The same from rows that all lie in the window, in order of days."""
    t = tally(rows)
    seen = [r for r in rows if r.verified]
    refs = tuple(r.ref for r in seen)
    met = tests_met(t, commonality=bool(commonalities), systematic=len(systematic))
    common = ", ".join(COMMONALITY_WORDS.get(c, c.replace("_", " ")) for c in sorted(commonalities)) or "none reasoned"
    is_met = {code: "met" if yes else "not met" for code, yes in met.items()}
    says = {
        "PT": f"{_some(t.verified_incidents, 'verified incident')} ({PATTERN_INCIDENTS} needed), "
              f"{_some(t.verified_victims, 'victim')} ({PATTERN_VICTIMS}), {_some(t.areas, 'area')} ({PATTERN_AREAS}) or "
              f"{_some(t.days, 'day')} apart (more than {PATTERN_DAYS}), "
              f"commonalities: {common}.",
        "WS": f"{_some(t.verified_victims, 'victim')} ({WIDESPREAD_VICTIMS} needed), or "
              f"{_some(t.verified_incidents, 'incident')} ({WIDESPREAD_INCIDENTS}) across {_some(t.areas, 'area')} "
              f"({WIDESPREAD_AREAS}).",
        "SY": f"Pattern {is_met['PT']}; {len(systematic)} of the indicators SY-1 to SY-6 supported "
              f"({SYSTEMATIC_INDICATORS} needed): {', '.join(sorted(systematic)) or 'none'}.",
        "LS": f"A pattern ({is_met['PT']}) that is widespread ({is_met['WS']}) or systematic ({is_met['SY']}).",
    }  # fmt: skip
    # Systematic falls with the pattern; large-scale with the pattern, or with all that makes it large.
    holds: dict[str, Holds] = {
        "PT": _is_pattern,
        "WS": _is_widespread,
        "SY": _is_pattern,
        "LS": _is_pattern if met["SY"] else lambda left: _is_pattern(left) and _is_widespread(left),
    }
    bounds: dict[str, Holds] = {
        **holds,
        "WS": _has_many_victims,
        "LS": _is_pattern if met["SY"] else lambda left: _is_pattern(left) and _has_many_victims(left),
    }
    tests = {}
    for code in ("PT", "WS", "SY", "LS"):
        falls: list[str] = []
        if met[code]:
            if (f := fall(rows, holds[code], base_days, bound=bounds[code])) is not None:
                falls.append(f.says)
            if code != "WS" and len(commonalities) == 1:
                falls.append(f"Falls if the one commonality reasoned is given up: {common}.")
            if code == "SY" or (code == "LS" and met["SY"] and not met["WS"]):
                n = len(systematic) - SYSTEMATIC_INDICATORS + 1
                among = ", ".join(sorted(systematic))
                falls.append(
                    f"Falls if one of the indicators {among} is no longer supported." if n == 1
                    else f"Falls if {n} of the indicators {among} are no longer supported."
                )  # fmt: skip
        tests[code] = Test(code, met[code], says[code], refs, tuple(falls))
    return Pattern(
        actor=actor, window=window(on), base_set=tuple(r.ref for r in rows if r.base), verified=refs,
        verified_victims=t.verified_victims, reported_victims=t.reported_victims,
        areas=area_names(seen), prevalence=prevalence(t.verified_victims), tests=tests, tally=t,
        parties=tuple(sorted(parties | {actor})),
    )  # fmt: skip


# --- indicators -------------------------------------------------------------------------------------------------------


def supported(reached: str, claimed: str) -> bool:
    """Whether what the items reach is at least the standard that is claimed (SY-1..6, MOW, CON)."""
    return STANDARDS.index(reached or "none") >= STANDARDS.index(claimed)
