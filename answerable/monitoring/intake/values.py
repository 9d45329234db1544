"""One answer as its field takes it: codes, numbers, days, texts, scripts and coordinates, or why it cannot be taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

from answerable.common import edtf
from answerable.common.edtf import gettext_noop
from answerable.common.tables import rows as table_rows
from answerable.monitoring import grades
from answerable.monitoring.intake.description import (
    DECLINED,
    Field,
    codes_of,
)

_ = gettext_noop
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field: a sentence and the figures to put into it."""

    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence % dict(self.figures) if self.figures else self.sentence


class Wrong(Exception):
    """A value that is not an answer to its question."""

    def __init__(self, sentence: str | Problem, **figures: Any) -> None:
        super().__init__()
        self.problem = sentence if isinstance(sentence, Problem) else Problem(sentence, figures)


UNKNOWN = _("This holds a code that is not in the list. The nearest are: %(nearest)s.")

UNKNOWN_QUOTED = _("There is no code %(code)s in the list. The nearest are: %(nearest)s.")


@cache
def _names(list_name: str) -> Mapping[str, str]:
    """Every way to write a code of a list: the code in any case, or its label in any of the five languages."""
    found: dict[str, str] = {}
    for row in table_rows("taxonomy_labels"):
        if row["list"] == list_name:
            found |= {row[lang].strip().casefold(): row["code"] for lang in ("fr", "es", "ar", "uk") if row[lang]}
    codes = codes_of(list_name)
    found |= {label.casefold(): code for code, label in codes.items()}
    return found | {code.casefold(): code for code in codes}


def unknown_code(text: str, list_name: str) -> Problem:
    """Which codes are nearest to a code that is none. The text itself is repeated only when it is all but a code."""
    codes = list(codes_of(list_name))
    typed = text.strip().upper()
    close = get_close_matches(typed, codes, n=3, cutoff=0.75) if len(typed) <= 16 else []
    if close and re.fullmatch(r"[A-Z0-9_-]{1,16}", typed, re.A):
        return Problem(UNKNOWN_QUOTED, {"code": typed, "nearest": ", ".join(close)})
    return Problem(UNKNOWN, {"nearest": ", ".join(close or codes[:3])})


@lru_cache(maxsize=4096)
def _codes(text: str, list_name: str) -> tuple[str, ...]:
    """The codes in a cell. Raises Wrong."""
    names = _names(list_name)
    found: dict[str, None] = {}
    for part in re.split(r"[;|\n]+", text):
        whole = part.strip().casefold()
        if not whole:
            continue
        for word in [whole] if whole in names else whole.replace(",", " ").split():
            if word.upper() == DECLINED:
                found[DECLINED] = None
            elif word in names:
                found[names[word]] = None
            else:
                raise Wrong(unknown_code(word, list_name))
    return tuple(found)


def many(value: Any, f: Field) -> list[str]:
    text = ";".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)
    found = list(_codes(text, f.list_name))
    if DECLINED in found:
        if not f.declinable:
            raise Wrong(_("“Prefer not to say” is not an answer to this question."))
        if len(found) > 1:
            raise Wrong(_("“Prefer not to say” stands alone; take it away, or the other answers."))
    return found


def one(value: Any, f: Field) -> str:
    found = _codes(str(value), f.list_name)
    if len(found) != 1 or found[0] == DECLINED:
        raise Wrong(_("Give one answer to this question."))
    return found[0]


YES = frozenset({"yes", "y", "true", "1", "on", "oui", "sí", "si", "نعم", "так"})

NO = frozenset({"no", "n", "false", "0", "off", "non", "لا", "ні"})


def yes_no(value: Any, f: Field) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in YES or word in NO:
        return word in YES
    raise Wrong(_("Answer yes or no."))


FEWER = _(
    "A report counts at least one survivor or victim; where how many is not known, leave “at least” and “at most” empty."
)


def whole(value: Any, f: Field) -> int:
    text = str(value).strip()
    if text.endswith(".0"):
        text = text[:-2]  # a spreadsheet's way of writing a whole number
    if not re.fullmatch(r"\d{1,9}", text, re.A):
        raise Wrong(_("Give a whole number, without letters or a sign."))
    if int(text) < f.least:
        raise Wrong(FEWER)
    if int(text) > f.most:
        raise Wrong(_("The number is larger than %(most)d; check it."), most=f.most)
    return int(text)


def decimal(value: Any, f: Field) -> float:
    text = str(value).strip().replace(",", ".")
    if not re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,12})?", text, re.A):
        raise Wrong(_("Write the coordinate in degrees with a point, such as 48.1375."))
    return float(text)


def when(value: Any, f: Field) -> edtf.When:
    try:
        return edtf.parse(str(value))
    except edtf.Unreadable as no:
        raise Wrong(no.sentence, **no.figures) from None


def day(value: Any, f: Field) -> str:
    found = when(value, f)
    if found.precision != edtf.DAY or found.approximate or found.uncertain:
        raise Wrong(_("Give a single day here, such as 2026-03-14."))
    return found.earliest.isoformat()


