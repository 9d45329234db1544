"""The process table, and the one command that runs all of it on one machine."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

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
        return [sys.executable, "-m", "answerable.config.serving", self.name]


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
    env |= {
        "ANSWERABLE_DOOR": process.name,
        "PYTHONUNBUFFERED": "1",
        "ANSWERABLE_DATA": str(postgres.data_dir().resolve()),
    }
    return subprocess.Popen(
        process.command(), env=env, start_new_session=True, stdin=subprocess.DEVNULL,
        preexec_fn=_ends_with(os.getpid()),
    )  # fmt: skip


def _ends_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it begins, so that it is told to stop when its supervisor is killed (Linux alone)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec nothing may be loaded

    def before() -> None:
        prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it was killed in between
            os._exit(1)

    return before


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
    end_left_over()
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
            _note(children)
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
        database = Database() if own_server else None
        while not stopping.wait(0.5):
            if database:
                database.look()
            for process in PROCESS_TABLE:
                child = children[process.name]
                if child.poll() is None:
                    continue
                if database and not postgres.embedded_answers():
                    continue  # without a database it would only stop again: it is started when there is one
                if time.monotonic() - failures.get(process.name, -60.0) < 5:
                    print(f"The {process.name} keeps stopping; giving up.", file=sys.stderr)
                    return 1
                failures[process.name] = time.monotonic()
                print(f"The {process.name} stopped (status {child.returncode}) and is started again.", file=sys.stderr)
                children[process.name] = _serve(process)
                _note(children)
        return 0
    finally:
        print("Stopping …", flush=True)
        _stop(children)
        _list_of_children().unlink(missing_ok=True)
        if own_server:
            postgres.stop_embedded()
        os.close(lock)


@dataclass
class Database:
    """The embedded server under the supervisor's eyes: it is nobody's child, so its end is seen by looking."""

    every: float = 3.0
    looked: float = field(default_factory=time.monotonic)
    said: float = 0.0

    def look(self) -> bool:
        """Start the server again when it was killed; True when it was. Looks every few seconds, however often called."""
        now = time.monotonic()
        if now - self.looked < self.every:
            return False
        self.looked = now
        if postgres.embedded_answers():
            return False
        try:
            postgres.ensure_server()
        except Refused as no:
            # What the killed server left behind may hold its memory for some seconds more, so this is tried again.
            if not self.said or now - self.said > 60:
                self.said = now
                print(f"The database stopped and does not start yet; this is tried again. {no}", file=sys.stderr)
            return False
        self.said = 0.0
        print("The database had stopped and was started again. What was under way was refused.", file=sys.stderr)
        return True


# --- what a supervisor that was killed left behind ------------------------------------------------------------------


def _list_of_children() -> Path:
    return postgres.data_dir() / "run.children"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int) -> tuple[int, int] | None:
    """(process group, ticks from boot to its start) of a living process; None when it is gone or the system has no /proc."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if words[0] in {"Z", "X"} else (int(words[2]), int(words[19]))


def _note(children: dict[str, subprocess.Popen[bytes]]) -> None:
    """Write down who our children are, so that the next start knows them after this process was killed."""
    rows = [{"name": name, "pid": child.pid, "started": found[1]}
            for name, child in children.items() if (found := _stat(child.pid))]  # fmt: skip
    part = _list_of_children().with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        json.dump({"boot": _boot(), "children": rows}, f)
    part.rename(_list_of_children())


def _ours(pid: int) -> bool:
    """Whether a process works on this data folder. The vault hides its environment; its command is looked at instead."""
    wanted = f"ANSWERABLE_DATA={postgres.data_dir().resolve()}".encode()
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except PermissionError:
        pass
    except OSError:
        return False
    try:
        return b"\0answerable\0vault\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def left_over() -> dict[int, str]:
    """Processes of an earlier run on this data folder that still live: process id → name.

    A process is one of them when the list in the data folder names its group, it started no earlier than that, and it
    works on this folder: a number used again by someone else is never taken for ours.
    """
    try:
        noted: dict[str, Any] = json.loads(_list_of_children().read_text())
        groups = {int(row["pid"]): (str(row["name"]), int(row["started"])) for row in noted["children"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    if not groups or noted.get("boot") != _boot():
        return {}
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (now := _stat(int(entry.name))) and now[0] in groups:
            name, started = groups[now[0]]
            if now[1] >= started and int(entry.name) != os.getpid() and _ours(int(entry.name)):
                found[int(entry.name)] = name
    return found


def end_left_over(*, wait: float = 6.0) -> list[str]:
    """End what an earlier run left behind, saying so; returns their names. Called while run.lock is ours."""
    found = left_over()
    if not found:
        return []
    names = sorted(set(found.values()))
    print(f"An earlier run was killed and left running: {', '.join(names)}. Ending them first.", file=sys.stderr)
    deadline = time.monotonic() + wait
    number = signal.SIGTERM
    while found and time.monotonic() < deadline + 2:
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        time.sleep(0.2)
        number = signal.SIGKILL if time.monotonic() > deadline else signal.SIGTERM
        found = left_over()
    return names


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
