"""Every change of early warning. The rules propose a level; a person makes it an alert, or does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.deadlines import in_time
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
from answerable.monitoring import queries as known
from answerable.monitoring.models import Import, Situation, SourceItem
from answerable.monitoring.warning import files, lifecycle, queries, rules, says, sources
from answerable.monitoring.warning.models import ROOM, Alert, ConflictYear, Forecast, WarningEntry, entry_ref
from answerable.record import log as record
from answerable.vault import keeping

DUE, HELD = "DUE", "HELD"  # of the early-warning dialogue (ME-0.1)
# Why a person confirmed, did not, or stepped down: codes in the record, words beside them sealed.
CONFIRM_REASONS = ("SOURCES_HOLD", "PRECAUTION", "OTHER_SOURCES")
DECLINE_REASONS = ("SOURCE_FAILS", "SEEN_TWICE", "OLDER", "USUAL_HERE", "ANSWERED", "OTHER")
STEP_DOWN_REASONS = ("INDICATORS_FELL", "PROTECTION_WORKS", "SOURCE_FAILS", "OTHER")


@action("enter_warning")
def enter_warning(
    situation: Situation,
    *,
    indicator: str,
    stage: int,
    on: date,
    area1: str = "",
    item: SourceItem | None = None,
    reliability: str = "",
    credibility: int = 0,
    note: str = "",
    by: Person,
) -> WarningEntry:
    """Enter one observation of an indicator (form A4). What was seen is sealed; whether its source qualifies is worked out.

    The level is worked out again in the same act; a rise is proposed, and its clock starts. Raises Refused.
    """
    authority.require(by, "enter_warning", situation)
    problems = []
    if indicator not in taxonomy("early_warning_indicator"):
        problems.append(_("There is no indicator %(code)s.") % {"code": indicator})
    if stage not in rules.STAGES:
        problems.append(_("An indicator is seen as potential (1), impending (2) or ongoing (3)."))
    if on > clock.today():
        problems.append(_("The day lies in the future; give the day on which it was seen."))
    if item is not None and item.incident.situation_id != situation.pk:
        problems.append(_("That item belongs to another situation."))
    if item is not None and not item.live:
        problems.append(_("The consent behind that item has ended, so nothing new may rest on it (R-VER-4)."))
    if item is not None and (reliability or credibility):
        problems.append(_("An entry that rests on an item has the item's grade and none of its own."))
    if (reliability or credibility) and (
        reliability not in taxonomy("source_reliability") or not 1 <= credibility <= 6
    ):
        problems.append(_("A source is graded A to F and what it says 1 to 6."))
    if item is None and not note.strip():
        problems.append(_("Attach a source item, or write what was seen and by whom it was told."))
    if problems:
        raise Refused(" ".join(problems), reason="entry")
    room = f"{ROOM}/{by.body.ref}" if by.body.kind == Body.PARTNER else ROOM
    entry = WarningEntry(
        ref=entry_ref(), compartment=room, situation=situation, indicator=indicator, stage=stage, on=on, area1=area1,
        item=item, reliability=reliability, credibility=credibility, organisation=by.body, entered_by=by,
        entered_at=clock.now(),
    )  # fmt: skip
    entry.note = keeping.seal_fields(entry.ref, room, "WarningEntry", {"note": note})["note"]
    entry.save(force_insert=True)
    proposed, fell = _weigh(situation)
    record.append(
        "early-warning entry made", entry, by=by,
        detail={"situation": situation.ref, "indicator": indicator, "stage": stage,
                "qualifies": queries.qualifies(entry), **_proposed(proposed, fell)},
    )  # fmt: skip
    return entry


def _sealed_words(alert: Alert, words: str) -> bytes:
    """What a person writes with the decision, sealed into monitoring's room; no words are sealed like many.

    A level is decided on once, so this is the one time its key is made.
    """
    return keeping.seal_fields(alert.ref, ROOM, "Alert", {"words": words})["words"]


def _proposed(alert: Alert | None, fell: Alert | None = None) -> dict[str, Any]:
    """What an entry says of the level that was proposed, and of the one that fell."""
    new = {"proposed": alert.level, "alert": alert.ref, "due_at": alert.due_at.isoformat()} if alert else {}
    return {**new, **({"withdrawn": fell.ref, "was": fell.level} if fell else {})}


def _weigh(situation: Situation) -> tuple[Alert | None, Alert | None]:
    """Work the level out from every compartment: what is newly proposed, and what fell.

    A rise is proposed; a lower proposal that still waits is overtaken by it. A proposal that nothing carries any more is
    withdrawn before a person confirms it, and what is still carried is proposed in its place, under the clock it began.
    """
    Situation.objects.select_for_update(no_key=True).get(pk=situation.pk)
    with scope_of(CLOCK):
        today = clock.today()
        found, fell = queries.to_propose(situation, today), queries.fallen(situation, queries.reading(situation, today))
        entries = [c.entry for c in found.counted] if found else []
        seen_by = sorted(set(WarningEntry.objects.filter(ref__in=entries).values_list("entered_by__ref", flat=True)))
    at = clock.now()
    before = queries.waiting(situation) if found is not None or fell is not None else None
    if before is not None:
        move = "withdraw_alert" if fell is not None else "supersede_alert"
        before = Alert.objects.select_for_update().get(pk=before.pk)
        before.status = next_status(lifecycle.ALERT_MOVES, move, status=before.status)
        before.ended_at = at
        before.save(update_fields=["status", "ended_at"])
    if found is None:
        return None, before if fell is not None else None
    if before is None:
        due = rules.confirm_by(found.level, at)
    elif fell is not None:
        due = rules.confirm_by(found.level, before.proposed_at)
    else:
        due = rules.confirm_by(found.level, at, before.due_at)
    made = Alert.objects.create(
        situation=situation, level=found.level, proposed_at=before.proposed_at if before and fell else at, due_at=due,
        figures=queries.figures(found), basis=list(found.basis), seen_by=seen_by,
    )  # fmt: skip
    return made, before if fell is not None else None


@action("take_back_warning")
def take_back_warning(entry: WarningEntry, *, by: Person) -> WarningEntry:
    """Take an observation back that was a mistake. It is kept and no longer counts.

    A level that waits and is carried no more is withdrawn, or lowered, in the same act; a confirmed one is a person's to judge.
    """
    entry = WarningEntry.objects.select_for_update().get(pk=entry.pk)
    authority.require(by, "take_back_warning", entry)
    if entry.taken_back_at:
        raise Refused(_("This entry has already been taken back."), reason="lifecycle")
    entry.taken_back_at = clock.now()
    entry.save(update_fields=["taken_back_at"])
    proposed, fell = _weigh(entry.situation)
    record.append("early-warning entry taken back", entry, by=by,
                  detail={"indicator": entry.indicator, **_proposed(proposed, fell)})  # fmt: skip
    return entry


@action("propose_alert")
def propose_alert(situation: Situation, *, by: HasPrincipal) -> Alert:
    """Propose the level that reports of incidents brought about, or withdraw one that nothing carries any more. Done by the
    clock; a person confirms it. Returns the level proposed, or else the one withdrawn."""
    authority.require(by, "propose_alert", situation)
    alert, fell = _weigh(situation)
    about = alert or fell
    if about is None:
        raise Refused(_("Nothing has risen since a person last looked."), reason="nothing_new")
    detail = {"situation": situation.ref, **_proposed(alert, fell)}
    if alert:
        record.append("early-warning level proposed", alert, by=by, to_state=alert.status, detail=detail)
    else:
        record.append("early-warning level withdrawn", about, by=by, to_state=about.status, detail=detail)
    return about


def _held(alert: Alert, move: str, by: HasPrincipal) -> tuple[Alert, str]:
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    authority.require(by, move, alert)
    return alert, next_status(lifecycle.ALERT_MOVES, move, status=alert.status)


def _known(reason: str, allowed: tuple[str, ...]) -> str:
    if reason not in allowed:
        raise Refused(_("Give a reason from the list; add words if it needs them."), reason="reason")
    return reason


@action("confirm_alert")
def confirm_alert(alert: Alert, *, reason: str, words: str = "", by: Person) -> Alert:
    """A person confirms the level: only now is there an alert. Its obligations (T-RISK) and the dialogue (ME-0.1) open.

    Raises Refused where the rules give less by now: what nothing carries is not confirmed.
    """
    alert, after = _held(alert, "confirm_alert", by)
    _known(reason, CONFIRM_REASONS)
    with scope_of(CLOCK):
        today = queries.reading(alert.situation, clock.today())
    if rules.rank(today.level) < rules.rank(alert.level):
        raise Refused(
            _("The rules now give %(now)s: what carried this level was taken back or lies too far behind, so it cannot be confirmed. It is "
              "withdrawn within the hour, and what is still carried is proposed in its place.") % {"now": says.level(today.level)},
            reason="fallen",
        )  # fmt: skip
    sealed = _sealed_words(alert, words)
    before = queries.standing(alert.situation)
    if before is not None:
        before.status = next_status(lifecycle.ALERT_MOVES, "supersede_alert", status=before.status)
        before.ended_at = clock.now()
        before.save(update_fields=["status", "ended_at"])
    earlier, alert.status = alert.status, after
    alert.decided_by, alert.decided_at, alert.reason = by, clock.now(), reason
    alert.obligations = queries.triggered(alert.level)
    if rules.opens_dialogue(alert.level):
        # A dialogue that an alert before this one opened, or held, is the same dialogue.
        alert.dialogue, alert.dialogue_on = (
            (before.dialogue, before.dialogue_on) if before and before.dialogue else (DUE, None)
        )
    alert.words = sealed
    alert.save(
        update_fields=[
            "status",
            "decided_by",
            "decided_at",
            "reason",
            "obligations",
            "dialogue",
            "dialogue_on",
            "words",
        ]
    )
    entry = record.append(
        "alert confirmed", alert, by=by, from_state=earlier, to_state=alert.status, reason=alert.reason,
        detail={"situation": alert.situation.ref, "level": alert.level, "obligations": alert.obligations,
                "opens": rules.DIALOGUE if alert.dialogue == DUE else "",
                "urgent_procedure": rules.permits_urgent(alert.level)},
    )  # fmt: skip
    for prefix, why in (("EWE", "indicator seen"), ("INC", "incident reported")):
        record.rely(alert.ref, [r for r in alert.basis if r.startswith(prefix)], why, since=entry.index)
    question("alert_confirmed").ask(alert, entry)
    return alert


@action("decline_alert")
def decline_alert(alert: Alert, *, reason: str, words: str = "", by: Person) -> Alert:
    """A person does not confirm the level, and says why. It is proposed again only when something new carries it."""
    alert, after = _held(alert, "decline_alert", by)
    _known(reason, DECLINE_REASONS)
    sealed = _sealed_words(alert, words)
    earlier, alert.status = alert.status, after
    alert.decided_by, alert.decided_at, alert.reason = by, clock.now(), reason
    alert.words = sealed
    alert.save(update_fields=["status", "decided_by", "decided_at", "reason", "words"])
    record.append("level not confirmed", alert, by=by, from_state=earlier, to_state=alert.status, reason=alert.reason,
                  detail={"situation": alert.situation.ref, "level": alert.level})  # fmt: skip
    return alert


@action("escalate_alert")
def escalate_alert(alert: Alert, *, by: HasPrincipal) -> Alert:
    """Nobody answered in time: the level goes to the duty officer of the Chair. Done by the clock."""
    alert, after = _held(alert, "escalate_alert", by)
    if in_time(clock.now(), alert.due_at):
        raise Refused(_("The time to confirm it has not run out."), reason="lifecycle")
    earlier, alert.status, alert.escalated_at = alert.status, after, clock.now()
    alert.save(update_fields=["status", "escalated_at"])
    record.append("level escalated to the Chair", alert, by=by, from_state=earlier, to_state=alert.status,
                  detail={"situation": alert.situation.ref, "level": alert.level})  # fmt: skip
    return alert


@action("step_down_alert")
def step_down_alert(alert: Alert, *, reason: str, by: Person) -> Alert:
    """A person ends a confirmed alert, and says why. It never ends by itself."""
    alert, after = _held(alert, "step_down_alert", by)
    earlier, alert.status = alert.status, after
    alert.ended_by, alert.ended_at, alert.end_reason = by, clock.now(), _known(reason, STEP_DOWN_REASONS)
    # What the rules see today is what the person judged: it is not proposed again until something new is seen.
    with scope_of(CLOCK):
        today = queries.reading(alert.situation, clock.today())
    alert.basis = sorted({*alert.basis, *today.basis})
    alert.save(update_fields=["status", "ended_by", "ended_at", "end_reason", "basis"])
    record.append("alert stepped down", alert, by=by, from_state=earlier, to_state=alert.status, reason=alert.end_reason,
                  detail={"situation": alert.situation.ref, "level": alert.level, "rules_say": today.level})  # fmt: skip
    return alert


@action("hold_dialogue")
def hold_dialogue(alert: Alert, *, on: date, by: Person) -> Alert:
    """The Chair notes that the confidential early-warning dialogue (ME-0.1) took place, and when. What was said stays there."""
    alert = Alert.objects.select_for_update().get(pk=alert.pk)
    authority.require(by, "hold_dialogue", alert)
    if alert.status != lifecycle.CONFIRMED or alert.dialogue != DUE:
        raise Refused(_("No early-warning dialogue is open on this."), reason="lifecycle")
    decided = alert.decided_at.date() if alert.decided_at else on
    if not decided <= on <= clock.today():
        raise Refused(_("The dialogue took place between the day of the alert and today."), reason="date")
    alert.dialogue, alert.dialogue_on = HELD, on
    alert.save(update_fields=["dialogue", "dialogue_on"])
    record.append("early-warning dialogue held", alert, by=by, from_state=DUE, to_state=HELD,
                  detail={"measure": rules.DIALOGUE, "on": on.isoformat()})  # fmt: skip
    return alert


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """A shredded entry keeps its indicator, its stage and the quarter."""
    for entry in WarningEntry.objects.filter(ref=ref) if ref.startswith("EWE") else ():
        quarter = entry.on.replace(month=(entry.on.month - 1) // 3 * 3 + 1, day=1)
        WarningEntry.objects.filter(pk=entry.pk).update(note=b"", area1="", on=quarter)


# --- the forecast ---------------------------------------------------------------------------------------------------


@action("import_conflicts")
def import_conflicts(file: files.ConflictFile, file_name: str, *, by: Person) -> Import:
    """Bring in the UCDP/PRIO Armed Conflict Dataset for the forecast: all of it or nothing. The same file twice is refused."""
    authority.require(by, "import_public_data", Place("imports"))
    known.refuse_repeated(file.sha256)
    batch = Import.objects.create(
        dataset=sources.CONFLICTS, release=file.version[:20], file_name=file_name[-200:], sha256=file.sha256,
        rows=len(file.years), made_at=clock.now(), made_by=by,
    )  # fmt: skip
    ConflictYear.objects.bulk_create((ConflictYear(imported=batch, **asdict(c)) for c in file.years), batch_size=1000)
    record.append("public data imported", batch, by=by,
                  detail={"dataset": batch.dataset, "release": batch.release, "sha256": file.sha256, "rows": batch.rows})  # fmt: skip
    return batch


@question("import_undone").answer_with
def _undone(batch: Import) -> None:
    """Conflict-years of an import go with it; a forecast made with them says which release it used."""
    ConflictYear.objects.filter(imported=batch).delete()


@action("ask_forecast")
def ask_forecast(*, by: Person) -> Forecast:
    """Ask for a forecast from the imported readings; the worker makes it."""
    authority.require(by, "ask_forecast", Place("forecasts"))
    if Forecast.objects.filter(status="ASKED").exists():
        raise Refused(_("A forecast has been asked for and is being made."), reason="duplicate")
    forecast = Forecast.objects.create(asked_by=by, asked_at=clock.now())
    record.append("forecast asked for", forecast, by=by, to_state=forecast.status)
    return forecast


@action("keep_forecast")
def keep_forecast(
    forecast: Forecast, *, year: int | None = None, method: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None, actors: list[dict[str, Any]] | None = None, problem: str = "",
    by: HasPrincipal,
) -> Forecast:  # fmt: skip
    """Keep a forecast that was made, or why it could not be. The record entry names its method and no actor."""
    forecast = Forecast.objects.select_for_update().get(pk=forecast.pk)
    authority.require(by, "keep_forecast", Place("forecasts"))
    if forecast.status != "ASKED":
        raise Refused(_("This forecast has already been made."), reason="lifecycle")
    forecast.status, forecast.made_at = "FAILED" if problem else "MADE", clock.now()
    forecast.year, forecast.method, forecast.problem = year, dict(method or {}), problem[:300]
    forecast.evaluation, forecast.actors = dict(evaluation or {}), list(actors or [])
    forecast.save()
    record.append("forecast made", forecast, by=by, from_state="ASKED", to_state=forecast.status,
                  detail={"year": year or 0, "actors": len(forecast.actors)})  # fmt: skip
    return forecast


def owed() -> int:
    """Levels that reports brought about or that fell, and those nobody answered in time, each as its own act. Safe to run again."""
    done = 0
    with reading_as(CLOCK):
        today = clock.today()
        risen = [
            s for s in queries.situations_to_weigh(today)
            if queries.to_propose(s, today) or queries.fallen(s, queries.reading(s, today))
        ]  # fmt: skip
    for situation in risen:
        propose_alert(situation, by=CLOCK)
        done += 1
    # Only then: a level that nothing carries any more does not go to the Chair.
    with reading_as(CLOCK):
        late = [a for a in Alert.objects.filter(status=lifecycle.PROPOSED) if not in_time(clock.now(), a.due_at)]
    for alert in late:
        escalate_alert(alert, by=CLOCK)
        done += 1
    return done
