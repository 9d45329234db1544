"""A rule changed by one makes a rehearsal fail: the scenarios hold the numbers, not only the happy path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from answerable.monitoring import rules as known
from answerable.monitoring.patterns import rules
{change}
from answerable.cli import main
sys.exit(main(["rehearse", sys.argv[1]]))
"""
MUTANTS = {
    "none": ("S4", ""),
    "two incidents make a pattern": ("S1", "rules.PATTERN_INCIDENTS = 2"),
    "twenty-six victims are widespread": ("S1", "rules.WIDESPREAD_VICTIMS = 26"),
    "twenty-two victims are widespread": ("S4", "rules.WIDESPREAD_VICTIMS = 22"),
    "four are a base set": ("S1", "rules.V3D_BASE = known.V3D_BASE = 4"),
    "a window is thirteen months": ("S4", "rules.WINDOW_MONTHS = 13"),
    "one root is enough": ("S4", "known.root_sets = lambda items: {i.ref: frozenset({i.ref}) for i in items}"),
    "one indicator is a system": ("S1", "rules.SYSTEMATIC_INDICATORS = 1"),
    "a base set lifts nothing that was concluded": ("S1", "known.Ceiling.lifts = property(lambda self: False)"),
    "P2 begins at twenty-eight": ("S1", "rules.PREVALENCE = (('P3', 1000), ('P2', 28), ('P1', 1))"),
}


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutated_rule_fails_the_rehearsal(name):
    scenario, change = MUTANTS[name]
    done = subprocess.run([sys.executable, "-c", RUN.format(change=change), scenario], capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    assert ("FAILED" in done.stdout or "STOPPED" in done.stderr, done.returncode) == (bool(change), 1 if change else 0)
