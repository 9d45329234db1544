"""Every change to a finding."""

from __future__ import annotations

from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from answerable.accountability import lifecycle, rules
from answerable.accountability.models import Finding, Opinion
from answerable.alliance import queries as alliance
from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.deadlines import end_of_calendar_days, in_time
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.tables import taxonomy
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
    tests = {c: (t["met"], t["says"]) for c, t in pattern.result["tests"].items()}
    criteria = rules.pattern_criteria(kind, tests, pattern.result["standard"], standard)
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


@action("move_finding")
def move_finding(finding: Finding, name: str, *, by: Person) -> Finding:
    """Legal review, safety review, return to the drafters, or begin assessment once the right of reply is over."""
    finding, before = _locked(finding, name, by)
    if name == "assess" and finding.reply_due_at and not finding.reply and in_time(clock.now(), finding.reply_due_at):
        raise Refused(
            _("The respondent may reply until %(day)s; until then the panel does not assess (R-FND-1).")
            % {"day": finding.reply_due_at.date().isoformat()},
            reason="R-FND-1",
        )
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
    unmet = [c["says"] for c in locked.criteria if c["status"] != "MET"]
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
