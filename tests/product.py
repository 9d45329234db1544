"""The product as `make run` starts it, for tests that need every process: ports of its own, a fresh data folder."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PASSPHRASE = "only a demonstration passphrase"


class Browser:
    """Cookies and forms, no script: enough for every page."""

    def __init__(self, base: str) -> None:
        self.base, self.page, self.status, self.url = base, "", 0, ""
        self.jar = http.cookiejar.CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar)).open

    def get(self, path: str) -> str:
        """The page at a path; its status in `status`."""
        return self._take(urllib.request.Request(self.base + path))

    def post(self, path: str, fields: dict[str, object]) -> str:
        """Send a form as the last page would, with its token."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        pairs = [("csrfmiddlewaretoken", found.group(1) if found else "")]
        for name, value in fields.items():
            pairs += [(name, str(v)) for v in (value if isinstance(value, list) else [value])]
        data = urllib.parse.urlencode(pairs).encode()
        return self._take(urllib.request.Request(self.base + path, data, {"Origin": self.base}))

    def _take(self, request: urllib.request.Request) -> str:
        try:
            reply = self._open(request, timeout=60)
        except urllib.error.HTTPError as error:
            reply = error
        self.status, self.url = reply.status, reply.url.removeprefix(self.base)
        self.page = reply.read().decode(errors="replace")
        return self.page


class Product:
    """Everything running on one data folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data, self.log = folder, folder / "run.log"
        self.ports = {name: _free_port() for name in ("office", "portal", "channel")}
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("DJANGO", "ANSWERABLE"))}
        self.env |= {"ANSWERABLE_DATA": str(folder), **settings}
        self.env |= {f"ANSWERABLE_{n.upper()}_PORT": str(p) for n, p in self.ports.items()}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "answerable", "run"],
                env=self.env,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 300
        while "Answerable runs" not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.2)

    def at(self, door: str) -> str:
        """A door's address."""
        return f"http://localhost:{self.ports[door]}"

    def browser(self, door: str = "office", handle: str = "") -> Browser:
        """A browser at a door; signed in when a handle is given."""
        made = Browser(self.at(door))
        if handle:
            made.get("/sign-in/")
            made.post("/sign-in/", {"handle": handle, "passphrase": PASSPHRASE})
            assert made.status == 200 and made.url.startswith("/today"), (handle, made.status, made.url)
        return made

    def pids(self) -> dict[str, list[int]]:
        """Process numbers of each server process, by the words of its command line."""
        found: dict[str, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"ANSWERABLE_DATA={self.data}".encode() + b"\0" not in environment + b"\0":
                continue
            for name in ("wsgi_office", "wsgi_portal", "wsgi_channel", "vault serve", "answerable worker"):
                if name in command:
                    found.setdefault(name.removeprefix("wsgi_").split()[-1 if "worker" in name else 0], []).append(
                        int(entry.name)
                    )
        return found

    def cli(self, *args: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """An `answerable` command on the same data folder."""
        return subprocess.run(
            [sys.executable, "-m", "answerable", *args],
            env=self.env,
            cwd=ROOT,
            input=text,
            capture_output=True,
            text=True,
        )

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(40)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
