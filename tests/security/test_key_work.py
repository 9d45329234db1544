"""Whoever owns the office's process makes no keys: the vault asks for itself who acts, and enters it first."""

from __future__ import annotations

from datetime import timedelta

import key_operations
import pytest
from django.apps import apps
from promises import compromise
from softkey import SoftKey
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.intake.models import IntakeBatch
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import escrow, lifecycle, recovery, seal
from answerable.vault.bundles import seating
from answerable.vault.client import ask
from answerable.vault.limits import LIMITS
from answerable.vault.models import (
    Authenticator,
    Compartment,
    DataKey,
    EscrowOfficer,
    EscrowRecord,
    HandoverPart,
    IdentityBlock,
    PersonKey,
    Reader,
    Recovery,
    RecoveryStep,
    RoleWord,
    RoomRestore,
    RootKey,
    Seat,
    keys,
)
from answerable.vault.service import OPERATIONS
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
NEW = "grape harbour iron jungle kettle lemon"


def person(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


def token(handle):
    LIMITS.buckets.clear()
    return ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]


def refused(operation, **said):
    with pytest.raises(Refused) as found:
        ask(operation, **said)
    return found.value.reason


KEY_WORK = {
    "change_keepers": lambda: {"keepers": [person("ines").ref, person("safa").ref]},
    "enrol": lambda: {"person": person("petra").ref, "passphrase": NEW},
    "new_compartment": lambda: {"name": "claims/own", "readers": [person("ines").ref]},
    "remove_reader": lambda: {"name": "claims", "person": person("adva").ref},
    "admit": lambda: {"name": "claims", "person": person("adva").ref},
    "rotate": lambda: {"name": "claims"},
    "fill_seat": lambda: {"name": "partner", "body": person("ines").body.ref, "public_key": bytes(1216)},
    "give_role": lambda: {"subject": "GRT-NONE", "person": person("petra").ref, "role": "auditor", "step": "asked"},
    "door_new": lambda: {"act": "open_door", "channel": "THR-NOBODYS", "pin": ""},
    "grant_recovery": lambda: {"recovery": "REC-NONE", "person": person("vera").ref, "step": "asked"},
    "stop_recovery": lambda: {"recovery": granted().ref},
    "handover_part": lambda: {"seat": "vault custodian", "number": 0, "data": b"x"},
    "apply_handover": lambda: {"seat": "vault custodian"},
    "enter_escrow_key": lambda: {"public": seating.seat_public("an officer", seal.new_key_pair()[0])},
    "record_escrow": lambda: {"seat": "vault custodian", "record": seat_escrow()},
    "escrow_room": lambda: {
        "name": "claims",
        "officers": [person(h).ref for h in ("ines", "cora", "sol")],
        "needed": 3,
    },
    "restore_room": lambda: {"restore": ceremony().ref, "pieces": []},
    "shred_undone": lambda: {"batch": undone().ref},
}
# Who of those that are tried may do it after all.
MAY = {("enter_escrow_key", "lena")}
# What opens one's own key: everyone does this in their own session, so the tests above try it with too little to show. Each
# is entered by the vault before it counts.
OWN_KEYS = {"add_passkey": "passkey added", "end_passkey": "passkey ended", "change_passphrase": "passphrase changed"}
# What also changes a key table and asks for no such session, each with its reason. An operation that is in neither list, or
# in one without cause, fails the test below.
OTHERWISE = {
    # Sealing needs public keys alone and goes on while the vault is locked; it opens nothing and replaces nothing.
    **dict.fromkeys(["seal", "seal_many", "put_data_key", "seal_identity", "seal_safe_contact", "keep_draft_file"],
                    "seals what is new"),
    "salt": "the salt of an entry that is being made",
    **dict.fromkeys(["sign_in_passkey", "confirm_passkey"], "moves the count of the passkey that was used"),
    "bring_half": "a keeper's own half, in their session; the key to which browsers seal is made at the first opening",
    # Before there is a root key nobody has a session; afterwards it is refused, as the test of founders shows.
    "found_root": "the founding, once",
    "replace_key": "two sessions that told the vault, a code, and 48 hours of its own clock",
    "shred": "the fourteen days and the record's own entries, which the vault reads for itself; test_withdrawal.py",
    "shred_lapsed": "the ninety days since a draft was sealed and the record's own entries; test_intake_whole.py",
    # Her own: by the code she holds, at a door without a database.
    **dict.fromkeys(["door_enter", "door_attach", "door_close", "door_complain", "door_pin", "door_save", "door_send"],
                    "her own door, by her own code"),
    **dict.fromkeys(["door_seal", "door_seal_hers"], "seals a new message"),
    # Opening a file from before there were marks across reports marks it, and the entry of that has a salt (decision 0049).
    **dict.fromkeys(["evidence_bundle", "evidence_check", "evidence_show", "evidence_statement"], "the salt of an entry"),
    # Pixels and notes about evidence, made and sealed in the session of someone who may; they open nothing else.
    **dict.fromkeys(["evidence_excerpt", "evidence_proof", "evidence_redact", "evidence_take"], "seals a new file of evidence"),
}  # fmt: skip
IN_KEYS = {
    model.__name__ for model in apps.get_app_config("vault").get_models() if model.__name__.lower() in keys.IN_KEYS
}


