"""Lifecycle of an incident (domain.md §2.3)."""

from answerable.common.lifecycle import move

DRAFT, SUBMITTED, TRIAGED, IN_VERIFICATION = "DRAFT", "SUBMITTED", "TRIAGED", "IN_VERIFICATION"
VERIFIED, CREDIBLE, ALLEGED, NOT_SUBSTANTIATED = "VERIFIED", "CREDIBLE", "ALLEGED", "NOT_SUBSTANTIATED"
CONSENT_WITHDRAWN, MERGED, OUT_OF_SCOPE, REOPENED = "CONSENT_WITHDRAWN", "MERGED", "OUT_OF_SCOPE", "REOPENED"
ASSESSED = (VERIFIED, CREDIBLE, ALLEGED, NOT_SUBSTANTIATED)
ANY = (SUBMITTED, TRIAGED, IN_VERIFICATION, *ASSESSED, REOPENED)

# fmt: off
INCIDENT_MOVES = {
    "submit":            move(DRAFT,                              to=SUBMITTED),
    "triage":            move(SUBMITTED, REOPENED,                to=TRIAGED),
    "begin_verification": move(TRIAGED,                           to=IN_VERIFICATION),
    "find_verified":     move(IN_VERIFICATION, VERIFIED, CREDIBLE, ALLEGED, to=VERIFIED),
    "find_credible":     move(IN_VERIFICATION, VERIFIED, CREDIBLE, ALLEGED, to=CREDIBLE),
    "find_alleged":      move(IN_VERIFICATION, VERIFIED, CREDIBLE, ALLEGED, to=ALLEGED),
    "find_unsubstantiated": move(IN_VERIFICATION,                 to=NOT_SUBSTANTIATED),
    "withdraw_consent":  move(DRAFT, *ANY,                        to=CONSENT_WITHDRAWN),
    "merge":             move(*ANY,                               to=MERGED),
    "refer_elsewhere":   move(*ANY,                               to=OUT_OF_SCOPE),
    "reopen":            move(*ASSESSED, OUT_OF_SCOPE, MERGED,    to=REOPENED),
}
# fmt: on
# Incidents that count, at whatever level their items give them.
COUNTED = frozenset({VERIFIED, CREDIBLE, ALLEGED})
# Reports on which verification is not concluded: their level is worked out and is nobody's word yet.
OPEN = (SUBMITTED, TRIAGED, IN_VERIFICATION)
# Whoever concludes these will have before her what is added now. Elsewhere what is added waits for a verifier to look again.
BEFORE_A_VERIFIER = frozenset({DRAFT, *OPEN, REOPENED})
