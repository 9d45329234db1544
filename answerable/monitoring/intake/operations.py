"""What the vault answers for taking reports in. Imported in the vault process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, Place
from answerable.channel import codes
from answerable.channel.models import Thread
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import staging
from answerable.monitoring.models import Incident, SourceItem
from answerable.record.models import Entry
from answerable.vault import doorkeys, keyroom, operations
from answerable.vault.consent import queries as consents
from answerable.vault.limits import LIMITS
from answerable.vault.models import IdentityBlock
from answerable.vault.service import operation

# Purposes under which an account that exists may be used instead of asking again, in the order they are offered.
SHARED_INSTEAD = ("CP-MONI", "CP-FIND", "CP-CRIM", "CP-UNIT", "CP-CLAI")

# What the record says of a draft that is none of a report.
OF_A_DRAFT = ("draft received", "draft set aside")


@operation("shred_undone", "office")
def shred_undone(token: str, batch: str) -> int:
    """Destroy the keys of a delivery's drafts once it is undone; returns how many. Entered before they go.

    In the live session of someone of the organisation that brought it, freshly confirmed. Only keys that were bound to
    this delivery when they were sealed, never an identity, and none at all once a report of it was filed: neither the
    record nor what lives here may know any of these references. What the office's rows say of drafts is not asked.
    """
    with reading_as(CLOCK):
        row = m.IntakeBatch.objects.select_related("organisation").filter(ref=batch).exclude(undone_at=None).first()
    if row is None:
        operations.holder(token)
        raise Refused(_("That delivery is not undone, so its keys stay."), reason="nothing")
    by = operations.vouched_on(token, "undo_reports", row)
    subjects = keyroom.came_with(staging.delivery(row.pk))
    _never_filed(batch, sorted({s.partition("/")[0] for s in subjects}))
    if not subjects:
        return 0
    with operations.entered_first("keys of a delivery destroyed", batch, act="undo_reports", by=by) as detail:
        detail["keys"] = gone = keyroom.shred_delivery(staging.delivery(row.pk), subjects)
    return gone


def _never_filed(batch: str, refs: Sequence[str]) -> None:
    """Raises Refused when any of these became a report: it lives, or the record says that it was filed."""
    with reading_as(CLOCK):
        filed = {
            ref
            for several in Entry.objects.filter(action="reports filed from a delivery").values_list(
                "event__detail__filed", flat=True
            )
            for ref in several or ()
        }
        # The texts of a correction that was taken over stay beside the report's own.
        filed |= set(
            Entry.objects.filter(action="report corrected").values_list("event__detail__correction", flat=True)
        )
        for start in range(0, len(refs), 5000):
            some = refs[start : start + 5000]
            if (
                not filed.isdisjoint(some)
                or Incident.objects.filter(ref__in=some).exists()
                or SourceItem.objects.filter(ref__in=some).exists()
                or IdentityBlock.objects.filter(subject__in=some).exists()
                or Entry.objects.filter(subject__in=some).exclude(action__in=OF_A_DRAFT).exists()
            ):
                raise Refused(_("A report of this delivery was filed, so its keys stay."), reason="relied_upon")


@operation("told_before", "office")
def told_before(token: str, code: str) -> dict[str, Any]:
    """Whether the person whose code this is told something here before, and what may be used of it instead: no more.

    Says nothing of who she is, of what she told, or where. The mark counts interviews; it is no name. Whatever was
    typed costs the same work. Raises Refused for a mistyped code, and for too many tries.
    """
    person, _session, _private = operations.holder(token)
    authority.require(person, "bring_in_reports", Place("intake"))
    found = codes.read(code)
    if found is None:
        raise Refused(
            _("A digit seems to be different from what you were given. Look again, slowly: 24 digits in six groups."),
            reason="mistyped",
        )
    LIMITS.try_once(f"told {person.ref}", live=True)
    opening = doorkeys.enter(found, "")
    with reading_as(CLOCK):
        thread = Thread.objects.filter(ref=opening.channel).first() if opening.known else None
        about = thread.about_ref if thread is not None else ""
        live = set(consents.in_force(about)) if about else set()
    if thread is None:
        return {"told": False, "share": [], "mark": ""}
    LIMITS.succeeded(f"told {person.ref}")
    (mark,) = doorkeys.marks("person", [thread.ref])
    return {"told": True, "share": [p for p in SHARED_INSTEAD if p in live], "mark": mark}
