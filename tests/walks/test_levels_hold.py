"""A level never stands above what the rules give now, and no source stands for two (R-VER-1, R-VER-4, SOD-01, §1.4)."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from PIL import Image
from tests_support import see_all
from walks import test_verification
from walks.test_linking import decide, pair_of
from walks.test_verification import T1, add, concluded, graded, person

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions
from answerable.monitoring.evidence.models import EvidenceFile
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.models import Incident, Party, SourceItem
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.patterns import recomputing
from answerable.monitoring.patterns.models import PatternState
from answerable.monitoring.warning import queries as warning
from answerable.record.models import Entry
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report
A1 = {"kind": "document", "primary": True, "reliability": "A", "credibility": 1}
B2 = {"kind": "document", "reliability": "B", "credibility": 2}


def fresh(incident) -> Incident:
    see_all()
    return Incident.objects.get(pk=incident.pk)


def counted(incident) -> bool:
    """Whether early warning counts it today."""
    see_all()
    return incident.ref in warning.reading(incident.situation, clock.today()).incidents


def recomputed_alike(incident) -> None:
    """A full recomputation changes nothing of it."""
    before = fresh(incident)
    recomputing.recompute(from_items=True)
    after = fresh(incident)
    assert (after.level, after.status, after.because) == (before.level, before.status, before.because)


# --- a report that was opened again ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_report_opened_again_falls_with_its_items(report, office):
    made = report(victims=40, victims_min=40, victims_max=40)
    items = [add(made, **A1, says="a"), add(made, **B2, says="b")]
    made = concluded(made)
    assert made.level == "V3c" and counted(made)
    actions.move_incident(made, "reopen", by=person("lena"))
    made = fresh(made)
    assert (made.status, made.level, made.shown_level) == ("REOPENED", "V3c", "would be V3c") and counted(made)
    for item in items:
        actions.regrade_item(SourceItem.objects.get(pk=item.pk), reliability="F", credibility=6, by=person("vera"))
        see_all()
    made = fresh(made)
    assert (made.status, made.level) == ("REOPENED", "V1") and not counted(made)
    recomputed_alike(made)
    assert "would be V1" in office("sami").get(f"/watch/incidents/{made.ref}/").content.decode()


def test_a_report_opened_again_is_counted_no_more_once_her_consent_ends(report):
    made = report()
    told = graded(add(made, **T1, person_key="one"))
    add(made, kind="document", reliability="E", credibility=5, says="weak")
    made = concluded(made)
    actions.move_incident(made, "reopen", by=person("lena"))
    assert fresh(made).level == "V2" and counted(made)
    consent.withdraw_consent(SourceItem.objects.get(pk=told.pk), ["CP-MONI"], by=person("sami"))
    assert (fresh(made).status, fresh(made).level) == ("REOPENED", "V1") and not counted(made)


@pytest.mark.slow
def test_a_link_taken_back_after_a_regrade_leaves_no_level_behind(report):
    kept, other = report(), report()
    add(kept, **A1, says="a")
    paper = add(other, **B2, says="b")
    kept, other = concluded(kept), concluded(other)
    assert other.level == "V2"
    pair = pair_of(kept, other)
    decide(pair, "same", "same_details", kept=kept)
    actions.regrade_item(SourceItem.objects.get(pk=paper.pk), reliability="F", credibility=6, by=person("lena"))
    see_all()
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person("lena"))
    assert (fresh(other).status, fresh(other).level) == ("REOPENED", "V1") and not counted(other)
    recomputed_alike(other)


@pytest.mark.writes_freely
def test_a_recomputation_lowers_what_stood_too_high(report):
    made = report()
    add(made, **A1, says="a")
    made = concluded(made)
    actions.move_incident(made, "reopen", by=person("lena"))
    see_all()
    Incident.objects.filter(pk=made.pk).update(level="V3c")  # as an earlier version of the software left it
    recomputing.recompute(from_items=True)
    assert fresh(made).level == "V2"


# --- one source on two reports ----------------------------------------------------------------------------------------


def picture(colour: int) -> SimpleUploadedFile:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (colour, 20, 30)).save(out, "PNG")
    return SimpleUploadedFile("order.png", out.getvalue())


def take(office, item, colour: int) -> None:
    reply = office("vera").post(
        f"/watch/items/{item.ref}/evidence/take/", {"file": picture(colour), "why": "verification"}
    )
    assert reply.status_code == 303, reply.content.decode()[:2000]
    see_all()


def two(report, one, other, why="same_details"):
    """Two reports concluded by themselves and linked; then a verifier looks at both."""
    kept, dup = report(), report()
    items = [add(kept, **one), add(dup, **other)]
    kept, dup = concluded(kept), concluded(dup)
    decide(pair_of(kept, dup), "same", why, kept=kept)
    return fresh(kept), items


def looked_at(kept) -> Incident:
    see_all()
    actions.verify_incident(fresh(kept), by=person("vera"))
    return fresh(kept)


@pytest.mark.slow
def test_the_same_words_on_two_linked_reports_are_one_source(report, office):
    kept, _items = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": " order  No. 17 "})
    kept = looked_at(kept)
    assert kept.level == "V2" and "share a root" in kept.because[-1]
    page = office("sami").get(f"/watch/incidents/{kept.ref}/known/").content.decode()
    assert "the same words" in page
    recomputed_alike(kept)


def test_other_words_on_two_linked_reports_are_two_sources(report):
    kept, _items = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": "Order no. 18"})
    assert looked_at(kept).level == "V3c"


@pytest.mark.slow
def test_reports_linked_as_of_the_same_source_are_one_source(report, office):
    kept, _items = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": "what the order says"}, why="same_source")
    kept = looked_at(kept)
    assert kept.level == "V2"
    page = office("sami").get(f"/watch/incidents/{kept.ref}/known/").content.decode()
    assert "linked as going back to the same source" in page
    # What each has of its own still is two sources: another item on the kept report, of another origin.
    add(kept, **B2, says="a ledger")
    assert looked_at(kept).level == "V3c"
    recomputed_alike(kept)


def test_the_same_file_on_two_linked_reports_is_one_source_whenever_it_comes(report, office, settings, tmp_path):
    settings.QUARANTINE = tmp_path / "quarantine"
    kept, (one, other) = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": "the very paper"})
    assert looked_at(kept).level == "V3c"
    take(office, one, 9)
    take(office, other, 8)
    assert fresh(kept).level == "V3c"
    take(office, other, 9)
    kept = fresh(kept)
    assert (kept.level, kept.status) == ("V2", "CREDIBLE")
    assert "the same file" in office("sami").get(f"/watch/incidents/{kept.ref}/known/").content.decode()
    recomputed_alike(kept)


def looked(office, item) -> None:
    """Somebody looks at the newest file of an item."""
    see_all()
    file = SourceItem.objects.get(pk=item.pk).files.latest("id")
    reply = office("vera").post(f"/watch/evidence/{file.ref}/show/")
    assert reply.status_code == 200, reply.content.decode()[:500]
    see_all()


NOT_MARKED = "stored before the same file was known again"


@pytest.mark.writes_freely
@pytest.mark.parametrize("found", ["looked at", "one more comes in"])
def test_files_from_before_there_were_marks_get_theirs_when_the_vault_has_one_before_it(
    report, office, settings, tmp_path, found
):
    settings.QUARANTINE = tmp_path / "quarantine"
    kept, (one, other) = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": "the very paper"})
    kept = looked_at(kept)
    take(office, one, 9)
    take(office, other, 9)
    EvidenceFile.objects.update(alike="")  # as an earlier version of the software stored them
    recomputing.recompute(from_items=True)
    assert fresh(kept).level == "V3c"
    assert NOT_MARKED in office("vera").get(f"/watch/items/{one.ref}/evidence/").content.decode()
    see_all()
    before = Entry.objects.filter(action="files found to be the same").count()
    if found == "looked at":
        looked(office, one)
    else:
        take(office, add(report(area2="Z-77"), **B2, says="a third"), 9)
    marks = set(EvidenceFile.objects.filter(item__in=[one, other]).values_list("alike", flat=True))
    assert len(marks) == 1 and marks != {""}
    assert (fresh(kept).level, fresh(kept).status) == ("V2", "CREDIBLE")
    assert Entry.objects.filter(action="files found to be the same").count() == before + 1
    assert NOT_MARKED not in office("vera").get(f"/watch/items/{one.ref}/evidence/").content.decode()
    looked(office, one)
    assert Entry.objects.filter(action="files found to be the same").count() == before + 1, "once is enough"
    recomputed_alike(kept)


@pytest.mark.writes_freely
def test_another_file_of_before_gets_no_mark_of_this_one(report, office, settings, tmp_path):
    settings.QUARANTINE = tmp_path / "quarantine"
    kept, (one, other) = two(report, {**A1, "says": "Order no. 17"}, {**A1, "says": "the very paper"})
    kept = looked_at(kept)
    take(office, one, 9)
    take(office, other, 8)
    EvidenceFile.objects.update(alike="")
    looked(office, one)
    assert [f.alike == "" for f in EvidenceFile.objects.filter(item__in=[one, other]).order_by("id")] == [False, True]
    assert fresh(kept).level == "V3c"


def test_the_vault_which_takes_a_file_may_work_levels_out():
    """What `relevel` writes or locks: PostgreSQL asks for the right to update a row that is locked."""
    see_all()
    names = (
        "incident",
        "contribution",
        "patternstate",
        "statechange",
        "indicator",
        "patternassessment",
        "restatement",
        "retest",
    )
    tables = [*(f"monitoring_{n}" for n in names), "record_reliance"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t FROM unnest(%s::text[]) t WHERE NOT has_table_privilege('answerable_vault', t, 'UPDATE')",
            [tables],
        )
        assert cursor.fetchall() == []


# --- indicators and commonalities -------------------------------------------------------------------------------------


def indicator(party, *items, code="SY-1"):
    see_all()
    made = patterns.record_indicator(
        party, code=code, standard="SP2", supporting=list(items), reasons="r", by=person("sami")
    )
    see_all()
    made.refresh_from_db()
    return made


def test_two_posts_on_two_articles_on_one_report_bear_an_indicator_out_once(report, saved):
    made = report()
    source = add(made, **{**B2, "says": "the one report of an organisation"})
    articles = [add(made, **{**B2, "says": f"article {n}"}, parents=[source]) for n in range(2)]
    posts = [add(made, **{**A1, "says": f"post {n}"}, parents=[a]) for n, a in enumerate(articles)]
    made = concluded(made)
    assert made.level == "V2"
    for pair in (articles, posts):
        found = indicator(saved("$brigade"), *pair)
        assert found.reached == "SP1" and not found.supported


def test_an_item_of_a_report_that_nobody_verified_bears_no_indicator_out(report, saved):
    known, other = report(), report(area2="Z-99")
    first = add(known, kind="document", reliability="C", credibility=3, says="a")
    second = add(other, **A1, says="b")
    concluded(known)
    found = indicator(saved("$brigade"), first, second)
    assert found.reached == "SP1" and "no verifier has concluded" in found.because[0]
    concluded(other)
    found.refresh_from_db()
    assert found.reached == "SP2" and found.supported
    see_all()
    actions.move_incident(fresh(other), "refer_elsewhere", by=person("sami"))
    see_all()
    found.refresh_from_db()
    assert found.reached == "SP1" and not found.supported
    before = (found.reached, found.because, found.days)
    recomputing.recompute(from_items=True)
    found.refresh_from_db()
    assert (found.reached, found.because, found.days) == before


def test_the_items_of_a_linked_report_count_while_the_kept_one_does(report, saved):
    kept, items = two(report, {**A1, "says": "one"}, {**A1, "says": "two"})
    found = indicator(saved("$brigade"), *items)
    assert found.reached == "SP2"
    actions.move_incident(fresh(kept), "reopen", by=person("lena"))
    see_all()
    found.refresh_from_db()
    assert found.reached == "none" and not found.days


@pytest.mark.writes_freely
@pytest.mark.slow
def test_a_commonality_reasoned_of_one_year_makes_no_pattern_of_another(report, saved):
    see_all()
    party = Party.objects.create(situation=saved("$zandria"), name="Column of two years", actor_type="ACT-STF")
    today = clock.today()

    def three(around: date) -> None:
        for n in range(3):
            made = report(party=party, on=around - timedelta(days=20 * n), area2=f"Z-{around.year}-{n}", victims=3)
            add(made, **A1, says=f"{around} {n}")
            add(made, **B2, says=f"{around} {n} b")
            assert concluded(made).level == "V3c"

    three(today - timedelta(days=5 * 365))
    three(today - timedelta(days=10))

    def met() -> dict[int, bool]:
        see_all()
        shown = PatternState.objects.filter(party=party, reported_incidents__gt=0).order_by("ends_on")
        return {s.ends_on.year: s.pt for s in shown}

    assert set(met().values()) == {False}
    actions.assess_pattern(party, commonalities=["method"], by=person("sami"))
    after = met()
    assert after.pop(today.year) and not any(after.values())
    again = recomputing.recompute(from_items=True)
    assert not again.states and met()[today.year]


# --- who added an item ------------------------------------------------------------------------------------------------


@pytest.mark.writes_freely
def test_one_person_alone_verifies_nothing(report, office):
    made = report(by=person("dana"))
    for n in range(2):
        add(made, **A1, says=f"mine {n}")
    see_all()
    SourceItem.objects.filter(incident=made).update(added_by=person("vera"))
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    see_all()
    with pytest.raises(Refused, match="SOD-01"), transaction.atomic():
        actions.move_incident(fresh(made), "begin_verification", by=person("vera"))
    actions.move_incident(fresh(made), "begin_verification", by=person("lena"))
    see_all()
    with pytest.raises(Refused, match="SOD-01"), transaction.atomic():
        actions.verify_incident(fresh(made), by=person("vera"))
    assert fresh(made).status == "IN_VERIFICATION"
    page = office("vera").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert "Let the rules give the level" not in page and "You added an item" in page
    see_all()
    assert actions.verify_incident(fresh(made), by=person("lena")).level == "V3c"


@pytest.mark.writes_freely
def test_a_button_that_would_be_refused_is_no_button_and_says_why(report, office):
    made = report(by=person("dana"))
    for n in range(2):
        add(made, **A1, says=f"mine {n}")
    see_all()
    SourceItem.objects.filter(incident=made).update(added_by=person("vera"))
    actions.move_incident(fresh(made), "triage", by=person("sami"))
    button = '<input type="hidden" name="move" value="begin_verification">'
    hers = office("vera").get(f"/watch/incidents/{made.ref}/").content.decode()
    assert button not in hers and "Begin verification: You added an item" in hers
    assert button in office("lena").get(f"/watch/incidents/{made.ref}/").content.decode()
    # Nor for whoever collected what was linked to it.
    kept, other = report(), report(by=person("dana"))
    add(kept, **A1, says="a")
    add(other, **B2, says="b")
    decide(pair_of(kept, other), "same", "same_details", kept=kept)
    Incident.objects.filter(pk=other.pk).update(collected_by=person("vera"))
    actions.move_incident(fresh(kept), "triage", by=person("sami"))
    hers = office("vera").get(f"/watch/incidents/{kept.ref}/").content.decode()
    assert button not in hers and "Begin verification: You collected a report that is linked to this one" in hers
    see_all()
    with pytest.raises(Refused, match="collected a report that is linked"), transaction.atomic():
        actions.move_incident(fresh(kept), "begin_verification", by=person("vera"))
