"""How measures look to policies, and the prerequisites the council asks about."""

from dataclasses import replace
from typing import Any

from answerable.authority.engine import describes
from answerable.common import clock
from answerable.common.hooks import question
from answerable.council.entities import about
from answerable.council.models import Proposal
from answerable.measures import actions, lifecycle, queries, rules  # noqa: F401 - registers the answer to "proposal_adopted"
from answerable.measures.models import Measure
from answerable.record import log as record


@describes(Measure)
def _measure(m: Measure) -> tuple[str, dict[str, Any]]:
    # The same state that was recused from the vote, named or through the situation (R-VOT-1).
    return "Measure", {"about": about(m.proposal), "status": m.status}


@question("prerequisites").answer_with
def _prerequisites(proposal: Proposal) -> list[rules.Check]:
    return rules.prerequisites(proposal.measure, queries.dossier(proposal), today=clock.today())


@question("retest_dependants").answer_with
def _retest(finding: str) -> list[dict[str, Any]]:
    """Each live measure that relies on a finding: whether its prerequisites hold now, and whether they would without it."""
    found = []
    refs = [r for r in record.upward(finding) if r.startswith("MEA")]
    for measure in Measure.objects.filter(ref__in=refs, status__in=[*lifecycle.LIVE, lifecycle.ADOPTED]).select_related(
        "proposal"
    ):
        facts = queries.dossier(measure.proposal)
        without = replace(facts, findings=tuple(f for f in facts.findings if f.ref != finding))
        unmet = [[c.name for c in rules.prerequisites(measure.proposal.measure, f, today=clock.today()) if c.status != rules.MET]
                 for f in (facts, without)]  # fmt: skip
        found.append({"ref": measure.ref, "code": measure.code, "met": not unmet[0], "unmet": unmet[0],
                      "met_without": not unmet[1]})  # fmt: skip
    return found
