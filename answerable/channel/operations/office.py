"""What the office asks of the door's part of the vault, in the sessions of those who answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import Place
from answerable.channel import actions, codes, lifecycle
from answerable.channel.models import Attachment, Thread
from answerable.channel.operations import writing
from answerable.common.errors import Refused
from answerable.safeguarding import lifecycle as safeguarding_lifecycle
from answerable.safeguarding.models import Grievance
from answerable.vault import doorkeys
from answerable.vault.doors import DOORS
from answerable.vault.keyroom import roomkeys
from answerable.vault.operations import sealing, sessions
from answerable.vault.service import operation
from answerable.vault.uploads import derivative, intake
from answerable.vault.uploads.sentences import CannotShow, filled

# Pictures of one file that pass to the office at once, in bytes.
LARGEST_SHOWN = 10 * 1024 * 1024


@operation("door_show_file", "office")
def show_file(token: str, ref: str, purpose: str = "contact") -> dict[str, Any]:
    """Pictures, or escaped text, of a file sent at the door: decided, recorded, then converted in a shut room.

    The original never leaves the vault in the clear; who needs it takes the sealed file to a machine without a network.
    """
    opened = sealing.open_fields(token, ref, ["name"], purpose)
    person, private = sessions.reader(token)
    with reading_as(person):
        file = Attachment.objects.get(ref=ref)
    key = roomkeys.data_key(ref, file.compartment, roomkeys.room_key(file.compartment, person.ref, private))
    try:
        shown = derivative.convert(file.kind, intake.read_back(Path(settings.QUARANTINE) / file.stored, key))
    except CannotShow as no:
        return {"name": opened["name"], "pages": [], "mime": "", "text": "", "note": no.in_words(_)}
    pages, size = [], 0
    for page in shown.pages:
        size += len(page)
        if size > LARGEST_SHOWN:
            break
        pages.append(page)
    note = filled(_(shown.note_sentence), shown.note_figures) if shown.note_sentence else ""
    if len(pages) < len(shown.pages):
        note = _("Only the first %(n)d pages are shown.") % {"n": len(pages)}
    return {"name": opened["name"], "pages": pages, "mime": shown.mime, "text": shown.text, "note": note}


@operation("door_seal", "office")
def seal_message(channel: str, subject: str, compartment: str, text: str, new: bool) -> bytes:
    """Seal one message for its compartment and for her own page; an answer also for whoever has the code alone."""
    levels = ("new", "page") if new else ("page",)
    return doorkeys.seal_message(channel, subject, compartment, text, levels)


@operation("door_seal_hers", "office")
def seal_hers(channel: str, subject: str, text: str, new: bool = True) -> bytes:
    """Seal one message for her alone: no compartment reads it. What is not new to her needs the PIN as well."""
    return doorkeys.seal_for_her(channel, subject, text, ("new", "page") if new else ("page",))


@operation("door_receipt", "office")
def receipt(ref: str, attempt: int) -> str:
    """The number that shows a submission was received."""
    return doorkeys.receipt(ref, attempt)


@operation("door_new", "office")
def new_code(token: str, act: str, channel: str, pin: str) -> str:
    """A new code for a channel; what it had before opens nothing any more. In the session of whoever stands beside her.

    The vault decides for itself and enters it first: whoever holds a code is her, so no page may make one quietly.
    """
    person, _session, _private = sessions.holder(token)
    if not person.fresh:
        raise Refused(_("Confirm that it is you before you change who can open what."), reason="confirm")
    with reading_as(actions.holder("DOOR", "*")):  # what this person may not see is there all the same
        thread = Thread.objects.select_related("documenter").filter(ref=channel).first()
    theirs = thread is not None and thread.documenter is not None
    if act in ("replace_code", "issue_code") and thread is not None and theirs == (act == "issue_code"):
        authority.require(person, act, thread if act == "replace_code" else Place("door"))
        # The keys ended when she closed her door, so a row changed past the pages opens nothing either.
        if not thread.answerable or not doorkeys.has_keys(channel):
            raise Refused(
                _("This door was closed for good, so there is no new code for it, from anyone. She can begin again as "
                  "someone new."), reason="closed",
            )  # fmt: skip
    elif act in ("open_door", "issue_code") and thread is None and not doorkeys.has_keys(channel):
        authority.require(person, act, Place("door"))
    else:
        raise Refused(_("There is nothing here for which a code could be made."), reason="nothing")
    fresh = writing.unused_code()
    with sessions.entered_first("code made", channel, act=act, by=person):
        doorkeys.put(channel, fresh, codes.pin(pin) or "")
    DOORS.end_all_of(channel)
    return fresh.digits


@operation("door_confirm", "office")
def confirm(token: str, number: str) -> dict[str, str]:
    """For the staff of an assistance office: whether a submission was received, on which day, and is in hand. No more."""
    person, _private = sessions.reader(token)
    authority.require(person, "confirm_receipt", Place("receipts"))
    digits = codes.digits_of(number) or ""
    with reading_as(actions.holder("DOOR")):
        thread = Thread.objects.filter(receipt=digits).first() if len(digits) == 10 else None
        told = Grievance.objects.filter(receipt=digits, thread="").first() if len(digits) == 10 else None
    if thread is None and told is not None:
        # The same answer as for anything else: whoever confirms does not learn that it was a complaint.
        done = told.status in (safeguarding_lifecycle.ANSWERED, safeguarding_lifecycle.CLOSED)
        return {"on": told.received_at.date().isoformat(), "in_hand": "done" if done else "yes"}
    if thread is None:
        return {}
    return {"on": thread.opened_on.isoformat(), "in_hand": "yes" if thread.status == lifecycle.OPEN else "done"}
