"""The states of objects and of people that the matrix is asked about, and the batch that asks Cedar.

A new kind of object is one entry in KINDS: each attribute of its policy view with the values that matter, seen from the
one who acts (ME, MY_BODY, MY_STATE). An object with a "compartment" is met by people of each scope in SCOPES; `follows`
names what else about the person the answer may depend on ("nationality"). A new purpose of reading is one word in PURPOSES.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cedarpy
from security.matrix import words

from answerable.authority import engine
from answerable.authority.principals import CLOCK, HELD_IN, ROLES, Principal

ME, OTHER = "PER-ME", "PER-OTHER"
MY_BODY, THEIR_BODY = "BOD-MINE", "BOD-THEIRS"
MY_STATE, THEIR_STATE = "AVN", "ZND"
PURPOSES = (
    "verification",
    "adjudication",
    "contact",
    "payment",
    "care_contact",
    "care_note",
    "grievance",
    "interview",
    "",
)
BODY_KINDS = ("organ", "partner", "delegation")
# People who hold two roles that may go together.
PAIRS = (
    ("council_delegate", "chair"),
    ("council_delegate", "national_focal_point"),
    ("verifier", "verification_lead"),
    ("monitoring_analyst", "verifier"),
    ("intake_officer", "survivor_advocate"),
    ("eligibility_assessor", "award_panel"),
    ("intake_officer", "eligibility_assessor"),
    ("auditor", "ombudsperson"),
    ("legal_adviser", "safeguarding_officer"),
    ("registrar", "vault_custodian"),
    ("monitoring_analyst", "safeguarding_officer"),
    ("claimant", "survivor_council_member"),
    ("safeguarding_officer", "ombudsperson"),
    ("intake_officer", "data_protection_officer"),
    ("intake_officer", "ombudsperson"),  # may be granted; a case team's member has no way to a complaint all the same
    ("holder", "claimant"),
    ("council_delegate", "verifier"),  # never granted; if it were, it must be worth nothing
)


@dataclass(frozen=True)
class Kind:
    """One kind of object: its attributes' values, and what of the person matters to it."""

    attributes: Mapping[str, Sequence[Any]]
    follows: frozenset[str] = frozenset()
    keep: Callable[[Mapping[str, str]], bool] = lambda state: True

    @property
    def states(self) -> list[dict[str, str]]:
        """Every combination of the attributes' values that `keep` does not find impossible."""
        rows = itertools.product(*self.attributes.values())
        return [s for row in rows if self.keep(s := dict(zip(self.attributes, row, strict=True)))]


def _one_hand(*names: str) -> Callable[[Mapping[str, str]], bool]:
    """At most one of these is me; more would only repeat the same answer."""
    return lambda state: sum(state[n] == ME for n in names) <= 1


def _one_difference(state: Mapping[str, Any]) -> bool:
    """At most one thing about a request is about me; who took part in one opened at once matters by itself as well."""
    hands = sum(state[n] == ME for n in ("askedBy", "approvedBy", "recipient")) + (state["askedBody"] == MY_BODY)
    if state["compartment"] != "claims":
        return hands == 0 and not state["breakGlass"] and not state["took"]
    return hands + bool(state["took"]) <= 1 and (state["breakGlass"] or not state["took"])


def _open_or_plain(*names: str) -> Callable[[Mapping[str, Any]], bool]:
    """At most one hand is mine; what was withdrawn whole only in the compartment of the whole family, with no hand of mine."""
    one = _one_hand(*names)
    return lambda s: one(s) and not (s["withdrawn"] and (ME in [s[n] for n in names] or "/" in s["compartment"]))


def _consistent_claim(state: Mapping[str, Any]) -> bool:
    """At most one hand in a claim is mine, whether it took in, assessed, awarded or corrected it."""
    if not _open_or_plain("intakeBy", "firstAssessor", "secondAssessor", "awardedBy")(state):
        return False
    hands = [state[n] for n in ("intakeBy", "firstAssessor", "secondAssessor", "awardedBy")]
    return not state["correctedBy"] or not (state["withdrawn"] or "/" in state["compartment"] or ME in hands)


def _consistent_grievance(state: Mapping[str, Any]) -> bool:
    """Which room a complaint lies in follows from how sensitive it is and from what she allowed."""
    if state["sensitivity"] == "GENERAL":
        return bool(state["compartment"] == "grievances/general")
    return bool(
        state["compartment"] == ("grievances/shared" if state["safeguardingMayKnow"] else "grievances/sensitive")
    )


