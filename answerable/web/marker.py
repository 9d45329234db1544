"""Whether this installation is the demonstration, which says so loudly on every page."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings


@cache
def is_demonstration() -> bool:
    """True when the fictional alliance was loaded into this data folder."""
    return (Path(settings.STATIC_ROOT).parent / "demonstration").exists()
