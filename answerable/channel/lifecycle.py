"""What there is at the door, and when answers leave it. No framework."""

from __future__ import annotations

from datetime import datetime, timedelta

from answerable.common.lifecycle import move

OPEN, CLOSED = "OPEN", "CLOSED"
# What someone comes for: to tell, to ask, for help, to complain about us, to claim, to file reports; "unmatched" is what
# was written behind a code that opened nothing: it is read, and cannot be answered.
KINDS = ("tell", "ask", "help", "claim", "report", "complaint", "unmatched")
# Behind these an answer to a complaint waits: in the complaint's own room, apart from every other conversation (SC-13).
COMPLAINT = "complaint"
DIRECTIONS = ("in", "out", "note")
# "answer" comes from outside the case team, "notice" from the vault, and "form" is what she wrote in a claim, kept for her
# own page: all three are hers alone.
MESSAGE_KINDS = ("message", "correction", "receipt", "answer", "notice", "form")
HERS_ALONE = ("answer", "notice", "form")
# Answers can be read from these hours on (UTC), so that when someone works tells nobody anything.
RELEASE_HOURS = (6, 12, 18)

# fmt: off
THREAD_MOVES = {
    "close_thread":  move(OPEN,   to=CLOSED),
    "reopen_thread": move(CLOSED, to=OPEN),
}
# fmt: on


def release_after(now: datetime) -> datetime:
    """The next hour of release after an instant."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [day + timedelta(days=d, hours=h) for d in (0, 1) for h in RELEASE_HOURS]
    return next(h for h in hours if h > now)


# Whoever stands beside a new code holds it for a moment. So it is named where she and the inspectors see it, and what
# cannot be taken back waits until she had time to find out and to say so (decision 0024).
SETTLES_AFTER = timedelta(hours=48)
INSPECTED_DAYS = 7


def settles_at(replaced_at: datetime | None, now: datetime) -> datetime | None:
    """From when what cannot be taken back is possible again after a code was replaced; None when it is possible now."""
    until = replaced_at + SETTLES_AFTER if replaced_at else None
    return until if until and until > now else None


# Where something was sealed: in the browser before it was sent, or by the vault when it came in. Never left unsaid.
BROWSER, ARRIVAL = "browser", "arrival"
# A report from a field device: it waits in a locked vault, is lodged once, or is refused and may be sent again.
WAITING, LODGED, REFUSED = "WAITING", "LODGED", "REFUSED"
KIT_STATES = (WAITING, LODGED, REFUSED)
KIT_MOVES = {
    "lodge_kit_report": move(WAITING, REFUSED, to=LODGED),
    "refuse_kit_report": move(WAITING, REFUSED, to=REFUSED),
}
