"""A situation looked at: filters that travel, views that are kept, what changed, and what members read of it."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from tests_support import see_all

from answerable.alliance.models import Person, State
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring.looking import actions, lifecycle, queries, rules, setting
from answerable.monitoring.looking.models import Bulletin, Job, SavedView, Tally, Visit
from answerable.monitoring.models import Incident, Situation
from answerable.record.models import Entry
from answerable.reparations.models import Programme

pytestmark = pytest.mark.django_db


def person(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


def text(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


def report(saved, by, **more):
    said = {"area1": "Zandria South", "area2": "Z-11", "victims": 2, "forms": ["SV-SLAV"], "links": ["LK-PERP"],
            "link_reason": "The unit held the town.", "referral_offered": True, "searched_first": True,
            "on": clock.today() - timedelta(days=20)} | more  # fmt: skip
    return monitoring.receive_report(situation=saved("$zandria"), party=saved("$brigade"), by=person(by), **said)


def counted_by_hand(situation):
    see_all()
    rows = list(Incident.objects.filter(situation=situation, status__in=rules.LIVE))
    return len(rows), sum(i.status == "VERIFIED" for i in rows), sum(i.victims for i in rows)


def tallied(situation):
    see_all()
    total = queries.counts(situation).total
    return total.reported, total.verified, total.victims


# --- tallies --------------------------------------------------------------------------------------------------------


def test_tallies_are_what_counting_by_hand_gives_before_and_after_every_change(saved):
    zandria = saved("$zandria")
    assert tallied(zandria) == counted_by_hand(zandria) and tallied(zandria)[1] > 0
    before = tallied(zandria)
    made = report(saved, "sami", victims=3)
    assert tallied(zandria) == counted_by_hand(zandria) == (before[0] + 1, before[1], before[2] + 3)
    monitoring.move_incident(made, "triage", by=person("sami"))
    assert tallied(zandria) == counted_by_hand(zandria)
    monitoring.move_incident(made, "refer_elsewhere", by=person("sami"))
    assert tallied(zandria) == before  # what was referred elsewhere is not counted here


def test_folding_changes_no_sum(saved):
    zandria = saved("$zandria")
    for n in range(3):
        report(saved, "sami", victims=n + 1)
    see_all()
    before, size = queries.counts(zandria), Tally.objects.count()
    assert queries.fold() > 0
    see_all()
    assert queries.counts(zandria) == before and Tally.objects.count() < size
    assert queries.fold() == 0


def test_a_partners_reader_counts_only_what_their_organisation_gave(office, saved):
    zandria = saved("$zandria")
    see_all()
    own = Incident.objects.filter(
        situation=zandria, status__in=rules.LIVE, compartment__startswith="monitoring/"
    ).count()
    every = counted_by_hand(zandria)[0]
    assert 0 < own < every or own == every
    dana = office("dana").get(f"/watch/{zandria.ref}/")
    counts = dana.context["look"].all_counts
    assert counts.total.reported == own
    page = dana.content.decode()
    assert "Only the reports that your own organisation gave" in page and "Reports here" not in page
    assert "Only the reports that your own" not in office("sami").get(f"/watch/{zandria.ref}/").content.decode()


# --- filters --------------------------------------------------------------------------------------------------------


def test_filters_are_in_the_address_and_each_can_be_taken_off(office, saved):
    zandria, brigade = saved("$zandria"), saved("$brigade")
    url = f"/watch/{zandria.ref}/?area=Zandria+South&actor={brigade.ref}&status=VERIFIED"
    page = office("sami").get(url)
    assert page.status_code == 200
    chips = {c["field"]: c for c in page.context["chips"]}
    assert set(chips) == {"area", "actor", "status"} and chips["actor"]["words"] == brigade.name
    assert chips["area"]["without"] == f"actor={brigade.ref}&status=VERIFIED"
    assert page.context["query"] == f"area=Zandria+South&actor={brigade.ref}&status=VERIFIED"
    see_all()
    counts = page.context["look"].counts
    by_hand = Incident.objects.filter(situation=zandria, area1="Zandria South", party=brigade, status="VERIFIED")
    assert counts.total.reported == counts.total.verified == by_hand.count() > 0


def test_an_area_is_one_row_and_one_filter_however_it_is_written(office, saved):
    zandria = saved("$zandria")
    for written in ("Dorn", "DORN", "Dorn district", "Dorn"):
        report(saved, "sami", area1=written)
    see_all()
    rows = {c.value: c.reported for c in queries.counts(zandria).by["area"]}
    assert rows["Dorn"] == 4 and not {"DORN", "Dorn district"} & set(rows)
    assert sum(rows.values()) == queries.counts(zandria).total.reported
    page = office("sami").get(f"/watch/{zandria.ref}/?area=dorn")
    assert page.context["look"].counts.total.reported == 4 and page.context["chips"][0]["words"] == "Dorn"


@pytest.mark.parametrize("query, field, expected", [
    ("area=Zandria South", "area1", {"Zandria South"}), ("form=SV-SLAV", "forms", None), ("level=V1", "level", {"V1"}),
    ("status=SUBMITTED", "status", {"SUBMITTED"}),
])  # fmt: skip
def test_each_filter_lists_what_matches_and_nothing_else(office, saved, query, field, expected):
    report(saved, "sami")
    rows = office("sami").get(f"/watch/{saved('$zandria').ref}/?{query}").context["look"].newest
    assert rows
    for i in rows:
        assert getattr(i, field) in expected if expected else "SV-SLAV" in i.forms


def test_a_period_takes_in_its_first_and_last_day(office, saved):
    made = report(saved, "sami", on=clock.today() - timedelta(days=3))
    day = made.on.isoformat()
    client, url = office("sami"), f"/watch/{saved('$zandria').ref}/"
    assert made in client.get(f"{url}?since={day}&until={day}").context["look"].newest
    later = (made.on + timedelta(days=1)).isoformat()
    assert made not in client.get(f"{url}?since={later}").context["look"].newest


# --- dates as far as they are known (decision 0047) ---------------------------------------------------------------------


@pytest.fixture
def dated(saved):
    """Reports whose event is known to a month, a year, a week, and to some day of the turn of a year."""
    from walks.test_intake_versions import deliver

    known = {
        name: report(saved, "sami", on=on, precision=name, area1="Zandria Dates")
        for name, on in (("month", date(2026, 1, 1)), ("year", date(2025, 1, 1)), ("week", date(2026, 1, 14)), ("day", date(2026, 1, 20)))
    }  # fmt: skip
    see_all()
    _draft, known["range"] = deliver(saved, by="sami", when="2025-12-20/2026-01-05", area1="Zandria Dates")
    see_all()
    return known


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["January 2026", "2025", "week of 12 January 2026", "some day from 20 December 2025 to 5 January 2026"]),
     ("fr", ["janvier 2026", "2025", "12 janvier 2026"]), ("uk", ["січень 2026"]), ("es", ["enero", "2026"])],
)  # fmt: skip
def test_a_list_says_a_date_no_finer_than_it_is_known(office, saved, dated, language, words):
    client = office("sami")
    client.cookies["django_language"] = language
    for where in (
        f"/watch/incidents/?situation={saved('$zandria').ref}&area=Zandria+Dates",
        f"/watch/{saved('$zandria').ref}/?area=Zandria+Dates",
    ):
        page = re.sub("[\u2068\u2069]", "", text(client.get(where)))
        assert [w for w in words if w not in page] == [], (where, page)
        for exact in ("1 January 2026", "1 January 2025", "1 janvier 2026", "1 janvier 2025"):
            assert not (found := re.search(rf"(?<![\w-]){exact}", page)), page[found.start() - 300 : found.end() + 60]


@pytest.mark.slow
def test_days_hold_what_certainly_lies_in_them_and_lead_to_what_may(office, saved, dated):
    client, zandria = office("sami"), saved("$zandria")
    area = f"situation={zandria.ref}&area=Zandria+Dates"

    def listed(query):
        said, rows = every_row(client, f"/watch/incidents/?{area}&{query}")
        assert said.reported == len(rows)
        return {name for name, i in dated.items() if i.ref in {ref for ref, *_more in rows}}

    for days, certain, may in (
        ("since=2026-01-10&until=2026-01-31", {"week", "day"}, {"month"}),
        ("since=2026-01-01&until=2026-01-31", {"month", "week", "day"}, {"range"}),
        ("since=2025-01-01&until=2025-12-31", {"year"}, {"range"}),
        ("until=2025-06-30", set(), {"year"}),
        ("since=2026-01-13&until=2026-01-13", set(), {"month", "week"}),
    ):
        assert (listed(days), listed(f"{days}&dates=may")) == (certain, may), days
        page = client.get(f"/watch/{zandria.ref}/?area=Zandria+Dates&{days}")
        look = page.context["look"]
        assert (look.counts.total.reported, look.may_lie) == (len(certain), len(may)), days
        assert "in these days too" in text(page) and "dates=may" in page.content.decode()
        assert "in these days too" in text(client.get(f"/watch/incidents/?{area}&{days}"))
    assert listed("dates=no_month") == {"year", "range"}
    assert "in these days too" not in text(client.get(f"/watch/incidents/?{area}"))


def test_a_month_counts_what_certainly_lies_in_it_and_the_rest_stands_beside_it(office, saved, dated):
    zandria, client = saved("$zandria"), office("sami")
    page = client.get(f"/watch/{zandria.ref}/?area=Zandria+Dates")
    months = {c.value: c.reported for c in page.context["look"].counts.by["month"]}
    assert months == {"2026-01": 3, "": 2}
    assert "2 reports whose month is not known are in no column" in text(page)
    links = following(client, page, r"/watch/incidents/\?situation=")
    for number, where in dict.fromkeys(links):
        said, rows = every_row(client, where)
        assert len(rows) == said.reported and number in (said.reported, said.victims), where
    see_all()
    tallies = {(c.value, c.reported, c.verified, c.victims) for c in queries.counts(zandria).by["month"]}
    every = queries.filtered(person("sami"), zandria, rules.Filters(since="1900-01-01"))[0].by["month"]
    assert tallies == {(c.value, c.reported, c.verified, c.victims) for c in every}


@pytest.mark.writes_freely
def test_a_closed_period_counts_what_certainly_lies_in_it(saved, dated):
    from answerable.monitoring.evidence import queries as evidence

    see_all()
    zandria, counts = saved("$zandria"), evidence.counts
    Incident.objects.filter(pk__in=[i.pk for i in dated.values()]).update(status="CREDIBLE")
    with_them = counts(zandria, date(2026, 1, 1), date(2026, 1, 31))["incidents"]
    year = counts(zandria, date(2025, 12, 1), date(2026, 1, 31))["incidents"]
    december = counts(zandria, date(2025, 12, 1), date(2025, 12, 31))["incidents"]
    # January holds what is known to January, the range lies in both months together, and the year in neither.
    assert year == with_them + december + 1
    Incident.objects.filter(pk=dated["range"].pk).update(status="MERGED")
    assert counts(zandria, date(2025, 12, 1), date(2025, 12, 31))["incidents"] == december


def test_tables_of_a_year_hold_what_certainly_lies_in_it(saved, dated):
    for incident in dated.values():  # what rests on nothing does not leave
        paper = {
            "kind": "document",
            "primary": True,
            "reliability": "A",
            "credibility": 1,
            "captured_on": clock.today(),
        }
        monitoring.add_item(incident, **paper, says=incident.ref, by=Person.objects.get(handle="sami"))
    see_all()
    for year, there in ((2025, 1), (2026, 3)):
        rows = queries.counted_for_members(saved("$zandria"), year)
        assert sum(r["area"] == ["Zandria Dates"] for r in rows) == there


def test_a_draft_is_compared_with_reports_whose_date_is_known_only_to_the_year(office, saved, dated):
    from answerable.common import edtf
    from answerable.monitoring.intake import queries as intake

    see_all()
    facts = {"when": edtf.parse("2025-06-11"), "area1": "Zandria Dates", "forms": []}
    near = intake.candidates(person("sami"), saved("$zandria"), facts)
    assert [(n["ref"], n["when"]) for n in near] == [(dated["year"].ref, "2025")]


def test_a_hidden_organisation_and_one_that_does_not_exist_look_alike(office, saved):
    """A partner's documenter opens an address that names another organisation: the page tells nothing of whether it is one."""
    zandria, hidden = saved("$zandria"), person("sami").body
    client = office("dana")
    first = client.get(f"/watch/{zandria.ref}/?organisation={hidden.ref}")
    second = client.get(f"/watch/{zandria.ref}/?organisation=BOD-0000-0000")
    same = [text(x).replace(hidden.ref, "X").replace("BOD-0000-0000", "X") for x in (first, second)]
    assert same[0] == same[1] and hidden.name not in same[0].replace(person("sami").name, "")
    assert {x.context["chips"][0]["words"] for x in (first, second)} == {"not among those you see"}


