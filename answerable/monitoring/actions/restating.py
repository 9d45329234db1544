"""What every change of a report ends with."""

from __future__ import annotations

from answerable.authority.principals import HasPrincipal
from answerable.monitoring.evidence import actions as counted
from answerable.monitoring.models import (
    Party,
)
from answerable.monitoring.patterns import live


def relevel(party: Party, *touched: str, why: str = "items", by: HasPrincipal | None = None) -> dict[str, str]:
    """Work out again what incidents of an actor (those named, or all) change: levels, windows, assessments, what relies on them.

    Returns the levels that changed, for the record entry. Every act that changes an item, a status, a date or a count calls it.
    """
    changed = live.relevel(party, touched, why=why, by=by)
    # A change that reaches back into a period already counted makes another version of that count.
    counted.restate(party, list(changed))
    return changed
