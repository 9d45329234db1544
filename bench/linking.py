"""Linking: the check when a report is filed against a bare index look-up at a million; Splink over a situation; names.

    python -m bench.linking [filing|batch|names] [--incidents 1000000]

Ratios are the point. Names need the public data sets beside the checkout (shared/data/linkage) and say so without them.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import statistics
import sys
import time
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
ABOVE = [p / "shared" / "data" / "linkage" for p in Path(__file__).resolve().parents]
DATA = Path(os.environ.get("ANSWERABLE_PUBLIC_DATA", "")) / "linkage" if os.environ.get("ANSWERABLE_PUBLIC_DATA") else next(
    (p for p in ABOVE if p.is_dir()), ABOVE[-1]
)  # fmt: skip


def quantile(times: list[float], q: float) -> float:
    return sorted(times)[min(len(times) - 1, int(q * len(times)))]


def filing(incidents: int, rounds: int = 400) -> None:
    """Candidates fetched and scored for one report, among `incidents`, in the office's role."""
    from scratch import alliance

    with alliance() as world:
        from django.db import connection, transaction

        from answerable.authority.acting import reading_as, set_scope
        from answerable.authority.principals import CLOCK
        from answerable.monitoring.linking import queries
        from answerable.monitoring.models import Incident

        run = world["run"]
        with reading_as(CLOCK):
            situation, party = run.fresh("$zandria"), run.fresh("$brigade")
        sami = run.person("sami")
        with transaction.atomic(), connection.cursor() as c:
            set_scope(["*"])
            c.execute("RESET ROLE")
            c.execute(
                "INSERT INTO monitoring_party (ref, situation_id, name, actor_type, origin) SELECT 'PTY-B-' || g, %s, 'Unit ' || g,"
                " 'ACT-STF', '' FROM generate_series(1, 40) g", [situation.pk])  # fmt: skip
            c.execute("SELECT min(id) FROM monitoring_party WHERE ref LIKE 'PTY-B-%%'")
            base = c.fetchone()[0]
            c.execute(
                'INSERT INTO monitoring_incident (ref, compartment, situation_id, party_id, organisation_id, collected_by_id, "on",'
                " precision, area1, area2, victims_min, victims, victims_max, forms, links, settings, consequences, risk,"
                " referral_offered, searched_first, matches_pattern, status, level, because, submitted_at, narrative, place, link_reason)"
                " SELECT 'INC-B-' || g, 'monitoring', %s, %s + g %% 40, %s, %s, date '2016-01-01' + (g::bigint * 7919 %% 3650)::int, 'day',"
                " 'A' || g * 31 %% 20, 'B' || g * 31 %% 400, 1, 1 + g %% 9, 9, '[\"SV-RAPE\"]', '[]', '[]', '[]', 'low', true, true, false,"
                " 'SUBMITTED', 'V1', '[]', now() - g * interval '1 minute', '', '', '' FROM generate_series(1, %s::int) g",
                [situation.pk, base, sami.body.pk, sami.pk, incidents])  # fmt: skip
            c.execute(
                "INSERT INTO monitoring_linkcard (incident_id, compartment, situation_id, party_id, lo, area1, area2, facts, digest)"
                ' SELECT i.id, compartment, i.situation_id, party_id, d.lo, lower(area1), lower(area2), jsonb_build_object('
                "   'ref', i.ref, 'situation', %s::text, 'actor', p.ref, 'lo', d.lo, 'hi', d.lo, 'area1', lower(area1), 'area2',"
                "   lower(area2), 'forms', forms, 'low', victims_min, 'best', victims, 'high', victims_max, 'line', '[]'::jsonb, 'roots',"
                "   '[]'::jsonb), md5(i.ref) FROM monitoring_incident i JOIN monitoring_party p ON p.id = i.party_id,"
                " LATERAL (SELECT (\"on\" - date '0001-01-01') + 1 AS lo) d WHERE i.ref LIKE 'INC-B-%%'", [situation.ref])  # fmt: skip
            c.execute("SET ROLE answerable_office")
        with connection.cursor() as c:
            c.execute("RESET ROLE")
            c.execute("VACUUM ANALYZE monitoring_linkcard")
            c.execute("ANALYZE monitoring_incident")
            c.execute("SET ROLE answerable_office")
        del party
        with reading_as(CLOCK):
            step = max(1, incidents // rounds)
            refs = [f"INC-B-{n}" for n in range(1, incidents, step)][:rounds]
            rows = list(Incident.objects.filter(ref__in=refs).select_related("situation", "party"))
            weights = queries.weights_for(situation)
            bare, check, fetched, found = [], [], [], []
            for incident in rows:
                t = time.perf_counter()
                list(queries.LinkCard.objects.filter(incident=incident).values_list("facts"))
                bare.append(time.perf_counter() - t)
                t = time.perf_counter()
                card = queries.cards([incident])[0]
                candidates = queries.candidates(incident, card, weights=weights)
                check.append(time.perf_counter() - t)
                found.append(len(candidates))
                t = time.perf_counter()
                near = queries.near(card, incident.situation_id, [incident.party_id])
                fetched.append((time.perf_counter() - t, len(near)))
    look = [t for t, _n in fetched]
    print(f"filing check at {incidents:,} reports: median {statistics.median(check) * 1e3:.1f} ms, 95th percentile "
          f"{quantile(check, .95) * 1e3:.1f} ms (limit 100), 99th {quantile(check, .99) * 1e3:.1f} ms; of it the fetch "
          f"{quantile(look, .95) * 1e3:.1f} ms for {statistics.median(n for _t, n in fetched):.0f} reports; "
          f"{statistics.mean(found):.1f} candidates kept")  # fmt: skip
    print(f"against a bare index look-up ({quantile(bare, .95) * 1e3:.2f} ms at the 95th percentile): "
          f"{quantile(check, .95) / quantile(bare, .95):.0f} times the check, {quantile(look, .95) / quantile(bare, .95):.0f} times the fetch")  # fmt: skip


def batch(reports: int) -> None:
    """Train on a sample and score a situation of made-up reports with known truth."""
    from answerable.engines.linkage import incidents
    from answerable.engines.linkage.tests import made

    cards, truth = made.reports(reports, actors=max(30, reports // 300), areas=max(60, reports // 100))
    t = time.perf_counter()
    weights = incidents.train(cards, version="bench")
    trained = time.perf_counter() - t
    t = time.perf_counter()
    pairs = list(incidents.candidates(cards, weights))
    scored = time.perf_counter() - t
    _kept, blocking = incidents.capped(cards)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    for name, least in (("shown", incidents.SHOWN), ("likely", incidents.LIKELY)):
        precision, recall = made.quality(pairs, cards, truth, least)
        print(
            f"{reports:,} reports, {name}: precision {precision:.3f}, recall {recall:.3f}, F1 {2 * precision * recall / (precision + recall):.3f}"
        )
    assumed = list(incidents.candidates(cards, incidents.assumed()))
    precision, recall = made.quality(assumed, cards, truth)
    print(f"   without training: precision {precision:.3f}, recall {recall:.3f}")
    print(f"   train {trained:.1f} s, score {scored:.1f} s ({blocking.pairs:,} pairs at most; {len(blocking.left_out)} blocks left out), "
          f"peak {peak:.1f} GiB")  # fmt: skip


def _people() -> list[tuple[str, list[tuple[str, str]]]]:
    """(data set, [(name, who it is)]) of persons who never lived, to try the name normaliser; the product links no person."""

    def read(name: str) -> list[dict[str, str]]:
        with (DATA / name).open(encoding="utf-8", newline="") as f:
            return [{k.strip(): (v or "").strip() for k, v in r.items()} for r in csv.DictReader(f)]

    febrl = [(f"{r['given_name']} {r['surname']}", r["rec_id"].split("-")[1]) for r in read("febrl_dataset1.csv")]
    fake = [(f"{r['first_name']} {r['surname']}", r["cluster"]) for r in read("splink_fake_1000.csv")]
    german = [(f"{r['fname_c1']} {r['lname_c1']}", r["true_entity_id"]) for r in read("RLdata500.csv")]
    return [("FEBRL 1", febrl), ("Splink fake 1000", fake), ("RLdata500", german)]


def people() -> None:
    """The normaliser on names alone, against equal strings: how many true pairs the keys find and the score accepts."""
    if not (DATA / "febrl_dataset1.csv").exists():
        print(f"names: no public data sets at {DATA}, so nothing was measured")
        return
    from answerable.engines.linkage import names

    for title, rows in _people():
        rows = [(n, w) for n, w in rows if len(n.split()) > 1]
        blocks: dict[str, list[int]] = {}
        for i, (name, _who) in enumerate(rows):
            for key in names.keys(name):
                blocks.setdefault(key, []).append(i)
        of: dict[str, list[int]] = {}
        for i, (_name, who) in enumerate(rows):
            of.setdefault(who, []).append(i)
        true = {p for members in of.values() for p in combinations(members, 2)}
        asked = {p for members in blocks.values() if len(members) <= 400 for p in combinations(sorted(members), 2)}
        said = {p for p in asked if names.compare(rows[p[0]][0], rows[p[1]][0]).worth_a_look}
        equal = {p for p in true if rows[p[0]][0].casefold() == rows[p[1]][0].casefold()}
        print(f"{title}: {len(true)} true pairs; equal strings {len(equal) / len(true):.2f}, found by key {len(true & asked) / len(true):.2f}, "
              f"accepted {len(true & said) / len(true):.2f} with precision {len(true & said) / max(1, len(said)):.2f} (names alone)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["names", "batch", "filing"])
    parser.add_argument("--incidents", type=int, default=1_000_000)
    parser.add_argument("--reports", type=int, default=100_000)
    args = parser.parse_args()
    jobs: dict[str, Any] = {
        "names": people,
        "batch": lambda: batch(args.reports),
        "filing": lambda: filing(args.incidents),
    }
    for what in args.what:
        jobs[what]()


if __name__ == "__main__":
    main()
