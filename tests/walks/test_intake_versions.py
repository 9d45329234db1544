"""Versions of one submission: one report whatever comes twice, none lost, and none left whole when she withdraws."""

from __future__ import annotations

import json
import re

import pytest
from django.db import transaction
from django.utils import translation
from promises import keeps
from tests_support import see_all
from walks.test_intake import ITEM, bring, row, staged_from, table
from walks.test_intake_pages import send
from walks.test_intake_whole import TOLD, allowed

from answerable.alliance.models import Person
from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.intake.actions import correcting, delivering, filing, reporting
from answerable.monitoring.intake.staging import runs, sentences, stretches
from answerable.monitoring.models import Incident
from answerable.record import log
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent.models import Withdrawal
from conftest import PASSPHRASE


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.INTAKE, settings.QUARANTINE = tmp_path / "intake", tmp_path / "quarantine"


@pytest.fixture
def dana(played, db):
    found = person("dana")
    found.fresh, found.vault_session = True, ask("sign_in", handle="dana", passphrase=PASSPHRASE)["token"]
    see_all()
    return found


def person(handle):
    see_all()
    return Person.objects.select_related("body__state").get(handle=handle)


def deliver(saved, route="api", by="dana", **more):
    made = reporting.deliver_report(row(saved, **more), route=route, by=person(by))
    see_all()
    return made


def stands(identity):
    return [(d.version, d.status) for d in m.Draft.objects.filter(identity=identity).order_by("version", "pk")]


def versions(saved, by, *counts, number="V"):
    """The same submission in as many deliveries."""
    made = []
    for count in counts:
        made.append(bring(table(row(saved, submission_id=number, victims=count, narrative=f"v{count}")), by))
        see_all()
    return made


# --- nothing is left when she withdraws ---------------------------------------------------------------------------


def withdrawn(report, later, days=31):
    made = consent.withdraw_everything(Incident.objects.get(pk=report.pk), heard_through="office", by=person("sami"))
    see_all()
    if days:
        later(days=days)
        with scope_of(CLOCK):
            consent.owed()
        see_all()
        assert Withdrawal.objects.get(pk=made.pk).status == "SHREDDED"
    return made


@keeps(4)
def test_an_earlier_version_is_shredded_with_the_report(saved, dana, later, office):
    from answerable.vault.models import DataKey

    told = {k.removeprefix("consent-"): v for k, v in ITEM.items()}
    first = bring(table(row(saved, submission_id="E", when="2026-01-12", area1="Canary", **told)), dana)
    see_all()
    second = bring(table(row(saved, submission_id="E", when="2026-01-12", victims="4", **told)), dana)
    see_all()
    old = first.drafts.get()
    assert old.status == m.REPLACED
    report = filing.file_draft(second.drafts.get(), by=dana)
    see_all()
    refs = [old.ref, old.items.get().ref]
    assert DataKey.objects.filter(subject__in=refs).count() == 2
    made = withdrawn(report, later)
    assert set(refs) <= set(made.parts)
    assert not DataKey.objects.filter(subject__in=refs).exists()
    for draft in (m.Draft.objects.get(ref=old.ref), m.Draft.objects.get(ref=report.ref)):
        assert (draft.when, draft.earliest.year, draft.latest.year, draft.precision) == ("", 1, 1, "")
        assert (draft.area1, draft.coded, bytes(draft.narrative), bytes(draft.place)) == ("", {}, b"", b"")
        assert (draft.items.get().coded, bytes(draft.items.get().says)) == ({}, b"")
        page = office("dana").get(f"/watch/intake/drafts/{draft.ref}/").content.decode()
        assert "2026-01-12" not in page and "0001" not in page and "Canary" not in page
        see_all()


