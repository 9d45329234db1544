"""Counts of service providers by type of violence, month and area (GBVIMS): aggregates only, never a row about a person."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.common.separators import separator
from answerable.common.tables import taxonomy
from answerable.monitoring.patterns import areas

# R-SDC 1: below this a cell under national level is withheld. Source: domain.md §7.4.
SMALLEST = 10
COLUMNS = ("type", "month", "area", "count")
MOST_ROWS = 20_000
# Counts by these six types are taken since then (GBVIMS, 2006).
FIRST_MONTH = "2006-01"


class Cell(NamedTuple):
    """One cell: type GBV-1 to GBV-6, month, area, number; None where it was too small to keep."""

    type: str
    month: str
    area: str
    number: int | None

    @property
    def key(self) -> tuple[str, str, str]:
        """Which cell it is, however its area was written (decision 0028)."""
        return self.type, self.month, areas.key(self.area)


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation where it stands; pages translate it when they show it."""
    return text


# Why a table is taken out. What a cell could show is emptied; else its cells stay, said as taken out.
SHOWS = "shows"
WHY_OUT = {
    "figures": gettext_noop("Its figures are wrong"),
    "place": gettext_noop("It is of another situation, month or area"),
    "asked": gettext_noop("The service provider asked for it"),
    SHOWS: gettext_noop("A cell of it could point to someone"),
}


def read(raw: bytes, *, on: date) -> list[Cell]:
    """A table of counts from CSV with the columns type, month, area, count, of months up to that of `on`.

    Raises Refused, naming rows. Any other column or cell, and any cell given twice, is how a list of cases looks, and is
    refused whole.
    """
    if b"\x00" in raw or raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(_("The table is not in UTF-8. Save it as CSV UTF-8 and choose it again."), reason="encoding")
    try:
        text = raw.decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text), delimiter=separator(text), strict=True))
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
    cells: list[Cell] = []
    problems: list[str] = []
    seen = set[tuple[str, str, str]]()
    for number, line in enumerate(lines[1:], 2):
        if not any(x.strip() for x in line):
            continue
        while len(line) > len(COLUMNS) and not line[-1].strip():
            line.pop()
        found = _cell(line, on) if len(line) == len(COLUMNS) else _(
            "it has %(cells)d cells where the header has %(columns)d; write numbers without the sign that parts the columns, and nothing beside them."
        ) % {"cells": len(line), "columns": len(COLUMNS)}  # fmt: skip
        if isinstance(found, Cell) and found.key in seen:
            found = _(
                "this type, month and area came before. Two rows for one cell are cases, not counts; add them up."
            )
        if isinstance(found, Cell):
            seen.add(found.key)
            cells.append(found)
        else:
            problems.append(_("Row %(row)d: %(why)s") % {"row": number, "why": found})
    if problems:
        raise Refused(" ".join(problems[:20]), reason="cells")
    if not cells:
        raise Refused(_("The table has no rows below its first."), reason="file")
    return cells


def _cell(line: Sequence[str], on: date) -> Cell | str:
    """The cell a row gives, or why it gives none."""
    kind, month, area, count = (" ".join(unicodedata.normalize("NFC", x).split()) for x in line)
    kind = f"GBV-{kind}" if kind in set("123456") else kind.upper()
    if kind not in taxonomy("gbvims_core_type"):
        return _("the type is one of GBV-1 to GBV-6.")
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month, re.A):
        return _("write the month as 2026-03.")
    if not FIRST_MONTH <= month <= f"{on:%Y-%m}":
        return _("the month lies ahead, or before such counts were taken.")
    if not re.fullmatch(r"[^\W\d_][\w .'’()/-]{0,39}", area) or not areas.key(area):
        return _("name a first- or second-level area.")
    if not re.fullmatch(r"\d{1,7}", count, re.A):
        return _("the count is a whole number.")
    return Cell(kind, month, area, int(count))


def guarded(cells: Sequence[Cell]) -> list[Cell]:
    """The cells with the numbers from 1 to 9 left out: known to be few, and not how few (R-SDC 3)."""
    return [c._replace(number=None) if c.number is not None and 0 < c.number < SMALLEST else c for c in cells]


def said(cells: Iterable[Cell]) -> str:
    """What a table says, however it is written: the same for the same cells in any order."""
    return json.dumps(sorted([*c.key, c.number if c.number is not None else "few"] for c in cells))


def written(cells: Iterable[Cell]) -> str:
    """A table that waits to be kept, as `read` takes it; of a small number no more than that it is one."""
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *(c._replace(number=1 if c.number is None else c.number) for c in cells)])
    return out.getvalue()
