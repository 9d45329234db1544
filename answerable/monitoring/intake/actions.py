"""Every change in taking reports in: a delivery kept or undone, a draft filed, a correction taken over, an interview asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import taxonomy
from answerable.monitoring import actions as monitoring
from answerable.monitoring import grades, lifecycle
from answerable.monitoring.intake import counts as service_counts
from answerable.monitoring.intake import guard, queries, readers, rules, staging
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.description import FIELDS
from answerable.monitoring.models import Incident, Party, Situation, SourceItem
from answerable.monitoring.patterns import live
from answerable.record import log as record
from answerable.vault import client, keeping
from answerable.vault.consent import actions as consent
from answerable.vault.consent import rules as consents

# How many drafts one act files: each has care, consents and a level of its own to enter.
FILED_AT_ONCE = 500


# --- deliveries ---------------------------------------------------------------------------------------------------


@action("bring_in_reports")
def bring_in_reports(staged: staging.Staged, *, by: Person) -> m.IntakeBatch:
    """Keep every good row of a delivery as a draft: all of them, once. What is bad stays named, row by row.

    The rows were checked and sealed before (staging.advance); here they move in as they are. Raises Refused when the
    checking is not at its end, or when the same came in meanwhile.
    """
    authority.require(by, "bring_in_reports", Place("intake"))
    state = staged.state
    if not state.finished:
        raise Refused(_("Not every row is checked yet. Go on with checking first."), reason="unfinished")
    if state.person != by.ref:
        raise Refused(_("A delivery is kept by the person who sent it."), reason="not_authorised")
    batch = m.IntakeBatch(
        id=state.batch_id, compartment=queries.compartment_of(by), organisation=by.body, route=state.route, mark=state.mark,
        rows=state.total, kept=state.kept, bad=state.bad, repeated=state.repeated, corrections=state.corrections,
        problems=state.problems, made_at=clock.now(), made_by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            _replace_earlier(staged)
            _move_in("monitoring_draft", staging.COLUMNS, staged.home / "rows")
            _move_in("monitoring_draftitem", staging.ITEM_COLUMNS, staged.home / "items")
    except IntegrityError:
        raise Refused(
            _(
                "The same file or one of its submissions was brought in meanwhile. Nothing was changed; check the file again."
            ),
            reason="duplicate",
        ) from None
    record.append(
        "reports brought in", batch, by=by,
        detail={"route": state.route, "rows": state.total, "kept": state.kept, "bad": state.bad, "repeated": state.repeated,
                "corrections": state.corrections, "mark": state.mark},
    )  # fmt: skip
    transaction.on_commit(staged.forget)
    return batch


def _move_in(table: str, columns: Sequence[str], path: Path) -> None:
    """Rows that are ready, into a table, a megabyte at a time. (Row-level security takes no COPY, and nobody needs the
    right to make tables of their own for it.)
    """
    names = ", ".join(columns)
    values = ", ".join(f"NULLIF(a[{n}], '\\N')::{staging.CASTS.get(c, 'text')}" for n, c in enumerate(columns, 1))
    with connection.cursor() as cursor:
        for part in staging.whole_lines(path):
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM (SELECT string_to_array(l, E'\t') AS a FROM "
                "string_to_table(%s, E'\n') AS l) AS lines", [part],
            )  # fmt: skip


def _replace_earlier(staged: staging.Staged) -> None:
    """Drafts of which a later version comes in give way to it; a report that was filed stays as it is."""
    if not staged.state.corrections:
        return
    at, version = staging.COLUMNS.index("identity"), staging.COLUMNS.index("version")
    later: list[str] = []
    with (staged.home / "rows").open("rb") as rows:
        for one in rows:
            parts = one.split(b"\t", at + 1)
            if parts[version] != b"1":
                later.append(parts[at].decode())
    m.Draft.objects.filter(
        organisation__ref=Person.objects.values_list("body__ref", flat=True).get(ref=staged.state.person),
        identity__in=later, status__in=[m.DRAFT, m.CORRECTION],
    ).update(status=m.REPLACED)  # fmt: skip


@action("undo_reports")
def undo_reports(batch: m.IntakeBatch, *, by: Person) -> m.IntakeBatch:
    """Take a delivery out again, as one act: its drafts are emptied and their keys destroyed.

    Raises Refused once a report of it was filed: that is then a report, and is withdrawn or referred as one.
    """
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "undo_reports", batch)
    if not (token := by.vault_session or ""):
        raise Refused(
            _("Your key is locked. Unlock it first: the vault destroys the keys in your own session."), reason="locked"
        )
    if not by.fresh:
        raise Refused(_("Confirm that it is you before keys are destroyed."), reason="confirm")
    if batch.undone_at:
        raise Refused(_("That delivery was undone already."), reason="lifecycle")
    filed = batch.drafts.filter(status__in=[m.FILED, m.TAKEN_OVER]).count()
    if filed:
        raise Refused(
            ngettext(
                "%(n)d report of this delivery was filed, so the delivery stays. Set the other drafts aside one by one.",
                "%(n)d reports of this delivery were filed, so the delivery stays. Set the other drafts aside one by one.",
                filed,
            ) % {"n": filed}, reason="relied_upon",
        )  # fmt: skip
    gone = batch.drafts.count()
    _back_again(batch)
    m.DraftItem.objects.filter(draft__batch=batch).update(coded={}, says=b"", file_note=b"")
    batch.drafts.update(status=m.UNDONE, coded={}, area1="", area2="", narrative=b"", place=b"", link_reason=b"")
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at"])
    record.append("reports taken out again", batch, by=by, detail={"drafts": gone})
    # Keys go after the commit, in the session of whoever undoes it: the vault looks for itself what came with it.
    transaction.on_commit(lambda: client.ask("shred_undone", token=token, batch=batch.ref))
    return batch


def _back_again(batch: m.IntakeBatch) -> None:
    """Earlier drafts that gave way to this delivery's versions stand again."""
    ours = batch.drafts.filter(version__gt=1, corrects="").exclude(status=m.REPLACED).values_list("identity", "version")
    for identity, version in list(ours):
        batch.drafts.filter(identity=identity).update(status=m.UNDONE)
        m.Draft.objects.filter(
            organisation=batch.organisation, identity=identity, version=version - 1, status=m.REPLACED
        ).update(status=m.DRAFT)
    pending = batch.drafts.filter(status=m.CORRECTION, version__gt=2).values_list("identity", "version")
    for identity, version in list(pending):
        m.Draft.objects.filter(
            organisation=batch.organisation, identity=identity, version=version - 1, status=m.REPLACED
        ).exclude(corrects="").update(status=m.CORRECTION)


