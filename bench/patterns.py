"""Patterns at a million incidents and three million items: one change through to patterns, all of it again, and a situation's page.

BENCH_INCIDENTS makes it smaller. Figures are of one run and printed as ratios of their limits.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scratch import alliance, p95, seconds

INCIDENTS = int(os.environ.get("BENCH_INCIDENTS", "1000000"))
ROUNDS = 40
# Fifty kinds of incident in turn, each with three items: (testimony, primary, reliability, credibility, assessors); one
# in fifty is a single account that only a base set of others lifts.
T1, T1TWICE, T2 = "'T1', true, '', 0, 1", "'T1', true, '', 0, 2", "'T2', true, '', 0, 1"
A2, B3, C3, D4 = "'', true, 'A', 2, 1", "'', false, 'B', 3, 1", "'', false, 'C', 3, 1", "'', false, 'D', 4, 1"
KINDS = (
    [((T1, A2, D4), "V3a")] * 20
    + [((B3, C3, D4), "V2")] * 14
    + [((D4, D4, D4), "V1")] * 5
    + [((T2, T1, C3), "V3b")] * 10
)
AWAITS = len(KINDS)
KINDS.append(((T1TWICE, D4, D4), "V2"))
LEVEL = f"(ARRAY[{', '.join(repr(level) for _items, level in KINDS)}])[1 + mod(g, {len(KINDS)})]"


def grow(c, situations: list[int], parties: list[int], start: int, to: int, body: int, person: int) -> None:
    """Rows as a long-lived alliance would hold them: a few actors have very many incidents, most have few."""
    c.execute("SELECT setseed(0.4)")
    c.execute("CREATE TABLE grown (g int, party bigint, situation bigint, day date, a int, v int)")
    c.execute(
        "INSERT INTO grown SELECT g, p.id, p.situation_id, date '2012-01-01' + (random() * 6900)::int, (random() * 39)::int,"
        " 1 + (random() * 5)::int FROM (SELECT g, 1 + floor(power(random(), 2) * %s)::int AS n FROM generate_series(%s::int, %s::int) g"
        " OFFSET 0) x JOIN (SELECT id, situation_id, row_number() OVER (ORDER BY id) AS n FROM monitoring_party WHERE id = ANY(%s)) p"
        " ON p.n = x.n",
        [len(parties), start, to - 1, parties],
    )  # fmt: skip
    c.execute(
        'INSERT INTO monitoring_incident (ref, compartment, situation_id, party_id, organisation_id, collected_by_id, "on",'
        " precision, area1, area2, victims_min, victims, victims_max, forms, links, settings, consequences, risk,"
        " referral_offered, searched_first, matches_pattern, status, level, because, submitted_at, narrative, place, link_reason)"
        " SELECT 'INC-B-' || g, 'monitoring', situation, party, %s, %s, day, 'day', 'P' || a / 8, 'D' || a, v, v, v, '[]', '[]',"
        f" '[]', '[]', 'low', true, true, mod(g, {len(KINDS)}) = {AWAITS}, CASE left({LEVEL}, 2) WHEN 'V1' THEN 'ALLEGED' WHEN 'V2' THEN 'CREDIBLE'"
        f" ELSE 'VERIFIED' END, {LEVEL}, '[]', day + interval '30 days', '', '', '' FROM grown ORDER BY g",
        [body, person],
    )
    c.execute(
        "INSERT INTO monitoring_contribution (incident_id, compartment, party_id, earliest, latest, area1, area2, victims,"
        f" own, awaits, level) SELECT i.id, i.compartment, party, day, day, lower(i.area1), lower(i.area2), v, {LEVEL}, mod(g, {len(KINDS)}) = {AWAITS}, {LEVEL}"
        " FROM grown JOIN monitoring_incident i ON i.ref = 'INC-B-' || g",
        [],
    )
    # One in ten names another actor of its situation besides, where there is one, and counts for that one too.
    c.execute(
        "INSERT INTO monitoring_furtheractor (incident_id, party_id, compartment, submitted_at, lo)"
        " SELECT i.id, p.id, i.compartment, i.submitted_at, 0 FROM grown JOIN monitoring_incident i ON i.ref = 'INC-B-' || g"
        " JOIN LATERAL (SELECT id FROM monitoring_party o WHERE o.situation_id = i.situation_id AND o.id <> i.party_id"
        " ORDER BY o.id LIMIT 1) p ON true WHERE mod(g, 10) = 3",
        [],
    )
    columns = "compartment, earliest, latest, area1, area2, victims, own, awaits, level"
    c.execute(
        f"INSERT INTO monitoring_contribution (incident_id, party_id, {columns}) SELECT f.incident_id, f.party_id,"
        f" {', '.join(f'c.{name.strip()}' for name in columns.split(','))} FROM grown JOIN monitoring_incident i ON i.ref = 'INC-B-' || g"
        " JOIN monitoring_furtheractor f ON f.incident_id = i.id JOIN monitoring_contribution c ON c.incident_id = i.id"
        " AND c.party_id = i.party_id",
        [],
    )
    for n in range(3):
        values = ", ".join(f"({k}, {items[n]})" for k, (items, _level) in enumerate(KINDS))
        c.execute(
            "INSERT INTO monitoring_sourceitem (ref, compartment, incident_id, kind, \"primary\", reliability, credibility, testimony,"
            " assessors, person_key, contrary, weighed, purposes, withdrawn, captured_on, says)"
            f" SELECT 'ITM-B-' || g || '-{n}', 'monitoring', i.id, CASE WHEN k.t = '' THEN 'document' ELSE 'testimony' END, k.p, k.r, k.c, k.t,"
            f" k.a, CASE WHEN k.t = '' THEN '' ELSE 'p' || g || '-{n}' END, false, false, CASE WHEN k.t = '' THEN '[]' ELSE '[\"CP-MONI\"]' END::jsonb,"
            " '[]', day, '' FROM grown JOIN monitoring_incident i ON i.ref = 'INC-B-' || g"
            f" JOIN (VALUES {values}) AS k (n, t, p, r, c, a) ON k.n = mod(g, {len(KINDS)})",
            [],
        )  # fmt: skip
    # Two assessors gave each account the grade it has: until then it would carry V2 and no more (R-VER-0).
    c.execute(
        "INSERT INTO monitoring_assessment (ref, compartment, item_id, assessor_id, testimony, reliability, credibility, given_at,"
        " reasons) SELECT 'ASM-B-' || s.id || '-' || p.handle, 'monitoring', s.id, p.id, s.testimony, '', 0, now(), ''"
        " FROM grown JOIN monitoring_incident i ON i.ref = 'INC-B-' || g JOIN monitoring_sourceitem s ON s.incident_id = i.id"
        " CROSS JOIN (SELECT id, handle FROM alliance_person WHERE handle IN ('vera', 'lena')) p WHERE s.kind = 'testimony'",
        [],
    )  # fmt: skip


def main() -> None:
    with alliance() as world:
        from django.db import connection, transaction
        from django.test import Client

        from answerable.authority.acting import reading_as, set_scope
        from answerable.authority.principals import CLOCK
        from answerable.monitoring import actions, as_facts
        from answerable.monitoring.models import Incident, Party, Situation, SourceItem
        from answerable.monitoring.patterns import actions as patterns
        from answerable.monitoring.patterns import contributing
        from answerable.monitoring.patterns.models import Contribution, PatternState

        run = world["run"]
        sami, vera = run.person("sami"), run.person("vera")

        def fill(start: int, to: int) -> None:
            with transaction.atomic(), connection.cursor() as c:
                c.execute("RESET ROLE")
                set_scope(["*"])
                grow(c, situations, parties, start, to, sami.body.pk, sami.pk)
                c.execute("DROP TABLE grown")
            with connection.cursor() as c:
                c.execute("VACUUM ANALYZE monitoring_incident, monitoring_sourceitem, monitoring_contribution")
                c.execute("SET ROLE answerable_office")

        with connection.cursor() as c:
            c.execute("RESET ROLE")
        made = [
            Situation(ref=f"SIT-B-{n}", name=f"Bench {n}", fictional=True) for n in range(max(2, INCIDENTS // 5000))
        ]
        situations = [s.pk for s in Situation.objects.bulk_create(made)]
        some = [Party(ref=f"PTY-B-{n}", situation_id=situations[n % len(situations)], name=f"Unit {n}", actor_type="ACT-STF")
                for n in range(10 * len(situations))]  # fmt: skip
        parties = [p.pk for p in Party.objects.bulk_create(some)]
        client = Client()
        assert client.post("/sign-in/", {"handle": "sami", "passphrase": world["passphrase"]}).status_code == 303
        busiest = Situation.objects.get(pk=situations[0])

        def page() -> None:
            reply = client.get(f"/watch/{busiest.ref}/")
            assert reply.status_code == 200 and (b"Unit 0" in reply.content)

        fill(0, 1000)
        patterns.recompute_patterns(from_items=True, by=CLOCK)
        small = p95(seconds(page, ROUNDS))
        t = time.perf_counter()
        fill(1000, INCIDENTS)
        print(f"{INCIDENTS:,} incidents and {3 * INCIDENTS:,} items filled in {time.perf_counter() - t:.0f} s")

        t = time.perf_counter()
        found = patterns.recompute_patterns(from_items=False, by=CLOCK)
        first = time.perf_counter() - t
        t = time.perf_counter()
        again = patterns.recompute_patterns(from_items=False, by=CLOCK)
        second = time.perf_counter() - t
        assert again.states == 0 and found.incidents >= INCIDENTS
        with connection.cursor() as c:
            c.execute("RESET ROLE")
            c.execute("VACUUM ANALYZE monitoring_patternstate, monitoring_incident, monitoring_contribution")
            c.execute("SET ROLE answerable_office")
        print(f"full recomputation: {found.windows:,} windows, {len(found.levels):,} levels; from nothing {first:.1f} s, "
              f"{first / 60:.2f} of 60 s; finding nothing to change {second:.1f} s, {second / 60:.2f} of 60 s; "
              f"greatest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")  # fmt: skip

        large = p95(seconds(page, ROUNDS))
        print(
            f"situation page {small * 1000:.1f} ms at a thousand, {large * 1000:.1f} ms now: ratio {large / small:.2f} (limit 1.5)"
        )

        # One change: a paper regraded in an incident of the busiest actor, of a middling one, of the rarest; and back.
        times: dict[str, list[float]] = {}
        worst = None
        for name, at in (("busiest", 0), ("middling", len(parties) // 2), ("rarest", len(parties) - 1)):
            with reading_as(CLOCK):
                have = Contribution.objects.filter(party=parties[at]).count()
                items = list(SourceItem.objects.filter(incident__party=parties[at], reliability="A")
                             .select_related("incident__party").order_by("id")[:: max(1, have // 60)][:ROUNDS // 2])  # fmt: skip
            if not items:
                continue
            for item in items:
                for grade in (4, 2):
                    t = time.perf_counter()
                    actions.regrade_item(item, credibility=grade, by=vera)
                    times.setdefault(name, []).append(time.perf_counter() - t)
            change = p95(times[name]) if len(times[name]) > 1 else times[name][0]
            worst = max(worst or 0.0, change)
            print(f"one change of the {name} actor ({have:,} incidents), the whole act with its record entry: p95 "
                  f"{change * 1000:.0f} ms, {change / 0.2:.2f} of 200 ms")  # fmt: skip
        with reading_as(CLOCK):
            before = list(
                PatternState.objects.order_by("party_id", "ends_on").values_list(
                    "party_id", "ends_on", "verified_victims"
                )[:1000]
            )
        again = patterns.recompute_patterns(from_items=False, by=CLOCK)
        assert again.states == 0 and not again.levels, "the changes left something that recomputing sees otherwise"
        assert before

        # From items as well: a part is measured, since it grows with the items and nothing else.
        with reading_as(CLOCK):
            rows = list(Incident.objects.filter(ref__startswith="INC-B-").order_by("id")[:10_000])
            t = time.perf_counter()
            named = as_facts.actors_of(rows)
            facts = {f.ref: f for f in as_facts.incident_facts(rows, named)}
            made_now = list(contributing.of_incidents(rows, facts, named, {}).values())
            each = (time.perf_counter() - t) / len(rows)
            kept = {contributing.key_of(c): c for c in Contribution.objects.filter(incident__in=rows)}
            assert all(
                (kept[key].own, kept[key].awaits) == (c.own, c.awaits)
                for c in made_now
                for key in [contributing.key_of(c)]
            )
        print(
            f"levels from items: {each * 1e6:.0f} µs an incident, so {each * INCIDENTS:.0f} s for all of them once more"
        )


main()
