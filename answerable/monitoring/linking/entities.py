"""How linkage's objects look to policies."""

from typing import Any

from answerable.authority.engine import describes
from answerable.monitoring.linking import actions  # noqa: F401 - answers when reports change
from answerable.monitoring.linking.models import Agreement, DuplicateSearch, LinkPair


@describes(LinkPair)
def _pair(p: LinkPair) -> tuple[str, dict[str, Any]]:
    return "LinkPair", {"compartment": p.compartment}


@describes(DuplicateSearch)
def _search(s: DuplicateSearch) -> tuple[str, dict[str, Any]]:
    return "DuplicateSearch", {"askedBy": s.asked_by.ref}


@describes(Agreement)
def _agreement(a: Agreement) -> tuple[str, dict[str, Any]]:
    return "Agreement", {"notedBy": a.noted_by.ref}
