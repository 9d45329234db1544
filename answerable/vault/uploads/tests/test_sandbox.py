"""The room: whoever takes over the converter reaches nothing, in each of the ways the room can be had.

Each probe runs in a process of its own that shuts itself in as the converter does, tries, and says how it went.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

# What a host may forbid, and what then still holds.
ROOMS = {
    "namespaces+filter": "",
    "namespaces": "sandbox._filter = lambda: False",
    "filter": "sandbox._own_namespaces = lambda: False",
    "limits": "sandbox._filter = sandbox._own_namespaces = lambda: False",
}


def probe(
    code: str, room: str = "namespaces+filter", *, inside: bool = True, before: str = ""
) -> subprocess.CompletedProcess:
    """Run `code` behind sandbox.enter(), `before` in front of it. `outcome(f)` names what a call raised."""
    program = f"""
import ctypes, os, resource, signal, socket, subprocess, sys, time, encodings.idna, encodings.utf_8
from answerable.vault.uploads import sandbox
def outcome(f, *arguments):
    try:
        return f"done {{f(*arguments)!r}}"
    except BaseException as error:
        return type(error).__name__
def say(*words): os.write(1, (" ".join(map(str, words)) + "\\n").encode())
{ROOMS[room]}
{before}
got = sandbox.enter() if {inside} else {room!r}
assert got == {room!r}, got
{code}
os._exit(0)
"""
    return subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, env={}, cwd="/", timeout=60
    )


def namespaces_are_allowed() -> bool:
    return probe("").returncode == 0


AVAILABLE = list(ROOMS) if namespaces_are_allowed() else ["filter", "limits"]
every_room = pytest.mark.parametrize("room", AVAILABLE)
HERE = AVAILABLE[0]


def test_this_machine_shows_the_converter_at_its_best():
    """Where a host forbids namespaces, the tests of what they give are left out, and this says so."""
    if HERE != "namespaces+filter":
        pytest.skip("this host forbids namespaces, so only what holds without them was tested")


@every_room
@pytest.mark.parametrize(
    "kind", ["AF_INET, socket.SOCK_STREAM", "AF_INET6, socket.SOCK_DGRAM", "AF_UNIX", "AF_NETLINK, socket.SOCK_RAW"]
)
def test_it_cannot_open_a_socket(room, kind):
    code = f"say(outcome(lambda: socket.socket(socket.{kind})))"
    assert "done" in probe(code, room, inside=False).stdout, "outside it can"
    assert probe(code, room).stdout.strip() in ("OSError", "PermissionError")


NO_LIMITS = "sandbox._limit = lambda: None"


def test_the_filter_alone_refuses_sockets_files_and_processes():
    for attempt in ("socket.socket()", "open('/etc/passwd')", "os.fork()", "os.kill(1, 0)", "os.pipe()"):
        assert probe(f"say(outcome(lambda: {attempt}))", "filter", before=NO_LIMITS).stdout.strip() == "PermissionError"


@pytest.mark.skipif("namespaces" not in AVAILABLE, reason="this host forbids namespaces")
def test_even_with_a_socket_there_is_no_network():
    """Namespaces alone, the other two layers taken away."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"say(outcome(lambda: socket.create_connection({server.getsockname()!r}, 2)))"
        assert "done" in probe(code, "namespaces", inside=False).stdout
        assert probe(code, "namespaces", before=NO_LIMITS).stdout.strip() == "OSError"
    assert probe("say(socket.if_nameindex())", "namespaces", before=NO_LIMITS).stdout.strip() in ("[(1, 'lo')]", "[]")


