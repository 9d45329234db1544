"""Whatever a delegation, the Chair or the public can reach by links is in their language.

Every text a page asks for is in the catalogue; and where the script is not Latin, nothing on a page is left in English
that people did not type themselves, so that a text nobody marked for translation is found as well.
"""

from __future__ import annotations

import re
from collections import deque
from html import unescape

import pytest
from babel.messages.pofile import read_po
from django.apps import apps
from django.conf import settings
from django.db.models import CharField, TextField
from django.test import Client, override_settings
from django.utils import translation
from django.utils.translation import trans_real
from tests_support import see_all

from answerable.alliance import sentences
from answerable.council.models import Proposal
from answerable.record import shown

pytestmark = pytest.mark.django_db

LANGUAGES = ("fr", "es", "ar", "uk")
MOST_PAGES = 120


def addresses(reply) -> set[str]:
    found = {unescape(a).split("#")[0] for a in re.findall(r'href="(/[^"]*)"', reply.content.decode(errors="replace"))}
    return {a for a in found if "/static/" not in a and "sign-out" not in a}


def shape(address: str) -> str:
    """An address with its references, days and question mark taken away: pages of one kind look alike."""
    plain = re.sub(r"/([A-Z]{2,4})-[^/]+", r"/\1", address.split("?")[0])
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
@pytest.mark.slow
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


# The record and the public versions hold what the product said, not what people typed.
OURS = {"record", "publication", "sessions", "contenttypes"}
# Names of the product, its languages and addresses, references and codes; "fixture" is the demonstration's population table.
NAMES_KEPT = re.compile(
    r"Answerable|fixture|English|Français|Español|[A-Z]{2,4}(-[0-9A-Z]{1,5}){2,}|[0-9a-f]{8}|/[a-z/{}_.-]+|https?://\S+"
)
IN_ENGLISH = re.compile(r"\b[A-Za-z]*[a-z]{2,}[A-Za-z]*\b")


def typed_by_people() -> list[str]:
    """Names, titles and texts in the database, the longest first: pages show these as they were typed."""
    see_all()
    found = {b["text"] for p in Proposal.objects.all() for b in p.benchmarks}
    for model in apps.get_models():
        if model._meta.app_label in OURS:
            continue
        fields = [f.name for f in model._meta.local_fields if isinstance(f, (CharField, TextField))]
        for values in model._base_manager.values_list(*fields) if fields else ():
            found |= {v for v in values if len(v or "") > 3 and (v[0].isupper() or " " in v)}
    return sorted(found, key=len, reverse=True)


def left_in_english(reply, typed) -> set[str]:
    """Texts of a page that still hold English words once what people typed is taken away."""
    html = re.sub(r"(?s)<(script|style|noscript)\b.*?</\1>", "", reply.content.decode())
    shown = re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', html)
    html = re.sub(r"</?(?:bdi|span|strong|code)\b[^>]*>", "", html)
    left = set()
    for text in [*shown, *re.split(r"<[^>]+>", html)]:
        text = whole = " ".join(unescape(text).split())
        for words in typed:
            if words in text:
                text = text.replace(words, " ")
        if IN_ENGLISH.search(NAMES_KEPT.sub(" ", text)):
            left.add(whole)
    return left


@pytest.mark.parametrize(
    ("who", "language"), [("delegate.avn", "ar"), ("delegate.blm", "uk"), ("chair", "ar"), ("", "ar"), ("", "uk")]
)
@pytest.mark.slow
def test_no_page_of_theirs_is_left_in_english(office, who, language):
    typed, left, pages = typed_by_people(), {}, 0
    doors = {} if who else {"ROOT_URLCONF": "answerable.config.urls_portal"}
    client = office(who) if who else Client()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    with override_settings(**doors):
        for address, reply in crawl(client):
            pages += 1
            for text in left_in_english(reply, typed):
                left.setdefault(text, address)
    assert pages > (25 if who else 7)
    assert left == {}


@pytest.mark.parametrize("language", ["ar", "es", "fr", "uk"])
def test_the_acts_that_the_record_shows_to_delegations_are_said_in_their_language(language):
    assert shown.OWN_WORK <= set(sentences.NAMES)
    with translation.override(language):
        assert [act for act in shown.OWN_WORK if sentences.said(act) == act] == []
