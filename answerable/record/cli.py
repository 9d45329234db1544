"""What `answerable record` writes: exports, the folder witnesses read, the policy. Its command line is the alliance's."""

from __future__ import annotations

from pathlib import Path

from answerable.common.errors import Refused

REQUESTS = 200  # earlier checkpoints a published folder proves growth from; a witness further behind reads the tiles


def _settled(policy: str) -> str:
    """The policy, when it can be used: an export must not carry one that nobody can follow."""
    from answerable.engines import tlog

    try:
        if policy:
            tlog.read_policy(policy)
    except tlog.PolicyError as why:
        raise Refused(f"The policy cannot be used. {why}", reason="policy") from None
    return policy


def export(folder: Path, *, closed: bool, cosigned: bool) -> list[str]:
    """Write an export with the cosignatures and the policy; returns what to say.

    As of a checkpoint made now, or with `cosigned` as of the last one that witnesses stand behind.
    """
    from django.db import transaction

    from answerable.engines import tlog_export
    from answerable.record import log, signing, witnesses

    policy = _settled(witnesses.policy_text())
    if not cosigned:
        signing.checkpoint()
    with transaction.atomic():
        last = witnesses.last_cosigned() if cosigned else witnesses.last_checkpoint()
        if last is None and cosigned:
            raise Refused(
                "No checkpoint has the cosignatures that the policy asks for. Leave out --cosigned, or bring cosignatures in; "
                "the record's page in the office says whose are missing."
                if policy
                else "No witness has cosigned a checkpoint yet. Leave out --cosigned, or bring a cosignature in."
            )
        if last is None:
            raise Refused("The record is empty; there is nothing to export yet.")
        leaves = log.leaves()[: last.size]
        try:
            opened = tlog_export.write_export(
                folder, leaves=leaves, events=[] if closed else log.opened_events(),
                shredded=None if closed else log.shredded(),
                checkpoint=witnesses.checkpoint_text(last), vkey=signing.signer().vkey(), policy=policy,
            )  # fmt: skip
        except ValueError as no:
            raise Refused(f"{no}. Give a new folder; nothing was written.", reason="usage") from None
        except OSError as fault:
            raise Refused(f"The export could not be written: {fault.strerror}.") from None
        count = last.cosignatures.count()
    said = [f"{folder}: {len(leaves)} entries, {opened} opened. Check it with: answerable verify {folder}"]
    if count:
        said.append(f"{count} {'witness' if count == 1 else 'witnesses'} cosigned this checkpoint.")
    elif witnesses.last_cosigned() is not None:
        said.append(
            "No witness has seen this checkpoint yet; --cosigned gives the last one that witnesses stand behind."
        )
    return said


def publish(folder: Path) -> list[str]:
    """Bring the folder that witnesses read up to date; returns what to say."""
    from django.db import transaction

    from answerable.engines import tlog_export
    from answerable.record import log, signing, witnesses
    from answerable.record.models import Checkpoint

    policy = _settled(witnesses.policy_text())
    signing.checkpoint()
    with transaction.atomic():
        last = witnesses.last_checkpoint()
        if last is None:
            raise Refused("The record is empty; there is nothing to publish yet.")
        sizes = list(Checkpoint.objects.order_by("-size").values_list("size", flat=True)[:REQUESTS])
        try:
            requests = tlog_export.publish(
                folder, leaves=log.leaves()[: last.size], checkpoint=witnesses.checkpoint_text(last),
                vkey=signing.signer().vkey(), since=sizes, policy=policy,
            )  # fmt: skip
        except (ValueError, UnicodeDecodeError) as no:
            raise Refused(f"{no}. Give another folder; nothing was written.", reason="usage") from None
        except OSError as fault:
            raise Refused(f"The folder could not be written: {fault.strerror}.") from None
    return [
        f"{folder}: {last.size} entries, leaves only, and {requests} requests for witnesses.",
        f"A witness looks at it with: answerable witness cosign {folder} --key FILE --state FILE",
    ]


def policy() -> str:
    """The policy in force, for whoever sets up a verifier. Raises Refused when there is none."""
    from answerable.record import witnesses

    text = _settled(witnesses.policy_text())
    if not text:
        raise Refused(
            "There is no policy yet. Enter at least one member's witness and one of civil society "
            f"(answerable record witness), or put your own policy at {witnesses.policy_path()}."
        )
    return text
