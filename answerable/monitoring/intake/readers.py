"""What people send: CSV and XLSX of their own, exports of ODK Central and KoboToolbox. Any of them becomes rows.

ODK Central: a zip of CSV files, a table a repeat, joined by PARENT_KEY and KEY, files under media/; or the JSON of its
OData service, with __id, __system and the repeats expanded. KoboToolbox: CSV or XLSX with `group/question` headers and
_id, _uuid, _submission_time, _index; a sheet a repeat, joined by _parent_table_name and _parent_index; or the JSON of its API, under "results",
with _attachments. A select_multiple comes as one column, as a column for each answer, or both.

Nothing is trusted to be what it says: the first bytes tell what a file is, and what it unpacks to is limited.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, partial
from itertools import chain, islice
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.common.errors import Refused
from answerable.common.separators import SEPARATORS, separator
from answerable.monitoring.intake.description import (
    BY_NAME,
    DECLINED,
    FIELDS,
    NOT_TAKEN,
    OF_REPORT,
    SUBMISSION_ID,
    codes_of,
)

# What is read into memory as a whole: workbooks, zips and JSON. A CSV is read in a stream.
MOST_WHOLE, MOST_UNPACKED, MOST_FILES = 64 * 1024 * 1024, 512 * 1024 * 1024, 20_000
MOST_COLUMNS, LONGEST_CELL = 600, 100_000
# Characters of one row of a CSV, with every cell of it. What a person writes is a hundredth of that.
LONGEST_ROW = 4_000_000
# A part of a zip that unpacks to more than so many times its size is no export; deflated text is a tenth, at most a fiftieth.
MOST_TIMES, SMALL_PART = 200, 8 * 1024 * 1024
CSV, XLSX, ODK, KOBO = "csv", "xlsx", "odk", "kobo"
REJECTED = {"rejected", "not approved", "validation_status_not_approved"}


@dataclass
class Record:
    """One row or submission: its cells by column, its repeats, which submission it is and as of when.

    `hints` are what it has in common with another version of itself where no name of that one stands in it: no more than a reason
    to ask. `uneven`: how many cells it has, where that is not what its header has; nobody can tell then which cell is what.
    `swallowed`: one of its cells holds lines that look like rows of the file.
    """

    number: int
    cells: list[Any]
    items: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    as_of: str = ""
    rejected: bool = False
    uneven: int = 0
    swallowed: bool = False


@dataclass
class Delivery:
    """A file as it will be read: where it comes from, its columns, its rows, and the files that came with it."""

    route: str
    columns: list[str]
    records: Iterable[Record]
    files: Mapping[str, Callable[[], IO[bytes]]] = field(default_factory=dict)

    @property
    def mapping(self) -> list[str]:
        """For each column the field it seems to hold, "field/code" for a column of one answer, "" for none."""
        return [target(c) for c in self.columns]

    @property
    def needs_mapping(self) -> bool:
        """Whether a person has to say which column is what."""
        found = {t.partition("/")[0] for t in self.mapping}
        needed = [f.name for f in OF_REPORT if f.needed and f.name != "situation"]
        return sum(n in found for n in needed) < len(needed)


# --- columns ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _labels() -> Mapping[str, str]:
    return {f.label.casefold(): f.name for f in FIELDS} | {w.casefold(): n for n, (w, _why) in NOT_TAKEN.items()}


@lru_cache(maxsize=4096)
def target(header: str) -> str:
    """The field a column's header means: by its name behind the groups, or by its label. "" when it means none."""
    head = header.strip()
    if head.casefold() in _labels():
        return _labels()[head.casefold()]
    path, _sep, last = head.rpartition("/")
    if path and (of := BY_NAME.get(_behind(path))) is not None and of.kind == "codes":
        code = last.upper()
        return f"{of.name}/{code}" if code in codes_of(of.list_name) or code == DECLINED else ""
    name = _behind(head)
    return name if name in BY_NAME or name in NOT_TAKEN or name == SUBMISSION_ID else ""


def _behind(path: str) -> str:
    last = path.rpartition("/")[2]
    return last if last in BY_NAME or last in NOT_TAKEN else re.split(r"[-.:]", last)[-1]


