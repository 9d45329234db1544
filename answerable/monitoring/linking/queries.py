"""Reads for linkage: what is compared of a report, candidates by indexed blocks, who is linked to whom, lines of command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum

from answerable.alliance.models import Body
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.engines.linkage import incidents as linkage
from answerable.engines.linkage import names
from answerable.monitoring import lifecycle
from answerable.monitoring.among import among
from answerable.monitoring.linking import rules
from answerable.monitoring.linking.models import (
    Actor,
    ActorKey,
    Agreement,
    LinkCard,
    LinkPair,
    LinkWeights,
    Subordination,
)
from answerable.monitoring.models import FurtherActor, Incident, Party, Situation, SourceItem

# Reports that may be linked. What was withdrawn, merged or referred elsewhere is nobody's candidate.
COMPARED = lifecycle.ANY
# How many candidates of one report are kept for a person to look at.
KEPT = 10
# Provenance is climbed and descended this far: an article on a report on a register on a statement, and then some.
DEPTH = 8


# --- what is compared ------------------------------------------------------------------------------------------------


def _derivations(ids: Collection[int], *, up: bool) -> list[tuple[int, int]]:
    through = SourceItem.parents.through
    field = "from_sourceitem_id" if up else "to_sourceitem_id"
    return list(
        through.objects.filter(**{f"{field}__in": list(ids)}).values_list("from_sourceitem_id", "to_sourceitem_id")
    )


def roots_of(incidents: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Incident → references of the ultimate sources of its live items (R-VER-1, R-VER-4), in a few queries for all."""
    items = [i for i in SourceItem.objects.filter(incident__in=list(incidents)) if i.live]
    parents: dict[int, set[int]] = {}
    frontier = {i.pk for i in items}
    for _depth in range(DEPTH):
        edges = _derivations(frontier, up=True)
        for child, parent in edges:
            parents.setdefault(child, set()).add(parent)
        frontier = {parent for _child, parent in edges} - parents.keys()
        if not frontier:
            break

    def climb(pk: int, seen: frozenset[int]) -> set[int]:
        above = parents.get(pk, set()) - seen
        return {r for p in above for r in climb(p, seen | {pk})} if above else {pk}

    found: dict[int, set[int]] = {}
    for item in items:
        found.setdefault(item.incident_id, set()).update(climb(item.pk, frozenset()))
    refs = dict(SourceItem.objects.filter(pk__in={r for s in found.values() for r in s}).values_list("pk", "ref"))
    return {pk: tuple(sorted(refs[r] for r in s if r in refs)) for pk, s in found.items()}


def edges_of(situation: Situation | int) -> list[rules.Edge]:
    """Who stood under whom in a situation, by reference."""
    pk = situation if isinstance(situation, int) else situation.pk
    rows = Subordination.objects.filter(unit__situation=pk).values_list("unit__ref", "over__ref", "from_on", "to_on")
    return [rules.Edge(*row) for row in rows]


def cards(incidents: Sequence[Incident]) -> list[linkage.Card]:
    """What linkage compares of these incidents. With each, every actor it names."""
    roots = roots_of([i.pk for i in incidents])
    further: dict[int, list[str]] = {}
    named = FurtherActor.objects.filter(incident__in=[i.pk for i in incidents]).order_by("party__ref")
    for pk, party in named.values_list("incident_id", "party__ref"):
        further.setdefault(pk, []).append(party)
    edges = {s: edges_of(s) for s in {i.situation_id for i in incidents}}
    out = []
    for i in incidents:
        lo, hi = linkage.days(i.on, i.precision)
        if i.earliest and i.latest:
            lo, hi = i.earliest.toordinal(), i.latest.toordinal()
        also = tuple(further.get(i.pk, ()))
        line = {r: None for ref in (i.party.ref, *also) for r in rules.above(edges[i.situation_id], ref, i.on)}
        out.append(
            linkage.Card(
                i.ref, i.situation.ref, i.party.ref, lo, hi, linkage.area(i.area1), linkage.area(i.area2),
                tuple(sorted(i.forms)), i.victims_min, i.victims, i.victims_max,
                tuple(line), roots.get(i.pk, ()), also,
            )
        )  # fmt: skip
    return out


