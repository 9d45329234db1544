"""Names in several scripts: folded to Latin sounds, reduced to consonants, compared word by word with the reason.

"محمد", "Мухаммад", "Mohamed" and "Muhammad" share the consonants m-h-m-d. The skeleton finds candidates; how alike the
words are in full, and which words stay without a partner, gives the score. Nothing here says that two people are one.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from rigour.text.distance import jaro_winkler
from rigour.text.scripts import is_latin, is_modern_alphabet

VOWELS = frozenset("aeiou")
# A word that nothing answers weighs less than one that disagrees: lists leave out fathers' and family names.
UNANSWERED = 0.35
LIGHT = 0.2
# Two words with the same consonants are at least this alike, however differently their vowels are written.
SAME_CONSONANTS = 0.9
ALIKE = 0.86
# Above this a person should look; measured on published lists in bench/linking.py.
WORTH_A_LOOK = 0.8


@cache
def _tables() -> dict[str, Any]:
    with (Path(__file__).parent / "tables" / "letters.toml").open("rb") as f:
        return tomllib.load(f)


@cache
def _letters() -> dict[str, str]:
    tables = _tables()
    return {**tables["cyrillic"], **tables["arabic"], **tables["greek"], **tables["latin"]}


@cache
def _sounds() -> tuple[re.Pattern[str], dict[str, str]]:
    to = {w: row["sound"] for row in _tables()["sounds"] for w in row["written"]}
    return re.compile("|".join(sorted(to, key=len, reverse=True))), to


def script(text: str) -> str:
    """ "latin", "cyrillic", "arabic", "greek", "mixed" when a name changes scripts, "other", or "" for no letters."""
    found = set()
    for char in text:
        if not char.isalpha():
            continue
        name = unicodedata.name(char, "")
        found.add(next((s for s in ("LATIN", "CYRILLIC", "ARABIC", "GREEK") if name.startswith(s)), "OTHER").lower())
    return found.pop() if len(found) == 1 else "mixed" if found else ""


def mixed_words(text: str) -> list[str]:
    """Words that hold letters of two scripts, such as a Cyrillic "о" in a Latin name: a slip, or made to be missed."""
    return [w for w in re.findall(r"\w+", text) if script(w) == "mixed"]


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """Lower-case Latin letters, digits and single spaces; Arabic articles set off. What has no table is left out."""
    letters = _letters()
    # Harakat, tatweel and zero-width joiners say nothing that everyone writes.
    text = re.sub(r"[\u064b-\u065f\u0670\u0640\u200b-\u200f]", "", text.casefold())
    text = re.sub(r"(?<!\w)ال(?=\w{2})", "ال ", text)
    out = []
    for char in unicodedata.normalize("NFKC", text):
        if char in letters:
            out.append(letters[char])
            continue
        for part in unicodedata.normalize("NFKD", char):
            if part in letters:
                out.append(letters[part])
            elif part.isascii() and part.isalnum():
                out.append(part)
            elif part in "'’ʼ‘`ʿʾ\"" or unicodedata.combining(part):
                continue
            elif not part.isalpha():
                out.append(" ")
    return " ".join("".join(out).split())


def readable(text: str) -> bool:
    """Whether the name is in a script that can be compared here (Latin, Cyrillic, Arabic, Greek)."""
    return is_latin(text) or is_modern_alphabet(text) or script(text) in {"arabic", "mixed"}


def _consonants(word: str) -> str:
    """One way of hearing a folded word, its vowels gone; a vowel in front stays as "a", y in front as "y"."""
    pattern, to = _sounds()
    sounds = pattern.sub(lambda m: to[m[0]], word)
    sounds = re.sub(r"(.)\1+", r"\1", sounds)
    first = sounds[:1]
    if first == "i" and sounds[1:2] in VOWELS:
        first = "y"
    elif first in VOWELS:
        first = "a"
    elif first == "w":
        first = "v"
    rest = re.sub(r"[aeiouyw]", "", sounds[1:])
    return (first + rest).rstrip("h") if len(first + rest) > 2 else first + rest


@lru_cache(maxsize=200_000)
def skeletons(word: str) -> frozenset[str]:
    """Every consonant skeleton of one folded word: th is heard as t or s, dh as d or z, double y or w as a vowel."""
    word = re.sub(r"^abd[aeiou](?:l|([rnstzd])(?=\1))(\w)", _abd, word)
    ways = [re.split(r"(th|dh)", word)]
    heard = {row["written"]: row["as"] for row in _tables()["heard"]}
    parts = [heard.get(p, [p]) for p in ways[0]]
    return frozenset(filter(None, (_consonants("".join(way)) for way in product(*parts))))


def _abd(m: re.Match[str]) -> str:
    """ "Abdurrahman" and "Abdulaziz" lose the article, whose l takes on the next letter; "Abdullah" keeps its one l."""
    return "abd" + m[2]


@lru_cache(maxsize=100_000)
def words(name: str) -> tuple[str, ...]:
    """Folded words of a name without articles; "Abd al-Rahman" and "Abu Bakr" are one word each."""
    tables = _tables()["words"]
    dropped, joined = frozenset(tables["dropped"]), frozenset(tables["joined"])
    out: list[str] = []
    pending = ""
    for word in fold(name).split():
        if word in dropped:
            continue
        if word in joined and not pending:
            pending = "abd" if word.startswith("abd") else "abu" if word.startswith("ab") else "um"
            continue
        out.append(pending + word)
        pending = ""
    return tuple([*out, pending] if pending else out)


def keys(name: str) -> frozenset[str]:
    """Skeletons of the words that carry a name: the index by which names are found across scripts."""
    light = frozenset(_tables()["words"]["light"])
    found: set[str] = set()
    for word in words(name):
        if word in light:
            continue
        found |= {s for s in skeletons(word) if len(s) > 1 or word == s}
    return frozenset(found)


def place_key(name: str) -> str:
    """One key for an area's name however it is written; "" when it has no letters that can be read."""
    return " ".join(sorted(min(skeletons(w)) for w in words(name) if skeletons(w)))


