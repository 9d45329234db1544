"""The stretching processes: they give the processor to the office in a flood, and answer the same as without."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from answerable.vault import primitives, stretching, userkeys

COST = userkeys.KdfParameters(memory_kib=8 * 1024, iterations=6, lanes=1)
SALTS = (b"a" * 16, b"b" * 16)


@pytest.fixture
def pool():
    stretching.start()
    yield
    stretching.stop()


@pytest.fixture
def told(monkeypatch):
    """What the stretching processes were told, still telling them."""
    said, tell = [], stretching._tell
    monkeypatch.setattr(stretching, "_tell", lambda pids, what: (said.append((tuple(pids), what)), tell(pids, what)))
    return said


def _attempts(n: int) -> list[bool]:
    right = tuple(
        primitives.stretch(b"x", salt, memory_kib=COST.memory_kib, iterations=COST.iterations, lanes=1)
        for salt in SALTS
    )
    with ThreadPoolExecutor(n) as crowd:
        found = crowd.map(lambda _n: stretching.door_keys((b"x", b"x"), SALTS, COST), range(n))
        return [keys == right for keys in found]


def _at_work(until: threading.Event) -> None:
    while not until.wait(0.01):
        stretching.office_at_work()


@pytest.mark.slow
def test_in_a_flood_they_stand_still_for_an_office_at_work_and_answer_the_same(pool, told):
    done = threading.Event()
    office = threading.Thread(target=_at_work, args=(done,))
    office.start()
    try:
        assert all(_attempts(20))
    finally:
        done.set()
        office.join()
    stood = [pids for pids, what in told if what == signal.SIGSTOP]
    assert stood and all(len(pids) == stretching.AT_ONCE for pids in stood)
    assert sum(what == signal.SIGSTOP for _p, what in told) == sum(what == signal.SIGCONT for _p, what in told)


def test_one_person_alone_is_never_made_to_wait_for_the_office(pool, told):
    stretching.office_at_work()
    assert all(_attempts(1)) and not told


@pytest.mark.slow
def test_a_flood_while_nobody_is_at_the_office_runs_freely(pool, told, monkeypatch):
    monkeypatch.setattr(stretching, "_office_seen", time.monotonic() - 3600)
    assert all(_attempts(20)) and not told
