"""Evidence, grades, weighings, opinions and periods."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from answerable.alliance.models import Body
from answerable.common.tables import label
from answerable.monitoring.evidence.actions import LEVELS
from answerable.monitoring.forms import Day
from answerable.monitoring.intake.description import codes_of

WHY = [
    ("verification", _("to verify")), ("preservation", _("to preserve it")), ("panel", _("for the panel of experts")),
    ("court", _("for a court")), ("safety", _("to protect someone")), ("request", _("because the person asked")),
]  # fmt: skip
# First of a list of which nothing is chosen beforehand: what is left as it was is refused.
UNCHOSEN = ("", "–")
WEIGHED = [
    UNCHOSEN,
    ("outweighed", _("what speaks for the incident weighs more")),
    ("explained", _("the contradiction is explained")),
    ("stands", _("it stands against the incident, and the cap stays")),
]
GIVEN_OUT = [
    ("CP-CRIM", _("to a court or prosecutor (CP-CRIM)")), ("CP-UNIT", _("to the United Nations (CP-UNIT)")),
    ("CP-ARCH", _("to an archive (CP-ARCH)")), ("CP-RESE", _("to research (CP-RESE)")),
]  # fmt: skip


def why() -> forms.ChoiceField:
    """Why it is done: a code, since the custody log holds nobody's words."""
    return forms.ChoiceField(label=_("Why"), choices=WHY)


# What the office holds in memory while it seals a file. Django would write a larger one to a temporary file in the clear.
LARGEST_MB = 50


def too_large() -> str:
    """Why a file was refused, and what helps."""
    return gettext(
        "The file is larger than %(n)d MB and nothing of it was kept. A file is held in memory until it is sealed, never "
        "in a temporary file that others could read, and more does not fit. Cut a long recording into parts without "
        "encoding it anew, and take each part in; keep the whole where it is."
    ) % {"n": LARGEST_MB}


class FileForm(forms.Form):
    """A file on a source item."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("JPEG, PNG, PDF, plain text, MP3, M4A, WAV, MP4 or a web archive (WACZ). The original is sealed as it came; "
                    "pictures of it are shown. At most 50 MB, a picture 30 MB and a text 2 MB: a file is held in memory until "
                    "it is sealed, so that it never lies on a disk in the clear. Cut a longer recording into parts."),
    )  # fmt: skip
    why = why()


class ProofForm(forms.Form):
    """A proof of time that came with a file."""

    proof = forms.FileField(label=_("Time stamp (.tsr) or OpenTimestamps proof (.ots)"))
    why = why()


class BoxesForm(forms.Form):
    """Regions to destroy, one a line."""

    boxes = forms.CharField(
        label=_("Regions to remove"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("One a line: page, left, top, width, height, the last four in per cent of the page. For example "
                    "1 10 25 40 5 is a box on page 1, a tenth from the left and a quarter from the top."),
    )  # fmt: skip
    why = why()


class PassagesForm(forms.Form):
    """Passages to remove from a text, one a line."""

    passages = forms.CharField(
        label=_("Passages to remove"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, as it stands in the text. Each is removed wherever it occurs, and one same sign takes its place."),
    )  # fmt: skip
    why = why()


class TransferForm(forms.Form):
    """To whom a file was handed, and under which consent."""

    recipient = forms.ModelChoiceField(
        label=_("Organisation"), queryset=Body.objects.exclude(kind=Body.DELEGATION).order_by("name")
    )
    purpose = forms.ChoiceField(label=_("Purpose consented to"), choices=GIVEN_OUT)
    why = why()


def _scale(list_name: str) -> list[tuple[str, str]]:
    """Each grade of a scale with what it means, as the form of a report says it; none is chosen beforehand."""
    lang = get_language() or "en"
    return [UNCHOSEN, *((code, f"{code}: {label(list_name, code, lang)}") for code in codes_of(list_name))]


class AssessForm(forms.Form):
    """One assessor's grade, with reasons."""

    testimony = forms.ChoiceField(label=_("Grade of the account, T1 to T4"), choices=partial(_scale, "testimony_scale"))
    reliability = forms.ChoiceField(
        label=_("Reliability of the source, A to F"), choices=partial(_scale, "source_reliability")
    )
    credibility = forms.TypedChoiceField(label=_("Credibility of what it says, 1 to 6"), coerce=int,
                                         choices=partial(_scale, "information_credibility"))  # fmt: skip
    reasons = forms.CharField(label=_("Reasons"), max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
                              help_text=_("Sealed. The other assessors read them after giving their own grade."))  # fmt: skip

    def __init__(self, *args: Any, account: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("reliability", "credibility") if account else ("testimony",):
            del self.fields[name]


class WeighForm(forms.Form):
    """How a contrary item was weighed."""

    outcome = forms.ChoiceField(label=_("What came of it"), choices=WEIGHED)
    how = forms.CharField(label=_("How it was weighed"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
                          help_text=_("Sealed."))  # fmt: skip


class OpinionForm(forms.Form):
    """Another organisation's opinion."""

    level = forms.ChoiceField(
        label=_("Level your organisation would give"), choices=[UNCHOSEN, *((c, c) for c in LEVELS)]
    )
    reasons = forms.CharField(label=_("Reasons"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5}),
                              help_text=_("Sealed."))  # fmt: skip


class RootForm(forms.Form):
    """A trusted root of time-stamping authorities."""

    pem = forms.CharField(label=_("Certificate of the root, in PEM"), max_length=20_000,
                          widget=forms.Textarea(attrs={"rows": 8, "dir": "ltr", "spellcheck": "false"}))  # fmt: skip


class PeriodForm(forms.Form):
    """A period that is over."""

    first = Day(label=_("First day"))
    last = Day(label=_("Last day"))
