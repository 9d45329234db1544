"""How batches, drafts, interviews and counts look to policies, and what of them holds sealed text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.engine import describes
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.hooks import question
from answerable.monitoring import access as monitoring
from answerable.monitoring import lifecycle, verifiers
from answerable.monitoring.intake import access, guard, queries
from answerable.monitoring.intake import models as m
from answerable.monitoring.models import Incident


@describes(m.IntakeBatch)
def _batch(b: m.IntakeBatch) -> tuple[str, dict[str, Any]]:
    return "IntakeBatch", {"compartment": b.compartment, "madeBy": b.made_by.ref, "organisation": b.organisation.ref}


@describes(m.Draft)
def _draft(d: m.Draft) -> tuple[str, dict[str, Any]]:
    return "Draft", {
        "compartment": d.compartment,
        "collectedBy": d.collected_by.ref,
        "organisation": d.organisation.ref,
    }


@describes(m.Interview)
def _interview(i: m.Interview) -> tuple[str, dict[str, Any]]:
    return "Interview", {"compartment": i.compartment, "askedBy": i.asked_by.ref, "organisation": i.organisation.ref}


@describes(m.ServiceCounts)
def _counts(c: m.ServiceCounts) -> tuple[str, dict[str, Any]]:
    return "ServiceCounts", {"compartment": c.compartment, "organisation": c.organisation.ref}


@question("parts_of").answer_with
def _parts(ref: str) -> list[str]:
    """Every other version of a report's submission, with items and files: sealed apart from it, and shredded with it."""
    return queries.parts_of(ref) if ref[:3] in ("INC", "ITM") else []


@question("kept_beside").answer_with
def _beside(ref: str) -> list[str]:
    """Later versions of a report, sealed apart from it: whoever it is about is told of their openings too."""
    if not ref.startswith("INC"):
        return []
    return list(m.Draft.objects.filter(corrects=ref, status=m.TAKEN_OVER).values_list("ref", flat=True))


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Concluded reports whose story was corrected: a verifier looks whether the level still holds."""
    if not by.roles & {"verifier", "verification_lead"}:
        return []
    found = monitoring.incidents(by).filter(story_corrected=True, status__in=lifecycle.ASSESSED)[:20]
    what = _("the story was corrected: look whether the level still holds")
    return [
        {
            "title": _("Incident") + f" {i.ref}",
            "what": what,
            "url": reverse("incident", args=[i.ref]),
            "due": None,
            "urgency": 3,
        }
        for i in found
        if authority.allows(by, "verify_incident", i) and not verifiers.her_own_in(by, i)
    ]


@question("waits_for").answer_with
def _interviews_wait(by: Any) -> list[dict[str, Any]]:
    """Interviews that wait for this person: for a custodian's word, or for safeguarding's decision (SC-1, SC-2)."""
    asked = access.interviews(by).select_related("organisation", "asked_by").filter(status__in=[m.WAITING, m.ASKED])
    found = [(i, _what_waits(by, i)) for i in asked[:40]] if by.roles & ASKED_FOR_A_WORD else []
    return [
        {"title": _("Interview") + f" {i.ref}", "what": what, "url": reverse("interview", args=[i.ref]), "due": None, "urgency": 2}
        for i, what in found if what
    ]  # fmt: skip


# For how many days whoever asked is told that safeguarding refused.
REFUSED_DAYS = 14


@question("waits_for").answer_with
def _own_interviews(by: Any) -> list[dict[str, Any]]:
    """What came of one's own requests for an interview, once the custodians or safeguarding answered, and what comes next."""
    own = access.interviews(by).filter(asked_by__ref=by.ref, report=None, held_by="")
    since = clock.now() - timedelta(days=REFUSED_DAYS)
    answered = own.filter(Q(status=m.ALLOWED, decided_at__isnull=False) | Q(status=m.REFUSED, decided_at__gte=since)
                          | Q(status__in=[m.ASKED, m.ALLOWED]) & ~Q(words=[]))  # fmt: skip
    return [
        {"title": _("Interview") + f" {i.ref}", "what": _what_came(i), "url": reverse("interview", args=[i.ref]), "due": None, "urgency": 3}
        for i in answered.order_by("-asked_at", "-id")[:20]
    ]  # fmt: skip


def _what_came(i: m.Interview) -> str:
    if i.status == m.REFUSED:
        return _("safeguarding refused it: do not ask her")
    if i.status == m.ALLOWED:
        return (
            _("safeguarding allowed it: she may be asked, and her account filed with this interview") if i.decided_at
            else _("the custodians answered, and it is allowed: she may be asked, and her account filed with this interview")
        )  # fmt: skip
    if i.share:
        return _(
            "the custodians answered that she told this before: look what can be used instead of asking her; safeguarding decides"
        )
    return _("the custodians answered that she told this before: do not ask her until safeguarding has decided")


# Roles that an interview may wait for.
ASKED_FOR_A_WORD = frozenset({"vault_custodian", "survivor_council_member", "safeguarding_officer"})


def _what_waits(by: Any, interview: m.Interview) -> str:
    if interview.status == m.ASKED:
        return (
            _("a further interview: allow it or refuse it")
            if authority.allows(by, "decide_interview", interview)
            else ""
        )
    return _("the custodians are asked whether she told this before") if access.may_answer(by, interview) else ""


@question("kept_in_quarantine").answer_with
def _kept(names: list[str]) -> set[str]:
    """Files of drafts that may still be filed."""
    with reading_as(CLOCK):
        held = m.DraftItem.objects.filter(file__in=names).exclude(draft__status__in=[m.UNDONE, m.LAPSED])
        return set(held.values_list("file", flat=True))


@question("sealed_object").answer_with
def _sealed(ref: str) -> Incident | m.Interview | None:
    """A draft's texts open as the report's they will be, or as a correction's; a filed report answers for itself.

    Of an interview its two reasons open, in safeguarding's room; the question to the custodians is theirs alone.
    """
    if ref.startswith("ITV"):
        found = m.Interview.objects.select_related("asked_by", "organisation").filter(ref=ref).first()
        if found is not None:
            found.compartment, found.question = guard.ROOM, b""
        return found
    return queries.sealed_view(ref) if ref.startswith("INC") else None
