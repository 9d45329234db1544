"""A correction she sends at the door stays open until somebody decides it, changes her file, and is answered on her own page."""

from __future__ import annotations

import json
import logging
from datetime import timedelta

import pytest
from django.urls import reverse
from door_support import enter, lodged, newest
from security.matrix.happenings import person
from tests_support import rows_holding, see_all

from answerable.alliance import actions as alliance
from answerable.alliance.days import day_words
from answerable.channel import actions as channel
from answerable.channel.models import Message, Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.record import log
from answerable.reparations import actions, corrections, lifecycle, rules
from answerable.reparations.models import Claim, Correction
from answerable.vault.consent import actions as consent
from answerable.vault.consent import queries as consents

pytestmark = pytest.mark.django_db
WORDS = "It was not in spring, and I live elsewhere."


@pytest.fixture
def hers(door, saved):
    """She lodged a claim at the door and wrote a correction: (claim, its message, her code)."""
    visitor = door()
    lodged(visitor, saved("$programme"), account="I saw the bridge.")
    code = visitor.code()
    visitor.say("/code/", what="written")
    assert "This corrects something in my file" in visitor.say("/code/", what="check", code=code)
    visitor.say("/inside/write/", text=WORDS, kind="correction")
    see_all()
    thread = newest()
    return Claim.objects.get(ref=thread.about_ref), thread.messages.get(kind="correction"), code


@pytest.fixture
def awarded(saved):
    """The demonstration's claim, which was awarded, and a correction of it: (claim, message)."""
    claim = saved("$claim")
    thread = Thread.objects.get(about_ref=claim.ref)
    made = channel.leave_message(thread, WORDS, kind="correction", by=channel.holder(thread.ref, thread.compartment))
    see_all()
    return claim, made


def decide(client, claim, message, **data):
    reply = client.post(reverse("decide-correction", args=[claim.ref]), {"message": message.ref, **data})
    see_all()
    return reply


def page_of(client, claim) -> str:
    return client.get(f"/repair/claims/{claim.ref}/").content.decode()


def her_section(door, code: str, pin: str = "2468") -> tuple[str, str]:
    visitor, page = enter(door, code, pin)
    return page, visitor.get("/inside/text/").content.decode()


def assessed(claim) -> Claim:
    for who, move in (
        ("inga", "screen"),
        ("inga", "register_claim"),
        ("adva", "check_completeness"),
        ("adva", "begin_assessment"),
    ):
        see_all()
        actions.move_claim(Claim.objects.get(pk=claim.pk), move, by=person(who))
    see_all()
    actions.assess_claim(Claim.objects.get(pk=claim.pk), coherent=True, by=person("anna"))
    see_all()
    return Claim.objects.get(pk=claim.pk)


def test_it_is_open_from_its_arrival_wherever_someone_may_decide_it(door, office, hers, later):
    claim, message, code = hers
    due = day_words(corrections.letters([claim.ref])[0].due_at)
    inga = office("inga")
    assert "corrects her file: to decide" in inga.get("/today/").content.decode()
    page = page_of(inga, claim)
    assert "not decided yet" in page and due in page and reverse("thread", args=[message.thread.ref]) in page
    thread = inga.get(f"/repair/messages/{message.thread.ref}/").content.decode()
    assert "not decided yet" in thread and f"/repair/claims/{claim.ref}/#corrections" in thread
    # An answer in words, as before, does not end it.
    answer = {"text": "Thank you for telling us.", "as": "reply"}
    assert inga.post(f"/repair/messages/{message.thread.ref}/reply/", answer).status_code == 303
    assert "corrects her file: to decide" in office("anna").get("/today/").content.decode()
    her_page, text = her_section(door, code)
    assert "was received. You get an answer here by" in her_page and due in her_page and "by " + due in text
    later(days=33)
    page = office("adva").get("/today/").content.decode()
    assert "corrects her file: the answer is overdue" in page and f"was due {due}" in page
    assert "The answer is overdue" in page_of(office("adva"), claim)
    assert "is late. You may complain" in her_section(door, code)[0]


def test_several_are_each_listed(office, hers):
    claim, message, _code = hers
    by = channel.holder(message.thread.ref, message.thread.compartment)
    other = channel.leave_message(message.thread, "And my age.", kind="correction", by=by)
    inga = office("inga")
    page = page_of(inga, claim)
    assert page.count("not decided yet") == 2 and message.ref in page and other.ref in page
    assert decide(inga, claim, other, decision="decline", reason="UNCLEAR").status_code == 303
    page = page_of(inga, claim)
    assert page.count("not decided yet") == 1 and "Declined on" in page


