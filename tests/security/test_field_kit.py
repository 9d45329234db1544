"""Reports that a field device sealed: taken in once, by whose code they come, in an open vault or a locked one."""

from __future__ import annotations

import base64
import json
import re

import pytest
from django.db import IntegrityError, transaction
from tests_support import rows_holding, see_all

from answerable.alliance.models import Person
from answerable.channel import actions, codes
from answerable.channel.models import KitEnvelope, Thread
from answerable.monitoring.models import Incident
from answerable.record.models import Entry
from answerable.vault import seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask
from answerable.vault.keyroom import vaultkeys
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db
WORDS = "canaryofthefieldkit"
PIN = "13571357"


@pytest.fixture
def locked():
    """The vault locked for a while; unlocked again by calling it."""
    root = CHAMBER.root
    CHAMBER.lock("a test")
    yield lambda: CHAMBER.unlock(root)
    CHAMBER.unlock(root)


@pytest.fixture
def dana(played, db):
    """A documenter with a code of her own."""
    return _with_code("dana")


def _with_code(handle: str):
    see_all()
    person = Person.objects.get(handle=handle)
    ines = Person.objects.get(handle="ines")
    ines.session_token = ask("sign_in", handle="ines", passphrase=PASSPHRASE)["token"]
    issued = actions.issue_code(person, pin=PIN, by=ines)
    return person, issued.code.digits


def sealed(saved, *, context: str = "Kit", field: str = "report", language: str = "en", **other) -> bytes:
    """What the device makes of a report."""
    fields = {
        "referral_offered": "yes", "searched_first": "yes", "party": saved("$brigade").ref, "on": "2026-01-14", "area1": "South",
        "victims": "3", "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "The unit is named.", "narrative": WORDS, **other,
    }  # fmt: skip
    text = json.dumps({"fields": fields, "id": "00" * 16, "language": language, "v": 1})
    public = vaultkeys.service_known("door")
    return seal.seal_envelope(public, text.encode(), seal.envelope_context("alliance", "door", context, field))


def send(door, code: str, *envelopes: bytes, pin: str = PIN) -> dict:
    visitor = door()
    token = json.loads(visitor.get("/kit/ready/").content)["t"]
    reply = visitor.post("/kit/send/", {"t": token, "code": code, "pin": pin,
                                        "envelope": [base64.b64encode(e).decode() for e in envelopes]})  # fmt: skip
    assert reply.status_code == 200 and not reply.cookies
    return json.loads(reply.content)


def states(answer: dict) -> list[str]:
    return [r["state"] for r in answer["receipts"]]


def counted() -> tuple[int, int]:
    see_all()
    return Incident.objects.count(), KitEnvelope.objects.count()


def test_a_report_is_lodged_for_the_documenters_own_organisation_and_a_reader_reads_it(door, office, saved, dana):
    person, code = dana
    assert states(send(door, code, sealed(saved))) == ["LODGED"]
    see_all()
    incident = Incident.objects.order_by("-id").first()
    assert incident.collected_by == person and incident.compartment == f"monitoring/{person.body.ref}"
    shown = office("sami").post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"}).content.decode()
    assert WORDS in shown and rows_holding(WORDS) == []
    see_all()
    row = KitEnvelope.objects.get(report_ref=incident.ref)
    assert bytes(row.envelope) == b"", "what could be read beside the report, and after it is shredded, is gone"
    said = Entry.objects.get(subject=row.ref, action="sealed report lodged").event["detail"]
    assert said == {"report": incident.ref, "sealed_by": "browser"}


def test_the_same_envelope_counts_once_however_often_it_is_sent(door, saved, dana):
    _person, code = dana
    blob, before = sealed(saved), counted()
    assert [states(send(door, code, *parts)) for parts in ((blob,), (blob,), (blob, blob))] == [
        ["LODGED"], ["LODGED"], ["LODGED", "LODGED"],
    ]  # fmt: skip
    assert counted() == (before[0] + 1, before[1] + 1)


