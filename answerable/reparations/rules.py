"""Eligibility, urgency and awards (domain.md §5). Nobody need have complained, and nobody need have been convicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from answerable.common.deadlines import end_of_calendar_days, hours_after, working_days_after
from answerable.common.money import Money
from answerable.common.ratios import largest_remainder

# R-ELI-5: none of these may be asked for, in whatever words a programme's rules use them.
NEVER_REQUIRED: Mapping[str, str] = {
    "complaint": "a criminal complaint",
    "investigation": "an investigation",
    "conviction": "a conviction",
    "medical_report": "a medical report",
    "named_perpetrator": "the name of a perpetrator",
    "nationality": "a nationality",
    "residence": "residence in a place",
    "no_armed_group": "absence of association with armed groups",
    "time_limit": "a time limit on when the harm was done",
}


def programme_obstacles(
    required: Iterable[str], *, basis: Sequence[tuple[str, str]], recognition: str = ""
) -> list[str]:
    """Every reason a programme does not validate: a forbidden demand (invariant 2), or no basis for it (§5.3).

    `basis` lists findings in force as (kind, standard); a pattern or large-scale finding at SP2, or recognition by a
    UN listing, a competent court or domestic law, is enough.
    """
    obstacles = [
        f"The programme may not require {NEVER_REQUIRED[r]} (R-ELI-5). Take it out of the rules."
        for r in required
        if r in NEVER_REQUIRED
    ]
    if not recognition and not any(k in {"F-PAT", "F-LS"} and s in {"SP2", "SP3", "SP4", "SP5"} for k, s in basis):
        obstacles.append(
            "A programme opens on a pattern or large-scale finding at SP2, or on recognition by a UN listing, a "
            "competent court or domestic law (§5.3); none is given."
        )
    return obstacles


# Urgent needs are looked at within this many hours of lodging (§5.4).
SCREENING_HOURS = 72
FLAG_POINTS = {"0": 40, "1": 20, "2": 10}
CHILDS_BAND, NOT_YET_18, SIXTY_AND_OLDER = "under 18", "UF-16", frozenset({"UF-18", "UF-24"})
UNSAFE_HOME = "UF-14"


def is_childs(age_band: str, flags: Iterable[str]) -> bool:
    """Whether what was said makes the claim a child's: her age, or that it is urgent because she is not yet 18 (UF-16)."""
    return age_band == CHILDS_BAND or NOT_YET_18 in flags


def at_odds(age_band: str, flags: Iterable[str]) -> list[str]:
    """Flags that cannot be true beside this age: not yet 18 beside an adult's, 60 and older beside a child's.

    An age that was not said is at odds with none.
    """
    ruled_out = SIXTY_AND_OLDER if age_band == CHILDS_BAND else {NOT_YET_18} if age_band else set()
    return sorted(ruled_out & set(flags))


@dataclass(frozen=True)
class Urgency:
    """Level U0 (most urgent) to U3 and points, capped at 100 (§5.6)."""

    level: str
    score: int


def urgency(flags: Iterable[str]) -> Urgency:
    """Level is the highest flag present; score the sum of points, 100 at most. A flag reads UF-<tier><n>."""
    tiers = sorted({f.removeprefix("UF-")[0] for f in flags})
    score = sum(FLAG_POINTS[f.removeprefix("UF-")[0]] for f in set(flags))
    return Urgency(f"U{tiers[0]}" if tiers else "U3", min(100, score))


def queue_key(level: str, score: int, lodged_on: date, ref: str) -> tuple[str, int, date, str]:
    """Order of the queue: level, score descending, lodging date, claim (§5.6)."""
    return level, -score, lodged_on, ref


MET, NOT_MET, INSUFFICIENT = "MET", "NOT_MET", "INSUFFICIENT"


@dataclass(frozen=True)
class ClaimFacts:
    """A claim as the eligibility rules see it: coarse, and without a name. `events` are (first day, last day, area)."""

    claim_type: str
    situation_designated: bool
    first_day: date
    last_day: date
    area: str
    forms: frozenset[str]
    alive_or_heir: bool = True
    coherent: int = 0  # assessors who found the account plausible and coherent
    supporting_items: int = 0
    recognised_elsewhere: bool = False
    rebutted: bool = False
    actor: str = ""


@dataclass(frozen=True)
class PatternWindow:
    """What PR-2 presumes from: areas of a verified pattern, from its first to its last base-set incident."""

    ref: str
    first: date
    last: date
    areas: frozenset[str]
    actor: str


@dataclass(frozen=True)
class Criterion:
    """One criterion with its rule: met, not met, or not enough known."""

    rule: str
    status: str
    says: str


PATTERN_MARGIN_DAYS = 30


def presumed_by_pattern(claim: ClaimFacts, windows: Iterable[PatternWindow]) -> PatternWindow | None:
    """The pattern that covers the claim (PR-2): its area, and its window extended by 30 days each side."""
    for w in windows:
        margin = timedelta(days=PATTERN_MARGIN_DAYS)
        inside = w.first - margin <= claim.last_day and claim.first_day <= w.last + margin
        if inside and claim.area in w.areas and claim.actor in {"", w.actor}:
            return w
    return None


