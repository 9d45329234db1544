"""Sealing on arrival: a new data key per object, wrapped to its compartment, forgotten at once.

Sealing needs public keys only, so whoever hands something in needs no key of their own, and the server holds
none afterwards. Called inside the action that stores the object.
"""

from __future__ import annotations

from collections.abc import Mapping

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import identity, seal
from answerable.vault.models import Compartment, DataKey, IdentityBlock, Seat

NODE = "alliance"


def _context(subject: str, compartment: str) -> bytes:
    return f"answerable-datakey/1|{NODE}|{compartment}|{subject}".encode()


def seal_fields(subject: str, compartment: str, model: str, fields: Mapping[str, str]) -> dict[str, bytes]:
    """Seal each text of one new object under one fresh data key; returns ciphertext by field name.

    Empty texts are sealed like full ones, so that a blank field looks like any other. Raises Refused when the
    compartment was never opened.
    """
    room = Compartment.objects.filter(name=compartment).first()
    if room is None:
        raise Refused("The vault has no compartment for this; the office must open one first.", reason="no_compartment")
    dek = seal.new_data_key()
    DataKey.objects.create(
        subject=subject,
        compartment=room,
        wrapped=seal.wrap(bytes(room.public_key), dek, _context(subject, compartment)),
    )
    return {
        name: seal.seal_field(dek, text.encode(), seal.field_context(NODE, subject, model, name, 1))
        for name, text in fields.items()
    }


def open_field(
    subject: str, compartment: str, model: str, name: str, blob: bytes, *, person: str, private: bytes
) -> str:
    """Open one field with a reader's own private key. Raises Refused when the reader has no key to the compartment."""
    from answerable.vault.models import Reader

    reader = Reader.objects.filter(compartment__name=compartment, person=person).first()
    key = DataKey.objects.filter(subject=subject, compartment__name=compartment).first()
    if key is None:
        raise Refused("What was sealed here has been shredded and can no longer be read by anyone.", reason="shredded")
    if reader is None:
        raise Refused(
            "Your key does not open this compartment yet. Someone who reads it can admit you.", reason="no_key"
        )
    room = seal.unwrap(private, bytes(reader.wrapped), reader_context(compartment, person))
    dek = seal.unwrap(room, bytes(key.wrapped), _context(subject, compartment))
    return seal.open_field(dek, blob, seal.field_context(NODE, subject, model, name, 1)).decode()


def reader_context(compartment: str, person: str) -> bytes:
    """What a compartment key is bound to when it is wrapped to one reader."""
    return f"answerable-reader/1|{NODE}|{compartment}|{person}".encode()


def seal_identity(subject: str, fields: Mapping[str, str]) -> IdentityBlock:
    """Seal who someone is for the three identity seats, any two of which open it (security.md §2.2)."""
    seats = list(Seat.objects.order_by("name"))
    if len(seats) != 3:
        raise Refused("Identities cannot be taken in until the three identity seats are filled.", reason="no_seats")
    block = identity.seal_identity(dict(fields), [(s.name, bytes(s.public_key)) for s in seats], subject)
    return IdentityBlock.objects.create(subject=subject, block=block.to_bytes(), sealed_at=clock.now())
