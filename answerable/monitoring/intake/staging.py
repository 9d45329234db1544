"""A file on its way in: sealed while it arrives, checked in stretches, and nothing of it kept before all of it is.

The file lies sealed beside the database under a key that only the browser (or the command) of whoever sent it has: the
server holds ciphertext. Rows that pass are sealed by the vault and written to a second file as the database will take
them; the one act at the end moves that file in. So a run can be stopped and resumed at any row, costs the same memory
for a hundred rows and a hundred thousand, and a run that is never ended leaves nothing behind but what a sweep removes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
import secrets
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.evidence.models import file_ref
from answerable.monitoring.intake import guard, queries, readers, rules
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.description import SUBMISSION_ID
from answerable.monitoring.models import Party, Situation, incident_ref, item_ref
from answerable.vault import client, keeping, primitives, seal
from answerable.vault.uploads import intake as quarantine
from answerable.vault.uploads.sentences import UploadRefused

# Rows sealed in one question to the vault, problems kept for the list, how long an unfinished run may lie: seconds.
AT_ONCE, MOST_PROBLEMS, STALE_S = 500, 5000, 8 * 3600
MOST_FILE_BYTES = 1024 * 1024 * 1024
COLUMNS = (
    "ref", "compartment", "batch_id", "organisation_id", "collected_by_id", "situation_id", "party_id", "row", "status",
    "version", "corrects", "identity", "also", "as_of", "content", '"when"', "earliest", "latest", "precision", "area1", "area2",
    "coded", "lacks", "made_at", "narrative", "place", "link_reason", "hints", "looks_like",
)  # fmt: skip
ITEM_COLUMNS = (
    "ref",
    "compartment",
    "draft_id",
    "number",
    "coded",
    "says",
    "file",
    "file_kind",
    "file_commitment",
    "file_ref",
    "file_mark",
    "file_name",
    "file_salt",
    "file_digest",
)


CASTS = {
    **dict.fromkeys(["batch_id", "organisation_id", "collected_by_id", "situation_id", "party_id", "row", "version", "number"], "bigint"),
    **dict.fromkeys(["also", "coded", "lacks", "hints"], "jsonb"), **dict.fromkeys(["earliest", "latest"], "date"),
    **dict.fromkeys(["narrative", "place", "link_reason", "says", "file_mark", "file_name", "file_salt", "file_digest"], "bytea"), "made_at": "timestamptz",
}  # fmt: skip


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
        return bool(self.bad) or any(p[2] not in NOTHING_TO_MEND for p in self.problems)

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
                for chunk in seal.opened_chunks(self.key, sealed, _context(self.state.token, "source")):
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


def _context(token: str, part: str) -> bytes:
    return seal.field_context("intake", token, "Upload", part, 1)


class _Pipe(io.RawIOBase):
    """An iterator of bytes as a file to read, so that it is sealed while it is made."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts, self.rest = iter(parts), b""

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (part := next(self.parts, b"")):
            self.rest += part
        found, self.rest = self.rest[:size], self.rest[size:]
        return found


# What a system says where nothing more can be written: the disk is full, a share of it is used up, a file is at its most.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def room_or(cleared: Callable[[], None]) -> Iterator[None]:
    """Where there is no room for what is written, what half of it lies there is cleared away. Raises Refused, saying so."""
    try:
        yield
    except OSError as no:
        if no.errno not in FULL:
            raise
        cleared()
        raise Refused(
            _("There is no room here for this file, so nothing of it was kept. Send it again in an hour, or in smaller parts; where "
              "that does not help, tell whoever runs this installation."), reason="full",
        ) from None  # fmt: skip


