"""Reads shaped for a page or a rule."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines.agreement import linear_kappa
from answerable.monitoring import grades, lifecycle, rules
from answerable.monitoring.evidence import queries as evidence
from answerable.monitoring.evidence import rules as grading
from answerable.monitoring.intake.models import TAKEN_OVER, Draft
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Import,
    Incident,
    Job,
    Party,
    PatternAssessment,
    Reading,
    ReleasedTable,
    Reports,
    Situation,
    SourceItem,
)
from answerable.monitoring.patterns import rules as windows
from answerable.monitoring.patterns.models import Contribution
from answerable.record import log as record
from answerable.vault.consent import gate
from answerable.vault.consent import queries as consents


@cache
def countries() -> Mapping[int, tuple[str, str]]:
    """Gleditsch-Ward number → (ISO numeric, name). Source: Unicode CLDR and the UN, with the numbers of G&W 1999."""
    with (Path(__file__).parent / "tables" / "gw_countries.csv").open(encoding="utf-8", newline="") as f:
        return {int(r["gw"]): (r["iso_numeric"], r["name"]) for r in csv.DictReader(f)}


def copy_readings(readings: Iterable[Reading]) -> int:
    """Write many readings through COPY; the caller's transaction decides."""
    n = 0
    columns = "imported_id, situation_id, party_id, year, source, kind, value, forms, form, row"
    with connection.cursor() as cursor, cursor.copy(f"COPY monitoring_reading ({columns}) FROM STDIN") as copy:
        for r in readings:
            copy.write_row(
                (r.imported_id, r.situation_id, r.party_id, r.year, r.source, r.kind, r.value, json.dumps(r.forms),
                 r.form, r.row)
            )  # fmt: skip
            n += 1
    return n


def reliance_on_import(batch: Import) -> list[str]:
    """Sentences naming what rests on an import's situations and parties; empty when it can be undone."""
    reasons = []
    if n := Incident.objects.naming(Party.objects.filter(imported=batch)).count():
        reasons.append(_("%(n)d incident reports name its parties.") % {"n": n})
    elif n := Incident.objects.filter(situation__imported=batch).count():
        reasons.append(_("%(n)d incident reports are filed in its situations.") % {"n": n})
    own = Situation.objects.filter(imported=batch)
    if n := Party.objects.filter(situation__in=own).exclude(imported=batch).filter(imported=None).count():
        reasons.append(_("%(n)d parties were entered by hand in its situations.") % {"n": n})
    if ReleasedTable.objects.filter(situation__in=own).exists() or Job.objects.filter(situation__in=own).exists():
        reasons.append(_("Tables or bulletins on its situations were released to members, or are being set."))
    refs = [*own.values_list("ref", flat=True), *Party.objects.filter(imported=batch).values_list("ref", flat=True)]
    held = [r for ref in refs for r in record.dependents(ref)] if len(refs) < 50 else list(
        record.Reliance.objects.filter(basis__in=refs, until=None))  # fmt: skip
    if held:
        reasons.append(_("%(n)d findings or programmes rely on it.") % {"n": len(held)})
    reasons += [sentence for answer in question("reliance_on_import").ask(batch) for sentence in answer]
    return reasons


def assessed(item: SourceItem, testimony: str | None = None) -> bool:
    """Whether two assessors settled an account's grade (or this one), or a more generous one (R-VER-0). Looks at
    `item.assessments`.
    """
    grade = item.testimony if testimony is None else testimony
    if not (grades.is_account(item.kind) and grade):
        return False
    given = sorted(item.assessments.all(), key=lambda a: a.pk)
    settled = grading.grading([a.testimony for a in given]).grade
    return bool(settled) and grade >= settled


