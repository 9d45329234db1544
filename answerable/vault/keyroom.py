"""Work on the key tables. Runs in the vault process only; every function is one transaction on the keys database."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from django.db import connections, transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import bundles, escrow, identity, primitives, rootkey, seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.models import (
    Authenticator,
    Compartment,
    DataKey,
    EscrowOfficer,
    EscrowRecord,
    HandoverPart,
    IdentityBlock,
    PersonKey,
    Reader,
    RecordKey,
    RecoveryStep,
    RoleWord,
    RootKey,
    Seat,
    ServiceKey,
)  # fmt: skip

NODE = "alliance"
# No compartment has this name: whoever seals an identity holds it together with others, a handover alone.
SEATS = "|seats"
# The step of a new key that was stopped.
STOPPED = "stopped"


def root() -> bytes:
    """The root key of the unlocked vault. Raises Refused while it is locked."""
    if CHAMBER.is_locked() or CHAMBER.root is None:
        raise Refused(
            _("The vault is locked, so nothing sealed can be opened. Two keepers unlock it, each with their own key."),
            reason="vault_locked",
        )
    return CHAMBER.root


def datakey_context(subject: str, compartment: str) -> bytes:
    """What a data key is bound to when it is wrapped to its compartment."""
    return f"answerable-datakey/1|{NODE}|{compartment}|{subject}".encode()


def reader_context(compartment: str, person: str) -> bytes:
    """What a compartment key is bound to when it is wrapped to one reader."""
    return f"answerable-reader/1|{NODE}|{compartment}|{person}".encode()


@contextmanager
def _held(compartment: str, *, alone: bool = False) -> Iterator[None]:
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


# --- sealing (never needs the root key) ---------------------------------------------------------------------------


def put_data_key(subject: str, compartment: str, key: bytes, delivery: str = "", draft: str = "") -> None:
    """Keep a data key made elsewhere (an upload's one-time key), wrapped to its compartment. Raises Refused.

    `delivery`: what it came in with, as long as that may be taken out again or may lapse; `draft`: which draft of it. Said
    once, at the sealing, with the day.
    """
    with _held(compartment):
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
            dek, text.encode("utf-8", "surrogatepass"), seal.field_context(NODE, subject, model, name, 1)
        )
        for name, text in fields.items()
    }


def seal_many(
    compartment: str, rows: Sequence[tuple[str, str, Mapping[str, str], str]], delivery: str = ""
) -> list[dict[str, bytes]]:
    """As `seal_fields` for many new objects at once (subject, model, texts, draft), each under a data key of its own: one
    transaction, one COPY. `delivery` and draft as in `put_data_key`. Raises Refused.
    """
    with _held(compartment):
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
                        dek, text.encode("utf-8", "surrogatepass"), seal.field_context(NODE, subject, model, name, 1)
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


def seal_identity(subject: str, fields: Mapping[str, str]) -> None:
    """Who someone is, for the three seats, any two of which open it. Raises Refused while a seat is empty."""
    with _held(SEATS):
        seats = list(Seat.objects.order_by("name"))
        if len(seats) != 3:
            raise Refused(
                _("Identities cannot be taken in until the three identity seats are filled."), reason="no_seats"
            )
        block = identity.seal_identity(dict(fields), [(s.name, bytes(s.public_key)) for s in seats], subject)
        given = sorted(name for name, text in fields.items() if text.strip())
        IdentityBlock.objects.create(subject=subject, block=block.to_bytes(), fields=given, sealed_at=clock.now())


def seal_question(interview: str, text: str) -> tuple[bytes, dict[str, bytes]]:
    """Who someone is, for the three seats to say whether she told before; each reads it alone. Raises Refused while a seat is empty."""
    with _held(SEATS):
        seats = list(Seat.objects.order_by("name"))
        if len(seats) != 3:
            raise Refused(
                _("The custodians cannot be asked until the three identity seats are filled."), reason="no_seats"
            )
        return bundles.seal_question(interview, text, [(s.name, bytes(s.public_key)) for s in seats])


# --- opening ------------------------------------------------------------------------------------------------------


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
    return seal.unwrap(private, rootkey.open_at_rest(root(), admitted, context), context)


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
    from answerable.vault import arrivals

    return {
        name: arrivals.words(
            seal.open_field(dek, blob, seal.field_context(NODE, subject, model, name, 1)).decode("utf-8", "surrogatepass")
        )
        if blob else ""
        for name, blob in blobs.items()
    }  # fmt: skip


# --- keys of persons, rooms, seats --------------------------------------------------------------------------------


def put_person_key(person: str, public: bytes, wrapped: bytes) -> str:
    """Enter a person's key pair, once. Returns the public key's fingerprint. Raises Refused."""
    with transaction.atomic(using="keys"):
        if not RootKey.objects.exists():
            # A founding that was interrupted begins again: nothing was ever sealed to these keys.
            PersonKey.objects.filter(person=person).delete()
        if PersonKey.objects.filter(person=person).exists():
            raise Refused(_("This person already has a key."), reason="duplicate")
        PersonKey.objects.create(person=person, public_key=public, wrapped_private=wrapped, made_at=clock.now())
    return seal.fingerprint(public)


def rewrap(person: str, wrapped: bytes) -> None:
    """The same private key under another passphrase."""
    with transaction.atomic(using="keys"):
        PersonKey.objects.filter(person=person).update(wrapped_private=wrapped)


def passkeys_of(person: str) -> list[Authenticator]:
    """A person's passkeys that are not ended, oldest first."""
    return list(Authenticator.objects.filter(person=person, ended=False).order_by("pk"))


def passkey(credential_id: bytes) -> Authenticator | None:
    """The passkey of a credential's id, if it is not ended."""
    return Authenticator.objects.filter(credential_id=credential_id, ended=False).first()


def put_passkey(person: str, made: Any, *, salt: bytes, wrapped: bytes, name: str, most: int) -> Authenticator:
    """Enter a passkey of a person. Raises Refused when it is known already or there are too many."""
    with transaction.atomic(using="keys"):
        # Locked, so that two browsers at once stay within the number.
        list(PersonKey.objects.select_for_update().filter(person=person))
        if Authenticator.objects.filter(credential_id=made.credential_id).exists():
            raise Refused(_("That passkey was registered before. Make a new one."), reason="duplicate")
        if Authenticator.objects.filter(person=person, ended=False).count() >= most:
            raise Refused(_("You have %(n)d passkeys already; end one first.") % {"n": most}, reason="range")
        return Authenticator.objects.create(
            person=person,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=made.transports,
            prf_salt=salt,
            wrapped_private=wrapped,
            name=name,
            made_at=clock.now(),
        )


def passkey_used(row: Authenticator, sign_count: int) -> bool:
    """Note a passkey's new count and the day; False when another use got there first with the same count."""
    with transaction.atomic(using="keys"):
        return bool(
            Authenticator.objects.filter(pk=row.pk, ended=False, sign_count=row.sign_count).update(
                sign_count=sign_count, last_used=clock.today()
            )
        )


def end_passkey(person: str, number: int, *, least: int) -> Authenticator:
    """End one of a person's passkeys; its wrap is gone. Returns it. Raises Refused for one of the last."""
    with transaction.atomic(using="keys"):
        list(PersonKey.objects.select_for_update().filter(person=person))
        mine = Authenticator.objects.filter(person=person, ended=False)
        row = mine.filter(pk=number).first()
        if row is None:
            raise Refused(_("You have no such passkey."), reason="unknown")
        if mine.count() <= least:
            raise Refused(
                _("This is your last passkey, and working here needs one. Add another first, then end this one."),
                reason="last",
            )
        row.ended, row.wrapped_private = True, b""
        row.save(update_fields=["ended", "wrapped_private"])
        return row


def replace_person_key(person: str, public: bytes, wrapped: bytes) -> dict[str, Any]:
    """A new key pair for someone who lost theirs: passkeys, reader's wraps and a keeper's pieces of the old one go.

    Returns the fingerprint and the compartments that others must admit them to again.
    """
    with transaction.atomic(using="keys"):
        key = PersonKey.objects.select_for_update().filter(person=person).first()
        if key is None:
            raise Refused(_("This person has no key to replace; the registrar enrols them."), reason="no_key")
        key.public_key, key.wrapped_private, key.made_at = public, wrapped, clock.now()
        key.save()
        Authenticator.objects.filter(person=person).update(ended=True, wrapped_private=b"")
        rooms = sorted(Reader.objects.filter(person=person).values_list("compartment__name", flat=True))
        Reader.objects.filter(person=person).delete()
        kept = False
        if (row := RootKey.objects.select_for_update().first()) is not None:
            # A piece under the lost key brings nothing back, and its other half none either.
            left = {n: blob for n, blob in row.pieces.items() if person not in n.partition("|")[0].split("+")}
            kept = len(left) != len(row.pieces)
            if kept:
                row.pieces = left
                row.save(update_fields=["pieces"])
    return {"public_key_sha256": seal.fingerprint(public), "compartments": rooms, "was_keeper": kept}


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
        _wrap_to(room, private, keys)
    return seal.fingerprint(public)


def _wrap_to(room: Compartment, private: bytes, keys: Mapping[str, PersonKey]) -> None:
    for ref, key in keys.items():
        context = reader_context(room.name, ref)
        wrapped = rootkey.seal_at_rest(root(), seal.wrap(bytes(key.public_key), private, context), context)
        Reader.objects.update_or_create(compartment=room, person=ref, defaults={"wrapped": wrapped})


def admit_reader(name: str, person: str, *, by: str, private: bytes) -> None:
    """Wrap a compartment's key to another person, with the key of someone who reads it. Raises Refused."""
    with _held(name, alone=True):
        room_private = room_key(name, by, private)
        theirs = PersonKey.objects.filter(person=person).first()
        if theirs is None:
            raise Refused(_("They have no key yet; they must enrol one first."), reason="no_key")
        _wrap_to(Compartment.objects.get(name=name), room_private, {person: theirs})


def reads(person: str, name: str) -> bool:
    """Whether someone holds a wrap of this compartment's key."""
    return Reader.objects.filter(compartment__name=name, person=person).exists()


def remove_reader(name: str, person: str) -> int:
    """Take a reader's wrap away; never the last one, or nobody could open anything there again. Raises Refused.

    Rotation afterwards makes the old compartment key useless as well.
    """
    with _held(name, alone=True):
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
    with _held(name, alone=True):
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
        _wrap_to(room, fresh, {k.person: k for k in PersonKey.objects.filter(person__in=readers)})
    return {"public_key_sha256": seal.fingerprint(public), "keys": done}


def fill_seat(name: str, body: str, public: bytes) -> str:
    """Enter the public key of an identity seat. Raises Refused; returns the fingerprint."""
    if len(public) != primitives.PUBLIC_SIZE:
        raise Refused(_("That is not a seat's public key. Give the file that `answerable custodian new-seat` wrote."),
                      reason="key")  # fmt: skip
    with transaction.atomic(using="keys"):
        if Seat.objects.filter(name=name).exists() or Seat.objects.filter(body=body).exists():
            raise Refused(
                _("That seat, or a seat of that body, is already filled; three seats sit in three bodies."),
                reason="duplicate",
            )
        if Seat.objects.count() >= 3:
            raise Refused(_("The three seats are filled."), reason="duplicate")
        Seat.objects.create(name=name, body=body, public_key=public)
    return seal.fingerprint(public)


def seats() -> list[dict[str, str]]:
    """The seats that are filled: name, body, fingerprint, whether their key is in escrow."""
    kept = dict(EscrowRecord.objects.values_list("secret", "public_key_sha256"))
    found = []
    for seat in Seat.objects.order_by("name"):
        fingerprint = seal.fingerprint(bytes(seat.public_key))
        escrowed = "yes" if f"seat: {seat.name}" in kept else ""
        found.append({"name": seat.name, "body": seat.body, "public_key_sha256": fingerprint, "escrowed": escrowed})
    return found


def has_identity(subject: str) -> bool:
    """Whether someone's identity was sealed under a reference."""
    return IdentityBlock.objects.filter(subject=subject).exists()


def identity_fields(subject: str) -> list[str] | None:
    """Names of the fields of an identity that were given; None when it was sealed before that was kept."""
    return IdentityBlock.objects.filter(subject=subject).values_list("fields", flat=True).first()


def identity_block(subject: str) -> identity.IdentityBlock:
    """The sealed identity of a reference. Raises Refused when there is none, or it was shredded."""
    row = IdentityBlock.objects.filter(subject=subject).first()
    if row is None:
        raise Refused(_("No identity is sealed here: none was given, or it has been shredded."), reason="no_identity")
    return identity.IdentityBlock.from_bytes(bytes(row.block))


def person_public(person: str) -> bytes:
    """A person's public key. Raises Refused when they have none."""
    key = PersonKey.objects.filter(person=person).first()
    if key is None:
        raise Refused(_("They have no key yet; they must enrol one first."), reason="no_key")
    return bytes(key.public_key)


# --- a seat changes hands -----------------------------------------------------------------------------------------

BLOCKS_AT_ONCE = 500
PART_SIZE = 4 * 1024 * 1024
MOST_PARTS = 4096


def _challenge(seat: str, fingerprint: str) -> bytes:
    """What the vault seals to a seat's present key: whoever says something under it holds the private half of that key.

    Of the root key, so that it is the same after a start and lies nowhere; another one for each key a seat ever had.
    """
    return primitives.derive(root(), f"handover-challenge/1|{seat}|{fingerprint}")


def blocks_after(seat: str, subject: str) -> tuple[bytes, int, str]:
    """Some identity blocks as lines of the custodian program, how many, and where to go on ("" at the end).

    The file begins with what only the seat's present key opens. Raises Refused while the vault is locked.
    """
    rows = list(IdentityBlock.objects.filter(subject__gt=subject).order_by("subject")[:BLOCKS_AT_ONCE])
    lines = [bundles.block_line(identity.IdentityBlock.from_bytes(bytes(r.block))) for r in rows]
    if not subject:
        public = bytes(Seat.objects.get(name=seat).public_key)
        lines.insert(0, bundles.blocks_head(seat, public, _challenge(seat, seal.fingerprint(public))))
    return b"".join(lines), len(rows), rows[-1].subject if len(rows) == BLOCKS_AT_ONCE else ""


def put_handover_part(seat: str, number: int, data: bytes) -> None:
    """Keep a part of a handover file; part 0 begins anew. Raises Refused for more than such a file can have."""
    if not 0 <= number < MOST_PARTS or len(data) > PART_SIZE:
        raise Refused(_("The file is larger than a handover can be."), reason="size")
    with transaction.atomic(using="keys"):
        if number == 0:
            HandoverPart.objects.filter(seat=seat).delete()
        HandoverPart.objects.update_or_create(seat=seat, number=number, defaults={"data": data})


class _Parts:
    """The parts of a handover read as one file, one at a time."""

    def __init__(self, seat: str) -> None:
        self._numbers = iter(HandoverPart.objects.filter(seat=seat).order_by("number").values_list("pk", flat=True))
        self._rest = b""

    def _more(self) -> bool:
        pk = next(self._numbers, None)
        if pk is None:
            return False
        self._rest += bytes(HandoverPart.objects.get(pk=pk).data)
        return True

    def readline(self, limit: int = -1) -> bytes:
        while b"\n" not in self._rest and (limit < 0 or len(self._rest) < limit) and self._more():
            pass
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        end = min(end, limit) if limit >= 0 else end
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self._rest) < size) and self._more():
            pass
        size = len(self._rest) if size < 0 else size
        out, self._rest = self._rest[:size], self._rest[size:]
        return out


