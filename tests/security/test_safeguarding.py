"""Nothing reaches a survivor that she did not allow; complaints are read by nobody of the case team."""

from __future__ import annotations

import itertools
import json
import re
from datetime import timedelta

import pytest
from django.test.utils import override_settings
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.authority import engine
from answerable.authority.principals import CLOCK, ROLES, Principal
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record import log
from answerable.record.models import Entry
from answerable.safeguarding import access, actions, answers, contacting, lifecycle, rules
from answerable.safeguarding.models import (
    CareOffer,
    ContactAttempt,
    Grievance,
    Provider,
    Referral,
    SafeContactPlan,
    SafetyIncident,
)
from answerable.vault import keeping
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.models import DataKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("played")]
PASSPHRASE = "only for the test suite, six words"
FREE = {
    "ways": sorted(rules.WAYS),
    "any_time": True,
    "letter": True,
    "words": "The library called.",
    "sender": "the library",
}


def person(handle):
    found = Person.objects.select_related("body__state").get(handle=handle)
    found.vault_session = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
    found.fresh = True
    return found


@pytest.fixture
def claim(saved):
    see_all()
    return saved("$claim")


def plan_for(claim, **changes):
    # “Do not contact” stands alone: beside a way to reach her it would not be taken.
    free = {**FREE, "ways": [], "letter": False} if changes.get("do_not_contact") else FREE
    made = actions.make_plan(claim.ref, plan={**free, **changes}, by=person("adva"))
    see_all()
    return made


# --- no plan, no message ------------------------------------------------------------------------------------------


def test_no_plan_no_message(claim):
    """R-NOT-1: without a plan nothing that can send reaches her, and nothing is left behind that could be sent later."""
    adva = person("adva")
    assert contacting.senders()
    for name, sender in contacting.senders().items():
        if (sender.via, sender.kind) == (rules.DOOR, rules.REPLY):
            continue  # waits where she wrote first
        with pytest.raises(Refused) as no:
            sender.act(claim.ref, at=None, by=adva)
        assert no.value.reason == "no_plan" and "plan" in str(no.value), name
    see_all()
    assert not ContactAttempt.objects.filter(subject=claim.ref).exists()


FORBIDDING = {
    "do_not_contact": {"do_not_contact": True, "ways": [], "letter": False},
    "way": {"ways": []},
    "hour": {"any_time": False, "windows": []},
    "unsafe_household": {"unsafe_household": True},
    "letter": {"ways": sorted(set(rules.WAYS) - {rules.LETTER}), "letter": False},
    "another's hours": {"any_time": False},
}


@pytest.mark.parametrize("name", FORBIDDING)
def test_nothing_is_sent_that_the_plan_forbids_by_any_sender(claim, name):
    changes = dict(FORBIDDING[name])
    if name == "way":
        changes = {"ways": [rules.DOOR], "letter": False}
    if name in {"hour", "another's hours"}:
        # Hours that are not now: the day after tomorrow.
        day = rules.DAYS[(clock.now() + timedelta(days=2)).weekday()]
        changes = {"any_time": False, "windows": [f"{day} 10:00-12:00"]}
    plan_for(claim, **changes)
    adva, refused, allowed = person("adva"), 0, 0
    plan = rules.read_plan({**FREE, **changes})
    for sender_name, sender in contacting.senders().items():
        expected = rules.may_contact(plan, sender.via, clock.now(), sender.kind)
        if expected.allowed:
            sender.act(claim.ref, at=None, by=adva)
            allowed += 1
            continue
        with pytest.raises(Refused) as no:
            sender.act(claim.ref, at=None, by=adva)
        assert no.value.reason == expected.because, sender_name
        refused += 1
    see_all()
    assert refused and ContactAttempt.objects.filter(subject=claim.ref).count() == allowed


