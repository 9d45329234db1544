"""A number about people always says what kind it is: reported, verified or estimated. One without a kind cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("reported", "verified", "estimated")


@dataclass(frozen=True)
class Count:
    """So many people or incidents, and of what kind. Counts of different kinds are never added nor compared.

    An estimate carries its interval (`low`, `high`); the others are counts and have none. Raises ValueError otherwise.
    """

    n: int
    kind: str
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a count is one of {', '.join(KINDS)}, not “{self.kind}”")
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 0:
            raise ValueError(f"a count is a whole number and not {self.n!r}")
        interval = (self.low, self.high)
        if self.kind != "estimated" and interval != (None, None):
            raise ValueError("only an estimate has an interval")
        if self.kind == "estimated" and (self.low is None or self.high is None or not self.low <= self.n <= self.high):
            raise ValueError("an estimate says between which bounds it lies")

    def _same(self, other: Any) -> Count:
        if not isinstance(other, Count):
            raise TypeError("a count is compared with and added to counts only")
        if other.kind != self.kind or self.kind == "estimated":
            raise TypeError(f"a {self.kind} and a {other.kind} count are not added or compared")
        return other

    def __add__(self, other: Count) -> Count:
        return Count(self.n + self._same(other).n, self.kind)

    def __lt__(self, other: Count) -> bool:
        return self.n < self._same(other).n

    def __str__(self) -> str:
        tail = f" ({self.low}-{self.high})" if self.kind == "estimated" else ""
        return f"{self.n} {self.kind}{tail}"


def reported(n: int) -> Count:
    """V1 and above, for early warning (R-LS-1)."""
    return Count(n, "reported")


def verified(n: int) -> Count:
    """V3 and above, for findings (R-LS-1)."""
    return Count(n, "verified")


def estimated(n: int, low: int, high: int) -> Count:
    """What a model says there may be, with its interval. Never a count of anyone."""
    return Count(n, "estimated", low, high)
