"""Runs a scenario's steps as named people through the actions, and its checks against exact expected values."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from answerable.accountability import actions as accountability
from answerable.alliance import actions as alliance
from answerable.alliance.models import Person, State
from answerable.authority.acting import reading_as
from answerable.authority.principals import CLOCK
from answerable.channel import actions as channel
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.money import Money
from answerable.council import actions as council
from answerable.council import queries as council_queries
from answerable.fund import actions as fund
from answerable.fund import queries as fund_queries
from answerable.measures import actions as measures
from answerable.measures.models import Measure
from answerable.monitoring import actions as monitoring
from answerable.monitoring import rules as monitoring_rules
from answerable.monitoring.evidence import actions as evidence
from answerable.monitoring.linking import actions as linking
from answerable.monitoring.models import Incident, Party, SourceItem
from answerable.monitoring.patterns import actions as patterns
from answerable.monitoring.patterns import queries as pattern_queries
from answerable.monitoring.warning import actions as warning
from answerable.publication.models import Release
from answerable.record import log as record
from answerable.rehearsal import fixture
from answerable.rehearsal.scenario import Scenario, instant
from answerable.reparations import actions as reparations
from answerable.reparations import rules as claim_rules
from answerable.reparations.models import AwardLine
from answerable.safeguarding import actions as safeguarding
from answerable.safeguarding import contacting
from answerable.vault.client import ask
from answerable.vault.consent import actions as consent
from answerable.vault.consent import queries as consents

MODULES = (
    alliance,
    safeguarding,
    channel,
    monitoring,
    evidence,
    patterns,
    linking,
    warning,
    accountability,
    council,
    measures,
    fund,
    reparations,
    consent,
)
# Steps a scenario may take: every action of the apps but those that only start-up and sign-in use.
NOT_STEPS = {
    "found_alliance",
    "make_token",
    "import_svac",
    "begin_shredding",
    "finish_shredding",
    "note_asked",
    "ask_for_help",
    "propose_alert",
    "escalate_alert",
    "ask_forecast",
    "keep_forecast",
}


def verbs() -> dict[str, Callable[..., Any]]:
    """Name of each step → the action it is."""
    found: dict[str, Callable[..., Any]] = {}
    for module in MODULES:
        for _name, func in inspect.getmembers(module, inspect.isfunction):
            if (
                (name := getattr(func, "action_name", ""))
                and f"{func.__module__}.".startswith(f"{module.__name__}.")  # its own, or of a module in its folder
                and name not in NOT_STEPS
            ):
                found[name] = func
    found["let_the_clock_run"] = lambda *, by: (measures.owed(), consent.owed(), warning.owed())
    found["agree"] = agree
    found["document"] = document
    return found


def agree(subject: Any, purposes: list[str], *, by: Any) -> list[str]:
    """She says a plain yes to each of these purposes, one by one."""
    given: list[str] = consent.give_consent(subject, consent.plain_yes(purposes), by=by)
    return given


def document(
    party: Party, *, on: date, area1: str, area2: str, victims: int, items: list[str], verifier: Person, also: Sequence[Party] = (),
    precision: str = "day", matches: bool = False, second: Person | None = None, by: Any,
) -> Incident:  # fmt: skip
    """One incident from filing to verified, in a line: the same actions, by a collector and a verifier. `also`: who took part
    besides the actor.

    An item is its grade: T2 an account, T1+ one that the verifier and a second assessor graded, each alone, A2* a first-hand paper, B3 another one,
    B3< one that cites the item before it, -A2 one against.
    """
    filed = monitoring.receive_report(
        situation=party.situation, party=party, also=also, on=on, area1=area1, area2=area2, victims=victims, precision=precision,
        forms=["SV-RAPE"], links=["LK-PERP"], link_reason="The unit is named by those who tell.",
        narrative="Sealed account.", referral_offered=True, searched_first=True, by=by,
    )  # fmt: skip
    last: list[SourceItem] = []
    for n, text in enumerate(items):
        grade, told = text.strip("+*<-"), text.startswith("T")
        item = monitoring.add_item(
            filed, kind="testimony" if told else "document", primary=told or "*" in text, testimony=grade if told and "+" not in text else "",
            reliability="" if told else grade[0], credibility=0 if told else int(grade[1]), contrary=text.startswith("-"),
            person_key=f"{filed.ref}-{n}" if told else "", parents=last if "<" in text else [],
            purposes=["CP-MONI", "CP-FIND"] if told else [], says=f"Sealed item {n + 1} of {filed.ref}.", by=by,
        )  # fmt: skip
        for assessor in (verifier, second) if "+" in text else ():
            if assessor is None:
                raise ValueError("an account that two assessors confirm needs a second one")
            evidence.assess_item(item, testimony=grade, reasons="Sealed reasons.", by=assessor)
        last = [item]
    monitoring.move_incident(filed, "triage", by=by)
    monitoring.move_incident(filed, "begin_verification", by=verifier)
    return monitoring.verify_incident(filed, matches_pattern=matches, by=verifier)


def people() -> list[str]:
    """Who may take a step."""
    return ["clock", "holder", *(h for h, _ in fixture.FOUNDERS), *(r.handle for r in fixture.PEOPLE)]


@dataclass(frozen=True)
class Outcome:
    """One check, or one step that went otherwise than the file says."""

    line: int
    what: str
    expected: Any
    seen: Any
    passed: bool


def _field(obj: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(obj, dict):
            obj = obj[part]
        else:
            obj = getattr(obj, part)
            obj = obj() if callable(obj) and not hasattr(obj, "all") else obj
    return obj.isoformat() if isinstance(obj, (date, datetime)) else str(obj) if isinstance(obj, Money) else obj


def _refs(run: Any, value: Any) -> Any:
    """Replace references by the names the scenario gave them, so that expected values can name them."""
    if isinstance(value, str):
        return run.names.get(value, value)
    return [_refs(run, v) for v in value] if isinstance(value, (list, tuple)) else value


def _effects(withdrawal: Any) -> dict[str, str]:
    """What follows from a withdrawal: by code, the day it is due, or how."""
    return {e["code"]: e["due_at"][:10] if e["due_at"] else e["due"] for e in withdrawal.effects}


def _robustness(finding: Any) -> dict[str, Any]:
    """The last robustness test of a finding, as the restricted file has it."""
    test = finding.robustness.first()
    keys = ("verified_incidents", "verified_victims", "areas", "prevalence")
    met = {c: m for c, m in test.result["tests"].items() if c != "SY"} if test else {}
    return {"says": test.says, **{k: test.result[k] for k in keys}, **met} if test else {}


def _announced(finding: Any, word: str) -> bool:
    """Whether any public version of a finding holds a word."""
    return any(word in json.dumps(r.body) + r.title for r in Release.objects.filter(subject=finding.ref))


def _met(tests: Any) -> dict[str, bool]:
    return {code: test["met"] for code, test in tests.items()}


def _figures(pattern: Any) -> dict[str, Any]:
    """An assessment as it stands now: its newest restatement, or its first result."""
    now = pattern_queries.current(pattern)
    names = ("verified_incidents", "verified_victims", "reported_victims", "prevalence")
    return {**{n: now[n] for n in names}, "areas": len(now["areas"]), **_met(now["tests"])}


def _live(party: Any) -> dict[str, Any]:
    """The newest window of an actor, as the situation's page shows it."""
    (state,) = (line.state for line in pattern_queries.newest(party.situation) if line.party.pk == party.pk)
    names = ("verified_incidents", "verified_victims", "reported_victims", "base", "areas", "prevalence")
    flags = {code.upper(): getattr(state, code) for code in ("pt", "ws", "sy", "ls")}
    return {**{n: getattr(state, n) for n in names}, **flags}


