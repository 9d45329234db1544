"""A complaint at the door, past everyone on the case team."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.authority.acting import reading_as
from answerable.channel import actions, codes, lifecycle
from answerable.channel.models import Thread, thread_ref
from answerable.channel.operations import visits, writing
from answerable.channel.operations.visits import State, in_turn
from answerable.common.errors import Refused
from answerable.safeguarding import operations as safeguarding
from answerable.safeguarding import rules as grievance_rules
from answerable.safeguarding.models import Grievance
from answerable.vault import doorkeys
from answerable.vault.doors import DOORS
from answerable.vault.service import operation


@operation("door_complain", "channel")
@in_turn
def complain(
    about: list[str], happened: str, remedy: str = "", may_be_told: str = "", immediate_risk: bool = False,
    safeguarding_may_know: bool = False, answer: bool = False, pin: str = "", token: str = "", once: str = "",
) -> str:  # fmt: skip
    """A complaint, from anyone, past everyone on the case team (SC-13). Returns the token of the session that shows what
    comes next: the code with which its answer is read, or the number alone.

    It never joins the conversation she may be in: her case team would learn from it that she complained. So an answer has
    a code of its own, and a page on which nothing else is.
    """
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    chosen = codes.pin(pin) if answer else ""
    if chosen is None:
        raise Refused(_("A PIN has four to eight digits. You can also go on without one."), reason="pin")

    def made() -> str:
        written = (about, happened, remedy, may_be_told, immediate_risk, safeguarding_may_know)
        if answer:
            state = _complaint_with_answer(written, chosen, immediate_risk=immediate_risk)
            DOORS.end(token)  # her own page is entered anew with its own code: nothing holds the two together
            return DOORS.begin(state, channel=state["channel"], inside=state["then"])
        number = _free_number()
        safeguarding.complain(*written, receipt=number)
        shown = {"said": "complaint", "told": number}
        inside = visits.held(token) if token else None
        if inside is not None and DOORS.write(token, {**inside, **shown}):
            return token
        return DOORS.begin({"level": "received", "channel": "", **shown})

    # Tapped twice, or sent again over a bad line, it is one complaint with one code.
    if not once:
        return made()
    words = [once, token, str(answer), happened, remedy, may_be_told, *about]
    return DOORS.once(hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest(), made)


def _free_number() -> str:
    """Ten digits for a complaint without a conversation, like those of one with."""
    with reading_as(actions.holder("DOOR")):
        for _attempt in range(20):
            number = doorkeys.receipt(thread_ref())
            if not (
                Thread.objects.filter(receipt=number).exists() or Grievance.objects.filter(receipt=number).exists()
            ):
                return number
    raise ValueError("no number is free")


def _complaint_with_answer(written: tuple[Any, ...], pin: str, *, immediate_risk: bool) -> State:
    """The complaint in a conversation of its own, in the complaint's own room; the session in which its code is shown."""
    about, happened, _remedy, _told, _risk, safeguarding_may_know = written
    if not happened.strip() and not immediate_risk:
        raise Refused(_("Write a few words about what happened; any will do."), reason="empty")
    state: State = {"level": "begin", "channel": "", "kind": lifecycle.COMPLAINT, "answers": {"pin": pin}}
    writing.give_code(state)
    room = grievance_rules.grievance_room(
        grievance_rules.grievance_class(about), safeguarding_may_know=safeguarding_may_know
    )
    try:
        with transaction.atomic():
            # What is sealed comes first, and with it the complaint: whoever has the record's head in hand seals nothing.
            number = actions.receipt_of(state["channel"])
            safeguarding.complain(*written, thread=state["channel"], receipt=number)
            thread = actions.open_thread(
                lifecycle.COMPLAINT, language=get_language() or "en", compartment=room, ref=state["channel"], receipt=number,
                by=actions.holder(state["channel"], room),
            )  # fmt: skip
    except BaseException:
        doorkeys.close(state["channel"])
        raise
    return state | {
        "level": "fresh", "then": "page" if state["has_pin"] else "new", "compartment": room, "receipt": thread.receipt,
        "answers": {}, "messages": [], "fresh": [], "said": "complaint", "writing": False, "has_draft": False,
    }  # fmt: skip
