"""How findings look to policies, and what they answer to lower apps."""

from typing import Any

from answerable.accountability import lifecycle
from answerable.accountability.models import Finding
from answerable.alliance.models import State
from answerable.authority.engine import describes
from answerable.common.hooks import question


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
