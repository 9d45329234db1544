"""`answerable record …`: export and publish the record, keep its witnesses, bring in what they cosigned."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from answerable.common.errors import Refused

if TYPE_CHECKING:
    from answerable.alliance.models import Person

OPENED = (
    "Careful: this export opens the events, each with its moment and its references. Whoever holds it learns when someone "
    "wrote at the door or lodged a claim. It is for inspectors; delegations, witnesses and everyone else get --closed."
)
LARGEST_FILE = 100_000  # bytes of a cosigned checkpoint


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="answerable record", description="Export the record, publish it to its witnesses, keep who they are."
    )
    sub = parser.add_subparsers(dest="what", required=True)
    export = sub.add_parser("export", help="write checkpoint, tiles and opened events to a new folder")
    export.add_argument("folder", type=Path)
    export.add_argument(
        "--closed", action="store_true",
        help="leaves only, nothing of any event: what a delegation, a witness or anyone outside the inspection gets",
    )  # fmt: skip
    export.add_argument("--cosigned", action="store_true", help="as of the last checkpoint that witnesses stand behind")
    publish = sub.add_parser("checkpoint", help="bring the folder that witnesses read up to date: leaves only")
    publish.add_argument("folder", type=Path)
    cosign = sub.add_parser("cosign", help="bring in the file a witness wrote")
    cosign.add_argument("file", type=Path)
    enter = sub.add_parser("witness", help="put a witness on the roster")
    enter.add_argument("vkey", help="the line that `answerable witness new-key` printed")
    enter.add_argument("--kind", required=True, choices=["member", "civil_society"], help="whose witness it is")
    for needs_person in (cosign, enter):
        needs_person.add_argument("--as", dest="handle", required=True, metavar="HANDLE", help="who answers for it")
    sub.add_parser("policy", help="print the policy: which witnesses are enough")
    sub.add_parser("key", help="print the verifier key to compare by another way")
    return parser


def main(argv: list[str]) -> int:
    """Command line. Returns 0; every refusal is raised as Refused, with reason "usage" for what cannot be used at all."""
    args = _parser().parse_args(argv)
    try:
        return _do(args)
    except Refused as no:
        if no.reason in {"not_a_key", "not_a_checkpoint"}:
            raise Refused(str(no), reason="usage") from None
        raise


def _do(args: argparse.Namespace) -> int:
    from answerable.alliance import witnesses
    from answerable.record import cli, signing

    if args.what == "key":
        print(signing.signer().vkey())
    elif args.what == "policy":
        print(cli.policy(), end="")
    elif args.what == "export":
        if not args.closed:
            print(OPENED, file=sys.stderr)
        print("\n".join(cli.export(args.folder, closed=args.closed, cosigned=args.cosigned)))
    elif args.what == "checkpoint":
        print("\n".join(cli.publish(args.folder)))
    elif args.what == "witness":
        entered = witnesses.enter_witness(args.vkey, args.kind, by=_proved(args.handle))
        print(f"{entered.name} is on the roster as {entered.ref}.")
    else:
        checkpoint, kept = witnesses.accept_cosignature(_read(args.file), by=_person(args.handle))
        names = ", ".join(c.witness.name for c in kept)
        print(f"Kept: {names} cosigned the checkpoint of {checkpoint.size} entries.")
    sys.stdout.flush()
    return 0


def _proved(handle: str) -> Person:
    """The person, once their passphrase opened their key: the entry says that it is they who put a witness on the roster,
    and who is on it decides who is believed. A cosignature proves itself, so whoever brings one is only named.
    """
    import getpass

    from answerable.common.hooks import question

    person = _person(handle)
    try:
        typed = getpass.getpass(f"Passphrase of {handle}, who answers for it: ")
    except EOFError:
        raise Refused(f"The passphrase of {handle} is needed; nothing was changed.", reason="usage") from None
    if not any(question("proves_themselves").ask(handle, typed)):
        raise Refused("There is no vault here to check the passphrase; nothing was changed.", reason="vault_away")
    return person


def _read(path: Path) -> str:
    if path.is_dir():
        raise Refused(f"{path} is a folder. Give the file that `answerable witness cosign` wrote.", reason="usage")
    try:
        with path.open("rb") as f:
            data = f.read(LARGEST_FILE + 1)
        if len(data) > LARGEST_FILE:
            raise ValueError
        return data.decode()
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}.", reason="usage") from None
    except ValueError:
        raise Refused(
            f"{path} is not a cosigned checkpoint: it is not text, or far too long.", reason="usage"
        ) from None


def _person(handle: str) -> Person:
    from answerable.alliance.models import Person

    person = Person.objects.select_related("body__state").filter(handle=handle, is_active=True).first()
    if person is None:
        raise Refused(f"Nobody signs in as {handle}.", reason="usage")
    person.via = "cli"
    return person
