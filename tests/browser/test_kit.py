"""The field kit in a real browser: install, no line, save, reload, a line again, send; and what lies on the device."""

from __future__ import annotations

import re
import secrets

import pytest
from browser.test_traces import files_holding
from browser_support import BROWSER, FLAGS, PHONE, axe, button, sign_in

PIN = "13571357"
STORED = """
async () => {
  const texts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  const latin = (bytes) => { let t = ""; for (const b of bytes) t += String.fromCharCode(b); return t; };
  for (const {name} of await indexedDB.databases()) {
    const db = await new Promise((r) => { const q = indexedDB.open(name); q.onsuccess = () => r(q.result); });
    for (const shelf of db.objectStoreNames) {
      const rows = await new Promise((r) => { const q = db.transaction(shelf).objectStore(shelf).getAll(); q.onsuccess = () => r(q.result); });
      for (const row of rows) texts.push(JSON.stringify(row), row.envelope ? latin(row.envelope) : "");
    }
    db.close();
  }
  for (const name of await caches.keys()) {
    const shelf = await caches.open(name);
    for (const asked of await shelf.keys()) texts.push(asked.url, await (await shelf.match(asked)).text());
  }
  return texts.join("\\n");
}
"""


def queue_of(page) -> list[dict]:
    return page.evaluate(
        """async () => { const db = await new Promise((r) => { const q = indexedDB.open("kit"); q.onsuccess = () => r(q.result); });
           const rows = await new Promise((r) => { const q = db.transaction("queue").objectStore("queue").getAll(); q.onsuccess = () => r(q.result); });
           db.close(); return rows.map((x) => ({...x, envelope: Array.from(x.envelope)})); }"""
    )


@pytest.fixture(scope="module")
def code(chromium, running):
    """A documenter's code, issued in the office."""
    page = sign_in(chromium, running, "ines")
    page.goto(running["office"] + "/repair/messages/codes/")
    page.fill("#id_pin", PIN)
    page.select_option("#id_person", label="Dana Documenter")
    button(page, "Issue")
    return page.locator("main strong").inner_text()


@pytest.fixture
def device(engine, tmp_path):
    """A telephone with a profile on disk."""
    profile = tmp_path / "profile"
    context = engine.chromium.launch_persistent_context(
        str(profile), executable_path=BROWSER, args=FLAGS, viewport=PHONE
    )
    yield context, profile
    context.close()


def says(page, words: str) -> None:
    page.locator("#said", has_text=words).wait_for(timeout=20_000)


def prepared(context, running, code):
    page = context.new_page()
    page.problems = []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: page.problems.append(str(e)))
    page.goto(running["channel"] + "/organisations/")
    page.get_by_role("link", name="Write without a connection").click()
    page.evaluate("navigator.serviceWorker.ready")
    page.fill("#code", code)
    page.fill("#pin", PIN)
    button(page, "Fetch the lists for the form")
    says(page, "The lists are on this device now")
    return page


def save(page, word: str, victims: str = "2") -> None:
    page.check("input[name=referral_offered]")
    page.check("input[name=searched_first]")
    page.select_option("select[name=party]", index=1)
    page.fill("input[name=on]", "2026-02-03")
    page.fill("input[name=area1]", "South")
    page.fill("input[name=victims]", victims)
    page.locator("input[name=forms]").first.check()
    page.locator("input[name=links]").first.check()
    page.fill("textarea[name=link_reason]", f"{word} reason")
    page.fill("input[name=place]", f"{word} place")
    page.fill("textarea[name=narrative]", word)
    button(page, "Lock and save")
    says(page, "The report is locked and waits")


def typed(page, code: str, pin: str) -> None:
    page.fill("#code", code)
    page.fill("#pin", pin)
    button(page, "Send now")


