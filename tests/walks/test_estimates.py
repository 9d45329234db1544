"""An analyst estimates how many were never reported; nobody else knows that she did."""

from __future__ import annotations

import pytest
from django.urls import reverse

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.monitoring.estimates import actions
from answerable.monitoring.estimates.models import CaptureEstimate
from answerable.monitoring.models import Situation
from answerable.record.models import Entry

pytestmark = pytest.mark.django_db
TABLE = "A,B,C,count\n1,0,0,60\n0,1,0,50\n0,0,1,40\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n"


def analyst():
    return next(p for p in Person.objects.select_related("body__state") if p.has_role("monitoring_analyst"))


def make(table=TABLE, by=None):
    return actions.make_estimate(Situation.objects.first(), counted="Killings, spring", table=table, source="Three registers",
                                 licence="not stated", by=by or analyst())  # fmt: skip


def test_an_estimate_leaves_one_entry_with_counts_and_no_list_name(played):
    before = Entry.objects.count()
    made = make()
    assert Entry.objects.count() == before + 1
    assert made.observed == 202 and made.observed <= made.lower <= made.middle <= made.upper
    assert made.result["kind"] == "estimated" and made.patterns["111"] == 5


def test_a_faulty_table_is_refused_by_its_row_and_changes_nothing(played):
    before = Entry.objects.count()
    with pytest.raises(Refused, match="Row 3: the count -4 is below zero"):
        make("A,B,count\n1,0,5\n0,1,-4\n")
    with pytest.raises(Refused, match="up to 5 lists"):
        make("A,B,C,D,E,F,count\n1,1,0,0,0,0,5\n")
    assert Entry.objects.count() == before and not CaptureEstimate.objects.exists()


def test_a_table_that_allows_no_estimate_is_kept_with_the_reason(played):
    made = make("A,B,count\n1,0,5\n0,1,4\n")
    assert made.upper is None and made.result["obstacles"][0]["code"] == "no_overlap"


def test_analysts_see_it_as_estimated_and_others_see_nothing(office, played):
    made = make()
    page = office(analyst().handle).get(reverse("estimate", args=[made.ref]))
    body = page.content.decode()
    assert page.status_code == 200 and 'class="kind estimated"' in body and body.count("<circle") > 3
    others = [p for p in Person.objects.filter(is_active=True) if not p.has_role("monitoring_analyst")]
    delegate = next(p for p in others if p.body.kind == "delegation")
    with pytest.raises(Refused):
        make(by=delegate)
    for person in (delegate, next(p for p in others if p.has_role("verifier"))):
        client = office(person.handle)
        for address in (reverse("estimate", args=[made.ref]), reverse("estimates", args=[made.situation.ref])):
            assert client.get(address).status_code == 404, person.handle
