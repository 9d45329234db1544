"""Balances and what may be spent."""

from __future__ import annotations

from django.db.models import Sum

from answerable.common.money import Money
from answerable.fund import lifecycle
from answerable.fund.models import Entry, Leg, Payment

COMMITTED = (lifecycle.PLANNED, lifecycle.APPROVED_1, lifecycle.APPROVED_2, lifecycle.RELEASED, lifecycle.UNKNOWN)


def balances() -> dict[tuple[str, str], Money]:
    """Balance of every account by (account, currency); set-asides shown as positive amounts."""
    rows = Leg.objects.values("account", "currency").annotate(total=Sum("minor")).order_by("account", "currency")
    return {
        (r["account"], r["currency"]): Money(r["total"] if r["account"] == "cash" else -r["total"], r["currency"])
        for r in rows
    }


def paid_so_far() -> int:
    """How many payments the ledger holds."""
    return Entry.objects.filter(memo="payment").count()


def free(account: str, currency: str) -> Money:
    """What may still be committed from a set-aside: its balance less payments under way."""
    held = -(Leg.objects.filter(account=account, currency=currency).aggregate(t=Sum("minor"))["t"] or 0)
    under_way = (
        Payment.objects.filter(source=account, currency=currency, status__in=COMMITTED).aggregate(t=Sum("minor"))["t"]
        or 0
    )
    return Money(held - under_way, currency)


def trial_balance() -> dict[str, int]:
    """Sum of all legs by currency; zero in each, or something is very wrong."""
    return {r["currency"]: r["t"] for r in Leg.objects.values("currency").annotate(t=Sum("minor"))}
