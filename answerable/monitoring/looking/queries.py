"""Reads of the situation workspace: tallies, a bounded number of filtered rows, what changed, and tables to release.

A page never scans a situation. Unfiltered counts add up tallies; filtered ones read at most ROWS_READ incidents, newest
first, through an index, and say so when there were more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.alliance.models import Body
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK, HasPrincipal
from answerable.common.tables import label
from answerable.engines.disclosure import tables as disclosure
from answerable.monitoring import access as monitoring
from answerable.monitoring import as_facts, days
from answerable.monitoring import queries as reports
from answerable.monitoring.lifecycle import COUNTED
from answerable.monitoring.looking import rules
from answerable.monitoring.looking.models import Tally, Visit
from answerable.monitoring.looking.rules import Filters
from answerable.monitoring.models import FurtherActor, Incident, PatternAssessment, Reports, Situation, SourceItem
from answerable.monitoring.patterns import areas
from answerable.record.models import Entry
from answerable.vault.consent import gate

CHANGES_READ = 2_000  # record entries that one look at what changed goes through


@dataclass(frozen=True)
class Count:
    """Reports and survivors of one value of an axis, by kind of number: all that were reported, and of them verified."""

    value: str
    words: str
    reported: int
    verified: int
    victims: int
    verified_victims: int

    @property
    def open(self) -> int:
        """Reported and not verified, or not yet."""
        return self.reported - self.verified


@dataclass(frozen=True)
class Counts:
    """All counts of one page. `whole` says whether everything was counted, or only the newest that were read."""

    total: Count
    by: Mapping[str, Sequence[Count]]
    whole: bool = True
    read: int = 0


AXES = ("area", "party", "form", "level", "status", "month", "org")


def _words(situation: Situation, axis: str, values: Iterable[str]) -> dict[str, str]:
    """What values of an axis are called, in the reader's language."""
    wanted = [v for v in values if v]
    if axis == "party":
        return {str(p.pk): p.name for p in situation.parties.filter(pk__in=wanted)}
    if axis == "org":
        return {str(b.pk): b.name for b in Body.objects.filter(pk__in=wanted)}
    if axis == "form":
        return {v: label("violence_form", v, get_language() or "en") for v in wanted}
    return {v: v for v in wanted}


def _counts(situation: Situation, rows: Iterable[tuple[Any, ...]], *, whole: bool, read: int = 0) -> Counts:
    """Counts from rows of (axis, value, n, verified, victims, verified victims)."""
    by: dict[str, list[tuple[Any, ...]]] = {a: [] for a in (*AXES, "all")}
    for row in rows:
        if row[2]:
            by[row[0]].append(row)
    by["area"] = _as_one(by["area"])
    named = {}
    for axis in AXES:
        words = _words(situation, axis, (r[1] for r in by[axis]))
        none = _("not concluded") if axis == "level" else _("not said")
        found = [Count(r[1], words.get(r[1], r[1]) or none, *(int(x or 0) for x in r[2:])) for r in by[axis]]
        by_size = axis in ("area", "party", "form", "org")
        named[axis] = (
            sorted(found, key=lambda c: (-c.reported, c.words)) if by_size else sorted(found, key=lambda c: c.value)
        )
    total = by["all"][0][2:] if by["all"] else (0, 0, 0, 0)
    return Counts(Count("", "", *(int(x or 0) for x in total)), named, whole, read)


