"""Settings of the test suite: a server and data folder of its own; the owner makes the test database, and each test
then works as the office's role."""

import atexit
import fcntl
import os
from pathlib import Path

os.environ["ANSWERABLE_DOOR"] = "owner"
_data = Path(os.environ.setdefault("ANSWERABLE_DATA", str(Path(__file__).resolve().parents[3] / "data" / "test")))
_data.mkdir(parents=True, exist_ok=True)

from answerable.config import postgres

# Held while the server starts or stops, so that parallel workers do not race for it. Each process of the suite keeps a
# share of the second lock for its life; whoever can have it alone is the last, and stops what the tests started.
_mark = _data / "started-by-tests"
_in_use = (_data / "in-use.lock").open("w")
with (_data / "start.lock").open("w") as _lock:
    fcntl.flock(_lock, fcntl.LOCK_EX)
    if not postgres.external() and not postgres.embedded_answers():
        _mark.touch()
    postgres.ensure_server()
    fcntl.flock(_in_use, fcntl.LOCK_SH)
_process = os.getpid()


def _stop_as_the_last() -> None:
    if os.getpid() != _process:
        return
    with (_data / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            fcntl.flock(_in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        if _mark.exists():
            _mark.unlink()
            postgres.stop_embedded()


atexit.register(_stop_as_the_last)

from answerable.config.settings.base import *  # noqa: F403

ROOT_URLCONF = "answerable.config.urls_office"
ALLOWED_HOSTS = ["*"]
REHEARSAL = True
SECRET_KEY = "tests only"  # noqa: S105
