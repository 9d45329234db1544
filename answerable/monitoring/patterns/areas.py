"""When two names of an area are one for the tests of §1.4: compared by a key, shown as they were written.

Decision 0028: what may be one area is counted as one, so that no way of spelling makes a pattern.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from answerable.engines.linkage import names

LONGEST = 200
_READ = frozenset({"latin", "cyrillic", "arabic", "greek", ""})


@cache
def _kinds() -> frozenset[str]:
    with (Path(__file__).parent.parent / "tables" / "area_words.toml").open("rb") as f:
        return frozenset(w for word in tomllib.load(f)["words"] for w in _folded(word))


def _folded(name: str) -> list[str]:
    """Its words: one case, one width, without punctuation or what is not seen, in Latin letters where the script is read."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    # A number is one number in any script's figures, with or without noughts before it.
    figures = "".join(c if (n := unicodedata.decimal(c, None)) is None else str(n) for c in text)
    text = re.sub(r"(?<![0-9])0+(?=[0-9])", "", figures)
    plain = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text)
    if all(names.script(c) in _READ for c in plain):
        plain = names.fold(text) or plain
    return plain.split()


@lru_cache(maxsize=65_536)
def key(name: str) -> str:
    """What two spellings of one area share; "" for an area that is not named."""
    words = _folded(name)
    said = " ".join([w for w in words if w not in _kinds()] or words)
    # "White Well" and "Whitewell" are one; 1-1 and 11 are two.
    return re.sub(r"(?<!\d) | (?!\d)", "", said)[:LONGEST]
