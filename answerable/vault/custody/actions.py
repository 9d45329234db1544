"""Every change on the way to an opened identity, to a seat, and to a key that comes back.

What officers decide is acted in the office; the release and the opening of an answer are acted by the vault, which
checks everything again from the working facts and the record, writes its entry, and only then does what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Grant, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import recorded, standing
from answerable.vault.actions import token_of
from answerable.vault.client import ask
from answerable.vault.custody import access, lifecycle, rules, words
from answerable.vault.models import Alert, BundleTaken, IdentityRequest, Notice, RoomRestore

# --- decided in the office ----------------------------------------------------------------------------------------


def consent_lives(obj: Any, purpose: str) -> bool:
    """Whether a live consent covers opening an identity for this purpose; nobody answering for it is a no."""
    answers = [a for a in question("live_consent").ask(obj, rules.purposes()[purpose]) if a is not None]
    return bool(answers) and all(answers)


def bars(obj: Any) -> list[str]:
    """Why nobody's identity may be opened behind this object now."""
    return [sentence for answer in question("identity_bars").ask(obj) for sentence in answer]


@action("ask_identity")
def ask_identity(
    obj: Any,
    *,
    fields: Sequence[str],
    purpose: str,
    reason: str,
    recipient: Person,
    break_glass: bool = False,
    by: Person,
) -> IdentityRequest:
    """Ask for some fields of the identity behind an object (a claim), for one purpose and one reader of the same office.

    Raises Refused unless the fields serve the purpose, her consent to it lives and the reader can receive the answer.
    """
    request = IdentityRequest(
        compartment=obj.compartment, subject=obj.ref, fields=[f for f in rules.fields() if f in fields], purpose=purpose,
        reason=reason, break_glass=break_glass, recipient=recipient, asked_by=by, asked_body=by.body, asked_at=clock.now(),
    )  # fmt: skip
    authority.require(by, "ask_identity", request)
    if said := rules.asking_obstacles(fields, purpose, reason, break_glass=break_glass):
        raise Refused(" ".join(_(s) for s in said), reason="identity")
    if recipient.body_id != by.body_id or not authority.allows(recipient, "stand_by_request", request):
        raise Refused(_("The one reader is a caseworker of your own office."), reason="recipient")
    if said := bars(obj):
        raise Refused(" ".join(said), reason="barred")
    if not consent_lives(obj, purpose):
        raise Refused(
            _("There is no live consent for this purpose, so her identity stays closed (SC-4). Ask her first."),
            reason="consent",
        )
    if not ask("has_identity", token=token_of(by), subject=obj.ref):
        raise Refused(_("No identity is sealed here: none was given, or it has been shredded."), reason="no_identity")
    given = ask("identity_fields", token=token_of(by), subject=obj.ref)
    if missing := [f for f in request.fields if f not in given]:
        raise Refused(
            _("She never gave this: %(fields)s. Ask only for what was given, or ask her at her own door.")
            % {"fields": words.listed(missing)},
            reason="never_given",
        )
    # Told to the vault in the session of whoever asks; without its word the entry below opens nothing.
    told = ask(
        "tell_identity_asked", token=token_of(by), request=request.ref, subject=obj.ref, fields=request.fields, purpose=purpose,
        reason=reason, recipient=recipient.ref, break_glass=break_glass,
    )  # fmt: skip
    request.save(force_insert=True)
    record.append("identity asked", request, by=by, to_state=request.status, reason=reason,
                  detail={**asked_facts(request), recorded.WORD: told})  # fmt: skip
    return request


def _locked(request: IdentityRequest) -> IdentityRequest:
    found = IdentityRequest.objects.select_for_update(of=("self",)).select_related(
        "asked_by__body__state", "approved_by__body__state", "asked_body", "approved_body", "recipient__body__state"
    )
    return found.get(pk=request.pk)


