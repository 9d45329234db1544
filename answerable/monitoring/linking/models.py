"""What is compared of a report, pairs to decide, searches, agreements between organisations; armed actors and command."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def link_ref() -> str:
    return new_ref("LNK")


def search_ref() -> str:
    return new_ref("DUP")


def agreement_ref() -> str:
    return new_ref("AGR")


def actor_ref() -> str:
    return new_ref("ACT")


def command_ref() -> str:
    return new_ref("CMD")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class LinkCard(models.Model):
    """What linkage compares of one incident: coded facts and the sources of its live items. Written anew when they change."""

    incident = models.OneToOneField("monitoring.Incident", on_delete=models.PROTECT, related_name="card")
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey("monitoring.Party", on_delete=models.PROTECT, related_name="+")
    lo = models.IntegerField()
    area1 = models.CharField(max_length=80, blank=True, default="")
    area2 = models.CharField(max_length=80, blank=True, default="")
    facts = models.JSONField(default=dict)
    digest = models.CharField(max_length=32)

    class Meta:
        indexes = [
            models.Index(fields=["party", "lo"], name="card_by_party_day"),
            models.Index(fields=["situation", "area2", "lo"], name="card_by_area2_day"),
            models.Index(fields=["situation", "area1", "lo"], condition=Q(area2=""), name="card_by_area1_day"),
        ]


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class LinkWeights(models.Model):
    """Weights learned from a situation's reports by Splink, used by the check when a report is filed."""

    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="link_weights")
    version = models.CharField(max_length=60, unique=True)
    weights = models.JSONField()
    trained_on = models.PositiveIntegerField()
    made_at = models.DateTimeField()


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class LinkPair(models.Model):
    """Two reports that may speak of one incident, why, and what a person decided. `first` was filed before `second`."""

    SAME, NOT_SAME, UNSURE = "same", "not_same", "unsure"

    ref = models.CharField(max_length=40, unique=True, default=link_ref)
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="link_pairs")
    first = models.ForeignKey("monitoring.Incident", on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey("monitoring.Incident", on_delete=models.PROTECT, related_name="+")
    bits = models.FloatField()
    reasons = models.JSONField(default=list)
    weights = models.CharField(max_length=60)
    digest = models.CharField(max_length=64)
    found_at = models.DateTimeField()
    decision = models.CharField(max_length=8, blank=True, default="")
    why = models.JSONField(default=list)
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_digest = models.CharField(max_length=64, blank=True, default="")
    # Counts every decision and its taking back, so that of two people deciding at once the second is told.
    turn = models.PositiveIntegerField(default=0)
    kept = models.ForeignKey("monitoring.Incident", null=True, on_delete=models.PROTECT, related_name="+")
    duplicate = models.OneToOneField(
        "monitoring.Incident", null=True, on_delete=models.PROTECT, related_name="merged_by"
    )
    put_aside = models.JSONField(default=dict)
    # Whether a verifier concluded the kept report with the linked one's items before her: until then they raise nothing.
    concluded = models.BooleanField(default=False, db_default=False)
    asked_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-bits", "id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="two_reports_are_one_question"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="the_earlier_report_stands_first"),
            models.CheckConstraint(
                condition=(Q(decision="same") & Q(kept__isnull=False) & Q(duplicate__isnull=False))
                | (~Q(decision="same") & Q(kept=None) & Q(duplicate=None)),
                name="R_VER_5_a_link_keeps_one_report",
            ),
            models.CheckConstraint(
                condition=Q(decision="") | Q(decided_by__isnull=False), name="a_person_decides_not_the_score"
            ),
        ]
        indexes = [models.Index(fields=["situation", "decision", "-bits"], name="pair_by_situation")]

    def __str__(self) -> str:
        return self.ref

    @property
    def facts_changed(self) -> bool:
        """Whether what is compared changed since a person decided."""
        return self.decision != "" and self.digest != self.decided_digest

    @property
    def open(self) -> bool:
        """Whether a person should look: never decided, or decided apart on facts that have changed."""
        return self.decision == "" or (self.decision != self.SAME and self.facts_changed)


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class DuplicateSearch(models.Model):
    """One search through a situation for reports told twice, in parts, so that it can be stopped and taken up again."""

    ref = models.CharField(max_length=40, unique=True, default=search_ref)
    situation = models.ForeignKey("monitoring.Situation", on_delete=models.PROTECT, related_name="duplicate_searches")
    status = models.CharField(max_length=10)
    parts = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    reports = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict)
    weights = models.CharField(max_length=60, blank=True, default="")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    moved_at = models.DateTimeField()

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["situation"], condition=Q(status__in=["WAITING", "RUNNING", "STOPPED"]),
                name="one_search_of_a_situation_at_a_time",
            ),
            models.CheckConstraint(condition=Q(done__lte=F("parts")), name="no_more_parts_done_than_there_are"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.ref

    @property
    def percent(self) -> int:
        return 100 * self.done // self.parts if self.parts else 0


@declares(data_class="C1", owner="monitoring", retention="permanent")
class Agreement(models.Model):
    """Two organisations agreed in writing to learn that the other may hold a report of the same incident, nothing more."""

    ref = models.CharField(max_length=40, unique=True, default=agreement_ref)
    first = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    noted_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="an_agreement_names_two_bodies_in_order"),
            models.UniqueConstraint(
                fields=["first", "second"], condition=Q(ended_at=None), name="one_agreement_of_two_bodies_in_force"
            ),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C0", owner="monitoring", retention="permanent")