def _counts_as(item: SourceItem, contrary: bool) -> rules.Grade | None:
    """The grade an item counts at until a verifier sees the one it was given since; None where that is the one it has."""
    if not (seen := item.counts_as(contrary=contrary)):
        return None
    testimony, reliability, credibility = grades.read(seen)
    # The collector assesses nothing (SOD-01, in the policy), so each who recorded this grade confirms it.
    assessors = len({a.assessor_id for a in item.assessments.all() if a.testimony == testimony}) if testimony else 0
    return rules.Grade(testimony, reliability, credibility, assessed(item, testimony), assessors)


def graded() -> Prefetch[str, Any, str]:
    """For `prefetch_related`: what assessors gave, of many items at once."""
    from answerable.monitoring.evidence.models import Assessment

    return Prefetch("assessments", Assessment.objects.only("id", "item", "assessor", "testimony"))


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
    further = FurtherActor.objects.filter(incident__in=named).order_by("id").values_list("incident_id", "party_id")
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
    every = list(SourceItem.objects.filter(incident__in=[*(i.pk for i in incidents), *linked]).defer("says"))
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
        above = _past([x for group in gone.values() for x in group], above)
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


def _past(gone: Sequence[SourceItem], above: Mapping[int, set[str]]) -> dict[int, set[str]]:
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


def caps(item: SourceItem) -> bool:
    """Whether this item caps a report now, whatever else it has: it speaks strongly against it and is not weighed (R-VER-3)."""
    if not (item.contrary and item.live and not item.weighed):
        return False
    facts = item_facts(item, (), then=True)
    return facts.strong or facts.as_seen.strong


def any_caps(incidents: Iterable[int]) -> bool:
    """Whether an item of these reports caps what it belongs to."""
    return any(caps(i) for i in SourceItem.objects.filter(incident__in=list(incidents), contrary=True, weighed=False))


def waits_for_a_verifier(incident: Incident, contrary: bool) -> bool:
    """Whether an item added to this report now waits: what speaks against it counts at once (R-VER-3), all else once seen."""
    return not contrary and incident.status not in lifecycle.BEFORE_A_VERIFIER


YOU_ADDED = gettext_noop(
    "You added an item to this report or to one linked to it, so someone else must verify it (SOD-01)."
)
YOU_COLLECTED = gettext_noop(
    "You collected a report that is linked to this one, so someone else must verify it (SOD-01)."
)
YOU_NAMED = gettext_noop(
    "You named an armed actor of this report or of one linked to it, so someone else must verify it (SOD-01)."
)
YOU_HAD_A_VERSION = gettext_noop(
    "You delivered a version of this report or of one linked to it, or corrected one by it, so someone else must verify it (SOD-01)."
)
YOU_GRADED = gettext_noop(
    "You gave an item of this report, or of one linked to it, another grade since, so someone else must verify it (SOD-01)."
)
YOU_LINKED = gettext_noop(
    "You linked a report to this one, took a link back, closed, restored or referred one of them, wrote down that a consent "
    "ended, or took an armed actor away, since its verification was concluded, so someone else must verify it (SOD-01)."
)
YOU_TOOK_AWAY = gettext_noop(
    "You wrote down what took an item away that speaks against this report, so someone else must verify it (SOD-01)."
)
YOU_HAD_HER_WORD = gettext_noop(
    "You wrote down the consent by which an item of this report, or of one linked to it, counts, so someone else must verify it (SOD-01)."
)


