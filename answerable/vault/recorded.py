"""What the vault believes of the record. A row of it is not enough: whoever owns the office's process can put one there."""

from __future__ import annotations

from answerable.engines import tlog
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import keyroom


def entry_of(action: str, subject: str, *, by: str = "") -> Entry | None:
    """The first entry of an act on a subject (by a person, where one is named) that is what was recorded."""
    found = Entry.objects.filter(action=action, subject=subject, **({"actor": by} if by else {})).order_by("index")
    return next((entry for entry in found if is_recorded(entry)), None)


def is_recorded(entry: Entry) -> bool:
    """Whether an entry is what was recorded: its leaf is of this event under the vault's own salt, its row says what the
    event says, and it lies in its place, with nothing before it later and nothing after it earlier.
    """
    event = entry.event
    if not isinstance(event, dict) or entry.at is None or entry.index < 0:
        return False
    (salt,) = keyroom.salts([(entry.index, entry.subject)])
    if salt is None:
        return False
    try:
        leaf = tlog.leaf_commitment(salt, tlog.canonical(event))
    except ValueError:
        return False
    row = {
        "index": entry.index, "at": record.stamp(entry.at), "actor": entry.actor, "role": entry.role,
        "action": entry.action, "subject": entry.subject, "from": entry.from_state, "to": entry.to_state,
        "reason": entry.reason,
    }  # fmt: skip
    if leaf != bytes(entry.leaf) or {name: event.get(name) for name in row} != row:
        return False
    before = Entry.objects.filter(index__lt=entry.index, at__gt=entry.at)
    after = Entry.objects.filter(index__gt=entry.index, at__lt=entry.at)
    return not before.exists() and not after.exists()


def detail(entry: Entry) -> dict[str, object]:
    """What an entry says beside who did what to which; empty where it says nothing."""
    said = entry.event.get("detail") if isinstance(entry.event, dict) else None
    return said if isinstance(said, dict) else {}
