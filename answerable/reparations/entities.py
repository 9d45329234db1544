"""How programmes and claims look to policies, and the consent gate of claims (SC-4)."""

from typing import Any

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring.models import SourceItem
from answerable.reparations import actions, doors  # noqa: F401 - register what the fund and the channel ask
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
        "intakeBy": c.intake_by.ref if c.intake_by else "",
        "status": c.status,
    }


@question("live_consent").answer_with
def _claim_consent(obj: Any, purpose: str) -> bool | None:
    """False without a live consent of the claimant, or of the person whose account an item is."""
    if isinstance(obj, Claim):
        needed = CONSENT_FOR.get(purpose)
        return needed is not None and needed in obj.purposes
    if isinstance(obj, SourceItem):
        return obj.live
    return None


@question("sealed_object").answer_with
def _sealed(ref: str) -> Claim | None:
    return Claim.objects.filter(ref=ref).first() if ref.startswith("CLM") else None
