"""Forms of monitoring. Choices come from the code tables, in the reader's language."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from answerable.alliance.models import State
from answerable.common.tables import label, taxonomy
from answerable.monitoring import grades
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


class Day(forms.DateField):
    """A day, chosen or typed as 2031-01-14."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        kwargs.setdefault("input_formats", ["%Y-%m-%d"])
        kwargs.setdefault("error_messages", {"invalid": _("Write the day like 2026-03-14.")})
        super().__init__(**kwargs)


class ActorsForm(forms.Form):
    """Who took part besides the actor named first."""

    also = forms.ModelMultipleChoiceField(
        label=_("Armed actors besides the first"), queryset=Party.objects.none(), to_field_name="ref", required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Every one that took part, as far as was told. The incident counts for each of them; concluded verification is opened again."),
    )  # fmt: skip

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = incident.situation.parties.exclude(pk=incident.party_id)
        self.fields["also"].queryset = others  # type: ignore[attr-defined]
        self.initial["also"] = [p.ref for p in incident.actors[1:]]


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
    """A new grade, on the scale that fits the item's kind; the one it has is chosen."""

    testimony = forms.ChoiceField(
        label=_("Account (T)"), required=False, choices=[("", "–"), *((t, t) for t in grades.TESTIMONY_SCALE)]
    )
    reliability = forms.ChoiceField(
        label=_("Reliability of the source (A–F)"), required=False,
        choices=[("", "–"), *((c, c) for c in grades.RELIABILITY_SCALE)],
    )  # fmt: skip
    credibility = forms.TypedChoiceField(
        label=_("Credibility (1–6)"), required=False, coerce=int, empty_value=None,
        choices=[("", "–"), *((n, n) for n in grades.CREDIBILITY_SCALE)],
    )  # fmt: skip

    def __init__(self, *args: Any, item: SourceItem, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("reliability", "credibility") if grades.is_account(item.kind) else ("testimony",):
            del self.fields[name]
        self.initial = {name: getattr(item, name) for name in self.fields}
