"""Every page names the authority action it needs; the architecture test walks the URLs and checks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _

from answerable.authority import engine
from answerable.authority.principals import Place
from answerable.common.errors import Refused


class Request(HttpRequest):
    """A request as the office's pages see it: `user` is the person who signed in, checked by `needs`."""

    user: Any


def needs(action: str, place: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The page is for those who may do `action` at `place` (default: the action's own name).

    Whoever may not sees what anyone sees at an address that leads nowhere: 404, never 403.
    """

    def declare(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not engine.allows(request.user, action, Place(place or action)):  # type: ignore[arg-type]
                if not getattr(request.user, "enrolled", True):
                    return redirect(settings.KEYS_URL)  # the one place where what is missing can be added
                raise Http404
            return view(request, *args, **kwargs)

        page.authority_action = action  # type: ignore[attr-defined]
        return page

    return declare


def public_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """The page is for anyone, signed in or not; kept on a short list that a test holds."""
    page: Any = login_not_required(view)
    page.authority_action = "open_public_page"
    return page


def done(request: HttpRequest, sentence: str, to: Any, *args: Any) -> HttpResponse:
    """After an act: say what happened and show the page again (POST → 303 → GET)."""
    messages.success(request, sentence)
    response = redirect(resolve_url(to, *args))
    response.status_code = 303
    return response


class Uncounted(Paginator):
    """Pages of a long list without counting all of it: the next page is known by one row more."""

    def page_of(self, number: str | None) -> dict[str, Any]:
        """Rows of a page and the numbers of its neighbours (0 when there is none)."""
        n = int(number) if number and number.isdigit() and 1 <= int(number) <= 10_000 else 1
        start = (n - 1) * self.per_page
        rows: list[Any] = list(self.object_list[start : start + self.per_page + 1])
        more = len(rows) > self.per_page
        return {"rows": rows[: self.per_page], "number": n, "next": n + 1 if more else 0, "previous": n - 1}


def form_page(
    request: HttpRequest,
    form: Any,
    *,
    heading: str,
    button: str,
    act: Callable[[dict[str, Any]], HttpResponse],
    lead: str = "",
    cancel: str = "",
    template: str = "form.html",
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    """One form: shown, checked, acted on. A refusal is shown above it and nothing typed is lost.

    A page that says more than its lead above the form names a template that extends form.html, and what it shows.
    """
    refused, reason = "", ""
    if request.method == "POST" and form.is_valid():
        try:
            return act(form.cleaned_data)
        except Refused as no:
            refused, reason = str(no), no.reason
    context = {"form": form, "heading": heading, "button": button, "lead": lead, "cancel": cancel, "refused": refused,
               "reason": reason, "confirm": reason in {"confirm", "locked"}, "back": request.get_full_path(), **(more or {})}  # fmt: skip
    status = 409 if refused else 422 if request.method == "POST" else 200
    return render(request, template, context, status=status)


def move_of(posted: str, table: Container[str]) -> str:
    """The move a form names. Raises Refused for one that is none: nothing is done in its place."""
    if posted not in table:
        raise Refused(
            _("There is no such step here, so nothing was done. Open the page again and choose one."), reason="move"
        )
    return posted


def moves(
    by: Any, obj: Any, names: dict[str, str], table: Any, url: str, refusable: bool = True, barred: Mapping[str, str] | None = None
) -> dict[str, Any]:  # fmt: skip
    """Buttons for the moves that lifecycle and authority both allow; for the rest, the reason (house style §4).

    `barred`: moves that the action refuses this person for what no policy sees, each with the sentence it refuses with.
    """
    open_now, closed = [], []
    for name, words in names.items():
        starts = name in table and obj.status in table[name].froms
        decision = engine.decide(by, name, obj)
        if starts and (decision.allowed or decision.confirm) and (why := (barred or {}).get(name)):
            closed.append({"words": words, "why": why})
        elif starts and (decision.allowed or decision.confirm):
            open_now.append({"words": words, "url": url, "fields": {"move": name}})
        elif starts:
            says = decision.words or _("this belongs to another role")
            closed.append({"words": words, "why": says})
    return {"moves": open_now, "not_open": closed if refusable else []}
