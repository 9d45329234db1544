"""Fixtures for the suite: work as the office's role, and refuse a write outside an action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

WRITES = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.I)
FREE = ("django_",)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Every database test has both databases: whatever is recorded asks the vault for a salt."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "played", "office", "saved"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.django_db(databases=["default", "keys"]), append=False)


@pytest.fixture(autouse=True)
def office_role(request: Any) -> Iterator[None]:
    """Inside a database test, be the office: its privileges, its row-level scope, and writes by actions only."""
    if "db" not in request.fixturenames and request.node.get_closest_marker("django_db") is None:
        yield
        return
    if "played" in request.fixturenames or "office" in request.fixturenames or "saved" in request.fixturenames:
        request.getfixturevalue("played")  # played as itself, before this test's own role and watch
    request.getfixturevalue("db")
    from django.db import connection

    from answerable.authority import acting

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found = WRITES.match(sql)
        if found and not found[2].startswith(FREE) and not acting.running():
            raise AssertionError(f"a write to {found[2]} outside an action")
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("SET ROLE answerable_office")
    try:
        if request.node.get_closest_marker("writes_freely"):
            yield
        else:
            with connection.execute_wrapper(watch):
                yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE")


@pytest.fixture(autouse=True)
def confirmed(monkeypatch: Any) -> None:
    """People whom a test takes straight from the database have just confirmed that it is they.

    Those of a request have not: their session says so, from the vault's answer (vault/signin.py).
    """
    from answerable.alliance.models import Person

    monkeypatch.setattr(Person, "fresh", True)


@pytest.fixture(autouse=True, scope="session")
def light_keys() -> Iterator[None]:
    """Passphrases in tests are stretched lightly."""
    from answerable.vault import userkeys

    before = userkeys.set_parameters(userkeys.LIGHT)
    yield
    userkeys.set_parameters(before)
