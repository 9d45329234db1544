"""A role is what was recorded: rows of people, bodies and grants make nobody into anybody, nor do entries under names."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from promises import compromise
from tests_support import see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Grant, Person
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.references import new_ref
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import actions as vault
from answerable.vault import recovery, seal, standing
from answerable.vault.bundles import seating
from answerable.vault.client import ask
from answerable.vault.custody import actions as custody
from answerable.vault.limits import LIMITS
from answerable.vault.models import EscrowOfficer, PersonKey, Reader, RecoveryStep, RoleWord
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
NEW = "grape harbour iron jungle kettle lemon"
DAY = timedelta(days=1)


def person(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


def token(handle, passphrase=PASSPHRASE):
    LIMITS.buckets.clear()
    return ask("sign_in", handle=handle, passphrase=passphrase)["token"]


def at_work(handle):
    row = person(handle)
    row.session_token = row.vault_session = token(handle)
    return row


def refused(operation, **said):
    with pytest.raises(Refused) as found:
        ask(operation, **said)
    return found.value.reason


def copied(source, to, **other):
    """What whoever owns the office's database writes: the grants of one person, for another."""
    for grant in Grant.objects.filter(person=source, status="HELD"):
        givers = [p for p in (grant.asked_by, grant.confirmed_by, person("ines"), person("arno")) if p.pk != to.pk]
        grant.pk, grant.person, grant.ref = None, to, new_ref("GRT")
        grant.asked_by, grant.confirmed_by = givers[0], givers[1]
        grant._state.adding = True
        grant.save(force_insert=True)


def becomes(one, other):
    """One person's row says the body and the roles of another."""
    Grant.objects.filter(person=one, status="HELD").update(status="ENDED")
    Person.objects.filter(pk=one.pk).update(body=other.body_id)
    copied(other, one)


def forged(action, subject, by, **detail):
    """An entry that whoever owns the office's process writes under any name: the vault gives it a salt like any other."""
    from django.db import transaction

    with transaction.atomic():
        return record.append(action, subject, by=by, detail=detail)


def held(handle):
    found = standing.at_work(handle=handle)
    return found and found.roles


# --- what was done ------------------------------------------------------------------------------------------------


@compromise("the office process")
@pytest.mark.writes_freely
@pytest.mark.parametrize("donor", ["ines", "inga", "paulo"])
def test_one_session_and_rows_make_no_person_of_the_attackers_own(office, donor):
    """A: an assessor's session, a person, grants and a moved body, all of them rows."""
    anna, said = person("anna"), token("anna")
    mallory = Person.objects.get(pk=anna.pk)
    mallory.pk, mallory.ref, mallory.handle = None, new_ref("PER"), "mallory"
    mallory._state.adding = True
    mallory.save(force_insert=True)
    copied(anna, mallory)
    becomes(anna, person(donor))
    before = PersonKey.objects.count(), Reader.objects.count()
    assert refused("enrol", token=said, person=mallory.ref, passphrase=NEW) in {"locked", "not_authorised"}
    assert refused("admit", token=said, name="claims", person=mallory.ref) in {"locked", "not_authorised"}
    assert refused("sign_in", handle="mallory", passphrase=NEW) == "sign_in"
    assert (PersonKey.objects.count(), Reader.objects.count()) == before


@compromise("the office process")
@pytest.mark.writes_freely
def test_rows_that_give_a_role_give_nothing_in_the_vault(office):
    anna, said = person("anna"), token("anna")
    copied(person("inga"), anna)
    Grant.objects.create(
        person=anna, role="registrar", status="HELD", starts_on=clock.today(), expires_on=clock.today() + DAY,
        asked_by=person("ines"), confirmed_by=person("arno"),
    )  # fmt: skip
    assert held("anna") == {"eligibility_assessor"}
    assert refused("enrol", token=said, person=person("petra").ref, passphrase=NEW) == "not_authorised"
    seat = {"name": "own", "body": anna.body.ref, "public_key": bytes(1216)}
    assert refused("fill_seat", token=said, **seat) == "not_authorised"
    # One who holds a role is nobody at all in a body they were not entered in.
    Person.objects.filter(pk=anna.pk).update(body=person("sami").body)
    assert held("anna") is None and refused("own_keys", token=said) == "locked"