def her_own(by: Person, incidents: Iterable[Incident]) -> dict[int, str]:
    """Of these reports, those that this person does not verify although their collector is another, with the sentence why: she
    collected or changed part of what each rests on, or of what one linked to it does (SOD-01). In every compartment."""
    keys = {i.pk for i in incidents}
    with reading_as(CLOCK):
        below = links.kept_by(keys)
        every = [*keys, *below]
        items, reports = SourceItem.objects.filter(incident__in=every), Incident.objects.filter(pk__in=every)
        linked = links.linked_since(below).filter(decided_by=by)
        capped = reports.exclude(cap_stays={}).values_list("pk", "cap_stays")
        counted = {i.ref: i.incident_id for i in items if i.live}
        hers = consents.written_by(by.ref, counted, grades.MONITORING)
        found: list[tuple[str, Iterable[int]]] = [
            (YOU_ADDED, items.filter(added_by=by).values_list("incident_id", flat=True)),
            (YOU_COLLECTED, reports.filter(pk__in=below, collected_by=by).values_list("pk", flat=True)),
            (YOU_NAMED, FurtherActor.objects.filter(named_by=by, incident__in=every).values_list("incident_id", flat=True)),
            (YOU_HAD_A_VERSION, reports.filter(versions_by__contains=[by.ref]).values_list("pk", flat=True)),
            (YOU_GRADED, items.filter(graded_by__contains=[by.ref]).values_list("incident_id", flat=True)),
            (YOU_LINKED, [pk for pk in linked.values_list("duplicate", flat=True) if pk is not None]),
            (YOU_LINKED, reports.filter(changed_by__contains=[by.ref]).values_list("pk", flat=True)),
            (YOU_TOOK_AWAY, [pk for pk, stays in capped if any(by.ref in who for who in stays.values())]),
            (YOU_HAD_HER_WORD, [counted[ref] for ref in hers]),
        ]  # fmt: skip
        why: dict[int, str] = {}
        for sentence, of in found:
            for pk in of:
                why.setdefault(below.get(pk, pk), sentence)
    return why


def her_own_in(by: Person, incident: Incident) -> str:
    """The sentence why this person does not verify a report although its collector is another, or "" (her_own)."""
    why = her_own(by, [incident]).get(incident.pk, "")
    return _(why) if why else ""


def has_a_share(by: Person, incident: Incident) -> bool:
    """Whether this person collected a report, added an item to it or had a version of it, or of any that is linked with it, above or
    below: in every compartment (SOD-01). What speaks against one of them caps the one that is kept."""
    with reading_as(CLOCK):
        top = links.ends_of([incident.pk])[incident.pk]
        every = {top, *links.kept_by([top])}
        hers = Q(collected_by=by) | Q(versions_by__contains=[by.ref])
        return (
            Incident.objects.filter(hers, pk__in=every).exists()
            or SourceItem.objects.filter(added_by=by, incident__in=every).exists()
        )


# Columns of a report, and of an item, on which a conclusion rests.
RESTS_ON = (
    "ref", "party", "on", "precision", "earliest", "latest", "area1", "area2", "victims_min", "victims", "victims_max", "forms", "links",
    "settings", "consequences", "further", "risk", "story_corrected", "versions_by", "verified_by", "changed_by", "cap_stays",
)  # fmt: skip
ITEM_RESTS_ON = (
    "ref", "incident__ref", "kind", "primary", "reliability", "credibility", "testimony", "assessors", "person_key", "contrary", "weighed",
    "purposes", "withdrawn", "waits", "graded_then", "further",
)  # fmt: skip


def before_her(incident: Incident) -> str:
    """A fingerprint (SHA-256, hexadecimal) of all that a conclusion on this report rests on: its facts, actors and versions, and its
    items with grades, consents, origins and files, and all this of every report linked to it, with the links. In every compartment.

    A page carries it, and an act compares: what was not before her she does not conclude on (decision 0056).
    """
    with reading_as(CLOCK):
        below = links.kept_by([incident.pk])
        reports = Incident.objects.filter(pk__in=[incident.pk, *below]).order_by("pk")
        refs = [*reports.values_list("ref", flat=True)]
        items = SourceItem.objects.filter(incident__in=reports).order_by("pk")
        told = [
            list(reports.values_list(*RESTS_ON)),
            list(FurtherActor.objects.filter(incident__in=reports).order_by("pk").values_list("incident", "party")),
            list(Draft.objects.filter(corrects__in=refs, status=TAKEN_OVER).order_by("pk").values_list("ref", flat=True)),
            list(items.values_list(*ITEM_RESTS_ON)),
            [(i.pk, assessed(i), sorted(p.ref for p in i.parents.all())) for i in items.prefetch_related("parents", graded())],
            list(items.exclude(files=None).order_by("files__pk").values_list("files__ref", "files__alike")),
            list(links.linked_below(incident).order_by("pk").values_list("ref", "kept", "why", "concluded", "turn")),
        ]  # fmt: skip
    return hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()


