"""A run: where it lies, how far it is, opened with its key and held while somebody works on it."""

from __future__ import annotations

import fcntl
import json
import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.common import faults
from answerable.common.errors import Refused
from answerable.monitoring.intake import readers
from answerable.monitoring.intake.staging import sentences
from answerable.vault import primitives, seal

# How long an unfinished run may lie: seconds.
STALE_S = 8 * 3600


def folder() -> Path:
    """Where files on their way in lie, as ciphertext; readable by the office alone."""
    path = Path(settings.INTAKE)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@dataclass
class State:
    """How far a run is. In clear beside the sealed file: numbers, marks, field names and sentences without a word of the file."""

    token: str
    person: str
    route: str
    mark: str
    situation: str
    columns: int
    mapping: list[str]
    total: int = 0
    done: int = 0
    kept: int = 0
    bad: int = 0
    repeated: int = 0
    corrections: int = 0
    batch_id: int = 0
    rows_at: int = 0
    items_at: int = 0
    started: bool = False
    finished: bool = False
    problems: list[Any] = field(default_factory=list)
    # Drafts of which a later row of the same file is a later version: they are not moved in.
    superseded: list[str] = field(default_factory=list)

    @property
    def to_mend(self) -> bool:
        """Whether something of the file can be mended: a row that is bad, or one of which it is not plain that it is here."""
        return bool(self.bad) or any(p[2] not in sentences.NOTHING_TO_MEND for p in self.problems)

    @property
    def share(self) -> int:
        """How much of the rows is checked, in hundredths."""
        return 100 * self.done // self.total if self.total else 0


class Staged:
    """One run, opened with its key."""

    _held: weakref.finalize[[int], Staged] | None = None

    def __init__(self, token: str, key: bytes) -> None:
        if not token.isalnum() or len(token) != 32:
            raise _gone()
        self.home, self.key = folder() / token, key
        self._read_state()

    def _read_state(self) -> None:
        try:
            self.state = State(**json.loads((self.home / "state.json").read_text()))
        except (OSError, ValueError, TypeError):
            raise _gone() from None

    def hold(self) -> bool:
        """From here until `let_go` nobody else checks, keeps or drops this run, and its state is as the last who did left it.

        False where it is held already. Raises Refused while another window holds it, and where the run is gone.
        """
        if self._held is not None:
            return False
        try:
            home = os.open(self.home, os.O_RDONLY)
        except OSError:
            raise _gone() from None
        # Closing the folder lets go of it, also where nobody came to say so.
        self._held = weakref.finalize(self, os.close, home)
        try:
            fcntl.flock(home, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read_state()
        except OSError:
            self.let_go()
            raise Refused(
                _(
                    "This file is being checked or kept in another window. Wait until that is done, then look at it again."
                ),
                reason="busy",
            ) from None
        except Refused:
            self.let_go()
            raise
        return True

    def let_go(self) -> None:
        """Others may go on with this run."""
        if self._held is not None:
            self._held()
            self._held = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the run for a stretch of work. Raises Refused as `hold`."""
        held = self.hold()
        try:
            yield
        finally:
            if held:
                self.let_go()

    @property
    def gone(self) -> bool:
        """Whether nothing of it lies here any more: it was kept, dropped, or found no room."""
        return not self.home.exists()

    @property
    def whole(self) -> bool:
        """Whether what lies ready is exactly what was checked: neither less of it nor more."""
        sizes = [(self.home / name).stat().st_size for name in ("rows", "items")]
        return sizes == [self.state.rows_at, self.state.items_at]

    def save(self) -> None:
        """Keep the state, whole or not at all."""
        part = self.home / "state.part"
        part.write_text(json.dumps(asdict(self.state)))
        part.replace(self.home / "state.json")

    def records(self) -> Iterator[readers.Record]:
        """The rows of the file, in order, from the sealed copy."""
        lines = self._lines()
        next(lines)
        for line in lines:
            yield readers.Record(**json.loads(line))

    def columns(self) -> list[str]:
        """The names of the file's columns, for whoever sent it."""
        found: list[str] = json.loads(next(self._lines()))
        return found

    def _lines(self) -> Iterator[str]:
        try:
            with (self.home / "source").open("rb") as sealed:
                rest = b""
                for chunk in seal.opened_chunks(self.key, sealed, context(self.state.token, "source")):
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield line.decode()
        except (primitives.Unopenable, OSError):
            raise _gone() from None

    def forget(self) -> None:
        """Remove the run. Without its key it was unreadable anyway."""
        for path in self.home.glob("*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.home.rmdir()
        self.let_go()


def _gone() -> Refused:
    return Refused(
        _("This upload is no longer here: it was finished, or it lay too long. Choose the file again; rows that were "
          "kept before are recognised and not taken twice."), reason="gone",
    )  # fmt: skip


def context(token: str, part: str) -> bytes:
    """What a part of a run is bound to where it is sealed."""
    return seal.field_context("intake", token, "Upload", part, 1)


@contextmanager
def room_or(cleared: Callable[[], None]) -> Iterator[None]:
    """Where there is no room for what is written, what half of it lies there is cleared away. Raises Refused, saying so."""
    try:
        yield
    except OSError as no:
        if not faults.is_full(no):
            raise
        cleared()
        raise Refused(
            _("There is no room here for this file, so nothing of it was kept. Send it again in an hour, or in smaller parts; where "
              "that does not help, tell whoever runs this installation."), reason="full",
        ) from None  # fmt: skip


def sweep() -> int:
    """Remove runs that nobody came back to; returns how many. Their files go with the rest of quarantine."""
    gone = 0
    for home in folder().iterdir():
        if home.is_dir() and time.time() - home.stat().st_mtime > STALE_S:
            for path in home.glob("*"):
                path.unlink(missing_ok=True)
            home.rmdir()
            gone += 1
    return gone
