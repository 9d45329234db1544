"""Situations, imported readings, incidents with their items and consents, and pattern assessments."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import listed
from answerable.alliance.models import Body, Person, State
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.common.tables import label
from answerable.monitoring import grades, lifecycle
from answerable.vault.models import SealedField


def situation_ref() -> str:
    return new_ref("SIT")


def party_ref() -> str:
    return new_ref("PTY")


def import_ref() -> str:
    return new_ref("IMP")


def incident_ref() -> str:
    return new_ref("INC")


def item_ref() -> str:
    return new_ref("ITM")


def pattern_ref() -> str:
    return new_ref("PAT")


@declares(data_class="C0", owner="monitoring", retention="permanent")
class Import(models.Model):
    """One file of public data brought in by one action, and undone by one."""

    ref = models.CharField(max_length=40, unique=True, default=import_ref)
    dataset = models.CharField(max_length=20)
    release = models.CharField(max_length=20)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    notes = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sha256"], condition=Q(undone_at=None), name="a_file_is_imported_once")
        ]


@declares(data_class="C0", owner="monitoring", retention="permanent")
class Situation(models.Model):
    """A situation of armed conflict the alliance watches."""

    ref = models.CharField(max_length=40, unique=True, default=situation_ref)
    name = models.CharField(max_length=200)
    countries = models.JSONField(default=list)
    state = models.ForeignKey(State, null=True, blank=True, on_delete=models.PROTECT, related_name="situations")
    first_year = models.PositiveSmallIntegerField(null=True)
    last_year = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=20, default="WATCHED")
    fictional = models.BooleanField(default=False)
    origin = models.CharField(max_length=60, blank=True, default="")
    imported = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="situations")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["origin"], condition=~Q(origin=""), name="one_situation_per_origin")
        ]

    def __str__(self) -> str:
        return self.name


@declares(data_class="C0", owner="monitoring", retention="permanent")
class Party(models.Model):
    """An armed actor in a situation."""

    ref = models.CharField(max_length=40, unique=True, default=party_ref)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="parties")
    name = models.CharField(max_length=200)
    actor_type = models.CharField(max_length=12)
    origin = models.CharField(max_length=80, blank=True, default="")
    imported = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="parties")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["situation", "name", "actor_type", "origin"], name="one_party_per_name_and_kind"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        return label("actor_type", self.actor_type, get_language() or "en")


@declares(data_class="C0", owner="monitoring", retention="permanent")
class Reading(models.Model):
    """One source's yearly figure for a party. `value` is None when no report was found or nothing was coded, never 0."""

    imported = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="readings")
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="readings")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="readings")
    year = models.PositiveSmallIntegerField()
    source = models.CharField(max_length=8)
    kind = models.CharField(max_length=10)
    value = models.PositiveSmallIntegerField(null=True)
    forms = models.JSONField(default=list)
    form = models.CharField(max_length=60, blank=True, default="")
    row = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="reported", value__gte=0, value__lte=3) | (~Q(kind="reported") & Q(value=None)),
                name="a_missing_report_is_never_zero",
            )
        ]
        indexes = [models.Index(fields=["situation", "year"], name="reading_by_situation_year")]


class Reports(models.QuerySet["Incident"]):
    """Incidents, asked for by the actors they name."""

    def naming(self, parties: Iterable[Party | int]) -> Reports:
        """Those that name any of these actors, first or further."""
        keys = [p if isinstance(p, int) else p.pk for p in parties]
        # By value: beside a subquery the index on the first actor would not be used.
        further = FurtherActor.objects.filter(party__in=keys).values_list("incident_id", flat=True)
        return self.filter(Q(party__in=keys) | Q(pk__in=list(further)))

    def with_actors(self) -> Reports:
        """With every actor they name, in two questions however many they are."""
        return self.select_related("party").prefetch_related("also_named__party")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item", shredded="INC")
