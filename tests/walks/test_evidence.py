"""Evidence by hand, on the pages of the office: a file taken in, looked at, redacted, checked; and how well it is known."""

from __future__ import annotations

import io
import re
import resource
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from PIL import Image
from tests_support import rows_holding, see_all

from answerable.authority import acting
from answerable.common import clock, faults
from answerable.monitoring.evidence import operations
from answerable.monitoring.evidence.models import (
    Assessment,
    CustodyLine,
    EvidenceFile,
    Opinion,
    PeriodCount,
    Redaction,
    TimeAuthority,
    Weighing,
)
from answerable.monitoring.evidence.tests import proofs
from answerable.monitoring.intake.models import Interview
from answerable.monitoring.models import Incident, SourceItem
from answerable.record.models import Entry
from answerable.vault import seal

pytestmark = pytest.mark.django_db


@contextmanager
def in_an_act():
    """As if an act were under way, so that the database itself is what refuses."""
    token = acting._running.set([])
    yield
    acting._running.reset(token)


def text_of(reply) -> str:
    return re.sub(r"<[^>]+>|\s+", " ", re.sub(r"</?bdi>", "", reply.content.decode()))


def press(client, url, status=303, **fields):
    reply = client.post(url, fields)
    see_all()
    assert reply.status_code == status, (url, reply.status_code, text_of(reply)[:900])
    return reply


@pytest.fixture
def quarantine(settings, tmp_path):
    settings.QUARANTINE = tmp_path / "quarantine"
    return settings.QUARANTINE


@pytest.fixture
def item(saved):
    return saved("$I1").items.exclude(kind="testimony").first()


def picture(inside="white", size=(200, 160), as_format="PNG") -> bytes:
    """A gradient with a box in it whose colour is the secret."""
    whole, target = Image.radial_gradient("L").resize(size).convert("RGB"), io.BytesIO()
    whole.paste(inside, (60, 60, 120, 100))
    whole.save(target, as_format)
    return target.getvalue()


def upload(content: bytes, name="scan.png", kind="image/png"):
    return SimpleUploadedFile(name, content, kind)


@pytest.fixture
def taken(office, item, quarantine):
    def take(content=None, name="canary-name-of-a-file.png", who="vera"):
        client = office(who)
        press(
            client,
            f"/watch/items/{item.ref}/evidence/take/",
            file=upload(content or picture(), name),
            why="verification",
        )
        return client, EvidenceFile.objects.order_by("-id").first()

    return take


def test_a_file_is_taken_in_seen_as_a_picture_and_each_act_is_a_line_of_custody(taken, item, quarantine):
    vera, file = taken()
    shown = vera.post(f"/watch/evidence/{file.ref}/show/")
    assert shown.status_code == 200 and b"data:image/png;base64," in shown.content and b"canary-name" in shown.content
    see_all()
    lines = list(CustodyLine.objects.filter(item=item))
    assert [(c.act, c.why, c.about, c.roles) for c in lines] == [
        ("taken", "verification", file.ref, "verifier"), ("viewed", "verification", file.ref, "verifier")]  # fmt: skip
    assert [Entry.objects.get(index=c.entry).action for c in lines] == ["evidence taken", "sealed field read"]
    page = text_of(vera.get(f"/watch/items/{item.ref}/evidence/"))
    assert "taken in" in page and "looked at" in page and "verifier" in page and "to verify" in page


def test_where_there_is_no_room_for_a_file_it_says_so_and_keeps_nothing(office, item, quarantine, small_disk):
    vera, before = office("vera"), EvidenceFile.objects.count()
    small_disk(2_000)
    reply = press(vera, f"/watch/items/{item.ref}/evidence/take/", 409, file=upload(picture()), why="verification")
    small_disk(resource.RLIM_INFINITY)
    assert "There is no room here for this file, so nothing of it was kept" in text_of(reply)
    assert EvidenceFile.objects.count() == before and not list(quarantine.iterdir())


def test_a_redaction_for_which_there_is_no_room_leaves_no_half_of_it(quarantine, small_disk):
    quarantine.mkdir()
    small_disk(2_000)
    with pytest.raises(OSError) as no:
        operations._keep("0" * 32, seal.new_data_key(), b"x" * 10_000)
    small_disk(resource.RLIM_INFINITY)
    assert faults.is_full(no.value) and not list(quarantine.iterdir())


def test_the_original_lies_sealed_and_its_name_and_hash_are_in_no_row(taken, quarantine):
    import hashlib

    content = picture()
    _vera, file = taken(content)
    sealed = (quarantine / file.stored).read_bytes()
    assert content[:40] not in sealed and b"IDAT" not in sealed
    for word in (
        "canary-name",
        hashlib.sha256(content).hexdigest(),
        hashlib.sha256(b"answerable-file/1" + content).hexdigest(),
    ):
        assert not [t for t in rows_holding(word) if t != "django_session"], word
    assert bytes(file.commitment) != hashlib.sha256(content).digest()


def test_the_same_picture_on_two_items_has_nothing_in_common_in_the_rows(office, saved, quarantine):
    vera, content = office("vera"), picture()
    refs = [i.ref for i in saved("$I1").items.all()[:1]] + [i.ref for i in saved("$I2").items.all()[:1]]
    for ref in refs:
        press(vera, f"/watch/items/{ref}/evidence/take/", file=upload(content), why="verification")
    first, second = EvidenceFile.objects.order_by("-id")[:2]
    assert bytes(first.commitment) != bytes(second.commitment) and bytes(first.mark) != bytes(second.mark)


def test_the_same_file_twice_on_one_item_is_told_and_not_kept(taken, office, item, quarantine):
    vera, file = taken()
    again = press(vera, f"/watch/items/{item.ref}/evidence/take/", 409, file=upload(picture()), why="verification")
    assert "on this item already" in text_of(again) and file.ref in text_of(again)
    assert EvidenceFile.objects.filter(item=item).count() == 1 and len(list(quarantine.iterdir())) == 1


