"""Who may see which pair, search, actor or line of command. What one may not see does not exist.

A pair lies in the compartment both reports share, else in the alliance's own monitoring: a partner never reads a pair
with another organisation's report in it, nor that there is one (decision 0035).
"""

from __future__ import annotations

from django.db.models import QuerySet

from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.monitoring.linking import queries
from answerable.monitoring.linking.models import Actor, Agreement, DuplicateSearch, LinkPair
from answerable.monitoring.models import Incident, Party


def pairs(by: HasPrincipal) -> QuerySet[LinkPair]:
    """Pairs of one's own compartments."""
    if not authority.allows(by, "see_links", Place("links")):
        return LinkPair.objects.none()
    scopes = by.principal().compartments
    if scopes & {"monitoring", "*"}:
        return LinkPair.objects.all()
    return LinkPair.objects.filter(compartment__in=sorted(scopes))


def searches(by: HasPrincipal) -> QuerySet[DuplicateSearch]:
    """Searches, for those who start them."""
    if not authority.allows(by, "see_searches", Place("searches")):
        return DuplicateSearch.objects.none()
    return DuplicateSearch.objects.all()


def agreements(by: HasPrincipal) -> QuerySet[Agreement]:
    """Agreements between organisations, for those who note them."""
    if not authority.allows(by, "note_agreement", Place("agreements")):
        return Agreement.objects.none()
    return Agreement.objects.select_related("first", "second")


def actors(by: HasPrincipal) -> QuerySet[Actor]:
    """Armed actors and commanders."""
    if not authority.allows(by, "see_actors", Place("actors")):
        return Actor.objects.none()
    return Actor.objects.all()


def parties(by: HasPrincipal) -> QuerySet[Party]:
    """Units whose line of command one may see."""
    if not authority.allows(by, "see_actors", Place("actors")):
        return Party.objects.none()
    return Party.objects.select_related("situation")


def told_of(by: HasPrincipal, incident: Incident) -> list[Body]:
    """Organisations a partner's own officer is told of: those with whom an agreement is in force, by name alone."""
    if not authority.allows(by, "ask_to_compare", incident):
        return []
    return queries.told_of_others(incident)
