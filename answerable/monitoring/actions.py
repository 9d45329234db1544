"""Every change to situations, reports and patterns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Min
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Body, Person, State
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock, edtf
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
from answerable.monitoring import grades, lifecycle, planning, queries, rules
from answerable.monitoring.evidence import actions as counted
from answerable.monitoring.intake import queries as intake_queries
from answerable.monitoring.intake import rules as intake
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import (
    FurtherActor,
    Import,
    Incident,
    Party,
    PatternAssessment,
    Reading,
    Situation,
    SourceItem,
    incident_ref,
)
from answerable.monitoring.patterns import live
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.svac import SvacFile
from answerable.record import log as record
from answerable.vault import keeping
from answerable.vault.consent import actions as consent


@action("open_situation")
def open_situation(
    *, name: str, state: State | None = None, first_year: int | None = None, fictional: bool = False, by: HasPrincipal
) -> Situation:
    """Begin to watch a situation."""
    authority.require(by, "open_situation", Place("situations"))
    if Situation.objects.filter(name=name).exists():
        raise Refused(_("A situation of that name is already watched."), reason="duplicate")
    situation = Situation.objects.create(
        name=name, state=state, first_year=first_year, last_year=None, fictional=fictional
    )
    record.append("situation opened", situation, by=by, to_state=situation.status)
    return situation


@action("enter_party")
def enter_party(situation: Situation, *, name: str, actor_type: str, by: HasPrincipal) -> Party:
    """Name an armed actor of a situation."""
    authority.require(by, "enter_party", situation)
    if actor_type not in taxonomy("actor_type"):
        raise Refused(_("There is no kind of actor %(code)s.") % {"code": actor_type}, reason="unknown")
    if Party.objects.filter(situation=situation, name=name, actor_type=actor_type).exists():
        raise Refused(_("That party is already entered in this situation."), reason="duplicate")
    party = Party.objects.create(situation=situation, name=name, actor_type=actor_type)
    record.append("party entered", party, by=by, detail={"situation": situation.ref, "actor_type": actor_type})
    return party


@action("import_svac")
def import_svac(file: SvacFile, file_name: str, *, by: Person) -> Import:
    """Bring in an SVAC file: all of it or nothing. A file already in is refused; undo_import takes it out again."""
    authority.require(by, "import_public_data", Place("imports"))
    queries.refuse_repeated(file.sha256)
    plan = planning.plan(file)
    batch = Import.objects.create(
        dataset="SVAC",
        release=file.release,
        file_name=file_name[-200:],
        sha256=file.sha256,
        rows=len(file.rows),
        notes=list(file.notes)[:200],
        counts=dict(file.counts),
        made_at=clock.now(),
        made_by=by,
    )
    known = {s.origin: s for s in Situation.objects.filter(origin__in=[s.origin for s in plan.situations])}
    fresh = [
        Situation(
            name=s.name, countries=list(s.countries), first_year=s.first_year, last_year=s.last_year, origin=s.origin,
            imported=batch,
        )
        for s in plan.situations
        if s.origin not in known
    ]  # fmt: skip
    known |= {s.origin: s for s in Situation.objects.bulk_create(fresh, batch_size=500)}
    parties = {
        (p.situation_id, p.name, p.actor_type, p.origin): p for p in Party.objects.filter(situation__in=known.values())
    }
    missing = [
        Party(situation=known[p.situation], name=p.name, actor_type=p.actor_type, origin=p.origin, imported=batch)
        for p in plan.parties
        if (known[p.situation].pk, p.name, p.actor_type, p.origin) not in parties
    ]
    for party in Party.objects.bulk_create(missing, batch_size=1000):
        parties[party.situation_id, party.name, party.actor_type, party.origin] = party

    def readings() -> Iterable[Reading]:
        for r in plan.readings:
            situation = known[r.situation]
            yield Reading(
                imported=batch,
                situation=situation,
                party=parties[situation.pk, r.party.name, r.party.actor_type, r.party.origin],
                year=r.year,
                source=r.source,
                kind=r.kind,
                value=r.value,
                forms=list(r.forms),
                form=r.form,
                row=r.row,
            )

    queries.copy_readings(readings())
    record.append(
        "public data imported",
        batch,
        by=by,
        detail={"dataset": "SVAC", "release": file.release, "sha256": file.sha256, "rows": len(file.rows),
                "situations": len(fresh), "parties": len(missing), "readings": len(plan.readings)},
    )  # fmt: skip
    return batch


@action("undo_import")
def undo_import(batch: Import, *, by: Person) -> Import:
    """Take an import out again, as one new act. Refused, with reasons, once anything relies on a row of it."""
    batch = Import.objects.select_for_update().get(pk=batch.pk)
    authority.require(by, "undo_import", batch)
    if batch.undone_at:
        raise Refused(_("That import has already been undone."), reason="lifecycle")
    if reasons := queries.reliance_on_import(batch):
        raise Refused(
            _("The import cannot be undone, because things rely on it: %(why)s") % {"why": " ".join(reasons)},
            reason="relied_upon",
        )
    question("import_undone").ask(batch)
    removed, _each = Reading.objects.filter(imported=batch).delete()
    Party.objects.filter(imported=batch, readings=None, incidents=None, named_further=None).delete()
    Situation.objects.filter(imported=batch, parties=None, readings=None).delete()
    # What another import shares stays and keeps that import as its origin.
    for party in Party.objects.filter(imported=batch):
        party.imported_id = party.readings.aggregate(first=Min("imported_id"))["first"]
        party.save(update_fields=["imported"])
    for situation in Situation.objects.filter(imported=batch):
        situation.imported_id = situation.readings.aggregate(first=Min("imported_id"))["first"]
        situation.save(update_fields=["imported"])
    batch.undone_at = clock.now()
    batch.save(update_fields=["undone_at"])
    record.append("import undone", batch, by=by, detail={"readings": removed})
    return batch


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


def _locked(incident: Incident) -> Incident:
    """The incident for an act that changes it: its actor first, then its row (live.first says why)."""
    live.first([incident.ref])
    return Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)


def locked_item(item: SourceItem) -> SourceItem:
    """The item for an act after which levels are worked out again: its incident's actor first, then its row."""
    live.first([item.incident.ref])
    rows = SourceItem.objects.select_for_update(no_key=True, of=("self",)).select_related("incident__party")
    return rows.get(pk=item.pk)


