"""Codes of opening an identity in the reader's language, and what she is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from answerable.alliance.days import day_words


def fields() -> Mapping[str, str]:
    """Fields of an identity."""
    return {
        "name": _("name"), "aliases": _("other names"), "birth_date": _("date of birth"), "contacts": _("contact details"),
        "address": _("address"), "safe_contact": _("safe-contact number"), "papers": _("identity papers"),
        "family": _("family"), "payee": _("payment details"),
    }  # fmt: skip


def purposes() -> Mapping[str, str]:
    """What an identity is opened for."""
    return {
        "payment": _("arranging payment"), "care": _("arranging care or protection"),
        "contact": _("reaching her in the way she asked for"), "court": _("a court she agreed to"),
    }  # fmt: skip


def reasons() -> Mapping[str, str]:
    """Why now."""
    return {
        "payment_due": _("a payment is due"), "care_arranged": _("care was arranged with her"),
        "call_asked": _("she asked to be reached"), "court_order": _("a court asked, and she agreed"),
        "danger_to_life": _("imminent danger to life"), "danger_to_child": _("imminent danger to a child"),
    }  # fmt: skip


def reviews() -> Mapping[str, str]:
    """What a review of a break-glass opening finds."""
    return {"justified": _("justified"), "not_justified": _("not justified"), "unclear": _("cannot be told")}


def listed(codes: Iterable[str]) -> str:
    """Fields as one text."""
    words = fields()
    return ", ".join(words.get(code, code) for code in codes)


def in_english(code: str, table: Any) -> str:
    """A code's words as signed files carry them: the same bytes for whoever asks."""
    with override("en"):
        return str(table()[code])


def told(code: str, facts: Mapping[str, Any], office: str, day: date) -> str:
    """A notice to her as a sentence."""
    shown = {
        "fields": listed(facts["fields"]), "office": office, "day": day_words(day),
        "purpose": purposes().get(facts["purpose"], facts["purpose"]),
    }  # fmt: skip
    if code == "identity_opened_in_danger":
        return (
            _(
                "Because of danger, these details of yours were opened at once by %(office)s on %(day)s, for %(purpose)s: "
                "%(fields)s."
            )
            % shown
        )
    return _("These details of yours were opened by %(office)s on %(day)s, for %(purpose)s: %(fields)s.") % shown
