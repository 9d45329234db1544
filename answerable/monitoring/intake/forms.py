"""Forms of the intake pages, made from the one description of A1 to A3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from answerable.alliance.days import isolated
from answerable.common.tables import label
from answerable.monitoring.intake import counts as service_counts
from answerable.monitoring.intake import guard
from answerable.monitoring.intake.description import (
    A1,
    BY_NAME,
    DECLINED,
    FIELDS,
    LISTS,
    NOT_TAKEN,
    OF_ITEM,
    OF_REPORT,
    SUBMISSION_ID,
    Field,
    codes_of,
)
from answerable.monitoring.models import Party

# The web form's pages, in order: care and place first, then what exists already, then what happened, then the words.
STEPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (gettext_lazy("Care, time and place"), ("referral_offered", "when", "area1", "area2")),
    (gettext_lazy("Is it here already?"), ("searched_first",)),
    (gettext_lazy("What happened"), ("party", "actor_types", "forms", "links", "victims", "victims_min", "victims_max",
                                     "victim_counts", "settings", "consequences", "risk", "protocol_signatory")),
    (gettext_lazy("The source"), tuple(f.name for f in OF_ITEM if f.form == "A2" and not f.sealed and f.kind != "file")),
    (gettext_lazy("Consent"), tuple(f.name for f in OF_ITEM if f.form == "A3")),
    (gettext_lazy("In words"), (*(f.name for f in OF_REPORT if f.sealed), "says")),
)  # fmt: skip
SEARCH, SOURCE, CONSENT, WORDS = 1, 3, 4, 5


def choices_of(f: Field, *, blank: bool) -> list[tuple[str, str]]:
    """The answers to a question, in the reader's language, with "prefer not to say" where it belongs."""
    lang = get_language() or "en"
    ours = f.list_name in LISTS
    found = [(c, _(w) if ours else label(f.list_name, c, lang)) for c, w in codes_of(f.list_name).items()]
    if f.declinable:
        found.append((DECLINED, _("Prefer not to say")))
    return [("", "–"), *found] if blank else found


def one(f: Field, parties: Any, *, of_item: bool = False) -> forms.Field:
    """A question as a form's field. What is needed is the check's to say, so that every route says the same.

    The page shows what the check will say: whether an answer is needed (`asked`), and after which answer (`only_if`).
    `of_item`: on a form of one item, where what is asked of a source is needed.
    """
    made = _one(f, parties)
    made.asked = _asked(f, of_item=of_item)  # type: ignore[attr-defined]
    made.only_if = f.asked_if  # type: ignore[attr-defined]
    if made.asked == "" and not isinstance(made, forms.MultipleChoiceField):  # type: ignore[attr-defined]
        made.widget.attrs["aria-required"] = "true"
    return made


def _asked(f: Field, *, of_item: bool) -> str:
    """What stands beside the label: nothing where an answer is needed, as on every form of the office."""
    if f.before_filing:
        return _("needed before it is filed")
    if f.name in ("understood", "withdrawal_told"):
        return _("needed for any consent")  # SC-3
    if f.asked_if == ("giver", ("guardian",)):
        return _("needed for a guardian's consent")  # SC-11
    if f.name in ("reliability", "credibility"):
        return _("both or neither")
    if f.needed:
        return "" if f.form == A1 or of_item else _("needed where there is a source")
    return _("optional")


def _one(f: Field, parties: Any) -> forms.Field:
    common: dict[str, Any] = {"label": _(f.label), "help_text": _(f.hint) if f.hint else "", "required": False}
    if f.kind == "ref":
        return forms.ModelChoiceField(queryset=parties, to_field_name="ref", **common)
    if f.kind == "refs":
        return forms.ModelMultipleChoiceField(
            queryset=parties, to_field_name="ref", widget=forms.CheckboxSelectMultiple, **common
        )
    if f.kind in ("code", "yes_no"):
        return forms.ChoiceField(choices=choices_of(f, blank=True), **common)
    if f.kind == "codes":
        return forms.MultipleChoiceField(
            choices=choices_of(f, blank=False), widget=forms.CheckboxSelectMultiple, **common
        )
    long = f.sealed and f.most > 1000
    return forms.CharField(
        max_length=f.most or 400, widget=forms.Textarea(attrs={"rows": 5}) if long else forms.TextInput, **common
    )


