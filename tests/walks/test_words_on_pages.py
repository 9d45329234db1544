"""Pages choose nothing for whoever fills them in, offer only what is open, and say codes in words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils.translation import get_language
from tests_support import see_all

from answerable.accountability.models import Finding
from answerable.alliance import labels
from answerable.common import clock, tables
from answerable.fund import lifecycle as payments
from answerable.fund.models import Payment
from answerable.monitoring.models import Incident, SourceItem
from answerable.reparations.models import AwardLine

pytestmark = pytest.mark.django_db


def text(reply):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.content.decode()))


def test_before_an_interview_nothing_is_chosen_and_what_is_needed_is_said(office, saved):
    page = office("dana").get(f"/watch/intake/interviews/ask/{saved('$zandria').ref}/")
    for name in ("told_before", "purpose"):
        field = re.search(rf'<select name="{name}".*?</select>', page.content.decode(), re.S)[0]
        chosen = (
            re.findall(r'<option value="([^"]*)"[^>]*selected', field)
            or re.findall(r'<option value="([^"]*)"', field)[:1]
        )
        assert chosen == [""], name
    says = text(page)
    assert "Pseudonym of the person (needed where no code is entered)" in says
    assert says.count("In a sentence, of three words at least.") == 2


def test_why_a_step_is_not_open_is_said_in_the_readers_language(office, saved):
    """The policies' own sentences, on the page of a report that one collected and among steps that belong to others."""
    see_all()
    incident = Incident.objects.filter(collected_by__handle="sami", status="VERIFIED").first()
    client = office("sami")
    for language, words in (
        ("fr", "Vous avez recueilli"),
        ("uk", "Це повідомлення зібрали ви"),
        ("en", "You collected this report, so"),
    ):
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        page = client.get(f"/watch/incidents/{incident.ref}/").content.decode()
        assert words in page and ("You collected this report" in page) == (language == "en"), language


def test_purposes_of_an_item_stand_in_words(office, saved):
    see_all()
    item = SourceItem.objects.filter(purposes__contains=["CP-MONI"]).select_related("incident").first()
    page = text(office("vera").get(f"/watch/incidents/{item.incident.ref}/"))
    assert "CP-MONI" not in page and "Monitoring" in page


def test_findings_and_replies_are_said_in_words(office, saved):
    assert "SP2" not in text(office("leo").get("/answer/"))
    assert "Reasonable grounds to believe" in text(office("leo").get("/answer/"))


@pytest.mark.writes_freely
def test_while_the_respondent_may_reply_no_assessment_is_offered_and_the_page_says_why(office, saved):
    see_all()
    finding = Finding.objects.first()
    due = clock.now() + timedelta(days=5)
    Finding.objects.filter(pk=finding.pk).update(status="REPLY_PERIOD", reply="", reply_due_at=due)
    before = office("leo").get(f"/answer/{finding.ref}/")
    assert 'value="assess"' not in before.content.decode()
    assert "Begin the panel's assessment : The respondent may reply until" in text(before).replace(
        "&#x27;", "'"
    ).replace("assessment:", "assessment :")
    assert "Denial without evidence" in text(before) and ">DENIAL_BARE<" not in before.content.decode()
    see_all()
    Finding.objects.filter(pk=finding.pk).update(reply_due_at=clock.now() - timedelta(days=1))
    assert 'value="assess"' in office("leo").get(f"/answer/{finding.ref}/").content.decode()


def test_days_of_measures_are_written_as_everywhere(office):
    assert not re.search(r"\d{4}-\d\d-\d\d", text(office("delegate.avn").get("/decide/measures/")))


@pytest.mark.writes_freely
def test_a_claim_names_its_sealed_fields_and_counts_its_instalments_in_words(office, saved):
    see_all()
    line = AwardLine.objects.first()
    AwardLine.objects.filter(pk=line.pk).update(instalments=line.instalments[:1])
    page = text(office("paulo").get(f"/repair/claims/{saved('$claim').ref}/"))
    assert "Area2" not in page and "Where, more closely" in page
    assert "1 instalments" not in page
    assert "Alias" not in text(office("inga").get(f"/repair/claims/{saved('$claim').ref}/"))


@pytest.mark.writes_freely
def test_an_instalment_that_is_planned_does_not_wait_to_be_planned(office, saved):
    see_all()
    line = AwardLine.objects.filter(accepted=True).first()
    payment = Payment.objects.filter(line=line.ref).first()
    Payment.objects.filter(line=line.ref).update(status=payments.CANCELLED)
    AwardLine.objects.filter(pk=line.pk).update(settled=0, instalments=[100, 100])
    fina = office("fina")
    assert f"line={line.ref}&amp;n=1" in fina.get("/today/").content.decode()
    see_all()
    Payment.objects.filter(pk=payment.pk).update(status=payments.PLANNED, instalment=1)
    page = fina.get("/today/").content.decode()
    assert f"line={line.ref}&amp;n=1" not in page and f"line={line.ref}&amp;n=2" in page


def test_a_keeper_reads_that_their_own_key_comes_first(office, monkeypatch):
    from answerable.vault.chamber import CHAMBER

    root, demonstration, heard = CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard
    try:
        ines = office("ines")
        CHAMBER.lock("an inspector locked it")
        page = text(ines.get("/vault/"))
        assert "Unlock your own key here first. Then “Bring my half” stands in this place." in page
    finally:
        CHAMBER.root, CHAMBER.demonstration, CHAMBER.heard, CHAMBER.why_locked = root, demonstration, heard, ""


def test_labels_without_a_column_of_their_own_are_marked_and_said_in_the_readers_language(monkeypatch):
    for name, words in labels.LABELS.items():
        assert list(dict.fromkeys(row.label for row in tables.taxonomy(name).values())) == list(words), name
    code, row = next(iter(tables.taxonomy("early_warning_indicator").items()))
    monkeypatch.setattr(labels, "gettext", lambda english: f"{get_language()}: {english}")
    assert tables.label("early_warning_indicator", code, "ar") == f"ar: {row.label}"
    assert tables.label("early_warning_indicator", code) == row.label
    assert tables.label("violence_form", "SV-RAPE", "fr") == "Viol"
