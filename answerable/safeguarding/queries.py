"""The directory as anyone reads it."""

from __future__ import annotations

from typing import Any

from answerable.common import clock
from answerable.safeguarding import lifecycle
from answerable.safeguarding.models import Provider

SHOWN = 60


def listed(need: str = "", place: str = "") -> list[dict[str, Any]]:
    """Confirmed providers for a need and a place, or all; never more than a page holds. `checked` says whether the
    ninety days of its last check have not passed.
    """
    found = Provider.objects.filter(status=lifecycle.LISTED)
    if place:
        country, _, area = place.partition("|")
        found = found.filter(country=country)
        if area:
            # Whoever serves a whole country serves its areas.
            found = found.filter(area1__in=["", area])
    rows = [p for p in found[:2000] if not need or need in p.needs][:SHOWN]
    return [
        {"name": p.name, "needs": list(p.needs), "country": p.country, "area1": p.area1, "languages": p.languages,
         "hours": p.hours, "who_for": p.who_for, "reach": p.reach, "ref": p.ref,
         "confirmed_on": p.confirmed_on.isoformat() if p.confirmed_on else "",
         "checked": p.review_due_at is not None and clock.now() <= p.review_due_at}
        for p in rows
    ]  # fmt: skip


def places() -> list[str]:
    """Countries and areas with someone who helps, as `country|area`."""
    rows = Provider.objects.filter(status=lifecycle.LISTED).values_list("country", "area1").distinct()
    pairs = set(rows) | {(country, "") for country, _area in rows}
    return [f"{country}|{area}" for country, area in sorted(pairs)]
