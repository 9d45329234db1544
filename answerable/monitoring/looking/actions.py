"""What people keep of their looking, what is released to members, and long work step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.lifecycle import next_status
from answerable.engines.disclosure import tables as disclosure
from answerable.monitoring.looking import lifecycle, queries, rules, setting
from answerable.monitoring.looking.models import Bulletin, Job, ReleasedTable, SavedView, Visit
from answerable.monitoring.looking.rules import Filters
from answerable.monitoring.models import Situation
from answerable.record import log as record


@action("mark_seen")
def mark_seen(situation: Situation, *, by: Person) -> Visit:
    """Say that one has read what stands here: from now on only what comes later is shown as new."""
    authority.require(by, "mark_seen", Place("situations"))
    # The entry is the reader's own: on the situation's page its history would tell everyone who reads what.
    entry = record.append("situation read", by.ref, by=by, detail={"situation": situation.ref})
    made, _new = Visit.objects.update_or_create(
        person=by, situation=situation, defaults={"at": clock.now(), "size": entry.index + 1}
    )
    return made


@action("save_view")
def save_view(situation: Situation, *, name: str, filters: Filters, shared: bool = False, by: Person) -> SavedView:
    """Keep filters under a name. Saving under a name one already has puts the new filters in its place."""
    authority.require(by, "keep_views", Place("views"))
    name = " ".join(name.split())[:60]
    if not name:
        raise Refused(_("Give the view a name, so that you find it again."), reason="name")
    own = SavedView.objects.select_for_update().filter(person=by, situation=situation, removed_at=None)
    earlier = own.filter(name=name).first()
    if earlier is None and own.count() >= rules.VIEWS_EACH:
        raise Refused(
            _("You keep %(n)d views of this situation, which is as many as there may be. Remove one first.")
            % {"n": rules.VIEWS_EACH},
            reason="views",
        )
    if earlier is not None:
        earlier.query, earlier.shared, earlier.body = filters.query, shared, by.body
        earlier.save(update_fields=["query", "shared", "body"])
        kept = earlier
    else:
        kept = SavedView.objects.create(
            person=by, situation=situation, body=by.body, name=name, query=filters.query, shared=shared,
            made_at=clock.now(),
        )  # fmt: skip
    # Neither the name nor what is looked for enters the record: an interest can tell as much as a fact.
    record.append("view kept", kept, by=by, detail={"shared": shared, "filters": len(filters.set())})
    return kept


def _own(view: SavedView, by: Person) -> SavedView:
    found = SavedView.objects.select_for_update().filter(pk=view.pk, person=by, removed_at=None).first()
    if found is None:
        raise Refused(_("A view that a colleague shares is theirs to change. Save it under a name of your own."),
                      reason="not_own")  # fmt: skip
    return found


@action("remove_view")
def remove_view(view: SavedView, *, by: Person) -> SavedView:
    """Take a view away; where it was shared, from everyone."""
    authority.require(by, "keep_views", Place("views"))
    view = _own(view, by)
    view.removed_at, view.is_default, view.query = clock.now(), False, ""
    view.save(update_fields=["removed_at", "is_default", "query"])
    record.append("view removed", view, by=by)
    return view


@action("choose_default_view")
def choose_default_view(view: SavedView, *, by: Person) -> SavedView:
    """Let the situation open with this view; choosing it again lets it open plain."""
    authority.require(by, "keep_views", Place("views"))
    view = _own(view, by)
    wanted = not view.is_default
    SavedView.objects.filter(person=by, situation_id=view.situation_id, is_default=True).update(is_default=False)
    view.is_default = wanted
    view.save(update_fields=["is_default"])
    record.append("default view chosen", view, by=by, detail={"default": wanted})
    return view


@action("release_tables")
def release_tables(situation: Situation, *, year: int, by: Person) -> list[ReleasedTable]:
    """Release a year's tables to members: counted, suppressed, rounded, attacked, then frozen (R-SDC).

    Every year leaves once. What is verified later shows in no table of that year, because the two could be subtracted.
    """
    authority.require(by, "release_tables", situation)
    Situation.objects.select_for_update(no_key=True).get(pk=situation.pk)
    released = list(ReleasedTable.objects.filter(situation=situation).values_list("year", flat=True).distinct())
    why = rules.may_release(year, today=clock.today(), released=released)
    if why == "released":
        raise Refused(
            _("The tables of %(year)d are already released. A second version would let the two be subtracted, so "
              "there is none.") % {"year": year}, reason=why,
        )  # fmt: skip
    if why:
        raise Refused(
            _("The tables of %(year)d may leave from thirty days after the year ends; the newest that may is %(last)d.")
            % {"year": year, "last": rules.releasable(clock.today())}, reason=why,
        )  # fmt: skip
    rows = queries.counted_for_members(situation, year)
    made = []
    for axis, k in queries.RELEASED_AXES.items():
        out = disclosure.release(queries.year_table(axis, rows, k=k), k=k)
        made.append(
            ReleasedTable.objects.create(
                situation=situation, year=year, axis=axis, table=asdict(out), made_at=clock.now(), made_by=by
            )
        )
    # Of a table and not of the situation, whose history its own state reads too. How much was withheld is a figure as well.
    record.append(
        "tables released", made[0], by=by, detail={"situation": situation.ref, "year": year, "tables": len(made)}
    )
    return made


# --- long work ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A kind of long work: what whoever asks for it, stops and resumes it may do; what the clock may; and one step of it.

    `step(job, name)` does the step called `name` inside the act and answers for its entry: what was done, to what, detail.
    """

    asks: str
    does: str
    step: Callable[[Job, str], tuple[str, Any, dict[str, Any]]]


