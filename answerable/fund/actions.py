"""Every change to the fund: contributions, payments, and the entries they leave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from answerable.alliance.models import Person, State
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.money import Money
from answerable.fund import lifecycle, queries, rules
from answerable.fund.models import Contribution, Entry, Leg, Payment
from answerable.record import log as record

# Serialises postings, so that a balance read under it cannot be spent twice.
LEDGER_LOCK = 0x414E53


def _post(key: str, legs: Iterable[rules.Leg], *, memo: str, subject: str) -> Entry:
    """Post one balanced entry. A key is used once: ValueError for legs that do not balance, Refused for a second use."""
    legs = list(legs)
    if not rules.balances(legs):
        raise ValueError(f"entry {key} does not balance")
    try:
        with transaction.atomic():
            entry = Entry.objects.create(key=key, posted_at=clock.now(), memo=memo, subject=subject)
    except IntegrityError:
        raise Refused(_("That has already been posted; nothing was posted twice."), reason="DUPLICATE") from None
    Leg.objects.bulk_create(
        Leg(entry=entry, account=leg.account, minor=leg.amount.minor, currency=leg.amount.currency) for leg in legs
    )
    return entry


def _lock_ledger() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEDGER_LOCK])


@action("pledge_contribution")
def pledge_contribution(
    *, donor_name: str, amount: Money, donor_state: State | None = None, earmark_kind: str = "", earmark: str = "",
    by: Person,
) -> Contribution:  # fmt: skip
    """Note a pledge. It buys nothing until it is cleared cash; a forbidden earmark is refused with what to do (R-EAR-1)."""
    authority.require(by, "pledge_contribution", Place("contributions"))
    if amount.minor <= 0:
        raise Refused(_("A contribution is more than nothing."), reason="amount")
    if obstacle := rules.earmark_obstacle(earmark_kind):
        raise Refused(obstacle, reason="R-EAR-1")
    contribution = Contribution.objects.create(
        donor_name=donor_name, donor_state=donor_state, minor=amount.minor, currency=amount.currency,
        earmark_kind=earmark_kind, earmark=earmark, pledged_on=clock.today(),
    )  # fmt: skip
    record.append("contribution pledged", contribution, by=by, to_state=contribution.status,
                  detail={"minor": amount.minor, "currency": amount.currency})  # fmt: skip
    return contribution


@action("receive_contribution")
def receive_contribution(
    contribution: Contribution, *, bank_reference: str, on: date | None = None, by: Person
) -> Contribution:
    """Cash cleared at the bank: now it can be spent, after set-asides (R-EAR-3). A bank reference counts once."""
    contribution = Contribution.objects.select_for_update().get(pk=contribution.pk)
    authority.require(by, "receive_contribution", Place("contributions"))
    if not bank_reference.strip():
        raise Refused(_("Give the bank's own reference of the receipt."), reason="incomplete")
    before, contribution.status = (
        contribution.status,
        next_status(lifecycle.CONTRIBUTION_MOVES, "receive", status=contribution.status),
    )
    contribution.received_on, contribution.bank_reference = on or clock.today(), bank_reference.strip()
    try:
        with transaction.atomic():
            contribution.save(update_fields=["status", "received_on", "bank_reference"])
    except IntegrityError:
        raise Refused(_("That bank receipt has already been entered for another contribution."),
                      reason="DUPLICATE") from None  # fmt: skip
    _lock_ledger()
    _post(f"receipt:{contribution.ref}", rules.receipt(contribution.amount, earmarked=bool(contribution.earmark_kind)),
          memo="receipt", subject=contribution.ref)  # fmt: skip
    entry = record.append("contribution received", contribution, by=by, from_state=before,
                          to_state=contribution.status,
                          detail={"minor": contribution.minor, "currency": contribution.currency})  # fmt: skip
    question("released").ask("fund", None, entry)
    return contribution


@action("plan_payment")
def plan_payment(line: str, instalment: int, *, by: Person) -> Payment:
    """Initiate the payment of one instalment of an accepted award line.

    What is owed comes from the award, never from whoever types. A second instruction for the same instalment is
    refused as a duplicate whoever gives it (R-PAY-1).
    """
    authority.require(by, "plan_payment", Place("payments"))
    owed: list[Money] = [m for m in question("instalment_owed").ask(line, instalment) if m is not None]
    if not owed:
        raise Refused(_("Nothing is owed under that award line and instalment, or it is not accepted yet."),
                      reason="unknown")  # fmt: skip
    amount = owed[0]
    _lock_ledger()
    if amount.minor > (free := queries.free("distributable", amount.currency)).minor:
        raise Refused(
            _("The fund can spend %(free)s now and this needs %(amount)s. Only cleared cash is spent (§6.1).")
            % {"free": str(free), "amount": str(amount)},
            reason="no_cash",
        )
    try:
        with transaction.atomic():
            payment = Payment.objects.create(
                line=line, instalment=instalment, minor=amount.minor, currency=amount.currency,
                idempotency=rules.idempotency_key(line, instalment), initiated_by=by, planned_at=clock.now(),
            )  # fmt: skip
    except IntegrityError:
        raise Refused(
            _("A payment for this instalment already stands; nothing was ordered twice (R-PAY-1)."), reason="DUPLICATE"
        ) from None
    record.append("payment planned", payment, by=by, to_state=payment.status,
                  detail={"line": line, "instalment": instalment, "minor": amount.minor, "currency": amount.currency})  # fmt: skip
    return payment


@action("move_payment")
def move_payment(payment: Payment, name: str, *, bank_reference: str = "", by: Person) -> Payment:
    """Approve (twice, by two persons), release, settle, or note that it failed, is unknown, or was cancelled.

    Four different hands (SOD-06). A payment whose outcome is unknown is never sent again until the bank has said.
    """
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    authority.require(by, name, payment)
    before, payment.status = payment.status, next_status(lifecycle.PAYMENT_MOVES, name, status=payment.status)
    slot = {"approve_first": "approved_first_by", "approve_second": "approved_second_by", "release": "released_by"}.get(
        name
    )
    if slot:
        hands = [payment.initiated_by_id, payment.approved_first_by_id, payment.approved_second_by_id]
        if by.pk in hands:
            raise Refused(_("You have already had a hand in this payment; another person takes this step (SOD-06)."),
                          reason="SOD-06")  # fmt: skip
        setattr(payment, slot, by)
    if name == "settle":
        if not bank_reference.strip():
            raise Refused(_("Give the bank's own reference of the payment."), reason="incomplete")
        payment.settled_at, payment.bank_reference = clock.now(), bank_reference.strip()
        _lock_ledger()
        _post(f"payment:{payment.ref}", rules.paid_out(payment.amount, source=payment.source), memo="payment",
              subject=payment.ref)  # fmt: skip
    payment.save()
    entry = record.append(f"payment {name.replace('_', ' ')}", payment, by=by, from_state=before,
                          to_state=payment.status)  # fmt: skip
    if name == "settle":
        question("payment_settled").ask(payment.line)
        question("released").ask("fund", None, entry)
    return payment
