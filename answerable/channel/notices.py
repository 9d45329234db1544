"""What someone is told at her own door about her identity having been opened, in the language of her conversation."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words


def text(code: str, facts: Mapping[str, str], language: str) -> str:
    """One plain sentence: which office, on which day, what, and why. Never who."""
    with translation.override(language or "en"):
        said = {
            "office": facts["office"], "fields": facts["fields"], "purpose": facts["purpose"],
            "day": day_words(facts["day"]),
        }  # fmt: skip
        if code == "identity_opened_in_danger":
            return _(
                "On %(day)s, because someone was thought to be in danger, %(office)s had these of your details opened: "
                "%(fields)s (%(purpose)s). It will be looked into whether that was right. If you do not understand why, ask here."
            ) % said  # fmt: skip
        return _(
            "On %(day)s %(office)s had these of your details opened: %(fields)s (%(purpose)s). If you do not understand why, ask here."
        ) % said  # fmt: skip
