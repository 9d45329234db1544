"""Reads of patterns: what a window holds, an assessment's result, what an indicator's items reach."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import connection

from answerable.monitoring import lifecycle
from answerable.monitoring import rules as known
from answerable.monitoring.models import Incident, Party, PatternAssessment, Situation, SourceItem
from answerable.monitoring.patterns import counts, rules
from answerable.monitoring.patterns.models import Contribution, Indicator, PatternState


@dataclass(frozen=True)
class Counted:
    """A counted incident with its level, as an assessment needs it."""

    row: rules.Row
    level: str


def row_of(c: Contribution, ref: str) -> rules.Row:
    """A contribution as the rules see it."""
    return rules.Row(
        ref, c.latest, c.earliest, (c.area1, c.area2), c.victims, c.level in known.VERIFIED_LEVELS,
        c.level in known.BASE_LEVELS,
    )  # fmt: skip


Spans = Sequence[tuple[Party, date, date]]
ROW = "c.latest, c.earliest, c.area1, c.area2, c.victims, c.level"
BETWEEN = "c.party_id = ANY(%s) AND c.latest BETWEEN %s AND %s AND c.earliest >= %s AND c.level <> ''"


def rows_between(parties: Iterable[int], first: date, last: date, *, filed_by: datetime | None = None) -> list[Counted]:
    """Counted incidents of these actors that lie between two days for certain, in order of the last days they may have been;
    with `filed_by`, only those filed by then."""
    sql = (
        f"SELECT i.ref, {ROW}, i.area1, i.area2 FROM monitoring_contribution c"
        f" JOIN monitoring_incident i ON i.id = c.incident_id WHERE {BETWEEN}"
    )
    values: list[Any] = [list(parties), first, last, first]
    if filed_by:
        sql += " AND i.submitted_at <= %s"
        values.append(filed_by)
    with connection.cursor() as cursor:
        cursor.execute(sql + " ORDER BY c.latest, 1", values)
        return [
            Counted(
                rules.Row(ref, latest, earliest, (area1, area2), victims, level in known.VERIFIED_LEVELS,
                          level in known.BASE_LEVELS, (said1, said2)),
                level,
            )
            for ref, latest, earliest, area1, area2, victims, level, said1, said2 in cursor.fetchall()
        ]  # fmt: skip


def unnamed(rows: Iterable[tuple[date, date, str, str, int, str]]) -> list[rules.Row]:
    """Rows of `ROW` as a tally needs them, which asks nobody's reference and no area's spelling."""
    return [
        rules.Row(
            "", latest, earliest, (area1, area2), victims, level in known.VERIFIED_LEVELS, level in known.BASE_LEVELS
        )
        for latest, earliest, area1, area2, victims, level in rows
    ]


def unnamed_between(party: int, first: date, last: date) -> list[rules.Row]:
    """The counted incidents of an actor that lie between two days for certain, in order, for their tallies alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {ROW} FROM monitoring_contribution c WHERE {BETWEEN} ORDER BY c.latest",
            [[party], first, last, first],
        )
        return unnamed(cursor.fetchall())


def rows_within(spans: Spans, *, filed_by: datetime | None = None) -> list[Counted]:
    """Counted incidents of these actors, each between its days, in order. One that names several of them counts once, at the
    highest level it has for any of these.
    """
    found: dict[str, Counted] = {}
    for party, first, last in spans:
        for c in rows_between([party.pk], first, last, filed_by=filed_by):
            had = found.get(c.row.ref)
            if had is None or known.RANK[c.level] > known.RANK[had.level]:
                found[c.row.ref] = c
    return sorted(found.values(), key=lambda c: (c.row.latest, c.row.ref))


