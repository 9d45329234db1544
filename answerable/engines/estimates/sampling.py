"""Decomposable graphs of many lists, sampled where there are too many to weigh each (30.9 million of eight lists).

Markov chain Monte Carlo model composition (Madigan & York 1995, Int. Stat. Rev. 63(2)): a chain adds or takes away one
edge at a time and stays among decomposable graphs, which one edge at a time connects (Frydenberg & Lauritzen 1989). Several
chains start apart, half of them cooled so that they climb and half heated so that they wander. What they met is then weighed
exactly, graph by graph; how often a chain was somewhere does not count. The generator's seed is fixed: the same table
gives the same report.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from answerable.engines.estimates.graphs import Graphs

Array = NDArray[np.float64]
SEED, CHAINS, STEPS = 19990324, 6, 4_000
HEAT = (1.0, 4.0)  # chains walk on the evidence to the power of one over this
BELOW = 14.0  # a graph e^-14 of the best adds nothing to a sum of thousands


class Evidence:
    """ln of the likelihood of a graph summed over the number unseen."""

    def __init__(self, values: Array, common: Array) -> None:
        self.values, self.common = values, common

    def of(self, coefficients: dict[int, int]) -> float:
        line = self.common + sum(c * self.values[which] for which, c in coefficients.items())
        top = float(line.max())
        return top + float(np.log(np.exp(line - top).sum()))


def taken_apart(near: tuple[int, ...]) -> dict[int, int] | None:
    """A graph's coefficients (see graphs.py) from each list's neighbours as bits; None when it is not decomposable."""
    k = len(near)
    left = (1 << k) - 1
    coefficients: dict[int, int] = {}
    while left:
        for v in range(k):
            if not left >> v & 1:
                continue
            around = near[v] & left
            if all(around & ~(near[u] | 1 << u) == 0 for u in range(k) if around >> u & 1):
                for which, c in ((around | 1 << v, 1), (around, -1)):
                    if which:
                        coefficients[which] = coefficients.get(which, 0) + c
                left &= ~(1 << v)
                break
        else:
            return None
    return {which: c for which, c in coefficients.items() if c}


def graphs(k: int, evidence: Evidence) -> tuple[Graphs, float]:
    """The graphs that matter among those the chains met, and how alike halves of the chains are: 1 less half the distance of
    their weights. Bits are those of cells: the list at place p has bit k - 1 - p. The complete graph is left out."""
    pairs = tuple(combinations(range(k), 2))
    bit = [k - 1 - place for place in range(k)]
    complete = (1 << len(pairs)) - 1
    known: dict[int, tuple[float, dict[int, int]] | None] = {}

    def look(graph: int) -> tuple[float, dict[int, int]] | None:
        if graph not in known:
            near = [0] * k
            for i, (a, b) in enumerate(pairs):
                if graph >> i & 1:
                    near[bit[a]] |= 1 << bit[b]
                    near[bit[b]] |= 1 << bit[a]
            parts = None if graph == complete else taken_apart(tuple(near))
            known[graph] = None if parts is None else (evidence.of(parts), parts)
        return known[graph]

    met: list[set[int]] = []
    rng = np.random.default_rng(SEED)
    for chain in range(CHAINS):
        here = 0
        if chain % 2:  # start from a path through the lists in some order
            order = rng.permutation(k)
            ends = {tuple(sorted((int(a), int(b)))) for a, b in zip(order, order[1:], strict=False)}
            here = sum(1 << i for i, p in enumerate(pairs) if p in ends)
        found = look(here)
        heat = HEAT[chain // 2 % 2]
        seen = {here}
        moves, luck = rng.integers(0, len(pairs), STEPS), np.log(rng.random(STEPS))
        for step in range(STEPS):
            there = here ^ (1 << int(moves[step]))
            new = look(there)
            if new is None or found is None:
                continue
            seen.add(there)
            if luck[step] < (new[0] - found[0]) / heat:
                here, found = there, new
        met.append(seen)
    every = {g: v for g, v in known.items() if v is not None}
    best = max(v[0] for v in every.values())
    kept = sorted(g for g, v in every.items() if v[0] > best - BELOW)
    coefficients = np.zeros((len(kept), 2**k), np.int8)
    for row, g in enumerate(kept):
        for which, c in every[g][1].items():
            coefficients[row, which] = c
    halves = [_weights(set.union(*met[half::2]), every, kept, best) for half in (0, 1)]
    return Graphs(k, pairs, np.array(kept, np.int64), coefficients), float(1 - np.abs(halves[0] - halves[1]).sum() / 2)


def _weights(seen: set[int], every: dict[int, tuple[float, dict[int, int]]], kept: list[int], best: float) -> Array:
    w = np.array([np.exp(every[g][0] - best) if g in seen else 0.0 for g in kept])
    return np.asarray(w / w.sum()) if w.sum() else w
