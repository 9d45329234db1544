"""Forms of what people reason about patterns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from answerable.common.tables import taxonomy
from answerable.monitoring.models import Party, Situation, SourceItem
from answerable.monitoring.patterns import actions, rules


class IndicatorForm(forms.Form):
    """An indicator, the standard claimed, the items for and against it, and why."""

    party = forms.ModelChoiceField(queryset=Party.objects.none(), label=_("Armed actor"))
    code = forms.ChoiceField(label=_("Indicator"))
    standard = forms.ChoiceField(label=_("Standard claimed"))
    since = forms.DateField(label=_("Since"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    supporting = forms.ModelMultipleChoiceField(
        queryset=SourceItem.objects.none(),
        label=_("Items that support it"),
        help_text=_("From incidents of this actor, or of a unit that stood under it on that day."),
    )
    contrary = forms.ModelMultipleChoiceField(
        queryset=SourceItem.objects.none(), label=_("Items against it"), required=False
    )
    reasons = forms.CharField(label=_("Reasons"), widget=forms.Textarea(attrs={"rows": 4}), max_length=8000)

    def __init__(self, *args: Any, situation: Situation, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        party: Any = self.fields["party"]
        party.queryset = situation.parties.all()
        codes = [(c, f"{c} {r.label}") for name in actions.LISTS for c, r in taxonomy(name).items()]
        code: Any = self.fields["code"]
        code.choices = [*codes, *((c, c.replace("_", " ")) for c in rules.COMMONALITIES)]
        standard: Any = self.fields["standard"]
        standard.choices = [(c, f"{c} {r.label}") for c, r in taxonomy("standard_of_proof").items()]
        for name in ("supporting", "contrary"):
            field: Any = self.fields[name]
            field.queryset = items
            field.label_from_instance = _item


def _item(item: SourceItem) -> str:
    return f"{item.incident.ref} · {item.ref} · {item.kind_words} {item.grade}"


class PrevalenceForm(forms.Form):
    """A prevalence above the count, and why the count falls short."""

    level = forms.ChoiceField(label=_("Prevalence"))
    reasons = forms.CharField(
        label=_("Why the count falls short"), widget=forms.Textarea(attrs={"rows": 4}), max_length=8000
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        level: Any = self.fields["level"]
        level.choices = [(c, f"{c} {r.label}") for c, r in taxonomy("prevalence_level").items()]
