"""The one gate that everything which could reach her passes: it asks the vault, which alone can read her plan.

Ask before the act's own entry in the record, never after: the vault writes an entry of its own for every question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.safeguarding import rules
from answerable.vault.client import ask as ask_vault


@dataclass(frozen=True)
class Said:
    """What the vault said: yes or no, why, and on a yes the neutral words and the name of who they come from."""

    allowed: bool
    because: str
    sentence: str
    words: str = ""
    sender: str = ""
    next_at: datetime | None = None


def sentence(because: str, next_words: str = "") -> str:
    """A code of `rules.may_contact` as a whole sentence that says what would help."""
    if because == "hour":
        if next_words:
            return _("That is outside the hours she gave. They begin next on %(when)s by her own clock.") % {"when": next_words}  # fmt: skip
        return _("That is outside the hours she gave, and she gave none that will come. Speak to her when she comes.")
    return {
        "no_plan": _("Nobody has written down how to reach her safely, so nothing goes out. Make a safe contact plan with her first (R-NOT-1)."),
        "do_not_contact": _("She asked not to be contacted. She comes when she wishes; nothing goes out."),
        "unsafe": _("Something went wrong with this plan, so nothing goes out until a safeguarding officer has looked at it."),
        "never_by_the_system": _("The system sends no SMS and no e-mail to a survivor, whatever a plan says. A person may reach her in a way she chose."),
        "unsafe_household": _("Her home is not safe, so nothing about money goes out (R-NOT-2). Tell her at the next contact she chose; the payment waits for her call."),
        "way": _("She did not choose this way of being reached. Use one she chose."),
        "letter": _("She did not expressly ask for letters, so none is made (R-NOT-1)."),
        "consent": _("She has not agreed to be contacted again (CP-CONT), or took that back. She comes when she wishes."),
        "yes": _("It is allowed."),
        "no": _("It is not allowed now. Those who look after her safe contact know more."),
        "plan": _("Her plan allows it."),
        "her_door": _("It waits at her own door; nothing goes out."),
    }[because]  # fmt: skip


def ask(subject: str, *, via: str, kind: str, at: datetime | None = None, by: Any = None) -> Said:
    """What the vault says about reaching the person behind `subject`. When it cannot answer, that is a no."""
    try:
        said = ask_vault(
            "may_contact", subject=subject, via=via, kind=kind, at=(at or clock.now()).isoformat(),
            token=getattr(by, "vault_session", None) or "",
        )  # fmt: skip
    except Refused as no:
        return Said(False, no.reason, str(no))
    next_at = datetime.fromisoformat(said["next_at"]) if said["next_at"] else None
    return Said(said["allowed"], said["because"], said["sentence"], said["words"], said["sender"], next_at)


def require(subject: str, *, via: str, kind: str, at: datetime | None = None, by: Any = None) -> Said:
    """`ask`, raising Refused with the reason when the answer is no."""
    said = ask(subject, via=via, kind=kind, at=at, by=by)
    if not said.allowed:
        raise Refused(said.sentence, reason=said.because)
    return said


# --- everything that sends ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Registered:
    """A sender and the act by which it sends: `act(subject, at=, by=)`; a test walks every one of them."""

    via: str
    kind: str
    act: Callable[..., Any]


SENDERS: dict[str, Registered] = {}


def register(name: str, *, via: str, kind: str, act: Callable[..., Any]) -> None:
    """Say that something can reach a survivor, so that the suite makes sure it passes the gate."""
    if via not in rules.WAYS or kind not in rules.KINDS:
        raise ValueError(f"{name}: {via}, {kind} is no way or kind of contact")
    SENDERS[name] = Registered(via, kind, act)


def senders() -> Mapping[str, Registered]:
    """Every sender of every app, by name."""
    return dict(SENDERS)