class Actor(models.Model):
    """An armed actor or person named by a public list or by an analyst; the source is always shown with the name."""

    GROUP, PERSON = "group", "person"

    ref = models.CharField(max_length=40, unique=True, default=actor_ref)
    kind = models.CharField(max_length=8)
    source = models.CharField(max_length=12)
    source_id = models.CharField(max_length=60)
    listed = models.CharField(max_length=160, blank=True, default="")
    imported = models.ForeignKey("monitoring.Import", null=True, on_delete=models.PROTECT, related_name="actors")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_id", "imported"], name="one_actor_per_entry_of_a_list"),
            models.CheckConstraint(condition=~Q(source=""), name="a_name_is_never_without_its_source"),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def name(self) -> str:
        """The main name of its list."""
        every = list(self.names.all())
        return next((n.name for n in every if n.kind == "main"), every[0].name if every else self.ref)


@declares(data_class="C0", owner="monitoring", retention="permanent")
class ActorName(models.Model):
    """One spelling of an actor's name: main, in its own script, alias or former."""

    actor = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="names")
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=10)
    script = models.CharField(max_length=10, blank=True, default="")

    class Meta:
        ordering = ["id"]


@declares(data_class="C0", owner="monitoring", retention="permanent")
class ActorKey(models.Model):
    """A consonant skeleton under which an actor is found in any script."""

    actor = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="keys")
    key = models.CharField(max_length=80)

    class Meta:
        indexes = [models.Index(fields=["key", "actor"], name="actor_by_skeleton")]


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class Subordination(models.Model):
    """A unit stood under another from a day to a day, as a named source has it."""

    ref = models.CharField(max_length=40, unique=True, default=command_ref)
    unit = models.ForeignKey("monitoring.Party", on_delete=models.PROTECT, related_name="superiors")
    over = models.ForeignKey("monitoring.Party", on_delete=models.PROTECT, related_name="units")
    from_on = models.DateField()
    to_on = models.DateField(null=True)
    source = models.CharField(max_length=200)
    noted_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["from_on", "id"]
        constraints = [
            models.CheckConstraint(condition=~Q(unit=F("over")), name="a_unit_does_not_stand_under_itself"),
            models.CheckConstraint(
                condition=Q(to_on=None) | Q(to_on__gte=F("from_on")), name="subordination_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="a_line_of_command_has_its_source"),
        ]


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class Command(models.Model):
    """A person held a role in a unit from a day to a day. An allegation for referral, never a finding of guilt (§1.6)."""

    ref = models.CharField(max_length=40, unique=True, default=command_ref)
    actor = models.ForeignKey(Actor, on_delete=models.PROTECT, related_name="commands")
    party = models.ForeignKey("monitoring.Party", on_delete=models.PROTECT, related_name="commanders")
    role = models.CharField(max_length=20)
    from_on = models.DateField()
    to_on = models.DateField(null=True)
    source = models.CharField(max_length=200)
    noted_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["from_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(to_on=None) | Q(to_on__gte=F("from_on")), name="a_command_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="a_commander_is_named_by_a_source"),
        ]
