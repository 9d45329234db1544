"""Reads shaped for a page or a rule."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines.agreement import linear_kappa
from answerable.monitoring import as_facts, lifecycle, rules
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
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

    found = as_facts.incident_facts(list(rows.filter(ref__in=levels)))
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
        more = as_facts.incident_facts(list(Incident.objects.filter(ref__in=beside)))
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
    return max(counted.naming([party]).count() for party in as_facts.actors_of([incident])[incident.pk])


def refuse_repeated(sha256: str) -> None:
    """Raises Refused for a file of public data that was brought in already, and says when; one undone may come again."""
    if earlier := Import.objects.filter(sha256=sha256, undone_at=None).first():
        raise Refused(
            _("This very file was imported on %(day)s as %(ref)s. Nothing was changed.")
            % {"day": earlier.made_at.date().isoformat(), "ref": earlier.ref},
            reason="duplicate",
        )
