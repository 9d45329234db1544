"""Who acts: a person in their roles, or the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

# The thirty roles of domain.md §8, by the name policies and pages use.
ROLES: Mapping[str, str] = {
    "council_delegate": "R01", "chair": "R02", "registrar": "R03", "monitoring_analyst": "R04", "verifier": "R05",
    "verification_lead": "R06", "panel_expert": "R07", "legal_adviser": "R08", "sanctions_desk": "R09",
    "ombudsperson": "R10", "national_focal_point": "R11", "intake_officer": "R12", "survivor_advocate": "R13",
    "eligibility_assessor": "R14", "award_panel": "R15", "appeals_panel": "R16", "finance_initiator": "R17",
    "finance_approver": "R18", "treasurer": "R19", "fund_board": "R20", "auditor": "R21",
    "data_protection_officer": "R22", "vault_custodian": "R23", "safeguarding_officer": "R24",
    "survivor_council_member": "R25", "respondent_liaison": "R26", "claimant": "R27", "representative": "R28",
    "public": "R29", "system_administrator": "R30",
}  # fmt: skip
# A documenter of a partner organisation works under R11's sibling duties at intake; the report form names them
# "collector". Their role is R12 held in a partner body, so no thirty-first role is needed.

# Which offices each kind of body holds (SOD-03; domain.md §4.2: a member chairs). Whoever stands outside the office
# (claimant, representative, liaison, public) holds none. The policy "offices-are-held-where-they-belong" says the same.
_OUTSIDE = {"claimant", "representative", "respondent_liaison", "public"}
_OF_STATES = {"council_delegate", "chair", "national_focal_point"}
HELD_IN: Mapping[str, frozenset[str]] = {
    "delegation": frozenset(_OF_STATES),
    "partner": frozenset({"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel",
                          "vault_custodian", "data_protection_officer", "survivor_council_member"}),
    "organ": frozenset(set(ROLES) - _OF_STATES - _OUTSIDE),
}  # fmt: skip


@dataclass(frozen=True)
class Principal:
    """What policies may know of whoever acts. `compartments` are the row-level scopes of the person's grants."""

    ref: str
    roles: frozenset[str] = frozenset()
    body: str = ""
    body_kind: str = "organ"
    state: str = ""
    nationality: str = ""
    compartments: frozenset[str] = frozenset()
    active: bool = True
    via: str = "web"
    purposes: frozenset[str] = frozenset()

    def principal(self) -> Principal:
        return self


class HasPrincipal(Protocol):
    """A person, or anything else that can act."""

    @property
    def ref(self) -> str: ...

    def principal(self) -> Principal: ...


CLOCK = Principal(ref="CLOCK", roles=frozenset({"clock"}), via="clock", compartments=frozenset({"*"}))
NOBODY = Principal(ref="PUBLIC", roles=frozenset({"public"}))


@dataclass(frozen=True)
class Place:
    """A resource that is a list or a page rather than one object ("situations", "grants")."""

    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return self.name
