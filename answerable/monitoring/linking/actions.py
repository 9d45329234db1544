"""Every change to links, searches, agreements, actors and lines of command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.engines.linkage import incidents as linkage
from answerable.engines.linkage import names
from answerable.monitoring import actions as monitoring
from answerable.monitoring import lifecycle, verifiers
from answerable.monitoring import queries as known
from answerable.monitoring.linking import lists, queries, rules
from answerable.monitoring.linking.models import (
    Actor,
    ActorKey,
    ActorName,
    Agreement,
    Command,
    DuplicateSearch,
    LinkCard,
    LinkPair,
    LinkWeights,
    Subordination,
)
from answerable.monitoring.models import FurtherActor, Import, Incident, Party, Situation, SourceItem
from answerable.monitoring.patterns import live
from answerable.monitoring.rules import RANK, Ceiling
from answerable.record import log as record

# Reports a search scores in one part, about: small enough that stopping loses little.
PART, MOST_PARTS = 2_000, 20
WORDS = {"same": "link_same", "not_same": "link_not_same", "unsure": "link_unsure"}


# --- what is compared, and the check when a report is filed -----------------------------------------------------------


def put_cards(incidents: Sequence[Incident]) -> list[linkage.Card]:
    """Write anew what linkage compares of these reports. Part of the act that changed them."""
    made = queries.cards(incidents)
    rows = [
        LinkCard(
            incident=i, compartment=i.compartment, situation_id=i.situation_id, party_id=i.party_id, lo=c.lo, area1=c.area1[:80],
            area2=c.area2[:80], facts=queries.stored(c), digest=linkage.digest_facts(c),
        )
        for i, c in zip(incidents, made, strict=True)
    ]  # fmt: skip
    LinkCard.objects.bulk_create(
        rows, batch_size=2000, update_conflicts=True, unique_fields=["incident"],
        update_fields=["compartment", "situation", "party", "lo", "area1", "area2", "facts", "digest"],
    )  # fmt: skip
    # Those they name besides are looked for along an index of their own.
    if several := [row.incident_id for row in rows if row.facts["also"]]:
        first = LinkCard.objects.filter(incident=OuterRef("incident")).values("lo")[:1]
        FurtherActor.objects.filter(incident__in=several).update(lo=Subquery(first))
    return made


@question("report_changed").answer_with
def note(ref: str) -> int:
    """Compare a report with those in its blocks, across compartments, and keep what a person should look at.

    Called inside the act that filed or changed it. Returns how many pairs it is in. Pairs decided on facts that still
    stand are not asked again.
    """
    with scope_of(CLOCK):
        incident = Incident.objects.select_related("situation", "party").get(ref=ref)
        _alone(incident.situation_id)
        card = put_cards([incident])[0]
        if incident.status not in queries.COMPARED:
            _release(incident)
            return 0
        weights = queries.weights_for(incident.situation_id)
        found = queries.candidates(incident, card, weights=weights)
        _keep([(incident.pk, c.incident, c.score) for c in found], weights.version)
        _refresh(incident.pk, weights)
    return len(found)


def _alone(situation: int) -> None:
    """One act at a time writes a situation's cards and pairs: of two alike reports changed at once, the second finds the first.

    Taken after actors and incidents, before pairs and the record's head (live.first).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7303, %s::int)", [situation])


def _release(kept: Incident) -> None:
    """Reports linked to one that is closed or referred elsewhere stand on their own again, to be looked at anew."""
    if kept.status not in {lifecycle.CONSENT_WITHDRAWN, lifecycle.OUT_OF_SCOPE}:
        return
    for pair in (
        LinkPair.objects.select_for_update(no_key=True).filter(kept=kept, decision=LinkPair.SAME).order_by("id")
    ):
        other = pair.duplicate
        pair.decision, pair.kept, pair.duplicate, pair.put_aside, pair.why = "", None, None, {}, []
        pair.decided_by, pair.decided_at, pair.decided_digest, pair.turn = None, None, "", pair.turn + 1
        pair.concluded = False
        pair.save()
        if other is not None and other.status == lifecycle.MERGED:
            other.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=other.status)
            other.save(update_fields=["status"])