# --- drafts -------------------------------------------------------------------------------------------------------


def _counts_now(filed: Sequence[Incident], *, why: str = "report received") -> None:
    """Levels and windows follow what came in, and reports like it are looked for."""
    live.first(i.ref for i in filed)  # all their actors at once, whoever comes first among them
    for party in {i.party_id: i.party for i in filed}.values():
        monitoring.relevel(party, *(i.ref for i in filed if i.party_id == party.pk), why=why)
    for incident in filed:
        question("report_changed").ask(incident.ref)


@action("file_draft")
def file_draft(draft: m.Draft, *, party: Party | None = None, link_reason: str = "", by: Person) -> Incident:
    """File a draft as a report, its items with it. What a draft may lack is given now. Raises Refused."""
    draft = m.Draft.objects.select_for_update().get(pk=draft.pk)
    authority.require(by, "file_draft", draft)
    incident = _filed(draft, party=party, link_reason=link_reason, by=by)
    _counts_now([incident])
    record.append(
        "report received", incident, by=by, to_state=incident.status,
        detail={"situation": incident.situation.ref, "organisation": incident.organisation.ref, "items": incident.items.count()},
    )  # fmt: skip
    return incident


@action("file_drafts")
def file_drafts(batch: m.IntakeBatch, *, by: Person) -> int:
    """File the next five hundred drafts of a delivery that lack nothing. Returns how many."""
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "file_drafts", batch)
    ready = batch.drafts.filter(status=m.DRAFT, lacks=[]).select_for_update().order_by("row")[:FILED_AT_ONCE]
    filed = [_filed(d, by=by) for d in list(ready)]
    _counts_now(filed)
    if not filed:
        raise Refused(
            _("No draft of this delivery is ready to be filed: each lacks something, or is filed."), reason="none"
        )
    record.append(
        "reports filed from a delivery", batch, by=by, detail={"filed": [i.ref for i in filed][:FILED_AT_ONCE]}
    )
    return len(filed)


