"""The append-only record: what happened, salted and chained; and the `relies_on` edges between facts."""

from __future__ import annotations

from django.db import models

from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref


def witness_ref() -> str:
    return new_ref("WIT")


@declares(data_class="C1", owner="record", retention="audit-log")
class Entry(models.Model):
    """One leaf of the record. Never updated, never deleted: the database refuses both (see config/grants.py).

    `event` is the canonical JSON text whose salted hash is `leaf`; it carries references, codes, numbers and
    hashes, never narrative or identity (R-AUD-1). Padding leaves have no event.
    """

    index = models.BigIntegerField(primary_key=True)
    leaf = models.BinaryField()
    event = models.JSONField(null=True)
    at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=40, default="")
    role = models.CharField(max_length=40, default="")
    action = models.CharField(max_length=60, default="")
    subject = models.CharField(max_length=60, default="")
    from_state = models.CharField(max_length=40, default="")
    to_state = models.CharField(max_length=40, default="")
    reason = models.CharField(max_length=60, default="")

    class Meta:
        indexes = [
            models.Index(fields=["subject", "-index"], name="entry_by_subject"),
            models.Index(fields=["actor", "-index"], name="entry_by_actor"),
            models.Index(fields=["action", "-index"], name="entry_by_action"),
        ]
        # That each continues the one before it is a trigger's work (config/grants.py).
        constraints = [models.CheckConstraint(condition=models.Q(index__gte=0), name="the_record_begins_at_nought")]

    def __str__(self) -> str:
        return f"{self.index} {self.action} {self.subject}"


@declares(data_class="C1", owner="record", retention="permanent")
class Head(models.Model):
    """The single row whose lock orders appends: the next index, and the leaf and time of the last event."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    last_event_leaf = models.BinaryField(default=bytes)
    # When the last event was: no later one says that it was earlier.
    last_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="the_record_has_one_head")]


@declares(data_class="C0", owner="record", retention="permanent")
class Checkpoint(models.Model):
    """A signed statement of the record's size and root (C2SP tlog-checkpoint)."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    text = models.CharField(max_length=2000)
    made_at = models.DateTimeField()


@declares(data_class="C0", owner="record", retention="permanent")
class Witness(models.Model):
    """Someone outside who cosigns checkpoints: the witness of a member state, or of civil society.

    `public` is the raw key: one key is one witness, whatever name it goes by.
    """

    MEMBER, CIVIL_SOCIETY = "member", "civil_society"

    ref = models.CharField(max_length=40, unique=True, default=witness_ref)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=14, choices=[(k, k) for k in (MEMBER, CIVIL_SOCIETY)])
    vkey = models.CharField(max_length=400)
    public = models.BinaryField(max_length=32, unique=True)
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name


@declares(data_class="C0", owner="record", retention="permanent")
class Cosignature(models.Model):
    """A witness's signature line over one checkpoint, checked before it was kept (C2SP tlog-cosignature)."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, on_delete=models.PROTECT, related_name="cosignatures")
    line = models.CharField(max_length=400)
    signed_at = models.DateTimeField()
    brought_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "witness"], name="one_cosignature_per_witness_and_checkpoint")
        ]


@declares(data_class="C1", owner="record", retention="permanent")
class Reliance(models.Model):
    """`dependent` relies on `basis`: finding on incident, decision on finding, claim on presumption (R-FND-5)."""

    dependent = models.CharField(max_length=60)
    basis = models.CharField(max_length=60)
    why = models.CharField(max_length=60)
    since = models.BigIntegerField()
    until = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dependent", "basis", "why"], condition=models.Q(until=None), name="one_live_edge_per_reason"
            )
        ]
        indexes = [
            models.Index(fields=["basis"], name="reliance_by_basis"),
            models.Index(fields=["dependent"], name="reliance_by_dependent"),
        ]
