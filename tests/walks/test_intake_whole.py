"""Whatever way a report comes: one check, nothing lost at filing, one account an interview, and an end to what nobody files."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from django.utils.dateformat import format as date_format
from tests_support import graded_by_two, rows_holding, see_all
from walks.test_intake import GOOD, ITEM, bring, central, odk_zip, row, table

from answerable.alliance.models import Person
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.monitoring import actions as monitoring
from answerable.monitoring.evidence.models import CustodyLine, EvidenceFile
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.intake.actions import (
    attaching,
    correcting,
    delivering,
    filing,
    interviewing,
    lapsing,
    reporting,
)
from answerable.monitoring.intake.description import OF_ITEM, OF_REPORT
from answerable.monitoring.models import Incident, Situation
from answerable.record import log
from answerable.tools import evidence as checking
from answerable.vault.client import ask
from conftest import PASSPHRASE


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.INTAKE, settings.QUARANTINE = tmp_path / "intake", tmp_path / "quarantine"


@pytest.fixture
def dana(played, db):
    see_all()
    return Person.objects.select_related("body__state").get(handle="dana")


def allowed(by, situation, person="p" * 64):
    made = interviewing.ask_for_interview(situation, purpose="CP-MONI", added_value="she saw the commander", why_not_enough="no record names him",
                                     person=person, told_before="no_code", by=by)  # fmt: skip
    assert made.status == m.ALLOWED
    return made


# --- one check ----------------------------------------------------------------------------------------------------


def by_the_page(office, saved, said):
    url = f"/watch/intake/report/{saved('$zandria').ref}/"
    given = {k: v.split() if k in ("forms", "links", "actor_types") else v for k, v in said.items()}
    return office("dana").post(url, {**given, "step": 5, "act": "file"}).content.decode()


def by_the_api(office, saved, said, path="reports"):
    page = office("dana").post("/alliance/tokens/", {"purpose": "monitoring", "days": 3}).content.decode()
    token = re.search(r"ans_[\w-]+", page)[0]
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "one-for-each-report"}
    from django.test import Client

    reply = Client().post(f"/api/{path}", json.dumps(said), content_type="application/json", headers=headers)
    assert reply.status_code == 422, reply.content
    return " ".join(reply.json()["problems"].values())


def by_the_short_api(office, saved, said):
    body = {
        **{name: answer for name, answer in said.items() if name != "when"},
        "on": said["when"],
        "victims": int(said["victims"]),
        **{n: said[n].split() for n in ("forms", "links", "actor_types")},
    }
    body |= {n: said[n] == "yes" for n in ("referral_offered", "searched_first")}
    return by_the_api(office, saved, body, "incidents")


def by_a_file(office, saved, said):
    batch = bring(table(said), Person.objects.get(handle="dana"))
    return " ".join(sentence for _row, _name, sentence, _figures in batch.problems)


def at_the_door(office, saved, said):
    with pytest.raises(Refused) as no:
        question("lodge_from_channel").ask("report", {**said, "on": said["when"], **{n: said[n].split() for n in ("forms", "links")}},
                                           Person.objects.get(handle="dana"))  # fmt: skip
    return str(no.value)


def as_coded(office, saved, said):
    from datetime import date

    with pytest.raises(Refused) as no:
        monitoring.receive_report(
            situation=saved("$zandria"), party=saved("$brigade"), on=date.fromisoformat(said["when"]), area1=said["area1"],
            victims=int(said["victims"]), forms=said["forms"].split(), links=said["links"].split(), link_reason=said["link_reason"],
            referral_offered=said["referral_offered"] == "yes", searched_first=said["searched_first"] == "yes",
            by=Person.objects.get(handle="dana"),
        )  # fmt: skip
    return str(no.value)


WAYS = [by_the_page, by_the_api, by_the_short_api, by_a_file, at_the_door, as_coded]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"forms": "SV-RAEP"}, "There is no code"),
        ({"when": "2999-01-01"}, "lies in the future"),
        ({"area1": "Zаndria"}, "mixes two scripts"),  # the second letter is Cyrillic
        ({"searched_first": "no"}, "SC-1"),
        ({"referral_offered": "no"}, "SC-8"),
    ],
)
def test_every_way_in_says_the_same_of_the_same_fault(office, saved, dana, way, wrong, words):
    before = (Incident.objects.count(), m.Draft.objects.count())
    said = way(office, saved, row(saved, **{"when": "2026-01-14", **wrong}))
    assert words in said.replace("&#x27;", "'")
    see_all()
    assert (Incident.objects.count(), m.Draft.objects.count()) == before


def test_the_same_report_by_another_way_is_not_a_second_one(office, saved, dana):
    report = row(saved, when="2026-01-14")
    reporting.deliver_report(report, route="api", by=dana)
    assert "here already" in by_the_page(office, saved, report)
    assert bring(table(report), dana).repeated == 1


def test_a_report_at_the_door_is_filed_by_the_one_way_in(saved, dana):
    said = {"party": saved("$brigade").ref, "on": "2026-01-14", "victims": "2", "precision": "week", "area1": "S", "forms": ["SV-RAPE"],
            "links": ["LK-PERP"], "link_reason": "badges", "referral_offered": "yes", "searched_first": "yes"}  # fmt: skip
    (ref,) = [r for r in question("lodge_from_channel").ask("report", said, dana) if r]
    made = Incident.objects.get(ref=ref)
    assert (made.on.isoformat(), made.precision, made.collected_by) == ("2026-01-12", "week", dana)
    assert m.Draft.objects.get(ref=ref).status == m.FILED


# --- the interview guard ------------------------------------------------------------------------------------------

TOLD = {
    "kind": "testimony",
    "directness": "primary",
    "captured_on": "2026-02-01",
    "testimony": "T1",
    "purposes": "CP-MONI",
    "understood": "yes",
    "withdrawal_told": "yes",
    "says": "her words",
}


def test_an_interview_that_a_draft_holds_carries_no_second_report_by_any_way(office, saved, dana):
    ours = allowed(dana, saved("$zandria"))
    own = reporting.deliver_report(row(saved, victims="5"), route="api", by=dana)[1]
    held, filed = reporting.deliver_report(
        row(saved, items=[{**TOLD, "interview": ours.ref}]), route="web", hold=True, by=dana
    )
    assert filed is None
    ours.refresh_from_db()
    assert ours.held_by == held.identity and ours.report is None
    other = row(saved, victims="9", items=[{**TOLD, "interview": ours.ref}])
    for way in ("web", "api"):
        with pytest.raises(Refused, match="used for a report already"):
            reporting.deliver_report(other, route=way, by=dana)
    batch = bring(table(row(saved, victims="8", **TOLD, interview=ours.ref)), dana)
    assert [(p[1], "used for a report already" in p[2]) for p in batch.problems] == [("items.1.interview", True)]
    with pytest.raises(Refused, match="used for a report already"):
        attaching.attach_item(own, {**TOLD, "interview": ours.ref}, by=dana)
    made = filing.file_draft(held, by=dana)
    ours.refresh_from_db()
    assert ours.report == made and made.items.get().further["interview"] == ours.ref


def test_an_interview_is_free_again_when_the_draft_that_held_it_is_set_aside(saved, dana):
    ours = allowed(dana, saved("$zandria"))
    held, _none = reporting.deliver_report(
        row(saved, items=[{**TOLD, "interview": ours.ref}]), route="web", hold=True, by=dana
    )
    filing.set_draft_aside(held, by=dana)
    _draft, filed = reporting.deliver_report(
        row(saved, victims="7", items=[{**TOLD, "interview": ours.ref}]), route="web", by=dana
    )
    ours.refresh_from_db()
    assert ours.report == filed


def test_an_interview_of_another_organisation_is_no_interview_here(saved, dana):
    sami = Person.objects.get(handle="sami")
    theirs = allowed(sami, saved("$zandria"))
    with pytest.raises(Refused, match="not for your organisation"):
        reporting.deliver_report(row(saved, items=[{**TOLD, "interview": theirs.ref}]), route="api", by=dana)


def test_two_rows_of_a_file_do_not_share_an_interview(saved, dana):
    ours = allowed(dana, saved("$zandria"))
    batch = bring(table(*(row(saved, victims=v, **TOLD, interview=ours.ref) for v in ("3", "4"))), dana)
    assert (batch.kept, batch.bad) == (1, 1) and batch.problems[0][1] == "items.1.interview"


# --- nothing is lost at filing ------------------------------------------------------------------------------------

EVERY = {
    **GOOD, "protocol_signatory": "yes", "when": "2026-01-05/2026-01-20", "area2": "Z-7", "area3": "Third", "place": "the school",
    "latitude": "10.5", "longitude": "20.5", "actor_name": "the brigade", "victims_min": "2", "victims_max": "4",
    "victim_counts": "VC-WOM:3", "settings": "PNS",
}  # fmt: skip
EVERY_OF_ITEM = {
    **TOLD, "item_language": "sw", "item_interpreter": "yes", "contrary": "yes", "releasability": "panel",
    "person_key": "canaryamina", "purposes": "CP-MONI", "identifiability": "ID-2", "consent_until": "2030-01-01", "giver": "guardian",
    "assent": "yes", "guardian_not_implicated": "yes", "consent_language": "sw", "consent_method": "thumb", "consent_interpreter": "yes",
    "understood": "yes", "withdrawal_told": "yes",
}  # fmt: skip


def test_every_answer_of_every_form_is_there_after_filing(office, saved, dana):
    from answerable.common.tables import taxonomy
    from answerable.vault.models import Consent

    session = ask("sign_in", handle="dana", passphrase=PASSPHRASE)["token"]
    hers = ask("mark_of_interview", token=session, pseudonym=EVERY_OF_ITEM["person_key"])
    ours = allowed(dana, saved("$zandria"), hers)
    said = {**row(saved, **EVERY), "consequences": next(iter(taxonomy("consequence")))}
    item = {**EVERY_OF_ITEM, "interview": ours.ref}
    assert {f.name for f in OF_REPORT} == set(said), "a question of form A1 that this test does not answer"
    assert {f.name for f in OF_ITEM} - {"reliability", "credibility", "attachment"} == set(item)
    _draft, made = reporting.deliver_report({**said, "items": [item]}, route="api", by=dana)
    see_all()
    made.refresh_from_db()
    assert (made.on.isoformat(), made.precision) == ("2026-01-05", "range")
    assert (made.earliest.isoformat(), made.latest.isoformat()) == ("2026-01-05", "2026-01-20")
    assert made.further == {"actor_types": ["ACT-STF"], "victim_counts": {"VC-WOM": 3}, "protocol_signatory": True,
                            "declined": ["settings"], "when": "2026-01-05/2026-01-20"}  # fmt: skip
    assert (made.victims_min, made.victims_max, made.area2, len(made.consequences)) == (2, 4, "Z-7", 1)
    one = made.items.get()
    assert len(one.further.pop("words")) == 40
    assert one.further == {"directness": "primary", "item_language": "sw", "item_interpreter": True, "testimony": "T1",
                           "releasability": "panel", "understood": True, "withdrawal_told": True, "interview": ours.ref}  # fmt: skip
    assert (one.testimony, one.assessors, one.contrary, len(one.person_key)) == ("T1", 0, True, 40)
    assert not rows_holding("canaryamina")
    entered = Consent.objects.get(subject=one.ref)
    assert (entered.language, entered.method, entered.interpreter, entered.expires_on.isoformat(), entered.giver) == (
        "sw", "thumb", True, "2030-01-01", "guardian")  # fmt: skip
    vera = office("vera")
    place = vera.post(f"/watch/incidents/{made.ref}/read/", {"field": "place"}).content.decode()
    assert "the school" in place, re.sub(r"<[^>]+>|\s+", " ", place)
    assert "Third" in place and "10.5, 20.5" in place
    assert "the brigade" in vera.post(f"/watch/incidents/{made.ref}/read/", {"field": "narrative"}).content.decode()
    page = vera.get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "2026-01-05/2026-01-20" in page and "the panel only" in page and "(a range of days)" in page


def test_accounts_under_one_pseudonym_are_one_persons(saved, dana):
    told = [
        {**TOLD, "person_key": "p-1", "says": s, "purposes": "CP-MONI", "understood": "yes", "withdrawal_told": "yes"}
        for s in "ab"
    ]
    _draft, made = reporting.deliver_report(row(saved, items=told), route="api", by=dana)
    first, second = made.items.all()
    assert first.person_key == second.person_key != "p-1"


PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde" \
      b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"  # fmt: skip


def with_files(saved, *, edits="0", victims="3", more=()):
    key = f"uuid:{'c' * 8}"
    items = [{**ITEM, "person_key": "p-1", "attachment": "photo.png", "PARENT_KEY": key, "KEY": f"{key}/items[1]"},
             {**ITEM, "person_key": "p-2", "says": "and a note", "attachment": "note.txt", "PARENT_KEY": key, "KEY": f"{key}/items[2]"},
             *({**ITEM, "person_key": f"p-{n}", **i, "PARENT_KEY": key, "KEY": f"{key}/items[{n}]"} for n, i in enumerate(more, 3))]  # fmt: skip
    media = {"photo.png": PNG, "note.txt": b"a canary in a note", "later.txt": b"a later file"}
    return odk_zip([central(saved, key, victims=victims, Edits=edits)], items, media)


def test_files_that_came_with_a_report_are_evidence_when_it_is_filed(office, saved, dana, tmp_path):
    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    assert batch.kept == 1, batch.problems
    before = log.Entry.objects.count()
    made = filing.file_draft(batch.drafts.get(), by=dana)
    assert log.Entry.objects.count() == before + 1
    files = list(EvidenceFile.objects.filter(item__incident=made).order_by("id"))
    assert [f.kind for f in files] == ["png", "text"]
    lines = CustodyLine.objects.filter(about__in=[f.ref for f in files])
    assert {line.act for line in lines} == {"taken"} and {line.entry for line in lines} == {
        log.history(made.ref)[-1].index
    }
    # Who receives one of them in a bundle finds its commitment in that entry, and under which roles it came.
    said = log.history(made.ref)[-1].event["detail"]
    assert said["taken"] == {f.ref: bytes(f.commitment).hex() for f in files} and {said["roles"]} == {
        x.roles for x in lines
    }
    where = f"/watch/evidence/{files[0].ref}/bundle/"
    reply = office("lena").post(where, {"why": "verification"})
    assert reply.status_code == 200
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(tmp_path / "bundle")
    assert "Nothing was compared" in checking.check(tmp_path / "bundle")[-1]
    vera = office("vera")
    shown = vera.post(f"/watch/evidence/{files[1].ref}/show/").content.decode()
    assert "a canary in a note" in shown and "note.txt" in shown
    assert "data:image" in vera.post(f"/watch/evidence/{files[0].ref}/show/").content.decode()
    # Neither the worker of quarantine takes it for nobody's, nor is it taken a second time.
    assert {f.stored for f in files} <= {
        n for a in question("kept_in_quarantine").ask([f.stored for f in files]) for n in a
    }
    see_all()
    upload = io.BytesIO(b"a canary in a note")
    upload.name = "again.txt"
    twice = vera.post(f"/watch/items/{files[1].item.ref}/evidence/take/", {"file": upload, "why": "court"})
    assert twice.status_code == 409 and "on this item already" in twice.content.decode()


def test_a_delivery_filed_as_a_whole_brings_its_files_under_one_entry(saved, dana, office):
    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    before = log.Entry.objects.count()
    assert filing.file_drafts(batch, by=dana) == 1 and log.Entry.objects.count() == before + 1
    filed = log.Entry.objects.latest("index")
    assert CustodyLine.objects.filter(entry=filed.index).count() == 2
    (made,) = filed.event["detail"]["filed"]
    shown = office("vera").get(f"/watch/incidents/{made}/").content.decode()
    assert "reports filed from a delivery" in shown.split("<h3>History</h3>")[1]


def test_a_file_goes_with_a_delivery_that_is_undone(saved, dana, settings, django_capture_on_commit_callbacks):
    from answerable.channel import quarantine
    from answerable.vault.models import DataKey

    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    held = m.DraftItem.objects.filter(draft__batch=batch).first()
    path = settings.QUARANTINE / held.file
    import os

    os.utime(path, (1, 1))
    quarantine.owed()
    assert path.exists() and DataKey.objects.filter(subject=held.file_ref).exists()
    dana.vault_session = ask("sign_in", handle="dana", passphrase=PASSPHRASE)["token"]
    with django_capture_on_commit_callbacks(execute=True):
        delivering.undo_reports(batch, by=dana)
    quarantine.owed()
    assert not path.exists() and not DataKey.objects.filter(subject=held.file_ref).exists()


def test_a_file_is_added_to_an_item_that_came_with_a_report(office, saved, dana):
    _draft, made = reporting.deliver_report(
        row(saved, items=[{**TOLD, "kind": "document", "testimony": ""}]), route="api", by=dana
    )
    upload = io.BytesIO(b"some text")
    upload.name = "some.txt"
    reply = office("vera").post(f"/watch/items/{made.items.get().ref}/evidence/take/", {"file": upload, "why": "court"})
    assert reply.status_code == 303, reply.content.decode()[:2000]


# --- a correction reopens -----------------------------------------------------------------------------------------


def verified(incident):
    vera = Person.objects.get(handle="vera")
    monitoring.move_incident(incident, "triage", by=Person.objects.get(handle="sami"))
    monitoring.move_incident(incident, "begin_verification", by=vera)
    return monitoring.verify_incident(incident, by=vera)


@pytest.mark.writes_freely
def test_a_correction_of_a_verified_report_opens_its_verification_again(saved, dana):
    from answerable.monitoring.patterns.models import Contribution

    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    filed = filing.file_draft(batch.drafts.get(), by=dana)
    graded_by_two(*filed.items.all())
    made = verified(filed)
    assert made.status == "VERIFIED"
    assert Contribution.objects.get(incident=made).level == made.level
    more = [{"says": "a third", "attachment": "later.txt"}]
    later = bring(
        with_files(saved, edits="1", victims="12", more=more), dana, name="answerable_report.zip"
    ).drafts.get()
    assert later.status == m.CORRECTION and queries.changed_items(later) == []
    corrected = correcting.take_over_correction(later, by=dana)
    assert (corrected.status, corrected.victims) == ("REOPENED", 12)
    assert Contribution.objects.get(incident=made).level == ""  # counts nowhere until it is concluded anew
    assert corrected.items.count() == 3 and EvidenceFile.objects.filter(item__incident=made).count() == 3
    entry = log.history(made.ref)[-1]
    assert entry.action == "report corrected"
    graded_by_two(corrected.items.latest("id"))
    again = verified(corrected)
    assert (made.level, again.status, again.level) == ("V3b", "VERIFIED", "V4")  # the third account counts


def test_items_that_a_correction_changes_are_named_and_left(office, saved, dana):
    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    made = filing.file_draft(batch.drafts.get(), by=dana)
    key = f"uuid:{'c' * 8}"
    items = [{**ITEM, "testimony": "T3", "PARENT_KEY": key, "KEY": f"{key}/items[1]"}]
    later = bring(odk_zip([central(saved, key, Edits="1")], items), dana, name="answerable_report.zip").drafts.get()
    assert queries.changed_items(later) == [1]
    assert (
        "number 1. Taking it over leaves them"
        in office("dana").get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    )
    see_all()
    correcting.take_over_correction(later, by=dana)
    assert [i.testimony for i in made.items.order_by("id")] == ["T1", "T1"]


def test_a_third_version_corrects_the_report_that_the_second_became(saved, dana):
    versions = [
        reporting.deliver_report(row(saved, victims=v, submission_id="s"), route="api", hold=v != "5", by=dana)
        for v in ("3", "4", "5")
    ]
    filed = versions[2][1] or filing.file_draft(m.Draft.objects.get(pk=versions[2][0].pk), by=dana)
    fourth, _none = reporting.deliver_report(row(saved, victims="6", submission_id="s"), route="api", by=dana)
    assert fourth.corrects == filed.ref
    assert correcting.take_over_correction(fourth, by=dana).victims == 6


def test_a_correction_of_a_report_whose_consent_is_withdrawn_changes_nothing(saved, dana):
    _draft, made = reporting.deliver_report(row(saved, submission_id="w"), route="api", by=dana)
    later, _none = reporting.deliver_report(row(saved, victims="9", submission_id="w"), route="api", by=dana)
    with pytest.MonkeyPatch.context():
        from answerable.authority.acting import action

        @action("set_status_for_the_test")
        def withdrawn(*, by):
            Incident.objects.filter(pk=made.pk).update(status="CONSENT_WITHDRAWN")
            log.append("status set", made, by=by)

        withdrawn(by=dana)
    with pytest.raises(Refused, match="Consent to this report was withdrawn"):
        correcting.take_over_correction(later, by=dana)


# --- an end to drafts ---------------------------------------------------------------------------------------------


def test_drafts_end_after_ninety_days_and_it_is_said_before(
    office, saved, dana, settings, later, django_capture_on_commit_callbacks
):
    from answerable.channel import quarantine
    from answerable.vault.models import DataKey

    batch = bring(with_files(saved), dana, name="answerable_report.zip")
    draft = batch.drafts.get()
    filed = reporting.deliver_report(row(saved, victims="6"), route="api", by=dana)[1]
    begun = reporting.save_begun_report(saved("$zandria"), {"when": "2026-01"}, step=0, by=dana)
    refs = [draft.ref, *draft.items.values_list("ref", flat=True), *draft.items.values_list("file_ref", flat=True)]
    last = queries.lapses_on(draft.made_at)
    page = office("dana").get("/watch/intake/").content.decode()
    assert "within 90 days is deleted" in page and page.count(f"kept until {date_format(last, 'j N Y')}") >= 2
    see_all()
    later(days=80)
    assert "1 draft is deleted within two weeks" in re.sub(
        r"\s+", " ", office("dana").get("/watch/intake/").content.decode()
    )
    see_all()
    later(days=9)
    lapsing.owed()
    see_all()
    assert m.Draft.objects.get(pk=draft.pk).status == m.DRAFT and DataKey.objects.filter(subject__in=refs).count() == 5
    later(days=2)
    with django_capture_on_commit_callbacks(execute=True):
        lapsing.owed()
    see_all()
    draft.refresh_from_db()
    assert (draft.status, draft.coded, draft.identity, bytes(draft.narrative)) == (m.LAPSED, {}, "", b"")
    assert DataKey.objects.filter(subject__in=refs).count() == 0
    assert {i.file for i in draft.items.all()} == {""} and {bytes(i.says) for i in draft.items.all()} == {b""}
    begun.refresh_from_db()
    assert begun.answers == {} and begun.done
    assert DataKey.objects.filter(subject=filed.ref).exists() and m.Draft.objects.get(ref=filed.ref).status == m.FILED
    assert lapsing.owed() == 0  # and once is enough
    assert office("dana").get(f"/watch/intake/drafts/{draft.ref}/").status_code == 200
    see_all()
    # What lapsed is nobody's: the same file may come again, and is new.
    quarantine.owed()
    assert bring(with_files(saved, edits="2"), dana, name="answerable_report.zip").kept == 1


def test_only_the_clock_lets_drafts_lapse(dana):
    with pytest.raises(Refused):
        lapsing.let_drafts_lapse(by=dana)
    with pytest.raises(Refused, match="No draft is that old"):
        lapsing.let_drafts_lapse(by=CLOCK)


@pytest.mark.writes_freely
def test_rows_that_say_a_report_lapsed_take_no_key_of_it(saved, dana, later):
    """Whoever owns the office's rows can write that; the vault looks at the day of the sealing and at the record."""
    from answerable.vault.models import DataKey

    filed = reporting.deliver_report(row(saved, victims="6"), route="api", by=dana)[1]
    waits, _none = reporting.deliver_report(row(saved, victims="7"), route="api", hold=True, by=dana)
    claim = saved("$claim").ref
    see_all()

    def keys():
        return {r for r in (filed.ref, waits.ref, claim) if DataKey.objects.filter(subject=r).exists()}

    def shred_all():
        see_all()
        m.Draft.objects.filter(ref__in=[filed.ref, waits.ref]).update(status=m.LAPSED)
        m.Draft.objects.filter(ref=filed.ref).update(ref=claim)
        gone = ask("shred_lapsed", drafts=[claim])
        see_all()
        m.Draft.objects.filter(ref=claim).update(ref=filed.ref)
        return gone + ask("shred_lapsed", drafts=[filed.ref, waits.ref])

    assert keys() == {filed.ref, waits.ref, claim} and shred_all() == 0, "none of them is ninety days old"
    later(days=91)
    assert shred_all() == 1 and keys() == {filed.ref, claim}
    last = log.Entry.objects.latest("index")
    assert (last.action, last.event["detail"]["keys"]) == ("keys of lapsed drafts destroyed", 1)


