"""Log-linear models of a capture table: all hierarchical ones with BIC, and the stepwise choice for sparse tables.

Sources: Fienberg 1972, Biometrika 59(3); Bishop, Fienberg & Holland 1975, ch. 6; Chan, Silverman & Vincent 2021, J. Survey
Stat. Methodology 9(1) and Silverman 2020, JRSS-A 183(3) (stepwise with zero overlaps); Raftery 1995 (weights from BIC). Written
from these papers.

Every model holds the main effect of each list; a term is a set of lists, written as the bits of those lists. The
number unseen is exp(intercept): its cell has no list, hence no other term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import chi2

from answerable.engines.estimates.tables import CaptureTable

Array = NDArray[np.float64]
Newton = tuple[Array, Array, Array, NDArray[np.bool_]]
ALL_MODELS_UP_TO = 5  # lists: 113 models of four, 6,893 of five; of six there are 7.8 million
Z_95 = float(ndtri(0.975))
MOST_ITERATIONS = 60
DIVERGED = 25.0  # a coefficient past this has a cell near e^-25 of a case: the maximum lies at infinity


@dataclass(frozen=True)
class Fit:
    """One model fitted by maximum likelihood. `total` is the estimate, observed and unseen; nan when not identified."""

    terms: tuple[int, ...]  # the interactions; main effects are always there
    total: float
    loglik: float
    parameters: int
    bic: float
    spread: float  # standard error of ln(unseen)
    identified: bool

    def interval(self, observed: int) -> tuple[float, float]:
        """95 % with ln(unseen) normal, so that it never falls below what was observed."""
        unseen = self.total - observed
        return observed + unseen * float(np.exp(-Z_95 * self.spread)), observed + unseen * float(
            np.exp(Z_95 * self.spread)
        )


def bic_of(deviance: float, parameters: int, observed: int) -> float:
    """BIC = deviance + parameters × ln(observed cases) (Schwarz 1978), lower is better."""
    return deviance + parameters * log(observed)


@lru_cache(maxsize=8)
def hierarchical_models(k: int) -> tuple[tuple[int, ...], ...]:
    """Every hierarchical model of k lists but the saturated one, under which nothing says how many are unseen: a term
    is in a model only with every term inside it."""
    sizes = [[sum(1 << i for i in c) for c in combinations(range(k), size)] for size in range(2, k)]
    models: list[tuple[int, ...]] = []

    def extend(chosen: tuple[int, ...], level: int) -> None:
        if level == len(sizes):
            models.append(chosen)
            return
        have = set(chosen)
        if level == 0:
            open_terms = sizes[0]
        else:
            open_terms = [t for t in sizes[level] if all(t & ~(1 << i) in have for i in range(k) if t >> i & 1)]
        for pick in range(2 ** len(open_terms)):
            extra = tuple(t for i, t in enumerate(open_terms) if pick >> i & 1)
            if level and not extra:
                continue
            extend(chosen + extra, level + 1) if extra else models.append(chosen)
        if level:
            models.append(chosen)

    extend((), 0)
    return tuple(models)


def _mains(k: int) -> list[int]:
    return [1 << i for i in range(k)]


def _design(k: int, terms: Sequence[int]) -> Array:
    """One row for each observable cell, one column for the intercept and each term."""
    cells = np.arange(1, 2**k)
    return np.stack([((cells & t) == t).astype(float) for t in (0, *terms)], axis=1)


def fit_many(table: CaptureTable, models: Sequence[tuple[int, ...]]) -> list[Fit]:
    """Fit each model by Newton's method, all together. Where a term's margin is zero its coefficient is minus infinity
    and the cells that hold it are fitted as zero (Fienberg & Rinaldo 2012), which is exact; any other maximum at infinity
    shows as divergence, and the model is marked as not identified."""
    k, y = table.k, table.counts[1:].astype(float)
    mains = _mains(k)
    terms = sorted({t for m in models for t in m}, key=lambda t: (t.bit_count(), t))
    every = [*mains, *terms]
    x = _design(k, every)
    place = {t: 1 + i for i, t in enumerate(every)}
    zero = {t for t in every if table.on(t) == 0}
    cells = np.arange(1, 2**k)
    fits: list[Fit] = []
    size = max(1, 4_000_000 // (x.shape[1] ** 2 + x.shape[0] * 4))
    for start in range(0, len(models), size):
        chunk = models[start : start + size]
        use = np.zeros((len(chunk), x.shape[1]), bool)
        keep = np.ones((len(chunk), len(y)), bool)
        for i, m in enumerate(chunk):
            use[i, 0] = True
            for t in (*mains, *m):
                if t in zero:
                    keep[i] &= (cells & t) != t
                else:
                    use[i, place[t]] = True
        beta, loglik, spread, fine = _newton(x, y, use, keep)
        for i, m in enumerate(chunk):
            # An empty list has no main effect to fit, and a term of infinite coefficient still is a parameter.
            parameters = 1 + k + len(m)
            ok = bool(fine[i])
            unseen = float(np.exp(beta[i, 0])) if ok else float("nan")
            saturated = float((y[y > 0] * np.log(y[y > 0])).sum() - y.sum())
            bic = bic_of(2 * (saturated - float(loglik[i])), parameters, table.observed)
            fits.append(Fit(m, table.observed + unseen, float(loglik[i]), parameters, bic, float(spread[i]), ok))
    return fits


def fit_cells(table: CaptureTable, keep: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Main effects fitted on some cells only: the number unseen and the standard error of its logarithm, or None."""
    x = _design(table.k, _mains(table.k))
    use = np.ones((1, x.shape[1]), bool)
    beta, _loglik, spread, fine = _newton(x, table.counts[1:].astype(float), use, keep[None, :])
    return (float(np.exp(beta[0, 0])), float(spread[0])) if fine[0] else None


