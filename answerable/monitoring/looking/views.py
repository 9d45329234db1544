"""The situation workspace, what a person keeps of it, and what is released to members."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.authority import engine as authority
from answerable.authority.pages import Request, Uncounted, done, move_of, needs
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.monitoring import access as monitoring
from answerable.monitoring.looking import access, actions, lifecycle, queries, rules, setting
from answerable.monitoring.looking.models import SavedView
from answerable.monitoring.looking.panels import Look, panels
from answerable.monitoring.models import Situation
from answerable.record.pages import chain

PER_PAGE = 25


@needs("see_situations")
def situation(request: Request, ref: str) -> HttpResponse:
    """One situation: filters, what changed, and the panels of every field of work."""
    this = monitoring.get(monitoring.situations(request.user).select_related("state", "imported"), ref)
    filters, missed = queries.read(this, request.GET)  # type: ignore[arg-type]
    keeps = authority.allows(request.user, "keep_views", Place("views"))
    kept = list(access.views(request.user).filter(situation=this).select_related("person")) if keeps else []
    for view in kept:
        view.mine = view.person.ref == request.user.ref  # type: ignore[attr-defined]
    if not request.GET and (first := next((v for v in kept if v.is_default and v.mine and v.query), None)):  # type: ignore[attr-defined]
        return redirect(f"{request.path}?{first.query}")
    look = Look(request.user, this, filters)
    return render(
        request, "monitoring/looking/workspace.html",
        {
            "situation": this, "look": look, "panels": panels(look), "misread": _misread(missed), "query": filters.query, "views": kept,
            "keeps_views": keeps, "warning": _warning(request.user, this), **_filter_form(look), **_changed(look),
            "may_report": authority.allows(request.user, "receive_report", this),
            "may_assess": authority.allows(request.user, "assess_pattern", this),
            "may_enter_party": authority.allows(request.user, "enter_party", this),
            "may_count": authority.allows(request.user, "see_patterns", Place("see_patterns")),
            "may_search": authority.allows(request.user, "start_search", this),
            "cards": [card for cards in question("object_cards").ask(request.user, this) for card in cards],
            "may_make": authority.allows(request.user, "make_bulletin", this),
            **chain(request.user, this.ref),
        },
    )  # fmt: skip


def _warning(by: Any, situation: Situation) -> dict[str, Any] | None:
    """The early-warning level in force, for members and the alliance's own people; never for the state it is about."""
    if not authority.allows(by, "see_aggregates", situation):
        return None
    return next((x for x in question("early_warning_level").ask(situation) if x), None)


def _filter_form(look: Look) -> dict[str, Any]:
    if not look.sees_incidents:
        return {}
    offered = look.offered
    words = {
        "area": _("First-level area"), "actor": _("Armed actor"), "form": _("Form of violence"), "level": _("Level"),
        "since": _("Happened from"), "until": _("until"), "organisation": _("Organisation"), "status": _("State of the report"),
        "dates": _("How the date is known"),
    }  # fmt: skip
    fields = []
    for name in rules.FILTER_NAMES:
        value, choices = getattr(look.filters, name), offered.get(name)
        foreign = bool(value) and choices is not None and value not in dict(choices)
        fields.append({"name": name, "words": words[name], "value": value, "choices": choices, "foreign": foreign})
    return {"fields": fields, "chips": queries.chips(look.filters, offered)}


def _misread(missed: list[str]) -> str:
    """The filters of an address that were not understood, by name; nothing of what was typed comes back."""
    names = queries.filter_names() if missed else {}
    return ", ".join(names[n] for n in missed)


def listed(request: Request, ref: str) -> HttpResponse:
    """The incidents that a number on a situation's page counts, with that number above them."""
    this = monitoring.get(monitoring.situations(request.user), ref)
    filters, missed = queries.read(this, request.GET)  # type: ignore[arg-type]
    look = Look(request.user, this, filters)
    total, found, whole = queries.listed(request.user, this, filters)
    page = Uncounted(found, PER_PAGE).page_of(request.GET.get("page"))
    query = urlencode({"situation": this.ref, **filters.set()})
    return render(
        request, "monitoring/looking/listed.html",
        {"situation": this, "total": total, "page": page, "rows": page["rows"], "whole": whole, "read": rules.ROWS_READ,
         "misread": _misread(missed), "may_lie": queries.may_lie(request.user, this, filters), "may_list": look.may_list,
         "query": f"{query}&", "back": filters.query or "plain=1", "chips": queries.chips(filters, look.offered)},
    )  # fmt: skip


def _changed(look: Look) -> dict[str, Any]:
    """What is new since the reader's last visit, of what they may see."""
    visit = queries.visit(look.by, look.situation)
    if visit is None:
        return {"visit": None}
    news = [
        _("A bulletin was set in %(language)s") % {"language": setting.LANGUAGES[b.language]}
        for b in access.bulletins(look.by, look.situation).filter(made_at__gt=visit.at).defer("pdf")[:10]
    ]
    years = access.tables(look.by, look.situation).filter(made_at__gt=visit.at).values_list("year", flat=True)
    news += [_("The tables of %(year)d were released") % {"year": y} for y in sorted(set(years))]
    changes = queries.changes(look.by, look.situation, visit) if look.sees_incidents else {"lines": [], "whole": True}
    return {"visit": visit, "changes": changes, "news": news}


