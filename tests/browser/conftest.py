"""One running product and one Chromium for all browser tests."""

from browser_support import chromium, running  # noqa: F401 - fixtures
