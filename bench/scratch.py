"""A scratch database with the demonstration alliance in it, dropped at the end."""

from __future__ import annotations

import os
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def alliance() -> Iterator[dict[str, Any]]:
    """Yield a played demonstration as the office's role; the passphrase is in the result."""
    os.environ["ANSWERABLE_DATABASE"] = f"bench_{secrets.token_hex(4)}"
    os.environ["ANSWERABLE_DOOR"], os.environ["DJANGO_SETTINGS_MODULE"] = "owner", "answerable.config.settings.owner"
    from answerable.config import postgres

    server = postgres.ensure_server()
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection, connections

    from answerable.common import clock
    from answerable.rehearsal import fixture, runner, scenario
    from answerable.vault import userkeys

    settings.ALLOWED_HOSTS, settings.REHEARSAL = ["*"], True
    userkeys.set_parameters(userkeys.LIGHT)
    passphrase = "six words for a bench only"
    try:
        call_command("migrate", verbosity=0)
        call_command("migrate", verbosity=0, database="keys")
        with connection.cursor() as c:
            c.execute("SET ROLE answerable_office")
        read = scenario.read(
            scenario.find("demonstration"), verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people()
        )
        from datetime import timedelta

        shift = timedelta(weeks=(clock.now() - scenario.instant(read.steps[-1]["at"])).days // 7)
        clock.fix(read.anchor + shift)
        fixture.load(passphrase=passphrase, keep_seat_key=lambda *_: None, progress=lambda _t: None)
        run = runner.Run(read, passphrase=passphrase, shift=shift)
        run.all()
        yield {"run": run, "passphrase": passphrase}
    finally:
        connections.close_all()
        with server.connect() as c:
            for name in (os.environ["ANSWERABLE_DATABASE"], os.environ["ANSWERABLE_DATABASE"] + "_keys"):
                c.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def seconds(act: Callable[[], Any], n: int) -> list[float]:
    """Wall times of n runs after one warm-up."""
    act()
    times = []
    for _ in range(n):
        t = time.perf_counter()
        act()
        times.append(time.perf_counter() - t)
    return times


def p95(times: list[float]) -> float:
    """95th percentile."""
    return statistics.quantiles(times, n=20)[-1]
