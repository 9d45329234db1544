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
from answerable.authority.acting import action
from answerable.authority.principals import CLOCK
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


@pytest.mark.slow
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
    assert entry.event["detail"]["fields"] == ["account", "age_band", "country", "events_from"]
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


@pytest.mark.slow
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


@pytest.mark.slow
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
@pytest.mark.slow
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
    from answerable.vault.keyroom import shredding

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
    assert (
        not shredding.has_keys([made.ref]) and bytes(gone.account) == b"" and gone.before == {} and gone.changed == []
    )


def test_of_two_decisions_one_counts(office, hers):
    claim, message, _code = hers
    assert decide(office("adva"), claim, message, decision="decline", reason="UNCLEAR").status_code == 303
    with pytest.raises(Refused, match="decided already"):
        actions.correct_claim(claim, message.ref, facts={"country": "UNSAID"}, by=person("inga"))
    see_all()
    assert Correction.objects.get(message=message.ref).outcome == lifecycle.DECLINED
    assert Correction._meta.get_field("message").unique  # tests/security/test_races.py: six at once


@pytest.mark.parametrize("stored", ["", "25-34"], ids=["her age was not said", "taken in before the door asked"])
@pytest.mark.slow
def test_an_adult_who_is_ticked_as_a_child_is_corrected_out_of_it(door, office, saved, stored):
    visitor = door()
    lodged(visitor, saved("$programme"), flags=["UF-14", "UF-16"])
    code = visitor.code()
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    visitor.say("/inside/write/", text=WORDS, kind="correction")
    see_all()
    claim, message = Claim.objects.get(ref=newest().about_ref), newest().messages.get(kind="correction")

    @action("test gives her an age")
    def aged(*, by):
        Claim.objects.filter(pk=claim.pk).update(age_band=stored)
        log.append("x", "y", by=by)

    aged(by=CLOCK)
    see_all()
    assert claim.awaiting == ["CP-CLAI", "CP-CONT"] and claim.score == 40
    assert "an adult you trust says yes together with you" in her_section(door, code)[0]
    inga = office("inga")
    page = inga.get(reverse("decide-correction", args=[claim.ref])).content.decode()
    assert "Ticked as urgent, and not so" in page
    assert decide(inga, claim, message, decision="correct", age_band="35-49").status_code == 303
    now = Claim.objects.get(pk=claim.pk)
    assert (now.age_band, now.flags, now.level, now.score) == ("35-49", ["UF-14"], "U1", 20) and not now.is_childs
    made = Correction.objects.get(message=message.ref)
    assert (made.changed, made.before["flags"]) == (["age_band", "flags"], ["UF-14", "UF-16"])
    assert log.history(claim.ref)[-1].event["detail"]["fields"] == ["age_band", "flags"]
    shown = page_of(inga, claim)
    assert "Age, Urgent needs" in shown and "not under 18" in shown and "waits for herself" in shown
    page, text = her_section(door, code)
    assert "What is urgent for you" in page and "an adult you trust" not in page
    assert "no longer says that you are under 18" in page and "waits for you alone" in page
    assert "What is urgent for you: I am not safe at home (corrected at your word)" in text
    assert "I am not safe at home" not in page
    # And now she gives it by herself.
    visitor, _page = enter(door, code, "2468")
    visitor.say("/inside/choice/", act="give", purpose="CP-STAT")
    visitor.say("/inside/give/", purpose="CP-STAT", understood="yes")
    see_all()
    assert "CP-STAT" in consents.in_force(claim.ref)


@pytest.mark.slow
def test_urgent_needs_are_corrected_one_by_one(office, hers):
    claim, message, _code = hers
    by = channel.holder(message.thread.ref, message.thread.compartment)
    second = channel.leave_message(message.thread, "Not that.", kind="correction", by=by)
    inga = office("inga")
    assert (
        "Ticked as urgent, and not so" not in inga.get(reverse("decide-correction", args=[claim.ref])).content.decode()
    )
    # Ticked anew beside an age that rules it out: nothing is accepted in silence.
    odd = decide(inga, claim, message, decision="correct", age_band="35-49", urgent=["UF-16"])
    assert odd.status_code == 409 and "do not agree" in odd.content.decode()
    with pytest.raises(Refused, match="Unknown code"):
        actions.correct_claim(claim, message.ref, facts={}, urgent=["UF-99"], by=person("inga"))
    see_all()
    reply = inga.post(reverse("decide-correction", args=[claim.ref]),
                      {"message": message.ref, "decision": "correct", "urgent": ["UF-16", "UF-14"]}, follow=True)  # fmt: skip
    see_all()
    assert "She is not safe at home" in reply.content.decode()
    now = Claim.objects.get(pk=claim.pk)
    assert (now.flags, now.level, now.score) == (["UF-14", "UF-16"], "U1", 40) and now.is_childs
    assert decide(inga, claim, second, decision="correct", not_urgent=["UF-16", "UF-14"]).status_code == 303
    now = Claim.objects.get(pk=claim.pk)
    assert (now.flags, now.level, now.score) == ([], "U3", 0) and not now.is_childs
    assert Correction.objects.get(message=second.ref).touched == [rules.NO_CHILD]


