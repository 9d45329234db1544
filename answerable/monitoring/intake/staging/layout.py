"""How rows wait to be moved in: their columns, and the lines that they are written as."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

COLUMNS = (
    "ref", "compartment", "batch_id", "organisation_id", "collected_by_id", "situation_id", "party_id", "row", "status",
    "version", "corrects", "identity", "also", "as_of", "content", '"when"', "earliest", "latest", "precision", "area1", "area2",
    "coded", "lacks", "made_at", "narrative", "place", "link_reason", "hints", "looks_like",
)  # fmt: skip
ITEM_COLUMNS = (
    "ref",
    "compartment",
    "draft_id",
    "number",
    "coded",
    "says",
    "file",
    "file_kind",
    "file_commitment",
    "file_ref",
    "file_mark",
    "file_name",
    "file_salt",
    "file_digest",
)
CASTS = {
    **dict.fromkeys(["batch_id", "organisation_id", "collected_by_id", "situation_id", "party_id", "row", "version", "number"], "bigint"),
    **dict.fromkeys(["also", "coded", "lacks", "hints"], "jsonb"), **dict.fromkeys(["earliest", "latest"], "date"),
    **dict.fromkeys(["narrative", "place", "link_reason", "says", "file_mark", "file_name", "file_salt", "file_digest"], "bytea"), "made_at": "timestamptz",
}  # fmt: skip


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def line(values: Sequence[Any]) -> bytes:
    """A row as it waits to be moved in: columns with tabs between. Raises ValueError for a value that would be two."""
    texts = list(map(_text, values))
    whole = "\t".join(texts)
    if "\n" in whole or "\r" in whole or whole.count("\t") != len(texts) - 1:
        raise ValueError("a coded value holds a tab or the end of a line")
    return (whole + "\n").encode()


def whole_lines(path: Path) -> Iterator[str]:
    """A file's lines, about a megabyte at a time, without the end of the last."""
    rest = b""
    with path.open("rb") as f:
        while part := f.read(1 << 20):
            whole, end, rest = (rest + part).rpartition(b"\n")
            if end:
                yield whole.decode()
