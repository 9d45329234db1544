"""Derivatives: what an honest file gives, and that a converter taken over by its file is not believed."""

from __future__ import annotations

import io
import logging
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from answerable.vault.uploads import derivative, pictures
from answerable.vault.uploads.accepted import kinds
from answerable.vault.uploads.sentences import CannotShow

pytestmark = pytest.mark.slow


def picture(as_format, size=(60, 40), mode="RGB", **options):
    target = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(target, as_format, **options)
    return target.getvalue()


def pdf_of(count, size=(60, 40)):
    target = io.BytesIO()
    pages = [Image.new("RGB", size, (index, 0, 255)) for index in range(count)]
    pages[0].save(target, "PDF", save_all=True, append_images=pages[1:], resolution=72)
    return target.getvalue()


def frames(*pairs):
    return b"".join(tag + struct.pack(">I", len(content)) + content for tag, content in pairs)


def instead(monkeypatch, program):
    """Let another program stand where the converter does: one that was taken over, or hangs."""
    monkeypatch.setattr(derivative, "command", lambda limits: [sys.executable, "-I", "-c", program])


def saying(monkeypatch, *pairs):
    instead(monkeypatch, f"import os, sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({frames(*pairs)!r})")


def reason_of(kind, plain, **options):
    with pytest.raises(CannotShow) as why:
        derivative.convert(kind, plain, **options)
    assert str(why.value).endswith(".") and "original" in str(why.value).lower()
    return why.value.reason


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA", "LA", "CMYK", "I;16"])
def test_pictures_of_every_mode_are_shown(mode):
    as_format = "JPEG" if mode == "CMYK" else "PNG"
    shown = derivative.convert(as_format.lower(), picture(as_format, mode=mode))
    again = Image.open(io.BytesIO(shown.pages[0]))
    assert again.size == (60, 40) and again.mode in ("RGB", "L") and shown.mime == f"image/{as_format.lower()}"
    assert (
        shown.note == ""
        and shown.text == ""
        and shown.sandbox in ("namespaces+filter", "namespaces", "filter", "limits")
    )


def test_sixteen_bit_greys_keep_their_lightness():
    dark_to_light = Image.new("I;16", (2, 1))
    dark_to_light.putpixel((0, 0), 0x2000)
    dark_to_light.putpixel((1, 0), 0xE000)
    target = io.BytesIO()
    dark_to_light.save(target, "PNG")
    again = Image.open(io.BytesIO(derivative.convert("png", target.getvalue()).pages[0]))
    assert (again.getpixel((0, 0)), again.getpixel((1, 0))) == (0x20, 0xE0)


def test_what_transparency_hid_is_gone():
    hidden = Image.new("RGBA", (4, 4), (200, 10, 10, 0))
    target = io.BytesIO()
    hidden.save(target, "PNG")
    again = Image.open(io.BytesIO(derivative.convert("png", target.getvalue()).pages[0]))
    assert again.mode == "RGB" and again.getcolors() == [(16, (255, 255, 255))]


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_orientation_is_applied_once(turn):
    upright = Image.new("L", (48, 32))
    upright.paste(255, (0, 0, 16, 16))
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[turn]  # what undoes that turn, as Pillow numbers them
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    metadata, target = Image.Exif(), io.BytesIO()
    metadata[0x0112] = turn
    stored.save(target, "JPEG", exif=metadata, quality=95)
    again = Image.open(io.BytesIO(derivative.convert("jpeg", target.getvalue()).pages[0]))
    assert again.size == (48, 32) and not again.getexif()
    assert again.getpixel((8, 8)) > 240 and max(again.getpixel(p) for p in ((40, 8), (8, 26), (40, 26))) < 15


def test_a_large_photograph_is_shown_smaller_and_says_so():
    shown = derivative.convert("jpeg", picture("JPEG", size=(8160, 6120)))
    assert Image.open(io.BytesIO(shown.pages[0])).size == (4096, 3072)
    assert shown.note == "The picture is shown smaller than the original."


def test_the_largest_picture_accepted_fits_the_memory_limit():
    for mode in ("RGBA", "P", "LA", "I;16"):
        shown = derivative.convert("png", picture("PNG", size=(8000, 8000), mode=mode, compress_level=1))
        assert Image.open(io.BytesIO(shown.pages[0])).size == (4096, 4096)


def test_a_pdf_is_shown_page_by_page():
    shown = derivative.convert("pdf", pdf_of(3, size=(595, 842)))
    sizes = [Image.open(io.BytesIO(page)).size for page in shown.pages]
    assert shown.mime == "image/jpeg" and sizes == [(910, 1287)] * 3 and shown.note == ""
    assert [Image.open(io.BytesIO(p)).getpixel((400, 400))[2] > 240 for p in shown.pages] == [True] * 3


