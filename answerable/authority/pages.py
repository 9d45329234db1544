"""Every page names the authority action it needs; the architecture test walks the URLs and checks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest

from answerable.authority import engine
from answerable.authority.principals import Place


def needs(action: str, place: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The page is for those who may do `action` at `place` (default: the action's own name).

    Whoever may not sees what anyone sees at an address that leads nowhere: 404, never 403.
    """

    def declare(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not engine.allows(request.user, action, Place(place or action)):  # type: ignore[arg-type]
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
