"""The three seats: what is sealed to them, and how one changes hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault import identity, primitives, seal
from answerable.vault.bundles import asking, seating
from answerable.vault.keyroom import roomkeys, vaultkeys
from answerable.vault.models import EscrowRecord, HandoverPart, IdentityBlock, Seat

# No compartment has this name: whoever seals an identity holds it together with others, a handover alone.
SEATS = "|seats"


def seal_identity(subject: str, fields: Mapping[str, str]) -> None:
    """Who someone is, for the three seats, any two of which open it. Raises Refused while a seat is empty."""
    with roomkeys.held(SEATS):
        seats = list(Seat.objects.order_by("name"))
        if len(seats) != 3:
            raise Refused(
                _("Identities cannot be taken in until the three identity seats are filled."), reason="no_seats"
            )
        block = identity.seal_identity(dict(fields), [(s.name, bytes(s.public_key)) for s in seats], subject)
        given = sorted(name for name, text in fields.items() if text.strip())
        IdentityBlock.objects.create(subject=subject, block=block.to_bytes(), fields=given, sealed_at=clock.now())


def seal_question(interview: str, text: str) -> tuple[bytes, dict[str, bytes]]:
    """Who someone is, for the three seats to say whether she told before; each reads it alone. Raises Refused while a seat is empty."""
    with roomkeys.held(SEATS):
        seats = list(Seat.objects.order_by("name"))
        if len(seats) != 3:
            raise Refused(
                _("The custodians cannot be asked until the three identity seats are filled."), reason="no_seats"
            )
        return asking.seal_question(interview, text, [(s.name, bytes(s.public_key)) for s in seats])


def fill_seat(name: str, body: str, public: bytes) -> str:
    """Enter the public key of an identity seat. Raises Refused; returns the fingerprint."""
    if len(public) != primitives.PUBLIC_SIZE:
        raise Refused(_("That is not a seat's public key. Give the file that `answerable custodian new-seat` wrote."),
                      reason="key")  # fmt: skip
    with transaction.atomic(using="keys"):
        if Seat.objects.filter(name=name).exists() or Seat.objects.filter(body=body).exists():
            raise Refused(
                _("That seat, or a seat of that body, is already filled; three seats sit in three bodies."),
                reason="duplicate",
            )
        if Seat.objects.count() >= 3:
            raise Refused(_("The three seats are filled."), reason="duplicate")
        Seat.objects.create(name=name, body=body, public_key=public)
    return seal.fingerprint(public)


def seats() -> list[dict[str, str]]:
    """The seats that are filled: name, body, fingerprint, whether their key is in escrow."""
    kept = dict(EscrowRecord.objects.values_list("secret", "public_key_sha256"))
    found = []
    for seat in Seat.objects.order_by("name"):
        fingerprint = seal.fingerprint(bytes(seat.public_key))
        escrowed = "yes" if f"seat: {seat.name}" in kept else ""
        found.append({"name": seat.name, "body": seat.body, "public_key_sha256": fingerprint, "escrowed": escrowed})
    return found


def has_identity(subject: str) -> bool:
    """Whether someone's identity was sealed under a reference."""
    return IdentityBlock.objects.filter(subject=subject).exists()


def identity_fields(subject: str) -> list[str] | None:
    """Names of the fields of an identity that were given; None when it was sealed before that was kept."""
    return IdentityBlock.objects.filter(subject=subject).values_list("fields", flat=True).first()


def identity_block(subject: str) -> identity.IdentityBlock:
    """The sealed identity of a reference. Raises Refused when there is none, or it was shredded."""
    row = IdentityBlock.objects.filter(subject=subject).first()
    if row is None:
        raise Refused(_("No identity is sealed here: none was given, or it has been shredded."), reason="no_identity")
    return identity.IdentityBlock.from_bytes(bytes(row.block))


BLOCKS_AT_ONCE = 500
PART_SIZE = 4 * 1024 * 1024
MOST_PARTS = 4096


def _challenge(seat: str, fingerprint: str) -> bytes:
    """What the vault seals to a seat's present key: whoever says something under it holds the private half of that key.

    Of the root key, so that it is the same after a start and lies nowhere; another one for each key a seat ever had.
    """
    return primitives.derive(vaultkeys.root(), f"handover-challenge/1|{seat}|{fingerprint}")


