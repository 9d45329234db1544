"""A code made anew, a door closed for good, and what the door's pages say about themselves."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, transaction
from door_support import ask_at_the_door, began
from tests_support import see_all

from answerable.alliance.days import day_words
from answerable.alliance.models import Person
from answerable.channel import codes, lifecycle
from answerable.channel.actions import issue_code
from answerable.channel.models import Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import doors
from answerable.vault.chamber import CHAMBER
from answerable.vault.client import ask

pytestmark = pytest.mark.django_db
PASSPHRASE = "only for the test suite, six words"


def newest() -> Thread:
    see_all()
    return Thread.objects.order_by("-id").first()


def entered(door, code: str, pin: str = ""):
    visitor = door()
    visitor.see("/enter/")
    return visitor, visitor.say("/enter/", code=code, pin=pin)


def replaced(office, thread: Thread, who: str = "adva") -> str:
    shown = office(who).post(f"/repair/messages/{thread.ref}/code/", {"pin": "9999"}).content.decode()
    return re.search(r"<strong>([\d ]{29})</strong>", shown).group(1)


@pytest.mark.writes_freely
def test_a_door_she_closed_is_opened_again_by_nobody(door, office):
    code = began(door(), pin="4711", text="Hello.")
    visitor, _page = entered(door, code, "4711")
    thread = newest()
    assert "It is done" in visitor.say("/inside/close/", sure="yes")
    for who in ("adva", "inga"):
        client = office(who)
        assert "Replace a lost code" not in client.get(f"/repair/messages/{thread.ref}/").content.decode()
        assert client.get(f"/repair/messages/{thread.ref}/code/").status_code == 409
        reply = client.post(f"/repair/messages/{thread.ref}/code/", {"pin": "9999"})
        assert reply.status_code in (200, 409, 422) and "closed for good" in reply.content.decode()
    # Past the page, and past a row that someone changed back: the vault itself refuses.
    token = ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
    with pytest.raises(Refused, match="closed for good"):
        ask("door_new", token=token, act="replace_code", channel=thread.ref, pin="9999")
    see_all()
    Thread.objects.filter(pk=thread.pk).update(answerable=True)
    with pytest.raises(Refused, match="closed for good"):
        ask("door_new", token=token, act="replace_code", channel=thread.ref, pin="9999")


def test_a_code_made_anew_is_on_her_page_for_good_and_before_the_inspectors_for_a_week(door, office, later):
    began(door(), pin="4711", text="Hello.")
    thread = newest()
    fresh = replaced(office, thread)
    visitor, page = entered(door, fresh, "9999")
    assert "Your code was made anew" in page and "Reparations Office" in page and "I did not ask for this" in page
    assert day_words(clock.today()) in page and "Adva" not in page
    assert "Codes made anew" in visitor.get("/inside/text/").content.decode()
    told = "A code at the door was made anew"
    for who in ("omar", "safa", "odile"):
        today = office(who).get("/today/").content.decode()
        assert told in today and "Reparations Office" in today and thread.designation not in today, who
    assert told not in office("adva").get("/today/").content.decode()
    later(days=8)
    assert told not in office("omar").get("/today/").content.decode()
    assert "Your code was made anew" in entered(door, fresh, "9999")[1]


@pytest.mark.writes_freely
@pytest.mark.slow
def test_for_two_days_after_nothing_is_done_for_good_and_she_can_write(door, office, later, monkeypatch):
    from answerable.common import hooks

    began(door(), pin="4711", text="Hello.")
    thread, heard = newest(), []
    see_all()
    Thread.objects.filter(pk=thread.pk).update(about_ref="CLM-0000-0000-0000-0000-0")
    monkeypatch.setattr(
        hooks.question("survivor_withdraws"), "_answers", [lambda a, p, by: heard.append(p) or "Receipt: withdrawn."]
    )
    fresh = replaced(office, thread)
    visitor, page = entered(door, fresh, "9999")
    assert "You can read and write now." in page
    assert "made anew a short while ago" in visitor.say("/inside/withdraw/", purpose="CP-CONT") and heard == []
    assert "made anew a short while ago" in visitor.say("/inside/close/", sure="yes")
    see_all()
    assert Thread.objects.get(pk=thread.pk).answerable
    assert "received and locked" in visitor.say("/inside/write/", text="It was I who asked.")
    later(hours=47)
    assert "made anew a short while ago" in entered(door, fresh, "9999")[0].say("/inside/withdraw/", purpose="CP-CONT")
    later(hours=2)
    visitor, page = entered(door, fresh, "9999")
    assert "You can read and write now." not in page
    assert "Receipt: withdrawn." in visitor.say("/inside/withdraw/", purpose="CP-CONT") and heard == [["CP-CONT"]]
    assert "It is done" in visitor.say("/inside/close/", sure="yes")


def test_closing_without_the_tick_says_that_nothing_was_closed(door):
    code = began(door(), pin="4711", text="Hello.")
    visitor, _page = entered(door, code, "4711")
    assert "Nothing was closed" in visitor.say("/inside/close/")
    page = visitor.say("/inside/close/", sure="yes")
    assert "It is done" in page and "door" not in page.split("<main")[1].split("</main>")[0]
    assert not visitor.cookies["visit"].value
    assert "There are no new messages." in entered(door, code, "4711")[1]


def test_stopping_says_that_it_is_done(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="tell")
    assert "It is done" in visitor.say("/write/", at="0", act="stop")


def test_the_six_groups_are_numbered_and_read_in_one_direction(door):
    visitor = door()
    visitor.see("/ar/begin/")
    visitor.say("/ar/begin/", kind="ask")
    for answer, act in (("yes", "next"), ("", "skip"), ("A question.", "next"), ("", "skip")):
        at = re.search(r'name="at" value="(\d+)"', visitor.page.content.decode()).group(1)
        visitor.say("/ar/write/", a=answer, at=at, act=act)
    page = visitor.say("/ar/write/", at="4", act="send")
    assert re.search(r'<ol class="code" dir="ltr"[^>]*>(<li>\d{4}</li>){6}</ol>', page)
    style = visitor.page.content.decode().split("<style>")[1].split("</style>")[0]
    rule = re.search(r"\.code\{([^}]*)\}", style).group(1)
    assert "list-style:decimal" in rule and "grid" not in rule
    assert "only you know" not in page


def test_the_pages_say_what_a_forgotten_pin_and_wrong_tries_mean_as_the_door_counts_them(door):
    assert (doors.TRIES_AN_HOUR, doors.TRIES_A_DAY) == (10, 40)
    page = door().see("/enter/")
    for words in ("After ten wrong PINs within an hour", "Wait one hour", "After forty within a day", "up to 24 hours",
                  "Nobody can tell you your PIN", "begin again as someone new"):  # fmt: skip
        assert words in page, words
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="ask")
    page = visitor.next("yes")
    assert "that only your code and PIN open" in page and "Nobody can tell you your PIN" in page


def test_the_pages_say_when_answers_appear(door):
    code = began(door(), pin="4711", text="Hello.")
    hours = ", ".join(f"{h:02d}:00" for h in lifecycle.RELEASE_HOURS)
    for pin in ("", "4711"):
        assert f"at {hours} world time (UTC)" in entered(door, code, pin)[1]
    assert f"it is {clock.now():%H:%M} now" in entered(door, code)[1]


def test_what_the_history_keeps_is_said_where_it_matters(door):
    for path in ("/", "/begin/"):
        page = door().see(path)
        assert "private window" in page and "Its History can list that you were here" in page, path
    assert "History of this browser can list" in door().get("/leave/").content.decode()


def test_the_shift_key_is_named_by_the_script_alone(door):
    page = door().see("/")
    assert '<span id="shift" hidden>' in page and "(pointer: fine)" in page


def test_care_leads_back_to_where_she_was(door):
    assert 'href="/">To the first page' in door().see("/care/")
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="ask")
    page = visitor.see("/care/")
    assert 'href="/write/">Back to what you were writing' in page
    assert 'href="/write/"' in visitor.send("/care/", need="SHELTER").content.decode()  # looking goes on
    assert "Care first" in visitor.see("/write/")
    code = began(door(), pin="4711", text="Hello.")
    assert 'href="/inside/">Back to your messages' in entered(door, code, "4711")[0].see("/care/")


def test_where_nobody_is_listed_other_help_is_named_and_a_shelter_is_listed(door):
    visitor = door()
    visitor.see("/care/")
    page = visitor.send("/care/", need="SHELTER").content.decode()
    assert "Willow House" in page and "555 01" in page
    page = visitor.send("/care/", need="SURGERY").content.decode()
    assert "Show everyone who is listed" in page and 'href="/begin/">Write to us' in page


def test_before_sending_she_reads_her_words_again_but_no_pin(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="ask")
    visitor.next("yes")
    visitor.next("47114711")
    visitor.next("Where is a doctor?")
    page = visitor.next("Noor")
    assert "Where is a doctor?" in page and "Noor" in page
    assert "47114711" not in page and "A PIN is chosen; it is not shown." in page


def test_what_the_browser_locked_is_named_and_not_shown():
    from answerable.channel import steps, views

    questions = steps.steps_of("ask", has_code=True)
    seen = {"answers": {"text": ""}, "said_something": ["text"], "kept": ["text"], "pin_chosen": False}
    (said,) = views._her_words(seen, questions, {})
    assert "Your browser locked this" in said["words"]


def test_a_new_code_for_a_documenter_who_closed_the_door_is_another_door(door, office):
    from answerable.alliance.models import Person

    dana = Person.objects.get(handle="dana")

    def issued() -> str:
        shown = office("ines").post("/repair/messages/codes/", {"pin": "1357", "person": dana.pk}).content.decode()
        return re.search(r"<strong>([\d ]{29})</strong>", shown).group(1)

    first = issued()
    see_all()
    old = Thread.objects.filter(documenter=dana, answerable=True).get()
    visitor, _page = entered(door, first, "1357")
    assert "It is done" in visitor.say("/inside/close/", sure="yes")
    second = issued()
    assert "File a report" in entered(door, second, "1357")[1]
    see_all()
    assert Thread.objects.filter(documenter=dana, answerable=True).get() != old
    assert codes.read(first) != codes.read(second)


# --- one door to a file ---------------------------------------------------------------------------------------------


def test_a_file_with_a_door_gets_no_second_one_from_anyone(door, office, saved):
    thread = saved("$door")
    for who in ("adva", "inga"):
        before = Thread.objects.count()
        said = (
            office(who)
            .post(
                "/repair/messages/open/",
                {"kind": "ask", "language": "en", "pin": "9999", "about_ref": thread.about_ref},
            )
            .content.decode()
        )
        see_all()
        assert "has its door already" in said and Thread.objects.count() == before


@pytest.mark.writes_freely
def test_the_database_holds_one_door_to_a_file(played, saved):
    with pytest.raises(IntegrityError), transaction.atomic():
        Thread.objects.create(
            compartment="claims", designation="two doors", receipt="1234567890", kind="ask", language="en",
            opened_on=clock.today(), about_ref=saved("$door").about_ref,
        )  # fmt: skip


def test_the_vault_makes_a_code_for_the_thread_that_is_meant_and_for_no_other(door, office, saved):
    """Past the pages: neither "a documenter's code" nor "a new door" takes over a conversation that is there."""
    began(door(), pin="4711", text="Hello.")
    hers, theirs = newest(), saved("$door")
    tokens = {h: ask("sign_in", handle=h, passphrase=PASSPHRASE)["token"] for h in ("ines", "adva", "dana")}
    for who, act, channel in (
        ("ines", "issue_code", hers.ref), ("ines", "issue_code", theirs.ref), ("adva", "open_door", hers.ref),
        ("dana", "open_door", hers.ref), ("dana", "open_door", theirs.ref),
    ):  # fmt: skip
        with pytest.raises(Refused) as no:
            ask("door_new", token=tokens[who], act=act, channel=channel, pin="9999")
        assert no.value.reason == "nothing", (who, act)


def test_a_code_is_made_by_someone_who_confirmed_a_short_while_ago(door, office, monkeypatch):
    began(door(), pin="4711", text="Hello.")
    thread, token = newest(), ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
    monkeypatch.setattr(type(CHAMBER), "is_fresh", lambda *_a: False)
    with pytest.raises(Refused) as no:
        ask("door_new", token=token, act="replace_code", channel=thread.ref, pin="9999")
    assert no.value.reason == "confirm"


def test_her_page_stays_with_its_file_and_another_claim_begins_elsewhere(door, played, saved):
    issued = played["run"].codes["door"]
    visitor, page = entered(door, issued.code.digits, issued.pin if hasattr(issued, "pin") else "2580")
    assert "Your page" in page
    visitor.say("/begin/", kind="claim")
    assert "begin again on the first page, without this code" in visitor.see("/inside/")
    see_all()
    assert saved("$door").about_ref == saved("$claim").ref


def bare(page: str) -> str:
    """A page without the token of its forms, which differs from visitor to visitor."""
    return re.sub(r'name="t" value="[^"]+"', "", page).strip()


@pytest.fixture
def of_dana(played, db):
    """A documenter, her code, and her PIN."""
    see_all()
    dana, ines = Person.objects.get(handle="dana"), Person.objects.get(handle="ines")
    ines.session_token = ask("sign_in", handle="ines", passphrase=PASSPHRASE)["token"]
    return dana, issue_code(dana, pin="2580", by=ines).code.digits


def test_a_documenter_is_offered_nothing_that_only_a_survivor_can_do(door, of_dana):
    _visitor, page = entered(door, of_dana[1], "2580")
    assert "Your page" in page
    assert "Take everything back" not in page and "What you can give" not in page


@pytest.mark.writes_freely
def test_a_documenter_who_left_finds_nothing_behind_the_code_and_an_open_page_ends(door, of_dana):
    dana, code = of_dana
    inside, page = entered(door, code, "2580")
    assert "Your page" in page
    nothing = entered(door, codes.new().digits, "2580")[1]
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert "Your page" not in inside.see("/inside/")
    for pin in ("2580", ""):
        page = entered(door, code, pin)[1]
        assert "Your page" not in page and bare(page) == bare(nothing)


def test_a_character_that_no_database_keeps_is_a_form_of_nobody(door, saved):
    visitor = door()
    visitor.see("/care/")
    assert visitor.send("/care/", place="a\0b").headers["Location"] == "/closed/"
    with pytest.raises(Refused) as no:
        ask_at_the_door("door_enter", code="1\0", pin="")
    assert no.value.reason == "arguments"
