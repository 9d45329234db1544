"""The demonstration's way in: one click, through the real door, with the passphrase that is printed anyway.

Only where the fictional alliance was loaded into this data folder, and never in production.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Grant
from answerable.common import clock

PASSPHRASE = "only a demonstration passphrase"  # noqa: S105 - printed on the screen on purpose


@cache
def _marked() -> bool:
    return (Path(settings.STATIC_ROOT).parent / "demonstration").exists()


def is_open() -> bool:
    """Whether anyone may sign in as anyone with a click."""
    return _marked() and not settings.SECURE


PLACES = {
    "monitoring_analyst": "watch", "verifier": "watch", "verification_lead": "watch", "panel_expert": "answer",
    "legal_adviser": "answer", "safeguarding_officer": "answer", "respondent_liaison": "answer",
    "council_delegate": "decide", "chair": "decide", "national_focal_point": "decide", "sanctions_desk": "decide",
    "intake_officer": "repair", "survivor_advocate": "repair", "eligibility_assessor": "repair", "award_panel": "repair",
    "appeals_panel": "repair", "survivor_council_member": "repair", "fund_board": "fund", "finance_initiator": "fund",
    "finance_approver": "fund", "treasurer": "fund",
}  # fmt: skip


def doors() -> list[dict[str, Any]]:
    """People of the demonstration by the place they work in, each with what they do."""
    words = {"watch": _("Watch"), "answer": _("Answer"), "decide": _("Decide"), "repair": _("Repair"), "fund": _("Fund"),
             "alliance": _("Alliance, audit and vault")}  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in words}
    grants = Grant.objects.held(on=clock.today()).filter(person__is_active=True)
    for g in grants.select_related("person__body").order_by("person__name"):
        place = PLACES.get(g.role, "alliance")
        if g.role == "intake_officer" and g.person.body.kind == Body.PARTNER:
            place = "watch"
        what = g.role.replace("_", " ")
        found[place].append({"handle": g.person.handle, "name": g.person.name.split()[0], "what": what,
                             "full": g.person.name, "body": g.person.body.name})  # fmt: skip
    # Where many do the same (experts, delegates), their names tell them apart and not what they do.
    for people in found.values():
        same = [p["name"] for p in people]
        for p in people:
            p["words"] = p["full"] if same.count(p["name"]) > 1 else p["name"]
    return [{"name": words[n], "people": people} for n, people in found.items() if people]
