"""Reading the public SVAC files: release 3.2, release 3.0 (tidy) and RSVAC, as CSV or XLSX.

Prevalence is 0 to 3 per conflict, actor and year, coded apart from three sources. -99 means that no report was found and
a blank that nothing was coded; neither is zero. 0 means a report exists and mentions none. Every trap of the file is
handled here and said in the notes.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from answerable.common.errors import Refused
from answerable.common.separators import separator

LIMIT_BYTES = 64 * 1024 * 1024
LIMIT_UNPACKED = 512 * 1024 * 1024
MOST_ERRORS = 20
SOURCES = {"state_prev": "US State Department", "ai_prev": "Amnesty International", "hrw_prev": "Human Rights Watch"}
SOURCE_CODE = {"state_prev": "USSD", "ai_prev": "AI", "hrw_prev": "HRW"}
# SVAC actor_type → our actor_type code. Types 2, 4 and 5 are other states' forces.
ACTORS = {"1": "ACT-STF", "2": "ACT-FOR", "3": "ACT-NSAG", "4": "ACT-FOR", "5": "ACT-FOR", "6": "ACT-PGM"}
FORMS = {"1": "SV-RAPE", "2": "SV-SLAV", "3": "SV-PROS", "4": "SV-PREG", "5": "SV-STER", "6": "SV-MUTI", "7": "SV-TORT"}
RELEASES: dict[str, frozenset[str]] = {
    "3.2": frozenset("year conflictid actor actorid actor_type location gwnoloc state_prev ai_prev hrw_prev form child_prev"
                     .split()),
    "RSVAC": frozenset("year conflictid_new actor actorid_new actor_type location gwnoloc rsvac_form form state_prev ai_prev "
                       "hrw_prev mp".split()),
    "3.0": frozenset("year conflictid_new actor actorid_new actor_type location gwnoloc state_prev ai_prev hrw_prev form"
                     .split()),
}  # fmt: skip
REPORTED, NO_REPORT, BLANK = "reported", "no_report", "blank"
MILITIA_UNTIL = 2009


@dataclass(frozen=True, slots=True)
class Reading:
    """One source's figure: 0-3, or None with the kind that says why."""

    value: int | None
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file. `number` is the row as a spreadsheet shows it (the header is 1)."""

    number: int
    year: int
    conflict: str
    actor: str
    actor_id: str
    actor_type: str
    location: str
    countries: tuple[int, ...]
    readings: tuple[tuple[str, Reading], ...]
    forms: tuple[str, ...]
    form: str = ""


@dataclass(frozen=True)
class SvacFile:
    """A file read whole: its release, rows and notes, and the digest that recognises it again."""

    release: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    sha256: str
    counts: dict[str, int] = field(default_factory=dict)


def column_letter(index: int) -> str:
    """Spreadsheet letter of a zero-based column."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def read(path: Path) -> SvacFile:
    """Read and check a file. Raises Refused naming rows and columns (up to twenty) and what would help."""
    try:
        if path.is_dir():
            raise Refused(f"{path.name} is a folder. Give the CSV or XLSX file itself.", reason="file")
        size = path.stat().st_size
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}.", reason="file") from None
    if size > LIMIT_BYTES:
        raise Refused(
            f"{path.name} is {size // (1024 * 1024):,} MiB; an SVAC file is under {LIMIT_BYTES // (1024 * 1024)} MiB. "
            "Nothing was read. Check that it is the right file.",
            reason="file_size",
        )
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}.", reason="file") from None
    return read_bytes(raw, path.name)


def read_bytes(raw: bytes, name: str) -> SvacFile:
    """As `read`, from bytes already in hand."""
    if not raw.strip():
        raise Refused(f"{name} is empty.", reason="file")
    if len(raw) > LIMIT_BYTES:
        raise Refused(f"{name} is too large for an SVAC file. Nothing was read.", reason="file_size")
    notes: list[str] = []
    table = _sheet(raw, name, notes) if raw[:4] == b"PK\x03\x04" else _csv(raw, name, notes)
    header, rows = table
    release = _release(header, name)
    return _rows(release, header, rows, notes, hashlib.sha256(raw).hexdigest())


