"""The canary sweep: a distinct string in every sealed field, then a search of every sink (security.md §4.6)."""

from __future__ import annotations

import logging
import re
import secrets

import pytest
from django.db import connection
from tests_support import see_all

from answerable.monitoring.models import Incident
from answerable.reparations.models import Claim

pytestmark = pytest.mark.django_db


def rows_holding(word: str) -> list[str]:
    """Tables in which some row holds the word, as text or as bytes."""
    see_all()
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s',
                [f"%{word}%", f"%{word.encode().hex()}%"],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found


@pytest.fixture
def planted(office, saved):
    names = ("narrative", "place", "link_reason", "says", "account", "alias", "safe_contact", "area2", "preferences")
    words = {n: f"canary{n.replace('_', '')}{secrets.token_hex(6)}" for n in names}
    situation, party, programme = saved("$zandria"), saved("$brigade"), saved("$programme")
    dana, inga = office("dana"), office("inga")
    report = {
        "referral_offered": "on", "searched_first": "on", "party": party.pk, "on": "2026-01-14", "precision": "day", "area1": "S",
        "victims": 3, "forms_": ["SV-RAPE"], "links": ["LK-PERP"], "risk": "medium",
        **{n: words[n] for n in ("narrative", "place", "link_reason")},
    }  # fmt: skip
    assert dana.post(f"/watch/{situation.ref}/report/", report).status_code == 303
    see_all()
    incident = Incident.objects.order_by("-id").first()
    item = {"kind": "testimony", "testimony": "T1", "assessors": 1, "purposes": ["CP-MONI"], "says": words["says"]}
    assert dana.post(f"/watch/incidents/{incident.ref}/items/", item).status_code == 303
    claim = {
        "claim_type": "CL-DIR", "age_band": "25-34", "country": "Pelland", "language": "ar", "events_from": "2026-01-02", "area1": "S",
        "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on",
        **{n: words[n] for n in ("account", "alias", "safe_contact", "area2", "preferences")},
    }  # fmt: skip
    assert inga.post(f"/repair/programmes/{programme.ref}/lodge/", claim).status_code == 303
    # The same words in requests that fail, so that errors are swept as well.
    assert (
        inga.post(f"/repair/programmes/{programme.ref}/lodge/", {**claim, "events_from": "2999-01-01"}).status_code
        == 409
    )
    assert dana.post(f"/watch/{situation.ref}/report/", {**report, "victims": "many"}).status_code == 422
    see_all()
    return words, incident, Claim.objects.order_by("-id").first()


def test_no_table_holds_a_planted_word(planted):
    words, _incident, _claim = planted
    assert {name: rows_holding(word) for name, word in words.items()} == {name: [] for name in words}


def test_the_sweep_sees_a_leak(planted):
    """The sweep's own test: a word known to be stored in the open is found."""
    assert "monitoring_situation" in rows_holding("Zandria")
    assert rows_holding("Arvenia")


def test_no_page_record_export_or_log_shows_a_planted_word(planted, office, caplog):
    from answerable.record import log

    words, incident, claim = planted
    caplog.set_level(logging.DEBUG)
    for who in ("sami", "dana", "vera", "inga", "anna", "delegate.avn", "chair", "fina", "odile"):
        client, seen, queue = (
            office(who),
            set(),
            ["/today/", f"/watch/incidents/{incident.ref}/", f"/repair/claims/{claim.ref}/"],
        )
        while queue and len(seen) < 40:
            url = queue.pop(0)
            if url in seen:
                continue
            seen.add(url)
            text = client.get(url).content.decode()
            assert not [n for n, w in words.items() if w in text], (who, url)
            queue += [u for u in re.findall(r'href="(/[^"#]*)"', text) if not u.startswith(("/static", "/api"))]
    see_all()
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    assert not [n for n, w in words.items() if w in events or w in caplog.text]


def test_who_may_opens_it_and_leaves_an_entry(planted, office):
    from answerable.record import log

    words, incident, claim = planted
    vera = office("vera")
    assert (
        words["narrative"]
        in vera.post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"}).content.decode()
    )
    assert (
        words["safe_contact"]
        in office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"}).content.decode()
    )
    assert [e.action for e in log.history(incident.ref)][-1] == "sealed field read"
    refused = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "account"})
    assert refused.status_code == 409 and words["account"] not in refused.content.decode()


