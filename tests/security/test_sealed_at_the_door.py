"""What a browser sealed before it was sent: taken open or locked, read by whom it is for, opened for nobody else (0022)."""

from __future__ import annotations

import base64
import gzip
import re

import pytest
from door_support import Visitor, began
from tests_support import rows_holding, see_all

from answerable.channel import guard, page
from answerable.channel.models import Message, Thread
from answerable.common.errors import Refused
from answerable.record.models import Entry
from answerable.vault import arrivals, seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import roomkeys, shredding

pytestmark = pytest.mark.django_db
WORDS = "The word that only she and the advocate read."


@pytest.fixture
def locked():
    """The vault locked for a while; unlocked again by calling it."""
    root = CHAMBER.root
    CHAMBER.lock("a test")
    yield lambda: CHAMBER.unlock(root)
    CHAMBER.unlock(root)


def key_on(text: str) -> bytes:
    return base64.b64decode(re.search(r'data-key="([^"]+)"', text).group(1))


def sealed_in_the_browser(visitor: Visitor, name: str, text: str, visit: str = "") -> str:
    """What the page's script makes of a field: an envelope to the key on the page, bound to the token in the form."""
    shown = visitor.page.content.decode()
    context = seal.envelope_context("alliance", "door", visit or visitor.token().split(":")[0], name)
    return base64.b64encode(seal.seal_envelope(key_on(shown), text.encode(), context)).decode()


def at_the_text(visitor: Visitor) -> Visitor:
    visitor.see("/begin/")
    visitor.say("/begin/", kind="help")
    visitor.next("yes")
    visitor.next("4711")
    return visitor


def say(visitor: Visitor, name: str, text: str) -> str:
    at = re.search(r'name="at" value="(\d+)"', visitor.page.content.decode()).group(1)
    return visitor.say("/write/", a="", sealed=sealed_in_the_browser(visitor, name, text), at=at, act="next")


def sent(visitor: Visitor) -> Visitor:
    visitor.next("", act="skip")
    visitor.say("/write/", at="4", act="send")
    code = visitor.code()
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    return visitor


def newest() -> Thread:
    see_all()
    return Thread.objects.order_by("-id").first()


def read_by(office, thread: Thread) -> str:
    see_all()
    refs = list(Message.objects.filter(thread=thread).values_list("ref", flat=True))
    return office("adva").post(f"/repair/messages/{thread.ref}/read/", {"message": refs}).content.decode()


def detail(thread: Thread, action: str) -> dict:
    return Entry.objects.filter(subject=thread.ref, action=action).latest("index").event["detail"]


def test_she_and_the_advocate_read_it_and_the_record_says_where_it_was_sealed(door, office):
    visitor = at_the_text(door())
    say(visitor, "text", WORDS)
    sent(visitor)
    thread = newest()
    shown = read_by(office, thread)
    assert WORDS in shown and "sealed in her browser" in shown
    assert detail(thread, "thread opened")["sealed_by"] == "browser"
    assert WORDS in visitor.get("/inside/text/").content.decode()
    assert rows_holding(WORDS) == []


def test_without_script_it_is_sealed_on_arrival_and_says_so(door, office):
    began(door(), pin="4711", text=WORDS)
    thread = newest()
    shown = read_by(office, thread)
    assert WORDS in shown and "sealed on arrival" in shown and "sealed in her browser" not in shown
    assert detail(thread, "thread opened")["sealed_by"] == "arrival"


def test_a_message_from_inside(door, office):
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    visitor.say("/inside/write/", text="", sealed=sealed_in_the_browser(visitor, "text", WORDS))
    thread = newest()
    assert WORDS in read_by(office, thread) and detail(thread, "message left")["sealed_by"] == "browser"


def test_a_locked_vault_takes_it_in_and_it_is_read_when_the_vault_opens(door, office, locked):
    visitor = at_the_text(door())
    say(visitor, "text", WORDS)
    sent(visitor)
    assert "locked in your browser" in visitor.get("/inside/text/").content.decode()
    locked()
    thread = newest()
    assert WORDS in read_by(office, thread) and WORDS in visitor.get("/inside/text/").content.decode()
    assert detail(thread, "thread opened")["sealed_by"] == "browser"
    assert rows_holding(WORDS) == []


def test_what_was_sealed_is_not_shown_again_and_stays_when_she_goes_back(door, office):
    visitor = at_the_text(door())
    say(visitor, "text", WORDS)
    back = visitor.next("", act="back")
    assert WORDS not in back and "is locked already" in back
    visitor.next("")  # left empty, so that what was written stays
    sent(visitor)
    assert WORDS in read_by(office, newest())


def test_a_draft_keeps_it_sealed(door, office):
    visitor = at_the_text(door())
    say(visitor, "text", WORDS)
    visitor.next("", act="save")
    code = visitor.code()
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    later = door()
    later.see("/enter/")
    later.say("/enter/", code=code, pin="4711")
    later.say("/inside/resume/")
    later.next("", act="skip")
    later.say("/write/", at="3", act="send")
    assert WORDS in read_by(office, newest())


def test_an_envelope_copied_on_the_way_opens_in_no_other_visit(door, locked):
    """Whoever recorded hers hands it in as their own, to read it on their own page: open or locked, they learn nothing."""
    hers = at_the_text(door())
    copied = sealed_in_the_browser(hers, "text", WORDS)
    for unlock in (lambda: None, locked):
        unlock()
        thief = door()
        began(thief, pin="4711", text="Mine.")
        thief.see("/inside/")
        thief.say("/inside/write/", text="", sealed=copied)
        assert WORDS not in thief.get("/inside/text/").content.decode()
    assert WORDS not in thief.get("/inside/text/").content.decode()


