"""Reading what travels strictly, and writing it so that it can be read so."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, TypeVar

from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.vault import primitives
from answerable.vault.identity import IdentityBlock

# Bytes. A bundle is read whole, and an identity is a few kilobytes: more is not one of ours.
LARGEST = 1024 * 1024
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
HASH = re.compile(r"[0-9a-f]{64}")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
T = TypeVar("T")


class BadBundle(Refused):
    """A file is not what it should be, or does not open here. The sentence holds nothing of what is sealed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, reason="bundle")


class Fields:
    """One JSON object, read field by field; `close` refuses what nobody asked for."""

    def __init__(self, data: object, what: str) -> None:
        if not isinstance(data, dict):
            raise BadBundle(f"The {what} is not one: it has no fields.")
        self._data, self._what, self._seen = data, what, set[str]()

    @classmethod
    def read(cls, raw: bytes, form: str, what: str, limit: int = LARGEST) -> Fields:
        """The object in `raw`. Raises BadBundle unless it is canonical JSON of this format, not larger than `limit`."""
        if len(raw) > limit:
            raise BadBundle(f"The {what} is larger than one can be.")
        try:
            data = json.loads(raw)
            proper = tlog.canonical(data) == raw
        except (ValueError, RecursionError):
            data, proper = None, False
        if not proper or not isinstance(data, dict):
            raise BadBundle(f"The {what} cannot be read: it was damaged or changed on its way, or is another file.")
        fields = cls(data, what)
        if fields._take("format", str) != form:
            raise BadBundle(f"This file is not a {what} that this version knows.")
        return fields

    def _bad(self, name: str) -> BadBundle:
        return BadBundle(f"The {self._what} is not in order: “{name}” is missing or not what it should be.")

    def _take(self, name: str, kind: type[T]) -> T:
        value = self._data.get(name)
        self._seen.add(name)
        if type(value) is not kind:
            raise self._bad(name)
        return value

    def text(self, name: str, limit: int = 200) -> str:
        """A line of plain text. Control and invisible characters are refused: it will be shown on a terminal."""
        value = self._take(name, str)
        if not 0 < len(value) <= limit or not value.isprintable() or value != value.strip():
            raise self._bad(name)
        return value

    def name(self, name: str) -> str:
        """A seat's or an officer's name: a line without a bar, which contexts are joined with."""
        value = self.text(name, 40)
        if "|" in value:
            raise self._bad(name)
        return value

    def matching(self, name: str, form: re.Pattern[str]) -> str:
        value = self._take(name, str)
        if not form.fullmatch(value):
            raise self._bad(name)
        return value

    def ref(self, name: str) -> str:
        return self.matching(name, REF)

    def hash(self, name: str) -> str:
        return self.matching(name, HASH)

    def flag(self, name: str) -> bool:
        return self._take(name, bool)

    def number(self, name: str, most: int = 2**53) -> int:
        value = self._take(name, int)
        if not 0 <= value <= most:
            raise self._bad(name)
        return value

    def instant(self, name: str) -> datetime:
        value = self._take(name, str)
        try:
            instant = datetime.strptime(value, _INSTANT).replace(tzinfo=UTC)
        except ValueError:
            raise self._bad(name) from None
        if at(instant) != value:
            raise self._bad(name)
        return instant

    def blob(self, name: str) -> bytes:
        """Bytes, in the one proper spelling of base64."""
        value = self._take(name, str)
        try:
            raw = base64.b64decode(value, validate=True)
        except ValueError:
            raise self._bad(name) from None
        if b64(raw) != value:
            raise self._bad(name)
        return raw

    def public_key(self, name: str) -> bytes:
        value = self.blob(name)
        if len(value) != primitives.PUBLIC_SIZE:
            raise self._bad(name)
        return value

    def several(self, name: str, check: Callable[[Any], T], most: int) -> tuple[T, ...]:
        """A list of one to `most` entries, each through `check`, which raises ValueError for a bad one."""
        value = self._take(name, list)
        if not 0 < len(value) <= most:
            raise self._bad(name)
        try:
            return tuple(check(item) for item in value)
        except ValueError:
            raise self._bad(name) from None

    def part(self, name: str) -> Fields:
        return Fields(self._take(name, dict), f"{self._what}, part “{name}”,")

    def entries(self, name: str) -> dict[str, Any]:
        """An object whose keys the caller checks."""
        return self._take(name, dict)

    def close(self) -> None:
        if extra := sorted(set(self._data) - self._seen):
            raise BadBundle(f"The {self._what} holds a field that does not belong there: {ascii(extra[0])[:60]}.")


def b64(raw: bytes) -> str:
    """Base64 as bundles spell it."""
    return base64.b64encode(raw).decode()


def at(instant: datetime) -> str:
    # Not strftime for the year: it does not pad the years before 1000 everywhere.
    return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def field_name(value: Any) -> str:
    if not isinstance(value, str) or not _FIELD.fullmatch(value):
        raise ValueError
    return value


def spelled(fingerprint: str) -> str:
    """A fingerprint, whole, in the groups of eight in which two people read it to each other; the same everywhere."""
    return " ".join(fingerprint[i : i + 8] for i in range(0, len(fingerprint), 8))


def shown(instant: datetime) -> str:
    """An instant as people read it, UTC to the minute."""
    return instant.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC")


def check_block(block: IdentityBlock, raw: bytes) -> None:
    """Six shares, two for each pair of three seats, in the one proper spelling."""
    if not isinstance(block.subject, str) or not REF.fullmatch(block.subject):
        raise BadBundle("The identity block names no claim.")
    seats = sorted({seat for _, _, seat in block.shares})
    places = {(*pair, seat) for pair in combinations(seats, 2) for seat in pair}
    if len(seats) != 3 or set(block.shares) != places or block.to_bytes() != raw:
        raise BadBundle("The identity block is not in order: it is not six shares for three seats.")


def sign(signer: tlog.Signer, body: Mapping[str, Any]) -> bytes:
    """A bundle as it travels, signed with the vault's key."""
    return tlog.canonical({**body, "signature": tlog.sign_note(signer, tlog.canonical(body) + b"\n")})


def read_signed(raw: bytes, kind: str, what: str, vkey: str, *, tell: str) -> tuple[Fields, str]:
    """The fields of a bundle of this kind, and who signed it. Raises BadBundle: there is no way to read an unsigned one.

    `tell`: whom to tell of one that was not signed with the key.
    """
    read = Fields.read(raw, kind, what)
    signature = read.text("signature", 400)
    body = {name: value for name, value in json.loads(raw).items() if name != "signature"}
    try:
        signed = tlog.verify_note(tlog.canonical(body) + b"\n", signature, vkey)
        signed_by = tlog.read_vkey(vkey).name
    except ValueError:
        raise BadBundle("The key given is not a verifier key (name+hash+base64).") from None
    if not signed:
        raise BadBundle(f"The {what} is not signed with the verifier key that you gave. Do not answer it; tell {tell}.")
    return read, signed_by
