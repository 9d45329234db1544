"""Every change to evidence, to how it is graded and weighed, and to counts of closed periods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.engines import tlog
from answerable.monitoring import grades
from answerable.monitoring.evidence import queries, rules, timestamps
from answerable.monitoring.evidence.models import (
    Assessment,
    CustodyLine,
    EvidenceCheck,
    EvidenceFile,
    Opinion,
    PeriodCount,
    Proof,
    Redaction,
    TimeAuthority,
    Weighing,
    assessment_ref,
    opinion_ref,
    weighing_ref,
)
from answerable.monitoring.evidence.said import Broken
from answerable.monitoring.linking import queries as links
from answerable.monitoring.models import Incident, Party, Situation, SourceItem
from answerable.monitoring.patterns.models import Indicator
from answerable.monitoring.verifiers import has_a_share
from answerable.record import log as record
from answerable.record.models import Entry
from answerable.vault import keeping
from answerable.vault.consent import actions as consent
from answerable.vault.consent import gate

# Why evidence is touched: short codes, because the custody log holds nobody's words.
WHY = ("verification", "preservation", "panel", "court", "safety", "request")
ACTS = ("taken", "proof", "viewed", "checked", "redacted", "exported", "original", "transferred")


def roles_of(by: HasPrincipal) -> str:
    """Under which roles something is done, as a line of custody and its entry both say it."""
    return ",".join(sorted(getattr(by, "roles", ()) or ()))[:200]


def _line(item: SourceItem, about: str, act: str, why: str, *, by: HasPrincipal, entry: Entry) -> None:
    """One line of the custody log, in the transaction of the act and beside its record entry."""
    CustodyLine.objects.create(
        compartment=item.compartment, item=item, about=about, act=act, why=why, at=entry.at or clock.now(), by=by.ref,
        roles=roles_of(by), entry=entry.index,
    )  # fmt: skip


def _known_reason(why: str) -> None:
    if why not in WHY:
        raise Refused(_("Say why, by one of the reasons listed; it stands in the custody log."), reason="why")


# --- files --------------------------------------------------------------------------------------------------------


@action("take_file")
def take_file(
    item: SourceItem, *, ref: str, kind: str, stored: str, commitment: bytes, mark: bytes, sealed: Mapping[str, bytes],
    why: str, by: Person, alike: str = "",
) -> EvidenceFile:  # fmt: skip
    """Enter a file that lies sealed in quarantine, on a source item. The vault alone calls it, when it has kept the key.

    Where a report linked to this one has the same file, levels are worked out again: it is one source (R-VER-1).
    Raises Refused when this very file is on this item already.
    """
    elsewhere = _elsewhere(item, alike)
    if elsewhere:
        question("locked_before").ask([item.ref])
    authority.require(by, "take_file", item)
    _known_reason(why)
    if earlier := EvidenceFile.objects.filter(item=item, mark=mark).first():
        raise Refused(
            _("This very file is on this item already: %(ref)s, taken on %(day)s. It was not taken a second time.")
            % {"ref": earlier.ref, "day": earlier.taken_at.date().isoformat()},
            reason="duplicate",
        )
    file = EvidenceFile.objects.create(
        ref=ref, compartment=item.compartment, item=item, kind=kind, stored=stored, commitment=commitment, mark=mark,
        alike=alike, taken_at=clock.now(), taken_by=by, **sealed,
    )  # fmt: skip
    changed = {"levels": _relevel(item.incident)} if elsewhere else {}
    entry = record.append(
        "evidence taken", file, by=by, reason=why,
        detail={"item": item.ref, "kind": kind, "commitment": commitment.hex(), "roles": roles_of(by), **changed},
    )  # fmt: skip
    _line(item, file.ref, "taken", why, by=by, entry=entry)
    return file


def _elsewhere(item: SourceItem, alike: str) -> bool:
    """Whether another report of the situation has this very file, in whichever compartment."""
    with reading_as(CLOCK):
        same = EvidenceFile.objects.filter(alike=alike, item__incident__situation=item.incident.situation_id)
        return bool(alike) and same.exclude(item__incident=item.incident_id).exists()


@action("mark_files")
def mark_files(refs: Sequence[str], alike: str, *, by: HasPrincipal) -> dict[str, str]:
    """Files from before one was known again across reports (`EvidenceFile.alike`): the vault had the hash of one before it, and found
    these to be the same file. Levels are worked out again, because they are one source (R-VER-1); returns those that changed.
    """
    authority.require(by, "mark_files", Place("evidence"))
    with scope_of(CLOCK):
        of = EvidenceFile.objects.filter(ref__in=list(refs), alike="")
        items = list(SourceItem.objects.filter(files__in=of).select_related("incident").distinct())
    question("locked_before").ask([i.ref for i in items])
    changed: dict[str, str] = {}
    with scope_of(CLOCK):
        of.update(alike=alike)
        for incident in {i.incident_id: i.incident for i in items}.values():
            changed |= _relevel(incident, why="the same file found")
    record.append("files found to be the same", "EVIDENCE", by=by, detail={"files": sorted(refs), "levels": changed})
    return changed


def came_with(
    item: SourceItem, *, ref: str, kind: str, stored: str, commitment: bytes, mark: bytes, sealed: Mapping[str, bytes],
    by: Person, alike: str = "",
) -> EvidenceFile:  # fmt: skip
    """Keep a file that came with its report, inside the act that files it and before levels are worked out: it was recognised,
    sealed and given its key when it arrived, and moves as it is. `came_in` writes its first line of custody."""
    return EvidenceFile.objects.create(
        ref=ref, compartment=item.compartment, item=item, kind=kind, stored=stored, commitment=commitment, mark=mark,
        alike=alike, taken_at=clock.now(), taken_by=by, **sealed,
    )  # fmt: skip


def came_in(item: SourceItem, ref: str, *, entry: Entry, by: Person) -> None:
    """The first line of custody of a file that came with its report, under the entry of the act that filed it."""
    _line(item, ref, "taken", "verification", by=by, entry=entry)


@action("keep_proof")
def keep_proof(file: EvidenceFile, *, ref: str, kind: str, content: bytes, why: str, by: Person) -> Proof:
    """Keep a proof of time with a file; `content` is sealed already."""
    authority.require(by, "take_file", file.item)
    _known_reason(why)
    proof = Proof.objects.create(
        ref=ref, compartment=file.compartment, file=file, kind=kind, content=content, added_at=clock.now(), added_by=by
    )
    entry = record.append(
        "proof kept", proof, by=by, reason=why, detail={"file": file.ref, "kind": kind, "roles": roles_of(by)}
    )
    _line(file.item, proof.ref, "proof", why, by=by, entry=entry)
    return proof


@action("check_file")
def note_check(
    file: EvidenceFile, lines: Sequence[Mapping[str, Any]], *, proof: Proof | None = None, by: Person
) -> EvidenceCheck:
    """Keep what a check in the closed room found: whether each point held, did not, or could not be checked here."""
    authority.require(by, "check_file", file.item)
    check = EvidenceCheck.objects.create(
        compartment=file.compartment, file=file, proof=proof, lines=list(lines), made_at=clock.now(), made_by=by
    )
    counts = {o: sum(line["outcome"] == o for line in lines) for o in ("held", "not_held", "not_checkable")}
    found = hashlib.sha256(tlog.canonical(check.lines)).hexdigest()
    entry = record.append(
        "evidence checked", file, by=by,
        detail={"proof": proof.ref if proof else "", **counts, "found": found, "roles": roles_of(by)},
    )  # fmt: skip
    _line(file.item, proof.ref if proof else file.ref, "checked", "verification", by=by, entry=entry)
    return check


@action("redact_file")
def keep_redaction(
    item: SourceItem,
    *,
    file: EvidenceFile | None,
    ref: str,
    stored: str,
    text: bytes,
    removed: int,
    why: str,
    by: Person,
) -> Redaction:
    """Keep a version of a file or a statement from which regions or passages were destroyed. The original is not touched."""
    authority.require(by, "redact", item)
    _known_reason(why)
    redaction = Redaction.objects.create(
        ref=ref, compartment=item.compartment, item=item, file=file, stored=stored, text=text, removed=removed,
        made_at=clock.now(), made_by=by,
    )  # fmt: skip
    about = file.ref if file else item.ref
    entry = record.append(
        "evidence redacted",
        redaction,
        by=by,
        reason=why,
        detail={"of": about, "removed": removed, "roles": roles_of(by)},
    )
    _line(item, redaction.ref, "redacted", why, by=by, entry=entry)
    return redaction


# For whom something leaves → the use of a consent that covers it (SC-4): a court is CP-CRIM, the panel CP-FIND, what stays
# monitoring CP-MONI.
COVERED_BY = {"court": ("transfer", "criminal_justice"), "panel": ("read", "finding")}


def exportable(file: EvidenceFile, why: str) -> bool:
    """Whether a live consent covers that something of this file leaves the office for this reason (SC-4)."""
    operation, use = COVERED_BY.get(why, ("export", "incidents"))
    return gate.gate(operation, file.item, use)


def not_covered(why: str) -> Refused:
    """The refusal of what no live consent covers, with the purpose that would."""
    line = gate.operation(*COVERED_BY.get(why, ("export", "incidents")))
    return Refused(
        _("There is no live consent that covers this leaving the office for this reason, so it stays here (SC-4). It "
          "needs %(purpose)s.") % {"purpose": line.purpose if line else ""},
        reason="consent",
    )  # fmt: skip


@action("export_file")
def note_export(file: EvidenceFile, *, why: str, by: Person) -> EvidenceFile:
    """The custody statement of a file leaves the office: hash, salt, checks and custody, to compare with the file elsewhere."""
    authority.require(by, "export_file", file.item)
    _known_reason(why)
    entry = record.append(
        "custody statement exported", file, by=by, reason=why, detail={"item": file.item.ref, "roles": roles_of(by)}
    )
    _line(file.item, file.ref, "exported", why, by=by, entry=entry)
    return file


@action("transfer_file")
def transfer_file(file: EvidenceFile, recipient: Body, *, purpose: str, why: str, by: Person) -> CustodyLine:
    """Note that a file was handed to another organisation, under a live consent for it; never to a delegation (IS-1).

    It enters the ledger of what was given out, so that a withdrawal recalls it.
    """
    authority.require(by, "export_file", file.item)
    _known_reason(why)
    if why == "court" and purpose != "CP-CRIM":
        raise Refused(
            _(
                "What is handed over for a court is given out under CP-CRIM. Choose that purpose, or the reason it is for."
            ),
            reason="purpose",
        )
    transfer = consent.give_out(file.item, purpose, recipient, ["file"])
    entry = record.append(
        "evidence transferred", file, by=by, reason=why,
        detail={"item": file.item.ref, "recipient": recipient.ref, "transfer": transfer.ref, "purpose": transfer.purpose,
                "roles": roles_of(by)},
    )  # fmt: skip
    _line(file.item, file.ref, "transferred", why, by=by, entry=entry)
    return CustodyLine.objects.get(entry=entry.index)


@question("opened").answer_with
def _opened(obj: Any, entry: Entry, purpose: str, by: HasPrincipal) -> None:
    """Within the act of opening: a look at evidence is a line of custody; an assessor grades before reading another's.

    What leaves the office is a line of its own kind, and needs the leave to let evidence out and a live consent for it.
    """
    if entry.reason:
        _leaves(obj, entry, by)
    elif isinstance(obj, EvidenceFile | Redaction):
        _line(obj.item, obj.ref, "viewed", purpose if purpose in WHY else "verification", by=by, entry=entry)
    elif isinstance(obj, Assessment) and not queries.may_see_grade(obj, by):
        raise Refused(
            _("Give your own grade first: assessors grade without sight of each other (R-VER-0)."), reason="R-VER-0"
        )


def _leaves(obj: Any, entry: Entry, by: HasPrincipal) -> None:
    if not isinstance(obj, EvidenceFile):
        raise Refused(_("Only a file of evidence leaves the office in this way."), reason="kind")
    authority.require(by, "export_file", obj.item)
    _known_reason(entry.reason)
    if not exportable(obj, entry.reason):
        raise not_covered(entry.reason)
    _line(obj.item, obj.ref, "original", entry.reason, by=by, entry=entry)


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """What is shredded keeps its reference and its custody. The sealed file goes from the disk as well."""
    if ref.startswith("FIL"):
        for file in EvidenceFile.objects.filter(ref=ref):
            queries.discard(file.stored)
        EvidenceFile.objects.filter(ref=ref).update(name=b"", salt=b"", digest=b"", alike="")
    elif ref.startswith("PRF"):
        Proof.objects.filter(ref=ref).update(content=b"")
    elif ref.startswith("RED"):
        for redaction in Redaction.objects.filter(ref=ref):
            queries.discard(redaction.stored)
        Redaction.objects.filter(ref=ref).update(text=b"")
    elif ref.startswith("ASM"):
        Assessment.objects.filter(ref=ref).update(reasons=b"")
    elif ref.startswith("WEI"):
        Weighing.objects.filter(ref=ref).update(how=b"")
    elif ref.startswith("OPN"):
        Opinion.objects.filter(ref=ref).update(reasons=b"")


# --- trusted roots ------------------------------------------------------------------------------------------------


@action("enter_time_authority")
def enter_time_authority(*, pem: str, by: Person) -> TimeAuthority:
    """Trust a root of time-stamping authorities, from its certificate in PEM."""
    authority.require(by, "enter_time_authority", Place("time_authorities"))
    try:
        der, name = timestamps.root_from_pem(pem)
    except Broken:
        raise Refused(
            _("This is not the certificate of an authority. Paste the root's certificate in PEM, from the line BEGIN "
              "CERTIFICATE to END CERTIFICATE."),
            reason="certificate",
        ) from None  # fmt: skip
    digest = timestamps.fingerprint(der)
    if TimeAuthority.objects.filter(sha256=digest, ended_at=None).exists():
        raise Refused(_("That root is trusted already."), reason="duplicate")
    made = TimeAuthority.objects.create(
        name=name, certificate=der, sha256=digest, entered_at=clock.now(), entered_by=by
    )
    record.append("time authority entered", made, by=by, detail={"sha256": digest})
    return made


@action("end_time_authority")
def end_time_authority(root: TimeAuthority, *, by: HasPrincipal) -> TimeAuthority:
    """Trust a root no longer: checks from now on do not count it. What was found before stays as it was found."""
    root = TimeAuthority.objects.select_for_update().get(pk=root.pk)
    authority.require(by, "enter_time_authority", Place("time_authorities"))
    if root.ended_at:
        raise Refused(_("That root is no longer trusted already."), reason="lifecycle")
    root.ended_at = clock.now()
    root.save(update_fields=["ended_at"])
    record.append("time authority ended", root, by=by, detail={"sha256": root.sha256})
    return root


# --- grading, weighing, opinions ----------------------------------------------------------------------------------


@action("assess_item")
def assess_item(
    item: SourceItem, *, testimony: str = "", reliability: str = "", credibility: int = 0, reasons: str, by: Person
) -> Assessment:
    """One assessor's grade. An account's grade is settled by two, or three (R-VER-0); another source's at once, and then,
    once verification was concluded, as a new grade by one person (monitoring.actions.regrade_item).

    Who collected does not assess (SOD-01, in the policy), nor who added the item. Raises Refused with what is missing.
    """
    item = _locked(item)
    authority.require(by, "grade_item", item)
    refuse_unconsented(item)
    if item.added_by_id == by.pk:
        raise Refused(_(OTHERS_ASSESS), reason="SOD-01")
    _right_scale(item, testimony, reliability, credibility)
    if not reasons.strip():
        raise Refused(_("Say in a sentence or two why this grade; it is sealed."), reason="reasons")
    before = list(Assessment.objects.filter(item=item))
    if any(a.assessor_id == by.pk for a in before):
        raise Refused(_("You have graded this item. An assessor grades an item once."), reason="R-VER-0")
    account, told = grades.is_account(item.kind), [a.testimony for a in before]
    if (account and rules.grading(told).grade) or (not account and before):
        raise Refused(
            _("The grade of this item is settled. New information changes it by regrading."), reason="settled"
        )
    ref = assessment_ref()
    sealed = keeping.seal_fields(ref, item.compartment, "Assessment", {"reasons": reasons})
    assessment = Assessment.objects.create(
        ref=ref, compartment=item.compartment, item=item, assessor=by, testimony=testimony, reliability=reliability,
        credibility=credibility, given_at=clock.now(), **sealed,
    )  # fmt: skip
    detail: dict[str, Any] = {"assessors": len(before) + 1}
    was = item.grade
    then = grades.written(item.testimony, item.reliability, item.credibility)
    if testimony:
        found = rules.grading([*told, testimony])
        item.testimony = found.grade or item.testimony
        item.assessors = confirming(item)
    else:
        item.reliability, item.credibility = reliability, credibility
        _monitoring().note_grade(item, then, by=by)
    settled = bool(reliability or rules.grading([*told, testimony]).grade)
    if settled:
        if account:  # the word of two, neither of whom collected it or added it
            item.graded_then, item.graded_by = "", []
            _others_look(item, by)
        item.save(
            update_fields=[
                "testimony",
                "assessors",
                "reliability",
                "credibility",
                "weighed",
                "graded_then",
                "graded_by",
            ]
        )
        detail["levels"] = _relevel(item.incident)
    # Before it is settled not even the record says a grade: the next assessor is to come to it alone.
    record.append("item assessed", item, by=by, from_state=was, to_state=item.grade if settled else was, detail=detail)
    return assessment


def _others_look(item: SourceItem, by: Person) -> None:
    """An account that bears an indicator out counts for more in it only once another verifier concluded its report again (0058)."""
    with scope_of(CLOCK):
        if not Indicator.objects.filter(ended_at=None, supporting=item).exists():
            return
        ends = [item.incident_id, *links.ends_of([item.incident_id]).values()]
        concluded = Incident.objects.filter(pk__in=ends).exclude(ceiling={}).values_list("pk", flat=True)
    _monitoring().changed_by(concluded, by.ref)


def confirming(item: SourceItem) -> int:
    """How many persons confirmed an account's present grade: counted from what each recorded alone, the collector never."""
    given = [
        grades.Given(ref, grade)
        for ref, grade in Assessment.objects.filter(item=item).values_list("assessor__ref", "testimony")
    ]
    return grades.confirmed_by(item.testimony, given, collector=item.incident.collected_by.ref)