def test_at_the_door_an_age_and_a_tick_that_do_not_agree_are_looked_at_once_more(door, saved):
    from answerable.channel.steps import steps_of

    visitor, names = door(), [s.name for s in steps_of("claim", has_code=False)]
    answers = {"care": "yes", "pin": "2468", "programme": saved("$programme").ref, "claim_type": "CL-DIR", "year": "2026",
               "age_band": "25-34"}  # fmt: skip

    def go(first: str, last: str) -> None:
        for name in names[names.index(first) : names.index(last)]:
            visitor.next(answers.get(name, ""), act="next" if name in answers else "skip")

    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    go("care", "flags")
    page = visitor.next(["UF-16", "UF-26"])
    assert "look at the two once more" in page and "Is anything urgent?" in page
    # She goes back to her age, leaves it out, and comes here again without being stopped on the way.
    for _ in range(names.index("flags") - names.index("age_band")):
        page = visitor.next(["UF-16", "UF-26"] if "Is anything urgent?" in page else "", act="back")
    assert "How old are you?" in page
    go("age_band", "account")
    assert "look at the two once more" not in visitor.next("", act="skip")
    page = visitor.next(["UF-26"])
    assert "look at the two once more" not in page and "What would help you most?" in page
    # Nor is it taken by a way round the page.
    with pytest.raises(Refused, match="look at the two once more"):
        _sent_round(saved("$programme").ref, age_band="under 18", flags=["UF-24"])


def _sent_round(programme: str, **fields) -> None:
    from answerable.reparations import doors

    doors._lodge("claim", {"programme": programme, "year": "2026", **fields}, None)


@pytest.mark.slow
def test_the_form_offers_what_one_may_do_and_only_where_something_waits(door, office, hers):
    claim, message, code = hers
    where = reverse("decide-correction", args=[claim.ref])
    page = office("anna").get(where).content.decode()
    assert 'value="correct"' in page and 'value="decline"' in page and 'value="beside"' not in page
    assert 'value="beside"' in office("adva").get(where).content.decode()
    barred = office("paulo").get(where)
    assert barred.status_code == 200 and 'name="decision"' not in barred.content.decode()
    # Another was faster: how it stands now, and no form.
    actions.decline_correction(claim, message.ref, reason="UNCLEAR", by=person("adva"))
    see_all()
    late = decide(office("inga"), claim, message, decision="correct", country="UNSAID")
    said = late.content.decode()
    assert late.status_code == 409 and "decided already" in said and "Declined on" in said
    assert "not decided yet" not in said and 'name="decision"' not in said
    empty = office("inga").get(where).content.decode()
    assert "No correction of this claim waits" in empty and 'name="message"' not in empty
    by = channel.holder(message.thread.ref, message.thread.compartment)
    other = channel.leave_message(message.thread, "And my age.", kind="correction", by=by)
    see_all()
    visitor, _page = enter(door, code, "2468")
    visitor.say("/inside/withdraw/", purpose="CP-CLAI")
    see_all()
    open_form = decide(office("inga"), claim, other, decision="correct", country="UNSAID")
    plain = "She took this claim back, so nothing of it is changed (SC-5)."
    assert open_form.status_code == 409 and plain in open_form.content.decode()
    assert plain in office("inga").get(where).content.decode()


@pytest.mark.slow
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


# --- days one by one, and what becomes urgent later ---------------------------------------------------------------


def _again(message, words: str = "And that."):
    by = channel.holder(message.thread.ref, message.thread.compartment)
    return channel.leave_message(message.thread, words, kind="correction", by=by)


def _days(claim) -> tuple[str, str]:
    from answerable.vault import client

    claim = Claim.objects.get(pk=claim.pk)
    texts: dict[str, str] = {}
    for ref, names in corrections.current(claim, ["events_from", "events_to"]).items():
        texts |= client.ask("open", token=person("anna").vault_session, ref=ref, fields=names, purpose="adjudication")
    see_all()
    return texts["events_from"], texts["events_to"]


