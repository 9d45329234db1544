"""Agreements between organisations, and what one asks another to compare."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.linking import queries
from answerable.monitoring.linking.models import (
    Agreement,
    LinkPair,
)
from answerable.monitoring.models import Incident
from answerable.record import log as record


@action("note_agreement")
def note_agreement(first: Body, second: Body, *, by: Person) -> Agreement:
    """Two partner organisations agreed in writing to be told that the other may hold a report of the same incident."""
    authority.require(by, "note_agreement", Place("agreements"))
    if first.pk == second.pk or {first.kind, second.kind} != {Body.PARTNER}:
        raise Refused(_("An agreement is between two different partner organisations."), reason="bodies")
    first, second = sorted((first, second), key=lambda b: b.pk)
    if Agreement.objects.filter(first=first, second=second, ended_at=None).exists():
        raise Refused(_("That agreement is already noted."), reason="duplicate")
    made = Agreement.objects.create(first=first, second=second, noted_by=by, noted_at=clock.now())
    record.append("agreement noted", made, by=by, detail={"first": first.ref, "second": second.ref})
    return made


@action("end_agreement")
def end_agreement(agreement: Agreement, *, by: Person) -> Agreement:
    """An agreement ends; from then on neither is told of the other."""
    agreement = Agreement.objects.select_for_update().get(pk=agreement.pk)
    authority.require(by, "end_agreement", agreement)
    if agreement.ended_at:
        raise Refused(_("That agreement has already ended."), reason="lifecycle")
    agreement.ended_at = clock.now()
    agreement.save(update_fields=["ended_at"])
    record.append("agreement ended", agreement, by=by)
    return agreement


@action("ask_to_compare")
def ask_to_compare(incident: Incident, organisation: Body, *, by: Person) -> None:
    """A partner asks the alliance's monitoring to compare its report with what an agreed organisation may hold.

    Raises Refused in the same words whether there is nothing, no agreement, or no such organisation.
    """
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    authority.require(by, "ask_to_compare", incident)
    if organisation not in queries.told_of_others(incident):
        raise Refused(_("There is nothing to ask that organisation about this report."), reason="nothing")
    with scope_of(CLOCK):
        alike = LinkPair.objects.filter(
            Q(first=incident, second__organisation=organisation) | Q(second=incident, first__organisation=organisation)
        )
        for pair in LinkPair.objects.select_for_update(no_key=True).filter(pk__in=alike).order_by("id"):
            pair.asked_by, pair.asked_at = by, clock.now()
            pair.save(update_fields=["asked_by", "asked_at"])
    record.append("comparison asked for", incident, by=by, detail={"organisation": organisation.ref})
