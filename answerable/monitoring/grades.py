"""What grade each kind of source item may have, and who is a different person (domain.md §2.3, R-VER-0, R-VER-1, SC-3).

The one home of this rule: form A2, regrading, assessing, every way of taking reports in, the levels and the database's
constraint (SourceItem.Meta) all ask here. Sentences are marked for translation and translated where they are shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from answerable.common.edtf import gettext_noop

_ = gettext_noop

KINDS = ("testimony", "medical", "register", "document", "digital", "aggregate", "official", "court")
# What a person told. Graded T1 to T4 by assessors and by nothing else (R-VER-0).
ACCOUNTS = frozenset({"testimony"})
# What a person told or what was written about her body: it counts, and is kept, by her consent alone (R-VER-4, SC-3).
PERSONAL = frozenset({"testimony", "medical"})
TESTIMONY_SCALE = ("T1", "T2", "T3", "T4")
RELIABILITY_SCALE = ("A", "B", "C", "D", "E", "F")
CREDIBILITY_SCALE = (1, 2, 3, 4, 5, 6)
# An item without a grade, where a grade is written in one word.
NONE = "-"
# Without this purpose nothing that is personal may be kept for monitoring (R-VER-4).
MONITORING = "CP-MONI"


def is_account(kind: str) -> bool:
    """Whether an item of this kind is a person's own account."""
    return kind in ACCOUNTS


def is_personal(kind: str, consents: Collection[str] = ()) -> bool:
    """Whether consent decides about an item: by its kind, or because consent was asked for it. `consents`: given or ended."""
    return kind in PERSONAL or bool(consents)


def unfit(kind: str, *, testimony: str = "", reliability: str = "", credibility: int = 0) -> dict[str, str]:
    """Field → sentence, for each grade an item of this kind may not have. Empty when it may; no grade at all is fine."""
    found = {}
    if kind not in KINDS:
        found["kind"] = _("There is no such kind of source item; choose one of the list.")
    if is_account(kind):
        if reliability or credibility:
            found["reliability"] = _("An account of a person is graded T1 to T4 and never A to F (R-VER-0).")
        if testimony and testimony not in TESTIMONY_SCALE:
            found["testimony"] = _("A testimony is graded T1 to T4.")
        return found
    if testimony:
        found["testimony"] = _("Only an account of a person is graded T1 to T4 (R-VER-0).")
    if bool(reliability) != bool(credibility):
        found["credibility"] = _("A source is graded A to F and what it says 1 to 6; give both or neither.")
    elif reliability and (reliability not in RELIABILITY_SCALE or credibility not in CREDIBILITY_SCALE):
        found["reliability"] = _("A source is graded A to F and what it says 1 to 6.")
    return found


def unconsented(kind: str, purposes: Collection[str]) -> str:
    """Why an item of this kind may not be kept for monitoring with these consents, or "" when it may (R-VER-4, SC-3)."""
    if kind not in PERSONAL or MONITORING in purposes:
        return ""
    return _(
        "What a person told, or what was written about her health, is kept for monitoring only with her yes to it "
        "(CP-MONI). Enter her consent, purpose by purpose, or leave the item out."
    )


def written(testimony: str, reliability: str, credibility: int) -> str:
    """A grade in one short word: "T2", "B3", or NONE for an item that has none."""
    return testimony or f"{reliability}{credibility or ''}" or NONE


def read(grade: str) -> tuple[str, str, int]:
    """What `written` wrote: testimony, reliability, credibility."""
    if grade in TESTIMONY_SCALE:
        return grade, "", 0
    return ("", "", 0) if grade == NONE else ("", grade[:1], int(grade[1:]))


def is_strong(grade: str) -> bool:
    """Whether a grade, as `written`, is strong: A-B with 1-2, never an account's (R-VER-0). Strong against a report caps it (R-VER-3)."""
    _testimony, reliability, credibility = read(grade)
    return reliability in {"A", "B"} and 1 <= credibility <= 2


def no_more_than(now: str, then: str, *, contrary: bool) -> str:
    """Of two grades of one item, as `written`, one that carries no more than either: of what speaks against a report the
    stronger, because the weaker would free its level from a cap (R-VER-3).
    """
    pick: Any = min if contrary else max  # the lower the place on a scale, the more a grade carries
    testimony = pick(read(now)[0], read(then)[0], key=lambda t: TESTIMONY_SCALE.index(t) if t else len(TESTIMONY_SCALE))
    letter = pick(
        read(now)[1], read(then)[1], key=lambda c: RELIABILITY_SCALE.index(c) if c else len(RELIABILITY_SCALE)
    )
    number = pick(read(now)[2], read(then)[2], key=lambda n: n or len(CREDIBILITY_SCALE) + 1)
    return written(testimony, letter, number)


def too_early(captured_on: date | None, today: date) -> str:
    """Why an item cannot have been captured on that day, or "" when it can."""
    return _("It cannot have been captured after today.") if captured_on and captured_on > today else ""


# --- who confirmed a grade ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """One assessor's recorded grade of an account, given without sight of another's."""

    assessor: str
    grade: str


def confirmed_by(grade: str, given: Iterable[Given], *, collector: str) -> int:
    """How many different persons, the collector not among them, recorded exactly this grade (R-VER-0, SOD-01).

    Nobody types this number: it is counted from what each assessor recorded on her own.
    """
    return len({g.assessor for g in given if g.grade == grade} - {collector}) if grade else 0


# --- who is a different person --------------------------------------------------------------------------------------


def pseudonym(text: str) -> str:
    """A pseudonym in one spelling, so that "P 7" and "p 7 " are one person."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def different_persons(kind_a: str, person_a: str, kind_b: str, person_b: str) -> bool:
    """Whether two items come from different persons (R-VER-1).

    Two accounts only when both have a pseudonym and they differ: of a person nobody named it is not known that she is
    another. A paper and an account are of one person only when both carry her pseudonym.
    """
    a, b = pseudonym(person_a), pseudonym(person_b)
    if is_account(kind_a) and is_account(kind_b):
        return bool(a and b and a != b)
    return not (a and a == b)
