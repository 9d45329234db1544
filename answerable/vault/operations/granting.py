"""What two persons give a third: a role, and a new key for one that was lost."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Grant, Person
from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.vault import lifecycle, standing, stretching
from answerable.vault import recovery as recovery_rules
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import personkeys, tellings
from answerable.vault.limits import LIMITS
from answerable.vault.models import Recovery, RootKey
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("give_role", "office")
def give_role(token: str, subject: str, person: str, role: str, step: str) -> bool:
    """Someone asks for or confirms a role (`subject`: the grant), or lets a person return: told to the vault in their own
    session, which is what it believes later. At the founding nobody has a session, and nothing is told.
    """
    if not RootKey.objects.exists():
        return False
    if step == "confirmed":
        grant = Grant.objects.select_related("person", "asked_by").filter(ref=subject).first()
        if grant is None:
            raise Refused(_("There is nothing to confirm here."), reason="nothing")
        by = sessions.vouched_on(token, "confirm_grant", grant)
    elif step in ("asked", "returned"):
        by = sessions.vouched(token, *{"asked": ("ask_grant", "grants"), "returned": ("set_activity", "people")}[step])
    else:
        raise Refused(_("That is not a step of this."), reason="lifecycle")
    if by.ref in (person, subject):
        raise Refused(_("Two persons grant a role, and neither is the one who receives it (SOD-13)."), reason="SOD-13")
    tellings.note_word(subject, step, person, role, by.ref)
    return True


@operation("grant_recovery", "office")
def grant_recovery(token: str, recovery: str, person: str, step: str) -> bool:
    """Someone asks for, or confirms, a new key for a person who lost theirs: told to the vault itself, in their session.

    Entered first, with the person: they and whoever inspects see it before it counts. Nobody can be put in their place
    afterwards: what is confirmed is what was asked, and the row, where there is one, says the same person.
    """
    by, _session, _private = sessions.freshly(token)
    if step not in ("asked", "confirmed") or by.ref == person:
        raise Refused(_("Two others ask for and confirm a new key; you cannot ask for your own."), reason="SOD-13")
    row = Recovery.objects.select_related("person").filter(ref=recovery).first()
    if step == "asked":
        authority.require(by, "ask_recovery", Place("recoveries"))
        if not recovery.startswith("RCV") or standing.at_work(ref=person) is None:
            raise Refused(_("There is no such person at work here."), reason="unknown")
        told = None
    else:
        told = _told(recovery)
        if row is None or told is None:
            raise Refused(_("There is nothing to confirm here."), reason="nothing")
        authority.require(by, "confirm_recovery", told)
    if any(of.person.ref != person for of in (row, told) if of is not None):
        raise Refused(_("This new key is for another person."), reason="person")
    if tellings.is_granted(recovery, person, step):
        return True
    with sessions.entered_first(
        f"grant of a new key {step}", recovery, act=f"{_STEPS[step]}_recovery", by=by
    ) as detail:
        tellings.note_granted(recovery, person, step, by.ref)
        detail["person"] = person
    return True


_STEPS = {"asked": "ask", "confirmed": "confirm"}


def _told(recovery: str) -> Recovery | None:
    """A new key as the vault itself was asked for it, whatever the office's row says now; None when it was not."""
    step = tellings.granted_step(recovery, "asked")
    if step is None:
        return None
    people = {p.ref: p for p in Person.objects.filter(ref__in=[step.person, step.by])}
    if len(people) != 2:
        return None
    return Recovery(ref=recovery, person=people[step.person], asked_by=people[step.by], asked_at=step.at)


@operation("stop_recovery", "office")
def stop_recovery(token: str, recovery: str) -> int:
    """Someone who inspects, or the person, stops a new key: what granted it is forgotten here and grants nothing again.

    Told in their own live session; no confirmation is asked, for stopping is urgent and opens nothing. Entered first.
    """
    by, _session, _private = sessions.holder(token)
    row = _told(recovery) or Recovery.objects.select_related("person", "asked_by").filter(ref=recovery).first()
    if row is None:
        raise Refused(_("There is nothing to stop here."), reason="nothing")
    authority.require(by, "stop_recovery", row)
    with sessions.entered_first("grant of a new key forgotten", recovery, act="stop_recovery", by=by) as detail:
        gone = tellings.stop_granted(recovery, row.person.ref, by.ref)
        detail |= {"person": row.person.ref, "steps": gone}
    return gone


@operation("replace_key", "office")
def replace_key(recovery: str, code: str, passphrase: str) -> dict[str, Any]:
    """A new key pair for someone who lost theirs. The vault looks itself at who granted it and how long ago."""
    row = Recovery.objects.select_related("person").filter(ref=recovery).first()
    LIMITS.try_once(f"code {recovery}", known=row is not None)
    recovery_rules.check_code(row, code)
    assert row is not None
    # What the office's tables say is not enough: two live sessions told the vault itself, and its own clock counted.
    tellings.check_granted(recovery, row.person.ref, hours=lifecycle.DELAY_HOURS)
    public, wrapped = stretching.new_user_key(passphrase)
    with sessions.entered_first("key replaced", recovery, act="", by=row.person) as detail:
        made = personkeys.replace_person_key(row.person.ref, public, wrapped)
        tellings.forget_granted(recovery)
        detail |= {"person": row.person.ref, **made}
    LIMITS.succeeded(f"code {recovery}")
    CHAMBER.end_all_of(row.person.ref)
    return made
