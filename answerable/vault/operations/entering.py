"""Signing in and confirming, and what opens one's own key: a passphrase and passkeys."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.vault import actions, passkeys, seal, standing, stretching, userkeys
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import personkeys
from answerable.vault.limits import LIMITS
from answerable.vault.models import Authenticator, PersonKey
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("enrol", "office")
def enrol(person: str, passphrase: str, token: str = "", founder: str = "") -> str:
    """A person's key pair under their passphrase; returns the fingerprint."""
    by = sessions.vouched(token, "enrol_key", "people", founder=founder)
    if standing.at_work(ref=person) is None:
        raise Refused(_("There is no such person at work here."), reason="unknown")
    public, wrapped = stretching.new_user_key(passphrase)
    with sessions.entered_first("key enrolled", person, act="enrol_key", by=by) as detail:
        detail["public_key_sha256"] = fingerprint = personkeys.put_person_key(person, public, wrapped)
    return fingerprint


NOT_TOGETHER = gettext_noop("Name and passphrase do not belong together. Check both and try again.")
# Whoever unlocks their own key typed no name, so nothing is said about one.
OPENS_NO_KEY = gettext_noop("That passphrase does not open your key. Check it and try again.")
NO_PASSKEY = gettext_noop("That passkey does not sign in here. Try another, or use your passphrase.")
MOST_PASSKEYS = 8


@operation("sign_in", "office")
def sign_in(handle: str, passphrase: str) -> dict[str, Any]:
    """A session for whoever's passphrase opens their key. One sentence for every failure, at the same cost."""
    person = standing.at_work(handle=handle)
    LIMITS.try_once(handle, known=person is not None)
    return _by_passphrase(person, handle, passphrase)


@operation("unlock", "office")
def unlock(person: str, passphrase: str) -> dict[str, Any]:
    """A new session with the vault for someone who is signed in and whose key was locked.

    Counted apart from signing in, so that someone hammering at a name from outside does not keep its owner locked out.
    """
    theirs = standing.at_work(ref=person)
    LIMITS.try_once(f"unlock {person}", live=theirs is not None)
    return _by_passphrase(theirs, f"unlock {person}", passphrase, wrong=OPENS_NO_KEY)


def _by_passphrase(person: Person | None, tried: str, passphrase: str, *, wrong: str = NOT_TOGETHER) -> dict[str, Any]:
    # Without a person the same question is asked, and the same work done on a decoy: time does not tell who exists.
    key = PersonKey.objects.filter(person=person.ref if person else "").first()
    try:
        private = stretching.open_user_key(bytes(key.wrapped_private) if key else userkeys.decoy(), passphrase)
    except userkeys.WrongPassphrase:
        private = None
    if person is None or key is None or private is None:
        raise Refused(_(wrong), reason="sign_in")
    LIMITS.succeeded(tried)
    actions.note_sign_in(person, how="passphrase", by=person)
    return {"person": person.ref, "token": CHAMBER.begin(person.ref, private, person.epoch)}


@operation("enrolment", "office")
def enrolment(person: str) -> bool:
    """Whether a person has enough to open their key with."""
    return sessions.is_enrolled(person)


@operation("own_keys", "office")
def own_keys(token: str) -> dict[str, Any]:
    """What opens the key of whoever's session this is, for their own page. No key."""
    person, _session, _private = sessions.holder(token)
    key = PersonKey.objects.get(person=person.ref)
    return {
        "passkeys": [
            {"number": a.pk, "name": a.name, "made_on": a.made_at.date().isoformat(),
             "last_used": a.last_used.isoformat() if a.last_used else ""}
            for a in personkeys.passkeys_of(person.ref)
        ],
        "fingerprint": seal.fingerprint(bytes(key.public_key)),
        "enrolled": person.enrolled,
        "asked": bool(settings.TWO_AUTHENTICATORS),
        "sessions": CHAMBER.sessions_of(person.ref),
    }  # fmt: skip


