"""The log's signing key and its checkpoints. Whoever steals the key can fork the record; witnesses see a fork."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from answerable.common import clock
from answerable.engines import tlog
from answerable.record import log
from answerable.record.models import Checkpoint, Head

ORIGIN = "answerable.example/record"
EVERY_SECONDS = 6 * 3600


def origin() -> str:
    """The record's name: ANSWERABLE_ORIGIN, or that of a demonstration."""
    return os.environ.get("ANSWERABLE_ORIGIN", ORIGIN)


def signer() -> tlog.Ed25519Signer:
    """The key, made on first use in the data folder and readable by its owner only."""
    path = Path(settings.STATIC_ROOT).parent / "log.key"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(tlog.Ed25519Signer.new_private().hex())
    except FileExistsError:
        pass
    return tlog.Ed25519Signer(origin(), bytes.fromhex(path.read_text()))


def is_due() -> bool:
    """Whether six hours passed since the last checkpoint and something was appended."""
    last = Checkpoint.objects.order_by("-size").first()
    size = Head.objects.values_list("size", flat=True).first() or 0
    if not size or (last and last.size == size):
        return False
    return last is None or (clock.now() - last.made_at).total_seconds() >= EVERY_SECONDS


def checkpoint() -> Checkpoint | None:
    """Sign the record's present size, padded; None when nothing is new."""
    return log.make_checkpoint(signer(), origin())
