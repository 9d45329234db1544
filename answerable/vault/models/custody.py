"""Requests to open an identity, what she is told, and ceremonies: working facts, no name and no key."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from answerable.alliance.models import Body, Person
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.vault.custody import lifecycle


def identity_request_ref() -> str:
    return new_ref("IDR")


def notice_ref() -> str:
    return new_ref("NTC")


def restore_ref() -> str:
    return new_ref("RST")


BEFORE_APPROVAL = [lifecycle.ASKED, lifecycle.REFUSED, lifecycle.CANCELLED, lifecycle.EXPIRED]


@declares(data_class="C1", owner="vault", retention="audit-log")
class IdentityRequest(models.Model):
    """One person of one body asks, one of another approves; the vault releases, two custodians answer to one reader."""

    ref = models.CharField(max_length=40, unique=True, default=identity_request_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=60)
    fields = models.JSONField(default=list)
    purpose = models.CharField(max_length=20)
    reason = models.CharField(max_length=20)
    break_glass = models.BooleanField(default=False)
    status = models.CharField(max_length=12, default=lifecycle.ASKED)
    recipient = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    approved_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    approved_body = models.ForeignKey(Body, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    cool_until = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    # The record entry of the release; the signed request names it and its leaf.
    leaf_index = models.BigIntegerField(null=True)
    recipient_key_sha256 = models.CharField(max_length=64, blank=True, default="")
    answered_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    review = models.CharField(max_length=20, blank=True, default="")

    class Meta:
        ordering = ["-asked_at", "ref"]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_by=None, approved_body=None, approved_at=None)
                | (
                    Q(approved_by__isnull=False, approved_body__isnull=False, approved_at__isnull=False)
                    & ~Q(approved_by=F("asked_by"))
                    & ~Q(approved_by=F("recipient"))
                    & ~Q(approved_body=F("asked_body"))
                ),
                name="SOD_08_an_identity_takes_two_persons_of_two_bodies",
            ),
            models.CheckConstraint(
                condition=Q(status__in=BEFORE_APPROVAL) | Q(approved_by__isnull=False),
                name="nothing_is_released_without_approval",
            ),
            models.CheckConstraint(
                condition=Q(released_at=None) | Q(released_at__gte=F("cool_until"), released_at__lte=F("valid_until")),
                name="a_release_waits_and_is_in_time",
            ),
            models.CheckConstraint(
                condition=Q(approved_at=None)
                | Q(
                    break_glass=True,
                    cool_until=F("approved_at"),
                    valid_until__lte=F("approved_at") + timedelta(hours=72),
                )
                | Q(break_glass=False, cool_until__gt=F("approved_at"), valid_until__gt=F("cool_until")),
                name="only_danger_skips_the_waiting_time_and_for_72_hours",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None)
                | (
                    Q(break_glass=True)
                    & ~Q(reviewed_by=F("asked_by"))
                    & ~Q(reviewed_by=F("approved_by"))
                    & ~Q(reviewed_by=F("recipient"))
                ),
                name="whoever_took_part_does_not_review",
            ),
        ]
        indexes = [models.Index(fields=["subject", "status"], name="identity_request_by_subject")]

    def __str__(self) -> str:
        return self.ref


@declares(data_class="C1", owner="vault", retention="audit-log")
class BundleTaken(models.Model):
    """A custodian took the signed request away, once for their seat; two of the three seats at most."""

    request = models.ForeignKey(IdentityRequest, on_delete=models.PROTECT, related_name="taken")
    seat = models.CharField(max_length=40)
    place = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "seat"], name="one_request_file_per_seat"),
            models.UniqueConstraint(fields=["request", "person"], name="one_request_file_per_custodian"),
            models.UniqueConstraint(fields=["request", "place"], name="two_custodians_and_not_a_third"),
            models.CheckConstraint(condition=Q(place__in=[1, 2]), name="an_identity_takes_two_seats"),
        ]


@declares(data_class="C1", owner="vault", retention="audit-log")
class Alert(models.Model):
    """An inspector is told of a break-glass request, before anything is released."""

    request = models.ForeignKey(IdentityRequest, on_delete=models.PROTECT, related_name="alerts")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    told_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "person"], name="one_alert_per_inspector")]


@declares(data_class="C1", owner="vault", retention="claim-file")
class Notice(models.Model):
    """What she is told about her file, as codes: who opened her details, on which day and why (SC-10)."""

    ref = models.CharField(max_length=40, unique=True, default=notice_ref)
    compartment = models.CharField(max_length=80)
    subject = models.CharField(max_length=60)
    code = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)
    day = models.DateField()

    class Meta:
        ordering = ["day", "ref"]
        indexes = [models.Index(fields=["subject"], name="notice_by_subject")]


@declares(data_class="C1", owner="vault", retention="audit-log")
class RoomRestore(models.Model):
    """A compartment's key is to come back from escrow to one leader: two persons, two bodies, and 48 hours between."""

    ref = models.CharField(max_length=40, unique=True, default=restore_ref)
    room = models.CharField(max_length=80)
    status = models.CharField(max_length=12, default=lifecycle.ASKED)
    leader = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_body = models.ForeignKey(Body, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_body = models.ForeignKey(Body, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-asked_at", "ref"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None)
                | (~Q(confirmed_by=F("asked_by")) & ~Q(confirmed_by=F("leader")) & ~Q(confirmed_body=F("asked_body"))),
                name="a_room_is_restored_by_two_bodies",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at=None) | Q(ready_at__gte=F("confirmed_at") + timedelta(hours=48)),
                name="a_restored_room_waits_48_hours",
            ),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(done_at__gte=F("ready_at")), name="a_room_is_not_restored_before_its_time"
            ),
        ]

    def __str__(self) -> str:
        return self.ref