@question("locked_before").answer_with
def _locked_before(refs: Sequence[str]) -> None:
    """The actors of these incidents, and of the incidents of these items."""
    with scope_of(CLOCK):
        behind = SourceItem.objects.filter(ref__in=[r for r in refs if r.startswith("ITM")])
        incidents = {r for r in refs if r.startswith("INC")} | set(behind.values_list("incident__ref", flat=True))
    if incidents:
        live.first(sorted(incidents))


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
    incident = _locked(incident)
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
        waits=queries.waits_for_a_verifier(incident, contrary), further={"words": words} if words else {},
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
    incident = _locked(incident)
    authority.require(by, name, incident)
    if incident.status == lifecycle.MERGED:
        raise Refused(
            _("This report is linked to another as the same incident. Take that link back instead, on the page that "
              "compares the two."), reason="linked",
        )  # fmt: skip
    if name == "begin_verification":
        _refuse_adder(incident, by)
    if name == "refer_elsewhere":
        # What was linked to it stands by itself again (linking.actions.note), and it stands without that should it come back.
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


@action("verify_incident")
def verify_incident(
    incident: Incident, *, matches_pattern: bool = False, shown: str | None = None, by: Person
) -> Incident:
    """Conclude verification: the rules say which level the items reach; a verifier who did not collect it answers for it.

    The status follows the level: V3 and above verified, V2 credible, V1 alleged. Where another report was linked since, or an
    item added or graded anew, or what capped it taken away, it is concluded again with it. All of it is others' work
    (queries.her_own_in). What she concludes is from then on the most the report stands at (decision 0058).
    V3d incidents of the same actor are worked out again, because the base set may have grown (R-VER-2).
    `shown`: what the page she decided on showed (queries.before_her), None for an act without a page; she is asked to look again
    when that is not what the conclusion would rest on (decision 0056).
    """
    incident = _locked(incident)
    authority.require(by, "verify_incident", incident)
    if incident.collected_by_id == by.pk:
        raise Refused(_("You collected this report, so someone else must verify it (SOD-01)."), reason="SOD-01")
    before, linked = incident.status, _linked_below(incident)
    _refuse_adder(incident, by)
    items = _items_of(incident, linked)
    again = before in lifecycle.COUNTED and (
        any(i.to_be_seen for i in items)
        or not all(p.concluded for p in linked)
        or bool(incident.cap_stays)
        or bool(incident.held_back)
    )
    if before in lifecycle.ASSESSED and not again:
        raise Refused(
            _("Verification was already concluded (%(level)s). Reopen the incident if something new came in.")
            % {"level": incident.level},
            reason="concluded",
        )
    next_status(lifecycle.INCIDENT_MOVES, "find_verified", status=before)
    refuse_unseen(incident, shown)
    incident.verified_by, incident.matches_pattern = by, matches_pattern
    incident.status = lifecycle.ALLEGED  # a counted status, so that the rules below see it; they set the right one
    incident.save(update_fields=["verified_by", "matches_pattern", "status"])
    with scope_of(CLOCK):
        for pair in linked:
            pair.concluded = True
            pair.save(update_fields=["concluded"])
        _seen(items)
        # Nobody's change waits for a verifier any longer.
        of = Incident.objects.filter(pk__in=[incident.pk, *(p.duplicate_id for p in linked)])
        of.exclude(changed_by=[], cap_stays={}).update(changed_by=[], cap_stays={})
        incident.cap_stays, incident.ceiling = {}, {}
        conclude(incident)
    changed = relevel(incident.party, incident.ref, why="verified", by=by)
    incident.refresh_from_db()
    record.append(
        "incident verified", incident, by=by, from_state=before, to_state=incident.status,
        detail={"level": incident.level, "levels": changed},
    )  # fmt: skip
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


