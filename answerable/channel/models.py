"""Threads of the channel and their messages. Nothing here says who; the keys behind a code are the vault's."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from answerable.alliance.models import Person
from answerable.channel import lifecycle
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.vault.models import SealedField


def thread_ref() -> str:
    return new_ref("THR")


def message_ref() -> str:
    return new_ref("MSG")


@declares(data_class="C1", owner="channel", retention="claim-file")
class Thread(models.Model):
    """A conversation at the door. Staff see two words instead of a code; only its holder knows the code."""

    ref = models.CharField(max_length=40, unique=True, default=thread_ref)
    compartment = models.CharField(max_length=80)
    designation = models.CharField(max_length=40, unique=True)
    receipt = models.CharField(max_length=10, unique=True)
    kind = models.CharField(max_length=12, choices=[(k, k) for k in lifecycle.KINDS])
    language = models.CharField(max_length=8)
    about_ref = models.CharField(max_length=40, blank=True, default="")
    # A documenter of a partner organisation; survivors are never a person here.
    documenter = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    # How what it is about was sealed (lifecycle.BROWSER, lifecycle.ARRIVAL), where it came through the door.
    about_sealed_by = models.CharField(max_length=8, blank=True, default="")
    answerable = models.BooleanField(default=True)
    care_offered = models.BooleanField(default=False)
    status = models.CharField(max_length=8, default=lifecycle.OPEN)
    opened_on = models.DateField()
    waiting_since = models.DateField(null=True)

    class Meta:
        ordering = ["waiting_since", "opened_on", "ref"]
        indexes = [models.Index(fields=["compartment", "status"], name="thread_by_room")]
        # Whoever holds the door of a file is her; two doors would be two of her (decision 0024).
        constraints = [
            models.UniqueConstraint(fields=["about_ref"], condition=~models.Q(about_ref=""), name="one_door_to_a_file")
        ]

    def __str__(self) -> str:
        return self.designation


def attachment_ref() -> str:
    return new_ref("ATT")


@declares(data_class="C2", owner="channel", retention="claim-file", shredded="MSG")
class Message(models.Model):
    """One message: hers, ours, or a note among ourselves. An answer can be read from its hour of release on."""

    ref = models.CharField(max_length=40, unique=True, default=message_ref)
    compartment = models.CharField(max_length=80)
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="messages")
    direction = models.CharField(max_length=4, choices=[(d, d) for d in lifecycle.DIRECTIONS])
    kind = models.CharField(max_length=12, choices=[(k, k) for k in lifecycle.MESSAGE_KINDS], default="message")
    written_at = models.DateTimeField()
    release_at = models.DateTimeField(null=True)
    written_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    text = SealedField()
    sealed_by = models.CharField(max_length=8, default=lifecycle.ARRIVAL)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(direction="out", release_at__isnull=False) & (Q(written_by__isnull=False) | Q(kind="notice"))
                )
                | (~Q(direction="out") & Q(release_at=None)),
                name="an_answer_has_an_hour_and_an_author",
            )
        ]


@declares(data_class="C2", owner="channel", retention="claim-file", shredded="ATT")
class Attachment(models.Model):
    """A file she sent, sealed as it came in quarantine; its one-time key is the vault's. Staff see pictures of it only."""

    ref = models.CharField(max_length=40, unique=True, default=attachment_ref)
    compartment = models.CharField(max_length=80)
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="attachments")
    kind = models.CharField(max_length=8)
    # The file's random name in quarantine, and SHA-256(label, salt, content): without the salt it recognises no file.
    stored = models.CharField(max_length=40, unique=True)
    commitment = models.BinaryField()
    received_on = models.DateField()
    name = SealedField()
    salt = SealedField()

    class Meta:
        ordering = ["id"]


def kit_ref() -> str:
    return new_ref("KIT")


@declares(
    data_class="C2",
    owner="channel",
    retention="claim-file",
    shredded="no: a documenter's, emptied when its report is lodged or refused",
)
class KitEnvelope(models.Model):
    """A report that a field device sealed when it was saved. Its digest is kept, so that sent again it counts once.

    The envelope itself is kept only while it waits for an unlocked vault; what became of it is sealed as a report is.
    """

    ref = models.CharField(max_length=40, unique=True, default=kit_ref)
    compartment = models.CharField(max_length=80)
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    received_on = models.DateField()
    status = models.CharField(max_length=8, choices=[(s, s) for s in lifecycle.KIT_STATES], default=lifecycle.WAITING)
    report_ref = models.CharField(max_length=40, blank=True, default="")
    envelope = SealedField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=lifecycle.WAITING) | Q(envelope=b""), name="an_envelope_is_kept_only_while_it_waits"
            ),
            models.CheckConstraint(
                condition=Q(status=lifecycle.LODGED) ^ Q(report_ref=""), name="a_lodged_envelope_has_its_report"
            ),
        ]
