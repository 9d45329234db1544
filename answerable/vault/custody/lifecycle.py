"""Lifecycles of a request to open an identity, and of bringing a compartment's key back (security.md §2.2, §2.4)."""

from answerable.common.lifecycle import move

ASKED, APPROVED, COOLING, RELEASED, ANSWERED, CLOSED = (
    "ASKED", "APPROVED", "COOLING", "RELEASED", "ANSWERED", "CLOSED",
)  # fmt: skip
REFUSED, CANCELLED, EXPIRED = "REFUSED", "CANCELLED", "EXPIRED"
CONFIRMED, DONE = "CONFIRMED", "DONE"
# Nothing follows from these.
ENDED = (CLOSED, REFUSED, CANCELLED, EXPIRED)

# fmt: off
REQUEST_MOVES = {
    "approve_identity": move(ASKED,                              to=APPROVED),
    "begin_cool_off":   move(APPROVED,                           to=COOLING),
    "release_identity": move(APPROVED, COOLING,                  to=RELEASED),
    "answer_identity":  move(RELEASED, ANSWERED,                 to=ANSWERED),
    "close_identity":   move(ANSWERED,                           to=CLOSED),
    "refuse_identity":  move(ASKED, APPROVED, COOLING,           to=REFUSED),
    "cancel_identity":  move(ASKED, APPROVED, COOLING, RELEASED, to=CANCELLED),
    "expire_identity":  move(ASKED, APPROVED, COOLING, RELEASED, to=EXPIRED),
}
RESTORE_MOVES = {
    "confirm_restore":  move(ASKED,                              to=CONFIRMED),
    "restore_room":     move(CONFIRMED, DONE,                    to=DONE),  # again, with the pieces, after a fault
    "cancel_restore":   move(ASKED, CONFIRMED,                   to=CANCELLED),
}
# fmt: on