def base_days_within(spans: Spans) -> list[rules.Days]:
    """The days of base incidents of these actors, each between its days, as often as there are incidents: once where one names
    several of them.
    """
    if len(spans) == 1:
        return [day for party, first, last in spans for day in base_days([party.pk], first, last)]
    found: dict[int, rules.Days] = {}
    for party, first, last in spans:
        rows = Contribution.objects.filter(
            party=party, latest__range=(first, last), earliest__gte=first, level__in=sorted(known.BASE_LEVELS)
        )
        found |= {pk: (late, early) for pk, late, early in rows.values_list("incident_id", "latest", "earliest")}
    return sorted(found.values())


def base_days(parties: Iterable[int], first: date, last: date) -> list[rules.Days]:
    """The days of base incidents of an actor that lie between two days, each as often as there are incidents, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT latest, earliest, count(*) FROM monitoring_contribution WHERE party_id = ANY(%s)"
            " AND latest BETWEEN %s AND %s AND earliest >= %s AND level = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2",
            [list(parties), first, last, first, sorted(known.BASE_LEVELS)],
        )
        return [(late, early) for late, early, n in cursor.fetchall() for _ in range(n)]


def may_lie(parties: Iterable[int], first: date, last: date) -> tuple[int, int]:
    """How many counted incidents of these actors, and victims, may lie between two days without being sure to: in no number."""
    near = Contribution.objects.filter(party__in=list(parties), earliest__lte=last, latest__gte=first).exclude(level="")
    rows = near.exclude(earliest__gte=first, latest__lte=last).order_by()
    victims = dict(rows.values_list("incident_id", "victims"))
    return len(victims), sum(victims.values())


# --- indicators -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Supported:
    """An indicator whose items reach the standard it claims, and the days of the counted incidents they belong to."""

    code: str
    list_name: str
    days: tuple[rules.Days, ...]

    def how_many(self, first: date, last: date) -> int:
        return rules.how_many(self.days, first, last)

    def within(self, first: date, last: date) -> bool:
        return rules.how_many(self.days, first, last, most=1) > 0


@dataclass(frozen=True)
class Standing:
    """What an indicator's items amount to now: the level they reach, why, and the days they lie on."""

    standard: str
    because: tuple[str, ...]
    days: tuple[rules.Days, ...]


def concerned(party: Party, incident: Incident) -> bool:
    """Whether an incident names the actor, or a unit that stood under it on every day it may have been (§1.4: actor or chain of
    command)."""
    from answerable.monitoring import as_facts
    from answerable.monitoring.linking import queries as links

    actors = {actor.pk for actor in incident.actors}
    if party.pk in actors:
        return True
    late, early = as_facts.days_known(incident)
    if incident.situation_id != party.situation_id or not rules.fits((late, early)):
        return False
    under = links.spans_below(party, early, late)
    return any(unit.pk in actors and begins <= early and late <= ends for unit, begins, ends in under)


NOT_CONCLUDED = (
    "{n} item(s) for it belong to reports that no verifier has concluded, or came since, and are left out (SOD-01)."
)


