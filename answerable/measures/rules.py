"""Whether a measure may be adopted, and until when it stands (domain.md §4.3, §4.5).

Each row of `measures.csv` says what it needs; each need is one check with a status, a sentence and references.
INSUFFICIENT blocks adoption as NOT_MET does (R-MEA-2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from answerable.common.deadlines import months_after

MET, NOT_MET, INSUFFICIENT = "MET", "NOT_MET", "INSUFFICIENT"
STANDARDS = ("none", "SP1", "SP2", "SP3", "SP4", "SP5")
SCALES = ("none", "pattern", "large_scale")
REMINDER_DAYS = (90, 60, 30)
IMPACT_ASSESSMENT_DAYS = 90
IMPLEMENTATION_DAYS = 30
OPT_OUT_WORKING_DAYS = 10


@dataclass(frozen=True)
class FindingFacts:
    """A finding in force, as a measure's prerequisites see it."""

    ref: str
    kind: str
    standard: str


@dataclass(frozen=True)
class DossierFacts:
    """What stands behind a proposal on the day it is checked. Empty means: not on file."""

    findings: tuple[FindingFacts, ...] = ()
    notified: frozenset[str] = frozenset()  # findings notified whose right of reply is over
    measures_taken: frozenset[str] = frozenset()  # codes of measures adopted towards this target
    measures_over: frozenset[str] = frozenset()  # those that expired or closed without result
    papers: Mapping[str, date] = field(default_factory=dict)  # kind of paper → its date
    urgency: bool = False
    expires_on: date | None = None
    starts_on: date | None = None
    exception_text: bool = False
    benchmarks: tuple[int, ...] = ()
    objective: bool = False
    consents_complete: bool = True


@dataclass(frozen=True)
class Check:
    """One prerequisite: its name, whether it is met, why, and the references it rests on."""

    name: str
    status: str
    says: str
    references: tuple[str, ...] = ()


def rung(code: str) -> int:
    """The rung of a measure's code: ME-7.1 stands on rung 7."""
    return int(code.removeprefix("ME-").split(".")[0])


# Papers that a prior step names, by the words the table uses.
PAPERS = {
    "risk assessment recorded": ("risk_assessment", "a recorded risk assessment"),
    "due-diligence check": ("due_diligence", "a due-diligence check"),
    "complementarity note": ("complementarity_note", "a complementarity note"),
    "unit identified": ("unit_identified", "the unit, identified on file"),
    "impact assessment": ("impact_assessment", "a humanitarian and gender impact assessment"),
    "case file reviewed by legal adviser and panel": ("case_file_review", "a case file reviewed by adviser and panel"),
    "existing UN regime": ("un_regime", "the United Nations regime it serves"),
    "draft shared with respondent 48 hours before unless urgent": ("draft_shared", "the draft shared 48 hours before"),
    "negotiation or arbitration steps required by clause": ("clause_steps", "the steps the clause requires"),
    "notice": ("notice", "the notice"),
    "monitoring and evaluation period": ("evaluation_period", "the monitoring and evaluation period"),
    "report": ("evaluation_report", "the evaluation report"),
    "consent CP-CRIM for each survivor item": ("consent_crim", "consent CP-CRIM for each survivor item"),
}


def _scale(facts: DossierFacts) -> tuple[str, tuple[str, ...]]:
    for scale, kind in (("large_scale", "F-LS"), ("pattern", "F-PAT")):
        refs = tuple(f.ref for f in facts.findings if f.kind == kind)
        if refs:
            return scale, refs
    return "none", ()


def _standard(facts: DossierFacts, scale: str) -> tuple[str, tuple[str, ...]]:
    """The highest standard among findings that assert at least the scale needed."""
    kinds = {"none": None, "pattern": {"F-PAT", "F-LS"}, "large_scale": {"F-LS"}}[scale]
    fitting = [f for f in facts.findings if kinds is None or f.kind in kinds]
    if not fitting:
        return "none", ()
    best = max(STANDARDS.index(f.standard) for f in fitting)
    return STANDARDS[best], tuple(f.ref for f in fitting if STANDARDS.index(f.standard) == best)


