"""What a forecast learns from, out of files alone: SVAC, and UCDP/PRIO's conflict-years. Needs no database."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from answerable.common.errors import Refused
from answerable.common.separators import separator
from answerable.engines.warning.years import ActorYear, ConflictYear
from answerable.monitoring.svac import SvacFile

COLUMNS = ("conflict_id", "year", "intensity_level", "cumulative_intensity", "type_of_conflict", "incompatibility",
           "side_b_id", "ep_end", "start_date")  # fmt: skip
LIMIT_BYTES = 32 * 1024 * 1024


def of_file(file: SvacFile) -> Iterator[ActorYear]:
    """Actor-years of an SVAC file that was read and checked."""
    for row in file.rows:
        reported = {s: r.value for s, r in row.readings if r.value is not None}
        yield ActorYear(
            row.conflict, row.actor_id or row.actor, row.actor_type, row.year, row.countries, reported,
            frozenset(row.forms), row.actor,
        )  # fmt: skip


@dataclass(frozen=True)
class ConflictFile:
    """The UCDP/PRIO Armed Conflict Dataset read whole, and the digest that recognises it again."""

    years: tuple[ConflictYear, ...]
    version: str
    sha256: str

    def summary(self) -> list[str]:
        """What an import would bring."""
        years, n = [c.year for c in self.years], len({c.conflict for c in self.years})
        return [f"UCDP/PRIO Armed Conflict Dataset {self.version}: {len(self.years):,} conflict-years of "
                f"{n:,} {'conflict' if n == 1 else 'conflicts'}, {min(years)} to {max(years)}."]  # fmt: skip


def of_conflicts(path: Path) -> list[ConflictYear]:
    """Conflict-years of a file. Raises Refused naming row and column."""
    return list(conflict_file(path).years)


def conflict_file(path: Path) -> ConflictFile:
    """As `conflict_bytes`, from a file."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise Refused(f"{path.name} is too large for the UCDP/PRIO file. Nothing was read.", reason="file_size")
        return conflict_bytes(path.read_bytes(), path.name)
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}.", reason="file") from None


def conflict_bytes(raw: bytes, name: str) -> ConflictFile:
    """The UCDP/PRIO Armed Conflict Dataset as CSV. Raises Refused naming row and column."""
    if len(raw) > LIMIT_BYTES:
        raise Refused(f"{name} is too large for the UCDP/PRIO file. Nothing was read.", reason="file_size")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{name} is not UTF-8. Save it as CSV UTF-8 and try again.", reason="encoding") from None
    reader = csv.DictReader(text.splitlines(), delimiter=separator(text))
    if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
        raise Refused(
            f"{name} is not the UCDP/PRIO Armed Conflict Dataset: these columns are missing: {', '.join(missing)}.",
            reason="columns",
        )
    found: dict[tuple[str, int], ConflictYear] = {}
    version = ""
    for number, row in enumerate(reader, 2):
        try:
            one = (
                ConflictYear(
                    conflict=row["conflict_id"].strip(), year=int(row["year"]), intensity=int(row["intensity_level"]),
                    cumulative=row["cumulative_intensity"].strip() == "1", kind=int(row["type_of_conflict"]),
                    over=int(row["incompatibility"]), opponents=len([p for p in row["side_b_id"].split(",") if p.strip()]),
                    ended=row["ep_end"].strip() == "1", began=int(row["start_date"][:4]),
                )
            )  # fmt: skip
        except (ValueError, TypeError, AttributeError):
            raise Refused(
                f"{name}, row {number}: year, intensity_level, type_of_conflict, incompatibility and start_date must "
                "be numbers and a day. Nothing was read.",
                reason="rows",
            ) from None
        if (one.conflict, one.year) in found:
            raise Refused(f"{name}, row {number}: conflict {one.conflict} stands twice for {one.year}. Nothing was read.",
                          reason="rows")  # fmt: skip
        found[one.conflict, one.year] = one
        version = version or (row.get("version") or "").strip()
    if not found:
        raise Refused(f"{name} has a header and no rows.", reason="rows")
    return ConflictFile(tuple(found.values()), version, hashlib.sha256(raw).hexdigest())
