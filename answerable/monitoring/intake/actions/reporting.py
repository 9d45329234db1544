"""One report at a time: by the API, the web form and the channel, the key it came under, and one that is only begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.monitoring import access
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries, readers, rules, values
from answerable.monitoring.intake.actions import correcting, filing, interviewing
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.intake.staging import checking, layout, sealing, sentences
from answerable.monitoring.models import Incident, Party, Situation
from answerable.record import log as record
from answerable.vault import keeping


@action("deliver_report")
def deliver_report(
    row: Mapping[str, Any],
    *,
    route: str,
    key: str = "",
    hold: bool = False,
    begun: m.BegunReport | None = None,
    by: Person,
) -> tuple[m.Draft, Incident | None]:
    """One report by the API or the web form: the same check as every route. Filed when it lacks nothing, else a draft.

    The same submission again gives what it gave before; a later version of one is a draft or a correction, never a
    second report. `hold` keeps it a draft although nothing is missing. Raises Refused with every problem, and AnsweredBefore where
    this body came under this `key` already, also while it waited.
    """
    if key:
        _wait_for(key, by)
        if (before := answered(key, row, by=by)) is not None:
            raise AnsweredBefore(before)
    if route == "api" and (odd := rules.not_asked(row)):
        raise Problems(odd)
    named = str(row.get("situation", ""))
    situation = None if values.unkeepable(named) else Situation.objects.filter(ref=named).first()
    authority.require(by, "bring_in_reports", Place("intake"))
    if situation is not None:
        authority.require(by, "receive_report", situation)
    intake = checking.Intake(by, situation=situation, batch_id=None, route=route)
    # Its own number is one of its organisation, whatever way it comes; by its route alone it was known before.
    own = row.get("submission_id")
    entry = readers.Record(0, [], ids=[f"own/{own}", f"{route}/{own}"] if own else [])
    clean, problems = intake.check(entry, dict(row))
    if clean is None:
        raise Problems(problems)
    fresh = intake.new([(entry, dict(row), clean)])
    if intake.wrong:
        raise Problems({name: problem for _record, name, problem in intake.wrong})
    if not fresh:
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate")
    fresh, spent = intake.guarded(fresh)
    if spent:
        raise Problems({name: problem for _record, name, problem in spent})
    asked = sealing.texts(intake, fresh)
    drafts, items = sealing.rows(intake, fresh, asked, sealing.seal(intake, asked))
    earlier = m.Draft.objects.filter(
        organisation=by.body, identity=fresh[0].identity, status__in=[m.DRAFT, m.CORRECTION]
    )
    draft = m.Draft(**dict(zip((c.strip('"') for c in layout.COLUMNS), drafts[0], strict=True)))
    if draft.corrects and correcting.withdrawn_by_now([draft.corrects]):
        raise Refused(_(sentences.WITHDRAWN), reason="consent")
    try:
        with transaction.atomic():
            earlier.update(status=m.REPLACED)
            draft.save(force_insert=True)
    except IntegrityError:
        # The same report came in a moment ago by another way.
        raise Refused(_("This report is here already. Nothing was changed."), reason="duplicate") from None
    for kept in items:
        m.DraftItem(**dict(zip(layout.ITEM_COLUMNS, kept, strict=True))).save(force_insert=True)
    interviewing.hold(m.Draft.objects.filter(pk=draft.pk))
    # No file comes this way, so none enters the custody log.
    ready = draft.status == m.DRAFT and not (draft.lacks or draft.looks_like or hold)
    incident = filing.report_from(draft, by=by)[0] if ready else None
    if begun is not None:
        begun.done, begun.answers = True, {}
        begun.save(update_fields=["done", "answers"])
    if incident is not None:
        filing.counts_now([incident])
    if key:
        _remember(key, row, draft, incident, by=by)
    record.append(
        "report received" if incident else "draft received", draft.ref, by=by, to_state=incident.status if incident else draft.status,
        detail={"situation": clean.situation, "organisation": by.body.ref, "route": route, "version": draft.version},
    )  # fmt: skip
    return draft, incident


def row_of_day(told: Mapping[str, Any], *, by: Person) -> dict[str, Any]:
    """A report whose date is a day and how far it is known, as the row that every route is checked as.

    Kinds of actor that are not said are the named actors' own.
    """
    row = with_all_actors({k: v for k, v in told.items() if k not in ("on", "precision")})
    try:
        row["when"] = edtf.written(told["on"], str(told.get("precision") or edtf.DAY))
    except edtf.Unreadable as no:
        raise Problems({"when": values.Problem(no.sentence)}) from None
    if not row.get("actor_types") and not values.unkeepable(row.get("party")):
        given = row.get("party") or ""
        refs = [str(r) for r in (given if isinstance(given, list) else [given])]
        named = {p.ref: p for p in Party.objects.filter(ref__in=refs, situation__in=access.situations(by))}
        row["actor_types"] = list(dict.fromkeys(named[r].actor_type for r in refs if r in named))
    return row


def with_all_actors(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in which `parties`, a list, is the same answer as `party`: who names both names all of them."""
    found = {k: v for k, v in row.items() if k != "parties"}
    if more := row.get("parties"):
        one = row.get("party")
        first = one if isinstance(one, list) else [one] if one else []
        found["party"] = [*first, *(more if isinstance(more, list) else [more])]
    return found


class AnsweredBefore(Exception):
    """The same body came under the same key already; `answer` is what it was answered."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        super().__init__("answered before")


def _wait_for(key: str, by: Person) -> None:
    """One body under a key at a time, until the transaction ends: those that come at once are answered one after another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7308, hashtext(%s))", [f"{by.ref}|{key}"])


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
    kept = rules.kept_begun(answers, queries.world(by, situation))
    if begun is not None and (begun.by_id != by.pk or begun.done):
        raise Refused(_("That report was begun by someone else, or is filed."), reason="not_authorised")
    begun = begun or m.BegunReport(compartment=queries.compartment_of(by), situation=situation, by=by)
    begun.answers, begun.step, begun.saved_at = kept, step, clock.now()
    begun.save()
    record.append("report begun", begun, by=by, detail={"situation": situation.ref, "step": step})
    return begun
