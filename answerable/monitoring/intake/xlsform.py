"""Forms A1 to A3 as an XLSForm for ODK Collect, Enketo and KoboCollect, made from our own tables and read back.

`publish` writes the workbook, `read_back` makes the description out of it again: what the field works with and what the
check expects are the same, or a test fails. What XLSForm has no word for stands in columns of a namespace of ours.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from answerable.common.edtf import gettext_noop
from answerable.common.tables import label
from answerable.monitoring.intake.description import A1, A2, A3, DECLINED, FIELDS, LISTS, Field, codes_of
from answerable.monitoring.intake.values import FEWER

LANGUAGES = {
    "en": "English (en)",
    "fr": "French (fr)",
    "es": "Spanish (es)",
    "ar": "Arabic (ar)",
    "uk": "Ukrainian (uk)",
}
FORM_ID = "answerable_report"
# Raised when a question is added or changes; a submission names the version it was written with.
VERSION = "2026112604"
NAMESPACE = 'answerable="urn:answerable:form:1"'
DECLINED_LABEL = gettext_noop("Prefer not to say")
ITEMS, CONSENT = "items", "consent"
_TYPES = {
    "text": "text",
    "key": "text",
    "whole": "integer",
    "decimal": "decimal",
    "day": "date",
    "when": "text",
    "counts": "text",
    "file": "file",
}
_CONSTRAINTS = {
    "when": r"regex(., '^[0-9]{4}(-([0-9]{2}|XX)(-([0-9]{2}|XX))?)?[~?%]?(/[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?[~?%]?)?$')",
    "counts": r"regex(., '^(VC-[A-Z]{3}[:=][0-9]{1,6} ?)+$')",
}
Translate = Callable[[str, str], str]


def _plain(text: str, _language: str) -> str:
    return text


def publish(
    situations: Mapping[str, str],
    parties: Mapping[str, tuple[str, str]],
    *,
    translate: Translate = _plain,
) -> bytes:
    """The workbook, for these situations (reference → name) and armed actors (reference → situation, name).

    `translate(text, language)` gives a question in a language, the text itself where there is none.
    """
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    spoken = [f"label::{name}" for name in LANGUAGES.values()]
    hints = [f"hint::{name}" for name in LANGUAGES.values()]
    said = [f"constraint_message::{name}" for name in LANGUAGES.values()]
    head = ["type", "name", *spoken, *hints, "required", "relevant", "constraint", "choice_filter",
            "bind::answerable:kind", "bind::answerable:sealed", "bind::answerable:most", "bind::answerable:filing",
            "bind::answerable:least", *said]  # fmt: skip
    survey: list[list[Any]] = [head]

    def words(text: str) -> list[str]:
        return [translate(text, code) if text else "" for code in LANGUAGES]

    def group(kind: str, name: str, text: str, relevant: str = "") -> None:
        survey.append([kind, name, *words(text), *words(""), "", relevant])

    def questions(form: str) -> None:
        survey.extend(_question(f, words) for f in FIELDS if f.form == form)

    questions(A1)
    group("begin repeat", ITEMS, gettext_noop("Source item"))
    questions(A2)
    group("begin group", CONSENT, "Consent", _relevant(next(f for f in FIELDS if f.form == A3)))
    questions(A3)
    survey += [["end group", CONSENT], ["end repeat", ITEMS]]
    _sheet(book, "survey", survey)
    _sheet(book, "choices", [["list_name", "name", *spoken, "situation"], *_choices(situations, parties, translate)])
    _sheet(book, "settings", [["form_title", "form_id", "version", "default_language", "namespaces"],
                              ["Incident report", FORM_ID, VERSION, LANGUAGES["en"], NAMESPACE]])  # fmt: skip
    book.close()
    return out.getvalue()


def _sheet(book: Any, name: str, rows: list[list[Any]]) -> None:
    sheet = book.add_worksheet(name)
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            if value not in ("", None):
                sheet.write_string(y, x, str(value))


def _type(f: Field) -> str:
    if f.kind == "codes":
        return f"select_multiple {f.list_name}"
    if f.kind in ("code", "yes_no"):
        return f"select_one {f.list_name}"
    if f.kind == "refs":
        return f"select_multiple {f.name}"
    return f"select_one {f.name}" if f.kind == "ref" else _TYPES[f.kind]


def _relevant(f: Field) -> str:
    if f.asked_if is None:
        return ""
    on, values = f.asked_if
    return " or ".join(f"${{{on}}} = '{v}'" for v in values)


def _constraint(f: Field) -> str:
    if f.kind in _CONSTRAINTS:
        return _CONSTRAINTS[f.kind]
    if f.kind == "codes" and f.declinable:
        return f"not(selected(., '{DECLINED}') and count-selected(.) > 1)"
    if f.kind == "whole":
        return f". >= {f.least} and . <= {f.most}"
    if f.kind == "decimal":
        return f". >= -{f.most} and . <= {f.most}"
    if f.kind == "key":
        return f"regex(., '^[A-Za-z0-9_-]{{1,{f.most}}}$')"
    if f.kind == "text" and f.most:
        return f"string-length(.) <= {f.most}"
    return ""


def _question(f: Field, words: Callable[[str], list[str]]) -> list[Any]:
    return [
        _type(f), f.name, *words(f.label), *words(f.hint), "yes" if f.needed or (f.before_filing and f.sealed) else "", _relevant(f), _constraint(f),
        "situation = ${situation}" if f.name == "party" else "",
        f"{f.kind}:{f.list_name}" if f.kind == "counts" else f.kind, "yes" if f.sealed else "", f.most or "",
        "yes" if f.before_filing else "", f.least or "", *words(FEWER if f.least else ""),
    ]  # fmt: skip


def _choices(
    situations: Mapping[str, str], parties: Mapping[str, tuple[str, str]], translate: Translate
) -> list[list[Any]]:
    rows: list[list[Any]] = []
    selects = [f for f in FIELDS if f.kind in ("code", "codes", "yes_no")]
    for name in dict.fromkeys(f.list_name for f in selects):
        for code, text in codes_of(name).items():
            spoken = [translate(text, c) if name in LISTS else label(name, code, c) for c in LANGUAGES]
            rows.append([name, code, *spoken])
        if any(f.declinable for f in selects if f.list_name == name):
            rows.append([name, DECLINED, *[translate(DECLINED_LABEL, c) for c in LANGUAGES]])
    rows += [["situation", ref, *[name] * len(LANGUAGES)] for ref, name in situations.items()]
    rows += [["party", ref, *[name] * len(LANGUAGES), situation] for ref, (situation, name) in parties.items()]
    return rows


def read_back(raw: bytes) -> tuple[tuple[Field, ...], dict[str, dict[str, str]]]:
    """The description and the code lists a workbook holds. Raises ValueError when it is no XLSForm of ours."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    if not {"survey", "choices", "settings"} <= set(book.sheetnames):
        raise ValueError("not an XLSForm: it needs the sheets survey, choices and settings")
    english = f"label::{LANGUAGES['en']}"
    lists: dict[str, dict[str, str]] = {}
    for row in _rows(book["choices"]):
        lists.setdefault(row["list_name"], {})[row["name"]] = row[english]
    found, form = [], A1
    for row in _rows(book["survey"]):
        if row["type"].startswith(("begin", "end")):
            form = {"begin repeat": A2, "begin group": A3}.get(row["type"], A1)
            continue
        kind, _sep, counted = row["bind::answerable:kind"].partition(":")
        list_name = counted or (row["type"].partition(" ")[2] if kind not in ("ref", "refs") else "")
        found.append(
            Field(
                row["name"], form, kind, row[english], row[f"hint::{LANGUAGES['en']}"], list_name,
                row["required"] == "yes" and row["bind::answerable:filing"] != "yes",
                row["bind::answerable:filing"] == "yes", row["bind::answerable:sealed"] == "yes",
                kind == "codes" and DECLINED in lists.get(list_name, {}), _asked_if(row["relevant"]),
                int(row["bind::answerable:most"] or 0), int(row["bind::answerable:least"] or 0),
            )
        )  # fmt: skip
    own = {name: {c: w for c, w in codes.items() if c != DECLINED} for name, codes in lists.items()}
    return tuple(found), {name: codes for name, codes in own.items() if name not in ("situation", "party")}


def _rows(sheet: Any) -> list[dict[str, str]]:
    lines = sheet.iter_rows(values_only=True)
    head = ["" if c is None else str(c) for c in next(lines)]
    return [dict(zip(head, ["" if c is None else str(c) for c in line], strict=False)) for line in lines]


def _asked_if(relevant: str) -> tuple[str, tuple[str, ...]] | None:
    if not relevant:
        return None
    parts = [p.partition(" = ") for p in relevant.split(" or ")]
    return parts[0][0][2:-1], tuple(value.strip("'") for _on, _eq, value in parts)
