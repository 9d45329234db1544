"""SVAC import against pandas reading the same file. `python bench/svac_import.py [FILE]`; without a file, one is made."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scratch import alliance, seconds


def made() -> Path:
    """10,000 rows shaped like SVAC 3.2."""
    head = "year,conflictid,actor,actorid,actor_type,location,gwnoloc,state_prev,ai_prev,hrw_prev,child_prev,form"
    rows = [
        f"{1989 + i % 20},{i // 60},Actor {i % 60},{i % 60},{1 + i % 6},Place,{630 + i // 60},{i % 4},-99,0,0,-99"
        for i in range(10_000)
    ]
    file = Path(tempfile.mkdtemp()) / "svac.csv"
    file.write_text("\n".join([head, *rows]))
    return file


file = Path(sys.argv[1]) if len(sys.argv) > 1 else made()
with alliance() as world:
    import pandas

    from answerable.monitoring import actions, svac

    sami = world["run"].person("sami")
    t = time.perf_counter()
    actions.import_svac(svac.read(file), file.name, by=sami)
    ours = time.perf_counter() - t
    reader = pandas.read_excel if file.suffix == ".xlsx" else pandas.read_csv
    theirs = min(seconds(lambda: reader(file), 5))
    only = min(seconds(lambda: svac.read(file), 3))
print(f"pandas reads {theirs:.3f} s; our reader with every check {only:.3f} s, ratio {only / theirs:.1f}")
print(f"read, checked, planned and stored in one transaction {ours:.3f} s, ratio {ours / theirs:.1f}")
