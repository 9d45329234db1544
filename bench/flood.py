"""Fifty people at the door at once with wrong codes: what the office notices. Limit: its 95th percentile within 1.3 times.

The product runs as `make run` starts it; codes are stretched as in production (ANSWERABLE_DOOR_COST=production).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from product import Product

PAGES = ("/today/", "/repair/", "/watch/")
ROUNDS = 40


def p95(times: list[float]) -> float:
    """95th percentile."""
    return statistics.quantiles(times, n=20)[-1]


def measured(browser) -> list[float]:
    """Seconds of each page of the office, round after round."""
    times = []
    for _ in range(ROUNDS):
        for page in PAGES:
            t = time.perf_counter()
            browser.get(page)
            assert browser.status == 200
            times.append(time.perf_counter() - t)
    return times


def attempts(product: Product, stop: threading.Event, made: list[int]) -> None:
    """One visitor, typing one wrong code after another."""
    import re

    while not stop.is_set():
        visitor = product.browser("channel")
        token = re.search(r'name="t" value="([^"]+)"', visitor.get("/enter/")).group(1)
        visitor.post("/enter/", {"t": token, "code": "123456 1234567890123456 60", "pin": "1234"})
        made.append(visitor.status)


def main() -> None:
    """Print the ratio."""
    product = Product(Path(tempfile.mkdtemp(prefix="flood-")), ANSWERABLE_DOOR_COST="production")
    try:
        browser = product.browser("office", "adva")
        measured(browser)
        quiet = measured(browser)
        stop, made = threading.Event(), []
        crowd = [threading.Thread(target=attempts, args=(product, stop, made), daemon=True) for _ in range(50)]
        for one in crowd:
            one.start()
        time.sleep(3)
        loud = measured(browser)
        stop.set()
        for one in crowd:
            one.join(60)
        print(
            f"office pages, 95th percentile: quiet {p95(quiet) * 1000:.0f} ms, with 50 at the door {p95(loud) * 1000:.0f} ms, "
            f"ratio {p95(loud) / p95(quiet):.2f} (limit 1.3); medians {statistics.median(quiet) * 1000:.0f} and "
            f"{statistics.median(loud) * 1000:.0f} ms; {len(made)} attempts answered meanwhile"
        )
    finally:
        product.stop()


main()
