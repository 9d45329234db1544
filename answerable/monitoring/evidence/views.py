"""Pages of evidence and of how well an incident is known."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, needs
from answerable.authority.principals import Place
from answerable.channel.arriving import InMemory
from answerable.common import faults
from answerable.common.errors import Refused
from answerable.monitoring import access as monitoring
from answerable.monitoring import as_facts, grades, history, verifiers
from answerable.monitoring import queries as monitoring_queries
from answerable.monitoring.evidence import access, actions, bundles, checks, explaining, forms, queries, rules
from answerable.monitoring.evidence.models import EvidenceFile, TimeAuthority
from answerable.record import log as record
from answerable.record.pages import chain
from answerable.vault import actions as vault
from answerable.vault.client import ask
from answerable.vault.uploads import intake
from answerable.vault.uploads.sentences import UploadRefused


class EvidenceInMemory(InMemory):
    """A file of evidence on its way in: never in a temporary file, and of a size that memory bears."""

    largest = forms.LARGEST_MB * 1024 * 1024


def never_on_disk(view: Callable[..., Any]) -> Callable[..., Any]:
    """The form's file is held in memory until it is sealed; Django's own handlers would write it to a disk in the clear.

    The handler must be set before the form is read, and checking the form's token reads it: so that check comes after.
    """
    checked = csrf_protect(view)

    @csrf_exempt
    @functools.wraps(view)
    def page(request: Any, *args: Any, **kwargs: Any) -> Any:
        request.upload_handlers = [EvidenceInMemory(request)]
        return checked(request, *args, **kwargs)

    return page


def _small_enough(request: Request) -> None:
    """Reading stops at the limit, and what came by then is thrown away: say so, rather than that a file is missing."""
    read = request.FILES  # handlers know how much came once the form is read
    if not read and any(isinstance(h, InMemory) and h.all > h.largest for h in request.upload_handlers):
        raise Refused(forms.too_large(), reason="too-large")


def _token(request: Request) -> str:
    return request.user.vault_session or ""


def _refusal(form: Any) -> str:
    """What a small form on a larger page lacks, as one sentence."""
    return " ".join(f"{form.fields[n].label}: {e}" for n, errors in form.errors.items() for e in errors)


def _act(form: Any) -> dict[str, Any]:
    if not form.is_valid():
        raise Refused(_refusal(form), reason="form")
    data: dict[str, Any] = form.cleaned_data
    return data


# --- files --------------------------------------------------------------------------------------------------------


@needs("see_incidents")
def evidence(request: Request, ref: str) -> HttpResponse:
    """An item's files with their proofs, checks and redactions, and the custody log."""
    item = monitoring.get(access.items(request.user), ref)
    files = [
        {"file": f, "proofs": f.proofs.all(), "redactions": f.redactions.all(),
         "checks": [{"at": c.made_at, "proof": c.proof, "lines": [
             {"outcome": line["outcome"], "word": checks.outcome_words(line["outcome"]), "says": checks.in_words(line)}
             for line in c.lines]} for c in f.checks.select_related("proof")]}
        for f in item.files.prefetch_related("proofs", "redactions")
    ]  # fmt: skip
    may = {
        name: authority.allows(request.user, name, item)
        for name in ("take_file", "check_file", "redact", "export_file")
    }
    return render(
        request, "monitoring/evidence.html",
        {"item": item, "files": files, "may": may, "locked": request.user.vault_session is None,
         "may_read": authority.allows(request.user, "read_sealed", item, purpose="verification"),
         "custody": [_custody_row(c) for c in queries.custody(item)], "file_form": forms.FileForm(auto_id="take_%s"),
         "proof_form": forms.ProofForm(auto_id=False), "transfer_form": forms.TransferForm(auto_id=False),
         "excerpts": item.redactions.filter(file=None), "whys": forms.WHY, **chain(request.user, item.ref)},
    )  # fmt: skip