def card_of(facts: Mapping[str, Any]) -> linkage.Card:
    """A stored card, read back."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    return linkage.Card(**fields)


def stored(card: linkage.Card) -> dict[str, Any]:
    """A card as it is stored."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(card).items()}


def weights_for(situation: Situation | int) -> linkage.Weights:
    """The latest weights learned in a situation, or those assumed."""
    row = LinkWeights.objects.filter(situation=situation).order_by("-made_at").first()
    return linkage.Weights.from_json(row.weights) if row else linkage.assumed()


# --- candidates ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidate:
    """Another report that may speak of the same incident, and why. `incident`: its row."""

    incident: int
    ref: str
    card: linkage.Card
    score: linkage.Score


# Each block is two walks along an index, from the day outwards, and stops at the nearest few: however many reports an
# actor or a place has, the check reads a fixed number of rows (the block cap of the filing-time check).
_BLOCK = """
(SELECT c.incident_id, c.facts FROM {cards}
  WHERE {where} AND {at}.lo >= %s AND {at}.lo <= %s ORDER BY {at}.lo LIMIT %s)
UNION ALL
(SELECT c.incident_id, c.facts FROM {cards}
  WHERE {where} AND {at}.lo < %s AND {at}.lo >= %s ORDER BY {at}.lo DESC LIMIT %s)
"""
_CARDS = ("monitoring_linkcard c", "c")
_NAMED_FURTHER = ("monitoring_furtheractor f JOIN monitoring_linkcard c ON c.incident_id = f.incident_id", "f")


def near(
    card: linkage.Card, situation: int, parties: Iterable[int], *, each: int = linkage.NEAREST
) -> dict[int, dict[str, Any]]:
    """Facts of reports in the blocks of a card, by incident: an actor in common, same area, within reach of its days."""
    # A month or a quarter begins before its days are near: the width of the widest date is added below.
    first, last, middle = card.lo - linkage.REACH - 92, card.hi + linkage.REACH, card.middle
    blocks: list[tuple[tuple[str, str], str, list[Any]]] = []
    for party in parties:
        blocks += [(_CARDS, "c.party_id = %s", [party]), (_NAMED_FURTHER, "f.party_id = %s", [party])]
    if card.area2:
        blocks.append((_CARDS, "c.situation_id = %s AND c.area2 = %s", [situation, card.area2]))
    elif card.area1:
        blocks.append((_CARDS, "c.situation_id = %s AND c.area2 = '' AND c.area1 = %s", [situation, card.area1]))
    sql, params = [], list[Any]()
    for (cards_of, at), where, values in blocks:
        sql.append(_BLOCK.format(cards=cards_of, at=at, where=where))
        params += [*values, middle, last, each, *values, middle, first, each]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql), params)
        rows = cursor.fetchall()
    return {pk: facts if isinstance(facts, dict) else _json(facts) for pk, facts in rows}


def _json(text: Any) -> dict[str, Any]:
    import json

    return dict(json.loads(text))


def sharing_roots(roots: Iterable[str], situation: int, *, each: int = linkage.NEAREST) -> dict[int, dict[str, Any]]:
    """Facts of reports of a situation whose items go back to one of these sources."""
    ids = set(SourceItem.objects.filter(ref__in=list(roots)).values_list("pk", flat=True))
    found, frontier = set(ids), set(ids)
    for _depth in range(DEPTH):
        frontier = {child for child, _parent in _derivations(frontier, up=False)} - found if frontier else set()
        found |= frontier
        if not frontier or len(found) > 50 * each:
            break
    holding = SourceItem.objects.filter(pk__in=found).values("incident")
    rows = LinkCard.objects.filter(incident__in=holding, situation=situation).order_by("incident_id")[:each]
    return dict(rows.values_list("incident_id", "facts"))