def _consistent_consent(state: Mapping[str, Any]) -> bool:
    """Claims and threads lie in rooms of claims, reports in monitoring's; in a partner's room only the plain case."""
    if (state["kind"] in ("CLM", "THR")) != (state["rooms"][0] == "claims"):
        return False
    if (state["holder"], state["withdrawn"]) == (OTHER, False):
        return True
    if len(state["rooms"]) > 1 or state["kind"] in ("THR", "ITM"):
        return False
    return bool(state["holder"] or not state["withdrawn"]) and (state["kind"] == "CLM" or state["holder"] != ME)


def _consistent_thread(state: Mapping[str, Any]) -> bool:
    """A documenter's thread lies in monitoring's rooms, any other in those of claims; mine lies in the whole family's."""
    if state.get("ref") == ME and "/" in state["compartment"] and not state["documenter"]:
        return False
    if state["compartment"].startswith("grievances"):  # a complaint's conversation lies with the complaint
        return not state["documenter"]
    if state["concerns"]:  # only a complaint is about persons of ours
        return False
    return bool(state["documenter"] == state["compartment"].startswith("monitoring"))


MONITORING = ("monitoring", f"monitoring/{MY_BODY}", f"monitoring/{THEIR_BODY}")
CLAIMS = ("claims", f"claims/{MY_BODY}", f"claims/{THEIR_BODY}")
CARE = ("care", f"care/{MY_BODY}", f"care/{THEIR_BODY}")
CONTACT = ("contact", f"contact/{MY_BODY}", f"contact/{THEIR_BODY}")
COMPLAINTS = ("grievances/general", "grievances/sensitive", "grievances/shared")
DOOR = (*CLAIMS, *MONITORING[1:], *COMPLAINTS)
ROOMS = tuple((c.partition("/")[0], *([c] if "/" in c else [])) for c in (*CLAIMS, *MONITORING))
STATES = ("", MY_STATE, THEIR_STATE)
# fmt: off
KINDS: dict[str, Kind] = {
    "Place": Kind({}),
    "State": Kind({"code": (MY_STATE, THEIR_STATE), "status": ("MEMBER",)}),
    "Grant": Kind({"askedBy": (ME, OTHER), "person": (ME, OTHER), "role": ("verifier",)}),
    "Situation": Kind({"status": ("WATCHED",), "about": STATES}),
    "Import": Kind({"madeBy": (ME, OTHER)}),
    "Incident": Kind({"compartment": MONITORING, "collectedBy": (ME, OTHER), "organisation": (MY_BODY, THEIR_BODY),
                      "status": ("SUBMITTED",), "withdrawn": (False, True)}, keep=_open_or_plain("collectedBy")),
    "SourceItem": Kind({"compartment": MONITORING, "collectedBy": (ME, OTHER), "organisation": (MY_BODY,),
                        "withdrawn": (False, True)}, keep=_open_or_plain("collectedBy")),
    "IntakeBatch": Kind({"compartment": MONITORING, "madeBy": (OTHER,), "organisation": (MY_BODY, THEIR_BODY)}),
    "ServiceCounts": Kind({"compartment": MONITORING, "organisation": (MY_BODY, THEIR_BODY)}),
    "Draft": Kind({"compartment": MONITORING, "collectedBy": (OTHER,), "organisation": (MY_BODY, THEIR_BODY)}),
    "Interview": Kind({"compartment": MONITORING, "askedBy": (ME, OTHER), "organisation": (MY_BODY,)}),
    "Pattern": Kind({"madeBy": (ME, OTHER)}),
    "Indicator": Kind({"compartment": ("monitoring",)}),
    "LinkPair": Kind({"compartment": MONITORING}),
    "DuplicateSearch": Kind({"askedBy": (ME, OTHER)}),
    "Agreement": Kind({"notedBy": (ME, OTHER)}),
    "WarningEntry": Kind({"compartment": MONITORING, "enteredBy": (ME, OTHER), "organisation": (MY_BODY,),
                          "withdrawn": (False, True)}, keep=_open_or_plain("enteredBy")),
    "Alert": Kind({"about": STATES, "status": ("PROPOSED", "ESCALATED", "CONFIRMED"), "seenBy": ((), (ME,))}),
    "Finding": Kind({"respondent": STATES, "draftedBy": (ME, OTHER), "status": ("ASSESSMENT",)}, frozenset({"nationality"})),
    "Proposal": Kind({"about": STATES, "proposer": (MY_STATE, THEIR_STATE), "status": ("MEETING",)}),
    "Measure": Kind({"about": STATES, "status": ("ADOPTED",)}, frozenset({"nationality"})),
    "Contribution": Kind({"donor": STATES}),
    "Payment": Kind({"initiatedBy": (ME, OTHER), "approvedFirstBy": ("", ME, OTHER), "approvedSecondBy": ("", ME)},
                    keep=_one_hand("initiatedBy", "approvedFirstBy", "approvedSecondBy")),
    "IdentityRequest": Kind({"compartment": CLAIMS, "room": ("claims",), "askedBy": (ME, OTHER), "askedBody": (MY_BODY, THEIR_BODY),
                             "approvedBy": ("", ME), "recipient": (ME, OTHER), "breakGlass": (True, False), "took": ((), (ME,))},
                            keep=_one_difference),
    "RoomRestore": Kind({"askedBy": (ME, OTHER), "askedBody": (MY_BODY, THEIR_BODY), "leader": (ME, OTHER)}),
    "Programme": Kind({"status": ("OPEN",)}),
    "Claim": Kind({"compartment": CLAIMS, "intakeBy": (ME, OTHER), "firstAssessor": ("", ME), "secondAssessor": ("", ME),
                   "awardedBy": ("", ME), "correctedBy": ((), (ME,)), "status": ("ASSESSMENT",), "withdrawn": (False, True)},
                  keep=_consistent_claim),
    "Recovery": Kind({"askedBy": (ME, OTHER), "person": (ME, OTHER)}),
    "ConsentSubject": Kind({"kind": ("CLM", "THR", "ITM", "INC"), "holder": ("", ME, OTHER), "rooms": ROOMS, "withdrawn": (False, True)},
                           keep=_consistent_consent),
    "Provider": Kind({"status": ("LISTED",), "enteredBy": (ME, OTHER)}),
    "Referral": Kind({"compartment": CARE, "status": ("OFFERED",)}),
    "SafeContactPlan": Kind({"compartment": CONTACT, "status": ("ACTIVE",), "stoppedBy": ("", ME)}),
    "ContactAttempt": Kind({"compartment": CONTACT, "status": ("PLANNED",)}),
    "SafetyIncident": Kind({"compartment": ("safety",), "status": ("OPEN",)}),
    "Grievance": Kind({"compartment": COMPLAINTS, "sensitivity": ("GENERAL", "SENSITIVE"), "concerns": ((), (ME,)),
                       "safeguardingMayKnow": (False, True)}, keep=_consistent_grievance),
    "Thread": Kind({"ref": (ME, OTHER), "compartment": DOOR, "status": ("OPEN",), "documenter": (False, True),
                     "answerable": (True, False), "concerns": ((), (ME,))}, keep=_consistent_thread),
    "Message": Kind({"compartment": DOOR, "direction": ("in",), "documenter": (False, True), "concerns": ((), (ME,))},
                    keep=_consistent_thread),
    "Attachment": Kind({"compartment": DOOR, "documenter": (False, True), "concerns": ((), (ME,))}, keep=_consistent_thread),
}
# fmt: on
# What a person may see of a compartment: nothing, the whole family, their own body's part, or another family.
SCOPES: dict[str, tuple[frozenset[str], ...]] = {
    k: tuple(frozenset(s) for s in scopes)
    for k, scopes in {
        "Incident": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "SourceItem": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "Indicator": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "LinkPair": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "WarningEntry": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "IntakeBatch": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "ServiceCounts": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "Draft": ((), ("monitoring",), (MONITORING[1],), ("claims",)),
        "Interview": ((), ("monitoring",), (MONITORING[1],), ("interviews",), ("claims",)),
        "Claim": ((), ("claims",), (CLAIMS[1],), ("monitoring",)),
        "IdentityRequest": ((), ("claims",), (CLAIMS[1],), ("custody",), ("monitoring",)),
        "ConsentSubject": ((), ("claims",), (CLAIMS[1],), ("monitoring",), (MONITORING[1],), ("consents",)),
        "Referral": ((), ("care",), (CARE[1],), ("claims",)),
        "SafeContactPlan": ((), ("contact",), (CONTACT[1],), ("care",)),
        "ContactAttempt": ((), ("contact",), (CONTACT[1],), ("care",)),
        "SafetyIncident": ((), ("safety",), ("grievances",)),
        "Grievance": ((), ("grievances",), *((c,) for c in COMPLAINTS), ("claims",)),
        "Thread": ((), ("claims",), (CLAIMS[1],), ("monitoring",)),
        "Message": ((), ("claims",), (CLAIMS[1],), ("monitoring",), ("grievances",), (COMPLAINTS[0],)),
        "Attachment": ((), ("claims",), (CLAIMS[1],), ("monitoring",), ("grievances",), (COMPLAINTS[0],)),
    }.items()
}
EVERY_SCOPE = frozenset(
    {"monitoring", "claims", "care", "contact", "safety", "grievances", "consents", "custody", "interviews"}
)


