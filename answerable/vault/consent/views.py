"""The office's pages about consent: what she allows, one purpose at a time; withdrawals with their clocks; recalls."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from answerable.alliance.models import Body
from answerable.authority import engine as authority
from answerable.authority.pages import Request, done, form_page, needs
from answerable.authority.principals import Place
from answerable.common.hooks import question
from answerable.common.references import normalise
from answerable.common.tables import label
from answerable.record.pages import describe
from answerable.vault.consent import actions, queries, rules, survivor
from answerable.vault.consent import models as m
from answerable.vault.consent.entities import effect_words, waiting_for_answers
from answerable.vault.consent.models import Consent, Transfer, Withdrawal
from answerable.vault.models import SealedField


def heard_choices() -> list[tuple[str, str]]:
    """Where a withdrawal was heard."""
    words = {"phone": _("by phone"), "office": _("in the office"), "visit": _("on a visit"), "letter": _("by letter"),
             "partner": _("through a partner"), "channel": _("over the channel"), "representative": _("through her representative")}  # fmt: skip
    return [(code, words[code]) for code in actions.HEARD]


def asked_words() -> dict[str, str]:
    """What she is asked, purpose by purpose, in words that can be read to her as they stand (form A3, domain.md §7)."""
    return {
        "CP-CARE": _("May we pass on, to one service of care or protection that you choose, what it needs to help you?"),
        "CP-STAT": _("May we count what you told in totals from which nobody can be recognised?"),
        "CP-MONI": _("May we use what you told to establish what happens in this conflict?"),
        "CP-FIND": _("May a finding of the alliance rest on what you told, without your name?"),
        "CP-NARR": _("May we publish what happened to you as a text from which nobody can recognise you?"),
        "CP-MEMB": _("May member states see totals in which you are counted? They never see anything about you alone."),
        "CP-UNIT": _("May we give what you told to a mechanism of the United Nations that we name to you first?"),
        "CP-CRIM": _("May we give what you told to a court or prosecutor that we name to you first?"),
        "CP-SANC": _("May what you told be protected evidence when measures against someone are prepared?"),
        "CP-CLAI": _("May we look at your claim for reparation and decide on it?"),
        "CP-MATC": _("May we check with other programmes whether you were already compensated?"),
        "CP-CONT": _("May we contact you again, only in the ways and at the hours you say?"),
        "CP-RESE": _("May approved research use what you told, after everything that points to you is taken out?"),
        "CP-MEMO": _("May your name, voice or story be used in public, for remembrance or testimony?"),
        "CP-ARCH": _("May what you told be kept sealed for a long time, for later generations?"),
    }  # fmt: skip


def recognised_words() -> dict[str, str]:
    """How far someone may be recognised, each degree explained."""
    return {
        "ID-0": _("She is one in a total, and nobody can tell that she is in it."),
        "ID-1": _("What happened may be read, without anything that tells whose account it is."),
        "ID-2": _("Her account is read under a reference or an alias, never under her name."),
        "ID-3": _("Whoever uses it may learn who she is."),
    }


class AnswerForm(forms.Form):
    """Form A3, for one purpose. What no withdrawal brings back stands above it."""

    given = forms.TypedChoiceField(label=gettext_lazy("Her answer"), coerce=lambda v: v == "yes", widget=forms.RadioSelect,
                                   choices=[("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No"))])  # fmt: skip
    audience = forms.MultipleChoiceField(
        label=gettext_lazy("Who may use it"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Needed for a yes: tick at least one."),
    )  # fmt: skip
    identifiability = forms.ChoiceField(label=gettext_lazy("How far she may be recognised"))
    expires_on = forms.DateField(label=gettext_lazy("Until (empty: until she says otherwise)"), required=False,
                                 widget=forms.DateInput(attrs={"type": "date"}))  # fmt: skip
    giver = forms.ChoiceField(label=gettext_lazy("Who consents"), initial="self", choices=[
        ("self", gettext_lazy("she herself")), ("guardian", gettext_lazy("a guardian, with the child's assent")),
        ("representative", gettext_lazy("her representative"))])  # fmt: skip
    child = forms.BooleanField(label=gettext_lazy("She is a child"), required=False)
    assent = forms.BooleanField(
        label=gettext_lazy("The child assents"),
        required=False,
        help_text=gettext_lazy("Needed when a guardian consents."),
    )
    guardian_not_implicated = forms.BooleanField(
        label=gettext_lazy("The guardian is not implicated in what happened"), required=False,
        help_text=gettext_lazy("Needed when a guardian consents."),
    )  # fmt: skip
    method = forms.ChoiceField(label=gettext_lazy("How"), choices=[
        ("spoken", gettext_lazy("spoken")), ("signed", gettext_lazy("signed")), ("thumb", gettext_lazy("thumb print"))])  # fmt: skip
    language = forms.CharField(label=gettext_lazy("Language"), max_length=8, required=False)
    interpreter = forms.BooleanField(label=gettext_lazy("With an interpreter"), required=False)
    understanding_checked = forms.BooleanField(
        label=gettext_lazy("She said in her own words what it means"), required=False,
        help_text=gettext_lazy("Needed for a yes."),
    )  # fmt: skip
    withdrawal_channel_told = forms.BooleanField(
        label=gettext_lazy("She knows how to withdraw it at any time"), required=False,
        help_text=gettext_lazy("Needed for a yes."),
    )  # fmt: skip

    def __init__(self, *args: Any, purpose: str, by: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = rules.purposes()[purpose]
        fields: Any = self.fields
        fields["audience"].choices = [
            (a, survivor.audience_words([a], to_her=False)) for a in row.audiences if a != "partner"
        ]
        if "partner" in row.audiences:
            partners = Body.objects.filter(kind=Body.PARTNER)
            if by.body.kind == Body.PARTNER:
                partners = partners.filter(
                    pk=by.body_id
                )  # which other organisations work here is not said to one of them
            fields["audience"].choices += [(f"partner:{b.ref}", b.name) for b in partners]
        fields["audience"].initial = [row.audience]
        # Nothing is chosen for her: how far is asked, and what the purpose needs is said beside it.
        fields["identifiability"].choices = [("", _("Choose"))] + [
            (i, label("identifiability", i)) for i in ("ID-0", "ID-1", "ID-2", "ID-3") if i <= row.limit
        ]
        fields["identifiability"].help_text = _("This purpose is of use from here on: %(extent)s.") % {
            "extent": label("identifiability", row.identifiability)
        }


class TransferForm(forms.Form):
    """Something given out, for the disclosure ledger."""

    purpose = forms.ChoiceField(label=gettext_lazy("Under which consent"))
    recipient = forms.ModelChoiceField(
        label=gettext_lazy("To whom"), queryset=Body.objects.exclude(kind=Body.DELEGATION).order_by("name")
    )
    fields_ = forms.MultipleChoiceField(label=gettext_lazy("Which fields"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, subject: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        able = {o.purpose for o in rules.operations().values() if o.operation == "transfer"}
        fields: Any = self.fields
        fields["purpose"].choices = [(p, survivor.purpose_words(p)) for p in queries.in_force(subject.ref) if p in able]
        names = [f.name for f in type(subject)._meta.concrete_fields if isinstance(f, SealedField)]
        fields["fields_"].choices = [(n, n.replace("_", " ")) for n in ["facts", *names]]


def _subject(request: Request, ref: str) -> Any:
    """What a consent is about, for whoever may write down her word on it; a 404 that reveals nothing otherwise."""
    found = [o for o in question("sealed_object").ask(normalise(ref)) if o is not None]
    if not found or describe(request.user, _shown(found[0])) is None:
        raise Http404
    if not authority.allows(request.user, "withdraw_consent", queries.subject_of(found[0])):
        raise Http404
    return found[0]


def _shown(obj: Any) -> str:
    """The reference of the page that shows an object: an item is shown on its incident's."""
    return obj.incident.ref if hasattr(obj, "incident") else obj.ref