def _custody_row(line: Any) -> dict[str, Any]:
    words = {
        "taken": _("taken in"), "proof": _("proof added"), "viewed": _("looked at"), "checked": _("checked"),
        "redacted": _("redacted"), "exported": _("custody statement exported"),
        "original": _("original taken out of the vault"), "transferred": _("handed over"),
    }  # fmt: skip
    roles = ", ".join(r.replace("_", " ") for r in line.roles.split(",") if r) or _("no role")
    return {"at": line.at, "roles": roles, "by": line.by, "act": words.get(line.act, line.act), "about": line.about,
            "why": dict(forms.WHY).get(line.why, line.why), "entry": line.entry}  # fmt: skip


@never_on_disk
@require_POST
@needs("see_incidents")
def take_file(request: Request, ref: str) -> HttpResponse:
    """Take a file in: recognised, counted and sealed while it arrives; then the vault keeps its key and enters it."""
    item = monitoring.get(access.items(request.user), ref)
    authority.require(request.user, "take_file", item)
    _small_enough(request)
    data = _act(forms.FileForm(request.POST, request.FILES))
    folder = Path(settings.QUARANTINE)
    upload = data["file"]
    try:
        folder.mkdir(mode=0o770, exist_ok=True)
        received = intake.receive(
            cast(BinaryIO, upload), folder, declared_name=upload.name or "", declared_type=upload.content_type or "",
            web_archives=True,
        )  # fmt: skip
    except UploadRefused as no:
        raise Refused(no.in_words(_), reason=no.reason) from None
    except OSError as no:
        if not faults.is_full(no):
            raise
        raise Refused(
            _("There is no room here for this file, so nothing of it was kept. Send it again in an hour; where that does not help, "
              "tell whoever runs this installation."), reason="full",
        ) from None  # fmt: skip
    made = ""
    try:
        received.path.chmod(0o640)  # the vault reads it, as a member of the folder's group
        made = ask("evidence_take", token=_token(request), item=item.ref, stored=received.path.name, kind=received.kind,
                   key=received.key, salt=received.salt, digest=received.digest, name=received.name,
                   commitment=received.commitment, why=data["why"])  # fmt: skip
    finally:
        if not made:
            intake.discard(received.path)
    return done(
        request,
        _("The file is taken in as %(ref)s; the original is sealed.") % {"ref": made},
        "item-evidence",
        item.ref,
    )


def _shown(request: Request, ref: str, item: Any, heading: str, **more: Any) -> HttpResponse:
    shown = ask("evidence_show", token=_token(request), ref=ref, purpose="verification")
    pages = [f"data:{shown['mime']};base64,{base64.b64encode(p).decode()}" for p in shown["pages"]]
    return render(
        request, "monitoring/evidence_shown.html",
        {"heading": heading, "item": item, "ref": ref, "pages": pages, **{k: shown[k] for k in ("name", "text", "note")}, **more},
    )  # fmt: skip


@require_POST
@needs("see_incidents")
def show(request: Request, ref: str) -> HttpResponse:
    """A file as pictures or escaped text, with the forms that remove from it; leaves an entry and a line of custody."""
    file = monitoring.get(access.files(request.user), ref)
    may_redact = authority.allows(request.user, "redact", file)
    kind = (
        {"jpeg": "boxes", "png": "boxes", "pdf": "boxes", "text": "passages"}.get(file.kind, "") if may_redact else ""
    )
    return _shown(request, file.ref, file.item, _("Evidence"), kind=kind, boxes_form=forms.BoxesForm(),
                  passages_form=forms.PassagesForm())  # fmt: skip