@lru_cache
def people(kind: str) -> list[Principal]:
    """Every role by itself, the pairs, no role and the clock, in each kind of body; and for a role where it may be held:
    inactive, by token, with too few authenticators, not just confirmed, of other scopes and nationalities."""
    found = []
    follows, scopes = KINDS[kind].follows, SCOPES.get(kind, ())
    outside = ("clock", "door", "holder")
    holdings = [frozenset({r}) for r in (*ROLES, *outside)] + [frozenset(p) for p in PAIRS] + [frozenset()]
    for roles, body_kind in itertools.product(holdings, BODY_KINDS):
        state = MY_STATE if body_kind == "delegation" else ""
        one = Principal(ME, roles, MY_BODY, body_kind, state, state, EVERY_SCOPE, fresh=True)
        found.append(one)
        if len(roles) > 1:
            continue
        # Held in a body that has no such office, the answer is no whatever else; once is enough to ask.
        if not roles <= HELD_IN[body_kind] and not (roles <= words.OUTSIDERS and body_kind == "organ"):
            continue
        found += [
            replace(one, via="api"),
            replace(one, active=False),
            replace(one, enrolled=False),
            replace(one, fresh=False),
        ]
        found += [replace(one, compartments=s) for s in scopes]
        if "nationality" in follows:
            found += [replace(one, nationality=n) for n in STATES if n != state]
    return [*found, CLOCK]