def test_one_file_is_no_second_source_of_the_same_report(taken, office, saved, item, quarantine):
    vera, _file = taken()
    other = saved("$I1").items.exclude(pk=item.pk).first()
    again = press(vera, f"/watch/items/{other.ref}/evidence/take/", 409, file=upload(picture()), why="verification")
    assert "on this report already" in text_of(again) and item.ref in text_of(again)
    assert not EvidenceFile.objects.filter(item=other).exists() and len(list(quarantine.iterdir())) == 1
    press(vera, f"/watch/items/{other.ref}/evidence/take/", file=upload(picture("black")), why="verification")


@pytest.mark.parametrize(("content", "name", "says"), [
    (picture(), "letter.pdf", "what is in it is PNG picture"),
    (b"<html><script>", "photo.jpg", "Web pages can carry programs"),
    (proofs.wacz(), "archive.zip", "Archives such as ZIP"),
    (b"MZ" + bytes(400), "archive.wacz", "was not recognised"),
    (b"", "photo.png", "submitted file is empty"),
])  # fmt: skip
def test_a_file_that_lies_about_what_it_is_is_refused_with_a_sentence(office, item, quarantine, content, name, says):
    reply = press(
        office("vera"), f"/watch/items/{item.ref}/evidence/take/", 409, file=upload(content, name), why="verification"
    )
    assert says in text_of(reply) and not EvidenceFile.objects.exists()
    assert not quarantine.exists() or not list(quarantine.iterdir())


def test_whoever_may_not_read_the_item_sees_neither_page_nor_file(taken, office, item):
    _vera, file = taken()
    for who in ("dana", "inga", "delegate.avn", "expert1"):
        client = office(who)
        page = client.get(f"/watch/items/{item.ref}/evidence/").status_code
        shown = client.post(f"/watch/evidence/{file.ref}/show/").status_code
        assert (page, shown) == ((200, 409) if who == "expert1" else (404, 404)), who
        assert client.post("/watch/evidence/FIL-AAAA-AAAA/show/").status_code == 404
    see_all()
    assert not CustodyLine.objects.filter(item=item, act="viewed").exists()


def test_no_look_without_a_live_consent(taken, office, saved, quarantine):
    account = saved("$I1").items.filter(kind="testimony").first()
    vera = office("vera")
    press(vera, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture()), why="verification")
    file = EvidenceFile.objects.get(item=account)
    assert vera.post(f"/watch/evidence/{file.ref}/show/").status_code == 200
    from answerable.vault.consent import actions as consent

    see_all()
    consent.withdraw_consent(account, ["CP-MONI"], by=saved("$I1").collected_by)
    refused = vera.post(f"/watch/evidence/{file.ref}/show/")
    assert refused.status_code in (404, 409) and b"data:image" not in refused.content


