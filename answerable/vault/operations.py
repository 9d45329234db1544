"""The vault's own operations. Runs in the vault process; the apps above add theirs to the same table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.alliance.models import Grant, Person
from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import (
    actions,
    arrivals,
    doorkeys,
    lifecycle,
    passkeys,
    recorded,
    seal,
    standing,
    stretching,
    userkeys,
)
from answerable.vault import recovery as recovery_rules
from answerable.vault.chamber import CHAMBER, Session
from answerable.vault.custody import rules as custody_rules
from answerable.vault.keyroom import personkeys, recordkeys, roomkeys, seatkeys, tellings, vaultkeys
from answerable.vault.limits import LIMITS
from answerable.vault.models import Authenticator, IdentityBlock, PersonKey, Recovery, RootKey
from answerable.vault.service import operation


@operation("status", "office", "channel", "host")
def status() -> dict[str, Any]:
    """Whether the vault is locked and was ever founded. Says nothing else."""
    return {"locked": CHAMBER.is_locked(), "founded": RootKey.objects.exists(), "why": CHAMBER.why_locked,
            "demonstration": CHAMBER.demonstration}  # fmt: skip


# --- sealing ------------------------------------------------------------------------------------------------------


@operation("seal", "office")
def seal_fields(
    subject: str, compartment: str, model: str, fields: Mapping[str, str], delivery: str = ""
) -> dict[str, bytes]:
    """Seal the texts of one new object; `delivery`: what it came in with, while that may be taken out again."""
    return roomkeys.seal_fields(subject, compartment, model, fields, delivery)


MOST_AT_ONCE = 2000


@operation("seal_many", "office")
def seal_many(compartment: str, rows: Sequence[Any], delivery: str = "") -> list[dict[str, bytes]]:
    """Seal the texts of many new objects of one compartment: [subject, model, {field: text}, draft] each, draft being the one
    that it is part of, or nothing; `delivery` as in `seal`.
    """
    if len(rows) > MOST_AT_ONCE or not all(isinstance(r, list) and len(r) == 4 for r in rows):
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    return roomkeys.seal_many(compartment, [(str(s), str(m), f, str(d)) for s, m, f, d in rows], delivery)


# What the office may have marked without anyone's session, and how many texts at once: a file by its SHA-256, what a report
# says or its number where it was collected, what an item of a situation's reports says, a request to the interface with its key, a table of counts. Of no other kind:
# who somebody is, by pseudonym or by her code, is asked in the ways below.
MARKED = {"delivery": 1, "submission": MOST_AT_ONCE, "item": MOST_AT_ONCE, "idempotency": 2, "counts": 1}
# Pseudonyms of one organisation's accounts, and of one person's interviews, that a day has.
PSEUDONYMS_A_DAY, INTERVIEWS_A_DAY = 50_000, 100


@operation("marks", "office")
def marks(kind: str, texts: Sequence[str]) -> list[str]:
    """What recognises the same text again and tells nothing about it without a key that is in no database."""
    if kind not in MARKED or (kind == "delivery" and not all(re.fullmatch(r"[0-9a-f]{64}", t) for t in texts)):
        raise Refused(_("There is nothing here for you."), reason="kind")
    if len(texts) > MARKED[kind]:
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    return doorkeys.marks(kind, texts)


@operation("marks_of_pseudonyms", "office")
def marks_of_pseudonyms(person: str, pseudonyms: Sequence[str], token: str = "") -> list[str]:
    """Marks of pseudonyms of people whose accounts an organisation brings in; they mean something within it alone.

    In the session of whoever brings them in, or, for what comes by the interface or a command, for the person it comes
    from. A day has so many for the organisation, whoever asks: nobody tries out what a pseudonym might have been.
    """
    by = holder(token)[0] if token else _active(ref=person)
    if by is None or by.ref != person:
        raise Refused(_("There is no such person at work here."), reason="unknown")
    if len(pseudonyms) > MOST_AT_ONCE or any(len(p) > 200 for p in pseudonyms):
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    LIMITS.take(f"pseudonyms {by.body.ref}", len(pseudonyms), most=PSEUDONYMS_A_DAY)
    return doorkeys.marks("person", [f"{by.body.ref}/{p}" for p in pseudonyms])


@operation("mark_of_interview", "office")
def mark_of_interview(token: str, pseudonym: str) -> str:
    """The mark by which interviews with one person are counted within an organisation, in the session of whoever asks.

    The same as of her accounts: who was interviewed under a pseudonym and who told under it is one person (R-VER-1).
    """
    by = holder(token)[0]
    authority.require(by, "bring_in_reports", Place("intake"))
    LIMITS.take(f"interviews {by.ref}", 1, most=INTERVIEWS_A_DAY)
    return doorkeys.marks("person", [f"{by.body.ref}/{pseudonym}"])[0]


@operation("seal_identity", "office")
def seal_identity(subject: str, fields: Mapping[str, str]) -> bool:
    """Seal who someone is for the three seats: once, and nothing but the fields that an opening can name."""
    if not subject or "|" in subject or not fields or not set(fields) <= set(custody_rules.fields()):
        raise Refused(_("An identity is made of the fields the vault knows, each a text."), reason="fields")
    if IdentityBlock.objects.filter(subject=subject).exists():
        raise Refused(_("An identity is sealed here already; it is not replaced."), reason="exists")
    seatkeys.seal_identity(subject, fields)
    return True


@operation("put_data_key", "office")
def put_data_key(subject: str, compartment: str, key: bytes, delivery: str = "") -> bool:
    """Keep an upload's one-time key for its compartment; `delivery` as in `seal`."""
    roomkeys.put_data_key(subject, compartment, key, delivery)
    return True


