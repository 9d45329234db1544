"""What she decides holds: at once, everywhere, for good, and through every crash, race and old copy (SC-5, security.md §4.13)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promises import compromise, keeps
from tests_support import see_all

from answerable.alliance.models import Body, Person
from answerable.authority import engine
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, ROLES, Principal
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines import tlog
from answerable.record import log
from answerable.record.models import Entry
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent import gate, queries, rules
from answerable.vault.consent.models import Consent, Transfer, Withdrawal
from answerable.vault.consent.survivor import receipt_of
from answerable.vault.keyroom import recordkeys, roomkeys
from answerable.vault.models import DataKey, IdentityBlock, RecordKey

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def person(handle: str) -> Person:
    return Person.objects.select_related("body__state").get(handle=handle)


def opens(office, claim, who="inga", field="safe_contact") -> bool:
    reply = office(who).post(f"/repair/claims/{claim.ref}/read/", {"field": field})
    see_all()
    return reply.status_code == 200


@keeps(4)
def test_you_decide_for_which_purpose_and_can_stop_then_it_is_unreadable_within_fourteen_and_fourteen_days(
    office, saved, played
):
    claim = saved("$claim")
    before = {f: bytes(getattr(claim, f)) for f in ("account", "safe_contact")}
    assert opens(office, claim) and len(before["account"]) > 200
    # One purpose: being reached. Reading to adjudicate goes on, and nothing else changed.
    one = consent.withdraw_consent(claim, ["CP-CONT"], heard_through="phone", by=person("adva"))
    assert not opens(office, claim) and opens(office, claim, "anna", "account")
    consent.undo_withdrawal(one, by=person("adva"))
    assert opens(office, claim)
    # Everything: closed to everyone at once, on every door, whatever their role.
    start = clock.now()
    word = consent.withdraw_everything(claim, heard_through="phone", by=person("adva"))
    see_all()
    claim.refresh_from_db()
    assert not opens(office, claim) and not opens(office, claim, "anna", "account")
    for role in ROLES:
        for act in ("read_sealed", "screen", "assess_claim", "award", "accept_award", "close_claim"):
            context = {"purpose": "contact"} if act == "read_sealed" else {}
            assert not engine.allows(Principal("X", frozenset({role})), act, claim, **context), (role, act)
    assert not any(gate.gate(o.operation, claim, o.use) for o in rules.operations().values())
    # Taken back on the thirteenth day: exactly what stood, stands.
    with clock.set_to(start + 13 * DAY):
        consent.undo_withdrawal(word, by=person("adva"))
        assert opens(office, claim) and queries.in_force(claim.ref) == ["CP-CLAI", "CP-CONT"]
        start = clock.now()
        word = consent.withdraw_everything(claim, by=person("adva"))
    with clock.set_to(start + 14 * DAY - timedelta(seconds=1)):
        assert consent.shred_due() == 0 and DataKey.objects.filter(subject=claim.ref).exists()
    with clock.set_to(start + 14 * DAY):
        with pytest.raises(Refused):
            consent.undo_withdrawal(word, by=person("adva"))
        assert consent.shred_due() == 1 and consent.shred_due() == 0
        see_all()
        word.refresh_from_db()
        claim.refresh_from_db()
        assert word.status == "SHREDDED" and "nobody can read" in receipt_of(word)
        for model in (DataKey, IdentityBlock, RecordKey):
            assert not model.objects.filter(subject=claim.ref).exists(), model
        assert not claim.account and not claim.country and not claim.forms and not claim.quarter
        # An older copy of what was sealed, with today's keys and the key of someone who could read it: nothing.
        with pytest.raises(Refused) as no:
            room = roomkeys.datakey_context  # the context is known to all; the key is what is gone
            assert room(claim.ref, "claims")
            roomkeys.data_key(claim.ref, "claims", b"\0" * 32)
        assert no.value.reason == "shredded"
        # What the law demands stays: that an award was made and how much, without anything that points to her.
        assert claim.award.net_minor > 0
    # The record cannot be opened on it any more, and says so of these entries alone.
    events = {i for i, _s, _e in log.opened_events()}
    mine = {e.index for e in log.history(claim.ref)}
    assert mine and not mine & events and events


def test_entries_after_a_shredding_begin_a_new_key_and_the_record_stays_exact(saved):
    from answerable.engines import tlog
    from answerable.record.models import Entry

    claim = saved("$claim")
    start = clock.now()
    consent.withdraw_everything(claim, by=person("adva"))
    with clock.set_to(start + 15 * DAY):
        consent.shred_due()
        see_all()
        from answerable.authority.acting import action

        @action("test notes something later")
        def later(*, by):
            return log.append("noted later", claim, by=by)

        entry = later(by=CLOCK)
    opened = {i: (s, e) for i, s, e in log.opened_events()}
    assert entry.index in opened and not ({e.index for e in log.history(claim.ref)} - {entry.index}) & set(opened)
    for row in Entry.objects.filter(index__in=opened):
        salt, event = opened[row.index]
        assert tlog.leaf_commitment(salt, event) == bytes(row.leaf), row.index


def test_the_vault_shreds_on_nobodys_word_but_its_own_finding(saved):
    claim = saved("$claim")
    with pytest.raises(Refused):
        ask("shred", withdrawal="WDR-none")
    word = consent.withdraw_everything(claim, by=person("adva"))
    start = clock.now()
    for later, forged in (
        (0, {}),
        (15, {"status": "UNDONE"}),
        (15, {"parts": [claim.ref, saved("$I1").ref]}),
        (15, {"total": False}),
    ):
        from answerable.authority.acting import action

        @action("test forges a row")
        def forge(*, by, forged=forged):
            fields = {"status": "SHREDDING", "undo_until": start - DAY, **forged}
            if fields.get("total") is False:
                fields["status"] = "EFFECTIVE"
            Withdrawal.objects.filter(pk=word.pk).update(**fields)
            log.append("x", "y", by=by)

        forge(by=CLOCK)
        with clock.set_to(start + later * DAY), pytest.raises(Refused) as no:
            ask("shred", withdrawal=word.ref)
        assert no.value.reason == "not_due"
        see_all()
        forge(by=CLOCK, forged={"parts": [claim.ref], "total": True})
    assert (
        DataKey.objects.filter(subject=claim.ref).exists() and DataKey.objects.filter(subject=saved("$I1").ref).exists()
    )


def refuses(*_args, **_said):
    raise Refused("The record takes nothing.")


@pytest.mark.writes_freely
@compromise("the office process")
def test_the_office_makes_no_vote_unprovable_with_a_withdrawal_of_its_own(saved, monkeypatch):
    """A withdrawal that names a vote, a decision and another's claim among what it closes: only what is hers goes."""
    ballot = Entry.objects.filter(action="ballot cast").order_by("index").first()
    other = saved("$I1")
    claim, start = saved("$claim"), clock.now()
    parts = sorted([*queries.parts_of(claim.ref), ballot.subject, other.ref])
    row = Withdrawal.objects.create(
        compartment="claims", subject=claim.ref, parts=parts, purposes=[rules.EVERYTHING], total=True, status="SHREDDING",
        settled=True, asked_at=start, undo_until=start + 14 * DAY, heard_through="channel",
    )  # fmt: skip
    detail = {"closes_sha256": queries.digest(parts), "purposes": [rules.EVERYTHING]}
    log.append("consent withdrawn", row, by=CLOCK, detail=detail)
    with clock.set_to(start + 15 * DAY):
        with monkeypatch.context() as full, pytest.raises(Refused):
            full.setattr("answerable.vault.actions.note_key_work", refuses)
            ask("shred", withdrawal=row.ref)
        assert DataKey.objects.filter(subject=claim.ref).exists()  # its entry comes first
        counts = ask("shred", withdrawal=row.ref)
    assert counts["left"] == 2
    assert (
        RecordKey.objects.filter(subject=ballot.subject).exists() and DataKey.objects.filter(subject=other.ref).exists()
    )
    assert not DataKey.objects.filter(subject=claim.ref).exists()
    see_all()
    (entry,) = Entry.objects.filter(action="keys shredded", subject=row.ref)
    assert entry.event["detail"]["left"] == 2 and set(entry.event["detail"]["kinds"]) <= rules.SHREDDED_KINDS