@question("report_cleared").answer_with
def clear(ref: str) -> None:
    """A shredded report leaves no coded facts in what is compared, nor reasons in its pairs."""
    LinkCard.objects.filter(incident__ref=ref).update(facts={}, area1="", area2="", lo=0, digest="")
    LinkPair.objects.filter(Q(first__ref=ref) | Q(second__ref=ref)).update(reasons=[], bits=linkage.SHOWN - 1)


def _digest(first: int, second: int, digests: dict[int, str]) -> str:
    return digests.get(first, "") + digests.get(second, "")


def _keep(found: Iterable[tuple[int, int, linkage.Score]], version: str) -> int:
    """Store pairs that are new, and the new score of those whose facts changed; returns how many are open."""
    wanted = {(min(a, b), max(a, b)): s for a, b, s in found}
    if not wanted:
        return 0
    ids = {x for pair in wanted for x in pair}
    digests = dict(LinkCard.objects.filter(incident__in=ids).values_list("incident", "digest"))
    near = LinkPair.objects.filter(first__in=ids, second__in=ids).values_list("pk", "first_id", "second_id")
    ours = [pk for pk, a, b in near if (a, b) in wanted]
    rows = {
        (p.first_id, p.second_id): p
        for p in LinkPair.objects.select_for_update(no_key=True).filter(pk__in=ours).order_by("id")
    }
    incidents = {i.pk: i for i in Incident.objects.filter(pk__in=ids)}
    fresh, changed = [], []
    for (a, b), score in wanted.items():
        digest = _digest(a, b, digests)
        row = rows.get((a, b))
        if row is None:
            same = incidents[a].compartment == incidents[b].compartment
            row = LinkPair(
                compartment=incidents[a].compartment if same else "monitoring", situation_id=incidents[a].situation_id,
                first_id=a, second_id=b, found_at=clock.now(),
            )  # fmt: skip
            fresh.append(row)
        elif row.digest != digest or row.weights != version:
            changed.append(row)
        row.bits, row.weights, row.digest = score.bits, version, digest
        row.reasons = [[r.comparison, r.way, r.bits] for r in score.reasons]
    LinkPair.objects.bulk_create(fresh, batch_size=500)
    LinkPair.objects.bulk_update(changed, ["bits", "weights", "digest", "reasons"], batch_size=500)
    return sum(p.open for p in (*fresh, *changed))


def _refresh(incident: int, weights: linkage.Weights) -> None:
    """Score anew every pair this report is in, so that one that no longer stands drops out of sight."""
    pairs = list(LinkPair.objects.filter(Q(first=incident) | Q(second=incident)))
    facts = dict(
        LinkCard.objects.filter(incident__in={x for p in pairs for x in (p.first_id, p.second_id)}).values_list(
            "incident", "facts"
        )
    )
    scored = [
        (
            p.first_id,
            p.second_id,
            linkage.score(queries.card_of(facts[p.first_id]), queries.card_of(facts[p.second_id]), weights),
        )
        for p in pairs
        if facts.get(p.first_id) and facts.get(p.second_id)
    ]
    _keep(scored, weights.version)


# --- deciding --------------------------------------------------------------------------------------------------------


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
    known_at = max([other.level, *([said.own] if said else [])], key=lambda code: RANK[code])
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


def _less_was_concluded(keep: Incident, alone: Sequence[Any] | None) -> bool:
    """Whether a verifier who had both before her concluded less than a linked report had `alone` ((status, level, ...), after): that
    level does not come back with one person's word (decision 0058)."""
    if alone is None:
        return False
    end = Incident.objects.get(pk=queries.ends_of([keep.pk])[keep.pk])
    said = Ceiling.read(end.ceiling)
    together = max([end.level, *([said.own] if said else [])], key=lambda code: RANK[code])
    return RANK[alone[0][1]] > RANK[together]


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
                and not (pair.concluded and _less_was_concluded(keep, aside["rows"].get(other.ref)))
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


# --- between organisations -------------------------------------------------------------------------------------------


