"""What an estimate is to whoever meets its reference, and its kind of long work."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from answerable.common.hooks import question
from answerable.monitoring.estimates import access, actions  # noqa: F401 - its kind of long work is known from the start
from answerable.record.pages import Described


@question("describe_ref").answer_with
def _described(by: Any, ref: str) -> Described | None:
    """An estimate by its own page, for analysts; to everyone else there is none."""
    if not ref.startswith("EST"):
        return None
    found = access.estimates(by).filter(ref=ref).first()
    return Described(_("Estimate") + f": {found.counted}", ("estimate", ref), found.status) if found else None
