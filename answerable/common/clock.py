"""One clock. Everything that asks the time asks here, so that rehearsals and tests can set it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

_set: ContextVar[datetime | None] = ContextVar("clock", default=None)
_fixed: datetime | None = None


def now() -> datetime:
    """The present instant, UTC (R-TIME-1)."""
    return _set.get() or _fixed or datetime.now(UTC)


def today() -> date:
    """The present day, UTC."""
    return now().date()


@contextmanager
def set_to(instant: datetime) -> Iterator[None]:
    """Inside the block, and on this thread of work only, it is `instant`."""
    token = _set.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _set.reset(token)


def fix(instant: datetime) -> None:
    """From now on it is `instant` for the whole process: rehearsals only."""
    global _fixed
    _fixed = instant.astimezone(UTC)


def unfix() -> None:
    """Back to the real time."""
    global _fixed
    _fixed = None
