"""How measures look to policies, and the prerequisites the council asks about."""

from typing import Any

from answerable.authority.engine import describes
from answerable.common import clock
from answerable.common.hooks import question
from answerable.council.models import Proposal
from answerable.measures import actions, queries, rules  # noqa: F401 - registers the answer to "proposal_adopted"
from answerable.measures.models import Measure


@describes(Measure)
def _measure(m: Measure) -> tuple[str, dict[str, Any]]:
    state = m.proposal.target_state
    return "Measure", {"about": state.code if state else "", "status": m.status}


@question("prerequisites").answer_with
def _prerequisites(proposal: Proposal) -> list[rules.Check]:
    return rules.prerequisites(proposal.measure, queries.dossier(proposal), today=clock.today())
