"""Watch: situations, incidents, patterns, imports."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.alliance.days import listed
from answerable.authority import engine as authority
from answerable.authority.pages import Request, Uncounted, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.common.references import normalise
from answerable.monitoring import access, actions, forms, history, lifecycle, planning, queries, svac, verifiers
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.evidence import queries as evidence_queries
from answerable.monitoring.intake import forms as intake_forms
from answerable.monitoring.intake import queries as intake_queries
from answerable.monitoring.intake.actions import attaching
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.linking import actions as list_actions
from answerable.monitoring.linking import lists
from answerable.monitoring.linking import queries as link_queries
from answerable.monitoring.linking import views as linking
from answerable.monitoring.looking import views as looking
from answerable.monitoring.models import Import, Incident, Party, PatternAssessment, Reports, SourceItem
from answerable.monitoring.patterns import views as patterns
from answerable.monitoring.warning import actions as warning_actions
from answerable.monitoring.warning import files as warning_files
from answerable.monitoring.warning import sources as warning_sources
from answerable.record import log as record
from answerable.record.pages import chain
from answerable.vault import actions as vault
from answerable.vault.consent import queries as consents

PER_PAGE = 25


@needs("see_situations")
def situations(request: Request) -> HttpResponse:
    """The world map and the list of situations."""
    found = access.situations(request.user).select_related("state")
    words = request.GET.get("q", "").strip()[:80]
    if words:
        found = found.filter(name__icontains=words)
    if (country := request.GET.get("country", "")).isdigit():
        found = found.filter(countries__contains=[int(country)])
    page = Uncounted(found, PER_PAGE).page_of(request.GET.get("page"))
    return render(
        request,
        "monitoring/situations.html",
        {
            "page": page,
            "rows": page["rows"],
            "map": queries.latest_map(),
            "words": words,
            "may_open": authority.allows(request.user, "open_situation", Place("situations")),
            "may_import": authority.allows(request.user, "import_public_data", Place("imports")),
            "sees_incidents": authority.allows(request.user, "see_incidents", Place("incidents")),
            "sees_links": authority.allows(request.user, "see_links", Place("links")),
            "sees_actors": authority.allows(request.user, "see_actors", Place("actors")),
            "sees_levels": authority.allows(request.user, "see_levels", Place("warnings")),
        },
    )


@needs("open_situation", "situations")
def open_situation(request: Request) -> HttpResponse:
    """Begin to watch a situation."""

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.open_situation(**data, by=request.user)
        return done(request, _("The situation is watched."), "situation", made.ref)

    return form_page(request, forms.SituationForm(request.POST or None), heading=_("Open a situation"),
                     button=_("Begin to watch"), act=act, cancel=reverse("situations"))  # fmt: skip


@needs("see_situations")
def enter_party(request: Request, ref: str) -> HttpResponse:
    """Name an armed actor."""
    this = access.get(access.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.enter_party(this, **data, by=request.user)
        return done(request, _("The actor is entered."), "situation", this.ref)

    return form_page(request, forms.PartyForm(request.POST or None), heading=_("Enter an armed actor"),
                     button=_("Enter"), act=act, lead=this.name, cancel=reverse("situation", args=[ref]))  # fmt: skip


@needs("see_incidents")
def incidents(request: Request) -> HttpResponse:
    """Incidents of one's own compartments, newest first; with a situation, those that a number on its page counts."""
    if request.GET.get("situation"):
        return looking.listed(request, request.GET["situation"])
    found = access.incidents(request.user).with_actors().select_related("situation")
    status = request.GET.get("status", "")
    known = {"", *lifecycle.BEFORE_A_VERIFIER, *lifecycle.COUNTED}
    if status and status in known:
        found = found.filter(status=status)
    page = Uncounted(found, PER_PAGE).page_of(request.GET.get("page"))
    return render(
        request, "monitoring/incidents.html",
        {"page": page, "rows": page["rows"], "misread": "" if status in known else _("State of the report"), "status": status,
         "query": f"status={status}&" if status else "",
         "statuses": ["SUBMITTED", "TRIAGED", "IN_VERIFICATION", "REOPENED", "VERIFIED", "CREDIBLE", "ALLEGED"]},
    )  # fmt: skip


def _words() -> dict[str, str]:
    return {
        "triage": _("Triage"),
        "begin_verification": _("Begin verification"),
        "refer_elsewhere": _("Refer elsewhere"),
        "reopen": _("Reopen"),
    }