def _set(job: Job, language: str) -> tuple[str, Any, dict[str, Any]]:
    pdf = setting.bulletin(job.situation, language)
    made = Bulletin.objects.create(
        situation=job.situation, job=job, language=language, on=clock.today(), pdf=pdf,
        sha256=hashlib.sha256(pdf).hexdigest(), made_at=clock.now(),
    )  # fmt: skip
    return "bulletin set", made, {"language": language, "sha256": made.sha256}


# Other parts of monitoring enter their own kinds of long work here at start-up.
KINDS: dict[str, Kind] = {"bulletin": Kind("make_bulletin", "set_bulletin", _set)}


@action("ask_bulletin")
def ask_bulletin(situation: Situation, *, languages: Sequence[str], by: Person) -> Job:
    """Ask for a bulletin in some languages; the worker sets them one by one."""
    authority.require(by, "make_bulletin", situation)
    chosen = [code for code in setting.LANGUAGES if code in languages]
    if not chosen:
        raise Refused(_("Choose at least one language."), reason="languages")
    Situation.objects.select_for_update(no_key=True).get(pk=situation.pk)
    if Job.objects.filter(situation=situation, kind="bulletin", status=lifecycle.WAITING).exists():
        raise Refused(
            _("A bulletin of this situation is being set now. Wait until it is done, or stop it."), reason="running"
        )
    job = Job.objects.create(kind="bulletin", situation=situation, asked_by=by, asked_at=clock.now(), steps=chosen)
    record.append("bulletin asked for", job, by=by, to_state=job.status, detail={"situation": situation.ref})
    return job


@action("move_job")
def move_job(job: Job, name: str, *, by: Person) -> Job:
    """Stop long work, or go on with it where it stopped."""
    if name not in ("stop_job", "resume_job"):
        raise ValueError(f"{name} is not a person's move")
    authority.require(by, KINDS[job.kind].asks, job.situation)
    job = Job.objects.select_for_update().get(pk=job.pk)
    before = job.status
    job.status, job.why = next_status(lifecycle.JOB_MOVES, name, status=job.status), ""
    job.ended_at = None
    job.save(update_fields=["status", "why", "ended_at"])
    record.append(name.replace("_", " "), job, by=by, from_state=before, to_state=job.status, detail={"done": job.done})
    return job


@action("take_step")
def take_step(job: Job, *, by: HasPrincipal) -> Job:
    """Do the next step of a job. Killed in the middle, nothing of it is there and it is done again."""
    kind = KINDS[job.kind]
    authority.require(by, kind.does, job.situation)
    job = Job.objects.select_for_update(of=("self",)).select_related("situation__state").get(pk=job.pk)
    if job.status != lifecycle.WAITING:
        raise Refused(_("This work was stopped."), reason="stopped")
    said, made, detail = kind.step(job, job.steps[job.done])
    job.done += 1
    if job.done == job.total:
        job.status, job.ended_at = next_status(lifecycle.JOB_MOVES, "finish_job", status=job.status), clock.now()
    job.save(update_fields=["done", "status", "ended_at"])
    record.append(
        said, made, by=by, to_state=job.status, detail={"situation": job.situation.ref, "job": job.ref, **detail}
    )
    return job


@action("fail_job")
def fail_job(job: Job, *, why: str, by: HasPrincipal) -> Job:
    """Note that a step cannot be done, and why, for whoever asked."""
    authority.require(by, KINDS[job.kind].does, job.situation)
    job = Job.objects.select_for_update().get(pk=job.pk)
    before = job.status
    job.status, job.why = next_status(lifecycle.JOB_MOVES, "fail_job", status=job.status), why[:400]
    job.ended_at = clock.now()
    job.save(update_fields=["status", "why", "ended_at"])
    record.append("job failed", job, by=by, from_state=before, to_state=job.status, detail={"done": job.done})
    return job


def work(*, until: Callable[[], bool] = lambda: False) -> int:
    """Take the steps of all jobs that wait, one by one, oldest first; returns how many. `until` says when to leave off."""
    taken = 0
    while not until():
        with reading_as(CLOCK):
            job = (
                Job.objects.select_related("situation__state")
                .filter(status=lifecycle.WAITING)
                .order_by("asked_at")
                .first()
            )
        if job is None:
            return taken
        try:
            take_step(job, by=CLOCK)
        except Refused as no:
            if no.reason == "stopped":
                continue
            fail_job(job, why=str(no), by=CLOCK)
        except DatabaseError:  # it may be away for a moment: the job waits
            raise
        except Exception:
            # Ours to put right, and loud; but it must not stand in the way of every other job.
            fail_job(
                job, why=_("Something went wrong that is ours to put right. It was noted; try again later."), by=CLOCK
            )
            raise
        taken += 1
    return taken


def owed() -> None:
    """What the clock does each minute: fold the tallies, and any work left waiting."""
    queries.fold()
    work()
