"""Reading public lists of armed actors: UCDP's actor list (CSV), the UN consolidated list (XML), EU designations (CSV).

Each file may come packed with gzip. A file is read whole or refused with the row and what would help; nothing is
guessed. What a list says of a person beyond names and its own number is not taken over.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.common.separators import separator

LIMIT_BYTES = 64 * 1024 * 1024
LIMIT_UNPACKED = 256 * 1024 * 1024
MOST_ERRORS = 20
SOURCES = {"UCDP-ACTORS": "UCDP actor list", "UN-LIST": "UN Security Council consolidated list",
           "EU-LIST": "EU designations", "HAND": "entered by an analyst"}  # fmt: skip


@dataclass(frozen=True)
class Name:
    """One spelling: main, own (in its own script), alias or former."""

    name: str
    kind: str


@dataclass(frozen=True)
class Entry:
    """One actor of a list. `kind`: group or person; `listed`: under what it stands there."""

    source_id: str
    kind: str
    listed: str
    names: tuple[Name, ...]


@dataclass(frozen=True)
class ListFile:
    """A list read whole, and the digest that recognises it again."""

    source: str
    release: str
    rows: int
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    sha256: str
    counts: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> list[str]:
        """The dry run, line by line."""
        spellings = sum(len(e.names) for e in self.entries)
        return [
            _("%(source)s %(release)s: %(rows)d rows.") % {"source": SOURCES[self.source], "release": self.release, "rows": self.rows},
            _("%(groups)d groups and %(people)d persons, in %(names)d spellings.")
            % {"groups": self.counts.get("group", 0), "people": self.counts.get("person", 0), "names": spellings},
            *(_("Note: %(note)s") % {"note": n} for n in self.notes),
        ]  # fmt: skip


def read(path: Path, source: str) -> ListFile:
    """Read and check a file as a list of `source`. Raises Refused saying what is wrong."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise Refused(_("The file is too large for such a list. Nothing was read."), reason="file_size")
        return read_bytes(path.read_bytes(), source)
    except OSError as fault:
        raise Refused(
            _("%(file)s cannot be read: %(why)s.") % {"file": path, "why": fault.strerror}, reason="file"
        ) from None


def read_bytes(raw: bytes, source: str) -> ListFile:
    """As `read`, from bytes already in hand."""
    digest = hashlib.sha256(raw).hexdigest()
    if raw[:2] == b"\x1f\x8b":
        raw = _unpacked(raw)
    entries, notes, rows, release = READERS[source](raw)
    if not entries:
        raise Refused(
            _("The file names nobody, so it is not the list it is said to be. Nothing was imported."), reason="file"
        )
    seen = Counter(e.source_id for e in entries)
    if twice := [i for i, n in seen.items() if n > 1]:
        raise Refused(
            _("These numbers stand twice in the list: %(ids)s. Nothing was imported.")
            % {"ids": ", ".join(twice[:MOST_ERRORS])},
            reason="file",
        )
    return ListFile(source, release, rows, tuple(entries), tuple(notes), digest, Counter(e.kind for e in entries))


def _unpacked(raw: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            out = packed.read(LIMIT_UNPACKED + 1)
    except (OSError, EOFError, zlib.error):
        raise Refused(
            _("The file looks packed with gzip, but does not unpack. Fetch it again."), reason="file"
        ) from None
    if len(out) > LIMIT_UNPACKED:
        raise Refused(_("The file unpacks to more than such a list can hold. Nothing was read."), reason="file_size")
    return out


def _names(pairs: Iterator[tuple[str, str]]) -> tuple[Name, ...]:
    """Each spelling once, in order, without blanks and placeholders."""
    out: dict[str, Name] = {}
    for raw, kind in pairs:
        text = " ".join(raw.split()).strip(" ;,")
        if len(text) > 1 and text.casefold() not in {"n/a", "na", "-99", "unknown"}:
            out.setdefault(text.casefold(), Name(text, kind))
    return tuple(out.values())


def _table(raw: bytes, columns: set[str], what: str) -> tuple[list[dict[str, str]], list[str]]:
    notes = []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        notes.append(_("The file is not UTF-8; it was read as Windows-1252."))
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator(text))
    missing = columns - set(reader.fieldnames or ())
    if missing:
        raise Refused(
            _("This is not %(what)s: the columns %(names)s are missing. Nothing was imported.")
            % {"what": what, "names": ", ".join(sorted(missing))},
            reason="file",
        )
    rows, errors = [], []
    for number, row in enumerate(reader, 2):
        if None in row or None in row.values():
            errors.append(_("row %(n)d has another number of cells than the header") % {"n": number})
        rows.append(row)
    if errors:
        more = _(" and more") if len(errors) > MOST_ERRORS else ""
        raise Refused(
            _("The file cannot be read: %(errors)s%(more)s. Nothing was imported.")
            % {"errors": "; ".join(errors[:MOST_ERRORS]), "more": more},
            reason="file",
        )
    return rows, notes


