"""Who is entitled, whether there is a quorum, and what a count of ballots means (domain.md §4.5).

Only integers: "at least 55 %" is 100 × for ≥ 55 × eligible. Populations are in persons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from answerable.common.deadlines import hours_after, working_days_after

FOR, AGAINST, ABSTAIN = "for", "against", "abstain"
CHOICES = (FOR, AGAINST, ABSTAIN)
ADOPTED, REJECTED, NO_QUORUM = "ADOPTED", "REJECTED", "NO_QUORUM"
BLOCKING_MEMBERS, BLOCKING_PERCENT, POPULATION_PERCENT = 4, 35, 65
MEMBER_PERCENT = {"DR-QMV": 55, "DR-RQMV": 72}
COUNTED_RULES = ("DR-SIMPLE", "DR-TWOTHIRDS", "DR-ABS", "DR-QMV", "DR-RQMV", "DR-CONS", "DR-CCA")
RETURN_AFTER_DAYS = 90
SECOND_CALL_WORKING_DAYS = 3
SILENCE_HOURS = {"default": 72, "urgent": 24, "longest": 120, "extension": 24}


@dataclass(frozen=True)
class MemberFacts:
    """A member on the day of a vote."""

    code: str
    population: int
    standing: str = "MEMBER"
    recused: str = ""


@dataclass(frozen=True)
class Entitlement:
    """Who may vote, and for everyone else the reason why not (form A10)."""

    eligible: tuple[str, ...]
    excluded: Mapping[str, str]
    population: Mapping[str, int]

    @property
    def total_population(self) -> int:
        return sum(self.population[c] for c in self.eligible)


def entitlement(members: list[MemberFacts]) -> Entitlement:
    """Eligible members: with a vote, less recused, suspended and in arrears (§4.5). They leave every denominator."""
    excluded: dict[str, str] = {}
    for m in members:
        if m.recused:
            excluded[m.code] = f"recused: {m.recused} (R-VOT-1)"
        elif m.standing == "IN_ARREARS":
            excluded[m.code] = "in arrears (§4.2)"
        elif m.standing == "SUSPENDED":
            excluded[m.code] = "suspended (§4.2)"
        elif m.standing != "MEMBER":
            excluded[m.code] = "not a member"
    eligible = tuple(sorted(m.code for m in members if m.code not in excluded))
    return Entitlement(eligible, excluded, {m.code: m.population for m in members})


@dataclass(frozen=True)
class Line:
    """One step of the arithmetic, as it is shown: what is compared, the sum, and whether it holds."""

    says: str
    sum: str
    holds: bool


@dataclass(frozen=True)
class Count:
    """The result of a vote with its arithmetic, so that anyone can do it again."""

    rule: str
    outcome: str
    arithmetic: tuple[Line, ...]
    for_: int
    against: int
    abstain: int
    absent: int
    present: int
    eligible: int
    margin: str = ""

    @property
    def adopted(self) -> bool:
        return self.outcome == ADOPTED


def quorum_needed(rule: str, eligible: int, *, reduced: bool = False, rung: int = 0) -> int:
    """Members that must be present: more than half, two thirds for DR-RQMV, one third on a second call for R0-R4."""
    if reduced and rung <= 4:
        return -(-eligible // 3)
    if rule == "DR-RQMV":
        return -(-2 * eligible // 3)
    return eligible // 2 + 1


def _line(says: str, left: int, right: int, text: str, *, strict: bool = False) -> Line:
    holds = left > right if strict else left >= right
    sign = (">" if strict else "≥") if holds else ("≤" if strict else "<")
    return Line(says, f"{text.format(left=f'{left:,}', right=f'{right:,}', sign=sign)}", holds)


def count_ballots(
    rule: str,
    ballots: Mapping[str, str],
    who: Entitlement,
    *,
    present: frozenset[str] | None = None,
    rung: int = 0,
    reduced_quorum: bool = False,
    qualified_abstainers: frozenset[str] = frozenset(),
) -> Count:
    """Count open ballots under a decision rule.

    `ballots` maps member code to for, against or abstain. Whoever cast one is present; `present` adds members who sit
    without voting. Ballots of members who are not eligible are not counted, wherever they came from.
    Raises ValueError for a rule that is not decided by counting (DR-CHAIR, DR-SILENCE, DR-PANEL).
    """
    if rule not in COUNTED_RULES:
        raise ValueError(f"{rule} is not decided by counting ballots")
    cast = {c: v for c, v in ballots.items() if c in who.eligible}
    here = (set(present or ()) & set(who.eligible)) | set(cast)
    e = len(who.eligible)
    supporters = [c for c, v in cast.items() if v == FOR]
    f, a, abst = (sum(v == choice for v in cast.values()) for choice in CHOICES)
    needed = quorum_needed(rule, e, reduced=reduced_quorum, rung=rung)
    lines = [
        _line("Quorum: members present against those needed", len(here), needed, f"{{left}} {{sign}} {{right}} of {e}")
    ]

    def result(outcome: str, margin: str = "") -> Count:
        return Count(rule, outcome, tuple(lines), f, a, abst, e - len(here), len(here), e, margin)

    if not lines[0].holds:
        return result(NO_QUORUM, f"{needed - len(here)} more present would make a quorum.")
    if rule in MEMBER_PERCENT:
        percent = MEMBER_PERCENT[rule]
        total = who.total_population
        p_for = sum(who.population[c] for c in supporters)
        without = e - f
        members = _line(f"Members in favour: at least {percent} % of those eligible", 100 * f, percent * e,
                        f"100 × {f} = {{left}} {{sign}} {{right}} = {percent} × {e}")  # fmt: skip
        people = _line(
            f"Population in favour: at least {POPULATION_PERCENT} %", 100 * p_for, POPULATION_PERCENT * total,
            f"100 × {p_for:,} = {{left}} {{sign}} {{right}} = {POPULATION_PERCENT} × {total:,}")  # fmt: skip
        enough = without >= BLOCKING_MEMBERS
        heavy = 100 * (total - p_for) > BLOCKING_PERCENT * total
        blocking = enough and heavy
        minority = Line(
            f"Blocking minority: at least {BLOCKING_MEMBERS} members not in favour with more than {BLOCKING_PERCENT} % "
            "of the population",
            f"{without} members, 100 × {total - p_for:,} {'>' if heavy else '≤'} {BLOCKING_PERCENT} × {total:,}: "
            + ("there is one" if blocking else "there is none"),
            not blocking,
        )
        lines += [members, people, minority]
        adopted = members.holds and (people.holds or not blocking)
        short = max(0, -(-percent * e // 100) - f)
        margin = f"{short} more members in favour would reach {percent} %." if short else ""
        return result(ADOPTED if adopted else REJECTED, margin)
    if rule == "DR-SIMPLE":
        lines.append(
            Line("At least one ballot for or against", f"{f} + {a} = {f + a} {'≥' if f + a else '<'} 1", f + a >= 1)
        )
        lines.append(_line("More for than against (a tie rejects)", f, a, "{left} {sign} {right}", strict=True))
    elif rule == "DR-TWOTHIRDS":
        lines.append(_line("Two thirds of ballots for and against", 3 * f, 2 * (f + a),
                           f"3 × {f} = {{left}} {{sign}} {{right}} = 2 × {f + a}"))  # fmt: skip
        lines.append(_line("At least one in favour", f, 1, "{left} {sign} {right}"))
    elif rule == "DR-ABS":
        lines.append(
            _line("More than half of eligible members", 2 * f, e, f"2 × {f} = {{left}} {{sign}} {{right}}", strict=True)
        )
    elif rule == "DR-CONS":
        lines.append(Line("No eligible member present objects", f"{a} against", a == 0))
    elif rule == "DR-CCA":
        q = sorted(qualified_abstainers & {c for c, v in cast.items() if v == ABSTAIN})
        pq = sum(who.population[c] for c in q)
        blocks = 3 * len(q) >= e and 3 * pq >= who.total_population and e > 0
        lines.append(Line("No vote against", f"{a} against", a == 0))
        lines.append(
            Line(
                "Qualified abstainers are less than a third of members or of population",
                f"3 × {len(q)} = {3 * len(q)} against {e}; 3 × {pq:,} against {who.total_population:,}",
                not blocks,
            )
        )
    short = max(0, a - f + 1) if rule == "DR-SIMPLE" else 0
    return result(
        ADOPTED if all(line.holds for line in lines) else REJECTED,
        f"{short} more in favour would carry it." if short and not all(x.holds for x in lines) else "",
    )


def recusal(code: str, *, target_state: str) -> str:
    """Why a member must be recused, or ''. The respondent state is, always (R-VOT-1)."""
    return "the proposal concerns this state" if target_state and code == target_state else ""


def second_call_from(first: datetime, holidays: frozenset[date]) -> date:
    """The first day on which a second call may be made: three working days after the first (§4.5, Quorum)."""
    return working_days_after(first, SECOND_CALL_WORKING_DAYS, holidays).date()


def may_return_from(rejected_on: date) -> date:
    """First day a rejected proposal returns without new facts (R-VOT-6)."""
    return rejected_on + timedelta(days=RETURN_AFTER_DAYS)


def silence_expiry(opened: datetime, *, hours: int = 72, extended: bool = False) -> datetime:
    """Exact expiry of a silence procedure; hours never roll (R-TIME-3). Raises ValueError beyond 120 hours."""
    if not 0 < hours <= SILENCE_HOURS["longest"]:
        raise ValueError("a silence lasts at most 120 hours")
    return hours_after(opened, hours + (SILENCE_HOURS["extension"] if extended else 0))


def correspondence_valid(replies: int, eligible: int) -> bool:
    """More than half of eligible members replied, in whatever sense (R-VOT-2)."""
    return 2 * replies > eligible
