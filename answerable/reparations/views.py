"""Repair: programmes, claims, awards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from answerable.accountability import lifecycle as finding_lifecycle
from answerable.accountability.models import Finding
from answerable.alliance.days import day_words
from answerable.alliance.sentences import word
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, moves, needs
from answerable.authority.principals import Place
from answerable.channel import steps
from answerable.common.errors import Refused
from answerable.common.hooks import question
from answerable.common.money import Money
from answerable.common.tables import label, taxonomy
from answerable.monitoring.access import get
from answerable.monitoring.forms import Day, many
from answerable.monitoring.models import Situation
from answerable.record.pages import chain
from answerable.reparations import access, actions, coarse, corrections, lifecycle, rules, urgent
from answerable.reparations.models import AwardLine, Claim, Programme
from answerable.safeguarding.forms import PlanFields, take_plan
from answerable.vault import keeping
from answerable.vault.consent import queries as consents
from answerable.vault.consent import survivor
from answerable.vault.custody import words as identity

AGES = steps.OWN["age"]


class ProgrammeForm(forms.Form):
    """A programme may be offered demands that it then may not make: the form shows them, the rule refuses them."""

    situation = forms.ModelChoiceField(
        label=gettext_lazy("Situation"), queryset=Situation.objects.filter(programme=None)
    )
    unit = forms.CharField(label=gettext_lazy("Value of one reparation unit"), initial="210.00", max_length=20)
    currency = forms.RegexField(r"^[A-Z]{3}$", label=gettext_lazy("Currency"), initial="USD", max_length=3)
    findings = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Findings it rests on"), required=False, widget=forms.CheckboxSelectMultiple,
        queryset=Finding.objects.filter(status__in=finding_lifecycle.IN_FORCE),
    )  # fmt: skip
    recognition = forms.CharField(
        label=gettext_lazy("Or: UN listing, court or law that recognises it"), required=False, max_length=120
    )


class ClaimForm(PlanFields):
    """What §5.4 requires to lodge, and no more. Nothing here asks for a complaint, a report or a name of anyone."""

    referral_offered = forms.BooleanField(label=gettext_lazy("Care and referral were offered first (SC-8)"))
    claim_type = forms.ChoiceField(
        label=gettext_lazy("Class of claimant"),
        choices=lambda: [("", "–")] + [(c, word("claim_type", c)) for c in rules.FLAT_RU],
    )
    alias = forms.CharField(
        label=gettext_lazy("Name or alias she likes to be called by"),
        max_length=80,
        help_text=gettext_lazy("Sealed on arrival."),
    )
    age_band = forms.ChoiceField(label=gettext_lazy("Age"), choices=[("", "–"), *AGES])
    country = forms.ChoiceField(
        label=gettext_lazy("Country she lives in"), choices=lambda: [("", "–"), *coarse.countries()]
    )
    language = forms.RegexField(r"^[A-Za-z]{2,3}(-[A-Za-z]{2,4})?$", label=gettext_lazy("Language"), max_length=8,
                                help_text=gettext_lazy("A code, like ar or fr."))  # fmt: skip
    safe_contact = forms.CharField(label=gettext_lazy("How to reach her safely"), widget=forms.Textarea(attrs={"rows": 2}), max_length=4000,
                                   help_text=gettext_lazy("Hours, words, who may answer; or “do not contact”. Sealed on arrival."))  # fmt: skip
    events_from = Day(
        label=gettext_lazy("From about"),
        help_text=gettext_lazy("A day near it is enough. Sealed; only the quarter is kept in the open."),
    )
    events_to = Day(label=gettext_lazy("To about"), required=False)
    area1 = forms.ChoiceField(label=gettext_lazy("Area, roughly"))
    area2 = forms.CharField(
        label=gettext_lazy("Place, if she wishes"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Sealed on arrival."),
    )
    forms_ = many(
        "violence_form",
        gettext_lazy("Forms of violence"),
        help_text=gettext_lazy("Nothing need be ticked: she may prefer not to say."),
    )
    account = forms.CharField(label=gettext_lazy("What she wishes to tell"), required=False, widget=forms.Textarea(attrs={"rows": 5}), max_length=40_000,
                              help_text=gettext_lazy("Nothing is compulsory. Sealed on arrival."))  # fmt: skip
    preferences = forms.CharField(
        label=gettext_lazy("Forms of reparation she would like, or refuses"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    flags = many("urgency_flag", gettext_lazy("Urgent needs"))
    supporting_items = forms.IntegerField(
        label=gettext_lazy("Papers she chose to bring"), min_value=0, initial=0, required=False
    )
    purposes = many(
        "consent_purpose",
        gettext_lazy("What she consents to, each on its own"),
        help_text=gettext_lazy("Only “reparation claim” is needed. Refusing any other changes nothing."),
    )
    guardian = forms.BooleanField(
        label=gettext_lazy("She is under 18, and an adult she trusts is here and consents with her"), required=False,
        help_text=gettext_lazy("Without one the claim is lodged all the same; her consent waits for that adult (SC-11)."),
    )  # fmt: skip
    assent = forms.BooleanField(
        label=gettext_lazy("The child assents"),
        required=False,
        help_text=gettext_lazy("Needed when a guardian consents."),
    )
    guardian_not_implicated = forms.BooleanField(
        label=gettext_lazy("The guardian is not implicated in what happened"), required=False,
        help_text=gettext_lazy("Needed when a guardian consents."),
    )  # fmt: skip
    declared_true = forms.BooleanField(label=gettext_lazy("She declares that this is true (spoken, signed or thumb)"))

    def __init__(self, *args: Any, programme: Programme | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area1"].choices = [("", "–"), *coarse.areas(programme)]  # type: ignore[attr-defined]
        sealed = _(
            "Who she is, if she wishes: sealed for two custodians of different bodies, and readable by nobody here."
        )
        for n, (code, words) in enumerate(identity.fields().items()):
            self.fields[f"identity_{code}"] = forms.CharField(
                label=words.capitalize(), required=False, max_length=400, help_text="" if n else sealed
            )
        # Care first, and how she may be reached last, as a section of its own.
        plan = [name for name in self.fields if name.startswith("plan_")]
        self.order_fields(["referral_offered", *(n for n in self.fields if n not in plan), *plan])

    def clean(self) -> dict[str, Any]:
        """Gather who she is in one place; what was left empty was not given."""
        data = super().clean() or {}
        given = {code: data.pop(f"identity_{code}", "").strip() for code in identity.fields()}
        data["identity"] = {code: text for code, text in given.items() if text} or None
        return data


CORRECT, BESIDE, DECLINE = "correct", "beside", "decline"
# What each choice does; a person is offered what authority allows them.
WAYS = {CORRECT: "correct_claim", BESIDE: "note_statement", DECLINE: "decline_correction"}


class CorrectionForm(forms.Form):
    """What is done with what she corrects. Whatever is left empty stays as it is."""

    message = forms.ChoiceField(label=gettext_lazy("Which correction"))
    decision = forms.ChoiceField(
        label=gettext_lazy("What is done"), widget=forms.RadioSelect,
        choices=[(CORRECT, gettext_lazy("It is carried out: her file is changed")),
                 (BESIDE, gettext_lazy("It is put beside her file as her statement (where a decision was made)")),
                 (DECLINE, gettext_lazy("It is declined, with a reason that she reads"))],
    )  # fmt: skip
    events_from = Day(label=gettext_lazy("From about"), required=False)
    events_to = Day(label=gettext_lazy("To about"), required=False,
                    help_text=gettext_lazy("Left empty, the last day stays as her file has it. For a single day write it in both."))  # fmt: skip
    area1 = forms.ChoiceField(label=gettext_lazy("Area, roughly"), required=False)
    area2 = forms.CharField(label=gettext_lazy("Where, more closely"), max_length=40, required=False)
    country = forms.ChoiceField(label=gettext_lazy("Country she lives in"), required=False)
    age_band = forms.ChoiceField(label=gettext_lazy("Age"), choices=[("", "–"), *AGES], required=False,
                                 help_text=gettext_lazy("A tick that cannot be true beside it falls with it: “not yet 18”, or 60 and older."))  # fmt: skip
    urgent = many("urgency_flag", gettext_lazy("Urgent as well"))
    not_urgent = many("urgency_flag", gettext_lazy("Ticked as urgent, and not so"))
    language = forms.CharField(label=gettext_lazy("Language"), max_length=8, required=False,
                               help_text=gettext_lazy("A code, like ar or fr."))  # fmt: skip
    claim_type = forms.ChoiceField(
        label=gettext_lazy("Class of claimant"), required=False,
        choices=lambda: [("", "–")] + [(c, word("claim_type", c)) for c in rules.FLAT_RU],
    )  # fmt: skip
    alias = forms.CharField(label=gettext_lazy("The name to call her by"), max_length=80, required=False)
    account = forms.CharField(label=gettext_lazy("In her own words"), max_length=40_000, required=False,
                              widget=forms.Textarea(attrs={"rows": 5}),
                              help_text=gettext_lazy("A new version, sealed; the earlier one stays sealed beside it."))  # fmt: skip
    preferences = forms.CharField(label=gettext_lazy("What she wishes for"), max_length=4000, required=False,
                                  widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip
    safe_contact = forms.CharField(label=gettext_lazy("The safe way to reach her"), max_length=4000, required=False,
                                   widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip
    reason = forms.ChoiceField(label=gettext_lazy("Reason that she reads on her page"), required=False)
    words = forms.CharField(label=gettext_lazy("What you write to her about it"), max_length=18_000, required=False,
                            widget=forms.Textarea(attrs={"rows": 3}),
                            help_text=gettext_lazy("Left at her door with the hours of any answer."))  # fmt: skip

    def __init__(
        self, *args: Any, claim: Claim, letters: list[corrections.Letter], ways: Sequence[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        flags = [(f, label("urgency_flag", f, get_language() or "en")) for f in taxonomy("urgency_flag")]
        decision = self.fields["decision"]
        decision.choices = [(d, w) for d, w in decision.choices if WAYS[d] in ways]  # type: ignore[attr-defined]
        lists = {
            "urgent": [(f, w) for f, w in flags if f not in claim.flags], "not_urgent": [(f, w) for f, w in flags if f in claim.flags],
            "message": [(x.message, corrections.waits_words(x)) for x in letters], "area1": [("", "–"), *coarse.areas(claim.programme)],
            "country": [("", "–"), *coarse.countries()], "reason": [("", "–"), *corrections.reasons().items()],
        }  # fmt: skip
        for name, choices in lists.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        for name, field in list(self.fields.items()):
            if name in ("message", "decision"):
                continue
            way = DECLINE if name in ("reason", "words") else CORRECT
            field.only_if = ("decision", [way])  # type: ignore[attr-defined]
            if WAYS[way] not in ways or name == "not_urgent" and not claim.flags:
                del self.fields[name]


class AwardForm(forms.Form):
    """Supplements and instalments."""

    serious_injury = forms.BooleanField(label=gettext_lazy("Serious-injury supplement (RF-C06)"), required=False)
    children = forms.IntegerField(label=gettext_lazy("Children (RF-C07)"), min_value=0, max_value=20, initial=0)
    instalments = forms.IntegerField(label=gettext_lazy("Instalments"), min_value=1, max_value=12, initial=1)


@needs("see_programmes", "repair")
def repair(request: Request) -> HttpResponse:
    """Programmes, and the queue for whoever works on claims."""
    programmes = [
        [{"url": reverse("programme", args=[p.ref]), "text": p.situation.name}, {"status": p.status}, str(p.unit)]
        for p in access.programmes(request.user)
    ]
    tables = [{"title": _("Programmes"), "head": [_("Situation"), _("State"), _("Unit")], "rows": programmes}]
    links = [card for cards in question("object_cards").ask(request.user, None) for card in cards]
    if authority.allows(request.user, "see_claims", Place("claims")):
        rows = [
            [{"url": reverse("claim", args=[c.ref]), "text": c.ref}, f"{urgent.words(c) or c.level} · {c.score}", {"status": c.status},
             day_words(c.lodged_at.date()), {"clock": urgent.due_at(c)}]
            for c in access.claims(request.user).exclude(status__in=["CLOSED", "WITHDRAWN", "DELIVERED"])[:200]
        ]  # fmt: skip
        tables.append({"title": _("Claims, most urgent first"), "rows": rows,
                       "head": [_("Claim"), _("Urgency"), _("State"), _("Lodged"), _("Clock")]})  # fmt: skip
    if authority.allows(request.user, "propose_programme", Place("programmes")):
        links.append({"url": reverse("propose-programme"), "words": _("Designate a situation")})
    if authority.allows(request.user, "see_care", Place("care")):
        links.append({"url": reverse("care"), "words": _("Care and referrals")})
    if authority.allows(request.user, "see_directory", Place("directory")):
        links.append({"url": reverse("directory"), "words": _("Directory")})
    if authority.allows(request.user, "see_threads", Place("threads")):
        links.append({"url": reverse("threads"), "words": _("Messages")})
    return render(request, "list.html", {"heading": _("Repair"), "tables": tables, "links": links})


@needs("propose_programme", "programmes")
def propose_programme(request: Request) -> HttpResponse:
    """Designate a situation."""

    def act(data: dict[str, Any]) -> HttpResponse:
        unit = Money.parse(data["unit"], data["currency"])
        made = actions.propose_programme(
            data["situation"],
            unit=unit,
            findings=list(data["findings"]),
            recognition=data["recognition"],
            by=request.user,
        )
        return done(request, _("The programme is proposed."), "programme", made.ref)

    return form_page(request, ProgrammeForm(request.POST or None), heading=_("Designate a situation"), button=_("Propose"), act=act,
                     lead=_("A programme asks nobody for a complaint, an investigation or a conviction; one that did would be refused."),
                     cancel=reverse("repair"))  # fmt: skip


@needs("see_programmes", "repair")
def programme(request: Request, ref: str) -> HttpResponse:
    """One programme."""
    this = get(access.programmes(request.user), ref)
    words = {"begin_co_design": _("Begin co-design with survivors"), "open_programme": _("Open for claims"),
             "close_to_new": _("Close to new claims"), "wind_down": _("Wind down"), "close_programme": _("Close")}  # fmt: skip
    links = []
    if this.status == lifecycle.OPEN and authority.allows(request.user, "lodge_claim", this):
        links.append({"url": reverse("lodge-claim", args=[this.ref]), "words": _("Lodge a claim")})
    facts = [(_("Situation"), this.situation), (_("Schedule"), this.schedule), (_("One unit"), this.unit),
             (_("A direct survivor's award"), this.unit * rules.FLAT_RU["CL-DIR"]),
             (_("Asked of claimants"), _("No complaint, no medical report, no named perpetrator, no conviction."))]  # fmt: skip
    return render(request, "object.html", {"heading": str(this.situation), "object": this, "facts": facts, "links": links,
                  **moves(request.user, this, words, lifecycle.PROGRAMME_MOVES, reverse("move-programme", args=[this.ref])),
                  **chain(request.user, this.ref)})  # fmt: skip


@require_POST
@needs("see_programmes", "repair")
def move_programme(request: Request, ref: str) -> HttpResponse:
    """One move of a programme."""
    this = get(access.programmes(request.user), ref)
    name = request.POST.get("move", "")
    actions.move_programme(this, name if name in lifecycle.PROGRAMME_MOVES else "open_programme", by=request.user)
    return done(request, _("Done."), "programme", this.ref)


@needs("see_claims")
def lodge_claim(request: Request, ref: str) -> HttpResponse:
    """Lodge a claim with a survivor."""
    this = get(access.programmes(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        data["forms"] = data.pop("forms_")
        data["contact_plan"] = take_plan(data)
        data["supporting_items"] = data["supporting_items"] or 0
        made = actions.lodge_claim(this, **data, by=request.user)
        return done(request, _("The claim is lodged. Everything that could point to her is sealed."), "claim", made.ref)

    return form_page(request, ClaimForm(request.POST or None, programme=this), heading=_("Lodge a claim"), button=_("Lodge"), act=act,
                     lead=_("Offer care first. Nothing is compulsory but what says so; she may stop at any time."),
                     cancel=reverse("programme", args=[ref]))  # fmt: skip


def _claim_words() -> dict[str, str]:
    return {
        "screen": _("Urgent needs screened"), "register_claim": _("Register"), "check_completeness": _("Check completeness"),
        "ask_information": _("Ask for something missing"), "begin_assessment": _("Begin assessment"),
        "accept_award": _("She accepts the award"), "begin_delivery": _("Begin delivery"),
        "confirm_delivery": _("She confirms delivery"), "close_claim": _("Close"), "reopen_claim": _("She opens it again"),
    }  # fmt: skip


@needs("see_claims")
def claim(request: Request, ref: str) -> HttpResponse:
    """One claim, coarse on purpose; sealed fields open one by one, for a purpose, with a record entry."""
    this: Claim = get(access.claims(request.user), ref)
    award = getattr(this, "award", None)
    facts = [
        (_("Programme"), this.programme.situation), (_("Class"), word("claim_type", this.claim_type)),
        (_("When, where"), f"{this.quarter}, {coarse.words(this.area1)}"), (_("Age"), coarse.age_words(this.age_band)), (_("Lives in"), coarse.words(this.country)),
        (_("Urgency"), f"{urgent.words(this) or this.level}, {this.score}"),
        (_("Presumed by"), this.presumed_by or "–"),
    ]  # fmt: skip
    if this.awaiting:
        what = ", ".join(label("consent_purpose", p, get_language() or "en") for p in this.awaiting)
        waits = (_("waits for an adult who consents with the child (SC-11); she herself said yes to: %(what)s") if this.is_childs else
                 _("waits for herself, who is not under 18 by her corrected age; she had said yes to: %(what)s"))  # fmt: skip
        facts.append((_("Consent"), waits % {"what": what}))
    if award:
        facts += [(_("Award"), f"{award.units} RU = {award.gross}"), (_("Net of what was received"), award.net)]
    purpose = (
        "adjudication" if authority.allows(request.user, "read_sealed", this, purpose="adjudication") else "contact"
    )
    fields = ["account", "area2", "preferences"] if purpose == "adjudication" else ["alias", "safe_contact"]
    if purpose == "adjudication" and this.corrections.filter(outcome=lifecycle.BESIDE).exists():
        fields.append("statement")
    readable = authority.allows(request.user, "read_sealed", this, purpose=purpose)
    links = [card for cards in question("object_cards").ask(request.user, this) for card in cards]
    if authority.allows(request.user, "see_contact", Place("contact")):
        links.append({"url": reverse("contact", args=[this.ref]), "words": _("Safe contact")})
    return render(
        request, "reparations/claim.html",
        {"heading": _("Claim"), "object": this, "facts": facts, "checks": this.criteria,
         "due": urgent.due_at(this), "became_urgent": urgent.became_words(this),
         "may_screen": urgent.waits(this) and authority.allows(request.user, "screen", this),
         "may_assess": this.status in {lifecycle.ASSESSMENT, lifecycle.SECOND_ASSESSMENT} and authority.allows(request.user, "assess_claim", this),
         "may_award": this.status == lifecycle.ELIGIBLE and authority.allows(request.user, "award", this),
         "fields": [(f, SEALED_WORDS[f]) for f in fields] if readable else [], "locked": request.user.vault_session is None,
         "consents": consents.standing(this.ref), "consent_ref": this.ref,
         "closing": survivor.closing_words(this.ref),
         "may_consent": authority.allows(request.user, "withdraw_consent", consents.subject_of(this)),
         "corrections": corrections.on_claim(request.user, this),
         "may_look": authority.allows(request.user, "look_at_corrected_award", this)
         and this.corrections.filter(award_look=lifecycle.LOOK_WAITS).exists(),
         "lines": AwardLine.objects.filter(award_key=award.ref) if award else [],
         "links": links,
         **moves(request.user, this, _claim_words(), lifecycle.CLAIM_MOVES, reverse("move-claim", args=[this.ref])),
         **chain(request.user, this.ref)},
    )  # fmt: skip


@require_POST
@needs("see_claims")
def move_claim(request: Request, ref: str) -> HttpResponse:
    """One move of a claim."""
    this = get(access.claims(request.user), ref)
    name = request.POST.get("move", "")
    actions.move_claim(this, name if name in _claim_words() else "screen", by=request.user)
    return done(request, _("Done."), "claim", this.ref)


@require_POST
@needs("see_claims")
def assess_claim(request: Request, ref: str) -> HttpResponse:
    """An assessor's word on the account."""
    this = get(access.claims(request.user), ref)
    made = actions.assess_claim(this, coherent=request.POST.get("coherent") == "yes", by=request.user)
    return done(
        request, _("Assessed: %(status)s.") % {"status": made.status.replace("_", " ").lower()}, "claim", this.ref
    )


