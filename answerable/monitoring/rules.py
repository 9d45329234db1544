"""How well an incident is known, and whether incidents form a pattern (domain.md §1.4, §2.3).

Software says which criteria are met and by which items; whether an account is credible is a person's judgement,
given here as the grades of the items (§0.3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import Any

from answerable.monitoring import grades
from answerable.monitoring.patterns import rules as patterns
from answerable.monitoring.patterns.rules import V3D_BASE, Pattern, Test, at_least, pattern, prevalence, window

STANDARD_OF_LEVEL = {"V1": "", "V2": "SP1", "V3a": "SP2", "V3b": "SP2", "V3c": "SP2", "V3d": "SP2", "V4": "SP3"}
VERIFIED_LEVELS = frozenset({"V3a", "V3b", "V3c", "V3d", "V4"})
# R-VER-2: V3d never counts towards the five that V3d itself needs.
BASE_LEVELS = frozenset({"V3a", "V3b", "V3c", "V4"})
# Patterns have a module of their own; whoever reads the rules of §1.4 and §2.3 finds both here.
__all__ = [
    "V3D_BASE", "Ceiling", "Grade", "IncidentFacts", "ItemFacts", "Level", "Pattern", "Test", "at_least", "gbvims_type", "in_scope",
    "concluded", "independent", "levels", "pattern", "prevalence", "root_sets", "testimony_needs_third", "verification_level",
    "window",
]  # fmt: skip


@dataclass(frozen=True)
class Grade:
    """A grade of an item, with how many assessors recorded it and whether two of them settled it, for an account."""

    testimony: str = ""
    reliability: str = ""
    credibility: int = 0
    assessed: bool = True
    assessors: int = 0


@dataclass(frozen=True)
class Ceiling:
    """What a verifier last concluded of a report, above which its level never rises by itself (decision 0058).

    `own`: the level of its items without a base set. `lifted`: whether a base set may lift it to V3d, because she said that it
    matches a pattern and an account could carry it then. `caps`: references of what capped it before her (R-VER-3); once whoever
    may has weighed all of it, `own` is `uncapped`, the level of what she had before her otherwise; "" where nobody noted it, and then a verifier looks again.
    """

    own: str
    lifted: bool = False
    uncapped: str = ""
    caps: frozenset[str] = frozenset()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Ceiling | None:
        """A ceiling as it is kept, or None where nobody concluded yet."""
        if not kept:
            return None
        return cls(
            str(kept["own"]), bool(kept.get("lifted")), str(kept.get("uncapped", "")), frozenset(kept.get("caps", ()))
        )

    @property
    def lifts(self) -> bool:
        """Whether a base set lifts it to V3d now: not while something that capped it then is unweighed."""
        return self.lifted and not self.caps

    @property
    def kept(self) -> dict[str, Any]:
        """As it is kept."""
        return {"own": self.own, "lifted": self.lifted, "uncapped": self.uncapped, "caps": sorted(self.caps)}

    def once_weighed(self, item: str) -> Ceiling:
        """Once an item that capped it was weighed, and does not stand. Where nobody noted what she had before her otherwise, it stays."""
        if item not in self.caps:
            return self
        left = self.caps - {item}
        free = self.own if left or not self.uncapped else self.uncapped
        return replace(self, caps=left, own=max(self.own, free, key=lambda code: RANK[code]))

    def once_it_stands(self, item: str) -> Ceiling:
        """Once an item was weighed and stands: it caps what was concluded as well."""
        free = self.uncapped if self.caps else self.own
        return replace(
            self, caps=self.caps | {item}, own=min(self.own, "V2", key=lambda code: RANK[code]), uncapped=free
        )


@dataclass(frozen=True)
class ItemFacts:
    """One source item as the verification rules see it. A survivor's account has a T grade and never A-F (R-VER-0).

    `assessed`: two assessors gave an account its grade, each alone. `waits`: the linked report it came with, when no
    verifier concluded anything from the two together yet, or ADDED for an item that came after the verifier concluded, or
    was consented to since; `stood`: a verifier had concluded that linked report by itself, and it names
    every actor that this one names; `under` is what she concluded. `then`: the grade it counts at until
    a verifier looks again, where one person gave it another since (grades.no_more_than). `source`: what people found its
    report and others to go back to together, when they were linked as of the same source; `report` is the one it was filed with.
    `capped`: what capped its report was taken away and not weighed, and no verifier has looked since (decision 0056).
    """

    ref: str
    kind: str
    primary: bool
    reliability: str = ""
    credibility: int = 0
    testimony: str = ""
    person: str = ""
    parents: frozenset[str] = frozenset()
    contrary: bool = False
    weighed: bool = False
    live: bool = True
    assessors: int = 0
    assessed: bool = True
    waits: str = ""
    stood: bool = False
    under: Ceiling | None = None
    then: Grade | None = None
    source: str = ""
    report: str = ""
    capped: bool = False

    @property
    def account(self) -> bool:
        """Whether a person told it."""
        return grades.is_account(self.kind)

    @property
    def as_seen(self) -> ItemFacts:
        """The item at a grade that no verifier has yet to see."""
        g = self.then
        if g is None:
            return self
        return replace(
            self, then=None, testimony=g.testimony, reliability=g.reliability, credibility=g.credibility,
            assessed=g.assessed, assessors=g.assessors,
        )  # fmt: skip

    @property
    def qualifies(self) -> bool:
        """An account at T1-T2; anything else at reliability A-C with credibility 1-3. The kind decides which scale counts."""
        if self.account:
            return self.testimony in {"T1", "T2"}
        return self.reliability in {"A", "B", "C"} and 1 <= self.credibility <= 3

    @property
    def strong(self) -> bool:
        """Reliability A-B with credibility 1-2. Never an account (R-VER-0)."""
        return not self.account and self.reliability in {"A", "B"} and 1 <= self.credibility <= 2

    @property
    def primary_testimony(self) -> bool:
        """Account of a survivor, eyewitness or insider, at T1 or T2 by two assessors."""
        return self.primary and self.account and self.settled

    @property
    def settled(self) -> bool:
        """Whether it carries more than V2: a grade that one person typed is not yet an account's grade (R-VER-0)."""
        return self.qualifies and (self.assessed or not self.account)


