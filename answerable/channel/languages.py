"""The door's language is in its addresses ("/ar/enter/"), and nowhere else: no cookie is set for it (decision 0020).

An address without one speaks what the browser asks for. Leaving keeps the language too; its address begins alike in every
language ("/leave/ar/"), because one cookie of a field device is sent there alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import get_script_prefix, set_script_prefix
from django.utils import translation
from django.utils.translation import trans_real

LEAVE = "/leave/"
_PREFIXED, _LEAVING = re.compile(r"/([a-z]{2,3})(/.*)"), re.compile(r"/leave/([a-z]{2,3})/")


def first_page(language: str) -> str:
    """The first page in a language, under an address that keeps it."""
    return f"/{language}/"


def leave_address() -> str:
    """The way out from the page being shown, in its language."""
    prefix = get_script_prefix()
    return LEAVE if prefix == "/" else LEAVE + prefix[1:]


def without(path: str) -> str:
    """An address without its language."""
    found = _PREFIXED.fullmatch(path)
    return found[2] if found and found[1] in dict(settings.LANGUAGES) else path


def asked_for(request: HttpRequest) -> str:
    """What the browser asks for, among the languages there are."""
    for language, _weight in trans_real.parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        try:
            return translation.get_supported_language_variant(language)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


class Spoken:
    """Reads the language from the address; every address on the page, and every redirect, then carries it on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        before, known, chosen = get_script_prefix(), dict(settings.LANGUAGES), ""
        if (found := _PREFIXED.fullmatch(request.path_info)) and found[1] in known:
            chosen, request.path_info = found[1], found[2]
            if request.path_info == LEAVE:
                response = HttpResponseRedirect(f"{LEAVE}{chosen}/")
                response.status_code = 303
                return response
        elif (found := _LEAVING.fullmatch(request.path_info)) and found[1] in known:
            chosen, request.path_info = found[1], LEAVE
        set_script_prefix(f"/{chosen}/" if chosen else "/")
        try:
            with translation.override(chosen or asked_for(request)):
                request.LANGUAGE_CODE = translation.get_language()  # type: ignore[attr-defined]
                return self.get_response(request)
        finally:
            set_script_prefix(before)