# Entries of one transaction, which the vault does not see before it ends.
MOST_IN_A_TRANSACTION = 10_000


@operation("salt", "office")
def salt(index: int, subject: str) -> bytes:
    """The salt of an entry that is being made: the record's next, or one further on in a transaction that is under way.

    Asked again it is the same, so that what was rolled back is made again. Never for an index that has its entry.
    """
    ends = record.ends()
    if not ends <= index < ends + MOST_IN_A_TRANSACTION:
        raise Refused(_("A salt is given for an entry that is being made, and for no other."), reason="index")
    return recordkeys.salt(index, subject)


@operation("salts", "office")
def salts(pairs: Sequence[tuple[int, str]]) -> list[bytes | None]:
    """Salts of many record entries, for an export."""
    return recordkeys.salts(pairs)


# --- persons and their sessions -----------------------------------------------------------------------------------


def vouched(token: str, act: str, place: str, *, founder: str = "") -> Person:
    """Whose live session this is, when their roles cover the act and they confirmed a short while ago. Raises Refused.

    The vault decides for itself on everything that changes who can open what; the office's word is not enough. Only
    before the vault has its root key has nobody a session yet: then whoever founds it is named.
    """
    if not token and founder and not RootKey.objects.exists():
        person = _active(ref=founder)
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


@operation("give_role", "office")
def give_role(token: str, subject: str, person: str, role: str, step: str) -> bool:
    """Someone asks for or confirms a role (`subject`: the grant), or lets a person return: told to the vault in their own
    session, which is what it believes later. At the founding nobody has a session, and nothing is told.
    """
    if not RootKey.objects.exists():
        return False
    if step == "confirmed":
        grant = Grant.objects.select_related("person", "asked_by").filter(ref=subject).first()
        if grant is None:
            raise Refused(_("There is nothing to confirm here."), reason="nothing")
        by = vouched_on(token, "confirm_grant", grant)
    elif step in ("asked", "returned"):
        by = vouched(token, *{"asked": ("ask_grant", "grants"), "returned": ("set_activity", "people")}[step])
    else:
        raise Refused(_("That is not a step of this."), reason="lifecycle")
    if by.ref in (person, subject):
        raise Refused(_("Two persons grant a role, and neither is the one who receives it (SOD-13)."), reason="SOD-13")
    tellings.note_word(subject, step, person, role, by.ref)
    return True


@operation("enrol", "office")
def enrol(person: str, passphrase: str, token: str = "", founder: str = "") -> str:
    """A person's key pair under their passphrase; returns the fingerprint."""
    by = vouched(token, "enrol_key", "people", founder=founder)
    if _active(ref=person) is None:
        raise Refused(_("There is no such person at work here."), reason="unknown")
    public, wrapped = stretching.new_user_key(passphrase)
    with entered_first("key enrolled", person, act="enrol_key", by=by) as detail:
        detail["public_key_sha256"] = fingerprint = personkeys.put_person_key(person, public, wrapped)
    return fingerprint


