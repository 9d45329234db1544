"""A whole situation searched for reports told twice, in parts that can be stopped."""

from __future__ import annotations

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.engines.linkage import incidents as linkage
from answerable.monitoring.linking import queries
from answerable.monitoring.linking.actions import comparing
from answerable.monitoring.linking.models import (
    DuplicateSearch,
    LinkCard,
    LinkWeights,
)
from answerable.monitoring.models import Incident, Situation
from answerable.record import log as record

# Reports a search scores in one part, about: small enough that stopping loses little.
PART, MOST_PARTS = 2_000, 20

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
    comparing.alone(search.situation_id)
    incidents = _compared(search.situation)
    cards = comparing.put_cards(incidents)
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
    comparing.alone(search.situation_id)
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
    search.found += comparing.keep(kept, weights.version)
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
