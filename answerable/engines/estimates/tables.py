"""Capture tables: how many cases stand on which lists, and nothing about any of them.

A table of k lists has 2^k cells, one for each pattern of membership. The cell of nobody's list is the one that is
estimated; it is never read. Cells are numbered by their pattern, first list first: with lists A, B, C the cell of
A and C alone is 0b101 = 5, so `counts[0]` is always the unseen one and holds 0.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from answerable.common.separators import separator
from answerable.engines.estimates.sentences import Fault, Remark, noop

MOST_LISTS = 10  # 1,023 cells; past that no published study has overlaps enough to say anything
MOST_BYTES = 5_000_000
MOST_STRATA, MOST_DRAWS = 20, 1_000
GROUPS = ("stratum", "draw")
COUNT_NAMES = {"count", "n", "cases", "persons"}
# More would be a slip of the hand, and past 2^53 the arithmetic is no longer exact.
MOST_CASES = 100_000_000


@dataclass(frozen=True)
class CaptureTable:
    """Counts by pattern. `counts` has 2^k entries; `counts[0]`, those on no list, is always 0."""

    lists: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def k(self) -> int:
        return len(self.lists)

    @cached_property
    def observed(self) -> int:
        """Cases on at least one list."""
        return int(self.counts.sum())

    @cached_property
    def membership(self) -> NDArray[np.bool_]:
        """2^k rows, k columns: whether a cell's cases are on a list."""
        return membership(self.k)

    def on(self, which: int) -> int:
        """Cases on every list of a bit pattern (a margin)."""
        cells = np.arange(len(self.counts))
        return int(self.counts[(cells & which) == which].sum())

    def bit(self, place: int) -> int:
        """The bit of a list by its place, first list first."""
        return 1 << (self.k - 1 - place)

    def size(self, place: int) -> int:
        return self.on(self.bit(place))

    def overlap(self, first: int, second: int) -> int:
        return self.on(self.bit(first) | self.bit(second))

    def without(self, place: int) -> CaptureTable:
        """The table as it would be had one list never been kept: cases only on it are not seen any more."""
        keep = [p for p in range(self.k) if p != place]
        return self.only(keep)

    def only(self, keep: Sequence[int]) -> CaptureTable:
        counts = np.zeros(2 ** len(keep), np.int64)
        weights = 1 << np.arange(len(keep) - 1, -1, -1)
        np.add.at(counts, self.membership[:, list(keep)] @ weights, self.counts)
        counts[0] = 0
        return CaptureTable(tuple(self.lists[p] for p in keep), counts)

    def patterns(self) -> dict[str, int]:
        """Every pattern with cases, written as ones and zeros, first list first."""
        return {format(c, f"0{self.k}b"): int(n) for c, n in enumerate(self.counts) if n}


def membership(k: int) -> NDArray[np.bool_]:
    cells = np.arange(2**k)
    return (cells[:, None] >> np.arange(k - 1, -1, -1) & 1).astype(bool)


def of_patterns(lists: Sequence[str], patterns: Mapping[str, int]) -> CaptureTable:
    """A table from {"101": 7, …}. Raises Fault for a pattern of another length, other digits or a bad count."""
    check_lists(lists)
    counts = np.zeros(2 ** len(lists), np.int64)
    faults = []
    for row, (pattern, n) in enumerate(patterns.items(), 1):
        if len(pattern) != len(lists) or set(pattern) - {"0", "1"}:
            faults.append(Remark("pattern_shape", {"row": row, "pattern": pattern, "k": len(lists)}))
        elif n < 0:
            faults.append(Remark("count_negative", {"row": row, "value": n}))
        elif n and "1" not in pattern:
            faults.append(Remark("count_of_the_unseen", {"row": row}))
        else:
            counts[int(pattern, 2)] = n
    if faults:
        raise Fault(faults)
    return CaptureTable(tuple(lists), counts)


def of_cases(lists: Sequence[str], rows: Iterable[Sequence[int]]) -> CaptureTable:
    """A table from one row of ones and zeros for each case."""
    check_lists(lists)
    counts = np.zeros(2 ** len(lists), np.int64)
    for row in rows:
        counts[int("".join("1" if x else "0" for x in row), 2)] += 1
    counts[0] = 0
    return CaptureTable(tuple(lists), counts)


def read_csv(text: str) -> CaptureTable:
    """One table from CSV, without strata or draws. Raises Fault with every fault found, each by its row."""
    lists, groups = read_groups(text)
    if set(groups) != {("", "")}:
        raise Fault([Remark("no_such_columns")])
    return CaptureTable(lists, groups["", ""])


