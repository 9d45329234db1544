"""Problems of what comes in: of one report, refused; of a delivery, listed on a page and as a file no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.monitoring.intake import queries, rules, values


class Problems(Refused):
    """A report that did not pass the check: every problem by field."""

    def __init__(self, problems: Mapping[str, values.Problem]) -> None:
        self.problems = {name: queries.words(p) for name, p in problems.items()}
        super().__init__(
            " ".join(f"{_(rules.bad_field(name))}: {sentence}" for name, sentence in self.problems.items()),
            reason="report",
        )


def lines(problems: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Each problem: the row as a spreadsheet counts it, the field in words, and the sentence, in the reader's language."""
    return [
        {"row": row, "field": _(rules.bad_field(name)), "name": name, "sentence": queries.words((sentence, figures))}
        for row, name, sentence, figures in problems
    ]


def safe(text: str) -> str:
    """A cell that a spreadsheet shows and never calculates (OWASP: formula injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_csv(problems: Iterable[Sequence[Any]]) -> bytes:
    """The list as CSV in UTF-8, with the mark that spreadsheets look for."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("Row"), _("Field"), _("Column"), _("Problem")])
    for line in lines(problems):
        writer.writerow([safe(str(line[k])) for k in ("row", "field", "name", "sentence")])
    return ("\ufeff" + out.getvalue()).encode()
