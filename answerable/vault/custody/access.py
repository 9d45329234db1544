"""Who sees which request to open an identity, and which seat is whose."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.vault.client import ask
from answerable.vault.models import IdentityRequest, RoomRestore

ASKERS = frozenset({"survivor_advocate", "intake_officer"})
CUSTODIANS = frozenset({"vault_custodian", "safeguarding_officer", "survivor_council_member"})
INSPECTORS = frozenset({"auditor", "data_protection_officer", "ombudsperson", "safeguarding_officer"})


def requests(by: Person) -> QuerySet[IdentityRequest]:
    """Requests that concern this person: of their compartments, to approve or answer, or break-glass to inspect."""
    if not authority.allows(by, "see_identity_requests", Place("identity_requests")):
        return IdentityRequest.objects.none()
    seen = Q(pk__in=[])
    if by.roles & ASKERS:
        scopes = by.principal().compartments
        seen |= Q(compartment__startswith="claims") if "claims" in scopes else Q(compartment__in=sorted(scopes))
    if by.roles & CUSTODIANS:
        return IdentityRequest.objects.select_related("asked_body", "approved_body", "recipient")
    if by.roles & INSPECTORS:
        seen |= Q(break_glass=True)
    return IdentityRequest.objects.filter(seen).select_related("asked_body", "approved_body", "recipient")


def restores(by: Person) -> QuerySet[RoomRestore]:
    """Ceremonies, for whoever sees the seats or leads one."""
    if authority.allows(by, "see_seats", Place("seats")):
        return RoomRestore.objects.select_related("leader")
    return RoomRestore.objects.filter(leader=by).select_related("leader")


def seat_of(by: Person) -> str:
    """The identity seat this person holds, by their body and role; "" when none."""
    if not by.roles & CUSTODIANS:
        return ""
    return next((s["name"] for s in ask("seats") if s["body"] == by.body.ref), "")
