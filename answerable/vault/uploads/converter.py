"""The converter: one process for one file, which it turns into pictures of itself and nothing else.

    python -I -m answerable.vault.uploads.converter KIND MAX_BYTES MAX_PIXELS MAX_PAGES [BOXES]  < plain bytes  > frames

Started by derivative.convert, never by a person. It holds no key, reads no file and has no network: it shuts itself in
(sandbox.py) before it reads a byte. What it writes is a row of frames: four letters, the length as four bytes
(big-endian), the content. `room` says what shuts it in; `page` is a PNG or JPEG, `text` UTF-8, `note` a code
and its figures, `fail` a code, `done` the end. Its reader believes none of it (derivative.py). BOXES are regions to
destroy: `page,left,top,width,height` in thousandths of the page, separated by semicolons.
"""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, JpegImagePlugin, PngImagePlugin

from answerable.vault.uploads import sandbox

PDF_DPI = 110
# The longest side of what is shown, in pixels: an A4 page scanned at 300 dpi fits.
LONGEST_SIDE = 4096
LONGEST_PAGE_SIDE = 3000
LONGEST_TEXT = 500_000
JPEG_QUALITY = 88
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unreadable(Exception):
    """Why no derivative is made: a code that derivative.FAILURES puts into words."""


class Box(NamedTuple):
    """A region of a page to destroy, in thousandths of its width and height; pages count from 1."""

    page: int
    left: int
    top: int
    width: int
    height: int


# How much wider than asked a region is destroyed, in pixels: scaling and the colour planes of a JPEG smear that far.
SMEAR = 4


def spelled(boxes: Sequence[Box]) -> str:
    """Boxes as the converter's last argument."""
    return ";".join(",".join(map(str, b)) for b in boxes)


def read_boxes(argument: str) -> list[Box]:
    """The boxes of an argument. Raises ValueError."""
    return [Box(*map(int, b.split(","))) for b in argument.split(";") if b]


def destroyed(picture: Image.Image, boxes: Sequence[Box], page: int) -> Image.Image:
    """The picture with each region of this page painted over: its pixels are gone before anything is encoded."""
    pen = ImageDraw.Draw(picture) if any(b.page == page for b in boxes) else None
    for b in boxes:
        if pen is not None and b.page == page:
            width, height = picture.size
            left, top = b.left * width // 1000 - SMEAR, b.top * height // 1000 - SMEAR
            right, bottom = -(-(b.left + b.width) * width // 1000), -(-(b.top + b.height) * height // 1000)
            pen.rectangle((left, top, right + SMEAR, bottom + SMEAR), fill="black")
    return picture


def frame(tag: bytes, content: bytes = b"") -> bytes:
    """One frame of the output."""
    return tag + struct.pack(">I", len(content)) + content


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _read_all(most: int) -> bytes:
    parts, size = [], 0
    while part := os.read(0, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > most:
            raise Unreadable("large")
    return b"".join(parts)


def encoded(picture: Image.Image, as_format: str) -> bytes:
    """The pixels alone, in a fresh picture that has never held metadata."""
    clean = Image.new(picture.mode, picture.size)
    clean.paste(picture)
    target = io.BytesIO()
    if as_format == "JPEG":
        clean.save(target, "JPEG", quality=JPEG_QUALITY, subsampling=0 if clean.mode == "RGB" else -1)
    else:
        clean.save(target, "PNG", compress_level=6)
    return target.getvalue()


def on_screen(picture: Image.Image) -> Image.Image:
    """Grey, RGB or RGBA, eight bits each."""
    if picture.mode.startswith("I") or picture.mode == "F":
        # Sixteen bits a pixel: keep the high eight, as a screen does.
        shown = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif picture.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in picture.info:
        shown = picture.convert("RGBA")
    else:
        shown = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    return shown


def flattened(picture: Image.Image) -> Image.Image:
    """Transparency on white: nothing stays hidden behind it in the file."""
    if picture.mode != "RGBA":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def picture_page(kind: str, data: bytes, max_pixels: int, boxes: Sequence[Box] = ()) -> bytes:
    """A JPEG or PNG decoded by its own decoder only, upright, small enough to show, encoded again."""
    opener: Any = {"jpeg": JpegImagePlugin.JpegImageFile, "png": PngImagePlugin.PngImageFile}[kind]
    picture = opener(io.BytesIO(data))
    width, height = picture.size
    if width < 1 or height < 1 or width * height > max_pixels:
        raise Unreadable("pixels")
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION))
    except Exception:
        turn = None  # metadata that makes no sense turns nothing
    if kind == "jpeg":
        # The decoder itself halves a large photograph, before it takes memory.
        picture.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
    picture.load()
    shown = on_screen(picture)
    if boxes:
        # At full size and before it is scaled: scaled pixels would mix what lies inside a region with what lies around.
        shown = flattened(shown)
        shown = destroyed(shown.transpose(turn) if turn is not None else shown, boxes, 1)
        turn = None
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    shown = flattened(shown)
    if turn is not None:
        shown = shown.transpose(turn)
    if shown.size not in ((width, height), (height, width)):
        _write(frame(b"note", b"reduced"))
    return encoded(shown, "JPEG" if kind == "jpeg" else "PNG")


