"""The vault's own signing key: what custodians check a request to open an identity with. Never the record's key.

A file that only the vault's process can read. The record says once which key it is, so that another one is seen.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings

from answerable.engines import tlog
from answerable.record import signing


def path() -> Path:
    """ANSWERABLE_VAULT_SIGNING_KEY, or a file in the data folder."""
    return Path(
        os.environ.get("ANSWERABLE_VAULT_SIGNING_KEY") or Path(settings.STATIC_ROOT).parent / "vault-signing.key"
    )


def signer() -> tlog.Ed25519Signer:
    """The key, made on first use and readable by its owner only."""
    where = path()
    try:
        with os.fdopen(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(tlog.Ed25519Signer.new_private().hex())
    except FileExistsError:
        pass
    return tlog.Ed25519Signer(f"{signing.origin()}/vault", bytes.fromhex(where.read_text()))
