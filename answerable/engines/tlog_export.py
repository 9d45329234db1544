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
) -> int:
    """Write checkpoint, key, tiles, opened events and manifest; returns how many events were opened.

    All or nothing: written beside the target and renamed. Raises ValueError when the target holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not an empty folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        files = tlog.tiles(leaves)
        files["log.vkey"] = f"{vkey}\n".encode()
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
