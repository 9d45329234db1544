"""Picture-only derivatives: what staff see of an upload, made by a converter that is not believed either.

The converter (converter.py) may have been taken over by the file it read. So its output is bounded, its pages must be
JPEG or PNG with pixels and nothing else, its text is cleaned and escaped here, and its words are looked up, not shown.
"""

from __future__ import annotations

import contextlib
import html
import io
import logging
import os
import secrets
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, BinaryIO

from answerable.vault.uploads import converter, pictures
from answerable.vault.uploads.accepted import Kind, kinds
from answerable.vault.uploads.sentences import CannotShow, _, filled

WALL_SECONDS = 30.0
MAX_OUTPUT = 128 << 20
# Each may take a gigabyte and a processor: a flood of uploads waits instead of taking the host with it.
AT_ONCE = 2

log = logging.getLogger(__name__)
_turns = threading.BoundedSemaphore(AT_ONCE)

FAILURES = {
    "unreadable": _(
        "The file could not be read as what it says it is; it may be damaged or cut short. The original is kept "
        "sealed; it can be opened on an offline machine, or ask for the file again."
    ),
    "pixels": _(
        "The picture has more pixels than can be shown safely. The original is kept sealed; ask for a smaller copy or "
        "a screenshot."
    ),
    "large": _(
        "The file needs more memory than a safe copy may take. The original is kept sealed; ask for a smaller copy, or "
        "open it on an offline machine."
    ),
    "time": _(
        "Making a safe copy took too long and was stopped. The original is kept sealed; ask for a simpler copy, or open "
        "it on an offline machine."
    ),
    "password": _(
        "The PDF is locked with a password and could not be read. The original is kept sealed; ask for a copy without "
        "a password."
    ),
    "page-size": _(
        "A page of the PDF has a size that cannot be shown. The original is kept sealed; ask for it printed to a new PDF."
    ),
    "busy": _("Too many files are being prepared at this moment. The original is kept sealed; try again in a minute."),
    "sound": _(
        "Sound and video are kept sealed as they came; this version makes no safe copy of them to play here. Open the "
        "original on an offline machine."
    ),
    "room": _(
        "No safe copy can be made on this machine at present, because its converter does not start. The original is "
        "kept sealed; tell whoever runs the machine."
    ),
}  # fmt: skip

NOTES = {
    "reduced": (_("The picture is shown smaller than the original."), ()),
    "pages": (_("Only the first %(shown)d of %(all)d pages are shown."), ("shown", "all")),
    "text": (_("Only the first %(shown)d characters are shown."), ("shown",)),
}


@dataclass(frozen=True)
class Derivative:
    """What may be shown. `pages` are pictures of type `mime`; `text` is escaped HTML text, empty unless the upload was
    plain text. `note` is the English sentence about what is missing, or empty; `note_sentence` and `note_figures` its
    parts for a translator. `sandbox` says what shut the converter in (sandbox.enter).
    """

    pages: list[bytes] = field(repr=False)
    mime: str
    text: str = field(repr=False)
    sandbox: str
    note_sentence: str = ""
    note_figures: Mapping[str, int] = field(default_factory=dict)

    @property
    def note(self) -> str:
        return filled(self.note_sentence, self.note_figures)


def convert(
    kind: str, plain: bytes | BinaryIO, *, boxes: Sequence[converter.Box] = (), wall_seconds: float = WALL_SECONDS
) -> Derivative:
    """Pictures, or escaped text, of an upload of an accepted kind. `plain` never touches a disk.

    `boxes` are regions whose pixels are destroyed before a page is encoded (redaction): nothing of them is in what
    comes back.

    Raises CannotShow with a whole sentence for every file that cannot be shown, and KeyError for an unknown kind.
    """
    limits = kinds()[kind]
    if limits.derivative == "none":
        raise _failure("sound")
    return _believed(limits, shut_in(command(limits, *([boxes] if boxes else [])), plain, wall_seconds=wall_seconds))


def shut_in(program: Sequence[str], plain: bytes | BinaryIO, *, wall_seconds: float = WALL_SECONDS) -> bytes:
    """What a program that shuts itself in (sandbox.enter) makes of `plain`: its whole output, bounded in size and time.

    Two at once at most. Raises CannotShow.
    """
    if not _turns.acquire(timeout=wall_seconds):
        raise _failure("busy")
    try:
        return _run(program, plain, wall_seconds)
    finally:
        _turns.release()


def headers_for_derivative(mime: str) -> dict[str, str]:
    """Response headers for one page or text of a derivative, served from a host name of its own (security §2.11)."""
    ending = {"image/jpeg": "jpg", "image/png": "png", "text/plain": "txt"}[mime]
    return {
        "Content-Type": mime + ("; charset=utf-8" if ending == "txt" else ""),
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{secrets.token_hex(8)}.{ending}"',
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-site",
        "Referrer-Policy": "no-referrer",
    }


