"""How indicators look to policies, and what they answer to lower apps."""

from __future__ import annotations

from typing import Any

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring.patterns import actions  # noqa: F401 - its actions are known from the start
from answerable.monitoring.patterns.models import Indicator, PanelPrevalence


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
