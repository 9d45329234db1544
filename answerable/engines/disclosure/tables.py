"""Small cells kept out of a table, what is left rounded, and the table attacked before it goes out (R-SDC, §7.4).

Plain numbers in, a table out. A released table never holds an exact figure: what is shown is rounded down to fives
("at least"), what is withheld says nothing of why, and `exposed` works out what a reader could still infer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linprog

NATIONAL, SUBNATIONAL = 5, 10
BASE = 5
CONTRIBUTORS, DOMINANCE = 3, 80  # fewer organisations than this, or one with more than this per cent: withheld
CANDIDATES = 5  # values that must stay possible for every withheld cell and every shown one under UNDER
UNDER = 20


@dataclass(frozen=True)
class Table:
    """Counts by row and column, with which organisations gave them: {(row, column): {organisation: n}}.

    `disjoint` is False where one incident stands in several rows (forms of violence): then rows do not add up to the
    total, and `whole` says what the columns come to. `nearly`: few incidents stand in several rows (armed actors), so that rows
    all but add up; what is withheld is withheld as though they did, else it could be had by taking the others from the total.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    given: Mapping[tuple[str, str], Mapping[str, int]]
    disjoint: bool = True
    whole: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    nearly: bool = False

    def n(self, row: str, column: str) -> int:
        """The count of one cell."""
        return sum(self.given.get((row, column), {}).values())

    def organisations(self, row: str | None, column: str | None) -> dict[str, int]:
        """Who gave how much of a cell, or of a margin (None)."""
        if row is None and not self.disjoint:
            found = [self.whole.get(c, {}) for c in self.columns if column in (None, c)]
        else:
            found = [self.given.get((r, c), {}) for r in self.rows for c in self.columns
                     if row in (None, r) and column in (None, c)]  # fmt: skip
        total: dict[str, int] = {}
        for one in found:
            for organisation, n in one.items():
                total[organisation] = total.get(organisation, 0) + n
        return {o: n for o, n in total.items() if n}


