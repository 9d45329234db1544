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
