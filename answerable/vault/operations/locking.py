"""The root key: who keeps it, opens the vault and locks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common.errors import Refused
from answerable.vault import actions, arrivals, recorded, seal, standing
from answerable.vault.chamber import CHAMBER
from answerable.vault.keyroom import vaultkeys
from answerable.vault.models import RootKey
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("status", "office", "channel", "host")
def status() -> dict[str, Any]:
    """Whether the vault is locked and was ever founded. Says nothing else."""
    return {"locked": CHAMBER.is_locked(), "founded": RootKey.objects.exists(), "why": CHAMBER.why_locked,
            "demonstration": CHAMBER.demonstration}  # fmt: skip


def _may_keep(keepers: Sequence[str]) -> list[str]:
    """The references of people at work here whose offices keep a vault. Raises Refused for anyone else."""
    for ref in keepers:
        person = standing.at_work(ref=ref)
        if person is None or not authority.allows(person, "keep_vault", Place("vault")):
            raise Refused(
                _("A vault is kept by the registrar, the administrator, safeguarding officers and custodians."),
                reason="keepers",
            )
    standing.check_settled(keepers, lambda p: authority.allows(p, "keep_vault", Place("vault")))
    return sorted(set(keepers))


@operation("found_root", "office")
def found_root(keepers: Sequence[str], founder: str) -> bool:
    """Make the root key for these keepers, once, and the key to which browsers seal; the vault is open afterwards."""
    by = sessions.vouched("", "found_vault", "vault", founder=founder)
    refs = _may_keep(keepers)
    with sessions.entered_first("vault founded", "VAULT", act="found_vault", by=by) as detail:
        vaultkeys.found_root(refs)
        door_key = seal.fingerprint(vaultkeys.service_public(arrivals.SERVICE))
        says = {"keepers": refs, "door_key_sha256": door_key}
        # From here on what the vault enters has its word, and nothing without one is believed as from before.
        detail |= {**says, recorded.WORD: recorded.word("vault founded", says)}
    return True


@operation("change_keepers", "office")
def change_keepers(token: str, keepers: Sequence[str]) -> bool:
    """Name other keepers while the vault is open. Those who are no longer named keep nothing."""
    by = sessions.vouched(token, "change_keepers", "vault")
    refs = _may_keep(keepers)
    with sessions.entered_first("keepers changed", "VAULT", act="change_keepers", by=by) as detail:
        vaultkeys.change_keepers(refs)
        detail["keepers"] = refs
    return True


@operation("keepers", "office")
def keepers() -> list[str]:
    """Who keeps the vault."""
    return vaultkeys.keepers()


@operation("bring_half", "office")
def bring_half(token: str) -> dict[str, Any]:
    """A keeper brings their half; with a second one's, the vault opens. Recorded either way."""
    person, _session, private = sessions.holder(token)
    actions.may_keep(person)
    was_locked = CHAMBER.is_locked()
    if not was_locked and person.ref not in vaultkeys.keepers():
        raise Refused(_("You are not one of this vault's keepers."), reason="keepers")
    opened = vaultkeys.bring_half(person.ref, private) if was_locked else False
    if not was_locked:
        CHAMBER.heard = _now()
    # Each unlocking names the key to which browsers seal from then on: one put in its place has no such entry.
    door_key = seal.fingerprint(vaultkeys.service_public(arrivals.SERVICE)) if opened else ""
    actions.note_half(opened=opened, was_locked=was_locked, door_key_sha256=door_key, by=person)
    return {"open": not CHAMBER.is_locked(), "opened": opened}


@operation("vault_state", "office")
def vault_state() -> dict[str, Any]:
    """Open or locked and why, who keeps it, whose half is here, when it was locked and how long ago a keeper was heard. No key."""
    here = CHAMBER.halves_brought()
    locked = CHAMBER.is_locked()
    return {
        "locked": locked,
        "why": CHAMBER.why_locked,
        "founded": RootKey.objects.exists(),
        "demonstration": CHAMBER.demonstration,
        "keepers": [{"person": k, "half": k in here} for k in vaultkeys.keepers()],
        "locked_at": CHAMBER.locked_at.isoformat() if locked else "",
        "heard_minutes": 0 if locked else int((_now() - CHAMBER.heard) // 60),
        "sessions": len(CHAMBER.sessions),
    }


def _now() -> float:
    from answerable.vault import chamber

    return chamber.seconds()


@operation("lock", "office")
def lock(token: str) -> bool:
    """Lock the vault at once: anyone who inspects or keeps it may. The lock comes first, its entry after."""
    person, _session, _private = sessions.holder(token)
    actions.may_lock(person)
    CHAMBER.lock("an inspector locked it")
    actions.note_lock(by=person)
    return True


@operation("lock_here", "host")
def lock_here() -> bool:
    """Lock from the vault's own machine, whoever is at it."""
    CHAMBER.lock("it was locked from its own machine")
    return True


@operation("locked_here", "host")
def locked_here() -> bool:
    """Whether the vault is locked."""
    return CHAMBER.is_locked()
