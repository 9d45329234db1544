"""How early warning looks to policies, and what it answers to other apps."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.engine import describes
from answerable.authority.principals import CLOCK, Place
from answerable.common import clock
from answerable.common.hooks import question
from answerable.monitoring.models import Situation
from answerable.monitoring.warning import access, actions, lifecycle, queries, rules, says
from answerable.monitoring.warning.models import Alert, WarningEntry
from answerable.record.pages import Described
from answerable.vault.consent import queries as consents
from answerable.vault.consent.gate import gate


@describes(WarningEntry)
def _entry(e: WarningEntry) -> tuple[str, dict[str, Any]]:
    return "WarningEntry", {
        "compartment": e.compartment,
        "enteredBy": e.entered_by.ref,
        "organisation": e.organisation.ref,
        "withdrawn": e.item is not None and bool(consents.closed([e.ref, e.item.ref])),
    }


@describes(Alert)
def _alert(a: Alert) -> tuple[str, dict[str, Any]]:
    state = a.situation.state
    return "Alert", {"about": state.code if state else "", "status": a.status, "seenBy": list(a.seen_by)}


@question("sealed_object").answer_with
def _sealed(ref: str) -> WarningEntry | Alert | None:
    if ref.startswith("EWE"):
        return WarningEntry.objects.select_related("entered_by", "organisation", "item").filter(ref=ref).first()
    return Alert.objects.select_related("situation__state").filter(ref=ref).first() if ref.startswith("ALT") else None


@question("parts_of").answer_with
def _parts_of(ref: str) -> list[str]:
    """What was noted on the strength of her account goes with it: its words may be hers."""
    if ref.startswith("ITM"):
        return list(WarningEntry.objects.filter(item__ref=ref).values_list("ref", flat=True))
    if ref.startswith("INC"):
        return list(WarningEntry.objects.filter(item__incident__ref=ref).values_list("ref", flat=True))
    return []


@question("live_consent").answer_with
def _live(obj: Any, purpose: str) -> bool | None:
    """A note that rests on an item is read only while that item may be (SC-4); a note of one's own needs no consent."""
    if isinstance(obj, WarningEntry):
        return None if obj.item is None else gate("read", obj.item, purpose)
    return None


@question("describe_ref").answer_with
def _describe(by: Any, ref: str) -> Described | None:
    if ref.startswith("ALT") and (a := access.alerts(by).select_related("situation").filter(ref=ref).first()):
        return Described(f"{says.level(a.level)}: {a.situation}", ("alert", ref), a.status)
    if ref.startswith("EWE") and (e := access.entries(by).filter(ref=ref).first()):
        return Described(f"{says.indicator(e.indicator)}", ("warning-entry", ref))
    return None


@question("object_cards").answer_with
def _cards(by: Any, obj: Any) -> list[dict[str, str]]:
    """On a situation: its early warning, for whoever sees levels and is not of the state concerned."""
    if not isinstance(obj, Situation) or access.recused(by, obj):
        return []
    if not authority.allows(by, "see_levels", Place("warnings")):
        return []
    return [{"url": reverse("situation-warning", args=[obj.ref]), "words": _("Early warning")}]


@question("early_warning_level").answer_with
def _level(situation: Situation) -> dict[str, Any] | None:
    """The level that a person confirmed and that stands, in words, with the day it was confirmed."""
    alert = queries.standing(situation)
    if alert is None:
        return None
    return {"code": alert.level, "words": says.level(alert.level), "since": alert.decided_at}


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Levels to confirm, with their clock; what went to the Chair; dialogues the Chair owes."""
    out = []
    found = access.alerts(by).select_related("situation__state")
    for alert in found.filter(status__in=lifecycle.WAITING)[:40]:
        if authority.allows(by, "confirm_alert", alert):
            what = (
                _("escalated: confirm it, or say why not")
                if alert.status == lifecycle.ESCALATED
                else _("to confirm, or not")
            )
            out.append(_item(alert, what, alert.due_at, 1))
    for alert in found.filter(status=lifecycle.CONFIRMED)[:40]:
        if alert.dialogue == actions.DUE and authority.allows(by, "hold_dialogue", alert):
            out.append(_item(alert, _("early-warning dialogue (ME-0.1) to hold"), None, 2))
        if authority.allows(by, "step_down_alert", alert):
            with reading_as(CLOCK):
                today = queries.reading(alert.situation, clock.today())
            if rules.rank(today.level) < rules.rank(alert.level):
                out.append(_item(alert, _("the rules now give less: step down, or leave it"), None, 2))
    return out


def _item(alert: Alert, what: str, due: Any, urgency: int) -> dict[str, Any]:
    title = f"{says.level(alert.level)}: {alert.situation}"
    return {"title": title, "what": what, "url": reverse("alert", args=[alert.ref]), "due": due, "urgency": urgency}