def test_do_not_contact_beside_ways_to_reach_her_is_refused_and_nothing_typed_is_lost(office, saved, claim):
    adva, before = office("adva"), SafeContactPlan.objects.count()
    typed = {"plan_ways": [rules.PHONE], "plan_any_time": "on", "plan_do_not_contact": "on", "plan_words": "The library called.",
             "plan_must_not_know": "her brother"}  # fmt: skip
    reply = adva.post(f"/repair/contact/{claim.ref}/plan/", typed)
    page = reply.content.decode()
    assert reply.status_code == 409 and "Ask her which she means" in page
    assert "The library called." in page and "her brother" in page
    assert len(re.findall(r'name="plan_(?:ways|do_not_contact)"[^>]*checked', page)) == 2
    inga, programme = office("inga"), saved("$programme")
    lodging = {**typed, "claim_type": "CL-DIR", "alias": "N.", "age_band": "25-34", "country": "Pelland", "language": "ar",
               "safe_contact": "Tuesdays", "events_from": "2026-01-02", "area1": "OTHER", "purposes": ["CP-CLAI"],
               "account": "As far as I remember.", "declared_true": "on", "referral_offered": "on"}  # fmt: skip
    see_all()
    reply = inga.post(f"/repair/programmes/{programme.ref}/lodge/", lodging)
    page = reply.content.decode()
    assert reply.status_code == 409 and "Ask her which she means" in page and "As far as I remember." in page
    see_all()
    assert SafeContactPlan.objects.count() == before


def test_every_way_and_every_kind_has_a_sender_or_none_can_use_it():
    """The walk above is only as wide as the registry: every sender a person can choose is in it."""
    assert set(rules.SENDERS) <= set(contacting.senders())


def test_only_an_hour_she_gave_is_planned_and_the_next_one_is_named(claim):
    day = clock.now() + timedelta(days=2)
    plan_for(claim, any_time=False, windows=[f"{rules.DAYS[day.weekday()]} 10:00-12:00"])
    with pytest.raises(Refused) as no:
        actions.plan_contact(
            claim.ref, sender="call", at=day.replace(hour=12, minute=0, second=0, microsecond=0), by=person("adva")
        )
    assert "10:00" in str(no.value)
    made = actions.plan_contact(
        claim.ref, sender="call", at=day.replace(hour=11, minute=59, second=0, microsecond=0), by=person("adva")
    )
    assert made.status == lifecycle.PLANNED


def test_the_vaults_answer_is_recorded_without_a_word_of_the_plan(claim):
    plan_for(claim, code_phrase="zephyr at noon")
    before = len(log.history(claim.ref))
    said = contacting.ask(claim.ref, via="phone", kind="call", by=person("adva"))
    assert said.allowed and said.words == "The library called." and said.sender == "the library"
    refused = contacting.ask(claim.ref, via="sms", kind="notice", by=person("adva"))
    assert not refused.allowed and refused.words == refused.sender == ""
    see_all()
    entries = log.history(claim.ref)[before:]
    assert [e.action for e in entries] == ["contact asked about"] * 2
    assert [e.event["detail"] for e in entries] == [{"via": "phone", "allowed": True}, {"via": "sms", "allowed": False}]
    assert "zephyr" not in json.dumps([e.event for e in log.history(claim.ref)])


def test_without_her_consent_to_be_contacted_a_plan_allows_nothing(claim):
    from answerable.vault.consent import actions as consent

    plan_for(claim)
    consent.withdraw_consent(claim, ["CP-CONT"], heard_through="office", by=person("adva"))
    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).because == "consent"


def test_a_plan_moved_to_someone_else_opens_for_nobody(claim, saved):
    """A row's subject is changed behind the vault's back: what is sealed inside names whose plan it is."""
    from answerable.authority.acting import action

    made = plan_for(claim)

    @action("test moves a plan")
    def move(*, by):
        SafeContactPlan.objects.filter(pk=made.pk).update(subject="CLM-OTHER")
        log.append("x", claim, by=by)

    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).allowed
    move(by=CLOCK)
    assert contacting.ask("CLM-OTHER", via="phone", kind="call", by=person("adva")).because == "no_plan"


def test_while_the_vault_is_locked_nothing_is_allowed(claim):
    from answerable.vault.chamber import CHAMBER

    plan_for(claim)
    root, demonstration = CHAMBER.root, CHAMBER.demonstration
    CHAMBER.lock("a test")
    try:
        assert not contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).allowed
        assert not any(question("may_contact").ask(claim.ref))
    finally:
        CHAMBER.unlock(root, demonstration=demonstration)
    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).allowed


# --- when it goes wrong -------------------------------------------------------------------------------------------


