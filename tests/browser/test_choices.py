"""What she gives, takes back and undoes, in headless Chromium and the running product; days and numbers in Arabic."""

from __future__ import annotations

import os
from pathlib import Path

from browser_support import PHONE, axe, button

SHOTS = os.environ.get("ANSWERABLE_SHOTS")


def looked_at(page, name: str) -> None:
    """Nothing axe finds, nothing wider than the telephone, one heading."""
    assert axe(page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth") <= 361, name
    assert page.locator("h1").count() == 1, name
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def entered(chromium, running, language: str = "en"):
    code, pin = (running["data"] / "demonstration-code").read_text().splitlines()
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(running["channel"] + ("/enter/" if language == "en" else f"/{language}/enter/"))
    page.fill("#code", code)
    page.fill("#pin", pin)
    page.locator("main form button").first.click()
    page.wait_for_url("**/inside/")
    return page


def test_she_gives_takes_back_and_undoes_on_a_telephone(chromium, running):
    page = entered(chromium, running)
    page.get_by_text("What you can give, if you like").click()
    page.locator("button[value='CP-STAT']").click()
    looked_at(page, "20-before-she-gives")
    page.get_by_label("I have read what it means").check()
    button(page, "Yes, I give this")
    assert "You gave on" in page.inner_text("main")
    page.locator("button[value='CP-STAT']").click()
    looked_at(page, "21-before-she-takes-one-back")
    button(page, "Yes, take it back")
    button(page, "Take everything back")
    assert "not even to pay you" in page.inner_text("main")
    looked_at(page, "22-before-everything")
    button(page, "Yes, take it back")
    assert "so nothing is allowed now" in page.inner_text("main")
    looked_at(page, "23-everything-withdrawn")
    page.locator("button[name='withdrawal']").first.click()
    assert page.locator("[role=status]").first.inner_text().startswith("Undone on")
    looked_at(page, "24-undone")
    assert "Take everything back" in page.inner_text("main")


def test_days_and_numbers_keep_their_direction_in_arabic(chromium, running):
    page = entered(chromium, running, "ar")
    assert page.evaluate("document.dir") == "rtl"
    page.locator("button[value='EVERYTHING']").click()
    page.locator("form[action$='/inside/withdraw/'] button").click()
    notice = page.locator("[role=status]").first
    # A number and a day are isolated, so that what is written from left to right is not turned round by what surrounds it.
    text = notice.inner_text()
    number = text.index("WDR-")
    assert text[number - 1] == "\u2068" and "\u2069" in text[number:]
    looked_at(page, "25-arabic-withdrawn")
    page.locator("button[name='withdrawal']").first.click()
    looked_at(page, "26-arabic-undone")
