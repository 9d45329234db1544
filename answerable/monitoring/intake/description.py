"""What forms A1 (incident report), A2 (source item) and A3 (consent) ask (domain.md Annex A). No framework.

The one description of these forms: the check, the web pages, the published XLSForm, the columns a file is mapped to and
the API are all read from here, and the codes from the field's own tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from answerable.common.edtf import gettext_noop
from answerable.common.tables import taxonomy
from answerable.monitoring import grades

_ = gettext_noop
# "Prefer not to say" (SC-9).
DECLINED = "PNS"
A1, A2, A3 = "A1", "A2", "A3"
LONG, SHORT = 40_000, 400


@dataclass(frozen=True)
class Field:
    """One question. `kind` is code, codes, yes_no, text, key, whole, decimal, day, when, counts, ref, refs or file.

    `needed`: without it the row is not taken. `before_filing`: a draft may lack it, a filed report may not. `sealed`:
    text about persons, sealed as soon as it is read. `declinable`: "prefer not to say" is an answer. `asked_if`: the
    question and the answers that call for this one. `most`: longest text in characters, or largest number. `least`: smallest number.
    """

    name: str
    form: str
    kind: str
    label: str
    hint: str = ""
    list_name: str = ""
    needed: bool = False
    before_filing: bool = False
    sealed: bool = False
    declinable: bool = False
    asked_if: tuple[str, tuple[str, ...]] | None = None
    most: int = 0
    least: int = 0


# Lists that are short and ours; every other list is one of the taxonomy's.
LISTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "yes_no": {"yes": _("yes"), "no": _("no")},
        "risk": {"low": _("low"), "medium": _("medium"), "high": _("high")},
        "item_kind": {
            "testimony": _("testimony"),
            "medical": _("medical"),
            "register": _("register"),
            "document": _("document"),
            "digital": _("digital"),
            "aggregate": _("aggregate"),
            "official": _("official statement"),
            "court": _("court"),
        },
        "directness": {"primary": _("first hand"), "secondary": _("second hand"), "tertiary": _("third hand")},
        "releasability": {
            "panel": _("the panel only"),
            "respondent": _("the state concerned as well"),
            "public": _("public"),
        },
        "giver": {
            "self": _("herself or himself"),
            "guardian": _("a guardian"),
            "representative": _("a representative"),
        },
        "consent_method": {
            "spoken": _("spoken"),
            "signed": _("signed"),
            "thumb": _("thumb print"),
            "channel": _("over her own door"),
        },
    }
)
PERSONAL = tuple(k for k in grades.KINDS if k in grades.PERSONAL)
# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("situation", A1, "ref", _("Situation"), needed=True),
    Field("referral_offered", A1, "yes_no", _("Care and referral were offered first (SC-8)"), list_name="yes_no", needed=True),
    Field("searched_first", A1, "yes_no", _("I looked for an account that already exists (SC-1)"), list_name="yes_no", needed=True),
    Field("protocol_signatory", A1, "yes_no", _("Signed the information-sharing protocol"), list_name="yes_no"),
    Field("when", A1, "when", _("When it happened"), needed=True,
          hint=_("2026-03-14 for a day, 2026-03 for a month, 2026 for a year, 2026-03-01/2026-03-09 for a range, ~ for about then.")),
    Field("area1", A1, "text", _("First-level area"), needed=True, most=40),
    Field("area2", A1, "text", _("Second-level area"), most=40),
    Field("area3", A1, "text", _("Third-level area"), hint=_("Sealed on arrival."), sealed=True, most=120),
    Field("place", A1, "text", _("Exact place"), hint=_("Sealed on arrival."), sealed=True, most=SHORT),
    Field("latitude", A1, "decimal", _("Latitude"), hint=_("Sealed on arrival."), sealed=True, most=90),
    Field("longitude", A1, "decimal", _("Longitude"), hint=_("Sealed on arrival."), sealed=True, most=180),
    Field("party", A1, "refs", _("Armed actors"), hint=_("Every one that took part, as far as was told."), before_filing=True),
    Field("actor_types", A1, "codes", _("Kinds of armed actor"), list_name="actor_type", needed=True, declinable=True),
    Field("actor_name", A1, "text", _("Armed actor, as named by those who told"), hint=_("Sealed on arrival."), sealed=True, most=SHORT),
    Field("forms", A1, "codes", _("Forms of violence"), list_name="violence_form", needed=True, declinable=True),
    Field("links", A1, "codes", _("Links to the conflict"), list_name="conflict_link", needed=True),
    Field("link_reason", A1, "text", _("Why it is linked to the conflict"), hint=_("Sealed on arrival."), before_filing=True, sealed=True, most=4000),
    Field("victims", A1, "whole", _("Survivors and victims, best estimate"), needed=True, most=1_000_000, least=1),
    Field("victims_min", A1, "whole", _("At least"), most=1_000_000, least=1),
    Field("victims_max", A1, "whole", _("At most"), most=1_000_000, least=1),
    Field("victim_counts", A1, "counts", _("Survivors and victims by category"), list_name="victim_category",
          hint=_("A code and a number for each, such as VC-WOM:3 VC-GIR:1.")),
    Field("settings", A1, "codes", _("Settings"), list_name="setting", declinable=True),
    Field("consequences", A1, "codes", _("Consequences"), list_name="consequence", declinable=True),
    Field("risk", A1, "code", _("Risk to those who told"), list_name="risk", needed=True),
    Field("narrative", A1, "text", _("What happened"), sealed=True, most=LONG,
          hint=_("Nothing here is compulsory. Sealed on arrival; only those who verify can open it.")),
    Field("kind", A2, "code", _("Kind of source"), list_name="item_kind", needed=True),
    Field("directness", A2, "code", _("How close to what happened"), list_name="directness", needed=True),
    Field("captured_on", A2, "day", _("Captured on"), needed=True),
    Field("interview", A2, "text", _("The interview in which it was told"), most=40, asked_if=("kind", ("testimony",)),
          hint=_("Its reference, ITV-… A new account of a person needs an interview that was allowed (SC-1).")),
    Field("item_language", A2, "text", _("Language of the account"), hint=_("A code such as en, fr, ar, uk, sw."), most=12),
    Field("item_interpreter", A2, "yes_no", _("An interpreter took part"), list_name="yes_no", asked_if=("kind", ("testimony",))),
    Field("testimony", A2, "code", _("Grade of an account, T1 to T4"), list_name="testimony_scale", asked_if=("kind", ("testimony",))),
    Field("person_key", A2, "key", _("Pseudonym of the person"), most=40, asked_if=("kind", PERSONAL),
          hint=_("The same pseudonym for everything this person told, in letters, figures and dashes, and never a name. Two accounts "
                 "count as two persons' only when both have a pseudonym and they differ.")),
    Field("reliability", A2, "code", _("Reliability of the source, A to F"), list_name="source_reliability",
          asked_if=("kind", tuple(k for k in LISTS["item_kind"] if k != "testimony"))),
    Field("credibility", A2, "code", _("Credibility of what it says, 1 to 6"), list_name="information_credibility",
          asked_if=("kind", tuple(k for k in LISTS["item_kind"] if k != "testimony"))),
    Field("contrary", A2, "yes_no", _("Speaks against the incident"), list_name="yes_no"),
    Field("releasability", A2, "code", _("Who may be shown it"), list_name="releasability"),
    Field("says", A2, "text", _("What it says"), hint=_("Sealed on arrival."), sealed=True, most=LONG),
    Field("attachment", A2, "file", _("Attached file"), hint=_("Sealed on arrival.")),
    Field("purposes", A3, "codes", _("Purposes consented to, each on its own"), list_name="consent_purpose", asked_if=("kind", PERSONAL)),
    Field("identifiability", A3, "code", _("How far the person may be recognised"), list_name="identifiability", asked_if=("kind", PERSONAL)),
    Field("consent_until", A3, "day", _("Consent ends on"), asked_if=("kind", PERSONAL)),
    Field("giver", A3, "code", _("Who gave the consent"), list_name="giver", asked_if=("kind", PERSONAL)),
    Field("assent", A3, "yes_no", _("The child agrees as well"), list_name="yes_no", asked_if=("giver", ("guardian",))),
    Field("guardian_not_implicated", A3, "yes_no", _("The guardian had no part in it"), list_name="yes_no", asked_if=("giver", ("guardian",))),
    Field("consent_language", A3, "text", _("Language in which consent was asked"), hint=_("A code such as en, fr, ar, uk, sw."),
          most=12, asked_if=("kind", PERSONAL)),
    Field("consent_method", A3, "code", _("How consent was given"), list_name="consent_method", asked_if=("kind", PERSONAL)),
    Field("consent_interpreter", A3, "yes_no", _("Consent was asked through an interpreter"), list_name="yes_no", asked_if=("kind", PERSONAL)),
    Field("understood", A3, "yes_no", _("It was checked that the person understood"), list_name="yes_no", asked_if=("kind", PERSONAL)),
    Field("withdrawal_told", A3, "yes_no", _("The person knows how to withdraw"), list_name="yes_no", asked_if=("kind", PERSONAL)),
)
# fmt: on
BY_NAME: Mapping[str, Field] = MappingProxyType({f.name: f for f in FIELDS})
OF_REPORT = tuple(f for f in FIELDS if f.form == A1)
OF_ITEM = tuple(f for f in FIELDS if f.form != A1)
SEALED_IN_REPORT = tuple(f.name for f in OF_REPORT if f.sealed)
# How a row says which submission it is; not a question of the forms, and never stored as it came.
SUBMISSION_ID = "submission_id"
# Columns that forms may still have and that are not taken: what each asked, and why it is refused.
NOT_TAKEN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "testimony_second": (
            _("Grade by a second assessor"),
            _("Who confirms a grade is counted here, from what each assessor records alone (R-VER-0). Leave this empty, and let "
              "the second assessor grade the account once the report is filed."),
        )
    }
)  # fmt: skip


@cache
def codes_of(list_name: str) -> Mapping[str, str]:
    """Codes of a list and their English labels, ours or the taxonomy's. Raises KeyError for an unknown list."""
    if list_name in LISTS:
        return LISTS[list_name]
    return MappingProxyType({code: row.label for code, row in taxonomy(list_name).items()})


def is_asked(field: Field, answers: Mapping[str, object]) -> bool:
    """Whether the answers so far call for this question; one that is not called for is left unread."""
    if field.asked_if is None:
        return True
    on, values = field.asked_if
    given = answers.get(on)
    return given in values if not isinstance(given, (list, tuple)) else bool(set(given) & set(values))