def apply_handover(name: str) -> dict[str, Any]:
    """Take a handover in, whole or not at all: every block but for this seat's shares as it was, then the seat's new key.

    Raises Refused when the seat's present key did not make it, when a block differs elsewhere, when one is missing that
    came in meanwhile, or the file was cut.
    """
    with _held(SEATS, alone=True):
        seat = Seat.objects.select_for_update().filter(name=name).first()
        if seat is None:
            raise Refused(_("There is no such seat."), reason="nothing")
        old = seal.fingerprint(bytes(seat.public_key))
        challenge = _challenge(name, old)
        head, blocks = bundles.open_handover(_Parts(name), lambda _head: challenge)  # type: ignore[arg-type]
        if head.seat != name or head.old_fingerprint != old:
            raise Refused(
                _("The file hands over another seat, or another key than this seat has now."), reason="handover"
            )
        if Seat.objects.filter(public_key=head.new_public).exists():
            raise Refused(_("A seat has this key already; three seats have three different keys."), reason="duplicate")
        seen: set[str] = set()
        for after in blocks:
            row = IdentityBlock.objects.filter(subject=after.subject).first()
            if row is None:
                continue  # shredded since the file was made
            before = identity.IdentityBlock.from_bytes(bytes(row.block))
            if after.subject in seen or not identity.only_this_seat_changed(before, after, name):
                raise Refused(
                    _("Something other than this seat's shares was changed in the file. Nothing was taken in; tell the "
                      "inspectors."),
                    reason="handover",
                )  # fmt: skip
            seen.add(after.subject)
            row.block = after.to_bytes()
            row.save(update_fields=["block"])
        missing = IdentityBlock.objects.exclude(subject__in=seen).count()
        if missing:
            raise Refused(
                _("%(n)d identities came in since the file was made. Take the blocks again and run the handover again; "
                  "it goes on where it stopped.") % {"n": missing},
                reason="incomplete",
            )  # fmt: skip
        seat.public_key = head.new_public
        seat.save(update_fields=["public_key"])
        EscrowRecord.objects.filter(secret=f"seat: {name}").delete()
    return {"old_sha256": old, "new_sha256": seal.fingerprint(head.new_public), "blocks": len(seen)}


