"""What a forecast learns from, out of files alone: SVAC, and UCDP/PRIO's conflict-years. Needs no database."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from answerable.common.errors import Refused
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


def of_conflicts(path: Path) -> list[ConflictYear]:
    """Conflict-years of the UCDP/PRIO Armed Conflict Dataset as CSV. Raises Refused naming row and column."""
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise Refused(f"{path.name} is too large for the UCDP/PRIO file. Nothing was read.", reason="file_size")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path.name} is not UTF-8. Save it as CSV UTF-8 and try again.", reason="encoding") from None
    except OSError as fault:
        raise Refused(f"{path} cannot be read: {fault.strerror}.", reason="file") from None
    reader = csv.DictReader(text.splitlines())
    if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
        raise Refused(
            f"{path.name} is not the UCDP/PRIO Armed Conflict Dataset: these columns are missing: {', '.join(missing)}.",
            reason="columns",
        )
    found = []
    for number, row in enumerate(reader, 2):
        try:
            found.append(
                ConflictYear(
                    conflict=row["conflict_id"].strip(), year=int(row["year"]), intensity=int(row["intensity_level"]),
                    cumulative=row["cumulative_intensity"].strip() == "1", kind=int(row["type_of_conflict"]),
                    over=int(row["incompatibility"]), opponents=len([p for p in row["side_b_id"].split(",") if p.strip()]),
                    ended=row["ep_end"].strip() == "1", began=int(row["start_date"][:4]),
                )
            )  # fmt: skip
        except (ValueError, TypeError, AttributeError):
            raise Refused(
                f"{path.name}, row {number}: year, intensity_level, type_of_conflict, incompatibility and start_date must "
                "be numbers and a day. Nothing was read.",
                reason="rows",
            ) from None
    return found