def _back(request: Request, this: Situation) -> str:
    """The page one came from, with its filters: only ever our own address."""
    query = rules.read_filters(_posted(request)).query
    return f"{reverse('situation', args=[this.ref])}?{query or 'plain=1'}"


def _posted(request: Request) -> dict[str, str]:
    from django.http import QueryDict

    return {k: str(v) for k, v in QueryDict(request.POST.get("query", "")[:600]).items()}


@require_POST
@needs("see_situations")
def mark_seen(request: Request, ref: str) -> HttpResponse:
    """Say that one has read the situation."""
    this = monitoring.get(monitoring.situations(request.user), ref)
    actions.mark_seen(this, by=request.user)
    return done(request, _("From now on only what is new is listed."), _back(request, this))


@require_POST
@needs("keep_views", "views")
def save_view(request: Request, ref: str) -> HttpResponse:
    """Keep the filters of a page under a name."""
    this = monitoring.get(monitoring.situations(request.user), ref)
    actions.save_view(this, name=request.POST.get("name", ""), filters=rules.read_filters(_posted(request)),
                      shared="shared" in request.POST, by=request.user)  # fmt: skip
    return done(request, _("The view is kept."), _back(request, this))


@require_POST
@needs("keep_views", "views")
def move_view(request: Request, ref: str, view: str) -> HttpResponse:
    """Remove a saved view, or let the situation open with it."""
    this = monitoring.get(monitoring.situations(request.user), ref)
    found: SavedView = monitoring.get(access.views(request.user).filter(situation=this), view)
    if move_of(request.POST.get("move", ""), ("remove", "default")) == "remove":
        actions.remove_view(found, by=request.user)
        return done(request, _("The view is removed."), _back(request, this))
    actions.choose_default_view(found, by=request.user)
    return done(request, _("Done."), _back(request, this))


def _makes(request: Request, ref: str) -> Situation:
    """The situation, for those who may ask for bulletins of it; 404 for everyone else."""
    from django.http import Http404

    this: Situation = monitoring.get(monitoring.situations(request.user).select_related("state"), ref)
    if not authority.allows(request.user, "make_bulletin", this):
        raise Http404
    return this


@needs("see_incidents")
def bulletins(request: Request, ref: str) -> HttpResponse:
    """Bulletins of a situation: what is under way, how far it is, and what was set."""
    this = _makes(request, ref)
    refused = ""
    if request.method == "POST":
        try:
            actions.ask_bulletin(this, languages=request.POST.getlist("languages"), by=request.user)
            return done(request, _("It is being set; this page shows how far it is."), "bulletins", this.ref)
        except Refused as no:
            refused = str(no)
    jobs = list(access.jobs(request.user, this)[:20])
    made: dict[int, list[Any]] = {}
    for b in access.bulletins(request.user, this).filter(job__in=jobs).defer("pdf"):
        made.setdefault(b.job_id, []).append(b)
    for job in jobs:
        job.set = made.get(job.pk, [])  # type: ignore[attr-defined]
    context = {
        "situation": this, "jobs": jobs, "tongues": setting.LANGUAGES, "refused": refused,
        "chosen": request.POST.getlist("languages") if refused else [(get_language() or "en")[:2]],
        "working": any(j.status == lifecycle.WAITING for j in jobs),
        "years": sorted(set(access.tables(request.user, this).values_list("year", flat=True))),
        "newest": rules.releasable(clock.today()),
        "may_release": authority.allows(request.user, "release_tables", this),
    }  # fmt: skip
    if request.headers.get("X-Part") == "jobs":
        reply = render(request, "monitoring/looking/_jobs.html", context)
        reply.headers["X-Working"] = "1" if context["working"] else "0"
        return reply
    return render(request, "monitoring/looking/bulletins.html", context, status=409 if refused else 200)


@require_POST
@needs("see_incidents")
def move_job(request: Request, ref: str) -> HttpResponse:
    """Stop long work, or go on with it."""
    job = monitoring.get(access.every_job(request.user), ref)
    name = move_of(request.POST.get("move", ""), ("stop_job", "resume_job"))
    actions.move_job(job, name, by=request.user)
    return done(request, _("Done."), "bulletins", job.situation.ref)


@require_POST
@needs("see_incidents")
def release_tables(request: Request, ref: str) -> HttpResponse:
    """Release a year's tables to members."""
    this = _makes(request, ref)
    year = request.POST.get("year", "")
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise Refused(_("Write the year in four digits."), reason="year")
    actions.release_tables(this, year=int(year), by=request.user)
    return done(request, _("The tables are released to members."), "bulletins", this.ref)


@needs("see_situations")
def bulletin(request: Request, ref: str) -> HttpResponse:
    """One bulletin as PDF, for members."""
    found = access.get_bulletin(request.user, ref)
    reply = HttpResponse(bytes(found.pdf), content_type="application/pdf")
    name = f"bulletin-{found.on.isoformat()}-{found.language}.pdf"
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return reply