@needs("see_incidents")
def incident(request: Request, ref: str) -> HttpResponse:
    """One incident: how well it is known and why, its items, and what may be done now."""
    seen = access.incidents(request.user)
    if (report := intake_queries.corrects(normalise(ref))) and seen.filter(ref=report).exists():
        return redirect("incident", report)
    return _incident_page(request, seen, ref)


def _incident_page(
    request: Request, seen: Reports, ref: str, *, refused: str = "", matches: bool | None = None
) -> HttpResponse:
    """The page of a report; with `refused`, after a conclusion that was refused, and the tick of its form as it was sent."""
    this = access.get(seen.select_related("situation", "party", "organisation", "collected_by"), ref)
    shown, verifies = "", authority.allows(request.user, "verify_incident", this)
    if verifies:
        # Before anything is read for the page: of what changes meanwhile she may be told once too often, never not.
        shown = verifiers.before_her(this)
        this = access.get(seen.select_related("situation", "party", "organisation", "collected_by"), ref)
    linked = link_queries.kept_by([this.pk])
    # What a linked report rests on carries this one (R-VER-5).
    items = list(
        SourceItem.objects.filter(incident__in=[this.pk, *linked])
        .select_related("incident")
        .prefetch_related("parents")
    )
    items.sort(key=lambda i: (i.incident_id != this.pk, i.pk))
    own = verifiers.her_own_in(request.user, this) if verifies else ""
    told = history.told_of(request.user, this)
    return render(
        request,
        "monitoring/incident.html",
        {
            "incident": this,
            "standing": evidence_queries.standing([i.ref for i in items if i.contrary]),
            "items": [(i, _kind(i), intake_forms.coded_lines(intake_forms.OF_ITEM, i.further)) for i in items],
            "precision": _precisions().get(this.precision, this.precision),
            "further": intake_forms.coded_lines(intake_forms.OF_REPORT, this.further),
            "may_verify": verifies
            and not own
            and (
                this.status == lifecycle.IN_VERIFICATION
                or link_queries.linked_to_since().filter(pk=this.pk).exists()
                or verifiers.changed_since(this).exists()
            ),
            "why_not_verify": own or authority.decide(request.user, "verify_incident", this).words,
            "may_add": authority.allows(request.user, "add_item", this),
            "may_grade": authority.allows(request.user, "begin_verification", this),
            "may_read": authority.allows(request.user, "read_sealed", this, purpose="verification"),
            "may_consent": authority.allows(request.user, "withdraw_consent", consents.subject_of(this)),
            "locked": request.user.vault_session is None,
            "opened": {},
            "later": intake_queries.later_versions(this),
            "actors_changed": _actors_changed(this),
            "counted_for": _counted_for(this),
            "named_by_linked": _named_by_linked(this, seen.filter(pk__in=linked)),
            "may_name": this.status in lifecycle.ANY and authority.allows(request.user, "add_item", this),
            "concluded": this.status in lifecycle.COUNTED,
            "added_since": this.status in lifecycle.COUNTED and any(i.to_be_seen and i.waits for i in items),
            "graded_since": this.status in lifecycle.COUNTED and any(i.to_be_seen and not i.waits for i in items),
            "story_corrected": this.story_corrected and this.status in lifecycle.ASSESSED,
            "may_look": verifies and not own,
            "shown": shown,
            "refused": refused,
            "matches": this.matches_pattern if matches is None else matches,
            **linking.beside(request, this),
            **moves(
                request.user,
                this,
                _words(),
                lifecycle.INCIDENT_MOVES,
                reverse("move-incident", args=[this.ref]),
                barred={"begin_verification": own},
            ),
            "fallen_from": history.fallen_from(this, told["history"]),
            **told,
        },
        status=409 if refused else 200,
    )


def _kind(item: SourceItem) -> str:
    """What kind of source an item is, in the reader's language."""
    return intake_forms.label_of(intake_forms.BY_NAME["kind"], item.kind)


def _precisions() -> dict[str, str]:
    return {
        "day": _("the day"),
        "week": _("the week"),
        "month": _("the month"),
        "quarter": _("the quarter"),
        "year": _("the year"),
        "range": _("a range of days"),
    }


@require_POST
@needs("see_incidents")
def move_incident(request: Request, ref: str) -> HttpResponse:
    """Triage, begin verification, refer."""
    this = access.get(access.incidents(request.user), ref)
    name = request.POST.get("move", "")
    if name not in _words():
        name = "triage"
    actions.move_incident(this, name, by=request.user)
    return done(request, _("Done."), "incident", this.ref)


