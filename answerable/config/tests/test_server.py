"""The embedded server in a path with a space: starts, survives kill -9, is made ready twice alike."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from answerable.common.errors import Refused
from answerable.config import postgres, processes

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("a data folder")
    path.parent.chmod(0o755)
    monkeypatch.setenv("ANSWERABLE_DATA", str(path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield path
    postgres.stop_embedded(path, mode="immediate")


def test_the_folder_of_its_socket_goes_with_the_server(folder):
    sockets = Path(postgres.ensure_server().host)
    assert sockets.is_dir()
    postgres.stop_embedded()
    assert not sockets.exists()
    assert Path(postgres.ensure_server().host).is_dir()


def test_what_was_committed_survives_kill_nine(folder):
    server = postgres.ensure_server()
    with server.connect(postgres.database_name()) as c:
        c.execute("CREATE TABLE kept (n int)")
        c.execute("INSERT INTO kept VALUES (1)")
        # A transaction that is under way when the server dies leaves nothing.
        with server.connect(postgres.database_name()) as other:
            other.autocommit = False
            other.execute("INSERT INTO kept VALUES (2)")
            os.kill(int((folder / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            with pytest.raises(Exception):
                time.sleep(0.5)
                other.commit()
                c.execute("SELECT pg_sleep(5)")
                raise RuntimeError("the server is gone")
    time.sleep(2)
    server = postgres.ensure_server()
    with server.connect(postgres.database_name()) as c:
        assert c.execute("SELECT array_agg(n) FROM kept").fetchone()[0] in ([1], [1, 2])
        roles = dict(
            c.execute(
                "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname LIKE 'answerable%'"
            ).fetchall()
        )
    assert set(roles) == set(postgres.ROLES) and not any(roles.values())


def test_no_row_reaches_the_servers_log(folder):
    server = postgres.ensure_server()
    with server.connect(postgres.database_name()) as c:
        c.execute("CREATE TABLE t (n int CHECK (n > 0), words text)")
        with pytest.raises(Exception):
            c.execute("INSERT INTO t VALUES (%s, %s)", [-1, "a-canary-in-a-row"])
    assert "a-canary-in-a-row" not in (folder / "pg.log").read_text()
    assert (folder / "db-roles.json").stat().st_mode & 0o077 == 0


def test_a_wrong_address_is_a_sentence(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://x")
    with pytest.raises(Refused, match="should read postgresql://"):
        postgres.external()


def test_a_taken_port_is_named_with_the_way_out(monkeypatch):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        monkeypatch.setenv("ANSWERABLE_PORTAL_PORT", str(port))
        monkeypatch.setenv("ANSWERABLE_OFFICE_PORT", "0")
        with pytest.raises(Refused, match=f"Port {port}, for the portal.*ANSWERABLE_PORTAL_PORT="):
            processes.check_ports()
    monkeypatch.setenv("ANSWERABLE_PORTAL_PORT", "many")
    with pytest.raises(Refused, match="should be a port number"):
        processes.check_ports()


def test_faults_in_the_log_carry_no_values(caplog):
    import logging

    from answerable.config.reporting import PlainFormatter, Scrub

    try:
        secret = "a-canary-value"
        raise ValueError(f"DETAIL: Failing row contains ({secret}).")
    except ValueError:
        import sys

        record = logging.LogRecord(
            "django.request", logging.ERROR, "f", 1, "boom %s", ("a-canary-value",), sys.exc_info()
        )
    Scrub().filter(record)
    assert "a-canary-value" not in PlainFormatter().format(record) and "ValueError at" in PlainFormatter().format(
        record
    )


def test_a_database_killed_under_a_run_is_seen_and_started_again(folder, capsys):
    postgres.ensure_server()
    watching = processes.Database(every=0.0)
    assert watching.look() is False and postgres.embedded_answers()
    os.kill(int((folder / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    deadline = time.monotonic() + 40
    while not watching.look():
        assert time.monotonic() < deadline, "it was never started again"
        time.sleep(0.5)
    with postgres.ensure_server().connect(postgres.database_name()) as c:
        assert c.execute("SELECT 1").fetchone() == (1,)
    assert "was started again" in capsys.readouterr().err


SUPERVISOR = """
import sys, time
from answerable.config import processes
class Some(processes.Process):
    def command(self): return [sys.executable, "-c", sys.argv[1]]
child = processes._serve(Some("worker", 0, "", ""))
print(child.pid, flush=True)
time.sleep(1)
processes._note({"worker": child})
print("noted", flush=True)
time.sleep(600)
"""
SLEEPS = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def _lives(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if processes._stat(pid) is None:
            return False
        time.sleep(0.05)
    return True


def _killed_supervisor(work: str) -> int:
    root = Path(__file__).resolve().parents[3]
    above = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, work], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    child = int(above.stdout.readline())
    assert above.stdout.readline() == "noted\n"
    assert _lives(child, 0.2)
    above.kill()
    above.wait()
    return child


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_children_of_a_killed_supervisor_end_with_it(folder):
    assert not _lives(_killed_supervisor(SLEEPS))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks the Linux kernel")
def test_what_a_killed_supervisor_left_is_ended_by_the_next_start_and_nobody_else(folder, capsys):
    child = _killed_supervisor(STUBBORN)
    stranger = subprocess.Popen(
        [sys.executable, "-c", SLEEPS], start_new_session=True, env={**os.environ, "ANSWERABLE_DATA": "/elsewhere"}
    )
    try:
        assert _lives(child, 0.5)
        noted = json.loads((folder / "run.children").read_text())
        noted["children"].append({"name": "office", "pid": stranger.pid, "started": 0})
        (folder / "run.children").write_text(json.dumps(noted))
        assert processes.end_left_over(wait=0.5) == ["worker"]
        assert not _lives(child) and stranger.poll() is None
        assert "left running: worker" in capsys.readouterr().err
        # A number that was used again since is somebody else's.
        noted["children"] = [{"name": "worker", "pid": stranger.pid, "started": 10**15}]
        (folder / "run.children").write_text(json.dumps(noted))
        assert processes.end_left_over(wait=0.5) == []
    finally:
        stranger.kill()
        stranger.wait()


def _answerable(*words: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[3]
    env = {k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "ANSWERABLE_DOOR")}
    return subprocess.run(
        [sys.executable, "-m", "answerable", *words], cwd=root, env={**env, "PYTHONPATH": str(root)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True, timeout=90, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [("record", "export"), ("vault",), ("migrate",), ("found",), ("import", "svac")])
def test_help_starts_nothing_and_makes_no_folder(tmp_path, monkeypatch, words):
    monkeypatch.setenv("ANSWERABLE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    told = _answerable(*words, "--help")
    assert told.returncode == 0 and told.stdout.startswith(f"usage: answerable {words[0]}"), told.stderr
    assert not (tmp_path / "data").exists()


def test_the_vaults_commands_refuse_what_they_do_not_take_in_a_sentence(folder):
    postgres.ensure_server()
    extra = _answerable("vault", "status", "extra")
    assert extra.returncode == 2 and "only unlock names keepers" in extra.stderr
    ended = _answerable("vault", "unlock", "ines", "arno")
    assert ended.returncode == 2 and "The passphrase of ines did not come" in ended.stderr
    assert "Traceback" not in ended.stderr + extra.stderr