@action("approve_identity")
def approve_identity(request: IdentityRequest, *, by: Person) -> IdentityRequest:
    """An officer of another body approves; the waiting time begins, unless there is imminent danger."""
    request = _locked(request)
    authority.require(by, "approve_identity", request)
    before, now = request.status, clock.now()
    request.status = next_status(lifecycle.REQUEST_MOVES, "approve_identity", status=before)
    if now > request.asked_at + rules.figure("approval"):
        raise Refused(_("This request is too old to be approved; a new one has to be made."), reason="expired")
    if not request.break_glass:
        request.status = next_status(lifecycle.REQUEST_MOVES, "begin_cool_off", status=request.status)
    # While the row still says what it says: the vault decides on the same, in the session of whoever approves.
    told = ask("tell_identity_approved", token=token_of(by), request=request.ref)
    times = rules.clocks(now, break_glass=request.break_glass)
    request.approved_by, request.approved_body, request.approved_at = by, by.body, now
    request.cool_until, request.valid_until = times.cool_until, times.valid_until
    request.save(update_fields=["status", "approved_by", "approved_body", "approved_at", "cool_until", "valid_until"])
    record.append(
        "identity approved", request, by=by, from_state=before, to_state=request.status,
        detail={**approved_facts(request), recorded.WORD: told},
    )  # fmt: skip
    return request


@action("move_identity_request")
def move_request(request: IdentityRequest, name: str, *, by: HasPrincipal) -> IdentityRequest:
    """Refuse, take back, close, or let lapse."""
    if name not in {"refuse_identity", "cancel_identity", "close_identity", "expire_identity"}:
        raise ValueError(f"{name} is an act of its own")
    request = _locked(request)
    authority.require(by, name, request)
    before, request.status = request.status, next_status(lifecycle.REQUEST_MOVES, name, status=request.status)
    request.save(update_fields=["status"])
    record.append(name.replace("_", " "), request, by=by, from_state=before, to_state=request.status)
    return request


def release(request: IdentityRequest, *, by: HasPrincipal) -> None:
    """Ask the vault to release an approved request, once its time has come. The vault decides, records, and does it."""
    authority.require(by, "release_identity", request)
    ask("release_identity", request=request.ref)


@action("take_request")
def take_request(request: IdentityRequest, *, by: Person) -> bytes:
    """The signed request for this custodian's seat, once; the first two seats that come are the two."""
    request = _locked(request)
    authority.require(by, "take_request", request)
    seat = access.seat_of(by)
    if not seat:
        raise Refused(_("You hold none of the three identity seats."), reason="seat")
    if request.taken.filter(Q(seat=seat) | Q(person=by)).exists():
        raise Refused(_("Your seat has taken this request already. If the file was lost, a new request has to be made."),
                      reason="duplicate")  # fmt: skip
    before = request.taken.count()
    if before >= 2:
        raise Refused(_("Two other seats have taken this request; a third is not needed."), reason="duplicate")
    bundle: bytes = ask("identity_bundle", request=request.ref)
    BundleTaken.objects.create(request=request, seat=seat, place=before + 1, person=by, taken_at=clock.now())
    record.append("identity request taken", request, by=by, detail={"seat": seat, "body": by.body.ref})
    return bundle


@action("review_break_glass")
def review_break_glass(request: IdentityRequest, finding: str, *, by: Person) -> IdentityRequest:
    """Somebody who took no part says within seven days whether opening at once was justified."""
    request = _locked(request)
    authority.require(by, "review_break_glass", request)
    if finding not in rules.REVIEWS:
        raise Refused(_("Say whether it was justified, not justified, or cannot be told."), reason="incomplete")
    if request.released_at is None:
        raise Refused(_("Nothing was released, so there is nothing to review."), reason="lifecycle")
    if request.reviewed_by_id:
        raise Refused(_("This was reviewed already."), reason="duplicate")
    request.reviewed_by, request.reviewed_at, request.review = by, clock.now(), finding
    request.save(update_fields=["reviewed_by", "reviewed_at", "review"])
    late = request.reviewed_at > request.released_at + rules.figure("review")
    record.append("break-glass reviewed", request, by=by, reason=finding, detail={"body": by.body.ref, "late": late})
    return request


