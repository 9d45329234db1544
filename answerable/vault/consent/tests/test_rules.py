"""Consent by purpose and the table of withdrawal (domain.md §2.5), case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answerable.common.tables import taxonomy
from answerable.vault.consent import rules
from answerable.vault.consent.rules import Terms

TODAY = date(2031, 9, 2)
ASKED = datetime(2031, 9, 2, 15, 0, tzinfo=UTC)
YES = Terms("CP-MONI", True, ("organ",), "ID-2", None, understanding_checked=True, withdrawal_channel_told=True)


def codes(purpose, *states):
    return [e.code for e in rules.effects(purpose, states)]


def test_the_tables_know_the_fifteen_purposes_and_four_degrees():
    assert set(rules.purposes()) == set(taxonomy("consent_purpose")) and len(rules.purposes()) == 15
    for row in rules.purposes().values():
        assert set(row.audiences) <= set(rules.audiences()) and row.audience in row.audiences
        assert {row.identifiability, row.limit} <= set(taxonomy("identifiability"))
        assert rules.cannot_be_recalled(row.code).endswith(".")
        assert not rules.obstacles(rules.default_terms(row.code, on=TODAY), on=TODAY), row.code


def test_every_use_of_the_gate_names_a_purpose_and_an_audience_it_can_be_given_for():
    for line in rules.operations().values():
        row = rules.purposes()[line.purpose]
        assert line.audience in row.audiences and line.identifiability <= row.limit, line
    assert {o.operation for o in rules.operations().values()} == {"read", "export", "match", "publish", "transfer"}


@pytest.mark.parametrize(
    ("purpose", "audience", "identifiability", "on", "live"),
    [
        ("CP-MONI", "organ", "ID-2", TODAY, True), ("CP-MONI", "organ", "ID-0", TODAY, True),
        ("CP-MONI", "organ", "ID-3", TODAY, False),         # further than she said
        ("CP-MONI", "public", "ID-0", TODAY, False),        # to others than she said
        ("CP-FIND", "organ", "ID-0", TODAY, False),         # another purpose: silence is no yes
    ],
)  # fmt: skip
def test_a_consent_covers_its_purpose_audience_and_degree_and_nothing_else(
    purpose, audience, identifiability, on, live
):
    assert rules.is_live([YES], purpose, audience, identifiability, on) is live


def test_the_latest_word_decides_and_an_ended_term_is_a_no():
    no = Terms("CP-MONI", False)
    assert not rules.is_live([YES, no], "CP-MONI", "organ", "ID-0", TODAY)
    assert rules.is_live([no, YES], "CP-MONI", "organ", "ID-0", TODAY)
    until = Terms("CP-MONI", True, ("organ",), "ID-2", date(2031, 9, 2))
    assert rules.is_live([until], "CP-MONI", "organ", "ID-0", date(2031, 9, 2))
    assert not rules.is_live([until], "CP-MONI", "organ", "ID-0", date(2031, 9, 3))


words = st.builds(
    Terms, st.sampled_from(sorted(rules.purposes())), st.booleans(), st.just(("organ", "public")), st.just("ID-3")
)


@given(st.lists(words, max_size=25), words)
def test_one_word_changes_its_own_purpose_and_no_other(said, word):
    for purpose in rules.purposes():
        before = rules.is_live(said, purpose, "organ", "ID-0", TODAY)
        after = rules.is_live([*said, word], purpose, "organ", "ID-0", TODAY)
        assert after is (word.given if purpose == word.purpose else before)


def test_answers_are_not_bundled():
    assert rules.bundled([YES, YES]) and not rules.bundled([YES, Terms("CP-FIND", False)])
    assert rules.obstacles(Terms("CP-MONI CP-FIND", True), on=TODAY) == [
        "Each purpose is asked and answered on its own; this is none of the fifteen."
    ]


def test_a_no_needs_nothing():
    assert all(not rules.obstacles(Terms(p, False), child=True, on=TODAY) for p in rules.purposes())


@pytest.mark.parametrize(
    ("change", "child", "words"),
    [
        ({"understanding_checked": False}, False, "her own words"), ({"withdrawal_channel_told": False}, False, "withdraw it"),
        ({"audience": ()}, False, "who may use it"), ({"audience": ("public",)}, False, "cannot be given for that audience"),
        ({"audience": ("partner",)}, False, "cannot be given"), ({"identifiability": "ID-9"}, False, "ID-0 to ID-3"),
        ({"expires_on": date(2031, 9, 1)}, False, "end before it begins"), ({}, True, "a guardian consents and the child assents"),
        ({"giver": "guardian", "guardian_not_implicated": True}, True, "child's own assent"),
        ({"giver": "guardian", "assent": True}, True, "not implicated"), ({"giver": "husband"}, False, "herself, a guardian"),
    ],
)  # fmt: skip
def test_what_is_missing_to_a_yes_is_said(change, child, words):
    from dataclasses import replace

    assert any(words in o for o in rules.obstacles(replace(YES, **change), child=child, on=TODAY))


def test_a_named_partner_and_a_child_with_guardian_and_assent_are_fine():
    from dataclasses import replace

    assert not rules.obstacles(replace(YES, audience=("organ", "partner:BDY-1")), on=TODAY)
    child = replace(YES, giver="guardian", assent=True, guardian_not_implicated=True)
    assert not rules.obstacles(child, child=True, on=TODAY)


def test_no_purpose_goes_further_than_it_needs():
    for purpose in ("CP-STAT", "CP-MEMB"):
        terms = Terms(
            purpose,
            True,
            ("members_aggregate",),
            "ID-1",
            None,
            understanding_checked=True,
            withdrawal_channel_told=True,
        )
        assert "recognised that far" in " ".join(rules.obstacles(terms, on=TODAY))
    assert rules.obstacles(Terms("CP-MEMB", True, ("court",), "ID-0"), on=TODAY)


# --- the table of §2.5 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["CP-MONI", "CP-FIND"])
@pytest.mark.parametrize("states", [[], ["before_adoption"]])
def test_before_adoption_the_item_leaves_and_the_draft_is_recomputed(purpose, states):
    assert codes(purpose, *states) == ["LEAVES_CALCULATION", "DRAFT_RECOMPUTED"]


@pytest.mark.parametrize("purpose", ["CP-MONI", "CP-FIND"])
def test_after_adoption_the_panel_notes_within_ten_working_days(purpose):
    assert codes(purpose, "adopted_unpublished") == ["LEAVES_CALCULATION", "PANEL_NOTE"]
    assert rules.due_at(rules.EFFECTS["PANEL_NOTE"], ASKED).date() == date(2031, 9, 16)


def test_after_publication_words_are_redacted_in_five_working_days_and_nothing_is_announced():
    assert codes("CP-FIND", "published") == [
        "LEAVES_CALCULATION",
        "REDACT_NARRATIVE",
        "ROBUSTNESS_TEST",
        "PUBLISHED_STANDS",
    ]
    assert rules.due_at(rules.EFFECTS["REDACT_NARRATIVE"], ASKED).date() == date(2031, 9, 9)
    holiday = frozenset({date(2031, 9, 5)})
    assert rules.due_at(rules.EFFECTS["REDACT_NARRATIVE"], ASKED, holiday).date() == date(2031, 9, 10)
    assert "Nobody is told" in rules.EFFECTS["PUBLISHED_STANDS"].sentence


def test_a_published_figure_is_not_changed_only_the_next_release_is():
    assert codes("CP-STAT", "published") == ["LEAVES_COUNTS", "NEXT_RELEASE_ONLY"] and codes("CP-STAT") == [
        "LEAVES_COUNTS"
    ]
    assert rules.due_at(rules.EFFECTS["NEXT_RELEASE_ONLY"], ASKED) is None


@pytest.mark.parametrize("purpose", ["CP-CRIM", "CP-UNIT", "CP-MEMB"])
def test_recipients_are_asked_back_and_a_court_may_be_unable(purpose):
    assert ("RECALL" in codes(purpose, "transferred")) and "RECALL" not in codes(purpose)
    assert ("COURT_MAY_KEEP" in codes(purpose, "transferred")) is (purpose == "CP-CRIM")


def test_a_claim_closes_without_prejudice_before_a_decision_and_an_award_is_kept_after():
    assert codes("CP-CLAI") == codes("CP-CLAI", "before_decision") == ["CLAIM_CLOSED"] and codes(
        "CP-CLAI", "awarded"
    ) == ["AWARD_KEPT"]
    assert "open it again" in rules.EFFECTS["CLAIM_CLOSED"].sentence


def test_a_memorial_comes_down_in_five_working_days_and_works_follow_their_plan():
    assert codes("CP-MEMO", "displayed") == codes("CP-MEMO") == ["MEMO_REMOVED", "WORKS_PLAN"]
    assert rules.due_at(rules.EFFECTS["MEMO_REMOVED"], ASKED).date() == date(2031, 9, 9)


def test_every_purpose_has_a_row_and_every_row_a_sentence():
    assert set(rules.TABLE) == set(rules.purposes())
    assert {c for rows in rules.TABLE.values() for cs in rows.values() for c in cs} <= set(rules.EFFECTS)


def test_several_states_give_the_effects_of_each_once():
    both = codes("CP-FIND", "before_adoption", "published")
    assert len(both) == len(set(both)) and {"DRAFT_RECOMPUTED", "REDACT_NARRATIVE"} <= set(both)


# --- everything -------------------------------------------------------------------------------------------------------


def test_everything_is_asked_for_as_such():
    assert rules.withdrawal_is_total(["EVERYTHING"]) and not rules.withdrawal_is_total(list(rules.purposes()))
    assert "LEDGER_KEPT" in [e.code for e in rules.effects_of_everything(True)]
    assert "LEDGER_KEPT" not in [e.code for e in rules.effects_of_everything(False)]


@pytest.mark.parametrize(
    ("total", "status", "days", "may"),
    [(True, "EFFECTIVE", 14, True), (True, "SHREDDING", 20, True), (True, "EFFECTIVE", 13, False), (False, "EFFECTIVE", 99, False),
     (True, "UNDONE", 99, False), (True, "ASKED", 99, False)],
)  # fmt: skip
def test_only_everything_not_undone_and_fourteen_days_old_is_shredded(total, status, days, may):
    from datetime import timedelta

    until = ASKED + timedelta(days=14)
    assert rules.may_be_shredded(total=total, status=status, undo_until=until, at=ASKED + timedelta(days=days)) is may


@pytest.mark.parametrize(
    ("answered", "notified", "percent"), [(0, 0, 100), (0, 3, 0), (2, 3, 66), (199, 200, 99), (3, 3, 100)]
)
def test_a_hundred_per_cent_means_all(answered, notified, percent):
    assert rules.acknowledged(answered, notified) == percent
