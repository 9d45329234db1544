"""Before a person is asked for her account: is it needed, and was she asked before? (SC-1, SC-2)."""

from __future__ import annotations

from answerable.common.edtf import gettext_noop

_ = gettext_noop
FIRST, HER_REQUEST, SAFEGUARDING = "first", "her_request", "safeguarding"
# What came of asking whether she told it before: her code says yes, or no; she has none; custodians are asked.
TOLD = {
    "told": _("Her code shows that she told this before"),
    "not_told": _("Her code shows nothing told before"),
    "no_code": _("She has no code, or did not wish to show it"),
    "custodians": _("The custodians are asked"),
    "not_asked": _("She was not asked"),
}
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


# Why a second report may not name an interview.
SPENT = _("This interview was used for a report already; a further one is asked for anew (SC-2).")