def row_of(cells: Sequence[Any], mapping: Sequence[str]) -> dict[str, Any]:
    """The answers in a row's cells. Answers in a column each count where the joined column is empty or absent."""
    row: dict[str, Any] = {}
    split: dict[str, list[str]] = {}
    for name, value in zip(mapping, cells, strict=True):
        if not name or value in (None, ""):
            continue
        where, slash, code = name.partition("/")
        if not slash:
            row[where] = value
        elif str(value).strip().casefold() in {"1", "1.0", "true", "yes"}:
            split.setdefault(where, []).append(code)
    for where, codes in split.items():
        row.setdefault(where, codes)
    return row


# --- telling files apart ------------------------------------------------------------------------------------------


def read(chunks: Iterator[bytes], name: str) -> Delivery:
    """What a file holds, whatever its name says. Raises Refused with what would help."""
    first = next(chunks, b"")
    while len(first) < 4096 and (more := next(chunks, b"")):
        first += more
    if not first.strip(b"\xef\xbb\xbf \r\n\t"):
        raise Refused(_("The file is empty. Export it again and choose it again."), reason="file")
    ending = name.rpartition(".")[2].lower()
    if first[:4] == b"PK\x03\x04":
        if ending not in {"zip", "xlsx"}:
            _lies()
        return _packed(_whole(first, chunks), ending)
    if first.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
        if ending not in {"json", "txt"}:
            _lies()
        return _json(_whole(first, chunks))
    if ending in {"xlsx", "zip", "json"} or b"\x00" in first or first[:5] == b"%PDF-" or first[:3] == b"\xff\xd8\xff":
        _lies()
    return _csv(_lines(first, chunks))


def _lies() -> None:
    raise Refused(
        _("What is in this file is not what its name says. Reports are taken as CSV, as XLSX, as the zip or JSON of ODK "
          "Central, or as the CSV, XLSX or JSON of KoboToolbox. Export it again and do not rename it."),
        reason="file_type",
    )  # fmt: skip