def test_her_account_in_an_earlier_version_goes_with_the_item(saved, dana, later):
    from answerable.vault.models import DataKey

    two = [dict(TOLD), {**TOLD, "says": "another's"}]
    deliver(saved, submission_id="I", items=two, party="")
    old = m.Draft.objects.get()
    new, _none = deliver(saved, submission_id="I", items=two, victims="5", party="")
    report = filing.file_draft(new, party=saved("$brigade"), by=person("dana"))
    see_all()
    hers, others = old.items.order_by("number")
    made = consent.withdraw_everything(report.items.order_by("pk").first(), heard_through="office", by=person("sami"))
    see_all()
    assert hers.ref in made.parts and others.ref not in made.parts and old.ref not in made.parts
    later(days=31)
    with scope_of(CLOCK):
        consent.owed()
    see_all()
    assert not DataKey.objects.filter(subject=hers.ref).exists() and DataKey.objects.filter(subject=others.ref).exists()
    hers.refresh_from_db()
    others.refresh_from_db()
    assert hers.coded == {} and bytes(hers.says) == b"" and others.coded and bytes(others.says)


@pytest.mark.parametrize("days", [0, 31])
def test_no_later_story_is_kept_of_a_person_who_withdrew(saved, dana, later, days):
    _draft, report = deliver(saved, submission_id="W")
    withdrawn(report, later, days)
    before = m.Draft.objects.count()
    with pytest.raises(Refused, match="no later version of it is kept"):
        deliver(saved, submission_id="W", victims="9", narrative="her story again")
    see_all()
    batch = bring(table(row(saved, submission_id="W", victims="8"), row(saved, submission_id="X", victims="2")), dana)
    see_all()
    assert (batch.kept, batch.bad) == (1, 1) and [p[1] for p in batch.problems] == ["submission_id"]
    assert m.Draft.objects.count() == before + 1


def test_a_file_checked_before_she_withdrew_is_checked_again(saved, dana, later):
    _draft, report = deliver(saved, submission_id="W")
    staged = staged_from(table(row(saved, submission_id="W", victims="9")), dana)
    assert stretches.advance(staged, by=dana).kept == 1
    withdrawn(report, later, 0)
    with pytest.raises(Refused, match="withdrawn meanwhile"):
        delivering.bring_in_reports(staged, by=dana)


# --- none lost, none twice ----------------------------------------------------------------------------------------


def test_undoing_the_second_of_three_and_then_the_third_brings_the_first_back(saved, dana):
    first, second, third = versions(saved, dana, "1", "2", "3")
    identity = first.drafts.get().identity
    delivering.undo_reports(second, by=dana)
    see_all()
    assert stands(identity) == [(1, "REPLACED"), (2, "UNDONE"), (3, "DRAFT")]
    delivering.undo_reports(third, by=dana)
    see_all()
    assert stands(identity) == [(1, "DRAFT"), (2, "UNDONE"), (3, "UNDONE")]


def test_undoing_corrections_brings_the_latest_that_is_left_back_and_none_behind_one_taken_over(saved, dana):
    (first,) = versions(saved, dana, "1")
    filing.file_draft(first.drafts.get(), by=dana)
    see_all()
    identity = first.drafts.get().identity
    second, third, fourth = versions(saved, dana, "2", "3", "4")
    for batch in (third, fourth):
        delivering.undo_reports(batch, by=dana)
        see_all()
    assert stands(identity)[1:] == [(2, "CORRECTION"), (3, "UNDONE"), (4, "UNDONE")]
    third, fourth = versions(saved, dana, "5", "6")
    correcting.take_over_correction(fourth.drafts.get(), by=dana)
    see_all()
    (fifth,) = versions(saved, dana, "7")
    delivering.undo_reports(fifth, by=dana)
    see_all()
    assert [s for _n, s in stands(identity)].count("CORRECTION") == 0


def test_undoing_a_version_set_aside_leaves_what_came_after_it(saved, dana):
    first, second = versions(saved, dana, "1", "2")
    filing.set_draft_aside(second.drafts.get(), by=dana)
    see_all()
    third, _none = deliver(saved, submission_id="V", victims="3", party="")
    delivering.undo_reports(second, by=dana)
    see_all()
    assert [s for _n, s in stands(third.identity)] == ["REPLACED", "UNDONE", "DRAFT"]


def kobo(saved, uuid, at, **more):
    return {**row(saved), "_uuid": uuid, "_submission_time": at, "meta/rootUuid": f"uuid:{uuid}", **more}


def as_json(*rows):
    return json.dumps({"results": rows}).encode()


