"""Appending to the record and reading it back. The only module that writes record tables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import DatabaseError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines import tlog
from answerable.record.models import Checkpoint, Cosignature, Entry, Head, Reliance, Witness

PAD_TO = 64


class Actor(Protocol):
    """Whoever answers for a change: a person's pseudonym and the role acted in."""

    @property
    def ref(self) -> str: ...


def append(
    action: str,
    subject: Any,
    *,
    by: Any,
    from_state: str = "",
    to_state: str = "",
    reason: str = "",
    role: str = "",
    detail: Mapping[str, Any] | None = None,
    policy: str = "",
    head: Head | None = None,
) -> Entry:
    """Append one event in the caller's transaction and return it; `head` is what `hold` gave, if it was held before.

    The lock on the single head row orders appends by commit, so indexes have no gap and each event names the leaf
    of the one before it (R-AUD-1). `detail` holds codes, references, numbers and hashes only.

    Times never run backwards and are those of the database's clock within a minute. Raises Refused when the machine's clock
    says otherwise, and ValueError outside a transaction: an act and its entry stand or fall together.
    """
    if not connection.in_atomic_block:
        raise ValueError("The record is appended to inside the transaction of the act it records.")
    head = head or hold()
    at = _after(head.last_at)
    event = {
        "v": 1,
        "index": head.size,
        "at": stamp(at),
        "actor": by.ref,
        "role": role,
        "action": action,
        "subject": subject if isinstance(subject, str) else subject.ref,
        "from": from_state,
        "to": to_state,
        "reason": reason,
        "detail": dict(detail or {}),
        "policy": policy,
        "prev": bytes(head.last_event_leaf).hex(),
    }
    # Salts live with the keys and are shredded there; without the vault nothing can be recorded, so nothing is done.
    (salt,) = question("record_salt").ask(head.size, event["subject"])
    leaf = tlog.leaf_commitment(salt, tlog.canonical(event))
    entry = Entry(
        index=head.size,
        leaf=leaf,
        event=event,
        at=at,
        actor=event["actor"],
        role=role,
        action=action,
        subject=event["subject"],
        from_state=from_state,
        to_state=to_state,
        reason=reason,
    )
    try:
        entry.save(force_insert=True)
    except DatabaseError as no:
        if getattr(no.__cause__, "sqlstate", "") != OUT_OF_TIME:
            raise
        raise Refused(
            _("This machine's clock and the database's do not agree, and nothing is entered out of its time. Set both right "
              "by the same source, then try again."),
            reason="clock",
        ) from None  # fmt: skip
    head.size += 1
    head.last_event_leaf, head.last_at = leaf, at
    head.save(update_fields=["size", "last_event_leaf", "last_at"])
    for listener in listeners:
        listener(entry)
    return entry


# A clock that is set right, by so little, does not stop the office; the entry then has the time of the one before it.
SET_RIGHT = timedelta(minutes=1)
# How the database says that an entry is out of its time (config/grants.py).
OUT_OF_TIME = "AE002"


