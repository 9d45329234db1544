"""Two reports of one incident: found when filed, compared side by side, decided, remembered, taken back to the byte."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest
from django.core import serializers
from django.db import transaction
from tests_support import see_all

from answerable.alliance import actions as alliance
from answerable.alliance.models import Body, Person
from answerable.authority.acting import reading_as, scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.engines.linkage import incidents as linkage
from answerable.monitoring import actions as monitoring
from answerable.monitoring import queries as patterns
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.linking import actions, lists, queries
from answerable.monitoring.linking.actions import searching
from answerable.monitoring.linking.models import Actor, DuplicateSearch, LinkCard, LinkPair
from answerable.monitoring.models import Import, Incident, Party, SourceItem
from answerable.record.models import Entry

pytestmark = pytest.mark.django_db


def person(handle: str) -> Person:
    return Person.objects.select_related("body__state").get(handle=handle)


@pytest.fixture
def file(saved):
    """`file("sami", area2="Z-07")` files a report about the brigade, 20 days ago in one village."""
    party = saved("$brigade")

    def report(who="sami", *, days=20, **more):
        values = {
            "situation": party.situation, "party": party, "on": clock.today() - timedelta(days=days), "area1": "Zandria South",
            "area2": "Z-31", "victims": 7, "forms": ["SV-RAPE", "SV-TORT"], "links": ["CL-1"], "link_reason": "Soldiers did it.",
            "referral_offered": True, "searched_first": True, "by": person(who), **more,
        }  # fmt: skip
        made = monitoring.receive_report(**values)
        see_all()
        return made

    from answerable.common.tables import taxonomy

    link = next(iter(taxonomy("conflict_link")))
    return lambda who="sami", **more: report(who, **{"links": [link], **more})


def give_account(incident, who="sami", *, graded=True, **more):
    more.setdefault("person_key", f"p-{incident.pk}")
    item = monitoring.add_item(incident, kind="testimony", primary=True, testimony="T1", purposes=["CP-MONI", "CP-FIND"],
                               says=f"… {more['person_key']}", by=person(who), **more)  # fmt: skip
    for assessor in ("vera", "lena") if graded else ():
        evidence.assess_item(item, testimony="T1", reasons="r", by=person(assessor))
    see_all()
    return item


def concluded(incident):
    monitoring.move_incident(incident, "triage", by=person("sami"))
    monitoring.move_incident(incident, "begin_verification", by=person("vera"))
    made = monitoring.verify_incident(incident, by=person("vera"))
    see_all()
    return made


def pair_of(a, b) -> LinkPair:
    see_all()
    return LinkPair.objects.get(first=min(a, b, key=lambda i: i.pk), second=max(a, b, key=lambda i: i.pk))


def decide(pair, decision, why, who="lena", **more):
    made = actions.decide_link(
        pair, decision=decision, why=[why], turn=more.pop("turn", pair.turn), by=person(who), **more
    )
    see_all()
    return made


def dump() -> str:
    """Every byte of every incident and item, and of who derives from whom."""
    see_all()
    rows = serializers.serialize(
        "json", [*Incident.objects.order_by("pk"), *SourceItem.objects.order_by("pk")], sort_keys=True
    )
    return json.dumps(json.loads(rows), sort_keys=True)


def test_a_report_filed_twice_is_found_when_it_is_filed_and_the_reasons_are_sentences(file, office):
    first, second, other = (
        file(),
        file(victims=8),
        file(days=200, area2="Z-90", area1="Zandria North", forms=["SV-SLAV"]),
    )
    pair = pair_of(first, second)
    assert pair.bits >= linkage.SHOWN and pair.open
    assert not LinkPair.objects.filter(second=other).exists()
    page = office("sami").get(f"/watch/incidents/{second.ref}/").content.decode()
    assert "May be the same incident" in page and f"/watch/links/{pair.ref}/" in page
    beside = office("sami").get(f"/watch/links/{pair.ref}/").content.decode()
    assert "Both name the same day." in beside and "weighs" in beside
    assert beside.count("≠ differs") >= 1 and "= same" in beside, "differences carry a mark and a word, not a colour"


def test_the_check_at_filing_reads_a_bounded_number_of_reports_however_many_there_are(file):
    reports = [file(area2="Z-88") for _n in range(6)]
    with reading_as(CLOCK):
        card = queries.cards([reports[0]])[0]
        near = queries.near(card, reports[0].situation_id, [reports[0].party_id], each=1)
        # Two blocks, one report on either side of the day in each, however many lie there.
        assert 1 <= len(near) <= 4
        assert len(queries.near(card, reports[0].situation_id, [reports[0].party_id])) >= 6


def test_a_decision_is_remembered_until_the_facts_change(file):
    first, second = file(), file()
    pair = decide(pair_of(first, second), "not_same", "other_people")
    assert not pair.open
    actions_before = pair.turn
    # Looked for again, when a third report comes and when the second is worked on: the question is not put again.
    file()
    with reading_as(CLOCK):
        found = queries.candidates(second, queries.cards([second])[0])
    assert first.pk in {c.incident for c in found}, "it is still found"
    pair = pair_of(first, second)
    assert not pair.open and pair.decision == "not_same" and pair.turn == actions_before
    # A source they share is a new fact.
    root = give_account(first)
    monitoring.add_item(
        second, kind="document", reliability="B", credibility=2, parents=[root], says="…", by=person("sami")
    )
    pair = pair_of(first, second)
    assert pair.facts_changed and pair.open
    assert ["roots", "one_root"] in [r[:2] for r in pair.reasons]


def test_the_same_incident_is_counted_once_by_the_better_record_and_supported_by_both(file, saved):
    first, second = file(victims=7), file(victims=9)
    give_account(first)
    give_account(second)
    concluded(first)
    concluded(second)
    party = saved("$brigade")
    before = patterns.counted_incidents(party, on=clock.today())
    told = queries.situation_counts(party.situation)
    assert {i.level.code for i in before if i.ref in {first.ref, second.ref}} == {"V2"}
    pair = decide(pair_of(first, second), "same", "same_details", kept=first)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (second.status, pair.kept, pair.duplicate) == ("MERGED", first, second)
    after = patterns.counted_incidents(party, on=clock.today())
    assert sum(i.victims for i in after) == sum(i.victims for i in before) - 9
    assert queries.situation_counts(party.situation).reported_victims == told.reported_victims - 9
    # Two independent accounts of one incident support it together, once a verifier has looked at both.
    assert first.level == "V2"
    monitoring.verify_incident(first, by=person("vera"))
    see_all()
    first.refresh_from_db()
    assert first.level == "V3b" and first.status == "VERIFIED"
    made = monitoring.assess_pattern(party, by=person("sami"))
    assert second.ref not in json.dumps(made.result) and first.ref in made.result["base_set"]


@pytest.mark.slow
def test_a_link_raises_no_level_until_a_verifier_who_collected_neither_looks_at_both(file, office):
    """SOD-01, R-VER-5: a collector who links his verified report to one that nobody looked at does not verify by it."""
    first, second = file(victims=7), file(victims=7)
    give_account(first)
    give_account(second)
    concluded(first)
    pair = decide(pair_of(first, second), "same", "same_details", kept=first, who="sami")
    first.refresh_from_db()
    assert (first.level, first.status) == ("V2", "CREDIBLE")
    assert "may raise it to V3b" in first.because[-1]
    assert "details in the sealed texts agree" in office("lena").get(f"/watch/links/{pair.ref}/").content.decode()
    page = office("lena").get(f"/watch/incidents/{first.ref}/").content.decode()
    assert "may raise it" in page and "reports compared" in page.partition("History")[2]
    assert "look at its verification again" in office("vera").get("/today/").content.decode()
    assert "look at its verification again" not in office("sami").get("/today/").content.decode()
    see_all()
    within_an_act(lambda: Incident.objects.filter(pk=second.pk).update(collected_by=person("vera")))
    assert "look at its verification again" not in office("vera").get("/today/").content.decode()
    see_all()
    with pytest.raises(Refused, match="linked to this one"), transaction.atomic():
        monitoring.verify_incident(first, by=person("vera"))
    with pytest.raises(Refused, match="SOD-01"), transaction.atomic():
        monitoring.verify_incident(first, by=person("sami"))
    see_all()
    monitoring.verify_incident(first, by=person("lena"))
    see_all()
    first.refresh_from_db()
    assert (first.level, first.status) == ("V3b", "VERIFIED") and len(first.because) == 1
    with pytest.raises(Refused, match="already concluded"), transaction.atomic():
        monitoring.verify_incident(first, by=person("lena"))
    see_all()
    pair.refresh_from_db()
    actions.undo_link(pair, turn=pair.turn, by=person("lena"))
    see_all()
    first.refresh_from_db()
    assert first.level == "V2", "without what was linked it is what it was"
    assert "comparison taken back" in office("lena").get(f"/watch/incidents/{first.ref}/").content.decode()


@pytest.mark.slow
def test_a_link_lowers_a_level_at_once_and_takes_none_away_that_a_verifier_gave(file):
    first, second, third = file(victims=7), file(victims=7), file(victims=7)
    give_account(first)
    for key in ("p-a", "p-b"):
        give_account(second, person_key=key)
    assert (concluded(first).level, concluded(second).level) == ("V2", "V3b")
    with pytest.raises(Refused, match=f"Keep {second.ref}"), transaction.atomic():
        decide(pair_of(first, second), "same", "same_details", kept=first)
    see_all()
    decide(pair_of(first, second), "same", "same_details", kept=second)
    second.refresh_from_db()
    assert second.level == "V3b", "a verifier had concluded that by itself"
    monitoring.add_item(
        third, kind="official", reliability="A", credibility=2, contrary=True, says="…", by=person("sami")
    )
    see_all()
    decide(pair_of(second, third), "same", "same_details", kept=second)
    second.refresh_from_db()
    assert second.level == "V2" and "no weighing has ended that" in second.because[-1]


@pytest.mark.slow
def test_merge_then_unmerge_gives_back_the_same_bytes_with_one_entry_each(file):
    first, second = file(), file(victims=9)
    give_account(first)
    give_account(second)
    concluded(first)
    before, entries = dump(), Entry.objects.count()
    pair = decide(pair_of(first, second), "same", "same_place_and_day")
    assert dump() != before and Entry.objects.count() == entries + 1
    pair = actions.undo_link(pair, turn=pair.turn, by=person("lena"))
    assert dump() == before
    assert Entry.objects.count() == entries + 2
    see_all()
    assert pair.open and pair.kept is None
    again = decide(pair, "same", "same_place_and_day")
    assert again.decision == "same", "what was taken back may be decided again"


@pytest.mark.slow
def test_what_was_verified_does_not_give_way_to_what_was_not(file, office):
    """Its people would be counted nowhere, by a click on the other side."""
    first, second = file(victims=7), file(victims=9)
    item = give_account(first)
    give_account(first, person_key="p-another")
    assert concluded(first).status == "VERIFIED"
    with pytest.raises(Refused, match="would be counted nowhere"):
        decide(pair_of(first, second), "same", "same_details", kept=second)
    see_all()
    pair = decide(pair_of(first, second), "same", "same_details")
    assert pair.kept == first, "left to the rules, the one that counts stays"
    other = file(victims=9)
    for key in ("p-c", "p-d"):
        give_account(other, person_key=key)
    other = concluded(other)
    assert decide(pair_of(first, other), "same", "same_details", kept=other).kept == other
    page = office("sami").get(f"/watch/incidents/{other.ref}/").content.decode()
    assert "of the linked report" in page and item.ref[:8] in page, "what a report rests on stands on its page"


def test_what_happened_meanwhile_reopens_a_report_instead_of_pretending(file):
    first, second = file(), file()
    pair = decide(pair_of(first, second), "same", "same_details", kept=first)
    give_account(first)
    actions.undo_link(pair, turn=pair.turn, by=person("lena"))
    see_all()
    second.refresh_from_db()
    assert second.status == "REOPENED"


def test_a_linked_report_is_neither_moved_nor_linked_again(file):
    first, second, third = file(), file(), file()
    decide(pair_of(first, second), "same", "same_details", kept=first)
    second.refresh_from_db()
    with pytest.raises(Refused, match="linked to another"):
        monitoring.move_incident(second, "reopen", by=person("lena"))
    with pytest.raises(Refused, match="cannot be linked"):
        decide(pair_of(second, third), "same", "same_details")
    see_all()
    assert decide(pair_of(first, third), "same", "same_details", kept=third).kept == third
    assert queries.kept_by([third.pk]) == {first.pk: third.pk, second.pk: third.pk}, (
        "links end in the report that counts"
    )


def test_when_the_kept_report_goes_those_linked_to_it_stand_again(file):
    first, second = file(), file()
    decide(pair_of(first, second), "same", "same_details", kept=first)
    monitoring.move_incident(first, "refer_elsewhere", by=person("lena"))
    see_all()
    second.refresh_from_db()
    assert second.status == "REOPENED" and pair_of(first, second).decision == ""


def test_of_two_who_decide_at_once_the_second_is_told(file, office):
    pair = pair_of(file(), file())
    seen = pair.turn
    decide(pair, "unsure", "too_little_known", who="sami")
    with pytest.raises(Refused, match="Someone else decided .* unsure"):
        decide(pair, "same", "same_details", turn=seen)
    see_all()
    pair.refresh_from_db()
    assert pair.decision == "unsure"
    reply = office("lena").post(
        f"/watch/links/{pair.ref}/decide/", {"decision": "not_same", "why_not_same": "other_day", "turn": seen}
    )
    assert reply.status_code == 409 and "Someone else decided" in reply.content.decode()


def test_a_decision_needs_a_reason_of_its_own_kind(file):
    pair = pair_of(file(), file())
    for why in ([], ["other_day"], ["because"]):
        with pytest.raises(Refused, match="at least one reason"):
            actions.decide_link(pair, decision="same", why=why, turn=0, by=person("lena"))
        see_all()


def test_a_partner_learns_nothing_of_another_bodys_report_without_an_agreement(file, office):
    """Invariant 5: the page of one's own report is the same, byte for byte, whether or not another body holds one like it."""
    dana = office("dana")
    own = file("dana", days=30, area2="Z-77")
    blank = dana.get(f"/watch/incidents/{own.ref}/").content
    theirs = file("sami", days=30, area2="Z-77")
    pair = pair_of(own, theirs)
    assert pair.bits >= linkage.LIKELY and pair.compartment == "monitoring"

    def steady(page: bytes) -> bytes:
        import re

        return re.sub(rb'(csrfmiddlewaretoken" value="|nonce[-="]+)[^"]+', b"", page)

    assert steady(dana.get(f"/watch/incidents/{own.ref}/").content) == steady(blank)
    gone, never = dana.get(f"/watch/links/{pair.ref}/"), dana.get("/watch/links/LNK-0000-0000-0000-0000-0/")
    assert gone.status_code == never.status_code == 404
    assert pair.ref not in dana.get("/watch/links/").content.decode()
    see_all()
    lantern = own.organisation
    said = set()
    for body in (theirs.organisation, lantern):
        with pytest.raises(Refused) as no:
            actions.ask_to_compare(own, body, by=person("dana"))
        said.add(str(no.value))
        see_all()
    assert len(said) == 1