@dataclass(frozen=True)
class Released:
    """What may be shown: a number is "at least" that many (0 is none), None is withheld."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | None, ...], ...]
    row_totals: tuple[int | None, ...]
    column_totals: tuple[int | None, ...]
    total: int | None
    disjoint: bool = True


def at_least(n: int) -> int:
    """Rounded down to a multiple of five (R-SDC-8)."""
    return n // BASE * BASE


def thin(given: Mapping[str, int]) -> bool:
    """Whether too few organisations, or one above the others, stand behind a figure (R-SDC-5)."""
    total = sum(given.values())
    return total > 0 and (len(given) < CONTRIBUTORS or max(given.values()) * 100 > DOMINANCE * total)


def suppressed(
    counts: Sequence[Sequence[int]], k: int, *, first: Sequence[Sequence[bool]] | None = None
) -> list[list[bool]]:
    """Which cells of a two-way table are withheld: 1..k-1, and complements until none stands alone (R-SDC-2, 3).

    In every row in order, where exactly one cell is withheld the smallest other that is not zero goes too (ties: the
    earlier); then every column likewise; again until none has exactly one. Where all others are zero, a zero goes.
    """
    height, width = len(counts), len(counts[0]) if counts else 0
    hidden = [[0 < n < k or bool(first and first[r][c]) or (n == 0 and sum(counts[r]) < k) for c, n in enumerate(row)]
              for r, row in enumerate(counts)]  # fmt: skip

    def complement(cells: list[tuple[int, int]]) -> bool:
        if sum(hidden[r][c] for r, c in cells) != 1:
            return False
        left = [x for x in cells if not hidden[x[0]][x[1]]]
        if not left:
            return False
        r, c = min(left, key=lambda x: (counts[x[0]][x[1]] == 0, counts[x[0]][x[1]]))  # min keeps the earlier of equals
        hidden[r][c] = True
        return True

    moved = True
    while moved:
        moved = False
        for r in range(height):
            moved |= complement([(r, c) for c in range(width)])
        for c in range(width):
            moved |= complement([(r, c) for r in range(height)])
    return hidden


def margins(values: Sequence[int], k: int, *, first: Sequence[bool] = ()) -> list[bool]:
    """Which margins are withheld, by the same rule along their own line (R-SDC-4)."""
    return suppressed([list(values)], k, first=[list(first) or [False] * len(values)])[0] if values else []


def release(table: Table, *, k: int, k_total: int = NATIONAL) -> Released:
    """The table as it may leave: suppressed, rounded, and attacked until nothing small can be worked out again.

    A row that can still be worked out loses its total, then the columns theirs; a table that stays exposed is withheld
    whole. `k` is for its cells and row totals (10 below the national level), `k_total` for the country's own totals.
    """
    counts = [[table.n(r, c) for c in table.columns] for r in table.rows]
    thins = [[thin(table.organisations(r, c)) for c in table.columns] for r in table.rows]
    column_n = [sum(table.organisations(None, c).values()) for c in table.columns]
    column_thin = [thin(table.organisations(None, c)) for c in table.columns]
    total_given = table.organisations(None, None)
    total_n = sum(total_given.values())
    adds_up = table.disjoint or table.nearly
    if not adds_up and counts:
        # Rows that overlap never add up, so each stands by itself beside its own total.
        hidden = [suppressed([row], k, first=[thins[i]])[0] for i, row in enumerate(counts)]
    else:
        hidden = suppressed(counts, k, first=thins) if counts else []
    row_n = [sum(row) for row in counts]
    row_hidden = [n < k or thin(table.organisations(r, None)) for r, n in zip(table.rows, row_n, strict=True)]
    if adds_up and row_n:
        row_hidden = margins(row_n, k, first=row_hidden)
    column_hidden = margins(column_n, k_total, first=column_thin)
    total_hidden = total_n < k_total or thin(total_given)
    everything = 0
    while True:
        out = Released(
            table.rows, table.columns,
            tuple(tuple(None if h else at_least(n) for n, h in zip(row, hides, strict=True))
                  for row, hides in zip(counts, hidden, strict=True)),
            tuple(None if h else at_least(n) for n, h in zip(row_n, row_hidden, strict=True)),
            tuple(None if h else at_least(n) for n, h in zip(column_n, column_hidden, strict=True)),
            None if total_hidden else at_least(total_n), table.disjoint,
        )  # fmt: skip
        open_ = exposed(out)
        if table.nearly:
            open_ += [cell for cell in exposed(replace(out, disjoint=True)) if cell not in open_]
        if not open_:
            return out
        everything += 1
        for r, _c in open_:
            hidden[r] = [True] * len(table.columns)
            row_hidden[r] = row_hidden[r] or everything > 1
        if everything > 2:
            hidden = [[True] * len(table.columns) for _ in table.rows]
            row_hidden, column_hidden = [True] * len(table.rows), [True] * len(table.columns)
            total_hidden = total_hidden or everything > 3


def exposed(out: Released, *, base: int = BASE) -> list[tuple[int, int]]:
    """Cells that a reader of the table can pin down: fewer than five values stay possible (security.md §2.10).

    Asks a linear program for the least and the most each cell can be, given all that is shown: withheld cells, shown ones
    under twenty. `base` is how far a shown number was rounded down; 1 asks the same of an exact table.
    """
    height, width = len(out.rows), len(out.columns)
    if not height or not width:
        return []
    found: list[tuple[int, int]] = []
    groups = [list(range(height))] if out.disjoint else [[r] for r in range(height)]
    for group in groups:
        size = len(group) * width
        bounds: list[tuple[float, float | None]] = []
        for r in group:
            for v in out.cells[r]:
                bounds.append((0, None) if v is None else (v, v + base - 1 if v else 0))
        rows: list[np.ndarray] = []
        least: list[float] = []
        most: list[float] = []

        def limit(picked: list[int], shown: int | None, size: int = size, rows: list[np.ndarray] = rows,
                  least: list[float] = least, most: list[float] = most) -> None:  # fmt: skip
            if shown is None:
                return
            line = np.zeros(size)
            line[picked] = 1
            rows.append(line)
            least.append(shown)
            most.append(shown + base - 1 if shown else 0)

        for at, r in enumerate(group):
            limit([at * width + c for c in range(width)], out.row_totals[r])
        if out.disjoint:
            for c in range(width):
                limit([at * width + c for at in range(height)], out.column_totals[c])
            limit(list(range(size)), out.total)
        a = np.vstack([*rows, *(-x for x in rows)]) if rows else None
        b = np.array([*most, *(-x for x in least)]) if rows else None
        for at, r in enumerate(group):
            for c in range(width):
                shown = out.cells[r][c]
                if shown is not None and (shown == 0 or shown >= UNDER):
                    continue
                aim = np.zeros(size)
                aim[at * width + c] = 1
                low = linprog(aim, A_ub=a, b_ub=b, bounds=bounds, method="highs")
                high = linprog(-aim, A_ub=a, b_ub=b, bounds=bounds, method="highs")
                if low.status == 0 and high.status == 0:
                    if int(np.floor(-high.fun + 1e-6)) - int(np.ceil(low.fun - 1e-6)) + 1 < CANDIDATES:
                        found.append((r, c))
    return found
