"""Who may conclude on a report, what has to be before her, and what waits for her to look (SOD-01, decisions 0049, 0056 and 0058)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.alliance.models import Person
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.monitoring import as_facts, grades, lifecycle
from answerable.monitoring.among import among
from answerable.monitoring.intake.models import TAKEN_OVER, Draft
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Incident,
    SourceItem,
)
from answerable.vault.consent import queries as consents


def caps(item: SourceItem) -> bool:
    """Whether this item caps a report now, whatever else it has: it speaks strongly against it and is not weighed (R-VER-3)."""
    if not (item.contrary and item.live and not item.weighed):
        return False
    facts = as_facts.item_facts(item, (), then=True)
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


def her_own(by: Person, incidents: Iterable[int]) -> dict[int, str]:
    """Of these reports, those that this person does not verify although their collector is another, with the sentence why: she
    collected or changed part of what each rests on, or of what one linked to it does (SOD-01). In every compartment."""
    keys = set(incidents)
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
    why = her_own(by, [incident.pk]).get(incident.pk, "")
    return _(why) if why else ""


def shares(by: Person, incidents: Iterable[int]) -> set[int]:
    """Of these reports, those of which this person collected one, added an item to it or had a version of it, or of any that is
    linked with it, above or below: in every compartment (SOD-01). What speaks against one of them caps the one that is kept."""
    with reading_as(CLOCK):
        ends = links.ends_of(incidents)
        top_of = {end: end for end in ends.values()} | links.kept_by(ends.values())
        reports = Incident.objects.filter(Q(collected_by=by) | Q(versions_by__contains=[by.ref]), pk__in=among(top_of))
        items = SourceItem.objects.filter(added_by=by, incident__in=among(top_of))
        hers = {*reports.values_list("pk", flat=True), *items.values_list("incident_id", flat=True)}
    tops = {top_of[pk] for pk in hers}
    return {pk for pk, end in ends.items() if end in tops}


def has_a_share(by: Person, incident: Incident) -> bool:
    """Whether this person has a share in a report or in one linked with it (shares)."""
    return incident.pk in shares(by, [incident.pk])


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
            [(i.pk, as_facts.assessed(i), sorted(p.ref for p in i.parents.all())) for i in items.prefetch_related("parents", as_facts.graded())],
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


def to_be_seen(reports: Collection[int] | None = None) -> list[tuple[int, str, bool]]:
    """Items that a verifier has yet to look at, of these reports or of all: key and reference of their report, and whether it is
    a grade alone that is new."""
    rows = SourceItem.objects.filter(Q(waits=True) | ~Q(graded_then="")).exclude(
        withdrawn__contains=[grades.MONITORING]
    )
    if reports is not None:
        rows = rows.filter(incident__in=among(reports))
    rows = rows.select_related("incident").only(*SEEN_BY, "incident__ref")
    return [(i.incident_id, i.incident.ref, not i.waits) for i in rows if i.to_be_seen]


def changed_since(this: Incident | None = None) -> QuerySet[Incident]:
    """Concluded reports (or this one, if it is) to which an item was added since, of which one was graded anew, of which what capped
    it was taken away, whose items would give more than was last concluded, or which bear an indicator out and were changed since."""
    from answerable.monitoring.patterns.models import Indicator

    rows = to_be_seen(None if this is None else {this.pk, *links.kept_by([this.pk])})
    added = {pk for pk, _ref, _graded in rows} | links.keepers_of({ref for _pk, ref, _graded in rows}, carrying=True)
    bearing = Indicator.supporting.through.objects.filter(indicator__ended_at=None)
    if this is not None:
        bearing = bearing.filter(sourceitem__incident__in=[this.pk, *links.kept_by([this.pk])])
    # What a linked report bears out rests on the conclusion of the one that is kept.
    ends = links.ends_of(bearing.values_list("sourceitem__incident", flat=True).distinct()).values()
    changed = Q(pk__in=among(ends)) & ~Q(changed_by=[])
    found = Incident.objects.filter(
        Q(pk__in=among(added)) | ~Q(cap_stays={}) | ~Q(held_back="") | changed, status__in=lifecycle.COUNTED
    )
    return found if this is None else found.filter(pk=this.pk)


# So many reports are asked about at a time.
ASKED_AT_ONCE = 200


def others_work(by: Person, found: QuerySet[Incident], *, at_most: int) -> list[Incident]:
    """The first of these reports that this person may conclude, as far as that depends on who did what (SOD-01): of others' work
    alone. However many wait, no more are read than it takes to find these."""
    keys = list(found.exclude(collected_by=by).values_list("pk", flat=True))
    theirs: list[int] = []
    for start in range(0, len(keys), ASKED_AT_ONCE):
        part = keys[start : start + ASKED_AT_ONCE]
        own = her_own(by, part)
        theirs += [key for key in part if key not in own]
        if len(theirs) >= at_most:
            break
    return list(found.filter(pk__in=theirs[:at_most]))
