"""Who may see which claim. A state's delegation sees none, on any route (invariant 1)."""

from django.db.models import QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.reparations.models import AwardLine, Claim, Programme


def programmes(by: HasPrincipal) -> QuerySet[Programme]:
    """Programmes are public facts."""
    if not authority.allows(by, "see_programmes", Place("programmes")):
        return Programme.objects.none()
    return Programme.objects.select_related("situation")


def claims(by: HasPrincipal) -> QuerySet[Claim]:
    """Claims of the person's own compartments."""
    if not authority.allows(by, "see_claims", Place("claims")):
        return Claim.objects.none()
    scopes = by.principal().compartments
    found = Claim.objects.select_related("programme__situation")
    return found if "claims" in scopes else found.filter(compartment__in=sorted(scopes))


def lines(by: HasPrincipal) -> QuerySet[AwardLine]:
    """Accepted award lines, which finance pays without seeing the claim (SOD-06)."""
    if not authority.allows(by, "see_payments", Place("payments")):
        return AwardLine.objects.none()
    return AwardLine.objects.filter(accepted=True)
