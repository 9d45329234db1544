"""Two reports of one incident in a real browser: filed, seen side by side, decided; readable at 360 px and from right to left."""

from __future__ import annotations

from datetime import date, timedelta

from browser.driving import axe, sign_in
from browser.test_looking import outside


def wide(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1")


def report(page, running, victims):
    page.goto(running["office"] + "/watch/")
    page.click("main table a")
    page.locator("a[href*='/intake/report/']").first.click()
    page.check("[name=referral_offered]")
    page.fill("[name=when]", (date.today() - timedelta(days=12)).isoformat())
    page.fill("[name=area1]", "Zandria South")
    page.fill("[name=area2]", "Z-93")
    page.click("button[value=next]")
    page.check("[name=searched_first]")
    page.click("button[value=next]")
    page.locator("[name=party]").first.check()
    for name in ("actor_types", "forms", "links"):
        page.locator(f"[name={name}]").first.check()
    page.fill("[name=victims]", str(victims))
    page.locator("[name=risk]").select_option(index=1)
    page.click("button[value=next]")
    page.wait_for_selector("[name=kind]")
    page.click("button[value=next]")
    page.fill("[name=link_reason]", "Soldiers in uniform.")
    page.click("button[value=file]")
    page.wait_for_selector("text=The report is filed")


def test_two_reports_are_filed_compared_and_linked(chromium, running, tmp_path):
    page = sign_in(chromium, running, "sami")
    report(page, running, 4)
    report(page, running, 5)
    page.click("text=May be the same incident >> xpath=.. >> a")
    page.wait_for_selector("text=Two reports side by side")
    assert axe(page) == []
    page.screenshot(path=str(tmp_path / "side-by-side.png"), full_page=True)
    address = page.url
    for language, width in (("en", 360), ("ar", 360), ("ar", 1200)):
        page.set_viewport_size({"width": width, "height": 900})
        page.select_option("#language", language)
        page.wait_for_selector(f"html[lang={language}]")
        page.goto(address)
        assert not wide(page) and axe(page) == [] and outside(page) == [], (language, width)
        page.screenshot(path=str(tmp_path / f"side-by-side-{language}-{width}.png"), full_page=True)
    page.select_option("#language", "en")
    page.wait_for_selector("html[lang=en]")
    page.goto(address)
    page.check("[name=why_same] >> nth=0")
    page.click("button[value=same]")
    page.wait_for_selector("text=is kept; its people are counted once, there.")
    for where in (
        "/watch/links/",
        "/watch/links/?show=same",
        "/watch/searches/",
        "/watch/actors/?q=karim",
        "/watch/actors/enter/",
    ):
        page.goto(running["office"] + where)
        page.set_viewport_size({"width": 360, "height": 900})
        assert axe(page) == [] and not wide(page), where
    page.goto(running["office"] + "/watch/")
    page.click("main table a")
    page.click("text=Search this situation")
    page.wait_for_selector("text=not begun")
    page.click("button[value=stop]")
    page.wait_for_selector("text=Go on")
    assert axe(page) == []
    page.goto(running["office"] + "/watch/")
    page.click("main table a")
    page.click("section[aria-labelledby=actors] ul.plain a >> nth=0")
    page.wait_for_selector("text=Line of command")
    assert axe(page) == [] and not wide(page)
    page.screenshot(path=str(tmp_path / "command.png"), full_page=True)
    assert page.problems == []
