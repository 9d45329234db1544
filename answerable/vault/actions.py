"""Keys, compartments, reading what is sealed, and signing in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record import log as record
from answerable.vault import keeping, seal, userkeys
from answerable.vault.models import Compartment, PersonKey, Reader, Seat


@action("enrol_key")
def enrol_key(person: Person, passphrase: str, *, by: HasPrincipal) -> PersonKey:
    """Give a person their key pair, opened by a passphrase only they know. Once; a lost one needs a ceremony."""
    authority.require(by, "enrol_key", Place("people"))
    if PersonKey.objects.filter(person=person.ref).exists():
        raise Refused(_("This person already has a key."), reason="duplicate")
    if not 15 <= len(passphrase) <= 128:
        raise Refused(_("A passphrase has 15 to 128 characters; six words do well."), reason="passphrase")
    public, wrapped = userkeys.new_user_key(passphrase)
    key = PersonKey.objects.create(person=person.ref, public_key=public, wrapped_private=wrapped, made_at=clock.now())
    record.append("key enrolled", person, by=by, detail={"public_key_sha256": seal.fingerprint(public)})
    return key


@action("open_compartment")
def open_compartment(name: str, readers: list[Person], *, by: HasPrincipal) -> Compartment:
    """Make a compartment's key pair and wrap its private half to its first readers; the server keeps no copy."""
    authority.require(by, "open_compartment", Place("compartments"))
    if Compartment.objects.filter(name=name).exists():
        raise Refused(_("That compartment is already open."), reason="duplicate")
    keys = {k.person: k for k in PersonKey.objects.filter(person__in=[p.ref for p in readers])}
    if not keys or len(keys) != len(readers):
        raise Refused(
            _("Every first reader needs a key of their own, and there must be at least one."), reason="no_key"
        )
    public, private = seal.new_key_pair()
    room = Compartment.objects.create(name=name, public_key=public, made_at=clock.now())
    for ref, key in keys.items():
        Reader.objects.create(
            compartment=room,
            person=ref,
            wrapped=seal.wrap(bytes(key.public_key), private, keeping.reader_context(name, ref)),
        )
    record.append(
        "compartment opened",
        name,
        by=by,
        detail={"readers": sorted(keys), "public_key_sha256": seal.fingerprint(public)},
    )
    return room


@action("admit_reader")
def admit_reader(name: str, person: Person, *, by: Person) -> Reader:
    """Wrap a compartment's key to another person whose roles cover it. Needs the key of someone who already reads it."""
    authority.require(by, "admit_reader", Place("compartments"))
    room = Compartment.objects.filter(name=name).first()
    mine = Reader.objects.filter(compartment=room, person=by.ref).first() if room else None
    if room is None or mine is None or by.unlocked is None:
        raise Refused(
            _("Only someone who reads this compartment, with their key unlocked, can admit another."), reason="no_key"
        )
    scopes = person.principal().compartments
    if not any(name == s or name.startswith(f"{s}/") for s in scopes):
        raise Refused(_("Their roles do not cover this compartment. Ask for the role first."), reason="not_authorised")
    theirs = PersonKey.objects.filter(person=person.ref).first()
    if theirs is None:
        raise Refused(_("They have no key yet; they must enrol one first."), reason="no_key")
    private = seal.unwrap(by.unlocked, bytes(mine.wrapped), keeping.reader_context(name, by.ref))
    reader, _made = Reader.objects.update_or_create(
        compartment=room,
        person=person.ref,
        defaults={"wrapped": seal.wrap(bytes(theirs.public_key), private, keeping.reader_context(name, person.ref))},
    )
    record.append("reader admitted", name, by=by, detail={"person": person.ref})
    return reader


@action("fill_seat")
def fill_seat(name: str, body: str, public_key: bytes, *, by: HasPrincipal) -> Seat:
    """Enter the public key of an identity seat. The private half was made, and stays, on the holder's own machine."""
    authority.require(by, "fill_seat", Place("seats"))
    if Seat.objects.filter(name=name).exists() or Seat.objects.filter(body=body).exists():
        raise Refused(
            _("That seat, or a seat of that body, is already filled; three seats sit in three bodies."),
            reason="duplicate",
        )
    if Seat.objects.count() >= 3:
        raise Refused(_("The three seats are filled."), reason="duplicate")
    seat = Seat.objects.create(name=name, body=body, public_key=public_key)
    record.append("identity seat filled", name, by=by, detail={"public_key_sha256": seal.fingerprint(public_key)})
    return seat


@action("read_sealed")
def read(obj: Any, field: str, *, purpose: str, by: Person) -> str:
    """The plain text of one sealed field, for one purpose, to a person whose own key opens it.

    Order matters: policy, live consent (SC-4), the record entry, and only then the key. Raises Refused with what
    would help; a person who may not see `obj` never gets this far (access answers 404).
    """
    authority.require(by, "read_sealed", obj, purpose=purpose)
    if any(answer is False for answer in question("live_consent").ask(obj, purpose)):
        raise Refused(_("There is no live consent for this purpose, so it stays sealed (SC-4)."), reason="consent")
    if by.unlocked is None:
        raise Refused(_("Your key is locked. Unlock it with your passphrase to read what is sealed."), reason="locked")
    record.append("sealed field read", obj, by=by, detail={"field": field, "purpose": purpose})
    return keeping.open_field(
        obj.ref,
        obj.compartment,
        type(obj).__name__,
        field,
        bytes(getattr(obj, field)),
        person=by.ref,
        private=by.unlocked,
    )


@action("sign_in")
def sign_in(handle: str, passphrase: str, *, by: HasPrincipal) -> tuple[Person, bytes]:
    """The person and their unlocked private key. One sentence for every failure, at the same cost.

    Signing in tries the wrapped key itself: there is no password to compare or to steal beside it.
    """
    person = Person.objects.select_related("body__state").filter(handle=handle, is_active=True).first()
    key = PersonKey.objects.filter(person=person.ref).first() if person else None
    try:
        # Without a key the same work is done on a decoy, so time does not tell who exists.
        private = userkeys.open_user_key(bytes(key.wrapped_private) if key else userkeys.decoy(), passphrase)
    except userkeys.WrongPassphrase:
        private = None
    if person is None or key is None or private is None:
        raise Refused(_("Name and passphrase do not belong together. Check both and try again."), reason="sign_in")
    record.append("signed in", person, by=person)
    return person, private
