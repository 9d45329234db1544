"""Sessions: who is signed in here, and their session with the vault, whose secret only their browser holds."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest, HttpResponse

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.vault.client import VaultFault, ask

BACKEND = "answerable.vault.signin.SessionBackend"


class SessionBackend(BaseBackend):
    """Finds the person of a session. Nobody is authenticated by a password: signing in opens a key."""

    def get_user(self, user_id: int) -> Person | None:
        return Person.objects.select_related("body__state").filter(pk=user_id, is_active=True).first()


def establish(request: HttpRequest, response: HttpResponse, person: Person, token: str) -> None:
    """Start a session; what opens sealed things is a token in a cookie of its own, and worthless without the vault."""
    login(request, person, backend=BACKEND)
    hand_over(response, token)


def hand_over(response: HttpResponse, token: str) -> None:
    """Give the browser its half of a session with the vault."""
    response.set_cookie(settings.UNLOCK_COOKIE, token, httponly=True, secure=settings.SECURE, samesite="Strict")


def lock(request: HttpRequest, response: HttpResponse) -> None:
    """Forget the key of this session at once, in the vault and in the browser; the person stays signed in."""
    if token := request.COOKIES.get(settings.UNLOCK_COOKIE):
        try:
            ask("end_session", token=token)
        except (Refused, VaultFault):
            pass  # a vault that does not answer opens nothing either; the cookie goes all the same
    response.delete_cookie(settings.UNLOCK_COOKIE)


def attach_session(request: Any) -> None:
    """Put the live session with the vault on request.user; without one, or without the vault, keys are simply locked."""
    token = request.COOKIES.get(settings.UNLOCK_COOKIE)
    if not token:
        return
    try:
        found = ask("touch", token=token)
    except (Refused, VaultFault):
        return
    if found["person"] == request.user.ref:
        request.user.vault_session = None if found["locked"] else token
        request.user.fresh = found["fresh"]
