"""Making an estimate from a capture table."""

from __future__ import annotations

from math import ceil, floor

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.engines.estimates import report, tables
from answerable.monitoring.estimates.models import CaptureEstimate
from answerable.monitoring.models import Situation
from answerable.record import log as record

MOST_LISTS = 5  # seconds; six lists and more run from the command line


@action("make_estimate")
def make_estimate(
    situation: Situation, *, counted: str, table: str, source: str, licence: str, by: Person
) -> CaptureEstimate:
    """Read the table, run every model, keep both. A table that allows no estimate is kept too, with the reason: that it
    cannot be said is an answer. Raises Refused for a faulty table, each fault by its row."""
    authority.require(by, "make_estimate", situation)
    try:
        read = tables.read_csv(table)
    except tables.Fault as fault:
        raise Refused(" ".join(f.say(_) for f in fault.faults[:20]), reason="table") from None
    if read.k > MOST_LISTS:
        raise Refused(
            _("This page takes up to %(most)s lists. For more, use the command “answerable estimate”, or merge lists that "
              "are much alike.") % {"most": MOST_LISTS},
            reason="lists",
        )  # fmt: skip
    made = report.estimate(read)
    c = made.combined
    lower, middle, upper = (floor(c.lower), round(c.middle), ceil(c.upper)) if c else (None, None, None)
    kept = CaptureEstimate.objects.create(
        situation=situation, counted=counted, source=source, licence=licence, lists=list(read.lists), patterns=read.patterns(),
        observed=read.observed, lower=lower, middle=middle, upper=upper, result=made.as_json(), made_by=by, made_at=clock.now(),
    )  # fmt: skip
    # The record keeps counts only: which lists there are is the table's own affair.
    record.append("estimate made", kept, by=by,
                  detail={"situation": situation.ref, "lists": read.k, "observed": read.observed, "lower": lower,
                          "middle": middle, "upper": upper})  # fmt: skip
    return kept
