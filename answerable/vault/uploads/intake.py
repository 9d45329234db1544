"""Quarantine: an upload is counted, recognised and sealed while it arrives; on disk there is only ever ciphertext.

Every file has its own key, made for it and used once, which the caller wraps or throws away. The original is sealed
unchanged, because its metadata may be evidence (R-VER-6: the evidentiary copy apart from the working copy).
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from answerable.vault import primitives, seal
from answerable.vault.uploads import pictures
from answerable.vault.uploads.accepted import HEAD, TAIL, Kind, clean_name, kinds, recognise, two_in_one
from answerable.vault.uploads.sentences import UploadRefused, _

COMMITMENT_LABEL = b"answerable-file/1"
# How long one upload may take. Over Tor, from a telephone, 200 MB takes most of an hour.
PATIENCE_S = 3600.0
_PART = ".part"


@dataclass(frozen=True)
class Received:
    """An upload in quarantine. `size` in bytes. The key, the salt and the name are the caller's to seal; they are in
    no text of this object. `commitment` is SHA-256(label ‖ salt ‖ content): whoever holds a candidate file and not
    the salt cannot recognise it. `digest` is the plain SHA-256 at capture (R-VER-6), which recognises it: seal it.
    """

    kind: str
    size: int
    path: Path
    commitment: bytes
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)
    name: str = field(repr=False)
    digest: bytes = field(repr=False)


class _Arriving(io.RawIOBase):
    """An upload as it is read: counted, timed and committed to, its head recognised before anything is written."""

    def __init__(
        self, source: BinaryIO, name: str, declared_type: str, seconds: float, watch: Callable[[int, float], None],
        web_archives: bool,
    ) -> None:  # fmt: skip
        self._source, self._seconds, self._watch = source, seconds, watch
        self._began = time.monotonic()
        self.salt = primitives.random_bytes(32)
        self._hash, self._plain = hashlib.sha256(COMMITMENT_LABEL + self.salt), hashlib.sha256()
        self.size, self.tail, self.held = 0, b"", bytearray()
        # The head is read as far as there is any, since a connection may give one byte at a time.
        self._limit, self._holds = HEAD, True
        self.head = b""
        while len(self.head) < HEAD and (part := self._take(HEAD - len(self.head))):
            self.head += part
        self._waiting = self.head
        self.kind: Kind = recognise(self.head, name, declared_type, web_archives=web_archives)
        self._limit = self.kind.max_bytes
        # Pictures and text are small and are looked through to their end; the rest passes through.
        self._holds = self.kind.derivative in ("picture", "text")
        if not self._holds:
            self.held.clear()

    def _take(self, size: int) -> bytes:
        part = self._source.read(min(size, self._limit - self.size + 1))
        elapsed = time.monotonic() - self._began
        self.size += len(part)
        self._watch(self.size, elapsed)
        if self.size > self._limit:
            raise _too_large(self.kind)
        if elapsed > self._seconds:
            raise UploadRefused(
                _("The upload took longer than %(minutes)d minutes and was stopped. Send a smaller file, or try again "
                  "where the connection is better."),
                reason="slow", figures={"minutes": max(1, round(self._seconds / 60))},
            )  # fmt: skip
        self._hash.update(part)
        self._plain.update(part)
        self.tail = (self.tail + part)[-TAIL:]
        if self._holds:
            self.held += part
        return part

    def read(self, size: int = -1) -> bytes:
        if self._waiting:
            part, self._waiting = self._waiting[:size], self._waiting[size:]
            return part
        return self._take(size)

    def commitment(self) -> bytes:
        return self._hash.digest()

    def digest(self) -> bytes:
        return self._plain.digest()

    def check_to_the_end(self) -> None:
        """Raises UploadRefused for two files in one, and for a text that is not text all through."""
        held = bytes(self.held)
        behind = b""
        if self.kind.derivative == "picture":
            # A picture cut off has no end to look behind, so nothing in it may look like another file.
            behind = held[pictures.end_of(self.kind.code, held) or len(self.head) :]
        if two_in_one(self.kind, self.head, self.tail, behind):
            raise UploadRefused(
                _("This file holds a second file inside it and is not taken. Open it and save it as a new file, or "
                  "send a screenshot of what it shows."),
                reason="two-in-one",
            )  # fmt: skip
        if self.kind.derivative == "text":
            try:
                is_text = "\x00" not in held.decode("utf-8")
            except UnicodeDecodeError:
                is_text = False
            if not is_text:
                raise UploadRefused(
                    _("The text is not in UTF-8. Save it again as plain text with the encoding UTF-8, or as PDF."),
                    reason="not-utf8",
                )


def _too_large(kind: Kind) -> UploadRefused:
    return UploadRefused(
        _("The file is larger than the %(limit)d MB that are taken of this kind (%(kind)s). Send it in parts, or in a "
          "smaller quality."),
        reason="too-large", figures={"limit": kind.max_bytes // 1048576, "kind": kind.label},
    )  # fmt: skip


def _unwatched(_size: int, _seconds: float) -> None:
    """The watch of a caller who needs none."""


def receive(
    source: BinaryIO,
    folder: Path,
    *,
    declared_name: str,
    declared_type: str = "",
    declared_size: int | None = None,
    seconds: float = PATIENCE_S,
    watch: Callable[[int, float], None] = _unwatched,
    web_archives: bool = False,
) -> Received:
    """Take an upload into quarantine, sealed under a fresh key. Raises UploadRefused, with nothing left on disk.

    `declared_size` in bytes spares reading what is announced as too large; it is never believed otherwise. `watch` is
    called after every piece with the bytes and seconds so far and may raise to stop the upload; so may `source`. A
    source whose `read` blocks for ever is the server's socket timeout to end, not ours.
    """
    name = clean_name(declared_name)
    largest = max(kinds().values(), key=lambda k: k.max_bytes)
    if declared_size is not None and declared_size > largest.max_bytes:
        raise _too_large(largest)
    arriving = _Arriving(source, name, declared_type, seconds, watch, web_archives)
    if declared_size is not None and declared_size > arriving.kind.max_bytes:
        raise _too_large(arriving.kind)
    key, token = seal.new_data_key(), secrets.token_hex(16)
    path = folder / token
    part = folder / (token + _PART)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as target:
            seal.seal_file(key, arriving, target, _context(path))  # type: ignore[arg-type]
            arriving.check_to_the_end()
            target.flush()
            os.fsync(target.fileno())
        part.rename(path)
    except BaseException:
        # Whatever ended it, a person's Ctrl-C included: half an upload is nobody's evidence.
        part.unlink(missing_ok=True)
        raise
    return Received(
        kind=arriving.kind.code, size=arriving.size, path=path, commitment=arriving.commitment(),
        salt=arriving.salt, key=key, name=name, digest=arriving.digest(),
    )  # fmt: skip


def commitment_of(content: bytes, salt: bytes) -> bytes:
    """What `Received.commitment` is for this content and salt; anyone given both can check it."""
    return hashlib.sha256(COMMITMENT_LABEL + salt + content).digest()


def read_back(path: Path, key: bytes) -> bytes:
    """The original from quarantine, in memory only, for the converter. Raises Unopenable, and FileNotFoundError."""
    plain = io.BytesIO()
    with path.open("rb") as sealed:
        seal.open_file(key, sealed, plain, _context(path))
    return plain.getvalue()


def chunks_of(path: Path, key: bytes) -> Iterator[bytes]:
    """The original from quarantine a piece at a time. Raises Unopenable, also at the end, and FileNotFoundError."""
    with path.open("rb") as sealed:
        yield from seal.opened_chunks(key, sealed, _context(path))


def hashes_of(path: Path, key: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """(SHA-256, commitment under this salt) of an original in quarantine, read to its end in little memory."""
    plain, committed = hashlib.sha256(), hashlib.sha256(COMMITMENT_LABEL + salt)
    for chunk in chunks_of(path, key):
        plain.update(chunk)
        committed.update(chunk)
    return plain.digest(), committed.digest()


def discard(path: Path) -> None:
    """Remove a file from quarantine; no fault when it is gone already. Without its key it was unreadable anyway."""
    path.unlink(missing_ok=True)


def sweep(folder: Path, *, older_than_s: float, kept: Callable[[list[str]], set[str]] | None = None) -> int:
    """Remove what a crash left half written, and say how many files. The keys to them were never kept.

    `kept` says which of these whole files are entered somewhere; the rest of them goes as well. Without it whole files
    are left alone.
    """
    stale = [p for p in folder.glob("*") if time.time() - p.stat().st_mtime > older_than_s]
    whole = [p.name for p in stale if p.suffix != _PART]
    staying = set(whole) if kept is None else kept(whole)
    gone = [p for p in stale if p.name not in staying]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _context(path: Path) -> bytes:
    # Bound to its own file name: one quarantined file put in another's place does not open.
    return seal.field_context("quarantine", path.name, "Upload", "original", 1)
