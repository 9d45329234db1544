"""Compartments and seats: who is let in, taken out, and with which keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.common.errors import Refused
from answerable.vault import seal, standing
from answerable.vault.keyroom import roomkeys, seatkeys
from answerable.vault.operations import sessions
from answerable.vault.service import operation


@operation("new_compartment", "office")
def new_compartment(token: str, name: str, readers: Sequence[str]) -> str:
    """Open a compartment for its first readers."""
    by = sessions.vouched(token, "open_compartment", "compartments")
    standing.check_settled(readers, lambda p: _covers(p, name))
    with sessions.entered_first("compartment opened", name, act="open_compartment", by=by) as detail:
        fingerprint = roomkeys.new_compartment(name, list(readers))
        detail |= {"readers": sorted(readers), "public_key_sha256": fingerprint}
    return fingerprint


def _covers(person: Person, name: str) -> bool:
    return any(name == s or name.startswith(f"{s}/") for s in person.principal().compartments)


@operation("admit", "office")
def admit(token: str, name: str, person: str) -> bool:
    """Let another person read a compartment, with the key of someone who does."""
    by, private = sessions.reader(token)
    sessions.vouched(token, "admit_reader", "compartments")
    theirs = standing.at_work(ref=person)
    if theirs is None or not _covers(theirs, name):
        raise Refused(_("Their roles do not cover this compartment. Ask for the role first."), reason="not_authorised")
    standing.check_settled([person], lambda p: _covers(p, name))
    with sessions.entered_first("reader admitted", name, act="admit_reader", by=by) as detail:
        roomkeys.admit_reader(name, person, by=by.ref, private=private)
        detail["person"] = person
    return True


@operation("remove_reader", "office")
def remove_reader(token: str, name: str, person: str) -> int:
    """Take a reader's wrap of a compartment away."""
    by = sessions.vouched(token, "remove_reader", "compartments")
    # Whoever leads the work of one room takes nobody out of another; the registrar acts on every departure.
    if "registrar" not in by.roles and not roomkeys.reads(by.ref, name):
        raise Refused(
            _("Only the registrar, or someone who reads this compartment, takes a reader out of it."), reason="no_key"
        )
    with sessions.entered_first("reader removed", name, act="remove_reader", by=by) as detail:
        removed = roomkeys.remove_reader(name, person)
        if not removed:
            raise Refused(_("They do not read this compartment."), reason="no_key")
        detail["person"] = person
    return removed


@operation("rotate", "office")
def rotate(token: str, name: str) -> dict[str, Any]:
    """A new key pair for a compartment; every data key in it is wrapped again."""
    by, private = sessions.reader(token)
    sessions.vouched(token, "rotate_compartment", "compartments")
    with sessions.entered_first("compartment rotated", name, act="rotate_compartment", by=by) as detail:
        detail |= roomkeys.rotate(name, by=by.ref, private=private)
    return dict(detail)


@operation("rooms", "office")
def rooms() -> list[dict[str, Any]]:
    """Compartments with their readers' references and fingerprints, for the vault's own page. No key."""
    from answerable.vault.models import Compartment

    return [
        {"name": c.name, "public_key_sha256": seal.fingerprint(bytes(c.public_key)), "made_at": c.made_at.isoformat(),
         "readers": sorted(r.person for r in c.readers.all())}
        for c in Compartment.objects.prefetch_related("readers").order_by("name")
    ]  # fmt: skip


@operation("fill_seat", "office")
def fill_seat(token: str, name: str, body: str, public_key: bytes) -> str:
    """Enter a seat's public key."""
    by = sessions.vouched(token, "fill_seat", "seats")
    with sessions.entered_first("identity seat filled", name, act="fill_seat", by=by) as detail:
        detail["public_key_sha256"] = fingerprint = seatkeys.fill_seat(name, body, public_key)
    return fingerprint
