"""Who may see which evidence: whoever may see the incident it belongs to. What one may not see does not exist."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from answerable.authority.principals import HasPrincipal
from answerable.monitoring import access
from answerable.monitoring.evidence.models import Assessment, EvidenceFile, Opinion, Redaction, Weighing
from answerable.monitoring.models import SourceItem


def files(by: HasPrincipal) -> QuerySet[EvidenceFile]:
    """Files on items one may see."""
    return EvidenceFile.objects.filter(item__in=access.items(by)).select_related("item__incident")


def with_reasons(by: HasPrincipal, ref: str) -> Any:
    """The assessment, weighing, opinion or redaction of this reference among what one may see. Raises Http404."""
    items, incidents = access.items(by), access.incidents(by)
    found: dict[str, QuerySet[Any]] = {
        "ASM": Assessment.objects.filter(item__in=items),
        "WEI": Weighing.objects.filter(item__in=items),
        "RED": Redaction.objects.filter(item__in=items),
        "OPN": Opinion.objects.filter(incident__in=incidents),
    }
    return access.get(found.get(ref[:3].upper(), found["ASM"]), ref)


def items(by: HasPrincipal) -> QuerySet[SourceItem]:
    """Items one may see, with what their pages need."""
    return access.items(by).select_related("incident__party", "incident__collected_by", "incident__organisation")