def test_an_address_sent_to_a_delegate_shows_them_no_report_and_no_filter(office, saved):
    zandria = saved("$zandria")
    plain, asked = (
        office("delegate.avn").get(f"/watch/{zandria.ref}/{q}") for q in ("", "?area=Zandria+South&status=VERIFIED")
    )
    for page in (plain, asked):
        assert page.status_code == 200 and "chips" not in page.context
        assert {p.name for p in page.context["panels"]}.isdisjoint(
            {"counts", "areas", "incidents", "patterns", "months"}
        )
        assert "INC-" not in page.content.decode() and "Zandria South" not in text(page)
    assert text(plain) == text(asked)


@pytest.mark.parametrize(
    "query", ["level=V9", "since=2031-02-30", "form=<script>", "status=a b", "since=x&until=y", "area=%00"]
)
def test_what_cannot_be_a_filter_is_left_out(office, saved, query):
    page = office("sami").get(f"/watch/{saved('$zandria').ref}/?{query}")
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    names = {"level": "Level", "since": "From", "form": "Form", "status": "State of the report", "area": "Area"}
    words = "Part of this page's address was not understood and is not used:"
    assert f"{words} {names[query.partition('=')[0]]}" in html.unescape(text(page))
    listed = office("sami").get(f"/watch/incidents/?situation={saved('$zandria').ref}&{query}")
    assert words in html.unescape(text(listed))
    assert words not in html.unescape(
        text(office("sami").get(f"/watch/{saved('$zandria').ref}/?level=V1&since=2026-01-01"))
    )


