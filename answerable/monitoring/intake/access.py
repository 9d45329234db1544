"""Who may see which batch, draft, interview or table of counts. What one may not see does not exist."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.monitoring.intake import models as m
from answerable.vault.custody import access as custodians


def _own(rows: QuerySet[Any], by: HasPrincipal, action: str) -> QuerySet[Any]:
    if not authority.allows(by, action, Place("intake")):
        return rows.none()
    scopes = by.principal().compartments
    return rows if scopes & {"monitoring", "*"} else rows.filter(compartment__in=sorted(scopes))


def batches(by: HasPrincipal) -> QuerySet[m.IntakeBatch]:
    """Deliveries of one's own rooms."""
    return _own(m.IntakeBatch.objects.all(), by, "see_drafts")


def drafts(by: HasPrincipal) -> QuerySet[m.Draft]:
    """Drafts and corrections of one's own rooms."""
    return _own(m.Draft.objects.all(), by, "see_drafts")


def interviews(by: HasPrincipal) -> QuerySet[m.Interview]:
    """Interviews asked for in one's own rooms; safeguarding sees all, the other custodians those that they were asked about."""
    if authority.allows(by, "decide_interview", Place("intake")):
        return m.Interview.objects.all()
    if authority.allows(by, "answer_questions", Place("intake")):
        return m.Interview.objects.filter(Q(status=m.WAITING) | ~Q(words=[]))
    return _own(m.Interview.objects.all(), by, "see_interviews")


def may_answer(by: Any, interview: m.Interview) -> bool:
    """Whether this person's seat is asked, and has not answered."""
    if interview.status != m.WAITING or not authority.allows(by, "give_word", interview):
        return False
    seat = custodians.seat_of(by)
    return bool(seat) and not any(w["by"] == by.ref or w["seat"] == seat for w in interview.words)


def counts(by: HasPrincipal) -> QuerySet[m.ServiceCounts]:
    """Tables of counts of one's own rooms."""
    return _own(m.ServiceCounts.objects.all(), by, "see_drafts")


def begun(by: HasPrincipal) -> QuerySet[m.BegunReport]:
    """Reports one began oneself and did not finish."""
    return _own(m.BegunReport.objects.filter(by__ref=by.ref, done=False), by, "see_drafts")
