"""The forecast's arithmetic on panels made here, and its worth on the real ones when they lie beside the checkout."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from answerable.engines.warning import features, forecast, models, scores, years
from answerable.engines.warning.years import ActorYear, ConflictYear

DATA = Path(os.environ.get("ANSWERABLE_SHARED_DATA", Path(__file__).resolve().parents[5] / "shared" / "data"))
SVAC, UCDP = DATA / "svac" / "SVAC_3.2_complete_1989-2018.csv", DATA / "conflict" / "UcdpPrioConflict_v23_1.csv"


def row(year, level, *, actor="7", conflict="9", kind="ACT-STF", countries=(630,), source="AI", forms=()):
    reported = {} if level is None else {source: level}
    return ActorYear(conflict, actor, kind, year, countries, reported, frozenset(forms))


def made_up(seed=3, actors=60, first=1990, last=2009):
    """Actors whose level moves as a chain, likelier after another actor of the conflict was above none."""
    rng = np.random.default_rng(seed)
    rows = []
    for conflict in range(actors // 3):
        levels = rng.integers(0, 2, 3)
        for year in range(first, last + 1):
            heat = levels.max()
            levels = np.clip(levels + rng.choice([-1, 0, 1], 3, p=[0.25, 0.6 - 0.1 * heat, 0.15 + 0.1 * heat]), 0, 3)
            for a, kind in enumerate(("ACT-STF", "ACT-NSAG", "ACT-NSAG")):
                rows.append(row(year, int(levels[a]), actor=f"{conflict}-{a}", conflict=str(conflict), kind=kind,
                                countries=(conflict // 2,)))  # fmt: skip
    return rows


def test_rows_of_one_actor_and_year_are_one_and_each_source_keeps_its_highest():
    panel = years.panel([row(2001, 1), row(2001, 0), row(2001, 2, source="HRW")])
    assert [(r.year, dict(r.reported), r.level) for r in panel.rows] == [(2001, {"AI": 1, "HRW": 2}, 2)]
    with pytest.raises(ValueError, match="no actor-year"):
        years.panel([])


def test_a_year_without_a_report_is_never_a_zero():
    table = features.table(years.panel([row(2001, 0), row(2002, None), row(2003, 1), row(2004, 0)]))
    assert list(table.year) == [2001, 2003, 2004], "no row stands at a year of which nothing is known"
    assert list(table.next) == [features.UNKNOWN, 0, features.UNKNOWN]


def test_nothing_later_than_the_row_is_seen():
    rows = made_up()
    whole = features.table(years.panel(rows, [ConflictYear("3", 2000, 2, True, 3, 2, 1, False, 1988)]))
    until = features.table(
        years.panel([r for r in rows if r.year <= 2000], [ConflictYear("3", 2000, 2, True, 3, 2, 1, False, 1988)])
    )
    early = whole.at(np.flatnonzero(whole.year <= 2000))
    assert np.array_equal(early.x, until.x, equal_nan=True)


@pytest.mark.slow
def test_each_forecast_is_learned_from_earlier_years_alone(monkeypatch):
    table = features.table(years.panel(made_up()))
    seen = []
    fit = models.Markov.fit
    monkeypatch.setattr(
        models.Markov, "fit", staticmethod(lambda known: seen.append(int(known.year.max()) + 1) or fit(known))
    )
    _given, asked = forecast.looked_back(table, 2004, 2006)
    assert seen == [2003, 2004, 2005] and sorted(set(asked.year + 1)) == [2004, 2005, 2006]


def test_the_scores_of_a_certain_and_of_an_even_forecast():
    sure, even = np.array([[1.0, 0, 0, 0]]), np.full((1, 4), 0.25)
    none, worst = np.array([0]), np.array([3])
    assert scores.rps_each(sure, none) == pytest.approx(0) and scores.rps_each(sure, worst) == pytest.approx(1)
    assert scores.rps_each(even, none) == pytest.approx((0.75**2 + 0.5**2 + 0.25**2) / 3)
    assert scores.log_each(even, none) == pytest.approx(np.log(4))
    assert scores.brier(even, worst) == pytest.approx(0.25)


def test_calibration_error_is_the_distance_between_said_and_seen():
    p = np.array([[0.7, 0.3, 0, 0]] * 100)
    assert scores.calibration_error(p, np.array([1] * 30 + [0] * 70)) == pytest.approx(0)
    assert scores.calibration_error(p, np.array([1] * 50 + [0] * 50)) == pytest.approx(0.2)
    assert [b.n for b in scores.bins(p, np.zeros(100, dtype=int))] == [100]


def test_onset_is_looked_for_among_those_without_a_report_above_none():
    p = np.array([[0.1, 0.9, 0, 0], [0.9, 0.1, 0, 0], [0.2, 0.8, 0, 0]])
    assert scores.onset_precision(p, np.array([1, 0, 1]), np.array([0, 0, 2])) == 1
    assert np.isnan(scores.onset_precision(p, np.array([1, 0, 1]), np.array([1, 1, 1])))


@pytest.mark.parametrize(
    "model", [models.Climatology, models.Persistence, models.Markov, models.Ordinal, models.Boosted, models.Mean]
)
@pytest.mark.slow
def test_chances_sum_to_one_and_none_is_ruled_out(model):
    table = features.table(years.panel(made_up()))
    known = table.at(np.flatnonzero((table.next >= 0) & (table.year < 2005)))
    p = model.fit(known).chances(table)
    assert p.shape == (len(table.now), 4) and np.allclose(p.sum(axis=1), 1) and p.min() > 0


def test_the_ordinal_model_finds_the_direction_and_the_thresholds():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, 2))
    latent = 2 * x[:, 0] + rng.logistic(size=4000)
    y = np.digitize(latent, [-1.0, 1.0, 3.0])
    empty = np.zeros(4000, dtype=np.int64)
    table = features.Table(("a", "b"), x, empty, y, empty, empty, tuple([row(2000, 0)] * 4000))
    fitted = models.Ordinal.fit(table)
    assert fitted.weights[0] == pytest.approx(2.0 * x[:, 0].std(), abs=0.15) and abs(fitted.weights[1]) < 0.1
    cuts = fitted.thresholds - fitted.weights @ (fitted.mean / fitted.scale)
    assert cuts == pytest.approx([1.0, -1.0, -3.0], abs=0.2)


def test_markov_counts_what_followed_and_climatology_what_there_was():
    table = features.table(
        years.panel([row(y, lv) for y, lv in zip(range(1990, 1999), [0, 0, 1, 1, 2, 0, 0, 1, 0], strict=True)])
    )
    known = table.at(np.flatnonzero(table.next >= 0))
    assert models.Climatology.fit(known).p == pytest.approx(np.array([4.5, 3.5, 1.5, 0.5]) / 10)
    assert models.Markov.fit(known).rows[0].argmax() in (0, 1) and models.Persistence.fit(known).held == pytest.approx(
        4 / 10
    )


@pytest.mark.slow
def test_a_forecast_says_the_next_year_for_everyone_reported_on_in_the_last_and_beside_the_yardsticks():
    found = forecast.forecast(features.table(years.panel(made_up())))
    assert found.year == 2010 and len(found.actors) == 60
    assert all(set(a.chances) == {"mean", "persistence", "climatology", "markov"} for a in found.actors)
    assert all(sum(p) == pytest.approx(1) for a in found.actors for p in a.chances.values())
    firsts = [sum(a.at_least(lv) for lv in (1, 2, 3)) for a in found.actors]
    assert firsts == sorted(firsts, reverse=True)


def test_a_calibration_error_lies_in_its_own_interval():
    """Distances only grow when conflicts are drawn again, so what was drawn is moved back by as much."""
    drawn = list(np.linspace(0.0122, 0.0460, 201))
    moved, left = forecast._interval("calibration", 0.0104, drawn), forecast._interval("rps", 0.0104, drawn)
    assert moved.low < 0.0104 < moved.high and left.low > 0.0104
    assert moved.high - moved.low == pytest.approx(left.high - left.low)


def test_too_little_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="needs at least 5 years and 200"):
        forecast.forecast(features.table(years.panel([row(y, 0) for y in range(1990, 2000)])))
    with pytest.raises(ValueError, match="not enough earlier years"):
        forecast.evaluate(features.table(years.panel(made_up())), 1991, 1991)


def test_a_conflict_without_data_on_its_fighting_is_not_known_rather_than_quiet():
    rows = [row(2001, 0), row(2001, 0, conflict="8")]
    without = features.table(years.panel(rows))
    column = without.names.index("intensity")
    assert np.isnan(without.x[:, column]).all()
    given = features.table(years.panel(rows, [ConflictYear("9", 2001, 2, True, 3, 2, 1, False, 1988)]))
    assert sorted(given.x[:, column]) == [0.0, 2.0]


def _real():
    if not (SVAC.exists() and UCDP.exists()):
        pytest.skip("the public SVAC and UCDP files are not beside the checkout (ANSWERABLE_SHARED_DATA)")
    from answerable.monitoring import svac
    from answerable.monitoring.warning import files

    return years.panel(files.of_file(svac.read(SVAC)), files.of_conflicts(UCDP))


def test_on_the_real_years_the_forecast_beats_every_yardstick():
    table = features.table(_real())
    given, asked = forecast.looked_back(table, 2012, 2015)
    exact = {n: scores.all_of(p, asked.next, asked.now) for n, p in given.items()}
    ours = exact[forecast.FORECAST]
    for name in forecast.YARDSTICKS:
        assert ours["rps"] < exact[name]["rps"] and ours["log"] < exact[name]["log"], name
        assert ours["onset_ap"] > 2 * exact[name]["onset_ap"], name
    assert ours["calibration"] < 0.03


def test_the_real_panel_is_what_was_measured():
    panel = _real()
    assert (len(panel.rows), panel.last_year) == (10_490, 2018)
    with SVAC.open(encoding="utf-8-sig") as f:
        first = next(csv.DictReader(f))
    one = next(r for r in panel.rows if (r.conflict, r.actor, r.year) == (first["conflictid"], first["actorid"], 1989))
    assert one.level == 0 and replace(one, reported={}).level is None


def test_an_interval_of_a_measure_that_cannot_be_negative_ends_at_0():
    drawn = [0.002, 0.02, 0.05]
    assert forecast._interval("calibration", 0.004, drawn).low < 0
    clipped = forecast._interval("calibration", 0.004, drawn, 0.0)
    assert clipped.low == 0 and clipped.low <= clipped.value <= clipped.high
    assert forecast._interval("rps", -0.01, [-0.02, -0.01]).low < 0, "a difference may lie below 0"