def test_an_actor_that_is_not_of_the_situation_is_not_used_and_one_without_a_report_counts_none(office, saved):
    zandria, client = saved("$zandria"), office("sami")
    other = monitoring.open_situation(name="Elsewhere", fictional=True, by=person("sami"))
    foreign = monitoring.enter_party(other, name="A band", actor_type="ACT-STF", by=person("sami"))
    quiet = monitoring.enter_party(zandria, name="A band that nobody named", actor_type="ACT-STF", by=person("sami"))
    see_all()
    words = "Part of this page's address was not understood and is not used: Actor"
    for at in (f"/watch/{zandria.ref}/?", f"/watch/incidents/?situation={zandria.ref}&"):
        plain = client.get(f"{at}level=V1")
        for actor in (foreign.ref, "PTY-NONE"):
            page = client.get(f"{at}level=V1&actor={actor}")
            assert page.status_code == 200 and words in html.unescape(text(page))
            assert f"actor={actor}" not in page.content.decode()
        assert words not in html.unescape(text(plain))
        page = client.get(f"{at}actor={quiet.ref}")
        assert page.status_code == 200 and words not in html.unescape(text(page)) and "INC-" not in text(page)


def test_each_row_of_a_table_leads_to_that_row_alone(office, saved):
    client, url = office("sami"), f"/watch/{saved('$zandria').ref}/"
    page = client.get(f"{url}?level=V3a").content.decode()
    links = set(re.findall(r'<th scope="row"><a href="(\?[^"]+)"', page))
    assert f"?actor={saved('$brigade').ref}&amp;level=V3a" in links and "?area=Zandria+South&amp;level=V3a" in links
    for link in links:
        assert client.get(url + link.replace("&amp;", "&")).context["look"].counts.total.reported > 0, link


