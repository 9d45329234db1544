"""Chromium and the running product, for the browser tests; left out where there is no Chromium."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if BROWSER is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

from playwright.sync_api import sync_playwright  # noqa: E402

AXE = (Path(__file__).parent / "browser" / "vendor" / "axe.min.js").read_text()
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PASSPHRASE = "only a demonstration passphrase"


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The product as `make run` starts it, on ports of its own and a fresh data folder."""
    import os
    import signal
    import socket
    import subprocess
    import sys
    import time

    ports = []
    for _ in range(3):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            ports.append(s.getsockname()[1])
    data = tmp_path_factory.mktemp("data with a space")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "ANSWERABLE"))}
    env |= {"ANSWERABLE_DATA": str(data), "ANSWERABLE_OFFICE_PORT": str(ports[0]),
            "ANSWERABLE_PORTAL_PORT": str(ports[1]), "ANSWERABLE_CHANNEL_PORT": str(ports[2])}  # fmt: skip
    log = (data / "run.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "answerable", "run"], env=env, stdout=log, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 120
    while "Answerable runs" not in (data / "run.log").read_text():
        assert process.poll() is None and time.monotonic() < deadline, (data / "run.log").read_text()[-2000:]
        time.sleep(0.3)
    yield {"office": f"http://localhost:{ports[0]}", "portal": f"http://localhost:{ports[1]}",
           "channel": f"http://localhost:{ports[2]}", "log": data / "run.log", "data": data}  # fmt: skip
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def engine():
    with sync_playwright() as p:
        yield p


@pytest.fixture(scope="session")
def chromium(engine):
    browser = engine.chromium.launch(executable_path=BROWSER, args=FLAGS)
    yield browser
    browser.close()


def axe(page) -> list[str]:
    """What axe finds wrong (WCAG 2.2 AA), as rule and place. Injected past the page's own strict policy."""
    page.evaluate(AXE)
    found = page.evaluate(
        "async () => (await axe.run({runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})).violations"
    )
    return [f"{v['id']}: {n['target']} {n.get('failureSummary', '')[:160]}" for v in found for n in v["nodes"][:3]]


def sign_in(chromium, running, handle, **context):
    page = chromium.new_context(**context).new_page()
    problems = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.goto(running["office"] + "/sign-in/")
    page.fill("#id_handle", handle)
    page.fill("#id_passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today/")
    page.problems = problems
    return page


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
