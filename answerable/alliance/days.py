"""Days and references as people read them: one way of writing a day in each language, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.utils.formats import date_format
from django.utils.translation import get_language, get_language_bidi

# The month in letters, so that nobody takes the day for the month; and no comma, which bidirectional text moves about.
FORMATS = {"es": r"j \d\e F \d\e Y", "uk": "j E Y"}
FORMAT = "j F Y"
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def day_words(value: date | datetime | str | None) -> str:
    """A day (or its ISO form) in the reader's language; empty for none."""
    if not value:
        return ""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return isolated(date_format(value, FORMATS.get((get_language() or "en")[:2], FORMAT)))


def listed(parts: Iterable[str]) -> str:
    """Parts of a list, joined with the comma of the reader's script."""
    return ("، " if (get_language() or "en").startswith("ar") else ", ").join(parts)


def isolated(text: str) -> str:
    """Text that keeps its own direction inside a sentence written from right to left; elsewhere as it is."""
    return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}" if text and get_language_bidi() else text
