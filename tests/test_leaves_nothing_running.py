"""The suite stops the PostgreSQL it started, when the last of its processes ends and not before."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUN = """
import sys, time
import django; django.setup()
from answerable.config import postgres
assert postgres.embedded_answers()
time.sleep(float(sys.argv[1]))
assert postgres.embedded_answers(), "it was stopped under a run that still uses it"
"""
ANSWERS = "from answerable.config import postgres; print(postgres.embedded_answers())"


def test_the_server_ends_with_the_last_of_two_runs_and_outlives_the_first(tmp_path):
    env = {
        **os.environ,
        "ANSWERABLE_DATA": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "answerable.config.settings.test",
    }
    env.pop("DATABASE_URL", None)

    def answers() -> str:
        done = subprocess.run([sys.executable, "-c", ANSWERS], env=env, cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip()

    one = subprocess.Popen([sys.executable, "-c", RUN, "0"], env=env, cwd=ROOT)
    two = subprocess.Popen([sys.executable, "-c", RUN, "12"], env=env, cwd=ROOT)
    try:
        assert one.wait(120) == 0
        time.sleep(0.5)
        assert two.poll() is None and answers() == "True"
        assert two.wait(120) == 0
    finally:
        for run in (one, two):
            run.poll() is None and run.kill()
    assert answers() == "False"
