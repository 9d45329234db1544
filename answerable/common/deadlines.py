"""When a period ends: R-TIME-1 to R-TIME-5 of the domain specification. All instants are UTC."""

from __future__ import annotations

import calendar
from collections.abc import Set
from datetime import UTC, date, datetime, time, timedelta

LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


def _day(trigger: datetime | date) -> date:
    return trigger.astimezone(UTC).date() if isinstance(trigger, datetime) else trigger


def is_working_day(day: date, holidays: Set[date] = frozenset()) -> bool:
    """Monday to Friday and not an alliance holiday."""
    return day.weekday() < 5 and day not in holidays


def next_working_day(day: date, holidays: Set[date] = frozenset()) -> date:
    """`day` itself when it is a working day, otherwise the first one after it."""
    while not is_working_day(day, holidays):
        day += timedelta(days=1)
    return day


def end_of_calendar_days(
    trigger: datetime | date, n: int, *, holidays: Set[date] = frozenset(), act: bool = True
) -> datetime:
    """End of `n` calendar days counted from the day after `trigger`, at 23:59:59 (R-TIME-1).

    `act=True` is a deadline for an act by a party or organ, which rolls past weekends and holidays; `act=False` is an
    expiry or an automatic legal effect, which does not. Raises ValueError for n < 0.
    """
    if n < 0:
        raise ValueError("a period is not negative")
    day = _day(trigger) + timedelta(days=n)
    return datetime.combine(next_working_day(day, holidays) if act else day, LAST_SECOND)


def working_days_after(trigger: datetime | date, n: int, holidays: Set[date] = frozenset()) -> datetime:
    """End of the nth working day, counting from the day after `trigger` (R-TIME-2). Raises ValueError for n < 1."""
    if n < 1:
        raise ValueError("count at least one working day")
    day = _day(trigger)
    while n:
        day += timedelta(days=1)
        n -= is_working_day(day, holidays)
    return datetime.combine(day, LAST_SECOND)


def hours_after(t0: datetime, n: int) -> datetime:
    """Exactly `n` hours after `t0`; no roll (R-TIME-3)."""
    return t0.astimezone(UTC) + timedelta(hours=n)


def in_time(at: datetime, deadline: datetime) -> bool:
    """An act stamped exactly at the deadline is in time; one second later is late (R-TIME-3)."""
    return at.replace(microsecond=0) <= deadline


def months_after(day: date, n: int) -> datetime:
    """The same day number `n` months on, or that month's last day, at 23:59:59 (R-TIME-4)."""
    index = day.year * 12 + day.month - 1 + n
    year, month = divmod(index, 12)
    month += 1
    return datetime.combine(date(year, month, min(day.day, calendar.monthrange(year, month)[1])), LAST_SECOND)


def extended(deadline: datetime, new: datetime, *, to_survivor: bool) -> datetime:
    """A deadline moved. One addressed to a survivor is extendable only (R-TIME-5): ValueError if `new` is earlier."""
    if to_survivor and new < deadline:
        raise ValueError("a survivor's deadline is never shortened (R-TIME-5)")
    return new