@pytest.mark.parametrize("seconds", [None, 0])
def test_a_later_edit_far_down_the_same_file_is_the_one_kept(saved, dana, monkeypatch, seconds):
    monkeypatch.setattr(stretches, "AT_ONCE", 2)
    told = {"items": [{f"items/{k}": v for k, v in ITEM.items()}]}
    rows = [kobo(saved, "a", "2026-05-01T00:00:00", victims="2", **told)]
    rows += [kobo(saved, f"b{n}", "2026-05-01T00:00:00", victims=str(n + 3)) for n in range(4)]
    rows += [
        kobo(saved, "a", "2026-06-01T00:00:00", victims="50", **told),
        kobo(saved, "a", "2026-04-01T00:00:00", victims="9"),
    ]
    staged = staged_from(as_json(*rows), dana, name="x.json")
    while not staged.state.finished:
        staged = runs.Staged(staged.state.token, staged.key)
        stretches.advance(staged, by=dana, seconds=seconds)
    assert (staged.state.kept, staged.state.repeated) == (5, 2)
    batch = delivering.bring_in_reports(staged, by=dana)
    see_all()
    assert sorted(d.coded["victims"] for d in batch.drafts.all()) == [3, 4, 5, 6, 50]
    assert m.DraftItem.objects.filter(draft__batch=batch).count() == 1


AT = "2026-05-01T00:00:00"
HELD = {"items": [{f"items/{k}": v for k, v in ITEM.items()}]}


def test_an_edit_in_kobo_keeps_its_time_and_is_a_later_version_all_the_same(saved, dana):
    """KoboToolbox leaves _submission_time as it was: what the submission says decides, and the names of its versions."""
    first = bring(as_json(kobo(saved, "a", AT, victims="2", **HELD)), dana, name="x.json")
    again = staged_from(as_json(kobo(saved, "a", AT, victims="2", _tags=[], **HELD)), dana, name="x.json")
    state = stretches.advance(again, by=dana)
    assert (state.kept, state.repeated, state.corrections) == (0, 1, 0), "the same again is here already"
    edit = kobo(saved, "b", AT, victims="5", **HELD) | {"meta/rootUuid": "uuid:a", "meta/deprecatedID": "uuid:a"}
    second = bring(as_json(edit), dana, name="x.json")
    assert (second.kept, second.repeated, second.corrections) == (1, 0, 1)
    see_all()
    assert stands(first.drafts.get().identity) == [(1, m.REPLACED), (2, m.DRAFT)]
    report = filing.file_draft(second.drafts.get(), by=dana)
    see_all()
    third = bring(as_json(edit | {"victims": "6"}), dana, name="x.json")
    see_all()
    assert third.drafts.get().corrects == report.ref, "one that keeps its name as well is told by what it says"
    # What was exported before the edits, and one that cannot be compared, change nothing and are named.
    for row_, words in (
        (kobo(saved, "a", AT, victims="3", **HELD), "a later version than this row"),
        (edit | {"_tags": []}, "a later version than this row"),
        (kobo(saved, "c", AT, victims="9") | {"meta/rootUuid": "uuid:a"}, "holds no items"),
    ):
        state = stretches.advance(staged_from(as_json(row_), dana, name="x.json"), by=dana)
        assert (state.kept, state.repeated) == (0, 1)
        assert words in state.problems[0][2], state.problems


def odk(saved, at, victims, edits):
    of = {"__id": "uuid:late", "__system/submissionDate": AT, "__system/updatedAt": at, "__system/edits": edits}
    return json.dumps({"value": [{**row(saved, victims=victims), **of}]}).encode()


