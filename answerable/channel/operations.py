"""What the door asks of the vault. Runs in the vault process; the door itself has no database and keeps nothing.

A visitor's session holds what they may see; its token is in their cookie. Each operation reads the session, does one
thing, and answers plain texts.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.days import day_words, listed
from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import Place
from answerable.channel import actions, codes, guard, lifecycle, queries, room, steps
from answerable.channel.models import Attachment, Thread, attachment_ref, thread_ref
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.safeguarding import lifecycle as safeguarding_lifecycle
from answerable.safeguarding import operations as safeguarding
from answerable.safeguarding import rules as grievance_rules
from answerable.safeguarding.models import Grievance
from answerable.vault import arrivals, chamber, doorkeys, operations, seal, standing
from answerable.vault.chamber import CHAMBER
from answerable.vault.doors import DOORS
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.service import operation
from answerable.vault.uploads import derivative, intake
from answerable.vault.uploads.accepted import kinds
from answerable.vault.uploads.sentences import CannotShow, filled

State = dict[str, Any]
LARGEST_ANSWER = 20_000
# All answers of one form together, as they are kept, in bytes: three long writings sealed in a browser, and the rest.
LARGEST_FORM = 320_000
# Pictures of one file that pass to the office at once, in bytes.
LARGEST_SHOWN = 10 * 1024 * 1024
# A button tapped again sends the same words again; within this time they are one message.
SAME_SECONDS = 60
_FILING = threading.Lock()
F = TypeVar("F", bound=Callable[..., Any])


def in_turn(func: F) -> F:
    """One after the other within a session, so that "Send" tapped twice is not two threads with two codes."""
    signature = inspect.signature(func)

    @functools.wraps(func)
    def waited(*args: Any, **kwargs: Any) -> Any:
        token = signature.bind(*args, **kwargs).arguments.get("token", "")
        with DOORS.claim(token):
            return func(*args, **kwargs)

    return waited  # type: ignore[return-value]


def _again(state: State, *words: str) -> bool:
    """Whether this session sent these very words just now; what was sent is kept as a hash, in its own sealed memory."""
    digest, now = hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest(), chamber.seconds()
    last, at = state.get("last") or ("", 0.0)
    if last == digest and now - at < SAME_SECONDS:
        return True
    state["last"] = [digest, now]
    return False


def _held(token: str) -> State | None:
    """What a session holds; None when it is over, or when it is a documenter's who works here no more."""
    state = DOORS.read(token)
    if state is not None and (ref := state.get("documenter")) and not _works_here(ref):
        DOORS.end(token)
        return None
    return state


def _works_here(ref: str) -> Person | None:
    return standing.at_work(ref=ref)


def _state(token: str) -> State:
    state = _held(token)
    if state is None:
        raise Refused(
            _("You were away for a while, so this page was closed. What was not sent or saved is gone."), reason="gone"
        )
    state.pop("said", None)
    state.pop("refused", None)
    state.pop("told", None)
    return state


def _page_of(token: str) -> State:
    state = _state(token)
    if state["level"] != "page":
        raise Refused(_("This needs the code and the PIN."), reason="level")
    return state


def _by(state: State) -> Any:
    """Whoever acts: the documenter whose code it is, or simply the holder of this thread."""
    if ref := state.get("documenter"):
        person = _works_here(ref)
        if person is None:
            raise Refused(_("This code is not in use any more. Ask your organisation for another."), reason="gone")
        person.via = "channel"
        return person
    return actions.holder(state["channel"], state.get("compartment") or "claims")


def _thread(state: State) -> Thread | None:
    with reading_as(actions.holder(state["channel"])):
        return Thread.objects.filter(ref=state["channel"]).select_related("documenter__body").first()


# --- coming in ----------------------------------------------------------------------------------------------------


