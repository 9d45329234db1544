"""Writing: answers kept until they are sent or saved, and the code that is given then."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import listed
from answerable.authority.acting import reading_as
from answerable.channel import actions, codes, guard, lifecycle, queries, steps
from answerable.channel.models import thread_ref
from answerable.channel.operations import visits
from answerable.channel.operations.visits import State, in_turn
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.safeguarding import operations as safeguarding
from answerable.vault import arrivals, doorkeys, seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.doors import DOORS
from answerable.vault.keyroom import vaultkeys
from answerable.vault.service import operation

LARGEST_ANSWER = 20_000
# All answers of one form together, as they are kept, in bytes: three long writings sealed in a browser, and the rest.
LARGEST_FORM = 320_000


@operation("door_choices", "channel")
def choices(token: str) -> dict[str, Any]:
    """What can be chosen from while answering: situations with an open programme, armed actors for a report."""
    state = visits.present(token)
    if state["kind"] not in ("claim", "report"):
        return {}
    by = visits.actor(state) if state.get("documenter") else actions.holder("DOOR", "claims")
    with reading_as(by):
        answers = [a for a in question("lodging_choices").ask(state["kind"], by, state["answers"]) if a is not None]
    return answers[0] if answers else {}


@operation("door_readers", "channel")
def readers(kind: str) -> dict[str, list[str]]:
    """Who can open what is sent, and who sees only that it is there, in words: as the policies have it, not as we say it."""
    return queries.readers(kind if kind in ("claim", "report") else "tell")


@operation("door_answer", "channel")
@in_turn
def answer(token: str, name: str, value: Any, at: int, wrong: str = "", sealed: bytes = b"") -> bool:
    """Remember one answer until it is sent or saved, in the vault's memory only; `at` is the question to show next.

    What the browser sealed is kept as it came, bound to this visit and this question.
    """
    if DOORS.crowded(writing=True):
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    state = visits.present(token)
    if len(json.dumps(value, ensure_ascii=False)) > 2 * LARGEST_ANSWER or len(name) > 40 or len(state["answers"]) > 60:
        raise Refused(_("That is more than one answer holds. Write the rest in a message later."), reason="long")
    if not state.get("writing"):
        return False  # it was sent or saved in the meantime
    if sealed:
        state["answers"][name] = arrivals.held(sealed, guard.visit_of(token), name)
    elif name and not (value == steps.KEPT and arrivals.is_held(state["answers"].get(name))):
        state["answers"][name] = value
    if len(json.dumps(state["answers"], ensure_ascii=False).encode("utf-8", "surrogatepass")) > LARGEST_FORM:
        raise Refused(
            _("That is more than one form holds. What you wrote on the pages before is still here; send it, and write the "
              "rest in a message later."), reason="long",
        )  # fmt: skip
    # Onwards only: whoever goes back, or saves, may be on the way to change the other answer.
    now = state.get("at") or 0
    if name and not wrong and at > now:
        said = [s for s in question("answers_differ").ask(state["kind"], name, state["answers"]) if s]
        at, wrong = (now, said[0]) if said else (at, wrong)
    return DOORS.write(token, {**state, "at": at, "refused": wrong})


@operation("door_key", "channel")
def door_key() -> dict[str, Any]:
    """The public key to which browsers seal, and its fingerprint; empty in a locked vault that never had one.

    The record names this key where the vault was founded and each time it is unlocked.
    """
    public = vaultkeys.service_known(arrivals.SERVICE)
    return {"key": public, "sha256": seal.fingerprint(public) if public else ""}


def in_words(answers: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Answers with what browsers sealed opened, and how they were sealed. In a locked vault they stay as they are."""
    sealed_by = lifecycle.BROWSER if any(arrivals.is_held(v) for v in answers.values()) else lifecycle.ARRIVAL
    if CHAMBER.is_locked():
        return answers, sealed_by
    opened = {k: arrivals.words(v) if isinstance(v, str) else v for k, v in answers.items()}
    if any(isinstance(v, str) and len(v) > LARGEST_ANSWER for v in opened.values()):
        raise Refused(_("That is more than one answer holds. Write the rest in a message later."), reason="long")
    return opened, sealed_by


