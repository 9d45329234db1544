"""A level never rises above what was last concluded: what a verifier concluded is its ceiling (decision 0058, R-VER-2, R-VER-3, SOD-01)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection, transaction
from tests_support import see_all
from walks import test_verification
from walks.test_grades_given_later import item
from walks.test_levels_hold import A1, B2, fresh, indicator, recomputed_alike
from walks.test_linking import decide, pair_of, within_an_act
from walks.test_verification import T1, add, concluded, graded, person
from walks.test_what_was_before_her import AGAINST, CHANGED, linked_and_capped, refused, verify

from answerable.alliance import sentences
from answerable.alliance.models import Grant
from answerable.authority.acting import reading_as
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions, rules, verifiers
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.models import Incident, SourceItem
from answerable.monitoring.patterns import assessments
from answerable.monitoring.patterns.models import Contribution, PatternState
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report
HELD = "Its items would give {}; it stays at V2, at which it was last concluded, until a verifier looks again (SOD-01)."


def undo(pair, who) -> None:
    see_all()
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person(who))
    see_all()


def close(made, who):
    see_all()
    word = consent.withdraw_everything(fresh(made), by=person(who))
    see_all()
    return word


def restore(word, who) -> None:
    see_all()
    consent.undo_withdrawal(word, by=person(who))
    see_all()


def strong(report, **more) -> Incident:
    """V3a by its own items, concluded so."""
    made = report(**more)
    graded(add(made, **T1, person_key="one"))
    add(made, **A1, says=f"an order {made.ref}")
    made = concluded(made)
    assert made.level == "V3a"
    return made


def weak(report, **more) -> Incident:
    made = report(**more)
    add(made, **B2, says=f"something weak {made.ref}")
    made = concluded(made)
    assert made.level == "V2"
    return made


# --- what leaves, and what comes back ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_report_closed_and_taken_back_by_one_person_stays_as_it_was_concluded(report, office):
    kept, other, _pair = linked_and_capped(report)
    restore(close(kept, "lena"), "lena")
    made = fresh(kept)
    assert (made.level, made.status, made.because, made.held_back) == ("V2", "CREDIBLE", [HELD.format("V3a")], "V3a")
    assert fresh(other).status == "REOPENED"
    recomputed_alike(kept)
    assert CHANGED in office("vera").get("/today/").content.decode()
    assert CHANGED not in office("lena").get("/today/").content.decode()
    told = office("vera").get(f"/watch/incidents/{kept.ref}/known/").content.decode()
    assert "no verifier has concluded more" in told and "it stays at what was last concluded" in told
    assert "Let the rules give the level" in office("vera").get(f"/watch/incidents/{kept.ref}/").content.decode()
    refused(kept, "lena", "closed, restored or referred")
    made = verify(kept, "vera")
    assert (made.level, made.held_back, len(made.because)) == ("V3a", "", 1)
    recomputed_alike(kept)
    assert CHANGED not in office("vera").get("/today/").content.decode()


@pytest.mark.slow
def test_the_one_in_the_middle_closed_and_taken_back_frees_nothing(report):
    q, k, d = report(), report(), report()
    graded(add(q, **T1, person_key="one"))
    add(q, **A1, says="an order")
    add(k, **B2, says="a ledger")
    add(d, **B2, says="a diary")
    add(d, **{**AGAINST, "purposes": ["CP-MONI"]})
    q, k, d = concluded(q), concluded(k), concluded(d)
    decide(pair_of(d, k), "same", "same_details", kept=k)
    decide(pair_of(k, q), "same", "same_details", kept=q, who="sami")
    assert verify(q, "vera").level == "V2"
    restore(close(k, "vera"), "vera")
    assert fresh(q).level == "V2" and fresh(k).status == "MERGED"
    recomputed_alike(q)
    refused(q, "vera", "SOD-01")
    assert verify(q, "lena").level == "V4"


@pytest.mark.slow
def test_a_term_that_ends_while_its_report_is_closed_frees_nothing_when_that_comes_back(report, monkeypatch):
    kept, other, _pair = linked_and_capped(report)
    against = other.items.get(contrary=True)
    answer = consent.plain_yes(["CP-MONI"])[0]
    see_all()
    consent.give_consent(item(against), [replace(answer, expires_on=clock.today())], by=person("vera"))
    word = close(other, "vera")
    monkeypatch.setattr(clock, "_fixed", clock.now() + timedelta(days=2))
    consent.owed()
    restore(word, "vera")
    assert not item(against).live and fresh(kept).level == "V2" and fresh(kept).cap_stays
    recomputed_alike(kept)
    refused(kept, "vera", "closed, restored or referred")


@pytest.mark.slow
def test_whoever_refers_a_report_elsewhere_does_not_verify_it_when_it_comes_back(report):
    kept, _other, _pair = linked_and_capped(report)
    for move in ("refer_elsewhere", "reopen", "triage"):
        see_all()
        actions.move_incident(fresh(kept), move, by=person("lena"))
    assert fresh(kept).ceiling["own"] == "V2"
    see_all()
    with pytest.raises(Refused, match="closed, restored or referred"), transaction.atomic():
        actions.move_incident(fresh(kept), "begin_verification", by=person("lena"))
    see_all()
    actions.move_incident(fresh(kept), "begin_verification", by=person("vera"))
    assert verify(kept, "vera").level == "V3a"


@pytest.mark.slow
def test_links_taken_back_one_after_the_other_free_nothing(report):
    kept, _other, pair = linked_and_capped(report)
    q = report()
    add(q, **B2, says="something weak")
    add(q, **{**AGAINST, "says": "no such day"})
    q = concluded(q)
    second = decide(pair_of(kept, q), "same", "same_details", kept=q)
    undo(pair, "lena")
    undo(second, "lena")
    made = fresh(kept)
    assert made.level == "V2" and made.because == [HELD.format("V3a")]
    recomputed_alike(kept)
    refused(kept, "lena", "SOD-01")


def test_what_falls_comes_back_up_to_what_was_concluded(report):
    made = strong(report)
    told = made.items.get(kind="testimony")
    see_all()
    word = consent.withdraw_consent(item(told), ["CP-MONI"], by=person("sami"))
    assert fresh(made).level == "V2"
    restore(word, "sami")
    assert fresh(made).level == "V3a" and fresh(made).held_back == ""


# --- what is linked ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_report_at_a_higher_level_does_not_give_way_to_one_at_a_lower(report, saved):
    brigade = saved("$brigade")
    see_all()
    militia = actions.enter_party(brigade.situation, name="Other Militia", actor_type="ACT-PGM", by=person("sami"))
    see_all()
    a = strong(report)
    b = weak(report, party=militia, also=[brigade], victims=50, victims_min=2, victims_max=50)
    with pytest.raises(Refused, match=f"Keep {a.ref}"), transaction.atomic():
        decide(pair_of(a, b), "same", "same_details", kept=b, who="sami")
    see_all()
    assert (fresh(a).level, fresh(b).level) == ("V3a", "V2")
    shown = PatternState.objects.filter(party=militia, reported_incidents__gt=0)
    assert set(shown.values_list("verified_victims", flat=True)) == {0}
    assert decide(pair_of(a, b), "same", "same_details", who="sami").kept_id == a.pk


@pytest.mark.slow
def test_what_was_concluded_of_a_linked_report_carries_no_actor_that_it_does_not_name(report, saved):
    brigade = saved("$brigade")
    see_all()
    militia = actions.enter_party(brigade.situation, name="Other Militia", actor_type="ACT-PGM", by=person("sami"))
    see_all()
    a, b = strong(report), strong(report, party=militia, also=[brigade])
    c = strong(report)
    decide(pair_of(a, b), "same", "same_details", kept=b, who="sami")
    see_all()
    consent.withdraw_consent(item(b.items.get(kind="testimony")), ["CP-MONI"], by=person("sami"))
    assert fresh(b).level == "V2"
    recomputed_alike(b)
    # Of one that names the same, what a verifier had concluded stays.
    d = strong(report)
    decide(pair_of(c, d), "same", "same_details", kept=c, who="sami")
    see_all()
    consent.withdraw_consent(item(c.items.get(kind="testimony")), ["CP-MONI"], by=person("sami"))
    assert fresh(c).level == "V3a"
    recomputed_alike(c)


def base_set(report, **more) -> None:
    for n in range(5):
        made = report(area2=f"Z-{50 + n}", on=clock.today() - timedelta(days=30 + n), **more)
        graded(add(made, **T1, person_key=f"p{n}"))
        add(made, **A1, says=f"order {n}")
        assert concluded(made).level == "V3a"


@pytest.mark.slow
def test_two_halves_make_no_v3d(report):
    base_set(report)
    a, b = report(), report()
    graded(add(a, **T1, person_key="one"))
    a = concluded(a)  # its verifier said that it matches no pattern
    add(b, **B2, says="a paper")
    b = concluded(b, matches=True)  # and hers that it does, of a paper
    decide(pair_of(a, b), "same", "same_details", kept=b, who="sami")
    assert fresh(b).level == "V2"
    recomputed_alike(b)
    assert verify(b, "vera").level == "V3a", "she had both before her"


@pytest.mark.slow
def test_v3d_of_a_linked_report_accuses_nobody_that_it_does_not_name(report, saved):
    brigade = saved("$brigade")
    see_all()
    militia = actions.enter_party(brigade.situation, name="Other Militia", actor_type="ACT-PGM", by=person("sami"))
    see_all()
    unit = actions.enter_party(
        brigade.situation, name="A unit without a pattern", actor_type="ACT-STF", by=person("sami")
    )
    see_all()
    base_set(report, party=militia)
    a, b = report(party=unit), report(party=militia, also=[unit])
    graded(add(a, **T1, person_key="one"))
    a = concluded(a, matches=True)
    add(b, **B2, says="a paper")
    b = concluded(b, matches=True)
    assert (a.level, b.level) == ("V2", "V2")
    decide(pair_of(a, b), "same", "same_details", kept=b, who="sami")
    see_all()
    assert fresh(b).level == "V2"
    assert set(Contribution.objects.filter(incident=b).values_list("level", flat=True)) == {"V2"}
    recomputed_alike(b)


@pytest.mark.slow
def test_a_cap_that_stays_is_not_left_behind_by_a_link(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    add(made, **A1, says="an order")
    against = add(made, **{**AGAINST, "kind": "medical", "purposes": ["CP-MONI"]})
    made, q = concluded(made), weak(report)
    see_all()
    consent.withdraw_consent(item(against), ["CP-MONI"], by=person("lena"))
    decide(pair_of(made, q), "same", "same_details", kept=q, who="lena")
    assert fresh(q).level == "V2"
    recomputed_alike(q)
    refused(q, "lena", "SOD-01")


# --- what is weighed --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("share", ["added", "collected", "had a version"])
def test_whoever_has_a_share_in_the_kept_report_does_not_weigh_what_a_linked_one_says_against_it(report, share):
    kept, other, _pair = linked_and_capped(report)
    lena = person("lena")
    if share == "added":
        paper = kept.items.get(kind="document")
        within_an_act(lambda: SourceItem.objects.filter(pk=paper.pk).update(added_by=lena))
    else:
        values = {"collected_by": lena} if share == "collected" else {"versions_by": [lena.ref]}
        within_an_act(lambda: Incident.objects.filter(pk=kept.pk).update(**values))
    against = other.items.get(contrary=True)
    see_all()
    with pytest.raises(Refused, match="someone else weighs"), transaction.atomic():
        evidence.weigh_contrary(item(against), outcome="outweighed", how="I say so", by=person("lena"))
    assert fresh(kept).level == "V2"


@pytest.mark.slow
def test_once_all_that_capped_it_is_weighed_it_stands_at_what_was_before_its_verifier(report):
    kept, other, _pair = linked_and_capped(report)
    second = add(kept, **{**AGAINST, "says": "nor were they here"})
    assert verify_again(kept, second).level == "V2"
    for against in (other.items.get(contrary=True), second):
        assert fresh(kept).level == "V2"
        see_all()
        evidence.weigh_contrary(item(against), outcome="outweighed", how="r", by=person("lena"))
    made = fresh(kept)
    assert (made.level, made.ceiling["own"], made.ceiling["caps"]) == ("V4", "V4", []), (
        "with the ledger she had before her"
    )
    recomputed_alike(kept)
    see_all()
    evidence.weigh_contrary(item(second), outcome="stands", how="r", by=person("lena"))
    assert fresh(kept).level == "V2" and fresh(kept).ceiling["own"] == "V2"


def verify_again(kept, _new) -> Incident:
    """Opened again for what speaks against it, and concluded with it."""
    see_all()
    actions.move_incident(fresh(kept), "reopen", by=person("lena"))
    return concluded(fresh(kept))


@pytest.mark.slow
def test_weighing_one_of_two_frees_nothing_when_the_other_left_unweighed(report):
    kept, other, pair = linked_and_capped(report)
    own = add(kept, **{**AGAINST, "says": "nor were they here"})
    verify_again(kept, own)
    undo(pair, "lena")
    see_all()
    within_an_act(lambda: Incident.objects.filter(pk=kept.pk).update(cap_stays={}))  # the ceiling alone holds it
    evidence.weigh_contrary(item(own), outcome="outweighed", how="r", by=person("lena"))
    made = fresh(kept)
    assert made.level == "V2" and made.held_back == "V3a" and fresh(other).status == "REOPENED"


def test_what_was_weighed_while_weak_is_weighed_again_once_it_is_strong(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    add(made, **A1, says="an order")
    against = add(made, kind="document", reliability="E", credibility=5, contrary=True, says="gossip")
    made = concluded(made)
    see_all()
    evidence.weigh_contrary(item(against), outcome="outweighed", how="gossip", by=person("lena"))
    see_all()
    actions.regrade_item(item(against), reliability="A", credibility=1, by=person("vera"))
    assert not item(against).weighed and fresh(made).level == "V2"
    told = office("lena").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert "is to be weighed again" in told
    see_all()
    evidence.weigh_contrary(item(against), outcome="outweighed", how="it was a mistake", by=person("lena"))
    assert fresh(made).level == "V3a"


def test_whoever_makes_what_speaks_against_a_report_weak_does_not_conclude_it(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    add(made, **A1, says="an order")
    against = add(made, **AGAINST)
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    see_all()
    actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    see_all()
    actions.regrade_item(item(against), credibility=2, by=person("vera"))
    assert not item(against).graded_by, "it caps as before"
    actions.regrade_item(item(against), reliability="F", credibility=6, by=person("vera"))
    assert fresh(made).level == "V3a"
    refused(made, "vera", "another grade since")
    see_all()
    made = verify(made, "lena")
    assert made.level == "V3a" and not item(against).graded_by


@pytest.mark.writes_freely
@pytest.mark.slow
def test_whoever_takes_an_actor_away_does_not_conclude(report, saved):
    brigade = saved("$brigade")
    see_all()
    militia = actions.enter_party(brigade.situation, name="Other Militia", actor_type="ACT-PGM", by=person("sami"))
    see_all()
    Grant.objects.create(
        person=person("vera"), role="monitoring_analyst", starts_on=clock.today(), status="HELD",
        expires_on=clock.today() + timedelta(days=90), asked_by=person("ines"), confirmed_by=person("arno"),
    )  # fmt: skip
    made = strong(report, also=[militia])
    see_all()
    actions.name_further_actors(fresh(made), also=[], by=person("vera"))
    see_all()
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    see_all()
    with pytest.raises(Refused, match="took an armed actor away"), transaction.atomic():
        actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    see_all()
    actions.move_incident(fresh(made), "begin_verification", by=person("lena"))
    assert verify(made, "lena").level == "V3a" and not fresh(made).changed_by


# --- what is one source, and what is listed ---------------------------------------------------------------------------


@pytest.mark.slow
def test_shared_words_are_followed_to_what_one_of_them_cites(report):
    k, d, z = report(), report(), report()
    register = add(z, **B2, says="the register itself")
    add(k, **A1, says="an article, word for word")
    add(k, **{**A1, "parents": [register]}, says="another article")
    add(d, kind="document", reliability="D", credibility=5, parents=[register], says="an article, word for word")
    k, d = concluded(k), concluded(d)
    decide(pair_of(k, d), "same", "same_details", kept=k, who="sami")
    assert verify(k, "lena").level == "V2"
    recomputed_alike(k)


@pytest.mark.slow
def test_a_report_is_not_listed_for_an_item_of_one_that_is_closed(report):
    kept, other = report(), weak(report)
    graded(add(kept, **T1, person_key="one"))
    kept = concluded(kept)
    decide(pair_of(kept, other), "same", "same_details", kept=kept)
    verify(kept, "vera")
    add(other, **A1, says="late")

    def listed() -> bool:
        with reading_as(person("vera")):
            return kept in verifiers.others_work(person("vera"), verifiers.changed_since(), at_most=1000)

    assert listed()
    close(other, "sami")
    assert not listed(), "nothing waits; she may look again all the same, because what she concluded with was closed"
    assert verify(kept, "vera").level == "V2"
    refused(kept, "vera", "already concluded")


# --- the rule's other sides -------------------------------------------------------------------------------------------


def test_the_word_of_two_assessors_raises_nothing_that_was_concluded_until_a_verifier_looks(report):
    """Else whoever gives the second grade concludes whatever else has changed since."""
    made, held = report(), report(area2="Z-77")
    told = [add(x, **T1, person_key="one") for x in (made, held)]
    for x in (made, held):
        add(x, **A1, says=f"an order {x.ref}")
    against = add(held, **AGAINST)
    made, held = concluded(made), concluded(held)
    assert (made.level, held.level) == ("V2", "V2")
    for one in told:
        graded(one)
    assert (fresh(made).level, fresh(made).held_back) == ("V2", "V3a")
    assert (fresh(held).level, fresh(held).ceiling["uncapped"]) == ("V2", "V2")
    see_all()
    evidence.weigh_contrary(item(against), outcome="explained", how="r", by=person("lena"))
    assert (fresh(held).level, fresh(held).held_back) == ("V2", "V3a")
    assert (verify(made, "vera").level, verify(held, "vera").level) == ("V3a", "V3a")


# --- what parts or hides items that had one origin --------------------------------------------------------------------


def one_origin(report, *more) -> tuple[Incident, Incident, SourceItem, SourceItem]:
    """K holds an account and a paper; L, linked to it, the same words of the paper, citing the account: all one origin (R-VER-1)."""
    kept, other = report(), report()
    account = add(kept, **T1, person_key="one")
    add(kept, **A1, says="the very same words")
    for each in more:
        add(kept, **each)
    words = add(
        other,
        kind="document",
        reliability="C",
        credibility=3,
        says="the very same words",
        parents=[account],
        purposes=["CP-MONI"],
    )
    return kept, other, account, words


def both_concluded(kept, other, reason="same_details", who="lena"):
    pair = decide(pair_of(concluded(kept), concluded(other)), "same", reason, kept=fresh(kept), who="sami")
    assert verify(kept, who).level == "V2"
    return pair


@pytest.mark.slow
def test_what_is_withdrawn_from_a_linked_report_stays_the_one_origin(report):
    kept, other, account, words = one_origin(report)
    graded(account)
    both_concluded(kept, other)
    see_all()
    consent.withdraw_consent(item(words), ["CP-MONI"], by=person("vera"))
    assert (fresh(kept).level, fresh(kept).held_back) == ("V2", "")
    refused(kept, "vera", "wrote down that a consent ended")
    recomputed_alike(kept)


@pytest.mark.slow
@pytest.mark.parametrize("change", ["undone", "withdrawn"])
def test_a_second_grade_concludes_nothing_else_that_changed(report, change):
    kept, other, account, words = one_origin(report)
    evidence.assess_item(item(account), testimony="T1", reasons="r", by=person("vera"))
    pair = both_concluded(kept, other)
    if change == "undone":
        undo(pair, "lena")
    else:
        see_all()
        consent.withdraw_consent(item(words), ["CP-MONI"], by=person("lena"))
    see_all()
    evidence.assess_item(item(account), testimony="T1", reasons="r", by=person("lena"))
    assert fresh(kept).level == "V2"
    recomputed_alike(kept)


@pytest.mark.writes_freely
@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
def test_weighing_frees_what_the_verifier_had_and_no_more(report, known):
    """Also where nobody noted what that was: a ceiling from before there were any."""
    kept, other, account, _words = one_origin(report, AGAINST, {**T1, "testimony": "T4", "person_key": "two"})
    graded(account)
    pair = both_concluded(kept, other)
    if not known:
        Incident.objects.filter(pk=kept.pk).update(ceiling={**fresh(kept).ceiling, "uncapped": ""})
    undo(pair, "lena")
    see_all()
    graded(kept.items.get(person_key="two"), "T4")
    see_all()
    evidence.weigh_contrary(kept.items.get(contrary=True), outcome="outweighed", how="r", by=person("lena"))
    assert (fresh(kept).level, fresh(kept).held_back) == ("V2", "V3a")


@pytest.mark.slow
def test_a_level_that_was_concluded_away_does_not_come_back_with_a_link(report):
    other = report()
    told = graded(add(other, **T1, person_key="one"))
    paper = add(other, **A1, says="the very words")
    kept = report()
    add(kept, **A1, says="the very words", parents=[told])
    add(kept, **B2, says="a second paper", parents=[paper])
    kept, other = concluded(kept), concluded(other)
    pair = decide(pair_of(other, kept), "same", "same_details", kept=kept, who="sami")
    assert verify(kept, "vera").level == "V2"
    undo(pair, "lena")
    assert (fresh(other).status, fresh(kept).level, fresh(kept).held_back) == ("REOPENED", "V2", "V3c")
    assert not Contribution.objects.filter(incident=other).exclude(level="").exists()


@pytest.mark.slow
def test_what_was_concluded_higher_does_not_give_way_while_a_consent_is_gone(report):
    high, low = strong(report), weak(report)
    see_all()
    consent.withdraw_consent(item(high.items.get(testimony="T1")), ["CP-MONI"], by=person("lena"))
    assert fresh(high).level == "V2"
    with pytest.raises(Refused, match="was concluded at V3a"), transaction.atomic():
        decide(pair_of(high, low), "same", "same_details", kept=low, who="lena")


@pytest.mark.slow
def test_an_indicator_rises_as_far_as_verifiers_had_looked(report, saved, office):
    kept, other = report(), report()
    account, paper = graded(add(kept, **T1, person_key="one")), add(other, **A1, says="an order")
    pair = both_concluded(kept, other, "same_source", "vera")
    made = indicator(saved("$brigade"), item(account), item(paper))
    assert (made.reached, made.supported) == ("SP1", False)
    undo(pair, "lena")
    made.refresh_from_db()
    assert (made.reached, made.supported) == ("SP1", False) and "stays at SP1 until a verifier" in made.because[-1]
    assert any(p.fullmatch(made.because[-1]) for p, _words in sentences._found())
    assert assessments.reassess(made) == set(), "worked out again it stands as it stood"
    for one in (kept, other):
        assert one.ref in office("vera").get("/today/").content.decode()
        assert "Let the rules give the level" in office("vera").get(f"/watch/incidents/{one.ref}/").content.decode()
        verify(one, "vera")
    made.refresh_from_db()
    assert (made.reached, made.supported) == ("SP2", True)


@pytest.mark.parametrize("said", [rules.HELD_BACK, rules.NOT_SAID])
def test_what_holds_a_level_back_is_said_in_the_readers_language(said):
    assert any(p.fullmatch(said.format(level="V3a", stays="V2")) for p, _words in sentences._found())


@pytest.mark.writes_freely
@pytest.mark.slow
def test_reports_of_before_keep_the_level_they_have(report):
    base_set(report)
    kept, other, _pair = linked_and_capped(report)
    single = report(area2="Z-95")
    graded(add(single, **T1, person_key="two"))
    single = concluded(single, matches=True)
    assert single.level == "V3d"
    opened = strong(report, area2="Z-96")
    actions.move_incident(opened, "reopen", by=person("lena"))
    see_all()
    every = [kept, other, single]
    before = {i.pk: fresh(i).ceiling for i in every}
    before[kept.pk]["uncapped"] = before[other.pk]["uncapped"] = ""  # nothing kept what it would be otherwise
    Incident.objects.update(ceiling={})
    keep = import_module("answerable.monitoring.migrations.0029_what_a_verifier_last_concluded").KEEP
    with connection.cursor() as cursor:
        cursor.execute(keep)
    assert {i.pk: fresh(i).ceiling for i in every} == before
    assert fresh(opened).ceiling == {}
    recomputed_alike(single)
    assert fresh(single).level == "V3d"
    see_all()
    evidence.weigh_contrary(item(other.items.get(contrary=True)), outcome="outweighed", how="r", by=person("lena"))
    assert (fresh(kept).level, fresh(kept).held_back) == ("V2", "V4")


@pytest.mark.slow
def test_what_waits_for_another_hides_nothing_that_waits_for_her(report, office, monkeypatch):
    """Today reads some at a time: all that she may not look at herself, even if it comes first, costs her no place."""
    hers = strong(report)
    others = [weak(report), weak(report)]
    add(hers, **B2, says="late")
    for made in others:
        actions.regrade_item(made.items.get(), credibility=1, by=person("vera"))
    see_all()
    monkeypatch.setattr(verifiers, "ASKED_AT_ONCE", 1)
    with reading_as(person("vera")):
        waits = verifiers.changed_since().order_by("-pk")
        assert [i.pk for i in waits][:2] == [i.pk for i in reversed(others)]
        assert verifiers.others_work(person("vera"), waits, at_most=1) == [hers]
        assert set(waits) >= {hers, *others}
    page = office("vera").get("/today/").content.decode()
    assert hers.ref in page and not any(i.ref in page for i in others)
    every = [i.pk for i in [hers, *others]]
    assert verifiers.shares(person("sami"), every) == set(every) and not verifiers.shares(person("vera"), every)
