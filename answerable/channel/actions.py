"""Every change at the door. Those by its holder run in the vault process; staff's run in the office and ask the vault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import HasPrincipal, Place, Principal
from answerable.channel import codes, lifecycle
from answerable.channel.models import Attachment, KitEnvelope, Message, Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.record import log as record
from answerable.vault import keeping, primitives, userkeys
from answerable.vault.actions import token_of
from answerable.vault.client import ask

LONGEST = 20_000


def holder(ref: str, compartment: str = "*") -> Principal:
    """Whoever holds the code of a thread: no person of ours, known by the thread alone, seeing its compartment alone."""
    return Principal(
        ref=ref, roles=frozenset({"holder", "claimant"}), via="channel", compartments=frozenset({compartment})
    )


def owed() -> int:
    """What the clock owes: reports from field devices that came while the vault was locked. Returns how many."""
    done: int = ask("kit_take_in")
    return done


def _designation() -> str:
    for _attempt in range(100):
        words = f"{primitives.choose(userkeys.words())} {primitives.choose(userkeys.words())}"
        if not Thread.objects.filter(designation=words).exists():
            return words
    raise ValueError("no two words are left")


def receipt_of(ref: str) -> str:
    """The number of a conversation that is not there yet (10 digits)."""
    for attempt in range(20):
        number: str = ask("door_receipt", ref=ref, attempt=attempt)
        if not Thread.objects.filter(receipt=number).exists():
            return number
    raise ValueError("no receipt is free")


def _new_thread(kind: str, compartment: str, *, language: str, about_ref: str = "", care_offered: bool = False,
                documenter: Person | None = None, ref: str = "", receipt: str = "") -> Thread:  # fmt: skip
    if kind not in lifecycle.KINDS:
        raise Refused(_("Say what it is about: to tell, to ask, for help or a claim."), reason="kind")
    thread = Thread(
        compartment=compartment, kind=kind, language=language, about_ref=about_ref, documenter=documenter,
        care_offered=care_offered, opened_on=clock.today(), designation=_designation(), answerable=kind != "unmatched",
    )  # fmt: skip
    if ref:
        thread.ref = ref
    thread.receipt = receipt or receipt_of(thread.ref)
    return thread


def _put(
    thread: Thread, direction: str, text: str, *, kind: str = "message", sealed_by: str = lifecycle.ARRIVAL,
    by: Person | None = None,
) -> Message:  # fmt: skip
    """Store one message, sealed by the vault before anything is kept."""
    if not text.strip():
        raise Refused(_("There is nothing written yet."), reason="empty")
    # What is an envelope still was measured when it came in.
    if len(text) > LONGEST and sealed_by != lifecycle.BROWSER:
        raise Refused(_("That is more than one message holds. Send it in two parts."), reason="long")
    message = Message(
        compartment=thread.compartment, thread=thread, direction=direction, kind=kind, written_at=clock.now(),
        release_at=lifecycle.release_after(clock.now()) if direction == "out" else None, written_by=by,
        sealed_by=sealed_by,
    )  # fmt: skip
    if direction == "note":
        message.text = keeping.seal_fields(message.ref, thread.compartment, "Message", {"text": text})["text"]
    else:
        message.text = ask("door_seal", channel=thread.ref, subject=message.ref, compartment=thread.compartment,
                           text=text, new=direction == "out")  # fmt: skip
    message.save(force_insert=True)
    return message


# --- by whoever holds the code ------------------------------------------------------------------------------------


@action("open_thread")
def open_thread(
    kind: str, *, text: str = "", language: str, compartment: str = "claims", about_ref: str = "",
    care_offered: bool = False, documenter: Person | None = None, ref: str = "", sealed_by: str = lifecycle.ARRIVAL,
    hers: str = "", receipt: str = "", by: HasPrincipal,
) -> Thread:  # fmt: skip
    """Someone came to the door. Nothing they tell is compulsory; care was offered before the first question (SC-8).

    `hers` is what she wrote in a form that went elsewhere: kept for her own page, and for nobody else.
    """
    authority.require(by, "open_thread", Place("door"))
    thread = _new_thread(kind, compartment, language=language, about_ref=about_ref, care_offered=care_offered,
                         documenter=documenter, ref=ref, receipt=receipt)  # fmt: skip
    thread.waiting_since = clock.today() if text.strip() or about_ref else None
    thread.about_sealed_by = sealed_by if about_ref else ""
    thread.save(force_insert=True)
    if text.strip():
        _put(thread, "in", text, sealed_by=sealed_by)
    if hers:
        _keep_form(thread, hers, sealed_by=sealed_by)
    record.append("thread opened", thread, by=by, to_state=thread.status,
                  detail={"kind": kind, "about": about_ref, "care_offered": care_offered, "sealed_by": sealed_by})  # fmt: skip
    return thread


@action("leave_message")
def leave_message(
    thread: Thread, text: str, *, kind: str = "message", sealed_by: str = lifecycle.ARRIVAL, by: HasPrincipal
) -> Message:
    """She writes: a message, or a correction of her own file (SC-10). A closed thread opens again by it."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "leave_message", thread)
    if kind not in ("message", "correction"):
        raise ValueError(f"no message is a {kind}")
    message = _put(thread, "in", text, kind=kind, sealed_by=sealed_by)
    before = thread.status
    thread.status, thread.waiting_since = lifecycle.OPEN, thread.waiting_since or clock.today()
    thread.save(update_fields=["status", "waiting_since"])
    record.append("message left", thread, by=by, from_state=before, to_state=thread.status,
                  detail={"message": message.ref, "kind": kind, "sealed_by": sealed_by})  # fmt: skip
    return message


