"""Whoever owns the office's process makes no keys: the vault asks for itself who acts, and enters it first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from promises import compromise

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import lifecycle, recovery
from answerable.vault.client import ask
from answerable.vault.limits import LIMITS
from answerable.vault.models import Compartment, PersonKey, Reader, Recovery, RecoveryStep, RootKey
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
    "door_new": lambda: {"act": "open_door", "channel": "THR-NOBODYS", "pin": ""},
    "grant_recovery": lambda: {"recovery": "REC-NONE", "person": person("vera").ref, "step": "asked"},
}


def everything():
    rows = (PersonKey, Reader, Compartment, RootKey, RecoveryStep)
    return [sorted(map(str, model.objects.values_list())) for model in rows]


@compromise("the office process")
@pytest.mark.parametrize("operation", KEY_WORK)
@pytest.mark.parametrize("who", ["nobody", "forged", "vera", "lena"])
def test_no_key_is_made_moved_or_taken_without_a_session_that_may(office, operation, who):
    before = everything()
    said = {"nobody": "", "forged": "0" * 64}[who] if who in ("nobody", "forged") else token(who)
    reasons = {"locked"} if who in ("nobody", "forged") else {"not_authorised", "no_key", "SOD-13"}
    assert refused(operation, token=said, **KEY_WORK[operation]()) in reasons
    assert everything() == before


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

    try:
        clock.fix(began + timedelta(hours=49))
        assert ask("replace_key", recovery=row.ref, code=ready(), passphrase=NEW)
        clock.fix(began + timedelta(days=200))
        with pytest.raises(Refused):
            ask("replace_key", recovery=row.ref, code=ready(), passphrase="thief apple garden window seven rope")
    finally:
        clock.unfix()
