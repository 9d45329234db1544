"""Programmes, claims, awards. No name is here: identities are sealed two of three in the vault."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Person
from answerable.common.dataclass_of import declares
from answerable.common.money import Money
from answerable.common.references import new_ref
from answerable.monitoring.models import Situation
from answerable.reparations import lifecycle, rules
from answerable.vault.models import SealedField


def programme_ref() -> str:
    return new_ref("PRG")


def claim_ref() -> str:
    return new_ref("CLM")


def award_ref() -> str:
    return new_ref("AWD")


def line_ref() -> str:
    return new_ref("LIN")


def correction_ref() -> str:
    return new_ref("COR")


@declares(data_class="C0", owner="reparations", retention="permanent")
class Programme(models.Model):
    """A reparations programme for a designated situation. Its rules may demand no complaint and no conviction."""

    ref = models.CharField(max_length=40, unique=True, default=programme_ref)
    situation = models.OneToOneField(Situation, on_delete=models.PROTECT, related_name="programme")
    schedule = models.CharField(max_length=8, default="FLAT")
    unit_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    required = models.JSONField(default=list)
    findings = models.JSONField(default=list)
    recognition = models.CharField(max_length=120, blank=True, default="")
    status = models.CharField(max_length=14, default=lifecycle.PROPOSED)
    opened_on = models.DateField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(unit_minor__gt=0), name="a_unit_has_a_value")]

    @property
    def unit(self) -> Money:
        return Money(self.unit_minor, self.currency)


@declares(data_class="C1", owner="reparations", retention="claim-file", shredded="CLM")
class Claim(models.Model):
    """A claim as coarse working facts; everything that could point to a person is sealed."""

    ref = models.CharField(max_length=40, unique=True, default=claim_ref)
    compartment = models.CharField(max_length=80)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="claims")
    claim_type = models.CharField(max_length=8)
    age_band = models.CharField(max_length=12)
    country = models.CharField(max_length=60)
    language = models.CharField(max_length=8)
    quarter = models.CharField(max_length=8)
    area1 = models.CharField(max_length=40)
    forms = models.JSONField(default=list)
    flags = models.JSONField(default=list)
    purposes = models.JSONField(default=list)
    # A child's own yes, purpose by purpose, while it waits for an adult who consents with her (SC-11, decision 0015).
    awaiting = models.JSONField(default=list)
    level = models.CharField(max_length=2, default="U3")
    score = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=20, default=lifecycle.LODGED)
    lodged_at = models.DateTimeField()
    screening_due_at = models.DateTimeField()
    eligibility_due_at = models.DateTimeField()
    # Until when someone looks at what a correction made urgent after the claim was screened; nothing waits: null.
    urgent_due_at = models.DateTimeField(null=True)
    # Nobody when she lodged it herself at the door.
    intake_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    first_assessor = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    second_assessor = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    awarded_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    # References of those who changed its facts at her word (SC-10): they neither assess nor award it.
    corrected_by = models.JSONField(default=list)
    supporting_items = models.PositiveSmallIntegerField(default=0)
    criteria = models.JSONField(default=list)
    presumed_by = models.CharField(max_length=40, blank=True, default="")
    events_from = SealedField()
    events_to = SealedField()
    area2 = SealedField()
    account = SealedField()
    alias = SealedField()
    safe_contact = SealedField()
    preferences = SealedField()

    class Meta:
        ordering = ["level", "-score", "lodged_at", "ref"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(first_assessor=None) | Q(intake_by=None) | ~Q(first_assessor=F("intake_by")))
                & (
                    Q(second_assessor=None)
                    | (
                        (Q(intake_by=None) | ~Q(second_assessor=F("intake_by")))
                        & ~Q(second_assessor=F("first_assessor"))
                    )
                )
                & (
                    Q(awarded_by=None)
                    | ((Q(intake_by=None) | ~Q(awarded_by=F("intake_by"))) & ~Q(awarded_by=F("first_assessor")))
                ),
                name="SOD_05_different_hands_on_a_claim",
            )
        ]
        indexes = [models.Index(fields=["compartment", "level", "-score", "lodged_at"], name="claim_queue")]

    def __str__(self) -> str:
        return self.ref

    @property
    def is_childs(self) -> bool:
        """Whether she said that she is a child: then a guardian consents and she assents (SC-11)."""
        return rules.is_childs(self.age_band, self.flags)


@declares(data_class="C1", owner="reparations", retention="claim-file", shredded="COR")
class Correction(models.Model):
    """What became of a correction of her file (SC-10): carried out, put beside it as her statement, or declined.

    Open is every message that corrects and has no row here (`corrections.open_in`). `changed` names fields, `before` keeps
    the coded facts as they were; the sealed fields hold the new versions, and the claim keeps the earlier ones sealed.
    """

    ref = models.CharField(max_length=40, unique=True, default=correction_ref)
    compartment = models.CharField(max_length=80)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="corrections")
    message = models.CharField(max_length=40, unique=True)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=12, choices=[(o, o) for o in lifecycle.CORRECTION_OUTCOMES])
    reason = models.CharField(max_length=20, blank=True, default="")
    changed = models.JSONField(default=list)
    before = models.JSONField(default=dict)
    touched = models.JSONField(default=list)
    # References of the assessors whose assessment rested on what was changed: they do not award the claim.
    set_aside = models.JSONField(default=list)
    award_look = models.CharField(max_length=8, blank=True, default="", choices=[(s, s) for s in lifecycle.AWARD_LOOKS])
    looked_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    events_from = SealedField()
    events_to = SealedField()
    area2 = SealedField()
    account = SealedField()
    alias = SealedField()
    safe_contact = SealedField()
    preferences = SealedField()
    statement = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(outcome="DECLINED") | ~Q(reason=""), name="what_is_declined_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="reparations", retention="claim-file")
class Award(models.Model):
    """What was decided on a claim, in units and in money."""

    ref = models.CharField(max_length=40, unique=True, default=award_ref)
    compartment = models.CharField(max_length=80)
    claim = models.OneToOneField(Claim, on_delete=models.PROTECT, related_name="award")
    units = models.PositiveSmallIntegerField()
    gross_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    decided_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    @property
    def gross(self) -> Money:
        return Money(self.gross_minor, self.currency)

    @property
    def net(self) -> Money:
        return Money(self.net_minor, self.currency)


@declares(data_class="C1", owner="reparations", retention="payment")
class AwardLine(models.Model):
    """One form of reparation awarded, in instalments. Finance sees this and never the claim behind it (SOD-06)."""

    ref = models.CharField(max_length=40, unique=True, default=line_ref)
    award_key = models.CharField(max_length=40)
    form = models.CharField(max_length=8)
    instalments = models.JSONField(default=list)
    currency = models.CharField(max_length=3)
    accepted = models.BooleanField(default=False)
    settled = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