@dataclass(frozen=True)
class WordMatch:
    """Two words that answer each other, or one that nothing answers (`second` empty). Codes: same, consonants, alike,
    different, unanswered, light."""

    code: str
    first: str
    second: str
    likeness: float
    skeleton: str = ""


@dataclass(frozen=True)
class NameScore:
    """How alike two names are, 0 to 1, and what made it so."""

    score: float
    matches: tuple[WordMatch, ...]

    @property
    def worth_a_look(self) -> bool:
        return self.score >= WORTH_A_LOOK


@lru_cache(maxsize=200_000)
def _alike(a: str, b: str) -> tuple[float, str, str]:
    if a == b:
        return 1.0, "same", ""
    likeness = jaro_winkler(a, b)
    if shared := skeletons(a) & skeletons(b):
        key = min(shared)
        if len(key) > 1:
            return max(likeness, SAME_CONSONANTS), "consonants", key
    return (likeness, "alike", "") if likeness >= ALIKE else (0.0, "different", "")


def _spans(words_: tuple[str, ...]) -> list[tuple[int, str, frozenset[int]]]:
    """Every word and every two neighbours written as one."""
    single = [(i, w, frozenset({i})) for i, w in enumerate(words_)]
    return single + [(i, words_[i] + words_[i + 1], frozenset({i, i + 1})) for i in range(len(words_) - 1)]


def compare(first: str, second: str) -> NameScore:
    """Score two names: best partner for every word whatever their order; long words weigh more than short ones.

    Words nothing answers count a little, titles hardly. Two names that share one word of two or more never pass for one.
    """
    a, b = words(first), words(second)
    if not a or not b:
        return NameScore(0.0, ())
    light = frozenset(_tables()["words"]["light"])
    found = []
    for i, x, taken_a in _spans(a):
        for j, y, taken_b in _spans(b):
            # "Nur Allah" and "Nurullah": two words on one side may be one on the other, never two on both.
            if len(taken_a) + len(taken_b) < 4:
                likeness, code, key = _alike(x, y)
                if code != "different" and (len(taken_a) == len(taken_b) or code != "alike"):
                    found.append((-likeness, -len(taken_a) - len(taken_b), i, j, x, y, code, key, taken_a, taken_b))
    used_a: set[int] = set()
    used_b: set[int] = set()
    matches: list[WordMatch] = []
    total = weight = 0.0
    answered = 0
    for minus, _size, _i, _j, x, y, code, key, taken_a, taken_b in sorted(found, key=lambda p: p[:6]):
        if used_a & taken_a or used_b & taken_b:
            continue
        used_a |= taken_a
        used_b |= taken_b
        w = (len(x) + len(y)) / 2 * (LIGHT if x in light else 1)
        answered += 0 if x in light else max(len(taken_a), len(taken_b))
        total, weight = total - w * minus, weight + w
        matches.append(WordMatch(code, x, y, round(-minus, 3), key))
    left_a = [x for i, x in enumerate(a) if i not in used_a]
    left_b = [y for j, y in enumerate(b) if j not in used_b]
    # What both sides leave over disagrees in full; what only one side has may merely be missing on the other.
    disagree = min(sum(x not in light for x in left_a), sum(y not in light for y in left_b))
    for side, left in ((0, left_a), (1, left_b)):
        for n, word in enumerate(sorted(left, key=lambda x: x in light)):
            share = LIGHT if word in light else 0.5 if n < disagree else UNANSWERED
            weight += len(word) * share
            code = "light" if word in light else "different" if n < disagree else "unanswered"
            matches.append(WordMatch(code, *((word, "") if side == 0 else ("", word)), 0.0))
    score = total / weight if weight else 0.0
    if answered < 2 and max(len([x for x in a if x not in light]), len([y for y in b if y not in light])) > 1:
        score = min(score, WORTH_A_LOOK - 0.05)
    return NameScore(round(score, 3), tuple(matches))


def best(ours: Iterable[str], theirs: Sequence[str]) -> tuple[NameScore, str, str]:
    """The most alike pair among two lists of names of the same or different actors."""
    found = (NameScore(0.0, ()), "", "")
    for a in ours:
        for b in theirs:
            if (score := compare(a, b)).score > found[0].score:
                found = (score, a, b)
    return found
