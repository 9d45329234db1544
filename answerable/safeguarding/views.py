"""Care and referrals, the directory, safe contact, dangers, complaints: the office's side."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, time
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, move_of, moves, needs
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.common.references import normalise
from answerable.record.pages import chain, describe
from answerable.safeguarding import access, actions, answers, contacting, forms, lifecycle, phrases
from answerable.safeguarding.models import Grievance, Provider, Referral, SafetyIncident
from answerable.vault import actions as vault
from answerable.vault.client import ask as vault_asked


def _get(found: Any, ref: str) -> Any:
    """The object, or a 404 that does not reveal whether it exists."""
    obj = found.filter(ref=normalise(ref)).first()
    if obj is None:
        raise Http404
    return obj


def _opened(request: Request, obj: Any, field: str, purpose: str, back: str) -> HttpResponse:
    text = vault.read(obj, field, purpose=purpose, by=request.user)
    return render(request, "safeguarding/opened.html",
                  {"heading": field.replace("_", " "), "text": text, "ref": obj.ref, "back": back})  # fmt: skip


# --- the directory ------------------------------------------------------------------------------------------------


@needs("see_directory", "directory")
def directory(request: Request) -> HttpResponse:
    """Who helps, free of charge; what has to be confirmed or looked at again."""
    words = forms.need_words()
    rows = [
        [{"url": reverse("provider", args=[p.ref]), "text": p.name}, ", ".join(words[n] for n in p.needs),
         f"{p.country} {p.area1}".strip(), p.languages, {"status": p.status}, {"clock": p.review_due_at}]
        for p in access.providers(request.user)[:500]
    ]  # fmt: skip
    tables = [{"title": "", "rows": rows,
               "head": [_("Name"), _("Helps with"), _("Where"), _("Languages"), _("State"), _("To look at again")]}]  # fmt: skip
    links = []
    if authority.allows(request.user, "enter_provider", Place("directory")):
        links.append({"url": reverse("enter-provider"), "words": _("Enter a provider")})
    return render(request, "list.html", {"heading": _("Directory"), "tables": tables, "links": links,
                  "lead": _("Anyone can read this at the neutral door, without a code. All of it is free of charge.")})  # fmt: skip


@needs("enter_provider", "directory")
def enter_provider(request: Request) -> HttpResponse:
    """Enter someone who helps."""

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.enter_provider(**data, by=request.user)
        return done(
            request, _("Entered. Another person confirms it, and then anyone can read it."), "provider", made.ref
        )

    return form_page(request, forms.ProviderForm(request.POST or None), heading=_("Enter a provider"), button=_("Enter"), act=act,
                     lead=_("Only what anyone may read, and only help that is free."), cancel=reverse("directory"))  # fmt: skip


@needs("see_directory", "directory")
def provider(request: Request, ref: str) -> HttpResponse:
    """One entry."""
    this: Provider = _get(access.providers(request.user), ref)
    words = forms.need_words()
    facts = [(_("Helps with"), ", ".join(words[n] for n in this.needs)), (_("Where"), f"{this.country} {this.area1}".strip()),
             (_("Languages"), phrases.languages(this.languages) or "–"), (_("Hours"), phrases.hours(this.hours) or "–"),
             (_("For whom"), phrases.who_for(this.who_for) or "–"),
             (_("How to reach them"), this.reach), (_("Cost"), _("free")),
             (_("Last checked"), this.confirmed_on.isoformat() if this.confirmed_on else "–")]  # fmt: skip
    buttons = {"confirm_provider": _("I made sure: list it"), "review_provider": _("It still holds"),
               "withdraw_provider": _("Take it out")}  # fmt: skip
    return render(request, "object.html", {"heading": this.name, "object": this, "facts": facts, "due": this.review_due_at,
                  **moves(request.user, this, buttons, lifecycle.PROVIDER_MOVES, reverse("move-provider", args=[this.ref])),
                  **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("see_directory", "directory")
def move_provider(request: Request, ref: str) -> HttpResponse:
    """One move of an entry."""
    this = _get(access.providers(request.user), ref)
    name = request.POST.get("move", "")
    actions.move_provider(this, move_of(name, lifecycle.PROVIDER_MOVES), by=request.user)
    return done(request, _("Done."), "provider", this.ref)


# --- care and referrals -------------------------------------------------------------------------------------------


@needs("see_care", "care")
def care(request: Request) -> HttpResponse:
    """Referrals, those with a running clock first."""
    words = forms.need_words()
    found = access.referrals(request.user)
    tables = []
    for title, statuses in ((_("Waiting"), lifecycle.WAITING), (_("Under way and done"), (lifecycle.TAKEN_UP, lifecycle.DONE, lifecycle.NOT_DONE))):  # fmt: skip
        rows = [
            [{"url": reverse("referral", args=[r.ref]), "text": r.ref}, words.get(r.need, "–"), str(r.provider or "–"),
             {"status": r.status}, {"hours": r.urgent_until}]
            for r in found.filter(status__in=statuses)[:200]
        ]  # fmt: skip
        tables.append(
            {"title": title, "rows": rows, "head": [_("Referral"), _("Need"), _("Provider"), _("State"), _("Clock")]}
        )
    links = [
        {"url": reverse("offer-referral"), "words": _("Offer a referral")},
        {"url": reverse("directory"), "words": _("Directory")},
    ]
    return render(request, "list.html", {"heading": _("Care and referrals"), "tables": tables, "links": links,
                  "lead": _("Care comes before questions, and depends on nothing: no claim, no report, no code.")})  # fmt: skip


@needs("see_care", "care")
def offer_referral(request: Request) -> HttpResponse:
    """Offer help with one need; `about` in the address names the claim or conversation, if there is one."""
    about = normalise(request.GET.get("about", "")) if request.GET.get("about") else ""

    def act(data: dict[str, Any]) -> HttpResponse:
        if data["happened_at"]:
            data["happened_at"] = data["happened_at"].replace(tzinfo=UTC)
        made = actions.offer_referral(about, **data, by=request.user)
        return done(request, _("Offered. What she answers is hers."), "referral", made.ref)

    return form_page(request, forms.ReferralForm(request.POST or None), heading=_("Offer a referral"), button=_("Offer"), act=act,
                     lead=_("The provider learns a designation and the need. Never her name, and how to reach her only if she agrees to that too."),
                     cancel=reverse("care"))  # fmt: skip


def _referral_words() -> dict[str, str]:
    return {"offer_referral": _("Offered to her"), "decline_referral": _("She declines"), "send_referral": _("Passed on to the provider"),
            "take_up_referral": _("They took it up"), "finish_referral": _("She was helped"),
            "note_not_done": _("It did not come about"), "revoke_referral": _("She takes it back")}  # fmt: skip


@needs("see_care", "care")
def referral(request: Request, ref: str) -> HttpResponse:
    """One referral: her answer, the clocks, what the provider is told."""
    this: Referral = _get(access.referrals(request.user), ref)
    words = forms.need_words()
    facts = [(_("Need"), words.get(this.need, "–")), (_("Provider"), this.provider or "–"), (_("Offered on"), this.asked_on),
             (_("The provider is told"), f"{this.ref}; {words.get(this.need, '')}" if "CP-CARE" in this.purposes else _("nothing, without her consent")),
             (_("How to reach her"), _("she agreed that it is told") if this.contact_too else _("not told"))]  # fmt: skip
    may_answer = this.status == lifecycle.OFFERED and authority.allows(request.user, "accept_referral", this)
    listed = access.providers(request.user).filter(status=lifecycle.LISTED)
    fields = [("note", _("The note"))] if this.status not in {lifecycle.REVOKED, lifecycle.DECLINED} else []
    if this.contact_too:
        fields.append(("contact", _("What the provider may be told to reach her")))
    return render(request, "safeguarding/referral.html", {
        "heading": _("Referral"), "object": this, "facts": facts, "hours": this.urgent_until, "may_answer": may_answer,
        "clocks": [(_("Medicine against HIV"), this.pep_until), (_("Emergency contraception"), this.contraception_until)],
        "listed": [p for p in listed[:500] if this.need in p.needs and p.pk != this.provider_id],
        "still_helps": this.provider is not None and this.provider.status == lifecycle.LISTED, "fields": fields,
        "locked": request.user.vault_session is None,
        **moves(request.user, this, _referral_words(), lifecycle.REFERRAL_MOVES, reverse("move-referral", args=[this.ref])),
        **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("see_care", "care")
def move_referral(request: Request, ref: str) -> HttpResponse:
    """Her answer, or a step after it."""
    this = _get(access.referrals(request.user), ref)
    name = request.POST.get("move", "")
    chosen = request.POST.get("provider", "")
    actions.move_referral(
        this, move_of(name, lifecycle.REFERRAL_MOVES),
        provider=_get(access.providers(request.user), chosen) if chosen else None,
        contact_too=request.POST.get("contact_too") == "on", by=request.user,
    )  # fmt: skip
    return done(request, _("Done."), "referral", this.ref)


@require_POST
@needs("see_care", "care")
def read_referral(request: Request, ref: str) -> HttpResponse:
    """Open the note, or what the provider may be told to reach her, which needs her consent to that."""
    this = _get(access.referrals(request.user), ref)
    field = "contact" if request.POST.get("field") == "contact" else "note"
    return _opened(request, this, field, "care_contact" if field == "contact" else "care_note", reverse("referral", args=[this.ref]))  # fmt: skip


# --- safe contact -------------------------------------------------------------------------------------------------


def _subject(request: Request, subject: str) -> str:
    """The reference, when this person may see what it names or its plan; otherwise the 404 of an empty address."""
    subject = normalise(subject)
    if describe(request.user, subject) is None and not access.plans(request.user).filter(subject=subject).exists():
        raise Http404
    return subject


def _agreed(subject: str) -> bool:
    """Whether nothing says that she did not agree to be contacted; the vault asks the same before anything (SC-4)."""
    behind = [o for o in question("sealed_object").ask(subject) if o is not None]
    return all(a is not False for o in behind for a in question("live_consent").ask(o, "contact"))


@needs("see_contact", "contact")
def contact(request: Request, subject: str) -> HttpResponse:
    """How she may be reached: whether there is a plan, what was planned, what came of it, who asked."""
    subject = _subject(request, subject)
    plan = access.plans(request.user).filter(subject=subject).first()
    senders, results = forms.sender_words(), forms.outcome_words()
    attempts = access.attempts(request.user).filter(subject=subject)[:50]
    rows = [
        [a.planned_at.strftime("%Y-%m-%d %H:%M UTC"), _("enquiry by someone else") if a.status == lifecycle.ENQUIRY else senders.get(a.sender, "–"),
         _("no information") if a.status == lifecycle.ENQUIRY else results.get(a.outcome, "–"),
         {"url": reverse("log-contact", args=[a.ref]), "text": _("Log it")} if a.status == lifecycle.PLANNED else {"status": a.status}]
        for a in attempts
    ]  # fmt: skip
    buttons = {"stop_plan": _("Stop it now"), "review_plan": _("I looked at it: it holds")}
    context = {"heading": _("Safe contact"), "subject": subject, "plan": plan, "about": describe(request.user, subject),
               "locked": request.user.vault_session is None, "agreed": _agreed(subject),
               "tables": [{"title": _("Contacts"), "rows": rows, "head": [_("When"), _("How"), _("What came of it"), ""]}]}  # fmt: skip
    if plan:
        context |= moves(request.user, plan, buttons, lifecycle.PLAN_MOVES, reverse("move-plan", args=[plan.ref]))
    return render(request, "safeguarding/contact.html", context)


@needs("see_contact", "contact")
def make_plan(request: Request, subject: str) -> HttpResponse:
    """Write the plan down with her, in place of the one before."""
    subject = _subject(request, subject)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.make_plan(subject, plan=forms.take_plan(data) or {}, by=request.user)
        return done(request, _("The plan is sealed. Nothing goes out that it does not allow."), "contact", subject)

    return form_page(request, forms.PlanFields(request.POST or None), heading=_("Safe contact plan"), button=_("Seal the plan"), act=act,
                     lead=_("Ask her; choose nothing for her. What is not said here is not allowed."),
                     cancel=reverse("contact", args=[subject]))  # fmt: skip


@require_POST
@needs("see_contact", "contact")
def move_plan(request: Request, ref: str) -> HttpResponse:
    """Stop a plan at once, or find that it holds."""
    this = _get(access.plans(request.user), ref)
    actions.move_plan(this, move_of(request.POST.get("move", ""), ("stop_plan", "review_plan")), by=request.user)
    return done(request, _("Done."), "contact", this.subject)


@require_POST
@needs("see_contact", "contact")
def read_plan(request: Request, ref: str) -> HttpResponse:
    """Open the plan, to reach her by it."""
    this = _get(access.plans(request.user), ref)
    plan = json.loads(vault.read(this, "plan", purpose="contact", by=request.user))
    ways = forms.way_words()
    facts = [(_("She may be reached"), ", ".join(ways[w] for w in plan["ways"]) or _("not at all")),
             (_("At these hours"), _("any hour") if plan["any_time"] else ", ".join(plan["windows"]) or "–"),
             (_("Time zone where she lives"), plan["time_zone"]), (_("Voicemail"), _("yes") if plan["voicemail"] else _("no")),
             (_("Letters"), _("yes") if plan["letter"] else _("no")),
             (_("Do not contact"), _("yes") if plan["do_not_contact"] else _("no")),
             (_("Her home is not safe"), _("yes") if plan["unsafe_household"] else _("no")),
             (_("Whom it comes from"), plan["sender"] or "–"), (_("Words for anyone"), plan["words"] or "–"),
             (_("Code phrase"), plan["code_phrase"] or "–"), (_("Who else may answer"), plan["may_answer"] or "–"),
             (_("Who must not know"), plan["must_not_know"] or "–")]  # fmt: skip
    return render(request, "safeguarding/opened.html", {"heading": _("Safe contact plan"), "facts": facts, "ref": this.ref,
                                                         "back": reverse("contact", args=[this.subject])})  # fmt: skip


@needs("see_contact", "contact")
def plan_contact(request: Request, subject: str) -> HttpResponse:
    """Plan a contact; the plan decides."""
    subject = _subject(request, subject)
    consent_first = "" if _agreed(subject) else contacting.sentence("consent") + " "

    def act(data: dict[str, Any]) -> HttpResponse:
        at = data["at"].replace(tzinfo=UTC) if data["at"] else None
        actions.plan_contact(subject, sender=data["sender"], at=at, by=request.user)
        return done(request, _("Her plan allows it. Log what came of it."), "contact", subject)

    return form_page(request, forms.ContactForm(request.POST or None), heading=_("Plan a contact"), button=_("Plan it"), act=act,
                     lead=consent_first + _("The vault looks at her plan and says yes or no; what it says is in the record, without a word of the plan."),
                     cancel=reverse("contact", args=[subject]))  # fmt: skip


@needs("see_contact", "contact")
def log_contact(request: Request, ref: str) -> HttpResponse:
    """What came of a contact."""
    this = _get(access.attempts(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.log_contact(this, **data, by=request.user)
        return done(request, _("Logged."), "contact", this.subject)

    return form_page(request, forms.LogForm(request.POST or None), heading=_("Log a contact"), button=_("Log it"), act=act,
                     lead=_("If someone else answered, only neutral words were said, and the plan is stopped until someone has looked at it."),
                     cancel=reverse("contact", args=[this.subject]))  # fmt: skip


@needs("see_contact", "contact")
def log_enquiry(request: Request, subject: str) -> HttpResponse:
    """Someone else asked about her."""
    subject = _subject(request, subject)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.log_enquiry(subject, via=data["via"], by=request.user)
        return done(request, _("Logged: no information was given."), "contact", subject)

    return form_page(request, forms.EnquiryForm(request.POST or None), heading=_("Someone asked about her"), button=_("Log it"), act=act,
                     lead=_("The answer is always the same, whoever asks: we give no information about anyone, not even whether they are known here."),
                     cancel=reverse("contact", args=[subject]))  # fmt: skip


# --- dangers ------------------------------------------------------------------------------------------------------


@needs("see_safety", "safety")
def safety(request: Request, ref: str) -> HttpResponse:
    """Something that may be dangerous now. Who knows more is said; what was written stays sealed."""
    this: SafetyIncident = _get(access.safety(request.user), ref)
    facts = [(_("What it is about"), this.subject), (_("Since"), this.opened_on),
             (_("What to do"), _("Speak with the ombudsperson, who can read what was written. Nothing is sent to anyone without her plan.")
              if this.kind == SafetyIncident.IMMINENT_RISK else
              _("Her plan is stopped. Speak with whoever logged it, and review the plan before anything goes out."))]  # fmt: skip
    links = []
    if this.kind != SafetyIncident.IMMINENT_RISK and access.plans(request.user).filter(subject=this.subject).exists():
        links.append({"url": reverse("contact", args=[this.subject]), "words": _("Safe contact")})
    return render(request, "object.html", {"heading": answers.safety_words(this.kind), "object": this, "facts": facts, "links": links,
                  "hours": this.due_at if this.status == lifecycle.OPEN else None,
                  **moves(request.user, this, {"look_at_safety": _("I have looked at it")}, lifecycle.SAFETY_MOVES,
                          reverse("look-at-safety", args=[this.ref])),
                  **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("see_safety", "safety")
def look_at_safety(request: Request, ref: str) -> HttpResponse:
    """It was looked at."""
    this = _get(access.safety(request.user), ref)
    actions.look_at_safety(this, by=request.user)
    return done(request, _("Done."), "safety", this.ref)


# --- complaints ---------------------------------------------------------------------------------------------------


@needs("see_grievances", "complaints")
def complaints(request: Request) -> HttpResponse:
    """Complaints this person looks after."""
    words = forms.about_words()
    rows = [
        [{"url": reverse("complaint", args=[g.ref]), "text": g.ref}, ", ".join(words[a] for a in g.about) or "–",
         {"status": g.status}, _("someone in danger now") if g.immediate_risk else "",
         {"clock": g.acknowledge_due_at if g.status == lifecycle.RECEIVED else g.answer_due_at}]
        for g in access.grievances(request.user).order_by("-immediate_risk", "answer_due_at", "ref")[:500]
    ]  # fmt: skip
    tables = [{"title": "", "rows": rows, "head": [_("Complaint"), _("About"), _("State"), "", _("Clock")]}]
    return render(request, "list.html", {"heading": _("Complaints"), "tables": tables,
                  "links": [{"url": reverse("complain"), "words": _("Make a complaint")}],
                  "lead": _("Looked after by people who work on no case. Nobody a complaint is about sees it.")})  # fmt: skip


@needs("complain", "complaints")
def complain(request: Request) -> HttpResponse:
    """Anyone signed in may complain, about anyone."""

    def act(data: dict[str, Any]) -> HttpResponse:
        data["concerns"] = data["concerns"].split(",")
        made = actions.lodge_grievance(data.pop("about"), data.pop("happened"), **data, by=request.user)
        return done(
            request,
            _("Received as %(ref)s. Keep the number; nobody you work with can look it up.") % {"ref": made.ref},
            "complain",
        )

    return form_page(request, forms.OfficeComplaintForm(request.POST or None), heading=_("Make a complaint"), button=_("Send"), act=act,
                     lead=_("It goes to the ombudsperson, who works on no case. The record does not say who sent it."),
                     cancel=reverse("alliance"))  # fmt: skip


def _written_at_door(this: Grievance, by: Any) -> list[Any]:
    """What was written in the complaint's own conversation since, for those who read the complaint."""
    if not this.thread:
        return []
    return [m for answer in question("written_at_door").ask(this.thread, by) for m in answer]


