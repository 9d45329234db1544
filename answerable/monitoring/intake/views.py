"""Intake pages: deliveries and drafts, the form A1 to A3 in steps, interviews, counts of services."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.alliance.days import listed
from answerable.authority import engine as authority
from answerable.authority.pages import Request, Uncounted, done, form_page, move_of, needs
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.monitoring import access as monitoring
from answerable.monitoring import grades, lifecycle
from answerable.monitoring.intake import access, forms, problems, published, queries, readers, rules, values
from answerable.monitoring.intake import counts as service_counts
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import correcting, counting, delivering, filing, interviewing, reporting
from answerable.monitoring.intake.staging import arrival, runs, stretches
from answerable.monitoring.intake.uploads import sealed_on_arrival
from answerable.monitoring.models import Incident
from answerable.record.pages import chain
from answerable.vault import client, keeping
from answerable.vault.actions import token_of

PER_PAGE, TABLES_PER_PAGE, SHOWN_ROWS, SHOWN_PROBLEMS = 25, 10, 5, 200
# How long one request checks rows before it shows how far it is.
STRETCH_SECONDS = 4.0
COOKIE = "intake-"


# --- deliveries ---------------------------------------------------------------------------------------------------


@sealed_on_arrival
@needs("see_drafts", "intake")
def intake(request: Request) -> HttpResponse:
    """Deliveries, drafts and what was begun; a file is sent from here."""
    form = forms.DeliveryForm(
        request.POST or None, request.FILES or None, situations=monitoring.situations(request.user)
    )
    refused = ""
    if request.method == "POST":
        sent: Any = request.FILES.get("file")
        if form.is_valid() and sent is not None:
            try:
                situation = form.cleaned_data["situation"]
                staged = arrival.stage(sent.arriving, sent.name, by=request.user, situation=situation)
                response = redirect("intake-run", staged.state.token)
                response.status_code = 303
                # The key goes to the browser and stays in no file and no table here.
                response.set_cookie(
                    COOKIE + staged.state.token, staged.key.hex(), max_age=runs.STALE_S, path=reverse("intake"), httponly=True,
                    secure=settings.SECURE, samesite="Strict",
                )  # fmt: skip
                return response
            except Refused as no:
                refused = str(no)
        elif sent is not None:
            sent.arriving.drop()
    waiting = (
        access.drafts(request.user).filter(status__in=[m.DRAFT, m.CORRECTION]).select_related("situation", "party")
    )
    begun = access.begun(request.user).select_related("situation")[:20]
    page = Uncounted(waiting, PER_PAGE).page_of(request.GET.get("page"))
    return render(
        request, "monitoring/intake/intake.html",
        {"form": form, "refused": refused, "batches": access.batches(request.user)[:20], "page": page,
         "drafts": [(d, queries.lapses_on(d.made_at)) for d in page["rows"]],
         "runs": _runs(request), "days": queries.draft_days(), "soon": queries.lapsing_soon(waiting), "begun": [(b, queries.lapses_on(b.saved_at)) for b in begun]},
        status=409 if refused else 422 if request.method == "POST" else 200,
    )  # fmt: skip


@needs("see_drafts", "intake")
def xlsform(request: Request) -> HttpResponse:
    """The XLSForm, made from the tables as they are now."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(
        published.workbook(), content_type=kind, headers={"Content-Disposition": 'attachment; filename="report.xlsx"'}
    )


def _run(request: Request, token: str) -> runs.Staged:
    """The run of this person, with the key their browser holds. What is not theirs does not exist."""
    try:
        key = bytes.fromhex(request.COOKIES.get(COOKIE + token, ""))
        staged = runs.Staged(token, key)
    except (ValueError, Refused):
        raise Http404 from None
    if len(key) != 32 or staged.state.person != request.user.ref:
        raise Http404
    return staged


def _runs(request: Request) -> list[tuple[runs.State, Any]]:
    """This person's files that are not kept or dropped yet and whose keys this browser holds, each with its situation."""
    states = []
    for name in request.COOKIES:
        if name.startswith(COOKIE):
            with suppress(Http404):
                states.append(_run(request, name.removeprefix(COOKIE)).state)
    named = {s.ref: s for s in monitoring.situations(request.user).filter(ref__in=[s.situation for s in states])}
    return [(s, named.get(s.situation)) for s in states]


