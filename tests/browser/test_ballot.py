"""A ballot in headless Chromium, with scripts: what is taken, refused or asked again is always said on the page."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, PASSPHRASE, axe, sign_in

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

VOTE = "Second request for information to Zandria"
# A form that replaces a part of its page with the same part of the reply, as the ballot once did.
IN_PART = """async () => {
  const form = document.querySelector("#decision form");
  for (const [name, value] of [["hx-post", form.action], ["hx-select", "#decision"], ["hx-target", "#decision"], ["hx-swap", "outerHTML"]])
    form.setAttribute(name, value);
  htmx.process(form);
}"""


def at_the_vote(chromium, running, handle):
    page = sign_in(chromium, running, handle)
    page.goto(running["office"] + "/decide/")
    page.get_by_role("link", name=VOTE).first.click()
    page.wait_for_selector("#decision")
    return page


def vote(page, choice):
    page.locator("#decision").get_by_role("button", name=choice, exact=True).click()


def forget_confirming(page):
    """As after ten minutes: the vault no longer knows that it is this person."""
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.context.add_cookies([c for c in cookies if "csrf" in c["name"] or "session" in c["name"]])


def test_a_ballot_that_is_taken_says_so_and_a_second_one_alike_is_refused_in_words(chromium, running):
    page = at_the_vote(chromium, running, "delegate.fdm")
    vote(page, "For")
    page.locator("main [role=status]", has_text="The ballot is cast").wait_for(timeout=5000)
    assert "Now: for" in page.locator("#decision").inner_text()
    vote(page, "For")
    refused = page.locator("main [role=alert]")
    refused.wait_for(timeout=5000)
    assert "has already voted" in refused.inner_text()
    assert page.locator("h1").count() == 1 and page.locator("nav.places").count() == 1
    assert axe(page) == []
    page.get_by_role("link", name="Back", exact=True).click()
    page.wait_for_selector("#decision table")


def test_after_ten_minutes_the_ballot_asks_who_it_is_and_is_then_cast(chromium, running):
    page = at_the_vote(chromium, running, "delegate.fdm")
    forget_confirming(page)
    vote(page, "Abstain")
    page.get_by_role("heading", name="Is it you?").wait_for(timeout=5000)
    page.locator("main input[type=password]").fill(PASSPHRASE)
    page.locator("main input[type=password]").press("Enter")
    page.wait_for_selector("#decision")
    vote(page, "Abstain")
    page.locator("main [role=status]", has_text="The ballot is cast").wait_for(timeout=5000)


def test_a_form_that_replaces_a_part_of_its_page_still_shows_every_refusal(chromium, running):
    page = at_the_vote(chromium, running, "delegate.fdm")
    page.add_script_tag(url=f"{running['office']}/static/web/vendor/htmx.min.js")
    page.evaluate(IN_PART)
    vote(page, "Against")
    page.locator("#decision", has_text="Now: against").wait_for(timeout=5000)
    page.evaluate(IN_PART)
    vote(page, "Against")
    page.locator("main [role=alert]", has_text="has already voted").wait_for(timeout=5000)
    assert page.locator("h1").count() == 1 and page.locator("nav.places").count() == 1
    page.get_by_role("link", name="Back", exact=True).click()
    page.wait_for_selector("#decision table")
    page.add_script_tag(url=f"{running['office']}/static/web/vendor/htmx.min.js")
    page.evaluate(IN_PART)
    forget_confirming(page)
    vote(page, "For")
    page.get_by_role("heading", name="Is it you?").wait_for(timeout=5000)
