"""Contributions, the double-entry ledger, and payments."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Person, State
from answerable.common.dataclass_of import declares
from answerable.common.money import Money
from answerable.common.references import new_ref
from answerable.fund import lifecycle


def contribution_ref() -> str:
    return new_ref("CTR")


def payment_ref() -> str:
    return new_ref("PAY")


def entry_ref() -> str:
    return new_ref("LED")


@declares(data_class="C0", owner="fund", retention="permanent")
class Contribution(models.Model):
    """Money promised or given. Only cleared cash can be spent (§6.1)."""

    ref = models.CharField(max_length=40, unique=True, default=contribution_ref)
    donor_state = models.ForeignKey(
        State, null=True, blank=True, on_delete=models.PROTECT, related_name="contributions"
    )
    donor_name = models.CharField(max_length=160)
    minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    earmark_kind = models.CharField(max_length=20, blank=True, default="")
    earmark = models.CharField(max_length=60, blank=True, default="")
    status = models.CharField(max_length=12, default=lifecycle.PLEDGED)
    pledged_on = models.DateField()
    received_on = models.DateField(null=True)
    bank_reference = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        ordering = ["-pledged_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(minor__gt=0), name="a_contribution_is_positive"),
            models.UniqueConstraint(
                fields=["bank_reference"], condition=~Q(bank_reference=""), name="a_bank_receipt_counts_once"
            ),
        ]

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


@declares(data_class="C1", owner="fund", retention="permanent")
class Entry(models.Model):
    """One balanced entry of the ledger under a reference that can be used once. Append-only."""

    ref = models.CharField(max_length=40, unique=True, default=entry_ref)
    key = models.CharField(max_length=120, unique=True)
    posted_at = models.DateTimeField()
    memo = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)

    class Meta:
        ordering = ["-id"]


@declares(data_class="C1", owner="fund", retention="permanent")
class Leg(models.Model):
    """One side of an entry. The legs of an entry sum to zero, which the database checks at commit."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="legs")
    account = models.CharField(max_length=20)
    minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)


@declares(data_class="C1", owner="fund", retention="payment")
class Payment(models.Model):
    """An instruction to pay one instalment of one award line. It names no person: the payee stays in the vault."""

    ref = models.CharField(max_length=40, unique=True, default=payment_ref)
    line = models.CharField(max_length=40)
    instalment = models.PositiveSmallIntegerField()
    minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=20, default="distributable")
    idempotency = models.UUIDField(default=uuid.uuid4)
    status = models.CharField(max_length=12, default=lifecycle.PLANNED)
    initiated_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    approved_first_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    approved_second_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    released_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    bank_reference = models.CharField(max_length=60, blank=True, default="")

    class Meta:
        ordering = ["-planned_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "instalment"], condition=Q(status__in=lifecycle.STANDING),
                name="R_PAY_1_one_standing_payment_per_instalment",
            ),
            models.CheckConstraint(condition=Q(minor__gt=0), name="a_payment_is_positive"),
            models.CheckConstraint(
                condition=(Q(approved_first_by=None) | ~Q(approved_first_by=F("initiated_by")))
                & (Q(approved_second_by=None) | ~Q(approved_second_by=F("initiated_by")))
                & (Q(approved_second_by=None) | ~Q(approved_second_by=F("approved_first_by")))
                & (Q(released_by=None) | ~Q(released_by=F("initiated_by")))
                & (Q(released_by=None) | ~Q(released_by=F("approved_first_by")))
                & (Q(released_by=None) | ~Q(released_by=F("approved_second_by"))),
                name="SOD_06_four_different_hands",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[lifecycle.PLANNED, lifecycle.APPROVED_1, lifecycle.CANCELLED])
                | Q(approved_first_by__isnull=False, approved_second_by__isnull=False),
                name="nothing_leaves_without_two_approvals",
            ),
        ]  # fmt: skip

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.currency)