def refuse_unseen(incident: Incident, shown: str | None) -> None:
    """Raises Refused where a page showed something else than what a conclusion would rest on now, or did not say what it showed.

    `shown` as its page sent it (queries.before_her); None for an act without a page.
    """
    if shown is not None and shown != queries.before_her(incident):
        raise Refused(
            _("Since you opened this page, something that the conclusion rests on has changed: an item, a grade, a consent, a fact, an "
              "armed actor, a version or a link. Nothing was concluded. Open the report again and look, then conclude."),
            reason="changed",
        )  # fmt: skip


def conclude(incident: Incident) -> None:
    """Part of an act by which a verifier concludes, or says that a level holds: keep what she concluded (decision 0058)."""
    with scope_of(CLOCK):
        (facts,) = queries.incident_facts([incident])
        under = rules.Ceiling.read(incident.ceiling)
        found = rules.concluded(facts.items, matches_pattern=incident.matches_pattern, under=under)
        incident.ceiling = found.kept
        incident.save(update_fields=["ceiling"])


def note_weighed(item: SourceItem, *, stands: bool) -> None:
    """Part of weighing what speaks against a report: what was concluded of it, and of those it is linked to, is no longer capped by
    that, or is (R-VER-3). It rises to what its verifier had before her otherwise, and no further (decision 0058)."""
    with scope_of(CLOCK):
        top = links.ends_of([item.incident_id])[item.incident_id]
        every = Incident.objects.filter(pk__in={item.incident_id, top, *links.keepers_of([item.incident.ref])})
        for row in every.exclude(ceiling={}).select_for_update(no_key=True).order_by("id"):
            was = rules.Ceiling.read(row.ceiling)
            if was is None:
                continue
            if stands:
                now = was.once_it_stands(item.ref) if queries.caps(item) else was
            else:
                # What a ceiling from before there were any does not say is read from the items as a verifier had them.
                said = "" if was.uncapped else rules.uncapped(queries.incident_facts([row])[0].items)
                now = was.once_weighed(item.ref, said)
            if now != was:
                row.ceiling = now.kept
                row.save(update_fields=["ceiling"])