def _as_one(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows of one area under however many spellings as one row, under the spelling of most reports (decision 0028)."""
    each: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        each.setdefault(areas.key(row[1]), []).append(row)
    out = []
    for of in each.values():
        most = min(of, key=lambda r: (-r[2], r[1]))
        out.append((*most[:2], *(sum(x or 0 for x in column) for column in list(zip(*of, strict=True))[2:])))
    return out


def spellings(situation: Situation, area: str) -> list[str]:
    """How an area is written in what the present row scope sees here, and as it was asked for."""
    written = (
        Tally.objects.filter(situation=situation, axis="area").order_by().values_list("value", flat=True).distinct()
    )
    return sorted({area, *(v for v in written if areas.key(v) == areas.key(area))})


def counts(situation: Situation) -> Counts:
    """Everything reported here that the present row scope sees, from the tallies: the same work at any size."""
    rows = Tally.objects.filter(situation=situation).values_list("axis", "value").order_by().annotate(
        Sum("n"), Sum("verified"), Sum("victims"), Sum("verified_victims")
    )  # fmt: skip
    return _counts(situation, rows, whole=True)


def matching(by: HasPrincipal, situation: Situation, filters: Filters) -> Reports:
    """Incidents one may see that match the filters, newest first."""
    found = monitoring.incidents(by).filter(situation=situation)
    party = situation.parties.filter(ref=filters.actor).values_list("pk", flat=True).first() if filters.actor else None
    body = (
        Body.objects.filter(ref=filters.organisation).values_list("pk", flat=True).first()
        if filters.organisation
        else None
    )
    for asked, narrow in (
        (filters.area, {"area1__in": spellings(situation, filters.area)} if filters.area else {}),
        (filters.organisation, {"organisation_id": body or 0}),
        # A level is what a verifier answered for: a report on which nobody concluded has none to filter by.
        (filters.level, {"level": filters.level, "status__in": sorted(COUNTED)}),
        (filters.status, {"status": filters.status}),
        (filters.form, {"forms__contains": [filters.form]}),
    ):
        if asked:
            found = found.filter(**narrow)
    if filters.actor:
        # Of a bounded number of rows this looks at each; a situation is not gone through by it (_newest_of).
        further = FurtherActor.objects.filter(party=party or 0).values("incident")
        found = found.filter(Q(party=party or 0) | Q(pk__in=further))
    return _in_days(found, filters)


def _newest_of(by: HasPrincipal, situation: Situation, filters: Filters) -> tuple[list[int], bool]:
    """The newest ROWS_READ reports of an actor, by key, and whether that is all: along one index where it is named first, along
    another where it is named besides.
    """
    party = situation.parties.filter(ref=filters.actor).values_list("pk", flat=True).first() or 0
    most = rules.ROWS_READ + 1
    own = matching(by, situation, replace(filters, actor="")).order_by("-submitted_at")
    further = FurtherActor.objects.filter(party=party).order_by("-submitted_at")
    keys = list(further.values_list("incident_id", flat=True)[:most])
    found = list(own.filter(party=party).values_list("submitted_at", "pk")[:most])
    found += own.filter(pk__in=keys).values_list("submitted_at", "pk")
    whole = len(found) <= rules.ROWS_READ and len(keys) <= rules.ROWS_READ
    return [pk for _at, pk in sorted(found, reverse=True)[: rules.ROWS_READ]], whole


def _in_days(found: Reports, filters: Filters) -> Reports:
    """Of these reports those of the days asked for, as far as their dates are known (decision 0047)."""
    first, last = filters.since or date.min.isoformat(), filters.until or date.max.isoformat()
    if filters.dates == rules.MAY:
        apart = days.dated(found).filter(days.NOT_TO_THE_DAY)
        return apart.filter(days.touching(first, last)).exclude(days.within(first, last))
    if filters.since or filters.until:
        found = days.dated(found).filter(days.within(first, last))
    if filters.dates == rules.NO_MONTH:
        found = found.alias(in_month=days.month()).filter(days.NOT_TO_THE_DAY, in_month="")
    return found


def may_lie(by: HasPrincipal, situation: Situation, filters: Filters) -> int:
    """How many reports may lie in the days asked for without being sure to: they are neither counted nor listed there."""
    if filters.dates or not (filters.since or filters.until):
        return 0
    found, _whole = _bounded(by, situation, replace(filters, dates=rules.MAY))
    return (found if filters.status else found.filter(status__in=rules.LIVE)).count()


# The filters by which an index narrows a situation before anything is read.
_INDEXED = ("area", "actor")


def _bounded(by: HasPrincipal, situation: Situation, filters: Filters) -> tuple[Reports, bool]:
    """The newest ROWS_READ incidents that the indexed filters leave, with the other filters on top; and whether that is all."""
    by_days = filters.since or filters.until or filters.dates
    first = ("since", "until", "dates") if by_days else _INDEXED
    narrow = Filters(**{k: v for k, v in filters.set().items() if k in first})
    if narrow.actor:
        newest, whole = _newest_of(by, situation, narrow)
        return matching(by, situation, filters).filter(pk__in=newest), whole
    base = matching(by, situation, narrow).order_by(*(("-on",) if by_days else ("-submitted_at",)))
    read = base.values("pk")
    whole = read[: rules.ROWS_READ + 1].count() <= rules.ROWS_READ
    return matching(by, situation, filters).filter(pk__in=read[: rules.ROWS_READ]), whole


def filtered(by: HasPrincipal, situation: Situation, filters: Filters) -> tuple[Counts, list[Incident]]:
    """Counts of what matches among the newest reports read, and the first of them. Counted on the same axes as the tallies."""
    found, whole = _bounded(by, situation, filters)
    fields = (
        "id",
        "status",
        "level",
        "area1",
        "party_id",
        "forms",
        "on",
        "precision",
        "earliest",
        "latest",
        "organisation_id",
        "victims",
    )
    try:
        inner, params = found.order_by().values(*fields).query.sql_with_params()
    except EmptyResultSet:  # no report names that actor, so there is nothing to ask
        return _counts(situation, (), whole=whole, read=rules.ROWS_READ), []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.axis, a.value, count(*), count(*) FILTER (WHERE i.status = 'VERIFIED'), sum(i.victims),"
            " sum(i.victims) FILTER (WHERE i.status = 'VERIFIED')"
            f" FROM ({inner}) i CROSS JOIN LATERAL"
            " monitoring_axes(i.status, i.level, i.area1, monitoring_actors(i.id, i.party_id), i.forms,"
            ' monitoring_month(i."on", i.precision, i.earliest, i.latest), i.organisation_id) a GROUP BY 1, 2',
            params,
        )
        rows = cursor.fetchall()
    newest = list(found.with_actors().order_by("-submitted_at", "-id")[:10])
    return _counts(situation, rows, whole=whole, read=rules.ROWS_READ), newest


def listed(by: HasPrincipal, situation: Situation, filters: Filters) -> tuple[Count, Reports, bool]:
    """The incidents that a count of the situation's page counts, newest first, with that count and whether it is of all.

    Without a state asked for, that is what counts (LIVE); with one, the reports in that state, whether it counts or not.
    """
    if filters:
        seen, _first = filtered(by, situation, filters)
        found, whole = _bounded(by, situation, filters)
    else:
        seen, found, whole = counts(situation), matching(by, situation, filters), True
    if not filters.status:
        found = found.filter(status__in=rules.LIVE)
    total = seen.total if filters.status in ("", *rules.LIVE) else next(iter(seen.by["status"]), seen.total)
    return total, found.with_actors().order_by("-submitted_at", "-id"), whole


def fold() -> int:
    """Put equal tallies together; returns how many rows went. Changes no sum and no fact, so it leaves no entry."""
    with reading_as(CLOCK), connection.cursor() as cursor:
        cursor.execute("SELECT monitoring_fold_tally()")
        return int(cursor.fetchone()[0])


def read(situation: Situation, asked: Mapping[str, str]) -> tuple[Filters, list[str]]:
    """The filters of an address, and the names of those that were not understood: also an actor that this situation has not."""
    filters, missed = rules.read_filters(asked), rules.not_understood(asked)
    if filters.actor and not situation.parties.filter(ref=filters.actor).exists():
        return filters.without("actor"), [n for n in rules.FILTER_NAMES if n in {*missed, "actor"}]
    return filters, missed


# --- filters in words -----------------------------------------------------------------------------------------------


def choices(situation: Situation, seen: Counts) -> dict[str, list[tuple[str, str]]]:
    """What each filter can be set to, from what the reader sees here."""
    from answerable.monitoring.lifecycle import ANY

    organisations = {str(b.pk): b for b in Body.objects.filter(pk__in=[c.value for c in seen.by["org"]])}
    parties = {str(p.pk): p for p in situation.parties.filter(pk__in=[c.value for c in seen.by["party"]])}
    statuses = {c.value for c in seen.by["status"]}
    return {
        "area": sorted((c.value, c.value) for c in seen.by["area"] if c.value),
        "actor": [(parties[c.value].ref, c.words) for c in seen.by["party"] if c.value in parties],
        "form": sorted(((c.value, c.words) for c in seen.by["form"]), key=lambda x: x[1]),
        "level": [(v, v) for v in rules.LEVELS],
        "organisation": [(organisations[c.value].ref, c.words) for c in seen.by["org"] if c.value in organisations],
        "status": [(s, s) for s in ANY if s in statuses],
        "dates": [(rules.MAY, _("may lie in these days, and is not sure to")), (rules.NO_MONTH, _("month not known"))],
    }


def filter_names() -> dict[str, str]:
    """What each filter is called beside its value."""
    return {
        "area": _("Area"), "actor": _("Actor"), "form": _("Form"), "level": _("Level"), "since": _("From"),
        "until": _("Until"), "organisation": _("Organisation"), "status": _("State of the report"), "dates": _("Date"),
    }  # fmt: skip


def chips(filters: Filters, offered: Mapping[str, Sequence[tuple[str, str]]]) -> list[dict[str, str]]:
    """The filters in force as words, each with the address without it.

    A value that is not among those offered is named "not among those you see", whether it is hidden or does not exist.
    """
    names = filter_names()
    out = []
    for name, value in filters.set().items():
        known, asked = dict(offered.get(name, [])), value
        if name == "area":
            known, asked = {areas.key(v): words for v, words in known.items()}, areas.key(value)
        words = value if name in ("since", "until") else known.get(asked, _("not among those you see"))
        out.append({"name": names[name], "field": name, "words": words, "without": filters.without(name).query})
    return out


# --- what changed ---------------------------------------------------------------------------------------------------


def visit(by: HasPrincipal, situation: Situation) -> Visit | None:
    """Where the person said they had read to."""
    return Visit.objects.filter(person__ref=by.ref, situation=situation).first()


def changes(by: HasPrincipal, situation: Situation, since: Visit) -> dict[str, Any]:
    """What happened here since a visit, of what the person sees: by the record, so that nothing is left out silently."""
    entries = list(
        Entry.objects.filter(index__gte=since.size).exclude(subject="").order_by("-index")
        .values_list("action", "subject", "at", "from_state", "to_state")[: CHANGES_READ + 1]
    )  # fmt: skip
    subjects = {e[1] for e in entries[:CHANGES_READ]}
    seen: dict[str, tuple[str, str]] = {}
    if refs := [s for s in subjects if s.startswith("INC")]:
        found = monitoring.incidents(by).filter(situation=situation, ref__in=refs)
        seen |= {r: ("incident", r) for r in found.values_list("ref", flat=True)}
    if refs := [s for s in subjects if s.startswith("ITM")]:
        items = SourceItem.objects.filter(
            incident__in=monitoring.incidents(by).filter(situation=situation), ref__in=refs
        )
        seen |= {i: ("incident", inc) for i, inc in items.values_list("ref", "incident__ref")}
    if refs := [s for s in subjects if s.startswith("PAT")]:
        patterns: QuerySet[PatternAssessment] = monitoring.patterns(by).filter(situation=situation, ref__in=refs)
        seen |= {r: ("pattern", r) for r in patterns.values_list("ref", flat=True)}
    lines = [
        {
            "words": change_words(action),
            "from": moved_from,
            "to": to if to != moved_from else "",
            "page": seen[subject][0],
            "ref": seen[subject][1],
            "at": at,
        }
        for action, subject, at, moved_from, to in entries[:CHANGES_READ]
        if subject in seen
    ]
    return {"lines": lines[:50], "more": max(0, len(lines) - 50), "whole": len(entries) <= CHANGES_READ}


def change_words(action: str) -> str:
    """An act on an incident or a pattern, as a reader of the situation says it."""
    return {
        "report received": _("A report came in"),
        "item added": _("A source item was attached"),
        "item regraded": _("A source item was graded anew"),
        "contrary item weighed": _("A contrary item was weighed"),
        "incident verified": _("Verification was concluded"),
        "actors named": _("Its armed actors were named anew"),
        "triage": _("Triaged"),
        "begin verification": _("Verification began"),
        "refer elsewhere": _("Referred elsewhere"),
        "reopen": _("Reopened"),
        "pattern assessed": _("The pattern rules were run"),
    }.get(action, _("Something about it changed"))


# --- tables for members ---------------------------------------------------------------------------------------------

RELEASED_AXES = {"area": disclosure.SUBNATIONAL, "form": disclosure.NATIONAL, "party": disclosure.NATIONAL}
COLUMNS = ("verified", "open")
_CHUNK = 2_000


def year_table(axis: str, rows: Sequence[Mapping[str, Any]], *, k: int) -> disclosure.Table:
    """The exact table of a year before anything is withheld, from rows of `counted_for_members`.

    A value with too few reports, or too few organisations behind it, has no row of its own: its name alone would say that
    a report names it. It goes to a row without a name, which every table has, whether anything is in it or not.
    """
    by_value: dict[str, dict[str, int]] = {}
    for row in rows:
        for value in set(row[axis]):
            mine = by_value.setdefault(value, {})
            mine[row["organisation"]] = mine.get(row["organisation"], 0) + 1
    named = {v for v, given in by_value.items() if v and sum(given.values()) >= k and not disclosure.thin(given)}
    cells: dict[tuple[str, str], dict[str, int]] = {}
    whole: dict[str, dict[str, int]] = {}
    for row in rows:
        column, organisation = COLUMNS[0 if row["verified"] else 1], row["organisation"]
        for counted in (
            whole.setdefault(column, {}),
            *(cells.setdefault((v, column), {}) for v in {x if x in named else "" for x in row[axis] or [""]}),
        ):
            counted[organisation] = counted.get(organisation, 0) + 1
    # A report that names several armed actors stands under each, as one of several forms does, and once in the whole.
    several = any(len({v if v in named else "" for v in row[axis]}) > 1 for row in rows)
    nearly = axis == "party" and several
    return disclosure.Table((*sorted(named), ""), COLUMNS, cells, axis != "form" and not several, whole, nearly)


def counted_for_members(situation: Situation, year: int) -> list[dict[str, Any]]:
    """The year's reports that may be counted for members: all accounts of each under a live consent to aggregates (CP-MEMB).

    A report counts in the year in which every possible day of it lies, and in no other (decision 0047). Reads every row of the year in chunks: a release is no page.
    """
    found: list[dict[str, Any]] = []
    written: dict[str, Counter[str]] = {}
    with reading_as(CLOCK):
        of_year = days.within(date(year, 1, 1), date(year, 12, 31))
        rows = (
            days.dated(Incident.objects.filter(situation=situation, status__in=rules.LIVE))
            .filter(of_year)
            .order_by("pk")
        )
        parties = {p.pk: p.name for p in situation.parties.all()}
        last = 0
        while chunk := list(rows.filter(pk__gt=last).only(
            "pk", "ref", "status", "area1", "party_id", "forms", "organisation_id")[:_CHUNK]):  # fmt: skip
            last = chunk[-1].pk
            items: dict[int, list[SourceItem]] = {}
            for item in SourceItem.objects.filter(incident__in=[i.pk for i in chunk]):
                items.setdefault(item.incident_id, []).append(item)
            passed = {x.pk for x in gate.passing("transfer", [x for xs in items.values() for x in xs], "members")}
            named = as_facts.actors_of(chunk)
            for i in chunk:
                if reports.may_leave(items.get(i.pk, []), passed):
                    written.setdefault(areas.key(i.area1), Counter())[i.area1] += 1
                    found.append({
                        "verified": i.status == rules.VERIFIED, "organisation": str(i.organisation_id),
                        "area": [i.area1] if i.area1 else [], "form": list(i.forms), "party": [parties.get(p, "") for p in named[i.pk]],
                    })  # fmt: skip
    # One area has one row, however it was written: a spelling of its own would stand alone, or hide in a crowd of two.
    called = {key: min(names, key=lambda n: (-names[n], n)) for key, names in written.items()}
    for row in found:
        row["area"] = [called[areas.key(a)] for a in row["area"]]
    return found
