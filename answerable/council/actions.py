"""Every change to a proposal, and the vote on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from answerable.accountability.models import Finding
from answerable.alliance import lifecycle as membership
from answerable.alliance import queries as alliance
from answerable.alliance.models import Person, State
from answerable.alliance.sentences import said
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import measures
from answerable.council import lifecycle, queries, rules
from answerable.council.models import Ballot, Proposal, Sponsor
from answerable.monitoring.models import Party, Situation
from answerable.monitoring.warning import queries as warning
from answerable.monitoring.warning.models import Alert
from answerable.record import log as record

SPONSORS_NEEDED = 2


def _own_state(by: Person) -> State:
    state = by.body.state
    if state is None:
        raise Refused(_("Only a member's delegation does this."), reason="not_authorised")
    if state.status not in membership.VOTING:
        raise Refused(
            _("%(state)s has no vote now (%(status)s).") % {"state": state.name, "status": state.status.lower()},
            reason="not_eligible",
        )
    return state


@action("table_proposal")
def table_proposal(
    *,
    title: str,
    measure_code: str,
    situation: Situation,
    target_state: State | None = None,
    target_party: Party | None = None,
    objective: str = "",
    exception_text: str = "",
    benchmarks: Sequence[Mapping[str, Any]] = (),
    papers: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
    expires_on: date | None = None,
    urgent: bool = False,
    by: Person,
) -> Proposal:
    """Table a proposal for one measure of the ladder; the proposer is its first sponsor."""
    authority.require(by, "table_proposal", Place("proposals"))
    proposer = _own_state(by)
    if measure_code not in measures():
        raise Refused(_("The ladder has no measure %(code)s.") % {"code": measure_code}, reason="unknown")
    row = measures()[measure_code]
    if row["decision_rule"] == "DR-CHAIR":
        raise Refused(_("%(code)s is decided by the Chair with notice, not by a proposal.") % {"code": measure_code},
                      reason="rule")  # fmt: skip
    problems = []
    if target_state is not None and target_state == proposer:
        problems.append(_("A state does not propose a measure on itself."))
    if target_party is not None and target_party.situation_id != situation.pk:
        problems.append(_("That party does not belong to this situation."))
    if expires_on and _single_act(row):
        problems.append(_("A single act has no term; leave the expiry empty."))
    if benchmarks and sum(int(b["weight"]) for b in benchmarks) != 100:
        problems.append(_("Benchmark weights sum to 100 (R-MEA-3)."))
    if expires_on and expires_on <= clock.today():
        problems.append(_("The expiry lies ahead."))
    if problems:
        raise Refused(" ".join(problems), reason="proposal")
    alert = _urgency(situation, proposer) if urgent else None
    if again := queries.rejected_lately(measure_code, situation, target_state, clock.today()):
        raise Refused(
            _("This was rejected on %(day)s; it returns with new facts, or from %(from)s (R-VOT-6).")
            % {"day": again.isoformat(), "from": rules.may_return_from(again).isoformat()},
            reason="R-VOT-6",
        )
    proposal = Proposal.objects.create(
        title=title, measure_code=measure_code, situation=situation, target_state=target_state,
        target_party=target_party, proposer=proposer, objective=objective, exception_text=exception_text,
        benchmarks=[dict(b) for b in benchmarks], papers=dict(papers or {}), findings=[f.ref for f in findings],
        expires_on=expires_on, urgent=urgent, tabled_by=by, tabled_at=clock.now(),
    )  # fmt: skip
    Sponsor.objects.create(proposal=proposal, state=proposer)
    entry = record.append(
        "proposal tabled", proposal, by=by, to_state=proposal.status,
        detail={"measure": measure_code, "situation": situation.ref, "proposer": proposer.code, "urgent": urgent},
    )  # fmt: skip
    record.rely(proposal.ref, [f.ref for f in findings], "finding", since=entry.index)
    record.rely(
        proposal.ref, [alert.ref] if alert else [], "emergency that permits the urgent procedure", since=entry.index
    )
    return proposal


def _urgency(situation: Situation, proposer: State) -> Alert:
    """The confirmed EMERGENCY that permits the urgent procedure (R-VOT-8). Raises Refused when there is none.

    To a delegation of the state concerned there never is one: the answer would tell it its own level.
    """
    alert = warning.permits_urgent(situation) if situation.state_id != proposer.pk else None
    if alert is None:
        raise Refused(
            _("The urgent procedure needs an early-warning emergency on this situation that a person confirmed, and none "
              "stands (R-VOT-8). Table it in the ordinary procedure."),
            reason="R-VOT-8",
        )  # fmt: skip
    return alert


def _single_act(row: Mapping[str, str]) -> bool:
    return not row["max_months"] and not row["review_months"]


def _locked(proposal: Proposal) -> Proposal:
    return Proposal.objects.select_for_update().get(pk=proposal.pk)


@action("sponsor_proposal")
def sponsor_proposal(proposal: Proposal, *, by: Person) -> Proposal:
    """Another member joins as sponsor; with two the proposal is sponsored."""
    proposal = _locked(proposal)
    authority.require(by, "sponsor", proposal)
    state = _own_state(by)
    if proposal.status not in (lifecycle.DRAFT, lifecycle.SPONSORED):
        raise Refused(_("Sponsors join before the checks begin."), reason="lifecycle")
    _sponsor, fresh = Sponsor.objects.get_or_create(proposal=proposal, state=state)
    if not fresh:
        raise Refused(_("Your state already sponsors this."), reason="duplicate")
    before = proposal.status
    if before == lifecycle.DRAFT and proposal.sponsors.count() >= SPONSORS_NEEDED:
        proposal.status = next_status(lifecycle.PROPOSAL_MOVES, "sponsor", status=before)
        proposal.save(update_fields=["status"])
    record.append(
        "proposal sponsored", proposal, by=by, from_state=before, to_state=proposal.status, detail={"state": state.code}
    )
    return proposal


@action("add_paper")
def add_paper(proposal: Proposal, kind: str, on: date, *, by: Person) -> Proposal:
    """Note that a paper (risk assessment, impact assessment, legal opinion …) is on file, with its date."""
    proposal = _locked(proposal)
    authority.require(by, "add_paper", proposal)
    if on > clock.today():
        raise Refused(_("A paper on file is not dated in the future."), reason="date")
    proposal.papers = {**proposal.papers, kind: on.isoformat()}
    proposal.save(update_fields=["papers"])
    record.append("paper filed", proposal, by=by, detail={"kind": kind, "on": on.isoformat()})
    return proposal


@action("check_proposal")
def check_proposal(proposal: Proposal, name: str, *, by: Person) -> Proposal:
    """Prerequisites, law, safety, circulation: each by the office it belongs to.

    The prerequisites are worked out anew at every step and must all be MET before law is checked (R-MEA-2).
    """
    proposal = _locked(proposal)
    authority.require(by, name, proposal)
    before, proposal.status = proposal.status, next_status(lifecycle.PROPOSAL_MOVES, name, status=proposal.status)
    proposal.checks = prerequisites(proposal)
    unmet = [c for c in proposal.checks if c["status"] != "MET"]
    if name != "check_prerequisites" and unmet:
        raise Refused(
            _("Blocked until every prerequisite is met (R-MEA-2): %(why)s")
            % {"why": " ".join(f"{said(c['name'])}: {said(c['says'])}" for c in unmet)},
            reason="prerequisites",
        )
    proposal.save(update_fields=["status", "checks"])
    record.append(
        name.replace("_", " "), proposal, by=by, from_state=before, to_state=proposal.status,
        detail={"unmet": [c["name"] for c in unmet]},
    )  # fmt: skip
    return proposal


def prerequisites(proposal: Proposal) -> list[dict[str, Any]]:
    """What the measures app says of a proposal's prerequisites, as plain data."""
    return [asdict(c) for answer in question("prerequisites").ask(proposal) for c in answer]


