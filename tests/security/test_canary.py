"""The canary sweep: a distinct string in every sealed field, then a search of every sink (security.md §4.6)."""

from __future__ import annotations

import io
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
    ask = {"told_before": "no_code", "pseudonym": words["pseudonym"], "purpose": "CP-MONI", "added_value": f"one two {words['added']}",
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
    assert dana.post(f"/watch/intake/report/{situation.ref}/", wrong).status_code == 422
    assert dana.post(f"/watch/incidents/{incident.ref}/items/", {**item, "kind": words["form"]}).status_code in (
        409,
        422,
    )
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


def test_no_log_shows_what_a_refused_request_was_sent_with(planted, office, monkeypatch):
    """Its method, its address, its host, its origin and where it comes from, as the doors themselves write their log."""
    from django.test import Client

    words, incident, _claim = planted
    secret, written = words["narrative"], io.StringIO()
    monkeypatch.setattr(logging.getLogger("django").handlers[0], "stream", written)
    read, sent = f"/watch/incidents/{incident.ref}/read/", {"HTTP_X_SAID": secret}
    vera = office("vera")
    assert vera.generic(secret, read, **sent).status_code == 405
    assert vera.generic("PUT", read, **sent).status_code == 405
    assert vera.get(f"/{secret}/").status_code == 404
    with monkeypatch.context() as patch:
        patch.setattr("django.conf.settings.ALLOWED_HOSTS", ["testserver"])
        assert vera.get("/today/", HTTP_HOST=f"{secret}.example").status_code == 400
    strict = Client(enforce_csrf_checks=True)
    for headers in (
        {"HTTP_ORIGIN": f"https://{secret}.example"},
        {"HTTP_REFERER": f"https://{secret}.example/", "secure": True},
    ):
        assert strict.generic(secret, f"/sign-in/?{secret}", **headers).status_code == 403
        assert strict.post("/sign-in/", **headers).status_code == 403
    log = written.getvalue()
    assert log.count("Method Not Allowed (other)") == 1 and log.count("Method Not Allowed (PUT)") == 1
    assert "Not Found" in log and "DisallowedHost" in log and log.count("Forbidden (csrf)") == 4
    assert secret not in log and incident.ref not in log


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


# --- reports coming in ------------------------------------------------------------------------------------------------


@pytest.fixture
def brought_in(office, saved, settings, tmp_path, caplog):
    """A distinct word in every text by every way a report, an item, an interview or counts come in, right and wrong."""
    import json

    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client
    from walks.test_intake import ITEM, central, odk_zip, row, table

    from answerable.alliance.models import Person
    from answerable.common.errors import Refused
    from answerable.common.hooks import question
    from answerable.monitoring.intake.actions import delivering, filing
    from answerable.monitoring.intake.models import Draft
    from answerable.monitoring.intake.staging import arrival, stretches

    settings.INTAKE, settings.QUARANTINE = tmp_path / "intake", tmp_path / "quarantine"
    caplog.set_level(logging.DEBUG)
    words: dict[str, str] = {}

    def w(name):
        return words.setdefault(name, f"canary{name.replace('_', '')}{secrets.token_hex(6)}")

    def texts(way):
        return {n: w(f"{way}_{n}") for n in ("narrative", "place", "link_reason", "area3", "actor_name")}

    dana, situation = office("dana"), saved("$zandria")
    see_all()
    by = Person.objects.select_related("body__state").get(handle="dana")
    told = {"kind": "document", "directness": "secondary", "captured_on": "2026-02-01"}
    # The form in steps: kept as a draft, saved half-way with words typed already, wrong, and filed.
    url = f"/watch/intake/report/{situation.ref}/"
    split = {k: v.split() for k, v in row(saved).items() if k in ("forms", "links", "actor_types")}
    form = {**row(saved), **split, "step": 5}
    for n, (way, act) in enumerate((("held", "save"), ("page", "file")), 1):
        sent = {**form, **told, **texts(way), "says": w(f"{way}_says"), "victims": str(20 + n), "act": act}
        assert dana.post(url, sent).status_code == 303
    half = {
        **form,
        **texts("half"),
        "step": 2,
        "act": "save",
        "area1": w("half_area"),
        "when": w("half_when"),
        "victims": w("half_victims"),
    }
    assert dana.post(url, half).status_code == 303
    see_all()
    wrong = {
        n: w(f"wrong_{n}")
        for n in ("when", "risk", "victims", "victim_counts", "latitude", "captured_on", "item_language", "interview")
    }
    assert dana.post(url, {**form, **told, **texts("bad"), **wrong, "act": "file"}).status_code == 422
    # A draft of a coded file, whose reason is given when it is filed.
    coded = {k: v for k, v in row(saved, victims="31").items() if k not in ("narrative", "link_reason")}
    odk = odk_zip(
        [{**central(saved, "uuid:in"), **texts("odk"), "SubmitterName": w("submitter"), "DeviceID": w("device")}],
        [
            {
                **ITEM,
                "says": w("odk_says"),
                "attachment": f"{w('file_name')}.txt",
                "PARENT_KEY": "uuid:in",
                "KEY": "uuid:in/1",
            }
        ],
        {f"{words['file_name']}.txt": w("file_text").encode()},
    )
    bad = [
        {**row(saved, victims="32"), **texts("row"), w("header"): w("cell")},
        {**row(saved, **wrong), **texts("badrow"), w("header"): "x"},
    ]
    for raw, name in (
        (table(coded), "coded.csv"),
        (odk, "answerable_report.zip"),
        (table(*bad), f"{w('delivery_name')}.csv"),
    ):
        staged = arrival.stage(arrival.arrive(io.BytesIO(raw)), name, by=by)
        stretches.begin(staged, staged.state.mapping, None)
        stretches.advance(staged, by=by)
        batch = delivering.bring_in_reports(staged, by=by)
    coded_draft = Draft.objects.get(coded__victims=31)
    assert dana.post(f"/watch/intake/drafts/{coded_draft.ref}/", {"link_reason": w("given_reason")}).status_code == 303
    see_all()
    filing.file_draft(Draft.objects.get(corrects="", batch__route="odk"), by=by)
    # The API, long and short, right, wrong and unreadable.
    page = dana.post("/alliance/tokens/", {"purpose": "monitoring", "days": 3}).content.decode()
    headers = {"authorization": f"Bearer {re.search('ans_[A-Za-z0-9_-]+', page)[0]}"}

    def api(path, body, status, key="k"):
        raw = body if isinstance(body, str) else json.dumps(body)
        reply = Client().post(
            f"/api/{path}", raw, content_type="application/json", headers={**headers, "idempotency-key": key}
        )
        assert reply.status_code == status, reply.content
        assert not [n for n, word in words.items() if word in reply.content.decode()]

    long = {
        **row(saved, victims="41"),
        **texts("api"),
        "submission_id": w("submission"),
        "items": [{**told, "says": w("api_says")}],
    }
    api("reports", long, 201, w("idempotency"))
    api("reports", {**long, "victims": "42"}, 201, w("other_key"))  # a later version: a correction that waits
    api("reports", {**long, **wrong, "items": [{**told, "kind": w("api_kind")}]}, 422, "another-key")
    api("reports", f"{{not json {w('broken')}", 409, "a-third-key")
    short = {
        **{n: v for n, v in row(saved).items() if n != "when"},
        **split,
        "victims": 43,
        "on": "2026-01-14",
        "referral_offered": True,
        "searched_first": True,
    }
    api("incidents", {**short, **{n: w(f"short_{n}") for n in ("narrative", "place", "link_reason")}}, 201)
    api("incidents", {**short, "area1": w("short_area") + "\x00", "forms": [w("short_form")]}, 422)
    # An item, an interview, her code, counts, and the door.
    see_all()
    why = {"told_before": "no_code", "pseudonym": w("pseudonym"), "purpose": "CP-MONI", "added_value": f"one two {w('added')}",
           "why_not_enough": f"one two {w('enough')}"}  # fmt: skip
    assert dana.post(f"/watch/intake/interviews/ask/{situation.ref}/", why).status_code == 303
    assert dana.post(f"/watch/intake/interviews/ask/{situation.ref}/", {**why, "code": w("code")}).status_code == 409
    see_all()
    filed = Incident.objects.get(victims=43)
    item = {**told, "says": w("item_says"), "person_key": w("item_person"), "reliability": "B", "credibility": "2"}
    assert dana.post(f"/watch/incidents/{filed.ref}/items/", item).status_code == 303
    assert dana.post(f"/watch/incidents/{filed.ref}/items/", {**item, "captured_on": w("item_day")}).status_code == 409
    counts = SimpleUploadedFile(
        "counts.csv", f"type,month,area,count,{w('counts_header')}\n1,2026-01,N,12,{w('counts_cell')}\n".encode()
    )
    assert dana.post(f"/watch/intake/counts/{situation.ref}/", {"file": counts}).status_code == 409
    see_all()
    door = {
        **row(saved),
        **split,
        "on": "2026-01-15",
        "victims": "44",
        **{n: w(f"door_{n}") for n in ("narrative", "place", "link_reason")},
    }
    assert [r for r in question("lodge_from_channel").ask("report", door, by) if r]
    with pytest.raises(Refused) as no:
        question("lodge_from_channel").ask("report", {**door, "victims": "45", "forms": [w("door_form")]}, by)
    assert words["door_form"] not in str(no.value)
    see_all()
    return words, filed, batch, tmp_path


def test_what_comes_in_by_any_way_is_in_no_table_and_on_no_disk(brought_in):
    from django.db import connections

    words, _filed, _batch, folder = brought_in
    # An area is kept in the open, coarse as it is: what someone types as one on a page that is saved half-way is not.
    found = {name: rows_holding(word) for name, word in words.items()}
    with connections["keys"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (one,) in cursor.fetchall():
            for name, word in words.items():
                cursor.execute(f'SELECT count(*) FROM "{one}" t WHERE t::text LIKE %s OR t::text LIKE %s',
                               [f"%{word}%", f"%{word.encode().hex()}%"])  # fmt: skip
                found[name] += [f"keys: {one}"] * cursor.fetchone()[0]
    for path in folder.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            found |= {n: [*found[n], path.name] for n, word in words.items() if word.encode() in raw}
    assert {n: where for n, where in found.items() if where} == {}
    assert len(words) > 70


def test_what_comes_in_by_any_way_is_on_no_page_in_no_entry_and_in_no_log(brought_in, office, caplog):
    from answerable.monitoring.intake.models import Draft, Interview
    from answerable.record import log

    words, filed, batch, _folder = brought_in
    drafts = [f"/watch/intake/drafts/{d.ref}/" for d in Draft.objects.filter(organisation=filed.organisation)]
    talks = [f"/watch/intake/interviews/{i.ref}/" for i in Interview.objects.all()]
    for who in ("dana", "sami", "vera", "lena", "safa", "delegate.avn", "odile"):
        client = office(who)
        for url in ("/today/", "/watch/intake/", f"/watch/intake/deliveries/{batch.ref}/", f"/watch/intake/deliveries/{batch.ref}/problems.csv",
                    "/watch/intake/interviews/", f"/watch/incidents/{filed.ref}/", f"/watch/intake/counts/{filed.situation.ref}/", "/record/",
                    *drafts, *talks):  # fmt: skip
            text = client.get(url).content.decode()
            assert not [n for n, w in words.items() if w in text], (who, url)
    see_all()
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    assert not [n for n, w in words.items() if w in events or w in caplog.text]


# --- the door ---------------------------------------------------------------------------------------------------------


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_what_is_in_evidence_and_its_reasons_is_in_no_table_page_record_or_disk(
    office, saved, settings, tmp_path, caplog
):
    """A word in a file's name, in the file, in a statement, and in each kind of reason, swept like the rest."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from answerable.monitoring.evidence.models import EvidenceFile
    from answerable.monitoring.models import SourceItem
    from answerable.record import log

    settings.QUARANTINE = tmp_path / "quarantine"
    caplog.set_level(logging.DEBUG)
    names = ("filename", "filetext", "passage", "grade", "weighed", "opinion")
    words = {n: f"canary{n}{secrets.token_hex(6)}" for n in names}
    vera, lena, expert = office("vera"), office("lena"), office("expert1")
    incident, contrary = saved("$I1"), saved("$I9").items.get(contrary=True)
    item = incident.items.filter(kind="testimony").first()
    see_all()
    ungraded = SourceItem.objects.filter(kind="testimony").exclude(assessments__assessor__handle="vera").first()
    content = f"{words['filetext']} and {words['passage']}".encode()
    upload = SimpleUploadedFile(words["filename"] + ".txt", content, "text/plain")
    sent = [(vera, f"/watch/items/{item.ref}/evidence/take/", {"file": upload, "why": "court"}, 303)]
    sent += [
        (vera, f"/watch/items/{ungraded.ref}/assess/", {"testimony": "T1", "reasons": words["grade"]}, 303),
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
