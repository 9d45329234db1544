"""How the office and the doors seal on arrival: they ask the vault, which makes a data key per object and forgets it.

Called inside the action that stores the object. Sealing needs public keys only, so it works while the vault is locked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from answerable.common.errors import Refused
from answerable.vault.client import ask

NODE = "alliance"


def seal_fields(
    subject: str, compartment: str, model: str, fields: Mapping[str, str], *, delivery: str = ""
) -> dict[str, bytes]:
    """Seal each text of one new object; returns ciphertext by field name.

    `delivery` names what it came in with, while that may be taken out again: an undoing destroys only keys that were
    sealed under its name.

    Empty texts are sealed like full ones, so that a blank field looks like any other. Raises Refused when the
    compartment was never opened, or the vault does not answer.
    """
    answer: dict[str, bytes] = ask(
        "seal", subject=subject, compartment=compartment, model=model, fields=dict(fields), delivery=delivery
    )
    return answer


def seal_many(
    compartment: str, rows: Sequence[tuple[str, str, Mapping[str, str], str]], *, delivery: str = ""
) -> list[dict[str, bytes]]:
    """As `seal_fields` for many new objects (reference, model, texts, the draft it is part of or ""), in order; at most 2,000 and 12 MB of text at once.

    Asked outside an action, since nothing is recorded: a key whose object is never stored opens nothing.
    """
    answer: list[dict[str, bytes]] = ask(
        "seal_many", compartment=compartment, rows=[list(r) for r in rows], delivery=delivery
    )
    return answer


def marks(kind: str, texts: Sequence[str]) -> list[str]:
    """What recognises each text when it comes again, and tells nothing about it (64 hex digits); of the kinds that
    operations.MARKED names.
    """
    answer: list[str] = ask("marks", kind=kind, texts=list(texts))
    return answer


def seal_identity(subject: str, fields: Mapping[str, str]) -> None:
    """Seal who someone is for the three identity seats, any two of which open it (security.md §2.2)."""
    ask("seal_identity", subject=subject, fields=dict(fields))


def open_fields(ref: str, fields: Sequence[str], *, purpose: str, token: str | None) -> dict[str, str]:
    """Sealed fields of one object in plain text, for one purpose, in the session of whoever asks.

    The vault checks policy, live consent and the day's budget, writes its record entry, then answers. Raises Refused.
    """
    if not token:
        raise Refused(_("Your key is locked. Unlock it to read what is sealed."), reason="locked")
    answer: dict[str, str] = ask("open", token=token, ref=ref, fields=list(fields), purpose=purpose)
    return answer
