"""Two officers on two machines open one field of one identity; one of them, or anyone else, opens nothing.

Each machine is a folder with a home, a working folder and a temporary folder of its own. The program runs there as a
process, and only files that are copied get from one machine to another.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from promises import compromise, keeps

from answerable.engines import tlog
from answerable.vault import identity, primitives, seal
from answerable.vault.bundles import opening, reading, seating

ROOT = Path(__file__).resolve().parents[2]
SIGNER = tlog.Ed25519Signer("alliance.example/record", bytes(range(32)))
CUSTODIAN, SAFEGUARDING, ADVOCATE = "vault custodian", "safeguarding officer", "survivors' advocate"
CANARIES = {name: f"canary{name.replace('_', '')}71c0de" for name in ("name", "safe_contact", "birth_name")}


class Machine:
    """One officer's machine, and the seat on it."""

    def __init__(self, folder: Path, seat: str) -> None:
        self.folder, self.seat = folder, seat
        for name in ("home", "work", "tmp"):
            (folder / name).mkdir(parents=True)
        words = folder / "home" / "words"
        words.touch(mode=0o600)
        words.write_text(f"only the one at {folder.name} knows these words\n")
        self.words, self.work, self.said = words, folder / "work", ""
        assert self.run("new-seat", "../home/seat", "--name", seat, "--passphrase-file", "../home/words") == 0

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

    def take(self, *files: Path) -> None:
        """Copy files onto this machine, as a stick would."""
        for file in files:
            shutil.copyfile(file, self.work / file.name)

    def public(self) -> bytes:
        return seating.open_seat_public((self.folder / "home" / "seat" / "seat.pub").read_bytes())[1]

    def private(self) -> bytes:
        """What a thief who has the machine and the passphrase has."""
        from answerable.tools import custodian

        return custodian.open_seat(self.folder / "home" / "seat", self.words).private

    def share(self, request, with_seat: str, pub: str, out: str = "share.json", ref: str = "IDR-1") -> int:
        return self.run("share", request, "--log-vkey", SIGNER.vkey(), "--seat", "../home/seat", "--with", with_seat, "--to", pub,
                        "--yes", ref, "--passphrase-file", "../home/words", "--out", out)  # fmt: skip

    def combine(self, request, share: str = "share.json", out: str = "answer.json", ref: str = "IDR-1") -> int:
        return self.run("combine", request, share, "--log-vkey", SIGNER.vkey(), "--seat", "../home/seat", "--yes", ref,
                        "--passphrase-file", "../home/words", "--out", out)  # fmt: skip

    def holds(self) -> bytes:
        """Every byte on this machine and every word the program said on it."""
        return self.said.encode() + b"".join(p.read_bytes() for p in self.folder.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def seats(tmp_path_factory):
    """Three machines, three seats; each holds the public keys of the others as `<machine>.pub`."""
    top = tmp_path_factory.mktemp("machines")
    machines = [Machine(top / folder, seat) for folder, seat in
                (("harbour", CUSTODIAN), ("care", SAFEGUARDING), ("advocate", ADVOCATE))]  # fmt: skip
    for one, other in itertools.permutations(machines, 2):
        shutil.copyfile(other.folder / "home" / "seat" / "seat.pub", one.work / f"{other.folder.name}.pub")
    return machines


@pytest.fixture(scope="module")
def caseworker():
    return seal.new_key_pair()


@pytest.fixture
def vault(tmp_path, seats, caseworker):
    """What the vault hands out: writes a request bundle."""
    public = [(m.seat, m.public()) for m in seats]

    def hand_out(name="request.json", **changed):
        now, claim = datetime.now(UTC), changed.get("subject", "CLM-1")
        said = {
            "node": "Harbour", "request": "IDR-1", "subject": claim, "fields": ["safe_contact"],
            "purpose": "arranging payment", "recipient": "PER-TOVE", "recipient_name": "Tove Caseworker", "recipient_key": caseworker[0],
            "requested_by": "Assistance office", "approved_by": "Protection office",
            "released_at": now - timedelta(minutes=5), "valid_until": now + timedelta(days=2), "break_glass": False,
            "block": identity.seal_identity(CANARIES, public, claim), "leaf_index": 4711, "leaf": bytes(32),
        } | changed  # fmt: skip
        (tmp_path / name).write_bytes(opening.build_request(SIGNER, **said))
        return tmp_path / name

    yield hand_out
    for machine in seats:
        for file in machine.work.glob("*.json"):
            file.unlink()
        (machine.folder / "home" / "seat" / "recipients.json").unlink(missing_ok=True)


def read(answer, private, recipient="PER-TOVE", request="IDR-1", subject="CLM-1"):
    return opening.open_answer(answer.read_bytes(), private, recipient, request=request, subject=subject)


@keeps(1)
def test_two_custodians_on_two_machines_open_one_field_of_one_identity_and_a_third_party_cannot(
    seats, vault, caseworker, tmp_path
):
    harbour, care, advocate = seats
    request = vault()
    for machine in seats:
        machine.take(request)
    assert harbour.run("show", "request.json", "--log-vkey", SIGNER.vkey()) == 0
    assert harbour.share("request.json", SAFEGUARDING, "care.pub") == 0, harbour.last
    care.take(harbour.work / "share.json")
    assert care.combine("request.json") == 0, care.last
    assert read(care.work / "answer.json", caseworker[1]) == {"safe_contact": CANARIES["safe_contact"]}

    # A third seat that intercepts the share; one that pairs it with its own; someone else's key to the answer.
    advocate.take(harbour.work / "share.json")
    assert advocate.combine("request.json") == 1 and "was made for" in advocate.last
    relabelled = json.loads((harbour.work / "share.json").read_bytes()) | {"to": ADVOCATE}
    (advocate.work / "share.json").write_bytes(tlog.canonical(relabelled))
    assert advocate.combine("request.json") == 1 and "does not open" in advocate.last
    assert advocate.share("request.json", SAFEGUARDING, "care.pub", "other.json") == 0
    care.take(advocate.work / "other.json")
    posing = json.loads((advocate.work / "other.json").read_bytes()) | {"from": CUSTODIAN}
    (care.work / "posing.json").write_bytes(tlog.canonical(posing))
    assert care.combine("request.json", "posing.json", "no.json") == 1
    for thief in (*(m.private() for m in seats), seal.new_key_pair()[1]):
        with pytest.raises(reading.BadBundle):
            read(care.work / "answer.json", thief)
    assert not (advocate.work / "answer.json").exists() and not (care.work / "no.json").exists()

    # Nowhere on any machine, nor in anything the program said, is a single word of the identity.
    for machine in seats:
        found = machine.holds()
        assert b"IDR-1" in found and not [c for c in CANARIES.values() if c.encode() in found]


@keeps(1)
@compromise("one custodian with laptop and passphrase", yields="one share of each identity", spares="any identity")
def test_one_custodian_alone_learns_nothing(seats, vault):
    harbour, care, advocate = seats
    request = vault()
    harbour.take(request)
    # Everything one seat can get out of the program: its halves for both pairs, sealed away from itself.
    assert harbour.share("request.json", SAFEGUARDING, "care.pub", "a.json") == 0
    assert harbour.share("request.json", ADVOCATE, "advocate.pub", "b.json") == 0
    for own in ("a.json", "b.json"):
        assert harbour.combine("request.json", own, "no.json") == 1
    # It may hand its half to a key of its own under the other's name, and still has one half of each pair only.
    fake = seating.seat_public(SAFEGUARDING, harbour.public())
    (harbour.work / "fake.pub").write_bytes(fake)
    assert harbour.share("request.json", SAFEGUARDING, "fake.pub", "c.json") == 0
    assert harbour.combine("request.json", "c.json", "no.json") == 1
    assert not (harbour.work / "no.json").exists()

    # And with its private key and any program it likes: its two halves, their sum and nothing are no key.
    block = opening.open_request(request.read_bytes(), SIGNER.vkey()).block
    private = harbour.private()
    mine = [identity.open_share(block, "CLM-1", CUSTODIAN, other, private) for other in (SAFEGUARDING, ADVOCATE)]
    both = bytes(a ^ b for a, b in zip(*mine, strict=True))
    for halves in itertools.product([*mine, both, bytes(32)], repeat=2):
        with pytest.raises(primitives.Unopenable):
            identity.combine(block, "CLM-1", *halves)
    for seat, other in itertools.permutations((SAFEGUARDING, ADVOCATE, CUSTODIAN), 2):
        if seat != CUSTODIAN:
            with pytest.raises(primitives.Unopenable):
                identity.open_share(block, "CLM-1", seat, other, private)
    assert not [c for c in CANARIES.values() if c.encode() in harbour.holds()]


def test_a_share_replayed_into_another_request_or_claim_is_refused(seats, vault):
    harbour, care, _ = seats
    block = opening.open_request(vault().read_bytes(), SIGNER.vkey()).block
    first = vault("first.json", block=block)
    # The same claim and the same shares, under the same number with another field, then under another number; then
    # another claim, once with its own block and once with the first one's moved there.
    wider = vault("wider.json", block=block, fields=["name", "safe_contact"])
    second = vault("second.json", block=block, request="IDR-2")
    other = vault("other.json", request="IDR-3", subject="CLM-2")
    harbour.take(first)
    care.take(first, wider, second, other)
    assert harbour.share("first.json", SAFEGUARDING, "care.pub") == 0
    care.take(harbour.work / "share.json")
    for name, ref in (("wider.json", "IDR-1"), ("second.json", "IDR-2"), ("other.json", "IDR-3")):
        assert care.combine(name, ref=ref) == 1 and "another request" in care.last
        assert not (care.work / "answer.json").exists()
    moved = vault("moved.json", subject="CLM-2", block=identity.IdentityBlock("CLM-2", block.sealed, block.shares))
    harbour.take(moved)
    assert harbour.share("moved.json", SAFEGUARDING, "care.pub", "moved-share.json") == 1
    assert care.combine("first.json") == 0  # where it belongs, it opens


def test_a_tampered_bundle_is_refused(seats, vault):
    """A sample by the program itself; every byte of each bundle is flipped in the vault's own tests."""
    harbour, care, _ = seats
    request = vault()
    care.take(request)
    harbour.take(request)
    assert harbour.share("request.json", SAFEGUARDING, "care.pub") == 0
    good = {"request.json": request.read_bytes(), "share.json": (harbour.work / "share.json").read_bytes()}
    for name, raw in good.items():
        for file, content in good.items():
            (care.work / file).write_bytes(content)
        for place in (0, len(raw) // 3, len(raw) // 2, len(raw) - 2):
            (care.work / name).write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
            assert care.combine("request.json") == 1 and "Traceback" not in care.last
            assert not (care.work / "answer.json").exists()
    for file, content in good.items():
        (care.work / file).write_bytes(content)
    assert care.combine("request.json") == 0


def test_an_expired_request_is_refused(seats, vault):
    harbour, _, _ = seats
    now = datetime.now(UTC)
    harbour.take(vault(released_at=now - timedelta(days=3), valid_until=now - timedelta(seconds=2)))
    assert harbour.share("request.json", SAFEGUARDING, "care.pub") == 1
    assert "valid until" in harbour.last and not (harbour.work / "share.json").exists()


def test_only_the_asked_fields_come_out(seats, vault, caseworker):
    harbour, care, _ = seats
    request = vault(fields=["birth_name", "telephone"])
    harbour.take(request)
    care.take(request)
    assert harbour.share("request.json", SAFEGUARDING, "care.pub") == 0
    care.take(harbour.work / "share.json")
    assert care.combine("request.json") == 0
    assert read(care.work / "answer.json", caseworker[1]) == {"birth_name": CANARIES["birth_name"]}


def test_after_a_handover_the_old_machine_opens_nothing(seats, vault, caseworker, tmp_path):
    harbour, care, advocate = seats
    heir = Machine(tmp_path / "heir", SAFEGUARDING)
    block = opening.open_request(vault().read_bytes(), SIGNER.vkey()).block
    challenge = bytes(range(32))
    head = seating.blocks_head(SAFEGUARDING, care.public(), challenge)
    (care.work / "blocks.json").write_bytes(head + seating.block_line(block))
    shutil.copyfile(heir.folder / "home" / "seat" / "seat.pub", care.work / "heir.pub")
    shutil.copyfile(heir.folder / "home" / "seat" / "seat.pub", harbour.work / "heir.pub")
    assert care.run("handover", "--seat", "../home/seat", "--to", "heir.pub", "--passphrase-file", "../home/words",
                    "blocks.json", "handed.json") == 0, care.last  # fmt: skip
    with (care.work / "handed.json").open("rb") as source:
        _, blocks = seating.open_handover(source, lambda _head: challenge)
        (new,) = blocks
    request = vault(block=new)
    for machine in (harbour, care, heir):
        machine.take(request)
    assert harbour.share("request.json", SAFEGUARDING, "heir.pub") == 0
    for machine, status in ((care, 1), (heir, 0)):
        machine.take(harbour.work / "share.json")
        assert machine.combine("request.json") == status
    assert care.share("request.json", CUSTODIAN, "harbour.pub", "old.json") == 1
    assert read(heir.work / "answer.json", caseworker[1]) == {"safe_contact": CANARIES["safe_contact"]}
