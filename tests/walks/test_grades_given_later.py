"""No one person raises a concluded level, by whatever door: a grade, a consent that comes back, a weighing (SOD-01)."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests_support import see_all
from walks import test_items_added_later, test_levels_hold, test_verification
from walks.test_levels_hold import A1, B2, indicator, recomputed_alike
from walks.test_linking import within_an_act
from walks.test_verification import T1, add, concluded, graded, person

from answerable.alliance import sentences
from answerable.common.errors import Refused
from answerable.monitoring import actions
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake.actions import correcting
from answerable.monitoring.models import Incident, SourceItem
from answerable.monitoring.patterns.models import PatternState
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report
fresh = test_levels_hold.fresh
AGAIN, GRADED = test_items_added_later.AGAIN, "of it was graded anew: look at its verification again"
WEAK = {"kind": "document", "primary": True, "reliability": "C", "credibility": 4, "says": "a paper"}


def item(of) -> SourceItem:
    see_all()
    return SourceItem.objects.get(pk=of.pk)


def regrade(of, by="lena", **grade) -> None:
    actions.regrade_item(item(of), **grade, by=person(by))
    see_all()


@pytest.fixture
def known(report):
    """A report that vera concluded at V2, and a paper of it that qualifies for nothing."""
    made = report()
    graded(add(made, **T1, person_key="one"))
    paper = add(made, **WEAK)
    made = concluded(made)
    assert made.level == "V2"
    return made, paper


def test_a_grade_given_to_a_concluded_report_raises_it_once_another_verifier_looks_again(known, office):
    made, paper = known
    regrade(paper, reliability="A", credibility=1)
    made = fresh(made)
    assert (made.level, made.status) == (
        "V2",
        "CREDIBLE",
    ) and "A grade given since may raise it to V3a" in made.because[-1]
    recomputed_alike(made)
    page = office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "graded anew after this was concluded" in page and "waits for a verifier" in page
    assert "An item was added" not in page
    told = office("sami").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert "so the new grade raises nothing" in told and "that a verifier look at it again" in told
    assert GRADED in office("vera").get("/today/").content.decode()
    assert GRADED not in office("lena").get("/today/").content.decode()
    hers = office("lena").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "Let the rules give the level" not in hers and "another grade since, so someone else must verify it" in hers
    see_all()
    with pytest.raises(Refused, match="SOD-01"), transaction.atomic():
        actions.verify_incident(fresh(made), by=person("lena"))
    see_all()
    actions.verify_incident(fresh(made), by=person("vera"))
    assert (fresh(made).level, len(fresh(made).because)) == ("V3a", 1)
    assert (item(paper).graded_then, item(paper).graded_by) == ("", [])
    assert AGAIN not in office("vera").get("/today/").content.decode()


def test_opening_it_again_is_no_way_round(known):
    made, paper = known
    actions.move_incident(fresh(made), "reopen", by=person("lena"))
    regrade(paper, by="vera", reliability="A", credibility=1)
    assert fresh(made).shown_level == "would be V3a"
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    see_all()
    with pytest.raises(Refused, match="another grade since"), transaction.atomic():
        actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    see_all()
    actions.move_incident(fresh(made), "begin_verification", by=person("lena"))
    see_all()
    assert actions.verify_incident(fresh(made), by=person("lena")).level == "V3a"


def test_a_lower_grade_counts_at_once_and_the_one_a_verifier_had_may_come_back(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    paper = add(made, **B2, says="a paper")
    made = concluded(made)
    regrade(paper, credibility=5)
    assert fresh(made).level == "V2" and item(paper).graded_then == "B2"
    regrade(paper, reliability="A", credibility=2)
    assert fresh(made).level == "V3a", "what a verifier had before her, and no more"
    regrade(paper, credibility=1)
    assert fresh(made).level == "V3a" and item(paper).graded_by == [person("lena").ref]
    regrade(paper, reliability="B", credibility=2)
    assert (item(paper).graded_then, item(paper).graded_by) == ("", [])
    assert fresh(made).level == "V3a" and len(fresh(made).because) == 1


def test_one_assessor_of_a_paper_is_one_person_too(known):
    made, paper = known
    evidence.assess_item(item(paper), reliability="A", credibility=1, reasons="r", by=person("lena"))
    assert fresh(made).level == "V2" and "A grade given since" in fresh(made).because[-1]
    see_all()
    actions.verify_incident(fresh(made), by=person("vera"))
    assert fresh(made).level == "V3a"


def test_a_weaker_grade_frees_no_level_from_what_speaks_against_it(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    add(made, **B2, says="a paper")
    against = add(made, kind="official", reliability="A", credibility=2, contrary=True, says="It was not so.")
    made = concluded(made)
    assert made.level == "V2"
    regrade(against, credibility=4)
    assert fresh(made).level == "V2" and "A grade given since may raise it to V3a" in fresh(made).because[-1]
    recomputed_alike(made)
    see_all()
    actions.verify_incident(fresh(made), by=person("vera"))
    assert fresh(made).level == "V3a"


def test_an_account_regraded_by_one_does_not_lift_a_report_from_v1(report):
    made = report()
    told = graded(add(made, **{**T1, "testimony": "T3"}, person_key="one"), grade="T3")
    made = concluded(made)
    assert made.level == "V1"
    regrade(told, testimony="T2")
    assert fresh(made).level == "V1" and "may raise it to V2" in fresh(made).because[-1]


def test_the_word_of_two_assessors_is_not_one_persons(report):
    made = report()
    told = add(made, **{**T1, "testimony": "T3"}, person_key="one")
    made = concluded(made)
    assert made.level == "V1"
    regrade(told, testimony="T2")
    evidence.assess_item(item(told), testimony="T2", reasons="r", by=person("vera"))
    assert fresh(made).level == "V1"
    see_all()
    evidence.assess_item(item(told), testimony="T2", reasons="r", by=person("lena"))
    assert not item(told).graded_then, "that grade is the word of two"
    assert (fresh(made).level, fresh(made).held_back) == ("V1", "V2"), (
        "and raises what was concluded once a verifier looks (0058)"
    )
    assert actions.verify_incident(fresh(made), by=person("vera")).level == "V2"


def test_a_consent_that_comes_after_it_was_concluded_without_it_waits(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    note = add(made, kind="medical", reliability="B", credibility=2, purposes=["CP-MONI", "CP-FIND"], says="a note")
    word = consent.withdraw_consent(item(note), ["CP-MONI"], by=person("sami"))
    made = concluded(made)
    assert made.level == "V2" and item(note).waits
    assert AGAIN not in office("vera").get("/today/").content.decode(), "there is nothing to look at yet"
    see_all()
    with pytest.raises(Refused, match="already concluded"), transaction.atomic():
        actions.verify_incident(fresh(made), by=person("vera"))
    see_all()
    consent.undo_withdrawal(word, by=person("lena"))
    assert fresh(made).level == "V2" and "consented to since, may raise it to V3a" in fresh(made).because[-1]
    assert AGAIN in office("vera").get("/today/").content.decode()
    see_all()
    actions.verify_incident(fresh(made), by=person("vera"))
    assert fresh(made).level == "V3a"
    # Withdrawn and taken back once a verifier had it before her, it counts again by itself.
    see_all()
    word = consent.withdraw_consent(item(note), ["CP-MONI"], by=person("sami"))
    assert fresh(made).level == "V2"
    see_all()
    consent.undo_withdrawal(word, by=person("lena"))
    assert fresh(made).level == "V3a"


def test_whoever_added_an_item_does_not_weigh_what_speaks_against_the_report(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    paper = add(made, **B2, says="a paper")
    against = add(made, kind="official", reliability="A", credibility=2, contrary=True, says="It was not so.")
    made = concluded(made)
    within_an_act(lambda: SourceItem.objects.filter(pk=paper.pk).update(added_by=person("lena")))
    with pytest.raises(Refused, match="someone else weighs"), transaction.atomic():
        evidence.weigh_contrary(item(against), outcome="outweighed", how="r", by=person("lena"))
    assert fresh(made).level == "V2"
    hers = office("lena").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert f"/watch/items/{against.ref}/weigh/" not in hers and "someone else weighs what speaks against it" in hers
    assert f"/watch/items/{paper.ref}/assess/" not in hers and "You added this item, so others assess it" in hers
    assert (
        f"/watch/items/{paper.ref}/assess/"
        in office("vera").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    )


def test_whoever_graded_it_anew_does_not_say_that_the_level_holds(known):
    made, paper = known
    regrade(paper, reliability="A", credibility=1)
    within_an_act(lambda: Incident.objects.filter(pk=made.pk).update(story_corrected=True))
    with pytest.raises(Refused, match="another grade since"), transaction.atomic():
        correcting.look_at_corrected_story(fresh(made), holds=True, by=person("lena"))


def test_pages_say_reasons_in_the_readers_language_and_keep_them_as_they_are(known, office, saved, monkeypatch):
    """Whatever levels, windows and indicators keep of their reasons passes the table of sentences on its way to a page."""
    made, paper = known
    found = indicator(saved("$brigade"), paper)
    kept = list(made.because)
    monkeypatch.setattr(sentences, "said", lambda text: f"«{text}»")
    page = office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "<li>«At least one qualifying item" in page
    assert "<li>«" in office("sami").get(f"/watch/indicators/{found.ref}/").content.decode()
    see_all()
    state = PatternState.objects.filter(party=made.party, ends_on=made.on).get()
    page = office("sami").get(f"/watch/windows/{made.party.ref}/{state.ends_on}/").content.decode()
    assert f"«{state.reason}»" in page
    assert fresh(made).because == kept


# --- indicators -------------------------------------------------------------------------------------------------------


def test_what_waits_bears_no_indicator_out(known, saved):
    made, paper = known
    added = add(made, **A1, says="an order")
    found = indicator(saved("$brigade"), added)
    assert found.reached == "none" and not found.days and "left out" in found.because[0]
    regrade(paper, reliability="A", credibility=1)
    found = indicator(saved("$brigade"), paper, code="SY-2")
    assert found.reached == "none" and not found.supported
    see_all()
    actions.verify_incident(fresh(made), by=person("vera"))
    for one in (added, paper):
        made_of_it = item(one)
        assert not made_of_it.waits and not made_of_it.graded_then
    found.refresh_from_db()
    assert found.reached == "SP1"


def test_a_weaker_grade_by_one_frees_no_indicator_from_what_speaks_against_it(report, saved):
    made = report()
    for_it = [add(made, **A1, says="one"), add(made, **B2, says="two")]
    against = add(made, **A1, says="three")
    made = concluded(made)
    see_all()
    found = test_levels_hold.patterns.record_indicator(
        saved("$brigade"),
        code="SY-1",
        standard="SP2",
        supporting=for_it,
        contrary=[against],
        reasons="r",
        by=person("sami"),
    )
    see_all()
    found.refresh_from_db()
    assert found.reached == "SP1"
    regrade(against, credibility=5)
    found.refresh_from_db()
    assert found.reached == "SP1", "nobody has looked at the weaker grade"


def test_regrading_offers_the_scale_and_the_grade_it_has_and_refuses_what_changes_nothing(known, office):
    made, paper = known
    lena, at = office("lena"), f"/watch/items/{paper.ref}/grade/"
    page = lena.get(at).content.decode()
    assert "Reliability of the source (A–F)" in page and "Credibility (1–6)" in page and "Account (T)" not in page
    assert '<option value="C" selected>' in page and '<option value="4" selected>' in page
    for sent in ({}, {"reliability": "C", "credibility": "4"}):
        reply = lena.post(at, sent)
        assert reply.status_code == 409 and "It has this grade already" in reply.content.decode()
    reply = lena.post(at, {"reliability": "B", "credibility": "4"}, follow=True)
    assert "The grade is B4 now" in reply.content.decode() and item(paper).grade == "B4"
    told = made.items.get(kind="testimony")
    assert "Account (T)" in lena.get(f"/watch/items/{told.ref}/grade/").content.decode()
    see_all()
    with pytest.raises(Refused, match="has this grade already"), transaction.atomic():
        actions.regrade_item(item(told), testimony="T1", by=person("lena"))
