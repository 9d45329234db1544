"""What the record costs: an action with and without its entry, and checking 100 thousand entries offline."""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scratch import alliance, seconds

from answerable.engines import tlog, tlog_export
from answerable.tools import verify

with alliance() as world:
    from datetime import date, timedelta

    from django.db import transaction

    from answerable.alliance import actions
    from answerable.alliance.models import Holiday

    ines = world["run"].person("ines")
    days = iter(date(2040, 1, 1) + timedelta(days=n) for n in range(10_000))
    full = statistics.median(seconds(lambda: actions.enter_holiday(next(days), "x", by=ines), 200))

    def bare() -> None:
        with transaction.atomic():
            Holiday.objects.create(day=next(days), name="x")

    plain = statistics.median(seconds(bare, 200))
print(
    f"one small action {full * 1000:.2f} ms, the same row alone {plain * 1000:.2f} ms: {full - plain:.5f} s for policy, lock, leaf and entry"
)
n, leaves, events, previous = 100_000, [], [], ""
for i in range(n):
    salt = hashlib.sha256(i.to_bytes(4, "big")).digest()
    event = tlog.canonical({"index": i, "action": "x", "subject": "CLM-0000", "prev": previous})
    leaves.append(tlog.leaf_commitment(salt, event))
    events.append((i, salt, event))
    previous = leaves[-1].hex()
signer = tlog.Ed25519Signer("bench", bytes(32))
folder = Path(tempfile.mkdtemp()) / "export"
t = time.perf_counter()
text = tlog.sign_checkpoint(signer, origin="bench", size=n, root=tlog.root(leaves))
tlog_export.write_export(folder, leaves=leaves, events=events, checkpoint=text, vkey=signer.vkey())
wrote = time.perf_counter() - t
t = time.perf_counter()
verify.verify(folder)
checked = time.perf_counter() - t
t = time.perf_counter()
for path in folder.rglob("*"):
    if path.is_file():
        hashlib.sha256(path.read_bytes()).digest()
floor = time.perf_counter() - t
print(
    f"100,000 entries: export {wrote:.2f} s, verify {checked:.2f} s ({n / checked:,.0f}/s), {checked / floor:.0f} times hashing the files once"
)
