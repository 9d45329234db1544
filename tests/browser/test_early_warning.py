"""Early warning in headless Chromium: an observation entered, the level proposed, confirmed; axe, 360 px, right to left."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, axe, sign_in

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)


def to_warning(page, running):
    page.goto(running["office"] + "/watch/?q=Zandria")
    page.get_by_role("link", name="Zandria", exact=True).first.click()
    page.get_by_role("link", name="Early warning").click()
    page.wait_for_load_state("networkidle")


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(
    ("who", "language"), [("sami", "en"), ("lena", "ar"), ("delegate.avn", "en"), ("delegate.avn", "ar")]
)
def test_the_pages_are_clean_and_fit_360_pixels(chromium, running, who, language):
    page = sign_in(chromium, running, who, viewport={"width": 360, "height": 740})
    to_warning(page, running)
    at = page.url
    alerts = page.eval_on_selector_all("a[href*='/warnings/alerts/']", "all => all.map(a => a.href)")
    entries = page.eval_on_selector_all("a[href*='/warnings/entries/']", "all => all.map(a => a.href)")
    if language != "en":
        with page.expect_navigation():
            page.select_option("#language", language)
    assert bool(entries) is (who != "delegate.avn") and alerts
    forms = [at + "enter/", running["office"] + "/watch/forecast/"] if who == "sami" else []
    for url in [at, running["office"] + "/watch/warnings/", alerts[0], *entries[:1], *forms]:
        page.goto(url)
        assert axe(page) == [], url
        assert fits(page), url
    assert page.problems == []


def test_an_observation_is_entered_and_shown_in_the_matrix_by_keyboard_and_form(chromium, running):
    page = sign_in(chromium, running, "sami")
    to_warning(page, running)
    page.get_by_role("link", name="Enter an observation").click()
    page.select_option("[name=indicator]", "EW-E4")
    page.select_option("[name=stage]", "1")
    page.fill("[name=area1]", "Border town")
    page.fill("[name=note]", "Sealed: two lorries, told by a driver.")
    page.get_by_role("button", name="Enter", exact=True).click()
    page.wait_for_load_state("networkidle")
    row = page.locator("tr", has_text="EW-E4").first.inner_text()
    assert "Border town" in row and "½" in row
