"""Whose live session it is, what they may do now, and work that is entered before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import actions, standing
from answerable.vault.chamber import CHAMBER, Session
from answerable.vault.keyroom import vaultkeys
from answerable.vault.models import Authenticator, PersonKey, RootKey


def vouched(token: str, act: str, place: str, *, founder: str = "") -> Person:
    """Whose live session this is, when their roles cover the act and they confirmed a short while ago. Raises Refused.

    The vault decides for itself on everything that changes who can open what; the office's word is not enough. Only
    before the vault has its root key has nobody a session yet: then whoever founds it is named.
    """
    if not token and founder and not RootKey.objects.exists():
        person = standing.at_work(ref=founder)
        if person is None:
            raise Refused(_("Sign in again; the vault does not know whose step this is."), reason="locked")
        person.fresh = person.enrolled = True
    else:
        person, _session, _private = holder(token)
    return _may(person, act, Place(place))


def vouched_on(token: str, act: str, resource: Any) -> Person:
    """As `vouched`, for an act on one object. Raises Refused."""
    return _may(holder(token)[0], act, resource)


def _may(person: Person, act: str, resource: Any) -> Person:
    authority.require(person, act, resource)
    if not person.fresh:
        raise Refused(_("Confirm that it is you before you change who can open what."), reason="confirm")
    return person


@contextmanager
def entered_first(what: str, subject: str, *, act: str, by: HasPrincipal) -> Iterator[dict[str, Any]]:
    """Work on keys whose entry is written before the keys change for good: a crash in between leaves an entry too many,
    never a change without one. The block puts what the entry says into the mapping it is given.
    """
    detail: dict[str, Any] = {}
    record.keys_before_head()
    with transaction.atomic(using="keys"):
        yield detail
        actions.note_key_work(what, subject, act=act, detail=detail, by=by)


def holder(token: str) -> tuple[Person, Session, bytes]:
    """Whose live session this is, and their key. Works while the vault is locked: keepers sign in to unlock it.

    The person is looked up afresh: whoever was suspended or lost a role a second ago does nothing. Raises Refused.
    """
    session = CHAMBER.find(token) if token else None
    person = standing.at_work(ref=session.person) if session else None
    private = CHAMBER.private(token) if session else None
    if session is None or person is None or person.epoch != session.epoch or private is None:
        if token:
            CHAMBER.end(token)
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    person.vault_session, person.fresh, person.enrolled = token, CHAMBER.is_fresh(session), is_enrolled(person.ref)
    return person, session, private


def freshly(token: str) -> tuple[Person, Session, bytes]:
    person, session, private = holder(token)
    if not person.fresh:
        raise Refused(_("Confirm that it is you before you change what opens your key."), reason="confirm")
    return person, session, private


def is_enrolled(person: str) -> bool:
    """Whether a person has what working here asks for: in production a passkey beside a passphrase or a second passkey."""
    if not settings.TWO_AUTHENTICATORS:
        return True
    passkeys = Authenticator.objects.filter(person=person, ended=False).count()
    remembered = PersonKey.objects.filter(person=person).exclude(wrapped_private=b"").exists()
    return passkeys >= 1 and passkeys + remembered >= 2


def reader(token: str | None) -> tuple[Person, bytes]:
    """The person of a live session and their key, for this moment, in an open vault. Raises Refused with what would help."""
    person, _session, private = holder(token or "")
    vaultkeys.root()
    return person, private
