"""Reports from files: what is good is kept as drafts, what is bad is named by row, nothing twice, nothing half."""

from __future__ import annotations

import csv
import io
import json
import secrets

import pytest
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import correcting, delivering, filing
from answerable.monitoring.intake.staging import arrival, runs, stretches
from answerable.monitoring.models import Incident, SourceItem
from answerable.record import log
from answerable.vault import keeping
from answerable.vault.client import ask
from conftest import PASSPHRASE

GOOD = {
    "referral_offered": "yes", "searched_first": "yes", "when": "2026-01", "area1": "S", "actor_types": "ACT-STF",
    "forms": "SV-RAPE SV-SLAV", "links": "LK-PERP", "link_reason": "the unit wore its badges", "victims": "3", "risk": "high",
    "narrative": "what was told",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"


@pytest.fixture
def dana(played, db):
    see_all()
    found = Person.objects.select_related("body__state").get(handle="dana")
    found.fresh, found.vault_session = True, ask("sign_in", handle="dana", passphrase=PASSPHRASE)["token"]
    see_all()
    return found


def table(*rows):
    out = io.StringIO()
    names = list(dict.fromkeys(k for r in rows for k in r))
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def staged_from(raw, by, situation=None, name="reports.csv"):
    arriving = arrival.arrive(io.BytesIO(raw))
    staged = arrival.stage(arriving, name, by=by, situation=situation)
    stretches.begin(staged, staged.state.mapping, situation)
    return staged


def bring(raw, by, situation=None, name="reports.csv"):
    staged = staged_from(raw, by, situation, name)
    state = stretches.advance(staged, by=by)
    # Of a file without a good row nothing is brought in; what is wrong with each stands in the run.
    return delivering.bring_in_reports(staged, by=by) if state.kept else state


def row(saved, **more):
    return {**GOOD, "situation": saved("$zandria").ref, "party": saved("$brigade").ref, **more}


def test_good_rows_become_drafts_and_bad_ones_are_named(dana, saved):
    rows = [
        row(saved),
        row(saved, when="2026-02-30", narrative="b"),
        row(saved, forms="SV-RAEP", narrative="c"),
        row(saved, victims="5", narrative="d"),
    ]
    before = log.Entry.objects.count()
    batch = bring(table(*rows), dana)
    assert (batch.rows, batch.kept, batch.bad) == (4, 2, 2)
    assert log.Entry.objects.count() == before + 1
    assert [(p[0], p[1]) for p in batch.problems] == [(3, "when"), (4, "forms")]
    assert batch.drafts.count() == 2 and not Incident.objects.filter(ref__in=batch.drafts.values("ref")).exists()
    draft = batch.drafts.order_by("row").first()
    assert draft.when == "2026-01" and draft.precision == "month" and draft.coded["forms"] == ["SV-RAPE", "SV-SLAV"]
    assert b"what was told" not in bytes(draft.narrative) and len(draft.narrative) > 256


def test_the_same_file_twice_is_refused_and_the_same_rows_are_not_taken_twice(dana, saved):
    raw = table(row(saved), row(saved, victims="4"))
    bring(raw, dana)
    with pytest.raises(Refused, match="This very file"):
        bring(raw, dana)
    batch = bring(table(row(saved), row(saved, victims="9")), dana)
    assert (batch.kept, batch.repeated) == (1, 1)


def test_a_filed_draft_is_a_report_whose_texts_open(dana, saved, office):
    item = {"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "purposes": "CP-MONI",
            "understood": "yes", "withdrawal_told": "yes", "says": "her own words"}  # fmt: skip
    batch = bring(table(row(saved, **item)), dana)
    incident = filing.file_draft(batch.drafts.get(), by=dana)
    assert incident.status == "SUBMITTED" and incident.items.get().testimony == "T1"
    assert incident.items.get().purposes == ["CP-MONI"]
    vera = office("vera")
    said = vera.post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"}).content.decode()
    assert "what was told" in said
    see_all()
    said = vera.post(f"/watch/items/{SourceItem.objects.get(incident=incident).ref}/read/").content.decode()
    assert "her own words" in said


def refuses(*_args, **_said):
    raise Refused("The record takes nothing.")


def test_an_undone_delivery_leaves_nothing_to_read(
    dana, office, saved, django_capture_on_commit_callbacks, monkeypatch
):
    from answerable.vault.models import DataKey

    batch = bring(table(row(saved), row(saved, victims="8")), dana)
    refs = list(batch.drafts.values_list("ref", flat=True))
    assert DataKey.objects.filter(subject__in=refs).count() == 2
    with django_capture_on_commit_callbacks() as after:
        delivering.undo_reports(batch, by=dana)
    with monkeypatch.context() as full, pytest.raises(Refused):
        full.setattr("answerable.vault.actions.note_key_work", refuses)
        after[0]()
    assert DataKey.objects.filter(subject__in=refs).count() == 2  # its entry comes first
    after[0]()
    assert DataKey.objects.filter(subject__in=refs).count() == 0
    see_all()
    (entry,) = log.Entry.objects.filter(action="keys of a delivery destroyed", subject=batch.ref)
    assert entry.actor == dana.ref and entry.event["detail"] == {"keys": 2}
    assert {bytes(d.narrative) for d in batch.drafts.all()} == {b""}
    page = office("dana").get(f"/watch/intake/deliveries/{batch.ref}/").content.decode()
    assert "none of its drafts is kept" in page
    see_all()
    assert bring(table(row(saved), row(saved, victims="8")), dana).kept == 2


@pytest.mark.writes_freely
def test_no_row_of_the_office_makes_the_vault_destroy_keys_of_anything_but_an_undone_delivery(dana, saved):
    """Rows that call a living claim, a report and someone's identity drafts of a delivery that was undone."""
    from answerable.vault.models import DataKey, IdentityBlock, RecordKey

    claim, incident = saved("$claim"), saved("$I1")
    filed, mine = bring(table(row(saved)), dana), bring(table(row(saved, victims="8")), dana)
    report = filing.file_draft(filed.drafts.get(), by=dana)
    keeping.seal_identity("CLM-SOMEONE", {"name": "a name"})
    see_all()
    models = (DataKey, IdentityBlock, RecordKey)
    before = [set(model.objects.values_list("pk", flat=True)) for model in models]
    made_up = m.IntakeBatch.objects.create(
        compartment=mine.compartment, organisation=dana.body, route="csv", mark="made up", rows=1, kept=1, bad=0,
        made_at=clock.now(), made_by=dana, undone_at=clock.now(),
    )  # fmt: skip
    draft = mine.drafts.get()
    for number, ref in enumerate((claim.ref, incident.ref, "CLM-SOMEONE")):
        draft.pk, draft.ref, draft.batch, draft.status, draft.identity = None, ref, made_up, "UNDONE", f"x{number}"
        draft.save(force_insert=True)
    assert ask("shred_undone", token=dana.vault_session, batch=made_up.ref) == 0
    # Nor a delivery of which a report was filed, whatever its rows say now; nor anybody who may not; nor twice.
    m.IntakeBatch.objects.filter(pk__in=[filed.pk, mine.pk]).update(undone_at=clock.now())
    see_all()
    for session, batch, why in (
        (dana.vault_session, filed, "relied_upon"), ("", mine, "locked"),
        (ask("sign_in", handle="anna", passphrase=PASSPHRASE)["token"], mine, "not_authorised"),
    ):  # fmt: skip
        with pytest.raises(Refused) as no:
            ask("shred_undone", token=session, batch=batch.ref)
        assert no.value.reason == why
    assert [set(model.objects.values_list("pk", flat=True)) - b for model, b in zip(models, before, strict=True)][
        :2
    ] == [set(), set()]
    assert all(b <= set(model.objects.values_list("pk", flat=True)) for model, b in zip(models, before, strict=True))
    assert DataKey.objects.filter(subject=report.ref).exists()
    assert not log.Entry.objects.filter(action="keys of a delivery destroyed").exists()


def test_a_delivery_of_which_a_report_was_filed_stays(dana, saved):
    batch = bring(table(row(saved)), dana)
    filing.file_draft(batch.drafts.get(), by=dana)
    with pytest.raises(Refused, match="was filed"):
        delivering.undo_reports(batch, by=dana)


@pytest.mark.slow
def test_a_run_stopped_half_way_goes_on_where_it_was(dana, saved):
    rows = [row(saved, victims=str(1 + i % 50), narrative=f"story {i}") for i in range(1200)]
    staged = staged_from(table(*rows), dana)
    state = stretches.advance(staged, by=dana, seconds=0)
    assert state.done == 500 and not state.finished
    with pytest.raises(Refused, match="Not every row"):
        delivering.bring_in_reports(staged, by=dana)
    again = runs.Staged(staged.state.token, staged.key)
    # Bytes written after the last kept state, as a crash leaves them.
    with (again.home / "rows").open("ab") as f:
        f.write(b"half a row")
    stretches.advance(again, by=dana)
    batch = delivering.bring_in_reports(again, by=dana)
    assert batch.kept == 1200 and batch.drafts.count() == 1200
    assert batch.drafts.values("identity").distinct().count() == 1200


def test_a_run_that_nobody_came_back_to_is_swept(dana, saved, settings):
    import os

    old, new = staged_from(table(row(saved)), dana), staged_from(table(row(saved, victims="4")), dana)
    os.utime(old.home, (1, 1))
    assert runs.sweep() == 1
    assert not old.home.exists() and new.home.exists()


def test_a_wrong_key_opens_no_run(dana, saved):
    staged = staged_from(table(row(saved)), dana)
    with pytest.raises(Refused, match="no longer here"):
        list(runs.Staged(staged.state.token, b"\0" * 32).records())


# --- ODK Central and KoboToolbox ----------------------------------------------------------------------------------


def odk_zip(submissions, items, media=None):
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("answerable_report.csv", table(*submissions))
        z.writestr("answerable_report-items.csv", table(*items))
        for name, raw in (media or {}).items():
            z.writestr(f"media/{name}", raw)
    return out.getvalue()


def central(saved, key, **more):
    return {"SubmissionDate": "2026-02-03T10:00:00.000Z", **row(saved), "meta-instanceID": key, "KEY": key, "SubmitterID": "12",
            "SubmitterName": "collector", "AttachmentsPresent": "0", "AttachmentsExpected": "0", "Status": "", "ReviewState": "",
            "DeviceID": "collect:abc", "Edits": "0", "FormVersion": "2026060101", **more}  # fmt: skip


ITEM = {"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "says": "her words",
        "consent-purposes": "CP-MONI CP-FIND", "consent-understood": "yes", "consent-withdrawal_told": "yes"}  # fmt: skip


def test_an_export_of_odk_central_goes_in_with_repeats_files_and_an_edit(dana, saved):
    first, second = f"uuid:{'a' * 8}", f"uuid:{'b' * 8}"
    png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde" \
          b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"  # fmt: skip
    items = [
        {**ITEM, "attachment": "photo.png", "PARENT_KEY": first, "KEY": f"{first}/items[1]"},
        {**ITEM, "kind": "document", "testimony": "", "reliability": "B", "credibility": "2", "consent-purposes": "", "attachment": "",
         "says": "a paper", "PARENT_KEY": first, "KEY": f"{first}/items[2]"},
    ]  # fmt: skip
    raw = odk_zip([central(saved, first), central(saved, second, victims="7")], items, {"photo.png": png})
    batch = bring(raw, dana, name="answerable_report.zip")
    assert (batch.route, batch.kept, batch.bad) == ("odk", 2, 0), batch.problems
    draft = batch.drafts.order_by("row").first()
    one, two = draft.items.order_by("number")
    assert one.coded["purposes"] == ["CP-MONI", "CP-FIND"] and one.file_kind == "png" and len(one.file_commitment) == 64
    assert (two.coded["reliability"], two.coded["credibility"]) == ("B", 2)
    incident = filing.file_draft(draft, by=dana)

    edited = odk_zip(
        [central(saved, first, victims="11", Edits="1"), central(saved, second, victims="9", Edits="1")],
        items,
        {"photo.png": png},
    )
    later = bring(edited, dana, name="answerable_report.zip")
    assert (later.kept, later.corrections) == (2, 2)
    correction = later.drafts.get(corrects=incident.ref)
    assert correction.status == m.CORRECTION and correction.version == 2
    assert (
        m.Draft.objects.filter(identity=later.drafts.exclude(pk=correction.pk).get().identity, status=m.DRAFT).count()
        == 1
    )
    before = Incident.objects.count()
    corrected = correcting.take_over_correction(correction, by=dana)
    assert corrected.ref == incident.ref and corrected.victims == 11 and Incident.objects.count() == before
    assert (
        bring(
            odk_zip([central(saved, first, victims="11", Edits="1")], items, {"photo.png": png}), dana, name="x.zip"
        ).repeated
        == 1
    )


def test_odata_with_expanded_repeats_goes_in(dana, saved):
    s = {"__id": "uuid:cc", "__system": {"submissionDate": "2026-02-03T10:00:00.000Z", "edits": 0, "reviewState": None},
         "meta": {"instanceID": "uuid:cc"}, **row(saved), "items@odata.navigationLink": "Submissions('uuid:cc')/items",
         "items": [{"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T2", "says": "x",
                    "consent": {"purposes": "CP-MONI", "understood": "yes", "withdrawal_told": "yes"}, "__id": "i1"}]}  # fmt: skip
    batch = bring(json.dumps({"value": [s], "@odata.context": "x"}).encode(), dana, name="Submissions.json")
    assert (batch.route, batch.kept) == ("odk", 1), batch.problems
    assert batch.drafts.get().items.get().coded["purposes"] == ["CP-MONI"]


def test_kobo_csv_with_split_columns_goes_in(dana, saved):
    r = row(saved)
    del r["forms"]
    r |= {"forms/SV-RAPE": "1", "forms/SV-SLAV": "0", "forms/SV-MARR": "1", "_id": "501", "_uuid": "u-1",
          "_submission_time": "2026-02-03T10:00:00", "__version__": "v1", "_index": "1", "_validation_status": ""}  # fmt: skip
    raw = table({f"report/{k}" if k in GOOD or "/" in k else k: v for k, v in r.items()}).replace(b",", b",")
    batch = bring(raw, dana, name="export.csv")
    assert (batch.route, batch.kept) == ("kobo", 1), batch.problems
    assert batch.drafts.get().coded["forms"] == ["SV-RAPE", "SV-MARR"]


def test_kobo_workbook_with_a_sheet_a_repeat_goes_in(dana, saved):
    import openpyxl

    book = openpyxl.Workbook()
    main = {**row(saved), "_id": 7, "_uuid": "u-7", "_submission_time": "2026-02-03T10:00:00", "_index": 1}
    book.active.title = "Incident report"
    book.active.append(list(main))
    book.active.append(list(main.values()))
    part = {f"items/{k.replace('consent-', 'consent/')}": v for k, v in ITEM.items()} | {
        "_index": 1, "_parent_table_name": "Incident report", "_parent_index": 1, "_submission__uuid": "u-7"}  # fmt: skip
    sheet = book.create_sheet("items")
    sheet.append(list(part))
    sheet.append(list(part.values()))
    out = io.BytesIO()
    book.save(out)
    batch = bring(out.getvalue(), dana, name="export.xlsx")
    assert (batch.route, batch.kept) == ("kobo", 1), batch.problems
    assert batch.drafts.get().items.get().coded["purposes"] == ["CP-MONI", "CP-FIND"]


def test_kobo_json_and_its_late_edit_are_one_report(dana, saved):
    def submission(uuid, at, **more):
        return {"_id": 88, "formhub/uuid": "f", **row(saved), "items": [{f"items/{k.replace('consent-', 'consent/')}": v for k, v in ITEM.items()}],
                "__version__": "v1", "meta/instanceID": f"uuid:{uuid}", "_xform_id_string": "a", "_uuid": uuid, "_attachments": [],
                "_status": "submitted_via_web", "_geolocation": [None, None], "_submission_time": at, "_tags": [], "_notes": [],
                "_validation_status": {}, **more}  # fmt: skip

    first = bring(
        json.dumps({"count": 1, "results": [submission("k1", "2026-02-03T10:00:00")]}).encode(), dana, name="a.json"
    )
    assert (first.route, first.kept) == ("kobo", 1), first.problems
    filing.file_draft(first.drafts.get(), by=dana)
    edit = submission(
        "k2", "2026-02-09T10:00:00", victims="6", **{"meta/deprecatedID": "uuid:k1", "meta/rootUuid": "uuid:k1"}
    )
    later = bring(json.dumps({"count": 1, "results": [edit]}).encode(), dana, name="a.json")
    assert later.drafts.get().corrects == first.drafts.get().ref
    # Both versions in one file: the later one counts.
    two = [
        submission("k3", "2026-03-01T10:00:00", _id=99),
        submission("k3", "2026-03-02T10:00:00", _id=99, victims="4"),
    ]
    both = bring(json.dumps({"results": two}).encode(), dana, name="b.json")
    assert both.kept == 1 and both.drafts.get().coded["victims"] == 4


@pytest.mark.parametrize(("raw", "name"), [(b"%PDF-1.7 x", "a.csv"), (b"PK\x03\x04 no zip", "a.zip"), (b"a,b\n\x00\x01", "a.csv"),
                                           (b'{"other": 1}', "a.json"), (b"", "a.csv"), (b"a,b\n1,2", "a.xlsx")])  # fmt: skip
def test_a_file_that_lies_about_what_it_is_is_refused_and_leaves_nothing(dana, raw, name, settings):
    with pytest.raises(Refused):
        bring(raw, dana, name=name)
    assert list(settings.INTAKE.iterdir()) == []


# --- what is planted is found nowhere -----------------------------------------------------------------------------


def test_words_planted_in_a_file_are_in_no_column_file_entry_or_sentence(dana, saved, settings, caplog):
    from security.test_canary import rows_holding

    words = {
        n: f"canary{n}{secrets.token_hex(5)}"
        for n in ("narrative", "place", "link_reason", "actor_name", "says", "area3", "wrong", "header", "name")
    }
    good = row(saved, kind="document", directness="primary", captured_on="2026-02-01",
               **{n: words[n] for n in ("narrative", "place", "link_reason", "actor_name", "says", "area3")})  # fmt: skip
    bad = dict.fromkeys(
        ("forms", "when", "victims", "risk", "party", "situation", "latitude", "victim_counts", "captured_on", "kind"),
        words["wrong"],
    )
    rows = [good, {**good, **bad}, {**good, words["header"]: "x", "purposes": words["wrong"], "kind": words["wrong"]}]
    staged = staged_from(table(*rows), dana, name=f"{words['name']}.csv")
    stretches.advance(staged, by=dana)
    batch_files = {p: p.read_bytes() for p in settings.INTAKE.rglob("*") if p.is_file()}
    batch = delivering.bring_in_reports(staged, by=dana)
    assert (batch.kept, batch.bad) == (1, 2)
    incident = filing.file_draft(batch.drafts.get(), by=dana)
    for name, word in words.items():
        assert rows_holding(word) == [], name
        assert not [p for p, raw in batch_files.items() if word.encode() in raw], name
        assert word not in json.dumps(batch.problems) and word not in caplog.text
    events = b"".join(event for _i, _s, event in log.opened_events()).decode()
    assert not [n for n, w in words.items() if w in events] and incident.ref in events


# --- the API ------------------------------------------------------------------------------------------------------


@pytest.fixture
def post(dana, client):
    from answerable.alliance import actions as alliance

    _token, secret = alliance.make_token(dana, "monitoring", by=dana)

    def send(body, key):
        headers = {"Authorization": f"Bearer {secret}", **({"Idempotency-Key": key} if key else {})}
        raw = body if isinstance(body, (str, bytes)) else json.dumps(body)
        reply = client.post("/api/reports", raw, content_type="application/json", headers=headers)
        see_all()
        return reply

    return send


def test_the_same_key_is_answered_the_same_and_another_report_under_it_is_refused(post, saved):
    body = row(
        saved, items=[{"kind": "document", "directness": "secondary", "captured_on": "2026-02-01", "says": "a paper"}]
    )
    before = Incident.objects.count()
    first = post(body, "key-one-1234")
    assert first.status_code == 201 and first.json()["status"] == "SUBMITTED", first.content
    again = post(body, "key-one-1234")
    assert (again.status_code, again.json()) == (201, first.json()) and Incident.objects.count() == before + 1
    other = post({**body, "victims": "9"}, "key-one-1234")
    assert other.status_code == 409 and "Idempotency-Key was used before" in other.json()["refused"]
    assert Incident.objects.count() == before + 1
    assert post(body, "key-two-1234").status_code == 409  # the same report under another key is not a second report
    assert Incident.objects.get(ref=first.json()["ref"]).items.count() == 1


def test_the_api_names_every_problem_by_field_and_repeats_no_word(post, saved):
    before = Incident.objects.count(), m.Draft.objects.count()
    reply = post(
        row(saved, when="2026-02-30", forms="canaryxyz", items=[{"kind": "testimony", "reliability": "A"}]),
        "key-three-1",
    )
    assert reply.status_code == 422 and "canaryxyz" not in reply.content.decode()
    assert set(reply.json()["problems"]) == {
        "when",
        "forms",
        "items.1.directness",
        "items.1.captured_on",
        "items.1.reliability",
        "items.1.purposes",
    }
    assert (Incident.objects.count(), m.Draft.objects.count()) == before
    assert post(row(saved), "").status_code == 409
    assert post("[1]", "key-four-12").status_code == 409 and post("{", "key-four-12").status_code == 409


def test_a_report_that_lacks_its_actor_is_kept_as_a_draft(post, saved):
    body = row(saved)
    del body["party"]
    reply = post(body, "key-five-12")
    assert reply.json()["status"] == "DRAFT" and reply.json()["lacks"] == ["party"]


# --- many rows ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_hundred_thousand_rows_with_three_hundred_bad_ones(dana, saved):
    import resource

    # Sealing costs the same for each row and is measured in bench/intake.py; here the rows have nothing to seal.
    plain = {k: v for k, v in row(saved).items() if k not in ("narrative", "link_reason")}
    names = [*plain, "submission_id"]
    lines = [",".join(names)]
    for i in range(100_000):
        values = {
            **plain,
            "victims": "many" if i % 333 == 5 and i < 99_900 else str(1 + i % 9),
            "submission_id": f"n{i}",
        }
        lines.append(",".join(values[n] for n in names))
    raw = "\n".join(lines).encode()
    shown = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    staged = staged_from(raw, dana)
    state = stretches.advance(staged, by=dana, progress=lambda s: shown.append(s.done))
    more_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert (state.total, state.kept, state.bad) == (100_000, 99_700, 300)
    assert shown[0] == 500 and shown[-1] == 100_000 and len(shown) == 200
    assert more_mib < 150, more_mib
    batch = delivering.bring_in_reports(staged, by=dana)
    assert batch.drafts.count() == 99_700 and len({p[0] for p in batch.problems}) == 300
