"""Keys in escrow: who holds pieces, what is split over them, and how a compartment's key comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import escrow, primitives, seal
from answerable.vault.keyroom import personkeys, roomkeys
from answerable.vault.models import Compartment, EscrowOfficer, EscrowRecord, PersonKey, Seat


def put_escrow_officer(person: str, name: str, public: bytes) -> str:
    """Enter, or replace, the key with which someone holds pieces. Returns the fingerprint. Raises Refused."""
    with transaction.atomic(using="keys"):
        if EscrowOfficer.objects.filter(name=name).exclude(person=person).exists():
            raise Refused(_("Another officer uses this name. Make the key with another one."), reason="duplicate")
        EscrowOfficer.objects.update_or_create(
            person=person, defaults={"name": name, "public_key": public, "entered_at": clock.now()}
        )
    return seal.fingerprint(public)


def escrow_officers() -> list[dict[str, str]]:
    """Who can hold pieces: person, name, fingerprint."""
    return [
        {"person": o.person, "name": o.name, "public_key_sha256": seal.fingerprint(bytes(o.public_key))}
        for o in EscrowOfficer.objects.order_by("name")
    ]


def put_seat_escrow(seat: str, raw: bytes) -> dict[str, str]:
    """Keep the escrow record that a seat's holder made on their own machine. Returns digests. Raises Refused."""
    record = escrow.EscrowRecord.from_bytes(raw)
    row = Seat.objects.filter(name=seat).first()
    if row is None or record.secret != f"seat: {seat}":
        raise Refused(_("This is the escrow record of another seat."), reason="escrow")
    return _put_escrow(record, bytes(row.public_key))


def _put_escrow(record: escrow.EscrowRecord, public: bytes) -> dict[str, str]:
    """Keep an escrow record, and never one in the place of another that still brings the present key back."""
    present = seal.fingerprint(public)
    with transaction.atomic(using="keys"):
        before = EscrowRecord.objects.select_for_update().filter(secret=record.secret).first()
        if before is not None and before.public_key_sha256 == present:
            raise Refused(
                _("This key is in escrow already, and that is not replaced. It ends when the key does: rotate the "
                  "compartment, or hand the seat over, and put the new key in escrow."),
                reason="escrow",
            )  # fmt: skip
        replaced = hashlib.sha256(bytes(before.record)).hexdigest() if before is not None else ""
        EscrowRecord.objects.update_or_create(
            secret=record.secret,
            defaults={"record": record.to_bytes(), "public_key_sha256": present, "made_at": clock.now()},
        )
    return {"escrow_sha256": record.digest, "public_key_sha256": present} | (
        {"replaced_sha256": replaced} if replaced else {}
    )


def escrow_record(secret: str) -> bytes:
    """The escrow record of a seat ("seat: …") or a compartment ("room: …"). Raises Refused when there is none."""
    row = EscrowRecord.objects.filter(secret=secret).first()
    if row is None:
        raise Refused(_("Nothing is in escrow under this name."), reason="nothing")
    return bytes(row.record)


def escrow_names(secret: str) -> tuple[list[str], str]:
    """Who holds a piece of an escrow record, by reference, and the record's digest. Raises Refused when there is none."""
    record = escrow.EscrowRecord.from_bytes(escrow_record(secret))
    held = EscrowOfficer.objects.filter(name__in=record.officers).values_list("person", flat=True)
    return sorted(held), record.digest


def escrows() -> list[dict[str, Any]]:
    """What is in escrow, and whether it still is the present key."""
    rooms = {f"room: {c.name}": seal.fingerprint(bytes(c.public_key)) for c in Compartment.objects.all()}
    held = {f"seat: {s.name}": seal.fingerprint(bytes(s.public_key)) for s in Seat.objects.all()}
    now = {**rooms, **held}
    return [
        {"secret": r.secret, "made_at": r.made_at.isoformat(), "present": now.get(r.secret) == r.public_key_sha256}
        for r in EscrowRecord.objects.order_by("secret")
    ]


def escrow_room(
    name: str, people: Sequence[str], needed: int, *, by: str, private: bytes, settled: timedelta
) -> dict[str, Any]:
    """Split a compartment's private key over officers, with the key of someone who reads it. Raises Refused.

    An officer's key counts once it has stood for `settled` by the vault's own clock: long enough that whoever did not
    enter it themself sees it on their page and in the record.
    """
    secret = roomkeys.room_key(name, by, private)
    officers = list(EscrowOfficer.objects.filter(person__in=people))
    if len(officers) != len(set(people)):
        raise Refused(_("Every officer needs an escrow key of their own first."), reason="no_key")
    if any(clock.now() - o.entered_at < settled for o in officers):
        raise Refused(
            _("An officer's key for holding pieces counts two days after it was entered, so that each of them can compare "
              "it with their own first. Try again then."),
            reason="too_early",
        )  # fmt: skip
    try:
        record = escrow.split(secret, [(o.name, bytes(o.public_key)) for o in officers], needed, f"room: {name}")
    except ValueError:
        raise Refused(_("These officers cannot hold it together: their keys or names are not all different."),
                      reason="escrow") from None  # fmt: skip
    kept = _put_escrow(record, primitives.public_key(secret))
    keys = {o.person: seal.fingerprint(bytes(o.public_key)) for o in officers}
    return {"officers": sorted(keys), "needed": needed, "keys": keys, **kept}


def recover_room(name: str, pieces: Sequence[bytes], private: bytes) -> bytes:
    """A compartment's private key from the pieces that officers sealed to the leader, whose key this is. Raises Refused."""
    record = escrow.EscrowRecord.from_bytes(escrow_record(f"room: {name}"))
    opened = [escrow.open_sealed_piece(record, raw, private) for raw in pieces]
    back = None
    try:
        back = escrow.recover(record, opened)
    except primitives.Unopenable:
        pass
    if back is None:
        raise Refused(
            _("The key does not come back: %(n)d pieces of different officers are needed, and one that was given may "
              "be false.") % {"n": record.needed},
            reason="escrow",
        )  # fmt: skip
    if primitives.public_key(back) != bytes(Compartment.objects.get(name=name).public_key):
        raise Refused(
            _("The compartment has had a new key since; what was in escrow no longer opens it."), reason="escrow"
        )
    return back


def restore_room(name: str, back: bytes, person: str) -> None:
    """Wrap a recovered compartment key to the one who led the ceremony. Whoever read it before still does."""
    personkeys.person_public(person)
    with transaction.atomic(using="keys"):
        roomkeys.wrap_to(Compartment.objects.get(name=name), back, {person: PersonKey.objects.get(person=person)})
