"""What the vault answers, shaped like a key service: an operation, its arguments, an answer or a refusal.

Each operation says which doors may ask for it. Apps above the vault register operations of their own at start-up
(the channel does), so that whoever comes to a door without a database still reaches one narrow function.
"""

from __future__ import annotations

import contextvars
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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


# Both transactions of the vault, on the facts and on the keys, were undone.
TRY_AGAIN = gettext_noop(
    "Something else is being changed at this moment, so this was not done. Nothing was changed; try again in a minute."
)
# What is done in memory before its entry: that holds, and only the entry is missing.
LATER = {
    "lock": gettext_noop("The vault is locked. The record does not say so yet, because something else is being changed."),
    "bring_half": gettext_noop(
        "Your half was taken. The record does not say so yet, because something else is being changed; see below whether the "
        "vault is open."
    ),
}  # fmt: skip

_answering: contextvars.ContextVar[bool] = contextvars.ContextVar("answering", default=False)


def answering() -> bool:
    """Whether an operation is under way here: what it asks in turn it asks as the vault, not as whoever came."""
    return _answering.get()


def perform(door: str, request: Any) -> dict[str, Any]:
    """Answer one request of a door: {"answer": …}, or {"refused": sentence, "reason": code}.

    Raises nothing for what a caller can get wrong; a fault of ours is {"fault": kind and place}, without values.
    """
    name = request.get("op") if isinstance(request, dict) else None
    found = OPERATIONS.get(name) if isinstance(name, str) else None
    if found is None or (door != "any" and door not in found.doors):
        return {"refused": "This door does not ask for that.", "reason": "door"}
    args = request.get("args") or {}
    if not isinstance(args, dict) or not _fits(found.answer, args):
        return {"refused": "The question does not have the parts it needs.", "reason": "arguments"}
    # An answer is a piece of work of its own: when asked from within an action in the same process (tests, the
    # demonstration), its record entry is its own and not a second one of that action.
    context = contextvars.copy_context()
    context.run(acting.apart)
    context.run(_answering.set, True)
    try:
        return {"answer": context.run(_answer, found.answer, args, _language(request.get("language")))}
    except Refused as no:
        return {"refused": str(no), "reason": no.reason}
    except Exception as fault:
        from answerable.common import faults

        if faults.waited_too_long(fault):
            with translation.override(_language(request.get("language"))):
                return {"refused": _(LATER.get(found.name, TRY_AGAIN)), "reason": "busy"}
        if faults.is_full(fault):
            with translation.override(_language(request.get("language"))):
                return {
                    "refused": _(
                        "There is no room left on the disk, so nothing was kept or changed. Tell the administrator."
                    ),
                    "reason": "full",
                }
        return {"fault": faults.where(fault)}


def _language(asked: Any) -> str:
    """One of the product's own languages: the translations of every name ever asked for would stay in memory."""
    return asked if isinstance(asked, str) and asked in dict(settings.LANGUAGES) else "en"


def _fits(func: Callable[..., Any], args: dict[str, Any]) -> bool:
    """Whether the arguments have the names and, in one look, the kinds that the operation is written for."""
    try:
        _signature(func).bind(**args)
    except TypeError:
        return False
    kinds = _kinds(func)
    return all(name not in kinds or _is(value, kinds[name]) for name, value in args.items())


@cache
def _signature(func: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(func)


@cache
def _kinds(func: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(func)


def _is(value: Any, kind: Any) -> bool:
    """Whether a value that came over the socket is what an annotation says. What is not looked at fits."""
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in parts)
    kind = origin or kind
    if kind is str:
        return isinstance(value, str) and "\0" not in value  # the one character no database keeps
    if kind in (bytes, bool):
        return isinstance(value, kind)
    if kind in (int, float):
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    if kind is tuple:
        if parts[1:] == (...,):
            parts = parts[:1]
            return isinstance(value, list) and all(_is(v, parts[0]) for v in value)
        return isinstance(value, list) and (not parts or len(value) == len(parts) and all(map(_is, value, parts)))
    if isinstance(kind, type) and issubclass(kind, Mapping):
        return isinstance(value, dict) and (not parts or all(_is(v, parts[1]) for v in value.values()))
    if isinstance(kind, type) and issubclass(kind, Iterable):
        return isinstance(value, list) and (not parts or all(_is(v, parts[0]) for v in value))
    return True


def _answer(func: Callable[..., Any], args: dict[str, Any], language: str) -> Any:
    with translation.override(language):
        return func(**args)
