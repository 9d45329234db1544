"""Forms of monitoring. Choices come from the code tables, in the reader's language."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from answerable.alliance.models import State
from answerable.common.tables import label, taxonomy
from answerable.monitoring.grades import KINDS
from answerable.monitoring.models import Incident, Party, SourceItem


def codes(list_name: str) -> Any:
    """Choices of one code list, labels worked out when shown."""
    return lambda: [(c, label(list_name, c, get_language() or "en")) for c in taxonomy(list_name)]


def many(list_name: str, text: Any, required: bool = False, help_text: Any = "") -> forms.MultipleChoiceField:
    """Several codes of one list, as check boxes."""
    return forms.MultipleChoiceField(
        label=text, choices=codes(list_name), required=required, help_text=help_text,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip


RISKS = [("low", _("low")), ("medium", _("medium")), ("high", _("high"))]
PRECISIONS = [("day", _("the day")), ("week", _("the week")), ("month", _("the month")), ("quarter", _("the quarter"))]


class Day(forms.DateField):
    """A day, chosen or typed as 2031-01-14."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        kwargs.setdefault("input_formats", ["%Y-%m-%d"])
        kwargs.setdefault("error_messages", {"invalid": _("Write the day like 2026-03-14.")})
        super().__init__(**kwargs)


class ReportForm(forms.Form):
    """Form A1. Care first, then the search for an account that exists, then the questions."""

    referral_offered = forms.BooleanField(label=_("Care and referral were offered first (SC-8)"))
    searched_first = forms.BooleanField(label=_("I looked for an account that already exists (SC-1)"))
    party = forms.ModelChoiceField(label=_("Armed actor"), queryset=Party.objects.none())
    on = Day(
        label=_("When it happened"), help_text=_("Any day of the week, month or quarter, if that is all that is known.")
    )
    precision = forms.ChoiceField(label=_("Known to"), choices=PRECISIONS)
    area1 = forms.CharField(label=_("First-level area"), max_length=40)
    area2 = forms.CharField(label=_("Second-level area"), max_length=40, required=False)
    victims = forms.IntegerField(label=_("Survivors and victims, best estimate"), min_value=1, max_value=1_000_000)
    victims_min = forms.IntegerField(label=_("At least"), min_value=0, required=False)
    victims_max = forms.IntegerField(label=_("At most"), min_value=1, required=False)
    forms_ = many("violence_form", _("Forms of violence"), True)
    links = many("conflict_link", _("Links to the conflict"), True)
    link_reason = forms.CharField(label=_("Why it is linked to the conflict"), help_text=_("Sealed on arrival."),
                                  widget=forms.Textarea(attrs={"rows": 2}), max_length=4000)  # fmt: skip
    settings_ = many("setting", _("Settings"))
    consequences = many("consequence", _("Consequences"))
    place = forms.CharField(label=_("Exact place"), required=False, max_length=400, help_text=_("Sealed on arrival."))
    narrative = forms.CharField(label=_("What happened"), required=False, max_length=40_000,
                                help_text=_("Nothing here is compulsory. Sealed on arrival; only those who verify can open it."),
                                widget=forms.Textarea(attrs={"rows": 6}))  # fmt: skip
    risk = forms.ChoiceField(label=_("Risk to those who told"), choices=RISKS, initial="medium")

    def __init__(self, *args: Any, situation: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].queryset = situation.parties.all()  # type: ignore[attr-defined]


