"""When an identity may be asked for and released."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from answerable.common.tables import taxonomy
from answerable.vault.custody import lifecycle, rules, words

T0 = datetime(2031, 3, 12, 9, tzinfo=UTC)
FACTS = rules.ReleaseFacts(
    asked_by="PER-1", asked_body="BDY-1", approved_by="PER-2", approved_body="BDY-2", recipient="PER-1", asker_stands=True,
    approver_stands=True, approved_at=T0, break_glass=False, consent_lives=True,
)  # fmt: skip
DAY = timedelta(hours=24)


def test_words_and_tables_know_the_same_codes():
    assert list(words.fields()) == list(rules.fields())
    assert list(words.purposes()) == list(rules.purposes())
    assert list(words.reasons()) == list(rules.REASONS) and list(words.reviews()) == list(rules.REVIEWS)
    assert set(rules.purposes().values()) <= set(taxonomy("consent_purpose"))


@pytest.mark.parametrize(
    "asked, purpose, reason, urgent, says",
    [
        (["safe_contact"], "contact", "call_asked", False, ""),
        (["payee", "name"], "payment", "payment_due", False, ""),
        (["contacts"], "care", "danger_to_life", True, ""),
        ([], "contact", "call_asked", False, "Choose the fields"),
        (["payee"], "contact", "call_asked", False, "not needed for this purpose"),
        (["family"], "payment", "payment_due", False, "not needed for this purpose"),
        (["shoe_size"], "contact", "call_asked", False, "not needed for this purpose"),
        (["name", "name"], "contact", "call_asked", False, "not needed for this purpose"),
        (["name"], "gossip", "call_asked", False, "Choose what"),
        (["name"], "contact", "because", False, "Choose why"),
        (["name"], "contact", "call_asked", True, "Without waiting time only"),
        (["name"], "contact", "danger_to_life", False, "Without waiting time only"),
    ],
)
def test_only_fields_that_serve_a_purpose_are_asked_for(asked, purpose, reason, urgent, says):
    said = rules.asking_obstacles(asked, purpose, reason, break_glass=urgent)
    assert (says in " ".join(said)) if says else said == []


@pytest.mark.parametrize(
    "changed, after, says",
    [
        ({}, DAY, ""),
        ({}, DAY - timedelta(seconds=1), "waiting time"),
        ({}, timedelta(days=8), ""),
        ({}, timedelta(days=8, seconds=1), "no longer valid"),
        ({"approved_by": "PER-1"}, DAY, "Two different persons"),
        ({"recipient": "PER-2"}, DAY, "Two different persons"),
        ({"approved_body": "BDY-1"}, DAY, "two different bodies"),
        ({"approved_by": "", "approved_body": ""}, DAY, "two different bodies"),
        ({"approved_at": None}, DAY, "holds no approval"),
        ({"asker_stands": False}, DAY, "Whoever asked"),
        ({"approver_stands": False}, DAY, "Whoever approved"),
        ({"consent_lives": False}, DAY, "no live consent"),
        ({"bars": ("Withdrawn.",)}, DAY, "Withdrawn."),
        ({"break_glass": True, "inspectors": 1}, timedelta(0), ""),
        ({"break_glass": True, "inspectors": 1}, timedelta(hours=72), ""),
        ({"break_glass": True, "inspectors": 1}, timedelta(hours=72, seconds=1), "no longer valid"),
        ({"break_glass": True}, timedelta(0), "no inspector"),
        ({"break_glass": True, "inspectors": 1, "approved_body": "BDY-1"}, timedelta(0), "two different bodies"),
        ({"break_glass": True, "inspectors": 1, "approved_by": "PER-1"}, timedelta(0), "Two different persons"),
    ],
)
def test_a_release_needs_everything_at_once(changed, after, says):
    said = rules.release_obstacles(replace(FACTS, **changed), T0 + after)
    assert (says in " ".join(said)) if says else said == []


def test_nothing_follows_an_ended_request_and_only_approval_leads_on():
    for move in lifecycle.REQUEST_MOVES.values():
        assert not move.froms & set(lifecycle.ENDED)
    assert [n for n, m in lifecycle.REQUEST_MOVES.items() if m.to == lifecycle.APPROVED] == ["approve_identity"]
    assert lifecycle.REQUEST_MOVES["release_identity"].froms == {"APPROVED", "COOLING"}


@pytest.mark.parametrize(
    "bodies, needed, says",
    [
        ("a b c", 2, ""),
        ("a a b b c", 3, ""),
        ("a b", 2, "three bodies"),
        ("a a a b c", 3, "One body alone"),
        ("a b c", 1, "Two to five"),
        ("a b c", 4, "Two to five"),
    ],
)
def test_no_body_brings_a_key_back_alone(bodies, needed, says):
    said = rules.escrow_obstacles(bodies.split(), needed)
    assert (says in " ".join(said)) if says else said == []
