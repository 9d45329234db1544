"""What the actors' incidents amount to, on a situation's page: each number leads to what carries it."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from answerable.common.hooks import question
from answerable.monitoring.looking.panels import ACTOR, Look, Panel
from answerable.monitoring.patterns import views


@question("situation_panels").answer_with
def _numbers(look: Look) -> list[Panel]:
    """The newest window of each actor, for those who see patterns."""
    found = views.numbers(look.by, look.situation, actor=look.filters.actor)
    if not found["sees_patterns"]:
        return []
    html = render_to_string("monitoring/patterns/_numbers.html", {**found, "situation": look.situation})
    return [Panel("numbers", _("What the actors' incidents amount to"), html, "see_patterns", 15, ACTOR)]