def test_the_custody_log_can_be_neither_changed_nor_removed(taken):
    taken()
    for statement in ("UPDATE monitoring_custodyline SET why = 'court'", "DELETE FROM monitoring_custodyline"):
        with in_an_act(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# --- redaction ----------------------------------------------------------------------------------------------------


def pages_of(client, url) -> list[bytes]:
    import base64

    reply = client.post(url)
    assert reply.status_code == 200, text_of(reply)[:600]
    found = re.findall(r"data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=]+)", reply.content.decode())
    return [base64.b64decode(f) for f in found]


def test_what_is_redacted_is_gone_whatever_was_there(taken, office, item, quarantine):
    """Two originals that differ only inside the region give the very same redacted version, byte for byte."""
    made = []
    for secret in ("red", "blue"):
        vera, file = taken(picture(secret), f"{secret}.png")
        press(vera, f"/watch/evidence/{file.ref}/redact/", boxes="1 30 37.5 30 25", why="safety")
        redaction = Redaction.objects.get(file=file)
        (page,) = pages_of(vera, f"/watch/evidence/reasons/{redaction.ref}/")
        made.append(page)
        assert pages_of(vera, f"/watch/evidence/{file.ref}/show/")[0] != page  # the original is what it was
    assert made[0] == made[1]
    shown = Image.open(io.BytesIO(made[0]))
    assert set(shown.crop((60, 60, 120, 100)).get_flattened_data()) == {(0, 0, 0)} and not shown.info
    assert shown.getpixel((150, 20)) != (0, 0, 0)
    see_all()
    assert [c.act for c in CustodyLine.objects.filter(about__startswith="RED")] == ["redacted", "viewed"] * 2


def test_a_photograph_turned_by_its_metadata_is_redacted_where_it_is_seen(taken):
    whole, target, turned = Image.open(io.BytesIO(picture("red"))), io.BytesIO(), Image.Exif()
    turned[0x0112] = 6
    whole.rotate(90, expand=True).save(target, "JPEG", quality=95, exif=turned)
    vera, file = taken(target.getvalue(), "turned.jpg")
    press(vera, f"/watch/evidence/{file.ref}/redact/", boxes="1 30 37.5 30 25", why="safety")
    (page,) = pages_of(vera, f"/watch/evidence/reasons/{Redaction.objects.get().ref}/")
    red = sum(
        r > 120 and g < 90 and b < 90 for r, g, b in Image.open(io.BytesIO(page)).convert("RGB").get_flattened_data()
    )
    assert red == 0 and b"Exif" not in page


def test_a_page_of_a_pdf_loses_its_text_with_its_pixels(taken):
    from security.test_uploads import pdf, stream

    words = stream(b"BT /F1 24 Tf 20 100 Td (CANARYNAME) Tj ET")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    content = pdf(words, font, page=b"/MediaBox [0 0 200 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >>")
    vera, file = taken(content, "letter.pdf")
    (seen,) = pages_of(vera, f"/watch/evidence/{file.ref}/show/")
    press(vera, f"/watch/evidence/{file.ref}/redact/", boxes="1 0 0 100 100", why="safety")
    (page,) = pages_of(vera, f"/watch/evidence/reasons/{Redaction.objects.get().ref}/")
    assert (
        max(Image.open(io.BytesIO(page)).convert("L").get_flattened_data())
        == 0
        < max(Image.open(io.BytesIO(seen)).convert("L").get_flattened_data())
    )
    assert b"CANARYNAME" not in page and len(page) < len(seen)


@pytest.mark.parametrize(("boxes", "says"), [
    ("2 10 10 10 10", "no page 2"), ("1 90 10 20 10", "Line 1 lies outside"), ("1 10 10 10", "Line 1 is not a page"),
    ("1 10 10 10 10\n1 -4 0 10 10", "Line 2 is not a page"), ("\n".join(["1 1 1 1 1"] * 61), "at most 60"),
])  # fmt: skip
def test_regions_that_are_none_are_refused_by_their_line(taken, boxes, says):
    vera, file = taken()
    reply = press(vera, f"/watch/evidence/{file.ref}/redact/", 409, boxes=boxes, why="safety")
    assert says in text_of(reply) and not Redaction.objects.exists()


def test_a_statement_is_excerpted_without_a_name_however_it_is_written(office, saved, quarantine):
    incident, sami, vera = saved("$I1"), office("sami"), office("vera")
    press(sami, f"/watch/incidents/{incident.ref}/items/", kind="document", directness="secondary", captured_on="2026-01-20",
          reliability="B", credibility=2, says="Canaryamina came.\nThey took CANARYAMINA and Canary\nAmina's sister.")  # fmt: skip
    item = SourceItem.objects.order_by("-id").first()
    press(vera, f"/watch/items/{item.ref}/excerpt/", passages="canaryamina\ncanary amina", why="safety")
    redaction = Redaction.objects.get(item=item)
    opened = vera.post(f"/watch/evidence/reasons/{redaction.ref}/")
    assert redaction.removed == 3 and "canary" not in opened.content.decode().lower()
    assert "[…] came." in opened.content.decode()
    absent = press(vera, f"/watch/items/{item.ref}/excerpt/", 409, passages="Nobody", why="safety")
    assert "Passage 1 is not in the text" in text_of(absent)
    assert not rows_holding("anaryamina")


def test_redacting_a_text_file_removes_its_passages(taken):
    vera, file = taken(b"Wali saw it. Wali fled.", "note.txt")
    press(vera, f"/watch/evidence/{file.ref}/passages/", passages="Wali", why="safety")
    opened = vera.post(f"/watch/evidence/reasons/{Redaction.objects.get().ref}/").content.decode()
    assert "[…] saw it. […] fled." in opened and "Wali" not in opened


# --- proofs, export, transfer -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_time_stamp_is_checked_against_the_sealed_original_and_the_roots_the_office_entered(taken, office, item):
    authority, content = proofs.Authority(), picture()
    vera, file = taken(content)
    where = f"/watch/evidence/{file.ref}/"
    press(vera, where + "proof/", proof=upload(authority.token(content), "scan.tsr", ""), why="preservation")
    press(vera, where + "proof/", proof=upload(proofs.ots(content), "scan.png.ots", ""), why="preservation")
    press(vera, where + "check/")
    page = text_of(vera.get(f"/watch/items/{item.ref}/evidence/"))
    assert "no trusted root is entered here" in page and "promised to put it into a Bitcoin block" in page
    assert office("vera").get("/watch/evidence/roots/").status_code == 404
    ines = office("ines")
    press(ines, "/watch/evidence/roots/", 409, pem="no certificate")
    press(ines, "/watch/evidence/roots/", pem=authority.root_pem)
    press(vera, where + "check/")
    assert "signed on 2026-03-04 05:06:07 UTC under the trusted root “Test Time Root”" in text_of(
        vera.get(f"/watch/items/{item.ref}/evidence/"))  # fmt: skip
    press(ines, f"/watch/evidence/roots/{TimeAuthority.objects.get().ref}/end/")
    press(vera, where + "check/")
    see_all()
    assert [c.lines[1]["code"] for c in file.checks.filter(proof__kind="rfc3161").order_by("id")] == [
        "tsa.noroots", "tsa.signed", "tsa.noroots"]  # fmt: skip
    assert CustodyLine.objects.filter(item=item, act="checked").count() == 6


def test_a_proof_that_is_none_is_refused(taken):
    vera, file = taken()
    assert "RFC 3161" in text_of(
        press(vera, f"/watch/evidence/{file.ref}/proof/", 409, proof=upload(b"hello", "x.tsr"), why="court")
    )


def test_a_web_archive_is_taken_checked_and_never_shown(taken, item):
    vera, file = taken(proofs.wacz(change={"pages/pages.jsonl": b"changed"}), "site.wacz")
    assert file.kind == "wacz"
    assert b"data:image" not in vera.post(f"/watch/evidence/{file.ref}/show/").content
    press(vera, f"/watch/evidence/{file.ref}/check/")
    page = text_of(vera.get(f"/watch/items/{item.ref}/evidence/"))
    assert "not held : Of the files the archive lists, 1 hold, 1 are changed" in page


def test_the_custody_statement_opens_the_commitment_and_its_export_is_a_line(taken, office):
    import hashlib

    content = picture()
    _vera, file = taken(content)
    reply = office("lena").post(f"/watch/evidence/{file.ref}/statement/", {"why": "panel"})
    told = reply.content.decode()
    salt = bytes.fromhex(re.search(r"Salt: ([0-9a-f]{64})", told)[1])
    assert hashlib.sha256(content).hexdigest() in told
    assert hashlib.sha256(b"answerable-file/1" + salt + content).digest() == bytes(file.commitment)
    see_all()
    assert (
        CustodyLine.objects.filter(about=file.ref, act="exported", why="panel", roles="verification_lead").count() == 1
    )
    assert office("vera").post(f"/watch/evidence/{file.ref}/statement/", {"why": "panel"}).status_code == 409


@pytest.fixture
def unpacked(tmp_path):
    """`unpacked(reply)` is a folder with what a bundle holds."""

    def unpack(reply, name="bundle"):
        import zipfile

        assert reply.status_code == 200, text_of(reply)[:600]
        assert reply["Cache-Control"] == "no-store" and "FIL-" in reply["Content-Disposition"]
        with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path / name)
        return tmp_path / name

    return unpack