class Incident(models.Model):
    """An incident as reported. Narrative, exact place and reasons are sealed; the rest is coarse on purpose.

    `party` is the actor named first; those named besides are its `also_named` (decision 0048). It counts for each.
    """

    ref = models.CharField(max_length=40, unique=True, default=incident_ref)
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="incidents")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="incidents")
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    collected_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    verified_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()
    precision = models.CharField(max_length=8, default="day")
    # First and last day it can have been, where `on` and `precision` do not say it: a range, or a date that is only "about".
    earliest = models.DateField(null=True)
    latest = models.DateField(null=True)
    area1 = models.CharField(max_length=40)
    area2 = models.CharField(max_length=40, blank=True, default="")
    victims_min = models.PositiveIntegerField()
    victims = models.PositiveIntegerField()
    victims_max = models.PositiveIntegerField()
    forms = models.JSONField(default=list)
    links = models.JSONField(default=list)
    settings = models.JSONField(default=list, blank=True)
    consequences = models.JSONField(default=list, blank=True)
    risk = models.CharField(max_length=8, default="medium")
    referral_offered = models.BooleanField(default=False)
    searched_first = models.BooleanField(default=False)
    matches_pattern = models.BooleanField(default=False)
    status = models.CharField(max_length=20, default=lifecycle.SUBMITTED)
    level = models.CharField(max_length=4, default="V1")
    because = models.JSONField(default=list)
    # What else form A1 holds, in codes and numbers: the date as it was given, kinds of actor, categories, what was declined.
    further = models.JSONField(default=dict, db_default={})
    # A later version of its texts was taken over after it was concluded, and no verifier has looked whether the level holds.
    story_corrected = models.BooleanField(default=False, db_default=False)
    # Who delivered a version that it came from or was corrected by, or took one over: it is theirs as it is its collector's (SOD-01).
    versions_by = models.JSONField(default=list, db_default=[])
    # Who linked a report to it, took a link back or parted it from one since a verifier concluded: she is not that verifier (SOD-01).
    changed_by = models.JSONField(default=list, db_default=[])
    # What capped it at V2 and was taken away since, not weighed, by reference, with who did that. The cap stays until another looks.
    cap_stays = models.JSONField(default=dict, db_default={})
    # What a verifier last concluded of it (rules.Ceiling), {} where nobody did: its level never rises above that (decision 0058).
    ceiling = models.JSONField(default=dict, db_default={})
    # The higher level its items would give now, where it stays at what was concluded; "" where nothing is held back.
    held_back = models.CharField(max_length=4, blank=True, default="", db_default="")
    submitted_at = models.DateTimeField()
    narrative = SealedField()
    place = SealedField()
    link_reason = SealedField()

    objects = Reports.as_manager()

    class Meta:
        ordering = ["-submitted_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(victims_min__lte=F("victims")) & Q(victims__lte=F("victims_max")),
                name="best_estimate_lies_between_least_and_most",
            ),
            models.CheckConstraint(
                condition=Q(verified_by=None) | ~Q(verified_by=F("collected_by")),
                name="SOD_01_verifier_is_not_collector",
            ),
            models.CheckConstraint(
                condition=Q(earliest=None, latest=None) | Q(earliest__lte=F("latest")),
                name="an_incident_does_not_end_before_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["situation", "-submitted_at", "-id"], name="incident_by_situation"),
            models.Index(fields=["compartment", "-submitted_at", "-id"], name="incident_by_compartment"),
            models.Index(fields=["status", "-submitted_at", "-id"], name="incident_by_status"),
            models.Index(fields=["-submitted_at", "-id"], name="incident_newest"),
            models.Index(fields=["party", "on"], name="incident_by_party_day"),
            # What is filtered in a situation is read newest first, a bounded number of rows (looking/queries.py).
            models.Index(fields=["situation", "party", "-submitted_at"], name="incident_by_actor"),
            models.Index(fields=["situation", "area1", "-submitted_at"], name="incident_by_area"),
            models.Index(fields=["situation", "-on"], name="incident_by_day"),
            # Of a date that is a range or "about": until when it may have happened (early warning).
            models.Index(fields=["latest"], name="incident_until", condition=Q(latest__isnull=False)),
            # What may lie in some days without being sure to: reports whose date is not one day (days.NOT_TO_THE_DAY).
            models.Index(
                fields=["situation", "-on"],
                name="incident_not_to_the_day",
                condition=~Q(precision="day") | Q(earliest__isnull=False),
            ),
            models.Index(fields=["-submitted_at"], name="incident_story_corrected", condition=Q(story_corrected=True)),
            models.Index(fields=["-submitted_at"], name="incident_cap_stays", condition=~Q(cap_stays={})),
            models.Index(fields=["-submitted_at"], name="incident_held_back", condition=~Q(held_back="")),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def actors(self) -> list[Party]:
        """Every armed actor it names, the first one first."""
        return [self.party, *(f.party for f in self.also_named.all() if f.party_id != self.party_id)]

    @property
    def actor_names(self) -> str:
        """Their names, as a list is written."""
        return listed(p.name for p in self.actors)

    @property
    def verified(self) -> bool:
        """Whether a verifier concluded so and it stands. Items alone verify nothing, whatever level they would give."""
        return self.status == lifecycle.VERIFIED

    @property
    def concluded_level(self) -> str:
        """The level a verifier answered for, or "" while nobody has, or where it stands no longer."""
        return self.level if self.status in lifecycle.COUNTED else ""

    @property
    def shown_level(self) -> str:
        """The level as people are shown it: before verification is concluded, only what the items would give."""
        if self.status in lifecycle.OPEN:
            return _("would be %(level)s") % {"level": self.level}
        return self.concluded_level or "–"


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class FurtherActor(models.Model):
    """An armed actor that an incident names besides its first one: of the same situation, once, and never the first again.

    Named and taken away, never changed. Triggers hold it to that, and keep the tallies by actor (migration 0022).
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="also_named", db_index=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="named_further", db_index=False)
    compartment = models.CharField(max_length=80)
    # As of its incident, so that an actor's newest reports, and those near a day, are read along one index.
    submitted_at = models.DateTimeField()
    lo = models.IntegerField(default=0, db_default=0)
    # Who named it once the report was filed; None for one that the report was told with.
    named_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "party"], name="an_incident_names_an_actor_once"),
        ]
        indexes = [
            models.Index(fields=["party", "-submitted_at"], name="further_actor_newest"),
            models.Index(fields=["party", "lo"], name="further_actor_by_day"),
        ]


@declares(data_class="C1", owner="monitoring", retention="monitoring-item", shredded="ITM")
class SourceItem(models.Model):
    """What an incident rests on: a testimony, a document, a register. What it says is sealed."""

    ref = models.CharField(max_length=40, unique=True, default=item_ref)
    compartment = models.CharField(max_length=80)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="items")
    kind = models.CharField(max_length=20)
    primary = models.BooleanField(default=False)
    reliability = models.CharField(max_length=1, blank=True, default="")
    credibility = models.PositiveSmallIntegerField(default=0)
    testimony = models.CharField(max_length=2, blank=True, default="")
    # How many assessors recorded this very grade, each alone (R-VER-0). Counted from their assessments, typed by nobody.
    assessors = models.PositiveSmallIntegerField(default=0, editable=False)
    person_key = models.CharField(max_length=40, blank=True, default="")
    parents = models.ManyToManyField("self", symmetrical=False, related_name="children", blank=True)
    contrary = models.BooleanField(default=False)
    weighed = models.BooleanField(default=False)
    # Mirrors of the book of consents (vault), written only when it changes: in force, and once given but no more.
    purposes = models.JSONField(default=list)
    withdrawn = models.JSONField(default=list)
    captured_on = models.DateField()
    added_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    # Added once verification was concluded, or without a live consent then: it raises no level until a verifier who did not add it concludes again (SOD-01).
    waits = models.BooleanField(default=False, db_default=False)
    # The grade that the last verifier who concluded had before her, where it is another since (grades.written).
    graded_then = models.CharField(max_length=2, blank=True, default="", db_default="")
    # References of those who gave it another grade since: none of them concludes with it (SOD-01).
    graded_by = models.JSONField(default=list, db_default=[])
    # What else forms A2 and A3 hold, in codes: directness, language, both assessors' grades, who may be shown it.
    further = models.JSONField(default=dict, db_default={})
    says = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind__in=sorted(grades.ACCOUNTS), reliability="", credibility=0)
                    & Q(testimony__in=["", *grades.TESTIMONY_SCALE])
                )
                | (
                    ~Q(kind__in=sorted(grades.ACCOUNTS))
                    & Q(testimony="")
                    & (
                        Q(reliability="", credibility=0)
                        | Q(reliability__in=grades.RELIABILITY_SCALE, credibility__in=grades.CREDIBILITY_SCALE)
                    )
                ),
                name="R_VER_0_an_account_has_a_T_grade_and_nothing_else_has",
            )
        ]
        indexes = [
            models.Index(fields=["incident"], name="item_waits", condition=Q(waits=True)),
            models.Index(fields=["incident"], name="item_graded_since", condition=~Q(graded_then="")),
            models.Index(fields=["incident"], name="item_unweighed", condition=Q(contrary=True, weighed=False)),
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def live(self) -> bool:
        """Whether the calculation may use it (R-VER-4). The book of consents decides; this is its mirror here."""
        return "CP-MONI" not in self.withdrawn and (not self.personal or "CP-MONI" in self.purposes)

    @property
    def personal(self) -> bool:
        """Whether consent decides about it: by its kind, or because consent was asked for it."""
        return grades.is_personal(self.kind, [*self.purposes, *self.withdrawn])

    @property
    def kind_words(self) -> str:
        """What kind of source it is, in the reader's language."""
        from answerable.monitoring.intake.description import LISTS

        return _(LISTS["item_kind"].get(self.kind, self.kind))

    @property
    def grade(self) -> str:
        return self.testimony or f"{self.reliability}{self.credibility or ''}" or "ungraded"

    def counts_as(self, *, contrary: bool) -> str:
        """The grade it counts at, for or against, while a verifier has yet to see the one it has now; "" where that is this one."""
        if not self.graded_then:
            return ""
        now = grades.written(self.testimony, self.reliability, self.credibility)
        seen = grades.no_more_than(now, self.graded_then, contrary=contrary)
        return seen if seen != now else ""

    @property
    def to_be_seen(self) -> bool:
        """Whether a verifier has yet to look at it as it is now: added or consented to since she concluded, or graded anew."""
        return self.live and (self.waits or bool(self.counts_as(contrary=self.contrary)))


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class PatternAssessment(models.Model):
    """What an actor's incidents amounted to on one day, by the rules of §1.4."""

    ref = models.CharField(max_length=40, unique=True, default=pattern_ref)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="patterns")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="patterns")
    on = models.DateField()
    commonalities = models.JSONField(default=list)
    systematic = models.JSONField(default=list)
    result = models.JSONField(default=dict)
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.ref

    def met(self, code: str) -> bool:
        """Whether PT, WS, SY or LS is met."""
        return bool(self.result["tests"][code]["met"])


