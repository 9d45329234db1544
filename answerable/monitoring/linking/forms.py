"""Forms of linkage and lines of command."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from answerable.alliance.models import Body
from answerable.monitoring.forms import Day
from answerable.monitoring.linking import rules, sentences
from answerable.monitoring.linking.models import Actor
from answerable.monitoring.models import Party


class ActorForm(forms.Form):
    """A commander or group named by hand."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[(Actor.PERSON, _("a person")), (Actor.GROUP, _("a group"))])
    spellings = forms.CharField(
        label=_("Names, one spelling a line, the main one first"), widget=forms.Textarea(attrs={"rows": 4}), max_length=2000,
        help_text=_("In every script you have. Each spelling in one script."),
    )  # fmt: skip
    source = forms.CharField(label=_("Source that names them"), max_length=160)

    def clean_spellings(self) -> list[str]:
        """One name a line."""
        return [line.strip() for line in str(self.cleaned_data["spellings"]).splitlines() if line.strip()]


class _Span(forms.Form):
    from_on = Day(label=_("From"))
    to_on = Day(label=_("Until, if it has ended"), required=False)
    source = forms.CharField(label=_("Source"), max_length=200)


class SubordinationForm(_Span):
    """Under whom a unit stood."""

    over = forms.ModelChoiceField(label=_("Stood under"), queryset=Party.objects.none())
    field_order = ["over", "from_on", "to_on", "source"]

    def __init__(self, *args: Any, party: Party, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Party.objects.filter(situation=party.situation_id).exclude(pk=party.pk)
        self.fields["over"].queryset = others  # type: ignore[attr-defined]


class CommanderForm(_Span):
    """Who held which role in a unit; the person is found by name first."""

    actor = forms.CharField(
        label=_("Reference of the person"), max_length=40, help_text=_("Search for the name first.")
    )
    role = forms.ChoiceField(label=_("Role"), choices=lambda: [(r, sentences.role(r)) for r in rules.ROLES])
    field_order = ["actor", "role", "from_on", "to_on", "source"]


class EndForm(forms.Form):
    """The last day of a role."""

    to_on = Day(label=_("Last day"))


class AgreementForm(forms.Form):
    """Two partner organisations."""

    first = forms.ModelChoiceField(label=_("Organisation"), queryset=Body.objects.none())
    second = forms.ModelChoiceField(label=_("and"), queryset=Body.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "second"):
            self.fields[name].queryset = Body.objects.filter(kind=Body.PARTNER).order_by("name")  # type: ignore[attr-defined]