@dataclass(frozen=True)
class Level:
    """A verification level with the rule that gives it, sentence by sentence. `held`: the higher one its items would give, where
    it stays at what was last concluded, else ""."""

    code: str
    because: tuple[str, ...]
    items: tuple[str, ...] = ()
    held: str = ""

    @property
    def verified(self) -> bool:
        return self.code in VERIFIED_LEVELS

    @property
    def counts_for_base(self) -> bool:
        return self.code in BASE_LEVELS


# A root that stands for what several items were found to have in common: the same words, or the same file.
SAME_WORDS, SAME_FILE = "words:", "file:"


def root_sets(items: Iterable[ItemFacts]) -> dict[str, frozenset[str]]:
    """Ultimate ancestors of each item in the provenance graph (R-VER-1). Ten articles citing one report have one root."""
    items = list(items)
    parents = {i.ref: i.parents for i in items}
    # Who has the same words, or the same file, as another goes back to what that one goes back to.
    marks = {m for i in items for m in i.parents if m.startswith((SAME_WORDS, SAME_FILE))}
    for mark in marks:
        parents[mark] = frozenset(p for i in items if mark in i.parents for p in i.parents - {mark})

    def climb(ref: str) -> frozenset[str]:
        roots, walked, waiting = set(), set(), [ref]
        while waiting:
            at = waiting.pop()
            if at not in walked:
                walked.add(at)
                above = parents.get(at, frozenset())
                waiting += above
                if not above:
                    roots.add(at)
        # Items that only cite each other, in a circle, have one origin together.
        return frozenset(roots or walked)

    return {i.ref: climb(i.ref) for i in items}


def independent(a: ItemFacts, b: ItemFacts, roots: Mapping[str, frozenset[str]]) -> bool:
    """Root sets disjoint and the persons different (R-VER-1). An account without a pseudonym is nobody else's.

    No item of one report is independent of an item of another that was linked to it as going back to the same source.
    """
    different = grades.different_persons(a.kind, a.person, b.kind, b.person)
    one_source = bool(a.source) and a.source == b.source and a.report != b.report
    return a.ref != b.ref and not roots[a.ref] & roots[b.ref] and different and not one_source


def _three_roots(items: Sequence[ItemFacts], roots: Mapping[str, frozenset[str]]) -> tuple[ItemFacts, ...]:
    for trio in combinations(items, 3):
        if all(independent(a, b, roots) for a, b in combinations(trio, 2)):
            return trio
    return ()


