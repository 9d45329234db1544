"""What is compared of two reports, and the check when one is filed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection
from django.db.models import OuterRef, Q, Subquery

from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.engines.linkage import incidents as linkage
from answerable.monitoring import lifecycle
from answerable.monitoring.linking import queries
from answerable.monitoring.linking.models import (
    LinkCard,
    LinkPair,
)
from answerable.monitoring.models import FurtherActor, Incident


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
        alone(incident.situation_id)
        card = put_cards([incident])[0]
        if incident.status not in queries.COMPARED:
            _release(incident)
            return 0
        weights = queries.weights_for(incident.situation_id)
        found = queries.candidates(incident, card, weights=weights)
        keep([(incident.pk, c.incident, c.score) for c in found], weights.version)
        _refresh(incident.pk, weights)
    return len(found)


def alone(situation: int) -> None:
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


def keep(found: Iterable[tuple[int, int, linkage.Score]], version: str) -> int:
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
    keep(scored, weights.version)