def test_an_envelope_for_another_question_a_changed_one_and_nonsense_are_refused_in_a_sentence(door):
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    right = base64.b64decode(sealed_in_the_browser(visitor, "text", WORDS))
    for blob in (base64.b64decode(sealed_in_the_browser(visitor, "account", WORDS)), right[:-1] + bytes([right[-1] ^ 1]),
                 b"\x01" + right[1:], right[:40], b"\x05" + bytes(100_000)):  # fmt: skip
        visitor.see("/inside/")
        see_all()
        before = Message.objects.count()
        said = visitor.say("/inside/write/", text="", sealed=base64.b64encode(blob).decode())
        assert "could not be opened here" in said or "nothing written" in said
        see_all()
        assert Message.objects.count() == before


def test_a_mark_typed_by_hand_opens_nothing(door):
    """The mark of what is an envelope still is the vault's alone: typed by someone, it is only text."""
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    visit = visitor.token().split(":")[0]
    body = sealed_in_the_browser(visitor, "text", WORDS)
    visitor.say("/inside/write/", text=f"\x05{visit}.text|{body}|{'0' * 64}\x05")
    assert WORDS not in visitor.get("/inside/text/").content.decode()
    assert not arrivals.is_held(f"\x05{visit}.text|{body}|{'0' * 64}\x05")


def test_shredding_takes_it_away_like_everything_else(door, locked):
    visitor = at_the_text(door())
    say(visitor, "text", WORDS)
    sent(visitor)
    locked()
    see_all()
    message = Message.objects.order_by("-id").first()
    shredding.shred([message.ref])
    with pytest.raises(Refused, match="shredded"):
        roomkeys.data_key(message.ref, message.compartment, b"")


def test_the_key_on_the_page_is_the_one_the_record_names(door):
    visitor = at_the_text(door())
    text = visitor.page.content.decode()
    print_ = re.sub(r"\s", "", re.search(r'class="digits print">([^<]+)<', text).group(1))
    assert print_ == seal.fingerprint(key_on(text))
    see_all()
    assert Entry.objects.get(action="vault founded").event["detail"]["door_key_sha256"] == print_


def test_the_module_is_one_text_for_everyone_and_kept_nowhere(door):
    plain, packed = door().get("/seal.js"), door().get("/seal.js", headers={"accept-encoding": "gzip"})
    for reply in (plain, packed):
        assert reply.headers["Cache-Control"] == "no-store" and not reply.cookies
    assert gzip.decompress(packed.content) == page.module() == plain.content.rstrip(b"\n") + b"\n"
    assert len(packed.content) < 30_000


def test_only_pages_where_something_is_written_fetch_it(door):
    visitor = at_the_text(door())
    assert (
        b'src="/seal.js"' in visitor.page.content
        and "'self'" in visitor.page.headers["Content-Security-Policy"].split("script-src")[1].split(";")[0]
    )
    for path in ("/", "/begin/", "/enter/", "/organisations/", "/care/"):
        reply = door().get(path)
        assert (
            b"seal.js" not in reply.content
            and "'self'" not in reply.headers["Content-Security-Policy"].split("script-src")[1].split(";")[0]
        )


def test_the_visit_an_envelope_is_bound_to_tells_nothing_of_its_token(door):
    visitor = at_the_text(door())
    token = visitor.cookies["visit"].value
    assert visitor.token().split(":")[0] == guard.visit_of(token) and guard.visit_of(token) not in token


def test_a_claims_words_sealed_in_the_browser_while_the_vault_is_locked(door, office, saved, locked):
    """Account, name and contact come sealed into a locked vault; the assessor reads the account once it is open."""
    from answerable.channel.steps import steps_of
    from answerable.reparations.models import Claim

    plain = {
        "care": "yes", "pin": "2468", "programme": saved("$programme").ref, "claim_type": "CL-DIR", "year": "2026", "month": "1",
        "area1": "OTHER", "country": "Pelland", "purposes": ["CP-CLAI", "CP-CONT"], "declared_true": "yes",
    }  # fmt: skip
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    for step in steps_of("claim", has_code=False):
        if step.locked:
            say(visitor, step.name, f"{WORDS} {step.name}")
        else:
            visitor.next(plain.get(step.name, ""), act="next" if step.name in plain else "skip")
    visitor.say("/write/", at=str(len(steps_of("claim", has_code=False))), act="send")
    assert len(visitor.code()) == 24
    see_all()
    claim, thread = Claim.objects.order_by("-id").first(), newest()
    assert thread.about_ref == claim.ref and thread.about_sealed_by == "browser"
    assert detail(thread, "thread opened")["sealed_by"] == "browser" and rows_holding(WORDS) == []
    locked()
    inga, adva, anna = office("inga"), office("adva"), office("anna")
    for who, moves in ((inga, ("screen", "register_claim")), (adva, ("check_completeness", "begin_assessment"))):
        for move in moves:
            assert who.post(f"/repair/claims/{claim.ref}/move/", {"move": move}).status_code == 303
    read = anna.post(f"/repair/claims/{claim.ref}/read/", {"field": "account"}).content.decode()
    assert f"{WORDS} account" in read
    assert "sealed in her browser" in adva.get(f"/repair/messages/{thread.ref}/").content.decode()
