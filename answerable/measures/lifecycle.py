"""Lifecycles of a measure and of one member's implementation (domain.md §4.5)."""

from answerable.common.lifecycle import move

ADOPTED, NOTIFIED, IN_FORCE, UNDER_REVIEW = "ADOPTED", "NOTIFIED", "IN_FORCE", "UNDER_REVIEW"
AMENDED, EASED, PREREQ_FAILED = "AMENDED", "EASED", "PREREQ_FAILED"
RENEWED, LIFTED, LAPSED, ANNULLED, DELISTED = "RENEWED", "LIFTED", "LAPSED", "ANNULLED", "DELISTED"
LIVE = (IN_FORCE, UNDER_REVIEW, AMENDED, EASED, PREREQ_FAILED, RENEWED)

# fmt: off
MEASURE_MOVES = {
    "notify_measure":  move(ADOPTED,           to=NOTIFIED),
    "enter_into_force": move(NOTIFIED,         to=IN_FORCE),
    "fail_prerequisite": move(*LIVE,           to=PREREQ_FAILED),
    "renew":           move(*LIVE,             to=RENEWED),
    "lift":            move(*LIVE,             to=LIFTED),
    "lapse":           move(*LIVE,             to=LAPSED),
    "annul":           move(*LIVE,             to=ANNULLED),
    "delist":          move(*LIVE,             to=DELISTED),
}
DUE, IN_FORCE_HERE, REPORTED, LATE, OPTED_OUT = "DUE", "IN_FORCE", "REPORTED", "LATE", "OPTED_OUT"
IMPLEMENTATION_MOVES = {
    "give_effect":   move(DUE, LATE,                      to=IN_FORCE_HERE),
    "report":        move(IN_FORCE_HERE, REPORTED,        to=REPORTED),
    "note_late":     move(DUE,                            to=LATE),
    "opt_out":       move(DUE, LATE,                      to=OPTED_OUT),
}
# fmt: on