def run_check(folder, *more):
    import subprocess
    import sys

    # Alone, as whoever receives it runs it: no package of ours, no network.
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "check.py"), str(folder), *more],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.writes_freely  # an export of the record ends with a checkpoint
def test_an_original_leaves_with_what_proves_it_and_is_checked_offline(taken, office, item, unpacked, tmp_path):
    from answerable.record import cli

    authority, content = proofs.Authority(), picture()
    vera, file = taken(content)
    where = f"/watch/evidence/{file.ref}/"
    press(vera, where + "proof/", proof=upload(authority.token(content), "scan.tsr", ""), why="preservation")
    press(vera, where + "proof/", proof=upload(proofs.ots(content), "scan.png.ots", ""), why="preservation")
    press(office("ines"), "/watch/evidence/roots/", pem=authority.root_pem)
    press(vera, where + "check/")
    entries, lines = Entry.objects.count(), CustodyLine.objects.filter(item=item).count()
    folder = unpacked(office("lena").post(where + "bundle/", {"why": "panel"}))
    see_all()
    last = CustodyLine.objects.filter(item=item).order_by("-id").first()
    assert (last.act, last.why, last.about, last.roles) == ("original", "panel", file.ref, "verification_lead")
    assert CustodyLine.objects.filter(item=item).count() == lines + 1, "the opening is one line of custody"
    opened = Entry.objects.filter(index__gte=entries).exclude(action="signed in")
    assert [(e.index, e.action, e.subject, e.reason) for e in opened] == [
        (last.entry, "sealed field read", file.ref, "panel")
    ]
    assert (folder / "original.png").read_bytes() == content
    status, said = run_check(folder)
    assert status == 3 and "Nothing was compared with the record" in said and "It holds" not in said, said
    assert not (folder / "custody-statement.txt").exists(), "the program prints it, from lines that it checked"
    for closed in (True, False):
        made = tmp_path / f"record-{closed}"
        cli.export(made, closed=closed, cosigned=False)
        status, said = run_check(folder, "--record", str(made))
        assert status == 0 and said.endswith("It holds.\n"), said
        assert "SHA-256 is that at capture" in said and "opens the commitment" in said
        assert "2026-03-04 05:06:07 UTC; its signature holds under a root" in said and "begins with this file" in said
        assert f"original taken out of the vault  {file.ref}  verification lead  panel" in said
        assert ("left out was not checked" if closed else "is left out.") in said
    page = text_of(office("lena").get(f"/watch/items/{item.ref}/evidence/"))
    assert "original taken out of the vault" in page


@pytest.mark.writes_freely
@pytest.mark.parametrize(("change", "says"), [
    ("original", "not the file that was taken in"), ("salt", "do not open the commitment"), ("stamp", "not about this file"),
    ("roots", "does not hold under any root"), ("custody", "not in the order"), ("ots", "not about this file"),
    ("record", "do not open the leaf"), ("cut", "could not be read"),
    ("forged", "it is another"), ("forged, and its event", "is not the one that the custody log names"),
    ("at", "the custody log says at"), ("roles", "the custody log says roles"), ("why", "the custody log says why"),
    ("act", "the custody log says act"), ("event", "do not open the leaf"), ("left out", "leaves it out"),
    ("statement", "does not belong to the bundle"), ("check", "not those that the record says"),
])  # fmt: skip
@pytest.mark.slow
def test_a_bundle_that_was_changed_does_not_hold(taken, office, unpacked, tmp_path, change, says):
    import hashlib
    import json

    from answerable.record import cli

    authority, other, content = proofs.Authority(), proofs.Authority(), picture()
    vera, file = taken(content)
    where = f"/watch/evidence/{file.ref}/"
    press(vera, where + "show/", 200)
    about = b"another file" if change == "stamp" else content
    press(vera, where + "proof/", proof=upload(authority.token(about), "scan.tsr", ""), why="preservation")
    about = b"another file" if change == "ots" else content
    press(vera, where + "proof/", proof=upload(proofs.ots(about), "scan.ots", ""), why="preservation")
    press(office("ines"), "/watch/evidence/roots/", pem=(other if change == "roots" else authority).root_pem)
    press(vera, where + "check/")
    folder = unpacked(office("lena").post(where + "bundle/", {"why": "panel"}))
    see_all()
    cli.export(tmp_path / "record", closed=False, cosigned=False)
    told = json.loads((folder / "bundle.json").read_text())
    if change == "original":
        (folder / "original.png").write_bytes(content + b"x")
    elif change == "salt":
        told["salt"] = "00" * 32
    elif change == "custody":
        told["custody"].reverse()
    elif change == "record":
        told["custody"][0]["leaf"] = "11" * 32
    elif change.startswith("forged"):
        another = content + b"appended"
        (folder / "original.png").write_bytes(another)
        told |= {"sha256": hashlib.sha256(another).hexdigest(), "size": len(another), "proofs": []}
        for proof in folder.glob("PRF-*"):
            proof.unlink()
        told["commitment"] = hashlib.sha256(b"answerable-file/1" + bytes.fromhex(told["salt"]) + another).hexdigest()
        if change != "forged":
            line = told["custody"][0]
            event = json.loads(line["event"])
            event["detail"]["commitment"] = told["commitment"]
            line["event"] = json.dumps(event, sort_keys=True, separators=(",", ":"))
            made = hashlib.sha256(b"answerable-leaf/1" + bytes.fromhex(line["salt"]) + line["event"].encode())
            line["leaf"] = made.hexdigest()
    elif change in ("at", "roles", "why", "act"):
        told["custody"][1][change] = {
            "at": "2020-01-01T00:00:00Z", "roles": "chair", "why": "court", "act": "redacted"}[change]  # fmt: skip
    elif change == "event":
        told["custody"][1]["event"] = told["custody"][1]["event"].replace("verification", "preservation")
    elif change == "left out":
        del told["custody"][1]
    elif change == "statement":
        (folder / "custody-statement.txt").write_text("It was never looked at.")
    elif change == "check":
        told["checks"][0]["lines"][0]["outcome"] = "held_by_all"
    (folder / "bundle.json").write_text(json.dumps(told)[: 40 if change == "cut" else None])
    status, said = run_check(folder, "--record", str(tmp_path / "record"))
    assert status == (2 if change == "cut" else 1) and says in said, said