def _filed(draft: m.Draft, *, party: Party | None = None, link_reason: str = "", by: Person) -> Incident:
    """The report a draft becomes, inside an act that has its own entry: coded facts and sealed texts move as they are."""
    if draft.status != m.DRAFT:
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    party = party or draft.party
    problems = []
    if party is None:
        problems.append(_("Choose the armed actor before filing."))
    elif party.situation_id != draft.situation_id:
        problems.append(_("That actor does not belong to this situation."))
    reason_kept = "link_reason" not in draft.lacks
    if not reason_kept and not link_reason.strip():
        problems.append(_("Say in a sentence why it is linked to the conflict (R-TAX-1)."))
    problems += [s for answer in question("care_offered").ask(draft.ref, True, by) for s in answer]
    if problems or party is None:
        raise Refused(" ".join(problems), reason="report")
    texts = {"narrative": bytes(draft.narrative), "place": bytes(draft.place), "link_reason": bytes(draft.link_reason)}
    if not reason_kept:
        texts = keeping.seal_fields(
            draft.ref, draft.compartment, "Incident", {"narrative": "", "place": "", "link_reason": link_reason}
        )
    c: Mapping[str, Any] = draft.coded
    incident = Incident(
        ref=draft.ref, compartment=draft.compartment, situation=draft.situation, party=party, organisation=draft.organisation,
        collected_by=draft.collected_by, **_dates(draft), area1=draft.area1, area2=draft.area2,
        victims_min=c["victims_min"], victims=c["victims"], victims_max=c["victims_max"], forms=c["forms"], links=c["links"],
        settings=c.get("settings", []), consequences=c.get("consequences", []), risk=c["risk"], referral_offered=True,
        searched_first=True, submitted_at=clock.now(), status=lifecycle.SUBMITTED, because=[_("Recorded; no item yet.")], **texts,
    )  # fmt: skip
    incident.save(force_insert=True)
    for item in draft.items.all():
        _filed_item(incident, item, by=by)
    draft.status, draft.party = m.FILED, party
    draft.save(update_fields=["status", "party"])
    return incident


def _dates(draft: m.Draft) -> dict[str, Any]:
    """The day a report is counted on, how far it is known, and between which days it lies where that says too little."""
    when = edtf.parse(draft.when)
    earliest, latest = when.possible
    told = when.precision != edtf.RANGE and (earliest, latest) == (when.earliest, when.latest)
    return {
        "on": draft.earliest, "precision": draft.precision, "earliest": None if told else earliest,
        "latest": None if told else latest,
    }  # fmt: skip


def _filed_item(incident: Incident, item: m.DraftItem, *, by: Person) -> SourceItem:
    c: Mapping[str, Any] = item.coded
    made = SourceItem(
        ref=item.ref, compartment=item.compartment, incident=incident, kind=c["kind"], primary=c["directness"] == "primary",
        reliability=c.get("reliability", ""), credibility=c.get("credibility", 0), testimony=c.get("testimony", ""),
        person_key=grades.pseudonym(c.get("person_key", "")), contrary=bool(c.get("contrary")), purposes=list(c.get("purposes", [])),
        captured_on=date.fromisoformat(c["captured_on"]), says=bytes(item.says),
    )  # fmt: skip
    made.save(force_insert=True)
    if made.purposes:
        consent.write_down(
            made, _terms(c), child=c.get("giver") == "guardian", language=c.get("consent_language", ""),
            method=c.get("consent_method", "spoken"), interpreter=bool(c.get("consent_interpreter")), by=by,
        )  # fmt: skip
    return made


def _terms(c: Mapping[str, Any]) -> list[consents.Terms]:
    """One answer a purpose, in the purpose's own terms where the form said nothing narrower."""
    until = date.fromisoformat(c["consent_until"]) if c.get("consent_until") else None
    found = []
    for purpose in c["purposes"]:
        terms, most = consents.default_terms(purpose, on=clock.today()), consents.purposes()[purpose].limit
        said = c.get("identifiability") or terms.identifiability
        found.append(
            replace(
                terms, identifiability=min(said, most), expires_on=until or terms.expires_on, giver=c.get("giver", "self"),
                assent=bool(c.get("assent")), guardian_not_implicated=bool(c.get("guardian_not_implicated")),
            )
        )  # fmt: skip
    return found