def test_every_operation_that_changes_a_key_is_key_work_or_says_why_not():
    assert not set(KEY_WORK) & set(OTHERWISE) and not set(OWN_KEYS) & {*KEY_WORK, *OTHERWISE}
    assert key_operations.changing_operations(IN_KEYS) == set(KEY_WORK) | set(OWN_KEYS) | set(OTHERWISE)
    assert all(OTHERWISE.values()) and set(OTHERWISE) <= set(OPERATIONS)


def granted():
    row = Recovery.objects.create(person=person("dana"), asked_by=person("ines"), asked_at=clock.now())
    RecoveryStep.objects.create(
        recovery=row.ref, step="asked", person=row.person.ref, by=row.asked_by.ref, at=clock.now()
    )
    return row


def seat_escrow():
    officers = [(f"officer {n}", seal.new_key_pair()[0]) for n in range(2)]
    return escrow.split(bytes(32), officers, 2, "seat: vault custodian").to_bytes()


def ceremony():
    by = person("ines")
    return RoomRestore.objects.create(
        room="claims", leader=person("adva"), asked_by=by, asked_body=by.body, asked_at=clock.now()
    )


def undone():
    see_all()
    by = person("sami")
    return IntakeBatch.objects.create(
        compartment="monitoring/other", organisation=person("delegate.avn").body, route="csv", mark="m", rows=1, kept=1, bad=0,
        made_at=clock.now(), made_by=by, undone_at=clock.now(),
    )  # fmt: skip


def everything():
    rows = (
        PersonKey,
        Authenticator,
        Reader,
        Compartment,
        RootKey,
        Seat,
        EscrowOfficer,
        EscrowRecord,
        HandoverPart,
        DataKey,
        IdentityBlock,
    )
    return [sorted(map(str, model.objects.values_list())) for model in rows]


def steps():
    return [sorted(map(str, model.objects.values_list())) for model in (RecoveryStep, RoleWord)]


@compromise("the office process")
@pytest.mark.writes_freely
@pytest.mark.parametrize(
    ("operation", "who"),
    [(o, w) for o in KEY_WORK for w in ("nobody", "forged", "vera", "lena", "delegate.avn") if (o, w) not in MAY],
)
def test_no_key_is_made_moved_or_taken_without_a_session_that_may(office, operation, who):
    args = KEY_WORK[operation]()
    before = everything(), steps()
    said = {"nobody": "", "forged": "0" * 64}[who] if who in ("nobody", "forged") else token(who)
    reasons = {"locked"} if who in ("nobody", "forged") else {"not_authorised", "no_key", "SOD-13", "SOD-14"}
    assert refused(operation, token=said, **args) in reasons
    assert (everything(), steps()) == before


# Whoever may do each of these, and did not confirm for ten minutes.
MAY_BUT_STALE = {
    "change_keepers": "ines", "enrol": "ines", "new_compartment": "ines", "remove_reader": "ines", "fill_seat": "ines",
    "grant_recovery": "ines", "handover_part": "cora", "apply_handover": "cora", "enter_escrow_key": "cora",
    "record_escrow": "cora", "escrow_room": "inga", "give_role": "ines",
}  # fmt: skip


@pytest.mark.parametrize("operation", MAY_BUT_STALE)
def test_no_key_is_made_moved_or_taken_in_a_session_that_was_not_confirmed(office, operation, monkeypatch):
    args, before, said = KEY_WORK[operation](), everything(), token(MAY_BUT_STALE[operation])
    monkeypatch.setattr("answerable.vault.chamber.FRESH_SECONDS", -1)
    assert refused(operation, token=said, **args) == "confirm"
    assert everything() == before