def test_two_reports_without_a_line_are_sent_later_once_and_the_device_never_shows_them(
    chromium, running, device, code
):
    context, profile = device
    words = [f"kitcanary{secrets.token_hex(5)}" for _ in range(2)]
    page = prepared(context, running, code)
    assert axe(page) == [] and page.evaluate("document.documentElement.scrollWidth") <= 361
    context.set_offline(True)
    page.reload()
    assert page.locator("h1").inner_text() == "Write without a connection"
    for word in words:
        save(page, word)
    assert page.input_value("textarea[name=narrative]") == "" and page.input_value("input[name=place]") == ""
    page.reload()
    page.locator("#count", has_text="locked: 2").wait_for()
    assert axe(page) == []
    queue, stored = queue_of(page), page.evaluate(STORED)
    assert len(queue) == 2 and all(set(row) == {"id", "day", "envelope"} and row["envelope"][0] == 5 for row in queue)
    assert len(stored) > 20_000 and not [w for w in [*words, PIN, code, code.replace(" ", "")] if w in stored]
    # Without a line nothing leaves, and nothing is lost.
    typed(page, code, PIN)
    says(page, "There is no connection")
    assert page.input_value("#code") == "" and page.input_value("#pin") == ""
    context.set_offline(False)
    # A wrong PIN sends nothing and keeps what waits.
    typed(page, code, "24682468")
    says(page, "Code and PIN did not open anything")
    assert queue_of(page) == queue
    typed(page, code, PIN)
    says(page, "Received and taken in: 2")
    assert queue_of(page) == []
    # The same envelope once more, as after a receipt that got lost: taken off again, and no second report.
    page.evaluate(
        """async (row) => { const db = await new Promise((r) => { const q = indexedDB.open("kit"); q.onsuccess = () => r(q.result); });
           await new Promise((r) => { const t = db.transaction("queue", "readwrite"); t.oncomplete = r;
             t.objectStore("queue").put({...row, envelope: new Uint8Array(row.envelope)}); }); db.close(); }""",
        queue[0],
    )
    page.reload()
    typed(page, code, PIN)
    says(page, "Received and taken in: 1")
    assert [p for p in page.problems if "ERR_INTERNET_DISCONNECTED" not in p] == []
    context.close()
    assert {w: files_holding(profile, w) for w in words} == {w: [] for w in words}
    office = sign_in(chromium, running, "sami")
    office.goto(running["office"] + "/watch/incidents/")
    addresses = office.locator("main table a").evaluate_all("links => links.map(a => a.href)")
    found = []
    for address in addresses[:30]:
        office.goto(address)
        assert not [w for w in words if w in office.content()], "sealed until it is opened"
        opening = office.get_by_role("button", name="What happened", exact=True)
        if opening.count():
            opening.first.click()
            found += [w for w in words if w in office.content()]
    assert sorted(found) == sorted(words)


def test_a_refused_report_stays_with_its_sentence_and_can_be_thrown_away(running, device, code):
    context, _profile = device
    page = prepared(context, running, code)
    save(page, "kitrefused", victims="many")
    typed(page, code, PIN)
    page.locator("#queue li", has_text="Write a number").or_(page.locator("#queue li", has_text="needed")).wait_for()
    page.on("dialog", lambda d: d.accept())
    page.get_by_role("button", name=re.compile("^Discard")).click()
    page.locator("#count", has_text="No report waits").wait_for()
    assert queue_of(page) == []


def test_leaving_the_site_keeps_what_waits_and_forgets_the_rest(running, device, code):
    context, _profile = device
    page = prepared(context, running, code)
    save(page, "kitleaving")
    page.route("https://www.wetter.com/**", lambda r: r.fulfill(body="<title>Weather</title>weather"))
    page.get_by_role("link", name="Leave this page").click()
    page.wait_for_url("https://www.wetter.com/**")
    page.goto(running["channel"] + "/kit/")
    page.locator("#count", has_text="locked: 1").wait_for()


def test_a_device_without_the_lists_or_the_means_saves_nothing(chromium, running):
    page = chromium.new_context(viewport=PHONE).new_page()
    page.goto(running["channel"] + "/kit/")
    assert page.locator("select[name=party] option").count() == 1
    assert "needs JavaScript" in chromium.new_context(java_script_enabled=False).new_page().goto(
        running["channel"] + "/kit/").text()  # fmt: skip


def test_in_arabic_it_reads_from_the_right(chromium, running):
    page = chromium.new_context(viewport=PHONE, locale="ar").new_page()
    page.goto(running["channel"] + "/kit/")
    assert page.evaluate("document.documentElement.dir") == "rtl" and axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 361
