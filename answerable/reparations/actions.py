"""Every change to programmes, claims and awards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from answerable.accountability import lifecycle as finding_lifecycle
from answerable.accountability.models import Finding
from answerable.alliance import queries as alliance
from answerable.alliance.days import day_words
from answerable.alliance.models import Body, Person
from answerable.authority import engine as authority
from answerable.authority.acting import action
from answerable.authority.principals import Place, Principal
from answerable.channel import actions as channel
from answerable.channel.models import Thread
from answerable.common import clock
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.lifecycle import next_status
from answerable.common.money import Money
from answerable.common.tables import taxonomy
from answerable.fund import lifecycle as payment_lifecycle
from answerable.fund.models import Payment
from answerable.monitoring.models import PatternAssessment, Situation
from answerable.monitoring.patterns import queries as monitoring
from answerable.record import log as record
from answerable.reparations import coarse, corrections, lifecycle, rules, urgent
from answerable.reparations.models import Award, AwardLine, Claim, Correction, Programme, claim_ref, correction_ref
from answerable.safeguarding import actions as safeguarding
from answerable.vault import keeping
from answerable.vault.consent import actions as consent
from answerable.vault.consent import gate
from answerable.vault.consent import rules as consent_rules


@action("propose_programme")
def propose_programme(
    situation: Situation, *, unit: Money, required: Sequence[str] = (), findings: Sequence[Finding] = (),
    recognition: str = "", by: Person,
) -> Programme:  # fmt: skip
    """Designate a situation for reparations (§5.3). A programme that demands a complaint or conviction is refused."""
    authority.require(by, "propose_programme", Place("programmes"))
    if Programme.objects.filter(situation=situation).exists():
        raise Refused(_("This situation already has a programme."), reason="duplicate")
    if any(f.situation_id != situation.pk for f in findings):
        raise Refused(_("The finding concerns another situation."), reason="basis")
    basis = [(f.kind, f.standard) for f in findings if f.status in finding_lifecycle.IN_FORCE]
    if obstacles := rules.programme_obstacles(required, basis=basis, recognition=recognition):
        raise Refused(" ".join(obstacles), reason="programme")
    programme = Programme.objects.create(
        situation=situation, unit_minor=unit.minor, currency=unit.currency, required=list(required),
        findings=[f.ref for f in findings], recognition=recognition,
    )  # fmt: skip
    entry = record.append("programme proposed", programme, by=by, to_state=programme.status,
                          detail={"situation": situation.ref, "unit_minor": unit.minor, "currency": unit.currency})  # fmt: skip
    record.rely(programme.ref, [f.ref for f in findings], "finding", since=entry.index)
    return programme


@action("move_programme")
def move_programme(programme: Programme, name: str, *, by: Person) -> Programme:
    """Co-design with the survivor committee, open, close to new claims, wind down."""
    programme = Programme.objects.select_for_update().get(pk=programme.pk)
    authority.require(by, name, programme)
    before, programme.status = programme.status, next_status(lifecycle.PROGRAMME_MOVES, name, status=programme.status)
    if name == "open_programme":
        programme.opened_on = clock.today()
    programme.save(update_fields=["status", "opened_on"])
    record.append(name.replace("_", " "), programme, by=by, from_state=before, to_state=programme.status)
    return programme


SEALED = corrections.SEALED


def quarter_of(day: date) -> str:
    """2031-Q2, as coarse as working facts may be."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


