"""Bayesian model averaging over decomposable graphs (Madigan & York 1997, Biometrika 84(1)).

Each graph says which lists depend on which. Cell probabilities have the hyper-Dirichlet prior of Dawid & Lauritzen
(1993) with `delta` imaginary cases in each cell; the total N has prior 1/N; graphs weigh the same before the data. The
likelihood of a graph and a number unseen is then a product of ratios of gamma functions over cliques and separators.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import gammaln

from answerable.engines.estimates import graphs as graph_sets
from answerable.engines.estimates import sampling
from answerable.engines.estimates.tables import CaptureTable

Array = NDArray[np.float64]
FAR = 30.0  # e^-30 of the highest point adds nothing
COARSE, FINE = 40, 160  # points at which the likelihood is worked out; the sum over whole numbers comes from a spline
EXACT_UP_TO = 400  # below this many unseen every whole number is a point


@dataclass(frozen=True)
class Posterior:
    """The total, observed and unseen, under all graphs together."""

    mean: float
    median: float
    lower: float
    upper: float
    graphs: graph_sets.Graphs
    weights: Array  # one for each graph
    means: Array  # each graph's own mean total; nan where its weight is below 1e-12
    at_the_end: float  # probability within the last two per cent of the grid
    near_the_observed: float  # probability that fewer than two per cent more than the observed exist
    most: int  # the grid's end: the largest number unseen considered
    at: Array  # totals considered, and how likely each is
    mass: Array
    agreement: float = 1.0  # where graphs were sampled: how alike the chains are, 0 to 1

    def best(self, count: int) -> list[int]:
        """The heaviest graphs, heaviest first."""
        return [int(i) for i in np.argsort(-self.weights, kind="stable")[:count]]

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Totals drawn from the posterior."""
        return np.asarray(rng.choice(self.at, size=count, p=self.mass))


def default_delta(k: int) -> float:
    """One imaginary case spread over all cells."""
    return float(2.0**-k)


def default_most(table: CaptureTable) -> int:
    """How many unseen to consider at most: thirty times the observed, and at least 5,000."""
    return max(5_000, 30 * table.observed)


def posterior(table: CaptureTable, delta: float | None = None, most: int | None = None, *, saturated: bool = False,
              least: int = 0, sampled: bool | None = None) -> Posterior:  # fmt: skip
    """The posterior of the total. Up to seven lists every graph is weighed; beyond, or with `sampled`, those that chains meet.

    `saturated` puts the complete graph back among the models and `least` starts the grid elsewhere, both to compare with
    programs that do (R's dga keeps the graph and starts at one). Raises ValueError for one list, or a delta that is not
    above zero.
    """
    k = table.k
    delta = default_delta(k) if delta is None else delta
    most = default_most(table) if most is None else most
    if delta <= 0:
        raise ValueError("delta is the number of imaginary cases in a cell and must be above zero")
    margins = Margins(table, delta)
    agreement = 1.0
    if k > graph_sets.MOST_LISTS if sampled is None else sampled:
        family, agreement = sampling.graphs(k, _sparse(margins, least, most))
    else:
        family = graph_sets.decomposable(k, saturated=saturated)
    points = _points(margins, family, least, most)
    log_like = _Likelihood(margins, family, points)
    weight_of_point = _whole_numbers(points)
    return replace(_summary(table, family, points, weight_of_point, log_like, most), agreement=agreement)


def _sparse(margins: Margins, least: int, most: int) -> sampling.Evidence:
    """The evidence of one graph at a time, on a grid over everything considered."""
    points = (
        np.expm1(np.linspace(np.log1p(least), np.log1p(most), FINE))
        if most > EXACT_UP_TO
        else np.arange(least, most + 1.0)
    )
    whole = _whole_numbers(points)
    return sampling.Evidence(margins.of(points), margins.common(points) + np.log(whole))


class Margins:
    """What each set of lists contributes: ln Γ of its marginal counts over the prior's, with the unseen as argument."""

    def __init__(self, table: CaptureTable, delta: float) -> None:
        self.observed, self.k = table.observed, table.k
        size = 2**self.k
        cells = np.arange(size)
        self.fixed = np.zeros(size)
        self.first = np.zeros(size)  # cases in the margin's cell of none of its lists, the unseen left out
        self.alpha = np.zeros(size)
        self.total = delta * size
        for which in range(1, size):
            marginal = np.bincount(cells & which, weights=table.counts, minlength=size)
            alpha = delta * 2 ** (self.k - which.bit_count())
            inside = (cells & ~which) == 0
            counted = marginal[inside]
            self.fixed[which] = float(
                gammaln(counted[1:] + alpha).sum() - len(counted) * gammaln(alpha) + gammaln(self.total)
            )
            self.first[which], self.alpha[which] = counted[0], alpha
        self.constant = float(gammaln(table.counts + 1.0).sum())

    def of(self, unseen: Array) -> Array:
        """One row for each set of lists, one column for each number unseen."""
        values = self.fixed[:, None] + gammaln((self.first + self.alpha)[:, None] + unseen)
        values[1:] -= gammaln(self.observed + unseen + self.total)
        values[0] = 0
        return values

    def common(self, unseen: Array) -> Array:
        """What every graph has alike: the multinomial coefficient and the prior 1/N of the total."""
        whole = self.observed + unseen
        return np.asarray(gammaln(whole + 1) - gammaln(unseen + 1) - self.constant - np.log(whole))


