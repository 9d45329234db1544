"""Every change to a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from answerable.accountability import lifecycle, rules
from answerable.accountability.models import Finding, Opinion, Robustness
from answerable.alliance import queries as alliance
from answerable.alliance.days import day_words
from answerable.alliance.models import Person
from answerable.alliance.sentences import said
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.deadlines import end_of_calendar_days, in_time, working_days_after
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
from answerable.monitoring import queries as monitoring
from answerable.monitoring.models import PatternAssessment
from answerable.record import log as record
from answerable.vault import keeping


@action("draft_finding")
def draft_finding(
    pattern: PatternAssessment, *, kind: str, standard: str, reasons: str = "", urgent: bool = False, by: Person
) -> Finding:
    """Draft a pattern or large-scale finding on a pattern assessment. The respondent is the situation's state."""
    authority.require(by, "draft_finding", pattern)
    if kind not in ("F-PAT", "F-LS"):
        raise Refused(_("From a pattern assessment one drafts a pattern (F-PAT) or a large-scale finding (F-LS)."),
                      reason="kind")  # fmt: skip
    if standard not in taxonomy("standard_of_proof"):
        raise Refused(_("There is no standard of proof %(code)s.") % {"code": standard}, reason="unknown")
    # Only accounts with a live consent to be used in a finding carry it (CP-FIND).
    found = monitoring.retest(pattern, finding=True)
    tests = {c: (found["tests"][c], found["says"][c]) for c in found["tests"]}
    criteria = rules.pattern_criteria(kind, tests, found["standard"], standard)
    finding = Finding(
        kind=kind, standard=standard, situation=pattern.situation, party=pattern.party, pattern=pattern, urgent=urgent,
        respondent=pattern.situation.state, criteria=[asdict(c) for c in criteria], drafted_by=by,
        drafted_at=clock.now(),
    )  # fmt: skip
    finding.reasons = keeping.seal_fields(finding.ref, finding.compartment, "Finding", {"reasons": reasons})["reasons"]
    finding.save(force_insert=True)
    entry = record.append(
        "finding drafted", finding, by=by, to_state=finding.status, detail={"kind": kind, "standard": standard}
    )
    record.rely(finding.ref, [pattern.ref], "pattern", since=entry.index)
    return finding


def _locked(finding: Finding, name: str, by: Person) -> tuple[Finding, str]:
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    authority.require(by, name, finding)
    before, finding.status = finding.status, next_status(lifecycle.FINDING_MOVES, name, status=finding.status)
    return finding, before


def awaits_reply(finding: Finding) -> str:
    """Why the panel does not assess yet: the respondent may still reply (R-FND-1); '' when it may."""
    if finding.reply_due_at and not finding.reply and in_time(clock.now(), finding.reply_due_at):
        day = day_words(finding.reply_due_at)
        return _("The respondent may reply until %(day)s; until then the panel does not assess (R-FND-1).") % {
            "day": day
        }
    return ""


@action("move_finding")
def move_finding(finding: Finding, name: str, *, by: Person) -> Finding:
    """Legal review, safety review, return to the drafters, or begin assessment once the right of reply is over."""
    finding, before = _locked(finding, name, by)
    if name == "assess" and (why := awaits_reply(finding)):
        raise Refused(why, reason="R-FND-1")
    if name == "assess" and not finding.reply:
        finding.reply = "NONE_RECORDED"  # absence of reply is recorded; it is not proof (R-FND-1)
    finding.save(update_fields=["status", "reply"])
    record.append(name.replace("_", " "), finding, by=by, from_state=before, to_state=finding.status,
                  detail={"reply": finding.reply} if name == "assess" else None)  # fmt: skip
    return finding


@action("notify_finding")
def notify_finding(finding: Finding, *, by: Person) -> Finding:
    """Notify the respondent; the right of reply runs 30 days, 10 when urgent (R-FND-1)."""
    finding, before = _locked(finding, "notify", by)
    now = clock.now()
    days = rules.REPLY_DAYS_URGENT if finding.urgent else rules.REPLY_DAYS
    finding.notified_at = now
    finding.reply_due_at = end_of_calendar_days(now, days, holidays=alliance.holidays())
    finding.save(update_fields=["status", "notified_at", "reply_due_at"])
    record.append(
        "finding notified", finding, by=by, from_state=before, to_state=finding.status,
        detail={"reply_due_on": finding.reply_due_at.date().isoformat()},
    )  # fmt: skip
    return finding


REPLY_CODES = ("DENIAL_BARE", "NEW_EVIDENCE", "CONTEXT_LAW", "REMEDIAL_ACTION", "PROCEDURE")


@action("record_reply")
def record_reply(finding: Finding, code: str, *, by: Person) -> Finding:
    """Record that the respondent replied, by its kind (R-FND-3). A late reply is recorded as late."""
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    authority.require(by, "record_reply", finding)
    if code not in REPLY_CODES:
        raise Refused(_("A reply is coded as one of: %(codes)s.") % {"codes": ", ".join(REPLY_CODES)}, reason="unknown")
    if finding.status != lifecycle.REPLY_PERIOD or finding.reply_due_at is None:
        raise Refused(_("A reply is recorded while the right of reply runs."), reason="lifecycle")
    late = not in_time(clock.now(), finding.reply_due_at)
    finding.reply = code
    finding.save(update_fields=["reply"])
    record.append("reply recorded", finding, by=by, reason="late" if late else "", detail={"code": code})
    return finding


