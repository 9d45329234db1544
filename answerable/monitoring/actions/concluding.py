"""What a verifier concludes of a report, what she had before her, and who changed it since (decisions 0049, 0056, 0058)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.common.lifecycle import next_status
from answerable.monitoring import as_facts, grades, lifecycle, rules, verifiers
from answerable.monitoring.actions.locking import locked, locked_item
from answerable.monitoring.actions.restating import relevel
from answerable.monitoring.evidence import actions as counted
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    Incident,
    SourceItem,
)
from answerable.record import log as record


@action("verify_incident")
def verify_incident(
    incident: Incident, *, matches_pattern: bool = False, shown: str | None = None, by: Person
) -> Incident:
    """Conclude verification: the rules say which level the items reach; a verifier who did not collect it answers for it.

    The status follows the level: V3 and above verified, V2 credible, V1 alleged. Where another report was linked since, or an
    item added or graded anew, or what capped it taken away, it is concluded again with it. All of it is others' work
    (verifiers.her_own_in). What she concludes is from then on the most the report stands at (decision 0058).
    V3d incidents of the same actor are worked out again, because the base set may have grown (R-VER-2).
    `shown`: what the page she decided on showed (verifiers.before_her), None for an act without a page; she is asked to look again
    when that is not what the conclusion would rest on (decision 0056).
    """
    incident = locked(incident)
    authority.require(by, "verify_incident", incident)
    if incident.collected_by_id == by.pk:
        raise Refused(_("You collected this report, so someone else must verify it (SOD-01)."), reason="SOD-01")
    before, linked = incident.status, _linked_below(incident)
    refuse_adder(incident, by)
    items = _items_of(incident, linked)
    again = before in lifecycle.COUNTED and (
        any(i.to_be_seen for i in items)
        or not all(p.concluded for p in linked)
        or bool(incident.cap_stays)
        or bool(incident.held_back)
        or bool(incident.changed_by)
    )
    if before in lifecycle.ASSESSED and not again:
        raise Refused(
            _("Verification was already concluded (%(level)s). Reopen the incident if something new came in.")
            % {"level": incident.level},
            reason="concluded",
        )
    next_status(lifecycle.INCIDENT_MOVES, "find_verified", status=before)
    refuse_unseen(incident, shown)
    incident.verified_by, incident.matches_pattern = by, matches_pattern
    incident.status = lifecycle.ALLEGED  # a counted status, so that the rules below see it; they set the right one
    incident.save(update_fields=["verified_by", "matches_pattern", "status"])
    with scope_of(CLOCK):
        for pair in linked:
            pair.concluded = True
            pair.save(update_fields=["concluded"])
        _seen(items)
        # Nobody's change waits for a verifier any longer.
        of = Incident.objects.filter(pk__in=[incident.pk, *(p.duplicate_id for p in linked)])
        of.exclude(changed_by=[], cap_stays={}).update(changed_by=[], cap_stays={})
        incident.cap_stays, incident.ceiling = {}, {}
        conclude(incident)
        for pair in linked:
            # Whatever becomes of the kept report, taking this link back gives no more than was concluded with it.
            pair.put_aside = {**pair.put_aside, "together": incident.ceiling}
            pair.save(update_fields=["put_aside"])
    changed = relevel(incident.party, incident.ref, why="verified", by=by)
    incident.refresh_from_db()
    record.append(
        "incident verified", incident, by=by, from_state=before, to_state=incident.status,
        detail={"level": incident.level, "levels": changed},
    )  # fmt: skip
    return incident


def refuse_unseen(incident: Incident, shown: str | None) -> None:
    """Raises Refused where a page showed something else than what a conclusion would rest on now, or did not say what it showed.

    `shown` as its page sent it (verifiers.before_her); None for an act without a page.
    """
    if shown is not None and shown != verifiers.before_her(incident):
        raise Refused(
            _("Since you opened this page, something that the conclusion rests on has changed: an item, a grade, a consent, a fact, an "
              "armed actor, a version or a link. Nothing was concluded. Open the report again and look, then conclude."),
            reason="changed",
        )  # fmt: skip


def conclude(incident: Incident) -> None:
    """Part of an act by which a verifier concludes, or says that a level holds: keep what she concluded (decision 0058)."""
    with scope_of(CLOCK):
        (facts,) = as_facts.incident_facts([incident])
        under = rules.Ceiling.read(incident.ceiling)
        found = rules.concluded(facts.items, matches_pattern=incident.matches_pattern, under=under)
        incident.ceiling = found.kept
        incident.save(update_fields=["ceiling"])


def note_weighed(item: SourceItem, *, stands: bool) -> None:
    """Part of weighing what speaks against a report: what was concluded of it, and of those it is linked to, is no longer capped by
    that, or is (R-VER-3). It rises to what its verifier had before her otherwise, and no further (decision 0058)."""
    with scope_of(CLOCK):
        top = links.ends_of([item.incident_id])[item.incident_id]
        every = Incident.objects.filter(pk__in={item.incident_id, top, *links.keepers_of([item.incident.ref])})
        for row in every.exclude(ceiling={}).select_for_update(no_key=True).order_by("id"):
            was = rules.Ceiling.read(row.ceiling)
            if was is None:
                continue
            if stands:
                now = was.once_it_stands(item.ref) if verifiers.caps(item) else was
            else:
                now = was.once_weighed(item.ref)
            if now != was:
                row.ceiling = now.kept
                row.save(update_fields=["ceiling"])


def changed_by(incidents: Iterable[int], who: str) -> None:
    """Part of an act by which reports rest on other items than before: until a verifier concludes, `who` is not that verifier."""
    with scope_of(CLOCK):
        for row in Incident.objects.select_for_update(no_key=True).filter(pk__in=list(incidents)).order_by("id"):
            row.changed_by = sorted({*row.changed_by, who})
            row.save(update_fields=["changed_by"])


def keep_cap(incidents: Iterable[int], what: str, who: Sequence[str]) -> None:
    """Part of an act by which something (an item, a report, a link) takes away what caps these reports, unweighed: the cap stays until
    a verifier looks again who is none of `who` (R-VER-3, decision 0056). Nothing of what is gone is used or kept for it."""
    with scope_of(CLOCK):
        for row in Incident.objects.select_for_update(no_key=True).filter(pk__in=list(incidents)).order_by("id"):
            row.cap_stays = {**row.cap_stays, what: sorted({*row.cap_stays.get(what, ()), *who})}
            row.save(update_fields=["cap_stays"])


def cap_is_back(incidents: Iterable[int], what: str) -> None:
    """What was taken away speaks of these reports again, and caps them by itself, as the caller saw."""
    rows = Incident.objects.filter(pk__in=list(incidents), cap_stays__has_key=what)
    for row in rows.select_for_update(no_key=True).order_by("id"):
        del row.cap_stays[what]
        row.save(update_fields=["cap_stays"])


def _linked_below(incident: Incident) -> list[Any]:
    """The links under a report: also in compartments that the verifier does not see."""
    with scope_of(CLOCK):
        return list(links.linked_below(incident).select_for_update(no_key=True, of=("self",)).order_by("id"))


def refuse_adder(incident: Incident, by: Person) -> None:
    """Whoever collected or changed what a report rests on is not the second person to look at it: someone else verifies (SOD-01)."""
    if why := verifiers.her_own_in(by, incident):
        raise Refused(why, reason="SOD-01")


def _items_of(incident: Incident, linked: Sequence[Any]) -> list[SourceItem]:
    """The items of a report and of those linked to it: also where the verifier does not see them."""
    with scope_of(CLOCK):
        return list(SourceItem.objects.filter(incident__in=[incident.pk, *(p.duplicate_id for p in linked)]))


def _seen(items: Sequence[SourceItem]) -> None:
    """A verifier concludes with these before her, as they are now. What has no live consent she concludes without: should a
    consent come or come back, it waits for one who looks again; what speaks against the report never waits (R-VER-3)."""
    unread = {i.pk for i in items if not i.live and not i.contrary}
    rows = SourceItem.objects.filter(pk__in=[i.pk for i in items])
    rows.exclude(graded_then="", graded_by=[]).update(graded_then="", graded_by=[])
    rows.filter(pk__in=unread, waits=False).update(waits=True)
    rows.exclude(pk__in=unread).filter(waits=True).update(waits=False)


@action("regrade_item")
def regrade_item(
    item: SourceItem, *, reliability: str | None = None, credibility: int | None = None, testimony: str | None = None,
    by: Person,
) -> SourceItem:  # fmt: skip
    """Change the grade of an item after new information; every level that rests on it is worked out again.

    One person's new grade confirms nothing: who confirms it are the assessors who recorded that very grade (R-VER-0). Once
    verification was concluded it may lower a level at once, and raises it no further than a verifier concluded, until one
    who did not give it looks again (SOD-01).
    """
    item = locked_item(item)
    authority.require(by, "grade_item", item)
    counted.refuse_unconsented(item)
    before, then = item.grade, grades.written(item.testimony, item.reliability, item.credibility)
    if reliability is not None:
        item.reliability = reliability
    if credibility is not None:
        item.credibility = credibility
    if testimony is not None:
        item.testimony = testimony
    if unfit := grades.unfit(
        item.kind, testimony=item.testimony, reliability=item.reliability, credibility=item.credibility
    ):
        raise Refused(" ".join(_(sentence) for sentence in unfit.values()), reason="R-VER-0")
    if grades.written(item.testimony, item.reliability, item.credibility) == then:
        raise Refused(_("It has this grade already, so nothing was changed. Choose another grade."), reason="grade")
    item.assessors = counted.confirming(item)
    was_weighed = item.weighed
    note_grade(item, then, by=by)
    item.save(
        update_fields=["reliability", "credibility", "testimony", "assessors", "weighed", "graded_then", "graded_by"]
    )
    changed = relevel(item.incident.party, item.incident.ref, why="item regraded", by=by)
    again = {"weigh_again": True} if was_weighed and not item.weighed else {}
    record.append(
        "item regraded", item, by=by, from_state=before, to_state=item.grade, detail={"levels": changed, **again}
    )
    return item


def note_grade(item: SourceItem, then: str, *, by: Person) -> None:
    """Remember on an item, which the caller saves, that one person gave it another grade than `then` (grades.written), and at
    which one a verifier concluded. Given that one again, nothing is new to a verifier.

    What speaks against a report and is weak no longer was weighed as something else: it is weighed again. What is strong no longer
    caps no more, so whoever made it so does not conclude, be it the first time (R-VER-3, SOD-01).
    """
    now, incident = grades.written(item.testimony, item.reliability, item.credibility), item.incident
    strong, was_strong = (item.contrary and grades.is_strong(g) for g in (now, then))
    item.weighed = item.weighed and not (strong and not was_strong)
    # A first verification is that of the verifier who grades (decision 0041); one that was opened again is not.
    first = incident.verified_by_id is None and incident.status in lifecycle.BEFORE_A_VERIFIER
    if now == then or (first and not item.graded_then and not (was_strong and not strong)):
        return
    item.graded_then = item.graded_then or then
    item.graded_by = sorted({*item.graded_by, by.ref})
    if now == item.graded_then:
        item.graded_then, item.graded_by = "", []
