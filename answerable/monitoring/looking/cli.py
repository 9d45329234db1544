"""`answerable bulletin SITUATION --out FILE.pdf [--language fr] [--as HANDLE]`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from answerable.common.errors import Refused


def main(argv: list[str]) -> int:
    """Set a bulletin and write it to a file, as a named analyst or verification lead. It holds aggregates after R-SDC alone."""
    parser = argparse.ArgumentParser(
        prog="answerable bulletin", description="A situation's bulletin for members (Annex B), as a tagged PDF."
    )
    parser.add_argument("situation", help="its reference, or its name")
    parser.add_argument(
        "--out", type=Path, required=True, help="where to write the PDF; a file that exists is not replaced"
    )
    parser.add_argument("--language", default="en", choices=("en", "fr", "es", "ar", "uk"))
    parser.add_argument("--as", dest="handle", help="who answers for it (default: the only analyst there is)")
    args = parser.parse_args(argv)
    from answerable.authority import engine as authority
    from answerable.authority.acting import reading_as
    from answerable.common.references import normalise
    from answerable.monitoring.cli import analyst
    from answerable.monitoring.looking import setting
    from answerable.monitoring.models import Situation

    by = analyst(args.handle)
    with reading_as(by):
        every = Situation.objects.select_related("state")
        found = every.filter(ref=normalise(args.situation)).first() or every.filter(name=args.situation).first()
        if found is None:
            raise Refused("There is no situation of that reference or name.")
        authority.require(by, "make_bulletin", found)
        made = setting.bulletin(found, args.language)
    try:
        with os.fdopen(os.open(args.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            f.write(made)
    except FileExistsError:
        raise Refused(f"{args.out} is there already and was not replaced. Name another file.", reason="usage") from None
    except OSError as fault:
        raise Refused(f"{args.out} cannot be written: {fault.strerror}.") from None
    print(f"{args.out}: {len(made)} bytes, tagged PDF, for members.")
    return 0
