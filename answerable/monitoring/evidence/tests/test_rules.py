"""Redaction of texts, boxes, grades by several assessors, origins: tables of cases, no database."""

from __future__ import annotations

import pytest

from answerable.monitoring import rules as monitoring
from answerable.monitoring.evidence import explaining, rules


@pytest.mark.parametrize(("grades", "grade", "asked", "third"), [
    ("", "", 2, False), ("T1", "", 1, False),
    ("T1 T1", "T1", 0, False), ("T1 T2", "T2", 0, False), ("T2 T1", "T2", 0, False), ("T3 T4", "T4", 0, False),
    ("T2 T3", "", 1, True),  # straddle: one grade apart, and still a third
    ("T1 T3", "", 1, True), ("T4 T2", "", 1, True), ("T1 T4", "", 1, True),
    ("T2 T3 T2", "T2", 0, True), ("T2 T3 T3", "T3", 0, True), ("T1 T4 T2", "T2", 0, True), ("T2 T3 T1", "T2", 0, True),
])  # fmt: skip
def test_a_third_is_asked_when_two_differ_by_two_or_straddle_t2_t3(grades, grade, asked, third):
    found = rules.grading(grades.split())
    assert (found.grade, found.asked, found.third) == (grade, asked, third)


def test_only_assessors_at_the_settled_grade_confirm_it():
    assert rules.grading(["T1", "T2"]).agreed == 1  # so V3d, which asks two at T1, is not reached
    assert rules.grading(["T1", "T1"]).agreed == 2


@pytest.mark.parametrize(("text", "passages", "left", "removed"), [
    ("Amina ran.", ["Amina"], "[…] ran.", 1),
    ("AMINA, amina and Ami\u0301na", ["amina"], "[…], […] and Amína", 2),
    ("Jose\u0301 saw José", ["José"], "[…] saw […]", 2),  # composed or not
    ("in Wadi\n  Sal again", ["wadi sal"], "in […] again", 1),
    ("abcd", ["abc", "bcd"], "[…]", 1),  # what overlaps becomes one
    ("a.c abc", ["a.c"], "[…] abc", 1),  # no pattern language
])  # fmt: skip
def test_passages_are_removed_however_they_are_written(text, passages, left, removed):
    assert rules.without(text, passages) == (left, removed)


def test_the_sign_tells_nothing_of_what_was_there():
    assert rules.without("Jo fled", ["Jo"])[0] == rules.without("Bartholomew fled", ["Bartholomew"])[0]


@pytest.mark.parametrize(("passages", "why", "at"), [(["here", "absent"], "absent", 2), ([" "], "passage", 1)])
def test_a_passage_that_is_not_there_removes_nothing(passages, why, at):
    with pytest.raises(rules.Unfit) as no:
        rules.without("here", passages)
    assert (no.value.why, no.value.at) == (why, at)


def test_boxes_are_read_in_thousandths():
    assert rules.read_boxes("1 10 25 40 5\n\n2, 0, 0, 100, 0.5") == [(1, 100, 250, 400, 50), (2, 0, 0, 1000, 5)]


def item(ref, *, parents=(), **more):
    return monitoring.ItemFacts(ref=ref, kind=more.pop("kind", "document"), primary=more.pop("primary", False),
                                parents=frozenset(parents), **more)  # fmt: skip


def test_ten_articles_citing_one_report_are_one_root():
    report = item("R", reliability="A", credibility=1, primary=True)
    articles = [item(f"A{n}", parents=["R"], reliability="B", credibility=2, primary=True) for n in range(10)]
    (origin,) = rules.origins([report, *articles])
    assert origin.root == "R" and origin.shared and len(origin.items) == 11
    assert monitoring.verification_level([report, *articles]).code == "V2"
    other = item("O", reliability="C", credibility=3)
    assert monitoring.verification_level([report, *articles, other]).code == "V3c"


def test_a_root_whose_consent_ended_is_still_the_one_origin_of_what_cites_it():
    root = item("R", live=False)
    two = [item(n, parents=["R"], reliability="A", credibility=1, primary=True) for n in "AB"]
    between = [item("C", parents=["A"], live=False), item("D", parents=["C"], reliability="A", credibility=1)]
    assert monitoring.verification_level([root, *two]).code == "V2"
    assert monitoring.verification_level([root, *two, *between]).code == "V2"


def test_items_that_cite_each_other_in_a_circle_have_one_origin_and_end():
    circle = [item("A", parents=["B"]), item("B", parents=["C"]), item("C", parents=["A"])]
    roots = monitoring.root_sets(circle)
    assert roots["A"] & roots["B"] & roots["C"]
    assert rules.drawing({i.ref: sorted(i.parents) for i in circle})[1]


def test_a_deep_web_of_sources_is_climbed_in_no_time():
    layers = [
        [item(f"{n}-{k}", parents=[f"{n - 1}-{j}" for j in range(8)] if n else []) for k in range(8)] for n in range(40)
    ]
    assert len(monitoring.root_sets([i for layer in layers for i in layer])["39-0"]) == 8


def test_a_drawing_has_roots_first_and_each_behind_its_furthest_parent():
    placed, edges = rules.drawing({"R": [], "A": ["R"], "B": ["A", "R"]})
    assert {p.ref: p.column for p in placed} == {"R": 0, "A": 1, "B": 2} and ("R", "B") in edges


