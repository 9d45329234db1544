"""Estimates: the list of a situation's, entering a table, and one with its models side by side."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, move_of, needs
from answerable.engines.estimates import svg
from answerable.engines.estimates.sentences import MODELS, Remark
from answerable.monitoring import access as situations
from answerable.monitoring.estimates import access, actions, forms
from answerable.monitoring.looking import actions as looking
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
        return done(request, _("Asked for. This page shows how far it is."), "estimate", made.ref)

    return form_page(request, forms.EstimateForm(request.POST or None), heading=_("Estimate how many were never reported"),
                     button=_("Run the models"), act=act, lead=this.name, cancel=reverse("estimates", args=[ref]))  # fmt: skip


def _said(remark: dict[str, Any]) -> str:
    """A kept remark in the reader's language."""
    return Remark(remark["code"], remark["values"]).say(_)


@needs("see_estimates", "estimates")
def estimate(request: Request, ref: str) -> HttpResponse:
    """One estimate: models side by side, their weights, what would change them, and where not to trust them."""
    this = situations.get(access.estimates(request.user).select_related("situation", "made_by"), ref)
    if request.headers.get("X-Part") == "work":
        reply = render(request, "monitoring/estimates/_work.html", {"estimate": this, "polled": True})
        reply.headers["X-Working"] = "1" if this.status == "WAITING" else "0"
        return reply
    base = {"estimate": this, "situation": this.situation, "strata": this.study.get("strata", []),
            "patterns": sorted(this.patterns.items(), reverse=True), **chain(request.user, this.ref)}  # fmt: skip
    return render(request, "monitoring/estimate.html", base | (_shown(this.result) if this.result else {}))


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    """What was worked out, in the reader's language."""
    models = [
        {**e, "name": _(MODELS[e["model"]]), "why": _said(e["why"]) if e["why"] else ""} for e in facts["estimates"]
    ]
    obstacles = " ".join(_said(o) for o in facts["obstacles"])
    conclusion = Remark("cannot", {"why": obstacles}).say(_) if obstacles else _said(facts["conclusion"])
    linked = facts.get("linkage")
    return {
        "models": models, "conclusion": conclusion,
        "chart": mark_safe(svg.draw(facts, _)),  # noqa: S308 - drawn by us; every word in it is escaped there
        "combined": facts["combined"], "families": [m for m in models if m["members"]], "deltas": facts["deltas"],
        "left_out": facts["left_out"], "diagnostics": [_said(d) for d in facts["diagnostics"]], "overlaps": facts["overlaps"],
        "linkage": linked and {**linked, "models": [{**m, "name": _(MODELS[m["model"]])} for m in linked["models"]]},
        "by_stratum": [{**_shown(s), "name": s["name"], "observed": s["observed"]} for s in facts.get("strata", [])],
    }  # fmt: skip


@require_POST
@needs("see_estimates", "estimates")
def move_estimate(request: Request, ref: str) -> HttpResponse:
    """Stop the work on an estimate, or go on where it stopped."""
    this = situations.get(access.estimates(request.user).select_related("job__situation__state").exclude(job=None), ref)
    looking.move_job(this.job, move_of(request.POST.get("move", ""), ("stop_job", "resume_job")), by=request.user)
    return done(request, _("Done."), "estimate", this.ref)
