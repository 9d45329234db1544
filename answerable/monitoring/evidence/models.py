"""Files on source items with their custody, proofs and redactions; assessments, weighings, opinions; counted periods."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.monitoring.models import Incident, Situation, SourceItem
from answerable.vault.models import SealedField


def file_ref() -> str:
    return new_ref("FIL")


def proof_ref() -> str:
    return new_ref("PRF")


def redaction_ref() -> str:
    return new_ref("RED")


def authority_ref() -> str:
    return new_ref("TSA")


def assessment_ref() -> str:
    return new_ref("ASM")


def weighing_ref() -> str:
    return new_ref("WEI")


def opinion_ref() -> str:
    return new_ref("OPN")


def count_ref() -> str:
    return new_ref("CNT")


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="FIL")
class EvidenceFile(models.Model):
    """A file on a source item. The original lies sealed as it came; what is seen of it is a picture.

    `commitment` is SHA-256(label, salt, content) with the salt sealed; `mark` tells the same file on the same item, under a
    key only the vault has; `alike` tells the same file in the reports of one situation. Who reads these rows and holds a
    candidate file cannot say whether it is this one.
    """

    ref = models.CharField(max_length=40, unique=True, default=file_ref)
    compartment = models.CharField(max_length=80)
    item = models.ForeignKey(SourceItem, on_delete=models.PROTECT, related_name="files")
    kind = models.CharField(max_length=8)
    stored = models.CharField(max_length=40, unique=True)
    commitment = models.BinaryField()
    mark = models.BinaryField()
    alike = models.CharField(max_length=64, blank=True, default="", db_default="")
    taken_at = models.DateTimeField()
    taken_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    name = SealedField()
    salt = SealedField()
    digest = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["item", "mark"], name="a_file_is_on_an_item_once")]
        indexes = [
            models.Index(fields=["alike"], name="file_alike", condition=~Q(alike="")),
            # Those from before there was a mark: looked for whenever a file comes in.
            models.Index(fields=["item"], name="file_unmarked", condition=Q(alike="")),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="PRF")
class Proof(models.Model):
    """A proof of time that came with a file: an RFC 3161 token or an OpenTimestamps proof, sealed (base64 of its bytes)."""

    ref = models.CharField(max_length=40, unique=True, default=proof_ref)
    compartment = models.CharField(max_length=80)
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="proofs")
    kind = models.CharField(max_length=8)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    content = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["rfc3161", "ots"]), name="a_proof_is_of_a_known_kind")
        ]


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class EvidenceCheck(models.Model):
    """What a check of a proof or an archive found on one day; a later check is another row."""

    compartment = models.CharField(max_length=80)
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="checks")
    proof = models.ForeignKey(Proof, null=True, on_delete=models.PROTECT, related_name="checks")
    lines = models.JSONField(default=list)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="RED")
class Redaction(models.Model):
    """A version with regions or passages destroyed: pictures sealed in quarantine, or a text excerpted from a statement."""

    ref = models.CharField(max_length=40, unique=True, default=redaction_ref)
    compartment = models.CharField(max_length=80)
    item = models.ForeignKey(SourceItem, on_delete=models.PROTECT, related_name="redactions")
    file = models.ForeignKey(EvidenceFile, null=True, on_delete=models.PROTECT, related_name="redactions")
    stored = models.CharField(max_length=40, blank=True, default="")
    removed = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(removed__gt=0), name="a_redaction_removes_something"),
            models.UniqueConstraint(fields=["stored"], condition=~Q(stored=""), name="one_redaction_per_stored_file"),
        ]


@declares(data_class="C1", owner="monitoring", retention="audit-log")
class CustodyLine(models.Model):
    """One act on an item's evidence: who by role, when, why. Append-only in the database; `entry` is its record entry.

    One act may concern several files (a report filed with all of its own), each with a line.
    """

    compartment = models.CharField(max_length=80)
    item = models.ForeignKey(SourceItem, on_delete=models.PROTECT, related_name="custody")
    about = models.CharField(max_length=40)
    act = models.CharField(max_length=12)
    why = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    roles = models.CharField(max_length=200)
    entry = models.BigIntegerField(db_index=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["entry", "about"], name="one_line_of_custody_per_act_and_thing")]


@declares(data_class="C0", owner="monitoring", retention="permanent")
class TimeAuthority(models.Model):
    """A trusted root of time-stamping authorities, entered by the office; time stamps are believed under it until it ends."""

    ref = models.CharField(max_length=40, unique=True, default=authority_ref)
    name = models.CharField(max_length=80)
    certificate = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=Q(ended_at=None), name="a_trusted_root_is_entered_once"
            )
        ]


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="ASM")
class Assessment(models.Model):
    """One assessor's grade of an item, given without sight of another's (R-VER-0)."""

    ref = models.CharField(max_length=40, unique=True, default=assessment_ref)
    compartment = models.CharField(max_length=80)
    item = models.ForeignKey(SourceItem, on_delete=models.PROTECT, related_name="assessments")
    assessor = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    testimony = models.CharField(max_length=2, blank=True, default="")
    reliability = models.CharField(max_length=1, blank=True, default="")
    credibility = models.PositiveSmallIntegerField(default=0)
    given_at = models.DateTimeField()
    reasons = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["item", "assessor"], name="an_assessor_grades_an_item_once"),
            models.CheckConstraint(
                condition=Q(testimony="") | (Q(reliability="") & Q(credibility=0)),
                name="R_VER_0_no_A_to_F_assessment_of_a_survivor",
            ),
        ]

    @property
    def grade(self) -> str:
        return self.testimony or f"{self.reliability}{self.credibility}"


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="WEI")
class Weighing(models.Model):
    """How a contrary item was weighed by a verification lead (R-VER-3). A second weighing is another row."""

    ref = models.CharField(max_length=40, unique=True, default=weighing_ref)
    compartment = models.CharField(max_length=80)
    item = models.ForeignKey(SourceItem, on_delete=models.PROTECT, related_name="weighings")
    outcome = models.CharField(max_length=12)
    weighed_at = models.DateTimeField()
    weighed_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    how = SealedField()

    class Meta:
        ordering = ["-id"]


@declares(data_class="C2", owner="monitoring", retention="monitoring-item", shredded="OPN")
class Opinion(models.Model):
    """Another organisation's opinion on how well an incident is known, beside the level and never in its place."""

    ref = models.CharField(max_length=40, unique=True, default=opinion_ref)
    compartment = models.CharField(max_length=80)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="opinions")
    body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    given_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    stance = models.CharField(max_length=8)
    # The level of the incident when the opinion was given, and the one that this organisation would give.
    level_then = models.CharField(max_length=4)
    level = models.CharField(max_length=4)
    reasons = SealedField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stance="agrees", level=F("level_then"))
                | (Q(stance="dissents") & ~Q(level=F("level_then"))),
                name="a_dissent_names_another_level",
            )
        ]


@declares(data_class="C1", owner="monitoring", retention="permanent")
class PeriodCount(models.Model):
    """A situation's counts for a closed period, in versions: a change afterwards is another version with its reason.

    Append-only in the database, because nothing counted is silently changed.
    """

    ref = models.CharField(max_length=40, unique=True, default=count_ref)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="period_counts")
    first = models.DateField()
    last = models.DateField()
    version = models.PositiveIntegerField()
    counts = models.JSONField()
    reason = models.CharField(max_length=24)
    because_of = models.CharField(max_length=40, blank=True, default="")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)

    class Meta:
        ordering = ["-first", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["situation", "first", "last", "version"], name="one_count_per_period_and_version"
            ),
            models.CheckConstraint(condition=Q(first__lte=F("last")), name="a_period_ends_after_it_begins"),
        ]
