"""Early warning: the matrix of indicators, the level with its clock, the person who confirms it; and the forecast."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.pages import Request, done, form_page, needs
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.tables import label, obligations, translated
from answerable.engines.warning.scores import MEASURES
from answerable.monitoring import access as monitoring
from answerable.monitoring.models import Situation
from answerable.monitoring.warning import access, actions, forms, lifecycle, queries, rules, says
from answerable.monitoring.warning.models import Alert, Forecast, WarningEntry
from answerable.record.pages import chain
from answerable.vault import actions as vault

PER_PAGE = 50
SIDE = 300  # of the calibration plot
CHAIN = ("situation__state", "decided_by")


@needs("see_levels", "warnings")
def warnings(request: Request) -> HttpResponse:
    """Every level one may see: what waits for a person first, then what stands."""
    found = access.alerts(request.user).select_related("situation")
    order = {lifecycle.ESCALATED: 0, lifecycle.PROPOSED: 1, lifecycle.CONFIRMED: 2}
    live = sorted(found.filter(status__in=order)[:200], key=lambda a: (order[a.status], -rules.rank(a.level), a.due_at))
    head = [_("Situation"), _("Level"), _("State"), _("To confirm by")]
    rows = [
        [{"url": reverse("alert", args=[a.ref]), "text": a.situation.name}, says.level(a.level), _status(a),
         {"hours": a.due_at} if a.waiting else "–"]
        for a in live
    ]  # fmt: skip
    links = []
    if authority.allows(request.user, "see_forecasts", Place("forecasts")):
        links.append({"url": reverse("forecast"), "words": _("Forecast for analysts")})
    return render(
        request, "list.html",
        {"heading": _("Early warning"), "tables": [{"head": head, "rows": rows}], "links": links, "lead": _caution()},
    )  # fmt: skip


def _caution() -> str:
    """What every page of early warning says of itself. The forecast's pages say what its label is."""
    return _("A level rests on what was observed and reported; absence of reports is not absence.")


def _forecast_caution() -> str:
    return _("The label is what was reported; absence of reports is not absence.")


def _status(alert: Alert) -> str:
    return {
        lifecycle.PROPOSED: _("Proposed by the rules"), lifecycle.ESCALATED: _("Escalated to the Chair"),
        lifecycle.CONFIRMED: _("Confirmed by a person"), lifecycle.NOT_CONFIRMED: _("Not confirmed"),
        lifecycle.SUPERSEDED: _("Overtaken by a higher level"), lifecycle.STEPPED_DOWN: _("Stepped down"),
        lifecycle.WITHDRAWN: _("Withdrawn: nothing carries it any more"),
    }[alert.status]  # fmt: skip


def _situation(request: Request, ref: str) -> Situation:
    """The situation, unless it is the restricted file on the person's own state: then it is not there."""
    this: Situation = monitoring.get(monitoring.situations(request.user).select_related("state"), ref)
    if access.recused(request.user, this):
        raise Http404
    return this


@needs("see_levels", "warnings")
def situation_warning(request: Request, ref: str) -> HttpResponse:
    """One situation's early warning: to those who watch the matrix and the level; to others the confirmed level."""
    this, today = _situation(request, ref), clock.today()
    works = access.works_on_levels(request.user)
    shown = list(
        access.entries(request.user)
        .filter(situation=this, on__gte=rules.first_day(today, queries.SHOWN_DAYS))
        .select_related("item", "organisation")
    )
    context: dict[str, Any] = {
        "situation": this, "caution": _caution(), "works": works, "standing": queries.standing(this),
        "sees_entries": authority.allows(request.user, "see_warning_entries", Place("warnings")),
        "may_enter": authority.allows(request.user, "enter_warning", this),
        "matrix": _matrix(queries.matrix(shown, today)), "entries": [_line(e, today) for e in shown],
        "stages": [says.stage(s) for s in rules.STAGES], "today": today,
    }  # fmt: skip
    if context["standing"]:
        context["standing_level"] = says.level(context["standing"].level)
        context["consequences"] = says.follows(context["standing"].level, context["standing"].obligations)
    if works:
        with reading_as(CLOCK):
            now, falls = queries.reading(this, today), queries.what_would_lower(this, today)
        waiting = queries.waiting(this)
        context |= {
            "level": now.level, "level_name": says.level(now.level), "score": rules.written(now.score),
            "explained": says.explained(now), "falls": says.fall(falls, now.level), "waiting": waiting,
            "waiting_level": says.level(waiting.level) if waiting else "", "victims": now.victims,
            "waiting_status": _status(waiting) if waiting else "",
            "history": [(a, says.level(a.level), _status(a)) for a in Alert.objects.filter(situation=this)[:50]],
        }  # fmt: skip
    return render(request, "monitoring/warning/situation.html", context)


