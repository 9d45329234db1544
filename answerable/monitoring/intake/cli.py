"""`answerable intake FILE` brings in reports; `answerable forms xlsform --out FILE` writes the form for ODK and Kobo."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from answerable.common.errors import Refused


def main(argv: list[str]) -> int:
    """Bring in a file of reports as a named person: checked with progress shown, then kept as drafts by one act."""
    parser = argparse.ArgumentParser(
        prog="answerable intake", description="Bring in reports from CSV, XLSX, ODK Central or KoboToolbox, as drafts."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--as", dest="handle", help="who answers for it: a documenter or a monitoring analyst")
    parser.add_argument("--situation", help="the situation's reference, where the rows do not name it")
    parser.add_argument(
        "--column", action="append", default=[], metavar="NAME=FIELD", help="what a column holds; may be repeated"
    )
    parser.add_argument("--dry-run", action="store_true", help="only check; keep nothing")
    parser.add_argument("--problems", type=Path, metavar="CSV", help="write the problems, row by row, to this file")
    args = parser.parse_args(argv)
    from answerable.authority import engine as authority
    from answerable.authority.acting import reading_as
    from answerable.authority.principals import Place
    from answerable.monitoring import access
    from answerable.monitoring.cli import analyst
    from answerable.monitoring.intake import problems
    from answerable.monitoring.intake.actions import delivering
    from answerable.monitoring.intake.staging import arrival, runs, stretches

    by = analyst(args.handle)
    with reading_as(by):
        authority.require(by, "bring_in_reports", Place("intake"))
        situation = access.situations(by).filter(ref=args.situation).first() if args.situation else None
    if args.situation and situation is None:
        raise Refused(
            f"There is no situation {args.situation} here for you. Its reference stands on its page in the office.",
            reason="situation",
        )
    try:
        with args.file.open("rb") as source:
            arriving = arrival.arrive(source)
    except OSError as fault:
        raise Refused(f"{args.file} cannot be read: {fault.strerror}.", reason="file") from None
    staged = arrival.stage(arriving, args.file.name, by=by, situation=situation)
    try:
        mapping = _mapped(staged.columns(), staged.state.mapping, args.column)
        stretches.begin(staged, mapping, situation)
        shown = sys.stderr.isatty()

        def progress(state: runs.State) -> None:
            if shown:
                print(
                    f"\r{state.done:,} of {state.total:,} rows, {state.bad:,} with problems",
                    end="",
                    file=sys.stderr,
                    flush=True,
                )

        state = stretches.advance(staged, by=by, progress=progress)
        if shown:
            print(file=sys.stderr)
        print(f"{state.total:,} rows: {state.kept:,} good, {state.bad:,} with problems, {state.repeated:,} here already, "
              f"{state.corrections:,} later versions.")  # fmt: skip
        for line in problems.lines(state.problems)[:20]:
            print(f"  row {line['row']}, {line['field']}: {line['sentence']}")
        if args.problems:
            _write(args.problems, problems.as_csv(state.problems))
            print(f"The problems are in {args.problems}.")
        if args.dry_run:
            print("Dry run: nothing was kept.")
            return 0 if state.kept or state.repeated else 1
        batch = delivering.bring_in_reports(staged, by=by)
        print(f"Kept as {batch.ref}. Take it out again on its page in the office.")
    finally:
        staged.forget()
    return 0


def _mapped(columns: list[str], mapping: list[str], said: list[str]) -> list[str]:
    """The mapping with what was said of columns. Raises Refused for a column or a field that there is not."""
    from answerable.monitoring.intake import readers

    chosen = dict(one.partition("=")[::2] for one in said)
    if unknown := [name for name in chosen if name not in columns]:
        raise Refused(
            f"The file has no column {', '.join(repr(n) for n in unknown)}. Its columns are: {', '.join(columns)}.",
            reason="column",
        )
    if odd := [field for field in chosen.values() if field and readers.target(field) != field]:
        raise Refused(
            f"There is no field {', '.join(repr(f) for f in odd)}. The fields are those of `answerable forms xlsform`, "
            "such as when, area1 or victims; leave it empty for a column that is not to be read.",
            reason="column",
        )
    return [chosen.get(name, was) for name, was in zip(columns, mapping, strict=True)]


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as fault:
        raise Refused(f"{path} cannot be written: {fault.strerror}.", reason="file") from None


def forms(argv: list[str]) -> int:
    """Write the XLSForm of forms A1 to A3 with the situations and armed actors watched here."""
    parser = argparse.ArgumentParser(prog="answerable forms", description="The forms, for use elsewhere.")
    sub = parser.add_subparsers(dest="what", required=True)
    xls = sub.add_parser("xlsform", help="an XLSForm for ODK Central and KoboToolbox")
    xls.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    from answerable.monitoring.intake import published

    _write(args.out, published.workbook())
    print(
        f"Written to {args.out}. Upload it to ODK Central or KoboToolbox; exports come back with: answerable intake FILE"
    )
    return 0