def blocks_after(seat: str, subject: str) -> tuple[bytes, int, str]:
    """Some identity blocks as lines of the custodian program, how many, and where to go on ("" at the end).

    The file begins with what only the seat's present key opens. Raises Refused while the vault is locked.
    """
    rows = list(IdentityBlock.objects.filter(subject__gt=subject).order_by("subject")[:BLOCKS_AT_ONCE])
    lines = [seating.block_line(identity.IdentityBlock.from_bytes(bytes(r.block))) for r in rows]
    if not subject:
        public = bytes(Seat.objects.get(name=seat).public_key)
        lines.insert(0, seating.blocks_head(seat, public, _challenge(seat, seal.fingerprint(public))))
    return b"".join(lines), len(rows), rows[-1].subject if len(rows) == BLOCKS_AT_ONCE else ""


def put_handover_part(seat: str, number: int, data: bytes) -> None:
    """Keep a part of a handover file; part 0 begins anew. Raises Refused for more than such a file can have."""
    if not 0 <= number < MOST_PARTS or len(data) > PART_SIZE:
        raise Refused(_("The file is larger than a handover can be."), reason="size")
    with transaction.atomic(using="keys"):
        if number == 0:
            HandoverPart.objects.filter(seat=seat).delete()
        HandoverPart.objects.update_or_create(seat=seat, number=number, defaults={"data": data})


class _Parts:
    """The parts of a handover read as one file, one at a time."""

    def __init__(self, seat: str) -> None:
        self._numbers = iter(HandoverPart.objects.filter(seat=seat).order_by("number").values_list("pk", flat=True))
        self._rest = b""

    def _more(self) -> bool:
        pk = next(self._numbers, None)
        if pk is None:
            return False
        self._rest += bytes(HandoverPart.objects.get(pk=pk).data)
        return True

    def readline(self, limit: int = -1) -> bytes:
        while b"\n" not in self._rest and (limit < 0 or len(self._rest) < limit) and self._more():
            pass
        end = self._rest.find(b"\n") + 1 or len(self._rest)
        end = min(end, limit) if limit >= 0 else end
        line, self._rest = self._rest[:end], self._rest[end:]
        return line

    def read(self, size: int = -1) -> bytes:
        while (size < 0 or len(self._rest) < size) and self._more():
            pass
        size = len(self._rest) if size < 0 else size
        out, self._rest = self._rest[:size], self._rest[size:]
        return out


def apply_handover(name: str) -> dict[str, Any]:
    """Take a handover in, whole or not at all: every block but for this seat's shares as it was, then the seat's new key.

    Raises Refused when the seat's present key did not make it, when a block differs elsewhere, when one is missing that
    came in meanwhile, or the file was cut.
    """
    with roomkeys.held(SEATS, alone=True):
        seat = Seat.objects.select_for_update().filter(name=name).first()
        if seat is None:
            raise Refused(_("There is no such seat."), reason="nothing")
        old = seal.fingerprint(bytes(seat.public_key))
        challenge = _challenge(name, old)
        head, blocks = seating.open_handover(_Parts(name), lambda _head: challenge)  # type: ignore[arg-type]
        if head.seat != name or head.old_fingerprint != old:
            raise Refused(
                _("The file hands over another seat, or another key than this seat has now."), reason="handover"
            )
        if Seat.objects.filter(public_key=head.new_public).exists():
            raise Refused(_("A seat has this key already; three seats have three different keys."), reason="duplicate")
        seen: set[str] = set()
        for after in blocks:
            row = IdentityBlock.objects.filter(subject=after.subject).first()
            if row is None:
                continue  # shredded since the file was made
            before = identity.IdentityBlock.from_bytes(bytes(row.block))
            if after.subject in seen or not identity.only_this_seat_changed(before, after, name):
                raise Refused(
                    _("Something other than this seat's shares was changed in the file. Nothing was taken in; tell the "
                      "inspectors."),
                    reason="handover",
                )  # fmt: skip
            seen.add(after.subject)
            row.block = after.to_bytes()
            row.save(update_fields=["block"])
        missing = IdentityBlock.objects.exclude(subject__in=seen).count()
        if missing:
            raise Refused(
                _("%(n)d identities came in since the file was made. Take the blocks again and run the handover again; "
                  "it goes on where it stopped.") % {"n": missing},
                reason="incomplete",
            )  # fmt: skip
        seat.public_key = head.new_public
        seat.save(update_fields=["public_key"])
        EscrowRecord.objects.filter(secret=f"seat: {name}").delete()
    return {"old_sha256": old, "new_sha256": seal.fingerprint(head.new_public), "blocks": len(seen)}


def forget_handover(name: str) -> None:
    """Throw the parts of a handover away, taken in or not."""
    with transaction.atomic(using="keys"):
        HandoverPart.objects.filter(seat=name).delete()
