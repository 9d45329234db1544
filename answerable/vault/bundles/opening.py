"""On the way to an opened identity: the request, a share, the answer, and whose key was seen before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from answerable.engines import tlog
from answerable.vault import identity, seal
from answerable.vault.bundles import reading
from answerable.vault.bundles.reading import BadBundle, Fields, b64
from answerable.vault.identity import IdentityBlock
from answerable.vault.primitives import Unopenable

REQUEST, SHARE, ANSWER = "answerable-identity-request/1", "answerable-identity-share/1", "answerable-identity-answer/1"
BREAK_GLASS = timedelta(hours=72)  # security.md §2.4
# A machine without a network drifts; a clock further behind than this would open what has expired.
DRIFT = timedelta(hours=1)


@dataclass(frozen=True)
class IdentityRequest:
    """An approved request to open an identity, as its signed bundle says it. `digest` is the bundle's SHA-256, hex."""

    node: str
    request: str
    subject: str
    fields: tuple[str, ...]
    purpose: str
    recipient: str
    recipient_name: str
    recipient_key: bytes
    requested_by: str
    approved_by: str
    released_at: datetime
    valid_until: datetime
    break_glass: bool
    block: IdentityBlock
    leaf_index: int
    leaf: str
    signed_by: str
    digest: str

    @property
    def seats(self) -> tuple[str, ...]:
        """The names of the three seats, sorted."""
        return tuple(sorted({seat for _, _, seat in self.block.shares}))

    def require_open(self, at: datetime) -> None:
        """Raises BadBundle unless the request may be answered at this instant."""
        if at > self.valid_until:
            raise BadBundle(
                f"The request was valid until {reading.shown(self.valid_until)} and is not answered any more. "
                "If the identity is still needed, a new request has to be made and approved."
            )
        if at < self.released_at - DRIFT:
            raise BadBundle(
                f"This machine's clock says {reading.shown(at)}, but the request was released at {reading.shown(self.released_at)}. "
                "Set the clock right and try again."
            )


def build_request(
    signer: tlog.Signer,
    *,
    node: str,
    request: str,
    subject: str,
    fields: Sequence[str],
    purpose: str,
    recipient: str,
    recipient_name: str,
    recipient_key: bytes,
    requested_by: str,
    approved_by: str,
    released_at: datetime,
    valid_until: datetime,
    break_glass: bool,
    block: IdentityBlock,
    leaf_index: int,
    leaf: bytes,
) -> bytes:
    """The request bundle, the same for both custodians, signed with the vault's key.

    `request`, `subject` (the claim) and `recipient` (the one person who will read the answer) are references;
    `recipient_name` is that person's name, so that a custodian knows whom to ring; their office is the one that asks.
    `requested_by` and `approved_by` name two different offices; `leaf` is the 32-byte leaf of the record entry of the
    release. Raises BadBundle for anything that a custodian's program would refuse.
    """
    body = {
        "format": REQUEST, "node": node, "request": request, "subject": subject, "fields": list(fields),
        "purpose": purpose, "recipient": {"person": recipient, "name": recipient_name, "key": b64(recipient_key)},
        "requested_by_office": requested_by, "approved_by_office": approved_by, "released_at": reading.at(released_at),
        "valid_until": reading.at(valid_until), "break_glass": break_glass, "block": b64(block.to_bytes()),
        "record": {"index": leaf_index, "leaf": leaf.hex()},
        "seats": sorted({seat for _, _, seat in block.shares}),
    }  # fmt: skip
    raw = reading.sign(signer, body)
    open_request(raw, signer.vkey())
    return raw


def open_request(raw: bytes, vkey: str) -> IdentityRequest:
    """The request, after its signature and every field. Raises BadBundle; there is no way to read an unsigned one."""
    read, signed_by = reading.read_signed(raw, REQUEST, "request", vkey, tell="the other custodian and the inspectors")
    who, entry = read.part("recipient"), read.part("record")
    try:
        block_bytes = read.blob("block")
        block = IdentityBlock.from_bytes(block_bytes)
    except Unopenable:
        raise BadBundle("The request holds no identity block.") from None
    request = IdentityRequest(
        node=read.text("node", 80), request=read.ref("request"), subject=read.ref("subject"),
        fields=read.several("fields", reading.field_name, 20), purpose=read.text("purpose"),
        recipient=who.ref("person"), recipient_name=who.text("name", 120), recipient_key=who.public_key("key"),
        requested_by=read.text("requested_by_office"), approved_by=read.text("approved_by_office"),
        released_at=read.instant("released_at"), valid_until=read.instant("valid_until"),
        break_glass=read.flag("break_glass"), block=block, leaf_index=entry.number("index"), leaf=entry.hash("leaf"),
        signed_by=signed_by, digest=hashlib.sha256(raw).hexdigest(),
    )  # fmt: skip
    seats = read.several("seats", str, 3)
    for part in (who, entry, read):
        part.close()
    if len(set(request.fields)) != len(request.fields):
        raise BadBundle("The request asks for one field twice.")
    reading.check_block(block, block_bytes)
    if block.subject != request.subject or seats != request.seats:
        raise BadBundle("The identity block in the request belongs to another claim or to other seats.")
    if request.requested_by == request.approved_by:
        raise BadBundle("The request was approved by the office that made it; another body has to approve it.")
    if request.valid_until <= request.released_at:
        raise BadBundle("The request ends before it begins.")
    if request.break_glass and request.valid_until - request.released_at > BREAK_GLASS:
        raise BadBundle("A request in imminent danger is valid for 72 hours at most; this one is longer.")
    return request


def _share_context(request: IdentityRequest, seat: str, to: str) -> bytes:
    # Names and references hold no bar; the digest covers all else that was asked.
    return "|".join((SHARE, request.request, request.subject, request.digest, seat, to)).encode()


