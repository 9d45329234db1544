"""How monitoring's objects look to policies."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.common.references import begins
from answerable.monitoring import access, actions, lifecycle, queries, verifiers  # noqa: F401 - actions answers when consents change
from answerable.monitoring.looking import panels  # noqa: F401 - its panels answer on a situation's page
from answerable.monitoring.models import Import, Incident, PatternAssessment, Situation, SourceItem
from answerable.monitoring.patterns import entities as patterns  # noqa: F401 - what patterns answer
from answerable.record.pages import Described
from answerable.vault.consent import queries as consents
from answerable.vault.consent.gate import gate, passing


@describes(Situation)
def _situation(s: Situation) -> tuple[str, dict[str, Any]]:
    return "Situation", {"status": s.status, "about": s.state.code if s.state else ""}


@describes(Import)
def _import(i: Import) -> tuple[str, dict[str, Any]]:
    return "Import", {"madeBy": i.made_by.ref}


@describes(Incident)
def _incident(i: Incident) -> tuple[str, dict[str, Any]]:
    return "Incident", {
        "compartment": i.compartment,
        "collectedBy": i.collected_by.ref,
        "organisation": i.organisation.ref,
        "status": i.status,
        "withdrawn": consents.is_closed(i.ref),
    }


@describes(SourceItem)
def _item(i: SourceItem) -> tuple[str, dict[str, Any]]:
    return "SourceItem", {
        "compartment": i.compartment,
        "collectedBy": i.incident.collected_by.ref,
        "organisation": i.incident.organisation.ref,
        "withdrawn": consents.is_closed(i.ref),
    }


@describes(PatternAssessment)
def _pattern(p: PatternAssessment) -> tuple[str, dict[str, Any]]:
    return "Pattern", {"madeBy": p.made_by.ref}


# So many are listed on Today at most.
AT_ONCE = 40


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Concluded reports to which an item was added since, of which one was graded anew, or which were capped by what is gone, for
    whoever may conclude them again."""
    seen = access.incidents(by).filter(pk__in=verifiers.changed_since().values("pk"))
    theirs = verifiers.others_work(
        by, seen.select_related("situation", "collected_by", "organisation"), at_most=AT_ONCE
    )
    graded = {
        ref: g for _pk, ref, g in sorted(verifiers.to_be_seen({i.pk for i in theirs}), key=lambda row: not row[2])
    }
    changed = _("what it was concluded on has changed: look at its verification again")
    return [
        {"title": _("Incident") + f" {i.ref}", "what": changed if i.cap_stays or i.held_back
         else _("an item of it was graded anew: look at its verification again") if graded.get(i.ref)
         else changed if i.changed_by
         else _("an item was added to it: look at its verification again"),
         "url": reverse("incident", args=[i.ref]), "due": None, "urgency": 2}
        for i in theirs if authority.allows(by, "verify_incident", i)
    ]  # fmt: skip


@question("describe_ref").answer_with
def _described(by: Any, ref: str) -> Described | None:
    """A source item, for whoever may see its incident."""
    if not ref.startswith("ITM") or not access.items(by).filter(ref=ref).exists():
        return None
    return Described(_("Source item") + f" {ref}", ("item-evidence", ref))


@question("search").answer_with
def _found(by: Any, words: str) -> list[dict[str, str]]:
    """Incidents and source items whose reference begins as typed, of those one may see."""
    start = begins(words)
    seen: Any = {"INC": access.incidents, "ITM": access.items}.get(start[:3])
    if seen is None:
        return []
    title, page = (_("Incident"), "incident") if start.startswith("INC") else (_("Source item"), "item-evidence")
    found = seen(by).filter(ref__startswith=start).order_by("ref").values_list("ref", flat=True)[:20]
    return [{"title": f"{title} {ref}", "url": reverse(page, args=[ref])} for ref in found]


@question("sealed_object").answer_with
def _sealed(ref: str) -> Incident | SourceItem | None:
    if ref.startswith("INC"):
        return Incident.objects.select_related("collected_by", "organisation").filter(ref=ref).first()
    chain = ("incident__collected_by", "incident__organisation")
    return SourceItem.objects.select_related(*chain).filter(ref=ref).first() if ref.startswith("ITM") else None


@question("parts_of").answer_with
def _parts(ref: str) -> list[str]:
    return queries.parts_of(ref)


@question("live_consent").answer_with
def _consent(obj: Any, purpose: str) -> bool | None:
    """An account opens under its own consent; an incident's text while every account it holds may be read (SC-4)."""
    if isinstance(obj, SourceItem):
        return gate("read", obj, purpose)
    if isinstance(obj, Incident):
        items = list(obj.items.all())
        return obj.status != lifecycle.CONSENT_WITHDRAWN and len(passing("read", items, purpose)) == len(items)
    return None
