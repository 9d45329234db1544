"""The checker: one process for one proof, in the closed room of the converter (vault/uploads/sandbox.py).

    python -I -m answerable.monitoring.evidence.checker WHAT     < proof    > frames

WHAT is wacz, rfc3161 or ots. Standard input: four bytes of length, a JSON object {digests, roots} in hex, then the
proof. Frames: `room`, a `said` for each finding (JSON), `fail` a code, `done`. Its reader believes none of it (checks.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import sys
from dataclasses import asdict

from answerable.monitoring.evidence import archives, opentimestamps, timestamps
from answerable.monitoring.evidence.said import Broken, Said
from answerable.vault.uploads import sandbox
from answerable.vault.uploads.converter import frame

LARGEST = 101 << 20


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _read_all() -> bytes:
    parts, size = [], 0
    while part := os.read(0, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise Broken("too-large")
    return b"".join(parts)


def check(what: str, proof: bytes, digests: dict[str, bytes], roots: list[bytes]) -> list[Said]:
    """The findings on one proof. Raises Broken."""
    if what == "wacz":
        return archives.check(proof, roots)
    if what == "rfc3161":
        return timestamps.check(proof, digests, roots)
    return opentimestamps.check(proof, digests)


def _warm_up() -> None:
    """Have everything loaded that would otherwise be loaded inside, where no file can be opened."""
    import zipfile

    from warcio.archiveiterator import ArchiveIterator
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import WARCWriter

    timestamps.warm_up()
    made, packed = io.BytesIO(), io.BytesIO()
    writer = WARCWriter(made, gzip=True)
    headers = StatusAndHeaders("200 OK", [("Content-Type", "text/plain")], protocol="HTTP/1.0")
    writer.write_record(writer.create_warc_record("http://x.invalid/", "response", payload=io.BytesIO(b"x"),
                                                  http_headers=headers))  # fmt: skip
    made.seek(0)
    for record in ArchiveIterator(made, check_digests=True):
        record.content_stream().read()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("datapackage.json", "{}")
    for proof, what in ((packed.getvalue(), "wacz"), (b"x", "rfc3161"), (opentimestamps.MAGIC, "ots")):
        with contextlib.suppress(Broken):
            check(what, proof, {"sha256": hashlib.sha256(b"").digest()}, [])


def main(arguments: list[str]) -> int:
    """Check one proof from standard input. 0 whatever it is; the frames say how it went."""
    what = arguments[0]
    _warm_up()
    _write(frame(b"room", sandbox.enter().encode()))
    try:
        data = _read_all()
        length = int.from_bytes(data[:4], "big")
        known = json.loads(data[4 : 4 + length])
        digests = {name: bytes.fromhex(d) for name, d in known["digests"].items()}
        for said in check(what, data[4 + length :], digests, [bytes.fromhex(r) for r in known["roots"]]):
            _write(frame(b"said", json.dumps(asdict(said)).encode()))
    except Broken as error:
        _write(frame(b"fail", str(error).encode()))
    except Exception:
        # Whatever a parser stumbles over. Its words may quote the proof, so they go nowhere.
        _write(frame(b"fail", b"unreadable"))
    else:
        _write(frame(b"done"))
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)