def note_settled(item: SourceItem) -> None:
    """Part of an act by which two assessors settled an account's grade: it counts at once, as the word of two (R-VER-0, decision
    0049), where nothing else of the report waits for a verifier who looks again."""
    with scope_of(CLOCK):
        keys = {item.incident_id, *links.ends_of([item.incident_id]).values()}
        rows = Incident.objects.filter(pk__in=keys, status__in=lifecycle.COUNTED, held_back="").exclude(ceiling={})
        for row in rows.select_for_update(no_key=True).order_by("id"):
            was = rules.Ceiling.read(row.ceiling)
            (facts,) = queries.incident_facts([row])
            if was is not None:
                row.ceiling = rules.settled_since(was, facts.items, matches_pattern=row.matches_pattern).kept
                row.save(update_fields=["ceiling"])


def changed_by(incidents: Iterable[int], who: str) -> None:
    """Part of an act by which reports rest on other items than before: until a verifier concludes, `who` is not that verifier."""
    with scope_of(CLOCK):
        for row in Incident.objects.select_for_update(no_key=True).filter(pk__in=list(incidents)).order_by("id"):
            row.changed_by = sorted({*row.changed_by, who})
            row.save(update_fields=["changed_by"])


def keep_cap(incidents: Iterable[int], what: str, who: Sequence[str]) -> None:
    """Part of an act by which something (an item, a report, a link) takes away what caps these reports, unweighed: the cap stays until
    a verifier looks again who is none of `who` (R-VER-3, decision 0056). Nothing of what is gone is used or kept for it."""
    with scope_of(CLOCK):
        for row in Incident.objects.select_for_update(no_key=True).filter(pk__in=list(incidents)).order_by("id"):
            row.cap_stays = {**row.cap_stays, what: sorted({*row.cap_stays.get(what, ()), *who})}
            row.save(update_fields=["cap_stays"])


def _cap_is_back(incidents: Iterable[int], what: str) -> None:
    """What was taken away speaks of these reports again, and caps them by itself, as the caller saw."""
    rows = Incident.objects.filter(pk__in=list(incidents), cap_stays__has_key=what)
    for row in rows.select_for_update(no_key=True).order_by("id"):
        del row.cap_stays[what]
        row.save(update_fields=["cap_stays"])


def _linked_below(incident: Incident) -> list[Any]:
    """The links under a report: also in compartments that the verifier does not see."""
    with scope_of(CLOCK):
        return list(links.linked_below(incident).select_for_update(no_key=True, of=("self",)).order_by("id"))


def _refuse_adder(incident: Incident, by: Person) -> None:
    """Whoever collected or changed what a report rests on is not the second person to look at it: someone else verifies (SOD-01)."""
    if why := queries.her_own_in(by, incident):
        raise Refused(why, reason="SOD-01")


def _items_of(incident: Incident, linked: Sequence[Any]) -> list[SourceItem]:
    """The items of a report and of those linked to it: also where the verifier does not see them."""
    with scope_of(CLOCK):
        return list(SourceItem.objects.filter(incident__in=[incident.pk, *(p.duplicate_id for p in linked)]))


