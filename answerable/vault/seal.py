"""Sealing fields and files and wrapping keys: formats, contexts, padding. No framework; bytes in, bytes out.

Every blob begins with one byte that names its format, so that an unknown or older suite is refused before any key is
used and a blob of one kind never opens as another:

    0x01  field    XChaCha20-Poly1305 of the padded text, under the object's data key
    0x02  wrap     HPKE X-Wing / HKDF-SHA256 / ChaCha20-Poly1305, `info` = the context
    0x03  file     secretstream in chunks of 64 KiB, under a key derived from the data key
    0x04  session  XChaCha20-Poly1305 of a private key, under a session's secret (userkeys.py)
    0x05  envelope HPKE X-Wing / HKDF-SHA256 / ChaCha20-Poly1305 of the padded text itself, `info` = the context:
                   0x05 ‖ enc (1,120 bytes) ‖ ciphertext; sealed in the browser (web/js/seal.js) or here, byte for byte alike
    0x06  at rest  XChaCha20-Poly1305 of a wrap, under the vault's root key (rootkey.py)
    "AK1" user key, opened by a passphrase (userkeys.py)

Node, object, model, field and version are associated data: moved anywhere else, a field or a file does not open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from answerable.vault import primitives
from answerable.vault.primitives import Unopenable

FIELD, WRAP, FILE, SESSION, ENVELOPE = b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"
AT_REST = b"\x06"
ENVELOPE_LABEL = "answerable-envelope/1"
CHUNK = 65536
# Text is padded to these sizes, so that length tells little: 256 B, 1 KiB, 4 KiB, 16 KiB, then steps of 16 KiB.
BUCKETS = (256, 1024, 4096, 16384)

new_key_pair = primitives.new_key_pair


def new_data_key() -> bytes:
    """A fresh 32-byte data key."""
    return primitives.random_bytes(32)


def fingerprint(public: bytes) -> str:
    """SHA-256 of a public key, hex; what the record shows so that a substituted key is seen."""
    return primitives.sha256(public).hex()


def without_header(header: bytes, blob: bytes) -> bytes:
    """What follows the format byte. Raises Unopenable when it is another format's, or an unknown one."""
    if blob[:1] != header:
        raise Unopenable
    return blob[1:]


def wrap(public: bytes, secret: bytes, context: bytes) -> bytes:
    """A key wrapped to a public key and bound to `context`. Raises ValueError for what is not a public key, and for an
    envelope's context: one pair of keys opens both, so each keeps to contexts of its own.
    """
    if _is_envelope_context(context):
        raise ValueError("an envelope's context binds no wrap")
    return WRAP + primitives.hpke_seal(public, secret, context)


def unwrap(private: bytes, blob: bytes, context: bytes) -> bytes:
    """The wrapped key. Raises Unopenable for another key, another context or a changed blob."""
    if _is_envelope_context(context):
        raise Unopenable  # an envelope with another format's byte in front
    return primitives.hpke_open(private, without_header(WRAP, blob), context)


def field_context(node: str, subject: str, model: str, field: str, version: int) -> bytes:
    """Associated data that ties a ciphertext to its place. Raises ValueError when a part could be mistaken for two."""
    parts = [node, subject, model, field, str(version)]
    if any("|" in p or not p for p in parts):
        raise ValueError("a part of a field's context is empty or holds a bar")
    return ("v1|" + "|".join(parts)).encode()


