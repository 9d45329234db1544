"""Whatever a delegation can reach by links is in its language: every text a page asks for is in the catalogue."""

from __future__ import annotations

import re
from collections import deque
from html import unescape

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import trans_real

pytestmark = pytest.mark.django_db

LANGUAGES = ("fr", "es", "ar", "uk")
MOST_PAGES = 120


def addresses(reply) -> set[str]:
    found = {unescape(a).split("#")[0] for a in re.findall(r'href="(/[^"]*)"', reply.content.decode(errors="replace"))}
    return {a for a in found if "/static/" not in a and "sign-out" not in a}


def shape(address: str) -> str:
    """An address with its references, days and question mark taken away: pages of one kind look alike."""
    plain = re.sub(r"/[A-Z]{2,4}-[^/]+", "/REF", address.split("?")[0])
    return re.sub(r"\d+", "N", plain)


def crawl(client):
    """Every page reached by links from the first, three of each kind; yields address and reply."""
    waiting, met, of_a_kind = deque(["/"]), {"/"}, {}
    pages = 0
    while waiting and pages < MOST_PAGES:
        address = waiting.popleft()
        reply = client.get(address)
        if reply.status_code in {301, 302, 303}:
            following = reply["Location"]
            if following.startswith("/") and following not in met:
                met.add(following)
                waiting.append(following)
            continue
        if reply.status_code != 200 or "text/html" not in reply["Content-Type"]:
            continue
        pages += 1
        yield address, reply
        for following in sorted(addresses(reply)):
            kind = shape(following)
            if following in met or of_a_kind.get(kind, 0) >= 3:
                continue
            of_a_kind[kind] = of_a_kind.get(kind, 0) + 1
            met.add(following)
            waiting.append(following)


@pytest.fixture(scope="module")
def ours():
    """Every text of the product; Django's own lie in catalogues of its own."""
    with (settings.LOCALE_PATHS[0] / "fr" / "LC_MESSAGES" / "django.po").open("rb") as f:
        return {m.id if isinstance(m.id, str) else m.id[0] for m in read_po(f, locale="fr") if m.id}


@pytest.fixture
def asked_for(monkeypatch, ours):
    """Texts of ours looked up and not found while a page was made."""
    missing: set[str] = set()
    found, plural = trans_real.DjangoTranslation.gettext, trans_real.DjangoTranslation.ngettext

    def gettext(self, message):
        if message in ours and self._catalog.get(message) is None:
            missing.add(message)
        return found(self, message)

    def ngettext(self, one, many, n):
        if one in ours and self._catalog.get(one, self.plural(n)) is None:
            missing.add(one)
        return plural(self, one, many, n)

    monkeypatch.setattr(trans_real.DjangoTranslation, "gettext", gettext)
    monkeypatch.setattr(trans_real.DjangoTranslation, "ngettext", ngettext)
    return missing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_a_delegation_can_reach_is_translated(office, asked_for, language):
    client = office("delegate.blm")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    untranslated, pages = {}, 0
    for address, _reply in crawl(client):
        pages += 1
        for message in asked_for:
            untranslated.setdefault(message, address)
        asked_for.clear()
    assert pages > 25
    assert untranslated == {}