def test_a_locked_key_opens_nothing(planted, office, settings):
    words, incident, _claim = planted
    vera = office("vera")
    del vera.cookies[settings.UNLOCK_COOKIE]
    reply = vera.post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"})
    assert (
        reply.status_code == 409
        and "locked" in reply.content.decode()
        and words["narrative"] not in reply.content.decode()
    )


def test_without_her_consent_to_contact_her_contact_stays_sealed(office, saved):
    from answerable.authority.acting import action
    from answerable.record import log

    claim = saved("$claim")

    @action("test withdraws a consent")
    def withdraw(*, by):
        claim.purposes = ["CP-CLAI"]
        claim.save(update_fields=["purposes"])
        log.append("x", claim, by=by)

    from answerable.authority.principals import CLOCK

    withdraw(by=CLOCK)
    reply = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"})
    assert reply.status_code == 409 and "SC-4" in reply.content.decode()


# --- the door ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def planted_at_the_door(door, office, settings, tmp_path):
    """A distinct word in everything someone types or sends at the door, and in what the office answers and notes."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from door_support import began

    from answerable.channel.models import Thread

    settings.QUARANTINE = tmp_path / "quarantine"
    names = (
        "message",
        "calledby",
        "note",
        "reply",
        "correction",
        "attachment",
        "attachmentname",
        "unmatched",
        "unsent",
        "draft",
    )
    words = {n: f"canary{n}{secrets.token_hex(6)}" for n in names} | {
        "pin": "73" + str(10**5 + secrets.randbelow(10**5))
    }
    visitor = door()
    code = began(visitor, pin=words["pin"], text=words["message"])
    words |= {"code": code, "code as shown": " ".join(code[i : i + 4] for i in range(0, 24, 4)), "secret": code[6:22]}
    see_all()
    thread = Thread.objects.order_by("-id").first()
    adva = office("adva")
    for kind in ("reply", "note"):
        assert adva.post(f"/repair/messages/{thread.ref}/reply/", {"text": words[kind], "as": kind}).status_code == 303
    visitor.see("/inside/")
    visitor.say("/inside/write/", text=words["correction"], kind="correction")
    text = SimpleUploadedFile(f"{words['attachmentname']}.txt", words["attachment"].encode(), "text/plain")
    assert "file is received" in visitor.say("/inside/file/", file=text)
    stranger = door()
    stranger.see("/enter/")
    stranger.say(
        "/enter/", code=code, pin=words["pin"][:-1] + "0" if words["pin"][-1] != "0" else words["pin"][:-1] + "1"
    )
    stranger.say("/inside/write/", text=words["unmatched"])
    unsent = door()
    unsent.see("/begin/")
    unsent.say("/begin/", kind="tell")
    for answer in ("yes", words["pin"], words["unsent"]):
        unsent.next(answer)
    saved = door()
    saved.see("/begin/")
    saved.say("/begin/", kind="tell")
    for answer in ("yes", words["pin"], words["draft"]):
        saved.next(answer)
    saved.next(words["calledby"], act="save")
    return words, thread, tmp_path


def test_no_table_of_either_database_and_no_file_holds_what_passed_the_door(planted_at_the_door):
    from django.db import connections

    words, _thread, folder = planted_at_the_door
    found = {name: rows_holding(word) for name, word in words.items()}
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            for name, word in words.items():
                like = [f"%{word}%", f"%{word.encode().hex()}%"]
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s OR t::text LIKE %s', like)
                found[name] += [f"keys: {table}"] * cursor.fetchone()[0]
    for path in folder.rglob("*"):
        if path.is_file():
            found |= {n: [*found[n], path.name] for n, w in words.items() if w.encode() in path.read_bytes()}
    assert found == {name: [] for name in words}


def test_no_page_of_the_office_record_or_log_shows_what_passed_the_door(planted_at_the_door, office, caplog):
    from answerable.record import log

    words, thread, _folder = planted_at_the_door
    caplog.set_level(logging.DEBUG)
    for who in ("adva", "inga", "anna", "sami", "dana", "delegate.avn", "ines"):
        client = office(who)
        for url in (
            "/today/",
            "/repair/",
            "/repair/messages/",
            f"/repair/messages/{thread.ref}/",
            f"/r/{thread.ref}/",
            "/record/",
        ):
            text = client.get(url).content.decode()
            assert not [n for n, w in words.items() if w in text], (who, url)
    see_all()
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    assert not [n for n, w in words.items() if w in events or w in caplog.text]
