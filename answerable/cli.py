"""The `answerable` command. Each subcommand lives with the app it belongs to; this file only finds it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO, cast

from answerable.common.errors import Refused

# name → (module with main(argv) -> int, what it does, the database role it works as; "" needs no database)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("answerable.config.commands:run", "start everything on this machine until Ctrl-C", ""),
    "migrate": ("answerable.config.commands:migrate", "bring the database up to date, after a backup", "owner"),
    "demo": ("answerable.config.commands:demo", "load the demonstration alliance; --who lists its people", "owner"),
    "vault": (
        "answerable.vault.cli:main",
        "the vault process: serve, lock at once, status, its verifier key",
        "vault",
    ),
    "found": ("answerable.config.commands:found", "begin a real alliance: its first people and keys", "office"),
    "enrol": ("answerable.config.commands:enrol", "give a person their key, or open a compartment", "office"),
    "worker": (
        "answerable.config.commands:worker",
        "do what the clock owes: deadlines, expiries, checkpoints",
        "office",
    ),
    "backup": ("answerable.config.commands:backup", "back up facts, and keys apart from them for fourteen days", ""),
    "import": (
        "answerable.monitoring.cli:main",
        "bring in public data: answerable import svac|actors|un-list|eu-list [--dry-run] FILE",
        "office",
    ),
    "forecast": (
        "answerable.monitoring.warning.cli:main",
        "next year's reported prevalence: answerable forecast [FILE] [--json]",
        "office",
    ),
    "intake": (
        "answerable.monitoring.intake.cli:main",
        "bring in reports as drafts: answerable intake [--dry-run] FILE",
        "office",
    ),
    "forms": ("answerable.monitoring.intake.cli:forms", "write the XLSForm for ODK Central and KoboToolbox", "office"),
    "bulletin": (
        "answerable.monitoring.looking.cli:main",
        "set a situation's bulletin for members as a tagged PDF: answerable bulletin SITUATION --out FILE.pdf",
        "office",
    ),
    "estimate": (
        "answerable.engines.estimates.cli:main",
        "how many were never reported, from a table of overlapping lists, offline",
        "",
    ),
    "record": (
        "answerable.alliance.record_cli:main",
        "export the record, publish it to witnesses, bring in what they cosigned",
        "office",
    ),
    "verify": ("answerable.tools.verify:main", "check a record export, offline", ""),
    "custodian": ("answerable.tools.custodian:main", "open an identity with two seats, offline", ""),
    "witness": ("answerable.tools.witness:main", "see that the record only grows, and cosign it, offline", ""),
    "rehearse": ("answerable.config.commands:rehearse", "run a scenario and print each check", ""),
    "messages": ("answerable.config.commands:messages", "extract and compile translations", ""),
}
# Commands that need no database when a file is named first.
ON_A_FILE = {"forecast"}


def usage() -> str:
    """The list of commands."""
    lines = ["answerable COMMAND …", ""]
    lines += [f"  {name:9} {about}" for name, (_, about, _) in COMMANDS.items()]
    return "\n".join([*lines, "", "answerable COMMAND --help says more."])


def main(argv: list[str] | None = None) -> int:
    """Run one command. Exit status 0 done, 1 refused, not held, or not printed to the end, 2 wrong use."""
    printed = sys.stdout
    sys.stdout = cast(TextIO, _Marking(printed))
    try:
        try:
            status = _run(sys.argv[1:] if argv is None else argv)
        except SystemExit:  # help, or wrong use
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here, where it can still be said that it did not work
        return status
    except BrokenPipeError:
        # Whoever reads what is printed (head, less) has seen enough.
        _print_nowhere(printed)
        return 1
    except _NotPrinted as fault:
        _print_nowhere(printed)
        print(f"What was to be printed could not be written to its end: {fault}.", file=sys.stderr)
        return 1
    finally:
        sys.stdout = printed


class _NotPrinted(Exception):
    """What is printed cannot be written: the disk is full, say. Unlike other faults of files it is none of ours."""


class _Marking:
    """What is printed to, as it is; a fault of it is told from those of other files."""

    def __init__(self, printed: TextIO) -> None:
        self._printed = printed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._printed, name)

    def write(self, text: str) -> int:
        return int(self._do(self._printed.write, text))

    def flush(self) -> None:
        self._do(self._printed.flush)

    def _do(self, act: Callable[..., Any], *args: str) -> Any:
        try:
            return act(*args)
        except BrokenPipeError:
            raise
        except OSError as fault:
            raise _NotPrinted(fault.strerror or type(fault).__name__) from fault


def _print_nowhere(printed: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), printed.fileno())


def _run(args: list[str]) -> int:
    if not args or args[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if args else 2
    if args[0] not in COMMANDS:
        print(f"There is no command “{args[0]}”.\n\n{usage()}", file=sys.stderr)
        return 2
    where, _about, door = COMMANDS[args[0]]
    if {"-h", "--help"} & set(args):
        door = ""  # help starts nothing and makes no folder: each command reads its arguments before it loads the rest
    if args[0] in ON_A_FILE and len(args) > 1 and not args[1].startswith("-"):
        door = ""
    if door:
        os.environ["ANSWERABLE_DOOR"] = door
        os.environ.setdefault(
            "DJANGO_SETTINGS_MODULE", f"answerable.config.settings.{door if door in ('owner', 'vault') else 'office'}"
        )
    module, _, name = where.partition(":")
    try:
        if door:
            from answerable.config import postgres

            if door == "owner":
                postgres.ensure_server()  # roles and databases first: the settings read their passwords
            elif postgres.external() is None:
                postgres.start_embedded()
            import django

            django.setup()
        command: Callable[[list[str]], int] = getattr(importlib.import_module(module), name)
        if door != "office":
            return command(args[1:])
        from answerable.config import processes

        with processes.with_vault():
            return command(args[1:])
    except Refused as refused:
        print(str(refused), file=sys.stderr)
        return 2 if refused.reason in {"usage", "port", "running"} else 1
    except Exception as fault:
        # The database being away, or not set up yet, is foreseeable; anything else is ours to fix and stays loud.
        if type(fault).__name__ == "VaultFault":
            print("The vault met a fault of its own, so nothing was recorded or changed. What it said stands above, or "
                  "in its own log.", file=sys.stderr)  # fmt: skip
            return 1
        if type(fault).__name__ not in {"OperationalError", "UndefinedTable", "ProgrammingError"}:
            raise
        print(
            "The database does not answer, or was not set up yet. Start it with `make run`, or bring it up to date with "
            "`answerable migrate`, and try again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