def standing(indicator: Indicator, *, looked_at: bool = False) -> Standing:
    """What the verification rules of §2.3 make of an indicator's items, for and against, that concern its actor today.

    For it speaks what a verifier has had before her: items of reports that count, or are linked to one that does. Against it
    speaks every item that does. Two items have one origin wherever the way there was filed (R-VER-1). `looked_at`: without what
    reports say for it that someone changed since a verifier concluded (Incident.changed_by, held_back).
    """
    from answerable.monitoring import as_facts
    from answerable.monitoring.evidence import queries as evidence
    from answerable.monitoring.linking import queries as links

    every = [
        (item, contrary)
        for items, contrary in ((indicator.supporting, False), (indicator.contrary, True))
        for item in items.select_related("incident__party")
        .prefetch_related(as_facts.graded(), "incident__also_named__party")
        .order_by("id")
    ]

    def unseen(item: SourceItem) -> bool:
        return bool(item.incident.changed_by or item.incident.cap_stays)

    # What spoke against it and was taken away by one person goes on doing so in the eyes of whoever has not looked since.
    named = [
        (item, contrary)
        for item, contrary in every
        if concerned(indicator.party, item.incident) or (looked_at and contrary and unseen(item))
    ]
    ends = links.ends_of({item.incident_id for item, _contrary in named})
    of = Incident.objects.filter(pk__in=ends.values(), status__in=lifecycle.COUNTED)
    held = set((of.filter(changed_by=[], held_back="") if looked_at else of).values_list("pk", flat=True))
    waiting = links.waiting([pk for pk, end in ends.items() if pk != end])

    def seen(item: SourceItem) -> bool:
        waits = waiting.get(item.incident_id)
        return ends.get(item.incident_id) in held and not item.waits and (waits is None or waits["stood"])

    used = [(item, contrary) for item, contrary in named if contrary or seen(item)]
    below = links.kept_by(ends.values())
    # Two of them have one origin also through one that is not among them: of their reports, of one that is closed or opened again, or
    # one that lost its consent. What joins does not part because nobody named it, nor by one person's word.
    using = {item.pk for item, _contrary in used if item.live}
    beside = SourceItem.objects.filter(incident__in={*ends, *ends.values(), *below}).exclude(
        pk__in=[i.pk for i, _c in every]
    )
    whole = [*(item for item, _contrary in every), *beside]
    roots, same = evidence.roots_everywhere(whole), evidence.alike(whole)
    above = {pk: {*roots.get(pk, ()), *same.get(pk, ())} for pk in {*roots, *same}}
    above = as_facts.past([i for i in whole if i.pk not in using], above)
    one_source = links.one_source(below)
    facts = [
        as_facts.item_facts(
            item, above.get(item.pk, ()), source=one_source.get(item.incident_id, ""), contrary=contrary, then=True
        )
        for item, contrary in used
    ]
    if looked_at:
        facts = [
            replace(f, live=True) if contrary and unseen(item) else f
            for f, (item, contrary) in zip(facts, used, strict=True)
        ]
    carrying = {ends[item.incident_id] for item, contrary in used if not contrary and item.live}
    level = known.verification_level(facts)
    adding = Contribution.objects.filter(incident__in=carrying).exclude(level="").order_by("latest", "earliest")
    days = tuple(d for d in adding.values_list("latest", "earliest").distinct() if rules.fits(d))
    left_out = len(named) - len(used)
    notes = (NOT_CONCLUDED.format(n=left_out),) if left_out else ()
    return Standing(known.STANDARD_OF_LEVEL[level.code] or "none", (*notes, *level.because), days)


def days_of(indicator: Indicator) -> list[rules.Days]:
    """The days on which an indicator counts, in order: those of its counted incidents, as last worked out."""
    ends = (day.split("/") for day in indicator.days)
    return [(date.fromisoformat(each[-1]), date.fromisoformat(each[0])) for each in ends]


def written(days: Iterable[rules.Days]) -> list[str]:
    """Days as an indicator keeps them: one day, or the first and the last it may have been."""
    return [last.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}" for last, first in days]


def supported_of(parties: Sequence[int]) -> list[Supported]:
    """Live indicators of actors that are supported at the standard claimed, with where in time they lie."""
    rows = Indicator.objects.filter(party__in=parties, ended_at=None).order_by("code", "id")
    return [Supported(i.code, i.list_name, tuple(days_of(i))) for i in rows if i.supported]


def reasoned(parties: Sequence[int]) -> tuple[Supported, ...]:
    """Commonalities that were reasoned in assessments of these actors, each with the days of the verified incidents it was
    reasoned of: those filed by then in the twelve months looked at, at the level they have now.
    """
    found = []
    rows = PatternAssessment.objects.filter(party__in=parties).exclude(commonalities=[]).select_related("party")
    for made in rows.order_by("id"):
        first, last = rules.window(made.on)
        within = spans(made.party, first, last, chain=bool(made.result.get("chain")))
        theirs = [(p, a, b) for p, a, b in within if p.pk in parties]
        own = sorted(c.row.days for c in rows_within(theirs, filed_by=made.made_at) if c.row.verified)
        found += [Supported(code, REASONED, tuple(own)) for code in made.commonalities]
    return tuple(found)


