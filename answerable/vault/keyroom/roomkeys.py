"""Compartments: what is sealed to them, whoever reads them, and what is opened with their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import arrivals, rootkey, seal
from answerable.vault.keyroom import vaultkeys
from answerable.vault.models import Compartment, DataKey, PersonKey, Reader


def datakey_context(subject: str, compartment: str) -> bytes:
    """What a data key is bound to when it is wrapped to its compartment."""
    return f"answerable-datakey/1|{vaultkeys.NODE}|{compartment}|{subject}".encode()


def reader_context(compartment: str, person: str) -> bytes:
    """What a compartment key is bound to when it is wrapped to one reader."""
    return f"answerable-reader/1|{vaultkeys.NODE}|{compartment}|{person}".encode()


@contextmanager
def held(compartment: str, *, alone: bool = False) -> Iterator[None]:
    """Many may seal to a compartment at once; a rotation waits for them and keeps new ones out (advisory lock).

    Raises ValueError with the record's head in hand: a rotation that has this lock waits for that.
    """
    record.keys_before_head()
    number = int.from_bytes(hashlib.sha256(compartment.encode()).digest()[:8], "big", signed=True)
    name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with transaction.atomic(using="keys"):
        with connections["keys"].cursor() as cursor:
            cursor.execute(f"SELECT {name}(%s)", [number])
        yield


def put_data_key(subject: str, compartment: str, key: bytes, delivery: str = "", draft: str = "") -> None:
    """Keep a data key made elsewhere (an upload's one-time key), wrapped to its compartment. Raises Refused.

    `delivery`: what it came in with, as long as that may be taken out again or may lapse; `draft`: which draft of it. Said
    once, at the sealing, with the day.
    """
    with held(compartment):
        room = Compartment.objects.filter(name=compartment).first()
        if room is None:
            raise Refused(
                _("The vault has no compartment for this; the office must open one first."), reason="no_compartment"
            )
        DataKey.objects.create(
            subject=subject,
            compartment=room,
            wrapped=seal.wrap(bytes(room.public_key), key, datakey_context(subject, compartment)),
            delivery=delivery,
            draft=draft,
            sealed_on=clock.today() if delivery else None,
        )


def seal_fields(
    subject: str, compartment: str, model: str, fields: Mapping[str, str], delivery: str = ""
) -> dict[str, bytes]:
    """Each text of one new object under one fresh data key, which is then forgotten. Raises Refused."""
    dek = seal.new_data_key()
    put_data_key(subject, compartment, dek, delivery)
    return {
        name: seal.seal_field(
            dek, text.encode("utf-8", "surrogatepass"), seal.field_context(vaultkeys.NODE, subject, model, name, 1)
        )
        for name, text in fields.items()
    }


def seal_many(
    compartment: str, rows: Sequence[tuple[str, str, Mapping[str, str], str]], delivery: str = ""
) -> list[dict[str, bytes]]:
    """As `seal_fields` for many new objects at once (subject, model, texts, draft), each under a data key of its own: one
    transaction, one COPY. `delivery` and draft as in `put_data_key`. Raises Refused.
    """
    with held(compartment):
        room = Compartment.objects.filter(name=compartment).first()
        if room is None:
            raise Refused(
                _("The vault has no compartment for this; the office must open one first."), reason="no_compartment"
            )
        public, sealed, keys = bytes(room.public_key), [], []
        bound = (delivery, clock.today() if delivery else None)
        for subject, model, fields, draft in rows:
            dek = seal.new_data_key()
            keys.append(
                (subject, room.pk, seal.wrap(public, dek, datakey_context(subject, compartment)), *bound, draft)
            )
            sealed.append(
                {
                    name: seal.seal_field(
                        dek,
                        text.encode("utf-8", "surrogatepass"),
                        seal.field_context(vaultkeys.NODE, subject, model, name, 1),
                    )
                    for name, text in fields.items()
                }
            )
        with connections["keys"].cursor() as cursor:
            table = DataKey._meta.db_table
            with cursor.copy(
                f"COPY {table} (subject, compartment_id, wrapped, delivery, sealed_on, draft) FROM STDIN"
            ) as copy:
                for key in keys:
                    copy.write_row(key)
    return sealed


def room_key(compartment: str, person: str, private: bytes) -> bytes:
    """A compartment's private key, for a reader with their own key and an unlocked vault. Raises Refused."""
    reader = Reader.objects.filter(compartment__name=compartment, person=person).first()
    if reader is None:
        raise Refused(
            _("Your key does not open this compartment yet. Someone who reads it can admit you."), reason="no_key"
        )
    return _room_key(bytes(reader.wrapped), compartment, person, private)


def _room_key(admitted: bytes, compartment: str, person: str, private: bytes) -> bytes:
    context = reader_context(compartment, person)
    return seal.unwrap(private, rootkey.open_at_rest(vaultkeys.root(), admitted, context), context)


def data_key(subject: str, compartment: str, room: bytes) -> bytes:
    """The data key of one object. Raises Refused when it was shredded."""
    key = DataKey.objects.filter(subject=subject, compartment__name=compartment).first()
    if key is None:
        raise Refused(
            _("What was sealed here has been shredded and can no longer be read by anyone."), reason="shredded"
        )
    return seal.unwrap(room, bytes(key.wrapped), datakey_context(subject, compartment))


def open_fields(
    subject: str, compartment: str, model: str, blobs: Mapping[str, bytes], *, person: str, private: bytes
) -> dict[str, str]:
    """Fields of one object in plain text, with a reader's own key. Raises Refused; Unopenable for a changed blob."""
    theirs = Reader.objects.filter(compartment=OuterRef("compartment"), person=person).values("wrapped")
    keys = DataKey.objects.filter(subject=subject, compartment__name=compartment)
    wrapped, admitted = keys.values_list("wrapped", Subquery(theirs)).first() or (None, None)
    if wrapped is None or admitted is None:
        # One of the two is missing: each says what is wrong in its own words.
        dek = data_key(subject, compartment, room_key(compartment, person, private))
    else:
        room = _room_key(bytes(admitted), compartment, person, private)
        dek = seal.unwrap(room, bytes(wrapped), datakey_context(subject, compartment))
    return open_with(dek, subject, model, blobs)


def open_with(dek: bytes, subject: str, model: str, blobs: Mapping[str, bytes]) -> dict[str, str]:
    """Fields of one object under its data key. An empty blob is an empty text; what a browser sealed before is opened too."""
    return {
        name: arrivals.words(
            seal.open_field(dek, blob, seal.field_context(vaultkeys.NODE, subject, model, name, 1)).decode("utf-8", "surrogatepass")
        )
        if blob else ""
        for name, blob in blobs.items()
    }  # fmt: skip


def new_compartment(name: str, readers: Sequence[str]) -> str:
    """Make a compartment's key pair and wrap its private half to its first readers. Returns the fingerprint."""
    with transaction.atomic(using="keys"):
        if Compartment.objects.filter(name=name).exists():
            raise Refused(_("That compartment is already open."), reason="duplicate")
        keys = {k.person: k for k in PersonKey.objects.filter(person__in=readers)}
        if not keys or len(keys) != len(set(readers)):
            raise Refused(
                _("Every first reader needs a key of their own, and there must be at least one."), reason="no_key"
            )
        public, private = seal.new_key_pair()
        room = Compartment.objects.create(name=name, public_key=public, made_at=clock.now())
        wrap_to(room, private, keys)
    return seal.fingerprint(public)


def wrap_to(room: Compartment, private: bytes, keys: Mapping[str, PersonKey]) -> None:
    for ref, key in keys.items():
        context = reader_context(room.name, ref)
        wrapped = rootkey.seal_at_rest(vaultkeys.root(), seal.wrap(bytes(key.public_key), private, context), context)
        Reader.objects.update_or_create(compartment=room, person=ref, defaults={"wrapped": wrapped})


def admit_reader(name: str, person: str, *, by: str, private: bytes) -> None:
    """Wrap a compartment's key to another person, with the key of someone who reads it. Raises Refused."""
    with held(name, alone=True):
        room_private = room_key(name, by, private)
        theirs = PersonKey.objects.filter(person=person).first()
        if theirs is None:
            raise Refused(_("They have no key yet; they must enrol one first."), reason="no_key")
        wrap_to(Compartment.objects.get(name=name), room_private, {person: theirs})


def reads(person: str, name: str) -> bool:
    """Whether someone holds a wrap of this compartment's key."""
    return Reader.objects.filter(compartment__name=name, person=person).exists()


def remove_reader(name: str, person: str) -> int:
    """Take a reader's wrap away; never the last one, or nobody could open anything there again. Raises Refused.

    Rotation afterwards makes the old compartment key useless as well.
    """
    with held(name, alone=True):
        if not Reader.objects.filter(compartment__name=name).exclude(person=person).exists():
            raise Refused(
                _("This is the last reader of the compartment; admit another first, or nobody could open it again."),
                reason="last_reader",
            )
        return Reader.objects.filter(compartment__name=name, person=person).delete()[0]


def rotate(name: str, *, by: str, private: bytes, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """A new key pair for a compartment: every data key is wrapped again, no field is touched (security.md §2.2).

    One transaction: after a crash the old pair is whole. Returns the fingerprint and how many keys were wrapped again.
    """
    with held(name, alone=True):
        old = room_key(name, by, private)
        room = Compartment.objects.select_for_update().get(name=name)
        public, fresh = seal.new_key_pair()
        total, done, after = DataKey.objects.filter(compartment=room).count(), 0, 0
        while batch := list(DataKey.objects.filter(compartment=room, pk__gt=after).order_by("pk")[:1000]):
            for key in batch:
                context = datakey_context(key.subject, name)
                key.wrapped = seal.wrap(public, seal.unwrap(old, bytes(key.wrapped), context), context)
            DataKey.objects.bulk_update(batch, ["wrapped"], batch_size=500)
            done, after = done + len(batch), batch[-1].pk
            if progress:
                progress(done, total)
        room.public_key, room.made_at = public, clock.now()
        room.save(update_fields=["public_key", "made_at"])
        readers = list(Reader.objects.filter(compartment=room).values_list("person", flat=True))
        wrap_to(room, fresh, {k.person: k for k in PersonKey.objects.filter(person__in=readers)})
    return {"public_key_sha256": seal.fingerprint(public), "keys": done}