@require_POST
@needs("see_incidents")
def redact(request: Request, ref: str) -> HttpResponse:
    """Make a version without the marked regions."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "redact", file)
    data = _act(forms.BoxesForm(request.POST))
    try:
        boxes = rules.read_boxes(data["boxes"])
    except rules.Unfit as no:
        raise Refused(
            {"none": _("Mark at least one region."), "many": _("Mark at most %(n)d regions at once.") % {"n": rules.MOST_BOXES},
             "outside": _("Line %(n)d lies outside the page: left and width together, and top and height, are at most 100.")
             % {"n": no.at}}.get(no.why, _("Line %(n)d is not a page and four numbers from 0 to 100.") % {"n": no.at}),
            reason="boxes",
        ) from None  # fmt: skip
    made = ask("evidence_redact", token=_token(request), ref=file.ref, boxes=[list(b) for b in boxes], why=data["why"])
    return done(request, _("A redacted version is kept as %(ref)s. The original stays sealed.") % {"ref": made},
                "item-evidence", file.item.ref)  # fmt: skip


def _passages(request: Request, obj: Any, item: Any) -> HttpResponse:
    authority.require(request.user, "redact", obj)
    data = _act(forms.PassagesForm(request.POST))
    passages = [line for line in data["passages"].splitlines() if line.strip()]
    made = ask("evidence_excerpt", token=_token(request), ref=obj.ref, passages=passages, why=data["why"])
    return done(request, _("An excerpt without these passages is kept as %(ref)s. The original stays sealed.") % {"ref": made},
                "item-evidence", item.ref)  # fmt: skip


@require_POST
@needs("see_incidents")
def remove_passages(request: Request, ref: str) -> HttpResponse:
    """Make a version of a text file without these passages."""
    file = monitoring.get(access.files(request.user), ref)
    return _passages(request, file, file.item)


@needs("see_incidents")
def excerpt(request: Request, ref: str) -> HttpResponse:
    """Make an excerpt of a statement without these passages."""
    item = monitoring.get(access.items(request.user), ref)
    if request.method == "POST":
        return _passages(request, item, item)
    return form_page(request, forms.PassagesForm(), heading=_("Excerpt a statement"), button=_("Remove them"), lead=item.ref,
                     act=lambda data: _passages(request, item, item), cancel=reverse("item-evidence", args=[item.ref]))  # fmt: skip


@never_on_disk
@require_POST
@needs("see_incidents")
def add_proof(request: Request, ref: str) -> HttpResponse:
    """Keep a proof of time with a file."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "take_file", file)
    _small_enough(request)
    data = _act(forms.ProofForm(request.POST, request.FILES))
    content = data["proof"].read(70_000)
    kind = "ots" if content.startswith(b"\x00OpenTimestamps") else "rfc3161" if content[:1] == b"\x30" else ""
    ask("evidence_proof", token=_token(request), ref=file.ref, kind=kind, content=content, why=data["why"])
    return done(request, _("The proof is kept with the file. Check it now."), "item-evidence", file.item.ref)


@require_POST
@needs("see_incidents")
def check(request: Request, ref: str) -> HttpResponse:
    """Check a file's proofs, or a web archive, without a network."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "check_file", file)
    found = ask("evidence_check", token=_token(request), ref=file.ref)
    wrong = sum(line["outcome"] == "not_held" for line in found)
    return done(request, _("Checked: every point that could be checked here held.") if not wrong
                else _("Checked: something did not hold. Look below."), "item-evidence", file.item.ref)  # fmt: skip


@require_POST
@needs("see_incidents")
def statement(request: Request, ref: str) -> HttpResponse:
    """The custody statement as plain text: hash, salt, checks and every line of custody."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "export_file", file)
    why = request.POST.get("why", "")
    told = ask("evidence_statement", token=_token(request), ref=file.ref, why=why)
    return HttpResponse(
        _statement(file, told), content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="custody-statement.txt"', "Cache-Control": "no-store"},
    )  # fmt: skip


