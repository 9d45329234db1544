"""What stands around every page of the door: forms come from our own pages, sizes and headers tell nothing.

There is no cookie before someone enters or begins, so the usual protection by a cookie's token is not available. A form
carries a signed token instead, bound to the session once there is one; browsers say where a form was sent from
(Sec-Fetch-Site, Origin), and the session's cookie is SameSite=Strict (decision 0020).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.core import signing
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from answerable.channel.arriving import InMemory
from answerable.common import faults
from answerable.common.errors import Refused
from answerable.vault.client import VaultFault, ask

Next = Callable[[HttpRequest], HttpResponse]
# Pages are filled up to these sizes, so that what passes over a line does not tell which page it was; all but long
# conversations fit a bad line and stay under 30 KB.
SIZES = (12 * 1024, 20 * 1024, 29 * 1024)
STEP = 16 * 1024
TOKEN_SECONDS = 12 * 3600
# Where the browser does not say that a form came from a page of ours, the page was opened in this last half hour.
UNSAID_SECONDS = 30 * 60


def cookie_name() -> str:
    """The one cookie of the door."""
    return "__Host-visit" if settings.SECURE else "visit"


def visit_of(token: str) -> str:
    """What a form, and what a browser seals, is bound to: a digest of the visit's token, which tells nothing of it."""
    return hashlib.sha256(f"door|{token}".encode()).hexdigest()[:20]


def _binding(request: HttpRequest) -> str:
    return visit_of(request.COOKIES.get(cookie_name(), "")[:64])


def form_token(request: HttpRequest) -> str:
    """What each form carries. Always of the same length."""
    return signing.TimestampSigner(salt="door-form").sign(_binding(request))


def _from_here(request: HttpRequest) -> bool:
    """What the browser says of where the form was; read before a single byte of the form itself."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    # Under no-referrer a browser calls its own pages' origin "null"; then only Sec-Fetch-Site, or the token, decides.
    return request.headers.get("Origin") in (None, "null", _own_origin(request))


def _own_origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


def _is_ours(request: HttpRequest) -> bool:
    said = "Sec-Fetch-Site" in request.headers or request.headers.get("Origin") == _own_origin(request)
    try:
        bound = signing.TimestampSigner(salt="door-form").unsign(
            request.POST.get("t", ""), max_age=TOKEN_SECONDS if said else UNSAID_SECONDS
        )
    except signing.BadSignature:
        return False
    return constant_time_compare(bound, _binding(request))


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Where a form goes that is not taken; None for one that is. A file is read for somebody's own page alone."""
    if not _from_here(request):
        return _go("closed")
    if request.content_type == "multipart/form-data":
        match, token = request.resolver_match, request.COOKIES.get(cookie_name(), "")[:64]
        try:
            if match is None or match.url_name != "send-file" or ask("door_level", token=token) != "page":
                return _go("closed")
        except (Refused, VaultFault):
            return _go("busy")
    try:
        # NUL is the one character a database cannot keep. Nobody types it, and no page of ours sends it.
        whole = not any("\0" in value for _name, values in request.POST.lists() for value in values)
        return None if whole and _is_ours(request) else _go("closed")
    except RequestDataTooBig:
        return _go("too-long")
    except (BadRequest, SuspiciousOperation, MultiPartParserError, OSError, ValueError, LookupError):
        return _go("closed")  # a form that no page of ours sends


def _go(name: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name))
    response.status_code = 303
    return response


class Door:
    """Checks forms, shows refusals as pages of their own, fills pages up, keeps nothing anywhere."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.upload_handlers = [InMemory(request)]
        response = self.get_response(request)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.pop("Vary", None)
        response.headers.pop("Content-Language", None)
        # What is the same for everyone and packed already (the module that seals) needs no filling.
        if not response.streaming and "Content-Encoding" not in response.headers:
            response.content = _filled(response.content)
            response.headers["Content-Length"] = str(len(response.content))
        return response

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        """Before any view; an answer from here gets every header that a page gets."""
        return _refused(request) if request.method == "POST" else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        # What was sent may be done although its answer did not come; of a page that was only asked for there is nothing to say.
        unknown = "late" if request.method == "POST" else "busy"
        if isinstance(exception, VaultFault):
            return _go(unknown)
        if faults.is_full(exception):
            return _go("no-room")
        if not isinstance(exception, Refused):
            return None
        return _go(
            {
                "mistyped": "enter-again",
                "busy": "busy",
                "vault_away": "busy",
                "vault_late": unknown,
                "full": "no-room",
            }.get(exception.reason, "closed")
        )


def _filled(content: bytes) -> bytes:
    if not content:
        return content
    size = next((s for s in SIZES if len(content) <= s), -(-len(content) // STEP) * STEP)
    return content + b"\n" * (size - len(content))
