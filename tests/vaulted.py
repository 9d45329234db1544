"""A played demonstration in a database of its own, and the vault as a real process on it: for tests that kill things.

It is played once in a run of the tests and copied for each test module that needs one.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from answerable.config import postgres
from answerable.vault import frames

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "real process only, six words"
PLAY = """
import json, os, sys
os.environ["ANSWERABLE_DATABASE"] = sys.argv[1]
os.environ["ANSWERABLE_DOOR"] = "owner"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
from answerable.config import postgres
server = postgres.ensure_server()
import django; django.setup()
from django.core.management import call_command
from django.db import connection
from django.conf import settings; settings.REHEARSAL = True
from answerable.config import migrated; migrated.begin_as_copies(server)
call_command("migrate", verbosity=0); call_command("migrate", verbosity=0, database="keys")
with connection.cursor() as c: c.execute("SET ROLE answerable_office")
from answerable.vault import userkeys; userkeys.set_parameters(userkeys.LIGHT)
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.rehearsal import fixture, runner, scenario
from datetime import timedelta
read = scenario.read(scenario.find("demonstration"), verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people())
# Two days and more ago, so that a test can tell of yesterday: nothing is entered before what is entered already.
shift = timedelta(weeks=(clock.now() - timedelta(days=2) - scenario.instant(read.steps[-1]["at"])).days // 7)
clock.fix(read.anchor + shift)
seats = {}
fixture.load(passphrase=sys.argv[2], keep_seat_key=lambda n, k: seats.update({n: k.hex()}), progress=lambda t: None)
run = runner.Run(read, passphrase=sys.argv[2], shift=shift); run.all()
with reading_as(CLOCK):
    refs = {name: run.fresh("$" + name).ref for name in ("I1", "I2", "fresh", "claim", "zandria", "brigade", "programme")}
print(json.dumps({"refs": refs, "seats": seats}))
"""
COPY = """
import os, sys
from answerable.config import postgres
with postgres.ensure_server().connect() as c:
    for tail in ("", "_keys"):
        c.execute(f'CREATE DATABASE "{sys.argv[1]}{tail}" OWNER answerable_owner TEMPLATE "{os.environ["ANSWERABLE_DATABASE"]}{tail}"')
os.environ["ANSWERABLE_DATABASE"] = sys.argv[1]
postgres.ensure_server()
"""
DROP = """
import os, sys
os.environ["ANSWERABLE_DATABASE"] = sys.argv[1]
from answerable.config import postgres
with postgres.ensure_server().connect() as c:
    for name in (sys.argv[1], sys.argv[1] + "_keys"): c.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
"""


def _python(script: str, *args: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script; its failure is the test's."""
    done = subprocess.run([sys.executable, "-c", script, *args], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def _environment(name: str) -> dict[str, str]:
    """What a process needs to work on the databases of this name."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ANSWERABLE_DATABASE": name}
    env.pop("DJANGO_SETTINGS_MODULE", None)
    return env


def _played() -> tuple[str, dict[str, Any]]:
    """The name of the databases in which this run of the tests has played the demonstration, and what it told.

    The first that asks plays it and the others wait. What an earlier run left is dropped.
    """
    name = "played_" + (os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"alone{os.getpid()}")[:16]
    folder = postgres.data_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "played.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        told = folder / f"{name}.json"
        if not told.exists():
            for old in folder.glob("played_*.json"):
                _python(DROP, old.stem, env=_environment(old.stem))
                old.unlink()
            done = _python(PLAY, name, PASSPHRASE, env=_environment(name))
            told.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
        return name, json.loads(told.read_text(encoding="utf-8"))


class World:
    """One alliance with a vault that can be started, asked over its sockets, and killed."""

    def __init__(self, folder: Path) -> None:
        self.name = f"vaulted_{os.getpid()}_{os.urandom(3).hex()}"
        self.sockets = Path("/tmp") / f"av-{self.name}"
        self.env = {**_environment(self.name), "ANSWERABLE_VAULT_SOCKETS": str(self.sockets)}
        self.log = folder / "vault.log"
        self.vault: subprocess.Popen[bytes] | None = None
        played, told = _played()
        _python(COPY, self.name, env=_environment(played))
        self.refs, self.seats = told["refs"], told["seats"]

    def python(self, script: str, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a script with this world's database; its failure is the test's."""
        return _python(script, *args, env=self.env)

    def start(self) -> None:
        """Start the vault and wait until it answers. It is locked."""
        self.vault = subprocess.Popen(
            [sys.executable, "-m", "answerable", "vault", "serve"], env={**self.env, "ANSWERABLE_DOOR": "vault"},
            cwd=ROOT, stdout=self.log.open("ab"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            assert self.vault.poll() is None, self.log.read_text()[-2000:]
            try:
                self.ask("status")
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the vault did not answer")

    def kill(self) -> None:
        """kill -9."""
        if self.vault is not None:
            self.vault.send_signal(signal.SIGKILL)
            self.vault.wait()
            self.vault = None

    def stop(self) -> None:
        """Stop it as an operator would."""
        if self.vault is not None:
            self.vault.terminate()
            assert self.vault.wait(20) == 0
            self.vault = None

    def raw(self, data: bytes, door: str = "office", *, answer: bool = True) -> Any:
        """Send bytes to a door's socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(60)
            s.connect(str(self.sockets / f"{door}.sock"))
            s.sendall(data)
            return frames.read(s) if answer else None

    def ask(self, op: str, door: str = "office", **args: Any) -> Any:
        """One question and its whole reply."""
        return self.raw(frames.pack({"op": op, "args": args, "language": "en"}), door)

    def sign_in(self, handle: str) -> str:
        """A session's token."""
        token: str = self.ask("sign_in", handle=handle, passphrase=PASSPHRASE)["answer"]["token"]
        return token

    def unlock(self) -> None:
        """Two keepers bring their halves."""
        for handle in ("ines", "arno"):
            reply = self.ask("bring_half", token=self.sign_in(handle))
        assert reply["answer"]["open"] is True

    def end(self) -> None:
        """Kill what runs and drop the databases."""
        self.kill()
        self.python(DROP, self.name)