def owed() -> int:
    """What the clock owes: releases whose waiting time is over, and requests whose time has passed. Returns how many."""
    now, done = clock.now(), 0
    with reading_as(CLOCK):
        waiting = IdentityRequest.objects.filter(valid_until__gte=now, cool_until__lte=now)
        due = list(waiting.filter(status__in=[lifecycle.APPROVED, lifecycle.COOLING]))
        past = IdentityRequest.objects.exclude(status__in=lifecycle.ENDED).filter(
            Q(valid_until__lt=now) | Q(status=lifecycle.ASKED, asked_at__lt=now - rules.figure("approval"))
        )
        over = list(past)
    for request in due:
        try:
            release(request, by=CLOCK)
            done += 1
        except Refused:
            continue  # the page says why; it lapses by itself
    for request in over:
        move_request(request, "close_identity" if request.status == lifecycle.ANSWERED else "expire_identity", by=CLOCK)
        done += 1
    return done


# --- answered for by the vault itself -----------------------------------------------------------------------------


def inspectors() -> list[Person]:
    """Everyone who inspects today: auditors, data protection, ombudspersons, safeguarding officers of every body."""
    held = Grant.objects.held(on=clock.today()).filter(role__in=sorted(access.INSPECTORS), person__is_active=True)
    found = Person.objects.select_related("body__state").filter(pk__in=held.values("person"), body__kind=Body.ORGAN)
    return [p for p in found.order_by("pk") if standing.as_recorded(p) and p.roles & access.INSPECTORS]


# What ends a request for good, as the record says it.
UNDOING = ("refuse identity", "cancel identity", "expire identity")


def asked_facts(request: IdentityRequest) -> dict[str, Any]:
    """What the entry of an asking says."""
    return {"subject": request.subject, "fields": request.fields, "purpose": request.purpose, "body": request.asked_body.ref,
            "recipient": request.recipient.ref, "break_glass": request.break_glass}  # fmt: skip


def approved_facts(request: IdentityRequest) -> dict[str, Any]:
    """What the entry of an approval says."""
    body = request.approved_body.ref if request.approved_body else ""
    return {"body": body, "break_glass": request.break_glass}


def asked_whole(request: IdentityRequest) -> dict[str, Any]:
    """All that the vault is told in the session of whoever asks; its word is of just this."""
    return {**asked_facts(request), "request": request.ref, "compartment": request.compartment, "reason": request.reason,
            "by": request.asked_by.ref}  # fmt: skip


def approved_whole(request: IdentityRequest) -> dict[str, Any]:
    """All that the vault is told in the session of whoever approves, with everything that was asked."""
    by = request.approved_by.ref if request.approved_by else ""
    return {**approved_facts(request), "by": by, "asked": asked_whole(request)}


def asking(request: IdentityRequest) -> Entry | None:
    """The entry in which whom the request names asked for just this, having told the vault so in a session of their own;
    neither the working facts nor an entry without the vault's word are believed.
    """
    said = recorded.entry_of("identity asked", request.ref, by=request.asked_by.ref)
    asked = {**asked_facts(request), recorded.WORD: recorded.word("identity asked", asked_whole(request))}
    return said if said and recorded.detail(said) == asked and said.reason == request.reason else None


def approval(request: IdentityRequest) -> Entry | None:
    """The entry in which whom the request names, another person of another body, approved what was asked before, having
    told the vault so in a session of their own. None once it was refused, taken back or lapsed, whatever the row says.
    """
    asked = asking(request)
    if asked is None or request.approved_by is None or request.approved_body is None:
        return None
    said = recorded.entry_of("identity approved", request.ref, by=request.approved_by.ref)
    approved = {**approved_facts(request), recorded.WORD: recorded.word("identity approved", approved_whole(request))}
    two = request.approved_by_id != request.asked_by_id and request.approved_body_id != request.asked_body_id
    # This one is believed as it stands: what stays closed can be asked for again.
    over = Entry.objects.filter(subject=request.ref, action__in=UNDOING)
    held = said is not None and two and said.index > asked.index and recorded.detail(said) == approved
    return said if held and not over.exists() else None