# --- reports from field devices -----------------------------------------------------------------------------------


@action("receive_kit_envelope")
def receive_kit_envelope(thread: Thread, digest: str, envelope: bytes, *, by: Person) -> KitEnvelope:
    """A report came in as a field device sealed it; it is known by its digest from now on."""
    _own(thread, "receive_kit_envelope", by)
    row = KitEnvelope.objects.create(
        compartment=thread.compartment, thread=thread, digest=digest, envelope=envelope, received_on=clock.today()
    )
    record.append("sealed report received", row, by=by, to_state=row.status,
                  detail={"thread": thread.ref, "sealed_by": lifecycle.BROWSER})  # fmt: skip
    return row


@action("lodge_kit_report")
def lodge_kit_report(row: KitEnvelope, report: str, *, by: Person) -> KitEnvelope:
    """What an envelope held is lodged; the envelope itself is deleted, so that only the report can be read or shredded."""
    return _settle(row, "lodge_kit_report", by=by, report=report, said="sealed report lodged")


@action("refuse_kit_report")
def refuse_kit_report(row: KitEnvelope, reason: str, *, by: Person) -> KitEnvelope:
    """What an envelope held could not be lodged; the device keeps its own, and may send it again."""
    return _settle(row, "refuse_kit_report", by=by, said="sealed report refused", reason=reason)


def _settle(row: KitEnvelope, move: str, *, by: Person, said: str, report: str = "", reason: str = "") -> KitEnvelope:
    row = KitEnvelope.objects.select_for_update().select_related("thread").get(pk=row.pk)
    _own(row.thread, move, by)
    before, row.status = row.status, next_status(lifecycle.KIT_MOVES, move, status=row.status)
    row.report_ref, row.envelope = report, b""
    row.save(update_fields=["status", "report_ref", "envelope"])
    record.append(said, row, by=by, from_state=before, to_state=row.status, reason=reason,
                  detail={"report": report, "sealed_by": lifecycle.BROWSER})  # fmt: skip
    return row


def _own(thread: Thread, name: str, by: Person) -> None:
    authority.require(by, name, thread)
    if thread.documenter_id != by.pk:
        raise ValueError("a documenter's reports come with a code of their own")


@action("leave_attachment")
def leave_attachment(
    thread: Thread, *, ref: str, kind: str, stored: str, commitment: bytes, name: bytes, salt: bytes, by: HasPrincipal
) -> Attachment:
    """She sends a file: it lies sealed in quarantine already; here it is entered, its name and salt sealed as well."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "leave_message", thread)
    attachment = Attachment.objects.create(
        ref=ref, compartment=thread.compartment, thread=thread, kind=kind, stored=stored, commitment=commitment,
        name=name, salt=salt, received_on=clock.today(),
    )  # fmt: skip
    thread.status, thread.waiting_since = lifecycle.OPEN, thread.waiting_since or clock.today()
    thread.save(update_fields=["status", "waiting_since"])
    record.append("file left", thread, by=by, detail={"attachment": ref, "commitment": commitment.hex()})
    return attachment


@action("concern_thread")
def concern_thread(
    thread: Thread, about_ref: str, *, sealed_by: str = lifecycle.ARRIVAL, hers: str = "", by: HasPrincipal
) -> Thread:
    """What she sent besides is filed, and her page now shows it; `hers` is what she wrote there, for herself."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "concern_thread", thread)
    if thread.about_ref not in ("", about_ref):
        # Her page would lose the file it was about: nothing of it could be told to her or stopped by her any more.
        raise Refused(
            _(
                "This page is about something you asked for already. To ask for something else, begin again on the first page, without this code."
            ),
            reason="second",
        )
    thread.about_ref, thread.waiting_since = about_ref, thread.waiting_since or clock.today()
    thread.about_sealed_by = sealed_by
    thread.save(update_fields=["about_ref", "about_sealed_by", "waiting_since"])
    if hers:
        _keep_form(thread, hers, sealed_by=sealed_by)
    record.append("thread concerns", thread, by=by, detail={"about": about_ref, "sealed_by": sealed_by})
    return thread


