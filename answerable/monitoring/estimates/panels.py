"""Estimates on a situation's page, for analysts: the way to them, and how far public sources agree."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.monitoring import queries
from answerable.monitoring.looking.panels import Look, Panel


@question("situation_panels").answer_with
def _estimates(look: Look) -> list[Panel]:
    """Estimates stand apart from what was reported and verified, and are shown to analysts alone."""
    if not authority.allows(look.by, "see_estimates", Place("estimates")):
        return []
    html = render_to_string(
        "monitoring/estimates/_here.html",
        {"situation": look.situation, "agreement": queries.source_agreement(look.situation)},
    )
    return [Panel("estimates", _("Estimates"), html, "see_estimates", 70)]
