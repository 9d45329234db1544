"""Whoever may give an account its next grade finds it on Today (R-VER-0, SOD-01)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests_support import see_all
from walks import test_verification
from walks.test_levels_hold import fresh
from walks.test_verification import T1, add, person

from answerable.alliance.models import Grant
from answerable.common import clock
from answerable.monitoring import actions
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.evidence import entities
from answerable.vault.consent import actions as consent

pytestmark = pytest.mark.django_db
report = test_verification.report
SECOND, THIRD = "a second is asked", "a third assessor is asked"


def today(office, who) -> str:
    return office(who).get("/today/").content.decode()


def test_the_next_assessor_finds_the_account_on_today(report, office):
    made = report()
    account = add(made, **T1, person_key="one")
    assert SECOND not in today(office, "vera") + today(office, "lena")
    evidence.assess_item(account, testimony="T2", reasons="r", by=person("vera"))
    see_all()
    assert SECOND in today(office, "lena") and account.ref in today(office, "lena")
    assert SECOND not in today(office, "vera") + today(office, "sami"), "not who graded it, nor who collected it"
    evidence.assess_item(account, testimony="T3", reasons="r", by=person("lena"))
    see_all()
    account.refresh_from_db()
    assert not any(words in today(office, who) for who in ("vera", "lena", "sami") for words in (SECOND, THIRD))


@pytest.mark.writes_freely
def test_a_third_is_asked_where_two_differ(report, office):
    account = add(report(), **T1, person_key="one")
    for who, grade in (("vera", "T2"), ("lena", "T3")):
        evidence.assess_item(account, testimony=grade, reasons="r", by=person(who))
    see_all()
    third = person("expert1")
    Grant.objects.create(
        person=third, role="verifier", starts_on=clock.today(), status="HELD",
        expires_on=clock.today() + timedelta(days=90), asked_by=person("ines"), confirmed_by=person("arno"),
    )  # fmt: skip
    assert THIRD in today(office, third.handle) and SECOND not in today(office, third.handle)
    see_all()
    evidence.assess_item(account, testimony="T2", reasons="r", by=person(third.handle))
    see_all()
    assert THIRD not in today(office, third.handle)


def test_what_is_settled_closed_or_without_consent_asks_nobody(report, office):
    settled, closed, without = report(), report(), report()
    for n, made in enumerate((settled, closed, without)):
        account = add(made, **T1, person_key=f"one-{n}")
        evidence.assess_item(account, testimony="T1", reasons="r", by=person("vera"))
        see_all()
    assert today(office, "lena").count(SECOND) == 3
    evidence.assess_item(settled.items.get(), testimony="T2", reasons="r", by=person("lena"))
    see_all()
    actions.move_incident(fresh(closed), "refer_elsewhere", by=person("sami"))
    see_all()
    consent.withdraw_consent(without.items.get(), ["CP-MONI"], by=person("sami"))
    see_all()
    assert SECOND not in today(office, "lena")


def test_no_more_are_asked_about_than_are_listed(report, office, monkeypatch):
    for n in range(3):
        account = add(report(), **T1, person_key=f"one-{n}")
        evidence.assess_item(account, testimony="T1", reasons="r", by=person("vera"))
        see_all()
    monkeypatch.setattr(entities, "ASSESSED_AT_ONCE", 2)
    asked = []
    real = entities.authority.allows
    monkeypatch.setattr(entities.authority, "allows", lambda *a, **k: asked.append(a) or real(*a, **k))
    see_all()
    assert len(entities._to_assess(person("lena"))) == 2
    assert [a[1] for a in asked].count("grade_item") == 2
