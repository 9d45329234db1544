"""Same, not the same, unsure; and a link taken back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.monitoring import actions as monitoring
from answerable.monitoring import as_facts, lifecycle, verifiers
from answerable.monitoring.linking import queries, rules
from answerable.monitoring.linking.models import (
    LinkPair,
)
from answerable.monitoring.models import FurtherActor, Incident, SourceItem
from answerable.monitoring.patterns import live
from answerable.monitoring.patterns import rules as windows
from answerable.monitoring.rules import BASE_LEVELS, RANK, Ceiling
from answerable.record import log as record

WORDS = {"same": "link_same", "not_same": "link_not_same", "unsure": "link_unsure"}


def _lock(pair: LinkPair) -> tuple[LinkPair, Incident, Incident]:
    """The pair and its two reports, in the order that every act keeps: actors, reports, pair."""
    live.first([pair.first.ref, pair.second.ref])
    both = {
        i.pk: i
        for i in Incident.objects.select_for_update(no_key=True)
        .filter(pk__in=[pair.first_id, pair.second_id])
        .order_by("pk")
    }
    locked = LinkPair.objects.select_for_update(no_key=True).get(pk=pair.pk)
    if len(both) != 2:
        raise Refused(_("One of the two reports is not yours to see, so you cannot decide about them."), reason="scope")
    return locked, both[pair.first_id], both[pair.second_id]


def _in_turn(pair: LinkPair, turn: int) -> None:
    if pair.turn != turn:
        raise Refused(
            _("Someone else decided about these two reports while you looked at them: %(decision)s. Nothing of yours was "
              "changed; look at the page again.") % {"decision": said(pair.decision) or _("taken back")},
            reason="overtaken",
        )  # fmt: skip


def said(decision: str) -> str:
    """A decision in words."""
    return {"same": _("the same incident"), "not_same": _("not the same incident"), "unsure": _("unsure")}.get(
        decision, ""
    )


@action("decide_link")
def decide_link(
    pair: LinkPair, *, decision: str, why: Sequence[str], turn: int, kept: Incident | None = None, by: Person
) -> LinkPair:
    """Same, not the same, or unsure, with reasons. Remembered; asked again only when what is compared changes.

    The same: the better record (or `kept`) stays and the other is linked to it, MERGED, not deleted; its victims are
    counted once and its items support the kept report (R-VER-5). It counts for the actors the kept one names: two reports that
    name different ones contradict each other, and neither accuses on the other's items (decision 0048). `turn` is the pair's as the person saw it. Raises
    Refused when someone decided meanwhile, a reason is missing or a report can no longer be linked.
    """
    pair, first, second = _lock(pair)
    authority.require(by, "decide_link", pair)
    _in_turn(pair, turn)
    if decision not in rules.DECISIONS:
        raise Refused(_("Decide: the same, not the same, or unsure."), reason="decision")
    if not why or any(w not in rules.REASONS[decision] for w in why):
        raise Refused(_("Choose at least one reason for the decision, so that others can follow it."), reason="reason")
    if pair.decision == LinkPair.SAME:
        raise Refused(_("These two reports are linked. Take the link back first."), reason="linked")
    before = pair.decision
    pair.decision, pair.why, pair.decided_by, pair.decided_at = decision, sorted(why), by, clock.now()
    pair.decided_digest, pair.turn = pair.digest, pair.turn + 1
    detail: dict[str, Any] = {
        "first": first.ref,
        "second": second.ref,
        "why": pair.why,
        "hundredths_of_bits": round(100 * pair.bits),
    }
    if decision == LinkPair.SAME:
        if kept is not None and kept.pk not in {first.pk, second.pk}:
            raise Refused(_("The report to keep is one of the two."), reason="kept")
        better = kept.ref if kept else _better(first, second)
        keep, other = (first, second) if better == first.ref else (second, first)
        detail |= _merge(pair, keep, other)
    pair.save()
    record.append("reports compared", pair, by=by, from_state=before, to_state=decision, detail=detail)
    return pair


def _better(first: Incident, second: Incident) -> str:
    """Which of two stays when nobody says: the one that counts already, at the higher level, else the better record (R-VER-5)."""
    counts = [i for i in (first, second) if i.status in lifecycle.COUNTED]
    counts = [i for i in counts if all(RANK[i.level] >= RANK[other.level] for other in counts)]
    if len(counts) == 1:
        return counts[0].ref
    return rules.best_record(queries.record_facts(first), queries.record_facts(second))


def _merge(pair: LinkPair, keep: Incident, other: Incident) -> dict[str, Any]:
    """Link `other` to `keep`. What every touched row was is put aside, so that taking it back gives the same bytes."""
    for incident in (keep, other):
        if incident.status not in queries.COMPARED:
            raise Refused(
                _("%(ref)s is %(status)s and cannot be linked. Look at the report it is linked to, or reopen it first.")
                % {"ref": incident.ref, "status": incident.status.replace("_", " ").lower()},
                reason="lifecycle",
            )
    if keep.situation_id != other.situation_id:
        raise Refused(
            _("The two reports belong to different situations. Correct one of them first."), reason="situation"
        )
    if other.status in lifecycle.COUNTED and keep.status not in lifecycle.COUNTED:
        # Its people would be counted nowhere: a duplicate gives way to a record that counts, or waits until it does.
        raise Refused(
            _("%(other)s was verified and counts, and %(keep)s does not yet, so its people would be counted nowhere. Keep %(other)s, "
              "or conclude the verification of %(keep)s first.") % {"other": other.ref, "keep": keep.ref}, reason="counted",
        )  # fmt: skip
    said = Ceiling.read(other.ceiling)
    at = [other.level, *([said.own] if said else []), *(["V3d"] if said and said.lifts and _lifted(other) else [])]
    known_at = max(at, key=lambda code: RANK[code])
    if other.status in lifecycle.COUNTED and RANK[known_at] > RANK[keep.level]:
        # A report that a verifier found to be better known does not give way, nor lend its level to another's actors.
        raise Refused(
            _("%(other)s was concluded at %(more)s and %(keep)s at %(less)s, so %(keep)s cannot stand for both. Keep %(other)s, or have "
              "a verifier look at %(keep)s first.")
            % {"other": other.ref, "keep": keep.ref, "more": known_at, "less": keep.level}, reason="better",
        )  # fmt: skip
    with scope_of(CLOCK):
        before = _standing(keep, other)
        was = other.status
        other.status = next_status(lifecycle.INCIDENT_MOVES, "merge", status=other.status)
        other.save(update_fields=["status"])
        pair.kept, pair.duplicate, pair.concluded, pair.put_aside = keep, other, False, {"status": was}
        # Written before the levels are worked out, because they read the links.
        pair.save()
        changed = monitoring.relevel(keep.party, keep.ref, other.ref, why="linked")
        after = _standing(keep, other)
        pair.put_aside = {
            "status": was,
            "facts": _facts_digest(keep, other),
            "rows": {ref: [before[ref], after[ref]] for ref in after if before.get(ref) != after[ref]},
        }
    question("basis_withdrawn").ask([keep.ref, other.ref, *changed], ("CP-MONI",))
    alone = sorted(p.ref for p in {*other.actors} - {*keep.actors})
    return {
        "kept": keep.ref,
        "merged": other.ref,
        "from": was,
        "levels": changed,
        **({"named_alone": alone} if alone else {}),
    }


def _lifted(incident: Incident) -> bool:
    """Whether a base set lifts a report to V3d where each report of that set counts at what was concluded of it, whatever a consent
    lowers today (R-VER-2, decision 0058)."""
    days = as_facts.days_known(incident)
    with scope_of(CLOCK):
        for actor in incident.actors:
            base = Incident.objects.naming([actor]).filter(
                status__in=lifecycle.COUNTED, ceiling__own__in=sorted(BASE_LEVELS)
            )
            theirs = [as_facts.days_known(i) for i in base.exclude(pk=incident.pk).only(*as_facts.ASKED)]
            if windows.support(days, theirs) >= windows.V3D_BASE:
                return True
    return False


def _named(*incidents: Incident) -> set[int]:
    """Every actor that one of these reports names."""
    further = FurtherActor.objects.filter(incident__in=incidents).values_list("party_id", flat=True)
    return {*(i.party_id for i in incidents), *further}


def _standing(*incidents: Incident) -> dict[str, list[Any]]:
    """Status, level and reasons of all reports of the actors concerned: what working out levels may change."""
    rows = Incident.objects.naming(_named(*incidents)).values_list("ref", "status", "level", "because")
    return {ref: [status, level, list(because)] for ref, status, level, because in rows}


def _facts_digest(*incidents: Incident) -> str:
    """Everything the levels of these actors' reports rest on: whether anything happened since a link was made."""
    theirs = Incident.objects.naming(_named(*incidents))
    own = list(
        theirs.order_by("ref").values_list(
            "ref", "on", "precision", "earliest", "latest", "area1", "area2", "victims", "forms", "matches_pattern", "verified_by")
    )  # fmt: skip
    items = list(
        SourceItem.objects.filter(incident__in=theirs).order_by("ref").values_list(
            "ref", "incident__ref", "primary", "reliability", "credibility", "testimony", "assessors", "contrary", "weighed",
            "purposes", "withdrawn")
    )  # fmt: skip
    also = list(
        FurtherActor.objects.filter(incident__in=theirs).order_by("incident__ref", "party__ref")
        .values_list("incident__ref", "party__ref")
    )  # fmt: skip
    # Where nothing names a second actor, as it was before one could: links made then are taken back to the byte.
    text = json.dumps([own, items, also] if also else [own, items], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _less_was_concluded(pair: LinkPair, keep: Incident, other: Incident) -> bool:
    """Whether a verifier who had both before her concluded less than the linked report had alone, or did not say that the two match a
    pattern where that one did: it does not come back with one person's word (decision 0058).

    Asked of what she concluded with this very link, because the kept report may have been opened, linked or parted since.
    """
    alone, had = pair.put_aside["rows"].get(other.ref), Ceiling.read(other.ceiling)
    if "together" in pair.put_aside:
        said = Ceiling.read(pair.put_aside["together"])
    else:  # concluded before that was kept with the link: what is concluded of the report at its end, if it still counts
        end = Incident.objects.get(pk=queries.ends_of([keep.pk])[keep.pk])
        said = Ceiling.read(end.ceiling) if end.status in lifecycle.COUNTED else None
    if said is None:
        return True
    if had is not None and had.lifted and not said.lifted and RANK[said.own] < RANK["V3d"]:
        return True
    together = "V3d" if said.lifted and RANK[said.own] < RANK["V3d"] else said.own
    return alone is not None and RANK[alone[0][1]] > RANK[together]


@action("undo_link")
def undo_link(pair: LinkPair, *, turn: int, by: Person) -> LinkPair:
    """Take a decision back. Of a link: both reports stand as before, byte for byte, when nothing happened since.

    Where something did (an item came, a consent went, a report was corrected), the linked report is REOPENED, to be
    looked at anew, and levels are worked out from what stands today. Where a verifier had concluded with what the linked report says
    against the other, its cap stays until one looks again, and whoever takes the link back is not that verifier (decision 0056).
    """
    pair, first, second = _lock(pair)
    authority.require(by, "undo_link", pair)
    _in_turn(pair, turn)
    if not pair.decision:
        raise Refused(_("Nothing was decided about these two reports."), reason="decision")
    before, state, detail = pair.decision, "", dict[str, Any]()
    if before == LinkPair.SAME:
        keep, other = (first, second) if pair.kept_id == first.pk else (second, first)
        aside = pair.put_aside
        with scope_of(CLOCK):
            # What speaks against the report and was before a verifier does not stop weighing by one person's word.
            caps = pair.concluded and verifiers.any_caps([other.pk, *queries.kept_by([other.pk])])
            calm = (
                other.status == lifecycle.MERGED
                and not caps
                and not (pair.concluded and _less_was_concluded(pair, keep, other))
                and _facts_digest(keep, other) == aside["facts"]
                and all(_standing(keep, other).get(ref) == row[1] for ref, row in aside["rows"].items())
            )
            state = other.status
            if other.status == lifecycle.MERGED:
                state = (
                    aside["status"] if calm else next_status(lifecycle.INCIDENT_MOVES, "reopen", status=other.status)
                )
            ends = set(queries.ends_of([keep.pk]).values())
            if caps:
                monitoring.keep_cap(ends, pair.ref, [by.ref])
        if pair.concluded or not calm:
            monitoring.changed_by({keep.pk, other.pk, *ends}, by.ref)
        pair.decision, pair.kept, pair.duplicate, pair.put_aside, pair.concluded = "", None, None, {}, False
        pair.save()
        with scope_of(CLOCK):
            if other.status == lifecycle.MERGED:
                other.status = state
                other.save(update_fields=["status"])
            if calm:
                for ref, (was, _after) in aside["rows"].items():
                    Incident.objects.filter(ref=ref).update(status=was[0], level=was[1], because=was[2])
                # Windows follow; the levels that come out are those that were put aside.
                monitoring.relevel(keep.party, keep.ref, other.ref, why="link taken back")
                changed = {ref: row[0][1] for ref, row in aside["rows"].items() if row[0][1] != row[1][1]}
            else:
                changed = monitoring.relevel(keep.party, keep.ref, other.ref, why="linked")
        detail = {"kept": keep.ref, "merged": other.ref, "to": state, "as_before": calm, "levels": changed}
        question("basis_withdrawn").ask([keep.ref, other.ref, *changed], ("CP-MONI",))
    pair.decision, pair.why, pair.decided_by, pair.decided_at, pair.decided_digest = "", [], None, None, ""
    pair.turn += 1
    pair.save()
    record.append("comparison taken back", pair, by=by, from_state=before, to_state=state or "open",
                  detail={"first": first.ref, "second": second.ref, **detail})  # fmt: skip
    return pair
