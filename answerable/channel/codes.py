"""The code someone comes back with: 24 digits in six groups of four. No framework.

Six digits find the row (the locator), sixteen are the secret, two are check digits. Digits because everyone has them and
they hide among other numbers; the check digits (ISO 7064, MOD 97-10) catch every wrong digit and every swap of
neighbours, so that a slip of the pen is said at once and a code that opens nothing can stay silent.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass

LOCATOR, SECRET, CHECK = 6, 16, 2
LENGTH = LOCATOR + SECRET + CHECK
SHORTEST_PIN, LONGEST_PIN = 4, 8
# What people put between digits, and the marks that right-to-left keyboards leave there.
BETWEEN = frozenset(" \t\r\n\u00a0\u2007\u202f-‐‑‒–—.,·/_")


@dataclass(frozen=True)
class Code:
    """A code whose check digits agree."""

    locator: str
    secret: str

    def __repr__(self) -> str:
        return "<Code>"

    @property
    def digits(self) -> str:
        """All 24 digits."""
        body = self.locator + self.secret
        return body + check_digits(body)

    @property
    def groups(self) -> list[str]:
        """Six groups of four, as it is shown and written down."""
        return [self.digits[i : i + 4] for i in range(0, LENGTH, 4)]


def check_digits(body: str) -> str:
    """The two digits that make the whole number leave 1 when divided by 97."""
    return f"{98 - int(body) * 100 % 97:02d}"


def digits_of(text: str) -> str | None:
    """The digits of what someone typed, in whatever script and grouping; None when anything else is among them."""
    found = []
    for character in text:
        if character in BETWEEN or unicodedata.category(character) == "Cf":
            continue
        value = unicodedata.decimal(character, None)
        if value is None:
            return None
        found.append(str(value))
    return "".join(found)


def read(text: str) -> Code | None:
    """The code that was typed, or None when it is mistyped: a wrong length, a wrong digit, two digits swapped."""
    digits = digits_of(text)
    if digits is None or len(digits) != LENGTH or int(digits) % 97 != 1:
        return None
    if not 2 <= int(digits[-CHECK:]) <= 98:
        return None
    return Code(digits[:LOCATOR], digits[LOCATOR:-CHECK])


def new() -> Code:
    """A fresh code from the operating system's generator."""
    return Code(
        "".join(secrets.choice("0123456789") for _ in range(LOCATOR)),
        "".join(secrets.choice("0123456789") for _ in range(SECRET)),
    )


def pin(text: str) -> str | None:
    """A PIN as typed: four to eight digits, "" when none was given, None when it is something else."""
    digits = digits_of(text)
    if digits is None or (digits and not SHORTEST_PIN <= len(digits) <= LONGEST_PIN):
        return None
    return digits
