"""The field's code tables (taxonomy, obligations, measures, forms of reparation, glossary), read once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One code of one list. `raw` holds every column of the table as text."""

    code: str
    label: str
    definition: str
    parent: str
    raw: Mapping[str, str]


@cache
def rows(table: str) -> tuple[Mapping[str, str], ...]:
    """All rows of one CSV table, in file order."""
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as f:
        return tuple(MappingProxyType(dict(r)) for r in csv.DictReader(f))


@cache
def taxonomy(list_name: str) -> Mapping[str, Row]:
    """Codes of one list, in file order. Raises KeyError for an unknown list."""
    found = {
        r["code"]: Row(r["code"], r["label"], r["definition"], r["parent"], r)
        for r in rows("taxonomy")
        if r["list"] == list_name
    }
    if not found:
        raise KeyError(list_name)
    return MappingProxyType(found)


@cache
def _labels() -> Mapping[tuple[str, str], Mapping[str, str]]:
    return {(r["list"], r["code"]): r for r in rows("taxonomy_labels")}


def translated(list_name: str, code: str, lang: str) -> str:
    """The label of a code in another language than English; '' where there is none."""
    return _labels().get((list_name, code), {}).get(lang[:2], "") if lang[:2] != "en" else ""


_otherwise: list[Callable[[str, str], str]] = []


def say_otherwise_by(catalogue: Callable[[str, str], str]) -> None:
    """Labels without a translation in the table are asked of this: (English, language) → in that language, or English again."""
    _otherwise[:] = [catalogue]


def label(list_name: str, code: str, lang: str = "en") -> str:
    """The label of a code in a language, English where there is no translation, the code itself where unknown."""
    if words := translated(list_name, code, lang):
        return words
    row = taxonomy(list_name).get(code)
    if row is None:
        return code
    return _otherwise[0](row.label, lang) if _otherwise and row.label and lang[:2] != "en" else row.label


def _by_code(table: str) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType({r["code"]: r for r in rows(table)})


@cache
def measures() -> Mapping[str, Mapping[str, str]]:
    """Response measures by code (domain.md §4.3)."""
    return _by_code("measures")


@cache
def obligations() -> Mapping[str, Mapping[str, str]]:
    """State obligations by code (domain.md §3)."""
    return _by_code("obligations")


@cache
def reparation_forms() -> Mapping[str, Mapping[str, str]]:
    """Forms of reparation by code (domain.md §5)."""
    return _by_code("reparation_forms")


@cache
def glossary() -> Mapping[str, Mapping[str, str]]:
    """Terms of the field in five languages, by key."""
    return MappingProxyType({r["key"]: r for r in rows("glossary")})
