"""What passes over the vault's socket: one frame each way, four bytes of length and JSON, bytes as base64."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

LARGEST = 16 * 1024 * 1024


class Torn(Exception):
    """The other side went away in the middle of a frame, or sent what is not one."""


def _plain(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"~": base64.b64encode(bytes(value)).decode()}
    raise TypeError(f"{type(value).__name__} does not pass the vault's socket")


def _whole(pairs: dict[str, Any]) -> Any:
    if pairs.keys() != {"~"}:
        return pairs
    if not isinstance(pairs["~"], str):
        raise ValueError("bytes are written as text")
    return base64.b64decode(pairs["~"], validate=True)


def pack(value: Any) -> bytes:
    """A value of texts, numbers, bytes, lists and mappings as one frame. Raises ValueError when it is too large."""
    body = json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(body) > LARGEST:
        raise ValueError("too large for one frame")
    return len(body).to_bytes(4, "big") + body


def unpack(body: bytes) -> Any:
    """The value of a frame's body. Raises Torn when it is not one: no JSON, too deep, a number without end."""
    try:
        return json.loads(body.decode("utf-8", "surrogatepass"), object_hook=_whole)
    except (ValueError, RecursionError):
        raise Torn from None


def read(connection: socket.socket, *, largest: int = LARGEST) -> Any:
    """One frame from a socket; None at a clean end. Raises Torn."""
    whole = body(connection, largest=largest)
    return None if whole is None else unpack(whole)


def body(connection: socket.socket, *, largest: int = LARGEST) -> bytes | None:
    """The body of one frame, not looked at yet; None at a clean end. Raises Torn when the frame is cut off or too long."""
    head = _exactly(connection, 4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    if len(head) < 4 or size > largest:
        raise Torn
    found = _exactly(connection, size)
    if len(found) < size:
        raise Torn
    return found


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts, missing = [], size
    while missing and (part := connection.recv(min(missing, 65536))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
