"""Estimates from capture tables: asked for by an analyst, worked out by the worker part by part."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.engines.estimates import study as studies
from answerable.engines.estimates import tables
from answerable.monitoring.estimates.models import CaptureEstimate
from answerable.monitoring.looking.actions import KINDS, Kind
from answerable.monitoring.models import Job, Situation
from answerable.record import log as record

MOST_LISTS = 8  # minutes; more run from the command line
KIND = "estimate"


@action("make_estimate")
def make_estimate(
    situation: Situation, *, counted: str, table: str, source: str, licence: str, by: Person
) -> CaptureEstimate:
    """Read the table and ask for every model; the worker works them out part by part. Raises Refused for a faulty table,
    each fault by its row."""
    authority.require(by, "make_estimate", situation)
    try:
        read = studies.read_csv(table)
    except tables.Fault as fault:
        raise Refused(" ".join(f.say(_) for f in fault.faults[:20]), reason="table") from None
    if len(read.lists) > MOST_LISTS:
        raise Refused(
            _("This page takes up to %(most)s lists. For more, use the command “answerable estimate”, or merge lists that "
              "are much alike.") % {"most": MOST_LISTS},
            reason="lists",
        )  # fmt: skip
    job = Job.objects.create(kind=KIND, situation=situation, asked_by=by, asked_at=clock.now(), steps=read.parts())
    made = CaptureEstimate.objects.create(
        situation=situation, counted=counted, source=source, licence=licence, lists=list(read.lists), study=read.as_json(),
        patterns={} if read.split else read.strata[0].table.patterns(), observed=read.observed, job=job, made_by=by,
        made_at=clock.now(),
    )  # fmt: skip
    # The record keeps counts only: which lists there are is the table's own affair.
    record.append("estimate asked for", made, by=by, to_state=job.status,
                  detail={"situation": situation.ref, "lists": len(read.lists), "strata": len(read.strata),
                          "draws": max(len(s.draws) for s in read.strata), "observed": read.observed})  # fmt: skip
    return made


def _work_out(job: Job, part: str) -> tuple[str, Any, dict[str, Any]]:
    """One part of an estimate; with the last, all of them put together. A table that allows no estimate is kept too, with
    the reason: that it cannot be said is an answer."""
    made = CaptureEstimate.objects.select_for_update().get(job=job)
    study = studies.of_json(made.study)
    made.parts[part] = studies.work_out(study, part)
    detail: dict[str, Any] = {"part": job.done + 1, "of": job.total}
    if job.done + 1 < job.total:
        made.save(update_fields=["parts"])
        return "estimate worked on", made, detail
    made.result, made.parts = studies.result(study, made.parts), {}
    c = made.result["combined"]
    if c:
        made.lower, made.middle, made.upper = floor(c["lower"]), round(c["middle"]), ceil(c["upper"])
    made.save(update_fields=["result", "parts", "lower", "middle", "upper"])
    ends = {"lower": made.lower, "middle": made.middle, "upper": made.upper}
    return "estimate made", made, {**detail, "observed": made.observed, **ends}


KINDS[KIND] = Kind("make_estimate", "run_estimate", _work_out)
