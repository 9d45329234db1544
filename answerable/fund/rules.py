"""Double entry, set-asides on cleared cash, earmarks, and who may touch a payment (domain.md §6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from answerable.common.money import Money
from answerable.common.ratios import largest_remainder

# Asset accounts are positive when money is there; the others carry the opposite sign.
ACCOUNTS = {
    "cash": "Cash at bank",
    "contributions": "Contributions received",
    "administration": "Administration (5 % of all cash)",
    "urgent_window": "Urgent interim window (10 % of unearmarked cash)",
    "liquidity": "Liquidity reserve (5 % of unearmarked cash)",
    "distributable": "Distributable",
    "earmarked": "Earmarked, net of administration",
    "awards_payable": "Awards approved and not yet paid",
    "awards_paid": "Awards paid",
}
ADMIN_PERCENT, URGENT_PERCENT, LIQUIDITY_PERCENT = 5, 10, 5
FORBIDDEN_EARMARKS = {"ethnicity", "religion", "gender_identity", "side", "perpetrator"}
NAMESPACE = uuid.UUID("6f0f3b0e-3a3b-5d0e-9b60-0a52a1c3c5d7")


@dataclass(frozen=True)
class Leg:
    """One side of an entry: an account and a signed amount."""

    account: str
    amount: Money


def balances(legs: Iterable[Leg]) -> bool:
    """Whether the legs of one entry sum to zero in every currency, over known accounts."""
    sums: dict[str, int] = {}
    for leg in legs:
        if leg.account not in ACCOUNTS:
            raise ValueError(f"no account {leg.account}")
        sums[leg.amount.currency] = sums.get(leg.amount.currency, 0) + leg.amount.minor
    return bool(sums) and not any(sums.values())


def receipt(amount: Money, *, earmarked: bool = False) -> list[Leg]:
    """Entry for cleared cash (R-EAR-3): 5 % administration; of unearmarked cash 10 % urgent, 5 % liquidity, the rest
    distributable. Splits are exact to the cent (R-NUM-2)."""
    rest = 100 - ADMIN_PERCENT - (0 if earmarked else URGENT_PERCENT + LIQUIDITY_PERCENT)
    weights = [ADMIN_PERCENT, rest] if earmarked else [ADMIN_PERCENT, URGENT_PERCENT, LIQUIDITY_PERCENT, rest]
    names = (
        ["administration", "earmarked"]
        if earmarked
        else ["administration", "urgent_window", "liquidity", "distributable"]
    )
    parts = largest_remainder(amount.minor, weights)
    # Cash comes in against what it is set aside for; `contributions` keeps the gross for reports.
    return [
        Leg("cash", amount),
        *(Leg(n, Money(-p, amount.currency)) for n, p in zip(names, parts, strict=True)),
    ]


def paid_out(amount: Money, *, source: str) -> list[Leg]:
    """Entry for a settled payment from a set-aside (`distributable` or `urgent_window`)."""
    return [Leg(source, amount), Leg("cash", -amount)]


def earmark_obstacle(earmark_kind: str) -> str:
    """The refusal of a forbidden earmark, with what is offered instead, or '' (R-EAR-1)."""
    if earmark_kind in FORBIDDEN_EARMARKS:
        return (
            f"A contribution cannot be earmarked by {earmark_kind.replace('_', ' ')} (R-EAR-1). "
            "It can be given unearmarked, or by situation or form of reparation; otherwise it is returned."
        )
    return ""


def idempotency_key(award_line: str, instalment: int) -> uuid.UUID:
    """The same pair always gives the same key, so a retry is recognised wherever it comes from (R-PAY-1)."""
    return uuid.uuid5(NAMESPACE, f"{award_line}/{instalment}")


def hands_clash(initiator: str, approvers: Iterable[str], treasurer: str = "") -> str:
    """SOD-06: who starts, who approves and who releases are different persons. The sentence, or ''."""
    hands = [initiator, *approvers, *([treasurer] if treasurer else [])]
    if len(set(hands)) != len(hands):
        return "Whoever starts, approves and releases a payment are different persons (SOD-06). Ask a colleague."
    return ""
