"""Any bytes: opened, or refused in the words meant for it. One harness per parser; run as `parsers.py NAME [libFuzzer options]`."""

from __future__ import annotations

import base64
import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
with atheris.instrument_imports(include=["answerable", "json", "base64"]):
    from answerable.engines import tlog
    from answerable.vault import identity, primitives, seal, userkeys
    from answerable.vault.primitives import Unopenable

KEY = bytes(range(32))
PUBLIC, PRIVATE = seal.new_key_pair()
CONTEXT = seal.envelope_context("alliance", "A/claims", "claim", "account")
WORDS = "acorn bridge candle dolphin eleven forest"
SIGNER = tlog.Ed25519Signer("alliance", KEY)


def costs_nothing(secret: bytes, salt: bytes, **cost: int) -> bytes:
    """Instead of Argon2, which a forged header makes slow on purpose and which is not what is parsed."""
    return primitives.sha256(secret + salt + repr(sorted(cost.items())).encode())


primitives.stretch = costs_nothing


def sealed_file() -> bytes:
    target = io.BytesIO()
    seal.seal_file(KEY, io.BytesIO(b"words"), target, b"c")
    return target.getvalue()


def open_field(data: bytes) -> None:
    seal.open_field(KEY, data, b"c")


def open_envelope(data: bytes) -> None:
    seal.open_envelope(PRIVATE, data, CONTEXT)


def unpad(data: bytes) -> None:
    text = seal.unpad(data)
    assert seal.unpad(seal.pad(text)) == text


def open_file(data: bytes) -> None:
    seal.open_file(KEY, io.BytesIO(data), io.BytesIO(), b"c")


def identity_block(data: bytes) -> None:
    block = identity.IdentityBlock.from_bytes(data)
    assert identity.IdentityBlock.from_bytes(block.to_bytes()) == block
    identity.combine(block, "CLM-1", identity.open_share(block, "CLM-1", "a", "b", PRIVATE), KEY)


def identity_fields(data: bytes) -> None:
    """What stands inside a sealed identity, which whoever sealed it has chosen."""
    sealed = seal.seal_field(KEY, data, b"answerable-identity/1|CLM-1")
    assert isinstance(identity.combine(identity.IdentityBlock("CLM-1", sealed, {}), "CLM-1", KEY, bytes(32)), dict)


def checkpoint(data: bytes) -> None:
    tlog.open_checkpoint(data.decode("utf-8", "surrogateescape"), SIGNER.vkey())


def signed_checkpoint(data: bytes) -> None:
    """What stands inside a checkpoint, which its signer has chosen."""
    body = data.decode("utf-8", "replace").split("\n\n")[0].rstrip("\n") + "\n"
    signature = base64.b64encode(SIGNER.sign(body.encode())).decode()
    tlog.open_checkpoint(f"{body}\n\u2014 alliance {signature}\n", SIGNER.vkey())


def user_key(data: bytes) -> None:
    userkeys.open_user_key(data, WORDS)


# What may be raised, and something real to begin from.
HARNESSES: dict[str, tuple[Callable[[bytes], None], type[Exception], Callable[[], bytes]]] = {
    "open_field": (open_field, Unopenable, lambda: seal.seal_field(KEY, b"words", b"c")),
    "open_envelope": (open_envelope, Unopenable, lambda: seal.seal_envelope(PUBLIC, b"words", CONTEXT)),
    "unpad": (unpad, Unopenable, lambda: seal.pad(b"words")),
    "open_file": (open_file, Unopenable, sealed_file),
    "identity_block": (
        identity_block,
        Unopenable,
        lambda: identity.seal_identity({}, [(n, seal.new_key_pair()[0]) for n in "abc"], "CLM-1").to_bytes(),
    ),
    "identity_fields": (identity_fields, Unopenable, lambda: b'{"name": "Noor"}'),
    "checkpoint": (
        checkpoint,
        ValueError,
        lambda: tlog.sign_checkpoint(SIGNER, origin="alliance", size=3, root=bytes(32)).encode(),
    ),
    "signed_checkpoint": (signed_checkpoint, ValueError, lambda: b"alliance\n3\nAAAA\n"),
    "user_key": (user_key, Unopenable, lambda: userkeys.new_user_key(WORDS)[1]),
}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in HARNESSES:
        sys.exit("usage: parsers.py NAME [libFuzzer options]\nnames: " + " ".join(HARNESSES))
    name = sys.argv.pop(1)
    parse, refusal, real = HARNESSES[name]
    found = ROOT / "data" / "fuzz" / name
    (found / "corpus").mkdir(parents=True, exist_ok=True)
    (found / "corpus" / "real").write_bytes(real())

    def try_one(data: bytes) -> None:
        with contextlib.suppress(refusal):
            parse(data)

    limits = ["-timeout=10", "-max_len=8192", f"-artifact_prefix={found}/"]
    atheris.Setup([*sys.argv, *limits, str(found / "corpus")], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
