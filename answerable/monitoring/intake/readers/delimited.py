"""CSV of any separator, in a stream, and tables whose rows are reports."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.common.errors import Refused
from answerable.common.separators import SEPARATORS, separator
from answerable.monitoring.intake.readers import reading


def lines(first: bytes, chunks: Iterator[bytes]) -> Iterator[str]:
    """Lines of a text in a stream. Raises Refused where it is not UTF-8."""
    if first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(_("The file is UTF-16. Save it as CSV UTF-8 and choose it again."), reason="encoding")
    decoder, rest, number = codecs.getincrementaldecoder("utf-8-sig")(), "", 1

    def pieces() -> Iterator[bytes]:
        yield first
        yield from chunks

    try:
        for piece in pieces():
            rest += decoder.decode(piece)
            *whole, rest = rest.split("\n")
            for line in whole:
                number += 1
                yield line + "\n"
            if len(rest) > reading.LONGEST_ROW:
                raise _endless()
        rest += decoder.decode(b"", True)
    except UnicodeDecodeError:
        raise Refused(
            _("The file is not in UTF-8, near row %(row)d. Save it as CSV UTF-8 and choose it again.")
            % {"row": number},
            reason="encoding",
        ) from None
    if rest:
        yield rest


def _endless() -> Refused:
    return Refused(_("A line of this file never ends, so it is no CSV."), reason="file")


def too_wide() -> Refused:
    return Refused(_("The file has more than %(most)d columns.") % {"most": reading.MOST_COLUMNS}, reason="file")


# How many rows are looked at to tell whether the first line names the columns.
LOOKED_AT = 10

# Some spreadsheets write what stands between the columns into a line of its own, before the names of the columns.
SAID = re.compile(r'"?sep=([,;|\t])"?\s*', re.IGNORECASE)


def table(lines: Iterator[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    before, said = 1, ""
    first = next(lines, "")
    while first and (not first.strip() or (not said and SAID.fullmatch(first))):
        found = SAID.fullmatch(first)
        before, said, first = before + 1, said or (found[1] if found else ""), next(lines, "")
    # A first line without any is a title, or the only column; then the next that has one shows what stands between.
    near = [first] if said or any(c in first for c in SEPARATORS) else [first, *islice(lines, LOOKED_AT)]
    delimiter = said or separator(next((line for line in near if any(c in line for c in SEPARATORS)), first))

    long = 0

    def again() -> Iterator[str]:
        nonlocal long
        for line in chain(near, lines):
            # A quote left open joins line to line: the row is bounded, not only the line.
            if (long := long + len(line)) > reading.LONGEST_ROW:
                raise _endless()
            yield line

    csv.field_size_limit(reading.LONGEST_CELL)
    # Strict: else a quote left open ends without a word at the file's end, with every later row inside one cell.
    reader = csv.reader(again(), delimiter=delimiter, strict=True)
    try:
        header = [h.strip() for h in next(reader)]
    except (csv.Error, StopIteration):
        raise Refused(_("The file cannot be read as CSV. Save it again as CSV UTF-8."), reason="file") from None
    if len(header) > reading.MOST_COLUMNS:
        raise too_wide()

    def body() -> Iterator[tuple[int, list[str]]]:
        nonlocal long
        number, long = before, 0
        try:
            for row in reader:
                number, long = number + 1, 0
                while len(row) > len(header) and not row[-1].strip():
                    row.pop()  # empty cells beside a table say nothing
                if any(c.strip() for c in row):
                    yield number, Swallowing(row) if _swallows(row, len(header), delimiter) else row
        except csv.Error:
            raise Refused(
                _("Row %(row)d cannot be read: a quote is left open, or a cell is far too long. Save the file again as "
                  "CSV UTF-8.") % {"row": number + 1}, reason="file",
            ) from None  # fmt: skip

    return header, body()


class Swallowing(list[str]):
    """A row of which one cell seems to hold further rows."""


# With fewer columns a line of prose has as many commas by chance.
FEWEST_COLUMNS = 4


def _swallows(row: Sequence[str], columns: int, delimiter: str) -> bool:
    """Whether a cell holds whole rows: a quote that is left open in one row and met by a chance one in a later row joins them, with
    the right number of cells and without an error.

    Words have a space after what could part columns; in a row without quotes nothing has.
    """
    if columns < FEWEST_COLUMNS or len(row) != columns:
        return False
    for at, cell in enumerate(row):
        first, *lines = [
            0 if delimiter + " " in line else line.count(delimiter) + 1 for line in cell.strip("\r\n").split("\n")
        ]
        # What stands before the first break ends a row, what stands after the last begins another; between are whole ones.
        if lines and (columns in lines[:-1] or (lines[-1] == at + 1 and (at == columns - 1 or first == columns - at))):
            return True
    return False


def from_csv(lines: Iterator[str]) -> reading.Delivery:
    header, body = table(lines)
    route = route_of(header)
    return flat(route or reading.CSV, header, body if route else below(header, body), {})


def below(header: Sequence[str], body: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
    """The rows below the first line, which is given back whole. Raises Refused where that line does not name the columns: said
    once, because every row would be wrong by it.
    """
    rows = list(islice(body, LOOKED_AT))
    named = sum(bool(reading.target(h)) for h in header)
    lower = next((n for n, row in rows if sum(bool(reading.target(str(c))) for c in row) > max(1, named)), 0)
    if lower:
        raise Refused(
            _("The first line of this file does not name its columns; line %(line)d seems to. Delete every line above that one, so "
              "that the names of the columns come first, and choose the file again.") % {"line": lower}, reason="header",
        )  # fmt: skip
    least = min((sum(bool(str(c).strip()) for c in row) for _n, row in rows), default=0)
    if not named and (sum(bool(h.strip()) for h in header) < least or any(_is_data(h) for h in header)):
        raise Refused(
            _("The first line of this file does not look like the names of its columns. Put a line first that names each column, such "
              "as when, area1 and victims, delete any line above it, and choose the file again."), reason="header",
        )  # fmt: skip
    return chain(rows, body)


def _is_data(cell: str) -> bool:
    """Whether a cell is a day or a number, as no column is named."""
    return bool(re.fullmatch(r"[-+]?\d+([.,]\d+)?|\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?", cell.strip()))


def route_of(header: Sequence[str]) -> str:
    names = set(header)
    if {"_uuid", "_submission_time"} <= names or {"_id", "_index"} <= names:
        return reading.KOBO
    return reading.ODK if {"KEY", "SubmissionDate"} <= names else ""


def flat(
    route: str, header: list[str], body: Iterator[tuple[int, list[Any]]], items: Mapping[str, list[dict[str, Any]]]
) -> reading.Delivery:
    at = {name: i for i, name in enumerate(header)}

    def cell(row: Sequence[Any], *names: str) -> str:
        return next(
            (str(row[at[n]]).strip() for n in names if n in at and at[n] < len(row) and row[at[n]] not in (None, "")),
            "",
        )

    named = set[str]()

    def of(key: str) -> list[dict[str, Any]]:
        named.add(key)
        return items.get(key, [])

    def records() -> Iterator[reading.Record]:
        for record in read_rows():
            if len(record.cells) != len(header):
                record.uneven = len(record.cells)
            record.swallowed = isinstance(record.cells, Swallowing)
            yield record
        if lost := sum(len(found) for key, found in items.items() if key not in named):
            raise _orphans(lost)

    def read_rows() -> Iterator[reading.Record]:
        for number, row in body:
            if route == reading.ODK:
                key = cell(row, "KEY", "meta-instanceID", "meta/instanceID")
                yield reading.Record(
                    number, row, of(key), reading.ids(key, cell(row, "meta-instanceID"), cell(row, "meta-deprecatedID", "deprecatedID")),
                    [], reading.as_of(cell(row, "UpdatedAt", "SubmissionDate"), cell(row, "Edits")),
                    cell(row, "ReviewState").casefold() in reading.REJECTED,
                )  # fmt: skip
            elif route == reading.KOBO:
                yield reading.Record(
                    number, row, of(cell(row, "_index")),
                    reading.ids(cell(row, "meta/rootUuid", "_root_uuid", "rootUuid"), cell(row, "_uuid"), cell(row, "meta/instanceID"),
                         cell(row, "meta/deprecatedID", "deprecatedID")) or reading.kobo_id(cell(row, "_id"), cell(row, "_xform_id_string")),
                    reading.hints(partial(cell, row)), reading.as_of(cell(row, "_submission_time"), ""), cell(row, "_validation_status").casefold() in reading.REJECTED,
                )  # fmt: skip
            else:
                yield reading.Record(number, row, of(cell(row, "_index")) if items else [])

    return reading.Delivery(route, header, records())


def _orphans(lost: int) -> Refused:
    """Source items of a repeat whose submission is not in the file: no submission of it can be trusted to be whole."""
    return Refused(
        ngettext(
            "%(n)d row of a repeat belongs to a submission that is not in this file, so a source item would be lost. Export the file "
            "again with all its submissions.",
            "%(n)d rows of repeats belong to submissions that are not in this file, so source items would be lost. Export the file "
            "again with all its submissions.",
            lost,
        ) % {"n": lost}, reason="parent",
    )  # fmt: skip
