"""Bringing in reports against a bare COPY of the same rows: coded rows alone, and with one sealed narrative each.

The vault runs as `make run` starts it, behind its socket; every row goes through the one check, texts are sealed under a
key each, and the whole is kept by the one act with its record entry. Limits: coded rows at least a twentieth of the bare
COPY; at least 3,000 rows a second with one sealed narrative each. BENCH_ROWS sets how many rows (100,000).
"""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["ANSWERABLE_VAULT_SOCKETS"] = tempfile.mkdtemp(prefix="bench-vault-")
from scratch import alliance

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
CODED = ["situation", "party", "referral_offered", "searched_first", "when", "area1", "actor_types", "forms", "links", "victims", "risk",
         "settings", "submission_id"]  # fmt: skip


def made(situation: str, party: str, *, told: bool) -> io.BytesIO:
    """A CSV of so many rows, one in 333 of them bad."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*CODED, "link_reason", "narrative"] if told else CODED)
    for i in range(ROWS):
        day = "2025-02-30" if i % 333 == 332 else f"2025-{1 + i % 12:02}-{1 + i % 28:02}"
        row = [situation, party, "yes", "yes", day, f"Area {i % 40}", "ACT-STF", "SV-RAPE SV-SLAV", "LK-PERP LK-GEOG", 1 + i % 9, "high",
               "ST-DETF ST-CHKP", f"{told}-{i}"]  # fmt: skip
        writer.writerow([*row, "they wore the badges of the unit", f"{i} what was told " + "x" * 180] if told else row)
    return io.BytesIO(out.getvalue().encode())


def main() -> None:
    """Print the ratios."""
    with alliance() as world:
        from django.conf import settings
        from django.db import connection

        from answerable.common import clock
        from answerable.monitoring.intake.actions import delivering
        from answerable.monitoring.intake.staging import arrival, layout, stretches
        from answerable.vault import client

        settings.INTAKE = Path(tempfile.mkdtemp(prefix="bench-intake-"))
        run = world["run"]
        sami, situation, party = run.person("sami"), run.fresh("$zandria"), run.fresh("$brigade")
        clock.unfix()
        env = {**os.environ, "ANSWERABLE_DOOR": "vault"}
        env.pop("DJANGO_SETTINGS_MODULE")
        server = subprocess.Popen([sys.executable, "-m", "answerable", "vault", "serve"], env=env)
        try:
            settings.VAULT_TRANSPORT = "socket"
            assert client.answers("office", wait=60)
            rates = {}
            for told in (False, True):
                source = made(situation.ref, party.ref, told=told)
                t = time.perf_counter()
                arriving = arrival.arrive(source)
                staged = arrival.stage(arriving, "reports.csv", by=sami)
                stretches.begin(staged, staged.state.mapping, None)
                arrived = time.perf_counter()
                stretches.advance(staged, by=sami)
                checked = time.perf_counter()
                raw = (staged.home / "rows").read_bytes() if not told else b""
                again = time.perf_counter()
                batch = delivering.bring_in_reports(staged, by=sami)
                end = time.perf_counter()
                took = end - t - (again - checked)
                assert batch.kept + batch.bad == ROWS and batch.bad == ROWS // 333
                rates[told] = batch.kept / took
                print(f"{'with a sealed narrative' if told else 'coded rows'}: arriving {arrived - t:.1f} s, checked and sealed "
                      f"{checked - arrived:.1f} s, kept {end - again:.1f} s; {rates[told]:,.0f} rows a second")  # fmt: skip
                if not told:
                    with connection.cursor() as c:
                        # The same rows through COPY, into a table with the same indexes and no row-level security.
                        names = ", ".join(layout.COLUMNS)
                        c.execute("RESET ROLE")
                        c.execute("CREATE TABLE bare (LIKE monitoring_draft INCLUDING ALL)")
                        t = time.perf_counter()
                        with c.copy(f"COPY bare ({names}) FROM STDIN") as copy:
                            copy.write(raw)
                        bare = batch.kept / (time.perf_counter() - t)
                        c.execute("SET ROLE answerable_office")
            print(f"bare COPY {bare:,.0f} rows a second; coded rows 1/{bare / rates[False]:.1f} of it (limit 1/20)")
            print(f"one sealed narrative each {rates[True]:,.0f} rows a second (limit 3,000)")
        finally:
            server.terminate()
            server.wait(20)


main()
