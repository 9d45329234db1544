"""Sessions: who is signed in, and their key under a secret only their cookie holds (security.md §2.2)."""

from __future__ import annotations

import base64
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest, HttpResponse

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.vault import userkeys

BACKEND = "answerable.vault.signin.SessionBackend"


class SessionBackend(BaseBackend):
    """Finds the person of a session. Nobody is authenticated by a password: signing in opens a key."""

    def get_user(self, user_id: int) -> Person | None:
        return Person.objects.select_related("body__state").filter(pk=user_id, is_active=True).first()


def establish(request: HttpRequest, response: HttpResponse, person: Person, private: bytes) -> None:
    """Start a session; the private key is kept only under a secret that goes into a cookie of its own."""
    login(request, person, backend=BACKEND)
    unlock(request, response, private)


def unlock(request: HttpRequest, response: HttpResponse, private: bytes) -> None:
    """Keep the key readable for this session: ciphertext here, the secret in the browser, ten idle minutes."""
    secret, blob = userkeys.lock_for_session(private)
    request.session["key"] = base64.b64encode(blob).decode()
    request.session["key_seen"] = clock.now().timestamp()
    response.set_cookie(
        settings.UNLOCK_COOKIE,
        base64.urlsafe_b64encode(secret).decode(),
        httponly=True,
        secure=settings.SECURE,
        samesite="Strict",
    )


def lock(request: HttpRequest, response: HttpResponse) -> None:
    """Forget the session's key at once; the person stays signed in."""
    request.session.pop("key", None)
    response.delete_cookie(settings.UNLOCK_COOKIE)


def attach_key(request: Any) -> None:
    """Put the unlocked key on request.user when session and cookie agree and the ten idle minutes have not passed."""
    blob, cookie = request.session.get("key"), request.COOKIES.get(settings.UNLOCK_COOKIE)
    if not blob or not cookie:
        return
    now = clock.now().timestamp()
    if now - request.session.get("key_seen", 0) > settings.UNLOCK_IDLE_SECONDS:
        request.session.pop("key", None)
        return
    try:
        request.user.unlocked = userkeys.open_for_session(base64.urlsafe_b64decode(cookie), base64.b64decode(blob))
    except Exception:  # a stale or foreign cookie: the key simply stays locked, the page says so
        request.session.pop("key", None)
        return
    if now - request.session.get("key_seen", 0) > 60:
        request.session["key_seen"] = now