@action("lodge_claim")
def lodge_claim(
    programme: Programme,
    *,
    claim_type: str,
    alias: str,
    age_band: str,
    country: str,
    language: str,
    safe_contact: str,
    events_from: date,
    events_to: date | None = None,
    area1: str,
    area2: str = "",
    forms: Sequence[str] = (),
    account: str = "",
    preferences: str = "",
    flags: Sequence[str] = (),
    purposes: Sequence[str] = (),
    guardian: bool = False,
    assent: bool = False,
    guardian_not_implicated: bool = False,
    declared_true: bool,
    referral_offered: bool,
    contact_plan: Mapping[str, object] | None = None,
    identity: Mapping[str, str] | None = None,
    supporting_items: int = 0,
    by: Person | Principal,
) -> Claim:
    """Lodge a claim for a survivor at intake (§5.4), or hers from the channel, where nobody of ours takes it in.

    Only what is marked R there is needed; “prefer not to say” always is.

    Care was offered first, and that is noted (SC-8). `contact_plan` says how she may be reached (SC-6); without one the
    claim is taken in and nothing goes out to her (R-NOT-1).

    Exact days, place, account, alias and how to reach her safely are sealed before anything is stored; who she is, if
    given now, is sealed for the three identity seats and cannot be opened by this server.

    A child's claim is lodged on her own word like any other, so that nobody is turned away and its clocks run. Consent is
    another matter (SC-11): with `guardian` an adult consents beside her, not implicated, and she assents; without one what
    she said yes to waits (`Claim.awaiting`), nothing is in force and nobody opens the claim to decide on it.

    The working facts `country` and `area1` hold only values of the lists (`coarse`); other words are sealed.
    """
    authority.require(by, "lodge_claim", programme)
    problems = []
    if programme.status != lifecycle.OPEN:
        problems.append(_("This programme is not open for claims now."))
    if claim_type not in rules.FLAT_RU:
        problems.append(_("Choose the class of claimant."))
    if not alias.strip():
        problems.append(_("A name or alias she likes to be called by is needed; any will do."))
    if not safe_contact.strip():
        problems.append(_("Say how to reach her safely, or “do not contact” (SC-6)."))
    country, lives_in = coarse.chosen(country, coarse.countries())
    area1, somewhere = coarse.chosen(area1, coarse.areas(programme))
    if age_band and age_band not in coarse.AGES:
        problems.append(_("Choose the age from the list."))
    if not coarse.is_language(language):
        problems.append(_("Write the language as a code, like ar or fr."))
    if not country or not area1:
        problems.append(_("The country she lives in and, roughly, the area where it happened are needed."))
    events_to = events_to or events_from
    if not events_from <= events_to <= clock.today():
        problems.append(_("The time of events begins before it ends, and not in the future; any precision will do."))
    forms = list(forms) or ["SV-UNSP"]
    if unknown := [f for f in forms if f not in taxonomy("violence_form")]:
        problems.append(_("Unknown code: %(codes)s.") % {"codes": ", ".join(unknown)})
    if unknown := [f for f in flags if f not in taxonomy("urgency_flag")]:
        problems.append(_("Unknown code: %(codes)s.") % {"codes": ", ".join(unknown)})
    if unknown := [p for p in purposes if p not in taxonomy("consent_purpose")]:
        problems.append(_("Unknown code: %(codes)s.") % {"codes": ", ".join(unknown)})
    if "CP-CLAI" not in purposes:
        problems.append(
            _("Her consent to the claim itself (CP-CLAI) is needed; every other consent is hers to refuse.")
        )
    if not declared_true:
        problems.append(_("Her declaration that this is true, spoken or signed, is needed."))
    if rules.at_odds(age_band, flags):
        problems.append(
            _("Her age and what is ticked as urgent do not agree (under 18, or 60 and older): look at both with her.")
        )
    child = rules.is_childs(age_band, flags)
    waits = child and not guardian
    answers = [replace(a, giver="guardian", assent=assent, guardian_not_implicated=guardian_not_implicated) if guardian else a
               for a in consent.plain_yes([p for p in purposes if p in consent_rules.purposes()])]  # fmt: skip
    if not waits:
        problems += dict.fromkeys(
            _(p) for a in answers for p in consent_rules.obstacles(a, child=child, on=clock.today())
        )
    ref = claim_ref()
    problems += [s for answer in question("care_offered").ask(ref, referral_offered, by) for s in answer]
    if contact_plan is not None:
        problems += safeguarding.plan_refusals(contact_plan)
    if problems:
        raise Refused(" ".join(problems), reason="claim")
    now = clock.now()
    due = rules.clocks(now, alliance.holidays())
    level = rules.urgency(flags)
    officer = by if isinstance(by, Person) else None
    claim = Claim(
        ref=ref,
        compartment=f"claims/{officer.body.ref}" if officer and officer.body.kind != Body.ORGAN else "claims",
        programme=programme,
        claim_type=claim_type, age_band=age_band, country=country, language=language,
        quarter=quarter_of(events_from), area1=area1, forms=list(forms), flags=list(flags),
        purposes=[] if waits else list(purposes), awaiting=list(purposes) if waits else [], level=level.level, score=level.score, lodged_at=now,
        screening_due_at=due.screening, eligibility_due_at=due.eligibility, intake_by=officer,
        supporting_items=supporting_items,
    )  # fmt: skip
    if somewhere and not area2.strip():
        area2, somewhere = somewhere, ""
    # What is left of her own words goes where only those who decide on her claim read it, with an entry she sees.
    lines = [(_("Where it happened"), somewhere), (_("Lives in"), lives_in)]
    account = "\n".join([*filter(None, [account]), *(f"{what}: {said}" for what, said in lines if said)])
    texts = {
        "events_from": events_from.isoformat(), "events_to": events_to.isoformat(), "area2": area2, "account": account,
        "alias": alias, "safe_contact": safe_contact, "preferences": preferences,
    }  # fmt: skip
    for name, sealed in keeping.seal_fields(claim.ref, claim.compartment, "Claim", texts).items():
        setattr(claim, name, sealed)
    claim.save(force_insert=True)
    if not waits:
        consent.write_down(claim, answers, child=child, language=language, by=by)
    if identity:
        keeping.seal_identity(claim.ref, identity)
    if contact_plan is not None and officer is not None:
        household = bool(contact_plan.get("unsafe_household")) or rules.UNSAFE_HOME in flags
        safeguarding.put_plan(claim.ref, {**contact_plan, "unsafe_household": household}, body=officer.body, by=officer)
    record.append("claim lodged", claim, by=by, to_state=claim.status, detail={"programme": programme.ref})
    return claim