@pytest.mark.writes_freely
def test_nothing_is_entered_before_what_was_entered_before_it(saved):
    """Not by the office's clock, nor by a row of its own: what waits for days counts them in the record."""
    claim, now = saved("$claim"), clock.now()
    row = Withdrawal.objects.create(
        compartment="claims", subject=claim.ref, parts=[claim.ref], purposes=[rules.EVERYTHING], total=True,
        status="SHREDDING", settled=True, asked_at=now, undo_until=now - DAY, heard_through="channel",
    )  # fmt: skip
    detail = {"closes_sha256": queries.digest([claim.ref]), "purposes": [rules.EVERYTHING]}
    with clock.set_to(now - 15 * DAY), pytest.raises(Refused) as no:
        log.append("consent withdrawn", row, by=CLOCK, detail=detail)
    assert no.value.reason == "clock"
    # A clock that is set right by seconds stops nobody; the entry has the time of the one before.
    last = Entry.objects.exclude(at=None).order_by("-index").first()
    with clock.set_to(last.at - timedelta(seconds=2)):
        assert log.append("consent withdrawn", row, by=CLOCK, detail=detail).at == last.at
    last = Entry.objects.order_by("-index").first()
    with pytest.raises(DatabaseError, match="not earlier"), transaction.atomic():
        Entry.objects.create(index=last.index + 1, leaf=bytes(32), event={}, at=last.at - 15 * DAY, subject=row.ref)


