"""How care, plans and complaints look to policies, and the consents they need (SC-4)."""

from collections.abc import Sequence
from typing import Any

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.safeguarding import actions, contacting, lifecycle, rules
from answerable.safeguarding.models import (
    ContactAttempt,
    Grievance,
    GrievanceAnswer,
    Provider,
    Referral,
    SafeContactPlan,
    SafetyIncident,
)
from answerable.vault.consent import queries as consents


@describes(Provider)
def _provider(p: Provider) -> tuple[str, dict[str, Any]]:
    return "Provider", {"status": p.status, "enteredBy": p.entered_by.ref}


@describes(Referral)
def _referral(r: Referral) -> tuple[str, dict[str, Any]]:
    return "Referral", {"compartment": r.compartment, "status": r.status}


@describes(SafeContactPlan)
def _plan(p: SafeContactPlan) -> tuple[str, dict[str, Any]]:
    return "SafeContactPlan", {"compartment": p.compartment, "status": p.status,
                               "stoppedBy": p.stopped_by.ref if p.stopped_by else ""}  # fmt: skip


@describes(ContactAttempt)
def _attempt(a: ContactAttempt) -> tuple[str, dict[str, Any]]:
    return "ContactAttempt", {"compartment": a.compartment, "status": a.status}


@describes(SafetyIncident)
def _incident(i: SafetyIncident) -> tuple[str, dict[str, Any]]:
    return "SafetyIncident", {"compartment": i.compartment, "status": i.status}


def _look(g: Grievance) -> dict[str, Any]:
    return {"compartment": g.compartment, "sensitivity": g.sensitivity, "concerns": set(g.concerns),
            "safeguardingMayKnow": g.safeguarding_may_know}  # fmt: skip


@describes(Grievance)
def _grievance(g: Grievance) -> tuple[str, dict[str, Any]]:
    return "Grievance", _look(g)


@describes(GrievanceAnswer)
def _answer(a: GrievanceAnswer) -> tuple[str, dict[str, Any]]:
    return "Grievance", _look(a.grievance)


@question("kept_beside").answer_with
def _beside(ref: str) -> list[str]:
    """Her safe contact plans and referrals, and a complaint that is answered at this door (SC-10)."""
    return [
        *SafeContactPlan.objects.filter(subject=ref).values_list("ref", flat=True),
        *Referral.objects.filter(subject=ref).values_list("ref", flat=True),
        *(Grievance.objects.filter(thread=ref).values_list("ref", flat=True) if ref.startswith("THR") else ()),
    ]


@question("sealed_about").answer_with
def _about(refs: Sequence[str]) -> list[str]:
    """Her plans, contacts and referrals, of a claim, an account or a conversation: their keys go with it."""
    return [
        ref
        for model in (SafeContactPlan, ContactAttempt, Referral)
        for ref in model._default_manager.filter(subject__in=refs).values_list("ref", flat=True)
    ]


@question("live_consent").answer_with
def _consent(obj: Any, purpose: str) -> bool | None:
    """A referral carries her consent to itself; a plan is read under her consent to be contacted.

    Of what everything was withdrawn of, nothing that is about it opens (SC-5), also what was written down since.
    """
    if isinstance(obj, (Referral, SafeContactPlan, ContactAttempt)) and consents.is_closed(obj.subject):
        return False
    if isinstance(obj, Referral):
        live = "CP-CARE" in obj.purposes and obj.status not in {lifecycle.REVOKED, lifecycle.DECLINED}
        if purpose == "care_contact":
            return live and obj.contact_too
        # What was noted when it was offered is read by those who offer it, until she declines or takes it back.
        if purpose == "care_note":
            return obj.status not in {lifecycle.REVOKED, lifecycle.DECLINED}
        return live if purpose == "care" else False
    if isinstance(obj, SafeContactPlan):
        behind = [o for o in question("sealed_object").ask(obj.subject) if o is not None]
        answers = [a for o in behind for a in question("live_consent").ask(o, purpose)]
        return False if any(a is False for a in answers) else None
    return None


KINDS: dict[str, Any] = {"REF": Referral, "SCP": SafeContactPlan, "CTA": ContactAttempt, "GRV": Grievance,
                         "GRA": GrievanceAnswer}  # fmt: skip


@question("sealed_object").answer_with
def _sealed(ref: str) -> Any:
    kind = KINDS.get(ref[:3])
    return kind.objects.filter(ref=ref).first() if kind else None


@question("care_offered").answer_with
def _care_offered(subject: str, offered: bool, by: Any) -> list[str]:
    return actions.note_care_offered(subject, offered=offered, by=by)


@question("may_contact").answer_with
def _may_contact(subject: str, via: str = rules.DOOR, kind: str = rules.REPLY, at: Any = None, by: Any = None) -> bool:
    return contacting.ask(subject, via=via, kind=kind, at=at, by=by).allowed