Read = tuple[list[Entry], list[str], int, str]


def _ucdp(raw: bytes) -> Read:
    """UCDP Actor Dataset. A mother-tongue name stands beside the English one; a former name is kept as former."""
    rows, notes = _table(
        raw, {"ActorId", "NameData", "NameOrigFull", "NameOrigFullEng", "Location"}, SOURCES["UCDP-ACTORS"]
    )
    entries = []
    for row in rows:
        found = [(row["NameData"], "main"), (row.get("NameOrig", ""), "alias"), (row["NameOrigFull"], "own"),
                 (row["NameOrigFullEng"], "alias"), (row.get("NewName", ""), "alias"),
                 (row.get("NewNameFullMotherTongue", ""), "own"), (row.get("NewNameFullEng", ""), "alias"),
                 (row.get("NamePrev", ""), "former")]  # fmt: skip
        entries.append(Entry(row["ActorId"], "group", row["Location"], _names(iter(found))))
    version = rows[0].get("Version", "") if rows else ""
    return [e for e in entries if e.names], notes, len(rows), version


def _eu(raw: bytes) -> Read:
    """EU designations, one row for each act, person and measure; ships and other assets are nobody's names and left out."""
    columns = {"celex", "recordId", "programKey", "schema", "name", "alias"}
    rows, notes = _table(raw, columns, SOURCES["EU-LIST"])
    merged: dict[tuple[str, str], list[dict[str, str]]] = {}
    left_out: Counter[str] = Counter()
    for row in rows:
        if row["schema"] not in {"Person", "LegalEntity", "Company", "Organization", "PublicBody"}:
            left_out[row["schema"]] += 1
            continue
        merged.setdefault((row["celex"], row["recordId"]), []).append(row)
    entries = []
    for (celex, number), same in merged.items():
        # One number may stand for several names in different annexes of an act.
        by_name: dict[str, list[dict[str, str]]] = {}
        for row in same:
            by_name.setdefault(row["name"].casefold(), []).append(row)
        for n, group in enumerate(by_name.values()):
            row = group[0]
            found = [(row["name"], "main"), *((a, "alias") for r in group for a in re.split(r"[;\n]", r["alias"]))]
            names = _names(iter(found))
            if names:
                kind = "person" if row["schema"] == "Person" else "group"
                ident = f"{celex}/{number}" + (f"/{n + 1}" if n else "")
                entries.append(Entry(ident, kind, f"{row['programKey']}, {celex}", names))
    if left_out:
        notes.append(_("%(n)d rows name ships or assets and were left out.") % {"n": sum(left_out.values())})
    return entries, notes, len(rows), ""


def _un(raw: bytes) -> Read:
    """The UN Security Council's consolidated list: names, names in their own script, and aliases of good quality or low."""
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        root = ElementTree.fromstring(raw)
    except DefusedXmlException:
        raise Refused(_("The file declares entities of its own, which no list of the UN does. Nothing was read."),
                      reason="file") from None  # fmt: skip
    except ElementTree.ParseError as fault:
        raise Refused(
            _("The file is not well-formed XML (line %(line)d). Nothing was imported.") % {"line": fault.position[0]},
            reason="file",
        ) from None
    if root.tag != "CONSOLIDATED_LIST":
        raise Refused(_("This is not the UN consolidated list. Nothing was imported."), reason="file")

    def text(node: Any, tag: str) -> str:
        return (node.findtext(tag) or "").strip()

    entries = []
    rows = 0
    for tag, kind, alias in (("INDIVIDUAL", "person", "INDIVIDUAL_ALIAS"), ("ENTITY", "group", "ENTITY_ALIAS")):
        for node in root.iter(tag):
            rows += 1
            parts = (text(node, f"{n}_NAME") for n in ("FIRST", "SECOND", "THIRD", "FOURTH"))
            found = [(" ".join(p for p in parts if p), "main"), (text(node, "NAME_ORIGINAL_SCRIPT"), "own")]
            found += [(part, "alias") for a in node.iter(alias) for part in text(a, "ALIAS_NAME").split(";")]
            names = _names(iter(found))
            if names:
                listed = f"{text(node, 'UN_LIST_TYPE')}, {text(node, 'REFERENCE_NUMBER')}"
                entries.append(Entry(text(node, "DATAID"), kind, listed, names))
    return entries, [], rows, (root.get("dateGenerated") or "")[:10]


READERS: Mapping[str, Callable[[bytes], Read]] = {"UCDP-ACTORS": _ucdp, "UN-LIST": _un, "EU-LIST": _eu}
