"""What is known at the end of a year about each actor, as numbers; and, where it is known, what the next year brought.

Nothing here looks past the year a row stands at. A figure that is not known is NaN, never 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from answerable.engines.warning.years import LEVELS, SOURCES, STATE_FORCES, ActorYear, Floats, Ints, Panel

NAN = float("nan")
UNKNOWN = -1  # the level of a year without a report, and of a year that has not come
TYPES = ("ACT-STF", "ACT-FOR", "ACT-NSAG", "ACT-PGM")
HALF_LIFE = 0.6  # weight that each year back keeps in a fading memory


@dataclass(frozen=True)
class Table:
    """Rows standing at a year: `now` that year's level, `next` the following year's (UNKNOWN where there is none)."""

    names: tuple[str, ...]
    x: Floats
    now: Ints
    next: Ints
    year: Ints
    conflict: Ints  # number of the conflict, for resampling by conflict
    rows: tuple[ActorYear, ...]

    def at(self, keep: Ints) -> Table:
        """The rows with these numbers."""
        rows = tuple(self.rows[i] for i in keep)
        return Table(
            self.names, self.x[keep], self.now[keep], self.next[keep], self.year[keep], self.conflict[keep], rows
        )


def _mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else NAN


class _Past:
    """Levels by year of one group (an actor, a conflict, a country), for looking back."""

    def __init__(self) -> None:
        self.levels: dict[int, list[tuple[tuple[str, str, str], int]]] = defaultdict(list)

    def add(self, row: ActorYear, level: int) -> None:
        self.levels[row.year].append((row.key, level))

    def others(self, row: ActorYear, back: int = 0) -> list[int]:
        """Levels of everyone else in the group `back` years before the row's year."""
        return [level for key, level in self.levels.get(row.year - back, ()) if key != row.key]


def table(panel: Panel) -> Table:
    """One row for every actor-year with a reported level."""
    history: dict[tuple[str, str, str], dict[int, ActorYear]] = defaultdict(dict)
    by_conflict, by_actor, by_country = (defaultdict[object, _Past](_Past) for _ in range(3))
    opponents: dict[tuple[str, bool], _Past] = defaultdict(_Past)
    worldwide: dict[int, list[int]] = defaultdict(list)
    active: dict[str, list[int]] = defaultdict(list)
    for row in panel.rows:
        history[row.key][row.year] = row
        if (level := row.level) is None:
            continue
        worldwide[row.year].append(level)
        by_conflict[row.conflict].add(row, level)
        by_actor[row.actor].add(row, level)
        for country in row.countries:
            by_country[country].add(row, level)
        opponents[row.conflict, row.actor_type in STATE_FORCES].add(row, level)
    for conflict, year in sorted(panel.conflicts):
        active[conflict].append(year)
    numbers = {c: i for i, c in enumerate(sorted({r.conflict for r in panel.rows}))}
    kept = [r for r in panel.rows if r.level is not None]
    lines, names = [], None
    for row in kept:
        line = _own(row, history[row.key])
        for name, group in (("conflict", by_conflict[row.conflict]), ("actor_elsewhere", by_actor[row.actor])):
            line |= _around(name, row, [group])
        line |= _around("country", row, [by_country[c] for c in row.countries])
        facing = opponents.get((row.conflict, row.actor_type not in STATE_FORCES), _Past())
        line["opponent_highest"] = max(facing.others(row), default=NAN)
        line["opponent_before"] = max((v for b in (1, 2) for v in facing.others(row, b)), default=NAN)
        line["world_share"] = _mean([int(v > 0) for v in worldwide[row.year]])
        line |= _fighting(row, panel, active.get(row.conflict, []))
        names = names or tuple(line)
        lines.append(list(line.values()))
    following = [_following(r, history[r.key]) for r in kept]
    return Table(
        names or (),
        np.array(lines, dtype=np.float64),
        np.array([r.level for r in kept], dtype=np.int64),
        np.array(following, dtype=np.int64),
        np.array([r.year for r in kept], dtype=np.int64),
        np.array([numbers[r.conflict] for r in kept], dtype=np.int64),
        tuple(kept),
    )


