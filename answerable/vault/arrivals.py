"""What a browser sealed before it was sent: envelopes to the vault's own key, taken in open or locked (decision 0022).

An envelope is bound to the visit in which it was written and to the question it answers: whoever copied one and hands it
in during a visit of their own, to have it opened before their own eyes, is refused. In a locked vault it cannot be opened
yet; then it stays an envelope inside the text that is sealed, with a mark that only the vault can make, and is opened
when that text is read.
"""

from __future__ import annotations

import base64
import hmac
import re

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.vault import pepper, primitives, seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import vaultkeys
from answerable.vault.primitives import Unopenable

SERVICE = "door"
# 18,000 characters in the longest writing, padded, with what HPKE adds.
LARGEST = 72 * 1024
_HELD = re.compile("\x05([A-Za-z0-9_.-]{1,140})\\|([A-Za-z0-9+/=]{1,120000})\\|([0-9a-f]{64})\x05")


def context(visit: str, name: str) -> bytes:
    """What an envelope of the door is bound to. Raises ValueError for a part that could be mistaken for two."""
    return seal.envelope_context(vaultkeys.NODE, SERVICE, visit, name)


def held(blob: bytes, visit: str, name: str) -> str:
    """An envelope as text that can be kept among other texts. Raises Refused for what does not open here and now.

    While the vault is locked nobody can tell; then it is taken as it is.
    """
    if not CHAMBER.is_locked():
        _opened(blob, visit, name)
    if blob[:1] != seal.ENVELOPE or len(blob) > LARGEST:
        raise _refusal()
    place, body = f"{visit}.{name}", base64.b64encode(blob).decode()
    return f"\x05{place}|{body}|{_mark(place, body)}\x05"


def is_held(text: object) -> bool:
    """Whether some of a text is an envelope still."""
    return isinstance(text, str) and any(_is_ours(found) for found in _HELD.finditer(text))


def words(text: str) -> str:
    """A text with every envelope in it opened; whatever bears no mark of ours stays as it was typed.

    Raises Refused while the vault is locked and there is something to open.
    """
    return _HELD.sub(lambda found: _words(found) if _is_ours(found) else found[0], text)


def _words(found: re.Match[str]) -> str:
    visit, _dot, name = found[1].partition(".")
    try:
        return _opened(base64.b64decode(found[2]), visit, name)
    except Refused as no:
        if no.reason != "sealed":
            raise
        # Taken in while the vault was locked, and not what it said it was: what stands beside it is still read.
        return _("[Something was locked in a browser in a way that nobody can open.]")


def _opened(blob: bytes, visit: str, name: str) -> str:
    private = vaultkeys.service_private(SERVICE)
    try:
        return seal.open_envelope(private, blob, context(visit, name)).decode("utf-8").strip()
    except (Unopenable, ValueError):
        raise _refusal() from None


def _refusal() -> Refused:
    return Refused(
        _("What was locked in your browser could not be opened here. Please write it once more."), reason="sealed"
    )


def _mark(place: str, body: str) -> str:
    key = primitives.derive(pepper.held(), "door-arrival")
    return hmac.digest(key, f"{place}|{body}".encode(), "sha256").hex()


def _is_ours(found: re.Match[str]) -> bool:
    return hmac.compare_digest(_mark(found[1], found[2]), found[3])
