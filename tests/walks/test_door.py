"""A survivor at the door and the office that answers: what each can see, and what nobody can."""

from __future__ import annotations

import re

import pytest
from door_support import began, enter, lodged, newest
from tests_support import see_all

from answerable.channel import codes
from answerable.channel.models import Message, Thread
from answerable.common import clock
from answerable.record import log

pytestmark = pytest.mark.django_db


def opened(client, thread: Thread) -> str:
    see_all()
    refs = list(Message.objects.filter(thread=thread).values_list("ref", flat=True))
    return client.post(f"/repair/messages/{thread.ref}/read/", {"message": refs}).content.decode()


def answered(office, thread: Thread, text: str, who: str = "adva") -> None:
    reply = office(who).post(f"/repair/messages/{thread.ref}/reply/", {"text": text, "as": "reply"})
    assert reply.status_code == 303, reply.content[:600]


def test_she_writes_the_office_answers_and_only_her_code_reads_it(door, office, later):
    code = began(door(), pin="4711", text="Where can I find a doctor?")
    thread = newest()
    adva = office("adva")
    assert thread.designation in adva.get("/today/").content.decode()
    assert "doctor" not in adva.get(f"/repair/messages/{thread.ref}/").content.decode()
    assert "Where can I find a doctor?" in opened(adva, thread)
    answered(office, thread, "The clinic at the market is open today.")
    _v, page = enter(door, code)
    assert "There are no new messages." in page  # not before the hour of release
    later(hours=13)  # between the last hour of release and the first one of the next day lie twelve
    _v, page = enter(door, code)
    assert "The clinic at the market" in page and "Your page" not in page
    _v, page = enter(door, code)
    assert "There are no new messages." in page and "market" not in page  # read once with the code alone
    visitor, page = enter(door, code, "4711")
    assert "Your page" in page and "The clinic at the market" in page
    assert "Reparations Office, to answer you" in page
    assert "Adva" not in page and "doctor?" not in page  # never a person, never what she told
    assert "Where can I find a doctor?" in visitor.get("/inside/text/").content.decode()


def test_the_name_she_gives_is_named_as_one_under_her_message(door, office):
    began(door(), pin="", text="Where can I find a doctor?", name="Noor")
    shown = opened(office("adva"), newest())
    assert "Name to be called by: Noor" in shown and "Where can I find a doctor?" in shown


def test_with_no_pin_the_code_reads_what_is_new_and_there_is_no_page(door, office, later):
    code = began(door(), pin="", text="Hello.")
    answered(office, newest(), "Hello to you.")
    later(hours=13)  # between the last hour of release and the first one of the next day lie twelve
    assert "There are no new messages." in enter(door, code, "1234")[1]
    visitor, page = enter(door, code)
    assert "Hello to you." in page and "Your page" not in page
    assert "Hello to you." in visitor.see("/inside/")  # while she is here she may read it again
    assert visitor.get("/inside/text/").status_code == 303


def test_digits_of_her_own_script_open_her_page(door):
    code = began(door(), pin="4711", text="سلام")
    arabic = " ".join("".join(chr(0x660 + int(d)) for d in g) for g in codes.read(code).groups)
    assert "Your page" in enter(door, arabic, "۴۷۱۱")[1]


def test_a_slip_of_the_pen_is_said_at_once(door):
    code = began(door(), pin="4711", text="Hello.")
    wrong = code[:5] + str((int(code[5]) + 1) % 10) + code[6:]
    assert "A digit seems to be different" in enter(door, wrong)[1]
    assert "A digit seems to be different" in enter(door, code, "12")[1]


def test_the_code_is_shown_once_and_once_more_and_checked(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="ask")
    for answer, act in (("yes", "next"), ("", "skip"), ("A question.", "next"), ("", "skip")):
        visitor.next(answer, act=act)
    visitor.say("/write/", at="4", act="send")
    code = visitor.code()
    page = visitor.say("/code/", what="written")
    assert not visitor.code() and "Show it once more" in page
    visitor.say("/code/", what="again")
    assert visitor.code() == code
    page = visitor.say("/code/", what="written")
    assert "Show it once more" not in page
    assert "not the same" in visitor.say("/code/", what="check", code=codes.new().digits)
    assert "Messages" in visitor.say("/code/", what="check", code=code)
    assert "inside" in visitor.get("/code/").headers["Location"]


