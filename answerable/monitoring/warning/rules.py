"""R-EW-1: what the indicators seen in the last sixty days amount to, what carries it, and what would make it fall.

A level worked out here is a proposal. Only a person makes it an alert (§0.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from answerable.common.deadlines import hours_after

WINDOW_DAYS = 60
VICTIMS_WINDOW_DAYS = 30
POTENTIAL, IMPENDING, ONGOING = 1, 2, 3
STAGES = {POTENTIAL: "potential", IMPENDING: "impending", ONGOING: "ongoing"}
FULL, HALF = Fraction(1), Fraction(1, 2)
NONE, WATCH, ALERT, EMERGENCY = "NONE", "WATCH", "ALERT", "EMERGENCY"
LEVELS = (NONE, WATCH, ALERT, EMERGENCY)
# Score and number of categories that each level needs.
NEEDS = {WATCH: (4, 2), ALERT: (10, 3), EMERGENCY: (18, 3)}
EMERGENCY_VICTIMS = 25
CONFIRM_HOURS = {WATCH: 72, ALERT: 48, EMERGENCY: 24}
# Verification levels whose reported victims count towards EMERGENCY.
REPORTED_LEVELS = frozenset({"V2", "V3a", "V3b", "V3c", "V3d", "V4"})


@dataclass(frozen=True)
class Entry:
    """One observation of an indicator (form A4). `live` is False once the item it rests on lost its consent (R-VER-4)."""

    ref: str
    indicator: str
    category: str
    stage: int
    on: date
    qualifies: bool
    live: bool = True

    @property
    def confidence(self) -> Fraction:
        """1 when the item qualifies (A-C with 1-3, or T1-T2), one half otherwise."""
        return FULL if self.qualifies else HALF

    @property
    def weight(self) -> Fraction:
        return self.stage * self.confidence


@dataclass(frozen=True)
class Reported:
    """Victims and survivors of one incident at V2 or above, as reported; `until` is the last day it may have been, if not `on`."""

    ref: str
    on: date
    victims: int
    until: date | None = None

    @property
    def last(self) -> date:
        return self.until or self.on

    def within(self, first: date, last: date) -> bool:
        """Whether some day it may have been lies there: a warning that misses an emergency is the worse error."""
        return self.on <= last and self.last >= first


@dataclass(frozen=True)
class Counted:
    """One indicator, counted once: its stage and confidence, and the entry that carries it."""

    indicator: str
    category: str
    stage: int
    confidence: Fraction
    entry: str
    on: date

    @property
    def weight(self) -> Fraction:
        return self.stage * self.confidence


@dataclass(frozen=True)
class Reading:
    """What a day amounts to: the level, and every figure behind it."""

    on: date
    level: str
    score: Fraction
    categories: tuple[str, ...]
    counted: tuple[Counted, ...]
    confirmed_ongoing: bool
    victims: int
    incidents: tuple[str, ...] = ()
    by_score: str = NONE
    perhaps: int = 0  # of the victims, those of reports that may also have been on a day outside the window

    @property
    def by_victims(self) -> bool:
        """Whether the reported victims alone make it an emergency."""
        return self.victims >= EMERGENCY_VICTIMS

    @property
    def basis(self) -> tuple[str, ...]:
        """References of everything it rests on."""
        return (*(c.entry for c in self.counted), *self.incidents)


@dataclass(frozen=True)
class Fall:
    """What would make a level fall: the day it does by itself, and which indicators carry it alone."""

    on: date | None
    to: str
    alone: Mapping[str, str] = field(default_factory=dict)  # indicator → the level without it


def rank(level: str) -> int:
    """0 for none to 3 for an emergency."""
    return LEVELS.index(level)


def first_day(on: date, days: int) -> date:
    """First day of the window of so many calendar days that ends with `on`."""
    return on - timedelta(days=days - 1)


def counted(entries: Iterable[Entry], on: date) -> tuple[Counted, ...]:
    """Each indicator once, at its highest, from the sixty days that end with `on`; the heaviest first.

    Where the highest stage is seen only in an item that does not qualify and a lower one in one that does, the heavier
    of the two counts: word of something worse never lowers a level. Of equals, the higher stage, then the newest.
    """
    best: dict[str, Entry] = {}
    for e in entries:
        if not (e.live and first_day(on, WINDOW_DAYS) <= e.on <= on):
            continue
        held = best.get(e.indicator)
        if held is None or (e.weight, e.stage, e.on, e.ref) > (held.weight, held.stage, held.on, held.ref):
            best[e.indicator] = e
    found = (Counted(e.indicator, e.category, e.stage, e.confidence, e.ref, e.on) for e in best.values())
    return tuple(sorted(found, key=lambda c: (-c.weight, c.indicator)))


def level_of(score: Fraction, categories: int, confirmed_ongoing: bool) -> str:
    """The highest level whose score and number of categories are reached; EMERGENCY also needs an ongoing one confirmed."""
    reached = NONE
    for level in (WATCH, ALERT, EMERGENCY):
        needed, kinds = NEEDS[level]
        if score >= needed and categories >= kinds and (level != EMERGENCY or confirmed_ongoing):
            reached = level
    return reached


def reading(entries: Iterable[Entry], reported: Iterable[Reported] = (), *, on: date) -> Reading:
    """R-EW-1 for one situation on one day."""
    seen = list(entries)
    rows = counted(seen, on)
    score = sum((c.weight for c in rows), Fraction(0))
    categories = tuple(sorted({c.category for c in rows}))
    # Looked for among all entries: the one that carries an indicator need not be the confirmed one.
    window = first_day(on, WINDOW_DAYS)
    ongoing = any(e.live and e.stage == ONGOING and e.qualifies and window <= e.on <= on for e in seen)
    first = first_day(on, VICTIMS_WINDOW_DAYS)
    recent = [r for r in reported if r.within(first, on)]
    victims = sum(r.victims for r in recent)
    perhaps = sum(r.victims for r in recent if r.on < first or r.last > on)
    by_score = level_of(score, len(categories), ongoing)
    level = EMERGENCY if victims >= EMERGENCY_VICTIMS else by_score
    refs = tuple(sorted(r.ref for r in recent))
    return Reading(on, level, score, categories, rows, ongoing, victims, refs, by_score, perhaps)


def what_would_lower(entries: Iterable[Entry], reported: Iterable[Reported] = (), *, on: date) -> Fall:
    """When the level of a day falls if nothing new comes in, to what, and which indicators it would fall without."""
    seen, told = list(entries), list(reported)
    now = reading(seen, told, on=on)
    if now.level == NONE:
        return Fall(None, NONE)
    day, later = on, now
    while rank(later.level) >= rank(now.level):
        day += timedelta(days=1)
        # What lies ahead today is not known today: an entry dated later would be one not yet made.
        later = reading([e for e in seen if e.on <= on], [r for r in told if r.on <= on], on=day)
    alone = {
        c.indicator: without.level
        for c in now.counted
        if rank((without := reading([e for e in seen if e.indicator != c.indicator], told, on=on)).level)
        < rank(now.level)
    }
    return Fall(day, later.level, alone)


def confirm_by(level: str, at: datetime, earlier: datetime | None = None) -> datetime:
    """By when a person confirms: 72, 48 or 24 hours, to the second; a rise never postpones a clock that already runs."""
    due = hours_after(at, CONFIRM_HOURS[level])
    return due if earlier is None else min(due, earlier)


def is_new(now: Reading, standing: str, refused_level: str = NONE, refused_basis: Iterable[str] = ()) -> bool:
    """Whether a level is worth a person's time: higher than what stands, and not what was just found not to hold.

    A level that was not confirmed is proposed again only when something it rests on is new, or when it is higher.
    """
    if rank(now.level) <= rank(standing):
        return False
    return rank(now.level) > rank(refused_level) or bool(set(now.basis) - set(refused_basis))


def written(score: Fraction) -> str:
    """A score as people write it: 10½, never 10.5."""
    whole, half = divmod(score, 1)
    return (f"{int(whole) or ''}½" if half else str(int(whole))) or "0"


# What follows from a confirmed level (§2.4; taxonomy obligation_trigger; measures.csv).
TRIGGER = "T-RISK"
DIALOGUE = "ME-0.1"


def opens_dialogue(level: str) -> bool:
    """Whether a confirmed level opens the confidential early-warning dialogue (ME-0.1)."""
    return rank(level) >= rank(ALERT)


def permits_urgent(level: str) -> bool:
    """Whether it permits the urgent procedure without three members asking (R-VOT-8)."""
    return level == EMERGENCY


def triggered(level: str, obligations: Iterable[Mapping[str, str]]) -> list[str]:
    """Codes of the obligations that a confirmed level triggers: those under T-RISK, from WATCH on."""
    if rank(level) < rank(WATCH):
        return []
    return [o["code"] for o in obligations if TRIGGER in {t.strip() for t in o["trigger"].split(";")}]