@pytest.mark.slow
def test_an_original_leaves_only_with_leave_consent_budget_and_a_reason(
    taken, office, item, saved, quarantine, monkeypatch
):
    from answerable.vault import budget
    from answerable.vault.consent import actions as consent

    vera, file = taken()
    where = f"/watch/evidence/{file.ref}/bundle/"
    assert vera.post(where, {"why": "panel"}).status_code == 409, "a verifier looks at it and does not let it out"
    for who in ("dana", "inga", "delegate.avn", "fina"):
        assert office(who).post(where, {"why": "panel"}).status_code == 404, who
    lena = office("lena")
    assert "Say why" in text_of(press(lena, where, 409, why="because"))
    account = saved("$I1").items.filter(kind="testimony").first()
    press(lena, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture("black")), why="verification")
    hers = EvidenceFile.objects.get(item=account)
    assert lena.post(f"/watch/evidence/{hers.ref}/bundle/", {"why": "panel"}).status_code == 200
    see_all()
    consent.withdraw_consent(account, ["CP-MONI"], by=saved("$I1").collected_by)
    refused = lena.post(f"/watch/evidence/{hers.ref}/bundle/", {"why": "panel"})
    assert refused.status_code in (404, 409) and refused["Content-Type"].startswith("text/html")
    monkeypatch.setattr(budget, "limit", lambda _ref: 1)
    see_all()
    before = (
        CustodyLine.objects.filter(act="original").count(),
        Entry.objects.filter(action="sealed field read").count(),
    )
    assert "limit for a day" in text_of(press(lena, where, 409, why="panel"))
    monkeypatch.undo()
    assert before == (
        CustodyLine.objects.filter(act="original").count(),
        Entry.objects.filter(action="sealed field read").count(),
    )
    sealed = quarantine / file.stored
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    damaged = press(lena, where, 409, why="panel")
    assert "was changed, so nothing of it is shown" in text_of(damaged) and b"PK" not in damaged.content[:2]


def test_what_leaves_for_a_court_needs_the_consent_for_courts(office, saved, quarantine):
    from answerable.vault.consent import actions as consent
    from answerable.vault.consent import rules as terms

    account, lena = saved("$I1").items.filter(kind="testimony").first(), office("lena")
    press(lena, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture("black")), why="verification")
    hers = EvidenceFile.objects.get(item=account)
    for leaving in ("bundle", "statement"):
        reply = press(lena, f"/watch/evidence/{hers.ref}/{leaving}/", 409, why="court")
        assert "CP-CRIM" in text_of(reply), leaving
    assert not CustodyLine.objects.filter(act__in=["original", "exported"]).exists()
    see_all()
    consent.withdraw_consent(account, ["CP-FIND"], by=saved("$I1").collected_by)
    assert "CP-FIND" in text_of(press(lena, f"/watch/evidence/{hers.ref}/statement/", 409, why="panel"))
    press(lena, f"/watch/evidence/{hers.ref}/statement/", 200, why="verification")
    see_all()
    yes = [terms.default_terms("CP-CRIM", on=clock.today())]
    consent.give_consent(account, yes, by=saved("$I1").collected_by)
    press(lena, f"/watch/evidence/{hers.ref}/bundle/", 200, why="court")
    see_all()
    assert CustodyLine.objects.filter(act="original", why="court", about=hers.ref).count() == 1


def test_a_piece_of_an_original_is_for_who_asked_and_comes_whatever_the_size(taken, office, monkeypatch):
    from answerable.alliance.models import Person
    from answerable.common.errors import Refused
    from answerable.monitoring.evidence import operations

    content = b"a line of a long text\n" * 12_000
    _vera, file = taken(content, "long.txt")
    monkeypatch.setattr(operations, "PIECE", 65536)
    reply = office("lena").post(f"/watch/evidence/{file.ref}/bundle/", {"why": "panel"})
    assert reply.status_code == 200 and content in reply.content and not operations._under_way
    lena, vera = (Person.objects.get(handle=h) for h in ("lena", "vera"))
    operations._under_way["ticket"] = operations._Leaving(lena.ref, iter([b"secret"]), float("inf"))
    monkeypatch.setattr(operations.sessions, "reader", lambda _token: (vera, b""))
    with pytest.raises(Refused, match="nothing here for you"):
        operations.piece("token", "ticket")
    monkeypatch.setattr(operations.sessions, "reader", lambda _token: (lena, b""))
    assert operations.piece("token", "ticket")["content"] == b"secret"
    assert operations.piece("token", "ticket")["last"] and not operations._under_way


def test_files_that_one_person_does_not_fetch_keep_nobody_else_out(taken, office, monkeypatch):
    from answerable.monitoring.evidence import operations

    _vera, file = taken()
    where = f"/watch/evidence/{file.ref}/bundle/"
    for n in range(operations.AT_ONCE):
        monkeypatch.setitem(
            operations._under_way, f"vera {n}", operations._Leaving("PER-ANOTHER", iter([b""]), float("inf"))
        )
    assert office("lena").post(where, {"why": "panel"}).status_code == 200
    lena = saved_person("lena")
    for n in range(operations.AT_ONCE):
        monkeypatch.setitem(
            operations._under_way, f"lena {n}", operations._Leaving(lena.ref, iter([b""]), float("inf"))
        )
    assert "at this moment" in text_of(press(office("lena"), where, 409, why="panel"))


def saved_person(handle):
    from answerable.alliance.models import Person

    return Person.objects.get(handle=handle)


