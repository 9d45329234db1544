"""Whether she may be contacted, what care is still in time, what a provider is told. Values in, values out; no framework.

Sources: SC-6, SC-8, SC-13, R-NOT-1, R-NOT-2, R-TIME-3 (domain.md §1, §2.5, §5.10), scenario S9.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from answerable.common.deadlines import end_of_calendar_days, hours_after, in_time

TABLES = Path(__file__).with_name("tables")


@cache
def needs() -> Mapping[str, Mapping[str, str]]:
    """Kinds of need by code, with the hours within which the help works, where there is such a limit."""
    with (TABLES / "needs.csv").open(encoding="utf-8", newline="") as f:
        return {row["code"]: row for row in csv.DictReader(f)}


@cache
def outcomes() -> Mapping[str, Mapping[str, str]]:
    """What can come of a contact, by code; `stops` marks what makes the plan unsafe until it is reviewed."""
    with (TABLES / "outcomes.csv").open(encoding="utf-8", newline="") as f:
        return {row["code"]: row for row in csv.DictReader(f)}


# --- the safe contact plan (SC-6) ---------------------------------------------------------------------------------

LETTER, PHONE, SMS, MESSAGING, EMAIL, IN_PERSON, ORGANISATION, DOOR = (
    "letter", "phone", "sms", "messaging", "e-mail", "in person", "through an organisation", "door",
)  # fmt: skip
WAYS = (LETTER, PHONE, SMS, MESSAGING, EMAIL, IN_PERSON, ORGANISATION, DOOR)
# These reach a room at a moment, so the hour matters. A letter has no hour, and her own door is opened by herself.
AT_AN_HOUR = frozenset({PHONE, SMS, MESSAGING, EMAIL, IN_PERSON, ORGANISATION})
# Never by the system, whatever a plan says; a person may, where she chose it (security.md §2.5).
NEVER_BY_THE_SYSTEM = frozenset({SMS, EMAIL})
CALL, VISIT, MESSAGE, REPLY, NOTICE, PAYMENT_NOTICE, STATEMENT = (
    "call", "visit", "message", "reply", "notice", "payment notice", "statement",
)  # fmt: skip
KINDS = (CALL, VISIT, MESSAGE, REPLY, NOTICE, PAYMENT_NOTICE, STATEMENT)
BY_A_PERSON = frozenset({CALL, VISIT, MESSAGE, REPLY})
# R-NOT-2: in an unsafe household nothing about money goes out. She hears of it when she is reached otherwise.
NOT_IN_AN_UNSAFE_HOUSEHOLD = frozenset({PAYMENT_NOTICE, STATEMENT})
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True)
class Window:
    """A weekday (Monday is 0) and hours in her own time zone: from `begins`, up to but not at `ends`."""

    day: int
    begins: time
    ends: time

    @classmethod
    def read(cls, text: str) -> Window:
        """Read `TUE 10:00-12:00`. Raises ValueError for anything else, and for an end that is not after the beginning."""
        day, _, hours = text.strip().upper().partition(" ")
        begins, _, ends = hours.replace("–", "-").replace(" ", "").partition("-")
        window = cls(DAYS.index(day[:3]), time.fromisoformat(begins), time.fromisoformat(ends))
        if window.begins >= window.ends or window.begins.tzinfo or window.ends.tzinfo:
            raise ValueError("a window ends after it begins, on the same day")
        return window

    def __str__(self) -> str:
        return f"{DAYS[self.day]} {self.begins:%H:%M}-{self.ends:%H:%M}"


@dataclass(frozen=True)
class Plan:
    """How she may be reached. Whatever is not said here is not allowed.

    `windows` empty and `any_time` False: no hour is allowed. `letter` is asked on its own, because a letter lies about
    (R-NOT-1). `unsafe_household` is UF-14; `safe` is False from the moment something went wrong until it is reviewed.
    """

    ways: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    any_time: bool = False
    time_zone: str = "UTC"
    letter: bool = False
    voicemail: bool = False
    do_not_contact: bool = False
    unsafe_household: bool = False
    safe: bool = True
    language: str = "en"
    words: str = ""
    sender: str = ""
    code_phrase: str = ""
    may_answer: str = ""
    must_not_know: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values, to be sealed."""
        return {**asdict(self), "ways": sorted(self.ways), "windows": [str(w) for w in self.windows]}


TEXTS = ("words", "sender", "code_phrase", "may_answer", "must_not_know")
SWITCHES = ("any_time", "letter", "voicemail", "do_not_contact", "unsafe_household", "safe")


def plan_problems(data: Mapping[str, Any]) -> list[str]:
    """Every reason why these values are not a plan, as codes: way, nothing, both, window, zone, hours, letter."""
    problems = []
    ways = set(data.get("ways") or ())
    if ways - set(WAYS):
        problems.append("way")
    if not ways and not data.get("do_not_contact"):
        problems.append("nothing")
    if data.get("do_not_contact") and (ways or data.get("letter")):
        problems.append("both")
    try:
        [Window.read(str(w)) for w in data.get("windows") or ()]
    except ValueError:
        problems.append("window")
    try:
        ZoneInfo(str(data.get("time_zone") or "UTC"))
    except (ValueError, OSError, KeyError):
        problems.append("zone")
    if ways & AT_AN_HOUR and not data.get("windows") and not data.get("any_time") and not data.get("do_not_contact"):
        problems.append("hours")
    if (LETTER in ways) != bool(data.get("letter")):
        problems.append("letter")
    return problems


