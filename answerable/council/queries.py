"""Reads for votes."""

from __future__ import annotations

from datetime import date, timedelta

from answerable.alliance import queries as alliance
from answerable.alliance.models import State
from answerable.council import rules
from answerable.council.models import Proposal
from answerable.monitoring.models import Situation


def rung(code: str) -> int:
    """The rung of a measure's code."""
    return int(code.removeprefix("ME-").split(".")[0])


def entitlement(proposal: Proposal) -> rules.Entitlement:
    """Who may vote on a proposal now; the state it is about leaves every denominator (R-VOT-1)."""
    version = proposal.population_version or alliance.population_version()
    persons = alliance.populations(version)
    target = proposal.target_state.code if proposal.target_state else ""
    if not target and proposal.situation.state:
        target = proposal.situation.state.code
    return rules.entitlement(
        [
            rules.MemberFacts(m.code, persons.get(m.code, 0), m.status, rules.recusal(m.code, target_state=target))
            for m in alliance.members()
        ]
    )


def tally(proposal: Proposal) -> rules.Count:
    """The count as it stands, declared or not."""
    ballots = dict(proposal.ballots.values_list("state__code", "choice"))
    return rules.count_ballots(proposal.rule, ballots, entitlement(proposal), rung=rung(proposal.measure_code))


def rejected_lately(code: str, situation: Situation, target: State | None, today: date) -> date | None:
    """Day of a rejection of the same measure within the last 90 days (R-VOT-6), or None."""
    since = today - timedelta(days=rules.RETURN_AFTER_DAYS)
    last = (
        Proposal.objects.filter(
            measure_code=code, situation=situation, target_state=target, status__in=["REJECTED", "CLOSED"],
            declared_at__date__gt=since, result__outcome="REJECTED",
        ).order_by("-declared_at").first()
    )  # fmt: skip
    return last.declared_at.date() if last and last.declared_at else None
