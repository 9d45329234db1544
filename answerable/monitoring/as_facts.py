"""Reports and items as the rules see them: grades, origins, days, actors and what a verifier last concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db.models import Max, Prefetch, prefetch_related_objects

from answerable.monitoring import grades, lifecycle, rules
from answerable.monitoring.among import among
from answerable.monitoring.evidence import queries as evidence
from answerable.monitoring.evidence import rules as grading
from answerable.monitoring.intake.models import TAKEN_OVER, Draft
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Incident,
    Party,
    SourceItem,
)
from answerable.monitoring.patterns import rules as windows


def assessed(item: SourceItem, testimony: str | None = None) -> bool:
    """Whether two assessors settled an account's grade (or this one), or a more generous one (R-VER-0)."""
    grade = item.testimony if testimony is None else testimony
    if not (grades.is_account(item.kind) and grade):
        return False
    given = _given(item)
    settled = grading.grading([a.testimony for a in given]).grade
    return bool(settled) and grade >= settled


def _counts_as(item: SourceItem, contrary: bool) -> rules.Grade | None:
    """The grade an item counts at until a verifier sees the one it was given since; None where that is the one it has."""
    if not (seen := item.counts_as(contrary=contrary)):
        return None
    testimony, reliability, credibility = grades.read(seen)
    # The collector assesses nothing (SOD-01, in the policy), so each who recorded this grade confirms it.
    assessors = len({a.assessor_id for a in _given(item) if a.testimony == testimony}) if testimony else 0
    return rules.Grade(testimony, reliability, credibility, assessed(item, testimony), assessors)


def graded() -> Prefetch[str, Any, str]:
    """For `prefetch_related`: what assessors gave, of many items at once."""
    from answerable.monitoring.evidence.models import Assessment

    # As a list of its own: the manager of each item would make a query set each, never asked.
    return Prefetch(
        "assessments", Assessment.objects.only("id", "item", "assessor", "testimony"), to_attr="grades_given"
    )


def _given(item: SourceItem) -> list[Any]:
    """What assessors gave an item, in their order."""
    given = item.grades_given if hasattr(item, "grades_given") else item.assessments.all()
    return sorted(given, key=lambda a: a.pk)


def item_facts(
    item: SourceItem, parents: Iterable[str], *, waits: str = "", stood: bool = False, under: rules.Ceiling | None = None,
    then: bool = False, source: str = "", contrary: bool | None = None, capped: bool = False,
) -> rules.ItemFacts:  # fmt: skip
    """An item as the rules see it; `waits`, `stood`, `under`, `source` and `capped` as there. `then`: a grade given since verification was concluded
    counts no more than the one before. `contrary`: where it speaks for or against something else than its report."""
    against = item.contrary if contrary is None else contrary
    return rules.ItemFacts(
        ref=item.ref,
        kind=item.kind,
        primary=item.primary,
        reliability=item.reliability,
        credibility=item.credibility,
        testimony=item.testimony,
        person=item.person_key,
        parents=frozenset(parents),
        contrary=against,
        weighed=item.weighed,
        live=item.live,
        assessors=item.assessors,
        assessed=assessed(item),
        waits=waits,
        stood=stood,
        under=under,
        then=_counts_as(item, against) if then else None,
        source=source,
        report=str(item.incident_id) if source else "",
        capped=capped,
    )


def actors_of(incidents: Iterable[Incident]) -> dict[int, list[int]]:
    """Every actor that each of these incidents names, the first one first, in one question."""
    named = {i.pk: [i.party_id] for i in incidents}
    further = (
        FurtherActor.objects.filter(incident__in=among(named)).order_by("id").values_list("incident_id", "party_id")
    )
    for incident, party in further:
        if party not in named[incident]:
            named[incident].append(party)
    return named


def told_by(incidents: Iterable[Incident]) -> dict[int, date]:
    """The day on which each of these reports was last told: filed, or corrected by a later version of its submission.

    What it tells of did not happen after that, however roughly its date is known.
    """
    days = {i.ref: i.submitted_at.date() for i in incidents}
    later = Draft.objects.filter(corrects__in=days, status=TAKEN_OVER).order_by()
    for ref, at in later.values_list("corrects").annotate(at=Max("made_at")):
        days[ref] = max(days[ref], at.date())
    return {i.pk: days[i.ref] for i in incidents}


def days_known(incident: Incident) -> windows.Days:
    """The last and the first day on which an incident can have been, by its date and by when it was told."""
    given = windows.days_of(incident.on, incident.precision, incident.earliest, incident.latest)
    if given[0] <= incident.submitted_at.date():
        return given
    return max(given[1], min(given[0], told_by([incident])[incident.pk])), given[1]


# Columns of a report that `incident_facts` asks, and what a computed level is written over.
ASKED = (
    "ref", "party", "on", "precision", "earliest", "latest", "area1", "area2", "victims", "matches_pattern", "status", "level",
    "because", "cap_stays", "ceiling", "held_back", "submitted_at",
)  # fmt: skip