# What tells whether a verifier has yet to see an item.
SEEN_BY = (
    "kind",
    "testimony",
    "reliability",
    "credibility",
    "contrary",
    "purposes",
    "withdrawn",
    "waits",
    "graded_then",
)


def to_be_seen() -> list[tuple[int, str, bool]]:
    """Items that a verifier has yet to look at: key and reference of their report, and whether it is a grade alone that is new."""
    rows = SourceItem.objects.filter(Q(waits=True) | ~Q(graded_then="")).exclude(
        withdrawn__contains=[grades.MONITORING]
    )
    rows = rows.select_related("incident").only(*SEEN_BY, "incident__ref")
    return [(i.incident_id, i.incident.ref, not i.waits) for i in rows if i.to_be_seen]


def with_items_added(by: Person) -> QuerySet[Incident]:
    """Concluded reports to which an item was added since, of which one was graded anew, of which what capped it was taken away, whose
    items would give more than was last concluded, or which bear an indicator out and were changed since, for whoever may conclude
    them again: all of it is others' work."""
    from answerable.monitoring.patterns.models import Indicator

    rows = to_be_seen()
    added = {pk for pk, _ref, _graded in rows} | links.keepers_of({ref for _pk, ref, _graded in rows}, carrying=True)
    bearing = Indicator.supporting.through.objects.filter(indicator__ended_at=None).values("sourceitem__incident")
    changed = Q(pk__in=bearing) & ~Q(changed_by=[])
    found = Incident.objects.filter(
        Q(pk__in=added) | ~Q(cap_stays={}) | ~Q(held_back="") | changed, status__in=lifecycle.COUNTED
    )
    return others_work(by, found)


def to_look_at(by: Person) -> QuerySet[Incident]:
    """Concluded reports to which another was linked since, for whoever may look at both: all of it is others' work (SOD-01)."""
    return others_work(by, links.linked_to_since())


def others_work(by: Person, found: QuerySet[Incident]) -> QuerySet[Incident]:
    """Of these reports, those that this person may conclude, as far as that depends on who did what (SOD-01)."""
    found = found.exclude(collected_by=by)
    return found.exclude(pk__in=her_own(by, found))


def counted_incidents(party: Party, *, on: date, chain: bool = False) -> list[rules.IncidentFacts]:
    """Incidents of an actor that count, in the window ending on a day, each told once (R-VER-5).

    `chain=True`: also those of units on days on which they stood under the actor, as the actor's (§1.4).
    """
    first, last = rules.window(on)
    return [_as_its(party, each) for each in _of(party, Incident.objects.all(), first, last, chain)]


# An incident, and which of the actors it names it counts for here.
Own = tuple[rules.IncidentFacts, frozenset[str]]


def _of(party: Party, rows: Reports, first: date, last: date, chain: bool) -> list[Own]:
    """Of these incidents the actor's own that lie between two days for certain; with `chain`, also those of units, where every day
    they may have been is one on which the unit stood under it (as patterns.queries.rows_within).

    Each has its level for each of these actors, as last worked out: another actor's base set lifts nothing here (decision 0048).
    """
    spans = links.spans_below(party, first, last) if chain else [(party, first, last)]
    refs = {p.pk: p.ref for p, _begins, _ends in spans}
    levels: dict[str, dict[str, str]] = {}
    counted = Contribution.objects.filter(party__in=refs, latest__range=(first, last), earliest__gte=first)
    named = counted.exclude(level="").values_list("incident__ref", "party", "latest", "earliest", "level")
    for ref, actor, late, early, code in named:
        if any(p.pk == actor and begins <= early and late <= ends for p, begins, ends in spans):
            levels.setdefault(ref, {})[refs[actor]] = code

    def level(i: rules.IncidentFacts, code: str) -> rules.Level:
        return i.level if i.level and i.level.code == code else rules.Level(code, ())

    found = incident_facts(list(rows.filter(ref__in=levels)))
    return [
        (replace(i, level_for={a: level(i, code) for a, code in levels[i.ref].items()}), frozenset(levels[i.ref]))
        for i in found
    ]