def is_released(request: IdentityRequest) -> bool:
    """Whether the record bears a release out: entered by the vault for just this, after the waiting time of an approval."""
    entry = Entry.objects.filter(index=request.leaf_index or 0).first()
    approved = approval(request)
    if entry is None or entry.at is None or approved is None or approved.at is None or request.approved_body is None:
        return False
    facts = {"subject": request.subject, "asked_body": request.asked_body.ref, "approved_body": request.approved_body.ref,
             "purpose": request.purpose, "fields": request.fields, "recipient_key_sha256": request.recipient_key_sha256,
             "break_glass": request.break_glass}  # fmt: skip
    said, times = recorded.detail(entry), rules.clocks(approved.at, break_glass=request.break_glass)
    return (
        (entry.action, entry.subject, entry.actor) == ("identity released", request.ref, CLOCK.ref)
        and {name: said.get(name) for name in facts} == facts
        and times.cool_until <= entry.at
        and request.valid_until is not None
        and request.valid_until <= times.valid_until
        and recorded.is_the_vaults(entry)
        and recorded.is_recorded(entry)
    )


def release_facts(request: IdentityRequest, obj: Any, told: Iterable[Person]) -> rules.ReleaseFacts:
    """Everything the vault finds out for itself before a release."""
    asker, approver = request.asked_by, request.approved_by
    stands = [standing.as_recorded(p) is not None for p in (asker, approver)]
    part = {request.asked_by_id, request.approved_by_id, request.recipient_id}
    asked, approved = asking(request), approval(request)
    return rules.ReleaseFacts(
        asked_by=request.asked_by.ref,
        asked_body=request.asked_by.body.ref,
        approved_by=approver.ref if approver else "",
        approved_body=approver.body.ref if approver else "",
        recipient=request.recipient.ref,
        asker_stands=asked is not None and stands[0] and authority.allows(asker, "stand_by_request", request),
        approver_stands=approver is not None and stands[1] and authority.allows(approver, "stand_by_approval", request),
        approved_at=approved.at if approved else None,
        break_glass=request.break_glass,
        consent_lives=consent_lives(obj, request.purpose),
        bars=tuple(bars(obj)),
        inspectors=sum(p.pk not in part for p in told),
    )


@action("release_identity")
def enter_release(request: IdentityRequest, *, recipient_key_sha256: str, by: HasPrincipal) -> IdentityRequest:
    """Check everything again, tell the inspectors where there is danger, and write the release: no key is touched yet.

    What was released before is left as it is, with its one entry; the caller asks first. Raises Refused.
    """
    request = _locked(request)
    authority.require(by, "release_identity", request)
    found = [o for o in question("sealed_object").ask(request.subject) if o is not None]
    if not found:
        raise Refused(_("The file this request concerns is not there any more."), reason="nothing")
    told = inspectors() if request.break_glass else []
    now = clock.now()
    if said := rules.release_obstacles(release_facts(request, found[0], told), now):
        raise Refused(" ".join(_(s) for s in said), reason="not_yet")
    before, request.status = (
        request.status,
        next_status(lifecycle.REQUEST_MOVES, "release_identity", status=request.status),
    )
    Alert.objects.bulk_create([Alert(request=request, person=p, told_at=now) for p in told])
    day, office = now.date(), request.asked_body
    code = "identity_opened_in_danger" if request.break_glass else "identity_opened"
    facts = {"request": request.ref, "body": office.ref, "purpose": request.purpose, "fields": request.fields}
    Notice.objects.create(
        compartment=request.compartment, subject=request.subject, code=code, facts=facts, day=day
    )  # fmt: skip
    question("notify_survivor").ask(
        request.subject, code,
        {"office": office.name, "day": day.isoformat(), "purpose": words.purposes()[request.purpose],
         "fields": words.listed(request.fields)},
    )  # fmt: skip
    says = {"subject": request.subject, "asked_body": office.ref,
            "approved_body": request.approved_body.ref if request.approved_body else "", "day": day.isoformat(),
            "purpose": request.purpose, "fields": request.fields, "recipient_key_sha256": recipient_key_sha256,
            "break_glass": request.break_glass, "told": len(told)}  # fmt: skip
    head = record.hold()
    worded = recorded.with_word("identity released", request.ref, actor=by.principal().ref, says=says, head=head)
    entry = record.append(
        "identity released", request, by=by, from_state=before, to_state=request.status, detail=worded, head=head
    )
    request.released_at, request.leaf_index = now, entry.index
    request.recipient_key_sha256 = recipient_key_sha256
    request.save(update_fields=["status", "released_at", "leaf_index", "recipient_key_sha256"])
    return request


