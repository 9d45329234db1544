"""Linking, taking back, withdrawing, undoing and referring, in any order: every report stays in a state that has a way on."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests_support import see_all

from answerable.alliance.models import Person
from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.monitoring import actions, lifecycle
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.linking.models import LinkPair
from answerable.monitoring.models import Incident
from answerable.monitoring.patterns import recomputing
from answerable.vault.consent import actions as consent
from answerable.vault.consent import queries as consents
from answerable.vault.consent.models import EFFECTIVE, Withdrawal

pytestmark = pytest.mark.django_db
CLOSED = {lifecycle.CONSENT_WITHDRAWN, lifecycle.OUT_OF_SCOPE}


def person(handle: str) -> Person:
    see_all()
    return Person.objects.select_related("body__state").get(handle=handle)


class Reports:
    """Three verified reports of one incident, and everything that can be done to them."""

    def __init__(self, party) -> None:
        self.refs = []
        for n in range(3):
            made = actions.receive_report(
                situation=party.situation, party=party, on=clock.today() - timedelta(days=20), area1="Zandria South", area2="Z-61",
                victims=2, forms=["SV-RAPE"], links=["LK-PERP"], link_reason="They wore badges.", referral_offered=True,
                searched_first=True, by=person("sami"),
            )  # fmt: skip
            # The first two have one item each, so that withdrawing it closes the report; the third has two.
            for m in range(1 if n < 2 else 2):
                told = actions.add_item(self.fresh(made.ref), kind="testimony", primary=True, testimony="T1", person_key=f"p{n}{m}",
                                        purposes=["CP-MONI", "CP-FIND"], by=person("sami"))  # fmt: skip
                for who in ("vera", "lena"):
                    evidence.assess_item(told, testimony="T1", reasons="r", by=person(who))
            self.conclude(made.ref)
            self.refs.append(made.ref)

    def fresh(self, ref: str) -> Incident:
        see_all()
        return Incident.objects.get(ref=ref)

    def conclude(self, ref: str) -> None:
        actions.move_incident(self.fresh(ref), "triage", by=person("sami"))
        actions.move_incident(self.fresh(ref), "begin_verification", by=person("vera"))
        actions.verify_incident(self.fresh(ref), by=person("vera"))

    def pair(self, a: int, b: int) -> LinkPair | None:
        one, two = sorted((self.fresh(self.refs[a]), self.fresh(self.refs[b])), key=lambda i: i.pk)
        return LinkPair.objects.filter(first=one, second=two).first()

    def do(self, act: str, a: int, b: int) -> None:
        """One act. What is refused changes nothing, which the invariants then show."""
        by_sami, lena = person("sami"), person("lena")
        try:
            with transaction.atomic():
                if act == "link" and a != b and (pair := self.pair(a, b)):
                    linking.decide_link(pair, decision="same", why=["same_details"], turn=pair.turn,
                                        kept=self.fresh(self.refs[a]), by=lena)  # fmt: skip
                elif act == "unlink" and a != b and (pair := self.pair(a, b)):
                    linking.undo_link(pair, turn=pair.turn, by=lena)
                elif act == "withdraw":
                    consent.withdraw_everything(self.fresh(self.refs[a]), by=by_sami)
                elif act == "withdraw item":
                    consent.withdraw_everything(self.fresh(self.refs[a]).items.order_by("id")[b % 2], by=by_sami)
                elif act == "undo" and (found := self.withdrawals(self.refs[a])):
                    consent.undo_withdrawal(found[0], by=by_sami)
                elif act in ("refer_elsewhere", "reopen"):
                    actions.move_incident(self.fresh(self.refs[a]), act, by=by_sami)
        except (Refused, IndexError):
            pass
        see_all()

    def withdrawals(self, ref: str) -> list[Withdrawal]:
        see_all()
        return [w for w in Withdrawal.objects.filter(status=EFFECTIVE).order_by("-id") if ref in (w.subject, *w.parts)]

    def holds(self, after: str) -> None:
        """What is true of every state, whatever led to it."""
        incidents = {i.pk: i for i in Incident.objects.filter(ref__in=self.refs)}
        pairs = list(LinkPair.objects.filter(first__in=incidents, second__in=incidents))
        same = [p for p in pairs if p.decision == LinkPair.SAME]
        for p in pairs:
            assert (p.decision == LinkPair.SAME) == (p.kept_id is not None) == (p.duplicate_id is not None), after
        for p in same:
            assert incidents[p.kept_id].status not in CLOSED, f"{after}: linked to a report that is closed"
            assert incidents[p.duplicate_id].status in (lifecycle.MERGED, lifecycle.CONSENT_WITHDRAWN), after
        assert len({p.duplicate_id for p in same}) == len(same), f"{after}: one report linked to two"
        linked = {p.duplicate_id for p in same}
        for i in incidents.values():
            if i.status == lifecycle.MERGED:
                assert i.pk in linked, f"{after}: merged with nothing"
            assert (i.status == lifecycle.CONSENT_WITHDRAWN) == consents.is_closed(i.ref), f"{after}: {i.status}"

    def counts_agree(self, after: str) -> None:
        with scope_of(CLOCK):
            again = recomputing.recompute(from_items=True)
        see_all()
        assert (again.levels, again.states) == ({}, 0), f"{after}: {again}"

    def everything_has_a_way_on(self, after: str) -> None:
        """Taken back, reopened and looked at again, each report can be concluded for itself."""
        for a, b in combinations(range(3), 2):
            self.do("unlink", a, b)
        for n, ref in enumerate(self.refs):
            while self.withdrawals(ref):
                self.do("undo", n, n)
            self.do("reopen", n, n)
            if self.fresh(ref).status == lifecycle.REOPENED:
                self.conclude(ref)
            self.holds(after)
            assert self.fresh(ref).status in lifecycle.COUNTED, f"{after}: {self.fresh(ref).status} has no way on"


ACTS = ("link", "unlink", "withdraw", "withdraw item", "undo", "refer_elsewhere", "reopen")
STEP = st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 2))


@pytest.fixture
def reports(saved):
    return Reports(saved("$brigade"))


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
# The report that was lost for good: linked, withdrawn, the link taken back, the withdrawal undone.
@example([("link", 0, 1), ("withdraw", 1, 1), ("unlink", 0, 1), ("undo", 1, 1)])
@example([("link", 0, 1), ("withdraw item", 1, 0), ("unlink", 0, 1), ("undo", 1, 1)])
# The better record closed while the other's word was withdrawn.
@example([("link", 0, 1), ("withdraw", 1, 1), ("withdraw", 0, 0), ("undo", 1, 1), ("undo", 0, 0)])
@example([("link", 0, 1), ("withdraw", 1, 1), ("refer_elsewhere", 0, 0), ("undo", 1, 1)])
# A line of links whose middle is withdrawn.
@example([("link", 1, 2), ("link", 0, 1), ("withdraw", 1, 1), ("unlink", 0, 1), ("undo", 1, 1), ("link", 1, 2)])
@given(st.lists(STEP, min_size=3, max_size=7))
def test_whatever_is_done_in_whatever_order_no_report_is_lost(reports, steps):
    with transaction.atomic():
        for n, step in enumerate(steps):
            reports.do(*step)
            reports.holds(f"{steps[: n + 1]}")
        reports.counts_agree(f"{steps}")
        reports.everything_has_a_way_on(f"{steps}")
        transaction.set_rollback(True)
    see_all()


def test_what_was_withdrawn_from_a_linked_report_carries_the_kept_one_no_longer(reports):
    reports.do("link", 2, 0)
    assert reports.fresh(reports.refs[2]).level == "V3b", "no verifier has looked at both"
    actions.verify_incident(reports.fresh(reports.refs[2]), by=person("vera"))
    kept, both = reports.fresh(reports.refs[2]), reports.fresh(reports.refs[2]).level
    assert both == "V4", "three accounts of three persons, two of them at T1"
    reports.do("withdraw", 0, 0)
    assert reports.fresh(kept.ref).level == "V3b"
    reports.do("undo", 0, 0)
    assert reports.fresh(kept.ref).level == "V4"
