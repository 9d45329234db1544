"""Every change to the roster of witnesses and to what they have cosigned."""

from __future__ import annotations

import hashlib

from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import HasPrincipal, Place
from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.record import log as record
from answerable.record import signing, witnesses
from answerable.record.models import Checkpoint, Cosignature, Witness


@action("enter_witness")
def enter_witness(vkey: str, kind: str, *, by: HasPrincipal) -> Witness:
    """Put a witness on the roster, under the name in its key. `kind`: a member's, or civil society's.

    Raises Refused when it is no witness's key, when the key or the name is already there, or when it is the log's own.
    """
    authority.require(by, "enter_witness", Place("witnesses"))
    if kind not in {Witness.MEMBER, Witness.CIVIL_SOCIETY}:
        raise Refused(_("A witness is a member's or civil society's: say which."), reason="unknown")
    try:
        key = tlog.read_vkey(vkey.strip())
    except ValueError:
        raise Refused(
            _("This is not a witness's key. Copy the whole line that `answerable witness new-key` printed."),
            reason="not_a_key",
        ) from None
    if key.type is None or not key.type.cosigns:
        raise Refused(_("This key is not a witness's: it is of a kind that does not cosign."), reason="not_a_key")
    if key.name in tlog.TAKEN_NAMES:
        raise Refused(_("The name %(name)s has a meaning in policies. The witness takes another.") % {"name": key.name},
                      reason="taken")  # fmt: skip
    if key.public == signing.signer().public:
        raise Refused(_("This is the record's own key. A record cannot be its own witness."), reason="own_key")
    record.hold()
    if Witness.objects.filter(public=key.public).exists() or Witness.objects.filter(name=key.name).exists():
        raise Refused(_("A witness with this key or this name is already on the roster."), reason="duplicate")
    witness = record.keep_witness(key, kind)
    digest = hashlib.sha256(str(key).encode()).hexdigest()
    record.append("witness entered", witness, by=by, detail={"kind": kind, "key_sha256": digest})
    return witness


@action("accept_cosignature")
def accept_cosignature(text: str, *, by: HasPrincipal) -> tuple[Checkpoint, list[Cosignature]]:
    """Keep what witnesses cosigned. `text` is the file a witness handed over; who brings it vouches for nothing.

    Raises Refused unless at least one witness on the roster cosigned a checkpoint this record signed, the signature
    holds, and it is new.
    """
    authority.require(by, "accept_cosignature", Place("record"))
    record.hold()  # two who bring the same file at once: the second is told so
    kept = []
    brought = witnesses.check_cosignatures(text)
    checkpoint = brought[0].checkpoint
    for found in brought:
        if not Cosignature.objects.filter(checkpoint=checkpoint, witness=found.witness).exists():
            kept.append(record.keep_cosignature(checkpoint, found.witness, found.line, found.signed_at))
    if not kept:
        raise Refused(_("This cosignature is already kept; nothing was left to do."), reason="duplicate")
    record.append(
        "cosignature accepted", kept[0].witness, by=by,
        detail={"size": checkpoint.size, "witnesses": [c.witness.ref for c in kept]},
    )  # fmt: skip
    return checkpoint, kept