def test_a_locked_vault_keeps_it_sealed_and_takes_it_in_once_when_it_opens(door, saved, dana, locked):
    _person, code = dana
    blob, before = sealed(saved), counted()
    assert states(send(door, code, blob)) == ["WAITING"] and states(send(door, code, blob)) == ["WAITING"]
    assert counted() == (before[0], before[1] + 1) and actions.owed() == 0
    locked()
    assert (actions.owed(), actions.owed()) == (1, 0)
    assert counted() == (before[0] + 1, before[1] + 1)
    assert states(send(door, code, blob)) == ["LODGED"] and counted()[0] == before[0] + 1


def test_a_wrong_code_pin_or_anyone_elses_takes_nothing_and_gets_one_answer(door, saved, dana):
    from door_support import began

    _person, code = dana
    hers, other, before = began(door(), pin="4711", text="Hello."), codes.new().digits, counted()
    blob = sealed(saved)
    tries = [(code, "13571358"), (code, ""), (other, PIN), (hers, "4711"), ("123", PIN), (code[:-1] + "x", PIN)]
    assert [send(door, c, blob, pin=p) for c, p in tries] == [{"ok": False, "receipts": []}] * len(tries)
    assert counted() == before


def test_the_lists_of_the_form_come_with_a_documenters_code_only(door, saved, dana):
    _person, code = dana
    visitor = door()

    def asked(pin: str):
        token = json.loads(visitor.get("/kit/ready/").content)["t"]
        return visitor.post("/kit/form/", {"t": token, "code": code, "pin": pin})

    assert json.loads(asked("00000000").content) == {"ok": False, "choices": {}}
    assert not visitor.cookies
    assert saved("$brigade").ref in asked(PIN).content.decode()
    assert visitor.cookies["saved"]["path"] == "/leave/"
    assert saved("$brigade").ref not in visitor.get("/kit/").content.decode()
    # Reports that wait are not thrown away by leaving; the visit is.
    assert visitor.get("/leave/").headers["Clear-Site-Data"] == '"cache"'
    assert "storage" in door().get("/leave/").headers["Clear-Site-Data"]


@pytest.mark.parametrize(
    "spoiled",
    [lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:200] + bytes([b[200] ^ 1]) + b[201:], lambda b: b[:1300],
     lambda b: b"\x01" + b[1:], lambda b: b"", lambda b: b"\x05" + bytes(256 * 1024)],
    ids=["last bit", "a bit of the key", "cut", "another format", "nothing", "too large"],
)  # fmt: skip
def test_a_changed_envelope_is_refused_in_a_sentence_and_the_next_is_taken(door, saved, dana, spoiled):
    _person, code = dana
    before = counted()[0]
    answer = send(door, code, spoiled(sealed(saved)), sealed(saved))
    assert states(answer) == ["REFUSED", "LODGED"] and len(answer["receipts"][0]["sentence"]) > 20
    assert counted()[0] == before + 1


@pytest.mark.parametrize("place", [{"context": "Other"}, {"field": "text"}], ids=["another kind", "another field"])
def test_an_envelope_for_another_place_is_refused(door, saved, dana, place):
    assert states(send(door, dana[1], sealed(saved, **place))) == ["REFUSED"]


def test_an_envelope_to_another_key_is_refused(door, saved, dana):
    context = seal.envelope_context("alliance", "door", "Kit", "report")
    assert states(send(door, dana[1], seal.seal_envelope(seal.new_key_pair()[0], b"{}", context))) == ["REFUSED"]