class Arriving:
    """A file as it arrives, sealed piece by piece, so that it never lies on a disk in the open."""

    def __init__(self) -> None:
        self.token, self.key, self.size = secrets.token_hex(16), seal.new_data_key(), 0
        self.home = folder() / self.token
        self.digest = hashlib.sha256()
        self._stream = primitives.SealingStream(primitives.derive(self.key, "file"))
        self._rest, self._out = b"", cast(BinaryIO, io.BytesIO())
        with room_or(self.drop):
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
        with room_or(self.drop):
            self._out.write(self._stream.push(part, _context(self.token, "raw"), final=final))
            if final:
                self._out.close()

    def chunks(self) -> Iterator[bytes]:
        """What arrived, opened in memory."""
        with (self.home / "raw").open("rb") as sealed:
            yield from seal.opened_chunks(self.key, sealed, _context(self.token, "raw"))

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

        with room_or(arriving.drop), (arriving.home / "source").open("wb") as target:
            seal.seal_file(arriving.key, _Pipe(lines()), target, _context(arriving.token, "source"))  # type: ignore[arg-type]
        if not state.total:
            raise Refused(_("The file has no rows below its first."), reason="file")
    except BaseException:
        arriving.drop()
        raise
    (arriving.home / "raw").unlink()  # makes room for the state
    staged = Staged.__new__(Staged)
    staged.home, staged.key, staged.state = arriving.home, arriving.key, state
    with room_or(staged.forget):
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


# --- checking ------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def line(values: Sequence[Any]) -> bytes:
    """A row as it waits to be moved in: columns with tabs between. Raises ValueError for a value that would be two."""
    texts = list(map(_text, values))
    whole = "\t".join(texts)
    if "\n" in whole or "\r" in whole or whole.count("\t") != len(texts) - 1:
        raise ValueError("a coded value holds a tab or the end of a line")
    return (whole + "\n").encode()


Texts = tuple[str, str, dict[str, str], str]


@dataclass
class Ready:
    """A row that passed and is new, or a later version of one that is here."""

    record: readers.Record
    clean: rules.Clean
    identity: str
    also: list[str]
    content: str
    status: str
    version: int
    corrects: str
    hints: list[str] = field(default_factory=list)
    looks_like: str = ""
    ref: str = field(default_factory=incident_ref)


