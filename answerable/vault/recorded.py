"""What the vault believes of the record. A row of it is not enough: whoever owns the office's process can put one there."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from answerable.engines import tlog
from answerable.record import log as record
from answerable.record.models import Entry, Head
from answerable.vault import doorkeys
from answerable.vault.keyroom import recordkeys


def entry_of(action: str, subject: str, *, by: str = "") -> Entry | None:
    """The first entry of an act on a subject (by a person, where one is named) that is what was recorded."""
    found = Entry.objects.filter(action=action, subject=subject, **({"actor": by} if by else {})).order_by("index")
    return next((entry for entry in found if is_recorded(entry)), None)


def is_recorded(entry: Entry) -> bool:
    """Whether an entry is what was recorded: its leaf is of this event under the vault's own salt, its row says what the
    event says, and it lies in its place, with nothing before it later and nothing after it earlier.
    """
    if not is_entered(entry):
        return False
    before = Entry.objects.filter(index__lt=entry.index, at__gt=entry.at)
    after = Entry.objects.filter(index__gt=entry.index, at__lt=entry.at)
    return not before.exists() and not after.exists()


def is_entered(entry: Entry) -> bool:
    """Whether an entry's leaf is of its event under the vault's own salt, and its row says what the event says."""
    event = entry.event
    if not isinstance(event, dict) or entry.at is None or entry.index < 0:
        return False
    (salt,) = recordkeys.salts([(entry.index, entry.subject)])
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
    return leaf == bytes(entry.leaf) and {name: event.get(name) for name in row} == row


def detail(entry: Entry) -> dict[str, object]:
    """What an entry says beside who did what to which; empty where it says nothing."""
    said = entry.event.get("detail") if isinstance(entry.event, dict) else None
    return said if isinstance(said, dict) else {}


# --- what only the vault can say ----------------------------------------------------------------------------------

WORD = "vault"


def word(kind: str, said: Mapping[str, Any]) -> str:
    """What only the vault can say of something: an entry of the office has it when the vault was told in a live session."""
    return doorkeys.marks(kind, [tlog.canonical(dict(said)).decode()])[0]


def has_word(entry: Entry, said: Mapping[str, Any]) -> bool:
    """Whether an entry has the vault's word on this (64 hex digits)."""
    return hmac.compare_digest(str(detail(entry).get(WORD, "")).encode(), word(entry.action, said).encode())


def with_word(
    action: str, subject: str, *, actor: str, says: Mapping[str, Any], reason: str = "", head: Head
) -> dict[str, Any]:
    """The detail of an entry that the vault itself makes next, `head` in hand: what it says, and the word that it is so."""
    return {**says, WORD: word(action, _of(head.size, subject, actor, reason, says))}


def _of(index: int, subject: str, actor: str, reason: str, says: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": index, "subject": subject, "actor": actor, "reason": reason, "says": dict(says)}


def is_the_vaults(entry: Entry) -> bool:
    """Whether the vault itself made this entry, in this place and saying this."""
    says = {name: value for name, value in detail(entry).items() if name != WORD}
    try:
        return has_word(entry, _of(entry.index, entry.subject, entry.actor, entry.reason, says))
    except ValueError:  # it holds what no entry of ours can
        return False


def the_vaults(found: Iterable[Entry]) -> Iterator[Entry]:
    """Those of these entries, of acts that the vault enters itself, which it did enter; in their order.

    One from before the vault said so, in an alliance that was founded before, is believed when it is what was recorded.
    """
    from_before: Callable[[Entry], bool] | None = None
    for entry in found:
        if is_the_vaults(entry):
            yield entry
        elif WORD not in detail(entry):
            from_before = from_before or _from_before(entry.action)
            if from_before(entry):
                yield entry


def _from_before(action: str) -> Callable[[Entry], bool]:
    founded = Entry.objects.filter(action="vault founded").order_by("index").first()
    if founded is not None and WORD in detail(founded):
        return lambda entry: False
    first = Entry.objects.filter(action=action, event__detail__has_key=WORD).order_by("index").first()
    return lambda entry: (first is None or entry.index < first.index) and is_recorded(entry)
