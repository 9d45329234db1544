"""A complaint made at the door and its answer: a code of its own, and nothing of it for those it may be about."""

from __future__ import annotations

import re

import pytest
from django.utils import translation
from door_support import ask_at_the_door, began
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.channel import access
from answerable.channel.models import Attachment, Message, Thread
from answerable.common.errors import Refused
from answerable.record import log
from answerable.safeguarding import actions as safeguarding
from answerable.safeguarding.models import Grievance
from answerable.vault import keeping
from answerable.vault.client import ask
from conftest import PASSPHRASE

pytestmark = pytest.mark.django_db


def newest(model):
    see_all()
    return model.objects.order_by("-id").first()


def complained(visitor, **fields) -> str:
    """A complaint for which an answer is wanted; returns its code, with the visitor on its own page."""
    visitor.see("/other/")
    written = {"about": ["DISRESPECT"], "happened": "Nobody listened.", "answer": "yes", "pin": "2468", **fields}
    page = visitor.say("/other/", **written)
    code = visitor.code()
    assert len(code) == 24 and newest(Grievance).receipt in page
    visitor.say("/code/", what="written")
    visitor.say("/code/", what="check", code=code)
    return code


def entered(door, code: str, pin: str = "") -> str:
    visitor = door()
    visitor.see("/enter/")
    return visitor.say("/enter/", code=code, pin=pin)


def moved(office, ref: str, move: str) -> None:
    assert office("omar").post(f"/alliance/complaints/{ref}/move/", {"move": move}).status_code == 303


def test_the_answer_to_a_complaint_is_read_with_its_own_code_once_and_on_its_page(door, office, later):
    visitor = door()
    code = complained(visitor)
    made, thread = newest(Grievance), newest(Thread)
    assert made.thread == thread.ref and thread.compartment == made.compartment and thread.kind == "complaint"
    page = visitor.see("/inside/")
    assert "Your complaint" in page and "Nobody has looked at it yet" in page and "You get an answer here by" in page
    moved(office, made.ref, "acknowledge_grievance")
    moved(office, made.ref, "examine_grievance")
    reply = office("omar").post(f"/alliance/complaints/{made.ref}/answer/", {"answer": "We are sorry, and it changes."})
    assert reply.status_code == 303
    assert "left at a door of its own" in office("omar").get(f"/alliance/complaints/{made.ref}/").content.decode()
    # Not before the hour of release: neither the answer, nor that there is one, closed or not.
    assert "We are sorry" not in entered(door, code)
    for _closed in (False, True):
        page = entered(door, code, "2468")
        assert "It is answered" not in page and "It is closed" not in page and "The answer is being written" in page
        if not _closed:
            moved(office, made.ref, "close_grievance")
    later(hours=13)
    page = entered(door, code)
    assert "We are sorry, and it changes." in page and "has your complaint in hand" in page
    assert "There are no new messages." in entered(door, code)  # once, with the code alone
    page = entered(door, code, "2468")
    assert "We are sorry, and it changes." in page and "It is closed. You may still write here." in page


def test_who_opened_a_complaint_is_told_at_its_own_door(door, office):
    visitor = door()
    code = complained(visitor)
    made, omar = newest(Grievance), office("omar")
    assert "to look into your complaint" not in entered(door, code, "2468")
    assert omar.post(f"/alliance/complaints/{made.ref}/read/", {"field": "happened"}).status_code == 200
    assert "to look into your complaint" in entered(door, code, "2468")


def test_from_her_own_page_a_complaint_joins_nothing_her_case_team_sees(door, office):
    visitor = door()
    began(visitor, pin="4711", text="Hello.")
    hers = newest(Thread)
    token = visitor.cookies["visit"].value
    code = complained(visitor, happened="My helper laughed.")
    thread, adva = newest(Thread), office("adva")
    assert thread != hers and hers.about_ref == "" and newest(Grievance).thread == thread.ref
    assert ask_at_the_door("door_look", token=token)["level"] == "gone"  # the two are never open in one visit
    for path in ("/today/", "/repair/messages/", f"/repair/messages/{hers.ref}/"):
        page = adva.get(path).content.decode()
        assert thread.designation not in page and "omplain" not in page.split("<main")[1].split("</main>")[0], path
    assert adva.get(f"/repair/messages/{thread.ref}/").status_code == 404
    for handle in ("adva", "inga", "anna", "paulo"):
        assert thread not in access.threads(Person.objects.select_related("body__state").get(handle=handle))
    see_all()
    assert not any(newest(Grievance).ref in str(e.event) for e in log.history(hers.ref))
    assert "laughed" not in entered(door, code) and "Hello" not in entered(door, code, "2468")