# What programs write where nothing was said.
NOTHING = frozenset({"nan", "null", "undefined"})


def text(value: Any, f: Field) -> str:
    if not isinstance(value, str):
        raise Wrong(_("Give this as text."))
    text = value.strip()
    if text.casefold() in NOTHING:
        raise Wrong(_("This is what a program writes where nothing was said. Leave it empty, or say it."))
    if len(text) > f.most:
        raise Wrong(
            _("The text is longer than %(most)d characters; shorten it, or add the rest as an item."), most=f.most
        )
    return text


# Half of a character (a surrogate that stands alone), and the one that no table takes.
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


def unkeepable(value: Any) -> bool:
    """Whether an answer holds a character that cannot be kept, or sent anywhere."""
    if isinstance(value, Mapping):
        return any(unkeepable(v) for pair in value.items() for v in pair)
    if isinstance(value, (list, tuple)):
        return any(map(unkeepable, value))
    return isinstance(value, str) and UNKEEPABLE.search(value) is not None


KEY = re.compile(r"[a-z0-9_-]+", re.A)


def key(value: Any, f: Field) -> str:
    """A pseudonym, in one spelling. What looks like a name is not taken: it is not sealed."""
    key = grades.pseudonym(str(value))
    if not KEY.fullmatch(key) or len(key) > f.most:
        raise Wrong(_("A pseudonym has letters, figures and dashes, without spaces, such as p-07. Never give a name."))
    return key


COUNT = re.compile(r"([A-Za-z]+-[A-Za-z]+)\s*[:=]\s*(\d{1,7})", re.A)


def counts(value: Any, f: Field) -> dict[str, int]:
    if isinstance(value, Mapping):
        value = " ".join(f"{k}:{v}" for k, v in value.items())
    found: dict[str, int] = {}
    text = str(value)
    for code, number in COUNT.findall(text):
        if code.upper() not in codes_of(f.list_name):
            raise Wrong(unknown_code(code, f.list_name))
        found[code.upper()] = int(number)
    if COUNT.sub("", text).strip(" ,;|"):
        raise Wrong(_("Write a code and a number for each category, such as VC-WOM:3 VC-GIR:1."))
    return found


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "").split(" ", 1)[0]
    return name if name in {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "ARMENIAN", "GEORGIAN"} else ""


SCRIPTS = {
    "LATIN": _("Latin"), "CYRILLIC": _("Cyrillic"), "GREEK": _("Greek"), "ARABIC": _("Arabic"), "HEBREW": _("Hebrew"),
    "ARMENIAN": _("Armenian"), "GEORGIAN": _("Georgian"),
}  # fmt: skip

NAMES = ("area1", "area2", "area3", "actor_name")


def mixed_script(text: str) -> Problem | None:
    """Two scripts inside one word of a name, such as a Latin a in a Cyrillic word: it looks the same and matches nothing."""
    if text.isascii():
        return None
    for number, word in enumerate(text.split(), 1):
        scripts = [s for c in word if (s := _script(c))]
        if len(set(scripts)) > 1:
            most = max(set(scripts), key=scripts.count)
            odd = next(s for s in scripts if s != most)
            place = next(i for i, c in enumerate(word, 1) if _script(c) == odd)
            return Problem(
                _("Word %(word)d of this name mixes two scripts: letter %(letter)d is %(odd)s in a word that is "
                  "otherwise %(most)s. Type the word again in one script."),
                {"word": number, "letter": place, "odd": SCRIPTS[odd], "most": SCRIPTS[most]},
            )  # fmt: skip
    return None


AREA = re.compile(r"[^\W_][\w .,'’()/-]*")


def coordinates(lat: float | None, lon: float | None, boxes: Sequence[Box]) -> Problem | None:
    if (lat is None) != (lon is None):
        return Problem(_("Latitude and longitude belong together; give both or neither."))
    if lat is None or lon is None:
        return None
    if abs(lat) > 90 or (boxes and not _inside(lat, lon, boxes)):
        # A latitude beyond 90 can only be a longitude; within 90 the countries say which way round it is.
        if abs(lon) <= 90 and abs(lat) <= 180 and (not boxes or _inside(lon, lat, boxes)):
            return Problem(
                _(
                    "Latitude and longitude are swapped: the other way round the place lies where it may. Put the latitude first."
                )
            )
        if abs(lat) > 90:
            return Problem(_("A latitude lies between -90 and 90."))
    if abs(lon) > 180:
        return Problem(_("A longitude lies between -180 and 180."))
    if boxes and (lat, lon) != (0, 0) and not _inside(lat, lon, boxes):
        return Problem(_("The place lies outside the countries of this situation. Check both numbers."))
    if lat == 0 and lon == 0:
        return Problem(
            _(
                "Latitude and longitude are both zero, which is what a device writes when it does not know. Leave both empty."
            )
        )
    return None


def _inside(lat: float, lon: float, boxes: Sequence[Box]) -> bool:
    return any(
        south <= lat <= north and (west <= lon <= east if west <= east else lon >= west or lon <= east)
        for south, west, north, east in boxes
    )
