"""An analyst estimates how many were never reported; nobody else knows that she did."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.engines.estimates import report, study, tables
from answerable.monitoring.estimates import actions
from answerable.monitoring.estimates.models import CaptureEstimate
from answerable.monitoring.looking import actions as looking
from answerable.monitoring.models import Situation
from answerable.record.models import Entry
from answerable.record.pages import describe

pytestmark = pytest.mark.django_db
TABLE = "A,B,C,count\n1,0,0,60\n0,1,0,50\n0,0,1,40\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n"


def analyst():
    return next(p for p in Person.objects.select_related("body__state") if p.has_role("monitoring_analyst"))


def ask(table=TABLE, by=None):
    return actions.make_estimate(Situation.objects.first(), counted="Killings, spring", table=table, source="Three registers",
                                 licence="not stated", by=by or analyst())  # fmt: skip


def make(table=TABLE):
    made = ask(table)
    looking.work()
    see_all()
    made.refresh_from_db()
    return made


def test_asking_leaves_one_entry_and_runs_no_model(played, monkeypatch):
    monkeypatch.setattr(study, "work_out", lambda *_: pytest.fail("a model was run while the page waited"))
    before = Entry.objects.count()
    made = ask()
    assert Entry.objects.count() == before + 1
    assert (made.observed, made.status, made.result, made.upper) == (202, "WAITING", {}, None)


def test_the_worker_makes_it_part_by_part_with_an_entry_of_counts_for_each(played):
    made = ask()
    before, parts = Entry.objects.count(), made.job.total
    looking.work()
    see_all()
    made.refresh_from_db()
    assert parts == 5 and Entry.objects.count() == before + parts
    assert made.status == "DONE" and made.observed <= made.lower <= made.middle <= made.upper
    assert made.result["kind"] == "estimated" and made.patterns["111"] == 5 and made.parts == {}
    whole = report.estimate(tables.read_csv(TABLE)).as_json()
    assert {k: made.result[k] for k in whole} == json.loads(json.dumps(whole)), "as if worked out at once"


def test_stopped_work_keeps_what_it_has_and_goes_on_there(office, played, monkeypatch):
    made, client = ask(), office(analyst().handle)
    looking.take_step(made.job, by=CLOCK)
    address = reverse("move-estimate", args=[made.ref])
    assert client.post(address, {"move": "stop_job"}).status_code == 303
    looking.work()
    see_all()
    made.refresh_from_db()
    assert (made.status, made.job.done, list(made.parts)) == ("STOPPED", 1, ["0:models"])
    done, real = [], study.work_out
    monkeypatch.setattr(study, "work_out", lambda s, part, **more: done.append(part) or real(s, part, **more))
    assert client.post(address, {"move": "resume_job"}).status_code == 303
    looking.work()
    see_all()
    made.refresh_from_db()
    assert made.status == "DONE" and made.result["combined"] and "0:models" not in done and len(done) == 4


def test_progress_is_shown_on_its_own_page_and_on_no_leads_list(office, played):
    made = ask()
    client = office(analyst().handle)
    page = reverse("estimate", args=[made.ref])
    assert (
        "data-poll" in client.get(page).content.decode()
        and client.get(page, headers={"X-Part": "work"})["X-Working"] == "1"
    )
    lead = next(p for p in Person.objects.filter(is_active=True) if p.has_role("verification_lead"))
    theirs = office(lead.handle)
    assert made.job.ref not in theirs.get(reverse("bulletins", args=[made.situation.ref])).content.decode()
    for address, move in (
        (reverse("move-job", args=[made.job.ref]), "stop_job"),
        (reverse("move-estimate", args=[made.ref]), "stop_job"),
    ):
        assert theirs.post(address, {"move": move}).status_code == 404
    see_all()
    made.refresh_from_db()
    assert made.status == "WAITING"
    looking.work()
    assert client.get(page, headers={"X-Part": "work"})["X-Working"] == "0"


def test_strata_and_draws_are_worked_out_and_shown(office, played):
    rows = TABLE.splitlines()
    text = "\n".join(
        [f"stratum,draw,{rows[0]}", *(f"{s},{d},{r}" for s in ("north", "south") for d in (1, 2) for r in rows[1:])]
    )
    made = make(text)
    assert (
        made.observed == 404 and made.lower >= 404 and [s["linkage"]["draws"] for s in made.result["strata"]] == [2, 2]
    )
    body = office(analyst().handle).get(reverse("estimate", args=[made.ref])).content.decode()
    assert "north" in body and "south" in body and body.count("<details") >= 4


def test_a_reference_to_an_estimate_says_something_to_analysts_alone(played):
    made = make()
    assert describe(analyst(), made.ref).page == ("estimate", made.ref)
    delegate = next(p for p in Person.objects.filter(is_active=True) if p.body.kind == "delegation")
    assert describe(delegate, made.ref) is None


def test_a_faulty_table_is_refused_by_its_row_and_changes_nothing(played):
    before = Entry.objects.count()
    with pytest.raises(Refused, match="Row 3: the count -4 is below zero"):
        ask("A,B,count\n1,0,5\n0,1,-4\n")
    with pytest.raises(Refused, match="up to 8 lists"):
        ask("A,B,C,D,E,F,G,H,I,count\n1,1,0,0,0,0,0,0,0,5\n")
    assert Entry.objects.count() == before and not CaptureEstimate.objects.exists()


def test_a_table_that_allows_no_estimate_is_kept_with_the_reason(played):
    made = make("A,B,count\n1,0,5\n0,1,4\n")
    assert made.upper is None and made.result["obstacles"][0]["code"] == "no_overlap"


def test_analysts_see_it_as_estimated_and_others_see_nothing(office, played):
    made = make()
    page = office(analyst().handle).get(reverse("estimate", args=[made.ref]))
    body = page.content.decode()
    assert page.status_code == 200 and 'class="kind estimated"' in body and body.count("<circle") > 3
    others = [p for p in Person.objects.filter(is_active=True) if not p.has_role("monitoring_analyst")]
    delegate = next(p for p in others if p.body.kind == "delegation")
    with pytest.raises(Refused):
        ask(by=delegate)
    for person in (delegate, next(p for p in others if p.has_role("verifier"))):
        client = office(person.handle)
        for address in (reverse("estimate", args=[made.ref]), reverse("estimates", args=[made.situation.ref])):
            assert client.get(address).status_code == 404, person.handle
