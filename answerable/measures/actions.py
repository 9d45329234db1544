"""Entering into force, implementation by members, and lapse."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance import lifecycle as membership
from answerable.alliance import queries as alliance
from answerable.alliance.models import Person, State
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.common import clock
from answerable.common.deadlines import end_of_calendar_days, months_after
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.council.models import Proposal
from answerable.measures import lifecycle, rules
from answerable.measures.models import Implementation, Measure
from answerable.record import log as record


@question("proposal_adopted").answer_with
def _adopted(proposal: Proposal, entry: Any) -> Measure:
    """A proposal adopted becomes a measure, in the same transaction and under the same record entry."""
    row = proposal.measure
    today = clock.today()
    measure = Measure.objects.create(
        proposal=proposal,
        code=proposal.measure_code,
        stays=bool(row["max_months"]),
        adopted_on=today,
        expires_on=proposal.expires_on,
        review_on=months_after(today, int(row["review_months"])).date() if row["review_months"] else None,
        due_at=end_of_calendar_days(clock.now(), 10 if proposal.urgent else 30, holidays=alliance.holidays())
        if proposal.measure_code in {"ME-2.1", "ME-2.2"}
        else None,
    )
    record.rely(measure.ref, [proposal.ref], "decision", since=entry.index)
    record.rely(measure.ref, proposal.findings, "finding", since=entry.index)
    return measure


@action("enter_into_force")
def enter_into_force(measure: Measure, *, by: Person) -> Measure:
    """The Chair notifies the measure; it is in force at once and each voting member has 30 days to give it effect."""
    measure = Measure.objects.select_for_update().get(pk=measure.pk)
    authority.require(by, "enter_into_force", measure)
    before = measure.status
    notified = next_status(lifecycle.MEASURE_MOVES, "notify_measure", status=before)
    measure.status = next_status(lifecycle.MEASURE_MOVES, "enter_into_force", status=notified)
    measure.in_force_on = clock.today()
    measure.save(update_fields=["status", "in_force_on"])
    due = end_of_calendar_days(clock.now(), rules.IMPLEMENTATION_DAYS, holidays=alliance.holidays())
    if rules.rung(measure.code) >= 6:
        Implementation.objects.bulk_create(
            Implementation(measure=measure, state=state, due_at=due)
            for state in State.objects.filter(status__in=membership.EVER_MEMBER)
            if state != measure.proposal.target_state
        )
    entry = record.append(
        "measure in force", measure, by=by, from_state=before, to_state=measure.status,
        detail={"expires_on": measure.expires_on.isoformat() if measure.expires_on else ""},
    )  # fmt: skip
    question("released").ask("measure", measure, entry)
    return measure


def _own(measure: Measure, by: Person) -> Implementation:
    found = Implementation.objects.select_for_update().filter(measure=measure, state=by.body.state).first()
    if found is None:
        raise Refused(_("Your state has nothing to implement on this measure."), reason="not_eligible")
    return found


def _still_in_force(measure: Measure) -> None:
    if measure.status not in lifecycle.LIVE:
        raise Refused(_("The measure is no longer in force."), reason="lifecycle")


@action("give_effect")
def give_effect(measure: Measure, *, act: str, act_on: date, by: Person) -> Implementation:
    """A member records the legal act by which it gives effect to a measure (form A12)."""
    authority.require(by, "give_effect", measure)
    _still_in_force(measure)
    mine = _own(measure, by)
    if not act.strip():
        raise Refused(_("Name the domestic act and its number."), reason="incomplete")
    if act_on > clock.today():
        raise Refused(_("The act is not dated in the future."), reason="date")
    before, mine.status = mine.status, next_status(lifecycle.IMPLEMENTATION_MOVES, "give_effect", status=mine.status)
    mine.act, mine.act_on = act.strip()[:200], act_on
    mine.save(update_fields=["status", "act", "act_on"])
    record.append("effect given", measure, by=by, from_state=before, to_state=mine.status,
                  detail={"state": mine.state.code, "act_on": act_on.isoformat()})  # fmt: skip
    return mine


@action("report_implementation")
def report_implementation(
    measure: Measure, *, licences_refused: int = 0, exceptions_used: int = 0, by: Person
) -> Implementation:
    """A member reports: licences refused, exceptions used."""
    authority.require(by, "report_implementation", measure)
    _still_in_force(measure)
    mine = _own(measure, by)
    before, mine.status = mine.status, next_status(lifecycle.IMPLEMENTATION_MOVES, "report", status=mine.status)
    mine.licences_refused, mine.exceptions_used, mine.reported_at = licences_refused, exceptions_used, clock.now()
    mine.save(update_fields=["status", "licences_refused", "exceptions_used", "reported_at"])
    record.append("implementation reported", measure, by=by, from_state=before, to_state=mine.status,
                  detail={"state": mine.state.code})  # fmt: skip
    return mine


@action("lapse_measure")
def lapse_measure(measure: Measure, *, by: HasPrincipal) -> Measure:
    """At 23:59:59 of its last day a measure that was not renewed has lapsed (R-SUN-1). Done by the clock."""
    measure = Measure.objects.select_for_update().get(pk=measure.pk)
    authority.require(by, "lapse_measure", measure)
    if measure.expires_on is None or clock.now() < rules.end_of(measure.expires_on):
        raise Refused(_("The measure has not reached its expiry."), reason="lifecycle")
    before, measure.status = measure.status, next_status(lifecycle.MEASURE_MOVES, "lapse", status=measure.status)
    measure.save(update_fields=["status"])
    entry = record.append("measure lapsed", measure, by=by, from_state=before, to_state=measure.status)
    question("released").ask("measure", measure, entry)
    return measure


@action("note_late")
def note_late(implementation: Implementation, *, by: HasPrincipal) -> Implementation:
    """A member that gave no effect in its 30 days is late, for all to see. Done by the clock."""
    implementation = Implementation.objects.select_for_update().get(pk=implementation.pk)
    authority.require(by, "note_late", implementation.measure)
    if clock.now() <= implementation.due_at:
        raise Refused(_("It is not due yet."), reason="lifecycle")
    before, implementation.status = (
        implementation.status,
        next_status(lifecycle.IMPLEMENTATION_MOVES, "note_late", status=implementation.status),
    )
    implementation.save(update_fields=["status"])
    record.append("implementation late", implementation.measure, by=by, from_state=before,
                  to_state=implementation.status, detail={"state": implementation.state.code})  # fmt: skip
    return implementation


def owed() -> int:
    """Everything the clock owes now, each as its own act; returns how many were done. Safe to run again."""
    done = 0
    yesterday = clock.today() - timedelta(days=1)
    for measure in Measure.objects.filter(status__in=lifecycle.LIVE, expires_on__lte=yesterday):
        lapse_measure(measure, by=CLOCK)
        done += 1
    for late in Implementation.objects.filter(
        status=lifecycle.DUE, due_at__lt=clock.now(), measure__status__in=lifecycle.LIVE
    ):
        note_late(late, by=CLOCK)
        done += 1
    return done
