"""A file as it arrives: sealed piece by piece, then read and sealed again as rows."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import readers
from answerable.monitoring.intake.staging import runs
from answerable.monitoring.intake.staging.runs import Staged, State
from answerable.monitoring.models import Situation
from answerable.vault import keeping, primitives, seal
from answerable.vault.uploads import intake as quarantine
from answerable.vault.uploads.sentences import UploadRefused

MOST_FILE_BYTES = 1024 * 1024 * 1024


class _Pipe(io.RawIOBase):
    """An iterator of bytes as a file to read, so that it is sealed while it is made."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts, self.rest = iter(parts), b""

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (part := next(self.parts, b"")):
            self.rest += part
        found, self.rest = self.rest[:size], self.rest[size:]
        return found


class Arriving:
    """A file as it arrives, sealed piece by piece, so that it never lies on a disk in the open."""

    def __init__(self) -> None:
        self.token, self.key, self.size = secrets.token_hex(16), seal.new_data_key(), 0
        self.home = runs.folder() / self.token
        self.digest = hashlib.sha256()
        self._stream = primitives.SealingStream(primitives.derive(self.key, "file"))
        self._rest, self._out = b"", cast(BinaryIO, io.BytesIO())
        with runs.room_or(self.drop):
            self.home.mkdir(mode=0o700)
            self._out = (self.home / "raw").open("wb")
            self._out.write(seal.FILE + self._stream.header)

    def write(self, part: bytes) -> None:
        """Take the next piece. Raises Refused when the file is too large, or there is no room for it."""
        self.size += len(part)
        if self.size > MOST_FILE_BYTES:
            self.drop()
            raise Refused(_("The file is larger than 1 GB. Send it in parts."), reason="file_size")
        self.digest.update(part)
        self._rest += part
        while len(self._rest) >= seal.CHUNK:
            self._put(self._rest[: seal.CHUNK], final=False)
            self._rest = self._rest[seal.CHUNK :]

    def close(self) -> None:
        """The file has arrived whole. Raises Refused where there is no room for its end."""
        self._put(seal.pad(self._rest), final=True)
        self._rest = b""

    def _put(self, part: bytes, *, final: bool) -> None:
        with runs.room_or(self.drop):
            self._out.write(self._stream.push(part, runs.context(self.token, "raw"), final=final))
            if final:
                self._out.close()

    def chunks(self) -> Iterator[bytes]:
        """What arrived, opened in memory."""
        with (self.home / "raw").open("rb") as sealed:
            yield from seal.opened_chunks(self.key, sealed, runs.context(self.token, "raw"))

    def drop(self) -> None:
        """Remove it: it is refused, or read, or there is no room for it."""
        with suppress(OSError):  # what is not written yet may find no room either, and goes all the same
            self._out.close()
        for path in self.home.glob("*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.home.rmdir()


def arrive(source: BinaryIO) -> Arriving:
    """Take a file from a stream, sealed as it is read."""
    arriving = Arriving()
    while part := source.read(seal.CHUNK):
        arriving.write(part)
    arriving.close()
    return arriving


def stage(arriving: Arriving, name: str, *, by: Person, situation: Situation | None = None) -> Staged:
    """Make rows of a file that has arrived, sealed again as rows. Raises Refused for what cannot be read or came before."""
    try:
        (mark,) = keeping.marks("delivery", [arriving.digest.hexdigest()])
        with reading_as(by):
            earlier = m.IntakeBatch.objects.filter(organisation=by.body, mark=mark, undone_at=None).first()
        if earlier:
            raise Refused(
                _("This very file was brought in on %(day)s as %(ref)s. Nothing was changed.")
                % {"day": earlier.made_at.date().isoformat(), "ref": earlier.ref}, reason="duplicate",
            )  # fmt: skip
        delivery = readers.read(arriving.chunks(), name)
        state = State(
            arriving.token,
            by.ref,
            delivery.route,
            mark,
            situation.ref if situation else "",
            len(delivery.columns),
            delivery.mapping,
        )

        def lines() -> Iterator[bytes]:
            yield json.dumps(delivery.columns).encode() + b"\n"
            for record in delivery.records:
                state.total += 1
                _attach(record, delivery)
                yield json.dumps(asdict(record), separators=(",", ":")).encode() + b"\n"

        with runs.room_or(arriving.drop), (arriving.home / "source").open("wb") as target:
            seal.seal_file(arriving.key, _Pipe(lines()), target, runs.context(arriving.token, "source"))  # type: ignore[arg-type]
        if not state.total:
            raise Refused(_("The file has no rows below its first."), reason="file")
    except BaseException:
        arriving.drop()
        raise
    (arriving.home / "raw").unlink()  # makes room for the state
    staged = Staged.__new__(Staged)
    staged.home, staged.key, staged.state = arriving.home, arriving.key, state
    with runs.room_or(staged.forget):
        staged.save()
    return staged


def _attach(record: readers.Record, delivery: readers.Delivery) -> None:
    """Put a file that an item names into quarantine, sealed, and let the item carry what it takes to keep it."""
    for item in record.items:
        named = str(item.get("attachment") or "").rpartition("/")[2]
        source = delivery.files.get(named)
        if not named or source is None:
            continue
        files = Path(settings.QUARANTINE)
        files.mkdir(parents=True, exist_ok=True, mode=0o770)
        try:
            with source() as opened:
                got = quarantine.receive(cast(BinaryIO, opened), files, declared_name=named, web_archives=True)
            got.path.chmod(0o640)  # once filed it is evidence, which the vault reads as a member of the folder's group
            item["attachment"] = {"file": got.path.name, "kind": got.kind, "commitment": got.commitment.hex(), "salt": got.salt.hex(),
                                  "digest": got.digest.hex(), "key": got.key.hex(), "name": got.name}  # fmt: skip
        except UploadRefused as no:
            item["attachment"] = {"refused": no.sentence, "figures": no.figures}