def _back(obj: Any) -> str:
    return reverse("by-ref", args=[_shown(obj)])


@needs("see_today", "consents")
def consents(request: Request, ref: str) -> HttpResponse:
    """What she allows, to whom, until when; each purpose is asked and answered on its own."""
    this = _subject(request, ref)
    held = queries.subject_of(this)
    return render(
        request, "vault/consents.html",
        {"subject": this, "whole": held.kind == "INC", "back": _back(this), "choices": survivor.choices(this.ref, to_her=False), "heard": heard_choices(),
         "nobodys": "" if getattr(this, "personal", True) else _(actions.NOBODYS),
         "closed": queries.is_closed(this.ref), "history": Consent.objects.filter(subject=this.ref).order_by("-id")[:60],
         "may_give": authority.allows(request.user, "give_consent", held),
         "may_transfer": authority.allows(request.user, "record_transfer", held),
         "everything": rules.EVERYTHING, "transfers": Transfer.objects.filter(subject=this.ref),
         "withdrawals": Withdrawal.objects.filter(subject=this.ref),
         "shown": set(queries.receipts(request.user).filter(subject=this.ref).values_list("pk", flat=True))},
    )  # fmt: skip


@needs("see_today", "consents")
def give_consent(request: Request, ref: str, purpose: str) -> HttpResponse:
    """Ask about one purpose, with what cannot be called back said first."""
    this = _subject(request, ref)
    if purpose not in rules.purposes():
        raise Http404

    def act(data: dict[str, Any]) -> HttpResponse:
        answer = rules.Terms(
            purpose, data["given"], tuple(data["audience"]), data["identifiability"], data["expires_on"], data["giver"],
            data["assent"], data["guardian_not_implicated"], data["understanding_checked"],
            data["withdrawal_channel_told"],
        )  # fmt: skip
        actions.give_consent(
            this, [answer], child=data["child"], language=data["language"], method=data["method"],
            interpreter=data["interpreter"], by=request.user,
        )  # fmt: skip
        return done(request, _("Her answer is written down."), "consents", this.ref)

    row = rules.purposes()[purpose]
    more = {
        "subject": this, "question": asked_words()[purpose], "cannot_recall": _(rules.cannot_be_recalled(purpose)),
        "audience": survivor.audience_words(row.audiences, to_her=False),
        "degrees": [(code, words) for code, words in recognised_words().items() if code <= row.limit],
    }  # fmt: skip
    return form_page(
        request,
        AnswerForm(request.POST or None, purpose=purpose, by=request.user, initial={"child": getattr(this, "is_childs", False)}),
        heading=survivor.purpose_words(purpose),
        button=_("Write down her answer"), act=act, cancel=reverse("consents", args=[this.ref]), more=more,
        lead=_("Say all of this before you ask. A no needs no reason and changes nothing else."),
        template="vault/ask_consent.html",
    )  # fmt: skip