def candidates(incident: Incident, card: linkage.Card, *, weights: linkage.Weights | None = None) -> list[Candidate]:
    """Reports that may speak of the same incident, best first, KEPT at most: the check when a report is filed.

    Looks in the row scope it is called in; who is told what is for access to say.
    """
    weights = weights or weights_for(incident.situation_id)
    also = FurtherActor.objects.filter(incident=incident).values_list("party_id", flat=True)
    found = near(card, incident.situation_id, [incident.party_id, *also])
    if card.roots:
        found |= sharing_roots(card.roots, incident.situation_id)
    found.pop(incident.pk, None)
    scored = []
    for pk, facts in found.items():
        other = card_of(facts)
        score = linkage.score(card, other, weights)
        if score.shown:
            scored.append(Candidate(pk, other.ref, other, score))
    scored.sort(key=lambda c: (-c.score.bits, c.ref))
    statuses = dict(
        Incident.objects.filter(pk__in=[c.incident for c in scored[: 3 * KEPT]]).values_list("pk", "status")
    )
    return [c for c in scored if statuses.get(c.incident) in COMPARED][:KEPT]


def told_of_others(incident: Incident) -> list[Body]:
    """Organisations with which this report's own agreed to tell each other, and that hold a likely candidate.

    Looks across compartments on behalf of nobody, and gives back names of bodies alone: no count, no score, no fact.
    Only pairs that were found when a report was filed or searched are asked, never what someone types.
    """
    ours = incident.organisation_id
    agreed = Agreement.objects.filter(Q(first=ours) | Q(second=ours), ended_at=None)
    partners = {a.second_id if a.first_id == ours else a.first_id for a in agreed}
    if not partners:
        return []
    with reading_as(CLOCK):
        pairs = LinkPair.objects.filter(Q(first=incident) | Q(second=incident), bits__gte=linkage.LIKELY)
        pairs = pairs.exclude(decision=LinkPair.NOT_SAME).select_related("first", "second")
        held = {x.organisation_id for p in pairs for x in (p.first, p.second)} & partners
    return list(Body.objects.filter(pk__in=held).order_by("name"))


# --- who is linked to whom --------------------------------------------------------------------------------------------


def is_linked(incident: Incident) -> bool:
    """Whether a better record of the same incident stands for this report."""
    return LinkPair.objects.filter(decision=LinkPair.SAME, duplicate=incident).exists()


def kept_by(incidents: Iterable[int]) -> dict[int, int]:
    """Duplicate → the report kept at the end of its links, for all that end in these incidents or begin with them.

    A linked report whose consent was withdrawn stays linked and carries nothing (R-VER-4): it is not among them.
    """
    wanted = set(incidents)
    direct: dict[int, int] = {}
    frontier = set(wanted)
    while frontier:
        merged = LinkPair.objects.filter(decision=LinkPair.SAME, duplicate__status=lifecycle.MERGED)
        rows = merged.filter(kept__in=among(frontier)).values_list("duplicate", "kept")
        fresh = {int(d): int(k) for d, k in rows if d is not None and k is not None and d not in direct}
        direct |= fresh
        frontier = set(fresh)
    out = {}
    for duplicate in direct:
        end = duplicate
        while end in direct:
            end = direct[end]
        out[duplicate] = end
    return out


def ends_of(incidents: Iterable[int]) -> dict[int, int]:
    """Each of these reports → the one kept at the end of its links, or itself. One that is closed leads nowhere (R-VER-4)."""
    ends = {pk: pk for pk in incidents}
    frontier = set(ends)
    while frontier:
        merged = LinkPair.objects.filter(
            decision=LinkPair.SAME, duplicate__in=frontier, duplicate__status=lifecycle.MERGED
        )
        up = {int(d): int(k) for d, k in merged.values_list("duplicate", "kept") if d is not None and k is not None}
        ends = {pk: up.get(end, end) for pk, end in ends.items()}
        frontier = set(up.values())
    return ends


