"""The vault's own operations. Runs in the vault process; the apps above add theirs to the same table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.vault import actions, keyroom, stretching, userkeys
from answerable.vault.chamber import CHAMBER
from answerable.vault.models import PersonKey, RootKey
from answerable.vault.service import operation


@operation("status", "office", "channel", "host")
def status() -> dict[str, Any]:
    """Whether the vault is locked and was ever founded. Says nothing else."""
    return {"locked": CHAMBER.is_locked(), "founded": RootKey.objects.exists(), "why": CHAMBER.why_locked,
            "demonstration": CHAMBER.demonstration}  # fmt: skip


# --- sealing ------------------------------------------------------------------------------------------------------


@operation("seal", "office", "channel")
def seal_fields(subject: str, compartment: str, model: str, fields: Mapping[str, str]) -> dict[str, bytes]:
    """Seal the texts of one new object."""
    return keyroom.seal_fields(subject, compartment, model, fields)


@operation("seal_identity", "office", "channel")
def seal_identity(subject: str, fields: Mapping[str, str]) -> bool:
    """Seal who someone is for the three seats."""
    keyroom.seal_identity(subject, fields)
    return True


@operation("put_data_key", "office", "channel")
def put_data_key(subject: str, compartment: str, key: bytes) -> bool:
    """Keep an upload's one-time key for its compartment."""
    keyroom.put_data_key(subject, compartment, key)
    return True


@operation("salt", "office", "channel")
def salt(index: int, subject: str) -> bytes:
    """The salt of one record entry."""
    return keyroom.salt(index, subject)


@operation("salts", "office")
def salts(pairs: Sequence[tuple[int, str]]) -> list[bytes | None]:
    """Salts of many record entries, for an export."""
    return keyroom.salts(pairs)


# --- persons and their sessions -----------------------------------------------------------------------------------


@operation("enrol", "office")
def enrol(person: str, passphrase: str) -> str:
    """A person's key pair under their passphrase; returns the fingerprint."""
    public, wrapped = stretching.new_user_key(passphrase)
    return keyroom.put_person_key(person, public, wrapped)


@operation("sign_in", "office")
def sign_in(handle: str, passphrase: str) -> dict[str, Any]:
    """A session for whoever's passphrase opens their key. One sentence for every failure, at the same cost."""
    person = Person.objects.select_related("body__state").filter(handle=handle, is_active=True).first()
    key = PersonKey.objects.filter(person=person.ref).first() if person else None
    try:
        # Without a key the same work is done on a decoy, so time does not tell who exists.
        private = stretching.open_user_key(bytes(key.wrapped_private) if key else userkeys.decoy(), passphrase)
    except userkeys.WrongPassphrase:
        private = None
    if person is None or key is None or private is None:
        raise Refused(_("Name and passphrase do not belong together. Check both and try again."), reason="sign_in")
    actions.note_sign_in(person, by=person)
    return {"person": person.ref, "token": CHAMBER.begin(person.ref, private, person.epoch)}


@operation("touch", "office")
def touch(token: str) -> dict[str, Any]:
    """Whose session this is and whether it still opens anything; asking keeps it alive."""
    session = CHAMBER.find(token)
    return {
        "person": session.person if session else "",
        "fresh": session is not None and CHAMBER.is_fresh(session),
        "locked": CHAMBER.is_locked(),
    }


@operation("confirm", "office")
def confirm(token: str, passphrase: str) -> bool:
    """Whoever's session this is confirms that it is they, before an act that asks for it. Raises Refused."""
    session = CHAMBER.find(token)
    key = PersonKey.objects.filter(person=session.person).first() if session else None
    try:
        stretching.open_user_key(bytes(key.wrapped_private) if key else userkeys.decoy(), passphrase)
    except userkeys.WrongPassphrase:
        raise Refused(_("That is not your passphrase. Check it and try again."), reason="sign_in") from None
    if session is None:
        raise Refused(_("Your session has ended. Sign in again."), reason="locked")
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


def reader(token: str | None) -> tuple[Person, bytes]:
    """The person of a live session and their key, for this moment. Raises Refused with what would help.

    The person is looked up afresh: whoever was suspended or lost a role a second ago opens nothing.
    """
    session = CHAMBER.find(token) if token else None
    person = (
        Person.objects.select_related("body__state").filter(ref=session.person, is_active=True).first()
        if session
        else None
    )
    if session is None or person is None or person.epoch != session.epoch:
        if token:
            CHAMBER.end(token)
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    keyroom.root()
    private = CHAMBER.private(token or "")
    if private is None:
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    person.vault_session, person.fresh = token, CHAMBER.is_fresh(session)
    return person, private


