"""From a number on a situation's page to the sources under it, for those entitled; a number only for the others."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from walks.test_linking import within_an_act

from answerable.authority.acting import set_scope
from answerable.common import clock
from answerable.monitoring.models import PatternAssessment, SourceItem
from answerable.monitoring.patterns.models import Indicator, PanelPrevalence, PatternState, StateChange
from answerable.record import log as record
from answerable.web.templatetags.answerable import count

pytestmark = pytest.mark.django_db


def links(page: str, start: str) -> list[str]:
    return list(dict.fromkeys(re.findall(rf'href="({start}[^"#]*)', page)))


def text(reply) -> str:
    assert reply.status_code == 200, reply.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


def test_a_number_is_followed_from_the_situation_to_its_items(office, saved):
    situation, regiment = saved("$vostmark"), saved("$regiment")
    sami = office("sami")
    page = sami.get(f"/watch/{situation.ref}/").content.decode()
    (window,) = links(page, f"/watch/windows/{regiment.ref}/")
    assert "52 verified" in text(sami.get(f"/watch/{situation.ref}/")) and "61 reported" in text(sami.get(window))
    page = sami.get(window).content.decode()
    assert "8 further incidents are reported and not verified. survivors and victims they speak of: 9" in text(
        sami.get(window)
    )
    carried, further = page.split('id="reported"')
    incidents = links(carried, "/watch/incidents/INC")
    others = links(further, "/watch/incidents/INC")
    assert len(incidents) == 20 and len(others) == 8 and not set(incidents) & set(others)
    unverified = [int(n) for n in re.findall(r'<td[^>]* class="n">(\d+) <span class="kind reported">', further)]
    assert sum(unverified) == 61 - 52
    survivors = [int(n) for n in re.findall(r'<td[^>]* class="n">(\d+) <span class="kind verified">', page)]
    assert sum(survivors) == 52 and len(survivors) == 20
    items = re.findall(r"ITM-[0-9A-Z-]+", sami.get(incidents[0]).content.decode())
    set_scope(["*"])
    assert items and SourceItem.objects.filter(ref=items[0]).exists()


@pytest.mark.slow
def test_a_windows_history_is_its_own(office, saved):
    """A number of another window never stood in this one, however close their ends lie."""
    regiment = saved("$regiment")
    set_scope(["*"])
    latest = PatternState.objects.filter(party=regiment, reported_incidents__gt=0).latest("ends_on").ends_on
    other = (latest + timedelta(days=3)).isoformat()
    figures = {"was": {"verified_victims": 7001}, "now": {"verified_victims": 7002}}
    turned = [{"test": "WS", "ends_on": other, "was": False, "now": True}]

    def change(ends_on: str, turned: list[dict[str, object]]) -> None:
        StateChange.objects.create(
            party=regiment, at=clock.now(), reason="linked", windows=2, newest={"ends_on": ends_on, **figures},
            turned=turned,
        )  # fmt: skip

    there = f"/watch/windows/{regiment.ref}/{latest}/"
    before = text(office("sami").get(there))
    within_an_act(lambda: change(other, turned))
    assert text(office("sami").get(there)) == before
    within_an_act(
        lambda: change(other, [*turned, {"test": "SY", "ends_on": latest.isoformat(), "was": False, "now": True}])
    )
    told = text(office("sami").get(there))
    assert told.count("SY met, twelve months to") == before.count("SY met, twelve months to") + 1
    assert told.count("WS met") == before.count("WS met") and "7001 → 7002" not in told
    within_an_act(lambda: change(latest.isoformat(), []))
    assert "7001 → 7002" in text(office("sami").get(there))


def test_a_legal_adviser_reads_the_number_and_opens_none_of_it(office, saved):
    regiment, situation = saved("$regiment"), saved("$vostmark")
    leo = office("leo")
    (window,) = links(leo.get(f"/watch/{situation.ref}/").content.decode(), f"/watch/windows/{regiment.ref}/")
    page = leo.get(window)
    assert "8 incidents are counted and not shown to you." in text(page)
    assert "20 incidents are counted and not shown to you." in text(page) and "52 verified" in text(page)
    assert not links(page.content.decode(), "/watch/incidents/INC")
    pattern = saved("$vostmark_pattern")
    assert (
        "INC-"
        not in re.sub(r"Falls if[^<]*", "", leo.get(f"/watch/patterns/{pattern.ref}/").content.decode()).split(
            "Carried by"
        )[1]
    )


@pytest.mark.parametrize("handle", ["delegate.avn", "dana", "inga"])
def test_others_see_no_number_and_no_window(office, saved, handle):
    situation, regiment = saved("$vostmark"), saved("$regiment")
    window = f"/watch/windows/{regiment.ref}/{saved('$W40').on}/"
    client = office(handle)
    page = client.get(f"/watch/{situation.ref}/").content.decode()
    assert 'id="numbers"' not in page and "/watch/windows/" not in page
    nowhere = client.get(f"/watch/windows/{regiment.ref}/1999-01-01/")
    assert client.get(window).status_code == nowhere.status_code == 404


def press(client, url, **fields):
    reply = client.post(url, fields)
    set_scope(["*"])
    assert reply.status_code == 303, re.sub(r"<[^>]+>|\s+", " ", reply.content.decode())[:900]


def test_an_indicator_counts_while_its_items_reach_what_is_claimed(office, saved):
    situation, regiment, w1 = saved("$vostmark"), saved("$regiment"), saved("$W1")
    item = w1.items.first()
    sami, lena = office("sami"), office("lena")
    form = {
        "party": regiment.pk,
        "code": "CON-04",
        "standard": "SP2",
        "supporting": [i.pk for i in w1.items.all()],
        "reasons": "A canary reason.",
    }
    press(sami, f"/watch/{situation.ref}/indicators/", **form)
    made = Indicator.objects.get(code="CON-04")
    assert made.reached == "SP2" and made.supported and made.weight == "GRAVE"
    url = f"/watch/indicators/{made.ref}/"
    page = text(sami.get(url))
    assert "Supported at the standard claimed" in page and item.ref in page and "canary" not in page
    assert w1.ref in {e.basis for e in record.bases(made.ref)} and made.ref in record.upward(w1.ref)
    assert "A canary reason." in text(sami.post(url + "read/"))
    paper = w1.items.exclude(reliability="").first()
    press(lena, f"/watch/items/{paper.ref}/grade/", credibility=5)
    made.refresh_from_db()
    assert made.reached == "SP1" and not made.supported
    press(sami, url + "end/")
    assert sami.post(url + "end/").status_code == 409


def test_a_panel_sets_prevalence_higher_with_reasons_and_never_lower(office, saved):
    pattern = saved("$vostmark_pattern")
    url = f"/watch/patterns/{pattern.ref}/prevalence/"
    expert = office("expert1")
    low = expert.post(url, {"level": "P1", "reasons": "Fewer, it seems."})
    assert low.status_code == 409 and "never lower" in low.content.decode()
    press(expert, url, level="P3", reasons="Two districts are closed to everyone.")
    assert PanelPrevalence.objects.get(pattern=pattern).counted == "P2"
    page = text(expert.get(f"/watch/patterns/{pattern.ref}/"))
    assert "set by the panel; the count gives P2" in page and "districts are closed" not in page
    refused = office("sami").post(url, {"level": "P3", "reasons": "More."})
    assert refused.status_code == 409 and PanelPrevalence.objects.count() == 1


def test_a_restated_assessment_shows_both_and_what_waits(office, saved):
    june, note = saved("$june"), saved("$note")
    press(office("lena"), f"/watch/items/{note.ref}/grade/", credibility=4)
    page = text(office("sami").get(f"/watch/patterns/{june.ref}/"))
    assert "22 verified" in page and "27 verified" in page and "are to be tested again" in page
    assert PatternAssessment.objects.get(pk=june.pk).result["verified_victims"] == 27


def test_a_ticked_indicator_that_does_not_count_is_said_with_why(office, saved):
    regiment, w1 = saved("$regiment"), saved("$W1")
    situation, sami = saved("$vostmark"), office("sami")
    form = {"party": regiment.pk, "supporting": [i.pk for i in w1.items.all()], "reasons": "r"}
    counted = set(saved("$vostmark_pattern").result["systematic"])
    free = [c for c in ("SY-1", "SY-2", "SY-3", "SY-4", "SY-5", "SY-6") if c not in counted]
    press(sami, f"/watch/{situation.ref}/indicators/", **form, code=free[0], standard="SP3")
    assert not Indicator.objects.get(code=free[0], party=regiment).supported
    press(sami, f"/watch/{situation.ref}/pattern/", party=regiment.pk, systematic=[*free[:2], *counted])
    made = PatternAssessment.objects.latest("id")
    page = text(sami.get(f"/watch/patterns/{made.ref}/"))
    told = page.partition("Ticked, and not counted")[2].partition("The tests")[0]
    assert re.search(rf"{free[0]} [^:]+: its source items do not reach the standard", told), page
    assert re.search(rf"{free[1]} [^:]+: nobody has assessed it for this actor", told), told
    assert not any(code in told for code in counted)
    assert "Ticked, and not counted" not in text(sami.get(f"/watch/patterns/{saved('$vostmark_pattern').ref}/"))


def test_two_numbers_called_reported_say_what_each_counts(office, saved):
    page = text(office("sami").get(f"/watch/{saved('$vostmark').ref}/"))
    assert "Reported counts every report here, also those on which no verification is concluded yet." in page
    assert "Reported counts here only reports on which verification was concluded" in page


def test_a_number_without_a_kind_is_not_shown():
    with pytest.raises(TypeError):
        count(27)
