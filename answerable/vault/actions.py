"""Keys, compartments, reading what is sealed, and signing in.

What an officer decides is an action of the office that then asks the vault; what the vault answers for itself (openings,
sessions, locks) is an action that runs in the vault process, whose entry is written before anything is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record import log as record
from answerable.record.models import Entry, Head
from answerable.vault import budget, keeping
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask

# --- decided in the office ----------------------------------------------------------------------------------------


@action("enrol_key")
def enrol_key(person: Person, passphrase: str, *, by: HasPrincipal) -> str:
    """Give a person their key pair, opened by a passphrase only they know. Once; a lost one needs a ceremony.

    Returns the public key's fingerprint, which the record shows so that a substituted key is seen.
    """
    authority.require(by, "enrol_key", Place("people"))
    if not 15 <= len(passphrase) <= 128:
        raise Refused(_("A passphrase has 15 to 128 characters; six words do well."), reason="passphrase")
    fingerprint: str = ask("enrol", person=person.ref, passphrase=passphrase)
    record.append("key enrolled", person, by=by, detail={"public_key_sha256": fingerprint})
    return fingerprint


@action("open_compartment")
def open_compartment(name: str, readers: list[Person], *, by: HasPrincipal) -> str:
    """Make a compartment's key pair and wrap its private half to its first readers. Returns the fingerprint."""
    authority.require(by, "open_compartment", Place("compartments"))
    refs = sorted(p.ref for p in readers)
    fingerprint: str = ask("new_compartment", name=name, readers=refs)
    record.append("compartment opened", name, by=by, detail={"readers": refs, "public_key_sha256": fingerprint})
    return fingerprint


@action("admit_reader")
def admit_reader(name: str, person: Person, *, by: Person) -> None:
    """Wrap a compartment's key to another person whose roles cover it. Needs the key of someone who already reads it."""
    authority.require(by, "admit_reader", Place("compartments"))
    if not by.vault_session:
        raise Refused(
            _("Only someone who reads this compartment, with their key unlocked, can admit another."), reason="no_key"
        )
    ask("admit", token=by.vault_session, name=name, person=person.ref)
    record.append("reader admitted", name, by=by, detail={"person": person.ref})


@action("remove_reader")
def remove_reader(name: str, person: Person, *, by: Person) -> None:
    """Take a reader's wrap away; rotate afterwards when the person left on suspicion."""
    authority.require(by, "remove_reader", Place("compartments"))
    if not ask("remove_reader", name=name, person=person.ref):
        raise Refused(_("They do not read this compartment."), reason="no_key")
    record.append("reader removed", name, by=by, detail={"person": person.ref})


@action("rotate_compartment")
def rotate_compartment(name: str, *, by: Person) -> dict[str, Any]:
    """A new key pair for a compartment: on a departure, on suspicion, yearly. No text is touched."""
    authority.require(by, "rotate_compartment", Place("compartments"))
    if not by.vault_session:
        raise Refused(_("Unlock your key first; rotation opens each data key once to wrap it again."), reason="locked")
    made: dict[str, Any] = ask("rotate", token=by.vault_session, name=name)
    record.append("compartment rotated", name, by=by, detail=made)
    return made


@action("fill_seat")
def fill_seat(name: str, body: str, public_key: bytes, *, by: HasPrincipal) -> str:
    """Enter the public key of an identity seat. The private half was made, and stays, on the holder's own machine."""
    authority.require(by, "fill_seat", Place("seats"))
    fingerprint: str = ask("fill_seat", name=name, body=body, public_key=public_key)
    record.append("identity seat filled", name, by=by, detail={"public_key_sha256": fingerprint})
    return fingerprint


@action("found_vault")
def found_vault(keepers: Sequence[Person], *, by: HasPrincipal) -> None:
    """Make the vault's root key, which from then on two of these keepers bring back together."""
    authority.require(by, "found_vault", Place("vault"))
    refs = sorted(p.ref for p in keepers)
    ask("found_root", keepers=refs)
    record.append("vault founded", "VAULT", by=by, detail={"keepers": refs})


@action("change_keepers")
def change_keepers(keepers: Sequence[Person], *, by: HasPrincipal) -> None:
    """Name other keepers, while the vault is open."""
    authority.require(by, "change_keepers", Place("vault"))
    refs = sorted(p.ref for p in keepers)
    ask("change_keepers", keepers=refs)
    record.append("keepers changed", "VAULT", by=by, detail={"keepers": refs})