@action("move_claim")
def move_claim(claim: Claim, name: str, *, by: Person) -> Claim:
    """Screen, register, check completeness, begin assessment, record acceptance: moves that need no other fact.

    She withdraws the claim by withdrawing her consent to it (`withdraw_consent`, CP-CLAI), and opens it again by giving
    it anew: then it is lodged again and every clock begins afresh (R-TIME-5).
    """
    claim = Claim.objects.select_for_update().get(pk=claim.pk)
    authority.require(by, name, claim)
    if name == "withdraw_claim":
        raise Refused(
            _("A claim is withdrawn by withdrawing the consent to it; that has no other step."), reason="consent"
        )
    before = claim.status
    # What a correction made urgent is looked at wherever the claim stands, and moves it nowhere.
    if name != "screen" or not urgent.waits(claim):
        claim.status = next_status(lifecycle.CLAIM_MOVES, name, status=before)
    if name in ("screen", "reopen_claim"):
        claim.urgent_due_at = None
    if name == "reopen_claim":
        if not gate.gate("read", claim, "CP-CLAI"):
            raise Refused(
                _("Her consent to the claim itself (CP-CLAI) is given first; then it opens again."), reason="consent"
            )
        due = rules.clocks(clock.now(), alliance.holidays())
        claim.screening_due_at, claim.eligibility_due_at = due.screening, due.eligibility
    claim.save(update_fields=["status", "screening_due_at", "eligibility_due_at", "urgent_due_at"])
    if name == "accept_award":
        award = claim.award
        award.accepted_at = clock.now()
        award.save(update_fields=["accepted_at"])
        AwardLine.objects.filter(award_key=award.ref).update(accepted=True)
    record.append(name.replace("_", " "), claim, by=by, from_state=before, to_state=claim.status)
    return claim


