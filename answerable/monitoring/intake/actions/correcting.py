"""A later version of a submission: whether it is one, taken over by the report it corrects, and looked at again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, scope_of
from answerable.authority.principals import CLOCK
from answerable.common.errors import Refused
from answerable.common.lifecycle import next_status
from answerable.monitoring import actions as monitoring
from answerable.monitoring import lifecycle, verifiers
from answerable.monitoring.intake import models as m
from answerable.monitoring.intake import queries, rules
from answerable.monitoring.intake.actions import attaching, filing
from answerable.monitoring.intake.staging import sentences
from answerable.monitoring.models import Incident, Party
from answerable.monitoring.patterns import live
from answerable.record import log as record


def withdrawn_by_now(reports: Iterable[str]) -> set[str]:
    """Those of these reports whose consent is withdrawn, none of which is being withdrawn meanwhile: a later version is kept
    before, and goes with the report, or not at all.
    """
    refs = list(reports)
    with scope_of(CLOCK):
        list(Incident.objects.select_for_update(no_key=True).filter(ref__in=refs).order_by("pk").values_list("pk"))
    return queries.withdrawn(refs)


@action("take_as_version")
def take_as_version(draft: m.Draft, *, by: Person) -> m.Draft:
    """A person says that a draft is a later version of what it looks like: it takes the place of that draft, or waits as a correction
    of that report, as if its names had said so: with every version of its own, and with the doubt of the draft whose place it takes.
    Raises Refused.
    """
    draft = filing.locked(draft)
    authority.require(by, "file_draft", draft)
    earlier = m.Draft.objects.filter(ref=queries.in_doubt(draft)).first() if draft.looks_like else None
    if draft.status != m.DRAFT or earlier is None:
        raise Refused(_(NOT_IN_DOUBT), reason="lifecycle")
    of = m.Draft.objects.filter(organisation=draft.organisation_id, identity=earlier.identity)
    list(of.select_for_update().order_by("pk").values_list("pk"))
    known = queries.seen_before(draft.organisation_id, [earlier.identity]).get(earlier.identity)
    filed = known is not None and known.status in (m.FILED, m.TAKEN_OVER)
    if known and filed and withdrawn_by_now([known.ref]):
        raise Refused(_(sentences.WITHDRAWN), reason="consent")
    if known is None or (not filed and known.status != m.DRAFT):
        raise Refused(
            _("What it may be a version of is no longer open. Say that it is a report of its own."), reason="lifecycle"
        )
    of.filter(status__in=[m.DRAFT, m.CORRECTION]).update(status=m.REPLACED)
    own, before = draft.identity, draft.status
    doubt = "" if filed else known.looks_like
    versions = m.Draft.objects.select_for_update().filter(organisation=draft.organisation_id, identity=own)
    for d in [*versions.exclude(pk=draft.pk).order_by("pk"), draft]:
        d.identity, d.also, d.version = known.identity, [*d.also, own], known.version + d.version
        d.looks_like, d.corrects = doubt, known.ref if filed else ""
        if d is draft:
            d.status = m.CORRECTION if filed else m.DRAFT
        d.save(update_fields=["identity", "also", "version", "looks_like", "status", "corrects"])
    m.Interview.objects.filter(held_by=own, organisation=draft.organisation_id).update(held_by=known.identity)
    record.append(
        "draft taken as a later version", draft, by=by, from_state=before, to_state=draft.status,
        detail={"of": known.ref, "version": draft.version},
    )  # fmt: skip
    return draft


@action("keep_apart")
def keep_apart(draft: m.Draft, *, by: Person) -> m.Draft:
    """A person says that a draft is no later version of what it looks like: a report of its own, unless that was itself an undecided
    draft. Then it may still be a later version of what that one looks like, and is asked about this next.
    """
    draft = filing.locked(draft)
    authority.require(by, "file_draft", draft)
    if draft.status != m.DRAFT or not draft.looks_like:
        raise Refused(_(NOT_IN_DOUBT), reason="lifecycle")
    of = queries.in_doubt(draft)
    asked = m.Draft.objects.filter(ref=of).values_list("identity", flat=True).first()
    known = queries.seen_before(draft.organisation_id, [asked]).get(asked) if asked else None
    draft.looks_like = known.looks_like if known and known.status == m.DRAFT else ""
    draft.save(update_fields=["looks_like"])
    record.append("draft kept apart", draft, by=by, detail={"of": of})
    return draft


NOT_IN_DOUBT = rules._("Nothing is in doubt about this draft: it was decided, or is no longer open.")


@action("take_over_correction")
def take_over_correction(draft: m.Draft, *, actors: Sequence[Party] = (), by: Person) -> Incident:
    """A later version of a submission corrects the report it became: never a second report.

    Coded facts change to the later version's; the texts of both versions stay, each sealed as it came, and whoever opens the
    report's words is shown the newest with the earlier ones beside it. Items that the
    submission did not have before are added; an item it had, or whose words or file are on the report already, stays as it was graded. Where
    the later version names other armed actors, `actors` says for which it counts: the report's or the version's; one that names
    another situation is refused. A report whose verification was
    concluded is open again when what counts changed or an item was added: what was found of the earlier facts is not said of
    the later ones. Else it stays counted, and a verifier is told to look whether its level holds. Raises Refused.
    """
    live.first([draft.corrects], also=[a.pk for a in actors])
    draft = m.Draft.objects.select_for_update().get(pk=draft.pk)
    incident = Incident.objects.select_for_update(no_key=True).filter(ref=draft.corrects).first()
    authority.require(by, "take_over_correction", draft)
    if draft.status != m.CORRECTION or incident is None:
        raise Refused(_("This is no correction that waits."), reason="lifecycle")
    if incident.status == lifecycle.CONSENT_WITHDRAWN:
        raise Refused(_("Consent to this report was withdrawn, so nothing of it is changed. Set the correction aside."),
                      reason="consent")  # fmt: skip
    if incident.status == lifecycle.MERGED:
        raise Refused(
            _("This report is linked to another as the same incident. Take that link back first, then take over the correction."),
            reason="linked",
        )  # fmt: skip
    if queries.other_situation(draft, incident):
        raise Refused(
            _("This version names another situation than the report, and a report stays in its situation. Set the correction aside; "
              "if it happened in the other situation, file it there as a report of its own."), reason="situation",
        )  # fmt: skip
    named, others = incident.actors, queries.other_actors(draft, incident)
    if others and not actors:
        raise Refused(
            _("This version names other armed actors than the report. Choose for which it counts."),
            reason="party",
        )
    chosen = {a.pk for a in actors} or {a.pk for a in named}
    if chosen not in ({a.pk for a in named}, {a.pk for a in others}):
        raise Refused(_("Choose the actors that the report or this version names."), reason="party")
    was, before = incident.status, {f: getattr(incident, f) for f in CORRECTED}
    by_category = incident.further.get("victim_counts", {})
    other_set = chosen != {a.pk for a in named}
    if incident.party_id not in chosen:
        incident.party = actors[0]
    c: Mapping[str, Any] = draft.coded
    for name, value in filing.dates(draft).items():
        setattr(incident, name, value)
    incident.area1, incident.area2, incident.further = draft.area1, draft.area2, filing.further(draft)
    for name in ("victims", "victims_min", "victims_max", "forms", "links", "risk"):
        setattr(incident, name, c[name])
    incident.settings, incident.consequences = c.get("settings", []), c.get("consequences", [])
    changed = sorted(f for f in CORRECTED if before[f] != getattr(incident, f) or (f == "party" and other_set))
    told, tells = before["further"], incident.further
    answers = sorted(n for n in {*told, *tells} if told.get(n) != tells.get(n) and n != "when")
    new = queries.new_items(draft)
    items = queries.not_here_yet(incident, new)
    if was in lifecycle.ASSESSED:
        if items or COUNTS & set(changed) or by_category != incident.further.get("victim_counts", {}):
            incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=was)
        incident.story_corrected = incident.status == was
    incident.versions_by = sorted({*incident.versions_by, *queries.had_versions(draft), by.ref})
    incident.save(update_fields=[*CORRECTED, "status", "story_corrected", "versions_by"])
    if other_set:
        monitoring.name_further(incident, actors)
    files = attaching.filed_items(incident, items, by=by)
    draft.status = m.TAKEN_OVER
    draft.save(update_fields=["status"])
    filing.counts_now([incident], why="report corrected")
    entry = record.append(
        "report corrected", incident, by=by, from_state=was, to_state=incident.status,
        detail={"correction": draft.ref, "version": draft.version, "changed": [*changed, *answers], "files": len(files),
                "here_already": len(new) - len(items), **attaching.taken_in(files, by),
                **({"actors_before": [a.ref for a in named]} if other_set else {})},
    )  # fmt: skip
    attaching.files_enter(files, entry, by=by)
    return incident


# What of a report is counted: a level was found of these facts, and of no others.
COUNTS = frozenset(
    {"party", "on", "precision", "earliest", "latest", "area1", "area2", "victims", "victims_min", "victims_max", "forms", "links"}
)  # fmt: skip
CORRECTED = sorted({*COUNTS, "risk", "settings", "consequences", "further"})


@action("look_at_corrected_story")
def look_at_corrected_story(incident: Incident, *, holds: bool, shown: str | None = None, by: Person) -> Incident:
    """A verifier who did not collect a report says, after its story was corrected, that its level still holds, or opens it again.

    `shown`: what the page showed on which she says that it holds, None for an act without a page (monitoring.actions.refuse_unseen).
    """
    live.first([incident.ref])
    incident = Incident.objects.select_for_update(no_key=True).select_related("party").get(pk=incident.pk)
    authority.require(by, "verify_incident", incident)
    if why := verifiers.her_own_in(by, incident):
        raise Refused(why, reason="SOD-01")
    was = incident.status
    if not incident.story_corrected or was not in lifecycle.ASSESSED:
        raise Refused(_("No correction of its story waits to be looked at."), reason="lifecycle")
    if holds:
        monitoring.refuse_unseen(incident, shown)
    else:
        incident.status = next_status(lifecycle.INCIDENT_MOVES, "reopen", status=was)
    incident.story_corrected = False
    incident.save(update_fields=["status", "story_corrected"])
    if holds and was in lifecycle.COUNTED:
        monitoring.conclude(incident)
    if not holds:
        filing.counts_now([incident], why="reopen")
    record.append(
        "corrected story looked at" if holds else "reopen", incident, by=by, from_state=was, to_state=incident.status
    )
    return incident