def test_with_an_agreement_in_writing_each_is_told_the_others_name_and_may_ask(file, office):
    own = file("dana", days=30, area2="Z-78")
    theirs = file("sami", days=30, area2="Z-78")
    pair = pair_of(own, theirs)
    other = alliance.enter_body(kind=Body.PARTNER, name="Harbour Clinic", by=person("ines"))
    see_all()
    agreed = actions.note_agreement(own.organisation, other, by=person("lena"))
    see_all()
    dana = office("dana")
    assert "Harbour Clinic" not in dana.get(f"/watch/incidents/{own.ref}/").content.decode(), (
        "it holds nothing, so nothing is told"
    )
    see_all()
    within_an_act(
        lambda: Incident.objects.filter(pk=theirs.pk).update(organisation=other, compartment=f"monitoring/{other.ref}")
    )
    page = dana.get(f"/watch/incidents/{own.ref}/").content.decode()
    assert "Harbour Clinic, with whom you agreed" in page
    assert (
        theirs.ref not in page
        and pair.ref not in page
        and "%" not in page.partition("<aside>")[2].partition("</aside>")[0]
    )
    assert dana.post(f"/watch/incidents/{own.ref}/ask/", {"organisation": other.ref}).status_code == 303
    assert "an organisation asks" in office("lena").get("/watch/links/").content.decode()
    see_all()
    actions.end_agreement(agreed, by=person("lena"))
    see_all()
    assert "Harbour Clinic" not in dana.get(f"/watch/incidents/{own.ref}/").content.decode()


