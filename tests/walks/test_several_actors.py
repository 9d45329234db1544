"""An incident that names several armed actors: taken in by every way, counted for each, and once wherever it is one incident."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from tests_support import see_all
from walks.test_counted_as_certain import GIVEN, ITEMS, Office
from walks.test_intake import bring, dana, own_folder, row, table  # noqa: F401 - fixtures

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring import as_facts, verifiers
from answerable.monitoring import queries as reports
from answerable.monitoring.intake import queries as taken
from answerable.monitoring.intake.actions import correcting, filing, reporting
from answerable.monitoring.intake.models import Draft
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.linking import queries as links
from answerable.monitoring.linking.models import LinkPair
from answerable.monitoring.looking import queries as looking
from answerable.monitoring.looking.rules import Filters
from answerable.monitoring.models import FurtherActor, Incident, Party, SourceItem
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns import recomputing
from answerable.monitoring.patterns.models import Contribution
from answerable.record import log

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
ALONE = [{**ITEMS[0], "says": "alone"}]


class Field(Office):
    """A situation with three units of one state and a militia."""

    def __init__(self, saved):
        super().__init__(saved)
        self.militia, self.guard, self.top = (
            Party.objects.create(situation=self.situation, name=name, actor_type=kind)
            for name, kind in (("Hill Militia", "ACT-PGM"), ("Q Guard", "ACT-STF"), ("Q Command", "ACT-STF"))
        )
        self.elsewhere = Party.objects.create(situation=saved("$vostmark"), name="Border Column", actor_type="ACT-STF")

    def told_of(self, *parties, day=1, **more) -> Incident:
        return self.verified(
            party=[p.ref for p in parties], when=f"2026-01-{day:02}", items=[{**i, "says": f"{i['says']} {self.told}"} for i in ITEMS], **more
        )  # fmt: skip

    def alone(self, *parties, day=20) -> Incident:
        """One account that two assessors gave T1 and that matches a pattern."""
        from answerable.monitoring.evidence import actions as evidence

        self.told += 1
        given = {**GIVEN, "situation": self.situation.ref, "party": [p.ref for p in parties], "when": f"2026-01-{day:02}",
                 "narrative": f"told {self.told}", "items": [{**ALONE[0], "says": f"alone {self.told}"}]}  # fmt: skip
        _draft, made = reporting.deliver_report(given, route="api", by=self.person("dana"))
        for who in ("vera", "lena"):
            evidence.assess_item(made.items.get(), testimony="T1", reasons="r", by=self.person(who))
        for name, by in (("triage", "sami"), ("begin_verification", "vera")):
            monitoring.move_incident(made, name, by=self.person(by))
        monitoring.verify_incident(made, matches_pattern=True, by=self.person("vera"))
        see_all()
        made.refresh_from_db()
        return made


@pytest.fixture
def field(played, db, saved, settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"
    made = Field(saved)
    see_all()
    return made


def levels(incident) -> dict[str, str]:
    see_all()
    return dict(Contribution.objects.filter(incident=incident).exclude(level="").values_list("party__name", "level"))


def names(incident) -> list[str]:
    see_all()
    return [p.name for p in Incident.objects.get(pk=incident.pk).actors]


def tallied_by_actor(situation) -> dict[str, tuple[int, int, int, int]]:
    see_all()
    by = looking.counts(situation).by["party"]
    return {c.words: (c.reported, c.verified, c.victims, c.verified_victims) for c in by}


def by_hand(situation) -> dict[str, tuple[int, int, int, int]]:
    see_all()
    found: dict[str, list[int]] = {}
    for i in Incident.objects.filter(situation=situation, status__in=looking.rules.LIVE).with_actors():
        for p in i.actors:
            mine = found.setdefault(p.name, [0, 0, 0, 0])
            yes = i.status == "VERIFIED"
            for n, more in enumerate((1, yes, i.victims, i.victims * yes)):
                mine[n] += more
    return {name: tuple(of) for name, of in found.items()}


def agrees() -> None:
    """A recomputation of everything finds nothing to change."""
    see_all()
    again = recomputing.recompute(from_items=True)
    assert (again.states, again.levels, again.restated) == (0, {}, [])


def by_api(office, handle, path, body=None, key=""):
    page = office(handle).post("/alliance/tokens/", {"purpose": "monitoring", "days": 3}).content.decode()
    token = re.search(r"ans_[\w-]+", page)[0]
    headers = {"authorization": f"Bearer {token}", **({"idempotency-key": key} if key else {})}
    if body is None:
        return Client().get(f"/api/{path}", headers=headers)
    return Client().post(f"/api/{path}", json.dumps(body), content_type="application/json", headers=headers)


# --- taken in -------------------------------------------------------------------------------------------------------


def test_the_api_takes_several_and_answers_with_all_of_them(field, office):
    body = {**GIVEN, "situation": field.situation.ref, "when": "2026-01-05", "narrative": "both",
            "parties": [field.party.ref, field.militia.ref, field.party.ref]}  # fmt: skip
    made = by_api(office, "dana", "reports", body, "several-actors-1")
    assert made.status_code == 201, made.content
    assert by_api(office, "dana", "reports", body, "several-actors-1").json() == made.json()
    see_all()
    incident = Incident.objects.get(ref=made.json()["ref"])
    assert names(incident) == ["Column Q", "Hill Militia"]
    other = {**body, "parties": [field.party.ref, field.elsewhere.ref]}
    wrong = by_api(office, "dana", "reports", other, "several-actors-2")
    assert wrong.status_code == 422 and "number 2 is none" in wrong.json()["problems"]["party"]
    short = {"situation": field.situation.ref, "parties": [field.militia.ref, field.guard.ref], "on": "2026-01-06", "area1": "Kesh",
             "victims": 2, "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "badges", "narrative": "short form",
             "referral_offered": True, "searched_first": True}  # fmt: skip
    made = by_api(office, "dana", "incidents", short)
    assert made.status_code == 201, made.content
    see_all()
    second = Incident.objects.get(ref=made.json()["ref"])
    assert names(second) == ["Hill Militia", "Q Guard"]
    assert second.further["actor_types"] == ["ACT-PGM", "ACT-STF"]


def test_what_leaves_by_the_api_names_every_actor(field, office):
    items = [{**i, "purposes": "CP-MONI CP-FIND"} if i["kind"] == "testimony" else i for i in ITEMS]
    both = field.verified(party=[field.party.ref, field.militia.ref], when="2026-01-02", items=items)
    rows = by_api(office, "sami", "incidents").json()["rows"]
    shown = {r["ref"]: r["parties"] for r in rows}
    assert shown[both.ref] == [field.party.ref, field.militia.ref] and all(shown.values())


def test_a_cell_of_a_file_holds_several_and_says_which_is_none(field, dana, saved):  # noqa: F811
    good = row(saved, party=f"{field.party.name}; {field.militia.name}")
    rows = [
        good,
        row(saved, party=f"{field.militia.ref} {field.guard.ref}", narrative="b"),
        row(saved, party=f"{field.party.name};Border Column", narrative="c"),
        row(saved, party=f"{field.party.name};{field.party.ref}", narrative="d"),
    ]
    batch = bring(table(*rows), dana)
    assert (batch.kept, batch.bad) == (3, 1) and [p[:2] for p in batch.problems] == [[4, "party"]]
    assert "Border Column" not in json.dumps(batch.problems)
    drafts = list(batch.drafts.order_by("row"))
    assert [[p.name for p in taken.actors_of(d)] for d in drafts] == [
        ["Column Q", "Hill Militia"], ["Hill Militia", "Q Guard"], ["Column Q"],
    ]  # fmt: skip
    assert filing.file_drafts(batch, by=dana) == 3
    assert names(Incident.objects.get(ref=drafts[0].ref)) == ["Column Q", "Hill Militia"]
    assert tallied_by_actor(field.situation) == by_hand(field.situation)


def test_the_web_form_offers_all_actors_and_the_report_shows_those_that_were_chosen(field, office):
    collector, url = office("dana"), f"/watch/intake/report/{field.situation.ref}/"
    page = collector.post(url, {"step": 1, "act": "next", "searched_first": "on"}).content.decode()
    assert page.count('type="checkbox" name="party"') == field.situation.parties.count()
    said = {"referral_offered": "on", "searched_first": "on", "when": "2026-01-09", "area1": "Kesh", "actor_types": ["ACT-STF"], "forms": ["SV-RAPE"],
            "links": ["LK-PERP"], "victims": "2", "risk": "low", "link_reason": "the badges were seen", "narrative": "by both"}  # fmt: skip
    carried = collector.post(
        url, {**said, "step": 2, "act": "next", "party": [field.party.ref, field.militia.ref]}
    ).content.decode()
    assert len(re.findall(r'type="hidden" name="party"', carried)) == 2
    done = collector.post(url, {**said, "step": 5, "act": "file", "party": [field.militia.ref, field.party.ref]})
    assert done.status_code == 303, done.content.decode()[:2000]
    see_all()
    made = Incident.objects.latest("pk")
    assert names(made) == ["Hill Militia", "Column Q"]
    see_all()
    assert "Hill Militia, Column Q" in office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()


def test_a_draft_that_lacks_them_is_filed_with_several(field, office):
    draft, none = reporting.deliver_report({**GIVEN, "situation": field.situation.ref, "when": "2026-01-08", "narrative": "who?"},
                                        route="api", by=field.person("dana"))  # fmt: skip
    assert none is None and draft.lacks == ["party"]
    see_all()
    with pytest.raises(Refused, match="does not belong"):
        filing.file_draft(draft, party=field.party, also=[field.elsewhere], by=field.person("dana"))
    reply = office("dana").post(f"/watch/intake/drafts/{draft.ref}/", {"party": [field.guard.ref, field.militia.ref]})
    assert reply.status_code == 303, reply.content.decode()[:1500]
    see_all()
    assert sorted(names(Incident.objects.get(ref=draft.ref))) == ["Hill Militia", "Q Guard"]
    assert {p.name for p in taken.actors_of(Draft.objects.get(pk=draft.pk))} == {"Hill Militia", "Q Guard"}


def test_the_database_refuses_another_situations_actor_and_the_first_one_again(field):
    made = field.told_of(field.party)
    for party in (field.elsewhere, field.party):
        with pytest.raises(DatabaseError, match="another one of the same situation"), transaction.atomic():
            FurtherActor.objects.create(
                incident=made, party=party, compartment=made.compartment, submitted_at=made.submitted_at
            )
    monitoring.name_further(made, [field.militia])
    with pytest.raises(DatabaseError, match="named and taken away, not changed"), transaction.atomic():
        FurtherActor.objects.filter(incident=made).update(party=field.guard)
    with pytest.raises(DatabaseError), transaction.atomic():
        FurtherActor.objects.create(
            incident=made, party=field.militia, compartment=made.compartment, submitted_at=made.submitted_at
        )


def test_a_partner_sees_no_further_actor_of_anothers_report(field):
    made = field.told_of(field.party, field.militia)
    FurtherActor.objects.filter(incident=made)
    assert FurtherActor.objects.filter(incident=made).exists()
    from answerable.authority.acting import set_scope

    set_scope(["monitoring/SOMEONE-ELSE"])
    assert not FurtherActor.objects.filter(incident=made).exists()
    set_scope(["*"])


# --- counted --------------------------------------------------------------------------------------------------------


def test_it_counts_wholly_for_each_and_once_for_the_situation(field):
    before = links.situation_counts(field.situation)
    both = field.told_of(field.party, field.militia, victims="4")
    assert levels(both) == {"Column Q": "V3a", "Hill Militia": "V3a"}
    for party in (field.party, field.militia):
        found = patterns.result(party, on=date(2026, 6, 1))
        assert (found["verified"], found["verified_victims"], found["reported_victims"]) == ([both.ref], 4, 4)
    now = links.situation_counts(field.situation)
    assert (now.reports - before.reports, now.verified_victims - before.verified_victims) == (1, 4)
    total = looking.counts(field.situation).total
    assert total.victims == sum(
        i.victims for i in Incident.objects.filter(situation=field.situation, status__in=looking.rules.LIVE)
    )
    agrees()


def test_a_chain_of_command_counts_it_and_its_victims_once(field):
    sami = field.person("sami")
    for unit in (field.party, field.guard):
        linking.note_subordination(unit, field.top, from_on=date(2025, 1, 1), source="order 1", by=sami)
        see_all()
    both = field.told_of(field.party, field.guard, victims="5", area2="Dorn")
    field.told_of(field.party, day=20, victims="2", area2="Vale")
    field.told_of(field.guard, day=22, victims="1", area2="Vale")
    found = patterns.result(field.top, on=date(2026, 6, 1), chain=True)
    assert found["verified"].count(both.ref) == 1
    assert (found["verified_incidents"], found["verified_victims"], found["reported_incidents"]) == (3, 8, 3)
    assert patterns.result(field.party, on=date(2026, 6, 1))["verified_victims"] == 7
    assert patterns.result(field.guard, on=date(2026, 6, 1))["verified_victims"] == 6
    see_all()
    made = monitoring.assess_pattern(field.top, chain=True, commonalities=["method"], by=field.person("sami"))
    see_all()
    assert made.result["tests"]["PT"]["met"] and made.result["commonalities"] == ["method"]
    again = reports.retest(made)
    assert (again["verified_victims"], again["verified_incidents"]) == (8, 3)
    # The days a commonality was reasoned of are those of incidents, each once.
    assert [last for last, _first in patterns.reasoned([p.pk for p in (field.top, field.party, field.guard)])[0].days] == [
        date(2026, 1, 1), date(2026, 1, 20), date(2026, 1, 22),
    ]  # fmt: skip
    agrees()


def test_two_of_three_incidents_of_a_chain_are_no_pattern_because_one_names_two_units(field):
    """Counted for each unit it names, two incidents would look like three."""
    for unit in (field.party, field.guard):
        linking.note_subordination(unit, field.top, from_on=date(2025, 1, 1), source="order 1", by=field.person("sami"))
        see_all()
    field.told_of(field.party, field.guard, victims="9", area2="Dorn")
    field.told_of(field.party, day=25, victims="9", area2="Vale")
    made = monitoring.assess_pattern(field.top, chain=True, commonalities=["method"], by=field.person("sami"))
    assert not made.result["tests"]["PT"]["met"] and made.result["verified_incidents"] == 2


def test_v3d_counts_for_the_actor_whose_own_base_set_bears_it_out_and_for_no_other(field, office):
    alone = field.alone(field.party, field.militia)
    assert levels(alone) == {"Column Q": "V2", "Hill Militia": "V2"} and alone.status == "CREDIBLE"
    base = [field.told_of(field.party, day=n) for n in (1, 3, 5, 7, 9)]
    alone.refresh_from_db()
    assert (alone.level, alone.status) == ("V3d", "VERIFIED")
    assert levels(alone) == {"Column Q": "V3d", "Hill Militia": "V2"}
    assert patterns.result(field.militia, on=date(2026, 6, 1))["verified"] == []
    assert alone.ref in patterns.result(field.party, on=date(2026, 6, 1))["verified"]
    found = monitoring.assess_pattern(field.militia, by=field.person("sami"))
    see_all()
    assert (
        reports.retest(found)["verified"] == reports.retest(found, finding=True)["verified"] == []
        and found.result["reported_victims"] == alone.victims
    )
    page = office("sami").get(f"/watch/incidents/{alone.ref}/").content.decode()
    assert "Hill Militia: V2" in page and "Column Q: V3d" in page
    window = office("sami").get(f"/watch/windows/{field.militia.ref}/2026-01-20/")
    assert "V2 for this actor, V3d as a whole" in window.content.decode()
    agrees()
    # It falls for the one, and as a whole, when that one's base set does.
    see_all()
    monitoring.move_incident(base[0], "refer_elsewhere", by=field.person("sami"))
    alone.refresh_from_db()
    assert alone.level == "V2" and levels(alone) == {"Column Q": "V2", "Hill Militia": "V2"}
    agrees()


def test_what_one_actor_loses_another_may_still_lift(field):
    alone = field.alone(field.party, field.militia)
    first = [field.told_of(field.party, field.militia, day=n) for n in (1, 3, 5, 7, 9)]
    assert levels(alone) == {"Column Q": "V3d", "Hill Militia": "V3d"}
    # One of the five no longer counts for the militia: a correction took it away.
    monitoring.name_further(first[0], [])
    changed = monitoring.relevel(field.party, first[0].ref, why="report corrected")
    alone.refresh_from_db()
    assert alone.ref not in changed and alone.level == "V3d"
    assert levels(alone) == {"Column Q": "V3d", "Hill Militia": "V2"} and levels(first[0]) == {"Column Q": "V3a"}
    agrees()


# --- corrected ------------------------------------------------------------------------------------------------------


def test_a_later_version_may_name_another_set_and_counts_for_it_when_it_is_chosen(field, office):
    both = field.told_of(field.party, field.militia, submission_id="K")
    given = {**GIVEN, "situation": field.situation.ref, "when": "2026-01-01", "items": [{**i, "says": f"{i['says']} 0"} for i in ITEMS],
             "submission_id": "K", "narrative": "told again"}  # fmt: skip
    same, _none = reporting.deliver_report(
        {**given, "party": [field.militia.ref, field.party.ref]}, route="api", by=field.person("dana")
    )
    see_all()
    assert taken.other_actors(same, Incident.objects.get(pk=both.pk)) == []
    later, _none = reporting.deliver_report({**given, "party": [field.militia.ref, field.guard.ref], "narrative": "third"},
                                         route="api", by=field.person("dana"))  # fmt: skip
    page = office("dana").get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    assert "the version Hill Militia, Q Guard, the report Column Q, Hill Militia" in page
    see_all()
    for none in ([], [field.guard], [field.party, field.guard]):
        with pytest.raises(Refused, match="Choose"):
            correcting.take_over_correction(later, actors=none, by=field.person("dana"))
        see_all()
    reply = office("dana").post(f"/watch/intake/drafts/{later.ref}/take-over/", {"actors": "version"})
    assert reply.status_code == 303, reply.content.decode()[:1000]
    see_all()
    made = Incident.objects.get(pk=both.pk)
    assert sorted(names(made)) == ["Hill Militia", "Q Guard"] and made.status == "REOPENED" and levels(made) == {}
    said = log.history(made.ref)[-1].event["detail"]
    assert "party" in said["changed"] and said["actors_before"] == [field.party.ref, field.militia.ref]
    page = office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "counted for Column Q, Hill Militia" in re.sub(r"[\u2068\u2069]", "", page)
    assert "A correction replaced the armed actor" in page and "named anew" not in page
    assert tallied_by_actor(field.situation) == by_hand(field.situation)
    agrees()


def test_a_person_names_who_else_took_part_and_someone_else_verifies_it_anew(field, office):
    one = field.told_of(field.party)
    sami = office("sami")
    page = sami.get(f"/watch/incidents/{one.ref}/actors/").content.decode()
    assert field.militia.name in page and field.elsewhere.name not in page and f'value="{field.party.ref}"' not in page
    see_all()
    for also, words in (
        ([field.elsewhere], "does not belong"),
        ([], "names already"),
        ([field.party], "names already"),
    ):
        with pytest.raises(Refused, match=words):
            monitoring.name_further_actors(one, also=also, by=field.person("sami"))
        see_all()
    with pytest.raises(Refused):
        monitoring.name_further_actors(one, also=[field.militia], by=field.person("vera"))
    for who in ("vera", "lena", "expert1"):
        reply = office(who).get(f"/watch/incidents/{one.ref}/actors/")
        assert (
            reply.status_code in ((409,) if who != "expert1" else (404, 409))
            and "Name them" not in reply.content.decode()
        ), who
    reply = sami.post(f"/watch/incidents/{one.ref}/actors/", {"also": [field.militia.ref]})
    assert reply.status_code == 303, reply.content.decode()[:1500]
    page = re.sub(r"[\u2068\u2069]|</?bdi>", "", sami.get(f"/watch/incidents/{one.ref}/").content.decode())
    assert "took part were named anew" in page and "A correction replaced" not in page
    assert "counted for Column Q, and since then for Column Q, Hill Militia" in page
    see_all()
    one.refresh_from_db()
    assert one.status == "REOPENED" and names(one) == ["Column Q", "Hill Militia"] and levels(one) == {}
    assert log.history(one.ref)[-1].action == "actors named"
    assert verifiers.her_own_in(field.person("sami"), one) == verifiers.YOU_NAMED and not verifiers.her_own_in(
        field.person("vera"), one
    )
    for name, by in (("triage", "sami"), ("begin_verification", "vera")):
        monitoring.move_incident(one, name, by=field.person(by))
    monitoring.verify_incident(one, by=field.person("vera"))
    assert levels(one) == {"Column Q": "V3a", "Hill Militia": "V3a"}
    assert tallied_by_actor(field.situation) == by_hand(field.situation)
    agrees()


def test_what_is_shredded_keeps_no_further_actor(field):
    from answerable.common.hooks import question

    both = field.told_of(field.party, field.militia)
    Incident.objects.filter(pk=both.pk).update(status="CONSENT_WITHDRAWN")
    question("clear_details").ask(both.ref)
    assert not FurtherActor.objects.filter(incident=both).exists() and levels(both) == {}
    assert tallied_by_actor(field.situation) == by_hand(field.situation)


# --- compared and linked --------------------------------------------------------------------------------------------


def test_a_report_of_one_of_them_is_found_beside_it_and_linked_counts_for_those_the_better_record_names(field, office):
    both = field.told_of(field.party, field.militia, area1="Farland", area2="Hither")
    other = field.told_of(field.militia, field.guard, area1="Yonder", area2="Thither", victims="2")
    see_all()
    assert other.pk in links.near(links.cards([both])[0], both.situation_id, [field.party.pk, field.militia.pk])
    card = links.cards([Incident.objects.get(pk=both.pk)])[0]
    assert (card.actor, card.also) == (field.party.ref, (field.militia.ref,))
    # Found from a third report that names the militia alone: in the one it stands first, in the other besides.
    third = field.told_of(field.militia, area1="Nowhere", area2="Near")
    see_all()
    near = links.near(links.cards([third])[0], third.situation_id, [field.militia.pk])
    assert {both.pk, other.pk} <= set(near)
    pair = LinkPair.objects.filter(first=both, second=other).first() or LinkPair.objects.create(
        compartment="monitoring", situation=field.situation, first=both, second=other, bits=3.0, weights="assumed", digest="",
        found_at=clock.now(),
    )  # fmt: skip
    sami = office("sami")
    page = re.sub(r"<[^>]+>|[\u2068\u2069]", "", sami.get(f"/watch/links/{pair.ref}/").content.decode())
    assert "alone: Column Q" in page and "alone: Q Guard" in page
    see_all()
    before = {
        i.ref: (i.status, i.level, i.because)
        for i in Incident.objects.naming([field.party, field.militia, field.guard])
    }
    linking.decide_link(pair, decision="same", why=["same_details"], turn=pair.turn, kept=both, by=field.person("sami"))
    see_all()
    assert levels(both) == {"Column Q": "V3a", "Hill Militia": "V3a"} and levels(other) == {}
    assert log.history(pair.ref)[-1].event["detail"]["named_alone"] == [field.guard.ref]
    assert patterns.result(field.guard, on=date(2026, 6, 1))["reported_incidents"] == 0
    page = re.sub(r"[\u2068\u2069]", "", office("sami").get(f"/watch/incidents/{both.ref}/").content.decode())
    assert "also name Q Guard" in page
    see_all()
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=field.person("sami"))
    see_all()
    after = {
        i.ref: (i.status, i.level, i.because)
        for i in Incident.objects.naming([field.party, field.militia, field.guard])
    }
    assert after == before and levels(other) == {"Hill Militia": "V3a", "Q Guard": "V3a"}
    agrees()


# --- looked at ------------------------------------------------------------------------------------------------------


def test_the_filter_by_actor_finds_it_under_each_and_the_bars_say_that_they_overlap(field, office):
    both = field.told_of(field.party, field.militia)
    field.told_of(field.guard)
    sami = field.person("sami")
    see_all()
    for party in (field.party, field.militia):
        seen, newest = looking.filtered(sami, field.situation, Filters(actor=party.ref))
        assert (seen.total.reported, [i.ref for i in newest]) == (1, [both.ref])
        assert {c.words: c.reported for c in seen.by["party"]} == {"Column Q": 1, "Hill Militia": 1}
        _total, rows, whole = looking.listed(sami, field.situation, Filters(actor=party.ref, area="Kesh"))
        assert [i.ref for i in rows] == [both.ref] and whole
    page = office("sami").get(reverse("situation", args=[field.situation.ref])).content.decode()
    assert "A report counts under each actor it names" in page
    listed = (
        office("sami")
        .get(f"/watch/incidents/?situation={field.situation.ref}&actor={field.militia.ref}")
        .content.decode()
    )
    assert both.ref in listed and "Column Q, Hill Militia" in listed
    see_all()
    assert tallied_by_actor(field.situation) == by_hand(field.situation)


def test_tallies_by_actor_follow_every_change(field):
    made = field.told_of(field.party, field.militia)

    def holds():
        assert tallied_by_actor(field.situation) == by_hand(field.situation)

    holds()
    Incident.objects.filter(pk=made.pk).update(status="OUT_OF_SCOPE")
    holds()
    monitoring.name_further(made, [field.guard, field.militia])
    holds()
    Incident.objects.filter(pk=made.pk).update(status="VERIFIED", victims=9, victims_max=9)
    holds()
    # The first gives way to one that was named besides, before that one is taken from those: it is never counted twice.
    Incident.objects.filter(pk=made.pk).update(party=field.militia)
    holds()
    made.refresh_from_db()
    monitoring.name_further(made, [field.militia, field.guard, field.party])
    holds()
    with connection.cursor() as cursor:
        cursor.execute("SELECT monitoring_fold_tally()")
    holds()


def test_an_indicator_about_one_of_them_may_rest_on_it(field):
    from answerable.monitoring.patterns import actions

    both = field.told_of(field.party, field.militia)
    items = list(SourceItem.objects.filter(incident=both))
    made = actions.record_indicator(
        field.militia, code="method", standard="SP2", supporting=items, reasons="Told so.", by=field.person("sami")
    )
    see_all()
    made.refresh_from_db()
    assert made.supported and made.days == ["2026-01-01"]
    with pytest.raises(Refused, match="of this actor"):
        actions.record_indicator(
            field.guard, code="method", standard="SP2", supporting=items, reasons="Told so.", by=field.person("sami")
        )
    see_all()
    monitoring.name_further(both, [])
    monitoring.relevel(field.party, both.ref)
    made.refresh_from_db()
    assert made.reached == "none" and made.days == []


def test_tables_for_members_count_it_under_each_and_once_in_all(field):
    rows = [
        {"verified": True, "organisation": o, "area": ["Kesh"], "form": ["SV-RAPE"], "party": p}
        for o in "PQR" for p in (["A"], ["A"], ["A", "B"], ["B"], ["B"])
    ]  # fmt: skip
    made = looking.year_table("party", rows, k=5)
    assert (made.disjoint, made.nearly) == (False, True)
    assert [made.n(r, "verified") for r in ("A", "B")] == [9, 9]
    assert sum(made.organisations(None, "verified").values()) == 15
    one = looking.year_table("party", [r for r in rows if len(r["party"]) == 1], k=5)
    assert (one.disjoint, one.nearly) == (True, False)
    both = field.told_of(field.party, field.militia)
    named = as_facts.actors_of([both])[both.pk]
    assert named == [field.party.pk, field.militia.pk]