# --- each number leads to what it counts ----------------------------------------------------------------------------


def following(client, page, start):
    """(number, address) of every link of a page that leads to a list of incidents, its number first."""
    found = re.findall(rf'<a href="({start}[^"]*)">([^<]*)</a>', page.content.decode())
    return [
        (int(re.findall(r"\d+", words)[0]), where.replace("&amp;", "&"))
        for where, words in found
        if re.search(r"\d", words)
    ]


def every_row(client, where):
    """References and survivors of all pages of a list."""
    rows, page = [], 1
    while True:
        reply = client.get(f"{where}&page={page}")
        assert reply.status_code == 200, where
        rows += [(i.ref, i.victims, i.status) for i in reply.context["rows"]]
        if not reply.context["page"]["next"]:
            return reply.context["total"], rows
        page += 1


@pytest.mark.parametrize("query", ["plain=1", "level=V1", "area=Vost+Marches&since=2020-01-01", "status=VERIFIED"])
@pytest.mark.parametrize("handle", ["sami", "dana"])
@pytest.mark.slow
def test_every_number_of_reports_leads_to_a_list_of_as_many(office, saved, handle, query):
    situation, client = saved("$vostmark" if handle == "sami" else "$zandria"), office(handle)
    page = client.get(f"/watch/{situation.ref}/?{query}")
    total = page.context["look"].counts.total
    links = following(client, page, r"/watch/incidents/\?situation=")
    if total.reported:
        head = {n for n, _where in links}
        assert {total.reported, total.victims} <= head and (
            not total.verified or {total.verified, total.verified_victims} <= head
        )
    else:
        assert links == []
    for number, where in dict.fromkeys(links):
        said, rows = every_row(client, where)
        assert len({ref for ref, *_more in rows}) == len(rows) == said.reported, where
        assert sum(v for _ref, v, _s in rows) == said.victims, where
        assert number in (said.reported, said.victims), (number, where)
        assert said.verified == sum(s == "VERIFIED" for *_more, s in rows), where


def test_the_headline_of_the_demonstration_is_forty_reports_of_which_27_are_verified(office, saved):
    client, url = office("sami"), f"/watch/{saved('$vostmark').ref}/"
    numbers = following(client, client.get(url), r"/watch/incidents/\?situation=")
    assert [n for n, _where in numbers[:4]] == [40, 79, 27, 65]
    assert [len(every_row(client, where)[1]) for _n, where in numbers[:4]] == [40, 40, 27, 27]


def test_a_report_that_counts_no_more_is_neither_in_the_number_nor_in_its_list(office, saved):
    made, client = report(saved, "sami"), office("sami")
    where = f"/watch/incidents/?situation={saved('$zandria').ref}"
    assert made.ref in {ref for ref, *_more in every_row(client, where)[1]}
    monitoring.move_incident(made, "triage", by=person("sami"))
    monitoring.move_incident(made, "refer_elsewhere", by=person("sami"))
    said, rows = every_row(client, where)
    assert made.ref not in {ref for ref, *_more in rows} and len(rows) == said.reported
    gone = client.get(f"{where}&status={Incident.objects.get(pk=made.pk).status}")
    assert made.ref in gone.content.decode() and gone.context["total"].reported == len(gone.context["rows"])


def test_the_list_of_a_situation_shows_a_partner_its_own_reports_alone(office, saved):
    where = f"/watch/incidents/?situation={saved('$zandria').ref}"
    own = {ref for ref, *_more in every_row(office("dana"), where)[1]}
    see_all()
    hidden = set(
        Incident.objects.filter(situation=saved("$zandria"), compartment="monitoring").values_list("ref", flat=True)
    )
    assert not own & hidden
    assert office("delegate.avn").get(where).status_code == 404
    assert office("sami").get("/watch/incidents/?situation=SIT-0000").status_code == 404


def test_a_part_that_a_filter_does_not_reach_says_so_and_an_actor_reaches_the_windows(office, saved):
    client, url, riders = office("sami"), f"/watch/{saved('$vostmark').ref}/", saved("$regiment")
    plain = client.get(url)
    assert not any(p.note for p in plain.context["panels"])
    notes = {p.name: p.note for p in client.get(f"{url}?level=V1").context["panels"]}
    assert notes["counts"] == notes["incidents"] == "" and "whole situation" in notes["numbers"]
    one = client.get(f"{url}?actor={riders.ref}")
    panel = next(p for p in one.context["panels"] if p.name == "numbers")
    assert panel.note == "" and panel.html.count("/watch/windows/") and panel.html.count('scope="row"') == 1
    assert next(p for p in plain.context["panels"] if p.name == "numbers").html.count('scope="row"') == 3
    both = client.get(f"{url}?actor={riders.ref}&level=V1")
    assert "only these reach this part: Actor" in text(both)