class Intake:
    """Checks rows of one run and makes them ready: the same for every route."""

    def __init__(
        self, by: Person, *, situation: Situation | None, batch_id: int | None, route: str, with_texts: bool = True
    ) -> None:
        self.by, self.batch_id, self.route, self.with_texts = by, batch_id, route, with_texts
        # On a page of ours an account is one that is asked for here; what comes otherwise was told before it came.
        self.world = queries.world(by, situation, asks=route == "web")
        self.compartment = queries.compartment_of(by)
        self.situations = dict(Situation.objects.values_list("ref", "pk"))
        self.parties = dict(Party.objects.values_list("ref", "pk"))
        self.now: datetime = clock.now()
        self.seen: dict[str, str] = {}
        self.interviews: dict[str, str] = {}
        # Of each submission that is ready: its draft's reference, as of when it is, and its content.
        self.written: dict[str, tuple[str, str, str]] = {}
        self.repeated = self.corrections = 0
        # Rows that are good and are not taken all the same, and why, by field.
        self.wrong: list[tuple[readers.Record, str, rules.Problem]] = []
        self.twice: list[tuple[readers.Record, str]] = []

    def check(self, record: readers.Record, row: dict[str, Any]) -> tuple[rules.Clean | None, dict[str, rules.Problem]]:
        """One row against the one check, and what its route adds: rejected where it came from, a file that lies."""
        clean, problems = rules.check(row, self.world)
        if self.with_texts and not str(row.get("link_reason") or "").strip():
            # Texts are sealed together, once: what is missing cannot be added under the same key afterwards.
            problems.setdefault("link_reason", rules.Problem(rules.MISSING))
        if rules.unkeepable(row.get(SUBMISSION_ID)):
            problems[SUBMISSION_ID] = rules.Problem(rules.CHARACTER)
        if record.rejected:
            problems = {
                "submission_id": rules.Problem(
                    rules._("This submission was rejected where it was collected, so it is not taken.")
                )
            }
        for number, item in enumerate(row.get("items") or (), 1):
            held = item.get("attachment")
            if isinstance(held, dict) and "refused" in held:
                problems[f"items.{number}.attachment"] = rules.Problem(held["refused"], held["figures"])
        return (None if problems else clean), problems

    def new(self, rows: Sequence[tuple[readers.Record, dict[str, Any], rules.Clean]]) -> list[Ready]:
        """Which of these are not here yet, and which are later versions of what is. Counts the rest as repeated.

        In `twice` are those that may be another report than the earlier row of the same file which is kept, and why: they say
        the same without a number of their own, or have its number and say something else. Whoever sent them is told.
        """
        contents = [rules.same(c, _file_names(r)) for r, _row, c in rows]
        names = [[*r.ids] or ([f"own/{row[SUBMISSION_ID]}"] if row.get(SUBMISSION_ID) else []) for r, row, _c in rows]
        counts = [len(n) for n in names]
        found = keeping.marks("submission", [*contents, *(x for n in names for x in n)])
        marks, rest = found[: len(rows)], iter(found[len(rows) :])
        ids = [[next(rest) for _ in range(n)] for n in counts]
        others = {x for (r, _row, _c), of in zip(rows, ids, strict=True) if r.ids for x in of}
        wanted = {x for of in ids for x in of} | {mark for mark, of in zip(marks, ids, strict=True) if not of}
        with reading_as(self.by):
            here = queries.seen_before(self.by.body_id, wanted - others, others)
        gone = queries.withdrawn(k.ref for k in here.values() if k.status in (m.FILED, m.TAKEN_OVER))
        ready: dict[str, Ready] = {}
        for (record, _row, clean), content, of in zip(rows, marks, ids, strict=True):
            every = of or [content]
            known = next((here[x] for x in every if x in here), None)
            identity = known.identity if known else next((self.seen[x] for x in every if x in self.seen), every[0])
            if known and (why := self._no_later(known, record, content, set(of))) is not None:
                self.repeated += 1
                if why:
                    self.twice.append((record, why))
                continue
            if known and known.ref in gone:
                self.wrong.append((record, SUBMISSION_ID, rules.Problem(WITHDRAWN)))
                continue
            if identity in self.seen or any(x in self.seen for x in every):
                earlier = ready.get(identity)
                _ref, as_of, said = (
                    ("", earlier.record.as_of, earlier.content) if earlier else self.written.get(identity, ("",) * 3)
                )
                self.repeated += 1
                if not of:
                    self.twice.append((record, TWICE))
                elif content != said and record.as_of <= as_of:
                    self.twice.append((record, NUMBERED_TWICE if record.as_of == as_of else LATE))
                if record.as_of <= as_of:
                    continue  # an older version of one in this same file
            self.seen |= dict.fromkeys([identity, *every], identity)
            also = [x for x in every if x != identity]
            if known is None:
                ready[identity] = Ready(record, clean, identity, also, content, m.DRAFT, 1, "")
            else:
                filed = known.status in (m.FILED, m.TAKEN_OVER)
                ready[identity] = Ready(record, clean, identity, also, content, m.CORRECTION if filed else m.DRAFT,
                                        known.version + 1, known.ref if filed else "",
                                        looks_like="" if filed else known.looks_like)  # fmt: skip
        self._others_like(ready.values())
        self.corrections += sum(r.version > 1 for r in ready.values())
        self._pseudonyms(ready.values())
        self._words(ready.values())
        return list(ready.values())

    def _no_later(self, known: queries.Known, record: readers.Record, content: str, names: set[str]) -> str | None:
        """None where a row is a later version of what is here; else what to tell whoever sent it, "" where that is plain.

        KoboToolbox leaves a submission's time as it was when it is edited, so there its names and what it says decide.
        """
        if known.content == content:
            return ""
        if not (known.as_of and record.as_of and record.as_of <= known.as_of):
            return None
        if record.as_of < known.as_of:
            return "" if content in known.contents else LATE
        if self.route != readers.KOBO:
            return ""
        if names <= known.names | known.before:
            if names != known.names and not (known.before and names & (known.names - known.before)):
                return EARLIER
            if content in known.contents:
                return EARLIER
        with reading_as(self.by):
            if not record.items and m.DraftItem.objects.filter(draft__ref=known.draft).exists():
                return WITHOUT_ITEMS
        return None

    def _others_like(self, ready: Iterable[Ready]) -> None:
        """Of those without a name that is here: what an edit of one that is here would have in common with it. A person decides."""
        new = [r for r in ready if r.record.hints]
        found = iter(keeping.marks("submission", [f"hint/{h}" for r in new for h in r.record.hints]) if new else [])
        for r in new:
            r.hints = [next(found) for _ in r.record.hints]
        with reading_as(self.by):
            like = queries.looks_like(self.by.body_id, {h for r in new for h in r.hints if r.version == 1})
        for r in new:
            if r.version == 1:
                r.looks_like = next((like[h] for h in r.hints if h in like), "")

    def _pseudonyms(self, ready: Iterable[Ready]) -> None:
        """Pseudonyms become marks within this organisation, like those of interviews: what is typed there may be a name."""
        items = [i for r in ready for i in r.clean.items if i.coded.get("person_key")]
        named = list(dict.fromkeys(i.coded["person_key"] for i in items))
        found = dict(zip(named, queries.person_marks(self.by, named), strict=True)) if named else {}
        for item in items:
            item.coded["person_key"] = found[item.coded["person_key"]]

    @staticmethod
    def _words(ready: Iterable[Ready]) -> None:
        """Each item keeps a mark of its words within its situation, so that the same source is known there again."""
        said = [(r.clean.situation, i) for r in ready for i in r.clean.items]
        for (_ref, item), mark in zip(said, queries.word_marks([(ref, i.says) for ref, i in said]), strict=True):
            if mark:
                item.coded["words"] = mark

    def guarded(self, ready: Sequence[Ready]) -> tuple[list[Ready], list[tuple[readers.Record, str, rules.Problem]]]:
        """An interview carries the account of one submission: the rows that may go on, and those that may not, by field."""
        named = {i.coded["interview"] for r in ready for i in r.clean.items if i.coded.get("interview")}
        if not named:
            return list(ready), []
        with reading_as(self.by):
            held = dict(m.Interview.objects.filter(ref__in=named).values_list("ref", "held_by"))
        persons = queries.persons_of(self.by, named)
        good: list[Ready] = []
        problems: list[tuple[readers.Record, str, rules.Problem]] = []
        for r in ready:
            of = {
                f"items.{n}.interview": ref for n, i in enumerate(r.clean.items, 1) if (ref := i.coded.get("interview"))
            }
            taken = [
                name for name, ref in of.items() if self.interviews.get(ref, held.get(ref, "")) not in ("", r.identity)
            ]
            problems += [(r.record, name, rules.Problem(guard.SPENT)) for name in taken]
            other = [
                f"items.{n}.person_key" for n, i in enumerate(r.clean.items, 1) if not self._person_told(i, persons)
            ]
            problems += [(r.record, name, rules.Problem(guard.ANOTHER)) for name in other]
            if not taken and not other:
                self.interviews |= dict.fromkeys(of.values(), r.identity)
                good.append(r)
        return good, problems

    @staticmethod
    def _person_told(item: rules.Item, persons: dict[str, str]) -> bool:
        """An account takes its person from the interview it names; whether no other pseudonym was typed beside it."""
        if person := persons.get(item.coded.get("interview", "")):
            if item.coded.get("person_key") not in (None, "", person):
                return False
            item.coded["person_key"] = person
        return True

    def texts(self, ready: Sequence[Ready]) -> list[Texts]:
        """What the vault is asked to seal: (reference, model, texts, draft) of each report and each item, in order."""
        asked: list[Texts] = []
        for r in ready:
            if self.with_texts:
                asked.append((r.ref, "Incident", r.clean.texts, r.ref))
            asked += [(item_ref(), "SourceItem", {"says": item.says}, r.ref) for item in r.clean.items]
        return asked

    def seal(self, asked: Sequence[Texts]) -> list[dict[str, bytes]]:
        """Each text sealed by the vault, under a key of its own object."""
        step = 1000
        named = delivery(self.batch_id)
        return [
            blob
            for i in range(0, len(asked), step)
            for blob in keeping.seal_many(self.compartment, asked[i : i + step], delivery=named)
        ]

    def rows(
        self, ready: Sequence[Ready], asked: Sequence[Texts], blobs: Sequence[dict[str, bytes]]
    ) -> tuple[list[list[Any]], list[list[Any]]]:
        """Rows of drafts and of their items as the database takes them."""
        items: list[list[Any]] = []
        answers = iter(zip(asked, blobs, strict=True))
        drafts: list[list[Any]] = []
        empty = {"narrative": b"", "place": b"", "link_reason": b""}
        for r in ready:
            own = next(answers)[1] if self.with_texts else empty
            c, coded = r.clean, dict(r.clean.coded)
            area1, area2 = coded.pop("area1"), coded.pop("area2", "")
            drafts.append(
                [r.ref, self.compartment, self.batch_id, self.by.body_id, self.by.pk, self.situations[c.situation],
                 self.parties.get(c.party), r.record.number, r.status, r.version, r.corrects, r.identity, r.also, r.record.as_of,
                 r.content, c.when.text, c.when.earliest, c.when.latest, c.when.precision, area1, area2, coded, c.lacks, self.now,
                 own["narrative"], own["place"], own["link_reason"], r.hints, r.looks_like]
            )  # fmt: skip
            for number, item in enumerate(c.items, 1):
                (ref, _model, _texts, _draft), blob = next(answers)
                kept, marks = self._file(r, ref, _held_file(r.record, number))
                items.append([ref, self.compartment, r.ref, number, {**item.coded, **marks}, blob["says"], *kept])
        return drafts, items

    def _file(self, r: Ready, ref: str, held: dict[str, str] | None) -> tuple[list[Any], dict[str, str]]:
        """The columns of an item's file, and what it is known again by: the item of the report it corrects that this very file
        is on already, and its mark in the situation."""
        if held is None:
            return ["", "", "", "", b"", b"", b"", b""], {}
        sealed = client.ask(
            "keep_draft_file", item=ref, compartment=self.compartment, file=(made := file_ref()), key=bytes.fromhex(held["key"]),
            name=held["name"], salt=held["salt"], digest=bytes.fromhex(held["digest"]), delivery=delivery(self.batch_id),
            draft=r.ref, report=r.corrects, situation=r.clean.situation,
        )  # fmt: skip
        named = [sealed[n] for n in ("mark", "name", "salt", "digest")]
        on = {"file_on": sealed["on"]} if sealed["on"] else {}
        return [held["file"], held["kind"], held["commitment"], made, *named], {"file_alike": sealed["alike"], **on}


