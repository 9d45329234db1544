"""How linkage's objects look to policies."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.authority import engine as authority
from answerable.authority.engine import describes
from answerable.common.hooks import question
from answerable.monitoring import access as monitoring
from answerable.monitoring import verifiers
from answerable.monitoring.linking import access, actions, queries
from answerable.monitoring.linking.models import Agreement, Command, DuplicateSearch, LinkPair, Subordination
from answerable.record.pages import Described


@describes(LinkPair)
def _pair(p: LinkPair) -> tuple[str, dict[str, Any]]:
    return "LinkPair", {"compartment": p.compartment}


@describes(DuplicateSearch)
def _search(s: DuplicateSearch) -> tuple[str, dict[str, Any]]:
    return "DuplicateSearch", {"askedBy": s.asked_by.ref}


@describes(Agreement)
def _agreement(a: Agreement) -> tuple[str, dict[str, Any]]:
    return "Agreement", {"notedBy": a.noted_by.ref}


@question("describe_ref").answer_with
def _described(by: Any, ref: str) -> Described | None:
    """A pair, an armed actor, or the page on which a line of command or a search stands; each for who may see it there."""
    kind = ref[:3]
    if kind == "LNK" and (pair := access.pairs(by).filter(ref=ref).first()):
        return Described(_("Two reports that may be one"), ("link", ref), actions.said(pair.decision))
    if kind == "ACT" and (actor := access.actors(by).prefetch_related("names").filter(ref=ref).first()):
        return Described(actor.name, ("actor", ref))
    if kind == "CMD":
        units = access.parties(by)
        ranks, roles = Subordination.objects.filter(ref=ref), Command.objects.filter(ref=ref)
        unit = units.filter(pk__in=ranks.values("unit")).first() or units.filter(pk__in=roles.values("party")).first()
        return Described(_("Line of command") + f": {unit.name}", ("command", unit.ref)) if unit else None
    if kind == "DUP" and (search := access.searches(by).filter(ref=ref).first()):
        return Described(_("A search for reports told twice"), ("searches",), search.status)
    if kind == "AGR" and access.agreements(by).filter(ref=ref).exists():
        return Described(_("Agreements between organisations"), ("agreements",))
    return None


# So many are listed on Today at most.
AT_ONCE = 40


@question("waits_for").answer_with
def _waits(by: Any) -> list[dict[str, Any]]:
    """Concluded reports to which another was linked since, for whoever may conclude them again."""
    seen = monitoring.incidents(by).filter(pk__in=queries.linked_to_since().values("pk"))
    theirs = verifiers.others_work(by, seen.select_related("situation", "collected_by"), at_most=AT_ONCE)
    return [
        {"title": _("Incident") + f" {i.ref}", "what": _("another report was linked to it: look at its verification again"),
         "url": reverse("incident", args=[i.ref]), "due": None, "urgency": 2}
        for i in theirs if authority.allows(by, "verify_incident", i)
    ]  # fmt: skip


@question("search").answer_with
def _found(by: Any, words: str) -> list[dict[str, str]]:
    """Units by their name, and actors of lists by theirs in any script, for those who see armed actors."""
    units = access.parties(by).filter(name__icontains=words)[:20]
    found = [{"title": f"{p.name}: {p.situation}", "url": reverse("command", args=[p.ref])} for p in units]
    if not access.actors(by).exists():
        return found
    hits = queries.find_actors(words, limit=10)
    return found + [{"title": h.actor.name, "url": reverse("actor", args=[h.actor.ref])} for h in hits]
