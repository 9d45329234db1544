"""What the engine says to people: one sentence for each code, so that a page can say it in another language.

`noop` marks a sentence for the translators and changes nothing; whoever shows it translates it and fills it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def gettext_noop(text: str) -> str:
    return text


noop = gettext_noop


@dataclass(frozen=True)
class Remark:
    """A sentence's code and what fills it in."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str] = noop) -> str:
        return translate(SENTENCES[self.code]) % self.values


class Fault(ValueError):
    """A table that cannot be read; `faults` holds every reason."""

    def __init__(self, faults: Sequence[Remark]) -> None:
        self.faults = tuple(faults)
        super().__init__(" ".join(f.say() for f in self.faults[:20]))


SENTENCES: dict[str, str] = {
    # reading
    "file_empty": gettext_noop("The file holds no rows. It needs a header with the names of the lists, and rows below it."),
    "file_size": gettext_noop("The file is larger than %(most)s MB; a table of patterns is never that large."),
    "not_csv": gettext_noop("The file cannot be read as CSV: %(what)s."),
    "count_twice": gettext_noop("Two columns look like the count: %(columns)s. Only one may."),
    "column_unknown": gettext_noop(
        "Row %(row)s: the column “%(column)s” is not known. It holds “%(value)s”; a list holds 0 or 1, and the only other "
        "column is “count”."
    ),
    "column_unnamed": gettext_noop("Row 1: a column has no name. Each list needs one."),
    "list_twice": gettext_noop("Row 1: two lists have the same name."),
    "too_many_lists": gettext_noop("There are %(k)s lists; at most %(most)s can be used."),
    "no_lists": gettext_noop("Row 1: there is no column for a list."),
    "not_zero_or_one": gettext_noop("Row %(row)s: “%(column)s” holds “%(value)s”; a list holds 0 or 1."),
    "row_length": gettext_noop("Row %(row)s has %(cells)s cells where the header has %(columns)s."),
    "count_not_a_number": gettext_noop("Row %(row)s: the count “%(value)s” is not a whole number."),
    "count_negative": gettext_noop("Row %(row)s: the count %(value)s is below zero."),
    "count_too_large": gettext_noop("Row %(row)s: the count %(value)s is larger than any list can be."),
    "count_of_the_unseen": gettext_noop(
        "Row %(row)s counts cases that are on no list. Those are what is estimated; leave the row out or its count blank."
    ),
    "pattern_twice": gettext_noop("Row %(row)s: the pattern %(pattern)s was already given in row %(first)s."),
    "pattern_shape": gettext_noop("Pattern %(row)s: “%(pattern)s” is not %(k)s times 0 or 1."),
}
