"""Decomposable graphs of k lists, each as the sum of log marginal likelihoods it needs (Dawid & Lauritzen 1993, Ann. Stat. 21(3)).

A graph is decomposable when its lists can be taken away one by one, each with neighbours that are all neighbours of
each other. Taking list v away with neighbours A splits its likelihood into that of A ∪ {v} over that of A, so the
coefficients below are +1 for each such A ∪ {v} and -1 for each A; what is left are cliques and separators.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MOST_LISTS = 7  # 617,675 graphs; eight lists have 30.9 million and would need sampling


@dataclass(frozen=True)
class Graphs:
    """`edges` holds each graph's pairs as bits, in the order of `pairs`; `coefficients` one row a graph, one column a set of lists."""

    k: int
    pairs: tuple[tuple[int, int], ...]
    edges: NDArray[np.int64]
    coefficients: NDArray[np.int8]

    def named(self, which: int, lists: tuple[str, ...]) -> str:
        """The graph's edges in words, or "independent"."""
        held = [f"{lists[a]}-{lists[b]}" for i, (a, b) in enumerate(self.pairs) if self.edges[which] >> i & 1]
        return ", ".join(held)


@lru_cache(maxsize=8)
def decomposable(k: int, *, saturated: bool = False) -> Graphs:
    """Every decomposable graph of k lists. Without `saturated` the complete graph is left out: under it every cell is
    free, the unseen one too, and only the prior would say how large it is.

    Raises ValueError for more than seven lists.
    """
    if not 2 <= k <= MOST_LISTS:
        raise ValueError(f"decomposable graphs are enumerated for 2 to {MOST_LISTS} lists, not {k}")
    pairs = tuple(combinations(range(k), 2))
    complete = 2 ** len(pairs) - 1
    graphs = np.arange(complete + 1 if saturated else complete, dtype=np.int64)
    # Lists are numbered as bits of a cell: list at place p has bit k - 1 - p.
    bit = [1 << (k - 1 - place) for place in range(k)]
    near = [np.zeros(len(graphs), np.int16) for _ in range(k)]
    for i, (a, b) in enumerate(pairs):
        held = (graphs >> i & 1).astype(np.int16)
        near[a] |= held * bit[b]
        near[b] |= held * bit[a]
    left = np.full(len(graphs), 2**k - 1, np.int16)
    coefficients = np.zeros((len(graphs), 2**k), np.int8)
    for _ in range(k):
        taken = np.zeros(len(graphs), bool)
        new_left = left.copy()
        for v in range(k):
            around = near[v] & left
            open_ = (left & bit[v] > 0) & ~taken
            for u in range(k):
                if u != v:
                    open_ &= (around & bit[u] == 0) | (around & ~(near[u] | bit[u]) == 0)
            rows = np.flatnonzero(open_)
            coefficients[rows, around[rows] | bit[v]] += 1
            coefficients[rows, around[rows]] -= 1
            new_left[rows] &= ~bit[v]
            taken |= open_
        # No list could be taken: the graph has a cycle without a chord.
        graphs, left, coefficients = graphs[taken], new_left[taken], coefficients[taken]
        near = [n[taken] for n in near]
    coefficients[:, 0] = 0  # the empty set's likelihood is one
    return Graphs(k, pairs, graphs, coefficients)
