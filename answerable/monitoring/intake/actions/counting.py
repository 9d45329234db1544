"""Tables of counts of services, kept and taken out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import connection
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.intake import counts as service_counts
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.models import Situation
from answerable.record import log as record


@action("bring_in_counts")
def bring_in_counts(
    situation: Situation, table: Sequence[service_counts.Cell], *, replacing: Collection[str] = (), by: Person
) -> m.ServiceCounts:
    """Keep a table of counts by type, month and area (GBVIMS). Cells too small to keep are kept without their number.

    Where it repeats cells of earlier tables of the organisation its own hold from now on; `replacing` names the tables of
    which that was said before. Raises Refused for the very table again, and where it would replace what was not said.
    """
    authority.require(by, "bring_in_counts", situation)
    with (
        connection.cursor() as cursor
    ):  # one table of a situation at a time, so that none replaces what it was not shown
        cursor.execute("SELECT pg_advisory_xact_lock(7305, %s::int)", [situation.pk])
    cells = service_counts.guarded(table)
    mark = queries.mark_of_counts(by.body, situation, cells)
    replaced = {ref for _cell, _before, ref in queries.counted_again(by.body, situation, cells)}
    if replaced - set(replacing):
        raise Refused(
            _("Cells of this table were brought in before. Look at what it replaces, and send it again."),
            reason="replaces",
        )
    made = m.ServiceCounts.objects.create(
        compartment=queries.compartment_of(by), organisation=by.body, situation=situation, mark=mark,
        cells=[list(c) for c in cells], brought_at=clock.now(), brought_by=by,
    )  # fmt: skip
    record.append(
        "service counts brought in", made, by=by,
        detail={"situation": situation.ref, "cells": len(made.cells), "withheld": sum(c[3] is None for c in made.cells),
                **({"replaces": sorted(replaced)} if replaced else {})},
    )  # fmt: skip
    return made


@action("take_out_counts")
def take_out_counts(counts: m.ServiceCounts, *, why: str, by: Person) -> m.ServiceCounts:
    """Take a table of counts out, for one of the reasons of counts.WHY_OUT. It stays in the history, said as taken out, and what
    it had replaced holds again; where a cell could point to someone, its cells are emptied.
    """
    counts = m.ServiceCounts.objects.select_for_update().get(pk=counts.pk)
    authority.require(by, "take_out_counts", counts)
    if counts.taken_out_at:
        raise Refused(_("That table was taken out already."), reason="lifecycle")
    if why not in service_counts.WHY_OUT:
        raise Refused(_("Give one of the reasons listed for this decision."), reason="reason")
    counts.taken_out_at, counts.taken_out_by, counts.taken_out_why = clock.now(), by, why
    if why == service_counts.SHOWS:
        counts.cells = []
    counts.save(update_fields=["taken_out_at", "taken_out_by", "taken_out_why", "cells"])
    record.append("service counts taken out", counts, by=by, reason=why, detail={"situation": counts.situation.ref})
    return counts
