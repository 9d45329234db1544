"""Keys, compartments, reading what is sealed, and signing in.

What an officer decides is an action of the office that then asks the vault; what the vault answers for itself (openings,
sessions, locks) is an action that runs in the vault process, whose entry is written before anything is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Subquery
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.record import log as record
from answerable.record.models import Entry, Head
from answerable.vault import budget, keeping, lifecycle, recorded, recovery, userkeys
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask
from answerable.vault.consent.queries import standing_still
from answerable.vault.models import Recovery

# --- decided in the office ----------------------------------------------------------------------------------------


def token_of(by: Person) -> str:
    """The session in which someone acts, whether the vault is open or not; '' without one."""
    return by.session_token or by.vault_session or ""


def enrol_key(person: Person, passphrase: str, *, by: Person) -> str:
    """Give a person their key pair, opened by a passphrase only they know. Once; a lost one needs a ceremony.

    Returns the public key's fingerprint, which the record shows so that a substituted key is seen.
    """
    authority.require(by, "enrol_key", Place("people"))
    check_passphrase(passphrase)
    fingerprint: str = ask("enrol", person=person.ref, passphrase=passphrase, token=token_of(by), founder=by.ref)
    return fingerprint


def open_compartment(name: str, readers: list[Person], *, by: Person) -> str:
    """Make a compartment's key pair and wrap its private half to its first readers. Returns the fingerprint."""
    authority.require(by, "open_compartment", Place("compartments"))
    refs = sorted(p.ref for p in readers)
    fingerprint: str = ask("new_compartment", token=token_of(by), name=name, readers=refs)
    return fingerprint


def admit_reader(name: str, person: Person, *, by: Person) -> None:
    """Wrap a compartment's key to another person whose roles cover it. Needs the key of someone who already reads it."""
    authority.require(by, "admit_reader", Place("compartments"))
    if not by.vault_session:
        raise Refused(
            _("Only someone who reads this compartment, with their key unlocked, can admit another."), reason="no_key"
        )
    ask("admit", token=by.vault_session, name=name, person=person.ref)


def remove_reader(name: str, person: Person, *, by: Person) -> None:
    """Take a reader's wrap away; rotate afterwards when the person left on suspicion."""
    authority.require(by, "remove_reader", Place("compartments"))
    ask("remove_reader", token=token_of(by), name=name, person=person.ref)


def rotate_compartment(name: str, *, by: Person) -> dict[str, Any]:
    """A new key pair for a compartment: on a departure, on suspicion, yearly. No text is touched."""
    authority.require(by, "rotate_compartment", Place("compartments"))
    if not by.vault_session:
        raise Refused(_("Unlock your key first; rotation opens each data key once to wrap it again."), reason="locked")
    made: dict[str, Any] = ask("rotate", token=by.vault_session, name=name)
    return made


def fill_seat(name: str, body: str, public_key: bytes, *, by: Person) -> str:
    """Enter the public key of an identity seat. The private half was made, and stays, on the holder's own machine."""
    authority.require(by, "fill_seat", Place("seats"))
    fingerprint: str = ask("fill_seat", token=token_of(by), name=name, body=body, public_key=public_key)
    return fingerprint


def found_vault(keepers: Sequence[Person], *, by: Person) -> None:
    """Make the vault's root key, which from then on two of these keepers bring back together."""
    authority.require(by, "found_vault", Place("vault"))
    ask("found_root", keepers=sorted(p.ref for p in keepers), founder=by.ref)


def change_keepers(keepers: Sequence[Person], *, by: Person) -> None:
    """Name other keepers, while the vault is open."""
    authority.require(by, "change_keepers", Place("vault"))
    ask("change_keepers", token=token_of(by), keepers=sorted(p.ref for p in keepers))


# --- what opens one's own key -------------------------------------------------------------------------------------


def check_passphrase(passphrase: str) -> None:
    """Raises Refused for a passphrase that is too short, too long, or one of those everybody tries first (ASVS 6.2)."""
    if not 15 <= len(passphrase) <= 128:
        raise Refused(_("A passphrase has 15 to 128 characters; six words do well."), reason="passphrase")
    words = userkeys.normalise(passphrase).split()
    if len({*"".join(words)}) < 6 or (len(words) > 1 and len(set(words)) == 1):
        raise Refused(
            _("That passphrase repeats too few letters or words. Six different words do well."), reason="passphrase"
        )


