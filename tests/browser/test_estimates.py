"""An estimate in headless Chromium: asked for, worked out by the worker while the page says how far it is, and read."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, axe, sign_in

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

ROWS = ["1,0,0,60", "0,1,0,50", "0,0,1,40", "1,1,0,20", "1,0,1,15", "0,1,1,12", "1,1,1,5"]


def test_an_estimate_is_asked_for_followed_and_read(chromium, running, tmp_path):
    page = sign_in(chromium, running, "sami")
    page.goto(running["office"] + "/watch/")
    page.locator("main table a", has_text="Zandria").first.click()
    page.goto(page.url.split("?")[0] + "estimates/make/")
    table = "\n".join(
        ["stratum,draw,A,B,C,count", *(f"{s},{d},{r}" for s in ("north", "south") for d in (1, 2) for r in ROWS)]
    )
    for name, value in (
        ("counted", "Killings, spring"),
        ("table", table),
        ("source", "Registers"),
        ("licence", "not stated"),
    ):
        page.fill(f"#id_{name}", value)
    page.click("main form button:not(.secondary)")
    assert axe(page) == [] and page.problems == []
    page.get_by_role("link", name="It is done: read it").click(timeout=60_000)
    assert page.locator("main table").first.inner_text().count("\n") >= 2
    for details in page.locator("details").all():
        details.evaluate("d => d.open = true")
    page.screenshot(path=str(tmp_path / "wide.png"), full_page=True)
    assert axe(page) == [] and page.problems == []
    small = sign_in(chromium, running, "sami", viewport={"width": 360, "height": 740}, locale="ar")
    small.goto(page.url)
    small.screenshot(path=str(tmp_path / "small.png"), full_page=True)
    assert axe(small) == [] and small.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