def test_someone_else_answers_and_everything_stops_until_another_person_looked(claim):
    plan = plan_for(claim)
    adva, safa = person("adva"), person("safa")
    attempt = actions.plan_contact(claim.ref, sender="call", by=adva)
    actions.log_contact(attempt, outcome="WRONG_PERSON", cover_said=True, note="A man.", by=adva)
    see_all()
    incident = SafetyIncident.objects.get(subject=claim.ref)
    assert incident.kind == "WRONG_PERSON" and incident.due_at - clock.now() <= timedelta(hours=24)
    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).because == "unsafe"
    waits = [w for a in question("waits_for").ask(safa) for w in a]
    assert any(w["url"].endswith(f"/safety/{incident.ref}/") for w in waits)
    with pytest.raises(Refused):
        actions.move_plan(plan, "review_plan", by=adva)
    with pytest.raises(Refused):
        actions.make_plan(claim.ref, plan=FREE, by=adva)
    actions.move_plan(plan, "review_plan", by=safa)
    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).allowed


@pytest.mark.parametrize("how", ["stopped", "replaced", "someone else answered"])
def test_what_was_planned_under_a_plan_that_no_longer_holds_is_not_done(claim, how):
    plan = plan_for(claim)
    adva, later = person("adva"), clock.now() + timedelta(days=1)
    planned = actions.plan_contact(claim.ref, sender="call", at=later, by=adva)
    if how == "stopped":
        actions.move_plan(plan, "stop_plan", by=adva)
    elif how == "replaced":
        plan_for(claim, do_not_contact=True)
    else:
        actions.log_contact(actions.plan_contact(claim.ref, sender="call", by=adva), outcome="WRONG_PERSON", by=adva)
    see_all()
    planned.refresh_from_db()
    assert planned.status == "CANCELLED"
    with pytest.raises(Refused):
        actions.log_contact(planned, outcome="REACHED", by=adva)


def test_nothing_of_an_old_plan_stays_with_the_vault_and_a_shredded_file_leaves_none(claim):
    first, second = plan_for(claim), plan_for(claim, words="Another.")
    first.refresh_from_db()
    assert bytes(first.for_vault) == b"" and first.status == "REPLACED" and bytes(second.for_vault)
    start = clock.now()
    consent.withdraw_everything(claim, heard_through="phone", by=person("adva"))
    assert contacting.ask(claim.ref, via="phone", kind="call", by=person("adva")).because == "no"
    with clock.set_to(start + timedelta(days=15)):
        assert consent.shred_due() == 1
        see_all()
        for row in (first, second):
            row.refresh_from_db()
            assert (row.status, bytes(row.plan), bytes(row.for_vault)) == ("REPLACED", b"", b"")
            assert not DataKey.objects.filter(subject=row.ref).exists()


def test_whoever_asks_about_her_gets_no_information_and_the_database_says_so_too(claim):
    enquiry = actions.log_enquiry(claim.ref, via="phone", by=person("adva"))
    see_all()
    assert (enquiry.status, enquiry.answer) == ("ENQUIRY", "NO_INFORMATION")
    from django.db import IntegrityError, transaction

    from answerable.authority.acting import action

    @action("test tells a husband")
    def tell(*, by):
        ContactAttempt.objects.filter(pk=enquiry.pk).update(answer="SHE_IS_HERE")
        log.append("x", claim, by=by)

    with pytest.raises(IntegrityError), transaction.atomic():
        tell(by=CLOCK)


# --- care first ---------------------------------------------------------------------------------------------------


def test_care_was_offered_and_noted_before_any_report_or_claim(saved):
    see_all()
    subjects = set(CareOffer.objects.values_list("subject", flat=True))
    assert {saved("$claim").ref, saved("$fresh").ref, saved("$I1").ref} <= subjects


def test_the_clocks_of_care_are_exact_and_gone_when_they_have_no_more_use(claim, office):
    adva = person("adva")
    hour = clock.now() - timedelta(hours=5)
    provider = listed()
    referral = actions.offer_referral(claim.ref, need="HEALTH_72", provider=provider, happened_at=hour, by=adva)
    assert referral.pep_until == hour + timedelta(hours=72) and referral.contraception_until == hour + timedelta(
        hours=120
    )
    waits = [w for a in question("waits_for").ask(adva) for w in a]
    assert any(w["due"] == referral.pep_until and w["hours"] for w in waits)
    page = office("adva").get("/today/").content.decode()
    assert f"{referral.pep_until:%H:%M} UTC, 66 whole hours left" in page or "67 whole hours left" in page
    referral = actions.move_referral(referral, "decline_referral", by=adva)
    assert referral.pep_until is None and referral.contraception_until is None


def worker(handle):
    return Person.objects.select_related("body__state").get(handle=handle)


