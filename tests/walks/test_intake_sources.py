"""The sources of a later version are known by what they are: one that is replaced is added beside, and none is lost or taken twice."""

from __future__ import annotations

import json
import re
import threading

import pytest
from django.db import connection, connections
from django.test import Client
from tests_support import see_all
from walks import test_intake_corrected, test_intake_versions
from walks.test_intake import bring, central, odk_zip, row, table
from walks.test_intake_refuses import PAPER
from walks.test_intake_versions import deliver, person
from walks.test_intake_whole import TOLD, verified

from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.intake.actions import correcting, filing, reporting
from answerable.monitoring.intake.staging import sentences
from answerable.monitoring.models import Incident, SourceItem
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.writes_freely
dana, own_folders, report = test_intake_versions.dana, test_intake_versions.own_folders, test_intake_corrected.report
AGAINST = {**PAPER, "contrary": "yes", "says": "a log that says nobody was there"}


def fresh(incident):
    see_all()
    return Incident.objects.get(pk=incident.pk)


def later(saved, *items, **more):
    made, _none = deliver(saved, **{"submission_id": "C", "when": "2026-01-14", "items": list(items), **more})
    see_all()
    return made


def numbers(found):
    return sorted(i.number for i in found)


def taken(draft):
    correcting.take_over_correction(draft, by=person("dana"))
    see_all()
    return Incident.objects.get(ref=draft.corrects)


# --- one in another's place -----------------------------------------------------------------------------------------


def test_a_source_in_a_removed_ones_place_is_added_and_the_old_one_stays(saved, report, office):
    draft = later(saved, TOLD, AGAINST)
    assert (
        numbers(queries.new_items(draft)) == [2] == queries.in_place_of(draft, report)
        and queries.changed_items(draft) == []
    )
    page = office("dana").get(f"/watch/intake/drafts/{draft.ref}/").content.decode()
    assert "stand where the submission had another source: number 2" in page
    see_all()
    made = taken(draft)
    assert made.status == "REOPENED" and made.items.count() == 3 and made.items.filter(contrary=True).count() == 1
    made = verified(fresh(made))
    assert (made.level, made.status) == ("V2", "CREDIBLE") and "R-VER-3" in " ".join(made.because)


def test_sources_in_another_order_are_the_same_sources(saved, report):
    draft = later(saved, PAPER, TOLD, victims="4")
    assert queries.new_items(draft) == [] == queries.changed_items(draft) and queries.in_place_of(draft, report) == []
    assert taken(draft).items.count() == 2


def test_one_that_was_left_out_and_is_back_is_not_taken_twice(saved, report):
    made = taken(later(saved, TOLD, victims="4"))
    assert made.items.count() == 2
    draft = later(saved, PAPER, TOLD, victims="5")
    assert queries.new_items(draft) == []
    assert taken(draft).items.count() == 2


def test_other_answers_about_the_same_words_are_named_and_left(saved, report):
    draft = later(saved, TOLD, {**PAPER, "credibility": "1" if PAPER["credibility"] != "1" else "2"})
    assert queries.new_items(draft) == [] and queries.changed_items(draft) == [2]


def test_the_same_words_that_now_speak_against_the_report_are_added(saved, report):
    draft = later(saved, TOLD, {**PAPER, "contrary": "yes"})
    assert numbers(queries.new_items(draft)) == [2] and queries.left_out(draft, report) == []
    assert taken(draft).items.filter(contrary=True).count() == 1
    draft = later(saved, TOLD, PAPER, victims="9")
    assert queries.new_items(draft) == []  # and what supports it comes in no second time
    assert taken(draft).items.count() == 3


def test_an_account_told_anew_by_the_same_person_is_one_account(saved, dana):
    hers = {**TOLD, "person_key": "p-1"}
    _draft, made = deliver(saved, submission_id="C", when="2026-01-14", items=[hers, PAPER])
    draft = later(saved, PAPER, {**hers, "says": "in better words"})
    assert queries.new_items(draft) == [] and queries.changed_items(draft) == [2]
    assert fresh(made).items.count() == 2


def test_a_withdrawn_account_is_found_in_every_version_wherever_it_stands(saved, dana):
    two = [{**TOLD, "says": "hers"}, {**TOLD, "says": "another's"}]
    deliver(saved, submission_id="I", items=two, party="")
    old = m.Draft.objects.get()
    new, _none = deliver(saved, submission_id="I", items=two[::-1], victims="5", party="")
    made = filing.file_draft(new, party=saved("$brigade"), by=person("dana"))
    see_all()
    her = old.items.get(number=1)
    words = her.coded["words"]
    withdrawn = consent.withdraw_everything(
        made.items.get(further__words=words), heard_through="office", by=person("sami")
    )
    assert her.ref in withdrawn.parts and old.items.get(number=2).ref not in withdrawn.parts