@action("assess_claim")
def assess_claim(claim: Claim, *, coherent: bool, by: Person) -> Claim:
    """An assessor says whether the account is plausible and coherent; the rules say whether that is enough.

    The exact days and place are opened with the assessor's own key, compared with the windows of verified patterns
    (PR-2), and only the answer is stored. A second assessor is asked for where one is not enough. No complaint and no
    conviction is looked for, because no rule asks for one.
    """
    claim = Claim.objects.select_for_update().select_related("programme__situation").get(pk=claim.pk)
    authority.require(by, "assess_claim", claim)
    hands = {
        "intake": claim.intake_by.ref if claim.intake_by else "",
        "first assessor": claim.first_assessor.ref if claim.first_assessor else "",
    }
    if clashes := rules.same_hands({**hands, "this assessment": by.ref}):
        raise Refused(clashes[0] + ".", reason="SOD-05")
    if claim.status not in (lifecycle.ASSESSMENT, lifecycle.SECOND_ASSESSMENT):
        raise Refused(_("This claim is not in assessment."), reason="lifecycle")
    first = claim.first_assessor is None
    if not coherent and first:
        move = "propose_refusal"
    else:
        move = ""
    # The vault decides once more, writes its own entry for this opening, and only then opens the days and the place.
    opened = corrections.open_current(
        claim, ["events_from", "events_to", "area2"], purpose="adjudication", token=by.vault_session
    )
    if opened["events_to"] < opened["events_from"]:
        raise Refused(_("By her file what happened ends before it begins: one of the two days was corrected without the other. "
                        "Ask her which days are right; she corrects them at the door."), reason="days")  # fmt: skip
    earlier = 1 if not first and claim.criteria and claim.criteria[0].get("coherent") else 0
    facts = rules.ClaimFacts(
        claim_type=claim.claim_type,
        situation_designated=claim.programme.status == lifecycle.OPEN,
        first_day=date.fromisoformat(opened["events_from"]),
        last_day=date.fromisoformat(opened["events_to"]),
        area=opened["area2"] or claim.area1,
        forms=frozenset(claim.forms),
        coherent=earlier + coherent,
        supporting_items=claim.supporting_items,
    )
    windows = pattern_windows(claim.programme.situation)
    criteria = rules.eligibility(facts, windows)
    before = claim.status
    if first:
        claim.first_assessor = by
    else:
        claim.second_assessor = by
    if coherent and rules.is_eligible(criteria):
        move = "find_eligible"
    elif coherent and first:
        move = "propose_refusal"  # one assessor is not enough here: a second one hears the account
    elif not first:
        move = "refuse_claim"
    claim.status = next_status(lifecycle.CLAIM_MOVES, move, status=before)
    covered = rules.presumed_by_pattern(facts, windows)
    claim.presumed_by = covered.ref if covered else ""
    claim.criteria = [{**asdict(c), "coherent": coherent} for c in criteria]
    claim.save(update_fields=["status", "first_assessor", "second_assessor", "criteria", "presumed_by"])
    entry = record.append(
        "claim assessed", claim, by=by, from_state=before, to_state=claim.status,
        detail={"opened": ["events_from", "events_to", "area2"], "presumed_by": claim.presumed_by},
    )  # fmt: skip
    if claim.presumed_by:
        record.rely(claim.ref, [claim.presumed_by], "presumption", since=entry.index)
    return claim


def pattern_windows(situation: Situation) -> list[rules.PatternWindow]:
    """Windows of the patterns behind findings in force in a situation (PR-2)."""
    patterns = PatternAssessment.objects.filter(
        situation=situation, findings__status__in=finding_lifecycle.IN_FORCE
    ).distinct()
    return windows_of(patterns)


def windows_of(patterns: Iterable[PatternAssessment]) -> list[rules.PatternWindow]:
    """What may be presumed from these assessments as they stand now, restated where something beneath them changed."""
    found = [(p, monitoring.current(p)) for p in patterns]
    return [
        rules.PatternWindow(
            p.ref, date.fromisoformat(now["first_day"]), date.fromisoformat(now["last_day"]), frozenset(now["areas"]),
            p.party.ref,
        )
        for p, now in found
        if now["tests"]["PT"]["met"]
    ]  # fmt: skip


@action("award_claim")
def award_claim(
    claim: Claim, *, serious_injury: bool = False, children: int = 0, instalments: int = 1,
    received: Sequence[tuple[str, Money]] = (), by: Person,
) -> Award:  # fmt: skip
    """Award by the FLAT schedule, less what was actually received under the same head (§5.7, §5.8), in instalments."""
    claim = Claim.objects.select_for_update().select_related("programme").get(pk=claim.pk)
    authority.require(by, "award", claim)
    hands = {
        "intake": claim.intake_by.ref if claim.intake_by else "",
        "first assessor": claim.first_assessor.ref if claim.first_assessor else "",
        "second assessor": claim.second_assessor.ref if claim.second_assessor else "",
    }
    if clashes := rules.same_hands({**hands, "award": by.ref}):
        raise Refused(clashes[0] + ".", reason="SOD-05")
    if any(by.ref in c.set_aside for c in claim.corrections.all()):
        raise Refused(_("You assessed this claim before its facts were corrected; the award is for another person (SOD-05)."),
                      reason="SOD-05")  # fmt: skip
    if not 1 <= instalments <= 12:
        raise Refused(_("Between one and twelve instalments."), reason="range")
    before, claim.status = claim.status, next_status(lifecycle.CLAIM_MOVES, "award", status=claim.status)
    units = rules.award_units(claim.claim_type, serious_injury=serious_injury, children=children)
    gross = claim.programme.unit * units
    net = rules.net_award(gross, received)
    award = Award.objects.create(
        compartment=claim.compartment, claim=claim, units=units, gross_minor=gross.minor, net_minor=net.minor,
        currency=gross.currency, decided_at=clock.now(),
    )  # fmt: skip
    parts = rules.instalments(net, instalments)
    AwardLine.objects.create(
        award_key=award.ref, form="RF-C01", currency=gross.currency, instalments=[p.minor for p in parts if p.minor]
    )
    claim.awarded_by = by
    claim.save(update_fields=["status", "awarded_by"])
    entry = record.append("claim awarded", claim, by=by, from_state=before, to_state=claim.status,
                          detail={"award": award.ref, "units": units, "net_minor": net.minor, "currency": net.currency})  # fmt: skip
    record.rely(award.ref, [claim.ref], "claim", since=entry.index)
    return award


