"""A visit: what its session holds, and who acts in it."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.channel import actions
from answerable.channel.models import Thread
from answerable.common.errors import Refused
from answerable.vault import chamber, standing
from answerable.vault.doors import DOORS

State = dict[str, Any]
# A button tapped again sends the same words again; within this time they are one message.
SAME_SECONDS = 60
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


def again(state: State, *words: str) -> bool:
    """Whether this session sent these very words just now; what was sent is kept as a hash, in its own sealed memory."""
    digest, now = hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest(), chamber.seconds()
    last, at = state.get("last") or ("", 0.0)
    if last == digest and now - at < SAME_SECONDS:
        return True
    state["last"] = [digest, now]
    return False


def held(token: str) -> State | None:
    """What a session holds; None when it is over, or when it is a documenter's who works here no more."""
    state = DOORS.read(token)
    if state is not None and (ref := state.get("documenter")) and not works_here(ref):
        DOORS.end(token)
        return None
    return state


def works_here(ref: str) -> Person | None:
    return standing.at_work(ref=ref)


def present(token: str) -> State:
    state = held(token)
    if state is None:
        raise Refused(
            _("You were away for a while, so this page was closed. What was not sent or saved is gone."), reason="gone"
        )
    state.pop("said", None)
    state.pop("refused", None)
    state.pop("told", None)
    return state


def page_of(token: str) -> State:
    state = present(token)
    if state["level"] != "page":
        raise Refused(_("This needs the code and the PIN."), reason="level")
    return state


def actor(state: State) -> Any:
    """Whoever acts: the documenter whose code it is, or simply the holder of this thread."""
    if ref := state.get("documenter"):
        person = works_here(ref)
        if person is None:
            raise Refused(_("This code is not in use any more. Ask your organisation for another."), reason="gone")
        person.via = "channel"
        return person
    return actions.holder(state["channel"], state.get("compartment") or "claims")


def thread_of(state: State) -> Thread | None:
    with reading_as(actions.holder(state["channel"])):
        return Thread.objects.filter(ref=state["channel"]).select_related("documenter__body").first()
