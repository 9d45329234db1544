"""What people keep of their looking, what is released to members, and the tallies that keep a page quick."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def view_ref() -> str:
    return new_ref("VIE")


def table_ref() -> str:
    return new_ref("TBL")


def job_ref() -> str:
    return new_ref("JOB")


def bulletin_ref() -> str:
    return new_ref("BUL")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class Tally(models.Model):
    """How many reports of one organisation lie at one value of one axis. Kept by a trigger on the incidents.

    Rows are differences that add up; `queries.fold` puts equal ones together. Never shown to anyone without the row-level
    scope of its compartment, and never to a delegation.
    """

    situation = models.ForeignKey(
        "monitoring.Situation", on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    compartment = models.CharField(max_length=80)
    organisation = models.ForeignKey(
        Body, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    axis = models.CharField(max_length=8)
    value = models.CharField(max_length=60)
    n = models.IntegerField()
    verified = models.IntegerField()
    victims = models.BigIntegerField()
    verified_victims = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["situation", "axis", "value"], name="tally_by_axis",
                include=["compartment", "organisation", "n", "verified", "victims", "verified_victims"],
            )
        ]  # fmt: skip


@declares(data_class="C1", owner="monitoring", retention="session")
class Visit(models.Model):
    """Up to where in the record a person has seen a situation, by their own word."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    size = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "situation"], name="one_visit_per_person_and_place")]


@declares(data_class="C1", owner="monitoring", retention="session")
class SavedView(models.Model):
    """A named set of filters: the person's own, or shown to everyone of their body."""

    ref = models.CharField(max_length=40, unique=True, default=view_ref)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.CASCADE, related_name="+")
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500, blank=True, default="")
    shared = models.BooleanField(default=False)
    is_default = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "situation", "name"], condition=Q(removed_at=None), name="one_view_of_a_name"
            ),
            models.UniqueConstraint(
                fields=["person", "situation"], condition=Q(is_default=True, removed_at=None), name="one_default_view"
            ),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C0", owner="monitoring", retention="permanent")
class ReleasedTable(models.Model):
    """A table of reports as members may read it: suppressed, rounded, attacked, frozen. Never the exact figures."""

    ref = models.CharField(max_length=40, unique=True, default=table_ref)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="released_tables")
    year = models.PositiveSmallIntegerField()
    axis = models.CharField(max_length=8)
    table = models.JSONField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-year", "axis"]
        constraints = [
            models.UniqueConstraint(fields=["situation", "year", "axis"], name="a_year_of_tables_is_released_once")
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class Job(models.Model):
    """A long piece of work done step by step by the worker. Each step is its own act; the next one continues from `done`."""

    ref = models.CharField(max_length=40, unique=True, default=job_ref)
    kind = models.CharField(max_length=20)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    status = models.CharField(max_length=10, default="WAITING")
    steps = models.JSONField(default=list)
    done = models.PositiveSmallIntegerField(default=0)
    why = models.CharField(max_length=400, blank=True, default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(status="WAITING"), name="jobs_that_wait"),
            models.Index(fields=["situation", "-asked_at"], name="jobs_of_a_situation"),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self.steps)


@declares(data_class="C1", owner="monitoring", retention="permanent")
class Bulletin(models.Model):
    """A situation bulletin in one language, as it was set (Annex B): for members, aggregates after R-SDC alone."""

    ref = models.CharField(max_length=40, unique=True, default=bulletin_ref)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="bulletins")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="bulletins")
    language = models.CharField(max_length=2)
    on = models.DateField()
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["job", "language"], name="one_bulletin_per_job_and_language")]

    def __str__(self) -> str:
        return self.ref