REASONED = "reasoned"


@dataclass(frozen=True)
class Reasoned:
    """What people reasoned about an actor, cut to any window."""

    commonalities: tuple[Supported, ...]
    supported: tuple[Supported, ...]

    def common(self, first: date, last: date) -> frozenset[str]:
        """What the incidents of a window have in common: reasoned of as many of them as make a pattern, or borne out by items."""
        of_these = {c.code for c in self.commonalities if c.how_many(first, last) >= rules.PATTERN_INCIDENTS}
        own = {s.code for s in self.supported if s.list_name == "commonality" and s.within(first, last)}
        return frozenset(of_these | own)

    def systematic(self, first: date, last: date) -> frozenset[str]:
        if not self.supported:
            return frozenset()
        named = (s for s in self.supported if s.list_name == "systematic_indicator")
        return frozenset(s.code for s in named if s.within(first, last))


def reasoned_about(parties: Sequence[int]) -> Reasoned:
    """Everything people reasoned about these actors, in two questions however many windows are asked about."""
    return Reasoned(reasoned(parties), tuple(supported_of(parties)))


NOT_ASSESSED, FALLS_SHORT, ELSEWHERE = "not assessed", "falls short", "not in these months"


def not_counted(parties: Sequence[int], codes: Iterable[str], first: date, last: date) -> dict[str, str]:
    """Of these indicators, claimed for actors, those that do not count between two days → why."""
    codes = list(codes)
    live = Indicator.objects.filter(party__in=parties, ended_at=None, code__in=codes)
    theirs: dict[str, list[Indicator]] = {code: [] for code in codes}
    for i in live:
        theirs[i.code].append(i)
    lie = {s.code for s in supported_of(parties) if s.within(first, last)}
    return {
        code: ELSEWHERE if any(i.supported for i in found) else FALLS_SHORT if found else NOT_ASSESSED
        for code, found in theirs.items() if code not in lie
    }  # fmt: skip


# --- an assessment's result -------------------------------------------------------------------------------------------


def standard_of(levels: Iterable[str]) -> str:
    """The standard that every one of these levels reaches."""
    codes = {known.STANDARD_OF_LEVEL[code] or "none" for code in levels}
    return min(codes, key=rules.STANDARDS.index, default="none")


def spans(party: Party, first: date, last: date, *, chain: bool) -> Spans:
    """Whose incidents count as the actor's, and between which days: its own, and with `chain` its units' while they were."""
    from answerable.monitoring.linking import queries as links

    return links.spans_below(party, first, last) if chain else [(party, first, last)]


