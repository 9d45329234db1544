"""The forecast on the real years, beside persistence, climatology and Markov, with what the targets are and what was reached.

`python bench/warning.py [LAST_YEAR]`. Reads SVAC 3.2 and UCDP/PRIO 23.1 from ../shared/data beside the checkout, or from
ANSWERABLE_SHARED_DATA. Settings were chosen on forecasts of 1996-2002 alone; nothing here is chosen on the years tested.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from answerable.engines.warning import features, forecast, models, years
from answerable.monitoring import svac
from answerable.monitoring.warning import cli, files, reckoning

DATA = Path(os.environ.get("ANSWERABLE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SVAC, UCDP = DATA / "svac" / "SVAC_3.2_complete_1989-2018.csv", DATA / "conflict" / "UcdpPrioConflict_v23_1.csv"
# measure → (limit, whether less is better); the difference from Markov and from the ordinal model must exclude 0 too.
DRAWS = 60
TARGETS = {"rps": (0.0275, True), "onset_ap": (0.20, False), "calibration": (0.015, True)}

if not (SVAC.exists() and UCDP.exists()):
    print(f"Left out: SVAC 3.2 and UCDP/PRIO 23.1 are not in {DATA}. Set ANSWERABLE_SHARED_DATA.")
    sys.exit(0)

last = int(sys.argv[1]) if len(sys.argv) > 1 else 2015
started = time.perf_counter()
rows = list(files.of_file(svac.read(SVAC)))
for words, conflicts in (("with UCDP/PRIO", files.of_conflicts(UCDP)), ("with SVAC alone", [])):
    t = time.perf_counter()
    table = features.table(years.panel(rows, conflicts))
    built = time.perf_counter() - t
    t = time.perf_counter()
    tested = forecast.evaluate(table, forecast.FIRST_TEST_YEAR, last, draws=DRAWS)
    print(f"\n== {words}: {len(table.names)} features of {len(table.rows):,} actor-years in {built:.1f} s, evaluated in "
          f"{time.perf_counter() - t:.1f} s\n")  # fmt: skip
    for line in cli.table(reckoning.as_figures(tested, draws=DRAWS)):
        print(line)
    print()
    for measure, (limit, less) in TARGETS.items():
        s = tested.scores[forecast.FORECAST][measure]
        reached = s.value <= limit if less else s.value >= limit
        beyond = []
        for other in ("markov", "ordinal"):
            d = tested.against[other][measure]
            apart = d.high < 0 if less else d.low > 0
            beyond.append(f"{other} {'excluded' if apart else 'not excluded'}")
        print(f"{cli.HEADS[measure]}: {s.value:.4f}, target {'<=' if less else '>='} {limit}: "
              f"{'reached' if reached else 'NOT reached'}; {', '.join(beyond)} by the interval")  # fmt: skip
known = table.at((table.next >= 0).nonzero()[0])
each = []
for model in (models.Climatology, models.Persistence, models.Markov, models.Ordinal, models.Boosted):
    t = time.perf_counter()
    forecast.one_at_a_time(lambda m: m.fit(known).chances(table))(model)
    each.append(f"{model.__name__} {time.perf_counter() - t:.2f} s")
print(
    f"\nFitted once on {len(known.now):,} pairs and asked of all: {', '.join(each)}. In all {time.perf_counter() - started:.0f} s."
)
print(reckoning.CAUTION)
