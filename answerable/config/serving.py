"""How a door serves: a request is read whole before a thread is taken for it, and a new worker is there before the old one goes.

`python -m answerable.config.serving NAME [PORT]` serves one of office, portal, channel. The server itself has no limit to
how slowly a body may come; the limits stand here, above the framework and below the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import io
import multiprocessing
import os
import re
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, cast

from granian.constants import HTTPModes, Interfaces
from granian.errors import ConfigurationError
from granian.http import HTTP1Settings
from granian.log import LogLevels, logger
from granian.server.mp import MPServer, WorkerProcess

from answerable.config import processes

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
# The head of a request, and a connection on which nothing comes; then the rest of a form. In seconds.
HEAD_SECONDS = 10
SILENT_SECONDS = 20.0
FORM_SECONDS = 120.0
FILE_SECONDS = 3600.0
# A file comes at least so fast on the whole, in bytes a second, once it had a while: a slow line does, a held one does not.
PACE, PACE_AFTER = 1024, 60.0
# Forms are small (DATA_UPLOAD_MAX_MEMORY_SIZE); what is longer is refused by the framework from its length alone.
FORM_BYTES = 2 * 1024 * 1024 + 64 * 1024
# Forms of which the rest is still to come, by number and by bytes of all together. Whoever began longest ago gives way:
# an honest form is here in a moment.
FORMS_AT_ONCE, FORMS_BYTES = 2000, 64 * 1024 * 1024
CONNECTIONS = 8192
DROPPED = 16 * 1024 * 1024  # of what is not taken in, so much is read before the answer
LANGUAGES = frozenset({"en", "fr", "es", "ar", "uk"})
TOO_MANY = "As many files as can come in at once are coming in. Nothing was taken; send yours again in a minute."
WAIT = "More of what you sent waits already than is done at once. Nothing of this was taken; try again in a minute."
NOT_IN_TIME = "What you sent did not come in time, or was too large. Nothing of it was taken; send it again."
CLOSED = (("Connection", "close"), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"))
# Set in what WSGI says of a request whose file did not come to its end, for the page that says so.
CUT = "answerable.cut"
# At these doors one person has only a part of the threads, and so many requests that wait for their turn.
SHARED = {"office": "answerable.vault.signin:whose"}
WAITING = 200
# What counts works the processor alone; whoever waits for the database between two steps of a page gets it back so soon.
SWITCH_SECONDS = 0.0005
# How long it is known whose a session is, in seconds, and of how many sessions.
KNOWN_SECONDS, KNOWN = 60.0, 4096
READY_SECONDS, FINISH_SECONDS, STOP_SECONDS = 60.0, 300.0, 4


@dataclass(frozen=True)
class Files:
    """Files at a door: whose file a request brings ("" for nobody's: then it is a form), how many at once and of one person,
    and whether they are held in memory (then `largest` in bytes with all around the file) or passed on as they come.
    `most` bytes are read of one request.
    """

    whose: str
    at_once: int
    each: int
    most: int
    largest: int = 0


FILES = {
    "channel": Files("answerable.channel.arriving:whose", 12, 1, 96 * 1024 * 1024, 12 * 1024 * 1024 + 64 * 1024),
    "office": Files("answerable.vault.signin:whose", 8, 2, 2 * 1024 * 1024 * 1024),
}


def threads(name: str) -> int:
    """Threads of a door. The channel's wait for fixed moments most of the time, so there are many: a flood of codes
    leaves its other pages free.
    """
    return 48 if name == "channel" else int(os.environ.get("ANSWERABLE_THREADS", "4"))


def share(name: str) -> int:
    """How many threads of a door one person may have at once: half of them, so that the rest answer everyone else."""
    return max(1, threads(name) // 2)


class TooSlow(Exception):
    """The rest of a request did not come in time, or gave way to others."""


class Full(Exception):
    """As many files as are taken in at once are coming in already."""


class TooManyWait(Exception):
    """So much of this person waits already that no more is taken in."""


class _Mine:
    """One person's requests: those under way, and those that wait for their turn in the order they came."""

    def __init__(self, share: int) -> None:
        self.turn, self.all = asyncio.Semaphore(share), 0


class Turns:
    """Who has threads of a door. Of one person `share` requests are under way at once; so many more wait, each until its
    turn comes, and what would wait beyond that is not taken in (TooManyWait).
    """

    def __init__(self, share: int, waiting: int) -> None:
        self._share, self._most, self._by = share, share + waiting, dict[str, _Mine]()

    @contextlib.asynccontextmanager
    async def of(self, whose: str) -> AsyncIterator[None]:
        """A person's turn, for as long as it is held."""
        mine = self._by.setdefault(whose, _Mine(self._share))
        if mine.all >= self._most:
            raise TooManyWait
        mine.all += 1
        try:
            async with mine.turn:
                yield
        finally:
            mine.all -= 1
            if not mine.all:
                del self._by[whose]


class _Form:
    """A form on its way in."""

    def __init__(self) -> None:
        self.size, self.ended = 0, asyncio.Event()


class _Passing(io.RawIOBase):
    """A file as it comes, read from a thread. Raises OSError when nothing comes any more."""

    def __init__(self, parts: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop, environ: Environ) -> None:
        self._parts, self._loop, self._left, self._environ = parts, loop, b"", environ

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            asked = asyncio.run_coroutine_threadsafe(_next(self._parts), self._loop)
            try:
                part = asked.result(SILENT_SECONDS)
            except Exception as fault:
                asked.cancel()
                self._environ[CUT] = True
                raise OSError("the rest of the file did not come") from fault
            if part is None:
                return 0
            self._left = part
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


async def _next(parts: AsyncIterator[bytes]) -> bytes | None:
    async for part in parts:
        return bytes(part)
    return None


class Whole:
    """The WSGI application of a door, called for whole requests only, in threads of the door."""

    def __init__(self, application: Application, name: str) -> None:
        self._application, self._name, files = application, name, FILES.get(name)
        self._threads = ThreadPoolExecutor(threads(name), thread_name_prefix=name)
        self._forms: dict[_Form, None] = {}
        self._coming: list[str] = []
        self._files = files
        if files is not None:
            self._file_threads = ThreadPoolExecutor(files.at_once, thread_name_prefix=f"{name}-file")
            self._whose = _named(files.whose)
        self._turns = Turns(share(name), WAITING) if name in SHARED else None
        if name in SHARED:
            # Threads of their own: whose a request is has to be known while all the others are taken.
            self._asking = ThreadPoolExecutor(2, thread_name_prefix=f"{name}-whose")
            self._person, self._known = _named(SHARED[name]), dict[bytes, tuple[str, float]]()

    async def __call__(self, scope: Any, proto: Any) -> None:
        environ, loop = environ_of(scope), asyncio.get_running_loop()
        whose = ""
        if self._files is not None and environ.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data"):
            where = self._threads if self._turns is None else self._asking
            whose = await loop.run_in_executor(where, self._whose, environ)
        try:
            if whose:
                status, headers, body = await self._file(environ, proto, whose)
            else:
                environ["wsgi.input"] = io.BytesIO(await self._form(environ, proto))
                async with contextlib.AsyncExitStack() as turn:
                    if self._turns is not None:
                        await turn.enter_async_context(self._turns.of(await self._who(environ)))
                    status, headers, body = await loop.run_in_executor(
                        self._threads, _answer, self._application, environ
                    )
        except TooSlow:
            status, headers, body = self._sorry(environ, 408, NOT_IN_TIME)
        except TooManyWait:
            status, headers, body = self._sorry(environ, 503, WAIT)
        except Full:
            with contextlib.suppress(TooSlow, RuntimeError, OSError):
                await self._drop(environ, proto)  # so that the browser comes to read the answer
            status, headers, body = self._sorry(environ, 503, TOO_MANY)
        except (RuntimeError, OSError):
            return  # whoever asked has gone
        proto.response_bytes(status, headers, body)

    async def _who(self, environ: Environ) -> str:
        """Whose turn a request takes: a signed-in person's in whichever session, otherwise that of the address it came from.

        A session is looked for again after a minute. A token of the API counts by its address too: it is read later.
        """
        cookies, now = environ.get("HTTP_COOKIE", ""), time.monotonic()
        session = hashlib.sha256(cookies.encode()).digest()  # what opens something is not kept here
        person, until = self._known.get(session, ("", 0.0))
        if cookies and until < now:
            person = await asyncio.get_running_loop().run_in_executor(self._asking, self._person, environ)
            self._known.pop(session, None)
            if person:
                self._known[session] = person, now + KNOWN_SECONDS
                while len(self._known) > KNOWN:
                    del self._known[next(iter(self._known))]
        return f"person {person}" if person else f"address {environ['REMOTE_ADDR']}"

    def _sorry(self, environ: Environ, status: int, said: str) -> tuple[int, list[tuple[str, str]], bytes]:
        """What is said where nothing was taken in: at the channel its own calm page, in the language of the address."""
        if self._name == "channel":
            found = re.match(r"/[a-z]{2,3}(?=/)", environ["PATH_INFO"])
            prefix = found[0] if found and found[0][1:] in LANGUAGES else ""
            return 303, [*CLOSED, ("Location", f"{prefix}/busy/")], b""
        page = f"<!doctype html><html lang=en><meta charset=utf-8><title>{said}</title><p>{said}</p></html>".encode()
        return status, [*CLOSED, ("Content-Type", "text/html; charset=utf-8"), ("Retry-After", "60")], page

    async def _drop(self, environ: Environ, proto: Any) -> None:
        timed = _timed(proto, FORM_SECONDS, asyncio.Event(), environ.get("CONTENT_LENGTH", ""))
        size = 0
        async with contextlib.aclosing(timed) as parts:
            async for part in parts:
                if (size := size + len(part)) > DROPPED:
                    return

    async def _form(self, environ: Environ, proto: Any) -> bytes:
        """All of a form, or as much as is taken at most. Raises TooSlow."""
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return b""
        if int(environ.get("CONTENT_LENGTH") or 0) > FORM_BYTES:
            return b""  # the framework refuses it from its length; nothing of it is read
        form, parts = _Form(), []
        self._forms[form] = None
        if len(self._forms) > FORMS_AT_ONCE:
            next(iter(self._forms)).ended.set()
        try:
            timed = _timed(proto, FORM_SECONDS, form.ended, environ.get("CONTENT_LENGTH", ""))
            async with contextlib.aclosing(timed) as coming:
                async for part in coming:
                    form.size += len(part)
                    parts.append(part)
                    if form.size > FORM_BYTES:
                        raise TooSlow
                    if sum(f.size for f in self._forms) > FORMS_BYTES:
                        next(f for f in self._forms if f.size).ended.set()
        finally:
            del self._forms[form]
        body = b"".join(parts)
        environ["CONTENT_LENGTH"] = str(len(body))
        return body

    async def _file(self, environ: Environ, proto: Any, whose: str) -> Any:
        files, loop = cast(Files, self._files), asyncio.get_running_loop()
        # So many at once, and so many of each: the others try again when one is in.
        if len(self._coming) >= files.at_once or self._coming.count(whose) >= files.each:
            raise Full
        if int(environ.get("CONTENT_LENGTH") or 0) > files.most:
            raise TooSlow
        self._coming.append(whose)
        try:
            timed = _timed(proto, FILE_SECONDS, asyncio.Event(), environ.get("CONTENT_LENGTH", ""), PACE, files.most)
            async with contextlib.aclosing(timed) as parts:
                if not files.largest:
                    environ["wsgi.input"] = io.BufferedReader(_Passing(parts, loop, environ))
                    answer = await loop.run_in_executor(self._file_threads, _answer, self._application, environ)
                    # Whatever the page made of half a file, whoever sent it reads what happened to it.
                    if environ.get(CUT) and answer[0] >= 400 and answer[0] != 408:
                        raise TooSlow
                    return answer
                held, size = [], 0
                async for part in parts:
                    size += len(part)
                    if size - len(part) <= files.largest:
                        held.append(part)  # the rest is read and dropped, so that the browser comes to read the answer
            environ["wsgi.input"] = io.BytesIO(b"".join(held))
            return await loop.run_in_executor(self._threads, _answer, self._application, environ)
        finally:
            self._coming.remove(whose)


async def _timed(
    proto: Any, seconds: float, ended: asyncio.Event, length: str = "", pace: int = 0, most: int = 0
) -> AsyncGenerator[bytes, None]:
    """The parts of a body. Raises TooSlow when nothing comes for a while, all takes too long or comes slower than `pace`
    bytes a second, is more than `most`, or has to give way; OSError when it ends before its length, so that half of what
    someone wrote is never taken for all of it.
    """
    left, size, began = int(length or 0), 0, time.monotonic()
    deadline, parts = began + seconds, aiter(proto)
    gives_way = asyncio.ensure_future(ended.wait())
    try:
        while True:
            coming = asyncio.ensure_future(_one(parts))
            wait = min(SILENT_SECONDS, deadline - time.monotonic())
            done, _ = await asyncio.wait({coming, gives_way}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            if coming not in done:
                coming.cancel()
                raise TooSlow
            part = coming.result()
            if part is None:
                if length and left:
                    raise OSError("half of a request")
                return
            left, size, took = left - len(part), size + len(part), time.monotonic() - began
            if took > PACE_AFTER and size < pace * took or most and size > most:
                raise TooSlow
            yield part
    finally:
        gives_way.cancel()


async def _one(parts: Any) -> bytes | None:
    try:
        return bytes(await anext(parts))
    except StopAsyncIteration:
        return None


def environ_of(scope: Any) -> Environ:
    """What WSGI says of a request. A header whose name could be taken for another's (with "_") is left out."""
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": scope.method, "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string, "SERVER_NAME": host, "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}", "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0), "wsgi.url_scheme": scope.scheme, "wsgi.errors": sys.stderr,
        "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input_terminated": True,
    }  # fmt: skip
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority
    for name, value in scope.headers.items():
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        joined = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joined}{value}" if key in environ and key != "HTTP_HOST" else value
    return environ