@pytest.mark.parametrize("operation", ["new_compartment", "enter_escrow_key", "record_escrow"])
def test_what_the_record_does_not_take_changes_no_key(office, operation, monkeypatch):
    args, before, said = KEY_WORK[operation](), everything(), token(MAY_BUT_STALE[operation])

    def full(*_args, **_said):
        raise Refused("The record takes nothing.", reason="full")

    monkeypatch.setattr(vault, "note_key_work", full)
    assert refused(operation, token=said, **args) == "full"
    assert everything() == before
    monkeypatch.undo()
    assert ask(operation, token=said, **args) and everything() != before


@pytest.mark.writes_freely
@pytest.mark.parametrize("operation", KEY_WORK)
def test_the_vault_takes_these_steps_from_nobody_who_leaves_the_session_out(office, operation):
    said = KEY_WORK[operation]()
    assert refused(operation, **said) in {"arguments", "locked"}


def test_naming_a_founder_founds_nothing_once_there_is_a_root_key(office):
    before = everything()
    assert refused("found_root", keepers=[person("ines").ref, person("safa").ref], founder=person("ines").ref)
    assert refused("enrol", person=person("ines").ref, passphrase=NEW, founder=person("ines").ref) == "locked"
    assert everything() == before


def test_a_key_is_enrolled_for_people_at_work_here_only(office):
    assert refused("enrol", token=token("ines"), person="PER-NOBODY", passphrase=NEW) == "unknown"


def test_keepers_are_people_whose_office_keeps_a_vault(office):
    said = {"token": token("ines"), "keepers": [person("ines").ref, person("vera").ref]}
    assert refused("change_keepers", **said) == "keepers"


@pytest.mark.writes_freely
def test_rows_that_say_a_new_key_was_granted_open_nothing(office):
    """C3: two rows written by whoever owns the office's database are not two persons."""
    code, now = recovery.new_code(), clock.now()
    row = Recovery.objects.create(
        person=person("vera"), asked_by=person("ines"), asked_at=now, confirmed_by=person("arno"), ready_at=now,
        status=lifecycle.READY, code_sha256=recovery.digest(code), code_until=now + timedelta(hours=1),
    )  # fmt: skip
    recovery.check_code(row, code)  # the office's own rules are content with it
    assert refused("replace_key", recovery=row.ref, code=code, passphrase=NEW)
    assert ask("sign_in", handle="vera", passphrase=PASSPHRASE)["token"]


def test_the_last_reader_of_a_compartment_stays(office):
    by = token("ines")
    *others, last = Reader.objects.filter(compartment__name="claims").values_list("person", flat=True)
    for ref in others:
        assert ask("remove_reader", token=by, name="claims", person=ref) == 1
    with pytest.raises(Refused):
        ask("remove_reader", token=by, name="claims", person=last)
    assert Reader.objects.filter(compartment__name="claims", person=last).exists()


def test_what_was_done_to_keys_is_in_the_record_with_who_did_it(office):
    by = person("ines")
    by.session_token = token("ines")
    reader = Reader.objects.filter(compartment__name="claims").first()
    vault.remove_reader("claims", Person.objects.get(ref=reader.person), by=by)
    entry = Entry.objects.filter(action="reader removed").latest("index")
    assert entry.actor == by.ref and entry.subject == "claims"


@pytest.mark.writes_freely
def test_what_granted_a_new_key_once_grants_nothing_again(office):
    began = clock.now()
    row = Recovery.objects.create(person=person("vera"), asked_by=person("ines"), asked_at=began)
    ask("grant_recovery", token=token("ines"), recovery=row.ref, person=row.person.ref, step="asked")
    ask("grant_recovery", token=token("arno"), recovery=row.ref, person=row.person.ref, step="confirmed")

    def ready():
        code, now = recovery.new_code(), clock.now()
        Recovery.objects.filter(pk=row.pk).update(
            confirmed_by=person("arno"), ready_at=now, status=lifecycle.READY, code_sha256=recovery.digest(code),
            code_until=now + timedelta(hours=1),
        )  # fmt: skip
        return code

    with clock.set_to(began + timedelta(hours=49)):
        assert ask("replace_key", recovery=row.ref, code=ready(), passphrase=NEW)
    with clock.set_to(began + timedelta(days=200)), pytest.raises(Refused):
        ask("replace_key", recovery=row.ref, code=ready(), passphrase="thief apple garden window seven rope")


