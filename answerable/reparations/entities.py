"""How programmes and claims look to policies, and the consent gate of claims (SC-4)."""

from typing import Any

from django.utils.translation import gettext as _

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.reparations import actions, corrections, doors, lifecycle  # noqa: F401 - register what the fund and the channel ask
from answerable.reparations.models import Claim, Correction, Programme
from answerable.vault.consent import queries as consents
from answerable.vault.consent.gate import gate


@describes(Programme)
def _programme(p: Programme) -> tuple[str, dict[str, Any]]:
    return "Programme", {"status": p.status}


@describes(Claim)
def _claim(c: Claim) -> tuple[str, dict[str, Any]]:
    return "Claim", {
        "compartment": c.compartment,
        "intakeBy": c.intake_by.ref if c.intake_by else "",
        "firstAssessor": c.first_assessor.ref if c.first_assessor else "",
        "secondAssessor": c.second_assessor.ref if c.second_assessor else "",
        "awardedBy": c.awarded_by.ref if c.awarded_by else "",
        "correctedBy": set(c.corrected_by),
        "status": c.status,
        "withdrawn": consents.is_closed(c.ref),
    }


@describes(Correction)
def _correction(c: Correction) -> tuple[str, dict[str, Any]]:
    """What she corrected is her claim's: whoever opens the one opens the other."""
    return _claim(c.claim)


@question("live_consent").answer_with
def _claim_consent(obj: Any, purpose: str) -> bool | None:
    """Whether the claimant's own consents cover reading her claim for a purpose (SC-4)."""
    claim = obj.claim if isinstance(obj, Correction) else obj
    return gate("read", claim, purpose) if isinstance(claim, Claim) else None


@question("identity_bars").answer_with
def _bars(obj: Any) -> list[str]:
    if isinstance(obj, Claim) and obj.status == lifecycle.WITHDRAWN:
        return [_("The claim was withdrawn; nobody's identity is opened for it any more.")]
    return []


@question("sealed_object").answer_with
def _sealed(ref: str) -> Claim | Correction | None:
    if ref.startswith("COR"):
        return Correction.objects.select_related("claim").filter(ref=ref).first()
    if not ref.startswith("CLM"):
        return None
    return _FOR_OPENING.filter(ref=ref).first()


@question("parts_of").answer_with
def _parts(ref: str) -> list[str]:
    """What she corrected in a claim goes with it."""
    return (
        list(Correction.objects.filter(claim__ref=ref).values_list("ref", flat=True)) if ref.startswith("CLM") else []
    )


_HANDS = ("intake_by", "first_assessor", "second_assessor", "awarded_by")
_OWN = tuple(f.name for f in Claim._meta.concrete_fields)
# Who had a hand in a claim is told to the policies by reference; nothing else of theirs is fetched.
_FOR_OPENING = Claim.objects.select_related(*_HANDS).only(*_OWN, *(f"{h}__ref" for h in _HANDS)).order_by()