def _whole(first: bytes, chunks: Iterator[bytes]) -> bytes:
    parts, size = [first], len(first)
    for part in chunks:
        size += len(part)
        if size > MOST_WHOLE:
            raise Refused(
                _("The file is larger than %(limit)d MB, which is the most for this kind. Export fewer submissions at a "
                  "time, or use CSV.") % {"limit": MOST_WHOLE // 1048576}, reason="file_size",
            )  # fmt: skip
        parts.append(part)
    return b"".join(parts)


# --- CSV ----------------------------------------------------------------------------------------------------------


def _lines(first: bytes, chunks: Iterator[bytes]) -> Iterator[str]:
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
            if len(rest) > LONGEST_ROW:
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


def _too_wide() -> Refused:
    return Refused(_("The file has more than %(most)d columns.") % {"most": MOST_COLUMNS}, reason="file")


# How many rows are looked at to tell whether the first line names the columns.
LOOKED_AT = 10
# Some spreadsheets write what stands between the columns into a line of its own, before the names of the columns.
SAID = re.compile(r'"?sep=([,;|\t])"?\s*', re.IGNORECASE)


def _table(lines: Iterator[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
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
            if (long := long + len(line)) > LONGEST_ROW:
                raise _endless()
            yield line

    csv.field_size_limit(LONGEST_CELL)
    # Strict: else a quote left open ends without a word at the file's end, with every later row inside one cell.
    reader = csv.reader(again(), delimiter=delimiter, strict=True)
    try:
        header = [h.strip() for h in next(reader)]
    except (csv.Error, StopIteration):
        raise Refused(_("The file cannot be read as CSV. Save it again as CSV UTF-8."), reason="file") from None
    if len(header) > MOST_COLUMNS:
        raise _too_wide()

    def body() -> Iterator[tuple[int, list[str]]]:
        nonlocal long
        number, long = before, 0
        try:
            for row in reader:
                number, long = number + 1, 0
                while len(row) > len(header) and not row[-1].strip():
                    row.pop()  # empty cells beside a table say nothing
                if any(c.strip() for c in row):
                    yield number, _Swallowing(row) if _swallows(row, len(header), delimiter) else row
        except csv.Error:
            raise Refused(
                _("Row %(row)d cannot be read: a quote is left open, or a cell is far too long. Save the file again as "
                  "CSV UTF-8.") % {"row": number + 1}, reason="file",
            ) from None  # fmt: skip

    return header, body()


class _Swallowing(list[str]):
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


def _csv(lines: Iterator[str]) -> Delivery:
    header, body = _table(lines)
    route = _route_of(header)
    return _flat(route or CSV, header, body if route else _below(header, body), {})


def _below(header: Sequence[str], body: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
    """The rows below the first line, which is given back whole. Raises Refused where that line does not name the columns: said
    once, because every row would be wrong by it.
    """
    rows = list(islice(body, LOOKED_AT))
    named = sum(bool(target(h)) for h in header)
    lower = next((n for n, row in rows if sum(bool(target(str(c))) for c in row) > max(1, named)), 0)
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


def _route_of(header: Sequence[str]) -> str:
    names = set(header)
    if {"_uuid", "_submission_time"} <= names or {"_id", "_index"} <= names:
        return KOBO
    return ODK if {"KEY", "SubmissionDate"} <= names else ""


def _flat(
    route: str, header: list[str], body: Iterator[tuple[int, list[Any]]], items: Mapping[str, list[dict[str, Any]]]
) -> Delivery:
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

    def records() -> Iterator[Record]:
        for record in read_rows():
            if len(record.cells) != len(header):
                record.uneven = len(record.cells)
            record.swallowed = isinstance(record.cells, _Swallowing)
            yield record
        if lost := sum(len(found) for key, found in items.items() if key not in named):
            raise _orphans(lost)

    def read_rows() -> Iterator[Record]:
        for number, row in body:
            if route == ODK:
                key = cell(row, "KEY", "meta-instanceID", "meta/instanceID")
                yield Record(
                    number, row, of(key), _ids(key, cell(row, "meta-instanceID"), cell(row, "meta-deprecatedID", "deprecatedID")),
                    [], _as_of(cell(row, "UpdatedAt", "SubmissionDate"), cell(row, "Edits")),
                    cell(row, "ReviewState").casefold() in REJECTED,
                )  # fmt: skip
            elif route == KOBO:
                yield Record(
                    number, row, of(cell(row, "_index")),
                    _ids(cell(row, "meta/rootUuid", "_root_uuid", "rootUuid"), cell(row, "_uuid"), cell(row, "meta/instanceID"),
                         cell(row, "meta/deprecatedID", "deprecatedID")) or _kobo_id(cell(row, "_id"), cell(row, "_xform_id_string")),
                    _hints(partial(cell, row)), _as_of(cell(row, "_submission_time"), ""), cell(row, "_validation_status").casefold() in REJECTED,
                )  # fmt: skip
            else:
                yield Record(number, row, of(cell(row, "_index")) if items else [])

    return Delivery(route, header, records())


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


def _ids(*ids: str) -> list[str]:
    """Every name of a submission, the oldest first, each once."""
    found = (plainly(i) for i in ids if i)
    return list(dict.fromkeys(i.removeprefix("uuid:").strip().lower()[:200] for i in found))


def plainly(text: str) -> str:
    """A name in the file without what no table takes: half a character, or the character that ends a text."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "")


def _kobo_id(number: str, form: str) -> list[str]:
    """The name of a submission that has none of its own: its number counts within its form, and nowhere else."""
    return _ids(f"kobo/{form}/{number}") if number and form else []


def _hints(of: Callable[..., str]) -> list[str]:
    """What an edit in KoboToolbox keeps although it takes another _uuid: its number, within its form where that is named; and its own
    name, or the time it was begun, with who sent it or on what.
    """
    form, number = of("_xform_id_string"), of("_id")
    who = of("deviceid", "_submitted_by", "username")
    found = [f"number/{form}/{number}"] if number else []
    found += [f"name/{of('meta/instanceName')}/{who}"] if who and of("meta/instanceName") else []
    found += [f"begun/{of('start')}/{who}"] if who and of("start") else []
    return list(dict.fromkeys(plainly(h).strip().lower()[:300] for h in found))


def _as_of(at: str, edits: str) -> str:
    """When a version came in, so that the later of two is known: a time, and how often it was edited by then."""
    time = re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?", at)
    number = int(edits) if edits.isdigit() and len(edits) < 6 else 0
    return f"{number:05d} {time[0].replace(' ', 'T') if time else ''}".strip()


# --- zips and workbooks -------------------------------------------------------------------------------------------


def _packed(raw: bytes, ending: str) -> Delivery:
    try:
        packed = zipfile.ZipFile(io.BytesIO(raw))
        infos = packed.infolist()
    except (zipfile.BadZipFile, ValueError):
        raise Refused(_("The file is damaged: it cannot be unpacked. Export it again."), reason="file") from None
    if len(infos) > MOST_FILES or sum(i.file_size for i in infos) > MOST_UNPACKED:
        raise Refused(_("The file unpacks to far more than an export holds. Nothing was read."), reason="file_size")
    # Pictures and recordings have limits of their own, where they are taken in.
    texts = [i for i in infos if "media/" not in i.filename]
    if any(i.file_size > max(SMALL_PART, MOST_TIMES * i.compress_size) for i in texts):
        raise Refused(_("The file unpacks to far more than an export holds. Nothing was read."), reason="file_size")
    if any(i.flag_bits & 1 for i in infos):
        raise Refused(_("The zip is locked with a password. Export it without one."), reason="file")
    names = [i.filename for i in infos]
    if any(n == "xl/workbook.xml" for n in names):
        if ending != "xlsx":
            _lies()
        return _workbook(raw)
    if ending == "xlsx":
        _lies()
    return _central(packed, names)


def _central(packed: zipfile.ZipFile, names: list[str]) -> Delivery:
    tables: dict[str, tuple[list[str], Iterator[tuple[int, list[str]]]]] = {}
    for name in names:
        if name.lower().endswith(".csv") and "media/" not in name:
            tables[name] = _table(_lines(b"", iter(partial(packed.open(name).read, 65536), b"")))
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
        mapping, parent = [target(h) for h in header], header.index("PARENT_KEY")
        own = header.index("KEY") if "KEY" in header else -1
        for number, row in body:
            if len(row) != len(header):
                raise _uneven(name, number, row, header)
            if isinstance(row, _Swallowing):
                raise Refused(
                    _("Row %(row)d of “%(table)s” has a cell that holds lines which look like rows of it: a quote seems to be left open, so "
                      "source items would be lost. Export the file again.") % {"row": number, "table": name[-80:]}, reason="cells",
                )  # fmt: skip
            repeats.append((row[own] if own >= 0 else "", row[parent], row_of(row, mapping), any(mapping)))
    items = _joined(repeats)
    header, body = tables[roots[0]]
    delivery = _flat(ODK, header, body, items)
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


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat() if (value.hour, value.minute, value.second) == (0, 0, 0) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _workbook(raw: bytes) -> Delivery:
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
        mapping, parent = [target(h) for h in columns], columns.index("_parent_index")
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
                    row_of(row, mapping),
                    any(mapping),
                )
            )
    items = {index if sheet == root else f"{sheet} {index}": of for (sheet, index), of in _joined(found).items()}
    route = _route_of(header)
    return _flat(route or XLSX, header, body if route else _below(header, body), items)


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
        t for t, (header, first) in seen.items() if first and (t in shown or sum(bool(target(h)) for h in header) > 1)
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
    if len(header) > MOST_COLUMNS:
        raise _too_wide()

    def body() -> Iterator[tuple[int, list[Any]]]:
        for number, line in lines:
            # A workbook gives each cell its column, so cells that are not there are empty, and none has moved.
            if row := _filled([_cell(c) for c in line]):
                yield number, row + [""] * (len(header) - len(row))

    return (header if any(header) else []), body()


# --- JSON ---------------------------------------------------------------------------------------------------------


def _json(raw: bytes) -> Delivery:
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Refused(_("The file is no readable JSON. Export it again."), reason="file") from None
    if isinstance(data, dict):
        _refuse_page(data)
    if isinstance(data, dict) and isinstance(data.get("value"), list):
        return _from_objects(ODK, data["value"])
    found = data.get("results") if isinstance(data, dict) else data
    if isinstance(found, list) and all(isinstance(x, dict) for x in found):
        return _from_objects(KOBO, found)
    raise Refused(
        _('This JSON is neither what ODK Central\'s OData service gives ("value") nor KoboToolbox\'s API ("results").'),
        reason="file",
    )


def _refuse_page(data: Mapping[str, Any]) -> None:
    """Raises Refused for one page of several: what stands on the others would be lost without a word."""
    if isinstance(data.get("value"), list):
        held, count, more = data["value"], data.get("@odata.count"), data.get("@odata.nextLink")
        how = _("Ask ODK Central for all of them at once, without $top and $skiptoken, or export the zip.")
    elif isinstance(data.get("results"), list):
        held, count, more = data["results"], data.get("count"), data.get("next") or data.get("previous")
        how = _(
            "Ask KoboToolbox with a limit of at least that number and without start, or export XLSX with all submissions."
        )
    else:
        return
    every = count if isinstance(count, int) and not isinstance(count, bool) else 0
    if more or every > len(held):
        raise Refused(
            (_("This file is one page of several: it holds %(here)d of %(all)d submissions, so nothing of it was kept.")
             if every else _("This file is one page of several: it holds %(here)d submissions and names a further page, so nothing of it was kept."))
            % {"here": len(held), "all": every} + " " + how, reason="page",
        )  # fmt: skip


# What OData writes beside a repeat's name, whether or not its rows come with it.
NAVIGATION = "@odata.navigationLink"


def _from_objects(route: str, found: Sequence[Any]) -> Delivery:
    if not all(isinstance(x, dict) for x in found):
        raise Refused(_("The file is no readable JSON. Export it again."), reason="file")
    if unread := sorted(
        {k for x in found for k in x if k.endswith(NAVIGATION) and k.removesuffix(NAVIGATION) not in x}
    ):
        raise Refused(
            _("The repeat “%(repeat)s” is not in this file, only a link to it, so its source items would be lost. Ask ODK Central for it "
              "with $expand=*, or export the zip.") % {"repeat": plainly(unread[0].removesuffix(NAVIGATION))[:60]}, reason="page",
        )  # fmt: skip
    flat = [_flattened(x) for x in found]
    columns = list(dict.fromkeys(k for cells, _items in flat for k in cells))
    if len(columns) > MOST_COLUMNS:
        raise _too_wide()

    def named(cells: Mapping[str, Any], *names: str) -> str:
        return next((str(cells[n]).strip() for n in names if cells.get(n)), "")

    def records() -> Iterator[Record]:
        for number, (cells, items) in enumerate(flat, 1):
            yield Record(
                number, [cells.get(c, "") for c in columns], items,
                _ids(cells.get("meta/rootUuid") or cells.get("rootUuid", ""), cells.get("__id", ""), cells.get("_uuid", ""),
                     cells.get("meta/instanceID", ""), cells.get("meta/deprecatedID") or cells.get("deprecatedID", ""))
                or _kobo_id(cells.get("_id", "") if route == KOBO else "", cells.get("_xform_id_string", "")),
                _hints(partial(named, cells)) if route == KOBO else [],
                _as_of(cells.get("__system/updatedAt") or cells.get("__system/submissionDate") or cells.get("_submission_time", ""),
                       cells.get("__system/edits", "")),
                str(cells.get("__system/reviewState") or cells.get("_validation_status/uid", "")).casefold() in REJECTED,
            )  # fmt: skip

    return Delivery(route, columns, records())


def _flattened(of: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, str], list[dict[str, Any]]]:
    """A submission's answers by path, and its repeats as rows of their own."""
    cells: dict[str, str] = {}
    items: list[dict[str, Any]] = []
    for key, value in of.items():
        path = plainly(f"{prefix}{key}")
        if isinstance(value, dict):
            if value.get("type") == "Point" and isinstance(value.get("coordinates"), list):
                continue
            inner, more = _flattened(value, f"{path}/")
            cells |= inner
            items += more
        elif isinstance(value, list):
            if value and all(isinstance(v, dict) for v in value) and not key.startswith("_"):
                for one in value:
                    inner, more = _flattened(one)
                    items.append(row_of(list(inner.values()), [target(k) for k in inner]))
                    items += [answers for answers in more if answers]
        elif isinstance(value, bool):
            cells[path] = "yes" if value else "no"
        elif value is not None:
            cells[path] = _cell(value)
    return cells, items
