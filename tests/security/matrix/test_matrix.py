"""Who may do what, exhaustively: the table written from the rules in words, against the policies in force.

Every role × kind of body × active or not × page or token × state of the object × purpose. A difference names itself in
a sentence. The reasons are compared too, so that a forbid cannot hide behind another and everyone reads the right one.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import cedarpy
import pytest
from security.matrix import resources, words

from answerable.authority import engine
from answerable.authority.principals import HELD_IN, ROLES, Place, Principal

PAIRS = [(a, k) for a, kinds in resources.schema_actions().items() for k in kinds]


def _sentence(who: Principal, action: str, kind: str, of: dict[str, str], purpose: str) -> str:
    roles = " and ".join(sorted(who.roles)) or "no role"
    more = "" if who.active else ", inactive"
    return f"{roles} at a {who.body_kind} via {who.via}{more} (scopes {sorted(who.compartments)}, national of {who.nationality or '-'}): {action} {kind} {of} {purpose}"


def test_every_action_has_a_line_and_every_line_an_action():
    assert set(PAIRS) == set(words.table().lines)
    assert {k for _a, k in PAIRS} <= set(resources.KINDS)


def test_every_line_names_its_rule():
    assert all(line.rules.strip() for line in (*words.table().lines.values(), *words.table().general))


def test_every_condition_of_the_vocabulary_is_used():
    lines = (*words.table().lines.values(), *words.table().general)
    used = {c for x in lines for c in (*x.never, *(w for _r, cs in x.may for w in cs))}
    assert used == set(words.CONDITIONS)


def _others_say_nothing(q: resources.Question) -> None:
    """The engine asks the policies whose scope holds an action. All of them together say the same of any case: no other one
    decides, and no other one errs, which would be a deny."""
    whole, some = engine.policies(), range(0, len(q.requests), max(1, len(q.requests) // 40))
    asked, every = (resources.ask(q, these, chosen=some) for these in (whole.about(q.action), whole.set))
    for a, b in zip(asked, every, strict=True):
        assert a.decision == b.decision and sorted(a.diagnostics.reasons) == sorted(b.diagnostics.reasons)
        assert sorted(a.diagnostics.errors) == sorted(b.diagnostics.errors)


@pytest.mark.parametrize("action,kind", PAIRS, ids=lambda v: v)
def test_the_table_and_the_policies_agree(action, kind):
    q = resources.question(action, kind)
    _others_say_nothing(q)
    differences = []
    for (who, of, purpose), (allowed, policies) in zip(q.cases, resources.answers(action, kind), strict=True):
        expected, nevers = words.table().answer(who, action, kind, of, purpose)
        told = frozenset() if allowed else policies
        if allowed is not expected:
            differences.append(f"the table says {'yes' if expected else 'no'}, the policies do not: ")
        elif not all(words.REASONS[n] & told for n in nevers):
            differences.append(f"no policy gives the reason {nevers} (only {sorted(told)}): ")
        elif not told <= {i for n in nevers for i in words.REASONS[n]}:
            differences.append(f"a policy gives a reason the table does not ({sorted(told)}, {nevers}): ")
        else:
            continue
        differences[-1] += _sentence(who, action, kind, of, purpose)
    assert not differences, f"{len(differences)} differences, such as:\n" + "\n".join(differences[:6])


def test_the_matrix_asks_more_than_a_hundred_thousand_questions():
    sizes = {(a, k): sum(1 for _case in resources.cases(a, k)) for a, k in PAIRS}
    assert sizes["cast_ballot", "Proposal"] == len(resources.question("cast_ballot", "Proposal").cases)
    assert sizes["read_sealed", "Claim"] == len(resources.question("read_sealed", "Claim").cases)
    print(f"\n{sum(sizes.values())} questions")
    assert sum(sizes.values()) > 200_000


class Thing:
    """An object of any kind, in any state, for the function that the product itself calls."""

    def __init__(self, kind: str, of: dict[str, str]) -> None:
        self.kind, self.of, self.ref = kind, of, "R0"


def test_the_product_decides_as_the_batch_does(monkeypatch):
    monkeypatch.setitem(engine._DESCRIBERS, Thing, lambda t: (t.kind, t.of))
    for action, kind in PAIRS:
        q = resources.question(action, kind)
        step = max(1, len(q.requests) // 12)
        for who, of, purpose in q.cases[::step]:
            thing = Place("somewhere") if kind == "Place" else Thing(kind, of)
            context = {"purpose": purpose} if action == "read_sealed" else {}
            decision = engine.decide(who, action, thing, **context)
            assert decision.allowed is words.table().answer(who, action, kind, of, purpose)[0], action
            assert decision.allowed or not decision.policies or decision.says


# What no line of the table may ever change.
PERSON_LEVEL = ("Incident", "SourceItem", "Indicator", "WarningEntry", "Claim", "Referral", "SafeContactPlan", "ContactAttempt", "SafetyIncident", "Grievance",
                "ConsentSubject", "IdentityRequest", "Thread", "Message", "Attachment")  # fmt: skip


_allowed = resources.allowed


@pytest.mark.parametrize("kind", PERSON_LEVEL)
def test_no_role_of_any_state_does_anything_to_a_person_level_object(kind):
    for action, on in PAIRS:
        if on == kind:
            assert not _allowed(action, kind, lambda who, of, purpose: who.body_kind == "delegation"), action
    for action in ("see_incidents", "see_claims", "see_patterns", "see_payments", "see_care", "see_contact", "see_safety",
                   "see_grievances", "see_withdrawals", "see_receipts", "see_identity_requests", "see_threads", "offer_referral", "make_plan",
                   "plan_contact", "open_door", "confirm_receipt"):  # fmt: skip
        assert not _allowed(action, "Place", lambda who, of, purpose: who.body_kind == "delegation"), action


def test_a_token_never_votes_pays_unseals_or_entrusts():
    for action, kind in PAIRS:
        if any(g in _groups(action) for g in ("vote", "pay", "unseal", "entrust")):
            assert not _allowed(action, kind, lambda who, of, purpose: who.via == "api"), action


def _groups(action):
    found = re.search(rf"^action\s+[^;]*?\b{action}\b\"?[^;]*?in\s*\[([^\]]*)\]", engine.policies().schema_text, re.M)
    return {g.strip() for g in found[1].split(",")} if found else set()


def test_the_groups_a_token_never_enters_hold_what_they_should():
    groups = {a: _groups(a) for a, _k in PAIRS}
    assert {a for a, g in groups.items() if "vote" in g} == {"cast_ballot"}
    assert {a for a, g in groups.items() if "unseal" in g} == {
        "read_sealed", "ask_identity", "approve_identity", "take_request", "take_question", "give_word", "bring_answer", "admit_reader",
    }  # fmt: skip
    assert {a for a, g in groups.items() if "pay" in g} >= {"plan_payment", "approve_first", "release", "settle"}
    assert {a for a, g in groups.items() if "entrust" in g} >= {
        "confirm_grant",
        "make_token",
        "admit_reader",
        "keep_keys",
        "confirm_recovery",
        "issue_code",
    }


def test_whoever_has_not_just_confirmed_votes_pays_and_opens_nothing():
    for action, kind in PAIRS:
        if {"vote", "pay", "unseal"} & _groups(action):
            assert not _allowed(action, kind, lambda who, of, purpose: not who.fresh), action


def test_whoever_has_too_few_authenticators_adds_one_begins_again_or_leaves():
    may = {a for a, k in PAIRS if _allowed(a, k, lambda who, of, purpose: not who.enrolled)}
    assert may == words.WITH_TOO_FEW


def test_what_was_withdrawn_whole_is_open_to_nobody():
    for action, kind in PAIRS:
        if kind in ("Claim", "Incident", "SourceItem"):
            assert not _allowed(action, kind, lambda who, of, purpose: of["withdrawn"]), action
    for action in ("give_consent", "record_transfer"):
        assert not _allowed(action, "ConsentSubject", lambda who, of, purpose: of["withdrawn"]), action


def test_nobody_of_the_case_team_comes_near_a_complaint():
    for action, kind in PAIRS:
        if kind == "Grievance" or action == "see_grievances":
            assert not _allowed(action, kind, lambda who, of, purpose: who.roles & words.CASE_TEAM), action


def test_a_holder_reaches_her_own_thread_and_word_alone():
    for action, kind in PAIRS:
        if kind != "Place":
            for _who, of, _purpose in _allowed(action, kind, lambda who, of, purpose: "holder" in who.roles):
                assert resources.ME in (of.get("ref"), of.get("holder"), of.get("person")) or action == "lodge_claim", (
                    action
                )


def test_an_inactive_person_does_nothing():
    for action, kind in PAIRS:
        assert not _allowed(action, kind, lambda who, of, purpose: not who.active), action


def test_one_account_without_a_role_changes_nothing():
    own = {"open_public_page", "see_today", "see_alliance", "see_record", "sign_out", "make_token", "see_situations",
           "see_measures", "see_fund", "see_programmes", "see_directory", "see_keys", "keep_keys", "complain", "mark_seen",
           # What one's own reference alone opens: a new key for oneself.
           "stop_recovery", "use_recovery"}  # fmt: skip
    for action, kind in PAIRS:
        if action not in own:
            assert not _allowed(action, kind, lambda who, of, purpose: not who.roles), action


def test_the_system_administrator_reaches_no_content():
    may = {a for a, k in PAIRS if _allowed(a, k, lambda who, of, purpose: who.roles == {"system_administrator"})}
    assert may == {"open_public_page", "see_today", "see_alliance", "see_record", "sign_out", "make_token",
                   "see_situations", "see_measures", "see_fund", "see_programmes", "see_people", "confirm_grant",
                   "refuse_grant", "end_grant", "see_vault", "keep_vault", "lock_vault", "see_directory", "complain", "mark_seen",
                   "see_keys", "keep_keys", "see_compartments", "see_recoveries", "confirm_recovery", "make_code", "stop_recovery",
                   "use_recovery"}  # fmt: skip


def test_readers_of_claims_and_of_reports_are_different_persons_purposes_and_rooms():
    for kind, purpose in (
        ("Incident", "verification"),
        ("SourceItem", "verification"),
        ("WarningEntry", "verification"),
        ("Claim", "adjudication"),
    ):
        wrong = [p for p in resources.PURPOSES if p not in ({purpose, "contact"} if kind == "Claim" else {purpose})]
        assert not _allowed("read_sealed", kind, lambda who, of, purpose, wrong=wrong: purpose in wrong)


def test_a_second_role_that_goes_with_the_first_takes_nothing_away():
    """Within one kind of body, what either role may, the holder of both may; separation is of persons, not of hats.

    Complaints are the exception: whoever is of the case team, under whatever other hat, has no way to them (SC-13).
    """

    def plain(who, of, purpose):
        return (
            who.active
            and who.via == "web"
            and who.fresh
            and who.enrolled
            and who.compartments == resources.EVERY_SCOPE
            and who.nationality == who.state
        )

    for action, kind in PAIRS:
        yes = {(who, tuple(of.items()), purpose) for who, of, purpose in _allowed(action, kind, plain)}
        for (who, of, purpose), pair in itertools.product(yes, resources.PAIRS):
            complaint = (
                kind == "Grievance" or action == "see_grievances" or "grievance" in str(dict(of).get("compartment", ""))
            )
            if complaint and set(pair) & words.CASE_TEAM:
                continue
            if who.roles < set(pair) <= HELD_IN[who.body_kind]:
                assert (replace(who, roles=frozenset(pair)), of, purpose) in yes, (pair, action, of)


def test_offices_are_where_granting_puts_them():
    assert {k: set(v) for k, v in HELD_IN.items()} == {k: set(v) for k, v in words.OFFICES.items()}
    assert set(ROLES) == set().union(*HELD_IN.values()) | (words.OUTSIDERS - words.NOBODYS)


def test_what_nobody_knows_is_denied():
    nurse = Principal(resources.ME, frozenset({"monitoring_analyst"}))
    assert engine.allows(nurse, "open_situation", "situations")
    assert not engine.allows(nurse, "rule_the_world", "situations")
    assert not engine.allows(Principal(resources.ME, frozenset({"emperor"})), "open_situation", "situations")
    assert not engine.allows(nurse, "open_situation", object())
    assert not engine.allows(nurse, "open_situation", "situations", invented="context")
    assert not engine.allows(nurse, "verify_incident", "situations")


@pytest.mark.parametrize("attribute", ["compartment", "collectedBy", "organisation", "withdrawn"])
def test_an_object_that_lacks_what_a_rule_reads_is_denied(monkeypatch, attribute):
    of = {
        "compartment": "monitoring",
        "collectedBy": "X",
        "organisation": "Y",
        "status": "SUBMITTED",
        "withdrawn": False,
    }
    lead = Principal(resources.ME, frozenset({"verification_lead", "monitoring_analyst"}),
                     compartments=frozenset({"monitoring"}))  # fmt: skip
    monkeypatch.setitem(engine._DESCRIBERS, Thing, lambda t: (t.kind, t.of))
    assert engine.allows(lead, "verify_incident", Thing("Incident", of))
    less = {k: v for k, v in of.items() if k != attribute}
    assert not engine.allows(lead, "verify_incident", Thing("Incident", less))


def test_a_forbid_that_errors_denies_although_cedar_itself_would_allow(monkeypatch):
    real = engine.policies()
    text = real.text + '\n@id("broken") forbid (principal, action, resource) when { resource.nosuch == 1 };'
    broken = engine.Policies(text, real.schema_text, cedarpy.PolicySet.from_str(text), None, {}, "x")
    analyst = Principal(resources.ME, frozenset({"monitoring_analyst"}))
    assert engine.allows(analyst, "open_situation", "situations")
    monkeypatch.setattr(engine, "policies", lambda: broken)
    assert not engine.allows(analyst, "open_situation", "situations")


def test_the_table_refuses_what_it_cannot_read():
    head = "action,object,may,never,rules\n"
    for line in ("fly,Place,pilot,,x", "fly,Place,registrar if winged,,x", "fly,Place,registrar,winged,x",
                 "fly,Place,registrar,at a partner,x", "fly,Place,registrar,,x\nfly,Place,anyone,,y"):  # fmt: skip
        with pytest.raises(ValueError):
            words.Table(head + line)
    assert len(list(itertools.chain(words.table().general, words.table().lines.values()))) > 100