@require_POST
@needs("see_incidents")
def bundle(request: Request, ref: str) -> HttpResponse:
    """The sealed original with its proofs, custody and a program that checks them offline: one entry, one line of custody."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "export_file", file)
    told = ask("evidence_bundle", token=_token(request), ref=file.ref, why=request.POST.get("why", ""))
    content = io.BytesIO()
    while not (part := ask("evidence_piece", token=_token(request), ticket=told["ticket"]))["last"]:
        content.write(part["content"])
    acts = {line.entry: line for line in queries.custody(file.item)}
    custody = [
        {"entry": index, "leaf": leaf.hex(), "salt": salt.hex(), "event": event.decode(), "at": f"{c.at:%Y-%m-%dT%H:%M:%SZ}",
         "act": c.act, "about": c.about, "roles": c.roles, "why": c.why}
        for index, leaf, salt, event in record.opened(queries.entries_of(file.item)) if (c := acts.get(index))
    ]  # fmt: skip
    found = [{"at": f"{c.made_at:%Y-%m-%dT%H:%M:%SZ}", "proof": c.proof.ref if c.proof else "", "lines": c.lines}
             for c in file.checks.select_related("proof").order_by("id")]  # fmt: skip
    made = bundles.packed(
        ref=file.ref, kind=file.kind, told=told, content=content.getvalue(), custody=custody, checks=found
    )
    return HttpResponse(
        made, content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{file.ref}.zip"', "Cache-Control": "no-store"},
    )  # fmt: skip


def _statement(file: EvidenceFile, told: dict[str, Any]) -> str:
    """Name, hashes, checks and every line of custody, as plain text."""
    lines = [
        _("Custody statement of %(ref)s") % {"ref": file.ref}, "", _("Name: %(name)s") % {"name": told["name"]},
        f"SHA-256: {told['digest']}", _("Salt: %(salt)s") % {"salt": told["salt"]},
        _("Commitment in the record, SHA-256(\"answerable-file/1\", salt, file): %(c)s") % {"c": told["commitment"]}, "",
    ]  # fmt: skip
    for c in file.checks.all():
        lines += [
            f"{c.made_at:%Y-%m-%d %H:%M} UTC",
            *(f"  {checks.outcome_words(x['outcome'])}: {checks.in_words(x)}" for x in c.lines),
        ]
    lines += ["", *(f"{r['at']:%Y-%m-%d %H:%M} UTC  {r['act']}  {r['about']}  {r['roles']}  {r['why']}"
                    for r in map(_custody_row, queries.custody(file.item)))]  # fmt: skip
    return "\n".join(lines) + "\n"


@require_POST
@needs("see_incidents")
def transfer(request: Request, ref: str) -> HttpResponse:
    """Note that a file was handed to another organisation."""
    file = monitoring.get(access.files(request.user), ref)
    authority.require(request.user, "export_file", file)
    actions.transfer_file(file, **_act(forms.TransferForm(request.POST)), by=request.user)
    return done(request, _("The transfer is in the custody log and in the ledger of what was given out."), "item-evidence",
                file.item.ref)  # fmt: skip


# --- how well it is known -----------------------------------------------------------------------------------------


@needs("see_incidents")
def known(request: Request, ref: str) -> HttpResponse:
    """The level sentence by sentence, what is missing for the next, where items come from, grades, weighings, opinions."""
    incident = monitoring.get(
        monitoring.incidents(request.user).select_related("party", "organisation", "collected_by", "verified_by"), ref
    )
    items = list(incident.items.prefetch_related("parents", "assessments", "weighings"))
    (facts,) = as_facts.incident_facts([incident])
    base = monitoring_queries.base_of(incident)
    anew = queries.regraded(i.ref for i in items)
    may_weigh = any(authority.allows(request.user, "weigh_contrary", i) for i in items if i.contrary and i.live)
    barred = may_weigh and verifiers.has_a_share(request.user, incident)
    return render(
        request, "monitoring/known.html",
        {"incident": incident, "explained": explaining.explain(
            facts.items, base=base, matches=incident.matches_pattern, ceiling=facts.ceiling,
            given=queries.given([i.ref for i in facts.items if i.account]), stands=queries.standing([i.ref for i in facts.items if i.contrary])),
         "graph": explaining.graph(facts.items), "rows": [_graded(i, request.user, anew=i.ref in anew) for i in items],
         "opinions": queries.opinions(incident), "may_opine": authority.allows(request.user, "give_level_opinion", incident),
         "may_grade": authority.allows(request.user, "begin_verification", incident),
         "may_weigh": may_weigh and not barred, "why_not_weigh": _(actions.OTHERS_WEIGH) if barred else "",
         "may_read": authority.allows(request.user, "read_sealed", incident, purpose="verification"),
         "locked": request.user.vault_session is None, **history.told_of(request.user, incident)},
    )  # fmt: skip


def _graded(item: Any, by: Person, *, anew: bool) -> dict[str, Any]:
    """A row of the table of grades. `anew`: it was graded anew since it was filed, so that its grade may be neither the one it was filed
    with nor the one its assessors gave."""
    given = list(item.assessments.all())
    found = rules.grading([a.testimony for a in given]) if grades.is_account(item.kind) else None
    mine = any(a.assessor_id == by.pk for a in given)
    shown = [a for a in given if queries.may_see_grade(a, by)]
    if found is None:
        state = (
            _("graded by an assessor") if given
            else _("graded anew since it was filed") if anew
            else _("graded as it was filed; an assessor may grade it anew") if item.reliability
            else _("not graded yet")
        )  # fmt: skip
    elif found.grade:
        state = _("settled by %(n)d assessors") % {"n": len(given)}
    elif found.third:
        state = _("the two differ by two or more, or straddle T2/T3: a third assessor is asked (R-VER-0)")
    elif given:
        state = _("one assessor has graded; a second is asked, who does not see the first grade (R-VER-0)")
    elif anew:
        state = _(
            "graded anew since it was filed; it counts for V2 and no more, until two assessors have graded it (R-VER-0)"
        )
    else:
        state = _(
            "no assessor has graded it here; as it was filed it counts for V2 and no more, until two have (R-VER-0)"
        )
    last = found.grade if found else given[-1].grade if given else ""
    if last and last != item.grade:
        state = _("%(state)s; graded anew since") % {"state": state}
    weighings = list(item.weighings.all())
    if item.contrary and not item.weighed and weighings and weighings[0].outcome != "stands":
        state = _("%(state)s; it was weighed at a weaker grade, and is to be weighed again (R-VER-3)") % {
            "state": state
        }
    if not item.live:
        state = _(actions.WITHOUT_CONSENT)
    open_ = item.live and ((found is not None and not found.grade) or (found is None and not given))
    added = item.added_by_id == by.pk
    return {"item": item, "state": state, "shown": shown, "mine": mine, "open": open_ and not mine and not added,
            "why_not": _(actions.OTHERS_ASSESS) if open_ and added else ""}  # fmt: skip


@needs("see_incidents")
def assess_item(request: Request, ref: str) -> HttpResponse:
    """Grade an item, without sight of another's grade."""
    item = monitoring.get(access.items(request.user), ref)
    actions.refuse_unconsented(item)
    account = grades.is_account(item.kind)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.assess_item(item, **data, by=request.user)
        return done(request, _("Your grade is kept; its reasons are sealed."), "incident-known", item.incident.ref)

    return form_page(
        request, forms.AssessForm(request.POST or None, account=account), heading=_("Assess an item"), button=_("Give the grade"),
        act=act, lead=f"{item.ref}: " + _("An account of a person is graded T1 to T4 by two assessors, each alone; nobody's silence counts as consent.")
        if account else item.ref, cancel=reverse("incident-known", args=[item.incident.ref]),
    )  # fmt: skip


