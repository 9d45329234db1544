"""What the vault answers about identities, seats and escrow. Everything is checked here again, whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault import arrivals, recorded, seal, signing, standing
from answerable.vault.actions import note_key_work
from answerable.vault.bundles import opening, seating
from answerable.vault.custody import access, actions, lifecycle, rules, words
from answerable.vault.keyroom import escrowkeys, personkeys, seatkeys, vaultkeys
from answerable.vault.models import IdentityRequest, RoomRestore
from answerable.vault.operations.sessions import entered_first, holder, reader, vouched, vouched_on
from answerable.vault.service import operation

About = TypeVar("About", IdentityRequest, RoomRestore)


def _request(ref: str) -> IdentityRequest:
    with reading_as(CLOCK):
        found = (
            IdentityRequest.objects.select_related("asked_body", "approved_body", "recipient__body")
            .filter(ref=ref)
            .first()
        )
    if found is None:
        raise Refused(_("There is no such request."), reason="nothing")
    return found


def _concerned(token: str, subject: str) -> None:
    """Raises Refused unless this is the live session of someone who may ask for the identity behind `subject`, or sees a
    request for it. What the person may not see is answered like what does not exist.
    """
    person = holder(token)[0]
    with reading_as(person):
        behind = next((o for o in question("sealed_object").ask(subject) if o is not None), None)
        if access.requests(person).filter(subject=subject).exists():
            return
        if behind is not None:
            draft = IdentityRequest(compartment=behind.compartment, subject=subject, asked_by=person, asked_body=person.body,
                                    recipient=person)  # fmt: skip
            if authority.allows(person, "ask_identity", draft):
                return
    raise Refused(_("There is nothing here for you."), reason="nothing")


@operation("has_identity", "office")
def has_identity(token: str, subject: str) -> bool:
    """Whether someone's identity is sealed under a reference, for those who may ask for it."""
    _concerned(token, subject)
    return seatkeys.has_identity(subject)


@operation("identity_fields", "office")
def identity_fields(token: str, subject: str) -> list[str]:
    """Names, never values, of the fields that can be asked for behind a reference; all, where that was not kept.

    That someone gave an address or named her family is told only to those who may ask for it.
    """
    _concerned(token, subject)
    given = seatkeys.identity_fields(subject)
    return list(rules.fields()) if given is None else given


@operation("tell_identity_asked", "office")
def tell_identity_asked(
    token: str, request: str, subject: str, fields: Sequence[str], purpose: str, reason: str, recipient: str,
    break_glass: bool,
) -> str:  # fmt: skip
    """Someone asks for fields of an identity: told to the vault in their own session, confirmed a short while ago.

    Returns the vault's word, which the entry has to have for a release. Raises Refused.
    """
    by = holder(token)[0]
    with reading_as(by):
        behind = next((o for o in question("sealed_object").ask(subject) if o is not None), None)
    reads = standing.at_work(ref=recipient)
    if behind is None or reads is None or not request.startswith("IDR"):
        raise Refused(_("There is nothing here for you."), reason="nothing")
    made = IdentityRequest(
        ref=request, compartment=behind.compartment, subject=subject, fields=list(fields), purpose=purpose, reason=reason,
        break_glass=break_glass, recipient=reads, asked_by=by, asked_body=by.body,
    )  # fmt: skip
    vouched_on(token, "ask_identity", made)
    if said := rules.asking_obstacles(made.fields, purpose, reason, break_glass=break_glass):
        raise Refused(" ".join(_(s) for s in said), reason="identity")
    return recorded.word("identity asked", actions.asked_whole(made))


def _who_asked_is_known(about: About, asking: Callable[[About], Entry | None], otherwise: str) -> None:
    """Raises Refused, saying what to do `otherwise`, unless the vault was itself told who asked for what is agreed to now."""
    with reading_as(CLOCK):
        asked = asking(about)
    if asked is None:
        raise Refused(otherwise, reason="nothing")


@operation("tell_identity_approved", "office")
def tell_identity_approved(token: str, request: str) -> str:
    """Another person of another body approves what the vault was told was asked, in their own confirmed session.

    Returns the vault's word, which the entry has to have for a release. Raises Refused.
    """
    found = _request(request)
    by = vouched_on(token, "approve_identity", found)
    _who_asked_is_known(
        found,
        actions.asking,
        _("The vault was not told who asked for this, so nothing follows from it. A new request has to be made."),
    )
    found.approved_by, found.approved_body = by, by.body
    return recorded.word("identity approved", actions.approved_whole(found))


