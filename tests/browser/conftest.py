"""One running product and one Chromium for all browser tests."""

from browser_support import chromium, engine, running  # noqa: F401 - fixtures
