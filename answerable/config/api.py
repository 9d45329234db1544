"""The API: the same actions and policies by token. A token votes nothing, pays nothing and opens nothing sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema, Status
from ninja.security import HttpBearer
from pydantic import ConfigDict, StrictInt

from answerable.accountability import access as findings
from answerable.alliance.models import State, Token
from answerable.authority import engine as authority
from answerable.authority.acting import set_scope
from answerable.authority.pages import Request
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.council import access as council
from answerable.council import actions as council_actions
from answerable.measures import actions as measure_actions
from answerable.measures.models import Measure
from answerable.monitoring import access as monitoring
from answerable.monitoring import actions as monitoring_actions
from answerable.monitoring import queries as monitoring_queries
from answerable.monitoring.intake.actions import reporting
from answerable.monitoring.intake.models import Draft
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.models import Incident
from answerable.reparations import access as reparations
from answerable.reparations import actions as claim_actions
from answerable.vault import signin

PURPOSES = {"situations": "monitoring", "reports": "monitoring", "incidents": "monitoring", "proposals": "council", "measures": "council",
            "findings": "council", "programmes": "reparations", "claims": "reparations"}  # fmt: skip


class Bearer(HttpBearer):
    """A token of one person and one purpose; only its hash is known here."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        digest = hashlib.sha256(token.encode()).hexdigest()
        found = (
            Token.objects.select_related("person__body__state")
            .filter(sha256=digest, ended=False, expires_on__gte=clock.today(), person__is_active=True)
            .first()
        )
        if found is None:
            return None
        section = request.path.removeprefix("/api/").split("/")[0]
        if found.purpose not in {PURPOSES.get(section), "reading"} or (
            found.purpose == "reading" and request.method != "GET"
        ):
            return None
        person = found.person
        person.via, person.token_purposes = "api", frozenset({found.purpose})
        # A token of someone who may not work here yet works no more than they do.
        person.fresh, person.enrolled = False, signin.is_enrolled(person.ref)
        if not person.enrolled:
            return None
        request.user = person
        set_scope(person.principal().compartments)
        return person


api = NinjaAPI(title="Answerable", version="1", auth=Bearer(), docs_url=None, openapi_url="openapi.json")


@api.exception_handler(Refused)
def _refused(request: HttpRequest, no: Exception) -> HttpResponse:
    response = api.create_response(request, {"refused": str(no), "reason": getattr(no, "reason", "")}, status=409)
    response.undo = True  # type: ignore[attr-defined]
    return response


class ReportIn(Schema):
    """An incident report (form A1) in its short form: a day and how far it is known. POST /reports takes forms A1 to A3 whole.

    `party` is one armed actor; `parties`, in its place or beside it, are several.
    """

    model_config = ConfigDict(extra="forbid")  # what it does not ask would be lost

    situation: str
    party: str = ""
    parties: list[str] = []
    on: date
    area1: str
    area2: str = ""
    precision: str = "day"
    actor_types: list[str] = []
    victims: StrictInt  # true is no number
    forms: list[str]
    links: list[str]
    link_reason: str
    narrative: str = ""
    place: str = ""
    risk: str = "medium"
    referral_offered: bool
    searched_first: bool


class Made(Schema):
    """What was made."""

    ref: str
    status: str


class Problem(Schema):
    """Why not."""

    refused: str
    reason: str


class Page(Schema):
    """Rows of a list in the order in which they were made; `next` is what to send as `after` for those that follow, or null."""

    rows: list[dict]
    next: str | None


AT_ONCE = 500


def _page(
    rows: QuerySet[Any],
    after: str,
    shown: Callable[[Any], dict[str, Any]],
    *,
    passing: Callable[[Sequence[Any]], Sequence[Any]] = list,
) -> dict[str, Any]:
    """The rows after one that was answered before, as many as are answered at once, each asked of `passing` before they are
    counted: so a page is full unless it is the last, and a row that was made meanwhile comes on a later one.
    """
    last, found = 0, list[Any]()
    if after:
        known: Model | None = rows.filter(ref=after).first() if "\x00" not in after else None
        if known is None:
            raise Refused(_("Send as “after” what the page before gave as “next”."), reason="after")
        last = known.pk
    while len(found) <= AT_ONCE and (chunk := list(rows.order_by("pk").filter(pk__gt=last)[: AT_ONCE + 1])):
        last, found = chunk[-1].pk, [*found, *passing(chunk)]
    page = found[:AT_ONCE]
    return {"rows": [shown(r) for r in page], "next": page[-1].ref if len(found) > AT_ONCE else None}


