"""A lower bound when some are harder to find than others (Chao 1987, Biometrics 43(4); lists of unequal reach after Rivest &
Baillargeon 2007, Biometrics 63(4)).

Cases on one list and on two are fitted with each list's own reach; those on three or more are left out. When chances
differ between people by a factor common to all lists, the fit falls short of the unseen, never over it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from answerable.engines.estimates import loglinear
from answerable.engines.estimates.tables import CaptureTable


@dataclass(frozen=True)
class Bound:
    total: float
    lower: float
    upper: float


def lower_bound(table: CaptureTable) -> Bound | None:
    """None where cases on one list and on two do not identify it."""
    fit = loglinear.fit_cells(table, np.array([1 <= c.bit_count() <= 2 for c in range(1, 2**table.k)]))
    if fit is None:
        return None
    unseen, spread = fit
    reach = float(np.exp(loglinear.Z_95 * spread))
    return Bound(table.observed + unseen, table.observed + unseen / reach, table.observed + unseen * reach)
