"""`answerable rehearse [NAME|FILE] [--json]`: a scenario in a scratch database, each check with what it saw."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from answerable.common.errors import Refused

PASSPHRASE = "rehearsal only, printed and known to all"  # noqa: S105 - a scratch database that is dropped


def main(argv: list[str], *, scratch: Callable[[], AbstractContextManager[None]]) -> int:
    """Run a scenario. `scratch` opens a database made for this run and drops it.

    Exit status 0 when every check passed, 1 when one failed or a step was refused, 2 when the file cannot be run.
    """
    parser = argparse.ArgumentParser(prog="answerable rehearse", description="Run a scenario and print each check.")
    parser.add_argument("scenario", nargs="?", help="a shipped scenario (S1), or a file")
    parser.add_argument("--json", action="store_true", help="answer for machines")
    args = parser.parse_args(argv)
    from answerable.rehearsal import scenario as scenarios

    if args.scenario is None:
        import yaml

        for path in scenarios.shipped():
            head = yaml.safe_load(path.read_text(encoding="utf-8"))
            print(f"{path.stem:14} {head.get('title', '')}")
        print("\nanswerable rehearse NAME runs one; docs/scenarios.md says how to write your own.")
        return 0
    path = scenarios.find(args.scenario)
    if not path.exists():
        raise Refused(f"There is no file {path}.", reason="usage")
    with scratch():
        return _run(path, as_json=args.json)


def _run(path: Path, *, as_json: bool) -> int:
    from django.core.management import call_command
    from django.db import connection

    from answerable.rehearsal import fixture, runner, scenario
    from answerable.vault import userkeys

    read = scenario.read(
        path,
        verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people(),
    )  # fmt: skip
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0, database="keys")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE answerable_office")
    userkeys.set_parameters(userkeys.LIGHT)
    from answerable.common import clock

    clock.fix(read.anchor)
    fixture.load(passphrase=PASSPHRASE, keep_seat_key=lambda _n, _k: None, progress=lambda _t: None)
    run = runner.Run(read, passphrase=PASSPHRASE)
    if not as_json:
        print(f"{read.name}: {read.title}")

    def show(outcome: runner.Outcome) -> None:
        if as_json:
            return
        mark = "passed" if outcome.passed else "FAILED"
        tail = f"saw {outcome.seen!r}" if outcome.passed else f"expected {outcome.expected!r}, saw {outcome.seen!r}"
        print(f"  {mark}  line {outcome.line}: {outcome.what}: {tail}", flush=True)

    stopped = ""
    try:
        outcomes = run.all(show)
    except Refused as no:
        outcomes, stopped = run.outcomes, str(no)
        if no.reason == "usage":
            raise
    passed = sum(o.passed for o in outcomes)
    failed = len(outcomes) - passed
    if as_json:
        rows = [o.__dict__ for o in outcomes]
        print(json.dumps({"scenario": read.name, "passed": passed, "failed": failed, "stopped": stopped, "checks": rows},
                         default=str))  # fmt: skip
    else:
        if stopped:
            print(f"  STOPPED  {stopped}", file=sys.stderr)
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or stopped else 0