def _paper(facts: DossierFacts, step: str) -> Check:
    key, words = PAPERS[step]
    if key in facts.papers:
        return Check(step, MET, f"On file since {facts.papers[key].isoformat()}: {words}.", (key,))
    return Check(step, INSUFFICIENT, f"Not on file: {words}. Add it to the dossier.")


def _step(step: str, facts: DossierFacts) -> Check:
    """One step of the `prior_steps` column."""
    if step in PAPERS:
        return _paper(facts, step)
    if step == "ME-2.1 or urgency":
        if facts.urgency:
            return Check(step, MET, "Urgency is recorded.")
        return _taken("ME-2.1", facts)
    if step in {"right of reply completed", "finding published or notified"}:
        refs = tuple(sorted(facts.notified))
        says = "The right of reply is over." if refs else "No finding has been notified with its right of reply over."
        return Check(step, MET if refs else NOT_MET, says, refs)
    if step == "ME-4.1 or ME-2.2 expired":
        met = "ME-4.1" in facts.measures_taken or "ME-2.2" in facts.measures_over
        return Check(step, MET if met else NOT_MET, "A listing (ME-4.1), or a call (ME-2.2) that expired, "
                     + ("stands behind it." if met else "is needed first."))  # fmt: skip
    if step.startswith("ME-10.1 closed"):
        met = "ME-10.1" in facts.measures_over or (facts.urgency and "special urgency" in step)
        says = "Consultations (ME-10.1) were closed without result." if met else "No consultations (ME-10.1) were held."
        return Check("consultations", MET if met else NOT_MET, says)
    if step == "ME-10.4 in force 6 months without progress":
        met = "ME-10.4/6m" in facts.measures_over
        return Check(step, MET if met else NOT_MET, "A partial suspension must stand six months without progress.")
    if step == "intensified political dialogue exhausted unless special urgency":
        return Check(step, MET, "Special urgency is recorded.") if facts.urgency else _paper_named(
            facts, step, "political_dialogue", "the exhausted political dialogue")  # fmt: skip
    if step.startswith("as ME-"):
        return _paper(facts, "case file reviewed by legal adviser and panel") if step == "as ME-8.2" else _paper(
            facts, "impact assessment")  # fmt: skip
    if step.startswith("ME-"):
        return _taken(step.split()[0], facts)
    return Check(step, INSUFFICIENT, f"“{step}” must be shown on file.")


def _paper_named(facts: DossierFacts, step: str, key: str, words: str) -> Check:
    if key in facts.papers:
        return Check(step, MET, f"On file since {facts.papers[key].isoformat()}: {words}.", (key,))
    return Check(step, INSUFFICIENT, f"Not on file: {words}. Add it to the dossier.")


def _taken(code: str, facts: DossierFacts) -> Check:
    met = code in facts.measures_taken or code in facts.measures_over
    return Check(code, MET if met else NOT_MET, f"{code} {'was adopted' if met else 'must be adopted'} first.")


