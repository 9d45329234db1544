"""What every page of the office knows: where one is, where one may go."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.vault.house import locked_sentence
from answerable.web.marker import is_demonstration

# The chain, not the modules (interface.md). Each place shows to whoever may open it.
PLACES = (
    ("today", _("Today"), "/today/", "see_today"),
    ("watch", _("Watch"), "/watch/", "see_situations"),
    ("answer", _("Answer"), "/answer/", "see_findings_list"),
    ("decide", _("Decide"), "/decide/", "see_measures"),
    ("repair", _("Repair"), "/repair/", "see_programmes"),
    ("fund", _("Fund"), "/fund/", "see_fund"),
    ("alliance", _("Alliance"), "/alliance/", "see_alliance"),
    ("record", _("Record"), "/record/", "see_record"),
    # For those who keep or inspect it; others reach the page from a notice when the vault is locked.
    ("vault", _("Vault"), "/vault/", "lock_vault"),
)


def page(request: HttpRequest) -> dict[str, Any]:
    """Navigation, languages, and whether this is a demonstration."""
    user: Any = getattr(request, "user", None)
    nav = []
    if user is not None and user.is_authenticated:
        for name, words, path, action in PLACES:
            if action == "see_findings_list":
                allowed = any(
                    authority.allows(user, a, Place("findings")) for a in ("see_findings", "see_published_findings")
                )
            else:
                allowed = authority.allows(user, action, Place(name))
            if allowed:
                nav.append({"name": words, "url": path, "current": request.path.startswith(path)})
    try:
        language_url = reverse("set-language")
    except NoReverseMatch:
        language_url = ""
    return {
        "nav": nav,
        "languages": settings.LANGUAGES,
        "language_url": language_url,
        "demonstration": is_demonstration(),
        "here": request.path,
        "keys_url": "/keys/" if nav or not getattr(user, "enrolled", True) else "",
        "too_few_keys": user is not None and user.is_authenticated and not user.enrolled,
        "vault_locked": getattr(request, "vault_locked", False),
        "why_locked": SimpleLazyObject(locked_sentence),
        "sees_vault": bool(nav)
        and getattr(request, "vault_locked", False)
        and authority.allows(user, "see_compartments", Place("compartments")),
    }
