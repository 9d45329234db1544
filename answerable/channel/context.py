"""What every page of the door knows: the languages, its own style and script, and nothing about whoever reads."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from answerable.channel import guard, languages, lifecycle, page
from answerable.common import clock


def door(request: HttpRequest) -> dict[str, Any]:
    """The languages one can choose, the two texts put into each page, and what its forms carry."""
    return {
        "languages": settings.LANGUAGES,
        "style": page.style(),
        "script": page.script(),
        "integrity": page.integrity(),
        "weather": settings.CHANNEL_WEATHER,
        "care_page": True,
        "leave": languages.leave_address(),
        "hours": [f"{h:02d}:00" for h in lifecycle.RELEASE_HOURS],
        "now": clock.now().strftime("%H:%M"),
        "t": guard.form_token(request),
    }