@require_POST
@needs("see_incidents")
def verify_incident(request: Request, ref: str) -> HttpResponse:
    """Conclude verification. Refused, the report is shown as it is now, with the form as it was sent."""
    seen = access.incidents(request.user)
    this, matches = access.get(seen, ref), "matches_pattern" in request.POST
    try:
        made = actions.verify_incident(
            this, matches_pattern=matches, shown=request.POST.get("shown", ""), by=request.user
        )
    except Refused as no:
        if no.reason in {"confirm", "locked"}:
            raise
        page = _incident_page(request, seen, this.ref, refused=str(no), matches=matches)
        page.undo = True  # type: ignore[attr-defined]  # as a refusal that no page catches (web/middleware.py)
        return page
    return done(request, _("The rules give %(level)s.") % {"level": made.level}, "incident", this.ref)


@needs("see_incidents")
def add_item(request: Request, ref: str) -> HttpResponse:
    """Attach a source item (forms A2 and A3): the questions and the check of every other route."""
    this = access.get(access.incidents(request.user).select_related("situation"), ref)
    own = list(intake_queries.open_interviews(request.user, this.situation))
    form = intake_forms.ItemForm(request.POST or None, incident=this, interviews=own)

    def act(data: dict[str, Any]) -> HttpResponse:
        try:
            attaching.attach_item(
                this, intake_forms.item_of(request.POST), parents=list(data["parents"]), by=request.user
            )
        except Problems as no:
            for name, sentence in no.problems.items():
                form.add_error(name if name in form.fields else None, sentence)
            raise Refused(
                _("The item was not attached. What is wrong stands beside each question."), reason="item"
            ) from None
        return done(request, _("The item is attached; what it says is sealed."), "incident", this.ref)

    return form_page(request, form, heading=_("Attach a source item"), button=_("Attach"), act=act, lead=this.ref,
                     cancel=reverse("incident", args=[ref]))  # fmt: skip


@needs("see_incidents")
def name_actors(request: Request, ref: str) -> HttpResponse:
    """Say who took part besides the actor that is named first."""
    this = access.get(access.incidents(request.user).with_actors().select_related("situation"), ref)
    authority.require(request.user, "add_item", this)

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.name_further_actors(this, also=list(data["also"]), by=request.user)
        said = _("Its armed actors are named.")
        if made.status == lifecycle.REOPENED:
            said += " " + _("Its verification is open again.")
        return done(request, said, "incident", this.ref)

    return form_page(
        request, forms.ActorsForm(request.POST or None, incident=this), heading=_("Armed actors that took part"), button=_("Name them"),
        act=act, lead=_("%(ref)s names %(actor)s first.") % {"ref": this.ref, "actor": this.party.name},
        cancel=reverse("incident", args=[ref]),
    )  # fmt: skip


@needs("see_incidents")
def regrade_item(request: Request, ref: str) -> HttpResponse:
    """Change a grade after new information."""
    item = access.get(access.items(request.user), ref)
    evidence.refuse_unconsented(item)

    def act(data: dict[str, Any]) -> HttpResponse:
        given = {name: value for name, value in data.items() if value}
        made = actions.regrade_item(item, **given, by=request.user)
        said = _("The grade is %(grade)s now; levels that rest on it were worked out again.") % {"grade": made.grade}
        return done(request, said, "incident", item.incident.ref)

    return form_page(request, forms.RegradeForm(request.POST if request.method == "POST" else None, item=item), heading=_("Regrade an item"),
                     button=_("Regrade"), act=act, lead=f"{item.ref}: {item.grade}",
                     cancel=reverse("incident", args=[item.incident.ref]))  # fmt: skip


@require_POST
@needs("see_incidents")
def read_incident(request: Request, ref: str) -> HttpResponse:
    """Open one sealed field of an incident for verification, the newest version first; an entry in the record for each text."""
    this = access.get(
        access.incidents(request.user).select_related("situation", "party", "organisation", "collected_by"), ref
    )
    field = request.POST.get("field", "")
    if field not in {"narrative", "place", "link_reason"}:
        field = "narrative"
    texts = intake_queries.opened_versions(intake_queries.text_versions(this), field, by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _texts()[field], "texts": texts, "ref": this.ref,
                                                       "back": reverse("incident", args=[this.ref])})  # fmt: skip


def _actors_changed(this: Incident) -> tuple[str, Any, bool] | None:
    """The actors a report counted for before they last changed, when that was, and whether a correction replaced them or a person
    named who took part; None where they are those it was filed with."""
    for entry in reversed(record.history(this.ref)):
        said = entry.event["detail"] if entry.event else {}
        # One alone, as it was written before a report could name several.
        if refs := said.get("actors_before") or [r for r in (said.get("actor_before"),) if r]:
            names = dict(Party.objects.filter(ref__in=refs).values_list("ref", "name"))
            told = listed(names[r] for r in refs if r in names)
            return (told, entry.at, entry.action == "report corrected") if names else None
    return None