@compromise("the office process")
@pytest.mark.writes_freely
def test_moved_delegates_take_no_compartment_into_escrow(office):
    delegates = [
        person(f"delegate.{c}") for c in ("avn", "blm", "crn") if Person.objects.filter(handle=f"delegate.{c}")
    ]
    delegates = delegates or [person(f"delegate.{c}") for c in ("avn", "blm", "cdy")]
    said, by = [token(p.handle) for p in delegates], token("anna")
    for one, other in zip(delegates, ("ines", "cora", "bo"), strict=False):
        becomes(one, person(other))
    for one in said:
        public = seating.seat_public("zz own", seal.new_key_pair()[0])
        assert refused("enter_escrow_key", token=one, public=public) == "locked"
    # Nor are they officers where a key was entered before.
    for n, one in enumerate(delegates):
        EscrowOfficer.objects.create(
            person=one.ref, name=f"zz {n}", public_key=seal.new_key_pair()[0], entered_at=clock.now() - 9 * DAY
        )
    officers = [p.ref for p in delegates]
    assert refused("escrow_room", token=by, name="claims", officers=officers, needed=len(officers)) in {
        "nothing",
        "not_authorised",
    }


@compromise("the office process")
@pytest.mark.writes_freely
def test_moved_delegates_grant_nobody_a_new_key(office):
    a, b, said = person("delegate.avn"), person("delegate.blm"), [token("delegate.avn"), token("delegate.blm")]
    becomes(a, person("ines")), becomes(b, person("arno"))
    before = RecoveryStep.objects.count()
    for step, one in zip(("asked", "confirmed"), said, strict=True):
        args = {"recovery": "REC-OWN", "person": person("cora").ref, "step": step}
        assert refused("grant_recovery", token=one, **args) == "locked"
    assert RecoveryStep.objects.count() == before


@compromise("the office process")
@pytest.mark.writes_freely
def test_entries_under_the_names_of_those_who_give_roles_give_none(office):
    """Rows and entries together: two persons told the vault nothing in sessions of their own."""
    anna, ines, arno = person("anna"), person("ines"), person("arno")
    row = Grant.objects.create(
        person=anna, role="registrar", status="HELD", starts_on=clock.today(), expires_on=clock.today() + DAY,
        asked_by=ines, confirmed_by=arno,
    )  # fmt: skip
    forged("grant asked", row.ref, ines, person=anna.ref, role="registrar", until=str(row.expires_on))
    forged("confirm grant", row.ref, arno, person=anna.ref, role="registrar")
    forged("vault founded", "VAULT", ines, keepers=[anna.ref])
    forged("alliance founded", anna.body.ref, CLOCK, people=[anna.ref, arno.ref], grants=["GRT-A", "GRT-B"])
    forged("person entered", anna.ref, ines, body=ines.body.ref)
    forged("body entered", ines.body.ref, ines, kind="partner")
    assert held("anna") == {"eligibility_assessor"} and held("ines") == {"registrar"}
    # Only her own session: she cannot tell the vault either.
    for step in ("asked", "confirmed"):
        said = {"subject": row.ref, "person": person("axel").ref, "role": "registrar", "step": step}
        assert refused("give_role", token=token("anna"), **said) == "not_authorised"
    assert not RoleWord.objects.filter(subject=row.ref).exists()


@pytest.mark.writes_freely
@pytest.mark.parametrize(
    "event",
    [{}, {"detail": None}, {"detail": {"person": ["a"], "role": {}}}, {"detail": {"people": 3, "until": "soon"}}],
)
def test_an_entry_that_lacks_its_facts_stops_nothing(office, event):
    for action in standing.ACTIONS:
        made = forged(action, "GRT-NONE", CLOCK)
        kept = standing.recorded()
        kept.take({"subject": "GRT-NONE", "action": action, "actor": "X", "at": made.event["at"], **event}, {})
    assert held("ines") == {"registrar"}


