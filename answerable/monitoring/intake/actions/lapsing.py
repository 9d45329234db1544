"""What nobody filed in time, and runs that nobody came back to."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.intake.actions import emptying, filing, interviewing
from answerable.monitoring.intake.staging import runs
from answerable.record import log as record
from answerable.vault import client


@action("let_drafts_lapse")
def let_drafts_lapse(*, by: HasPrincipal) -> int:
    """Empty the next five hundred drafts, and reports begun, that are older than ninety days (domain.md §7.3); returns how many.

    Their keys are destroyed after the commit; their sealed files go with quarantine's next sweep. Raises Refused when
    there is none.
    """
    authority.require(by, "let_drafts_lapse", Place("intake"))
    since = queries.kept_since()
    late = list(queries.late_drafts(since).select_for_update().order_by("pk")[: filing.FILED_AT_ONCE])
    begun = m.BegunReport.objects.filter(saved_at__lt=since).exclude(answers={}).update(answers={}, done=True)
    answered, _each = m.Answered.objects.filter(at__lt=since).delete()
    if not (late or begun or answered):
        raise Refused(_("No draft is that old."), reason="none")
    refs = [d.ref for d in late]
    for d in late:
        if d.looks_like:
            m.Draft.objects.filter(looks_like=d.ref).update(looks_like=d.looks_like)
    lapsed = m.Draft.objects.filter(pk__in=[d.pk for d in late])
    emptying.emptied(lapsed, m.LAPSED)
    for organisation in {d.organisation_id for d in late}:
        interviewing.let_go([d.identity for d in late if d.organisation_id == organisation], organisation)
    # Not even the marks stay: the same report may come again, and is then new.
    lapsed.update(identity="", also=[], content="", hints=[], looks_like="")
    record.append("drafts lapsed", "INTAKE", by=by, detail={"drafts": refs, "begun": begun, "answers": answered})
    if refs:
        # Keys go after the commit: the vault looks for itself whether they have lapsed.
        transaction.on_commit(lambda: client.ask("shred_lapsed", drafts=refs))
    return len(late) + begun + answered


def owed() -> int:
    """What the worker does for intake, every minute: unfinished runs swept, drafts that nobody filed in time deleted."""
    runs.sweep()
    done = 0
    while True:
        with reading_as(CLOCK):
            if not queries.anything_late():
                return done
        done += let_drafts_lapse(by=CLOCK)