@pytest.mark.writes_freely
def test_a_made_up_filing_keeps_no_key_of_a_draft_that_nobody_filed(saved, dana, later):
    """Rows of the record that were not recorded: of the draft itself, of its delivery, of a correction."""
    from answerable.vault.models import DataKey

    waits = [
        reporting.deliver_report(row(saved, victims=str(n)), route="api", hold=True, by=dana)[0].ref for n in (7, 8, 9)
    ]
    see_all()
    last = log.Entry.objects.latest("index")
    made_up = [("report filed", waits[0], {}), ("reports filed from a delivery", "IBT-NOBODYS", {"filed": [waits[1]]}),
               ("report corrected", "INC-NOBODYS", {"correction": waits[2]})]  # fmt: skip
    for n, (act, ref, detail) in enumerate(made_up, last.index + 1):
        event = last.event | {"index": n, "action": act, "subject": ref, "detail": detail}
        log.Entry(index=n, leaf=bytes(32), event=event, at=last.at, actor=dana.ref, action=act, subject=ref).save(force_insert=True)  # fmt: skip
        log.Head.objects.update(size=n + 1)
    later(days=91)
    m.Draft.objects.filter(ref__in=waits).update(status=m.LAPSED)
    assert ask("shred_lapsed", drafts=waits) == 3
    assert not DataKey.objects.filter(subject__in=waits).exists()


