"""How good forecasts of levels were. All but `auc` and `average_precision`: smaller is better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from answerable.engines.warning.years import LEVELS, Floats, Ints

BINS = 10


def above(p: Floats, level: int) -> Floats:
    """Chance of at least this level."""
    return np.asarray(p[:, level:].sum(axis=1), dtype=np.float64)


def rps_each(p: Floats, y: Ints) -> Floats:
    """Ranked probability score of each forecast: mean squared distance of the cumulative chances, over three thresholds."""
    gaps = [(above(p, lv) - (y >= lv)) ** 2 for lv in range(1, LEVELS)]
    return np.asarray(np.mean(gaps, axis=0), dtype=np.float64)


def log_each(p: Floats, y: Ints) -> Floats:
    """Minus the logarithm of the chance given to what was reported."""
    return np.asarray(-np.log(p[np.arange(len(y)), y]), dtype=np.float64)


def brier(p: Floats, y: Ints, level: int = 2) -> float:
    """Mean squared error of the chance of at least `level`."""
    return float(np.mean((above(p, level) - (y >= level)) ** 2))


def auc(p: Floats, y: Ints, level: int = 2) -> float:
    """Chance that a year at this level or more was ranked above one below it; NaN when there is none of either."""
    hit = y >= level
    return float(roc_auc_score(hit, above(p, level))) if 0 < hit.sum() < len(hit) else float("nan")


def onset_precision(p: Floats, y: Ints, now: Ints) -> float:
    """Average precision of the chance of any report next year, among actors with none this year."""
    quiet = now == 0
    hit = y[quiet] > 0
    return float(average_precision_score(hit, above(p[quiet], 1))) if hit.any() else float("nan")


@dataclass(frozen=True)
class Bin:
    """One tenth of the forecasts: mean chance given, share reported, number."""

    said: float
    seen: float
    n: int


def bins(p: Floats, y: Ints, level: int = 1) -> list[Bin]:
    """Ten bins of equal number by the chance of at least `level`; forecasts that say the same stay together."""
    said, hit = above(p, level), y >= level
    order = np.argsort(said, kind="stable")
    edges = np.unique(said[order][np.linspace(0, len(said), BINS + 1, dtype=int)[1:-1]])
    which = np.searchsorted(edges, said, side="right")
    return [Bin(float(said[which == b].mean()), float(hit[which == b].mean()), int((which == b).sum()))
            for b in range(len(edges) + 1) if (which == b).any()]  # fmt: skip


def calibration_error(p: Floats, y: Ints, level: int = 1) -> float:
    """Mean distance between chance given and share reported over the bins, weighted by their number."""
    found = bins(p, y, level)
    return sum(abs(b.said - b.seen) * b.n for b in found) / sum(b.n for b in found)


MEASURES = ("rps", "log", "brier2", "auc2", "onset_ap", "calibration")


def all_of(p: Floats, y: Ints, now: Ints) -> dict[str, float]:
    """Every measure by name."""
    return {
        "rps": float(rps_each(p, y).mean()),
        "log": float(log_each(p, y).mean()),
        "brier2": brier(p, y),
        "auc2": auc(p, y),
        "onset_ap": onset_precision(p, y, now),
        "calibration": calibration_error(p, y),
    }
