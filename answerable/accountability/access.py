"""Who may see which finding. A state under review sees nothing of its own file before it is notified or published."""

from django.db.models import Q, QuerySet

from answerable.accountability import lifecycle
from answerable.accountability.models import Finding
from answerable.authority import engine as authority
from answerable.authority.principals import HasPrincipal, Place

PUBLIC = lifecycle.IN_FORCE | {lifecycle.WITHDRAWN}


def findings(by: HasPrincipal) -> QuerySet[Finding]:
    """Panel and its secretariat see all; members see adopted and published ones, never drafts on anyone."""
    principal = by.principal()
    if authority.allows(by, "see_findings", Place("findings")):
        return Finding.objects.all()
    if authority.allows(by, "see_published_findings", Place("findings")):
        # The Chair sees what the panel adopted, to publish it.
        shown = PUBLIC | {lifecycle.ADOPTED} if "chair" in principal.roles else PUBLIC
        public = Finding.objects.filter(status__in=shown)
        if principal.body_kind == "delegation" and principal.state:
            return public.filter(~Q(respondent__code=principal.state) | Q(published_at__isnull=False))
        return public
    return Finding.objects.none()
