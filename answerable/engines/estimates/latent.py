"""Latent classes: cases of two or three kinds that no list records, each kind with its own chance of each list.

Source: Goodman 1974, Biometrika 61(2); Agresti 1994, Biometrics 50(2); Stanghellini & van der Heijden 2004, Biometrics 60(2). Inside a
class the lists are independent; between classes everything may differ, which is what makes easily found people easily
found by everyone. Fitted by EM (Dempster, Laird & Rubin 1977) for each number unseen on a grid, so that the interval is that of
the profile likelihood and shows when the data cannot say where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import gammaln
from scipy.stats import chi2

from answerable.engines.estimates.tables import CaptureTable

Array = NDArray[np.float64]
DROP_95 = float(chi2.ppf(0.95, 1)) / 2
POINTS, TURNS, TINY = 49, 400, 1e-7
LEAST_LISTS = 4  # two classes of three lists have as many parameters as there are cells


@dataclass(frozen=True)
class Latent:
    classes: int
    total: float
    lower: float
    upper: float
    bic: float
    shares: tuple[float, ...]  # of all cases, seen and unseen, at the estimate
    chances: tuple[tuple[float, ...], ...]  # of each class to be on each list
    open_above: bool  # the likelihood has not fallen at the grid's end: no upper limit can be given
    rises: bool  # the best fit itself lies at the grid's end: the number unseen is where the search stopped, not an estimate


def classes_possible(k: int) -> list[int]:
    """How many classes k lists can tell apart: fewer parameters than observable cells, and never fewer than four lists."""
    return [c for c in (2, 3) if k >= LEAST_LISTS and c * k + c < 2**k - 1]


def latent_class(table: CaptureTable, most: int) -> Latent | None:
    """The number of classes with the lower BIC. None below four lists."""
    found = [fit(table, c, most) for c in classes_possible(table.k)]
    return min(found, key=lambda f: f.bic, default=None)


def fit(table: CaptureTable, classes: int, most: int) -> Latent:
    """Profile over the number unseen from a hundredth of the observed to `most`."""
    first = np.exp(np.linspace(log(max(table.observed * 0.002, 0.5)), log(most), POINTS))
    value, _shares, _chances = _profile(table, classes, first)
    # Once more, between the points that matter, so that the ends of the interval are not read off a coarse grid.
    near = np.flatnonzero(value > value.max() - 8)
    low, high = first[max(near[0] - 1, 0)], first[min(near[-1] + 1, POINTS - 1)]
    unseen = np.exp(np.linspace(log(low), log(high), POINTS))
    value, shares, chances = _profile(table, classes, unseen)
    curve = CubicSpline(np.log(unseen), value)
    fine = np.linspace(log(low), log(high), 8001)
    inside = curve(fine)
    top = int(inside.argmax())
    within = np.flatnonzero(inside >= inside[top] - DROP_95)
    at = int(np.abs(np.log(unseen) - fine[top]).argmin())
    order = np.argsort(-shares[at])
    n = table.observed
    parameters = classes * table.k + classes
    return Latent(
        classes, n + float(np.exp(fine[top])), n + float(np.exp(fine[within[0]])), n + float(np.exp(fine[within[-1]])),
        _deviance(table, shares[at], chances[at]) + parameters * log(n), tuple(float(x) for x in shares[at][order]),
        tuple(tuple(float(x) for x in row) for row in chances[at][order]),
        bool(high >= most * 0.999 and within[-1] >= len(fine) - 2), bool(high >= most * 0.999 and top >= len(fine) - 2),
    )  # fmt: skip


def _starts(table: CaptureTable, classes: int) -> tuple[Array, Array]:
    """Where EM begins, the same at every run: classes easy and hard to find in several proportions, and for each list one
    class that it alone finds."""
    base = np.clip([table.size(p) / (2 * table.observed) for p in range(table.k)], 0.01, 0.9)
    shares, chances = [], []
    for share in (0.5, 0.8, 0.2):
        for factor in (3.0, 8.0):
            odds = base / (1 - base)
            ladder = np.linspace(-1, 1, classes)
            chances.append([odds * factor**step / (1 + odds * factor**step) for step in ladder])
            rest = (1 - share) / (classes - 1)
            shares.append([share] + [rest] * (classes - 1))
    for place in range(table.k):
        rows = np.tile(base, (classes, 1))
        rows[0, place], rows[1:, place] = 0.7, base[place] / 3
        rows[1:] *= np.linspace(0.6, 1.4, classes - 1)[:, None] if classes > 2 else 1.0
        chances.append(list(rows))
        shares.append([1 / classes] * classes)
    return np.array(shares), np.array(chances)


def _profile(table: CaptureTable, classes: int, unseen: Array) -> tuple[Array, Array, Array]:
    """Log-likelihood at each number unseen with its shares and chances: EM from every start at once, the best kept; then
    each point once more from its neighbours' answers, since EM may stop at a lower hill."""
    shares, chances = _starts(table, classes)
    many = len(shares)
    points = len(unseen)
    s, c, value = _em(table, np.repeat(unseen, many), np.tile(shares, (points, 1)), np.tile(chances, (points, 1, 1)))
    best = value.reshape(points, many).argmax(axis=1) + np.arange(points) * many
    s, c, value = s[best], c[best], value[best]
    for step in (1, -1):
        neighbour = np.clip(np.arange(points) - step, 0, points - 1)
        s2, c2, v2 = _em(table, unseen, s[neighbour], c[neighbour])
        better = v2 > value
        s[better], c[better], value[better] = s2[better], c2[better], v2[better]
    return value, s, c


def _em(table: CaptureTable, unseen: Array, shares: Array, chances: Array) -> tuple[Array, Array, Array]:
    """EM for rows of (unseen, start). Shares (rows, classes), chances (rows, classes, lists)."""
    member = table.membership.astype(float)
    seen = np.flatnonzero(table.counts > 0)
    cells = np.concatenate([[0], seen])
    member = member[cells]
    y = np.tile(table.counts[cells].astype(float), (len(unseen), 1))
    y[:, 0] = unseen
    whole = table.observed + unseen
    value = np.full(len(unseen), -np.inf)
    constant = gammaln(whole + 1) - gammaln(unseen + 1)
    active = np.arange(len(unseen))
    shares, chances = shares.copy(), chances.copy()
    for turn in range(TURNS):
        p = np.clip(chances[active], TINY, 1 - TINY)
        joint = np.exp(np.log(p) @ member.T + np.log1p(-p) @ (1 - member).T) * shares[active][:, :, None]
        cell = joint.sum(axis=1)
        new = (y[active] * np.log(cell)).sum(axis=1) + constant[active]
        done = new - value[active] < 1e-6
        value[active] = new
        part = joint * (y[active] / cell)[:, None, :]
        weight = part.sum(axis=2)
        shares[active] = weight / whole[active][:, None]
        chances[active] = (part @ member) / np.maximum(weight, 1e-12)[:, :, None]
        if turn > 5:
            active = active[~done]
        if not len(active):
            break
    return shares, chances, value


def _deviance(table: CaptureTable, shares: Array, chances: Array) -> float:
    """Against the saturated model, given the number observed: to compare with log-linear models."""
    member = table.membership.astype(float)
    p = np.clip(chances, TINY, 1 - TINY)
    cell = (np.exp(np.log(p) @ member.T + np.log1p(-p) @ (1 - member).T) * shares[:, None]).sum(axis=0)
    fitted = table.observed * cell[1:] / cell[1:].sum()
    y = table.counts[1:]
    held = y > 0
    return float(2 * (y[held] * np.log(y[held] / fitted[held])).sum())