# --- what changed ---------------------------------------------------------------------------------------------------


def test_looking_changes_nothing_and_saying_so_is_one_entry(office, saved):
    client, url = office("sami"), f"/watch/{saved('$zandria').ref}/"
    size = Entry.objects.count()
    assert "not yet said that you read this" in text(client.get(url))
    assert Entry.objects.count() == size and not Visit.objects.exists()
    assert client.post(f"{url}seen/", {"query": "level=V1"})["Location"] == f"{url}?level=V1"
    assert Entry.objects.count() == size + 1
    client.get(url)
    assert not any("read" in e.action for e in client.get(url).context["history"])  # nobody sees who reads what
    assert "Nothing that you may see" in text(client.get(url))


def test_what_came_after_a_visit_is_listed_for_those_who_may_see_it(office, saved):
    zandria = saved("$zandria")
    sami, dana, delegate = office("sami"), office("dana"), office("delegate.avn")
    url = f"/watch/{zandria.ref}/"
    for client in (sami, dana, delegate):
        client.post(f"{url}seen/")
    made = report(saved, "sami")
    other = monitoring.open_situation(name="Elsewhere", by=person("sami"))
    band = monitoring.enter_party(other, name="A band", actor_type="ACT-DFA", by=person("sami"))
    there = monitoring.receive_report(
        situation=other, party=band, on=clock.today(), area1="A", victims=1, forms=["SV-RAPE"], links=["LK-PERP"],
        link_reason="Said.", referral_offered=True, searched_first=True, by=person("sami"),
    )  # fmt: skip
    assert "A report came in" in text(sami.get(url)) and made.ref in text(sami.get(url))
    assert there.ref not in text(sami.get(url))
    for client in (dana, delegate):  # it lies in the secretariat's own room
        assert made.ref not in client.get(url).content.decode()
        assert "Nothing that you may see" in text(client.get(url))


# --- saved views ----------------------------------------------------------------------------------------------------


def test_a_view_is_kept_opened_first_and_removed(office, saved):
    client, url = office("sami"), f"/watch/{saved('$zandria').ref}/"
    assert client.post(f"{url}views/", {"name": " South  only ", "query": "area=Zandria+South"}).status_code == 303
    view = SavedView.objects.get()
    assert (view.name, view.query, view.shared) == ("South only", "area=Zandria+South", False)
    client.post(f"{url}views/{view.ref}/move/", {"move": "default"})
    assert client.get(url)["Location"] == f"{url}?area=Zandria+South"
    assert client.get(f"{url}?plain=1").status_code == 200
    client.post(f"{url}views/{view.ref}/move/", {"move": "remove"})
    assert client.get(url).status_code == 200
    view.refresh_from_db()
    assert view.removed_at and view.query == "" and not view.is_default
    # Neither its name nor what it looks for is in the record.
    assert not Entry.objects.filter(event__icontains="South").filter(action__contains="view").exists()


def test_a_view_is_seen_by_its_owner_and_when_shared_by_their_body_alone(office, saved):
    zandria, sami = saved("$zandria"), person("sami")
    own = actions.save_view(zandria, name="Mine", filters=rules.Filters(level="V1"), by=sami)
    shared = actions.save_view(zandria, name="Ours", filters=rules.Filters(level="V2"), shared=True, by=sami)
    for handle, names in (("sami", {"Mine", "Ours"}), ("dana", set())):
        page = office(handle).get(f"/watch/{zandria.ref}/?plain=1")
        assert {v.name for v in page.context["views"]} == names
    colleague = next(p for p in Person.objects.filter(body=sami.body).exclude(pk=sami.pk) if p.has_role("verifier"))
    page = office(colleague.handle).get(f"/watch/{zandria.ref}/?plain=1")
    assert {v.name for v in page.context["views"]} == {"Ours"}
    with pytest.raises(Refused, match="theirs to change"):
        actions.remove_view(shared, by=colleague)
    for view in (own, shared):
        reply = office("dana").post(f"/watch/{zandria.ref}/views/{view.ref}/move/", {"move": "remove"})
        assert reply.status_code == 404


def test_no_more_views_than_twenty_and_a_name_again_replaces(saved):
    zandria, sami = saved("$zandria"), person("sami")
    for n in range(rules.VIEWS_EACH):
        actions.save_view(zandria, name=f"View {n}", filters=rules.Filters(), by=sami)
    with pytest.raises(Refused, match="20 views"):
        actions.save_view(zandria, name="One more", filters=rules.Filters(), by=sami)
    actions.save_view(zandria, name="View 3", filters=rules.Filters(level="V4"), by=sami)
    assert SavedView.objects.filter(person=sami).count() == rules.VIEWS_EACH


# --- tables for members ---------------------------------------------------------------------------------------------


