"""Who may see which referral, plan, contact, complaint. The case team sees no complaint, on any route (SC-13)."""

from typing import Any

from django.db.models import QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.safeguarding.models import (
    ContactAttempt,
    Grievance,
    Provider,
    Referral,
    SafeContactPlan,
    SafetyIncident,
)


def _mine(found: Any, by: HasPrincipal) -> Any:
    """Rows of the person's own compartments, as row-level security has it, said here as well."""
    scopes = by.principal().compartments
    names = {
        c for c in found.values_list("compartment", flat=True).distinct() if c in scopes or c.split("/")[0] in scopes
    }
    return found.filter(compartment__in=sorted(names))


def providers(by: HasPrincipal) -> QuerySet[Provider]:
    """The directory; what is not confirmed, or was taken out, only for those who keep it."""
    if not authority.allows(by, "see_directory", Place("directory")):
        return Provider.objects.none()
    found = Provider.objects.select_related("entered_by")
    # What nobody has made sure of yet may be wrong, or name a shelter that is no longer safe to name.
    return found if authority.allows(by, "enter_provider", Place("directory")) else found.filter(status="LISTED")


def referrals(by: HasPrincipal) -> QuerySet[Referral]:
    """Referrals of the person's own rooms."""
    if not authority.allows(by, "see_care", Place("care")):
        return Referral.objects.none()
    return _mine(Referral.objects.select_related("provider"), by)  # type: ignore[no-any-return]


def plans(by: HasPrincipal) -> QuerySet[SafeContactPlan]:
    """Plans that hold or were stopped."""
    if not authority.allows(by, "see_contact", Place("contact")):
        return SafeContactPlan.objects.none()
    return _mine(SafeContactPlan.objects.exclude(status="REPLACED"), by)  # type: ignore[no-any-return]


def attempts(by: HasPrincipal) -> QuerySet[ContactAttempt]:
    """Contacts that were planned, and enquiries."""
    if not authority.allows(by, "see_contact", Place("contact")):
        return ContactAttempt.objects.none()
    return _mine(ContactAttempt.objects.all(), by)  # type: ignore[no-any-return]


def safety(by: HasPrincipal) -> QuerySet[SafetyIncident]:
    """What may be dangerous now."""
    if not authority.allows(by, "see_safety", Place("safety")):
        return SafetyIncident.objects.none()
    return _mine(SafetyIncident.objects.all(), by)  # type: ignore[no-any-return]


def grievances(by: HasPrincipal) -> QuerySet[Grievance]:
    """Complaints this person may read; those that concern the person are not there."""
    if not authority.allows(by, "see_grievances", Place("complaints")):
        return Grievance.objects.none()
    found = _mine(Grievance.objects.all(), by)
    hidden = [g.pk for g in found if not authority.allows(by, "see_grievance", g)]
    return found.exclude(pk__in=hidden)  # type: ignore[no-any-return]