def _named_by_linked(this: Incident, linked: Reports) -> str:
    """Actors that reports linked to this one name and it does not: it does not count for these (decision 0048)."""
    own = {p.pk for p in this.actors}
    return listed(sorted({p.name for i in linked.with_actors() for p in i.actors if p.pk not in own}))


def _counted_for(this: Incident) -> list[tuple[str, str]]:
    """Each actor it names with the level at which it counts for it, where these are not all one."""
    if this.status not in lifecycle.COUNTED:
        return []
    levels = dict(this.contributions.exclude(level="").values_list("party_id", "level"))
    found = [(p.name, levels[p.pk]) for p in this.actors if p.pk in levels]
    return found if len({level for _name, level in found}) > 1 else []


def _texts() -> dict[str, str]:
    return {
        "narrative": _("What happened"),
        "place": _("Exact place"),
        "link_reason": _("Why it is linked to the conflict"),
    }


@require_POST
@needs("see_incidents")
def read_item(request: Request, ref: str) -> HttpResponse:
    """Open what a source item says; leaves a record entry."""
    item = access.get(access.items(request.user), ref)
    text = vault.read(item, "says", purpose="verification", by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _("What it says"), "text": text, "ref": item.ref,
                                                       "back": reverse("incident", args=[item.incident.ref])})  # fmt: skip


@needs("see_patterns")
def assess_pattern(request: Request, ref: str) -> HttpResponse:
    """Run the pattern rules over an actor."""
    this = access.get(access.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        made = actions.assess_pattern(**data, by=request.user)
        return done(request, _("The rules were run."), "pattern", made.ref)

    return form_page(request, forms.PatternForm(request.POST or None, situation=this), heading=_("Run the pattern rules"),
                     button=_("Run"), act=act, lead=this.name, cancel=reverse("situation", args=[ref]))  # fmt: skip


@needs("see_patterns")
def pattern(request: Request, ref: str) -> HttpResponse:
    """One assessment: each test with the incidents that carry it."""
    this: PatternAssessment = access.get(access.patterns(request.user).select_related("situation", "party"), ref)
    return render(
        request, "monitoring/pattern.html",
        {"pattern": this, **patterns.about(request.user, this),
         "may_draft": authority.allows(request.user, "draft_finding", this), **chain(request.user, this.ref)},
    )  # fmt: skip


@needs("import_public_data", "imports")
def imports(request: Request) -> HttpResponse:
    """Upload a file of public data: first what would change, then all of it or nothing."""
    form, refused, plan = (
        forms.ImportForm(request.POST or None, request.FILES or None, initial={"dry_run": True}),
        "",
        None,
    )
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > svac.LIMIT_BYTES:
                raise Refused(_("The file is too large. Nothing was read."), reason="file_size")
            dataset = form.cleaned_data["dataset"]
            if dataset in lists.READERS:
                named = lists.read_bytes(upload.read(), dataset)
                plan = named.summary()
            elif dataset == warning_sources.CONFLICTS:
                fought = warning_files.conflict_bytes(upload.read(), upload.name)
                plan = fought.summary()
            else:
                file = svac.read_bytes(upload.read(), upload.name)
                plan = planning.plan(file).summary()
            if not form.cleaned_data["dry_run"]:
                made = (
                    list_actions.import_actors(named, upload.name, by=request.user) if dataset in lists.READERS
                    else warning_actions.import_conflicts(fought, upload.name, by=request.user) if dataset == warning_sources.CONFLICTS
                    else actions.import_svac(file, upload.name, by=request.user)
                )  # fmt: skip
                return done(request, _("Imported as %(ref)s.") % {"ref": made.ref}, "imports")
        except Refused as no:
            refused, plan = str(no), None
    return render(
        request, "monitoring/imports.html",
        {"form": form, "refused": refused, "plan": plan or [],
         "rows": Import.objects.select_related("made_by").order_by("-made_at")[:50]},
        status=409 if refused else 200,
    )  # fmt: skip


@require_POST
@needs("import_public_data", "imports")
def undo_import(request: Request, ref: str) -> HttpResponse:
    """Take an import out again."""
    actions.undo_import(access.get(Import.objects.all(), ref), by=request.user)
    return done(request, _("The import was undone."), "imports")
