"""Whoever owns the office's process puts rows into the record; the database and the vault believe none that was not recorded."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from promises import compromise
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.principals import CLOCK
from answerable.channel import queries as channel
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.references import new_ref
from answerable.config import grants
from answerable.engines import tlog
from answerable.record import log
from answerable.record.models import Entry, Head
from answerable.vault import actions as vault
from answerable.vault import budget, recorded, seal
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import Withdrawal
from answerable.vault.custody import actions as custody
from answerable.vault.custody.entities import notices
from answerable.vault.keyroom import personkeys, recordkeys, shredding
from answerable.vault.models import DataKey, IdentityRequest, Notice, RecordKey

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
    salt = recordkeys.salt(index, ref)
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


def says(row: IdentityRequest, *, told: bool = True) -> tuple[dict, dict]:
    """What the two entries of a request say; with the vault's word, as if both persons had told it, or without."""
    asked = {"subject": row.subject, "fields": row.fields, "purpose": row.purpose, "body": row.asked_body.ref,
             "recipient": row.recipient.ref, "break_glass": row.break_glass}  # fmt: skip
    approved = {"body": row.approved_body.ref, "break_glass": row.break_glass}
    if told:
        asked["vault"] = recorded.word("identity asked", custody.asked_whole(row))
        approved["vault"] = recorded.word("identity approved", custody.approved_whole(row))
    return asked, approved


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
    """The control: what the tests around this one put in wrongly, put in rightly."""
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
    key = personkeys.person_public(row.recipient.ref)
    facts = {"subject": row.subject, "asked_body": row.asked_body.ref, "approved_body": row.approved_body.ref,
             "purpose": row.purpose, "fields": row.fields, "recipient_key_sha256": seal.fingerprint(key),
             "break_glass": False}  # fmt: skip
    if how == "another file":
        # Asked, approved and released as it should be; then the row is made to name another field.
        asked, approved = says(row)
        put("identity asked", row.ref, now - 25 * HOUR, asked, by=row.asked_by.ref, reason=row.reason)
        put("identity approved", row.ref, now - 25 * HOUR, approved, by=row.approved_by.ref)
        worded = recorded.with_word("identity released", row.ref, actor=CLOCK.ref, says=facts, head=Head.objects.get())
        entry = put("identity released", row.ref, now, worded, by=CLOCK.ref)
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


@pytest.fixture
def in_danger(request_made_up):
    """The same as imminent danger, which waits for nobody."""
    row, now = request_made_up, max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + HOUR
    row.break_glass, row.reason, row.status = True, "danger_to_life", "APPROVED"
    row.approved_at = row.cool_until = now
    row.valid_until = now + 72 * HOUR
    row.save()
    return row


WORDLESS = [
    "no word",
    "a word of nothing",
    "the word of another's asking",
    "the word of another request",
    "the asking alone",
]


@compromise("the office process")
@pytest.mark.parametrize("how", WORDLESS)
@pytest.mark.parametrize("urgent", [False, True])
def test_acts_in_the_names_of_others_open_no_identity(saved, request, how, urgent):
    """Rightly salted, in their place and at the present time: only the vault's word is missing, since nobody told it."""
    row = request.getfixturevalue("in_danger" if urgent else "request_made_up")
    at = row.approved_at if urgent else max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + HOUR
    asked, approved = says(row, told=False)
    if how == "a word of nothing":
        asked["vault"] = approved["vault"] = os.urandom(32).hex()
    elif how == "the word of another's asking":
        asked["vault"] = recorded.word("identity asked", custody.asked_whole(row) | {"by": person("inga").ref})
        approved["vault"] = recorded.word("identity approved", custody.approved_whole(row))
    elif how == "the word of another request":
        other = {"request": new_ref("IDR")}
        asked["vault"] = recorded.word("identity asked", custody.asked_whole(row) | other)
        whole = custody.approved_whole(row)
        approved["vault"] = recorded.word("identity approved", whole | {"asked": whole["asked"] | other})
    elif how == "the asking alone":
        asked["vault"] = recorded.word("identity asked", custody.asked_whole(row))
    put("identity asked", row.ref, at, asked, by=row.asked_by.ref, reason=row.reason)
    put("identity approved", row.ref, at, approved, by=row.approved_by.ref)
    now = at + (HOUR if urgent else 25 * HOUR)
    IdentityRequest.objects.filter(pk=row.pk).update(valid_until=now + DAY)
    with clock.set_to(now), pytest.raises(Refused, match="no approval of this request|no longer holds the role"):
        ask("release_identity", request=row.ref)
    # Nor with a release in the vault's name: no custodian is given a signed request.
    key = seal.fingerprint(personkeys.person_public(row.recipient.ref))
    facts = {"subject": row.subject, "asked_body": row.asked_body.ref, "approved_body": row.approved_body.ref, "purpose": row.purpose,
             "fields": row.fields, "recipient_key_sha256": key, "break_glass": row.break_glass, "told": 9, "day": "2026-01-01"}  # fmt: skip
    entry = put("identity released", row.ref, now, facts, by=CLOCK.ref)
    IdentityRequest.objects.filter(pk=row.pk).update(
        status="RELEASED", released_at=now, leaf_index=entry.index, recipient_key_sha256=key
    )
    with clock.set_to(now), pytest.raises(Refused, match="does not hold this release"):
        ask("identity_bundle", request=row.ref)
    assert notices(row.subject) == []