@action("set_draft_aside")
def set_draft_aside(draft: m.Draft, *, by: Person) -> m.Draft:
    """A draft that is not filed, or a correction that is not taken over. It stays, and is not offered again."""
    draft = m.Draft.objects.select_for_update().get(pk=draft.pk)
    authority.require(by, "set_draft_aside", draft)
    if draft.status not in (m.DRAFT, m.CORRECTION):
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    before, draft.status = draft.status, m.SET_ASIDE
    draft.save(update_fields=["status"])
    record.append("draft set aside", draft, by=by, from_state=before, to_state=draft.status)
    return draft


@action("take_over_correction")
def take_over_correction(draft: m.Draft, *, by: Person) -> Incident:
    """A later version of a submission corrects the report it became: never a second report.

    Coded facts change to the later version's; the texts of both versions stay, each sealed as it came. Raises Refused.
    """
    live.first([draft.corrects])
    draft = m.Draft.objects.select_for_update().get(pk=draft.pk)
    incident = Incident.objects.select_for_update(no_key=True).filter(ref=draft.corrects).first()
    authority.require(by, "take_over_correction", draft)
    if draft.status != m.CORRECTION or incident is None:
        raise Refused(_("This is no correction that waits."), reason="lifecycle")
    before = {f: getattr(incident, f) for f in CORRECTED}
    c: Mapping[str, Any] = draft.coded
    for name, value in _dates(draft).items():
        setattr(incident, name, value)
    incident.area1, incident.area2 = draft.area1, draft.area2
    for name in ("victims", "victims_min", "victims_max", "forms", "links", "risk"):
        setattr(incident, name, c[name])
    incident.settings, incident.consequences = c.get("settings", []), c.get("consequences", [])
    incident.save(update_fields=CORRECTED)
    draft.status = m.TAKEN_OVER
    draft.save(update_fields=["status"])
    _counts_now([incident], why="report corrected")
    changed = sorted(f for f in CORRECTED if before[f] != getattr(incident, f))
    record.append(
        "report corrected",
        incident,
        by=by,
        detail={"correction": draft.ref, "version": draft.version, "changed": changed},
    )
    return incident


CORRECTED = ["on", "precision", "earliest", "latest", "area1", "area2", "victims", "victims_min", "victims_max", "forms", "links", "risk", "settings",
             "consequences"]  # fmt: skip


# --- one report at a time: the API and the web form ---------------------------------------------------------------


@action("deliver_report")
def deliver_report(
    row: Mapping[str, Any],
    *,
    route: str,
    key: str = "",
    interview: m.Interview | None = None,
    hold: bool = False,
    begun: m.BegunReport | None = None,
    by: Person,
) -> tuple[m.Draft, Incident | None]:
    """One report by the API or the web form: the same check as every route. Filed when it lacks nothing, else a draft.

    The same submission again gives what it gave before; a later version of one is a draft or a correction, never a
    second report. `hold` keeps it a draft although nothing is missing. Raises Refused with every problem.
    """
    situation = Situation.objects.filter(ref=str(row.get("situation", ""))).first()
    authority.require(by, "bring_in_reports", Place("intake"))
    if situation is not None:
        authority.require(by, "receive_report", situation)
    intake = staging.Intake(by, situation=situation, batch_id=None, route=route)
    entry = readers.Record(0, [], ids=[f"{route}/{row['submission_id']}"] if row.get("submission_id") else [])
    clean, problems = intake.check(entry, dict(row))
    if clean is None:
        raise Problems(problems)
    if interview is not None:
        guard.spend(interview, by=by)
    elif route == "web" and any(grades.is_account(i.coded.get("kind", "")) for i in clean.items):
        raise Refused(
            _(
                "Before a new account is asked for, say why it is needed (SC-1): enter the interview first, then attach it here."
            ),
            reason="interview",
        )
    fresh = intake.new([(entry, dict(row), clean)])
    if not fresh:
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate")
    asked = intake.texts(fresh)
    drafts, items = intake.rows(fresh, asked, intake.seal(asked))
    earlier = m.Draft.objects.filter(
        organisation=by.body, identity=fresh[0].identity, status__in=[m.DRAFT, m.CORRECTION]
    )
    draft = m.Draft(**dict(zip((c.strip('"') for c in staging.COLUMNS), drafts[0], strict=True)))
    try:
        with transaction.atomic():
            earlier.update(status=m.REPLACED)
            draft.save(force_insert=True)
    except IntegrityError:
        # The same report came in a moment ago by another way.
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate") from None
    for values in items:
        m.DraftItem(**dict(zip(staging.ITEM_COLUMNS, values, strict=True))).save(force_insert=True)
    incident = _filed(draft, by=by) if draft.status == m.DRAFT and not draft.lacks and not hold else None
    if begun is not None:
        begun.done, begun.answers = True, {}
        begun.save(update_fields=["done", "answers"])
    if incident is not None:
        _counts_now([incident])
    if interview is not None and incident is not None:
        interview.report = incident
        interview.save(update_fields=["report"])
    if key:
        _remember(key, row, draft, incident, by=by)
    record.append(
        "report received" if incident else "draft received", draft.ref, by=by, to_state=incident.status if incident else draft.status,
        detail={"situation": clean.situation, "organisation": by.body.ref, "route": route, "version": draft.version},
    )  # fmt: skip
    return draft, incident