def test_a_search_is_done_in_parts_stopped_and_taken_up_again(file, saved, monkeypatch, office):
    monkeypatch.setattr(searching, "PART", 4)
    file(days=60, area2="Z-51")
    file(days=60, area2="Z-51")
    situation = saved("$zandria")
    LinkPair.objects.all()  # what filing found is found again and not doubled
    known = LinkPair.objects.filter(situation=situation).count()
    search = actions.start_search(situation, by=person("sami"))
    with pytest.raises(Refused, match="already under way"):
        actions.start_search(situation, by=person("lena"))
    see_all()
    assert actions.owed(parts=1) == 1
    see_all()
    search.refresh_from_db()
    assert (search.status, search.done) == ("RUNNING", 1) and search.parts >= 3
    actions.move_search(search, "stop", by=person("lena"))
    assert actions.owed(parts=9) == 0, "a stopped search rests"
    page = office("lena").get("/watch/searches/").content.decode()
    assert f"1 of {search.parts} parts" in page and "Go on" in page
    actions.move_search(search, "resume", by=person("lena"))
    actions.owed(parts=99)
    see_all()
    search.refresh_from_db()
    assert (search.status, search.done) == ("DONE", search.parts)
    pairs = LinkPair.objects.filter(situation=situation)
    assert pairs.count() >= known and len({(p.first_id, p.second_id) for p in pairs}) == pairs.count()