@pytest.mark.parametrize("system", ["kobo", "odk"])
def test_an_older_version_that_comes_after_a_newer_one_is_said_and_nothing_is_to_be_mended(saved, dana, office, system):
    def version(at, victims, edits):
        return as_json(kobo(saved, "late", at, victims=victims)) if system == "kobo" else odk(saved, at, victims, edits)

    bring(version("2026-06-01T00:00:00", "5", 2), dana, name="x.json")
    older = version("2026-05-01T00:00:00", "3", 1)
    staged = staged_from(older, dana, name="x.json")
    state = stretches.advance(staged, by=dana)
    assert (state.kept, state.bad, state.repeated) == (0, 0, 1) and not state.to_mend
    assert [p[2] for p in state.problems] == [sentences.LATE]
    with pytest.raises(Refused, match="Every row of this file is here already"):
        delivering.bring_in_reports(staged, by=dana)
    see_all()
    assert m.Draft.objects.get().coded["victims"] == 5
    client = office("dana")
    for raw, said in (
        (older, "The newer one stands and nothing was changed"),
        (version("2026-06-01T00:00:00", "5", 2) + b" ", ""),
    ):
        where = send(client, raw, "x.json").url
        page = client.get(where).content.decode()
        mapping = dict(re.findall(r'name="(c\d+)".*?<option value="([^"]+)" selected', page, re.S))
        page = client.post(where, {"act": "map", **mapping}).content.decode()
        assert "Every row of this file is here already" in page and "Mend what is listed" not in page
        assert said in page and "Problems by row" not in page
    # A row that is bad is still to be mended.
    state = stretches.advance(staged_from(version("2026-05-01T00:00:00", "many", 1), dana, name="x.json"), by=dana)
    assert state.to_mend and not state.kept


# --- an edit that names no version before it --------------------------------------------------------------------------


def unlinked(saved, uuid, victims, **more):
    """As KoboToolbox's CSV gives an edit: another _uuid, no root, the same number and time."""
    return {**row(saved, victims=victims), "_uuid": uuid, "_submission_time": AT, "_id": 77, "_index": 1, **more}


def test_an_edit_without_a_link_is_put_to_a_person_and_takes_the_drafts_place(saved, dana, office):
    first = bring(table(unlinked(saved, "one", "2")), dana).drafts.get()
    second = bring(table(unlinked(saved, "two", "5")), dana).drafts.get()
    assert (second.version, second.status, second.looks_like, second.identity != first.identity) == (
        1,
        m.DRAFT,
        first.ref,
        True,
    )
    see_all()
    with pytest.raises(Refused, match="may be a later version of"), transaction.atomic():
        filing.file_draft(second, by=dana)
    with pytest.raises(Refused, match="No draft of this delivery is ready"), transaction.atomic():
        filing.file_drafts(second.batch, by=dana)
    client = office("dana")
    page = client.get(f"/watch/intake/drafts/{second.ref}/").content.decode()
    assert (
        "looks like a later version of" in page
        and "It is a report of its own" in page
        and "File the report" not in page
    )
    assert "may be a later version of" in client.get("/watch/intake/").content.decode()
    before = log.Entry.objects.count()
    assert client.post(f"/watch/intake/drafts/{second.ref}/version/", {"is": "later"}).status_code == 303
    see_all()
    assert log.Entry.objects.count() == before + 1
    assert stands(first.identity) == [(1, m.REPLACED), (2, m.DRAFT)]
    report = filing.file_draft(m.Draft.objects.get(pk=second.pk), by=dana)
    assert report.victims == 5
    # From then on the names of both are known.
    see_all()
    third = bring(table(unlinked(saved, "two", "6", _submission_time="2026-06-01T00:00:00")), dana).drafts.get()
    assert (third.version, third.status, third.corrects, third.looks_like) == (3, m.CORRECTION, report.ref, "")
    assert client.post(f"/watch/intake/drafts/{second.ref}/version/", {"is": "own"}).status_code == 409


def test_an_edit_of_a_filed_report_waits_as_its_correction_once_a_person_says_so(saved, dana):
    first = bring(as_json(unlinked(saved, "one", "2", **HELD)), dana, name="x.json").drafts.get()
    report = filing.file_draft(first, by=dana)
    see_all()
    second = bring(as_json(unlinked(saved, "two", "5", **HELD)), dana, name="x.json").drafts.get()
    assert second.looks_like == report.ref and not second.corrects
    made = correcting.take_as_version(second, by=dana)
    assert (made.status, made.corrects, made.version) == (m.CORRECTION, report.ref, 2)
    see_all()
    corrected = correcting.take_over_correction(made, by=dana)
    assert (corrected.pk, corrected.victims, corrected.items.count()) == (report.pk, 5, 1)
    # Undone or withdrawn with its report, like any version of it.
    see_all()
    assert made.ref in set(queries.versions_of(report.ref).values_list("ref", flat=True))


