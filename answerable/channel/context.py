"""What every page of the door knows: the languages, and nothing about whoever reads."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def languages(request: HttpRequest) -> dict[str, Any]:
    """The languages one can choose."""
    return {"languages": settings.LANGUAGES}