# --- what she corrects (SC-10) ------------------------------------------------------------------------------------


def _to_decide(claim: Claim, message: str, name: str, by: Person) -> tuple[Claim, corrections.Letter]:
    """The claim, held, and the correction that is decided, by whoever may; nothing of a claim she took back. Raises Refused."""
    claim = Claim.objects.select_for_update().select_related("programme__situation").get(pk=claim.pk)
    authority.require(by, name, claim)
    return claim, corrections.to_decide(claim, message)


def _decided(claim: Claim, letter: corrections.Letter, outcome: str, *, by: Person, texts: Mapping[str, str] | None = None,
             **more: Any) -> Correction:  # fmt: skip
    """Store what became of a correction, its texts sealed for the claim's room; she is told at her door that it was answered."""
    made = Correction(
        ref=correction_ref(), compartment=claim.compartment, claim=claim, message=letter.message, received_at=letter.received_at,
        due_at=letter.due_at, decided_at=clock.now(), decided_by=by, outcome=outcome, **more,
    )  # fmt: skip
    if texts:
        for name, sealed in keeping.seal_fields(made.ref, claim.compartment, "Correction", texts).items():
            setattr(made, name, sealed)
    made.save(force_insert=True)
    question("notify_survivor").ask(claim.ref, "correction_answered", {"day": letter.received_at.date().isoformat()})
    return made


