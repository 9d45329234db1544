"""The five languages: what the public and delegations read is complete, and placeholders survive translation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

PACKAGE = Path(__file__).resolve().parents[1] / "answerable"
READ_BY_ALL = [
    "web/templates",
    "publication/templates",
    "channel/templates",
    "council/templates",
    "measures/templates",
    "vault/templates",
]
# Modules whose every sentence is read by someone at the door.
AT_THE_DOOR = [
    "channel/steps.py", "channel/queries.py", "channel/views.py", "channel/kit.py", "channel/kit_views.py", "channel/operations.py",
    "channel/notices.py", "channel/arriving.py", "reparations/coarse.py", "reparations/doors.py", "monitoring/doors.py",
    "safeguarding/views_door.py", "vault/consent/survivor.py", "vault/consent/rules.py", "vault/consent/words.py",
]  # fmt: skip
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
LANGUAGES = ("fr", "es", "ar", "uk")


def catalogue(language):
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as f:
        return {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in read_po(f, locale=language) if m.id}


def marked():
    for folder in READ_BY_ALL:
        for file in (PACKAGE / folder).rglob("*.html"):
            if file.name == "record.html":
                continue
            text = file.read_text()
            yield from re.findall(r'{% translate "([^"]+)"', text)
            yield from re.findall(r"{% translate '([^']+)'", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_of_the_public_and_of_delegations_are_translated(language):
    known = catalogue(language)
    missing = sorted({m for m in marked() if not known.get(m)})
    assert missing == []


def said_at_the_door():
    for name in AT_THE_DOOR:
        for node in ast.walk(ast.parse((PACKAGE / name).read_text())):
            called = isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in MARKS and node.args and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_door_is_translated(language):
    known, said = catalogue(language), set(said_at_the_door())
    assert len(said) > 200
    assert sorted(s for s in said if not known.get(s)) == []


def placeholders(text):
    return sorted(re.findall(r"%\(\w+\)[sd]", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive(language):
    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as f:
        messages = [m for m in read_po(f, locale=language) if m.id]
    for m in messages:
        if isinstance(m.id, str):
            assert not m.string or placeholders(m.string) == placeholders(m.id), m.id
            continue
        # A form for one, two or none may say the number in a word, as the English singular may.
        allowed, forms = (set(placeholders(m.id[1])), [t for t in m.string if t])
        for form in forms:
            assert set(placeholders(form)) <= allowed, m.id
        assert not forms or placeholders(forms[-1]) == placeholders(m.id[1]), m.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_the_written_one(language):
    import gettext

    with (PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as f:
        compiled = gettext.GNUTranslations(f)
    for source, translated in catalogue(language).items():
        if isinstance(translated, str) and translated:
            assert compiled.gettext(source) == translated
