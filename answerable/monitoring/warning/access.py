"""Who may see which observation, level or forecast. What one may not see does not exist."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.monitoring import access as monitoring
from answerable.monitoring.models import Situation, SourceItem
from answerable.monitoring.warning import lifecycle
from answerable.monitoring.warning.models import Alert, Forecast, WarningEntry


def entries(by: HasPrincipal) -> QuerySet[WarningEntry]:
    """Observations of the person's own compartments; delegations have none."""
    if not authority.allows(by, "see_warning_entries", Place("warnings")):
        return WarningEntry.objects.none()
    scopes = by.principal().compartments
    if "monitoring" in scopes or "*" in scopes:
        return WarningEntry.objects.all()
    return WarningEntry.objects.filter(compartment__in=sorted(scopes))


def works_on_levels(by: HasPrincipal) -> bool:
    """Whether the person works on what is proposed, and on what carries it."""
    return authority.allows(by, "see_alerts", Place("warnings"))


def recused(by: HasPrincipal, situation: Situation) -> bool:
    """Whether this is the restricted file on the person's own state."""
    state = by.principal().state
    return bool(state) and situation.state is not None and situation.state.code == state


def alerts(by: HasPrincipal) -> QuerySet[Alert]:
    """Monitoring: all. Others: what a person confirmed, the Chair also what went to the Chair, though it was withdrawn since;
    never on one's own state."""
    if works_on_levels(by):
        return Alert.objects.all()
    if not authority.allows(by, "see_levels", Place("warnings")):
        return Alert.objects.none()
    principal = by.principal()
    shown = Q(status=lifecycle.CONFIRMED)
    if "chair" in principal.roles:
        shown |= Q(status=lifecycle.ESCALATED) | Q(status=lifecycle.WITHDRAWN, escalated_at__isnull=False)
    found = Alert.objects.filter(shown)
    return found.exclude(situation__state__code=principal.state) if principal.state else found


def forecasts(by: HasPrincipal) -> QuerySet[Forecast]:
    """The analysts' own; nobody else has any."""
    if not authority.allows(by, "see_forecasts", Place("forecasts")):
        return Forecast.objects.none()
    return Forecast.objects.all()


def items_of(by: HasPrincipal, situation: Situation) -> QuerySet[SourceItem]:
    """Items an entry may rest on: those of this situation's incidents that the person sees."""
    return monitoring.items(by).filter(incident__situation=situation)
