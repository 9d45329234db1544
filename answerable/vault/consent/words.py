"""What a purpose and how far someone can be recognised are called on a survivor's own pages: one name each, in her voice.

Offices and delegations use the field's terms of the code tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PURPOSES: Mapping[str, Promise | str] = {
    "CP-CLAI": _("Look at what I ask for, and decide on it"),
    "CP-CONT": _("Contact me again, only in the way I said"),
    "CP-MATC": _("Check with other programmes that I am not paid twice"),
    "CP-STAT": _("Count me in numbers that show nobody"),
    "CP-MONI": _("Use what I told to show what happens in this conflict"),
    "CP-CRIM": _("Share it with a court, after asking me again"),
    "CP-MEMO": _("Use my story for remembrance, after asking me again"),
    "CP-CARE": _("Tell services of care and protection what they need to help me"),
    "CP-FIND": _("Use what I told as one of the grounds of a finding, without my name"),
    "CP-NARR": _("Publish my story without anything that shows who I am"),
    "CP-MEMB": _("Let me be counted in the totals that member states receive"),
    "CP-UNIT": _("Share it with a mechanism of the United Nations, after asking me again"),
    "CP-SANC": _("Use it, protected, for putting someone on a sanctions list"),
    "CP-RESE": _("Use it for approved research, without my name"),
    "CP-ARCH": _("Keep it in a sealed archive"),
}

EXTENT: Mapping[str, Promise | str] = {
    "ID-0": _("only as one number among others, never your words"),
    "ID-1": _("your story, without anything that shows who you are"),
    "ID-2": _("your file under a number, without your name"),
    "ID-3": _("your file with your name"),
}
