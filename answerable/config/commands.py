"""Shell commands that belong to the installation as a whole."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from answerable.common.errors import Refused
from answerable.config import migrated, postgres

DEMO_PIN = "2580"


def run(argv: list[str]) -> int:
    """Start everything until Ctrl-C."""
    argparse.ArgumentParser(prog="answerable run", description="Start everything on this machine.").parse_args(argv)
    from answerable.config import processes

    return processes.run()


def migrate(argv: list[str]) -> int:
    """Bring the schema up to date; a database that holds anything is backed up first."""
    argparse.ArgumentParser(prog="answerable migrate", description="Update the database.").parse_args(argv)
    postgres.ensure_server()
    from django.core.management import call_command
    from django.db import connection, connections
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.vault_personkey')")
        if cursor.fetchone() != (None,):
            raise Refused(
                "This data folder was made before the vault had a database of its own, and its keys do not move by "
                "themselves. Use a new data folder (ANSWERABLE_DATA).",
                reason="older",
            )
    executor = MigrationExecutor(connection)
    applied = set(executor.loader.applied_migrations)
    known = set(executor.loader.disk_migrations)
    if unknown := sorted(f"{a}.{n}" for a, n in applied - known if a in {c.split(".")[-1] for c in _apps()}):
        raise Refused(
            f"The data folder comes from a newer version of Answerable ({unknown[0]}). Use that version, or another "
            "data folder (ANSWERABLE_DATA).",
            reason="newer",
        )
    of_keys = MigrationExecutor(connections["keys"])
    keys_plan = of_keys.migration_plan(of_keys.loader.graph.leaf_nodes())
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan and not keys_plan:
        return 0
    if applied:
        print("The database is of an older version: backing it up, then updating …", flush=True)
        print(f"Backup: {postgres.backup('before-update')}")
    else:
        print("Setting up the database (once) …", flush=True)
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, database="keys")
    return 0


def _apps() -> list[str]:
    from django.conf import settings

    return [a for a in settings.INSTALLED_APPS if a.startswith("answerable.")]


def demo(argv: list[str]) -> int:
    """Load the fictional alliance, or say who may sign in."""
    parser = argparse.ArgumentParser(prog="answerable demo", description="The demonstration alliance, all fictional.")
    parser.add_argument("--if-empty", action="store_true", help="load only into an empty database")
    parser.add_argument("--who", action="store_true", help="list people and the passphrase")
    args = parser.parse_args(argv)
    from answerable.alliance.models import Person
    from answerable.rehearsal import fixture
    from answerable.vault.demonstration import PASSPHRASE

    marker = postgres.data_dir() / "demonstration"
    if args.who:
        if not marker.exists():
            print("\nSign in at the office with your own name and passphrase.")
            return 0
        print("\nThis is a DEMONSTRATION: states and people are invented, and everyone has the same passphrase:")
        print(f"  {PASSPHRASE}\n")
        for role in fixture.PEOPLE:
            if not role.handle.startswith(("expert", "delegate.")) or role.handle in {"expert1", "delegate.avn"}:
                more = " (… expert7)" if role.handle == "expert1" else ""
                more = " (… delegate.blm, delegate.cdy and twelve more)" if role.handle == "delegate.avn" else more
                print(f"  {role.handle:13} {role.what}{more}")
        print("  ines          registrar: states, people, grants;   arno   confirms grants")
        code, pin = (postgres.data_dir() / "demonstration-code").read_text().splitlines()
        print(f"\n  At the channel, a code with an answer to read:  {code}   PIN {pin}")
        return 0
    if Person.objects.exists():
        if args.if_empty:
            return 0
        raise Refused("The database already holds an alliance; the demonstration is loaded into an empty one only.")
    started = time.monotonic()
    # All or nothing: a demonstration that was interrupted leaves an empty database, which loads again.
    from django.db import transaction

    from answerable.common import clock
    from answerable.record import log as record_log
    from answerable.rehearsal import runner, scenario
    from answerable.tools import custodian
    from answerable.vault import primitives, userkeys
    from answerable.vault.chamber import CHAMBER
    from answerable.vault.server import demonstration_key

    userkeys.set_parameters(userkeys.LIGHT)
    _without_passkeys()
    read = scenario.read(
        scenario.find("demonstration"), verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people()
    )
    last = scenario.instant(read.steps[-1]["at"])
    now = clock.now()
    # Whole weeks, so that deadlines fall on the weekdays the scenario was written for.
    shift = timedelta(weeks=(now - last).days // 7)
    seats: dict[str, bytes] = {}
    print("Loading the demonstration alliance (once) …", flush=True)
    with transaction.atomic(), transaction.atomic(using="keys"), _playing():
        record_log.apart()  # each act in it is a piece of work of its own
        clock.fix(read.anchor + shift)
        fixture.load(
            passphrase=PASSPHRASE,
            keep_seat_key=seats.__setitem__,
            progress=lambda text: print(f"  {text}", flush=True),
        )
        print("  Playing a year of work through the same actions everyone uses …", flush=True)
        run_ = runner.Run(read, passphrase=PASSPHRASE, shift=shift)
        run_.all()
        # A demonstration is a year that has passed: grants begun then would otherwise end soon.
        failed = [o for o in run_.outcomes if not o.passed and not o.what.startswith("due_on")]
        if failed:
            raise ValueError(f"the demonstration does not play: {failed[0]}")
    # Three custodians would hold these on three laptops in three bodies; a demonstration has one machine.
    folder = postgres.data_dir() / "demonstration-seats"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    for name, key in seats.items():
        custodian.write_seat(
            folder / "".join(c for c in name.replace(" ", "-") if c.isalpha() or c == "-"), name,
            primitives.public_key(key), userkeys.wrap_private(key, PASSPHRASE),
        )  # fmt: skip
    # A real vault's root key is in the heads and hands of two keepers; a demonstration opens by itself, and says so.
    if CHAMBER.root is None:
        raise ValueError("the demonstration did not found its vault")
    with os.fdopen(os.open(demonstration_key(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(CHAMBER.root.hex())
    issued = run_.codes["door"]
    (postgres.data_dir() / "demonstration-code").write_text(f"{' '.join(issued.code.groups)}\n{DEMO_PIN}\n")
    marker.write_text("fictional\n")
    from answerable.record import signing

    signing.checkpoint()
    print(f"  Done in {time.monotonic() - started:.0f} s.", flush=True)
    return 0


def _without_passkeys() -> None:
    """Invented people who play a year in one process hold no passkeys; this process alone does not ask for them."""
    from django.conf import settings

    settings.TWO_AUTHENTICATORS = False


def found(argv: list[str]) -> int:
    """Begin a real alliance: its registrar and its administrator, each with a fresh passphrase shown once."""
    parser = argparse.ArgumentParser(prog="answerable found", description="Begin a real alliance with two persons.")
    parser.add_argument("--secretariat", required=True, help="name of the secretariat")
    parser.add_argument("--registrar", required=True, metavar="HANDLE:NAME")
    parser.add_argument("--administrator", required=True, metavar="HANDLE:NAME")
    args = parser.parse_args(argv)
    from answerable.alliance import actions as alliance
    from answerable.alliance.models import Person
    from answerable.authority.principals import CLOCK
    from answerable.vault import actions as vault
    from answerable.vault import userkeys
    from answerable.vault.client import ask

    pairs = []
    for text in (args.registrar, args.administrator):
        handle, _, name = text.partition(":")
        if not handle or not name:
            raise Refused(f"“{text}” should read handle:Full Name.", reason="usage")
        pairs.append((handle, name))
    people = Person.objects.select_related("body__state").in_bulk([h for h, _n in pairs], field_name="handle")
    if len(people) == 2 and not ask("status")["founded"]:
        print("The founding was interrupted; it goes on where it stopped.", file=sys.stderr)
    else:
        # In force before the keys are made: the vault looks for itself at who founds it.
        alliance.found_alliance(registrar=pairs[0], administrator=pairs[1], secretariat=args.secretariat, by=CLOCK)
        people = Person.objects.select_related("body__state").in_bulk([h for h, _n in pairs], field_name="handle")
    both, said = [people[h] for h, _n in pairs], []
    for person in both:
        person.fresh = person.enrolled = True
    for person in both:
        passphrase = userkeys.new_passphrase()
        vault.enrol_key(person, passphrase, by=both[0])
        said.append((person.handle, passphrase))
    vault.found_vault(both, by=both[0])
    print("Write these down now; they are shown once and kept nowhere:\n")
    for handle, passphrase in said:
        print(f"  {handle:20} {passphrase}")
    return 0


def enrol(argv: list[str]) -> int:
    """Give a person their key; the passphrase is shown once. With --open COMPARTMENT, make a compartment they read first."""
    parser = argparse.ArgumentParser(
        prog="answerable enrol", description="Give a person their key, or open a compartment."
    )
    parser.add_argument("handle")
    parser.add_argument(
        "--as", dest="registrar", required=True, metavar="HANDLE", help="the registrar who answers for it"
    )
    parser.add_argument(
        "--open", metavar="COMPARTMENT", help="monitoring, claims, interviews, or monitoring/<ref of a partner>"
    )
    args = parser.parse_args(argv)
    from answerable.alliance.models import Person
    from answerable.vault import actions as vault
    from answerable.vault import userkeys
    from answerable.vault.client import ask

    people = {
        p.handle: p
        for p in Person.objects.select_related("body__state").filter(handle__in=[args.handle, args.registrar])
    }
    for handle in (args.handle, args.registrar):
        if handle not in people:
            raise Refused(f"Nobody signs in as {handle}.", reason="usage")
    by = people[args.registrar]
    try:
        typed = getpass.getpass(f"Passphrase of {args.registrar}, who answers for it: ")
    except EOFError:
        raise Refused("The registrar's passphrase is needed; nothing was changed.", reason="usage") from None
    by.session_token = by.vault_session = ask("sign_in", handle=args.registrar, passphrase=typed)["token"]
    by.fresh = by.enrolled = True
    try:
        if args.open:
            vault.open_compartment(args.open, [people[args.handle]], by=by)
            print(f"{args.open} is open; {args.handle} reads it and can admit others.")
            return 0
        passphrase = userkeys.new_passphrase()
        vault.enrol_key(people[args.handle], passphrase, by=by)
    finally:
        ask("end_session", token=by.session_token)
    print(f"Shown once and kept nowhere:\n\n  {args.handle:20} {passphrase}")
    return 0


def backup(argv: list[str]) -> int:
    """Back up the working facts, and in another folder the keys, which are kept fourteen days and no longer."""
    parser = argparse.ArgumentParser(prog="answerable backup", description="Back up facts and, apart from them, keys.")
    parser.add_argument("--only", choices=["facts", "keys"], help="one of the two")
    args = parser.parse_args(argv)
    if args.only != "keys":
        print(f"Facts: {postgres.backup('daily')} (the last {postgres.MAIN_BACKUPS_KEPT} are kept)")
    if args.only != "facts":
        print(f"Keys:  {postgres.backup_keys('daily')} (kept {postgres.KEYS_BACKUP_DAYS} days at most, so that what was "
              "shredded stays so; keep them on another machine than the facts)")  # fmt: skip
    return 0


def worker(argv: list[str]) -> int:
    """Do what the clock owes, each as its own act by CLOCK, every minute; a checkpoint every six hours."""
    parser = argparse.ArgumentParser(prog="answerable worker", description="Deadlines, expiries and checkpoints.")
    parser.add_argument("--once", action="store_true", help="do what is owed now and stop")
    args = parser.parse_args(argv)
    import signal
    import threading

    from django.db import connection

    from answerable.authority.acting import reading_as
    from answerable.authority.principals import CLOCK
    from answerable.channel import actions as channel
    from answerable.channel import quarantine
    from answerable.measures import actions as measures
    from answerable.monitoring.intake.actions import lapsing
    from answerable.monitoring.linking import actions as linking
    from answerable.monitoring.looking import actions as looking
    from answerable.monitoring.patterns import actions as patterns
    from answerable.monitoring.warning import actions as warning
    from answerable.monitoring.warning import making
    from answerable.record import signing
    from answerable.vault.consent import actions as consent
    from answerable.vault.custody import actions as custody

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())

    def checkpoint() -> None:
        with reading_as(CLOCK):
            due = signing.is_due()
        if due:
            signing.checkpoint()

    while True:
        # Each on its own: what fails in one field of work never holds up a withdrawal, or the other way round.
        for work in (
            consent.owed,
            measures.owed,
            custody.owed,
            channel.owed,
            warning.owed,
            checkpoint,
            quarantine.owed,
            linking.owed,
            patterns.owed,
            lapsing.owed,
            postgres.rotate_keys_backups,
            making.owed,
            looking.owed,
        ):
            try:
                work()
            except Exception as fault:  # the database may be away for a moment: say so, keep the clock running
                from answerable.common.faults import where

                print(f"worker: {where(fault)}", file=sys.stderr, flush=True)
                connection.close()
        if args.once:
            return 0
        # Between two minutes, work that someone waits for at a page begins within seconds (decision 0045).
        for _second in range(20):
            if stop.wait(3):
                return 0
            try:
                looking.work(until=stop.is_set)
            except Exception as fault:
                from answerable.common.faults import where

                print(f"worker: {where(fault)}", file=sys.stderr, flush=True)
                connection.close()


@contextmanager
def _playing() -> Iterator[None]:
    """Be the office of a year that has passed, in the transaction under way: only for it may entries lie in the past."""
    from django.db import connection

    from answerable.config import grants

    with connection.cursor() as cursor:
        grants.keep_time(cursor, rehearsal=True)
        cursor.execute("SET ROLE answerable_office")
        yield
        cursor.execute("RESET ROLE")
        grants.keep_time(cursor, rehearsal=False)
        cursor.execute("SET ROLE answerable_office")


@contextmanager
def _scratch() -> Iterator[None]:
    """A database of its own for one rehearsal, dropped afterwards whatever happened."""
    import secrets

    name = f"rehearsal_{secrets.token_hex(6)}"
    os.environ["ANSWERABLE_DATABASE"], os.environ["ANSWERABLE_DOOR"] = name, "owner"
    os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
    server = postgres.ensure_server()
    import django

    django.setup()
    from django.conf import settings
    from django.db import connections

    settings.REHEARSAL = True
    _without_passkeys()
    try:
        migrated.begin_as_copies(server)
        yield
    finally:
        connections.close_all()
        with server.connect() as connection:
            for each in (name, f"{name}_keys"):
                connection.execute(f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)'.encode())


def rehearse(argv: list[str]) -> int:
    """Run a scenario in a scratch database."""
    from answerable.rehearsal import cli

    return cli.main(argv, scratch=_scratch)


def messages(argv: list[str]) -> int:
    """Extract marked strings into answerable/locale and compile them."""
    parser = argparse.ArgumentParser(prog="answerable messages", description="Extract and compile translations.")
    parser.add_argument("--compile-only", action="store_true")
    args = parser.parse_args(argv)
    package = Path(__file__).resolve().parents[1]
    locale = package / "locale"
    if not args.compile_only:
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "answerable.config.settings.test"}
        languages = [x for code in ("fr", "es", "ar", "uk") for x in ("-l", code)]
        done = subprocess.run(
            [sys.executable, "-m", "django", "makemessages", "--no-location", "--no-obsolete", "-v0", *languages],
            cwd=package, env=env, check=False,
        )  # fmt: skip
        if done.returncode:
            return done.returncode
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po, write_po

    for po in sorted(locale.glob("*/LC_MESSAGES/django.po")):
        with po.open("rb") as source:
            catalog = read_po(source, locale=po.parts[-3])
        guessed = [m for m in catalog if m.id and m.fuzzy]
        for message in guessed:
            # The extractor's guess from a text that looks alike ("May" from "Day"): worse than English, so taken out.
            message.flags.discard("fuzzy")
            message.string = "" if isinstance(message.id, str) else ("",) * catalog.num_plurals
        for message in catalog:
            # What a text was guessed from, which the extractor leaves behind and which is read back as a translator's note.
            message.user_comments = [c for c in message.user_comments if not c.startswith("|")]
        if not args.compile_only:
            with po.open("wb") as target:
                write_po(target, catalog, width=0, no_location=True)
        with po.with_suffix(".mo").open("wb") as target:
            write_mo(target, catalog)
        empty = sum(1 for m in catalog if m.id and not m.string)
        print(json.dumps({"language": po.parts[-3], "messages": len(catalog), "untranslated": empty}))
    return 0
