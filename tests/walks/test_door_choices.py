"""What she gives, takes back and undoes at her door: what she reads before and after, and what the office then may do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from door_support import enter, lodged, newest
from tests_support import see_all

from answerable.alliance.days import day_words
from answerable.alliance.models import Person
from answerable.authority import engine
from answerable.channel import queries as door_queries
from answerable.common import clock
from answerable.record import log
from answerable.reparations.models import Claim
from answerable.safeguarding import actions as safeguarding
from answerable.vault.client import ask
from answerable.vault.consent import gate, queries
from answerable.vault.consent import survivor as words
from answerable.vault.consent.models import Consent, Withdrawal
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db


@pytest.fixture
def her(door, played):
    """She is on her own page, of the demonstration's claim, which was awarded."""
    visitor, page = enter(door, played["run"].codes["door"].code.digits, "2580")
    assert "Your page" in page
    return visitor


def asked(visitor, act: str, purpose: str) -> str:
    visitor.see("/inside/")
    return visitor.say("/inside/choice/", act=act, purpose=purpose)


def rows(page: str, title: str) -> list[list[str]]:
    """Cells of the table under a heading."""
    part = page.split(f"<h2>{title}", 1)[1].split("</section>", 1)[0]
    return [re.findall(r"<dd>(.*?)</dd>", card) for card in re.findall(r'<dl class="card">(.*?)</dl>', part)]


# --- giving -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_purpose_is_given_at_the_door_after_its_meaning_was_read_and_the_gate_follows(her, saved):
    claim = saved("$claim")
    page = her.see("/inside/")
    assert "Give: Use by United Nations" in page or "Give:" in page
    before = len(log.history(claim.ref))
    assert not gate.gate("publish", claim, "statistics")
    page = asked(her, "give", "CP-STAT")
    for said in ("Who may use it: anyone", "How far you can be recognised", "until you take it back",
                 "A figure that was published is not changed", "at any time, without a reason"):  # fmt: skip
        assert said in page, said
    # Without the tick nothing is given, and it is said on the same page.
    page = her.say("/inside/give/", purpose="CP-STAT")
    assert "Tick first" in page and "Yes, I give this" in page and not gate.gate("publish", claim, "statistics")
    page = her.say("/inside/give/", purpose="CP-STAT", understood="yes")
    assert "You gave on" in page and "nothing is lost without it" in page
    see_all()
    row = Consent.objects.filter(subject=claim.ref, purpose="CP-STAT").latest("id")
    assert (row.given, row.method, row.audience, row.identifiability, row.giver) == (
        True,
        "channel",
        ["public"],
        "ID-0",
        "self",
    )
    assert row.understanding_checked and row.withdrawal_channel_told and row.recorded_by == saved("$door").ref
    assert gate.gate("publish", claim, "statistics") and "CP-STAT" in saved("$claim").purposes
    new = log.history(claim.ref)[before:]
    assert [e.action for e in new] == ["consent recorded"] and new[0].event["detail"]["given"] == ["CP-STAT"]
    # And taken back again, like any other.
    her.say("/inside/withdraw/", purpose="CP-STAT")
    see_all()
    assert not gate.gate("publish", claim, "statistics")


def test_a_purpose_with_a_term_says_when_it_ends_and_ends_then(her, saved):
    page = asked(her, "give", "CP-UNIT")
    assert "It ends by itself on" in page and "We cannot force them." in page
    her.say("/inside/give/", purpose="CP-UNIT", understood="yes")
    see_all()
    row = Consent.objects.filter(subject=saved("$claim").ref, purpose="CP-UNIT").latest("id")
    assert row.expires_on and row.expires_on.year == clock.today().year + 2
    assert day_words(row.expires_on) in page


@pytest.mark.parametrize("purpose", ["CP-STAT", "CP-NONE", "EVERYTHING"])
def test_nothing_is_given_that_was_not_shown_before(her, saved, purpose):
    before = queries.in_force(saved("$claim").ref)
    page = her.say("/inside/give/", purpose=purpose, understood="yes")
    assert "Read first what it means" in page
    see_all()
    assert queries.in_force(saved("$claim").ref) == before


