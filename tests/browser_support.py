"""What a browser test needs, and nothing where there is no Chromium."""

from __future__ import annotations

import pytest
from browser.driving import AXE, BROWSER, FLAGS, PASSPHRASE, axe, sign_in, started

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

__all__ = ["AXE", "BROWSER", "FLAGS", "PASSPHRASE", "PHONE", "axe", "button", "sign_in", "started", "written"]


PHONE = {"width": 360, "height": 740}


def button(page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def written(page, at: str, *, pin: str, text: str, check=lambda page, name: None) -> str:
    """Write for help from the first page on; returns the code, with the page inside."""
    page.goto(at + "/")
    check(page, "1-start")
    page.get_by_role("link", name="Tell us something, ask, or ask for help").click()
    check(page, "2-begin")
    button(page, "Ask for help")
    check(page, "3-care")
    button(page, "Continue")
    check(page, "4-pin")
    page.locator("#a").fill(pin)
    button(page, "Continue")
    check(page, "5-text")
    page.locator("#a").fill(text)
    button(page, "Continue")
    button(page, "I prefer not to say")
    check(page, "6-need")
    button(page, "I prefer not to say")
    check(page, "6-send")
    button(page, "Send")
    check(page, "7-code")
    groups = page.locator("ol.code li").all_inner_texts()
    button(page, "I have written it down")
    check(page, "8-check")
    page.locator("#code").fill(" ".join(groups))
    button(page, "Check")
    assert page.url == at + "/inside/"
    return " ".join(groups)
