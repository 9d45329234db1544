"""Sealing and opening a field against the bare primitive on the same padded input."""

from __future__ import annotations

import os
import statistics
import time

from answerable.vault import primitives, seal

key, text, context = os.urandom(32), b"x" * 200, seal.field_context("alliance", "CLM-1", "Claim", "account", 1)


def median(act) -> float:
    """Median of 4,000 runs, in seconds."""
    times = []
    for _ in range(4000):
        t = time.perf_counter()
        act()
        times.append(time.perf_counter() - t)
    return statistics.median(times)


padded = seal.pad(text)
blob, bare = seal.seal_field(key, text, context), primitives.aead_seal(key, padded, context)
s, s0 = median(lambda: seal.seal_field(key, text, context)), median(lambda: primitives.aead_seal(key, padded, context))
o, o0 = median(lambda: seal.open_field(key, blob, context)), median(lambda: primitives.aead_open(key, bare, context))
print(f"seal {s * 1e6:.1f} µs, ratio {s / s0:.2f}; open {o * 1e6:.1f} µs, ratio {o / o0:.2f} (limit 1.5)")
