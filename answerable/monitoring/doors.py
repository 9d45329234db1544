"""What the channel asks of monitoring: a documenter's report, and the acknowledgements on their page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.days import day_words
from answerable.alliance.models import Body, Person
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.monitoring import actions
from answerable.monitoring.models import Incident, Party


@question("lodging_choices").answer_with
def _choices(kind: str, by: Any, so_far: Mapping[str, Any]) -> dict[str, list[list[str]]] | None:
    if kind != "report":
        return None
    parties = Party.objects.select_related("situation").filter(situation__state__isnull=False)
    return {"party": [[p.ref, f"{p.situation}: {p.name}"] for p in parties.order_by("situation__name", "name")[:400]]}


@question("lodge_from_channel").answer_with
def _report(kind: str, fields: Mapping[str, Any], by: Any) -> str | None:
    """A report, filed by the documenter whose code it is, for their own organisation. Raises Refused."""
    if kind != "report" or not isinstance(by, Person):
        return None
    party = Party.objects.select_related("situation").filter(ref=fields.get("party", "")).first()
    if party is None:
        raise Refused(_("Choose the armed actor."), reason="party")
    try:
        on, victims = date.fromisoformat(str(fields.get("on"))), int(str(fields.get("victims")))
    except ValueError:
        raise Refused(_("The day and the number of people are needed."), reason="report") from None
    incident = actions.receive_report(
        situation=party.situation, party=party, on=on, victims=victims, precision=str(fields.get("precision") or "day"),
        area1=str(fields.get("area1") or "")[:40], area2=str(fields.get("area2") or "")[:40],
        forms=list(fields.get("forms") or ()), links=list(fields.get("links") or ()),
        link_reason=str(fields.get("link_reason") or ""), place=str(fields.get("place") or ""),
        narrative=str(fields.get("narrative") or ""), referral_offered=fields.get("referral_offered") == "yes",
        searched_first=fields.get("searched_first") == "yes", by=by,
    )  # fmt: skip
    return incident.ref


@question("survivor_page").answer_with
def _page(about: str) -> list[dict[str, Any]] | None:
    """For a documenter: which of their reports were received, by day and state. Nothing that was in them."""
    if not about.startswith("PER"):
        return None
    filed = Incident.objects.filter(collected_by__ref=about).order_by("-submitted_at")[:50]
    lines = [
        _("%(ref)s, received on %(day)s: %(state)s")
        % {"ref": i.ref, "day": day_words(i.submitted_at), "state": i.status.replace("_", " ").lower()}
        for i in filed
    ]
    return [{"title": _("Your reports"), "lines": lines or [_("None yet.")]}]


@question("readers_at_door").answer_with
def _readers(kind: str) -> list[tuple[Any, str]]:
    """What a report sent at the door becomes, for naming those who may open it."""
    if kind != "report":
        return []
    report = Incident(ref="INC", compartment="monitoring", collected_by=Person(ref="PER"), organisation=Body(ref="BOD"))
    return [(report, "see_incidents")]
