"""Whose a later version is, where it belongs, and what of it can be read: a correction is no way round a second person (SOD-01)."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from tests_support import see_all
from walks import test_intake_corrected, test_intake_versions
from walks.test_intake import bring, row, table
from walks.test_intake_corrected import BOTH
from walks.test_intake_versions import deliver, person
from walks.test_intake_whole import verified
from walks.test_linking import within_an_act

from answerable.common.errors import Refused
from answerable.monitoring import actions as monitoring
from answerable.monitoring import verifiers
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.actions import correcting, filing
from answerable.monitoring.models import Incident, Party, Situation, SourceItem

pytestmark = pytest.mark.writes_freely
dana, own_folders, report = test_intake_versions.dana, test_intake_versions.own_folders, test_intake_corrected.report
HERS = "You delivered a version of this report"


def fresh(incident):
    see_all()
    return Incident.objects.get(pk=incident.pk)


def by_vera(draft):
    within_an_act(lambda: m.Draft.objects.filter(pk=draft.pk).update(collected_by=person("vera")))
    return m.Draft.objects.get(pk=draft.pk)


def refused(incident, who="vera", status="IN_VERIFICATION"):
    see_all()
    within_an_act(lambda: Incident.objects.filter(pk=incident.pk).update(status=status))
    with pytest.raises(Refused, match=HERS):
        monitoring.verify_incident(fresh(incident), by=person(who))
    return True


# --- who had a part in it -------------------------------------------------------------------------------------------


def test_whoever_delivered_the_version_that_corrects_a_report_does_not_verify_it(saved, report):
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, victims="500")
    correcting.take_over_correction(by_vera(later), by=person("dana"))
    made = fresh(report)
    assert made.status == "REOPENED" and made.victims == 500
    with pytest.raises(Refused, match=HERS):
        monitoring.move_incident(made, "begin_verification", by=person("vera"))
    assert refused(made)
    assert verifiers.her_own_in(person("lena"), made) == ""


def test_whoever_takes_a_version_over_has_a_part_in_the_report(saved, report):
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, victims="500")
    see_all()
    within_an_act(lambda: m.Draft.objects.filter(identity=later.identity).update(collected_by=person("sami")))
    within_an_act(lambda: Incident.objects.filter(pk=report.pk).update(collected_by=person("sami"), versions_by=[]))
    correcting.take_over_correction(m.Draft.objects.get(pk=later.pk), by=person("dana"))
    made = fresh(report)
    assert made.versions_by == sorted([person("sami").ref, person("dana").ref])
    within_an_act(lambda: SourceItem.objects.filter(incident=made).update(added_by=person("sami")))
    assert HERS in verifiers.her_own_in(person("dana"), made)


def test_whoever_collected_an_earlier_version_of_a_draft_does_not_verify_what_came_of_it(saved, dana):
    first, _none = deliver(saved, submission_id="R", party="")
    by_vera(first)
    second, _none = deliver(saved, submission_id="R", victims="4", party="")
    assert m.Draft.objects.get(pk=first.pk).status == m.REPLACED
    made = filing.file_draft(second, party=saved("$brigade"), by=person("dana"))
    assert refused(made)


def test_whoever_corrects_a_story_does_not_say_that_its_level_holds(saved, report, office):
    later, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, narrative="told anew")
    correcting.take_over_correction(by_vera(later), by=person("dana"))
    made = fresh(report)
    assert made.story_corrected
    with pytest.raises(Refused, match=HERS):
        correcting.look_at_corrected_story(made, holds=True, by=person("vera"))
    vera = office("vera")
    page = vera.get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "The level still holds" not in page
    assert "look whether the level still holds" not in vera.get("/today/").content.decode()
    correcting.look_at_corrected_story(fresh(made), holds=True, by=person("lena"))
    assert not fresh(made).story_corrected


def test_a_verifier_who_had_no_part_is_not_held_back(saved, dana):
    _draft, made = deliver(saved, submission_id="N", items=BOTH)
    assert made.versions_by == [person("dana").ref]
    assert verified(made).status in ("VERIFIED", "CREDIBLE", "ALLEGED")


def test_reports_from_before_are_given_whose_versions_they_had(saved, report):
    second, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, victims="4")
    by_vera(second)
    third, _none = deliver(saved, submission_id="C", when="2026-01-14", items=BOTH, victims="5")
    correcting.take_over_correction(third, by=person("dana"))
    names = fresh(report).versions_by
    assert names == sorted([person("dana").ref, person("vera").ref])
    within_an_act(lambda: Incident.objects.filter(pk=report.pk).update(versions_by=[]))
    fill = importlib.import_module("answerable.monitoring.migrations.0024_whose_versions").of_before
    within_an_act(lambda: fill(apps, SimpleNamespace(connection=connection)))
    assert fresh(report).versions_by == names


# --- what of it can be read -----------------------------------------------------------------------------------------


def opened(client, url, field="narrative"):
    reply = client.post(url, {"field": field})
    return reply.status_code, reply.content.decode()


def test_a_correction_without_texts_leaves_the_older_ones_to_be_read(saved, report, office, dana):
    coded = {
        k: v
        for k, v in row(saved, submission_id="C", when="2026-01-14", victims="7").items()
        if k not in ("narrative", "link_reason")
    }
    later = bring(table(coded), dana).drafts.get()
    assert later.status == m.CORRECTION and not later.narrative
    waiting = opened(office("lena"), f"/watch/intake/drafts/{later.ref}/texts/")
    see_all()
    correcting.take_over_correction(later, by=person("dana"))
    made = fresh(report)
    assert made.victims == 7
    for field, words in (("narrative", "what was told"), ("link_reason", "the unit wore its badges"), ("place", "")):
        status, page = opened(office("vera"), f"/watch/incidents/{made.ref}/read/", field)
        assert status == 200 and words in page and "shredded" not in page
    assert waiting[0] in (200, 404) and "shredded" not in waiting[1]


# --- where it belongs -----------------------------------------------------------------------------------------------


def test_a_later_version_takes_no_report_to_another_situation(saved, report, office):
    see_all()
    other = Situation.objects.exclude(pk=report.situation_id).filter(parties__isnull=False).first()
    assert other is not None
    party = Party.objects.filter(situation=other).first()
    later, _none = deliver(
        saved, submission_id="C", when="2026-01-14", items=BOTH, situation=other.ref, party=party.ref
    )
    see_all()
    for chosen in (None, party, report.party):
        with pytest.raises(Refused, match="another situation than the report"):
            correcting.take_over_correction(later, actors=[chosen] if chosen else (), by=person("dana"))
        see_all()
    assert fresh(report).party == report.party and fresh(report).status == report.status
    page = office("dana").get(f"/watch/intake/drafts/{later.ref}/").content.decode()
    assert "names another situation" in page and "Correct the report by this version" not in page