def test_a_paper_code_alone_gives_nothing(door, played, saved):
    visitor, _page = enter(door, played["run"].codes["door"].code.digits)
    before = queries.in_force(saved("$claim").ref)
    visitor.say("/inside/choice/", act="give", purpose="CP-STAT")
    visitor.see("/inside/")
    visitor.say("/inside/give/", purpose="CP-STAT", understood="yes")
    see_all()
    assert queries.in_force(saved("$claim").ref) == before


def test_a_child_does_not_consent_alone_at_the_door_or_at_the_office(her, office, saved):
    from answerable.authority.acting import action

    @action("test makes her a child")
    def young(*, by):
        Claim.objects.filter(ref=saved("$claim").ref).update(age_band="under 18")
        log.append("x", "y", by=by)

    from answerable.authority.principals import CLOCK

    young(by=CLOCK)
    # Said before she reads and ticks anything, in words for her.
    assert "an adult you trust says yes together with you" in her.say("/inside/choice/", act="give", purpose="CP-STAT")
    her.say("/inside/give/", purpose="CP-STAT", understood="yes")
    see_all()
    assert "CP-STAT" not in queries.in_force(saved("$claim").ref)
    # At the office her file counts, whatever is ticked on the card.
    adva, url = office("adva"), f"/record/consents/{saved('$claim').ref}/CP-STAT/"
    assert re.search(r'name="child"[^>]*checked', adva.get(url).content.decode())
    alone = {"given": "yes", "giver": "self", "audience": ["public"], "identifiability": "ID-0", "method": "spoken",
             "understanding_checked": "on", "withdrawal_channel_told": "on"}  # fmt: skip
    reply = adva.post(url, alone)
    assert reply.status_code != 303 and "a guardian consents and the child assents" in reply.content.decode()
    see_all()
    assert "CP-STAT" not in queries.in_force(saved("$claim").ref)


@pytest.mark.parametrize("said", [{"age_band": "under 18"}, {"flags": ["UF-16"]}], ids=["her age", "that it is urgent"])
@pytest.mark.slow
def test_a_childs_claim_is_received_at_the_door_and_her_consent_waits_for_an_adult(door, office, saved, said):
    visitor = door()
    lodged(visitor, saved("$programme"), account="What I say.", **said)
    code = visitor.code()
    visitor.say("/code/", what="written")
    page = visitor.say("/code/", what="check", code=code)
    see_all()
    claim = Claim.objects.order_by("-id").first()
    assert claim.status == "LODGED" and claim.awaiting == ["CP-CLAI", "CP-CONT"]
    assert not Consent.objects.filter(subject=claim.ref).exists() and claim.purposes == []
    assert "It was received." in page and "an adult you trust says yes together with you" in page
    hers = visitor.see("/inside/")
    assert "an adult you trust says yes together with you" in hers and "Give:" not in hers
    # Nobody opens it to decide on it, and the office reads what it waits for.
    assert not gate.gate("read", claim, "adjudication")
    assert (
        "waits for an adult who consents with the child"
        in office("adva").get(f"/repair/claims/{claim.ref}/").content.decode()
    )
    # With an adult at the office, one purpose at a time.
    yes = {"given": "yes", "giver": "guardian", "audience": ["organ"], "identifiability": "ID-2", "method": "spoken",
           "understanding_checked": "on", "withdrawal_channel_told": "on", "assent": "on"}  # fmt: skip
    adva, url = office("adva"), f"/record/consents/{claim.ref}/CP-CLAI/"
    assert "not implicated" in adva.post(url, yes).content.decode()
    assert adva.post(url, {**yes, "guardian_not_implicated": "on"}).status_code == 303
    see_all()
    claim.refresh_from_db()
    assert gate.gate("read", claim, "adjudication") and claim.awaiting == ["CP-CONT"] and claim.purposes == ["CP-CLAI"]


