"""Before a person is asked for her account: is it needed, and was she asked before? (SC-1, SC-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from answerable.common.edtf import gettext_noop

_ = gettext_noop
# The room in which the reasons for an interview are sealed: safeguarding reads them there before it decides (SC-2).
ROOM = "interviews"
FIRST, HER_REQUEST, SAFEGUARDING = "first", "her_request", "safeguarding"
# What came of asking whether she told it before: her code says yes, or no; she has none; custodians are asked.
TOLD = {
    "told": _("Her code shows that she told this before"),
    "not_told": _("Her code shows nothing told before"),
    "no_code": _("She has no code, or did not wish to show it"),
    "custodians": _("The custodians are asked"),
    "not_asked": _("She was not asked"),
}
# The same where the custodians said so, and no code was shown.
TOLD_BY_SEATS = {
    "told": _("By the custodians' word she told this before"),
    "not_told": _("The custodians know of nothing told before"),
}
# Purposes under which an account that exists may be used instead of asking again, in the order they are offered.
SHARED_INSTEAD = ("CP-MONI", "CP-FIND", "CP-CRIM", "CP-UNIT", "CP-CLAI")
# How many of the three seats answer before their word counts: what one office alone would say opens and bars nothing.
SEATS_ASKED = 2
# Why safeguarding allows a further interview, and why it refuses one.
GROUNDS = {
    "material_new": _("Something material is new and can be told by nobody else"),
    "unusable": _("The account that exists cannot be used for this purpose, and she knows that"),
    "safety": _("Her safety depends on it"),
    "not_known": _("The custodians know of no earlier account"),
}
BARS = {
    "share_instead": _("The account that exists can be shared instead"),
    "too_many": _("She was asked often enough"),
    "risk": _("Asking again would endanger or burden her"),
}


def basis(number: int, *, her_request: bool) -> str:
    """On what a person's interview of this number may rest. The first needs a reason; every other her wish, or safeguarding."""
    if number <= 1:
        return FIRST
    return HER_REQUEST if her_request else SAFEGUARDING


def said_apart(words: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many custodians' seats said that she told before, and how many that nothing is known; which seats is nobody's to see."""
    told = sum(bool(w["told"]) for w in words)
    return told, len(words) - told


def joined(words: Sequence[Mapping[str, Any]]) -> tuple[bool, list[str]] | None:
    """What the custodians say together: whether she told, and what all who know of it would share. None while too few answered."""
    if len(words) < SEATS_ASKED:
        return None
    known = [w for w in words if w["told"]]
    return bool(known), [p for p in SHARED_INSTEAD if known and all(p in w["share"] for w in known)]


# Whose account it is says the interview in which it was told, and nobody types it a second time.
ANOTHER = _(
    "This is not the pseudonym under which the interview was entered. Whose account it is says the interview: leave the "
    "pseudonym empty, or choose the interview in which it was told (R-VER-1)."
)
# Why a second report may not name an interview.
SPENT = _("This interview was used for a report already; a further one is asked for anew (SC-2).")