def at_the_office():
    """In a test at the door: what someone in the office does meanwhile, from a process with its own socket."""
    return override_settings(VAULT_DOOR="office")


def listed():
    adva, safa = worker("adva"), worker("safa")
    made = actions.enter_provider(
        name="Lakeside", needs=["HEALTH_72", "SURGERY"], country="Pelland", reach="At the desk", by=adva
    )
    with pytest.raises(Refused):
        actions.move_provider(made, "confirm_provider", by=adva)
    return actions.move_provider(made, "confirm_provider", by=safa)


def test_nobody_is_told_anything_without_her_consent_and_nothing_after_she_takes_it_back(claim):
    adva = person("adva")
    referral = actions.offer_referral(claim.ref, need="SURGERY", provider=listed(), contact="N., Tuesdays", by=adva)
    with pytest.raises(Refused):
        actions.told(referral)
    with pytest.raises(Refused):
        actions.move_referral(referral, "send_referral", by=adva)
    referral = actions.move_referral(referral, "accept_referral", by=adva)
    assert actions.told(referral, "N., Tuesdays") == {"designation": referral.ref, "need": "SURGERY"}
    with pytest.raises(Refused) as no:
        keeping.open_fields(referral.ref, ["contact"], purpose="care_contact", token=adva.vault_session)
    assert no.value.reason == "consent"
    referral = actions.move_referral(referral, "send_referral", by=adva)
    referral = actions.move_referral(referral, "revoke_referral", by=adva)
    with pytest.raises(Refused):
        actions.told(referral, "N., Tuesdays")


# --- complaints ---------------------------------------------------------------------------------------------------

CASE_TEAM = ("inga", "adva", "anna", "axel", "paulo")


def complain(**changes):
    made = actions.lodge_grievance(
        **{"about": ["CONDUCT"], "happened": "It was the officer.", "by": person("anna"), **changes}
    )
    see_all()
    return made


@pytest.mark.parametrize("who", [*CASE_TEAM, "dana", "safa", "petra", "sami", "chair", "delegate.avn", "odile", "ines"])
def test_a_grievance_about_staff_is_read_by_nobody_on_the_case_team(office, who):
    made = complain()
    them = Person.objects.select_related("body__state").get(handle=who)
    assert made not in access.grievances(them)
    assert not engine.allows(them, "read_sealed", made, purpose="grievance")
    client = office(who)
    for url in (f"/alliance/complaints/{made.ref}/", f"/r/{made.ref}/"):
        assert client.get(url).status_code == 404
    for url in ("/today/", "/alliance/", "/repair/"):
        assert made.ref not in client.get(url).content.decode()
    with pytest.raises(Refused):
        keeping.open_fields(made.ref, ["happened"], purpose="grievance", token=person(who).vault_session)


def test_not_even_a_case_worker_who_is_also_ombudsperson_reads_a_complaint():
    made = complain(about=["DELAY"])
    for role in sorted(rules.CASE_TEAM):
        both = Principal("X", frozenset({role, "ombudsperson", "data_protection_officer"}), "B", "organ")
        assert not engine.allows(both, "read_sealed", made, purpose="grievance")
        from answerable.alliance.models import Body, compartments_of

        assert not any(c.startswith("grievances") for c in compartments_of(both.roles, Body(kind="organ")))


def test_rows_of_complaints_are_hidden_from_the_case_team_by_the_database_itself():
    from answerable.authority.acting import set_scope

    see_all()
    before = Grievance.objects.filter(sensitivity="GENERAL").count()
    complain()
    complain(about=["DELAY"])
    for who, seen in (("anna", 0), ("inga", 0), ("petra", before + 1), ("omar", before + 2), ("safa", 0)):
        set_scope(Person.objects.get(handle=who).principal().compartments)
        assert Grievance.objects.count() == seen, who


def test_the_ombudsperson_reads_and_answers_and_the_data_protection_officer_only_what_is_general(office):
    sensitive, general = complain(), complain(about=["DELAY"], happened="It takes years.")
    omar, petra = office("omar"), office("petra")
    assert (
        "It was the officer."
        in omar.post(f"/alliance/complaints/{sensitive.ref}/read/", {"field": "happened"}).content.decode()
    )
    assert (
        "It takes years."
        in petra.post(f"/alliance/complaints/{general.ref}/read/", {"field": "happened"}).content.decode()
    )
    assert petra.get(f"/alliance/complaints/{sensitive.ref}/").status_code == 404