@action("note_agreement")
def note_agreement(first: Body, second: Body, *, by: Person) -> Agreement:
    """Two partner organisations agreed in writing to be told that the other may hold a report of the same incident."""
    authority.require(by, "note_agreement", Place("agreements"))
    if first.pk == second.pk or {first.kind, second.kind} != {Body.PARTNER}:
        raise Refused(_("An agreement is between two different partner organisations."), reason="bodies")
    first, second = sorted((first, second), key=lambda b: b.pk)
    if Agreement.objects.filter(first=first, second=second, ended_at=None).exists():
        raise Refused(_("That agreement is already noted."), reason="duplicate")
    made = Agreement.objects.create(first=first, second=second, noted_by=by, noted_at=clock.now())
    record.append("agreement noted", made, by=by, detail={"first": first.ref, "second": second.ref})
    return made


@action("end_agreement")
def end_agreement(agreement: Agreement, *, by: Person) -> Agreement:
    """An agreement ends; from then on neither is told of the other."""
    agreement = Agreement.objects.select_for_update().get(pk=agreement.pk)
    authority.require(by, "end_agreement", agreement)
    if agreement.ended_at:
        raise Refused(_("That agreement has already ended."), reason="lifecycle")
    agreement.ended_at = clock.now()
    agreement.save(update_fields=["ended_at"])
    record.append("agreement ended", agreement, by=by)
    return agreement


@action("ask_to_compare")
def ask_to_compare(incident: Incident, organisation: Body, *, by: Person) -> None:
    """A partner asks the alliance's monitoring to compare its report with what an agreed organisation may hold.

    Raises Refused in the same words whether there is nothing, no agreement, or no such organisation.
    """
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    authority.require(by, "ask_to_compare", incident)
    if organisation not in queries.told_of_others(incident):
        raise Refused(_("There is nothing to ask that organisation about this report."), reason="nothing")
    with scope_of(CLOCK):
        alike = LinkPair.objects.filter(
            Q(first=incident, second__organisation=organisation) | Q(second=incident, first__organisation=organisation)
        )
        for pair in LinkPair.objects.select_for_update(no_key=True).filter(pk__in=alike).order_by("id"):
            pair.asked_by, pair.asked_at = by, clock.now()
            pair.save(update_fields=["asked_by", "asked_at"])
    record.append("comparison asked for", incident, by=by, detail={"organisation": organisation.ref})


# --- searching a whole situation --------------------------------------------------------------------------------------

WAITING, RUNNING, STOPPED, DONE = "WAITING", "RUNNING", "STOPPED", "DONE"


@action("start_search")
def start_search(situation: Situation, *, by: Person) -> DuplicateSearch:
    """Ask for a search through a situation; the worker does it part by part."""
    authority.require(by, "start_search", situation)
    situation = Situation.objects.select_for_update(no_key=True).get(pk=situation.pk)
    if DuplicateSearch.objects.filter(situation=situation, status__in=[WAITING, RUNNING, STOPPED]).exists():
        raise Refused(_("A search of this situation is already under way or stopped. Take it up again, or let it end."),
                      reason="duplicate")  # fmt: skip
    made = DuplicateSearch.objects.create(
        situation=situation, status=WAITING, asked_by=by, asked_at=clock.now(), moved_at=clock.now()
    )
    record.append("search asked for", made, by=by, to_state=WAITING, detail={"situation": situation.ref})
    return made


@action("move_search")
def move_search(search: DuplicateSearch, move: str, *, by: Person) -> DuplicateSearch:
    """Stop a search, or take it up again where it stopped."""
    search = DuplicateSearch.objects.select_for_update().get(pk=search.pk)
    authority.require(by, "start_search", search.situation)
    before = search.status
    if move == "stop" and before in {WAITING, RUNNING}:
        search.status = STOPPED
    elif move == "resume" and before == STOPPED:
        search.status = RUNNING if search.parts else WAITING
    else:
        raise Refused(_("The search is not in a state for that; look at the page again."), reason="lifecycle")
    search.moved_at = clock.now()
    search.save(update_fields=["status", "moved_at"])
    record.append(f"search {move}", search, by=by, from_state=before, to_state=search.status)
    return search


def _compared(situation: Situation) -> list[Incident]:
    rows = Incident.objects.filter(situation=situation, status__in=queries.COMPARED).select_related(
        "situation", "party"
    )
    return list(rows.defer("narrative", "place", "link_reason", "because").order_by("pk"))