# --- opening ------------------------------------------------------------------------------------------------------


@operation("open", "office")
def open_fields(token: str, ref: str, fields: Sequence[str], purpose: str) -> dict[str, str]:
    """Sealed fields of one object in plain text: policy, live consent, daily budget, the record, then the key.

    What the person may not see is answered like what does not exist.
    """
    person, private = reader(token)
    obj, blobs = actions.enter_opening(str(ref), list(fields), purpose=purpose, by=person)
    return keyroom.open_fields(obj.ref, obj.compartment, type(obj).__name__, blobs, person=person.ref, private=private)


# --- rooms, seats, keepers ----------------------------------------------------------------------------------------


@operation("new_compartment", "office")
def new_compartment(name: str, readers: Sequence[str]) -> str:
    """Open a compartment for its first readers."""
    return keyroom.new_compartment(name, list(readers))


@operation("admit", "office")
def admit(token: str, name: str, person: str) -> bool:
    """Let another person read a compartment, with the key of someone who does."""
    by, private = reader(token)
    theirs = Person.objects.select_related("body__state").filter(ref=person, is_active=True).first()
    scopes = theirs.principal().compartments if theirs else frozenset()
    if not any(name == s or name.startswith(f"{s}/") for s in scopes):
        raise Refused(_("Their roles do not cover this compartment. Ask for the role first."), reason="not_authorised")
    keyroom.admit_reader(name, person, by=by.ref, private=private)
    return True


@operation("remove_reader", "office")
def remove_reader(name: str, person: str) -> int:
    """Take a reader's wrap of a compartment away."""
    return keyroom.remove_reader(name, person)


@operation("rotate", "office")
def rotate(token: str, name: str) -> dict[str, Any]:
    """A new key pair for a compartment; every data key in it is wrapped again."""
    by, private = reader(token)
    return keyroom.rotate(name, by=by.ref, private=private)


@operation("rooms", "office")
def rooms() -> list[dict[str, Any]]:
    """Compartments with their readers' references and fingerprints, for the vault's own page. No key."""
    from answerable.vault import seal
    from answerable.vault.models import Compartment

    return [
        {"name": c.name, "public_key_sha256": seal.fingerprint(bytes(c.public_key)), "made_at": c.made_at.isoformat(),
         "readers": sorted(r.person for r in c.readers.all())}
        for c in Compartment.objects.prefetch_related("readers").order_by("name")
    ]  # fmt: skip


@operation("fill_seat", "office")
def fill_seat(name: str, body: str, public_key: bytes) -> str:
    """Enter a seat's public key."""
    return keyroom.fill_seat(name, body, public_key)


@operation("found_root", "office")
def found_root(keepers: Sequence[str]) -> bool:
    """Make the root key for these keepers; the vault is open afterwards."""
    keyroom.found_root(list(keepers))
    return True


@operation("change_keepers", "office")
def change_keepers(keepers: Sequence[str]) -> bool:
    """Name other keepers while the vault is open."""
    keyroom.change_keepers(list(keepers))
    return True


@operation("keepers", "office")
def keepers() -> list[str]:
    """Who keeps the vault."""
    return keyroom.keepers()


@operation("bring_half", "office")
def bring_half(token: str) -> dict[str, Any]:
    """A keeper brings their half; with a second one's, the vault opens. Recorded either way."""
    session = CHAMBER.find(token)
    private = CHAMBER.private(token)
    person = Person.objects.select_related("body__state").filter(ref=session.person).first() if session else None
    if person is None or private is None:
        raise Refused(_("Your key is locked. Sign in again, then bring your half."), reason="locked")
    was_locked = CHAMBER.is_locked()
    opened = keyroom.bring_half(person.ref, private) if was_locked else False
    if not was_locked:
        CHAMBER.heard = _now()
    actions.note_half(opened=opened, was_locked=was_locked, by=person)
    return {"open": not CHAMBER.is_locked(), "opened": opened}


def _now() -> float:
    from answerable.vault import chamber

    return chamber.seconds()


@operation("lock", "office")
def lock(token: str) -> bool:
    """Lock the vault at once: anyone who inspects or keeps it may. The lock comes first, its entry after."""
    session = CHAMBER.find(token)
    person = Person.objects.select_related("body__state").filter(ref=session.person).first() if session else None
    if person is None:
        raise Refused(_("Sign in again to lock the vault."), reason="locked")
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
