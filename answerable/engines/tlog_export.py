"""Writes a record export: a folder any delegation can check offline with tools/verify.py."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from answerable.engines import tlog

FORMAT = "answerable-record-export/1"


def write_export(
    folder: Path,
    *,
    leaves: Sequence[bytes],
    events: Iterable[tuple[int, bytes, bytes]],
    checkpoint: str,
    vkey: str,
    policy: str = "",
    shredded: Iterable[tuple[int, str]] | None = None,
) -> int:
    """Write checkpoint, key, tiles, opened events, policy if any, and manifest; returns how many events were opened.

    `shredded` are the events that nobody opens any more, each with the kind of what it was about (three letters); None
    in an export that opens nothing. What is in neither is padding.

    All or nothing: written beside the target and renamed. Raises ValueError when the target holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        files = tlog.tiles(leaves)
        files["log.vkey"] = f"{vkey}\n".encode()
        if policy:
            files["tlog-policy"] = policy.encode()
        opened = 0
        for path, content in files.items():
            target = work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        digest = hashlib.sha256()
        with (work / "events.jsonl").open("wb") as out:
            for index, salt, event in events:
                if index >= len(leaves):
                    break
                line = tlog.canonical({"index": index, "salt": salt.hex(), "event": event.decode()}) + b"\n"
                digest.update(line)
                out.write(line)
                opened += 1
        if shredded is not None:
            files["shredded.jsonl"] = b"".join(
                tlog.canonical({"index": index, "kind": kind}) + b"\n"
                for index, kind in shredded
                if index < len(leaves)
            )
            (work / "shredded.jsonl").write_bytes(files["shredded.jsonl"])
        sums = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        sums["events.jsonl"] = digest.hexdigest()
        origin = checkpoint.split("\n", 1)[0]
        manifest = {"format": FORMAT, "origin": origin, "size": len(leaves), "files": sums}
        (work / "manifest.json").write_bytes(tlog.canonical(manifest) + b"\n")
        (work / "checkpoint").write_bytes(checkpoint.encode())
        if folder.exists():
            folder.rmdir()
        os.chmod(work, 0o755)
        os.rename(work, folder)
        return opened
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def publish(
    folder: Path, *, leaves: Sequence[bytes], checkpoint: str, vkey: str, since: Iterable[int], policy: str
) -> int:
    """Put the newest checkpoint where witnesses read it: closed tiles, the log's key, a request from each size in `since`.

    The folder may hold what was published before. Tiles go first and the checkpoint last, each file in one step, so a
    witness that looks meanwhile sees the old record whole or the new one. Returns the number of requests.
    Raises ValueError when the folder holds the checkpoint of another log or of a larger record.
    """
    note = tlog.read_note(checkpoint)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    before = folder / "checkpoint"
    if before.exists():
        earlier = tlog.read_note(before.read_text(encoding="utf-8"))
        if (earlier.origin, earlier.size > note.size) != (note.origin, False):
            raise ValueError(f"{folder} holds {earlier.size} entries of {earlier.origin}")
    elif folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} holds other things")
    files = tlog.tiles(leaves)
    files["log.vkey"] = f"{vkey}\n".encode()
    if policy:
        files["tlog-policy"] = policy.encode()
    sizes = sorted({n for n in since if 0 < n <= note.size})
    files["requests/0"] = tlog.write_request(0, [], checkpoint).encode()
    for old in sizes:
        files[f"requests/{old}"] = tlog.write_request(old, tlog.consistency_proof(leaves, old), checkpoint).encode()
    for path, content in [*files.items(), ("checkpoint", checkpoint.encode())]:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.startswith("tile/") and target.is_file() and target.read_bytes() == content:
            continue
        beside = target.with_name(f".{target.name}.new")
        beside.write_bytes(content)
        os.replace(beside, target)
    return len(sizes) + 1
