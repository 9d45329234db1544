"""A correction strikes a verified report from the count where a fact that counts is another, and not by its story alone."""

from __future__ import annotations

import re

import pytest
from tests_support import graded_by_two, see_all
from walks import test_intake_versions
from walks.test_intake_refuses import PAPER
from walks.test_intake_versions import deliver, person, withdrawn
from walks.test_intake_whole import TOLD, verified

from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import correcting
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns import recomputing
from answerable.monitoring.patterns.models import Contribution
from answerable.record import log
from answerable.vault import client
from answerable.vault.consent import actions as consent
from conftest import PASSPHRASE

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
    return "".join(Contribution.objects.filter(incident=incident).exclude(level="").values_list("level", flat=True))


def corrected(saved, report, actors=(), **more):
    later, _none = deliver(saved, **{"submission_id": "C", "when": "2026-01-14", "items": BOTH, **more})
    correcting.take_over_correction(later, actors=actors, by=person("dana"))
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
            correcting.look_at_corrected_story(made, holds=True, by=person(who))
    shown = re.search(r'name="shown" value="([^"]+)"', vera.get(url).content.decode())[1]
    assert vera.post(f"/watch/intake/story/{made.ref}/", {"holds": "yes", "shown": shown}).status_code == 303
    see_all()
    made = Incident.objects.get(pk=made.pk)
    assert (made.status, made.story_corrected, counted(made)) == ("VERIFIED", False, report.level)
    assert log.history(made.ref)[-1].action == "corrected story looked at"
    assert words not in vera.get(url).content.decode() and words not in vera.get("/today/").content.decode()
    see_all()
    with pytest.raises(Refused, match="No correction of its story waits"):
        correcting.look_at_corrected_story(made, holds=True, by=person("vera"))


def test_a_verifier_for_whom_the_level_no_longer_holds_opens_it_again(saved, report):
    made = corrected(saved, report, narrative="told anew")
    made = correcting.look_at_corrected_story(made, holds=False, by=person("vera"))
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
        assert "names other armed actors" in office_of_dana.get(page).content.decode()
    assert "Lock Column" in office("vera").get(f"/watch/incidents/{report.ref}/").content.decode()
    see_all()
    with pytest.raises(Refused, match="Choose for which it counts"):
        correcting.take_over_correction(later, by=person("dana"))
    see_all()
    if third is not None:
        with pytest.raises(Refused, match="Choose the actors"):
            correcting.take_over_correction(later, actors=[third], by=person("dana"))
        see_all()
    reply = office_of_dana.post(f"/watch/intake/drafts/{later.ref}/take-over/", {"actors": "version"})
    assert reply.status_code == 303, reply.content[:500]
    see_all()
    made = Incident.objects.get(pk=report.pk)
    assert (made.party, made.status, counted(made)) == (other, "REOPENED", "")
    assert "party" in log.history(made.ref)[-1].event["detail"]["changed"]
    page = office("vera").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "A correction replaced the armed actor" in page and was.name in page
    see_all()
    for handle, words in (
        ("sami", "reopened: to triage anew"),
        ("vera", "reopened: to verify anew once it is triaged"),
    ):
        page = office(handle).get("/today/").content.decode()
        assert f"/watch/incidents/{made.ref}/" in page and words in page, handle
    page = office("vera").get("/watch/incidents/?status=REOPENED")
    assert "Reopened" in page.content.decode() and {i.status for i in page.context["rows"]} == {"REOPENED"}
    see_all()
    made = verified(made)
    see_all()
    assert Contribution.objects.get(incident=made, level=made.level).party == other and counted(made) == report.level
    again = recomputing.recompute(from_items=True)
    assert (again.states, list(again.levels)) == (0, []), (was, again)


def test_the_actor_that_the_report_names_may_be_kept(saved, report):
    see_all()
    other = monitoring.enter_party(report.situation, name="Lock Column", actor_type="ACT-STF", by=person("sami"))
    made = corrected(saved, report, actors=[report.party], **{"narrative": "by others"})
    assert made.party == report.party
    see_all()
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, party=other.ref, narrative="x")
    correcting.take_over_correction(later, actors=[report.party], by=person("dana"))
    see_all()
    made = Incident.objects.get(pk=report.pk)
    assert (made.party, made.status, made.story_corrected) == (report.party, "VERIFIED", True)


SCHOOL, CHAPEL = "it was the school and not the chapel", "Two were taken at the mill by soldiers"


def ask_in(handle):
    return client.ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]


