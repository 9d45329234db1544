"""One finding of a check: what was looked at, whether it held, and the figures of its sentence. No framework."""

from __future__ import annotations

from dataclasses import dataclass, field

HELD, NOT_HELD, NOT_CHECKABLE = "held", "not_held", "not_checkable"
OUTCOMES = (HELD, NOT_HELD, NOT_CHECKABLE)


@dataclass(frozen=True)
class Said:
    """`code` names the sentence (checks.WORDS), `figures` fill it: numbers, days, short names from the proof itself."""

    code: str
    outcome: str
    figures: dict[str, str | int] = field(default_factory=dict)


class Broken(Exception):
    """A proof that cannot be read as what it says it is, or that passes a bound; the text is a code of checks.WORDS."""