@needs("see_incidents")
def weigh_item(request: Request, ref: str) -> HttpResponse:
    """Record how a contrary item was weighed."""
    item = monitoring.get(access.items(request.user), ref)
    actions.refuse_unconsented(item)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.weigh_contrary(item, **data, by=request.user)
        return done(request, _("Weighed."), "incident-known", item.incident.ref)

    return form_page(request, forms.WeighForm(request.POST or None), heading=_("Weigh a contrary item"), button=_("Record it"),
                     act=act, lead=f"{item.ref}: {item.grade}", cancel=reverse("incident-known", args=[item.incident.ref]))  # fmt: skip


@needs("see_incidents")
def give_level_opinion(request: Request, ref: str) -> HttpResponse:
    """Another organisation's opinion, beside the level."""
    incident = monitoring.get(
        monitoring.incidents(request.user).select_related("organisation", "collected_by", "verified_by"), ref
    )

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.give_level_opinion(incident, **data, by=request.user)
        return done(request, _("Your organisation's opinion stands beside the level."), "incident-known", incident.ref)

    return form_page(request, forms.OpinionForm(request.POST or None), heading=_("Give an opinion"), button=_("Give it"), act=act,
                     lead=f"{incident.ref}: {incident.shown_level}", cancel=reverse("incident-known", args=[incident.ref]))  # fmt: skip