@pytest.mark.writes_freely
def test_an_entry_out_of_its_time_or_changed_bears_no_withdrawal_out(saved):
    """Where a row stands in the record after all, as on a server whose owner took the checks away, the vault looks again."""
    from django.db import connection

    claim, start = saved("$claim"), clock.now()
    word = consent.withdraw_everything(claim, by=person("adva"))
    see_all()
    with clock.set_to(start + 14 * DAY - timedelta(seconds=1)):
        consent.shred_due()
    said = Entry.objects.get(subject=word.ref, action="consent withdrawn")
    Withdrawal.objects.filter(pk=word.pk).update(status="SHREDDING", undo_until=start)
    event = said.event | {"at": log.stamp(start - 15 * DAY)}
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("ALTER TABLE record_entry DISABLE TRIGGER ALL")
        cursor.execute("UPDATE record_entry SET at = %s, event = %s::jsonb WHERE index = %s",
                       [start - 15 * DAY, json.dumps(event), said.index])  # fmt: skip
        for leaf in (
            bytes(said.leaf),
            tlog.leaf_commitment(recordkeys.salt(said.index, said.subject), tlog.canonical(event)),
        ):
            cursor.execute("UPDATE record_entry SET leaf = %s WHERE index = %s", [leaf, said.index])
            with pytest.raises(Refused, match="bear this withdrawal out"):
                ask("shred", withdrawal=word.ref)
    assert DataKey.objects.filter(subject=claim.ref).exists()


@pytest.mark.writes_freely
def test_keys_that_the_vault_keeps_are_said_once_with_the_number_and_shown_to_who_keeps_withdrawals(
    saved, office, caplog
):
    claim, start = saved("$claim"), clock.now()
    word = consent.withdraw_everything(claim, by=person("adva"))
    named = list(word.parts)
    Withdrawal.objects.filter(pk=word.pk).update(parts=[claim.ref])  # the record binds another list
    consent._said.clear()
    with clock.set_to(start + 15 * DAY):
        for _minute in range(3):
            assert consent.shred_due() == 0
        said = [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]
        assert len(said) == 1 and word.ref in said[0] and "not_due" in said[0] and claim.ref not in said[0]
        see_all()
        assert [e.action for e in log.history(word.ref)].count("keys kept by the vault") == 1
        page = office("petra").get("/record/withdrawals/").content.decode()
        assert "The keys are not destroyed" in page and word.ref in page
        see_all()
        Withdrawal.objects.filter(pk=word.pk).update(parts=named)
        assert consent.shred_due() == 1
        see_all()
        word.refresh_from_db()
        assert word.status == "SHREDDED" and word.refused == ""
        assert "The keys are not destroyed" not in office("petra").get("/record/withdrawals/").content.decode()


@pytest.mark.parametrize("point", ["before beginning", "after beginning", "after the keys", "after finishing"])
def test_a_fault_between_any_two_steps_is_repaired_by_running_again(saved, monkeypatch, point):
    claim = saved("$claim")
    start = clock.now()
    word = consent.withdraw_everything(claim, by=person("adva"))

    def die(here: str) -> None:
        if here == point:
            raise KeyboardInterrupt

    with clock.set_to(start + 15 * DAY):
        monkeypatch.setattr(consent, "fault_point", die)
        with pytest.raises(KeyboardInterrupt):
            consent.shred_due()
        monkeypatch.undo()
        consent.shred_due()
    see_all()
    word.refresh_from_db()
    claim.refresh_from_db()
    assert word.status == "SHREDDED" and not claim.account and not DataKey.objects.filter(subject=claim.ref).exists()
    assert [e.action for e in log.history(word.ref)] == [
        "consent withdrawn", "shredding begun", "keys shredded", "shredded"
    ]  # fmt: skip


