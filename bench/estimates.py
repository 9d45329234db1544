"""Estimates: time per table against the times recorded for R, and coverage in three made worlds.

`python bench/estimates.py [TABLES_PER_WORLD]`. R's times were recorded on another day on two like cores and are named as
recorded; they are not run again here.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from answerable.engines.estimates import bayes, graphs, links, loglinear, report, study, tables

RECORDED_R = {
    "dga Kosovo": 0.041,
    "dga five lists": 0.75,
    "all 113 models (Rcapture)": 0.43,
    "stepwise (SparseMSE)": 0.115,
}
KOSOVO = {"0001": 306, "0010": 936, "0011": 123, "0100": 845, "0101": 31, "0110": 217, "0111": 32, "1000": 1131, "1001": 106,
          "1010": 228, "1011": 42, "1100": 177, "1101": 18, "1110": 181, "1111": 27}  # fmt: skip
UK = {"10000": 54, "01000": 463, "00100": 995, "00010": 695, "00001": 316, "11000": 15, "10100": 19, "10010": 3, "01100": 62,
      "01010": 19, "01001": 1, "00110": 76, "00101": 11, "00011": 8, "11100": 1, "11010": 1, "01110": 4, "11110": 1}  # fmt: skip
TOTAL = 2_000


def best(work, times=5):
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def drawn(world, rng):
    """One table of a world with 2,000 people, four lists."""
    if world == "independent":
        on = rng.random((TOTAL, 4)) < [0.30, 0.25, 0.20, 0.15]
    elif world == "dependent pairs":
        on = rng.random((TOTAL, 4)) < [0.30, 0.25, 0.20, 0.15]
        on[:, 1] = np.where(on[:, 0], rng.random(TOTAL) < 0.5, rng.random(TOTAL) < 0.15)
        on[:, 3] = np.where(on[:, 2], rng.random(TOTAL) < 0.4, rng.random(TOTAL) < 0.10)
    else:
        easy = rng.random(TOTAL) < 0.3
        on = rng.random((TOTAL, 4)) < np.where(easy[:, None], [0.6, 0.55, 0.5, 0.45], [0.12, 0.10, 0.08, 0.06])
    return tables.of_cases(tuple("ABCD"), on.astype(int))


def coverage(many):
    names = ["best", "average", "stepwise", "graphs", "latent", "chao", "together"]
    print(
        f"coverage of 95 % intervals, {many} tables a world, 4 lists, {TOTAL} people (bias of the middle in brackets; width / N)"
    )
    print(f"{'world':18}" + "".join(f"{n:>22}" for n in names))
    for number, world in enumerate(("independent", "dependent pairs", "two classes")):
        rng = np.random.default_rng([7, number])
        held, totals, widths = ({n: [] for n in names} for _ in range(3))
        for _ in range(many):
            made = report.estimate(drawn(world, rng), sensitivity=False)
            rows = {e.model: (e.total, e.lower, e.upper) for e in made.estimates if e.total is not None}
            rows["together"] = (made.combined.middle, made.combined.lower, made.combined.upper)
            for n in names:
                if n in rows:
                    t, low, high = rows[n]
                    held[n].append(low <= TOTAL <= high)
                    totals[n].append(t)
                    widths[n].append((high - low) / TOTAL)
                else:
                    held[n].append(False)
        cells = "".join(
            f"{np.mean(held[n]):>9.3f} ({np.median(totals[n]) / TOTAL - 1:+.0%}; {np.median(widths[n]):.2f})".rjust(22)
            for n in names
        )
        print(f"{world:18}{cells}")


def drawn_wide(k):
    on = np.random.default_rng(3).random((4_000, k)) < np.linspace(0.3, 0.1, k)
    return tables.of_cases([f"L{i}" for i in range(k)], on.astype(int))


def main():
    kosovo, uk = (
        tables.of_patterns(("EXH", "ABA", "OSCE", "HRW"), KOSOVO),
        tables.of_patterns(("LA", "NG", "PFNCA", "GO", "GP"), UK),
    )
    for k in (4, 5, 6):
        graphs.decomposable(k)
        loglinear.hierarchical_models(min(k, 5))
    rng = np.random.default_rng(3)
    wide = {
        k: tables.of_cases([f"L{i}" for i in range(k)], (rng.random((4_000, k)) < np.linspace(0.3, 0.1, k)).astype(int))
        for k in (6, 7)
    }
    ours = {
        "dga Kosovo": best(lambda: bayes.posterior(kosovo, 1 / 16, 20_000)),
        "dga five lists": best(lambda: bayes.posterior(uk, 1 / 32, 30_000)),
        "all 113 models (Rcapture)": best(lambda: loglinear.bic_average(kosovo)),
        "stepwise (SparseMSE)": best(lambda: loglinear.stepwise(uk)),
    }
    for what, seconds in ours.items():
        print(
            f"{what:28}{1000 * seconds:9.2f} ms; R recorded {1000 * RECORDED_R[what]:6.0f} ms, ratio {RECORDED_R[what] / seconds:6.0f}"
        )
    print(
        f"six lists, {len(graphs.decomposable(6).edges):,} graphs: {best(lambda: bayes.posterior(wide[6])):.3f} s (limit 0.1)"
    )
    once = best(lambda: graphs.decomposable(7), 1)
    print(f"seven lists, {len(graphs.decomposable(7).edges):,} graphs: {best(lambda: bayes.posterior(wide[7]), 2):.2f} s (limit 3), "
          f"and {once:.2f} s once to enumerate")  # fmt: skip
    print(f"whole report with sensitivity: four lists {best(lambda: report.estimate(kosovo), 2):.2f} s, "
          f"five {best(lambda: report.estimate(uk), 2):.2f} s")  # fmt: skip
    eight = study.Study(tuple(f"L{i}" for i in range(8)), (study.Stratum("", drawn_wide(8)),))
    took = {part: best(lambda p=part: study.work_out(eight, p), 1) for part in eight.parts()}
    print(f"eight lists, graphs sampled: {took['0:models']:.1f} s for the models, {sum(took.values()):.1f} s with sensitivity in "
          f"{len(took)} parts, the longest {max(took.values()):.1f} s")  # fmt: skip
    rng = np.random.default_rng(4)
    for k in (4, 5):
        pairs = [((a, f"{a}-{i}"), (b, f"{b}-{i}"), float(rng.uniform(0.2, 1)))
                 for a in range(k) for b in range(a + 1, k) for i in range(130)]  # fmt: skip
        began = time.perf_counter()
        links_drawn = links.draw([f"L{i}" for i in range(k)], [400] * k, pairs, draws=1_000)
        study.carried(links_drawn, [1])
        print(
            f"from {len(pairs)} uncertain links of {k} lists to the totals, 1,000 linkages: {time.perf_counter() - began:.1f} s (limit 10)"
        )
    coverage(int(sys.argv[1]) if len(sys.argv) > 1 else 100)


if __name__ == "__main__":
    main()