def forget_handover(name: str) -> None:
    """Throw the parts of a handover away, taken in or not."""
    with transaction.atomic(using="keys"):
        HandoverPart.objects.filter(seat=name).delete()


# --- escrow -------------------------------------------------------------------------------------------------------


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
    secret = room_key(name, by, private)
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
    person_public(person)
    with transaction.atomic(using="keys"):
        _wrap_to(Compartment.objects.get(name=name), back, {person: PersonKey.objects.get(person=person)})


# --- the root key and the vault's own keys ------------------------------------------------------------------------


def found_root(keepers: Sequence[str]) -> bytes:
    """Make the root key, once, and leave each pair of keepers their pieces. The vault is open afterwards.

    Returns the root key, for the demonstration alone; whoever calls it otherwise forgets it.
    """
    with transaction.atomic(using="keys"):
        if RootKey.objects.exists():
            raise Refused(_("This vault has its root key already."), reason="founded")
        fresh = primitives.random_bytes(32)
        RootKey.objects.create(**_split(fresh, keepers))
    CHAMBER.unlock(fresh)
    return fresh


def change_keepers(keepers: Sequence[str]) -> None:
    """Pieces for other keepers, while the vault is open; the pieces of those who are no longer named are gone."""
    held = root()
    with transaction.atomic(using="keys"):
        row = RootKey.objects.select_for_update().get()
        for name, value in _split(held, keepers).items():
            setattr(row, name, value)
        row.save()