@action("correct_claim")
def correct_claim(
    claim: Claim, message: str, *, facts: Mapping[str, str], urgent: Iterable[str] = (), not_urgent: Iterable[str] = (), by: Person
) -> Correction:  # fmt: skip
    """Carry out a correction: `facts` are the coded facts and sealed texts as she says they are, by field; days in ISO form.

    `urgent` and `not_urgent` are urgency flags to be set and taken away. An age that is corrected takes with it what cannot
    be true beside it: with 18 or more, that she is not yet 18 (UF-16); otherwise she would stay a child of the register.

    Of the two days, the one that is left out stays as it is. A claim that was screened already and to which an urgency flag is
    set is looked at again within 72 hours of now (§5.4, `urgent_due_at`).

    The new texts are sealed beside the earlier ones. What rests on the facts is worked out again: an assessment is set aside
    and made anew, so that the presumption is matched on the corrected days and place; an award stays, and another person
    looks at it again. The class is corrected until the award. Raises Refused.
    """
    claim, letter = _to_decide(claim, message, "correct_claim", by)
    given = {f: str(v).strip() for f, v in facts.items() if str(v).strip()}
    if unknown := set(given) - set(corrections.CODED) - set(SEALED):
        raise ValueError(f"no fact of a claim is called {', '.join(sorted(unknown))}")
    coded = {f: v for f, v in given.items() if f in corrections.CODED and v != getattr(claim, f)}
    texts = {f: v for f, v in given.items() if f in SEALED}
    decided = claim.status in lifecycle.DECIDED
    problems = _wrong_facts(claim, coded, decided=decided)
    coded_flags = _flags(claim, given.get("age_band", ""), set(urgent), set(not_urgent))
    if rules.at_odds(given.get("age_band", claim.age_band), set(urgent) & set(coded_flags)):
        problems.append(
            _("Her age and what is ticked as urgent do not agree (under 18, or 60 and older): correct both.")
        )
    if "area1" in coded:
        texts.setdefault("area2", "")  # the closer place lay in the other area
    days: dict[str, str] = {f: texts[f] for f in ("events_from", "events_to") if f in texts}
    if days:
        if not _agree(claim, days):
            problems.append(
                _("The time of events begins before it ends, and not in the future; any precision will do.")
            )
        else:
            given_days = {f: date.fromisoformat(d) for f, d in days.items()}
            texts |= {f: d.isoformat() for f, d in given_days.items()}
            began = given_days.get("events_from")
            coded |= {"quarter": q} if began and (q := quarter_of(began)) != claim.quarter else {}
    if not coded and not texts and coded_flags == claim.flags:
        problems.append(_("Say what is changed; or put what she wrote beside her file, or decline it."))
    if problems:
        raise Refused(" ".join(problems), reason="correction")
    changed = sorted({*coded, *texts, *(["flags"] if coded_flags != claim.flags else [])} - {"quarter"})
    was_child, before = claim.is_childs, claim.status
    earlier: dict[str, Any] = {f: getattr(claim, f) for f in coded}
    new_flags = set(coded_flags) - set(claim.flags)
    unsafe_now = rules.UNSAFE_HOME in new_flags
    if "flags" in changed:
        earlier["flags"], claim.flags = claim.flags, coded_flags
        level = rules.urgency(coded_flags)
        claim.level, claim.score = level.level, level.score
    for f, v in coded.items():
        setattr(claim, f, v)
    touched = rules.touched(changed, assessed=claim.first_assessor_id is not None, decided=decided,
                            was_child=was_child, is_child=claim.is_childs)  # fmt: skip
    touched += [rules.LOOK_AT_PLAN] if unsafe_now else []
    if not claim.flags:
        claim.urgent_due_at = None
    # A claim that is not screened yet has this clock from its lodging.
    if new_flags and before != lifecycle.LODGED:
        touched.append(rules.SCREEN_AGAIN)
        claim.urgent_due_at = claim.urgent_due_at or rules.clocks(clock.now(), alliance.holidays()).screening
    set_aside: list[str] = []
    if rules.ASSESS_AGAIN in touched:
        set_aside = _assess_again(claim)
    claim.corrected_by = sorted({*claim.corrected_by, by.ref})
    claim.save(update_fields=[*coded, "flags", "level", "score", "status", "first_assessor", "second_assessor", "criteria", "presumed_by",
                              "eligibility_due_at", "urgent_due_at", "corrected_by"])  # fmt: skip
    made = _decided(
        claim, letter, lifecycle.CARRIED_OUT, by=by, texts=texts, changed=changed, before=earlier, touched=touched,
        set_aside=set_aside, award_look=lifecycle.LOOK_WAITS if rules.LOOK_AT_AWARD in touched else "",
    )  # fmt: skip
    if texts:
        _keep_for_her(letter, texts)
    record.append("claim corrected", claim, by=by, from_state=before, to_state=claim.status,
                  detail={"correction": made.ref, "message": message, "fields": changed, "touched": touched})  # fmt: skip
    return made


def _flags(claim: Claim, age_band: str, on: set[str], off: set[str]) -> list[str]:
    """The claim's flags with these set and those taken away, in the order of the list; Refused for a code that is none."""
    known = list(taxonomy("urgency_flag"))
    if unknown := (on | off) - set(known):
        raise Refused(_("Unknown code: %(codes)s.") % {"codes": ", ".join(sorted(unknown))}, reason="correction")
    off = off | (set(rules.at_odds(age_band, claim.flags)) - on)
    now = (set(claim.flags) - off) | on
    return claim.flags if now == set(claim.flags) else [f for f in known if f in now]


def _wrong_facts(claim: Claim, coded: Mapping[str, str], *, decided: bool) -> list[str]:
    problems = []
    if "claim_type" in coded and (decided or coded["claim_type"] not in rules.FLAT_RU):
        problems.append(_("The class is corrected until the award; after it another person looks at the award instead.")
                        if decided else _("Choose the class of claimant."))  # fmt: skip
    lists = {"age_band": coarse.AGES, "country": [v for v, _words in coarse.countries()],
             "area1": [v for v, _words in coarse.areas(claim.programme)]}  # fmt: skip
    if any(coded[f] not in values for f, values in lists.items() if f in coded):
        problems.append(_("Choose age, country and area from their lists."))
    if "language" in coded and not coarse.is_language(coded["language"]):
        problems.append(_("Write the language as a code, like ar or fr."))
    return problems