def test_what_she_writes_to_her_complaint_is_read_by_who_looks_after_it_alone(door, office):
    visitor = door()
    complained(visitor)
    visitor.say("/inside/write/", text="One thing more.")
    made, message = newest(Grievance), newest(Message)
    assert message.compartment == made.compartment
    omar = office("omar")
    assert message.ref in omar.get(f"/alliance/complaints/{made.ref}/").content.decode()
    opened = omar.post(f"/alliance/complaints/{made.ref}/read/", {"field": message.ref})
    assert "One thing more." in opened.content.decode()
    token = ask("sign_in", handle="adva", passphrase=PASSPHRASE)["token"]
    for purpose in ("contact", "grievance"):
        with pytest.raises(Refused):
            keeping.open_fields(message.ref, ["text"], purpose=purpose, token=token)


def test_whoever_a_complaint_is_about_opens_nothing_that_was_written_to_it(door, office):
    visitor = door()
    complained(visitor)
    visitor.say("/inside/write/", text="It was the ombudsperson.")
    made, message = newest(Grievance), newest(Message)
    omar = Person.objects.select_related("body__state").get(handle="omar")
    token = ask("sign_in", handle="omar", passphrase=PASSPHRASE)["token"]
    opened = keeping.open_fields(message.ref, ["text"], purpose="grievance", token=token)
    assert opened["text"].rstrip() == "It was the ombudsperson."
    see_all()
    omar.fresh = True
    safeguarding.name_concerned(made, persons=[omar], by=omar)
    # Not over the page, and not by asking the vault with the message's reference either.
    assert office("omar").get(f"/alliance/complaints/{made.ref}/").status_code == 404
    with pytest.raises(Refused) as no:
        keeping.open_fields(message.ref, ["text"], purpose="grievance", token=token)
    assert "concerns you" in str(no.value) or no.value.reason == "nothing"


def test_a_file_sent_to_a_complaint_is_seen_as_a_picture_by_those_who_look_after_it_alone(
    door, office, settings, tmp_path
):
    import io

    from django.core.files.uploadedfile import SimpleUploadedFile
    from PIL import Image

    settings.QUARANTINE = str(tmp_path / "quarantine")
    visitor = door()
    code = complained(visitor)
    assert "Send a picture or a document" in visitor.see("/inside/")
    made, buffer = newest(Grievance), io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(buffer, "PNG")
    sent = buffer.getvalue()
    page = visitor.say("/inside/file/", file=SimpleUploadedFile("letter.png", sent, "image/png"))
    assert "The file is received and locked." in page
    file = newest(Attachment)
    assert file.compartment == made.compartment and file.thread.ref == made.thread
    assert all(sent not in p.read_bytes() for p in (tmp_path / "quarantine").iterdir())
    omar, where = office("omar"), f"/alliance/complaints/{made.ref}/"
    assert file.ref in omar.get(where).content.decode()
    shown = omar.post(f"{where}read/", {"field": file.ref}).content.decode()
    assert "letter.png" in shown and "data:image/" in shown and f'href="{where}"' in shown
    assert "to look into your complaint" in entered(door, code, "2468")
    for handle in ("adva", "inga"):
        token = ask("sign_in", handle=handle, passphrase=PASSPHRASE)["token"]
        for purpose in ("contact", "grievance"):
            with pytest.raises(Refused):
                ask("door_show_file", token=token, ref=file.ref, purpose=purpose)
    # The same limits: what is not what it says is refused, and nothing of it is kept.
    before = len(list((tmp_path / "quarantine").iterdir()))
    visitor.see("/inside/")
    visitor.say("/inside/file/", file=SimpleUploadedFile("x.png", b"MZ" + b"\0" * 400, "image/png"))
    assert len(list((tmp_path / "quarantine").iterdir())) == before
    # Whoever it turns out to be about opens it no more.
    see_all()
    named = Person.objects.select_related("body__state").get(handle="omar")
    named.fresh = True
    token = ask("sign_in", handle="omar", passphrase=PASSPHRASE)["token"]
    safeguarding.name_concerned(newest(Grievance), persons=[named], by=named)
    with pytest.raises(Refused):
        ask("door_show_file", token=token, ref=file.ref, purpose="grievance")