def _file_names(record: readers.Record) -> list[str]:
    """Names of the files that came with a row, item by item."""
    held = (item.get("attachment") for item in record.items)
    return [str(h.get("name", "")) if isinstance(h, dict) else "" for h in held]


def _files_missing(ready: Ready) -> list[str]:
    """Fields of a row's items that name a file which did not come with it."""
    held = [i.get("attachment") for i in ready.record.items] or [i.attachment for i in ready.clean.items]
    return [f"items.{n}.attachment" for n, h in enumerate(held, 1) if h and not isinstance(h, dict)]


def _held_file(record: readers.Record, number: int) -> dict[str, str] | None:
    if number > len(record.items):
        return None
    held = record.items[number - 1].get("attachment")
    return held if isinstance(held, dict) and "file" in held else None


def begin(staged: Staged, mapping: Sequence[str], situation: Situation | None) -> None:
    """Settle what each column holds; checking starts at the first row. Raises Refused for a field named twice, and while another
    window checks or keeps the file."""
    with staged.alone():
        _begin(staged, mapping, situation)


def _begin(staged: Staged, mapping: Sequence[str], situation: Situation | None) -> None:
    named = [t for t in mapping if t]
    if twice := next((t for t in named if named.count(t) > 1), ""):
        columns = [name for name, t in zip(staged.columns(), mapping, strict=False) if t == twice]
        raise Refused(
            _("Several columns are set to the same field, “%(field)s”: %(columns)s. Set all but one of them to nothing.")
            % {"field": _(rules.bad_field(twice)), "columns": ", ".join(columns)}, reason="mapping",
        )  # fmt: skip
    if len(mapping) != staged.state.columns or not all(_is_target(t) for t in named):
        raise Refused(_("A column is set to a field that does not exist."), reason="mapping")
    state = staged.state
    state.mapping, state.situation, state.started = list(mapping), situation.ref if situation else "", True
    state.done = state.kept = state.bad = state.repeated = state.corrections = state.rows_at = state.items_at = 0
    state.problems, state.superseded, state.finished, state.batch_id = [], [], False, _batch_id()
    with room_or(staged.forget):
        for name in ("rows", "items"):
            (staged.home / name).write_bytes(b"")
        staged.save()


