"""The field kit: a page that works without a line once it was opened with one, and seals each report when it is saved.

The device keeps what it sealed and the public key, never what would open it. Code and PIN are asked for each sending and
kept nowhere. Everything under /kit/ is the same for everyone; the choices of the form come with a documenter's code.
"""

from __future__ import annotations

import base64
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from answerable.authority.pages import public_page
from answerable.channel import guard, languages, page, steps
from answerable.channel.views import lock, on_the_grid
from answerable.vault.client import ask

# An envelope is at most 256 KiB, and a third more as text; what is longer arrives cut and is refused.
LARGEST = 360_000
MOST_AT_ONCE = 20
# This device holds reports that wait: leaving the site forgets the visit, and not them (views.leave).
MARK = "saved"


def words() -> dict[str, str]:
    """What the script says, in the reader's language."""
    return {
        "none": _("No report waits on this device."),
        "waiting": _("Reports that wait on this device, locked:"),
        "saved": _("The report is locked and waits. It cannot be read again from this device."),
        "unsealed": _("This device cannot lock what is written, so nothing was saved. Use another browser."),
        "ready": _("The lists are on this device now. Writing and saving work without a connection."),
        "offline": _("There is no connection. Nothing was sent, and everything waits as it was."),
        "wrong": _("Code and PIN did not open anything. Nothing was sent, and everything waits as it was."),
        "busy": _("This cannot be taken just now. Nothing is lost; try again in a few minutes."),
        "sent": _("Received and taken in:"),
        "held": _("Received. It stays here too until it was taken in; send once more later."),
        "choose": _("Please choose at least one from this list:"),
        "discard": _("Discard"),
        "sure": _("Discard this report for good? Nobody can bring it back."),
        "first": _("Fetch the lists with your code and PIN first, while there is a connection."),
    }


@public_page
@require_GET
@csp_update({"script-src": ["'self'"], "connect-src": ["'self'"], "worker-src": ["'self'"], "manifest-src": ["'self'"]})  # type: ignore[misc]
def kit(request: HttpRequest) -> HttpResponse:
    """The page itself, with every question of a report on it."""
    # Who else took part is offered for the situation that was chosen, which this page without a line does not ask about.
    asked = [s for s in steps.REPORT if s.name != "others"]
    questions = [(s, [] if s.source == "given" else s.choices({})) for s in asked]
    return render(request, "channel/kit.html", {"questions": questions, "lock": lock(), "said": words(), "kit": True,
                                                "language": get_language()})  # fmt: skip


@public_page
@require_GET
def script(request: HttpRequest) -> HttpResponse:
    """The page's script, with the module that seals in front."""
    return HttpResponse(page.kit_script(), content_type="text/javascript")


@public_page
@require_GET
@csp_update({"connect-src": ["'self'"]})  # type: ignore[misc]
def worker(request: HttpRequest) -> HttpResponse:
    """What answers for the page where there is no line."""
    return HttpResponse(page.kit_worker(), content_type="text/javascript")


@public_page
@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes it a page that can be put beside other apps, under a name that says nothing."""
    icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 64 64'%3E%3Crect width='64' height='64' fill='%230d5c63'/%3E%3C/svg%3E"
    return JsonResponse(
        {
            "name": _("Notes"), "short_name": _("Notes"), "start_url": reverse("kit"), "scope": reverse("kit"),
            "display": "standalone", "background_color": "#fbfaf7", "theme_color": "#0d5c63",
            "lang": get_language() or "en", "dir": "rtl" if get_language_bidi() else "ltr",
            "icons": [{"src": icon, "sizes": "any", "type": "image/svg+xml"}],
        },
        content_type="application/manifest+json",
    )  # fmt: skip


@public_page
@require_GET
def ready(request: HttpRequest) -> HttpResponse:
    """What a form sent from a page that may be weeks old needs: a fresh token."""
    return JsonResponse({"t": guard.form_token(request)})


@sensitive_post_parameters()
def _form(request: HttpRequest) -> HttpResponse:
    found = ask("kit_form", code=request.POST.get("code", "")[:120], pin=request.POST.get("pin", "")[:40])
    response = JsonResponse(found)
    if found["ok"]:
        response.set_cookie(MARK, "yes", max_age=366 * 86400, path=languages.LEAVE, httponly=True,
                            secure=settings.SECURE, samesite="Strict")  # fmt: skip
    return response


@sensitive_post_parameters()
def _send(request: HttpRequest) -> HttpResponse:
    envelopes: list[Any] = [_bytes(text) for text in request.POST.getlist("envelope")[: MOST_AT_ONCE + 1]]
    return JsonResponse(
        ask(
            "kit_send",
            code=request.POST.get("code", "")[:120],
            pin=request.POST.get("pin", "")[:40],
            envelopes=envelopes,
        )
    )


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text[:LARGEST], validate=True)
    except ValueError:
        return b""


# At fixed moments only, like every answer to a code.
_form_on_the_grid, _send_on_the_grid = on_the_grid(_form), on_the_grid(_send)


@public_page
@require_POST
def form(request: HttpRequest) -> HttpResponse:
    """The choices of the form, for a documenter's code and PIN."""
    return _form_on_the_grid(request)


@public_page
@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Sealed reports, taken in with a documenter's code and PIN; a receipt for each."""
    return _send_on_the_grid(request)