SAME_SOURCE = "same_source"


def one_source(linked: Mapping[int, int]) -> dict[int, str]:
    """Of reports linked to others (as by `kept_by`), and of those kept: what they were found to go back to together.

    Reports that links of that reason join, whichever way, have one source: ten copies have one root (R-VER-1).
    """
    if not linked:
        return {}
    rows = LinkPair.objects.filter(decision=LinkPair.SAME, duplicate__in=linked, why__contains=SAME_SOURCE)
    up: dict[int, int] = {}

    def top(pk: int) -> int:
        while pk in up:
            pk = up[pk]
        return pk

    joined = [(int(d), int(k)) for d, k in rows.values_list("duplicate", "kept") if d is not None and k is not None]
    for duplicate, kept in joined:
        if (a := top(duplicate)) != (b := top(kept)):
            up[max(a, b)] = min(a, b)
    return {pk: f"source {top(pk)}" for pair in joined for pk in pair}


def waiting(linked: Collection[int]) -> dict[int, dict[str, Any]]:
    """Of these linked reports, those from whose link, or one above it, no verifier concluded anything: how the rules see it."""
    if not linked:
        return {}
    rows = LinkPair.objects.filter(decision=LinkPair.SAME, duplicate__in=linked).values_list(
        "duplicate", "kept", "concluded", "put_aside"
    )
    above = {d: (k, done, aside) for d, k, done, aside in rows}
    found: dict[int, dict[str, Any]] = {}
    for at in linked:
        up = at
        while up in above:
            kept, done, aside = above[up]
            if not done:
                # Written once the link is made; while it is being made the report stands as it stood.
                found[at] = {"waits": str(up), "stood": aside.get("status") in lifecycle.COUNTED}
                break
            up = int(kept or 0)
    return found


def linked_below(incident: Incident) -> QuerySet[LinkPair]:
    """Every link by which reports stand under this one, however long the chain."""
    return LinkPair.objects.filter(decision=LinkPair.SAME, duplicate__in=kept_by([incident.pk]))


def linked_since(duplicates: Collection[int]) -> QuerySet[LinkPair]:
    """The links by which these reports stand under another, of which no verifier has concluded anything yet."""
    return LinkPair.objects.filter(decision=LinkPair.SAME, concluded=False, duplicate__in=duplicates)


def linked_to_since() -> QuerySet[Incident]:
    """Concluded reports to which another was linked since, and that no verifier has concluded again."""
    pairs = LinkPair.objects.filter(decision=LinkPair.SAME, concluded=False, duplicate__status=lifecycle.MERGED)
    return Incident.objects.filter(pk__in=pairs.values("kept"), status__in=lifecycle.COUNTED)


def keepers_of(refs: Iterable[str], *, carrying: bool = False) -> set[int]:
    """The reports that these are linked to, up to the one kept at the end of each line. `carrying`: only as far as what is linked
    carries the kept report, so not past one that is closed (R-VER-4)."""
    found: set[int] = set()
    same = LinkPair.objects.filter(decision=LinkPair.SAME)
    if carrying:
        same = same.filter(duplicate__status=lifecycle.MERGED)
    frontier = list(same.filter(duplicate__ref__in=refs).values_list("kept", flat=True))
    while frontier:
        found |= {int(k) for k in frontier if k is not None}
        after = same.filter(duplicate__in=frontier).values_list("kept", flat=True)
        frontier = [k for k in after if k not in found]
    return found


@dataclass(frozen=True)
class Counts:
    """Reports and victims of a situation, each victim once (R-VER-5): every counted level, and verified alone (R-LS-1)."""

    reports: int
    linked: int
    reported_victims: int
    verified_victims: int