@needs("see_claims")
def award_claim(request: Request, ref: str) -> HttpResponse:
    """Award by the schedule."""
    this = get(access.claims(request.user), ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.award_claim(this, **data, by=request.user)
        return done(request, _("The award is decided."), "claim", this.ref)

    return form_page(request, AwardForm(request.POST or None, initial={"children": 0, "instalments": 1}),
                     heading=_("Award"), button=_("Award"), act=act, cancel=reverse("claim", args=[ref]))  # fmt: skip


@needs("see_claims")
def decide_correction(request: Request, ref: str) -> HttpResponse:
    """Decide what she corrects: carry it out, put it beside her file, or decline it."""
    this: Claim = get(access.claims(request.user), ref)
    ways = corrections.ways(request.user, this)
    wished = WAYS.get(request.POST.get("decision", ""), "")
    if not ways or wished and wished not in ways:
        try:
            authority.require(request.user, wished or "correct_claim", this)
        except Refused as no:
            if request.method == "POST":
                raise
            return _not_waiting(request, this, no)
    waiting = corrections.open_in([ref])
    if request.method == "POST":
        try:
            corrections.to_decide(this, request.POST.get("message", ""))
        except Refused as no:
            return _not_waiting(request, this, no)
    elif not waiting:
        return _not_waiting(request, this)

    def act(data: dict[str, Any]) -> HttpResponse:
        try:
            return decided(data)
        except Refused as no:
            if no.reason == "over":  # another was faster
                return _not_waiting(request, this, no)
            raise

    def decided(data: dict[str, Any]) -> HttpResponse:
        message, decision = data["message"], data["decision"]
        if decision == BESIDE:
            actions.note_statement(this, message, by=request.user)
            said = _("It is put beside her file as her statement.")
        elif decision == DECLINE:
            actions.decline_correction(this, message, reason=data["reason"], words=data["words"], by=request.user)
            said = _("It is declined; she reads why on her page.")
        else:
            facts = {f: data[f] for f in (*corrections.CODED, *corrections.SEALED) if data.get(f)}
            facts |= {f: facts[f].isoformat() for f in ("events_from", "events_to") if f in facts}
            made = actions.correct_claim(this, message, facts=facts, urgent=data.get("urgent", ()),
                                         not_urgent=data.get("not_urgent", ()), by=request.user)  # fmt: skip
            said = " ".join([_("It is carried out; she reads on her page what was changed."),
                             *(corrections.touched_words(t) for t in made.touched)])  # fmt: skip
        return done(request, said, reverse("claim", args=[ref]) + "#corrections")

    form = CorrectionForm(request.POST or None, claim=this, letters=waiting, ways=ways,
                          initial={"message": request.GET.get("message", "")})  # fmt: skip
    return form_page(request, form, heading=_("Decide a correction"), button=_("Decide"), act=act, cancel=reverse("claim", args=[ref]),
                     lead=_("Read first in her messages what she wrote. She has 30 days' right to an answer, and reads it on her own page."))  # fmt: skip


def _not_waiting(request: Request, claim: Claim, refused: Refused | None = None) -> HttpResponse:
    """In place of the form, where nothing of it can be decided: why not, and how each correction stands, read anew."""
    if refused is None and not corrections.still([claim.ref]):
        refused = Refused(corrections.taken_back_words(), reason="over")
    back = reverse("claim", args=[claim.ref]) + "#corrections"
    context = {"sentence": str(refused or ""), "back": back, "corrections": corrections.on_claim(request.user, claim)}
    status = 409 if request.method == "POST" else 200
    return render(request, "reparations/not_waiting.html", context, status=status)


@require_POST
@needs("see_claims")
def look_at_corrected_award(request: Request, ref: str) -> HttpResponse:
    """Whether an award holds whose facts were corrected."""
    this = get(access.claims(request.user), ref)
    actions.look_at_corrected_award(this, holds=request.POST.get("holds") == "yes", by=request.user)
    return done(request, _("Looked at again; she reads it on her page."), "claim", this.ref)


READ_FOR = {
    "statement": "adjudication", "account": "adjudication", "area2": "adjudication", "preferences": "adjudication", "events_from": "adjudication",
    "events_to": "adjudication", "alias": "contact", "safe_contact": "contact",
}  # fmt: skip


SEALED_WORDS = {
    "account": gettext_lazy("In her own words"), "area2": gettext_lazy("Where, more closely"),
    "preferences": gettext_lazy("What she wishes for"), "events_from": gettext_lazy("From when"),
    "events_to": gettext_lazy("Until when"), "alias": gettext_lazy("The name to call her by"),
    "safe_contact": gettext_lazy("The safe way to reach her"),
    "statement": gettext_lazy("Her statement, beside her file"),
}  # fmt: skip


@require_POST
@needs("see_claims")
def read_claim(request: Request, ref: str) -> HttpResponse:
    """Open one sealed field of a claim for its purpose, or every field that purpose covers, in one entry."""
    this = get(access.claims(request.user), ref)
    field = request.POST.get("field", "")
    if field == "all":
        adjudicates = authority.allows(request.user, "read_sealed", this, purpose="adjudication")
        purpose = "adjudication" if adjudicates else "contact"
        fields = [f for f, p in READ_FOR.items() if p == purpose and f != "statement"]
    else:
        field = field if field in READ_FOR else "account"
        purpose, fields = READ_FOR[field], [field]
    token = request.user.vault_session
    opened: list[tuple[Any, str]] = []
    if fields != ["statement"]:
        texts = corrections.open_current(this, fields, purpose=purpose, token=token)
        opened = [(SEALED_WORDS[name], texts[name]) for name in fields]
    if "statement" in fields or field == "all" and purpose == "adjudication":
        for c in this.corrections.filter(outcome=lifecycle.BESIDE):
            text = keeping.open_fields(c.ref, ["statement"], purpose=purpose, token=token)["statement"]
            opened.append((SEALED_WORDS["statement"], text))
    return render(request, "reparations/opened.html", {"claim": this, "opened": opened})