def test_a_long_pdf_shows_its_first_pages_and_says_so():
    shown = derivative.convert("pdf", pdf_of(63))
    assert len(shown.pages) == 60 and shown.note == "Only the first 60 of 63 pages are shown."
    assert shown.note_sentence.count("%(") == 2 and shown.note_figures == {"shown": 60, "all": 63}


@pytest.mark.parametrize(
    ("plain", "shown"),
    [
        (b"Noor <b>said</b> & 'left'", "Noor &lt;b&gt;said&lt;/b&gt; &amp; &#x27;left&#x27;"),
        (b"one\r\ntwo\rthree\ttab\x0bend", "one\ntwo\nthree\ttab\nend"),
        ("\ufeffcafe\u0301".encode(), "caf\u00e9"),
        ("a\u202eb\u2066c\x1b[31m\x7f\x85".encode(), "abc[31m\n"),
        ("ما رأيته، їжак".encode(), "ما رأيته، їжак"),
    ],
)
def test_text_is_shown_escaped_and_plain(plain, shown):
    found = derivative.convert("text", plain)
    assert (found.text, found.pages, found.mime) == (shown, [], "text/plain")


def test_long_text_is_cut_and_says_so():
    found = derivative.convert("text", b"x" * 600_000)
    assert len(found.text) == 500_000 and found.note == "Only the first 500000 characters are shown."


@pytest.mark.parametrize("kind", ["mp3", "m4a", "wav", "mp4"])
def test_sound_and_video_say_that_they_are_kept_and_not_shown(kind):
    assert reason_of(kind, b"anything") == "sound"


def test_a_stream_serves_as_well_as_bytes():
    assert derivative.convert("png", io.BytesIO(picture("PNG"))).pages


# What a converter may say once its file has taken it over
ROOM, DONE = (b"room", b"filter"), (b"done", b"")
PNG, JPEG = picture("PNG"), picture("JPEG")


def test_an_honest_row_of_frames_is_believed(monkeypatch):
    saying(monkeypatch, ROOM, (b"page", PNG), DONE)
    assert derivative.convert("png", b"").pages == [PNG]


@pytest.mark.parametrize(
    "page",
    [b"<html><script>alert(1)</script>", b"", b"GIF89a", PNG + b"<script>", JPEG + b"PK\x03\x04", PNG[:-4],
     picture("JPEG", comment=b"hidden"), picture("JPEG", icc_profile=b"hidden"), picture("PNG", icc_profile=b"hidden"),
     picture("JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"), pictures.PNG + b"\0\0\0\0IEND\xaeB`\x82",
     PNG[:33] + struct.pack(">I", 6) + b"tEXta\0<svg" + struct.pack(">I", zlib.crc32(b"tEXta\0<svg")) + PNG[33:]],
)  # fmt: skip
def test_a_page_that_is_more_than_pixels_is_not_believed(monkeypatch, page):
    saying(monkeypatch, ROOM, (b"page", page), DONE)
    assert reason_of("png", b"") == "unreadable"


@pytest.mark.parametrize(
    "pairs",
    [
        [ROOM, (b"page", PNG)],  # never said that it ended
        [ROOM, DONE],  # nothing to show
        [ROOM, (b"page", PNG), (b"page", PNG), DONE],  # more than one page of a picture
        [ROOM, (b"text", b"words"), DONE],  # a text where a picture was asked for
        [(b"page", PNG), DONE],  # never said what shuts it in
        [ROOM, (b"fail", b"<script>"), DONE],
        [],
    ],
)
def test_a_row_of_frames_that_is_not_whole_shows_nothing(monkeypatch, pairs):
    saying(monkeypatch, *pairs)
    assert reason_of("png", b"") in ("large", "unreadable", "room")


def test_the_converters_words_are_looked_up_and_never_shown(monkeypatch):
    saying(monkeypatch, ROOM, (b"note", b"<script> 9"), (b"note", b"pages 1 9e9"), (b"page", PNG), DONE)
    assert derivative.convert("png", b"").note == ""
    saying(monkeypatch, ROOM, (b"text", b"<img onerror=x>\x1b\xe2\x80\xae"), DONE)
    assert derivative.convert("text", b"").text == "&lt;img onerror=x&gt;"


def test_a_converter_that_hangs_is_ended_with_everything_it_started(monkeypatch, tmp_path):
    instead(monkeypatch, "import os, time\nif os.fork() == 0: time.sleep(61)\ntime.sleep(61)")
    began = time.monotonic()
    assert reason_of("png", PNG, wall_seconds=0.7) == "time"
    assert time.monotonic() - began < 5 and not processes_with("time.sleep(61)")


