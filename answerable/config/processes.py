"""The process table, and the one command that runs all of it on one machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from answerable.common.errors import Refused
from answerable.config import postgres


@dataclass(frozen=True)
class Process:
    """One server process: its door, port, the user it runs as in production, and its database role."""

    name: str
    port: int
    os_user: str
    db_role: str

    @property
    def listen(self) -> int:
        """The port in force: ANSWERABLE_<NAME>_PORT, or the table's."""
        value = os.environ.get(f"ANSWERABLE_{self.name.upper()}_PORT", str(self.port))
        if not value.isdigit() or not 0 <= int(value) < 65536:
            raise Refused(f"ANSWERABLE_{self.name.upper()}_PORT should be a port number, not “{value}”.")
        return int(value)

    def command(self) -> list[str]:
        """What is started."""
        if not self.port:
            words = ["vault", "serve"] if self.name == "vault" else ["worker"]
            return [sys.executable, "-m", "answerable", *words]
        # The channel's threads wait for fixed moments most of the time, so there are many: a flood of codes leaves its
        # other pages free.
        threads = "48" if self.name == "channel" else os.environ.get("ANSWERABLE_THREADS", "4")
        return [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host(), "--port", str(self.listen),
            "--workers", os.environ.get("ANSWERABLE_WORKERS", "1"), "--blocking-threads", threads,
            # Python cannot wipe its memory: a worker that has read or taken in sealed words is replaced before long.
            "--workers-lifetime", os.environ.get("ANSWERABLE_WORKER_SECONDS", "900"),
            "--log-level", "warning", "--no-ws", f"answerable.config.wsgi_{self.name}:application",
        ]  # fmt: skip


PROCESS_TABLE = (
    Process("vault", 0, "answerable-vault", "answerable_vault"),
    Process("office", 8000, "answerable-office", "answerable_office"),
    Process("portal", 8001, "answerable-portal", "answerable_portal"),
    Process("channel", 8002, "answerable-channel", ""),
    Process("worker", 0, "answerable-office", "answerable_office"),
)


def host() -> str:
    """The address served on; only this machine unless said otherwise."""
    return os.environ.get("ANSWERABLE_HOST", "127.0.0.1")


def check_ports() -> None:
    """Raises Refused naming the port that something else holds, and how to choose another."""
    for process in PROCESS_TABLE:
        if not process.port:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host(), process.listen))
            except OSError:
                name = f"ANSWERABLE_{process.name.upper()}_PORT"
                raise Refused(
                    f"Port {process.listen}, for the {process.name}, is taken by another program (perhaps another "
                    f"`make run`). Stop it, or choose another: {name}={process.listen + 100} make run",
                    reason="port",
                ) from None


def _manage(*args: str, door: str = "owner") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "ANSWERABLE_DOOR": door}
    return subprocess.run([sys.executable, "-m", "answerable", *args], env=env, check=False)


def _serve(process: Process) -> subprocess.Popen[bytes]:
    # Each process has the settings of its own door, not of the command that starts it.
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    env |= {"ANSWERABLE_DOOR": process.name, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(process.command(), env=env, start_new_session=True, stdin=subprocess.DEVNULL)


def _answers(process: Process) -> bool:
    try:
        url = f"http://{host()}:{process.listen}/alive/"
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def _vault_answers(child: subprocess.Popen[bytes], stopping: threading.Event) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not stopping.is_set():
        if child.poll() is not None:
            print("The vault stopped while starting; what it said stands above.", file=sys.stderr)
            return False
        if vault_answers():
            return True
        time.sleep(0.05)
    if not stopping.is_set():
        print("The vault does not answer. See what it said above.", file=sys.stderr)
    return False


def vault_answers() -> bool:
    """Whether a vault listens on this installation's sockets (asked without the framework)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        try:
            s.connect(str(postgres.vault_sockets() / "office.sock"))
        except OSError:
            return False
        return True


@contextmanager
def with_vault() -> Iterator[None]:
    """A vault for the length of one command, when none listens: on one machine only, never in production."""
    if vault_answers() or os.environ.get("ANSWERABLE_SECURE") == "1":
        yield
        return
    child = _serve(PROCESS_TABLE[0])
    try:
        if not _vault_answers(child, threading.Event()):
            raise Refused("The vault could not be started, so nothing can be recorded.", reason="vault_away")
        yield
    finally:
        _stop({"vault": child})


def run() -> int:
    """Start everything, print where it is, serve until Ctrl-C, stop everything. Returns the exit status."""
    started = time.monotonic()
    lock = _only_one()
    check_ports()
    own_server = postgres.external() is None
    children: dict[str, subprocess.Popen[bytes]] = {}
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        postgres.ensure_server()
        for step in (("migrate",), ("demo", "--if-empty")):
            if (done := _manage(*step)).returncode:
                return done.returncode
            if stopping.is_set():
                return 0
        for process in PROCESS_TABLE:
            children[process.name] = _serve(process)
            # Nothing else can record or seal anything before the vault answers.
            if process.name == "vault" and not _vault_answers(children["vault"], stopping):
                return 1
        waiting = [p for p in PROCESS_TABLE if p.port]
        deadline = time.monotonic() + 60
        while waiting and time.monotonic() < deadline and not stopping.is_set():
            waiting = [p for p in waiting if not _answers(p)]
            for name, child in children.items():
                if child.poll() is not None:
                    print(f"The {name} stopped while starting; what it said stands above.", file=sys.stderr)
                    return 1
            if waiting:
                time.sleep(0.1)
        if waiting and not stopping.is_set():
            print(f"The {waiting[0].name} does not answer. See what it said above.", file=sys.stderr)
            return 1
        if not stopping.is_set():
            _welcome(time.monotonic() - started)
        failures: dict[str, float] = {}
        while not stopping.wait(0.5):
            for process in PROCESS_TABLE:
                child = children[process.name]
                if child.poll() is None:
                    continue
                if time.monotonic() - failures.get(process.name, -60.0) < 5:
                    print(f"The {process.name} keeps stopping; giving up.", file=sys.stderr)
                    return 1
                failures[process.name] = time.monotonic()
                print(f"The {process.name} stopped (status {child.returncode}) and is started again.", file=sys.stderr)
                children[process.name] = _serve(process)
        return 0
    finally:
        print("Stopping …", flush=True)
        _stop(children)
        if own_server:
            postgres.stop_embedded()
        os.close(lock)


def _only_one() -> int:
    """Hold the data folder for this run; a second `make run` on it gets a sentence."""
    import fcntl

    folder = postgres.data_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise Refused(f"The data folder {folder} cannot be written: {fault.strerror}. Set ANSWERABLE_DATA.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise Refused(
            f"Answerable already runs on {folder}. Stop that one first, or set ANSWERABLE_DATA to another folder.",
            reason="running",
        ) from None
    os.set_inheritable(lock, False)
    return lock


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + 6
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


def _welcome(seconds: float) -> None:
    shown = "localhost" if host() in {"127.0.0.1", "::1"} else host()
    print(f"\nAnswerable runs (ready after {seconds:.1f} s). Ctrl-C stops it; what was entered is kept.\n")
    about = {
        "office": "where delegations and staff work",
        "portal": "what the public sees",
        "channel": "the neutral door: health and rights information",
    }
    for process in PROCESS_TABLE:
        if process.port:
            print(f"  {process.name:8} http://{shown}:{process.listen}/   {about[process.name]}")
    sys.stdout.flush()
    _manage("demo", "--who")
