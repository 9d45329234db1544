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
from typing import Any

from answerable.common import edtf
from answerable.common.edtf import gettext_noop
from answerable.monitoring import grades
from answerable.monitoring import rules as scope
from answerable.monitoring.intake import values
from answerable.monitoring.intake.description import (
    BY_NAME,
    DECLINED,
    FIELDS,
    NOT_TAKEN,
    OF_ITEM,
    OF_REPORT,
    SUBMISSION_ID,
    Field,
    is_asked,
)

_ = gettext_noop
MOST_ITEMS = 40

# Armed actors that one report may name: an incident that names more is a battle, and wants reports of its parts.
MOST_ACTORS = 12

# The answers of a row under which the actors besides the first are kept.
ALSO = "also_named"

# Columns that hold text about persons. A file that has none of them has nothing to seal.
TEXTS = frozenset(f.name for f in FIELDS if f.sealed)

Row = Mapping[str, Any]


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
    boxes: Mapping[str, Sequence[values.Box]] = field(default_factory=dict)
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
    """A row that may be kept: codes and numbers apart from the texts, which are sealed at once.

    `party` is the armed actor named first, "" where none is yet; those besides are in `coded` under ALSO.
    """

    situation: str
    party: str
    when: edtf.When
    coded: dict[str, Any]
    texts: dict[str, str]
    items: list[Item]
    lacks: list[str]


READ = {
    "code": values.one, "codes": values.many, "yes_no": values.yes_no, "whole": values.whole, "decimal": values.decimal, "when": values.when, "day": values.day,
    "text": values.text, "key": values.key, "counts": values.counts,
}  # fmt: skip

MISSING = _("This is missing and needed.")

CHARACTER = _("The text holds a character that cannot be kept; type it again.")


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == [] or (isinstance(value, str) and not value.strip())


def _read(fields: Sequence[Field], row: Row, problems: dict[str, values.Problem], prefix: str = "") -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for f in fields:
        value = row.get(f.name)
        if _blank(value):
            if f.needed:
                problems[prefix + f.name] = values.Problem(MISSING)
            continue
        if values.unkeepable(value):
            problems[prefix + f.name] = values.Problem(CHARACTER)
            continue
        if f.kind == "refs":
            answers[f.name] = value
            continue
        if f.kind in ("ref", "file"):
            answers[f.name] = str(value).strip()
            continue
        if f.asked_if is not None and not is_asked(f, answers):
            continue
        try:
            answers[f.name] = READ[f.kind](value, f)  # type: ignore[operator]
        except values.Wrong as wrong:
            problems[prefix + f.name] = wrong.problem
    return answers


