"""Decide: proposals and votes."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.accountability import access as findings
from answerable.accountability import lifecycle as finding_lifecycle
from answerable.accountability.models import Finding
from answerable.alliance.models import State
from answerable.alliance.sentences import measure_name, said
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.common.tables import measures
from answerable.council import access, actions, lifecycle, queries
from answerable.monitoring.access import get
from answerable.monitoring.forms import Day
from answerable.monitoring.models import Party, Situation
from answerable.record.pages import chain


def measure_choices() -> list[tuple[str, str]]:
    """The ladder, rung by rung, without what the Chair decides alone."""
    return [(c, f"{c} {measure_name(c)}") for c, m in measures().items() if m["decision_rule"] != "DR-CHAIR"]


class ProposalForm(forms.Form):
    """Form A9."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    measure_code = forms.ChoiceField(label=gettext_lazy("Measure"), choices=measure_choices)
    situation = forms.ModelChoiceField(label=gettext_lazy("Situation"), queryset=Situation.objects.exclude(state=None))
    target_state = forms.ModelChoiceField(
        label=gettext_lazy("Target state"), queryset=State.objects.all(), required=False
    )
    target_party = forms.ModelChoiceField(label=gettext_lazy("Target party"), required=False,
                                          queryset=Party.objects.filter(imported=None))  # fmt: skip
    findings = forms.ModelMultipleChoiceField(label=gettext_lazy("Findings it rests on"), queryset=Finding.objects.none(),
                                              required=False, widget=forms.CheckboxSelectMultiple)  # fmt: skip
    objective = forms.CharField(
        label=gettext_lazy("Objective"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    exception_text = forms.CharField(
        label=gettext_lazy("Humanitarian exception"), required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    benchmark = forms.CharField(
        label=gettext_lazy("Benchmark for lifting, with weight 100"), required=False, max_length=200
    )
    expires_on = Day(label=gettext_lazy("Expires on"), required=False)

    def __init__(self, *args: Any, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = findings.findings(by).filter(status__in=finding_lifecycle.IN_FORCE)
        self.fields["findings"].queryset = visible  # type: ignore[attr-defined]


class PaperForm(forms.Form):
    """A paper on file."""

    kind = forms.ChoiceField(label=gettext_lazy("Paper"), choices=[
        ("credible_information", gettext_lazy("Credible information")), ("risk_assessment", gettext_lazy("Risk assessment")),
        ("impact_assessment", gettext_lazy("Impact assessment")), ("legal_opinion", gettext_lazy("Legal opinion")),
        ("case_file_review", gettext_lazy("Case file review")), ("individual_link", gettext_lazy("Individual link")),
        ("due_diligence", gettext_lazy("Due diligence")), ("complementarity_note", gettext_lazy("Complementarity note")),
        ("unit_identified", gettext_lazy("Unit identified")), ("un_regime", gettext_lazy("United Nations regime")),
        ("draft_shared", gettext_lazy("Draft shared")), ("clause_steps", gettext_lazy("Steps the clause requires")),
        ("notice", gettext_lazy("Notice")), ("evaluation_period", gettext_lazy("Evaluation period")),
        ("evaluation_report", gettext_lazy("Evaluation report")), ("political_dialogue", gettext_lazy("Political dialogue")),
        ("consent_crim", gettext_lazy("Consent for criminal justice (CP-CRIM)")),
    ])  # fmt: skip
    on = Day(label=gettext_lazy("Dated"))


@needs("see_measures", "decide")
def decide(request: Request) -> HttpResponse:
    """Proposals under way, and the way to measures."""
    rows = [
        [{"url": reverse("proposal", args=[p.ref]), "text": p.title}, p.measure_code, p.proposer, {"status": p.status}]
        for p in access.proposals(request.user)[:200]
    ]
    links = [{"url": reverse("measures"), "words": _("Measures")}]
    if authority.allows(request.user, "table_proposal", Place("proposals")):
        links.append({"url": reverse("table-proposal"), "words": _("Table a proposal")})
    head = [_("Proposal"), _("Measure"), _("Proposed by"), _("State")]
    return render(
        request, "list.html", {"heading": _("Proposals"), "tables": [{"head": head, "rows": rows}], "links": links}
    )


@needs("table_proposal", "proposals")
def table_proposal(request: Request) -> HttpResponse:
    """Table a proposal."""

    def act(data: dict[str, Any]) -> HttpResponse:
        text = data.pop("benchmark")
        data["findings"] = list(data["findings"])
        made = actions.table_proposal(
            **data,
            benchmarks=[{"text": text, "weight": 100, "critical": True}] if text else [],
            by=request.user,
        )
        return done(request, _("The proposal is tabled; a second sponsor carries it on."), "proposal", made.ref)

    return form_page(request, ProposalForm(request.POST or None, by=request.user), heading=_("Table a proposal"),
                     button=_("Table"), act=act, cancel=reverse("decide"))  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "sponsor": _("Sponsor"), "check_prerequisites": _("Check prerequisites"), "check_law": _("Pass legal check"),
        "check_safety": _("Pass safety check"), "circulate": _("Circulate"), "open_vote": _("Open the vote"),
        "withdraw_proposal": _("Withdraw"),
    }  # fmt: skip


@needs("see_measures", "decide")
def proposal(request: Request, ref: str) -> HttpResponse:
    """The text, the rule and its arithmetic, and who stands where."""
    this = get(access.proposals(request.user), ref)
    voting = this.status == lifecycle.MEETING
    decided = bool(this.result)
    count = queries.tally(this) if voting or decided else None
    who = queries.entitlement(this)
    ballots = {b.state.code: b for b in this.ballots.select_related("state")} if not decided else {}
    choices = dict(this.electorate.get("ballots", {})) if decided else {c: b.choice for c, b in ballots.items()}
    words = {"for": _("for"), "against": _("against"), "abstain": _("abstains"), "": _("no ballot")}
    excluded = this.electorate.get("excluded", who.excluded) if decided else who.excluded
    eligible = this.electorate.get("eligible", who.eligible) if decided else who.eligible
    standing = [(s, words[choices.get(s.code, "")] if s.code in eligible else said(excluded.get(s.code, "")))
                for s in State.objects.filter(code__in=[*eligible, *excluded]).order_by("name")]  # fmt: skip
    arithmetic: Any = this.result.get("arithmetic") if decided else count.arithmetic if count else []
    chart = []
    if count:
        shown: Any = this.result if decided else count.__dict__
        chart = [{"key": k, "choice": w, "n": shown[f]} for k, f, w in (
            ("for", "for_", _("for")), ("against", "against", _("against")), ("abstain", "abstain", _("abstains")),
            ("absent", "absent", _("no ballot")))]  # fmt: skip
    table = {**lifecycle.PROPOSAL_MOVES}
    context = moves(request.user, this, _words(), table, reverse("move-proposal", args=[this.ref]))
    return render(
        request, "council/proposal.html",
        {"heading": this.title, "object": this, "standing": standing, "arithmetic": arithmetic, "chart": chart,
         "margin": this.result.get("margin") if decided else count.margin if count else "",
         "checks": this.checks or actions.prerequisites(this), "sponsors": [s.state for s in this.sponsors.select_related("state")],
         "may_vote": voting and authority.allows(request.user, "cast_ballot", this),
         "may_declare": voting and authority.allows(request.user, "declare_result", this),
         "may_file": authority.allows(request.user, "add_paper", this) and this.status not in lifecycle.ENDED,
         "mine": said(choices.get(request.user.principal().state, "")),
         **context, **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_measures", "decide")
def move_proposal(request: Request, ref: str) -> HttpResponse:
    """One step of a proposal."""
    this = get(access.proposals(request.user), ref)
    name, by = request.POST.get("move", ""), request.user
    steps: dict[str, Any] = {"sponsor": actions.sponsor_proposal, "open_vote": actions.open_vote,
                             "withdraw_proposal": actions.withdraw_proposal, "declare": actions.declare_result}  # fmt: skip
    if name in steps:
        steps[name](this, by=by)
    else:
        actions.check_proposal(this, name if name in _words() else "check_prerequisites", by=by)
    return done(request, _("Done."), "proposal", this.ref)


@require_POST
@needs("see_measures", "decide")
def cast_ballot(request: Request, ref: str) -> HttpResponse:
    """Cast or replace one's state's ballot."""
    this = get(access.proposals(request.user), ref)
    actions.cast_ballot(this, request.POST.get("choice", ""), by=request.user)
    return done(
        request, _("The ballot is cast. It may be replaced until the result is declared."), "proposal", this.ref
    )


@needs("see_measures", "decide")
def add_paper(request: Request, ref: str) -> HttpResponse:
    """Note a paper on file."""
    this = get(access.proposals(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        day: date = data["on"]
        actions.add_paper(this, data["kind"], day, by=request.user)
        return done(request, _("The paper is on file."), "proposal", this.ref)

    return form_page(request, PaperForm(request.POST or None), heading=_("Note a paper on file"), button=_("Note it"),
                     act=act, lead=this.title, cancel=reverse("proposal", args=[ref]))  # fmt: skip
