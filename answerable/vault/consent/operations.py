"""What the vault itself answers about shredding: it trusts nobody's word that something is due."""

from __future__ import annotations

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.record.models import Entry
from answerable.vault import keyroom
from answerable.vault.consent import queries, rules
from answerable.vault.consent.models import SHREDDED, SHREDDING, Withdrawal
from answerable.vault.service import operation


@operation("shred", "office")
def shred(withdrawal: str) -> dict[str, int]:
    """Destroy every key of what a withdrawal closes. Doing it twice does no harm, so a crash is repaired by asking again.

    The vault looks for itself: the withdrawal is of everything, was not undone, its fourteen days are over by the
    vault's own clock, and the record holds the entry of that day that binds the very list of references. Raises
    Refused otherwise, and then no key was touched.
    """
    with reading_as(CLOCK):
        row = Withdrawal.objects.filter(ref=withdrawal).first()
        said = Entry.objects.filter(subject=withdrawal, action="consent withdrawn").order_by("index").first()
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
        or (now - said.at).days < rules.UNDO_DAYS
        or not isinstance(event, dict)
        or event["detail"].get("closes_sha256") != queries.digest(row.parts)
        or event["detail"].get("purposes") != [rules.EVERYTHING]
    ):
        raise Refused("The record does not bear this withdrawal out, so the vault keeps the keys.", reason="not_due")
    counts = keyroom.shred(row.parts)
    for answer in question("shred_keys").ask(list(row.parts)):
        counts.update(answer)
    return counts