@compromise("the office process")
def test_a_release_that_the_vault_did_not_enter_makes_no_signed_request(saved, request_made_up):
    """Asked and approved as it should be; the release made up, so that nobody is told and nothing is looked at again."""
    row = request_made_up
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    forge(row, "not at all", now - 25 * HOUR)
    key = seal.fingerprint(personkeys.person_public(row.recipient.ref))
    facts = {"subject": row.subject, "asked_body": row.asked_body.ref, "approved_body": row.approved_body.ref, "purpose": row.purpose,
             "fields": row.fields, "recipient_key_sha256": key, "break_glass": False, "told": 0, "day": "2026-01-01"}  # fmt: skip
    entry = put("identity released", row.ref, now, facts, by=CLOCK.ref)
    IdentityRequest.objects.filter(pk=row.pk).update(
        status="RELEASED", released_at=now, leaf_index=entry.index, recipient_key_sha256=key, valid_until=now + DAY
    )
    with clock.set_to(now), pytest.raises(Refused, match="does not hold this release"):
        ask("identity_bundle", request=row.ref)


@compromise("the office process")
@pytest.mark.parametrize("act", ["refuse identity", "cancel identity", "expire identity"])
def test_a_request_that_was_ended_is_not_released_whatever_the_row_says(saved, request_made_up, act):
    row = request_made_up
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    IdentityRequest.objects.filter(pk=row.pk).update(valid_until=now + DAY)
    forge(row, "not at all", now - 25 * HOUR)
    put(act, row.ref, now - 2 * HOUR, {}, by=row.approved_by.ref)
    with clock.set_to(now), pytest.raises(Refused, match="no approval of this request"):
        ask("release_identity", request=row.ref)


# --- what she is told, and the day's budget -----------------------------------------------------------------------


def opened_lines(ref: str) -> list[list[str]]:
    sections = [s for answer in question("survivor_page").ask(ref) for s in answer or ()]
    return next(s["table"]["rows"] for s in sections if "Who opened what you told" in s["title"])


@compromise("the office process")
def test_a_made_up_opening_is_not_told_her_and_hides_none(saved):
    claim, at = saved("$claim"), max(clock.now(), Entry.objects.exclude(at=None).latest("index").at)
    before = opened_lines(claim.ref)
    assert before
    real = Entry.objects.filter(subject=claim.ref, action="sealed field read").order_by("index").last()
    copied = real.event["detail"]
    for n in range(105):
        says_so = copied if n % 2 else {"fields": ["account"], "purpose": "payment", "roles": "auditor"}
        put("sealed field read", claim.ref, at + n * HOUR, says_so, by=person("odile").ref if n < 50 else real.actor)
    assert opened_lines(claim.ref) == before
    assert channel.openings_of([claim.ref]) and all(o["why"] != "to pay you" for o in channel.openings_of([claim.ref]))


