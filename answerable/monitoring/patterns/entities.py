"""How indicators look to policies, and what they answer to lower apps."""

from __future__ import annotations

from typing import Any

from answerable.authority import engine as authority
from answerable.authority.engine import describes
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.monitoring.models import Party
from answerable.monitoring.patterns import access, actions  # noqa: F401 - its actions are known from the start
from answerable.monitoring.patterns.models import Indicator, PanelPrevalence
from answerable.record.pages import Described


@describes(Indicator)
def _indicator(i: Indicator) -> tuple[str, dict[str, Any]]:
    return "Indicator", {"compartment": i.compartment}


@describes(PanelPrevalence)
def _prevalence(p: PanelPrevalence) -> tuple[str, dict[str, Any]]:
    return "Indicator", {"compartment": p.compartment}


@question("sealed_object").answer_with
def _sealed(ref: str) -> Indicator | PanelPrevalence | None:
    if ref.startswith("IND"):
        return Indicator.objects.filter(ref=ref).first()
    return PanelPrevalence.objects.filter(ref=ref).first() if ref.startswith("PVL") else None


@question("describe_ref").answer_with
def _described(by: Any, ref: str) -> Described | None:
    """An indicator by its own page; an actor by that of its line of command, for those who see armed actors."""
    if ref.startswith("IND"):
        indicator = access.indicators(by).filter(ref=ref).first()
        return Described(f"{indicator.code} {indicator.words}", ("indicator", ref)) if indicator else None
    if ref.startswith("PTY") and authority.allows(by, "see_actors", Place("actors")):
        party = Party.objects.filter(ref=ref).first()
        return Described(party.name, ("command", party.ref)) if party else None
    return None
