"""Inside her own page: messages, files, what she agreed to, her PIN and her door."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.channel import actions, codes, guard, queries, room
from answerable.channel.models import attachment_ref, thread_ref
from answerable.channel.operations import visits, writing
from answerable.channel.operations.visits import State, in_turn
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.vault import arrivals, doorkeys, seal
from answerable.vault.doors import DOORS
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.service import operation
from answerable.vault.uploads.accepted import kinds

_FILING = threading.Lock()


@operation("door_write", "channel")
@in_turn
def write(token: str, text: str, kind: str = "message", sealed: bytes = b"") -> bool:
    """A message from inside. What is written behind a code that opened nothing is kept too, and read: nothing typed is
    thrown away, and the answer is the same, so that nobody learns from it whether a code was right.
    """
    state = visits.present(token)
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    if visits.again(state, kind, sealed.hex() or text):
        return DOORS.write(token, {**state, "said": "sent"})
    thread = visits.thread_of(state)
    answers, sealed_by = writing.in_words(
        {"text": arrivals.held(sealed, guard.visit_of(token), "text") if sealed else text}
    )
    text = answers["text"]
    if thread is None:
        ref = thread_ref()
        actions.open_thread(
            "unmatched", text=text, language=get_language() or "en", ref=ref, sealed_by=sealed_by,
            by=actions.holder(ref, "claims"),
        )  # fmt: skip
    else:
        actions.leave_message(thread, text, kind=kind if state["level"] == "page" else "message", sealed_by=sealed_by,
                              by=actions.holder(thread.ref, thread.compartment))  # fmt: skip
    return DOORS.write(token, {**state, "said": "sent"})


@operation("door_room", "channel")
@in_turn
def room_for(token: str, size: int) -> bool:
    """Whether a file of so many bytes is taken now, asked before any of it is on a disk. Raises Refused."""
    thread = visits.thread_of(visits.page_of(token))
    if thread is not None:
        room.make_sure(thread, max(0, size))
    return True


@operation("door_attach", "channel")
@in_turn
def attach(token: str, stored: str, kind: str, key: bytes, salt: bytes, name: str, commitment: bytes) -> bool:
    """A file that lies in quarantine as ciphertext: its one-time key is kept for its own reference, then entered."""
    state = visits.page_of(token)
    thread = visits.thread_of(state)
    if thread is None or not re.fullmatch(r"[0-9a-f]{32}", stored) or kind not in kinds() or len(key) != 32:
        raise Refused(_("The file was not taken. Write a message first, then send it."), reason="file")
    with _FILING:  # of many files at once no more than the budget holds
        room.make_sure(thread, _lying(stored))
        ref = attachment_ref()
        roomkeys.put_data_key(ref, thread.compartment, key)
        sealed = {
            field: seal.seal_field(key, value.encode("utf-8", "surrogatepass"),
                                   seal.field_context(vaultkeys.NODE, ref, "Attachment", field, 1))
            for field, value in (("name", name), ("salt", salt.hex()))
        }  # fmt: skip
        by = actions.holder(thread.ref, thread.compartment)
        actions.leave_attachment(thread, ref=ref, kind=kind, stored=stored, commitment=commitment, **sealed, by=by)
    return DOORS.write(token, {**state, "said": "file"})


def _lying(stored: str) -> int:
    try:
        return (Path(settings.QUARANTINE) / stored).stat().st_size
    except OSError:
        return 0


@operation("door_statement", "channel")
def statement(token: str) -> str:
    """Everything on her page and every message both ways as plain text, on demand, to print or copy."""
    state = visits.page_of(token)
    return queries.statement(state, visits.thread_of(state))


def _hers(token: str) -> tuple[State, str, Any]:
    state = visits.page_of(token)
    thread = visits.thread_of(state)
    if thread is None or not thread.about_ref:
        raise Refused(_("There is nothing to withdraw here."), reason="nothing")
    return state, thread.about_ref, actions.holder(thread.ref, thread.compartment)


@operation("door_choose", "channel")
@in_turn
def choose(token: str, act: str, purpose: str) -> bool:
    """She would like to give a purpose, or take one or everything back: kept for the page that says what follows."""
    state, about, actor = _hers(token)
    found = [a for a in question("survivor_asks").ask(about, act, purpose) if a]
    return DOORS.write(token, {**state, "choice": found[0] if found else None})


@operation("door_choice", "channel")
def choice(token: str) -> dict[str, Any]:
    """What she is about to give or take back, and what follows from it; empty when there is no such choice."""
    state = visits.held(token) if token else None
    return (state or {}).get("choice") or {}


@operation("door_give", "channel")
@in_turn
def give(token: str, purpose: str, understood: bool) -> bool:
    """She gives one purpose, in the terms she was shown (SC-3); her page shows the receipt. Raises Refused.

    Only what was shown before can be given, so that nobody says yes to what she has not read. What she gave already and
    says again is the same yes.
    """
    state, about, by = _hers(token)
    settled(state)
    shown = state.get("choice") or {}
    was_shown = (shown.get("act"), shown.get("purpose")) == ("give", purpose)
    try:
        receipts = question("survivor_gives").ask(about, purpose, bool(understood) and was_shown, by)
    except Refused as no:
        if was_shown or no.reason not in ("understood", "unknown"):
            raise
        raise Refused(_("Read first what it means, then say yes or no. Nothing was given."), reason="unread") from None
    if not receipts:
        raise Refused(_("This could not be done here. Write it as a message; it counts from now on."), reason="nothing")
    return DOORS.write(token, {**state, "choice": None, "said": "receipt", "told": "\n".join(receipts)})


def settled(state: State) -> None:
    """What cannot be taken back waits for 48 hours after a code was replaced (decision 0024). Raises Refused."""
    thread = visits.thread_of(state)
    until = queries.not_before(thread) if thread is not None else None
    if until is not None:
        raise Refused(
            _("The code of this page was made anew a short while ago. To be sure that it was you who asked for it, this is "
              "possible from %(when)s on. You can read and write now.") % {"when": queries.moment(until)}, reason="settling",
        )  # fmt: skip


@operation("door_withdraw", "channel")
@in_turn
def withdraw(token: str, purposes: list[str]) -> bool:
    """She withdraws consent for these purposes, in one step, with no reason asked (SC-5); her page shows the receipt."""
    state, about, by = _hers(token)
    settled(state)
    receipts = question("survivor_withdraws").ask(about, list(purposes), by) if purposes else []
    if not receipts:
        raise Refused(_("This could not be done here. Write it as a message; it counts from now on."), reason="nothing")
    return DOORS.write(token, {**state, "choice": None, "said": "receipt", "told": "\n".join(receipts)})


@operation("door_undo", "channel")
@in_turn
def undo(token: str, withdrawal: str) -> bool:
    """She takes a withdrawal back, within its days; her page shows the receipt."""
    state, about, by = _hers(token)
    settled(state)
    receipts = question("survivor_undoes").ask(about, withdrawal, by)
    return DOORS.write(token, {**state, "said": "receipt", "told": "\n".join(receipts)})


@operation("door_pin", "channel")
@in_turn
def new_pin(token: str, code: str, pin: str) -> bool:
    """Another PIN for her page, with the code once more; whoever came in with the old one is out. Raises Refused."""
    state = visits.page_of(token)
    found, chosen = codes.read(code), codes.pin(pin)
    if not chosen:
        raise Refused(_("A PIN has four to eight digits."), reason="pin")
    if found is None or not doorkeys.change_pin(state["channel"], found, chosen, state["private"]):
        raise Refused(_("That is not the code of this page. Nothing was changed."), reason="mistyped")
    DOORS.end_all_of(state["channel"], but=token)
    return DOORS.write(token, {**state, "said": "pin"})


@operation("door_close", "channel")
@in_turn
def close(token: str) -> bool:
    """She closes her door: the code opens nothing any more."""
    state = visits.page_of(token)
    settled(state)
    thread = visits.thread_of(state)
    if thread is not None:
        actions.close_door(thread, by=actions.holder(thread.ref, thread.compartment))
    doorkeys.close(state["channel"])
    DOORS.end_all_of(state["channel"])
    return True
