"""What a change of consent does to items and reports (§2.5, R-VER-4)."""

from __future__ import annotations

from django.db.models import Q

from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.monitoring import grades, lifecycle, queries, verifiers
from answerable.monitoring.actions.concluding import cap_is_back, changed_by, keep_cap
from answerable.monitoring.actions.locking import locked
from answerable.monitoring.actions.restating import relevel
from answerable.monitoring.evidence import queries as evidence
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Incident,
    SourceItem,
)
from answerable.monitoring.patterns.models import Indicator
from answerable.vault.consent import actions as consent


@question("consent_changed").answer_with
def _consents_changed(ref: str, change: consent.Change) -> dict[str, object]:
    """An item whose consent ended leaves the calculation at once (R-VER-4); what relied on it is tested again, in silence.

    Levels of the actor's incidents are worked out anew, both when a consent goes and when it comes.
    """
    if ref.startswith("INC"):
        return _incident_consents_changed(ref, change)
    if not ref.startswith("ITM"):
        return {}
    item = SourceItem.objects.select_for_update(no_key=True).get(ref=ref)
    live, caps, aside = item.live, verifiers.caps(item), dict[str, object]()
    once = {*item.purposes, *item.withdrawn}
    if change.kind == "given":
        # Asked for the first time and refused: it counts by her word alone, and so not (R-VER-4).
        once |= {grades.MONITORING} & {*change.purposes}
    if change.kind == "withdrawn":
        aside = {"withdrawn": list(item.withdrawn)}
        once |= {*change.purposes} | ({"CP-MONI"} if change.total else set())
    elif change.kind == "undone":
        once = {*change.put_aside.get("withdrawn", ()), *change.in_force}
    item.purposes, item.withdrawn = list(change.in_force), sorted(once - set(change.in_force))
    item.save(update_fields=["purposes", "withdrawn"])
    reports = {item.incident_id, *links.ends_of([item.incident_id]).values()}
    if caps and not item.live:
        keep_cap(reports, ref, change.written_by)
    elif verifiers.caps(item):
        cap_is_back(reports, ref)
    if live and not item.live and not caps:
        # What was concluded rested on it, or on its going back to what another does: whoever wrote the word down does not look again.
        said = Incident.objects.filter(pk__in=reports).exclude(ceiling={}).values_list("pk", flat=True)
        for who in change.written_by:
            changed_by(said, who)
    if change.total and (change.kind == "undone" or item.incident.ref in queries.parts_of(ref)):
        aside |= _close_incident(item.incident, change)
    # A report that is closed or comes back is worked out again whatever its item adds: what was linked to it may have gone.
    if live != item.live or {"CP-MONI", "CP-FIND"} & set(change.purposes) or change.total:
        changed = relevel(item.incident.party, item.incident.ref)
        question("report_changed").ask(item.incident.ref)
        # A no ends what stood before as a withdrawal does.
        if change.kind != "given" or (live and not item.live):
            question("basis_withdrawn").ask(list(dict.fromkeys([item.incident.ref, *changed])), tuple(change.purposes))
    return aside


def _incident_consents_changed(ref: str, change: consent.Change) -> dict[str, object]:
    incident = Incident.objects.select_related("party").get(ref=ref)
    if not change.total:
        return {}
    aside = _close_incident(incident, change)
    changed = relevel(incident.party, ref)
    question("basis_withdrawn").ask(list(dict.fromkeys([ref, *changed])), ("CP-MONI", "CP-FIND"))
    return aside


def _close_incident(incident: Incident, change: consent.Change) -> dict[str, object]:
    """An incident that rests on this alone is closed with it, and comes back with it.

    It comes back linked only where the link still stands. One whose link was taken back meanwhile, or whose better record
    was closed, is reopened: it stands for itself and is looked at anew.
    """
    incident = locked(incident)
    if change.kind == "withdrawn" and incident.status != lifecycle.CONSENT_WITHDRAWN:
        below, end = links.kept_by([incident.pk]), links.ends_of([incident.pk])[incident.pk]
        # All that rested on one another: those that stand alone now, the one that is kept, and this one, should it come back.
        rested = {incident.pk, end, *below}
        for who in change.written_by if len(rested) > 1 else ():
            changed_by(rested, who)
        incident.refresh_from_db(fields=["changed_by"])
        if end != incident.pk and verifiers.any_caps([incident.pk, *below]):
            keep_cap([end], incident.ref, change.written_by)
        before, incident.status = incident.status, lifecycle.CONSENT_WITHDRAWN
        incident.save(update_fields=["status"])
        question("report_changed").ask(incident.ref)
        return {"incident_status": before}
    if change.kind == "undone" and change.put_aside.get("incident_status"):
        incident.status = str(change.put_aside["incident_status"])
        if incident.status == lifecycle.MERGED and not links.is_linked(incident):
            incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=incident.status)
        incident.save(update_fields=["status"])
        below, end = links.kept_by([incident.pk]), links.ends_of([incident.pk])[incident.pk]
        for who in change.written_by if incident.changed_by or end != incident.pk else ():
            changed_by([incident.pk, end], who)
        if end != incident.pk and verifiers.any_caps([incident.pk, *below]):
            cap_is_back([end], incident.ref)
        question("report_changed").ask(incident.ref)
    return {}


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """A shredded item or incident keeps its reference, what kind it was, and the quarter. Nothing that was told."""
    if ref.startswith("INC"):
        question("report_cleared").ask(ref)
    if ref.startswith("ITM"):
        for item in SourceItem.objects.select_related("incident__party").filter(ref=ref):
            _goes_on_joining(item)
            SourceItem.objects.filter(ref=ref).update(
                says=b"",
                person_key="",
                testimony="",
                primary=False,
                assessors=0,
                purposes=[],
                further={},
                graded_then="",
            )
            relevel(item.incident.party, item.incident.ref)
    elif ref.startswith("INC"):
        for incident in Incident.objects.filter(ref=ref):
            on = incident.on.replace(month=(incident.on.month - 1) // 3 * 3 + 1, day=1)
            Incident.objects.filter(pk=incident.pk).update(
                narrative=b"", place=b"", link_reason=b"", on=on, precision="quarter", earliest=None, latest=None, area1="", area2="", forms=[],
                links=[], settings=[], consequences=[], victims=0, victims_min=0, victims_max=0, because=[], level="V1",
                further={},
            )  # fmt: skip
            FurtherActor.objects.filter(incident=incident).delete()
            relevel(incident.party, ref)


def _goes_on_joining(gone: SourceItem) -> None:
    """What had the words of an item that is emptied now goes back to it from here on, as it did by those words (R-VER-1): two that
    were known to have one origin do not become two because nothing of the third is kept but its reference."""
    end = links.ends_of([gone.incident_id])[gone.incident_id]
    named = Indicator.objects.filter(Q(supporting=gone) | Q(contrary=gone), ended_at=None)
    near = SourceItem.objects.filter(
        Q(incident__in={end, gone.incident_id, *links.kept_by([end])})
        | Q(pk__in=Indicator.supporting.through.objects.filter(indicator__in=named).values("sourceitem"))
    )
    others = list(near.exclude(pk=gone.pk))
    marks, over = evidence.alike([gone, *others]), evidence.over(gone)
    for other in others:
        if marks.get(other.pk, set()) & marks.get(gone.pk, set()) and other.pk not in over:
            other.parents.add(gone)
