"""Reads expected.csv and answers by it. Nothing here knows of Cedar: a second opinion, written from the rules in words.

`Table.answer(who, action, kind, attributes, purpose)` says whether the table allows an act and which of its
`never` conditions hold. Raises ValueError for a line it cannot read: an unknown role, condition or object.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from answerable.authority.principals import ROLES, Principal

TABLE = Path(__file__).with_name("expected.csv")

# Which offices each kind of body holds, from domain.md §8 and §4.2; whoever is outside the office is in none of them.
# The clock acts by itself, "door" is whoever came to the neutral door and said nothing yet, "holder" whoever opened it with a code.
NOBODYS = frozenset({"clock", "door", "holder"})
OUTSIDERS = NOBODYS | {"claimant", "representative", "respondent_liaison", "public"}
OF_STATES = frozenset({"council_delegate", "chair", "national_focal_point"})
OF_PARTNERS = frozenset(
    {"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel",
     "vault_custodian", "data_protection_officer", "survivor_council_member"}
)  # fmt: skip
OFFICES = {"delegation": OF_STATES, "partner": OF_PARTNERS, "organ": frozenset(ROLES) - OF_STATES - OUTSIDERS}
# Those who decide about a case; complaints lie outside them (SC-13).
CASE_TEAM = frozenset({"intake_officer", "survivor_advocate", "eligibility_assessor", "award_panel", "appeals_panel"})
# The compartment whose readers also read what partners gave.
WHOLE = {"LinkPair": "monitoring", "Incident": "monitoring", "SourceItem": "monitoring", "Indicator": "monitoring", "Claim": "claims", "Referral": "care",
         "SafeContactPlan": "contact", "ContactAttempt": "contact", "Grievance": "grievances", "SafetyIncident": "safety",
         "WarningEntry": "monitoring", "IntakeBatch": "monitoring", "Draft": "monitoring",
         "ServiceCounts": "monitoring"}  # fmt: skip
# What a person may do who has fewer authenticators than are asked for: add one, begin again with a code, read what anyone may, leave.
WITH_TOO_FEW = frozenset({"see_keys", "keep_keys", "use_recovery", "open_public_page", "sign_out"})


@dataclass(frozen=True)
class Case:
    """One question: this person, this object, for this purpose."""

    who: Principal
    kind: str
    of: Mapping[str, Any]
    purpose: str
    action: str = ""


def _rooms(c: Case) -> set[str]:
    """The compartments whose readers work on this object: its own, and the one that holds what several bodies gave."""
    if c.kind == "IdentityRequest":  # those who approve, answer and inspect an opening read every request
        return {c.of["compartment"], c.of["room"], "custody", "*"}
    if c.kind == "ConsentSubject":  # the data protection officer's book, and the clock's
        return {*c.of["rooms"], "consents", "*"}
    if c.kind in ("Thread", "Message", "Attachment"):
        if c.of["compartment"].startswith("grievances"):
            return {c.of["compartment"], "grievances", "*"}
        return {c.of["compartment"], "monitoring" if c.of["documenter"] else "claims", "*"}
    if c.kind == "Interview":  # a further one waits for safeguarding, whoever asked for it
        return {c.of["compartment"], "monitoring", "interviews"}
    return {c.of["compartment"], WHOLE[c.kind]}


# fmt: off
CONDITIONS: dict[str, Callable[[Case], bool]] = {
    "inactive": lambda c: not c.who.active,
    "with too few authenticators": lambda c: not c.who.enrolled and c.action not in WITH_TOO_FEW,
    "not just confirmed": lambda c: not c.who.fresh and "clock" not in c.who.roles,
    "in an office of another body": lambda c: bool(c.who.roles - OUTSIDERS - OFFICES[c.who.body_kind]),
    "an outsider": lambda c: bool(c.who.roles & OUTSIDERS),
    "by a token": lambda c: c.who.via == "api",
    "in an organ": lambda c: c.who.body_kind == "organ",
    "at a partner": lambda c: c.who.body_kind == "partner",
    "of a delegation": lambda c: c.who.body_kind == "delegation",
    "outside own compartments": lambda c: not c.who.compartments & _rooms(c) and c.of.get("holder") != c.who.ref,
    "everything withdrawn": lambda c: bool(c.of["withdrawn"]),
    "of the body that gave it": lambda c: c.of["organisation"] == c.who.body,
    "collected it": lambda c: c.of["collectedBy"] == c.who.ref,
    "took it in": lambda c: c.of["intakeBy"] == c.who.ref,
    "assessed it": lambda c: c.who.ref in (c.of["firstAssessor"], c.of["secondAssessor"]),
    "awarded it": lambda c: c.of["awardedBy"] == c.who.ref,
    "corrected its facts": lambda c: c.who.ref in c.of["correctedBy"],
    "drafted it": lambda c: c.of["draftedBy"] == c.who.ref,
    "asked for it": lambda c: c.of["askedBy"] == c.who.ref,
    "asked for the interview": lambda c: c.of["askedBy"] == c.who.ref,
    "receives it": lambda c: c.of["person"] == c.who.ref,
    "had a hand in it": lambda c: c.who.ref in (c.of["initiatedBy"], c.of["approvedFirstBy"], c.of["approvedSecondBy"]),
    "of the respondent state": lambda c: bool(c.who.state) and c.of["respondent"] == c.who.state,
    "a national of the respondent state": lambda c: bool(c.who.nationality) and c.of["respondent"] == c.who.nationality,
    "of the state it is about": lambda c: bool(c.who.state) and c.of["about"] == c.who.state,
    "of the state that proposed it": lambda c: c.of["proposer"] == c.who.state,
    "asked to open it": lambda c: c.of["askedBy"] == c.who.ref,
    "will read the answer": lambda c: c.of["recipient"] == c.who.ref,
    "of the body that asked": lambda c: c.of["askedBody"] == c.who.body,
    "approved it": lambda c: c.of["approvedBy"] == c.who.ref,
    "took it to a seat": lambda c: c.who.ref in c.of["took"],
    "opened at once": lambda c: bool(c.of["breakGlass"]),
    "asked for the ceremony": lambda c: c.of["askedBy"] == c.who.ref,
    "leads the ceremony": lambda c: c.of["leader"] == c.who.ref,
    "signed in or at the door": lambda c: "public" not in c.who.roles,
    "her own": lambda c: c.of["holder"] == c.who.ref,
    "her own thread": lambda c: c.of["ref"] == c.who.ref,
    "a documenter's": lambda c: bool(c.of["documenter"]),
    "a survivor's": lambda c: not c.of["documenter"],
    "about a claim or a thread": lambda c: c.of["kind"] in ("CLM", "THR"),
    "about a report": lambda c: c.of["kind"] in ("INC", "ITM"),
    "in own rooms": lambda c: bool(c.who.compartments & set(c.of["rooms"])),
    "entered it": lambda c: c.of["enteredBy"] == c.who.ref,
    "stopped it": lambda c: c.of["stoppedBy"] == c.who.ref,
    "of a closed door": lambda c: not c.of["answerable"],
    "about a complaint": lambda c: c.of["compartment"].startswith("grievances"),
    "about a general complaint": lambda c: c.of["compartment"] == "grievances/general",
    "about a complaint shared with safeguarding": lambda c: c.of["compartment"] == "grievances/shared",
    "of the case team on a complaint": lambda c: bool(c.who.roles & CASE_TEAM) and c.of["compartment"].startswith("grievances"),
    "of the case team": lambda c: bool(c.who.roles & CASE_TEAM),
    "concerned by it": lambda c: c.who.ref in c.of["concerns"],
    "general": lambda c: c.of["sensitivity"] == "GENERAL",
    "hers to know for safeguarding": lambda c: c.of["sensitivity"] == "SENSITIVE" and bool(c.of["safeguardingMayKnow"]),
    "outside an organ": lambda c: c.who.body_kind != "organ",
    "escalated": lambda c: c.of["status"] == "ESCALATED",
    "saw what carries it": lambda c: c.who.ref in c.of["seenBy"],
    "for care": lambda c: c.purpose in ("care_contact", "care_note"),
    "for the interview": lambda c: c.purpose == "interview",
    "for the complaint": lambda c: c.purpose == "grievance",
    "for verification": lambda c: c.purpose == "verification",
    "for adjudication": lambda c: c.purpose == "adjudication",
    "for contact": lambda c: c.purpose == "contact",
}
PART = frozenset({"SOD-08-whoever-asked-or-will-read-does-not-approve", "whoever-asked-or-reads-is-no-custodian-of-it",
                  "whoever-took-part-does-not-review"})
# The policy that must give the reason where a `never` holds, so that the person reads the right sentence.
REASONS: dict[str, frozenset[str]] = {
    "inactive": frozenset({"only-active-people-act"}),
    "in an office of another body": frozenset({"offices-are-held-where-they-belong"}),
    "an outsider": frozenset({"outsiders-have-no-place-in-the-office"}),
    "by a token": frozenset({"tokens-never-vote-pay-or-unseal", "estimates-are-for-analysts-signed-in", "forecasts-stay-in-the-analysts-workspace",
                              "an-alert-is-made-and-ended-by-a-person-and-not-by-a-token"}),
    "outside an organ": frozenset({"forecasts-stay-in-the-analysts-workspace"}),
    "saw what carries it": frozenset({"whoever-saw-it-does-not-confirm-it"}),
    "of a delegation": frozenset({"the-survivor-firewall", "observations-stay-with-those-who-watch",
                                  "pairs-and-names-of-commanders-are-no-delegations",
                                  "the-survivor-firewall-holds-for-drafts-and-interviews"}),
    "outside own compartments": frozenset({"own-compartments-only", "observations-of-own-compartments-only",
                                           "pairs-of-own-compartments-only",
                                           "drafts-and-interviews-of-ones-own-compartments-only"}),
    "asked for the interview": frozenset({"nobody-allows-an-interview-they-asked-for", "whoever-asked-for-an-interview-is-no-custodian-of-it"}),
    "with too few authenticators": frozenset({"who-has-too-few-authenticators-only-adds-them"}),
    "not just confirmed": frozenset({"votes-payments-and-openings-are-confirmed"}),
    "everything withdrawn": frozenset({"SC-5-what-was-withdrawn-whole-is-closed-to-everyone",
                                       "SC-5-nothing-is-given-or-given-out-of-what-was-withdrawn-whole",
                                       "what-rests-on-an-item-closed-to-everyone-is-closed-with-it"}),
    "entered it": frozenset({"a-provider-is-confirmed-by-another-person"}),
    "stopped it": frozenset({"whoever-stopped-a-plan-does-not-review-it"}),
    "of a closed door": frozenset({"a-door-that-was-closed-stays-closed"}),
    "of the case team on a complaint": frozenset(
        {"SC-13-nobody-of-the-case-team-has-a-way-to-what-is-written-about-a-complaint"}),
    "of the case team": frozenset({"SC-13-nobody-of-the-case-team-has-a-way-to-a-complaint"}),
    "concerned by it": frozenset(
        {"SC-13-nobody-looks-after-a-complaint-about-themselves",
         "SC-13-nobody-reads-what-is-written-about-a-complaint-about-themselves"}),
    "collected it": frozenset({"SOD-01-a-verifier-is-not-the-collector"}),
    "of the body that gave it": frozenset({"an-opinion-is-another-organisations"}),
    "took it in": frozenset({"SOD-05-whoever-took-a-claim-in-does-not-assess-or-award-it"}),
    "assessed it": frozenset({"SOD-05-whoever-assessed-a-claim-neither-assesses-it-again-nor-awards-it"}),
    "awarded it": frozenset({"SOD-05-whoever-awarded-a-claim-neither-changes-its-facts-nor-looks-at-its-award-again"}),
    "corrected its facts": frozenset({"SOD-05-whoever-changed-the-facts-neither-assesses-nor-awards"}),
    "drafted it": frozenset({"SOD-02-an-expert-is-no-drafter", "SOD-14-an-author-neither-reviews-safety-nor-publishes"}),
    "asked for it": frozenset({"SOD-13-two-persons-and-never-oneself", "two-others-grant-a-new-key"}),
    "receives it": frozenset({"SOD-13-two-persons-and-never-oneself", "two-others-grant-a-new-key",
                              "nobody-makes-the-code-for-themselves"}),
    "had a hand in it": frozenset({"SOD-06-four-different-hands"}),
    "asked to open it": PART, "will read the answer": PART, "approved it": PART, "took it to a seat": PART,
    "of the body that asked": frozenset({"SOD-08-an-identity-takes-two-bodies", "a-ceremony-takes-two-persons-of-two-bodies"}),
    "asked for the ceremony": frozenset({"a-ceremony-takes-two-persons-of-two-bodies"}),
    "leads the ceremony": frozenset({"a-ceremony-takes-two-persons-of-two-bodies"}),
    "of the respondent state": frozenset({"recusal-the-respondent-touches-nothing-of-its-own-finding"}),
    "a national of the respondent state": frozenset({"SOD-02-nationals-of-the-respondent-do-not-sit"}),
    "of the state it is about": frozenset({"R-VOT-1-recusal", "the-target-does-not-implement-its-own-measure",
                                             "a-state-under-warning-does-not-touch-its-own-file",
                                        "a-state-under-review-reads-no-figure-of-the-restricted-file-on-itself"}),
}
# fmt: on
Alternative = tuple[frozenset[str] | None, tuple[str, ...]]  # roles (None: anyone), conditions that must all hold


@dataclass(frozen=True)
class Line:
    """One line of the table, read."""

    action: str
    kind: str
    may: tuple[Alternative, ...]
    never: tuple[str, ...]
    rules: str


def _read(row: Mapping[str, str]) -> Line:
    def condition(text: str) -> str:
        if text.strip() not in CONDITIONS:
            raise ValueError(f"{row['action']}: no condition is called {text.strip()!r}")
        return text.strip()

    may: list[Alternative] = []
    for clause in filter(None, (c.strip() for c in row["may"].split(";"))):
        names, _if, conditions = clause.partition(" if ")
        roles = None if names == "anyone" else frozenset(n.strip() for n in names.split(" or "))
        if unknown := (roles or frozenset()) - set(ROLES) - NOBODYS - {"nobody"}:
            raise ValueError(f"{row['action']}: no role is called {sorted(unknown)}")
        may.append((roles, tuple(condition(c) for c in conditions.split(" and ")) if conditions else ()))
    never = tuple(condition(c) for c in row["never"].split(";") if c.strip())
    if unsaid := [n for n in never if n not in REASONS]:
        raise ValueError(f"{row['action']}: no policy gives the reason {unsaid}")
    return Line(row["action"], row["object"], tuple(may), never, row["rules"])


class Table:
    """The lines, and the answers they give."""

    def __init__(self, text: str) -> None:
        rows = csv.DictReader(line for line in text.splitlines() if line and not line.startswith("#"))
        lines = [_read(r) for r in rows]
        self.general = [x for x in lines if x.action == "*"]
        self.lines = {(x.action, x.kind): x for x in lines if x.action != "*"}
        if len(self.lines) + len(self.general) != len(lines):
            raise ValueError("two lines speak of the same action and object")

    @cache  # noqa: B019 - one table a test session
    def _nevers(self, action: str, kind: str) -> tuple[str, ...]:
        general = [n for x in self.general if x.kind in ("*", kind) for n in x.never]
        return tuple(dict.fromkeys([*general, *self.lines[action, kind].never]))

    def answer(
        self, who: Principal, action: str, kind: str, of: Mapping[str, Any], purpose: str = ""
    ) -> tuple[bool, tuple[str, ...]]:
        """Whether the table allows it, and the `never` conditions that hold."""
        case = Case(who, kind, of, purpose, action)
        nevers = tuple(n for n in self._nevers(action, kind) if CONDITIONS[n](case))
        allowed = any(
            (roles is None or roles & who.roles) and all(CONDITIONS[c](case) for c in conditions)
            for roles, conditions in self.lines[action, kind].may
        )
        return bool(allowed) and not nevers, nevers


@lru_cache(maxsize=1)
def table() -> Table:
    """The reviewed table."""
    return Table(TABLE.read_text(encoding="utf-8"))
