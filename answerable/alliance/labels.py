"""Labels of code tables that have no column of their own for other languages, marked so that they are translated when shown.

`tables.label` asks here for what `taxonomy_labels.csv` does not say. The table stays the one home of the English words:
a test compares (tests/walks/test_words_on_pages.py).
"""

from __future__ import annotations

from django.utils.translation import gettext, override
from django.utils.translation import gettext_noop as _

from answerable.common import tables

LABELS = {
    "early_warning_indicator": (
        _("Arms flows or recruitment into units with a record of sexual violence"),
        _("Deployment or rotation of units with a record of sexual violence near civilians"),
        _("Unpaid, undisciplined or unsupplied forces living off the population"),
        _("Withdrawal or absence of protection forces"),
        _("New checkpoints, house searches or mass arrests"),
        _("Detention of civilians in unofficial sites"),
        _("Abduction of women, girls or boys"),
        _("Attacks following loss of battle or territory"),
        _("Integration of armed elements without vetting"),
        _("Women and girls absent from schools, markets, fields or water points"),
        _("Sudden or forced displacement, family separation"),
        _("Rise in requests for emergency care, or in care after delay"),
        _("Rise in early or forced marriage reported as protection"),
        _("Unsafe camps: no lighting, shared facilities, armed presence"),
        _("Attacks on health facilities or denial of humanitarian access"),
        _("Harassment of women human rights defenders or survivor groups"),
        _("Hate speech or gendered, ethnic propaganda"),
        _("Statements justifying sexual violence"),
        _("Amnesty or immunity measures"),
        _("Expulsion or denial of access to monitors"),
        _("Emergency powers over detention"),
        _("Breakdown of ceasefire or peace talks"),
        _("Closure of courts, police or complaint channels"),
        _("Competition for land, mines or routes"),
        _("Looting, pillage or extortion"),
        _("Food crisis or collapse of livelihoods, transactional sex"),
        _("Trafficking routes and markets for persons"),
        _("Ransom demands"),
    ),
    "systematic_indicator": (
        _("Regular pattern or organized nature"),
        _("Orders, policy or plan"),
        _("Use of resources or dedicated sites"),
        _("Repeated method across units"),
        _("Commander presence, participation or tolerance"),
        _("Targeted victim profile"),
    ),
    "method_of_warfare_indicator": (
        _("Order, policy or plan"),
        _("Coordination with operations"),
        _("Repeated modus operandi across units"),
        _("Use in detention or interrogation"),
        _("Terror or displacement effect"),
        _("Targeting of a group"),
        _("Public or spectacle character"),
        _("Commander presence or participation"),
        _("Resources allocated"),
        _("Incitement or propaganda"),
        _("Combined with other crimes"),
        _("Control of resources or territory"),
        _("Reproductive intent"),
        _("Abatement on order"),
    ),
    "condone_indicator": (
        _("No investigation opened"),
        _("Investigation shelved or sham"),
        _("No suspension of named suspects"),
        _("Promotion or decoration"),
        _("Amnesty or immunity"),
        _("Public justification or denial campaign"),
        _("Obstruction of monitors"),
        _("Reprisals"),
        _("Blocking of care"),
        _("Continued support to perpetrators"),
        _("Refusal to cooperate with courts"),
        _("No orders or discipline"),
        _("No remedy"),
        _("Destruction or concealment of evidence"),
    ),
    "gbvims_core_type": (
        _("Rape"),
        _("Sexual assault"),
        _("Physical assault"),
        _("Forced marriage"),
        _("Denial of resources, opportunities or services"),
        _("Psychological or emotional abuse"),
    ),
}  # fmt: skip


def in_language(english: str, language: str) -> str:
    """A label in a language, English where nobody translated it."""
    with override(language):
        return gettext(english)


tables.say_otherwise_by(in_language)