def test_a_safeguarding_officer_reads_what_she_allowed_and_nothing_else(office):
    hidden, shared = complain(), complain(safeguarding_may_know=True)
    safa = office("safa")
    assert (
        "It was the officer."
        in safa.post(f"/alliance/complaints/{shared.ref}/read/", {"field": "happened"}).content.decode()
    )
    assert safa.get(f"/alliance/complaints/{hidden.ref}/").status_code == 404


def test_nobody_looks_after_a_complaint_about_themselves(office):
    about_omar = complain(concerns=["omar"])
    assert office("omar").get(f"/alliance/complaints/{about_omar.ref}/").status_code == 404
    later = complain(about=["DELAY"])
    omar, petra = person("omar"), Person.objects.get(handle="petra")
    actions.name_concerned(later, persons=[petra], by=omar)
    see_all()
    assert later not in access.grievances(petra)


def test_the_record_does_not_say_who_complained():
    made = complain()
    assert [e.actor for e in log.history(made.ref)] == ["DOOR"]


def test_danger_is_before_the_safeguarding_officers_at_once_without_what_was_written(office):
    made = complain(immediate_risk=True, happened="He waits outside.")
    incident = SafetyIncident.objects.get(subject=made.ref)
    assert incident.due_at == made.received_at + timedelta(hours=24)
    page = office("safa").get("/today/").content.decode()
    assert f"/repair/safety/{incident.ref}/" in page and "He waits outside." not in page
    assert "He waits outside." not in office("safa").get(f"/repair/safety/{incident.ref}/").content.decode()
    assert incident.ref not in office("inga").get("/today/").content.decode()


def test_her_time_grows_only_at_her_wish(office):
    made, omar = complain(), person("omar")
    later = made.answer_due_at + timedelta(days=5)
    for wrong in (
        {"until": later, "she_asked": False},
        {"until": made.answer_due_at - timedelta(seconds=1), "she_asked": True},
    ):
        with pytest.raises(Refused) as no:
            actions.extend_grievance(made, by=omar, **wrong)
        assert no.value.reason == "R-TIME-5"
    assert actions.extend_grievance(made, until=later, she_asked=True, by=omar).answer_due_at == later


def test_a_complaint_is_acknowledged_examined_answered_and_may_be_appealed():
    made, omar = complain(), person("omar")
    for move in ("acknowledge_grievance", "examine_grievance"):
        made = actions.move_grievance(made, move, by=omar)
    with pytest.raises(Refused):
        actions.move_grievance(made, "answer_grievance", by=omar)
    made = actions.answer_grievance(made, answer="You were right.", by=omar)
    see_all()
    (answer,) = made.answers.all()
    assert b"You were right" not in bytes(answer.text) and made.status == "ANSWERED"
    made = actions.move_grievance(made, "appeal_grievance", by=omar)
    assert actions.move_grievance(made, "examine_grievance", by=omar).status == "EXAMINED"


def test_no_role_of_any_state_reads_a_plan_a_referral_or_a_complaint():
    made = complain(about=["DELAY"], safeguarding_may_know=True)
    objects = [made, Referral(compartment="care", need="SURGERY"), SafeContactPlan(compartment="contact", subject="X")]
    for role, obj, purpose in itertools.product(ROLES, objects, ("grievance", "contact", "care_note", "care_contact")):
        state = Principal("X", frozenset({role}), "B", "delegation", "AVN")
        assert not engine.allows(state, "read_sealed", obj, purpose=purpose)


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.fixture
def door(played, db, settings):
    """A browser at the neutral host, which has no session and no database of its own."""
    from door_support import Visitor

    settings.VAULT_DOOR = "channel"
    return Visitor()


@pytest.mark.parametrize("path", ["/care/", "/other/", "/other/received/"])
def test_pages_of_the_door_are_small_need_no_script_and_begin_with_a_way_out(door, path):
    reply = door.get(path)
    text = reply.content.decode()
    assert reply.status_code == 200 and len(reply.content) < 30_000 and "<script src" not in text
    first = re.search(r"<(?:a|button|input|select|textarea|summary)\b[^>]*>([^<]*)", text)
    assert first[1] == "Leave this page" and reply.headers["Cache-Control"] == "no-store"
    assert "session" not in door.cookies and "Answerable" not in text


