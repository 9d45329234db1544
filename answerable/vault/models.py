"""Keys and sealed blocks. Only the vault touches these tables."""

from __future__ import annotations

from typing import Any

from django.db import models

from answerable.common.dataclass_of import declares


class SealedField(models.BinaryField):
    """Ciphertext of one field under its object's data key. Free text and identities are stored in no other way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", bytes)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)


@declares(data_class="C4", owner="vault", retention="permanent")
class PersonKey(models.Model):
    """A person's public key, and the private one wrapped under their passphrase. Opens nothing by itself."""

    person = models.CharField(max_length=40, unique=True)
    public_key = models.BinaryField()
    wrapped_private = models.BinaryField()
    made_at = models.DateTimeField()


@declares(data_class="C4", owner="vault", retention="permanent")
class Compartment(models.Model):
    """A team's key pair: data keys are wrapped to the public half; the private half is wrapped to each reader."""

    name = models.CharField(max_length=80, unique=True)
    public_key = models.BinaryField()
    made_at = models.DateTimeField()


@declares(data_class="C4", owner="vault", retention="permanent")
class Reader(models.Model):
    """A compartment's private key, wrapped to one person's public key."""

    compartment = models.ForeignKey(Compartment, on_delete=models.PROTECT, related_name="readers")
    person = models.CharField(max_length=40)
    wrapped = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["compartment", "person"], name="one_wrap_per_reader_and_compartment")
        ]


@declares(data_class="C4", owner="vault", retention="matching-keys")
class DataKey(models.Model):
    """The data key of one object, wrapped to a compartment. Deleting the row shreds what it sealed."""

    subject = models.CharField(max_length=60)
    compartment = models.ForeignKey(Compartment, on_delete=models.PROTECT)
    wrapped = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "compartment"], name="one_data_key_per_object_and_compartment")
        ]


@declares(data_class="C4", owner="vault", retention="permanent")
class Seat(models.Model):
    """One of the three identity seats, each in another body (R23, R24, the survivors' advocate)."""

    name = models.CharField(max_length=40, unique=True)
    body = models.CharField(max_length=40, unique=True)
    public_key = models.BinaryField()


@declares(data_class="C3", owner="vault", retention="vault-contact")
class IdentityBlock(models.Model):
    """Who a person is, sealed so that any two seats together can open it and no server ever can."""

    subject = models.CharField(max_length=60, unique=True)
    block = models.BinaryField()
    sealed_at = models.DateTimeField()
