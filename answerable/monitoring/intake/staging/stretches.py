"""A run checked and made ready in stretches, from where it stands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.monitoring.intake import readers, rules
from answerable.monitoring.intake.description import SUBMISSION_ID
from answerable.monitoring.intake.staging import layout, runs, sealing, sentences
from answerable.monitoring.intake.staging.checking import Intake, Ready
from answerable.monitoring.intake.staging.runs import Staged, State
from answerable.monitoring.models import Situation

# Rows sealed in one question to the vault, problems kept for the list.
AT_ONCE, MOST_PROBLEMS = 500, 5000


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
    with runs.room_or(staged.forget):
        for name in ("rows", "items"):
            (staged.home / name).write_bytes(b"")
        staged.save()


def _is_target(name: str) -> bool:
    return readers.target(name) == name


def _batch_id() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('monitoring_intakebatch', 'id'))")
        return int(cursor.fetchone()[0])


@dataclass
class _Stretch:
    """Rows checked together, on their way to the vault and back."""

    upto: int
    ready: list[Ready]
    asked: list[sealing.Texts]
    bad: int
    repeated: int
    corrections: int
    problems: list[Any]
    superseded: list[str] = field(default_factory=list)
    sealed: Callable[[], list[dict[str, bytes]]] = list


def advance(
    staged: Staged, *, by: Person, seconds: float | None = None, progress: Callable[[State], None] | None = None
) -> State:
    """Check and seal rows from where the run stands, for so many seconds or to the end. Stops cleanly at any time.

    Raises Refused while another window checks or keeps it; and where there is no room for what is sealed: the run is then gone,
    and with it what it took.
    """
    until = time.monotonic() + seconds if seconds is not None else None
    with staged.alone(), runs.room_or(staged.forget):
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
            drafts, of_drafts = sealing.rows(intake, stretch.ready, stretch.asked, stretch.sealed())
            rows.write(b"".join(map(layout.line, drafts)))
            items.write(b"".join(map(layout.line, of_drafts)))
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
                    pool.submit(sealing.seal, intake, stretch.asked).result
                    if pool
                    else partial(sealing.seal, intake, stretch.asked)
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
    ref, identity, also, as_of, content = map(layout.COLUMNS.index, ("ref", "identity", "also", "as_of", "content"))
    of: dict[str, str] = {}
    for parts in _before(rows, state.rows_at, content):
        name = parts[identity].decode()
        intake.seen |= dict.fromkeys([name, *json.loads(parts[also])], name)
        intake.written[name] = (parts[ref].decode(), parts[as_of].decode(), parts[content].decode())
        of[parts[ref].decode()] = name
    draft, coded = layout.ITEM_COLUMNS.index("draft_id"), layout.ITEM_COLUMNS.index("coded")
    for parts in _before(items, state.items_at, coded):
        if b'"interview"' in parts[coded] and (named := json.loads(parts[coded]).get("interview")):
            intake.interviews[named] = of[parts[draft].decode()]


def _before(file: BinaryIO, end: int, last: int) -> Iterator[list[bytes]]:
    """The columns up to the last that is asked for, of every row before an end."""
    file.seek(0)
    while file.tell() < end and (one := file.readline()):
        yield one.split(b"\t", last + 1)


def _checked(batch: Sequence[readers.Record], upto: int, intake: Intake, state: State) -> _Stretch:
    good: list[tuple[readers.Record, dict[str, Any], rules.Clean]] = []
    problems: list[Any] = []
    bad = 0
    for record in batch:
        if record.uneven:
            bad += 1
            problems.append([record.number, "", sentences.UNEVEN, {"cells": record.uneven, "columns": state.columns}])
            continue
        if record.swallowed:
            bad += 1
            problems.append([record.number, "", sentences.SWALLOWED, {}])
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
    problems += [[r.record.number, name, sentences.NO_FILE, {}] for r in ready for name in _files_missing(r)]
    again = [r for r in ready if r.identity in intake.written]
    superseded = [intake.written[r.identity][0] for r in again]
    intake.written |= {r.identity: (r.ref, r.record.as_of, r.content) for r in ready}
    corrections = intake.corrections - sum(r.version > 1 for r in again)
    return _Stretch(upto, ready, sealing.texts(intake, ready), bad, intake.repeated, corrections, problems, superseded)


def _files_missing(ready: Ready) -> list[str]:
    """Fields of a row's items that name a file which did not come with it."""
    held = [i.get("attachment") for i in ready.record.items] or [i.attachment for i in ready.clean.items]
    return [f"items.{n}.attachment" for n, h in enumerate(held, 1) if h and not isinstance(h, dict)]
