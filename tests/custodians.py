"""A custodian's own machine: a folder with a home and a working folder, and the offline program run there as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from answerable.tools import custodian
from answerable.vault import primitives, userkeys

ROOT = Path(__file__).resolve().parents[1]


class Machine:
    """One officer's machine, and the seat on it. Only files that are put here get here."""

    def __init__(self, folder: Path, seat: str, private: bytes) -> None:
        self.folder, self.seat, self.said = folder, seat, ""
        for name in ("home", "work", "tmp"):
            (folder / name).mkdir(parents=True)
        self.work, self.words = folder / "work", folder / "home" / "words"
        self.words.touch(mode=0o600)
        self.words.write_text(f"only the one at {folder.name} knows these words\n")
        wrapped = userkeys.wrap_private(private, self.words.read_text().strip())
        custodian.write_seat(folder / "home" / "seat", seat, primitives.public_key(private), wrapped)

    @property
    def pub(self) -> bytes:
        return (self.folder / "home" / "seat" / "seat.pub").read_bytes()

    def run(self, *argv: object) -> int:
        """Run the program here, with nothing of this process's surroundings."""
        env = {"PATH": os.defpath, "HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "PYTHONPATH": str(ROOT),
               "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "answerable", "custodian", *map(str, argv)], cwd=self.work, env=env, capture_output=True,
            text=True, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
        self.said += done.stdout + done.stderr
        self.last = done.stderr
        return done.returncode

    def opens(self, command: str, *argv: object) -> int:
        """Run a command that opens this machine's seat."""
        return self.run(command, *argv, "--seat", "../home/seat", "--passphrase-file", "../home/words")

    def holds(self) -> bytes:
        """Every byte on this machine and every word the program said on it."""
        return self.said.encode() + b"".join(p.read_bytes() for p in self.folder.rglob("*") if p.is_file())


def answer(first: Machine, second: Machine, bundle: bytes, vkey: str, ref: str) -> bytes:
    """Two custodians open a request: the share goes by hand from one machine to the other."""
    for machine in (first, second):
        (machine.work / "request.json").write_bytes(bundle)
    (first.work / "other.pub").write_bytes(second.pub)
    asked = ("request.json", "--log-vkey", vkey, "--yes", ref)
    status = first.opens("share", *asked, "--with", second.seat, "--to", "other.pub", "--out", "share.json")
    assert status == 0, first.last
    (second.work / "share.json").write_bytes((first.work / "share.json").read_bytes())
    status = second.opens("combine", "request.json", "share.json", *asked[1:], "--out", "answer.json")
    assert status == 0, second.last
    return (second.work / "answer.json").read_bytes()
