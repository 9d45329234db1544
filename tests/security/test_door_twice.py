"""A button tapped twice, a file without a page, a stranger who guesses: the door takes each once, or not at all."""

from __future__ import annotations

import io
import os
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from door_support import Visitor, ask_at_the_door, began
from tests_support import see_all

from answerable.channel import codes, quarantine
from answerable.channel.models import Attachment, Message, Thread
from answerable.channel.operations import visits
from answerable.common.errors import Refused
from answerable.vault.doors import DOORS
from answerable.vault.models import ChannelDraft

pytestmark = pytest.mark.django_db


def written(door, text="Only once.", pin="4711"):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="help")
    visitor.next("yes")
    visitor.next(pin)
    visitor.next(text)
    visitor.next("", act="skip")
    return visitor


def counts() -> tuple[int, int]:
    see_all()
    return Thread.objects.count(), Message.objects.count()


def test_send_tapped_again_is_one_thread_and_the_same_code(door):
    visitor, before = written(door), counts()
    token = visitor.cookies["visit"].value
    assert ask_at_the_door("door_send", token=token) == "code"
    first = ask_at_the_door("door_look", token=token)["groups"]
    assert [ask_at_the_door("door_send", token=token) for _ in range(3)] == ["code"] * 3
    assert ask_at_the_door("door_look", token=token)["groups"] == first
    assert counts() == (before[0] + 1, before[1] + 1)


def test_save_tapped_again_is_one_draft(door):
    visitor = written(door)
    token, before = visitor.cookies["visit"].value, ChannelDraft.objects.count()
    assert [ask_at_the_door("door_save", token=token) for _ in range(4)] == ["code"] * 4
    assert ChannelDraft.objects.count() == before + 1
    assert not ask_at_the_door("door_answer", token=token, name="text", value="late", at=1)


def test_operations_of_one_session_wait_for_each_other_and_others_do_not():
    """What makes "once" hold for taps at the same moment: the second reads only after the first has written."""
    hers, other, seen = DOORS.begin({"n": 0}), DOORS.begin({"n": 0}), []

    @visits.in_turn
    def count(token):
        state = DOORS.read(token)
        time.sleep(0.02)
        DOORS.write(token, {"n": state["n"] + 1})
        seen.append(token)

    taps = [threading.Thread(target=count, args=(hers,)) for _ in range(4)]
    for tap in taps:
        tap.start()
    with DOORS.claim(other):  # nobody else waits while she is served
        assert DOORS.read(other) == {"n": 0}
    for tap in taps:
        tap.join()
    assert DOORS.read(hers) == {"n": 4}


def test_every_operation_that_changes_a_session_takes_its_turn():
    from answerable.vault.service import OPERATIONS

    reading = {"door_enter", "door_look", "door_level", "door_choices", "door_choice", "door_key", "door_readers", "door_statement",
               "door_where", "door_leave"}  # fmt: skip
    found = {n for n, op in OPERATIONS.items() if n.startswith("door_") and "channel" in op.doors}
    assert len(found) > 15
    for name in found - reading:
        assert hasattr(OPERATIONS[name].answer, "__wrapped__"), name


def test_the_same_message_within_a_minute_is_taken_once(door, monkeypatch):
    from answerable.vault import chamber

    code = began(door(), pin="4711", text="Hello.")
    for pin in ("4711", "0000"):  # on her page, and behind a code that opened nothing
        visitor = door()
        visitor.see("/enter/")
        visitor.say("/enter/", code=code, pin=pin)
        before = counts()[1]
        for _ in range(3):
            assert "received and locked" in visitor.say("/inside/write/", text="I am at the clinic.")
        assert counts()[1] == before + 1
        visitor.say("/inside/write/", text="I left.")
        assert counts()[1] == before + 2
        now = chamber.seconds()
        with monkeypatch.context() as patch:
            patch.setattr(chamber, "seconds", lambda now=now: now + 61)
            visitor.say("/inside/write/", text="I left.")
        assert counts()[1] == before + 3


# --- files --------------------------------------------------------------------------------------------------------


class Watched(io.BytesIO):
    """A body that says how much of it was read."""

    taken = 0

    def read(self, size=-1):
        part = super().read(size)
        self.taken += len(part)
        return part


def upload(visitor, **fields):
    content = encode_multipart(BOUNDARY, {**fields, "file": SimpleUploadedFile("x.txt", b"words " * 200, "text/plain")})
    body = Watched(content)
    reply = visitor.generic("POST", "/inside/file/", b"", MULTIPART_CONTENT,
                            **{"wsgi.input": body, "CONTENT_LENGTH": str(len(content)), "CONTENT_TYPE": MULTIPART_CONTENT})  # fmt: skip
    return reply, body


def test_a_file_is_not_read_for_whoever_has_no_page(door, settings, tmp_path):
    settings.QUARANTINE = tmp_path / "quarantine"
    code = began(door(), pin="4711", text="Hello.")
    alone = door()
    alone.see("/enter/")
    alone.say("/enter/", code=code, pin="")
    stranger = door()
    stranger.see("/enter/")
    for visitor in (stranger, alone):
        reply, body = upload(visitor, t=visitor.token())
        assert reply.headers["Location"] == "/closed/" and body.taken == 0
    assert not settings.QUARANTINE.exists()
    hers = door()
    hers.see("/enter/")
    hers.say("/enter/", code=code, pin="4711")
    reply, body = upload(hers, t=hers.token())
    assert reply.headers["Location"] == "/inside/" and body.taken and len(list(settings.QUARANTINE.iterdir())) == 1