NOT_TOGETHER = gettext_noop("Name and passphrase do not belong together. Check both and try again.")
# Whoever unlocks their own key typed no name, so nothing is said about one.
OPENS_NO_KEY = gettext_noop("That passphrase does not open your key. Check it and try again.")
NO_PASSKEY = gettext_noop("That passkey does not sign in here. Try another, or use your passphrase.")
MOST_PASSKEYS = 8


def _active(**who: str) -> Person | None:
    return standing.at_work(**who)


@operation("sign_in", "office")
def sign_in(handle: str, passphrase: str) -> dict[str, Any]:
    """A session for whoever's passphrase opens their key. One sentence for every failure, at the same cost."""
    person = _active(handle=handle)
    LIMITS.try_once(handle, known=person is not None)
    return _by_passphrase(person, handle, passphrase)


@operation("unlock", "office")
def unlock(person: str, passphrase: str) -> dict[str, Any]:
    """A new session with the vault for someone who is signed in and whose key was locked.

    Counted apart from signing in, so that someone hammering at a name from outside does not keep its owner locked out.
    """
    theirs = _active(ref=person)
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


# --- passkeys -----------------------------------------------------------------------------------------------------


def holder(token: str) -> tuple[Person, Session, bytes]:
    """Whose live session this is, and their key. Works while the vault is locked: keepers sign in to unlock it.

    The person is looked up afresh: whoever was suspended or lost a role a second ago does nothing. Raises Refused.
    """
    session = CHAMBER.find(token) if token else None
    person = _active(ref=session.person) if session else None
    private = CHAMBER.private(token) if session else None
    if session is None or person is None or person.epoch != session.epoch or private is None:
        if token:
            CHAMBER.end(token)
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    person.vault_session, person.fresh, person.enrolled = token, CHAMBER.is_fresh(session), is_enrolled(person.ref)
    return person, session, private


def _freshly(token: str) -> tuple[Person, Session, bytes]:
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


@operation("enrolment", "office")
def enrolment(person: str) -> bool:
    """Whether a person has enough to open their key with."""
    return is_enrolled(person)


@operation("own_keys", "office")
def own_keys(token: str) -> dict[str, Any]:
    """What opens the key of whoever's session this is, for their own page. No key."""
    person, _session, _private = holder(token)
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
    person, _session, _private = _freshly(token)
    known = [bytes(a.credential_id) for a in personkeys.passkeys_of(person.ref)]
    challenge = CHAMBER.challenge("make", person.ref)
    try:
        return passkeys.to_make(origin, person=person.ref, handle=person.handle, challenge=challenge, known=known)
    except passkeys.NotHeld:
        raise Refused(_(NO_PASSKEY), reason="sign_in") from None


@operation("add_passkey", "office")
def add_passkey(token: str, origin: str, credential: str, secret: bytes, name: str) -> dict[str, Any]:
    """Keep a passkey the browser made, and wrap the person's own key under what its PRF gives. Entered first."""
    person, _session, private = _freshly(token)
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
    with entered_first("passkey added", person.ref, act="keep_keys", by=person) as detail:
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
    person, _session, _private = _freshly(token)
    with entered_first("passkey ended", person.ref, act="keep_keys", by=person) as detail:
        ended = personkeys.end_passkey(person.ref, number, least=1 if settings.TWO_AUTHENTICATORS else 0)
        detail["public_key_sha256"] = seal.fingerprint(bytes(ended.public_key))
    CHAMBER.end_all_of(person.ref)
    return ended.name


@operation("change_passphrase", "office")
def change_passphrase(token: str, old: str, new: str) -> bool:
    """Another passphrase for the same key; the old one is asked, and every session ends. Entered first."""
    person, _session, _private = holder(token)
    tried = f"unlock {person.ref}"
    LIMITS.try_once(tried, live=True)
    key = PersonKey.objects.get(person=person.ref)
    try:
        private = stretching.open_user_key(bytes(key.wrapped_private), old)
    except userkeys.WrongPassphrase:
        raise Refused(_("That is not your passphrase. Check it and try again."), reason="sign_in") from None
    LIMITS.succeeded(tried)
    wrapped = stretching.wrap(private, new)
    with entered_first("passphrase changed", person.ref, act="keep_keys", by=person):
        personkeys.rewrap(person.ref, wrapped)
    CHAMBER.end_all_of(person.ref)
    return True