@operation("door_enter", "channel")
def enter(code: str, pin: str) -> str:
    """Whoever typed a code, and a PIN or none, has a session now: what it holds shows only on the next page.

    A mistyped code is said at once, because its check digits do not agree; nothing else is ever said.
    """
    found, chosen = codes.read(code), codes.pin(pin)
    if found is None:
        raise Refused(
            _("A digit seems to be different from what you were given. Look again, slowly: 24 digits in six groups."),
            reason="mistyped",
        )
    if chosen is None:
        raise Refused(_("A PIN has four to eight digits. If you have none, leave it empty."), reason="mistyped")
    since = chamber.seconds()
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    # PINs are counted by the whole code: whoever guesses at a locator never touches the count of its holder. It is
    # counted before anything is opened, so that many guesses at once are no more than one after the other.
    bucket = doorkeys.lookup(f"attempt|{found.locator}|{found.secret}|{bool(chosen)}")
    allowed = DOORS.may_try(bucket) or not chosen
    opening = doorkeys.enter(found, chosen)
    if not (opening.known and chosen):
        DOORS.forgive(bucket)
    if not allowed:
        opening = replace(opening, level="", channel=doorkeys.NONE, private=b"", wraps={}, has_draft=False)
    thread, ready = queries.ready_for(opening.channel, list(opening.wraps))
    if thread is not None and thread.documenter is not None and not thread.documenter.is_active:
        # Who works here no more holds a code like any that opens nothing: a seized one says nothing either.
        opening = replace(opening, level="", channel=doorkeys.NONE, private=b"", wraps={}, has_draft=False)
        thread, ready = None, []
    state: State = {
        "level": opening.level, "channel": opening.channel, "private": opening.private, "has_draft": opening.has_draft,
        "compartment": thread.compartment if thread else "", "messages": [], "fresh": [],
        "documenter": thread.documenter.ref if thread and thread.documenter else "",
    }  # fmt: skip
    if opening.level == "new":
        for m in ready:
            text = doorkeys.open_message(
                opening.private, opening.channel, m.ref, "new", opening.wraps[m.ref], bytes(m.text)
            )
            state["messages"].append({"on": day_words((m.release_at or m.written_at).date()), "text": text})
        if ready:
            doorkeys.forget_new(opening.channel, [m.ref for m in ready])
    elif opening.level == "page":
        unread = doorkeys.wraps(opening.channel, "new")
        state["fresh"] = [m.ref for m in ready if m.ref in unread]
        doorkeys.forget_new(opening.channel, state["fresh"])
        DOORS.forgive(bucket)
    return DOORS.begin(state, channel=opening.channel, inside=opening.level, since=since)


@operation("door_begin", "channel")
@in_turn
def begin(kind: str, token: str = "") -> str:
    """Someone begins to write: nothing is stored before they send or save it. Returns the session's token."""
    if kind not in ("tell", "ask", "help", "claim", "report"):
        raise Refused(_("Choose what you would like to do."), reason="kind")
    if DOORS.crowded(writing=True):
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    inside = _held(token) if token else None
    if inside is not None and inside["level"] == "page":
        if kind == "report" and not inside.get("documenter"):
            raise Refused(_("Reports are filed with a code of an organisation."), reason="level")
        thread = _thread(inside)
        if kind == "claim" and thread is not None and (thread.about_ref or thread.kind == lifecycle.COMPLAINT):
            raise Refused(
                _(
                    "This page is about something you asked for already. To ask for something else, begin again on the first page, without this code."
                ),
                reason="second",
            )
        DOORS.write(token, {**inside, "kind": kind, "answers": {}, "at": 0, "writing": True}, writing=True)
        return token
    if kind == "report":
        raise Refused(_("Reports are filed with a code of an organisation."), reason="level")
    return DOORS.begin(
        {"level": "begin", "channel": "", "kind": kind, "answers": {}, "at": 0, "writing": True}, writing=True
    )


