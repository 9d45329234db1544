"""How much one person may open in a day, and what is unusual (security.md §2.4). No framework."""

from __future__ import annotations

import statistics
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path


@cache
def table() -> Mapping[str, int]:
    """Objects a person may open in a day, by the prefix of their references; "default" for the rest."""
    with (Path(__file__).parent / "tables" / "budgets.toml").open("rb") as f:
        read = tomllib.load(f)
    return {name: int(row["objects_a_day"]) for name, row in read.items()}


def limit(ref: str) -> int:
    """The day's limit for objects of this kind."""
    return table().get(ref[:3], table()["default"])


def is_unusual(today: int, earlier: Sequence[int]) -> bool:
    """Whether a day's openings are more than twice the median of the days before, and not a handful."""
    usual = statistics.median(earlier) if earlier else 0
    return today >= 10 and today > 2 * usual