def _split(root_key: bytes, keepers: Sequence[str]) -> dict[str, Any]:
    keys = {k.person: bytes(k.public_key) for k in PersonKey.objects.filter(person__in=keepers)}
    if len(keys) != len(set(keepers)) or not 2 <= len(keys) <= 7:
        raise Refused(_("Two to seven keepers, each with a key of their own, keep the vault."), reason="keepers")
    pieces = rootkey.split(root_key, sorted(keys.items()))
    return {
        "pieces": {name: blob.hex() for name, blob in pieces.items()},
        "check_value": rootkey.check_value(root_key),
        "made_at": clock.now(),
    }


def keepers() -> list[str]:
    """References of those who keep the vault."""
    row = RootKey.objects.first()
    return sorted({name.partition("|")[2] for name in row.pieces}) if row else []


def bring_half(person: str, private: bytes) -> bool:
    """A keeper's half; True when it was the second and the vault is open. Raises Refused for whoever keeps none."""
    row = RootKey.objects.first()
    if row is None or person not in keepers():
        raise Refused(_("You are not one of this vault's keepers."), reason="keepers")
    pieces = {name: bytes.fromhex(blob) for name, blob in row.pieces.items()}
    return CHAMBER.bring(person, rootkey.halves(pieces, person, private), bytes(row.check_value))


