"""What the vault itself was told in live sessions: the steps of a new key, and who gives which role."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.vault.models import RecoveryStep, RoleWord

# The step of a new key that was stopped.
STOPPED = "stopped"


def granted_step(recovery: str, step: str) -> RecoveryStep | None:
    """What the vault was told of one step of a new key."""
    return RecoveryStep.objects.filter(recovery=recovery, step=step).first()


def is_granted(recovery: str, person: str, step: str) -> bool:
    """Whether this step was told before, for this person. Raises Refused when it was told for another, or was stopped."""
    if granted_step(recovery, STOPPED) is not None:
        raise Refused(_("This was stopped. Ask for a new key anew."), reason="lifecycle")
    told = granted_step(recovery, step)
    if told is not None and told.person != person:
        raise Refused(_("This new key is for another person."), reason="person")
    return told is not None


def note_granted(recovery: str, person: str, step: str, by: str) -> None:
    """What the vault itself was told, in whose session and when by its own clock. Told once; never changed."""
    with transaction.atomic(using="keys"):
        RecoveryStep.objects.create(recovery=recovery, step=step, person=person, by=by, at=clock.now())


def forget_granted(recovery: str) -> None:
    """A new key was made once: what granted it grants nothing again."""
    RecoveryStep.objects.filter(recovery=recovery).exclude(step=STOPPED).delete()


def stop_granted(recovery: str, person: str, by: str) -> int:
    """Someone stopped a new key: what granted it is forgotten and nothing grants it again. Returns how many steps went."""
    with transaction.atomic(using="keys"):
        gone = RecoveryStep.objects.filter(recovery=recovery).exclude(step=STOPPED).delete()[0]
        RecoveryStep.objects.get_or_create(
            recovery=recovery, step=STOPPED, defaults={"person": person, "by": by, "at": clock.now()}
        )
    return gone


def check_granted(recovery: str, person: str, *, hours: int) -> None:
    """Raises Refused unless two others granted this new key in sessions of their own, so many hours ago."""
    steps = {s.step: s for s in RecoveryStep.objects.filter(recovery=recovery)}
    asked, confirmed = steps.get("asked"), steps.get("confirmed")
    if (
        STOPPED in steps or asked is None or confirmed is None or {asked.person, confirmed.person} != {person}
        or len({asked.by, confirmed.by, person}) != 3
        or clock.now() - max(asked.at, confirmed.at) < timedelta(hours=hours)
    ):  # fmt: skip
        raise Refused(
            _("That name and code do not belong together, or the code has ended. Ask the registrar for another."),
            reason="code",
        )


def note_word(subject: str, step: str, person: str, role: str, by: str) -> None:
    """What the vault itself was told about a role, in whose session and when by its own clock. Raises Refused."""
    with transaction.atomic(using="keys"):
        asked = RoleWord.objects.filter(subject=subject, step="asked", person=person, role=role).exclude(by=by)
        if step == "confirmed" and not asked.exists():
            raise Refused(
                _("The vault was not told who asked for this role. Refuse it, and let it be asked for again."),
                reason="nothing",
            )
        what = {"person": person, "role": role, "at": clock.now()}
        if step == "returned":
            RoleWord.objects.update_or_create(subject=subject, step=step, by=by, defaults=what)
        else:
            RoleWord.objects.get_or_create(subject=subject, step=step, by=by, defaults=what)
