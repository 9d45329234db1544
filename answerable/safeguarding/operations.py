"""What the vault answers about care, safe contact and complaints. Runs in the vault process."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.pages import describe
from answerable.safeguarding import access, actions, contacting, lifecycle, queries, rules
from answerable.safeguarding.models import Grievance, Referral, SafeContactPlan
from answerable.vault import seal
from answerable.vault.consent import queries as consents
from answerable.vault.keyroom import vaultkeys
from answerable.vault.operations import sessions
from answerable.vault.primitives import Unopenable
from answerable.vault.service import operation

SERVICE = "safe-contact"


def _context(ref: str) -> bytes:
    return seal.envelope_context(vaultkeys.NODE, SERVICE, "SafeContactPlan", ref)


def _who(token: str) -> Person | None:
    """Whose live session this is, still active and unchanged; None for anyone else."""
    try:
        return sessions.holder(token)[0] if token else None
    except Refused:
        return None


def _looks_after(person: Person | None, subject: str, act: str) -> bool:
    """Whether this person may do this with the plan of `subject`: their role, and what it names lies open to them."""
    if person is None or not authority.allows(person, act, Place("contact")):
        return False
    with reading_as(person):
        return describe(person, subject) is not None or access.plans(person).filter(subject=subject).exists()


@operation("seal_safe_contact", "office")
def seal_safe_contact(ref: str, subject: str, plan: str, token: str = "") -> bytes:
    """Seal a plan to the vault itself, bound to its reference and to whose plan it is. Raises Refused.

    Whoever has a file already has it sealed only by someone who may write her plan. A claim that is being lodged at this
    moment is not yet to be seen from here: a plan may be sealed for its reference, and for nothing else that is not there.
    """
    with reading_as(CLOCK):
        known = any(o is not None for o in question("sealed_object").ask(subject))
        known = known or SafeContactPlan.objects.filter(subject=subject).exists()
    lodging = not known and re.fullmatch(r"CLM-[0-9A-Z-]{8,36}", subject) is not None
    if not lodging and not _looks_after(_who(token), subject, "make_plan"):
        raise Refused(_("There is nothing here for you."), reason="nothing")
    text = json.dumps({"subject": subject, "plan": json.loads(plan)})
    return seal.seal_envelope(vaultkeys.service_public(SERVICE), text.encode(), _context(ref))


def _plan_of(subject: str) -> rules.Plan | None:
    """The plan that holds for someone, opened with the vault's own key. Raises Refused while the vault is locked.

    A plan that does not open, or is another person's, is answered like none at all: nothing goes out.
    """
    row = SafeContactPlan.objects.filter(subject=subject).exclude(status=lifecycle.REPLACED).first()
    if row is None:
        return None
    private = vaultkeys.service_private(SERVICE)
    try:
        held = json.loads(seal.open_envelope(private, bytes(row.for_vault), _context(row.ref)))
    except (Unopenable, ValueError):
        return None
    if held["subject"] != subject:
        return None
    return rules.read_plan({**held["plan"], "safe": row.status == lifecycle.LIVE})


@operation("may_contact", "office")
def may_contact(subject: str, via: str, kind: str, at: str, token: str = "") -> dict[str, Any]:
    """Whether something may reach her this way at this moment; one entry in the record, without a word of the plan.

    Why, when next, in which words and from whom is told only to a session of someone who may see her plan; anyone else
    hears yes or no. Her consent comes before whatever the plan says, so that a plan without it tells nothing.
    """
    person = _who(token)
    by: HasPrincipal = person or CLOCK
    when = datetime.fromisoformat(at)
    with reading_as(CLOCK):
        plan = _plan_of(subject)
        behind = [o for o in question("sealed_object").ask(subject) if o is not None]
        closed = consents.is_closed(subject)
        allowed = not closed and all(a is not False for o in behind for a in question("live_consent").ask(o, "contact"))
    try:
        answer = rules.may_contact(plan, via, when, kind)
    except ValueError:
        raise Refused(_("There is no such way of reaching anyone."), reason="way") from None
    # Her own door is hers: what waits there needs no consent to be contacted, because nobody contacts her.
    if via != rules.DOOR and not allowed:
        answer = rules.Answer(False, "consent")
    actions.note_asked(subject, via=via, allowed=answer.allowed, by=by)
    # Where everything was withdrawn the plan still says no to what it forbids, and is told to nobody.
    if closed or not _looks_after(person, subject, "see_contact"):
        because = "yes" if answer.allowed else "no"
        return {"allowed": answer.allowed, "because": because, "sentence": contacting.sentence(because), "words": "",
                "sender": "", "next_at": ""}  # fmt: skip
    next_words = ""
    if answer.next_at and plan:
        next_words = date_format(answer.next_at.astimezone(ZoneInfo(plan.time_zone)), "l j F Y, H:i")
    neutral = _("Your file at the centre has news.")
    return {
        "allowed": answer.allowed,
        "because": answer.because,
        "sentence": contacting.sentence(answer.because, next_words),
        "words": ((plan.words if plan else "") or neutral) if answer.allowed else "",
        "sender": plan.sender if plan and answer.allowed else "",
        "next_at": answer.next_at.isoformat() if answer.next_at else "",
    }


# --- the door -----------------------------------------------------------------------------------------------------


@operation("care_directory", "channel", "office")
def care_directory(need: str = "", place: str = "") -> dict[str, Any]:
    """Who helps, for anyone, without a code. Looking leaves nothing behind."""
    return {"providers": queries.listed(need, place), "places": queries.places()}


def ask_for_help(thread: str, need: str) -> Referral | None:
    """In her conversation she asks to be helped with one need; nothing where she named none that we know. Raises Refused."""
    return actions.ask_for_help(thread, need, by=actions.DOOR) if need in rules.needs() else None


def complain(
    about: Sequence[str], happened: str, remedy: str = "", may_be_told: str = "", immediate_risk: bool = False,
    safeguarding_may_know: bool = False, *, thread: str = "", receipt: str = "",
) -> Grievance:  # fmt: skip
    """A complaint from the door. Its answer waits in a conversation of its own (`thread`), if she wished for one."""
    return actions.lodge_grievance(
        list(about), happened, remedy=remedy, may_be_told=may_be_told, immediate_risk=immediate_risk,
        safeguarding_may_know=safeguarding_may_know, thread=thread, receipt=receipt, by=actions.DOOR,
    )  # fmt: skip
