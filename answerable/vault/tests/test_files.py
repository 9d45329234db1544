"""Files: chunks open in their order, all of them, in their place, or nothing does (security.md §4.5)."""

from __future__ import annotations

import io

import pytest

from answerable.vault import primitives, seal
from answerable.vault.primitives import Unopenable

KEY = bytes(range(32))
CONTEXT = seal.field_context("alliance", "CLM-1", "Claim", "document", 1)
HEAD, FULL = 1 + primitives.STREAM_HEADER_SIZE, seal.CHUNK + primitives.STREAM_CHUNK_OVERHEAD
# Each chunk ends like padding, so that a cut between chunks is caught by the missing FINAL and by nothing else.
FILE = b"".join(bytes([n]) * (seal.CHUNK - 2) + b"\x80\0" for n in range(3)) + b"the end"


def sealed(plain: bytes = FILE, context: bytes = CONTEXT) -> bytes:
    target = io.BytesIO()
    seal.seal_file(KEY, io.BytesIO(plain), target, context)
    return target.getvalue()


def opened(blob: bytes, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    target = io.BytesIO()
    seal.open_file(key, io.BytesIO(blob), target, context)
    return target.getvalue()


BLOB = sealed()
HEADER, CHUNKS, LAST = BLOB[:HEAD], [BLOB[HEAD + i * FULL : HEAD + (i + 1) * FULL] for i in range(3)], BLOB[-273:]
OTHER = sealed()
FULL_TO_THE_END = sealed(b"x" * 60_000)  # padded to a whole chunk, so that a reader stops exactly behind it


@pytest.mark.parametrize("size", [0, 1, 255, 256, 16384, 49152, 65535, 65536, 65537, 131072, 200_000])
def test_a_file_opens_as_it_was(size):
    plain = bytes(i % 251 for i in range(size))
    assert opened(sealed(plain)) == plain


def test_the_parts_of_the_format_are_where_this_test_cuts():
    assert HEADER + b"".join(CHUNKS) + LAST == BLOB and BLOB[:1] == b"\x03"


def test_a_pipe_that_gives_little_at_a_time_makes_no_difference():
    class Pipe(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1000))

    target, back = io.BytesIO(), io.BytesIO()
    seal.seal_file(KEY, Pipe(FILE), target, CONTEXT)
    seal.open_file(KEY, Pipe(target.getvalue()), back, CONTEXT)
    assert back.getvalue() == FILE and len(target.getvalue()) == len(BLOB)


def test_a_files_length_shows_only_in_steps():
    assert len({len(sealed(b"x" * n)) for n in (0, 100, 255)}) == 1
    assert len({len(sealed(b"x" * n)) for n in (seal.CHUNK + 20_000, seal.CHUNK + 30_000)}) == 1


CHANGED = {
    "nothing": b"",
    "only a header": HEADER,
    "no FINAL": HEADER + b"".join(CHUNKS),
    "only FINAL": HEADER + LAST,
    "first chunk missing": HEADER + CHUNKS[1] + CHUNKS[2] + LAST,
    "middle chunk missing": HEADER + CHUNKS[0] + CHUNKS[2] + LAST,
    "reordered": HEADER + CHUNKS[1] + CHUNKS[0] + CHUNKS[2] + LAST,
    "repeated": HEADER + CHUNKS[0] + CHUNKS[0] + CHUNKS[1] + CHUNKS[2] + LAST,
    "FINAL twice": BLOB + LAST,
    "a chunk after FINAL": BLOB + CHUNKS[0],
    "a byte after FINAL": BLOB + b"\0",
    "a byte after a whole FINAL": FULL_TO_THE_END + b"\0",
    "a chunk after a whole FINAL": FULL_TO_THE_END + CHUNKS[0],
    "the last byte missing": BLOB[:-1],
    "cut inside a chunk": BLOB[: HEAD + FULL + 100],
    "unknown suite": b"\x7f" + BLOB[1:],
    "a field's suite": b"\x01" + BLOB[1:],
    "edited header": BLOB[:5] + bytes([BLOB[5] ^ 1]) + BLOB[6:],
    "a flipped bit": BLOB[:70_000] + bytes([BLOB[70_000] ^ 4]) + BLOB[70_001:],
    "another file's header": OTHER[:HEAD] + BLOB[HEAD:],
    "another file's chunk": HEADER + CHUNKS[0] + OTHER[HEAD + FULL : HEAD + 2 * FULL] + CHUNKS[2] + LAST,
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_changed_file_does_not_open_and_leaves_nothing_behind(what):
    target = io.BytesIO(b"before")
    target.seek(6)
    with pytest.raises(Unopenable):
        seal.open_file(KEY, io.BytesIO(CHANGED[what]), target, CONTEXT)
    assert target.getvalue() == b"before"


@pytest.mark.parametrize("key", [bytes(32), KEY[:-1], b""], ids=["other", "short", "none"])
def test_another_key_opens_no_file(key):
    with pytest.raises(Unopenable):
        opened(BLOB, key=key)


def test_a_file_moved_to_another_claim_does_not_open():
    with pytest.raises(Unopenable):
        opened(BLOB, context=seal.field_context("alliance", "CLM-2", "Claim", "document", 1))


def test_a_file_is_sealed_under_a_data_key_only():
    with pytest.raises(ValueError):
        seal.seal_file(b"", io.BytesIO(b"x"), io.BytesIO(), CONTEXT)


@pytest.mark.parametrize(("tag", "opens"), [("MESSAGE", True), ("PUSH", False), ("REKEY", False)])
def test_tags_the_format_does_not_use_are_refused(tag, opens):
    stream = primitives.SealingStream(primitives.derive(KEY, "file"))
    tag_byte = getattr(primitives.bindings, f"crypto_secretstream_xchacha20poly1305_TAG_{tag}")
    chunk = primitives.bindings.crypto_secretstream_xchacha20poly1305_push(
        stream._state, b"x" * seal.CHUNK, CONTEXT, tag_byte
    )
    blob = b"\x03" + stream.header + chunk + stream.push(seal.pad(b"end"), CONTEXT, final=True)
    if opens:
        assert opened(blob) == b"x" * seal.CHUNK + b"end"
    else:
        with pytest.raises(Unopenable):
            opened(blob)
