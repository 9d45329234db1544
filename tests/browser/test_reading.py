"""A page read from right to left: what is not translated yet, references, days and figures keep the order they are written in."""

from __future__ import annotations

import re

import pytest
from browser.driving import BROWSER, axe, sign_in
from browser.reading import scrambled

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)


def arabic(chromium, running, width=1280):
    page = sign_in(chromium, running, "sami", viewport={"width": width, "height": 900})
    page.select_option("#language", "ar")
    page.wait_for_selector("html[lang=ar][dir=rtl]")
    return page


def pages_of_monitoring(page, running):
    """Addresses of a situation, a window of an actor, an incident with its reasons, and the lists."""
    page.goto(running["office"] + "/watch/")
    situation = page.locator("main table a", has_text="Vostmark").first.get_attribute("href")
    page.goto(running["office"] + situation)
    window = page.locator("section[aria-labelledby=numbers] th a").first.get_attribute("href")
    page.goto(running["office"] + window)
    incident = page.locator("#carried ~ div td a").first.get_attribute("href")
    return ["/watch/", situation, f"{situation}?level=V1", window, incident, f"{incident}known/", situation.replace("/watch/", "/watch/intake/report/"),
            f"{situation}warning/", "/watch/warnings/", "/watch/incidents/"]  # fmt: skip


@pytest.mark.parametrize("width", [1280, 360])
def test_every_line_is_drawn_as_it_is_written(chromium, running, width, tmp_path):
    page = arabic(chromium, running, width)
    for n, url in enumerate(pages_of_monitoring(page, running)):
        page.goto(running["office"] + url)
        assert scrambled(page) == [], url
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, url
        assert axe(page) == [] and page.problems == [], url
        page.screenshot(path=str(tmp_path / f"{n}-{width}.png"), full_page=True)


def test_what_holds_the_order_is_the_stylesheet_and_without_it_the_test_says_so(chromium, running):
    """The sentence about a window reads "52 20 victims" in a page that gives English the direction of Arabic."""
    page = arabic(chromium, running)

    def without(route):
        reply = route.fetch()
        route.fulfill(response=reply, body=re.sub(r"(?m)^\[dir=rtl\] :is\(.*$", "", reply.text()))

    page.route("**/app*.css", without)
    urls = pages_of_monitoring(page, running)
    page.goto(running["office"] + urls[3])
    # What people wrote in English stands in pages of every language.
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<p>20 verified incidents (3 needed), 52 victims</p>')"
    )
    assert any("needed" in line for line in scrambled(page))