def test_withdrawing_asks_no_reason_and_its_entry_names_nobody(saved):
    import inspect

    claim = saved("$claim")
    assert "reason" not in inspect.signature(consent.withdraw_consent).parameters
    assert not {f.name for f in Withdrawal._meta.fields} & {"reason", "note", "why"}
    word = consent.withdraw_consent(claim, ["CP-CONT"], heard_through="visit", by=person("adva"))
    entry = log.history(word.ref)[-1]
    assert entry.action == "consent withdrawn" and claim.ref not in json.dumps(entry.event)
    assert [e for e in log.history(claim.ref) if "withdr" in e.action] == []
    assert entry.event["detail"]["effects"] == [["NOT_CONTACTED", "at_once"]]
    with pytest.raises(Refused):
        consent.withdraw_consent(claim, ["CP-CONT"], heard_through="because she was told to", by=person("adva"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["give", "withdraw", "undo"]), st.sampled_from(["CP-CLAI", "CP-CONT", "CP-STAT"])),
        max_size=9,
    )
)
def test_each_word_moves_its_own_purpose_and_no_other(played, saved, steps):
    from django.db import transaction

    claim, adva, expected = saved("$claim"), person("adva"), {"CP-CLAI", "CP-CONT"}
    sid = transaction.savepoint()
    # The last withdrawal of each purpose that ended something, and whether a later word of hers stands above it.
    open_: dict[str, Withdrawal] = {}
    later: set[str] = set()
    try:
        for what, purpose in steps:
            if what == "give":
                consent.give_consent(claim, consent.plain_yes([purpose]), by=adva)
                expected |= {purpose}
                later |= {purpose}
            elif what == "withdraw":
                word = consent.withdraw_consent(claim, [purpose], by=adva)
                if purpose in expected:
                    open_[purpose] = word
                    later -= {purpose}
                else:
                    later |= {purpose}
                expected -= {purpose}
            elif purpose in open_:
                consent.undo_withdrawal(open_.pop(purpose), by=adva)
                expected |= {purpose} - later
            see_all()
            assert set(queries.in_force(claim.ref)) == expected
            claim.refresh_from_db()
            assert set(claim.purposes) == expected
    finally:
        transaction.savepoint_rollback(sid)


def test_a_later_no_of_hers_is_not_undone_with_an_earlier_one(saved):
    claim, adva = saved("$claim"), person("adva")
    first = consent.withdraw_consent(claim, ["CP-CONT"], by=adva)
    with clock.set_to(clock.now() + DAY):
        consent.withdraw_consent(claim, ["CP-CONT"], heard_through="phone", by=adva)
        consent.undo_withdrawal(first, by=adva)
    assert queries.in_force(claim.ref) == ["CP-CLAI"]


def test_whoever_hears_her_word_the_consequences_are_worked_out_over_everything(saved):
    """The officer of data protection sees no item; her word to them counts all the same."""
    item = saved("$I7").items.first()
    subject = queries.Subject(item.ref, item.compartment, item.ref)
    word = consent.withdraw_consent(subject, ["CP-MONI"], heard_through="letter", by=person("petra"))
    assert saved("$I7").level == "V1" and [e["code"] for e in word.effects if e["code"] == "ROBUSTNESS_TEST"]
    assert saved("$fls").robustness.first().result["verified_victims"] == 25


