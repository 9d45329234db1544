"""Settings of the test suite: a server and data folder of its own; the owner makes the test database, and each test
then works as the office's role."""

import fcntl
import os
from pathlib import Path

os.environ["ANSWERABLE_DOOR"] = "owner"
_data = Path(os.environ.setdefault("ANSWERABLE_DATA", str(Path(__file__).resolve().parents[3] / "data" / "test")))
_data.mkdir(parents=True, exist_ok=True)

from answerable.config import postgres

# Held while the server starts, so that parallel workers do not race for it.
with (_data / "start.lock").open("w") as _lock:
    fcntl.flock(_lock, fcntl.LOCK_EX)
    postgres.ensure_server()

from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_office"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "tests only"  # noqa: S105
