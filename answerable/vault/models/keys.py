"""Keys and sealed blocks, in a database of their own that only the vault process opens (security.md §2.2, C4).

Backups of this database are kept fourteen days at most: what is deleted here is unreadable everywhere after that.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from answerable.common.dataclass_of import declares

# Models that live in the keys database; config/routing.py reads this.
IN_KEYS: set[str] = set()


T = TypeVar("T", bound=type)


def in_keys(model: T) -> T:
    """Keep this model in the keys database."""
    IN_KEYS.add(model.__name__.lower())
    return model


class SealedField(models.BinaryField):
    """Ciphertext of one field under its object's data key. Free text and identities are stored in no other way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", bytes)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "answerable.vault.models.SealedField", args, kwargs


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class PersonKey(models.Model):
    """A person's public key, and the private one wrapped under their passphrase. Opens nothing by itself."""

    person = models.CharField(max_length=40, unique=True)
    public_key = models.BinaryField()
    wrapped_private = models.BinaryField()
    made_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class Authenticator(models.Model):
    """A passkey of a person: another wrap of the one private key, under what its PRF gives to whoever holds it.

    `ended` keeps the row, so that a passkey that was given up is known when it turns up again; its wrap is gone.
    """

    person = models.CharField(max_length=40, db_index=True)
    credential_id = models.BinaryField(unique=True, max_length=1023)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)
    transports = models.JSONField(default=list)
    prf_salt = models.BinaryField()
    wrapped_private = models.BinaryField()
    name = models.CharField(max_length=60)
    made_at = models.DateTimeField()
    last_used = models.DateField(null=True)
    ended = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended=False) | models.Q(wrapped_private=b""), name="an_ended_passkey_opens_nothing"
            )
        ]


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class Compartment(models.Model):
    """A team's key pair: data keys are wrapped to the public half; the private half is wrapped to each reader."""

    name = models.CharField(max_length=80, unique=True)
    public_key = models.BinaryField()
    made_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class Reader(models.Model):
    """A compartment's private key, wrapped to one person's public key, and that sealed again under the root key.

    So a stolen keys database and a reader's passphrase together open nothing: the root key is in nobody's hands alone.
    """

    compartment = models.ForeignKey(Compartment, on_delete=models.PROTECT, related_name="readers")
    person = models.CharField(max_length=40)
    wrapped = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["compartment", "person"], name="one_wrap_per_reader_and_compartment")
        ]


@in_keys
@declares(data_class="C4", owner="vault", retention="matching-keys")
class DataKey(models.Model):
    """The data key of one object, wrapped to a compartment. Deleting the row shreds what it sealed."""

    subject = models.CharField(max_length=60)
    compartment = models.ForeignKey(Compartment, on_delete=models.PROTECT)
    wrapped = models.BinaryField()
    # The delivery of reports it was sealed with, said at the sealing and never later: an undoing takes nothing else.
    delivery = models.CharField(max_length=40, blank=True, default="", db_default="")
    # The day of that sealing, by the vault's clock: what nobody files in ninety days goes. Only where there is a delivery.
    sealed_on = models.DateField(null=True)
    # The draft it was sealed for, likewise: it lapses with that draft and with no other, whatever is named like it later.
    draft = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["delivery"], name="data_key_by_delivery", condition=~models.Q(delivery="")),
            models.Index(fields=["draft"], name="data_key_by_draft", condition=~models.Q(draft="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subject", "compartment"], name="one_data_key_per_object_and_compartment")
        ]


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class Seat(models.Model):
    """One of the three identity seats, each in another body (R23, R24, the survivors' advocate)."""

    name = models.CharField(max_length=40, unique=True)
    body = models.CharField(max_length=40, unique=True)
    public_key = models.BinaryField()


@in_keys
@declares(data_class="C3", owner="vault", retention="vault-contact")
class IdentityBlock(models.Model):
    """Who a person is, sealed so that any two seats together can open it and no server ever can."""

    subject = models.CharField(max_length=60, unique=True)
    block = models.BinaryField()
    # Which fields it holds, by name and without a value, so that what was never given is never asked for. None: sealed
    # before this was kept.
    fields = models.JSONField(null=True)
    sealed_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="audit-log")
