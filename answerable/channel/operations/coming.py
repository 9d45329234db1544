"""Coming in with a code or without one, what a visit shows, and leaving."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.days import day_words
from answerable.channel import codes, lifecycle, queries
from answerable.channel.operations import visits
from answerable.channel.operations.visits import State, in_turn
from answerable.common.errors import Refused
from answerable.vault import arrivals, chamber, doorkeys
from answerable.vault.doors import DOORS
from answerable.vault.service import operation


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
    inside = visits.held(token) if token else None
    if inside is not None and inside["level"] == "page":
        if kind == "report" and not inside.get("documenter"):
            raise Refused(_("Reports are filed with a code of an organisation."), reason="level")
        thread = visits.thread_of(inside)
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
    state = visits.held(token) if token else None
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
        shown["page"] = queries.her_page(state, visits.thread_of(state))
    return shown


@operation("door_where", "channel")
def where(token: str) -> str:
    """The page someone came from, for the way back from a page that is the same for everyone; "" for nobody."""
    state = visits.held(token) if token else None
    if state is None or state["level"] not in ("page", "new", "", "begin"):
        return ""
    return "write" if state.get("writing") else "inside" if state["level"] != "begin" else ""


@operation("door_level", "channel")
def level(token: str) -> str:
    """What a session may do, "gone" for none: asked before a file is read, so that nobody else's is taken in."""
    state = visits.held(token) if token else None
    return state["level"] if state else "gone"


@operation("door_said", "channel")
@in_turn
def said(token: str, sentence: str) -> bool:
    """Keep a refusal's sentence for the next page, so that no page answers a form directly and stays in a browser."""
    state = visits.present(token)
    return DOORS.write(token, {**state, "refused": sentence[:2000]})


@operation("door_leave", "channel")
def leave(token: str) -> bool:
    """Forget this session at once."""
    DOORS.end(token)
    return True
