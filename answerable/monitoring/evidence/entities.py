"""How evidence looks to policies: like the item or the incident it belongs to, so whoever may read the one may the other."""

from __future__ import annotations

from typing import Any

from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring.evidence import actions, queries  # noqa: F401 - they answer questions
from answerable.monitoring.evidence.models import Assessment, EvidenceFile, Opinion, Proof, Redaction, Weighing
from answerable.monitoring.models import Incident, SourceItem
from answerable.vault.consent import queries as consents
from answerable.vault.consent.gate import gate, passing

ON_ITEM = {"FIL": EvidenceFile, "RED": Redaction, "ASM": Assessment, "WEI": Weighing}


def item_of(obj: Any) -> SourceItem:
    """The item that a piece of evidence belongs to."""
    found: SourceItem = obj.file.item if isinstance(obj, Proof) else obj.item
    return found


def _as_item(obj: Any) -> tuple[str, dict[str, Any]]:
    item = item_of(obj)
    return "SourceItem", {
        "compartment": obj.compartment,
        "collectedBy": item.incident.collected_by.ref,
        "organisation": item.incident.organisation.ref,
        "withdrawn": consents.is_closed(item.ref),
    }


for _model in (*ON_ITEM.values(), Proof):
    describes(_model)(_as_item)


@describes(Opinion)
def _opinion(o: Opinion) -> tuple[str, dict[str, Any]]:
    return "Incident", {
        "compartment": o.compartment,
        "collectedBy": o.incident.collected_by.ref,
        "organisation": o.incident.organisation.ref,
        "status": o.incident.status,
        "withdrawn": consents.is_closed(o.incident.ref),
    }


@question("sealed_object").answer_with
def _sealed(ref: str) -> Any:
    chain = "incident__collected_by", "incident__organisation"
    if model := ON_ITEM.get(ref[:3]):
        return model.objects.select_related(*(f"item__{c}" for c in chain)).filter(ref=ref).first()  # type: ignore[attr-defined]
    if ref.startswith("PRF"):
        return Proof.objects.select_related(*(f"file__item__{c}" for c in chain)).filter(ref=ref).first()
    return Opinion.objects.select_related(*chain).filter(ref=ref).first() if ref.startswith("OPN") else None


@question("parts_of").answer_with
def _parts(ref: str) -> list[str]:
    """An item's files, proofs, redactions and reasons go with it; an incident's with all its items, and its opinions."""
    if ref.startswith("INC"):
        opinions = Opinion.objects.filter(incident__ref=ref).values_list("ref", flat=True)
        return [*opinions, *queries.parts_of(SourceItem.objects.filter(incident__ref=ref))]
    return queries.parts_of(SourceItem.objects.filter(ref=ref)) if ref.startswith("ITM") else []


@question("live_consent").answer_with
def _consent(obj: Any, purpose: str) -> bool | None:
    """A file opens under its item's consent; an opinion while every account of the incident may be read (SC-4)."""
    if isinstance(obj, Opinion):
        items = list(obj.incident.items.all())
        return len(passing("read", items, purpose)) == len(items)
    if isinstance(obj, (*ON_ITEM.values(), Proof)):
        return gate("read", item_of(obj), purpose)
    return None


def incident_of(obj: Any) -> Incident:
    """The incident that a piece of evidence belongs to."""
    return item_of(obj).incident