def write_pdf_pages(data: bytes, max_pixels: int, max_pages: int, boxes: Sequence[Box] = ()) -> None:
    """Each page of a PDF as a picture. Forms are never initialised: no script, no XFA, no action runs."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise Unreadable("password" if "assword" in str(error) else "unreadable") from None
    count = len(document)
    if count < 1:
        raise Unreadable("unreadable")
    if count > max_pages:
        _write(frame(b"note", b"pages %d %d" % (max_pages, count)))
    for index in range(min(count, max_pages)):
        try:
            page = document[index]
            width, height = page.get_size()
        except pdfium.PdfiumError:
            raise Unreadable("unreadable") from None
        if not (0 < width < 1e6 and 0 < height < 1e6):
            raise Unreadable("page-size")
        scale = min(PDF_DPI / 72, LONGEST_PAGE_SIDE / width, LONGEST_PAGE_SIDE / height)
        # PDFium rounds each side up, to at least one pixel.
        if (width * scale + 1) * (height * scale + 1) > max_pixels:
            raise Unreadable("page-size")
        bitmap = page.render(scale=scale, may_draw_forms=False, draw_annots=True)
        _write(frame(b"page", encoded(destroyed(bitmap.to_pil().convert("RGB"), boxes, index + 1), "JPEG")))
        bitmap.close()
        page.close()


# What turns the direction of writing round, so that a line reads as another than it is.
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def plain_text(data: str) -> str:
    """Text to be read: composed (NFC), lines and tabs kept, no control characters, no turned writing, bounded."""
    text = unicodedata.normalize("NFC", re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", data)).translate(_TURNING)
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn"))


def write_text(data: bytes) -> None:
    """A plain text as `text`, cut at LONGEST_TEXT characters."""
    try:
        text = plain_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("unreadable") from None
    if len(text) > LONGEST_TEXT:
        _write(frame(b"note", b"text %d" % LONGEST_TEXT))
    _write(frame(b"text", text[:LONGEST_TEXT].encode()))


def _warm_up(kind: str) -> None:
    """Have everything loaded that would otherwise be loaded inside, where no file can be opened."""
    Image.MAX_IMAGE_PIXELS = None  # ours is checked before anything is decoded, and refuses where Pillow's warns
    metadata = Image.Exif()
    metadata[_ORIENTATION] = 1
    for as_format, opener in (("JPEG", JpegImagePlugin.JpegImageFile), ("PNG", PngImagePlugin.PngImageFile)):
        target = io.BytesIO()
        Image.new("RGB", (8, 8)).save(target, as_format, exif=metadata)
        picture = opener(io.BytesIO(target.getvalue()))
        picture.getexif().get(_ORIENTATION)
        flattened(on_screen(picture.convert("RGBA")))
        picture.thumbnail((4, 4))
        encoded(destroyed(picture, [Box(1, 0, 0, 500, 500)], 1), as_format)
    plain_text("\ufeff".encode().decode("utf-8-sig"))
    if kind == "pdf":
        import pypdfium2 as pdfium

        document = pdfium.PdfDocument.new()
        document.new_page(72, 72).render(scale=1, may_draw_forms=False).to_pil().convert("RGB")
        document.close()


def main(arguments: list[str]) -> int:
    """Convert one file from standard input. 0 whatever the file is; the frames say how it went."""
    kind, max_bytes, max_pixels, max_pages = arguments[0], *map(int, arguments[1:4])
    boxes = read_boxes(arguments[4]) if len(arguments) > 4 else []
    _warm_up(kind)
    _write(frame(b"room", sandbox.enter().encode()))
    try:
        data = _read_all(max_bytes)
        if kind == "pdf":
            write_pdf_pages(data, max_pixels, max_pages, boxes)
        elif kind == "text":
            write_text(data)
        else:
            _write(frame(b"page", picture_page(kind, data, max_pixels, boxes)))
    except Unreadable as error:
        _write(frame(b"fail", str(error).encode()))
    except MemoryError:
        _write(frame(b"fail", b"large"))
    except Exception:
        # Whatever a decoder stumbles over. Its words may quote the file, so they go nowhere.
        _write(frame(b"fail", b"unreadable"))
    else:
        _write(frame(b"done"))
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Without the interpreter's tidying up, which would run decoders' own ends.
    os._exit(code)