def add_passkey(person: Person, *, origin: str, credential: str, secret: bytes, name: str, by: Person) -> None:
    """Keep a passkey of one's own; the key it opens is the same one. Needs a session confirmed a short while ago.

    The vault enters it.
    """
    authority.require(by, "keep_keys", Place("keys"))
    _own(person, by)
    ask("add_passkey", token=token_of(by), origin=origin, credential=credential, secret=secret,
        name=name.strip()[:60] or _("Passkey"))  # fmt: skip


@action("end_passkey")
def end_passkey(person: Person, number: int, *, by: Person) -> None:
    """End one of one's own passkeys, which the vault enters; and every session, for it may be in other hands."""
    authority.require(by, "keep_keys", Place("keys"))
    _own(person, by)
    ask("end_passkey", token=token_of(by), number=number)
    _end_sessions(person)
    record.append("sessions ended", person, by=by, reason="end_passkey")


@action("change_passphrase")
def change_passphrase(person: Person, old: str, new: str, *, by: Person) -> None:
    """Another passphrase for the same key, which the vault enters. The old one is asked, and every session ends."""
    authority.require(by, "keep_keys", Place("keys"))
    _own(person, by)
    check_passphrase(new)
    if userkeys.normalise(old) == userkeys.normalise(new):
        raise Refused(_("That is the passphrase you have. Choose another."), reason="passphrase")
    ask("change_passphrase", token=token_of(by), old=old, new=new)
    _end_sessions(person)
    record.append("sessions ended", person, by=by, reason="change_passphrase")


def _own(person: Person, by: Person) -> None:
    if person.pk != by.pk:
        raise Refused(_("What opens a key is changed by the person it belongs to."), reason="not_authorised")


