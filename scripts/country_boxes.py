"""Make answerable/monitoring/tables/country_boxes.csv from Natural Earth's countries at 1:50m (public domain).

    python scripts/country_boxes.py ne_countries_50m.topo.json > answerable/monitoring/tables/country_boxes.csv

One box a country, by its Gleditsch-Ward number, a quarter of a degree wider than the simplified boundary on each side.
A country on both sides of the 180th meridian has its west edge east of its east edge. Degrees; south, west, north, east.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARGIN = 0.25
COUNTRIES = Path(__file__).parents[1] / "answerable" / "monitoring" / "tables" / "gw_countries.csv"


def _points(topology: dict[str, Any], arcs: Any) -> Iterator[tuple[float, float]]:
    """Longitude and latitude of every point on these arcs, however deep the list of them is."""
    if not isinstance(arcs, int):
        for part in arcs:
            yield from _points(topology, part)
        return
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    for dx, dy in topology["arcs"][~arcs if arcs < 0 else arcs]:
        x, y = x + dx, y + dy
        yield x * sx + tx, y * sy + ty


def box(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    """The smallest box around the points that leaves out the widest stretch of longitude without any."""
    lats, lons = [p[1] for p in points], sorted({p[0] for p in points})
    gaps = [(b - a, a, b) for a, b in zip(lons, [*lons[1:], lons[0] + 360], strict=True)]
    _width, east, west = max(gaps)
    west = west - 360 if west > 180 else west
    south, north = max(-90, min(lats) - MARGIN), min(90, max(lats) + MARGIN)
    return (_down(south), _down(max(-180, west - MARGIN)), _up(north), _up(min(180, east + MARGIN)))


def _down(x: float) -> float:
    return math.floor(x * 100) / 100


def _up(x: float) -> float:
    return math.ceil(x * 100) / 100


def main(path: str) -> None:
    topology = json.loads(Path(path).read_text())
    shapes: dict[int, list[tuple[float, float]]] = {}
    for country in topology["objects"]["countries"]["geometries"]:
        if str(country.get("id", "")).isdigit():
            shapes.setdefault(int(country["id"]), []).extend(_points(topology, country["arcs"]))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["gw", "south", "west", "north", "east"])
    with COUNTRIES.open(newline="") as f:
        for row in csv.DictReader(f):
            if row["iso_numeric"].isdigit() and (points := shapes.get(int(row["iso_numeric"]))):
                out.writerow([row["gw"], *box(points)])


if __name__ == "__main__":
    main(sys.argv[1])
