"""Reads shaped for evidence pages and rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.common.hooks import question
from answerable.monitoring import days, grades, lifecycle
from answerable.monitoring import rules as monitoring_rules
from answerable.monitoring.among import among
from answerable.monitoring.evidence import rules
from answerable.monitoring.evidence.models import (
    Assessment,
    CustodyLine,
    EvidenceFile,
    Opinion,
    PeriodCount,
    Proof,
    Redaction,
    TimeAuthority,
    Weighing,
)
from answerable.monitoring.models import Incident, Situation, SourceItem
from answerable.record.models import Entry
from answerable.vault.uploads import intake


def place(stored: str) -> Path:
    """Where a sealed file lies. The name was made here: 32 hexadecimal digits."""
    return Path(settings.QUARANTINE) / stored


def discard(stored: str) -> None:
    """Remove a sealed file whose keys are gone."""
    if stored:
        intake.discard(place(stored))


@question("kept_in_quarantine").answer_with
def _kept(names: list[str]) -> set[str]:
    with reading_as(CLOCK):
        return {
            *EvidenceFile.objects.filter(stored__in=names).values_list("stored", flat=True),
            *Redaction.objects.filter(stored__in=names).values_list("stored", flat=True),
        }


def trusted_roots() -> list[bytes]:
    """Certificates of the roots trusted now (DER)."""
    return [bytes(r) for r in TimeAuthority.objects.filter(ended_at=None).values_list("certificate", flat=True)]


def parts_of(items: Iterable[SourceItem]) -> list[str]:
    """References of everything that is sealed about items, whose keys go with theirs."""
    pks = [i.pk for i in items]
    found: list[str] = []
    for rows in (
        EvidenceFile.objects.filter(item__in=pks),
        Proof.objects.filter(file__item__in=pks),
        Redaction.objects.filter(item__in=pks),
        Assessment.objects.filter(item__in=pks),
        Weighing.objects.filter(item__in=pks),
    ):
        found += rows.values_list("ref", flat=True)  # type: ignore[attr-defined]
    return found


def settled(item: SourceItem) -> bool:
    """Whether the assessors of an account are done."""
    return bool(rules.grading(list(item.assessments.order_by("id").values_list("testimony", flat=True))).grade)


def may_see_grade(assessment: Assessment, by: HasPrincipal) -> bool:
    """One's own; anyone's once one has graded, or when grading is settled (R-VER-0: independently)."""
    item = assessment.item
    if not grades.is_account(item.kind) or assessment.assessor.ref == by.ref or settled(item):
        return True
    return bool(item.assessments.filter(assessor__ref=by.ref).exists())


def given(refs: Iterable[str]) -> dict[str, list[str]]:
    """What assessors gave each of these accounts, in their order. For counting: whoever has not graded yet is shown no grade (R-VER-0)."""
    found: dict[str, list[str]] = {}
    rows = Assessment.objects.filter(item__ref__in=[*refs]).order_by("id").values_list("item__ref", "testimony")
    for ref, grade in rows:
        found.setdefault(ref, []).append(grade)
    return found


def regraded(refs: Iterable[str]) -> frozenset[str]:
    """Of these items, the references of those that were graded anew, by whomever, since they were filed: as the record says."""
    return frozenset(
        Entry.objects.filter(subject__in=[*refs], action="item regraded").values_list("subject", flat=True)
    )


def standing(refs: Iterable[str]) -> frozenset[str]:
    """Of these items, the references of those of which the last weighing said that they stand against their incident (R-VER-3)."""
    weighed = Weighing.objects.filter(item__ref__in=[*refs]).order_by("id")
    last = dict(weighed.values_list("item__ref", "outcome"))
    return frozenset(ref for ref, outcome in last.items() if outcome == "stands")


def custody(item: SourceItem) -> QuerySet[CustodyLine]:
    """The custody log of an item's evidence, oldest first."""
    return CustodyLine.objects.filter(item=item).order_by("id")


def entries_of(item: SourceItem) -> QuerySet[Entry]:
    """The record's entries of an item's custody."""
    return Entry.objects.filter(index__in=CustodyLine.objects.filter(item=item).values("entry"))


def opinions(incident: Incident) -> QuerySet[Opinion]:
    """Opinions of other organisations, newest first."""
    return Opinion.objects.filter(incident=incident).select_related("body")


