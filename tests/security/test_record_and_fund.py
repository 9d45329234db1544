"""The record and the ledger keep their own promises, whoever holds the office's database role."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError, connection, connections, transaction
from tests_support import see_all

from answerable.authority.acting import ACTIONS, action
from answerable.authority.principals import CLOCK
from answerable.fund import queries
from answerable.record import log, signing
from answerable.record.models import Entry

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE record_entry SET action = 'x'", "DELETE FROM record_entry", "TRUNCATE record_entry",
        "UPDATE fund_entry SET memo = 'x'", "DELETE FROM fund_leg", "UPDATE publication_release SET title = 'x'",
        "DELETE FROM publication_release", "DELETE FROM council_ballot", "DELETE FROM reparations_claim",
        "ALTER TABLE record_entry DISABLE TRIGGER ALL", "DROP TABLE record_entry",
    ],
)  # fmt: skip
@pytest.mark.writes_freely
def test_the_office_cannot_rewrite_history(played, sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.writes_freely
def test_not_even_the_owner_rewrites_the_record(played):
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    for sql in ("UPDATE record_entry SET action = 'x'", "DELETE FROM fund_leg"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


@pytest.mark.writes_freely
def test_legs_that_do_not_sum_to_zero_cannot_be_committed(played):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO fund_entry (ref, key, posted_at, memo, subject) VALUES ('LED-X','k',now(),'x','x') RETURNING id"
        )
        pk = cursor.fetchone()[0]
        cursor.execute("INSERT INTO fund_leg (entry_id, account, minor, currency) VALUES (%s,'cash',1,'USD')", [pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_every_event_of_the_demonstration_chains_and_opens_its_leaf(played):
    from answerable.engines import tlog

    previous, seen = "", 0
    for index, salt, event in log.opened_events():
        data = json.loads(event)
        assert data["prev"] == previous and data["index"] == index
        leaf = Entry.objects.get(index=index).leaf
        assert tlog.leaf_commitment(salt, event) == bytes(leaf)
        previous, seen = bytes(leaf).hex(), seen + 1
    assert seen > 300


def test_an_export_verifies_and_shows_no_name(played, tmp_path, monkeypatch, settings):
    from answerable.engines import tlog_export
    from answerable.tools import verify

    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setattr("answerable.authority.acting.running", lambda: True)
    made = signing.checkpoint()
    assert made and made.size % 64 == 0
    folder = tmp_path / "export"
    tlog_export.write_export(
        folder, leaves=log.leaves(), events=log.opened_events(), checkpoint=made.text, vkey=signing.signer().vkey()
    )
    assert verify.main([str(folder), "--vkey", signing.signer().vkey()]) == 0
    text = (folder / "events.jsonl").read_text()
    for word in ("Sealed", "library", "Noor", "Nadira Claimant", "Sami"):
        assert word not in text


def test_an_action_that_leaves_no_entry_or_two_is_undone(played):
    @action("leaves nothing")
    def nothing(*, by):
        return None

    @action("leaves two")
    def two(*, by):
        log.append("one", "X", by=by)
        log.append("two", "X", by=by)

    @action("nests")
    def nests(*, by):
        two(by=by)

    size = Entry.objects.count()
    for bad in (nothing, two, nests):
        with pytest.raises(ValueError), transaction.atomic():
            bad(by=CLOCK)
        with pytest.raises(TypeError):
            bad()
        ACTIONS.pop(bad.action_name)
    assert Entry.objects.count() == size


def test_the_trial_balance_is_zero(played):
    assert set(queries.trial_balance().values()) == {0}


def test_sealed_columns_hold_no_readable_text(played):
    see_all()
    for table, column in (("monitoring_incident", "narrative"), ("monitoring_sourceitem", "says"),
                          ("reparations_claim", "safe_contact"), ("vault_identityblock", "block")):  # fmt: skip
        with connections["keys" if table.startswith("vault") else "default"].cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {table}")
            rows = cursor.fetchall()
        blobs = [bytes(row[0]) for row in rows]
        assert blobs and all(b"ealed" not in b.replace(b'"sealed"', b"") and b"library" not in b for b in blobs)


def test_an_identity_opens_with_two_seats_and_not_with_one(played, saved):
    from answerable.vault.identity import IdentityBlock, combine, open_share
    from answerable.vault.models import IdentityBlock as Row
    from answerable.vault.primitives import Unopenable

    ref = saved("$claim").ref
    block = IdentityBlock.from_bytes(bytes(Row.objects.get(subject=ref).block))
    (a, ka), (b, kb), _third = sorted(played["seats"].items())
    halves = open_share(block, ref, a, b, ka), open_share(block, ref, b, a, kb)
    assert combine(block, ref, *halves) == {"name": "Nadira Claimant"}
    with pytest.raises(Unopenable):
        combine(block, ref, halves[0], halves[0])
