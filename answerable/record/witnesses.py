"""Who cosigned the record, and whether that is enough: reads for pages, exports and the action that accepts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.engines import tlog
from answerable.record import signing
from answerable.record.models import Checkpoint, Witness

AHEAD = timedelta(days=1)  # by how much a witness's clock may be ahead of ours


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The signed checkpoint with every cosignature kept for it: what is exported, published and served."""
    lines = checkpoint.cosignatures.order_by("witness__name").values_list("line", flat=True)
    return tlog.merge_cosignatures(checkpoint.text, lines)


def last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def last_cosigned() -> Checkpoint | None:
    """The largest checkpoint that meets the policy; where there is no policy yet, the largest that anyone cosigned."""
    policy = current_policy()[0]
    cosigned = list(
        Checkpoint.objects.filter(cosignatures__isnull=False)
        .distinct()
        .order_by("-size")
        .prefetch_related("cosignatures__witness")[:200]
    )
    for checkpoint in cosigned:
        if policy is None or policy.is_met(_public_keys(checkpoint)):
            return checkpoint
    return None


def _public_keys(checkpoint: Checkpoint) -> set[bytes]:
    return {bytes(c.witness.public) for c in checkpoint.cosignatures.all()}


def policy_path() -> Path:
    """Where the alliance's own policy lies: ANSWERABLE_POLICY, or tlog-policy in the data folder."""
    given = os.environ.get("ANSWERABLE_POLICY", "")
    return Path(given) if given else Path(settings.STATIC_ROOT).parent / "tlog-policy"


def policy_text() -> str:
    """The policy in force: the alliance's own file, or the default written from the roster; "" when there is neither.

    Raises Refused when a file was named and cannot be read: silence would pass for "no policy".
    """
    path = policy_path()
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        if os.environ.get("ANSWERABLE_POLICY"):
            raise Refused(_("The policy %(path)s is not there.") % {"path": path}, reason="policy") from None
    except (OSError, UnicodeDecodeError):
        raise Refused(_("The policy %(path)s cannot be read.") % {"path": path}, reason="policy") from None
    keys: dict[str, list[tlog.VerifierKey]] = {Witness.MEMBER: [], Witness.CIVIL_SOCIETY: []}
    for witness in Witness.objects.all():
        keys[witness.kind].append(tlog.read_vkey(witness.vkey))
    try:
        return tlog.default_policy(signing.signer().vkey(), keys[Witness.MEMBER], keys[Witness.CIVIL_SOCIETY])
    except ValueError:
        return ""


def current_policy() -> tuple[tlog.Policy | None, str]:
    """(policy, why there is none): for pages, which say what is missing rather than fail."""
    try:
        text = policy_text()
        if not text:
            return None, _("A quorum needs at least one member's witness and one of civil society on the roster.")
        return tlog.read_policy(text), ""
    except Refused as no:
        return None, str(no)
    except tlog.PolicyError as why:
        return None, _("The policy cannot be used. %(why)s") % {"why": why}


@dataclass(frozen=True)
class Row:
    """One witness on the record page."""

    name: str
    kind: str
    last_size: int | None
    last_at: datetime | None
    cosigned_last: bool


@dataclass(frozen=True)
class Standing:
    """How the last checkpoint stands with the witnesses, and the last one that had enough."""

    rows: list[Row]
    is_met: bool
    lacking: list[str]
    last: Checkpoint | None
    enough: Checkpoint | None


def _lack(lack: tlog.Lack) -> str:
    return _("%(name)s: %(have)d of the %(needed)d needed; missing: %(missing)s.") % {
        "name": lack.name,
        "have": lack.have,
        "needed": lack.needed,
        "missing": ", ".join(lack.missing),
    }


def standing() -> Standing:
    """Everything the record page says about witnesses."""
    last, (policy, why_none) = last_checkpoint(), current_policy()
    rows = []
    for witness in Witness.objects.all():
        # One small question each: witnesses are a handful, their cosignatures grow with the years.
        latest = witness.cosignatures.select_related("checkpoint").order_by("-checkpoint__size").first()
        rows.append(
            Row(
                name=witness.name,
                kind=witness.kind,
                last_size=latest.checkpoint.size if latest else None,
                last_at=latest.signed_at if latest else None,
                cosigned_last=bool(latest and last and latest.checkpoint_id == last.pk),
            )
        )
    cosigned = _public_keys(last) if last else set()
    lacking = [why_none] if policy is None else [_lack(lack) for lack in policy.lacking(cosigned)]
    enough = last_cosigned() if policy is not None else None
    return Standing(rows, bool(last) and policy is not None and not lacking, lacking, last, enough)


@dataclass(frozen=True)
class Brought:
    """A cosignature that holds: by whom, over which checkpoint, when, and its line."""

    witness: Witness
    checkpoint: Checkpoint
    signed_at: datetime
    line: str


def check_cosignatures(text: str) -> list[Brought]:
    """The cosignatures in a file a witness handed over, each checked. Raises Refused with what would help.

    The checkpoint must be one this record signed, byte for byte; lines of keys not on the roster are ignored.
    """
    try:
        # A browser's text box turns line ends around and drops the last one.
        note = tlog.read_note(text.replace("\r\n", "\n").strip() + "\n")
    except ValueError:
        raise Refused(
            _("This is not a cosigned checkpoint. Bring the file that `answerable witness cosign` wrote, whole."),
            reason="not_a_checkpoint",
        ) from None
    checkpoint = Checkpoint.objects.filter(size=note.size).first()
    if checkpoint is None or tlog.read_note(checkpoint.text).body != note.body:
        raise Refused(
            _("This record never signed that checkpoint (%(n)d entries of %(origin)s). If the witness got it from us, "
              "the record has been forked: tell the auditor.") % {"n": note.size, "origin": note.origin},
            reason="unknown_checkpoint",
        )  # fmt: skip
    found = []
    for witness in Witness.objects.all():
        key = tlog.read_vkey(witness.vkey)
        try:
            at = note.signed(key)
        except ValueError:
            raise Refused(
                _("The cosignature of %(name)s does not hold; the file was damaged or changed. Bring it again.")
                % {"name": witness.name},
                reason="bad_signature",
            ) from None
        if at is None:
            continue
        if at > (clock.now() + AHEAD).timestamp():
            raise Refused(
                _(
                    "The cosignature of %(name)s is dated more than a day ahead. Set the witness's clock and cosign again."
                )
                % {"name": witness.name},
                reason="future",
            )
        # The very line that was checked with the time it gives; an older one of the same key adds nothing.
        line = next(
            s.line for s in note.lines
            if (s.name, s.hash) == (key.name, key.hash) and int.from_bytes(s.signature[:8], "big") == at
        )  # fmt: skip
        found.append(Brought(witness, checkpoint, datetime.fromtimestamp(at, UTC), line))
    if not found:
        raise Refused(
            _("Nobody on the roster cosigned this. Enter the witness first, with the key it printed."),
            reason="unknown_witness",
        )
    return found