def _is_target(name: str) -> bool:
    return readers.target(name) == name


def delivery(batch_id: int | None) -> str:
    """What the vault binds the keys of drafts to when they are sealed: their delivery, or that they came one by one."""
    return f"delivery {batch_id}" if batch_id else ONE_BY_ONE


# Drafts that came as single reports: nothing is undone by this name, and what nobody files in time goes by it.
ONE_BY_ONE = "single report"


def _batch_id() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('monitoring_intakebatch', 'id'))")
        return int(cursor.fetchone()[0])


def advance(
    staged: Staged, *, by: Person, seconds: float | None = None, progress: Callable[[State], None] | None = None
) -> State:
    """Check and seal rows from where the run stands, for so many seconds or to the end. Stops cleanly at any time.

    Raises Refused while another window checks or keeps it; and where there is no room for what is sealed: the run is then gone,
    and with it what it took.
    """
    until = time.monotonic() + seconds if seconds is not None else None
    with staged.alone(), room_or(staged.forget):
        if not staged.state.started:
            raise Refused(_("Say first what each column holds."), reason="mapping")
        return _advance(staged, staged.state, until, by, progress)


def _advance(
    staged: Staged, state: State, until: float | None, by: Person, progress: Callable[[State], None] | None
) -> State:
    situation = Situation.objects.filter(ref=state.situation).first()
    texts = any(t.partition("/")[0] in rules.TEXTS for t in state.mapping)
    intake = Intake(by, situation=situation, batch_id=state.batch_id, route=state.route, with_texts=texts)
    with (staged.home / "rows").open("r+b") as rows, (staged.home / "items").open("r+b") as items:
        _go_on(intake, rows, items, state)
        for out, at in ((rows, state.rows_at), (items, state.items_at)):
            out.seek(at)
            out.truncate()
        waiting: list[_Stretch] = []

        def write(stretch: _Stretch) -> None:
            drafts, of_drafts = intake.rows(stretch.ready, stretch.asked, stretch.sealed())
            rows.write(b"".join(map(line, drafts)))
            items.write(b"".join(map(line, of_drafts)))
            rows.flush()
            items.flush()
            state.done, state.rows_at, state.items_at = stretch.upto, rows.tell(), items.tell()
            state.superseded += stretch.superseded
            state.kept, state.bad = state.kept + len(drafts) - len(stretch.superseded), state.bad + stretch.bad
            state.repeated, state.corrections = (
                state.repeated + stretch.repeated,
                state.corrections + stretch.corrections,
            )
            state.problems += stretch.problems[: MOST_PROBLEMS - len(state.problems)]
            staged.save()
            if progress:
                progress(state)

        batch: list[readers.Record] = []
        # While the vault seals one stretch, the next is checked. In the vault's own process there is nothing to wait for.
        pool = ThreadPoolExecutor(1) if settings.VAULT_TRANSPORT != "here" else None
        with pool or nullcontext():
            for number, record in enumerate(staged.records(), 1):
                if number <= state.done:
                    continue
                batch.append(record)
                if len(batch) < AT_ONCE and number < state.total:
                    continue
                stretch = _checked(batch, number, intake, state)
                stretch.sealed = (
                    pool.submit(intake.seal, stretch.asked).result if pool else partial(intake.seal, stretch.asked)
                )
                batch = []
                if waiting:
                    write(waiting.pop())
                waiting.append(stretch)
                if until is not None and time.monotonic() >= until:
                    break
            for left in waiting:
                write(left)
    state.finished = state.done == state.total
    staged.save()
    return state


