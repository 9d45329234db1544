"""The end of keys: what they sealed can then be read by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db import transaction

from answerable.vault.models import DataKey, IdentityBlock, RecordKey


def shred(subjects: Iterable[str], *, record_too: bool = True) -> dict[str, int]:
    """Delete every key of these references: data keys, identity blocks, salts. Doing it twice does no harm.

    What they sealed, here and in every copy and backup of the working facts, can then be read by nobody.
    """
    refs = list(subjects)
    with transaction.atomic(using="keys"):
        counts = {
            "data_keys": DataKey.objects.filter(subject__in=refs).delete()[0],
            "identities": IdentityBlock.objects.filter(subject__in=refs).delete()[0],
        }
        if record_too:
            counts["salts"] = RecordKey.objects.filter(subject__in=refs).delete()[0]
    return counts


def has_keys(subjects: Iterable[str]) -> bool:
    """Whether any key of these references is left: a data key, an identity block or the salts of their entries."""
    refs = list(subjects)
    return any(model.objects.filter(subject__in=refs).exists() for model in (DataKey, IdentityBlock, RecordKey))  # type: ignore[attr-defined]


def came_with(delivery: str) -> list[str]:
    """References whose data keys were bound to a delivery when they were sealed."""
    if not delivery:
        return []
    return sorted(DataKey.objects.filter(delivery=delivery).values_list("subject", flat=True))


def shred_delivery(delivery: str, subjects: Sequence[str]) -> int:
    """Delete the data keys of these references that came with a delivery, and no other key. Returns how many."""
    if not delivery:
        return 0
    with transaction.atomic(using="keys"):
        return DataKey.objects.filter(delivery=delivery, subject__in=list(subjects)).delete()[0]


def drafts_of(delivery: str) -> list[str]:
    """References of the drafts whose keys came with a delivery, as they were bound when they were sealed."""
    found = DataKey.objects.filter(delivery=delivery).exclude(delivery="").exclude(draft="")
    return sorted(set(found.values_list("draft", flat=True)))


def bound_before(drafts: Sequence[str], day: date) -> dict[str, str]:
    """What was sealed for these drafts before that day, as it was bound at its sealing: the draft of each reference."""
    found = DataKey.objects.exclude(draft="").filter(draft__in=list(drafts), sealed_on__lt=day)
    return dict(found.values_list("subject", "draft"))


def shred_bound_before(drafts: Sequence[str], subjects: Sequence[str], day: date) -> int:
    """Delete the data keys of these references that were sealed for these drafts, and no other key. Returns how many."""
    with transaction.atomic(using="keys"):
        rows = DataKey.objects.exclude(draft="").filter(draft__in=list(drafts), subject__in=list(subjects))
        return rows.filter(sealed_on__lt=day).delete()[0]
