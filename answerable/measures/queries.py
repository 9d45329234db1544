"""What stands behind a proposal, gathered for the prerequisite rules."""

from __future__ import annotations

from datetime import date

from answerable.accountability import lifecycle as finding_lifecycle
from answerable.accountability.models import Finding
from answerable.common import clock
from answerable.common.deadlines import months_after
from answerable.council.models import Proposal
from answerable.measures import lifecycle, rules
from answerable.measures.models import Measure


def dossier(proposal: Proposal) -> rules.DossierFacts:
    """The facts of a proposal's dossier today: findings in force it names, papers on file, measures already taken."""
    named = Finding.objects.filter(ref__in=proposal.findings)
    in_force = [f for f in named if f.status in finding_lifecycle.IN_FORCE]
    replied = frozenset(f.ref for f in named if f.status in finding_lifecycle.IN_FORCE or f.status == "ADOPTED")
    taken = Measure.objects.filter(proposal__situation=proposal.situation)
    if proposal.target_state_id:
        taken = taken.filter(proposal__target_state=proposal.target_state)
    now = clock.now()
    over = {m.code for m in taken if m.status in {lifecycle.LAPSED} or (m.due_at and m.due_at < now)}
    half_year_ago = months_after(clock.today(), -6).date()
    if taken.filter(code="ME-10.4", status__in=lifecycle.LIVE, in_force_on__lte=half_year_ago).exists():
        over.add("ME-10.4/6m")
    return rules.DossierFacts(
        findings=tuple(rules.FindingFacts(f.ref, f.kind, f.standard) for f in in_force),
        notified=replied,
        measures_taken=frozenset(m.code for m in taken),
        measures_over=frozenset(over),
        papers={k: date.fromisoformat(v) for k, v in proposal.papers.items()},
        urgency=proposal.urgent,
        expires_on=proposal.expires_on,
        exception_text=bool(proposal.exception_text.strip()),
        benchmarks=tuple(int(b["weight"]) for b in proposal.benchmarks),
        objective=bool(proposal.objective.strip()),
    )
