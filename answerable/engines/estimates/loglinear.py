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
    return fit_each([(table, m) for m in models])


def fit_each(wanted: Sequence[tuple[CaptureTable, tuple[int, ...]]]) -> list[Fit]:
    """As `fit_many`, each model on a table of its own; all tables have as many lists."""
    if not wanted:
        return []
    k = wanted[0][0].k
    mains = _mains(k)
    terms = sorted({t for _table, m in wanted for t in m}, key=lambda t: (t.bit_count(), t))
    every = [*mains, *terms]
    x = _design(k, every)
    place = {t: 1 + i for i, t in enumerate(every)}
    cells = np.arange(1, 2**k)
    zeros: dict[int, set[int]] = {}
    for table, _model in wanted:
        if id(table) not in zeros:
            zeros[id(table)] = {every[i] for i in np.flatnonzero(table.counts[1:] @ x[:, 1:] == 0)}
    fits: list[Fit] = []
    size = max(1, 4_000_000 // (x.shape[1] ** 2 + x.shape[0] * 4))
    for start in range(0, len(wanted), size):
        chunk = wanted[start : start + size]
        y = np.array([table.counts[1:] for table, _model in chunk], float)
        use = np.zeros((len(chunk), x.shape[1]), bool)
        keep = np.ones((len(chunk), len(cells)), bool)
        for i, (table, m) in enumerate(chunk):
            zero = zeros[id(table)]
            use[i, [0, *(place[t] for t in (*mains, *m) if t not in zero)]] = True
            for t in zero.intersection((*mains, *m)):
                keep[i] &= (cells & t) != t
        beta, loglik, spread, fine = _newton(x, y, use, keep)
        saturated = (y * np.log(np.where(y > 0, y, 1))).sum(axis=1) - y.sum(axis=1)
        for i, (table, m) in enumerate(chunk):
            # An empty list has no main effect to fit, and a term of infinite coefficient still is a parameter.
            parameters = 1 + k + len(m)
            ok = bool(fine[i])
            unseen = float(np.exp(beta[i, 0])) if ok else float("nan")
            bic = bic_of(2 * (float(saturated[i]) - float(loglik[i])), parameters, table.observed)
            fits.append(Fit(m, table.observed + unseen, float(loglik[i]), parameters, bic, float(spread[i]), ok))
    return fits


def fit_cells(table: CaptureTable, keep: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Main effects fitted on some cells only: the number unseen and the standard error of its logarithm, or None."""
    x = _design(table.k, _mains(table.k))
    use = np.ones((1, x.shape[1]), bool)
    beta, _loglik, spread, fine = _newton(x, table.counts[None, 1:].astype(float), use, keep[None, :])
    return (float(np.exp(beta[0, 0])), float(spread[0])) if fine[0] else None


def _newton(x: Array, y: Array, use: NDArray[np.bool_], keep: NDArray[np.bool_]) -> Newton:
    """Coefficients, log-likelihood (without ln y!), standard error of the intercept, and whether a finite maximum was found, for
    a batch of models: a row of `y`, `use` and `keep` each."""
    models, width = use.shape
    squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)  # so that a batch of Hessians is one product
    u = use.astype(float)
    w = keep.astype(float)
    idle = np.einsum("mi,ij->mij", 1.0 - u, np.eye(width))
    # Start from least squares on the log of the counts, as iteratively reweighted least squares does.
    z = np.log(y + 0.5)
    weight = (y + 0.5) * w
    beta = _solve(x, squares, weight, weight * z, u, idle)
    fine = np.ones(models, bool)
    loglik = _loglik(x, y, beta, w)
    active = np.arange(models)
    for _ in range(MOST_ITERATIONS):
        b, yy, uu, ww = beta[active], y[active], u[active], w[active]
        mu = np.exp(np.clip(b @ x.T, -60, 40)) * ww
        step = _solve(x, squares, mu, (yy * ww - mu), uu, idle[active])
        size = np.ones(len(active))
        new = b + step
        value = _loglik(x, yy, new, ww)
        for _half in range(30):
            worse = ~(value >= loglik[active] - 1e-9 * (1 + np.abs(loglik[active])))
            if not worse.any():
                break
            size[worse] /= 2
            new[worse] = b[worse] + size[worse, None] * step[worse]
            value[worse] = _loglik(x, yy[worse], new[worse], ww[worse])
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
    hessian = _hessian(squares, mu, u, idle)
    scale = 1 / np.sqrt(np.maximum(np.einsum("mii->mi", hessian), 1e-300))
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    fine &= np.linalg.eigvalsh(scaled)[:, 0] > 1e-9
    first = np.zeros((models, width, 1))
    first[:, 0] = 1
    scaled[~fine] = np.eye(width)
    spread = np.sqrt(np.maximum(np.linalg.solve(scaled, first)[:, 0, 0], 0)) * scale[:, 0]
    return beta, loglik, spread, fine


def _hessian(squares: Array, weight: Array, u: Array, idle: Array) -> Array:
    width = u.shape[1]
    whole = (weight @ squares).reshape(-1, width, width)
    whole *= u[:, :, None]
    whole *= u[:, None, :]
    whole += idle
    return np.asarray(whole)


def _solve(x: Array, squares: Array, weight: Array, right: Array, u: Array, idle: Array) -> Array:
    hessian = _hessian(squares, weight, u, idle)
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
    return bic_averages([table], up_to=up_to)[0]


def bic_averages(tables: Sequence[CaptureTable], *, up_to: int = ALL_MODELS_UP_TO) -> list[Averaged | None]:
    """As `bic_average` for each of several tables of as many lists, worked out side by side."""
    if not tables:
        return []
    k = tables[0].k
    if k > up_to:
        return [_averaged(table, fits, searched=True) for table, fits in zip(tables, _search(tables), strict=True)]
    models = hierarchical_models(k)
    fits = fit_each([(table, m) for table in tables for m in models])
    each = [fits[i : i + len(models)] for i in range(0, len(fits), len(models))]
    return [_averaged(table, f, searched=False) for table, f in zip(tables, each, strict=True)]


def _averaged(table: CaptureTable, fits: Sequence[Fit], *, searched: bool) -> Averaged | None:
    known = sorted((f for f in fits if f.identified), key=lambda f: (f.bic, f.parameters, f.terms))
    if not known:
        return None
    weights = weights_of([f.bic for f in known])
    total = float((weights * [f.total for f in known]).sum())
    lower, upper = mixture(known, weights, table.observed)
    return Averaged(tuple(known), weights, total, lower, upper, len(fits) - len(known), searched)


def _search(tables: Sequence[CaptureTable]) -> list[list[Fit]]:
    """For each table forward from independence by BIC among models of pairs, keeping every model met (Occam's window,
    Madigan & Raftery 1994). A step of all tables is one batch."""
    pairs = [a | b for a, b in combinations(_mains(tables[0].k), 2)]
    met: list[dict[tuple[int, ...], Fit]] = [{(): f} for f in fit_each([(t, ()) for t in tables])]
    here: list[tuple[int, ...]] = [()] * len(tables)
    going = list(range(len(tables)))
    while going:
        near = {i: [tuple(sorted(set(here[i]) ^ {p})) for p in pairs] for i in going}
        new = [(i, m) for i in going for m in near[i] if m not in met[i]]
        for (i, m), f in zip(new, fit_each([(tables[i], m) for i, m in new]), strict=True):
            met[i][m] = f
        further = []
        for i in going:
            best = min(
                (met[i][m] for m in near[i] if met[i][m].identified), key=lambda f: (f.bic, f.terms), default=None
            )
            if best is not None and best.bic < met[i][here[i]].bic:
                here[i] = best.terms
                further.append(i)
        going = further
    return [list(m.values()) for m in met]


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