# Kept as said in English, whoever files it; said in the reader's language when it is read (alliance/sentences.py).
NO_ITEM_YET = "Recorded; no item yet."
# How high a level stands, for what may raise it: V3d below the others of V3, since it never counts for a base set.
RANK = {"V1": 0, "V2": 1, "V3d": 2, "V3a": 3, "V3b": 3, "V3c": 3, "V4": 4}
ADDED = "added"
ADDED_SINCE = "An item added since, or consented to since, may raise it to {level}, once a verifier who neither collected this report nor added it looks again (SOD-01)."
GRADED_SINCE = "A grade given since may raise it to {level}, once a verifier who neither collected this report nor gave that grade looks again (SOD-01)."
LOOK_AGAIN = "A report linked to this one may raise it to {level}, once a verifier who collected neither looks at both (R-VER-5, SOD-01)."

CAP_STAYS = (
    "What this was concluded on has changed, so it stays at V2 until a verifier looks again who neither collected this report nor "
    "made that change (R-VER-3, SOD-01)."
)

HELD_BACK = "Its items would give {level}; it stays at {stays}, at which it was last concluded, until a verifier looks again (SOD-01)."
NOT_SAID = "Its items would give {level}, but that it matches a pattern was not concluded of them, so it stays at {stays} until a verifier looks again (SOD-01)."


def verification_level(
    items: Sequence[ItemFacts], *, base: int = 0, matches_pattern: bool = False, ceiling: Ceiling | None = None
) -> Level:
    """The level that the live items support, and why (V1-V4, R-VER-0 to R-VER-5).

    `base` is the number of base-set incidents of the pattern this one is said to match (for V3d). What waits for a
    verifier lowers a level at once and raises none. `ceiling`: what a verifier last concluded; the level is at most that.
    """
    found = _as_far_as_seen(items, base=base, matches_pattern=matches_pattern)
    return found if ceiling is None else _at_most(ceiling, found, items, base=base, matches_pattern=matches_pattern)


def _at_most(ceiling: Ceiling, found: Level, items: Sequence[ItemFacts], *, base: int, matches_pattern: bool) -> Level:
    """A level as far as it was concluded (decision 0058). V3d stands where it was, whatever else the items would give."""
    if found.code == "V3d" and not ceiling.lifts:
        return replace(_held(ceiling, found, _as_far_as_seen(items)), held=found.code)
    if found.code == "V3d" or RANK[found.code] <= RANK[ceiling.own]:
        return found
    # Above what was concluded: as a T1 account that matches a pattern it may still be what was.
    above = RANK[found.code] > RANK["V3d"] > RANK[ceiling.own]
    if above and ceiling.lifts and matches_pattern and base >= V3D_BASE:
        had = [i.as_seen for i in items if not i.waits]
        if single := _confirmed(had):
            says = HELD_BACK.format(level=found.code, stays="V3d")
            return Level("V3d", (*_left_out(items), _matching(base), says), (single[0].ref,), found.code)
    return replace(_held(ceiling, found, found), held=found.code)


def _held(ceiling: Ceiling, whole: Level, lower: Level) -> Level:
    """The level below `whole` that stays: `lower`, or what was concluded where that is still less."""
    if RANK[lower.code] <= RANK[ceiling.own]:
        return Level(lower.code, (*lower.because, NOT_SAID.format(level=whole.code, stays=lower.code)), lower.items)
    said = HELD_BACK.format(level=whole.code, stays=ceiling.own)
    return Level(ceiling.own, (*(b for b in whole.because if b.endswith(_LEFT_OUT)), said), lower.items)


_LEFT_OUT = "left out (R-VER-4)."


def _left_out(items: Sequence[ItemFacts]) -> tuple[str, ...]:
    dropped = sum(not i.live for i in items)
    return (f"{dropped} item(s) without a live consent are {_LEFT_OUT}",) if dropped else ()


def _confirmed(items: Iterable[ItemFacts]) -> list[ItemFacts]:
    """Live first-hand accounts at T1 by two assessors: what a pattern may lift (R-VER-2)."""
    return [
        i for i in items
        if i.live and not i.contrary and i.primary_testimony and i.testimony == "T1" and i.assessors >= 2
    ]  # fmt: skip


def _matching(base: int) -> str:
    return f"A T1 testimony confirmed by two assessors, matching a pattern with at least {base} base incidents (five needed): V3d."


def capping(items: Iterable[ItemFacts]) -> frozenset[str]:
    """References of the live items that cap a report now: they speak strongly against it and are not weighed (R-VER-3)."""
    return frozenset(i.ref for i in items if i.live and i.contrary and not i.weighed and (i.strong or i.as_seen.strong))


def uncapped(items: Sequence[ItemFacts]) -> str:
    """The level these items would have without what caps them (R-VER-3)."""
    return verification_level([replace(i, weighed=True, capped=False) for i in items]).code