def _following(row: ActorYear, years: dict[int, ActorYear]) -> int:
    after = years.get(row.year + 1)
    level = after.level if after is not None else None
    return UNKNOWN if level is None else level


def _own(row: ActorYear, years: dict[int, ActorYear]) -> dict[str, float]:
    """The actor's own past in this conflict."""
    past = [(y, lv) for y, r in years.items() if y <= row.year and (lv := r.level) is not None]
    line: dict[str, float] = {}
    for step in range(LEVELS - 1):
        line[f"now_{step + 1}"] = float((row.level or 0) > step)
    for source in SOURCES:
        line[f"source_{source}"] = float(row.reported.get(source, NAN))
    line["sources_reporting"] = float(len(row.reported))
    line["sources_above_zero"] = float(sum(v > 0 for v in row.reported.values()))
    line["sum_of_sources"] = float(sum(row.reported.values()))
    for back in (1, 2):
        before = years.get(row.year - back)
        line[f"level_{back}_before"] = float(lv) if before is not None and (lv := before.level) is not None else NAN
    line["memory"] = sum(lv * HALF_LIFE ** (row.year - y) for y, lv in past)
    line["highest_ever"] = float(max(lv for _y, lv in past))
    line["years_above_zero"] = float(sum(lv > 0 for _y, lv in past))
    line["share_above_zero"] = line["years_above_zero"] / len(past)
    line["years_seen"] = float(len(past))
    since = [row.year - y for y, lv in past if lv > 0]
    line["since_last"] = float(min(since)) if since else 30.0
    line["forms_now"] = float(len(row.forms))
    line["forms_ever"] = float(len(frozenset().union(*(r.forms for y, r in years.items() if y <= row.year))))
    for kind in TYPES:
        line[f"type_{kind}"] = float(row.actor_type == kind)
    return line


def _around(name: str, row: ActorYear, groups: list[_Past]) -> dict[str, float]:
    """What others in the same group reached: now, and in the three years before."""
    now = [v for g in groups for v in g.others(row)]
    before = [v for g in groups for b in (1, 2, 3) for v in g.others(row, b)]
    return {
        f"{name}_highest": float(max(now, default=NAN)),
        f"{name}_share": _mean([int(v > 0) for v in now]),
        f"{name}_number": float(len(now)),
        f"{name}_before": _mean([int(v > 0) for v in before]),
        f"{name}_before_highest": float(max(before, default=NAN)),
    }


def _fighting(row: ActorYear, panel: Panel, active: list[int]) -> dict[str, float]:
    """The fighting itself, from UCDP/PRIO: NaN throughout when that data was not given."""
    names = ("intensity", "intensity_before", "worsening", "cumulative", "over_government", "internationalised",
             "interstate", "opponents", "ended", "quiet_years", "age", "active_share")  # fmt: skip
    if not panel.conflicts:
        return dict.fromkeys(names, NAN)
    now = panel.conflicts.get((row.conflict, row.year))
    before = panel.conflicts.get((row.conflict, row.year - 1))
    years = [y for y in active if y <= row.year]
    last = panel.conflicts[row.conflict, years[-1]] if years else None
    level, earlier = (float(c.intensity) if c else 0.0 for c in (now, before))
    return dict(
        zip(
            names,
            (
                level,
                earlier,
                level - earlier,
                float(last.cumulative) if last else NAN,
                float(last.over in {2, 3}) if last else NAN,
                float(last.kind == 4) if last else NAN,
                float(last.kind == 2) if last else NAN,
                float(now.opponents) if now else 0.0,
                float(now.ended) if now else NAN,
                float(row.year - years[-1]) if years else NAN,
                float(row.year - last.began) if last else NAN,
                sum(y > row.year - 5 for y in years) / 5,
            ),
            strict=True,
        )
    )