@needs("see_drafts", "intake")
def run(request: Request, token: str) -> HttpResponse:
    """One file on its way in: what its columns hold, how far the checking is, what is wrong; then keep it or not."""
    staged = _run(request, token)
    state = staged.state
    situation = monitoring.situations(request.user).filter(ref=state.situation).first()
    columns = staged.columns()
    act = request.POST.get("act", "") if request.method == "POST" else ""
    form = forms.MappingForm(request.POST if act == "map" else None, columns=columns, mapping=state.mapping)
    refused = ""
    try:
        if act in ("map", "go") and not form.errors:
            with staged.alone():
                if act == "map":
                    stretches.begin(staged, form.chosen(), situation)
                stretches.advance(staged, by=request.user, seconds=STRETCH_SECONDS)
        if act == "keep":
            batch = delivering.bring_in_reports(staged, by=request.user)
            response = done(request, _("Kept as drafts."), "intake-batch", batch.ref)
            response.delete_cookie(COOKIE + token, path=reverse("intake"))
            return response
        if act == "drop":
            staged.hold()
            staged.forget()
            response = done(request, _("Nothing was kept of that file."), "intake")
            response.delete_cookie(COOKIE + token, path=reverse("intake"))
            return response
    except Refused as no:
        refused = str(no)
        if staged.gone:  # there is nothing to go on with, nor to drop, so the page offers neither
            response = render(request, "monitoring/intake/run.html", {"refused": refused, "gone": True}, status=409)
            response.delete_cookie(COOKIE + token, path=reverse("intake"))
            return response
    state = staged.state
    preview = []
    if not state.started:
        for number, one in enumerate(staged.records()):
            if number == SHOWN_ROWS:
                break
            preview.append([str(c)[:60] for c in one.cells])
    return render(
        request, "monitoring/intake/run.html",
        {"state": state, "form": form, "refused": refused, "columns": columns, "preview": preview, "situation": situation,
         "left_out": [c for c, holds in zip(columns, state.mapping, strict=False) if not holds] if state.started else [],
         "problems": problems.lines(state.problems[:SHOWN_PROBLEMS]), "token": token},
        status=409 if refused else 422 if form.errors else 200,
    )  # fmt: skip


