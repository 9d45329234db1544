"""What of the vault waits for people on their home page, and what every inspector is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common import clock
from answerable.record.models import Entry
from answerable.vault import lifecycle
from answerable.vault.models import Recovery


def waits_for(by: Any) -> list[dict[str, Any]]:
    """New keys that were asked for: to all who inspect or grant, and to the person it is for, who may stop it."""
    rows = Recovery.objects.filter(status__in=lifecycle.OPEN).select_related("person", "asked_by")
    if not authority.allows(by, "see_recoveries", Place("recoveries")):
        rows = rows.filter(person=by)
    out = []
    shown = set()
    for row in rows[:20]:
        shown.add((row.ref, row.person.ref))
        what = {
            lifecycle.ASKED: _("a new key is asked for: confirm or stop it"),
            lifecycle.CONFIRMED: _("a new key after 48 hours, unless someone stops it"),
            lifecycle.READY: _("a code for a new key may be used, unless someone stops it"),
        }[row.status]
        due = row.ready_at if row.ready_at and row.ready_at > clock.now() else None
        out.append({"title": row.person.name, "what": what, "url": reverse("recovery", args=[row.ref]), "due": due})
    return [*out, *_told(by, shown), *taken_off(by)]


TOLD_FOR = timedelta(days=7)
GRANTS = ("grant of a new key asked", "grant of a new key confirmed")
ENDS = ("grant of a new key forgotten", "key replaced")


def told_to_the_vault(by: Any) -> dict[str, str]:
    """New keys that the vault was told of in the last seven days and that are neither stopped nor used: whom each is for.

    As the record says it, whatever the office's rows say; to the same people as the rows.
    """
    told = Entry.objects.filter(action__in=[*GRANTS, *ENDS], at__gte=clock.now() - TOLD_FOR).order_by("index")
    last = {e.subject: e for e in told}
    new = {
        e.subject: str(((e.event or {}).get("detail") or {}).get("person", ""))
        for e in last.values()
        if e.action in GRANTS
    }
    if new and not authority.allows(by, "see_recoveries", Place("recoveries")):
        new = {recovery: person for recovery, person in new.items() if person == by.ref}
    return new


def _told(by: Any, shown: set[tuple[str, str]]) -> list[dict[str, Any]]:
    new = [(recovery, person) for recovery, person in told_to_the_vault(by).items() if (recovery, person) not in shown]
    names = dict(Person.objects.filter(ref__in=[p for _r, p in new]).values_list("ref", "name")) if new else {}
    return [
        {"title": names.get(person, person), "url": reverse("recovery", args=[recovery]), "due": None,
         "what": _("a new key was granted in the vault and is on no page here: stop it, and ask who did this")}
        for recovery, person in new[:20]
    ]  # fmt: skip


def taken_off(by: Any) -> list[dict[str, Any]]:
    """Compartments this person was taken off in the last seven days and not admitted to again: by whom, when, whom to ask."""
    acts = Entry.objects.filter(
        action__in=("reader removed", "reader admitted"), at__gte=clock.now() - TOLD_FOR, event__detail__person=by.ref
    ).order_by("index")  # fmt: skip
    last = {e.subject: e for e in acts}
    removed = [e for e in last.values() if e.action == "reader removed" and e.at is not None]
    names = dict(Person.objects.filter(ref__in=[e.actor for e in removed]).values_list("ref", "name"))
    url = reverse("vault" if authority.allows(by, "see_compartments", Place("compartments")) else "keys")
    return [
        {"title": _("You were taken off the compartment %(room)s") % {"room": e.subject}, "url": url, "due": None,
         "what": _("by %(who)s on %(day)s. Ask them why; whoever still reads it can admit you again.")
         % {"who": names.get(e.actor, e.actor), "day": date_format(e.at or clock.now(), "j N Y, H:i") + " UTC"}}
        for e in removed
    ]  # fmt: skip
