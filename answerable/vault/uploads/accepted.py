"""Which files are taken, told apart by their first bytes. Our own short table; a name or a content type proves nothing.

Source: security design §2.11; the figures are in tables/accepted.csv.
"""

from __future__ import annotations

import csv
import re
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from answerable.vault.uploads.sentences import UploadRefused, _

# How much of the beginning tells what a file is. PDF readers look this far for a header, browsers for HTML.
HEAD = 1024
# A ZIP reader looks for the archive's directory this far from the end: 22 bytes and a comment of up to 65,535.
TAIL = 22 + 65535


@dataclass(frozen=True)
class Kind:
    """One accepted kind of file and its limits. `derivative` is picture, pages, text or none."""

    code: str
    label: str
    extensions: frozenset[str]
    types: frozenset[str]
    max_bytes: int
    max_pixels: int
    max_pages: int
    derivative: str


@cache
def kinds() -> Mapping[str, Kind]:
    """The accepted kinds by code, in the table's order."""
    with (Path(__file__).parent / "tables" / "accepted.csv").open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return MappingProxyType(
        {
            r["kind"]: Kind(
                r["kind"],
                r["label"],
                frozenset(r["extensions"].split()),
                frozenset(r["types"].split()),
                int(r["max_bytes"]),
                int(r["max_pixels"]),
                int(r["max_pages"]),
                r["derivative"],
            )
            for r in rows
        }
    )


# Taken from staff as evidence only, where the caller says so: it is kept sealed and checked, and no copy of it is shown.
WEB_ARCHIVE = Kind(
    "wacz", "web archive (WACZ)", frozenset({"wacz"}), frozenset({"application/wacz"}), 104857600, 0, 0, "none"
)

# What each kind that is often sent and not taken is told. The key is what `kind_of_bytes` finds, or an extension.
REFUSALS = {
    "heic": _(
        "HEIC and AVIF pictures cannot be taken yet. Set the telephone's camera to “most compatible”, or send the "
        "picture as JPEG or PNG; a screenshot of it also works."
    ),
    "svg": _("SVG drawings can carry programs and are not taken. Send a screenshot of the drawing as PNG."),
    "html": _("Web pages can carry programs and are not taken. Print the page to PDF, or send a screenshot as PNG."),
    "archive": _("Archives such as ZIP are not taken. Unpack it and send the files one at a time."),
    "office": _("Office documents can carry programs and are not taken. Save the document as PDF and send that."),
    "picture": _("This kind of picture is not taken. Save it as JPEG or PNG, or send a screenshot of it."),
    "recording": _("This kind of recording is not taken. Save it as MP3, M4A, WAV or MP4 and send that."),
    "program": _("Programs are not taken. Send a picture, a PDF, plain text or a recording."),
    "unknown": _(
        "What is in this file was not recognised. JPEG and PNG pictures, PDF, plain text in UTF-8, and MP3, M4A, WAV "
        "and MP4 recordings are taken."
    ),
    "empty": _("The file is empty. Choose the file again; if it is still empty, the copy on the telephone is damaged."),
}

_NOT_TAKEN = {
    "heic": "heic heif heics avif",
    "svg": "svg svgz",
    "html": "html htm xhtml xht mht mhtml xml hta shtml",
    "archive": "zip rar 7z tar gz tgz bz2 xz zst jar apk cab iso",
    "office": "doc docx docm dot dotx xls xlsx xlsm ppt pptx pptm odt ods odp rtf pages numbers key",
    "picture": "gif webp bmp tif tiff ico psd jp2 jxl raw dng cr2 nef",
    "recording": "mov avi mkv webm 3gp 3g2 ogg oga opus flac amr aac wma wmv aiff",
    "program": "exe dll com bat cmd ps1 sh js jse vbs vbe wsf scr msi lnk py php",
}
_REFUSED_EXTENSIONS = {e: reason for reason, extensions in _NOT_TAKEN.items() for e in extensions.split()}

# (first bytes, what they are). Order matters only where one is the beginning of another.
_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"%PDF-", "pdf"),
    (b"ID3", "mp3"),
    (b"PK\x03\x04", "archive"),
    (b"PK\x05\x06", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\x00", "archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (b"{\\rtf", "office"),
    (b"GIF8", "picture"),
    (b"II*\x00", "picture"),
    (b"MM\x00*", "picture"),
    (b"\x00\x00\x01\x00", "picture"),
    (b"OggS", "recording"),
    (b"fLaC", "recording"),
    (b"#!AMR", "recording"),
    (b"\x1aE\xdf\xa3", "recording"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"#!", "program"),
    (b"%!PS", "program"),
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
_HTML = re.compile(
    rb"<\s*(!doctype|html|head|body|title|script|iframe|frameset|svg|img|object|embed|meta|link|style|base|form"
    rb"|a\s+href|\?php|\?xml|!entity)",
    re.I,
)
# A PDF may rightly hold XML early on, a form's scripts included; a whole page it has no reason to begin with.
_HTML_IN_PDF = re.compile(rb"<\s*(!doctype\s+html|html|iframe|svg)", re.I)
_EMBEDDED = re.compile(
    rb"PK\x03\x04[\x0a-\x3f]\x00|PK\x05\x06|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|%PDF-\d|\x7fELF|<\s*(!doctype|html|script"
    rb"|iframe|svg|body|\?php)",
    re.I,
)


def _is_mp3_frame(head: bytes) -> bool:
    """An MPEG audio frame header: layer III, with a version, rate and frequency that exist."""
    return (
        len(head) >= 4
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] & 0xF0 not in (0x00, 0xF0)
        and head[2] & 0x0C != 0x0C
    )


