"""Dates as people know them: partial, approximate, or a range (EDTF, ISO 8601-2 levels 0 and 1, the part used here).

2026            a year                      2026-03/2026-05   from one to another, both ends included
2026-03         a month                     2026-03~          about then;  2026-03?  perhaps;  2026-03%  both
2026-03-04      a day                       2026-03-XX        a day of that month;  2026-XX  a month of that year
2026-33         the first quarter of the year, to 2026-36 for the fourth (ISO 8601-2 codes 33 to 36)
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

DAY, MONTH, QUARTER, YEAR, RANGE = "day", "month", "quarter", "year", "range"
LONGEST = 40
_ONE = re.compile(r"(\d{4})(?:-(\d{2}|XX)(?:-(\d{2}|XX))?)?([~?%]?)", re.A)
# What spreadsheets and telephones write where only a day is meant.
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}\S*", re.A)
FIRST_YEAR = 1900
# Days: by how much a date that is "about" may be off, at the least. The margin that PR-2 leaves around a pattern's window.
ABOUT = 30


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation where it stands; pages translate it when they show it."""
    return text


class Unreadable(ValueError):
    """It is not a date. `sentence` says why and what would help, with `figures` to put in; it never repeats the text."""

    def __init__(self, sentence: str, figures: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.figures = sentence, figures or {}


@dataclass(frozen=True)
class When:
    """When something happened, as far as it is known. `earliest` and `latest` are days and both included."""

    text: str
    earliest: date
    latest: date
    precision: str
    approximate: bool = False
    uncertain: bool = False

    @property
    def days(self) -> int:
        """How many days it may have been."""
        return (self.latest - self.earliest).days + 1

    @property
    def possible(self) -> tuple[date, date]:
        """First and last day it can have been, for rules that count only what is certain.

        What is "about" or "perhaps" so reaches to either side as far as it is long, and at least ABOUT days.
        """
        if not (self.approximate or self.uncertain):
            return self.earliest, self.latest
        more = max(ABOUT, self.days)
        last = min(self.latest.toordinal() + more, date.max.toordinal())
        return self.earliest - timedelta(days=more), date.fromordinal(last)


HOW = gettext_noop(
    "Write the date as 2026-03-14, or 2026-03 for a month, 2026 for a year, 2026-33 for its first quarter, "
    "2026-03-01/2026-03-09 for a range, and ~ behind it for about then."
)


@lru_cache(maxsize=8192)
def parse(text: str) -> When:
    """The date or range a text means. Raises Unreadable with a sentence."""
    text = text.strip()
    if not text:
        raise Unreadable(gettext_noop("The date is missing. If only the month or the year is known, give that."))
    if len(text) > LONGEST:
        raise Unreadable(HOW)
    if instant := _INSTANT.fullmatch(text):
        text = instant[1]
    if "/" not in text:
        return _single(text)
    first, _, last = text.partition("/")
    if first in {"", ".."} or last in {"", ".."}:
        raise Unreadable(
            gettext_noop("The range is open at one end. Give the last day, month or year it may have been as well.")
        )
    if "/" in last:
        raise Unreadable(HOW)
    a, b = _single(first), _single(last)
    if b.latest < a.earliest or b.earliest < a.earliest:
        raise Unreadable(gettext_noop("The range ends before it begins. Put the earlier date first."))
    return When(
        f"{a.text}/{b.text}", a.earliest, b.latest, RANGE, a.approximate or b.approximate, a.uncertain or b.uncertain
    )


def _single(text: str) -> When:
    found = _ONE.fullmatch(text)
    if found is None:
        raise Unreadable(HOW)
    y, m, d, mark = found.groups()
    year = int(y)
    if year < FIRST_YEAR:
        raise Unreadable(gettext_noop("The year %(year)d is before %(first)d."), {"year": year, "first": FIRST_YEAR})
    about, perhaps = mark in {"~", "%"}, mark in {"?", "%"}
    if m is None or m == "XX":
        if d not in {None, "XX"}:
            raise Unreadable(gettext_noop("A day without its month is no date. Give the month, or only the year."))
        return When(f"{y}{mark}", date(year, 1, 1), date(year, 12, 31), YEAR, about, perhaps)
    month = int(m)
    if 33 <= month <= 36:
        if d is not None:
            raise Unreadable(gettext_noop("A quarter of a year has no day. Leave the day away, or give the month."))
        first = 3 * (month - 33) + 1
        last = monthrange(year, first + 2)[1]
        return When(f"{y}-{m}{mark}", date(year, first, 1), date(year, first + 2, last), QUARTER, about, perhaps)
    if 21 <= month <= 24:
        raise Unreadable(
            gettext_noop("A season falls in other months in the north than in the south. Give the months, as a range.")
        )
    if not 1 <= month <= 12:
        raise Unreadable(
            gettext_noop("There is no month %(month)d. Write the year, then the month, then the day."), {"month": month}
        )
    length = monthrange(year, month)[1]
    if d is None or d == "XX":
        return When(f"{y}-{m}{mark}", date(year, month, 1), date(year, month, length), MONTH, about, perhaps)
    day = int(d)
    if not 1 <= day <= length:
        raise Unreadable(
            gettext_noop("There is no day %(day)d in month %(month)d of %(year)d; that month has %(length)d days."),
            {"day": day, "month": month, "year": year, "length": length},
        )
    on = date(year, month, day)
    return When(f"{y}-{m}-{d}{mark}", on, on, DAY, about, perhaps)


def overlap(a: When, b: When, *, slack: int = 0) -> bool:
    """Whether both may be the same time, give or take so many days."""
    gap = timedelta(days=slack)
    return a.earliest - gap <= b.latest and b.earliest - gap <= a.latest


def written(on: date, precision: str) -> str:
    """A day and how far it is known (day, week, month, quarter, year), as one text that `parse` reads."""
    if precision == "week":
        monday = on - timedelta(days=on.weekday())
        return f"{monday}/{monday + timedelta(days=6)}"
    known = {
        DAY: on.isoformat(),
        MONTH: f"{on:%Y-%m}",
        QUARTER: f"{on:%Y}-{33 + (on.month - 1) // 3}",
        YEAR: f"{on:%Y}",
    }
    if precision not in known:
        raise Unreadable(gettext_noop("A date is known to the day, the week, the month, the quarter or the year."))
    return known[precision]
