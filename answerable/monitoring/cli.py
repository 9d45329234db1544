"""`answerable import svac|actors|conflicts|un-list|eu-list [--dry-run] FILE` and `answerable import undo REF`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from answerable.common.errors import Refused

if TYPE_CHECKING:
    from answerable.alliance.models import Person
    from answerable.monitoring.models import Import


LISTS = {
    "actors": ("UCDP-ACTORS", "UCDP actor list, CSV, plain or packed with gzip"),
    "conflicts": ("UCDP-CONFLICTS", "UCDP/PRIO Armed Conflict Dataset, CSV, for the forecast"),
    "un-list": ("UN-LIST", "UN Security Council consolidated list, XML"),
    "eu-list": ("EU-LIST", "EU designations, CSV"),
}


def main(argv: list[str]) -> int:
    """Import public data as a named analyst; a dry run shows what would change and writes nothing."""
    parser = argparse.ArgumentParser(
        prog="answerable import", description="Bring in public data, or take it out again."
    )
    sub = parser.add_subparsers(dest="what", required=True)
    svac = sub.add_parser("svac", help="Sexual Violence in Armed Conflict, releases 3.2, 3.0 and RSVAC, CSV or XLSX")
    svac.add_argument("file", type=Path)
    svac.add_argument("--dry-run", action="store_true", help="only say what would change")
    svac.add_argument("--as", dest="handle", help="the analyst who answers for it (default: the only one there is)")
    for command, what in LISTS.items():
        one = sub.add_parser(command, help=what[1])
        one.add_argument("file", type=Path)
        one.add_argument("--dry-run", action="store_true", help="only say what would change")
        one.add_argument("--as", dest="handle", help="the analyst who answers for it (default: the only one there is)")
    undo = sub.add_parser("undo", help="take an import out again")
    undo.add_argument("ref")
    undo.add_argument("--as", dest="handle")
    args = parser.parse_args(argv)
    if args.what != "undo":
        file, summary, bring_in = _read(args.what, args.file)
        for line in summary:
            print(line)
        if args.dry_run:
            print("Dry run: nothing was changed.")
            return 0
        batch = bring_in(file, args.file.name, by=analyst(args.handle))
        print(f"Imported as {batch.ref}. Take it out again with: answerable import undo {batch.ref}")
        return 0
    from answerable.common.references import normalise
    from answerable.monitoring import actions
    from answerable.monitoring.models import Import

    found = Import.objects.filter(ref=normalise(args.ref)).first()
    if found is None:
        raise Refused("There is no import with that reference.")
    actions.undo_import(found, by=analyst(args.handle))
    print(f"{found.ref} was undone.")
    return 0


def _read(what: str, path: Path) -> tuple[Any, list[str], Callable[..., Import]]:
    """A file read and checked, what would change by it, and the action that brings it in. Raises Refused."""
    if what == "svac":
        from answerable.monitoring import actions, planning, svac

        reported = svac.read(path)
        return reported, planning.plan(reported).summary(), actions.import_svac
    if what == "conflicts":
        from answerable.monitoring.warning import actions as warning
        from answerable.monitoring.warning import files

        fought = files.conflict_file(path)
        return fought, fought.summary(), warning.import_conflicts
    from answerable.monitoring.linking import actions as linking
    from answerable.monitoring.linking import lists

    named = lists.read(path, LISTS[what][0])
    return named, named.summary(), linking.import_actors


def analyst(handle: str | None) -> Person:
    """The analyst named, or the only one there is. Raises Refused."""
    from answerable.alliance.models import Person

    people = Person.objects.select_related("body__state").filter(is_active=True)
    if handle:
        person = people.filter(handle=handle).first()
        if person is None:
            raise Refused(f"Nobody signs in as {handle}.")
        person.via = "cli"
        return person
    analysts = [p for p in people if p.has_role("monitoring_analyst")]
    if len(analysts) != 1:
        raise Refused("Say who answers for this: --as HANDLE of a monitoring analyst.", reason="usage")
    analysts[0].via = "cli"
    return analysts[0]