@api.get("/situations", response={200: Page, 409: Problem})
def situations(request: Request, after: str = "") -> Any:
    """Situations."""
    return _page(
        monitoring.situations(request.user), after, lambda s: {"ref": s.ref, "name": s.name, "status": s.status}
    )


@api.get("/situations/{ref}", response=dict)
def situation(request: Request, ref: str) -> Any:
    """One situation with its parties."""
    s = monitoring.get(monitoring.situations(request.user), ref)
    return {"ref": s.ref, "name": s.name, "parties": [{"ref": p.ref, "name": p.name} for p in s.parties.all()]}


@api.get("/incidents", response={200: Page, 409: Problem})
def incidents(request: Request, after: str = "") -> Any:
    """Incidents of one's own compartments whose accounts consent to leaving the office (SC-4): coarse facts only.

    `parties` are all armed actors it names. `level` is empty until a verifier has concluded it. `on` is the first day of what `precision` says; where `earliest` and
    `latest` are given, it lies on some day from one to the other.
    """
    return _page(
        monitoring.incidents(request.user).with_actors().select_related("situation"),
        after,
        lambda i: {
            "ref": i.ref,
            "situation": i.situation.ref,
            "parties": [p.ref for p in i.actors],
            "on": i.on,
            "precision": i.precision,
            "earliest": i.earliest,
            "latest": i.latest,
            "level": i.concluded_level,
            "status": i.status,
        },
        passing=monitoring_queries.exportable,
    )


@api.post("/incidents", response={201: Made, 409: Problem, 422: dict})
def receive_report(request: Request, data: ReportIn) -> Any:
    """File an incident report; the same check and the same way in as POST /reports. Problems come by field (422)."""
    row = reporting.row_of_day(data.model_dump(), by=request.user)
    return _delivered(request, row, lambda draft, incident: {"ref": draft.ref, "status": (incident or draft).status})


def _delivered(
    request: Request, row: dict[str, Any], answer: Callable[[Draft, Incident | None], dict[str, Any]], key: str = ""
) -> Any:
    """One report through the one way in; what it made, or every problem by field."""
    try:
        draft, incident = reporting.deliver_report(row, route="api", key=key, by=request.user)
    except Problems as no:
        response = api.create_response(
            request, {"refused": str(no), "reason": no.reason, "problems": no.problems}, status=422
        )
        response.undo = True  # type: ignore[attr-defined]
        return response
    except reporting.AnsweredBefore as again:
        return Status(201, again.answer)
    return Status(201, answer(draft, incident))


# A report holds items, an item lists, and some answers numbers by code: no body nests deeper.
DEEPEST = 5


def _deeper_than(most: int, value: Any) -> bool:
    """Whether lists and objects lie in one another deeper than this."""
    if not isinstance(value, (list, dict)):
        return False
    return most == 0 or any(_deeper_than(most - 1, v) for v in (value.values() if isinstance(value, dict) else value))


@api.post("/reports", response={201: dict, 409: Problem, 422: dict})
def deliver_report(request: Request) -> Any:
    """A report of forms A1 to A3 as JSON, by the same check as every route. Its armed actors stand in `party`, one or a list, or
    in `parties`. `Idempotency-Key` is needed: the same key with
    the same report is answered as before, with another report it is refused (409). Problems come by field (422).
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if not 8 <= len(key) <= 200:
        raise Refused(
            _("Send an Idempotency-Key of 8 to 200 characters, a new one for each report."), reason="idempotency_key"
        )
    try:
        row = json.loads(request.body)
    except (ValueError, RecursionError):
        row = None
    if (
        not isinstance(row, dict)
        or _deeper_than(DEEPEST, row)
        or not isinstance(row.get("items", []), list)
        or not all(isinstance(i, dict) for i in row.get("items", []))
    ):
        raise Refused(_("The body is one report as a JSON object, its items a list of objects."), reason="body")
    row = reporting.with_all_actors(row)
    if (before := reporting.answered(key, row, by=request.user)) is not None:
        return Status(201, before)
    return _delivered(request, row, reporting.answer_of, key)


@api.post("/incidents/{ref}/verify", response={200: dict, 409: Problem})
def verify(request: Request, ref: str, matches_pattern: bool = False) -> Any:
    """Conclude verification as a verifier who did not collect it."""
    this = monitoring.get(monitoring.incidents(request.user), ref)
    made = monitoring_actions.verify_incident(this, matches_pattern=matches_pattern, by=request.user)
    return {"ref": made.ref, "level": made.level, "status": made.status, "because": made.because}


@api.get("/findings", response={200: Page, 409: Problem})
def list_findings(request: Request, after: str = "") -> Any:
    """Findings one may see."""
    return _page(
        findings.findings(request.user),
        after,
        lambda f: {"ref": f.ref, "kind": f.kind, "standard": f.standard, "status": f.status},
    )


class ProposalIn(Schema):
    """A proposal (form A9)."""

    title: str
    measure_code: str
    situation: str
    target_state: str = ""
    objective: str = ""
    exception_text: str = ""
    findings: list[str] = []
    expires_on: date | None = None


@api.get("/proposals", response={200: Page, 409: Problem})
def proposals(request: Request, after: str = "") -> Any:
    """Proposals one may see."""
    return _page(
        council.proposals(request.user),
        after,
        lambda p: {"ref": p.ref, "title": p.title, "measure": p.measure_code, "status": p.status, "result": p.result},
    )


@api.post("/proposals", response={201: Made, 409: Problem})
def table_proposal(request: Request, data: ProposalIn) -> Any:
    """Table a proposal for one's state."""
    values = data.model_dump()
    s = monitoring.get(monitoring.situations(request.user), values.pop("situation"))
    code = values.pop("target_state")
    target = State.objects.filter(code=code).first()
    if code and target is None:
        raise Refused(_("No state has the code %(codes)s.") % {"codes": code}, reason="unknown")
    named = [monitoring.get(findings.findings(request.user), f) for f in values.pop("findings")]
    made = council_actions.table_proposal(situation=s, target_state=target, findings=named, **values, by=request.user)
    return Status(201, {"ref": made.ref, "status": made.status})