def _failure(code: str) -> CannotShow:
    return CannotShow(FAILURES[code], reason=code)


def command(limits: Kind, boxes: Sequence[converter.Box] = ()) -> list[str]:
    """How the converter is started: isolated from its environment and from the working directory."""
    return [
        sys.executable, "-I", "-B", "-m", "answerable.vault.uploads.converter",
        limits.code, str(limits.max_bytes), str(limits.max_pixels), str(limits.max_pages),
        *([converter.spelled(boxes)] if boxes else []),
    ]  # fmt: skip


def _run(program: Sequence[str], plain: bytes | BinaryIO, wall_seconds: float) -> bytes:
    """The program's whole output, bounded in size and time. Raises CannotShow when it passed either."""
    try:
        process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={}, cwd="/", close_fds=True, start_new_session=True,
        )  # fmt: skip
    except OSError:
        raise _failure("room") from None
    assert process.stdin and process.stdout
    source = io.BytesIO(plain) if isinstance(plain, bytes) else plain
    feeder = threading.Thread(target=_feed, args=(source, process.stdin), daemon=True)
    try:
        feeder.start()
        return _collect(process.stdout, time.monotonic() + wall_seconds)
    finally:
        # The guardian and the child in its namespaces are one group. Nothing of it outlives the conversion.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def _feed(source: IO[bytes], target: IO[bytes]) -> None:
    # A converter that gave up early has closed its end; that is its answer, not a fault.
    with contextlib.suppress(OSError, ValueError), target:
        while part := source.read(65536):
            target.write(part)


def _collect(source: IO[bytes], until: float) -> bytes:
    output = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(source, selectors.EVENT_READ)
        while True:
            if not ready.select(max(0.0, until - time.monotonic())):
                raise _failure("time")
            part = os.read(source.fileno(), 1 << 18)
            if not part:
                return bytes(output)
            output += part
            if len(output) > MAX_OUTPUT:
                raise _failure("large")


def frames(output: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(output):
        tag, length = struct.unpack_from(">4sI", output, at)
        content = output[at + 8 : at + 8 + length]
        if len(content) < length:
            return
        yield tag, content
        at += 8 + length


def _believed(limits: Kind, output: bytes) -> Derivative:
    """The derivative, as far as the converter's output is what it must be. Raises CannotShow for anything else."""
    room, pages, text, note, ended = "", [], None, "", False
    figures: dict[str, int] = {}
    for tag, content in frames(output):
        if tag == b"room" and not room:
            room = content.decode("ascii", "replace")[:32]
        elif tag == b"page" and limits.derivative != "text":
            if not pictures.holds_only_pixels(content):
                raise _failure("unreadable")
            pages.append(content)
        elif tag == b"text" and limits.derivative == "text" and text is None:
            text = html.escape(converter.plain_text(content.decode("utf-8", "replace"))[: converter.LONGEST_TEXT])
        elif tag == b"note":
            note, figures = _note(content)
        elif tag == b"fail":
            code = content.decode("ascii", "replace")
            raise _failure(code if code in FAILURES else "unreadable")
        elif tag == b"done":
            ended = True
    _warn_unless_shut_in(room)
    types = {"image/png" if page.startswith(pictures.PNG) else "image/jpeg" for page in pages}
    if not room:
        log.error("The converter of uploads did not start, or could not shut itself in; nothing was opened by it.")
        raise _failure("room")
    if not ended or len(pages) > limits.max_pages or len(types) > 1 or (text is None) == (not pages):
        # It ended before it said so: a limit stopped it, or the decoder fell.
        raise _failure("unreadable" if ended else "large")
    return Derivative(pages, types.pop() if types else "text/plain", text or "", room, note, figures)


def _note(content: bytes) -> tuple[str, dict[str, int]]:
    code, *numbers = content.decode("ascii", "replace").split()
    sentence, names = NOTES.get(code, ("", ()))
    if len(numbers) != len(names) or not all(n.isdigit() and len(n) < 10 for n in numbers):
        return "", {}
    return sentence, dict(zip(names, map(int, numbers), strict=True))


def _warn_unless_shut_in(room: str) -> None:
    if room and "namespaces" not in room:
        log.warning(
            "The converter of uploads ran without namespaces of its own (%s): this host forbids them, so one of its "
            "layers is missing. Allow user namespaces, or start the office with CAP_SYS_ADMIN for its converter.",
            room if room in ("filter", "limits") else "unknown",
        )