@require_POST
@needs("see_today", "consents")
def withdraw_consent(request: Request, ref: str) -> HttpResponse:
    """She withdraws one purpose, or everything. Nothing is asked but where it was heard."""
    this = _subject(request, ref)
    made = actions.withdraw_consent(
        this, request.POST.getlist("purpose"), heard_through=request.POST.get("heard", ""), by=request.user
    )
    return done(
        request, _("It holds from this moment. Read her the receipt, or let her keep it."), "withdrawal", made.ref
    )


@needs("see_today", "consents")
def record_transfer(request: Request, ref: str) -> HttpResponse:
    """Note that something is given out; refused without a live consent that covers it."""
    this = _subject(request, ref)

    def act(data: dict[str, Any]) -> HttpResponse:
        actions.record_transfer(this, data["purpose"], data["recipient"], data["fields_"], by=request.user)
        return done(request, _("It is in the ledger; she sees it on her page."), "consents", this.ref)

    return form_page(request, TransferForm(request.POST or None, subject=this), heading=_("Note what is given out"),
                     button=_("Note"), act=act, lead=_("Nothing about a person goes to a state's delegation, with any consent."),
                     cancel=reverse("consents", args=[this.ref]))  # fmt: skip


@needs("see_withdrawals", "withdrawals")
def withdrawals(request: Request) -> HttpResponse:
    """Withdrawals with what is still due, and recalls with who has not confirmed."""
    by: Any = request.user
    rows = []
    for w in queries.withdrawals(by)[:200]:
        due = [e["due_at"] for e in w.effects if e["due_at"] and not e["done_at"]]
        rows.append({"withdrawal": w, "due": _instant(min(due)) if due and w.status != m.UNDONE else None,
                     "what": ", ".join(survivor.purpose_words(p) for p in w.purposes)})  # fmt: skip
    recalled = queries.transfers(by).filter(recalled_at__isnull=False)
    notified, answered = recalled.count(), recalled.exclude(answered_at=None).count()
    return render(
        request, "vault/withdrawals.html",
        {"rows": rows, "kept": queries.withdrawals(by).exclude(refused="")[:20], "waiting": waiting_for_answers(by), "answers": actions.ANSWERS, "notified": notified,
         "answered": answered, "percent": rules.acknowledged(answered, notified),
         "may_answer": "data_protection_officer" in by.roles},
    )  # fmt: skip


