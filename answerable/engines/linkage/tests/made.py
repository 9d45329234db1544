"""Made-up incident reports with known truth: some tell of one incident twice, with other days, counts and spellings."""

from __future__ import annotations

from datetime import date

import numpy as np

from answerable.engines.linkage import incidents

FORMS = ["SV-RAPE", "SV-SLAV", "SV-TORT", "SV-NUD", "SV-ABOR", "SV-MARR"]


def reports(n, *, seed=5, actors=30, areas=60, days=1500, repeats=0.2):
    """n cards and the true incident of each reference. `repeats`: how many incidents are told twice."""
    r = np.random.default_rng(seed)
    cards, truth = [], {}
    number = 0
    while len(cards) < n:
        on = date(2024, 1, 1).toordinal() + int(r.integers(days))
        actor, place = f"P{int(r.integers(actors))}", int(r.integers(areas))
        forms = set(r.choice(FORMS, size=int(r.integers(1, 3)), replace=False))
        best = 1 + int(r.geometric(0.35))
        for telling in range(2 if r.random() < repeats else 1):
            told = on + (0 if r.random() < 0.7 else int(r.integers(-4, 5)))
            lo, hi = incidents.days(date.fromordinal(told), str(r.choice(["day", "day", "day", "week", "month"])))
            count = max(1, best + (0 if r.random() < 0.6 else int(r.integers(-1, 3))))
            coded = forms | ({str(r.choice(FORMS))} if r.random() < 0.25 else set())
            roots = [x for x in (f"R{number}a", f"R{number}b") if r.random() < 0.4]
            roots += [f"Q{number}{telling}"] if r.random() < 0.7 else []
            ref = f"INC{len(cards):07d}"
            cards.append(
                incidents.Card(
                    ref, "S", actor if r.random() < 0.9 else f"P{int(r.integers(actors))}", lo, hi, f"A{place % 10}",
                    f"B{place}" if r.random() < 0.9 else "", tuple(sorted(coded)), max(1, count - 1), count, count + 2,
                    (), tuple(roots), (f"P{(number * 7 + telling) % actors}",) if number % 5 == 0 else (),
                )
            )  # fmt: skip
            truth[ref] = number
        number += 1
    return cards[:n], truth


def quality(pairs, cards, truth, least=0.0):
    """(precision, recall) of pairs at a weight or more, against the truth."""
    told = {}
    for c in cards:
        told[truth[c.ref]] = told.get(truth[c.ref], 0) + 1
    true = sum(n * (n - 1) // 2 for n in told.values())
    found = [p for p in pairs if p.score.bits >= least]
    right = sum(truth[p.first] == truth[p.second] for p in found)
    return right / max(1, len(found)), right / max(1, true)