def _as_its(party: Party, own: Own) -> rules.IncidentFacts:
    """An incident as the actor's alone, once, at the highest level it has for those it counts for. Said of a chain's top last: what
    units did together is no base set of any of them (R-VER-2, decision 0048)."""
    i, mine = own
    return replace(i, actor=party.ref, also=frozenset(), level=i.as_counted_for(mine), level_for={})


def standard_reached(incidents: Iterable[rules.IncidentFacts], carrying: Iterable[str]) -> str:
    """The standard that every carrying incident reaches: SP3 when all are V4, SP2 when all are V3, else below."""
    codes = {i.level.code for i in incidents if i.ref in set(carrying) and i.level}
    if not codes:
        return "none"
    return min((rules.STANDARD_OF_LEVEL[c] or "none" for c in codes), key=["none", "SP1", "SP2", "SP3"].index)


def parts_of(ref: str) -> list[str]:
    """What is sealed with an item or an incident: an incident with its items; an item with an incident that has no other."""
    if ref.startswith("INC"):
        return [ref, *SourceItem.objects.filter(incident__ref=ref).values_list("ref", flat=True)]
    if not ref.startswith("ITM"):
        return []
    item = SourceItem.objects.select_related("incident").filter(ref=ref).first()
    if item is None:
        return []
    alone = not SourceItem.objects.filter(incident=item.incident).exclude(pk=item.pk).exists()
    return [ref, item.incident.ref] if alone else [ref]


def retest(pattern: PatternAssessment, *, finding: bool = False) -> dict[str, Any]:
    """A pattern assessment worked out again from what stands today, for the same window, actor and reasons.

    Only incidents that were filed by then are looked at, so that the answer shows what a withdrawal or a correction
    changed and nothing else; they have the levels that the assessment counts. `finding=True` also leaves out accounts without a
    live consent to a finding (CP-FIND), and works those levels out again from what is left.
    """
    from answerable.monitoring.patterns import queries as patterns

    first, last = rules.window(pattern.on)
    chain = bool(pattern.result.get("chain"))
    parties = list({p.pk: p for p, _from, _to in patterns.spans(pattern.party, first, last, chain=chain)}.values())
    own = _of(pattern.party, Incident.objects.filter(submitted_at__lte=pattern.made_at), first, last, chain)
    incidents = [_as_its(pattern.party, each) for each in (_for_a_finding(own) if finding else own)]
    about = patterns.reasoned_about([p.pk for p in parties])
    found = rules.pattern(
        incidents, actor=pattern.party.ref, on=pattern.on, parties=frozenset(p.ref for p in parties),
        commonalities=frozenset(pattern.commonalities) | about.common(first, last),
        systematic=about.systematic(first, last),
    )  # fmt: skip
    return {
        "verified": list(found.verified),
        "verified_incidents": len(found.verified),
        "verified_victims": found.verified_victims,
        "reported_victims": found.reported_victims,
        "base_set": list(found.base_set),
        "areas": len(found.areas),
        "prevalence": found.prevalence,
        "standard": standard_reached(incidents, found.verified),
        "tests": {code: test.met for code, test in found.tests.items()},
        "says": {code: test.says for code, test in found.tests.items()},
    }