@pytest.mark.writes_freely
def test_a_person_says_that_it_is_a_report_of_its_own_and_taking_the_delivery_out_brings_the_earlier_back(saved, dana):
    first = bring(table(unlinked(saved, "one", "2")), dana).drafts.get()
    second = bring(table(unlinked(saved, "two", "5")), dana)
    own = correcting.keep_apart(second.drafts.get(), by=dana)
    see_all()
    assert filing.file_draft(own, by=dana).ref == own.ref
    see_all()
    assert m.Draft.objects.get(pk=first.pk).status == m.DRAFT
    third = bring(table(unlinked(saved, "three", "7")), dana)
    taken = third.drafts.get()
    assert taken.looks_like in (first.ref, own.ref)
    m.Draft.objects.filter(pk=taken.pk).update(looks_like=first.ref)
    see_all()
    correcting.take_as_version(m.Draft.objects.get(pk=taken.pk), by=dana)
    see_all()
    assert stands(first.identity) == [(1, m.REPLACED), (2, m.DRAFT)]
    delivering.undo_reports(third, by=dana)
    see_all()
    assert stands(first.identity) == [(1, m.DRAFT), (2, m.UNDONE)]


@pytest.mark.parametrize(
    ("one", "other", "doubted"),
    [
        ({"_id": 77}, {"_id": 78}, False),
        ({"_id": 77, "_xform_id_string": "a"}, {"_id": 77, "_xform_id_string": "b"}, False),
        ({"_id": 77, "_xform_id_string": "a"}, {"_id": 77, "_xform_id_string": "a"}, True),
        ({"_id": 1, "start": "2026-05-01T08:00:00.123Z", "deviceid": "d"}, {"_id": 2, "start": "2026-05-01T08:00:00.123Z", "deviceid": "d"}, True),
        ({"_id": 1, "start": "2026-05-01T08:00:00.123Z", "deviceid": "d"}, {"_id": 2, "start": "2026-05-01T08:00:00.123Z", "deviceid": "e"}, False),
        ({"_id": 1, "start": "2026-05-01T08:00:00.123Z"}, {"_id": 2, "start": "2026-05-01T08:00:00.123Z"}, False),
        ({"_id": 1, "meta/instanceName": "Report 14", "_submitted_by": "u"}, {"_id": 2, "meta/instanceName": "report 14", "_submitted_by": "u"}, True),
        ({"_id": 1, "meta/instanceName": "Report 14"}, {"_id": 2, "meta/instanceName": "Report 14"}, False),
    ],
)  # fmt: skip
def test_what_gives_reason_to_ask_and_what_does_not(saved, dana, one, other, doubted):
    first = bring(as_json(unlinked(saved, "one", "2", **one)), dana, name="x.json").drafts.get()
    second = bring(as_json(unlinked(saved, "two", "5", **other)), dana, name="x.json").drafts.get()
    assert second.looks_like == (first.ref if doubted else "")


def test_another_organisations_submission_is_no_reason_to_ask(saved, dana):
    bring(as_json(unlinked(saved, "one", "2")), dana, name="x.json")
    sami = person("sami")
    sami.vault_session = ask("sign_in", handle="sami", passphrase=PASSPHRASE)["token"]
    see_all()
    assert bring(as_json(unlinked(saved, "two", "5")), sami, name="x.json").drafts.get().looks_like == ""


def test_each_edit_is_known_by_the_one_before_it_alone(saved, dana):
    """A chain of edits that name only the version before: no root, and no time of their own."""

    def version(own, before, victims):
        names = {"_uuid": own, "_submission_time": AT, "deprecatedID" if before == "p" else "meta/deprecatedID": before}
        return {**row(saved, victims=victims), **{k: v for k, v in names.items() if v}}

    first = bring(as_json(version("p", "", "2")), dana, name="x.json")
    assert bring(as_json(version("q", "p", "3")), dana, name="x.json").corrections == 1
    assert bring(as_json(version("r", "uuid:q", "4")), dana, name="x.json").corrections == 1
    see_all()
    assert [s for _n, s in stands(first.drafts.get().identity)] == [m.REPLACED, m.REPLACED, m.DRAFT]
    # Whoever names one in the middle is told of the last.
    assert bring(as_json(version("s", "q", "5")), dana, name="x.json").corrections == 1
    see_all()
    assert [n for n, _s in stands(first.drafts.get().identity)] == [1, 2, 3, 4]


