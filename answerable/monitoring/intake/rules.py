"""The one check of a report, its items and their consents, for every route in. Values in, values out; no framework.

`check(row, world)` takes a row as any route reads it: answers by the names of the description, as text or lists, items
under "items". It gives what can be kept, and every problem by field as a sentence. No sentence repeats what was typed,
unless it is close to a code: a name in the wrong column must not come back on a page, in a list or in a log.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any

from answerable.common import edtf
from answerable.common.edtf import gettext_noop
from answerable.common.tables import rows as table_rows
from answerable.monitoring import grades
from answerable.monitoring import rules as scope
from answerable.monitoring.intake.description import (
    BY_NAME,
    DECLINED,
    FIELDS,
    NOT_TAKEN,
    OF_ITEM,
    OF_REPORT,
    SUBMISSION_ID,
    Field,
    codes_of,
    is_asked,
)

_ = gettext_noop
MOST_ITEMS = 40
# Columns that hold text about persons. A file that has none of them has nothing to seal.
TEXTS = frozenset(f.name for f in FIELDS if f.sealed)
Row = Mapping[str, Any]


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


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class World:
    """What a row is checked against: every way to name a situation or a party → its reference, and where they lie.

    `boxes` holds the countries of a situation, each (south, west, north, east) in degrees, where they are known.
    `interviews` are those allowed for this organisation, in small letters; on a route by which someone is about to be
    asked (`asks`), an account needs one of them.
    """

    today: date
    situations: Mapping[str, str]
    parties: Mapping[str, Mapping[str, str]]
    situation: str = ""
    boxes: Mapping[str, Sequence[Box]] = field(default_factory=dict)
    interviews: Mapping[str, str] = field(default_factory=dict)
    asks: bool = False


@dataclass
class Item:
    """One source item as it will be kept: codes, consent, and the text that is sealed at once."""

    coded: dict[str, Any]
    says: str = ""
    attachment: str = ""


@dataclass
class Clean:
    """A row that may be kept: codes and numbers apart from the texts, which are sealed at once."""

    situation: str
    party: str
    when: edtf.When
    coded: dict[str, Any]
    texts: dict[str, str]
    items: list[Item]
    lacks: list[str]


UNKNOWN = _("This holds a code that is not in the list. The nearest are: %(nearest)s.")
UNKNOWN_QUOTED = _("There is no code %(code)s in the list. The nearest are: %(nearest)s.")


# --- codes --------------------------------------------------------------------------------------------------------


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


def _many(value: Any, f: Field) -> list[str]:
    text = ";".join(str(v) for v in value) if isinstance(value, (list, tuple)) else str(value)
    found = list(_codes(text, f.list_name))
    if DECLINED in found:
        if not f.declinable:
            raise Wrong(_("“Prefer not to say” is not an answer to this question."))
        if len(found) > 1:
            raise Wrong(_("“Prefer not to say” stands alone; take it away, or the other answers."))
    return found


def _one(value: Any, f: Field) -> str:
    found = _codes(str(value), f.list_name)
    if len(found) != 1 or found[0] == DECLINED:
        raise Wrong(_("Give one answer to this question."))
    return found[0]


YES = frozenset({"yes", "y", "true", "1", "on", "oui", "sí", "si", "نعم", "так"})
NO = frozenset({"no", "n", "false", "0", "off", "non", "لا", "ні"})


def _yes_no(value: Any, f: Field) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in YES or word in NO:
        return word in YES
    raise Wrong(_("Answer yes or no."))


# --- numbers, days, texts -----------------------------------------------------------------------------------------


FEWER = _(
    "A report counts at least one survivor or victim; where how many is not known, leave “at least” and “at most” empty."
)


def _whole(value: Any, f: Field) -> int:
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


def _decimal(value: Any, f: Field) -> float:
    text = str(value).strip().replace(",", ".")
    if not re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,12})?", text, re.A):
        raise Wrong(_("Write the coordinate in degrees with a point, such as 48.1375."))
    return float(text)


def _when(value: Any, f: Field) -> edtf.When:
    try:
        return edtf.parse(str(value))
    except edtf.Unreadable as no:
        raise Wrong(no.sentence, **no.figures) from None


def _day(value: Any, f: Field) -> str:
    found = _when(value, f)
    if found.precision != edtf.DAY or found.approximate or found.uncertain:
        raise Wrong(_("Give a single day here, such as 2026-03-14."))
    return found.earliest.isoformat()


# What programs write where nothing was said.
NOTHING = frozenset({"nan", "null", "undefined"})


def _text(value: Any, f: Field) -> str:
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


def _key(value: Any, f: Field) -> str:
    """A pseudonym, in one spelling. What looks like a name is not taken: it is not sealed."""
    key = grades.pseudonym(str(value))
    if not KEY.fullmatch(key) or len(key) > f.most:
        raise Wrong(_("A pseudonym has letters, figures and dashes, without spaces, such as p-07. Never give a name."))
    return key


COUNT = re.compile(r"([A-Za-z]+-[A-Za-z]+)\s*[:=]\s*(\d{1,7})", re.A)


def _counts(value: Any, f: Field) -> dict[str, int]:
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


def _coordinates(lat: float | None, lon: float | None, boxes: Sequence[Box]) -> Problem | None:
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


# --- a row --------------------------------------------------------------------------------------------------------

READ = {
    "code": _one, "codes": _many, "yes_no": _yes_no, "whole": _whole, "decimal": _decimal, "when": _when, "day": _day,
    "text": _text, "key": _key, "counts": _counts,
}  # fmt: skip
MISSING = _("This is missing and needed.")
CHARACTER = _("The text holds a character that cannot be kept; type it again.")


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == [] or (isinstance(value, str) and not value.strip())


def _read(fields: Sequence[Field], row: Row, problems: dict[str, Problem], prefix: str = "") -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for f in fields:
        value = row.get(f.name)
        if _blank(value):
            if f.needed:
                problems[prefix + f.name] = Problem(MISSING)
            continue
        if unkeepable(value):
            problems[prefix + f.name] = Problem(CHARACTER)
            continue
        if f.kind in ("ref", "file"):
            answers[f.name] = str(value).strip()
            continue
        if f.asked_if is not None and not is_asked(f, answers):
            continue
        try:
            answers[f.name] = READ[f.kind](value, f)  # type: ignore[operator]
        except Wrong as wrong:
            problems[prefix + f.name] = wrong.problem
    return answers


def check(row: Row, world: World) -> tuple[Clean | None, dict[str, Problem]]:
    """What of a row may be kept, and every problem by field. Nothing is kept of a row that has one.

    A field of an item is named `items.2.kind`. What a draft may lack (the armed actor, why it is linked) is in `lacks`.
    """
    problems: dict[str, Problem] = {}
    a = _read(OF_REPORT, row, problems)
    situation = _situation(a.pop("situation", ""), world, problems)
    party = _party(a.pop("party", ""), situation, world, problems)
    when = a.pop("when", None)
    if when is not None and when.earliest > world.today:
        problems["when"] = Problem(_("The date lies in the future; give the day, month or year in which it happened."))
    for name in NAMES:
        if name in a:
            if name in ("area1", "area2") and not AREA.fullmatch(a[name]):
                problems[name] = Problem(_("Give the name of an area: letters, figures and spaces."))
            elif odd := mixed_script(a[name]):
                problems[name] = odd
    if not {"latitude", "longitude"} & set(problems) and (
        odd := _coordinates(a.get("latitude"), a.get("longitude"), world.boxes.get(situation, ()))
    ):
        problems["latitude"] = odd
    _numbers(a, problems)
    _rules(a, problems)
    items = _items(row, problems, world)
    if problems or when is None:
        return None, problems
    texts = {"narrative": a.pop("narrative", ""), "link_reason": a.pop("link_reason", ""), "place": _place(a)}
    if named := a.pop("actor_name", ""):
        texts["narrative"] = f"{texts['narrative']}\n\nArmed actor as named: {named}".strip()
    lacks = [n for n, there in (("party", party), ("link_reason", texts["link_reason"])) if not there]
    declined = [name for name, value in a.items() if value == [DECLINED]]
    coded = {name: [] if name in declined else value for name, value in a.items()}
    if "forms" in declined:
        coded["forms"] = ["SV-UNSP"]  # the survivor chose not to specify the form: a code of the list itself
    if "actor_types" in declined:
        coded["actor_types"] = ["ACT-UNK"]
    if declined:
        coded["declined"] = declined
    return Clean(situation, party, when, coded, texts, items, lacks), {}


def _situation(named: str, world: World, problems: dict[str, Problem]) -> str:
    if not named and world.situation:
        problems.pop("situation", None)
        return world.situation
    found = world.situations.get(named.casefold(), "")
    if named and not found:
        problems["situation"] = Problem(
            _("There is no such situation. Give its reference, or its name exactly as it is watched here.")
        )
    return found


def _party(named: str, situation: str, world: World, problems: dict[str, Problem]) -> str:
    if not named:
        return ""
    known = world.parties.get(situation, {})
    if found := known.get(named.casefold()):
        return found
    if situation:
        problems["party"] = Problem(
            _("There is no such armed actor in this situation. Give its reference or its name as entered here, or leave "
              "it empty and choose it before filing.")
        )  # fmt: skip
    return ""


# Categories of which one person is in one at the most, by sex and age.
APART = ("VC-WOM", "VC-MAN", "VC-GIR", "VC-BOY", "VC-GND")


def _numbers(a: dict[str, Any], problems: dict[str, Problem]) -> None:
    best = a.get("victims")
    if best is None:
        return
    low, high = a.setdefault("victims_min", best), a.setdefault("victims_max", best)
    if not low <= best <= high:
        problems["victims"] = Problem(_("The best estimate of victims lies between the least and the most."))
    # Categories overlap (a girl may be displaced), so each alone is held to the most; only sex and age tell people apart.
    counted = a.get("victim_counts", {})
    if any(n > high for n in counted.values()):
        problems["victim_counts"] = Problem(_("A category counts more people than the most that is given for all."))
    elif sum(counted.get(code, 0) for code in APART) > high:
        problems["victim_counts"] = Problem(
            _("Women, men, girls, boys and persons of another gender are different people: together these categories count "
              "more than the most that is given for all.")
        )  # fmt: skip


def _rules(a: dict[str, Any], problems: dict[str, Problem]) -> None:
    if a.get("referral_offered") is False:
        problems["referral_offered"] = Problem(
            _("Care comes before questions: offer it first and note that you did (SC-8).")
        )
    if a.get("searched_first") is False:
        problems["searched_first"] = Problem(
            _("Search for an account that already exists first, and note that you did (SC-1).")
        )
    forms = ["SV-UNSP"] if a.get("forms") == [DECLINED] else a.get("forms")
    if forms is not None and "links" in a and not scope.in_scope(forms, a["links"]):
        problems["forms"] = Problem(
            _("At least one form of violence and one link to the conflict are needed (R-TAX-1).")
        )


def _place(a: dict[str, Any]) -> str:
    """Everything that says where exactly, as one text to seal."""
    lines = [a.pop("place", ""), a.pop("area3", "")]
    lat, lon = a.pop("latitude", None), a.pop("longitude", None)
    if lat is not None:
        lines.append(f"{lat}, {lon}")
    return "\n".join(x for x in lines if x)


LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.A)
# Every scale, whether or not a form asks for it by the item's kind: what was given must fit the kind (R-VER-0).
_GRADES = ("testimony", "reliability", "credibility")


def _items(row: Row, problems: dict[str, Problem], world: World) -> list[Item]:
    given = row.get("items") or ()
    if not given:
        flat = {n: row[n] for n in (*(f.name for f in OF_ITEM), *NOT_TAKEN) if not _blank(row.get(n))}
        given = [flat] if flat else ()
    if len(given) > MOST_ITEMS:
        problems["items"] = Problem(
            _("A report holds at most %(most)d items; file the rest afterwards."), {"most": MOST_ITEMS}
        )
        return []
    items = [_item(one, f"items.{n}.", problems, world) for n, one in enumerate(given, 1)]
    words, files = set[str](), set[str]()
    for n, (one, item) in enumerate(zip(given, items, strict=True), 1):
        held = one.get("attachment")
        file, said = str(held.get("digest") or "") if isinstance(held, Mapping) else "", plain(item.says)
        if file and file in files:
            problems[f"items.{n}.attachment"] = Problem(HERE_ALREADY)
        elif said and said in words and not file:
            problems[f"items.{n}.says"] = Problem(HERE_ALREADY)
        words.add(said)
        files.add(file)
    return items


HERE_ALREADY = _(
    "This source is on the report already, word for word: the same source twice is one (R-VER-1). If it is another, say in its "
    "text what tells the two apart."
)


def plain(says: str) -> str:
    """Words in one form: the same ones in another case, width or spacing are the same."""
    return " ".join(unicodedata.normalize("NFKC", says).casefold().split())


NO_SUCH_FIELD = _(
    "There is no such field in forms A1 to A3, so what it holds would be lost. Nothing of the report was kept."
)
NO_FILES = _(
    "No file comes this way, so nothing of the report was kept. Send it as the zip of ODK Central with its files, or without the file, "
    "and attach that to the item once the report is filed."
)
_ASKED = frozenset({*BY_NAME, *NOT_TAKEN, SUBMISSION_ID})


def not_asked(row: Row) -> dict[str, Problem]:
    """What a body holds that no form asks, by field, and files: none of it would be kept."""
    found: dict[str, Problem] = {}
    items = row.get("items") or ()
    for prefix, one in [("", {n: v for n, v in row.items() if n != "items"})] + [
        (f"items.{n}.", item) for n, item in enumerate(items, 1)
    ]:
        for name, value in one.items():
            if _blank(value):
                continue
            if name not in _ASKED:
                # A name of theirs is repeated only where it is no more than a name.
                found[prefix + (name if re.fullmatch(r"[A-Za-z0-9_]{1,40}", name, re.A) else "body")] = Problem(
                    NO_SUCH_FIELD
                )
            elif name == "attachment":
                found[prefix + name] = Problem(NO_FILES)
    return found


def check_item(row: Row, world: World) -> tuple[Item | None, dict[str, Problem]]:
    """The same check for one item of a report that is filed already; its fields by their plain names."""
    problems: dict[str, Problem] = {}
    item = _item(row, "", problems, world)
    return (None if problems else item), problems


BEFORE_ASKING = _(
    "Before a new account is asked for, say why it is needed (SC-1): enter the interview first, then attach it here."
)


def _interview(a: dict[str, Any], world: World) -> Problem | None:
    """The interview guard, for every route: an interview that is named was allowed, and one is named where it is asked."""
    named = str(a.get("interview", "")).casefold()
    if named and named not in world.interviews:
        return Problem(_("This interview was not allowed, or not for your organisation. Leave it empty if the account was told "
                         "before it came here."))  # fmt: skip
    if named:
        a["interview"] = world.interviews[named]
    elif world.asks and a.get("kind") == "testimony":
        return Problem(BEFORE_ASKING)
    return None


def _item(row: Row, prefix: str, problems: dict[str, Problem], world: World) -> Item:
    a = _read(OF_ITEM, row, problems, prefix)
    if kind := a.get("kind"):
        given = {n: "" if _blank(row.get(n)) else str(row[n]).strip().upper() for n in _GRADES}
        said = int(given["credibility"]) if given["credibility"].isdecimal() else bool(given["credibility"])
        unfit = grades.unfit(
            kind, testimony=given["testimony"], reliability=given["reliability"], credibility=int(said)
        )
        for name, sentence in unfit.items():
            problems.setdefault(prefix + name, Problem(sentence))
        if (missing := grades.unconsented(kind, a.get("purposes", ()))) and prefix + "purposes" not in problems:
            problems[prefix + "purposes"] = Problem(missing)
    for name, (_label, sentence) in NOT_TAKEN.items():
        if not _blank(row.get(name)):
            problems[prefix + name] = Problem(sentence)
    if prefix + "interview" not in problems and (odd := _interview(a, world)):
        problems[prefix + "interview"] = odd
    for name in ("item_language", "consent_language"):
        if name in a and not LANGUAGE.fullmatch(a[name]):
            problems[prefix + name] = Problem(_("Give the language as a code, such as en, fr, ar, uk or sw."))
    captured = a.get("captured_on")
    if early := grades.too_early(date.fromisoformat(captured) if captured else None, world.today):
        problems[prefix + "captured_on"] = Problem(early)
    if a.get("purposes"):
        # No bundled and no assumed consent: each yes needs that it was understood and that withdrawing was explained.
        for name, sentence in (
            ("understood", _("Consent counts only when it was checked that the person understood (SC-3).")),
            ("withdrawal_told", _("Consent counts only when the person was told how to withdraw it (SC-3).")),
        ):
            if a.get(name) is not True:
                problems[prefix + name] = Problem(sentence)
        if a.get("consent_until", "9") < world.today.isoformat():
            problems[prefix + "consent_until"] = Problem(_("The consent has ended already."))
        if a.get("giver") == "guardian" and not (a.get("assent") and a.get("guardian_not_implicated")):
            problems[prefix + "giver"] = Problem(
                _("A guardian's consent needs the child's agreement and that the guardian had no part in it (SC-11).")
            )
    if "credibility" in a:
        a["credibility"] = int(a["credibility"])
    return Item(a, a.pop("says", ""), a.pop("attachment", ""))


def content(row: Row) -> str:
    """A row's answers in one form, to recognise the same body under the same key again. Goes to the vault alone, which gives back a
    mark."""
    parts = []
    for name in sorted(row):
        value = row[name]
        if _blank(value):
            continue
        if name == "items":
            value = [content(i) for i in value]
        elif isinstance(value, Mapping):
            value = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        elif isinstance(value, (list, tuple)):
            value = sorted(map(str, value))
        parts.append(f"{name}={value}")
    return UNKEEPABLE.sub("?", "\x1f".join(parts))


def kept_begun(answers: Row, world: World) -> dict[str, Any]:
    """What is kept of a report that is not finished: answers in codes, numbers and days that are answers to their questions.

    Nothing that is text, and nothing that is not understood yet: a name typed where a day belongs is not kept.
    """
    kept = {}
    for f in FIELDS:
        value = answers.get(f.name)
        if _blank(value):
            continue
        named = str(value).casefold()
        if f.kind == "ref":
            good = any(named in of for of in (world.situations, *world.parties.values()))
        elif f.name == "interview":
            good = named in world.interviews
        else:
            good = f.kind not in ("text", "file", "decimal") and _reads(value, f)
        if good:
            kept[f.name] = value
    return kept


def _reads(value: Any, f: Field) -> bool:
    try:
        READ[f.kind](value, f)  # type: ignore[operator]
    except Wrong:
        return False
    return True


def same(clean: Clean, files: Sequence[str] = ()) -> str:
    """What a report says in one form, whatever way it came and however its answers were written. For the vault alone, which
    gives back a mark.
    """
    said = [
        clean.situation,
        clean.party,
        clean.when.text,
        clean.coded,
        clean.texts,
        [[i.coded, i.says] for i in clean.items],
        list(files),
    ]
    return json.dumps(_sorted(said), sort_keys=True, ensure_ascii=False)


def _sorted(value: Any) -> Any:
    """Codes in any order are the same answer; items keep theirs."""
    if isinstance(value, dict):
        return {k: sorted(v) if isinstance(v, list) else v for k, v in value.items()}
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def bad_field(name: str) -> str:
    """The label of the field a problem names."""
    return BY_NAME[name.rsplit(".", 1)[-1]].label if name.rsplit(".", 1)[-1] in BY_NAME else name