@pytest.mark.writes_freely
def test_no_entry_is_put_behind_a_gap_to_hide_what_comes_after(office):
    with pytest.raises(DatabaseError, match="continues the record without a gap"), transaction.atomic():
        Entry.objects.create(
            index=10**9, leaf=bytes(32), event={"index": 10**9}, at=None, action="end grant", subject="GRT-X"
        )
    held_before = held("sami")
    grant = Grant.objects.get(person=person("sami"), status="HELD")
    alliance.decide_grant(grant, "end_grant", by=person("arno"))
    Grant.objects.filter(pk=grant.pk).update(status="HELD")
    assert held_before == {"monitoring_analyst"} and held("sami") == frozenset()


# --- what honest people do ----------------------------------------------------------------------------------------


@pytest.fixture
def colleague(office):
    """Nela, entered and given an assessor's role by two persons in sessions of their own, who then has a key."""
    ines, arno = at_work("ines"), at_work("arno")
    body = person("anna").body
    made = alliance.enter_person(handle="nela", name="Nela", body=body, by=ines)
    alliance.decide_grant(alliance.ask_grant(made, "eligibility_assessor", by=ines), "confirm_grant", by=arno)
    vault.enrol_key(made, NEW, by=ines)
    return made


def test_a_new_colleague_signs_in_at_once_and_opens_after_two_days(colleague, saved):
    assert token("nela", NEW) and held("nela") == {"eligibility_assessor"}
    with pytest.raises(Refused, match="given this role less than two days ago") as no:
        ask("admit", token=token("paulo"), name="claims", person=colleague.ref)
    assert no.value.reason == "too_early"
    assert refused("new_compartment", token=token("ines"), name="claims/new", readers=[colleague.ref]) == "too_early"
    with clock.set_to(clock.now() + 2 * DAY + timedelta(minutes=1)):
        assert ask("admit", token=token("paulo"), name="claims", person=colleague.ref) is True
        claim = saved("$claim")
        opened = ask("open", token=token("nela", NEW), ref=claim.ref, fields=["alias"], purpose="adjudication")
        assert opened == {"alias": "N."}


def test_a_keeper_and_an_officer_of_two_days_ago_or_nobody(office):
    ines, arno = at_work("ines"), at_work("arno")
    made = alliance.enter_person(handle="kim", name="Kim", body=person("cora").body, by=ines)
    alliance.decide_grant(alliance.ask_grant(made, "vault_custodian", by=ines), "confirm_grant", by=arno)
    vault.enrol_key(made, NEW, by=ines)
    keepers = [ines.ref, arno.ref, made.ref]
    assert refused("change_keepers", token=ines.session_token, keepers=keepers) == "too_early"
    with clock.set_to(clock.now() + 2 * DAY + timedelta(minutes=1)):
        assert ask("change_keepers", token=token("ines"), keepers=keepers) is True


def test_a_role_that_ended_does_not_come_back_by_a_row(office):
    grant = Grant.objects.get(person=person("paulo"), status="HELD")
    alliance.decide_grant(grant, "end_grant", by=person("arno"))
    assert held("paulo") == frozenset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("answerable.authority.acting.running", lambda: True)
        Grant.objects.filter(pk=grant.pk).update(status="HELD", expires_on=clock.today() + 300 * DAY)
    assert held("paulo") == frozenset()
    assert refused("admit", token=token("paulo"), name="claims", person=person("anna").ref) == "not_authorised"


def test_a_role_lasts_as_long_as_was_recorded(office):
    grant = Grant.objects.get(person=person("paulo"), status="HELD")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("answerable.authority.acting.running", lambda: True)
        Grant.objects.filter(pk=grant.pk).update(expires_on=grant.expires_on + 300 * DAY)
    with clock.set_to(clock.now() + (grant.expires_on - clock.today()) + DAY):
        assert held("paulo") == frozenset()


@pytest.mark.writes_freely
def test_whoever_was_suspended_returns_by_somebody_who_may_and_by_no_entry(office):
    ines = at_work("ines")
    sami = alliance.set_activity(person("sami"), active=False, by=ines)
    assert held("sami") is None
    Person.objects.filter(pk=sami.pk).update(is_active=True)
    forged("person reinstated", sami.ref, ines)
    assert held("sami") is None
    alliance.set_activity(person("sami"), active=True, by=ines)
    assert held("sami") == {"monitoring_analyst"}
    # The word of that time lets nobody return from a later suspension.
    alliance.set_activity(person("sami"), active=False, by=ines)
    Person.objects.filter(pk=sami.pk).update(is_active=True)
    forged("person reinstated", sami.ref, ines)
    assert held("sami") is None


