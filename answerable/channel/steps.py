"""The questions of the door, one a page. Nothing is compulsory but what filing itself needs (domain.md §5.4, marked R)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from answerable.channel import codes
from answerable.common import clock
from answerable.common.tables import label, taxonomy
from answerable.safeguarding import forms as safeguarding
from answerable.vault.consent import words

Words = str | Promise
# Stands for what the browser sealed and the vault holds: the door itself never has it.
KEPT = "\x05"


@dataclass(frozen=True)
class Step:
    """One question: its shape on the page, its words, where its choices come from, and whether filing needs it."""

    name: str
    shape: str
    heading: Words
    lead: Words = ""
    source: str = ""
    must: bool = False
    # Whether a survivor chooses here: then in the words of plain_words, and not in the glossary's of the office.
    plain: bool = False

    @property
    def locked(self) -> bool:
        """Whether it is words of someone's own, kept sealed: then a browser that can seals them before they are sent."""
        return self.shape == "long" or self.name in ("name", "alias", "legal_name", "place")

    def choices(self, given: Mapping[str, Any]) -> list[tuple[str, Words]]:
        """What can be chosen: a code list in the reader's language, a few words of ours, or what the vault gave."""
        if self.source == "given":
            return [(v, w) for v, w in given.get(self.name, ())]
        if self.source == "years":
            return [(str(y), str(y)) for y in range(clock.today().year, clock.today().year - 40, -1)]
        if self.source == "months":
            return [(str(m), w) for m, w in enumerate(MONTHS, 1)]
        if self.source == "needs":
            return list(safeguarding.need_words().items())
        if self.source in OWN:
            return list(OWN[self.source])
        plain = plain_words(self.source) if self.plain else {}
        return (
            [(c, plain.get(c) or label(self.source, c, get_language() or "en")) for c in taxonomy(self.source)
             if not self.plain or c in plain]
            if self.source
            else []
        )  # fmt: skip

    def problem(self, value: Any, given: Mapping[str, Any]) -> Words:
        """What is missing or does not fit, as a sentence; empty when it is well."""
        if self.name == "purposes" and "CP-CLAI" not in (value or ()):
            return _(
                "Without a yes to the first one nobody could look at what you ask for. All others are yours to refuse."
            )
        if self.must and not value:
            return _("This one is needed to go on. If you would rather not say, write a message instead, or stop.")
        if self.shape == "pin" and codes.pin(str(value)) is None:
            return _("A PIN has four to eight digits. You can also go on without one.")
        known = {v for v, _w in self.choices(given)}
        chosen = value if isinstance(value, list) else [value] if value else []
        if self.shape in ("one", "many") and set(chosen) - known:
            return _("Please choose from the list.")
        if self.shape == "day" and value and not _is_day(value):
            return _("Write the day like 2026-03-14; it cannot lie ahead.")
        if self.shape == "number" and value and not (str(value).isdigit() and 1 <= int(value) <= 1_000_000):
            return _("Write a number.")
        return ""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text) <= clock.today()
    except ValueError:
        return False


MONTHS = (_("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July"), _("August"),
          _("September"), _("October"), _("November"), _("December"))  # fmt: skip
OWN: Mapping[str, Sequence[tuple[str, Words]]] = {
    # In words: signs beside figures change places in a sentence written from right to left.
    "age": (
        ("under 18", _("under 18")),
        ("18-24", _("18 to 24")),
        ("25-34", _("25 to 34")),
        ("35-49", _("35 to 49")),
        ("50-69", _("50 to 69")),
        ("70+", _("70 or older")),
    ),
    "purposes": [
        (p, words.PURPOSES[p]) for p in ("CP-CLAI", "CP-CONT", "CP-MATC", "CP-STAT", "CP-MONI", "CP-CRIM", "CP-MEMO")
    ],
    "precision": (
        ("day", _("the day")),
        ("week", _("the week")),
        ("month", _("the month")),
        ("quarter", _("the quarter")),
    ),
}


