"""The situation workspace in headless Chromium: axe, keyboard, 360 px, right to left, without a script, on paper."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from browser.driving import BROWSER, axe, sign_in

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)


@pytest.fixture(scope="module")
def zandria(chromium, running):
    """The address of the demonstration's situation."""
    page = sign_in(chromium, running, "sami")
    page.goto(running["office"] + "/watch/")
    return running["office"] + page.locator("main table a", has_text="Zandria").first.get_attribute("href")


def opened(chromium, running, handle, url, **context):
    page = sign_in(chromium, running, handle, **context)
    page.goto(url)
    return page


def test_the_workspace_is_clean_for_axe_and_console(chromium, running, zandria, tmp_path):
    for handle in ("sami", "dana", "delegate.avn"):
        page = opened(chromium, running, handle, zandria)
        assert axe(page) == [] and page.problems == [], handle
        page.screenshot(path=str(tmp_path / f"{handle}.png"), full_page=True)


def test_filters_are_set_and_taken_off_by_keyboard_and_survive_reload(chromium, running, zandria):
    page = opened(chromium, running, "sami", zandria)
    page.locator("details.filters summary").focus()
    page.keyboard.press("Enter")
    page.locator("#f-area").focus()
    page.keyboard.press("ArrowDown")
    while page.evaluate("document.activeElement.tagName") != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chips")
    chosen = parse_qs(urlsplit(page.url).query)["area"][0]
    assert chosen in page.locator(".chips").inner_text()
    assert axe(page) == []
    before = page.locator("main").inner_text()
    page.reload()
    assert page.locator("main").inner_text() == before
    page.locator(".chips a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**plain=1")
    assert page.locator(".chips").count() == 0 and page.problems == []


def test_a_shared_address_shows_a_delegate_no_report(chromium, running, zandria):
    page = opened(chromium, running, "delegate.avn", f"{zandria}?status=VERIFIED&area=Zandria+South")
    said = page.locator("main").inner_text()
    assert "INC-" not in said and "Zandria South" not in said and page.locator(".filters").count() == 0


def test_everything_is_there_without_a_script_as_tables(chromium, running, zandria):
    page = opened(chromium, running, "sami", zandria, java_script_enabled=False)
    tables = page.locator("main table")
    assert tables.count() >= 5
    for name in ("areas", "forms", "months", "incidents", "levels"):
        assert page.locator(f"section[aria-labelledby='{name}'] table").count() == 1, name


@pytest.mark.parametrize("language", ["ar", "en"])
def test_the_workspace_fits_360_pixels_in_both_directions(chromium, running, zandria, language, tmp_path):
    page = sign_in(chromium, running, "sami", viewport={"width": 360, "height": 740})
    page.select_option("#language", language)
    page.wait_for_load_state("networkidle")
    for url in (f"{zandria}?area=Zandria+South&level=V1", f"{zandria}bulletins/"):
        page.goto(url)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
        assert page.evaluate("document.documentElement.scrollWidth") <= 361, url
        assert axe(page) == [], url
        page.screenshot(path=str(tmp_path / f"{language}.png"), full_page=True)


def test_a_view_is_kept_and_opens_first(chromium, running, zandria):
    page = opened(chromium, running, "vera", f"{zandria}?level=V1")
    page.locator("details.ask summary", has_text="Keep this view").click()
    page.fill("#view-name", "Alleged alone")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_role("button", name="Open first: Alleged alone").click()
    page.goto(zandria)
    assert page.url.endswith("?level=V1") and axe(page) == []
    page.get_by_role("button", name="Remove: Alleged alone").click()
    page.goto(zandria)
    assert page.url == zandria and page.problems == []


def test_a_bulletin_is_set_while_the_page_shows_how_far_it_is(chromium, running, zandria):
    page = opened(chromium, running, "sami", f"{zandria}bulletins/")
    assert axe(page) == []
    for code in ("fr", "es", "ar", "uk"):
        page.check(f"input[name=languages][value={code}]")
    page.get_by_role("button", name="Set it").click()
    page.locator("#jobs", has_text="5 of 5 set").wait_for(timeout=40_000)
    assert page.locator("#jobs progress").first.get_attribute("value") == "5"
    assert axe(page) == []
    with page.expect_download() as download:
        page.locator("#jobs a", has_text="العربية").click()
    assert download.value.suggested_filename.endswith("-ar.pdf")
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    assert [p for p in page.problems if "net::ERR_ABORTED" not in p] == []
    # Members read it from the situation's page.
    assert opened(chromium, running, "delegate.avn", zandria).locator("a", has_text="(PDF)").count() == 5


def test_paper_has_the_figures_and_none_of_the_forms(chromium, running, zandria, tmp_path):
    page = opened(chromium, running, "sami", zandria)
    page.emulate_media(media="print")
    assert not page.locator("aside").is_visible() and not page.locator("details.filters").is_visible()
    assert not page.get_by_role("button", name="I have read this").is_visible()
    assert page.locator("section[aria-labelledby='areas'] table").is_visible()
    page.pdf(path=str(tmp_path / "page.pdf"))


def test_no_fault_was_logged(running):
    text = running["log"].read_text()
    assert "fault" not in text and "Traceback" not in text, text[-1500:]


def outside(page):
    """Cells of stacked tables that lie beside the screen, or None where there is no such table."""
    return page.evaluate("""() => { const cells = [...document.querySelectorAll('table.stack :is(td, tbody th)')];
        return cells.length ? cells.filter(c => { const b = c.getBoundingClientRect();
            return b.width && (b.left < 0 || b.right > innerWidth) }).map(c => c.textContent) : null }""")


def test_tables_whose_columns_belong_together_are_cards_at_360_pixels(chromium, running, zandria):
    page = opened(chromium, running, "sami", zandria, viewport={"width": 360, "height": 740})
    office = running["office"]
    window = page.locator("#numbers ~ * a[href*='/watch/windows/'], a[href*='/watch/windows/']").first.get_attribute(
        "href"
    )
    page.goto(office + window)
    page.goto(office + page.locator("table.stack a[href*='/watch/incidents/']").first.get_attribute("href"))
    consents = page.locator("a[href*='/record/consents/ITM']").first.get_attribute("href")
    for where in (zandria, office + window, office + consents):
        page.goto(where)
        assert outside(page) == [], where
        assert page.evaluate("document.documentElement.scrollWidth") <= 360 and axe(page) == [], where
    assert page.problems == []