@action("note_signing_key")
def note_signing_key(vkey: str, *, by: HasPrincipal) -> None:
    """Say once in the record which key the vault signs with."""
    record.append("vault signing key", "VAULT", by=by, detail={"vkey": vkey})


@action("bring_answer")
def enter_answer(request: IdentityRequest, *, by: Person) -> IdentityRequest:
    """The one reader opens the custodians' answer: decided again and entered before anything is shown."""
    request = may_bring(request, by)
    before, request.status = (
        request.status,
        next_status(lifecycle.REQUEST_MOVES, "answer_identity", status=request.status),
    )
    request.answered_at = request.answered_at or clock.now()
    request.save(update_fields=["status", "answered_at"])
    record.append("identity answer opened", request, by=by, from_state=before, to_state=request.status,
                  detail={"fields": request.fields, "purpose": request.purpose, "body": by.body.ref})  # fmt: skip
    return request


def may_bring(request: IdentityRequest, by: Person) -> IdentityRequest:
    """The request, locked, if this person may open its answer now. Raises Refused."""
    request = _locked(request)
    authority.require(by, "bring_answer", request)
    next_status(lifecycle.REQUEST_MOVES, "answer_identity", status=request.status)
    if request.valid_until is None or clock.now() > request.valid_until:
        raise Refused(_("The request is no longer valid. If the identity is still needed, a new one has to be made."),
                      reason="expired")  # fmt: skip
    require_consent(request)
    return request


def require_consent(request: IdentityRequest) -> None:
    """Raises Refused unless her consent still lives and nothing bars it, as the present row scope sees her file."""
    found = [o for o in question("sealed_object").ask(request.subject) if o is not None]
    if not found or bars(found[0]) or not consent_lives(found[0], request.purpose):
        raise Refused(
            _("There is no live consent for this purpose, so her identity stays closed (SC-4)."), reason="consent"
        )


# --- seats, escrow, ceremonies ------------------------------------------------------------------------------------


@action("take_seat_blocks")
def enter_blocks_taken(seat: str, blocks: int, *, by: Person) -> None:
    """In the vault: a seat's holder takes identity blocks away, to hand the seat over."""
    authority.require(by, "hand_seat_over", Place("seats"))
    record.append("seat blocks taken", seat, by=by, detail={"blocks": blocks, "body": by.body.ref})


def take_in_handover(seat: str, *, by: Person) -> dict[str, Any]:
    """Take in a handover file that was brought in parts: every block checked, then the seat's new key, all at once."""
    authority.require(by, "hand_seat_over", Place("seats"))
    done: dict[str, Any] = ask("apply_handover", token=by.vault_session or "", seat=seat)
    return done


def enter_escrow_key(raw: bytes, *, by: Person) -> str:
    """An officer enters the public key under which they will hold pieces (their `seat.pub`). Returns the fingerprint."""
    authority.require(by, "enter_escrow_key", Place("seats"))
    fingerprint: str = ask("enter_escrow_key", token=token_of(by), public=raw)
    return fingerprint


