"""Measures: in force until when, and what each member did."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.alliance.days import day_words
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, needs
from answerable.measures import actions, lifecycle
from answerable.measures.models import Measure
from answerable.monitoring.access import get
from answerable.monitoring.forms import Day
from answerable.record.pages import chain


class EffectForm(forms.Form):
    """The domestic act (form A12)."""

    act = forms.CharField(label=gettext_lazy("Domestic act and number"), max_length=200)
    act_on = Day(label=gettext_lazy("Dated"))


class ImplementationForm(forms.Form):
    """Counts only: nothing about persons."""

    licences_refused = forms.IntegerField(label=gettext_lazy("Licences refused"), min_value=0, initial=0)
    exceptions_used = forms.IntegerField(label=gettext_lazy("Exceptions used"), min_value=0, initial=0)


@needs("see_measures", "decide")
def measures(request: Request) -> HttpResponse:
    """Every measure, with its expiry."""
    rows = [
        [{"url": reverse("measure", args=[m.ref]), "text": m.proposal.title}, m.code, {"status": m.status},
         day_words(m.expires_on) or _("a single act")]
        for m in Measure.objects.select_related("proposal")[:200]
    ]  # fmt: skip
    head = [_("Measure"), _("Code"), _("State"), _("Expires on")]
    return render(request, "list.html", {"heading": _("Measures"), "tables": [{"head": head, "rows": rows}]})


@needs("see_measures", "decide")
def measure(request: Request, ref: str) -> HttpResponse:
    """One measure and its implementation ledger."""
    this = get(Measure.objects.select_related("proposal__situation", "proposal__target_state"), ref)
    mine = this.implementations.filter(state__code=request.user.principal().state or "-").first()
    links = []
    if mine and authority.allows(request.user, "give_effect", this) and this.status in lifecycle.LIVE:
        if mine.status in {lifecycle.DUE, lifecycle.LATE}:
            links.append({"url": reverse("give-effect", args=[this.ref]), "words": _("Record your state's act")})
        else:
            links.append(
                {"url": reverse("report-implementation", args=[this.ref]), "words": _("Report implementation")}
            )
    facts = [
        (_("Code"), this.code), (_("Situation"), this.proposal.situation), (_("Target"), this.proposal.target_state or this.proposal.target_party or "–"),
        (_("Adopted on"), day_words(this.adopted_on)), (_("In force on"), day_words(this.in_force_on) or "–"),
        (_("Expires on"), day_words(this.expires_on) or _("a single act")), (_("Exception"), this.proposal.exception_text or "–"),
    ]  # fmt: skip
    return render(
        request, "measures/measure.html",
        {"heading": this.proposal.title, "object": this, "facts": facts, "links": links, "due": this.due_at,
         "rows": this.implementations.select_related("state"),
         "may_notify": this.status == lifecycle.ADOPTED and authority.allows(request.user, "enter_into_force", this),
         **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_measures", "decide")
def enter_into_force(request: Request, ref: str) -> HttpResponse:
    """Notify and bring into force."""
    this = get(Measure.objects.all(), ref)
    actions.enter_into_force(this, by=request.user)
    return done(request, _("The measure is in force."), "measure", this.ref)


@needs("see_measures", "decide")
def give_effect(request: Request, ref: str) -> HttpResponse:
    """A member's act."""
    this = get(Measure.objects.all(), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.give_effect(this, **data, by=request.user)
        return done(request, _("Recorded."), "measure", this.ref)

    return form_page(request, EffectForm(request.POST or None), heading=_("Record your state's act"), button=_("Enter it"),
                     act=act, lead=str(this), cancel=reverse("measure", args=[ref]))  # fmt: skip


@needs("see_measures", "decide")
def report_implementation(request: Request, ref: str) -> HttpResponse:
    """A member's report."""
    this = get(Measure.objects.all(), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.report_implementation(this, **data, by=request.user)
        return done(request, _("Reported."), "measure", this.ref)

    return form_page(request, ImplementationForm(request.POST or None), heading=_("Report implementation"),
                     button=_("Report"), act=act, lead=str(this), cancel=reverse("measure", args=[ref]))  # fmt: skip
