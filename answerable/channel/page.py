"""The door's one small stylesheet and its few lines of script, put into each page, so that nothing else is fetched or kept.

The policy of the pages allows exactly these two texts, by their hash. No framework: settings read the hashes.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

PARTS = Path(__file__).with_name("parts")


@cache
def style() -> str:
    """The stylesheet."""
    return (PARTS / "door.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The script: leaving quickly, and nothing else."""
    return (PARTS / "door.js").read_text(encoding="utf-8")


def allowed(text: str) -> str:
    """The source expression under which a policy allows this very text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
