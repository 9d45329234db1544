"""What is added to a concluded report raises nothing until a verifier looks again (SOD-01); what lowers it lowers at once."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests_support import see_all
from walks import test_verification
from walks.test_linking import decide, pair_of, within_an_act
from walks.test_verification import T1, add, concluded, graded, person

from answerable.common.errors import Refused
from answerable.monitoring import actions
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake.actions import attaching
from answerable.monitoring.models import Incident, SourceItem
from answerable.record import log

pytestmark = pytest.mark.django_db
report = test_verification.report
PAPER = {"kind": "document", "directness": "secondary", "captured_on": "2026-02-02", "reliability": "B", "credibility": "2", "says": "An order"}  # fmt: skip
AGAIN = "look at its verification again"


def fresh(incident) -> Incident:
    see_all()
    return Incident.objects.get(pk=incident.pk)


@pytest.fixture
def known(report):
    """A report that a verifier concluded at V2: one account, graded by two."""
    made = report()
    graded(add(made, **T1, person_key="one"))
    made = concluded(made)
    assert (made.level, made.status) == ("V2", "CREDIBLE")
    return made


def by_action(incident):
    return actions.add_item(
        incident, kind="document", reliability="B", credibility=2, says="An order", by=person("sami")
    )


def by_form(incident):
    return attaching.attach_item(incident, PAPER, by=person("sami"))


@pytest.mark.parametrize("added", [by_action, by_form])
def test_an_item_added_to_a_concluded_report_raises_it_once_a_verifier_looks_again(known, office, added):
    item = added(known)
    made = fresh(known)
    assert (made.level, made.status) == ("V2", "CREDIBLE")
    assert "An item added since, or consented to since, may raise it to V3a" in made.because[-1]
    page = office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "An item was added, or consented to, after this was concluded" in page and "waits for a verifier" in page
    known_page = office("sami").get(f"/watch/incidents/{made.ref}/known/").content.decode()
    assert "added after verification was concluded" in known_page
    assert AGAIN in office("vera").get("/today/").content.decode()
    assert AGAIN not in office("sami").get("/today/").content.decode()
    assert "Let the rules give the level" in office("vera").get(f"/watch/incidents/{made.ref}/").content.decode()
    see_all()
    with pytest.raises(Refused, match="SOD-01"), transaction.atomic():
        actions.verify_incident(made, by=person("sami"))
    see_all()
    actions.verify_incident(made, by=person("lena"))
    made = fresh(made)
    assert (made.level, made.status, made.verified_by) == ("V3a", "VERIFIED", person("lena")) and len(made.because) == 1
    assert not SourceItem.objects.get(pk=item.pk).waits
    assert log.history(made.ref)[-1].action == "incident verified"
    assert AGAIN not in office("vera").get("/today/").content.decode()
    see_all()
    with pytest.raises(Refused, match="already concluded"), transaction.atomic():
        actions.verify_incident(made, by=person("lena"))


def test_whoever_added_it_does_not_conclude_with_it(known, office):
    item = by_action(known)
    see_all()
    within_an_act(lambda: SourceItem.objects.filter(pk=item.pk).update(added_by=person("vera")))
    assert AGAIN not in office("vera").get("/today/").content.decode()
    assert AGAIN in office("lena").get("/today/").content.decode()
    see_all()
    with pytest.raises(Refused, match="You added an item"), transaction.atomic():
        actions.verify_incident(fresh(known), by=person("vera"))
    assert fresh(known).level == "V2"


def test_what_speaks_against_a_report_counts_at_once(known):
    by_action(known)
    actions.verify_incident(fresh(known), by=person("vera"))
    assert fresh(known).level == "V3a"
    against = add(known, kind="official", reliability="A", credibility=2, contrary=True, says="It was not so.")
    made = fresh(known)
    assert (made.level, made.status) == ("V2", "CREDIBLE") and "no weighing has ended that" in made.because[-1]
    assert not against.waits
    # One more that speaks for it does not lift what the contrary one holds down, nor what stays once that is weighed.
    add(known, kind="register", reliability="A", credibility=1, primary=True, says="A ledger")
    assert fresh(known).level == "V2"
    evidence.weigh_contrary(against, outcome="outweighed", how="r", by=person("lena"))
    made = fresh(known)
    assert (made.level, made.status) == ("V3a", "VERIFIED") and "may raise it to V4" in made.because[-1]


def test_an_item_that_takes_independence_away_lowers_a_level_at_once(report):
    made = report()
    graded(add(made, **T1, person_key="one"))
    paper = add(made, kind="document", reliability="B", credibility=2, says="A paper")
    made = concluded(made)
    assert made.level == "V3a"
    actions.regrade_item(SourceItem.objects.get(pk=paper.pk), credibility=5, by=person("vera"))
    assert fresh(made).level == "V2"
    add(made, kind="document", reliability="B", credibility=2, says="Another paper")
    assert fresh(made).level == "V2", "what was lost is not filled up by what nobody looked at"


def test_a_first_verification_and_one_that_was_opened_again_see_everything_at_once(report, known):
    made = report(area2="Z-77")
    graded(add(made, **T1, person_key="one"))
    by_form(made)
    assert not SourceItem.objects.filter(incident=made, waits=True).exists()
    assert fresh(made).shown_level == "would be V3a" and len(fresh(made).because) == 1
    assert concluded(made).level == "V3a"
    item = by_action(known)
    actions.move_incident(fresh(known), "reopen", by=person("lena"))
    see_all()
    assert concluded(fresh(known)).level == "V3a"
    assert not SourceItem.objects.get(pk=item.pk).waits


def test_an_item_on_a_linked_report_waits_for_whoever_looks_at_the_one_that_is_kept(report, known, office):
    other = report()
    graded(add(other, **T1, person_key="one"))
    decide(pair_of(known, other), "same", "same_details", kept=known)
    actions.verify_incident(fresh(known), by=person("vera"))
    assert fresh(known).level == "V2"
    by_action(fresh(other))
    made = fresh(known)
    assert made.level == "V2" and "An item added since, or" in made.because[-1]
    assert AGAIN in office("vera").get("/today/").content.decode()
    see_all()
    actions.verify_incident(made, by=person("vera"))
    assert fresh(known).level == "V3a"
