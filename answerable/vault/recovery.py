"""When a code for a new key holds. Asked by the office's page, and again by the vault before it makes the key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import lifecycle

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code() -> str:
    """A code to hand over in person: 26 letters and digits that are not misread, 130 bits."""
    return "".join(secrets.choice(ALPHABET) for _n in range(26))


def normalise(code: str) -> str:
    """A code as it was made, however it was typed."""
    return "".join(c for c in code.upper() if c.isalnum()).replace("O", "0").replace("I", "1").replace("L", "1")


def digest(code: str) -> str:
    """What is kept of a code."""
    return hashlib.sha256(normalise(code).encode("utf-8", "surrogatepass")).hexdigest()


def check_code(row: Any, code: str) -> None:
    """Raises Refused, with one sentence whatever is wrong, unless this code makes a new key now.

    Two persons other than the one it is for granted it, 48 hours have passed, and it was used by nobody.
    """
    now = clock.now()
    held = (
        row is not None
        and row.status == lifecycle.READY
        and row.confirmed_by_id is not None
        and len({row.asked_by_id, row.confirmed_by_id, row.person_id}) == 3
        and row.ready_at is not None
        and row.ready_at <= now
        and row.code_until is not None
        and now <= row.code_until
        and row.person.is_active
    )
    if not hmac.compare_digest(digest(code), row.code_sha256 if held else "-" * 64) or not held:
        raise Refused(
            _("That name and code do not belong together, or the code has ended. Ask the registrar for another."),
            reason="code",
        )
