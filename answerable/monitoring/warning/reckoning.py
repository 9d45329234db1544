"""Makes a forecast and puts it into plain figures, for the shell and for the analysts' page. Needs no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import sklearn

from answerable.common.errors import Refused
from answerable.engines.warning import features, forecast, models, years

CAUTION = "Model, not fact. The label is what was reported; absence of reports is not absence."


def as_figures(tested: forecast.Evaluation, *, draws: int) -> dict[str, Any]:
    """An evaluation as plain figures, every model beside the others."""
    return {
        "years": list(tested.years), "forecasts": tested.rows, "onset_base": tested.onset_base, "skill": tested.skill,
        "draws": draws, "scores": {n: {m: asdict(i) for m, i in s.items()} for n, s in tested.scores.items()},
        "against": {n: {m: asdict(i) for m, i in s.items()} for n, s in tested.against.items()},
        "bins": {n: [asdict(b) for b in bs] for n, bs in tested.bins.items()},
    }  # fmt: skip


def make(
    rows: Iterable[years.ActorYear],
    conflicts: Iterable[years.ConflictYear] = (),
    *,
    draws: int = forecast.DRAWS,
    release: str = "",
    refs: Mapping[tuple[str, str, str], str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Evaluate on the years known, forecast the next: {"year", "method", "evaluation", "actors"}. Raises Refused."""
    try:
        panel = years.panel(rows, conflicts)
        table = features.table(panel)
        last = int(table.year.max())
        pairs = table.next >= 0
        earliest = int(table.year[pairs].min()) + 1 if pairs.any() else last
        first = max(forecast.FIRST_TEST_YEAR, earliest + forecast.FEWEST_YEARS)
        tested = forecast.evaluate(table, first, last, draws=draws, progress=progress)
        coming = forecast.forecast(table)
    except ValueError as no:
        raise Refused(str(no), reason="too_little") from None
    return {
        "year": coming.year,
        "method": {
            "caution": CAUTION,
            "model": "mean of a proportional-odds model and gradient-boosted trees",
            "features": len(table.names),
            "actor_years": len(panel.rows),
            "learned_from": coming.learned_from,
            "fighting": bool(panel.conflicts),
            "fighting_release": release,
            "penalty": models.Ordinal.PENALTY,
            "trees": dict(models.Boosted.SETTINGS),
            "scikit-learn": sklearn.__version__,
        },
        "evaluation": as_figures(tested, draws=draws),
        "actors": [
            {"party": (refs or {}).get(a.row.key, ""), "name": a.row.name or a.row.actor, "conflict": a.row.conflict,
             "actor_type": a.row.actor_type, "countries": list(a.row.countries), "now": a.now,
             "chances": {n: [round(v, 4) for v in p] for n, p in a.chances.items()}}
            for a in coming.actors
        ],
    }  # fmt: skip
