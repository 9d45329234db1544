"""Counts of service providers by type of violence, month and area (GBVIMS): aggregates only, never a row about a person."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.common.separators import separator
from answerable.common.tables import taxonomy

# R-SDC 1: below this a cell under national level is withheld. Source: domain.md §7.4.
SMALLEST = 10
COLUMNS = ("type", "month", "area", "count")
MOST_ROWS = 20_000


class Cell(NamedTuple):
    """One cell: type GBV-1 to GBV-6, month, area, number; None where it was too small to keep."""

    type: str
    month: str
    area: str
    number: int | None


def read(raw: bytes) -> list[Cell]:
    """A table of counts from CSV with the columns type, month, area, count. Raises Refused, naming rows.

    Any other column, and any cell given twice, is how a list of cases looks, and is refused whole.
    """
    try:
        text = raw.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text), delimiter=separator(text)))
    except (UnicodeDecodeError, csv.Error):
        raise Refused(_("The table cannot be read. Save it as CSV UTF-8."), reason="file") from None
    head = [h.strip().casefold() for h in lines[0]] if lines else []
    if tuple(head) != COLUMNS:
        raise Refused(
            _("Counts have the columns type, month, area, count and no other. A list of cases is never taken here: add it up "
              "where it lies, and send the sums."), reason="cases",
        )  # fmt: skip
    if len(lines) > MOST_ROWS:
        raise Refused(_("The table has more rows than counts by type, month and area can have."), reason="cases")
    cells, problems, seen = [], [], set()
    for number, line in enumerate(lines[1:], 2):
        if not any(x.strip() for x in line):
            continue
        kind, month, area, count = ([x.strip() for x in line] + [""] * 4)[:4]
        kind = f"GBV-{kind}" if kind in set("123456") else kind.upper()
        key = (kind, month, area.casefold())
        if kind not in taxonomy("gbvims_core_type"):
            problems.append(_("Row %(row)d: the type is one of GBV-1 to GBV-6.") % {"row": number})
        elif not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month, re.A):
            problems.append(_("Row %(row)d: write the month as 2026-03.") % {"row": number})
        elif not re.fullmatch(r"[^\W\d_][\w .'’()/-]{0,39}", area):
            problems.append(_("Row %(row)d: name a first- or second-level area.") % {"row": number})
        elif not re.fullmatch(r"\d{1,7}", count, re.A):
            problems.append(_("Row %(row)d: the count is a whole number.") % {"row": number})
        elif key in seen:
            problems.append(
                _(
                    "Row %(row)d: this type, month and area came before. Two rows for one cell are cases, not counts; add them up."
                )
                % {"row": number}
            )
        else:
            seen.add(key)
            cells.append(Cell(kind, month, area, int(count)))
    if problems:
        raise Refused(" ".join(problems[:20]), reason="cells")
    if not cells:
        raise Refused(_("The table has no rows below its first."), reason="file")
    return cells


def guarded(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with the numbers from 1 to 9 left out: known to be few, and not how few (R-SDC 3)."""
    return [c._replace(number=None) if c.number is not None and 0 < c.number < SMALLEST else c for c in cells]
