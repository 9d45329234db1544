"""Scenario files are refused by line before anything runs; the shipped ones run to the digit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from answerable.common.errors import Refused
from answerable.rehearsal import runner, scenario

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
GOOD = """scenario: x
fixture: ALLIANCE-15
clock: 2031-01-10T09:00Z
steps:
  - {as: sami, do: open_situation, with: {name: Zandria, state: ZND}, save: z}
  - {check: status, of: $z, is: WATCHED}
"""


def read(tmp_path, text):
    file = tmp_path / "s.yaml"
    file.write_text(text)
    return scenario.read(file, verbs=runner.verbs(), checks=runner.CHECKS, people=runner.people())


def test_a_good_file_is_read(tmp_path):
    assert len(read(tmp_path, GOOD).steps) == 2


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("open_situation", "open_situaton", "line 5: there is no step “open_situaton”. Did you mean open_situation?"),
        ("as: sami", "as: samy", "line 5: nobody is called “samy”. Did you mean sami?"),
        ("check: status", "check: statis", "line 6: there is no check “statis”. Did you mean status?"),
        ("of: $z", "of: $y", "line 6: $y has not been saved"), ("ALLIANCE-15", "ALLIANCE-99", "fixture “ALLIANCE-99” is unknown"),
        (", is: WATCHED", "", "line 6: a check says what it expects"), ("2031-01-10T09:00Z", "soon", "is not a time"),
        ("save: z}", "save: z, colour: red}", "“colour” does not belong"), ("  - {as", "  - [{as", "this is not YAML"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_line(tmp_path, old, new, words):
    with pytest.raises(Refused) as no:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert words in str(no.value)


def rehearse(*args):
    return subprocess.run([sys.executable, "-m", "answerable", "rehearse", *args], capture_output=True, text=True, cwd=ROOT,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip


@pytest.mark.parametrize(("name", "least"), [("S1", 45), ("S3", 28), ("S3-I8", 13), ("S9", 23), ("demonstration", 20)])
def test_shipped_scenarios_pass(name, least):
    done = rehearse(name, "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0 and answer["failed"] == 0 and answer["passed"] >= least and not answer["stopped"]


def test_a_wrong_expectation_fails_and_says_what_it_saw(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(GOOD.replace("is: WATCHED", "is: CLOSED"))
    done = rehearse(str(file))
    assert done.returncode == 1 and "expected 'CLOSED', saw 'WATCHED'" in done.stdout


def test_unknown_names_exit_with_two():
    done = rehearse("S99")
    assert done.returncode == 2 and "There is no scenario" in done.stderr and "Traceback" not in done.stderr
