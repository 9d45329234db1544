"""Batches of reports, drafts with their items, answers given to an API, interviews asked for, and counts of services."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.monitoring.models import Incident, Party, Situation, incident_ref, item_ref
from answerable.vault.models import SealedField

DRAFT, CORRECTION = "DRAFT", "CORRECTION"
FILED, REPLACED, TAKEN_OVER, SET_ASIDE, UNDONE = "FILED", "REPLACED", "TAKEN_OVER", "SET_ASIDE", "UNDONE"
# Not filed in time: emptied, and its keys destroyed.
LAPSED = "LAPSED"
# Versions of a submission that are a report, or may become one or correct one as they are.
STANDS = [DRAFT, CORRECTION, FILED, TAKEN_OVER]
# What is kept for ninety days and no longer.
UNFILED = [DRAFT, CORRECTION, REPLACED, SET_ASIDE]
ASKED, ALLOWED, REFUSED = "ASKED", "ALLOWED", "REFUSED"
# The custodians are asked whether she told before; nothing is allowed while they have not answered.
WAITING = "WAITING"

# What goes of a draft and of its item when it is taken out again, lapses or is shredded. `file_ref` stays: keys are named by it.
EMPTY = {"coded": {}, "area1": "", "area2": "", "when": "", "earliest": date.min, "latest": date.min, "precision": "",
         "narrative": b"", "place": b"", "link_reason": b""}  # fmt: skip
EMPTY_ITEM = {"coded": {}, "says": b"", "file": "", "file_kind": "", "file_commitment": "", "file_mark": b"", "file_name": b"",
              "file_salt": b"", "file_digest": b""}  # fmt: skip
EMPTY_INTERVIEW = {"question": b"", "question_keys": {}, "added_value": b"", "why_not_enough": b""}


def batch_ref() -> str:
    return new_ref("BAT")


def interview_ref() -> str:
    return new_ref("ITV")


def begun_ref() -> str:
    return new_ref("BGN")


def counts_ref() -> str:
    return new_ref("AGG")


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class IntakeBatch(models.Model):
    """One file or delivery of reports, brought in by one act and undone by one. Neither its name nor a word of it is here.

    `mark` recognises the same file again; `problems` names rows, fields and sentences, never what was typed.
    """

    ref = models.CharField(max_length=40, unique=True, default=batch_ref)
    compartment = models.CharField(max_length=80)
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    route = models.CharField(max_length=20)
    mark = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    kept = models.PositiveIntegerField()
    bad = models.PositiveIntegerField()
    repeated = models.PositiveIntegerField(default=0)
    corrections = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "mark"], condition=Q(undone_at=None), name="a_delivery_is_brought_in_once"
            )
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="draft", shredded="INC")
class Draft(models.Model):
    """A report that passed the check and was not filed yet, or a correction to one. Its texts are sealed already.

    It has the reference the report will have, and its texts are sealed for that report: filing moves them unopened.
    `identity` says which submission it is and `content` which version of it, both as marks. `corrects` is the report,
    filed before, of which a later version came in.
    """

    ref = models.CharField(max_length=40, unique=True, default=incident_ref)
    compartment = models.CharField(max_length=80)
    batch = models.ForeignKey(IntakeBatch, null=True, on_delete=models.PROTECT, related_name="drafts")
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    collected_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="+")
    party = models.ForeignKey(Party, null=True, on_delete=models.PROTECT, related_name="+")
    row = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=12, default=DRAFT)
    version = models.PositiveSmallIntegerField(default=1)
    corrects = models.CharField(max_length=40, blank=True, default="")
    identity = models.CharField(max_length=64)
    # Other names of the same submission (as marks), and as of when this version came in where it was collected.
    also = models.JSONField(default=list)
    as_of = models.CharField(max_length=32, blank=True, default="")
    content = models.CharField(max_length=64)
    # By what a collecting system may still be recognised as having sent it before, where its names do not say so (as marks); and
    # the draft or report of which this may be a later version, while no person has decided.
    hints = models.JSONField(default=list, db_default=[])
    looks_like = models.CharField(max_length=40, blank=True, default="", db_default="")
    when = models.CharField(max_length=40)
    earliest = models.DateField()
    latest = models.DateField()
    precision = models.CharField(max_length=8)
    area1 = models.CharField(max_length=40)
    area2 = models.CharField(max_length=40, blank=True, default="")
    coded = models.JSONField(default=dict)
    lacks = models.JSONField(default=list)
    made_at = models.DateTimeField()
    narrative = SealedField()
    place = SealedField()
    link_reason = SealedField()

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(earliest__lte=F("latest")), name="a_draft_does_not_end_before_it_begins"),
            models.UniqueConstraint(
                fields=["organisation", "identity"], condition=Q(status__in=[DRAFT, FILED]),
                name="a_submission_is_kept_once",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["compartment", "status", "-made_at", "-id"], name="draft_by_compartment"),
            models.Index(fields=["organisation", "identity"], name="draft_by_identity"),
            models.Index(fields=["batch", "status"], name="draft_by_batch"),
            # What the clock looks for every minute: what nobody filed.
            models.Index(fields=["made_at"], name="draft_not_filed", condition=Q(status__in=UNFILED)),
            GinIndex(fields=["also"], name="draft_by_other_name"),
            GinIndex(fields=["hints"], name="draft_by_hint"),
        ]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="draft", shredded="ITM FIL")
class DraftItem(models.Model):
    """An item of a draft, with the reference it will have.

    `file` is a sealed file in quarantine, or empty; it is kept and sealed for `file_ref`, the evidence it will be.
    """

    ref = models.CharField(max_length=40, unique=True, default=item_ref)
    compartment = models.CharField(max_length=80)
    draft = models.ForeignKey(Draft, to_field="ref", on_delete=models.PROTECT, related_name="items")
    number = models.PositiveSmallIntegerField()
    coded = models.JSONField(default=dict)
    says = SealedField()
    file = models.CharField(max_length=40, blank=True, default="")
    file_kind = models.CharField(max_length=10, blank=True, default="")
    file_commitment = models.CharField(max_length=64, blank=True, default="")
    file_ref = models.CharField(max_length=40, blank=True, default="")
    file_mark = models.BinaryField(default=b"")
    file_name = SealedField()
    file_salt = SealedField()
    file_digest = SealedField()

    class Meta:
        ordering = ["draft", "number"]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="draft")
class BegunReport(models.Model):
    """What someone answered so far in codes, numbers and days, saved to go on later. No text about a person is kept in it."""

    ref = models.CharField(max_length=40, unique=True, default=begun_ref)
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    answers = models.JSONField(default=dict)
    step = models.PositiveSmallIntegerField(default=0)
    saved_at = models.DateTimeField()
    done = models.BooleanField(default=False)

    class Meta:
        ordering = ["-saved_at"]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="draft")
class Answered(models.Model):
    """What the API answered to a key, so that the same delivery again gets the same answer and is not taken twice."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    body = models.CharField(max_length=64)
    answer = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="a_key_is_answered_once")]