def prerequisites(row: Mapping[str, str], facts: DossierFacts, *, today: date) -> list[Check]:
    """Every prerequisite of a measure, in the order of the table's columns (R-MEA-1 to R-MEA-5)."""
    code, needed_scale, needed = row["code"], row["min_scale"], row["min_standard"]
    checks = []
    if needed != "none":
        reached, refs = _standard(facts, needed_scale)
        met = STANDARDS.index(reached) >= STANDARDS.index(needed)
        if not refs and needed == "SP1":
            met = "credible_information" in facts.papers
            reached = "SP1" if met else "none"
        says = f"{needed} is needed; the findings in force reach {reached}."
        checks.append(Check("standard of proof", MET if met else NOT_MET, says, refs))
    if needed_scale != "none":
        scale, refs = _scale(facts)
        met = SCALES.index(scale) >= SCALES.index(needed_scale)
        says = f"A {needed_scale.replace('_', '-')} finding is needed; " + (
            f"a {scale.replace('_', '-')} finding is in force." if refs else "none is in force.")  # fmt: skip
        checks.append(Check("scale", MET if met else NOT_MET, says, refs))
    responsibility = row["responsibility_finding"]
    if responsibility == "INDIVIDUAL_LINK":
        checks.append(_paper_named(facts, "individual link", "individual_link", "the individual link, with its facts"))
    elif responsibility != "none":
        wanted = {"USE": "F-USE", "CONDONE": "F-CONDONE", "RESP": "F-BREACH"}
        alternatives = responsibility.split(" or ")
        refs = tuple(f.ref for f in facts.findings if f.kind in {wanted[a] for a in alternatives})
        says = f"A finding of {responsibility.replace('RESP', 'responsibility (RESP)')} is needed; " + (
            "one is in force." if refs else "none is in force.")  # fmt: skip
        checks.append(Check("responsibility", MET if refs else NOT_MET, says, refs))
    if row["prior_steps"] != "none":
        checks += [_step(step.strip(), facts) for step in row["prior_steps"].split(";")]
    if row["legal_character"] == "possible_countermeasure_or_lawful_measure":
        checks.append(_paper_named(facts, "legal opinion", "legal_opinion",
                                   "the legal opinion that ARSIWA 54 being unsettled requires (§4.1)"))  # fmt: skip
    if row["max_months"]:
        checks.append(_expiry(facts, int(row["max_months"]), today))
    if rung(code) >= 6:
        checks.append(Check("objective", MET if facts.objective else INSUFFICIENT,
                            "The objective is stated." if facts.objective else "State the objective (R-MEA-3)."))  # fmt: skip
        weights = facts.benchmarks
        good = bool(weights) and sum(weights) == 100
        checks.append(Check("benchmarks", MET if good else INSUFFICIENT,
                            f"Benchmark weights sum to {sum(weights)}; they must sum to 100 (R-MEA-3)."))  # fmt: skip
        checks.append(Check("exception text", MET if facts.exception_text else INSUFFICIENT,
                            "The humanitarian exception is written." if facts.exception_text
                            else "Write the humanitarian exception (R-MEA-3)."))  # fmt: skip
    if rung(code) in {9, 10} and "impact assessment" not in row["prior_steps"]:
        checks.append(_paper(facts, "impact assessment"))
    if rung(code) in {9, 10} and (made := facts.papers.get("impact_assessment")):
        fresh = (today - made).days <= IMPACT_ASSESSMENT_DAYS
        checks.append(Check("age of the impact assessment", MET if fresh else NOT_MET,
                            f"It is {(today - made).days} days old; 90 at most at adoption (R-MEA-4)."))  # fmt: skip
    if not facts.consents_complete:
        checks.append(Check("consent", NOT_MET, "An item is used whose survivor has not consented (R-MEA-5)."))
    return checks


def _expiry(facts: DossierFacts, months: int, today: date) -> Check:
    if facts.expires_on is None:
        return Check("expiry", INSUFFICIENT, f"No measure without expiry; {months} months at most (R-SUN-1).")
    latest = months_after(facts.starts_on or today, months).date()
    met = today < facts.expires_on <= latest
    return Check("expiry", MET if met else NOT_MET,
                 f"Expires on {facts.expires_on.isoformat()}; {latest.isoformat()} is the latest.")  # fmt: skip


def may_be_adopted(checks: list[Check]) -> bool:
    """A measure is admissible only when every check is met (R-MEA-2)."""
    return all(c.status == MET for c in checks)


def end_of(expires_on: date) -> datetime:
    """The instant a measure lapses: 23:59:59 UTC of its last day, with no roll (R-TIME-1, R-SUN-1)."""
    from answerable.common.deadlines import LAST_SECOND

    return datetime.combine(expires_on, LAST_SECOND)


def reminders(expires_on: date) -> list[date]:
    """Days on which a coming expiry is reminded of: T-90, T-60, T-30 (R-SUN-1)."""
    return [expires_on - timedelta(days=n) for n in REMINDER_DAYS]
