"""One signed-in person sends 24 slow forms at once: how long anyone else's page takes meanwhile, and how long the forms take.

The product runs as `make run` starts it. The form is *Check the rows* of a file that came in with far more rows than are checked
in one stretch (4 seconds), so that every one of them takes a thread for that long. Limit: the 95th percentile of another's page
within two seconds on two processors, which it shares with what is checked (all forms at once took every thread: 24 s).
BENCH_ROWS sets how many rows the file has; BENCH_OFFICE an office with the demonstration that runs already (http://localhost:8000).
"""

from __future__ import annotations

import os
import re
import secrets
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from product import PASSPHRASE, Browser, Product

FORMS, ROWS = 24, int(os.environ.get("BENCH_ROWS", "200000"))


def signed_in(browser: Browser, handle: str) -> Browser:
    """The browser, signed in as someone of the demonstration; or as nobody."""
    if handle:
        browser.get("/sign-in/")
        browser.post("/sign-in/", {"handle": handle, "passphrase": PASSPHRASE})
        assert browser.url.startswith("/today"), (handle, browser.status, browser.url)
    return browser


def sent(browser: Browser) -> str:
    """Send a file of many rows; the address of its page."""
    head = "when,area1,actor_types,forms,links,link_reason,victims,submission_id,narrative\n"
    row = "2025-03-{:02},Area {},ACT-STF,SV-RAPE,LK-PERP,they wore badges,{},b-{},what was told\n"
    rows = head + "".join(row.format(1 + i % 28, i % 40, 1 + i % 9, i) for i in range(ROWS))
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/watch/intake/"))
    situation = re.search(r'<select name="situation".*?<option value="([^"]+)"', browser.page, re.S)
    mark = secrets.token_hex(8)
    fields = {"csrfmiddlewaretoken": token[1] if token else "", "situation": situation[1] if situation else ""}
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()]
    parts += [f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\n',
              rows, f"\r\n--{mark}--\r\n"]  # fmt: skip
    head_of = {"Origin": browser.base, "Content-Type": f"multipart/form-data; boundary={mark}"}
    browser._take(urllib.request.Request(f"{browser.base}/watch/intake/", "".join(parts).encode(), head_of))
    assert browser.status == 200 and "/run/" in browser.url, (browser.status, browser.url, browser.page[-2000:])
    return browser.url


def one_after_another(browser: Browser, ended: threading.Event, most: int = 1000) -> list[float]:
    """Seconds of another's pages, one after another, until told to end."""
    times: list[float] = []
    while len(times) < most and not ended.is_set():
        t = time.perf_counter()
        browser.get("/today/")
        assert browser.status == 200, browser.status
        times.append(time.perf_counter() - t)
    return times


def main() -> None:
    """Print both."""
    running = os.environ.get("BENCH_OFFICE")
    product = None if running else Product(Path(tempfile.mkdtemp(prefix="one-person-")))
    try:
        office = running or product.at("office")
        sami, adva, stranger = (signed_in(Browser(office), n) for n in ("sami", "adva", ""))
        path = sent(sami)
        columns = re.findall(r'<select name="([^"]+)".*?</select>', sami.page, re.S)
        chosen = {
            c: (re.search(rf'<select name="{c}".*?<option value="([^"]*)" selected', sami.page, re.S) or ["", ""])[1]
            for c in columns
        }
        page = sami.post(path, {**chosen, "act": "map"})
        assert sami.status == 200 and 'value="go"' in page, (sami.status, chosen, page[-3000:])
        stranger.get("/sign-in/")
        one_after_another(adva, threading.Event(), 10)
        quiet = one_after_another(adva, threading.Event(), 20)
        answers: list[tuple[object, float]] = []

        def form() -> None:
            mine = Browser(sami.base)
            for cookie in sami.jar:
                mine.jar.set_cookie(cookie)
            opened = mine._open
            mine._open = lambda request, timeout: opened(request, timeout=300)  # each of them waits for those before it
            mine.page, t = page, time.perf_counter()
            try:
                mine.post(path, {"act": "go"})
                answers.append((mine.status, time.perf_counter() - t))
            except (OSError, urllib.error.URLError) as fault:
                answers.append((type(fault).__name__, time.perf_counter() - t))

        forms = [threading.Thread(target=form) for _ in range(FORMS)]
        ended, loud, signing = threading.Event(), [], []
        for f in forms:
            f.start()
        time.sleep(0.5)
        other = threading.Thread(target=lambda: loud.extend(one_after_another(adva, ended)))
        other.start()
        t = time.perf_counter()
        stranger.get("/sign-in/")
        signing.append(time.perf_counter() - t)
        for f in forms:
            f.join()
        ended.set()
        other.join()
        slow = max(loud) if len(loud) < 20 else statistics.quantiles(loud, n=20)[-1]
        print(
            f"another's page: quiet median {statistics.median(quiet):.2f} s; meanwhile median {statistics.median(loud):.2f} s, 95th "
            f"percentile {slow:.2f} s, longest {max(loud):.2f} s of {len(loud)}; sign-in page {signing[0]:.2f} s; the {FORMS} forms: "
            f"{dict(Counter(a for a, _ in answers))}, from {min(s for _, s in answers):.1f} to {max(s for _, s in answers):.1f} s"
        )
    finally:
        if product:
            product.stop()


main()