PAPER = {"kind": "document", "directness": "secondary", "captured_on": "2026-02-01", "says": "A paper."}


@pytest.mark.writes_freely
@pytest.mark.parametrize("way", ["alone", "together", "as a correction"])
def test_a_filed_reports_item_keeps_its_key_whatever_its_row_is_called_for_a_moment(saved, dana, later, way):
    """The vault knows of each item and file which draft it was sealed for, and the record that this draft was filed."""
    from answerable.monitoring.models import SourceItem
    from answerable.vault.models import DataKey

    if way == "as a correction":
        _first, incident = reporting.deliver_report(row(saved, submission_id="w"), route="api", by=dana)
        draft, _none = reporting.deliver_report(
            row(saved, victims="9", submission_id="w", items=[PAPER]), route="api", by=dana
        )
        correcting.take_over_correction(draft, by=dana)
    else:
        batch = bring(with_files(saved), dana, name="answerable_report.zip")
        draft = batch.drafts.get()
        filing.file_drafts(batch, by=dana) if way == "together" else filing.file_draft(draft, by=dana)
    waits, _none = reporting.deliver_report(row(saved, victims="7"), route="api", hold=True, by=dana)
    see_all()
    refs = [r for i in draft.items.all() for r in (i.ref, i.file_ref) if r] + [draft.ref]
    assert (
        set(DataKey.objects.filter(subject__in=refs).values_list("draft", flat=True)) == {draft.ref} and len(refs) > 1
    )
    later(days=91)
    # Whoever owns the office's rows: names of living rows changed for a moment, and all of them written onto a lapsed draft.
    m.Draft.objects.filter(ref__in=[waits.ref, draft.ref]).update(status=m.LAPSED)
    held = list(m.DraftItem.objects.filter(draft=draft.ref).order_by("pk"))
    m.DraftItem.objects.filter(draft=draft.ref).update(draft=waits.ref)
    for n, one in enumerate(held):
        SourceItem.objects.filter(ref=one.ref).update(ref=f"ITM-ANOTHER-{n}")
        EvidenceFile.objects.filter(ref=one.file_ref).update(ref=f"FIL-ANOTHER-{n}")
    Incident.objects.filter(ref=draft.ref).update(ref="INC-ANOTHER")
    gone = ask("shred_lapsed", drafts=[waits.ref, draft.ref])
    see_all()
    assert DataKey.objects.filter(subject__in=refs).count() == len(refs)
    assert gone == 1, "what was sealed for the draft that nobody filed"
    assert log.Entry.objects.latest("index").event["detail"] == {"keys": 1, "drafts": [waits.ref]}


