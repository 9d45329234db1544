"""Lifecycles: an entry of the directory, a referral, a safe contact plan, a contact, a complaint, an incident of safety."""

from answerable.common.lifecycle import move

ENTERED, LISTED, WITHDRAWN = "ENTERED", "LISTED", "WITHDRAWN"
ASKED, OFFERED, ACCEPTED, DECLINED, SENT, TAKEN_UP, DONE, NOT_DONE, REVOKED = (
    "ASKED", "OFFERED", "ACCEPTED", "DECLINED", "SENT", "TAKEN_UP", "DONE", "NOT_DONE", "REVOKED",
)  # fmt: skip
LIVE, UNSAFE, REPLACED = "LIVE", "UNSAFE", "REPLACED"
PLANNED, LOGGED, CANCELLED, ENQUIRY = "PLANNED", "LOGGED", "CANCELLED", "ENQUIRY"
RECEIVED, ACKNOWLEDGED, EXAMINED, ANSWERED, CLOSED, APPEALED = (
    "RECEIVED", "ACKNOWLEDGED", "EXAMINED", "ANSWERED", "CLOSED", "APPEALED",
)  # fmt: skip
OPEN, LOOKED_AT = "OPEN", "LOOKED_AT"
# Clocks of care run only while help may still be reached.
WAITING = (ASKED, OFFERED, ACCEPTED, SENT)

# fmt: off
PROVIDER_MOVES = {
    "confirm_provider":  move(ENTERED,                              to=LISTED),
    "review_provider":   move(LISTED,                               to=LISTED),
    "withdraw_provider": move(ENTERED, LISTED,                      to=WITHDRAWN),
}
REFERRAL_MOVES = {
    "offer_referral":    move(ASKED,                                to=OFFERED),
    "accept_referral":   move(OFFERED,                              to=ACCEPTED),
    "decline_referral":  move(OFFERED,                              to=DECLINED),
    "send_referral":     move(ACCEPTED,                             to=SENT),
    "take_up_referral":  move(SENT,                                 to=TAKEN_UP),
    "finish_referral":   move(TAKEN_UP,                             to=DONE),
    "note_not_done":     move(SENT, TAKEN_UP,                       to=NOT_DONE),
    "revoke_referral":   move(ASKED, OFFERED, ACCEPTED, SENT, TAKEN_UP, to=REVOKED),
}
PLAN_MOVES = {
    "stop_plan":         move(LIVE, UNSAFE,                         to=UNSAFE),
    "review_plan":       move(UNSAFE,                               to=LIVE),
    "replace_plan":      move(LIVE, UNSAFE,                         to=REPLACED),
}
CONTACT_MOVES = {
    "log_contact":       move(PLANNED,                              to=LOGGED),
    "cancel_contact":    move(PLANNED,                              to=CANCELLED),
}
GRIEVANCE_MOVES = {
    "acknowledge_grievance": move(RECEIVED,                         to=ACKNOWLEDGED),
    "examine_grievance": move(ACKNOWLEDGED, APPEALED,               to=EXAMINED),
    "answer_grievance":  move(EXAMINED,                             to=ANSWERED),
    "appeal_grievance":  move(ANSWERED,                             to=APPEALED),
    "close_grievance":   move(ANSWERED,                             to=CLOSED),
}
SAFETY_MOVES = {
    "look_at_safety":    move(OPEN,                                 to=LOOKED_AT),
}
# fmt: on
