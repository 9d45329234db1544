"""A person who lost everything that opens their key, and the slow way back to a new one (security.md §2.2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.vault import lifecycle


def recovery_ref() -> str:
    return new_ref("RCV")


@declares(data_class="C1", owner="vault", retention="audit-log")
class Recovery(models.Model):
    """One person's new beginning: asked for, confirmed by another, 48 hours later a code that works once."""

    ref = models.CharField(max_length=40, unique=True, default=recovery_ref)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recoveries")
    status = models.CharField(max_length=12, default=lifecycle.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    # The instant before which no code is made, 48 hours after the confirmation.
    ready_at = models.DateTimeField(null=True)
    code_sha256 = models.CharField(max_length=64, blank=True, default="")
    code_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person"],
                condition=Q(status__in=[lifecycle.ASKED, lifecycle.CONFIRMED, lifecycle.READY]),
                name="one_open_recovery_per_person",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True)
                | (~Q(confirmed_by=F("asked_by")) & ~Q(confirmed_by=F("person")) & ~Q(asked_by=F("person"))),
                name="two_others_grant_a_recovery",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[lifecycle.ASKED, lifecycle.STOPPED])
                | Q(confirmed_by__isnull=False, ready_at__isnull=False),
                name="a_recovery_goes_on_only_when_confirmed",
            ),
        ]
