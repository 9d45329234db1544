"""What the vault itself answers about shredding: it trusts nobody's word that something is due."""

from __future__ import annotations

from collections import Counter

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault import keyroom, operations, recorded
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import SHREDDED, SHREDDING, Withdrawal
from answerable.vault.service import operation


@operation("shred", "office")
def shred(withdrawal: str) -> dict[str, int]:
    """Destroy every key of what a withdrawal closes. Doing it twice does no harm, so a crash is repaired by asking again.

    The vault looks for itself: the withdrawal is of everything, its fourteen days are over by the vault's own clock, and
    the record holds the entry of that day that binds the very list of references (`recorded`), and none that she took it
    back. Of that list only what is hers goes (`_hers`). Entered before a key goes. Raises Refused otherwise, and then no
    key was touched.
    """
    with reading_as(CLOCK):
        row = Withdrawal.objects.filter(ref=withdrawal).first()
        said = recorded.entry_of("consent withdrawn", withdrawal)
        undone = Entry.objects.filter(subject=withdrawal, action="withdrawal undone").exists()
        hers = _hers(row) if row is not None else []
    now = clock.now()
    if (
        row is None
        or row.status not in (SHREDDING, SHREDDED)
        or not rules.may_be_shredded(total=row.total, status=row.status, undo_until=row.undo_until, at=now)
    ):
        raise Refused("The vault finds no withdrawal of everything whose fourteen days are over.", reason="not_due")
    if undone:
        raise Refused(
            "She took this withdrawal back, as the record says, so the vault keeps the keys.", reason="not_due"
        )
    if (
        said is None
        or said.at is None
        or (now - said.at).days < rules.UNDO_DAYS
        or recorded.detail(said).get("closes_sha256") != queries.digest(row.parts)
        or recorded.detail(said).get("purposes") != [rules.EVERYTHING]
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