def _end_sessions(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(epoch=F("epoch") + 1)


# --- a new key for someone who lost theirs ------------------------------------------------------------------------


@action("ask_recovery")
def ask_recovery(person: Person, *, by: Person) -> Recovery:
    """Ask that someone who lost everything that opens their key may begin again. A second person confirms it."""
    authority.require(by, "ask_recovery", Place("recoveries"))
    if person.pk == by.pk:
        raise Refused(_("Two others ask for and confirm a new key; you cannot ask for your own."), reason="SOD-13")
    if Recovery.objects.filter(person=person, status__in=lifecycle.OPEN).exists():
        raise Refused(_("A new key for this person is already asked for."), reason="duplicate")
    row = Recovery.objects.create(person=person, asked_by=by, asked_at=clock.now())
    ask("grant_recovery", token=token_of(by), recovery=row.ref, person=person.ref, step="asked")
    record.append("new key asked", row, by=by, to_state=row.status, detail={"person": person.ref})
    return row


@action("decide_recovery")
def decide_recovery(row: Recovery, name: str, *, by: Person) -> Recovery:
    """Confirm it, which begins 48 hours in which anyone who inspects may stop it; or stop it."""
    row = Recovery.objects.select_for_update().get(pk=row.pk)
    if name not in ("confirm_recovery", "stop_recovery"):
        raise Refused(_("That is not a step of this."), reason="lifecycle")
    authority.require(by, name, row)
    before, row.status = row.status, next_status(lifecycle.RECOVERY_MOVES, name, status=row.status)
    if name == "confirm_recovery":
        # While the row still says what it says: the vault asks the same rules of it.
        ask("grant_recovery", token=token_of(by), recovery=row.ref, person=row.person.ref, step="confirmed")
        row.confirmed_by, row.ready_at = by, clock.now() + timedelta(hours=lifecycle.DELAY_HOURS)
    else:
        # The vault forgets what granted it: no row written later makes it grant anything again.
        ask("stop_recovery", token=token_of(by), recovery=row.ref)
        row.code_sha256 = ""
    row.save(update_fields=["status", "confirmed_by", "ready_at", "code_sha256"])
    record.append(name.replace("_", " "), row, by=by, from_state=before, to_state=row.status)
    return row


@action("make_code")
def make_code(row: Recovery, *, by: Person) -> tuple[Recovery, str]:
    """After the 48 hours, a code to hand over in person: good once, for three days. Only its hash is kept."""
    row = Recovery.objects.select_for_update().get(pk=row.pk)
    authority.require(by, "make_code", row)
    now = clock.now()
    before, row.status = row.status, next_status(lifecycle.RECOVERY_MOVES, "make_code", status=row.status)
    if row.ready_at is None or now < row.ready_at:
        raise Refused(
            _("The 48 hours in which this can be stopped end on %(when)s UTC; until then there is no code.")
            % {"when": row.ready_at.strftime("%Y-%m-%d %H:%M") if row.ready_at else "–"},
            reason="too_early",
        )
    code = recovery.new_code()
    row.code_sha256, row.code_until = recovery.digest(code), now + timedelta(hours=lifecycle.CODE_HOURS)
    row.save(update_fields=["status", "code_sha256", "code_until"])
    record.append("code for a new key made", row, by=by, from_state=before, to_state=row.status)
    return row, code


@action("use_recovery")
def use_recovery(row: Recovery, code: str, passphrase: str, *, by: Person) -> dict[str, Any]:
    """The person begins again: a new key pair, every session ended, no compartment open to them until others admit them."""
    row = Recovery.objects.select_for_update().select_related("person").get(pk=row.pk)
    authority.require(by, "use_recovery", row)
    check_passphrase(passphrase)
    recovery.check_code(row, code)
    made: dict[str, Any] = ask("replace_key", recovery=row.ref, code=code, passphrase=passphrase)
    before, row.status = row.status, next_status(lifecycle.RECOVERY_MOVES, "use_recovery", status=row.status)
    row.code_sha256 = ""
    row.save(update_fields=["status", "code_sha256"])
    _end_sessions(row.person)
    record.append("new key made", row, by=by, from_state=before, to_state=row.status, detail=made)
    return made


def read(obj: Any, field: str, *, purpose: str, by: Person) -> str:
    """The plain text of one sealed field, for one purpose, to a person whose own key opens it.

    Asked of the vault, which decides again and writes the entry. Raises Refused with what would help; a person who may
    not see `obj` never gets this far (access answers 404).
    """
    return keeping.open_fields(obj.ref, [field], purpose=purpose, token=by.vault_session)[field]


# --- answered for by the vault itself -----------------------------------------------------------------------------


@action("key_work")
def note_key_work(what: str, subject: str, *, act: str, detail: Mapping[str, Any], by: HasPrincipal) -> None:
    """An act on keys, entered by the vault before the keys change for good; `by` was decided on by the vault."""
    record.append(what, subject, by=by, detail=dict(detail), reason=act)


@action("read_sealed")
def enter_opening(
    ref: str, fields: Sequence[str], *, purpose: str, leaves: str = "", by: Person
) -> tuple[Any, dict[str, bytes]]:
    """Decide on an opening and write its entry; returns the object and what is to be opened. No key was touched yet.

    Within the person's own row scope: policy, live consent (SC-4), the day's budget, then one entry for all the fields.
    No consent of the object changes meanwhile: a withdrawal comes before, and this is refused, or after, and the entry
    stands. `leaves` is a code for why what is opened leaves the office; whoever keeps custody of it decides on that too.
    """
    with standing_still(ref):
        return _enter_opening(ref, fields, purpose=purpose, leaves=leaves, by=by)


def _enter_opening(
    ref: str, fields: Sequence[str], *, purpose: str, leaves: str, by: Person
) -> tuple[Any, dict[str, bytes]]:
    obj = next((o for o in question("sealed_object").ask(ref) if o is not None), None)
    if obj is None:
        raise Refused(_("There is nothing sealed here for you."), reason="nothing")
    authority.require(by, "read_sealed", obj, purpose=purpose)
    if any(answer is False for answer in question("live_consent").ask(obj, purpose)):
        raise Refused(_why_sealed(ref, purpose), reason="consent")
    from answerable.vault.models import SealedField

    columns = {f.name for f in type(obj)._meta.concrete_fields if isinstance(f, SealedField)}
    if not fields or set(fields) - columns:
        raise Refused(_("There is no such sealed field here."), reason="field")
    # Counted with the record's head in hand, which every opening waits for: several at once are counted one by one.
    head = _record_as_it_was()
    _within_budget(obj, by)
    says = {"fields": sorted(fields), "purpose": purpose, "roles": ",".join(sorted(by.roles))[:200]}
    worded = recorded.with_word("sealed field read", obj.ref, actor=by.ref, says=says, reason=leaves, head=head)
    entry = record.append("sealed field read", obj, by=by, detail=worded, reason=leaves, head=head)
    question("opened").ask(obj, entry, purpose, by)
    if CHAMBER.watches_record:
        transaction.on_commit(lambda: setattr(CHAMBER, "seen", (entry.index, bytes(entry.leaf))))
    return obj, {f: bytes(getattr(obj, f)) for f in fields}


def _why_sealed(ref: str, purpose: str) -> str:
    """Why something stays sealed although the person might open it: everything was withdrawn, or this purpose is not given."""
    from answerable.vault.consent import survivor

    if closing := survivor.closing_words(ref):
        return closing
    needed = survivor.needed_words(purpose)
    return _(
        "She does not allow this now: %(purpose)s. So it stays sealed (SC-4). Ask her first, and write down her answer."
    ) % {"purpose": needed}


def opened_on_day(person: str, prefix: str) -> set[str]:
    """References of one kind that a person opened today, as the vault entered it."""
    start = datetime.combine(clock.today(), time.min, tzinfo=clock.now().tzinfo)
    found = Entry.objects.filter(actor=person, action="sealed field read", at__gte=start, subject__startswith=prefix)
    return {entry.subject for entry in recorded.the_vaults(found)}


def _within_budget(obj: Any, by: Person) -> None:
    opened = opened_on_day(by.ref, obj.ref[:3])
    if len(opened | {obj.ref}) > budget.limit(obj.ref):
        raise Refused(
            _("You have opened %(n)d files today, which is the limit for a day. If the work needs more, ask the data "
              "protection officer; tomorrow the count begins again.") % {"n": len(opened)},
            reason="budget",
        )  # fmt: skip


def _record_as_it_was() -> Head:
    """The record may grow and never shrink or change under the vault's feet; otherwise it locks at once.

    Returns the record's head, held.
    """
    if CHAMBER.seen is None:
        return record.hold()
    index, leaf = CHAMBER.seen
    head = record.hold(found=Subquery(Entry.objects.filter(index=index).values("leaf")))
    found = head.found  # type: ignore[attr-defined]
    if found is None or bytes(found) != leaf or head.size <= index:
        CHAMBER.lock("the record is not what it was")
        raise Refused(
            _("The record is not what it was a moment ago, so the vault has locked itself. Tell the keepers."),
            reason="vault_locked",
        )
    return head


@action("sign_in")
def note_sign_in(person: Person, *, how: str, by: HasPrincipal) -> None:
    """Someone's key was opened for a session, by a passphrase or a passkey."""
    record.append("signed in", person, by=by, detail={"with": how})


@action("keep_vault")
def note_half(*, opened: bool, was_locked: bool, door_key_sha256: str = "", by: Person) -> None:
    """A keeper brought a half, opened the vault with the second, or was heard."""
    authority.require(by, "keep_vault", Place("vault"))
    what = "vault unlocked" if opened else "vault half brought" if was_locked else "vault keeper heard"
    record.append(what, "VAULT", by=by, detail={"door_key_sha256": door_key_sha256} if door_key_sha256 else None)


def may_keep(person: Person) -> None:
    """Raises Refused unless this person may bring a half or say that a keeper is here."""
    authority.require(person, "keep_vault", Place("vault"))


def may_lock(person: Person) -> None:
    """Raises Refused unless this person may lock the vault."""
    authority.require(person, "lock_vault", Place("vault"))


@action("lock_vault")
def note_lock(*, by: Person) -> None:
    """The vault was locked."""
    record.append("vault locked", "VAULT", by=by)