@pytest.mark.slow
def test_a_child_who_withdraws_everything_waits_for_nothing_until_she_undoes_it(door, saved):
    from answerable.vault.consent import actions as consent

    visitor = door()
    lodged(visitor, saved("$programme"), age_band="under 18")
    code = visitor.code()
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    visitor.say("/inside/choice/", act="withdraw", purpose="EVERYTHING")
    page = visitor.say("/inside/withdraw/", purpose="EVERYTHING")
    assert "an adult you trust" not in page and "You took it back." in page
    see_all()
    claim = Claim.objects.order_by("-id").first()
    consent.owed()
    see_all()
    claim.refresh_from_db()
    assert (claim.awaiting, claim.status) == ([], "WITHDRAWN")
    visitor.say("/inside/undo/", withdrawal=Withdrawal.objects.latest("id").ref)
    see_all()
    consent.owed()
    see_all()
    claim.refresh_from_db()
    assert (claim.awaiting, claim.status) == (["CP-CLAI", "CP-CONT"], "LODGED")


@pytest.mark.parametrize(
    ("with_adult", "refused", "in_force"),
    [
        ({}, "", []),
        ({"guardian": "on"}, "own assent", None),
        ({"guardian": "on", "assent": "on"}, "not implicated", None),
        ({"guardian": "on", "assent": "on", "guardian_not_implicated": "on"}, "", ["CP-CLAI"]),
    ],
    ids=["alone", "no assent", "implicated perhaps", "together"],
)  # fmt: skip
def test_at_the_office_a_childs_claim_needs_an_adult_for_her_consent_and_not_to_be_lodged(
    office, saved, with_adult, refused, in_force
):
    programme = saved("$programme")
    typed = {"claim_type": "CL-DIR", "alias": "N.", "age_band": "under 18", "country": "OTHER", "language": "ar",
             "safe_contact": "Tuesdays", "events_from": "2026-01-02", "area1": "OTHER", "purposes": ["CP-CLAI"],
             "account": "As far as I remember.", "declared_true": "on", "referral_offered": "on", **with_adult}  # fmt: skip
    see_all()
    before = Claim.objects.count()
    reply = office("inga").post(f"/repair/programmes/{programme.ref}/lodge/", typed)
    see_all()
    if refused:
        page = reply.content.decode()
        assert reply.status_code == 409 and refused in page and "As far as I remember." in page
        assert Claim.objects.count() == before
        return
    assert reply.status_code == 303
    claim = Claim.objects.order_by("-id").first()
    assert queries.in_force(claim.ref) == claim.purposes == in_force and claim.awaiting == (
        [] if in_force else ["CP-CLAI"]
    )
    assert all(c.giver == "guardian" and c.assent for c in Consent.objects.filter(subject=claim.ref))


# --- taking back --------------------------------------------------------------------------------------------------


def test_taking_one_purpose_back_says_what_follows_before_it_is_done_and_can_be_undone(her, saved):
    claim = saved("$claim")
    page = asked(her, "withdraw", "CP-CONT")
    assert (
        "Nobody contacts you any more" in page and "you can undo it until" in page and "No, leave it as it is" in page
    )
    see_all()
    assert "CP-CONT" in queries.in_force(claim.ref)  # only asked so far
    page = her.say("/inside/withdraw/", purpose="CP-CONT")
    see_all()
    assert "CP-CONT" not in queries.in_force(claim.ref) and "Keep it or not" in page
    word = Withdrawal.objects.latest("id")
    her.say("/inside/undo/", withdrawal=word.ref)
    see_all()
    assert "CP-CONT" in queries.in_force(claim.ref)


def test_before_and_after_everything_is_withdrawn_she_reads_the_same_of_her_payments(her, saved):
    before = asked(her, "withdraw", "EVERYTHING")
    after = her.say("/inside/withdraw/", purpose="EVERYTHING")
    for page in (before, after):
        for said in (
            "nobody can open anything of yours, not even to pay you",
            "Payments that were arranged with you before go on: the fund sees a number and an amount, never your name.",
            "we can no longer find out to whom",
            "fourteen days longer; after twenty-eight days nobody can ever read it",
        ):
            assert said in page, said
        assert "used only to pay you" not in page and "is still paid" not in page
    assert "Money awarded to you: 1 of 3 payments were made." in after
    see_all()
    # What is said holds: her file is opened for no payment, and what was accepted is still owed under a number.
    claim = saved("$claim")
    assert not gate.gate("read", claim, "payment")
    from answerable.common.hooks import question
    from answerable.reparations.models import AwardLine

    line = AwardLine.objects.get(award_key=claim.award.ref)
    assert [o for o in question("instalment_owed").ask(line.ref, 2) if o]
    # Every line of what follows says where it stands.
    table = rows(after, "What you withdrew on")
    assert len(table) > 3 and all(len(r) == 2 and r[1].strip() for r in table)