def read_groups(text: str) -> tuple[tuple[str, ...], dict[tuple[str, str], NDArray[np.int64]]]:
    """Lists, and counts by stratum and draw ("" where there is no such column), from CSV: one column of 0 and 1 for each
    list, and either a column `count` with one row a pattern, or none with one row a case; perhaps `stratum` and `draw`.
    Rows are counted as a spreadsheet does, the header being row 1.

    Raises Fault with every fault found, each by its row. A fault repeats no cell: someone may have typed a name there.
    """
    if len(text.encode()) > MOST_BYTES:
        raise Fault([Remark("file_size", {"most": MOST_BYTES // 1_000_000})])
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator(text))
    try:
        rows = [(number, [cell.strip() for cell in row]) for number, row in enumerate(reader, 1)]
    except csv.Error as broken:
        raise Fault([Remark("not_csv", {"what": str(broken)})]) from None
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise Fault([Remark("file_empty", {})])
    header, body = rows[0][1], rows[1:]
    faults: list[Remark] = []
    if not body:
        raise Fault([Remark("file_empty", {})])
    named = [name.casefold() for name in header]
    where = [place for place, name in enumerate(named) if name in COUNT_NAMES]
    if len(where) > 1:
        raise Fault([Remark("count_twice", {"columns": ", ".join(header[w] for w in where)})])
    at = where[0] if where else None
    by = {name: named.index(name) for name in GROUPS if name in named}
    columns = [place for place in range(len(header)) if place != at and place not in by.values()]
    lists = [header[place] for place in columns]
    for place in columns:
        # A column of another kind is named once, by its first such row, and not once for each of its rows.
        strange = next(((n, r[place]) for n, r in body if place < len(r) and r[place] not in {"0", "1"}), None)
        if strange is not None and not any(r[place] in {"0", "1"} for _n, r in body if place < len(r)):
            faults.append(Remark("column_unknown", {"column": header[place], "row": strange[0]}))
        elif strange is not None:
            faults += [
                Remark("not_zero_or_one", {"row": n, "column": header[place]})
                for n, r in body if place < len(r) and r[place] not in {"0", "1"}
            ]  # fmt: skip
    check_lists(lists, faults)
    groups: dict[tuple[str, str], NDArray[np.int64]] = {}
    seen: dict[tuple[str, str, int], int] = {}
    for number, row in body:
        if len(row) != len(header):
            faults.append(Remark("row_length", {"row": number, "cells": len(row), "columns": len(header)}))
            continue
        group = (row[by["stratum"]] if "stratum" in by else "", row[by["draw"]] if "draw" in by else "")
        if empty := [name for name in by if not row[by[name]]]:
            faults.append(Remark(f"{empty[0]}_empty", {"row": number}))
            continue
        if group not in groups and len(groups) > MOST_DRAWS * MOST_STRATA:
            break  # said below; a file of one group a row would otherwise fill the memory
        if group not in groups:
            groups[group] = np.zeros(2 ** len(lists), np.int64)
        marks = [row[place] for place in columns]
        cell = int("".join(marks), 2) if all(m in {"0", "1"} for m in marks) else None
        count = 1
        if at is not None:
            given = row[at]
            if cell == 0 and given in {"", "0", "NA"}:
                continue  # the unseen cell, written out blank as some publications do
            try:
                count = int(given)
            except ValueError:
                faults.append(Remark("count_not_a_number", {"row": number}))
                continue
            if count < 0:
                faults.append(Remark("count_negative", {"row": number, "value": count}))
                continue
            if count > MOST_CASES:
                faults.append(Remark("count_too_large", {"row": number, "value": count}))
                continue
        if cell is None:
            continue
        if cell == 0:
            faults.append(Remark("count_of_the_unseen", {"row": number}))
        elif at is not None and (*group, cell) in seen:
            faults.append(
                Remark("pattern_twice", {"row": number, "first": seen[*group, cell], "pattern": "".join(marks)})
            )
        else:
            seen.setdefault((*group, cell), number)
            groups[group][cell] += count
    strata = Counter(stratum for stratum, _draw in groups)
    if len(strata) > MOST_STRATA:
        faults.append(Remark("too_many_strata", {"count": len(strata), "most": MOST_STRATA}))
    if max(strata.values(), default=0) > MOST_DRAWS:
        faults.append(Remark("too_many_draws", {"count": max(strata.values()), "most": MOST_DRAWS}))
    if faults:
        raise Fault(faults)
    return tuple(lists), groups


def check_lists(lists: Sequence[str], faults: list[Remark] | None = None) -> None:
    found = []
    if any(not name for name in lists):
        found.append(Remark("column_unnamed", {}))
    if len({name.casefold() for name in lists}) != len(lists):
        found.append(Remark("list_twice", {}))
    if len(lists) > MOST_LISTS:
        found.append(Remark("too_many_lists", {"k": len(lists), "most": MOST_LISTS}))
    if not lists:
        found.append(Remark("no_lists", {}))
    if found:
        raise Fault([*(faults or []), *found])


__all__ = [
    "CaptureTable",
    "Fault",
    "check_lists",
    "membership",
    "noop",
    "of_cases",
    "of_patterns",
    "read_csv",
    "read_groups",
]