from answerable.monitoring.linking.models import (  # noqa: E402 - they point at the models above
    Actor,
    ActorKey,
    ActorName,
    Agreement,
    Command,
    DuplicateSearch,
    LinkCard,
    LinkPair,
    LinkWeights,
    Subordination,
)
from answerable.monitoring.patterns import models as patterns  # noqa: E402, F401 - models of this app that lie beside it

__all__ = [
    "Actor", "ActorKey", "ActorName", "Agreement", "Command", "DuplicateSearch", "FurtherActor", "Import", "Incident", "LinkCard", "LinkPair",
    "LinkWeights", "Party", "PatternAssessment", "Reading", "Situation", "SourceItem", "Subordination",
]  # fmt: skip
from answerable.monitoring.estimates.models import CaptureEstimate  # noqa: E402, F401
from answerable.monitoring.evidence import models as evidence  # noqa: E402, F401 - part of this app's tables
from answerable.monitoring.intake import models as intake  # noqa: E402, F401 - drafts and what brings them in
from answerable.monitoring.looking.models import (  # noqa: E402 - models of the app that live with their own part
    Bulletin as Bulletin,
)
from answerable.monitoring.looking.models import Job as Job  # noqa: E402
from answerable.monitoring.looking.models import ReleasedTable as ReleasedTable  # noqa: E402
from answerable.monitoring.looking.models import SavedView as SavedView  # noqa: E402
from answerable.monitoring.looking.models import Tally as Tally  # noqa: E402
from answerable.monitoring.looking.models import Visit as Visit  # noqa: E402
from answerable.monitoring.warning.models import Alert, ConflictYear, Forecast, WarningEntry  # noqa: E402, F401 - early warning's own