def test_carried_out_it_changes_her_file_and_she_reads_it(door, office, hers):
    claim, message, code = hers
    before, earlier = len(log.history(claim.ref)), bytes(claim.account)
    inga = office("inga")
    assert decide(inga, claim, message, decision="correct").status_code == 409  # nothing is said to be changed
    facts = {
        "country": "UNSAID",
        "account": "I saw the other bridge.",
        "events_from": "2025-11-03",
        "age_band": "25-34",
    }
    assert decide(inga, claim, message, decision="correct", **facts).status_code == 303
    now = Claim.objects.get(pk=claim.pk)
    assert (now.country, now.quarter, now.age_band) == ("UNSAID", "2025-Q4", "25-34") and now.status == claim.status
    assert bytes(now.account) == earlier  # the earlier version stays sealed beside the new one
    (entry,) = log.history(claim.ref)[before:]
    assert entry.action == "claim corrected"
    assert entry.event["detail"]["fields"] == ["account", "age_band", "country", "events_from", "events_to"]
    assert "bridge" not in json.dumps(entry.event) and "UNSAID" not in json.dumps(entry.event)
    made = Correction.objects.get(message=message.ref)
    assert made.outcome == lifecycle.CARRIED_OUT and made.before["country"] == "Pelland"
    assert made.ref in consents.parts_of(claim.ref)  # and is shredded with the file
    shown = office("anna").post(f"/repair/claims/{claim.ref}/read/", {"field": "all"}).content.decode()
    assert "I saw the other bridge." in shown and "2025-11-03" in shown and "I saw the bridge." not in shown
    assert "corrects her file: to decide" not in inga.get("/today/").content.decode()
    assert "Carried out on" in page_of(inga, claim) and "Inga" in page_of(inga, claim)
    page, text = her_section(door, code)
    assert "was carried out on" in page and "The country you live in" in page and "Inga" not in page
    assert "I saw the other bridge." not in page and "2025-Q4" not in page  # on no screen that she did not ask for
    assert "I saw the other bridge." in text and "2025-Q4 (corrected at your word)" in text
    assert "Your age: " in text and "was carried out on" in text


def test_declined_she_reads_why_and_what_she_can_do(door, office, hers, later):
    claim, message, code = hers
    adva = office("adva")
    for wrong in ({"reason": ""}, {"reason": "OTHER"}, {"reason": "NONE"}):
        assert decide(adva, claim, message, decision="decline", **wrong).status_code in (409, 422)
    done = decide(adva, claim, message, decision="decline", reason="UNCLEAR", words="Which spring do you mean?")
    assert done.status_code == 303
    assert Claim.objects.get(pk=claim.pk).quarter == claim.quarter
    entry = log.history(claim.ref)[-1]
    assert (entry.action, entry.event["reason"]) == ("correction declined", "UNCLEAR") and "spring" not in json.dumps(
        entry.event
    )
    later(hours=13)
    # With the code alone: that it was answered and what was written to her, and nothing of her file.
    paper = enter(door, code)[1]
    assert "With your code and your PIN you read the answer" in paper and "could not tell" not in paper
    page, text = her_section(door, code)
    for said in (page, text):
        assert "it was decided that nothing is changed" in said and "we could not tell what should be changed" in said
        assert "you can complain" in said and "a statement here" in said and "Which spring do you mean?" in said


def test_put_beside_it_is_read_with_her_file_by_those_who_decide_on_it(door, office, hers):
    claim, message, code = hers
    anna = office("anna")
    assert "Her statement" not in page_of(anna, claim)
    assert decide(anna, claim, message, decision="beside").status_code == 409  # she opens no messages
    assert decide(office("adva"), claim, message, decision="beside").status_code == 303
    assert "Her statement, beside her file" in page_of(anna, claim)
    assert WORDS in anna.post(f"/repair/claims/{claim.ref}/read/", {"field": "statement"}).content.decode()
    page, _text = her_section(door, code)
    assert "put beside your file as your own statement" in page
    assert [e.action for e in log.history(claim.ref)].count("statement put beside") == 1