def _agree(claim: Claim, days: Mapping[str, str]) -> bool:
    """Whether corrected days, in ISO form, agree with each other, with the quarter of the claim, and lie in the past.

    A day that is not corrected stays sealed and is not opened for this: of the first one only its quarter is known here,
    of the last one nothing. What the two then say together is looked at under an assessor's key.
    """
    try:
        year, quarter = claim.quarter.split("-Q")
        first = date.fromisoformat(days.get("events_from") or f"{year}-{3 * int(quarter) - 2:02}-01")
        last = date.fromisoformat(days["events_to"]) if "events_to" in days else clock.today()
    except ValueError:
        return False
    return first <= last <= clock.today()


def _assess_again(claim: Claim) -> list[str]:
    """Set aside what was assessed on other facts; whose assessments they were. A clock to her is never shortened (R-TIME-5)."""
    hands = [p.ref for p in (claim.first_assessor, claim.second_assessor) if p is not None]
    claim.first_assessor = claim.second_assessor = None
    claim.criteria, claim.presumed_by = [], ""
    if claim.status in lifecycle.CLAIM_MOVES["assess_again"].froms:
        claim.status = next_status(lifecycle.CLAIM_MOVES, "assess_again", status=claim.status)
        due = rules.clocks(clock.now(), alliance.holidays())
        claim.eligibility_due_at = max(claim.eligibility_due_at, due.eligibility)
    return hands


def _keep_for_her(letter: corrections.Letter, texts: Mapping[str, str]) -> None:
    """The new texts on her own page, sealed to her keys alone, in the language of her conversation."""
    thread = Thread.objects.get(ref=letter.thread)
    with translation.override(thread.language or "en"):
        lines = [_("What your file says since it was corrected on %(day)s:") % {"day": day_words(clock.today())}, ""]
        words = coarse.field_words()
        for f in SEALED:
            if texts.get(f):
                lines += [words[f], texts[f], ""]
    channel.keep_for_her(thread, "\n".join(lines).strip())


@action("decline_correction")
def decline_correction(claim: Claim, message: str, *, reason: str, words: str = "", by: Person) -> Correction:
    """Nothing is changed, and she reads why: a reason of the list on her page, and `words` as a message at her door.

    Raises Refused.
    """
    claim, letter = _to_decide(claim, message, "decline_correction", by)
    if reason not in corrections.reasons():
        raise Refused(_("Choose the reason that she reads on her page."), reason="reason")
    if reason == "OTHER" and not words.strip():
        raise Refused(_("Write the reason to her in a few words."), reason="reason")
    left = bool(words.strip()) and channel.leave_reason(Thread.objects.get(ref=letter.thread), words, by=by)
    made = _decided(claim, letter, lifecycle.DECLINED, by=by, reason=reason)
    record.append("correction declined", claim, by=by, reason=reason,
                  detail={"correction": made.ref, "message": message, "words_left": left})  # fmt: skip
    return made


@action("note_statement")
def note_statement(claim: Claim, message: str, *, by: Person) -> Correction:
    """What she wrote is put beside her file as her statement, sealed for all who read the claim: right where it was decided.

    Her words are opened with the key of whoever does this, so it is for those who answer her messages. Raises Refused.
    """
    claim, letter = _to_decide(claim, message, "note_statement", by)
    # The vault decides once more and writes its own entry, as for any opening.
    said = keeping.open_fields(message, ["text"], purpose="contact", token=by.vault_session)["text"].rstrip()
    made = _decided(claim, letter, lifecycle.BESIDE, by=by, texts={"statement": said})
    record.append("statement put beside", claim, by=by, detail={"correction": made.ref, "message": message})
    return made


@action("look_at_corrected_award")
def look_at_corrected_award(claim: Claim, *, holds: bool, by: Person) -> Claim:
    """Another person of the panels says, after its facts were corrected, whether the award holds. It is paid meanwhile."""
    claim = Claim.objects.select_for_update().get(pk=claim.pk)
    authority.require(by, "look_at_corrected_award", claim)
    waiting = list(claim.corrections.filter(award_look=lifecycle.LOOK_WAITS))
    if not waiting:
        raise Refused(_("No award waits to be looked at again here."), reason="lifecycle")
    for c in waiting:
        c.award_look, c.looked_by = lifecycle.LOOK_HOLDS if holds else lifecycle.LOOK_NOT, by
        c.save(update_fields=["award_look", "looked_by"])
    record.append(
        "award looked at again", claim, by=by, detail={"holds": holds, "corrections": [c.ref for c in waiting]}
    )
    return claim


