"""A log in memory and the people around it, for tests of witnesses and of the verifier."""

from __future__ import annotations

import hashlib
from pathlib import Path

from answerable.engines import tlog, tlog_export
from answerable.tools import witness

ORIGIN = "alliance.example/record"
SIGNER = tlog.Ed25519Signer(ORIGIN, bytes(range(32)))
NOON = 1_790_000_000


def leaves_of(n: int, tale: str = "") -> list[bytes]:
    """The first n leaf values of one telling of the record; another `tale` differs from entry 10 on."""
    return [hashlib.sha256(f"{tale if i >= 10 else ''}{i}".encode()).digest() for i in range(n)]


def checkpoint(n: int, tale: str = "", signer: tlog.Ed25519Signer = SIGNER, origin: str = ORIGIN) -> str:
    return tlog.sign_checkpoint(signer, origin=origin, size=n, root=tlog.root(leaves_of(n, tale)))


def publish(folder: Path, n: int, tale: str = "", since: tuple[int, ...] = (), policy: str = "") -> Path:
    """What the log publishes at n entries."""
    tlog_export.publish(
        folder,
        leaves=leaves_of(n, tale),
        checkpoint=checkpoint(n, tale),
        vkey=SIGNER.vkey(),
        since=since,
        policy=policy,
    )
    return folder


def cosigner(number: int, name: str = "") -> tlog.Cosigner:
    return tlog.Cosigner(name or f"w{number}.example", bytes([number]) * 32)


def cosigned(text: str, *cosigners: tlog.Cosigner, at: int = NOON) -> str:
    """The checkpoint with these witnesses' cosignatures."""
    return tlog.merge_cosignatures(text, [c.cosign(tlog.read_note(text).body, at) for c in cosigners])


def export(folder: Path, text: str, n: int, tale: str = "", policy: str = "") -> Path:
    """A closed export under this checkpoint."""
    tlog_export.write_export(
        folder, leaves=leaves_of(n, tale), events=[], checkpoint=text, vkey=SIGNER.vkey(), policy=policy
    )
    return folder


def policy_of(members: list[tlog.Cosigner], civil: list[tlog.Cosigner]) -> str:
    return tlog.default_policy(SIGNER.vkey(), [c.key for c in members], [c.key for c in civil])


class Witness:
    """One witness with a folder of their own; `looks` runs the program and returns its exit status."""

    def __init__(self, folder: Path, name: str = "witness.avenia.example") -> None:
        folder.mkdir()
        self.folder, self.key, self.state = folder, folder / "key", folder / "state"
        self.vkey = witness.new_key(name, self.key)

    def looks(self, source: Path, *more: str, how: str = "cosign") -> int:
        return witness.main([how, str(source), "--key", str(self.key), "--state", str(self.state), *more])

    def cosignature(self, n: int) -> Path:
        return self.folder / f"cosignature-{n}.txt"

    def seen(self) -> int:
        state = witness.read_state(self.state)
        return state.note.size if state else 0

    def evidence(self) -> list[Path]:
        return sorted(self.folder.glob("evidence-*.json"))