@pytest.mark.writes_freely
def test_a_new_key_that_was_stopped_is_made_by_no_row_written_later(office, monkeypatch):
    """The vault was told of the stop in the inspector's own session, and forgot what had been granted."""
    began, ines, arno, dario = clock.now(), *(person(h) for h in ("ines", "arno", "dario"))
    for one in (ines, arno, dario):
        one.session_token = token(one.handle)
        one.fresh = True
    row = vault.ask_recovery(person("tove"), by=ines)
    row = vault.decide_recovery(row, "confirm_recovery", by=arno)
    assert RecoveryStep.objects.filter(recovery=row.ref).count() == 2
    # A stop that the record does not take changes nothing either.
    with monkeypatch.context() as broken, pytest.raises(Refused):
        broken.setattr(vault, "note_key_work", lambda *a, **k: (_ for _ in ()).throw(Refused("no", reason="no")))
        ask("stop_recovery", token=dario.session_token, recovery=row.ref)
    assert RecoveryStep.objects.filter(recovery=row.ref).count() == 2
    vault.decide_recovery(row, "stop_recovery", by=dario)
    assert list(RecoveryStep.objects.filter(recovery=row.ref).values_list("step", "by")) == [("stopped", dario.ref)]
    (entry,) = Entry.objects.filter(action="grant of a new key forgotten", subject=row.ref)
    assert (entry.actor, entry.event["detail"]) == (dario.ref, {"person": person("tove").ref, "steps": 2})
    # The office writes what it likes, tells the vault again with the sessions it has, and waits.
    Recovery.objects.filter(pk=row.pk).update(status=lifecycle.ASKED)
    for step, by in (("asked", ines), ("confirmed", arno)):
        assert refused("grant_recovery", token=by.session_token, recovery=row.ref, person=person("tove").ref, step=step)
    code = recovery.new_code()
    with clock.set_to(began + timedelta(hours=49)):
        Recovery.objects.filter(pk=row.pk).update(
            status=lifecycle.READY, code_sha256=recovery.digest(code), code_until=clock.now() + timedelta(hours=1),
            confirmed_by=arno, ready_at=clock.now(),
        )  # fmt: skip
        assert refused("replace_key", recovery=row.ref, code=code, passphrase=NEW) == "code"
    assert ask("sign_in", handle="tove", passphrase=PASSPHRASE)["token"]


def pending(handle, **more):
    return Recovery.objects.create(person=person(handle), asked_by=person("ines"), asked_at=clock.now(), **more)


@pytest.mark.writes_freely
def test_a_new_key_is_granted_for_the_person_of_its_row_and_of_its_asking_and_nobody_else(office):
    ines, arno, tove = token("ines"), token("arno"), person("tove").ref
    row, before = pending("dana"), steps()
    assert refused("grant_recovery", token=ines, recovery=row.ref, person=tove, step="asked") == "person"
    assert refused("grant_recovery", token=arno, recovery=row.ref, person=tove, step="confirmed") == "nothing"
    assert steps() == before
    assert ask("grant_recovery", token=ines, recovery=row.ref, person=row.person.ref, step="asked")
    # The row says another person now, or the asking is told again for another: neither is what was asked.
    Recovery.objects.filter(pk=row.pk).update(person=person("tove"))
    assert refused("grant_recovery", token=arno, recovery=row.ref, person=tove, step="confirmed") == "person"
    assert refused("grant_recovery", token=arno, recovery=row.ref, person=row.person.ref, step="confirmed") == "person"
    assert refused("grant_recovery", token=ines, recovery=row.ref, person=tove, step="asked") == "person"
    assert [s.person for s in RecoveryStep.objects.filter(recovery=row.ref)] == [row.person.ref]


@pytest.mark.writes_freely
def test_each_step_of_a_new_key_is_entered_before_it_counts_and_shown_whatever_the_rows_say(office, monkeypatch):
    """The office tells the vault with two sessions it has, and hides every row of its own: the record says whom it is for."""
    ines, arno, tove = token("ines"), token("arno"), person("tove")
    row = pending("tove")
    with monkeypatch.context() as broken:
        broken.setattr(vault, "note_key_work", lambda *a, **k: (_ for _ in ()).throw(Refused("no", reason="full")))
        for by, step in ((ines, "asked"), (arno, "confirmed")):
            assert refused("grant_recovery", token=by, recovery=row.ref, person=tove.ref, step=step)
    assert not RecoveryStep.objects.filter(recovery=row.ref).exists()
    for by, step, who in ((ines, "asked", "ines"), (arno, "confirmed", "arno")):
        assert ask("grant_recovery", token=by, recovery=row.ref, person=tove.ref, step=step)
        entry = Entry.objects.latest("index")
        assert (entry.action, entry.subject) == (f"grant of a new key {step}", row.ref)
        assert (entry.actor, entry.event["detail"]) == (person(who).ref, {"person": tove.ref})
    Recovery.objects.filter(pk=row.pk).update(person=person("dana"), status=lifecycle.STOPPED)
    url = f"/keys/new/{row.ref}/"
    for handle in ("tove", "dario", "safa"):
        LIMITS.buckets.clear()
        client = office(handle)
        home = client.get("/today/").content.decode()
        assert url in home and tove.name in home, handle
        assert "Stop it" in client.get(url).content.decode(), handle
    assert url not in office("sami").get("/today/").content.decode()
    assert office("sami").get(url).status_code == 404
    see_all()
    assert office("tove").post(url, {"move": "stop_recovery"}).status_code == 303
    see_all()
    assert list(RecoveryStep.objects.filter(recovery=row.ref).values_list("step", flat=True)) == ["stopped"]
    assert url not in office("dario").get("/today/").content.decode()