def _go_on(intake: Intake, rows: BinaryIO, items: BinaryIO, state: State) -> None:
    """What this run made ready before it was stopped: which submissions, and which interviews they carry."""
    ref, identity, also, as_of, content = map(COLUMNS.index, ("ref", "identity", "also", "as_of", "content"))
    of: dict[str, str] = {}
    for parts in _before(rows, state.rows_at, content):
        name = parts[identity].decode()
        intake.seen |= dict.fromkeys([name, *json.loads(parts[also])], name)
        intake.written[name] = (parts[ref].decode(), parts[as_of].decode(), parts[content].decode())
        of[parts[ref].decode()] = name
    draft, coded = ITEM_COLUMNS.index("draft_id"), ITEM_COLUMNS.index("coded")
    for parts in _before(items, state.items_at, coded):
        if b'"interview"' in parts[coded] and (named := json.loads(parts[coded]).get("interview")):
            intake.interviews[named] = of[parts[draft].decode()]


def _before(file: BinaryIO, end: int, last: int) -> Iterator[list[bytes]]:
    """The columns up to the last that is asked for, of every row before an end."""
    file.seek(0)
    while file.tell() < end and (one := file.readline()):
        yield one.split(b"\t", last + 1)


WITHDRAWN = rules._(
    "Consent to the report of this submission was withdrawn, so no later version of it is kept: nothing of this row was."
)
TWICE = rules._(
    "An earlier row of this file says exactly the same, so it is kept once. If these are two reports, give each row a number "
    "of its own (submission_id) and bring the file in again."
)
LATE = rules._(
    "This is an older version of a submission, which came after a newer one. The newer one stands and nothing was changed: there is "
    "nothing to mend."
)
EARLIER = rules._("What is here of this submission is a later version than this row, so nothing was changed.")
# Said of a row, and nobody has to do anything about it.
NOTHING_TO_MEND = {LATE, EARLIER}
WITHOUT_ITEMS = rules._(
    "This submission is here with source items; this row has the same time and none, so it cannot be told whether it was edited. "
    "Nothing was changed. A CSV of KoboToolbox holds no items: bring in its XLSX or JSON."
)
NUMBERED_TWICE = rules._(
    "An earlier row of this file has the same number (submission_id) and says something else. That one is kept and this one is "
    "not. If these are two reports, give each a number of its own and bring the file in again."
)
UNEVEN = rules._(
    "This row has %(cells)d cells where the header has %(columns)d, so it cannot be told which cell is what. A text or a number with "
    "a comma in it stands in quotes; write numbers without one. Mend the row and bring the file in again."
)

