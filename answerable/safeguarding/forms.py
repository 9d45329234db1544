"""Forms of care, safe contact and complaints. Nothing about what happened is compulsory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from answerable.safeguarding import lifecycle, phrases, rules
from answerable.safeguarding.models import Provider


def need_words() -> dict[str, str]:
    """Kinds of need, in the reader's language."""
    return {
        "HEALTH_72": gettext("Medicine against HIV and first care"), "CONTRACEPTION_120": gettext("Emergency contraception"),
        "HEALTH": gettext("Examination, treatment and vaccination"), "SURGERY": gettext("Surgery and treatment of injuries"),
        "PREGNANCY": gettext("Pregnancy care and choices"), "PSYCHOSOCIAL": gettext("Someone to talk to"),
        "SHELTER": gettext("A safe place to stay"), "MONEY": gettext("Money for the first week"), "LEGAL": gettext("Legal advice"),
        "CHILDREN": gettext("Help for children"), "SAFETY": gettext("A plan to be safer"), "PAPERS": gettext("Papers and registration"),
    }  # fmt: skip


def way_words() -> dict[str, str]:
    """Ways of being reached."""
    return {
        rules.PHONE: gettext("by telephone"), rules.IN_PERSON: gettext("in person"), rules.ORGANISATION: gettext("through an organisation she trusts"),
        rules.MESSAGING: gettext("by a message a person writes"), rules.SMS: gettext("by an SMS a person writes"),
        rules.EMAIL: gettext("by an e-mail a person writes"), rules.LETTER: gettext("by letter"), rules.DOOR: gettext("at her own door, when she opens it"),
    }  # fmt: skip


def sender_words() -> dict[str, str]:
    """What a person can set going."""
    return {
        "call": gettext("Call her"), "visit": gettext("See her"), "message by hand": gettext("Write to her by hand"),
        "through an organisation": gettext("Reach her through the organisation"), "letter": gettext("Letter"),
        "letter of acknowledgement": gettext("Letter of acknowledgement"), "statement": gettext("Statement of her award"),
        "payment notice": gettext("Payment notice by letter"), "payment notice by message": gettext("Payment notice by message"),
        "automatic SMS": gettext("Automatic SMS"), "automatic e-mail": gettext("Automatic e-mail"),
    }  # fmt: skip


def outcome_words() -> dict[str, str]:
    """What can come of a contact."""
    return {
        "REACHED": gettext("She was reached"), "NO_ANSWER": gettext("Nobody answered"), "LEFT": gettext("It was left as she asked"),
        "WRONG_PERSON": gettext("Someone else answered"), "ASKED_TO_STOP": gettext("She asked us to stop"),
        "CUT_SHORT": gettext("It was cut short and may not be safe"), "NOT_DONE": gettext("It was not attempted"),
    }  # fmt: skip


def step_words() -> dict[str, str]:
    """What comes next."""
    return {
        "NONE": gettext("nothing"), "NEXT_WINDOW": gettext("try in the next hours she gave"),
        "ASK_WHEN_SHE_COMES": gettext("ask her when she comes"), "THROUGH_ORGANISATION": gettext("through the organisation"),
        "NEW_PLAN": gettext("a new plan with her"),
    }  # fmt: skip


def about_words() -> dict[str, str]:
    """What a complaint can be about."""
    return {
        "DELAY": gettext("It takes too long"), "DECISION": gettext("A decision"), "DATA": gettext("What is kept about me"),
        "ACCESS": gettext("I was turned away or not understood"), "CONDUCT": gettext("How someone who works here behaved"),
        "EXPLOITATION": gettext("Someone asked for sex, money or a favour"), "REPRISAL": gettext("I was punished or threatened for speaking"),
        "BREACH": gettext("Someone learned what they should not know"), "OTHER": gettext("Something else"),
    }  # fmt: skip


def choices(words: Any, *, empty: Any = None) -> Any:
    """Choices worked out when they are shown, so that they are in the reader's language."""
    return lambda: [*([("", empty)] if empty else []), *words().items()]


def said_in_all(known: Sequence[str]) -> str:
    """Which words of a directory entry are said in the language of whoever looks for help."""
    return gettext("These are said in every language, other words as you write them: %(words)s.") % {
        "words": "; ".join(known)
    }


class ProviderForm(forms.Form):
    """Someone who helps free of charge."""

    name = forms.CharField(label=_("Name, as anyone may read it"), max_length=160)
    needs = forms.MultipleChoiceField(
        label=_("Helps with"), choices=choices(need_words), widget=forms.CheckboxSelectMultiple
    )
    country = forms.CharField(label=_("Country"), max_length=60)
    area1 = forms.CharField(label=_("Area; empty for the whole country"), max_length=40, required=False)
    languages = forms.CharField(
        label=_("Languages"), max_length=120, required=False,
        help_text=_("Their names, with commas between; they are said in the reader's language."),
    )  # fmt: skip
    hours = forms.CharField(
        label=_("Hours"), max_length=120, required=False,
        help_text=lazy(lambda: said_in_all([*phrases.HOURS, phrases.WEEKDAYS % {"first": "9", "last": "17"}]), str)(),
    )  # fmt: skip
    who_for = forms.CharField(
        label=_("For whom"), max_length=160, required=False, help_text=lazy(lambda: said_in_all(phrases.WHO_FOR), str)()
    )
    reach = forms.CharField(
        label=_("How to reach them: their public address or number"), max_length=200,
        help_text=_("The number first: it is read in every language. The rest stands as you write it."),
    )  # fmt: skip


