"""A correction strikes a verified report from the count where a fact that counts is another, and not by its story alone."""

from __future__ import annotations

import pytest
from tests_support import graded_by_two, see_all
from walks import test_intake_versions
from walks.test_intake_refuses import PAPER
from walks.test_intake_versions import deliver, person
from walks.test_intake_whole import TOLD, verified

from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring.intake import actions
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns import live
from answerable.monitoring.patterns.models import Contribution
from answerable.record import log

# Two assessors' grades are written as if they had been given.
pytestmark = pytest.mark.writes_freely
dana, own_folders = test_intake_versions.dana, test_intake_versions.own_folders
BOTH = [TOLD, PAPER]


@pytest.fixture
def report(saved, dana):
    _draft, made = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH)
    graded_by_two(*made.items.filter(kind="testimony"))
    made = verified(made)
    see_all()
    assert made.status == "VERIFIED" and counted(made)
    return Incident.objects.get(pk=made.pk)


def counted(incident):
    return Contribution.objects.get(incident=incident).level


def corrected(saved, report, party=None, **more):
    later, _none = deliver(saved, **{"submission_id": "C", "when": "2026-01-14", "items": BOTH, **more})
    actions.take_over_correction(later, party=party, by=person("dana"))
    see_all()
    return Incident.objects.get(pk=report.pk)


def test_a_story_alone_leaves_a_verified_report_counted_and_asks_a_verifier(saved, office, report):
    made = corrected(saved, report, narrative="told anew", risk="low")
    assert (made.status, made.level, counted(made), made.story_corrected) == (
        "VERIFIED",
        report.level,
        report.level,
        True,
    )
    vera, url = office("vera"), f"/watch/incidents/{made.ref}/"
    words = "look whether the level still holds"
    assert words in vera.get(url).content.decode() and words in vera.get("/today/").content.decode()
    assert "The level still holds" not in office("dana").get(url).content.decode()
    for who in ("dana", "sami"):
        see_all()
        with pytest.raises(Refused):
            actions.look_at_corrected_story(made, holds=True, by=person(who))
    assert vera.post(f"/watch/intake/story/{made.ref}/", {"holds": "yes"}).status_code == 303
    see_all()
    made = Incident.objects.get(pk=made.pk)
    assert (made.status, made.story_corrected, counted(made)) == ("VERIFIED", False, report.level)
    assert log.history(made.ref)[-1].action == "corrected story looked at"
    assert words not in vera.get(url).content.decode() and words not in vera.get("/today/").content.decode()
    see_all()
    with pytest.raises(Refused, match="No correction of its story waits"):
        actions.look_at_corrected_story(made, holds=True, by=person("vera"))


def test_a_verifier_for_whom_the_level_no_longer_holds_opens_it_again(saved, report):
    made = corrected(saved, report, narrative="told anew")
    made = actions.look_at_corrected_story(made, holds=False, by=person("vera"))
    see_all()
    assert (made.status, made.story_corrected, counted(made)) == ("REOPENED", False, "")
    assert log.history(made.ref)[-1].action == "reopen"


@pytest.mark.parametrize(
    "more",
    [{"victims": "4"}, {"when": "2026-01-15"}, {"when": "2026-01"}, {"area2": "Upper"}, {"forms": "SV-RAPE"}, {"victim_counts": "VC-GIR:1"},
     {"items": [*BOTH, {**PAPER, "says": "a log"}]}],
)  # fmt: skip
def test_a_fact_that_counts_opens_it_again(saved, report, more):
    made = corrected(saved, report, **more)
    assert (made.status, made.story_corrected, counted(made)) == ("REOPENED", False, "")


def test_another_actor_is_shown_and_counts_only_when_it_is_chosen(saved, office, report):
    see_all()
    was, third = report.party, Party.objects.exclude(pk=report.party.pk).filter(situation=report.situation).first()
    other = monitoring.enter_party(report.situation, name="Lock Column", actor_type="ACT-STF", by=person("sami"))
    see_all()
    later, _none = deliver(
        saved, submission_id="C", when="2026-01-14", items=BOTH, party=other.ref, narrative="by others"
    )
    office_of_dana = office("dana")
    for page in (f"/watch/intake/drafts/{later.ref}/", f"/watch/incidents/{report.ref}/"):
        assert "names another armed actor" in office_of_dana.get(page).content.decode()
    assert "Lock Column" in office("vera").get(f"/watch/incidents/{report.ref}/").content.decode()
    see_all()
    with pytest.raises(Refused, match="Choose for which of the two"):
        actions.take_over_correction(later, by=person("dana"))
    see_all()
    if third is not None:
        with pytest.raises(Refused, match="Choose the actor"):
            actions.take_over_correction(later, party=third, by=person("dana"))
        see_all()
    reply = office_of_dana.post(f"/watch/intake/drafts/{later.ref}/take-over/", {"party": other.ref})
    assert reply.status_code == 303, reply.content[:500]
    see_all()
    made = Incident.objects.get(pk=report.pk)
    assert (made.party, made.status, counted(made)) == (other, "REOPENED", "")
    assert "party" in log.history(made.ref)[-1].event["detail"]["changed"]
    made = verified(made)
    see_all()
    assert Contribution.objects.get(incident=made).party == other and counted(made) == report.level
    again = live.recompute(from_items=True)
    assert (again.states, list(again.levels)) == (0, []), (was, again)


def test_the_actor_that_the_report_names_may_be_kept(saved, report):
    see_all()
    other = monitoring.enter_party(report.situation, name="Lock Column", actor_type="ACT-STF", by=person("sami"))
    made = corrected(saved, report, party=report.party, **{"narrative": "by others"})
    assert made.party == report.party
    see_all()
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, party=other.ref, narrative="x")
    actions.take_over_correction(later, party=report.party, by=person("dana"))
    see_all()
    made = Incident.objects.get(pk=report.pk)
    assert (made.party, made.status, made.story_corrected) == (report.party, "VERIFIED", True)