def _newton(x: Array, y: Array, use: NDArray[np.bool_], keep: NDArray[np.bool_]) -> Newton:
    """Coefficients, log-likelihood (without ln y!), standard error of the intercept, and whether a finite maximum was found, for a batch of models."""
    models, width = use.shape
    u = use.astype(float)
    w = keep.astype(float)
    idle = np.einsum("mi,ij->mij", 1.0 - u, np.eye(width))
    # Start from least squares on the log of the counts, as iteratively reweighted least squares does.
    z = np.log(y + 0.5)
    weight = (y + 0.5) * w
    beta = _solve(x, weight, weight * z, u, idle)
    fine = np.ones(models, bool)
    loglik = _loglik(x, y, beta, w)
    active = np.arange(models)
    for _ in range(MOST_ITERATIONS):
        b, uu, ww = beta[active], u[active], w[active]
        mu = np.exp(np.clip(b @ x.T, -60, 40)) * ww
        step = _solve(x, mu, (y * ww - mu), uu, idle[active])
        size = np.ones(len(active))
        new = b + step
        value = _loglik(x, y, new, ww)
        for _half in range(30):
            worse = ~(value >= loglik[active] - 1e-9 * (1 + np.abs(loglik[active])))
            if not worse.any():
                break
            size[worse] /= 2
            new[worse] = b[worse] + size[worse, None] * step[worse]
            value[worse] = _loglik(x, y, new[worse], ww[worse])
        beta[active], loglik[active] = new, value
        moved = np.abs(new - b).max(axis=1)
        broken = ~np.isfinite(moved) | (np.abs(new[:, 1:]).max(axis=1) > DIVERGED)
        fine[active[broken]] = False
        active = active[(moved > 1e-10) & ~broken]
        if not len(active):
            break
    fine[active] = False
    # Rank: with cells taken out, what is left may not say where the intercept lies.
    mu = np.exp(np.clip(beta @ x.T, -60, 40)) * w
    hessian = np.matmul(x.T * mu[:, None, :], x) * (u[:, :, None] * u[:, None, :]) + idle
    scale = 1 / np.sqrt(np.maximum(np.einsum("mii->mi", hessian), 1e-300))
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    fine &= np.linalg.eigvalsh(scaled)[:, 0] > 1e-9
    first = np.zeros((models, width, 1))
    first[:, 0] = 1
    scaled[~fine] = np.eye(width)
    spread = np.sqrt(np.maximum(np.linalg.solve(scaled, first)[:, 0, 0], 0)) * scale[:, 0]
    return beta, loglik, spread, fine


def _solve(x: Array, weight: Array, right: Array, u: Array, idle: Array) -> Array:
    hessian = np.matmul(x.T * weight[:, None, :], x) * (u[:, :, None] * u[:, None, :]) + idle
    gradient = (right @ x) * u
    try:
        return np.asarray(np.linalg.solve(hessian, gradient[..., None])[..., 0])
    except np.linalg.LinAlgError:
        ridge = 1e-9 * np.eye(x.shape[1])
        return np.asarray(np.linalg.solve(hessian + ridge, gradient[..., None])[..., 0])


