"""Pattern assessments."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.tables import taxonomy
from answerable.monitoring import rules
from answerable.monitoring.models import (
    Party,
    PatternAssessment,
)
from answerable.monitoring.patterns import live
from answerable.monitoring.patterns import queries as patterns
from answerable.record import log as record


@action("assess_pattern")
def assess_pattern(
    party: Party, *, commonalities: Sequence[str] = (), systematic: Sequence[str] = (), chain: bool = False, by: Person
) -> PatternAssessment:
    """Run the pattern rules over the counted incidents of the last twelve months and keep the result.

    `chain=True` counts per chain of command (§1.4): also what units did on days on which they stood under the actor.
    `systematic` are indicators the analyst claims: they count where they are recorded with items that reach the
    standard claimed, and are named as not supported where they are not.
    """
    authority.require(by, "assess_pattern", party.situation)
    # Nobody changes what is counted between the counting and the keeping, else this assessment would miss it for good.
    today = clock.today()
    of = {party.pk, *(p.pk for p, _a, _b in patterns.spans(party, *rules.window(today), chain=chain))}
    live.hold(of)
    if unknown := [s for s in systematic if s not in taxonomy("systematic_indicator")]:
        raise Refused(_("Unknown indicator: %(codes)s.") % {"codes": ", ".join(unknown)}, reason="unknown")
    result = patterns.result(party, on=today, chain=chain, commonalities=commonalities)
    if not result["reported_incidents"]:
        raise Refused(
            _("No incident of this actor has been verified, found credible or alleged in the last twelve months."),
            reason="no_incidents",
        )
    claimed = sorted(set(systematic) - set(result["systematic"]))
    result["not_supported"] = claimed
    result["why_not_supported"] = patterns.not_counted(sorted(of), claimed, *rules.window(today))
    assessment = PatternAssessment.objects.create(
        situation=party.situation, party=party, on=today, commonalities=list(commonalities),
        systematic=result["systematic"], result=result, made_by=by, made_at=clock.now(),
    )  # fmt: skip
    if commonalities:
        live.reasons_changed(party, why="commonality reasoned", because_of=assessment.ref, by=by)
    entry = record.append(
        "pattern assessed", assessment, by=by,
        detail={"tests": {c: t["met"] for c, t in result["tests"].items()}, "incidents": result["verified"]},
    )  # fmt: skip
    record.rely(assessment.ref, result["verified"], "incident", since=entry.index)
    return assessment


def describe_count(n: int) -> str:
    """ "At least n" as public prose has it, rounded down to fives (R-FND-6)."""
    shown = rules.at_least(n)
    return ngettext("at least %(n)d verified survivor", "at least %(n)d verified survivors", shown) % {"n": shown}
