"""In a real browser: what she writes leaves the page sealed, and as it is only where sealing is not possible."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from browser_support import PHONE, button, sign_in, written

WORD = "sealedinherbrowser"


def posted(page) -> list[dict[str, list[str]]]:
    """Every form this page sends, as its fields."""
    found: list[dict[str, list[str]]] = []
    page.on("request", lambda r: found.append(parse_qs(r.post_data or "")) if r.method == "POST" else None)
    return found


@pytest.mark.parametrize("how", ["script", "no script", "no module"])
def test_the_words_leave_the_browser_sealed_where_it_can(chromium, running, how):
    page = chromium.new_context(viewport=PHONE, java_script_enabled=how != "no script").new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    if how == "no module":
        page.route("**/seal.js", lambda r: r.abort())
    forms = posted(page)
    written(page, running["channel"], pin="4711", text=f"{WORD}{how}")
    page.fill("textarea", f"{WORD}again{how}")
    button(page, "Send")
    assert "It is received and locked." in page.inner_text("main")
    page.goto(running["channel"] + "/inside/text/")
    assert f"{WORD}{how}" in page.content() and f"{WORD}again{how}" in page.content()
    plain = [f for f in forms if any(WORD in v for values in f.values() for v in values)]
    sealed = [f for f in forms if f.get("sealed")]
    assert (len(plain), len(sealed)) == ((0, 2) if how == "script" else (2, 0))
    assert how == "no module" or problems == []


def test_the_office_sees_in_words_how_it_was_sealed(chromium, running):
    page = sign_in(chromium, running, "adva")
    waiting = page.get_by_role("link", name=re.compile("^Messages: ")).evaluate_all("links => links.map(a => a.href)")
    seen = set()
    for address in waiting:
        page.goto(address)
        text = page.inner_text("main")
        seen |= {w for w in ("sealed in her browser", "sealed on arrival") if w in text}
    assert seen == {"sealed in her browser", "sealed on arrival"}