def test_shredded_details_leave_what_is_compared(file):
    from answerable.common.hooks import question

    first, second = file(), file()
    pair = pair_of(first, second)
    with scope_of(CLOCK):
        within_an_act(lambda: question("clear_details").ask(first.ref))
    see_all()
    assert LinkCard.objects.get(incident=first).facts == {}
    pair.refresh_from_db()
    assert pair.reasons == []


def within_an_act(act):
    """Run what the book of consents runs inside its own act."""
    from answerable.authority import acting

    token = acting._running.set([])
    try:
        act()
    finally:
        acting._running.reset(token)


# --- lines of command and lists ----------------------------------------------------------------------------------------


@pytest.fixture
def unit(saved):
    brigade = saved("$brigade")

    def make(name) -> Party:
        made = monitoring.enter_party(brigade.situation, name=name, actor_type="ACT-STF", by=person("sami"))
        see_all()
        return made

    return make


def test_a_line_of_command_holds_on_its_days_and_patterns_count_along_it(file, saved, unit, office):
    brigade, battalion, company = saved("$brigade"), unit("First Battalion"), unit("Second Company")
    today = clock.today()
    actions.note_subordination(
        battalion, brigade, from_on=today - timedelta(days=300), source="Order of battle, 2030", by=person("sami")
    )
    actions.note_subordination(company, battalion, from_on=today - timedelta(days=300), to_on=today - timedelta(days=100),
                               source="Order of battle, 2030", by=person("sami"))  # fmt: skip
    see_all()
    assert queries.chain(brigade, today - timedelta(days=200)) == {brigade, battalion, company}
    assert queries.chain(brigade, today) == {brigade, battalion}
    with pytest.raises(Refused, match="stand under itself"):
        actions.note_subordination(
            brigade, company, from_on=today - timedelta(days=150), source="A mistake", by=person("sami")
        )
    see_all()
    under, after = file(party=company, days=150, area2="Z-61"), file(party=company, days=50, area2="Z-62")
    for incident in (under, after):
        give_account(incident)
        concluded(incident)
    alone = {i.ref for i in patterns.counted_incidents(brigade, on=today)}
    chain = {i.ref for i in patterns.counted_incidents(brigade, on=today, chain=True)}
    assert under.ref not in alone and chain - alone == {under.ref}, (
        "what a unit did on days under the brigade, and no other"
    )
    made = monitoring.assess_pattern(brigade, chain=True, by=person("sami"))
    assert made.result["chain"] is True
    assert patterns.retest(made)["reported_victims"] == made.result["reported_victims"]
    page = (
        office("sami")
        .get(f"/watch/command/{company.ref}/?on={(today - timedelta(days=150)).isoformat()}")
        .content.decode()
    )
    assert page.index("Zandrian 4th Brigade") < page.index("First Battalion") and "Order of battle, 2030" in page