@every_room
def test_it_cannot_read_the_vaults_files(room, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("the vault's key")
    paths = [str(secret), __file__, "/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/etc/ld.so.cache"]
    code = f"for p in {paths!r}: say(outcome(lambda: open(p).read()))"
    assert probe(code, room, inside=False).stdout.startswith("done")
    assert "done" not in probe(code, room).stdout and len(probe(code, room).stdout.split()) == len(paths)


@pytest.mark.skipif("namespaces" not in AVAILABLE, reason="this host forbids namespaces")
def test_there_is_nothing_there_to_read():
    """Namespaces alone: the root is empty and cannot be written, and no other process is to be seen."""
    code = "say(os.listdir('/'), outcome(lambda: open('/x', 'w')), os.getpid())"
    assert probe(code, "namespaces", before=NO_LIMITS).stdout.strip() == "[] OSError 1"


@every_room
def test_it_cannot_see_its_parents_environment(room):
    code = "say(dict(os.environ)); say(outcome(lambda: open(f'/proc/{PARENT}/environ').read()))"
    code = code.replace("{PARENT}", str(os.getpid()))
    out = probe(code, room).stdout
    assert "PATH" not in out and "done" not in out and out.startswith("{")


@every_room
@pytest.mark.parametrize(
    "attempt",
    ["os.fork()", "subprocess.run(['/bin/true'])", "os.execv('/bin/true', ['true'])", "os.open('/tmp', os.O_TMPFILE | os.O_RDWR)",
     "os.pipe()", "os.setuid(0)", "os.chroot('/')", "os.dup(1)"],
)  # fmt: skip
def test_it_cannot_start_or_open_or_become_anything(room, attempt):
    assert "done" not in probe(f"say(outcome(lambda: {attempt}))", room).stdout


@every_room
def test_it_holds_no_privilege_and_cannot_gain_one(room):
    # Read from outside while it waits, because inside there is no /proc.
    process = subprocess.Popen(
        [sys.executable, "-I", "-c",
         f"import os, sys\nfrom answerable.vault.uploads import sandbox\n{ROOMS[room]}\nsandbox.enter()\n"
         "os.write(1, b'ready'); os.read(0, 1); os._exit(0)"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, cwd="/", start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.read(5) == b"ready"
        (child,) = children_of(process.pid)
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{child}/status").read_text().splitlines() if ":\t" in line
        )
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0 and status["NoNewPrivs"] == "1"
        assert "0" not in status["Uid"].split()
        limits = Path(f"/proc/{child}/limits").read_text()
        for name, most in (
            ("core file size", 0),
            ("file size", 0),
            ("processes", 0),
            ("open files", 3),
            ("address space", 1 << 30),
        ):
            assert re.search(rf"Max {name}\s+{most}\s+{most}\s", limits), name
        # The files in /proc of a process that may not be dumped or traced are root's, whoever it runs as.
        assert Path(f"/proc/{child}/status").stat().st_uid == 0
        assert status["Seccomp"] == ("2" if "filter" in room else "0")
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def children_of(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@every_room
def test_it_ends_at_the_memory_limit(room):
    assert probe("say(outcome(lambda: len(bytearray(2 << 30))))", room).stdout.strip() == "MemoryError"
    assert "done" in probe("import mmap; say(outcome(mmap.mmap, -1, 2 << 30))", room, inside=False).stdout


@pytest.mark.slow
@every_room
def test_it_ends_at_the_processor_limit(room):
    began = time.monotonic()
    ended = probe("while True: pass", room, before="sandbox.CPU_SECONDS = 1")
    assert ended.returncode in (128 + 9, 128 + 24) and time.monotonic() - began < 10


@every_room
def test_it_cannot_write_a_file_even_through_an_open_one(room, tmp_path):
    target = tmp_path / "out"
    with target.open("wb") as out:
        program = (
            f"import os\nfrom answerable.vault.uploads import sandbox\n{ROOMS[room]}\nsandbox.enter()\n"
            "os.write(1, b'plain words')"
        )
        subprocess.run([sys.executable, "-I", "-c", program], stdout=out, stderr=subprocess.DEVNULL, env={}, timeout=30)
    assert target.read_bytes() == b""


@every_room
@pytest.mark.parametrize("call", ["libc.mprotect(memory, 4096, 7)", "libc.mmap(None, 4096, 7, 0x22, -1, 0)"])
def test_the_filter_gives_no_executable_memory(room, call):
    code = f"""
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_long
memory = ctypes.c_void_p(libc.mmap(None, 4096, 3, 0x22, -1, 0))
say({call} & 0xffffffffffffffff == 0xffffffffffffffff or {call} == -1)
"""
    assert probe(code, room).stdout.strip() == str("filter" in room)


def test_it_dies_with_the_process_that_started_it():
    process = subprocess.Popen(
        [sys.executable, "-I", "-c",
         "import os\nfrom answerable.vault.uploads import sandbox\nsandbox.enter()\nos.write(1, b'ready'); os.read(0, 1)"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}, cwd="/", start_new_session=True,
    )  # fmt: skip
    assert process.stdout.read(5) == b"ready"
    (child,) = children_of(process.pid)
    process.kill()
    process.wait(10)
    # Its end of the pipe closes when it is gone, and not before.
    assert process.stdout.read() == b""
    process.stdin.close()
    process.stdout.close()
    deadline = time.monotonic() + 5
    while (
        Path(f"/proc/{child}").exists()
        and "Z" not in Path(f"/proc/{child}/stat").read_text()
        and time.monotonic() < deadline
    ):
        time.sleep(0.02)
    assert time.monotonic() < deadline
