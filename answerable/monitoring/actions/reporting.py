"""A report from filing to its verification: what it says, its items, its actors, its moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
from answerable.monitoring import grades, lifecycle, rules, verifiers
from answerable.monitoring.actions.concluding import changed_by, refuse_adder
from answerable.monitoring.actions.locking import locked
from answerable.monitoring.actions.restating import relevel
from answerable.monitoring.intake import queries as intake_queries
from answerable.monitoring.intake import rules as intake
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Incident,
    Party,
    Situation,
    SourceItem,
    incident_ref,
)
from answerable.monitoring.patterns import live
from answerable.record import log as record
from answerable.vault import keeping
from answerable.vault.consent import actions as consent


@action("receive_report")
def receive_report(
    *,
    situation: Situation,
    party: Party,
    also: Sequence[Party] = (),
    on: date,
    area1: str,
    area2: str = "",
    precision: str = "day",
    victims: int,
    victims_min: int | None = None,
    victims_max: int | None = None,
    forms: Sequence[str],
    links: Sequence[str],
    link_reason: str,
    narrative: str = "",
    place: str = "",
    settings: Sequence[str] = (),
    consequences: Sequence[str] = (),
    risk: str = "medium",
    referral_offered: bool,
    searched_first: bool,
    by: Person,
) -> Incident:
    """File an incident report (form A1) whose facts are coded already, as the rehearsals do. Free text is sealed before it is
    stored; nothing else is free text. What people type comes by `intake.actions.reporting.deliver_report`; the check is the same.
    `also` are the actors it names besides `party`.

    Raises Refused when the situation and actor do not belong together, a code is unknown, a date lies ahead, care was
    not offered first (SC-8), or existing accounts were not searched for first (SC-1).
    """
    authority.require(by, "receive_report", situation)
    low = victims if victims_min is None else victims_min
    high = victims if victims_max is None else victims_max
    try:
        when = edtf.written(on, precision)
    except edtf.Unreadable as no:
        raise Refused(intake_queries.words((no.sentence, no.figures)), reason="report") from None
    row = {
        "situation": situation.ref, "party": [p.ref for p in (party, *also)], "when": when, "area1": area1, "area2": area2,
        "actor_types": list(dict.fromkeys(p.actor_type for p in (party, *also))), "victims": victims, "victims_min": low, "victims_max": high, "forms": list(forms),
        "links": list(links), "link_reason": link_reason, "narrative": narrative, "place": place, "settings": list(settings),
        "consequences": list(consequences), "risk": risk, "referral_offered": referral_offered, "searched_first": searched_first,
    }  # fmt: skip
    clean, wrong = intake.check(row, intake_queries.world(by, situation))
    problems = [intake_queries.words(p) for name, p in wrong.items() if name != "referral_offered"]
    if clean is not None and clean.lacks:
        problems.append(_("Say in a sentence why it is linked to the conflict (R-TAX-1)."))
    ref = incident_ref()
    # Care comes before questions (SC-8): noted as offered under the report's reference, or the sentence why not.
    problems += [s for answer in question("care_offered").ask(ref, referral_offered, by) for s in answer]
    if problems:
        raise Refused(" ".join(problems), reason="report")
    organisation = by.body
    compartment = f"monitoring/{organisation.ref}" if organisation.kind == Body.PARTNER else "monitoring"
    incident = Incident(
        ref=ref, compartment=compartment, situation=situation, party=party, organisation=organisation, collected_by=by, on=on,
        precision=precision, area1=area1, area2=area2, victims_min=low, victims=victims, victims_max=high,
        forms=list(forms), links=list(links), settings=list(settings), consequences=list(consequences), risk=risk,
        referral_offered=referral_offered, searched_first=searched_first, submitted_at=clock.now(),
        status=lifecycle.SUBMITTED, because=[rules.NO_ITEM_YET],
    )  # fmt: skip
    sealed = keeping.seal_fields(
        incident.ref, compartment, "Incident", {"narrative": narrative, "place": place, "link_reason": link_reason}
    )
    incident.narrative, incident.place, incident.link_reason = (
        sealed["narrative"],
        sealed["place"],
        sealed["link_reason"],
    )
    incident.save(force_insert=True)
    name_further(incident, [party, *also])
    question("report_changed").ask(incident.ref)
    record.append(
        "report received", incident, by=by, to_state=incident.status,
        detail={"situation": situation.ref, "organisation": organisation.ref},
    )  # fmt: skip
    return incident


def name_further(incident: Incident, actors: Sequence[Party], *, by: Person | None = None) -> None:
    """Part of an act that files or corrects a report: these are its actors, and no others. The first one stays its `party`.

    `by`: who names them after the report was filed.
    """
    wanted = {p.pk for p in actors} - {incident.party_id}
    here = {f.party_id: f for f in FurtherActor.objects.filter(incident=incident)}
    FurtherActor.objects.filter(pk__in=[f.pk for key, f in here.items() if key not in wanted]).delete()
    FurtherActor.objects.bulk_create(
        FurtherActor(incident=incident, party_id=key, compartment=incident.compartment, submitted_at=incident.submitted_at, named_by=by)
        for key in dict.fromkeys(p.pk for p in actors) if key in wanted - here.keys()
    )  # fmt: skip


@action("add_item")
def add_item(
    incident: Incident,
    *,
    kind: str,
    primary: bool = False,
    reliability: str = "",
    credibility: int = 0,
    testimony: str = "",
    person_key: str = "",
    parents: Sequence[SourceItem] = (),
    contrary: bool = False,
    purposes: Sequence[str] = (),
    captured_on: date | None = None,
    says: str = "",
    by: Person,
) -> SourceItem:
    """Attach a source item (form A2) that is coded already, as the rehearsals do, with a plain yes to each purpose (SC-3).

    What people type comes by `intake.actions.attaching.attach_item`; the check is the same, and which grades a kind may have and
    which consent it needs is decided in grades.py. Who confirms a grade is counted from what assessors record afterwards.
    `person_key` is a pseudonym: two accounts count as two persons' only when both have one and they differ (R-VER-1).
    The same words twice on one report are one source (R-VER-1). Raises Refused with every reason.
    """
    incident = locked(incident)
    authority.require(by, "add_item", incident)
    row = {
        "kind": kind, "directness": "primary" if primary else "secondary", "testimony": testimony, "reliability": reliability,
        "credibility": credibility or "", "captured_on": (captured_on or clock.today()).isoformat(), "says": says,
        "person_key": person_key, "contrary": contrary, "purposes": list(purposes),
        **({"understood": True, "withdrawal_told": True} if purposes else {}),
    }  # fmt: skip
    _item, wrong = intake.check_item(row, intake.World(clock.today(), {}, {}))
    problems = [intake_queries.words(p) for p in wrong.values()]
    if unknown := [p for p in purposes if p not in taxonomy("consent_purpose")]:
        problems.append(_("Unknown purpose of consent: %(codes)s.") % {"codes": ", ".join(unknown)})
    if any(p.incident_id != incident.pk and p.compartment != incident.compartment for p in parents):
        problems.append(_("An item can only derive from one you can see."))
    words = intake_queries.word_marks([(incident.situation.ref, says)])[0]
    if words and intake_queries.words_here(incident, words):
        problems.append(_(intake.HERE_ALREADY))
    if problems:
        raise Refused(" ".join(problems), reason="item")
    item = SourceItem(
        compartment=incident.compartment, incident=incident, kind=kind, primary=primary, reliability=reliability,
        credibility=credibility, testimony=testimony, person_key=grades.pseudonym(person_key), contrary=contrary,
        purposes=list(purposes), captured_on=captured_on or clock.today(), added_by=by,
        waits=verifiers.waits_for_a_verifier(incident, contrary), further={"words": words} if words else {},
    )  # fmt: skip
    item.says = keeping.seal_fields(item.ref, item.compartment, "SourceItem", {"says": says})["says"]
    item.save(force_insert=True)
    if purposes:
        consent.write_down(item, consent.plain_yes(purposes), by=by)
    item.parents.set(parents)
    changed = relevel(incident.party, incident.ref, why="item added", by=by)
    # The record's head is taken last: whoever decides about a pair holds the pair and waits for the head.
    question("report_changed").ask(incident.ref)
    record.append(
        "item added", item, by=by,
        detail={"incident": incident.ref, "kind": kind, "grade": item.grade, "levels": changed},
    )  # fmt: skip
    return item


@action("move_incident")
def move_incident(incident: Incident, name: str, *, by: Person) -> Incident:
    """Triage, begin verification, or refer elsewhere."""
    incident = locked(incident)
    authority.require(by, name, incident)
    if incident.status == lifecycle.MERGED:
        raise Refused(
            _("This report is linked to another as the same incident. Take that link back instead, on the page that "
              "compares the two."), reason="linked",
        )  # fmt: skip
    if name == "begin_verification":
        refuse_adder(incident, by)
    if name == "refer_elsewhere":
        # What was linked to it stands by itself again (linking.actions.comparing.note), and it stands without that should it come back.
        if below := links.kept_by([incident.pk]):
            changed_by([incident.pk, *below], by.ref)
    before, incident.status = incident.status, next_status(lifecycle.INCIDENT_MOVES, name, status=incident.status)
    incident.story_corrected &= (
        name != "begin_verification"
    )  # whoever verifies it is shown the newest text first (queries.text_versions)
    incident.save(update_fields=["status", "story_corrected"])
    relevel(incident.party, incident.ref, why=name.replace("_", " "), by=by)
    if name == "refer_elsewhere":
        question("report_changed").ask(incident.ref)
    record.append(name.replace("_", " "), incident, by=by, from_state=before, to_state=incident.status)
    return incident


@action("name_further_actors")
def name_further_actors(incident: Incident, *, also: Sequence[Party], by: Person) -> Incident:
    """Say who took part besides the actor named first, in a report that is filed: these, and no others (§2.2).

    Where verification was concluded the report is open again, because what was found of some actors is not said of others; and
    whoever names one, or takes one away, does not verify it (SOD-01). Raises Refused for an actor of another situation, or when nothing changes.
    """
    live.first([incident.ref], also=[p.pk for p in also])
    incident = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
    authority.require(by, "add_item", incident)
    if incident.status == lifecycle.MERGED:
        raise Refused(
            _("This report is linked to another as the same incident. Take that link back instead, on the page that "
              "compares the two."), reason="linked",
        )  # fmt: skip
    if incident.status not in lifecycle.ANY:
        raise Refused(_("This report counts nowhere, so nothing of it is changed."), reason="lifecycle")
    if any(p.situation_id != incident.situation_id for p in also):
        raise Refused(_("That actor does not belong to this situation."), reason="situation")
    before = incident.actors
    named = [incident.party, *(p for p in dict.fromkeys(also) if p.pk != incident.party_id)]
    if {p.pk for p in named} == {p.pk for p in before}:
        raise Refused(_("These are the actors that the report names already."), reason="duplicate")
    if len(named) > intake.MOST_ACTORS:
        raise Refused(_("A report names at most %(most)d armed actors.") % {"most": intake.MOST_ACTORS}, reason="many")
    was = incident.status
    if was in lifecycle.ASSESSED:
        incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=was)
        incident.save(update_fields=["status"])
    name_further(incident, named, by=by)
    # Whoever names one is found by that; of one that is taken away nothing else is left.
    if {p.pk for p in before} - {p.pk for p in named}:
        changed_by([incident.pk], by.ref)
        incident.changed_by = sorted({*incident.changed_by, by.ref})
    changed = relevel(incident.party, incident.ref, why="actors named", by=by)
    question("report_changed").ask(incident.ref)
    record.append(
        "actors named", incident, by=by, from_state=was, to_state=incident.status,
        detail={"actors": [p.ref for p in named], "actors_before": [p.ref for p in before], "levels": changed},
    )  # fmt: skip
    return incident