def _seen(items: Sequence[SourceItem]) -> None:
    """A verifier concludes with these before her, as they are now. What has no live consent she concludes without: should a
    consent come or come back, it waits for one who looks again; what speaks against the report never waits (R-VER-3)."""
    unread = {i.pk for i in items if not i.live and not i.contrary}
    rows = SourceItem.objects.filter(pk__in=[i.pk for i in items])
    rows.exclude(graded_then="", graded_by=[]).update(graded_then="", graded_by=[])
    rows.filter(pk__in=unread, waits=False).update(waits=True)
    rows.exclude(pk__in=unread).filter(waits=True).update(waits=False)


@action("regrade_item")
def regrade_item(
    item: SourceItem, *, reliability: str | None = None, credibility: int | None = None, testimony: str | None = None,
    by: Person,
) -> SourceItem:  # fmt: skip
    """Change the grade of an item after new information; every level that rests on it is worked out again.

    One person's new grade confirms nothing: who confirms it are the assessors who recorded that very grade (R-VER-0). Once
    verification was concluded it may lower a level at once, and raises it no further than a verifier concluded, until one
    who did not give it looks again (SOD-01).
    """
    item = locked_item(item)
    authority.require(by, "grade_item", item)
    counted.refuse_unconsented(item)
    before, then = item.grade, grades.written(item.testimony, item.reliability, item.credibility)
    if reliability is not None:
        item.reliability = reliability
    if credibility is not None:
        item.credibility = credibility
    if testimony is not None:
        item.testimony = testimony
    if unfit := grades.unfit(
        item.kind, testimony=item.testimony, reliability=item.reliability, credibility=item.credibility
    ):
        raise Refused(" ".join(_(sentence) for sentence in unfit.values()), reason="R-VER-0")
    if grades.written(item.testimony, item.reliability, item.credibility) == then:
        raise Refused(_("It has this grade already, so nothing was changed. Choose another grade."), reason="grade")
    item.assessors = counted.confirming(item)
    was_weighed = item.weighed
    note_grade(item, then, by=by)
    item.save(
        update_fields=["reliability", "credibility", "testimony", "assessors", "weighed", "graded_then", "graded_by"]
    )
    changed = relevel(item.incident.party, item.incident.ref, why="item regraded", by=by)
    again = {"weigh_again": True} if was_weighed and not item.weighed else {}
    record.append(
        "item regraded", item, by=by, from_state=before, to_state=item.grade, detail={"levels": changed, **again}
    )
    return item


def note_grade(item: SourceItem, then: str, *, by: Person) -> None:
    """Remember on an item, which the caller saves, that one person gave it another grade than `then` (grades.written), and at
    which one a verifier concluded. Given that one again, nothing is new to a verifier.

    What speaks against a report and is weak no longer was weighed as something else: it is weighed again. What is strong no longer
    caps no more, so whoever made it so does not conclude, be it the first time (R-VER-3, SOD-01).
    """
    now, incident = grades.written(item.testimony, item.reliability, item.credibility), item.incident
    strong, was_strong = (item.contrary and grades.is_strong(g) for g in (now, then))
    item.weighed = item.weighed and not (strong and not was_strong)
    # A first verification is that of the verifier who grades (decision 0041); one that was opened again is not.
    first = incident.verified_by_id is None and incident.status in lifecycle.BEFORE_A_VERIFIER
    if now == then or (first and not item.graded_then and not (was_strong and not strong)):
        return
    item.graded_then = item.graded_then or then
    item.graded_by = sorted({*item.graded_by, by.ref})
    if now == item.graded_then:
        item.graded_then, item.graded_by = "", []


# --- what a change of consents does here ----------------------------------------------------------------------------