@lru_cache
def schema_actions() -> dict[str, tuple[str, ...]]:
    """Action → kinds of object it applies to, read from the policies' schema; groups of actions have none."""
    found: dict[str, tuple[str, ...]] = {}
    for names, kinds in re.findall(
        r"^action\s+([^;]*?)\s*(?:in\s*\[[^\]]*\]\s*)?appliesTo\s*\{[^}]*?resource:\s*\[([^\]]*)\]",
        engine.policies().schema_text,
        re.M | re.S,
    ):
        for name in names.replace('"', "").split(","):
            found[name.strip()] = tuple(k.strip() for k in kinds.split(","))
    return found


# The purposes for which each kind of sealed object is read by someone; the others are asked of few.
WHY = {
    **dict.fromkeys(("Incident", "SourceItem", "Indicator", "WarningEntry", "Alert"), ("verification",)), "Claim": ("adjudication", "contact"),
    "Referral": ("care_contact", "care_note"), "SafeContactPlan": ("contact",), "ContactAttempt": ("contact",),
    "Interview": ("interview",), "Grievance": ("grievance",), "Message": ("contact", "grievance"), "Attachment": ("contact", "grievance"),
}  # fmt: skip


def is_plain(who: Principal) -> bool:
    """Someone in an office of their own body, active, signed in and confirmed: who meets every state of an object.

    Whoever is not is denied whatever the object is, or (by a token, not just confirmed) by the kind of act; they meet a few.
    """
    held = who.roles <= HELD_IN[who.body_kind] or (who.roles <= words.OUTSIDERS and who.body_kind == "organ")
    return who.active and who.enrolled and who.via != "api" and held and (who.fresh or who == CLOCK)


