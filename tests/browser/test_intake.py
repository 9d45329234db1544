"""Every page by which reports come in, in headless Chromium: axe, console, 360 px, right to left; a report by keyboard and mouse."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, axe, sign_in

if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

HEAD = "referral_offered,searched_first,when,area1,actor_types,forms,links,link_reason,victims,risk,narrative,Our own note\n"
ROW = "yes,yes,2026-0{n},South,ACT-STF,SV-RAPE,LK-PERP,they wore badges,{n},high,what was told {n},x\n"


@pytest.fixture(scope="module")
def brought(chromium, running, tmp_path_factory):
    """Dana's addresses: a run on its way in, a delivery with drafts and problems, a draft, an interview."""
    page = sign_in(chromium, running, "dana")
    office = running["office"]
    page.goto(office + "/watch/")
    page.locator("main table a", has_text="Zandria").first.click()
    situation = page.url
    ref = situation.rstrip("/").rsplit("/", 1)[1]
    found = {"list": office + "/watch/intake/", "report": f"{office}/watch/intake/report/{ref}/", "ask": f"{office}/watch/intake/interviews/ask/{ref}/",
             "counts": f"{office}/watch/intake/counts/{ref}/", "interviews": office + "/watch/intake/interviews/"}  # fmt: skip
    page.goto(found["ask"])
    page.select_option("[name=told_before]", "no_code")
    page.select_option("[name=purpose]", "CP-MONI")
    for name, text in (
        ("pseudonym", "p-1"),
        ("added_value", "she saw the commander"),
        ("why_not_enough", "no record names him"),
    ):
        page.fill(f"[name={name}]", text)
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/interviews/ITV-*/")
    found["interview"] = page.url
    for name, rows in (("one.csv", "".join(ROW.format(n=n) for n in (1, 2)) + ROW.format(n=3).replace("SV-RAPE", "SV-RAEP")),
                       ("two.csv", ROW.format(n=4))):  # fmt: skip
        path = tmp_path_factory.mktemp("files") / name
        path.write_text(HEAD + rows)
        page.goto(found["list"])
        page.select_option("[name=situation]", ref)
        page.set_input_files("[name=file]", str(path))
        page.get_by_role("button", name="Send").click()
        page.wait_for_url("**/intake/run/*/")
        found[name], found["cookies"] = page.url, page.context.cookies()
        if name == "one.csv":
            page.get_by_role("button", name="Check the rows").click()
            page.get_by_role("button", name="Keep the good rows as drafts").wait_for()
            found["checked"] = page.url
            page.screenshot(path=str(path.parent / "checked.png"), full_page=True)
            page.get_by_role("button", name="Keep the good rows as drafts").click()
            page.wait_for_url("**/deliveries/BAT-*/")
            found["delivery"] = page.url
            page.locator("main a[href*='/drafts/INC-']").first.click()
            found["draft"] = page.url
    page.goto(office + "/watch/incidents/")
    page.locator("main a[href*='/watch/incidents/INC-']").first.click()
    found["incident"], found["item"] = page.url, page.url + "items/"
    assert page.problems == []
    return found


PAGES = (
    "list",
    "report",
    "ask",
    "interviews",
    "interview",
    "counts",
    "two.csv",
    "delivery",
    "draft",
    "incident",
    "item",
)


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (360, "en"), (360, "ar"), (1280, "ar")])
def test_every_page_of_intake_fits_and_is_clean_for_axe(chromium, running, brought, width, language, tmp_path):
    page = sign_in(chromium, running, "dana", viewport={"width": width, "height": 800})
    page.context.add_cookies([c for c in brought["cookies"] if c["name"].startswith("intake-")])
    page.select_option("#language", language)
    page.wait_for_load_state("networkidle")
    wrong = []
    for name in PAGES:
        reply = page.goto(brought[name])
        page.screenshot(path=str(tmp_path / f"{name}-{width}-{language}.png"), full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{name}: {x}" for x in axe(page)]
        wrong += [f"{name}: {reply.status}"] * (reply.status != 200) + [f"{name}: {wide} wide"] * (wide > width + 1)
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    assert wrong == [] and page.problems == []


@pytest.mark.parametrize(("width", "language"), [(1280, "en"), (360, "ar")])
def test_a_report_is_filed_step_by_step(chromium, running, brought, width, language, tmp_path):
    page = sign_in(chromium, running, "dana", viewport={"width": width, "height": 800})
    page.select_option("#language", language)
    page.wait_for_load_state("networkidle")
    page.goto(brought["report"])
    wrong = []

    def onward(step, act="next"):
        page.screenshot(path=str(tmp_path / f"step-{step}-{width}-{language}.png"), full_page=True)
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong.extend([f"{step}: {x}" for x in axe(page)] + [f"{step}: {wide} wide"] * (wide > width + 1))
        page.locator(f"main button[value={act}]").click()
        page.wait_for_load_state("networkidle")

    page.fill("[name=when]", "2026-02-30")
    page.fill("[name=area1]", "South")
    onward("0-wrong")
    assert page.locator("[name=when][aria-invalid]").count() == 1
    page.check("[name=referral_offered]")
    page.fill("[name=when]", "2026-02" if width == 360 else "2026-03")
    onward("0")
    page.check("[name=searched_first]")
    onward("1")
    page.locator("[name=party]").first.check()
    for name, value in (("actor_types", "ACT-STF"), ("forms", "SV-RAPE"), ("links", "LK-PERP")):
        page.check(f"[name={name}][value={value}]")
    page.fill("[name=victims]", "2")
    page.select_option("[name=risk]", "high")
    onward("2")
    page.select_option("[name=kind]", "document")
    page.select_option("[name=directness]", "secondary")
    page.fill("[name=captured_on]", "2026-03-09")
    onward("3")
    page.fill("[name=link_reason]", "they wore badges")
    page.fill("[name=says]", "a paper")
    onward("words", act="file")
    assert wrong == []
    assert "/watch/incidents/INC-" in page.url and [p for p in page.problems if "422" not in p] == []
