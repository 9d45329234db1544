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
from answerable.council.models import Proposal
from answerable.fund.models import Contribution, Payment
from answerable.measures.models import Measure
from answerable.monitoring.models import Import, Incident, PatternAssessment, Situation, SourceItem
from answerable.reparations.models import Claim, Programme
from answerable.vault.models import IdentityRequest, RoomRestore


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
    whole = "claims" if isinstance(obj, (Claim, IdentityRequest)) else "monitoring"
    return bool({obj.compartment, whole} & who.compartments)


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


# fmt: off
SHOWN: dict[type, Callable[[Principal, Any], bool]] = {
    Situation: lambda w, o: sees(w, "see_situations"),
    Incident: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    SourceItem: lambda w, o: sees(w, "see_incidents") and _in_scope(w, o),
    PatternAssessment: lambda w, o: sees(w, "see_patterns"),
    Import: lambda w, o: sees(w, "import_public_data"),
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
}
# fmt: on


@dataclass(frozen=True)
class Post:
    """Something sent to an address: the action it stands for, on the object shown or at a place."""

    action: str
    data: dict[str, str] = field(default_factory=dict)
    at_place: bool = False
    purpose: str = ""


@dataclass(frozen=True)
class Route:
    """An address of the office."""

    page: str
    shows: type | None = None
    posts: tuple[Post, ...] = ()
    gets: bool = True
    limit: int = 2


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
    "situations": Route("see_situations"),
    "open-situation": Route("open_situation", posts=_place("open_situation")),
    "incidents": Route("see_incidents"),
    "incident": Route("see_incidents", Incident, limit=4),
    "move-incident": Route("see_incidents", Incident, _moves(("triage", "begin_verification", "refer_elsewhere", "reopen")), gets=False),
    "verify-incident": Route("see_incidents", Incident, (Post("verify_incident"),), gets=False),
    "add-item": Route("see_incidents", Incident, (Post("add_item"),)),
    "read-incident": Route("see_incidents", Incident, tuple(Post("read_sealed", {"field": f}, purpose="verification")
                           for f in ("narrative", "place", "nonsense")), gets=False),
    "read-item": Route("see_incidents", SourceItem, (Post("read_sealed", purpose="verification"),), gets=False),
    "weigh-item": Route("see_incidents", SourceItem, (Post("weigh_contrary"),), gets=False),
    "regrade-item": Route("see_incidents", SourceItem, (Post("grade_item"), Post("grade_item", {"testimony": "T1", "credibility": "0"}))),
    "pattern": Route("see_patterns", PatternAssessment),
    "imports": Route("import_public_data", posts=_place("import_public_data")),
    "undo-import": Route("import_public_data", Import, (Post("undo_import"),), gets=False),
    "situation": Route("see_situations", Situation),
    "enter-party": Route("see_situations", Situation, (Post("enter_party"), Post("enter_party", {"name": "A unit", "actor_type": "ACT-STF"}))),
    "file-report": Route("see_incidents", Situation, (Post("receive_report"),)),
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
    "seat-blocks": Route("hand_seat_over", gets=False),
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
PUBLIC = {"start": 302, "alive": 200, "set-language": 405, "sign-in": 200}
# A checkpoint by its size: a text meant for anyone, shown to whoever sees the record (tests/security/test_witnesses.py).
BY_NUMBER = "record-checkpoint"
# Looks for anything by its reference: what is behind it is shown to whoever may see that.
BY_REF = "by-ref"
# Kinds that the search by reference does not know: an item is found by its incident, money by its place in the fund.
NOT_BY_REF = (SourceItem, Contribution, Grant)
# The API: (method, path) → the action each POST stands for, on which kind, with what in its body.
API: dict[tuple[str, str], tuple[str, type | None, dict[str, Any]]] = {
    ("GET", "situations"): ("see_situations", None, {}), ("GET", "situations/<ref>"): ("see_situations", Situation, {}),
    ("GET", "incidents"): ("see_today", None, {}), ("POST", "incidents"): ("receive_report", None, {}),
    ("POST", "incidents/<ref>/verify"): ("verify_incident", Incident, {}),
    ("GET", "findings"): ("see_today", None, {}),
    ("GET", "proposals"): ("see_today", None, {}), ("POST", "proposals"): ("table_proposal", None, {}),
    ("POST", "proposals/<ref>/ballot"): ("cast_ballot", Proposal, {"choice": "for"}),
    ("GET", "measures"): ("see_measures", None, {}),
    ("POST", "measures/<ref>/effect"): ("give_effect", Measure, {"act": "Order 1", "act_on": "2025-01-02"}),
    ("GET", "programmes"): ("see_programmes", None, {}), ("POST", "claims"): ("lodge_claim", None, {}),
}
# fmt: on
