"""Forms of early warning (A4), and the decision on a level."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from answerable.common.tables import taxonomy
from answerable.monitoring.forms import Day
from answerable.monitoring.models import SourceItem
from answerable.monitoring.warning import actions, says


def _indicators() -> list[tuple[str, Any]]:
    """The 28 indicators, grouped by category; none is chosen beforehand."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for code, row in taxonomy("early_warning_indicator").items():
        groups.setdefault(row.parent, []).append((code, says.indicator(code)))
    return [("", "–"), *((says.category(c), rows) for c, rows in groups.items())]


def _reasons(codes: tuple[str, ...]) -> Any:
    return lambda: [(c, says.reasons()[c]) for c in codes]


class EntryForm(forms.Form):
    """Form A4. Whether it counts whole or half follows from the source's grade."""

    indicator = forms.ChoiceField(label=_("Indicator"), choices=_indicators)
    stage = forms.TypedChoiceField(label=_("Stage"), coerce=int, choices=[(1, _("potential: conditions for it are there")),
                                   (2, _("impending: it is about to happen")), (3, _("ongoing: it happens now"))])  # fmt: skip
    on = Day(label=_("Seen on"), help_text=_("It counts for sixty days from this day."))
    area1 = forms.CharField(label=_("First-level area"), max_length=40, required=False)
    item = forms.ModelChoiceField(label=_("Source item it rests on"), queryset=SourceItem.objects.none(), required=False,
                                  help_text=_("Or grade the source below, when it is no item of an incident."))  # fmt: skip
    reliability = forms.ChoiceField(label=_("Reliability of the source, A to F"), required=False,
                                    choices=[("", "–"), *((c, c) for c in "ABCDEF")])  # fmt: skip
    credibility = forms.TypedChoiceField(label=_("Credibility of what it says, 1 to 6"), required=False, coerce=int,
                                         empty_value="0", choices=[("", "–"), *((n, n) for n in range(1, 7))])  # fmt: skip
    note = forms.CharField(label=_("What was seen, and who told"), required=False, max_length=10_000,
                           widget=forms.Textarea(attrs={"rows": 4}), help_text=_("Sealed on arrival."))  # fmt: skip

    def __init__(self, *args: Any, items: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].queryset = items  # type: ignore[attr-defined]


class ConfirmForm(forms.Form):
    """Why a level is confirmed."""

    reason = forms.ChoiceField(label=_("Why"), choices=_reasons(actions.CONFIRM_REASONS))
    words = forms.CharField(label=_("In words"), required=False, max_length=10_000,
                            widget=forms.Textarea(attrs={"rows": 3}), help_text=_("Sealed on arrival."))  # fmt: skip


class DeclineForm(ConfirmForm):
    """Why a level is not confirmed."""

    reason = forms.ChoiceField(label=_("Why"), choices=_reasons(actions.DECLINE_REASONS))


class StepDownForm(forms.Form):
    """Why an alert ends."""

    reason = forms.ChoiceField(label=_("Why"), choices=_reasons(actions.STEP_DOWN_REASONS))


class DialogueForm(forms.Form):
    """When the early-warning dialogue took place."""

    on = Day(label=_("Held on"))
