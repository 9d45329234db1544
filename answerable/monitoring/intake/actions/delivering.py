"""A delivery: every good row of a file kept as a draft, once, and all of them taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries
from answerable.monitoring.intake.actions import correcting, emptying, interviewing
from answerable.monitoring.intake.staging import layout, runs
from answerable.record import log as record
from answerable.vault import client


@action("bring_in_reports")
def bring_in_reports(staged: runs.Staged, *, by: Person) -> m.IntakeBatch:
    """Keep every good row of a delivery as a draft: all of them, once. What is bad stays named, row by row.

    The rows were checked and sealed before (stretches.advance); here they move in as they are. Raises Refused when the
    checking is not at its end, while another window checks or keeps the file, or when the same came in meanwhile.
    """
    authority.require(by, "bring_in_reports", Place("intake"))
    # Held until the commit: who came to check or drop the file before then would do it to what is being kept.
    staged.hold()
    try:
        batch = _kept(staged, by)
    except BaseException:
        staged.let_go()
        raise
    transaction.on_commit(staged.forget)
    return batch


def _kept(staged: runs.Staged, by: Person) -> m.IntakeBatch:
    """A run that is held, as a delivery with its drafts and its entry in the record."""
    state = staged.state
    if not state.finished:
        raise Refused(_("Not every row is checked yet. Go on with checking first."), reason="unfinished")
    if state.person != by.ref:
        raise Refused(_("A delivery is kept by the person who sent it."), reason="not_authorised")
    if not state.kept and not state.to_mend:
        raise Refused(_("Every row of this file is here already, so there is nothing to keep."), reason="none")
    if not state.kept:
        raise Refused(_("No row of this file can be kept, so there is nothing to bring in. Mend what is listed, or what each column "
                        "is set to, and bring the file in again."), reason="none")  # fmt: skip
    batch = m.IntakeBatch(
        id=state.batch_id, compartment=queries.compartment_of(by), organisation=by.body, route=state.route, mark=state.mark,
        rows=state.total, kept=state.kept, bad=state.bad, repeated=state.repeated, corrections=state.corrections,
        problems=state.problems, made_at=clock.now(), made_by=by,
    )  # fmt: skip
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
            _replace_earlier(staged)
            moved = _move_in("monitoring_draft", layout.COLUMNS, staged.home / "rows", "ref", staged)
            _move_in("monitoring_draftitem", layout.ITEM_COLUMNS, staged.home / "items", "draft_id", staged)
            _alike_within(batch)
            if moved != state.kept or not staged.whole:
                raise Refused(
                    _(
                        "What was checked of this file is no longer whole, so nothing of it was kept. Check the rows again."
                    ),
                    reason="unfinished",
                )
            interviewing.hold(batch.drafts.all())
            if correcting.withdrawn_by_now(batch.drafts.exclude(corrects="").values_list("corrects", flat=True)):
                raise Refused(
                    _("Consent to a report was withdrawn meanwhile of which this file holds a later version. Nothing was "
                      "changed; check the file again."), reason="consent",
                )  # fmt: skip
    except IntegrityError:
        raise Refused(
            _(
                "The same file or one of its submissions was brought in meanwhile. Nothing was changed; check the file again."
            ),
            reason="duplicate",
        ) from None
    record.append(
        "reports brought in", batch, by=by,
        detail={"route": state.route, "rows": state.total, "kept": state.kept, "bad": state.bad, "repeated": state.repeated,
                "corrections": state.corrections, "mark": state.mark},
    )  # fmt: skip
    return batch


def _move_in(table: str, columns: Sequence[str], path: Path, named: str, staged: runs.Staged) -> int:
    """Rows that are ready, into a table, a megabyte at a time; not of drafts that a later row of the file replaced. Returns how
    many. (Row-level security takes no COPY, and nobody needs the right to make tables of their own for it.)
    """
    moved = 0
    gone, at = set(staged.state.superseded), columns.index(named)
    names = ", ".join(columns)
    values = ", ".join(f"NULLIF(a[{n}], '\\N')::{layout.CASTS.get(c, 'text')}" for n, c in enumerate(columns, 1))
    with connection.cursor() as cursor:
        for part in layout.whole_lines(path):
            if gone and not (part := "\n".join(x for x in part.split("\n") if x.split("\t", at + 1)[at] not in gone)):
                continue
            cursor.execute(
                f"INSERT INTO {table} ({names}) SELECT {values} FROM (SELECT string_to_array(l, E'\t') AS a FROM "
                "string_to_table(%s, E'\n') AS l) AS lines", [part],
            )  # fmt: skip
            moved += cursor.rowcount
    return moved


def _alike_within(batch: m.IntakeBatch) -> None:
    """Rows of one delivery that look like versions of one another: each is asked about the one before it, by when it came in where
    it was collected and then by row. What the later one looked like before is handed to the earlier, where that had no doubt.
    """
    last: dict[str, m.Draft] = {}
    doubted: dict[int, m.Draft] = {}
    rows = batch.drafts.exclude(hints=[]).order_by("as_of", "row")
    for draft in rows.only("ref", "version", "status", "hints", "looks_like"):
        before = next((last[h] for h in draft.hints if h in last), None) if draft.version == 1 else None
        last |= dict.fromkeys(draft.hints, draft)
        if before is None or (draft.looks_like and before.version > 1):
            continue
        if draft.looks_like and not before.looks_like:
            before.looks_like = draft.looks_like
            doubted[before.pk] = before
        draft.looks_like = before.ref
        doubted[draft.pk] = draft
    m.Draft.objects.bulk_update(doubted.values(), ["looks_like"], batch_size=1000)


def _replace_earlier(staged: runs.Staged) -> None:
    """Drafts of which a later version comes in give way to it; a report that was filed stays as it is."""
    if not staged.state.corrections:
        return
    at, version = layout.COLUMNS.index("identity"), layout.COLUMNS.index("version")
    later: list[str] = []
    with (staged.home / "rows").open("rb") as rows:
        for one in rows:
            parts = one.split(b"\t", at + 1)
            if parts[version] != b"1":
                later.append(parts[at].decode())
    m.Draft.objects.filter(
        organisation__ref=Person.objects.values_list("body__ref", flat=True).get(ref=staged.state.person),
        identity__in=later, status__in=[m.DRAFT, m.CORRECTION],
    ).update(status=m.REPLACED)  # fmt: skip


@action("undo_reports")
def undo_reports(batch: m.IntakeBatch, *, by: Person) -> m.IntakeBatch:
    """Take a delivery out again, as one act: its drafts are emptied and their keys destroyed.

    Raises Refused once a report of it was filed: that is then a report, and is withdrawn or referred as one.
    """
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "undo_reports", batch)
    if not (token := by.vault_session or ""):
        raise Refused(
            _("Your key is locked. Unlock it first: the vault destroys the keys in your own session."), reason="locked"
        )
    if not by.fresh:
        raise Refused(_("Confirm that it is you before keys are destroyed."), reason="confirm")
    if batch.undone_at:
        raise Refused(_("That delivery was undone already."), reason="lifecycle")
    # The drafts under their lock: one that is being filed in another window is filed by now, or waits and is refused.
    drafts = list(batch.drafts.select_for_update().order_by("pk").values_list("identity", "status"))
    filed = sum(status in (m.FILED, m.TAKEN_OVER) for _identity, status in drafts)
    if filed:
        raise Refused(
            ngettext(
                "%(n)d report of this delivery was filed, so the delivery stays. Set the other drafts aside one by one.",
                "%(n)d reports of this delivery were filed, so the delivery stays. Set the other drafts aside one by one.",
                filed,
            ) % {"n": filed}, reason="relied_upon",
        )  # fmt: skip
    back = _back_again(batch)
    emptying.emptied(batch.drafts.all(), m.UNDONE)
    interviewing.let_go([identity for identity, _status in drafts], by.body_id)
    interviewing.hold(back)
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at"])
    record.append("reports taken out again", batch, by=by, detail={"drafts": len(drafts)})
    # Keys go after the commit, in the session of whoever undoes it: the vault looks for itself what came with it.
    transaction.on_commit(lambda: client.ask("shred_undone", token=token, batch=batch.ref))
    return batch


def _back_again(batch: m.IntakeBatch) -> QuerySet[m.Draft]:
    """Versions that gave way to this delivery's stand again: of each submission the latest that is left; returns them."""
    stood = Q(status__in=[m.DRAFT, m.SET_ASIDE], corrects="") | Q(status=m.CORRECTION)
    ours = list(batch.drafts.filter(stood, version__gt=1).values_list("identity", flat=True))
    left: dict[str, list[m.Draft]] = {}
    others = m.Draft.objects.filter(organisation=batch.organisation, identity__in=ours).exclude(batch=batch)
    for d in others.order_by("version", "pk").only("identity", "status", "corrects"):
        left.setdefault(d.identity, []).append(d)
    back: dict[str, list[int]] = {m.DRAFT: [], m.CORRECTION: []}
    for versions in left.values():
        # What was replaced before something that was filed, taken over or set aside, or that stands, is behind it.
        stands = max((n for n, d in enumerate(versions) if d.status in (*m.STANDS, m.SET_ASIDE)), default=-1)
        if again := [d for d in versions[stands + 1 :] if d.status == m.REPLACED]:
            back[m.CORRECTION if again[-1].corrects else m.DRAFT].append(again[-1].pk)
    batch.drafts.update(status=m.UNDONE)
    for status, keys in back.items():
        m.Draft.objects.filter(pk__in=keys, status=m.REPLACED).update(status=status)
    return m.Draft.objects.filter(pk__in=[k for keys in back.values() for k in keys])
