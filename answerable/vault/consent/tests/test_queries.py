"""Whose receipts a person may see, asked of a small database."""

from __future__ import annotations

import pytest

from answerable.alliance.models import Body, Person
from answerable.authority.acting import set_scope
from answerable.common import clock
from answerable.record import log as record
from answerable.vault.consent import queries
from answerable.vault.consent.models import Withdrawal

pytestmark = [pytest.mark.django_db, pytest.mark.writes_freely]


def test_who_undid_or_carried_out_a_withdrawal_has_not_written_it_down(monkeypatch):
    """The receipt is for whoever wrote it down: no other act on it makes it theirs to read."""
    monkeypatch.setattr(queries.authority, "allows", lambda _by, name, _place: name == "see_receipts")
    set_scope(["*"])
    body = Body.objects.create(name="Who hears", kind=Body.ORGAN)
    wrote, other = (Person.objects.create(handle=h, name=h.title(), body=body) for h in ("hears-one", "hears-other"))
    now = clock.now()
    made = Withdrawal.objects.create(
        compartment="monitoring", subject="ITM-1", asked_at=now, undo_until=now, heard_through="phone"
    )
    record.append("consent withdrawn", made, by=wrote)
    for act in ("withdrawal carried out", "withdrawal effect done", "withdrawal undone", "sealed field read"):
        record.append(act, made, by=other)
    assert list(queries.receipts(wrote)) == [made] and not queries.receipts(other).exists()
