"""Who may see which saved view, released table, bulletin and job. What one may not see does not exist."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.http import Http404

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.references import normalise
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


def bulletins(by: HasPrincipal, situation: Situation) -> QuerySet[Bulletin]:
    """Bulletins of a situation, for members; none for the state it is about."""
    if not authority.allows(by, "see_aggregates", situation):
        return Bulletin.objects.none()
    return Bulletin.objects.filter(situation=situation)


def get_bulletin(by: HasPrincipal, ref: str) -> Bulletin:
    """One bulletin, or a 404 that does not reveal whether it exists."""
    found = Bulletin.objects.select_related("situation__state").filter(ref=normalise(ref)).first()
    if found is None or not authority.allows(by, "see_aggregates", found.situation):
        raise Http404
    return found


def jobs(by: HasPrincipal, situation: Situation) -> QuerySet[Job]:
    """Bulletins asked for on a situation, for those who may ask for them."""
    if not authority.allows(by, "make_bulletin", situation):
        return Job.objects.none()
    return Job.objects.filter(situation=situation, kind="bulletin")


def every_job(by: HasPrincipal) -> QuerySet[Job]:
    """Bulletins asked for on all situations, for those who ask for such work at all. Other long work has its own page."""
    roles = by.principal().roles
    if not roles & {"monitoring_analyst", "verification_lead"}:
        return Job.objects.none()
    return Job.objects.filter(kind="bulletin").select_related("situation__state")
