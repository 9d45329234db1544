"""One transaction a request, in the reader's own row-level scope; refusals become pages; headers keep privacy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from answerable.authority.acting import set_scope
from answerable.common.errors import Refused
from answerable.vault import signin

Next = Callable[[HttpRequest], HttpResponse]


class OneTransaction:
    """Every request is one transaction. A refusal or a fault undoes all of it.

    The row-level scope is set inside it, transaction-local, so it cannot leak to the next request on the connection.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            user: Any = getattr(request, "user", None)
            if user is not None and user.is_authenticated:
                signin.attach_session(request)
                user = request.user  # type: ignore[attr-defined]
                if user.is_authenticated:
                    set_scope(user.principal().compartments)
            response = self.get_response(request)
            if response.status_code == 405 and request.method == "GET":
                response = only_forms(request, response)
            if response.status_code >= 500 or getattr(response, "undo", False):
                transaction.set_rollback(True)
            return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        response = refusal(request, exception)
        response.undo = True  # type: ignore[attr-defined]
        return response


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A page that says why not and what would help: 409, and the form's own words are not lost (browser keeps them).

    The whole page for a script too: a part of one that is not there would be swapped in as nothing, without a word.
    """
    htmx = request.headers.get("HX-Request") == "true"
    back = request.headers.get("HX-Current-URL" if htmx else "Referer", "")
    here = f"{request.scheme}://{request.get_host()}"
    back = back.removeprefix(here) if back.startswith(f"{here}/") else ""
    # Where confirming that it is oneself would help, the form for it is here, and leads back to where one was.
    signed_in = bool(getattr(request, "user", None) and request.user.is_authenticated)
    confirming = request.path in CONFIRMING
    if confirming:
        back = request.POST.get("next", "")
    return render(
        request,
        "refusal.html",
        {"sentence": str(refused), "reason": refused.reason, "back": back,
         "typed": any(str(v).strip() for name, v in request.POST.items() if name not in CHOSEN),
         # A keeper opens their own key while the vault is locked, to bring their half.
         "own_key": confirming or request.path.startswith("/vault/"),
         "confirm": signed_in and (confirming or refused.reason in {"confirm", "locked"})},
        status=409,
    )  # fmt: skip


def only_forms(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A page in place of an empty answer, where someone opens an address to which only forms send (still 405)."""
    page = render(request, "405.html", {"back": _page_above(request.path)}, status=405)
    page.headers["Allow"] = response.headers.get("Allow", "POST")
    return page


def _page_above(path: str) -> str:
    """The nearest address above this one that leads somewhere; "/" where there is none."""
    parts = path.strip("/").split("/")
    for n in range(len(parts) - 1, 0, -1):
        above = f"/{'/'.join(parts[:n])}/"
        try:
            resolve(above)
        except Resolver404:
            continue
        return above
    return "/"


CONFIRMING = frozenset({"/confirm/", "/unlock/"})
# What a form carries without anyone having typed: its token, and what a button or a list says.
CHOSEN = frozenset(
    {"csrfmiddlewaretoken", "next", "message", "field", "file", "move", "as", "purpose", "heard", "code", "coherent"}
)


class PrivacyHeaders:
    """Nothing personal stays in a cache; nothing of ours is used by another site (ASVS 3.4, 14.3)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response