def _matrix(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for group in groups:
        group["name"] = says.category(group["category"])
        for row in group["rows"]:
            row["name"] = says.indicator(row["code"])
    return groups


def _line(entry: WarningEntry, today: Any) -> dict[str, Any]:
    fact = queries.facts([entry])[0]
    inside = rules.first_day(today, rules.WINDOW_DAYS) <= entry.on
    if entry.taken_back_at:
        state = _("taken back")
    elif not fact.live:
        state = _("its item may no longer be used")
    elif not inside:
        state = _("older than sixty days")
    else:
        state = _("counts whole") if fact.qualifies else _("counts half")
    return {"entry": entry, "name": says.indicator(entry.indicator), "stage": says.stage(entry.stage), "state": state}


@needs("see_warning_entries", "warnings")
def enter_warning(request: Request, ref: str) -> HttpResponse:
    """Enter an observation (form A4)."""
    this = _situation(request, ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        data["credibility"] = int(data["credibility"])
        actions.enter_warning(this, **data, by=request.user)
        return done(request, _("The observation is entered; what was seen is sealed."), "situation-warning", this.ref)

    form = forms.EntryForm(
        request.POST or None, items=access.items_of(request.user, this), initial={"on": clock.today()}
    )
    return form_page(request, form, heading=_("Enter an observation"), button=_("Enter"), act=act, lead=f"{this.name}. {_caution()}",
                     cancel=reverse("situation-warning", args=[ref]))  # fmt: skip


@needs("see_warning_entries", "warnings")
def entry(request: Request, ref: str) -> HttpResponse:
    """One observation: its grade, what it counts, and taking it back."""
    this = monitoring.get(
        access.entries(request.user).select_related("situation", "item__incident", "organisation", "entered_by"), ref
    )
    line = _line(this, clock.today())
    return render(
        request, "monitoring/warning/entry.html",
        {"entry": this, "line": line, "caution": _caution(),
         "category": says.category(queries.category(this.indicator)),
         "may_take_back": this.taken_back_at is None and authority.allows(request.user, "take_back_warning", this),
         "may_read": authority.allows(request.user, "read_sealed", this, purpose="verification"),
         "locked": request.user.vault_session is None, **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_warning_entries", "warnings")
def take_back(request: Request, ref: str) -> HttpResponse:
    """Take a mistaken observation back."""
    this = monitoring.get(access.entries(request.user), ref)
    actions.take_back_warning(this, by=request.user)
    return done(request, _("Taken back: it no longer counts."), "warning-entry", this.ref)


@require_POST
@needs("see_warning_entries", "warnings")
def read_entry(request: Request, ref: str) -> HttpResponse:
    """Open what was seen; leaves a record entry."""
    this = monitoring.get(access.entries(request.user).select_related("entered_by", "organisation", "item"), ref)
    text = vault.read(this, "note", purpose="verification", by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _("What was seen"), "text": text, "ref": this.ref,
                                                       "back": reverse("warning-entry", args=[this.ref])})  # fmt: skip


def _alert(request: Request, ref: str) -> Alert:
    this: Alert = monitoring.get(access.alerts(request.user).select_related(*CHAIN), ref)
    return this


@needs("see_levels", "warnings")
def alert(request: Request, ref: str) -> HttpResponse:
    """One level: what carries it, its clock, what a person decided, and what follows."""
    this, by = _alert(request, ref), request.user
    works = access.works_on_levels(by)
    kept = queries.kept(this)
    context: dict[str, Any] = {
        "alert": this, "level_name": says.level(this.level), "status": _status(this), "works": works,
        "caution": _caution(), "waiting": this.waiting, "reason": says.reasons().get(this.reason, ""),
        "end_reason": says.reasons().get(this.end_reason, ""),
        "consequences": says.follows(this.level, this.obligations or queries.triggered(this.level)),
        "obligations": [(c, translated("obligation", c, get_language() or "en") or obligations()[c]["text"]) for c in this.obligations],
        "may_confirm": this.waiting and authority.allows(by, "confirm_alert", this), "standing": this.status == lifecycle.CONFIRMED,
        "why_not": authority.decide(by, "confirm_alert", this).words if this.waiting else "",
        "may_step_down": this.status == lifecycle.CONFIRMED and authority.allows(by, "step_down_alert", this),
        "may_hold": this.status == lifecycle.CONFIRMED and this.dialogue == actions.DUE and authority.allows(by, "hold_dialogue", this),
    }  # fmt: skip
    if works or this.waiting:
        with reading_as(CLOCK):
            now = queries.reading(this.situation, clock.today())
        context |= {"now": says.level(now.level), "lower": rules.rank(now.level) < rules.rank(this.level)}
    if works:
        context |= {
            "explained": says.explained(kept),
            "may_read": bool(this.words) and authority.allows(by, "read_sealed", this, purpose="verification"),
            "locked": by.vault_session is None, **chain(by, this.ref),
        }  # fmt: skip
    elif this.status == lifecycle.ESCALATED:
        # The duty officer decides on indicators and stages; observations, days, places and sources stay with monitoring.
        context |= {"carries": says.carries(kept), "score": rules.written(kept.score), "victims": kept.victims}
    return render(request, "monitoring/warning/alert.html", context)


def _decide(request: Request, ref: str, form: Any, act: Any, heading: str, button: str, sentence: str) -> HttpResponse:
    this = _alert(request, ref)

    def run(data: dict[str, Any]) -> HttpResponse:
        act(this, **data, by=request.user)
        # Whoever does not work on levels may not see the one just declined: they go back to the list.
        there = access.alerts(request.user).filter(pk=this.pk).exists()
        return done(request, sentence, *(("alert", this.ref) if there else ("warnings",)))

    lead = f"{says.level(this.level)}: {this.situation}. {_caution()}"
    return form_page(
        request, form, heading=heading, button=button, act=run, lead=lead, cancel=reverse("alert", args=[this.ref])
    )


@needs("see_levels", "warnings")
def confirm_alert(request: Request, ref: str) -> HttpResponse:
    """A person confirms the level."""
    return _decide(request, ref, forms.ConfirmForm(request.POST or None), actions.confirm_alert,
                   _("Confirm the level"), _("Confirm"), _("Confirmed: from now on there is an alert."))  # fmt: skip


@needs("see_levels", "warnings")
def decline_alert(request: Request, ref: str) -> HttpResponse:
    """A person does not confirm the level."""
    return _decide(request, ref, forms.DeclineForm(request.POST or None), actions.decline_alert,
                   _("Do not confirm the level"), _("Do not confirm"),
                   _("Not confirmed. It is proposed again when something new carries it."))  # fmt: skip


@needs("see_levels", "warnings")
def step_down_alert(request: Request, ref: str) -> HttpResponse:
    """A person ends an alert."""
    return _decide(request, ref, forms.StepDownForm(request.POST or None), actions.step_down_alert,
                   _("Step down"), _("End the alert"), _("The alert has ended."))  # fmt: skip


@needs("see_levels", "warnings")
def hold_dialogue(request: Request, ref: str) -> HttpResponse:
    """The Chair notes that the early-warning dialogue took place."""
    return _decide(request, ref, forms.DialogueForm(request.POST or None), actions.hold_dialogue,
                   _("Note the early-warning dialogue (ME-0.1)"), _("Note"), _("Noted."))  # fmt: skip


@require_POST
@needs("see_alerts", "warnings")
def read_alert(request: Request, ref: str) -> HttpResponse:
    """Open what was written about a level; leaves a record entry."""
    this = _alert(request, ref)
    if not this.words:
        raise Refused(_("Nobody has decided on this level yet, so nothing was written about it."), reason="nothing")
    text = vault.read(this, "words", purpose="verification", by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _("What was written about it"), "text": text, "ref": this.ref,
                                                       "back": reverse("alert", args=[this.ref])})  # fmt: skip


# --- the forecast: analysts alone ------------------------------------------------------------------------------------


def _measures() -> dict[str, str]:
    return {
        "rps": _("Ranked probability score"), "log": _("Log score"), "brier2": _("Brier, numerous or more"),
        "auc2": _("AUC, numerous or more (larger is better)"), "onset_ap": _("Average precision of onset (larger is better)"),
        "calibration": _("Calibration error, any report"),
    }  # fmt: skip


def _models() -> dict[str, str]:
    return {
        "mean": _("Forecast (mean of the two)"), "ordinal": _("Ordinal model"), "boosted": _("Boosted trees"),
        "persistence": _("Persistence: as this year"), "climatology": _("Climatology: as always"),
        "markov": _("Markov: as after such a year"),
    }  # fmt: skip


@needs("see_forecasts", "forecasts")
def forecast(request: Request) -> HttpResponse:
    """The newest forecast, always beside persistence, climatology and Markov."""
    found = access.forecasts(request.user)
    newest = found.filter(status="MADE").first()
    asked = found.filter(status="ASKED").first()
    last = found.first()
    context: dict[str, Any] = {
        "forecast": newest, "asked": asked, "caution": _forecast_caution(), "may_ask": asked is None,
        "problem": last.problem if last is not None and last.status == "FAILED" else "",
    }  # fmt: skip
    if newest is not None:
        context |= _shown(request, newest)
    return render(request, "monitoring/warning/forecast.html", context)


def _shown(request: Request, newest: Forecast) -> dict[str, Any]:
    tested, names, measures = newest.evaluation, _models(), _measures()
    words = request.GET.get("q", "").strip()[:80].casefold()
    actors = [a for a in newest.actors if words in a["name"].casefold()]
    number = request.GET.get("page", "1")
    page = int(number) if number.isdigit() and 1 <= int(number) <= 10_000 else 1
    start = (page - 1) * PER_PAGE
    # Whole numbers, because a template would write a fraction as the reader's language does and SVG would not read it.
    plot = [
        {"model": names[m], "shape": shape, "x": round(SIDE * b["said"]), "y": round(SIDE * (1 - b["seen"])), "n": b["n"],
         "said_text": f"{b['said']:.3f}", "seen_text": f"{b['seen']:.3f}"}
        for m, shape in (("mean", "dot"), ("persistence", "□"), ("climatology", "×"), ("markov", "△")) for b in tested["bins"][m]
    ]  # fmt: skip
    return {
        "years": tested["years"], "n": tested["forecasts"], "draws": tested["draws"], "onset_base": f"{tested['onset_base']:.3f}",
        "measure_names": [measures[m] for m in MEASURES],
        "scores": [
            {"name": names[m], "skill": f"{tested['skill'][m]:.3f}",
             "cells": [_interval(tested["scores"][m][x]) for x in MEASURES]} for m in names
        ],
        "against": [
            {"name": names[m], "cells": [_interval(tested["against"][m][x], "+") for x in MEASURES]}
            for m in ("persistence", "climatology", "markov")
        ],
        "plot": plot,
        "ticks": [{"x": SIDE * t // 4, "y": SIDE - SIDE * t // 4 + 4, "text": f"{25 * t} %"} for t in range(5)],
        "actors": [_actor(a) for a in actors[start : start + PER_PAGE]],
        "more": page + 1 if len(actors) > start + PER_PAGE else 0, "before": page - 1, "words": request.GET.get("q", "")[:80],
        "method": newest.method,
    }  # fmt: skip


def _interval(i: dict[str, float], sign: str = "") -> str:
    return f"{i['value']:{sign}.4f} [{i['low']:{sign}.4f}; {i['high']:{sign}.4f}]"


def _actor(a: dict[str, Any]) -> dict[str, Any]:
    chances = a["chances"]
    return {
        "name": a["name"], "conflict": a["conflict"], "kind": label("actor_type", a["actor_type"], get_language() or "en"), "now": a["now"],
        "levels": [f"{100 * p:.0f} %" for p in chances["mean"]],
        "others": [f"{100 * (1 - chances[m][0]):.0f} %" for m in ("mean", "persistence", "climatology", "markov")],
    }  # fmt: skip


@require_POST
@needs("see_forecasts", "forecasts")
def ask_forecast(request: Request) -> HttpResponse:
    """Ask for a forecast; the worker makes it."""
    actions.ask_forecast(by=request.user)
    return done(request, _("Asked for. It takes a minute or two; this page shows it when it is made."), "forecast")