@operation("release_identity", "office")
def release_identity(request: str) -> str:
    """Release an approved request: all checked again, recorded, she is told; then the signed request exists.

    Asked a second time it does nothing more: one entry, and the same file, byte for byte. Returns the file's SHA-256.
    """
    found = _request(request)
    if found.released_at is None:
        seatkeys.identity_block(found.subject)
        key = seal.fingerprint(personkeys.person_public(found.recipient.ref))
        _signing_key_is_the_recorded_one()
        actions.enter_release(found, recipient_key_sha256=key, by=CLOCK)
    return hashlib.sha256(bundle(_request(request))).hexdigest()


def _signing_key_is_the_recorded_one() -> None:
    vkey = signing.signer().vkey()
    said = recorded.entry_of("vault signing key", "VAULT")
    if said is None:
        actions.note_signing_key(vkey, by=CLOCK)
    elif recorded.detail(said).get("vkey") != vkey:
        raise Refused(
            _(
                "The vault's signing key is not the one that the record names, so nothing is released. Tell the keepers."
            ),
            reason="signing_key",
        )


def bundle(request: IdentityRequest) -> bytes:
    """The signed request of a release, put together from what was stored: the same bytes each time. Raises Refused."""
    released = request.status in {lifecycle.RELEASED, lifecycle.ANSWERED}
    if not released or request.approved_body is None or request.leaf_index is None:
        raise Refused(_("This request is not released."), reason="lifecycle")
    if request.valid_until is None or request.released_at is None or clock.now() > request.valid_until:
        raise Refused(_("The request is no longer valid. If the identity is still needed, a new one has to be made."),
                      reason="expired")  # fmt: skip
    key = personkeys.person_public(request.recipient.ref)
    if seal.fingerprint(key) != request.recipient_key_sha256:
        raise Refused(_("The reader has another key than at the release. A new request has to be made."), reason="key")
    if not actions.is_released(request):
        raise Refused(_("The record does not hold this release."), reason="record")
    entry = Entry.objects.get(index=request.leaf_index)
    return opening.build_request(
        signing.signer(), node=vaultkeys.NODE, request=request.ref, subject=request.subject, fields=request.fields,
        purpose=words.in_english(request.purpose, words.purposes), recipient=request.recipient.ref, recipient_key=key,
        recipient_name=request.recipient.name,
        requested_by=request.asked_body.name, approved_by=request.approved_body.name, released_at=request.released_at,
        valid_until=request.valid_until, break_glass=request.break_glass, block=seatkeys.identity_block(request.subject),
        leaf_index=entry.index, leaf=bytes(entry.leaf),
    )  # fmt: skip


@operation("identity_bundle", "office")
def identity_bundle(request: str) -> bytes:
    """The signed request of a release, for a custodian: ciphertext and what was asked, while her consent lives."""
    found = _request(request)
    with reading_as(CLOCK):
        actions.require_consent(found)
    return bundle(found)


@operation("signing_key", "office")
def signing_key() -> str:
    """The verifier key of what the vault signs."""
    return signing.signer().vkey()


@operation("open_answer", "office")
def open_answer(token: str, request: str, answer: bytes) -> dict[str, str]:
    """The fields that the custodians sealed to this one reader; entered in the record before they are answered."""
    person, private = reader(token)
    with reading_as(person):
        found = access.requests(person).filter(ref=request).first()
        if found is None:
            raise Refused(_("There is no such request."), reason="nothing")
        actions.may_bring(found, person)
    opened = opening.open_answer(answer, private, person.ref, request=found.ref, subject=found.subject)
    actions.enter_answer(found, by=person)
    # Only what was asked, whatever a custodian's program put in.
    # A name may have come as a browser sealed it, while the vault was locked.
    return {name: arrivals.words(opened[name]) for name in found.fields if name in opened}


# --- seats --------------------------------------------------------------------------------------------------------


@operation("seats", "office")
def seats() -> list[dict[str, str]]:
    """The three seats: name, body, fingerprint. No key."""
    return seatkeys.seats()


