"""One way to change anything: `@action` makes a function a transaction with exactly one record entry."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from django.db import connection, transaction

from answerable.authority.principals import HasPrincipal
from answerable.record import log

P = ParamSpec("P")
R = TypeVar("R")
ACTIONS: dict[str, Callable[..., Any]] = {}
_running: ContextVar[list[Any] | None] = ContextVar("running_action", default=None)


def _count(entry: Any) -> None:
    if (entries := _running.get()) is not None:
        entries.append(entry)


log.listeners.append(_count)


def running() -> bool:
    """Whether an action is under way on this thread (the test suite refuses writes outside one)."""
    return _running.get() is not None


def apart() -> None:
    """From here on, in the present context, no action is under way: for a service that answers in the same process."""
    _running.set(None)
    log.apart()


def action(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare a change: one transaction, `by=` the one who answers for it, exactly one record entry.

    Actions do not call actions: what two share is a plain function. Raises ValueError when an action is nested or
    leaves no entry or several; the transaction is undone.
    """

    def declare(func: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(func)
        def act(*args: P.args, **kwargs: P.kwargs) -> R:
            if "by" not in kwargs:
                raise TypeError(f"{name}: say who answers for it, by=")
            if _running.get() is not None:
                raise ValueError(f"{name}: an action inside an action would leave two entries")
            by: Any = kwargs["by"]
            token = _running.set([])
            outermost = not connection.in_atomic_block
            try:
                with transaction.atomic():
                    with scope_of(by, ends_with_transaction=outermost):
                        result = func(*args, **kwargs)
                    entries = _running.get() or []
                    if len(entries) != 1:
                        raise ValueError(f"{name}: left {len(entries)} record entries instead of one")
                return result
            finally:
                _running.reset(token)

        act.action_name = name  # type: ignore[attr-defined]
        if name in ACTIONS and ACTIONS[name].__module__ != func.__module__:
            raise ValueError(f"two actions are called {name}")
        ACTIONS[name] = act
        return act

    return declare


def set_scope(compartments: Any) -> str:
    """Let row-level security show the rows of these compartments until the transaction ends; none shows nothing.

    Returns the setting as it was before.
    """
    with connection.cursor() as cursor:
        # OFFSET 0 keeps the inner question from being folded into the outer one: it is answered first.
        cursor.execute(
            "SELECT was.setting, set_config('app.compartments', %s, true)"
            " FROM (SELECT current_setting('app.compartments', true) AS setting OFFSET 0) was",
            [",".join(sorted(compartments))],
        )
        return (cursor.fetchone() or [""])[0] or ""


@contextmanager
def scope_of(by: HasPrincipal, *, ends_with_transaction: bool = False) -> Iterator[None]:
    """Row-level scope of `by` for the block, then what it was before. Needs an open transaction.

    Where the block is all of its transaction the setting ends with it, and need not be put back.
    """
    before = set_scope(by.principal().compartments)
    yield
    # After an exception the rollback, to here or further, takes the setting back by itself.
    if not ends_with_transaction:
        set_scope(before.split(",") if before else [])


@contextmanager
def reading_as(by: HasPrincipal) -> Iterator[None]:
    """A read-only stretch of work outside a request: one transaction in the scope of `by`."""
    with transaction.atomic(), scope_of(by):
        yield