@declares(data_class="C1", owner="monitoring", retention="monitoring-item", shredded="ITV")
class Interview(models.Model):
    """Someone wants to ask a person for her account: why, what it adds, and why what exists does not suffice (SC-1, SC-2).

    `person` is a mark of her code, or of a pseudonym the organisation chose; nobody is looked up by who she is.
    """

    ref = models.CharField(max_length=40, unique=True, default=interview_ref)
    compartment = models.CharField(max_length=80)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    person = models.CharField(max_length=64)
    purpose = models.CharField(max_length=12)
    told_before = models.CharField(max_length=12)
    number = models.PositiveSmallIntegerField()
    basis = models.CharField(max_length=16)
    status = models.CharField(max_length=8, default=ASKED)
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    report = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="+")
    # The submission (as a mark) that brings its account, from the draft on: no other may.
    held_by = models.CharField(max_length=64, blank=True, default="")
    her_request = models.BooleanField(default=False)
    # Who she is as the interviewer knows her, sealed to the custodians' seats alone, with its key for each seat.
    question = SealedField()
    question_keys = models.JSONField(default=dict)
    # What each seat said: {"seat", "by", "told", "share"}; and what they would share together.
    words = models.JSONField(default=list)
    share = models.JSONField(default=list)
    added_value = SealedField()
    why_not_enough = SealedField()

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="nobody_allows_their_own_interview"
            ),
            models.CheckConstraint(
                condition=Q(number=1) | ~Q(status=ALLOWED) | ~Q(basis="first"),
                name="SC_2_a_second_interview_has_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["person"], name="interview_by_person")]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="monitoring", retention="monitoring-item")
class ServiceCounts(models.Model):
    """Counts of a service provider by type of violence, month and area (GBVIMS): aggregates, never a case.

    Of one cell in several tables of an organisation that of the latest holds which was not taken out (counts.Cell.key).
    """

    ref = models.CharField(max_length=40, unique=True, default=counts_ref)
    compartment = models.CharField(max_length=80)
    organisation = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="+")
    mark = models.CharField(max_length=64)
    # [type, month, area, number or None where a cell was too small to keep]
    cells = models.JSONField(default=list)
    brought_at = models.DateTimeField()
    brought_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    taken_out_at = models.DateTimeField(null=True)
    taken_out_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    taken_out_why = models.CharField(max_length=8, blank=True, default="")

    class Meta:
        ordering = ["-brought_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "mark"],
                condition=Q(taken_out_at=None),
                name="a_table_of_counts_is_brought_once",
            ),
            models.CheckConstraint(
                condition=Q(taken_out_at=None, taken_out_by=None, taken_out_why="")
                | Q(taken_out_at__isnull=False, taken_out_by__isnull=False) & ~Q(taken_out_why=""),
                name="a_table_of_counts_is_taken_out_by_someone_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.ref