def test_a_complaint_sent_twice_is_one_with_one_code(door):
    visitor = door()
    visitor.see("/other/")
    once = re.search(r'name="once" value="([^"]+)"', visitor.page.content.decode()).group(1)
    see_all()
    before = Grievance.objects.count(), Thread.objects.count()
    fields = {"happened": "Twice.", "answer": "yes", "once": once}
    first, second = visitor.send("/other/", **fields), door().post("/other/", {"t": visitor.token(), **fields})
    assert first.status_code == second.status_code == 303
    assert first.cookies["visit"].value == second.cookies["visit"].value
    see_all()
    assert (Grievance.objects.count(), Thread.objects.count()) == (before[0] + 1, before[1] + 1)


def test_a_wrong_pin_or_none_and_nothing_is_stored_without_its_complaint(door, monkeypatch):
    visitor = door()
    visitor.see("/other/")
    see_all()
    before = Grievance.objects.count(), Thread.objects.count()
    reply = visitor.send("/other/", happened="Slow.", answer="yes", pin="12")
    assert (
        reply.status_code == 422
        and "four to eight digits" in reply.content.decode()
        and 'value="12"' not in reply.content.decode()
    )
    see_all()
    assert before == (Grievance.objects.count(), Thread.objects.count())


def test_the_number_of_a_complaint_is_confirmed_like_any_other(door, office):
    visitor = door()
    visitor.see("/other/")
    visitor.say("/other/", happened="Slow.", answer="no")
    made = newest(Grievance)
    page = office("inga").post("/repair/messages/receipt/", {"number": made.receipt}).content.decode()
    assert made.received_at.date().isoformat() in page and "in hand" in page and made.ref not in page


def test_a_danger_is_before_the_ombudsperson_first_of_all_in_words(door, office):
    visitor = door()
    for words, danger in (("Slow.", ""), ("He is at the gate.", "on")):
        visitor.see("/other/")
        visitor.say("/other/", happened=words, answer="no", **({"immediate_risk": danger} if danger else {}))
    made, omar = newest(Grievance), office("omar")
    today = omar.get("/today/").content.decode()
    first = re.search(r'<ul class="plain"><li>(.*?)</li>', today).group(1)
    assert "Urgent:" in first and "Someone may be in danger now" in first
    assert made.ref in today and "He is at the gate" not in today
    page = omar.get(f"/alliance/complaints/{made.ref}/").content.decode()
    assert "Someone may be in danger now." in page.split("<table>")[0]


def test_addresses_say_nothing_and_old_ones_lead_on(door):
    reply = door().get("/complaint/")
    assert (
        reply.status_code == 303
        and reply.headers["Location"] == "/other/"
        and reply.headers["Cache-Control"] == "no-store"
    )
    assert door().get("/complaint/received/").headers["Location"] == "/other/"
    from django.urls import get_resolver

    shown = [
        str(p.pattern)
        for p in get_resolver("answerable.config.urls_channel").url_patterns
        if p.name != "moved" and p.name != "moved-too"
    ]
    assert not [a for a in shown if "complain" in a]


def test_a_language_is_carried_in_the_address_without_a_cookie_and_over_leaving(door):
    visitor = door()
    visitor.see("/")
    reply = visitor.send("/language/", language="ar")
    assert reply.headers["Location"] == "/ar/" and not reply.cookies and not visitor.cookies
    page = visitor.see("/ar/")
    assert 'lang="ar" dir="rtl"' in page and 'href="/ar/begin/"' in page and 'href="/leave/ar/"' in page
    assert 'href="/ar/care/"' in page
    assert visitor.send("/ar/begin/", kind="ask").headers["Location"] == "/ar/write/"
    left = visitor.get("/leave/ar/")
    assert 'lang="ar"' in left.content.decode() and left.headers["Clear-Site-Data"]
    assert visitor.get("/ar/leave/").headers["Location"] == "/leave/ar/"
    assert visitor.get("/zz/begin/").status_code == 404
    assert 'lang="en"' in visitor.get("/begin/").content.decode()  # the next visitor's language is not this one's
    assert 'lang="ar"' in visitor.get("/begin/", headers={"Accept-Language": "ar"}).content.decode()
    visitor.cookies["django_language"] = "ar"
    assert 'lang="en"' in visitor.get("/begin/").content.decode()
    assert translation.get_language() == "en"
