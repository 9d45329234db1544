"""A draft filed as a report, or set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.monitoring import actions as monitoring
from answerable.monitoring import lifecycle
from answerable.monitoring import rules as known
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries, rules
from answerable.monitoring.intake.actions import attaching, interviewing
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns import live
from answerable.record import log as record
from answerable.vault import keeping

# How many drafts one act files: each has care, consents and a level of its own to enter.
FILED_AT_ONCE = 500


def counts_now(filed: Sequence[Incident], *, why: str = "report received") -> None:
    """Levels and windows follow what came in, and reports like it are looked for."""
    live.first(i.ref for i in filed)  # all their actors at once, whoever comes first among them
    for party in {i.party_id: i.party for i in filed}.values():
        monitoring.relevel(party, *(i.ref for i in filed if i.party_id == party.pk), why=why)
    for incident in filed:
        question("report_changed").ask(incident.ref)


def locked(draft: m.Draft) -> m.Draft:
    """A draft for an act that files it or sets it aside: its delivery is locked first, then it, as by whoever takes that out."""
    if draft.batch_id is not None:
        m.IntakeBatch.objects.select_for_update().get(pk=draft.batch_id)
    return m.Draft.objects.select_for_update().get(pk=draft.pk)


@action("file_draft")
def file_draft(
    draft: m.Draft, *, party: Party | None = None, also: Sequence[Party] = (), link_reason: str = "", by: Person
) -> Incident:
    """File a draft as a report, its items with it. What a draft may lack is given now: the actor named first, those besides
    (`also`), why it is linked. Raises Refused.
    """
    draft = locked(draft)
    authority.require(by, "file_draft", draft)
    incident, files = report_from(draft, party=party, also=also, link_reason=link_reason, by=by)
    counts_now([incident])
    entry = record.append(
        "report received", incident, by=by, to_state=incident.status,
        detail={"situation": incident.situation.ref, "organisation": incident.organisation.ref, "items": incident.items.count(),
                "files": len(files), **attaching.taken_in(files, by)},
    )  # fmt: skip
    attaching.files_enter(files, entry, by=by)
    return incident


@action("file_drafts")
def file_drafts(batch: m.IntakeBatch, *, by: Person) -> int:
    """File the next five hundred drafts of a delivery that lack nothing. Returns how many."""
    batch = m.IntakeBatch.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "file_drafts", batch)
    ready = (
        batch.drafts.filter(status=m.DRAFT, lacks=[], looks_like="").select_for_update().order_by("row")[:FILED_AT_ONCE]
    )
    made = [report_from(d, by=by) for d in list(ready)]
    filed, files = [i for i, _files in made], [f for _incident, of in made for f in of]
    counts_now(filed)
    if not filed:
        raise Refused(
            _("No draft of this delivery is ready to be filed: each lacks something, or is filed."), reason="none"
        )
    entry = record.append(
        "reports filed from a delivery", batch, by=by,
        detail={"filed": [i.ref for i in filed][:FILED_AT_ONCE], "files": len(files), **attaching.taken_in(files, by)},
    )  # fmt: skip
    attaching.files_enter(files, entry, by=by)
    return len(filed)


# Answers that a report or an item has no column for, and keeps with it all the same.
FURTHER = ("actor_types", "victim_counts", "protocol_signatory", "declined")


def further(draft: m.Draft) -> dict[str, Any]:
    """What form A1 holds besides: the date as it was given, where it says more than a day and how far it is known."""
    found = {name: draft.coded[name] for name in FURTHER if name in draft.coded}
    told = dates(draft)
    plain = told["earliest"] is None and edtf.written(told["on"], told["precision"]) == draft.when
    return found if plain else {**found, "when": draft.when}


def dates(draft: m.Draft) -> dict[str, Any]:
    """The day a report is counted on, how far it is known, and between which days it lies where that says too little."""
    when = edtf.parse(draft.when)
    earliest, latest = when.possible
    precision = "week" if draft.when == edtf.written(when.earliest, "week") else when.precision
    told = precision != edtf.RANGE and (earliest, latest) == (when.earliest, when.latest)
    return {
        "on": when.earliest, "precision": precision, "earliest": None if told else earliest,
        "latest": None if told else latest,
    }  # fmt: skip


def report_from(
    draft: m.Draft, *, party: Party | None = None, also: Sequence[Party] = (), link_reason: str = "", by: Person
) -> tuple[Incident, list[attaching.Came]]:
    """The report a draft becomes, inside an act that has its own entry: coded facts and sealed texts move as they are.

    With it the files that came with its items, which enter the custody log under that entry.
    """
    if draft.status != m.DRAFT:
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    if draft.looks_like:
        raise Refused(
            _("This may be a later version of %(ref)s. Say first whether it is, or a report of its own.")
            % {"ref": queries.in_doubt(draft)},
            reason="version",
        )
    actors = [party, *also] if party else queries.actors_of(draft)
    party = actors[0] if actors else None
    problems = []
    if draft.party and len(queries.actors_of(draft)) <= len(draft.coded.get(rules.ALSO, ())):
        problems.append(
            _(
                "An armed actor that this draft names is entered here no more. Set the draft aside and bring the report in again."
            )
        )
    if party is None:
        problems.append(_("Choose the armed actor before filing."))
    elif any(a.situation_id != draft.situation_id for a in actors):
        problems.append(_("That actor does not belong to this situation."))
    elif len({a.pk for a in actors}) > rules.MOST_ACTORS:
        problems.append(_("A report names at most %(most)d armed actors.") % {"most": rules.MOST_ACTORS})
    reason_kept = "link_reason" not in draft.lacks
    if not reason_kept and not link_reason.strip():
        problems.append(_("Say in a sentence why it is linked to the conflict (R-TAX-1)."))
    problems += [s for answer in question("care_offered").ask(draft.ref, True, by) for s in answer]
    if problems or party is None:
        raise Refused(" ".join(problems), reason="report")
    texts = {"narrative": bytes(draft.narrative), "place": bytes(draft.place), "link_reason": bytes(draft.link_reason)}
    if not reason_kept:
        texts = keeping.seal_fields(
            draft.ref, draft.compartment, "Incident", {"narrative": "", "place": "", "link_reason": link_reason}
        )
    c: Mapping[str, Any] = draft.coded
    incident = Incident(
        ref=draft.ref, compartment=draft.compartment, situation=draft.situation, party=party, organisation=draft.organisation,
        collected_by=draft.collected_by, **dates(draft), area1=draft.area1, area2=draft.area2,
        victims_min=c["victims_min"], victims=c["victims"], victims_max=c["victims_max"], forms=c["forms"], links=c["links"],
        settings=c.get("settings", []), consequences=c.get("consequences", []), risk=c["risk"], referral_offered=True,
        searched_first=True, submitted_at=clock.now(), status=lifecycle.SUBMITTED, because=[known.NO_ITEM_YET],
        further=further(draft), versions_by=sorted(queries.had_versions(draft)), **texts,
    )  # fmt: skip
    incident.save(force_insert=True)
    monitoring.name_further(incident, actors)
    files = attaching.filed_items(incident, draft.items.all(), by=by)
    draft.status, draft.party = m.FILED, party
    draft.coded = {**draft.coded, **({rules.ALSO: [a.ref for a in actors[1:]]} if actors[1:] else {})}
    draft.save(update_fields=["status", "party", "coded"])
    return incident, files


@action("set_draft_aside")
def set_draft_aside(draft: m.Draft, *, by: Person) -> m.Draft:
    """A draft that is not filed, or a correction that is not taken over. It stays, and is not offered again."""
    draft = locked(draft)
    authority.require(by, "set_draft_aside", draft)
    if draft.status not in (m.DRAFT, m.CORRECTION):
        raise Refused(
            _("This draft is no longer open: it was filed, replaced by a later version, or set aside."),
            reason="lifecycle",
        )
    before, draft.status = draft.status, m.SET_ASIDE
    draft.save(update_fields=["status"])
    interviewing.let_go([draft.identity], draft.organisation_id)
    record.append("draft set aside", draft, by=by, from_state=before, to_state=draft.status)
    return draft
