"""Estimates of how many were never reported, each with the capture table it was made from."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def estimate_ref() -> str:
    return new_ref("EST")


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class CaptureEstimate(models.Model):
    """A table of overlapping lists as an analyst entered it, and what every model said once the worker was done. Counts only, no case; and always
    an estimate: nothing here is added to what was reported or verified."""

    ref = models.CharField(max_length=40, unique=True, default=estimate_ref)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="estimates")
    counted = models.CharField(max_length=200)
    source = models.CharField(max_length=300)
    licence = models.CharField(max_length=200)
    lists = models.JSONField(default=list)
    patterns = models.JSONField(default=dict)
    observed = models.PositiveIntegerField()
    lower = models.PositiveBigIntegerField(null=True)
    middle = models.PositiveBigIntegerField(null=True)
    upper = models.PositiveBigIntegerField(null=True)
    # What is worked out, and by part what was worked out so far; `result` is empty until every part is there.
    study = models.JSONField(default=dict)
    parts = models.JSONField(default=dict)
    job = models.OneToOneField("monitoring.Job", null=True, on_delete=models.PROTECT, related_name="estimate")
    result = models.JSONField(default=dict)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        app_label = "monitoring"
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lower=None, middle=None, upper=None)
                | (Q(observed__lte=F("lower")) & Q(lower__lte=F("middle")) & Q(middle__lte=F("upper"))),
                name="an_estimate_is_never_below_what_was_observed",
            )
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def status(self) -> str:
        """How far it is: that of its work, DONE for those made before there was any."""
        return self.job.status if self.job else "DONE"
