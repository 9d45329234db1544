"""Check an evidence bundle offline. One file and Python's standard library; copy it and read it.

    python check.py [FOLDER] --record EXPORT

FOLDER is the bundle, unpacked; --record is an export of the alliance's record, in which each act of custody is an entry. The
custody statement is printed from lines that were compared with their entries. Exit status: 0 it holds, 1 it does not (the
sentence says what), 2 it could not be read, 3 it agrees with itself and no record was given, which proves nothing: whoever
hands you a bundle can make one that agrees with itself, and a check.py as well. So take this program and the export from the
alliance. `verify.py` says whether the export itself holds, and under which witnesses. Signatures of time stamps are checked
with OpenSSL where it is installed, under the roots that came with the bundle: compare their fingerprints with what the
authorities publish.
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
from typing import Any

LABEL = b"answerable-file/1"
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")  # id-ct-TSTInfo, RFC 3161
OTS = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08"  # version 1, SHA-256
LEAF = b"answerable-leaf/1"
# Action of an entry → act of custody. A file may also come with a report, under the entry that files it.
ACTS = {
    "evidence taken": "taken", "proof kept": "proof", "evidence checked": "checked", "evidence redacted": "redacted",
    "custody statement exported": "exported", "evidence transferred": "transferred",
}  # fmt: skip
FILED = ("report received", "reports filed from a delivery", "report corrected")
WHY = ("verification", "preservation", "panel", "court", "safety", "request")
WORDS = {
    "taken": "taken in", "proof": "proof added", "viewed": "looked at", "checked": "checked", "redacted": "redacted",
    "exported": "custody statement exported", "original": "original taken out of the vault", "transferred": "handed over",
}  # fmt: skip
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


def plain_json(value: object) -> bytes:
    """The one spelling of JSON that the record uses."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def told_by(event: dict[str, Any], about: str) -> dict[str, object]:
    """The line of custody that an entry of the record is, as far as it is one of `about`. Raises DoesNotHold."""
    detail, action = event["detail"], event["action"]
    act, subject, why = ACTS.get(action, ""), event["subject"], event["reason"]
    if action in FILED and about in detail.get("taken", {}):
        act, subject, why = "taken", about, "verification"
    elif action == "sealed field read":
        purpose = detail["purpose"]
        act, why = ("original", why) if why else ("viewed", purpose if purpose in WHY else "verification")
    elif act == "checked":
        subject, why = detail["proof"] or subject, "verification"
    if not act:
        raise DoesNotHold(f"Entry {event['index']} of the record is no act of custody of {about}")
    at = event["at"][:19] + "Z"
    return {"entry": event["index"], "at": at, "act": act, "about": subject, "roles": detail["roles"], "why": why}


def opened(line: dict[str, Any]) -> dict[str, Any]:
    """The event of a custody line, when it opens the line's leaf and says what the line says. Raises DoesNotHold."""
    where = f"Entry {line['entry']}"
    salt, text = bytes.fromhex(line["salt"]), line["event"]
    event: dict[str, Any] = json.loads(text)
    if len(salt) != 32 or hashlib.sha256(LEAF + salt + text.encode()).hexdigest() != line["leaf"]:
        raise DoesNotHold(f"{where}: event and salt do not open the leaf that the custody log names")
    for name, value in told_by(event, line["about"]).items():
        if line[name] != value:
            raise DoesNotHold(f"{where}: the custody log says {name} {line[name]}, and the record {value}")
    return event