# --- what of a file is kept without a part of it --------------------------------------------------------------------


def test_a_photograph_that_did_not_come_is_named_and_its_item_is_kept(saved, dana):
    key = "uuid:" + "f" * 8
    items = [{**TOLD, "attachment": "photo.png", "PARENT_KEY": key, "KEY": f"{key}/items[1]"}]
    batch = bring(odk_zip([central(saved, key)], items), dana, name="answerable_report.zip")
    assert (batch.kept, batch.bad) == (1, 0)
    assert [(p[0], p[1], p[2]) for p in batch.problems] == [(2, "items.1.attachment", sentences.NO_FILE)]
    assert batch.drafts.get().items.count() == 1


def test_a_row_that_swallowed_others_is_not_kept(saved, dana):
    five = table(*(row(saved, victims=str(n), zz="x") for n in (1, 2, 3, 50, 40)))
    head, *lines = five.decode().splitlines()
    lines[0] = lines[0].removesuffix("x") + '"x'
    lines[3] = lines[3] + '"'
    batch = bring("\n".join([head, *lines, ""]).encode(), dana)
    assert (batch.rows, batch.kept, batch.bad) == (2, 1, 1)
    assert [(p[0], p[2]) for p in batch.problems] == [(2, sentences.SWALLOWED)]


# --- by the API -----------------------------------------------------------------------------------------------------


@pytest.fixture
def post(office, saved):
    page = office("dana").post("/alliance/tokens/", {"purpose": "monitoring", "days": 3}).content.decode()
    token = re.search(r"ans_[\w-]+", page)[0]
    see_all()
    said = row(saved)

    def sent(key="one-for-each-report", drop=(), **more):
        body = {k: v for k, v in {**said, **more}.items() if k not in drop}
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
        return Client().post("/api/reports", json.dumps(body), content_type="application/json", headers=headers)

    return sent


def test_a_key_knows_its_body_by_every_answer_also_numbers_by_category(post):
    first = post(victim_counts={"VC-WOM": 1})
    assert first.status_code == 201
    assert post(victim_counts={"VC-WOM": 1}).json() == first.json()
    assert post(victim_counts={"VC-WOM": 2}).status_code == 409
    assert post(victim_counts={"VC-WOM": 1}, submission_id="n").status_code == 409


def test_what_no_form_asks_and_files_are_refused_and_not_dropped(post):
    before = m.Draft.objects.count()
    for more, field in (
        ({"items": [{**PAPER, "attachment": {"refused": "x"}}]}, "items.1.attachment"),
        ({"items": [{**PAPER, "attachment": {"file": "a" * 32, "key": "00"}}]}, "items.1.attachment"),
        ({"attachment": "photo.png"}, "attachment"),
        ({"colour": "red"}, "colour"),
        ({"her name is": "x"}, "body"),
        ({"items": [{**PAPER, "colour": "red"}]}, "items.1.colour"),
    ):
        reply = post(**more)
        assert reply.status_code == 422 and list(reply.json()["problems"]) == [field], reply.content
        assert "her name" not in reply.content.decode()
    see_all()
    assert m.Draft.objects.count() == before


def test_a_body_that_waited_for_the_same_one_is_answered_as_that(post, saved, monkeypatch):
    """The second came while the first was being kept: it looked before there was an answer, and looks again in its turn."""
    first = post()
    seen, real = [], reporting.answered

    def late(key, body, *, by):
        seen.append(key)
        return None if len(seen) == 1 else real(key, body, by=by)

    monkeypatch.setattr(reporting, "answered", late)
    assert post().json() == first.json() and post().status_code == 201
    seen.clear()
    assert post(victims="9").status_code == 409
    see_all()
    assert SourceItem.objects.filter(incident__ref=first.json()["ref"]).count() == 0


def test_bodies_under_one_key_wait_for_one_another(saved, dana):
    with connection.cursor() as cursor:
        reporting._wait_for("one-for-each-report", dana)
        free = []

        def another():
            try:
                with connections["default"].cursor() as other:
                    other.execute(
                        "SELECT pg_try_advisory_lock(7308, hashtext(%s))", [f"{dana.ref}|one-for-each-report"]
                    )
                    free.append(other.fetchone()[0])
            finally:
                connections["default"].close()

        waits = threading.Thread(target=another)
        waits.start()
        waits.join()
        assert free == [False]
        cursor.execute("SELECT 1")
