"""Fund: every cent, from pledge to payment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.alliance.days import day_words
from answerable.alliance.models import State
from answerable.alliance.sentences import said
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.common.money import Money
from answerable.common.references import normalise
from answerable.fund import actions, lifecycle, queries
from answerable.fund.models import Contribution, Entry, Payment
from answerable.fund.rules import ACCOUNTS
from answerable.record.pages import chain


class PledgeForm(forms.Form):
    """A pledge (form A14)."""

    donor_name = forms.CharField(label=gettext_lazy("Donor"), max_length=160)
    donor_state = forms.ModelChoiceField(
        label=gettext_lazy("Donor state, if it is one"), queryset=State.objects.all(), required=False
    )
    amount = forms.CharField(label=gettext_lazy("Amount"), max_length=24)
    currency = forms.RegexField(r"^[A-Z]{3}$", label=gettext_lazy("Currency"), initial="USD", max_length=3)
    earmark_kind = forms.ChoiceField(label=gettext_lazy("Earmark"), required=False, choices=[
        ("", gettext_lazy("none")), ("situation", gettext_lazy("by situation")), ("form", gettext_lazy("by form of reparation")),
        ("side", gettext_lazy("by side of the conflict"))])  # fmt: skip


class ReceiptForm(forms.Form):
    """The bank's word."""

    bank_reference = forms.CharField(label=gettext_lazy("Bank reference"), max_length=60)


class PlanForm(forms.Form):
    """Which instalment of which line."""

    line = forms.CharField(label=gettext_lazy("Award line"), max_length=40)
    instalment = forms.IntegerField(label=gettext_lazy("Instalment"), min_value=1, max_value=12, initial=1)


def _contribution(ref: str) -> Contribution:
    from django.shortcuts import get_object_or_404

    return get_object_or_404(Contribution, ref=normalise(ref))


def _balances(*, live: bool) -> tuple[str, list[list[str]]]:
    if live:
        rows = [[said(ACCOUNTS[a]), str(m)] for (a, _c), m in queries.balances().items()]
        return _("Where the money stands"), rows
    stated = next(iter(question("fund_statement").ask()), None)
    if stated is None:
        return _("Where the money stands"), []
    return (
        _("Where the money stood on %(day)s") % {"day": day_words(stated["on"])},
        [[said(ACCOUNTS[b["account"]]), str(Money(b["minor"], b["currency"]))] for b in stated["balances"]],
    )


@needs("see_fund", "fund")
def fund(request: Request) -> HttpResponse:
    """Balances, contributions, and for finance the payments.

    Whoever sees no payments sees the balances as they were last stated in public: the difference of two balances would
    be what one person was paid.
    """
    sees_payments = authority.allows(request.user, "see_payments", Place("payments"))
    title, balances = _balances(live=sees_payments)
    may_receive = authority.allows(request.user, "receive_contribution", Place("contributions"))
    contributions = [
        [c.donor_name, str(c.amount), c.earmark_kind or "–",
         {"url": reverse("receive-contribution", args=[c.ref]), "text": _("Confirm cleared cash")}
         if may_receive and c.status in {"PLEDGED", "COMMITTED", "DUE"} else {"status": c.status}]
        for c in Contribution.objects.all()[:200]
    ]  # fmt: skip
    tables = [
        {"title": title, "head": [_("Account"), _("Balance")], "rows": balances},
        {
            "title": _("Contributions"),
            "head": [_("Donor"), _("Amount"), _("Earmark"), _("State")],
            "rows": contributions,
        },
    ]
    links = []
    if sees_payments:
        rows = [
            [
                {"url": reverse("payment", args=[p.ref]), "text": p.ref},
                str(p.amount),
                p.instalment,
                {"status": p.status},
            ]
            for p in Payment.objects.all()[:200]
        ]
        tables.append(
            {"title": _("Payments"), "head": [_("Payment"), _("Amount"), _("Instalment"), _("State")], "rows": rows}
        )
        waiting = [row for answer in question("lines_to_pay").ask() for row in answer]
        if not authority.allows(request.user, "plan_payment", Place("payments")):
            waiting = [[row[0]["text"], *row[1:]] for row in waiting]
        if waiting:
            tables.append({"title": _("Accepted award lines with an instalment to plan"),
                           "head": [_("Award line"), _("Instalments"), _("Paid")], "rows": waiting})  # fmt: skip
        entries = [[e.posted_at.date().isoformat(), e.memo, e.subject, ", ".join(f"{leg.account} {leg.amount}" for leg in e.legs.all())]
                   for e in Entry.objects.prefetch_related("legs")[:100]]  # fmt: skip
        tables.append(
            {"title": _("Ledger, newest first"), "head": [_("Day"), _("For"), _("Subject"), _("Legs")], "rows": entries}
        )
    if authority.allows(request.user, "pledge_contribution", Place("contributions")):
        links = [{"url": reverse("pledge-contribution"), "words": _("Note a pledge")},
                 {"url": reverse("plan-payment"), "words": _("Plan a payment")}]  # fmt: skip
    return render(request, "list.html", {"heading": _("Fund"), "tables": tables, "links": links,
                                         "lead": _("Only cleared cash is spent. Every entry sums to zero.")})  # fmt: skip


