"""Whoever owns the office's process puts rows into the record; the database and the vault believe none that was not recorded."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from promises import compromise
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.references import new_ref
from answerable.config import grants
from answerable.engines import tlog
from answerable.record import log
from answerable.record.models import Entry, Head
from answerable.vault import keyroom, recorded, seal
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import Withdrawal
from answerable.vault.models import DataKey, IdentityRequest, RecordKey

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def person(handle: str) -> Person:
    return Person.objects.select_related("body__state").get(handle=handle)


def as_owner(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET ROLE answerable_office")


def put(
    action: str, ref: str, at: datetime, says: dict, *, by="DOOR", index=None, event=None, leaf=None, reason=""
) -> Entry:
    """A row of the record as the office makes one up; with its right leaf, unless another is given."""
    last = Entry.objects.order_by("-index").values_list("index", flat=True).first()
    index = last + 1 if index is None else index
    if event is None:
        event = {"v": 1, "index": index, "at": log.stamp(at), "actor": by, "role": "", "action": action, "subject": ref,
                 "from": "", "to": "", "reason": reason, "detail": says, "policy": "", "prev": ""}  # fmt: skip
    salt = keyroom.salt(index, ref)
    leaf = leaf or tlog.leaf_commitment(salt, tlog.canonical(event))
    entry = Entry(
        index=index, leaf=leaf, event=event or None, at=at, actor=by, action=action, subject=ref, reason=reason
    )
    entry.save(force_insert=True)
    Head.objects.update(size=index + 1, last_event_leaf=leaf, last_at=at)
    return entry


# --- the database -------------------------------------------------------------------------------------------------


@compromise("the office process")
def test_the_database_takes_an_entry_only_where_the_record_ends(saved):
    claim = saved("$claim")
    last = Entry.objects.order_by("-index").first()
    first = Entry.objects.exclude(at=None).order_by("index").first()
    for index in (-7, -1, 0, last.index, last.index + 2, last.index + 10**6):
        for at in (None, first.at - DAY, last.at or clock.now()):
            with pytest.raises(DatabaseError), transaction.atomic():
                Entry(index=index, leaf=bytes(32), at=at, action="x", subject=claim.ref).save(force_insert=True)
    assert Entry.objects.order_by("-index").first() == last
    # Nor with a table of the session's own in the record's name, nor without the trigger before the record begins.
    as_owner(
        "SET LOCAL search_path = public",
        "GRANT TEMPORARY ON DATABASE " + connection.settings_dict["NAME"] + " TO PUBLIC",
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE record_entry (index bigint, at timestamptz)")
        cursor.execute("INSERT INTO pg_temp.record_entry VALUES (%s, NULL)", [last.index + 1])
        with pytest.raises(DatabaseError, match="without a gap"), transaction.atomic():
            cursor.execute("INSERT INTO public.record_entry SELECT %s, leaf, event, NULL, actor, role, action, subject, from_state,"
                           " to_state, reason FROM public.record_entry WHERE index = 0", [last.index + 2])  # fmt: skip
        cursor.execute("DROP TABLE pg_temp.record_entry")
    as_owner("ALTER TABLE record_entry DISABLE TRIGGER entry_in_time")
    with pytest.raises(IntegrityError, match="begins_at_nought"), transaction.atomic():
        Entry(index=-7, leaf=bytes(32)).save(force_insert=True)


def test_an_honest_record_goes_on_and_is_padded(saved):
    log.make_checkpoint(tlog.Ed25519Signer("test.example/record", bytes(32)), "test.example/record")
    assert log.append("note", "NOTE", by=CLOCK).index % 64 == 0
    made = log.make_checkpoint(tlog.Ed25519Signer("test.example/record", bytes(32)), "test.example/record")
    assert made.size % 64 == 0 and log.ends() == made.size == Head.objects.get().size
    assert log.append("note", "NOTE", by=CLOCK).index == made.size


# --- the vault ----------------------------------------------------------------------------------------------------


def made_up(claim, at: datetime) -> Withdrawal:
    return Withdrawal.objects.create(
        compartment=claim.compartment, subject=claim.ref, parts=[claim.ref], purposes=[rules.EVERYTHING], total=True,
        status="SHREDDING", settled=True, asked_at=at, undo_until=at + 14 * DAY, heard_through="channel",
    )  # fmt: skip


@compromise("the office process")
@pytest.mark.parametrize("how", ["before the record", "another leaf", "no event", "another's event", "another actor"])
def test_a_made_up_withdrawal_of_a_living_claim_destroys_no_key(saved, how):
    claim, start = saved("$claim"), clock.now()
    row = made_up(claim, start)
    says = {"closes_sha256": queries.digest([claim.ref]), "purposes": [rules.EVERYTHING]}
    if how == "before the record":
        as_owner("ALTER TABLE record_entry DISABLE TRIGGER entry_in_time",
                 "ALTER TABLE record_entry DROP CONSTRAINT the_record_begins_at_nought")  # fmt: skip
        first = Entry.objects.exclude(at=None).order_by("at").first()
        put("consent withdrawn", row.ref, first.at - DAY, says, index=-7)
    elif how == "another leaf":
        put("consent withdrawn", row.ref, start, says, leaf=os.urandom(32))
    elif how == "no event":
        put("consent withdrawn", row.ref, start, says, leaf=os.urandom(32), event={})
    elif how == "another's event":
        other = put("note", row.ref, start, says)
        put("consent withdrawn", row.ref, start, says, event=other.event)
    else:
        entry = put("consent withdrawn", row.ref, start, says)
        as_owner("ALTER TABLE record_entry DISABLE TRIGGER ALL",
                 f"UPDATE record_entry SET actor = 'PER-other' WHERE index = {entry.index}")  # fmt: skip
    with clock.set_to(start + 15 * DAY), pytest.raises(Refused, match="bear this withdrawal out"):
        ask("shred", withdrawal=row.ref)
    assert DataKey.objects.filter(subject=claim.ref).exists() and RecordKey.objects.filter(subject=claim.ref).exists()


@compromise("the office process")
def test_what_she_took_back_is_not_carried_out_whatever_the_row_says(saved):
    claim, start = saved("$claim"), clock.now()
    word = consent.withdraw_everything(claim, by=person("adva"))
    with clock.set_to(start + DAY):
        consent.undo_withdrawal(word, by=person("adva"))
    see_all()
    Withdrawal.objects.filter(pk=word.pk).update(status="SHREDDING", undone_at=None)
    with clock.set_to(start + 16 * DAY), pytest.raises(Refused, match="took this withdrawal back"):
        ask("shred", withdrawal=word.ref)
    assert DataKey.objects.filter(subject=claim.ref).exists()
    # Withdrawn again, and not taken back: that one is carried out.
    Withdrawal.objects.filter(pk=word.pk).update(status="UNDONE")
    with clock.set_to(start + 2 * DAY):
        again = consent.withdraw_everything(claim, by=person("adva"))
    with clock.set_to(start + 17 * DAY):
        consent.shred_due()
    see_all()
    again.refresh_from_db()
    assert again.status == "SHREDDED" and not DataKey.objects.filter(subject=claim.ref).exists()


@pytest.fixture
def request_made_up(saved):
    """A request that stands as approved a day ago, and nobody asked for or approved: persons whose roles would let them."""
    claim, now = saved("$claim"), clock.now()
    at = now - 25 * HOUR
    adva, safa = person("adva"), person("safa")
    row = IdentityRequest(
        compartment=claim.compartment, subject=claim.ref, fields=["safe_contact"], purpose="contact", reason="call_asked",
        asked_by=adva, asked_body=adva.body, recipient=adva, asked_at=at, status="COOLING", approved_by=safa,
        approved_body=safa.body, approved_at=at, cool_until=at + 24 * HOUR, valid_until=at + 7 * DAY,
    )  # fmt: skip
    assert authority.allows(adva, "stand_by_request", row) and authority.allows(safa, "stand_by_approval", row)
    row.save(force_insert=True)
    return row


def says(row: IdentityRequest) -> tuple[dict, dict]:
    return (
        {"subject": row.subject, "fields": row.fields, "purpose": row.purpose, "body": row.asked_body.ref,
         "recipient": row.recipient.ref, "break_glass": row.break_glass},
        {"body": row.approved_body.ref, "break_glass": row.break_glass},
    )  # fmt: skip


FORGERIES = ["no event", "another leaf", "other fields", "another reader", "another office", "approved by whoever asked",
             "approved before it was asked"]  # fmt: skip


def forge(row: IdentityRequest, how: str, at: datetime) -> None:
    asked, approved = says(row)
    adva, safa = row.asked_by.ref, row.approved_by.ref
    if how in ("no event", "another leaf"):
        bad = {"leaf": os.urandom(32)} | ({"event": {}} if how == "no event" else {})
        put("identity asked", row.ref, at, asked, by=adva, reason=row.reason, **bad)
        put("identity approved", row.ref, at, approved, by=safa, **bad)
        return
    if how == "other fields":
        asked["fields"] = ["payee"]
    if how == "another reader":
        asked["recipient"] = safa
    if how == "another office":
        approved["body"] = row.asked_body.ref
    first = [("identity asked", adva, asked), ("identity approved", adva if "whoever" in how else safa, approved)]
    for act, by, what in reversed(first) if "before" in how else first:
        put(act, row.ref, at, what, by=by, reason=row.reason if act == "identity asked" else "")


@compromise("the office process")
@pytest.mark.parametrize("how", FORGERIES)
def test_an_identity_nobody_asked_for_or_approved_is_not_released(saved, request_made_up, how):
    row = request_made_up
    # What is made up lies a day ago, as if the record had been idle since.
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    IdentityRequest.objects.filter(pk=row.pk).update(valid_until=now + DAY)
    forge(row, how, now - 25 * HOUR)
    with clock.set_to(now), pytest.raises(Refused, match="no approval of this request|no longer holds the role"):
        ask("release_identity", request=row.ref)
    see_all()
    assert IdentityRequest.objects.get(pk=row.pk).released_at is None


def test_the_same_request_is_released_when_the_record_bears_it_out(saved, request_made_up):
    """The control: what the tests above put in wrongly, put in rightly."""
    row = request_made_up
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    IdentityRequest.objects.filter(pk=row.pk).update(valid_until=now + DAY)
    forge(row, "not at all", now - 25 * HOUR)
    with clock.set_to(now):
        assert ask("release_identity", request=row.ref) and ask("identity_bundle", request=row.ref)


@compromise("the office process")
@pytest.mark.parametrize("how", ["its own entry", "a made-up entry", "another file"])
def test_a_row_that_says_released_makes_no_signed_request(saved, request_made_up, how):
    row = request_made_up
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    key = keyroom.person_public(row.recipient.ref)
    facts = {"asked_body": row.asked_body.ref, "approved_body": row.approved_body.ref, "purpose": row.purpose,
             "fields": row.fields, "recipient_key_sha256": seal.fingerprint(key), "break_glass": False}  # fmt: skip
    if how == "another file":
        # Asked, approved and released as it should be; then the row is made to name another field.
        asked, approved = says(row)
        put("identity asked", row.ref, now - 25 * HOUR, asked, by=row.asked_by.ref, reason=row.reason)
        put("identity approved", row.ref, now - 25 * HOUR, approved, by=row.approved_by.ref)
        entry = put("identity released", row.ref, now, facts, by=CLOCK.ref)
    elif how == "its own entry":
        entry = put("identity released", row.ref, now, facts, by=CLOCK.ref)
    else:
        entry = put("identity released", row.ref, now, facts, by=CLOCK.ref, leaf=os.urandom(32), event={})
    IdentityRequest.objects.filter(pk=row.pk).update(
        status="RELEASED", released_at=now - HOUR, leaf_index=entry.index, recipient_key_sha256=seal.fingerprint(key),
        valid_until=now + 2 * DAY, cool_until=now - 2 * HOUR,
    )  # fmt: skip
    with clock.set_to(now):
        if how == "another file":
            assert ask("identity_bundle", request=row.ref)
            see_all()
            IdentityRequest.objects.filter(pk=row.pk).update(fields=["name"])
        with pytest.raises(Refused, match="does not hold this release"):
            ask("identity_bundle", request=row.ref)


def test_what_was_recorded_is_believed(saved):
    """Every entry of the demonstration whose salt is there, and none that was changed since."""
    entries = list(Entry.objects.exclude(event=None).order_by("index"))
    some = entries[:3] + entries[len(entries) // 2 :][:3] + entries[-3:]
    assert len(some) == 9 and all(recorded.is_recorded(e) for e in some)
    for entry in some:
        entry.subject, entry.event = "CLM-other", entry.event | {"subject": "CLM-other"}
        assert not recorded.is_recorded(entry)


# --- salts --------------------------------------------------------------------------------------------------------


def opens(entry: Entry) -> bool:
    (salt,) = ask("salts", pairs=[[entry.index, entry.subject]])
    return salt is not None and tlog.leaf_commitment(salt, tlog.canonical(entry.event)) == bytes(entry.leaf)


@compromise("the office process")
@pytest.mark.parametrize("kind", ["CLM", "WDR", "PRO"])
def test_no_salt_is_made_ahead_of_its_entry_or_after_it(saved, kind):
    end = log.ends()
    ref = new_ref(kind)
    for index in (-1, 0, end - 1, end + 10**6, 10**12):
        with pytest.raises(Refused) as no:
            ask("salt", index=index, subject=ref)
        assert no.value.reason == "index"
    assert not RecordKey.objects.filter(subject=ref).exists()
    # As far ahead as one transaction may go: what is entered before it is opened all the same.
    ask("salt", index=end + 500, subject=ref)
    assert opens(log.append("note", ref, by=CLOCK)) and opens(log.append("note", ref, by=CLOCK))


@compromise("the office process")
def test_a_salt_asked_for_what_was_shredded_makes_no_false_proof(saved):
    """A new key under a shredded reference opens nothing old, whichever way it was asked for."""
    claim = saved("$claim")
    old = log.history(claim.ref)[0]
    assert opens(old)
    keyroom.shred([claim.ref])
    with pytest.raises(Refused):
        ask("salt", index=0, subject=claim.ref)
    with pytest.raises(Refused):
        ask("salt", index=old.index, subject=claim.ref)
    ask("seal", subject=claim.ref, compartment="claims", model="Claim", fields={"alias": "x"})
    keyroom.mark(claim.ref, b"anything")
    ask("salt", index=log.ends(), subject=claim.ref)
    assert ask("salts", pairs=[[old.index, claim.ref]]) == [None]
    assert opens(log.append("note", claim.ref, by=CLOCK))


def test_what_was_rolled_back_is_made_again_and_many_are_made_at_once(saved):
    ref, other = new_ref("CLM"), new_ref("CLM")
    with pytest.raises(RuntimeError), transaction.atomic():
        log.append("note", other, by=CLOCK)
        log.append("note", ref, by=CLOCK)
        raise RuntimeError
    assert opens(log.append("note", ref, by=CLOCK))
    with transaction.atomic():
        assert all(opens(log.append("note", r, by=CLOCK)) for r in (ref, other) * 3)


def test_the_vault_that_sees_nothing_of_a_transaction_gives_its_salts(saved, monkeypatch):
    """Over the sockets the vault has the committed record alone."""
    end, ref = log.ends(), new_ref("CLM")
    monkeypatch.setattr("answerable.vault.operations.record.ends", lambda: end)
    with transaction.atomic():
        assert all(opens(log.append("note", ref, by=CLOCK)) for _n in range(20))


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def strict(saved):
    """The database of an alliance at work, whose clock nobody sets."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        grants.keep_time(cursor, rehearsal=False)
        cursor.execute("SET ROLE answerable_office")