@action("close_door")
def close_door(thread: Thread, *, by: HasPrincipal) -> Thread:
    """She closes her own door: its code opens nothing any more. What she gave stays as she consented to it."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "close_door", thread)
    thread.answerable = False
    thread.save(update_fields=["answerable"])
    record.append("door closed by its holder", thread, by=by)
    return thread


# --- by staff -----------------------------------------------------------------------------------------------------


@action("reply_to_thread")
def reply_to_thread(thread: Thread, text: str, *, by: Person) -> Message:
    """Answer at her door. It can be read from the next hour of release on; nothing is sent anywhere (R-NOT-1)."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "reply_to_thread", thread)
    if not thread.answerable:
        raise Refused(
            _("Nobody can come back to this thread, so an answer would never be read. Leave a note for colleagues."),
            reason="unanswerable",
        )
    _plan_allows(thread, by)
    message = _put(thread, "out", text, by=by)
    thread.waiting_since = None
    thread.save(update_fields=["waiting_since"])
    record.append("reply left at the door", thread, by=by, detail={"message": message.ref})
    return message


def _plan_allows(thread: Thread, by: Person) -> None:
    """She comes to the door herself, so no plan is not a bar here; a plan that says no is. Raises Refused (SC-6)."""
    for bars in question("may_contact").ask(thread.about_ref or thread.ref, by=by):
        if bars is False:
            raise Refused(_("Her safe-contact plan does not allow an answer now (SC-6)."), reason="safe_contact")


@question("leave_at_door").answer_with
def _leave_answer(ref: str, text: str, by: Any) -> bool:
    """An answer that comes from elsewhere (a complaint's), inside the act that gives it; its record entry is that act's.

    Whoever is complained about may work on her file: the answer is sealed to her own keys and to nobody else's.
    """
    with scope_of(holder(ref, "*")):
        thread = Thread.objects.filter(ref=ref, answerable=True).first()
        if thread is None:
            return False
        _put_for_her(thread, "answer", text, by=by)
    return True


@question("notify_survivor").answer_with
def _notify(subject: str, code: str, facts: Mapping[str, str]) -> bool | None:
    """She is told at her own door, inside the act she is told of; None when she has none. `subject` is what her
    conversation is about, or the conversation itself.
    """
    from answerable.channel import notices

    with scope_of(holder(subject, "*")):
        thread = Thread.objects.filter(Q(about_ref=subject) | Q(ref=subject), answerable=True).order_by("-id").first()
        if thread is None:
            return None
        _put_for_her(thread, "notice", notices.text(code, facts, thread.language), by=None)
    return True


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """Of a shredded message or file that it was there, and when. Nothing of what it said."""
    if ref.startswith("MSG"):
        Message.objects.filter(ref=ref).update(text=b"")
    elif ref.startswith("ATT"):
        Attachment.objects.filter(ref=ref).update(name=b"", salt=b"")


def _put_for_her(thread: Thread, kind: str, text: str, *, by: Person | None) -> None:
    """A message that she alone reads: sealed to her own keys, to no compartment."""
    message = Message(compartment=thread.compartment, thread=thread, direction="out", kind=kind, written_by=by,
                      written_at=clock.now(), release_at=lifecycle.release_after(clock.now()))  # fmt: skip
    message.text = ask("door_seal_hers", channel=thread.ref, subject=message.ref, text=text)
    message.save(force_insert=True)


def _keep_form(thread: Thread, text: str, *, sealed_by: str) -> None:
    """What she wrote in a claim, for her own page: the claim itself is sealed to those who decide on it, and not to her.

    The paper code alone shows nothing of it, because it is sealed to the key that her PIN opens as well.
    """
    message = Message(compartment=thread.compartment, thread=thread, direction="in", kind="form",
                      written_at=clock.now(), sealed_by=sealed_by)  # fmt: skip
    message.text = ask("door_seal_hers", channel=thread.ref, subject=message.ref, text=text, new=False)
    message.save(force_insert=True)


def leave_reason(thread: Thread, text: str, *, by: Person) -> bool:
    """An answer at her door, inside the act that gives it; False where she cannot come back to it. Raises Refused (SC-6)."""
    if not thread.answerable:
        return False
    _plan_allows(thread, by)
    _put(thread, "out", text, by=by)
    return True


def keep_for_her(thread: Thread, text: str) -> None:
    """What her file says since it was corrected, for her own page alone, inside the act that corrected it (SC-10)."""
    if thread.answerable:
        _keep_form(thread, text, sealed_by=lifecycle.ARRIVAL)


