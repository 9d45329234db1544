"""What every kind of file is read into: records, their columns, and which submission each one is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Any

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.common.references import is_well_formed
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


@lru_cache(maxsize=1)
def _labels() -> Mapping[str, str]:
    found = {f.label.casefold(): f.name for f in FIELDS} | {w.casefold(): n for n, (w, _why) in NOT_TAKEN.items()}
    return found | OTHER_LABELS


# What a question was called before, and what a file may call it as well.
OTHER_LABELS = {"armed actor": "party", "parties": "party"}


@lru_cache(maxsize=4096)
def target(header: str) -> str:
    """The field a column's header means: by its name behind the groups, or by its label. "" when it means none."""
    head = header.strip()
    if head.casefold() in _labels():
        return _labels()[head.casefold()]
    path, _sep, last = head.rpartition("/")
    if path and (of := BY_NAME.get(_behind(path))) is not None and of.kind in ("codes", "refs"):
        code = last.upper()
        if of.kind == "refs":
            return f"{of.name}/{code}" if is_well_formed(code) else ""
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


def lies() -> None:
    raise Refused(
        _("What is in this file is not what its name says. Reports are taken as CSV, as XLSX, as the zip or JSON of ODK "
          "Central, or as the CSV, XLSX or JSON of KoboToolbox. Export it again and do not rename it."),
        reason="file_type",
    )  # fmt: skip


def whole(first: bytes, chunks: Iterator[bytes]) -> bytes:
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


def ids(*ids: str) -> list[str]:
    """Every name of a submission, the oldest first, each once."""
    found = (plainly(i) for i in ids if i)
    return list(dict.fromkeys(i.removeprefix("uuid:").strip().lower()[:200] for i in found))


def plainly(text: str) -> str:
    """A name in the file without what no table takes: half a character, or the character that ends a text."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "")


def kobo_id(number: str, form: str) -> list[str]:
    """The name of a submission that has none of its own: its number counts within its form, and nowhere else."""
    return ids(f"kobo/{form}/{number}") if number and form else []


def hints(of: Callable[..., str]) -> list[str]:
    """What an edit in KoboToolbox keeps although it takes another _uuid: its number, within its form where that is named; and its own
    name, or the time it was begun, with who sent it or on what.
    """
    form, number = of("_xform_id_string"), of("_id")
    who = of("deviceid", "_submitted_by", "username")
    found = [f"number/{form}/{number}"] if number else []
    found += [f"name/{of('meta/instanceName')}/{who}"] if who and of("meta/instanceName") else []
    found += [f"begun/{of('start')}/{who}"] if who and of("start") else []
    return list(dict.fromkeys(plainly(h).strip().lower()[:300] for h in found))


def as_of(at: str, edits: str) -> str:
    """When a version came in, so that the later of two is known: a time, and how often it was edited by then."""
    time = re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?", at)
    number = int(edits) if edits.isdigit() and len(edits) < 6 else 0
    return f"{number:05d} {time[0].replace(' ', 'T') if time else ''}".strip()
