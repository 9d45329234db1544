"""Findings on a situation's page, as each reader may see them."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from answerable.accountability import access
from answerable.common.hooks import question
from answerable.monitoring.looking.panels import Look, Panel


@question("situation_panels").answer_with
def _findings(look: Look) -> list[Panel]:
    """Findings on this situation: all for the panel and its secretariat, for members those that are public."""
    rows = list(access.findings(look.by).filter(situation=look.situation).select_related("party")[:20])
    if not rows:
        return []
    html = render_to_string("accountability/_findings_here.html", {"rows": rows})
    return [Panel("findings", _("Findings"), html, order=56)]