def _falls(run: Any, pattern: Any) -> dict[str, list[str]]:
    """What would make each test fall, with the scenario's names for references."""
    tests = pattern_queries.current(pattern)["tests"]
    found = {code: list(test["falls"]) for code, test in tests.items() if test["falls"]}
    for ref, name in run.names.items():
        found = {code: [says.replace(ref, name) for says in each] for code, each in found.items()}
    return found


def _to_be_retested(run: Any, pattern: Any) -> list[str]:
    """What relies on a restated pattern and is to be tested again; a measure by its code."""
    refs = list(pattern.retests.filter(answered_at=None).values_list("dependent", flat=True))
    codes = dict(Measure.objects.filter(ref__in=refs).values_list("ref", "code"))
    return sorted(codes.get(ref, run.names.get(ref, ref)) for ref in refs)


def _presumed(pattern: Any) -> list[str]:
    """First and last day on which a claim is presumed to belong to a pattern (PR-2), by the rule that decides."""
    (window,) = reparations.windows_of([pattern])
    margin = timedelta(days=claim_rules.PATTERN_MARGIN_DAYS)
    return [(window.first - margin).isoformat(), (window.last + margin).isoformat()]


CHECKS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "value": lambda run, s: _refs(run, _field(run.fresh(s["of"]), s["field"])),
    "level": lambda run, s: run.fresh(s["of"]).level,
    "status": lambda run, s: run.fresh(s["of"]).status,
    "tests": lambda run, s: {c: t["met"] for c, t in run.fresh(s["of"]).result["tests"].items()},
    "public_figure": lambda run, s: monitoring_rules.at_least(run.fresh(s["of"]).result["verified_victims"]),
    "figures": lambda run, s: _figures(run.fresh(s["of"])),
    "base_set": lambda run, s: sorted(_refs(run, pattern_queries.current(run.fresh(s["of"]))["base_set"])),
    "restated": lambda run, s: [r.reason for r in run.fresh(s["of"]).restatements.order_by("version")],
    "to_be_retested": lambda run, s: _to_be_retested(run, run.fresh(s["of"])),
    "live": lambda run, s: _live(run.fresh(s["of"])),
    "falls": lambda run, s: _falls(run, run.fresh(s["of"])),
    "presumed_from_to": lambda run, s: _presumed(run.fresh(s["of"])),
    "unmet": lambda run, s: sorted(
        c["name"] for c in council.prerequisites(run.fresh(s["of"])) if c["status"] != "MET"
    ),
    "due_on": lambda run, s: _field(run.fresh(s["of"]), s["field"])[:10],
    "tally": lambda run, s: {
        k: getattr(council_queries.tally(run.fresh(s["of"])), k)
        for k in ("outcome", "for_", "against", "abstain", "present", "eligible")
    },
    "free_to_spend": lambda run, s: str(fund_queries.free(s["of"], s["field"])),
    "ledger_balances": lambda run, s: all(v == 0 for v in fund_queries.trial_balance().values()),
    "relies_on": lambda run, s: sorted(_refs(run, [e.basis for e in record.bases(run.fresh(s["of"]).ref)])),
    "what_follows": lambda run, s: sorted(_refs(run, record.upward(run.fresh(s["of"]).ref))),
    "released_versions": lambda run, s: Release.objects.filter(subject=run.fresh(s["of"]).ref).count(),
    "effects": lambda run, s: _effects(run.fresh(s["of"])),
    "robustness": lambda run, s: _robustness(run.fresh(s["of"])),
    "dependants": lambda run, s: {d["code"]: d["met"] for d in run.fresh(s["of"]).robustness.first().dependants},
    "consents": lambda run, s: consents.in_force(run.fresh(s["of"]).ref),
    "announced": lambda run, s: _announced(run.fresh(s["of"]), s["field"]),
    "interim_due_on": lambda run, s: claim_rules.clocks(run.fresh(s["of"]).lodged_at).interim.date().isoformat(),
    "reported_incidents": lambda run, s: run.fresh(s["of"]).incidents.count(),
    "may_contact": lambda run, s: (
        contacting.ask(
            run.fresh(s["of"]).ref,
            via=s["with"]["via"],
            kind=s["with"]["kind"],
            at=instant(s["at"]) + run.shift,
            by=run.person("adva"),
        ).because
    ),
    "line_of": lambda run, s: AwardLine.objects.filter(award_key=run.fresh(s["of"]).ref).count(),
}


