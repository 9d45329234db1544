"""Care, complaints and safe contact in headless Chromium: the running product, axe on every page, 360 px, right to left."""

from __future__ import annotations

import pytest
from browser_support import axe, sign_in


def small(chromium, **context):
    page = chromium.new_context(viewport={"width": 360, "height": 640}, **context).new_page()
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    return page


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("path", ["/care/", "/other/", "/other/received/"])
def test_pages_of_the_door_are_clean_on_a_small_screen_without_script(chromium, running, path, language):
    page = small(chromium, locale=language)
    page.goto(running["channel"] + path)
    assert axe(page) == [] and page.problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')").startswith("/leave/")


def test_a_complaint_travels_from_the_door_to_the_ombudsperson_and_a_danger_to_safeguarding(chromium, running):
    """Through the real vault process, under its own database role."""
    page = small(chromium, java_script_enabled=False, locale="en")
    page.goto(running["channel"] + "/other/")
    page.get_by_label("Someone asked for sex, money or a favour").check()
    page.get_by_label("Someone is in danger now").check()
    page.locator("#happened").fill("A favour was asked.")
    page.get_by_label("I need no answer").check()
    page.get_by_role("button", name="Send").click()
    page.wait_for_url("**/other/received/")
    omar = sign_in(chromium, running, "omar")
    omar.goto(running["office"] + "/alliance/complaints/")
    assert axe(omar) == []
    omar.locator("main tr", has_text="Someone asked for sex, money or a favour").locator("a").click()
    omar.wait_for_load_state("networkidle")
    assert axe(omar) == [] and omar.problems == []
    omar.get_by_role("button", name="What happened").click()
    omar.wait_for_load_state("networkidle")
    assert "A favour was asked." in omar.content()
    safa = sign_in(chromium, running, "safa")
    assert axe(safa) == []
    safa.get_by_role("link", name="Someone may be in danger now").first.click()
    safa.wait_for_load_state("networkidle")
    assert axe(safa) == [] and safa.problems == [] and "A favour was asked." not in safa.content()


def test_a_provider_is_entered_confirmed_by_another_and_found_by_anyone(chromium, running):
    adva = sign_in(chromium, running, "adva")
    for path in (
        "/repair/care/",
        "/repair/care/offer/",
        "/repair/directory/",
        "/alliance/complaints/make/",
        "/repair/directory/enter/",
    ):
        adva.goto(running["office"] + path)
        assert axe(adva) == [], path
    adva.locator("#id_name").fill("Lakeside Clinic")
    adva.get_by_label("Medicine against HIV and first care").check()
    adva.locator("#id_country").fill("Pelland")
    adva.locator("#id_reach").fill("Ask at the desk")
    adva.get_by_role("button", name="Enter", exact=True).click()
    adva.wait_for_load_state("networkidle")
    assert axe(adva) == [] and adva.problems == []
    safa = sign_in(chromium, running, "safa")
    safa.get_by_role("link", name="Lakeside Clinic").click()
    safa.get_by_role("button", name="I made sure: list it").click()
    safa.wait_for_load_state("networkidle")
    page = small(chromium, java_script_enabled=False, locale="en")
    page.goto(running["channel"] + "/care/")
    page.get_by_label("With what").select_option("HEALTH_72")
    page.get_by_role("button", name="Show").click()
    assert "Lakeside Clinic" in page.content() and page.url.endswith("/care/")


def test_the_safe_contact_of_a_claim_is_written_asked_and_opened(chromium, running):
    adva = sign_in(chromium, running, "adva")
    adva.goto(running["office"] + "/repair/")
    adva.locator("main table a[href*='/claims/']").first.click()
    adva.get_by_role("link", name="Safe contact").click()
    assert "no safe contact plan" in adva.content() and axe(adva) == []
    adva.get_by_role("link", name="Write the plan with her").click()
    assert axe(adva) == []
    adva.get_by_label("by telephone").check()
    adva.get_by_label("She said that any hour is safe").check()
    adva.get_by_role("button", name="Seal the plan").click()
    adva.wait_for_load_state("networkidle")
    assert axe(adva) == []
    adva.get_by_role("button", name="Open the plan").click()
    adva.wait_for_load_state("networkidle")
    assert axe(adva) == [] and "by telephone" in adva.content()
