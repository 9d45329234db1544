"""The keys behind the channel's codes. Runs in the vault process only (security.md §2.5).

A code's locator finds its row through a pepper that is in no database; its secret, stretched with the row's own salt,
opens the key for new messages; secret and PIN together open the key of her own page. Whatever was typed costs the same
two stretchings, the same questions to the database and the same attempt to open: a wrong code, a wrong PIN and a right
code that has nothing to show cannot be told apart by time.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import pepper, primitives, seal, stretching, userkeys
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.models import ChannelDraft, ChannelKey, ChannelWrap
from answerable.vault.primitives import Unopenable

# One byte in front, like every other format (seal.py): a private key under what a code stretches to.
DOOR = b"\x0d"
PRODUCTION = userkeys.KdfParameters(memory_kib=64 * 1024, iterations=3, lanes=1)
DRAFT_DAYS = 90
# Short messages are filled up to 1 KiB, so that "yes" and a paragraph look alike; then 4 KiB, 16 KiB.
SHORTEST = 300
NONE = "-"


class CodeOf(Protocol):
    """A code of the channel, as its two parts."""

    @property
    def locator(self) -> str: ...

    @property
    def secret(self) -> str: ...


def cost() -> userkeys.KdfParameters:
    """What a stretching costs here: 64 MiB, three passes; next to nothing in the demonstration and in tests."""
    active = userkeys.active_parameters()
    return PRODUCTION if active == userkeys.PRODUCTION or settings.DOOR_AT_FULL_COST else active


def lookup(locator: str) -> bytes:
    """Where a locator's row is found."""
    return hmac.digest(primitives.derive(pepper.held(), "channel-locator"), locator.encode(), "sha256")


def receipt(ref: str, attempt: int = 0) -> str:
    """Ten digits that show a submission was received, and tell whoever finds them nothing."""
    mac = hmac.digest(primitives.derive(pepper.held(), "channel-receipt"), f"{ref}|{attempt}".encode(), "sha256")
    return f"{int.from_bytes(mac[:16], 'big') % 10**10:010d}"


def marks(kind: str, texts: Sequence[str]) -> list[str]:
    """A keyed digest of each text, 64 hex digits: the same text again has the same mark; nobody without the pepper can
    try out what a text might have been. `kind` keeps marks of different things apart.
    """
    key = primitives.derive(pepper.held(), f"mark/{kind}")
    return [hmac.digest(key, t.encode("utf-8", "surrogatepass"), "sha256").hex() for t in texts]


def _context(channel: str, level: str) -> bytes:
    return f"answerable-door/1|{channel}|{level}".encode()


def _wrapped(key: bytes, private: bytes, channel: str, level: str) -> tuple[bytes, bytes]:
    """(commitment, wrapped private key): the commitment is compared before anything is decrypted."""
    sealed = primitives.aead_seal(primitives.derive(key, "wrap"), private, _context(channel, level))
    return primitives.derive(key, "commit"), DOOR + sealed


def _opened(key: bytes, commitment: bytes, wrapped: bytes, channel: str, level: str) -> bytes | None:
    right = primitives.same(primitives.derive(key, "commit"), commitment)
    try:
        private = primitives.aead_open(
            primitives.derive(key, "wrap"), seal.without_header(DOOR, wrapped), _context(channel, level)
        )
    except Unopenable:
        return None
    return private if right else None


def _stretched(code: CodeOf, pin: str, salt: bytes) -> tuple[bytes, bytes]:
    alone = code.secret.encode()
    return stretching.door_keys((alone, alone + b"|" + pin.encode()), (salt[:16], salt[16:]), cost())


