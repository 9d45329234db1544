"""From `answerable run` to the first page, on a new data folder and on a second start."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port() -> int:
    """A port nobody holds now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


data, times = tempfile.mkdtemp(), []
for _ in range(2):
    ports = [free_port() for _ in range(3)]
    env = {**os.environ, "ANSWERABLE_DATA": data, "ANSWERABLE_OFFICE_PORT": str(ports[0]),
           "ANSWERABLE_PORTAL_PORT": str(ports[1]), "ANSWERABLE_CHANNEL_PORT": str(ports[2])}  # fmt: skip
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "answerable", "run"], env=env, stdout=subprocess.DEVNULL)
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/sign-in/", timeout=2) as reply:
                if reply.status == 200:
                    break
        except OSError:
            if process.poll() is not None or time.perf_counter() - started > 120:
                sys.exit("it did not start")
            time.sleep(0.05)
    times.append(time.perf_counter() - started)
    process.send_signal(signal.SIGINT)
    process.wait(30)
print(
    f"first start with the demonstration {times[0]:.1f} s, second start {times[1]:.1f} s, ratio {times[1] / times[0]:.2f}"
)
