"""Measures in force and what each member does about them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from answerable.alliance.models import State
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.council.models import Proposal
from answerable.measures import lifecycle


def measure_ref() -> str:
    return new_ref("MEA")


@declares(data_class="C0", owner="measures", retention="permanent")
class Measure(models.Model):
    """An adopted measure, with its expiry (invariant 8)."""

    ref = models.CharField(max_length=40, unique=True, default=measure_ref)
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="adopted_as")
    code = models.CharField(max_length=8)
    status = models.CharField(max_length=20, default=lifecycle.ADOPTED)
    stays = models.BooleanField(default=True)
    adopted_on = models.DateField()
    in_force_on = models.DateField(null=True)
    due_at = models.DateTimeField(null=True)
    expires_on = models.DateField(null=True)
    review_on = models.DateField(null=True)

    class Meta:
        ordering = ["-adopted_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stays=False) | Q(expires_on__isnull=False), name="no_measure_that_stays_is_without_expiry"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.proposal.title}"


@declares(data_class="C0", owner="measures", retention="permanent")
class Implementation(models.Model):
    """What one member owes and did on one measure."""

    measure = models.ForeignKey(Measure, on_delete=models.PROTECT, related_name="implementations")
    state = models.ForeignKey(State, on_delete=models.PROTECT, related_name="implementations")
    status = models.CharField(max_length=12, default=lifecycle.DUE)
    due_at = models.DateTimeField()
    act = models.CharField(max_length=200, blank=True, default="")
    act_on = models.DateField(null=True)
    licences_refused = models.PositiveIntegerField(default=0)
    exceptions_used = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["state__name"]
        constraints = [models.UniqueConstraint(fields=["measure", "state"], name="one_implementation_per_member")]