@pytest.mark.parametrize(
    ("other", "says"),
    [({"party": "PTY-NONE"}, "choose from the list"), ({"forms": ["SV-NONE"]}, "choose from the list"), ({"on": "2999-01-01"}, "lie ahead"),
     ({"victims": ""}, "needed to go on"), ({"victims": "0"}, "Write a number"),
     ({"referral_offered": ""}, "needed to go on"), ({"forms": "SV-RAPE"}, "needed to go on"),
     ({"link_reason": {"a": 1}}, "needed to go on")],
)  # fmt: skip
def test_what_the_rules_refuse_is_said_and_leaves_no_report(door, saved, dana, other, says):
    before = counted()[0]
    answer = send(door, dana[1], sealed(saved, **other))
    assert states(answer) == ["REFUSED"] and says in answer["receipts"][0]["sentence"]
    see_all()
    row = KitEnvelope.objects.order_by("-id").first()
    assert counted()[0] == before and row.status == "REFUSED" and bytes(row.envelope) == b""


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"fields": 1, "language": "en"}', b"\xff\xfe", b'{"fields": {}}', b"[" * 5000]
)
def test_what_is_no_report_inside_is_refused(door, saved, dana, text):
    context = seal.envelope_context("alliance", "door", "Kit", "report")
    assert states(send(door, dana[1], seal.seal_envelope(vaultkeys.service_known("door"), text, context))) == [
        "REFUSED"
    ]


@pytest.mark.writes_freely
def test_an_envelope_copied_on_its_way_counts_for_whoever_sent_it_first(door, saved, dana):
    """Another documenter hands in a copy: no second report, and nothing of it in their own organisation."""
    person, code = dana
    blob = sealed(saved)
    assert states(send(door, code, blob)) == ["LODGED"]
    see_all()
    thread = Thread.objects.get(documenter=person)
    other = Thread.objects.exclude(pk=thread.pk).filter(documenter=None).first()
    KitEnvelope.objects.filter(thread=thread).update(thread=other)
    before = counted()
    assert states(send(door, code, blob)) == ["LODGED"] and counted() == before
    # What was refused or waits under another code is never said to be taken in: the device keeps its copy.
    for state in ("REFUSED", "WAITING"):
        KitEnvelope.objects.filter(thread=other).update(status=state, report_ref="")
        assert states(send(door, code, blob)) == [state]


@pytest.mark.writes_freely
def test_a_documenter_who_left_sends_nothing(door, saved, dana):
    person, code = dana
    Person.objects.filter(pk=person.pk).update(is_active=False)
    before = counted()
    assert send(door, code, sealed(saved)) == {"ok": False, "receipts": []} and counted() == before


def test_no_more_than_twenty_at_once(door, saved, dana):
    before = counted()
    assert send(door, dana[1], *[sealed(saved)] * 21)["ok"] is False and counted() == before


@pytest.mark.writes_freely
def test_the_database_keeps_an_envelope_only_while_it_waits(door, saved, dana, locked):
    send(door, dana[1], sealed(saved))
    see_all()
    row = KitEnvelope.objects.order_by("-id").first()
    for change in ({"status": "REFUSED"}, {"status": "LODGED", "envelope": b""}, {"report_ref": "INC-1"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            KitEnvelope.objects.filter(pk=row.pk).update(**change)


def test_nothing_in_a_device_or_a_database_says_what_waits(door, saved, dana, locked):
    """The kit's own sink: an envelope at rest holds no word of the report, and the record none either."""
    blob = sealed(saved)
    send(door, dana[1], blob)
    assert WORDS.encode() not in blob and rows_holding(WORDS) == []


def test_the_page_is_the_same_for_everyone_and_is_no_ones(door):
    one, other = door().get("/kit/"), door().get("/kit/")

    def masked(reply):
        return re.sub(rb'name="t" value="[^"]+"', b"", reply.content)

    assert masked(one) == masked(other) and not one.cookies
    for path in ("/kit/kit.js", "/kit/worker.js", "/kit/manifest.json", "/kit/ready/"):
        reply = door().get(path)
        assert reply.status_code == 200 and not reply.cookies and reply.headers["Cache-Control"] == "no-store"
    assert json.loads(door().get("/kit/manifest.json").content)["name"] == "Notes"