@action("open_vote")
def open_vote(proposal: Proposal, *, by: Person) -> Proposal:
    """Open the vote on the frozen population table. Who may vote, and who not and why, is fixed with it."""
    proposal = _locked(proposal)
    authority.require(by, "open_vote", proposal)
    before, proposal.status = (
        proposal.status,
        next_status(lifecycle.PROPOSAL_MOVES, "open_vote", status=proposal.status),
    )
    if before == lifecycle.NO_QUORUM and proposal.declared_at:
        second = rules.second_call_from(proposal.declared_at, alliance.holidays())
        if clock.today() < second:
            raise Refused(_("A second call is made from %(day)s.") % {"day": second.isoformat()}, reason="second_call")
    version = alliance.population_version()
    if not version:
        raise Refused(_("No population table is frozen, so a vote could not be counted."), reason="population")
    unmet = [c["name"] for c in prerequisites(proposal) if c["status"] != "MET"]
    if unmet:
        raise Refused(_("A prerequisite is no longer met: %(names)s.") % {"names": ", ".join(said(name) for name in unmet)},
                      reason="prerequisites")  # fmt: skip
    proposal.population_version, proposal.vote_opened_at = version, clock.now()
    proposal.save(update_fields=["status", "population_version", "vote_opened_at"])
    record.append("vote opened", proposal, by=by, from_state=before, to_state=proposal.status,
                  detail={"rule": proposal.rule, "population": version})  # fmt: skip
    return proposal


