"""The page of a report says how its level came to be what it is: what it fell from and why, and each act that moved it."""

from __future__ import annotations

import re

import pytest
from tests_support import see_all
from walks import test_verification
from walks.test_a_level_stays import restore, strong
from walks.test_grades_given_later import regrade
from walks.test_levels_hold import A1, fresh
from walks.test_linking import decide, pair_of
from walks.test_verification import T1, add, concluded, person

from answerable.monitoring import actions
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.linking import actions as linking
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report


def page(office, made, who="sami") -> str:
    return re.sub(r"<[^>]+>|\s+", " ", re.sub(r"</?bdi>", "", raw(office, made, who)))


def raw(office, made, who="sami") -> str:
    return office(who).get(f"/watch/incidents/{made.ref}/").content.decode()


def lines(office, made, who="sami") -> list[str]:
    """The history as it is shown, in full, each line in words."""
    shown = raw(office, made, who)
    part = shown[shown.index("<h3>History</h3>") :]
    found = re.findall(r"<li>(.*?)</li>", part.split("<summary>")[-1], re.S)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", line)).split("·")[1].strip() for line in found]


def test_a_level_that_fell_says_from_what_and_why(report, office):
    made = strong(report)
    paper = made.items.get(kind="document")
    assert "It was last concluded" not in page(office, made)
    regrade(paper, credibility=5)
    shown = page(office, made)
    assert "It was last concluded at V3a. What counts of its items now gives V2:" in shown
    assert fresh(made).because[0] in shown
    told = lines(office, made)
    assert f"item regraded {paper.ref} A1 → A5 V2" in told
    assert any(line.startswith(f"item added {paper.ref}") for line in told)
    assert told[-2].endswith("V3a") and told[-2].startswith("incident verified")
    regrade(paper, credibility=1)
    assert "It was last concluded" not in page(office, made)
    assert lines(office, made)[-1] == f"item regraded {paper.ref} A5 → A1 V3a"


def test_what_was_never_concluded_did_not_fall(report, office):
    made = report()
    paper = add(made, **A1, says="an order")
    regrade(paper, credibility=5)
    assert "It was last concluded" not in page(office, made)
    told = lines(office, made)
    assert told[-1] == f"item regraded {paper.ref} A1 → A5 would be V1"
    assert not any(re.search(r"(?<!would be )\bV\d", line) for line in told)


def test_a_consent_that_ends_and_comes_back_stands_in_the_history(report, office):
    made = strong(report)
    account = made.items.get(kind="testimony")
    see_all()
    word = consent.withdraw_consent(account, ["CP-MONI"], by=person("lena"))
    assert "It was last concluded at V3a." in page(office, made)
    assert lines(office, made, "lena")[-1] == f"consent withdrawn {account.ref}"
    assert not any("consent withdrawn" in line for line in lines(office, made, "vera")), "its day is not everybody's"
    restore(word, "lena")
    assert lines(office, made, "lena")[-1] == f"withdrawal undone {account.ref}"


def test_a_link_taken_back_says_what_it_left_the_kept_report_at(report, office):
    kept, other = report(), report()
    add(kept, **A1, says="an order")
    add(other, **A1, says="a ledger")
    kept, other = concluded(kept), concluded(other)
    pair = pair_of(kept, other)
    decide(pair, "same", "same_details", kept=kept)
    see_all()
    assert actions.verify_incident(fresh(kept), by=person("vera")).level == "V3c"
    see_all()
    pair.refresh_from_db()
    linking.undo_link(pair, turn=pair.turn, by=person("sami"))
    see_all()
    assert fresh(kept).level == "V2"
    assert "It was last concluded at V3c. What counts of its items now gives V2:" in page(office, kept)
    told = lines(office, kept)
    assert told[-1] == "comparison taken back V2" and "incident verified → Verified V3c" in told


def test_a_first_grade_is_told_and_not_which(report, office):
    made = report()
    account = add(made, **{**T1, "testimony": ""}, person_key="one")
    evidence.assess_item(account, testimony="T2", reasons="r", by=person("vera"))
    see_all()
    for who in ("lena", "sami"):
        told = lines(office, made, who)
        assert told[-1] == f"item assessed {account.ref}"
        assert "T2" not in " ".join(told)


def test_a_report_rests_on_its_items(report, office):
    made = report()
    account = add(made, **T1, person_key="one")
    for path in ("", "known/"):
        shown = office("sami").get(f"/watch/incidents/{made.ref}/{path}").content.decode()
        assert "Nothing recorded below it" not in shown and f"Source item {account.ref}" in shown
    assert "Consent: " in page(office, made)
    assert not re.search(r"\S(Consent|Evidence) ITM-", page(office, made))
