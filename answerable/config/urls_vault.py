"""The vault has no address."""

from typing import Any

urlpatterns: list[Any] = []