class StepForm(forms.Form):
    """One page of the web form."""

    def __init__(
        self, data: Any = None, *, step: int, situation: Any, interviews: Sequence[Any] = (), **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        parties = Party.objects.filter(situation=situation)
        for name in STEPS[step][1]:
            if name == "searched_first":
                self.fields[name] = forms.BooleanField(
                    label=_("None of these is the same incident, or nothing is shown (SC-1)"), required=False
                )
            elif name == "referral_offered":
                self.fields[name] = forms.BooleanField(label=_(BY_NAME[name].label), required=False)
            else:
                self.fields[name] = one(BY_NAME[name], parties)
        if step == SOURCE:
            self.fields["interview"] = interview_field(interviews)
            self.order_fields(["kind", "interview"])


class ItemForm(forms.Form):
    """One item onto a report that is filed: forms A2 and A3 whole, and what it derives from."""

    def __init__(self, data: Any = None, *, incident: Any, interviews: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        for f in OF_ITEM:
            if f.kind != "file":
                self.fields[f.name] = one(f, None, of_item=True)
        self.fields["interview"] = interview_field(interviews)
        self.order_fields(["kind", "interview"])
        self.fields["parents"] = forms.ModelMultipleChoiceField(
            label=_("Derives from"), queryset=incident.items.all(), to_field_name="ref", required=False
        )


def item_of(form_data: Any) -> dict[str, Any]:
    """One item's answers as a row."""
    answers = answers_of(form_data)
    return {f.name: answers[f.name] for f in OF_ITEM if f.name in answers}


def told_apart(interview: Any) -> str:
    """An interview in a list of one's own: when and for what it was asked, which of the person's it is, and its person's mark.

    The pseudonym is not stored. Two interviews of one person show the same mark.
    """
    return _("%(ref)s: %(day)s, %(purpose)s, interview number %(n)d of person %(mark)s") % {
        "ref": interview.ref, "day": f"{interview.asked_at:%Y-%m-%d}", "purpose": label_of(BY_NAME["purposes"], interview.purpose),
        "n": interview.number, "mark": interview.person[:6],
    }  # fmt: skip


def interview_field(interviews: Sequence[Any]) -> forms.ChoiceField:
    """Which of one's own interviews that were allowed and carry no account yet."""
    made = forms.ChoiceField(
        label=_("The interview in which it was told"), required=False,
        choices=[("", "–"), *((i.ref, told_apart(i)) for i in interviews)],
        help_text=_("A new account of a person needs an interview that was allowed (SC-1). Without one it cannot be filed. The interview "
                    "says whose account it is: no pseudonym is needed beside it."),
    )  # fmt: skip
    made.asked = _("needed for a testimony")  # type: ignore[attr-defined]
    made.only_if = ("kind", ("testimony",))  # type: ignore[attr-defined]
    return made


def coded_lines(fields: Sequence[Field], coded: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Answers in codes and numbers in the reader's words, each with its question."""
    lines = []
    for f in fields:
        value = coded.get(f.name)
        if value in (None, [], {}, "") or f.name == "person_key":
            continue
        if f.kind == "codes":
            shown = ", ".join(label_of(f, c) for c in value)
        elif f.kind == "code":
            shown = label_of(f, str(value))
        elif f.kind == "counts":
            shown = ", ".join(f"{label_of(f, c)}: {n}" for c, n in value.items())
        elif f.kind == "yes_no":
            shown = _("yes") if value else _("no")
        else:
            shown = isolated(str(value)) if f.kind == "when" else str(value)
        lines.append((_(f.label), shown))
    if coded.get("declined"):
        lines.append((_("Prefer not to say"), ", ".join(_(BY_NAME[n].label) for n in coded["declined"])))
    return lines


def changed_lines(changes: Sequence[tuple[str, Any, Any]]) -> list[tuple[str, str, str]]:
    """Answers that a correction changes in the reader's words: the question, what it was, what it becomes."""

    def shown(name: str, value: Any) -> str:
        return next((words for _question, words in coded_lines([BY_NAME[name]], {name: value})), "–")

    return [(_(BY_NAME[name].label), shown(name, was), shown(name, now)) for name, was, now in changes]


def corrected_words(names: Sequence[str]) -> str:
    """What a correction changed, by the names of the questions: never what was answered."""
    same = {"on": "when", "precision": "when", "earliest": "when", "latest": "when"}
    asked = dict.fromkeys(same.get(n, n) for n in names)
    return ", ".join(_(BY_NAME[n].label) for n in asked if n in BY_NAME)


def label_of(f: Field, code: str) -> str:
    """One answer in the reader's language, from our own lists or the taxonomy's."""
    return (
        _(LISTS[f.list_name].get(code, code))
        if f.list_name in LISTS
        else label(f.list_name, code, get_language() or "en")
    )


def answers_of(form_data: Any) -> dict[str, Any]:
    """What was answered on every page so far, by the names of the description."""
    found: dict[str, Any] = {}
    for f in FIELDS:
        values = form_data.getlist(f.name)
        if f.kind in ("codes", "refs"):
            if values := [v for v in values if v]:
                found[f.name] = values
        elif values and values[-1] != "":
            found[f.name] = "yes" if values[-1] == "on" else values[-1]
    return found


def row_of(answers: Mapping[str, Any], situation: str) -> dict[str, Any]:
    """The answers as a row: what is about the source goes with its item, where there is one."""
    row = {f.name: answers[f.name] for f in OF_REPORT if f.name in answers} | {"situation": situation}
    item = {f.name: answers[f.name] for f in OF_ITEM if f.name in answers}
    return {**row, "items": [item]} if item.get("kind") else row


class DeliveryForm(forms.Form):
    """A file of reports."""

    situation = forms.ModelChoiceField(label=gettext_lazy("Situation"), queryset=Party.objects.none(), required=False, to_field_name="ref",
                                       help_text=gettext_lazy("For files whose rows do not name it."))  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV or XLSX, the zip or JSON of ODK Central, or the CSV, XLSX or JSON of KoboToolbox. It is sealed while it arrives."
        ),
    )

    def __init__(self, *args: Any, situations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["situation"].queryset = situations  # type: ignore[attr-defined]


class MappingForm(forms.Form):
    """Which column holds what."""

    def __init__(self, data: Any = None, *, columns: Sequence[str], mapping: Sequence[str], **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        names = [
            ("", _("nothing")),
            (SUBMISSION_ID, _("The submission's own number")),
            *((f.name, _(f.label)) for f in FIELDS if f.kind != "file"),
            *((name, _(label)) for name, (label, _why) in NOT_TAKEN.items()),
        ]
        for n, column in enumerate(columns):
            split = [(mapping[n], mapping[n])] if "/" in mapping[n] else []
            self.fields[f"c{n}"] = forms.ChoiceField(
                label=column or f"{n + 1}", choices=names + split, initial=mapping[n], required=False
            )

    def chosen(self) -> list[str]:
        """The mapping as it was set."""
        return [str(self.cleaned_data[name]) for name in self.fields]


class FilingForm(forms.Form):
    """What a draft lacked."""

    party = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Armed actors"), queryset=Party.objects.none(), to_field_name="ref", required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    link_reason = forms.CharField(label=gettext_lazy("Why it is linked to the conflict"), max_length=4000, required=False,
                                  help_text=gettext_lazy("Sealed on arrival."), widget=forms.Textarea(attrs={"rows": 2}))  # fmt: skip

    def __init__(self, *args: Any, draft: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].queryset = Party.objects.filter(situation=draft.situation)  # type: ignore[attr-defined]
        for name in ("party", "link_reason"):
            if name not in draft.lacks:
                del self.fields[name]
            else:
                self.fields[name].asked = _("needed before it is filed")  # type: ignore[attr-defined]


IN_A_SENTENCE = gettext_lazy("In a sentence, of three words at least. Sealed on arrival.")


class InterviewForm(forms.Form):
    """Why someone is to be asked for her account. Nothing is chosen beforehand: whoever asks says it."""

    told_before = forms.ChoiceField(
        label=gettext_lazy("Did she tell this before?"), choices=[],
        help_text=gettext_lazy("She may show her code: then enter it below, and only yes or no is answered."),
    )  # fmt: skip
    code = forms.CharField(label=gettext_lazy("Her code"), required=False, max_length=60,
                           widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}))  # fmt: skip
    pseudonym = forms.SlugField(label=gettext_lazy("Pseudonym of the person"), required=False, max_length=40)
    who = forms.CharField(
        label=gettext_lazy("For the custodians alone: whom you mean"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Only if the custodians are asked. Her name and what tells her from others, sealed to their three seats: nobody here can read it."),
    )  # fmt: skip
    purpose = forms.ChoiceField(label=gettext_lazy("For which purpose"), choices=[])
    added_value = forms.CharField(label=gettext_lazy("What this interview would add"), max_length=2000, help_text=IN_A_SENTENCE,
                                  widget=forms.Textarea(attrs={"rows": 3}))  # fmt: skip
    why_not_enough = forms.CharField(label=gettext_lazy("Why what is recorded already does not suffice"), max_length=2000,
                                     help_text=IN_A_SENTENCE, widget=forms.Textarea(attrs={"rows": 3}))  # fmt: skip
    her_request = forms.BooleanField(label=gettext_lazy("She asked for it herself"), required=False)
    anyway = forms.BooleanField(
        label=gettext_lazy("An interview is needed although an account can be used instead"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = [(c, _(w)) for c, w in guard.TOLD.items() if c not in ("told", "not_told")]
        self.fields["told_before"].choices = [("", "–"), *told]  # type: ignore[attr-defined]
        self.fields["purpose"].choices = choices_of(BY_NAME["purposes"], blank=True)  # type: ignore[attr-defined]
        for name, when in (("code", _("if she shows it")), ("pseudonym", _("needed where no code is entered")),
                           ("who", _("needed where the custodians are asked"))):  # fmt: skip
            self.fields[name].asked = when  # type: ignore[attr-defined]


class WordForm(forms.Form):
    """A custodian's word."""

    told = forms.ChoiceField(label=gettext_lazy("Did she tell this before?"), choices=[("", "–")])
    share = forms.MultipleChoiceField(
        label=gettext_lazy("If yes: what may be shared instead"),
        required=False,
        choices=[],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["told"].choices = [("", "–"), ("yes", _("yes")), ("no", _("no"))]  # type: ignore[attr-defined]
        purposes = dict(choices_of(BY_NAME["purposes"], blank=False))
        self.fields["share"].choices = [(p, purposes[p]) for p in guard.SHARED_INSTEAD]  # type: ignore[attr-defined]


class DecisionForm(forms.Form):
    """Safeguarding's answer."""

    reason = forms.ChoiceField(label=gettext_lazy("Decision and reason"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allow = [(f"allow {c}", _("Allow: %(why)s") % {"why": _(w)}) for c, w in guard.GROUNDS.items()]
        refuse = [(f"refuse {c}", _("Refuse: %(why)s") % {"why": _(w)}) for c, w in guard.BARS.items()]
        self.fields["reason"].choices = [("", "–"), *allow, *refuse]  # type: ignore[attr-defined]


class CountsForm(forms.Form):
    """A table of counts of a service provider: a file, or one that waits for a word on what it replaces."""

    table = forms.CharField(required=False, widget=forms.HiddenInput)
    replacing = forms.CharField(required=False, widget=forms.HiddenInput)
    file = forms.FileField(required=False, label=gettext_lazy("Table of counts (CSV with type, month, area, count)"),
                           help_text=gettext_lazy("Sums only, never a list of cases. Counts from 1 to 9 are kept without their number."))  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("file") and not data.get("table"):
            self.add_error("file", self.fields["file"].error_messages["required"])
        return data


class TakeOutForm(forms.Form):
    """Why a table of counts goes."""

    why = forms.ChoiceField(label=gettext_lazy("Reason"), choices=[])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["why"].choices = [(c, _(w)) for c, w in service_counts.WHY_OUT.items()]  # type: ignore[attr-defined]
