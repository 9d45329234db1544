"""Lifecycle of an early-warning alert (domain.md §2.4): proposed by the rules, made by a person."""

from answerable.common.lifecycle import move

PROPOSED, ESCALATED, CONFIRMED = "PROPOSED", "ESCALATED", "CONFIRMED"
NOT_CONFIRMED, SUPERSEDED, STEPPED_DOWN = "NOT_CONFIRMED", "SUPERSEDED", "STEPPED_DOWN"
WITHDRAWN = "WITHDRAWN"  # nothing carried it any more before a person confirmed it

# fmt: off
ALERT_MOVES = {
    "confirm_alert":   move(PROPOSED, ESCALATED,            to=CONFIRMED),
    "decline_alert":   move(PROPOSED, ESCALATED,            to=NOT_CONFIRMED),
    "escalate_alert":  move(PROPOSED,                       to=ESCALATED),
    "supersede_alert": move(PROPOSED, ESCALATED, CONFIRMED, to=SUPERSEDED),
    "withdraw_alert":  move(PROPOSED, ESCALATED,            to=WITHDRAWN),
    "step_down_alert": move(CONFIRMED,                      to=STEPPED_DOWN),
}
# fmt: on
WAITING = frozenset({PROPOSED, ESCALATED})