# --- where a place may lie ----------------------------------------------------------------------------------------


def test_places_are_held_to_the_countries_of_their_situation(dana, saved):
    from answerable.authority.acting import action

    @action("watch_a_country_for_the_test")
    def watched(*, by):
        made = Situation.objects.create(name="Two countries", countries=[369, 365])
        log.append("situation opened", made, by=by)
        return made

    there = watched(by=dana)
    rows = [{**GOOD, "situation": there.ref, "victims": str(n), "latitude": lat, "longitude": lon}
            for n, (lat, lon) in enumerate((("50.45", "30.52"), ("30.52", "50.45"), ("55.7", "37.6"), ("66.0", "-171.0"), ("48.85", "2.35")), 1)]  # fmt: skip
    batch = bring(table(*rows), dana)
    assert batch.kept == 3
    assert [(p[0], p[1]) for p in batch.problems] == [(3, "latitude"), (6, "latitude")]
    assert "swapped" in batch.problems[0][2] and "outside the countries" in batch.problems[1][2]


def test_every_country_has_a_box_that_holds_its_middle():
    boxes = queries.boxes()
    assert len(boxes) > 170
    assert all(
        s < n and -90 <= s and n <= 90 and -180 <= w <= 180 and -180 <= e <= 180 for s, w, n, e in boxes.values()
    )
    assert boxes[950][1] > boxes[950][3]  # Fiji lies on both sides of the 180th meridian
