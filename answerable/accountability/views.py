"""Answer: findings, from draft to publication."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.accountability import access, actions, lifecycle
from answerable.alliance.sentences import word
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.monitoring import access as monitoring
from answerable.monitoring.forms import codes
from answerable.record.pages import chain


class DraftForm(forms.Form):
    """Kind, standard, reasons."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=lambda: [(k, word("finding_type", k)) for k in ("F-PAT", "F-LS")]
    )
    standard = forms.ChoiceField(
        label=gettext_lazy("Standard of proof claimed"), choices=codes("standard_of_proof"), initial="SP2"
    )
    reasons = forms.CharField(label=gettext_lazy("Reasons"), help_text=gettext_lazy("Sealed on arrival."), required=False,
                              widget=forms.Textarea(attrs={"rows": 6}), max_length=40_000)  # fmt: skip
    urgent = forms.BooleanField(label=gettext_lazy("Urgent procedure: ten days to reply"), required=False)


@needs("see_today", "findings")
def findings(request: Request) -> HttpResponse:
    """Findings one may see."""
    rows = [
        [{"url": reverse("finding", args=[f.ref]), "text": word("finding_type", f.kind)}, f.party, f.situation,
         word("standard_of_proof", f.standard),
         {"status": f.status}, {"clock": f.reply_due_at} if f.status == lifecycle.REPLY_PERIOD else ""]
        for f in access.findings(request.user).select_related("party", "situation")[:200]
    ]  # fmt: skip
    head = [_("Finding"), _("Actor"), _("Situation"), _("Standard"), _("State"), _("Clock")]
    return render(request, "list.html", {"heading": _("Findings"), "tables": [{"head": head, "rows": rows}]})


@needs("see_patterns")
def draft(request: Request, ref: str) -> HttpResponse:
    """Draft a finding on a pattern assessment."""
    pattern = monitoring.get(monitoring.patterns(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.draft_finding(pattern, **data, by=request.user)
        return done(request, _("The finding is drafted."), "finding", made.ref)

    return form_page(request, DraftForm(request.POST or None), heading=_("Draft a finding"), button=_("Draft"), act=act,
                     cancel=reverse("pattern", args=[ref]))  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "review_law": _("Send to legal review"), "review_safety": _("Pass safety review"), "notify": _("Notify the respondent"),
        "assess": _("Begin the panel's assessment"), "return": _("Return to the drafters"), "publish": _("Publish"),
    }  # fmt: skip


def _reply(code: str) -> str:
    """What the respondent answered, in words."""
    return _("No reply") if code == "NONE_RECORDED" else word("reply_code", code) if code else "–"


@needs("see_today", "findings")
def finding(request: Request, ref: str) -> HttpResponse:
    """One finding with its criteria, clock, panel and chain."""
    this = monitoring.get(access.findings(request.user).select_related("party", "situation", "respondent"), ref)
    facts = [
        (_("Situation"), this.situation), (_("Actor"), this.party), (_("Respondent"), this.respondent or "–"),
        (_("Standard claimed"), word("standard_of_proof", this.standard)),
        (_("Reply"), _reply(this.reply)),
    ]  # fmt: skip
    if this.panel:
        facts.append((_("Panel"), this.panel["says"]))
    context = moves(request.user, this, _words(), lifecycle.FINDING_MOVES, reverse("move-finding", args=[this.ref]))
    if this.status == lifecycle.REPLY_PERIOD and (why := actions.awaits_reply(this)):
        early = [move for move in context["moves"] if move["fields"]["move"] == "assess"]
        context["moves"] = [move for move in context["moves"] if move not in early]
        context["not_open"] = [*context["not_open"], *({"words": move["words"], "why": why} for move in early)]
    return render(
        request, "accountability/finding.html",
        {"heading": f"{word('finding_type', this.kind)}: {this.party}", "object": this, "facts": facts,
         "checks": this.criteria, "due": this.reply_due_at if this.status == lifecycle.REPLY_PERIOD else None,
         "may_opine": this.status == lifecycle.ASSESSMENT and authority.allows(request.user, "give_opinion", this),
         "opinions": this.opinions.count(), "reply_codes": actions.REPLY_CODES,
         "may_reply": this.status == lifecycle.REPLY_PERIOD and authority.allows(request.user, "record_reply", this),
         "robustness": this.robustness.all()[:10] if authority.allows(request.user, "see_findings", Place("findings")) else [],
         "may_note": authority.allows(request.user, "note_robustness", this),
         **context, **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_today", "findings")
def move_finding(request: Request, ref: str) -> HttpResponse:
    """One move of a finding."""
    this = monitoring.get(access.findings(request.user), ref)
    name = request.POST.get("move", "")
    by: Any = request.user
    if name == "notify":
        actions.notify_finding(this, by=by)
    elif name == "publish":
        actions.publish_finding(this, by=by)
    elif name == "conclude":
        actions.conclude_finding(this, by=by)
    elif name in {"concur", "dissent"}:
        actions.give_opinion(this, name, by=by)
    elif name.startswith("noted:"):
        actions.note_robustness(monitoring.get(this.robustness, name.removeprefix("noted:")), by=by)
    elif name.startswith("reply:"):
        actions.record_reply(this, name.removeprefix("reply:"), by=by)
    else:
        actions.move_finding(this, name if name in _words() else "review_law", by=by)
    return done(request, _("Done."), "finding", this.ref)