def record_escrow(seat: str, raw: bytes, *, by: Person) -> str:
    """Keep the escrow record of a seat, made on its holder's own machine. Opaque here. Returns its digest."""
    authority.require(by, "record_escrow", Place("seats"))
    digest: str = ask("record_escrow", token=by.vault_session or "", seat=seat, record=raw)
    return digest


def escrow_room(name: str, officers: Sequence[Person], needed: int, *, by: Person) -> str:
    """Split a compartment's private key over officers of at least three bodies, with the key of someone who reads it."""
    authority.require(by, "escrow_room", Place("compartments"))
    refs = sorted(p.ref for p in officers)
    made: dict[str, Any] = ask("escrow_room", token=by.vault_session or "", name=name, officers=refs, needed=needed)
    return str(made["escrow_sha256"])


@action("ask_restore")
def ask_restore(room: str, leader: Person, *, by: Person) -> RoomRestore:
    """Ask for the ceremony that brings a compartment's key back to one leader."""
    authority.require(by, "ask_restore", Place("compartments"))
    if leader == by:
        raise Refused(_("Whoever asks for the ceremony does not lead it."), reason="SOD-13")
    if not ask("in_escrow", secret=f"room: {room}"):
        raise Refused(_("Nothing is in escrow under this name."), reason="nothing")
    made = RoomRestore(room=room, leader=leader, asked_by=by, asked_body=by.body, asked_at=clock.now())
    # As for an identity: told to the vault in the session of whoever asks; without its word the entry restores nothing.
    told = ask("tell_restore_asked", token=token_of(by), restore=made.ref, room=room, leader=leader.ref)
    made.save(force_insert=True)
    record.append("restore asked", made, by=by, to_state=made.status,
                  detail={**restore_asked(made), recorded.WORD: told})  # fmt: skip
    return made


def _restore(restore: RoomRestore) -> RoomRestore:
    return (
        RoomRestore.objects.select_for_update(of=("self",))
        .select_related("leader", "asked_by", "asked_body", "confirmed_by", "confirmed_body")
        .get(pk=restore.pk)
    )


@action("confirm_restore")
def confirm_restore(restore: RoomRestore, *, by: Person) -> RoomRestore:
    """An officer of another body confirms; 48 hours later the leader may bring the pieces together."""
    restore = _restore(restore)
    authority.require(by, "confirm_restore", restore)
    before, restore.status = (
        restore.status,
        next_status(lifecycle.RESTORE_MOVES, "confirm_restore", status=restore.status),
    )
    told = ask("tell_restore_confirmed", token=token_of(by), restore=restore.ref)
    now = clock.now()
    restore.confirmed_by, restore.confirmed_body, restore.confirmed_at = by, by.body, now
    restore.ready_at = now + rules.figure("restore_delay")
    restore.save(update_fields=["status", "confirmed_by", "confirmed_body", "confirmed_at", "ready_at"])
    record.append("restore confirmed", restore, by=by, from_state=before, to_state=restore.status,
                  detail={**restore_confirmed(restore), recorded.WORD: told})  # fmt: skip
    return restore


@action("cancel_restore")
def cancel_restore(restore: RoomRestore, *, by: Person) -> RoomRestore:
    """Stop a ceremony."""
    restore = _restore(restore)
    authority.require(by, "cancel_restore", restore)
    before, restore.status = (
        restore.status,
        next_status(lifecycle.RESTORE_MOVES, "cancel_restore", status=restore.status),
    )
    restore.save(update_fields=["status"])
    record.append("restore cancelled", restore, by=by, from_state=before, to_state=restore.status)
    return restore


def bring_pieces(restore: RoomRestore, pieces: Sequence[bytes], *, by: Person) -> None:
    """The leader brings the officers' sealed pieces; the vault checks, records, and wraps the key to the leader."""
    authority.require(by, "restore_room", restore)
    ask("restore_room", token=by.vault_session or "", restore=restore.ref, pieces=list(pieces))


