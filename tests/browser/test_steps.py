"""The report in steps in headless Chromium: what an answer does not call for is hidden and not sent; without a script a heading says so."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, axe, sign_in
from browser.test_linking import report

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)


def source_page(chromium, running, *, asked=False, **context):
    """The page about the source: a report that is begun and saved there, opened again."""
    page = sign_in(chromium, running, "dana", **context)
    page.goto(running["office"] + "/watch/")
    if asked:
        situation = page.locator("main table a", has_text="Zandria").first.get_attribute("href").rstrip("/")
        page.goto(f"{running['office']}/watch/intake/interviews/ask/{situation.rsplit('/', 1)[1]}/")
        page.select_option("[name=told_before]", "no_code")
        page.select_option("[name=purpose]", "CP-MONI")
        page.fill("[name=pseudonym]", "p-1")
        page.fill("[name=added_value]", "she saw the commander")
        page.fill("[name=why_not_enough]", "no record names him")
        page.click("main form button[type=submit], main form button:not([type])")
        page.wait_for_url("**/interviews/ITV-*/")
        page.goto(running["office"] + "/watch/")
    page.locator("main table a", has_text="Zandria").first.click()
    page.locator("a[href*='/intake/report/']").first.click()
    page.check("[name=referral_offered]")
    page.fill("[name=when]", "2026-01")
    page.fill("[name=area1]", "Zandria South")
    page.click("button[value=next]")
    page.check("[name=searched_first]")
    page.click("button[value=next]")
    for name in ("actor_types", "forms", "links"):
        page.locator(f"[name={name}]").first.check()
    page.fill("[name=victims]", "1")
    page.locator("[name=risk]").select_option(index=1)
    page.click("button[value=next]")
    page.wait_for_selector("[name=kind]")
    return page


def shown(page, *names):
    return [page.locator(f"[name={name}]").is_visible() for name in names]


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("ar", 360)])
def test_an_answer_shows_what_it_calls_for_and_nothing_else(chromium, running, language, width, tmp_path):
    page = source_page(chromium, running, asked=True, locale=language, viewport={"width": width, "height": 900})
    grades = ("interview", "testimony", "person_key", "reliability", "credibility")
    assert shown(page, *grades) == [False] * 5
    page.select_option("[name=kind]", "testimony")
    assert shown(page, *grades) == [True, True, True, False, False]
    page.screenshot(path=str(tmp_path / f"testimony-{language}.png"), full_page=True)
    assert axe(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    page.select_option("[name=testimony]", index=1)
    page.select_option("[name=kind]", "document")
    assert shown(page, *grades) == [False, False, False, True, True]
    # The grade chosen before is not sent any more, so it is not refused for what nobody sees.
    page.select_option("[name=directness]", index=1)
    page.fill("[name=captured_on]", "2026-02-01")
    page.click("button[value=next]")
    page.wait_for_selector("[name=link_reason]")
    assert page.locator("input[type=hidden][name=testimony]").count() == 0
    page.click("button[value=back]")
    page.wait_for_selector("[name=kind]")
    page.select_option("[name=kind]", "testimony")
    page.select_option("[name=interview]", index=1)
    page.click("button[value=next]")
    page.wait_for_selector("[name=giver]")
    assert shown(page, "assent", "guardian_not_implicated") == [False, False]
    page.select_option("[name=giver]", "guardian")
    assert shown(page, "assent", "guardian_not_implicated") == [True, True]
    page.screenshot(path=str(tmp_path / f"consent-{language}.png"), full_page=True)
    assert axe(page) == [] and page.problems == []


def test_without_a_script_all_is_there_under_the_answer_that_calls_for_it(chromium, running):
    page = source_page(chromium, running, java_script_enabled=False)
    for name, words in (("testimony", "is: testimony"), ("reliability", "is: medical"), ("interview", "is: testimony")):
        group = page.locator(f".only:has([name={name}])")
        assert group.count() == 1 and words in group.locator("legend").first.inner_text()
        assert page.locator(f"[name={name}]").is_visible()


def test_concluding_a_verification_leaves_no_error_in_the_page(chromium, running):
    """The box about a known pattern once had the name of something every form can do ("matches"), which broke scripts."""
    sami, vera = (sign_in(chromium, running, handle) for handle in ("sami", "vera"))
    report(sami, running, 2)
    where = sami.url
    for words in ("Triage", "Begin verification"):
        page = next(
            p for p in (vera, sami) if p.goto(where) and p.get_by_role("button", name=words, exact=True).count()
        )
        page.get_by_role("button", name=words, exact=True).click()
        page.wait_for_load_state("networkidle")
    vera.goto(where)
    assert vera.locator("form[action$='/verify/'] [name=matches_pattern]").count() == 1
    vera.get_by_role("button", name="Let the rules give the level").click()
    vera.wait_for_selector("text=The rules give")
    assert vera.problems == []


def test_a_refusal_leaves_the_address_of_the_page_one_came_from(chromium, running):
    page = sign_in(chromium, running, "sami")
    page.goto(running["office"] + "/watch/")
    page.locator("main table a", has_text="Zandria").first.click()
    page.wait_for_selector("h1:has-text('Zandria')")
    came_from = page.url
    page.locator("details.ask summary", has_text="Keep this view").click()
    page.evaluate("document.getElementById('view-name').removeAttribute('required')")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.wait_for_selector("text=Nothing was changed")
    assert page.url == came_from
    page.reload()
    page.wait_for_selector("h1:has-text('Zandria')")
    page.goto(came_from + "views/")
    assert "takes what a button of a page sends" in page.locator("main").inner_text()