class RecordKey(models.Model):
    """The key from which the salts of a subject's record entries are derived. Deleting the row shreds them all.

    `since` is the first entry it salts: an entry written after a shredding begins a new key, which opens none before.
    """

    subject = models.CharField(max_length=60, primary_key=True)
    key = models.BinaryField()
    since = models.BigIntegerField(default=0)


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class RootKey(models.Model):
    """How the vault's root key comes back after a start: pieces for each pair of keepers, under their own keys."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    pieces = models.JSONField(default=dict)
    check_value = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_root_key")]


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class ServiceKey(models.Model):
    """A key pair of the vault itself, for rules it must be able to obey alone; the private half is under the root key."""

    name = models.CharField(max_length=40, primary_key=True)
    public_key = models.BinaryField()
    sealed_private = models.BinaryField()


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class EscrowOfficer(models.Model):
    """Someone's public key for holding pieces in escrow; the private half is on a machine of theirs, never here."""

    person = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=40, unique=True)
    public_key = models.BinaryField()
    entered_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="permanent")
class EscrowRecord(models.Model):
    """Sealed pieces of a seat's or a compartment's private key, any k of n officers' bringing it back. Opaque here."""

    secret = models.CharField(max_length=100, unique=True)
    record = models.BinaryField()
    public_key_sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="session")
class HandoverPart(models.Model):
    """A part of a handover file on its way in, until the whole is applied or thrown away. Ciphertext only."""

    seat = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seat", "number"], name="one_part_per_number")]


@in_keys
@declares(data_class="C4", owner="vault", retention="vault-contact")
class ChannelKey(models.Model):
    """The two key pairs behind one code of the channel (security.md §2.5). Every row looks alike, PIN or none.

    `lookup` is HMAC(pepper, locator); the pepper is in no database. `new` opens under the code alone, `page` under code
    and PIN; where there is no PIN the page's private key was thrown away at once.
    """

    lookup = models.BinaryField(unique=True)
    channel = models.CharField(max_length=40, unique=True)
    salt = models.BinaryField()
    new_public = models.BinaryField()
    new_commitment = models.BinaryField()
    new_private = models.BinaryField()
    page_public = models.BinaryField()
    page_commitment = models.BinaryField()
    page_private = models.BinaryField()
    made_at = models.DateTimeField()


@in_keys
@declares(data_class="C4", owner="vault", retention="vault-contact")
class ChannelWrap(models.Model):
    """The data key of one message, wrapped to one of a channel's two keys. The copy for `new` goes once it was read."""

    channel = models.CharField(max_length=40)
    subject = models.CharField(max_length=60)
    level = models.CharField(max_length=4, choices=[("new", "new"), ("page", "page")])
    wrapped = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "subject", "level"], name="one_wrap_per_message_and_level")
        ]


@in_keys
@declares(data_class="C2", owner="vault", retention="draft")
class ChannelDraft(models.Model):
    """What someone began to write and saved, sealed to her own key: nobody else can open it. Ninety days, then gone."""

    channel = models.CharField(max_length=40, unique=True)
    wrapped = models.BinaryField()
    sealed = models.BinaryField()
    until = models.DateField()


@in_keys
@declares(data_class="C4", owner="vault", retention="audit-log")
class RoleWord(models.Model):
    """Who asked for or confirmed a role, or let someone return, as they told the vault in sessions of their own.

    `subject` is the grant, or the person who returns. The office cannot write it.
    """

    subject = models.CharField(max_length=40)
    step = models.CharField(max_length=9)
    person = models.CharField(max_length=40)
    role = models.CharField(max_length=40, blank=True)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "step", "by"], name="one_word_per_role_step_and_person")
        ]


@in_keys
@declares(data_class="C4", owner="vault", retention="audit-log")
class RecoveryStep(models.Model):
    """Who asked for and confirmed a new key, as they told the vault in sessions of their own. The office cannot write it."""

    recovery = models.CharField(max_length=40)
    step = models.CharField(max_length=9)
    person = models.CharField(max_length=40)
    by = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recovery", "step"], name="one_word_per_recovery_and_step")]
