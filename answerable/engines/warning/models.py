"""Models of next year's level. Each is fitted on rows whose next year is known, and gives four chances for each row.

`persistence`, `climatology` and `markov` are the yardsticks: a forecast is worth its keep only beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from answerable.engines.warning.features import Table
from answerable.engines.warning.years import LEVELS, Floats, Ints

# Chances are kept off zero, because a forecast of "never" would be infinitely wrong once.
LEAST = 1e-4


class Model(Protocol):
    """Fitted on one table, asked about another."""

    def chances(self, of: Table) -> Floats:
        """One row of four chances, summing to one, for each row."""


def spread(p: Floats) -> Floats:
    """Chances kept off zero and summing to one."""
    p = np.clip(p, LEAST, None)
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float64)


def _shares(levels: Ints, prior: Floats) -> Floats:
    counts = np.bincount(levels, minlength=LEVELS) + prior
    return np.asarray(counts / counts.sum(), dtype=np.float64)


@dataclass(frozen=True)
class Climatology:
    """How often each level was reported in all earlier years, whoever the actor."""

    p: Floats

    @staticmethod
    def fit(known: Table) -> Climatology:
        return Climatology(_shares(known.next, np.full(LEVELS, 0.5)))

    def chances(self, of: Table) -> Floats:
        return spread(np.tile(self.p, (len(of.now), 1)))


@dataclass(frozen=True)
class Persistence:
    """Next year as this year, with the chance that this held so far; the rest as in climatology."""

    held: float
    p: Floats

    @staticmethod
    def fit(known: Table) -> Persistence:
        held = float(((known.next == known.now).sum() + 1) / (len(known.now) + 2))
        return Persistence(held, Climatology.fit(known).p)

    def chances(self, of: Table) -> Floats:
        p = np.tile(self.p, (len(of.now), 1))
        at = np.arange(len(of.now))
        p[at, of.now] = 0
        p = p / p.sum(axis=1, keepdims=True) * (1 - self.held)
        p[at, of.now] = self.held
        return spread(p)


@dataclass(frozen=True)
class Markov:
    """How often each level followed this one."""

    rows: Floats

    @staticmethod
    def fit(known: Table) -> Markov:
        prior = Climatology.fit(known).p
        return Markov(np.stack([_shares(known.next[known.now == lv], prior) for lv in range(LEVELS)]))

    def chances(self, of: Table) -> Floats:
        return spread(self.rows[of.now])


@dataclass(frozen=True)
class Ordinal:
    """Proportional odds: one direction through the features, three thresholds along it; a penalty against large weights.

    Features are standardised on the rows fitted; what is not known takes the mean and says so in a column of its own.
    """

    weights: Floats
    thresholds: Floats
    mean: Floats
    scale: Floats
    gaps: Ints

    # Settings here and in Boosted were chosen on forecasts of 1996-2002 alone; the test years begin with 2003.
    PENALTY = 30.0

    @staticmethod
    def fit(known: Table) -> Ordinal:
        x = known.x
        gaps = np.flatnonzero(np.isnan(x).any(axis=0))
        shown = np.where(
            np.isnan(x).all(axis=0), 0.0, x
        )  # a column nobody knows says nothing, as the mean of nothing would
        mean, scale = np.nanmean(shown, axis=0), np.nanstd(shown, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        z, y = Ordinal._design(x, mean, scale, gaps), known.next
        n, k = z.shape
        share = np.array([(y >= lv).mean() for lv in range(1, LEVELS)])
        share = np.clip(share, 1e-3, 1 - 1e-3)
        start = np.concatenate([np.zeros(k), [np.log(share[0] / (1 - share[0]))], np.log(_steps(share))])

        def loss(theta: Floats) -> tuple[float, Floats]:
            w, first, logs = theta[:k], theta[k], theta[k + 1 :]
            steps = np.exp(logs)
            cuts = first - np.concatenate([[0.0], np.cumsum(steps)])
            above = np.column_stack([np.ones(n), expit(z @ w[:, None] + cuts), np.zeros(n)])
            here, over = above[np.arange(n), y], above[np.arange(n), y + 1]
            p = np.maximum(here - over, 1e-12)
            slope = above * (1 - above)
            # d log p / d eta at the two thresholds that bound the level reported
            up, down = slope[np.arange(n), y] / p, slope[np.arange(n), y + 1] / p
            g_cut = np.zeros(LEVELS - 1)
            for lv in range(1, LEVELS):
                g_cut[lv - 1] = up[y == lv].sum() - down[y == lv - 1].sum()
            g_w = z.T @ (up - down)
            g_steps = np.array([-g_cut[j + 1 :].sum() * steps[j] for j in range(LEVELS - 2)])
            value = -np.log(p).sum() + Ordinal.PENALTY * (w @ w) / 2
            grad = np.concatenate([-g_w + Ordinal.PENALTY * w, [-g_cut.sum()], -g_steps])
            return float(value), grad

        best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
        steps = np.exp(best.x[k + 1 :])
        return Ordinal(best.x[:k], best.x[k] - np.concatenate([[0.0], np.cumsum(steps)]), mean, scale, gaps)

    @staticmethod
    def _design(x: Floats, mean: Floats, scale: Floats, gaps: Ints) -> Floats:
        unknown = np.isnan(x)
        z = np.where(unknown, 0.0, (x - mean) / scale)
        return np.asarray(np.hstack([np.clip(z, -5, 5), unknown[:, gaps].astype(np.float64)]), dtype=np.float64)

    def chances(self, of: Table) -> Floats:
        z = Ordinal._design(of.x, self.mean, self.scale, self.gaps)
        above = expit((z @ self.weights)[:, None] + self.thresholds)
        n = len(of.now)
        edges = np.column_stack([np.ones(n), above, np.zeros(n)])
        return spread(edges[:, :-1] - edges[:, 1:])


def _steps(share: Floats) -> Floats:
    odds = np.log(share / (1 - share))
    return np.maximum(odds[:-1] - odds[1:], 0.1)


@dataclass(frozen=True)
class Boosted:
    """Gradient-boosted trees for each threshold (any, numerous, massive), several of them, each on its own draw of columns."""

    models: tuple[tuple[HistGradientBoostingClassifier | float, ...], ...]
    columns: Ints  # those known for at least one row fitted

    SEEDS = 3
    SETTINGS = {
        "learning_rate": 0.06, "max_iter": 150, "max_leaf_nodes": 7, "min_samples_leaf": 25, "l2_regularization": 10.0,
        "max_features": 0.3, "early_stopping": False,
    }  # fmt: skip

    @staticmethod
    def fit(known: Table) -> Boosted:
        columns = np.flatnonzero(~np.isnan(known.x).all(axis=0))
        x = known.x[:, columns]
        return Boosted(tuple(Boosted._one(x, known.next, seed) for seed in range(Boosted.SEEDS)), columns)

    @staticmethod
    def _one(x: Floats, following: Ints, seed: int) -> tuple[HistGradientBoostingClassifier | float, ...]:
        found: list[HistGradientBoostingClassifier | float] = []
        for lv in range(1, LEVELS):
            y = following >= lv
            if y.sum() < 5:
                found.append(float((y.sum() + 0.5) / (len(y) + 1)))
                continue
            found.append(HistGradientBoostingClassifier(random_state=seed, **Boosted.SETTINGS).fit(x, y))
        return tuple(found)

    def chances(self, of: Table) -> Floats:
        n = len(of.now)
        total = np.zeros((n, LEVELS))
        for each in self.models:
            above = np.column_stack(
                [np.full(n, m) if isinstance(m, float) else m.predict_proba(of.x[:, self.columns])[:, 1] for m in each]
            )
            above = np.minimum.accumulate(above, axis=1)  # "massive" is never likelier than "numerous"
            edges = np.column_stack([np.ones(n), above, np.zeros(n)])
            total += edges[:, :-1] - edges[:, 1:]
        return spread(total / len(self.models))


@dataclass(frozen=True)
class Mean:
    """The forecast itself: the mean of the ordinal model and the trees."""

    parts: tuple[Model, ...]

    @staticmethod
    def fit(known: Table) -> Mean:
        return Mean((Ordinal.fit(known), Boosted.fit(known)))

    def chances(self, of: Table) -> Floats:
        return spread(np.asarray(np.mean([m.chances(of) for m in self.parts], axis=0)))