def incident_facts(
    incidents: Sequence[Incident], named: Mapping[int, Sequence[int]] | None = None
) -> list[rules.IncidentFacts]:
    """Incidents with their items and the live ones of reports linked to them, in a few queries however many there are.

    `named` is what `actors_of` said of them, from whoever has asked it already.
    """
    if not incidents:
        return []
    items: dict[int, list[SourceItem]] = {}
    linked = links.kept_by([i.pk for i in incidents])
    # Until a verifier has concluded, all of it is what the items would give; afterwards neither a link nor an item added
    # raises anything by itself.
    said = {i.pk for i in incidents if i.status in lifecycle.COUNTED}
    named = actors_of(incidents) if named is None else named
    waiting = _waiting({d: kept for d, kept in linked.items() if kept in said}, named)
    capped = {i.pk for i in incidents if i.pk in said and i.cap_stays}
    every = list(
        SourceItem.objects.filter(incident__in=among([*(i.pk for i in incidents), *linked])).defer("says", "graded_by")
    )
    # Of the others nothing that assessors gave is asked (`assessed`).
    prefetch_related_objects([x for x in every if grades.is_account(x.kind)], graded())
    gone: dict[int, list[SourceItem]] = {}
    for item in every:
        # What a linked report lost to a withdrawn consent is not so much as counted on another's page. It stays an origin.
        end = linked.get(item.incident_id, item.incident_id)
        (items if item.incident_id not in linked or item.live else gone).setdefault(end, []).append(item)

    def waits(x: SourceItem) -> dict[str, Any]:
        since = linked.get(x.incident_id, x.incident_id) in said
        if x.waits and since:
            return {"waits": rules.ADDED, "then": True}
        return {**waiting.get(x.incident_id, {}), "then": since}

    # Two items that cite a third go back to it, in whichever incident it was filed (R-VER-1).
    origins = evidence.origins(every)
    # So do two that have the same words or the same file, on reports that are linked.
    both = [[*group, *gone.get(end, ())] for end, group in items.items()] if linked else []
    same = {pk: roots for group in both for pk, roots in evidence.alike(group).items()}
    above = {pk: {*origins.get(pk, ()), *same.get(pk, ())} for pk in {*origins, *same}}
    if gone:
        above = past([x for group in gone.values() for x in group], above)
    one_source = links.one_source(linked)
    rough = [
        i for i in incidents
        if windows.days_of(i.on, i.precision, i.earliest, i.latest)[0] > i.submitted_at.date()
    ]  # fmt: skip
    told = told_by(rough) if rough else {}
    refs = dict(Party.objects.filter(pk__in={p for of in named.values() for p in of}).values_list("pk", "ref"))
    return [
        rules.IncidentFacts(
            ref=i.ref,
            on=i.on,
            area=i.area2,
            area1=i.area1,
            precision=i.precision,
            earliest=i.earliest,
            latest=i.latest,
            told=told.get(i.pk),
            victims=i.victims,
            actor=refs[i.party_id],
            also=frozenset(refs[p] for p in named[i.pk][1:]),
            items=tuple(
                item_facts(
                    x,
                    above.get(x.pk, ()),
                    **waits(x),
                    source=one_source.get(x.incident_id, ""),
                    capped=i.pk in capped,
                )
                for x in items.get(i.pk, [])
            ),
            matches_pattern=i.matches_pattern,
            level=rules.Level(i.level, tuple(i.because)),
            ceiling=ceiling_of(i),
        )
        for i in incidents
    ]


def past(gone: Sequence[SourceItem], above: Mapping[int, set[str]]) -> dict[int, set[str]]:
    """What items go back to, past those that are shown no more: what had one origin through one of these still has (R-VER-1)."""
    behind = {x.ref: above.get(x.pk, set()) for x in gone}
    shared: dict[str, set[str]] = {}
    for roots in behind.values():
        for mark in roots:
            if mark.startswith((rules.SAME_WORDS, rules.SAME_FILE)):
                shared.setdefault(mark, set()).update(roots)

    def climb(first: Iterable[str]) -> set[str]:
        roots, walked, waiting = set[str](), set[str](), list(first)
        while waiting:
            at = waiting.pop()
            if at in walked:
                continue
            walked.add(at)
            waiting += [*behind.get(at, ()), *shared.get(at, ())]
            if not behind.get(at):
                roots.add(at)
        return roots

    return {pk: climb(first) for pk, first in above.items()}


def ceiling_of(incident: Incident) -> rules.Ceiling | None:
    """What was last concluded of a report, above which its level does not rise (decision 0058). A report that is opened again shows
    what its items would give: it counts only once a verifier concludes anew."""
    return rules.Ceiling.read(incident.ceiling) if incident.status in lifecycle.COUNTED else None


def _waiting(linked: Mapping[int, int], named: Mapping[int, Sequence[int]]) -> dict[int, dict[str, Any]]:
    """Of these linked reports, each with the one kept, those that no verifier looked at together with it (links.waiting). What such a
    one was concluded at by itself carries the kept one, as far as it was; and not for an actor that it does not name."""
    found: dict[int, dict[str, Any]] = {}
    waiting = links.waiting(linked)
    tops = {int(w["waits"]) for w in waiting.values() if w["stood"]}
    theirs = Incident.objects.filter(pk__in=tops).only("pk", "party_id", "ceiling") if tops else ()
    concluded = {i.pk: rules.Ceiling.read(i.ceiling) for i in theirs}
    names = actors_of(theirs) if tops else {}
    for pk, w in waiting.items():
        top = int(w["waits"])
        found[pk] = dict(w)
        if w["stood"]:
            stood = set(named[linked[pk]]) <= set(names.get(top, ()))
            found[pk] |= {"stood": stood, "under": concluded.get(top) if stood else None}
    return found