def restore_asked(restore: RoomRestore) -> dict[str, Any]:
    """What the entry of an asking says."""
    return {"room": restore.room, "leader": restore.leader.ref, "body": restore.asked_body.ref}


def restore_confirmed(restore: RoomRestore) -> dict[str, Any]:
    """What the entry of a confirmation says."""
    return {"body": restore.confirmed_body.ref if restore.confirmed_body else ""}


def restore_asked_whole(restore: RoomRestore) -> dict[str, Any]:
    """All that the vault is told in the session of whoever asks for a ceremony; its word is of just this."""
    return {**restore_asked(restore), "restore": restore.ref, "by": restore.asked_by.ref}


def restore_confirmed_whole(restore: RoomRestore) -> dict[str, Any]:
    """All that the vault is told in the session of whoever confirms, with everything that was asked."""
    by = restore.confirmed_by.ref if restore.confirmed_by else ""
    return {**restore_confirmed(restore), "by": by, "asked": restore_asked_whole(restore)}


def restore_asking(restore: RoomRestore) -> Entry | None:
    """The entry in which whom the row names asked for just this ceremony, having told the vault so in their own session;
    neither the row nor an entry without the vault's word is believed.
    """
    said = recorded.entry_of("restore asked", restore.ref, by=restore.asked_by.ref)
    asked = {**restore_asked(restore), recorded.WORD: recorded.word("restore asked", restore_asked_whole(restore))}
    return said if said and recorded.detail(said) == asked else None


def restore_confirmation(restore: RoomRestore) -> Entry | None:
    """The entry in which whom the row names, another person of another body, confirmed what was asked before, having told
    the vault so in their own session. None once the record says that it was stopped, whatever the row says.
    """
    asked = restore_asking(restore)
    if asked is None or restore.confirmed_by is None or restore.confirmed_body is None:
        return None
    said = recorded.entry_of("restore confirmed", restore.ref, by=restore.confirmed_by.ref)
    word = recorded.word("restore confirmed", restore_confirmed_whole(restore))
    confirmed = {**restore_confirmed(restore), recorded.WORD: word}
    two = restore.confirmed_by_id != restore.asked_by_id and restore.confirmed_body_id != restore.asked_body_id
    # Believed as it stands: what stays closed can be asked for again.
    stopped, leader = Q(subject=restore.ref, action="restore cancelled"), restore.leader.ref
    out = Q(subject=restore.room, action="reader removed", event__detail__person=leader, index__gt=asked.index)
    held = said is not None and two and said.index > asked.index and recorded.detail(said) == confirmed
    return said if held and not Entry.objects.filter(stopped | out).exists() else None


def may_restore(restore: RoomRestore, by: Person) -> RoomRestore:
    """The ceremony, locked, if two persons of two bodies told the vault so 48 hours ago. Raises Refused."""
    restore = _restore(restore)
    authority.require(by, "restore_room", restore)
    next_status(lifecycle.RESTORE_MOVES, "restore_room", status=restore.status)
    confirmed = restore_confirmation(restore)
    if confirmed is None or confirmed.at is None or by.ref in {restore.asked_by.ref, confirmed.actor}:
        raise Refused(
            _("The record does not hold that two persons asked for and confirmed this. Let it be asked for again."),
            reason="record",
        )
    if clock.now() < confirmed.at + rules.figure("restore_delay"):
        raise Refused(_("48 hours pass between the confirmation and the ceremony."), reason="not_yet")
    return restore


@action("restore_room")
def enter_restore(restore: RoomRestore, *, by: Person) -> RoomRestore:
    """In the vault: the pieces have brought the key back in its memory; entered before anyone is given it."""
    restore = may_restore(restore, by)
    before, restore.status = restore.status, next_status(lifecycle.RESTORE_MOVES, "restore_room", status=restore.status)
    restore.done_at = restore.done_at or clock.now()
    restore.save(update_fields=["status", "done_at"])
    record.append(
        "room restored", restore, by=by, from_state=before, to_state=restore.status, detail={"room": restore.room}
    )
    return restore
