"""The pepper of the door: a key that is in no database, under which codes, receipts, marks and the vault's word are digests."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from django.conf import settings

from answerable.vault import primitives


def held() -> bytes:
    """32 bytes in a file of the vault's own, made once, readable by its owner only."""
    return _read(Path(settings.CHANNEL_PEPPER))


@cache
def _read(path: Path) -> bytes:
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(primitives.random_bytes(32))
    held = path.read_bytes()
    if len(held) != 32:
        raise ValueError("the channel's pepper is damaged; take it back from its backup")
    return held
