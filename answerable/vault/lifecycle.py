"""The way to a new key for someone who lost theirs: two persons, 48 hours, one code (security.md §2.2)."""

from answerable.common.lifecycle import move

ASKED, CONFIRMED, READY, USED, STOPPED = "ASKED", "CONFIRMED", "READY", "USED", "STOPPED"

# fmt: off
RECOVERY_MOVES = {
    "confirm_recovery": move(ASKED,                   to=CONFIRMED),
    "make_code":        move(CONFIRMED, READY,        to=READY),
    "use_recovery":     move(READY,                   to=USED),
    "stop_recovery":    move(ASKED, CONFIRMED, READY, to=STOPPED),
}
# fmt: on
OPEN = frozenset({ASKED, CONFIRMED, READY})
DELAY_HOURS = 48
# A role gives nobody a compartment, a piece in escrow or a keeper's half before it has been held for so long.
SETTLED_HOURS = 48
CODE_HOURS = 72
