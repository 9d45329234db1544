"""What a directory entry says of hours, people and languages, in the reader's language.

Whoever keeps the directory writes freely; words of this list, and names of languages, are said in the language of
whoever looks for help. Anything else stands as it was written.
"""

from __future__ import annotations

import re
from functools import cache

from babel import Locale
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from answerable.alliance.days import listed

ALWAYS = _("every day, day and night")
HOURS = (ALWAYS, _("every day, in the daytime"), _("on weekdays, in the daytime"), _("ask by telephone first"))
WHO_FOR = (
    _("everyone, of any age and sex"), _("women"), _("women and their children"), _("women and girls"), _("men and boys"),
    _("children"), _("children and young people"), _("people with disabilities"),
)  # fmt: skip
WEEKDAYS = _("on weekdays, %(first)s to %(last)s")
_WEEKDAYS = re.compile(r"(?:on )?weekdays,? (\d{1,2}(?::\d\d)?) to (\d{1,2}(?::\d\d)?)", re.IGNORECASE)


def hours(text: str) -> str:
    """Hours as they are said to the reader."""
    if found := _WEEKDAYS.fullmatch(text.strip()):
        return gettext(WEEKDAYS) % {"first": found[1], "last": found[2]}
    return _known(text, HOURS)


def who_for(text: str) -> str:
    """For whom, as it is said to the reader."""
    return _known(text, WHO_FOR)


def languages(text: str) -> str:
    """Names of languages, written in English or as their own speakers do, in the reader's language."""
    here = Locale.parse((get_language() or "en").split("-")[0])
    parts = [part.strip() for part in re.split(r"[,;،/]", text) if part.strip()]
    said = [here.languages.get(_codes().get(part.casefold(), ""), part) for part in parts]
    return listed(said)


def _known(text: str, phrases: tuple[str, ...]) -> str:
    plain = text.strip().rstrip(".").casefold()
    return next((gettext(p) for p in phrases if p.casefold() == plain), text)


@cache
def _codes() -> dict[str, str]:
    english = {name.casefold(): code for code, name in Locale("en").languages.items()}
    for code in ("ar", "en", "es", "fr", "uk", "pt", "ru", "sw", "so", "ti", "am"):
        english[Locale.parse(code).languages[code].casefold()] = code
    return english
