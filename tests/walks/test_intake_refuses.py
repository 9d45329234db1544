"""What the one way in refuses with a sentence: what cannot be kept, what is no text, and the same source twice."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests_support import see_all
from walks import test_intake, test_intake_versions
from walks.test_intake import ITEM, bring, central, odk_zip, row
from walks.test_intake_versions import deliver, person

from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring.intake.actions import attaching, correcting, filing
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.models import Incident, SourceItem
from answerable.record import log

post, dana, own_folders = test_intake.post, test_intake_versions.dana, test_intake_versions.own_folders
PAPER = {
    "kind": "document",
    "directness": "primary",
    "captured_on": "2026-02-01",
    "reliability": "A",
    "credibility": "1",
    "says": "An order",
}


@pytest.mark.parametrize("name", ["narrative", "situation", "party", "area1", "submission_id", "link_reason", "forms"])
@pytest.mark.parametrize("character", ["\ud800", "\x00"])
def test_a_character_that_cannot_be_kept_is_refused_by_field(post, saved, name, character):
    said = row(saved)
    reply = post({**said, name: [character] if name == "forms" else f"x{character}y"}, f"key-{name}-1234")
    assert reply.status_code == 422, reply.content
    assert "cannot be kept" in reply.json()["problems"][name]
    assert post({**said, "items": [{**PAPER, "says": f"x{character}y"}]}, f"key-{name}-5678").status_code == 422


def test_the_same_in_a_file_is_named_by_row(dana, saved):
    bad = {
        **row(saved),
        "narrative": "x\ud800y",
        "_uuid": "u\ud800",
        "_id": 1,
        "_submission_time": "2026-05-01T00:00:00",
        "q\ud800": "1",
    }
    good = {**row(saved, victims="9"), "_uuid": "v", "_id": 2, "_submission_time": "2026-05-01T00:00:00"}
    batch = bring(json.dumps({"results": [bad, good]}).encode(), dana, name="x.json")
    assert batch.kept == 1 and [(p[0], p[1]) for p in batch.problems] == [(1, "narrative")]


@pytest.mark.parametrize("said", [[[]], True, -1, "NaN", {"a": {"b": 1}}, ["a"]])
@pytest.mark.parametrize("name", ["link_reason", "narrative", "area1"])
def test_what_is_no_text_is_refused_where_text_belongs(post, saved, said, name):
    reply = post({**row(saved), name: said}, "key-text-1234")
    assert reply.status_code == 422 and name in reply.json()["problems"], reply.content


@pytest.mark.parametrize("depth", [8, 990, 100_000])
def test_a_body_that_nests_without_end_is_refused(post, saved, depth):
    said = json.dumps(row(saved))
    for raw in ("[" * depth + "]" * depth, said[:-1] + ', "forms": ' + "[" * depth + "]" * depth + "}"):
        reply = post(raw, "key-deep-1234")
        assert reply.status_code == 409 and "one report as a JSON object" in reply.json()["refused"]


def test_the_same_source_twice_in_one_report_is_refused(saved, dana):
    with pytest.raises(Problems) as no:
        deliver(saved, items=[PAPER, {**PAPER, "says": " an  ORDER ", "kind": "document"}])
    assert set(no.value.problems) == {"items.2.says"} and "on the report already" in str(no.value)
    see_all()
    _draft, made = deliver(saved, submission_id="S", items=[PAPER, {**PAPER, "says": "A log"}])
    with pytest.raises(Refused, match="on the report already"):
        attaching.attach_item(made, {**PAPER, "says": "a log"}, by=person("dana"))
    see_all()
    attaching.attach_item(made, {**PAPER, "says": "a letter"}, by=person("dana"))
    see_all()
    # A later version brings what is attached already, and one thing more: the one thing is added.
    papers = [PAPER, {**PAPER, "says": "A log"}, {**PAPER, "says": "A Letter"}, {**PAPER, "says": "a map"}]
    later, _none = deliver(saved, submission_id="S", items=papers)
    correcting.take_over_correction(later, by=person("dana"))
    see_all()
    assert SourceItem.objects.filter(incident=made).count() == 4
    # Another report of the situation may rest on the same words: known again by a mark, and one source where they are linked.
    _draft, other = deliver(saved, victims="8", items=[PAPER])
    marks = [i.further["words"] for i in (made.items.order_by("pk").first(), other.items.get())]
    assert len(set(marks)) == 1 and "order" not in str(marks).lower()


def test_the_same_file_twice_in_one_report_is_refused(saved, dana):
    key = f"uuid:{'d' * 8}"
    told = {**ITEM, "PARENT_KEY": key, "attachment": "one.txt"}
    items = [
        {**told, "KEY": f"{key}/items[1]"},
        {**told, "KEY": f"{key}/items[2]", "says": "another", "attachment": "two.txt"},
    ]
    media = {"media/one.txt": b"the very same words", "media/two.txt": b"the very same words"}
    state = bring(odk_zip([central(saved, key)], items, media), dana, name="answerable_report.zip")
    assert [(p[0], p[1]) for p in state.problems] == [(2, "items.2.attachment")]


def test_an_unsaid_source_is_not_another_one(saved, dana):
    _draft, made = deliver(saved, items=[{**PAPER, "says": ""}, {**PAPER, "says": ""}])
    assert Incident.objects.get(pk=made.pk).items.count() == 2


def test_the_same_words_by_a_coded_item_are_the_same_source(saved, dana):
    _draft, made = deliver(saved, items=[PAPER])
    coded = {"kind": "document", "primary": True, "reliability": "A", "credibility": 1, "by": person("sami")}
    with pytest.raises(Refused, match="on the report already"):
        monitoring.add_item(made, says=" an  ORDER ", **coded)
    see_all()
    item = monitoring.add_item(made, says="A ledger", **coded)
    see_all()
    assert item.further["words"] and "ledger" not in str(item.further)
    with pytest.raises(Refused, match="on the report already"):
        attaching.attach_item(made, {**PAPER, "says": "a ledger"}, by=person("dana"))


def test_a_file_that_a_later_version_brings_again_is_no_second_source(saved, dana, office):
    key, words, others = f"uuid:{'e' * 8}", b"the very same words", b"words of another paper"
    paper = {**ITEM, "kind": "document", "testimony": "", "reliability": "B", "credibility": "2", "consent-purposes": "",
             "PARENT_KEY": key}  # fmt: skip
    one, two, three = (
        {**paper, "KEY": f"{key}/items[{n}]", "says": says, "attachment": f"{n}.txt"}
        for n, says in enumerate(("an order", "its copy", "a ledger"), 1)
    )
    raw = odk_zip([central(saved, key)], [one], {"media/1.txt": words})
    first = bring(raw, dana, name="a.zip")
    assert first.kept == 1, first.problems
    report = filing.file_draft(first.drafts.get(), by=dana)
    see_all()
    assert report.items.get().files.count() == 1
    # The first file does not come again, so the file itself shows nothing of it.
    files = {"media/2.txt": words, "media/3.txt": others}
    later = bring(odk_zip([central(saved, key, Edits="1")], [one, two, three], files), dana, name="a.zip").drafts.get()
    see_all()
    page = office("dana").get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    assert "New items of this version whose words or file are on the report already: number 2." in page
    # What waits with a later version is not taken in by another door meanwhile.
    see_all()
    paper = attaching.attach_item(report, {**PAPER, "says": "a register"}, by=person("sami"))
    reply = office("sami").post(
        f"/watch/items/{paper.ref}/evidence/take/",
        {"file": SimpleUploadedFile("c.txt", others, "text/plain"), "why": "verification"},
    )
    assert reply.status_code == 409 and "comes with a later version of this report" in reply.content.decode()
    see_all()
    made = correcting.take_over_correction(later, by=person("dana"))
    see_all()
    taken = [(i.ref, i.files.count()) for i in made.items.order_by("pk")]
    assert [n for _ref, n in taken] == [1, 0, 1] and taken[2][0] == later.items.get(number=3).ref
    assert log.history(made.ref)[-1].event["detail"]["here_already"] == 1