@pytest.mark.writes_freely
def test_the_row_of_another_person_makes_no_new_key_with_what_was_granted(office):
    began, row = clock.now(), pending("dana")
    for by, step in (("ines", "asked"), ("arno", "confirmed")):
        ask("grant_recovery", token=token(by), recovery=row.ref, person=row.person.ref, step=step)
    code = recovery.new_code()
    with clock.set_to(began + timedelta(hours=49)):
        Recovery.objects.filter(pk=row.pk).update(
            person=person("tove"), status=lifecycle.READY, code_sha256=recovery.digest(code), confirmed_by=person("arno"),
            code_until=clock.now() + timedelta(hours=1), ready_at=clock.now(),
        )  # fmt: skip
        assert refused("replace_key", recovery=row.ref, code=code, passphrase=NEW) == "code"
        Recovery.objects.filter(pk=row.pk).update(person=person("dana"))
        assert ask("replace_key", recovery=row.ref, code=code, passphrase=NEW)
    assert Entry.objects.latest("index").event["detail"]["person"] == person("dana").ref


ORIGIN = "http://testserver"


def own_key_work(operation, said, key):
    """The arguments of an operation on one's own key; whoever asks has a passkey already, to end."""
    if operation == "add_passkey":
        credential, secret = key.make(ask("passkey_to_make", token=said, origin=ORIGIN))
        return {"origin": ORIGIN, "credential": credential, "secret": secret, "name": "my telephone"}
    if operation == "end_passkey":
        ask("add_passkey", token=said, **own_key_work("add_passkey", said, key))
        return {"number": ask("own_keys", token=said)["passkeys"][-1]["number"]}
    return {"old": PASSPHRASE, "new": NEW}


@compromise("the office process")
@pytest.mark.parametrize("operation", OWN_KEYS)
def test_what_opens_ones_own_key_is_entered_by_the_vault_before_it_counts(office, operation, monkeypatch):
    said, key = token("sami"), SoftKey(ORIGIN)
    args = own_key_work(operation, said, key)
    before, head = everything(), Entry.objects.latest("index").index
    with monkeypatch.context() as broken:
        broken.setattr(vault, "note_key_work", lambda *a, **k: (_ for _ in ()).throw(Refused("no", reason="full")))
        assert refused(operation, token=said, **args) == "full" and everything() == before
    assert refused(operation, token="", **args) == "locked" and everything() == before
    if operation == "add_passkey":
        args = own_key_work(operation, said, key)  # a challenge is spent whatever follows
    assert ask(operation, token=said, **args) and everything() != before
    (entry,) = Entry.objects.filter(index__gt=head)
    assert (entry.action, entry.actor, entry.subject) == (OWN_KEYS[operation], person("sami").ref, person("sami").ref)
    made = Authenticator.objects.filter(person=person("sami").ref).last()
    shown = {} if made is None else {"public_key_sha256": seal.fingerprint(bytes(made.public_key))}
    assert entry.event["detail"] == shown


def test_on_the_page_a_passkey_is_entered_once_and_by_the_vault(office):
    me, key = person("sami"), SoftKey(ORIGIN)
    me.session_token = token("sami")
    said = own_key_work("add_passkey", me.session_token, key)
    head = Entry.objects.latest("index").index
    vault.add_passkey(me, by=me, **said)
    number = ask("own_keys", token=me.session_token)["passkeys"][-1]["number"]
    vault.end_passkey(me, number, by=me)
    found = Entry.objects.filter(index__gt=head).order_by("index").values_list("action", "subject", "reason")
    assert list(found) == [
        ("passkey added", me.ref, "keep_keys"), ("passkey ended", me.ref, "keep_keys"), ("sessions ended", me.ref, "end_passkey"),
    ]  # fmt: skip