def test_looking_for_care_needs_nothing_and_leaves_nothing(door):
    with at_the_office():
        provider = listed()
    see_all()
    before = log.Entry.objects.count(), Referral.objects.count()
    text = door.send("/care/", need="SURGERY", place="Pelland|").content.decode()
    assert "Lakeside" in text and "72 hours" in text and "120 hours" in text
    assert "Lakeside" not in door.send("/care/", need="CHILDREN").content.decode()
    assert "Lakeside" in door.get("/care/").content.decode()
    see_all()
    assert (log.Entry.objects.count(), Referral.objects.count()) == before
    with at_the_office():
        actions.move_provider(provider, "withdraw_provider", by=worker("adva"))
    assert "Lakeside" not in door.get("/care/").content.decode()


def test_a_full_directory_still_fits_the_page(door):
    adva, safa = worker("adva"), worker("safa")
    with at_the_office():
        for n in range(70):
            made = actions.enter_provider(name=f"Provider {n} " + "x" * 120, needs=list(rules.needs()), country="Pelland", who_for="y" * 160,
                                          languages="z" * 120, hours="h" * 120, reach="r" * 200, by=adva)  # fmt: skip
            actions.move_provider(made, "confirm_provider", by=safa)
    for language in ("en", "ar", "uk"):
        page = door.get("/care/", headers={"Accept-Language": language}).content
        assert len(page) < 30_000 and b"Provider " in page, (language, len(page))


def test_a_complaint_without_an_answer_needs_no_code_and_shows_a_number_once(door):
    see_all()
    before = Grievance.objects.count()
    door.see("/other/")
    page = door.say("/other/", about=["EXPLOITATION"], happened="He asked for money.", immediate_risk="on", answer="no")
    see_all()
    assert Grievance.objects.count() == before + 1
    made = Grievance.objects.order_by("-id").first()
    assert made.receipt and made.receipt in page and "GRV-" not in page and not made.thread
    assert made.compartment == "grievances/sensitive" and b"He asked" not in bytes(made.happened)
    assert SafetyIncident.objects.filter(subject=made.ref).exists()
    assert made.receipt not in type(door)().see("/other/received/")  # whoever comes by the address alone


def test_an_empty_complaint_keeps_what_was_typed(door):
    door.see("/other/")
    for answer in ("yes", "no"):
        reply = door.send("/other/", happened="  ", remedy="An apology.", answer=answer)
        assert reply.status_code == 422 and "An apology." in reply.content.decode()
    see_all()
    before = Grievance.objects.count()
    reply = door.send("/other/", happened="Slow.")
    assert reply.status_code == 422 and "Choose whether you want an answer" in reply.content.decode()
    see_all()
    assert Grievance.objects.count() == before


def test_looking_for_help_without_a_conversation_is_kept_nowhere(door):
    see_all()
    before = Referral.objects.count()
    door.see("/care/")
    assert door.send("/care/", need="SURGERY").status_code == 200
    see_all()
    assert Referral.objects.count() == before


@pytest.mark.parametrize("pin", ["", "4711"])
def test_help_asked_for_in_a_conversation_waits_as_a_referral_of_hers(door, pin):
    from door_support import began, newest

    began(door, pin=pin, text="I have nowhere to sleep.", need="SHELTER")
    thread = newest()
    (asked,) = Referral.objects.filter(subject=thread.ref)
    assert (asked.need, asked.status, asked.provider, thread.kind) == ("SHELTER", "ASKED", None, "help")
    (entry,) = Entry.objects.filter(action="help asked for", subject=asked.ref)
    assert entry.event["detail"] == {"need": "SHELTER"}
    adva = worker("adva")
    assert asked in access.referrals(adva) and any(w["title"].endswith(asked.ref) for w in answers.waits_for(adva))
    with at_the_office():
        assert actions.move_referral(asked, "offer_referral", by=adva).status == "OFFERED"


def test_whoever_names_no_need_or_only_asks_leaves_no_referral(door):
    from door_support import began

    see_all()
    before = Referral.objects.count()
    began(door, pin="", text="Help me, please.")
    see_all()
    assert Referral.objects.count() == before


def test_help_asked_for_on_her_own_page_is_of_the_conversation_she_has(door):
    from door_support import began, newest

    began(door, pin="4711", text="I am here.", kind="tell")
    thread = newest()
    door.see("/begin/")
    door.say("/begin/", kind="help")
    door.next("yes")
    door.next("A doctor, please.")
    door.next("", act="skip")
    door.next("HEALTH")
    door.say("/write/", at="4", act="send")
    assert newest() == thread
    assert list(Referral.objects.filter(subject=thread.ref).values_list("need", "status")) == [("HEALTH", "ASKED")]