@pytest.mark.parametrize("way", ["check", "statement"])
def test_a_check_and_a_statement_are_openings_like_any_other(office, saved, quarantine, way, monkeypatch):
    """Consent, the day's budget and an entry first: the original, its name and its hash are opened for them."""
    from answerable.monitoring.evidence import checks
    from answerable.vault import budget
    from answerable.vault.consent import actions as consent

    monkeypatch.setattr(checks, "run", lambda *_said: [{"code": "room", "outcome": "held", "figures": {}}])
    account, lena = saved("$I1").items.filter(kind="testimony").first(), office("lena")
    press(lena, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture()), why="verification")
    hers = EvidenceFile.objects.get(item=account)
    where, read = (
        f"/watch/evidence/{hers.ref}/{way}/",
        Entry.objects.filter(action="sealed field read", subject=hers.ref),
    )
    proof = upload(b"\x30proof")
    press(lena, f"/watch/evidence/{hers.ref}/proof/", proof=proof, why="verification")
    with monkeypatch.context() as spent:
        spent.setattr(budget, "limit", lambda _ref: 0)
        assert "limit for a day" in text_of(press(lena, where, 409, why="panel"))
    assert not read.exists() and lena.post(where, {"why": "panel"}).status_code in (200, 303)
    see_all()
    (entry,) = read
    assert (
        entry.event["detail"]["purpose"] == "verification"
        and CustodyLine.objects.get(entry=entry.index).act == "viewed"
    )
    consent.withdraw_consent(account, ["CP-MONI"], by=saved("$I1").collected_by)
    assert lena.post(where, {"why": "panel"}).status_code in (404, 409)
    see_all()
    assert read.count() == 1


def test_a_file_that_is_too_large_is_refused_with_the_limit_and_the_reason(office, item, quarantine, monkeypatch):
    from answerable.monitoring.evidence import views

    page = text_of(office("vera").get(f"/watch/items/{item.ref}/evidence/"))
    assert "At most 50 MB" in page and "never lies on a disk in the clear" in page, "said before it is chosen"
    monkeypatch.setattr(views.EvidenceInMemory, "largest", 4096)
    reply = press(
        office("vera"),
        f"/watch/items/{item.ref}/evidence/take/",
        409,
        file=upload(picture() + bytes(9000)),
        why="panel",
    )
    assert "larger than 50 MB" in text_of(reply) and "never in a temporary file" in text_of(reply)
    assert not EvidenceFile.objects.exists() and (not quarantine.exists() or not list(quarantine.iterdir()))


def test_a_transfer_under_a_live_consent_is_noted_once_and_recalled_when_it_is_withdrawn(office, saved, quarantine):
    from answerable.alliance.models import Body, Person
    from answerable.vault.consent import actions as consent
    from answerable.vault.consent import rules as terms
    from answerable.vault.consent.models import Transfer

    see_all()
    account, panel = saved("$I1").items.filter(kind="testimony").first(), Body.objects.get(name="Panel of Experts")
    lena = office("lena")
    press(lena, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture()), why="court")
    file = EvidenceFile.objects.get(item=account)
    yes = [terms.default_terms("CP-CRIM", on=clock.today())]
    consent.give_consent(account, yes, by=Person.objects.get(pk=account.incident.collected_by_id))
    see_all()
    entries = Entry.objects.count()
    press(lena, f"/watch/evidence/{file.ref}/transfer/", recipient=panel.pk, purpose="CP-CRIM", why="court")
    line, transfer = CustodyLine.objects.get(act="transferred"), Transfer.objects.get(subject=account.ref)
    assert Entry.objects.count() == entries + 1 and Entry.objects.get(index=line.entry).event["detail"] == {
        "item": account.ref, "recipient": panel.ref, "transfer": transfer.ref, "purpose": "CP-CRIM",
        "roles": "verification_lead"}  # fmt: skip
    assert (line.about, line.why, transfer.fields, transfer.recalled_at) == (file.ref, "court", ["file"], None)
    consent.withdraw_consent(account, ["CP-CRIM"], by=account.incident.collected_by)
    see_all()
    transfer.refresh_from_db()
    assert transfer.recalled_at is not None, "what was handed over is asked back"
    refused = press(
        lena, f"/watch/evidence/{file.ref}/transfer/", 409, recipient=panel.pk, purpose="CP-CRIM", why="court"
    )
    assert "no live consent" in text_of(refused) and Transfer.objects.filter(subject=account.ref).count() == 1


def test_a_transfer_needs_a_live_consent_for_it_and_never_goes_to_a_delegation(taken, office, saved, quarantine):
    from answerable.alliance.models import Body

    see_all()
    account, panel = saved("$I1").items.filter(kind="testimony").first(), Body.objects.get(name="Panel of Experts")
    lena = office("lena")
    press(lena, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture()), why="court")
    file = EvidenceFile.objects.get(item=account)
    reply = press(
        lena, f"/watch/evidence/{file.ref}/transfer/", 409, recipient=panel.pk, purpose="CP-CRIM", why="court"
    )
    assert "no live consent" in text_of(reply) and not CustodyLine.objects.filter(act="transferred").exists()
    delegation = Body.objects.filter(kind=Body.DELEGATION).first()
    press(lena, f"/watch/evidence/{file.ref}/transfer/", 409, recipient=delegation.pk, purpose="CP-CRIM", why="court")


# --- how well it is known -----------------------------------------------------------------------------------------


@pytest.fixture
def account(office, saved):
    """A first-hand account that nobody has graded."""
    sami, incident = office("sami"), saved("$I1")
    press(sami, f"/watch/intake/interviews/ask/{incident.situation.ref}/", told_before="no_code", pseudonym="p-9", purpose="CP-MONI",
          added_value="she saw the commander", why_not_enough="no record names him")  # fmt: skip
    press(sami, f"/watch/incidents/{incident.ref}/items/", kind="testimony", directness="primary", captured_on="2026-01-20", says="x",
          purposes=["CP-MONI", "CP-FIND"], understood="yes", withdrawal_told="yes", interview=Interview.objects.latest("id").ref)  # fmt: skip
    return SourceItem.objects.order_by("-id").first()


