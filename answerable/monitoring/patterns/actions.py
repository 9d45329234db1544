"""Changes to what people reason about a pattern: indicators, a panel's prevalence; and a recomputation of everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from answerable.alliance.models import Person
from answerable.authority import engine as authority
from answerable.authority.acting import action, reading_as, scope_of
from answerable.authority.principals import CLOCK, HasPrincipal, Place
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.tables import taxonomy
from answerable.monitoring import lifecycle
from answerable.monitoring.models import Incident, Party, PatternAssessment, SourceItem
from answerable.monitoring.patterns import assessments, live, queries, recomputing, rules
from answerable.monitoring.patterns.models import Contribution, Indicator, PanelPrevalence
from answerable.record import log as record
from answerable.vault import keeping

LISTS = ("systematic_indicator", "method_of_warfare_indicator", "condone_indicator")


def list_of(code: str) -> str:
    """Which list an indicator is of: SY, MOW, CON or a commonality. Raises Refused for a code of none."""
    for name in LISTS:
        if code in taxonomy(name):
            return name
    if code in rules.COMMONALITIES:
        return "commonality"
    raise Refused(_("There is no indicator %(code)s.") % {"code": code}, reason="unknown")


@action("record_indicator")
def record_indicator(
    party: Party,
    *,
    code: str,
    standard: str,
    supporting: Sequence[SourceItem],
    contrary: Sequence[SourceItem] = (),
    reasons: str,
    since: date | None = None,
    by: Person,
) -> Indicator:
    """Assess that an indicator is present about an actor: the standard claimed, the items for and against, and reasons.

    Items come from incidents of the actor, or of units that stood under it on the day (§1.4 counts per actor or chain
    of command). The rules say which standard they reach; below the one claimed it is kept and does not count. A new
    assessment of the same indicator takes the place of the one before, which stays readable.
    """
    situation = party.situation
    authority.require(by, "record_indicator", situation)
    name = list_of(code)
    problems = []
    if standard not in rules.STANDARDS[1:]:
        problems.append(_("There is no standard of proof %(code)s.") % {"code": standard})
    if not supporting:
        problems.append(_("Name at least one item that supports it."))
    if any(not queries.concerned(party, i.incident) for i in (*supporting, *contrary)):
        problems.append(
            _(
                "Every item comes from an incident of this actor, or of a unit that stood under it on that day. Leave the "
                "others out, or note the line of command first."
            )
        )
    if {i.pk for i in supporting} & {i.pk for i in contrary}:
        problems.append(_("An item speaks for it or against it, not both."))
    if not reasons.strip():
        problems.append(_("Give the reasons, in a sentence or more."))
    if problems:
        raise Refused(" ".join(problems), reason="indicator")
    now, days = clock.now(), set()
    live.hold([party.pk])
    if before := Indicator.objects.select_for_update(no_key=True).filter(party=party, code=code, ended_at=None).first():
        days |= set(queries.days_of(before))
        before.ended_at = now
        before.save(update_fields=["ended_at"])
    indicator = Indicator(
        situation=situation,
        party=party,
        list_name=name,
        code=code,
        since=since,
        standard=standard,
        made_by=by,
        made_at=now,
    )
    sealed = keeping.seal_fields(indicator.ref, indicator.compartment, "Indicator", {"reasons": reasons})
    indicator.reasons = sealed["reasons"]
    indicator.save(force_insert=True)
    indicator.supporting.set(supporting)
    indicator.contrary.set(contrary)
    with scope_of(CLOCK):
        assessments.reassess(indicator)
    days |= set(queries.days_of(indicator))
    live.reasons_changed(party, why="indicator recorded", because_of=indicator.ref, days=days, by=by)
    entry = record.append(
        "indicator recorded", indicator, by=by,
        detail={"code": code, "standard": standard, "reached": indicator.reached, "for": len(supporting),
                "against": len(contrary), "replaces": before.ref if before else ""},
    )  # fmt: skip
    record.rely(indicator.ref, dict.fromkeys(i.incident.ref for i in supporting), "incident", since=entry.index)
    return indicator


@action("end_indicator")
def end_indicator(indicator: Indicator, *, by: Person) -> Indicator:
    """Give an indicator up. It stays readable and counts no more; windows and assessments follow."""
    live.hold([indicator.party_id])
    indicator = Indicator.objects.select_for_update(no_key=True).get(pk=indicator.pk)
    authority.require(by, "record_indicator", indicator.situation)
    if indicator.ended_at is not None:
        raise Refused(_("That assessment has already been given up or replaced."), reason="lifecycle")
    indicator.ended_at = clock.now()
    indicator.save(update_fields=["ended_at"])
    days = set(queries.days_of(indicator))
    live.reasons_changed(indicator.party, why="indicator ended", because_of=indicator.ref, days=days, by=by)
    record.append("indicator ended", indicator, by=by, detail={"code": indicator.code})
    return indicator


@action("set_prevalence")
def set_prevalence(pattern: PatternAssessment, *, level: str, reasons: str, by: Person) -> PanelPrevalence:
    """A panel's expert sets prevalence higher than the count, with reasons (under-reporting, denied access); R-LS-2."""
    pattern = PatternAssessment.objects.select_for_update(no_key=True).get(pk=pattern.pk)
    authority.require(by, "set_prevalence", pattern)
    if level not in taxonomy("prevalence_level"):
        raise Refused(_("Prevalence is P0, P1, P2 or P3."), reason="unknown")
    counted = queries.current(pattern)["prevalence"]
    if level <= counted:
        raise Refused(
            _(
                "The count gives %(counted)s. A panel may set prevalence higher, and never lower without taking items out (R-LS-2)."
            )
            % {"counted": counted},
            reason="R-LS-2",
        )
    if not reasons.strip():
        raise Refused(_("Say why the count falls short: under-reporting, or access that was denied."), reason="reasons")
    made = PanelPrevalence(pattern=pattern, level=level, counted=counted, set_by=by, set_at=clock.now())
    sealed = keeping.seal_fields(made.ref, made.compartment, "PanelPrevalence", {"reasons": reasons})
    made.reasons = sealed["reasons"]
    made.save(force_insert=True)
    record.append("prevalence set", pattern, by=by, from_state=counted, to_state=level, detail={"ref": made.ref})
    return made


@action("recompute_patterns")
def recompute_patterns(*, from_items: bool = True, by: HasPrincipal) -> recomputing.Recomputed:
    """Work out every level, window and assessment from the incidents and their items alone. What already holds stays as it is."""
    authority.require(by, "recompute_patterns", Place("patterns"))
    found = recomputing.recompute(from_items=from_items, by=by)
    record.append(
        "patterns recomputed", "patterns", by=by,
        detail={"incidents": found.incidents, "windows": found.windows, "changed": found.states,
                "levels": len(found.levels), "restated": found.restated[:100]},
    )  # fmt: skip
    return found


def owed() -> None:
    """After an update from a version without windows, or with others: work them out once, by the clock."""
    with reading_as(CLOCK):
        # Of the oldest, because an act may have counted some of the newer ones before the clock came by.
        oldest = list(
            Incident.objects.filter(status__in=lifecycle.COUNTED).order_by("pk")[:500].values_list("pk", flat=True)
        )
        counted = Contribution.objects.filter(incident__in=oldest).values("incident").distinct().count()
        missing = counted < len(oldest)
    if missing:
        recompute_patterns(by=CLOCK)