@operation("passkey_to_use", "office")
def passkey_to_use(origin: str, token: str = "") -> dict[str, Any]:
    """What the browser is asked for when signing in (anyone's), or with a session when confirming (one's own)."""
    try:
        if not token:
            return passkeys.to_use(origin, challenge=CHAMBER.challenge("sign in"))
        person, _session, _private = holder(token)
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
        theirs = _active(ref=row.person)
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
        "enrolled": is_enrolled(person) if person else False,
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
    person, session, _private = holder(token)
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


@operation("grant_recovery", "office")
def grant_recovery(token: str, recovery: str, person: str, step: str) -> bool:
    """Someone asks for, or confirms, a new key for a person who lost theirs: told to the vault itself, in their session.

    Entered first, with the person: they and whoever inspects see it before it counts. Nobody can be put in their place
    afterwards: what is confirmed is what was asked, and the row, where there is one, says the same person.
    """
    by, _session, _private = _freshly(token)
    if step not in ("asked", "confirmed") or by.ref == person:
        raise Refused(_("Two others ask for and confirm a new key; you cannot ask for your own."), reason="SOD-13")
    row = Recovery.objects.select_related("person").filter(ref=recovery).first()
    if step == "asked":
        authority.require(by, "ask_recovery", Place("recoveries"))
        if not recovery.startswith("RCV") or _active(ref=person) is None:
            raise Refused(_("There is no such person at work here."), reason="unknown")
        told = None
    else:
        told = _told(recovery)
        if row is None or told is None:
            raise Refused(_("There is nothing to confirm here."), reason="nothing")
        authority.require(by, "confirm_recovery", told)
    if any(of.person.ref != person for of in (row, told) if of is not None):
        raise Refused(_("This new key is for another person."), reason="person")
    if tellings.is_granted(recovery, person, step):
        return True
    with entered_first(f"grant of a new key {step}", recovery, act=f"{_STEPS[step]}_recovery", by=by) as detail:
        tellings.note_granted(recovery, person, step, by.ref)
        detail["person"] = person
    return True


_STEPS = {"asked": "ask", "confirmed": "confirm"}


def _told(recovery: str) -> Recovery | None:
    """A new key as the vault itself was asked for it, whatever the office's row says now; None when it was not."""
    step = tellings.granted_step(recovery, "asked")
    if step is None:
        return None
    people = {p.ref: p for p in Person.objects.filter(ref__in=[step.person, step.by])}
    if len(people) != 2:
        return None
    return Recovery(ref=recovery, person=people[step.person], asked_by=people[step.by], asked_at=step.at)


@operation("stop_recovery", "office")
def stop_recovery(token: str, recovery: str) -> int:
    """Someone who inspects, or the person, stops a new key: what granted it is forgotten here and grants nothing again.

    Told in their own live session; no confirmation is asked, for stopping is urgent and opens nothing. Entered first.
    """
    by, _session, _private = holder(token)
    row = _told(recovery) or Recovery.objects.select_related("person", "asked_by").filter(ref=recovery).first()
    if row is None:
        raise Refused(_("There is nothing to stop here."), reason="nothing")
    authority.require(by, "stop_recovery", row)
    with entered_first("grant of a new key forgotten", recovery, act="stop_recovery", by=by) as detail:
        gone = tellings.stop_granted(recovery, row.person.ref, by.ref)
        detail |= {"person": row.person.ref, "steps": gone}
    return gone


@operation("replace_key", "office")
def replace_key(recovery: str, code: str, passphrase: str) -> dict[str, Any]:
    """A new key pair for someone who lost theirs. The vault looks itself at who granted it and how long ago."""
    row = Recovery.objects.select_related("person").filter(ref=recovery).first()
    LIMITS.try_once(f"code {recovery}", known=row is not None)
    recovery_rules.check_code(row, code)
    assert row is not None
    # What the office's tables say is not enough: two live sessions told the vault itself, and its own clock counted.
    tellings.check_granted(recovery, row.person.ref, hours=lifecycle.DELAY_HOURS)
    public, wrapped = stretching.new_user_key(passphrase)
    with entered_first("key replaced", recovery, act="", by=row.person) as detail:
        made = personkeys.replace_person_key(row.person.ref, public, wrapped)
        tellings.forget_granted(recovery)
        detail |= {"person": row.person.ref, **made}
    LIMITS.succeeded(f"code {recovery}")
    CHAMBER.end_all_of(row.person.ref)
    return made


def reader(token: str | None) -> tuple[Person, bytes]:
    """The person of a live session and their key, for this moment, in an open vault. Raises Refused with what would help."""
    person, _session, private = holder(token or "")
    vaultkeys.root()
    return person, private