@pytest.mark.parametrize(
    "off", [timedelta(minutes=1, seconds=30), DAY, 365 * 5 * DAY, -timedelta(minutes=11), -25 * HOUR]
)
def test_an_entry_has_the_time_of_the_databases_own_clock(strict, off):
    """One made while a clock is ahead would stop every later one; one made as of yesterday would pass for a day's waiting."""
    real = datetime.now(UTC)
    with clock.set_to(real + off), pytest.raises(Refused) as no, transaction.atomic():
        log.append("note", "NOTE", by=CLOCK)
    assert no.value.reason == "clock" and "do not agree" in str(no.value)
    last = Entry.objects.order_by("-index").first()
    with pytest.raises(DatabaseError, match="database's clock"), transaction.atomic():
        Entry(index=last.index + 1, leaf=bytes(32), event={}, at=real + off).save(force_insert=True)
    with clock.set_to(real):
        assert log.append("note", "NOTE", by=CLOCK).at == real


@pytest.mark.parametrize("off", [timedelta(seconds=45), -timedelta(minutes=5)])
def test_a_clock_that_is_a_little_off_stops_nobody(strict, off):
    with clock.set_to(datetime.now(UTC) + off):
        log.append("note", "NOTE", by=CLOCK)
    with clock.set_to(datetime.now(UTC)):
        log.append("note", "NOTE", by=CLOCK)


def test_a_clock_before_the_last_entry_is_told_both_times(saved):
    last = log.append("note", "NOTE", by=CLOCK)
    with clock.set_to(last.at - 2 * DAY), pytest.raises(Refused) as no:
        log.append("note", "NOTE", by=CLOCK)
    assert f"{last.at:%Y-%m-%d %H:%M}" in str(no.value) and f"{last.at - 2 * DAY:%Y-%m-%d %H:%M}" in str(no.value)


def test_the_office_cannot_say_that_it_rehearses(strict):
    for statement in ("SET answerable.rehearsal = 'on'", "ALTER TABLE record_entry DISABLE TRIGGER entry_in_time",
                      grants.IN_TIME_FUNCTION.format(ahead="9 years", behind="9 years"),
                      "SET session_replication_role = replica"):  # fmt: skip
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except DatabaseError:
            pass
        with clock.set_to(datetime.now(UTC) + DAY), pytest.raises(Refused), transaction.atomic():
            log.append("note", "NOTE", by=CLOCK)
