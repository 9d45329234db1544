"""What leaves the office with an original: the file, its proofs, its custody, and a program that checks them offline."""

from __future__ import annotations

import io
import json
import ssl
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

SUFFIX = {"jpeg": "jpg", "text": "txt"}
PROOF_SUFFIX = {"rfc3161": "tsr", "ots": "ots"}


def packed(
    *, ref: str, kind: str, told: Mapping[str, Any], content: bytes, custody: Sequence[Mapping[str, Any]],
    checks: Sequence[Mapping[str, Any]],
) -> bytes:  # fmt: skip
    """A ZIP archive, made in memory: what is in it is never in a file of ours in the clear.

    The original keeps its bytes and not its name, which stands in bundle.json: a name may say who someone is. Each line of
    custody comes with its event and salt, so that the program prints the custody statement from what the record says: a
    statement that lay here as a text could be edited.
    """
    original = f"original.{SUFFIX.get(kind, kind)}"
    proofs = [(f"{p['ref']}.{PROOF_SUFFIX[p['kind']]}", p["kind"], p["content"]) for p in told["proofs"]]
    about = {
        "v": 2, "file": ref, "kind": kind, "name": told["name"], "original": original, "size": len(content),
        "sha256": told["digest"], "salt": told["salt"], "commitment": told["commitment"],
        "proofs": [{"file": name, "kind": of} for name, of, _content in proofs], "checks": list(checks), "custody": list(custody),
    }  # fmt: skip
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("bundle.json", json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True))
        archive.writestr("check.py", _program())
        if told["roots"]:
            archive.writestr("roots.pem", _pem(told["roots"]))
        for name, _of, token in proofs:
            archive.writestr(name, token)
        archive.writestr(original, content)
    return made.getvalue()


def _program() -> str:
    """The checking program as it stands, read as a file: nothing of it runs here."""
    return (resources.files("answerable") / "tools" / "evidence.py").read_text(encoding="utf-8")


def _pem(roots: Iterable[bytes]) -> str:
    return "".join(ssl.DER_cert_to_PEM_cert(root) for root in roots)