def make_share(
    request: IdentityRequest, *, seat: str, private: bytes, with_seat: str, with_public: bytes, at: datetime
) -> bytes:
    """This seat's half for the pair with another seat, sealed to that seat and to this request.

    Raises BadBundle when the request is not open at `at`, a seat is none of the three, or the half does not open.
    """
    request.require_open(at)
    half = _own_half(request, seat, with_seat, private)
    try:
        sealed = seal.wrap(with_public, half, _share_context(request, seat, with_seat))
    except ValueError:
        raise BadBundle("The other seat's public key is not one.") from None
    return tlog.canonical(
        {"format": SHARE, "request": request.request, "subject": request.subject, "digest": request.digest,
         "from": seat, "to": with_seat, "sealed": b64(sealed)}
    )  # fmt: skip


def _own_half(request: IdentityRequest, seat: str, with_seat: str, private: bytes) -> bytes:
    for name in (seat, with_seat):
        if name not in request.seats:
            raise BadBundle(f"“{name}” is none of the three seats of this identity: {', '.join(request.seats)}.")
    if seat == with_seat:
        raise BadBundle("An identity is opened by two different seats, not by one twice.")
    try:
        return identity.open_share(request.block, request.subject, seat, with_seat, private)
    except Unopenable:
        raise BadBundle(
            f"The share of “{seat}” does not open with this key. If the seat was handed over, its holder now has to "
            "do this; otherwise the request was put together from another claim."
        ) from None


def _other_half(raw: bytes, request: IdentityRequest, seat: str, private: bytes) -> tuple[str, bytes]:
    """(the seat it comes from, its half). Raises BadBundle."""
    read = Fields.read(raw, SHARE, "share", 16 * 1024)
    ref, subject, digest = read.ref("request"), read.ref("subject"), read.hash("digest")
    sender, to, sealed = read.name("from"), read.name("to"), read.blob("sealed")
    read.close()
    if (ref, subject, digest) != (request.request, request.subject, request.digest):
        raise BadBundle("The share was made for another request, or for this one with other content.")
    if to != seat:
        raise BadBundle(f"The share was made for “{to}”, not for “{seat}”.")
    try:
        return sender, seal.unwrap(private, sealed, _share_context(request, sender, seat))
    except Unopenable:
        raise BadBundle("The other seat's share does not open with this seat's key.") from None


def _answer_context(request: str, subject: str, recipient: str) -> bytes:
    return f"{ANSWER}|{request}|{subject}|{recipient}".encode()


def make_answer(request: IdentityRequest, share: bytes, *, seat: str, private: bytes, at: datetime) -> bytes:
    """Open this seat's half, join the other's, and seal the fields asked, and no others, to the one recipient.

    What is opened exists in this process's memory only. Raises BadBundle.
    """
    request.require_open(at)
    sender, other_half = _other_half(share, request, seat, private)
    half = _own_half(request, seat, sender, private)
    try:
        everything = identity.combine(request.block, request.subject, half, other_half)
    except Unopenable:
        raise BadBundle("The two halves do not belong together; the identity does not open with them.") from None
    # Escaped to ASCII, so that no text, however broken, ends up in an encoding error.
    asked = json.dumps({name: str(everything[name]) for name in request.fields if name in everything}).encode()
    context = _answer_context(request.request, request.subject, request.recipient)
    try:
        sealed = seal.wrap(request.recipient_key, seal.pad(asked), context)
    except ValueError:
        raise BadBundle("The key that the answer should be sealed to is not a public key.") from None
    return tlog.canonical(
        {"format": ANSWER, "request": request.request, "subject": request.subject, "recipient": request.recipient,
         "sealed": b64(sealed)}
    )  # fmt: skip


def open_answer(raw: bytes, private: bytes, recipient: str, *, request: str, subject: str) -> dict[str, str]:
    """The fields of an answer, for the person it was sealed to. Fields that the identity does not hold are absent.

    The caller names request and claim from what it has stored, not from the file. Raises BadBundle. An answer is not
    signed by the custodians: what decides is that it arrives by their hands.
    """
    read = Fields.read(raw, ANSWER, "answer")
    said = read.ref("request"), read.ref("subject"), read.ref("recipient")
    sealed = read.blob("sealed")
    read.close()
    if said != (request, subject, recipient):
        raise BadBundle("The answer belongs to another request, another claim or another person.")
    fields = None
    try:
        fields = _answered(seal.unpad(seal.unwrap(private, sealed, _answer_context(request, subject, recipient))))
    except Unopenable:
        pass
    if fields is None:
        raise BadBundle("The answer does not open with your key: it was made for another one, or was changed.")
    return fields


def _answered(text: bytes) -> dict[str, str] | None:
    """The fields, or None: a parser's exception holds the text it failed on, and must not travel with ours."""
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    good = isinstance(fields, dict) and all(isinstance(value, str) for value in fields.values())
    return fields if good else None


def known_recipients(raw: bytes) -> Mapping[str, str]:
    """Fingerprints of those a seat has answered before, by person. Raises BadBundle for a damaged list."""
    read = Fields.read(raw, "answerable-known-recipients/1", "list of known recipients")
    known = read.entries("people")
    read.close()
    if not all(reading.REF.fullmatch(k) and isinstance(v, str) and reading.HASH.fullmatch(v) for k, v in known.items()):
        raise BadBundle("The list of known recipients is damaged.")
    return known


def with_recipient(known: Mapping[str, str], person: str, fingerprint: str) -> bytes:
    """The list with one person's key remembered."""
    return tlog.canonical({"format": "answerable-known-recipients/1", "people": {**known, person: fingerprint}})
