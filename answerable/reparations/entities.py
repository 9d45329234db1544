"""How programmes and claims look to policies, and the consent gate of claims (SC-4)."""

from typing import Any

from django.utils.translation import gettext as _

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring.models import SourceItem
from answerable.reparations import actions, lifecycle  # noqa: F401 - actions registers what the fund asks
from answerable.reparations.models import Claim, Programme

# What a purpose of reading needs of the claimant's consent.
CONSENT_FOR = {"adjudication": "CP-CLAI", "payment": "CP-CLAI", "contact": "CP-CONT", "verification": "CP-MONI"}


@describes(Programme)
def _programme(p: Programme) -> tuple[str, dict[str, Any]]:
    return "Programme", {"status": p.status}


@describes(Claim)
def _claim(c: Claim) -> tuple[str, dict[str, Any]]:
    return "Claim", {
        "compartment": c.compartment,
        "intakeBy": c.intake_by.ref,
        "firstAssessor": c.first_assessor.ref if c.first_assessor else "",
        "secondAssessor": c.second_assessor.ref if c.second_assessor else "",
        "status": c.status,
    }


@question("live_consent").answer_with
def _claim_consent(obj: Any, purpose: str) -> bool | None:
    """False without a live consent of the claimant, or of the person whose account an item is.

    `purpose` is one of reading, or a purpose of consent (CP-*) itself.
    """
    if isinstance(obj, Claim):
        needed = purpose if purpose.startswith("CP-") else CONSENT_FOR.get(purpose)
        return needed is not None and needed in obj.purposes
    if isinstance(obj, SourceItem):
        return obj.live
    return None


@question("identity_bars").answer_with
def _bars(obj: Any) -> list[str]:
    if isinstance(obj, Claim) and obj.status == lifecycle.WITHDRAWN:
        return [_("The claim was withdrawn; nobody's identity is opened for it any more.")]
    return []


@question("sealed_object").answer_with
def _sealed(ref: str) -> Claim | None:
    return Claim.objects.select_related("intake_by").filter(ref=ref).first() if ref.startswith("CLM") else None
