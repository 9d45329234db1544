"""The XLSForm as this alliance publishes it: its situations, its armed actors, its languages."""

from __future__ import annotations

from django.utils import translation

from answerable.monitoring.intake import xlsform
from answerable.monitoring.models import Party, Situation


def in_words(text: str, language: str) -> str:
    """A question in a language, from the product's own translations; English where there is none yet."""
    with translation.override(language):
        return translation.gettext(text)


def workbook() -> bytes:
    """The workbook."""
    situations = dict(Situation.objects.filter(status="WATCHED").order_by("name").values_list("ref", "name"))
    parties = {
        ref: (situation, name)
        for ref, situation, name in Party.objects.filter(situation__status="WATCHED")
        .order_by("name")
        .values_list("ref", "situation__ref", "name")
    }
    return xlsform.publish(situations, parties, translate=in_words)