def _instant(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


@needs("see_receipts", "withdrawals")
def withdrawal(request: Request, ref: str) -> HttpResponse:
    """One withdrawal: each consequence with its clock, its receipt, and whether it may still be taken back.

    Whoever wrote it down and does not carry withdrawals out is shown what follows and the receipt, to read to her: no step.
    """
    this = get_object_or_404(queries.receipts(request.user), ref=normalise(ref))
    works = authority.allows(request.user, "see_withdrawals", Place("withdrawals"))
    held, words = queries.subject_of(this), effect_words()
    lines = [
        {"sentence": _(rules.EFFECTS[e["code"]].sentence), "purpose": survivor.purpose_words(e["purpose"]), "code": e["code"],
         "done": _instant(e["done_at"]) if e["done_at"] else None, "due": _instant(e["due_at"]) if e["due_at"] else None,
         "by_hand": e["code"] in words and e["code"] != "RECALL"}
        for e in this.effects
    ]  # fmt: skip
    return render(
        request, "vault/withdrawal.html",
        {"this": this, "lines": lines, "receipt": survivor.receipt_of(this), "open": this.status in (m.ASKED, m.EFFECTIVE),
         "works": works, "may_undo": works and authority.allows(request.user, "undo_withdrawal", held),
         "may_note": works and authority.allows(request.user, "note_effect_done", held),
         "recalls": Transfer.objects.filter(subject__in=this.parts, recalled_at__isnull=False) if works else []},
    )  # fmt: skip


@require_POST
@needs("see_withdrawals", "withdrawals")
def move_withdrawal(request: Request, ref: str) -> HttpResponse:
    """Take it back, or note that a consequence is done."""
    this = get_object_or_404(queries.withdrawals(request.user), ref=normalise(ref))
    code = request.POST.get("code", "")
    if code:
        actions.note_effect_done(this, code, by=request.user)
        return done(request, _("Noted as done."), "withdrawal", this.ref)
    actions.undo_withdrawal(this, by=request.user)
    return done(request, _("It is taken back; what stood before stands again."), "withdrawal", this.ref)


@require_POST
@needs("see_withdrawals", "withdrawals")
def answer_recall(request: Request, ref: str) -> HttpResponse:
    """Note what a recipient answered."""
    this = get_object_or_404(queries.transfers(request.user), ref=normalise(ref))
    actions.note_recall_answer(this, request.POST.get("answer", ""), by=request.user)
    return done(request, _("The answer is kept; she sees it on her page."), "withdrawals")