def _right_scale(item: SourceItem, testimony: str, reliability: str, credibility: int) -> None:
    unfit = grades.unfit(item.kind, testimony=testimony, reliability=reliability, credibility=credibility)
    if not unfit and not (testimony or reliability):
        raise Refused(_("Choose a grade."), reason="grade")
    if unfit:
        raise Refused(" ".join(_(sentence) for sentence in unfit.values()), reason="R-VER-0")


WITHOUT_CONSENT = gettext_noop(
    "No live consent to monitoring covers this item now, so it is not graded or weighed (R-VER-4). That is possible again once a "
    "consent to it is written down, or its withdrawal taken back."
)


def refuse_unconsented(item: SourceItem) -> None:
    """Raises Refused for an item whose consent ended or never came: it is not read, counted, graded or weighed (decision 0056)."""
    if not item.live:
        raise Refused(_(WITHOUT_CONSENT), reason="R-VER-4")


OTHERS_ASSESS = gettext_noop("You added this item, so others assess it (SOD-01).")
OTHERS_WEIGH = gettext_noop(
    "You collected this report or one linked to it, added an item or had a version, so someone else weighs what speaks against it (SOD-01)."
)
WEIGHED = ("outweighed", "explained", "stands")


@action("weigh_contrary")
def weigh_contrary(item: SourceItem, *, outcome: str, how: str, by: Person) -> Weighing:
    """A verification lead records how a contrary item was weighed; unless it stands, the cap of R-VER-3 falls.

    She has no share in the report, nor in any that is linked with it: what frees a level is another's word (SOD-01). A report that was
    concluded rises with that to what its verifier had before her otherwise, and no further (decision 0058).
    """
    item = _locked(item)
    authority.require(by, "weigh_contrary", item)
    refuse_unconsented(item)
    if has_a_share(by, item.incident):
        raise Refused(_(OTHERS_WEIGH), reason="SOD-01")
    if not item.contrary:
        raise Refused(_("Only a contrary item is weighed."), reason="item")
    if outcome not in WEIGHED or not how.strip():
        raise Refused(_("Say how it was weighed and what came of it; the reasons are sealed."), reason="reasons")
    ref = weighing_ref()
    sealed = keeping.seal_fields(ref, item.compartment, "Weighing", {"how": how})
    weighing = Weighing.objects.create(
        ref=ref,
        compartment=item.compartment,
        item=item,
        outcome=outcome,
        weighed_at=clock.now(),
        weighed_by=by,
        **sealed,
    )
    item.weighed = outcome != "stands"
    item.save(update_fields=["weighed"])
    _monitoring().note_weighed(item, stands=not item.weighed)
    changed = _relevel(item.incident)
    record.append("contrary item weighed", item, by=by, to_state=outcome, detail={"levels": changed})
    return weighing


