"""A situation's page at 1 thousand and 1 million incidents: p95 of the larger within 1.5 of the smaller.

Also said: the same page filtered by area, what a delegate reads, folding the tallies, and how PostgreSQL finds the counts.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scratch import alliance, p95, seconds

ROUNDS = 30
SMALL, LARGE = 1_000, int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000


def grow(to: int, situation: int, parties: list[int], bodies: list[int], person: int) -> None:
    """Fill the incident table by statements of 100,000 rows, over 24 areas, several actors and organisations, 8 years."""
    from django.db import connection, transaction

    from answerable.authority.acting import set_scope

    with transaction.atomic(), connection.cursor() as c:
        set_scope(["*"])
        c.execute("SELECT count(*) FROM monitoring_incident")
        have = c.fetchone()[0]
        for start in range(have, to, 100_000):
            c.execute(
                'INSERT INTO monitoring_incident (ref, compartment, situation_id, party_id, organisation_id, collected_by_id, "on",'
                " precision, area1, area2, victims_min, victims, victims_max, forms, links, settings, consequences, risk,"
                " referral_offered, searched_first, matches_pattern, status, level, because, submitted_at, narrative, place, link_reason)"
                " SELECT 'INC-B-' || g, 'monitoring', %s, (%s::bigint[])[1 + g %% %s], (%s::bigint[])[1 + g %% %s], %s,"
                " current_date - (g %% 3000), 'day', 'Area ' || g %% 24, 'B', 1, 1 + g %% 3, 4, (CASE g %% 3 WHEN 0 THEN '[\"SV-RAPE\"]'"
                " WHEN 1 THEN '[\"SV-SLAV\"]' ELSE '[\"SV-RAPE\", \"SV-SLAV\"]' END)::jsonb, '[]', '[]', '[]', 'low', true, true, false,"
                " (CASE WHEN g %% 4 = 0 THEN 'VERIFIED' ELSE 'ALLEGED' END), (CASE WHEN g %% 4 = 0 THEN 'V3a' ELSE 'V1' END), '[]',"
                " now() - g * interval '1 minute', '', '', '' FROM generate_series(%s::int, %s::int) g",
                [situation, parties, len(parties), bodies, len(bodies), person, start, min(start + 100_000, to) - 1],
            )
            # One in ten names another actor besides.
            c.execute(
                "INSERT INTO monitoring_furtheractor (incident_id, party_id, compartment, submitted_at, lo)"
                " SELECT i.id, (%s::bigint[])[1 + (g + 1) %% %s], i.compartment, i.submitted_at, 0"
                " FROM generate_series(%s::int, %s::int) g JOIN monitoring_incident i ON i.ref = 'INC-B-' || g"
                " WHERE g %% 10 = 3 AND (%s::bigint[])[1 + (g + 1) %% %s] <> i.party_id",
                [parties, len(parties), start, min(start + 100_000, to) - 1, parties, len(parties)],
            )
    tidy("monitoring_incident", "monitoring_tally")


def tidy(*tables: str) -> None:
    """What the database's own housekeeping does in its time."""
    from django.db import connection

    with connection.cursor() as c:
        for statement in ("RESET ROLE", *(f"VACUUM ANALYZE {t}" for t in tables), "SET ROLE answerable_office"):
            c.execute(statement)


with alliance() as world:
    import time

    from django.db import connection, transaction
    from django.test import Client

    from answerable.alliance.models import Body
    from answerable.authority.acting import reading_as, set_scope
    from answerable.authority.principals import CLOCK
    from answerable.monitoring.looking import queries
    from answerable.monitoring.looking.models import Tally

    run = world["run"]
    with reading_as(CLOCK):
        situation, party = run.fresh("$zandria"), run.fresh("$brigade")
    sami = run.person("sami")
    bodies = list(Body.objects.values_list("pk", flat=True)[:5])
    clients = {}
    for handle in ("sami", "delegate.avn"):
        clients[handle] = Client()
        assert (
            clients[handle].post("/sign-in/", {"handle": handle, "passphrase": world["passphrase"]}).status_code == 303
        )
    url = f"/watch/{situation.ref}/"
    pages = {"situation": ("sami", url), "filtered by area": ("sami", f"{url}?area=Area+3"),
             "by area, form, state": ("sami", f"{url}?area=Area+3&form=SV-SLAV&status=VERIFIED"),
             "by level alone": ("sami", f"{url}?level=V3a"), "for a delegate": ("delegate.avn", url)}  # fmt: skip
    measured: dict[int, dict[str, float]] = {}
    for size in (SMALL, LARGE):
        grow(size, situation.pk, [party.pk], bodies, sami.pk)
        t = time.perf_counter()
        while queries.fold():
            pass
        print(f"{size:,} incidents: tallies folded in {time.perf_counter() - t:.2f} s", end="")
        with reading_as(CLOCK):
            print(f" to {Tally.objects.count():,} rows")
        tidy("monitoring_tally")
        for name, (handle, address) in pages.items():
            assert clients[handle].get(address).status_code == 200
            measured.setdefault(size, {})[name] = p95(seconds(lambda h=handle, a=address: clients[h].get(a), ROUNDS))
    for name in pages:
        small, large = measured[SMALL][name], measured[LARGE][name]
        limit = " (limit 1.5)" if name in ("situation", "for a delegate") else ""
        print(f"{name:22} {small * 1000:6.1f} ms → {large * 1000:6.1f} ms, ratio {large / small:.2f}{limit}")
    with transaction.atomic(), connection.cursor() as c:
        set_scope(["monitoring"])
        for what, sql in (
            ("counts", "SELECT axis, value, sum(n), sum(verified), sum(victims), sum(verified_victims) FROM monitoring_tally"
                       " WHERE situation_id = %s GROUP BY 1, 2"),
            ("newest of an area", "SELECT id FROM monitoring_incident WHERE situation_id = %s AND area1 = 'Area 3'"
                                  " ORDER BY submitted_at DESC LIMIT 5001"),
        ):  # fmt: skip
            c.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {sql}", [situation.pk])
            print(f"\n{what}:\n" + "\n".join(row[0][:150] for row in c.fetchall() if "Filter:" not in row[0]))