def _year_of_reports(saved, monkeypatch, n=60):
    """A closed year with reports of three organisations, as a release would count them."""
    organisations = ["1", "2", "3"]
    rows = [
        {"verified": i % 3 == 0, "organisation": organisations[i % 3 if i % 2 else (i + 1) % 3],
         "area": ["North" if i < 50 else "East"], "form": ["SV-RAPE"] if i % 5 else ["SV-RAPE", "SV-SLAV"], "party": ["The brigade"]}
        for i in range(n)
    ]  # fmt: skip
    monkeypatch.setattr(queries, "counted_for_members", lambda situation, year: rows)


def test_tables_leave_once_rounded_and_with_small_figures_withheld(office, saved, monkeypatch):
    zandria, lead = saved("$zandria"), person("lena")
    _year_of_reports(saved, monkeypatch)
    year = rules.releasable(clock.today())
    with pytest.raises(Refused, match="newest that may"):
        actions.release_tables(zandria, year=year + 1, by=lead)
    made = {t.axis: t for t in actions.release_tables(zandria, year=year, by=lead)}
    area = made["area"].table
    cells = [*(v for row in area["cells"] for v in row), *area["row_totals"], *area["column_totals"], area["total"]]
    assert all(v is None or v % 5 == 0 for v in cells) and any(v is None for v in cells)
    assert all(v is None or v == 0 or v >= 10 for row in area["cells"] for v in row)
    with pytest.raises(Refused, match="already released"):
        actions.release_tables(zandria, year=year, by=lead)
    page = text(office("delegate.avn").get(f"/watch/{zandria.ref}/"))
    assert "at least" in page and "withheld" in page and "Reported incidents only, not prevalence" in page


def test_a_place_that_few_reports_name_is_not_named_and_the_table_looks_as_if_there_were_none(saved, monkeypatch):
    """A row's name alone would say that a report names the place; the row for the rest stands there in any case."""
    year, lead = rules.releasable(clock.today()), person("lena")
    _year_of_reports(saved, monkeypatch)
    rows = queries.counted_for_members(None, year)
    few = [r for r in rows if r["area"] == ["East"]][:6]  # of three organisations, two each
    monkeypatch.setattr(queries, "counted_for_members", lambda *_: [r for r in rows if r["area"] == ["North"]])
    without = {t.axis: t for t in actions.release_tables(saved("$zandria"), year=year, by=lead)}["area"].table
    monkeypatch.setattr(queries, "counted_for_members", lambda *_: [*(r for r in rows if r["area"] == ["North"]), *few])
    with_few = {t.axis: t for t in actions.release_tables(saved("$zandria"), year=year - 1, by=lead)}["area"].table
    assert list(without["rows"]) == list(with_few["rows"]) == ["North", ""]
    assert without["cells"] == with_few["cells"]


def test_a_released_table_is_never_changed(saved, monkeypatch):
    _year_of_reports(saved, monkeypatch)
    actions.release_tables(saved("$zandria"), year=rules.releasable(clock.today()), by=person("lena"))
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("/* a hand in the database */ UPDATE monitoring_releasedtable SET year = 1999")


def test_the_state_it_is_about_finds_the_page_as_if_nothing_had_been_released(office, saved, monkeypatch):
    """A delegation of the state under review reads the same page before and after a release, word for word."""
    zandria, delegate = saved("$zandria"), person("delegate.avn")
    _year_of_reports(saved, monkeypatch)
    with connection.cursor() as cursor:  # as if the situation were about their own state
        cursor.execute(
            "/* as if */ UPDATE monitoring_situation SET state_id = %s WHERE id = %s",
            [delegate.body.state_id, zandria.pk],
        )
    url = f"/watch/{zandria.ref}/"
    zandria = Situation.objects.get(pk=zandria.pk)
    concerned, other = office("delegate.avn"), office("delegate.blm")
    concerned.post(f"{url}seen/")
    concerned.get(url)  # takes in what was said after the act
    before, elsewhere = text(concerned.get(url)), text(other.get(url))
    actions.release_tables(zandria, year=rules.releasable(clock.today()), by=person("lena"))
    job = actions.ask_bulletin(zandria, languages=["en"], by=person("sami"))
    actions.work()
    made = Bulletin.objects.get(job=job)
    assert text(concerned.get(url)) == before
    assert "at least" in text(other.get(url)) and text(other.get(url)) != elsewhere
    assert concerned.get(f"/watch/bulletins/{made.ref}/").status_code == 404
    assert concerned.get("/watch/bulletins/BUL-0000-0000/").status_code == 404
    assert other.get(f"/watch/bulletins/{made.ref}/").status_code == 200


def test_only_accounts_with_a_live_consent_to_aggregates_are_counted_for_members(saved):
    zandria = saved("$zandria")
    see_all()
    years = {i.on.year for i in Incident.objects.filter(situation=zandria, status__in=rules.LIVE)}
    found = [r for y in years for r in queries.counted_for_members(zandria, y)]
    from answerable.vault.consent import queries as consents

    see_all()
    expected = sum(
        i.items.exists()
        and set(p := [x.ref for x in i.items.all() if x.personal])
        <= set(consents.covered(p, "CP-MEMB", "members_aggregate", "ID-0"))
        for i in Incident.objects.filter(situation=zandria, status__in=rules.LIVE)
    )
    assert len(found) == expected < counted_by_hand(zandria)[0]


