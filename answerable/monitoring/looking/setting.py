"""Sets a situation bulletin as a tagged PDF (Annex B): members are its readers, so it holds aggregates after R-SDC alone.

The fonts are those that come with typst, and Noto Naskh Arabic beside the template (tables/fonts, SIL Open Font License), whose
letters join as a reader of Arabic expects. PDF/UA-1 refuses a text that no font can show, so a bulletin never holds boxes in
place of letters.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typst
from django.utils import translation
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.tables import label
from answerable.monitoring import queries as monitoring
from answerable.monitoring.looking.models import ReleasedTable
from answerable.monitoring.models import Situation

LANGUAGES = {"en": "English", "fr": "français", "es": "español", "ar": "العربية", "uk": "українська"}
TEMPLATE = Path(__file__).with_name("tables") / "bulletin.typ"
PUBLIC_YEARS = 5


def caveat() -> str:
    """What every table of reports says of itself (IS-4)."""
    return _(
        "Reported incidents only, not prevalence, and not comparable across areas or periods without notes. "
        "The United Nations notes that for each rape that is reported ten to twenty are not."
    )


def shown(n: int | None) -> str:
    """A released figure in words: at least that many, none, or withheld. What is withheld says nothing of why."""
    if n is None:
        return _("withheld")
    return _("at least %(n)d") % {"n": n} if n else _("zero")


def axis_words(axis: str) -> str:
    """What the rows of a released table are."""
    return {"area": _("By first-level area"), "form": _("By form of violence"), "party": _("By armed actor")}[axis]


def several_words() -> str:
    """What the rows by actor and by form come to."""
    return _("A report that names several armed actors, or tells of several forms of violence, counts under each of them and once in "
             "all, so these rows may add up to more than all.")  # fmt: skip


def value_words(axis: str, value: str, language: str) -> str:
    """One row's name; the row without a name is what every table has for the rest."""
    if not value:
        return {"area": _("Other areas, or not said"), "form": _("Other forms"), "party": _("Other actors")}[axis]
    return label("violence_form", value, language) if axis == "form" else value


def released_rows(released: ReleasedTable, language: str) -> list[list[str]]:
    """A released table as words: name, reported, of these verified, reported and not verified."""
    t = released.table
    rows = [
        [value_words(released.axis, name, language), shown(total), *(shown(c) for c in cells)]
        for name, total, cells in zip(t["rows"], t["row_totals"], t["cells"], strict=True)
    ]
    return [*rows, [_("In all"), shown(t["total"]), *(shown(c) for c in t["column_totals"])]]


def head_words() -> list[str]:
    """The heads of a released table, each a kind of number."""
    return [_("Counted"), _("reported"), _("of these verified"), _("reported, not verified or not yet")]


def warning_words(situation: Situation) -> str:
    """The early-warning level in force, in a sentence."""
    level = next((x for x in question("early_warning_level").ask(situation) if x), None)
    if level is None:
        return _("No early-warning level is in force for this situation.")
    return _("%(words)s, since %(day)s. A person confirmed it.") % {
        "words": level["words"],
        "day": day_words(level["since"]),
    }


def facts(situation: Situation, language: str) -> dict[str, Any]:
    """Everything the bulletin says. Reads released tables and public data: no row about a report is touched."""
    tables = list(ReleasedTable.objects.filter(situation=situation).order_by("-year", "axis"))
    newest = [t for t in tables if t.year == tables[0].year] if tables else []
    lines = monitoring.timeline(situation)
    years = sorted({r["year"] for r in lines})[-PUBLIC_YEARS:]
    public = [
        [str(r["year"]), r["source"], _("no report") if r["value"] is None else str(r["value"])]
        for r in lines if r["year"] in years
    ]  # fmt: skip
    title = _("Situation bulletin: %(name)s") % {"name": situation.name}
    return {
        "language": language,
        "title": title,
        "from": _("The alliance's secretariat"),
        "audience": _("For members of the alliance. Not for publication, and not for the state it concerns before the alliance says so."),
        "dated": _("Set on %(day)s.") % {"day": day_words(clock.today())},
        "caveat_title": _("How to read the figures"),
        "caveat": caveat(),
        "warning_title": _("Early warning"),
        "warning": warning_words(situation),
        "public_title": _("What public sources say (documented)"),
        "public_none": _("No public data has been imported for this situation."),
        "public_head": [_("Year"), _("Source"), _("Prevalence, 0 to 3")],
        "public": public,
        "public_source": _("Highest figure any party reached, by source: SVAC (Cohen and Nordås). No report is not zero."),
        "tables_title": _("Reports to the alliance (reported and verified, kept apart)"),
        "tables_none": _("No table of reports has been released for this situation."),
        "tables": [
            {
                "title": _("%(axis)s, %(year)d") % {"axis": axis_words(t.axis), "year": t.year},
                "head": head_words(),
                "rows": released_rows(t, language),
            }
            for t in newest
        ],
        "tables_note": caveat(),
        "method_title": _("How the figures were made"),
        "method": [
            _("Figures are rounded down to fives: “at least”. Nothing is estimated in this bulletin."),
            _("Figures under 10 in an area, under 5 in the country, or from fewer than three organisations are withheld, "
              "and so are others from which they could be worked out."),
            _("Each year's tables leave once and are not changed afterwards; what is verified later does not move them."),
            _("A report counts in a year only where every day on which it can have happened lies in it."),
            _("Only reports whose every account carries a live consent to such aggregates are counted."),
            several_words(),
        ],
    }  # fmt: skip


def bulletin(situation: Situation, language: str) -> bytes:
    """The bulletin as a tagged PDF (PDF/UA-1). Raises Refused, naming the letters, when a text cannot be shown."""
    if language not in LANGUAGES:
        raise Refused(_("There is no bulletin in that language."), reason="language")
    with translation.override(language):
        said = facts(situation, language)
    plain = json.dumps(said, ensure_ascii=False).translate({0x2068: None, 0x2069: None})
    try:
        made = typst.compile(
            TEMPLATE, root=TEMPLATE.parent, ignore_system_fonts=True, font_paths=[TEMPLATE.parent / "fonts"], pdf_standards=["ua-1"], format="pdf",
            sys_inputs={"data": plain}, timestamp=int(clock.now().timestamp()),
        )  # fmt: skip
    except typst.TypstError as fault:
        if found := re.search(r"the text `\"?(.{1,20}?)\"?` could not be displayed", str(fault)):
            raise Refused(
                _("The bulletin holds “%(letters)s”, which no font here can show, so it was not set in %(language)s "
                  "rather than with boxes. Write the name in another script as well.")
                % {"letters": found[1], "language": LANGUAGES[language]}, reason="letters",
            ) from None  # fmt: skip
        raise
    if not isinstance(made, bytes):
        raise TypeError("typst gave no single file")
    return made