def plain_words(source: str) -> Mapping[str, Words]:
    """What a code stands for as someone would say it of herself, without the words of courts and clinics."""
    return PLAIN.get(source, {})


# fmt: off
PLAIN: Mapping[str, Mapping[str, Words]] = {
    "claim_type": {
        "CL-DIR": _("It was done to me"), "CL-CBR": _("I was born of it"),
        "CL-IND": _("It was done to someone in my family"), "CL-HLP": _("I was hurt while helping someone"),
        "CL-HEI": _("I speak for someone who has died"),
    },
    "violence_form": {
        "SV-RAPE": _("I was raped"), "SV-RAPE-MP": _("I was raped by more than one person"),
        "SV-RAPE-OBJ": _("I was raped with a thing or a weapon"), "SV-RAPE-ATT": _("Someone tried to rape me"),
        "SV-SLAV": _("I was kept and used for sex"), "SV-PROS": _("I was made to have sex for money or goods"),
        "SV-PREG": _("I was made pregnant and kept so that I would stay pregnant"), "SV-ABOR": _("I was made to end a pregnancy"),
        "SV-STER": _("I was made unable to have children"), "SV-CONT": _("I was made to take something against becoming pregnant"),
        "SV-MARR": _("I was made to live as someone’s wife or husband"), "SV-MUTI": _("The private parts of my body were cut or injured"),
        "SV-TORT": _("I was tortured in the private parts of my body"), "SV-ASLT": _("I was touched against my will"),
        "SV-NUDE": _("I was made to undress"), "SV-HUMI": _("I was shamed in a sexual way"),
        "SV-WITN": _("I was made to watch it done to others"), "SV-PERP": _("I was made to do it to someone else"),
        "SV-TRAF": _("I was taken or sold to be used for sex"), "SV-EXPL": _("I had to give sex for food, a way through, a place or safety"),
        "SV-SRCH": _("I was searched or examined inside my body against my will"), "SV-IMAG": _("Pictures or films of it were made or shown"),
        "SV-THRE": _("I was threatened with it"), "SV-OTHR": _("Something else like this"), "SV-UNSP": _("I prefer not to say what"),
    },
    "urgency_flag": {
        "UF-01": _("Someone may kill or badly hurt me"), "UF-02": _("I think of ending my life"),
        "UF-03": _("I need a doctor at once"), "UF-04": _("It happened in the last five days"),
        "UF-05": _("I am held, or may be sent back to danger"), "UF-11": _("I am pregnant from it"),
        "UF-12": _("I have a bad injury, I leak urine or stool, or I have HIV, and nobody treats it"), "UF-13": _("I am dying of an illness"),
        "UF-14": _("I am not safe at home"), "UF-15": _("I have no home, or nothing to live on"), "UF-16": _("I am not yet 18"),
        "UF-17": _("I have a baby from it, not yet two years old"), "UF-18": _("I am 70 or older"), "UF-21": _("I live with a disability"),
        "UF-22": _("Three or more people depend on me alone"), "UF-23": _("I had to leave my home"), "UF-24": _("I am between 60 and 69"),
        "UF-25": _("People shut me out"), "UF-26": _("I have no income"),
    },
}
# fmt: on
CARE = Step("care", "care", _("Care first"))
PIN = Step(
    "pin", "pin", _("A PIN, if you like"),
    _("You will get a long code to come back with. If someone may find it, choose a PIN as well: four to eight digits, kept in "
      "your head. Then the paper alone shows nothing of what you wrote. With a PIN you also get a page of your own: a page "
      "that only your code and PIN open, with your messages, the answers, what was decided and what you agreed to."),
)  # fmt: skip
MESSAGE = (
    Step("text", "long", _("What would you like to say?"),
         _("As much or as little as you want. You need not tell what happened to get help.")),
    Step("name", "line", _("What may we call you?"), _("Any name will do. It need not be yours.")),
)  # fmt: skip
NEED = Step("need", "one", _("What kind of help would serve you most?"),
            _("You need not choose. Someone looks at once whether there is a place that helps with it, and answers you here."),
            source="needs")  # fmt: skip