def _named(place: str) -> Callable[[Environ], str]:
    module, _, function = place.partition(":")
    return cast(Callable[[Environ], str], getattr(importlib.import_module(module), function))


def _answer(application: Application, environ: Environ) -> tuple[int, list[tuple[str, str]], bytes]:
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        said[:] = [int(status.split(" ", 1)[0]), headers]

    parts = application(environ, start)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return said[0], said[1], body


# --- workers that follow one another --------------------------------------------------------------------------------


def _deaf(listening: int) -> None:
    """In a worker that is to go: hear no new connection, and go on with those there are.

    Its own way of stopping closes connections it has just taken and not read. So another socket, which nobody knows, takes
    the place of the one that all workers share, under every number it has here.
    """
    unknown = socket.socket()
    unknown.bind(("127.0.0.1", 0))
    unknown.listen(1)
    unknown.setblocking(False)
    for entry in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.fstat(int(entry)).st_ino == listening and int(entry) != unknown.fileno():
                os.dup2(unknown.fileno(), int(entry))


def _loaded(name: str, ready: Connection, listening: int) -> Whole:
    """In a new worker: the door's application, after which the worker says that it is there."""
    if sys.platform.startswith("linux"):
        signal.signal(signal.SIGUSR1, lambda *_: _deaf(listening))
    module = importlib.import_module(f"answerable.config.wsgi_{name}")
    from django.urls import get_resolver

    _ = get_resolver().url_patterns
    if name in SHARED:
        sys.setswitchinterval(SWITCH_SECONDS)
    whole = Whole(module.application, name)
    with contextlib.suppress(OSError):
        ready.send_bytes(b"ready")
    return whole


