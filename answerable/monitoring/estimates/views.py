"""Estimates: the list of a situation's, entering a table, and one with its models side by side."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, needs
from answerable.engines.estimates import svg
from answerable.engines.estimates.sentences import MODELS, Remark
from answerable.monitoring import access as situations
from answerable.monitoring.estimates import access, actions, forms
from answerable.record.pages import chain


@needs("see_estimates", "estimates")
def estimates(request: Request, ref: str) -> HttpResponse:
    """The estimates of one situation, newest first."""
    this = situations.get(situations.situations(request.user), ref)
    rows = access.estimates(request.user).filter(situation=this).select_related("made_by")[:100]
    return render(request, "monitoring/estimates.html",
                  {"situation": this, "rows": rows, "may_make": authority.allows(request.user, "make_estimate", this)})  # fmt: skip


@needs("see_estimates", "estimates")
def make_estimate(request: Request, ref: str) -> HttpResponse:
    """Enter a capture table and run the models."""
    this = situations.get(situations.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.make_estimate(this, **data, by=request.user)
        return done(request, _("The models were run."), "estimate", made.ref)

    return form_page(request, forms.EstimateForm(request.POST or None), heading=_("Estimate how many were never reported"),
                     button=_("Run the models"), act=act, lead=this.name, cancel=reverse("estimates", args=[ref]))  # fmt: skip


def _said(remark: dict[str, Any]) -> str:
    """A kept remark in the reader's language."""
    return Remark(remark["code"], remark["values"]).say(_)


@needs("see_estimates", "estimates")
def estimate(request: Request, ref: str) -> HttpResponse:
    """One estimate: models side by side, their weights, what would change them, and where not to trust them."""
    this = situations.get(access.estimates(request.user).select_related("situation", "made_by"), ref)
    facts = this.result
    models = [
        {**e, "name": _(MODELS[e["model"]]), "why": _said(e["why"]) if e["why"] else ""} for e in facts["estimates"]
    ]
    obstacles = " ".join(_said(o) for o in facts["obstacles"])
    conclusion = Remark("cannot", {"why": obstacles}).say(_) if obstacles else _said(facts["conclusion"])
    return render(
        request, "monitoring/estimate.html",
        {"estimate": this, "situation": this.situation, "models": models, "conclusion": conclusion,
         "chart": mark_safe(svg.draw(facts, _)),  # noqa: S308 - drawn by us; every word in it is escaped there
         "combined": facts["combined"], "families": [m for m in models if m["members"]], "deltas": facts["deltas"],
         "left_out": facts["left_out"], "diagnostics": [_said(d) for d in facts["diagnostics"]], "overlaps": facts["overlaps"],
         "patterns": sorted(this.patterns.items(), reverse=True), **chain(request.user, this.ref)},
    )  # fmt: skip
