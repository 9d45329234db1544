"""What each address of the office shows and does, in words, for test_http.py.

A new address is one line in ROUTES: the page's action at a place (as in expected.csv), the kind of object it shows (one
line in SHOWN, who sees which), and each POST worth trying with the action it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from security.matrix import words

from answerable.accountability.models import Finding
from answerable.alliance.models import Grant, State
from answerable.authority import engine
from answerable.authority.principals import Principal
from answerable.channel.models import Thread
from answerable.council.models import Proposal
from answerable.fund.models import Contribution, Payment
from answerable.measures.models import Measure
from answerable.monitoring.evidence.models import EvidenceFile, Opinion, TimeAuthority
from answerable.monitoring.intake.models import Draft, IntakeBatch, Interview, ServiceCounts
from answerable.monitoring.linking.models import Actor, Agreement, DuplicateSearch, LinkPair
from answerable.monitoring.models import (
    Bulletin,
    CaptureEstimate,
    Import,
    Incident,
    Job,
    Party,
    PatternAssessment,
    Situation,
    SourceItem,
)
from answerable.monitoring.patterns.models import Indicator
from answerable.monitoring.warning.models import Alert, WarningEntry
from answerable.record.models import Entry
from answerable.reparations.models import Claim, Programme
from answerable.safeguarding.models import (
    ContactAttempt,
    Grievance,
    Provider,
    Referral,
    SafeContactPlan,
    SafetyIncident,
)
from answerable.vault.consent.models import Transfer, Withdrawal
from answerable.vault.consent.queries import subject_of
from answerable.vault.models import IdentityRequest, Recovery, RoomRestore


def sees(who: Principal, action: str) -> bool:
    """Whether the table lets `who` open a page."""
    return words.table().answer(who, action, "Place", {})[0]


def may(who: Principal, action: str, obj: Any, purpose: str = "") -> bool:
    """Whether the table lets `who` do `action` to an object of the demonstration."""
    if obj is None:
        return sees(who, action)
    entity, kind = engine._entity(obj)
    return words.table().answer(who, action, kind, entity["attrs"], purpose)[0]


def _in_scope(who: Principal, obj: Any) -> bool:
    """Whether a row lies in a compartment the person reads, by itself or with its whole family."""
    return bool({obj.compartment, obj.compartment.partition("/")[0]} & who.compartments)


def _withdrawal_shown(who: Principal, obj: Any) -> bool:
    return sees(who, "see_withdrawals") and (_in_scope(who, obj) or "consents" in who.compartments)


def _receipt_shown(who: Principal, obj: Any) -> bool:
    """Those who carry out withdrawals; and whoever wrote this one down."""
    wrote = Entry.objects.filter(subject=obj.ref, action="consent withdrawn", actor=who.ref).exists()
    return _withdrawal_shown(who, obj) or sees(who, "see_receipts") and wrote and _in_scope(who, obj)


def _her_consents_shown(who: Principal, claim: Claim) -> bool:
    """Whoever sees the claim and may write down her word on it."""
    return SHOWN[Claim](who, claim) and may(who, "withdraw_consent", subject_of(claim))


def _her_contact_shown(who: Principal, claim: Claim) -> bool:
    """Whoever reaches survivors and sees her claim, or her plan."""
    plans = SafeContactPlan.objects.filter(subject=claim.ref)
    return sees(who, "see_contact") and (SHOWN[Claim](who, claim) or any(_in_scope(who, p) for p in plans))


def _finding_shown(who: Principal, f: Finding) -> bool:
    """Panel and secretariat: all. Others: what is published; the Chair also what was adopted; never a draft on oneself."""
    if sees(who, "see_findings"):
        return True
    public = f.status in {"PUBLISHED", "IN_REVIEW", "UPHELD", "AMENDED", "WITHDRAWN"}
    adopted = f.status == "ADOPTED" and "chair" in who.roles
    own = bool(who.state) and f.respondent is not None and f.respondent.code == who.state
    return sees(who, "see_published_findings") and (public or adopted) and (f.published_at is not None or not own)


def _proposal_shown(who: Principal, p: Proposal) -> bool:
    """Those who prepare and decide; the state it is about, once decided (invariant 3)."""
    about = engine._entity(p)[0]["attrs"]["about"]
    return sees(who, "see_proposals") and (not who.state or about != who.state or p.status in {"ADOPTED", "CLOSED"})


def _alert_shown(who: Principal, a: Alert) -> bool:
    """Monitoring: all. Others: what a person confirmed, the Chair what was escalated; nobody a level on their own state."""
    if sees(who, "see_alerts"):
        return True
    open_to = a.status == "CONFIRMED" or (a.status == "ESCALATED" and "chair" in who.roles)
    return sees(who, "see_levels") and open_to and _not_ones_own(who, a.situation)


def _not_ones_own(who: Principal, situation: Situation) -> bool:
    """The restricted file on a state is not there for that state."""
    return not who.state or situation.state is None or situation.state.code != who.state


def _asked_of(who: Principal, interview: Interview) -> bool:
    """The custodians see the interviews that they are asked about, or were."""
    return sees(who, "answer_questions") and (interview.status == "WAITING" or interview.words != [])


def _makes_bulletins(who: Principal, situation: Situation) -> bool:
    return SHOWN[Situation](who, situation) and may(who, "make_bulletin", situation)


# fmt: off
SHOWN: dict[type, Callable[[Principal, Any], bool]] = {
    Situation: lambda w, o: sees(w, "see_situations"),
    Incident: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    SourceItem: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    IntakeBatch: lambda w, o: sees(w, "see_drafts") and _in_scope(w, o),
    ServiceCounts: lambda w, o: sees(w, "see_drafts") and _in_scope(w, o),
    Draft: lambda w, o: sees(w, "see_drafts") and _in_scope(w, o),
    Interview: lambda w, o: sees(w, "see_interviews") and (_in_scope(w, o) or sees(w, "decide_interview") or _asked_of(w, o)),
    EvidenceFile: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    Opinion: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    TimeAuthority: lambda w, o: sees(w, "enter_time_authority"),
    PatternAssessment: lambda w, o: sees(w, "see_patterns"),
    Indicator: lambda w, o: sees(w, "see_patterns") and _in_scope(w, o),
    LinkPair: lambda w, o: sees(w, "see_links") and _in_scope(w, o),
    DuplicateSearch: lambda w, o: sees(w, "see_searches"),
    Agreement: lambda w, o: sees(w, "note_agreement"),
    Actor: lambda w, o: sees(w, "see_actors"),
    Party: lambda w, o: sees(w, "see_actors"),
    WarningEntry: lambda w, o: sees(w, "see_warning_entries") and _in_scope(w, o),
    Alert: _alert_shown,
    CaptureEstimate: lambda w, o: sees(w, "see_estimates"),
    Import: lambda w, o: sees(w, "import_public_data"),
    Bulletin: lambda w, o: sees(w, "see_situations") and may(w, "see_aggregates", o.situation),
    Job: lambda w, o: o.kind == "bulletin" and may(w, "make_bulletin", o.situation),
    Finding: _finding_shown,
    Proposal: _proposal_shown,
    Measure: lambda w, o: sees(w, "see_measures"),
    State: lambda w, o: sees(w, "see_alliance"),
    Grant: lambda w, o: sees(w, "see_people"),
    Payment: lambda w, o: sees(w, "see_payments"),
    Contribution: lambda w, o: sees(w, "receive_contribution"),
    Programme: lambda w, o: sees(w, "see_programmes"),
    IdentityRequest: lambda w, o: sees(w, "see_identity_requests") and (_in_scope(w, o) or "custody" in w.compartments),
    RoomRestore: lambda w, o: sees(w, "see_seats") or o.leader.ref == w.ref,
    Claim: lambda w, o: sees(w, "see_claims") and _in_scope(w, o),
    Recovery: lambda w, o: sees(w, "see_recoveries") or o.person.ref == w.ref,
    Withdrawal: _receipt_shown,
    Transfer: _withdrawal_shown,
    # What nobody made sure of yet, or was taken out, is there for those who keep the directory.
    Provider: lambda w, o: sees(w, "see_directory" if o.status == "LISTED" else "enter_provider"),
    Referral: lambda w, o: sees(w, "see_care") and _in_scope(w, o),
    SafeContactPlan: lambda w, o: sees(w, "see_contact") and _in_scope(w, o),
    ContactAttempt: lambda w, o: sees(w, "see_contact") and _in_scope(w, o),
    SafetyIncident: lambda w, o: sees(w, "see_safety") and _in_scope(w, o),
    Grievance: lambda w, o: sees(w, "see_grievances") and _in_scope(w, o) and may(w, "see_grievance", o),
    Thread: lambda w, o: sees(w, "see_threads") and _in_scope(w, o),
}
# fmt: on


@dataclass(frozen=True)
class Post:
    """Something sent to an address: the action it stands for, on the object shown or at a place."""

    action: str
    data: dict[str, str] = field(default_factory=dict)
    at_place: bool = False
    purpose: str = ""
    entries: int = 1  # at most; where her safe-contact plan is asked first, the vault keeps its own entry of that
    of: Callable[[Any], Any] = lambda obj: obj  # what the act is about, where it is not the object shown


@dataclass(frozen=True)
class Route:
    """An address of the office."""

    page: str
    shows: type | None = None
    posts: tuple[Post, ...] = ()
    gets: bool = True
    limit: int = 2
    shown: Callable[[Principal, Any], bool] | None = None  # where it is not shown to whoever sees the object elsewhere
    more: tuple[str, ...] = ()  # further parts of the address
    asks: str = ""  # whoever may not do this to what is shown is refused the page as well, in a sentence
    absent: bool = False  # what is sent names something that is not there, so the answer is 404 to everyone

    def shows_to(self, who: Principal, obj: Any) -> bool:
        """Whether the page shows `obj` to `who`."""
        if not sees(who, self.page):
            return False
        return self.shows is None or obj is not None and (self.shown or SHOWN[self.shows])(who, obj)


def _moves(names: Iterable[str]) -> tuple[Post, ...]:
    return tuple(Post(n, {"move": n}) for n in names)


def _place(action: str) -> tuple[Post, ...]:
    return (Post(action, at_place=True),)


# fmt: off
ROUTES: dict[str, Route] = {
    "today": Route("see_today"),
    "record": Route("see_record"),
    "accept-cosignature": Route("accept_cosignature", posts=_place("accept_cosignature")),
    "enter-witness": Route("enter_witness", posts=_place("enter_witness")),
    "sign-out": Route("sign_out", posts=_place("sign_out"), gets=False),
    "unlock": Route("sign_out", posts=_place("sign_out"), gets=False),
    "confirm": Route("sign_out", posts=_place("sign_out"), gets=False),
    "keys": Route("see_keys"),
    "add-passkey": Route("keep_keys", posts=_place("keep_keys"), gets=False),
    "end-passkey": Route("keep_keys", posts=(Post("keep_keys", {"number": "999999"}, at_place=True),), gets=False),
    "change-passphrase": Route("keep_keys", posts=_place("keep_keys")),
    "recoveries": Route("see_recoveries"),
    "ask-recovery": Route("ask_recovery", posts=(Post("ask_recovery", at_place=True), Post("ask_recovery", {"person": "$pk:vera"}, at_place=True))),
    "recovery": Route("see_keys", Recovery, _moves(("confirm_recovery", "stop_recovery", "make_code"))),
    "vault": Route("see_compartments"),
    "bring-half": Route("keep_vault", posts=_place("keep_vault"), gets=False),
    # Never with the box ticked here: that would lock the vault of every other test (tests/security/test_vault_lock.py does).
    "lock-vault": Route("lock_vault", posts=_place("lock_vault"), gets=False),
    "admit-reader": Route("admit_reader", posts=(Post("admit_reader", {"name": "monitoring", "person": "$leo"}, at_place=True),), gets=False),
    "remove-reader": Route("remove_reader", posts=(Post("remove_reader", {"name": "monitoring", "person": "$leo"}, at_place=True),), gets=False),
    "rotate-compartment": Route("rotate_compartment", posts=(Post("rotate_compartment", {"name": "none"}, at_place=True),), gets=False),
    "withdrawals": Route("see_withdrawals"),
    "withdrawal": Route("see_receipts", Withdrawal),
    "move-withdrawal": Route("see_withdrawals", Withdrawal, (Post("undo_withdrawal", of=subject_of),
                             Post("note_effect_done", {"code": "MEMO_REMOVED"}, of=subject_of)), gets=False, shown=_withdrawal_shown),
    "answer-recall": Route("see_withdrawals", Transfer, (Post("note_recall_answer", {"answer": "DELETED"}, of=subject_of),), gets=False),
    "consents": Route("see_today", Claim, shown=_her_consents_shown),
    "give-consent": Route("see_today", Claim, (Post("give_consent", of=subject_of), Post("give_consent", {
        "given": "no", "identifiability": "ID-0", "giver": "self", "method": "spoken"}, of=subject_of)), shown=_her_consents_shown, more=("CP-STAT",)),
    "withdraw-consent": Route("see_today", Claim, (Post("withdraw_consent", {"purpose": "CP-CONT", "heard": "phone"}, of=subject_of),
                              Post("withdraw_everything", {"purpose": "EVERYTHING", "heard": "phone"}, of=subject_of)),
                              gets=False, shown=_her_consents_shown),
    "record-transfer": Route("see_today", Claim, (Post("record_transfer", of=subject_of), Post("record_transfer", {
        "purpose": "CP-CRIM", "recipient": "$court", "fields_": "facts"}, of=subject_of)), shown=_her_consents_shown),
    "threads": Route("see_threads"),
    "receipt": Route("confirm_receipt", posts=(Post("confirm_receipt", {"number": "0000000000"}, at_place=True),)),
    "open-door": Route("open_door", posts=(Post("open_door", at_place=True), Post("open_door", {"kind": "ask", "language": "en", "pin": "2580"}, at_place=True))),
    "issue-code": Route("issue_code", posts=(Post("issue_code", at_place=True), Post("issue_code", {"person": "$pk:dana", "pin": "2580"}, at_place=True))),
    "thread": Route("see_threads", Thread),
    "read-thread": Route("see_threads", Thread, (Post("see_threads", {"message": "MSG-none"}, at_place=True),), gets=False),
    "show-file": Route("see_threads", Thread, (Post("see_threads", {"file": "ATT-none"}, at_place=True),), gets=False, absent=True),
    "reply-thread": Route("see_threads", Thread, (Post("reply_to_thread", {"text": "Yes."}, entries=2),
                          Post("note_on_thread", {"text": "Call.", "as": "note"})), gets=False),
    "move-thread": Route("see_threads", Thread, _moves(("close_thread", "reopen_thread")), gets=False),
    "replace-code": Route("see_threads", Thread, (Post("replace_code", {"pin": "2580"}),)),
    "directory": Route("see_directory"),
    "enter-provider": Route("enter_provider", posts=(Post("enter_provider", at_place=True), Post("enter_provider", {
        "name": "A clinic", "needs": "HEALTH_72", "country": "Zandria", "reach": "By the market"}, at_place=True))),
    "provider": Route("see_directory", Provider),
    "move-provider": Route("see_directory", Provider, _moves(("confirm_provider", "review_provider", "withdraw_provider")), gets=False),
    "care": Route("see_care"),
    "offer-referral": Route("see_care", posts=(Post("offer_referral", at_place=True), Post("offer_referral", {"need": "HEALTH_72"}, at_place=True))),
    "referral": Route("see_care", Referral),
    "move-referral": Route("see_care", Referral, _moves(("offer_referral", "accept_referral", "decline_referral", "send_referral",
                           "take_up_referral", "finish_referral", "note_not_done", "revoke_referral")), gets=False),
    "read-referral": Route("see_care", Referral, (Post("read_sealed", {"field": "contact"}, purpose="care_contact"),
                           Post("read_sealed", {"field": "note"}, purpose="care_note")), gets=False),
    "contact": Route("see_contact", Claim, shown=_her_contact_shown),
    "make-plan": Route("see_contact", Claim, (Post("make_plan", {"plan_ways": "phone", "plan_any_time": "on", "plan_time_zone": "UTC"}, at_place=True),),
                       shown=_her_contact_shown),
    "plan-contact": Route("see_contact", Claim, (Post("plan_contact", at_place=True), Post("plan_contact", {"sender": "call"}, at_place=True, entries=2)),
                          shown=_her_contact_shown),
    "log-enquiry": Route("see_contact", Claim, (Post("plan_contact", {"via": "phone"}, at_place=True),), shown=_her_contact_shown),
    "move-plan": Route("see_contact", SafeContactPlan, _moves(("stop_plan", "review_plan")), gets=False),
    "read-plan": Route("see_contact", SafeContactPlan, (Post("read_sealed", purpose="contact"),), gets=False),
    "log-contact": Route("see_contact", ContactAttempt, (Post("log_contact"), Post("log_contact", {"outcome": "REACHED", "next_step": "NONE"}))),
    "safety": Route("see_safety", SafetyIncident),
    "look-at-safety": Route("see_safety", SafetyIncident, (Post("look_at_safety"),), gets=False),
    "complaints": Route("see_grievances"),
    "complain": Route("complain", posts=(Post("complain", {"about": "DELAY", "happened": "Nobody came."}, at_place=True),)),
    "complaint": Route("see_grievances", Grievance, limit=4),
    "move-complaint": Route("see_grievances", Grievance, _moves(("acknowledge_grievance", "examine_grievance", "appeal_grievance",
                            "close_grievance")), gets=False),
    "read-complaint": Route("see_grievances", Grievance, (Post("read_sealed", {"field": "happened"}, purpose="grievance"),), gets=False),
    "answer-complaint": Route("see_grievances", Grievance, (Post("answer_grievance", {"answer": "We are sorry."}, entries=2),)),
    "extend-complaint": Route("see_grievances", Grievance, (Post("extend_grievance", {"until": "2040-01-02", "she_asked": "on"}),)),
    "situations": Route("see_situations"),
    "open-situation": Route("open_situation", posts=_place("open_situation")),
    "intake": Route("see_drafts", posts=(Post("bring_in_reports", at_place=True),)),
    "intake-xlsform": Route("see_drafts"),
    # A run is there for whoever has its key in their browser: tests/walks/test_intake_pages.py.
    "intake-run": Route("see_drafts", IntakeBatch, shown=lambda w, o: False),
    "intake-run-problems": Route("see_drafts", IntakeBatch, shown=lambda w, o: False),
    "intake-batch": Route("see_drafts", IntakeBatch),
    "intake-batch-problems": Route("see_drafts", IntakeBatch),
    "intake-undo": Route("see_drafts", IntakeBatch, (Post("undo_reports"),), gets=False),
    "intake-file-all": Route("see_drafts", IntakeBatch, (Post("file_drafts"),), gets=False),
    "intake-draft": Route("see_drafts", Draft, (Post("file_draft"),)),
    "intake-aside": Route("see_drafts", Draft, (Post("set_draft_aside"),), gets=False),
    "intake-texts": Route("see_drafts", Draft, (Post("read_sealed", {"field": "narrative"}, purpose="verification", entries=2,
                          of=lambda d: Incident.objects.get(ref=d.corrects)),), gets=False, shown=lambda w, d: bool(d.corrects) and SHOWN[Draft](w, d)),
    "intake-version": Route("see_drafts", Draft, (Post("file_draft"),), gets=False),
    "intake-take-over": Route("see_drafts", Draft, (Post("take_over_correction"),), gets=False),
    "incident-story": Route("see_incidents", Incident, (Post("verify_incident", {"holds": "yes"}),), gets=False),
    "intake-report": Route("see_drafts", Situation, (Post("receive_report", {"step": "5", "act": "file"}), Post("receive_report", {"act": "save"}))),
    "interviews": Route("see_interviews"),
    "ask-interview": Route("bring_in_reports", Situation, (Post("ask_for_interview"), Post("ask_for_interview", {"told_before": "no_code",
                           "pseudonym": "p", "purpose": "CP-MONI", "added_value": "one two three", "why_not_enough": "one two three"}))),
    "interview": Route("see_interviews", Interview, (Post("decide_interview"), Post("decide_interview", {"reason": "allow safety"}))),
    # Who holds no seat, or is asked about nothing, is told so.
    "interview-reasons": Route("see_interviews", Interview, (Post("read_sealed", purpose="interview"),), gets=False),
    "interview-question": Route("see_interviews", Interview, (Post("take_question"),), gets=False),
    "interview-word": Route("see_interviews", Interview, (Post("give_word"), Post("give_word", {"told": "no"})), gets=False),
    "intake-counts": Route("see_drafts", Situation, (Post("bring_in_counts"),)),
    "intake-counts-out": Route("see_drafts", ServiceCounts, (Post("take_out_counts"),)),
    "incidents": Route("see_incidents"),
    "incident": Route("see_incidents", Incident, limit=4),
    "move-incident": Route("see_incidents", Incident, _moves(("triage", "begin_verification", "refer_elsewhere", "reopen")), gets=False),
    "verify-incident": Route("see_incidents", Incident, (Post("verify_incident"),), gets=False),
    "add-item": Route("see_incidents", Incident, (Post("add_item"),)),
    "name-actors": Route("see_incidents", Incident, (Post("add_item"),), asks="add_item"),
    "read-incident": Route("see_incidents", Incident, tuple(Post("read_sealed", {"field": f}, purpose="verification")
                           for f in ("narrative", "place", "nonsense")), gets=False),
    "read-item": Route("see_incidents", SourceItem, (Post("read_sealed", purpose="verification"),), gets=False),
    "weigh-item": Route("see_incidents", SourceItem, (Post("weigh_contrary"), Post("weigh_contrary", {"outcome": "explained", "how": "x"}))),
    "assess-item": Route("see_incidents", SourceItem, (Post("grade_item", {"testimony": "T1", "reasons": "x"}),
                         Post("grade_item", {"reliability": "A", "credibility": "1", "reasons": "x"}))),
    "incident-known": Route("see_incidents", Incident, limit=4),
    "level-opinion": Route("see_incidents", Incident, (Post("give_level_opinion", {"level": "V2", "reasons": "x"}),)),
    "item-evidence": Route("see_incidents", SourceItem),
    "take-file": Route("see_incidents", SourceItem, (Post("take_file"),), gets=False),
    "excerpt-item": Route("see_incidents", SourceItem, (Post("redact", {"passages": "x", "why": "safety"}, entries=2),)),
    "show-evidence": Route("see_incidents", EvidenceFile, (Post("read_sealed", purpose="verification"),), gets=False),
    "redact-evidence": Route("see_incidents", EvidenceFile, (Post("redact", {"boxes": "1 1 1 1 1", "why": "safety"}, entries=2),), gets=False),
    "remove-passages": Route("see_incidents", EvidenceFile, (Post("redact", {"passages": "x", "why": "safety"}, entries=2),), gets=False),
    "add-proof": Route("see_incidents", EvidenceFile, (Post("take_file"),), gets=False),
    "check-evidence": Route("see_incidents", EvidenceFile, (Post("check_file"),), gets=False),
    "custody-statement": Route("see_incidents", EvidenceFile, (Post("export_file", {"why": "verification"}),), gets=False),
    "evidence-bundle": Route("see_incidents", EvidenceFile, (Post("export_file", {"why": "verification"}),), gets=False),
    "transfer-evidence": Route("see_incidents", EvidenceFile, (Post("export_file", {"recipient": "$court", "purpose": "CP-CRIM", "why": "court"}),),
                               gets=False),
    "read-reasons": Route("see_incidents", Opinion, (Post("read_sealed", purpose="verification"),), gets=False),
    "time-authorities": Route("enter_time_authority", posts=_place("enter_time_authority")),
    "end-time-authority": Route("enter_time_authority", TimeAuthority, (Post("enter_time_authority", at_place=True),), gets=False),
    "period-counts": Route("see_patterns", Situation, (Post("close_period"), Post("close_period", {"first": "2025-01-01", "last": "2025-01-31"}))),
    "regrade-item": Route("see_incidents", SourceItem, (Post("grade_item"), Post("grade_item", {"testimony": "T1", "credibility": "0"}))),
    "pattern": Route("see_patterns", PatternAssessment),
    # No window ends on that day; tests/walks/test_pattern_pages.py opens those that do.
    "pattern-window": Route("see_patterns", Party, shown=lambda w, o: False, more=("1999-01-01",), limit=2),
    "indicator": Route("see_patterns", Indicator, limit=2),
    "end-indicator": Route("see_patterns", Indicator, (Post("record_indicator", of=lambda i: i.situation),), gets=False, limit=2),
    "read-indicator": Route("see_patterns", Indicator, (Post("read_sealed", purpose="verification"),), gets=False, limit=2),
    "set-prevalence": Route("see_patterns", PatternAssessment, (Post("set_prevalence"), Post("set_prevalence", {"level": "P3", "reasons": "x"})), limit=2),
    "record-indicator": Route("see_patterns", Situation, (Post("record_indicator"),)),
    "links": Route("see_links"),
    "link": Route("see_links", LinkPair, limit=4),
    "decide-link": Route("see_links", LinkPair, (Post("decide_link", {"decision": "unsure", "why_unsure": "too_little_known", "turn": "0"}),
                         Post("decide_link", {"decision": "same", "why_same": "same_source", "turn": "0"}), Post("decide_link")), gets=False),
    "undo-link": Route("see_links", LinkPair, (Post("undo_link", {"turn": "0"}),), gets=False),
    "ask-to-compare": Route("see_incidents", Incident, (Post("ask_to_compare"), Post("ask_to_compare", {"organisation": "BDY-none"})), gets=False),
    "agreements": Route("note_agreement", posts=_place("note_agreement")),
    "end-agreement": Route("note_agreement", Agreement, (Post("end_agreement"),), gets=False),
    "searches": Route("see_searches"),
    "start-search": Route("see_searches", Situation, (Post("start_search"),), gets=False),
    "move-search": Route("see_searches", DuplicateSearch, (Post("start_search", {"move": "stop"}, of=lambda s: s.situation),), gets=False),
    "actors": Route("see_actors"),
    "enter-actor": Route("enter_actor", posts=(Post("enter_actor", at_place=True), Post("enter_actor", {
        "kind": "person", "spellings": "Karim Daud", "source": "A report"}, at_place=True))),
    "actor": Route("see_actors", Actor),
    "command": Route("see_actors", Party),
    "note-subordination": Route("see_actors", Party, (Post("note_command", of=lambda p: p.situation),)),
    "note-commander": Route("see_actors", Party, (Post("note_command", of=lambda p: p.situation),)),
    "end-command": Route("see_actors", Party, (Post("note_command", {"row": "CMD-none", "to_on": "2030-01-01"}, of=lambda p: p.situation),), gets=False),
    "warnings": Route("see_levels"),
    "alert": Route("see_levels", Alert, limit=4),
    "confirm-alert": Route("see_levels", Alert, (Post("confirm_alert"), Post("confirm_alert", {"reason": "SOURCES_HOLD"})), limit=4),
    "decline-alert": Route("see_levels", Alert, (Post("decline_alert"), Post("decline_alert", {"reason": "OLDER"})), limit=4),
    "step-down-alert": Route("see_levels", Alert, (Post("step_down_alert"), Post("step_down_alert", {"reason": "INDICATORS_FELL"}))),
    "hold-dialogue": Route("see_levels", Alert, (Post("hold_dialogue"), Post("hold_dialogue", {"on": "2025-01-02"}))),
    "read-alert": Route("see_alerts", Alert, (Post("read_sealed", purpose="verification"),), gets=False),
    "warning-entry": Route("see_warning_entries", WarningEntry, limit=10),
    "take-back-warning": Route("see_warning_entries", WarningEntry, (Post("take_back_warning"),), gets=False, limit=4),
    "read-warning-entry": Route("see_warning_entries", WarningEntry, (Post("read_sealed", purpose="verification"),), gets=False, limit=4),
    "situation-warning": Route("see_levels", Situation, shown=lambda w, o: SHOWN[Situation](w, o) and _not_ones_own(w, o)),
    "enter-warning": Route("see_warning_entries", Situation, (Post("enter_warning"), Post("enter_warning", {"indicator": "EW-M1",
                           "stage": "1", "on": "2025-01-02", "note": "Seen."})),
                           shown=lambda w, o: SHOWN[Situation](w, o) and _not_ones_own(w, o)),
    "forecast": Route("see_forecasts"),
    "ask-forecast": Route("see_forecasts", posts=_place("ask_forecast"), gets=False),
    "imports": Route("import_public_data", posts=_place("import_public_data")),
    "undo-import": Route("import_public_data", Import, (Post("undo_import"),), gets=False),
    "estimate": Route("see_estimates", CaptureEstimate),
    "move-estimate": Route("see_estimates", CaptureEstimate, (Post("make_estimate", {"move": "stop_job"}, of=lambda e: e.situation),
                           Post("make_estimate", {"move": "resume_job"}, of=lambda e: e.situation)), gets=False),
    "estimates": Route("see_estimates", Situation),
    "make-estimate": Route("see_estimates", Situation, (Post("make_estimate"), Post("make_estimate", {"counted": "Killings", "table": "A,B,count\n1,0,9\n0,1,8\n1,1,4\n", "source": "Two registers", "licence": "not stated"}))),  # noqa: E501
    "situation": Route("see_situations", Situation),
    "mark-seen": Route("see_situations", Situation, (Post("mark_seen", at_place=True),), gets=False),
    "save-view": Route("keep_views", Situation, (Post("keep_views", {"name": "South", "query": "level=V1"}, at_place=True),), gets=False),
    "move-view": Route("keep_views", Situation, (Post("keep_views", {"move": "remove"}, at_place=True),), gets=False, more=("VIE-none",), absent=True),
    "bulletins": Route("see_incidents", Situation, (Post("make_bulletin"), Post("make_bulletin", {"languages": "en"})), shown=_makes_bulletins),
    "release-tables": Route("see_incidents", Situation, (Post("release_tables", {"year": "2001"}), Post("release_tables", {"year": "x"})),
                            gets=False, shown=_makes_bulletins),
    "move-job": Route("see_incidents", Job, (Post("make_bulletin", {"move": "stop_job"}, of=lambda job: job.situation),
                      Post("make_bulletin", {"move": "resume_job"}, of=lambda job: job.situation)), gets=False),
    "bulletin": Route("see_situations", Bulletin),
    "enter-party": Route("see_situations", Situation, (Post("enter_party"), Post("enter_party", {"name": "A unit", "actor_type": "ACT-STF"}))),
    "assess-pattern": Route("see_patterns", Situation, (Post("assess_pattern"),)),
    "findings": Route("see_today"),
    "draft-finding": Route("see_patterns", PatternAssessment, (Post("draft_finding"), Post("draft_finding", {"kind": "F-PAT", "standard": "SP2"}))),
    "finding": Route("see_today", Finding),
    "move-finding": Route("see_today", Finding, (*_moves(("review_law", "review_safety", "notify", "assess", "return", "publish")),
                          Post("conclude_finding", {"move": "conclude"}), Post("give_opinion", {"move": "concur"}),
                          Post("record_reply", {"move": "reply:DENIAL_BARE"}), Post("review_law", {"move": "nonsense"})), gets=False),
    "decide": Route("see_measures"),
    "table-proposal": Route("table_proposal", posts=_place("table_proposal")),
    "proposal": Route("see_measures", Proposal, limit=5),
    "move-proposal": Route("see_measures", Proposal, (*_moves(("sponsor", "check_prerequisites", "check_law", "check_safety", "circulate",
                           "open_vote", "withdraw_proposal")), Post("declare_result", {"move": "declare"})), gets=False),
    "cast-ballot": Route("see_measures", Proposal, (Post("cast_ballot", {"choice": "for"}), Post("cast_ballot")), gets=False),
    "add-paper": Route("see_measures", Proposal, (Post("add_paper"), Post("add_paper", {"kind": "legal_opinion", "on": "2025-01-02"}))),
    "measures": Route("see_measures"),
    "measure": Route("see_measures", Measure),
    "enter-into-force": Route("see_measures", Measure, (Post("enter_into_force"),), gets=False),
    "give-effect": Route("see_measures", Measure, (Post("give_effect"), Post("give_effect", {"act": "Order 1", "act_on": "2025-01-02"}))),
    "report-implementation": Route("see_measures", Measure, (Post("report_implementation"),
                                   Post("report_implementation", {"licences_refused": "1", "exceptions_used": "0"}))),
    "repair": Route("see_programmes"),
    "identity-requests": Route("see_identity_requests"),
    "ask-identity": Route("see_identity_requests", Claim),
    "identity-request": Route("see_identity_requests", IdentityRequest),
    "move-identity-request": Route("see_identity_requests", IdentityRequest, _moves(("approve_identity", "refuse_identity",
                                   "cancel_identity", "release_identity", "close_identity")), gets=False),
    "take-request": Route("see_identity_requests", IdentityRequest, (Post("take_request"),), gets=False),
    "bring-answer": Route("see_identity_requests", IdentityRequest, (Post("bring_answer"),)),
    "review-break-glass": Route("see_identity_requests", IdentityRequest, (Post("review_break_glass"),), gets=False),
    "identity-seats": Route("see_seats"),
    "fill-seat": Route("fill_seat", posts=_place("fill_seat")),
    "seat-blocks": Route("hand_seat_over", posts=_place("hand_seat_over"), gets=False),
    "seat-handover": Route("hand_seat_over", posts=_place("hand_seat_over")),
    "seat-escrow": Route("record_escrow", posts=_place("record_escrow")),
    "escrow-key": Route("enter_escrow_key", posts=_place("enter_escrow_key")),
    "escrow-file": Route("enter_escrow_key"),
    "escrow-room": Route("escrow_room", posts=_place("escrow_room")),
    "ask-restore": Route("ask_restore", posts=_place("ask_restore")),
    "restore": Route("see_today", RoomRestore),
    "restore-leader": Route("see_today", RoomRestore),
    "propose-programme": Route("propose_programme", posts=_place("propose_programme")),
    "programme": Route("see_programmes", Programme),
    "move-programme": Route("see_programmes", Programme, _moves(("begin_co_design", "open_programme", "close_to_new", "wind_down",
                            "close_programme")), gets=False),
    "lodge-claim": Route("see_claims", Programme, (Post("lodge_claim"),)),
    "claim": Route("see_claims", Claim),
    "move-claim": Route("see_claims", Claim, _moves(("screen", "register_claim", "check_completeness", "ask_information", "begin_assessment",
                        "accept_award", "begin_delivery", "confirm_delivery", "close_claim", "withdraw_claim")), gets=False),
    "assess-claim": Route("see_claims", Claim, (Post("assess_claim", {"coherent": "yes"}),), gets=False),
    "decide-correction": Route("see_claims", Claim, (
        Post("decline_correction"),
        Post("correct_claim", {"message": "$open", "decision": "correct", "country": "UNSAID"}),
        Post("decline_correction", {"message": "$open", "decision": "decline", "reason": "UNCLEAR"}),
        Post("note_statement", {"message": "$open", "decision": "beside"}))),
    "look-at-award": Route("see_claims", Claim, (Post("look_at_corrected_award", {"holds": "yes"}),), gets=False),
    "award-claim": Route("see_claims", Claim, (Post("award"), Post("award", {"children": "0", "instalments": "1"}))),
    "read-claim": Route("see_claims", Claim, (Post("read_sealed", {"field": "account"}, purpose="adjudication"),
                        Post("read_sealed", {"field": "safe_contact"}, purpose="contact")), gets=False),
    "fund": Route("see_fund"),
    "pledge-contribution": Route("pledge_contribution", posts=(Post("pledge_contribution", at_place=True), Post("pledge_contribution",
                                 {"donor_name": "D", "amount": "10.00", "currency": "USD"}, at_place=True))),
    "receive-contribution": Route("receive_contribution", Contribution, (Post("receive_contribution", at_place=True),
                                  Post("receive_contribution", {"bank_reference": "B-1"}, at_place=True))),
    "plan-payment": Route("plan_payment", posts=(Post("plan_payment", at_place=True), Post("plan_payment",
                          {"line": "LIN-2222-2222", "instalment": "1"}, at_place=True))),
    "payment": Route("see_payments", Payment),
    "move-payment": Route("see_payments", Payment, _moves(("approve_first", "approve_second", "release", "settle", "fail", "lose_sight",
                          "cancel_payment")), gets=False),
    "alliance": Route("see_alliance"),
    "enter-state": Route("enter_state", posts=(Post("enter_state", at_place=True), Post("enter_state", {"code": "QQQ", "name": "Q"}, at_place=True))),
    "state": Route("see_alliance", State),
    "move-membership": Route("enter_state", State, _moves(("invite", "note_interest", "sign_charter", "admit_member", "note_arrears",
                             "clear_arrears", "suspend", "readmit", "withdraw")), gets=False, limit=1),
    "enter-body": Route("enter_body", posts=(Post("enter_body", at_place=True), Post("enter_body", {"name": "B", "kind": "organ"}, at_place=True))),
    "enter-population": Route("enter_population", posts=_place("enter_population")),
    "people": Route("see_people"),
    "enter-person": Route("enter_person", posts=_place("enter_person")),
    "ask-grant": Route("ask_grant", posts=_place("ask_grant")),
    "grant": Route("see_people", Grant, _moves(("confirm_grant", "refuse_grant", "end_grant")), limit=3),
    "tokens": Route("make_token", posts=(Post("make_token", at_place=True), Post("make_token", {"purpose": "reading", "days": "5"}, at_place=True))),
}
# Open to anyone signed in or not, or only leading elsewhere; test_architecture.py holds the short list.
PUBLIC = {"start": 302, "alive": 200, "set-language": 405, "sign-in": 200, "sign-in-passkey": 405, "begin-again": 200}
# A checkpoint by its size: a text meant for anyone, shown to whoever sees the record (tests/security/test_witnesses.py).
BY_NUMBER = "record-checkpoint"
# Looks for anything by its reference: what is behind it is shown to whoever may see that.
BY_REF = "by-ref"
# Kinds that the search by reference does not know: money is found by its place in the fund.
# A pair is found by its two reports, a search by its situation, a unit likewise.
NOT_BY_REF = (Contribution, Grant, Recovery, RoomRestore, Transfer,
              ContactAttempt, IntakeBatch, Draft, Interview, ServiceCounts, Bulletin, Job, EvidenceFile, Opinion, TimeAuthority)  # fmt: skip
# The API: (method, path) → the action each POST stands for, on which kind, with what in its body.
API: dict[tuple[str, str], tuple[str, type | None, dict[str, Any]]] = {
    ("GET", "situations"): ("see_situations", None, {}), ("GET", "situations/<ref>"): ("see_situations", Situation, {}),
    ("GET", "incidents"): ("see_today", None, {}), ("POST", "incidents"): ("bring_in_reports", None, {}),
    ("POST", "reports"): ("bring_in_reports", None, {}),
    ("POST", "incidents/<ref>/verify"): ("verify_incident", Incident, {}),
    ("GET", "findings"): ("see_today", None, {}),
    ("GET", "proposals"): ("see_today", None, {}), ("POST", "proposals"): ("table_proposal", None, {}),
    ("POST", "proposals/<ref>/ballot"): ("cast_ballot", Proposal, {"choice": "for"}),
    ("GET", "measures"): ("see_measures", None, {}),
    ("POST", "measures/<ref>/effect"): ("give_effect", Measure, {"act": "Order 1", "act_on": "2025-01-02"}),
    ("GET", "programmes"): ("see_programmes", None, {}), ("POST", "claims"): ("lodge_claim", None, {}),
}
# fmt: on
