"""Every change to the directory, referrals, safe contact, complaints, and what threatens someone's safety."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance import queries as alliance
from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import HasPrincipal, Place, Principal
from answerable.common import clock
from answerable.common.deadlines import extended, hours_after
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.record import log as record
from answerable.record.pages import describe
from answerable.safeguarding import access, contacting, lifecycle, rules
from answerable.safeguarding.models import (
    CareOffer,
    ContactAttempt,
    Grievance,
    GrievanceAnswer,
    Provider,
    Referral,
    SafeContactPlan,
    SafetyIncident,
    room,
)
from answerable.vault import keeping
from answerable.vault.client import ask
from answerable.vault.consent import queries as consents
from answerable.vault.consent.actions import Change

# Whoever comes to the door, without a name. It writes and reads nothing else.
DOOR = Principal(ref="DOOR", roles=frozenset({"door"}), via="channel", compartments=frozenset({"care"}))


def _writes(*compartments: str) -> Principal:
    """A scope in which a row can be written that its writer will not see again."""
    return Principal(ref="WRITER", compartments=frozenset(compartments))


# --- the directory ------------------------------------------------------------------------------------------------


@action("enter_provider")
def enter_provider(
    *, name: str, needs: Sequence[str], country: str, reach: str, area1: str = "", languages: str = "", hours: str = "",
    who_for: str = "", by: Person,
) -> Provider:  # fmt: skip
    """Enter someone who helps free of charge; shown to anyone once another person has made sure of it."""
    authority.require(by, "enter_provider", Place("directory"))
    if not needs or set(needs) - set(rules.needs()):
        raise Refused(_("Say which needs they help with, from the list."), reason="need")
    if not name.strip() or not country.strip() or not reach.strip():
        raise Refused(_("A name, a country and how to reach them are needed."), reason="provider")
    provider = Provider.objects.create(
        name=name.strip(), needs=list(needs), country=country.strip(), area1=area1.strip(), languages=languages.strip(),
        hours=hours.strip(), who_for=who_for.strip(), reach=reach.strip(), entered_by=by,
    )  # fmt: skip
    record.append("provider entered", provider, by=by, to_state=provider.status)
    return provider


@action("move_provider")
def move_provider(provider: Provider, name: str, *, by: Person) -> Provider:
    """Confirm an entry, make sure again that it holds, or take it out."""
    provider = Provider.objects.select_for_update().get(pk=provider.pk)
    authority.require(by, name, provider)
    before, provider.status = provider.status, next_status(lifecycle.PROVIDER_MOVES, name, status=provider.status)
    if name == "confirm_provider":
        provider.confirmed_by = by
    if provider.status == lifecycle.LISTED:
        provider.confirmed_on = clock.today()
    provider.save(update_fields=["status", "confirmed_by", "confirmed_on"])
    record.append(name.replace("_", " "), provider, by=by, from_state=before, to_state=provider.status)
    return provider


# --- care first (SC-8) --------------------------------------------------------------------------------------------


def note_care_offered(subject: str, *, offered: bool, by: Any) -> list[str]:
    """Within the act that takes in a report or a claim: note that care was offered first, or say what is missing."""
    if not offered:
        return [_("Care comes before questions: offer the referral, note that you did, then file (SC-8).")]
    body = getattr(by, "body", None)
    compartment = room("care", body) if isinstance(body, Body) else "care"
    with scope_of(_writes(compartment)):
        CareOffer.objects.create(
            compartment=compartment, subject=subject, offered_on=clock.today(),
            offered_by=by if isinstance(by, Person) else None,
        )  # fmt: skip
    return []


def _seen(by: Any, subject: str) -> None:
    """Raises Refused unless the person may see what a reference names; hidden and absent give the same answer."""
    # A safeguarding officer reviews a plan without seeing the claim behind it.
    if subject and describe(by, subject) is None and not access.plans(by).filter(subject=subject).exists():
        raise Refused(_("There is nothing here for you."), reason="nothing")


def _open(subject: str) -> None:
    """Raises Refused when everything was withdrawn of what a reference names: nothing more is written down about it.

    Until the act ends nothing is withdrawn of it either, so that what is sealed here is among what a withdrawal closes.
    """
    if subject:
        consents.hold(subject)
    if subject and consents.is_closed(subject):
        raise Refused(
            _("She withdrew everything, so nothing is written down, planned or passed on about her. She may ask for help anew "
              "at any time."), reason="withdrawn",
        )  # fmt: skip


@action("offer_referral")
def offer_referral(
    subject: str = "", *, need: str, provider: Provider | None = None, happened_at: datetime | None = None, note: str = "",
    contact: str = "", by: Person,
) -> Referral:  # fmt: skip
    """Offer someone help with one need: for a claim, a conversation, or for someone who is here and nothing else.

    When she says when it happened, the clocks of care run from that hour; otherwise none does. `note` and `contact`
    (what a provider may be told so that she is reached, if she agrees) are sealed.
    """
    authority.require(by, "offer_referral", Place("care"))
    _seen(by, subject)
    _open(subject)
    if need not in rules.needs():
        raise Refused(_("Choose the need from the list."), reason="need")
    _offers(provider, need)
    if happened_at and happened_at > clock.now():
        raise Refused(_("That hour has not come yet."), reason="time")
    clocks = rules.care_clocks(happened_at)
    referral = Referral(
        compartment=room("care", by.body), subject=subject, need=need, provider=provider, asked_on=clock.today(),
        pep_until=clocks.pep_until, contraception_until=clocks.contraception_until, offered_by=by,
    )  # fmt: skip
    sealed = keeping.seal_fields(referral.ref, referral.compartment, "Referral", {"note": note, "contact": contact})
    referral.note, referral.contact = sealed["note"], sealed["contact"]
    referral.save(force_insert=True)
    record.append("referral offered", referral, by=by, to_state=referral.status, detail={"need": need})
    return referral


def _offers(provider: Provider | None, need: str) -> None:
    if provider is not None and (provider.status != lifecycle.LISTED or need not in provider.needs):
        raise Refused(_("That provider is not in the directory for this need. Choose one that is."), reason="provider")


@action("ask_for_help")
def ask_for_help(thread: str, need: str, *, by: HasPrincipal) -> Referral:
    """She asks at the door to be helped to reach a provider; the answer waits in her conversation."""
    authority.require(by, "ask_for_help", Place("care"))
    _open(thread)
    referral = Referral(compartment="care", subject=thread, need=need, status=lifecycle.ASKED, asked_on=clock.today())
    sealed = keeping.seal_fields(referral.ref, referral.compartment, "Referral", {"note": "", "contact": ""})
    referral.note, referral.contact = sealed["note"], sealed["contact"]
    with scope_of(by):
        referral.save(force_insert=True)
    record.append("help asked for", referral, by=by, to_state=referral.status, detail={"need": need})
    return referral


@action("move_referral")
def move_referral(
    referral: Referral, name: str, *, provider: Provider | None = None, contact_too: bool = False, by: Person
) -> Referral:
    """Her answer to an offer, and each step after it. She may take it back at any time, and nothing more is told then.

    `accept_referral` records her consent to this referral (CP-CARE), with `contact_too` also to a provider being told how
    to reach her. Nothing is sent without a live consent for it (SC-4).
    """
    if name != "revoke_referral":
        _open(referral.subject)
    referral = Referral.objects.select_for_update(of=("self",)).select_related("provider").get(pk=referral.pk)
    authority.require(by, name, referral)
    before, referral.status = referral.status, next_status(lifecycle.REFERRAL_MOVES, name, status=referral.status)
    if provider is not None:
        _offers(provider, referral.need)
        if before not in {lifecycle.ASKED, lifecycle.OFFERED}:
            raise Refused(_("Another provider is another referral; offer it anew."), reason="provider")
        referral.provider = provider
    if name == "accept_referral":
        if referral.provider is None:
            raise Refused(_("Choose with her who is to help, then note that she accepts."), reason="provider")
        # The one named when it was offered may have been taken out of the directory since.
        _offers(referral.provider, referral.need)
        referral.purposes, referral.contact_too = ["CP-CARE"], contact_too
    if name == "send_referral" and any(a is False for a in question("live_consent").ask(referral, "care")):
        raise Refused(
            _("There is no live consent to this referral (CP-CARE), so nobody is told (SC-4)."), reason="consent"
        )
    if name == "revoke_referral":
        referral.purposes, referral.contact_too = [], False
    if referral.status not in lifecycle.WAITING:
        referral.pep_until = referral.contraception_until = None
    referral.save(update_fields=["status", "provider", "purposes", "contact_too", "pep_until", "contraception_until"])
    record.append(name.replace("_", " "), referral, by=by, from_state=before, to_state=referral.status)
    return referral


def told(referral: Referral, contact: str = "") -> dict[str, str]:
    """What the provider of an accepted referral is told; `contact` is the opened field, used only if she agreed to that.

    Raises Refused without her live consent.
    """
    live = [question("live_consent").ask(referral, purpose) for purpose in ("care", "care_contact")]
    consent, consent_contact = (True in answers and False not in answers for answers in live)
    if not consent:
        raise Refused(
            _("There is no live consent to this referral (CP-CARE), so nobody is told (SC-4)."), reason="consent"
        )
    return rules.to_provider(
        referral.ref, referral.need, consent=True, contact=contact, consent_contact=consent_contact
    )


# --- safe contact (SC-6) ------------------------------------------------------------------------------------------


def plan_refusals(data: Mapping[str, Any]) -> list[str]:
    """What is wrong with a plan, in sentences."""
    words = {
        "way": _("Choose ways of being reached from the list."),
        "nothing": _("Choose at least one way she may be reached, or “do not contact”."),
        "both": _(
            "“Do not contact” and ways to reach her are both chosen. Ask her which she means, and keep only that."
        ),
        "window": _("Write hours like TUE 10:00-12:00, one a line; they end after they begin, on the same day."),
        "zone": _("Write the time zone of the place where she lives, like Europe/Kyiv."),
        "hours": _("Say at which hours she may be reached, or that any hour is safe."),
        "letter": _("Letters are asked about on their own: both “letter” and her express wish, or neither."),
    }
    return [words[p] for p in rules.plan_problems(data)]


def put_plan(subject: str, data: Mapping[str, Any], *, body: Body | None, by: Any) -> SafeContactPlan:
    """Within an act: a new plan for someone, in place of the one before. Raises Refused, naming what is wrong."""
    if problems := plan_refusals(data):
        raise Refused(" ".join(problems), reason="plan")
    plan = rules.read_plan({**data, "safe": True})
    compartment = room("contact", body) if body is not None else "contact"
    text = json.dumps(plan.to_dict(), ensure_ascii=False)
    row = SafeContactPlan(
        compartment=compartment, subject=subject, made_by=by if isinstance(by, Person) else None, made_on=clock.today()
    )
    row.plan = keeping.seal_fields(row.ref, compartment, "SafeContactPlan", {"plan": text})["plan"]
    row.for_vault = ask("seal_safe_contact", ref=row.ref, subject=subject, plan=text,
                        token=getattr(by, "vault_session", None) or "")  # fmt: skip
    with scope_of(_writes("contact")):
        # Whoever made the old one: two plans at once would be none.
        # The vault has no more use for it; what those who reached her wrote down stays sealed until the file is shredded.
        SafeContactPlan.objects.filter(subject=subject).exclude(status=lifecycle.REPLACED).update(
            status=lifecycle.REPLACED, for_vault=b""
        )
        _cancel_planned(subject)
        row.save(force_insert=True)
    return row


def _cancel_planned(subject: str) -> None:
    """What was planned under a plan that no longer holds is not done; it is asked about anew."""
    ContactAttempt.objects.filter(subject=subject, status=lifecycle.PLANNED).update(status=lifecycle.CANCELLED)


@question("consent_changed").answer_with
def _consents_changed(ref: str, change: Change) -> dict[str, Any]:
    """Everything was withdrawn: referrals under way are revoked and planned contacts cancelled, and an undo brings both back.

    One purpose alone leaves help as it is: a referral rests on a consent of its own (SC-8).
    """
    if not change.total:
        return {}
    if change.kind == "undone":
        _bring_back(change.put_aside)
        return {}
    subjects = consents.parts_of(ref)
    planned = ContactAttempt.objects.filter(subject__in=subjects, status=lifecycle.PLANNED)
    aside: dict[str, Any] = {"contacts": list(planned.values_list("ref", flat=True)), "referrals": {}}
    planned.update(status=lifecycle.CANCELLED)
    revoked = lifecycle.REFERRAL_MOVES["revoke_referral"].froms
    for row in Referral.objects.select_for_update().filter(subject__in=subjects, status__in=revoked).order_by("ref"):
        aside["referrals"][row.ref] = [
            row.status, row.purposes, row.contact_too,
            *(at.isoformat() if at else None for at in (row.pep_until, row.contraception_until)),
        ]  # fmt: skip
        row.status, row.purposes, row.contact_too = lifecycle.REVOKED, [], False
        row.pep_until = row.contraception_until = None
        row.save(update_fields=REVOKED_WITH)
    return aside


REVOKED_WITH = ["status", "purposes", "contact_too", "pep_until", "contraception_until"]


def _bring_back(aside: Mapping[str, Any]) -> None:
    cancelled = ContactAttempt.objects.filter(ref__in=aside.get("contacts", ()), status=lifecycle.CANCELLED)
    cancelled.update(status=lifecycle.PLANNED)
    held = aside.get("referrals", {})
    for row in Referral.objects.select_for_update().filter(ref__in=held, status=lifecycle.REVOKED).order_by("ref"):
        row.status, row.purposes, row.contact_too, *clocks = held[row.ref]
        row.pep_until, row.contraception_until = (datetime.fromisoformat(at) if at else None for at in clocks)
        row.save(update_fields=REVOKED_WITH)


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """A shredded plan, contact or referral keeps its reference and its day. The vault's own copy of a plan has no key that
    could be shredded, so it is deleted here (decision 0013).
    """
    if ref.startswith("SCP"):
        SafeContactPlan.objects.filter(ref=ref).update(status=lifecycle.REPLACED, plan=b"", for_vault=b"")
    elif ref.startswith("CTA"):
        contact = ContactAttempt.objects.filter(ref=ref)
        contact.filter(status=lifecycle.PLANNED).update(status=lifecycle.CANCELLED)
        contact.update(sender="", via="", outcome="", next_step="", cover_said=False, note=b"")
    elif ref.startswith("REF"):
        Referral.objects.filter(ref=ref).update(
            status=lifecycle.REVOKED, need="", provider=None, purposes=[], contact_too=False, pep_until=None,
            contraception_until=None, note=b"", contact=b"",
        )  # fmt: skip


@action("make_plan")
def make_plan(subject: str, *, plan: Mapping[str, Any], by: Person) -> SafeContactPlan:
    """Write down with her how she may be reached, in place of what was written before."""
    authority.require(by, "make_plan", Place("contact"))
    _seen(by, subject)
    _open(subject)
    stopped = SafeContactPlan.objects.filter(subject=subject, status=lifecycle.UNSAFE).first()
    if stopped is not None and not authority.allows(by, "review_plan", stopped):
        raise Refused(
            _("This plan was stopped because something went wrong. A safeguarding officer looks at it first; then write "
              "the new one."), reason="unsafe",
        )  # fmt: skip
    made = put_plan(subject, plan, body=by.body, by=by)
    record.append("safe contact plan made", subject, by=by, detail={"plan": made.ref})
    return made


@action("move_plan")
def move_plan(plan: SafeContactPlan, name: str, *, by: Person) -> SafeContactPlan:
    """Stop a plan at once, or, another person, find after looking at it that it holds."""
    plan = SafeContactPlan.objects.select_for_update().get(pk=plan.pk)
    if name not in {"stop_plan", "review_plan"}:
        raise Refused(_("A plan is stopped, reviewed, or replaced by a new one."), reason="lifecycle")
    authority.require(by, name, plan)
    before, plan.status = plan.status, next_status(lifecycle.PLAN_MOVES, name, status=plan.status)
    if name == "stop_plan":
        plan.stopped_by = by
        _cancel_planned(plan.subject)
    plan.save(update_fields=["status", "stopped_by"])
    record.append(name.replace("_", " "), plan, by=by, from_state=before, to_state=plan.status)
    return plan


@action("note_asked")
def note_asked(subject: str, *, via: str, allowed: bool, by: HasPrincipal) -> None:
    """The vault was asked whether someone may be reached; runs there. No word of the plan is in the entry."""
    record.append("contact asked about", subject, by=by, detail={"via": via, "allowed": allowed})


@action("plan_contact")
def plan_contact(subject: str, *, sender: str, at: datetime | None = None, by: Person) -> ContactAttempt:
    """Plan a call, a visit, a message by hand or a letter. Refused unless her plan allows it at that moment (R-NOT-1)."""
    authority.require(by, "plan_contact", Place("contact"))
    _seen(by, subject)
    _open(subject)
    if sender not in rules.SENDERS:
        raise Refused(_("Choose how to reach her from the list."), reason="way")
    how, now = rules.SENDERS[sender], clock.now()
    at = at or now
    if at < now:
        raise Refused(_("That time is past. Plan a contact that is still to come."), reason="time")
    contacting.require(subject, via=how.via, kind=how.kind, at=at, by=by)
    attempt = ContactAttempt.objects.create(
        compartment=room("contact", by.body), subject=subject, sender=sender, via=how.via, planned_at=at, planned_by=by
    )
    record.append("contact planned", subject, by=by, detail={"contact": attempt.ref, "via": how.via})
    return attempt


for _name, _how in rules.SENDERS.items():
    contacting.register(_name, via=_how.via, kind=_how.kind, act=partial(plan_contact, sender=_name))

NEXT_STEPS = ("NONE", "NEXT_WINDOW", "ASK_WHEN_SHE_COMES", "THROUGH_ORGANISATION", "NEW_PLAN")


@action("log_contact")
def log_contact(
    attempt: ContactAttempt,
    *,
    outcome: str,
    cover_said: bool = False,
    next_step: str = "NONE",
    note: str = "",
    by: Person,
) -> ContactAttempt:
    """What came of a contact. Someone else answered, or it had to stop: the plan is stopped with it, and those who protect
    are told at once (R-NOT-1).
    """
    _open(attempt.subject)
    attempt = ContactAttempt.objects.select_for_update().get(pk=attempt.pk)
    authority.require(by, "log_contact", attempt)
    if outcome not in rules.outcomes() or next_step not in NEXT_STEPS:
        raise Refused(_("Choose what came of it and what comes next from the lists."), reason="outcome")
    attempt.status = next_status(lifecycle.CONTACT_MOVES, "log_contact", status=attempt.status)
    attempt.outcome, attempt.cover_said, attempt.next_step = outcome, cover_said, next_step
    attempt.note = keeping.seal_fields(attempt.ref, attempt.compartment, "ContactAttempt", {"note": note})["note"]
    attempt.save(update_fields=["status", "outcome", "cover_said", "next_step", "note"])
    detail: dict[str, Any] = {"contact": attempt.ref, "outcome": outcome}
    if rules.outcomes()[outcome]["stops"]:
        live = SafeContactPlan.objects.filter(subject=attempt.subject, status=lifecycle.LIVE)
        live.update(status=lifecycle.UNSAFE, stopped_by=by)
        _cancel_planned(attempt.subject)
        kind = SafetyIncident.ASKED_TO_STOP if outcome == "ASKED_TO_STOP" else SafetyIncident.WRONG_PERSON
        detail["safety"] = _open_incident(attempt.subject, kind, clock.now()).ref
    record.append("contact logged", attempt.subject, by=by, detail=detail)
    return attempt


def _open_incident(subject: str, kind: str, at: datetime) -> SafetyIncident:
    with scope_of(_writes("safety")):
        return SafetyIncident.objects.create(
            subject=subject, kind=kind, due_at=hours_after(at, 24), opened_on=clock.today()
        )


@action("log_enquiry")
def log_enquiry(subject: str, *, via: str, by: Person) -> ContactAttempt:
    """Someone else asked about her. The answer is always “no information”; that is what is written down (R-NOT-2)."""
    authority.require(by, "plan_contact", Place("contact"))
    _seen(by, subject)
    if via not in rules.WAYS:
        raise Refused(_("Choose how they asked from the list."), reason="way")
    attempt = ContactAttempt.objects.create(
        compartment=room("contact", by.body), subject=subject, sender="enquiry", via=via, planned_at=clock.now(),
        planned_by=by, status=lifecycle.ENQUIRY, answer="NO_INFORMATION",
    )  # fmt: skip
    record.append("enquiry answered with no information", subject, by=by, detail={"contact": attempt.ref, "via": via})
    return attempt


# --- complaints (SC-13, A17) --------------------------------------------------------------------------------------


@action("complain")
def lodge_grievance(
    about: Sequence[str], happened: str, *, remedy: str = "", may_be_told: str = "", immediate_risk: bool = False,
    safeguarding_may_know: bool = False, concerns: Sequence[str] = (), thread: str = "", receipt: str = "",
    by: HasPrincipal,
) -> Grievance:  # fmt: skip
    """Take a complaint in, from anyone, at the door or in the office. Sealed before it is stored, to those outside the case
    team alone; whoever made it in the office does not see it again, and the record does not say who that was.

    An immediate risk is before the safeguarding officers at once, without what was written.
    """
    authority.require(by, "complain", Place("complaints"))
    if not happened.strip() and not immediate_risk:
        raise Refused(_("Write a few words about what happened; any will do."), reason="empty")
    now = clock.now()
    sensitivity = rules.grievance_class(about)
    due = rules.grievance_clocks(now, alliance.holidays())
    grievance = Grievance(
        compartment=rules.grievance_room(sensitivity, safeguarding_may_know=safeguarding_may_know), sensitivity=sensitivity,
        about=[a for a in about if a in rules.ABOUT],
        concerns=sorted(Person.objects.filter(handle__in=[c.strip() for c in concerns]).values_list("ref", flat=True)),
        thread=thread, receipt=receipt, immediate_risk=immediate_risk, safeguarding_may_know=safeguarding_may_know, received_at=now,
        acknowledge_due_at=due.acknowledge, answer_due_at=due.answer,
    )  # fmt: skip
    texts = {"happened": happened, "may_be_told": may_be_told, "remedy": remedy}
    for name, sealed in keeping.seal_fields(grievance.ref, grievance.compartment, "Grievance", texts).items():
        setattr(grievance, name, sealed)
    detail: dict[str, Any] = {}
    with scope_of(_writes(grievance.compartment)):
        grievance.save(force_insert=True)
    if immediate_risk:
        detail["safety"] = _open_incident(grievance.ref, SafetyIncident.IMMINENT_RISK, now).ref
    record.append("complaint received", grievance, by=DOOR, to_state=grievance.status, detail=detail)
    return grievance


@action("move_grievance")
def move_grievance(grievance: Grievance, name: str, *, by: Person) -> Grievance:
    """Acknowledge, examine, close; or note that she does not accept the answer."""
    grievance = Grievance.objects.select_for_update().get(pk=grievance.pk)
    authority.require(by, name, grievance)
    if name == "answer_grievance":
        raise Refused(_("An answer is written; use the form for it."), reason="lifecycle")
    before, grievance.status = grievance.status, next_status(lifecycle.GRIEVANCE_MOVES, name, status=grievance.status)
    if name == "appeal_grievance":
        grievance.answer_due_at = extended(
            grievance.answer_due_at, rules.grievance_clocks(clock.now(), alliance.holidays()).answer, to_survivor=True
        )
    grievance.save(update_fields=["status", "answer_due_at"])
    if name == "acknowledge_grievance" and grievance.thread:
        question("notify_survivor").ask(
            grievance.thread, "complaint_acknowledged", {"day": grievance.answer_due_at.date().isoformat()}
        )
    record.append(name.replace("_", " "), grievance, by=by, from_state=before, to_state=grievance.status)
    return grievance


@action("answer_grievance")
def answer_grievance(grievance: Grievance, *, answer: str, by: Person) -> Grievance:
    """Answer a complaint. The answer is left at her door where there is one; nothing is sent anywhere else."""
    grievance = Grievance.objects.select_for_update().get(pk=grievance.pk)
    authority.require(by, "answer_grievance", grievance)
    if not answer.strip():
        raise Refused(_("Write the answer, in words she can use."), reason="empty")
    before, grievance.status = grievance.status, next_status(
        lifecycle.GRIEVANCE_MOVES, "answer_grievance", status=grievance.status
    )  # fmt: skip
    if grievance.thread:
        contacting.require(grievance.thread, via=rules.DOOR, kind=rules.REPLY, by=by)
    made = GrievanceAnswer(
        compartment=grievance.compartment, grievance=grievance, answered_at=clock.now(), answered_by=by
    )
    made.text = keeping.seal_fields(made.ref, made.compartment, "GrievanceAnswer", {"text": answer})["text"]
    made.save(force_insert=True)
    if grievance.thread:
        question("notify_survivor").ask(grievance.thread, "complaint_answered", {"day": clock.today().isoformat()})
    left = bool(grievance.thread) and any(question("leave_at_door").ask(grievance.thread, answer, by))
    grievance.save(update_fields=["status"])
    record.append("complaint answered", grievance, by=by, from_state=before, to_state=grievance.status,
                  detail={"answer": made.ref, "left_at_door": left})  # fmt: skip
    return grievance


@action("extend_grievance")
def extend_grievance(grievance: Grievance, *, until: datetime, she_asked: bool, by: Person) -> Grievance:
    """More time for an answer, only when she asked for it, and never less (R-TIME-5)."""
    grievance = Grievance.objects.select_for_update().get(pk=grievance.pk)
    authority.require(by, "extend_grievance", grievance)
    if not she_asked:
        raise Refused(_("The time for an answer is longer only when she asks for that (R-TIME-5)."), reason="R-TIME-5")
    try:
        grievance.answer_due_at = extended(grievance.answer_due_at, until, to_survivor=True)
    except ValueError:
        raise Refused(_("Her time is never made shorter (R-TIME-5)."), reason="R-TIME-5") from None
    grievance.save(update_fields=["answer_due_at"])
    record.append("answer time extended at her wish", grievance, by=by)
    return grievance


@action("name_concerned")
def name_concerned(grievance: Grievance, *, persons: Sequence[Person], by: Person) -> Grievance:
    """Whoever a complaint turns out to be about is kept from it from now on, whatever their role."""
    grievance = Grievance.objects.select_for_update().get(pk=grievance.pk)
    authority.require(by, "name_concerned", grievance)
    grievance.concerns = sorted({*grievance.concerns, *(p.ref for p in persons)})
    grievance.save(update_fields=["concerns"])
    record.append("complaint: persons concerned named", grievance, by=by)
    return grievance


@action("look_at_safety")
def look_at_safety(incident: SafetyIncident, *, by: Person) -> SafetyIncident:
    """A safeguarding officer has looked at what may be dangerous and done what can be done."""
    incident = SafetyIncident.objects.select_for_update().get(pk=incident.pk)
    authority.require(by, "look_at_safety", incident)
    before, incident.status = incident.status, next_status(
        lifecycle.SAFETY_MOVES, "look_at_safety", status=incident.status
    )  # fmt: skip
    incident.looked_at_by = by
    incident.save(update_fields=["status", "looked_at_by"])
    record.append("safety looked at", incident, by=by, from_state=before, to_state=incident.status)
    return incident