def test_a_day_that_is_left_empty_stays_as_it_is(office, hers):
    claim, message, _code = hers
    first, last = _days(claim)
    year = int(first[:4])
    inga = office("inga")
    assert decide(inga, claim, message, decision="correct", events_from=f"{year - 1}-04-01").status_code == 303
    assert _days(claim) == (f"{year - 1}-04-01", last)
    now = Claim.objects.get(pk=claim.pk)
    assert (now.quarter, now.corrections.get().changed) == (f"{year - 1}-Q2", ["events_from"])
    # The last day alone: not before the quarter in which it began, which is all that is known without opening the day.
    early = decide(inga, claim, _again(message), decision="correct", events_to=f"{year - 1}-03-31")
    assert early.status_code == 409 and "begins before it ends" in early.content.decode()
    message = message.thread.messages.filter(kind="correction").latest("id")
    assert decide(inga, claim, message, decision="correct", events_to=f"{year - 1}-06-01").status_code == 303
    assert _days(claim) == (f"{year - 1}-04-01", f"{year - 1}-06-01")
    assert Claim.objects.get(pk=claim.pk).quarter == f"{year - 1}-Q2"


def test_days_that_do_not_agree_are_found_by_whoever_opens_them(hers):
    claim, message, _code = hers
    _first, last = _days(claim)
    later_day = (clock.today()).isoformat()
    assert later_day > last
    actions.correct_claim(claim, message.ref, facts={"events_from": later_day}, by=person("inga"))
    with pytest.raises(Refused, match="ends before it begins"):
        assessed(claim)
    see_all()
    now = Claim.objects.get(pk=claim.pk)
    assert (now.status, now.first_assessor) == (lifecycle.ASSESSMENT, None)
    second = _again(message)
    actions.correct_claim(now, second.ref, facts={"events_to": later_day}, by=person("inga"))
    see_all()
    assert actions.assess_claim(Claim.objects.get(pk=claim.pk), coherent=True, by=person("anna")).first_assessor


def test_what_a_correction_makes_urgent_is_looked_at_within_72_hours_of_it(door, office, hers, later):
    claim, message, code = hers
    claim = assessed(claim)
    later(days=2)
    reply = office("inga").post(reverse("decide-correction", args=[claim.ref]),
                                {"message": message.ref, "decision": "correct", "urgent": ["UF-01"]}, follow=True)  # fmt: skip
    see_all()
    assert "within 72 hours of the correction" in reply.content.decode()
    now = Claim.objects.get(pk=claim.pk)
    due = clock.now() + timedelta(hours=72)
    assert (now.level, now.status, now.first_assessor) == ("U0", claim.status, claim.first_assessor)
    assert abs(now.urgent_due_at - due) < timedelta(minutes=1) and now.eligibility_due_at == claim.eligibility_due_at
    clocked = day_words(now.urgent_due_at)
    for who in ("inga", "adva"):
        client = office(who)
        today = client.get("/today/").content.decode()
        item = next(li for li in today.split("<li>") if "Danger to life, by a correction" in li)
        assert f"/repair/claims/{claim.ref}/" in item and "look at it within" in item and clocked in item
        page = page_of(client, claim)
        assert clocked in page and "Danger to life, by a correction" in page and 'value="screen"' in page
        assert day_words(now.eligibility_due_at) not in page.split("<h2", 1)[0]
    # Her own page says until when, and not that someone has looked.
    page = her_section(door, code)[0]
    assert f"must look at it by {clocked}" in page and "Someone has looked at it" not in page
    later(days=4)
    today = office("inga").get("/today/").content.decode()
    item = next(li for li in today.split("<li>") if "Danger to life, by a correction" in li)
    assert clocked in item
    # An advocate looks: the claim stays where it is, and the other clock is in force again.
    assert office("adva").post(f"/repair/claims/{claim.ref}/move/", {"move": "screen"}).status_code == 303
    see_all()
    again = Claim.objects.get(pk=claim.pk)
    assert (again.urgent_due_at, again.status) == (None, now.status)
    assert [e.action for e in log.history(claim.ref)][-1] == "screen"
    assert "by a correction" not in office("inga").get("/today/").content.decode()
    assert "Someone has looked at it" in her_section(door, code)[0]
    with pytest.raises(Refused):
        actions.move_claim(again, "screen", by=person("adva"))


def test_a_need_that_is_taken_away_again_has_no_clock(hers):
    claim, message, _code = hers
    # Before it was screened the clock of its lodging runs.
    actions.correct_claim(claim, message.ref, facts={}, urgent=["UF-02"], by=person("inga"))
    see_all()
    assert Claim.objects.get(pk=claim.pk).urgent_due_at is None
    actions.move_claim(Claim.objects.get(pk=claim.pk), "screen", by=person("inga"))
    see_all()
    actions.correct_claim(claim, _again(message).ref, facts={}, urgent=["UF-03"], by=person("inga"))
    see_all()
    assert Claim.objects.get(pk=claim.pk).urgent_due_at is not None
    actions.correct_claim(claim, _again(message).ref, facts={}, not_urgent=["UF-02", "UF-03"], by=person("inga"))
    see_all()
    assert Claim.objects.get(pk=claim.pk).urgent_due_at is None
