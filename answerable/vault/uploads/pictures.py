"""Where a JPEG or PNG ends, and whether it holds pixels and nothing else. Structure only; nothing is decoded."""

from __future__ import annotations

import re
import struct

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
# In a JPEG's compressed data FF is followed by 00, by a restart marker or by another FF; any other byte is a marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def end_of(kind: str, data: bytes) -> int | None:
    """The position behind a picture's own end; None when it has none (cut off, or malformed)."""
    if kind == "png":
        chunks = png_chunks(data)
        return chunks[-1][1] if chunks and chunks[-1][0] == b"IEND" else None
    segments = jpeg_segments(data)
    return segments[-1][1] if segments and segments[-1][0] == 0xD9 else None


def png_chunks(data: bytes) -> list[tuple[bytes, int]]:
    """(type, position behind it) of each chunk up to IEND, or up to where the file stops making sense."""
    chunks: list[tuple[bytes, int]] = []
    at = len(PNG)
    while data.startswith(PNG) and at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            break
        chunks.append((name, at))
        if name == b"IEND":
            break
    return chunks


def jpeg_segments(data: bytes) -> list[tuple[int, int]]:
    """(marker, position behind it) of each segment up to the first EOI, or up to where the file stops making sense."""
    segments: list[tuple[int, int]] = []
    at = len(JPEG)
    while data.startswith(JPEG) and at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        at += 2
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            continue
        if marker == 0xD9:
            segments.append((marker, at))
            break
        if at + 2 > len(data):
            break
        at += int.from_bytes(data[at : at + 2], "big")
        if marker == 0xDA:
            following = _MARKER.search(data, at)
            if not following:
                break
            at = following.start()
        segments.append((marker, at))
    return segments


# What carries pixels: tables, frame, scans; APP0 is the bare JFIF header. No EXIF, ICC, XMP, IPTC or comment.
_PIXELS_JPEG = {0xE0, 0xDB, 0xC0, 0xC2, 0xC4, 0xDA, 0xDD, 0xD9}
_PIXELS_PNG = {b"IHDR", b"IDAT", b"IEND"}


def holds_only_pixels(data: bytes) -> bool:
    """Whether a page is one whole JPEG or PNG, with no room left in it for anything but its pixels."""
    if data.startswith(PNG):
        chunks = png_chunks(data)
        return end_of("png", data) == len(data) and {name for name, _ in chunks} == _PIXELS_PNG
    markers = [marker for marker, _ in jpeg_segments(data)]
    jfif = markers.count(0xE0) == 1 and data[2:4] == b"\xff\xe0" and data[4:6] == b"\x00\x10"
    return end_of("jpeg", data) == len(data) and set(markers) <= _PIXELS_JPEG and (jfif or 0xE0 not in markers)
