"""Migrated, empty databases that are kept beside the others, so that a scratch database is a copy of them.

Migrating takes two thirds of a short rehearsal and most of what a test waits for before it begins. A server named by
DATABASE_URL is left nothing: there each scratch database is migrated by itself.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path

from answerable.config import postgres

PACKAGE = Path(__file__).resolve().parents[1]
# What a migrated, empty database follows from; what else migrations import gives them names and defaults alone.
FOLLOWS_FROM = ("*/migrations/*.py", "*/*/migrations/*.py", "monitoring/grades.py", "config/grants.py")


def _name(alias: str) -> str:
    """The name under which a migrated, empty database of an alias is kept, by all that it follows from."""
    import django

    said = hashlib.sha256(django.__version__.encode())
    for path in sorted(p for pattern in FOLLOWS_FROM for p in PACKAGE.glob(pattern)):
        said.update(b"%s %d " % (path.name.encode(), path.stat().st_size) + path.read_bytes())
    return f"migrated_{alias}_{said.hexdigest()[:16]}"


def _make(alias: str, name: str) -> None:
    """Migrate an empty database and keep it under `name`; those of other migrations go."""
    from django.core.management import call_command
    from django.db import connections

    connection = connections[alias]
    was, making = connection.settings_dict["NAME"], f"migrated_{alias}"
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{making}%"])
        for (old,) in cursor.fetchall():
            cursor.execute(f'DROP DATABASE "{old}"')
        cursor.execute(f'CREATE DATABASE "{making}"')
    connection.close()
    connection.settings_dict["NAME"] = making
    try:
        call_command("migrate", verbosity=0, interactive=False, database=alias, run_syncdb=True)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = was
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{making}" RENAME TO "{name}"')


def kept() -> dict[str, str]:
    """Alias → name of its kept database; made now where it is missing, while others wait. Nothing with DATABASE_URL."""
    from django.db import connections

    if postgres.external():
        return {}
    found = {alias: _name(alias) for alias in connections}
    with (postgres.data_dir() / "migrated.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for alias, name in found.items():
            with connections[alias]._nodb_cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                there = cursor.fetchone()
            if not there:
                _make(alias, name)
    return found


def begin_as_copies(server: postgres.Server) -> None:
    """Put copies of the kept databases in place of this process's own, which are new and empty. What migrating does at its end
    is still to be done, as it is after any migration.
    """
    from django.db import connections

    copies = kept()
    for alias, name in copies.items():
        own = connections[alias].settings_dict["NAME"]
        connections[alias].close()
        with server.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{own}" WITH (FORCE)'.encode())
            connection.execute(f'CREATE DATABASE "{own}" OWNER answerable_owner TEMPLATE "{name}"'.encode())
    if copies:
        postgres.prepare(server)
