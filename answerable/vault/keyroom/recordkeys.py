"""Keys of references in the record: the salts of their entries, and marks under them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import primitives
from answerable.vault.models import DataKey, RecordKey


def _salt(key: bytes, index: int) -> bytes:
    return hmac.digest(key, f"answerable-salt/1|{index}".encode(), "sha256")


def salt(index: int, subject: str) -> bytes:
    """The salt of one record entry that is not there yet: from the subject's own key, so that shredding that key shreds
    every one of them.

    A key made for a later entry than this one (of a transaction that was rolled back, or asked ahead) counts from here.
    """
    found = RecordKey.objects.filter(subject=subject)
    key, since = found.values_list("key", "since").first() or (None, index)
    if key is None:
        with transaction.atomic(using="keys"):
            row, _made = RecordKey.objects.get_or_create(
                subject=subject, defaults={"key": primitives.random_bytes(32), "since": index}
            )
        key, since = row.key, row.since
    if since > index:
        with transaction.atomic(using="keys"):
            found.filter(since__gt=index).update(since=index)
    return _salt(bytes(key), index)


def salts(pairs: Sequence[tuple[int, str]]) -> list[bytes | None]:
    """Salts of many entries in order; None where the subject's key was shredded."""
    rows = RecordKey.objects.filter(subject__in={s for _i, s in pairs})
    keys = {r.subject: (bytes(r.key), r.since) for r in rows}
    return [_salt(keys[s][0], i) if s in keys and i >= keys[s][1] else None for i, s in pairs]


def mark(subject: str, content: bytes) -> bytes:
    """The same for the same content under one subject, and of no use to whoever has not its key; gone with its salts.

    Raises Refused when the subject's key was shredded, or never was.
    """
    key = next(iter(RecordKey.objects.filter(subject=subject).values_list("key", flat=True)), None)
    if key is None and DataKey.objects.filter(subject=subject).exists():
        # Sealed, and its key opens no entry yet (it came in with a report); whatever is entered already is not its own.
        with transaction.atomic(using="keys"):
            row, _made = RecordKey.objects.get_or_create(
                subject=subject, defaults={"key": primitives.random_bytes(32), "since": record.ends()}
            )
        key = row.key
    if key is None:
        raise Refused(_("What was sealed here has been shredded; nothing is added to it."), reason="shredded")
    return hmac.new(bytes(key), b"answerable-mark/1|" + content, hashlib.sha256).digest()