@question("consent_changed").answer_with
def _consents_changed(ref: str, change: consent.Change) -> dict[str, object]:
    """An item whose consent ended leaves the calculation at once (R-VER-4); what relied on it is tested again, in silence.

    Levels of the actor's incidents are worked out anew, both when a consent goes and when it comes.
    """
    if ref.startswith("INC"):
        return _incident_consents_changed(ref, change)
    if not ref.startswith("ITM"):
        return {}
    item = SourceItem.objects.select_for_update(no_key=True).get(ref=ref)
    live, caps, aside = item.live, queries.caps(item), dict[str, object]()
    once = {*item.purposes, *item.withdrawn}
    if change.kind == "given":
        # Asked for the first time and refused: it counts by her word alone, and so not (R-VER-4).
        once |= {grades.MONITORING} & {*change.purposes}
    if change.kind == "withdrawn":
        aside = {"withdrawn": list(item.withdrawn)}
        once |= {*change.purposes} | ({"CP-MONI"} if change.total else set())
    elif change.kind == "undone":
        once = {*change.put_aside.get("withdrawn", ()), *change.in_force}
    item.purposes, item.withdrawn = list(change.in_force), sorted(once - set(change.in_force))
    item.save(update_fields=["purposes", "withdrawn"])
    reports = {item.incident_id, *links.ends_of([item.incident_id]).values()}
    if caps and not item.live:
        keep_cap(reports, ref, change.written_by)
    elif queries.caps(item):
        _cap_is_back(reports, ref)
    if change.total and (change.kind == "undone" or item.incident.ref in queries.parts_of(ref)):
        aside |= _close_incident(item.incident, change)
    # A report that is closed or comes back is worked out again whatever its item adds: what was linked to it may have gone.
    if live != item.live or {"CP-MONI", "CP-FIND"} & set(change.purposes) or change.total:
        changed = relevel(item.incident.party, item.incident.ref)
        question("report_changed").ask(item.incident.ref)
        # A no ends what stood before as a withdrawal does.
        if change.kind != "given" or (live and not item.live):
            question("basis_withdrawn").ask(list(dict.fromkeys([item.incident.ref, *changed])), tuple(change.purposes))
    return aside


def _incident_consents_changed(ref: str, change: consent.Change) -> dict[str, object]:
    incident = Incident.objects.select_related("party").get(ref=ref)
    if not change.total:
        return {}
    aside = _close_incident(incident, change)
    changed = relevel(incident.party, ref)
    question("basis_withdrawn").ask(list(dict.fromkeys([ref, *changed])), ("CP-MONI", "CP-FIND"))
    return aside