@api.post("/proposals/{ref}/ballot", response={200: Made, 409: Problem})
def cast_ballot(request: Request, ref: str, choice: str) -> Any:
    """Always refused: a token never votes. The address exists so that the refusal can say so."""
    this = monitoring.get(council.proposals(request.user), ref)
    council_actions.cast_ballot(this, choice, by=request.user)
    return {"ref": this.ref, "status": this.status}


class EffectIn(Schema):
    """A member's act."""

    act: str
    act_on: date


def _measures(request: Request) -> QuerySet[Measure]:
    if not authority.allows(request.user, "see_measures", Place("measures")):
        return Measure.objects.none()
    return Measure.objects.all()


@api.get("/measures", response={200: Page, 409: Problem})
def measures(request: Request, after: str = "") -> Any:
    """Measures with their expiry."""
    return _page(
        _measures(request),
        after,
        lambda m: {"ref": m.ref, "code": m.code, "status": m.status, "expires_on": m.expires_on},
    )


@api.post("/measures/{ref}/effect", response={200: dict, 409: Problem})
def give_effect(request: Request, ref: str, data: EffectIn) -> Any:
    """Record one's state's act."""
    this = monitoring.get(_measures(request), ref)
    made = measure_actions.give_effect(this, act=data.act, act_on=data.act_on, by=request.user)
    return {"measure": this.ref, "status": made.status}


class PlanIn(Schema):
    """How she may be reached (SC-6). What is not said is not allowed; no plan means that nothing goes out."""

    ways: list[str] = []
    windows: list[str] = []
    any_time: bool = False
    time_zone: str = "UTC"
    letter: bool = False
    voicemail: bool = False
    do_not_contact: bool = False
    unsafe_household: bool = False
    language: str = "en"
    words: str = ""
    sender: str = ""
    code_phrase: str = ""
    may_answer: str = ""
    must_not_know: str = ""


class ClaimIn(Schema):
    """A claim as intake lodges it (§5.4)."""

    programme: str
    claim_type: str
    alias: str
    age_band: str
    country: str
    language: str
    safe_contact: str
    events_from: date
    events_to: date | None = None
    area1: str
    area2: str = ""
    forms: list[str] = []
    account: str = ""
    flags: list[str] = []
    purposes: list[str]
    guardian: bool = False
    assent: bool = False
    guardian_not_implicated: bool = False
    declared_true: bool
    referral_offered: bool
    contact_plan: PlanIn | None = None


@api.get("/programmes", response={200: Page, 409: Problem})
def programmes(request: Request, after: str = "") -> Any:
    """Programmes."""
    return _page(
        reparations.programmes(request.user).select_related("situation"),
        after,
        lambda p: {"ref": p.ref, "situation": p.situation.name, "status": p.status},
    )


@api.post("/claims", response={201: Made, 409: Problem})
def lodge_claim(request: Request, data: ClaimIn) -> Any:
    """Lodge a claim; everything that could point to her is sealed on arrival."""
    values = data.model_dump()
    programme = monitoring.get(reparations.programmes(request.user), values.pop("programme"))
    made = claim_actions.lodge_claim(programme, **values, by=request.user)
    return Status(201, {"ref": made.ref, "status": made.status})