@operation("passkey_to_make", "office")
def passkey_to_make(token: str, origin: str) -> dict[str, Any]:
    """What the browser is asked to make; needs a session that was confirmed a short while ago."""
    person, _session, _private = sessions.freshly(token)
    known = [bytes(a.credential_id) for a in personkeys.passkeys_of(person.ref)]
    challenge = CHAMBER.challenge("make", person.ref)
    try:
        return passkeys.to_make(origin, person=person.ref, handle=person.handle, challenge=challenge, known=known)
    except passkeys.NotHeld:
        raise Refused(_(NO_PASSKEY), reason="sign_in") from None


@operation("add_passkey", "office")
def add_passkey(token: str, origin: str, credential: str, secret: bytes, name: str) -> dict[str, Any]:
    """Keep a passkey the browser made, and wrap the person's own key under what its PRF gives. Entered first."""
    person, _session, private = sessions.freshly(token)
    try:
        given, _ident, challenge = passkeys.read(credential)
        if not CHAMBER.spend(challenge, "make", person.ref):
            raise passkeys.NotHeld
        made = passkeys.verify_made(given, origin=origin, challenge=challenge)
        wrapped = userkeys.wrap_with_prf(private, secret, made.credential_id)
    except userkeys.WrongPasskey:
        raise Refused(
            _("This passkey cannot open keys: its maker left that out (PRF). Use another one; your passphrase goes on "
              "working."),
            reason="prf",
        ) from None  # fmt: skip
    except passkeys.NotHeld:
        raise Refused(_("That passkey could not be verified. Begin again from this page."), reason="sign_in") from None
    with sessions.entered_first("passkey added", person.ref, act="keep_keys", by=person) as detail:
        row = personkeys.put_passkey(
            person.ref,
            made,
            salt=passkeys.prf_salt(passkeys.host_of(origin)),
            wrapped=wrapped,
            name=name,
            most=MOST_PASSKEYS,
        )
        detail["public_key_sha256"] = fingerprint = seal.fingerprint(made.public_key)
    return {"number": row.pk, "sha256": fingerprint}


@operation("end_passkey", "office")
def end_passkey(token: str, number: int) -> str:
    """End one of one's own passkeys, and with it every session; returns its name. Entered first."""
    person, _session, _private = sessions.freshly(token)
    with sessions.entered_first("passkey ended", person.ref, act="keep_keys", by=person) as detail:
        ended = personkeys.end_passkey(person.ref, number, least=1 if settings.TWO_AUTHENTICATORS else 0)
        detail["public_key_sha256"] = seal.fingerprint(bytes(ended.public_key))
    CHAMBER.end_all_of(person.ref)
    return ended.name


@operation("change_passphrase", "office")
def change_passphrase(token: str, old: str, new: str) -> bool:
    """Another passphrase for the same key; the old one is asked, and every session ends. Entered first."""
    person, _session, _private = sessions.holder(token)
    tried = f"unlock {person.ref}"
    LIMITS.try_once(tried, live=True)
    key = PersonKey.objects.get(person=person.ref)
    try:
        private = stretching.open_user_key(bytes(key.wrapped_private), old)
    except userkeys.WrongPassphrase:
        raise Refused(_("That is not your passphrase. Check it and try again."), reason="sign_in") from None
    LIMITS.succeeded(tried)
    wrapped = stretching.wrap(private, new)
    with sessions.entered_first("passphrase changed", person.ref, act="keep_keys", by=person):
        personkeys.rewrap(person.ref, wrapped)
    CHAMBER.end_all_of(person.ref)
    return True


@operation("passkey_to_use", "office")
def passkey_to_use(origin: str, token: str = "") -> dict[str, Any]:
    """What the browser is asked for when signing in (anyone's), or with a session when confirming (one's own)."""
    try:
        if not token:
            return passkeys.to_use(origin, challenge=CHAMBER.challenge("sign in"))
        person, _session, _private = sessions.holder(token)
        known = [bytes(a.credential_id) for a in personkeys.passkeys_of(person.ref)]
        return passkeys.to_use(origin, challenge=CHAMBER.challenge("confirm", person.ref), known=known)
    except passkeys.NotHeld:
        raise Refused(_(NO_PASSKEY), reason="sign_in") from None