@operation("door_look", "channel")
def look(token: str) -> dict[str, Any]:
    """What this session's pages show."""
    state = _held(token) if token else None
    if state is None:
        return {"level": "gone", "gave_way": bool(token) and DOORS.made_room(token)}
    shown = {
        k: state.get(k)
        for k in (
            "level",
            "kind",
            "messages",
            "has_draft",
            "writing",
            "said",
            "told",
            "refused",
            "looks",
            "at",
            "urgent",
        )
    }
    # What a browser sealed stays where it is, and the PIN never leaves: the door is told that they are there.
    answers = state.get("answers") or {}
    kept = [name for name, value in answers.items() if arrivals.is_held(value)]
    shown |= {"kept": kept, "answers": {n: "" if n in kept else v for n, v in answers.items() if n != "pin"}}
    shown["said_something"] = [name for name, value in answers.items() if value]
    shown["pin_chosen"] = bool(answers.get("pin"))
    shown["has_code"] = bool(state.get("channel"))
    shown["has_pin"] = bool(state.get("has_pin"))
    shown["report"] = bool(state.get("documenter"))
    if state["level"] == "fresh" and state.get("show"):
        shown["groups"] = codes.Code(*state["code"]).groups
        shown["receipt"] = state.get("receipt", "")
    if state["level"] == "page" and not state.get("writing"):
        shown["page"] = queries.her_page(state, _thread(state))
    return shown


@operation("door_where", "channel")
def where(token: str) -> str:
    """The page someone came from, for the way back from a page that is the same for everyone; "" for nobody."""
    state = _held(token) if token else None
    if state is None or state["level"] not in ("page", "new", "", "begin"):
        return ""
    return "write" if state.get("writing") else "inside" if state["level"] != "begin" else ""


@operation("door_level", "channel")
def level(token: str) -> str:
    """What a session may do, "gone" for none: asked before a file is read, so that nobody else's is taken in."""
    state = _held(token) if token else None
    return state["level"] if state else "gone"


@operation("door_choices", "channel")
def choices(token: str) -> dict[str, Any]:
    """What can be chosen from while answering: situations with an open programme, armed actors for a report."""
    state = _state(token)
    if state["kind"] not in ("claim", "report"):
        return {}
    by = _by(state) if state.get("documenter") else actions.holder("DOOR", "claims")
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
    state = _state(token)
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


