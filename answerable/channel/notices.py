"""What someone is told at her own door in the language of her conversation: her identity was opened, her complaint moved on."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words


def text(code: str, facts: Mapping[str, str], language: str) -> str:
    """One plain text: which office, on which day, what, and why; or where her complaint stands. Never who."""
    with translation.override(language or "en"):
        if code in ("complaint_acknowledged", "complaint_answered"):
            day = {"day": day_words(facts["day"])}
            if code == "complaint_acknowledged":
                return (
                    _(
                        "Someone who is not part of the team has your complaint in hand. You get an answer here by %(day)s."
                    )
                    % day
                )
            return _("Your complaint was answered on %(day)s. If you do not accept the answer, write it here.") % day
        if code == "correction_answered":
            return (
                _("What you wrote on %(day)s to correct your file was answered. With your code and your PIN you read the answer on your page.")
                % {"day": day_words(facts["day"])}
            )  # fmt: skip
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
