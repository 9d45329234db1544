"""Sessions: who is signed in here, and their session with the vault, whose secret only their browser holds."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, HttpResponse, parse_cookie

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault.client import VaultFault, ask

BACKEND = "answerable.vault.signin.SessionBackend"


class SessionBackend(BaseBackend):
    """Finds the person of a session. Nobody is authenticated by a password: signing in opens a key."""

    def get_user(self, user_id: int) -> Person | None:
        person = Person.objects.select_related("body__state").filter(pk=user_id, is_active=True).first()
        if person is not None:
            # Until the vault has answered, nobody has confirmed anything, nor has enough authenticators.
            person.fresh, person.enrolled = False, not settings.TWO_AUTHENTICATORS
        return person


def origin(request: HttpRequest) -> str:
    """Where the page was served from, as the browser names it; passkeys belong to its host."""
    return f"{'https' if settings.SECURE else request.scheme}://{request.get_host()}"


def secret_of(request: HttpRequest) -> bytes:
    """What a passkey's PRF gave, as the page posted it; empty when it gave nothing that can be read."""
    text = request.POST.get("prf", "")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) <= 100 else b""
    except ValueError:
        return b""


def establish(request: HttpRequest, response: HttpResponse, person: Person, token: str) -> None:
    """Start a session; what opens sealed things is a token in a cookie of its own, and worthless without the vault."""
    login(request, person, backend=BACKEND)
    # Whoever had a session here before, even the same person, leaves no identifier behind (ASVS 7.2.4).
    request.session.cycle_key()
    request.session["began"] = int(clock.now().timestamp())
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
    forget(response)


def forget(response: HttpResponse) -> None:
    """Take the browser's half away."""
    response.delete_cookie(settings.UNLOCK_COOKIE, samesite="Strict")


def leave(request: HttpRequest, response: HttpResponse) -> None:
    """End this session here and in the vault, and ask the browser to keep nothing."""
    lock(request, response)
    logout(request)
    response["Clear-Site-Data"] = '"cache", "storage"'


def attach_session(request: Any) -> None:
    """Put the live session with the vault on request.user; without one, or without the vault, keys are simply locked.

    A session older than eight hours ends here, whatever was done in it: request.user is then nobody.
    """
    if clock.now().timestamp() - request.session.get("began", 0) > settings.SESSION_COOKIE_AGE:
        logout(request)
        return
    token, user = request.COOKIES.get(settings.UNLOCK_COOKIE, ""), request.user
    # Asked without a token too: whoever has no session with the vault is told when it is the vault that is locked.
    try:
        found = ask("touch", token=token, person=user.ref)
    except (Refused, VaultFault):
        return
    user.enrolled = found["enrolled"]
    request.vault_locked = found["locked"]
    if token and found["person"] == user.ref:
        user.session_token = token
        user.vault_session = None if found["locked"] else token
        user.fresh = found["fresh"]


def whose(environ: dict[str, Any]) -> str:
    """Whose session a request comes in, before anything of it is read; "" for nobody's, whose files are not taken in."""
    key = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME, "")[:64]
    if not key:
        return ""
    close_old_connections()
    try:
        return str(SessionStore(key).get("_auth_user_id", ""))
    except DatabaseError:
        return ""
    finally:
        close_old_connections()


def is_enrolled(person: str) -> bool:
    """Whether a person has the authenticators that working here asks for. A vault that does not answer says no."""
    if not settings.TWO_AUTHENTICATORS:
        return True
    try:
        return bool(ask("enrolment", person=person))
    except (Refused, VaultFault):
        return False