class Problems(Refused):
    """A report that did not pass the check: every problem by field."""

    def __init__(self, problems: Mapping[str, rules.Problem]) -> None:
        self.problems = {name: queries.words(p) for name, p in problems.items()}
        super().__init__(
            " ".join(f"{_(rules.bad_field(name))}: {sentence}" for name, sentence in self.problems.items()),
            reason="report",
        )


def answered(key: str, row: Mapping[str, Any], *, by: Person) -> dict[str, Any] | None:
    """What was answered to this key before; None when it is new. Raises Refused when it came with another body (409)."""
    key_mark, body_mark = keeping.marks("idempotency", [f"{by.ref}|{key}", rules.content(row)])
    found = m.Answered.objects.filter(person=by, key=key_mark).first()
    if found is None:
        return None
    if found.body != body_mark:
        raise Refused(
            _("This Idempotency-Key was used before with another report. Use a new key for each report, and the same one "
              "only to send the same report again."), reason="idempotency",
        )  # fmt: skip
    answer: dict[str, Any] = found.answer
    return answer


def answer_of(draft: m.Draft, incident: Incident | None) -> dict[str, Any]:
    """What a delivery by the API is answered."""
    return {"ref": draft.ref, "status": incident.status if incident else draft.status, "lacks": [] if incident else draft.lacks,
            "version": draft.version, "corrects": draft.corrects}  # fmt: skip


def _remember(key: str, row: Mapping[str, Any], draft: m.Draft, incident: Incident | None, *, by: Person) -> None:
    key_mark, body_mark = keeping.marks("idempotency", [f"{by.ref}|{key}", rules.content(row)])
    m.Answered.objects.create(
        person=by, key=key_mark, body=body_mark, answer=answer_of(draft, incident), at=clock.now()
    )


@action("save_begun_report")
def save_begun_report(
    situation: Situation, answers: Mapping[str, Any], *, step: int, begun: m.BegunReport | None = None, by: Person
) -> m.BegunReport:
    """Save and stop: answers in codes, numbers and days are kept for ninety days; texts are not, until all is sealed at once."""
    authority.require(by, "receive_report", situation)
    kept = {name: value for name, value in answers.items() if name in KEPT_BEGUN and value}
    if begun is not None and (begun.by_id != by.pk or begun.done):
        raise Refused(_("That report was begun by someone else, or is filed."), reason="not_authorised")
    begun = begun or m.BegunReport(compartment=queries.compartment_of(by), situation=situation, by=by)
    begun.answers, begun.step, begun.saved_at = kept, step, clock.now()
    begun.save()
    record.append("report begun", begun, by=by, detail={"situation": situation.ref, "step": step})
    return begun


# What is kept of a report that is not finished: nothing that is free text.
KEPT_BEGUN = frozenset(f.name for f in FIELDS if f.kind not in ("text", "key", "file", "decimal"))


# --- interviews ---------------------------------------------------------------------------------------------------


