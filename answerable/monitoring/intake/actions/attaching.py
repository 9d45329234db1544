"""Items on a report, with a draft that is filed or by themselves: each with its file, its consents and its interview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.hooks import question
from answerable.monitoring import actions as monitoring
from answerable.monitoring import grades, verifiers
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.intake import guard, queries, rules, values
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake.problems import Problems
from answerable.monitoring.models import Incident, SourceItem, item_ref
from answerable.monitoring.patterns import live
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import keeping
from answerable.vault.consent import actions as consent
from answerable.vault.consent import rules as consents

# A file that came with an item, and the item that it is evidence on.
Came = tuple[SourceItem, m.DraftItem]


def taken_in(files: Sequence[Came], by: Person) -> dict[str, Any]:
    """What the entry of a filing says of the files it takes in: each with its commitment, and under which roles."""
    taken = {came.file_ref: came.file_commitment for _item, came in files}
    return {"taken": taken, "roles": evidence.roles_of(by)} if taken else {}


def files_enter(files: Sequence[Came], entry: Entry, *, by: Person) -> None:
    """Files that came with a report are evidence from its filing on: not opened, not sealed anew, and in custody."""
    for item, came in files:
        evidence.came_in(item, came.file_ref, entry=entry, by=by)


FURTHER_OF_ITEM = ("directness", "item_language", "item_interpreter", "testimony", "releasability", "understood",
                   "withdrawal_told", "interview", "words")  # fmt: skip


def filed_items(incident: Incident, items: Iterable[m.DraftItem], *, by: Person) -> list[Came]:
    """The items of a draft on the report it becomes; returns those that came with a file."""
    files = []
    for item in items:
        made = _source_item(incident, item.ref, item.coded, bytes(item.says), by=by)
        if item.file:
            evidence.came_with(
                made, ref=item.file_ref, kind=item.file_kind, stored=item.file, commitment=bytes.fromhex(item.file_commitment),
                mark=bytes(item.file_mark), alike=item.coded.get("file_alike", ""), by=by,
                sealed={"name": bytes(item.file_name), "salt": bytes(item.file_salt), "digest": bytes(item.file_digest)},
            )  # fmt: skip
            files.append((made, item))
    return files


def _source_item(incident: Incident, ref: str, coded: Mapping[str, Any], says: bytes, *, by: Person) -> SourceItem:
    c = coded
    made = SourceItem(
        ref=ref, compartment=incident.compartment, incident=incident, kind=c["kind"], primary=c["directness"] == "primary",
        reliability=c.get("reliability", ""), credibility=c.get("credibility", 0), testimony=c.get("testimony", ""),
        person_key=grades.pseudonym(c.get("person_key", "")), contrary=bool(c.get("contrary")), purposes=list(c.get("purposes", [])),
        captured_on=date.fromisoformat(c["captured_on"]), further={n: c[n] for n in FURTHER_OF_ITEM if n in c}, says=says,
        added_by=by, waits=verifiers.waits_for_a_verifier(incident, bool(c.get("contrary"))),
    )  # fmt: skip
    made.save(force_insert=True)
    if c.get("interview"):
        m.Interview.objects.filter(ref=c["interview"], report=None).update(report=incident)
    if made.purposes:
        consent.write_down(
            made, _terms(c), child=c.get("giver") == "guardian", language=c.get("consent_language", ""),
            method=c.get("consent_method", "spoken"), interpreter=bool(c.get("consent_interpreter")), by=by,
        )  # fmt: skip
    return made


def _terms(c: Mapping[str, Any]) -> list[consents.Terms]:
    """One answer a purpose, in the purpose's own terms where the form said nothing narrower."""
    until = date.fromisoformat(c["consent_until"]) if c.get("consent_until") else None
    found = []
    for purpose in c["purposes"]:
        terms, most = consents.default_terms(purpose, on=clock.today()), consents.purposes()[purpose].limit
        said = c.get("identifiability") or terms.identifiability
        found.append(
            replace(
                terms, identifiability=min(said, most), expires_on=until or terms.expires_on, giver=c.get("giver", "self"),
                assent=bool(c.get("assent")), guardian_not_implicated=bool(c.get("guardian_not_implicated")),
            )
        )  # fmt: skip
    return found


@action("attach_item")
def attach_item(
    incident: Incident, row: Mapping[str, Any], *, parents: Sequence[SourceItem] = (), by: Person
) -> SourceItem:
    """One item (forms A2 and A3) onto a report that is filed, by the same check as every route; an account with its interview.

    Raises Problems with everything that is wrong, by field.
    """
    live.first([incident.ref])
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    authority.require(by, "add_item", incident)
    item, problems = rules.check_item(row, queries.world(by, incident.situation, asks=True))
    if any(p.incident_id != incident.pk and p.compartment != incident.compartment for p in parents):
        problems["parents"] = values.Problem(rules._("An item can only derive from one you can see."))
    if item is None or problems:
        raise Problems(problems)
    ref, coded = item_ref(), dict(item.coded)
    if words := queries.word_marks([(incident.situation.ref, item.says)])[0]:
        if queries.words_here(incident, words):
            raise Problems({"says": values.Problem(rules.HERE_ALREADY)})
        coded["words"] = words
    if coded.get("person_key"):
        (coded["person_key"],) = queries.person_marks(by, [coded["person_key"]])
    if named := coded.get("interview"):
        free = m.Interview.objects.select_for_update().filter(ref=named, held_by="", report=None)
        if not free.update(held_by=ref):
            raise Problems({"interview": values.Problem(guard.SPENT)})
        person = queries.persons_of(by, [named])[named]
        if coded.get("person_key") not in (None, "", person):
            raise Problems({"person_key": values.Problem(guard.ANOTHER)})
        coded["person_key"] = person
    says = keeping.seal_fields(ref, incident.compartment, "SourceItem", {"says": item.says})["says"]
    made = _source_item(incident, ref, coded, says, by=by)
    made.parents.set(parents)
    changed = monitoring.relevel(incident.party, incident.ref, why="item added", by=by)
    # The record's head is taken last, as by every act (patterns.live.first says the order).
    question("report_changed").ask(incident.ref)
    record.append(
        "item added", made, by=by,
        detail={"incident": incident.ref, "kind": made.kind, "grade": made.grade, "levels": changed},
    )  # fmt: skip
    return made