T1 = {"kind": "testimony", "primary": True, "testimony": "T1"}


@pytest.mark.parametrize(("items", "level", "says", "missing"), [
    ([], "V1", "V1: it is recorded", {"V2"}),
    ([item("S", **T1)], "V2", "primary testimony at T1", {"V3a", "V3b", "V3c", "V3d"}),
    ([item("S", **T1), item("N", reliability="A", credibility=2, primary=True)], "V3a", "V3a: a primary testimony", {"V4"}),
    ([item("S", **T1), item("X", reliability="A", credibility=2, contrary=True)], "V2", "R-VER-3: X", {"R-VER-3"}),
    ([item("S", **T1), item("X", reliability="C", credibility=3, contrary=True)], "V2", "it caps nothing", {"V3a", "V3b", "V3c", "V3d"}),
    ([item("S", **T1), item("G", **T1, live=False)], "V2", "R-VER-4: 1 item is left out", {"V3a", "V3b", "V3c", "V3d"}),
])  # fmt: skip
def test_a_level_is_explained_by_its_rule_and_by_what_is_missing(items, level, says, missing):
    found = explaining.explain(items, base=0, matches=False)
    assert found.level.code == level and any(says in line for line in found.says), found.says
    assert {code for code, _words in found.missing} == missing


def test_what_was_weighed_and_stands_is_told_from_what_nobody_weighed():
    against = {"reliability": "A", "credibility": 2, "contrary": True}
    found = explaining.explain(
        [item("S", **T1), item("X", **against), item("Y", **against)], base=0, matches=False, stands={"X"}
    )
    (x,), (y,) = ([s for s in found.says if ref in s] for ref in (" X ", " Y "))
    assert "weighed and stands" in x and "until a verification lead records" in y
    assert sorted(words[:8] for _code, words in found.missing) == ["X was we", "that the"]
    all_weighed = explaining.explain([item("S", **T1), item("X", **against)], base=0, matches=False, stands={"X"})
    assert [code for code, _words in all_weighed.missing] == ["R-VER-3"] and "be weighed" not in str(
        all_weighed.missing
    )


UNGRADED = {**T1, "assessed": False}
PAPER = {"reliability": "A", "credibility": 2}


@pytest.mark.parametrize(("given", "words"), [
    ([], "the grades of two assessors, each given alone, for S (0 given so far)"),
    (["T1"], "the grades of two assessors, each given alone, for S (1 given so far)"),
    (["T2", "T3"], "the grade of a third assessor for S"),
])  # fmt: skip
def test_an_account_that_is_here_needs_its_assessors_and_no_other_account(given, words):
    items = [item("S", **UNGRADED), item("N", **PAPER)]
    found = explaining.explain(items, base=0, matches=False, given={"S": given})
    assert found.level.code == "V2" and found.missing == (("V3a", words),)


def test_an_account_that_would_not_carry_it_alone_needs_its_assessors_and_a_second_item():
    missing = explaining.explain([item("S", **UNGRADED)], base=0, matches=False).missing
    assert missing[0][0] == "R-VER-0" and "0 given so far" in missing[0][1]
    (words,) = [w for code, w in missing if code == "V3a"]
    assert words == "a second item that qualifies and shares neither root nor person with the account"


def test_what_a_linked_report_brings_waits_for_a_verifier_and_is_not_missing():
    strong = {**PAPER, "primary": True}
    linked = [item("N", **strong), item("M", **strong, waits="7")]
    found = explaining.explain(linked, base=0, matches=False)
    assert found.level.code == "V2"
    assert found.missing == (("V3c", "that a verifier look at it again, with what was linked to it (SOD-01)"),)
    same = [item("N", **strong), item("M", **strong, parents=["N"], waits="7")]
    missing = dict(explaining.explain(same, base=0, matches=False).missing)
    assert missing["V3c"] == "a second item that qualifies and has another root", "to look at both raises nothing here"


def test_v3d_names_each_thing_it_lacks():
    (words,) = [w for c, w in explaining.explain([item("S", **T1)], base=3, matches=False).missing if c == "V3d"]
    assert "two assessors" in words and "match a pattern" in words and "2 more base incident(s)" in words


def test_what_speaks_against_it_or_has_no_consent_supports_nothing_and_is_named_apart():
    items = [item("S", **T1), item("X", reliability="A", credibility=2, contrary=True), item("G", **T1, live=False, parents=["S"])]  # fmt: skip
    found = explaining.explain(items, base=0, matches=False)
    assert found.level.code == "V2" and found.level.items == ("S",)
    assert found.says[0] == "V2: at least one item qualifies (S)." and any("R-VER-3: X" in line for line in found.says)
    drawn = explaining.graph(items)
    rows = {r["root"]: (r["items"], r["against"], r["without"], r["shared"]) for r in drawn["rows"]}
    assert rows == {"S": (["S"], [], ["G"], False), "X": ([], ["X"], [], False)}
    assert drawn["origins"] == 1 and {b["ref"] for b in drawn["boxes"] if b["aside"]} == {"X", "G"}
    assert not any(b["shared"] for b in drawn["boxes"])
