"""The one filter the door's pages need."""

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(row: Sequence[Any], n: int) -> Any:
    """One item of a row by its number; empty where the row is shorter."""
    return row[n] if n < len(row) else ""