def service_public(name: str) -> bytes:
    """The public key of one of the vault's own pairs, made on first use; needs an open vault that first time only."""
    row = ServiceKey.objects.filter(name=name).first()
    if row is None:
        public, private = seal.new_key_pair()
        sealed = rootkey.seal_at_rest(root(), private, f"service|{name}".encode())
        with transaction.atomic(using="keys"):
            row, _made = ServiceKey.objects.get_or_create(
                name=name, defaults={"public_key": public, "sealed_private": sealed}
            )
    return bytes(row.public_key)


def service_known(name: str) -> bytes:
    """The public key of one of the vault's own pairs where there is one, or nothing; makes none."""
    row = ServiceKey.objects.filter(name=name).first()
    return bytes(row.public_key) if row else b""


def service_private(name: str) -> bytes:
    """The private half of one of the vault's own pairs. Raises Refused while the vault is locked."""
    row = ServiceKey.objects.filter(name=name).first()
    if row is None:
        raise Refused(_("Nothing was ever sealed for this."), reason="no_key")
    return rootkey.open_at_rest(root(), bytes(row.sealed_private), f"service|{name}".encode())


# --- new keys for people who lost theirs --------------------------------------------------------------------------


def granted_step(recovery: str, step: str) -> RecoveryStep | None:
    """What the vault was told of one step of a new key."""
    return RecoveryStep.objects.filter(recovery=recovery, step=step).first()