def test_a_commander_is_found_in_another_script_with_the_reason_and_the_source(unit, office):
    made = actions.enter_actor(
        kind="person", spellings=["كريم داود", "Karim Daud"], source="Radio report of 3 May", by=person("sami")
    )
    see_all()
    company = unit("Third Company")
    actions.note_commander(
        made,
        company,
        role="commander",
        from_on=clock.today() - timedelta(days=99),
        source="Radio report",
        by=person("sami"),
    )
    sami = office("sami")
    page = sami.get("/watch/actors/", {"q": "Kareem Dawood"}).content.decode()
    assert made.ref in page and "Radio report of 3 May" in page and "same consonants" in page
    assert "Radio report" in sami.get(f"/watch/command/{company.ref}/").content.decode()
    assert office("dana").get("/watch/actors/").status_code == 404
    assert office("chair").get("/watch/actors/").status_code == 404
    with pytest.raises(Refused, match="two scripts"):
        actions.enter_actor(kind="person", spellings=["Kаrim Daud"], source="x", by=person("sami"))  # a Cyrillic а


UCDP = ("ActorId,NameData,NameOrigFull,NameOrigFullEng,Location,Version\n"
        "9001,NLA,Армия Севера,Northern League Army,Testland,99.1\n9002,Vale Guard,n/a,Guard of the Vale,Testland,99.1\n")  # fmt: skip


