"""Web archives (WACZ) checked without a network. No framework; runs in the closed room only (checker.py).

Source: WACZ 1.1.1 (datapackage.json, datapackage-digest.json), WACZ signing and verification 0.1, WARC 1.1 digests.
A member is read once, in pieces, and only what passes the bounds below; a name that leads outside is not followed, because
nothing is ever unpacked to a disk, and it refuses the archive all the same: whoever unpacks it elsewhere would be harmed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from warcio.archiveiterator import ArchiveIterator

from answerable.monitoring.evidence import timestamps
from answerable.monitoring.evidence.said import HELD, NOT_CHECKABLE, NOT_HELD, Broken, Said

MOST_MEMBERS = 5_000
LARGEST_MEMBER = 256 << 20
LARGEST_WHOLE = 512 << 20
# Text packs to a twentieth, rarely a hundredth; beyond that it is a bomb.
STEEPEST = 200
LARGEST_JSON = 4 << 20
MOST_RECORDS = 200_000
_PIECE = 1 << 16
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Bounded(io.RawIOBase):
    """What a member unpacks to, counted against the bounds as it is read."""

    def __init__(self, whole: _Archive, source: Any, most: int) -> None:
        self._whole, self._source, self._left = whole, source, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        part = self._source.read(min(len(buffer), _PIECE))
        self._left -= len(part)
        self._whole.count(len(part))
        if self._left < 0:
            raise Broken("wacz.bomb")
        buffer[: len(part)] = part
        return len(part)


class _Archive:
    def __init__(self, data: bytes) -> None:
        self._left = LARGEST_WHOLE
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            members = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
            raise Broken("wacz.unreadable") from None
        if len(members) > MOST_MEMBERS:
            raise Broken("wacz.bomb")
        self.members: dict[str, zipfile.ZipInfo] = {}
        for m in members:
            if m.is_dir():
                continue
            if _leads_outside(m.filename) or m.filename in self.members:
                raise Broken("wacz.paths")
            if m.flag_bits & 1:
                raise Broken("wacz.locked")
            if m.file_size > LARGEST_MEMBER or m.file_size > STEEPEST * max(m.compress_size, 512):
                raise Broken("wacz.bomb")
            self.members[m.filename] = m

    def count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Broken("wacz.bomb")

    def open(self, name: str, most: int = LARGEST_MEMBER) -> io.BufferedReader:
        try:
            return io.BufferedReader(_Bounded(self, self._zip.open(self.members[name]), most), _PIECE)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
            raise Broken("wacz.unreadable") from None

    def pieces(self, name: str) -> Iterator[bytes]:
        source = self.open(name)
        while part := source.read(_PIECE):
            yield part

    def json(self, name: str) -> tuple[Any, bytes]:
        raw = self.open(name, LARGEST_JSON).read()
        try:
            return json.loads(raw), raw
        except (ValueError, RecursionError):
            raise Broken("wacz.package") from None


def _leads_outside(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return not name or name.startswith(("/", "\\")) or ".." in parts or "\x00" in name or ":" in parts[0]


def check(data: bytes, roots: Sequence[bytes]) -> list[Said]:
    """Everything in an archive that can be checked here. Raises Broken when it is no archive, or a trap."""
    archive = _Archive(data)
    if "datapackage.json" not in archive.members:
        raise Broken("wacz.package")
    try:
        package, raw = archive.json("datapackage.json")
        said = [*_resources(archive, package), *_records(archive)]
        return [*said, *_signed(archive, raw, roots)]
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        # The ZIP's own sums did not hold, or a member is cut short.
        raise Broken("wacz.unreadable") from None


def _resources(archive: _Archive, package: Any) -> list[Said]:
    listed = package.get("resources") if isinstance(package, dict) else None
    if not isinstance(listed, list) or not listed or len(listed) > MOST_MEMBERS:
        raise Broken("wacz.package")
    held = wrong = missing = unhashed = 0
    named = set()
    for row in listed:
        path, digest = (str(row.get(k, "")) for k in ("path", "hash")) if isinstance(row, dict) else ("", "")
        if path in named:
            raise Broken("wacz.package")
        named.add(path)
        if path not in archive.members:
            missing += 1
        elif not _DIGEST.fullmatch(digest):
            unhashed += 1
        else:
            found, size = hashlib.sha256(), 0
            for part in archive.pieces(path):
                found.update(part)
                size += len(part)
            same = f"sha256:{found.hexdigest()}" == digest and row.get("bytes", size) == size
            held, wrong = held + same, wrong + (not same)
    said = [Said("wacz.resources", NOT_HELD if wrong or missing else HELD,
                 {"held": held, "wrong": wrong, "missing": missing})]  # fmt: skip
    if unhashed:
        said.append(Said("wacz.unhashed", NOT_CHECKABLE, {"n": unhashed}))
    if outside := len(set(archive.members) - named - {"datapackage.json", "datapackage-digest.json"}):
        said.append(Said("wacz.unlisted", NOT_CHECKABLE, {"n": outside}))
    return said


def _records(archive: _Archive) -> list[Said]:
    held = wrong = bare = 0
    names = [n for n in archive.members if n.endswith((".warc", ".warc.gz"))]
    if not names:
        return [Said("wacz.norecords", NOT_CHECKABLE)]
    for name in names:
        source = archive.open(name)
        try:
            for record in ArchiveIterator(source, check_digests=True):
                # Records are packed once more inside: what they unpack to is counted as well.
                while part := record.content_stream().read(_PIECE):
                    archive.count(len(part))
                passed = record.digest_checker.passed
                held, wrong, bare = held + (passed is True), wrong + (passed is False), bare + (passed is None)
                if held + wrong + bare > MOST_RECORDS:
                    raise Broken("wacz.bomb")
        except Broken:
            raise
        except Exception:
            # The parser names no list of what it raises; whatever it stumbled over, the records do not hold.
            wrong += 1
    said = [
        Said("wacz.records", NOT_HELD if wrong else HELD if held else NOT_CHECKABLE, {"held": held, "wrong": wrong})
    ]
    return [*said, Said("wacz.bare", NOT_CHECKABLE, {"n": bare})] if bare else said


def _signed(archive: _Archive, raw: bytes, roots: Sequence[bytes]) -> list[Said]:
    if "datapackage-digest.json" not in archive.members:
        return [Said("wacz.nodigest", NOT_CHECKABLE)]
    digest, _raw = archive.json("datapackage-digest.json")
    named = digest.get("hash") if isinstance(digest, dict) else None
    said = [Said("wacz.digest", HELD if named == "sha256:" + hashlib.sha256(raw).hexdigest() else NOT_HELD)]
    signed = digest.get("signedData") if isinstance(digest, dict) else None
    if not isinstance(signed, dict):
        return [*said, Said("wacz.unsigned", NOT_CHECKABLE)]
    part = {
        k: str(signed.get(k) or "")[:64_000] for k in ("hash", "signature", "publicKey", "domainCert", "timeSignature")
    }
    if part["hash"] != named:
        return [*said, Said("wacz.signature", NOT_HELD)]
    try:
        holds = timestamps.signature_holds(
            part["hash"].encode(), part["signature"], public_key=part["publicKey"], certificate=part["domainCert"]
        )
    except Broken:
        holds = False
    if holds is None:
        said.append(Said("wacz.key", NOT_CHECKABLE))
    else:
        said.append(Said("wacz.signature", HELD if holds else NOT_HELD))
        if holds:
            said.append(Said("wacz.domain" if part["domainCert"] else "wacz.who", NOT_CHECKABLE))
    if part["timeSignature"]:
        said += _timed(part["timeSignature"], part["signature"], roots)
    return said


def _timed(token: str, signature: str, roots: Sequence[bytes]) -> list[Said]:
    """The time stamp is over the signature as it is written (WACZ signing §3)."""
    text = signature.encode()
    digests = {n: hashlib.new(n, text).digest() for n in ("sha256", "sha384", "sha512")}
    try:
        return timestamps.check(base64.b64decode(token, validate=True), digests, roots, of="archive")
    except (Broken, binascii.Error):
        return [Said("tsa.unreadable", NOT_HELD)]
