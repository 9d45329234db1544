"""What each incident adds, the live state of each actor's windows, and how assessments were restated since."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, gettext

from answerable.alliance.models import Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.common.tables import label
from answerable.monitoring.models import Incident, Party, PatternAssessment, Situation, SourceItem
from answerable.monitoring.patterns import areas, rules
from answerable.vault.models import SealedField


def indicator_ref() -> str:
    return new_ref("IND")


def prevalence_ref() -> str:
    return new_ref("PVL")


def restatement_ref() -> str:
    return new_ref("RST")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class Contribution(models.Model):
    """What one incident adds to the windows of one actor it names, at present; `level` is "" while it is not counted there.

    `own` is the level its items give alone, `awaits` whether a base set of five would lift it to V3d (R-VER-2); `level` is V3d
    only where this actor's own base set lifts it (decision 0048). Written only by contributing.py: everything below follows from these
    rows, so a change is found by comparing with them.
    """

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="contributions", db_index=False)
    compartment = models.CharField(max_length=80)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The first and the last day it may have been: a window holds it when both lie there, and ends where a last one lies.
    earliest = models.DateField()
    latest = models.DateField()
    # The areas' keys (areas.py), worked out once when it is written; as they are spelled, they stand at the incident.
    area1 = models.CharField(max_length=areas.LONGEST, blank=True)
    area2 = models.CharField(max_length=areas.LONGEST, blank=True, default="")
    victims = models.PositiveIntegerField()
    own = models.CharField(max_length=4, blank=True, default="")
    awaits = models.BooleanField(default=False)
    level = models.CharField(max_length=4, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "party"], name="an_incident_counts_once_for_an_actor")
        ]
        indexes = [
            # With all a tally needs: an actor's incidents lie far apart in the table, and reading each costs more than counting it.
            models.Index(
                fields=["party", "latest"],
                name="contribution_of_a_window",
                include=["compartment", "earliest", "area1", "area2", "victims", "level"],
            ),
            models.Index(fields=["party", "latest"], condition=Q(awaits=True), name="contribution_awaiting"),
        ]

    @property
    def days(self) -> rules.Days:
        return self.latest, self.earliest


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class PatternState(models.Model):
    """The twelve months that end on a day on which the actor has an incident: kept up as incidents change.

    Any other rolling window holds no more than one of these, so a test met in any is met in one of them. A state whose
    day has no incident any more is left with zeros, and is not shown.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="states", db_index=False)
    ends_on = models.DateField()
    reported_incidents = models.PositiveIntegerField()
    reported_victims = models.PositiveIntegerField()
    verified_incidents = models.PositiveIntegerField()
    verified_victims = models.PositiveIntegerField()
    base = models.PositiveIntegerField()
    areas = models.PositiveIntegerField()
    days = models.PositiveIntegerField()
    prevalence = models.CharField(max_length=2)
    pt = models.BooleanField()
    ws = models.BooleanField()
    sy = models.BooleanField()
    ls = models.BooleanField()
    commonalities = models.CharField(max_length=120, blank=True, default="")
    systematic = models.CharField(max_length=60, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=40, blank=True, default="")
    because_of = models.CharField(max_length=40, blank=True, default="")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "ends_on"], name="one_state_per_actor_and_window")]

    def __str__(self) -> str:
        return f"{self.party_id} {self.ends_on}"


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class StateChange(models.Model):
    """One act and what it changed in an actor's windows: how many, the newest before and after, and each test that turned."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="state_changes")
    at = models.DateTimeField()
    reason = models.CharField(max_length=40)
    because_of = models.CharField(max_length=40, blank=True, default="")
    windows = models.PositiveIntegerField()
    newest = models.JSONField(default=dict)
    turned = models.JSONField(default=list)

    class Meta:
        ordering = ["-at", "-id"]


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class Restatement(models.Model):
    """A pattern assessment worked out again after something beneath it changed. The first result stays as it was."""

    ref = models.CharField(max_length=40, unique=True, default=restatement_ref)
    pattern = models.ForeignKey(PatternAssessment, on_delete=models.PROTECT, related_name="restatements")
    version = models.PositiveIntegerField()
    at = models.DateTimeField()
    reason = models.CharField(max_length=40)
    because_of = models.CharField(max_length=40, blank=True, default="")
    result = models.JSONField(default=dict)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["pattern", "version"], name="one_restatement_per_version")]

    def __str__(self) -> str:
        return self.ref

    def met(self, code: str) -> bool:
        """Whether PT, WS, SY or LS is met."""
        return bool(self.result["tests"][code]["met"])


@declares(data_class="C1", owner="monitoring", retention="finding-basis")
class Retest(models.Model):
    """Something that relies on what was restated, and is to be tested again by those who answer for it (R-FND-5)."""

    dependent = models.CharField(max_length=60)
    pattern = models.ForeignKey(PatternAssessment, on_delete=models.PROTECT, related_name="retests")
    version = models.PositiveIntegerField()
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dependent", "pattern"], condition=Q(answered_at=None), name="one_open_retest"
            )
        ]


@declares(
    data_class="C1", owner="monitoring", retention="finding-basis", shredded="no: an analyst's reasons about a pattern"
)
class Indicator(models.Model):
    """An analyst's reasoned assessment that an indicator is present: SY-1..6, MOW, CON, or a commonality (§1.4, §1.6).

    It claims a standard; the verification rules say which standard its items for and against reach, and it counts
    while that is at least the one claimed. Reasons are sealed.
    """

    ref = models.CharField(max_length=40, unique=True, default=indicator_ref)
    compartment = models.CharField(max_length=80, default="monitoring")
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="indicators")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="indicators")
    list_name = models.CharField(max_length=30)
    code = models.CharField(max_length=24)
    since = models.DateField(null=True)
    standard = models.CharField(max_length=4)
    supporting = models.ManyToManyField(SourceItem, related_name="+")
    contrary = models.ManyToManyField(SourceItem, related_name="+", blank=True)
    reached = models.CharField(max_length=4, default="none")
    because = models.JSONField(default=list)
    # The days it counts on at present, in order; written by assessments.py, which finds a change by comparing with them.
    days = models.JSONField(default=list)
    reasons = SealedField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["list_name", "code", "-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["party", "code"], condition=Q(ended_at=None), name="one_live_assessment_per_indicator"
            )
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def supported(self) -> bool:
        """Whether its items reach the standard it claims."""
        return self.ended_at is None and rules.supported(self.reached, self.standard)

    @property
    def words(self) -> str:
        """What it says, in the reader's language."""
        if self.list_name == "commonality":
            return gettext(rules.COMMONALITY_WORDS.get(self.code, self.code.replace("_", " ")))
        return label(self.list_name, self.code, get_language() or "en")

    @property
    def weight(self) -> str:
        """CORE or GRAVE, where §1.6 asks for one of those."""
        return "CORE" if self.code in rules.CORE else "GRAVE" if self.code in rules.GRAVE else ""


@declares(
    data_class="C1", owner="monitoring", retention="finding-basis", shredded="no: an expert's reasons about a pattern"
)
class PanelPrevalence(models.Model):
    """A prevalence that an expert of the panel set higher than the count, with sealed reasons (R-LS-2)."""

    ref = models.CharField(max_length=40, unique=True, default=prevalence_ref)
    compartment = models.CharField(max_length=80, default="monitoring")
    pattern = models.ForeignKey(PatternAssessment, on_delete=models.PROTECT, related_name="panel_prevalences")
    level = models.CharField(max_length=2)
    counted = models.CharField(max_length=2)
    reasons = SealedField()
    set_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["-set_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(level__gt=models.F("counted")), name="R_LS_2_a_panel_sets_prevalence_higher_never_lower"
            )
        ]

    def __str__(self) -> str:
        return self.ref


# What a state says, in the order it is compared and written.
NUMBERS = ("reported_incidents", "reported_victims", "verified_incidents", "verified_victims", "base", "areas", "days")
FLAGS = ("pt", "ws", "sy", "ls")
FIGURES = (*NUMBERS, "prevalence", *FLAGS, "commonalities", "systematic")
