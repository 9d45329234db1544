"""Which acts the record page shows to whom. Plain Python.

A list of acts as they happen would tell a delegation that a survivor wrote a minute ago. So everyone sees only what lies
under the last checkpoint, six hours of acts at a time; and whoever does not inspect sees the alliance's own work and
nothing of the door, of reports, claims, payments, consents, care or openings. A kind that is not in the table is not
shown.
"""

from __future__ import annotations

# Whoever inspects the record sees every act under the checkpoint, with its number and leaf.
INSPECTORS = frozenset({"auditor", "data_protection_officer", "ombudsperson", "registrar"})

# fmt: off
OWN_WORK = frozenset({
    # members, bodies and their calendar
    "alliance founded", "state entered", "body entered", "population table frozen", "holiday entered",
    "invite", "note interest", "sign charter", "admit member", "note arrears", "clear arrears", "suspend", "readmit",
    # what is watched, and public data on it
    "situation opened", "party entered", "public data imported", "import undone",
    # findings
    "finding drafted", "review law", "review safety", "finding notified", "reply recorded", "assess", "opinion given",
    "finding adopted", "finding not adopted", "return", "finding published", "open review", "uphold", "amend",
    # the council's proposals and votes
    "proposal tabled", "proposal sponsored", "paper filed", "check prerequisites", "check law", "check safety",
    "circulate", "vote opened", "ballot cast", "result declared", "proposal withdrawn", "close",
    # measures
    "notify measure", "measure in force", "effect given", "implementation reported", "implementation late",
    "measure lapsed",
    # programmes and the fund's income
    "programme proposed", "begin co design", "open programme", "close to new", "wind down", "close programme",
    "contribution pledged", "contribution received",
    # the record's own witnesses
    "witness entered", "cosignature accepted",
})
# fmt: on


def inspects(roles: frozenset[str]) -> bool:
    """Whether someone in these roles sees every act under the checkpoint."""
    return bool(roles & INSPECTORS)
