"""What is sealed, marked and opened, and the salts of entries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.record import log as record
from answerable.vault import actions, doorkeys, standing
from answerable.vault.custody import rules as custody_rules
from answerable.vault.keyroom import recordkeys, roomkeys, seatkeys
from answerable.vault.limits import LIMITS
from answerable.vault.models import IdentityBlock
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("seal", "office")
def seal_fields(
    subject: str, compartment: str, model: str, fields: Mapping[str, str], delivery: str = ""
) -> dict[str, bytes]:
    """Seal the texts of one new object; `delivery`: what it came in with, while that may be taken out again."""
    return roomkeys.seal_fields(subject, compartment, model, fields, delivery)


MOST_AT_ONCE = 2000


@operation("seal_many", "office")
def seal_many(compartment: str, rows: Sequence[Any], delivery: str = "") -> list[dict[str, bytes]]:
    """Seal the texts of many new objects of one compartment: [subject, model, {field: text}, draft] each, draft being the one
    that it is part of, or nothing; `delivery` as in `seal`.
    """
    if len(rows) > MOST_AT_ONCE or not all(isinstance(r, list) and len(r) == 4 for r in rows):
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    return roomkeys.seal_many(compartment, [(str(s), str(m), f, str(d)) for s, m, f, d in rows], delivery)


# What the office may have marked without anyone's session, and how many texts at once: a file by its SHA-256, what a report
# says or its number where it was collected, what an item of a situation's reports says, a request to the interface with its key, a table of counts. Of no other kind:
# who somebody is, by pseudonym or by her code, is asked in the ways below.
MARKED = {"delivery": 1, "submission": MOST_AT_ONCE, "item": MOST_AT_ONCE, "idempotency": 2, "counts": 1}
# Pseudonyms of one organisation's accounts, and of one person's interviews, that a day has.
PSEUDONYMS_A_DAY, INTERVIEWS_A_DAY = 50_000, 100


@operation("marks", "office")
def marks(kind: str, texts: Sequence[str]) -> list[str]:
    """What recognises the same text again and tells nothing about it without a key that is in no database."""
    if kind not in MARKED or (kind == "delivery" and not all(re.fullmatch(r"[0-9a-f]{64}", t) for t in texts)):
        raise Refused(_("There is nothing here for you."), reason="kind")
    if len(texts) > MARKED[kind]:
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    return doorkeys.marks(kind, texts)


@operation("marks_of_pseudonyms", "office")
def marks_of_pseudonyms(person: str, pseudonyms: Sequence[str], token: str = "") -> list[str]:
    """Marks of pseudonyms of people whose accounts an organisation brings in; they mean something within it alone.

    In the session of whoever brings them in, or, for what comes by the interface or a command, for the person it comes
    from. A day has so many for the organisation, whoever asks: nobody tries out what a pseudonym might have been.
    """
    by = sessions.holder(token)[0] if token else standing.at_work(ref=person)
    if by is None or by.ref != person:
        raise Refused(_("There is no such person at work here."), reason="unknown")
    if len(pseudonyms) > MOST_AT_ONCE or any(len(p) > 200 for p in pseudonyms):
        raise Refused(_("Too much at once; send it in smaller parts."), reason="range")
    LIMITS.take(f"pseudonyms {by.body.ref}", len(pseudonyms), most=PSEUDONYMS_A_DAY)
    return doorkeys.marks("person", [f"{by.body.ref}/{p}" for p in pseudonyms])


@operation("mark_of_interview", "office")
def mark_of_interview(token: str, pseudonym: str) -> str:
    """The mark by which interviews with one person are counted within an organisation, in the session of whoever asks.

    The same as of her accounts: who was interviewed under a pseudonym and who told under it is one person (R-VER-1).
    """
    by = sessions.holder(token)[0]
    authority.require(by, "bring_in_reports", Place("intake"))
    LIMITS.take(f"interviews {by.ref}", 1, most=INTERVIEWS_A_DAY)
    return doorkeys.marks("person", [f"{by.body.ref}/{pseudonym}"])[0]


@operation("seal_identity", "office")
def seal_identity(subject: str, fields: Mapping[str, str]) -> bool:
    """Seal who someone is for the three seats: once, and nothing but the fields that an opening can name."""
    if not subject or "|" in subject or not fields or not set(fields) <= set(custody_rules.fields()):
        raise Refused(_("An identity is made of the fields the vault knows, each a text."), reason="fields")
    if IdentityBlock.objects.filter(subject=subject).exists():
        raise Refused(_("An identity is sealed here already; it is not replaced."), reason="exists")
    seatkeys.seal_identity(subject, fields)
    return True


@operation("put_data_key", "office")
def put_data_key(subject: str, compartment: str, key: bytes, delivery: str = "") -> bool:
    """Keep an upload's one-time key for its compartment; `delivery` as in `seal`."""
    roomkeys.put_data_key(subject, compartment, key, delivery)
    return True


# Entries of one transaction, which the vault does not see before it ends.
MOST_IN_A_TRANSACTION = 10_000


@operation("salt", "office")
def salt(index: int, subject: str) -> bytes:
    """The salt of an entry that is being made: the record's next, or one further on in a transaction that is under way.

    Asked again it is the same, so that what was rolled back is made again. Never for an index that has its entry.
    """
    ends = record.ends()
    if not ends <= index < ends + MOST_IN_A_TRANSACTION:
        raise Refused(_("A salt is given for an entry that is being made, and for no other."), reason="index")
    return recordkeys.salt(index, subject)


@operation("salts", "office")
def salts(pairs: Sequence[tuple[int, str]]) -> list[bytes | None]:
    """Salts of many record entries, for an export."""
    return recordkeys.salts(pairs)


@operation("open", "office")
def open_fields(token: str, ref: str, fields: Sequence[str], purpose: str) -> dict[str, str]:
    """Sealed fields of one object in plain text, to be read here (`opened_for`)."""
    return opened_for(token, ref, fields, purpose)


def opened_for(token: str, ref: str, fields: Sequence[str], purpose: str, *, leaves: str = "") -> dict[str, str]:
    """Sealed fields of one object in plain text: policy, live consent, daily budget, the record, then the key.

    What the person may not see is answered like what does not exist. `leaves`: why it leaves the office, where it does.
    """
    person, private = sessions.reader(token)
    obj, blobs = actions.enter_opening(str(ref), list(fields), purpose=purpose, leaves=leaves, by=person)
    return roomkeys.open_fields(obj.ref, obj.compartment, type(obj).__name__, blobs, person=person.ref, private=private)