def test_an_award_is_kept_and_a_pending_claim_closes_without_prejudice_and_opens_again(saved, played):
    from answerable.reparations import actions as claims
    from answerable.reparations.models import AwardLine, Claim

    awarded, adva = saved("$claim"), person("adva")
    word = consent.withdraw_consent(awarded, ["CP-CLAI"], by=adva)
    see_all()
    awarded.refresh_from_db()
    assert awarded.status == "ACCEPTED" and [e["code"] for e in word.effects] == ["AWARD_KEPT"]
    assert AwardLine.objects.filter(award_key=awarded.award.ref, accepted=True).exists()
    assert gate.gate("read", awarded, "payment") and not gate.gate("read", awarded, "adjudication")
    pending = Claim.objects.filter(status="LODGED").first()
    word = consent.withdraw_consent(pending, ["CP-CLAI"], by=adva)
    see_all()
    pending.refresh_from_db()
    assert pending.status == "WITHDRAWN" and not gate.gate("read", pending, "payment")
    with pytest.raises(Refused):
        claims.move_claim(pending, "reopen_claim", by=adva)
    consent.undo_withdrawal(word, by=adva)
    see_all()
    pending.refresh_from_db()
    assert pending.status == "LODGED"
    consent.withdraw_consent(pending, ["CP-CLAI"], by=adva)
    consent.give_consent(pending, consent.plain_yes(["CP-CLAI"]), by=adva)
    assert claims.move_claim(pending, "reopen_claim", by=adva).status == "LODGED"


def test_nothing_is_given_out_without_her_consent_and_every_recipient_is_asked_back(saved, office):
    claim, adva, petra = saved("$claim"), person("adva"), person("petra")
    court = Body.objects.get(name="Lantern Documentation Network")
    with pytest.raises(Refused) as no:
        consent.record_transfer(claim, "CP-CRIM", court, ["account"], by=adva)
    assert no.value.reason == "consent"
    consent.give_consent(claim, consent.plain_yes(["CP-CRIM", "CP-UNIT"]), by=adva)
    with pytest.raises(Refused) as no:
        consent.record_transfer(claim, "CP-CRIM", Body.objects.get(name="Delegation of Arvenia"), ["account"], by=adva)
    assert no.value.reason == "IS-1"
    given = [consent.record_transfer(claim, p, court, ["account"], by=adva) for p in ("CP-CRIM", "CP-UNIT")]
    word = consent.withdraw_consent(claim, ["CP-CRIM"], by=adva)
    see_all()
    first, second = (Transfer.objects.get(pk=t.pk) for t in given)
    assert first.recalled_at and second.recalled_at is None  # the other purpose is not touched
    assert "unable to give it back" in receipt_of(word)
    page = office("petra").get("/today/").content.decode()
    assert court.name in page and "answers are missing" in page
    assert "0 %" in office("petra").get("/record/withdrawals/").content.decode()
    consent.note_recall_answer(first, "UNABLE", by=petra)
    with pytest.raises(Refused):
        consent.note_recall_answer(first, "RETURNED", by=petra)
    see_all()
    word.refresh_from_db()
    assert next(e for e in word.effects if e["code"] == "RECALL")["done_at"]
    assert "100 %" in office("petra").get("/record/withdrawals/").content.decode()


def test_the_officer_of_data_protection_sees_the_book_and_no_claim(saved, office):
    claim = saved("$claim")
    consent.withdraw_consent(claim, ["CP-CONT"], by=person("adva"))
    petra = office("petra")
    with reading_as(person("petra")):
        from answerable.reparations.models import Claim

        assert Consent.objects.exists() and Withdrawal.objects.exists() and not Claim.objects.exists()
    assert petra.get(f"/repair/claims/{claim.ref}/").status_code == 404
    with reading_as(person("delegate.avn")):
        assert not Consent.objects.exists() and not Withdrawal.objects.exists() and not Transfer.objects.exists()
    assert office("delegate.avn").get("/record/withdrawals/").status_code == 404


def test_no_role_of_any_state_touches_a_consent_a_withdrawal_or_a_transfer(saved):
    subject = queries.subject_of(saved("$claim"))
    acts = ("give_consent", "withdraw_consent", "withdraw_everything", "undo_withdrawal", "carry_out_withdrawal", "note_effect_done",
            "record_transfer", "note_recall_answer", "end_consents", "shred_withdrawn")  # fmt: skip
    for role in [*ROLES, "clock"]:
        state = Principal("X", frozenset({role}), "B", "delegation", "AVN", compartments=frozenset({"claims"}))
        assert not [a for a in acts if engine.allows(state, a, subject)], role
        assert not engine.allows(state, "see_withdrawals", "withdrawals"), role


