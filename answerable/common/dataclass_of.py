"""What every model declares: how secret it is, who owns it, how long it is kept (security.md §2.1, domain §7.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T", bound=type)
CLASSES = {
    "C0": "public",
    "C1": "working facts, coarse on purpose",
    "C2": "sealed facts",
    "C3": "identity",
    "C4": "keys",
}
RETENTION = {
    "draft": "90 days",
    "declined": "30 days",
    "monitoring-item": "reviewed every 3 years while the situation is active",
    "finding-basis": "15 years, then sealed archive only with CP-ARCH",
    "claim-file": "10 years after closure; narrative 2 years unless the claimant keeps it",
    "vault-contact": "until closure and 1 year",
    "payment": "10 years, without narrative",
    "matching-keys": "the programme's life",
    "audit-log": "15 years",
    "session": "8 hours",
    "permanent": "kept: public, or part of the alliance's own register",
}


@dataclass(frozen=True)
class Declaration:
    """Data class, owning app and retention class of a model, and what becomes of its sealed fields."""

    data_class: str
    owner: str
    retention: str
    shredded: str = ""


def declares(*, data_class: str, owner: str, retention: str, shredded: str = "") -> Callable[[T], T]:
    """Declare a model's class, owner and retention. Raises KeyError for an unknown class or retention.

    A model with sealed fields says what `shredded` them when someone withdraws everything: the kinds of references whose keys
    go (`consent/rules.py: SHREDDED_KINDS`, separated by spaces), or "no: " and why nothing sealed there is a survivor's.
    """
    CLASSES[data_class], RETENTION[retention]

    def mark(model: T) -> T:
        model._declaration = Declaration(data_class, owner, retention, shredded)  # type: ignore[attr-defined]
        return model

    return mark