def test_a_number_that_two_rows_share_is_named(saved, dana):
    batch = bring(
        table(row(saved, submission_id="F", victims="1"), row(saved, submission_id="F", victims="7"), row(saved, submission_id="F", victims="1")),
        dana,
    )  # fmt: skip
    assert (batch.kept, batch.repeated) == (1, 2)
    ((number, name, sentence, _figures),) = batch.problems
    assert (number, name) == (3, "submission_id") and "the same number" in sentence


def test_a_number_of_another_server_joins_no_two_reports(saved, dana):
    of = {"_id": 77, "_index": 1}
    first = bring(as_json(kobo(saved, "x", "2026-09-01T00:00:00", **of)), dana, name="x.json")
    other = kobo(saved, "y", "2026-08-01T00:00:00", victims="9", _xform_id_string="a", **of)
    assert bring(as_json(other), dana, name="x.json").kept == 1
    see_all()
    assert first.drafts.get().status == m.DRAFT
    # Without a name of its own a submission is known by its number, within its form.
    bare = {**row(saved), "_id": 5, "_index": 1, "_submission_time": "2026-09-01T00:00:00", "_xform_id_string": "a"}
    assert bring(as_json(bare), dana, name="x.json").kept == 1
    same = {**bare, "victims": "8", "_submission_time": "2026-09-02T00:00:00"}
    assert bring(as_json(same), dana, name="x.json").corrections == 1
    assert bring(as_json({**same, "_xform_id_string": "b"}), dana, name="x.json").corrections == 0


def test_one_number_of_an_organisation_is_one_submission_by_whatever_way_it_comes(saved, dana):
    bring(table(row(saved, submission_id="N")), dana)
    see_all()
    draft, _none = deliver(saved, submission_id="N", victims="5", party="")
    assert (draft.version, draft.status) == (2, m.DRAFT)
    assert bring(table(row(saved, submission_id="N", victims="6")), dana).corrections == 1


# --- interviews ---------------------------------------------------------------------------------------------------


def test_undoing_a_version_leaves_the_interview_with_the_one_that_stands_again(saved, dana):
    ours = allowed(dana, saved("$zandria"))
    told = {**TOLD, "interview": ours.ref}
    bring(table(row(saved, submission_id="I", **told)), dana)
    see_all()
    second = bring(table(row(saved, submission_id="I", victims="5", **told)), dana)
    see_all()
    delivering.undo_reports(second, by=dana)
    see_all()
    with pytest.raises(Refused):
        deliver(saved, submission_id="O", victims="9", items=[told])
    see_all()
    delivering.undo_reports(m.IntakeBatch.objects.get(undone_at=None), by=dana)
    see_all()
    assert deliver(saved, submission_id="O", victims="9", items=[told])[1].status == "SUBMITTED"


def test_two_far_rows_that_share_an_interview_are_named_before_the_file_is_kept(saved, dana, monkeypatch):
    monkeypatch.setattr(stretches, "AT_ONCE", 2)
    ours = allowed(dana, saved("$zandria"))
    told = {**TOLD, "interview": ours.ref}
    rows = [row(saved, submission_id=f"R{n}", victims=str(n + 1), **(told if n in (0, 5) else {})) for n in range(6)]
    staged = staged_from(table(*rows), dana)
    while not staged.state.finished:
        staged = runs.Staged(staged.state.token, staged.key)
        stretches.advance(staged, by=dana, seconds=0)
    assert (staged.state.kept, staged.state.bad) == (5, 1)
    assert [(p[0], p[1]) for p in staged.state.problems] == [(7, "items.1.interview")]
    # Taken by another way after the check: the refusal names the row.
    deliver(saved, submission_id="O", victims="9", items=[told])
    with pytest.raises(Refused, match="Row 2: "):
        delivering.bring_in_reports(staged, by=dana)


