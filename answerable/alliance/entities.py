"""How states and grants look to policies."""

from typing import Any

from answerable.alliance.models import Grant, State
from answerable.authority.engine import describes


@describes(State)
def _state(state: State) -> tuple[str, dict[str, Any]]:
    return "State", {"code": state.code, "status": state.status}


@describes(Grant)
def _grant(grant: Grant) -> tuple[str, dict[str, Any]]:
    return "Grant", {"askedBy": grant.asked_by.ref, "person": grant.person.ref, "role": grant.role}