def read(obj: Any, field: str, *, purpose: str, by: Person) -> str:
    """The plain text of one sealed field, for one purpose, to a person whose own key opens it.

    Asked of the vault, which decides again and writes the entry. Raises Refused with what would help; a person who may
    not see `obj` never gets this far (access answers 404).
    """
    return keeping.open_fields(obj.ref, [field], purpose=purpose, token=by.vault_session)[field]


# --- answered for by the vault itself -----------------------------------------------------------------------------


@action("read_sealed")
def enter_opening(ref: str, fields: Sequence[str], *, purpose: str, by: Person) -> tuple[Any, dict[str, bytes]]:
    """Decide on an opening and write its entry; returns the object and what is to be opened. No key was touched yet.

    Within the person's own row scope: policy, live consent (SC-4), the day's budget, then one entry for all the fields.
    """
    obj = next((o for o in question("sealed_object").ask(ref) if o is not None), None)
    if obj is None:
        raise Refused(_("There is nothing sealed here for you."), reason="nothing")
    authority.require(by, "read_sealed", obj, purpose=purpose)
    if any(answer is False for answer in question("live_consent").ask(obj, purpose)):
        raise Refused(_("There is no live consent for this purpose, so it stays sealed (SC-4)."), reason="consent")
    from answerable.vault.models import SealedField

    columns = {f.name for f in type(obj)._meta.concrete_fields if isinstance(f, SealedField)}
    if not fields or set(fields) - columns:
        raise Refused(_("There is no such sealed field here."), reason="field")
    _within_budget(obj, by)
    _record_is_what_it_was()
    entry = record.append("sealed field read", obj, by=by, detail={"fields": sorted(fields), "purpose": purpose})
    if CHAMBER.watches_record:
        transaction.on_commit(lambda: setattr(CHAMBER, "seen", (entry.index, bytes(entry.leaf))))
    return obj, {f: bytes(getattr(obj, f)) for f in fields}


def opened_on_day(person: str, prefix: str) -> set[str]:
    """References of one kind that a person opened today."""
    start = datetime.combine(clock.today(), time.min, tzinfo=clock.now().tzinfo)
    found = Entry.objects.filter(actor=person, action="sealed field read", at__gte=start, subject__startswith=prefix)
    return set(found.values_list("subject", flat=True))


def _within_budget(obj: Any, by: Person) -> None:
    opened = opened_on_day(by.ref, obj.ref[:3])
    if obj.ref not in opened and len(opened) >= budget.limit(obj.ref):
        raise Refused(
            _("You have opened %(n)d files today, which is the limit for a day. If the work needs more, ask the data "
              "protection officer; tomorrow the count begins again.") % {"n": len(opened)},
            reason="budget",
        )  # fmt: skip


def _record_is_what_it_was() -> None:
    """The record may grow and never shrink or change under the vault's feet; otherwise it locks at once."""
    if CHAMBER.seen is None:
        return
    index, leaf = CHAMBER.seen
    entry = Entry.objects.filter(index=index).first()
    size = Head.objects.values_list("size", flat=True).get(pk=1)
    if entry is None or bytes(entry.leaf) != leaf or size <= index:
        CHAMBER.lock("the record is not what it was")
        raise Refused(
            _("The record is not what it was a moment ago, so the vault has locked itself. Tell the keepers."),
            reason="vault_locked",
        )


@action("sign_in")
def note_sign_in(person: Person, *, by: HasPrincipal) -> None:
    """Someone's key was opened for a session."""
    record.append("signed in", person, by=by)


@action("keep_vault")
def note_half(*, opened: bool, was_locked: bool, by: Person) -> None:
    """A keeper brought a half, opened the vault with the second, or was heard."""
    authority.require(by, "keep_vault", Place("vault"))
    what = "vault unlocked" if opened else "vault half brought" if was_locked else "vault keeper heard"
    record.append(what, "VAULT", by=by)


def may_lock(person: Person) -> None:
    """Raises Refused unless this person may lock the vault."""
    authority.require(person, "lock_vault", Place("vault"))


@action("lock_vault")
def note_lock(*, by: Person) -> None:
    """The vault was locked."""
    record.append("vault locked", "VAULT", by=by)
