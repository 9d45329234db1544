"""How a new beginning looks to policies."""

from typing import Any

from answerable.authority.engine import describes
from answerable.vault.models import Recovery


@describes(Recovery)
def _recovery(row: Recovery) -> tuple[str, dict[str, Any]]:
    return "Recovery", {"askedBy": row.asked_by.ref, "person": row.person.ref}
