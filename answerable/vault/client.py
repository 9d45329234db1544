"""Asking the vault. Everything outside the vault process goes through `ask`; no key ever comes back.

Over a unix socket in the running product; in the same process ("here") for migrations, the demonstration's first load,
rehearsals and tests, with the same frames either way.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.record import log
from answerable.vault import frames

# Longer than a long Argon2id queue, shorter than a person's patience.
ANSWER_SECONDS = 90.0


class VaultFault(Exception):
    """The vault met a fault of its own; the text says kind and place, never values."""


class VaultAway(Refused):
    """The vault process does not answer, and nothing was done."""


class VaultLate(Refused):
    """The vault was asked and its answer did not come: what was asked for may be done, or be done yet."""


def socket_path(door: str) -> Path:
    """Where the vault listens for a door; each door's socket belongs to that door's own operating-system group."""
    return Path(settings.VAULT_SOCKETS) / f"{door}.sock"


def ask(op: str, /, **args: Any) -> Any:
    """Ask the vault one thing. Raises Refused with its sentence, VaultAway when it cannot be asked, VaultLate when its answer
    does not come, VaultFault.
    """
    if op in SEALS:
        log.keys_before_head()
    request = {"op": op, "args": args, "language": get_language() or "en"}
    reply = _here(request) if settings.VAULT_TRANSPORT == "here" else _over_socket(settings.VAULT_DOOR, request)
    if "answer" in reply:
        return reply["answer"]
    if "refused" in reply:
        raise Refused(reply["refused"], reason=reply.get("reason", "refused"))
    raise VaultFault(reply.get("fault", "no answer"))


def _here(request: dict[str, Any]) -> Any:
    from answerable.vault import service

    asked = frames.unpack(frames.pack(request)[4:])
    door = "office" if service.answering() else settings.VAULT_DOOR
    return frames.unpack(frames.pack(service.perform(door, asked))[4:])


_kept = threading.local()


def _over_socket(door: str, request: dict[str, Any]) -> Any:
    packed = frames.pack(request)
    path = str(socket_path(door))
    for fresh in (False, True):
        connection = None if fresh else getattr(_kept, "connection", None)
        if connection is not None and select.select([connection], [], [], 0)[0]:
            # Readable before anything was asked: the vault closed it, idle or restarted.
            _drop(connection)
            connection = None
        if connection is None and not fresh:
            continue
        sent = False
        try:
            if connection is None:
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(path)
            connection.sendall(packed)
            sent = True
            reply = frames.read(connection)
        except (OSError, frames.Torn):
            reply = None
        if reply is None:
            _drop(connection)
            # What may have been carried out is not asked a second time, unless that does no harm.
            if sent and request["op"] not in SAFE_TWICE:
                raise VaultLate(
                    _("The vault has not answered in time, so it is not known yet whether this was done. Look at the page again "
                      "in a minute, before you do it once more."),
                    reason="vault_late",
                )  # fmt: skip
            continue
        _kept.connection = connection
        return reply
    raise VaultAway(
        _("The vault does not answer, so nothing can be sealed, opened or recorded now. Nothing was changed; try again "
          "in a minute, and tell the office if it stays so."),
        reason="vault_away",
    )  # fmt: skip


# What waits for a lock in the keys' database: never asked with the record's head in hand, which whoever has that lock waits
# for (`record.log.keys_before_head`). tests/security/test_lock_order.py reads from the source that none is missing.
SEALS = frozenset(
    {
        "seal", "seal_many", "seal_identity", "seal_question", "put_data_key", "keep_draft_file", "door_seal", "door_new",
        "evidence_take", "evidence_redact", "evidence_excerpt", "evidence_proof", "question_file", "enrol", "add_passkey",
        "end_passkey", "change_passphrase", "replace_key", "grant_recovery", "stop_recovery", "found_root", "change_keepers",
        "new_compartment", "admit", "remove_reader", "rotate", "fill_seat", "apply_handover", "enter_escrow_key", "record_escrow",
        "escrow_room", "shred", "shred_lapsed", "shred_undone",
    }
)  # fmt: skip
SAFE_TWICE = frozenset(
    {"status", "salt", "salts", "marks", "marks_of_pseudonyms", "touch", "end_session", "end_sessions_of"}
)


def _drop(connection: socket.socket | None) -> None:
    _kept.connection = None
    if connection is not None:
        connection.close()


def answers(door: str, *, wait: float = 0.0) -> bool:
    """Whether the vault answers at a door's socket, within so many seconds."""
    deadline = time.monotonic() + wait
    while True:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.settimeout(2)
                s.connect(str(socket_path(door)))
                s.sendall(frames.pack({"op": "status", "args": {}}))
                return frames.read(s) is not None
        except (OSError, frames.Torn):
            pass
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)


# --- what lower apps ask through named questions ------------------------------------------------------------------


def salt(index: int, subject: str) -> bytes:
    """The salt of a record entry."""
    answer: bytes = ask("salt", index=index, subject=subject)
    return answer


def prove(handle: str, passphrase: str) -> bool:
    """A passphrase opens a person's key, for a moment and no longer. Raises Refused when it does not."""
    ask("end_session", token=ask("sign_in", handle=handle, passphrase=passphrase)["token"])
    return True


def give_role(by: Any, subject: str, person: str, role: str, step: str) -> bool:
    """Someone asks for or confirms a role, or lets a person return: told to the vault in their own session."""
    token = by.session_token or by.vault_session or ""
    return bool(ask("give_role", token=token, subject=subject, person=person, role=role, step=step))


def end_sessions_of(person: str) -> None:
    """What a person may do has changed: their sessions with the vault end at once.

    A vault that does not answer opens nothing either, and compares the person's epoch before it opens anything again.
    """
    try:
        ask("end_sessions_of", person=person)
    except (Refused, VaultFault):
        return


def salts(pairs: Sequence[Any]) -> list[bytes | None]:
    """Salts of many entries in order, None where shredded."""
    answer: list[bytes | None] = ask("salts", pairs=list(pairs))
    return answer