def give_code(state: State) -> dict[str, bytes]:
    """A code of her own for this session; shown once, from the session's memory."""
    pin = codes.pin(str(state["answers"].get("pin") or "")) or ""
    code = unused_code()
    state["channel"] = state["channel"] or thread_ref()
    privates = doorkeys.put(state["channel"], code, pin)
    state |= {"code": [code.locator, code.secret], "has_pin": bool(pin), "show": True, "looks": 0}
    state["private"] = privates["page" if pin else "new"]
    state["answers"].pop("pin", None)
    return privates


def unused_code() -> codes.Code:
    for _attempt in range(200):
        code = codes.new()
        if not doorkeys.taken(code.locator):
            return code
    raise ValueError("no locator is free")


def _sent_before(state: State) -> str:
    """The page after sending or saving, for a button that was tapped again: the same code, and nothing done twice."""
    return "code" if state["level"] == "fresh" else "inside"


def _goes_on(token: str, state: State, inside: str, *, fresh: bool) -> str:
    """Keep the visit as it is after sending or saving: with a `fresh` code that is shown first, else `inside`, at the level that
    it has there. Returns the page to go to.
    """
    if fresh:
        state |= {"level": "fresh", "then": inside}
    DOORS.write(token, state, channel=state["channel"], inside=inside)
    return "code" if fresh else "inside"


@operation("door_save", "channel")
@in_turn
def save(token: str) -> str:
    """Save and stop: what was written so far, sealed to her own key for ninety days. Returns the page to go to."""
    state = visits.present(token)
    if not state.get("writing"):
        return _sent_before(state)
    fresh = not state["channel"]
    if fresh:
        give_code(state)
        # The question about a PIN is not asked again, so every later one moves up by one.
        state["at"] = max(0, (state.get("at") or 0) - 1)
    level = "page" if fresh and state["has_pin"] or state["level"] == "page" else "new"
    draft = json.dumps(
        {
            "kind": state["kind"],
            "at": state.get("at", 0),
            "answers": {k: v for k, v in state["answers"].items() if k != "pin"},
        }
    )
    doorkeys.drop_old()
    doorkeys.save_draft(state["channel"], draft, level)
    state |= {"answers": {}, "writing": False, "has_draft": True, "said": "saved"}
    state["compartment"] = state.get("compartment") or "claims"
    return _goes_on(token, state, level, fresh=fresh)


@operation("door_resume", "channel")
@in_turn
def resume(token: str) -> bool:
    """Go on with what was saved."""
    state = visits.present(token)
    if state["level"] not in ("page", "new"):
        raise Refused(_("There is nothing saved."), reason="level")
    text = doorkeys.open_draft(state["channel"], state["private"], state["level"])
    if text is None:
        raise Refused(_("There is nothing saved."), reason="draft")
    draft = json.loads(text)
    begun = {"kind": draft["kind"], "answers": draft["answers"], "at": draft["at"], "writing": True}
    return DOORS.write(token, {**state, **begun}, writing=True)


@operation("door_stop", "channel")
@in_turn
def stop(token: str) -> bool:
    """Stop writing; what was not sent or saved is forgotten at once."""
    state = visits.present(token)
    if state["level"] in ("page", "new"):
        return DOORS.write(token, {**state, "answers": {}, "writing": False, "kind": ""})
    DOORS.end(token)
    return True


@operation("door_send", "channel")
@in_turn
def send(token: str) -> str:
    """Send what was written: it is sealed and stored, and a code is made if there is none. Returns the next page."""
    state = visits.present(token)
    if not state.get("writing"):
        return _sent_before(state)
    fresh = not state["channel"]
    answers = dict(state["answers"])
    if fresh:
        # Her keys come first, so that what she sends is sealed to her own page as well.
        give_code(state)
    try:
        with transaction.atomic():
            state["receipt"] = _sent(state, answers)
            # Said at once, to whoever wrote it and in this visit alone: a paper code shows nothing of it later.
            state["urgent"] = queries.urgent_help(visits.thread_of(state))
    except BaseException:
        if fresh:
            doorkeys.close(state["channel"])
        raise
    _asks_help(state, str(answers.get("need") or ""))
    doorkeys.drop_draft(state["channel"])
    state |= {"answers": {}, "writing": False, "has_draft": False, "said": "sent"}
    if not fresh:
        return _goes_on(token, state, state["level"], fresh=False)
    state |= {"messages": [], "fresh": []}
    return _goes_on(token, state, "page" if state["has_pin"] else "new", fresh=True)


