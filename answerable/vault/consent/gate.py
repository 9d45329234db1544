"""The gate of SC-4: read, export, match, publish and transfer pass here, and without a live consent nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from answerable.common import clock
from answerable.vault.consent import queries, rules


def operation(name: str, use: str) -> rules.Operation | None:
    """The line of the table for an operation and a use, or a purpose's code in place of the use."""
    found = rules.operations().get((name, use))
    return found or next((o for o in rules.operations().values() if (o.operation, o.purpose) == (name, use)), None)


def gate(
    name: str, obj: Any, use: str, *, audience: str = "", identifiability: str = "", on: date | None = None
) -> bool:
    """Whether an operation on one subject is covered by a live consent for its purpose, audience and identifiability.

    Audience and identifiability are the table's unless said. What is not in the table passes never. An object that is
    no person's (`personal` is False) needs no consent, but is closed when everything about it was withdrawn.
    """
    line = operation(name, use)
    if line is None or queries.is_closed(obj.ref):
        return False
    if not getattr(obj, "personal", True):
        return True
    to, far = audience or line.audience, identifiability or line.identifiability
    said = queries.book(obj.ref)
    if rules.is_live(said, line.purpose, to, far, on or clock.today()):
        return True
    if not line.survives or not any(t.given and t.purpose == line.purpose for t in said):
        return False
    return line.survives in queries.states_of_use(obj.ref, line.purpose)


def passing(name: str, objs: Sequence[Any], use: str, *, audience: str = "", identifiability: str = "") -> list[Any]:
    """Those of many objects that pass, in a fixed number of queries: what a list or an export may hold."""
    line = operation(name, use)
    if line is None:
        return []
    persons = [o.ref for o in objs if getattr(o, "personal", True)]
    live = queries.covered(
        persons, line.purpose, audience or line.audience, identifiability or line.identifiability
    )  # fmt: skip
    shut = queries.closed([o.ref for o in objs])
    return [o for o in objs if o.ref not in shut and (o.ref in live or not getattr(o, "personal", True))]