class ItemForm(forms.Form):
    """Form A2 with its consent (A3)."""

    kind = forms.ChoiceField(label=_("Kind of source"), choices=[(k, k) for k in KINDS])
    primary = forms.BooleanField(label=_("First hand"), required=False)
    testimony = forms.ChoiceField(label=_("Grade of an account, T1 to T4"), required=False,
                                  help_text=_("Only for an account of a person. Assessors confirm it afterwards, each alone."),
                                  choices=[("", "–"), *((f"T{n}", f"T{n}") for n in range(1, 5))])  # fmt: skip
    reliability = forms.ChoiceField(label=_("Reliability of the source, A to F"), required=False,
                                    choices=[("", "–"), *((c, c) for c in "ABCDEF")])  # fmt: skip
    credibility = forms.TypedChoiceField(label=_("Credibility of what it says, 1 to 6"), required=False, coerce=int,
                                         empty_value="0", choices=[("", "–"), *((n, n) for n in range(1, 7))])  # fmt: skip
    person_key = forms.SlugField(
        label=_("Pseudonym of the person"), required=False, max_length=40,
        help_text=_("The same pseudonym for everything this person told, and never a name. Two accounts count as two "
                    "persons' only when both have a pseudonym and they differ."),
    )  # fmt: skip
    parents = forms.ModelMultipleChoiceField(
        label=_("Derives from"), queryset=SourceItem.objects.none(), required=False
    )
    contrary = forms.BooleanField(label=_("Speaks against the incident"), required=False)
    purposes = many("consent_purpose", _("Purposes consented to, each on its own"))
    captured_on = Day(label=_("Captured on"), required=False)
    says = forms.CharField(label=_("What it says"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
                           help_text=_("Sealed on arrival."), max_length=40_000)  # fmt: skip

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parents"].queryset = incident.items.all()  # type: ignore[attr-defined]
        # A person's account is graded T1 to T4, every other source A to F and 1 to 6 (R-VER-0).
        for kinds, names in (
            (("testimony",), ("testimony",)),
            (tuple(k for k in KINDS if k != "testimony"), ("reliability", "credibility")),
        ):
            for name in names:
                self.fields[name].only_if = ("kind", kinds)  # type: ignore[attr-defined]


class PatternForm(forms.Form):
    """Which actor, and what was reasoned."""

    party = forms.ModelChoiceField(label=_("Armed actor"), queryset=Party.objects.none())
    commonalities = forms.MultipleChoiceField(
        label=_("Commonalities reasoned"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[("method", _("method")), ("victim_profile", _("profile of those harmed")),
                 ("operational_context", _("operational context")), ("chain_of_command", _("chain of command"))],
    )  # fmt: skip
    systematic = many("systematic_indicator", _("Indicators of a system, supported at the standard claimed"))
    chain = forms.BooleanField(
        label=_("Count the whole line of command"), required=False,
        help_text=_("Also what units did on days on which they stood under this actor."),
    )  # fmt: skip

    def __init__(self, *args: Any, situation: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["party"].queryset = situation.parties.all()  # type: ignore[attr-defined]


class ImportForm(forms.Form):
    """A file of public data."""

    dataset = forms.ChoiceField(
        label=_("What the file is"), required=False,
        choices=[("", _("SVAC: sexual violence in armed conflict (CSV or XLSX)")), ("UCDP-ACTORS", _("UCDP actor list (CSV)")),
                 ("UCDP-CONFLICTS", _("UCDP/PRIO Armed Conflict Dataset (CSV), for the forecast")),
                 ("UN-LIST", _("UN Security Council consolidated list (XML)")), ("EU-LIST", _("EU designations (CSV)"))],
    )  # fmt: skip
    file = forms.FileField(label=_("File"))
    dry_run = forms.BooleanField(label=_("Only show what would change"), required=False, initial=True)


class SituationForm(forms.Form):
    """A situation opened by hand."""

    name = forms.CharField(label=_("Name"), max_length=200)
    state = forms.ModelChoiceField(label=_("State concerned"), queryset=State.objects.all(), required=False)
    first_year = forms.IntegerField(label=_("Watched since"), min_value=1900, max_value=2100, required=False)


class PartyForm(forms.Form):
    """An armed actor."""

    name = forms.CharField(label=_("Name"), max_length=200)
    actor_type = forms.ChoiceField(label=_("Kind"), choices=codes("actor_type"))


class RegradeForm(forms.Form):
    """A new grade."""

    testimony = forms.ChoiceField(
        label="T", required=False, choices=[("", "–"), *((f"T{n}", f"T{n}") for n in range(1, 5))]
    )
    reliability = forms.ChoiceField(label="A–F", required=False, choices=[("", "–"), *((c, c) for c in "ABCDEF")])
    credibility = forms.TypedChoiceField(label="1–6", required=False, coerce=int, empty_value=None,
                                         choices=[("", "–"), *((n, n) for n in range(1, 7))])  # fmt: skip