def _for_a_finding(own: Sequence[Own]) -> list[Own]:
    """These incidents by the items that may carry a finding, with the level they then have for each actor they count for.

    Worked out as the levels of the assessment are (R-VER-2, decisions 0042, 0048): V3d by that actor's own base set, over every
    window that holds the incident, so also by base incidents of before and after the twelve months looked at. Those too count by
    what may carry a finding.
    """
    mine = {i.ref: actors for i, actors in own}
    left = _without_the_others(i for i, _actors in own)
    found = {i.ref: i for i in rules.levels(left)}
    # Only what five base incidents would lift, and those of the same twelve months do not, asks for more of them.
    short = [
        i for i in found.values()
        if (level := i.as_counted_for(mine[i.ref])) and not level.verified and windows.fits(i.days)
        and rules.verification_level(i.items, base=rules.V3D_BASE, matches_pattern=i.matches_pattern, ceiling=i.ceiling).code == "V3d"
    ]  # fmt: skip
    if short:
        begins = windows.window(min(late for late, _early in (i.days for i in short)))[0]
        ends = windows.last_end(max(early for _late, early in (i.days for i in short)))
        near = Contribution.objects.filter(
            party__ref__in={a for i in short for a in mine[i.ref]}, level__in=sorted(rules.BASE_LEVELS),
            latest__range=(begins, ends), earliest__gte=begins,
        )  # fmt: skip
        beside = set(near.values_list("incident__ref", flat=True)) - found.keys()
        more = incident_facts(list(Incident.objects.filter(ref__in=beside)))
        found = {i.ref: i for i in rules.levels([*left, *_without_the_others(more)])}
    return [(found[ref], actors) for ref, actors in mine.items()]


def _without_the_others(incidents: Iterable[rules.IncidentFacts]) -> list[rules.IncidentFacts]:
    """These incidents without the accounts that may not carry a finding (CP-FIND).

    What speaks against an incident carries none, and is weighed all the same (R-VER-3): left out, it would lift in a finding what
    the assessment does not count.
    """
    incidents = list(incidents)
    refs = [x.ref for i in incidents for x in i.items]
    personal = {i.ref for i in SourceItem.objects.filter(ref__in=refs) if i.personal}
    may = (set(refs) - personal) | consents.covered(sorted(personal), "CP-FIND", "organ", "ID-0")
    return [
        replace(i, items=tuple(x if x.contrary or x.ref in may else replace(x, live=False) for x in i.items))
        for i in incidents
    ]


def exportable(incidents: Sequence[Incident], *, audience: str = "organ") -> list[Incident]:
    """Incidents with a live consent that covers leaving the office, from every account of theirs (SC-4), in a few queries."""
    items: dict[int, list[SourceItem]] = {}
    for item in SourceItem.objects.filter(incident__in=[i.pk for i in incidents]):
        items.setdefault(item.incident_id, []).append(item)
    passed = {
        i.pk for i in gate.passing("export", [x for xs in items.values() for x in xs], "incidents", audience=audience)
    }
    shut = consents.closed([i.ref for i in incidents])
    return [i for i in incidents if i.ref not in shut and may_leave(items.get(i.pk, []), passed)]


def may_leave(items: Sequence[SourceItem], passed: Collection[int]) -> bool:
    """Whether a report leaves the workspace: it rests on something, and every account has a live consent that covers that (SC-4).

    `passed`: items that the gate lets through, by key. Papers, pictures of a place and the like are nobody's account and
    need no consent. A report that rests on nothing stays inside: its story is somebody's, who was not asked.
    """
    return bool(items) and all(x.pk in passed for x in items)


