"""How measures look to policies, and the prerequisites the council asks about."""

from typing import Any

from answerable.authority.engine import describes
from answerable.common import clock
from answerable.common.hooks import question
from answerable.council.entities import about
from answerable.council.models import Proposal
from answerable.measures import actions, queries, rules  # noqa: F401 - registers the answer to "proposal_adopted"
from answerable.measures.models import Measure


@describes(Measure)
def _measure(m: Measure) -> tuple[str, dict[str, Any]]:
    # The same state that was recused from the vote, named or through the situation (R-VOT-1).
    return "Measure", {"about": about(m.proposal), "status": m.status}


@question("prerequisites").answer_with
def _prerequisites(proposal: Proposal) -> list[rules.Check]:
    return rules.prerequisites(proposal.measure, queries.dossier(proposal), today=clock.today())