def _close_incident(incident: Incident, change: consent.Change) -> dict[str, object]:
    """An incident that rests on this alone is closed with it, and comes back with it.

    It comes back linked only where the link still stands. One whose link was taken back meanwhile, or whose better record
    was closed, is reopened: it stands for itself and is looked at anew.
    """
    incident = _locked(incident)
    if change.kind == "withdrawn" and incident.status != lifecycle.CONSENT_WITHDRAWN:
        below, end = links.kept_by([incident.pk]), links.ends_of([incident.pk])[incident.pk]
        # All that rested on one another: those that stand alone now, the one that is kept, and this one, should it come back.
        rested = {incident.pk, end, *below}
        for who in change.written_by if len(rested) > 1 else ():
            changed_by(rested, who)
        incident.refresh_from_db(fields=["changed_by"])
        if end != incident.pk and queries.any_caps([incident.pk, *below]):
            keep_cap([end], incident.ref, change.written_by)
        before, incident.status = incident.status, lifecycle.CONSENT_WITHDRAWN
        incident.save(update_fields=["status"])
        question("report_changed").ask(incident.ref)
        return {"incident_status": before}
    if change.kind == "undone" and change.put_aside.get("incident_status"):
        incident.status = str(change.put_aside["incident_status"])
        if incident.status == lifecycle.MERGED and not links.is_linked(incident):
            incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=incident.status)
        incident.save(update_fields=["status"])
        below, end = links.kept_by([incident.pk]), links.ends_of([incident.pk])[incident.pk]
        for who in change.written_by if incident.changed_by or end != incident.pk else ():
            changed_by([incident.pk, end], who)
        if end != incident.pk and queries.any_caps([incident.pk, *below]):
            _cap_is_back([end], incident.ref)
        question("report_changed").ask(incident.ref)
    return {}


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """A shredded item or incident keeps its reference, what kind it was, and the quarter. Nothing that was told."""
    if ref.startswith("INC"):
        question("report_cleared").ask(ref)
    if ref.startswith("ITM"):
        SourceItem.objects.filter(ref=ref).update(
            says=b"", person_key="", testimony="", primary=False, assessors=0, purposes=[], further={}, graded_then=""
        )
    elif ref.startswith("INC"):
        for incident in Incident.objects.filter(ref=ref):
            on = incident.on.replace(month=(incident.on.month - 1) // 3 * 3 + 1, day=1)
            Incident.objects.filter(pk=incident.pk).update(
                narrative=b"", place=b"", link_reason=b"", on=on, precision="quarter", earliest=None, latest=None, area1="", area2="", forms=[],
                links=[], settings=[], consequences=[], victims=0, victims_min=0, victims_max=0, because=[], level="V1",
                further={},
            )  # fmt: skip
            FurtherActor.objects.filter(incident=incident).delete()
            relevel(incident.party, ref)


def relevel(party: Party, *touched: str, why: str = "items", by: HasPrincipal | None = None) -> dict[str, str]:
    """Work out again what incidents of an actor (those named, or all) change: levels, windows, assessments, what relies on them.

    Returns the levels that changed, for the record entry. Every act that changes an item, a status, a date or a count calls it.
    """
    changed = live.relevel(party, touched, why=why, by=by)
    # A change that reaches back into a period already counted makes another version of that count.
    counted.restate(party, list(changed))
    return changed


@action("assess_pattern")
def assess_pattern(
    party: Party, *, commonalities: Sequence[str] = (), systematic: Sequence[str] = (), chain: bool = False, by: Person
) -> PatternAssessment:
    """Run the pattern rules over the counted incidents of the last twelve months and keep the result.

    `chain=True` counts per chain of command (§1.4): also what units did on days on which they stood under the actor.
    `systematic` are indicators the analyst claims: they count where they are recorded with items that reach the
    standard claimed, and are named as not supported where they are not.
    """
    authority.require(by, "assess_pattern", party.situation)
    # Nobody changes what is counted between the counting and the keeping, else this assessment would miss it for good.
    today = clock.today()
    of = {party.pk, *(p.pk for p, _a, _b in patterns.spans(party, *rules.window(today), chain=chain))}
    live.hold(of)
    if unknown := [s for s in systematic if s not in taxonomy("systematic_indicator")]:
        raise Refused(_("Unknown indicator: %(codes)s.") % {"codes": ", ".join(unknown)}, reason="unknown")
    result = patterns.result(party, on=today, chain=chain, commonalities=commonalities)
    if not result["reported_incidents"]:
        raise Refused(
            _("No incident of this actor has been verified, found credible or alleged in the last twelve months."),
            reason="no_incidents",
        )
    claimed = sorted(set(systematic) - set(result["systematic"]))
    result["not_supported"] = claimed
    result["why_not_supported"] = patterns.not_counted(sorted(of), claimed, *rules.window(today))
    assessment = PatternAssessment.objects.create(
        situation=party.situation, party=party, on=today, commonalities=list(commonalities),
        systematic=result["systematic"], result=result, made_by=by, made_at=clock.now(),
    )  # fmt: skip
    if commonalities:
        live.reasons_changed(party, why="commonality reasoned", because_of=assessment.ref, by=by)
    entry = record.append(
        "pattern assessed", assessment, by=by,
        detail={"tests": {c: t["met"] for c, t in result["tests"].items()}, "incidents": result["verified"]},
    )  # fmt: skip
    record.rely(assessment.ref, result["verified"], "incident", since=entry.index)
    return assessment


def describe_count(n: int) -> str:
    """ "At least n" as public prose has it, rounded down to fives (R-FND-6)."""
    shown = rules.at_least(n)
    return ngettext("at least %(n)d verified survivor", "at least %(n)d verified survivors", shown) % {"n": shown}