CLAIM = (
    Step("programme", "one", _("Where did it happen?"), source="given", must=True),
    Step("claim_type", "one", _("Who are you in this?"), source="claim_type", must=True, plain=True),
    Step("year", "one", _("In which year, about?"), _("About is enough."), source="years", must=True),
    Step("month", "one", _("And the month, if you remember?"), source="months"),
    # Where, within the situation chosen above, is hers to say or not: the situation is a place already (domain.md §5.4 no. 12
    # asks for one at any precision, SC-9 for "prefer not to say" everywhere). So is where she lives (R-ELI-5: no residence).
    Step("area1", "one", _("In which region, roughly?"), _("Choose “somewhere else” if it is not here."), source="given"),
    Step("area2", "line", _("Where was it, in your own words?"), _("A town or a place is enough. What you write here is locked.")),
    Step("country", "one", _("In which country do you live now?"), source="given"),
    Step("age_band", "one", _("How old are you?"), source="age"),
    Step("forms", "many", _("What was it?"), _("You need not choose anything. It makes no difference to whether you are believed."),
         source="violence_form", plain=True),
    Step("account", "long", _("Is there something you want to tell?"),
         _("Nothing is needed here. If you have told it before, you can say where, so that nobody asks again.")),
    Step("flags", "many", _("Is anything urgent?"), _("What you tick is looked at first."), source="urgency_flag", plain=True),
    Step("preferences", "long", _("What would help you most?"),
         _("Care, money, a letter, school, a home, or that nothing is done. You can also say what you do not want.")),
    Step("alias", "line", _("What may we call you?"), _("Any name will do. It need not be yours.")),
    Step("safe_contact", "long", _("Is there a safe way to reach you?"),
         _("You can leave this empty: you come back here with your code whenever you like. Nobody writes or calls on their own.")),
    Step("legal_name", "line", _("Your full name, only if you want to give it now"),
         _("No one can open it alone: two persons from different offices have to do it together. It is needed only before a payment.")),
    Step("purposes", "many", _("What do you agree to?"),
         _("Each is a question of its own. Only the first is needed, so that your request can be looked at; a no to the others "
           "changes nothing for you. Each yes can be taken back at any time."),
         source="purposes", must=True),
    Step("declared_true", "yes", _("Is what you said true, as well as you remember?"), must=True),
)  # fmt: skip
REPORT = (
    Step("referral_offered", "yes", _("Were care and help offered to the people concerned before any question?"), must=True),
    Step("searched_first", "yes", _("Did you look for an account that already exists?"), must=True),
    Step("party", "one", _("Which armed actor, in which situation?"), source="given", must=True),
    Step("others", "many", _("Did other armed actors take part?"), _("If it was the one alone, choose none."), source="given"),
    Step("on", "day", _("When did it happen?"), _("Any day of the week, month or quarter, if that is all that is known."), must=True),
    Step("precision", "one", _("How exactly is that known?"), source="precision"),
    Step("area1", "line", _("Province or first-level area"), must=True),
    Step("area2", "line", _("District or second-level area")),
    Step("victims", "number", _("How many people, as well as is known?"), must=True),
    Step("forms", "many", _("Forms of violence"), source="violence_form", must=True),
    Step("links", "many", _("What links it to the conflict?"), source="conflict_link", must=True),
    Step("link_reason", "long", _("Why is it linked to the conflict?"), must=True),
    Step("place", "line", _("Exact place")),
    Step("narrative", "long", _("What happened"), _("Nothing here is compulsory. No names.")),
)  # fmt: skip


def steps_of(kind: str, *, has_code: bool) -> list[Step]:
    """The questions for what someone came for, in order."""
    if kind == "report":
        return list(REPORT)
    questions = CLAIM if kind == "claim" else (*MESSAGE, NEED) if kind == "help" else MESSAGE
    return [CARE, *([] if has_code else [PIN]), *questions]