def test_help_asked_for_in_a_complaints_conversation_tells_no_case_team(door):
    """A referral that names it would say that she complained."""
    from door_support import newest

    door.see("/other/")
    door.say("/other/", about=["CONDUCT"], happened="He was rude.", answer="yes", pin="4711")
    code = door.code()
    door.say("/code/", what="written")
    door.say("/code/", what="check", code=code)
    before = newest()
    door.see("/begin/")
    door.say("/begin/", kind="help")
    door.next("yes")
    door.next("A doctor, please.")
    door.next("", act="skip")
    door.next("HEALTH")
    door.say("/write/", at="4", act="send")
    assert newest() == before and before.kind == "complaint"
    assert not Referral.objects.filter(subject=before.ref).exists()


def test_the_door_cannot_ask_whether_someone_may_be_contacted(door, claim):
    with pytest.raises(Refused) as no:
        ask("may_contact", subject=claim.ref, via="phone", kind="call", at=clock.now().isoformat())
    assert no.value.reason == "door"


def test_words_on_pages_and_codes_in_tables_are_the_same():
    from answerable.safeguarding import forms

    assert forms.need_words() == {c: n["label"] for c, n in rules.needs().items()}
    assert forms.outcome_words() == {c: n["label"] for c, n in rules.outcomes().items()}
    assert set(forms.sender_words()) == set(rules.SENDERS) and set(forms.way_words()) == set(rules.WAYS)
    assert set(forms.about_words()) == set(rules.ABOUT) and set(forms.step_words()) == set(actions.NEXT_STEPS)


def test_every_reason_for_a_no_is_a_sentence(claim):
    reasons = {rules.may_contact(p, v, clock.now(), k).because for v, k in itertools.product(rules.WAYS, rules.KINDS)
               for p in (None, rules.Plan(), rules.read_plan(FREE), rules.read_plan({**FREE, "do_not_contact": True}),
                         rules.read_plan({**FREE, "safe": False}), rules.read_plan({**FREE, "unsafe_household": True}),
                         rules.Plan(ways=frozenset(rules.WAYS)))}  # fmt: skip
    assert reasons >= {
        "no_plan",
        "way",
        "letter",
        "hour",
        "unsafe",
        "unsafe_household",
        "do_not_contact",
        "never_by_the_system",
    }
    assert all(contacting.sentence(r).endswith(".") for r in reasons)


def test_the_directory_is_looked_at_again_after_ninety_days():
    provider = listed()
    assert provider.review_due_at.date() == provider.confirmed_on + timedelta(days=90)
    clock.fix(provider.review_due_at + timedelta(seconds=1))
    try:
        waits = [w for a in question("waits_for").ask(Person.objects.get(handle="adva")) for w in a]
        assert any(
            w["url"].endswith(f"/directory/{provider.ref}/") and w["due"] == provider.review_due_at for w in waits
        )
        assert not actions_listed(provider)
    finally:
        clock.unfix()


def actions_listed(provider):
    from answerable.safeguarding import queries

    (row,) = [r for r in queries.listed("SURGERY", "") if r["ref"] == provider.ref]
    return row["checked"] and isinstance(provider, Provider)


# --- what the vault tells, and to whom ----------------------------------------------------------------------------


def may(claim, **more):
    asked = {"subject": claim.ref, "via": "phone", "kind": "call", "at": clock.now().isoformat(), **more}
    return ask("may_contact", **asked)


def test_without_a_session_of_someone_who_may_see_plans_the_answer_is_yes_or_no(claim):
    """Whoever reaches the vault's door from the office learns no reason, no hour, no word of any plan."""
    day = rules.DAYS[(clock.now() + timedelta(days=2)).weekday()]
    outsiders = ["", "A" * 64, person("fina").vault_session, person("delegate.avn").vault_session]
    nos, adva = [], person("adva").vault_session
    for changes, because in (({"do_not_contact": True}, "do_not_contact"), ({"unsafe_household": True}, None),
                             ({"any_time": False, "windows": [f"{day} 10:00-12:00"]}, "hour")):  # fmt: skip
        plan_for(claim, **changes)
        if because is None:
            continue
        seen = may(claim, token=adva)
        assert seen["because"] == because and (seen["next_at"] != "") is (because == "hour")
        nos += [may(claim, token=token) for token in outsiders]
    assert all(no == nos[0] for no in nos)
    assert (nos[0]["allowed"], nos[0]["because"], nos[0]["words"], nos[0]["sender"], nos[0]["next_at"]) == (
        False, "no", "", "", "")  # fmt: skip
    plan_for(claim)
    assert may(claim, token=adva)["words"] == "The library called."
    for token in outsiders:
        yes = may(claim, token=token)
        assert yes["allowed"] and yes["words"] == yes["sender"] == yes["next_at"] == "" and yes["because"] == "yes"


