"""What the home page and the record ask about care, contact and complaints."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words
from answerable.common import clock
from answerable.common.hooks import question
from answerable.record.pages import Described
from answerable.safeguarding import access, lifecycle, rules
from answerable.safeguarding.models import Grievance, SafetyIncident


@question("describe_ref").answer_with
def describe(by: Any, ref: str) -> Described | None:
    """One line about a reference for someone who may see it, else None."""
    kind = ref[:3]
    if kind == "PRV" and (p := access.providers(by).filter(ref=ref).first()):
        return Described(p.name, ("provider", ref), p.status)
    if kind == "REF" and (r := access.referrals(by).filter(ref=ref).first()):
        return Described(_("Referral") + f" {ref}", ("referral", ref), r.status)
    if kind == "SCP" and (s := access.plans(by).filter(ref=ref).first()):
        return Described(_("Safe contact plan"), ("contact", s.subject), s.status)
    if kind == "SAF" and (i := access.safety(by).filter(ref=ref).first()):
        return Described(safety_words(i.kind), ("safety", ref), i.status)
    if kind == "GRV" and (g := access.grievances(by).filter(ref=ref).first()):
        return Described(_("Complaint") + f" {ref}", ("complaint", ref), g.status)
    return None


def safety_words(kind: str) -> str:
    """What kind of danger, in words that say nothing about anyone."""
    return {
        SafetyIncident.IMMINENT_RISK: _("Someone may be in danger now"),
        SafetyIncident.WRONG_PERSON: _("Someone else answered, or a contact had to stop"),
        SafetyIncident.ASKED_TO_STOP: _("She asked us to stop"),
    }[kind]


@question("survivor_page").answer_with
def _her_complaint(about: str) -> list[dict[str, Any]]:
    """What became of a complaint, on the page of its own conversation and on no other."""
    if not about.startswith("THR"):
        return []
    words = {
        lifecycle.RECEIVED: _("It is received. Nobody has looked at it yet."),
        lifecycle.ACKNOWLEDGED: _("Someone who is not part of the team has it in hand."),
        lifecycle.EXAMINED: _("It was examined. The answer is being written."),
        lifecycle.ANSWERED: _("It is answered. If you do not accept the answer, say so here."),
        lifecycle.CLOSED: _("It is closed. You may still write here."),
        lifecycle.APPEALED: _("You did not accept the answer. It is looked at again."),
    }
    found = []
    # When someone works tells nobody anything: until an answer can be read here, nothing here says that there is one.
    waits = any(question("answer_waits").ask(about))
    for g in Grievance.objects.filter(thread=about):
        if waits and g.status in {lifecycle.ANSWERED, lifecycle.CLOSED, lifecycle.APPEALED}:
            g.status = lifecycle.EXAMINED
        lines = [words[g.status], _("Received on %(day)s.") % {"day": day_words(g.received_at)}]
        if g.status == lifecycle.RECEIVED:
            lines.append(_("Someone says that it is in hand by %(day)s.") % {"day": day_words(g.acknowledge_due_at)})
        if g.status not in {lifecycle.ANSWERED, lifecycle.CLOSED}:
            lines.append(_("You get an answer here by %(day)s.") % {"day": day_words(g.answer_due_at)})
        found.append({"title": _("Your complaint"), "lines": lines})
    return found


def _item(
    title: str, what: str, url: str, due: datetime | None = None, *, hours: bool = False, urgency: int = 3
) -> dict[str, Any]:
    return {"title": title, "what": what, "url": url, "due": due, "hours": hours, "urgency": urgency}


@question("waits_for").answer_with
def waits_for(by: Any) -> list[dict[str, Any]]:
    """Dangers, clocks of care, plans to look at, entries of the directory to confirm or look at again, complaints."""
    out = [_item(safety_words(i.kind), _("look at it now"), reverse("safety", args=[i.ref]), i.due_at, hours=True, urgency=0)
           for i in access.safety(by).filter(status=lifecycle.OPEN)[:20] if by.has_role("safeguarding_officer")]  # fmt: skip
    steps = {lifecycle.ASKED: _("she asked for help"), lifecycle.OFFERED: _("her answer"), lifecycle.ACCEPTED: _("to pass on"),
             lifecycle.SENT: _("did they take it up?")}  # fmt: skip
    if by.roles & {"intake_officer", "survivor_advocate", "safeguarding_officer"}:
        out += [_item(_("Referral") + f" {r.ref}", steps[r.status], reverse("referral", args=[r.ref]), r.urgent_until, hours=True)
                for r in access.referrals(by).filter(status__in=steps)[:20]]  # fmt: skip
        for p in access.providers(by).filter(status__in=[lifecycle.ENTERED, lifecycle.LISTED])[:500]:
            if p.status == lifecycle.ENTERED and p.entered_by_id != by.pk:
                out.append(_item(p.name, _("directory: to confirm"), reverse("provider", args=[p.ref])))
            elif p.review_due_at and clock.now() > p.review_due_at:
                out.append(_item(p.name, _("directory: does it still hold?"), reverse("provider", args=[p.ref]), p.review_due_at))  # fmt: skip
    if by.has_role("safeguarding_officer"):
        out += [_item(_("Safe contact plan"), _("stopped: to review"), reverse("contact", args=[s.subject]))
                for s in access.plans(by).filter(status=lifecycle.UNSAFE)[:20]]  # fmt: skip
    if by.roles & {"ombudsperson", "data_protection_officer"}:
        todo = {lifecycle.RECEIVED: _("to acknowledge"), lifecycle.ACKNOWLEDGED: _("to examine"),
                lifecycle.EXAMINED: _("to answer"), lifecycle.APPEALED: _("she does not accept the answer")}  # fmt: skip
        # A danger comes first, whatever the clock of the complaint it was said in.
        waiting = access.grievances(by).filter(status__in=todo).order_by("-immediate_risk", "answer_due_at", "ref")
        for g in waiting[:20]:
            due = g.acknowledge_due_at if g.status == lifecycle.RECEIVED else g.answer_due_at
            what, title = todo[g.status], _("Complaint") + f" {g.ref}"
            if g.immediate_risk:
                title, what = _("Someone may be in danger now: complaint %(ref)s") % {"ref": g.ref}, _("look at it now")
                due = min(due, rules.grievance_clocks(g.received_at).risk)
            out.append(_item(title, what, reverse("complaint", args=[g.ref]), due, hours=g.immediate_risk,
                             urgency=0 if g.immediate_risk else 3))  # fmt: skip
    return out
