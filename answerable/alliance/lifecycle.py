"""Standing of a state in the alliance, and of a grant of a role (domain.md §4.2, SOD-13)."""

from answerable.common.lifecycle import move

NONE, INVITED, INTERESTED, SIGNATORY, MEMBER = "NONE", "INVITED", "INTERESTED", "SIGNATORY", "MEMBER"
IN_ARREARS, SUSPENDED, WITHDRAWN = "IN_ARREARS", "SUSPENDED", "WITHDRAWN"

# fmt: off
MEMBERSHIP_MOVES = {
    "invite":         move(NONE, WITHDRAWN,               to=INVITED),
    "note_interest":  move(INVITED,                       to=INTERESTED),
    "sign_charter":   move(INVITED, INTERESTED,           to=SIGNATORY),
    "admit_member":   move(SIGNATORY,                     to=MEMBER),
    "note_arrears":   move(MEMBER,                        to=IN_ARREARS),
    "clear_arrears":  move(IN_ARREARS,                    to=MEMBER),
    "suspend":        move(MEMBER, IN_ARREARS,            to=SUSPENDED),
    "readmit":        move(SUSPENDED,                     to=MEMBER),
    "withdraw":       move(MEMBER, IN_ARREARS, SUSPENDED, to=WITHDRAWN),
}
ASKED, HELD, REFUSED, ENDED = "ASKED", "HELD", "REFUSED", "ENDED"
GRANT_MOVES = {
    "confirm_grant": move(ASKED, to=HELD),
    "refuse_grant":  move(ASKED, to=REFUSED),
    "end_grant":     move(HELD,  to=ENDED),
}
# fmt: on
# Who has a vote: a member in good standing (domain.md §4.5, "eligible").
VOTING = frozenset({MEMBER})
EVER_MEMBER = frozenset({MEMBER, IN_ARREARS, SUSPENDED})