def read_plan(data: Mapping[str, Any]) -> Plan:
    """A plan from plain values. Raises ValueError when `plan_problems` finds any that leaves open what is meant.

    A plan written down with both “do not contact” and ways is none that is taken today; one kept from before is still
    read, because “do not contact” comes before everything else it says.
    """
    if problems := [p for p in plan_problems(data) if p != "both"]:
        raise ValueError(", ".join(problems))
    values: dict[str, Any] = {name: str(data.get(name) or "") for name in TEXTS}
    values |= {name: bool(data.get(name, name == "safe")) for name in SWITCHES}
    return Plan(
        ways=frozenset(data.get("ways") or ()),
        windows=tuple(Window.read(str(w)) for w in data.get("windows") or ()),
        time_zone=str(data.get("time_zone") or "UTC"),
        language=str(data.get("language") or "en"),
        **values,
    )


@dataclass(frozen=True)
class Answer:
    """Whether a contact is allowed, why as a code, and when it would be (`next_at`), for a person who plans one."""

    allowed: bool
    because: str
    next_at: datetime | None = None


def in_window(plan: Plan, at: datetime) -> bool:
    """Whether `at` lies in one of her windows, by the clock on her own wall. The last minute named is outside:
    a call begun then would go on after it.
    """
    if plan.any_time:
        return True
    there = at.astimezone(ZoneInfo(plan.time_zone))
    wall = there.time().replace(tzinfo=None)
    return any(w.day == there.weekday() and w.begins <= wall < w.ends for w in plan.windows)


def next_window(plan: Plan, after: datetime) -> datetime | None:
    """The first instant at or after `after`, in UTC, that lies in one of her windows; None when there is none."""
    if in_window(plan, after):
        return after.astimezone(UTC)
    zone = ZoneInfo(plan.time_zone)
    there = after.astimezone(zone)
    found = []
    for days in range(15):
        day: date = there.date() + timedelta(days=days)
        for w in plan.windows:
            begins = datetime.combine(day, w.begins, tzinfo=zone).astimezone(UTC)
            # Where clocks go forward an hour does not exist; what is found must be inside by her own clock.
            if w.day == day.weekday() and begins >= after and in_window(plan, begins):
                found.append(begins)
    return min(found) if found else None


def may_contact(plan: Plan | None, via: str, at: datetime, kind: str = NOTICE) -> Answer:
    """Whether this may reach her this way at this moment. Default deny; no plan is a no (R-NOT-1, R-NOT-2).

    An answer that waits behind her own code, where she wrote first, is no message that goes out; a plan that says “do
    not contact”, or one that went wrong, stops it too.

    Raises ValueError for a way or a kind that does not exist, and for an instant without a zone.
    """
    if via not in WAYS or kind not in KINDS or at.tzinfo is None:
        raise ValueError(f"{via}, {kind}: not a way or a kind of contact, or no instant")
    if plan is None:
        # What waits at her own door, where she wrote and asked, goes nowhere: she comes for it, or does not.
        return Answer(True, "her_door") if (via, kind) == (DOOR, REPLY) else Answer(False, "no_plan")
    if plan.do_not_contact:
        return Answer(False, "do_not_contact")
    if not plan.safe:
        return Answer(False, "unsafe")
    if via in NEVER_BY_THE_SYSTEM and kind not in BY_A_PERSON:
        return Answer(False, "never_by_the_system")
    if plan.unsafe_household and kind in NOT_IN_AN_UNSAFE_HOUSEHOLD:
        return Answer(False, "unsafe_household")
    if via not in plan.ways and (via, kind) != (DOOR, REPLY):
        return Answer(False, "way")
    if via == LETTER and not plan.letter:
        return Answer(False, "letter")
    if via in AT_AN_HOUR and not in_window(plan, at):
        return Answer(False, "hour", next_window(plan, at))
    return Answer(True, "plan")


@dataclass(frozen=True)
class Sender:
    """Something that can reach her: by which way, and as what."""

    via: str
    kind: str


# What a person of the office can set going. Apps above register what they send besides (contacting.register).
SENDERS: Mapping[str, Sender] = {
    "call": Sender(PHONE, CALL),
    "visit": Sender(IN_PERSON, VISIT),
    "message by hand": Sender(MESSAGING, MESSAGE),
    "through an organisation": Sender(ORGANISATION, MESSAGE),
    "letter": Sender(LETTER, NOTICE),
    "letter of acknowledgement": Sender(LETTER, NOTICE),
    "statement": Sender(LETTER, STATEMENT),
    "payment notice": Sender(LETTER, PAYMENT_NOTICE),
    "payment notice by message": Sender(MESSAGING, PAYMENT_NOTICE),
    "automatic SMS": Sender(SMS, NOTICE),
    "automatic e-mail": Sender(EMAIL, NOTICE),
}

