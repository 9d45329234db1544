"""Possible linkages drawn from the chances that two records are the same person.

Each pair is linked or not by its chance, the likelier first; a link that would put two records of one list together is left
out, since each list was freed of repeats before. Pairs are drawn apart, as if one link said nothing about another but through
that rule; a linker that draws whole partitions (Sadinle 2017, J. Am. Stat. Assoc. 112(518)) can hand in its own draws instead.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from answerable.common.separators import separator
from answerable.engines.estimates.sentences import Fault, Remark
from answerable.engines.estimates.tables import CaptureTable, check_lists

Pair = tuple[tuple[int, str], tuple[int, str], float]
COLUMNS = ("list_a", "record_a", "list_b", "record_b", "chance")
DRAWS, SEED = 1_000, 2017
MOST_PAIRS = 200_000


def draw(lists: Sequence[str], sizes: Sequence[int], pairs: Sequence[Pair], *, draws: int = DRAWS,
         seed: int = SEED) -> list[CaptureTable]:  # fmt: skip
    """Capture tables of as many possible linkages. `sizes` counts each list's records; those in no pair stand alone."""
    k = len(lists)
    number: dict[tuple[int, str], int] = {}
    for a, b, _chance in pairs:
        number.setdefault(a, len(number))
        number.setdefault(b, len(number))
    bits = np.array([1 << (k - 1 - place) for place, _record in number], np.int64)
    alone = np.zeros(2**k, np.int64)
    for place, size in enumerate(sizes):
        alone[1 << (k - 1 - place)] = size - int((bits == 1 << (k - 1 - place)).sum())
    ordered = sorted(((chance, number[a], number[b]) for a, b, chance in pairs), key=lambda p: (-p[0], p[1], p[2]))
    chances = np.array([p[0] for p in ordered])
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        parent, lists_of = list(range(len(number))), bits.tolist()
        for i in np.flatnonzero(rng.random(len(ordered)) < chances):
            one, other = _root(parent, ordered[i][1]), _root(parent, ordered[i][2])
            if one != other and not lists_of[one] & lists_of[other]:
                parent[other] = one
                lists_of[one] |= lists_of[other]
        whole = [lists_of[i] for i in range(len(parent)) if parent[i] == i]
        counts = alone + np.bincount(np.array(whole, np.int64), minlength=2**k) if whole else alone.copy()
        found.append(CaptureTable(tuple(lists), counts))
    return found


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def read_sizes(text: str) -> dict[str, int]:
    """How many records each list holds, from CSV with `list` and `records`. Raises Fault."""
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator(text)))
    if not rows or {"list", "records"} - set(rows[0]):
        raise Fault([Remark("sizes_columns")])
    found, faults = {}, []
    for row, r in enumerate(rows, 2):
        size = (r["records"] or "").strip()
        if not size.isdecimal():
            faults.append(Remark("count_not_a_number", {"row": row}))
        else:
            found[(r["list"] or "").strip()] = int(size)
    if len(found) < len(rows) and not faults:
        faults.append(Remark("list_twice"))
    if faults:
        raise Fault(faults)
    check_lists(list(found))
    return found


def read_pairs(text: str, sizes: Mapping[str, int]) -> list[Pair]:
    """Pairs of records with the chance that they are one person. Records are numbers or codes, never names. Raises Fault with
    every fault by its row."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=separator(text))
    if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
        raise Fault([Remark("pairs_columns", {"columns": ", ".join(missing)})])
    place = {name: i for i, name in enumerate(sizes)}
    pairs: list[Pair] = []
    faults: list[Remark] = []
    seen: dict[int, set[str]] = {i: set() for i in place.values()}
    for row, r in enumerate(reader, 2):
        one, other = (r["list_a"] or "").strip(), (r["list_b"] or "").strip()
        if one not in place or other not in place or one == other:
            faults.append(Remark("pair_lists", {"row": row}))
            continue
        try:
            chance = float(r["chance"] or "")
        except ValueError:
            chance = -1.0
        if not 0 <= chance <= 1:
            faults.append(Remark("pair_chance", {"row": row, "value": (r["chance"] or "")[:40]}))
            continue
        a, b = (place[one], (r["record_a"] or "").strip()), (place[other], (r["record_b"] or "").strip())
        seen[a[0]].add(a[1])
        seen[b[0]].add(b[1])
        pairs.append((a, b, chance))
        if len(pairs) > MOST_PAIRS:
            faults.append(Remark("too_many_pairs", {"most": f"{MOST_PAIRS:,}"}))
            break
    faults += [
        Remark("more_than_the_list", {"list": name, "pairs": len(seen[i]), "size": sizes[name]})
        for name, i in place.items() if len(seen[i]) > sizes[name]
    ]  # fmt: skip
    if faults:
        raise Fault(faults)
    return pairs


__all__ = ["DRAWS", "draw", "read_pairs", "read_sizes"]