# --- a doubt is handed on, whatever is answered first -----------------------------------------------------------------


@pytest.fixture
def edits(saved, dana):
    """A report, and two edits of it that name no version before them: each asked about the one before."""
    report = filing.file_draft(bring(table(unlinked(saved, "one", "2")), dana).drafts.get(), by=dana)
    see_all()
    found = [bring(table(unlinked(saved, u, n)), dana).drafts.get() for u, n in (("two", "5"), ("three", "6"))]
    assert [d.looks_like for d in found] == [report.ref, found[0].ref]
    see_all()
    return report, *found


def one_report(report, dana):
    """Whatever waits is taken over; what came of it is one report and no other draft."""
    see_all()
    waits = m.Draft.objects.get(status=m.CORRECTION)
    assert waits.corrects == report.ref
    correcting.take_over_correction(waits, by=dana)
    see_all()
    assert Incident.objects.filter(ref__in=m.Draft.objects.values("ref")).count() == 1
    assert not m.Draft.objects.filter(status=m.DRAFT).exists()
    assert set(queries.versions_of(report.ref).values_list("ref", flat=True)) == set(
        m.Draft.objects.values_list("ref", flat=True)
    )


def again(draft):
    see_all()
    return m.Draft.objects.get(pk=draft.pk)


def test_the_later_edit_answered_first_is_still_asked_about_the_report(edits, dana, saved, office):
    report, first, second = edits
    client = office("dana")
    where = f"/watch/intake/drafts/{second.ref}/"
    page = client.post(f"{where}version/", {"is": "later"}, follow=True).content.decode()
    assert "took the place of the earlier draft" in page and f"may be a later version of {report.ref}" in page
    assert "File the report" not in page
    made = again(second)
    assert (again(first).status, made.status, made.looks_like) == (m.REPLACED, m.DRAFT, report.ref)
    with pytest.raises(Refused, match="may be a later version of"), transaction.atomic():
        filing.file_draft(made, by=dana)
    made = correcting.take_as_version(made, by=dana)
    assert (made.status, made.corrects, made.version) == (m.CORRECTION, report.ref, 3)
    # The one in between goes with it, by its own name too.
    assert stands(made.identity) == [(1, m.FILED), (2, m.REPLACED), (3, m.CORRECTION)]
    see_all()
    late = bring(table(unlinked(saved, "two", "9", _submission_time="2026-06-01T00:00:00")), dana).drafts.get()
    assert (late.version, late.status, late.corrects) == (4, m.CORRECTION, report.ref)
    one_report(report, dana)


def test_the_earlier_edit_answered_first_leaves_one_report(edits, dana):
    report, first, second = edits
    correcting.take_as_version(again(first), by=dana)
    made = correcting.take_as_version(again(second), by=dana)
    assert (made.status, made.corrects, made.looks_like) == (m.CORRECTION, report.ref, "")
    one_report(report, dana)


def test_an_edit_is_asked_about_the_report_once_the_edit_before_it_was_set_aside(edits, dana, office):
    report, first, second = edits
    filing.set_draft_aside(again(first), by=dana)
    see_all()
    page = office("dana").get(f"/watch/intake/drafts/{second.ref}/").content.decode()
    assert f'/watch/incidents/{report.ref}/">Look at it' in page
    made = correcting.take_as_version(again(second), by=dana)
    assert (made.status, made.corrects) == (m.CORRECTION, report.ref)
    see_all()
    correcting.take_over_correction(again(second), by=dana)
    see_all()
    assert Incident.objects.filter(ref__in=m.Draft.objects.values("ref")).count() == 1


def test_no_version_of_an_undecided_edit_may_still_be_one_of_the_report(edits, dana, office):
    report, first, second = edits
    client = office("dana")
    page = client.post(f"/watch/intake/drafts/{second.ref}/version/", {"is": "own"}, follow=True).content.decode()
    assert f"may be a later version of {report.ref}" in page and "It is a report of its own." not in page
    assert again(second).looks_like == report.ref
    page = client.post(f"/watch/intake/drafts/{second.ref}/version/", {"is": "own"}, follow=True).content.decode()
    assert "It is a report of its own." in page and again(second).looks_like == ""


