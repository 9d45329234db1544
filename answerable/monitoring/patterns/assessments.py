"""Indicators and assessments worked out again, and what relies on them marked and told (domain.md §1.4, R-FND-5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Q

from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.hooks import question
from answerable.monitoring.linking import queries as links
from answerable.monitoring.linking import rules as command
from answerable.monitoring.models import Party, PatternAssessment
from answerable.monitoring.patterns import queries as patterns
from answerable.monitoring.patterns import rules
from answerable.monitoring.patterns.models import Indicator, Restatement, Retest
from answerable.record import log as record
from answerable.record.models import Head

NOT_LOOKED_AT = "Its items would reach {would}; it stays at {stays} until a verifier looks again at what was changed beneath it (SOD-01)."


def reassess(indicator: Indicator) -> set[rules.Days]:
    """Work out an indicator again; the days it counted on and does no more, or counts on and did not."""
    was = set(patterns.days_of(indicator)) if indicator.supported else set()
    found = patterns.standing(indicator)
    before = rules.STANDARDS.index(indicator.reached or "none")
    if rules.STANDARDS.index(found.standard) > before:
        # One who parted two reports, or wrote a consent's end down, raises nothing: only as far as verifiers had looked (0058).
        sure = patterns.standing(indicator, looked_at=True)
        least = max(before, rules.STANDARDS.index(sure.standard))
        if least < rules.STANDARDS.index(found.standard):
            says = NOT_LOOKED_AT.format(would=found.standard, stays=rules.STANDARDS[least])
            found = patterns.Standing(rules.STANDARDS[least], (*found.because, says), found.days)
    now = (found.standard, list(found.because), patterns.written(found.days))
    if (indicator.reached, indicator.because, indicator.days) != now:
        indicator.reached, indicator.because, indicator.days = now
        indicator.save(update_fields=["reached", "because", "days"])
    return was ^ (set(found.days) if indicator.supported else set())


def touching(party: int, days: set[date] | None) -> list[PatternAssessment]:
    """Assessments whose window holds one of these days (any window, for None): of the actor, or of a chain it stands in.

    Who stands in a chain is asked of the lines of command as they are today: an assessment's own list is of the day
    it was made.
    """
    if days is not None and not days:
        return []
    rows = PatternAssessment.objects.filter(Q(party=party) | Q(result__chain=True)).order_by("id")
    rows = rows.filter(situation__in=Party.objects.filter(pk=party).values("situation")).select_related("party")
    if days is not None:
        rows = rows.filter(on__range=(min(days), rules.last_end(max(days))))
    found = [p for p in rows.defer("result") if days is None or _holds(rules.window(p.on), days)]
    if all(p.party_id == party for p in found):
        return found
    unit = Party.objects.get(pk=party)
    edges = links.edges_of(unit.situation_id)
    return [
        p for p in found
        if p.party_id == party or command.stood_under(edges, unit.ref, p.party.ref, *rules.window(p.on))
    ]  # fmt: skip


def _holds(window: tuple[date, date], days: Iterable[date]) -> bool:
    return any(window[0] <= day <= window[1] for day in days)


def restate_assessment(pattern: PatternAssessment, *, why: str, because_of: str, by: Any) -> Restatement | None:
    """A new version of an assessment when what it says is no longer so; what relies on it is marked and told."""
    before = patterns.current(pattern)
    now = patterns.result(
        pattern.party,
        on=pattern.on,
        chain=bool(pattern.result.get("chain")),
        commonalities=pattern.commonalities,
        filed_by=pattern.made_at,
    )
    if now == before or not _differs(before, now):
        return None
    last = pattern.restatements.first()
    made = Restatement.objects.create(
        pattern=pattern, version=last.version + 1 if last else 2, at=clock.now(), reason=why, because_of=because_of,
        result=now,
    )  # fmt: skip
    # Reached both ways: what was verified since is a basis too. The entry of this act comes after it.
    size = Head.objects.values_list("size", flat=True).first() or 0
    record.rely(pattern.ref, now["verified"], "incident", since=size)
    for ref in record.upward(pattern.ref):
        Retest.objects.get_or_create(
            dependent=ref,
            pattern=pattern,
            answered_at=None,
            defaults={"version": made.version, "asked_at": clock.now()},
        )
    question("basis_changed").ask(pattern.ref, self_or_clock(by))
    return made


def self_or_clock(by: Any) -> Any:
    """Who answers for a change; the clock where nobody is named."""
    return CLOCK if by is None else by


def _differs(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether two results say different things; sentences may be worded anew without a new version."""
    said = ("verified", "base_set", "verified_victims", "reported_victims", "areas", "prevalence", "standard",
            "first_day", "last_day",
            "commonalities", "systematic")  # fmt: skip
    if any(before.get(name) != now[name] for name in said):
        return True
    return {c: t["met"] for c, t in before["tests"].items()} != {c: t["met"] for c, t in now["tests"].items()}