@compromise("the office process")
def test_a_made_up_notice_is_not_told_her_and_a_real_one_stays_without_its_row(saved, request_made_up):
    row = request_made_up
    now = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at) + 26 * HOUR
    facts = {"request": row.ref, "body": row.asked_body.ref, "purpose": "payment", "fields": ["name"]}
    Notice.objects.create(
        compartment=row.compartment, subject=row.subject, code="identity_opened", facts=facts, day=now.date()
    )
    assert notices(row.subject) == []
    released = {"subject": row.subject, "asked_body": row.asked_body.ref, "approved_body": row.approved_body.ref, "purpose": "payment",
                "fields": ["name"], "break_glass": False, "day": f"{now:%Y-%m-%d}"}  # fmt: skip
    for says_so in (released, released | {"vault": "0" * 64}, {k: v for k, v in released.items() if k != "subject"}):
        put("identity released", row.ref, now - 26 * HOUR, says_so, by=CLOCK.ref)
    assert notices(row.subject) == []
    IdentityRequest.objects.filter(pk=row.pk).update(valid_until=now + DAY)
    forge(row, "not at all", now - 25 * HOUR)
    with clock.set_to(now):
        ask("release_identity", request=row.ref)
    see_all()
    (told,) = notices(row.subject)
    assert "reaching her" in told and row.asked_body.name in told
    Notice.objects.filter(subject=row.subject).update(subject="CLM-ANOTHER", code="identity_opened_in_danger")
    assert notices(row.subject) == [told] and notices("CLM-ANOTHER") == []


@compromise("the office process")
def test_made_up_openings_neither_free_nor_use_up_the_days_budget(saved, monkeypatch):
    claim, fresh, anna = saved("$claim"), SimpleNamespace(ref=new_ref("CLM")), person("anna")
    last = max(clock.now(), Entry.objects.exclude(at=None).latest("index").at)
    start = (last + DAY).replace(hour=12)
    monkeypatch.setattr(budget, "table", lambda: {"CLM": 1, "default": 1})
    with clock.set_to(start + HOUR):
        put("sealed field read", fresh.ref, start, {"fields": ["account"], "purpose": "adjudication"}, by=anna.ref)
        vault._within_budget(claim, anna)  # what is made up uses nothing up
        says_so = {"fields": ["account"], "purpose": "adjudication", "roles": ""}
        worded = recorded.with_word(
            "sealed field read", claim.ref, actor=anna.ref, says=says_so, head=Head.objects.get()
        )
        put("sealed field read", claim.ref, start, worded, by=anna.ref)
        vault._within_budget(claim, anna)  # the same file again
        for copy in (worded, says_so):
            put("sealed field read", fresh.ref, start, copy, by=anna.ref)
            with pytest.raises(Refused) as no:
                vault._within_budget(fresh, anna)
            assert no.value.reason == "budget"


def test_what_the_vault_entered_before_it_said_so_is_told_her_still(saved):
    """An alliance founded before: entries without the word count as they were recorded, until the first that has it."""
    claim, at = saved("$claim"), max(clock.now(), Entry.objects.exclude(at=None).latest("index").at)
    founded = Entry.objects.get(action="vault founded")
    assert founded.event["detail"]["vault"]
    as_owner("ALTER TABLE record_entry DISABLE TRIGGER ALL",
             f"UPDATE record_entry SET event = event #- '{{detail,vault}}' WHERE index = {founded.index}")  # fmt: skip
    old = [put("note", claim.ref, at, {})]
    assert list(recorded.the_vaults(old)) == old, "none of its kind has the word yet"
    put("note", claim.ref, at + HOUR, {"vault": "0" * 64})
    late = put("note", claim.ref, at + 2 * HOUR, {})
    assert list(recorded.the_vaults([*old, late])) == old
    old[0].event = old[0].event | {"detail": {"more": 1}}
    assert list(recorded.the_vaults(old)) == []


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
    shredding.shred([claim.ref])
    with pytest.raises(Refused):
        ask("salt", index=0, subject=claim.ref)
    with pytest.raises(Refused):
        ask("salt", index=old.index, subject=claim.ref)
    ask("seal", subject=claim.ref, compartment="claims", model="Claim", fields={"alias": "x"})
    recordkeys.mark(claim.ref, b"anything")
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
    monkeypatch.setattr("answerable.vault.operations.sealing.record.ends", lambda: end)
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