def concluded(items: Sequence[ItemFacts], *, matches_pattern: bool, under: Ceiling | None = None) -> Ceiling:
    """What a verifier concludes of these items (decision 0058). `under`: what was concluded before, where she only says that it holds."""
    own = verification_level(items, ceiling=under).code
    free = uncapped(items)
    caps = capping(items)
    lifted = matches_pattern and bool(_confirmed(items))
    if under is None:
        return Ceiling(own, lifted, free, caps)
    before = under.uncapped or (free if under.caps else under.own)
    free = min(free, before, key=lambda code: RANK[code])
    return Ceiling(own, lifted and under.lifted, free, caps | under.caps)


def _as_far_as_seen(items: Sequence[ItemFacts], *, base: int = 0, matches_pattern: bool = False) -> Level:
    """The level of all items, where what waits for a verifier raises nothing."""
    whole = _level(items, items, base=base, matches_pattern=matches_pattern)
    if not any(i.waits or i.then for i in items):
        return whole
    # What verifiers concluded: the report by itself, and each linked one that had been concluded by itself.
    had = [i.as_seen for i in items]
    apart = [
        [i for i in had if not i.waits],
        *([i for i in had if i.waits == w] for w in sorted({i.waits for i in had if i.stood})),
    ]
    found = [_of_a_part(part, had, base=base, matches_pattern=matches_pattern) for part in apart]
    own = max(found, key=lambda level: RANK[level.code])
    if RANK[whole.code] <= RANK[own.code]:
        return whole
    waiting = {i.waits for i in items if i.waits}
    graded = any(i.then for i in items)
    says = [LOOK_AGAIN] * bool(waiting - {ADDED}) + [ADDED_SINCE] * (ADDED in waiting) + [GRADED_SINCE] * graded
    return Level(own.code, (*own.because, *(s.format(level=whole.code) for s in says)), own.items)


def _of_a_part(part: Sequence[ItemFacts], every: Sequence[ItemFacts], *, base: int, matches_pattern: bool) -> Level:
    """The level of a report's own items, or of those of one linked to it: of that one at most what was concluded of it."""
    level = _level(part, every, base=base, matches_pattern=matches_pattern)
    if not part or (ceiling := part[0].under) is None or not part[0].waits:
        return level
    if level.code == "V3d" and not ceiling.lifts:
        level = _level(part, every, base=0, matches_pattern=False)
    elif level.code == "V3d":
        return level
    return level if RANK[level.code] <= RANK[ceiling.own] else replace(level, code=ceiling.own)


def _level(items: Sequence[ItemFacts], every: Sequence[ItemFacts], *, base: int, matches_pattern: bool) -> Level:
    """The level of some of a report's items; `every` are all of them, among which origins are shared."""
    live = [i for i in items if i.live]  # R-VER-4
    notes = _left_out(items)
    for_it = [i for i in live if not i.contrary]
    qualifying = [i for i in for_it if i.qualifies]
    if not qualifying:
        return Level("V1", (*notes, "Recorded; no item qualifies (A-C with 1-3, or T1-T2), so it is alleged."))
    against = [i for i in live if i.contrary and i.strong and not i.weighed]
    if against:
        return Level(
            "V2",
            (*notes, "A strong contrary item caps the incident at V2, and no weighing has ended that (R-VER-3)."),
            (qualifying[0].ref,),
        )
    if any(i.capped for i in items):
        return Level("V2", (*notes, CAP_STAYS), (qualifying[0].ref,))
    # Over all items: what two live ones both go back to stays their one origin when its own consent has ended.
    roots = root_sets(every)
    ungraded = [i for i in qualifying if not i.settled]
    one, qualifying = qualifying[0], [i for i in qualifying if i.settled]
    strong = [i for i in qualifying if i.strong]
    trio = _three_roots(qualifying, roots)
    first_rank = sum(i.account and i.testimony == "T1" for i in qualifying)
    if trio and sum(i.primary for i in qualifying) >= 2 and (strong or first_rank >= 2):
        why = "Three independent roots, two primary items, and a strong item or two T1 accounts: V4."
        return Level("V4", (*notes, why), tuple(i.ref for i in trio))
    testimonies = [i for i in qualifying if i.primary_testimony]
    for a, b in combinations(testimonies, 2):
        if independent(a, b, roots):
            return Level("V3b", (*notes, "Two independent primary testimonies at T1 or T2: V3b."), (a.ref, b.ref))
    for a in testimonies:
        for b in qualifying:
            if not b.account and independent(a, b, roots):
                why = "A primary testimony at T1 or T2 and an independent qualifying item: V3a."
                return Level("V3a", (*notes, why), (a.ref, b.ref))
    for a in strong:
        for b in qualifying:
            if a.primary and independent(a, b, roots):
                why = "A strong primary item that is no testimony and an independent qualifying item: V3c."
                return Level("V3c", (*notes, why), (a.ref, b.ref))
    single = _confirmed(qualifying)
    if single and matches_pattern and base >= V3D_BASE:
        return Level("V3d", (*notes, _matching(base)), (single[0].ref,))
    missing = "no independent second item"
    if ungraded:
        whose = "one account counts" if len(ungraded) == 1 else f"{len(ungraded)} accounts count"
        missing = f"{whose} alone until two assessors have graded {'it' if len(ungraded) == 1 else 'them'} (R-VER-0)"
    elif single and matches_pattern:
        missing = f"it matches a pattern, but the base set has {base} incidents and V3d needs {V3D_BASE}"
    elif len(qualifying) > 1:
        missing = "the qualifying items share a root or a person, or none is primary"
    return Level("V2", (*notes, f"At least one qualifying item, but {missing}: V2."), (one.ref,))