def test_after_taking_back_the_claim_alone_an_award_is_still_paid(her, saved):
    page = asked(her, "withdraw", "CP-CLAI")
    assert "Your award stays yours and is still paid. Your file is opened only for that" in page
    her.say("/inside/withdraw/", purpose="CP-CLAI")
    see_all()
    assert gate.gate("read", saved("$claim"), "payment") and not gate.gate("read", saved("$claim"), "adjudication")


def test_when_everything_is_withdrawn_nothing_is_offered_to_take_back_or_give(her):
    page = her.say("/inside/withdraw/", purpose="EVERYTHING")
    part = page.split("<h2>What you allow", 1)[1].split("<h2>", 1)[0]
    assert f"You withdrew everything on {day_words(clock.today())}, so nothing is allowed now." in part
    assert "Take everything back" not in part and "Give:" not in part and "<button" not in part
    assert her.send("/inside/choice/", act="withdraw", purpose="EVERYTHING").headers["Location"] == "/inside/choice/"
    assert "Yes, take it back" not in her.see("/inside/choice/")


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("purpose", ["EVERYTHING", "CP-CLAI"])
@pytest.mark.slow
def test_when_her_claim_is_closed_no_clock_of_it_is_shown(door, played, saved, purpose, carried_out):
    from answerable.vault.consent import actions as consent

    visitor = door()
    lodged(visitor, saved("$programme"), flags=["UF-01"])
    code = visitor.code()
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    page = visitor.see("/inside/")
    assert "A first answer is due by" in page and "must look at it by" in page and "It was received." in page
    visitor.say("/inside/choice/", act="withdraw", purpose=purpose)
    page = visitor.say("/inside/withdraw/", purpose=purpose)
    if carried_out:
        see_all()
        consent.owed()
        page = visitor.see("/inside/")
    assert "Your claim is closed" in page and "You took it back." in page
    assert (
        "A first answer is due by" not in page and "must look at it by" not in page and "It was received." not in page
    )
    # Undone, the clocks of it run again and are said again.
    see_all()
    page = visitor.say("/inside/undo/", withdrawal=Withdrawal.objects.latest("id").ref)
    assert carried_out or "A first answer is due by" in page


@pytest.mark.parametrize("carried_out", [False, True])
def test_after_an_undoing_its_day_stands_first_and_nothing_says_that_keys_will_end(her, saved, carried_out):
    from answerable.vault.consent import actions as consent

    her.say("/inside/withdraw/", purpose="EVERYTHING")
    see_all()
    word = Withdrawal.objects.latest("id")
    if carried_out:
        consent.owed()
        see_all()
    page = her.say("/inside/undo/", withdrawal=word.ref)
    notice = page.split('role="status"', 1)[1].split("</section>", 1)[0]
    assert f"Undone on {day_words(clock.today())}." in notice and "as it was before" in notice
    assert "keys" not in notice and "You withdrew" not in notice and "nobody can open" not in notice
    assert "and undid</h2>" in page
    table = rows(page, "What you withdrew on")
    assert table and {r[1] for r in table} == {f"undone on {day_words(clock.today())}"}
    assert "I want to undo this" not in page
    # On a later day it is still said, with the day of the undoing.
    with clock.set_to(clock.now() + timedelta(days=3)):
        see_all()
        again = words.receipt_of(Withdrawal.objects.get(pk=word.pk))
    assert again.startswith(f"Undone on {day_words(Withdrawal.objects.get(pk=word.pk).undone_at)}")


def test_what_a_person_did_before_the_undoing_is_said_to_have_been_done(saved):
    from answerable.vault.consent import actions as consent

    item, lena = saved("$I7").items.first(), Person.objects.get(handle="lena")
    word = consent.withdraw_consent(item, ["CP-FIND"], by=lena)
    consent.note_effect_done(word, "REDACT_NARRATIVE", by=lena)
    word = consent.undo_withdrawal(word, by=lena)
    states = dict(words.effect_lines(word))
    assert states["Any words that could be traced to you are taken out within five working days."] == (
        "this was done before you undid it"
    )
    assert all(states.values()) and any(s.startswith("undone on") for s in states.values())


