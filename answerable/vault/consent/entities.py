"""How the subject of a consent looks to policies, what the gate answers, and what waits for whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.engine import describes
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.vault.consent import queries, rules, survivor  # noqa: F401 - survivor registers her own page
from answerable.vault.consent.models import EFFECTIVE, SHREDDING, Transfer
from answerable.vault.consent.queries import Subject


@describes(Subject)
def _subject(s: Subject) -> tuple[str, dict[str, Any]]:
    return "ConsentSubject", {
        "kind": s.kind,
        "holder": s.holder,
        "rooms": {s.compartment, s.compartment.partition("/")[0]},
        "withdrawn": queries.is_closed(s.ref),
    }


@question("live_consent").answer_with
def _closed(obj: Any, purpose: str) -> bool | None:
    """False for whatever everything was withdrawn of, whichever app keeps it; the rest is that app's to say."""
    return False if queries.is_closed(obj.ref) else None


def effect_words() -> dict[str, str]:
    """What a person is asked to do, by effect."""
    return {
        "REDACT_NARRATIVE": _("to redact"), "PANEL_NOTE": _("the panel's note"), "MEMO_REMOVED": _("to take from display"),
        "RECALL": _("recall: answers are missing"),
    }  # fmt: skip


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Consequences of withdrawals that are someone's work, with their clocks; overdue answers by recipient."""
    if not authority.allows(by, "see_withdrawals", Place("withdrawals")):
        return []
    words, found = effect_words(), []
    for withdrawal in queries.withdrawals(by).filter(status__in=[EFFECTIVE, SHREDDING])[:100]:
        for line in withdrawal.effects:
            if line["done_at"] or line["role"] not in by.roles or line["code"] not in words or line["code"] == "RECALL":
                continue
            found.append({"title": withdrawal.ref, "what": words[line["code"]], "url": reverse("withdrawal", args=[withdrawal.ref]),
                          "due": datetime.fromisoformat(line["due_at"]) if line["due_at"] else None})  # fmt: skip
    if "data_protection_officer" in by.roles:
        for t in waiting_for_answers(by):
            found.append({"title": t.recipient_name, "what": words["RECALL"], "url": reverse("withdrawals"),
                          "due": t.answer_due_at})  # fmt: skip
    return found[:40]


def waiting_for_answers(by: Any) -> list[Transfer]:
    """Recalled and not yet answered, oldest clock first."""
    return list(
        queries.transfers(by).filter(recalled_at__isnull=False, answered_at=None).order_by("answer_due_at")[:100]
    )


def role_of(code: str) -> str:
    """Whose work an effect is."""
    return rules.EFFECTS[code].role
