"""No one alone moves a payment or sends it elsewhere, whatever offices they hold (invariant 7, SOD-06, R-PAY-1)."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from promises import keeps
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.fund import actions as fund
from answerable.fund.models import Entry, Payment
from answerable.reparations.models import AwardLine, Claim
from answerable.vault.keyroom import seatkeys
from answerable.vault.models import IdentityBlock

pytestmark = pytest.mark.django_db
EVERY_OFFICE = frozenset(
    {"finance_initiator", "finance_approver", "treasurer", "fund_board", "award_panel", "intake_officer"}
)


def everything(handle: str) -> Person:
    """Someone who holds every office at once, confirmed a moment ago: the worst insider there can be."""
    person = Person.objects.select_related("body__state").get(handle=handle)
    person.roles = EVERY_OFFICE
    person.fresh = True
    return person


@keeps(7)
def test_no_one_alone_moves_a_payment_whatever_offices_they_hold(played):
    see_all()
    line = AwardLine.objects.get(award_key=played["run"].fresh("$award").ref)
    fina, before = everything("fina"), Entry.objects.count()
    payment = fund.plan_payment(line.ref, 3, by=fina)
    for step in ("approve_first", "approve_second", "release", "settle"):
        with pytest.raises(Refused):
            fund.move_payment(payment, step, bank_reference="B", by=fina)
    payment = fund.move_payment(payment, "approve_first", by=everything("abel"))
    for step in ("approve_second", "release"):
        for hand in ("fina", "abel"):
            with pytest.raises(Refused):
                fund.move_payment(payment, step, by=everything(hand))
    assert Entry.objects.count() == before and Payment.objects.get(pk=payment.pk).status == "APPROVED_1"


@keeps(7)
@pytest.mark.writes_freely
@pytest.mark.parametrize("change", [
    "status = 'RELEASED', approved_first_by_id = initiated_by_id, approved_second_by_id = initiated_by_id",
    "status = 'RELEASED'", "approved_first_by_id = initiated_by_id", "minor = 0",
])  # fmt: skip
def test_not_even_the_offices_database_role_makes_one_hand_into_four(played, change):
    see_all()
    pk = Payment.objects.filter(status="PLANNED").values_list("pk", flat=True).first()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE fund_payment SET {change} WHERE id = %s", [pk])


@keeps(7)
def test_no_one_on_the_server_can_redirect_a_payment(played):
    """Where money goes is part of who she is: sealed for two custodians, once, and in no row that finance can reach."""
    columns = {f.name for m in (Payment, AwardLine) for f in m._meta.concrete_fields}
    assert not [c for c in columns if any(w in c for w in ("payee", "account", "iban", "bank_name", "holder"))]
    see_all()
    claim = Claim.objects.get(ref=played["run"].fresh("$claim").ref)
    block = bytes(IdentityBlock.objects.get(subject=claim.ref).block)
    with pytest.raises(Exception), transaction.atomic(using="keys"):
        seatkeys.seal_identity(claim.ref, {"payee": "Someone else's account"})
    assert bytes(IdentityBlock.objects.get(subject=claim.ref).block) == block
