"""Pages on which every number leads to what carries it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, needs
from answerable.monitoring import access as monitoring
from answerable.monitoring.models import Party, PatternAssessment, Situation
from answerable.monitoring.patterns import access, actions, forms, live, queries, rules
from answerable.record.pages import chain
from answerable.vault import actions as vault

SHOWN = 200


def numbers(by: Any, situation: Situation, *, actor: str = "") -> dict[str, Any]:
    """The newest window of each actor, or of one, for the page of a situation; nothing for whoever does not see patterns."""
    if not access.sees(by):
        return {"lines": [], "sees_patterns": False}
    return {"lines": queries.newest(situation, actor=actor), "sees_patterns": True,
            "may_indicate": authority.allows(by, "record_indicator", situation)}  # fmt: skip


def carriers(by: Any, refs: list[str], levels: Mapping[str, str]) -> dict[str, Any]:
    """Incidents that carry a number: a link each with its items, as far as this person opens them, and the rest as a number.

    `levels` are those they have for the actor the number is about: said where one has another as a whole, and only of a
    report that has a level to show at all.
    """
    seen, hidden = access.carried(by, refs[:SHOWN])
    items = queries.items_of(seen)
    return {
        "carriers": [
            {
                "incident": (i := seen[ref]),
                "items": items.get(ref, 0),
                "level": levels[ref] if (whole := i.concluded_level) and levels.get(ref, whole) != whole else "",
            }
            for ref in refs[:SHOWN]
            if ref in seen
        ],
        "not_shown": hidden + max(0, len(refs) - SHOWN),
    }


@needs("see_patterns")
def window(request: Request, ref: str, day: str) -> HttpResponse:
    """Twelve months of one actor: each test, what carries it and what would make it fall, and how it came to be so."""
    state = access.state(request.user, ref, day)
    party = state.party
    first, last = rules.window(state.ends_on)
    with live.seeing_all():
        found = queries.result(party, on=state.ends_on)
        counted = queries.rows_between([party.pk], first, last)
        perhaps, perhaps_victims = queries.may_lie([party.pk], first, last)
    levels = {c.row.ref: c.level for c in counted}
    further = [c.row for c in counted if not c.row.verified]
    refs = found["verified"]
    return render(
        request, "monitoring/patterns/window.html",
        {"state": state, "line": queries.line_of(party, state), "first": first, "last": last, "r": found,
         "tests": list(found["tests"].values()), "others": len(further), "other_victims": sum(r.victims for r in further),
         "perhaps": perhaps, "perhaps_victims": perhaps_victims,
         "further": carriers(request.user, [r.ref for r in further], levels),
         "changes": _changes(party, state.ends_on.isoformat()),
         "indicators": access.indicators(request.user).filter(party=party, ended_at=None),
         "assessments": monitoring.patterns(request.user).filter(party=party)[:20], **carriers(request.user, refs, levels)},
    )  # fmt: skip


def _changes(party: Party, day: str) -> list[dict[str, Any]]:
    """Acts that turned a test of this very window, or changed its figures while it was the newest; others' are not its history."""
    found = party.state_changes.filter(Q(newest__ends_on=day) | Q(turned__contains=[{"ends_on": day}]))[:20]
    return [
        {"at": c.at, "reason": c.reason, "newest": c.newest if c.newest.get("ends_on") == day else None,
         "turned": [t for t in c.turned if t["ends_on"] == day]}
        for c in found
    ]  # fmt: skip


def about(by: Any, pattern: PatternAssessment) -> dict[str, Any]:
    """What the page of an assessment says beside its first result."""
    now = queries.current(pattern)
    with live.seeing_all():
        within = queries.spans(pattern.party, *rules.window(pattern.on), chain=bool(pattern.result.get("chain")))
        levels = {c.row.ref: c.level for c in queries.rows_within(within)}
    return {
        "r": now, "tests": list(now["tests"].values()), "first": pattern.result, "counts": queries.counts_of(now),
        "restatements": list(pattern.restatements.order_by("version")[:50]), "prevalence": queries.prevalence_of(pattern),
        "not_supported": _not_supported(pattern.result), "panel": pattern.panel_prevalences.select_related("set_by").first(),
        "retests": pattern.retests.filter(answered_at=None).count(),
        "indicators": access.indicators(by).filter(party=pattern.party, ended_at=None),
        "may_set_prevalence": authority.allows(by, "set_prevalence", pattern), **carriers(by, now["verified"], levels),
    }  # fmt: skip


