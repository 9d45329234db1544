"""Forecasts of years that are known, to see how good they are; then the forecast of the year that is not."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from answerable.engines.warning import scores
from answerable.engines.warning.features import Table
from answerable.engines.warning.models import Boosted, Climatology, Markov, Mean, Model, Ordinal, Persistence
from answerable.engines.warning.scores import Bin
from answerable.engines.warning.years import LEVELS, ActorYear, Floats, Ints

P = ParamSpec("P")
R = TypeVar("R")
# The forecast first, then its two parts, then what it must be better than. Always shown together.
FORECAST = "mean"
YARDSTICKS = ("persistence", "climatology", "markov")
NAMES = (FORECAST, "ordinal", "boosted", *YARDSTICKS)
FIRST_TEST_YEAR = 2003
FEWEST_YEARS = 5  # years of pairs to learn from before anything is forecast
FEWEST_ROWS = 200
DRAWS = 400


@dataclass(frozen=True)
class Interval:
    """A figure with the 95 % interval of resampling whole conflicts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """Every model on the same forecasts, one year ahead, each year learned from the years before it alone."""

    years: tuple[int, int]
    rows: int
    onset_base: float
    scores: dict[str, dict[str, Interval]]
    # Better than the yardstick: difference in each measure, with its interval; one that excludes 0 is established.
    against: dict[str, dict[str, Interval]]
    bins: dict[str, list[Bin]]

    @property
    def skill(self) -> dict[str, float]:
        """Share of climatology's ranked probability score that each model takes away."""
        base = self.scores["climatology"]["rps"].value
        return {name: 1 - s["rps"].value / base for name, s in self.scores.items()}


def one_at_a_time(func: Callable[P, R]) -> Callable[P, R]:
    """On one thread: the tables are small, several threads would mostly wait for each other and for everyone else's."""

    @functools.wraps(func)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(limits=1):
            return func(*args, **kwargs)

    return alone


def _fitted(known: Table) -> dict[str, Model]:
    ordinal, boosted = Ordinal.fit(known), Boosted.fit(known)
    return {
        FORECAST: Mean((ordinal, boosted)),
        "ordinal": ordinal,
        "boosted": boosted,
        "persistence": Persistence.fit(known),
        "climatology": Climatology.fit(known),
        "markov": Markov.fit(known),
    }


def _pairs(table: Table) -> Ints:
    return np.flatnonzero(table.next >= 0)


@one_at_a_time
def looked_back(table: Table, first: int, last: int) -> tuple[dict[str, Floats], Table]:
    """Chances that each model gave for the years `first` to `last`, and the rows they were given for.

    For each year the models learn from pairs of years that both lie before it; nothing later is seen.
    """
    pairs = _pairs(table)
    given: dict[str, list[Floats]] = {name: [] for name in NAMES}
    asked: list[Ints] = []
    for year in range(first, last + 1):
        known = pairs[table.year[pairs] + 1 < year]
        now = pairs[table.year[pairs] + 1 == year]
        if not len(now) or len(known) < FEWEST_ROWS:
            continue
        models, rows = _fitted(table.at(known)), table.at(now)
        for name in NAMES:
            given[name].append(models[name].chances(rows))
        asked.append(now)
    if not asked:
        raise ValueError(f"There are not enough earlier years to forecast {first} to {last} from.")
    return {name: np.vstack(p) for name, p in given.items()}, table.at(np.concatenate(asked))


def _draws(conflict: Ints, n: int, seed: int) -> list[Ints]:
    """Row numbers of resamples in which whole conflicts are drawn with replacement."""
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(conflict == c) for c in np.unique(conflict)]
    return [np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(n)]


def _interval(measure: str, value: float, drawn: list[float], least: float | None = None) -> Interval:
    """The middle 95 % of what was drawn again; not below `least`, where the measure cannot be.

    A calibration error is a mean of distances: drawing again adds noise to each and only ever makes it larger, so what was
    drawn is moved back by that bias. Without it the interval leaves its own value out (bootstrap bias correction).
    """
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    if measure == "calibration":
        low, high = (edge - (np.nanmean(drawn) - value) for edge in (low, high))
    if least is not None:
        low, high = max(low, least), max(high, least)
    return Interval(value, float(low), float(high))


def evaluate(
    table: Table, first: int, last: int, *, draws: int = DRAWS, progress: Callable[[str], None] | None = None
) -> Evaluation:
    """All models over an expanding window, with intervals from resampling conflicts. Raises ValueError with too few years."""
    given, rows = looked_back(table, first, last)
    if progress:
        progress(f"{len(rows.now)} forecasts made for {first}-{last}; resampling conflicts {draws} times")
    y, now = rows.next, rows.now
    exact = {name: scores.all_of(p, y, now) for name, p in given.items()}
    samples = _draws(rows.conflict, draws, seed=1)
    drawn: dict[str, dict[str, list[float]]] = {n: {m: [] for m in scores.MEASURES} for n in NAMES}
    for sample in samples:
        for name, p in given.items():
            for measure, value in scores.all_of(p[sample], y[sample], now[sample]).items():
                drawn[name][measure].append(value)
    quiet = now == 0
    return Evaluation(
        years=(first, last),
        rows=len(y),
        onset_base=float((y[quiet] > 0).mean()),
        scores={n: {m: _interval(m, exact[n][m], drawn[n][m], 0.0) for m in scores.MEASURES} for n in NAMES},
        against={
            n: {
                m: _interval(
                    m,
                    exact[FORECAST][m] - exact[n][m],
                    [a - b for a, b in zip(drawn[FORECAST][m], drawn[n][m], strict=True)],
                )
                for m in scores.MEASURES
            }
            for n in (*YARDSTICKS, "ordinal", "boosted")
        },
        bins={n: scores.bins(given[n], y) for n in (FORECAST, *YARDSTICKS)},
    )


@dataclass(frozen=True)
class Chance:
    """Next year for one actor: chances of each level, from the forecast and from each yardstick; this year's level."""

    row: ActorYear
    now: int
    chances: dict[str, tuple[float, float, float, float]]

    def at_least(self, level: int, model: str = FORECAST) -> float:
        """Chance of at least this level."""
        return sum(self.chances[model][level:])


@dataclass(frozen=True)
class Forecast:
    """The year after the last one known, for every actor with a report in it; the likeliest to be reported first."""

    year: int
    learned_from: int
    actors: tuple[Chance, ...]


@one_at_a_time
def forecast(table: Table) -> Forecast:
    """Learn from every pair of years there is and forecast the year after the last. Raises ValueError with too few years."""
    pairs = _pairs(table)
    if len(pairs) < FEWEST_ROWS or len(np.unique(table.year[pairs])) < FEWEST_YEARS:
        raise ValueError(
            f"A forecast needs at least {FEWEST_YEARS} years and {FEWEST_ROWS} actor-years followed by another."
        )
    last = int(table.year.max())
    models = _fitted(table.at(pairs))
    rows = table.at(np.flatnonzero(table.year == last))
    given = {n: models[n].chances(rows) for n in (FORECAST, *YARDSTICKS)}
    actors = [
        Chance(row, int(rows.now[i]), {n: tuple(float(v) for v in p[i]) for n, p in given.items()})  # type: ignore[misc]
        for i, row in enumerate(rows.rows)
    ]
    order = sorted(actors, key=lambda a: (-sum(a.at_least(lv) for lv in range(1, LEVELS)), a.row.key))
    return Forecast(last + 1, len(pairs), tuple(order))
