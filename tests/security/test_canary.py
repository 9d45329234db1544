"""The canary sweep: a distinct string in every sealed field, then a search of every sink (security.md §4.6)."""

from __future__ import annotations

import logging
import re
import secrets

import pytest
from tests_support import rows_holding, see_all

from answerable.common import clock
from answerable.monitoring.intake.models import Interview
from answerable.monitoring.models import Incident
from answerable.monitoring.warning.models import Alert
from answerable.reparations.models import Claim
from answerable.safeguarding.models import ContactAttempt, Grievance

pytestmark = pytest.mark.django_db


@pytest.fixture
def planted(office, saved):
    names = ("narrative", "place", "link_reason", "says", "account", "alias", "safe_contact", "area2", "preferences",
             "plan_words", "plan_sender", "plan_code_phrase", "plan_may_answer", "plan_must_not_know", "care_note", "care_contact",
             "contact_note", "happened", "may_be_told", "remedy", "answer", "seen", "judged",
             "added", "enough", "pseudonym", "when", "form", "latitude")  # fmt: skip
    words = {n: f"canary{n.replace('_', '')}{secrets.token_hex(6)}" for n in names}
    situation, party, programme = saved("$zandria"), saved("$brigade"), saved("$programme")
    dana, inga = office("dana"), office("inga")
    report = {
        "step": 5, "act": "file", "referral_offered": "on", "searched_first": "on", "party": party.ref, "when": "2026-01-14", "area1": "S",
        "victims": 3, "actor_types": ["ACT-STF"], "forms": ["SV-RAPE"], "links": ["LK-PERP"], "risk": "medium",
        **{n: words[n] for n in ("narrative", "place", "link_reason")},
    }  # fmt: skip
    assert dana.post(f"/watch/intake/report/{situation.ref}/", report).status_code == 303
    see_all()
    incident = Incident.objects.order_by("-id").first()
    ask = {"told_before": "no_code", "pseudonym": "p-c", "purpose": "CP-MONI", "added_value": f"one two {words['added']}",
           "why_not_enough": f"one two {words['enough']}"}  # fmt: skip
    assert dana.post(f"/watch/intake/interviews/ask/{situation.ref}/", ask).status_code == 303
    see_all()
    item = {"kind": "testimony", "testimony": "T1", "directness": "primary", "captured_on": "2026-01-20", "purposes": ["CP-MONI"],
            "understood": "yes", "withdrawal_told": "yes", "person_key": words["pseudonym"], "says": words["says"],
            "interview": Interview.objects.latest("id").ref}  # fmt: skip
    assert dana.post(f"/watch/incidents/{incident.ref}/items/", item).status_code == 303
    claim = {
        "claim_type": "CL-DIR", "age_band": "25-34", "country": "Pelland", "language": "ar", "events_from": "2026-01-02", "area1": "OTHER",
        "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "on", "referral_offered": "on", "plan_ways": ["phone"], "plan_any_time": "on",
        **{n: words[n] for n in ("account", "alias", "safe_contact", "area2", "preferences")},
        **{n: w for n, w in words.items() if n.startswith("plan_")},
    }  # fmt: skip
    assert inga.post(f"/repair/programmes/{programme.ref}/lodge/", claim).status_code == 303
    # The same words in requests that fail, so that errors are swept as well.
    assert (
        inga.post(f"/repair/programmes/{programme.ref}/lodge/", {**claim, "events_from": "2999-01-01"}).status_code
        == 409
    )
    wrong = {**report, "victims": "many", "when": words["when"], "forms": words["form"], "latitude": words["latitude"]}
    assert dana.post(f"/watch/intake/report/{situation.ref}/", wrong).status_code == 409
    assert dana.post(f"/watch/incidents/{incident.ref}/items/", {**item, "kind": words["form"]}).status_code in (409, 422)
    see_all()
    lodged = Claim.objects.order_by("-id").first()
    plant_in_safeguarding(office, words, lodged)
    plant_in_early_warning(office, words, situation)
    see_all()
    return words, incident, lodged


def plant_in_early_warning(office, words, situation):
    """The same in observations and in what a person wrote when deciding on a level; once in a form that fails."""
    dana, lena, today = office("dana"), office("lena"), clock.today().isoformat()
    entry = {"stage": "3", "on": today, "reliability": "A", "credibility": "1", "note": words["seen"]}
    where = f"/watch/{situation.ref}/warning/enter/"
    for indicator in ("EW-M7", "EW-P1", "EW-E2"):
        assert dana.post(where, {**entry, "indicator": indicator}).status_code == 303
    assert dana.post(where, {**entry, "indicator": "EW-M8", "on": "2999-01-01"}).status_code == 409
    see_all()
    alert = Alert.objects.get(situation=situation, status="PROPOSED")
    decided = {"reason": "SOURCES_HOLD", "words": words["judged"]}
    assert lena.post(f"/watch/warnings/alerts/{alert.ref}/confirm/", {**decided, "reason": "none"}).status_code == 422
    assert lena.post(f"/watch/warnings/alerts/{alert.ref}/confirm/", decided).status_code == 303


