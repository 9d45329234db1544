"""Working facts of a claim are chosen, never typed: where she lives and where it happened, from lists.

What she says in her own words is sealed. A value that is on no list becomes "elsewhere", and its words are sealed too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from answerable.alliance.models import State
from answerable.channel import steps
from answerable.monitoring.queries import known_areas
from answerable.reparations.models import Programme

ELSEWHERE, UNSAID = "OTHER", "UNSAID"
AGES = tuple(value for value, _words in steps.OWN["age"])


def countries() -> list[tuple[str, str]]:
    """States of the register by name, then "another country" and "not said"."""
    names = State.objects.order_by("name").values_list("name", flat=True)
    return [*((n, n) for n in names), (ELSEWHERE, _("another country")), (UNSAID, _("prefer not to say"))]


def areas(programme: Programme | None) -> list[tuple[str, str]]:
    """First-level areas known for the programme's situation, then "somewhere else" and "not said"."""
    known = known_areas(programme.situation) if programme is not None else []
    return [*((a, a) for a in known), (ELSEWHERE, _("somewhere else")), (UNSAID, _("prefer not to say"))]


def chosen(typed: str, choices: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(value of the list, words to be sealed): whoever sends words that are on no list chose "elsewhere"."""
    typed = typed.strip()
    for value, _words in choices:
        if typed.casefold() == value.casefold():
            return value, ""
    return (ELSEWHERE, typed) if typed else ("", "")


def words(value: str) -> str:
    """A stored value as people read it."""
    return {ELSEWHERE: _("elsewhere"), UNSAID: _("not said")}.get(value, value)


def age_words(value: str) -> str:
    """An age band as people read it."""
    return str(dict(steps.OWN["age"]).get(value, value))


def flag_words(flags: Sequence[str]) -> str:
    """Urgency flags as she would say them."""
    plain = steps.plain_words("urgency_flag")
    return "; ".join(str(plain.get(f, f)) for f in flags)


def is_language(code: str) -> bool:
    """A language's code and nothing that could be a word: two or three letters, perhaps with a region or script."""
    return re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?", code) is not None


def field_words() -> dict[str, str]:
    """What her claim holds, field by field, as she would say it."""
    return {
        "claim_type": _("For whom you ask"), "age_band": _("Your age"), "country": _("The country you live in"),
        "area1": _("The area, roughly"), "language": _("Your language"), "events_from": _("From when"), "events_to": _("Until when"),
        "area2": _("The place, more closely"), "account": _("What you told"), "alias": _("What to call you"),
        "safe_contact": _("How to reach you safely"), "preferences": _("What you wish for"), "quarter": _("When it happened, roughly"),
        "flags": _("What is urgent for you"),
    }  # fmt: skip