@require_POST
@needs("see_incidents")
def reasons(request: Request, ref: str) -> HttpResponse:
    """Open the sealed reasons of a grade, a weighing or an opinion, or an excerpt; leaves a record entry."""
    obj = access.with_reasons(request.user, ref)
    fields = {"ASM": ("reasons", _("Reasons of a grade")), "WEI": ("how", _("How it was weighed")),
              "OPN": ("reasons", _("Reasons of an opinion"))}  # fmt: skip
    if obj.ref.startswith("RED"):
        return _shown(request, obj.ref, obj.item, _("Redacted version"), kind="")
    field, heading = fields[obj.ref[:3]]
    text = vault.read(obj, field, purpose="verification", by=request.user)
    incident = obj.incident if obj.ref.startswith("OPN") else obj.item.incident
    return render(request, "monitoring/opened.html", {"heading": heading, "text": text, "ref": obj.ref,
                                                       "back": reverse("incident-known", args=[incident.ref])})  # fmt: skip


# --- trusted roots and periods ------------------------------------------------------------------------------------


@needs("enter_time_authority", "time_authorities")
def roots(request: Request) -> HttpResponse:
    """Trusted roots of time-stamping authorities, and a form to enter one."""

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.enter_time_authority(pem=data["pem"], by=request.user)
        return done(request, _("The root is trusted from now on."), "time-authorities")

    return form_page(request, forms.RootForm(request.POST or None), heading=_("Trusted roots of time"), button=_("Trust it"), act=act,
                     template="monitoring/roots.html", more={"roots": TimeAuthority.objects.all()})  # fmt: skip


@require_POST
@needs("enter_time_authority", "time_authorities")
def end_root(request: Request, ref: str) -> HttpResponse:
    """Trust a root no longer."""
    actions.end_time_authority(monitoring.get(TimeAuthority.objects.all(), ref), by=request.user)
    return done(request, _("The root is no longer trusted."), "time-authorities")


@needs("see_patterns")
def periods(request: Request, ref: str) -> HttpResponse:
    """Counts of closed periods in their versions, and a form to count one."""
    situation = monitoring.get(monitoring.situations(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.close_period(situation, **data, by=request.user)
        return done(request, _("The period is counted."), "period-counts", situation.ref)

    words = {
        "counted": _("counted"), "verified_later": _("restated: verified after the period was counted"),
        "no_longer_verified": _("restated: no longer verified"), "regraded_later": _("restated: levels changed since"),
    }  # fmt: skip
    sees = authority.allows(request.user, "see_incidents", Place("incidents"))
    rows = [{"count": c, "says": words.get(c.reason, c.reason), "incident": c.because_of if sees else ""}
            for c in queries.period_counts(situation)]  # fmt: skip
    return form_page(
        request, forms.PeriodForm(request.POST or None), heading=_("Counts of closed periods"), button=_("Count it"), act=act,
        lead=situation.name, template="monitoring/periods.html", cancel=reverse("situation", args=[situation.ref]),
        more={"rows": rows, "may_close": authority.allows(request.user, "close_period", situation)},
    )  # fmt: skip
