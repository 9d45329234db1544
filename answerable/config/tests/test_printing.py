"""What a command prints on a disk that is full: a sentence, and never success."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from answerable import cli

ROOT = Path(__file__).resolve().parents[3]
TABLE = "A,B,C,count\n1,0,0,50\n0,1,0,40\n0,0,1,30\n1,1,0,20\n1,0,1,15\n0,1,1,12\n1,1,1,5\n"


@pytest.mark.slow
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    "args", [["--help"], ["estimate", "--help"], ["estimate", "FILE"], ["estimate", "FILE", "--json"]]
)
def test_what_cannot_be_printed_is_said_in_a_sentence(args, buffered, tmp_path):
    file = tmp_path / "lists.csv"
    file.write_text(TABLE)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"} | (
        {} if buffered else {"PYTHONUNBUFFERED": "1"}
    )
    command = [sys.executable, "-m", "answerable", *(str(file) if a == "FILE" else a for a in args)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr == "What was to be printed could not be written to its end: No space left on device.\n"


def test_a_fault_of_another_file_stays_loud(monkeypatch):
    def no_room(_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "_run", no_room)
    before = sys.stdout
    with pytest.raises(OSError, match="No space left"):
        cli.main([])
    assert sys.stdout is before
