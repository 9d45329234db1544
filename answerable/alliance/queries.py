"""Reads about members and calendars that other apps share."""

from __future__ import annotations

from datetime import date

from answerable.alliance import lifecycle
from answerable.alliance.models import Holiday, Population, State


def holidays() -> frozenset[date]:
    """All alliance holidays (R-TIME-1)."""
    return frozenset(Holiday.objects.values_list("day", flat=True))


def members() -> list[State]:
    """Every state that is a member, in whatever standing, by code."""
    return list(State.objects.filter(status__in=lifecycle.EVER_MEMBER).order_by("code"))


def population_version() -> str:
    """The population table in force: the last one frozen, or '' when there is none."""
    last = Population.objects.order_by("-id").first()
    return last.version if last else ""


def populations(version: str) -> dict[str, int]:
    """Persons by state code in one frozen table."""
    return dict(Population.objects.filter(version=version).values_list("state__code", "persons"))
