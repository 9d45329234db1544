"""The path in headless Chromium, with axe on every page, at 360 px, right to left, and by keyboard alone."""

from __future__ import annotations

import pytest
from browser_support import axe, sign_in

PAGES = {
    "sami": ["/today/", "/watch/", "/watch/incidents/", "/watch/imports/"],
    "delegate.avn": ["/today/", "/answer/", "/decide/", "/decide/measures/", "/repair/", "/fund/", "/alliance/", "/record/",
                     "/decide/proposals/table/", "/alliance/tokens/"],
    "inga": ["/repair/"],
    "ines": ["/alliance/people/", "/alliance/states/enter/"],
}  # fmt: skip


@pytest.mark.parametrize("who", PAGES)
def test_pages_are_clean_for_axe_and_console(chromium, running, who):
    page = sign_in(chromium, running, who)
    for path in PAGES[who]:
        page.goto(running["office"] + path)
        assert axe(page) == [], path
    assert page.problems == []


def test_first_objects_of_each_list_are_clean(chromium, running):
    for who, path, link in (("sami", "/watch/", "main table a"), ("sami", "/watch/incidents/", "main table a"),
                            ("delegate.avn", "/decide/", "main table a"), ("delegate.avn", "/answer/", "main table a"),
                            ("delegate.avn", "/decide/measures/", "main table a"), ("inga", "/repair/", "main table a")):  # fmt: skip
        page = sign_in(chromium, running, who)
        page.goto(running["office"] + path)
        page.locator(link).first.click()
        page.wait_for_load_state("networkidle")
        assert axe(page) == [], page.url
        assert page.problems == [], page.url


def test_a_delegate_votes_by_keyboard_alone_and_the_count_moves(chromium, running):
    page = sign_in(chromium, running, "delegate.blm")
    page.get_by_role("link", name="Second request for information to Zandria").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#decision")
    before = page.locator("#decision table").first.inner_text()
    page.get_by_role("button", name="For", exact=True).focus()
    page.keyboard.press("Enter")
    page.locator("#decision", has_text="Now: for").wait_for(timeout=5000)
    assert page.locator("#decision table").first.inner_text() != before


@pytest.mark.parametrize("language", ["ar", "en"])
def test_pages_fit_360_pixels_in_both_directions(chromium, running, language):
    page = sign_in(chromium, running, "delegate.avn", viewport={"width": 360, "height": 740})
    page.select_option("#language", language)
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    for path in ("/today/", "/decide/", "/fund/", "/alliance/"):
        page.goto(running["office"] + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 361, path
        assert axe(page) == [], path


def test_the_map_and_timeline_draw_with_their_tables(chromium, running, tmp_path):
    rows = ["year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"]
    rows += [f"{y},999,Testland,7,1,Testland,630,{y % 4},-99,,0,-99" for y in range(2001, 2009)]
    file = tmp_path / "svac.csv"
    file.write_text("\n".join(rows))
    page = sign_in(chromium, running, "sami")
    page.goto(running["office"] + "/watch/imports/")
    page.set_input_files("#id_file", str(file))
    page.get_by_role("button", name="Send").click()
    assert "Nothing was changed" in page.locator("main").inner_text()
    page.set_input_files("#id_file", str(file))
    page.uncheck("#id_dry_run")
    page.get_by_role("button", name="Send").click()
    page.goto(running["office"] + "/watch/")
    page.wait_for_selector("[data-chart=map] svg")
    page.goto(running["office"] + "/watch/?q=Testland")
    page.locator("main table a", has_text="Testland").first.click()
    page.wait_for_selector("[data-chart=timeline] svg")
    assert (
        "no report" in page.locator("details table").first.inner_text(timeout=2000) or page.locator("details").count()
    )
    assert axe(page) == [] and page.problems == []
    page.goto(running["office"] + "/watch/imports/")
    page.get_by_role("button", name="Undo").click()
    assert "undone" in page.locator("main").inner_text()


def test_portal_and_channel_work_without_script_and_are_clean(chromium, running):
    for door, paths in (("portal", ["/", "/about/"]), ("channel", ["/"])):
        page = chromium.new_context(java_script_enabled=True, viewport={"width": 360, "height": 740}).new_page()
        for path in paths:
            page.goto(running[door] + path)
            assert axe(page) == [], (door, path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 361
        plain = chromium.new_context(java_script_enabled=False).new_page()
        plain.goto(running[door] + "/")
        assert plain.locator("h1").count() == 1
    page.goto(running["channel"] + "/")
    assert "alliance" not in page.content().lower() and "answerable" not in page.locator("body").inner_text().lower()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "A"


def test_a_refusal_is_a_sentence_and_nothing_typed_is_lost(chromium, running):
    page = sign_in(chromium, running, "ines")
    page.goto(running["office"] + "/alliance/states/enter/")
    page.fill("#id_code", "AVN")
    page.fill("#id_name", "A name I typed")
    page.get_by_role("button", name="Enter").click()
    assert "already entered" in page.locator("[role=alert]").inner_text()
    assert page.input_value("#id_name") == "A name I typed"


def test_no_fault_was_logged(running):
    text = running["log"].read_text()
    assert "fault" not in text and "Traceback" not in text, text[-1500:]