@action("ask_for_interview")
def ask_for_interview(
    situation: Situation, *, purpose: str, added_value: str, why_not_enough: str, person: str, told_before: str = "not_asked",
    her_request: bool = False, by: Person,
) -> m.Interview:  # fmt: skip
    """Say why someone is to be asked for her account: purpose, what it adds, why what exists does not suffice (SC-1).

    A first interview is allowed with that. A second one, by any organisation, needs her own request, or waits for
    safeguarding (SC-2). `person` is the mark of her code or of a pseudonym. Raises Refused.
    """
    authority.require(by, "ask_for_interview", situation)
    problems = []
    if purpose not in taxonomy("consent_purpose"):
        problems.append(_("Say for which purpose the account is asked; it is one of the fifteen."))
    if len(added_value.split()) < 3:
        problems.append(_("Say in a sentence what this interview would add (SC-1)."))
    if len(why_not_enough.split()) < 3:
        problems.append(_("Say in a sentence why what is recorded already does not suffice (SC-1)."))
    if told_before not in guard.TOLD:
        problems.append(_("Say whether she was asked if she told this before."))
    if len(person) != 64:
        problems.append(_("Say which person it is about, by her code or by a pseudonym."))
    if problems:
        raise Refused(" ".join(problems), reason="interview")
    number = queries.interviews_of(person) + 1
    if told_before == "told":
        number = max(number, 2)  # her own code says so, wherever it was
    basis = guard.basis(number, her_request=her_request)
    interview = m.Interview(
        compartment=queries.compartment_of(by), situation=situation, organisation=by.body, asked_by=by, person=person, purpose=purpose,
        told_before=told_before, number=number, basis=basis, status=m.ALLOWED if basis != guard.SAFEGUARDING else m.ASKED,
        asked_at=clock.now(),
    )  # fmt: skip
    sealed = keeping.seal_fields(
        interview.ref,
        interview.compartment,
        "Interview",
        {"added_value": added_value, "why_not_enough": why_not_enough},
    )
    interview.added_value, interview.why_not_enough = sealed["added_value"], sealed["why_not_enough"]
    interview.save(force_insert=True)
    record.append(
        "interview asked for", interview, by=by, to_state=interview.status,
        detail={"purpose": purpose, "number": number, "basis": basis, "told_before": told_before},
    )  # fmt: skip
    return interview


@action("decide_interview")
def decide_interview(interview: m.Interview, *, allow: bool, reason: str, by: Person) -> m.Interview:
    """Safeguarding allows or refuses a further interview, with a reason among those the rules know (SC-2)."""
    interview = m.Interview.objects.select_for_update().get(pk=interview.pk)
    authority.require(by, "decide_interview", interview)
    if interview.status != m.ASKED:
        raise Refused(_("This was decided already."), reason="lifecycle")
    if reason not in (guard.GROUNDS if allow else guard.BARS):
        raise Refused(_("Give one of the reasons listed for this decision."), reason="reason")
    interview.status, interview.decided_by, interview.decided_at = (m.ALLOWED if allow else m.REFUSED), by, clock.now()
    interview.save(update_fields=["status", "decided_by", "decided_at"])
    record.append(
        "interview allowed" if allow else "interview refused", interview, by=by, from_state=m.ASKED, to_state=interview.status,
        reason=reason,
    )  # fmt: skip
    return interview


# --- counts of services -------------------------------------------------------------------------------------------


@action("bring_in_counts")
def bring_in_counts(
    situation: Situation, table: Sequence[service_counts.Cell], mark: str, *, by: Person
) -> m.ServiceCounts:
    """Keep a table of counts by type, month and area (GBVIMS). Cells too small to keep are kept without their number."""
    authority.require(by, "bring_in_counts", situation)
    if m.ServiceCounts.objects.filter(organisation=by.body, mark=mark).exists():
        raise Refused(_("This very table was brought in before. Nothing was changed."), reason="duplicate")
    made = m.ServiceCounts.objects.create(
        compartment=queries.compartment_of(by), organisation=by.body, situation=situation, mark=mark,
        cells=[list(c) for c in service_counts.guarded(table)], brought_at=clock.now(), brought_by=by,
    )  # fmt: skip
    record.append(
        "service counts brought in", made, by=by,
        detail={"situation": situation.ref, "cells": len(made.cells), "withheld": sum(c[3] is None for c in made.cells)},
    )  # fmt: skip
    return made
