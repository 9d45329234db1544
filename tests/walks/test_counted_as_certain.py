"""What is known only within limits makes no pattern by itself: dates from filing to the tests of §1.4, and names of areas."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse

from answerable.alliance.models import Person
from answerable.authority.acting import set_scope
from answerable.common import clock
from answerable.monitoring import actions as monitoring
from answerable.monitoring import queries as monitoring_queries
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake.actions import correcting, reporting
from answerable.monitoring.intake.models import Draft
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns.models import Contribution, PatternState

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]
ITEMS = [
    {"kind": "testimony", "directness": "primary", "captured_on": "2026-02-01", "testimony": "T1", "purposes": "CP-MONI",
     "understood": "yes", "withdrawal_told": "yes", "says": "a"},
    {"kind": "document", "directness": "primary", "captured_on": "2026-02-01", "reliability": "A", "credibility": "1", "says": "b"},
]  # fmt: skip
GIVEN = {
    "referral_offered": "yes", "searched_first": "yes", "area1": "Kesh", "area2": "Dorn", "actor_types": "ACT-STF",
    "forms": "SV-RAPE", "links": "LK-PERP", "link_reason": "the unit wore its badges", "victims": "2", "risk": "high",
}  # fmt: skip


class Office:
    """Dana tells, Sami triages, Vera verifies."""

    def __init__(self, saved):
        set_scope(["*"])
        self.situation = saved("$zandria")
        self.party = Party.objects.create(situation=self.situation, name="Column Q", actor_type="ACT-STF")
        self.told = 0

    def person(self, handle):
        set_scope(["*"])
        return Person.objects.select_related("body__state").get(handle=handle)

    def verified(self, **more) -> Incident:
        self.told += 1
        given = {
            **GIVEN,
            "situation": self.situation.ref,
            "party": self.party.ref,
            "narrative": f"told {self.told}",
            "items": ITEMS,
            **more,
        }
        _draft, incident = reporting.deliver_report(given, route="api", by=self.person("dana"))
        for who in ("vera", "lena"):
            evidence.assess_item(incident.items.get(kind="testimony"), testimony="T1", reasons="r", by=self.person(who))
        for name, by in (("triage", "sami"), ("begin_verification", "vera")):
            monitoring.move_incident(incident, name, by=self.person(by))
        monitoring.verify_incident(incident, by=self.person("vera"))
        set_scope(["*"])
        incident.refresh_from_db()
        return incident

    def pattern(self):
        made = monitoring.assess_pattern(self.party, commonalities=["method"], by=self.person("sami"))
        set_scope(["*"])
        return made.result


@pytest.fixture
def office_of(played, db, saved, settings, tmp_path):
    settings.INTAKE = tmp_path / "intake"
    return Office(saved)


@pytest.mark.slow
def test_a_range_keeps_both_ends_and_is_days_apart_only_when_it_must_be(office_of):
    told = [office_of.verified(when=when) for when in ("2026-01-01/2026-01-20", "2026-01-12", "2026-01-13")]
    adds = Contribution.objects.get(incident=told[0])
    assert (adds.earliest, adds.latest) == (date(2026, 1, 1), date(2026, 1, 20))
    pattern = office_of.pattern()["tests"]["PT"]
    assert not pattern["met"] and "or 1 day apart" in pattern["says"]
    # A fourth that lies eight days after the last day the range may have been.
    office_of.verified(when="2026-01-21")
    assert office_of.pattern()["tests"]["PT"]["met"]


@pytest.mark.parametrize(
    ("when", "first", "last"),
    [
        ("2025-12-15~", date(2025, 11, 15), date(2026, 1, 14)),
        ("2025-12?", date(2025, 10, 31), date(2026, 1, 31)),
        ("2025-36", date(2025, 10, 1), date(2025, 12, 31)),
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_a_date_that_is_about_or_partial_counts_as_any_day_it_may_have_been(office_of, when, first, last):
    adds = Contribution.objects.get(incident=office_of.verified(when=when))
    assert (adds.earliest, adds.latest) == (first, last)


def test_a_correction_moves_both_ends(office_of):
    told = office_of.verified(when="2026-01-01/2026-01-20", submission_id="Q1")
    for when, first, last, kept in (
        ("2026-01-05/2026-01-09", date(2026, 1, 5), date(2026, 1, 9), True),
        ("2026-01-07", date(2026, 1, 7), date(2026, 1, 7), False),
    ):
        given = {**GIVEN, "situation": office_of.situation.ref, "party": office_of.party.ref, "submission_id": "Q1", "when": when,
                 "narrative": when, "items": []}  # fmt: skip
        draft, _none = reporting.deliver_report(given, route="api", by=office_of.person("dana"))
        correcting.take_over_correction(Draft.objects.get(pk=draft.pk), by=office_of.person("dana"))
        set_scope(["*"])
        told.refresh_from_db()
        adds = Contribution.objects.get(incident=told)
        assert (adds.earliest, adds.latest) == (first, last) and (told.latest == last if kept else told.latest is None)


def test_one_area_in_four_spellings_is_one(office_of):
    for area1, area2 in (("Kesh", "Dorn"), ("kesh", "dorn"), ("Kesh", "Dorn  town"), ("KESH", "DORN")):
        office_of.verified(when="2026-01-12", area1=area1, area2=area2)
    found = office_of.pattern()
    assert not found["tests"]["PT"]["met"] and "1 area (2)" in found["tests"]["PT"]["says"]
    assert len(found["areas"]) == 1 and found["areas"][0] in {"Dorn", "DORN", "dorn", "Dorn  town"}
    assert set(Contribution.objects.filter(party=office_of.party).values_list("area1", "area2")) == {("kesh", "dorn")}
    other = office_of.verified(when="2026-01-12", area1="Kesh", area2="Ulm")
    assert office_of.pattern()["tests"]["PT"]["met"] and other.area2 == "Ulm"


@pytest.mark.slow
def test_a_year_is_in_no_window_but_the_one_that_holds_all_of_it(office_of, office):
    """Of 1 February, 10 March 2024 and "2025" no twelve months hold three for certain, though the year's first day is near both."""
    for when in ("2024-02-01", "2024-03-10", "2025"):
        office_of.verified(when=when, victims="10")
    windows = dict(
        PatternState.objects.filter(party=office_of.party, reported_incidents__gt=0).values_list(
            "ends_on", "verified_victims"
        )
    )
    assert windows == {date(2024, 2, 1): 10, date(2024, 3, 10): 20, date(2025, 12, 31): 10}
    assert not PatternState.objects.filter(party=office_of.party, ws=True).exists()
    address = reverse("pattern-window", args=[office_of.party.ref, "2024-03-10"])
    page = office("sami").get(address).content.decode()
    assert "may lie in these twelve months" not in page
    office_of.verified(when="2023-12-20/2024-02-05", victims="4")
    set_scope(["*"])
    within = PatternState.objects.get(party=office_of.party, ends_on=date(2024, 3, 10))
    assert within.verified_victims == 24
    office_of.verified(when="2022-05-01/2024-02-05", victims="50")
    set_scope(["*"])
    assert not PatternState.objects.filter(party=office_of.party, verified_victims__gte=50).exists()
    page = office("sami").get(address).content.decode()
    assert "may lie in these twelve months and is not sure to" in page and "50" in page