def opened(browser, ref, field="narrative"):
    return browser.post(f"/watch/incidents/{ref}/read/", {"field": field}).content.decode()


def test_the_newest_story_is_opened_first_with_the_earlier_ones_beside_it(saved, office, report):
    """Whoever opens the report's words reads what was corrected, and each text that was opened has its entry."""
    first = opened(office("vera"), report.ref)
    assert "what was told" in first and "Newest version" not in first
    see_all()
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, narrative=CHAPEL)
    correcting.take_over_correction(later, by=person("dana"))
    see_all()
    last, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, narrative=SCHOOL)
    see_all()
    assert SCHOOL not in opened(office("vera"), report.ref)  # it waits to be taken over, and is the report's only then
    see_all()
    correcting.take_over_correction(last, by=person("dana"))
    for who in ("vera", "sami"):
        page = opened(office(who), report.ref)
        assert page.index(SCHOOL) < page.index(CHAPEL) < page.index("what was told"), who
        assert page.index("Newest version") < page.index("Earlier version") < page.index("As it was filed")
        see_all()
        for ref in (report.ref, later.ref, last.ref):
            entry = log.history(ref)[-1]
            assert (entry.action, entry.actor) == ("sealed field read", person(who).ref), (who, ref)
    for who in ("dana", "delegate.avn"):  # whoever may not open the report's words opens no version of them
        assert "what was told" not in (page := opened(office(who), report.ref)) and SCHOOL not in page, who
    # The later version's own reference leads to the report, for whoever sees it.
    reply = office("vera").get(f"/watch/incidents/{last.ref}/")
    assert reply.status_code == 302 and reply["Location"].endswith(f"/watch/incidents/{report.ref}/")
    assert office("delegate.avn").get(f"/watch/incidents/{last.ref}/").status_code == 404


def test_a_correction_shows_what_it_changes_and_both_texts_and_history_says_which_questions(saved, office, report):
    later, _none = deliver(saved, submission_id="C", when="2026-01", items=BOTH, victims="4", narrative=SCHOOL,
                           victim_counts="VC-GIR:1")  # fmt: skip
    dana = office("dana")
    page = dana.get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    table = page[page.index("What this version changes") : page.index("</table>")]
    assert "2026-01-14" in table and "Girl under 18: 1" in table and "Forms of violence" not in table
    assert "Opens this version" not in page
    assert dana.post(f"/watch/intake/drafts/{later.ref}/texts/", {"field": "narrative"}).status_code == 409
    sami = office("sami")
    assert "Opens this version" in sami.get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    both = sami.post(f"/watch/intake/drafts/{later.ref}/texts/", {"field": "narrative"}).content.decode()
    assert both.index(SCHOOL) < both.index("what was told")
    assert office("vera").post(f"/watch/intake/drafts/{later.ref}/texts/", {"field": "narrative"}).status_code == 404
    see_all()
    assert log.history(later.ref)[-1].action == log.history(report.ref)[-1].action == "sealed field read"
    correcting.take_over_correction(later, by=person("dana"))
    page = office("vera").get(f"/watch/incidents/{report.ref}/").content.decode()
    assert "changed: When it happened" in page and "Survivors and victims by category" in page and SCHOOL not in page


def test_the_corrected_story_is_sealed_with_the_report_when_she_withdraws(saved, office, report, later):
    from answerable.vault.models import DataKey

    made = corrected(saved, report, narrative=SCHOOL)
    version = m.Draft.objects.get(corrects=made.ref)
    assert SCHOOL in opened(office("vera"), made.ref)
    withdrawn(made, later, days=0)
    assert SCHOOL not in opened(office("vera"), made.ref)
    see_all()
    with pytest.raises(Refused):
        client.ask("open", token=ask_in("vera"), ref=version.ref, fields=["narrative"], purpose="verification")
    see_all()
    later(days=31)
    with scope_of(CLOCK):
        consent.owed()
    see_all()
    assert not DataKey.objects.filter(subject__in=[made.ref, version.ref]).exists()


def test_an_account_that_may_not_be_read_seals_every_version_of_the_story(saved, office, report):
    made = corrected(saved, report, narrative=SCHOOL)
    version, account = m.Draft.objects.get(corrects=made.ref), made.items.get(kind="testimony")
    consent.withdraw_consent(account, ["CP-MONI"], heard_through="office", by=person("sami"))
    see_all()
    for ref in (made.ref, version.ref):
        with pytest.raises(Refused):
            client.ask("open", token=ask_in("vera"), ref=ref, fields=["narrative"], purpose="verification")
        see_all()
