"""Exact shares. Votes, percentages and splits are integers and Fractions, never floats (R-NUM-1, R-NUM-2)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def at_least(part: int, whole: int, percent: int) -> bool:
    """`part` is at least `percent` of `whole`, as part × 100 ≥ percent × whole (R-NUM-1)."""
    return part * 100 >= percent * whole


def largest_remainder(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Split integer `total` by `weights` so that the parts sum to it exactly; ties go to the earlier (R-NUM-2).

    Raises ValueError for negative weights, for a negative total, or when all weights are zero and total is not.
    """
    exact = [Fraction(w) for w in weights]
    if total < 0 or any(w < 0 for w in exact):
        raise ValueError("shares are not negative")
    whole = sum(exact, Fraction(0))
    if whole == 0:
        if total:
            raise ValueError("nothing to split by")
        return [0] * len(exact)
    quotas = [total * w / whole for w in exact]
    parts = [q.numerator // q.denominator for q in quotas]
    order = sorted(range(len(exact)), key=lambda i: (-(quotas[i] - parts[i]), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