def _words(answers: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Answers with what browsers sealed opened, and how they were sealed. In a locked vault they stay as they are."""
    sealed_by = lifecycle.BROWSER if any(arrivals.is_held(v) for v in answers.values()) else lifecycle.ARRIVAL
    if CHAMBER.is_locked():
        return answers, sealed_by
    opened = {k: arrivals.words(v) if isinstance(v, str) else v for k, v in answers.items()}
    if any(isinstance(v, str) and len(v) > LARGEST_ANSWER for v in opened.values()):
        raise Refused(_("That is more than one answer holds. Write the rest in a message later."), reason="long")
    return opened, sealed_by


@operation("door_said", "channel")
@in_turn
def said(token: str, sentence: str) -> bool:
    """Keep a refusal's sentence for the next page, so that no page answers a form directly and stays in a browser."""
    state = _state(token)
    return DOORS.write(token, {**state, "refused": sentence[:2000]})


def _new_code(state: State) -> dict[str, bytes]:
    """A code of her own for this session; shown once, from the session's memory."""
    pin = codes.pin(str(state["answers"].get("pin") or "")) or ""
    code = _fresh_code()
    state["channel"] = state["channel"] or thread_ref()
    privates = doorkeys.put(state["channel"], code, pin)
    state |= {"code": [code.locator, code.secret], "has_pin": bool(pin), "show": True, "looks": 0}
    state["private"] = privates["page" if pin else "new"]
    state["answers"].pop("pin", None)
    return privates


def _fresh_code() -> codes.Code:
    for _attempt in range(200):
        code = codes.new()
        if not doorkeys.taken(code.locator):
            return code
    raise ValueError("no locator is free")


def _sent_before(state: State) -> str:
    """The page after sending or saving, for a button that was tapped again: the same code, and nothing done twice."""
    return "code" if state["level"] == "fresh" else "inside"


@operation("door_save", "channel")
@in_turn
def save(token: str) -> str:
    """Save and stop: what was written so far, sealed to her own key for ninety days. Returns the page to go to."""
    state = _state(token)
    if not state.get("writing"):
        return _sent_before(state)
    fresh = not state["channel"]
    if fresh:
        _new_code(state)
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
    kept: State = {
        "answers": {},
        "writing": False,
        "has_draft": True,
        "compartment": state.get("compartment") or "claims",
    }
    state |= kept | ({"level": "fresh", "then": level, "said": "saved"} if fresh else {"said": "saved"})
    DOORS.write(token, state, channel=state["channel"], inside=level)
    return "code" if fresh else "inside"


@operation("door_resume", "channel")
@in_turn
def resume(token: str) -> bool:
    """Go on with what was saved."""
    state = _state(token)
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
    state = _state(token)
    if state["level"] in ("page", "new"):
        return DOORS.write(token, {**state, "answers": {}, "writing": False, "kind": ""})
    DOORS.end(token)
    return True


@operation("door_send", "channel")
@in_turn
def send(token: str) -> str:
    """Send what was written: it is sealed and stored, and a code is made if there is none. Returns the next page."""
    state = _state(token)
    if not state.get("writing"):
        return _sent_before(state)
    fresh = not state["channel"]
    answers = dict(state["answers"])
    if fresh:
        # Her keys come first, so that what she sends is sealed to her own page as well.
        _new_code(state)
    try:
        with transaction.atomic():
            state["receipt"] = _sent(state, answers)
            # Said at once, to whoever wrote it and in this visit alone: a paper code shows nothing of it later.
            state["urgent"] = queries.urgent_help(_thread(state))
    except BaseException:
        if fresh:
            doorkeys.close(state["channel"])
        raise
    _asks_help(state, str(answers.get("need") or ""))
    doorkeys.drop_draft(state["channel"])
    state |= {"answers": {}, "writing": False, "has_draft": False, "said": "sent"}
    if fresh:
        state |= {"level": "fresh", "then": "page" if state["has_pin"] else "new", "messages": [], "fresh": []}
    DOORS.write(token, state, channel=state["channel"], inside=state["then"] if fresh else state["level"])
    return "code" if fresh else "inside"


def _sent(state: State, answers: dict[str, Any]) -> str:
    """Store what was sent; returns the number that shows it was received."""
    kind, language, about, hers = state["kind"], get_language() or "en", "", ""
    answers, sealed_by = _words(answers)
    state["compartment"] = state.get("compartment") or "claims"
    by = _by(state)
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
    thread = _thread(state)
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
    thread = _thread(state)
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
    state = _state(token)
    if state["level"] != "fresh":
        raise Refused(_("The code is not shown a second time."), reason="level")
    if what == "again" and state["looks"] == 0:
        return DOORS.write(token, {**state, "show": True, "looks": 1})
    if what == "written":
        return DOORS.write(token, {**state, "show": False})
    if what != "check" or codes.read(typed) != codes.Code(*state["code"]):
        return False
    return DOORS.write(token, {**state, "level": state["then"], "code": None, "show": False})


# --- inside -------------------------------------------------------------------------------------------------------


@operation("door_write", "channel")
@in_turn
def write(token: str, text: str, kind: str = "message", sealed: bytes = b"") -> bool:
    """A message from inside. What is written behind a code that opened nothing is kept too, and read: nothing typed is
    thrown away, and the answer is the same, so that nobody learns from it whether a code was right.
    """
    state = _state(token)
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    if _again(state, kind, sealed.hex() or text):
        return DOORS.write(token, {**state, "said": "sent"})
    thread = _thread(state)
    answers, sealed_by = _words({"text": arrivals.held(sealed, guard.visit_of(token), "text") if sealed else text})
    text = answers["text"]
    if thread is None:
        ref = thread_ref()
        actions.open_thread(
            "unmatched", text=text, language=get_language() or "en", ref=ref, sealed_by=sealed_by,
            by=actions.holder(ref, "claims"),
        )  # fmt: skip
    else:
        actions.leave_message(thread, text, kind=kind if state["level"] == "page" else "message", sealed_by=sealed_by,
                              by=actions.holder(thread.ref, thread.compartment))  # fmt: skip
    return DOORS.write(token, {**state, "said": "sent"})


@operation("door_complain", "channel")
@in_turn
def complain(
    about: list[str], happened: str, remedy: str = "", may_be_told: str = "", immediate_risk: bool = False,
    safeguarding_may_know: bool = False, answer: bool = False, pin: str = "", token: str = "", once: str = "",
) -> str:  # fmt: skip
    """A complaint, from anyone, past everyone on the case team (SC-13). Returns the token of the session that shows what
    comes next: the code with which its answer is read, or the number alone.

    It never joins the conversation she may be in: her case team would learn from it that she complained. So an answer has
    a code of its own, and a page on which nothing else is.
    """
    if DOORS.crowded():
        raise Refused(_("Too many people are at the door just now. Please try again in a minute."), reason="busy")
    chosen = codes.pin(pin) if answer else ""
    if chosen is None:
        raise Refused(_("A PIN has four to eight digits. You can also go on without one."), reason="pin")

    def made() -> str:
        written = (about, happened, remedy, may_be_told, immediate_risk, safeguarding_may_know)
        if answer:
            state = _complaint_with_answer(written, chosen, immediate_risk=immediate_risk)
            DOORS.end(token)  # her own page is entered anew with its own code: nothing holds the two together
            return DOORS.begin(state, channel=state["channel"], inside=state["then"])
        number = _free_number()
        safeguarding.complain(*written, receipt=number)
        shown = {"said": "complaint", "told": number}
        inside = _held(token) if token else None
        if inside is not None and DOORS.write(token, {**inside, **shown}):
            return token
        return DOORS.begin({"level": "received", "channel": "", **shown})

    # Tapped twice, or sent again over a bad line, it is one complaint with one code.
    if not once:
        return made()
    words = [once, token, str(answer), happened, remedy, may_be_told, *about]
    return DOORS.once(hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest(), made)


def _free_number() -> str:
    """Ten digits for a complaint without a conversation, like those of one with."""
    with reading_as(actions.holder("DOOR")):
        for _attempt in range(20):
            number = doorkeys.receipt(thread_ref())
            if not (
                Thread.objects.filter(receipt=number).exists() or Grievance.objects.filter(receipt=number).exists()
            ):
                return number
    raise ValueError("no number is free")


def _complaint_with_answer(written: tuple[Any, ...], pin: str, *, immediate_risk: bool) -> State:
    """The complaint in a conversation of its own, in the complaint's own room; the session in which its code is shown."""
    about, happened, _remedy, _told, _risk, safeguarding_may_know = written
    if not happened.strip() and not immediate_risk:
        raise Refused(_("Write a few words about what happened; any will do."), reason="empty")
    state: State = {"level": "begin", "channel": "", "kind": lifecycle.COMPLAINT, "answers": {"pin": pin}}
    _new_code(state)
    room = grievance_rules.grievance_room(
        grievance_rules.grievance_class(about), safeguarding_may_know=safeguarding_may_know
    )
    try:
        with transaction.atomic():
            # What is sealed comes first, and with it the complaint: whoever has the record's head in hand seals nothing.
            number = actions.receipt_of(state["channel"])
            safeguarding.complain(*written, thread=state["channel"], receipt=number)
            thread = actions.open_thread(
                lifecycle.COMPLAINT, language=get_language() or "en", compartment=room, ref=state["channel"], receipt=number,
                by=actions.holder(state["channel"], room),
            )  # fmt: skip
    except BaseException:
        doorkeys.close(state["channel"])
        raise
    return state | {
        "level": "fresh", "then": "page" if state["has_pin"] else "new", "compartment": room, "receipt": thread.receipt,
        "answers": {}, "messages": [], "fresh": [], "said": "complaint", "writing": False, "has_draft": False,
    }  # fmt: skip


@operation("door_room", "channel")
@in_turn
def room_for(token: str, size: int) -> bool:
    """Whether a file of so many bytes is taken now, asked before any of it is on a disk. Raises Refused."""
    thread = _thread(_page_of(token))
    if thread is not None:
        room.make_sure(thread, max(0, size))
    return True


@operation("door_attach", "channel")
@in_turn
def attach(token: str, stored: str, kind: str, key: bytes, salt: bytes, name: str, commitment: bytes) -> bool:
    """A file that lies in quarantine as ciphertext: its one-time key is kept for its own reference, then entered."""
    state = _page_of(token)
    thread = _thread(state)
    if thread is None or not re.fullmatch(r"[0-9a-f]{32}", stored) or kind not in kinds() or len(key) != 32:
        raise Refused(_("The file was not taken. Write a message first, then send it."), reason="file")
    with _FILING:  # of many files at once no more than the budget holds
        room.make_sure(thread, _lying(stored))
        ref = attachment_ref()
        roomkeys.put_data_key(ref, thread.compartment, key)
        sealed = {
            field: seal.seal_field(key, value.encode("utf-8", "surrogatepass"),
                                   seal.field_context(vaultkeys.NODE, ref, "Attachment", field, 1))
            for field, value in (("name", name), ("salt", salt.hex()))
        }  # fmt: skip
        by = actions.holder(thread.ref, thread.compartment)
        actions.leave_attachment(thread, ref=ref, kind=kind, stored=stored, commitment=commitment, **sealed, by=by)
    return DOORS.write(token, {**state, "said": "file"})


def _lying(stored: str) -> int:
    try:
        return (Path(settings.QUARANTINE) / stored).stat().st_size
    except OSError:
        return 0


@operation("door_show_file", "office")
def show_file(token: str, ref: str, purpose: str = "contact") -> dict[str, Any]:
    """Pictures, or escaped text, of a file sent at the door: decided, recorded, then converted in a shut room.

    The original never leaves the vault in the clear; who needs it takes the sealed file to a machine without a network.
    """
    opened = operations.open_fields(token, ref, ["name"], purpose)
    person, private = operations.reader(token)
    with reading_as(person):
        file = Attachment.objects.get(ref=ref)
    key = roomkeys.data_key(ref, file.compartment, roomkeys.room_key(file.compartment, person.ref, private))
    try:
        shown = derivative.convert(file.kind, intake.read_back(Path(settings.QUARANTINE) / file.stored, key))
    except CannotShow as no:
        return {"name": opened["name"], "pages": [], "mime": "", "text": "", "note": no.in_words(_)}
    pages, size = [], 0
    for page in shown.pages:
        size += len(page)
        if size > LARGEST_SHOWN:
            break
        pages.append(page)
    note = filled(_(shown.note_sentence), shown.note_figures) if shown.note_sentence else ""
    if len(pages) < len(shown.pages):
        note = _("Only the first %(n)d pages are shown.") % {"n": len(pages)}
    return {"name": opened["name"], "pages": pages, "mime": shown.mime, "text": shown.text, "note": note}


@operation("door_statement", "channel")
def statement(token: str) -> str:
    """Everything on her page and every message both ways as plain text, on demand, to print or copy."""
    state = _page_of(token)
    return queries.statement(state, _thread(state))


def _hers(token: str) -> tuple[State, str, Any]:
    state = _page_of(token)
    thread = _thread(state)
    if thread is None or not thread.about_ref:
        raise Refused(_("There is nothing to withdraw here."), reason="nothing")
    return state, thread.about_ref, actions.holder(thread.ref, thread.compartment)


@operation("door_choose", "channel")
@in_turn
def choose(token: str, act: str, purpose: str) -> bool:
    """She would like to give a purpose, or take one or everything back: kept for the page that says what follows."""
    state, about, _by = _hers(token)
    found = [a for a in question("survivor_asks").ask(about, act, purpose) if a]
    return DOORS.write(token, {**state, "choice": found[0] if found else None})


@operation("door_choice", "channel")
def choice(token: str) -> dict[str, Any]:
    """What she is about to give or take back, and what follows from it; empty when there is no such choice."""
    state = _held(token) if token else None
    return (state or {}).get("choice") or {}


@operation("door_give", "channel")
@in_turn
def give(token: str, purpose: str, understood: bool) -> bool:
    """She gives one purpose, in the terms she was shown (SC-3); her page shows the receipt. Raises Refused.

    Only what was shown before can be given, so that nobody says yes to what she has not read. What she gave already and
    says again is the same yes.
    """
    state, about, by = _hers(token)
    settled(state)
    shown = state.get("choice") or {}
    was_shown = (shown.get("act"), shown.get("purpose")) == ("give", purpose)
    try:
        receipts = question("survivor_gives").ask(about, purpose, bool(understood) and was_shown, by)
    except Refused as no:
        if was_shown or no.reason not in ("understood", "unknown"):
            raise
        raise Refused(_("Read first what it means, then say yes or no. Nothing was given."), reason="unread") from None
    if not receipts:
        raise Refused(_("This could not be done here. Write it as a message; it counts from now on."), reason="nothing")
    return DOORS.write(token, {**state, "choice": None, "said": "receipt", "told": "\n".join(receipts)})


def settled(state: State) -> None:
    """What cannot be taken back waits for 48 hours after a code was replaced (decision 0024). Raises Refused."""
    thread = _thread(state)
    until = queries.not_before(thread) if thread is not None else None
    if until is not None:
        raise Refused(
            _("The code of this page was made anew a short while ago. To be sure that it was you who asked for it, this is "
              "possible from %(when)s on. You can read and write now.") % {"when": queries.moment(until)}, reason="settling",
        )  # fmt: skip


@operation("door_withdraw", "channel")
@in_turn
def withdraw(token: str, purposes: list[str]) -> bool:
    """She withdraws consent for these purposes, in one step, with no reason asked (SC-5); her page shows the receipt."""
    state, about, by = _hers(token)
    settled(state)
    receipts = question("survivor_withdraws").ask(about, list(purposes), by) if purposes else []
    if not receipts:
        raise Refused(_("This could not be done here. Write it as a message; it counts from now on."), reason="nothing")
    return DOORS.write(token, {**state, "choice": None, "said": "receipt", "told": "\n".join(receipts)})


@operation("door_undo", "channel")
@in_turn
def undo(token: str, withdrawal: str) -> bool:
    """She takes a withdrawal back, within its days; her page shows the receipt."""
    state, about, by = _hers(token)
    settled(state)
    receipts = question("survivor_undoes").ask(about, withdrawal, by)
    return DOORS.write(token, {**state, "said": "receipt", "told": "\n".join(receipts)})


@operation("door_pin", "channel")
@in_turn
def new_pin(token: str, code: str, pin: str) -> bool:
    """Another PIN for her page, with the code once more; whoever came in with the old one is out. Raises Refused."""
    state = _page_of(token)
    found, chosen = codes.read(code), codes.pin(pin)
    if not chosen:
        raise Refused(_("A PIN has four to eight digits."), reason="pin")
    if found is None or not doorkeys.change_pin(state["channel"], found, chosen, state["private"]):
        raise Refused(_("That is not the code of this page. Nothing was changed."), reason="mistyped")
    DOORS.end_all_of(state["channel"], but=token)
    return DOORS.write(token, {**state, "said": "pin"})


@operation("door_close", "channel")
@in_turn
def close(token: str) -> bool:
    """She closes her door: the code opens nothing any more."""
    state = _page_of(token)
    settled(state)
    thread = _thread(state)
    if thread is not None:
        actions.close_door(thread, by=actions.holder(thread.ref, thread.compartment))
    doorkeys.close(state["channel"])
    DOORS.end_all_of(state["channel"])
    return True


@operation("door_leave", "channel")
def leave(token: str) -> bool:
    """Forget this session at once."""
    DOORS.end(token)
    return True


# --- asked by the office ------------------------------------------------------------------------------------------


@operation("door_seal", "office")
def seal_message(channel: str, subject: str, compartment: str, text: str, new: bool) -> bytes:
    """Seal one message for its compartment and for her own page; an answer also for whoever has the code alone."""
    levels = ("new", "page") if new else ("page",)
    return doorkeys.seal_message(channel, subject, compartment, text, levels)


@operation("door_seal_hers", "office")
def seal_hers(channel: str, subject: str, text: str, new: bool = True) -> bytes:
    """Seal one message for her alone: no compartment reads it. What is not new to her needs the PIN as well."""
    return doorkeys.seal_for_her(channel, subject, text, ("new", "page") if new else ("page",))


@operation("door_receipt", "office")
def receipt(ref: str, attempt: int) -> str:
    """The number that shows a submission was received."""
    return doorkeys.receipt(ref, attempt)


@operation("door_new", "office")
def new_code(token: str, act: str, channel: str, pin: str) -> str:
    """A new code for a channel; what it had before opens nothing any more. In the session of whoever stands beside her.

    The vault decides for itself and enters it first: whoever holds a code is her, so no page may make one quietly.
    """
    person, _session, _private = operations.holder(token)
    if not person.fresh:
        raise Refused(_("Confirm that it is you before you change who can open what."), reason="confirm")
    with reading_as(actions.holder("DOOR", "*")):  # what this person may not see is there all the same
        thread = Thread.objects.select_related("documenter").filter(ref=channel).first()
    theirs = thread is not None and thread.documenter is not None
    if act in ("replace_code", "issue_code") and thread is not None and theirs == (act == "issue_code"):
        authority.require(person, act, thread if act == "replace_code" else Place("door"))
        # The keys ended when she closed her door, so a row changed past the pages opens nothing either.
        if not thread.answerable or not doorkeys.has_keys(channel):
            raise Refused(
                _("This door was closed for good, so there is no new code for it, from anyone. She can begin again as "
                  "someone new."), reason="closed",
            )  # fmt: skip
    elif act in ("open_door", "issue_code") and thread is None and not doorkeys.has_keys(channel):
        authority.require(person, act, Place("door"))
    else:
        raise Refused(_("There is nothing here for which a code could be made."), reason="nothing")
    fresh = _fresh_code()
    with operations.entered_first("code made", channel, act=act, by=person):
        doorkeys.put(channel, fresh, codes.pin(pin) or "")
    DOORS.end_all_of(channel)
    return fresh.digits


@operation("door_confirm", "office")
def confirm(token: str, number: str) -> dict[str, str]:
    """For the staff of an assistance office: whether a submission was received, on which day, and is in hand. No more."""
    person, _private = operations.reader(token)
    authority.require(person, "confirm_receipt", Place("receipts"))
    digits = codes.digits_of(number) or ""
    with reading_as(actions.holder("DOOR")):
        thread = Thread.objects.filter(receipt=digits).first() if len(digits) == 10 else None
        told = Grievance.objects.filter(receipt=digits, thread="").first() if len(digits) == 10 else None
    if thread is None and told is not None:
        # The same answer as for anything else: whoever confirms does not learn that it was a complaint.
        done = told.status in (safeguarding_lifecycle.ANSWERED, safeguarding_lifecycle.CLOSED)
        return {"on": told.received_at.date().isoformat(), "in_hand": "done" if done else "yes"}
    if thread is None:
        return {}
    return {"on": thread.opened_on.isoformat(), "in_hand": "yes" if thread.status == lifecycle.OPEN else "done"}