SWALLOWED = rules._(
    "A cell of this row holds lines that look like rows of the file: a quote seems to be left open, so reports would be lost in it. "
    "Mend the quotes, or join the lines of the text, and bring the file in again."
)
NO_FILE = rules._(
    "The file that this source item names is not in what you sent, so the item is kept without it. Export again with all files, or "
    "attach it to the item once the report is filed."
)


@dataclass
class _Stretch:
    """Rows checked together, on their way to the vault and back."""

    upto: int
    ready: list[Ready]
    asked: list[Texts]
    bad: int
    repeated: int
    corrections: int
    problems: list[Any]
    superseded: list[str] = field(default_factory=list)
    sealed: Callable[[], list[dict[str, bytes]]] = list


def _checked(batch: Sequence[readers.Record], upto: int, intake: Intake, state: State) -> _Stretch:
    good: list[tuple[readers.Record, dict[str, Any], rules.Clean]] = []
    problems: list[Any] = []
    bad = 0
    for record in batch:
        if record.uneven:
            bad += 1
            problems.append([record.number, "", UNEVEN, {"cells": record.uneven, "columns": state.columns}])
            continue
        if record.swallowed:
            bad += 1
            problems.append([record.number, "", SWALLOWED, {}])
            continue
        row = readers.row_of(record.cells, state.mapping)
        if record.items:
            row["items"] = record.items
        clean, wrong = intake.check(record, row)
        if clean is not None:
            good.append((record, row, clean))
            continue
        bad += 1
        problems += [[record.number, name, p.sentence, dict(p.figures)] for name, p in wrong.items()]
    intake.repeated, intake.corrections, intake.wrong, intake.twice = 0, 0, [], []
    ready, held = intake.guarded(intake.new(good)) if good else ([], [])
    held = [*intake.wrong, *held]
    bad += len({record.number for record, _name, _problem in held})
    problems += [[record.number, name, p.sentence, dict(p.figures)] for record, name, p in held]
    problems += [[record.number, SUBMISSION_ID, sentence, {}] for record, sentence in intake.twice]
    problems += [[r.record.number, name, NO_FILE, {}] for r in ready for name in _files_missing(r)]
    again = [r for r in ready if r.identity in intake.written]
    superseded = [intake.written[r.identity][0] for r in again]
    intake.written |= {r.identity: (r.ref, r.record.as_of, r.content) for r in ready}
    corrections = intake.corrections - sum(r.version > 1 for r in again)
    return _Stretch(upto, ready, intake.texts(ready), bad, intake.repeated, corrections, problems, superseded)


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


def whole_lines(path: Path) -> Iterator[str]:
    """A file's lines, about a megabyte at a time, without the end of the last."""
    rest = b""
    with path.open("rb") as f:
        while part := f.read(1 << 20):
            whole, end, rest = (rest + part).rpartition(b"\n")
            if end:
                yield whole.decode()


__all__ = [
    "Arriving",
    "Intake",
    "Staged",
    "State",
    "advance",
    "arrive",
    "begin",
    "line",
    "stage",
    "sweep",
    "whole_lines",
]