# --- opening ------------------------------------------------------------------------------------------------------


@operation("open", "office")
def open_fields(token: str, ref: str, fields: Sequence[str], purpose: str) -> dict[str, str]:
    """Sealed fields of one object in plain text, to be read here (`opened_for`)."""
    return opened_for(token, ref, fields, purpose)


def opened_for(token: str, ref: str, fields: Sequence[str], purpose: str, *, leaves: str = "") -> dict[str, str]:
    """Sealed fields of one object in plain text: policy, live consent, daily budget, the record, then the key.

    What the person may not see is answered like what does not exist. `leaves`: why it leaves the office, where it does.
    """
    person, private = reader(token)
    obj, blobs = actions.enter_opening(str(ref), list(fields), purpose=purpose, leaves=leaves, by=person)
    return roomkeys.open_fields(obj.ref, obj.compartment, type(obj).__name__, blobs, person=person.ref, private=private)


# --- rooms, seats, keepers ----------------------------------------------------------------------------------------


@operation("new_compartment", "office")
def new_compartment(token: str, name: str, readers: Sequence[str]) -> str:
    """Open a compartment for its first readers."""
    by = vouched(token, "open_compartment", "compartments")
    standing.check_settled(readers, lambda p: _covers(p, name))
    with entered_first("compartment opened", name, act="open_compartment", by=by) as detail:
        fingerprint = roomkeys.new_compartment(name, list(readers))
        detail |= {"readers": sorted(readers), "public_key_sha256": fingerprint}
    return fingerprint


def _covers(person: Person, name: str) -> bool:
    return any(name == s or name.startswith(f"{s}/") for s in person.principal().compartments)


@operation("admit", "office")
def admit(token: str, name: str, person: str) -> bool:
    """Let another person read a compartment, with the key of someone who does."""
    by, private = reader(token)
    vouched(token, "admit_reader", "compartments")
    theirs = _active(ref=person)
    if theirs is None or not _covers(theirs, name):
        raise Refused(_("Their roles do not cover this compartment. Ask for the role first."), reason="not_authorised")
    standing.check_settled([person], lambda p: _covers(p, name))
    with entered_first("reader admitted", name, act="admit_reader", by=by) as detail:
        roomkeys.admit_reader(name, person, by=by.ref, private=private)
        detail["person"] = person
    return True


@operation("remove_reader", "office")
def remove_reader(token: str, name: str, person: str) -> int:
    """Take a reader's wrap of a compartment away."""
    by = vouched(token, "remove_reader", "compartments")
    # Whoever leads the work of one room takes nobody out of another; the registrar acts on every departure.
    if "registrar" not in by.roles and not roomkeys.reads(by.ref, name):
        raise Refused(
            _("Only the registrar, or someone who reads this compartment, takes a reader out of it."), reason="no_key"
        )
    with entered_first("reader removed", name, act="remove_reader", by=by) as detail:
        removed = roomkeys.remove_reader(name, person)
        if not removed:
            raise Refused(_("They do not read this compartment."), reason="no_key")
        detail["person"] = person
    return removed


@operation("rotate", "office")
def rotate(token: str, name: str) -> dict[str, Any]:
    """A new key pair for a compartment; every data key in it is wrapped again."""
    by, private = reader(token)
    vouched(token, "rotate_compartment", "compartments")
    with entered_first("compartment rotated", name, act="rotate_compartment", by=by) as detail:
        detail |= roomkeys.rotate(name, by=by.ref, private=private)
    return dict(detail)


@operation("rooms", "office")
def rooms() -> list[dict[str, Any]]:
    """Compartments with their readers' references and fingerprints, for the vault's own page. No key."""
    from answerable.vault.models import Compartment

    return [
        {"name": c.name, "public_key_sha256": seal.fingerprint(bytes(c.public_key)), "made_at": c.made_at.isoformat(),
         "readers": sorted(r.person for r in c.readers.all())}
        for c in Compartment.objects.prefetch_related("readers").order_by("name")
    ]  # fmt: skip


@operation("fill_seat", "office")
def fill_seat(token: str, name: str, body: str, public_key: bytes) -> str:
    """Enter a seat's public key."""
    by = vouched(token, "fill_seat", "seats")
    with entered_first("identity seat filled", name, act="fill_seat", by=by) as detail:
        detail["public_key_sha256"] = fingerprint = seatkeys.fill_seat(name, body, public_key)
    return fingerprint


