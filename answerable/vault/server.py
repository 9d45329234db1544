"""The vault process: unix sockets, one per door, and a few working threads (security.md §2.2).

Each door has a socket of its own; in production the file belongs to that door's group, so the operating system decides
who may ask, and the table of operations what may be asked. There is no network, no log of requests, no core dump.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections, connections

from answerable.common import faults
from answerable.vault import client, frames, rootkey, service, stretching
from answerable.vault.chamber import CHAMBER

THREADS = 8
# Connections of a door at once, enough for all threads of its process. Past that the one idle for longest gives way
# when it has been idle for a minute; otherwise the next one is closed, and its door says that the vault is away.
CONNECTIONS, BACKLOG = 64, 128
IDLE_CONNECTION_SECONDS = 300
GIVES_WAY_SECONDS = 60
LOOK_AFTER_SECONDS = 1
# How long the vault waits, when told to stop, for answers that are under way.
ENDING_SECONDS = 3.0
# Memory is locked, so a thread's stack must not be the system's eight megabytes.
STACK_BYTES = 512 * 1024
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4


def harden() -> None:
    """No core dump, no reading of this process's memory by others of the same user, memory kept off the disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    # Locked as it is touched, not as it is reserved. Without the right this fails; swap off is then the host's job.
    if libc.mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        libc.mlockall(MCL_FUTURE if os.geteuid() else MCL_CURRENT | MCL_FUTURE)  # a kernel before 4.4
    threading.stack_size(STACK_BYTES)


def _listen(door: str) -> socket.socket:
    path = client.socket_path(door)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    if group := os.environ.get(f"ANSWERABLE_VAULT_{door.upper()}_GROUP"):
        import grp

        os.chown(path, -1, grp.getgrnam(group).gr_gid)
        path.chmod(0o660)
    listening.listen(BACKLOG)
    return listening


_last = threading.local()


def _look_at_connections() -> None:
    """Database connections that ended are let go of; not between two questions a moment apart, unless one failed."""
    now = time.monotonic()
    if now - getattr(_last, "answered", 0.0) > LOOK_AFTER_SECONDS or any(
        c.errors_occurred for c in connections.all(initialized_only=True)
    ):
        close_old_connections()
    _last.answered = now


def _answer(door: str, body: bytes) -> bytes:
    _look_at_connections()
    if door == "office":
        stretching.office_at_work()
    try:
        request = frames.unpack(body)
    except frames.Torn:
        return frames.pack({"refused": "The question cannot be read.", "reason": "arguments"})
    reply = service.perform(door, request)
    if "fault" in reply:
        print(f"vault: {reply['fault']}", file=sys.stderr, flush=True)
        reply = {"fault": "a fault of the vault's own"}
    return frames.pack(reply)


class Places:
    """The places of one door: who has one, and since when it has been idle."""

    def __init__(self) -> None:
        self._since: dict[socket.socket, float | None] = {}
        self._changed = threading.Condition()

    def take(self, connection: socket.socket) -> bool:
        """A place for a new connection; False when every other is at work or was a moment ago."""
        with self._changed:
            if len(self._since) >= CONNECTIONS:
                idle = [(since, c) for c, since in self._since.items() if since is not None]
                since, longest = min(idle, key=lambda pair: pair[0], default=(0.0, None))
                if longest is not None and time.monotonic() - since >= GIVES_WAY_SECONDS:
                    with contextlib.suppress(OSError):
                        longest.shutdown(socket.SHUT_RDWR)  # its thread sees the end and leaves the place
                if not self._changed.wait_for(lambda: len(self._since) < CONNECTIONS, timeout=2):
                    return False
            self._since[connection] = time.monotonic()
            return True

    def busy(self, connection: socket.socket) -> None:
        """A question has come in whole; this connection does not give way until it is answered."""
        with self._changed:
            self._since[connection] = None

    def idle(self, connection: socket.socket) -> None:
        """The question is answered."""
        with self._changed:
            self._since[connection] = time.monotonic()

    def leave(self, connection: socket.socket) -> None:
        """The connection has ended."""
        with self._changed:
            self._since.pop(connection, None)
            self._changed.notify()


class Server:
    """Listens for every door until told to stop."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._listening = {door: _listen(door) for door in sorted(service.DOORS)}
        # A door's threads are its own, and keep their database connections: one door's flood leaves the others free.
        self._answering: set[socket.socket] = set()
        self._working = {door: ThreadPoolExecutor(THREADS, thread_name_prefix=door) for door in self._listening}

    def start(self) -> None:
        """One accepting thread a door; a waiting thread a connection; the work in the door's own few threads."""
        for door in self._listening:
            threading.Thread(target=self._accept, args=(door,), daemon=True).start()

    def _accept(self, door: str) -> None:
        places = Places()
        while not self.stopping.is_set():
            try:
                connection, _ = self._listening[door].accept()
            except OSError:
                return
            if not places.take(connection):
                connection.close()
                continue
            threading.Thread(target=self._converse, args=(door, connection, places), daemon=True).start()

    def _converse(self, door: str, connection: socket.socket, places: Places) -> None:
        connection.settimeout(IDLE_CONNECTION_SECONDS)
        try:
            with connection:
                while (body := frames.body(connection)) is not None:
                    places.busy(connection)
                    self._answering.add(connection)
                    try:
                        connection.sendall(self._working[door].submit(_answer, door, body).result())
                    finally:
                        self._answering.discard(connection)
                    places.idle(connection)
        except (frames.Torn, OSError):
            pass
        except Exception as fault:  # one connection's fault is not the vault's end
            if not self.stopping.is_set():
                print(f"vault: {faults.where(fault)}", file=sys.stderr, flush=True)
        finally:
            places.leave(connection)

    def stop(self) -> None:
        """Close the doors and forget everything. What is being answered has some seconds to end (`ENDING_SECONDS`)."""
        self.stopping.set()
        for door, listening in self._listening.items():
            listening.close()
            client.socket_path(door).unlink(missing_ok=True)
            if "ANSWERABLE_VAULT_SOCKETS" not in os.environ:
                with contextlib.suppress(OSError):  # made by us, and empty after the last door
                    client.socket_path(door).parent.rmdir()
        CHAMBER.lock("stopped")
        ends = time.monotonic() + ENDING_SECONDS
        for working in self._working.values():
            working.shutdown(wait=False, cancel_futures=True)
        while self._answering and time.monotonic() < ends:
            time.sleep(0.02)


def demonstration_key() -> Path:
    """Where the demonstration keeps its root key, so that it opens by itself. A real vault has no such file."""
    return Path(settings.STATIC_ROOT).parent / "demonstration-vault.key"


def serve() -> int:
    """Run the vault until it is told to stop."""
    from answerable.vault.models import RootKey

    harden()
    CHAMBER.watches_record = True
    if demonstration_key().exists() and not settings.SECURE:
        root = bytes.fromhex(demonstration_key().read_text())
        row = RootKey.objects.first()
        if row is not None and bytes(row.check_value) == rootkey.check_value(root):
            CHAMBER.unlock(root, demonstration=True)
    if stretching.light():
        from answerable.vault import userkeys

        userkeys.set_parameters(userkeys.LIGHT)
    stretching.start()
    server = Server()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    # What was loaded stays: the collector need not walk through it again at every question.
    gc.collect()
    gc.freeze()
    server.start()
    stopped.wait()
    server.stop()
    stretching.stop()
    # A thread that still waits, for a lock say, keeps a process alive; its transaction ends with its connection, undone.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