def _files_at_door(this: Grievance, by: Any) -> list[Any]:
    """Files sent in the complaint's own conversation."""
    return [f for answer in question("files_at_door").ask(this.thread, by) for f in answer] if this.thread else []


@needs("see_grievances", "complaints")
def complaint(request: Request, ref: str) -> HttpResponse:
    """One complaint."""
    this: Grievance = _get(access.grievances(request.user), ref)
    words = forms.about_words()
    danger = _("Whoever wrote this says that someone is in danger now.")
    facts = [*([(_("Danger"), danger)] if this.immediate_risk else []),
             (_("About"), ", ".join(words[a] for a in this.about) or "–"),
             (_("Number held by whoever wrote it"), this.receipt or "–"),
             (_("Kind"), _("about someone's conduct, or reprisals") if this.sensitivity == "SENSITIVE" else _("general")),
             (_("Received"), this.received_at.date()), (_("Acknowledged by"), this.acknowledge_due_at.date()),
             (_("Answered by"), this.answer_due_at.date()),
             (_("The answer"), _("left at a door of its own, which opens with a code of its own") if this.thread
              else _("nobody can be answered; what follows is examined all the same"))]  # fmt: skip
    buttons = {"acknowledge_grievance": _("Acknowledge"), "examine_grievance": _("Examine"),
               "appeal_grievance": _("The answer is not accepted"), "close_grievance": _("Close")}  # fmt: skip
    return render(request, "safeguarding/complaint.html", {
        "heading": _("Complaint"), "object": this, "facts": facts, "locked": request.user.vault_session is None,
        "due": this.acknowledge_due_at if this.status == lifecycle.RECEIVED else this.answer_due_at,
        "readable": authority.allows(request.user, "read_sealed", this, purpose="grievance"),
        "fields": [("happened", _("What happened")), ("may_be_told", _("Who may be told")), ("remedy", _("What would put it right"))],
        "answers": this.answers.all(), "written": _written_at_door(this, request.user),
        "files": _files_at_door(this, request.user),
        "may_answer": this.status == lifecycle.EXAMINED and authority.allows(request.user, "answer_grievance", this),
        "may_extend": authority.allows(request.user, "extend_grievance", this),
        **moves(request.user, this, buttons, lifecycle.GRIEVANCE_MOVES, reverse("move-complaint", args=[this.ref])),
        **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("see_grievances", "complaints")
def move_complaint(request: Request, ref: str) -> HttpResponse:
    """One move of a complaint."""
    this = _get(access.grievances(request.user), ref)
    name = request.POST.get("move", "")
    actions.move_grievance(this, move_of(name, lifecycle.GRIEVANCE_MOVES), by=request.user)
    return done(request, _("Done."), "complaint", this.ref)


def _shown_file(request: Request, file: Any, back: str) -> HttpResponse:
    """A file that was sent, as pictures only, made in the vault's shut room; leaves an entry she can see."""
    shown = vault_asked("door_show_file", token=request.user.vault_session or "", ref=file.ref, purpose="grievance")
    pages = [f"data:{shown['mime']};base64,{base64.b64encode(p).decode()}" for p in shown["pages"]]
    return render(request, "channel/office_file.html", {"heading": _("A file she sent"), "back": back, "pages": pages, **{
        k: shown[k] for k in ("name", "text", "note")}})  # fmt: skip


@require_POST
@needs("see_grievances", "complaints")
def read_complaint(request: Request, ref: str) -> HttpResponse:
    """Open one sealed part of a complaint, or an answer to it."""
    this: Grievance = _get(access.grievances(request.user), ref)
    back = reverse("complaint", args=[this.ref])
    field = request.POST.get("field", "")
    for message in _written_at_door(this, request.user):
        if message.ref == field:
            return _opened(request, message, "text", "grievance", back)
    for file in _files_at_door(this, request.user):
        if file.ref == field:
            return _shown_file(request, file, back)
    if field not in {"happened", "may_be_told", "remedy"}:
        return _opened(request, _get(this.answers.all(), field), "text", "grievance", back)
    return _opened(request, this, field, "grievance", back)


@needs("see_grievances", "complaints")
def answer_complaint(request: Request, ref: str) -> HttpResponse:
    """Answer."""
    this = _get(access.grievances(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.answer_grievance(this, answer=data["answer"], by=request.user)
        return done(request, _("Answered."), "complaint", this.ref)

    return form_page(request, forms.AnswerForm(request.POST or None), heading=_("Answer the complaint"), button=_("Answer the complaint"), act=act,
                     cancel=reverse("complaint", args=[this.ref]))  # fmt: skip


@needs("see_grievances", "complaints")
def extend_complaint(request: Request, ref: str) -> HttpResponse:
    """More time, at her wish."""
    this = _get(access.grievances(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        until = datetime.combine(data["until"], time(23, 59, 59), tzinfo=UTC)
        actions.extend_grievance(this, until=until, she_asked=data["she_asked"], by=request.user)
        return done(request, _("Done."), "complaint", this.ref)

    return form_page(request, forms.ExtendForm(request.POST or None), heading=_("More time, at her wish"), button=_("Extend"), act=act,
                     cancel=reverse("complaint", args=[this.ref]))  # fmt: skip
