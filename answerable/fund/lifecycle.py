"""Lifecycles of a contribution and of a payment (domain.md §6.1, §6.4)."""

from answerable.common.lifecycle import move

ANNOUNCED, PLEDGED, COMMITTED, DUE, RECEIVED, RECONCILED, DEFAULTED, RETURNED = (
    "ANNOUNCED", "PLEDGED", "COMMITTED", "DUE", "RECEIVED", "RECONCILED", "DEFAULTED", "RETURNED",
)  # fmt: skip
PLANNED, APPROVED_1, APPROVED_2, RELEASED = "PLANNED", "APPROVED_1", "APPROVED_2", "RELEASED"
SETTLED, FAILED, UNKNOWN, CANCELLED = "SETTLED", "FAILED", "UNKNOWN", "CANCELLED"

# fmt: off
CONTRIBUTION_MOVES = {
    "pledge":    move(ANNOUNCED,                     to=PLEDGED),
    "commit":    move(PLEDGED,                       to=COMMITTED),
    "fall_due":  move(COMMITTED,                     to=DUE),
    "receive":   move(PLEDGED, COMMITTED, DUE,       to=RECEIVED),
    "reconcile": move(RECEIVED,                      to=RECONCILED),
    "default":   move(DUE,                           to=DEFAULTED),
    "return":    move(PLEDGED, COMMITTED, RECEIVED,  to=RETURNED),
}
PAYMENT_MOVES = {
    "approve_first":  move(PLANNED,           to=APPROVED_1),
    "approve_second": move(APPROVED_1,        to=APPROVED_2),
    "release":        move(APPROVED_2,        to=RELEASED),
    "settle":         move(RELEASED, UNKNOWN, to=SETTLED),
    "fail":           move(RELEASED, UNKNOWN, to=FAILED),
    "lose_sight":     move(RELEASED,          to=UNKNOWN),
    "return_payment": move(SETTLED, RELEASED, to=RETURNED),
    "cancel_payment": move(PLANNED, APPROVED_1, APPROVED_2, to=CANCELLED),
}
# fmt: on
# Payments that stand: a second instruction on the same award line and instalment is a duplicate (R-PAY-1).
STANDING = (PLANNED, APPROVED_1, APPROVED_2, RELEASED, SETTLED, UNKNOWN)
