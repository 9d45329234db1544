"""The models side by side as a drawing, without script: a dot for each estimate on its interval, the observed as a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from math import floor, log10
from typing import Any

from answerable.engines.estimates.sentences import MODELS, gettext_noop, noop

WIDTH, ROW, TOP, LEFT, RIGHT = 640, 44, 34, 20, 24
OBSERVED, COMBINED, CAPTION = (
    gettext_noop("Observed"),
    gettext_noop("Models together"),
    gettext_noop("Estimated total by model"),
)


def draw(report: Mapping[str, Any], translate: Callable[[str], str] = noop) -> str:
    """SVG of a report's JSON; "" when it holds no estimate. Colours come from the page's text colour, so it prints too."""
    rows: list[tuple[str, float, float, float, bool]] = [
        (translate(MODELS[e["model"]]), e["total"], e["lower"], e["upper"], False)
        for e in report["estimates"]
        if e["total"] is not None
    ]
    if report["combined"] is None or not rows:
        return ""
    c = report["combined"]
    rows.append((translate(COMBINED), c["middle"], c["lower"], c["upper"], True))
    observed = float(report["observed"])
    low, high = observed, max(r[3] for r in rows)
    step = _step((high - low) / 5 or 1.0)
    first = floor(low / step) * step
    span = (high - first) * 1.04 or 1.0

    def x(value: float) -> float:
        return round(LEFT + (value - first) / span * (WIDTH - LEFT - RIGHT), 1)

    height = TOP + ROW * len(rows) + 28
    base = height - 26
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" direction="ltr" '
        f'aria-label="{escape(translate(CAPTION))}" font-family="inherit" font-size="14" fill="currentColor">'
    ]
    tick = first
    while tick <= first + span:
        parts.append(
            f'<line x1="{x(tick)}" y1="{TOP - 8}" x2="{x(tick)}" y2="{base}" stroke="currentColor" opacity="0.15"/>'
        )
        parts.append(f'<text x="{x(tick)}" y="{height - 8}" text-anchor="middle" font-size="12">{tick:,.0f}</text>')
        tick += step
    at = x(observed)
    parts.append(f'<line x1="{at}" y1="{TOP - 8}" x2="{at}" y2="{base}" stroke="currentColor" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{max(at, 4)}" y="16">{escape(translate(OBSERVED))}: {observed:,.0f}</text>')
    for i, (name, total, lower, upper, thick) in enumerate(rows):
        y = TOP + ROW * i + 14
        wide = 5 if thick else 2
        weight = ' font-weight="700"' if thick else ""
        parts.append(f'<text x="{LEFT + 6}" y="{y}"{weight}>{escape(name)}</text>')
        parts.append(
            f'<line x1="{x(lower)}" y1="{y + 12}" x2="{x(upper)}" y2="{y + 12}" stroke="currentColor" stroke-width="{wide}"/>'
        )
        parts.append(f'<circle cx="{x(total)}" cy="{y + 12}" r="{6 if thick else 4.5}"/>')
    parts.append("</svg>")
    return "".join(parts)


def _step(rough: float) -> float:
    """One, two or five times a power of ten."""
    power: float = 10.0 ** floor(log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
