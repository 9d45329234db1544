"""The door's one small stylesheet and its few lines of script, put into each page, so that nothing else is fetched or kept.

The policy of the pages allows exactly these two texts, by their hash. No framework: settings read the hashes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path

PARTS = Path(__file__).with_name("parts")
VENDORED = PARTS.parents[1] / "web" / "static" / "web" / "vendor" / "seal.js"


@cache
def style() -> str:
    """The stylesheet."""
    return (PARTS / "door.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The script: leaving quickly, and nothing else."""
    return (PARTS / "door.js").read_text(encoding="utf-8")


@cache
def module() -> bytes:
    """The module that seals (web/js/seal.js, built) with the few lines that seal a form before it is sent.

    One file, the same for everyone, on pages where something is written; the pages themselves name nobody.
    """
    return VENDORED.read_bytes() + b"\n" + (PARTS / "sealing.js").read_bytes()


@cache
def packed_module() -> bytes:
    """The same, packed: a third of it passes over the line."""
    return gzip.compress(module(), 9, mtime=0)


@cache
def integrity() -> str:
    """What a page says the module must be, so that half of it, or another, is not run."""
    return "sha384-" + base64.b64encode(hashlib.sha384(module()).digest()).decode()


@cache
def kit_script() -> bytes:
    """The field kit's script, with the module that seals in front: one file, so that both are on the device or neither."""
    return VENDORED.read_bytes() + b"\n" + (PARTS / "kit.js").read_bytes()


@cache
def kit_worker() -> bytes:
    """What answers for the field kit's page where there is no line."""
    return (PARTS / "kit-worker.js").read_bytes()


def allowed(text: str) -> str:
    """The source expression under which a policy allows this very text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
