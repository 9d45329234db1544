"""Rows locked in one order, and read again under the lock."""

from __future__ import annotations

from collections.abc import Sequence

from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common.hooks import question
from answerable.monitoring.models import (
    Incident,
    SourceItem,
)
from answerable.monitoring.patterns import live


def locked(incident: Incident) -> Incident:
    """The incident for an act that changes it: its actor first, then its row (live.first says why)."""
    live.first([incident.ref])
    return Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)


def locked_item(item: SourceItem) -> SourceItem:
    """The item for an act after which levels are worked out again: its incident's actor first, then its row."""
    live.first([item.incident.ref])
    rows = SourceItem.objects.select_for_update(no_key=True, of=("self",)).select_related("incident__party")
    return rows.get(pk=item.pk)


@question("locked_before").answer_with
def _locked_before(refs: Sequence[str]) -> None:
    """The actors of these incidents, and of the incidents of these items."""
    with scope_of(CLOCK):
        behind = SourceItem.objects.filter(ref__in=[r for r in refs if r.startswith("ITM")])
        incidents = {r for r in refs if r.startswith("INC")} | set(behind.values_list("incident__ref", flat=True))
    if incidents:
        live.first(sorted(incidents))
