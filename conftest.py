"""The suite's database: the embedded server in a data folder of its own, or DATABASE_URL's server.

Every database test works as the office's role, so a missing privilege or a forgotten row-level scope fails here.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("ANSWERABLE_DATA", str(Path(__file__).parent / "data" / "test"))
os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.test"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from answerable.config import postgres  # noqa: E402

# Held while the server is started, so that parallel workers do not race.
Path(os.environ["ANSWERABLE_DATA"]).mkdir(parents=True, exist_ok=True)
import fcntl  # noqa: E402

with open(Path(os.environ["ANSWERABLE_DATA"]) / "start.lock", "w") as _lock:
    fcntl.flock(_lock, fcntl.LOCK_EX)
    postgres.ensure_server()

from answerable.config.testing import *  # noqa: E402, F403
