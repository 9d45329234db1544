"""How findings look to policies, and what they answer to lower apps."""

from typing import Any

from answerable.accountability import actions, lifecycle  # noqa: F401 - actions answers when a basis falls
from answerable.accountability.models import Finding
from answerable.alliance.models import State
from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring.models import SourceItem
from answerable.record import log as record
from answerable.vault.consent.rules import ADOPTED, BEFORE_ADOPTION, PUBLISHED


@describes(Finding)
def _finding(f: Finding) -> tuple[str, dict[str, Any]]:
    return "Finding", {
        "respondent": f.respondent.code if f.respondent else "",
        "draftedBy": f.drafted_by.ref,
        "status": f.status,
    }


@question("findings_against_admission").answer_with
def _bars_admission(state: State) -> list[str]:
    """A state with a finding of use or condoning in force is not admitted (§4.2)."""
    return [
        f"A finding ({f.kind}, {f.ref}) against {state.name} is in force."
        for f in Finding.objects.filter(
            respondent=state, kind__in=["F-USE", "F-CONDONE"], status__in=lifecycle.IN_FORCE
        )
    ]


@question("state_of_use").answer_with
def _state_of_use(ref: str, purpose: str) -> set[str]:
    """How far findings went with an item, for the effects of a withdrawal (§2.5)."""
    if not ref.startswith(("ITM", "INC")) or purpose not in ("CP-MONI", "CP-FIND", "CP-NARR"):
        return set()
    incident = ref
    if ref.startswith("ITM"):
        incident = SourceItem.objects.filter(ref=ref).values_list("incident__ref", flat=True).first() or ""
    above = [r for r in record.upward(incident) if r.startswith("FND")]
    states = set()
    for status in Finding.objects.filter(ref__in=above).values_list("status", flat=True):
        if status in lifecycle.IN_FORCE:
            states.add(PUBLISHED)
        elif status == lifecycle.ADOPTED:
            states.add(ADOPTED)
        elif status in lifecycle.BEFORE_ADOPTION:
            states.add(BEFORE_ADOPTION)
    return states
