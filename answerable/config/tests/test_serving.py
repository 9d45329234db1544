"""How a door serves: slow visitors close it for nobody, and no request is refused while a worker follows another."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from answerable.config import serving

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """The channel's server as it is started in production, without a vault."""
    folder = tmp_path_factory.mktemp("door")
    port, child = started(folder)
    yield port, child
    child.terminate()
    assert child.wait(25) == 0, (folder / "log").read_text()


def started(folder: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """A door's port and its first process, once it answers."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if k not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL")}
    env |= {"ANSWERABLE_DATA": str(folder), "ANSWERABLE_DOOR": "channel", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-m", "answerable.config.serving", "channel", str(port)], env=env, start_new_session=True,
        stderr=(folder / "log").open("w"),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while True:
        try:
            assert got(port) == 200
            return port, child
        except OSError:
            assert time.monotonic() < deadline and child.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)


def got(port: int) -> int:
    with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as reply:
        return int(reply.status)


def posted(port: int, sent: bytes, length: int, path: str = "/enter/", kind: str = "application/x-www-form-urlencoded"):
    c = socket.create_connection(("127.0.0.1", port), timeout=15)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    c.sendall(head.encode() + sent)
    return c


@pytest.mark.slow
def test_a_hundred_half_sent_forms_close_the_door_for_nobody(door):
    port, _child = door
    held = [posted(port, b"t=abc", 5000) for _ in range(100)]
    held += [posted(port, b"--x", 5000, "/inside/file/", "multipart/form-data; boundary=x") for _ in range(20)]
    try:
        for _round in range(3):
            for c in held:
                c.sendall(b"x")
            began = time.monotonic()
            assert got(port) == 200 and time.monotonic() - began < 5
            # A whole form is answered too, as before.
            with posted(port, b"t=abc", 5) as whole:
                assert whole.recv(4000).startswith(b"HTTP/1.1 303 See Other")
    finally:
        for c in held:
            c.close()


@pytest.mark.slow
def test_connections_on_which_nothing_comes_are_ended(door):
    port, _child = door
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as silent, \
            socket.create_connection(("127.0.0.1", port), timeout=20) as half:  # fmt: skip
        half.sendall(b"POST /enter/ HTTP/1.1\r\nHost:")
        assert silent.recv(10) == b"" and half.recv(10) == b""
    assert serving.HEAD_SECONDS - 2 < time.monotonic() - began < serving.HEAD_SECONDS + 5


@pytest.mark.slow
def test_what_is_too_long_is_refused_from_its_length(door):
    with posted(door[0], b"t=abc", 50_000_000) as c:
        assert b"location: /long/" in c.recv(4000).lower()


@pytest.mark.slow
def test_no_request_is_refused_while_one_worker_follows_another(door):
    port, child = door
    ended, wrong, seen = threading.Event(), [], []

    def asks() -> None:
        while not ended.is_set():
            try:
                seen.append(got(port))
            except OSError as fault:
                wrong.append(repr(fault))

    # A form of which half was sent to the worker that goes is taken in by it.
    half = posted(port, b"t=", 5)
    asking = [threading.Thread(target=asks) for _ in range(4)]
    for t in asking:
        t.start()
    time.sleep(0.5)
    before = workers(child.pid)
    child.send_signal(signal.SIGHUP)  # the same that its lifetime does
    deadline = time.monotonic() + 60
    while len(workers(child.pid)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(2)
    half.sendall(b"abc")
    assert half.recv(4000).startswith(b"HTTP/1.1 303 See Other")
    half.close()
    while len(now := workers(child.pid)) != 1 or now == before:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    time.sleep(1)
    ended.set()
    for t in asking:
        t.join()
    assert not wrong and len(seen) > 20 and set(seen) == {200}


@pytest.mark.slow
def test_no_connection_is_refused_after_a_worker_was_killed(door):
    port, child = door
    ended, refused, seen = threading.Event(), [], []

    def asks() -> None:
        while not ended.is_set():
            try:
                seen.append(got(port))
            except OSError as fault:  # what the killed one was answering is lost
                if isinstance(getattr(fault, "reason", fault), ConnectionRefusedError):
                    refused.append(repr(fault))

    asking = [threading.Thread(target=asks) for _ in range(4)]
    for t in asking:
        t.start()
    try:
        (killed,) = workers(child.pid)
        os.kill(killed, signal.SIGKILL)
        while Path(f"/proc/{killed}").exists():
            time.sleep(0.01)
        # Whoever comes while there is nobody waits, and is answered by the next.
        assert got(port) == 200
    finally:
        ended.set()
        for t in asking:
            t.join()
    assert not refused and seen and set(seen) == {200}
    assert child.poll() is None and killed not in workers(child.pid)


@pytest.mark.slow
def test_a_door_whose_workers_keep_stopping_ends(tmp_path):
    port, child = started(tmp_path)
    try:
        for _again in range(2):
            assert child.poll() is None and got(port) == 200
            (pid,) = workers(child.pid)
            os.kill(pid, signal.SIGKILL)
        assert child.wait(25) == 1
    finally:
        if child.poll() is None:
            child.kill()


def workers(pid: int) -> set[int]:
    """The living children of a process that answer requests."""
    found = set()
    for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):  # gone since
            if "resource_tracker" not in Path(f"/proc/{c}/cmdline").read_text():
                found.add(int(c))
    return found


# --- the limits themselves ------------------------------------------------------------------------------------------


class Scope:
    """A request as the server hands it over."""

    method, path, query_string, scheme, http_version, authority = "POST", "/x/", "", "http", "1.1", None
    server, client = "127.0.0.1:1", "127.0.0.1:2"

    def __init__(self, **headers):
        self.headers = {k.replace("0", "-"): v for k, v in headers.items()}


class Proto:
    """Its body, part by part with a pause before each, and what was answered."""

    def __init__(self, *parts, pause=0.0):
        self.parts, self.pause, self.status = parts, pause, 0

    async def __aiter__(self):
        for part in self.parts:
            await asyncio.sleep(self.pause)
            yield part

    def response_bytes(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


class Stalled(Proto):
    """A body of which nothing comes after its first parts."""

    async def __aiter__(self):
        for part in self.parts:
            yield part
        await asyncio.sleep(5)


def echo(environ, start):
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


def test_a_form_has_an_end_however_it_trickles(monkeypatch):
    monkeypatch.setattr(serving, "FORM_SECONDS", 0.3)
    whole, quick, slow = serving.Whole(echo, "portal"), Proto(b"a", b"b"), Proto(*[b"x"] * 100, pause=0.05)

    async def both():
        await asyncio.gather(whole(Scope(), quick), whole(Scope(), slow))

    began = time.monotonic()
    asyncio.run(both())
    assert (quick.status, quick.body, slow.status) == (200, b"ab", 408) and time.monotonic() - began < 2


def test_when_too_many_are_half_sent_the_one_begun_longest_ago_gives_way(monkeypatch):
    monkeypatch.setattr(serving, "FORMS_AT_ONCE", 3)
    whole = serving.Whole(echo, "portal")
    slow = [Proto(b"x", pause=1.0) for _ in range(4)]

    async def all_of_them():
        await asyncio.gather(*(whole(Scope(), p) for p in slow))

    asyncio.run(all_of_them())
    assert [p.status for p in slow] == [408, 200, 200, 200]


def test_the_bytes_of_all_half_sent_forms_are_bounded(monkeypatch):
    monkeypatch.setattr(serving, "FORMS_BYTES", 250)
    whole = serving.Whole(echo, "portal")
    slow = [Proto(b"x" * 100, b"y", pause=0.3) for _ in range(3)]

    async def all_of_them():
        await asyncio.gather(*(whole(Scope(), p) for p in slow))

    asyncio.run(all_of_them())
    assert [p.status for p in slow] == [408, 200, 200]


@pytest.fixture
def files(monkeypatch):
    """A door to which one file at a time comes: held in memory, or passed on."""

    def at(largest: int):
        monkeypatch.setitem(serving.FILES, "portal", serving.Files(f"{__name__}:of_someone", 2, 1, 1_000_000, largest))
        monkeypatch.setattr(serving.importlib, "import_module", lambda name: SimpleNamespace(of_someone=of_someone))
        return serving.Whole(echo, "portal")

    return at


def of_someone(environ):
    return environ.get("HTTP_COOKIE", "")


def form_with_file(**headers):
    return Scope(content0type="multipart/form-data; boundary=x", **headers)


@pytest.mark.parametrize("largest", [0, 1000])
def test_a_file_is_taken_in_for_someone_and_read_to_its_end(files, largest):
    whole, proto = files(largest), Proto(*[b"x" * 10] * 50, pause=0.001)
    asyncio.run(whole(form_with_file(cookie="hers", content0length="500"), proto))
    assert (proto.status, proto.body) == (200, b"x" * 500)


def test_at_a_door_for_anyone_one_file_of_each_visit_comes_in_at_once(files):
    whole = files(1000)
    protos = [Proto(b"x", b"y", pause=0.2) for _ in range(5)]

    async def all_of_them():
        await asyncio.gather(*(whole(form_with_file(cookie=c), p) for c, p in zip("aabcd", protos, strict=True)))
        assert whole._coming == []

    asyncio.run(all_of_them())
    assert [p.status for p in protos] == [200, 503, 200, 503, 503]


@pytest.mark.parametrize("largest", [0, 1000])
def test_a_file_that_is_only_held_is_let_go_and_one_that_is_too_much(files, monkeypatch, largest):
    monkeypatch.setattr(serving, "PACE_AFTER", 0.1)
    whole, held = files(largest), Proto(*[b"x"] * 100, pause=0.02)
    began = time.monotonic()
    asyncio.run(whole(form_with_file(cookie="hers", content0length="100"), held))
    assert held.status in (0, 408) and time.monotonic() - began < 1.5 and whole._coming == []
    monkeypatch.setattr(serving, "PACE", 0)
    much = Proto(*[b"x" * 100_000] * 20)
    asyncio.run(whole(form_with_file(cookie="hers", content0length="2000000"), much))
    assert much.status == 408 and b"too large" in much.body


def test_whoever_waits_at_the_channel_is_shown_its_own_page_in_her_language(files, monkeypatch):
    whole = files(1000)
    monkeypatch.setattr(whole, "_name", "channel")
    protos = [Proto(b"x", b"y", pause=0.2) for _ in range(3)]

    async def all_of_them():
        asked = [form_with_file(cookie="a") for _ in protos]
        asked[1].path, asked[2].path = "/ar/inside/file/", "/xx/inside/file/"
        await asyncio.gather(*(whole(scope, p) for scope, p in zip(asked, protos, strict=True)))

    asyncio.run(all_of_them())
    assert [p.status for p in protos] == [200, 303, 303]
    assert [dict(p.headers)["Location"] for p in protos[1:]] == ["/ar/busy/", "/busy/"]


def test_a_file_larger_than_is_taken_is_cut_and_the_rest_dropped(files):
    whole, proto = files(1000), Proto(*[b"x" * 600] * 6)
    asyncio.run(whole(form_with_file(cookie="hers"), proto))
    assert proto.status == 200 and len(proto.body) == 1200


@pytest.mark.parametrize("status", ["403 Forbidden", "500 Oh", "408 Said in its own words", "200 OK"])
def test_whoever_sent_a_file_that_was_cut_reads_that_it_was(files, monkeypatch, status):
    monkeypatch.setattr(serving, "SILENT_SECONDS", 0.2)
    told = []

    def app(environ, start):
        try:
            environ["wsgi.input"].read()
        except OSError:
            told.append(environ.get(serving.CUT))
        start(status, [])
        return [b"what the page made of it"]

    whole, stalled = files(0), Stalled(b"x" * 10)
    whole._application = app
    asyncio.run(whole(form_with_file(cookie="hers", content0length="500"), stalled))
    assert told == [True] and whole._coming == []
    if status[:3] in ("200", "408"):  # the page spoke for itself
        assert (stalled.status, stalled.body) == (int(status[:3]), b"what the page made of it")
    else:
        assert stalled.status == 408 and b"did not come in time" in stalled.body


@pytest.mark.parametrize("cookie", [{}, {"cookie": "hers"}])
def test_half_of_what_someone_sent_is_never_taken_for_all_of_it(files, cookie):
    whole, proto = files(1000), Proto(b"half of")
    asyncio.run(whole(form_with_file(content0length="14", **cookie), proto))
    assert proto.status == 0


def test_a_header_that_could_be_taken_for_anothers_is_left_out():
    scope = Scope(cookie="a=1", x_forwarded_proto="https")
    environ = serving.environ_of(scope)
    assert environ["HTTP_COOKIE"] == "a=1" and "HTTP_X_FORWARDED_PROTO" not in environ


# --- one person has only a part of the threads ----------------------------------------------------------------------


@pytest.fixture
def shared(monkeypatch):
    """A door of four threads whose application holds each form until it is let go: (door, under way by cookie, let go)."""
    monkeypatch.setitem(serving.SHARED, "portal", f"{__name__}:of_someone")
    monkeypatch.setattr(serving, "_named", lambda place: of_someone_known)
    monkeypatch.setattr(serving, "WAITING", 6)
    go, held = threading.Event(), []

    def app(environ, start):
        if environ["REQUEST_METHOD"] == "POST":
            held.append(environ.get("HTTP_COOKIE", ""))
            assert go.wait(20)
        start("200 OK", [])
        return [environ["wsgi.input"].read()]

    return serving.Whole(app, "portal"), held, go


def of_someone_known(environ):
    """A cookie names a person and a session: two sessions of one person are one person's."""
    return environ["HTTP_COOKIE"].partition("-")[0].replace("invented", "")


def page(**headers):
    scope = Scope(**headers)
    scope.method = "GET"
    return scope


def test_one_persons_forms_leave_threads_to_everyone_else_and_are_served_in_turn(shared):
    whole, held, go = shared
    assert (serving.threads("portal"), serving.share("portal")) == (4, 2)

    async def play():
        forms = [Proto(b"%d" % n) for n in range(8)]
        sent = []
        for n, form in enumerate(forms):
            sent.append(asyncio.ensure_future(whole(Scope(cookie=f"sami-{n % 3}"), form)))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert len(held) == 2 and not any(f.status for f in forms)
        # Anyone else, with a session or without one, is answered at once.
        for scope in (page(cookie="adva-1"), page(), page(cookie="invented-1")):
            other = Proto()
            await asyncio.wait_for(whole(scope, other), 5)
            assert other.status == 200
        # What is more than may wait is told so, and nothing of it was taken.
        more = Proto(b"x")
        await asyncio.wait_for(whole(Scope(cookie="sami-9"), more), 5)
        assert more.status == 503 and b"Nothing of this was taken" in more.body
        assert dict(more.headers)["Retry-After"] and len(held) == 2
        go.set()
        await asyncio.gather(*sent)
        assert [(f.status, f.body) for f in forms] == [(200, b"%d" % n) for n in range(8)] and len(held) == 8
        assert not whole._turns._by

    asyncio.run(play())


def test_strangers_from_one_address_leave_threads_too(shared):
    whole, held, go = shared

    async def play():
        forms = [Proto(b"x") for _ in range(5)]
        invented = [Scope(cookie=f"invented-{n}") for n in range(5)]
        sent = [asyncio.ensure_future(whole(s, f)) for s, f in zip(invented, forms, strict=True)]
        await asyncio.sleep(0.3)
        assert len(held) == 2 and not whole._known  # a session that is nobody's is kept in mind for nobody
        other = Proto()
        await asyncio.wait_for(whole(page(cookie="adva-1"), other), 5)
        assert other.status == 200
        go.set()
        await asyncio.gather(*sent)
        assert {f.status for f in forms} == {200}

    asyncio.run(play())


def test_it_is_known_for_a_minute_whose_a_session_is(shared, monkeypatch):
    whole, _held, _go = shared
    asked = []
    whole._person = lambda environ: asked.append(1) or of_someone_known(environ)
    monkeypatch.setattr(serving, "KNOWN", 3)

    async def play():
        for _ in range(3):
            await whole(page(cookie="adva-1"), Proto())
        assert len(asked) == 1
        real = time.monotonic
        monkeypatch.setattr(serving.time, "monotonic", lambda: real() + 61)
        await whole(page(cookie="adva-1"), Proto())
        assert len(asked) == 2
        for n in range(10):
            await whole(page(cookie=f"adva-{n}"), Proto())
        assert len(whole._known) == 3 and b"adva" not in b"".join(whole._known)

    asyncio.run(play())


def test_the_office_counts_by_person():
    from answerable.vault import signin

    assert serving.SHARED.keys() == {"office"} and serving._named(serving.SHARED["office"]) is signin.whose
