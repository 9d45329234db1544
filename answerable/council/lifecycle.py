"""Lifecycle of a proposal (domain.md §4.5)."""

from answerable.common.lifecycle import move

DRAFT, SPONSORED, PREREQ_CHECK, LEGAL_CHECK = "DRAFT", "SPONSORED", "PREREQ_CHECK", "LEGAL_CHECK"
SAFETY_CHECK, CIRCULATED, MEETING = "SAFETY_CHECK", "CIRCULATED", "MEETING"
ADOPTED, REJECTED, NO_QUORUM, WITHDRAWN, CLOSED = "ADOPTED", "REJECTED", "NO_QUORUM", "WITHDRAWN", "CLOSED"

# fmt: off
PROPOSAL_MOVES = {
    "sponsor":             move(DRAFT,                  to=SPONSORED),
    "check_prerequisites": move(SPONSORED,              to=PREREQ_CHECK),
    "check_law":           move(PREREQ_CHECK,           to=LEGAL_CHECK),
    "check_safety":        move(LEGAL_CHECK,            to=SAFETY_CHECK),
    "circulate":           move(SAFETY_CHECK,           to=CIRCULATED),
    "open_vote":           move(CIRCULATED, NO_QUORUM,  to=MEETING),
    "declare_adopted":     move(MEETING,                to=ADOPTED),
    "declare_rejected":    move(MEETING,                to=REJECTED),
    "declare_no_quorum":   move(MEETING,                to=NO_QUORUM),
    "withdraw_proposal":   move(DRAFT, SPONSORED, PREREQ_CHECK, LEGAL_CHECK, SAFETY_CHECK, CIRCULATED, NO_QUORUM,
                                to=WITHDRAWN),
    "close":               move(ADOPTED, REJECTED, NO_QUORUM, WITHDRAWN, to=CLOSED),
}
# fmt: on
ENDED = frozenset({ADOPTED, REJECTED, WITHDRAWN, CLOSED})
