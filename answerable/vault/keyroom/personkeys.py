"""Keys of persons: under their passphrase or a passkey, and replaced when they are lost."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import seal
from answerable.vault.models import Authenticator, PersonKey, Reader, RootKey


def put_person_key(person: str, public: bytes, wrapped: bytes) -> str:
    """Enter a person's key pair, once. Returns the public key's fingerprint. Raises Refused."""
    with transaction.atomic(using="keys"):
        if not RootKey.objects.exists():
            # A founding that was interrupted begins again: nothing was ever sealed to these keys.
            PersonKey.objects.filter(person=person).delete()
        if PersonKey.objects.filter(person=person).exists():
            raise Refused(_("This person already has a key."), reason="duplicate")
        PersonKey.objects.create(person=person, public_key=public, wrapped_private=wrapped, made_at=clock.now())
    return seal.fingerprint(public)


def rewrap(person: str, wrapped: bytes) -> None:
    """The same private key under another passphrase."""
    with transaction.atomic(using="keys"):
        PersonKey.objects.filter(person=person).update(wrapped_private=wrapped)


def passkeys_of(person: str) -> list[Authenticator]:
    """A person's passkeys that are not ended, oldest first."""
    return list(Authenticator.objects.filter(person=person, ended=False).order_by("pk"))


def passkey(credential_id: bytes) -> Authenticator | None:
    """The passkey of a credential's id, if it is not ended."""
    return Authenticator.objects.filter(credential_id=credential_id, ended=False).first()


def put_passkey(person: str, made: Any, *, salt: bytes, wrapped: bytes, name: str, most: int) -> Authenticator:
    """Enter a passkey of a person. Raises Refused when it is known already or there are too many."""
    with transaction.atomic(using="keys"):
        # Locked, so that two browsers at once stay within the number.
        list(PersonKey.objects.select_for_update().filter(person=person))
        if Authenticator.objects.filter(credential_id=made.credential_id).exists():
            raise Refused(_("That passkey was registered before. Make a new one."), reason="duplicate")
        if Authenticator.objects.filter(person=person, ended=False).count() >= most:
            raise Refused(_("You have %(n)d passkeys already; end one first.") % {"n": most}, reason="range")
        return Authenticator.objects.create(
            person=person,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=made.transports,
            prf_salt=salt,
            wrapped_private=wrapped,
            name=name,
            made_at=clock.now(),
        )


def passkey_used(row: Authenticator, sign_count: int) -> bool:
    """Note a passkey's new count and the day; False when another use got there first with the same count."""
    with transaction.atomic(using="keys"):
        return bool(
            Authenticator.objects.filter(pk=row.pk, ended=False, sign_count=row.sign_count).update(
                sign_count=sign_count, last_used=clock.today()
            )
        )


def end_passkey(person: str, number: int, *, least: int) -> Authenticator:
    """End one of a person's passkeys; its wrap is gone. Returns it. Raises Refused for one of the last."""
    with transaction.atomic(using="keys"):
        list(PersonKey.objects.select_for_update().filter(person=person))
        mine = Authenticator.objects.filter(person=person, ended=False)
        row = mine.filter(pk=number).first()
        if row is None:
            raise Refused(_("You have no such passkey."), reason="unknown")
        if mine.count() <= least:
            raise Refused(
                _("This is your last passkey, and working here needs one. Add another first, then end this one."),
                reason="last",
            )
        row.ended, row.wrapped_private = True, b""
        row.save(update_fields=["ended", "wrapped_private"])
        return row


def replace_person_key(person: str, public: bytes, wrapped: bytes) -> dict[str, Any]:
    """A new key pair for someone who lost theirs: passkeys, reader's wraps and a keeper's pieces of the old one go.

    Returns the fingerprint and the compartments that others must admit them to again.
    """
    with transaction.atomic(using="keys"):
        key = PersonKey.objects.select_for_update().filter(person=person).first()
        if key is None:
            raise Refused(_("This person has no key to replace; the registrar enrols them."), reason="no_key")
        key.public_key, key.wrapped_private, key.made_at = public, wrapped, clock.now()
        key.save()
        Authenticator.objects.filter(person=person).update(ended=True, wrapped_private=b"")
        rooms = sorted(Reader.objects.filter(person=person).values_list("compartment__name", flat=True))
        Reader.objects.filter(person=person).delete()
        kept = False
        if (row := RootKey.objects.select_for_update().first()) is not None:
            # A piece under the lost key brings nothing back, and its other half none either.
            left = {n: blob for n, blob in row.pieces.items() if person not in n.partition("|")[0].split("+")}
            kept = len(left) != len(row.pieces)
            if kept:
                row.pieces = left
                row.save(update_fields=["pieces"])
    return {"public_key_sha256": seal.fingerprint(public), "compartments": rooms, "was_keeper": kept}


def person_public(person: str) -> bytes:
    """A person's public key. Raises Refused when they have none."""
    key = PersonKey.objects.filter(person=person).first()
    if key is None:
        raise Refused(_("They have no key yet; they must enrol one first."), reason="no_key")
    return bytes(key.public_key)