def eligibility(claim: ClaimFacts, windows: Iterable[PatternWindow] = ()) -> list[Criterion]:
    """Criteria R-ELI-1 to 8 and the ways of §5.5; assessors decide, this says what is met. No complaint, no conviction."""
    pattern = presumed_by_pattern(claim, windows)
    coherent = claim.coherent >= 1
    ways = []
    if claim.recognised_elsewhere:
        ways.append("a listed programme has recognised it (PR-7)")
    if pattern and coherent:
        ways.append(f"the account is coherent and pattern {pattern.ref} covers its place and time (PR-2)")
    if claim.supporting_items and coherent:
        ways.append("one supporting item and a coherent account")
    if claim.coherent >= 2 and not claim.rebutted:
        ways.append("a coherent account to two trained assessors")
    account = (
        Criterion("§5.5", MET, f"Enough: {'; '.join(ways)}.")
        if ways
        else Criterion("§5.5", INSUFFICIENT, "An assessor, or two where nothing supports it, must hear the account.")
    )
    return [
        Criterion("R-ELI-1", MET if claim.situation_designated else NOT_MET, "The situation is designated."
                  if claim.situation_designated else "The situation has no open programme."),
        Criterion("R-ELI-2", MET if claim.area else INSUFFICIENT, "Time and place are given, at any precision."
                  if claim.area else "A place, however rough, is needed."),
        Criterion("R-ELI-3", MET if claim.forms else INSUFFICIENT, "A form of violence, or “prefer not to say”, is given."
                  if claim.forms else "A form, or “prefer not to say”, is needed."),
        Criterion("R-ELI-4", MET if claim.claim_type.startswith("CL-") else NOT_MET, "The class of claimant is stated."),
        Criterion("R-ELI-5", MET, "No complaint, medical report, named perpetrator, investigation or conviction is asked."),
        Criterion("R-ELI-6", MET if claim.alive_or_heir else INSUFFICIENT, "The claimant is alive, or an heir."),
        Criterion("R-ELI-7", MET, "There is no time bar."),
        account,
    ]  # fmt: skip


def is_eligible(criteria: Iterable[Criterion]) -> bool:
    """Every criterion is met."""
    return all(c.status == MET for c in criteria)


FLAT_RU = {"CL-DIR": 30, "CL-CBR": 30, "CL-IND": 10, "CL-HLP": 10, "CL-HEI": 10}
CHILD_SUPPLEMENTS, CAP_RU, INTERIM_RU = 2, 45, 3


def award_units(claim_type: str, *, serious_injury: bool = False, children: int = 0) -> int:
    """Reparation units of the FLAT schedule with supplements RF-C06 and RF-C07, capped at 45 (§5.7).

    Raises KeyError for a class that gets no individual money (CL-COL, CL-ORG).
    """
    units = FLAT_RU[claim_type]
    if claim_type == "CL-DIR":
        units += 5 * serious_injury + 5 * min(children, CHILD_SUPPLEMENTS)
    return min(units, CAP_RU)


SET_OFF = {
    "court_compensation": True, "state_lump_sum": True, "international_interim": True, "alliance_interim": True,
    "pension": False, "symbolic": False, "humanitarian_aid": False,
}  # fmt: skip


def net_award(gross: Money, received: Iterable[tuple[str, Money]]) -> Money:
    """Gross less what was actually received under heads that set off, never below zero (§5.8)."""
    net = gross
    for kind, amount in received:
        if SET_OFF[kind]:
            net = net - amount
    return net if net.minor > 0 else Money(0, gross.currency)


def instalments(amount: Money, n: int) -> list[Money]:
    """Equal parts in minor units; the earlier ones take the odd cents (R-NUM-2)."""
    return [Money(part, amount.currency) for part in largest_remainder(amount.minor, [1] * n)]


@dataclass(frozen=True)
class Clocks:
    """When each step of a claim is due (§5.4)."""

    screening: datetime
    interim: datetime
    eligibility: datetime


def clocks(lodged_at: datetime, holidays: frozenset[date] = frozenset()) -> Clocks:
    """Urgent screening 72 hours, interim decision 10 working days, eligibility 45 days from lodging."""
    return Clocks(
        hours_after(lodged_at, SCREENING_HOURS),
        working_days_after(lodged_at, 10, holidays),
        end_of_calendar_days(lodged_at, 45, holidays=holidays),
    )


# A correction of her file is answered within this many days of its arrival (§7.5).
CORRECTION_DAYS = 30
# What an assessment, and an award after it, rests on; anything else may change without either being looked at again.
RESTS_ON = frozenset({"claim_type", "events_from", "events_to", "area1", "area2", "account"})
ASSESS_AGAIN, LOOK_AT_AWARD, NOW_CHILD, NO_CHILD = "ASSESS_AGAIN", "LOOK_AT_AWARD", "NOW_CHILD", "NO_CHILD"
LOOK_AT_PLAN, SCREEN_AGAIN = "LOOK_AT_PLAN", "SCREEN_AGAIN"


def correction_due(received: datetime, holidays: frozenset[date] = frozenset()) -> datetime:
    """Until when a correction is answered: the end of the thirtieth day, or of the next working day (R-TIME-1, §7.5)."""
    return end_of_calendar_days(received, CORRECTION_DAYS, holidays=holidays)


def touched(changed: Iterable[str], *, assessed: bool, decided: bool, was_child: bool, is_child: bool) -> list[str]:
    """What a correction of these fields makes work anew. An award stays until someone else looked at it (R-APP-1)."""
    found = []
    if RESTS_ON & set(changed):
        found += [LOOK_AT_AWARD] if decided else [ASSESS_AGAIN] if assessed else []
    if was_child != is_child:
        found.append(NOW_CHILD if is_child else NO_CHILD)
    return found


def same_hands(hands: Mapping[str, str]) -> list[str]:
    """SOD-05: intake, first and second assessor, award and appeal are five different persons. Returns the clashes."""
    seen: dict[str, str] = {}
    clashes = []
    for duty, person in hands.items():
        if person and person in seen:
            clashes.append(f"{seen[person]} and {duty} are the same person (SOD-05)")
        elif person:
            seen[person] = duty
    return clashes
