"""What of the vault waits for people on their home page, and what every inspector is shown."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.vault import lifecycle
from answerable.vault.models import Recovery


def waits_for(by: Any) -> list[dict[str, Any]]:
    """New keys that were asked for: to all who inspect or grant, and to the person it is for, who may stop it."""
    rows = Recovery.objects.filter(status__in=lifecycle.OPEN).select_related("person", "asked_by")
    if not authority.allows(by, "see_recoveries", Place("recoveries")):
        rows = rows.filter(person=by)
    out = []
    for row in rows[:20]:
        what = {
            lifecycle.ASKED: _("a new key is asked for: confirm or stop it"),
            lifecycle.CONFIRMED: _("a new key after 48 hours, unless someone stops it"),
            lifecycle.READY: _("a code for a new key may be used, unless someone stops it"),
        }[row.status]
        due = row.ready_at if row.ready_at and row.ready_at > clock.now() else None
        out.append({"title": row.person.name, "what": what, "url": reverse("recovery", args=[row.ref]), "due": due})
    return out
