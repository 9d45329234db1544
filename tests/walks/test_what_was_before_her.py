"""What a verifier concludes on is what she had before her, and whoever changed it is another (decision 0056, R-VER-3, R-VER-4, SOD-01)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from tests_support import graded_by_two, see_all
from walks import test_intake_versions, test_verification
from walks.test_grades_given_later import AGAIN, item
from walks.test_intake_corrected import BOTH
from walks.test_intake_versions import deliver
from walks.test_intake_whole import verified
from walks.test_levels_hold import A1, B2, fresh, recomputed_alike
from walks.test_linking import decide, pair_of, within_an_act
from walks.test_verification import T1, add, concluded, graded, person

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions, verifiers
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake.actions import correcting
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.models import Incident, SourceItem
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report
dana, own_folders = test_intake_versions.dana, test_intake_versions.own_folders
AGAINST = {**A1, "contrary": True, "says": "they were elsewhere"}
CHANGED = "what it was concluded on has changed: look at its verification again"


def verify(made, who) -> Incident:
    see_all()
    actions.verify_incident(fresh(made), by=person(who))
    return fresh(made)


def refused(made, who, match) -> None:
    see_all()
    with pytest.raises(Refused, match=match), transaction.atomic():
        actions.verify_incident(fresh(made), by=person(who))


@pytest.fixture
def capped(report):
    """A report at V2 because of what speaks against it: `capped(**what speaks against it)`."""

    def make(**more):
        made = report()
        graded(add(made, **T1, person_key="one"))
        add(made, **A1, says="an order")
        against = add(made, **{**AGAINST, **more})
        made = concluded(made)
        assert made.level == "V2"
        return made, against

    return make


# --- what speaks against a report -------------------------------------------------------------------------------------


def test_a_paper_that_is_nobodys_is_withdrawn_by_nobody(capped, office):
    made, against = capped()
    page = office("sami").get(f"/record/consents/{against.ref}/").content.decode()
    assert "Nobody was asked for consent to this" in page and "She withdraws everything</button>" not in page
    for who in ("sami", "vera"):
        reply = office(who).post(
            f"/record/consents/{against.ref}/withdraw/", {"purpose": "EVERYTHING", "heard": "office"}
        )
        assert reply.status_code == 409 and "Nobody was asked for consent to this" in reply.content.decode()
        see_all()
        with pytest.raises(Refused, match="lawful basis"), transaction.atomic():
            consent.withdraw_consent(item(against), ["CP-MONI"], by=person(who))
    assert item(against).live and fresh(made).level == "V2"


@pytest.mark.parametrize("word", ["withdrawn", "no", "the term is over", "everything"])
def test_what_speaks_against_a_report_goes_with_her_consent_and_its_cap_stays(capped, office, monkeypatch, word):
    made, against = capped(kind="medical", purposes=["CP-MONI"])
    paper = item(against)
    if word == "withdrawn":
        consent.withdraw_consent(paper, ["CP-MONI"], by=person("vera"))
    elif word == "everything":
        consent.withdraw_everything(paper, by=person("vera"))
    else:
        answer = consent.plain_yes(["CP-MONI"])[0]
        if word == "no":
            consent.give_consent(paper, [replace(answer, given=False)], by=person("vera"))
        else:
            until = replace(answer, expires_on=clock.today())
            consent.give_consent(paper, [until], by=person("vera"))
            monkeypatch.setattr(clock, "_fixed", clock.now() + timedelta(days=2))
            consent.owed()
    after = fresh(made)
    assert not item(against).live
    assert (after.level, after.status) == ("V2", "CREDIBLE") and "stays at V2 until a verifier" in after.because[-1]
    recomputed_alike(made)
    assert CHANGED not in office("vera").get("/today/").content.decode()
    assert CHANGED in office("lena").get("/today/").content.decode()
    told = office("lena").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert "because what it was concluded on has changed" in told
    refused(made, "vera", "took an item away")
    assert verify(made, "lena").level == "V3a" and not fresh(made).cap_stays
    recomputed_alike(made)


def test_what_is_taken_back_caps_by_itself_again(capped):
    made, against = capped(kind="medical", purposes=["CP-MONI"])
    word = consent.withdraw_consent(item(against), ["CP-MONI"], by=person("vera"))
    assert fresh(made).cap_stays
    see_all()
    consent.undo_withdrawal(word, by=person("lena"))
    after = fresh(made)
    assert after.level == "V2" and not after.cap_stays and "no weighing has ended that" in after.because[-1]


def test_a_person_says_that_a_paper_is_hers_and_refuses_it(capped):
    """The way that stays open to her: asked for the first time, she says no, and from then on it counts by her word alone."""
    made, against = capped()
    no = replace(consent.plain_yes(["CP-MONI"])[0], given=False)
    consent.give_consent(item(against), [no], by=person("vera"))
    assert item(against).personal and not item(against).live
    assert fresh(made).level == "V2"
    refused(made, "vera", "took an item away")
    see_all()
    consent.withdraw_everything(item(against), by=person("vera"))
    assert fresh(made).level == "V2" and verify(made, "lena").level == "V3a"


def test_whoever_withdrew_before_the_conclusion_does_not_conclude(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    add(made, **A1, says="an order")
    against = add(made, **{**AGAINST, "kind": "medical", "purposes": ["CP-MONI"]})
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    see_all()
    consent.withdraw_consent(item(against), ["CP-MONI"], by=person("vera"))
    see_all()
    with pytest.raises(Refused, match="took an item away"), transaction.atomic():
        actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    see_all()
    actions.move_incident(fresh(made), "begin_verification", by=person("lena"))
    assert verify(made, "lena").level == "V3a"


def linked_and_capped(report):
    """A report that is V3a by itself, and at V2 with what one linked to it says against it, concluded so."""
    kept, other = report(), report()
    graded(add(kept, **T1, person_key="one"))
    add(kept, **A1, says="an order")
    add(other, **{**AGAINST, "purposes": ["CP-MONI"]})
    add(other, **B2, says="a ledger")
    kept, other = concluded(kept), concluded(other)
    assert kept.level == "V3a"
    pair = decide(pair_of(kept, other), "same", "same_details", kept=kept)
    assert fresh(kept).level == "V2" and verify(kept, "vera").level == "V2"
    return kept, other, pair


@pytest.mark.slow
def test_a_link_taken_back_takes_no_cap_away(report):
    kept, other, pair = linked_and_capped(report)
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person("lena"))
    assert (fresh(kept).level, fresh(other).status) == ("V2", "REOPENED")
    recomputed_alike(kept)
    refused(kept, "lena", "took a link back")
    assert verify(kept, "vera").level == "V3a"


@pytest.mark.slow
def test_a_linked_report_that_is_closed_leaves_its_cap_and_one_that_comes_back_caps_by_itself(report):
    kept, other, _pair = linked_and_capped(report)
    see_all()
    word = consent.withdraw_everything(fresh(other), by=person("vera"))
    assert fresh(other).status == "CONSENT_WITHDRAWN" and fresh(kept).level == "V2"
    assert "consent" not in " ".join(fresh(kept).because)
    refused(kept, "vera", "closed, restored or referred")
    see_all()
    consent.undo_withdrawal(word, by=person("sami"))
    assert not fresh(kept).cap_stays and fresh(kept).level == "V2"
    see_all()
    consent.withdraw_everything(fresh(other), by=person("vera"))
    assert verify(kept, "lena").level == "V3a"


# --- what her page showed ---------------------------------------------------------------------------------------------


def shown(office, made, who="vera") -> str:
    page = office(who).get(f"/watch/incidents/{made.ref}/").content.decode()
    see_all()
    return re.search(r'name="shown" value="([^"]+)"', page)[1]


def conclude(office, made, fields, who="vera"):
    reply = office(who).post(f"/watch/incidents/{made.ref}/verify/", fields)
    see_all()
    return reply.status_code, reply.content.decode()


@pytest.mark.slow
def test_a_page_concludes_only_on_what_it_showed(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    old = shown(office, made)
    paper = add(made, **A1, says="came after the page")
    for fields in ({"shown": old}, {"shown": ""}, {}):
        status, page = conclude(office, made, fields)
        assert status == 409 and "Since you opened this page" in page
        assert fresh(made).status == "IN_VERIFICATION"
    old = shown(office, made)
    actions.regrade_item(item(paper), credibility=2, by=person("lena"))
    assert conclude(office, made, {"shown": old})[0] == 409
    assert conclude(office, made, {"shown": shown(office, made)})[0] == 303
    assert fresh(made).level == "V3a"


def test_a_refused_conclusion_shows_the_form_again_with_its_tick(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    old = shown(office, made)
    add(made, **A1, says="an order")
    tick = 'name="matches_pattern" checked'
    status, page = conclude(office, made, {"shown": old, "matches_pattern": "on"})
    assert status == 409 and "Since you opened this page" in page and tick in page
    assert fresh(made).status == "IN_VERIFICATION" and not fresh(made).matches_pattern
    assert tick not in conclude(office, made, {"shown": old})[1]
    again = re.search(r'name="shown" value="([^"]+)"', page)[1]
    assert conclude(office, made, {"shown": again, "matches_pattern": "on"})[0] == 303
    assert fresh(made).matches_pattern


@pytest.mark.slow
def test_a_strong_item_that_came_after_the_page_is_not_concluded_with_the_weak_one_that_waited(report, office):
    made = report()
    graded(add(made, **T1, person_key="one"))
    made = concluded(made)
    add(made, kind="document", reliability="D", credibility=5, says="weak")
    old = shown(office, made)
    strong = add(made, **A1, says="strong")
    assert conclude(office, made, {"shown": old})[0] == 409
    assert fresh(made).level == "V2" and item(strong).waits


def test_the_fingerprint_changes_with_all_that_a_conclusion_rests_on(report):
    kept, other = report(), report()
    told = graded(add(kept, **T1, person_key="one"))
    add(other, **A1, says="b")
    kept, other = concluded(kept), concluded(other)
    seen = [verifiers.before_her(fresh(kept))]

    def differs(what):
        now = verifiers.before_her(fresh(kept))
        assert now not in seen, what
        seen.append(now)

    assert verifiers.before_her(fresh(kept)) == seen[0]
    add(kept, **B2, says="c")
    differs("an item")
    see_all()
    word = consent.withdraw_consent(item(told), ["CP-MONI"], by=person("vera"))
    differs("a consent")
    see_all()
    consent.undo_withdrawal(word, by=person("vera"))
    pair = decide(pair_of(kept, other), "same", "same_details", kept=kept)
    differs("a link")
    add_to = item(other.items.get())
    actions.regrade_item(add_to, credibility=2, by=person("lena"))
    differs("a grade of what is linked")
    see_all()
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person("lena"))
    differs("a link taken back")


@pytest.mark.writes_freely
@pytest.mark.slow
def test_the_level_of_a_later_version_is_not_said_to_hold_on_an_earlier_ones_page(saved, dana, office):
    def version(**more):
        return deliver(saved, **{"submission_id": "C", "when": "2026-01-14", "items": BOTH, **more})

    _draft, made = version()
    graded_by_two(*made.items.filter(kind="testimony"))
    made = verified(made)
    later, _none = version(narrative="told anew")
    correcting.take_over_correction(later, by=person("dana"))
    old = shown(office, made)
    later, _none = version(narrative="it never happened")
    see_all()
    correcting.take_over_correction(later, by=person("dana"))
    for fields in ({"shown": old}, {}):
        reply = office("vera").post(f"/watch/intake/story/{made.ref}/", {"holds": "yes", **fields})
        assert reply.status_code == 409 and "Since you opened this page" in reply.content.decode()
        assert fresh(made).story_corrected
    now = shown(office, made)
    assert office("vera").post(f"/watch/intake/story/{made.ref}/", {"holds": "yes", "shown": now}).status_code == 303
    assert not fresh(made).story_corrected


WEIGH = "an item speaks strongly against it and holds it at V2: weigh that item"


def test_whoever_may_weigh_what_holds_a_report_is_told_and_nobody_whom_the_act_refuses(capped, report, office):
    def told(who, made):
        return re.search(rf"{made.ref}\s+{WEIGH}", re.sub("<[^>]+>", "", office(who).get("/today/").content.decode()))

    made, against = capped(kind="medical", purposes=["CP-MONI"])
    assert told("lena", made) and not told("vera", made) and not told("sami", made)
    word = consent.withdraw_consent(item(against), ["CP-MONI"], by=person("sami"))
    assert not told("lena", made), "without a consent it is not weighed"
    see_all()
    consent.undo_withdrawal(word, by=person("sami"))
    assert told("lena", made)
    evidence.weigh_contrary(item(against), outcome="stands", how="r", by=person("lena"))
    assert not told("lena", made), "she has weighed it, and it stands"
    see_all()
    open_ = report()
    add(open_, **T1, person_key="one")
    add(open_, **AGAINST)
    hers, _paper = capped()
    assert told("lena", hers)
    own = hers.items.exclude(contrary=True).first()
    within_an_act(lambda: SourceItem.objects.filter(pk=own.pk).update(added_by=person("lena")))
    assert not told("lena", open_) and not told("lena", hers)


# --- what has no live consent ------------------------------------------------------------------------------------------


def test_what_has_no_live_consent_is_neither_weighed_nor_graded(capped, office):
    """A weighing or a grade given meanwhile would have lifted the report when the consent came back (R-VER-4)."""
    made, against = capped(kind="medical", purposes=["CP-MONI"])
    word = consent.withdraw_consent(item(against), ["CP-MONI"], by=person("vera"))
    weigh = {"outcome": "outweighed", "how": "r"}
    for act, given in (
        (evidence.weigh_contrary, weigh),
        (evidence.assess_item, {"reliability": "E", "credibility": 5, "reasons": "r"}),
        (actions.regrade_item, {"reliability": "E", "credibility": 5}),
    ):
        see_all()
        with pytest.raises(Refused, match="No live consent to monitoring covers this item now"), transaction.atomic():
            act(item(against), **given, by=person("lena"))
    lena = office("lena")
    pages = [lena.get(f"/watch/incidents/{made.ref}/{page}").content.decode() for page in ("", "known/")]
    for path, given in (
        ("weigh", weigh),
        ("assess", {"reliability": "E", "credibility": 5, "reasons": "r"}),
        ("grade", {"reliability": "E", "credibility": 5}),
    ):
        assert all(f"/watch/items/{against.ref}/{path}/" not in page for page in pages)
        for reply in (
            lena.get(f"/watch/items/{against.ref}/{path}/"),
            lena.post(f"/watch/items/{against.ref}/{path}/", given),
        ):
            assert reply.status_code == 409 and "No live consent to monitoring" in reply.content.decode()
    assert "No live consent to monitoring covers this item now" in pages[1]
    see_all()
    consent.undo_withdrawal(word, by=person("lena"))
    assert fresh(made).level == "V2" and item(against).grade == "A1" and not item(against).weighed
    page = office("lena").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert f"/watch/items/{against.ref}/weigh/" in page


# --- who changed it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["restored", "given anew"])
def test_whoever_wrote_the_consent_by_which_an_item_counts_does_not_conclude(report, office, how):
    made = report()
    graded(add(made, **T1, person_key="one"))
    note = add(made, kind="medical", reliability="B", credibility=2, purposes=["CP-MONI", "CP-FIND"], says="a note")
    word = consent.withdraw_consent(item(note), ["CP-MONI"], by=person("sami"))
    made = concluded(made)
    see_all()
    if how == "restored":
        consent.undo_withdrawal(word, by=person("vera"))
    else:
        consent.give_consent(item(note), consent.plain_yes(["CP-MONI"]), by=person("vera"))
    assert fresh(made).level == "V2"
    assert AGAIN not in office("vera").get("/today/").content.decode()
    assert AGAIN in office("lena").get("/today/").content.decode()
    refused(made, "vera", "You wrote down the consent")
    assert verify(made, "lena").level == "V3a"


@pytest.mark.slow
def test_whoever_linked_two_reports_or_took_the_link_back_does_not_conclude(report, office):
    a, b = report(), report()
    graded(add(a, **T1, person_key="one"))
    graded(add(b, **T1, person_key="two"))
    a, b = concluded(a), concluded(b)
    pair = decide(pair_of(a, b), "same", "same_source", kept=a, who="lena")
    linked = "another report was linked to it: look at its verification again"
    assert linked not in office("lena").get("/today/").content.decode()
    assert linked in office("vera").get("/today/").content.decode()
    refused(a, "lena", "You linked a report")
    assert verify(a, "vera").level == "V2"
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person("lena"))
    see_all()
    pair.refresh_from_db()
    decide(pair, "same", "same_details", kept=a, who="sami")
    refused(a, "lena", "took a link back")
    assert linked not in office("lena").get("/today/").content.decode()
    assert verify(a, "vera").level == "V3b"
    see_all()
    assert Incident.objects.exclude(changed_by=[]).filter(pk__in=[a.pk, b.pk]).count() == 0
