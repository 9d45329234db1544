"""Makes the public version of a finding, a decision, a measure or the fund, inside the act that causes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from answerable.accountability.models import Finding
from answerable.authority.acting import scope_of
from answerable.authority.principals import CLOCK
from answerable.common import clock
from answerable.common.tables import label
from answerable.council.models import Proposal
from answerable.fund import queries as fund
from answerable.fund.rules import ACCOUNTS
from answerable.measures.models import Measure
from answerable.monitoring import queries, rules
from answerable.publication.models import Release

# Between two public statements of the fund lie no payments, or at least so many (domain.md Annex B: no small cells).
FEWEST_PAYMENTS = 10


def release(kind: str, obj: Any, entry: Any) -> Release | None:
    """Write the next version of what the public may see of `obj`. Figures are rounded down to fives (R-FND-6).

    None where it would show too much: the difference of two statements of the fund would be what one person was paid.
    """
    if kind == "fund" and not _statement_shows_nobody():
        return None
    subject, title, body = MAKERS[kind](obj)
    version = Release.objects.filter(subject=subject).count() + 1
    return Release.objects.create(
        kind=kind, subject=subject, version=version, title=title[:200], body=body, record_index=entry.index,
        released_at=clock.now(),
    )  # fmt: skip


def _finding(f: Finding) -> tuple[str, str, dict[str, Any]]:
    result = f.pattern.result
    # The first figure counts only accounts with a live consent to the finding (CP-FIND). A later version repeats it: a
    # figure that moved would tell that someone withdrew (§2.5).
    earlier = Release.objects.filter(subject=f.ref).order_by("version").values_list("body", flat=True).first()
    if earlier:
        at_least = earlier["at_least"]
    else:
        with scope_of(CLOCK):
            at_least = rules.at_least(
                min(result["verified_victims"], queries.retest(f.pattern, finding=True)["verified_victims"])
            )
    return (
        f.ref,
        f"{label('finding_type', f.kind)}: {f.party.name}, {f.situation.name}",
        {
            "kind": f.kind,
            "standard": f.standard,
            "situation": f.situation.name,
            "party": f.party.name,
            "at_least": at_least,
            "prevalence": result["prevalence"],
            "figure_kind": "verified",
            "reply": f.reply,
            "panel": {k: f.panel.get(k) for k in ("sitting", "concurring", "dissenting")},
            "pattern_on": f.pattern.on.isoformat(),
        },
    )


def _decision(p: Proposal) -> tuple[str, str, dict[str, Any]]:
    return (
        p.ref,
        p.title,
        {
            "measure": p.measure_code,
            "measure_name": p.measure["name"],
            "situation": p.situation.name,
            "target": p.target_state.name if p.target_state else "",
            "party": p.target_party.name if p.target_party else "",
            "proposer": p.proposer.name,
            "sponsors": sorted(s.state.name for s in p.sponsors.select_related("state")),
            "objective": p.objective,
            "result": p.result,
            "electorate": p.electorate,
            "population_version": p.population_version,
            "relies_on": p.findings,
        },
    )


def _measure(m: Measure) -> tuple[str, str, dict[str, Any]]:
    return (
        m.ref,
        f"{m.code} {m.proposal.title}",
        {
            "measure": m.code,
            "status": m.status,
            "in_force_on": m.in_force_on.isoformat() if m.in_force_on else "",
            "expires_on": m.expires_on.isoformat() if m.expires_on else "",
            "exception_text": m.proposal.exception_text,
            "decision": m.proposal.ref,
        },
    )


def _statement_shows_nobody() -> bool:
    last = Release.objects.filter(subject="FUND").order_by("version").values_list("body", flat=True).last() or {}
    since = fund.paid_so_far() - int(last.get("payments", 0))
    return since == 0 or since >= FEWEST_PAYMENTS


def _fund(_obj: Any) -> tuple[str, str, dict[str, Any]]:
    rows = [
        {"account": account, "name": ACCOUNTS[account], "minor": m.minor, "currency": currency, "amount": m.format()}
        for (account, currency), m in fund.balances().items()
    ]
    return (
        "FUND",
        "Statement of the fund",
        {"balances": rows, "payments": fund.paid_so_far(), "on": clock.today().isoformat()},
    )


def last_fund_statement() -> dict[str, Any] | None:
    """The fund as it was last stated in public: what whoever sees no payments may know of its balances."""
    return Release.objects.filter(subject="FUND").order_by("version").values_list("body", flat=True).last()


MAKERS: dict[str, Callable[[Any], tuple[str, str, dict[str, Any]]]] = {
    "finding": _finding,
    "decision": _decision,
    "measure": _measure,
    "fund": _fund,
}