def is_granted(recovery: str, person: str, step: str) -> bool:
    """Whether this step was told before, for this person. Raises Refused when it was told for another, or was stopped."""
    if granted_step(recovery, STOPPED) is not None:
        raise Refused(_("This was stopped. Ask for a new key anew."), reason="lifecycle")
    told = granted_step(recovery, step)
    if told is not None and told.person != person:
        raise Refused(_("This new key is for another person."), reason="person")
    return told is not None


def note_granted(recovery: str, person: str, step: str, by: str) -> None:
    """What the vault itself was told, in whose session and when by its own clock. Told once; never changed."""
    with transaction.atomic(using="keys"):
        RecoveryStep.objects.create(recovery=recovery, step=step, person=person, by=by, at=clock.now())


def forget_granted(recovery: str) -> None:
    """A new key was made once: what granted it grants nothing again."""
    RecoveryStep.objects.filter(recovery=recovery).exclude(step=STOPPED).delete()


def stop_granted(recovery: str, person: str, by: str) -> int:
    """Someone stopped a new key: what granted it is forgotten and nothing grants it again. Returns how many steps went."""
    with transaction.atomic(using="keys"):
        gone = RecoveryStep.objects.filter(recovery=recovery).exclude(step=STOPPED).delete()[0]
        RecoveryStep.objects.get_or_create(
            recovery=recovery, step=STOPPED, defaults={"person": person, "by": by, "at": clock.now()}
        )
    return gone


def check_granted(recovery: str, person: str, *, hours: int) -> None:
    """Raises Refused unless two others granted this new key in sessions of their own, so many hours ago."""
    steps = {s.step: s for s in RecoveryStep.objects.filter(recovery=recovery)}
    asked, confirmed = steps.get("asked"), steps.get("confirmed")
    if (
        STOPPED in steps or asked is None or confirmed is None or {asked.person, confirmed.person} != {person}
        or len({asked.by, confirmed.by, person}) != 3
        or clock.now() - max(asked.at, confirmed.at) < timedelta(hours=hours)
    ):  # fmt: skip
        raise Refused(
            _("That name and code do not belong together, or the code has ended. Ask the registrar for another."),
            reason="code",
        )


# --- words about roles --------------------------------------------------------------------------------------------


def note_word(subject: str, step: str, person: str, role: str, by: str) -> None:
    """What the vault itself was told about a role, in whose session and when by its own clock. Raises Refused."""
    with transaction.atomic(using="keys"):
        asked = RoleWord.objects.filter(subject=subject, step="asked", person=person, role=role).exclude(by=by)
        if step == "confirmed" and not asked.exists():
            raise Refused(
                _("The vault was not told who asked for this role. Refuse it, and let it be asked for again."),
                reason="nothing",
            )
        what = {"person": person, "role": role, "at": clock.now()}
        if step == "returned":
            RoleWord.objects.update_or_create(subject=subject, step=step, by=by, defaults=what)
        else:
            RoleWord.objects.get_or_create(subject=subject, step=step, by=by, defaults=what)


# --- salts of the record ------------------------------------------------------------------------------------------


def _salt(key: bytes, index: int) -> bytes:
    return hmac.digest(key, f"answerable-salt/1|{index}".encode(), "sha256")


def salt(index: int, subject: str) -> bytes:
    """The salt of one record entry that is not there yet: from the subject's own key, so that shredding that key shreds
    every one of them.

    A key made for a later entry than this one (of a transaction that was rolled back, or asked ahead) counts from here.
    """
    found = RecordKey.objects.filter(subject=subject)
    key, since = found.values_list("key", "since").first() or (None, index)
    if key is None:
        with transaction.atomic(using="keys"):
            row, _made = RecordKey.objects.get_or_create(
                subject=subject, defaults={"key": primitives.random_bytes(32), "since": index}
            )
        key, since = row.key, row.since
    if since > index:
        with transaction.atomic(using="keys"):
            found.filter(since__gt=index).update(since=index)
    return _salt(bytes(key), index)