def check(row: Row, world: World) -> tuple[Clean | None, dict[str, values.Problem]]:
    """What of a row may be kept, and every problem by field. Nothing is kept of a row that has one.

    A field of an item is named `items.2.kind`. What a draft may lack (the armed actor, why it is linked) is in `lacks`.
    """
    problems: dict[str, values.Problem] = {}
    a = _read(OF_REPORT, row, problems)
    situation = _situation(a.pop("situation", ""), world, problems)
    parties = _parties(a.pop("party", ""), situation, world, problems)
    when = a.pop("when", None)
    if when is not None and when.earliest > world.today:
        problems["when"] = values.Problem(
            _("The date lies in the future; give the day, month or year in which it happened.")
        )
    for name in values.NAMES:
        if name in a:
            if name in ("area1", "area2") and not values.AREA.fullmatch(a[name]):
                problems[name] = values.Problem(_("Give the name of an area: letters, figures and spaces."))
            elif odd := values.mixed_script(a[name]):
                problems[name] = odd
    if not {"latitude", "longitude"} & set(problems) and (
        odd := values.coordinates(a.get("latitude"), a.get("longitude"), world.boxes.get(situation, ()))
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
    lacks = [n for n, there in (("party", parties), ("link_reason", texts["link_reason"])) if not there]
    declined = [name for name, value in a.items() if value == [DECLINED]]
    coded = {name: [] if name in declined else value for name, value in a.items()}
    if "forms" in declined:
        coded["forms"] = ["SV-UNSP"]  # the survivor chose not to specify the form: a code of the list itself
    if "actor_types" in declined:
        coded["actor_types"] = ["ACT-UNK"]
    if declined:
        coded["declined"] = declined
    if parties[1:]:
        coded[ALSO] = parties[1:]
    return Clean(situation, parties[0] if parties else "", when, coded, texts, items, lacks), {}


def _situation(named: str, world: World, problems: dict[str, values.Problem]) -> str:
    if not named and world.situation:
        problems.pop("situation", None)
        return world.situation
    found = world.situations.get(named.casefold(), "")
    if named and not found:
        problems["situation"] = values.Problem(
            _("There is no such situation. Give its reference, or its name exactly as it is watched here.")
        )
    return found


def named_actors(value: Any, known: Mapping[str, str]) -> list[str]:
    """The armed actors that an answer names, by reference, "" for one that is none: a list, or one cell with ; | or lines between.

    A name may hold a comma and spaces: these part it only where every piece is an actor, as when references stand in a cell.
    """
    found: list[str] = []
    for one in value if isinstance(value, (list, tuple)) else [value]:
        text = str(one).strip()
        for part in [text] if text.casefold() in known else re.split(r"[;|\n]+", text):
            whole = part.strip().casefold()
            if not whole:
                continue
            splits = ([whole], [x.strip() for x in whole.split(",") if x.strip()], whole.replace(",", " ").split())
            found += [known[x] for x in next((s for s in splits if s and all(x in known for x in s)), [])] or [""]
    return found


def _parties(named: Any, situation: str, world: World, problems: dict[str, values.Problem]) -> list[str]:
    found = named_actors(named, world.parties.get(situation, {})) if not _blank(named) else []
    if not situation:
        return []
    # The same actor under its name and its reference is one.
    each = list(dict.fromkeys(found))
    if "" in each and len(found) == 1:
        problems["party"] = values.Problem(
            _("There is no such armed actor in this situation. Give its reference or its name as entered here, or leave "
              "it empty and choose it before filing.")
        )  # fmt: skip
    elif "" in each:
        problems["party"] = values.Problem(
            _("Of the armed actors named here, number %(n)d is none of this situation. Give each by its reference or its name as "
              "entered here, with ; between them."), {"n": found.index("") + 1},
        )  # fmt: skip
    elif len(each) > MOST_ACTORS:
        problems["party"] = values.Problem(_("A report names at most %(most)d armed actors."), {"most": MOST_ACTORS})
    return each


# Categories of which one person is in one at the most, by sex and age.
APART = ("VC-WOM", "VC-MAN", "VC-GIR", "VC-BOY", "VC-GND")


def _numbers(a: dict[str, Any], problems: dict[str, values.Problem]) -> None:
    best = a.get("victims")
    if best is None:
        return
    low, high = a.setdefault("victims_min", best), a.setdefault("victims_max", best)
    if not low <= best <= high:
        problems["victims"] = values.Problem(_("The best estimate of victims lies between the least and the most."))
    # Categories overlap (a girl may be displaced), so each alone is held to the most; only sex and age tell people apart.
    counted = a.get("victim_counts", {})
    if any(n > high for n in counted.values()):
        problems["victim_counts"] = values.Problem(
            _("A category counts more people than the most that is given for all.")
        )
    elif sum(counted.get(code, 0) for code in APART) > high:
        problems["victim_counts"] = values.Problem(
            _("Women, men, girls, boys and persons of another gender are different people: together these categories count "
              "more than the most that is given for all.")
        )  # fmt: skip


def _rules(a: dict[str, Any], problems: dict[str, values.Problem]) -> None:
    if a.get("referral_offered") is False:
        problems["referral_offered"] = values.Problem(
            _("Care comes before questions: offer it first and note that you did (SC-8).")
        )
    if a.get("searched_first") is False:
        problems["searched_first"] = values.Problem(
            _("Search for an account that already exists first, and note that you did (SC-1).")
        )
    forms = ["SV-UNSP"] if a.get("forms") == [DECLINED] else a.get("forms")
    if forms is not None and "links" in a and not scope.in_scope(forms, a["links"]):
        problems["forms"] = values.Problem(
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


def _items(row: Row, problems: dict[str, values.Problem], world: World) -> list[Item]:
    given = row.get("items") or ()
    if not given:
        flat = {n: row[n] for n in (*(f.name for f in OF_ITEM), *NOT_TAKEN) if not _blank(row.get(n))}
        given = [flat] if flat else ()
    if len(given) > MOST_ITEMS:
        problems["items"] = values.Problem(
            _("A report holds at most %(most)d items; file the rest afterwards."), {"most": MOST_ITEMS}
        )
        return []
    items = [_item(one, f"items.{n}.", problems, world) for n, one in enumerate(given, 1)]
    words, files = set[str](), set[str]()
    for n, (one, item) in enumerate(zip(given, items, strict=True), 1):
        held = one.get("attachment")
        file, said = str(held.get("digest") or "") if isinstance(held, Mapping) else "", plain(item.says)
        if file and file in files:
            problems[f"items.{n}.attachment"] = values.Problem(HERE_ALREADY)
        elif said and said in words and not file:
            problems[f"items.{n}.says"] = values.Problem(HERE_ALREADY)
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


def not_asked(row: Row) -> dict[str, values.Problem]:
    """What a body holds that no form asks, by field, and files: none of it would be kept."""
    found: dict[str, values.Problem] = {}
    items = row.get("items") or ()
    for prefix, one in [("", {n: v for n, v in row.items() if n != "items"})] + [
        (f"items.{n}.", item) for n, item in enumerate(items, 1)
    ]:
        for name, value in one.items():
            if _blank(value):
                continue
            if name not in _ASKED:
                # A name of theirs is repeated only where it is no more than a name.
                found[prefix + (name if re.fullmatch(r"[A-Za-z0-9_]{1,40}", name, re.A) else "body")] = values.Problem(
                    NO_SUCH_FIELD
                )
            elif name == "attachment":
                found[prefix + name] = values.Problem(NO_FILES)
    return found


def check_item(row: Row, world: World) -> tuple[Item | None, dict[str, values.Problem]]:
    """The same check for one item of a report that is filed already; its fields by their plain names."""
    problems: dict[str, values.Problem] = {}
    item = _item(row, "", problems, world)
    return (None if problems else item), problems


BEFORE_ASKING = _(
    "Before a new account is asked for, say why it is needed (SC-1): enter the interview first, then attach it here."
)


def _interview(a: dict[str, Any], world: World) -> values.Problem | None:
    """The interview guard, for every route: an interview that is named was allowed, and one is named where it is asked."""
    named = str(a.get("interview", "")).casefold()
    if named and named not in world.interviews:
        return values.Problem(_("This interview was not allowed, or not for your organisation. Leave it empty if the account was told "
                         "before it came here."))  # fmt: skip
    if named:
        a["interview"] = world.interviews[named]
    elif world.asks and a.get("kind") == "testimony":
        return values.Problem(BEFORE_ASKING)
    return None


def _item(row: Row, prefix: str, problems: dict[str, values.Problem], world: World) -> Item:
    a = _read(OF_ITEM, row, problems, prefix)
    if kind := a.get("kind"):
        given = {n: "" if _blank(row.get(n)) else str(row[n]).strip().upper() for n in _GRADES}
        said = int(given["credibility"]) if given["credibility"].isdecimal() else bool(given["credibility"])
        unfit = grades.unfit(
            kind, testimony=given["testimony"], reliability=given["reliability"], credibility=int(said)
        )
        for name, sentence in unfit.items():
            problems.setdefault(prefix + name, values.Problem(sentence))
        if (missing := grades.unconsented(kind, a.get("purposes", ()))) and prefix + "purposes" not in problems:
            problems[prefix + "purposes"] = values.Problem(missing)
    for name, (_label, sentence) in NOT_TAKEN.items():
        if not _blank(row.get(name)):
            problems[prefix + name] = values.Problem(sentence)
    if prefix + "interview" not in problems and (odd := _interview(a, world)):
        problems[prefix + "interview"] = odd
    for name in ("item_language", "consent_language"):
        if name in a and not LANGUAGE.fullmatch(a[name]):
            problems[prefix + name] = values.Problem(_("Give the language as a code, such as en, fr, ar, uk or sw."))
    captured = a.get("captured_on")
    if early := grades.too_early(date.fromisoformat(captured) if captured else None, world.today):
        problems[prefix + "captured_on"] = values.Problem(early)
    if a.get("purposes"):
        # No bundled and no assumed consent: each yes needs that it was understood and that withdrawing was explained.
        for name, sentence in (
            ("understood", _("Consent counts only when it was checked that the person understood (SC-3).")),
            ("withdrawal_told", _("Consent counts only when the person was told how to withdraw it (SC-3).")),
        ):
            if a.get(name) is not True:
                problems[prefix + name] = values.Problem(sentence)
        if a.get("consent_until", "9") < world.today.isoformat():
            problems[prefix + "consent_until"] = values.Problem(_("The consent has ended already."))
        if a.get("giver") == "guardian" and not (a.get("assent") and a.get("guardian_not_implicated")):
            problems[prefix + "giver"] = values.Problem(
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
    return values.UNKEEPABLE.sub("?", "\x1f".join(parts))


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
        elif f.kind == "refs":
            good = any(all(named_actors(value, of)) for of in world.parties.values())
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
    except values.Wrong:
        return False
    return True


def same(clean: Clean, files: Sequence[str] = ()) -> str:
    """What a report says in one form, whatever way it came and however its answers were written. For the vault alone, which
    gives back a mark.
    """
    coded = {name: value for name, value in clean.coded.items() if name != ALSO}
    also = clean.coded.get(ALSO, [])
    said = [
        clean.situation,
        # Actors in any order are the same answer; of one alone it is said as before there could be several.
        sorted([clean.party, *also]) if also else clean.party,
        clean.when.text,
        coded,
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