@action("begin_search")
def begin_search(search: DuplicateSearch, *, by: HasPrincipal) -> DuplicateSearch:
    """The clock begins a search: writes anew what is compared, learns weights where reports suffice, sets its parts."""
    authority.require(by, "work_search", search)
    search = DuplicateSearch.objects.select_for_update().get(pk=search.pk)
    if search.status != WAITING:
        raise Refused(_("The search has already begun or was stopped."), reason="lifecycle")
    _alone(search.situation_id)
    incidents = _compared(search.situation)
    cards = put_cards(incidents)
    weights = queries.weights_for(search.situation_id)
    if len(cards) >= linkage.TRAIN_FROM:
        version = f"{search.situation.ref}@{clock.now():%Y%m%dT%H%M%S}"
        weights = linkage.train(cards, version=version)
        LinkWeights.objects.create(
            situation=search.situation,
            version=version,
            weights=weights.as_json(),
            trained_on=weights.trained_on,
            made_at=clock.now(),
        )
    _kept, blocking = linkage.capped(cards)
    search.status, search.parts, search.done = RUNNING, min(MOST_PARTS, max(1, -(-len(cards) // PART))), 0
    search.reports, search.found, search.weights = len(cards), 0, weights.version
    search.left_out = {"blocks": len(blocking.left_out), "largest": blocking.left_out[0][1] if blocking.left_out else 0}
    search.moved_at = clock.now()
    search.save()
    record.append("search begun", search, by=by, from_state=WAITING, to_state=RUNNING,
                  detail={"reports": len(cards), "parts": search.parts, "weights": weights.version})  # fmt: skip
    return search


@action("search_part")
def search_part(search: DuplicateSearch, *, by: HasPrincipal) -> DuplicateSearch:
    """The clock does the next part of a search. A stop between parts is heeded; a part that failed is done again whole."""
    authority.require(by, "work_search", search)
    search = DuplicateSearch.objects.select_for_update().get(pk=search.pk)
    if search.status != RUNNING:
        raise Refused(_("The search was stopped."), reason="lifecycle")
    _alone(search.situation_id)
    rows = list(LinkCard.objects.filter(situation=search.situation_id, incident__status__in=queries.COMPARED)
                .exclude(facts={}).order_by("pk").values_list("incident", "facts"))  # fmt: skip
    cards = [queries.card_of(facts) for _pk, facts in rows]
    pk_of = {card.ref: pk for card, (pk, _facts) in zip(cards, rows, strict=True)}
    weights = queries.weights_for(search.situation_id)
    pairs = linkage.candidates(cards, weights, part=(search.done + 1, search.parts))
    best: dict[str, int] = {}
    kept = []
    for pair in sorted(pairs, key=lambda p: (-p.score.bits, p.first, p.second)):
        # A report told ten times over gives ten questions, not forty-five.
        if max(best.get(pair.first, 0), best.get(pair.second, 0)) >= queries.KEPT:
            continue
        best[pair.first], best[pair.second] = best.get(pair.first, 0) + 1, best.get(pair.second, 0) + 1
        kept.append((pk_of[pair.first], pk_of[pair.second], pair.score))
    search.found += _keep(kept, weights.version)
    search.done += 1
    search.status = DONE if search.done == search.parts else RUNNING
    search.moved_at = clock.now()
    search.save(update_fields=["found", "done", "status", "moved_at"])
    record.append("search part done", search, by=by, to_state=search.status,
                  detail={"part": search.done, "parts": search.parts, "found": search.found})  # fmt: skip
    return search


def owed(*, parts: int = 5) -> int:
    """What the worker does each round: begin what waits, then a few parts of what runs. Returns the parts done."""
    done = 0
    with reading_as(CLOCK):
        due = list(DuplicateSearch.objects.filter(status__in=[WAITING, RUNNING]).order_by("asked_at"))
    for search in due:
        try:
            if search.status == WAITING:
                search = begin_search(search, by=CLOCK)
            while search.status == RUNNING and done < parts:
                search = search_part(search, by=CLOCK)
                done += 1
        except Refused:
            continue  # stopped meanwhile
    return done


# --- armed actors and lines of command ---------------------------------------------------------------------------------


def put_actors(entries: Sequence[lists.Entry], source: str, batch: Import | None) -> tuple[int, int]:
    """Store actors with all their names and the skeletons under which they are found; counts of actors and names."""
    actors = Actor.objects.bulk_create(
        [
            Actor(kind=e.kind, source=source, source_id=e.source_id[:60], listed=e.listed[:160], imported=batch)
            for e in entries
        ],
        batch_size=1000,
    )
    rows, keys = [], []
    for actor, entry in zip(actors, entries, strict=True):
        every: set[str] = set()
        for name in entry.names:
            rows.append(ActorName(actor=actor, name=name.name[:300], kind=name.kind, script=names.script(name.name)))
            every |= names.keys(name.name)
        keys += [ActorKey(actor=actor, key=k[:80]) for k in sorted(every)]
    ActorName.objects.bulk_create(rows, batch_size=2000)
    ActorKey.objects.bulk_create(keys, batch_size=4000)
    return len(actors), len(rows)


@action("import_actors")
def import_actors(file: lists.ListFile, file_name: str, *, by: Person) -> Import:
    """Bring in a list of armed actors or designations: all of it or nothing. The same file twice is refused."""
    authority.require(by, "import_public_data", Place("imports"))
    known.refuse_repeated(file.sha256)
    batch = Import.objects.create(
        dataset=file.source, release=file.release[:20], file_name=file_name[-200:], sha256=file.sha256, rows=file.rows,
        notes=list(file.notes)[:200], counts=dict(file.counts), made_at=clock.now(), made_by=by,
    )  # fmt: skip
    actors, spellings = put_actors(file.entries, file.source, batch)
    record.append(
        "public data imported", batch, by=by,
        detail={"dataset": file.source, "release": file.release, "sha256": file.sha256, "rows": file.rows, "actors": actors,
                "names": spellings},
    )  # fmt: skip
    return batch


@question("reliance_on_import").answer_with
def _reliance(batch: Import) -> list[str]:
    """What rests on actors of an import: commands noted by hand."""
    n = Command.objects.filter(actor__imported=batch).count()
    return [_("%(n)d commands name its actors.") % {"n": n}] if n else []


@question("import_undone").answer_with
def _undone(batch: Import) -> None:
    """Actors of an import go with it."""
    ActorKey.objects.filter(actor__imported=batch).delete()
    ActorName.objects.filter(actor__imported=batch).delete()
    Actor.objects.filter(imported=batch).delete()


@action("enter_actor")
def enter_actor(*, kind: str, spellings: Sequence[str], source: str, by: Person) -> Actor:
    """Name a commander or group by hand, with the source that names them and every known spelling."""
    authority.require(by, "enter_actor", Place("actors"))
    spellings = list(dict.fromkeys(s.strip() for s in spellings if s.strip()))
    if kind not in {Actor.GROUP, Actor.PERSON}:
        raise Refused(_("An actor is a group or a person."), reason="kind")
    if not spellings or not source.strip():
        raise Refused(_("A name and the source that gives it are both needed."), reason="source")
    if mixed := [w for s in spellings for w in names.mixed_words(s)]:
        raise Refused(
            _("%(words)s mixes letters of two scripts, so it would not be found. Write each spelling in one script.")
            % {"words": ", ".join(mixed)},
            reason="mixed",
        )
    entry = lists.Entry(
        "hand",
        kind,
        source.strip(),
        tuple(lists.Name(s, "main" if n == 0 else "alias") for n, s in enumerate(spellings)),
    )
    put_actors([entry], "HAND", None)
    actor = Actor.objects.filter(source="HAND", source_id="hand").latest("pk")
    actor.source_id = actor.ref
    actor.save(update_fields=["source_id"])
    record.append("actor entered", actor, by=by, detail={"kind": kind, "spellings": len(spellings)})
    return actor


def _span(from_on: date, to_on: date | None, source: str) -> None:
    if to_on and to_on < from_on:
        raise Refused(_("The last day lies before the first."), reason="days")
    if not source.strip():
        raise Refused(_("Say which source gives this."), reason="source")


@action("note_subordination")
def note_subordination(
    unit: Party, over: Party, *, from_on: date, to_on: date | None = None, source: str, by: Person
) -> Subordination:
    """A unit stood under another from a day to a day. Raises Refused when a unit would come to stand under itself."""
    authority.require(by, "note_command", unit.situation)
    live.hold_command(unit, over)
    Situation.objects.select_for_update(no_key=True).get(pk=unit.situation_id)
    _span(from_on, to_on, source)
    if unit.situation_id != over.situation_id:
        raise Refused(_("Both units belong to one situation."), reason="situation")
    new = rules.Edge(unit.ref, over.ref, from_on, to_on)
    edges = queries.edges_of(unit.situation_id)
    if unit.pk == over.pk or rules.makes_circle(edges, new):
        raise Refused(_("On some of these days the unit would stand under itself. Check who commands whom, and when."),
                      reason="circle")  # fmt: skip
    if any((e.unit, e.over) == (new.unit, new.over) and rules.overlap(e, new) for e in edges):
        raise Refused(_("That is already noted for some of these days."), reason="duplicate")
    made = Subordination.objects.create(
        unit=unit, over=over, from_on=from_on, to_on=to_on, source=source.strip()[:200], noted_by=by
    )
    changed = _command_changed(made, "line of command noted", until=to_on, by=by)
    record.append(
        "line of command noted", made, by=by, detail={"unit": unit.ref, "over": over.ref, "restated": changed}
    )
    return made


def _command_changed(row: Subordination, why: str, *, until: date | None, by: Person) -> list[str]:
    """Reports of the unit are compared by its new line, and what counts lines of command is worked out again."""
    with scope_of(CLOCK):
        theirs = Incident.objects.naming([row.unit]).filter(status__in=queries.COMPARED).order_by("-on")
        for incident in list(theirs.values_list("ref", flat=True)[:200]):
            note(incident)
        return live.command_changed(row, why=why, until=until, by=by)


@action("note_commander")
def note_commander(
    actor: Actor, party: Party, *, role: str, from_on: date, to_on: date | None = None, source: str, by: Person
) -> Command:
    """A person held a role in a unit from a day to a day: an allegation with its source, for referral alone (§1.6)."""
    authority.require(by, "note_command", party.situation)
    _span(from_on, to_on, source)
    if role not in rules.ROLES:
        raise Refused(_("There is no such role in a unit."), reason="role")
    if actor.kind != Actor.PERSON:
        raise Refused(_("A unit is commanded by a person; note a group as a unit above it."), reason="kind")
    made = Command.objects.create(
        actor=actor, party=party, role=role, from_on=from_on, to_on=to_on, source=source.strip()[:200], noted_by=by
    )
    record.append("commander noted", made, by=by, detail={"actor": actor.ref, "party": party.ref, "role": role})
    return made


@action("end_command")
def end_command(row: Subordination | Command, *, to_on: date, by: Person) -> Subordination | Command:
    """Note the last day of a line of command or a commander's role. It stays readable, with both its days.

    Raises Refused when that day lies before the first or ahead, or one is noted already.
    """
    if isinstance(row, Subordination):
        live.hold_command(row.unit, row.over)
    else:
        live.hold([row.party_id])
    locked: Any = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    party = locked.unit if isinstance(locked, Subordination) else locked.party
    authority.require(by, "note_command", party.situation)
    if locked.to_on is not None:
        raise Refused(
            _("Its last day is noted already: %(day)s.") % {"day": locked.to_on.isoformat()}, reason="lifecycle"
        )
    if to_on < locked.from_on:
        raise Refused(_("The last day lies before the first."), reason="days")
    if to_on > clock.today():
        raise Refused(_("That day lies ahead. Note it when it has come."), reason="days")
    locked.to_on = to_on
    locked.save(update_fields=["to_on"])
    detail: dict[str, Any] = {"to": to_on.isoformat()}
    if isinstance(locked, Subordination):
        detail["restated"] = _command_changed(locked, "line of command ended", until=None, by=by)
    record.append("command ended", locked, by=by, detail=detail)
    ended: Subordination | Command = locked
    return ended