class Run:
    """One run of one scenario in the present database."""

    def __init__(self, scenario: Scenario, *, passphrase: str, shift: timedelta = timedelta(0)) -> None:
        self.scenario, self.passphrase, self.shift = scenario, passphrase, shift
        self.saved: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.outcomes: list[Outcome] = []
        # Codes of doors opened on the way, by the name of the step: a demonstration shows one, a rehearsal none.
        self.codes: dict[str, channel.Issued] = {}
        self._tokens: dict[str, str] = {}

    def fresh(self, name: str) -> Any:
        """A saved object as the database has it now."""
        if not name.startswith("$"):
            return name
        obj = self.saved[name[1:]]
        return type(obj)._default_manager.get(pk=obj.pk)

    def person(self, handle: str) -> Any:
        """The person, with their key unlocked as after signing in."""
        if handle == "clock":
            return CLOCK
        person = Person.objects.select_related("body__state").get(handle=handle)
        if handle not in self._tokens or not ask("touch", token=self._tokens[handle])["person"]:
            self._tokens[handle] = ask("sign_in", handle=handle, passphrase=self.passphrase)["token"]
        person.vault_session, person.fresh = self._tokens[handle], True
        return person

    def _value(self, value: Any, kind: str) -> Any:
        if isinstance(value, list) and "tuple[str, Money]" in kind:
            return [(k, Money.parse(str(v).split()[0], str(v).split()[1])) for k, v in value]
        if isinstance(value, list):
            return [self._value(v, kind) for v in value]
        if isinstance(value, dict):
            return {k: v for k, v in value.items() if k != "line"}
        if not isinstance(value, str):
            return value
        if value.startswith("$"):
            if "." in value:
                name, path = value[1:].split(".", 1)
                return _field(self.fresh("$" + name), path) if path != "line" else AwardLine.objects.get(
                    award_key=self.fresh("$" + name).ref).ref  # fmt: skip
            return self.fresh(value)
        if kind.startswith("datetime"):
            return instant(value) + self.shift
        if kind.startswith("date"):
            return (instant(value) + self.shift).date()
        if kind.startswith("Money"):
            amount, _, currency = value.partition(" ")
            return Money.parse(amount, currency or "USD")
        if kind.startswith(("State", "State |")):
            return State.objects.get(code=value)
        if kind.startswith("Person"):
            return Person.objects.get(handle=value)
        return value

    def step(self, step: dict[str, Any]) -> None:
        """Take one step or make one check."""
        clock.fix(instant(step["at"]) + self.shift)
        if "check" in step:
            with reading_as(CLOCK):
                seen = CHECKS[step["check"]](self, step)
            self._note(step, f"{step['check']} {step.get('of', '')} {step.get('field', '')}".strip(), step["is"], seen)
        elif "vote" in step:
            for choice in ("for", "against", "abstain"):
                for code in str(step.get(choice, "")).split():
                    with reading_as(CLOCK):
                        proposal = self.fresh(step["vote"])
                    council.cast_ballot(proposal, choice, by=self.person(f"delegate.{code.lower()}"))
        else:
            self._act(step)

    def _act(self, step: dict[str, Any]) -> None:
        func = verbs()[step["do"]]
        refused: str | None = None
        try:
            with reading_as(CLOCK):
                # Whoever holds the code of the thread that the step is about.
                by = channel.holder(self.fresh(step["on"]).ref) if step["as"] == "holder" else self.person(step["as"])
                parameters = inspect.signature(func).parameters
                first = next(iter(parameters.values()), None)
                args = [self._value(step["on"], str(first.annotation) if first else "")] if "on" in step else []
                kwargs = {}
                for name, value in (step.get("with") or {}).items():
                    if name == "line" and name not in parameters or (name == "line" and isinstance(value, int)):
                        continue
                    if name not in parameters:
                        raise Refused(f"line {step['line']}: {step['do']} takes no “{name}”.", reason="usage")
                    kwargs[name] = self._value(value, str(parameters[name].annotation))
                    if name == "first_year":  # years move with the days of the story
                        kwargs[name] = (datetime(value, 7, 1) + self.shift).year
            result = func(*args, by=by, **kwargs)
        except Refused as no:
            if no.reason == "usage":
                raise
            refused = str(no)
            result = None
            if "refused" not in step:
                raise Refused(
                    f"line {step['line']}: {step['do']} as {step['as']} was refused: {no}", reason="step"
                ) from None
            expected = str(step["refused"])
            self._note(step, f"{step['do']} is refused", expected, no.reason if expected == no.reason else refused,
                       expected == no.reason or expected.lower() in refused.lower())  # fmt: skip
        if "refused" in step and refused is None:
            self._note(step, f"{step['do']} is refused", step["refused"], "it was allowed", False)
        if isinstance(result, channel.Issued):
            self.codes[step.get("save", "")], result = result, result.thread
        if step.get("save") and result is not None:
            self.saved[step["save"]] = result
            if hasattr(result, "ref"):
                self.names[result.ref] = step["save"]

    def _note(self, step: dict[str, Any], what: str, expected: Any, seen: Any, passed: bool | None = None) -> None:
        if isinstance(expected, dict):
            expected = {k: v for k, v in expected.items() if k != "line"}
        if isinstance(seen, (tuple, set)):
            seen = list(seen)
        self.outcomes.append(
            Outcome(step["line"], what, expected, seen, seen == expected if passed is None else passed)
        )

    def all(self, progress: Callable[[Outcome], None] | None = None) -> list[Outcome]:
        """Take every step; each check is reported as soon as it is made."""
        try:
            for step in self.scenario.steps:
                before = len(self.outcomes)
                self.step(step)
                for outcome in self.outcomes[before:]:
                    if progress:
                        progress(outcome)
        finally:
            clock.unfix()
        return self.outcomes