def kind_of_bytes(head: bytes) -> str:
    """What the first HEAD bytes are: a code of the accepted kinds, or a key of REFUSALS."""
    if not head:
        return "empty"
    for start, what in _SIGNATURES:
        if head.startswith(start):
            return what
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _HEIC_BRANDS:
            return "heic"
        if brand == b"qt  ":
            return "recording"
        return "m4a" if brand in (b"M4A ", b"M4B ") else "mp4"
    if head[:4] == b"RIFF":
        return {b"WAVE": "wav", b"WEBP": "picture", b"AVI ": "recording"}.get(head[8:12], "unknown")
    if _is_mp3_frame(head):
        return "mp3"
    if b"%PDF-" in head:
        return "unknown"  # a PDF behind something else: two files in one
    if markup := _HTML.search(head):
        return "svg" if markup[1].lower() == b"svg" or b"<svg" in head.lower() else "html"
    return "text" if _is_text(head) else "unknown"


def _is_text(head: bytes) -> bool:
    """UTF-8 without NUL, allowing for a character cut at the end of the head."""
    for cut in range(4):
        try:
            return "\x00" not in head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return False


def extension(name: str) -> str:
    """What follows the last dot of a cleaned name, in lower case; empty when there is none."""
    stem, dot, last = name.rpartition(".")
    return last.lower() if dot and stem and last.isalnum() and len(last) <= 8 else ""


def declared_kind(name: str, content_type: str) -> str | None:
    """The kind a cleaned name and a content type claim; None when they claim nothing. Raises UploadRefused when they
    claim a kind that is not taken.
    """
    ending = extension(name)
    if reason := _REFUSED_EXTENSIONS.get(ending):
        raise UploadRefused(REFUSALS[reason], reason=reason)
    if ending:
        by_name = next((k.code for k in kinds().values() if ending in k.extensions), None)
        if by_name is None:
            raise UploadRefused(REFUSALS["unknown"], reason="unknown")
        return by_name
    plain_type = content_type.split(";")[0].strip().lower()
    return next((k.code for k in kinds().values() if plain_type in k.types), None)


# The same box format serves both, and telephones disagree about which of the two a sound recording is.
_SAME_BOXES = {"m4a", "mp4"}


def recognise(head: bytes, name: str, content_type: str, *, web_archives: bool = False) -> Kind:
    """The kind, where first bytes, name and content type agree. Raises UploadRefused where they do not, or where the
    kind is not taken. `web_archives`: whether a WACZ is taken here as well.
    """
    if web_archives and extension(name) == WEB_ARCHIVE.code and head.startswith(b"PK\x03\x04"):
        return WEB_ARCHIVE
    declared, found = declared_kind(name, content_type), kind_of_bytes(head)
    if found in REFUSALS:
        raise UploadRefused(REFUSALS[found], reason=found)
    if declared is None or declared == found:
        return kinds()[found]
    if {declared, found} <= _SAME_BOXES:
        return kinds()[declared]
    raise UploadRefused(
        _(
            "The file's name or type says %(declared)s, but what is in it is %(found)s. If you know it to be "
            "%(found)s, give its name that ending and send it again."
        ),
        reason="mismatch",
        figures={"declared": kinds()[declared].label, "found": kinds()[found].label},
    )


def two_in_one(kind: Kind, head: bytes, tail: bytes, behind: bytes) -> bool:
    """Whether a file is another kind of file as well: what one reader takes for a picture, another runs.

    `head` and `tail` are its first HEAD and last TAIL bytes, `behind` what follows a picture's own end. A second
    picture or a short film there is left alone, because telephones put them there.
    """
    if kind is WEB_ARCHIVE:
        return False  # an archive by its nature; it is never opened but in the closed room
    if _ends_as_archive(tail) or _EMBEDDED.search(behind) or behind.startswith((b"\x1f\x8b", b"MZ")):
        return True
    if kind.code == "pdf":
        return bool(_HTML_IN_PDF.search(head))
    return b"%PDF-" in head or b"Rar!\x1a\x07" in head or b"7z\xbc\xaf\x27\x1c" in head


def _ends_as_archive(tail: bytes) -> bool:
    """Whether a ZIP directory's end record stands in the tail, with figures a reader would believe."""
    at = tail.find(b"PK\x05\x06")
    while at >= 0:
        if len(tail) >= at + 22:
            disk, first, here, whole, _size, _offset, comment = struct.unpack_from("<HHHHIIH", tail, at + 4)
            if disk == first == 0 and here == whole and at + 22 + comment <= len(tail):
                return True
        at = tail.find(b"PK\x05\x06", at + 1)
    return False


def clean_name(name: str, *, longest: int = 120) -> str:
    """A file's own name made harmless, to be sealed and shown, never used on disk.

    The last part of a path, composed (NFC), without control characters, without what turns writing round, and without
    what a shell or a path gives a meaning to; at most `longest` characters, the ending kept.
    """
    last = unicodedata.normalize("NFC", name.replace("\\", "/").replace("\x00", "").rstrip("/").rpartition("/")[2])
    kept = "".join(c if unicodedata.category(c)[0] != "Z" else " " for c in last if unicodedata.category(c)[0] != "C")
    kept = " ".join(re.sub(r"[<>:\"|?*;&$`'%=]", "_", kept).split()).strip(". ")
    if len(kept) > longest:
        ending = extension(kept)
        kept = kept[: longest - len(ending) - 2].rstrip(". ") + ("…." + ending if ending else "…")
    return kept or "file"
