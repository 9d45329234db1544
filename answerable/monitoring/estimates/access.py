"""Who may see estimates: the alliance's own analysts."""

from __future__ import annotations

from django.db.models import QuerySet

from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place
from answerable.monitoring.estimates.models import CaptureEstimate


def estimates(by: HasPrincipal) -> QuerySet[CaptureEstimate]:
    """Every estimate, for analysts; none for anyone else."""
    if not authority.allows(by, "see_estimates", Place("estimates")):
        return CaptureEstimate.objects.none()
    return CaptureEstimate.objects.select_related("job")