def _not_supported(made: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Indicators that were ticked and did not count when the rules were run, each with why."""
    words = {
        queries.NOT_ASSESSED: _("nobody has assessed it for this actor with source items; assess it, and run the rules again"),
        queries.FALLS_SHORT: _("its source items do not reach the standard that its assessment claims"),
        queries.ELSEWHERE: _("the incidents of its source items do not lie in these twelve months, or do not count"),
    }  # fmt: skip
    why = made.get("why_not_supported", {})
    return [
        (code, words.get(why.get(code, ""), _("it was not supported at the standard claimed")))
        for code in made.get("not_supported", [])
    ]


@needs("see_patterns")
def record_indicator(request: Request, ref: str) -> HttpResponse:
    """Assess an indicator with its items and reasons."""
    this = monitoring.get(monitoring.situations(request.user), ref)
    items = monitoring.items(request.user).filter(incident__situation=this).select_related("incident")

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.record_indicator(
            data.pop("party"), **{**data, "supporting": list(data["supporting"]), "contrary": list(data["contrary"])},
            by=request.user,
        )  # fmt: skip
        return done(request, _("The assessment is kept; its reasons are sealed."), "indicator", made.ref)

    return form_page(
        request, forms.IndicatorForm(request.POST or None, situation=this, items=items), heading=_("Assess an indicator"),
        button=_("Keep"), act=act, lead=this.name, cancel=reverse("situation", args=[this.ref]),
    )  # fmt: skip


@needs("see_patterns")
def indicator(request: Request, ref: str) -> HttpResponse:
    """One indicator: the standard claimed and the one its items reach, for and against."""
    this = monitoring.get(access.indicators(request.user).select_related("party", "situation", "made_by"), ref)
    mine = monitoring.items(request.user).select_related("incident")
    shown = {
        "supporting": mine.filter(pk__in=this.supporting.values("pk")),
        "contrary": mine.filter(pk__in=this.contrary.values("pk")),
    }
    hidden = this.supporting.count() + this.contrary.count() - sum(len(rows) for rows in shown.values())
    return render(
        request, "monitoring/patterns/indicator.html",
        {"indicator": this, **shown, "not_shown": hidden, "locked": request.user.vault_session is None,
         "may_end": this.ended_at is None and authority.allows(request.user, "record_indicator", this.situation),
         "may_read": authority.allows(request.user, "read_sealed", this, purpose="verification"),
         **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_patterns")
def end_indicator(request: Request, ref: str) -> HttpResponse:
    """Give an indicator up."""
    this = monitoring.get(access.indicators(request.user), ref)
    actions.end_indicator(this, by=request.user)
    return done(request, _("It counts no more; what rested on it was worked out again."), "indicator", this.ref)


@require_POST
@needs("see_patterns")
def read_indicator(request: Request, ref: str) -> HttpResponse:
    """Open the reasons of an indicator; leaves a record entry."""
    this = monitoring.get(access.indicators(request.user), ref)
    text = vault.read(this, "reasons", purpose="verification", by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _("Reasons"), "text": text, "ref": this.ref,
                                                       "back": reverse("indicator", args=[this.ref])})  # fmt: skip


@needs("see_patterns")
def set_prevalence(request: Request, ref: str) -> HttpResponse:
    """A panel's expert sets prevalence higher than the count, with reasons (R-LS-2)."""
    this = monitoring.get(monitoring.patterns(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.set_prevalence(this, **data, by=request.user)
        return done(request, _("Prevalence is set, beside the count."), "pattern", this.ref)

    return form_page(request, forms.PrevalenceForm(request.POST or None), heading=_("Set prevalence above the count"),
                     button=_("Set"), act=act, lead=this.ref, cancel=reverse("pattern", args=[this.ref]))  # fmt: skip