@pytest.mark.parametrize("fault", [Refused("x", reason="gone"), RuntimeError("x")])
def test_whatever_ends_an_upload_nothing_stays_in_quarantine(door, settings, tmp_path, monkeypatch, fault):
    from answerable.channel import views

    settings.QUARANTINE = tmp_path / "quarantine"
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    visitor.raise_request_exception = False

    def ask(op, /, **args):
        if op == "door_attach":
            assert len(list(settings.QUARANTINE.iterdir())) == 1
            raise fault
        return ask_at_the_door(op, **args)

    monkeypatch.setattr(views, "ask", ask)
    upload(visitor, t=visitor.token())
    assert list(settings.QUARANTINE.iterdir()) == []


def test_the_worker_removes_what_no_conversation_holds_and_keeps_what_one_does(door, settings, tmp_path):
    settings.QUARANTINE = tmp_path / "quarantine"
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    visitor.see("/inside/")
    upload(visitor, t=visitor.token())
    (held,) = settings.QUARANTINE.iterdir()
    lost, fresh = settings.QUARANTINE / ("0" * 32), settings.QUARANTINE / ("1" * 32)
    for path in (lost, fresh):
        path.write_bytes(b"ciphertext")
    for path in (held, lost):
        os.utime(path, (time.time() - 90_000,) * 2)
    quarantine.owed()
    assert set(settings.QUARANTINE.iterdir()) == {held, fresh}
    see_all()
    assert Attachment.objects.filter(stored=held.name).exists()


# --- guessing -----------------------------------------------------------------------------------------------------


def test_a_stranger_who_guesses_at_her_locator_does_not_lock_her_out(door):
    code = codes.read(began(door(), pin="4711", text="Hello."))
    for _ in range(45):
        guess = codes.Code(code.locator, codes.new().secret).digits
        for pin in ("", "1234"):
            assert ask_at_the_door("door_look", token=ask_at_the_door("door_enter", code=guess, pin=pin))["level"] == ""
    token = ask_at_the_door("door_enter", code=code.digits, pin="4711")
    assert ask_at_the_door("door_look", token=token)["level"] == "page"
    assert DOORS.tries == {}


def test_whoever_holds_the_paper_tries_ten_pins_and_then_even_the_right_one_waits(door):
    code = began(door(), pin="4711", text="Hello.")

    def level(pin):
        return ask_at_the_door("door_look", token=ask_at_the_door("door_enter", code=code, pin=pin))["level"]

    for guess in range(9):
        assert level(f"{guess:04d}") == ""
    assert level("4711") == "page"  # and the nine are forgiven
    for guess in range(10):
        assert level(f"{guess:04d}") == "" and level("") == "new"  # the code alone neither counts nor forgives
    assert level("4711") == ""
    assert level("") == "new"


# --- forms that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "body", "to"),
    [
        ("multipart/form-data", b"broken", "/closed/"),
        ("multipart/form-data; boundary=x", b"--y\r\nbroken", "/closed/"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"t=%ff%fe&a=1", "/closed/"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"t=1", "/closed/"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1500)), "/closed/"),
        ("application/x-www-form-urlencoded", b"text=" + b"a" * 3_000_000, "/long/"),
    ],
)
@pytest.mark.parametrize("path", ["/enter/", "/write/", "/inside/file/"])
def test_a_broken_form_gets_a_calm_page_with_every_header(door, content_type, body, to, path):
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    reply = visitor.generic("POST", path, body, content_type)
    assert reply.status_code == 303 and reply.headers["Location"] == to
    page = visitor.get(to)
    assert page.status_code == 200 and len(page.content) in (12 * 1024, 20 * 1024, 29 * 1024)
    for answer in (reply, page):
        assert answer.headers["Cache-Control"] == "no-store" and answer.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_an_old_browser_that_says_nothing_of_a_form_has_half_an_hour(door, monkeypatch):
    code = began(door(), pin="4711", text="Hello.")
    visitor = door()
    visitor.see("/enter/")
    form, now = {"t": visitor.token(), "code": code, "pin": "4711"}, time.time()

    def sent(minutes, **headers):
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", lambda: now + 60 * minutes)
            return Visitor().post("/enter/", form, **headers).headers["Location"]

    for silent in ({}, {"HTTP_ORIGIN": "null"}):
        assert sent(29, **silent) == "/inside/" and sent(31, **silent) == "/closed/"
    assert sent(31, HTTP_SEC_FETCH_SITE="same-origin", HTTP_ORIGIN="null") == "/inside/"
    assert sent(31, HTTP_ORIGIN="http://testserver") == "/inside/"


# --- her PIN ------------------------------------------------------------------------------------------------------


def test_a_pin_is_never_shown_again_and_can_be_kept_typed_anew_or_left_out(door):
    visitor = written(door, pin="80808")
    token = visitor.cookies["visit"].value
    assert "80808" not in str(ask_at_the_door("door_look", token=token))
    for _ in range(3):
        at = ask_at_the_door("door_look", token=token)["at"]
        page = visitor.say("/write/", at=str(at), a="", act="back")
    assert "A PIN is chosen" in page and "80808" not in page and 'inputmode="numeric"' in page
    visitor.next("")
    assert DOORS.read(token)["answers"]["pin"] == "80808"  # left empty, it stays
    visitor.next("", act="back")
    visitor.next("2468")
    assert DOORS.read(token)["answers"]["pin"] == "2468"
    visitor.next("", act="back")
    visitor.next("", act="skip")
    assert not ask_at_the_door("door_look", token=token)["pin_chosen"]