def test_what_was_assessed_on_other_facts_is_assessed_again(door, office, hers):
    claim, message, code = hers
    claim = assessed(claim)
    assert claim.first_assessor is not None and claim.criteria
    reply = office("inga").post(reverse("decide-correction", args=[claim.ref]),
                                {"message": message.ref, "decision": "correct", "area1": "UNSAID"}, follow=True)  # fmt: skip
    assert "it is assessed again" in reply.content.decode()
    see_all()
    now = Claim.objects.get(pk=claim.pk)
    assert (now.status, now.first_assessor, now.criteria, now.presumed_by) == ("ASSESSMENT", None, [], "")
    assert now.eligibility_due_at >= claim.eligibility_due_at
    made = Correction.objects.get(message=message.ref)
    assert made.set_aside == [person("anna").ref] and "area2" in made.changed
    assert "looked at again from the start" in her_section(door, code)[0]
    # Whoever changed the facts assesses nothing; another does, on the facts as they are now.
    with pytest.raises(Refused):
        actions.assess_claim(now, coherent=True, by=person("inga"))
    assert actions.assess_claim(now, coherent=True, by=person("axel")).first_assessor == person("axel")


def test_whoever_assessed_before_the_correction_does_not_award(hers, monkeypatch):
    claim, message, _code = hers
    claim = assessed(claim)
    actions.correct_claim(claim, message.ref, facts={"area1": "UNSAID"}, by=person("inga"))
    see_all()
    assert Correction.objects.get(message=message.ref).set_aside == [person("anna").ref]
    monkeypatch.setattr(rules, "is_eligible", lambda _criteria: True)
    actions.assess_claim(Claim.objects.get(pk=claim.pk), coherent=True, by=person("axel"))
    alliance.decide_grant(
        alliance.ask_grant(person("anna"), "award_panel", by=person("ines")), "confirm_grant", by=person("arno")
    )
    see_all()
    with pytest.raises(Refused, match="before its facts were corrected"):
        actions.award_claim(Claim.objects.get(pk=claim.pk), by=person("anna"))
    assert actions.award_claim(Claim.objects.get(pk=claim.pk), by=person("paulo")).units == 30


def test_an_award_stays_and_another_person_looks_at_it_again(door, office, awarded, played):
    claim, message = awarded
    award, status = claim.award.net, claim.status
    with pytest.raises(Refused, match="until the award"):
        actions.correct_claim(claim, message.ref, facts={"claim_type": "CL-IND"}, by=person("inga"))
    made = actions.correct_claim(claim, message.ref, facts={"area1": "UNSAID"}, by=person("adva"))
    see_all()
    now = Claim.objects.get(pk=claim.pk)
    assert (now.award.net, now.status, now.first_assessor) == (award, status, claim.first_assessor)
    assert made.award_look == lifecycle.LOOK_WAITS
    page = page_of(office("inga"), claim)
    assert "It stays (R-APP-1)" in page and "waits to be looked at again" in page
    digits = played["run"].codes["door"].code.digits
    assert "What was awarded stays yours. Another person looks" in her_section(door, digits, "2580")[0]
    # Paulo decided it: neither the facts nor the second look are his.
    paulo = office("paulo")
    assert "to look at again" not in paulo.get("/today/").content.decode()
    assert paulo.post(reverse("look-at-award", args=[claim.ref]), {"holds": "yes"}).status_code == 409
    see_all()
    actions.look_at_corrected_award(now, holds=True, by=_on_the_panel())
    see_all()
    assert Correction.objects.get(pk=made.pk).award_look == lifecycle.LOOK_HOLDS
    assert "it stays as it is" in her_section(door, digits, "2580")[0]


def _on_the_panel():
    """Someone of the appeals panel, who never saw the claim."""
    new = alliance.enter_person(handle="abena", name="Abena Appeals", body=person("paulo").body, by=person("ines"))
    alliance.decide_grant(
        alliance.ask_grant(new, "appeals_panel", by=person("ines")), "confirm_grant", by=person("arno")
    )
    see_all()
    new.refresh_from_db()
    new.fresh = True
    return new


def test_nobody_else_decides_it(office, hers, saved):
    claim, message, _code = hers
    where = reverse("decide-correction", args=[claim.ref])
    for handle in ("sami", "delegate.avn", "fina", "chair"):
        client = office(handle)
        assert client.get(where).status_code == 404
        assert decide(client, claim, message, decision="decline", reason="UNCLEAR").status_code == 404
    for decision in (
        {"decision": "decline", "reason": "UNCLEAR"},
        {"decision": "correct", "country": "UNSAID"},
        {"decision": "beside"},
    ):
        assert decide(office("paulo"), claim, message, **decision).status_code == 409
    assert "Decide" not in page_of(office("paulo"), claim).split('id="corrections"')[1].split("</article>")[0]
    # Nor a correction of another claim by way of this one.
    with pytest.raises(Refused, match="no such correction"):
        actions.decline_correction(saved("$claim"), message.ref, reason="UNCLEAR", by=person("inga"))
    see_all()
    assert not Correction.objects.filter(message=message.ref).exists()