# --- care that is in time (SC-8) ----------------------------------------------------------------------------------

PEP_HOURS, CONTRACEPTION_HOURS = 72, 120
YES, PERHAPS, NO = "YES", "PERHAPS", "NO"


@dataclass(frozen=True)
class CareClocks:
    """The exact instants until which each works; none when the hour is not known."""

    pep_until: datetime | None = None
    contraception_until: datetime | None = None


def care_clocks(event_at: datetime | None) -> CareClocks:
    """72 and 120 hours, exact, no roll (R-TIME-3)."""
    if event_at is None:
        return CareClocks()
    return CareClocks(hours_after(event_at, PEP_HOURS), hours_after(event_at, CONTRACEPTION_HOURS))


def still_in_time(until: datetime | None, now: datetime) -> bool:
    """Whether help that works until then is in time now: exactly then it is, a second later it is not."""
    return until is not None and in_time(now, until)


# What she may answer, and the hours that can have passed since: more than the first, less than the second.
WHEN: Mapping[str, tuple[float, float]] = {
    "today": (0, 24),
    "yesterday": (0, 48),
    "two_days": (24, 72),
    "three_to_five": (48, 144),
    "longer": (120, float("inf")),
    "not_said": (0, float("inf")),
}


@dataclass(frozen=True)
class StillWorks:
    """For one answer: whether each of the two still works. Everything else always does."""

    pep: str
    contraception: str


def _within(limit: int, least: float, most: float) -> str:
    if most <= limit:
        return YES
    return NO if least >= limit else PERHAPS


def still_works(when: str) -> StillWorks:
    """What still works if it happened then. Days are her words, not clocks, so where some hours of a day are in time
    and others are not the answer is “perhaps: go now”. Raises KeyError for another answer.
    """
    least, most = WHEN[when]
    return StillWorks(_within(PEP_HOURS, least, most), _within(CONTRACEPTION_HOURS, least, most))


# --- referrals -----------------------------------------------------------------------------------------------------


def to_provider(
    designation: str, need: str, *, consent: bool, contact: str = "", consent_contact: bool = False
) -> dict[str, str]:
    """All that a provider is told: a designation and the need; a way to reach her only if her consent covers that.

    Raises ValueError without her consent to the referral itself (CP-CARE): then nothing is told to anybody.
    """
    if not consent:
        raise ValueError("no consent to this referral (CP-CARE)")
    told = {"designation": designation, "need": need}
    if consent_contact and contact:
        told["contact"] = contact
    return told


REVIEW_DAYS = 90


def review_due(confirmed_on: date) -> datetime:
    """When an entry of the directory must be looked at again: 90 days after it was confirmed."""
    return end_of_calendar_days(confirmed_on, REVIEW_DAYS, act=False)


# --- grievances (SC-13, A17) ----------------------------------------------------------------------------------------

GENERAL, SENSITIVE = "GENERAL", "SENSITIVE"
# Whatever touches the conduct of people who work for us is read by the ombudsperson alone unless she allows more.
ABOUT: Mapping[str, str] = {
    "DELAY": GENERAL, "DECISION": GENERAL, "DATA": GENERAL, "ACCESS": GENERAL, "OTHER": GENERAL,
    "CONDUCT": SENSITIVE, "EXPLOITATION": SENSITIVE, "REPRISAL": SENSITIVE, "BREACH": SENSITIVE,
}  # fmt: skip
ROOM_GENERAL, ROOM_SENSITIVE, ROOM_SHARED = "grievances/general", "grievances/sensitive", "grievances/shared"


def grievance_class(about: Iterable[str]) -> str:
    """SENSITIVE as soon as one subject is, and when a subject is unknown to us."""
    found = [ABOUT.get(a, SENSITIVE) for a in about]
    return SENSITIVE if SENSITIVE in found else GENERAL


def grievance_room(sensitivity: str, *, safeguarding_may_know: bool) -> str:
    """The compartment: general to ombudsperson and data protection officer; sensitive to the ombudsperson alone, or
    with the safeguarding officer where she allowed that.
    """
    if sensitivity == GENERAL:
        return ROOM_GENERAL
    return ROOM_SHARED if safeguarding_may_know else ROOM_SENSITIVE


@dataclass(frozen=True)
class GrievanceClocks:
    """Acknowledged in 72 hours, answered in 30 days; an imminent risk is looked at in 24 hours."""

    acknowledge: datetime
    answer: datetime
    risk: datetime


def grievance_clocks(received_at: datetime, holidays: frozenset[date] = frozenset()) -> GrievanceClocks:
    """Clocks of a complaint. Hours are exact; days end as R-TIME-1 says."""
    return GrievanceClocks(
        hours_after(received_at, 72),
        end_of_calendar_days(received_at, 30, holidays=holidays),
        hours_after(received_at, 24),
    )


CASE_TEAM = frozenset({"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel"})