@action("give_opinion")
def give_opinion(finding: Finding, opinion: str, *, by: Person) -> Opinion:
    """An expert concurs or dissents, once. Nationals of the respondent do not sit; nor does whoever drafted (SOD-02)."""
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    authority.require(by, "give_opinion", finding)
    if finding.status != lifecycle.ASSESSMENT:
        raise Refused(_("The panel gives opinions while it assesses; this finding is not there."), reason="lifecycle")
    if opinion not in ("concur", "dissent"):
        raise Refused(_("An expert concurs or dissents."), reason="unknown")
    if rules.recused_expert(by.nationality, respondent=finding.respondent.code if finding.respondent else ""):
        raise Refused(_("A national of the respondent does not sit on this finding (SOD-02)."), reason="recused")
    try:
        with transaction.atomic():
            given = Opinion.objects.create(finding=finding, expert=by, opinion=opinion, given_at=clock.now())
    except IntegrityError:
        raise Refused(_("You have already given your opinion on this finding."), reason="duplicate") from None
    record.append("opinion given", finding, by=by, detail={"opinion": opinion})
    return given


@action("conclude_finding")
def conclude_finding(finding: Finding, *, by: Person) -> Finding:
    """Count the panel's opinions: adopted with five sitting, four concurring and every criterion met; else not."""
    locked = Finding.objects.select_for_update().get(pk=finding.pk)
    authority.require(by, "conclude_finding", locked)
    opinions = {o.expert.ref: o.opinion for o in locked.opinions.select_related("expert")}
    count = rules.count_panel(opinions)
    if count.sitting < rules.PANEL_QUORUM:
        raise Refused(
            _("%(n)d experts have given an opinion; five must sit before the panel concludes.") % {"n": count.sitting},
            reason="quorum",
        )
    unmet = [said(c["says"]) for c in locked.criteria if c["status"] != "MET"]
    if count.adopted and unmet:
        raise Refused(_("A criterion is not met, so this cannot be adopted: %(why)s") % {"why": " ".join(unmet)},
                      reason="criteria")  # fmt: skip
    name = "adopt" if count.adopted else "decline"
    before = locked.status
    locked.status = next_status(lifecycle.FINDING_MOVES, name, status=before)
    locked.panel = asdict(count)
    locked.adopted_at = clock.now() if count.adopted else None
    locked.save(update_fields=["status", "panel", "adopted_at"])
    record.append(
        "finding adopted" if count.adopted else "finding not adopted", locked, by=by, from_state=before,
        to_state=locked.status,
        detail={"sitting": count.sitting, "concurring": count.concurring, "dissenting": count.dissenting},
    )  # fmt: skip
    return locked


@action("publish_finding")
def publish_finding(finding: Finding, *, by: Person) -> Finding:
    """Publish: author, safety reviewer and Chair are three persons (SOD-14); figures are rounded down to fives."""
    finding, before = _locked(finding, "publish", by)
    signed = {e.actor for e in record.history(finding.ref) if e.action in ("finding drafted", "review safety")}
    if by.ref in signed:
        raise Refused(_("Author, safety reviewer and Chair are three persons; the Chair publishes (SOD-14)."),
                      reason="SOD-14")  # fmt: skip
    finding.published_at = clock.now()
    finding.save(update_fields=["status", "published_at"])
    entry = record.append("finding published", finding, by=by, from_state=before, to_state=finding.status)
    question("released").ask("finding", finding, entry)
    return finding


# --- when consent beneath a finding ends ----------------------------------------------------------------------------

PANEL_NOTE_WORKING_DAYS = 10


@question("basis_withdrawn").answer_with
def _basis_withdrawn(refs: Sequence[str], purposes: Sequence[str]) -> None:
    """Test again, without what fell away, each finding that rests on these incidents (§2.5). Part of the same act.

    A draft gets the new criteria. An adopted one waits ten working days for the panel's note; of a published one the
    text and the public figure stay as they are. Nothing of this is announced.
    """
    above = {ref for basis in refs for ref in record.upward(basis) if ref.startswith("FND")}
    finding_too = "CP-FIND" in purposes
    for finding in Finding.objects.select_for_update().filter(ref__in=above).order_by("id"):
        result = monitoring.retest(finding.pattern, finding=finding_too)
        tests = {c: (result["tests"][c], result["says"][c]) for c in result["tests"]}
        criteria = rules.pattern_criteria(finding.kind, tests, result["standard"], finding.standard)
        now = [asdict(c) for c in criteria]
        if finding.status in lifecycle.BEFORE_ADOPTION:
            finding.criteria = now
            finding.save(update_fields=["criteria"])
        elif finding.status in lifecycle.IN_FORCE or finding.status == lifecycle.ADOPTED:
            Robustness.objects.create(
                finding=finding, tested_at=clock.now(), result=result, criteria=now,
                stands=all(c.status == "MET" for c in criteria),
                dependants=[d for answer in question("retest_dependants").ask(finding.ref) for d in answer],
                due_at=working_days_after(clock.now(), PANEL_NOTE_WORKING_DAYS, alliance.holidays()),
            )  # fmt: skip


@action("note_robustness")
def note_robustness(robustness: Robustness, *, by: Person) -> Robustness:
    """The panel takes note of a test in its restricted file, within ten working days. Opening a review is its own act."""
    robustness = Robustness.objects.select_for_update().select_related("finding").get(pk=robustness.pk)
    authority.require(by, "note_robustness", robustness.finding)
    if robustness.noted_at is not None:
        raise Refused(_("The panel has already taken note of this test."), reason="lifecycle")
    robustness.noted_at, robustness.noted_by = clock.now(), by
    robustness.save(update_fields=["noted_at", "noted_by"])
    record.append("robustness noted", robustness, by=by, detail={"stands": robustness.stands})
    return robustness