@action("give_level_opinion")
def give_level_opinion(incident: Incident, *, level: str, reasons: str, by: Person) -> Opinion:
    """Another organisation says how well it finds the incident known. Kept beside the level, which it never changes."""
    authority.require(by, "give_level_opinion", incident)
    if level not in LEVELS or not reasons.strip():
        raise Refused(_("Name the level you would give and say why; the reasons are sealed."), reason="reasons")
    if incident.verified_by_id and incident.verified_by is not None and incident.verified_by.body_id == by.body_id:
        raise Refused(
            _("Your organisation concluded this verification itself. An opinion comes from another."), reason="own"
        )
    ref = opinion_ref()
    sealed = keeping.seal_fields(ref, incident.compartment, "Opinion", {"reasons": reasons})
    opinion = Opinion.objects.create(
        ref=ref, compartment=incident.compartment, incident=incident, body=by.body, given_by=by, given_at=clock.now(),
        stance="agrees" if level == incident.level else "dissents", level_then=incident.level, level=level, **sealed,
    )  # fmt: skip
    record.append("opinion given", incident, by=by, to_state=opinion.stance,
                  detail={"opinion": ref, "body": by.body.ref, "level": level, "level_then": incident.level})  # fmt: skip
    return opinion


LEVELS = ("V1", "V2", "V3a", "V3b", "V3c", "V3d", "V4")