def test_an_import_that_was_looked_at_can_be_undone_until_something_was_released_on_it(saved, tmp_path, monkeypatch):
    from answerable.monitoring import svac

    file = tmp_path / "svac.csv"
    head = "year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"
    file.write_text("\n".join([head, *(f"{y},999,Testland,7,1,Testland,630,{y % 4},-99,,0,-99" for y in (2001, 2002))]))
    sami = person("sami")

    def brought_in():
        batch = monitoring.import_svac(svac.read(file), "svac.csv", by=sami)
        here = Situation.objects.get(imported=batch)
        actions.mark_seen(here, by=sami)
        actions.save_view(here, name="Mine", filters=rules.Filters(), by=sami)
        return batch, here

    batch, here = brought_in()
    monitoring.undo_import(batch, by=sami)
    assert not Situation.objects.filter(pk=here.pk).exists() and not Visit.objects.filter(situation_id=here.pk).exists()
    batch, here = brought_in()
    _year_of_reports(saved, monkeypatch)
    actions.release_tables(here, year=rules.releasable(clock.today()), by=person("lena"))
    with pytest.raises(Refused, match="released to members"):
        monitoring.undo_import(batch, by=sami)


# --- bulletins and long work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", setting.LANGUAGES)
def test_a_bulletin_is_a_tagged_pdf_in_every_language(saved, language):
    made = setting.bulletin(saved("$zandria"), language)
    assert made.startswith(b"%PDF-") and b"/MarkInfo" in made and b"pdfuaid" in made
    import pypdfium2

    page = pypdfium2.PdfDocument(made)[0].get_textpage().get_text_bounded()
    assert "Zandria" in page


def test_arabic_letters_of_a_bulletin_join(saved):
    """They are set in a font of running script; in one of fixed widths words fall apart into letters."""
    import ctypes

    import pypdfium2
    from pypdfium2 import raw

    page = pypdfium2.PdfDocument(setting.bulletin(saved("$zandria"), "ar"))[0].get_textpage()
    fonts: dict[str, int] = {}
    for n in range(page.count_chars()):
        name = ctypes.create_string_buffer(200)
        raw.FPDFText_GetFontInfo(page, n, name, 200, ctypes.byref(ctypes.c_int()))
        fonts[name.value.decode().partition("+")[2]] = fonts.get(name.value.decode().partition("+")[2], 0) + 1
    assert any(f.startswith("NotoNaskhArabic") for f in fonts) and not any("Mono" in f for f in fonts), fonts


def test_a_bulletin_says_its_caveat_and_holds_no_reference_of_a_report(saved):
    import pypdfium2

    report(saved, "sami")
    document = pypdfium2.PdfDocument(setting.bulletin(saved("$zandria"), "en"))
    words = " ".join(" ".join(p.get_textpage().get_text_bounded() for p in document).split())
    assert "Reported incidents only, not prevalence" in words and "No early-warning level is in force" not in words
    assert setting.warning_words(saved("$zandria")) in words
    assert "INC-" not in words and "Z-11" not in words and "Zandria South" not in words


def test_letters_no_font_can_show_are_refused_by_name_and_never_drawn_as_boxes(saved):
    sami = person("sami")
    odd = monitoring.open_situation(name="Situation 漢字", by=sami)
    with pytest.raises(Refused, match="漢"):
        setting.bulletin(odd, "en")
    job = actions.ask_bulletin(odd, languages=["en"], by=sami)
    assert actions.work() == 1
    job.refresh_from_db()
    assert job.status == lifecycle.FAILED and "漢" in job.why and not Bulletin.objects.filter(job=job).exists()


def test_long_work_goes_step_by_step_stops_and_goes_on(office, saved):
    zandria = saved("$zandria")
    client, url = office("sami"), f"/watch/{zandria.ref}/bulletins/"
    assert client.post(url, {"languages": ["fr", "en", "xx"]}).status_code == 303
    job = Job.objects.get()
    assert (job.status, job.done, job.steps) == (lifecycle.WAITING, 0, ["en", "fr"])
    assert client.post(url, {"languages": ["en"]}).status_code == 409  # one at a time
    actions.take_step(job, by=CLOCK)
    assert "1 of 2 set" in text(client.get(url))
    client.post(f"/watch/jobs/{job.ref}/move/", {"move": "stop_job"})
    assert actions.work() == 0 and Bulletin.objects.filter(job=job).count() == 1
    client.post(f"/watch/jobs/{job.ref}/move/", {"move": "resume_job"})
    assert actions.work() == 1
    job.refresh_from_db()
    assert (job.status, job.done) == (lifecycle.DONE, 2)
    assert sorted(b.language for b in Bulletin.objects.filter(job=job)) == ["en", "fr"]
    made = client.get(f"/watch/bulletins/{Bulletin.objects.filter(job=job).first().ref}/")
    assert made["Content-Type"] == "application/pdf" and made.content.startswith(b"%PDF-")
    part = client.get(url, headers={"X-Part": "jobs"})
    assert part["X-Working"] == "0" and "<html" not in part.content.decode()


