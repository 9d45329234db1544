"""`answerable record export DIR` and `answerable record key`."""

from __future__ import annotations

import argparse
from pathlib import Path

from answerable.common.errors import Refused


def main(argv: list[str]) -> int:
    """Export the record for anyone to check offline, or print the log's verifier key."""
    parser = argparse.ArgumentParser(prog="answerable record", description="Export the record, or print its key.")
    sub = parser.add_subparsers(dest="what", required=True)
    export = sub.add_parser("export", help="write checkpoint, tiles and opened events to a new folder")
    export.add_argument("folder", type=Path)
    export.add_argument(
        "--closed", action="store_true", help="leaves only: nothing of any event, for a hostile witness"
    )
    sub.add_parser("key", help="print the verifier key to compare by another way")
    args = parser.parse_args(argv)
    from django.db import transaction

    from answerable.engines import tlog_export
    from answerable.record import log, signing
    from answerable.record.models import Checkpoint

    if args.what == "key":
        print(signing.signer().vkey())
        return 0
    signing.checkpoint()
    with transaction.atomic():
        last = Checkpoint.objects.order_by("-size").first()
        if last is None:
            raise Refused("The record is empty; there is nothing to export yet.")
        leaves = log.leaves()[: last.size]
        try:
            opened = tlog_export.write_export(
                args.folder, leaves=leaves, events=[] if args.closed else log.opened_events(),
                checkpoint=last.text, vkey=signing.signer().vkey(),
            )  # fmt: skip
        except ValueError as no:
            raise Refused(f"{no}. Give a new folder; nothing was written.", reason="usage") from None
        except OSError as fault:
            raise Refused(f"The export could not be written: {fault.strerror}.") from None
    print(f"{args.folder}: {len(leaves)} entries, {opened} opened. Check it with: answerable verify {args.folder}")
    return 0