def latest_map() -> list[dict[str, Any]]:
    """For each country, the highest prevalence any source reports in the newest year, and its situations."""
    newest = Reading.objects.aggregate(y=Max("year"))["y"]
    places: dict[str, dict[str, Any]] = {}
    if newest is None:
        return []
    highest = dict(
        Reading.objects.filter(year=newest, kind="reported")
        .values("situation_id")
        .annotate(top=Max("value"))
        .values_list("situation_id", "top")
    )
    for situation in Situation.objects.exclude(imported=None).filter(last_year__gte=newest):
        top = highest.get(situation.pk)
        for gw in situation.countries:
            iso, name = countries().get(gw, ("", str(gw)))
            place = places.setdefault(
                iso or name, {"id": iso, "name": name, "value": None, "url": "", "n": 0, "year": newest}
            )
            place["n"] += 1
            if top is not None and (place["value"] is None or top > place["value"]):
                place["value"] = top
            place["url"] = f"/watch/?country={gw}"
    return sorted(places.values(), key=lambda p: (-(p["value"] if p["value"] is not None else -1), p["name"]))


def timeline(situation: Situation) -> list[dict[str, Any]]:
    """Yearly prevalence of a situation by source: the highest any party reached, and how many parties had no report."""
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for r in situation.readings.values("year", "source", "kind", "value"):
        row = rows.setdefault((r["year"], r["source"]), {"year": r["year"], "source": r["source"], "value": None,
                                                         "parties": 0, "no_report": 0, "blank": 0})  # fmt: skip
        row["parties"] += 1
        if r["kind"] == "reported":
            row["value"] = r["value"] if row["value"] is None else max(row["value"], r["value"])
        else:
            row[r["kind"]] += 1
    return [rows[k] for k in sorted(rows)]


def source_agreement(situation: Situation) -> list[dict[str, Any]]:
    """How far each two sources agree on a situation's parties and years, beyond chance: linear-weighted kappa of the
    readings both gave. No report is no reading."""
    read: dict[tuple[int, int, int], dict[str, int | None]] = {}
    sources: set[str] = set()
    rows = situation.readings.filter(kind="reported", form="").values_list("party_id", "year", "row", "source", "value")
    for party, year, row, source, value in rows:
        read.setdefault((party, year, row), {})[source] = value
        sources.add(source)
    found = []
    for first, second in combinations(sorted(sources), 2):
        agreed = linear_kappa(((r.get(first), r.get(second)) for r in read.values()), levels=4)
        found.append(
            {"first": first, "second": second, "kappa": agreed.kappa, "pairs": agreed.pairs, "same": agreed.same}
        )
    return found


def counts_by_status(situation: Situation) -> dict[str, int]:
    """Incidents of a situation by status, for the person's own row-level scope."""
    return dict(
        Incident.objects.filter(situation=situation).values("status").annotate(n=Count("id")).values_list("status", "n")
    )


# An area is named to anyone only when that many assessed reports name it: one report's words are not a list.
KNOWN_FROM = 3


def known_areas(situation: Situation) -> list[str]:
    """First-level areas of a situation that anyone may choose from; never a place that one report alone named."""
    with reading_as(CLOCK):
        found = Incident.objects.filter(situation=situation, status__in=lifecycle.COUNTED).exclude(area1="")
        counted = found.order_by().values_list("area1").annotate(n=Count("id")).filter(n__gte=KNOWN_FROM)
        return sorted(area for area, _n in counted)


def base_of(incident: Incident) -> int:
    """How many counted incidents of an actor are in the base set of V3d (R-VER-2): of those it names, the most of any."""
    counted = Incident.objects.filter(status__in=lifecycle.COUNTED, level__in=sorted(rules.BASE_LEVELS))
    return max(counted.naming([party]).count() for party in actors_of([incident])[incident.pk])


def refuse_repeated(sha256: str) -> None:
    """Raises Refused for a file of public data that was brought in already, and says when; one undone may come again."""
    if earlier := Import.objects.filter(sha256=sha256, undone_at=None).first():
        raise Refused(
            _("This very file was imported on %(day)s as %(ref)s. Nothing was changed.")
            % {"day": earlier.made_at.date().isoformat(), "ref": earlier.ref},
            reason="duplicate",
        )
