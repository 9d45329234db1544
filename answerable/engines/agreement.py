"""How far two readers agree beyond chance: Cohen's weighted kappa (Cohen 1968, Psychological Bulletin 70(4))."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agreement:
    """`kappa` is 1 for full agreement and 0 for what chance gives; None when both always say one and the same."""

    kappa: float | None
    pairs: int  # items both read
    same: int  # items on which both say the same


def linear_kappa(pairs: Iterable[tuple[int | None, int | None]], levels: int) -> Agreement:
    """Weighted kappa with linear weights over levels 0 … levels - 1. A pair with a missing reading is left out: no report
    is not a reading of zero. Raises ValueError for a reading outside the levels."""
    table = np.zeros((levels, levels))
    for a, b in pairs:
        if a is None or b is None:
            continue
        if not (0 <= a < levels and 0 <= b < levels):
            raise ValueError(f"a reading lies outside 0 to {levels - 1}: {a}, {b}")
        table[a, b] += 1
    count, same = int(table.sum()), int(np.trace(table))
    if not count:
        return Agreement(None, 0, 0)
    away = np.abs(np.subtract.outer(np.arange(levels), np.arange(levels)))
    chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / count
    expected = float((away * chance).sum())
    return Agreement(None if expected == 0 else 1 - float((away * table).sum()) / expected, count, same)