def stamp(at: datetime) -> str:
    """An instant as events write it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _after(last: datetime | None) -> datetime:
    """Now, and never before the last entry. Raises Refused."""
    now = clock.now()
    if last is None or now >= last:
        return now
    if last - now > SET_RIGHT:
        raise Refused(
            _("This machine's clock says %(now)s, which is before the last entry of the record (%(last)s), and nothing is "
              "entered out of its time. If the clock is wrong, set it right and try again. If the entry is, tell whoever runs "
              "the machines.") % {"now": f"{now:%Y-%m-%d %H:%M} UTC", "last": f"{last:%Y-%m-%d %H:%M} UTC"},
            reason="clock",
        )  # fmt: skip
    return last


# Called with each new entry, in its transaction (the action decorator counts entries here).
listeners: list[Any] = []


def rely(dependent: str, bases: Iterable[str], why: str, *, since: int) -> None:
    """Note that `dependent` rests on each of `bases` for the reason `why`; an edge already live is left alone."""
    live = set(Reliance.objects.filter(dependent=dependent, why=why, until=None).values_list("basis", flat=True))
    Reliance.objects.bulk_create(
        Reliance(dependent=dependent, basis=basis, why=why, since=since)
        for basis in dict.fromkeys(bases)
        if basis not in live
    )


def dependents(basis: str) -> list[Reliance]:
    """Live edges to what relies directly on `basis` (what follows from it)."""
    return list(Reliance.objects.filter(basis=basis, until=None).order_by("id"))


def bases(dependent: str) -> list[Reliance]:
    """Live edges to what `dependent` rests on directly (why it stands)."""
    return list(Reliance.objects.filter(dependent=dependent, until=None).order_by("id"))


def upward(basis: str) -> list[str]:
    """Every reference that relies on `basis`, directly or not, nearest first (R-FND-5). Cycles are walked once."""
    seen: dict[str, None] = {}
    frontier = [basis]
    while frontier:
        found = (
            Reliance.objects.filter(basis__in=frontier, until=None).order_by("id").values_list("dependent", flat=True)
        )
        frontier = [ref for ref in dict.fromkeys(found) if ref not in seen and ref != basis]
        seen.update(dict.fromkeys(frontier))
    return list(seen)


def history(subject: str) -> list[Entry]:
    """All entries about one reference, oldest first."""
    return list(Entry.objects.filter(subject=subject).order_by("index"))


def ends() -> int:
    """The index of the next entry, counted in the entries themselves: the head is a row like others."""
    last: int | None = Entry.objects.aggregate(last=Max("index"))["last"]
    return 0 if last is None else last + 1


def leaves() -> list[bytes]:
    """All leaf values in order."""
    return [bytes(leaf) for leaf in Entry.objects.order_by("index").values_list("leaf", flat=True).iterator(5000)]


@transaction.atomic
def make_checkpoint(signer: tlog.Signer, origin: str) -> Checkpoint | None:
    """Pad the record to a multiple of 64 with random leaves and sign its size and root (security.md §2.7).

    Returns None when nothing was appended since the last checkpoint, so an idle day adds nothing.
    """
    head = hold()
    last = Checkpoint.objects.order_by("-size").first()
    if head.size == 0 or (last and last.size == head.size):
        return None
    padding = -head.size % PAD_TO
    Entry.objects.bulk_create(Entry(index=head.size + i, leaf=os.urandom(32)) for i in range(padding))
    head.size += padding
    head.save(update_fields=["size"])
    root = tlog.root(leaves())
    text = tlog.sign_checkpoint(signer, origin=origin, size=head.size, root=root)
    return Checkpoint.objects.create(size=head.size, root=root, text=text, made_at=clock.now())


def hold(**also: Any) -> Head:
    """Take the lock that orders appends now, so that what the caller checks still stands when it appends.

    Returns the head, with the expressions in `also` read together with it.
    """
    head: Head = Head.objects.annotate(**also).select_for_update().get(pk=1)
    work = _work()
    _held_in.set(work[0] if work else None)
    return head


# Locks in the keys' database come before the record's head: two databases see no circle between them. So whoever holds the
# head seals nothing more (`seal first, then append`), and the code that would is refused (`keys_before_head`).
_held_in: ContextVar[Any] = ContextVar("record_head_held_in", default=None)
_begun_at: ContextVar[int] = ContextVar("work_began_at", default=0)


def _work() -> list[Any]:
    """The transactions of the present piece of work, the outermost first; one that a test wraps around itself is none."""
    blocks: list[Any] = connection.atomic_blocks[_begun_at.get() :]
    return [b for b in blocks if not getattr(b, "_from_testcase", False)]


def apart() -> None:
    """From here on, in the present context, a piece of work of its own begins inside whatever transaction is open."""
    _begun_at.set(len(connection.atomic_blocks))


def holds_head() -> bool:
    """Whether the transaction under way on this thread has appended, or took the lock that orders appends."""
    held = _held_in.get()
    return held is not None and any(held is block for block in connection.atomic_blocks)


def keys_before_head() -> None:
    """Raises ValueError where a lock in the keys' database would be waited for with the record's head in hand."""
    if holds_head():
        raise ValueError("the keys are locked before the record's head: seal first, then append")


def keep_witness(key: tlog.VerifierKey, kind: str) -> Witness:
    """Put a witness on the roster. Called by the action that decided and records it."""
    return Witness.objects.create(name=key.name, kind=kind, vkey=str(key), public=key.public, entered_at=clock.now())


def keep_cosignature(checkpoint: Checkpoint, witness: Witness, line: str, signed_at: datetime) -> Cosignature:
    """Keep a signature line that has been checked. Called by the action that checked and records it."""
    return Cosignature.objects.create(
        checkpoint=checkpoint, witness=witness, line=line, signed_at=signed_at, brought_at=clock.now()
    )


def opened_events() -> Iterable[tuple[int, bytes, bytes]]:
    """(index, salt, canonical event) of each leaf whose salt still exists, in order."""
    rows = Entry.objects.exclude(event=None).order_by("index").values_list("index", "subject", "event")
    batch: list[tuple[int, str, Any]] = []
    for row in rows.iterator(2000):
        batch.append(row)
        if len(batch) == 2000:
            yield from _opened(batch)
            batch = []
    yield from _opened(batch)


def opened(entries: Iterable[Entry]) -> Iterable[tuple[int, bytes, bytes, bytes]]:
    """(index, leaf, salt, canonical event) of each of some entries whose salt still exists, in order."""
    rows = sorted(entries, key=lambda e: e.index)
    leaf = {e.index: bytes(e.leaf) for e in rows}
    for index, salt, event in _opened([(e.index, e.subject, e.event) for e in rows]):
        yield index, leaf[index], salt, event


def shredded() -> Iterable[tuple[int, str]]:
    """(index, kind of what it was about) of each event whose salt is gone, in order: the kind alone, never which one."""
    rows = list(Entry.objects.exclude(event=None).order_by("index").values_list("index", "subject"))
    for start in range(0, len(rows), 2000):
        some = rows[start : start + 2000]
        (salts,) = question("record_salts").ask([[index, subject] for index, subject in some])
        yield from ((index, subject[:3]) for (index, subject), salt in zip(some, salts, strict=True) if salt is None)


def _opened(rows: list[tuple[int, str, Any]]) -> Iterable[tuple[int, bytes, bytes]]:
    if not rows:
        return
    (salts,) = question("record_salts").ask([[index, subject] for index, subject, _event in rows])
    for (index, _subject, event), salt in zip(rows, salts, strict=True):
        if salt is not None:
            yield index, salt, tlog.canonical(event)