# --- who opened ---------------------------------------------------------------------------------------------------


def test_one_opening_of_all_her_messages_is_one_line_in_the_same_words_everywhere(door, office, her, saved):
    thread, adva = saved("$door"), office("adva")
    her.see("/inside/")
    for text in ("One.", "Two.", "Three."):
        her.say("/inside/write/", text=text)
    see_all()
    refs = list(thread.messages.filter(direction="in").values_list("ref", flat=True))
    assert len(refs) >= 3
    assert adva.post(f"/repair/messages/{thread.ref}/read/", {"message": refs}).status_code == 200
    told = rows(her.see("/inside/"), "Who opened what you told, and why")
    mine = [r for r in told if r[2] == "to answer you" and r[1] == day_words(clock.today())]
    assert len(mine) == 1 and "to reach you safely" not in str(told)


def test_who_opened_her_safe_contact_plan_is_told_like_any_opening(office, her, saved):
    claim, adva = saved("$claim"), office("adva")
    before = rows(her.see("/inside/"), "Who opened what you told, and why")
    see_all()
    by = Person.objects.select_related("body__state").get(handle="adva")
    by.vault_session = ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
    plan = safeguarding.make_plan(claim.ref, plan={"ways": ["phone"], "any_time": True}, by=by)
    reply = adva.post(reverse("read-plan", args=[plan.ref]))
    assert reply.status_code == 200, reply.content
    told = rows(her.see("/inside/"), "Who opened what you told, and why")
    assert [r[2] for r in told if r not in before] == ["to answer you"]


def test_where_nobody_opened_her_details_it_says_so(her):
    part = her.see("/inside/").split("<h2>Who opened your details", 1)[1].split("</section>", 1)[0]
    assert "Nobody has." in part or "opened" in part
    from answerable.vault.custody.entities import _survivor_page

    assert _survivor_page("CLM-NONE")[0]["lines"] == ["Nobody has."]


# --- who will see -------------------------------------------------------------------------------------------------


def test_who_will_see_this_names_everyone_whom_policies_let_in_and_nobody_else(door, office, saved):
    """Held to the people of the demonstration: whoever may open something of a claim or a message is on the list."""
    claim, message = saved("$claim"), saved("$door").messages.filter(direction="in").first()
    opens: set[str] = set()
    for person in Person.objects.filter(is_active=True):
        if claim.compartment not in person.principal().compartments:
            continue
        for thing in (claim, message):
            for role in person.roles:
                if any(
                    engine.allows(_only(person, role), "read_sealed", thing, purpose=p) for p in door_queries.PURPOSES
                ):
                    opens.add(role)
    assert {"eligibility_assessor", "award_panel", "survivor_advocate", "intake_officer"} <= opens
    named, _seen = door_queries.reading_roles("claim")
    assert opens <= set(named)
    words_of = door_queries.role_words()
    visitor = door()
    _to_the_last_page(visitor, saved("$programme"))
    page = visitor.see("/write/")
    for role in named:
        assert words_of[role] in page, role
    assert "Before you send" in page and "Assessors, who look at what you ask for" in page


def _only(person, role):
    from dataclasses import replace

    return replace(person.principal(), roles=frozenset({role}))


@pytest.mark.parametrize("kind", ["claim", "report", "tell"])
def test_every_role_that_reads_at_the_door_has_words(kind):
    opens, sees = door_queries.reading_roles(kind)
    assert opens and set(opens) | set(sees) <= set(door_queries.role_words())


def test_a_message_is_not_read_by_assessors_and_the_page_does_not_say_so(door):
    page = door().see("/begin/")
    assert "Advocates, who stand by you" in page and "Assessors" not in page