def plant_in_safeguarding(office, words, claim):
    """The same in a referral, a contact that went wrong, a complaint and its answer."""
    adva, omar = office("adva"), office("omar")
    offered = {"need": "SURGERY", "note": words["care_note"], "contact": words["care_contact"]}
    assert adva.post(f"/repair/care/offer/?about={claim.ref}", offered).status_code == 303
    assert adva.post("/repair/care/offer/", {**offered, "need": "NO SUCH"}).status_code == 422
    assert adva.post(f"/repair/contact/{claim.ref}/reach/", {"sender": "call"}).status_code == 303
    see_all()
    attempt = ContactAttempt.objects.first()
    logged = {"outcome": "WRONG_PERSON", "cover_said": "on", "next_step": "NONE", "note": words["contact_note"]}
    assert adva.post(f"/repair/contact/attempts/{attempt.ref}/log/", logged).status_code == 303
    told = {
        "about": ["CONDUCT"],
        "immediate_risk": "on",
        **{n: words[n] for n in ("happened", "may_be_told", "remedy")},
    }
    assert office("fina").post("/alliance/complaints/make/", told).status_code == 303
    see_all()
    where = f"/alliance/complaints/{Grievance.objects.order_by('-id').first().ref}/"
    for move in ("acknowledge_grievance", "examine_grievance"):
        assert omar.post(where + "move/", {"move": move}).status_code == 303
    assert omar.post(where + "answer/", {"answer": words["answer"]}).status_code == 303


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
    for who in (
        "sami",
        "dana",
        "vera",
        "inga",
        "adva",
        "anna",
        "safa",
        "omar",
        "petra",
        "delegate.avn",
        "chair",
        "fina",
        "odile",
    ):
        client, seen, queue = (
            office(who),
            set(),
            [
                "/today/",
                f"/watch/incidents/{incident.ref}/",
                f"/repair/claims/{claim.ref}/",
                "/repair/care/",
                "/watch/warnings/",
                f"/repair/contact/{claim.ref}/",
                "/alliance/complaints/",
            ],  # fmt: skip
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
    from answerable.alliance.models import Person
    from answerable.vault.consent import actions as consent

    claim = saved("$claim")
    consent.withdraw_consent(claim, ["CP-CONT"], heard_through="phone", by=Person.objects.get(handle="adva"))
    reply = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"})
    said = reply.content.decode()
    assert reply.status_code == 409 and "SC-4" in said and "Ask her first" in said


# --- the door ---------------------------------------------------------------------------------------------------------


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_what_is_in_evidence_and_its_reasons_is_in_no_table_page_record_or_disk(
    office, saved, settings, tmp_path, caplog
):
    """A word in a file's name, in the file, in a statement, and in each kind of reason, swept like the rest."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from answerable.monitoring.evidence.models import EvidenceFile
    from answerable.record import log

    settings.QUARANTINE = tmp_path / "quarantine"
    caplog.set_level(logging.DEBUG)
    names = ("filename", "filetext", "passage", "grade", "weighed", "opinion")
    words = {n: f"canary{n}{secrets.token_hex(6)}" for n in names}
    vera, lena, expert = office("vera"), office("lena"), office("expert1")
    incident, contrary = saved("$I1"), saved("$I9").items.get(contrary=True)
    item = incident.items.filter(kind="testimony").first()
    content = f"{words['filetext']} and {words['passage']}".encode()
    upload = SimpleUploadedFile(words["filename"] + ".txt", content, "text/plain")
    sent = [(vera, f"/watch/items/{item.ref}/evidence/take/", {"file": upload, "why": "court"}, 303)]
    sent += [
        (vera, f"/watch/items/{item.ref}/assess/", {"testimony": "T1", "reasons": words["grade"]}, 303),
        (lena, f"/watch/items/{contrary.ref}/weigh/", {"outcome": "stands", "how": words["weighed"]}, 303),
        (expert, f"/watch/incidents/{incident.ref}/opinion/", {"level": "V2", "reasons": words["opinion"]}, 303),
        (vera, f"/watch/items/{item.ref}/assess/", {"testimony": "T9", "reasons": words["grade"]}, 422),
    ]
    for client, url, data, status in sent:
        assert client.post(url, data).status_code == status, url
    see_all()
    file = EvidenceFile.objects.get(item=item)
    assert words["filetext"] in vera.post(f"/watch/evidence/{file.ref}/show/").content.decode()
    refused = vera.post(f"/watch/evidence/{file.ref}/passages/", {"passages": words["opinion"], "why": "safety"})
    assert refused.status_code == 409 and words["opinion"] not in refused.content.decode()
    assert (
        vera.post(f"/watch/evidence/{file.ref}/passages/", {"passages": words["passage"], "why": "safety"}).status_code
        == 303
    )
    assert {n: rows_holding(w) for n, w in words.items()} == {n: [] for n in words}
    for client in (vera, lena, expert, office("sami"), office("delegate.avn")):
        for url in (f"/watch/items/{item.ref}/evidence/", f"/watch/incidents/{incident.ref}/known/", "/today/"):
            assert not [n for n, w in words.items() if w in client.get(url).content.decode()], url
    see_all()
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    on_disk = b"".join(p.read_bytes() for p in settings.QUARANTINE.iterdir())
    assert not [n for n, w in words.items() if w in events or w in caplog.text or w.encode() in on_disk]


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
