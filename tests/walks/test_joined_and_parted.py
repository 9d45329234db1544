"""What joins items stays an origin, and what a verifier concluded with a link stays with it, whoever parts them (decision 0058)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from tests_support import see_all
from walks import test_verification
from walks.test_a_level_stays import base_set, both_concluded, close, one_origin, restore, undo
from walks.test_grades_given_later import item
from walks.test_levels_hold import A1, B2, fresh, recomputed_alike
from walks.test_linking import decide, pair_of
from walks.test_verification import T1, add, concluded, graded, person
from walks.test_what_was_before_her import AGAINST, verify

from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions, verifiers
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.models import Incident
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.patterns import recomputing
from answerable.monitoring.patterns.models import Contribution
from answerable.vault.consent import actions as consent

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.writes_freely]
report = test_verification.report
C3 = {"kind": "document", "reliability": "C", "credibility": 3, "purposes": ["CP-MONI"]}


def indicator(party, supporting, contrary=()):
    see_all()
    made = patterns.record_indicator(
        party, code="SY-1", standard="SP2", supporting=list(supporting), contrary=list(contrary), reasons="r",
        by=person("sami"),
    )  # fmt: skip
    return reached(made)


def reached(made):
    see_all()
    made.refresh_from_db()
    return made


def unit(saved):
    see_all()
    made = actions.enter_party(
        saved("$brigade").situation, name="Other Militia", actor_type="ACT-PGM", by=person("sami")
    )
    see_all()
    return made


def moved(made, move: str, who: str) -> None:
    see_all()
    actions.move_incident(fresh(made), move, by=person(who))
    see_all()


def without(of, who: str):
    see_all()
    word = consent.withdraw_consent(item(of), ["CP-MONI"], by=person(who))
    see_all()
    return word


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["undone", "referred"])
def test_a_chain_taken_apart_by_one_person_gives_no_level_back(report, first):
    """All three together were concluded at V2; one of them had V3a alone (mutants: the end's ceiling, the report kept)."""
    d, o, k = report(), report(), report()
    account = graded(add(d, **T1, person_key="one"))
    paper = add(d, **A1, says="the very words")
    graded(add(o, **T1, person_key="one", parents=[account]))
    add(o, **A1, says="the very words")
    add(k, **A1, says="the very words", parents=[account])
    add(k, **B2, says="second paper", parents=[paper])
    d, o, k = concluded(d), concluded(o), concluded(k)
    assert (d.level, k.level) == ("V3a", "V3c")
    low = decide(pair_of(d, o), "same", "same_details", kept=o, who="sami")
    high = decide(pair_of(o, k), "same", "same_details", kept=k, who="sami")
    assert verify(k, "vera").level == "V2"
    if first == "undone":
        undo(high, "lena")
        assert fresh(o).status == "REOPENED"
    else:
        moved(k, "refer_elsewhere", "lena")
    undo(low, "lena")
    assert fresh(d).status == "REOPENED" and not Contribution.objects.filter(incident=d).exclude(level="").exists()
    recomputed_alike(d)


def test_a_report_that_a_base_set_lifts_does_not_give_way_while_the_set_is_short(report, saved):
    militia = unit(saved)
    base_set(report, party=militia)
    a, b = report(area2="Z-91", party=militia), report(area2="Z-91", party=militia)
    graded(add(a, **T1, person_key="one"))
    a = concluded(a, matches=True)
    add(b, **B2, says="a paper")
    b = concluded(b)
    assert a.level == "V3d"
    without(Incident.objects.get(area2="Z-51", party=militia).items.get(testimony="T1"), "lena")
    assert fresh(a).level == "V2"
    with pytest.raises(Refused, match="was concluded at V3d"), transaction.atomic():
        decide(pair_of(a, b), "same", "same_details", kept=b, who="lena")


# --- indicators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["reopen", "refer_elsewhere", "close", "withdraw"])
def test_what_joins_two_items_of_an_indicator_stays_their_origin_when_its_report_leaves(report, saved, way):
    k, m = report(), report(area2="Z-81", on=clock.today() - timedelta(days=90))
    n = report(area2="Z-82", on=clock.today() - timedelta(days=150))
    account = graded(add(k, **T1, person_key="one"))
    paper = add(m, **A1, says="the very same words of it")
    joins = add(n, **C3, says="the very same words of it", parents=[account])
    k, m, n = concluded(k), concluded(m), concluded(n)
    made = indicator(saved("$brigade"), [item(account), item(paper), item(joins)])
    assert made.reached == "SP1", made.because
    if way == "close":
        close(n, "lena")
    elif way == "withdraw":
        without(joins, "lena")
    else:
        moved(n, way, "lena")
    assert reached(made).reached == "SP1", made.because


def test_an_indicator_stands_no_higher_than_its_report_whatever_it_names_of_it(report, saved):
    kept, other, account, _words = one_origin(report)
    graded(account)
    both_concluded(kept, other)
    assert fresh(kept).level == "V2"
    paper = kept.items.get(reliability="A")
    assert indicator(saved("$brigade"), [item(account), item(paper)]).reached == "SP1"


@pytest.mark.parametrize("own", [True, False])
def test_what_speaks_against_an_indicator_does_not_leave_by_one_persons_word(report, saved, own):
    k, n = report(), report(area2="Z-82", on=clock.today() - timedelta(days=150))
    account = graded(add(k, **T1, person_key="one"))
    paper = add(k, **A1, says="an order")
    against = add(k if own else n, **{**AGAINST, "purposes": ["CP-MONI"]})
    add(n, **B2, says="a ledger")
    k, n = concluded(k), concluded(n)
    made = indicator(saved("$brigade"), [item(account), item(paper)], [item(against)])
    assert made.reached == "SP1"
    word = without(against, "lena")
    assert reached(made).reached == "SP1" and "until a verifier looks again" in made.because[-1]
    verify(k if own else n, "vera")
    assert reached(made).reached == "SP2", "a verifier looked at what was left"
    restore(word, "lena")
    assert reached(made).reached == "SP1"


def test_what_speaks_against_an_indicator_stays_when_its_report_names_the_actor_no_more(report, saved):
    k = report()
    n = report(area2="Z-82", party=unit(saved), also=[saved("$brigade")])
    account = graded(add(k, **T1, person_key="one"))
    paper, against = add(k, **A1, says="an order"), add(n, **A1, says="they were not there")
    add(n, **B2, says="a ledger")
    k, n = concluded(k), concluded(n)
    made = indicator(saved("$brigade"), [item(account), item(paper)], [item(against)])
    assert made.reached == "SP1"
    see_all()
    actions.name_further_actors(fresh(n), also=[], by=person("sami"))
    assert reached(made).reached == "SP1"


def test_a_verifier_hears_of_the_kept_report_when_what_a_linked_one_bears_out_was_changed(report, saved, office):
    kept, other = report(), report()
    graded(add(kept, **T1, person_key="kk"))
    add(kept, **A1, says="kept order")
    account = graded(add(other, **T1, person_key="one"))
    paper = add(other, **{**A1, "purposes": ["CP-MONI"]}, says="an order")
    kept, other = concluded(kept), concluded(other)
    decide(pair_of(kept, other), "same", "same_details", kept=kept, who="sami")
    verify(kept, "vera")
    made = indicator(saved("$brigade"), [item(account), item(paper)])
    assert made.reached == "SP2"
    restore(without(paper, "lena"), "lena")
    assert reached(made).reached == "SP1"
    assert verifiers.changed_since(fresh(kept)).exists()
    page = office("vera").get(f"/watch/incidents/{kept.ref}/").content.decode()
    assert "Let the rules give the level" in page and kept.ref in office("vera").get("/today/").content.decode()
    verify(kept, "vera")
    assert reached(made).reached == "SP2"


def test_the_second_grade_of_an_account_raises_no_indicator_by_itself(report, saved):
    k = report()
    graded(add(k, **T1, person_key="one"))
    add(k, **A1, says="an order")
    account, paper = add(k, **T1, person_key="two"), add(k, **A1, says="another order")
    evidence.assess_item(item(account), testimony="T1", reasons="r", by=person("vera"))
    k = concluded(k)
    made = indicator(saved("$brigade"), [item(account), item(paper)])
    assert made.reached == "SP1"
    see_all()
    evidence.assess_item(item(account), testimony="T1", reasons="r", by=person("lena"))
    assert reached(made).reached == "SP1" and "until a verifier looks again" in made.because[-1]
    with pytest.raises(Refused, match="someone else must verify"), transaction.atomic():
        verify(k, "lena")
    see_all()
    verify(k, "vera")
    assert reached(made).reached == "SP2"


@pytest.mark.parametrize("opened", [False, True])
def test_what_joined_two_items_joins_them_when_it_is_shredded(report, monkeypatch, opened):
    """Nothing of it is kept but its reference; a recomputation from nothing finds what stood before."""
    kept, other, account, words = one_origin(report)
    add(other, kind="document", reliability="F", credibility=6, says="so that the report stays")
    graded(account)
    both_concluded(kept, other)
    if opened:
        moved(kept, "reopen", "lena")
    see_all()
    consent.withdraw_everything(item(words), by=person("lena"))
    before = fresh(kept)
    monkeypatch.setattr(clock, "_fixed", clock.now() + timedelta(days=20))
    see_all()
    consent.owed()
    see_all()
    gone = item(words)
    assert bytes(gone.says) == b"" and not gone.further
    after = fresh(kept)
    assert (
        (after.level, after.held_back, after.status)
        == (before.level, before.held_back, before.status)
        == ("V2", "", before.status)
    )
    recomputing.recompute(from_items=True)
    again = fresh(kept)
    assert (again.level, again.held_back) == ("V2", "")
