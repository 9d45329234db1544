"""Zips of ODK Central and workbooks, each sheet a table or a repeat."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.monitoring.intake.readers import delimited, reading


def from_packed(raw: bytes, ending: str) -> reading.Delivery:
    try:
        packed = zipfile.ZipFile(io.BytesIO(raw))
        infos = packed.infolist()
    except (zipfile.BadZipFile, ValueError):
        raise Refused(_("The file is damaged: it cannot be unpacked. Export it again."), reason="file") from None
    if len(infos) > reading.MOST_FILES or sum(i.file_size for i in infos) > reading.MOST_UNPACKED:
        raise Refused(_("The file unpacks to far more than an export holds. Nothing was read."), reason="file_size")
    # Pictures and recordings have limits of their own, where they are taken in.
    texts = [i for i in infos if "media/" not in i.filename]
    if any(i.file_size > max(reading.SMALL_PART, reading.MOST_TIMES * i.compress_size) for i in texts):
        raise Refused(_("The file unpacks to far more than an export holds. Nothing was read."), reason="file_size")
    if any(i.flag_bits & 1 for i in infos):
        raise Refused(_("The zip is locked with a password. Export it without one."), reason="file")
    names = [i.filename for i in infos]
    if any(n == "xl/workbook.xml" for n in names):
        if ending != "xlsx":
            reading.lies()
        return _workbook(raw)
    if ending == "xlsx":
        reading.lies()
    return _central(packed, names)


def _central(packed: zipfile.ZipFile, names: list[str]) -> reading.Delivery:
    tables: dict[str, tuple[list[str], Iterator[tuple[int, list[str]]]]] = {}
    for name in names:
        if name.lower().endswith(".csv") and "media/" not in name:
            tables[name] = delimited.table(delimited.lines(b"", iter(partial(packed.open(name).read, 65536), b"")))
    roots = [n for n, (header, _b) in tables.items() if "KEY" in header and "PARENT_KEY" not in header]
    if len(roots) != 1:
        raise Refused(
            _("This zip is no export of one form of ODK Central: it needs one CSV file with the column KEY, and one for "
              "each repeat with PARENT_KEY. Export it again with all its data."), reason="file",
        )  # fmt: skip
    repeats = []
    for name, (header, body) in tables.items():
        if name == roots[0] or "PARENT_KEY" not in header:
            continue
        mapping, parent = [reading.target(h) for h in header], header.index("PARENT_KEY")
        own = header.index("KEY") if "KEY" in header else -1
        for number, row in body:
            if len(row) != len(header):
                raise _uneven(name, number, row, header)
            if isinstance(row, delimited.Swallowing):
                raise Refused(
                    _("Row %(row)d of “%(table)s” has a cell that holds lines which look like rows of it: a quote seems to be left open, so "
                      "source items would be lost. Export the file again.") % {"row": number, "table": name[-80:]}, reason="cells",
                )  # fmt: skip
            repeats.append((row[own] if own >= 0 else "", row[parent], reading.row_of(row, mapping), any(mapping)))
    items = _joined(repeats)
    header, body = tables[roots[0]]
    delivery = delimited.flat(reading.ODK, header, body, items)
    delivery.files = {
        n.rpartition("/")[2]: partial(packed.open, n) for n in names if "media/" in n and not n.endswith("/")
    }  # type: ignore[misc]
    return delivery


def _joined(repeats: Sequence[tuple[Any, Any, dict[str, Any], bool]]) -> dict[Any, list[dict[str, Any]]]:
    """Rows of repeats by the submission that each belongs to: (its own name, its parent's, its answers, whether its table has any
    question of ours). A repeat within a repeat belongs to the submission of the row it stands in.
    """
    above = {own: parent for own, parent, _answers, _ours in repeats if own}
    found: dict[Any, list[dict[str, Any]]] = {}
    for _own, parent, answers, ours in repeats:
        at, seen, nested = parent, set[Any](), parent in above
        while at in above and at not in seen:
            seen.add(at)
            at = above[at]
        if ours or not nested:  # what else is asked within an item is not ours to read, as other columns are not
            found.setdefault(at, []).append(answers)
    return found


def _uneven(table: str, number: int, row: Sequence[Any], header: Sequence[str]) -> Refused:
    """Of a repeat's row it cannot be told to which submission it belongs, so no submission of the file can be trusted."""
    return Refused(
        _("Row %(row)d of “%(table)s” has %(cells)d cells where its header has %(columns)d, so it cannot be told which cell is what. "
          "Export the file again.") % {"row": number, "table": table[-80:], "cells": len(row), "columns": len(header)}, reason="cells",
    )  # fmt: skip


def cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat() if (value.hour, value.minute, value.second) == (0, 0, 0) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _workbook(raw: bytes) -> reading.Delivery:
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        # What a formula gives stands beside it in the file, unless the program that wrote it does not work formulas out.
        formulas = openpyxl.load_workbook(io.BytesIO(raw), read_only=True) if _has_formulas(raw) else None
        sheets = {
            title: _sheet(book[title], formulas[title] if formulas else None)
            for title in book.sheetnames
            if hasattr(book[title], "iter_rows")
        }
    except Refused:
        raise
    except Exception:  # openpyxl raises many kinds for a damaged workbook; all mean the same to whoever sent it
        raise Refused(
            _("The workbook cannot be read. Save it again as XLSX, or as CSV UTF-8."), reason="file"
        ) from None
    filled = {t: s for t, s in sheets.items() if s[0]}
    if not filled:
        raise Refused(_("The workbook has no sheet with a first row of column names."), reason="sheet")
    repeats = [t for t, (header, _b) in filled.items() if "_parent_index" in header]
    hidden = {t for t in filled if getattr(book[t], "sheet_state", "visible") != "visible"}
    root, header, body = _root(filled, repeats, hidden)
    found = []
    for title in repeats:
        columns, lines = filled[title]
        mapping, parent = [reading.target(h) for h in columns], columns.index("_parent_index")
        own = columns.index("_index") if "_index" in columns else -1
        table = columns.index("_parent_table_name") if "_parent_table_name" in columns else -1
        for number, row in lines:
            if len(row) != len(columns):
                raise _uneven(title, number, row, columns)
            # Numbers count within their sheet, so a parent is a sheet and a number: without its sheet's name, it is the first one's.
            inside = str(row[table]) if table >= 0 and str(row[table]) in repeats else root
            found.append(
                (
                    (title, str(row[own])) if own >= 0 else "",
                    (inside, str(row[parent])),
                    reading.row_of(row, mapping),
                    any(mapping),
                )
            )
    items = {index if sheet == root else f"{sheet} {index}": of for (sheet, index), of in _joined(found).items()}
    route = delimited.route_of(header)
    return delimited.flat(route or reading.XLSX, header, body if route else delimited.below(header, body), items)


Sheet = tuple[list[str], Iterator[tuple[int, list[Any]]]]


def _root(
    filled: Mapping[str, Sheet], repeats: Sequence[str], hidden: Collection[str]
) -> tuple[str, list[str], Iterator[tuple[int, list[Any]]]]:
    """The one sheet whose rows are reports, with its columns and rows. A hidden one is never it.

    Raises Refused where rows stand on another sheet as well: they would be lost without a word.
    """
    seen = {t: (filled[t][0], list(islice(filled[t][1], 1))) for t in filled if t not in repeats}
    shown = [t for t in seen if t not in hidden]
    if not shown:
        raise Refused(
            _("No sheet of this workbook could hold reports, or it is hidden. Show the one that does, or save it as a file of its own."),
            reason="sheet",
        )  # fmt: skip
    # A hidden sheet is most often a list for the columns of another; one that looks like reports is said all the same.
    rows = [
        t
        for t, (header, first) in seen.items()
        if first and (t in shown or sum(bool(reading.target(h)) for h in header) > 1)
    ]
    if len(rows) > 1 or set(rows) - set(shown):
        raise Refused(
            _("Rows stand on several sheets of this workbook, or on one that is hidden: %(sheets)s. One sheet is read, so the rest would "
              "be lost. Save each sheet that holds reports as a file of its own, and delete or hide those that hold none.")
            % {"sheets": ", ".join(f"“{t[:40]}”" for t in rows)}, reason="sheet",
        )  # fmt: skip
    root = rows[0] if rows else shown[0]
    header, first = seen[root]
    return root, header, chain(first, filled[root][1])


def _filled(cells: list[Any]) -> list[Any]:
    """A row's cells up to the last that holds anything; a workbook goes on with empty ones as far as somebody formatted."""
    return cells[: max((n for n, c in enumerate(cells, 1) if str(c).strip()), default=0)]


def _has_formulas(raw: bytes) -> bool:
    """Whether any sheet of a workbook may hold a formula."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        for name in packed.namelist():
            if name.startswith("xl/worksheets/"):
                with packed.open(name) as part:
                    last = b""
                    while piece := part.read(1 << 20):
                        if re.search(rb"<(\w+:)?f[\s/>]", last + piece):
                            return True
                        last = piece[-16:]
    return False


def _worked_out(sheet: Any, formulas: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """A sheet's lines with their numbers. Raises Refused at a formula whose result is not in the file: it would be read as empty."""
    lines = enumerate(sheet.iter_rows(values_only=True), 1)
    if formulas is None:
        yield from lines
        return
    for (number, line), told in zip(lines, formulas.iter_rows(values_only=True), strict=False):
        if any(value is None and said is not None for value, said in zip(line, told, strict=False)):
            raise Refused(
                _("Row %(row)d of sheet “%(sheet)s” holds a formula whose result is not in the file, so it would be read as empty. Open the "
                  "workbook in a spreadsheet program and save it, or put the values in place of the formulas.")
                % {"row": number, "sheet": sheet.title[:40]}, reason="formula",
            )  # fmt: skip
        yield number, line


def _sheet(sheet: Any, formulas: Any = None) -> tuple[list[str], Iterator[tuple[int, list[Any]]]]:
    lines = _worked_out(sheet, formulas)
    header = list[Any]()
    for _at, line in lines:  # lines above the first that holds anything are empty
        if header := _filled(["" if c is None else str(c).strip() for c in line]):
            break
    if len(header) > reading.MOST_COLUMNS:
        raise delimited.too_wide()

    def body() -> Iterator[tuple[int, list[Any]]]:
        for number, line in lines:
            # A workbook gives each cell its column, so cells that are not there are empty, and none has moved.
            if row := _filled([cell(c) for c in line]):
                yield number, row + [""] * (len(header) - len(row))

    return (header if any(header) else []), body()
