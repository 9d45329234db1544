"""Settings of the test suite: the owner makes the test database, each test then works as the office's role."""

import os

os.environ["ANSWERABLE_DOOR"] = "owner"
from answerable.config.settings.base import *  # noqa: E402, F403

ROOT_URLCONF = "answerable.config.urls_office"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "tests only"  # noqa: S105
