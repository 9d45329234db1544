"""Argon2id in processes of its own: one or two at a time, gently, with a bounded queue (security.md §2.5).

A flood of attempts can then neither exhaust memory nor slow down the office: the stretching processes run when nobody
else wants the processor, and while many wait and the office is at work they stand still two parts of three, because
what they do to the memory slows down its pages even from another core. Whoever comes when the queue is full is asked to try again in a minute, whatever they typed.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.vault import primitives, userkeys

T = TypeVar("T")
# One core stays free for the office: on a small machine one stretching at a time, on a larger one two.
AT_ONCE = 1 if (os.cpu_count() or 1) <= 2 else 2
WAITING = 60
# How many wait before it counts as a flood, for how long the office counts as at work, and the pace while both hold.
FLOOD, AT_WORK_SECONDS = 3, 1.0
RUN_SECONDS, STAND_SECONDS = 0.003, 0.006
_pool: ProcessPoolExecutor | None = None
_office_seen = 0.0
_waiting = 0
_crowded = threading.Condition()
_making = threading.Lock()
_places = threading.BoundedSemaphore(AT_ONCE + WAITING)


def _quietly(vault: int) -> None:
    os.nice(19)
    if sys.platform.startswith("linux"):
        # One attempt's memory is kept for the next: fetching and clearing it anew costs everyone on the machine.
        ctypes.CDLL(None).mallopt(-4, 0)  # M_MMAP_MAX
        ctypes.CDLL(None).mallopt(-1, 128 * 1024 * 1024)  # M_TRIM_THRESHOLD
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        # A killed vault leaves nobody behind who holds a passphrase.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Told to stop together with the vault, they finish what it waits for, and it ends them; without it they end.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0) if os.getppid() != vault else None)
    if os.getppid() != vault:
        os._exit(0)


def start() -> None:
    """Make the stretching processes: once, when the vault process starts. Without them the work is done in place."""
    global _pool
    with _making:
        if _pool is None:
            _pool = ProcessPoolExecutor(
                AT_ONCE, multiprocessing.get_context("spawn"), initializer=_quietly, initargs=(os.getpid(),)
            )
            list(_pool.map(abs, range(AT_ONCE)))
            threading.Thread(target=_pace, args=(_pool,), daemon=True).start()


def office_at_work() -> None:
    """The office asked something a moment ago: its pages go before a flood at the door."""
    global _office_seen
    _office_seen = time.monotonic()


def _pace(pool: ProcessPoolExecutor) -> None:
    """While many wait and the office is at work, let the stretching processes run a little and stand still a little."""
    while pool is _pool:
        with _crowded:
            if not _crowded.wait_for(lambda: _waiting >= FLOOD, timeout=60):
                continue
        if time.monotonic() - _office_seen > AT_WORK_SECONDS:
            time.sleep(0.05)
            continue
        theirs = [child.pid for child in multiprocessing.active_children() if child.pid]
        _tell(theirs, signal.SIGSTOP)
        try:
            time.sleep(STAND_SECONDS)
        finally:
            _tell(theirs, signal.SIGCONT)
        time.sleep(RUN_SECONDS)


def _tell(pids: Sequence[int], what: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


@contextlib.contextmanager
def _counted() -> Iterator[None]:
    global _waiting
    with _crowded:
        _waiting += 1
        _crowded.notify()
    try:
        yield
    finally:
        with _crowded:
            _waiting -= 1


def stop() -> None:
    """End the stretching processes."""
    global _pool
    with _making:
        if _pool is not None:
            _pool.shutdown(wait=True, cancel_futures=True)
            _pool = None


def run(work: Callable[..., T], *args: Any) -> T:
    """Do one stretching with its arguments. Raises Refused when too many wait already."""
    pool = _pool
    if pool is None:
        return work(*args)
    if not _places.acquire(blocking=False):
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    try:
        with _counted():
            return pool.submit(work, *args).result(timeout=80)
    finally:
        _places.release()


def _open(wrapped: bytes, passphrase: str) -> bytes | None:
    try:
        return userkeys.open_user_key(wrapped, passphrase)
    except userkeys.WrongPassphrase:
        return None


def open_user_key(wrapped: bytes, passphrase: str) -> bytes:
    """userkeys.open_user_key, in a stretching process. Raises WrongPassphrase, Refused when too many wait."""
    private = run(_open, wrapped, passphrase)
    if private is None:
        raise userkeys.WrongPassphrase
    return private


def _new(passphrase: str, parameters: tuple[int, int, int]) -> tuple[bytes, bytes]:
    userkeys.set_parameters(userkeys.KdfParameters(*parameters))
    return userkeys.new_user_key(passphrase)


def new_user_key(passphrase: str) -> tuple[bytes, bytes]:
    """userkeys.new_user_key, in a stretching process."""
    p = userkeys.active_parameters()
    return run(_new, passphrase, (p.memory_kib, p.iterations, p.lanes))


def _wrapped(private: bytes, passphrase: str, parameters: tuple[int, int, int]) -> bytes:
    userkeys.set_parameters(userkeys.KdfParameters(*parameters))
    return userkeys.wrap_under_passphrase(private, passphrase)


def wrap(private: bytes, passphrase: str) -> bytes:
    """userkeys.wrap_under_passphrase, in a stretching process."""
    p = userkeys.active_parameters()
    return run(_wrapped, private, passphrase, (p.memory_kib, p.iterations, p.lanes))


def _both(secrets: tuple[bytes, bytes], salts: tuple[bytes, bytes], cost: tuple[int, int, int]) -> list[bytes]:
    memory, iterations, lanes = cost
    return [primitives.stretch(secret, salt, memory_kib=memory, iterations=iterations, lanes=lanes)
            for secret, salt in zip(secrets, salts, strict=True)]  # fmt: skip


def door_keys(
    secrets: tuple[bytes, bytes], salts: tuple[bytes, bytes], cost: userkeys.KdfParameters
) -> tuple[bytes, bytes]:
    """Two stretchings in one piece of work, always both: what a code opens alone and what it opens with its PIN."""
    one, other = run(_both, secrets, salts, (cost.memory_kib, cost.iterations, cost.lanes))
    return one, other


def light() -> bool:
    """Whether keys are stretched lightly: the demonstration and tests, where passphrases are printed anyway."""
    return bool(settings.VAULT_LIGHT)
