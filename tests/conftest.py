"""The demonstration alliance, played once through the real actions, for walks and security tests."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from door_support import door  # noqa: F401 - a fixture


def see_all() -> None:
    """Let the test itself look at every row; requests set their own scope."""
    from answerable.authority.acting import set_scope

    set_scope(["*"])


PASSPHRASE = "only for the test suite, six words"


@pytest.fixture(scope="session")
def played(django_db_setup, django_db_blocker):
    """A database in which the demonstration has been played; each test works in a transaction above it."""
    from django.db import connection

    from answerable.alliance.models import Person
    from answerable.common import clock
    from answerable.rehearsal import fixture, runner, scenario
    from answerable.vault import userkeys

    with django_db_blocker.unblock():
        userkeys.set_parameters(userkeys.LIGHT)
        if Person.objects.exists():
            yield {}
            return
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE answerable_office")
        read = scenario.read(
            scenario.find("demonstration"), verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people()
        )
        # Two days and more ago, so that a test can tell of yesterday: nothing is entered before what is entered already.
        shift = timedelta(weeks=(clock.now() - timedelta(days=2) - scenario.instant(read.steps[-1]["at"])).days // 7)
        clock.fix(read.anchor + shift)
        seats = {}
        fixture.load(passphrase=PASSPHRASE, keep_seat_key=seats.__setitem__, progress=lambda _t: None)
        run = runner.Run(read, passphrase=PASSPHRASE, shift=shift)
        run.all()
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
        assert all(o.passed or o.what.startswith("due_on") for o in run.outcomes)
        yield {"run": run, "seats": seats}


@pytest.fixture
def office(played, db):
    """`office("sami")` is a browser in which sami has signed in."""

    def sign_in(handle: str) -> Client:
        client = Client()
        reply = client.post("/sign-in/", {"handle": handle, "passphrase": PASSPHRASE})
        assert reply.status_code == 303, reply.content[:400]
        return client

    return sign_in


@pytest.fixture
def saved(played, db):
    """An object of the demonstration by the name its scenario gave it."""

    def fresh(name: str):
        see_all()
        return played["run"].fresh(name)

    return fresh


ROOT = Path(__file__).resolve().parents[1]
