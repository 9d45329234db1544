"""Lifecycles of a programme and of a claim (domain.md §5.3, §5.4)."""

from answerable.common.lifecycle import move

PROPOSED, CO_DESIGN, OPEN, CLOSED_TO_NEW, WIND_DOWN, CLOSED = (
    "PROPOSED", "CO_DESIGN", "OPEN", "CLOSED_TO_NEW", "WIND_DOWN", "CLOSED",
)  # fmt: skip
STARTED, LODGED, URGENT_SCREENED, REGISTERED = "STARTED", "LODGED", "URGENT_SCREENED", "REGISTERED"
COMPLETENESS, NEEDS_INFO, ASSESSMENT, SECOND_ASSESSMENT = (
    "COMPLETENESS", "NEEDS_INFO", "ASSESSMENT", "SECOND_ASSESSMENT",
)  # fmt: skip
ELIGIBLE, NOT_ELIGIBLE, AWARDED, ACCEPTED = "ELIGIBLE", "NOT_ELIGIBLE", "AWARDED", "ACCEPTED"
DELIVERING, DELIVERED = "DELIVERING", "DELIVERED"
PAUSED, WITHDRAWN = "PAUSED_BY_CLAIMANT", "WITHDRAWN"

# fmt: off
PROGRAMME_MOVES = {
    "begin_co_design": move(PROPOSED,              to=CO_DESIGN),
    "open_programme":  move(CO_DESIGN,             to=OPEN),
    "close_to_new":    move(OPEN,                  to=CLOSED_TO_NEW),
    "wind_down":       move(OPEN, CLOSED_TO_NEW,   to=WIND_DOWN),
    "close_programme": move(WIND_DOWN,             to=CLOSED),
}
CLAIM_MOVES = {
    "lodge":            move(STARTED,                          to=LODGED),
    "screen":           move(LODGED,                           to=URGENT_SCREENED),
    "register_claim":   move(URGENT_SCREENED,                  to=REGISTERED),
    "check_completeness": move(REGISTERED, NEEDS_INFO,         to=COMPLETENESS),
    "ask_information":  move(COMPLETENESS, ASSESSMENT,         to=NEEDS_INFO),
    "begin_assessment": move(COMPLETENESS,                     to=ASSESSMENT),
    "propose_refusal":  move(ASSESSMENT,                       to=SECOND_ASSESSMENT),
    "find_eligible":    move(ASSESSMENT, SECOND_ASSESSMENT,    to=ELIGIBLE),
    "refuse_claim":     move(SECOND_ASSESSMENT,                to=NOT_ELIGIBLE),
    "assess_again":     move(ASSESSMENT, SECOND_ASSESSMENT, ELIGIBLE, NOT_ELIGIBLE, to=ASSESSMENT),
    "award":            move(ELIGIBLE,                         to=AWARDED),
    "accept_award":     move(AWARDED,                          to=ACCEPTED),
    "begin_delivery":   move(ACCEPTED,                         to=DELIVERING),
    "confirm_delivery": move(DELIVERING,                       to=DELIVERED),
    "close_claim":      move(DELIVERED,                        to=CLOSED),
    "withdraw_claim":   move(STARTED, LODGED, URGENT_SCREENED, REGISTERED, COMPLETENESS, NEEDS_INFO, ASSESSMENT,
                             SECOND_ASSESSMENT, ELIGIBLE,      to=WITHDRAWN),
    "reopen_claim":     move(WITHDRAWN,                        to=LODGED),
}
# fmt: on
# Nothing more is done on a claim here.
ENDED = frozenset({WITHDRAWN, NOT_ELIGIBLE})
# Once awarded, a withdrawal leaves the award alone (§2.5); these are the statuses from there on.
DECIDED = frozenset({AWARDED, ACCEPTED, DELIVERING, DELIVERED, CLOSED})
# What becomes of a correction of her file (SC-10), and of an award whose facts were corrected.
CARRIED_OUT, BESIDE, DECLINED = "CARRIED_OUT", "BESIDE", "DECLINED"
CORRECTION_OUTCOMES = (CARRIED_OUT, BESIDE, DECLINED)
LOOK_WAITS, LOOK_HOLDS, LOOK_NOT = "WAITS", "HOLDS", "NOT"
AWARD_LOOKS = (LOOK_WAITS, LOOK_HOLDS, LOOK_NOT)