def _used(credential: str, origin: str, purpose: str, person: str = "") -> Authenticator:
    """The passkey behind an answer that holds; its count has moved on. Raises NotHeld for anything else."""
    given, ident, challenge = passkeys.read(credential)
    # Spent whatever follows: an answer is never looked at twice.
    if not CHAMBER.spend(challenge, purpose, person):
        raise passkeys.NotHeld
    row = personkeys.passkey(ident)
    if row is None or (person and row.person != person):
        raise passkeys.NotHeld
    count = passkeys.verify_used(
        given, origin=origin, challenge=challenge, public_key=bytes(row.public_key), sign_count=row.sign_count
    )
    if not personkeys.passkey_used(row, count):
        raise passkeys.NotHeld
    return row


@operation("sign_in_passkey", "office")
def sign_in_passkey(origin: str, credential: str, secret: bytes, person: str = "") -> dict[str, Any]:
    """A session for whoever's passkey answered and whose key its secret opens; `person`: theirs and nobody else's.

    One sentence for every failure.
    """
    try:
        row = _used(credential, origin, "sign in")
        theirs = standing.at_work(ref=row.person)
        if theirs is None or (person and row.person != person):
            raise passkeys.NotHeld
        private = userkeys.open_with_prf(bytes(row.wrapped_private), secret, bytes(row.credential_id))
    except (passkeys.NotHeld, userkeys.WrongPasskey):
        raise Refused(_(NO_PASSKEY), reason="sign_in") from None
    actions.note_sign_in(theirs, how="passkey", by=theirs)
    return {"person": theirs.ref, "token": CHAMBER.begin(theirs.ref, private, theirs.epoch)}


@operation("touch", "office")
def touch(token: str, person: str = "") -> dict[str, Any]:
    """Whose session this is and whether it still opens anything; asking keeps it alive.

    With `person`, also whether that person has enough authenticators, session or not.
    """
    session = CHAMBER.find(token) if token else None
    return {
        "person": session.person if session else "",
        "fresh": session is not None and CHAMBER.is_fresh(session),
        "locked": CHAMBER.is_locked(),
        "enrolled": sessions.is_enrolled(person) if person else False,
    }


@operation("confirm", "office")
def confirm(token: str, passphrase: str) -> bool:
    """Whoever's session this is confirms that it is they, before an act that asks for it. Raises Refused."""
    session = CHAMBER.find(token)
    key = PersonKey.objects.filter(person=session.person if session else "").first()
    if session is not None:
        LIMITS.try_once(f"unlock {session.person}", live=True)
    try:
        stretching.open_user_key(bytes(key.wrapped_private) if key else userkeys.decoy(), passphrase)
    except userkeys.WrongPassphrase:
        raise Refused(_("That is not your passphrase. Check it and try again."), reason="sign_in") from None
    if session is None:
        raise Refused(_("Your session has ended. Sign in again."), reason="locked")
    LIMITS.succeeded(f"unlock {session.person}")
    CHAMBER.confirm(session)
    return True


@operation("confirm_passkey", "office")
def confirm_passkey(token: str, origin: str, credential: str) -> bool:
    """The same with one of their own passkeys. Raises Refused."""
    person, session, _private = sessions.holder(token)
    try:
        _used(credential, origin, "confirm", person.ref)
    except passkeys.NotHeld:
        raise Refused(_(NO_PASSKEY), reason="sign_in") from None
    CHAMBER.confirm(session)
    return True


@operation("end_session", "office")
def end_session(token: str) -> bool:
    """Forget the key of one session."""
    CHAMBER.end(token)
    return True


@operation("end_sessions_of", "office")
def end_sessions_of(person: str) -> int:
    """Forget every session of a person: their role changed, or they left."""
    return CHAMBER.end_all_of(person)
