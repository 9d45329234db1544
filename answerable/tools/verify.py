"""Check a record export offline. One file, Python's standard library and `cryptography`; copy it and read it.

    python verify.py FOLDER [--vkey KEY] [--json]

Exit status: 0 it holds, 1 it does not (the sentence says which file or entry), 2 it could not be read.

It is written apart from the program that makes exports, on purpose: two implementations have to agree.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class DoesNotHold(Exception):
    """Something in the export is not as it was signed."""


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


def read_vkey(text: str) -> tuple[str, bytes]:
    """(name, Ed25519 public key) of a verifier key line."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise DoesNotHold("log.vkey: not a verifier key")
    name, short, encoded = parts
    raw = strict_base64(encoded, "log.vkey")
    if len(raw) != 33 or raw[0] != 1:
        raise DoesNotHold("log.vkey: not an Ed25519 key")
    if sha(name.encode() + b"\n" + raw)[:4].hex() != short:
        raise DoesNotHold("log.vkey: name and key do not belong together")
    return name, raw[1:]


def read_checkpoint(data: bytes, name: str, key: bytes) -> tuple[str, int, bytes]:
    """(origin, size, root) after checking the signature and every byte of the note's form."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DoesNotHold("checkpoint: not text") from None
    lines = text.split("\n")
    if len(lines) != 6 or lines[3] or lines[5]:
        raise DoesNotHold("checkpoint: not three lines, a blank one and one signature")
    origin, size, root, _, signature, _ = lines
    head = f"\u2014 {name} "
    if not signature.startswith(head):
        raise DoesNotHold("checkpoint: signed by another name than the key's")
    blob = strict_base64(signature[len(head) :], "checkpoint signature")
    if blob[:4] != sha(name.encode() + b"\n\x01" + key)[:4]:
        raise DoesNotHold("checkpoint: signed by another key")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(blob[4:], f"{origin}\n{size}\n{root}\n".encode())
    except (InvalidSignature, ValueError):
        raise DoesNotHold("checkpoint: the signature does not hold") from None
    if not size.isdigit() or str(int(size)) != size or int(size) == 0:
        raise DoesNotHold("checkpoint: size is not a positive number")
    return origin, int(size), strict_base64(root, "checkpoint root")


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


def check_events(data: bytes, leaves: list[bytes]) -> tuple[int, list[int]]:
    """Every opened event gives its leaf, in order, and names the leaf of the event before it (R-AUD-1)."""
    if data and not data.endswith(b"\n"):
        raise DoesNotHold("events.jsonl: does not end with a line end")
    last = -1
    opened: list[int] = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        where = f"events.jsonl line {number}"
        try:
            row = json.loads(line)
            index, salt, event = row["index"], bytes.fromhex(row["salt"]), row["event"]
            inner = json.loads(event)
        except (ValueError, KeyError, TypeError):
            raise DoesNotHold(f"{where}: cannot be read") from None
        if not isinstance(inner, dict) or plain_json(row) != line or set(row) != {"index", "salt", "event"}:
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
        opened.append(index)
        last = index
    return len(opened), opened


def verify(folder: Path, vkey: str | None = None) -> dict[str, object]:
    """Check the whole folder. Returns what was found; raises DoesNotHold with the first thing that is wrong."""
    expected = {"checkpoint", "log.vkey", "events.jsonl", "manifest.json"}
    line = read(folder, "log.vkey")
    try:
        own = line.decode("ascii")
    except UnicodeDecodeError:
        raise DoesNotHold("log.vkey: not text") from None
    if not own.endswith("\n") or own.count("\n") != 1:
        raise DoesNotHold("log.vkey: not one line")
    own = own[:-1]
    if vkey is not None and vkey != own:
        raise DoesNotHold("log.vkey: not the key you gave")
    name, key = read_vkey(own)
    origin, size, root = read_checkpoint(read(folder, "checkpoint"), name, key)
    leaves = read_leaves(folder, size, expected)
    check_tree(folder, leaves, root, expected)
    count, _ = check_events(read(folder, "events.jsonl"), leaves)
    sums = {p: hashlib.sha256(read(folder, p)).hexdigest() for p in sorted(expected - {"checkpoint", "manifest.json"})}
    manifest = {"format": "answerable-record-export/1", "origin": origin, "size": size, "files": sums}
    if read(folder, "manifest.json") != plain_json(manifest) + b"\n":
        raise DoesNotHold("manifest.json: does not describe these files")
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir() or p.is_symlink()}
    if extra := sorted(present - expected):
        raise DoesNotHold(f"{extra[0]}: does not belong to the export")
    return {"origin": origin, "entries": size, "opened": count, "unopened": size - count, "key": own,
            "key_given": vkey is not None}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="verify", description="Check a record export offline.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vkey", help="the log's verifier key, as you were given it by another way")
    parser.add_argument("--json", action="store_true", help="answer for machines")
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        print(f"{args.folder} is not a folder. Give the folder that `answerable record export` wrote.", file=sys.stderr)
        return 2
    try:
        found = verify(args.folder, args.vkey)
    except DoesNotHold as wrong:
        print(json.dumps({"holds": False, "why": str(wrong)}) if args.json else f"Does not hold. {wrong}.")
        return 1
    except OSError as fault:
        print(f"Could not be read: {fault.strerror} ({fault.filename}).", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"holds": True, **found}))
        return 0
    print(f"Holds. {found['entries']} entries under the checkpoint of {found['origin']}.")
    print(f"{found['opened']} were opened and match; {found['unopened']} are padding, or their salt was shredded.")
    if not found["key_given"]:
        print(f"The key came with the export. Compare it with one you got another way: {found['key']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