def test_a_named_version_of_an_edit_in_doubt_is_in_doubt_as_well(edits, dana, saved):
    report, first, _second = edits
    named = bring(table(unlinked(saved, "two", "7", _submission_time="2026-06-01T00:00:00")), dana).drafts.get()
    assert (named.version, named.status, named.looks_like) == (2, m.DRAFT, report.ref)


@pytest.mark.writes_freely
def test_taking_the_later_edit_out_again_leaves_the_one_before_it_with_the_report(edits, dana):
    report, first, second = edits
    correcting.take_as_version(again(second), by=dana)
    correcting.take_as_version(again(second), by=dana)
    see_all()
    delivering.undo_reports(again(second).batch, by=dana)
    back = again(first)
    assert (back.status, back.corrects, back.looks_like) == (m.CORRECTION, report.ref, "")
    one_report(report, dana)


@pytest.mark.writes_freely
def test_an_edit_is_asked_about_the_report_once_the_edit_before_it_was_taken_out(edits, dana):
    report, first, second = edits
    delivering.undo_reports(again(first).batch, by=dana)
    made = correcting.take_as_version(again(second), by=dana)
    assert (made.status, made.corrects) == (m.CORRECTION, report.ref)


def test_two_edits_in_one_file_raise_the_question_and_the_first_that_of_the_report(saved, dana):
    report = filing.file_draft(bring(table(unlinked(saved, "one", "2")), dana).drafts.get(), by=dana)
    see_all()
    both = bring(
        table(unlinked(saved, "two", "5"), unlinked(saved, "three", "6"), unlinked(saved, "x", "1", _id=9)), dana
    )
    first, second, other = both.drafts.order_by("row")
    assert (first.looks_like, second.looks_like, other.looks_like) == (report.ref, first.ref, "")
    see_all()
    assert filing.file_drafts(both, by=dana) == 1
    see_all()
    correcting.take_as_version(again(second), by=dana)
    assert correcting.take_as_version(again(second), by=dana).corrects == report.ref


def test_two_rows_of_one_submission_in_a_first_file_are_put_to_a_person(saved, dana, monkeypatch):
    """Whatever stretch of the file each row is checked in."""
    monkeypatch.setattr(stretches, "AT_ONCE", 1)
    first, second = bring(table(unlinked(saved, "one", "2"), unlinked(saved, "two", "5")), dana).drafts.order_by("row")
    assert (first.looks_like, second.looks_like) == ("", first.ref)


@pytest.mark.parametrize("said", [{}, {"is": ""}, {"is": "LATER"}])
def test_what_is_neither_answer_decides_nothing(saved, dana, office, said):
    bring(table(unlinked(saved, "one", "2")), dana)
    second = bring(table(unlinked(saved, "two", "5")), dana).drafts.get()
    answer = office("dana").post(f"/watch/intake/drafts/{second.ref}/version/", said)
    assert answer.status_code == 409 and "Say whether it is a later version" in answer.content.decode()
    assert again(second).looks_like


def test_every_state_of_a_draft_is_a_word_to_be_translated():
    from answerable.web.templatetags.answerable import STATUS_WORDS

    states = {m.DRAFT, m.CORRECTION, m.FILED, m.REPLACED, m.TAKEN_OVER, m.SET_ASIDE, m.UNDONE, m.LAPSED}
    assert states <= set(STATUS_WORDS())


def test_a_day_told_as_about_then_keeps_its_direction_on_an_arabic_page(saved, dana, office):
    draft = bring(table(row(saved, when="2026-01-12~")), dana).drafts.get()
    report = filing.file_draft(draft, by=dana)
    client = office("dana")
    client.cookies["django_language"] = "ar"
    with translation.override("en"):  # the page's language ends with it
        page = client.get(f"/watch/incidents/{report.ref}/").content.decode()
    assert "\u20682026-01-12~\u2069" in page and page.count("2026-01-12~") == 1