def _row(channel: str, code: CodeOf, pin: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    salt = primitives.random_bytes(32)
    alone, together = _stretched(code, pin, salt)
    if not pin:
        together = primitives.random_bytes(32)  # a page nobody opens, which looks like any other
    row: dict[str, Any] = {"salt": salt}
    privates = {}
    for level, key in (("new", alone), ("page", together)):
        public, private = seal.new_key_pair()
        row[f"{level}_public"] = public
        row[f"{level}_commitment"], row[f"{level}_private"] = _wrapped(key, private, channel, level)
        privates[level] = private
    return row, privates


def taken(locator: str) -> bool:
    """Whether a locator finds a row already; a fresh code is drawn again then."""
    return ChannelKey.objects.filter(lookup=lookup(locator)).exists()


def put(channel: str, code: CodeOf, pin: str) -> dict[str, bytes]:
    """Keys for a channel under a code and, if there is one, a PIN. Keys it had before end: old codes open nothing.

    What was wrapped to the old keys goes with them; staff keep their own way to every message. Returns the private keys
    by level, for the session of whoever made the code just now.
    """
    row, privates = _row(channel, code, pin)
    with transaction.atomic(using="keys"):
        close(channel)
        ChannelKey.objects.create(lookup=lookup(code.locator), channel=channel, made_at=clock.now(), **row)
    return privates


def close(channel: str) -> None:
    """End a channel's keys: its code opens nothing any more, and looks like one that never did."""
    with transaction.atomic(using="keys"):
        ChannelKey.objects.filter(channel=channel).delete()
        ChannelWrap.objects.filter(channel=channel).delete()
        ChannelDraft.objects.filter(channel=channel).delete()


def has_keys(channel: str) -> bool:
    """Whether anyone can come back to this channel."""
    return ChannelKey.objects.filter(channel=channel).exists()


def change_pin(channel: str, code: CodeOf, pin: str, page_private: bytes) -> bool:
    """Another PIN for her page; the page's own key, and so everything on it, stays. False for a code that is not hers."""
    row = ChannelKey.objects.filter(channel=channel, lookup=lookup(code.locator)).first()
    alone, together = _stretched(code, pin, bytes(row.salt) if row else primitives.random_bytes(32))
    if row is None or not primitives.same(primitives.derive(alone, "commit"), bytes(row.new_commitment)):
        return False
    with transaction.atomic(using="keys"):
        row.page_commitment, row.page_private = _wrapped(together, page_private, channel, "page")
        row.save(update_fields=["page_commitment", "page_private"])
    return True


@dataclass(frozen=True, repr=False)
class Opening:
    """What a code opened: "page", "new", or "" for nothing; and the data keys wrapped for that level, by message.

    `known` says that the code exists, whatever the PIN: for counting tried PINs, never for an answer.
    """

    level: str
    channel: str
    private: bytes
    wraps: dict[str, bytes]
    has_draft: bool
    known: bool = False


@cache
def _decoy() -> ChannelKey:
    class _Nobody:
        locator, secret = "000000", primitives.random_bytes(16).hex()

    row, _privates = _row(NONE, _Nobody(), primitives.random_bytes(4).hex())
    return ChannelKey(lookup=b"", channel=NONE, **row)


def enter(code: CodeOf, pin: str) -> Opening:
    """What this code, with this PIN or none, opens. Raises Refused when too many wait at the door, whatever was typed."""
    decoy = _decoy()
    row = ChannelKey.objects.filter(lookup=lookup(code.locator)).first() or decoy
    alone, together = _stretched(code, pin, bytes(row.salt))
    new = _opened(alone, bytes(row.new_commitment), bytes(row.new_private), row.channel, "new")
    page = _opened(together, bytes(row.page_commitment), bytes(row.page_private), row.channel, "page")
    level, private = ("page", page) if pin and new and page else ("new", new) if new and not pin else ("", None)
    channel = row.channel if private else NONE
    wraps = ChannelWrap.objects.filter(channel=channel, level=level or "new").values_list("subject", "wrapped")
    found = {subject: bytes(wrapped) for subject, wrapped in wraps}
    # A draft under her page's key is nothing to whoever has the paper alone.
    has_draft = open_draft(channel, private or b"", level or "new") is not None
    return Opening(level, channel, private or b"", found, has_draft, known=new is not None)


# --- messages -----------------------------------------------------------------------------------------------------


def _wrap_context(channel: str, subject: str, level: str) -> bytes:
    return f"answerable-message/1|{channel}|{subject}|{level}".encode()


def padded(text: str) -> str:
    """A text no shorter than what fills the smallest size a message is kept in."""
    return text.rstrip() + " " * max(0, SHORTEST - len(text.rstrip().encode("utf-8", "surrogatepass")))


def seal_message(channel: str, subject: str, compartment: str, text: str, levels: Sequence[str]) -> bytes:
    """Seal one message for its compartment and for these of her own keys; the data key is then forgotten.

    A channel without keys (hers were closed, or it never had any) is sealed for the compartment alone.
    """
    dek = seal.new_data_key()
    roomkeys.put_data_key(subject, compartment, dek)
    return _sealed_to_her(channel, subject, text, levels, dek)


def seal_for_her(channel: str, subject: str, text: str, levels: Sequence[str] = ("new", "page")) -> bytes:
    """Seal one message for her own keys and for nobody else: no compartment reads it."""
    return _sealed_to_her(channel, subject, text, levels, seal.new_data_key())


def _sealed_to_her(channel: str, subject: str, text: str, levels: Sequence[str], dek: bytes) -> bytes:
    row = ChannelKey.objects.filter(channel=channel).first()
    if row is not None:
        with transaction.atomic(using="keys"):
            for level in levels:
                public = bytes(row.new_public if level == "new" else row.page_public)
                ChannelWrap.objects.create(
                    channel=channel, subject=subject, level=level,
                    wrapped=seal.wrap(public, dek, _wrap_context(channel, subject, level)),
                )  # fmt: skip
    context = seal.field_context(vaultkeys.NODE, subject, "Message", "text", 1)
    return seal.seal_field(dek, padded(text).encode("utf-8", "surrogatepass"), context)


def open_message(opening_private: bytes, channel: str, subject: str, level: str, wrapped: bytes, blob: bytes) -> str:
    """One message with her own key. Raises Unopenable."""
    dek = seal.unwrap(opening_private, wrapped, _wrap_context(channel, subject, level))
    try:
        return roomkeys.open_with(dek, subject, "Message", {"text": blob})["text"].rstrip()
    except Refused as no:
        if no.reason != "vault_locked":
            raise
        return _("This was locked in your browser. It is kept, and can be read here again once the office is open.")


def wraps(channel: str, level: str) -> dict[str, bytes]:
    """Wrapped data keys of a channel's messages for one level, by message."""
    found = ChannelWrap.objects.filter(channel=channel, level=level).values_list("subject", "wrapped")
    return {subject: bytes(wrapped) for subject, wrapped in found}


def forget_new(channel: str, subjects: Sequence[str]) -> None:
    """Take the copies for `new` away: the code alone shows only what is new."""
    with transaction.atomic(using="keys"):
        ChannelWrap.objects.filter(channel=channel, level="new", subject__in=list(subjects)).delete()


# --- drafts -------------------------------------------------------------------------------------------------------


def save_draft(channel: str, text: str, level: str) -> None:
    """Keep what she began, sealed to her own key at this level, for ninety days."""
    row = ChannelKey.objects.get(channel=channel)
    dek = seal.new_data_key()
    public = bytes(row.page_public if level == "page" else row.new_public)
    with transaction.atomic(using="keys"):
        ChannelDraft.objects.update_or_create(
            channel=channel,
            defaults={
                "wrapped": seal.wrap(public, dek, _wrap_context(channel, "draft", level)),
                "sealed": seal.seal_field(dek, text.encode("utf-8", "surrogatepass"), _context(channel, "draft")),
                "until": clock.today() + timedelta(days=DRAFT_DAYS),
            },
        )


def open_draft(channel: str, private: bytes, level: str) -> str | None:
    """What she saved, or None when there is nothing (left) that this key opens."""
    row = ChannelDraft.objects.filter(channel=channel, until__gte=clock.today()).first()
    if row is None:
        return None
    try:
        dek = seal.unwrap(private, bytes(row.wrapped), _wrap_context(channel, "draft", level))
    except Unopenable:
        return None
    return seal.open_field(dek, bytes(row.sealed), _context(channel, "draft")).decode("utf-8", "surrogatepass")


def drop_draft(channel: str) -> None:
    """Delete a draft: it was sent, or is no longer wanted."""
    with transaction.atomic(using="keys"):
        ChannelDraft.objects.filter(channel=channel).delete()


def drop_old() -> int:
    """Delete drafts past their ninety days; returns how many."""
    with transaction.atomic(using="keys"):
        return ChannelDraft.objects.filter(until__lt=clock.today()).delete()[0]