def test_two_assessors_grade_alone_and_a_third_is_asked_across_t2_t3(office, account):
    url, vera, lena = f"/watch/items/{account.ref}/assess/", office("vera"), office("lena")
    page = f"/watch/incidents/{account.incident.ref}/known/"
    press(vera, url, testimony="T2", reasons="a canary reason")
    first = Assessment.objects.get(item=account)
    row = re.search(rf"{account.ref[:8]}.*?</tr>", lena.get(page).content.decode().split("Grade in force", 1)[1], re.S)[
        0
    ]
    assert "T2" not in re.sub(r"straddle T2/T3", "", row) and "a second is asked" in row
    hidden = lena.post(f"/watch/evidence/reasons/{first.ref}/")
    assert hidden.status_code == 409 and "Give your own grade first" in hidden.content.decode()
    assert "a canary reason" not in hidden.content.decode()
    assert "graded this item" in text_of(press(vera, url, 409, testimony="T1", reasons="again"))
    press(lena, url, testimony="T3", reasons="mine")
    account.refresh_from_db()
    assert account.testimony == "" and "a third assessor is asked" in text_of(lena.get(page))
    assert b"a canary reason" in lena.post(f"/watch/evidence/reasons/{first.ref}/").content
    for entry in Entry.objects.filter(subject=account.ref, action="item assessed"):
        assert (entry.event["to"], entry.event["detail"].keys()) == ("ungraded", {"assessors"})


def test_two_that_agree_settle_a_grade_and_levels_follow(office, account):
    for who in ("vera", "lena"):
        press(office(who), f"/watch/items/{account.ref}/assess/", testimony="T1", reasons="r")
    account.refresh_from_db()
    assert (account.testimony, account.assessors) == ("T1", 2)
    assert "graded this item" in text_of(
        press(office("lena"), f"/watch/items/{account.ref}/assess/", 409, testimony="T1", reasons="r")
    )


def test_a_grade_given_anew_is_not_said_to_be_the_assessors_or_the_one_it_was_filed_with(office, account, saved):
    from answerable.alliance.models import Person
    from answerable.monitoring import actions

    incident = account.incident
    papers = [i for i in saved("$I1").items.all() if i.reliability]
    url, vera = f"/watch/incidents/{incident.ref}/known/", Person.objects.get(handle="vera")

    def row(of):
        return re.search(
            rf"{of.ref[:8]}.*?</tr>", office("vera").get(url).content.decode().split("Grade in force", 1)[1], re.S
        )[0]

    for who in ("vera", "lena"):
        press(office(who), f"/watch/items/{account.ref}/assess/", testimony="T1", reasons="r")
    assert "settled by 2 assessors" in row(account) and "graded anew" not in row(account)
    assert "graded as it was filed" in row(papers[0])
    for item, grade in ((account, {"testimony": "T3"}), (papers[0], {"reliability": "D", "credibility": 4})):
        see_all()
        actions.regrade_item(item, **grade, by=vera)
    assert "settled by 2 assessors; graded anew since" in row(account)
    assert "graded anew since it was filed" in row(papers[0]) and "graded as it was filed" not in row(papers[0])
    see_all()
    actions.regrade_item(SourceItem.objects.get(pk=account.pk), testimony="T1", by=vera)
    assert "settled by 2 assessors" in row(account) and "graded anew" not in row(account), "it is theirs again"


def test_no_grade_and_no_outcome_is_chosen_beforehand(office, account, item, saved):
    vera, against = office("vera"), saved("$I9").items.get(contrary=True)
    assess, weigh = f"/watch/items/{account.ref}/assess/", f"/watch/items/{against.ref}/weigh/"
    page = text_of(vera.get(assess))
    assert (
        f"{account.ref}: An account of a person is graded" in page
        and "T2: Coherent; gaps compatible with trauma" in page
    )
    paper = text_of(vera.get(f"/watch/items/{item.ref}/assess/"))
    for who, url, name, more in (
        (vera, assess, "testimony", {}), (vera, f"/watch/items/{item.ref}/assess/", "reliability", {"credibility": "2"}),
        (office("lena"), weigh, "outcome", {"how": "r"}), (office("expert1"), f"/watch/incidents/{against.incident.ref}/opinion/", "level", {}),
    ):  # fmt: skip
        select = re.search(rf'<select[^>]*name="{name}".*?</select>', who.get(url).content.decode(), re.S)[0]
        assert re.search(r'<option value=""[^>]*>–', select), name
        assert not re.search(r'<option value="[^"]+" selected', select)
        assert who.post(url, {name: "", "reasons": "r", **more}).status_code == 422
    assert "A: " in paper and not Assessment.objects.filter(item__in=[account, item]).exists()


def test_a_survivor_is_never_graded_a_to_f_and_a_source_never_t(office, account, item):
    from answerable.alliance.models import Person
    from answerable.common.errors import Refused
    from answerable.monitoring.evidence import actions

    see_all()
    vera = Person.objects.get(handle="vera")
    with pytest.raises(Refused, match="never A to F"):
        actions.assess_item(account, reliability="A", credibility=1, reasons="r", by=vera)
    with pytest.raises(Refused, match="Only an account of a person"):
        actions.assess_item(item, testimony="T1", reasons="r", by=vera)


def test_who_collected_a_report_does_not_assess_its_items(office, account):
    sami = office("sami")
    assert sami.post(f"/watch/items/{account.ref}/assess/", {"testimony": "T1", "reasons": "r"}).status_code == 409
    see_all()
    assert not Assessment.objects.filter(item=account).exists()


def test_the_page_says_the_rule_and_what_is_missing(office, saved):
    vera = office("vera")
    third = text_of(vera.get(f"/watch/incidents/{saved('$I3').ref}/known/"))
    assert "V2: at least one" in third and "one origin for 2 items" in third
    assert "All that supports it goes back to 1 root" in third and "go back to 1 root(s)" in third
    first = text_of(vera.get(f"/watch/incidents/{saved('$I1').ref}/known/"))
    assert "V3a: a primary testimony" in first and "a third independent root" in first


