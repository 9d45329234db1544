"""One browser and one running product for all browser tests."""

from __future__ import annotations

import pytest
from browser.driving import BROWSER, FLAGS, started


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The product with the demonstration, on ports of its own and a fresh data folder."""
    yield from started(tmp_path_factory.mktemp("data with a space"))


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield browser
        browser.close()