def pad(text: bytes) -> bytes:
    """ISO 7816 padding up to the next bucket."""
    need = len(text) + 1
    size = next((b for b in BUCKETS if need <= b), -(-need // 16384) * 16384)
    return text + b"\x80" + b"\x00" * (size - need)


def unpad(padded: bytes) -> bytes:
    """Undo `pad`. Raises Unopenable when the padding is not ours."""
    text = padded.rstrip(b"\x00")
    if not text.endswith(b"\x80"):
        raise Unopenable
    return text[:-1]


def seal_field(key: bytes, text: bytes, context: bytes) -> bytes:
    """One field under a data key, padded and bound to its context."""
    return FIELD + primitives.aead_seal(key, pad(text), context)


def open_field(key: bytes, blob: bytes, context: bytes) -> bytes:
    """The field's bytes. Raises Unopenable for a wrong key, place, version or any changed bit."""
    return unpad(primitives.aead_open(key, without_header(FIELD, blob), context))


def envelope_context(node: str, compartment: str, kind: str, field: str) -> bytes:
    """What an envelope is bound to: for whom it is and what it is about. Raises ValueError when a part is empty, holds a
    bar or cannot be written in UTF-8.
    """
    parts = [node, compartment, kind, field]
    if any("|" in p or not p or any("\ud800" <= c <= "\udfff" for c in p) for p in parts):
        raise ValueError("a part of an envelope's context is empty, holds a bar or half a character")
    return "|".join([ENVELOPE_LABEL, *parts]).encode()


def _is_envelope_context(context: bytes) -> bool:
    label, *parts = context.split(b"|")
    return label == ENVELOPE_LABEL.encode() and len(parts) == 4 and all(parts)


def seal_envelope(public: bytes, text: bytes, context: bytes) -> bytes:
    """Text sealed straight to a public key by someone who holds no data key: a form's answers before there is a claim.

    Whoever has the public key can make one, and can send it twice: an envelope says nothing about who sealed it or
    whether it is new. It is opened once, on arrival, and sealed again as a field of its object. Raises ValueError for
    what is not a public key or not an envelope's context.
    """
    if not _is_envelope_context(context):
        raise ValueError("not an envelope's context")
    return ENVELOPE + primitives.hpke_seal(public, pad(text), context)


def open_envelope(private: bytes, blob: bytes, context: bytes) -> bytes:
    """The text of an envelope. Raises Unopenable for another key, another context, another format or any changed bit."""
    if not _is_envelope_context(context):
        raise Unopenable
    return unpad(primitives.hpke_open(private, without_header(ENVELOPE, blob), context))


def seal_file(key: bytes, source: BinaryIO, target: BinaryIO, context: bytes) -> None:
    """Seal a file under a data key, 64 KiB at a time, bound to its context.

    The last chunk is padded like a field: the sealed size tells the file's to a step of 16 KiB, or a bucket below it,
    so that nobody who holds a candidate file recognises it by its length. Raises ValueError for what is no data key.
    """
    if len(key) != 32:
        raise ValueError("a data key has 32 bytes")
    stream = primitives.SealingStream(primitives.derive(key, "file"))
    target.write(FILE + stream.header)
    while len(chunk := _read(source, CHUNK)) == CHUNK:
        target.write(stream.push(chunk, context, final=False))
    target.write(stream.push(pad(chunk), context, final=True))


def open_file(key: bytes, source: BinaryIO, target: BinaryIO, context: bytes) -> None:
    """Open a sealed file into `target`. Raises Unopenable for a wrong key or place and any changed, moved, repeated,
    missing or added chunk; `target` must be seekable, and what was already written to it is then taken back.
    """
    start = target.tell()
    try:
        stream = primitives.OpeningStream(
            primitives.derive(key, "file"),
            without_header(FILE, _read(source, 1 + primitives.STREAM_HEADER_SIZE)),
        )
        final = False
        while not final:
            chunk, final = stream.pull(_read(source, CHUNK + primitives.STREAM_CHUNK_OVERHEAD), context)
            target.write(unpad(chunk) if final else chunk)
        if source.read(1):
            raise Unopenable
    except Unopenable:
        # A cut file opens correctly up to the cut; half a document must not pass for the whole.
        target.seek(start)
        target.truncate()
        raise


def opened_chunks(key: bytes, source: BinaryIO, context: bytes) -> Iterator[bytes]:
    """A sealed file in pieces of 64 KiB, for reading what never lies on a disk in the open. Raises Unopenable, also at
    the end for a file that was cut: whoever reads keeps nothing for good before the last piece came.
    """
    stream = primitives.OpeningStream(
        primitives.derive(key, "file"), without_header(FILE, _read(source, 1 + primitives.STREAM_HEADER_SIZE))
    )
    final = False
    while not final:
        chunk, final = stream.pull(_read(source, CHUNK + primitives.STREAM_CHUNK_OVERHEAD), context)
        yield unpad(chunk) if final else chunk


def _read(source: BinaryIO, size: int) -> bytes:
    """Exactly `size` bytes, or what there is before the end: a pipe or an upload may return less at a time."""
    parts, missing = [], size
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