def _to_the_last_page(visitor, programme, **more):
    from answerable.channel.steps import steps_of

    answers = {"care": "yes", "programme": programme.ref, "claim_type": "CL-DIR", "year": "2026",
               "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "yes", **more}  # fmt: skip
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    for step in steps_of("claim", has_code=False):
        value = answers.get(step.name)
        page = visitor.next(value if value is not None else "", act="next" if value is not None else "skip")
        assert "needed to go on" not in page, step.name
    return len(steps_of("claim", has_code=False))


# --- asking for reparation ----------------------------------------------------------------------------------------


def test_she_may_prefer_not_to_say_where_it_was_or_where_she_lives(door, saved):
    visitor = door()
    at = _to_the_last_page(visitor, saved("$programme"))
    visitor.say("/write/", at=str(at), act="send")
    assert len(visitor.code()) == 24
    see_all()
    claim = Claim.objects.latest("id")
    assert (claim.area1, claim.country) == ("UNSAID", "UNSAID")


def test_the_words_she_ticks_are_plain_and_the_codes_are_the_offices(door, saved):
    from answerable.channel.steps import CLAIM, PLAIN
    from answerable.common.tables import label, taxonomy
    from answerable.reparations import rules

    assert set(PLAIN["urgency_flag"]) == set(taxonomy("urgency_flag"))
    assert set(PLAIN["violence_form"]) == set(taxonomy("violence_form"))
    assert set(PLAIN["claim_type"]) == set(rules.FLAT_RU)  # what can be lodged, no more and no less
    for step in CLAIM:
        if step.source in PLAIN:
            for code, said in step.choices({}):
                assert str(said) != label(step.source, code, "en"), code
    text = " ".join(str(w) for of in PLAIN.values() for w in of.values())
    for term in ("suicid", "Claimant", "perpetrat", "Heir", "fistula", "destitute", "window"):
        assert term not in text, term


# --- what cannot wait ---------------------------------------------------------------------------------------------


@pytest.fixture
def urgent(door, saved):
    visitor = door()
    lodged(visitor, saved("$programme"), flags=["UF-01"])
    see_all()
    return visitor, Claim.objects.latest("id"), newest()


def test_a_danger_to_life_is_answered_at_once_with_help_and_the_real_day(urgent, door):
    visitor, claim, _thread = urgent
    shown = visitor.page.content.decode()
    code = visitor.code()
    for page in (shown, (visitor.say("/code/", what="written"), visitor.say("/code/", what="check", code=code))[1]):
        assert "someone may kill or badly hurt you" in page and "/care/" in page
        assert f"by {day_words(claim.screening_due_at)} at the latest" in page
        assert "come back with your code and write it" in page
    page = enter(door, code, "2468")[1]
    assert page.index("What cannot wait") < page.index("A first answer is due by")
    # Whoever finds the paper sees nothing of it.
    assert "cannot wait" not in enter(door, code)[1]


def test_a_danger_to_life_stands_first_at_the_office_in_words(urgent, office, saved):
    _visitor, claim, thread = urgent
    inga, adva = office("inga"), office("adva")
    today = inga.get("/today/").content.decode()
    waits = re.findall(r'<li>(?:<strong>[^<]+</strong> )?<a href="([^"]+)">', today.split("What waits for you", 1)[1])
    firsts = {waits[0], waits[1]}
    assert firsts == {f"/repair/claims/{claim.ref}/", f"/repair/messages/{thread.ref}/"}
    assert "Danger to life: screen within <bdi>3</bdi> days" in today
    today = adva.get("/today/").content.decode()
    waits = re.findall(r'<li>(?:<strong>[^<]+</strong> )?<a href="([^"]+)">', today.split("What waits for you", 1)[1])
    assert waits[0] == f"/repair/messages/{thread.ref}/"
    assert "Danger to life: sent a claim, and waits for an answer" in today
    listed = adva.get("/repair/messages/").content.decode()
    threads = re.findall(r'href="/repair/messages/(THR[^"/]+)/"', listed)
    assert threads[0] == thread.ref and "Danger to life · asks for reparation" in listed
    shown = adva.get(f"/repair/messages/{thread.ref}/").content.decode()
    assert "She wrote no message here" in shown and f"/repair/claims/{claim.ref}/" in shown
    assert "None yet." not in shown
    assert "Danger to life" in adva.get(f"/repair/claims/{claim.ref}/").content.decode()


def test_an_ordinary_claim_is_not_called_urgent(door, saved, office):
    visitor = door()
    lodged(visitor, saved("$programme"), flags=["UF-26"])
    assert "cannot wait" not in visitor.page.content.decode()
    assert "screen within" not in office("inga").get("/today/").content.decode()


# --- the office ---------------------------------------------------------------------------------------------------


def test_the_office_reads_that_she_withdrew_when_and_when_the_keys_end(her, saved, office):
    claim, thread, adva = saved("$claim"), saved("$door"), office("adva")
    her.say("/inside/withdraw/", purpose="EVERYTHING")
    see_all()
    word = Withdrawal.objects.latest("id")
    for url in (f"/repair/claims/{claim.ref}/", f"/repair/messages/{thread.ref}/"):
        page = adva.get(url).content.decode()
        assert f"She withdrew everything on {day_words(word.asked_at)}" in page, url
        assert day_words(word.undo_until) in page and "Nothing can be opened, by anyone" in page
        assert "Nothing is allowed now." not in page and 'name="message"' not in page and 'name="field"' not in page
    ref = thread.messages.filter(direction="in").first().ref
    no = adva.post(f"/repair/messages/{thread.ref}/read/", {"message": ref})
    said = no.content.decode()
    assert no.status_code == 409 and f"She withdrew everything on {day_words(word.asked_at)}" in said
    assert "What you typed" not in said and "SC-4" not in said


def test_a_purpose_she_does_not_allow_is_named_where_opening_is_refused(her, saved, office):
    claim = saved("$claim")
    her.say("/inside/withdraw/", purpose="CP-CONT")
    no = office("inga").post(f"/repair/claims/{claim.ref}/read/", {"field": "safe_contact"})
    said = no.content.decode()
    assert no.status_code == 409 and words.purpose_words("CP-CONT") in said and "SC-4" in said


def test_what_was_typed_is_said_to_be_there_where_something_was_typed(her, office, saved):
    thread = saved("$door")
    her.send("/inside/close/", sure="yes")
    no = office("adva").post(f"/repair/messages/{thread.ref}/reply/", {"text": "Long words.", "as": "reply"})
    assert no.status_code == 409 and "What you typed is still there" in no.content.decode()


# --- days ---------------------------------------------------------------------------------------------------------


def test_the_two_fortnights_she_reads_are_those_of_the_product():
    from answerable.config import postgres
    from answerable.vault.consent import rules

    assert rules.BACKUP_DAYS == postgres.KEYS_BACKUP_DAYS and rules.UNDO_DAYS + rules.BACKUP_DAYS == 28
    sentence = rules.EFFECTS["SHRED"].sentence
    assert "For fourteen days" in sentence and "after twenty-eight days" in sentence


@pytest.mark.parametrize(
    "language, words_of_day",
    [("en", "9 December 2026"), ("fr", "9 décembre 2026"), ("es", "9 de diciembre de 2026"), ("uk", "9 грудня 2026"),
     ("ar", "\u20689 كانون الأول/ديسمبر 2026\u2069")],
)  # fmt: skip
def test_a_day_is_written_in_one_way_in_each_language(language, words_of_day):
    from datetime import date

    from django.utils.translation import override

    from answerable.web.templatetags.answerable import clock as due

    with override(language):
        assert day_words(date(2026, 12, 9)) == day_words("2026-12-09") == words_of_day
        assert words_of_day in str(due(clock.now().replace(year=2026, month=12, day=9)))


def test_no_day_on_her_page_or_on_today_is_written_in_another_way(her, office):
    other = re.compile(
        r"\b\d{4}-\d{2}-\d{2}\b|\b[A-Z][a-z]{2}\. \d|\d [A-Z][a-z]{2,3}\. \d{4}|[A-Z][a-z]+ \d{1,2}, \d{4}"
    )
    her.say("/inside/withdraw/", purpose="EVERYTHING")
    for page in (her.see("/inside/"), office("adva").get("/today/").content.decode(),
                 office("inga").get("/today/").content.decode()):  # fmt: skip
        found = other.findall(re.sub(r"<(?:style|script).*?</(?:style|script)>|<[^>]+>", " ", page, flags=re.S))
        assert not found, found
        assert str(clock.today().year) in page