def test_a_step_that_breaks_off_leaves_nothing_and_is_done_again(saved, monkeypatch):
    job = actions.ask_bulletin(saved("$zandria"), languages=["en", "fr"], by=person("sami"))
    real = setting.bulletin
    monkeypatch.setattr(setting, "bulletin", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        actions.work()
    job.refresh_from_db()
    assert (job.status, job.done, Bulletin.objects.count()) == (lifecycle.WAITING, 0, 0)
    monkeypatch.setattr(setting, "bulletin", real)
    assert actions.work() == 2


@pytest.mark.parametrize("handle", ["delegate.avn", "dana", "vera", "leo"])
def test_others_neither_ask_for_bulletins_nor_see_the_work(office, saved, handle):
    zandria = saved("$zandria")
    job = actions.ask_bulletin(zandria, languages=["en"], by=person("sami"))
    client = office(handle)
    assert client.get(f"/watch/{zandria.ref}/bulletins/").status_code == 404
    assert client.post(f"/watch/{zandria.ref}/bulletins/", {"languages": ["en"]}).status_code == 404
    assert client.post(f"/watch/jobs/{job.ref}/move/", {"move": "stop_job"}).status_code == 404


def test_the_command_writes_a_bulletin_and_replaces_no_file(saved, tmp_path, capsys):
    from answerable.monitoring.looking import cli

    out, zandria = tmp_path / "bulletin.pdf", saved("$zandria")
    assert cli.main([zandria.ref, "--out", str(out), "--language", "ar", "--as", "sami"]) == 0
    assert out.read_bytes().startswith(b"%PDF-") and out.stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="not replaced"):
        cli.main([zandria.name, "--out", str(out), "--as", "sami"])
    with pytest.raises(Refused, match="no situation"):
        cli.main(["SIT-0000", "--out", str(tmp_path / "x.pdf"), "--as", "sami"])
    with pytest.raises(Refused):
        cli.main([zandria.ref, "--out", str(tmp_path / "x.pdf"), "--as", "delegate.avn"])
    assert not (tmp_path / "x.pdf").exists()


def test_findings_come_from_their_own_field_of_work_as_each_may_see_them(office, saved):
    url = f"/watch/{saved('$zandria').ref}/"
    for handle in ("leo", "delegate.avn"):
        page = office(handle).get(url)
        assert "findings" in {p.name for p in page.context["panels"]}, handle
    assert "/answer/" in page.content.decode()


def test_what_changed_is_said_in_words(office, saved):
    client, url, made = office("sami"), f"/watch/{saved('$zandria').ref}/", report(saved, "sami")
    client.post(f"{url}seen/")
    monitoring.move_incident(made, "triage", by=person("sami"))
    said = text(client.get(url))
    assert "Triaged: Submitted → Triaged" in said and "SUBMITTED" not in said.split("Reports here")[0]


def test_the_list_of_situations_names_no_year_to_come(office, saved):
    for row in office("sami").get("/watch/").context["rows"]:
        assert row.first_year is None or row.first_year <= clock.today().year, row.name


# --- landmarks and headings -----------------------------------------------------------------------------------------


def test_parts_of_a_page_have_names_of_their_own_and_headings_in_order(office, saved):
    """What axe calls best practice: unique landmarks, no empty table header, no level of heading left out."""
    zandria, sami = saved("$zandria"), office("sami")
    see_all()
    incident = Incident.objects.filter(situation=zandria, compartment="monitoring").first()
    pages = [
        sami.get(f"/watch/{zandria.ref}/"),
        sami.get(f"/watch/incidents/{incident.ref}/"),
        sami.get(reverse("searches")),
    ]
    see_all()
    pages.append(office("ines").get(reverse("state", args=[State.objects.first().ref])))
    see_all()
    pages.append(office("inga").get(reverse("programme", args=[Programme.objects.first().ref])))
    for reply in pages:
        assert reply.status_code == 200, reply.request["PATH_INFO"]
        page = reply.content.decode()
        assert not re.search(r"<th[^>]*>\s*</th>", page), reply.request["PATH_INFO"]
        levels = [int(n) for n in re.findall(r"<h([1-6])", page)]
        assert all(b - a <= 1 for a, b in zip([0, *levels], levels, strict=False)), (reply.request["PATH_INFO"], levels)
        titles = dict(re.findall(r'<h2 id="([\w-]+)">([^<]*)<', page))
        named = [titles[i] for i in re.findall(r'<section[^>]*aria-labelledby="([\w-]+)"', page) if i in titles]
        named += re.findall(r'role="region" aria-label="([^"]+)"', page)
        assert sorted(named) == sorted(set(named)), reply.request["PATH_INFO"]


def test_a_bulletin_is_offered_in_the_readers_language_and_asked_for_in_none_is_refused(office, saved):
    client, url = office("sami"), f"/watch/{saved('$zandria').ref}/bulletins/"
    for language in ("en", "ar"):
        client.cookies["django_language"] = language
        page = client.get(url).content.decode()
        assert re.findall(r'name="languages" value="(..)" checked', page) == [language]
    client.cookies["django_language"] = "en"
    reply = client.post(url, {"sent": "1"})
    page = reply.content.decode()
    assert reply.status_code == 409 and "Choose at least one language." in page and " checked" not in page