@pytest.mark.slow
def test_nothing_lies_after_the_day_on_which_it_was_told(office_of):
    """A report of "this year", filed today, tells of days until today: the twelve months to today hold it."""
    today = clock.today()
    for when in (f"{today:%Y}", f"{today:%Y-%m}", f"{today:%Y-%m-%d}~"):
        office_of.verified(when=when, victims="3")
    windows = PatternState.objects.filter(party=office_of.party, reported_incidents__gt=0).values_list(
        "ends_on", "verified_victims"
    )
    assert dict(windows) == {today: 9}
    made = monitoring.assess_pattern(office_of.party, commonalities=["method"], by=office_of.person("sami"))
    assert made.result["verified_victims"] == 9 == monitoring_queries.retest(made)["verified_victims"]


@pytest.mark.slow
def test_a_chain_counts_a_rough_date_only_while_the_unit_stood_under_it_all_the_time(office_of):
    """A finding is drafted on what is worked out anew: that counts what the assessment counts."""
    top = Party.objects.create(situation=office_of.situation, name="Command Q", actor_type="ACT-STF")
    linking.note_subordination(
        office_of.party,
        top,
        from_on=date(2026, 1, 1),
        to_on=date(2026, 1, 10),
        source="order 1",
        by=office_of.person("sami"),
    )
    for when in ("2026-01-02", "2026-01", "2026-01-05/2026-01-20"):
        office_of.verified(when=when)
    made = monitoring.assess_pattern(top, chain=True, by=office_of.person("sami"))
    set_scope(["*"])
    again = monitoring_queries.retest(made)
    assert made.result["verified_incidents"] == 1 == again["verified_incidents"]
    assert (
        made.result["verified"] == again["verified"]
        and made.result["verified_victims"] == again["verified_victims"] == 2
    )
    first, rough, _range = Incident.objects.filter(party=office_of.party).order_by("id")
    assert patterns.concerned(top, first) and not patterns.concerned(top, rough)


@pytest.mark.slow
def test_a_verifier_concludes_for_the_actors_that_her_page_showed(office_of, office):
    given = {**GIVEN, "situation": office_of.situation.ref, "party": office_of.party.ref, "when": "2026-01-04", "narrative": "n",
             "items": ITEMS}  # fmt: skip
    _draft, incident = reporting.deliver_report(given, route="api", by=office_of.person("dana"))
    for name, by in (("triage", "sami"), ("begin_verification", "vera")):
        monitoring.move_incident(incident, name, by=office_of.person(by))
    vera = office("vera")
    page = vera.get(f"/watch/incidents/{incident.ref}/").content.decode()
    shown = re.search(r'name="shown" value="([^"]+)"', page)[1]
    other = Party.objects.create(situation=office_of.situation, name="Militia Q", actor_type="ACT-PGM")
    monitoring.name_further_actors(incident, also=[other], by=office_of.person("sami"))
    reply = vera.post(f"/watch/incidents/{incident.ref}/verify/", {"shown": shown})
    assert reply.status_code == 409 and "Since you opened this page" in reply.content.decode()
    set_scope(["*"])
    incident.refresh_from_db()
    assert incident.status == "IN_VERIFICATION"
    page = vera.get(f"/watch/incidents/{incident.ref}/").content.decode()
    shown = re.search(r'name="shown" value="([^"]+)"', page)[1]
    assert vera.post(f"/watch/incidents/{incident.ref}/verify/", {"shown": shown}).status_code == 303
