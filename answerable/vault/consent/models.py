"""The book of consents, withdrawals with their effects, and the ledger of what was given out. No free text anywhere."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.vault.consent import rules


def consent_ref() -> str:
    return new_ref("CNS")


def withdrawal_ref() -> str:
    return new_ref("WDR")


def transfer_ref() -> str:
    return new_ref("TRF")


ASKED, EFFECTIVE, SHREDDING, SHREDDED, UNDONE = "ASKED", "EFFECTIVE", "SHREDDING", "SHREDDED", "UNDONE"
# While one of these holds, a subject of which everything was withdrawn is closed to everyone.
CLOSED = (ASKED, EFFECTIVE, SHREDDING, SHREDDED)


@declares(data_class="C1", owner="vault", retention="claim-file")
class Consent(models.Model):
    """One word about one purpose, by or for the person behind `subject`. Append-only: the latest row decides."""

    ref = models.CharField(max_length=40, unique=True, default=consent_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=60)
    purpose = models.CharField(max_length=8)
    given = models.BooleanField()
    audience = models.JSONField(default=list)
    identifiability = models.CharField(max_length=4, default="ID-0")
    expires_on = models.DateField(null=True)
    giver = models.CharField(max_length=16, default="self", choices=[(g, g) for g in rules.GIVERS])
    assent = models.BooleanField(default=False)
    guardian_not_implicated = models.BooleanField(default=False)
    language = models.CharField(max_length=8, blank=True, default="")
    method = models.CharField(max_length=12, default="spoken")
    interpreter = models.BooleanField(default=False)
    understanding_checked = models.BooleanField(default=False)
    withdrawal_channel_told = models.BooleanField(default=False)
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    heard_through = models.CharField(max_length=20, blank=True, default="")
    recorded_by = models.CharField(max_length=40)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["subject", "id"], name="consent_by_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(given=False) | Q(withdrawn_at=None), name="a_yes_is_not_withdrawn_in_the_same_row"
            ),
            models.CheckConstraint(
                condition=Q(given=False) | ~Q(giver="guardian") | Q(assent=True, guardian_not_implicated=True),
                name="SC_11_a_guardians_consent_needs_assent",
            ),
        ]

    @property
    def terms(self) -> rules.Terms:
        """This row as the rules see it."""
        return terms(*(getattr(self, name) for name in TERMS))


TERMS = (
    "purpose", "given", "audience", "identifiability", "expires_on", "giver", "assent", "guardian_not_implicated",
    "understanding_checked", "withdrawal_channel_told",
)  # fmt: skip


def terms(purpose: str, given: bool, audience: list[str], *rest: Any) -> rules.Terms:
    """The columns of TERMS, in their order, as the rules see them."""
    return rules.Terms(purpose, given, tuple(audience), *rest)


@declares(data_class="C1", owner="vault", retention="claim-file")
class Withdrawal(models.Model):
    """One act of withdrawing, with everything that follows from it and when. A reason is never asked for."""

    ref = models.CharField(max_length=40, unique=True, default=withdrawal_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=60)
    # Every reference whose keys go with the subject's; fixed when it is asked, and its digest is in the record.
    parts = models.JSONField(default=list)
    purposes = models.JSONField(default=list)
    # Purposes that were in force and fell by it, with what each app put aside: an undo brings exactly this back.
    had = models.JSONField(default=list)
    put_aside = models.JSONField(default=dict)
    total = models.BooleanField(default=False)
    status = models.CharField(max_length=10, default=ASKED)
    # Whether the apps were told of the last move; the clock tells them when the vault process took it in.
    settled = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    undo_until = models.DateTimeField()
    heard_through = models.CharField(max_length=20)
    effects = models.JSONField(default=list)
    shredded_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    # Why the vault kept the keys when they were due, as it said; empty where it did not.
    refused = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["subject", "status"], name="withdrawal_by_subject"),
            GinIndex(fields=["parts"], name="withdrawal_by_part"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(total=True) | ~Q(status__in=[SHREDDING, SHREDDED]), name="only_everything_is_shredded"
            ),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(total=True, status__in=list(CLOSED)),
                name="everything_is_withdrawn_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="vault", retention="audit-log")
class Transfer(models.Model):
    """Something given out under a consent: to whom, when, which fields; recalled and answered. The disclosure ledger."""

    ref = models.CharField(max_length=40, unique=True, default=transfer_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=60)
    purpose = models.CharField(max_length=8)
    recipient = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=160)
    on = models.DateField()
    fields = models.JSONField(default=list)
    recalled_at = models.DateTimeField(null=True)
    answer_due_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=12, blank=True, default="")

    class Meta:
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["subject"], name="transfer_by_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None) | Q(recalled_at__isnull=False), name="an_answer_follows_a_recall"
            )
        ]

    def __str__(self) -> str:
        return self.ref