def processes_with(words):
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


def test_a_source_that_never_ends_its_reading_is_ended_too(monkeypatch):
    opened, wait = os.pipe()
    with os.fdopen(opened, "rb", buffering=0) as stalled, os.fdopen(wait, "wb", buffering=0) as ours:
        ours.write(PNG[:20])
        assert reason_of("png", stalled, wall_seconds=1.0) == "time"


def test_a_flood_of_output_is_cut_off(monkeypatch):
    monkeypatch.setattr(derivative, "MAX_OUTPUT", 1 << 20)
    instead(monkeypatch, "import os\nwhile True: os.write(1, bytes(65536))")
    assert reason_of("png", PNG) == "large"


def test_more_than_the_accepted_bytes_are_not_read():
    assert reason_of("text", b"x" * (kinds()["text"].max_bytes + 1)) == "large"


def test_a_converter_that_does_not_start_is_said_so(monkeypatch):
    monkeypatch.setattr(derivative, "command", lambda limits: ["/nonexistent/python"])
    assert reason_of("png", PNG) == "room"


def test_the_converter_is_given_no_environment_and_no_open_file(monkeypatch, tmp_path):
    """What it has before it shuts itself in: three pipes, no variable, the root."""
    monkeypatch.setenv("ANSWERABLE_VAULT_KEY", "the key")
    seen = tmp_path / "seen"
    with (tmp_path / "secret").open("w") as inherited:
        os.set_inheritable(inherited.fileno(), True)
        looks = "(dict(os.environ), sorted(os.listdir('/proc/self/fd')), os.getcwd())"
        instead(monkeypatch, f"import os; found = repr({looks}); open({str(seen)!r}, 'w').write(found)")
        reason_of("png", PNG)
    environment, open_files, folder = eval(seen.read_text())
    # LC_CTYPE is set by Python itself when there is none.
    assert set(environment) <= {"LC_CTYPE"} and folder == "/"
    assert open_files[:3] == ["0", "1", "2"] and len(open_files) == 4  # the fourth is the listing itself


def test_no_more_than_two_converters_run_at_once(monkeypatch):
    instead(monkeypatch, "import time; time.sleep(62)")
    at_once, stop = [], threading.Event()

    def count():
        while not stop.wait(0.05):
            at_once.append(len(processes_with("time.sleep(62)")))

    threads = [threading.Thread(target=reason_of, args=("png", PNG), kwargs={"wall_seconds": 0.5}) for _ in range(5)]
    counter = threading.Thread(target=count)
    for thread in [counter, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    counter.join()
    assert max(at_once) == derivative.AT_ONCE


FALLEN_BACK = """
from answerable.vault.uploads import converter, sandbox
sandbox._own_namespaces = lambda: False
{more}
raise SystemExit(converter.main(["png", "99999", "99999", "1"]))
"""


@pytest.mark.parametrize(
    ("more", "room"), [("", "filter"), ("sandbox._filter = lambda: False", "limits")], ids=["filter", "limits"]
)
def test_a_host_that_forbids_namespaces_is_recorded_and_warned_of(monkeypatch, caplog, more, room):
    instead(monkeypatch, FALLEN_BACK.format(more=more))
    with caplog.at_level(logging.WARNING):
        shown = derivative.convert("png", PNG)
    assert shown.sandbox == room and shown.pages
    assert f"({room})" in caplog.text and "user namespaces" in caplog.text


def test_nothing_is_opened_where_not_even_limits_can_be_set(monkeypatch):
    more = "def refuse(): raise OSError(1, 'no')\nsandbox._limit = refuse"
    instead(monkeypatch, FALLEN_BACK.format(more=more))
    assert reason_of("png", PNG) == "room"


@pytest.mark.parametrize(("mime", "ending"), [("image/jpeg", ".jpg"), ("image/png", ".png"), ("text/plain", ".txt")])
def test_derivatives_are_served_so_that_nothing_in_them_can_run(mime, ending):
    headers, others = derivative.headers_for_derivative(mime), derivative.headers_for_derivative(mime)
    assert (
        headers["Content-Security-Policy"].startswith("sandbox;") and "allow" not in headers["Content-Security-Policy"]
    )
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    assert headers["Content-Type"].split(";")[0] == mime
    disposition = headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=") and disposition.endswith(f'{ending}"')
    assert disposition != others["Content-Disposition"]


def test_no_other_type_is_served():
    with pytest.raises(KeyError):
        derivative.headers_for_derivative("text/html")


def test_every_failure_is_whole_sentences_that_name_the_original():
    for sentence in derivative.FAILURES.values():
        assert sentence[0].isupper() and sentence.endswith(".") and "%" not in sentence
        assert "original" in sentence or "sealed" in sentence
