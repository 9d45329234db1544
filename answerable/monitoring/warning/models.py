"""What was seen, what it amounted to, who confirmed it; and forecasts, which stay with the analysts."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.monitoring.models import Situation, SourceItem
from answerable.monitoring.warning import lifecycle
from answerable.vault.models import SealedField

# The room of the alliance's own monitoring: what is written about an alert, and every forecast, lies there.
ROOM = "monitoring"


def entry_ref() -> str:
    return new_ref("EWE")


def alert_ref() -> str:
    return new_ref("ALT")


def forecast_ref() -> str:
    return new_ref("FCS")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item", shredded="EWE")
class WarningEntry(models.Model):
    """One observation of one indicator (form A4). What exactly was seen is sealed."""

    ref = models.CharField(max_length=40, unique=True, default=entry_ref)
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="warning_entries")
    indicator = models.CharField(max_length=8)
    stage = models.PositiveSmallIntegerField()
    on = models.DateField()
    area1 = models.CharField(max_length=40, blank=True, default="")
    item = models.ForeignKey(SourceItem, null=True, on_delete=models.PROTECT, related_name="warning_entries")
    reliability = models.CharField(max_length=1, blank=True, default="")
    credibility = models.PositiveSmallIntegerField(default=0)
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True)
    note = SealedField()

    class Meta:
        ordering = ["-on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(stage__gte=1, stage__lte=3), name="a_stage_is_1_to_3"),
            models.CheckConstraint(
                condition=Q(item=None) | Q(reliability="", credibility=0), name="an_entry_with_an_item_has_its_grade"
            ),
        ]
        indexes = [models.Index(fields=["situation", "on"], name="warning_entry_by_day")]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="finding-basis", shredded="no: what a person made of a level")
class Alert(models.Model):
    """A level the rules proposed, and what a person made of it. Until someone confirms it, it is no alert."""

    ref = models.CharField(max_length=40, unique=True, default=alert_ref)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="alerts")
    level = models.CharField(max_length=12)
    status = models.CharField(max_length=16, default=lifecycle.PROPOSED)
    proposed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    escalated_at = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict)
    basis = models.JSONField(default=list)
    seen_by = models.JSONField(default=list)  # who entered what carries it: they do not confirm it themselves
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=20, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.CharField(max_length=20, blank=True, default="")
    obligations = models.JSONField(default=list)
    dialogue = models.CharField(max_length=8, blank=True, default="")
    dialogue_on = models.DateField(null=True)
    words = SealedField()

    class Meta:
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["situation"], condition=Q(status__in=["PROPOSED", "ESCALATED"]), name="one_level_waits_for_a_person"
            ),
            models.UniqueConstraint(
                fields=["situation"], condition=Q(status="CONFIRMED"), name="one_confirmed_level_per_situation"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["CONFIRMED", "NOT_CONFIRMED", "STEPPED_DOWN"]) | Q(decided_by__isnull=False),
                name="an_alert_is_made_by_a_person",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.ref

    @property
    def compartment(self) -> str:
        """Where its words are sealed. The level itself is shown to members once it is confirmed, so no row scope hides it."""
        return ROOM

    @property
    def waiting(self) -> bool:
        return self.status in lifecycle.WAITING


@declares(data_class="C0", owner="monitoring", retention="permanent")
class ConflictYear(models.Model):
    """A year in which a conflict was fought, from the UCDP/PRIO Armed Conflict Dataset: what a forecast knows of the fighting."""

    imported = models.ForeignKey("monitoring.Import", on_delete=models.PROTECT, related_name="conflict_years")
    conflict = models.CharField(max_length=20)
    year = models.PositiveSmallIntegerField()
    intensity = models.PositiveSmallIntegerField()
    cumulative = models.BooleanField()
    kind = models.PositiveSmallIntegerField()
    over = models.PositiveSmallIntegerField()
    opponents = models.PositiveSmallIntegerField()
    ended = models.BooleanField()
    began = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["imported", "conflict", "year"], name="one_row_for_each_year_of_fighting")
        ]

    def __str__(self) -> str:
        return f"{self.conflict} {self.year}"


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class Forecast(models.Model):
    """What may be reported next year for each conflict actor: a model, not fact. It never leaves the analysts."""

    ref = models.CharField(max_length=40, unique=True, default=forecast_ref)
    compartment = models.CharField(max_length=80, default=ROOM)
    status = models.CharField(max_length=8, default="ASKED")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    made_at = models.DateTimeField(null=True)
    year = models.PositiveSmallIntegerField(null=True)
    method: Any = models.JSONField(default=dict)
    evaluation: Any = models.JSONField(default=dict)
    actors: Any = models.JSONField(default=list)
    problem = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="ASKED"), name="one_forecast_is_asked_for")
        ]

    def __str__(self) -> str:
        return self.ref
