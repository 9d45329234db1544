"""Who may see which situation, incident, item or pattern. What one may not see does not exist."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.references import normalise
from answerable.monitoring.models import Incident, PatternAssessment, Reports, Situation, SourceItem


def situations(by: HasPrincipal) -> QuerySet[Situation]:
    """Every situation: they are public facts of conflict, shown to whoever may watch."""
    if not authority.allows(by, "see_situations", Place("situations")):
        return Situation.objects.none()
    return Situation.objects.all()


def incidents(by: HasPrincipal) -> Reports:
    """Incidents of the person's own compartments. Delegations have none (SOD-03)."""
    if not authority.allows(by, "see_incidents", Place("incidents")):
        return Incident.objects.none()
    scopes = by.principal().compartments
    if "monitoring" in scopes or "*" in scopes:
        return Incident.objects.all()
    return Incident.objects.filter(compartment__in=sorted(scopes))


def patterns(by: HasPrincipal) -> QuerySet[PatternAssessment]:
    """Pattern assessments, for those who read all of monitoring."""
    if not authority.allows(by, "see_patterns", Place("patterns")):
        return PatternAssessment.objects.none()
    return PatternAssessment.objects.all()


def get(queryset: QuerySet[Any], ref: str) -> Any:
    """The object, or a 404 that does not reveal whether it exists."""
    try:
        return queryset.get(ref=normalise(ref))
    except queryset.model.DoesNotExist:
        raise Http404 from None


def items(by: HasPrincipal) -> QuerySet[SourceItem]:
    """Source items of incidents one may see."""
    return SourceItem.objects.filter(incident__in=incidents(by))
