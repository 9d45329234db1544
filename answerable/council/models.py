"""Proposals, their sponsors, recusals, ballots and presence."""

from __future__ import annotations

from typing import Any

from django.db import models

from answerable.alliance.models import Person, State
from answerable.common.dataclass_of import declares
from answerable.common.references import new_ref
from answerable.common.tables import measures
from answerable.council import lifecycle
from answerable.monitoring.models import Party, Situation


def proposal_ref() -> str:
    return new_ref("PRO")


@declares(data_class="C1", owner="council", retention="permanent")
class Proposal(models.Model):
    """A proposal for one measure of the ladder (form A9). Its texts are written by states for publication."""

    ref = models.CharField(max_length=40, unique=True, default=proposal_ref)
    title = models.CharField(max_length=200)
    measure_code = models.CharField(max_length=8)
    situation = models.ForeignKey(Situation, on_delete=models.PROTECT, related_name="proposals")
    target_state = models.ForeignKey(
        State, null=True, blank=True, on_delete=models.PROTECT, related_name="proposals_on"
    )
    target_party = models.ForeignKey(
        Party, null=True, blank=True, on_delete=models.PROTECT, related_name="proposals_on"
    )
    proposer = models.ForeignKey(State, on_delete=models.PROTECT, related_name="proposals")
    objective = models.TextField(blank=True, default="")
    exception_text = models.TextField(blank=True, default="")
    benchmarks = models.JSONField(default=list)
    papers = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    urgent = models.BooleanField(default=False)
    expires_on = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=20, default=lifecycle.DRAFT)
    checks = models.JSONField(default=list)
    population_version = models.CharField(max_length=20, blank=True, default="")
    tabled_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    tabled_at = models.DateTimeField()
    vote_opened_at = models.DateTimeField(null=True)
    declared_at = models.DateTimeField(null=True)
    electorate = models.JSONField(default=dict)
    result = models.JSONField(default=dict)

    class Meta:
        ordering = ["-tabled_at"]

    def __str__(self) -> str:
        return self.title

    @property
    def measure(self) -> Any:
        return measures()[self.measure_code]

    @property
    def rule(self) -> str:
        """The decision rule; a measure adopted by silence falls back to a simple majority when put to the vote."""
        rule: str = self.measure["decision_rule"]
        return "DR-SIMPLE" if rule == "DR-SILENCE" else rule


@declares(data_class="C1", owner="council", retention="permanent")
class Sponsor(models.Model):
    """A member that carries a proposal; two are needed."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="sponsors")
    state = models.ForeignKey(State, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "state"], name="a_state_sponsors_once")]


@declares(data_class="C1", owner="council", retention="permanent")
class Ballot(models.Model):
    """A state's open ballot. It may be replaced until the result is declared (R-VOT-4); each casting is recorded."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="ballots")
    state = models.ForeignKey(State, on_delete=models.PROTECT, related_name="ballots")
    choice = models.CharField(max_length=8, choices=[(c, c) for c in ("for", "against", "abstain")])
    cast_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    cast_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proposal", "state"], name="one_ballot_per_state"),
            models.CheckConstraint(
                condition=models.Q(choice__in=["for", "against", "abstain"]), name="a_ballot_is_for_against_or_abstain"
            ),
        ]
