"""One browser and one running product for all browser tests."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, FLAGS, started


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The product with the demonstration, on ports of its own and a fresh data folder."""
    yield from started(tmp_path_factory.mktemp("data with a space"))


@pytest.fixture(scope="session")
def engine():
    """Playwright, for a browser with a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        yield p


@pytest.fixture(scope="session")
def chromium(engine):
    """One headless browser."""
    browser = engine.chromium.launch(executable_path=BROWSER, args=FLAGS)
    yield browser
    browser.close()
