"""Findings of the panel, its experts' opinions, and what the respondent replied."""

from __future__ import annotations

from django.db import models

from answerable.accountability import lifecycle
from answerable.alliance.models import Person, State
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.monitoring.models import Party, PatternAssessment, Situation
from answerable.vault.models import SealedField


def finding_ref() -> str:
    return new_ref("FND")


def robustness_ref() -> str:
    return new_ref("RBT")


@declares(data_class="C1", owner="accountability", retention="finding-basis", shredded="no: the panel's reasons")
class Finding(models.Model):
    """A finding: its kind, the standard claimed, what it rests on, and where it stands. Reasons are sealed."""

    ref = models.CharField(max_length=40, unique=True, default=finding_ref)
    # Its reasons are sealed here. Not a column: the panel's secretariat and the council read the row, not the reasons.
    compartment = "monitoring"
    kind = models.CharField(max_length=12)
    standard = models.CharField(max_length=4)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="findings")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="findings")
    respondent = models.ForeignKey(State, null=True, blank=True, on_delete=models.PROTECT, related_name="findings")
    pattern = models.ForeignKey(PatternAssessment, on_delete=models.PROTECT, related_name="findings")
    status = models.CharField(max_length=20, default=lifecycle.DRAFT)
    criteria = models.JSONField(default=list)
    urgent = models.BooleanField(default=False)
    drafted_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField()
    notified_at = models.DateTimeField(null=True)
    reply_due_at = models.DateTimeField(null=True)
    reply = models.CharField(max_length=20, blank=True, default="")
    adopted_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    panel = models.JSONField(default=dict)
    reasons = SealedField()

    class Meta:
        ordering = ["-drafted_at"]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="accountability", retention="finding-basis")
class Robustness(models.Model):
    """A finding tested again after something beneath it fell away. In the panel's restricted file; never announced.

    Says what the figures are without it and whether the criteria still hold, not what fell away nor whose it was.
    """

    ref = models.CharField(max_length=40, unique=True, default=robustness_ref)
    compartment = models.CharField(max_length=80, default="monitoring")
    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="robustness")
    tested_at = models.DateTimeField()
    result = models.JSONField(default=dict)
    criteria = models.JSONField(default=list)
    stands = models.BooleanField()
    dependants = models.JSONField(default=list)
    due_at = models.DateTimeField(null=True)
    noted_at = models.DateTimeField(null=True)
    noted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-tested_at", "-id"]

    def __str__(self) -> str:
        return self.ref

    @property
    def says(self) -> str:
        """In two words, as the panel reads it."""
        return "stands" if self.stands else "must be reviewed"


@declares(data_class="C1", owner="accountability", retention="finding-basis")
class Opinion(models.Model):
    """One expert's opinion on a finding: concur or dissent, once."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="opinions")
    expert = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opinion = models.CharField(max_length=8, choices=[("concur", "concur"), ("dissent", "dissent")])
    given_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["finding", "expert"], name="one_opinion_per_expert")]
