"""What the browser tests share: the product started as `make run` starts it, Chromium, axe, signing in."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
PASSPHRASE = "only a demonstration passphrase"


def started(data, **settings):
    """The product as `make run` starts it, on ports of its own and a fresh data folder."""
    ports = []
    for _ in range(3):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            ports.append(s.getsockname()[1])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "ANSWERABLE"))}
    env |= {"ANSWERABLE_DATA": str(data), "ANSWERABLE_OFFICE_PORT": str(ports[0]),
            "ANSWERABLE_PORTAL_PORT": str(ports[1]), "ANSWERABLE_CHANNEL_PORT": str(ports[2]), **settings}  # fmt: skip
    log = (data / "run.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "answerable", "run"], env=env, stdout=log, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 300
    while "Answerable runs" not in (said := (data / "run.log").read_text()):
        if process.poll() is not None or time.monotonic() > deadline:
            process.send_signal(signal.SIGINT)
            raise AssertionError(said[-2000:])
        time.sleep(0.3)
    yield {"office": f"http://localhost:{ports[0]}", "portal": f"http://localhost:{ports[1]}",
           "channel": f"http://localhost:{ports[2]}", "log": data / "run.log", "data": data}  # fmt: skip
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


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
