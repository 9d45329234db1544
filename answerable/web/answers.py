"""Answers to questions of the record and the home page, put together where every app can be seen."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from answerable.accountability import access as findings
from answerable.accountability import lifecycle as finding_lifecycle
from answerable.accountability.models import Robustness
from answerable.alliance import lifecycle as grants
from answerable.alliance.models import Grant, State
from answerable.alliance.sentences import said, word
from answerable.authority import engine as authority
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.council import access as council
from answerable.council import lifecycle as proposals
from answerable.fund import lifecycle as payments
from answerable.fund.models import Payment
from answerable.measures import lifecycle as measures
from answerable.measures.models import Implementation, Measure
from answerable.monitoring import access as monitoring
from answerable.record.pages import Described
from answerable.reparations import access as reparations
from answerable.reparations import corrections, urgent
from answerable.reparations import lifecycle as claims
from answerable.reparations.models import Award
from answerable.vault.consent import queries as consents


@question("describe_ref").answer_with
def describe(by: Any, ref: str) -> Described | None:
    """One line about a reference for someone who may see it, else None."""
    kind = ref[:3]
    if kind == "INC" and (i := monitoring.incidents(by).filter(ref=ref).first()):
        return Described(_("Incident") + f" {ref} ({i.shown_level})", ("incident", ref), i.status)
    if kind == "PAT" and (p := monitoring.patterns(by).filter(ref=ref).first()):
        return Described(_("Pattern") + f": {p.party}", ("pattern", ref))
    if kind == "SIT" and (s := monitoring.situations(by).filter(ref=ref).first()):
        return Described(s.name, ("situation", ref), s.status)
    if kind == "FND" and (f := findings.findings(by).filter(ref=ref).first()):
        return Described(f"{word('finding_type', f.kind)}: {f.party}", ("finding", ref), f.status)
    if kind == "PRO" and (o := council.proposals(by).filter(ref=ref).first()):
        return Described(o.title, ("proposal", ref), o.status)
    if kind == "MEA" and (m := Measure.objects.filter(ref=ref).first()):
        return Described(f"{m.code} {m.proposal.title}", ("measure", ref), m.status)
    if kind == "PRG" and (g := reparations.programmes(by).filter(ref=ref).first()):
        return Described(_("Programme") + f": {g.situation}", ("programme", ref), g.status)
    if kind == "CLM" and (c := reparations.claims(by).filter(ref=ref).first()):
        return Described(_("Claim") + f" {ref}", ("claim", ref), c.status)
    if kind == "AWD" and (a := Award.objects.filter(ref=ref, claim__in=reparations.claims(by)).first()):
        return Described(_("Award") + f" {a.net}", ("claim", a.claim.ref))
    if (
        kind == "PAY"
        and authority.allows(by, "see_payments", Place("payments"))
        and (y := Payment.objects.filter(ref=ref).first())
    ):
        return Described(_("Payment") + f" {y.amount}", ("payment", ref), y.status)
    if kind == "WDR" and (w := consents.receipts(by).filter(ref=ref).first()):
        return Described(_("Withdrawal") + f" {ref}", ("withdrawal", ref), w.status)
    if kind == "STA" and (t := State.objects.filter(ref=ref).first()):
        return Described(t.name, ("state", ref), t.status)
    return None


@question("search").answer_with
def search(by: Any, words: str) -> list[dict[str, str]]:
    """Names and titles that hold these words, within what the person may see."""
    found = [{"title": s.name, "url": reverse("situation", args=[s.ref])}
             for s in monitoring.situations(by).filter(name__icontains=words)[:20]]  # fmt: skip
    found += [{"title": p.title, "url": reverse("proposal", args=[p.ref])}
              for p in council.proposals(by).filter(title__icontains=words)[:20]]  # fmt: skip
    found += [
        {"title": s.name, "url": reverse("state", args=[s.ref])}
        for s in State.objects.filter(name__icontains=words)[:20]
    ]
    return found


def _item(title: str, what: str, url: str, due: Any = None, urgency: int = 3) -> dict[str, Any]:
    """One thing that waits. `urgency` is 0 where nothing comes before it (U0) to 3 for everything without one (U3)."""
    return {"title": title, "what": what, "url": url, "due": due, "urgency": urgency}


@question("waits_for").answer_with
def waits_for(by: Any) -> list[dict[str, Any]]:
    """Everything that waits for this person's own roles, with its clock."""
    roles, state, out = by.roles, by.principal().state, []
    watch = (
        ("monitoring_analyst", "SUBMITTED", _("to triage")), ("verifier", "TRIAGED", _("to verify")),
        ("monitoring_analyst", "REOPENED", _("reopened: to triage anew")),
        ("verifier", "REOPENED", _("reopened: to verify anew once it is triaged")),
    )  # fmt: skip
    for role, status, what in watch:
        if role in roles:
            out += [_item(_("Incident") + f" {i.ref}", what, reverse("incident", args=[i.ref]))
                    for i in monitoring.incidents(by).filter(status=status)[:20]]  # fmt: skip
    if "verifier" in roles:
        out += [_item(_("Incident") + f" {i.ref}", _("in verification"), reverse("incident", args=[i.ref]))
                for i in monitoring.incidents(by).filter(status="IN_VERIFICATION")[:20]]  # fmt: skip
    mine = {
        "legal_adviser": {finding_lifecycle.DRAFT: _("legal review"), finding_lifecycle.SAFETY_REVIEW: _("to notify"),
                          finding_lifecycle.REPLY_PERIOD: _("right of reply")},
        "safeguarding_officer": {finding_lifecycle.LEGAL_REVIEW: _("safety review")},
        "panel_expert": {finding_lifecycle.ASSESSMENT: _("your opinion")},
        "chair": {finding_lifecycle.ADOPTED: _("to publish")},
    }  # fmt: skip
    for role, statuses in mine.items():
        if role in roles:
            for f in findings.findings(by).filter(status__in=statuses)[:20]:
                if role == "panel_expert" and f.opinions.filter(expert=by).exists():
                    continue
                out.append(_item(f"{word('finding_type', f.kind)}: {f.party}", statuses[f.status],
                                 reverse("finding", args=[f.ref]), f.reply_due_at if f.status == "REPLY_PERIOD" else None))  # fmt: skip
    if "panel_expert" in roles:
        tests = Robustness.objects.filter(noted_at=None).select_related("finding__party")
        out += [_item(f"{word('finding_type', t.finding.kind)}: {t.finding.party}", _("tested again: the panel's note"),
                      reverse("finding", args=[t.finding.ref]), t.due_at) for t in tests[:20]]  # fmt: skip
    steps = {
        "legal_adviser": {proposals.SPONSORED: _("prerequisites"), proposals.PREREQ_CHECK: _("legal check")},
        "safeguarding_officer": {proposals.LEGAL_CHECK: _("safety check")},
        "chair": {proposals.SAFETY_CHECK: _("to circulate"), proposals.CIRCULATED: _("to open the vote"),
                  proposals.MEETING: _("vote open: to declare")},
    }  # fmt: skip
    for role, statuses in steps.items():
        if role in roles:
            out += [_item(p.title, statuses[p.status], reverse("proposal", args=[p.ref]))
                    for p in council.proposals(by).filter(status__in=statuses)[:20]]  # fmt: skip
    if "council_delegate" in roles:
        voting = council.proposals(by).filter(status=proposals.MEETING).exclude(ballots__state__code=state)
        out += [_item(p.title, _("your state's ballot"), reverse("proposal", args=[p.ref])) for p in voting[:20]]
        seek = council.proposals(by).filter(status=proposals.DRAFT).exclude(sponsors__state__code=state)
        out += [_item(p.title, _("seeks a second sponsor"), reverse("proposal", args=[p.ref])) for p in seek[:20]]
    if roles & {"council_delegate", "national_focal_point"} and state:
        owed = Implementation.objects.filter(
            state__code=state, status__in=[measures.DUE, measures.LATE], measure__status__in=measures.LIVE
        ).select_related("measure__proposal")
        out += [
            _item(str(i.measure), _("your state's act"), reverse("measure", args=[i.measure.ref]), i.due_at)
            for i in owed[:20]
        ]
    if "chair" in roles:
        out += [_item(str(m), _("to bring into force"), reverse("measure", args=[m.ref]))
                for m in Measure.objects.filter(status=measures.ADOPTED).select_related("proposal")[:20]]  # fmt: skip
    claim_steps = {
        "intake_officer": {claims.LODGED: _("to screen"), claims.URGENT_SCREENED: _("to register")},
        "survivor_advocate": {claims.REGISTERED: _("completeness"), claims.COMPLETENESS: _("to assessment"),
                              claims.AWARDED: _("to tell her and hear her answer"), claims.ACCEPTED: _("to deliver")},
        "eligibility_assessor": {claims.ASSESSMENT: _("to assess"), claims.SECOND_ASSESSMENT: _("second assessment")},
        "award_panel": {claims.ELIGIBLE: _("to award")},
    }  # fmt: skip
    if roles & {"intake_officer", "survivor_advocate"}:
        # What a correction made urgent is theirs wherever the claim stands; it is listed once.
        became = reparations.claims(by).filter(urgent_due_at__isnull=False).order_by("urgent_due_at")[:20]
        own = {s for role in roles & claim_steps.keys() for s in claim_steps[role]}
        out += [_item(_("Claim") + f" {c.ref} · {c.level}", urgent.became_words(c), reverse("claim", args=[c.ref]),
                      urgent.due_at(c), int(c.level[1:])) for c in became if urgent.waits(c) and c.status not in own]  # fmt: skip
    for role, statuses in claim_steps.items():
        if role in roles:
            out += [_item(_("Claim") + f" {c.ref} · {c.level}", urgent.what_waits(c, statuses[c.status]), reverse("claim", args=[c.ref]),
                          urgent.due_at(c), int(c.level[1:]))
                    for c in reparations.claims(by).filter(status__in=statuses)[:20]]  # fmt: skip
    for c, letter in corrections.waiting_for(by):
        what = _("corrects her file: the answer is overdue") if letter.is_late else _("corrects her file: to decide")
        out.append(
            _item(_("Claim") + f" {c.ref}", what, reverse("claim", args=[c.ref]) + "#corrections", letter.due_at)
        )
    out += [_item(_("Claim") + f" {c.ref}", _("award on facts that were corrected: to look at again"), reverse("claim", args=[c.ref]) + "#corrections")
            for c in corrections.awards_to_look_at(by)]  # fmt: skip
    pay = {
        "finance_approver": {payments.PLANNED: _("first approval"), payments.APPROVED_1: _("second approval")},
        "treasurer": {payments.APPROVED_2: _("to release"), payments.RELEASED: _("to settle"), payments.UNKNOWN: _("ask the bank")},
    }  # fmt: skip
    for role, statuses in pay.items():
        if role in roles:
            out += [_item(_("Payment") + f" {p.amount}", statuses[p.status], reverse("payment", args=[p.ref]))
                    for p in Payment.objects.filter(status__in=statuses)[:20]]  # fmt: skip
    if "finance_initiator" in roles:
        out += [_item(_("Award line") + f" {row[0]['text']}", _("instalment to plan"), row[0]["url"])
                for answer in question("lines_to_pay").ask() for row in answer[:20]]  # fmt: skip
    if roles & {"system_administrator", "registrar"}:
        asked = Grant.objects.filter(status=grants.ASKED).exclude(asked_by=by).select_related("person")
        out += [
            _item(f"{g.person}: {said(g.role.replace('_', ' '))}", _("role to confirm"), reverse("grant", args=[g.ref]))
            for g in asked[:20]
        ]
    return out