def _may_keep(keepers: Sequence[str]) -> list[str]:
    """The references of people at work here whose offices keep a vault. Raises Refused for anyone else."""
    for ref in keepers:
        person = _active(ref=ref)
        if person is None or not authority.allows(person, "keep_vault", Place("vault")):
            raise Refused(
                _("A vault is kept by the registrar, the administrator, safeguarding officers and custodians."),
                reason="keepers",
            )
    standing.check_settled(keepers, lambda p: authority.allows(p, "keep_vault", Place("vault")))
    return sorted(set(keepers))


@operation("found_root", "office")
def found_root(keepers: Sequence[str], founder: str) -> bool:
    """Make the root key for these keepers, once, and the key to which browsers seal; the vault is open afterwards."""
    by = vouched("", "found_vault", "vault", founder=founder)
    refs = _may_keep(keepers)
    with entered_first("vault founded", "VAULT", act="found_vault", by=by) as detail:
        vaultkeys.found_root(refs)
        door_key = seal.fingerprint(vaultkeys.service_public(arrivals.SERVICE))
        says = {"keepers": refs, "door_key_sha256": door_key}
        # From here on what the vault enters has its word, and nothing without one is believed as from before.
        detail |= {**says, recorded.WORD: recorded.word("vault founded", says)}
    return True


@operation("change_keepers", "office")
def change_keepers(token: str, keepers: Sequence[str]) -> bool:
    """Name other keepers while the vault is open. Those who are no longer named keep nothing."""
    by = vouched(token, "change_keepers", "vault")
    refs = _may_keep(keepers)
    with entered_first("keepers changed", "VAULT", act="change_keepers", by=by) as detail:
        vaultkeys.change_keepers(refs)
        detail["keepers"] = refs
    return True


@operation("keepers", "office")
def keepers() -> list[str]:
    """Who keeps the vault."""
    return vaultkeys.keepers()


@operation("bring_half", "office")
def bring_half(token: str) -> dict[str, Any]:
    """A keeper brings their half; with a second one's, the vault opens. Recorded either way."""
    person, _session, private = holder(token)
    actions.may_keep(person)
    was_locked = CHAMBER.is_locked()
    if not was_locked and person.ref not in vaultkeys.keepers():
        raise Refused(_("You are not one of this vault's keepers."), reason="keepers")
    opened = vaultkeys.bring_half(person.ref, private) if was_locked else False
    if not was_locked:
        CHAMBER.heard = _now()
    # Each unlocking names the key to which browsers seal from then on: one put in its place has no such entry.
    door_key = seal.fingerprint(vaultkeys.service_public(arrivals.SERVICE)) if opened else ""
    actions.note_half(opened=opened, was_locked=was_locked, door_key_sha256=door_key, by=person)
    return {"open": not CHAMBER.is_locked(), "opened": opened}


@operation("vault_state", "office")
def vault_state() -> dict[str, Any]:
    """Open or locked and why, who keeps it, whose half is here, when it was locked and how long ago a keeper was heard. No key."""
    here = CHAMBER.halves_brought()
    locked = CHAMBER.is_locked()
    return {
        "locked": locked,
        "why": CHAMBER.why_locked,
        "founded": RootKey.objects.exists(),
        "demonstration": CHAMBER.demonstration,
        "keepers": [{"person": k, "half": k in here} for k in vaultkeys.keepers()],
        "locked_at": CHAMBER.locked_at.isoformat() if locked else "",
        "heard_minutes": 0 if locked else int((_now() - CHAMBER.heard) // 60),
        "sessions": len(CHAMBER.sessions),
    }


def _now() -> float:
    from answerable.vault import chamber

    return chamber.seconds()


@operation("lock", "office")
def lock(token: str) -> bool:
    """Lock the vault at once: anyone who inspects or keeps it may. The lock comes first, its entry after."""
    person, _session, _private = holder(token)
    actions.may_lock(person)
    CHAMBER.lock("an inspector locked it")
    actions.note_lock(by=person)
    return True


@operation("lock_here", "host")
def lock_here() -> bool:
    """Lock from the vault's own machine, whoever is at it."""
    CHAMBER.lock("it was locked from its own machine")
    return True


@operation("locked_here", "host")
def locked_here() -> bool:
    """Whether the vault is locked."""
    return CHAMBER.is_locked()