def _sent(state: State, answers: dict[str, Any]) -> str:
    """Store what was sent; returns the number that shows it was received."""
    kind, language, about, hers = state["kind"], get_language() or "en", "", ""
    answers, sealed_by = in_words(answers)
    state["compartment"] = state.get("compartment") or "claims"
    by = visits.actor(state)
    text, name = str(answers.get("text") or "").strip(), str(answers.get("name") or "").strip()
    if name:
        text = "\n\n".join(filter(None, (text, _("Name to be called by: %(name)s") % {"name": name})))
    if kind in ("claim", "report"):
        fields = {k: v for k, v in answers.items() if k != "pin"} | {"language": language}
        lodged = [r for r in question("lodge_from_channel").ask(kind, fields, by) if r is not None]
        if not lodged:
            raise Refused(_("This cannot be taken at the door just now. Write a message instead."), reason="lodging")
        about, text = lodged[0], ""
        hers = _form_words(answers, by) if kind == "claim" else ""
    elif not text:
        raise Refused(_("There is nothing written yet."), reason="empty")
    thread = visits.thread_of(state)
    if thread is None:
        thread = actions.open_thread(
            kind, text=text, language=language, compartment=state["compartment"], about_ref=about, ref=state["channel"],
            care_offered="care" in answers, sealed_by=sealed_by, hers=hers, by=by,
        )  # fmt: skip
    elif about and not thread.documenter_id:
        actions.concern_thread(thread, about, sealed_by=sealed_by, hers=hers, by=by)
    elif text:
        actions.leave_message(thread, text, sealed_by=sealed_by, by=by)
    return thread.receipt


def _asks_help(state: State, need: str) -> None:
    """What she asked to be helped with waits among the referrals too (SC-8): after her words, whose keys it would hold up."""
    thread = visits.thread_of(state)
    # A complaint's conversation is known to nobody who makes referrals; an organisation refers whom it speaks with itself.
    if state["kind"] != "help" or thread is None or thread.kind == lifecycle.COMPLAINT or thread.documenter_id:
        return
    # Her words are kept and read as a call for help whatever becomes of this.
    with contextlib.suppress(Refused):
        safeguarding.ask_for_help(thread.ref, need)


def _form_words(answers: dict[str, Any], by: Any) -> str:
    """What she wrote and chose in a claim, question by question in her language, for her own page (SC-10)."""
    with reading_as(by):
        found = [a for a in question("lodging_choices").ask("claim", by, answers) if a is not None]
    given: dict[str, Any] = found[0] if found else {}
    lines = []
    for step in steps.steps_of("claim", has_code=True):
        value = answers.get(step.name)
        if not value or step.shape == "care":
            continue
        known = dict(step.choices(given))
        said = [str(known.get(v, v)) for v in (value if isinstance(value, list) else [value])]
        # Her name is opened by two of three; a page behind a code and a PIN would be one. So only that she gave it is said.
        text = _("Yes") if step.shape == "yes" else listed(said)
        if step.name == "legal_name":
            text = _("sealed; two persons of different offices are needed to read it")
        lines += [str(step.heading), text, ""]
    return "\n".join(lines).strip()


@operation("door_code", "channel")
@in_turn
def code(token: str, what: str, typed: str = "") -> bool:
    """After the code was shown: "written" hides it, "again" shows it once more, "check" compares what was typed back."""
    state = visits.present(token)
    if state["level"] != "fresh":
        raise Refused(_("The code is not shown a second time."), reason="level")
    if what == "again" and state["looks"] == 0:
        return DOORS.write(token, {**state, "show": True, "looks": 1})
    if what == "written":
        return DOORS.write(token, {**state, "show": False})
    if what != "check" or codes.read(typed) != codes.Code(*state["code"]):
        return False
    return DOORS.write(token, {**state, "level": state["then"], "code": None, "show": False})
