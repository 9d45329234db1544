"""A lifecycle is a table: statuses and the moves between them. Who may make a move is authority's to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from answerable.common.errors import Refused


@dataclass(frozen=True)
class Move:
    """One named move: from any of `froms`, to `to`."""

    froms: frozenset[str]
    to: str


def move(*froms: str, to: str) -> Move:
    """Write one line of a lifecycle table."""
    return Move(frozenset(froms), to)


def next_status(moves: Mapping[str, Move], name: str, *, status: str) -> str:
    """The status after move `name` from `status`.

    Raises Refused, naming the moves that are open, when the move does not start here; KeyError for a move the table
    does not have (ours to fix).
    """
    this = moves[name]
    if status in this.froms:
        return this.to
    words = [m.replace("_", " ") for m in open_moves(moves, status)]
    possible = f"From here one can: {', '.join(words)}." if words else "Nothing more can follow."
    raise Refused(
        f"“{name.replace('_', ' ')}” is not possible while this is {status.replace('_', ' ').lower()}. {possible}",
        reason="lifecycle",
    )


def open_moves(moves: Mapping[str, Move], status: str) -> list[str]:
    """Names of the moves that start at `status`, in table order."""
    return [name for name, this in moves.items() if status in this.froms]


def statuses(moves: Mapping[str, Move]) -> list[str]:
    """Every status of a table, in order of first mention."""
    seen: dict[str, None] = {}
    for this in moves.values():
        seen.update(dict.fromkeys(sorted(this.froms)))
        seen[this.to] = None
    return list(seen)