def test_a_contrary_item_is_weighed_with_reasons_and_only_then_the_cap_falls(office, saved):
    incident, lena = saved("$I9"), office("lena")
    contrary = incident.items.get(contrary=True)
    page = f"/watch/incidents/{incident.ref}/known/"
    assert "caps it at V2 until" in text_of(lena.get(page)) and incident.level == "V2"
    assert lena.post(f"/watch/items/{contrary.ref}/weigh/", {"outcome": "outweighed", "how": ""}).status_code == 422
    press(lena, f"/watch/items/{contrary.ref}/weigh/", outcome="stands", how="It is dated after the fact.")
    incident.refresh_from_db()
    assert incident.level == "V2"
    told, report = text_of(lena.get(page)), text_of(lena.get(f"/watch/incidents/{incident.ref}/"))
    assert (
        "It was weighed and stands, so the cap at V2 remains" in told and "weighs it anew with another outcome" in told
    )
    for words in ("until a verification lead records", "that the contrary item be weighed", "not yet weighed"):
        assert words not in told + report
    assert "no weighing has ended that" in report
    press(lena, f"/watch/items/{contrary.ref}/weigh/", outcome="outweighed", how="canaryhow: two saw it.")
    incident.refresh_from_db()
    assert incident.level == "V3a" and Weighing.objects.count() == 2 and not rows_holding("canaryhow")


def test_another_organisation_dissents_beside_the_level_and_never_over_it(office, saved):
    incident, expert = saved("$I1"), office("expert1")
    before = (incident.level, incident.status)
    press(expert, f"/watch/incidents/{incident.ref}/opinion/", level="V2", reasons="canarydissent")
    incident.refresh_from_db()
    opinion = Opinion.objects.get()
    assert (incident.level, incident.status) == before and (opinion.stance, opinion.level_then) == ("dissents", "V3a")
    assert "Panel of Experts" in text_of(office("vera").get(f"/watch/incidents/{incident.ref}/known/"))
    own = press(office("vera"), f"/watch/incidents/{incident.ref}/opinion/", 409, level="V2", reasons="r")
    assert "An opinion" in text_of(own) and not rows_holding("canarydissent")


def test_a_late_verification_makes_another_version_of_a_period_and_leaves_the_first(office, saved):
    situation, incident, sami, lena = saved("$zandria"), saved("$I9"), office("sami"), office("lena")
    first, last = incident.on - timedelta(days=400), clock.today() - timedelta(days=1)
    url = f"/watch/{situation.ref}/periods/"
    press(sami, url, first=first.isoformat(), last=last.isoformat())
    press(sami, url, 409, first=first.isoformat(), last=last.isoformat())
    press(sami, url, 409, first=last.isoformat(), last=clock.today().isoformat())
    one = PeriodCount.objects.get()
    contrary = incident.items.get(contrary=True)
    press(lena, f"/watch/items/{contrary.ref}/weigh/", outcome="outweighed", how="Two saw it.")
    two = PeriodCount.objects.get(version=2)
    one.refresh_from_db()
    assert two.reason == "verified_later" and two.because_of == incident.ref
    assert two.counts["verified_incidents"] == one.counts["verified_incidents"] + 1
    assert two.counts["verified_victims"] == one.counts["verified_victims"] + incident.victims
    assert "restated: verified after the period was counted" in text_of(sami.get(url))
    with in_an_act(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE monitoring_periodcount SET counts = '{}'")


def test_two_reports_that_cite_a_third_filed_elsewhere_have_one_root(office, saved):
    """R-VER-1 across incidents: the third is in another incident, and each cites it through an item of its own there."""
    from answerable.alliance.models import Person
    from answerable.monitoring import actions, as_facts, rules

    see_all()
    sami, home, away = Person.objects.get(handle="sami"), saved("$I4"), saved("$I2")

    def add(where, **more):
        return actions.add_item(where, kind="document", reliability="A", credibility=1, by=sami, **more)

    root = add(away)
    left, right = add(away, parents=[root]), add(away, parents=[root])
    a, b = add(home, primary=True, parents=[left]), add(home, parents=[right])
    (facts,) = as_facts.incident_facts([Incident.objects.get(pk=home.pk)])
    roots = rules.root_sets(facts.items)
    assert roots[a.ref] == roots[b.ref] == {root.ref}
    home.refresh_from_db()
    assert home.level == "V1", "it was concluded before they came"
    actions.verify_incident(home, by=Person.objects.get(handle="vera"))
    see_all()
    home.refresh_from_db()
    assert home.level == "V2"


def test_everything_withdrawn_takes_files_and_reasons_with_it(office, saved, account, quarantine):
    from answerable.vault.consent import queries as consents

    vera = office("vera")
    press(vera, f"/watch/items/{account.ref}/evidence/take/", file=upload(picture()), why="verification")
    press(vera, f"/watch/items/{account.ref}/assess/", testimony="T2", reasons="r")
    file, assessment = EvidenceFile.objects.get(item=account), Assessment.objects.get(item=account)
    assert {file.ref, assessment.ref} <= set(consents.parts_of(account.ref))
    from answerable.common.hooks import question

    see_all()
    with in_an_act():
        question("clear_details").ask(file.ref)
    file.refresh_from_db()
    assert not (quarantine / file.stored).exists() and bytes(file.name) == b""


def test_the_sweep_of_quarantine_leaves_evidence_and_redactions_alone(taken, quarantine):
    import os

    from answerable.channel import quarantine as sweep

    vera, file = taken()
    press(vera, f"/watch/evidence/{file.ref}/redact/", boxes="1 10 10 10 10", why="safety")
    (quarantine / ("0" * 32)).write_bytes(b"nobody's")
    for path in quarantine.iterdir():
        os.utime(path, (0, 0))
    sweep.owed()
    assert {p.name for p in quarantine.iterdir()} == {file.stored, Redaction.objects.get().stored}