@action("note_on_thread")
def note_on_thread(thread: Thread, text: str, *, by: Person) -> Message:
    """A note among ourselves, sealed like everything else; its holder never sees it."""
    authority.require(by, "note_on_thread", thread)
    message = _put(thread, "note", text, by=by)
    record.append("note kept", thread, by=by, detail={"message": message.ref})
    return message


@action("move_thread")
def move_thread(thread: Thread, name: str, *, by: Person) -> Thread:
    """Close a thread that is done, or open it again."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, name, thread)
    before, thread.status = thread.status, next_status(lifecycle.THREAD_MOVES, name, status=thread.status)
    if thread.status == lifecycle.CLOSED:
        thread.waiting_since = None
    thread.save(update_fields=["status", "waiting_since"])
    record.append(name.replace("_", " "), thread, by=by, from_state=before, to_state=thread.status)
    return thread


@dataclass(frozen=True)
class Issued:
    """A thread with its code, which is shown once and kept nowhere."""

    thread: Thread
    code: codes.Code

    def __repr__(self) -> str:
        return f"<Issued {self.thread.ref}>"

    @property
    def ref(self) -> str:
        """The thread's reference, for scenarios that name it."""
        return self.thread.ref


def _pin(text: str, *, needed: bool = False) -> str:
    pin = codes.pin(text)
    if pin is None or (needed and not pin):
        raise Refused(_("A PIN has four to eight digits."), reason="pin")
    return pin


@action("open_door")
def open_door(kind: str, *, pin: str, language: str, about_ref: str = "", by: Person) -> Issued:
    """Open a door together with her at the assistance office; she chooses the PIN, the code is shown once, to her."""
    authority.require(by, "open_door", Place("door"))
    if kind == lifecycle.COMPLAINT:
        raise Refused(_("A complaint goes past the case team: she makes it herself at the door."), reason="kind")
    with scope_of(holder("DOOR", "*")):
        if about_ref and Thread.objects.filter(about_ref=about_ref).exists():
            raise Refused(
                _(
                    "This file has its door already, open or closed by her. A lost code is replaced there; a door she closed stays closed."
                ),
                reason="second",
            )
    chosen = _pin(pin)
    compartment = "claims" if by.body.kind == Body.ORGAN else f"claims/{by.body.ref}"
    thread = _new_thread(kind, compartment, language=language, about_ref=about_ref, care_offered=True)
    code = codes.read(ask("door_new", token=token_of(by), act="open_door", channel=thread.ref, pin=chosen))
    thread.save(force_insert=True)
    record.append("door opened at the office", thread, by=by, to_state=thread.status, detail={"about": about_ref})
    if code is None:
        raise ValueError("the vault gave no code")
    return Issued(thread, code)


@action("replace_code")
def replace_code(thread: Thread, *, pin: str, by: Person) -> Issued:
    """A lost code: the old one ends at once, a new one is shown once, to her. Messages read before need the office."""
    thread = Thread.objects.select_for_update().get(pk=thread.pk)
    authority.require(by, "replace_code", thread)
    chosen = _pin(pin, needed=thread.documenter_id is not None)
    code = codes.read(ask("door_new", token=token_of(by), act="replace_code", channel=thread.ref, pin=chosen))
    record.append("code replaced", thread, by=by)
    if code is None:
        raise ValueError("the vault gave no code")
    return Issued(thread, code)


@action("issue_code")
def issue_code(person: Person, *, pin: str, by: Person) -> Issued:
    """A code and PIN for a documenter of a partner organisation, who files reports through the door with them.

    Issued again, the one before ends.
    """
    authority.require(by, "issue_code", Place("door"))
    if person.body.kind != Body.PARTNER or "intake_officer" not in person.roles:
        raise Refused(
            _("Codes for reports go to people of partner organisations who document (intake officers there)."),
            reason="documenter",
        )
    compartment = f"monitoring/{person.body.ref}"
    # The registrar sees nothing of the compartment; this one row is entered for it.
    with scope_of(holder("DOOR", compartment)):
        # A door that its holder closed stays closed; a new code is for a new one.
        thread = Thread.objects.filter(documenter=person, answerable=True).first()
        fresh = thread is None
        if thread is None:
            thread = _new_thread("report", compartment, language="en", documenter=person)
        chosen = _pin(pin, needed=True)
        code = codes.read(ask("door_new", token=token_of(by), act="issue_code", channel=thread.ref, pin=chosen))
        if fresh:
            thread.save(force_insert=True)
    record.append("documenter's code issued", thread, by=by, detail={"person": person.ref, "body": person.body.ref})
    if code is None:
        raise ValueError("the vault gave no code")
    return Issued(thread, code)
