"""Lifecycle of a finding (domain.md §2.8)."""

from answerable.common.lifecycle import move

DRAFT, LEGAL_REVIEW, SAFETY_REVIEW, NOTIFIED = "DRAFT", "LEGAL_REVIEW", "SAFETY_REVIEW", "NOTIFIED"
REPLY_PERIOD, ASSESSMENT, ADOPTED, NOT_ADOPTED, RETURNED = (
    "REPLY_PERIOD", "ASSESSMENT", "ADOPTED", "NOT_ADOPTED", "RETURNED",
)  # fmt: skip
PUBLISHED, IN_REVIEW, UPHELD, AMENDED, WITHDRAWN = "PUBLISHED", "IN_REVIEW", "UPHELD", "AMENDED", "WITHDRAWN"

# fmt: off
FINDING_MOVES = {
    "review_law":    move(DRAFT, RETURNED,                    to=LEGAL_REVIEW),
    "review_safety": move(LEGAL_REVIEW,                       to=SAFETY_REVIEW),
    "notify":        move(SAFETY_REVIEW,                      to=REPLY_PERIOD),
    "assess":        move(REPLY_PERIOD,                       to=ASSESSMENT),
    "adopt":         move(ASSESSMENT,                         to=ADOPTED),
    "decline":       move(ASSESSMENT,                         to=NOT_ADOPTED),
    "return":        move(LEGAL_REVIEW, SAFETY_REVIEW, ASSESSMENT, to=RETURNED),
    "publish":       move(ADOPTED,                            to=PUBLISHED),
    "open_review":   move(PUBLISHED, UPHELD, AMENDED,         to=IN_REVIEW),
    "uphold":        move(IN_REVIEW,                          to=UPHELD),
    "amend":         move(IN_REVIEW,                          to=AMENDED),
    "withdraw":      move(IN_REVIEW,                          to=WITHDRAWN),
}
# fmt: on
# A finding that measures and programmes may rest on.
IN_FORCE = frozenset({PUBLISHED, IN_REVIEW, UPHELD, AMENDED})
# Nothing is concluded yet, so a change below simply changes the draft.
BEFORE_ADOPTION = frozenset({DRAFT, LEGAL_REVIEW, SAFETY_REVIEW, NOTIFIED, REPLY_PERIOD, ASSESSMENT, RETURNED})
