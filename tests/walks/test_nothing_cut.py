"""What comes in is taken whole or named, what goes out is listed whole and under consent, and a full disk is said."""

from __future__ import annotations

import io
import json
import re
import resource
from datetime import date

import pytest
from tests_support import see_all
from walks.test_intake import GOOD, row, table

from answerable.alliance import actions as alliance
from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.config import api
from answerable.monitoring import actions as monitoring
from answerable.monitoring import queries as reports
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import reporting
from answerable.monitoring.intake.staging import arrival, runs, stretches
from answerable.monitoring.looking import queries as looking
from answerable.monitoring.models import Incident


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"


def person(handle):
    see_all()
    found = Person.objects.select_related("body__state").get(handle=handle)
    see_all()
    return found


def send(client, raw, name="reports.csv"):
    file = io.BytesIO(raw)
    file.name = name
    return client.post("/watch/intake/", {"file": file})


def words(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


# --- in -----------------------------------------------------------------------------------------------------------


def test_a_number_cut_in_two_is_a_problem_of_its_row_and_no_draft(office, saved):
    dana = office("dana")
    said = {**row(saved), "narrative": "whole"}
    said["victims"] = said.pop("victims")  # the last column
    raw = table(said, {**said, "narrative": "other"}).rstrip(b"\r\n") + b",200\r\n"
    assert raw.endswith(b",3,200\r\n")
    where = send(dana, raw).url
    columns = raw.split(b"\r\n")[0].decode().split(",")
    checked = dana.post(where, {"act": "map", **{f"c{n}": name for n, name in enumerate(columns)}})
    told = words(checked)
    assert "2 of 2 rows: 1 good, 1 with problems" in told
    assert f"This row has {len(columns) + 1} cells where the header has {len(columns)}" in told
    listed = dana.get(where + "problems.csv").content.decode()
    assert f"3,,,This row has {len(columns) + 1}" in listed.replace('"', "")
    assert dana.post(where, {"act": "keep"}).status_code == 303
    see_all()
    batch = m.IntakeBatch.objects.latest("id")
    assert (batch.kept, batch.bad) == (1, 1) and batch.drafts.get().coded["victims"] == 3


@pytest.mark.slow
def test_a_file_for_which_there_is_no_room_leaves_nothing_and_is_told_so(office, saved, small_disk):
    dana = office("dana")
    big = table(*({**row(saved), "narrative": f"{n} " + "x" * 4000} for n in range(800)))
    small_disk(1_000_000)
    reply = send(dana, big)
    small_disk(resource.RLIM_INFINITY)
    assert reply.status_code == 409 and "There is no room here for this file" in words(reply)
    assert not list(runs.folder().iterdir())


def test_a_run_that_finds_no_room_is_gone_with_what_it_took(office, saved, small_disk):
    dana = person("dana")
    raw = table(*({**row(saved), "narrative": f"{n} " + "x" * 4000} for n in range(60)))
    small_disk(len(raw) + 10_000)
    with pytest.raises(Refused, match="no room") as no:
        small_disk(len(raw) // 2)
        arrival.stage(arrival.arrive(io.BytesIO(raw)), "reports.csv", by=dana)
    assert no.value.reason == "full" and not list(runs.folder().iterdir())
    small_disk(resource.RLIM_INFINITY)
    staged = arrival.stage(arrival.arrive(io.BytesIO(raw)), "reports.csv", by=dana)
    stretches.begin(staged, staged.state.mapping, None)
    small_disk(20_000)
    with pytest.raises(Refused, match="no room"):
        stretches.advance(staged, by=dana)
    small_disk(resource.RLIM_INFINITY)
    assert not list(runs.folder().iterdir())


def test_the_page_of_a_run_that_finds_no_room_says_one_thing(office, saved, small_disk):
    dana = office("dana")
    raw = table(*({**row(saved), "narrative": f"{n} " + "x" * 4000} for n in range(60)))
    where = send(dana, raw).url
    columns = raw.split(b"\r\n")[0].decode().split(",")
    small_disk(20_000)
    reply = dana.post(where, {"act": "map", **{f"c{n}": name for n, name in enumerate(columns)}})
    small_disk(resource.RLIM_INFINITY)
    assert reply.status_code == 409 and "so nothing of it was kept" in words(reply)
    page = reply.content.decode()
    assert "nothing that was checked is lost" not in page and 'name="act"' not in page
    assert 'href="/watch/intake/"' in page and not dana.cookies[f"intake-{where.split('/')[-2]}"].value
    assert not list(runs.folder().iterdir())
    # Nor when somebody presses on in a window that was open before.
    late = send(dana, raw).url
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretches, "advance", lambda run, **_more: (run.forget(), run._read_state()))
        reply = dana.post(late, {"act": "map", **{f"c{n}": name for n, name in enumerate(columns)}})
    assert reply.status_code == 409 and "no longer here" in words(reply) and 'name="act"' not in reply.content.decode()


def test_no_way_in_takes_a_yes_for_a_number_or_falls_over_a_date(office, saved):
    said = {"situation": saved("$zandria").ref, "party": saved("$brigade").ref, "on": "2026-02-01", "area1": "S",
            "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "x", "referral_offered": True, "searched_first": True}  # fmt: skip
    call = caller(office)
    before = Incident.objects.count()
    for yes in (True, "3", 3.0):
        assert call("post", "incidents", {**said, "victims": yes}).status_code == 422, yes
    whole = {**GOOD, "situation": said["situation"], "party": said["party"], "forms": ["SV-RAPE"], "links": ["LK-PERP"],
             "actor_types": ["ACT-STF"], "victims": True}  # fmt: skip
    reply = call("post", "reports", whole)
    assert reply.status_code == 422 and "victims" in reply.json()["problems"]
    see_all()
    assert Incident.objects.count() == before
    with pytest.raises(Refused):
        monitoring.receive_report(
            situation=saved("$zandria"), party=saved("$brigade"), on=date(2026, 2, 1), precision="decade", area1="S", victims=1,
            forms=["SV-RAPE"], links=["LK-PERP"], link_reason="x", referral_offered=True, searched_first=True, by=person("dana"),
        )  # fmt: skip


# --- out ----------------------------------------------------------------------------------------------------------


def caller(office, handle="dana", purpose="monitoring"):
    from django.test import Client

    see_all()
    _token, secret = alliance.make_token(person(handle), purpose, by=person(handle))
    headers = {"authorization": f"Bearer {secret}", "idempotency-key": "one-for-each-report"}

    def call(method, path, said=None):
        more = {"data": json.dumps(said), "content_type": "application/json"} if said is not None else {}
        return getattr(Client(), method)(f"/api/{path}", headers=headers, **more)

    return call


def pages(call, path):
    """Every page of a list, one after another."""
    found, after = [], ""
    while True:
        said = call("get", f"{path}?after={after}").json()
        found.append([r["ref"] for r in said["rows"]])
        if not (after := said["next"]):
            return found


def test_a_list_of_the_api_goes_on_until_it_ends_and_consent_is_asked_before_it_is_cut(office, saved, monkeypatch):
    call = caller(office, "sami")
    reporting.deliver_report(row(saved), route="api", by=person("dana"))  # rests on nothing: it stays
    see_all()
    expected = [i.ref for i in reports.exportable(list(Incident.objects.order_by("pk")))]
    assert 4 < len(expected) < Incident.objects.count()
    assert pages(call, "incidents") == [expected]
    monkeypatch.setattr(api, "AT_ONCE", 2)
    cut = pages(call, "incidents")
    assert [r for page in cut for r in page] == expected and all(len(p) == 2 for p in cut[:-1]) and cut[-1]
    for path in ("situations", "findings", "proposals", "measures", "programmes"):
        of = caller(office, "sami", api.PURPOSES[path])
        monkeypatch.setattr(api, "AT_ONCE", 500)
        (whole,) = pages(of, path)
        monkeypatch.setattr(api, "AT_ONCE", 1)
        assert [r for page in pages(of, path) for r in page] == whole, path
    for none in ("INC-NONE", "INC-%00"):
        reply = call("get", f"incidents?after={none}")
        assert reply.status_code == 409 and reply.json()["reason"] == "after"


ITEM = {"captured_on": "2025-02-11", "says": "what was said", "directness": "primary"}
PAPER = {**ITEM, "says": "an order", "kind": "document", "reliability": "A", "credibility": "1"}
TOLD = {**ITEM, "kind": "testimony", "testimony": "T1", "understood": "yes", "withdrawal_told": "yes"}


@pytest.mark.parametrize(
    "items, leaves",
    [
        ([], (False, False)),
        ([PAPER], (True, True)),  # nobody's account: what it counts would be missing if it stayed
        ([{**TOLD, "purposes": "CP-MONI"}], (True, False)),
        ([{**TOLD, "purposes": "CP-MONI CP-MEMB"}], (True, True)),
        ([{**TOLD, "purposes": "CP-MONI CP-MEMB"}, PAPER], (True, True)),
        ([{**TOLD, "purposes": "CP-MONI CP-MEMB"}, {**TOLD, "says": "hers", "purposes": "CP-MONI"}], (True, False)),
    ],
    ids=["none", "paper", "monitoring", "members", "members and paper", "one of two"],
)
def test_what_leaves_rests_on_a_live_consent_and_on_no_account_without_one(saved, played, items, leaves):
    see_all()
    party = monitoring.enter_party(saved("$zandria"), name="Column nine", actor_type="ACT-STF", by=person("sami"))
    said = row(saved, when="2025-02-10", party=party.ref, items=items, narrative="her story")
    _draft, incident = reporting.deliver_report(said, route="api", by=person("dana"))
    see_all()
    rows = [r for r in looking.counted_for_members(saved("$zandria"), 2025) if r["party"] == ["Column nine"]]
    see_all()
    assert (reports.exportable([incident]) == [incident], len(rows) == 1) == leaves