class _Likelihood:
    """ln likelihood of graphs and points, in blocks, so that seven lists fit in memory."""

    def __init__(self, margins: Margins, family: graph_sets.Graphs, points: Array) -> None:
        values, self.common = margins.of(points), margins.common(points)
        # The rows differ smoothly in the unseen, so few directions carry them: two small products replace a large one.
        self.centre = values.mean(axis=1)
        left, scale, right = np.linalg.svd(values - self.centre[:, None], full_matrices=False)
        rank = int((scale > scale[0] * 1e-15).sum()) if scale[0] else 1
        self.left, self.right = left[:, :rank] * scale[:rank], right[:rank]
        self.coefficients = family.coefficients

    def blocks(self, size: int = 4096) -> Iterator[tuple[slice, Array]]:
        for start in range(0, len(self.coefficients), size):
            c = self.coefficients[start : start + size].astype(float)
            yield slice(start, start + len(c)), (c @ self.left) @ self.right + (c @ self.centre)[:, None] + self.common


def _points(margins: Margins, family: graph_sets.Graphs, least: int, most: int) -> Array:
    """Where to work out the likelihood: every number when few, else points even in ln(unseen + 1) over all that matters."""
    if most <= EXACT_UP_TO:
        return np.arange(least, most + 1, dtype=float)
    coarse = np.expm1(np.linspace(np.log1p(least), np.log1p(most), COARSE))
    highest = np.full(COARSE, -np.inf)
    for _rows, values in _Likelihood(margins, family, coarse).blocks():
        highest = np.maximum(highest, values.max(axis=0))
    highest += np.log1p(coarse)
    inside = np.flatnonzero(highest > highest.max() - FAR)
    low, high = coarse[max(inside[0] - 1, 0)], coarse[min(inside[-1] + 1, COARSE - 1)]
    if high - low <= FINE:
        return np.arange(np.floor(low), np.ceil(high) + 1)
    return np.asarray(np.expm1(np.linspace(np.log1p(low), np.log1p(high), FINE)))


def _whole_numbers(points: Array) -> Array:
    """How many whole numbers each point stands for, so that Σ over points is Σ over whole numbers."""
    if len(points) > 1 and np.allclose(np.diff(points), 1.0, atol=1e-9):
        return np.ones(len(points))
    u = np.log1p(points)
    weights = np.exp(u) * (u[1] - u[0])
    weights[0] /= 2
    weights[-1] /= 2
    return np.asarray(weights)


def _summary(table: CaptureTable, family: graph_sets.Graphs, points: Array, whole: Array, likelihood: _Likelihood,
             most: int) -> Posterior:  # fmt: skip
    count = len(family.edges)
    evidence, means = np.full(count, -np.inf), np.full(count, np.nan)
    curve, reference = np.zeros(len(points)), -np.inf
    for rows, values in likelihood.blocks():
        top = values.max(axis=1, keepdims=True)
        values -= top
        np.exp(values, out=values)
        mass = values @ whole
        evidence[rows] = np.log(mass) + top[:, 0]
        means[rows] = (values @ (whole * points)) / mass
        higher = max(reference, float(top.max()))
        curve *= np.exp(reference - higher) if np.isfinite(reference) else 0.0
        curve += np.exp(top[:, 0] - higher) @ values
        reference = higher
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    # One curve is left: a spline of its logarithm gives every whole number, and the sums are exact in them.
    fine, density = points, curve
    if not np.allclose(whole, 1.0):
        fine = np.arange(np.ceil(points[0]), np.floor(points[-1] + 1e-6) + 1)
        positive = curve > 0
        density = np.exp(CubicSpline(np.log1p(points[positive]), np.log(curve[positive]))(np.log1p(fine)))
    density = density / density.sum()
    cumulated = np.cumsum(density)
    ends = [float(fine[min(int(np.searchsorted(cumulated, p)), len(fine) - 1)]) for p in (0.025, 0.5, 0.975)]
    n = table.observed
    return Posterior(
        mean=n + float(density @ fine), median=n + ends[1], lower=n + ends[0], upper=n + ends[2], graphs=family,
        weights=weights, means=np.where(weights > 1e-12, n + means, np.nan),
        at_the_end=float(density[fine >= 0.98 * most].sum()), near_the_observed=float(density[fine <= 0.02 * n].sum()),
        most=most, at=n + fine, mass=density,
    )  # fmt: skip