@pytest.mark.writes_freely
def test_the_book_of_consents_is_only_added_to(saved):
    from django.db import DatabaseError, connection, transaction

    see_all()
    for statement in ("UPDATE vault_consent SET given = true", "DELETE FROM vault_consent", "TRUNCATE vault_consent"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_she_withdraws_and_takes_back_her_own_and_nobody_elses(saved, monkeypatch):
    """Over the channel, in the vault process: her word holds at once; the clock tells the apps within a minute."""
    from answerable.reparations.models import Claim

    claim = saved("$claim")
    other = Claim.objects.exclude(pk=claim.pk).first()
    holders = {claim.ref: "THR-hers", other.ref: "THR-anothers"}
    monkeypatch.setattr(question("holder_of"), "_answers", [lambda ref: holders.get(ref, "")])
    her = Principal("THR-hers", frozenset({"claimant"}))
    (text,) = question("survivor_withdraws").ask(claim.ref, ["CP-CONT"], her)
    assert "You withdrew" in text and claim.ref not in text and "N." not in re.sub(r"WDR-\S+", "", text)
    with reading_as(CLOCK):
        word = Withdrawal.objects.get(subject=claim.ref)
        assert word.status == "ASKED" and not gate.gate("read", claim, "contact")
    consent.owed()
    see_all()
    claim.refresh_from_db()
    assert claim.purposes == ["CP-CLAI"]
    for act in (lambda: question("survivor_withdraws").ask(other.ref, ["EVERYTHING"], her),
                lambda: question("survivor_undoes").ask(other.ref, word.ref, her),
                lambda: question("survivor_undoes").ask(claim.ref, word.ref, Principal("THR-anothers", frozenset({"claimant"})))):  # fmt: skip
        with pytest.raises(Refused):
            act()
    question("survivor_undoes").ask(claim.ref, word.ref, her)
    consent.owed()
    see_all()
    claim.refresh_from_db()
    assert claim.purposes == ["CP-CLAI", "CP-CONT"]


def test_her_page_says_who_opened_what_and_why_and_what_stands(saved, office):
    claim = saved("$claim")
    opens(office, claim)
    sections = [s for answer in question("survivor_page").ask(claim.ref) for s in answer or ()]
    choices = next(s["choices"] for s in sections if s.get("choices"))
    assert len(choices) == 15 and [c["purpose"] for c in choices if c["given"]] == ["CP-CLAI", "CP-CONT"]
    assert all(c["cannot_recall"] for c in choices)
    opened = next(s["table"]["rows"] for s in sections if s.get("table") and "opened" in s["title"])
    assert any(row[0] == "Reparations Office" and row[2] == "to answer you" for row in opened)
    assert "Inga" not in json.dumps(sections, default=str) and claim.ref not in json.dumps(sections, default=str)


def test_a_consent_ends_with_its_term_and_closes_no_claim(saved):
    claim, adva = saved("$claim"), person("adva")
    terms = rules.Terms("CP-CLAI", True, ("organ",), "ID-3", clock.today() + 10 * DAY, understanding_checked=True, withdrawal_channel_told=True)  # fmt: skip
    consent.give_consent(claim, [terms], by=adva)
    with clock.set_to(clock.now() + 11 * DAY):
        assert not gate.gate("read", claim, "adjudication")
        assert consent.owed() >= 1
        see_all()
        claim.refresh_from_db()
        assert claim.purposes == ["CP-CONT"] and claim.status == "ACCEPTED" and consent.owed() == 0


def test_an_export_holds_only_incidents_whose_accounts_all_consent(saved):
    from answerable.monitoring import queries as monitoring
    from answerable.monitoring.models import Incident

    see_all()
    incident = saved("$I2")
    rows = monitoring.exportable(list(Incident.objects.all()))
    assert incident in rows
    consent.withdraw_consent(incident.items.first(), ["CP-MONI"], by=person("lena"))
    see_all()
    left = monitoring.exportable(list(Incident.objects.all()))
    assert incident.ref not in [i.ref for i in left] and len(left) == len(rows) - 1


def test_an_account_withdrawn_whole_closes_an_incident_that_rests_on_it_alone(saved):
    incident = saved("$I7")
    item, lena, start = incident.items.first(), person("lena"), clock.now()
    word = consent.withdraw_everything(item, heard_through="phone", by=lena)
    see_all()
    incident.refresh_from_db()
    assert incident.status == "CONSENT_WITHDRAWN" and word.parts == sorted(
        [item.ref, incident.ref, *item.assessments.values_list("ref", flat=True)]
    )
    assert not engine.allows(lena, "read_sealed", incident, purpose="verification")
    consent.undo_withdrawal(word, by=lena)
    see_all()
    incident.refresh_from_db()
    item.refresh_from_db()
    assert incident.status == "VERIFIED" and incident.level == "V3d" and item.live and item.withdrawn == []
    consent.withdraw_everything(item, by=lena)
    with clock.set_to(start + 15 * DAY):
        consent.owed()
    see_all()
    incident.refresh_from_db()
    item.refresh_from_db()
    assert not incident.narrative and not item.says and incident.area2 == "" and not item.live
    assert not DataKey.objects.filter(subject__in=[item.ref, incident.ref]).exists()


# --- real processes, real databases ---------------------------------------------------------------------------------

SCRIPT = r"""
import os, signal, sys, threading, time
os.environ["ANSWERABLE_DATABASE"] = sys.argv[1]
os.environ["ANSWERABLE_DOOR"] = "owner"; os.environ["DJANGO_SETTINGS_MODULE"] = "answerable.config.settings.owner"
from answerable.config import postgres
server = postgres.ensure_server()
import django; django.setup()
from django.core.management import call_command
from django.db import connection, connections
from django.conf import settings; settings.REHEARSAL = True
from answerable.config import migrated; migrated.begin_as_copies(server)
call_command("migrate", verbosity=0); call_command("migrate", verbosity=0, database="keys")
def office():
    with connection.cursor() as c: c.execute("SET ROLE answerable_office")
from datetime import timedelta
from answerable.vault import userkeys; userkeys.set_parameters(userkeys.LIGHT)
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.rehearsal import fixture, runner, scenario
office()
made = [sys.argv[1], sys.argv[1] + "_keys"]
try:
    read = scenario.read(scenario.find("demonstration"), verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people())
    clock.fix(read.anchor)
    fixture.load(passphrase="races only, six words here", keep_seat_key=lambda n, k: None, progress=lambda t: None)
    run = runner.Run(read, passphrase="races only, six words here"); run.all()
    now = scenario.instant(read.steps[-1]["at"]) + timedelta(days=1)
    clock.fix(now)
    from answerable.vault import actions as vault, budget, keeping
    from answerable.vault.keyroom import roomkeys
    from answerable.vault.consent import actions as consent, queries
    from answerable.vault.consent.models import Withdrawal
    from answerable.vault.models import DataKey, IdentityBlock, RecordKey
    from answerable.record.models import Entry
    with reading_as(CLOCK): claim, fresh = run.fresh("$claim"), run.fresh("$fresh")
    anna, adva, vera = run.person("anna"), run.person("adva"), run.person("vera")
    token = anna.vault_session

    # A withdrawal and eight readings at the same moment: each reading has its entry before it, or is refused.
    real_limit, real_hold = budget.limit, queries.hold
    def slow(ref): time.sleep(0.05); return 10_000
    budget.limit = slow
    def round_():
        got, refused, words, barrier = [], [], [], threading.Barrier(9)
        def reader():
            office(); barrier.wait()
            try: keeping.open_fields(claim.ref, ["account"], purpose="adjudication", token=token); got.append(1)
            except Refused as no: refused.append(no.reason)
            finally: connections.close_all()
        def stopper():
            office(); barrier.wait(); time.sleep(0.02)
            try: words.append(consent.withdraw_consent(claim, ["CP-CLAI"], heard_through="phone", by=adva))
            finally: connections.close_all()
        before = Entry.objects.filter(subject=claim.ref, action="sealed field read").count()
        threads = [threading.Thread(target=reader) for _ in range(8)] + [threading.Thread(target=stopper)]
        [t.start() for t in threads]; [t.join() for t in threads]
        entries = list(Entry.objects.filter(subject=claim.ref, action="sealed field read").order_by("index"))[before:]
        stop = Entry.objects.get(subject=words[0].ref, action="consent withdrawn").index
        consent.undo_withdrawal(words[0], by=adva)
        return len(got), len(refused), set(refused) <= {"consent"}, len(entries) == len(got), all(e.index < stop for e in entries)
    rounds = [round_() for _ in range(5)]
    print("race", all(r[0] + r[1] == 8 and r[2] and r[3] and r[4] for r in rounds))
    # The control: without the lock a reading is entered after she had withdrawn, so the test above can fail.
    queries.hold = lambda ref, alone=False: None
    print("control", not all(r[4] for r in [round_() for _ in range(5)]))
    queries.hold, budget.limit = real_hold, real_limit

    # Yesterday's backup of the facts.
    main = postgres.backup("drill")
    keys_before = postgres.backup_keys("drill")

    # Killed between every two steps, then run again.
    killed = []
    points = ("before beginning", "after beginning", "after the keys", "after finishing")
    with reading_as(CLOCK):
        from answerable.monitoring.models import SourceItem
        items = list(SourceItem.objects.filter(testimony__in=["T1", "T2"]).order_by("id")[:3])
    lena = run.person("lena")
    subjects = [(claim, adva)] + [(i, lena) for i in items]
    for (subject, who), point in zip(subjects, points):
        word = consent.withdraw_everything(subject, heard_through="phone", by=who)
        clock.fix(clock.now() + timedelta(days=14, hours=1))
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            office()
            def die(here):
                if here == point: os.kill(os.getpid(), signal.SIGKILL)
            consent.fault_point = die
            consent.shred_due()
            os._exit(3)
        killed.append(os.waitpid(pid, 0)[1] == signal.SIGKILL)
        office()
        consent.shred_due()
        with reading_as(CLOCK):
            done = Withdrawal.objects.get(pk=word.pk)
            killed.append(done.status == "SHREDDED" and not any(m.objects.filter(subject__in=done.parts).exists() for m in (DataKey, IdentityBlock, RecordKey)))
    print("killed", all(killed), len(killed))

    # Yesterday's facts beside today's keys.
    again = sys.argv[1] + "_again"; made += [again, again + "_keys"]
    today_keys = postgres.backup_keys("today")
    connections.close_all()
    postgres.restore(main, again); postgres.restore(today_keys, again + "_keys")
    for alias, name in (("default", again), ("keys", again + "_keys")):
        connections[alias].settings_dict["NAME"] = name
    office()
    with reading_as(CLOCK):
        from answerable.reparations.models import Claim
        old = Claim.objects.get(pk=claim.pk)
        ciphertext = {"account": bytes(old.account)}
    from answerable.vault.chamber import CHAMBER
    private = CHAMBER.private(run.person("anna").vault_session)
    print("there", len(ciphertext["account"]) > 200, old.status != "WITHDRAWN", old.country != "")
    try: roomkeys.open_fields(claim.ref, "claims", "Claim", ciphertext, person=anna.ref, private=private); print("dead", False)
    except Refused as no: print("dead", no.reason == "shredded")
    with reading_as(CLOCK): other = Claim.objects.get(claim_type="CL-CBR")
    text = roomkeys.open_fields(other.ref, "claims", "Claim", {"alias": bytes(other.alias)}, person=anna.ref, private=private)
    print("alive", text == {"alias": "M."})
    # The control: with the keys of yesterday it would open, which is why no dump of keys outlives fourteen days.
    third = sys.argv[1] + "_third"; made += [third]
    connections.close_all()
    postgres.restore(keys_before, third); connections["keys"].settings_dict["NAME"] = third
    text = roomkeys.open_fields(claim.ref, "claims", "Claim", ciphertext, person=anna.ref, private=private)
    print("yesterday", bool(text["account"]))
    main.unlink(); keys_before.unlink(); today_keys.unlink()
finally:
    connections.close_all()
    with server.connect() as c:
        for name in made: c.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
"""


@pytest.fixture(scope="module")
def drilled():
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"withdrawal_{os.getpid()}"],
        env=env,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {line.split()[0]: line for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("race", "race True"), ("control", "control True"), ("killed", "killed True 8"), ("there", "there True True True"),
        ("dead", "dead True"), ("alive", "alive True"), ("yesterday", "yesterday True"),
    ],
)  # fmt: skip
def test_withdrawal_holds_through_races_kills_and_old_backups(drilled, what, line):
    assert drilled[what] == line


def test_no_dump_of_keys_outlives_fourteen_days(tmp_path, monkeypatch):
    from answerable.config import postgres

    monkeypatch.setattr(postgres, "data_dir", lambda: tmp_path)
    folder = tmp_path / "backups-keys"
    folder.mkdir()
    import calendar

    now = calendar.timegm((2031, 9, 30, 12, 0, 0))
    for name in ("20310916T115959Z-daily.dump", "20310916T120000Z-daily.dump", "20310916T120001Z-daily.dump", "strange.dump",
                 "20310901T000000Z-x.dump.part"):  # fmt: skip
        (folder / name).write_bytes(b"x")
    assert postgres.rotate_keys_backups(now=now) == 4
    assert [p.name for p in folder.iterdir()] == ["20310916T120001Z-daily.dump"]
