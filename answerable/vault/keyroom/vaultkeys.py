"""The root key, who keeps it, and the pairs of keys that are the vault's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import primitives, rootkey, seal
from answerable.vault.chamber import CHAMBER
from answerable.vault.models import PersonKey, RootKey, ServiceKey

NODE = "alliance"


def root() -> bytes:
    """The root key of the unlocked vault. Raises Refused while it is locked."""
    if CHAMBER.is_locked() or CHAMBER.root is None:
        raise Refused(
            _("The vault is locked, so nothing sealed can be opened. Two keepers unlock it, each with their own key."),
            reason="vault_locked",
        )
    return CHAMBER.root


def found_root(keepers: Sequence[str]) -> bytes:
    """Make the root key, once, and leave each pair of keepers their pieces. The vault is open afterwards.

    Returns the root key, for the demonstration alone; whoever calls it otherwise forgets it.
    """
    with transaction.atomic(using="keys"):
        if RootKey.objects.exists():
            raise Refused(_("This vault has its root key already."), reason="founded")
        fresh = primitives.random_bytes(32)
        RootKey.objects.create(**_split(fresh, keepers))
    CHAMBER.unlock(fresh)
    return fresh


def change_keepers(keepers: Sequence[str]) -> None:
    """Pieces for other keepers, while the vault is open; the pieces of those who are no longer named are gone."""
    held = root()
    with transaction.atomic(using="keys"):
        row = RootKey.objects.select_for_update().get()
        for name, value in _split(held, keepers).items():
            setattr(row, name, value)
        row.save()


def _split(root_key: bytes, keepers: Sequence[str]) -> dict[str, Any]:
    keys = {k.person: bytes(k.public_key) for k in PersonKey.objects.filter(person__in=keepers)}
    if len(keys) != len(set(keepers)) or not 2 <= len(keys) <= 7:
        raise Refused(_("Two to seven keepers, each with a key of their own, keep the vault."), reason="keepers")
    pieces = rootkey.split(root_key, sorted(keys.items()))
    return {
        "pieces": {name: blob.hex() for name, blob in pieces.items()},
        "check_value": rootkey.check_value(root_key),
        "made_at": clock.now(),
    }


def keepers() -> list[str]:
    """References of those who keep the vault."""
    row = RootKey.objects.first()
    return sorted({name.partition("|")[2] for name in row.pieces}) if row else []


def bring_half(person: str, private: bytes) -> bool:
    """A keeper's half; True when it was the second and the vault is open. Raises Refused for whoever keeps none."""
    row = RootKey.objects.first()
    if row is None or person not in keepers():
        raise Refused(_("You are not one of this vault's keepers."), reason="keepers")
    pieces = {name: bytes.fromhex(blob) for name, blob in row.pieces.items()}
    return CHAMBER.bring(person, rootkey.halves(pieces, person, private), bytes(row.check_value))


def service_public(name: str) -> bytes:
    """The public key of one of the vault's own pairs, made on first use; needs an open vault that first time only."""
    row = ServiceKey.objects.filter(name=name).first()
    if row is None:
        public, private = seal.new_key_pair()
        sealed = rootkey.seal_at_rest(root(), private, f"service|{name}".encode())
        with transaction.atomic(using="keys"):
            row, _made = ServiceKey.objects.get_or_create(
                name=name, defaults={"public_key": public, "sealed_private": sealed}
            )
    return bytes(row.public_key)


def service_known(name: str) -> bytes:
    """The public key of one of the vault's own pairs where there is one, or nothing; makes none."""
    row = ServiceKey.objects.filter(name=name).first()
    return bytes(row.public_key) if row else b""


def service_private(name: str) -> bytes:
    """The private half of one of the vault's own pairs. Raises Refused while the vault is locked."""
    row = ServiceKey.objects.filter(name=name).first()
    if row is None:
        raise Refused(_("Nothing was ever sealed for this."), reason="no_key")
    return rootkey.open_at_rest(root(), bytes(row.sealed_private), f"service|{name}".encode())