# --- counts of closed periods -------------------------------------------------------------------------------------


@action("close_period")
def close_period(situation: Situation, *, first: date, last: date, by: Person) -> PeriodCount:
    """Count a situation's incidents of a period that is over. What changes afterwards is said in further versions."""
    authority.require(by, "close_period", situation)
    if first > last or last >= clock.today():
        raise Refused(_("A period is counted when it is over, from its first day to its last."), reason="period")
    if PeriodCount.objects.filter(situation=situation, first=first, last=last).exists():
        raise Refused(
            _("That period is counted already; changes since are further versions of it."), reason="duplicate"
        )
    count = PeriodCount.objects.create(
        situation=situation, first=first, last=last, version=1, counts=_counts(situation, first, last), reason="counted",
        made_at=clock.now(), made_by=by.ref,
    )  # fmt: skip
    record.append("period counted", count, by=by, detail={"situation": situation.ref, "version": 1})
    return count


def _counts(situation: Situation, first: date, last: date) -> dict[str, Any]:
    # Of every compartment, whoever's act it is that changes them: numbers only.
    with scope_of(CLOCK):
        return queries.counts(situation, first, last)


def restate(party: Party, changed: Sequence[str]) -> list[str]:
    """Inside an act that worked levels out again: every closed period whose counts it changed gets another version.

    Returns the references of the new versions, for the act's own use.
    """
    if not PeriodCount.objects.filter(situation=party.situation_id).exists():
        return []
    situation = party.situation
    # Two acts on two actors of one situation: the second counts after the first, and adds its version to that.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7304, %s::int)", [situation.pk])
    newest = (
        PeriodCount.objects.filter(situation=situation).values("first", "last").annotate(version=Max("version"))
    ).order_by("first", "last")
    made = []
    for row in newest:
        before = PeriodCount.objects.get(situation=situation, **row)
        now = _counts(situation, row["first"], row["last"])
        if now == before.counts:
            continue
        was, is_now = (c["verified_incidents"] for c in (before.counts, now))
        reason = "verified_later" if is_now > was else "no_longer_verified" if is_now < was else "regraded_later"
        version = PeriodCount.objects.create(
            situation=situation, first=row["first"], last=row["last"], version=before.version + 1, counts=now,
            reason=reason, because_of=changed[0] if len(changed) == 1 else "", made_at=clock.now(), made_by="RULES",
        )  # fmt: skip
        made.append(version.ref)
    return made


def _monitoring() -> Any:
    from answerable.monitoring import actions  # it asks this module to restate, so it comes first

    return actions


def _locked(item: SourceItem) -> SourceItem:
    locked: SourceItem = _monitoring().locked_item(item)
    return locked


def _relevel(incident: Incident, why: str = "item assessed or weighed") -> dict[str, str]:
    changed: dict[str, str] = _monitoring().relevel(incident.party, incident.ref, why=why)
    return changed