def _holder(token: str, seat: str, act: str) -> Person:
    """Whoever holds this seat, in their own live session and freshly confirmed, for an act they may do. Raises Refused."""
    person = vouched(token, act, "seats")
    vaultkeys.root()
    held = {s["body"]: s["name"] for s in seatkeys.seats()}
    if held.get(person.body.ref) != seat or not person.roles & access.CUSTODIANS:
        raise Refused(_("Only whoever holds this seat does this."), reason="seat")
    return person


@operation("seat_blocks", "office")
def seat_blocks(token: str, seat: str, after: str) -> dict[str, Any]:
    """Some identity blocks for a seat's holder to hand over: ciphertext. `next` is where to go on; "" at the end.

    Every lot that leaves is in the record first: two seats that put theirs together could open them all.
    """
    person = _holder(token, seat, "hand_seat_over")
    lines, count, further = seatkeys.blocks_after(seat, after)
    actions.enter_blocks_taken(seat, count, by=person)
    return {"lines": lines, "next": further}


@operation("handover_part", "office")
def handover_part(token: str, seat: str, number: int, data: bytes) -> bool:
    """A part of a handover file; part 0 begins anew."""
    _holder(token, seat, "hand_seat_over")
    seatkeys.put_handover_part(seat, number, data)
    return True


@operation("apply_handover", "office")
def apply_handover(token: str, seat: str) -> dict[str, Any]:
    """Take the brought handover in, whole or not at all: made with the seat's present key, which no session replaces.

    Entered before the keys change for good.
    """
    person = _holder(token, seat, "hand_seat_over")
    try:
        with entered_first("seat handed over", seat, act="hand_seat_over", by=person) as detail:
            detail |= seatkeys.apply_handover(seat)
        return dict(detail)
    finally:
        seatkeys.forget_handover(seat)


# --- escrow -------------------------------------------------------------------------------------------------------


@operation("enter_escrow_key", "office")
def enter_escrow_key(token: str, public: bytes) -> str:
    """The public key with which the session's person will hold pieces; it counts after two days (`escrow_room`)."""
    person = vouched(token, "enter_escrow_key", "seats")
    name, key = seating.open_seat_public(public)
    with entered_first("escrow key entered", person.ref, act="enter_escrow_key", by=person) as detail:
        detail["public_key_sha256"] = fingerprint = escrowkeys.put_escrow_officer(person.ref, name, key)
    return fingerprint


@operation("escrow_officers", "office")
def escrow_officers() -> list[dict[str, str]]:
    """Who can hold pieces."""
    return escrowkeys.escrow_officers()


@operation("escrows", "office")
def escrows() -> list[dict[str, Any]]:
    """What is in escrow."""
    return escrowkeys.escrows()


@operation("escrow_record", "office")
def escrow_record(token: str, secret: str) -> bytes:
    """An escrow record, for an officer who holds a piece of it, or keeps the seat; entered before it leaves. Opaque."""
    person = vouched(token, "enter_escrow_key", "seats")
    officers, digest = escrowkeys.escrow_names(secret)
    own = [s["name"] for s in seatkeys.seats() if s["body"] == person.body.ref and person.roles & access.CUSTODIANS]
    if person.ref not in officers and secret not in {f"seat: {name}" for name in own}:
        raise Refused(_("Only an officer who holds a piece of this takes its record."), reason="not_authorised")
    raw = escrowkeys.escrow_record(secret)
    note_key_work("escrow record taken", secret.partition(": ")[2], act="enter_escrow_key",
                  detail={"secret": secret.partition(": ")[0], "escrow_sha256": digest}, by=person)  # fmt: skip
    return raw


@operation("in_escrow", "office")
def in_escrow(secret: str) -> bool:
    """Whether something is in escrow under this name."""
    return any(e["secret"] == secret for e in escrowkeys.escrows())


@operation("record_escrow", "office")
def record_escrow(token: str, seat: str, record: bytes) -> str:
    """Keep a seat's escrow record; one that brings the present key back is not replaced."""
    person = _holder(token, seat, "record_escrow")
    with entered_first("seat in escrow", seat, act="record_escrow", by=person) as detail:
        detail |= escrowkeys.put_seat_escrow(seat, record)
    return str(detail["escrow_sha256"])