def situation_counts(situation: Situation) -> Counts:
    """What a situation's assessed reports amount to; those linked to a better record are MERGED, which counts nowhere."""
    linked = LinkPair.objects.filter(situation=situation, decision=LinkPair.SAME)
    counted = Incident.objects.filter(situation=situation, status__in=lifecycle.COUNTED)
    found = counted.aggregate(
        n=Count("id"), reported=Sum("victims"), verified=Sum("victims", filter=Q(status=lifecycle.VERIFIED))
    )
    return Counts(found["n"], linked.count(), found["reported"] or 0, found["verified"] or 0)


def record_facts(incident: Incident) -> rules.RecordFacts:
    """What makes this report a better or worse record."""
    items = sum(i.live for i in incident.items.all())
    return rules.RecordFacts(
        incident.ref, incident.level, items, incident.precision, incident.victims, incident.submitted_at.isoformat()
    )


def work_done(situation: Situation) -> dict[str, int]:
    """Pairs by decision, "" for those waiting."""
    rows = LinkPair.objects.filter(situation=situation, bits__gte=linkage.SHOWN).order_by()
    return dict(rows.values("decision").annotate(n=Count("id")).values_list("decision", "n"))


# --- lines of command ------------------------------------------------------------------------------------------------


def chain(party: Party, on: date) -> set[Party]:
    """The party and every unit that stood under it on a day, in one query for the edges and one for the parties."""
    refs = rules.below(edges_of(party.situation_id), party.ref, on)
    return set(Party.objects.filter(situation=party.situation_id, ref__in=refs))


def ever_below(party: Party, first: date, last: date) -> dict[str, Party]:
    """Every party that stood under this one on some day of a window, itself among them, by reference."""
    edges = edges_of(party.situation_id)
    days = {first, last, *(e.first for e in edges if first <= e.first <= last)}
    refs = frozenset().union(*(rules.below(edges, party.ref, day) for day in days))
    return {p.ref: p for p in Party.objects.filter(situation=party.situation_id, ref__in=refs)}


def spans_below(party: Party, first: date, last: date) -> list[tuple[Party, date, date]]:
    """Who stood under a party within a window, the party itself first, each with the days from and to which it did."""
    edges = edges_of(party.situation_id)
    turns = {first, *(e.first for e in edges), *(e.last + timedelta(days=1) for e in edges if e.last)}
    begins = sorted(day for day in turns if first <= day <= last)
    held: dict[str, list[list[date]]] = {}
    for day, following in zip(begins, [*begins[1:], last + timedelta(days=1)], strict=True):
        for ref in rules.below(edges, party.ref, day):
            spans = held.setdefault(ref, [])
            until = following - timedelta(days=1)
            if spans and spans[-1][1] == day - timedelta(days=1):
                spans[-1][1] = until
            else:
                spans.append([day, until])
    known = {p.ref: p for p in Party.objects.filter(situation=party.situation_id, ref__in=held)}
    order = sorted(held, key=lambda ref: (ref != party.ref, ref))
    return [(known[ref], a, b) for ref in order if ref in known for a, b in held[ref]]


# --- names -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """An actor whose name is like the words asked for, the spelling that is most alike, and why."""

    actor: Actor
    spelling: str
    score: names.NameScore


def find_actors(words: str, *, limit: int = 25, least: float = 0.6) -> list[Hit]:
    """Actors whose name in any script is like these words, best first. Reads a bounded number of candidates."""
    keys = names.keys(words)
    if not keys:
        return []
    found = (
        ActorKey.objects.filter(key__in=keys)
        .values("actor")
        .annotate(n=Count("key", distinct=True))
        .order_by("-n", "actor")
    )[:400]
    actors = (
        Actor.objects.filter(pk__in=[f["actor"] for f in found]).prefetch_related("names").select_related("imported")
    )
    hits = []
    for actor in actors:
        score, _ours, spelling = names.best([words], [n.name for n in actor.names.all()])
        if score.score >= least:
            hits.append(Hit(actor, spelling, score))
    return sorted(hits, key=lambda h: (-h.score.score, h.actor.pk))[:limit]