def custody(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The opened event of each line of custody, in the record's order. Raises DoesNotHold."""
    lines, file = told["custody"], told["file"]
    mine = [c["act"] for c in lines if c["about"] == file]
    if not lines or [c["entry"] for c in lines] != sorted({c["entry"] for c in lines}) or mine.count("taken") != 1:
        raise DoesNotHold(
            "The custody log is not in the order of the record, or does not say when the file was taken in"
        )
    if "original" not in mine:
        raise DoesNotHold("The custody log does not say that the original left the vault")
    events = [opened(c) for c in lines]
    (taking,) = (e for e, c in zip(events, lines, strict=True) if c["act"] == "taken" and c["about"] == file)
    detail = taking["detail"]
    if (detail["commitment"] if taking["subject"] == file else detail["taken"][file]) != told["commitment"]:
        raise DoesNotHold(
            f"Entry {taking['index']}, of the taking, does not carry the commitment of this file: it is another"
        )
    for proof in told["proofs"]:
        if not any(
            c["act"] == "proof" and c["about"] == proof["file"].rsplit(".", 1)[0] and e["detail"]["file"] == file
            for c, e in zip(lines, events, strict=True)
        ):
            raise DoesNotHold(f"{proof['file']}: no line of custody says that it was kept with this file")
    made = [(e["detail"]["proof"], e["detail"]["found"]) for e in events
            if e["action"] == "evidence checked" and e["subject"] == file]  # fmt: skip
    if made != [(c["proof"], hashlib.sha256(plain_json(c["lines"])).hexdigest()) for c in told["checks"]]:
        raise DoesNotHold("The checks are not those that the record says were made")
    return events


def left_out(export: Path, told: dict[str, Any]) -> str:
    """A sentence on whether an act of custody of this file is missing from the log. Raises DoesNotHold."""
    opened_events, known = export / "events.jsonl", {c["entry"] for c in told["custody"]}
    if not opened_events.is_file() or not opened_events.stat().st_size:
        return "That export opens no entry, so whether a line of custody was left out was not checked"
    for row in opened_events.read_text(encoding="utf-8").splitlines():
        event = json.loads(json.loads(row)["event"])
        detail = event["detail"]
        about = {event["subject"], detail.get("file"), detail.get("of")}
        custodial = event["action"] in ACTS or event["action"] == "sealed field read"
        if custodial and told["file"] in about and event["index"] not in known:
            raise DoesNotHold(
                f"Entry {event['index']} is an act of custody of this file, and the custody log leaves it out"
            )
    return "No act of custody of this file that the export opens is left out"


def check(folder: Path, record: Path | None = None) -> list[str]:
    """Sentences on what holds. Raises DoesNotHold, and OSError, KeyError or ValueError for what is no bundle."""
    told = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    original = folder / told["original"]
    content = original.read_bytes()
    belongs = {"bundle.json", "check.py", "roots.pem", told["original"], *(p["file"] for p in told["proofs"])}
    for other in sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in belongs):
        raise DoesNotHold(f"{other}: it does not belong to the bundle, and nothing here says who wrote it")
    if hashlib.sha256(content).hexdigest() != told["sha256"] or len(content) != told["size"]:
        raise DoesNotHold(f"{original.name}: it is not the file that was taken in")
    if hashlib.sha256(LABEL + bytes.fromhex(told["salt"]) + content).hexdigest() != told["commitment"]:
        raise DoesNotHold("The file and the salt do not open the commitment that stands in the record")
    events, lines = custody(told), told["custody"]
    said = []
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
    if record is None:
        return [
            *said,
            "Nothing was compared with the record. File, salt, commitment and custody agree with one another, and whoever "
            "handed you this bundle could have written all of them, a changed file included. Ask the alliance for an export of "
            "its record and give it with --record",
        ]
    leaves = recorded(record)
    for c in lines:
        if c["entry"] >= len(leaves) or leaves[c["entry"]].hex() != c["leaf"]:
            raise DoesNotHold(f"Entry {c['entry']} of the record is not the one that the custody log names")
    missing = left_out(record, told)
    taken = next(
        e["index"] for e, c in zip(events, lines, strict=True) if c["act"] == "taken" and c["about"] == told["file"]
    )
    return [
        f"{original.name}: its SHA-256 is that at capture, {told['sha256']}",
        f"The salt opens the commitment that stands in entry {taken} of the record, in which the file was taken in",
        *said,
        "Its name is what whoever sent it called it; the record does not hold it",
        f"Custody, {len(lines)} lines, each opened and found as an entry of the record in {record.name}:",
        *(f"  {c['at'][:10]} {c['at'][11:16]} UTC  {WORDS[c['act']]}  {c['about']}  "
          f"{c['roles'].replace('_', ' ').replace(',', ', ') or 'no role'}  {c['why']}  entry {c['entry']}" for c in lines),
        missing,
    ]  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print what holds, or what does not."""
    parser = argparse.ArgumentParser(description="Check an evidence bundle offline.")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parent))
    parser.add_argument("--record", type=Path)
    given = parser.parse_args(arguments)
    try:
        for line in check(Path(given.folder), given.record):
            print(line if line.endswith(":") or line.startswith("  ") else line + ".")
    except DoesNotHold as no:
        print(f"It does not hold. {no}.")
        return 1
    except (OSError, KeyError, ValueError, IndexError, TypeError, StopIteration, AttributeError) as no:
        print(f"It could not be read: {no}.")
        return 2
    if given.record is None:
        print("It agrees with itself, and that alone proves nothing.")
        return 3
    print("It holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