def test_nothing_is_stored_before_she_sends(door):
    see_all()
    before = Thread.objects.count(), Message.objects.count(), log.Entry.objects.count()
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="tell")
    visitor.next("yes")
    visitor.next("4711")
    visitor.next("Something I then do not send.")
    visitor.say("/write/", at="3", act="stop")
    see_all()
    assert before == (Thread.objects.count(), Message.objects.count(), log.Entry.objects.count())


def test_save_and_stop_brings_her_back_with_the_code(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    visitor.next("yes")
    visitor.next("2468")
    at = re.search(r'name="at" value="(\d+)"', visitor.page.content.decode()).group(1)
    visitor.say("/write/", at=at, a="", act="save")
    code = visitor.code()
    visitor.say("/code/", what="written")
    page = visitor.say("/code/", what="check", code=code)
    assert "Go on with what you began" in page
    visitor, page = enter(door, code, "2468")
    assert "Go on with what you began" in page
    assert "Where did it happen?" in visitor.say("/inside/resume/")
    assert "Go on with" not in enter(door, code)[1]  # the paper alone does not show that something was begun


@pytest.mark.slow
def test_a_claim_from_the_door_is_in_the_offices_queue_like_any_other(door, office, saved):
    from answerable.reparations.models import Claim

    visitor = door()
    lodged(visitor, saved("$programme"), account="What I wish to tell.", flags=["UF-14"], legal_name="Nadira Claimant")
    code = visitor.code()
    assert len(code) == 24
    see_all()
    claim = Claim.objects.order_by("-id").first()
    assert (
        claim.intake_by is None and claim.compartment == "claims" and claim.quarter == "2026-Q1" and claim.level == "U1"
    )
    assert newest().about_ref == claim.ref and newest().care_offered
    inga, anna = office("inga"), office("anna")
    assert claim.ref in inga.get("/repair/").content.decode() + inga.get("/today/").content.decode()
    for move in ("screen", "register_claim"):
        assert inga.post(f"/repair/claims/{claim.ref}/move/", {"move": move}).status_code == 303
    adva = office("adva")
    for move in ("check_completeness", "begin_assessment"):
        assert adva.post(f"/repair/claims/{claim.ref}/move/", {"move": move}).status_code == 303
    read = anna.post(f"/repair/claims/{claim.ref}/read/", {"field": "account"})
    assert "What I wish to tell." in read.content.decode()
    assert anna.post(f"/repair/claims/{claim.ref}/assess/", {"coherent": "yes"}).status_code == 303
    visitor, page = enter(door, code, "2468")
    assert "What you asked for" in page and "Look at what I ask for" in page
    assert "Reparations Office" in page and "to decide" in page
    assert claim.ref not in page


def test_what_filing_needs_is_asked_again_and_nothing_typed_is_lost(door):
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    visitor.next("yes")
    assert "four to eight digits" in visitor.next("12")
    visitor.next("", act="skip")
    page = visitor.next("", act="skip")
    assert "This one is needed" in page and "Where did it happen?" in page


@pytest.mark.slow
def test_a_lost_code_is_replaced_at_the_office_and_the_old_one_opens_nothing(door, office):
    code = began(door(), pin="4711", text="Hello.")
    thread = newest()
    shown = office("adva").post(f"/repair/messages/{thread.ref}/code/", {"pin": "9999"}).content.decode()
    fresh = re.search(r"<strong>([\d ]{29})</strong>", shown).group(1)
    assert "There are no new messages." in enter(door, code, "4711")[1]
    visitor, page = enter(door, fresh, "9999")
    assert "Your page" in page and "The office can read them to you" in page
    assert "Hello." not in visitor.get("/inside/text/").content.decode()
    see_all()
    assert "code replaced" in [e.action for e in log.history(thread.ref)]


@pytest.mark.slow
def test_she_closes_her_door_and_its_code_opens_nothing(door, office):
    code = began(door(), pin="4711", text="Hello.")
    visitor, _page = enter(door, code, "4711")
    assert "Your page" in visitor.say("/inside/close/")  # not without saying so
    assert visitor.send("/inside/close/", sure="yes").status_code == 303
    assert "There are no new messages." in enter(door, code, "4711")[1]
    reply = office("adva").post(f"/repair/messages/{newest().ref}/reply/", {"text": "x", "as": "reply"})
    assert reply.status_code == 409


def test_another_pin_keeps_her_page(door):
    code = began(door(), pin="4711", text="Hello.")
    visitor, _page = enter(door, code, "4711")
    assert "not the code of this page" in visitor.say("/inside/pin/", code=codes.new().digits, pin="8642")
    assert "new PIN counts" in visitor.say("/inside/pin/", code=code, pin="8642")
    assert "There are no new messages." in enter(door, code, "4711")[1]
    visitor, page = enter(door, code, "8642")
    assert "Your page" in page and "Hello." in visitor.get("/inside/text/").content.decode()


def test_what_is_written_behind_a_wrong_code_is_kept_and_read(door, office):
    visitor, page = enter(door, codes.new().digits)
    assert "There are no new messages." in page
    assert "received and locked" in visitor.say("/inside/write/", text="Is someone there?")
    thread = newest()
    assert thread.kind == "unmatched" and not thread.answerable
    assert "Is someone there?" in opened(office("adva"), thread)


@pytest.mark.slow
def test_a_correction_and_a_note(door, office):
    code = began(door(), pin="4711", text="Hello.")
    visitor, _page = enter(door, code, "4711")
    visitor.say("/inside/write/", text="It was spring.", kind="correction")
    thread, adva = newest(), office("adva")
    assert "corrects her file" in adva.get(f"/repair/messages/{thread.ref}/").content.decode()
    adva.post(f"/repair/messages/{thread.ref}/reply/", {"text": "Among ourselves.", "as": "note"})
    visitor, page = enter(door, code, "4711")
    assert "Among ourselves" not in page + visitor.get("/inside/text/").content.decode()


def test_a_receipt_is_confirmed_and_tells_nothing_else(door, office):
    began(door(), pin="4711", text="Hello.")
    thread = newest()
    inga = office("inga")
    page = inga.post("/repair/messages/receipt/", {"number": thread.receipt}).content.decode()
    assert thread.opened_on.isoformat() in page and "in hand" in page
    assert thread.designation not in page and thread.ref not in page
    assert "No such number" in inga.post("/repair/messages/receipt/", {"number": "0000000001"}).content.decode()


@pytest.mark.slow
def test_a_documenter_files_a_report_through_the_door(door, office, saved):
    from answerable.alliance.models import Person
    from answerable.channel.steps import REPORT
    from answerable.monitoring import actions as monitoring
    from answerable.monitoring.models import Incident

    see_all()
    sami = Person.objects.get(handle="sami")
    militia = monitoring.enter_party(saved("$zandria"), name="Lock Militia", actor_type="ACT-PGM", by=sami)
    see_all()
    dana = Person.objects.get(handle="dana")
    shown = office("ines").post("/repair/messages/codes/", {"pin": "1357", "person": dana.pk}).content.decode()
    code = re.search(r"<strong>([\d ]{29})</strong>", shown).group(1)
    visitor, page = enter(door, code, "1357")
    assert "File a report" in page
    visitor.say("/begin/", kind="report")
    answers = {
        "referral_offered": "yes", "searched_first": "yes", "party": saved("$brigade").ref, "on": "2026-01-14", "area1": "South",
        "victims": "٣", "forms": ["SV-RAPE"], "links": ["LK-PERP"], "link_reason": "The unit is named.", "narrative": "Sealed words.",
        "others": [militia.ref],
    }  # fmt: skip
    for step in REPORT:
        page = visitor.next(answers.get(step.name, ""), act="next" if step.name in answers else "skip")
        if step.name == "party":
            # Only those of the same situation took part with it.
            assert "Lock Militia" in page and saved("$brigade").name not in page and saved("$regiment").name not in page
    page = visitor.say("/write/", at=str(len(REPORT)), act="send")
    see_all()
    incident = Incident.objects.order_by("-id").first()
    assert (
        incident.collected_by == dana
        and incident.compartment == f"monitoring/{dana.body.ref}"
        and incident.victims == 3
        and [p.name for p in incident.actors] == [saved("$brigade").name, "Lock Militia"]
    )
    assert incident.ref in page and "Sealed words" not in page
    assert (
        "Sealed words."
        in office("sami").post(f"/watch/incidents/{incident.ref}/read/", {"field": "narrative"}).content.decode()
    )


def test_the_demonstrations_code_shows_the_answer_the_award_and_what_was_paid(door, played):
    issued = played["run"].codes["door"]
    visitor, page = enter(door, issued.code.digits, "2580")
    for words in (
        "every morning from eight",
        "You accepted; it is being prepared.",
        "Money awarded to you: 1 of 3 payments were made.",
        "Look at what I ask for, and decide on it",
    ):
        assert words in page, words
    assert "my sister" not in page and "my sister" in visitor.get("/inside/text/").content.decode()


@pytest.fixture
def consents(monkeypatch):
    """An app that keeps consents, as the questions between apps describe it."""
    from answerable.common import hooks

    heard = []

    def page(about):
        choice = {
            "purpose": "CP-CONT",
            "label": "Being contacted again",
            "given": True,
            "audience": "one office",
            "until": "",
            "cannot_recall": "",
        }
        table = {"head": ["Who", "Why"], "rows": [["A clinic", "care"]]}
        return [{"title": "What you allow", "lines": ["Each is yours."], "choices": [choice]},
                {"title": "Who received something", "table": table}, {"title": "What you withdrew", "lines": [], "undo": "WDR-1"}]  # fmt: skip

    def withdraws(about, purposes, by):
        heard.append((about, purposes, by))
        return "Receipt: you withdrew it."

    def undoes(about, withdrawal, by):
        heard.append((about, withdrawal, by))
        return "Receipt: as before."

    for name, answer in (("survivor_page", page), ("survivor_withdraws", withdraws), ("survivor_undoes", undoes)):
        monkeypatch.setattr(hooks.question(name), "_answers", [answer])
    return heard


def test_she_takes_a_consent_back_in_one_step_and_sees_the_receipt(door, played, saved, consents):
    visitor, page = enter(door, played["run"].codes["door"].code.digits, "2580")
    assert "Take back: Being contacted again" in page and "A clinic" in page and "CLM-" not in page
    assert "Receipt: you withdrew it." in visitor.say("/inside/withdraw/", purpose="CP-CONT")
    assert "Receipt: as before." in visitor.say("/inside/undo/", withdrawal="WDR-1")
    thread = saved("$door")
    assert [(a, what, by.ref) for a, what, by in consents] == [
        (thread.about_ref, ["CP-CONT"], thread.ref), (thread.about_ref, "WDR-1", thread.ref)]  # fmt: skip
    assert "claimant" in consents[0][2].roles


def test_a_paper_code_alone_takes_nothing_back(door, played, consents):
    visitor, _page = enter(door, played["run"].codes["door"].code.digits)
    visitor.say("/inside/withdraw/", purpose="CP-CONT")
    assert consents == []


@pytest.mark.parametrize("who", ["delegate.avn", "chair", "fina", "anna", "paulo", "sami", "dana", "bo"])
def test_others_see_no_survivors_thread(door, office, who):
    began(door(), pin="4711", text="Hello.")
    thread, client = newest(), office(who)
    assert client.get(f"/repair/messages/{thread.ref}/").status_code == 404
    assert thread.designation not in client.get("/today/").content.decode()


def test_withdrawing_everything_takes_the_door_and_its_messages_along(door, played, saved):
    from answerable.common.hooks import question

    thread, issued = saved("$door"), played["run"].codes["door"]
    assert question("holder_of").ask(thread.about_ref) == [thread.ref]
    parts = {ref for answer in question("parts_of").ask(thread.about_ref) for ref in answer}
    assert {thread.ref, *Message.objects.filter(thread=thread).values_list("ref", flat=True)} <= parts
    (counts,) = [c for c in question("shred_keys").ask(sorted(parts)) if "doors" in c]
    assert counts == {"doors": 1} and question("shred_keys").ask(sorted(parts))[-1] == {"doors": 0}
    assert "There are no new messages." in enter(door, issued.code.digits, "2580")[1]


def picture(color: str) -> bytes:
    from io import BytesIO

    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    held, where = BytesIO(), PngInfo()
    where.add_text("Comment", "canary-place")
    Image.new("RGB", (64, 48), color).save(held, "PNG", pnginfo=where)
    return held.getvalue()


def test_a_picture_she_sends_is_sealed_and_shown_as_another_picture(door, office, settings, tmp_path):
    from django.core.files.uploadedfile import SimpleUploadedFile

    settings.QUARANTINE = tmp_path / "quarantine"
    code = began(door(), pin="4711", text="Here is a paper.")
    visitor, _page = enter(door, code, "4711")
    sent = picture("teal")
    page = visitor.say("/inside/file/", file=SimpleUploadedFile("canary-name.png", sent, "image/png"))
    assert "The file is received and locked." in page
    (stored,) = settings.QUARANTINE.iterdir()
    assert sent[:16] not in stored.read_bytes() and b"canary-name" not in stored.read_bytes()
    thread, adva = newest(), office("adva")
    from answerable.channel.models import Attachment

    file = Attachment.objects.get(thread=thread)
    assert "canary-name" not in adva.get(f"/repair/messages/{thread.ref}/").content.decode()
    shown = adva.post(f"/repair/messages/{thread.ref}/file/", {"file": file.ref}).content.decode()
    assert "canary-name.png" in shown and "data:image/" in shown
    import base64

    (seen,) = re.findall(r'src="data:image/\w+;base64,([^"]+)"', shown)
    assert b"canary-place" in sent and b"canary-place" not in base64.b64decode(seen)  # a picture of it, not the file
    see_all()
    assert [e.action for e in log.history(file.ref)] == ["sealed field read"]
    assert office("anna").post(f"/repair/messages/{thread.ref}/file/", {"file": file.ref}).status_code == 404


@pytest.mark.slow
def test_the_statement_of_her_file_holds_what_she_wrote_in_her_claim_for_her_alone(door, office, saved):
    from door_support import enter, lodged, newest

    from answerable.channel.models import Message
    from answerable.common.errors import Refused
    from answerable.vault import keeping
    from answerable.vault.client import ask

    visitor = door()
    lodged(visitor, saved("$programme"), account="I saw the bridge.", legal_name="Canary Ofhers", preferences="A letter.",
           forms=["SV-THRE"])  # fmt: skip
    code, thread = visitor.code(), newest()
    visitor.say("/code/", what="written")
    page = visitor.say("/code/", what="check", code=code)
    # Not put before whoever holds the telephone: only where she asks for everything.
    assert "I saw the bridge." not in page
    text = visitor.get("/inside/text/").content.decode()
    for said in ("I saw the bridge.", "A letter.", "I was threatened with it", "Is there something you want to tell?",
                 "Look at what I ask for, and decide on it", "The south"):  # fmt: skip
        assert said in text, said
    assert "Canary" not in text
    assert "want to give it now\n    sealed; two persons of different offices are needed to read it" in text
    # The paper alone shows nothing of it, and no office holds it: the claim is read for its purpose, not this copy.
    paper, shown = enter(door, code)
    assert "bridge" not in shown and paper.get("/inside/text/").status_code != 200
    see_all()
    (form,) = Message.objects.filter(thread=thread, kind="form")
    assert "bridge" not in bytes(form.text).decode("latin-1")
    assert form.ref not in office("adva").get(f"/repair/messages/{thread.ref}/").content.decode()
    listed = office("adva").get("/today/").content.decode()
    assert "sent a claim, and waits for an answer" in listed
    token = ask("sign_in", handle="adva", passphrase="only for the test suite, six words")["token"]
    with pytest.raises(Refused) as no:
        keeping.open_fields(form.ref, ["text"], purpose="contact", token=token)
    assert no.value.reason == "nothing"
    # Come back with code and PIN, it is there again.
    again, _page = enter(door, code, "2468")
    assert "I saw the bridge." in again.get("/inside/text/").content.decode()


def test_a_file_that_is_not_what_it_says_is_refused_and_nothing_is_kept(door, settings, tmp_path):
    from django.core.files.uploadedfile import SimpleUploadedFile

    settings.QUARANTINE = tmp_path / "quarantine"
    code = began(door(), pin="4711", text="Here is a paper.")
    visitor, _page = enter(door, code, "4711")
    page = visitor.say("/inside/file/", file=SimpleUploadedFile("x.png", b"MZ" + b"\0" * 400, "image/png"))
    assert "received and locked" not in page.split("Your page")[0] and list(settings.QUARANTINE.iterdir()) == []
    big = SimpleUploadedFile("x.png", picture("red") + b"\0" * (13 * 1024 * 1024), "image/png")
    assert "larger than 12 MB" in visitor.say("/inside/file/", file=big)


def test_where_she_lives_and_where_it_was_are_chosen_and_words_of_hers_are_in_no_table(door, saved):
    """At the page only what is on the list goes on; past the page, the words are sealed and "elsewhere" is kept."""
    from django.db import connections
    from door_support import ask_at_the_door

    from answerable.monitoring.queries import known_areas
    from answerable.reparations.models import Claim
    from answerable.vault.doors import DOORS

    programme, planted = saved("$programme"), ("canaryriver", "canaryland")
    assert known_areas(programme.situation) == ["Zandria South"]
    visitor = door()
    visitor.see("/begin/")
    visitor.say("/begin/", kind="claim")
    for answer in ("yes", "", programme.ref, "CL-DIR", "2026", ""):
        page = visitor.next(answer)
    assert "Zandria South" in page and "somewhere else" in page
    assert "choose from the list" in visitor.next(planted[0])
    visitor.next("Zandria South")
    page = visitor.next("")
    assert "Pelland" in page and "another country" in page
    assert "choose from the list" in visitor.next(planted[1])
    token = visitor.cookies["visit"].value
    answers = {
        "area1": planted[0],
        "area2": "canarybridge",
        "country": planted[1],
        "purposes": ["CP-CLAI"],
        "declared_true": "yes",
    }
    for name, value in answers.items():
        ask_at_the_door("door_answer", token=token, name=name, value=value, at=19)
    assert DOORS.read(token)["answers"]["country"] == planted[1]
    assert ask_at_the_door("door_send", token=token) == "code"
    see_all()
    claim = Claim.objects.order_by("-id").first()
    assert (claim.area1, claim.country) == ("OTHER", "OTHER")
    for alias in ("default", "keys"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                # Whole words that were typed: a thread's designation may itself hold the name of a bird.
                for word in (*planted, "canarybridge"):
                    cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text ILIKE %s OR t::text LIKE %s',
                                   [f"%{word}%", f"%{word.encode().hex()}%"])  # fmt: skip
                    assert cursor.fetchone()[0] == 0, (alias, table)


def test_her_own_words_of_where_are_read_by_who_decides(door, office, saved):
    from answerable.alliance.models import Person
    from answerable.reparations import actions
    from answerable.reparations.models import Claim
    from answerable.vault import keeping

    see_all()
    inga = Person.objects.select_related("body__state").get(handle="inga")
    made = actions.lodge_claim(
        saved("$programme"), claim_type="CL-DIR", alias="N.", age_band="25-34", country="Farland", language="ar", safe_contact="x",
        events_from=clock.today(), area1="the river", area2="", account="What I say.", purposes=["CP-CLAI"], declared_true=True,
        referral_offered=True, by=inga,
    )  # fmt: skip
    see_all()
    assert (Claim.objects.get(pk=made.pk).area1, made.country) == ("OTHER", "OTHER")
    from answerable.vault.client import ask

    adva = office("adva")
    for client, move in ((office("inga"), "screen"), (office("inga"), "register_claim"), (adva, "check_completeness"),
                         (adva, "begin_assessment")):  # fmt: skip
        assert client.post(f"/repair/claims/{made.ref}/move/", {"move": move}).status_code == 303
    token = ask("sign_in", handle="anna", passphrase="only for the test suite, six words")["token"]
    opened = keeping.open_fields(made.ref, ["area2", "account"], purpose="adjudication", token=token)
    assert opened["area2"].strip() == "the river" and opened["account"].strip() == "What I say.\nLives in: Farland"