def test_a_list_goes_in_once_and_comes_out_whole(office, unit):
    named = lists.read_bytes(UCDP.encode(), "UCDP-ACTORS")
    batch = actions.import_actors(named, "actors.csv", by=person("sami"))
    see_all()
    assert [h.actor.source_id for h in queries.find_actors("Armiya Severa")][:1] == ["9001"]
    with pytest.raises(Refused, match="very file was imported"):
        actions.import_actors(named, "again.csv", by=person("sami"))
    see_all()
    assert "Northern League Army" in office("sami").get("/watch/actors/?q=northern+league").content.decode()
    monitoring.undo_import(batch, by=person("sami"))
    see_all()
    assert not Actor.objects.filter(source="UCDP-ACTORS").exists() and Import.objects.get(pk=batch.pk).undone_at


def test_a_list_is_not_undone_while_a_command_rests_on_it(unit):
    xml = ("<CONSOLIDATED_LIST dateGenerated='2031-01-01'><INDIVIDUALS><INDIVIDUAL><DATAID>1</DATAID><FIRST_NAME>KARIM</FIRST_NAME>"
           "<SECOND_NAME>DAUD</SECOND_NAME><NAME_ORIGINAL_SCRIPT>كريم داود</NAME_ORIGINAL_SCRIPT></INDIVIDUAL></INDIVIDUALS>"
           "</CONSOLIDATED_LIST>")  # fmt: skip
    batch = actions.import_actors(lists.read_bytes(xml.encode(), "UN-LIST"), "un.xml", by=person("sami"))
    see_all()
    actor = Actor.objects.get(imported=batch)
    actions.note_commander(
        actor,
        unit("Fourth Company"),
        role="deputy",
        from_on=clock.today() - timedelta(days=99),
        source="UN list",
        by=person("sami"),
    )
    see_all()
    with pytest.raises(Refused, match="1 commands"):
        monitoring.undo_import(batch, by=person("sami"))