def _loglik(x: Array, y: Array, beta: Array, keep: Array) -> Array:
    eta = np.clip(beta @ x.T, -60, 40)
    return np.asarray((eta * (y * keep)).sum(axis=1) - (np.exp(eta) * keep).sum(axis=1))


@dataclass(frozen=True)
class Averaged:
    """All models with their weights. `total` averages the identified ones; `lower` and `upper` are their mixture's 95 %."""

    fits: tuple[Fit, ...]  # identified, best first
    weights: Array
    total: float
    lower: float
    upper: float
    unidentified: int
    searched: bool  # whether the models were searched rather than all fitted

    @property
    def best(self) -> Fit:
        return self.fits[0]


def weights_of(bics: Sequence[float]) -> Array:
    """exp(-ΔBIC / 2), summing to one (Raftery 1995)."""
    d = np.asarray(bics) - min(bics)
    w = np.exp(-d / 2)
    return np.asarray(w / w.sum())


def bic_average(table: CaptureTable, *, up_to: int = ALL_MODELS_UP_TO) -> Averaged | None:
    """All hierarchical models up to five lists; beyond (or beyond `up_to`), models of pairs reached by a search. None when
    none is identified."""
    searched = table.k > up_to
    fits = _search(table) if searched else fit_many(table, hierarchical_models(table.k))
    known = sorted((f for f in fits if f.identified), key=lambda f: (f.bic, f.parameters, f.terms))
    if not known:
        return None
    weights = weights_of([f.bic for f in known])
    total = float((weights * [f.total for f in known]).sum())
    lower, upper = mixture(known, weights, table.observed)
    return Averaged(tuple(known), weights, total, lower, upper, len(fits) - len(known), searched)


def _search(table: CaptureTable) -> list[Fit]:
    """Forward from independence by BIC among models of pairs, keeping every model met (Occam's window, Madigan & Raftery 1994)."""
    pairs = [a | b for a, b in combinations(_mains(table.k), 2)]
    met: dict[tuple[int, ...], Fit] = {}
    here: tuple[int, ...] = ()
    met[here] = fit_many(table, [here])[0]
    while True:
        near = [tuple(sorted(set(here) ^ {p})) for p in pairs]
        new = [m for m in near if m not in met]
        for m, f in zip(new, fit_many(table, new) if new else [], strict=True):
            met[m] = f
        best = min((met[m] for m in near if met[m].identified), key=lambda f: (f.bic, f.terms), default=None)
        if best is None or best.bic >= met[here].bic:
            return list(met.values())
        here = best.terms


def mixture(fits: Sequence[Fit], weights: Array, observed: int) -> tuple[float, float]:
    """2.5 % and 97.5 % of the total when each model's ln(unseen) is normal about its estimate."""
    means = np.array([log(max(f.total - observed, 1e-12)) for f in fits])
    spreads = np.array([max(f.spread, 1e-9) for f in fits])

    def share(at: float) -> float:
        return float((weights * ndtr((at - means) / spreads)).sum())

    low, high = float((means - 9 * spreads).min()), float((means + 9 * spreads).max())
    ends = [brentq(lambda at, p=p: share(at) - p, low, high, xtol=1e-10) for p in (0.025, 0.975)]
    return observed + float(np.exp(ends[0])), observed + float(np.exp(ends[1]))


def stepwise(table: CaptureTable, threshold: float = 0.02) -> Fit | None:
    """Add at each step the pair of lists that lowers the deviance most, while its p-value is below the threshold (Chan,
    Silverman & Vincent 2021; 0.02 is theirs). A pair that leaves no finite or identified model is not considered."""
    pairs = [a | b for a, b in combinations(_mains(table.k), 2)]
    here = fit_many(table, [()])[0]
    if not here.identified:
        return None
    while True:
        near = [tuple(sorted((*here.terms, p))) for p in pairs if p not in here.terms]
        fits = [f for f in (fit_many(table, near) if near and table.k > 2 else []) if f.identified]
        if not fits:
            break
        best = max(fits, key=lambda f: (f.loglik, f.terms))
        if chi2.sf(2 * max(best.loglik - here.loglik, 0.0), 1) > threshold:
            break
        here = best
    return here