@question("instalment_owed").answer_with
def _owed(line: str, instalment: int) -> Money | None:
    """What is owed under an accepted award line and instalment (1 is the first); None when nothing is."""
    found = AwardLine.objects.filter(ref=line, accepted=True).first()
    if found is None or not 1 <= instalment <= len(found.instalments):
        return None
    return Money(found.instalments[instalment - 1], found.currency)


@question("payment_settled").answer_with
def _settled(line: str) -> None:
    """Count the settled instalments of a line; part of the payment's own act."""
    n = Payment.objects.filter(line=line, status=payment_lifecycle.SETTLED).count()
    AwardLine.objects.filter(ref=line).update(settled=n)


@question("lines_to_pay").answer_with
def _lines_to_pay() -> list[list[object]]:
    """Accepted lines with an instalment that no payment stands for, as finance sees them: reference (which leads to
    planning the next one), instalments, how many are paid."""
    lines = list(AwardLine.objects.filter(accepted=True)[:200])
    standing = Payment.objects.filter(line__in=[line.ref for line in lines], status__in=payment_lifecycle.STANDING)
    planned = set(standing.values_list("line", "instalment"))
    rows: list[list[object]] = []
    for line in lines:
        left = [n for n in range(1, len(line.instalments) + 1) if (line.ref, n) not in planned]
        if left:
            plan = {"url": f"/fund/payments/plan/?line={line.ref}&n={left[0]}", "text": line.ref}
            rows.append([plan, len(line.instalments), line.settled])
    return rows


# --- what a change of her consents does to a claim ------------------------------------------------------------------


@question("consent_changed").answer_with
def _consents_changed(ref: str, change: consent.Change) -> dict[str, Any]:
    """Keep the claim's list of purposes in step; without consent to the claim it closes before a decision (§2.5)."""
    if not ref.startswith("CLM"):
        return {}
    claim = Claim.objects.select_for_update().get(ref=ref)
    aside: dict[str, Any] = {}
    claim.purposes = list(change.in_force)
    # Answered together with an adult, yes or no, or taken back with everything: it waits for nobody any more.
    waits = [p for p in claim.awaiting if p not in change.purposes and not change.total]
    if change.kind == "undone":
        waits = list(change.put_aside.get("awaiting", waits))
    elif change.kind == "withdrawn" and waits != claim.awaiting:
        aside["awaiting"] = claim.awaiting
    claim.awaiting = waits
    # A term that ran out closes nothing by itself: only her own word does (R-TIME-5).
    if (
        change.kind == "withdrawn"
        and (change.total or "CP-CLAI" in change.purposes)
        and (claim.status in lifecycle.CLAIM_MOVES["withdraw_claim"].froms)
    ):
        aside["claim_status"] = claim.status
        claim.status = lifecycle.WITHDRAWN
    elif change.kind == "undone" and claim.status == lifecycle.WITHDRAWN and change.put_aside.get("claim_status"):
        claim.status = str(change.put_aside["claim_status"])
    claim.save(update_fields=["purposes", "awaiting", "status"])
    return aside


@question("state_of_use").answer_with
def _state_of_use(ref: str, purpose: str) -> set[str]:
    if not ref.startswith("CLM") or purpose != "CP-CLAI":
        return set()
    awarded = Claim.objects.filter(ref=ref, award__isnull=False).exists()
    return {consent_rules.AWARDED if awarded else consent_rules.BEFORE_DECISION}


@question("clear_details").answer_with
def _clear(ref: str) -> None:
    """A shredded claim keeps its reference, its programme, its days and, of an award, number and amount. No more."""
    if not ref.startswith("CLM"):
        return
    Claim.objects.filter(ref=ref).update(
        age_band="", country="", language="", quarter="", area1="", forms=[], flags=[], criteria=[], purposes=[], awaiting=[],
        presumed_by="", supporting_items=0, level="U3", score=0, urgent_due_at=None, **dict.fromkeys(SEALED, b""),
    )  # fmt: skip
    Correction.objects.filter(claim__ref=ref).update(
        changed=[], before={}, touched=[], statement=b"", **dict.fromkeys(SEALED, b"")
    )
