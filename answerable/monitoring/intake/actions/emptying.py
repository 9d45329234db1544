"""Everything taken out of drafts and interviews: what undoing, time and shredding leave of them."""

from __future__ import annotations

from django.db.models import QuerySet

from answerable.common.hooks import question
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries


def emptied(drafts: QuerySet[m.Draft], status: str) -> int:
    """Take everything out of drafts; what is left says that there was one. Their sealed files are then nobody's."""
    m.DraftItem.objects.filter(draft__in=drafts.values("ref")).update(**m.EMPTY_ITEM)
    return drafts.update(status=status, **m.EMPTY)


@question("clear_details").answer_with
def _clear_drafts(ref: str) -> None:
    """Every version of the submission that a shredded report was keeps its reference, and nothing that was told."""
    if ref.startswith("INC"):
        versions = list(queries.versions_of(ref).values_list("ref", flat=True))
        m.DraftItem.objects.filter(draft__ref__in=versions).update(**m.EMPTY_ITEM)
        m.Draft.objects.filter(ref__in=versions).update(**m.EMPTY)
    elif ref.startswith("ITM"):
        m.DraftItem.objects.filter(ref=ref).update(**m.EMPTY_ITEM)
    elif ref.startswith("ITV"):
        m.Interview.objects.filter(ref=ref).update(**m.EMPTY_INTERVIEW)
