"""Redaction of texts, boxes on pages, grades by several assessors, and where items come from. Plain Python."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from answerable.monitoring import rules

REMOVED = "[…]"
MOST_BOXES = 60
LONGEST_PASSAGE = 4000


class Unfit(Exception):
    """What is asked cannot be done as it is written; `at` is the number of the line or passage, counted from 1."""

    def __init__(self, why: str, at: int = 0) -> None:
        super().__init__(why)
        self.why, self.at = why, at


# --- redaction ----------------------------------------------------------------------------------------------------


def read_boxes(lines: str) -> list[tuple[int, int, int, int, int]]:
    """Boxes typed one a line: page, left, top, width, height; the four in per cent of the page, decimals allowed.

    Returns thousandths. Raises Unfit for a line that is no box, one outside its page, or too many.
    """
    found = []
    rows = [r for r in lines.splitlines() if r.strip()]
    if not rows or len(rows) > MOST_BOXES:
        raise Unfit("none" if not rows else "many")
    for n, row in enumerate(rows, 1):
        parts = re.split(r"[\s;,]+", row.strip())
        if (
            len(parts) != 5
            or not parts[0].isdecimal()
            or not all(re.fullmatch(r"\d{1,3}(\.\d{1,2})?", p) for p in parts[1:])
        ):
            raise Unfit("line", n)
        page, (left, top, width, height) = int(parts[0]), (round(float(p) * 10) for p in parts[1:])
        if not 1 <= page <= 1000 or width < 1 or height < 1 or left + width > 1000 or top + height > 1000:
            raise Unfit("outside", n)
        found.append((page, left, top, width, height))
    return found


def without(text: str, passages: Sequence[str]) -> tuple[str, int]:
    """The text with every occurrence of every passage replaced by one same sign, and how many were removed.

    Case, spacing and how letters are composed do not hide an occurrence: "Amina", "AMINA" and "A m" over a line end are found
    alike. The sign has one length, so that it does not tell how long a name was. Raises Unfit for a passage not in the text.
    """
    whole = unicodedata.normalize("NFC", text)
    spans: list[tuple[int, int]] = []
    for n, passage in enumerate(passages, 1):
        words = unicodedata.normalize("NFC", passage).split()
        if not words or len(passage) > LONGEST_PASSAGE:
            raise Unfit("passage", n)
        pattern = r"\s+".join(re.escape(w) for w in words)
        hits = [m.span() for m in re.finditer(pattern, whole, re.IGNORECASE)]
        if not hits:
            raise Unfit("absent", n)
        spans += hits
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    out, at = [], 0
    for start, end in merged:
        out += [whole[at:start], REMOVED]
        at = end
    return "".join([*out, whole[at:]]), len(merged)


# --- grades by several assessors (R-VER-0) ------------------------------------------------------------------------


@dataclass(frozen=True)
class Grading:
    """Where the grading of an account stands. `grade` is empty until it is settled; `asked` more assessors are needed."""

    grade: str
    asked: int
    third: bool
    agreed: int


def grading(grades: Sequence[str]) -> Grading:
    """The grade of an account from its assessors' grades, in the order they were given.

    Two assess; a third is asked when the two differ by two or more, or straddle T2/T3. Two that differ by one on the same
    side give the more cautious of the two; three give the middle one. `agreed` counts the assessors at that grade.
    """
    if len(grades) < 2:
        return Grading("", 2 - len(grades), False, 0)
    third = rules.testimony_needs_third(grades[0], grades[1])
    if third and len(grades) < 3:
        return Grading("", 1, True, 0)
    settled = sorted(grades[:3])[1] if third else max(grades[:2])
    return Grading(settled, 0, third, sum(g == settled for g in grades))


# --- where items come from (R-VER-1) ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """One root, and the items that go back to it. Several items under one root are one origin."""

    root: str
    items: tuple[str, ...]

    @property
    def shared(self) -> bool:
        return len(self.items) > 1


def origins(items: Iterable[rules.ItemFacts]) -> list[Origin]:
    """Every root with the items that go back to it, the most shared first."""
    behind: dict[str, list[str]] = {}
    for ref, roots in rules.root_sets(items).items():
        for root in roots:
            behind.setdefault(root, []).append(ref)
    return sorted((Origin(r, tuple(i)) for r, i in behind.items()), key=lambda o: (-len(o.items), o.root))


@dataclass(frozen=True)
class Placed:
    """An item's place in the drawing: column from the roots (0), row in its column."""

    ref: str
    column: int
    row: int


def drawing(parents: Mapping[str, Sequence[str]]) -> tuple[list[Placed], list[tuple[str, str]]]:
    """Places and edges (from, to) of a provenance graph: roots first, each item one column behind its furthest parent."""
    refs = sorted({*parents, *(p for ps in parents.values() for p in ps)})
    column = dict.fromkeys(refs, 0)
    for _round in refs:  # as often as there are items at most; a circle stops there and harms nothing
        moved = False
        for ref in refs:
            at = max((column[p] + 1 for p in parents.get(ref, ()) if p != ref), default=0)
            if at > column[ref] and at < len(refs):
                column[ref], moved = at, True
        if not moved:
            break
    rows: dict[int, int] = {}
    placed = []
    for ref in refs:
        placed.append(Placed(ref, column[ref], rows.setdefault(column[ref], 0)))
        rows[column[ref]] += 1
    return placed, [(p, ref) for ref in refs for p in parents.get(ref, ())]