def cases(
    action: str, kind: str, roles: frozenset[str] | None = None
) -> Iterator[tuple[int, Principal, int, dict[str, Any], str]]:
    """(number and person, number and state of the object, purpose): all that is asked about an action on a kind."""
    states = KINDS[kind].states
    few = {0, len(states) // 2, len(states) - 1}
    for n, who in enumerate(people(kind)):
        if roles is not None and who.roles and not who.roles & roles:
            continue
        plain = is_plain(who)
        why = (
            ("",)
            if action != "read_sealed"
            else PURPOSES
            if plain and who.compartments == EVERY_SCOPE
            else (*WHY[kind], "")
        )
        for m, of in enumerate(states):
            if plain or m in few:
                for purpose in why:
                    yield n, who, m, of, purpose


@dataclass(frozen=True)
class Question:
    """All the questions about one action on one kind of object, and the batch that asks them."""

    action: str
    kind: str
    cases: list[tuple[Principal, dict[str, str], str]]
    requests: list[dict[str, Any]]
    entities: cedarpy.Entities


@lru_cache
def _entities(kind: str) -> cedarpy.Entities:
    all_people = people(kind)
    roles = {r for p in all_people for r in p.roles}
    rows: list[dict[str, Any]] = [{"uid": {"type": "Role", "id": r}, "attrs": {}, "parents": []} for r in sorted(roles)]
    rows += [{**engine._person(p), "uid": {"type": "Person", "id": f"P{n}"}} for n, p in enumerate(all_people)]
    rows += [
        {"uid": {"type": kind, "id": f"R{n}"}, "attrs": s, "parents": []} for n, s in enumerate(KINDS[kind].states)
    ]
    return cedarpy.Entities.from_json_str(json.dumps(rows), engine.policies().schema)


@lru_cache(maxsize=4)
def question(action: str, kind: str, roles: frozenset[str] | None = None) -> Question:
    """Every case of one action on one kind; or only those of people of some roles, or of none."""
    found, requests = [], []
    for n, who, m, of, purpose in cases(action, kind, roles):
        found.append((who, of, purpose))
        requests.append(
            {
                "principal": {"type": "Person", "id": f"P{n}"},
                "action": {"type": "Action", "id": action},
                "resource": {"type": kind, "id": f"R{m}"},
                "context": {"via": who.via, **({"purpose": purpose} if action == "read_sealed" else {})},
            }
        )
    return Question(action, kind, found, requests, _entities(kind))


def ask(q: Question, policies: cedarpy.PolicySet, *, chosen: Sequence[int] | None = None) -> list[cedarpy.AuthzResult]:
    """Cedar's answers, in the order of `q.requests` (or of the `chosen` ones)."""
    requests = q.requests if chosen is None else [q.requests[i] for i in chosen]
    return cedarpy.is_authorized_batch(requests, policies, q.entities, engine.policies().schema)


ANSWERED: dict[tuple[str, str], tuple[tuple[bool, frozenset[str]], ...]] = {}


def answers(action: str, kind: str) -> tuple[tuple[bool, frozenset[str]], ...]:
    """What the policies in force say to each case of a question: allowed, and the ids of the policies that decided.

    An error in any policy is a deny, as in engine.decide. Asked once a session, because it is most of the time.
    """
    if (action, kind) not in ANSWERED:
        names = engine._id_by_position()
        known: dict[tuple[str, ...], frozenset[str]] = {}
        found = []
        for r in ask(question(action, kind), engine.policies().about(action)):
            reasons = tuple(r.diagnostics.reasons)
            if reasons not in known:
                known[reasons] = frozenset(names[x] for x in reasons)
            found.append((r.allowed and not r.diagnostics.errors, known[reasons]))
        ANSWERED[action, kind] = tuple(found)
    return ANSWERED[action, kind]


def allowed(action: str, kind: str, choose: Callable[[Principal, Mapping[str, str], str], bool]) -> list[Any]:
    """Of the cases that `choose` picks, those the policies in force allow. Raises ValueError when it picks none."""
    q = question(action, kind)
    chosen = [i for i, case in enumerate(q.cases) if choose(*case)]
    if not chosen:
        raise ValueError(f"no case of {action} on {kind} was chosen")
    if (known := ANSWERED.get((action, kind))) is not None:
        return [q.cases[i] for i in chosen if known[i][0]]
    results = ask(q, engine.policies().about(action), chosen=chosen)
    return [q.cases[i] for i, r in zip(chosen, results, strict=True) if r.allowed and not r.diagnostics.errors]