class Relay(MPServer):
    """The server of one door. Its listening socket is made once and outlives every worker, so a connection is never
    refused; a worker that is to be replaced goes when the next one is there, after what it was doing. One that was killed
    is followed at once: whoever connects meanwhile waits for it. One that does not come up is the door's end.
    """

    door = ""

    def _init_shared_socket(self) -> None:
        family = socket.AF_INET6 if ":" in self.bind_addr else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.bind_addr, self.bind_port))
        listening.listen(self.backlog)
        listening.setblocking(False)
        listening.set_inheritable(True)
        self._heard = os.fstat(listening.fileno()).st_ino
        from granian._granian import SocketHolder

        self._ssp = None
        self._sfd, self._sso = cast(Any, listening.fileno()), listening
        self._shd = cast(Any, SocketHolder)(listening.fileno(), False, self.backlog)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> WorkerProcess:  # type: ignore[override]
        self._ready, says = multiprocessing.Pipe(False)
        worker = super()._spawn_worker(idx, target, partial(_loaded, self.door, says, self._heard))
        return cast(WorkerProcess, worker)

    def _respawn_workers(self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        for idx in workers:
            old, new = self.wrks[idx], self._spawn_worker(idx, spawn_target, target_loader)
            was_killed = not old.is_alive()
            new.interrupt_by_parent = True  # its failing is looked at here
            new.start()
            deadline = time.monotonic() + READY_SECONDS
            while not (ready := self._ready.poll(0.2)) and new.is_alive() and time.monotonic() < deadline:
                pass
            if not ready and not was_killed:
                logger.error("A new worker did not come up; the old one stays.")
                new.kill()
                new.join()
                old.birth = time.monotonic()
                continue
            new.interrupt_by_parent, self.wrks[idx] = False, new
            if was_killed:
                # The server ends when this one stops too within seconds, or has not come up: it would only go on so.
                self.respawned_wrks[idx] = time.monotonic()
                if not ready:
                    logger.error("A worker stopped, and no other came up.")
                    new.kill()
                    new.join()
                    self.interrupt_children.append(idx)
                    self.main_loop_interrupt.set()
                continue
            time.sleep(0.5)  # from loaded to listening
            if sys.platform.startswith("linux") and old.is_alive():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(old.inner.pid, signal.SIGUSR1)
                time.sleep(1)  # what was taken is read
            old.terminate()
            deadline = time.monotonic() + FINISH_SECONDS
            while old.is_alive() and time.monotonic() < deadline and not self.interrupt_signal:
                old.join(0.2)
            if old.is_alive():
                old.kill()
                old.join()


def _many_files_open() -> None:
    """A connection is an open file: as many as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS + 1024 if hard == resource.RLIM_INFINITY else min(hard, CONNECTIONS + 1024)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def main(argv: list[str]) -> int:
    """Serve one door until told to stop."""
    found = [p for p in processes.PROCESS_TABLE if p.port and argv[:1] == [p.name]]
    if not found:
        print("usage: python -m answerable.config.serving office|portal|channel [PORT]", file=sys.stderr)
        return 2
    _many_files_open()
    threading.stack_size(2 * 1024 * 1024)
    server = Relay(
        found[0].name, address=processes.host(), port=int(argv[1]) if len(argv) > 1 else found[0].listen,
        interface=Interfaces.RSGI, workers=int(os.environ.get("ANSWERABLE_WORKERS", "1")), http=HTTPModes.http1,
        websockets=False, log_level=LogLevels.warning, backlog=4096, backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1000), workers_kill_timeout=STOP_SECONDS,
        # Python cannot wipe its memory: a worker that has read or taken in sealed words is replaced before long.
        workers_lifetime=int(os.environ.get("ANSWERABLE_WORKER_SECONDS", "900")), respawn_failed_workers=True,
    )  # fmt: skip
    server.door = found[0].name
    try:
        server.serve()
    except ConfigurationError as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