def test_who_changes_bodies_is_entered_anew(office):
    """Nobody's body changes: the person ends there and begins here, with roles given by two."""
    ines, arno = at_work("ines"), at_work("arno")
    alliance.set_activity(person("axel"), active=False, by=ines)
    made = alliance.enter_person(handle="axel2", name="Axel", body=person("fina").body, by=ines)
    alliance.decide_grant(alliance.ask_grant(made, "finance_initiator", by=ines), "confirm_grant", by=arno)
    assert held("axel") is None and held("axel2") == {"finance_initiator"}


def test_roles_are_given_in_sessions_that_the_vault_knows(office):
    ines, made = person("ines"), person("sami")
    size = Entry.objects.count()
    with pytest.raises(Refused) as no:
        alliance.ask_grant(made, "verifier", by=ines)
    assert no.value.reason == "locked" and Entry.objects.count() == size
    grant = alliance.ask_grant(made, "verifier", by=at_work("ines"))
    with pytest.raises(Refused) as no:
        alliance.decide_grant(grant, "confirm_grant", by=person("arno"))
    assert no.value.reason == "locked"
    assert held("sami") == {"monitoring_analyst"}
    alliance.decide_grant(grant, "confirm_grant", by=at_work("arno"))
    assert held("sami") == {"monitoring_analyst", "verifier"}
    entry = Entry.objects.filter(action="confirm grant").latest("index")
    assert entry.event["detail"] == {"person": made.ref, "role": "verifier"}


def test_a_new_key_still_comes_by_two_sessions_and_two_days(office):
    ines, arno, began = at_work("ines"), at_work("arno"), clock.now()
    row = vault.ask_recovery(person("vera"), by=ines)
    row = vault.decide_recovery(row, "confirm_recovery", by=arno)
    with clock.set_to(began + 2 * DAY + timedelta(minutes=1)):
        row, code = vault.make_code(row, by=at_work("ines"))
        vault.use_recovery(row, code, NEW, by=person("vera"))
        assert recovery.digest(code) and token("vera", NEW)


def test_the_founders_stand_by_the_first_entry(db):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standing, "_kept", standing.Standing())
        kept = standing.Standing()
        event = {"action": "alliance founded", "subject": "BOD-A", "actor": "CLOCK", "at": "2026-01-01T00:00:00.000000Z",
                 "detail": {"people": ["PER-A", "PER-B"], "grants": ["GRT-A", "GRT-B"], "until": "2027-01-01"}}  # fmt: skip
        kept.take(event, {})
        kept.take({**event, "detail": {**event["detail"], "people": ["PER-C", "PER-D"]}}, {})
        assert [g.role for g in kept.held("PER-A")] == ["registrar"] and kept.held("PER-C") == []
        assert [g.role for g in kept.held("PER-B")] == ["system_administrator"] and kept.bodies["BOD-A"] == (
            Body.ORGAN,
            "",
        )
        # Before the vault was founded the two who could give roles by entries; nobody else does.
        before = {"at": event["at"], "action": "person entered", "subject": "PER-E", "actor": "PER-A",
                  "detail": {"body": "BOD-A"}}  # fmt: skip
        kept.take(before, {})
        for grant, asks, confirms in (
            ("GRT-1", "PER-A", "PER-B"),
            ("GRT-2", "PER-B", "PER-A"),
            ("GRT-3", "PER-A", "PER-A"),
        ):
            said = {"person": "PER-E", "role": {"GRT-1": "verifier"}.get(grant, "auditor")}
            kept.take({**before, "action": "grant asked", "subject": grant, "actor": asks, "detail": said}, {})
            kept.take({**before, "action": "confirm grant", "subject": grant, "actor": confirms, "detail": said}, {})
        assert [g.role for g in kept.held("PER-E")] == ["verifier"]


def test_looking_up_who_someone_is_costs_the_vault_little(office):
    from time import perf_counter

    see_all()
    standing.recorded()
    began = perf_counter()
    for _n in range(50):
        standing.recorded()
    assert (perf_counter() - began) / 50 < 0.01
    assert custody.inspectors()