def result(
    party: Party, *, on: date, chain: bool = False, commonalities: Iterable[str] = (), filed_by: datetime | None = None
) -> dict[str, Any]:
    """PT, WS, SY, LS of an actor, or of everyone under its command, at one day, as an assessment keeps it.

    With `filed_by`, only what was filed by then is looked at, at the level it has now: late verification restates an
    earlier period, and what was reported later does not.
    """
    first, last = rules.window(on)
    within = spans(party, first, last, chain=chain)
    parties = list({p.pk: p for p in (party, *(p for p, _a, _b in within))}.values())
    counted = rows_within(within, filed_by=filed_by)
    about = reasoned_about([p.pk for p in parties])
    widest = spans(party, rules.window(first)[0], rules.last_end(last), chain=chain)
    bases = [] if filed_by else base_days_within(widest)
    found = rules.pattern_of_rows(
        [c.row for c in counted], actor=party.ref, on=on, parties=frozenset(p.ref for p in parties),
        base_days=sorted(bases) if filed_by is None else None,
        commonalities=frozenset(commonalities) | about.common(first, last), systematic=about.systematic(first, last),
    )  # fmt: skip
    days = [c.row for c in counted if c.row.base]
    return {
        "window": [d.isoformat() for d in found.window],
        "chain": chain,
        "parties": list(found.parties),
        "base_set": list(found.base_set),
        "verified": list(found.verified),
        "verified_incidents": len(found.verified),
        "verified_victims": found.verified_victims,
        "reported_incidents": found.tally.reported_incidents,
        "reported_victims": found.reported_victims,
        "areas": list(found.areas),
        "prevalence": found.prevalence,
        "first_day": min((r.earliest for r in days), default=on).isoformat(),
        "last_day": max((r.latest for r in days), default=on).isoformat(),
        "standard": standard_of(c.level for c in counted if c.row.verified),
        "commonalities": sorted(frozenset(commonalities) | about.common(first, last)),
        "systematic": sorted(about.systematic(first, last)),
        "tests": {code: _plain(test) for code, test in found.tests.items()},
    }


def _plain(test: rules.Test) -> dict[str, Any]:
    plain = asdict(test)
    return {**plain, "carried_by": list(test.carried_by), "falls": list(test.falls)}


def current(pattern: PatternAssessment) -> dict[str, Any]:
    """The newest result of an assessment: its last restatement, or the first one."""
    last = pattern.restatements.first()
    found: dict[str, Any] = last.result if last else pattern.result
    return found


def prevalence_of(pattern: PatternAssessment) -> str:
    """Prevalence by the count, or as an expert of the panel set it higher (R-LS-2)."""
    panel = pattern.panel_prevalences.first()
    return rules.higher_prevalence(current(pattern)["prevalence"], panel.level if panel else "")


# --- for pages --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One actor on a situation's page: its newest window, each number with its kind."""

    party: Party
    starts_on: date
    state: PatternState
    reported: counts.Count
    verified: counts.Count
    incidents: counts.Count


def line_of(party: Party, state: PatternState) -> Line:
    """A state as a page shows it."""
    return Line(
        party, rules.window(state.ends_on)[0], state, counts.reported(state.reported_victims),
        counts.verified(state.verified_victims), counts.verified(state.verified_incidents),
    )  # fmt: skip


def counts_of(result: dict[str, Any]) -> dict[str, counts.Count]:
    """An assessment's numbers, each with its kind, side by side (R-LS-1)."""
    return {
        "verified_victims": counts.verified(result["verified_victims"]),
        "reported_victims": counts.reported(result["reported_victims"]),
        "verified_incidents": counts.verified(len(result["verified"])),
    }


def newest(situation: Situation, limit: int = 100, *, actor: str = "") -> list[Line]:
    """The newest window of each actor of a situation (or of the one named), in one question, whatever the history holds."""
    sql = """
        SELECT s.* FROM monitoring_party p CROSS JOIN LATERAL (
            SELECT * FROM monitoring_patternstate s WHERE s.party_id = p.id AND s.reported_incidents > 0
            ORDER BY s.ends_on DESC LIMIT 1) s
        WHERE p.situation_id = %s AND (%s = '' OR p.ref = %s) ORDER BY s.verified_victims DESC, s.reported_victims DESC, p.name LIMIT %s"""
    states = list(PatternState.objects.raw(sql, [situation.pk, actor, actor, limit]))
    parties = Party.objects.in_bulk([s.party_id for s in states])
    return [line_of(parties[s.party_id], s) for s in states]


def items_of(refs: Iterable[str]) -> dict[str, int]:
    """How many source items each of these incidents has."""
    found: dict[str, int] = {}
    for ref in SourceItem.objects.filter(incident__ref__in=list(refs)).values_list("incident__ref", flat=True):
        found[ref] = found.get(ref, 0) + 1
    return found