def _csv(raw: bytes, name: str, notes: list[str]) -> tuple[list[str], Iterator[tuple[int, Sequence[str]]]]:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused(f"{name} is UTF-16. Save it as CSV UTF-8 and try again.", reason="encoding")
    if b"\x00" in raw[:4096]:
        raise Refused(f"{name} is not a text file. Give SVAC as CSV or XLSX.", reason="file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        other = sum(b >= 0x80 for b in raw)
        as_utf8 = raw.decode("utf-8", errors="ignore")
        if any(ord(c) >= 0x80 for c in as_utf8.removeprefix("\ufeff")):
            raise Refused(
                f"{name} mixes encodings: row {line} is not UTF-8 while other rows are. Save it again as CSV UTF-8.",
                reason="encoding",
            ) from None
        text = raw.decode("cp1252", errors="replace")
        if "\ufffd" in text:
            raise Refused(
                f"{name}: row {line} is in no encoding we know. Save it as CSV UTF-8.", reason="encoding"
            ) from None
        notes.append(f"Read as Windows-1252, because row {line} is not UTF-8 ({other} such characters).")
    first = text.split("\n", 1)[0]
    delimiter = separator(first)
    if delimiter != ",":
        notes.append(f"Columns are separated by {'semicolons' if delimiter == ';' else 'tabs'}.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [h.strip().strip('"').lower() for h in next(reader)]
    except (csv.Error, StopIteration):
        raise Refused(f"{name} cannot be read as CSV.", reason="file") from None

    def body() -> Iterator[tuple[int, Sequence[str]]]:
        try:
            yield from enumerate(reader, 2)
        except csv.Error as fault:
            raise Refused(f"{name}: row {reader.line_num} cannot be read ({fault}).", reason="file") from None

    return header, body()


def _sheet(raw: bytes, name: str, notes: list[str]) -> tuple[list[str], Iterator[tuple[int, Sequence[str]]]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as z:
            unpacked = sum(i.file_size for i in z.infolist())
            if unpacked > LIMIT_UNPACKED:
                raise Refused(f"{name} unpacks to {unpacked:,} bytes, far more than an SVAC sheet. Nothing was read.",
                              reason="file_size")  # fmt: skip
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except Refused:
        raise
    except Exception:  # openpyxl raises many kinds for a damaged workbook; all mean the same to the reader
        raise Refused(
            f"{name} is not a readable XLSX workbook. Save it again, or give the CSV.", reason="file"
        ) from None
    best: tuple[int, str] = (0, "")
    for title in book.sheetnames:
        sheet = book[title]
        if not hasattr(sheet, "iter_rows"):
            continue
        top = next(sheet.iter_rows(values_only=True, max_row=1), ())
        found = {str(c).strip().lower() for c in top if c is not None}
        best = max(best, (max(len(found & need) for need in RELEASES.values()), title))
    if best[0] < 6:
        raise Refused(
            f"No sheet of {name} has SVAC's columns (sheets: {', '.join(book.sheetnames)}). The first row must hold "
            "year, conflictid, actor, state_prev …",
            reason="sheet",
        )
    if len(book.sheetnames) > 1:
        notes.append(f"Read the sheet “{best[1]}”.")
    lines = book[best[1]].iter_rows(values_only=True)
    header = ["" if c is None else str(c).strip().lower() for c in next(lines)]

    def text(cell: Any) -> str:
        if cell is None:
            return ""
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return str(cell)

    def body() -> Iterator[tuple[int, Sequence[str]]]:
        try:
            for number, cells in enumerate(lines, 2):
                yield number, [text(c) for c in cells]
        except Refused:
            raise
        except Exception:
            raise Refused(f"{name} breaks off inside the sheet; it is damaged. Save it again.", reason="file") from None

    return header, body()


def _release(header: list[str], name: str) -> str:
    present = set(header)
    repeated = [h for h, n in Counter(h for h in header if h).items() if n > 1]
    if repeated:
        raise Refused(f"{name}: the column {', '.join(repeated)} appears twice.", reason="columns")
    for release, needed in RELEASES.items():
        if needed <= present:
            return release
    nearest = max(RELEASES, key=lambda r: len(RELEASES[r] & present))
    missing = sorted(RELEASES[nearest] - present)
    if len(missing) > len(RELEASES[nearest]) // 2:
        raise Refused(
            f"{name} is not an SVAC file: its first row has none of most of SVAC's columns "
            f"({', '.join(sorted(RELEASES['3.2']))}).",
            reason="columns",
        )
    raise Refused(
        f"{name} looks like SVAC {nearest}, but these columns are missing: {', '.join(missing)}.", reason="columns"
    )


def _whole(cell: str) -> int | None:
    cell = cell.strip()
    if cell.endswith(".0"):
        cell = cell[:-2]
    try:
        return int(cell)
    except ValueError:
        return None


def _rows(
    release: str, header: list[str], rows: Iterator[tuple[int, Sequence[str]]], notes: list[str], digest: str
) -> SvacFile:
    at = {name: i for i, name in enumerate(header) if name}
    conflict_column = "conflictid" if release == "3.2" else "conflictid_new"
    actor_column = "actorid" if release == "3.2" else "actorid_new"
    errors: list[str] = []
    kept: list[Row] = []
    seen: dict[tuple[str, ...], int] = {}
    kinds: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    spellings: dict[tuple[int, ...], set[str]] = {}

    def wrong(number: int, column: str, what: str) -> None:
        errors.append(f"row {number}, column {column_letter(at[column])} ({column}): {what}")

    for number, cells in rows:
        if not any(c.strip() for c in cells):
            tally["empty rows"] += 1
            continue
        if len(errors) > MOST_ERRORS:
            break
        if len(cells) < len(header):
            if len(cells) <= max(at[c] for c in RELEASES[release]):
                errors.append(f"row {number}: has {len(cells)} cells where {len(header)} belong")
                continue
        key = tuple(c.strip() for c in cells)
        if key in seen:
            tally["exact duplicates"] += 1
            notes.append(f"Row {number} repeats row {seen[key]} word for word and is counted once.")
            continue
        seen[key] = number
        get = {name: cells[i].strip() if i < len(cells) else "" for name, i in at.items()}
        year = _whole(get["year"])
        if year is None or not 1900 <= year <= 2100:
            wrong(number, "year", f"“{get['year'][:20]}” is not a year")
            continue
        conflict = _whole(get[conflict_column])
        if conflict is None:
            wrong(number, conflict_column, f"“{get[conflict_column][:20]}” is not a conflict number")
            continue
        if not get["actor"]:
            wrong(number, "actor", "is empty")
            continue
        kind = str(_whole(get["actor_type"]))
        if kind not in ACTORS:
            wrong(number, "actor_type", f"“{get['actor_type'][:20]}” is not 1 to 6")
            continue
        countries = tuple(
            c for c in (_whole(p) for p in get["gwnoloc"].replace(";", ",").split(",")) if c is not None and c > 0
        )
        if not countries:
            wrong(number, "gwnoloc", f"“{get['gwnoloc'][:20]}” is not a country number")
            continue
        if len(countries) > 1:
            tally["two countries in one cell"] += 1
        spellings.setdefault(countries, set()).add(get["location"])
        readings = []
        for column in SOURCES:
            cell = get[column]
            value = _whole(cell)
            if cell == "":
                reading = Reading(None, BLANK)
            elif value == -99:
                reading = Reading(None, NO_REPORT)
            elif value is not None and 0 <= value <= 3:
                reading = Reading(value, REPORTED)
            else:
                wrong(number, column, f"“{cell[:20]}” is not 0, 1, 2, 3 or -99")
                continue
            kinds[f"{SOURCE_CODE[column]}:{reading.kind}"] += 1
            readings.append((SOURCE_CODE[column], reading))
        forms = []
        if release != "RSVAC" and get["form"] not in {"", "-99"}:
            for part in get["form"].split(","):
                if not (part := part.strip()):
                    tally["form lists with a stray comma"] += 1
                elif part in FORMS:
                    forms.append(FORMS[part])
                else:
                    wrong(number, "form", f"“{part[:20]}” is not a form 1 to 7")
        kept.append(
            Row(number, year, str(conflict), " ".join(get["actor"].split()), str(_whole(get[actor_column]) or ""),
                ACTORS[kind], get["location"], countries, tuple(readings), tuple(dict.fromkeys(forms)),
                get["form"] if release == "RSVAC" else "")
        )  # fmt: skip
    if errors:
        more = f" … and more. {MOST_ERRORS} are shown." if len(errors) > MOST_ERRORS else ""
        raise Refused(
            "Nothing was imported. Correct these and try again:\n  " + "\n  ".join(errors[:MOST_ERRORS]) + more,
            reason="rows",
        )
    if not kept:
        raise Refused("The file has a header and no rows.", reason="rows")
    for what in ("empty rows", "two countries in one cell", "form lists with a stray comma"):
        if tally[what]:
            notes.append(f"{what.capitalize()}: {tally[what]}.")
    many = {c: s for c, s in spellings.items() if len(s) > 1}
    if many:
        example = sorted(next(iter(many.values())))
        notes.append(
            f"{len(many)} countries are spelled in several ways (for example {' / '.join(example[:2])}); joined by their code."
        )
    keys = Counter((r.year, r.conflict, r.actor_id, r.actor_type, r.actor, r.form) for r in kept)
    if repeated := sum(n - 1 for n in keys.values() if n > 1):
        notes.append(
            f"Rows that share year, conflict and actor with another row, each kept as its own reading: {repeated}."
        )
    years = {r.year for r in kept}
    if any(r.actor_type == "ACT-PGM" for r in kept) and max(years) > MILITIA_UNTIL:
        notes.append("Militias are coded to 2009 only, so totals fall in 2010 for that reason alone.")
    blank = sum(n for k, n in kinds.items() if not k.endswith(REPORTED))
    if release != "3.2" and blank:
        notes.append("In this release a blank covers both “no report found” and “not coded”; it is kept as blank.")
    return SvacFile(release, tuple(kept), tuple(notes), digest, dict(kinds))
