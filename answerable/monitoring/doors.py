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
from answerable.monitoring.intake.actions import reporting
from answerable.monitoring.models import Incident, Party


@question("lodging_choices").answer_with
def _choices(kind: str, by: Any, so_far: Mapping[str, Any]) -> dict[str, list[list[str]]] | None:
    if kind != "report":
        return None
    parties = Party.objects.select_related("situation").filter(situation__state__isnull=False)
    first = parties.filter(ref=str(so_far.get("party") or "")).first()
    others = parties.filter(situation=first.situation_id).exclude(pk=first.pk) if first else parties
    return {
        "party": [[p.ref, f"{p.situation}: {p.name}"] for p in parties.order_by("situation__name", "name")[:400]],
        "others": [[p.ref, p.name] for p in others.order_by("name")[:400]],
    }


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
    said = {name: fields[name] for name in TAKEN if fields.get(name)}
    row = reporting.row_of_day({**said, "situation": party.situation.ref, "party": [party.ref, *(fields.get("others") or ())], "on": on, "victims": victims,
                             "risk": str(fields.get("risk") or "medium"), "precision": fields.get("precision")}, by=by)  # fmt: skip
    draft, incident = reporting.deliver_report(row, route="channel", by=by)
    return (incident or draft).ref


# What the door's form asks besides the actor, the day and the number; the check of every route says what is needed of it.
TAKEN = ("area1", "area2", "forms", "links", "link_reason", "place", "narrative", "referral_offered", "searched_first")


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