def _list(found: list[Any]) -> HttpResponse:
    return HttpResponse(
        problems.as_csv(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="problems.csv"'},
    )


@needs("see_drafts", "intake")
def run_problems(request: Request, token: str) -> HttpResponse:
    """The problems of a run as a file."""
    return _list(_run(request, token).state.problems)


@needs("see_drafts", "intake")
def batch(request: Request, ref: str) -> HttpResponse:
    """One delivery: its figures, its problems, its drafts."""
    this = monitoring.get(access.batches(request.user).select_related("organisation", "made_by"), ref)
    page = Uncounted(this.drafts.select_related("situation", "party").order_by("row"), PER_PAGE).page_of(
        request.GET.get("page")
    )
    filed = this.drafts.filter(status__in=(m.FILED, m.TAKEN_OVER)).count()
    ready = not this.undone_at and this.drafts.filter(status=m.DRAFT, lacks=[], looks_like="").exists()
    return render(
        request, "monitoring/intake/batch.html",
        {"batch": this, "page": page, "drafts": [(d, queries.lapses_on(d.made_at)) for d in page["rows"]], "problems": problems.lines(this.problems[:SHOWN_PROBLEMS]),
         "filed": filed, "may_undo": not (this.undone_at or filed) and authority.allows(request.user, "undo_reports", this),
         "may_file": ready and authority.allows(request.user, "file_drafts", this), **chain(request.user, this.ref)},
    )  # fmt: skip


@needs("see_drafts", "intake")
def batch_problems(request: Request, ref: str) -> HttpResponse:
    """The problems of a delivery as a file."""
    return _list(monitoring.get(access.batches(request.user), ref).problems)


@require_POST
@needs("see_drafts", "intake")
def undo(request: Request, ref: str) -> HttpResponse:
    """Take a delivery out again."""
    this = monitoring.get(access.batches(request.user), ref)
    delivering.undo_reports(this, by=request.user)
    return done(
        request,
        _("The delivery was taken out again; what was sealed for it can be read by nobody."),
        "intake-batch",
        this.ref,
    )


@require_POST
@needs("see_drafts", "intake")
def file_all(request: Request, ref: str) -> HttpResponse:
    """File the drafts of a delivery that lack nothing."""
    this = monitoring.get(access.batches(request.user), ref)
    n = filing.file_drafts(this, by=request.user)
    return done(request, _("%(n)d reports are filed.") % {"n": n}, "intake-batch", this.ref)


# --- drafts -------------------------------------------------------------------------------------------------------


@needs("see_drafts", "intake")
def draft(request: Request, ref: str) -> HttpResponse:
    """One draft: what it holds in codes, what it may repeat, and filing it."""
    this = monitoring.get(
        access.drafts(request.user).select_related("situation", "party", "organisation", "collected_by", "batch"), ref
    )
    in_doubt = queries.in_doubt(this) if this.status == m.DRAFT else ""
    facts = (
        {"when": edtf.parse(this.when), "area1": this.area1, "forms": this.coded.get("forms", [])}
        if this.when
        else None
    )
    near = (
        [
            c
            for c in queries.candidates(request.user, this.situation, facts)
            if c["ref"] not in (this.ref, this.corrects, in_doubt)
        ]
        if facts
        else []
    )

    def act(data: dict[str, Any]) -> HttpResponse:
        named = list(data.get("party") or ())
        made = filing.file_draft(
            this, party=named[0] if named else None, also=named[1:], link_reason=data.get("link_reason", ""),
            by=request.user,
        )  # fmt: skip
        return done(request, _("The report is filed; its free text is sealed."), "incident", made.ref)

    became = this.corrects if this.status == m.TAKEN_OVER else this.ref if this.status == m.FILED else ""
    report = Incident.objects.with_actors().filter(ref=this.corrects).first() if this.status == m.CORRECTION else None
    may_decide = bool(in_doubt) and authority.allows(request.user, "file_draft", this)
    may_file = this.status == m.DRAFT and not in_doubt and authority.allows(request.user, "file_draft", this)
    if request.method == "POST" and not may_file and not in_doubt:
        authority.require(request.user, "file_draft", this)
    return form_page(
        request, forms.FilingForm(request.POST or None, draft=this), heading=_("Draft of a report"), button=_("File the report"), act=act,
        lead=this.ref, cancel=reverse("intake"), template="monitoring/intake/draft.html",
        more={"draft": this, "became": became, "in_doubt": in_doubt, "may_decide": may_decide,
              "in_doubt_filed": bool(in_doubt) and Incident.objects.filter(ref=in_doubt).exists(),
              "lapses_on": queries.lapses_on(this.made_at), "waits": this.status in (m.DRAFT, m.CORRECTION),
              "changed": queries.changed_items(this) if this.status == m.CORRECTION else [], "lines": forms.coded_lines(forms.OF_REPORT, this.coded),
              "left_out": queries.left_out(this, report) if report else [],
              "in_place": queries.in_place_of(this, report) if report else [],
              "corrected": forms.changed_lines(queries.corrected_answers(this, report)) if report else [],
              "may_read": report is not None and authority.allows(request.user, "read_sealed", report, purpose="verification"),
              "locked": request.user.vault_session is None,
              "items": [(i, forms.coded_lines(forms.OF_ITEM, i.coded)) for i in this.items.all()], "near": near, "may_file": may_file,
              "may_set_aside": this.status in (m.DRAFT, m.CORRECTION) and authority.allows(request.user, "set_draft_aside", this),
              "other_situation": (elsewhere := queries.other_situation(this, report) if report else None),
              "may_take_over": this.status == m.CORRECTION and not elsewhere and authority.allows(request.user, "take_over_correction", this),
              "actors": listed(p.name for p in queries.actors_of(this)),
              "other_actor": listed(p.name for p in queries.other_actors(this, report)) if report and not elsewhere else "",
              "actor": report.actor_names if report else "",
              **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_drafts", "intake")
def aside(request: Request, ref: str) -> HttpResponse:
    """Set a draft or a correction aside."""
    this = monitoring.get(access.drafts(request.user), ref)
    filing.set_draft_aside(this, by=request.user)
    return done(request, _("The draft is set aside."), "intake-draft", this.ref)


# For whose actors a report counts once it is corrected: its own, or the later version's.
REPORTS, VERSIONS = "report", "version"


@require_POST
@needs("see_drafts", "intake")
def version(request: Request, ref: str) -> HttpResponse:
    """Say whether a draft is a later version of what it looks like, or a report of its own."""
    this = monitoring.get(access.drafts(request.user), ref)
    said = request.POST.get("is", "")
    if said not in ("later", "own"):
        raise Refused(_("Say whether it is a later version or a report of its own."), reason="version")
    if said == "later":
        made = correcting.take_as_version(this, by=request.user)
        answer = (
            _("It waits as a correction of that report.")
            if made.corrects
            else _("It took the place of the earlier draft.")
        )
    else:
        made = correcting.keep_apart(this, by=request.user)
        answer = "" if made.looks_like else _("It is a report of its own.")
    if made.looks_like:
        still = _("This may be a later version of %(ref)s. Say first whether it is, or a report of its own.")
        answer = f"{answer} {still % {'ref': queries.in_doubt(made)}}".strip()
    return done(request, answer, "intake-draft", this.ref)


@require_POST
@needs("see_drafts", "intake")
def take_over(request: Request, ref: str) -> HttpResponse:
    """Correct a report by the later version of its submission."""
    this = monitoring.get(access.drafts(request.user), ref)
    report = monitoring.incidents(request.user).filter(ref=this.corrects).first()
    whose = request.POST.get("actors", "")
    actors = queries.actors_of(this) if whose == VERSIONS else report.actors if report and whose == REPORTS else []
    made = correcting.take_over_correction(this, actors=actors, by=request.user)
    said = _("The report is corrected; its newest texts open first, with the earlier ones beside them.")
    if made.status == lifecycle.REOPENED:
        said += " " + _("Its verification is open again.")
    elif made.story_corrected:
        said += " " + _(
            "What counts is as it was, so it stays counted; a verifier is asked whether its level still holds."
        )
    return done(request, said, "incident", made.ref)


@require_POST
@needs("see_drafts", "intake")
def texts(request: Request, ref: str) -> HttpResponse:
    """A later version's text beside those of the report it corrects, for whoever may open both; an entry for each."""
    this = monitoring.get(access.drafts(request.user).exclude(corrects=""), ref)
    report = monitoring.get(monitoring.incidents(request.user), this.corrects)
    field = move_of(request.POST.get("field", ""), ("narrative", "place", "link_reason"))
    versions = queries.text_versions(report)
    if this.status == m.CORRECTION and queries.has_texts(this):
        versions = [(this.ref, this.made_at.date()), *versions]
    found = queries.opened_versions(versions, field, by=request.user)
    return render(request, "monitoring/opened.html", {"heading": _(forms.BY_NAME[field].label), "texts": found, "ref": report.ref,
                                                       "back": reverse("intake-draft", args=[this.ref])})  # fmt: skip


@require_POST
@needs("see_incidents", "incidents")
def story(request: Request, ref: str) -> HttpResponse:
    """A verifier's answer after the story of a concluded report was corrected."""
    this = monitoring.get(monitoring.incidents(request.user), ref)
    made = correcting.look_at_corrected_story(this, holds=request.POST.get("holds") == "yes", shown=request.POST.get("shown", ""), by=request.user)  # fmt: skip
    said = _("Its verification is open again.") if made.status == lifecycle.REOPENED else _("Its level stands.")
    return done(request, said, "incident", made.ref)


# --- the form in steps --------------------------------------------------------------------------------------------


@needs("see_drafts", "intake")
def report(request: Request, ref: str) -> HttpResponse:
    """Forms A1 to A3, a page at a time, on the server: search before it is created, skip what does not apply, stop at any time."""
    situation = monitoring.get(monitoring.situations(request.user), ref)
    begun = access.begun(request.user).filter(ref=request.POST.get("begun") or request.GET.get("begun") or "").first()
    posted = request.method == "POST"
    answers = forms.answers_of(request.POST) if posted else dict(begun.answers) if begun else {}
    step = _number(request.POST.get("step", "0")) if posted else begun.step if begun else 0
    act = request.POST.get("act", "next") if posted else ""
    row = forms.row_of(answers, situation.ref)
    wrong: dict[str, values.Problem] = {}
    refused = ""
    if posted:
        _clean, all_wrong = rules.check(row, queries.world(request.user, situation, asks=True))
        here = set(forms.STEPS[step][1])
        wrong = {n: p for n, p in all_wrong.items() if n.rpartition(".")[2] in here}
    try:
        if act == "save" and step < forms.WORDS:
            reporting.save_begun_report(situation, answers, step=step, begun=begun, by=request.user)
            return done(
                request,
                _(
                    "Saved. What you answered in codes, numbers and days waits for you here for 90 days; text is not kept until it is sealed."
                ),
                "intake",
            )
        if act in ("file", "save") and step == forms.WORDS and not wrong:
            made, incident = reporting.deliver_report(
                row, route="web", hold=act == "save", begun=begun, by=request.user
            )
            if incident is not None:
                return done(request, _("The report is filed; its free text is sealed."), "incident", incident.ref)
            return done(request, _("Kept as a draft; its free text is sealed."), "intake-draft", made.ref)
    except problems.Problems as no:
        refused = " ".join(f"{_(rules.bad_field(n))}: {s}" for n, s in no.problems.items())
    except Refused as no:
        refused = str(no)
    shown = step
    if act == "back":
        shown, wrong = _step(step, -1, answers), {}
    elif act == "next" and posted and not wrong:
        shown = _step(step, 1, answers)
    own = list(queries.open_interviews(request.user, situation))
    initial = {n: v == "yes" if n in ("searched_first", "referral_offered") else v for n, v in answers.items()}
    form = forms.StepForm(request.POST if posted and shown == step and act != "back" else None, step=shown, situation=situation, interviews=own,
                          initial=initial)  # fmt: skip
    if form.is_bound:
        form.is_valid()
        for name, problem in wrong.items():
            field = name.rpartition(".")[2]
            form.add_error(field if field in form.fields else None, queries.words(problem))
    near = []
    if shown == forms.SEARCH and "when" in answers:
        try:
            near = queries.candidates(
                request.user, situation, {"when": edtf.parse(str(answers["when"])), "area1": answers.get("area1", "")}
            )
        except edtf.Unreadable:
            near = []
    on_page = set(form.fields)
    carried = [
        (n, v)
        for n, value in answers.items()
        if n not in on_page
        for v in (value if isinstance(value, list) else [value])
    ]
    return render(
        request, "monitoring/intake/report.html",
        {"situation": situation, "form": form, "step": shown, "number": shown + 1, "steps": len(forms.STEPS), "title": forms.STEPS[shown][0],
         "carried": carried, "near": near, "searching": shown == forms.SEARCH, "last": shown == forms.WORDS, "refused": refused,
         "begun": begun, "source": shown == forms.SOURCE},
        status=409 if refused else 422 if wrong else 200,
    )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isdigit() and int(text) < len(forms.STEPS) else 0


def _step(step: int, by: int, answers: dict[str, Any]) -> int:
    """The next page that applies: without a person's account there is no consent to ask about."""
    found = min(max(step + by, 0), forms.WORDS)
    if found == forms.CONSENT and not grades.is_personal(answers.get("kind", "")):
        found += by
    return found


# --- interviews ---------------------------------------------------------------------------------------------------


@needs("see_interviews", "intake")
def interviews(request: Request) -> HttpResponse:
    """Interviews asked for, in one's own rooms; for safeguarding those that wait for it."""
    page = Uncounted(access.interviews(request.user).select_related("situation", "organisation"), PER_PAGE).page_of(
        request.GET.get("page")
    )
    return render(request, "monitoring/intake/interviews.html", {"page": page, "rows": page["rows"]})


@needs("bring_in_reports", "intake")
def ask(request: Request, ref: str) -> HttpResponse:
    """Before anyone is asked for her account: why, what it adds, and whether she told it before."""
    situation = monitoring.get(monitoring.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        told, code = data["told_before"], data.pop("code").strip()
        pseudonym, anyway, person = data.pop("pseudonym"), data.pop("anyway"), ""
        if code:
            answer = client.ask("told_before", token=request.user.vault_session or "", code=code)
            told, person = ("told" if answer["told"] else "not_told"), answer["mark"]
            instead = [forms.label_of(forms.BY_NAME["purposes"], p) for p in answer["share"]]
            if instead and not anyway:
                raise Refused(
                    _("She told this here before, and allows that it is used for: %(purposes)s. Ask for that account to be shared "
                      "instead of asking her again. If an interview is needed all the same, tick the box below and send this again.")
                    % {"purposes": ", ".join(instead)}, reason="told",
                )  # fmt: skip
        if not person and pseudonym:
            person = client.ask(
                "mark_of_interview", token=token_of(request.user), pseudonym=grades.pseudonym(pseudonym)
            )
        made = interviewing.ask_for_interview(
            situation, **{**data, "told_before": told}, person=person, by=request.user
        )
        return done(request, _said(made), "interview", made.ref)

    return form_page(
        request, forms.InterviewForm(request.POST or None), heading=_("Before an interview"), button=_("Enter"), act=act,
        lead=situation.name, cancel=reverse("situation", args=[situation.ref]), template="monitoring/intake/ask.html",
    )  # fmt: skip


def _said(interview: m.Interview) -> str:
    """What came of asking for an interview."""
    return {
        m.ALLOWED: _("The interview is allowed."),
        m.WAITING: _("Two custodians are asked whether she told this before. Until they answer nobody asks her."),
        m.ASKED: _("Safeguarding decides about this further interview."),
    }.get(interview.status, "")


@require_POST
@needs("see_interviews", "intake")
def question(request: Request, ref: str) -> HttpResponse:
    """The sealed question, for a custodian's own machine."""
    this = monitoring.get(access.interviews(request.user).select_related("organisation"), ref)
    file = interviewing.take_question(this, by=request.user)
    return HttpResponse(
        file,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{this.ref}.question.json"'},
    )


@require_POST
@needs("see_interviews", "intake")
def word(request: Request, ref: str) -> HttpResponse:
    """A custodian's yes or no, and what may be shared instead."""
    this = monitoring.get(access.interviews(request.user).select_related("organisation"), ref)
    form = forms.WordForm(request.POST)
    authority.require(request.user, "give_word", this)
    if not form.is_valid():
        raise Refused(_("Say yes or no; and if yes, what may be shared, or nothing."), reason="word")
    data = form.cleaned_data
    interviewing.give_word(this, told=data["told"] == "yes", share=data["share"], by=request.user)
    return done(request, _("Your word is entered. It holds no name and no reference."), "interview", this.ref)


@needs("see_interviews", "intake")
def interview(request: Request, ref: str) -> HttpResponse:
    """One interview that was asked for; safeguarding decides on a further one."""
    this = monitoring.get(access.interviews(request.user).select_related("situation", "organisation", "asked_by"), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        word, _space, reason = data["reason"].partition(" ")
        made = interviewing.decide_interview(this, allow=word == "allow", reason=reason, by=request.user)
        return done(request, _("Allowed.") if made.status == m.ALLOWED else _("Refused."), "interview", made.ref)

    may = this.status == m.ASKED and authority.allows(request.user, "decide_interview", this)
    if request.method == "POST" and not may:
        authority.require(request.user, "decide_interview", this)
    return form_page(
        request, forms.DecisionForm(request.POST or None), heading=_("Interview"), button=_("Decide"), act=act, lead=this.ref,
        cancel=reverse("interviews"), template="monitoring/intake/interview.html",
        more={"interview": this, "may_decide": may, "locked": request.user.vault_session is None,
              "may_file": _may_file(request.user, this), "told": _told(this), "said": _seats_said(this),
              "report": _report_of(request.user, this),
              "allowed_so_far": queries.interviews_of(this.person),
              "share": [forms.label_of(forms.BY_NAME["purposes"], p) for p in this.share], "waits": this.status == m.WAITING,
              "answered": len(this.words), "word": forms.WordForm() if access.may_answer(request.user, this) else None, **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_interviews", "intake")
def reasons(request: Request, ref: str) -> HttpResponse:
    """Why an interview is asked for, opened for whoever decides on it; leaves a record entry."""
    this = monitoring.get(access.interviews(request.user), ref)
    names = ["added_value", "why_not_enough"]
    found = keeping.open_fields(this.ref, names, purpose="interview", token=request.user.vault_session)
    return render(request, "monitoring/intake/reasons.html", {"interview": this, **found})


def _told(this: m.Interview) -> str:
    """What is known of whether she told before, and who says so: her code, or the custodians."""
    words = forms.guard.TOLD_BY_SEATS if this.words and this.status != m.WAITING else {}
    return _(words.get(this.told_before) or forms.guard.TOLD.get(this.told_before, ""))


def _seats_said(this: m.Interview) -> str:
    """What the custodians said, together or apart, once enough of them did."""
    if this.status == m.WAITING or not this.words:
        return ""
    told, not_told = forms.guard.said_apart(this.words)
    if told and not_told:
        return _("The custodians do not agree: %(told)d said that she told before, %(other)d that they know of nothing. One who knows is "
                 "enough, because the other's no means only that nothing is known there.") % {"told": told, "other": not_told}  # fmt: skip
    return _("%(n)d custodians answered, and they agree.") % {"n": len(this.words)}


def _report_of(by: Any, this: m.Interview) -> Incident | None:
    """The report that carries this interview's account, for whoever sees it."""
    return monitoring.incidents(by).filter(pk=this.report_id).first() if this.report_id else None


def _may_file(by: Any, this: m.Interview) -> bool:
    """Whether this person's organisation may interview now and has not brought the account yet."""
    return this.status == m.ALLOWED and this.report_id is None and by.body_id == this.organisation_id


# --- counts -------------------------------------------------------------------------------------------------------


@needs("see_drafts", "intake")
def counts(request: Request, ref: str) -> HttpResponse:
    """Counts of services by type, month and area: sums, never cases."""
    situation = monitoring.get(monitoring.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        raw = data["file"].read(readers.MOST_WHOLE) if data["file"] else data["table"].encode()
        cells = service_counts.guarded(service_counts.read(raw, on=clock.today()))
        queries.mark_of_counts(request.user.body, situation, cells)
        again, said = queries.counted_again(request.user.body, situation, cells), set(data["replacing"].split())
        if {ref for _now, _before, ref in again} - said:
            return render(request, "monitoring/intake/counts_again.html", {
                "situation": situation, "cells": cells, "again": again, "table": service_counts.written(cells),
                "replacing": " ".join(sorted({ref for _now, _before, ref in again}))})  # fmt: skip
        made = counting.bring_in_counts(situation, cells, replacing=said, by=request.user)
        return done(request, _("%(n)d cells are kept.") % {"n": len(made.cells)}, "intake-counts", situation.ref)

    tables = access.counts(request.user).filter(situation=situation).select_related("organisation")
    page = Uncounted(tables, TABLES_PER_PAGE).page_of(request.GET.get("page"))
    shown = [
        {
            **t,
            "may_take_out": not t["table"].taken_out_at
            and authority.allows(request.user, "take_out_counts", t["table"]),
        }
        for t in queries.tables_of_counts(page["rows"], situation)
    ]
    return form_page(
        request, forms.CountsForm(request.POST or None, request.FILES or None), heading=_("Counts of services"), button=_("Send"), act=act,
        lead=situation.name, cancel=reverse("situation", args=[situation.ref]), template="monitoring/intake/counts.html",
        more={"tables": shown, "page": page},
    )  # fmt: skip


@needs("see_drafts", "intake")
def counts_out(request: Request, ref: str) -> HttpResponse:
    """Take a table of counts out, with a reason."""
    this = monitoring.get(access.counts(request.user).select_related("organisation", "situation"), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        counting.take_out_counts(this, why=data["why"], by=request.user)
        return done(
            request, _("The table is taken out; what it had replaced holds again."), "intake-counts", this.situation.ref
        )

    if request.method == "POST":
        authority.require(request.user, "take_out_counts", this)
    return form_page(
        request, forms.TakeOutForm(request.POST or None), heading=_("Take a table of counts out"), button=_("Take out"), act=act,
        lead=this.ref, cancel=reverse("intake-counts", args=[this.situation.ref]),
    )  # fmt: skip
