"""Check a record export offline. One file, Python's standard library and `cryptography`; copy it and read it.

    python verify.py FOLDER [--vkey KEY] [--policy FILE] [--since OLDFOLDER|CHECKPOINT] [--json]

--policy: enough witnesses must have cosigned (C2SP tlog-policy). --since: nothing you saw before was changed or taken
away. Exit status: 0 it holds, 1 it does not (the sentence says which file or entry), 2 it could not be read.

It is written apart from the program that makes exports, on purpose: two implementations have to agree.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# Kinds of references whose salts are destroyed when a survivor withdraws everything. Entries about anything else (votes,
# decisions, payments) never lose theirs.
SHREDDED_KINDS = (
    "ASM", "ATT", "CLM", "COR", "CTA", "EWE", "FIL", "INC", "ITM", "ITV", "MSG", "OPN", "PRF", "RED", "REF", "SCP", "THR", "WEI",
)  # fmt: skip
FUTURE = 86_400  # seconds by which a witness's clock may be ahead of ours
Keys = dict[str, tuple[str, bytes]]  # a witness's name in the policy → its key's name and public key


class DoesNotHold(Exception):
    """Something in the export is not as it was signed."""


class CannotRead(Exception):
    """What was given beside the export cannot be used."""


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def strict_base64(text: str, what: str) -> bytes:
    """Decode base64 and refuse any other spelling of the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise DoesNotHold(f"{what}: not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise DoesNotHold(f"{what}: base64 is not in its one proper spelling")
    return raw


def plain_json(value: object) -> bytes:
    """The one spelling of JSON that exports use."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_vkey(text: str, where: str = "log.vkey", kinds: tuple[int, ...] = (1,)) -> tuple[str, int, bytes]:
    """(name, type, public key) of a verifier key. Types: 1 a log's Ed25519, 4 a witness's, 6 a witness's ML-DSA-44."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise DoesNotHold(f"{where}: not a verifier key")
    name, short, encoded = parts
    raw = strict_base64(encoded, where)
    if not raw or raw[0] not in kinds or len(raw) != (1313 if raw[0] == 6 else 33):
        raise DoesNotHold(f"{where}: not a key of the right kind")
    if sha(name.encode() + b"\n" + raw)[:4].hex() != short:
        raise DoesNotHold(f"{where}: name and key do not belong together")
    return name, raw[0], raw[1:]


def read_lines(data: bytes) -> tuple[list[str], list[tuple[str, bytes]]]:
    """A signed note: its three lines, and each signature line as (name, blob). Checks every byte of the form."""
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise DoesNotHold("checkpoint: not text") from None
    if not 6 <= len(lines) <= 70 or lines[3] or lines[-1]:
        raise DoesNotHold("checkpoint: not three lines, a blank one and signatures")
    signatures = []
    for line in lines[4:-1]:
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014":
            raise DoesNotHold("checkpoint: a signature line does not read dash, name, signature")
        signatures.append((parts[1], strict_base64(parts[2], "checkpoint signature")))
    return lines[:3], signatures


def read_checkpoint(data: bytes, name: str, key: bytes) -> tuple[str, int, bytes]:
    """(origin, size, root) after checking the log's signature. Lines of other keys are left to `count_witnesses`."""
    (origin, size, root), signatures = read_lines(data)
    short = sha(name.encode() + b"\n\x01" + key)[:4]
    own = [blob for who, blob in signatures if who == name and blob[:4] == short]
    if not own:
        raise DoesNotHold("checkpoint: not signed by the log's key")
    try:
        for blob in own:
            Ed25519PublicKey.from_public_bytes(key).verify(blob[4:], f"{origin}\n{size}\n{root}\n".encode())
    except (InvalidSignature, ValueError):
        raise DoesNotHold("checkpoint: the signature does not hold") from None
    if origin != name:
        raise DoesNotHold(f"checkpoint: it is of {origin}, and the key is of {name}")
    if not size.isdigit() or not size.isascii() or len(size) > 18 or size[0] == "0":
        raise DoesNotHold("checkpoint: size is not a positive number")
    return origin, int(size), strict_base64(root, "checkpoint root")


def count_witnesses(data: bytes, known: Keys, now: float) -> tuple[dict[str, int], list[str]]:
    """(witness → when it cosigned, in POSIX seconds; sentences on what was not counted).

    A known key whose signature fails makes the checkpoint fall; an unknown key is ignored; a time more than a day
    ahead is not counted.
    """
    body, signatures = read_lines(data)
    text = "\n".join(body) + "\n"
    when: dict[str, int] = {}
    remarks = []
    for witness, (name, key) in known.items():
        short = sha(name.encode() + b"\n\x04" + key)[:4]
        for who, blob in signatures:
            if who != name or blob[:4] != short:
                continue
            at = int.from_bytes(blob[4:12], "big")
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(blob[12:], f"cosignature/v1\ntime {at}\n{text}".encode())
            except (InvalidSignature, ValueError):
                raise DoesNotHold(f"checkpoint: the cosignature of {witness} does not hold") from None
            if at > now + FUTURE:
                remarks.append(f"The cosignature of {witness} is dated in the future and was not counted.")
            else:
                when[witness] = max(at, when.get(witness, 0))
    return when, remarks


class Policy:
    """Who must have cosigned (C2SP tlog-policy): logs, witnesses, groups, and the quorum."""

    def __init__(self, text: str) -> None:
        self.logs: list[tuple[str, bytes]] = []
        self.witnesses: Keys = {}
        self.unchecked: list[str] = []  # witnesses whose kind of key this program cannot check: they never count
        self.groups: dict[str, tuple[int, list[str]]] = {}
        self.quorum = ""
        self._keys: dict[bytes, str] = {}
        self._members: set[str] = set()
        if any(ord(c) < 32 and c not in "\t\n" for c in text):
            raise CannotRead("it is not a policy: it holds control characters")
        for number, line in enumerate(text.split("\n"), 1):
            words = [w for w in line.replace("\t", " ").split(" ") if w]
            if words and not words[0].startswith("#"):
                try:
                    self._read(words[0], words[1:])
                except (CannotRead, DoesNotHold) as why:
                    raise CannotRead(f"line {number}: {why}") from None
        if not self.quorum:
            raise CannotRead("it has no quorum line, so it does not say who is enough")

    def _key(self, text: str, kinds: tuple[int, ...]) -> tuple[str, int, bytes]:
        name, kind, key = read_vkey(text, "key", kinds)
        if key in self._keys:
            raise CannotRead(f"the key of {name} was given before, as that of {self._keys[key]}; a key counts once")
        self._keys[key] = name
        return name, kind, key

    def _defined(self, name: str) -> bool:
        return name in self.witnesses or name in self.unchecked or name in self.groups

    def _read(self, word: str, rest: list[str]) -> None:
        if word in ("witness", "group") and rest and (rest[0] == "none" or self._defined(rest[0])):
            raise CannotRead(f"the name {rest[0]} is already taken")
        if word == "log" and len(rest) in (1, 2):
            name, _, key = self._key(rest[0], (1,))
            self.logs.append((name, key))
        elif word == "witness" and len(rest) in (2, 3):
            name, kind, key = self._key(rest[1], (4, 6))
            if kind == 4:
                self.witnesses[rest[0]] = (name, key)
            else:
                self.unchecked.append(rest[0])
        elif word == "group" and len(rest) >= 3:
            name, count, members = rest[0], rest[1], rest[2:]
            for member in members:
                if not self._defined(member):
                    raise CannotRead(f"{member} is not defined above")
                if member in self._members:
                    raise CannotRead(f"{member} is already a member of a group; it counts in one way only")
                self._members.add(member)
            count = {"any": "1", "all": str(len(members))}.get(count, count)
            if not (count.isascii() and count.isdigit() and len(count) < 10 and 1 <= int(count) <= len(members)):
                raise CannotRead(f"{rest[1]} of {len(members)} cannot be asked for")
            self.groups[name] = (int(count), members)
        elif word == "quorum" and len(rest) == 1 and not self.quorum:
            if rest[0] != "none" and not self._defined(rest[0]):
                raise CannotRead(f"{rest[0]} is not defined above")
            self.quorum = rest[0]
        else:
            raise CannotRead(f"“{word[:20]}” begins no line of a policy, or the line is too short or too long")

    def lacking(self, when: dict[str, int], name: str) -> list[str]:
        """Why `name` is not satisfied by those who cosigned, in words; nothing when it is."""
        if name in when or name == "none":
            return []
        if name not in self.groups:
            return [
                f"{name} has not cosigned" + (", or with a key this program cannot check" * (name in self.unchecked))
            ]
        needed, members = self.groups[name]
        missing = {m: self.lacking(when, m) for m in members}
        missing = {m: why for m, why in missing.items() if why}
        have = len(members) - len(missing)
        if have >= needed:
            return []
        said = [f"{name} needs {needed} of {len(members)} and has {have}, lacking {', '.join(missing)}"]
        return said + [sentence for m, why in missing.items() if m in self.groups for sentence in why]


def read_policy(path: Path) -> Policy:
    """The policy file. Raises CannotRead with the line that is wrong."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise CannotRead(f"{path} is not a policy: it is not text") from None
    try:
        return Policy(text)
    except CannotRead as why:
        raise CannotRead(f"The policy {path} cannot be used: {why}") from None


def check_since(old: Path, name: str, key: bytes, size: int, leaves: list[bytes], root: bytes) -> int:
    """That this record extends the one seen before (its folder or its checkpoint); returns how many it had then."""
    path = old / "checkpoint" if old.is_dir() else old
    if not path.is_file():
        raise CannotRead(f"{old} holds no earlier checkpoint")
    data = path.read_bytes()
    try:
        read_lines(data)
    except DoesNotHold:
        raise CannotRead(f"{path} is not a checkpoint, or it is cut off") from None
    try:
        _, before, old_root = read_checkpoint(data, name, key)
    except DoesNotHold as why:
        raise DoesNotHold(f"the earlier {why}; it is of another log, or it was changed") from None
    if before > size:
        raise DoesNotHold(f"rollback: {before} entries were recorded before, and here are {size}")
    if before == size and old_root != root:
        raise DoesNotHold(f"fork: the log signed two different records of {size} entries")
    if pair_up([sha(b"\x00" + leaf) for leaf in leaves[:before]]) != old_root:
        raise DoesNotHold(f"fork: the first {before} entries are not those that were recorded before")
    return before


def tile_path(level: str, n: int, width: int) -> str:
    """Where a tile lies: groups of three digits, `.p/W` when it is not full."""
    groups = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def read(folder: Path, path: str) -> bytes:
    """A file's bytes; a missing one is said by name."""
    file = folder / path
    if file.is_symlink() or not file.is_file():
        raise DoesNotHold(f"{path}: missing")
    return file.read_bytes()


def read_leaves(folder: Path, size: int, expected: set[str]) -> list[bytes]:
    """All leaf values from the bundles."""
    leaves: list[bytes] = []
    for n in range(-(-size // 256)):
        width = min(256, size - n * 256)
        path = tile_path("entries", n, width)
        expected.add(path)
        data = read(folder, path)
        if len(data) != width * 34:
            raise DoesNotHold(f"{path}: {len(data)} bytes where {width * 34} belong")
        for i in range(width):
            entry = data[i * 34 : i * 34 + 34]
            if entry[:2] != b"\x00\x20":
                raise DoesNotHold(f"{path}: entry {n * 256 + i} is not 32 bytes long")
            leaves.append(entry[2:])
    return leaves


def pair_up(hashes: list[bytes]) -> bytes:
    """Root of a list of subtree hashes (RFC 6962)."""
    while len(hashes) > 1:
        odd = [hashes[-1]] if len(hashes) % 2 else []
        hashes = [sha(b"\x01" + hashes[i] + hashes[i + 1]) for i in range(0, len(hashes) - 1, 2)] + odd
    return hashes[0]


def check_tree(folder: Path, leaves: list[bytes], root: bytes, expected: set[str]) -> None:
    """Recompute every hash tile and the root."""
    hashes = [sha(b"\x00" + leaf) for leaf in leaves]
    if pair_up(list(hashes)) != root:
        raise DoesNotHold("the entries do not give the root that was signed")
    level = 0
    while hashes:
        for n in range(-(-len(hashes) // 256)):
            chunk = hashes[n * 256 : n * 256 + 256]
            path = tile_path(str(level), n, len(chunk))
            expected.add(path)
            if read(folder, path) != b"".join(chunk):
                raise DoesNotHold(f"{path}: not the hashes of the entries")
        hashes = [pair_up(hashes[i : i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1


def check_events(data: bytes, leaves: list[bytes]) -> tuple[list[int], set[int], set[int]]:
    """Every opened event gives its leaf, in order of place and of time, and names the leaf of the event before it (R-AUD-1).

    Returns the opened entries, those that are shown to be events although nobody opens them, and those shown to be padding.
    """
    if data and not data.endswith(b"\n"):
        raise DoesNotHold("events.jsonl: does not end with a line end")
    last, at = -1, ""
    opened: list[int] = []
    closed, padding = set[int](), set[int]()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        where = f"events.jsonl line {number}"
        try:
            row = json.loads(line)
            index, salt, event = row["index"], bytes.fromhex(row["salt"]), row["event"]
            inner = json.loads(event)
            proper = plain_json(row)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DoesNotHold(f"{where}: cannot be read") from None
        if not isinstance(inner, dict) or proper != line or set(row) != {"index", "salt", "event"}:
            raise DoesNotHold(f"{where}: not written in the one proper way")
        if not isinstance(index, int) or index <= last or index >= len(leaves):
            raise DoesNotHold(f"{where}: entry {index} is out of order or outside the record")
        if sha(b"answerable-leaf/1" + salt + event.encode()) != leaves[index] or len(salt) != 32:
            raise DoesNotHold(f"{where}: entry {index} is not the one that was recorded")
        if inner.get("index") != index:
            raise DoesNotHold(f"{where}: entry {index} says it is entry {inner.get('index')}")
        previous = inner.get("prev", "")
        if opened and previous != leaves[opened[-1]].hex():
            between = [leaves[i].hex() for i in range(opened[-1] + 1, index)]
            if previous not in between:
                raise DoesNotHold(f"{where}: entry {index} does not follow the one before it")
        if not opened and index == 0 and previous:
            raise DoesNotHold(f"{where}: the first entry names one before it")
        # Between an event and the one it names there is nothing but padding.
        named = next((i for i in range(index - 1, last, -1) if leaves[i].hex() == previous), last)
        if not opened and previous and named < 0:
            raise DoesNotHold(f"{where}: entry {index} does not follow the one before it")
        padding |= set(range(named + 1, index))
        if named > last:
            closed.add(named)
        said = inner.get("at", at)
        if not isinstance(said, str) or said < at:
            raise DoesNotHold(f"{where}: entry {index} says it is of {said}, and one before it is of {at}")
        opened.append(index)
        last, at = index, said
    return opened, closed, padding


def check_shredded(
    data: bytes, leaves: list[bytes], opened: list[int], closed: set[int], padding: set[int]
) -> dict[str, int]:
    """How many events nobody opens any more, by the kind of what they were about, as the export says and the chain allows."""
    if data and not data.endswith(b"\n"):
        raise DoesNotHold("shredded.jsonl: does not end with a line end")
    last, kinds, known, seen = -1, dict[str, int](), set(opened), set[int]()
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        where = f"shredded.jsonl line {number}"
        try:
            row = json.loads(line)
            index, kind = row["index"], row["kind"]
            proper = plain_json(row)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise DoesNotHold(f"{where}: cannot be read") from None
        if proper != line or set(row) != {"index", "kind"} or type(index) is not int or not isinstance(kind, str):
            raise DoesNotHold(f"{where}: not written in the one proper way")
        if not last < index < len(leaves) or index in known or index in padding:
            raise DoesNotHold(f"{where}: entry {index} is out of order, was opened, or is padding")
        last = index
        seen.add(index)
        kinds[kind] = kinds.get(kind, 0) + 1
    if hidden := sorted(closed - seen):
        raise DoesNotHold(
            f"shredded.jsonl: entry {hidden[0]} is an event that nobody opens, and is passed off as padding"
        )
    if odd := sorted(set(kinds) - set(SHREDDED_KINDS)):
        told = ", ".join(f"{kinds[kind]} {kind}" for kind in odd)
        raise DoesNotHold(
            f"the salts of entries that are never shredded are gone, so they prove nothing any more: {told}"
        )
    return dict(sorted(kinds.items()))


def verify(
    folder: Path, vkey: str | None = None, policy: Policy | None = None, since: Path | None = None
) -> dict[str, object]:
    """Check the whole folder. Returns what was found; raises DoesNotHold with the first thing that is wrong."""
    expected = {"checkpoint", "log.vkey", "events.jsonl", "manifest.json"}
    for optional in ("tlog-policy", "shredded.jsonl"):
        if (folder / optional).exists():
            expected.add(optional)
    line = read(folder, "log.vkey")
    try:
        own = line.decode()
    except UnicodeDecodeError:
        raise DoesNotHold("log.vkey: not text") from None
    if not own.endswith("\n") or own.count("\n") != 1:
        raise DoesNotHold("log.vkey: not one line")
    own = own[:-1]
    if vkey is not None and vkey != own:
        raise DoesNotHold("log.vkey: not the key you gave")
    name, _, key = read_vkey(own)
    if policy is not None and policy.logs and (name, key) not in policy.logs:
        raise DoesNotHold("log.vkey: not a log of the policy you gave")
    checkpoint = read(folder, "checkpoint")
    origin, size, root = read_checkpoint(checkpoint, name, key)
    leaves = read_leaves(folder, size, expected)
    check_tree(folder, leaves, root, expected)
    opened, closed, padding = check_events(read(folder, "events.jsonl"), leaves)
    count = len(opened)
    lost = None
    if "shredded.jsonl" in expected:
        lost = check_shredded(read(folder, "shredded.jsonl"), leaves, opened, closed, padding)
    sums = {p: hashlib.sha256(read(folder, p)).hexdigest() for p in sorted(expected - {"checkpoint", "manifest.json"})}
    manifest = {"format": "answerable-record-export/1", "origin": origin, "size": size, "files": sums}
    if read(folder, "manifest.json") != plain_json(manifest) + b"\n":
        raise DoesNotHold("manifest.json: does not describe these files")
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir() or p.is_symlink()}
    if extra := sorted(present - expected):
        raise DoesNotHold(f"{extra[0]}: does not belong to the export")
    found: dict[str, object] = {
        "origin": origin, "entries": size, "opened": count, "unopened": size - count, "key": own,
        "key_given": vkey is not None or bool(policy and policy.logs), "policy_in_export": "tlog-policy" in expected,
    }  # fmt: skip
    if lost is not None:
        found["shredded"] = lost
        found["padding"] = size - count - sum(lost.values())
    if since is not None:
        found["entries_before"] = check_since(since, name, key, size, leaves, root)
    if policy is not None:
        when, remarks = count_witnesses(checkpoint, policy.witnesses, time.time())
        if lacking := policy.lacking(when, policy.quorum):
            raise DoesNotHold("; ".join(["not enough witnesses: " + lacking[0], *lacking[1:]]) + "".join(
                f". {r[:-1]}" for r in remarks))  # fmt: skip
        found["cosigned"] = {w: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for w, at in sorted(when.items())}
        found["remarks"] = remarks
    return found


def told_of(found: dict[str, object]) -> str:
    """The rest of the sentence on what was opened: padding and shredded salts, each by its number."""
    lost = found.get("shredded")
    if not isinstance(lost, dict):
        return f"; {found['unopened']} stay closed in this export, which does not say which of them are padding."
    kinds = ", ".join(f"{n} {kind}" for kind, n in lost.items())
    said = f"; {found['padding']} are padding."
    return said + (
        f" The salts of {sum(lost.values())} are shredded, about: {kinds} (as the export says)." if lost else
        " No salt is shredded."
    )  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="verify", description="Check a record export offline.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vkey", help="the log's verifier key, as you were given it by another way")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="who must have cosigned (C2SP tlog-policy)")
    parser.add_argument(
        "--since", type=Path, metavar="OLD", help="an earlier export or checkpoint that this one must extend"
    )
    parser.add_argument("--json", action="store_true", help="answer for machines")
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        print(f"{args.folder} is not a folder. Give the folder that `answerable record export` wrote.", file=sys.stderr)
        return 2
    try:
        found = verify(args.folder, args.vkey, read_policy(args.policy) if args.policy else None, args.since)
    except DoesNotHold as wrong:
        print(json.dumps({"holds": False, "why": str(wrong)}) if args.json else f"Does not hold. {wrong}.")
        return 1
    except CannotRead as why:
        print(f"{why}.", file=sys.stderr)
        return 2
    except OSError as fault:
        print(f"Could not be read: {fault.strerror} ({fault.filename}).", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"holds": True, **found}, ensure_ascii=False))
        return 0
    print(f"Holds. {found['entries']} entries under the checkpoint of {found['origin']}.")
    print(f"{found['opened']} were opened and match{told_of(found)}")
    if args.since:
        print(f"It begins with the {found['entries_before']} entries you saw before; none was changed or taken away.")
    cosigned = found.get("cosigned")
    if isinstance(cosigned, dict):
        print(
            f"Enough witnesses cosigned it: {', '.join(f'{w} ({at})' for w, at in cosigned.items()) or 'none is asked'}."
        )
        for remark in found["remarks"] if isinstance(found["remarks"], list) else []:
            print(remark)
    elif found["policy_in_export"]:
        print("A policy came with the export (tlog-policy). Compare it with yours, then: --policy FILE")
    if not found["key_given"]:
        print(f"The key came with the export. Compare it with one you got another way: {found['key']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
