"""The capture table as an analyst enters it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class EstimateForm(forms.Form):
    """Patterns of membership with their counts, and where they come from."""

    counted = forms.CharField(
        label=_("What was counted"), max_length=200,
        help_text=_("People, events or killings; where and between which days. Never a name."),
    )  # fmt: skip
    table = forms.CharField(
        label=_("Capture table"), max_length=2_000_000, widget=forms.Textarea(attrs={"rows": 12, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("As CSV: a first row with a name for each list and “count”; below it one row for each pattern, 1 for on the "
                    "list and 0 for not, and how many. A column “stratum” keeps groups apart; a column “draw” says which of several possible "
                    "linkages a row belongs to."),
    )  # fmt: skip
    source = forms.CharField(label=_("Source"), max_length=300)
    licence = forms.CharField(label=_("Licence"), max_length=200, help_text=_("Or “not stated”."))
