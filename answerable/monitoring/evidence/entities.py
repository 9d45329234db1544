"""How evidence looks to policies: like the item or the incident it belongs to, so whoever may read the one may the other."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.acting import reading_as
from answerable.authority.engine import describes
from answerable.authority.principals import CLOCK
from answerable.common.hooks import question
from answerable.monitoring import access as monitoring
from answerable.monitoring import grades, lifecycle, verifiers
from answerable.monitoring.evidence import actions, queries  # noqa: F401 - they answer questions
from answerable.monitoring.evidence.models import Assessment, EvidenceFile, Opinion, Proof, Redaction, Weighing
from answerable.monitoring.linking import queries as links
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


# How many contrary items one look at what waits goes through, the oldest first.
WEIGHED_AT_ONCE = 40


@question("waits_for").answer_with
def _to_weigh(by: Any) -> list[dict[str, Any]]:
    """Concluded reports held at V2 by what speaks strongly against them and nobody weighed, for whoever may weigh it (R-VER-3)."""
    if "verification_lead" not in by.roles:
        return []
    # What a lead found to stand goes on holding; what was weighed while it was weak is weighed again (decision 0058).
    last = Weighing.objects.filter(item=OuterRef("pk")).order_by("-id").values("outcome")[:1]
    against = (
        monitoring.items(by)
        .filter(contrary=True, weighed=False)
        .alias(last=Coalesce(Subquery(last), Value("")))
        .exclude(last="stands")
    )
    # Strong as it is graded, or as it was when a verifier concluded (verifiers.caps); a weak one holds nothing.
    strong = Q(reliability__in=["A", "B"], credibility__in=[1, 2]) | ~Q(graded_then="")
    found = against.filter(strong, incident__status__in=[*lifecycle.COUNTED, lifecycle.MERGED]).select_related(
        "incident__collected_by", "incident__organisation", "incident__situation"
    )
    items = [i for i in found.order_by("id")[: 4 * WEIGHED_AT_ONCE] if verifiers.caps(i)]
    with reading_as(CLOCK):  # what they speak against may be a report that this one is linked to
        ends = links.ends_of({i.incident_id for i in items})
        held = set(
            Incident.objects.filter(pk__in=ends.values(), status__in=lifecycle.COUNTED, level="V2").values_list(
                "pk", flat=True
            )
        )
    items = [i for i in items if ends[i.incident_id] in held]
    items = items[:WEIGHED_AT_ONCE]
    hers = verifiers.shares(by, {i.incident_id for i in items})
    return [
        {"title": _("Incident") + f" {i.incident.ref}", "what": _("an item speaks strongly against it and holds it at V2: weigh that item"),
         "url": reverse("incident-known", args=[i.incident.ref]), "due": None, "urgency": 2}
        for i in items
        if authority.allows(by, "weigh_contrary", i) and i.incident_id not in hers
    ]  # fmt: skip


# How many accounts that ask for another assessor are listed at most, the oldest first.
ASSESSED_AT_ONCE = 40
# Two grades on different sides of this differ so that a third is asked (rules.testimony_needs_third).
GIVEN_ALONE = Q(n=1) | Q(n=2, high__in=["T1", "T2"], low__in=["T3", "T4"])


@question("waits_for").answer_with
def _to_assess(by: Any) -> list[dict[str, Any]]:
    """Accounts that one assessor graded, or two who differ, for whoever may give the next grade (R-VER-0): neither her own nor one
    that she graded. The database leaves the others out, so that no more are asked about than are listed."""
    if not by.roles & {"verifier", "verification_lead"}:
        return []
    hers = Assessment.objects.filter(item=OuterRef("item"), assessor=by)
    asked = (
        Assessment.objects.filter(
            item__in=monitoring.items(by),
            item__kind__in=sorted(grades.ACCOUNTS),
            item__purposes__contains=[grades.MONITORING],
            item__incident__status__in=[*lifecycle.OPEN, *lifecycle.COUNTED, lifecycle.MERGED],
        )
        .exclude(item__withdrawn__contains=[grades.MONITORING])
        .exclude(item__incident__collected_by=by)
        .exclude(item__added_by=by)
        .exclude(Exists(hers))
        .order_by("item")
        .values("item")
        .annotate(n=Count("pk"), high=Min("testimony"), low=Max("testimony"))
        .filter(GIVEN_ALONE)
    )
    given = {row["item"]: row["n"] for row in asked[:ASSESSED_AT_ONCE]}
    items = SourceItem.objects.filter(pk__in=given).select_related(
        "incident__collected_by", "incident__organisation", "incident__situation"
    )
    second = _("one assessor has graded; a second is asked, who does not see the first grade (R-VER-0)")
    third = _("the two differ by two or more, or straddle T2/T3: a third assessor is asked (R-VER-0)")
    return [
        {"title": _("Source item") + f" {i.ref}", "what": second if given[i.pk] == 1 else third,
         "url": reverse("incident-known", args=[i.incident.ref]), "due": None, "urgency": 2}
        for i in items.order_by("pk") if authority.allows(by, "grade_item", i)
    ]  # fmt: skip


def incident_of(obj: Any) -> Incident:
    """The incident that a piece of evidence belongs to."""
    return item_of(obj).incident
