"""Quarantine: counted, timed, sealed under a one-time key, and nothing left behind by an upload that ends badly."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import subprocess
import sys
import time
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from answerable.vault import uploads
from answerable.vault.primitives import Unopenable
from answerable.vault.uploads import accepted, intake
from answerable.vault.uploads.sentences import UploadRefused

TEXT = "Ce que j'ai vu. Те, що я бачила.\n".encode() * 50


def take(content, folder, name="statement.txt", **options):
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    return intake.receive(source, folder, declared_name=name, **options)


class Pieces(io.RawIOBase):
    """A connection that gives what the generator yields, one piece at a time."""

    def __init__(self, pieces):
        self._pieces, self._rest = iter(pieces), b""

    def read(self, size=-1):
        if not self._rest:
            self._rest = next(self._pieces, b"")
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def test_an_upload_comes_back_as_it_was_and_only_with_its_key(tmp_path):
    received = take(TEXT, tmp_path)
    assert (received.kind, received.size) == ("text", len(TEXT))
    assert intake.read_back(received.path, received.key) == TEXT
    with pytest.raises(Unopenable):
        intake.read_back(received.path, bytes(32))


def test_only_ciphertext_is_ever_on_disk(tmp_path):
    seen = []

    def watch(size, seconds):
        seen.extend(p.read_bytes() for p in tmp_path.iterdir())

    content = b"ID3\x04" + b"the words she spoke " * 40_000
    received = take(content, tmp_path, "a.mp3", watch=watch)
    assert len(seen) > 5
    assert all(b"she spoke" not in part and b"ID3" not in part[:64] for part in [*seen, received.path.read_bytes()])


def test_every_file_has_a_key_a_salt_and_a_name_of_its_own(tmp_path):
    first, second = take(TEXT, tmp_path), take(TEXT, tmp_path)
    assert first.key != second.key and first.salt != second.salt and first.commitment != second.commitment
    assert first.path.name != second.path.name and "statement" not in first.path.name
    assert (first.path.stat().st_mode & 0o777) == 0o600


def test_a_file_put_in_anothers_place_does_not_open(tmp_path):
    first, second = take(TEXT, tmp_path), take(TEXT, tmp_path)
    second.path.write_bytes(first.path.read_bytes())
    with pytest.raises(Unopenable):
        intake.read_back(second.path, first.key)


def test_the_commitment_is_salted_and_can_be_checked(tmp_path):
    received = take(TEXT, tmp_path)
    assert received.commitment == intake.commitment_of(TEXT, received.salt)
    assert received.commitment != intake.commitment_of(TEXT, bytes(32))
    assert received.commitment != hashlib.sha256(TEXT).digest() and len(received.salt) == 32


def test_no_text_of_the_result_holds_the_key_the_salt_or_the_name(tmp_path):
    received = take(TEXT, tmp_path, "Noor at the well.txt")
    assert received.name == "Noor at the well.txt"
    for secret in ("Noor", repr(received.key), repr(received.salt)):
        assert secret not in repr(received) and secret not in str(received)


@pytest.mark.parametrize("over", [0, 1, 100_000])
def test_bytes_are_counted_as_they_come_and_the_limit_is_exact(tmp_path, monkeypatch, over):
    small = replace(accepted.kinds()["mp3"], max_bytes=200_000)
    monkeypatch.setattr(accepted, "kinds", lambda: {"mp3": small})
    content = b"ID3" + bytes(199_997 + over)
    if not over:
        assert take(content, tmp_path, "a.mp3").size == 200_000
        return
    with pytest.raises(UploadRefused, match="larger than") as refusal:
        take(content, tmp_path, "a.mp3")
    assert refusal.value.reason == "too-large" and list(tmp_path.iterdir()) == []


def test_an_endless_upload_is_stopped_at_the_limit_and_not_read_further(tmp_path):
    given = []

    def endless():
        yield b"plain words\n" * 100
        while True:
            given.append(1 << 16)
            yield b"w" * (1 << 16)

    with pytest.raises(UploadRefused, match="larger than the 2 MB"):
        take(Pieces(endless()), tmp_path)
    assert sum(given) <= (2 << 20) + (2 << 16) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "declared"), [("a.mp4", 4 << 30), ("a.txt", 2097153), ("a.txt", 4 << 30)])
def test_what_is_announced_as_too_large_is_refused_at_once(tmp_path, name, declared):
    pieces = Pieces([TEXT if name == "a.txt" else b"\0\0\0\x18ftypisom" + bytes(99)])
    with pytest.raises(UploadRefused, match="larger than"):
        take(pieces, tmp_path, name, declared_size=declared)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("declared", [0, 1, len(TEXT), 10_000])
def test_a_small_announced_size_is_not_believed(tmp_path, declared):
    assert take(TEXT, tmp_path, declared_size=declared).size == len(TEXT)


def test_a_slow_upload_is_stopped_by_the_time_limit(tmp_path):
    def slow():
        for _ in range(1000):
            time.sleep(0.02)
            yield b"word\n"

    began = time.monotonic()
    with pytest.raises(UploadRefused, match="took longer") as refusal:
        take(Pieces(slow()), tmp_path, seconds=0.2)
    assert refusal.value.reason == "slow" and time.monotonic() - began < 2 and list(tmp_path.iterdir()) == []


def test_the_callers_watch_sees_every_piece_and_can_stop_a_stalling_upload(tmp_path):
    class TooLittle(Exception):
        pass

    seen = []

    def watch(size, seconds):
        seen.append(size)
        if seconds > 0.1 and size / seconds < 10_000:
            raise TooLittle

    def stalling():
        yield TEXT
        while True:
            time.sleep(0.05)
            yield b"."

    with pytest.raises(TooLittle):
        take(Pieces(stalling()), tmp_path, watch=watch)
    assert seen == sorted(seen) and len(seen) > 2 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [ConnectionResetError, KeyboardInterrupt, MemoryError])
def test_an_upload_cut_midway_leaves_no_file(tmp_path, fault):
    during = []

    def cut():
        yield b"ID3\x04" + bytes(500_000)
        during.append(len(list(tmp_path.iterdir())))
        raise fault

    with pytest.raises(fault):
        take(Pieces(cut()), tmp_path, "a.mp3")
    assert during == [1], "it was being written when it broke"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file(tmp_path, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        take(TEXT, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_is_swept_and_what_is_complete_stays(tmp_path):
    received = take(TEXT, tmp_path)
    left = tmp_path / ("0" * 32 + ".part")
    left.write_bytes(b"half")
    assert intake.sweep(tmp_path, older_than_s=3600) == 0
    os.utime(left, (0, 0))
    os.utime(received.path, (0, 0))
    assert intake.sweep(tmp_path, older_than_s=3600) == 1
    assert list(tmp_path.iterdir()) == [received.path]
    intake.discard(received.path)
    intake.discard(received.path)
    assert list(tmp_path.iterdir()) == []


def test_one_byte_at_a_time_makes_no_difference(tmp_path):
    received = take(Pieces(bytes([b]) for b in TEXT), tmp_path)
    assert intake.read_back(received.path, received.key) == TEXT
    assert received.commitment == intake.commitment_of(TEXT, received.salt)


BOXES = b"\0\0\0\x18ftyp"


@pytest.mark.parametrize(
    ("head", "name", "content_type", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "a.JPG", "image/jpeg", "jpeg"),
        (b"\xff\xd8\xff\xe1", "a.jpeg", "application/octet-stream", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "a", "image/png", "png"),
        (b"\x89PNG\r\n\x1a\n", "", "", "png"),
        (b"%PDF-1.7\n", "a.b.pdf", "", "pdf"),
        ("Те, що".encode()[:5], "a.txt", "text/plain; charset=utf-8", "text"),
        (b"ID3\x03\x00", "a.mp3", "audio/mpeg", "mp3"),
        (b"\xff\xfb\x90\x64", "a.mp3", "audio/mpeg", "mp3"),
        (BOXES + b"M4A \0\0\0\0", "a.m4a", "audio/x-m4a", "m4a"),
        (BOXES + b"mp42\0\0\0\0", "voice.m4a", "audio/mp4", "m4a"),
        (BOXES + b"isom\0\0\0\0", "a.mp4", "video/mp4", "mp4"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "a.wav", "audio/wav", "wav"),
    ],
)
def test_accepted_kinds_are_told_by_their_first_bytes(head, name, content_type, kind):
    assert accepted.recognise(head, name, content_type).code == kind


@pytest.mark.parametrize(
    ("head", "name", "content_type", "reason"),
    [
        (b"\xff\xd8\xff\xe0", "a.png", "image/jpeg", "mismatch"),
        (b"\xff\xd8\xff\xe0", "a", "image/png", "mismatch"),
        (b"\xff\xd8\xff\xe0", "a.xyz", "", "unknown"),
        (BOXES + b"heic", "a.mp4", "", "heic"),
        (BOXES + b"avif", "", "image/jpeg", "heic"),
        (BOXES + b"qt  ", "a.mp4", "", "recording"),
        (b"RIFF\x10\0\0\0WEBP", "a.png", "", "picture"),
        (b"\xff\xff\xff\xff", "a.mp3", "", "unknown"),
        (b"\xff\xe0\x00\x00", "a.mp3", "", "unknown"),
        (b"OggS", "voice.ogg", "audio/ogg", "recording"),
        (b"hello", "a.mov", "", "recording"),
        (b"", "a.txt", "", "empty"),
    ],
)
def test_other_kinds_and_other_names_are_refused(head, name, content_type, reason):
    with pytest.raises(UploadRefused) as refusal:
        accepted.recognise(head, name, content_type)
    assert refusal.value.reason == reason


def test_every_refusal_says_in_whole_sentences_what_would_help():
    for sentence in accepted.REFUSALS.values():
        assert sentence.endswith(".") and sentence.count(".") >= 2 and sentence[0].isupper()


def test_a_refusal_can_be_said_in_the_readers_language(tmp_path):
    with pytest.raises(UploadRefused) as refusal:
        take(b"\xff\xd8\xff\xe0", tmp_path, "a.png")
    translated = refusal.value.in_words(lambda s: "Nom %(declared)s, contenu %(found)s." if "name" in s else s)
    assert translated == "Nom PNG picture, contenu JPEG picture."


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\Windows\\win.ini", "win.ini"),
        ("C:\\Users\\Noor\\letter.pdf", "letter.pdf"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("a\u2066b\u2069\u200b.txt", "ab.txt"),
        ("photo.jpg\x00.png", "photo.jpg.png"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie_ x.txt"),
        ('a"; rm -rf $HOME; `x`.txt', "a__ rm -rf _HOME_ _x_.txt"),
        ("=cmd|calc.txt", "_cmd_calc.txt"),
        (".htaccess", "htaccess"),
        ("...", "file"),
        ("", "file"),
        ("/", "file"),
        ("ما رأيته.txt", "ما رأيته.txt"),
        ("cafe\u0301.txt", "caf\u00e9.txt"),
    ],
)
def test_names_are_made_harmless(name, clean):
    assert accepted.clean_name(name) == clean


@pytest.mark.parametrize(
    "name", ["n" * 300 + ".jpg", "n" * 300, "é" * 5000 + ".jpeg", "a." * 200 + "pdf", "\u202e" * 300]
)
def test_long_names_are_cut_and_keep_their_ending(name):
    clean = accepted.clean_name(name)
    assert 0 < len(clean) <= 120 and not any(unicodedata.category(c).startswith("C") for c in clean)
    assert accepted.extension(clean) == accepted.extension(name)


@pytest.mark.parametrize("name", ["n" * 300 + ".txt", "\u202etxt.txt", "../../../../tmp/x.txt", "a\x00b.txt"])
def test_no_name_reaches_the_disk(tmp_path, name):
    folder = tmp_path / "quarantine"
    folder.mkdir()
    received = take(TEXT, folder, name)
    assert list(folder.iterdir()) == [received.path] and list(tmp_path.iterdir()) == [folder]
    assert len(received.path.name) == 32 and set(received.path.name) <= set("0123456789abcdef")


def test_the_library_knows_no_framework():
    for path in Path(uploads.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(n.split(".")[0] in ("django", "psycopg", "cedarpy") for n in names), path.name


def test_the_converter_loads_no_key_code():
    """It has no key to lose: nothing it imports can seal or open."""
    code = "import sys, answerable.vault.uploads.converter; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert "answerable.vault.uploads.sandbox" in loaded
    assert not {"nacl", "cryptography", "django", "answerable.vault.seal", "socket"} & set(loaded.split())