class ReferralForm(forms.Form):
    """One need. She says when it happened only if she wishes; the clocks of care then run from that hour."""

    need = forms.ChoiceField(label=_("What she needs"), choices=choices(need_words))
    provider = forms.ModelChoiceField(
        label=_("Who may help"), required=False, queryset=Provider.objects.filter(status=lifecycle.LISTED)
    )
    happened_at = forms.DateTimeField(
        label=_("The hour it happened (UTC), if she wishes to say"), required=False,
        help_text=_("Only for the clocks of 72 and 120 hours; taken out when they have no more use."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )  # fmt: skip
    note = forms.CharField(label=_("A note, as short as it can be"), required=False, max_length=2000,
                           widget=forms.Textarea(attrs={"rows": 2}), help_text=_("Sealed on arrival."))  # fmt: skip
    contact = forms.CharField(label=_("What the provider may be told to reach her, if she agrees"), required=False,
                              max_length=500, help_text=_("Sealed on arrival. Told to nobody unless she agrees to that too."))  # fmt: skip


class PlanFields(forms.Form):
    """The safe contact plan (SC-6). Nothing ticked is no plan, and no plan means that nothing goes out."""

    plan_ways = forms.MultipleChoiceField(
        label=_("She may be reached"), required=False, choices=choices(way_words), widget=forms.CheckboxSelectMultiple,
        help_text=_("Only what she chose. Nothing ticked: nothing goes out."),
    )  # fmt: skip
    plan_windows = forms.CharField(
        label=_("At these hours"), required=False, widget=forms.Textarea(attrs={"rows": 2}), max_length=1000,
        help_text=_("One a line, by her own clock: TUE 10:00-12:00."),
    )  # fmt: skip
    plan_any_time = forms.BooleanField(label=_("She said that any hour is safe"), required=False)
    plan_time_zone = forms.CharField(label=_("Time zone where she lives"), max_length=60, initial="UTC", required=False)
    plan_letter = forms.BooleanField(label=_("She expressly asked for letters"), required=False)
    plan_voicemail = forms.BooleanField(label=_("A message may be left on her voicemail"), required=False)
    plan_do_not_contact = forms.BooleanField(label=_("Do not contact: she comes when she wishes"), required=False)
    plan_unsafe_household = forms.BooleanField(label=_("Her home is not safe (UF-14)"), required=False)
    plan_sender = forms.CharField(label=_("Whom it comes from, in her words"), max_length=120, required=False)
    plan_words = forms.CharField(label=_("Words that may be said or written to anyone"), max_length=300, required=False)
    plan_code_phrase = forms.CharField(label=_("Code phrase"), max_length=120, required=False)
    plan_may_answer = forms.CharField(label=_("Who else may answer"), max_length=300, required=False)
    plan_must_not_know = forms.CharField(label=_("Who must not know"), max_length=300, required=False)


def take_plan(data: dict[str, Any]) -> dict[str, Any] | None:
    """The plan out of a form's answers, which no longer hold it; None when she chose nothing."""
    plan = {name.removeprefix("plan_"): data.pop(name) for name in [n for n in data if n.startswith("plan_")]}
    if not plan.get("ways") and not plan.get("do_not_contact"):
        return None
    plan["windows"] = [line for line in plan.get("windows", "").splitlines() if line.strip()]
    return plan


class ContactForm(forms.Form):
    """A contact to come."""

    sender = forms.ChoiceField(label=_("How"), choices=choices(sender_words))
    at = forms.DateTimeField(label=_("When (UTC); empty for now"), required=False,
                             widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))  # fmt: skip


class LogForm(forms.Form):
    """What came of it."""

    outcome = forms.ChoiceField(label=_("What came of it"), choices=choices(outcome_words))
    cover_said = forms.BooleanField(label=_("Only the neutral words were said"), required=False)
    next_step = forms.ChoiceField(label=_("Next"), choices=choices(step_words))
    note = forms.CharField(label=_("A note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}),
                           help_text=_("Sealed on arrival."))  # fmt: skip


class EnquiryForm(forms.Form):
    """Someone else asked. What they said is not written down; what we said is always the same."""

    via = forms.ChoiceField(label=_("They asked"), choices=choices(way_words))


class ComplaintForm(forms.Form):
    """Form A17. One question after the other; none but the first words is needed, and even those not in danger."""

    about = forms.MultipleChoiceField(
        label=_("What is it about?"), required=False, choices=choices(about_words), widget=forms.CheckboxSelectMultiple
    )
    happened = forms.CharField(label=_("What happened?"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 6}),
                               help_text=_("In your own words, as much or as little as you like."))  # fmt: skip
    immediate_risk = forms.BooleanField(label=_("Someone is in danger now"), required=False)
    may_be_told = forms.CharField(label=_("Who may be told, and who must not?"), required=False, max_length=2000,
                                  widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip
    remedy = forms.CharField(
        label=_("What would put it right?"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )
    safeguarding_may_know = forms.BooleanField(
        label=_("A safeguarding officer of another office may read it too"), required=False
    )


class OfficeComplaintForm(ComplaintForm):
    """The same in the office, where whoever it is about can be kept away from it by name."""

    concerns = forms.CharField(
        label=_("Sign-in names of those it is about, if you know them"), required=False, max_length=300,
        help_text=_("Separated by commas. They are kept from it, whatever their role."),
    )  # fmt: skip


class AnswerForm(forms.Form):
    """An answer to a complaint."""

    answer = forms.CharField(label=_("Your answer, in words she can use"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 8}),
                             help_text=_("Sealed on arrival, and left at her door where there is one."))  # fmt: skip


class ExtendForm(forms.Form):
    """More time, at her wish."""

    until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    she_asked = forms.BooleanField(label=_("She asked for more time"), required=False)
