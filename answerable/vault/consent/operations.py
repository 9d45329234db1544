"""What the vault itself answers about shredding: it trusts nobody's word that something is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault import recorded
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import SHREDDED, SHREDDING, Withdrawal
from answerable.vault.keyroom import shredding
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("shred", "office")
def shred(withdrawal: str) -> dict[str, int]:
    """Destroy every key of what a withdrawal closes. Doing it twice does no harm, so a crash is repaired by asking again.

    The vault looks for itself: the withdrawal is of everything, its fourteen days are over by the vault's own clock, and
    the record holds the entry of that day that binds the very list of references (`recorded`), and none that she took it
    back. Of that list only what is hers goes, and what came to it since (`_hers`). Entered before a key
    goes. Raises Refused otherwise, and then no key was touched.
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
    left = len(set(row.parts) - set(hers))
    if shredding.has_keys(hers):
        with sessions.entered_first("keys shredded", withdrawal, act="shred_withdrawn", by=CLOCK) as detail:
            detail |= {"kinds": kinds, "left": left}
            counts = shredding.shred(hers)
    else:
        counts = shredding.shred(hers)
    for answer in question("shred_keys").ask(hers):
        counts.update(answer)
    # Named to be closed, and not hers by what stands today: its keys stay, and the record says how many.
    return counts | ({"left": left} if left else {})


def _hers(row: Withdrawal) -> list[str]:
    """What belongs to a withdrawal's subject by what the vault finds, is of a kind that is shredded, and is named: by the
    withdrawal, or by what was recorded of something it names (a message she left since).
    """
    found, named = set(queries.parts_of(row.subject)), set(row.parts)
    since = {ref for ref in found - named if ref[:3] in rules.COME_SINCE}
    return sorted({ref for ref in found & named if ref[:3] in rules.SHREDDED_KINDS} | _recorded(since, row.parts))


def _recorded(refs: Set[str], parts: Sequence[str]) -> set[str]:
    """Those of these references that an entry about one of `parts` names, and is what was entered (`recorded`)."""
    named: set[str] = set()
    for entry in Entry.objects.filter(subject__in=parts) if refs else ():
        said = refs & {v for v in recorded.detail(entry).values() if isinstance(v, str)}
        if said - named and recorded.is_entered(entry):
            named |= said
    return named
