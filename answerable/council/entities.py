"""How proposals look to policies."""

from typing import Any

from answerable.authority.engine import describes
from answerable.council.models import Proposal


def about(proposal: Proposal) -> str:
    """Code of the state a proposal is about, itself or through its situation; '' when none."""
    if proposal.target_state:
        return str(proposal.target_state.code)
    return str(proposal.situation.state.code) if proposal.situation.state else ""


@describes(Proposal)
def _proposal(p: Proposal) -> tuple[str, dict[str, Any]]:
    return "Proposal", {"about": about(p), "proposer": p.proposer.code, "status": p.status}