def salts(pairs: Sequence[tuple[int, str]]) -> list[bytes | None]:
    """Salts of many entries in order; None where the subject's key was shredded."""
    rows = RecordKey.objects.filter(subject__in={s for _i, s in pairs})
    keys = {r.subject: (bytes(r.key), r.since) for r in rows}
    return [_salt(keys[s][0], i) if s in keys and i >= keys[s][1] else None for i, s in pairs]


def mark(subject: str, content: bytes) -> bytes:
    """The same for the same content under one subject, and of no use to whoever has not its key; gone with its salts.

    Raises Refused when the subject's key was shredded, or never was.
    """
    key = next(iter(RecordKey.objects.filter(subject=subject).values_list("key", flat=True)), None)
    if key is None and DataKey.objects.filter(subject=subject).exists():
        # Sealed, and its key opens no entry yet (it came in with a report); whatever is entered already is not its own.
        with transaction.atomic(using="keys"):
            row, _made = RecordKey.objects.get_or_create(
                subject=subject, defaults={"key": primitives.random_bytes(32), "since": record.ends()}
            )
        key = row.key
    if key is None:
        raise Refused(_("What was sealed here has been shredded; nothing is added to it."), reason="shredded")
    return hmac.new(bytes(key), b"answerable-mark/1|" + content, hashlib.sha256).digest()


# --- shredding ----------------------------------------------------------------------------------------------------


def shred(subjects: Iterable[str], *, record_too: bool = True) -> dict[str, int]:
    """Delete every key of these references: data keys, identity blocks, salts. Doing it twice does no harm.

    What they sealed, here and in every copy and backup of the working facts, can then be read by nobody.
    """
    refs = list(subjects)
    with transaction.atomic(using="keys"):
        counts = {
            "data_keys": DataKey.objects.filter(subject__in=refs).delete()[0],
            "identities": IdentityBlock.objects.filter(subject__in=refs).delete()[0],
        }
        if record_too:
            counts["salts"] = RecordKey.objects.filter(subject__in=refs).delete()[0]
    return counts


def has_keys(subjects: Iterable[str]) -> bool:
    """Whether any key of these references is left: a data key, an identity block or the salts of their entries."""
    refs = list(subjects)
    return any(model.objects.filter(subject__in=refs).exists() for model in (DataKey, IdentityBlock, RecordKey))  # type: ignore[attr-defined]


def came_with(delivery: str) -> list[str]:
    """References whose data keys were bound to a delivery when they were sealed."""
    if not delivery:
        return []
    return sorted(DataKey.objects.filter(delivery=delivery).values_list("subject", flat=True))


def shred_delivery(delivery: str, subjects: Sequence[str]) -> int:
    """Delete the data keys of these references that came with a delivery, and no other key. Returns how many."""
    if not delivery:
        return 0
    with transaction.atomic(using="keys"):
        return DataKey.objects.filter(delivery=delivery, subject__in=list(subjects)).delete()[0]


def drafts_of(delivery: str) -> list[str]:
    """References of the drafts whose keys came with a delivery, as they were bound when they were sealed."""
    found = DataKey.objects.filter(delivery=delivery).exclude(delivery="").exclude(draft="")
    return sorted(set(found.values_list("draft", flat=True)))


def bound_before(drafts: Sequence[str], day: date) -> dict[str, str]:
    """What was sealed for these drafts before that day, as it was bound at its sealing: the draft of each reference."""
    found = DataKey.objects.exclude(draft="").filter(draft__in=list(drafts), sealed_on__lt=day)
    return dict(found.values_list("subject", "draft"))


def shred_bound_before(drafts: Sequence[str], subjects: Sequence[str], day: date) -> int:
    """Delete the data keys of these references that were sealed for these drafts, and no other key. Returns how many."""
    with transaction.atomic(using="keys"):
        rows = DataKey.objects.exclude(draft="").filter(draft__in=list(drafts), subject__in=list(subjects))
        return rows.filter(sealed_on__lt=day).delete()[0]
