"""Money is an integer number of minor units with an ISO 4217 code (R-NUM-1). No floats anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from answerable.common.errors import Refused

# Minor-unit digits that are not two (ISO 4217).
DIGITS = {
    "BHD": 3, "BIF": 0, "CLF": 4, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0,
    "KRW": 0, "KWD": 3, "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0,
    "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip


def digits(currency: str) -> int:
    """How many decimal digits the minor unit of a currency has."""
    return DIGITS.get(currency, 2)


@dataclass(frozen=True, order=True)
class Money:
    """An exact amount. `minor` is in minor units (cents), signed; `currency` is three capital letters."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("money is counted in whole minor units")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"not a currency code: {self.currency!r}")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read "6,300.00" or "6300" in major units. Raises Refused naming what would be read."""
        plain = text.strip().replace(",", "").replace("\u00a0", "").replace(" ", "")
        n = digits(currency)
        if not re.fullmatch(r"-?\d+(\.\d+)?", plain):
            raise Refused(f"“{text.strip()[:40]}” is not an amount; write it like 6300.00.", reason="amount")
        whole, _, fraction = plain.partition(".")
        if len(fraction.rstrip("0")) > n:
            raise Refused(f"{currency} has {n} decimal digits; “{text.strip()[:40]}” has more.", reason="amount")
        sign = -1 if whole.startswith("-") else 1
        return cls(sign * int(whole.lstrip("-") + fraction[:n].ljust(n, "0")), currency)

    def format(self) -> str:
        """Major units with grouping, "6,300.00"."""
        n = digits(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**n)
        return f"{sign}{whole:,}" + (f".{part:0{n}d}" if n else "")

    def __str__(self) -> str:
        return f"{self.currency} {self.format()}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} are not added")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """Sum of amounts in one currency; zero of `currency` when there are none."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result
