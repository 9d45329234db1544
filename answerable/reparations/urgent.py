"""What cannot wait about a claim (U0), in words: for those who work on it, and for herself."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from answerable.reparations import lifecycle, rules
from answerable.reparations.models import Claim

MOST_URGENT = "U0"


def _offices() -> dict[str, str]:
    return {
        "UF-01": _("Danger to life"), "UF-02": _("Danger that she takes her life"), "UF-03": _("Medical emergency"),
        "UF-04": _("Care that cannot wait"), "UF-05": _("Held, or about to be returned to danger"),
    }  # fmt: skip


def _hers() -> dict[str, str]:
    return {
        "UF-01": _("someone may kill or badly hurt you"), "UF-02": _("you think of ending your life"),
        "UF-03": _("you need a doctor at once"), "UF-04": _("you need care that only works in the first days"),
        "UF-05": _("you are held, or may be sent back to danger"),
    }  # fmt: skip


def words(claim: Claim) -> str:
    """For the office; empty for a claim that is not at U0."""
    named = [w for code, w in _offices().items() if code in claim.flags]
    return "; ".join(named) if claim.level == MOST_URGENT else ""


def her_words(claim: Claim) -> str:
    """The same as she would say it."""
    return "; ".join(w for code, w in _hers().items() if code in claim.flags) if claim.level == MOST_URGENT else ""


def waits(claim: Claim) -> bool:
    """Whether what a correction made urgent still waits for someone to look at it (§5.4)."""
    return claim.urgent_due_at is not None and claim.status not in (lifecycle.LODGED, lifecycle.WITHDRAWN)


def due_at(claim: Claim) -> datetime:
    """The clock in force on a claim: the screening of what is urgent, at lodging or by a correction; then eligibility."""
    if claim.status == lifecycle.LODGED:
        return claim.screening_due_at
    return claim.urgent_due_at if claim.urgent_due_at and waits(claim) else claim.eligibility_due_at


def became_words(claim: Claim) -> str:
    """That a correction made a claim urgent and nobody looked at it yet; empty where nothing of that waits."""
    if not waits(claim):
        return ""
    return _("%(urgent)s, by a correction: look at it within %(n)d days") % {
        "urgent": words(claim) or _("Urgent needs"), "n": rules.SCREENING_HOURS // 24,
    }  # fmt: skip


def what_waits(claim: Claim, what: str) -> str:
    """What waits on a claim, with its urgency first where nothing comes before it."""
    if waits(claim):
        return f"{became_words(claim)} · {what}"
    if not (urgent := words(claim)):
        return what
    if claim.status == lifecycle.LODGED:
        return _("%(urgent)s: screen within %(n)d days") % {"urgent": urgent, "n": rules.SCREENING_HOURS // 24}
    return f"{urgent}: {what}"
