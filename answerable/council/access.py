"""Who may see which proposal. For the state it is about it does not exist until the decision is public (invariant 3)."""

from django.db.models import Q, QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.council import lifecycle
from answerable.council.models import Proposal


def proposals(by: HasPrincipal) -> QuerySet[Proposal]:
    """Proposals a person may see; drafts of others are seen once sponsored."""
    if not authority.allows(by, "see_proposals", Place("proposals")):
        return Proposal.objects.none()
    found = Proposal.objects.select_related("situation__state", "target_state", "target_party", "proposer")
    state = by.principal().state
    if state:
        mine = Q(target_state__code=state) | Q(target_state=None, situation__state__code=state)
        found = found.exclude(mine & ~Q(status__in=[lifecycle.ADOPTED, lifecycle.CLOSED]))
    return found