def test_the_office_imports_a_list_after_a_dry_run(office):
    from django.core.files.uploadedfile import SimpleUploadedFile

    sami = office("sami")
    sent = {"dataset": "UCDP-ACTORS", "dry_run": "on", "file": SimpleUploadedFile("a.csv", UCDP.encode())}
    page = re.sub(r"</?bdi>", "", sami.post("/watch/imports/", sent).content.decode())
    see_all()
    assert "2 groups and 0 persons" in page and not Actor.objects.exists()
    assert (
        sami.post(
            "/watch/imports/", {"dataset": "UCDP-ACTORS", "file": SimpleUploadedFile("a.csv", UCDP.encode())}
        ).status_code
        == 303
    )
    see_all()
    assert Actor.objects.count() == 2 and DuplicateSearch.objects.count() == 0


def compared(client, pair, fact):
    """What the page of a pair says beside one fact."""
    page = client.get(f"/watch/links/{pair.ref}/").content.decode()
    row = re.search(rf'<th scope="row">{fact}</th><td>(.*?)</td>', page)
    return re.sub(r"<[^>]+>", "", row[1]).strip(), page


@pytest.mark.writes_freely
@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ({"on": date(2026, 2, 10)}, {"on": date(2026, 2, 1), "precision": "month"}, "≈ may be the same"),
        ({"on": date(2026, 2, 10)}, {"on": date(2026, 2, 10)}, "= same"),
        ({"on": date(2026, 2, 10)}, {"on": date(2026, 2, 12)}, "≠ differs"),
        ({"on": date(2026, 1, 1), "precision": "month"}, {"on": date(2026, 2, 1), "precision": "month"}, "≠ differs"),
        (
            {"on": date(2026, 1, 26), "precision": "week"},
            {"on": date(2026, 2, 1), "precision": "month"},
            "≈ may be the same",
        ),
    ],
)
def test_two_dates_may_be_the_same_where_some_day_is_possible_for_both(office, file, one, other, says):
    first, second = file(), file()
    pair = pair_of(first, second)
    for incident, when in ((first, one), (second, other)):
        Incident.objects.filter(pk=incident.pk).update(**when)
    lena = office("lena")
    day, page = compared(lena, pair, "Day")
    assert day == says
    assert compared(lena, pair, "First-level area")[0] == "= same"
    # A day that may be the same is no difference, and is not shown as one.
    assert ("<strong>≠" in page.split('<th scope="row">Day</th>')[1].split("</tr>")[0]) == (says == "≠ differs")


def test_facts_side_by_side_keep_names_and_codes_and_two_empty_ones_are_not_the_same(file, office):
    first, second = file(), file(victims=3)
    see_all()
    pair = pair_of(first, second)
    page = re.sub(r"<[^>]+>", " ", office("sami").get(f"/watch/links/{pair.ref}/").content.decode())
    rows = dict(re.findall(r"(Settings|Actor|Level|Survivors and victims|State)\s+(\S[^\n]*)", page))
    assert first.party.name in page and "would be V1" in page and "ould be v" not in page, rows
    assert re.search(r"Settings\s+neither says\s+–\s+–", page) and "3 (3–3)" not in page
    assert re.search(r"State\s+= same\s+Submitted\s+Submitted", page)
