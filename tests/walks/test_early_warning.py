"""Early warning from an observation to the Chair: proposed by the rules, made an alert by a person, late without one."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from security.matrix.happenings import person
from tests_support import see_all

from answerable.alliance.models import State
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.monitoring import actions as monitoring
from answerable.monitoring.models import Incident
from answerable.monitoring.warning import actions, files, lifecycle, making, queries, reckoning, says
from answerable.monitoring.warning.models import Alert, ConflictYear, WarningEntry
from answerable.record import log as record
from answerable.vault import actions as vault
from answerable.vault.consent import actions as consent
from answerable.vault.consent.queries import Subject

ALERTING = (("EW-M1", 3), ("EW-S1", 3), ("EW-P1", 3), ("EW-M3", 1))


@pytest.fixture
def elsewhere(played, db):
    """A situation of its own, of a member state, with nothing seen in it."""
    made = monitoring.open_situation(
        name="Highlands", state=State.objects.get(code="AVN"), fictional=True, by=person("sami")
    )
    see_all()
    return made


def enter(situation, indicator, stage, by="sami", **more):
    given = {"reliability": "B", "credibility": 2, "note": "Sealed: seen from the road."} | more
    on = given.pop("on", clock.today())
    made = actions.enter_warning(situation, indicator=indicator, stage=stage, on=on, by=person(by), **given)
    see_all()
    return made


def alert_of(situation) -> Alert:
    see_all()
    return Alert.objects.filter(situation=situation).first()


def alerted(situation) -> Alert:
    for indicator, stage in ALERTING:
        enter(situation, indicator, stage)
    return alert_of(situation)


def later(**span):
    return clock.set_to(clock.now() + timedelta(**span))


def test_a_rise_is_proposed_and_only_a_person_makes_it_an_alert(elsewhere):
    enter(elsewhere, "EW-M1", 3)
    assert alert_of(elsewhere) is None
    enter(elsewhere, "EW-S1", 3)
    watch = alert_of(elsewhere)
    assert (watch.level, watch.status) == ("WATCH", "PROPOSED")
    assert watch.due_at - watch.proposed_at == timedelta(hours=72)
    enter(elsewhere, "EW-P1", 3)
    enter(elsewhere, "EW-M3", 1)
    alert = alert_of(elsewhere)
    watch.refresh_from_db()
    assert (alert.level, alert.status, watch.status) == ("ALERT", "PROPOSED", "SUPERSEDED")
    assert alert.due_at - alert.proposed_at == timedelta(hours=48)
    assert queries.standing(elsewhere) is None, "nothing stands before a person confirmed"


def test_confirming_opens_the_dialogue_and_triggers_the_obligations_under_risk(elsewhere):
    alert = alerted(elsewhere)
    heard = []
    question("alert_confirmed").answer_with(answer := lambda a, entry: heard.append((a.ref, a.level, entry.action)))
    try:
        actions.confirm_alert(alert, reason="SOURCES_HOLD", words="Sealed: three sources.", by=person("lena"))
    finally:
        question("alert_confirmed")._answers.remove(answer)
    alert = alert_of(elsewhere)
    assert alert.status == lifecycle.CONFIRMED and alert.decided_by.handle == "lena"
    assert alert.dialogue == actions.DUE and alert.obligations == ["OB-PRV-09", "OB-PRV-13"]
    assert heard == [(alert.ref, "ALERT", "alert confirmed")]
    assert sorted(e.basis for e in record.bases(alert.ref)) == sorted(alert.basis)
    assert queries.permits_urgent(elsewhere) is None
    assert vault.read(alert, "words", purpose="verification", by=person("lena")) == "Sealed: three sources."
    with pytest.raises(Refused):
        actions.hold_dialogue(alert, on=clock.today(), by=person("lena"))
    actions.hold_dialogue(alert, on=clock.today(), by=person("chair"))
    assert alert_of(elsewhere).dialogue == actions.HELD


def test_whoever_saw_it_does_not_confirm_it_and_the_clock_never_does(elsewhere):
    alert = alerted(elsewhere)
    for who, reason in (
        (person("sami"), "not_authorised"),
        (CLOCK, "not_authorised"),
        (person("chair"), "not_authorised"),
    ):
        with pytest.raises(Refused) as no:
            actions.confirm_alert(alert, reason="SOURCES_HOLD", by=who)
        assert no.value.reason == reason
    alert.seen_by = [person("lena").ref]
    with pytest.raises(Refused, match="SOD-01"):
        from answerable.authority import engine

        engine.require(person("lena"), "confirm_alert", alert)


def test_nobody_answered_in_time_so_the_clock_takes_it_to_the_chair(elsewhere):
    alert = alerted(elsewhere)
    with clock.set_to(alert.due_at):
        with pytest.raises(Refused):
            actions.escalate_alert(alert, by=CLOCK)
        actions.owed()
        assert alert_of(elsewhere).status == "PROPOSED", "at the deadline itself there is still time"
    with clock.set_to(alert.due_at + timedelta(seconds=1)):
        actions.owed()
        actions.owed()
        alert = alert_of(elsewhere)
        assert alert.status == "ESCALATED"
        assert [e.action for e in record.history(alert.ref)].count("level escalated to the Chair") == 1
        actions.confirm_alert(alert, reason="PRECAUTION", by=person("chair"))
        assert alert_of(elsewhere).status == "CONFIRMED"


@pytest.mark.writes_freely
def test_25_reported_victims_are_proposed_by_the_clock_and_the_emergency_permits_the_urgent_procedure(played, saved):
    zandria = saved("$zandria")
    incident = Incident.objects.filter(situation=zandria, level__in=["V2", "V3a", "V3b", "V3c", "V4"]).first()
    with later(days=35):
        assert actions.owed() == 0 or alert_of(zandria).level != "EMERGENCY"
        see_all()
        on, best = clock.today() - timedelta(days=29), {"victims_min": 25, "victims": 25, "victims_max": 25}
        _write(incident, on=on, **best)
        actions.owed()
        alert = alert_of(zandria)
        assert (alert.level, alert.status, alert.figures["victims"]) == ("EMERGENCY", "PROPOSED", 25)
        assert incident.ref in alert.basis
        actions.confirm_alert(alert, reason="SOURCES_HOLD", by=person("lena"))
        see_all()
        assert queries.permits_urgent(zandria) == alert
        urgent = tabled(zandria, urgent=True)
        assert urgent.urgent and alert.ref in [e.basis for e in record.bases(urgent.ref)]
        zandria.state = State.objects.get(code="BLM")
        with pytest.raises(Refused) as no:
            tabled(zandria, urgent=True)
        assert no.value.reason == "R-VOT-8", "a delegation does not learn the level on its own state"


def tabled(situation, **more):
    from answerable.council import actions as council

    return council.table_proposal(
        title="Joint statement", measure_code="ME-1.1", situation=situation, by=person("delegate.blm"), **more
    )


@pytest.mark.parametrize("confirmed", [False, True], ids=["no level at all", "an alert that is no emergency"])
def test_the_council_refuses_the_urgent_procedure_without_a_confirmed_emergency(elsewhere, confirmed):
    from answerable.council.models import Proposal

    if confirmed:
        actions.confirm_alert(alerted(elsewhere), reason="SOURCES_HOLD", by=person("lena"))
    before = Proposal.objects.count()
    with pytest.raises(Refused, match="needs an early-warning emergency") as no:
        tabled(elsewhere, urgent=True)
    assert no.value.reason == "R-VOT-8" and Proposal.objects.count() == before
    assert not tabled(elsewhere).urgent


@pytest.mark.writes_freely
def test_24_victims_or_a_thirtieth_day_are_no_emergency(played, saved):
    zandria = saved("$zandria")
    incident = Incident.objects.filter(situation=zandria, level__in=["V2", "V3a", "V3b", "V3c", "V4"]).first()
    with later(days=35):
        for ago, n in ((29, 24), (30, 25)):
            see_all()
            _write(incident, on=clock.today() - timedelta(days=ago), victims_min=n, victims=n, victims_max=n)
            assert queries.reading(zandria, clock.today()).level != "EMERGENCY"


def _write(incident, **fields):
    """Set what a report says, beside the actions: only the arithmetic is looked at here."""
    from django.db import connection

    with connection.cursor() as cursor:
        names = ", ".join(f'"{n}" = %s' for n in fields)
        cursor.execute(f"UPDATE monitoring_incident SET {names} WHERE id = %s", [*fields.values(), incident.pk])


def test_what_was_not_confirmed_comes_again_only_with_something_new(elsewhere):
    alert = alerted(elsewhere)
    actions.decline_alert(alert, reason="SEEN_TWICE", by=person("lena"))
    assert actions.owed() == 0
    see_all()
    assert queries.waiting(elsewhere) is None
    enter(elsewhere, "EW-E1", 1)
    assert alert_of(elsewhere).status == "PROPOSED"


def test_an_alert_never_ends_by_itself_but_by_a_person_who_says_why(elsewhere):
    alert = alerted(elsewhere)
    actions.confirm_alert(alert, reason="SOURCES_HOLD", by=person("lena"))
    with later(days=61):
        actions.owed()
        see_all()
        assert queries.reading(elsewhere, clock.today()).level == "NONE"
        assert alert_of(elsewhere).status == "CONFIRMED"
        waits = [w for answer in question("waits_for").ask(person("lena")) for w in answer]
        assert any("the rules now give less" in w["what"] for w in waits)
        with pytest.raises(Refused):
            actions.step_down_alert(alert, reason="SEEN_TWICE", by=person("lena"))
        actions.step_down_alert(alert, reason="INDICATORS_FELL", by=person("lena"))
        assert alert_of(elsewhere).status == "STEPPED_DOWN" and actions.owed() == 0


def test_what_a_person_stepped_down_from_is_not_proposed_again_until_something_new_is_seen(elsewhere):
    alert = alerted(elsewhere)
    actions.confirm_alert(alert, reason="SOURCES_HOLD", by=person("lena"))
    enter(elsewhere, "EW-E1", 1)  # the person who steps down has seen this as well
    actions.step_down_alert(alert, reason="PROTECTION_WORKS", by=person("lena"))
    see_all()
    assert queries.reading(elsewhere, clock.today()).level == "ALERT"
    assert actions.owed() == 0
    see_all()
    assert queries.standing(elsewhere) is None and queries.waiting(elsewhere) is None
    enter(elsewhere, "EW-E2", 1)
    assert alert_of(elsewhere).status == "PROPOSED"


def test_a_proposal_falls_with_the_entries_that_carried_it(elsewhere):
    alert = alerted(elsewhere)
    entry = WarningEntry.objects.get(situation=elsewhere, indicator="EW-M1")
    actions.take_back_warning(entry, by=person("sami"))
    see_all()
    assert queries.reading(elsewhere, clock.today()).level == "WATCH"
    alert.refresh_from_db()
    lower = alert_of(elsewhere)
    assert (alert.status, lower.level, lower.status) == ("WITHDRAWN", "WATCH", "PROPOSED")
    assert lower.due_at == alert.proposed_at + timedelta(hours=72), "the clock that runs goes on"
    assert entry.ref not in lower.basis
    detail = record.history(entry.ref)[-1].event["detail"]
    assert (detail["withdrawn"], detail["was"], detail["alert"]) == (alert.ref, "ALERT", lower.ref)


SEVEN = ("EW-M2", "EW-M5", "EW-S1", "EW-P2", "EW-E1", "EW-M1", "EW-S2")


def test_a_mistaken_emergency_that_was_taken_back_never_reaches_the_chair(elsewhere, office):
    for indicator in SEVEN:
        enter(elsewhere, indicator, 3, reliability="A", credibility=1)
    alert = queries.waiting(elsewhere)
    assert (alert.level, alert.status) == ("EMERGENCY", "PROPOSED")
    for entry in WarningEntry.objects.filter(situation=elsewhere):
        actions.take_back_warning(entry, by=person("sami"))
        see_all()
    alert.refresh_from_db()
    assert alert.status == "WITHDRAWN" and queries.waiting(elsewhere) is None
    assert alert.ended_at
    page = office("sami").get(f"/watch/warnings/alerts/{alert.ref}/").content.decode()
    assert "nothing carries it any more" in page
    see_all()
    with later(hours=25):
        assert actions.owed() == 0
        see_all()
        alert.refresh_from_db()
        assert alert.status == "WITHDRAWN"
        with pytest.raises(Refused):
            actions.confirm_alert(alert, reason="SOURCES_HOLD", by=person("lena"))
        see_all()
        assert queries.permits_urgent(elsewhere) is None


@pytest.mark.writes_freely
def test_what_fell_at_the_chair_is_said_there_and_cannot_be_confirmed(elsewhere, office):
    alert = alerted(elsewhere)
    with clock.set_to(alert.due_at + timedelta(seconds=1)):
        actions.owed()
        see_all()
        # As when an item it rested on is regraded: no act of early warning worked the level out again.
        WarningEntry.objects.filter(situation=elsewhere).update(taken_back_at=clock.now())
        page = office("chair").get(f"/watch/warnings/alerts/{alert.ref}/").content.decode()
        assert "Today the rules give: No warning" in page
        see_all()
        with pytest.raises(Refused, match="cannot be confirmed"):
            actions.confirm_alert(alert, reason="PRECAUTION", by=person("chair"))
        see_all()
        assert queries.permits_urgent(elsewhere) is None
        assert actions.owed() == 1 and actions.owed() == 0
        see_all()
        alert.refresh_from_db()
        assert alert.status == "WITHDRAWN"
        assert record.history(alert.ref)[-1].action == "early-warning level withdrawn"
        page = office("chair").get(f"/watch/warnings/alerts/{alert.ref}/").content.decode()
        assert "nothing carries it any more" in page


@pytest.mark.writes_freely
@pytest.mark.parametrize(
    ("on", "precision", "earliest", "latest", "filed", "today", "counts"),
    [
        ("2031-11-01", "month", None, None, "2031-12-02", "2031-12-02", True),
        ("2031-11-01", "month", None, None, "2031-12-02", "2031-12-29", True),
        ("2031-11-01", "month", None, None, "2031-12-02", "2031-12-30", False),
        ("2031-09-27", "range", "2031-09-27", "2031-11-26", "2031-11-26", "2031-11-26", True),
        ("2031-01-01", "year", None, None, "2031-11-26", "2031-11-26", True),
        # What was told by then did not happen later: a year's report does not stand in every window of its year.
        ("2031-01-01", "year", None, None, "2031-02-10", "2031-03-11", True),
        ("2031-01-01", "year", None, None, "2031-02-10", "2031-03-12", False),
        ("2031-10-01", "month", None, None, "2031-11-02", "2031-12-02", False),
    ],
)  # fmt: skip
def test_a_report_counts_while_a_day_it_may_have_been_lies_in_the_thirty_days(
    played, saved, on, precision, earliest, latest, filed, today, counts
):
    zandria = saved("$zandria")
    see_all()
    incident = Incident.objects.filter(situation=zandria, level__in=["V2", "V3a", "V3b", "V3c", "V4"]).first()
    best = {"victims_min": 60, "victims": 60, "victims_max": 60}
    _write(
        incident,
        on=on,
        precision=precision,
        earliest=earliest,
        latest=latest,
        submitted_at=f"{filed}T09:00:00Z",
        **best,
    )
    found = queries.reading(zandria, date.fromisoformat(today))
    assert (incident.ref in found.incidents) is counts
    if counts:
        assert found.level == "EMERGENCY" and found.perhaps >= 60
        assert any("known only roughly" in line for line in says.explained(found))
        assert zandria in queries.situations_to_weigh(date.fromisoformat(today))
        assert queries.what_would_lower(zandria, date.fromisoformat(today)).on


def test_what_rests_on_an_account_that_is_withdrawn_stops_counting_closes_and_is_shredded_with_it(saved):
    zandria, incident = saved("$zandria"), saved("$I7")
    item = incident.items.filter(testimony="T1").first() or incident.items.exclude(testimony="").first()
    entry = enter(zandria, "EW-M7", 3, by="sami", item=item, reliability="", credibility=0, note="Sealed: her words.")
    assert queries.qualifies(entry) and queries.facts([entry])[0].live
    before = queries.reading(zandria, clock.today()).score
    consent.withdraw_consent(
        Subject(item.ref, item.compartment, item.ref), ["EVERYTHING"], heard_through="letter", by=person("petra")
    )
    see_all()
    entry = WarningEntry.objects.select_related("item").get(pk=entry.pk)
    assert not queries.facts([entry])[0].live and queries.reading(zandria, clock.today()).score == before - 3
    with pytest.raises(Refused):
        vault.read(entry, "note", purpose="verification", by=person("sami"))
    with later(days=15):
        consent.owed()
        see_all()
        entry.refresh_from_db()
        assert bytes(entry.note) == b"" and entry.area1 == "" and entry.on.day == 1


def test_bad_entries_are_refused_with_every_reason_and_change_nothing(elsewhere, saved):
    before = WarningEntry.objects.count()
    item = Incident.objects.exclude(items=None).first().items.first()
    with pytest.raises(Refused) as no:
        actions.enter_warning(
            elsewhere, indicator="EW-X9", stage=4, on=clock.today() + timedelta(days=1), item=item, reliability="B",
            credibility=2, by=person("sami"),
        )  # fmt: skip
    for words in ("EW-X9", "ongoing (3)", "future", "another situation", "none of its own"):
        assert words in str(no.value)
    with pytest.raises(Refused, match="what was seen"):
        actions.enter_warning(elsewhere, indicator="EW-M1", stage=1, on=clock.today(), by=person("sami"))
    see_all()
    assert WarningEntry.objects.count() == before


def test_each_act_leaves_one_entry_without_a_word_of_what_was_seen(elsewhere):
    sami, before = person("sami"), record.Head.objects.get().size
    actions.enter_warning(
        elsewhere, indicator="EW-M1", stage=3, on=clock.today(), note="Sealed: kanaria-word.", by=sami
    )
    assert record.Head.objects.get().size == before + 1
    last = record.Entry.objects.order_by("-index").first()
    assert "kanaria" not in str(last.event) and last.action == "early-warning entry made"


def test_the_pages_show_the_matrix_to_those_who_watch_and_the_level_alone_to_members(office, saved):
    zandria, alert = saved("$zandria"), saved("$alert")
    # What was seen weighs less as days pass: looked at on the day the story ends.
    with clock.set_to(record.Head.objects.get().last_at):
        sami = office("sami").get(f"/watch/{zandria.ref}/warning/").content.decode()
    for words in (
        "EW-S1",
        "Military and security",
        "What would make it fall",
        "absence of reports is not absence",
        "11½",
    ):
        assert words in sami, words
    member = office("delegate.avn")
    page = member.get(f"/watch/{zandria.ref}/warning/").content.decode()
    assert "Level 2 (alert)" in page and "EW-S1" not in page and "11½" not in page and "Zandria South" not in page
    page = member.get(f"/watch/warnings/alerts/{alert.ref}/").content.decode()
    assert "OB-PRV-09" in page and "EW-" not in page and "Sami" not in page
    see_all()
    entry = WarningEntry.objects.filter(situation=zandria).first()
    assert member.get(f"/watch/warnings/entries/{entry.ref}/").status_code == 404
    assert "early-warning dialogue" in office("chair").get("/today/").content.decode()


def test_a_state_never_sees_a_level_on_itself(office, elsewhere):
    alert = alerted(elsewhere)
    actions.confirm_alert(alert, reason="SOURCES_HOLD", by=person("lena"))
    own, other = office("delegate.avn"), office("delegate.blm")
    see_all()
    for url in (f"/watch/{elsewhere.ref}/warning/", f"/watch/warnings/alerts/{alert.ref}/"):
        assert (own.get(url).status_code, other.get(url).status_code) == (404, 200)
    assert elsewhere.name not in own.get("/watch/warnings/").content.decode()
    assert elsewhere.name in other.get("/watch/warnings/").content.decode()
    assert "/warning/" not in own.get(f"/watch/{elsewhere.ref}/").content.decode()


def test_an_observation_is_entered_by_form_and_a_level_confirmed_by_form(office, elsewhere):
    sami = office("sami")
    blank = sami.get(f"/watch/{elsewhere.ref}/warning/enter/").content.decode()
    assert '<option value="EW-M1" selected' not in blank and '<option value="" selected>' in blank, (
        "nothing is chosen beforehand"
    )
    for indicator, stage in ALERTING:
        reply = sami.post(
            f"/watch/{elsewhere.ref}/warning/enter/",
            {"indicator": indicator, "stage": stage, "on": clock.today().isoformat(), "area1": "Hill", "reliability": "B",
             "credibility": "2", "note": "Sealed: seen."},
        )  # fmt: skip
        assert reply.status_code == 303, reply.content[:2000]
    alert = alert_of(elsewhere)
    assert sami.post(f"/watch/warnings/alerts/{alert.ref}/confirm/", {"reason": "SOURCES_HOLD"}).status_code == 409
    lena = office("lena")
    assert "Confirm" in lena.get(f"/watch/warnings/alerts/{alert.ref}/").content.decode()
    assert lena.post(f"/watch/warnings/alerts/{alert.ref}/confirm/", {"reason": "no such"}).status_code == 422
    assert lena.post(f"/watch/warnings/alerts/{alert.ref}/confirm/", {"reason": "SOURCES_HOLD"}).status_code == 303
    assert alert_of(elsewhere).status == "CONFIRMED"


def test_a_documenter_sees_what_their_own_body_entered_and_nothing_of_the_rest(office, saved):
    zandria = saved("$zandria")
    mine = WarningEntry.objects.get(situation=zandria, indicator="EW-S1")
    theirs = WarningEntry.objects.get(situation=zandria, indicator="EW-M2")
    dana = office("dana")
    assert dana.get(f"/watch/warnings/entries/{mine.ref}/").status_code == 200
    assert dana.get(f"/watch/warnings/entries/{theirs.ref}/").status_code == 404
    page = dana.get(f"/watch/{zandria.ref}/warning/").content.decode()
    assert mine.ref in page and theirs.ref not in page and "11½" not in page


CONFLICTS = (
    "conflict_id,year,intensity_level,cumulative_intensity,type_of_conflict,incompatibility,side_b_id,ep_end,start_date,version\n"
    '9,2001,2,1,3,2,"7, 8",0,1999-01-02,23.1\n9,2002,1,1,3,2,7,1,1999-01-02,23.1\n'
)


def test_the_workers_forecast_knows_the_fighting_that_was_imported_and_forgets_it_with_the_import(played, monkeypatch):
    given = []
    monkeypatch.setattr(reckoning, "make", lambda rows, conflicts, **more: given.append((list(conflicts), more["release"])) or
                        {"year": 2019, "method": {}, "evaluation": {}, "actors": []})  # fmt: skip
    sami = person("sami")

    def forecast():
        actions.ask_forecast(by=sami)
        making.owed()
        see_all()

    forecast()
    file = files.conflict_bytes(CONFLICTS.encode(), "ucdp.csv")
    batch = actions.import_conflicts(file, "ucdp.csv", by=sami)
    see_all()
    with pytest.raises(Refused, match="was imported on"):
        actions.import_conflicts(file, "again.csv", by=sami)
    forecast()
    monitoring.undo_import(batch, by=sami)
    see_all()
    forecast()
    assert given == [([], ""), (list(file.years), "23.1"), ([], "")]
    assert (file.years[0].opponents, file.years[0].cumulative, file.years[1].ended) == (2, True, True)


def test_only_whoever_imports_public_data_brings_in_the_fighting(played):
    with pytest.raises(Refused):
        actions.import_conflicts(files.conflict_bytes(CONFLICTS.encode(), "u.csv"), "u.csv", by=person("delegate.blm"))


def test_the_import_page_takes_the_conflict_data_after_showing_what_it_holds(office):
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.urls import reverse

    client = office("sami")

    def send(**more):
        file = SimpleUploadedFile("u.csv", CONFLICTS.encode())
        return client.post(reverse("imports"), {"dataset": "UCDP-CONFLICTS", "file": file, **more})

    page = re.sub(r"<[^>]+>", "", send(dry_run="on").content.decode())
    assert "2 conflict-years of 1 conflict, 2001 to 2002" in page
    see_all()
    assert not ConflictYear.objects.exists()
    assert send().status_code == 303
    see_all()
    assert ConflictYear.objects.count() == 2


@pytest.mark.parametrize("broken, said", [(CONFLICTS + CONFLICTS.splitlines()[1], "row 4: conflict 9 stands twice for 2001"),
                                          (CONFLICTS.splitlines()[0], "a header and no rows")])  # fmt: skip
def test_conflict_data_that_is_faulty_is_refused_by_its_row(broken, said):
    with pytest.raises(Refused, match=said):
        files.conflict_bytes(broken.encode(), "ucdp.csv")
