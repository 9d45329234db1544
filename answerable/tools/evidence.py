"""Check an evidence bundle offline. One file and Python's standard library; copy it and read it.

    python check.py [FOLDER] [--record EXPORT]

FOLDER is the bundle, unpacked; --record is an export of the alliance's record, in which each act of custody is an entry.
Exit status: 0 it holds, 1 it does not (the sentence says what), 2 it could not be read. Signatures of time stamps are checked
with OpenSSL where it is installed, under the roots that came with the bundle: compare their fingerprints with what the
authorities publish, and have whoever you trust compare the record with its witnesses (`verify.py` beside it).
"""

from __future__ import annotations

import argparse
import calendar
import hashlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

LABEL = b"answerable-file/1"
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo, RFC 3161
OTS = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"  # version 1, SHA-256
HASHES = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}


class DoesNotHold(Exception):
    """Something in the bundle is not what it says."""


def element(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content begins, where it ends) of the DER element at a place."""
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        n = length & 0x7F
        length, at = int.from_bytes(data[at : at + n], "big"), at + n
    if at + length > len(data):
        raise ValueError("cut")
    return tag, at, at + length


def stamped(token: bytes) -> tuple[str, bytes, int]:
    """(name of the hash, the hash, when in POSIX seconds) that a time stamp is about. Its signature is not looked at here."""
    at = token.index(TST_INFO) + len(TST_INFO)
    _tag, at, _end = element(token, at)  # [0]
    _tag, at, _end = element(token, at)  # OCTET STRING
    _tag, at, end = element(token, at)  # TSTInfo
    parts = []
    while at < end:
        tag, start, stop = element(token, at)
        parts.append((tag, start, stop))
        at = stop
    _tag, imprint, _end = parts[2]
    _tag, algorithm, algorithm_end = element(token, imprint)
    _tag, start, stop = element(token, algorithm)
    name = HASHES.get(token[start:stop].hex(), "unknown")
    _tag, digest, digest_end = element(token, algorithm_end)
    when = next(token[a:b].decode("ascii") for tag, a, b in parts if tag == 0x18)
    return name, token[digest:digest_end], calendar.timegm(time.strptime(when[:14], "%Y%m%d%H%M%S"))


def signed(token: Path, original: Path, roots: Path, at: int) -> str:
    """A sentence on the signature of a time stamp. Raises DoesNotHold."""
    openssl = shutil.which("openssl")
    if openssl is None or not roots.exists():
        return "its signature was not checked, for want of OpenSSL or of a root"
    command = [
        openssl,
        "ts",
        "-verify",
        "-data",
        str(original),
        "-in",
        str(token),
        "-CAfile",
        str(roots),
        "-attime",
        str(at),
    ]
    # A whole response, or the bare token of one.
    said = [subprocess.run([*command, *more], capture_output=True, check=False) for more in ((), ("-token_in",))]
    if not any(s.returncode == 0 for s in said):
        raise DoesNotHold(f"{token.name}: its signature does not hold under any root in {roots.name}")
    return f"its signature holds under a root in {roots.name}"


def recorded(export: Path) -> list[bytes]:
    """Leaves of an export of the record (C2SP tlog-tiles), in order. `verify.py` says whether that export itself holds."""
    leaves: list[bytes] = []
    while True:
        n, name = len(leaves) // 256, ""
        name = f"{n % 1000:03}"
        while n >= 1000:
            n //= 1000
            name = f"x{n % 1000:03}/{name}"
        path = export / "tile" / "entries" / name
        partial = sorted(path.parent.glob(f"{path.name}.p/*"), key=lambda p: int(p.name))
        found = path if path.is_file() else partial[-1] if partial else None
        if found is None:
            return leaves
        data, at = found.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 2], "big")
            leaves.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        if found is not path:
            return leaves


def check(folder: Path, record: Path | None = None) -> list[str]:
    """Sentences on what holds. Raises DoesNotHold, and OSError, KeyError or ValueError for what is no bundle."""
    told = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    original = folder / told["original"]
    content = original.read_bytes()
    if hashlib.sha256(content).hexdigest() != told["sha256"]:
        raise DoesNotHold(f"{original.name}: it is not the file that was taken in")
    said = [f"{original.name}: its SHA-256 is that at capture"]
    if hashlib.sha256(LABEL + bytes.fromhex(told["salt"]) + content).hexdigest() != told["commitment"]:
        raise DoesNotHold("The file and the salt do not open the commitment that stands in the record")
    said.append("The salt opens the commitment that stands in the record since the file was taken in")
    for proof in told["proofs"]:
        path = folder / proof["file"]
        token = path.read_bytes()
        if proof["kind"] == "ots":
            if not token.startswith(OTS + hashlib.sha256(content).digest()):
                raise DoesNotHold(f"{path.name}: it is not about this file")
            said.append(f"{path.name}: it begins with this file; its calendar and block need a network")
            continue
        name, digest, at = stamped(token)
        if name == "unknown":
            said.append(f"{path.name}: it uses a hash that this program does not know, so it was not checked")
            continue
        if hashlib.new(name, content).digest() != digest:
            raise DoesNotHold(f"{path.name}: it is not about this file")
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
        said.append(f"{path.name}: about this file, at {when} UTC; {signed(path, original, folder / 'roots.pem', at)}")
    lines = told["custody"]
    taken = [c for c in lines if c["act"] == "taken" and c["about"] == told["file"]]
    if not lines or [c["entry"] for c in lines] != sorted({c["entry"] for c in lines}) or len(taken) != 1:
        raise DoesNotHold(
            "The custody log is not in the order of the record, or does not say when the file was taken in"
        )
    if record is None:
        said.append(
            f"{len(lines)} lines of custody, each with its entry in the record; they were not compared with a record"
        )
        return said
    leaves = recorded(record)
    for c in lines:
        if c["entry"] >= len(leaves) or leaves[c["entry"]].hex() != c["leaf"]:
            raise DoesNotHold(f"Entry {c['entry']} of the record is not the one that the custody log names")
    said.append(f"{len(lines)} lines of custody, each an entry of the record as it stands in {record.name}")
    return said


def main(arguments: list[str] | None = None) -> int:
    """Print what holds, or what does not."""
    parser = argparse.ArgumentParser(description="Check an evidence bundle offline.")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parent))
    parser.add_argument("--record", type=Path)
    given = parser.parse_args(arguments)
    try:
        for line in check(Path(given.folder), given.record):
            print(line + ".")
    except DoesNotHold as no:
        print(f"It does not hold. {no}.")
        return 1
    except (OSError, KeyError, ValueError, IndexError, TypeError, StopIteration) as no:
        print(f"It could not be read: {no}.")
        return 2
    print("It holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
