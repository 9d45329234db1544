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
        if self.source in OWN:
            return list(OWN[self.source])
        return (
            [(c, label(self.source, c, get_language() or "en")) for c in taxonomy(self.source)] if self.source else []
        )

    def problem(self, value: Any, given: Mapping[str, Any]) -> Words:
        """What is missing or does not fit, as a sentence; empty when it is well."""
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
        if self.name == "purposes" and "CP-CLAI" not in chosen:
            return _(
                "Without a yes to the first one nobody could look at what you ask for. All others are yours to refuse."
            )
        return ""


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text) <= clock.today()
    except ValueError:
        return False


MONTHS = (_("January"), _("February"), _("March"), _("April"), _("May"), _("June"), _("July"), _("August"),
          _("September"), _("October"), _("November"), _("December"))  # fmt: skip
OWN: Mapping[str, Sequence[tuple[str, Words]]] = {
    "age": [(a, a) for a in ("under 18", "18-24", "25-34", "35-49", "50-69", "70+")],
    "purposes": (
        ("CP-CLAI", _("Look at what I ask for, and decide on it")),
        ("CP-CONT", _("Contact me again, only in the way I said")),
        ("CP-MATC", _("Check with other programmes that I am not paid twice")),
        ("CP-STAT", _("Count me in numbers that show nobody")),
        ("CP-MONI", _("Use what I told to show what happens in this conflict")),
        ("CP-CRIM", _("Share it with a court, after asking me again")),
        ("CP-MEMO", _("Use my story for remembrance, after asking me again")),
    ),
    "precision": (
        ("day", _("the day")),
        ("week", _("the week")),
        ("month", _("the month")),
        ("quarter", _("the quarter")),
    ),
}
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
CLAIM = (
    Step("programme", "one", _("Where did it happen?"), source="given", must=True),
    Step("claim_type", "one", _("Who are you in this?"), source="claim_type", must=True),
    Step("year", "one", _("In which year, about?"), _("About is enough."), source="years", must=True),
    Step("month", "one", _("And the month, if you remember?"), source="months"),
    Step("area1", "one", _("In which region, roughly?"), _("Choose “somewhere else” if it is not here."), source="given", must=True),
    Step("area2", "line", _("Where was it, in your own words?"), _("A town or a place is enough. What you write here is locked.")),
    Step("country", "one", _("In which country do you live now?"), source="given", must=True),
    Step("age_band", "one", _("How old are you?"), source="age"),
    Step("forms", "many", _("What was it?"), _("You need not choose anything. It makes no difference to whether you are believed."),
         source="violence_form"),
    Step("account", "long", _("Is there something you want to tell?"),
         _("Nothing is needed here. If you have told it before, you can say where, so that nobody asks again.")),
    Step("flags", "many", _("Is anything urgent?"), _("What you tick is looked at first."), source="urgency_flag"),
    Step("preferences", "long", _("What would help you most?"),
         _("Care, money, a letter, school, a home, or that nothing is done. You can also say what you do not want.")),
    Step("alias", "line", _("What may we call you?"), _("Any name will do. It need not be yours.")),
    Step("safe_contact", "long", _("Is there a safe way to reach you?"),
         _("You can leave this empty: you come back here with your code whenever you like. Nobody writes or calls on their own.")),
    Step("legal_name", "line", _("Your full name, only if you want to give it now"),
         _("It is locked so that two persons of three different offices must open it together. It is needed only before a payment.")),
    Step("purposes", "many", _("What do you agree to?"),
         _("Each is a question of its own. A no changes nothing for you, and a yes can be taken back at any time."),
         source="purposes", must=True),
    Step("declared_true", "yes", _("Is what you said true, as well as you remember?"), must=True),
)  # fmt: skip
REPORT = (
    Step("referral_offered", "yes", _("Were care and help offered to the people concerned before any question?"), must=True),
    Step("searched_first", "yes", _("Did you look for an account that already exists?"), must=True),
    Step("party", "one", _("Which armed actor, in which situation?"), source="given", must=True),
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
    questions = CLAIM if kind == "claim" else MESSAGE
    return [CARE, *([] if has_code else [PIN]), *questions]
