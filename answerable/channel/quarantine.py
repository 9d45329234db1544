"""What lies in quarantine and belongs to nobody: a file whose visitor, or whose process, went away half-way."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.channel.models import Attachment
from answerable.common.hooks import question
from answerable.vault.uploads import intake

# A day: no upload takes longer, and nothing that is just being entered is touched.
OLD_SECONDS = 24 * 3600.0


def _entered(names: list[str]) -> set[str]:
    elsewhere = {name for answer in question("kept_in_quarantine").ask(names) for name in answer}
    with reading_as(CLOCK):
        # What was shredded lost its sealed salt, and nothing opens the file any more.
        kept = Attachment.objects.filter(stored__in=names).exclude(salt=b"")
        return elsewhere | set(kept.values_list("stored", flat=True))


def owed() -> None:
    """Remove files older than a day that no conversation and no evidence holds; the worker's, every minute."""
    folder = Path(settings.QUARANTINE)
    if folder.is_dir():
        intake.sweep(folder, older_than_s=OLD_SECONDS, kept=_entered)