def testimony_needs_third(first: str, second: str) -> bool:
    """A third assessor is needed when two differ by two or more, or straddle T2/T3 (R-VER-0)."""
    a, b = int(first[1]), int(second[1])
    return abs(a - b) >= 2 or (min(a, b) <= 2 < max(a, b))


@dataclass(frozen=True)
class IncidentFacts:
    """One incident as the pattern rules see it. `area` is the second-level area, `area1` the first-level one.

    `actor` is the one named first, `also` those besides. `ceiling`: what was last concluded of it, while that
    stands. `level_for` holds, where several are named, the level it has for each:
    V3d only by that actor's own base set.
    """

    ref: str
    on: date
    area: str
    victims: int
    actor: str
    items: tuple[ItemFacts, ...] = ()
    matches_pattern: bool = False
    level: Level | None = None
    area1: str = ""
    precision: str = "day"
    earliest: date | None = None
    latest: date | None = None
    also: frozenset[str] = frozenset()
    level_for: Mapping[str, Level] = field(default_factory=dict)
    told: date | None = None
    ceiling: Ceiling | None = None

    @property
    def days(self) -> patterns.Days:
        """The last and the first day it can have been: as given, and not after the day on which it was last `told`."""
        latest, earliest = patterns.days_of(self.on, self.precision, self.earliest, self.latest)
        return (latest if self.told is None else max(earliest, min(latest, self.told))), earliest

    @property
    def actors(self) -> frozenset[str]:
        """Every actor it names."""
        return self.also | {self.actor}

    def as_counted_for(self, actors: Collection[str]) -> Level | None:
        """The level it has for these actors together: the highest it has for one of them that it names."""
        theirs = [level for actor, level in self.level_for.items() if actor in actors]
        return max(theirs, key=lambda level: RANK[level.code], default=self.level)


def levels(incidents: Iterable[IncidentFacts]) -> list[IncidentFacts]:
    """Every incident with its level; V3d is decided last, per actor, from a base set it is not part of (R-VER-2).

    The base set is that of a pattern, so of twelve months: the largest of any window that holds the incident. One that names
    several actors has a level for each, and as a whole the highest of these (decision 0048).
    """
    first = [replace(i, level=verification_level(i.items, ceiling=i.ceiling)) for i in incidents]
    base: dict[str, list[patterns.Days]] = {}
    for i in first:
        if i.level and i.level.counts_for_base:
            for actor in i.actors:
                base.setdefault(actor, []).append(i.days)
    days = {actor: sorted(found) for actor, found in base.items()}

    def level(i: IncidentFacts, actors: Iterable[str]) -> Level:
        n = max(patterns.support(i.days, days.get(a, [])) for a in actors) if i.matches_pattern else 0
        return verification_level(i.items, base=n, matches_pattern=i.matches_pattern, ceiling=i.ceiling)

    return [
        replace(i, level=level(i, i.actors), level_for={a: level(i, [a]) for a in sorted(i.actors)} if i.also else {})
        for i in first
    ]


def in_scope(forms: Iterable[str], links: Iterable[str]) -> bool:
    """An incident is in scope with at least one violence form and one conflict link (R-TAX-1)."""
    return any(forms) and any(links)


def gbvims_type(numbers: Iterable[int]) -> int | None:
    """The single GBVIMS type: the minimum over the forms' types (R-TAX-2); None when no form has one."""
    return min(numbers, default=None)