@action("cast_ballot")
def cast_ballot(proposal: Proposal, choice: str, *, by: Person) -> Ballot:
    """Cast or replace a state's open ballot while the vote is open. One state, one ballot, whoever holds the pen."""
    proposal = _locked(proposal)
    authority.require(by, "cast_ballot", proposal)
    state = _own_state(by)
    if proposal.status != lifecycle.MEETING:
        raise Refused(_("The vote is not open, so no ballot was cast."), reason="lifecycle")
    if choice not in rules.CHOICES:
        raise Refused(_("A ballot is for, against or abstain."), reason="unknown")
    if why := queries.entitlement(proposal).excluded.get(state.code):
        raise Refused(_("%(state)s has no ballot on this: %(why)s.") % {"state": state.name, "why": said(why)},
                      reason="not_eligible")  # fmt: skip
    earlier = Ballot.objects.filter(proposal=proposal, state=state).first()
    if earlier and earlier.choice == choice:
        raise Refused(
            _("%(state)s has already voted “%(choice)s”.") % {"state": state.name, "choice": said(choice)},
            reason="duplicate",
        )
    ballot, _fresh = Ballot.objects.update_or_create(
        proposal=proposal, state=state, defaults={"choice": choice, "cast_by": by, "cast_at": clock.now()}
    )
    record.append(
        "ballot cast", proposal, by=by, from_state=earlier.choice if earlier else "", to_state=choice,
        detail={"state": state.code},
    )  # fmt: skip
    return ballot


@action("declare_result")
def declare_result(proposal: Proposal, *, by: Person) -> Proposal:
    """Count the ballots by the measure's own rule and declare: adopted, rejected, or no quorum.

    What is adopted becomes a measure in the same act.
    """
    proposal = _locked(proposal)
    authority.require(by, "declare_result", proposal)
    if proposal.status != lifecycle.MEETING:
        raise Refused(_("There is no open vote to declare."), reason="lifecycle")
    who = queries.entitlement(proposal)
    ballots = dict(proposal.ballots.values_list("state__code", "choice"))
    count = rules.count_ballots(proposal.rule, ballots, who, rung=queries.rung(proposal.measure_code))
    move = {"ADOPTED": "declare_adopted", "REJECTED": "declare_rejected", "NO_QUORUM": "declare_no_quorum"}[
        count.outcome
    ]
    before, proposal.status = proposal.status, next_status(lifecycle.PROPOSAL_MOVES, move, status=proposal.status)
    proposal.declared_at = clock.now()
    proposal.result = asdict(count)
    proposal.electorate = {"eligible": list(who.eligible), "excluded": dict(who.excluded), "ballots": ballots}
    proposal.save(update_fields=["status", "declared_at", "result", "electorate"])
    entry = record.append(
        "result declared", proposal, by=by, from_state=before, to_state=proposal.status,
        detail={"rule": count.rule, "for": count.for_, "against": count.against, "abstain": count.abstain,
                "absent": count.absent, "eligible": count.eligible},
    )  # fmt: skip
    if count.adopted:
        question("proposal_adopted").ask(proposal, entry)
    question("released").ask("decision", proposal, entry)
    return proposal


@action("withdraw_proposal")
def withdraw_proposal(proposal: Proposal, *, by: Person) -> Proposal:
    """The proposer takes a proposal back before the vote."""
    proposal = _locked(proposal)
    authority.require(by, "withdraw_proposal", proposal)
    if _own_state(by) != proposal.proposer:
        raise Refused(_("The proposing state withdraws its proposal."), reason="not_authorised")
    before, proposal.status = (
        proposal.status,
        next_status(lifecycle.PROPOSAL_MOVES, "withdraw_proposal", status=proposal.status),
    )
    proposal.save(update_fields=["status"])
    record.append("proposal withdrawn", proposal, by=by, from_state=before, to_state=proposal.status)
    return proposal
