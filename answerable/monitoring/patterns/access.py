"""Who may see which window or indicator: those who see patterns. What carries them is shown as far as one sees incidents."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.references import normalise
from answerable.monitoring import access
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns.models import Indicator, PatternState


def sees(by: HasPrincipal) -> bool:
    """Whether this person reads exact numbers of patterns at all."""
    return authority.allows(by, "see_patterns", Place("patterns"))


def indicators(by: HasPrincipal) -> QuerySet[Indicator]:
    """Assessments of indicators, for those who see patterns."""
    return Indicator.objects.all() if sees(by) else Indicator.objects.none()


def state(by: HasPrincipal, ref: str, day: str) -> PatternState:
    """The window of an actor that ends on a day, or a 404 that does not reveal whether there is one."""
    try:
        on = date.fromisoformat(day)
        party = Party.objects.get(ref=normalise(ref))
        if not sees(by):
            raise Http404
        return PatternState.objects.select_related("party__situation").get(
            party=party, ends_on=on, reported_incidents__gt=0
        )
    except (ValueError, Party.DoesNotExist, PatternState.DoesNotExist):
        raise Http404 from None


def carried(by: HasPrincipal, refs: list[str]) -> tuple[dict[str, Incident], int]:
    """Of these incidents, those this person may open, and how many more there are, as a number only."""
    seen: dict[str, Any] = {i.ref: i for i in access.incidents(by).filter(ref__in=refs).select_related("organisation")}
    return seen, len(refs) - len(seen)
