"""What the vault itself answers about shredding: it trusts nobody's word that something is due."""

from __future__ import annotations

from collections import Counter

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines import tlog
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import keyroom, operations
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import SHREDDED, SHREDDING, Withdrawal
from answerable.vault.service import operation


@operation("shred", "office")
def shred(withdrawal: str) -> dict[str, int]:
    """Destroy every key of what a withdrawal closes. Doing it twice does no harm, so a crash is repaired by asking again.

    The vault looks for itself: the withdrawal is of everything, was not undone, its fourteen days are over by the
    vault's own clock, and the record holds the entry of that day that binds the very list of references, in its place
    among its neighbours. Of that list only what is hers goes (`_hers`). Entered before a key goes. Raises Refused
    otherwise, and then no key was touched.
    """
    with reading_as(CLOCK):
        row = Withdrawal.objects.filter(ref=withdrawal).first()
        said = Entry.objects.filter(subject=withdrawal, action="consent withdrawn").order_by("index").first()
        borne_out = said is not None and _in_its_place(said)
        hers = _hers(row) if row is not None else []
    now = clock.now()
    if (
        row is None
        or row.status not in (SHREDDING, SHREDDED)
        or not rules.may_be_shredded(total=row.total, status=row.status, undo_until=row.undo_until, at=now)
    ):
        raise Refused("The vault finds no withdrawal of everything whose fourteen days are over.", reason="not_due")
    event = said.event if said is not None else None
    if (
        said is None
        or said.at is None
        or not borne_out
        or (now - said.at).days < rules.UNDO_DAYS
        or not isinstance(event, dict)
        or event["detail"].get("closes_sha256") != queries.digest(row.parts)
        or event["detail"].get("purposes") != [rules.EVERYTHING]
    ):
        raise Refused("The record does not bear this withdrawal out, so the vault keeps the keys.", reason="not_due")
    kinds = dict(sorted(Counter(ref[:3] for ref in hers).items()))
    left = len(set(row.parts)) - len(hers)
    if keyroom.has_keys(hers):
        with operations.entered_first("keys shredded", withdrawal, act="shred_withdrawn", by=CLOCK) as detail:
            detail |= {"kinds": kinds, "left": left}
            counts = keyroom.shred(hers)
    else:
        counts = keyroom.shred(hers)
    for answer in question("shred_keys").ask(hers):
        counts.update(answer)
    # Named to be closed, and not hers by what stands today: its keys stay, and the record says how many.
    return counts | ({"left": left} if left else {})


def _hers(row: Withdrawal) -> list[str]:
    """Of what a withdrawal names, what belongs to its subject by what the vault finds, and is of a kind that is shredded."""
    found = set(queries.parts_of(row.subject))
    return sorted({ref for ref in row.parts if ref in found and ref[:3] in rules.SHREDDED_KINDS})


def _in_its_place(said: Entry) -> bool:
    """Whether an entry is what was recorded, at the time it says: nothing before it is later, nothing after it earlier."""
    (salt,) = keyroom.salts([(said.index, said.subject)])
    event = said.event
    if salt is None or not isinstance(event, dict) or said.at is None:
        return False
    if tlog.leaf_commitment(salt, tlog.canonical(event)) != bytes(said.leaf) or event["index"] != said.index:
        return False
    if event["at"] != record.stamp(said.at) or event["action"] != said.action or event["subject"] != said.subject:
        return False
    before = Entry.objects.filter(index__lt=said.index, at__gt=said.at)
    after = Entry.objects.filter(index__gt=said.index, at__lt=said.at)
    return not before.exists() and not after.exists()