@pytest.mark.parametrize("purposes", [["CP-CLAI"], ["EVERYTHING"]])
def test_after_she_took_it_back_nothing_of_it_is_opened_or_changed(door, office, hers, purposes):
    claim, message, code = hers
    visitor, _page = enter(door, code, "2468")
    visitor.say("/inside/withdraw/", purpose=purposes[0])
    see_all()
    inga = office("inga")
    assert "corrects her file" not in inga.get("/today/").content.decode()
    assert "so nothing of it is changed" in page_of(inga, claim)
    for act in (
        lambda: actions.correct_claim(claim, message.ref, facts={"country": "UNSAID"}, by=person("inga")),
        lambda: actions.decline_correction(claim, message.ref, reason="UNCLEAR", by=person("inga")),
        lambda: actions.note_statement(claim, message.ref, by=person("inga")),
    ):
        with pytest.raises(Refused):
            act()
    see_all()
    assert not Correction.objects.filter(message=message.ref).exists()
    assert "You took your claim back" in her_section(door, code)[0]


def test_shredded_with_the_file(office, hers, later):
    from answerable.vault import keyroom

    claim, message, _code = hers
    made = actions.correct_claim(
        claim, message.ref, facts={"account": "Another.", "country": "UNSAID"}, by=person("inga")
    )
    see_all()
    claim.refresh_from_db()
    consent.withdraw_consent(claim, ["EVERYTHING"], heard_through="letter", by=person("adva"))
    later(days=15)
    consent.shred_due()
    see_all()
    gone = Correction.objects.get(pk=made.pk)
    assert not keyroom.has_keys([made.ref]) and bytes(gone.account) == b"" and gone.before == {} and gone.changed == []


def test_of_two_decisions_one_counts(office, hers):
    claim, message, _code = hers
    assert decide(office("adva"), claim, message, decision="decline", reason="UNCLEAR").status_code == 303
    with pytest.raises(Refused, match="decided already"):
        actions.correct_claim(claim, message.ref, facts={"country": "UNSAID"}, by=person("inga"))
    see_all()
    assert Correction.objects.get(message=message.ref).outcome == lifecycle.DECLINED
    assert Correction._meta.get_field("message").unique  # tests/security/test_races.py: six at once


def test_her_words_and_what_is_made_of_them_are_in_no_table_and_no_entry(door, office, hers, caplog):
    claim, message, _code = hers
    caplog.set_level(logging.DEBUG)
    words = {
        n: f"canary{n}word"
        for n in ("account", "alias", "preferences", "contact", "place", "reason", "second", "third")
    }
    by = channel.holder(message.thread.ref, message.thread.compartment)
    second = channel.leave_message(message.thread, words["second"], kind="correction", by=by)
    third = channel.leave_message(message.thread, words["third"], kind="correction", by=by)
    inga = office("inga")
    facts = {"account": words["account"], "alias": words["alias"], "preferences": words["preferences"],
             "safe_contact": words["contact"], "area2": words["place"], "events_from": "2025-11-03"}  # fmt: skip
    wrong = {**facts, "events_from": "2999-01-01"}  # an error is swept as well
    assert decide(inga, claim, message, decision="correct", **wrong).status_code == 409
    assert decide(inga, claim, message, decision="correct", **facts).status_code == 303
    assert decide(inga, claim, second, decision="decline", reason="OTHER", words=words["reason"]).status_code == 303
    assert decide(inga, claim, third, decision="beside").status_code == 303
    assert {n: rows_holding(w) for n, w in words.items()} == {n: [] for n in words}
    assert rows_holding("2025-11-03") == []
    events = json.dumps([e.event for e in log.Entry.objects.all()])
    shown = (
        inga.get("/today/").content.decode()
        + page_of(inga, claim)
        + inga.get(f"/repair/messages/{message.thread.ref}/").content.decode()
    )
    assert not [n for n, w in words.items() if w in events + shown + caplog.text]
    assert Message.objects.filter(thread=message.thread, kind="form").count() == 2
    assert clock.now() - message.written_at < timedelta(days=1)