@needs("pledge_contribution", "contributions")
def pledge(request: Request) -> HttpResponse:
    """Note a pledge."""

    def act(data: dict[str, Any]) -> HttpResponse:
        amount = Money.parse(data.pop("amount"), data.pop("currency"))
        actions.pledge_contribution(**data, amount=amount, by=request.user)
        return done(request, _("The pledge is noted; it buys nothing until it is cleared cash."), "fund")

    return form_page(request, PledgeForm(request.POST or None), heading=_("Note a pledge"), button=_("Note"), act=act,
                     cancel=reverse("fund"))  # fmt: skip


@needs("receive_contribution", "contributions")
def receive(request: Request, ref: str) -> HttpResponse:
    """Cleared cash."""
    this = _contribution(ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.receive_contribution(this, **data, by=request.user)
        return done(request, _("The cash is cleared and set aside by the rules."), "fund")

    return form_page(request, ReceiptForm(request.POST or None), heading=_("Confirm cleared cash"), button=_("Confirm"),
                     act=act, lead=f"{this.donor_name}: {this.amount}", cancel=reverse("fund"))  # fmt: skip


@needs("plan_payment", "payments")
def plan(request: Request) -> HttpResponse:
    """Plan a payment; the amount comes from the award."""

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.plan_payment(normalise(data["line"]), data["instalment"], by=request.user)
        return done(request, _("The payment is planned; two others approve it."), "payment", made.ref)

    return form_page(request, PlanForm(request.POST or None, initial={"line": request.GET.get("line", ""), "instalment": request.GET.get("n", 1)}),
                     heading=_("Plan a payment"), button=_("Plan"), act=act, cancel=reverse("fund"))  # fmt: skip


def _words() -> dict[str, str]:
    return {"approve_first": _("Approve (first)"), "approve_second": _("Approve (second)"), "release": _("Release to the bank"),
            "fail": _("The bank says it failed"), "lose_sight": _("No answer from the bank"), "cancel_payment": _("Cancel")}  # fmt: skip


@needs("see_payments")
def payment(request: Request, ref: str) -> HttpResponse:
    """One payment and its four hands. It names no person."""
    from django.shortcuts import get_object_or_404

    this = get_object_or_404(Payment, ref=normalise(ref))
    hands = [(_("Planned by"), this.initiated_by), (_("First approval"), this.approved_first_by or "–"),
             (_("Second approval"), this.approved_second_by or "–"), (_("Released by"), this.released_by or "–"),
             (_("Bank reference"), this.bank_reference or "–")]  # fmt: skip
    return render(
        request, "fund/payment.html",
        {"heading": _("Payment") + f" {this.amount}", "object": this,
         "facts": [(_("Award line"), this.line), (_("Instalment"), this.instalment), *hands],
         "may_settle": this.status in {lifecycle.RELEASED, lifecycle.UNKNOWN} and authority.allows(request.user, "settle", this),
         **moves(request.user, this, _words(), lifecycle.PAYMENT_MOVES, reverse("move-payment", args=[this.ref])),
         **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_payments")
def move_payment(request: Request, ref: str) -> HttpResponse:
    """One step of a payment."""
    from django.shortcuts import get_object_or_404

    this = get_object_or_404(Payment, ref=normalise(ref))
    name = request.POST.get("move", "")
    name = name if name in {*_words(), "settle"} else "approve_first"
    actions.move_payment(this, name, bank_reference=request.POST.get("bank_reference", ""), by=request.user)
    return done(request, _("Done."), "payment", this.ref)
