"""What the vault answers, shaped like a key service: an operation, its arguments, an answer or a refusal.

Each operation says which doors may ask for it. Apps above the vault register operations of their own at start-up
(the channel does), so that whoever comes to a door without a database still reaches one narrow function.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils import translation

from answerable.authority import acting
from answerable.common.errors import Refused

F = TypeVar("F", bound=Callable[..., Any])
DOORS = frozenset({"office", "channel", "host"})


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked, and from which doors."""

    name: str
    doors: frozenset[str]
    answer: Callable[..., Any]


OPERATIONS: dict[str, Operation] = {}


def operation(name: str, *doors: str) -> Callable[[F], F]:
    """Register an operation for these doors ("office", "channel", "host")."""
    if not doors or not set(doors) <= DOORS:
        raise ValueError(f"{name}: an operation names the doors that may ask for it")

    def register(func: F) -> F:
        if name in OPERATIONS and OPERATIONS[name].answer.__module__ != func.__module__:
            raise ValueError(f"two operations are called {name}")
        OPERATIONS[name] = Operation(name, frozenset(doors), func)
        return func

    return register


def perform(door: str, request: Any) -> dict[str, Any]:
    """Answer one request of a door: {"answer": …}, or {"refused": sentence, "reason": code}.

    Raises nothing for what a caller can get wrong; a fault of ours is {"fault": kind and place}, without values.
    """
    name = request.get("op") if isinstance(request, dict) else None
    found = OPERATIONS.get(name) if isinstance(name, str) else None
    if found is None or (door != "any" and door not in found.doors):
        return {"refused": "This door does not ask for that.", "reason": "door"}
    args = request.get("args") or {}
    try:
        inspect.signature(found.answer).bind(**args)
    except TypeError:
        return {"refused": "The question does not have the parts it needs.", "reason": "arguments"}
    # An answer is a piece of work of its own: when asked from within an action in the same process (tests, the
    # demonstration), its record entry is its own and not a second one of that action.
    context = contextvars.copy_context()
    context.run(acting.apart)
    try:
        return {"answer": context.run(_answer, found.answer, args, request.get("language") or "en")}
    except Refused as no:
        return {"refused": str(no), "reason": no.reason}
    except Exception as fault:
        from answerable.common import faults

        return {"fault": faults.where(fault)}


def _answer(func: Callable[..., Any], args: dict[str, Any], language: str) -> Any:
    with translation.override(language):
        return func(**args)