def test_consent_is_asked_before_the_plan(claim):
    from answerable.vault.consent import actions as consent

    day = rules.DAYS[(clock.now() + timedelta(days=2)).weekday()]
    plan_for(claim, any_time=False, windows=[f"{day} 10:00-12:00"])
    consent.withdraw_consent(claim, ["CP-CONT"], heard_through="office", by=person("adva"))
    said = may(claim, token=person("adva").vault_session)
    assert said["because"] == "consent" and said["next_at"] == "" and "10:00" not in said["sentence"]


def test_a_plan_is_sealed_only_by_who_may_write_it_and_for_someone_who_is_there(claim):
    from answerable.common.references import new_ref

    part = {"ref": new_ref("SCP"), "plan": "{}"}
    for subject in (claim.ref, "CLM-OTHER", "THR-7Q4K-92XD-0F3M-ZH8A-T", "anything", ""):
        for token in ("", person("fina").vault_session, person("delegate.avn").vault_session):
            with pytest.raises(Refused) as no:
                ask("seal_safe_contact", **part, subject=subject, token=token)
            assert no.value.reason == "nothing", subject
    adva = person("adva").vault_session
    assert ask("seal_safe_contact", **part, subject=claim.ref, token=adva)
    with pytest.raises(Refused):
        ask("seal_safe_contact", **part, subject="THR-7Q4K-92XD-0F3M-ZH8A-T", token=adva)


# --- the directory, and steps that are none -----------------------------------------------------------------------


def test_a_provider_nobody_confirmed_is_seen_by_those_who_keep_the_directory_alone(office):
    adva = person("adva")
    made = actions.enter_provider(name="Hidden House", needs=["SHELTER"], country="Zandria", reach="Ask", by=adva)
    see_all()
    for who, sees in (("inga", True), ("safa", True), ("delegate.avn", False), ("fina", False), ("chair", False)):
        client = office(who)
        assert ("Hidden House" in client.get("/repair/directory/").content.decode()) is sees, who
        assert client.get(f"/repair/directory/{made.ref}/").status_code == (200 if sees else 404), who
    see_all()
    actions.move_provider(made, "confirm_provider", by=person("inga"))
    assert "Hidden House" in office("delegate.avn").get("/repair/directory/").content.decode()


def test_a_step_that_is_none_does_nothing_and_says_so(claim, office, saved):
    adva = person("adva")
    plan = plan_for(claim)
    provider = actions.enter_provider(
        name="Lakeside", needs=["SURGERY"], country="Pelland", reach="At the desk", by=adva
    )
    see_all()
    actions.move_provider(provider, "confirm_provider", by=person("inga"))
    see_all()
    offer = actions.offer_referral(claim.ref, need="SURGERY", provider=Provider.objects.get(pk=provider.pk), by=adva)
    grievance = actions.lodge_grievance(["CONDUCT"], "It was said.", by=person("fina"))
    see_all()
    thread = saved("$door")
    for who, where, obj in (("adva", f"/repair/contact/plans/{plan.ref}/move/", plan), ("adva", f"/repair/care/{offer.ref}/move/", offer),
                            ("omar", f"/alliance/complaints/{grievance.ref}/move/", grievance),
                            ("adva", f"/repair/directory/{provider.ref}/move/", provider),
                            ("adva", f"/repair/messages/{thread.ref}/move/", thread)):  # fmt: skip
        see_all()
        before = type(obj).objects.get(pk=obj.pk).status
        for move in ({}, {"move": "no_such_step"}):
            reply = office(who).post(where, move)
            assert reply.status_code == 409 and "no such step" in reply.content.decode(), (where, reply.status_code)
        see_all()
        assert type(obj).objects.get(pk=obj.pk).status == before, where