@operation("escrow_room", "office")
def escrow_room(token: str, name: str, officers: Sequence[str], needed: int) -> dict[str, Any]:
    """Split a compartment's key over officers of at least three bodies, none of which could bring it back alone.

    Only over people who hold pieces by their office, each with a key that has stood for two days.
    """
    by, private = reader(token)
    vouched(token, "escrow_room", "compartments")
    named = [p for ref in sorted(set(officers)) if (p := standing.at_work(ref=ref)) is not None]
    if len(named) != len(set(officers)):
        raise Refused(_("There is nobody of this name."), reason="nothing")
    if said := rules.escrow_obstacles([p.body.ref for p in named], needed):
        raise Refused(" ".join(_(s) for s in said), reason="escrow")
    # A confirmation is asked of who acts, not of who is named.
    for person in named:
        person.fresh = person.enrolled = True
        if not authority.allows(person, "enter_escrow_key", Place("seats")):
            raise Refused(
                _(
                    "%(name)s holds no office that keeps pieces. Name registrars, custodians, inspectors or the fund's board."
                )
                % {"name": person.name},
                reason="not_authorised",
            )
    standing.check_settled(officers, lambda p: authority.allows(p, "enter_escrow_key", Place("seats")))
    settled = rules.figure("escrow_key")
    with entered_first("compartment in escrow", name, act="escrow_room", by=by) as detail:
        detail |= escrowkeys.escrow_room(name, list(officers), needed, by=by.ref, private=private, settled=settled)
    return dict(detail)


@operation("person_public", "office")
def person_public(person: str) -> bytes:
    """A person's public key as a file that the custodian program takes, for pieces to be sealed to."""
    return seating.seat_public(person, personkeys.person_public(person))


def _ceremony(ref: str) -> RoomRestore:
    found = RoomRestore.objects.select_related(
        "leader", "asked_by", "asked_body", "confirmed_by", "confirmed_body"
    ).filter(ref=ref).first()  # fmt: skip
    if found is None:
        raise Refused(_("There is no such ceremony."), reason="nothing")
    return found


@operation("tell_restore_asked", "office")
def tell_restore_asked(token: str, restore: str, room: str, leader: str) -> str:
    """Someone asks for the ceremony that brings a compartment's key back to one leader: told to the vault in their own
    session, confirmed a short while ago. Returns the vault's word, which the entry has to have. Raises Refused.
    """
    by = vouched(token, "ask_restore", "compartments")
    leads = standing.at_work(ref=leader)
    if leads is None or leads.ref == by.ref or not restore.startswith("RST") or not in_escrow(f"room: {room}"):
        raise Refused(_("There is nothing here for you."), reason="nothing")
    made = RoomRestore(ref=restore, room=room, leader=leads, asked_by=by, asked_body=by.body)
    return recorded.word("restore asked", actions.restore_asked_whole(made))


@operation("tell_restore_confirmed", "office")
def tell_restore_confirmed(token: str, restore: str) -> str:
    """An officer of another body confirms what the vault was told was asked, in their own confirmed session.

    Returns the vault's word, which the entry has to have before a key comes back. Raises Refused.
    """
    found = _ceremony(restore)
    by = vouched_on(token, "confirm_restore", found)
    _who_asked_is_known(
        found,
        actions.restore_asking,
        _("The vault was not told who asked for this, so nothing follows from it. Let it be asked for again."),
    )
    found.confirmed_by, found.confirmed_body = by, by.body
    return recorded.word("restore confirmed", actions.restore_confirmed_whole(found))


@operation("restore_room", "office")
def restore_room(token: str, restore: str, pieces: Sequence[bytes]) -> bool:
    """Bring a compartment's key back to the leader of a confirmed ceremony. Recorded first; other sessions go on."""
    person, private = reader(token)
    found = _ceremony(restore)
    if not person.fresh:
        raise Refused(_("Confirm that it is you before you change who can open what."), reason="confirm")
    with reading_as(person):
        actions.may_restore(found, person)
    back = escrowkeys.recover_room(found.room, pieces, private)
    actions.enter_restore(found, by=person)
    escrowkeys.restore_room(found.room, back, person.ref)
    return True
