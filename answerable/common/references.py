"""References shown to people: opaque, never sequential, with a check character (R-ID-1).

`CLM-7Q4K-92XD-0F3M-ZH8A-T`: a prefix, sixteen random Crockford base-32 characters (80 bits) and one check character
(their number modulo 37), which catches every single wrong character and every swap of neighbours.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK = ALPHABET + "*~$=U"
_FORM = re.compile(r"^([A-Z]{3})-?([0-9A-HJKMNP-TV-Z]{16})([0-9A-HJKMNP-TV-Z*~$=U])$")


def _check(body: str) -> str:
    value = 0
    for character in body:
        value = value * 32 + ALPHABET.index(character)
    return CHECK[value % 37]


def new_ref(prefix: str) -> str:
    """A fresh reference such as CLM-7Q4K-92XD-0F3M-ZH8A-T. `prefix` is three capital letters."""
    if not re.fullmatch(r"[A-Z]{3}", prefix):
        raise ValueError("a prefix is three capital letters")
    # A check character that is a symbol reads badly aloud and in an address: draw again.
    while True:
        drawn = secrets.randbits(80)
        body = "".join(ALPHABET[drawn >> shift & 31] for shift in range(75, -1, -5))
        if _check(body) in ALPHABET:
            return "-".join([prefix, body[:4], body[4:8], body[8:12], body[12:], _check(body)])


def normalise(text: str) -> str:
    """A reference as someone typed it, in its proper form: lower case, O for 0, I or L for 1, spaces, missing dashes.

    Returns the text upper-cased when it has no reference's shape.
    """
    plain = re.sub(r"[\s\-‐–—]", "", text).upper()
    prefix, rest = plain[:3], plain[3:].replace("O", "0").replace("I", "1").replace("L", "1")
    if len(rest) != 17:
        return text.strip().upper()
    return "-".join([prefix, rest[:4], rest[4:8], rest[8:12], rest[12:16], rest[16]])


def begins(text: str) -> str:
    """How references begin of which this is the first part, as pages show them short ("INC-HA91"); "" where it is no such part.

    Typed as freely as `normalise` reads a whole one. At least four characters after the three letters, so that nobody lists all.
    """
    plain = re.sub(r"[\s\-‐–—]", "", text).upper()
    prefix, rest = plain[:3], plain[3:].replace("O", "0").replace("I", "1").replace("L", "1")
    if not (re.fullmatch("[A-Z]{3}", prefix) and 4 <= len(rest) <= 17 and set(rest) <= {*CHECK}):
        return ""
    return "-".join([prefix, *(rest[at : at + 4] for at in range(0, len(rest), 4))])


def is_well_formed(ref: str) -> bool:
    """Whether the shape and the check character agree."""
    match = _FORM.match(ref.replace("-", "")) if ref.count("-") in (0, 5) else None
    return bool(match) and match is not None and _check(match[2]) == match[3]
