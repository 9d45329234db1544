"""Fixtures for the suite: work as the office's role, and refuse a write outside an action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WRITES = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.I)
FREE = ("django_",)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Every database test has both databases: whatever is recorded asks the vault for a salt."""
    for item in items:
        if item.get_closest_marker("django_db") or {"db", "played", "office", "saved"} & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker(pytest.mark.django_db(databases=["default", "keys"]), append=False)


ROOT = Path(__file__).resolve().parents[2]
MATRIX = "tests/security/matrix/"  # its tests ask the policies a great many questions, each once in a process


@cache
def _shares(path: str) -> bool:
    """Whether the tests of a module share what it makes once, as a database with the demonstration or a running vault."""
    return 'scope="module"' in (ROOT / path).read_text(encoding="utf-8")


class ByWhatIsShared(LoadScopeScheduling):
    """Hand tests out one by one, but those that share what their module makes to one worker, so that it is made once.

    xdist's own groups (`--dist loadgroup`) write into a field of a test that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        if path.startswith(MATRIX):
            return MATRIX
        return path if _shares(path) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByWhatIsShared:
    """The order stays as collected: an empty database before one in which the demonstration has been played."""
    config.option.loadscopereorder = False
    return ByWhatIsShared(config, log)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: Any) -> None:
    """Copy the tests' databases from kept, migrated ones: migrating was half of each worker's wait before its first test.

    The first worker makes them and the others wait, so it is done once. A server named by DATABASE_URL is left nothing.
    """
    from django.db import connections

    from answerable.config import migrated

    with django_db_blocker.unblock():
        for alias, name in migrated.kept().items():
            connections[alias].settings_dict["TEST"]["TEMPLATE"] = name


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


@pytest.fixture(autouse=True)
def english() -> None:
    """A page that a test read in another language leaves that language to what its worker does next."""
    from django.utils import translation

    translation.activate("en")


@pytest.fixture(autouse=True, scope="session")
def light_keys() -> Iterator[None]:
    """Passphrases in tests are stretched lightly."""
    from answerable.vault import userkeys

    before = userkeys.set_parameters(userkeys.LIGHT)
    yield
    userkeys.set_parameters(before)
