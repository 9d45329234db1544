"""The two walks of any object, as pages show them: why it stands, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from answerable.common.hooks import question
from answerable.record import log


@dataclass(frozen=True)
class Described:
    """An object in one line, for whoever may see it. Its page is looked up when it is shown: the vault has no pages."""

    title: str
    page: tuple[str, ...]  # its name, then its arguments
    status: str = ""

    @property
    def url(self) -> str:
        """Where its page is."""
        return reverse(self.page[0], args=self.page[1:])


def describe(by: Any, ref: str) -> Described | None:
    """What a reference is to this person; None when there is nothing for them, hidden or absent alike."""
    return next((d for d in question("describe_ref").ask(by, ref) if d is not None), None)


def chain(by: Any, ref: str) -> dict[str, Any]:
    """`why`, `follows` and `history` for a template. What the person may not see is left out without a trace."""

    def edges(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
        shown = []
        for other, why in pairs:
            if (d := describe(by, other)) is not None:
                shown.append({"title": d.title, "url": d.url, "why": why})
        return shown

    return {
        "why": edges([(e.basis, e.why) for e in log.bases(ref)]),
        "follows": edges([(e.dependent, e.why) for e in log.dependents(ref)]),
        "history": log.history(ref),
    }