def counts(situation: Situation, first: date, last: date) -> dict[str, Any]:
    """How many incidents of a period are counted at which level, with their victims: reported and verified apart.

    A period holds what certainly happened in it (decision 0047).
    """
    rows = days.dated(Incident.objects.filter(situation=situation, status__in=lifecycle.COUNTED))
    rows = rows.filter(days.within(first, last))
    levels: dict[str, int] = {}
    reported = verified = victims = 0
    for level, people in rows.order_by().values_list("level", "victims"):
        levels[level] = levels.get(level, 0) + 1
        reported += people
        if level in monitoring_rules.VERIFIED_LEVELS:
            verified, victims = verified + 1, victims + people
    return {"levels": dict(sorted(levels.items())), "incidents": sum(levels.values()), "verified_incidents": verified,
            "verified_victims": victims, "reported_victims": reported}  # fmt: skip


def period_counts(situation: Situation) -> QuerySet[PeriodCount]:
    """Every version of every closed period, the newest period and version first."""
    return PeriodCount.objects.filter(situation=situation)


@dataclass(frozen=True)
class _Above:
    """Items above others: the direct parents of each, and of all of them the reference and the incident."""

    up: Mapping[int, set[int]]
    known: Mapping[int, tuple[str, int]]

    def roots(self, first: Iterable[int]) -> set[str]:
        roots, walked, waiting = set(), set(), list(first)
        while waiting:
            at = waiting.pop()
            if at not in walked:
                walked.add(at)
                waiting += self.up.get(at, ())
                if at not in self.up:
                    roots.add(at)
        # Hidden ones count as origins too: what cannot be seen here can still be what two items share.
        return {self.known[pk][0] if pk in self.known else f"#{pk}" for pk in roots or walked}

    def elsewhere(self, item: SourceItem) -> list[int]:
        home = item.incident_id
        return [p for p in self.up.get(item.pk, ()) if p not in self.known or self.known[p][1] != home]

    def within(self, item: SourceItem) -> set[str]:
        above = [self.known[p] for p in self.up.get(item.pk, ()) if p in self.known]
        return {ref for ref, where in above if where == item.incident_id}


def _above(items: Iterable[SourceItem]) -> _Above:
    """Climbs in rounds, one query each; where nothing derives from anything, one in all."""
    edge = SourceItem.parents.through.objects
    up: dict[int, set[int]] = {}
    todo, seen = {i.pk for i in items}, set[int]()
    while todo:
        rows = list(edge.filter(from_sourceitem__in=among(todo)).values_list("from_sourceitem_id", "to_sourceitem_id"))
        for child, parent in rows:
            up.setdefault(child, set()).add(parent)
        seen |= todo
        todo = {p for _c, p in rows} - seen
    listed = SourceItem.objects.filter(pk__in=among(seen)).values_list("pk", "ref", "incident_id") if up else ()
    return _Above(up, {pk: (ref, where) for pk, ref, where in listed})


def over(item: SourceItem) -> set[int]:
    """Every item that this one goes back to, however far, by key."""
    above = _above([item]).up
    return {parent for parents in above.values() for parent in parents}


def roots_everywhere(items: Sequence[SourceItem]) -> dict[int, set[str]]:
    """For each item that derives from others, its ultimate ancestors, in whichever incident: for a reading that has only some
    of an incident's items before it. Two reports that both cite a third go back to it, wherever it was filed (R-VER-1).
    """
    above = _above(items)
    return {i.pk: above.roots(above.up[i.pk]) for i in items if i.pk in above.up}


def origins(items: Sequence[SourceItem]) -> dict[int, set[str]]:
    """What each item that derives from others goes back to, for whoever has all of its incident before them: the parents it has
    in its own incident, and the ultimate ancestors it has in others (R-VER-1).
    """
    above = _above(items)
    away = {i.pk: above.elsewhere(i) for i in items}
    found = {i.pk: above.within(i) | (above.roots(away[i.pk]) if away[i.pk] else set()) for i in items}
    return {pk: roots for pk, roots in found.items() if roots}


def alike(items: Sequence[SourceItem]) -> dict[int, set[str]]:
    """For each item whose words or file another of these has too, a root that stands for it (R-VER-1).

    Asked of items of several reports: on one report the same words, or the same file, are refused.
    """
    if len({i.incident_id for i in items}) < 2:
        return {}
    behind: dict[tuple[str, str], set[int]] = {}
    for i in items:
        if words := i.further.get("words"):
            behind.setdefault((monitoring_rules.SAME_WORDS, words), set()).add(i.pk)
    files = EvidenceFile.objects.filter(item__in=[i.pk for i in items]).exclude(alike="")
    for pk, mark in files.values_list("item", "alike"):
        behind.setdefault((monitoring_rules.SAME_FILE, mark), set()).add(pk)
    refs = {i.pk: i.ref for i in items}
    found: dict[int, set[str]] = {}
    for (what, _mark), having in behind.items():
        for pk in having if len(having) > 1 else ():
            found.setdefault(pk, set()).add(what + min(refs[h] for h in having))
    return found
