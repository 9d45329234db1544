"""Who may see which saved view, released table, bulletin and job. What one may not see does not exist."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.monitoring.looking.models import Bulletin, Job, ReleasedTable, SavedView
from answerable.monitoring.models import Situation


def views(by: HasPrincipal) -> QuerySet[SavedView]:
    """One's own saved views, and those shared in one's body. Nobody else's are there."""
    if not authority.allows(by, "keep_views", Place("views")):
        return SavedView.objects.none()
    own = Q(person__ref=by.ref) | Q(shared=True, body__ref=by.principal().body)
    return SavedView.objects.filter(own, removed_at=None)


def tables(by: HasPrincipal, situation: Situation) -> QuerySet[ReleasedTable]:
    """Tables released to members; none for the state they are about (invariant 3)."""
    if not authority.allows(by, "see_aggregates", situation):
        return ReleasedTable.objects.none()
    return ReleasedTable.objects.filter(situation=situation)


def bulletins(by: HasPrincipal) -> QuerySet[Bulletin]:
    """Bulletins of every situation but those about the reader's own state."""
    if not authority.allows(by, "see_situations", Place("situations")):
        return Bulletin.objects.none()
    state = by.principal().state
    found = Bulletin.objects.select_related("situation__state")
    return found.exclude(situation__state__code=state) if state else found


def jobs(by: HasPrincipal, situation: Situation) -> QuerySet[Job]:
    """Long work on a situation, for those who may ask for it."""
    if not authority.allows(by, "make_bulletin", situation):
        return Job.objects.none()
    return Job.objects.filter(situation=situation)


def every_job(by: HasPrincipal) -> QuerySet[Job]:
    """Jobs of all situations, for those who ask for such work at all."""
    roles = by.principal().roles
    if not roles & {"monitoring_analyst", "verification_lead"}:
        return Job.objects.none()
    return Job.objects.select_related("situation__state")
